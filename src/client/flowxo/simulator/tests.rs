//! What the simulated Flow XO does with its data: order, pages, and deeds.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::API;
use super::super::tests::{PATH, ask, json_of, now, simulator};
use crate::client::{Asked, Simulator};

fn populated(conversations: u64, seed: u64) -> Box<dyn Simulator> {
    let mut simulator = (API.simulator)();
    let arguments = json!({ "conversations": conversations, "messages": 20, "seed": seed });
    simulator.deed("populate", &arguments, now()).unwrap();
    simulator
}

fn truth(simulator: &mut dyn Simulator) -> Vec<Value> {
    let truth = simulator.deed("truth", &json!({}), now()).unwrap();
    truth["conversations"].as_array().unwrap().clone()
}

/// Every page of a call.
fn pages(
    simulator: &mut dyn Simulator,
    call: &str,
    values: &[(&'static str, &str)],
    limit: usize,
) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    loop {
        let (skip, limit_text) = (list.len().to_string(), limit.to_string());
        let mut values = values.to_vec();
        values.extend([("skip", &*skip), ("limit", &*limit_text)]);
        let answer = json_of(&ask(simulator, call, &values));
        let page = if call == "messages" { &answer } else { &answer["conversations"] };
        let page = page.as_array().unwrap();
        list.extend(page.iter().cloned());
        if page.len() < limit {
            return list;
        }
    }
}

#[test]
fn the_truth_is_what_the_pages_say() {
    let mut simulator = populated(60, 5);
    simulator.deed("advance", &json!({ "count": 300, "seed": 2 }), now()).unwrap();
    let all = pages(&mut *simulator, "conversations", &[], 7);
    let ids: BTreeSet<&str> = all.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (60, 60), "none is on two pages, none is left out");
    let latest = |it: &Value| it["last_message"]["timestamp"].as_str().unwrap().to_owned();
    assert!(all.is_sorted_by(|one, other| latest(one) >= latest(other)));
    for entry in truth(&mut *simulator) {
        assert!(all.contains(&entry["conversation"]));
        let id = entry["conversation"]["id"].as_str().unwrap();
        let mut newest = pages(&mut *simulator, "messages", &[("id", id)], 9);
        newest.reverse();
        assert_eq!(json!(newest), entry["messages"]);
        let ids: Vec<_> = newest.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert!(ids.is_sorted() && ids.iter().all(|it| it.len() == 24), "{ids:?}");
    }
}

#[test]
fn a_new_message_brings_its_conversation_to_the_front() {
    let mut simulator = populated(60, 3);
    let all = pages(&mut *simulator, "conversations", &[], 25);
    let last = all.last().unwrap();
    let written = json!({ "from": last["id"], "text": "hello again" });
    simulator.deed("message", &written, now()).unwrap();
    let first = json_of(&ask(&mut *simulator, "conversations", &[("limit", "1")]));
    assert_eq!(first["conversations"][0]["id"], last["id"]);
    let message = &first["conversations"][0]["last_message"];
    assert_eq!((&message["message"], &message["role"]), (&json!("hello again"), &json!("channel")));
    assert_eq!(message["timestamp"], "2026-11-24T10:00:00.123Z");
    assert_eq!(first["total"], 60);
}

#[test]
fn a_stranger_who_writes_is_a_conversation_once() {
    let mut simulator = simulator();
    for text in ["Hi", "Anybody?"] {
        simulator.deed("message", &json!({ "from": "17074777548", "text": text }), now()).unwrap();
    }
    let answer = json_of(&ask(&mut *simulator, "conversations", &[]));
    assert_eq!(answer["total"], 2);
    assert_eq!(answer["conversations"][0]["id"], "603be93db1331d55a2e1b291/c/17074777548");
    assert_eq!(answer["conversations"][0]["last_message"]["message"], "Anybody?");
    for strange in [json!({}), json!({ "from": "1", "role": "me" }), json!({ "from": "x/c/1" })] {
        assert!(simulator.deed("message", &strange, now()).unwrap()["error"].is_string());
    }
    assert!(simulator.deed("dance", &json!({}), now()).is_none());
}

#[test]
fn days_and_moments_bound_the_list_at_both_ends() {
    let mut simulator = (API.simulator)();
    for (from, at) in [("1", "2026-11-20T23:59:59.999Z"), ("2", "2026-11-21T00:00:00Z")] {
        simulator.deed("message", &json!({ "from": from }), at.parse().unwrap()).unwrap();
    }
    for (values, expected) in [
        (vec![("start", "2026-11-21")], 1),
        (vec![("end", "2026-11-20")], 1),
        (vec![("end", "2026-11-21")], 2),
        (vec![("start", "2026-11-20"), ("end", "2026-11-20")], 1),
        (vec![("start", "2026-11-20T23:59:59.999Z")], 2),
        (vec![("start", "2026-11-22")], 0),
        (vec![("start", "2026-11-21"), ("end", "2026-11-20")], 0),
        (vec![("end", "2026-11-19T12:00:00+02:00")], 0),
    ] {
        let answer = json_of(&ask(&mut *simulator, "conversations", &values));
        assert_eq!(answer["total"], expected, "{values:?}");
        assert_eq!(answer["conversations"].as_array().unwrap().len(), expected, "{values:?}");
    }
}

