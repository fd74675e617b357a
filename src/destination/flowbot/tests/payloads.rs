//! Payloads that could never be sent: refused, each with the place of its mistake.

use proptest::prelude::*;

use super::*;

fn outbound() -> Arc<dyn Adapter> {
    adapter("flowbot.outbound", &json!({ "client_id": "c", "api_key": "k" }))
}

fn lead() -> Arc<dyn Adapter> {
    adapter("flowbot.lead", &json!({ "client_id": "c", "api_key": "k", "flow_id": "f" }))
}

fn reply() -> Arc<dyn Adapter> {
    adapter("flowbot.reply", &json!({ "username": "u", "password": "p" }))
}

fn row(name: &str, method: &str) -> Arc<dyn Adapter> {
    let settings = json!({ "username": "u", "password": "p", "call": name, "method": method });
    adapter("flowbot.call", &settings)
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let flow = |more: Value| {
        let mut all = json!({ "flowId": "f" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (adapter, payload, part) in [
        (outbound(), json!("hi"), "the payload is a map of `to`"),
        (outbound(), json!({}), "`flowId`: no flow is named"),
        (outbound(), json!({ "flow": "f" }), "`flow`: there is no such name"),
        (outbound(), json!({ "flowId": "f", "flow_id": "g" }), "it is said twice"),
        (outbound(), flow(json!({ "flowId": " " })), "`flowId`: it is empty"),
        (outbound(), flow(json!({ "flowId": ["f"] })), "`flowId`: it is a text, not a list"),
        (outbound(), flow(json!({ "to": "0501234567" })), "`to`: a number with plus"),
        (outbound(), flow(json!({ "to": "+972501234567", "phone": "+97250" })), "`phone`: "),
        (outbound(), flow(json!({ "to": PHONE, "phone": PHONE })), "`phone`: it says whom"),
        (outbound(), flow(json!({ "queue": "yes" })), "`queue`: it is `true` or `false`"),
        (outbound(), flow(json!({ "data": [1] })), "`data`: it is a map"),
        (
            outbound(),
            flow(json!({ "data": { "templateParams": "123" } })),
            "`data`: `templateParams` is a list, not a text",
        ),
        (
            outbound(),
            flow(json!({ "templateName": "a", "templateId": "b" })),
            "`templateId`: only one template goes first, and `templateName` names one",
        ),
        (lead(), json!("hi"), "a lead is a map of fields, not a text"),
        (lead(), json!([1]), "a lead is a map of fields, not a list"),
        (lead(), json!({ "phone": "050" }), "`phone`: a number with plus"),
        (lead(), json!({ "phone": {} }), "`phone`: it is a text, not a map"),
        (lead(), json!({ "phone": null }), "the lead says nothing at all"),
        (lead(), json!({ "name": ["J"] }), "`name`: it is a text, not a list"),
        (reply(), json!(1), "the payload is a map of `conversation`"),
        (reply(), json!(""), "`text`: it is empty"),
        (reply(), json!({ "body": "hi" }), "`body`: there is no such name"),
        (reply(), json!({ "text": "a", "templateName": "b" }), "`text`: it belongs to no message"),
        (reply(), json!({ "text": "a", "caption": "b" }), "`caption`: it belongs to no message"),
        (reply(), json!({ "caption": "b" }), "`text`: there is nothing to send"),
        (
            reply(),
            json!({ "templateName": "t", "templateParams": "a" }),
            "it is a list, not a text",
        ),
        (
            reply(),
            json!({ "messageType": "song", "mediaUrl": "x" }),
            "belongs to no message `song`",
        ),
        (
            reply(),
            json!({ "conversation": "c", "to": PHONE, "text": "a" }),
            "`to`: the conversation",
        ),
        (reply(), json!({ "conversation": "..", "text": "a" }), "`id` cannot be `..`"),
        (
            reply(),
            json!({ "conversation": "c", "messageType": "template", "templateParams": [] }),
            "needs `templateName`",
        ),
        (row("leads", "GET"), json!("hi"), "the payload is a map of arguments, not a text"),
        (row("leads", "GET"), json!([1]), "the payload is a map of arguments, not a list"),
        (row("leads", "GET"), json!({ "a": {} }), "`a`: it goes into the URL"),
        (row("flows by-id", "PUT"), json!({ "name": "x" }), "`id` is missing"),
        (row("conversations", "GET"), json!({ "limit": "many" }), "`limit` is a whole number"),
        (row("conversations", "GET"), json!({ "page": 2 }), "`page`: `conversations` has no such"),
        (
            row("flows generate", "POST"),
            json!({ "prompt": "p", "file": "@/etc/passwd" }),
            "no files",
        ),
    ] {
        let reason = refusal(&adapter, &with_token(payload.clone()));
        assert!(reason.contains(part), "{payload}: {reason}");
    }
    let mut silent = with_token(Value::Null);
    silent.events = vec![Arc::new(event(Facts { message: None, ..facts() }))];
    assert!(refusal(&reply(), &silent).starts_with("`text`: there is nothing to send"));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[+0-9a-z./{} é]{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        proptest::sample::select(vec![
            "to",
            "phone",
            "flowId",
            "flow_id",
            "templateName",
            "templateId",
            "queue",
            "data",
            "templateParams",
            "conversation",
            "text",
            "mediaUrl",
            "caption",
            "messageType",
            "id",
            "limit",
            "name",
            "email",
            "__",
            "_a",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|it| it.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_payload_and_no_answer_does_harm(
        payload in json_value(),
        body in json_value(),
        status in 0_u16..1000,
        last in proptest::option::of(".{0,80}"),
    ) {
        let answer = answer(status, body.to_string());
        let rows = [row("leads", "POST"), row("flows by-id", "PUT"), row("conversations", "GET")];
        for adapter in [outbound(), lead(), reply()].into_iter().chain(rows) {
            let call = Call { last: last.clone(), ..with_token(payload.clone()) };
            match adapter.request(&call) {
                Ok(outgoing) => {
                    prop_assert!(outgoing.url.starts_with(BASE));
                    prop_assert!(!outgoing.url.contains(char::is_whitespace));
                }
                Err(outcome) => prop_assert!(!reason(&outcome).is_empty()),
            }
            let delivered = matches!(adapter.outcome(&call, &answer), Outcome::Delivered { .. });
            prop_assert!(!delivered || (200..300).contains(&status) || status == 409);
        }
    }
}
