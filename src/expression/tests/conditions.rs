//! Conditions.

use super::*;

#[test]
fn conditions_hold() {
    for source in [
        "event.text",
        "event.kind == 'message.received'",
        "event.source == 'shop' and event.provider == 'whatsapp' and event.account == '1065'",
        "'refund' in event.text | lower",
        "event.text is matching('(?i)refund|lawyer')",
        "event.text is matching(\"\\\\bREFUND$\")",
        r"event.text is matching('want\sa')",
        "event.text is startingwith('I want') and event.text is endingwith 'REFUND'",
        "event.text is containing('want') and [1, 2] is containing(2)",
        "event.message.order.items | length == 2",
        "event.message.order.items[1].product == 'cup'",
        "event.message.order.items | map('product') | join('+') == 'tea+cup'",
        "event.message.errors.0.code > 130",
        "event.message.interactive.response.city == 'Ulm'",
        "event.raw.deep.list[1] == 20 and event.raw.no is none",
        "event.raw['deep']['list'] == [10, 20]",
        "event.kind in ['a', 'message.received']",
        "not event.status",
        "event.contact.bsuid is undefined and event.contact.id is defined",
        "event.message.text | split | last == 'REFUND'",
        "event.text | replace('REFUND', 'x') | trim('x') | upper == 'I WANT A '",
        "'12.7' | int == 12 and '12.5' | float == 12.5 and 'x' | int(3) == 3",
        "(event.message.errors[0].code | int) * 2 == 262",
        "event.text | default('x') == event.text and event.status.status | default('x') == 'x'",
        "1.25 | round(1) == 1.3 and -3 | abs == 3",
        "event.historical is false",
        "event.time == '2026-11-20T10:00:00Z'",
        "event",
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn what_is_missing_is_false() {
    for source in [
        "event.status",
        "event.status.pricing.category",
        "event.contact.username == 'x'",
        "event.status.status is matching('.')",
        "event.call.duration < 10",
        "event.kind and event.call.duration < 10 and event.text",
        "10 >= event.call.duration",
        "event.status.status | lower",
        "event.status.status | lower == ''",
        "event.status.errors | length == 0",
        "event.status.status is startingwith('')",
        "event.status is containing('')",
        "event.id",
        "event.conversation.id",
        "event.nonsense.deep.down",
        "event.text.nonsense",
    ] {
        assert!(!holds(source), "{source}");
    }
}

#[test]
fn mistakes_in_conditions_are_found_when_they_are_compiled() {
    for (source, message, hint, place) in [
        ("event.kind == 'x' && event.vip", "`&&` is not known here", "write `and`", "&&"),
        ("event.a || event.b", "`||` is not known here", "write `or`", "||"),
        ("!event.a", "`!` is not known here", "write `not`", "!"),
        ("event.kind === 'x'", "`===` is not known here", "write `==`", "==="),
        ("event.kind == 'x' === true", "`===` is not known here", "write `==`", "==="),
        ("event.kind = 'x'", "`=` is not known here", "write `==`", "="),
        (
            r"event.text is matching('\brefund')",
            r"`\b` in quotes is a backspace",
            r"write `'\\b'` for the border of a word",
            r"'\brefund'",
        ),
        (
            "{{ event.text }}",
            "a condition has no `{{ }}` around it",
            "write the expression alone",
            "{{ event.text }}",
        ),
        (
            "false and event.text | lowr",
            "there is no filter `lowr`",
            "did you mean `lower`?",
            "lowr",
        ),
        (
            "true or event.text is machting('x')",
            "there is no test `machting`",
            "did you mean `matching`?",
            "machting",
        ),
        (
            "false and foo(1)",
            "there is no function `foo`",
            "there are filters (`value | lower`) and tests (`value is string`)",
            "foo",
        ),
        (
            "event.text.startswith('x')",
            "there is no method `startswith`",
            "write it as a test: `value is startingwith(…)`",
            "startswith",
        ),
        (
            "event.text.lower() == 'x'",
            "there is no method `lower`",
            "write it as a filter: `value | lower`",
            "lower",
        ),
        (
            "event.text and not window.open",
            "`window` is not known here; a condition sees only `event`",
            "`window` is state, which belongs in `unless:`",
            "window",
        ),
        (
            "evnt.text",
            "`evnt` is not known here; a condition sees only `event`",
            "did you mean `event`?",
            "evnt",
        ),
        ("event.text * 3", "`*` multiplies numbers", "write `(… | float) * 2`", "event.text * 3"),
        (
            "event.text is matching(event.contact.name)",
            "`matching` takes one pattern, written in quotes",
            "write `event.text is matching('(?i)refund')`",
            "matching(event.contact.name)",
        ),
    ] {
        let error = Condition::compile(source).expect_err(source);
        assert_eq!(error.message, message, "{source}");
        assert_eq!(error.hint.as_deref(), Some(hint), "{source}");
        assert!(source[error.range.expect(source)].contains(place), "{source}");
    }
    for (source, message) in [
        ("event.text is matching('(')", "the pattern is not valid: unclosed group"),
        ("event.text is matching('a{1000}{1000}')", "the pattern is too large"),
        ("foo", "`foo` is not known here; a condition sees only `event`"),
        ("range(10)", "there is no function `range`"),
        ("event.text | indent(1000000000)", "there is no filter `indent`"),
        ("'%100000000d' | format(1)", "there is no filter `format`"),
        ("'x' * 100000000", "`*` multiplies numbers"),
        ("", "unexpected end of input, expected expression"),
        ("event.", "unexpected end of input, expected identifier or integer"),
        ("event.text }} x {{ event.text", "unexpected input after expression"),
    ] {
        let error = Condition::compile(source).expect_err(source);
        assert_eq!(error.message, message, "{source}");
    }
}
