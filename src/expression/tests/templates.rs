//! Templates and payloads.

use super::*;

#[test]
fn a_template_that_is_one_expression_keeps_its_type() {
    for (source, value) in [
        ("{{ event.raw.n }}", json!(1)),
        ("{{ event.raw.f }}", json!(1.5)),
        ("{{ event.raw.big }}", json!(18_446_744_073_709_551_615_u64)),
        ("{{ event.raw.no }}", Value::Null),
        ("{{ event.raw.deep }}", json!({"list": [10, 20]})),
        ("{{ event.raw.deep.list }}", json!([10, 20])),
        ("{{ event.historical }}", json!(false)),
        ("{{ event.text is string }}", json!(true)),
        ("{{ {'a': {'b': event.raw.n}} }}", json!({"a": {"b": 1}})),
        ("{{ -1 }}", json!(-1)),
        ("  {{- event.raw.n -}} \n", json!(1)),
        ("{{ event.message.order.items | length }}", json!(2)),
        ("{{ '0049151' }}", json!("0049151")),
        ("{{ '}} {{' }}", json!("}} {{")),
        ("{{ event.raw.n }}{{ event.raw.n }}", json!("11")),
        ("0049151", json!("0049151")),
        ("{{ event.raw.n }}.", json!("1.")),
        ("{{ event.contact.name }}", json!("Ada {{ 7*7 }}")),
        ("Dear {{ event.contact.name }}", json!("Dear Ada {{ 7*7 }}")),
        ("{{ event.contact.name | upper }}!", json!("ADA {{ 7*7 }}!")),
        ("{{ event.source }}.{{ event.kind }}", json!("shop.message.received")),
        ("{{ 'vip' if event.status }}", Value::Null),
        ("<{{ 'vip' if event.status }}>", json!("<>")),
        ("{{ event.contact.username | default('you') }}", json!("you")),
        ("{{ event.contact.username or 'you' }}", json!("you")),
        ("{{ event.raw.deep | json }}", json!("{\"list\":[10,20]}")),
        ("{% if event.status %}a{% else %}b{% endif %}", json!("b")),
        (
            "{% for item in event.message.order.items %}{{ loop.index }} {{ item.product }};{% endfor %}",
            json!("1 tea;2 cup;"),
        ),
        (
            "{% for k, v in event.raw.deep | items %}{{ k }}={{ v }}{% endfor %}",
            json!("list=[10, 20]"),
        ),
        ("{# nothing #}x", json!("x")),
        (" {{ event.raw.n }}\n", json!(1)),
        ("a\n", json!("a\n")),
        ("{{ event.source }}!\n", json!("shop!\n")),
        ("{{ event.source | upper }}!\n", json!("SHOP!\n")),
        ("{% raw %}{{ x }}{% endraw %}", json!("{{ x }}")),
    ] {
        assert_eq!(render(source).unwrap_or_else(|it| panic!("{source}: {it}")), value, "{source}");
    }
}

#[test]
fn what_is_missing_in_a_template_is_named() {
    for (source, name) in [
        ("{{ event.contact.username }}", "event.contact.username"),
        ("Dear {{ event.contact.username }}", "event.contact.username"),
        ("{{ event.text }}{{ event.contact.username | upper }}", "event.contact.username"),
        ("{{ event.contact.username | upper }}", "event.contact.username"),
        ("{{ event.status.pricing.category }}", "event.status.pricing.category"),
        ("{{ event.text ~ event.contact.username }}", "event.contact.username"),
        ("{{ event.text ~ event.status.status }}.", "event.status.status"),
        ("{% for it in event.status.errors %}{% endfor %}", "event.status.errors"),
        ("{% for it in event.message.order.items %}{{ it.colour }}{% endfor %}", "it.colour"),
        ("{{ event.raw.deep.list[7] }}", "event.raw.deep.list.7"),
        ("{{ event.id }}", "event.id"),
        ("{{ [event.text, event.contact.username] }}", "event.contact.username"),
        ("{{ {'a': {'b': event.contact.username}} }}", "event.contact.username"),
        ("{{ {'a': event.contact.username} | json }}!", "event.contact.username"),
        ("{{ [event.contact.username] | join }}!", "event.contact.username"),
        ("{{ event.message.order.items | map('colour') | join }}", "map('colour')"),
    ] {
        let error = render(source).expect_err(source);
        assert_eq!(error.message, format!("`{name}` is missing"), "{source}");
    }
}

#[test]
fn mistakes_in_templates_are_found_when_they_are_compiled() {
    for (source, message, place) in [
        ("Hi {{ event.text | lowr }}", "there is no filter `lowr`", "lowr"),
        ("{% if false %}{{ event.text | lowr }}{% endif %}", "there is no filter `lowr`", "lowr"),
        ("a && b {{ event.text && 1 }}", "`&&` is not known here", "&&"),
        ("{{ thread.id }}", "`thread` is not known here; a template sees only `event`", "thread"),
        ("{{ self.x() }}", "there is no method `x`", "x"),
        ("{% set x = 1 %}", "this statement is not known here", "set"),
        ("{% include 'x' %}", "this statement is not known here", "include"),
        ("{% macro m() %}{% endmacro %}", "this statement is not known here", "macro"),
        (
            "{% for a in [event.text ~ event.text] %}{% endfor %}",
            "this loop is not known here",
            "[",
        ),
        ("{{ event.text", "unexpected end of input, expected end of variable block", ""),
    ] {
        let error = Template::compile(source).expect_err(source);
        assert_eq!(error.message, message, "{source}");
        assert!(source[error.range.expect(source)].contains(place), "{source}");
    }
}

#[test]
fn payloads_render_and_name_the_place() {
    let payload = Payload::compile(&json!({
        "text": "Hi {{ event.contact.name }}",
        "data": {"n": "{{ event.raw.n }}", "list": [1, true, null, "{{ event.kind }}"]},
    }))
    .unwrap();
    assert_eq!(
        payload.render(&subject()).unwrap(),
        json!({
            "text": "Hi Ada {{ 7*7 }}",
            "data": {"n": 1, "list": [1, true, null, "message.received"]},
        })
    );
    let places: Vec<_> = payload.paths().into_iter().map(|it| it.0).collect();
    assert_eq!(places, ["data.list.3", "data.n", "text"]);
    let payload =
        Payload::compile(&json!({"data": {"customerName": "{{ event.contact.username }}"}}));
    assert_eq!(
        payload.unwrap().render(&subject()).unwrap_err().message,
        "`data.customerName`: `event.contact.username` is missing"
    );
    let error = Payload::compile(&json!({"a": ["{{ x }}"]})).unwrap_err();
    assert_eq!(error.message, "`a.0`: `x` is not known here; a template sees only `event`");
}

#[test]
fn what_goes_into_a_url_is_encoded() {
    let render = |source: &str| Template::compile(source).unwrap().render(&subject());
    let encoded = render("{{ 'a b&c=ü/?#%' | urlencode }}");
    assert_eq!(encoded, Ok(json!("a%20b%26c%3D%C3%BC%2F%3F%23%25")));
    assert_eq!(render("{{ 'A-z._~9' | urlencode }}"), Ok(json!("A-z._~9")));
}
