//! Flows that are started.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::config::Rate;
use crate::destination::{Limit, Scope};
use crate::event::facts::Contact;
use crate::http::Unanswered;

fn settings() -> Value {
    json!({ "client_id": "aiflow_1", "api_key": "sk_1", "flow_id": "flow-uuid" })
}

fn outbound(more: &Value) -> Arc<dyn Adapter> {
    let mut settings = settings();
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    adapter("flowbot.outbound", &settings)
}

#[test]
fn the_shortest_route_starts_the_flow_with_whoever_wrote() {
    let mut ends = Ends::new("flowbot.outbound", &settings());
    // The document's answer names no message, so there is no receipt.
    assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
    let sent = ends.sent.last().unwrap();
    assert_eq!(
        (sent.method, &*sent.url),
        ("POST", "http://simulator.example/api/webhook/outbound")
    );
    assert_eq!(
        body(sent),
        json!({
            "phone": PHONE,
            "flowId": "flow-uuid",
            "data": {
                "customerName": "John Doe",
                "text": "A refund, please",
                "sourceRef": Uuid::from_u128(8).to_string(),
                "phoneNumberId": "106540352242922",
            },
        })
    );
    // The flow began a conversation with him, or went on with it.
    ends.deed("message", &json!({ "from": PHONE, "text": "yes" }));
    assert_eq!(ends.deed("counts", &json!({}))["triggers"], 1);
}

#[test]
fn a_route_says_all_that_the_document_lists() {
    let adapter = outbound(&json!({ "template_name": "hello", "queue": false }));
    let data = json!({
        "customerName": "Jane",
        "templateLanguage": "he",
        "templateParams": ["123456"],
        "code": "123456",
        "phoneNumberId": "1",
        "sourceRef": "crm-lead-90210",
        "campaignId": "recruitment-march",
        "nested": { "list": [1, null, true] },
    });
    for (payload, template) in [
        (json!({ "templateGroupId": "group" }), ("templateGroupId", "group")),
        (json!({ "template_name": "later" }), ("templateName", "later")),
        (json!({ "templateId": 7 }), ("templateId", "7")),
        (json!({ "templateId": null }), ("templateName", "hello")),
    ] {
        let mut payload = payload;
        payload["to"] = "00972 50-765 4321".into();
        payload["flow_id"] = "other".into();
        payload["queue"] = true.into();
        payload["data"] = data.clone();
        let sent = adapter.request(&with_token(payload.clone())).unwrap();
        let mut expected = json!({
            "phone": "+972507654321", "flowId": "other", "queue": true, "data": data,
        });
        expected[template.0] = template.1.into();
        assert_eq!(body(&sent), expected, "{payload}");
    }
    let sent = adapter.request(&with_token(Value::Null)).unwrap();
    assert_eq!(
        (&body(&sent)["queue"], &body(&sent)["templateName"]),
        (&json!(false), &json!("hello"))
    );
}

#[test]
fn variables_of_the_settings_stand_below_those_of_the_route() {
    let own = json!({ "campaignId": "march", "templateLanguage": "he" });
    let adapter = outbound(&json!({ "data": own, "same_number": false }));
    let sent = adapter.request(&with_token(json!({ "data": { "campaignId": "april" } }))).unwrap();
    let reference = Uuid::from_u128(8).to_string();
    assert_eq!(
        body(&sent)["data"],
        json!({ "campaignId": "april", "templateLanguage": "he", "sourceRef": reference })
    );
    // Only WhatsApp's numbers are numbers that FlowBot could speak from.
    let mut other = facts();
    other.channel.provider = "telegram".into();
    let call = Call { token: Some(Secret::new("t")), ..call_of(other, Value::Null) };
    let sent = outbound(&json!({})).request(&call).unwrap();
    assert_eq!(body(&sent)["data"]["phoneNumberId"], Value::Null);
}

#[test]
fn a_number_is_what_is_known_to_be_one() {
    let adapter = outbound(&json!({}));
    let contact = |phone: Option<&str>, wa_id: Option<&str>| {
        let contact = Contact {
            id: "123456789".into(),
            phone: phone.map(str::to_owned),
            wa_id: wa_id.map(str::to_owned),
            ..Contact::default()
        };
        let facts = Facts { contact: Some(contact), ..facts() };
        Call { token: Some(Secret::new("t")), ..call_of(facts, Value::Null) }
    };
    let sent = adapter.request(&contact(None, Some("27821234567"))).unwrap();
    assert_eq!(body(&sent)["phone"], "+27821234567");
    // Telegram's ids are digits, too.
    for nobody in [contact(None, None), contact(Some("n/a"), None)] {
        assert!(refusal(&adapter, &nobody).starts_with("`to`: the event's contact has no phone"));
    }
    let nobody = Call { events: vec![Arc::new(event(Facts::default()))], ..call(Value::Null) };
    assert!(refusal(&adapter, &nobody).starts_with("`to`:"));
}

