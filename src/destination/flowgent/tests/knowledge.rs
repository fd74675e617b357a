//! `flowgent.knowledge` against the simulator.

use serde_json::{Value, json};

use super::{BASE, Other, adapter, body, call, call_of, delivered, refused, wrote};
use crate::client::Outgoing;
use crate::event::facts::Message;

#[test]
fn an_item_is_added_changed_and_deleted() {
    let adapter = adapter("flowgent.knowledge", &json!({ "agent_ids": ["a", "b"] })).unwrap();
    let mut other = Other::new();
    let add = call("We are open from nine to five.", Value::Null);
    let outgoing = adapter.request(&add).unwrap();
    assert_eq!((outgoing.method, &*outgoing.url), ("POST", &*format!("{BASE}/knowledge")));
    let expected = json!({ "content": "We are open from nine to five.", "agent_ids": ["a", "b"] });
    assert_eq!(body(&outgoing), expected);
    let (id, ..) = delivered(other.make(&*adapter, &add));
    let id = id.unwrap();

    let update = json!({ "action": "update", "id": id, "content": "Closed.", "agent_ids": "c" });
    let update = call("hi", update);
    let outgoing = adapter.request(&update).unwrap();
    assert_eq!((outgoing.method, &*outgoing.url), ("PATCH", &*format!("{BASE}/knowledge/{id}")));
    assert_eq!(body(&outgoing), json!({ "content": "Closed.", "agent_ids": ["c"] }));
    assert_eq!(delivered(other.make(&*adapter, &update)).0, Some(id.clone()));
    let item = Outgoing {
        method: "GET",
        url: format!("{BASE}/knowledge/{id}"),
        body: bytes::Bytes::new(),
        headers: outgoing.headers.into_iter().filter(|it| it.0 == "authorization").collect(),
    };
    let known: Value = serde_json::from_slice(&other.send(&item).body).unwrap();
    assert_eq!((&known["content"], &known["linked_agents"]), (&json!("Closed."), &json!(["c"])));

    let delete = call("hi", json!({ "action": "delete", "id": id }));
    let outgoing = adapter.request(&delete).unwrap();
    assert_eq!((outgoing.method, outgoing.body.len()), ("DELETE", 0));
    assert_eq!(delivered(other.make(&*adapter, &delete)).0, None);
    assert_eq!(other.send(&item).status, 404);
    let again = refused(other.make(&*adapter, &delete));
    assert!(again.starts_with("404: Knowledge item not found"), "{again}");
}

#[test]
fn an_update_changes_what_it_says_and_nothing_else() {
    let adapter = adapter("flowgent.knowledge", &json!({ "agent_ids": ["a"] })).unwrap();
    let payload = json!({ "action": "update", "id": 7, "name": "Hours", "content": null });
    let outgoing = adapter.request(&call("not this", payload)).unwrap();
    assert_eq!(body(&outgoing), json!({ "name": "Hours" }));
    assert!(outgoing.url.ends_with("/knowledge/7"));
    let payload = json!({ "action": "delete", "id": "a/b?c" });
    let outgoing = adapter.request(&call("", payload)).unwrap();
    assert!(outgoing.url.ends_with("/knowledge/a%2Fb%3Fc"), "{}", outgoing.url);
}

#[test]
fn what_cannot_be_done_is_refused_at_its_place() {
    let long = "ü".repeat(4001);
    for (payload, expected) in [
        (json!({ "action": "forget" }), "`action`: `forget` is none of"),
        (json!({ "id": "x" }), "`id`: FlowGent gives it"),
        (json!({ "action": "update", "name": "x" }), "`id`: say which item"),
        (json!({ "action": "delete" }), "`id`: say which item"),
        (json!({ "action": "update", "id": "x" }), "`content`: nothing to change"),
        (json!({ "action": "delete", "id": "x", "name": "y" }), "`name`: a deletion takes `id`"),
        (json!({ "action": "delete", "id": ".." }), "`id` cannot be `..`"),
        (json!({ "content": "x" }), "`agent_ids`: say in the route"),
        (json!({ "content": "x", "agent_ids": [] }), "`agent_ids`: expected an agent's id"),
        (json!({ "content": "x", "agent_ids": { "a": 1 } }), "`agent_ids`: expected an agent's id"),
        (json!({ "content": long, "agent_ids": "a" }), "`content`: it has 4001 characters"),
        (json!({ "content": " " }), "`content`: it is empty"),
        (json!({ "item": "x" }), "`item`: the payload takes `action`"),
        (json!("x"), "the payload is a text; it is a map of `action`"),
    ] {
        let adapter = adapter("flowgent.knowledge", &json!({})).unwrap();
        let sentence = refused(adapter.request(&call("hi", payload.clone())).unwrap_err());
        assert!(sentence.starts_with(expected), "{sentence}");
    }
    let adapter = adapter("flowgent.knowledge", &json!({ "agent_ids": ["a"] })).unwrap();
    let silent = call_of(vec![wrote(Message::default())], Value::Null);
    let sentence = refused(adapter.request(&silent).unwrap_err());
    assert!(sentence.starts_with("`content`: the event has no text"), "{sentence}");
}
