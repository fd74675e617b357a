//! Nothing costs more than it may, and nothing panics.

use proptest::prelude::*;

use super::*;

#[test]
fn results_and_steps_are_bounded() {
    let nested = "{% for a in event.raw.list %}".repeat(5) + "x" + &"{% endfor %}".repeat(5);
    let long = format!("{{{{ event.raw.long }}}}{}", "{{ event.raw.long }}".repeat(20));
    let raw = json!({"list": vec![0; 100], "long": "x".repeat(100_000)}).to_string();
    let draft = Draft {
        kind: Kind::MESSAGE_RECEIVED,
        dedup_key: "1".into(),
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::default(),
        raw: 0..raw.len(),
    };
    let subject = Subject::draft("s".into(), Arc::new(draft), raw.into());
    for (source, message) in [
        (&*nested, "the expression takes too many steps"),
        (&*long, "the result is longer than 1 MiB"),
        (&*format!("{{# #}}{{% if true %}}{long}{{% endif %}}"), "the result is longer than 1 MiB"),
        (
            "{{ event.raw.long | replace('x', event.raw.long) }}",
            "the expression makes too much text",
        ),
        (
            "{{ event.raw.long | replace('', event.raw.long) }}",
            "the expression makes too much text",
        ),
        (
            "{% for a in event.raw.list %}{% if event.raw.long | lower %}{% endif %}{% endfor %}",
            "the expression makes too much text",
        ),
    ] {
        let error = Template::compile(source).unwrap().render(&subject).unwrap_err();
        assert_eq!(error.message, message, "{}", &source[..source.len().min(60)]);
    }
    for source in [
        "-".repeat(4000) + "1",
        "not ".repeat(4000) + "1",
        "(".repeat(4000),
        "[".repeat(4000),
        format!("event{}", ".a".repeat(4000)),
        format!("1{}", "+1".repeat(4000)),
        format!("1{}", "|int".repeat(3000)),
        format!("event.text{}", " ~ event.text".repeat(40)),
        "x".repeat(20_000),
    ] {
        assert!(Condition::compile(&source).is_err(), "{}", &source[..20]);
        assert!(Template::compile(&format!("{{{{ {source} }}}}")).is_err(), "{}", &source[..20]);
    }
    for source in [
        "(".repeat(70) + "1" + &")".repeat(70),
        "[".repeat(70) + "1" + &"]".repeat(70),
        "{1:".repeat(70) + "1" + &"}".repeat(70),
        "-".repeat(290) + "1",
        "not ".repeat(290) + "1",
        format!("event{}", ".a".repeat(140)),
        format!("1{}", "|abs".repeat(140)),
        format!("1{}", " if 1 else 1".repeat(90)),
        format!("event.text in [{}]", "'a', ".repeat(2000)),
    ] {
        // Deep, but allowed: neither compiling nor evaluating may exhaust a thread's stack.
        survives(&source);
        assert!(Condition::compile(&source).is_ok(), "{}", &source[..20]);
    }
    let nested = "{% if true %}".repeat(60) + "x" + &"{% endif %}".repeat(60);
    assert_eq!(Template::compile(&nested).unwrap().render_text(&subject).unwrap(), "x");
    let deep = "{% if true %}".repeat(1000) + &"{% endif %}".repeat(1000);
    assert!(Template::compile(&deep).is_err());
}

/// Something that looks like the language.
fn soup() -> impl Strategy<Value = String> {
    let words = vec![
        "event",
        ".",
        "text",
        "raw",
        "n",
        "deep",
        "list",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "'a'",
        "\"",
        "'",
        "\\",
        "1",
        "1.5",
        "99999999999999999999999",
        "|",
        "lower",
        "join",
        "default",
        "int",
        "items",
        "map",
        "json",
        "replace",
        "split",
        "is",
        "matching",
        "defined",
        "in",
        "and",
        "or",
        "not",
        "if",
        "else",
        "endif",
        "for",
        "endfor",
        "x",
        "loop",
        "set",
        "==",
        "<",
        "&&",
        "!",
        "*",
        "**",
        "+",
        "-",
        "~",
        "//",
        "%",
        ",",
        ":",
        "=",
        "raw",
        "endraw",
        "é",
        "\n",
        "-%}",
        "{%-",
    ];
    proptest::collection::vec(prop::sample::select(words), 0..40).prop_map(|it| it.join(" "))
}

/// Compiles and evaluates whatever it is given.
fn survives(source: &str) {
    let subject = subject();
    let within =
        |error: &Error| error.range.as_ref().is_none_or(|it| source.get(it.clone()).is_some());
    match Condition::compile(source) {
        Ok(condition) => drop(condition.holds(&subject)),
        Err(error) => assert!(within(&error), "{source:?}: {error:?}"),
    }
    match Template::compile(source) {
        Ok(template) => {
            if let Ok(text) = template.render_text(&subject) {
                assert!(text.len() <= limit::OUTPUT.max(source.len()));
            }
            drop(template.render(&subject));
        }
        Err(error) => assert!(within(&error), "{source:?}: {error:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_answered(source in "\\PC*") {
        survives(&source);
        survives(&format!("{{{{ {source} }}}}"));
    }

    #[test]
    fn any_soup_of_words_is_answered(source in soup()) {
        survives(&source);
        survives(&format!("{{{{ {source} }}}}"));
        survives(&format!("{{% if {source} %}}a{{% endif %}}"));
    }
}