#[test]
fn the_data_is_the_same_for_the_same_seed_and_of_every_type() {
    let data = truth(&mut *populated(100, 7));
    assert_eq!(data, truth(&mut *populated(100, 7)));
    assert_ne!(data, truth(&mut *populated(100, 8)));
    let messages = data.iter().flat_map(|it| it["messages"].as_array().unwrap());
    let kinds: BTreeSet<_> = messages.map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["card", "card_set", "custom", "media", "text"]));
    let latest = data.iter().map(|it| it["messages"][19]["timestamp"].as_str().unwrap()).max();
    assert_eq!(latest, Some("2026-11-24T10:00:00.123Z"), "it ends now");
    let recent = |it: &&Value| it["messages"][19]["timestamp"].as_str().unwrap() > "2026-11-17";
    assert!(data.iter().filter(recent).count() > 50);
}

#[test]
fn time_brings_changes_of_every_kind() {
    let mut simulator = populated(50, 1);
    let before = truth(&mut *simulator);
    let arguments = json!({ "count": 1_000, "seed": 9 });
    let answer = simulator.deed("advance", &arguments, now()).unwrap();
    for kind in ["message", "agent_mode", "name", "unreachable"] {
        assert!(answer["changes"][kind].as_u64().unwrap() > 10, "{kind}: {answer}");
    }
    for (one, other) in before.iter().zip(truth(&mut *simulator)) {
        assert_eq!(one["conversation"]["id"], other["conversation"]["id"]);
        let (old, new) = (one["messages"].as_array().unwrap(), &other["messages"]);
        assert!(old.iter().eq(new.as_array().unwrap().iter().take(20)), "a message stays as it is");
    }
    let empty = (API.simulator)().deed("advance", &json!({ "count": 5 }), now());
    assert_eq!(empty.unwrap()["changes"], json!({}));
}

#[test]
fn a_deed_makes_it_refuse_so_many_requests() {
    let mut simulator = simulator();
    let arguments = json!({ "times": 2, "retry_after": 30 });
    simulator.deed("refuse", &arguments, now()).unwrap();
    for _ in 0..2 {
        let answered = ask(&mut *simulator, "conversations", &[]);
        let problem = (API.problem)(&answered.into()).unwrap();
        assert_eq!((problem.status, problem.retry_after), (429, Some(Duration::from_secs(30))));
    }
    assert_eq!(ask(&mut *simulator, "conversations", &[]).status, 200);
}

#[test]
fn what_is_sent_is_the_last_message() {
    let mut simulator = simulator();
    for (kind, message, expected) in [
        ("text", r#"{"body":"On its way"}"#, json!("On its way")),
        ("card", r#"{"title":"Pick one"}"#, json!({ "title": "Pick one" })),
        ("custom", r#"{"text":"x"}"#, json!(r#"{"text":"x"}"#)),
    ] {
        let values = [("response_path", PATH), ("type", kind), ("message", message)];
        assert_eq!(ask(&mut *simulator, "send", &values).status, 200);
        let last = json_of(&ask(&mut *simulator, "messages", &[("id", PATH), ("limit", "1")]));
        let key = if kind == "text" { "message" } else { kind };
        assert_eq!((&last[0][key], &last[0]["role"]), (&expected, &json!("bot")));
    }
}

#[test]
fn a_thousand_conversations_are_there_at_once_and_a_page_costs_a_page() {
    // The best of three: other tests run beside this one.
    let took = (0..3).map(|_| {
        let begun = Instant::now();
        let mut simulator = populated(1_000, 1);
        for _ in 0..100 {
            let values = [("skip", "900"), ("limit", "10"), ("start", "2026-01-01")];
            assert_eq!(ask(&mut *simulator, "conversations", &values).status, 200);
        }
        begun.elapsed()
    });
    let took = took.min().unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_bot_takes_what_its_page_lists_and_answers_where_it_was_told_to() {
    let mut simulator = simulator();
    let tell = |simulator: &mut dyn Simulator, path: &str, body: &Value| {
        let headers = vec![("authorization".to_owned(), "Bearer secret".to_owned())];
        let asked = Asked {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers,
            body: body.to_string().into(),
            ..Asked::default()
        };
        simulator.answer(&asked, now())
    };
    let bot = "/integration_http/60105b74d2b084f0b80bd45a";
    let said = json!({
        "channel": { "id": "some@user.example" },
        "from": { "id": "123abc", "name": "Some User" },
        "message": { "text": "hi" },
        "metadata": { "origin": "https://shop.example" },
    });
    let answered = tell(&mut *simulator, bot, &said);
    assert_eq!((answered.status, answered.later.len()), (200, 0));
    let callback = json!({ "callback_url": "https://gate.example/hooks/bot", "secret": "word" });
    simulator.deed("bot", &callback, now()).unwrap();
    let answered = tell(&mut *simulator, bot, &said);
    let [(_, output)] = &answered.later[..] else { panic!("{answered:?}") };
    assert_eq!(output.url, "https://gate.example/hooks/bot");
    let bearer = output.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(bearer.1.expose(), "Bearer word");
    let output: Value = serde_json::from_slice(&output.body).unwrap();
    assert_eq!(output["channel"]["id"], "some@user.example");
    for (path, wrong, status, expected) in [
        ("/integration_http/1", json!({}), 404, "no bot `1`"),
        (bot, json!({ "to": "x" }), 400, "there is no field `to`"),
        (bot, json!({ "from": {} }), 400, "`from.id` is missing"),
        (bot, json!({ "message": { "text": "" } }), 400, "`message.text` is missing"),
    ] {
        let mut body = said.clone();
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let answered = tell(&mut *simulator, path, &body);
        assert_eq!(answered.status, status, "{wrong}");
        assert_eq!(json_of(&answered)["error"], expected);
    }
}
