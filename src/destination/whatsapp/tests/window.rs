//! The 24-hour window, and contacts who want no marketing.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Meta, adapter, attempt, body, call, call_about, facts, now, refusal};
use crate::destination::{Call, Outcome, Standing};

fn template() -> Value {
    json!({ "outside_window": { "template": {
        "name": "come_back",
        "language": "en_US",
        "components": [{ "type": "body", "parameters": [
            { "type": "text", "text": "{{ event.contact.name }}" }] }],
    } } })
}

fn last_wrote(hours: i64) -> Standing {
    Standing { inbound: Some(now() - SignedDuration::from_hours(hours)), ..Standing::default() }
}

#[test]
fn meta_closes_the_window_and_the_next_attempt_sends_the_template() {
    let adapter = adapter(template());
    let mut meta = Meta::new();
    meta.deed("window", &json!({ "open": false }));
    let mut call = call(json!({ "text": "hi", "reply_to": true }));
    let Outcome::Retry { reason, after } = attempt(&*adapter, &mut meta, &call) else { panic!() };
    assert_eq!(after, Some(Duration::ZERO));
    call.last = Some(reason);
    call.attempt = 2;
    // Whatever goes wrong with the template, it is not forgotten.
    meta.deed("fail", &json!({ "code": 131_056 }));
    let Outcome::Retry { reason, after } = attempt(&*adapter, &mut meta, &call) else { panic!() };
    assert_eq!(after, Some(Duration::from_secs(6)));
    call.last = Some(reason);
    for outcome in
        [adapter.unanswered(&call, crate::http::Unanswered::Unreachable), adapter.overdue(&call)]
    {
        let Outcome::Retry { reason, .. } = outcome else { panic!() };
        call.last = Some(reason);
    }
    let body = body(&adapter.request(&call).unwrap());
    assert_eq!(body["type"], "template");
    assert_eq!(
        body["template"],
        json!({
            "name": "come_back",
            "language": { "code": "en_US" },
            "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Sheena" }] }],
        })
    );
    assert!(body.get("text").is_none() && body.get("context").is_none(), "{body}");
    assert_eq!(body["biz_opaque_callback_data"], call.deliveries[0].to_string());
    let outcome = attempt(&*adapter, &mut meta, &call);
    assert!(matches!(outcome, Outcome::Delivered { receipt: Some(_), .. }), "{outcome:?}");
}

#[test]
fn without_a_template_a_closed_window_is_the_end() {
    let adapter = adapter(json!({}));
    let mut meta = Meta::new();
    meta.deed("window", &json!({ "open": false }));
    let reason = refusal(attempt(&*adapter, &mut meta, &call("hi".into())));
    assert!(reason.starts_with("the 24-hour window closed; configure `outside_window`: Meta"));
    assert!(reason.contains("more than 24 hours have passed"), "{reason}");
    let own = json!({ "template": { "name": "a", "language": "de" } });
    assert!(matches!(attempt(&*adapter, &mut meta, &call(own)), Outcome::Delivered { .. }));
}

#[test]
fn a_window_that_is_known_to_be_closed_costs_no_call() {
    let (with, without) = (adapter(template()), adapter(json!({})));
    let sent = |standing: Standing, payload: Value| {
        let call = Call { standing, ..call(payload) };
        let kind = with.request(&call).map(|it| body(&it)["type"].clone());
        (kind.map_err(refusal), without.request(&call).map_err(refusal).err())
    };
    let (kind, refused) = sent(last_wrote(25), "hi".into());
    assert_eq!(kind.unwrap(), "template");
    assert_eq!(
        refused.unwrap(),
        "the 24-hour window closed for this contact; they wrote last at 2026-11-23T11:00:00Z; \
         configure `outside_window`"
    );
    let (kind, refused) = sent(last_wrote(25), json!({ "reaction": "👍" }));
    assert_eq!(kind.unwrap_err(), "the 24-hour window closed: no reaction can be sent");
    assert!(refused.is_some());
    for (standing, payload) in [
        (last_wrote(23), json!("hi")),
        // Nothing is known: Meta decides.
        (Standing::default(), json!("hi")),
        // To somebody else, or from another number: what is known is not about them.
        (last_wrote(25), json!({ "text": "hi", "to": "491701234567" })),
        (last_wrote(25), json!({ "text": "hi", "number": "200" })),
    ] {
        let (kind, refused) = sent(standing, payload);
        assert_eq!((kind.unwrap(), refused), ("text".into(), None));
    }
    let (kind, _) = sent(last_wrote(25), json!({ "text": "hi", "to": "+1 650 555 1234" }));
    assert_eq!(kind.unwrap(), "template");
    let (_, refused) =
        sent(last_wrote(25), json!({ "template": { "name": "a", "language": "de" } }));
    assert_eq!(refused, None);
    let read = Call { standing: last_wrote(25), ..call(json!({ "read": true })) };
    assert!(without.request(&read).is_ok());
}

#[test]
fn a_template_that_cannot_be_filled_is_told() {
    let mut nameless = facts();
    nameless.contact.as_mut().unwrap().name = None;
    let call = Call { standing: last_wrote(25), ..call_about(nameless, "hi".into()) };
    let reason = refusal(adapter(template()).request(&call).unwrap_err());
    assert!(
        reason.starts_with("`outside_window.template`: `components.0.parameters.0.text`"),
        "{reason}"
    );
}

#[test]
fn marketing_goes_to_nobody_who_wants_none() {
    let standing = Standing { suppressed: Some("they wrote STOP".into()), ..last_wrote(1) };
    let category =
        |it: &str| json!({ "template": { "name": "a", "language": "de", "category": it } });
    for (settings, payload, refused) in [
        (json!({}), json!("hi"), false),
        (json!({ "marketing": true }), json!("hi"), true),
        (json!({ "marketing": true }), json!({ "text": "hi", "marketing": false }), false),
        (json!({}), json!({ "text": "hi", "marketing": true }), true),
        (json!({}), category("MARKETING"), true),
        (json!({}), category("utility"), false),
        (json!({ "marketing": true }), category("utility"), false),
        (json!({ "marketing": true }), json!({ "read": true }), false),
    ] {
        let adapter = adapter(settings);
        let call = Call { standing: standing.clone(), ..call(payload.clone()) };
        let told = adapter.request(&call).map_err(refusal).err();
        let sentence = "the contact must not be sent marketing: they wrote STOP".to_owned();
        assert_eq!(told, refused.then_some(sentence), "{payload}");
        let willing = Call { standing: last_wrote(1), ..call };
        assert!(adapter.request(&willing).is_ok());
    }
    let mut marketing = template();
    marketing["outside_window"]["template"]["category"] = "marketing".into();
    let standing = Standing { inbound: last_wrote(25).inbound, ..standing };
    let call = Call { standing, ..call("hi".into()) };
    assert!(refusal(adapter(marketing).request(&call).unwrap_err()).contains("marketing"));
}