#[test]
fn what_the_contact_does_not_want_is_not_sent() {
    let unwanted = |adapter: &Arc<dyn Adapter>| {
        let mut call = with_token(Value::Null);
        call.standing.suppressed = Some("they wrote STOP".into());
        adapter.request(&call)
    };
    let refused = unwanted(&outbound(&json!({}))).unwrap_err();
    assert_eq!(
        refused,
        Outcome::refused("the contact must not be sent marketing: they wrote STOP")
    );
    assert!(unwanted(&outbound(&json!({ "marketing": false }))).is_ok());
}

#[test]
fn ninety_five_of_a_hundred_are_used_and_no_burst() {
    let per_minute =
        |limit: &Limit| f64::from(limit.rate.count) * 60.0 / limit.rate.per.as_secs_f64();
    let limits = outbound(&json!({})).limits(&call(Value::Null));
    assert_eq!(limits.len(), 1);
    assert_eq!((&*limits[0].key, limits[0].burst), ("flowbot aiflow_1", 1));
    assert!((per_minute(&limits[0]) - 28.5).abs() < 1e-6, "{limits:?}");
    let own = outbound(&json!({ "limit": "100/min" })).limits(&call(Value::Null));
    assert!((per_minute(&own[0]) - 95.0).abs() < 1e-6, "{own:?}");
    let legacy = json!({ "token": "legacy-verify-token", "flow_id": "f" });
    let legacy = adapter("flowbot.outbound", &legacy).limits(&call(Value::Null));
    assert_eq!(legacy[0].key, "flowbot simulator.example");
}

#[test]
fn at_that_pace_a_thousand_triggers_are_never_too_many() {
    let mut ends = Ends::new("flowbot.outbound", &settings());
    let Rate { count, per } = ends.adapter.limits(&call(Value::Null))[0].rate;
    let step = SignedDuration::try_from(per / count).unwrap();
    for _ in 0..1000 {
        assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
        ends.now += step;
    }
    let counts = ends.deed("counts", &json!({}));
    assert_eq!((&counts["triggers"], &counts["tooMany"]), (&json!(1000), &json!(0)));
    // A token that lives an hour lasts for so long, and no call went without one.
    assert_eq!(counts["tokenCalls"], 1);
}

#[test]
fn too_fast_is_tried_again() {
    let mut ends = Ends::new("flowbot.outbound", &settings());
    ends.deed("limit", &json!({ "most": 1, "seconds": 1 }));
    ends.attempt(&call(Value::Null));
    let busy = ends.attempt(&call(Value::Null));
    assert!(matches!(busy, Outcome::Retry { after: None, .. }), "{busy:?}");
    assert!(reason(&busy).starts_with("429: Rate limit exceeded"));
    ends.now += SignedDuration::from_secs(1);
    assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
}

#[test]
fn a_trigger_without_an_answer_waits_for_its_status_before_it_is_repeated() {
    let adapter = outbound(&json!({}));
    let call = call(Value::Null);
    let until = call.now + SignedDuration::from_secs(30);
    for why in
        [Unanswered::TooSlow, Unanswered::Broken, Unanswered::TooLarge { limit: 1, status: 200 }]
    {
        assert_eq!(adapter.unanswered(&call, why), Outcome::Await { until }, "{why:?}");
    }
    // Nothing was sent, so nothing can be waited for.
    for why in [Unanswered::Unreachable, Unanswered::Unsendable] {
        assert!(matches!(adapter.unanswered(&call, why), Outcome::Retry { .. }), "{why:?}");
    }
    assert!(matches!(adapter.overdue(&call), Outcome::Retry { after: None, .. }));
}

#[test]
fn the_reference_comes_back_with_the_status() {
    let mut ends = Ends::new("flowbot.outbound", &settings());
    ends.deed("status_url", &json!({ "url": "http://gateway.example/hooks/flowbot" }));
    let mut call = with_token(Value::Null);
    ends.attempt(&call);
    call.token = ends.token.clone();
    let outgoing = ends.adapter.request(&call).unwrap();
    let answered = ends.simulator.answer(&Asked::of(&outgoing, BASE), ends.now);
    let (after, status) = &answered.later[0];
    assert!(*after < Duration::from_secs(30));
    assert_eq!(body(status)["sourceRef"], Uuid::from_u128(8).to_string());
}

#[test]
fn the_legacy_token_is_sent_as_it_is() {
    let settings = json!({ "token": "legacy-verify-token", "flow_id": "f" });
    let mut ends = Ends::new("flowbot.outbound", &settings);
    assert!(ends.adapter.session().is_none());
    assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
    assert_eq!(header(&ends.sent[0], "authorization"), Some("Bearer legacy-verify-token"));
    let scope = Scope::Credential("token of simulator.example".into());
    assert_eq!(ends.adapter.scopes(&call(Value::Null)), [scope]);
}

#[test]
fn a_flow_that_is_not_there_is_refused_in_the_words_of_flowbot() {
    let mut ends = Ends::new("flowbot.outbound", &settings());
    let outcome = ends.attempt(&call(json!({ "flowId": "unknown" })));
    assert_eq!(outcome, Outcome::refused("404: Flow not found"));
}
