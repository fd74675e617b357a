//! `docs/expressions.md`: the language. Every example on the page is evaluated here.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use sluicegate::expression::{
    Condition, Payload, Role, State, Subject, TakenOver, Template, VOCABULARY, Window,
};

use super::{code, events, table};

/// Conditions, and whether they hold for the example event.
const CONDITIONS: &[(&str, bool)] = &[
    ("event.text", true),
    ("event.kind == 'message.received'", true),
    ("'color' in event.text | lower", true),
    ("event.text is matching('(?i)refund|lawyer')", false),
    (r"event.text is matching('\\bcolou?r\\b')", true),
    ("event.message.media", false),
    ("not event.message.media", true),
    ("event.call.duration > 10", false),
    ("event.contact.name is startingwith('Sheena') and not event.historical", true),
    ("event.message.type in ['text', 'image']", true),
    ("event.raw.text.body == event.text", true),
];

/// Templates, and what they become with the example event.
const TEMPLATES: &[&str] = &[
    "Dear {{ event.contact.name }}",
    "{{ event.source }}.{{ event.kind }}",
    "{{ event.historical }}",
    "{{ event.raw.text }}",
    "{{ event.contact.username | default('friend') }}",
    "{{ event.text | upper }}!",
    "{{ 'vip' if event.contact.name == 'Sheena Nelson' else 'guest' }}",
    "{% if event.message.media %}a file{% else %}no file{% endif %}",
    "{% for word in event.contact.name | split %}{{ loop.index }}. {{ word }} {% endfor %}",
];

/// Conditions on how the conversation stands, and whether they hold for the example below.
const STANDING: &[(&str, bool, &str)] = &[
    ("takeover", true, "A person answers in place of the bot."),
    (
        "takeover.by == 'business_app'",
        true,
        "What told of it; also `takeover.since` and `takeover.until`.",
    ),
    (
        "not window.open",
        false,
        "The contact wrote more than 24 hours ago; `window.closes` says when it ends.",
    ),
    ("thread", true, "The thread that the destination keeps of the conversation."),
    ("suppressed", false, "Why the contact must not be sent marketing."),
    (
        "events | length > 1",
        false,
        "Every event of the burst, with `collect`; `event` is the newest.",
    ),
    ("takeover or not window.open", true, "What most chat routes say."),
];

/// One example for each word. Tests are shown as the template that asks them.
const WORDS: &[(Role, &str, &str)] = &[
    (Role::Filter, "abs", "-3 | abs"),
    (Role::Filter, "capitalize", "'ada LOVELACE' | capitalize"),
    (Role::Filter, "default", "event.contact.username | default('friend')"),
    (Role::Filter, "first", "event.contact.name | split | first"),
    (Role::Filter, "float", "'12.5' | float"),
    (Role::Filter, "int", "event.raw.timestamp | int"),
    (Role::Filter, "items", "event.raw.text | items"),
    (Role::Filter, "join", "['a', 'b'] | join(', ')"),
    (Role::Filter, "json", "event.raw.text | json"),
    (Role::Filter, "last", "event.contact.name | split | last"),
    (Role::Filter, "length", "event.contact.name | length"),
    (Role::Filter, "lower", "event.contact.name | lower"),
    (Role::Filter, "map", "[{'product': 'tea'}, {'product': 'cup'}] | map('product')"),
    (Role::Filter, "replace", "event.contact.phone | replace('+', '00')"),
    (Role::Filter, "round", "2.345 | round(2)"),
    (Role::Filter, "split", "'a,b' | split(',')"),
    (Role::Filter, "string", "12 | string"),
    (Role::Filter, "title", "'ada lovelace' | title"),
    (Role::Filter, "tojson", "['a', 1] | tojson"),
    (Role::Filter, "trim", "'  a ' | trim"),
    (Role::Filter, "upper", "event.contact.name | upper"),
    (Role::Filter, "urlencode", "event.contact.name | urlencode"),
    (Role::Test, "boolean", "event.historical is boolean"),
    (Role::Test, "containing", "event.text is containing('color')"),
    (Role::Test, "defined", "event.contact.username is defined"),
    (Role::Test, "endingwith", "event.text is endingwith('?')"),
    (Role::Test, "false", "event.historical is false"),
    (Role::Test, "in", "event.message.type is in(['text', 'image'])"),
    (Role::Test, "mapping", "event.contact is mapping"),
    (Role::Test, "matching", "event.text is matching('(?i)COLOR')"),
    (Role::Test, "none", "event.raw.text is none"),
    (Role::Test, "number", "event.raw.timestamp is number"),
    (Role::Test, "sequence", "['a'] is sequence"),
    (Role::Test, "startingwith", "event.contact.phone is startingwith('+1')"),
    (Role::Test, "string", "event.text is string"),
    (Role::Test, "true", "event.historical is true"),
    (Role::Test, "undefined", "event.contact.username is undefined"),
];

