//! What expressions see, and where it stands on the wire.

use super::*;
use crate::event::paths;

#[test]
fn paths_are_listed_where_they_stand() {
    let source = "event.text and 'a' in event.message.order.items[0].product or event[event.kind]";
    let condition = Condition::compile(source).unwrap();
    let paths: Vec<_> =
        condition.paths().iter().map(|it| (&*it.name, &source[it.range.clone()])).collect();
    assert_eq!(
        paths,
        [
            ("event.text", "event.text"),
            ("event.message.order.items.0.product", "event.message.order.items[0].product"),
            ("event", "event"),
            ("event.kind", "event.kind"),
        ]
    );
    let source =
        "{% for it in event.message.contacts %}{{ it.name }}{% endfor %}{{ event.text | lower }}";
    let template = Template::compile(source).unwrap();
    let names: Vec<_> = template.paths().iter().map(|it| &source[it.range.clone()]).collect();
    assert_eq!(names, ["event.message.contacts", "event.text"]);
}

#[test]
fn an_event_shows_what_the_journal_gave_it() {
    let subject = Subject::event(Arc::new(event()));
    let render = |source: &str| Template::compile(source).unwrap().render(&subject).unwrap();
    assert_eq!(render("{{ event.id }}"), json!("00000000-0000-0000-0000-000000000001"));
    assert_eq!(render("{{ event.sequence }}"), json!("7"));
    assert_eq!(render("{{ event.hops }}"), json!(1));
    assert_eq!(render("{{ event.received }}"), json!("2026-11-20T10:00:01Z"));
    assert_eq!(
        render("{{ event.conversation }}"),
        json!({"id": "00000000-0000-0000-0000-000000000002"})
    );
    let whole: Value =
        serde_json::from_str(render("{{ event | tojson }}").as_str().unwrap()).unwrap();
    let raw: Value = serde_json::from_str(RAW).unwrap();
    assert_eq!(whole["raw"], raw);
    assert_eq!(whole["kind"], "message.received");
    assert_eq!(whole["contact"]["phone"], "+49151");
    assert!(whole.get("status").is_none());
}

#[test]
fn every_name_has_the_value_of_its_place_on_the_wire() {
    let event = event();
    let wire: Value = serde_json::from_slice(&event.to_wire("http://x")).unwrap();
    let subject = Subject::event(Arc::new(event));
    let mut seen = 0;
    for path in paths::all().iter().filter(|it| !it.name.contains("[]") && it.name != "event") {
        let pointer = format!("/{}", path.wire.replace('.', "/"));
        let source = format!("{{{{ {} }}}}", path.name);
        let value = Template::compile(&source).unwrap().render(&subject).ok();
        assert_eq!(value.as_ref(), wire.pointer(&pointer), "{}", path.name);
        seen += usize::from(value.is_some());
    }
    assert!(seen > 30, "{seen}");
    let Value::Object(names) = render("{{ event }}").unwrap() else { panic!("no object") };
    for name in names.keys() {
        assert!(paths::exists(&format!("event.{name}"), &[]).is_ok(), "{name}");
    }
}

#[test]
fn short_cuts_answer_as_the_engine_does() {
    let subject = subject();
    for path in paths::all().iter().filter(|it| !it.name.contains("[]")) {
        let name = &path.name;
        // Parentheses and a comment keep the engine from being passed by.
        let slow =
            Template::compile(&format!("{{# #}}{{% if true %}}<{{{{ {name} }}}}>{{% endif %}}"));
        let fast = Template::compile(&format!("<{{{{ {name} }}}}>"));
        let slow = slow.unwrap().render(&subject).map_err(|it| it.message);
        assert_eq!(fast.unwrap().render(&subject).map_err(|it| it.message), slow, "{name}");
        assert_eq!(holds(name), holds(&format!("{name} and true")), "{name}");
        let native = Template::compile(&format!("{{{{ {name} }}}}")).unwrap().render(&subject);
        let slow =
            Template::compile(&format!("{{{{ {name} if true }}}}")).unwrap().render(&subject);
        assert_eq!(native.ok(), slow.ok().filter(|it| !it.is_null()), "{name}");
    }
}

#[test]
fn leading_conjuncts_answer_as_the_engine_does() {
    let conjuncts = [
        "event.text",
        "event.text == 'I want a REFUND'",
        "event.text == ''",
        "event.kind == 'message.received'",
        "event.status.status == ''",
        "event.contact.username",
        "event.raw.n == '1'",
        "event.raw.n == 1",
        "event.raw.n",
        "event.raw.deep == 'x'",
        "event.text is matching('(?i)refund')",
        "'x' == event.text",
    ];
    for first in conjuncts {
        for second in conjuncts {
            let source = format!("{first} and {second}");
            assert_eq!(holds(&source), holds(&format!("true and {source}")), "{source}");
            let source = format!("{first} and ({second} and event.kind)");
            assert_eq!(holds(&source), holds(&format!("true and {source}")), "{source}");
        }
    }
}

#[test]
fn what_others_than_chats_send_can_be_asked_for() {
    let facts: Box<Facts> = serde_json::from_value(json!({
        "comment": {"id": "c", "item": "post"},
        "lead": {"email": "e", "fields": {"product": {"name": "p"}}},
        "flow": {"id": "f"},
        "agent": {"credits": 2.0},
        "fields": {"total": 7, "list": [{"sku": "A1"}]},
    }))
    .unwrap();
    let subject = Subject::event(Arc::new(Event { facts, ..event() }));
    for condition in [
        "event.comment.item == 'post'",
        "event.lead.email == 'e'",
        "event.lead.fields.product.name == 'p'",
        "event.flow.id == 'f'",
        "event.agent.credits == 2",
        "event.fields.total > 6",
        "event.fields.list[0].sku == 'A1'",
    ] {
        assert_eq!(Condition::compile(condition).unwrap().holds(&subject), Ok(true), "{condition}");
    }
}

#[test]
fn what_was_looked_up_is_seen_by_name_and_what_found_nothing_is_missing() {
    let found = json!({ "stock": { "count": 3, "sizes": ["S", "M"] } });
    let lookup = found.as_object().unwrap().clone();
    let subject = Subject::event(Arc::new(event())).with(&State { lookup, ..State::default() });
    let render = |source: &str| Template::on_state(source).unwrap().render(&subject);
    let holds = |source: &str| Condition::on_state(source).unwrap().holds(&subject).unwrap();
    assert_eq!(render("{{ lookup.stock.count }}"), Ok(json!(3)));
    assert_eq!(
        render("{{ lookup.stock.sizes[1] }} of {{ lookup.stock.count }}"),
        Ok(json!("M of 3"))
    );
    assert!(holds("lookup.stock.count < 5") && !holds("lookup.customer.tags"));
    let name = "{{ lookup.customer.name if lookup.customer else 'you' }}";
    assert_eq!(render(name), Ok(json!("you")));
    assert_eq!(render("{{ lookup.stock.colour | default('any') }}"), Ok(json!("any")));
    let error = render("Dear {{ lookup.customer.name }}").unwrap_err();
    assert_eq!(error.message, "`lookup.customer.name` is missing");
    let template = Template::on_state("{{ lookup.customer.name }}{{ event.text }}").unwrap();
    let names: Vec<&str> = template.lookups().iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["lookup.customer.name"]);
    let error = Template::compile("{{ lookup.stock }}").unwrap_err();
    assert_eq!(error.message, "`lookup` is not known here; a template sees only `event`");
}
