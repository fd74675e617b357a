//! Routing, and that `explain` tells the truth about it.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::event::facts::{Channel, Message};
use crate::event::{Facts, Kind};

fn draft(kind: &str, text: &str) -> Draft {
    Draft {
        kind: Kind::parse(kind),
        dedup_key: "1".into(),
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::new(Facts {
            channel: Channel {
                provider: "whatsapp".into(),
                account: "1065".into(),
                ..Channel::default()
            },
            message: Some(Message { text: Some(text.into()), ..Message::default() }),
            ..Facts::default()
        }),
        raw: 0..2,
    }
}

fn subject(draft: &Draft) -> Subject {
    Subject::draft("shop".into(), Arc::new(draft.clone()), Bytes::from_static(b"{}"))
}

fn route(name: &str) -> Route {
    let target = Target { destination: format!("to {name}").into(), payload: None };
    Route {
        unless: None,
        files: Files::Told,
        collect: None,
        name: name.into(),
        from: HashSet::new(),
        on: Vec::new(),
        when: None,
        to: vec![target],
        stop: false,
        otherwise: false,
        history: false,
    }
}

fn when(source: &str, route: Route) -> Route {
    Route { when: Some(Condition::compile(source).unwrap()), ..route }
}

fn from(name: &str) -> HashSet<String> {
    HashSet::from([name.to_owned()])
}

fn matched(table: &Table, draft: &Draft) -> Vec<String> {
    let routed = table.route("shop", draft, &subject(draft));
    routed.iter().map(|it| it.route.to_string()).collect()
}

#[test]
fn every_route_that_listens_is_asked_in_the_order_of_the_file() {
    let table = Table::new(vec![
        Route { otherwise: true, ..route("rest") },
        Route { on: vec!["call.*".into()], ..route("calls") },
        Route { from: from("shop"), ..route("source") },
        Route { from: from("whatsapp"), ..route("provider") },
        Route { from: from("1065"), ..route("account") },
        Route { from: from("telegram"), ..route("elsewhere") },
        Route { on: vec!["message.*".into()], ..route("messages") },
        Route { on: vec!["*".into()], ..route("all") },
        Route { on: vec!["call.ended".into(), "message.received".into()], ..route("two") },
        when("event.text == 'no'", route("no")),
        when("event.text", route("yes")),
    ]);
    assert_eq!(
        matched(&table, &draft("message.received", "hello")),
        ["source", "provider", "account", "messages", "all", "two", "yes"]
    );
    assert_eq!(
        matched(&table, &draft("call.ended", "")),
        ["calls", "source", "provider", "account", "all", "two"]
    );
}

#[test]
fn stop_ends_there_and_otherwise_waits_for_nobody_else() {
    let table = Table::new(vec![
        Route { otherwise: true, ..route("first rest") },
        Route { otherwise: true, ..route("second rest") },
        Route { stop: true, ..when("event.text == 'stop'", route("stop")) },
        when("event.text is startingwith('s')", route("s")),
    ]);
    assert_eq!(matched(&table, &draft("message.received", "stop")), ["stop"]);
    assert_eq!(matched(&table, &draft("message.received", "so")), ["s"]);
    assert_eq!(matched(&table, &draft("message.received", "x")), ["first rest"]);
    let draft = draft("message.received", "stop");
    let why: Vec<String> = table
        .explain("shop", &draft, &subject(&draft))
        .iter()
        .map(|it| format!("{}: {}", it.route, it.why))
        .collect();
    assert_eq!(
        why,
        [
            "stop: it matches",
            "s: `stop` stopped before it",
            "first rest: `stop` stopped before it",
            "second rest: `stop` stopped before it",
        ]
    );
}

#[test]
fn history_is_only_for_routes_that_ask_for_it() {
    let table = Table::new(vec![route("now"), Route { history: true, ..route("always") }]);
    let historical = Draft { historical: true, ..draft("message.received", "x") };
    assert_eq!(matched(&table, &historical), ["always"]);
}