pub(super) fn page() -> String {
    let subject = Subject::event(Arc::new(events::example()));
    let mut page = "# Expressions\n\n\
        Conditions (`when:`) and templates (strings with `{{ … }}`) are one language, \
        [Jinja](https://jinja.palletsprojects.com), over one subject: `event`. Its names are listed \
        under [events](events.md#names-in-expressions).\n\n\
        The examples are those of the [example event](events.md#an-example): Sheena Nelson wrote \
        *Does it come in another color?*\n\n\
        ## Conditions\n\n\
        A condition is an expression without `{{ }}`. What is missing is false, and so is a comparison \
        with it. A condition that fails to evaluate becomes a dead delivery of its route, where you see \
        it.\n\n"
        .to_owned();
    let rows = CONDITIONS.iter().map(|(source, holds)| {
        let compiled = Condition::compile(source).unwrap();
        assert_eq!(compiled.holds(&subject).unwrap(), *holds, "{source}");
        [code(source), if *holds { "holds" } else { "does not hold" }.to_owned()]
    });
    page.push_str(&table(["Condition", "For the example"], rows));
    page.push_str(
        "\nOperators: `and` `or` `not` `==` `!=` `<` `<=` `>` `>=` `in` `not in` `is` `is not` `+` `-` `*` \
         `/` `//` `%` `**` `~` (joins texts), `a if b else c`, `a.b`, `a[0]`, `a['b']`.\n\n\
         ## Templates\n\n\
         A string that is exactly one `{{ … }}` keeps its type: a number stays a number. Any other string \
         with markup becomes a text. `{% if %}` and `{% for %}` work as in Jinja. What is missing is an \
         error that names it, and makes the delivery dead: give it a `default`.\n\n",
    );
    let rows = TEMPLATES.iter().map(|source| {
        let value = Template::compile(source).unwrap().render(&subject).unwrap();
        [code(source), code(value)]
    });
    page.push_str(&table(["Template", "Becomes"], rows));
    payload(&mut page, &subject);
    missing(&mut page, &subject);
    standing(&mut page, &subject);
    for (role, heading) in [(Role::Filter, "Filters"), (Role::Test, "Tests")] {
        let how = match role {
            Role::Filter => "`value | name` makes a new value. Filters can follow each other.",
            Role::Test => {
                "`value is name` is `true` or `false`; `value is not name` the other way round."
            }
        };
        let rows = VOCABULARY.iter().filter(|it| it.role == role).map(|word| {
            let example = WORDS.iter().find(|it| (it.0, it.1) == (role, word.name));
            let source = example.unwrap_or_else(|| panic!("WORDS lacks `{}`", word.name)).2;
            assert!(source.contains(word.name), "{source} shows `{}`", word.name);
            let value = Template::compile(&format!("{{{{ {source} }}}}")).unwrap();
            let value = value.render(&subject).unwrap();
            [code(word.name), word.summary.to_owned(), code(source), code(value)]
        });
        let rows = table(["Name", "What it does", "Example", "Result"], rows.collect::<Vec<_>>());
        let _ = write!(page, "\n## {heading}\n\n{how}\n\n{rows}");
    }
    assert_eq!(WORDS.len(), VOCABULARY.len(), "an example for a word that is gone");
    page.push_str(
        "\n## Bounds\n\n\
         An expression comes from you, its values from anybody. So one evaluation has a bounded number of \
         steps, a result is at most 1 MiB, and `sluicegate check` refuses an expression that is too long \
         or names what does not exist. Regular expressions take time in proportion to the text, whatever \
         they say.\n",
    );
    page
}

/// A payload, as a route gives it.
fn payload(page: &mut String, subject: &Subject) {
    let payload = json!({
        "customer": "{{ event.contact.name }}",
        "late": "{{ event.historical }}",
        "words": "{{ event.text | split | length }}",
    });
    let value = Payload::compile(&payload).unwrap().render(subject).unwrap();
    let json = |it: &Value| serde_json::to_string_pretty(it).unwrap();
    let _ = write!(
        page,
        "\nIn a payload every string is a template, at any depth; keys stay as they are. This\n\n\
         ```json\n{}\n```\n\nbecomes\n\n```json\n{}\n```\n",
        json(&payload),
        json(&value)
    );
}

/// What `unless:` and payloads see beside the event.
fn standing(page: &mut String, subject: &Subject) {
    let state = State {
        window: Window { open: true, closes: Some("2026-11-21T10:00:00Z".into()) },
        takeover: Some(TakenOver {
            by: "business_app".into(),
            since: "2026-11-20T10:05:00Z".into(),
            until: "2026-11-20T11:05:00Z".into(),
        }),
        thread: Some("thread-1".into()),
        ..State::default()
    };
    let subject = subject.clone().with(&state);
    let rows = STANDING.iter().map(|(source, holds, what)| {
        let held = Condition::on_state(source).unwrap().holds(&subject).unwrap();
        assert_eq!(held, *holds, "{source}");
        let holds = if *holds { "holds" } else { "does not hold" };
        [code(source), (*what).to_owned(), holds.to_owned()]
    });
    let rows =
        table(["`unless:`", "What it asks", "While somebody answers from the Business app"], rows);
    let _ = write!(
        page,
        "\n## How the conversation stands\n\n\
         `unless:` and payloads are evaluated right before each attempt, and also see how the conversation \
         stands then. Where `unless:` holds, the delivery is skipped, and says why. `when:` does not see \
         it: routing must not depend on the moment.\n\n{rows}",
    );
}

/// What a mistake looks like.
fn missing(page: &mut String, subject: &Subject) {
    let source = "{{ event.contact.username }}";
    let error = Template::compile(source).unwrap().render(subject).unwrap_err();
    let wrong = "event.text | lowr";
    let mistake = Condition::compile(wrong).unwrap_err();
    let _ = write!(
        page,
        "\nThe example has no user name, so `{source}` ends with: *{error}*. A mistake is found before \
         anything runs: `{wrong}` is refused with *{mistake}; {}*\n",
        mistake.hint.clone().unwrap(),
    );
}