#[test]
fn a_condition_that_fails_is_a_dead_delivery_and_counts_as_matched() {
    let table = Table::new(vec![
        when("event.text | int > 1", route("failing")),
        Route { otherwise: true, ..route("rest") },
    ]);
    let draft = draft("message.received", "many");
    let routed = table.route("shop", &draft, &subject(&draft));
    assert_eq!(routed.len(), 1);
    assert_eq!(routed[0].failed.as_ref().unwrap().message, "`many` is no number");
    let explained = table.explain("shop", &draft, &subject(&draft));
    assert!(explained[0].matched);
    assert_eq!(explained[1].why, Why::AnotherMatched);
}

#[test]
fn a_route_is_found_by_its_name() {
    let table = Table::new(vec![Route { otherwise: true, ..route("b") }, route("a")]);
    assert_eq!(&*table.route_named("b").unwrap().name, "b");
    assert!(table.route_named("c").is_none());
}

/// The rules again, as short as they can be said.
fn reference(routes: &[Route], source: &str, draft: &Draft, subject: &Subject) -> Vec<Arc<str>> {
    let channel = &draft.facts.channel;
    let wants = |it: &&Route| {
        (it.history || !draft.historical)
            && (it.from.is_empty()
                || [source, &channel.provider, &channel.account]
                    .iter()
                    .any(|name| it.from.contains(*name)))
            && (it.on.is_empty() || it.on.iter().any(|on| takes(on, draft.kind.as_str())))
            && it.when.as_ref().is_none_or(|when| when.holds(subject).unwrap_or(true))
    };
    let mut taken = Vec::new();
    for it in routes.iter().filter(|it| !it.otherwise).filter(wants) {
        taken.push(Arc::clone(&it.name));
        if it.stop {
            break;
        }
    }
    if taken.is_empty() {
        taken.extend(routes.iter().filter(|it| it.otherwise).find(wants).map(|it| it.name.clone()));
    }
    taken
}

prop_compose! {
    fn any_route()(
        from in proptest::collection::hash_set(
            prop::sample::select(vec!["shop", "whatsapp", "1065", "telegram"]), 0..3),
        on in proptest::collection::vec(
            prop::sample::select(vec![
                "*", "message.*", "call.*", "message.received", "message.re*", "call.ended", "own",
            ]), 0..3),
        when in prop::sample::select(vec![
            "", "event.text", "event.text == 'a'", "event.contact.name == 'b'", "event.text | int",
        ]),
        stop in proptest::bool::weighted(0.1),
        otherwise in proptest::bool::weighted(0.3),
        history: bool,
    ) -> Route {
        Route {
            from: from.into_iter().map(str::to_owned).collect(),
            on: on.into_iter().map(str::to_owned).collect(),
            when: (!when.is_empty()).then(|| Condition::compile(when).unwrap()),
            stop, otherwise, history,
            ..route("?")
        }
    }
}

proptest! {
    #[test]
    fn the_index_and_the_explanation_agree_with_the_rules(
        routes in proptest::collection::vec(any_route(), 0..12),
        source in prop::sample::select(vec!["shop", "other"]),
        kind in prop::sample::select(vec!["message.received", "message.sent", "call.ended", "own"]),
        text in prop::sample::select(vec!["", "a", "7"]),
        historical: bool,
    ) {
        let named = routes.into_iter().enumerate();
        let named: Vec<Route> =
            named.map(|(at, it)| Route { name: at.to_string().into(), ..it }).collect();
        let draft = Draft { historical, ..draft(kind, text) };
        let subject = subject(&draft);
        let expected = reference(&named, source, &draft, &subject);
        let table = Table::new(named);
        let routed: Vec<_> =
            table.route(source, &draft, &subject).into_iter().map(|it| it.route).collect();
        let explained = table.explain(source, &draft, &subject);
        let matched: Vec<_> =
            explained.into_iter().filter(|it| it.matched).map(|it| it.route).collect();
        prop_assert_eq!(&routed, &expected);
        prop_assert_eq!(&matched, &expected);
    }
}
