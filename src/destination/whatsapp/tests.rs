//! Calls against the simulator of the Graph API, and answers against the table.

mod answers;
mod shapes;
mod window;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Asked, Outgoing, Response, Simulator, graph};
use crate::destination::example::{body, call as call_about, now};
use crate::destination::{Adapter, Broker, Call, Limit, Means, Outcome, Scope, Setup, find};
use crate::event::facts::{Channel, Contact, Facts, Message};

const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
const BASE: &str = "https://graph.example/v25.0";
const TOKEN: &str = "EAAG-token-of-tests";
const WAMID: &str = "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBI2MzE0MkM0NzEwRkY4RTA4RDEA";

/// The adapter that these settings make, or what the operator is told.
fn built(mut settings: Value) -> Result<Arc<dyn Adapter>, String> {
    let fields = settings.as_object_mut().unwrap();
    fields.entry("base_url").or_insert_with(|| BASE.into());
    fields.entry("access_token").or_insert_with(|| TOKEN.into());
    let setup = Setup {
        name: "line".into(),
        public_url: "https://gateway.example".into(),
        broker: Broker::Embedded,
    };
    let built = find("whatsapp.send").unwrap().destination(settings, &setup)?;
    let Means::Adapter(adapter) = built.means else { panic!("not an adapter") };
    Ok(adapter)
}

fn adapter(settings: Value) -> Arc<dyn Adapter> {
    built(settings).unwrap()
}

fn facts() -> Facts {
    Facts {
        contact: Some(Contact {
            id: "16505551234".into(),
            wa_id: Some("16505551234".into()),
            bsuid: Some("US.13491208655302741918".into()),
            phone: Some("+16505551234".into()),
            name: Some("Sheena".into()),
            ..Contact::default()
        }),
        channel: Channel {
            provider: "whatsapp".into(),
            account: NUMBER.into(),
            business: Some(ACCOUNT.into()),
            ..Channel::default()
        },
        message: Some(Message {
            id: WAMID.into(),
            kind: "text".into(),
            text: Some("Does it come in another colour?".into()),
            ..Message::default()
        }),
        ..Facts::default()
    }
}

fn call(payload: Value) -> Call {
    call_about(facts(), payload)
}

/// The other side.
struct Meta(Box<dyn Simulator>);

impl Meta {
    fn new() -> Self {
        Self((graph::API.simulator)())
    }

    fn answer(&mut self, outgoing: &Outgoing, now: Timestamp) -> Response {
        self.0.answer(&Asked::of(outgoing, BASE), now).into()
    }

    fn deed(&mut self, deed: &str, arguments: &Value) {
        self.0.deed(deed, arguments, now()).unwrap();
    }
}

/// One attempt, from request to outcome.
fn attempt(adapter: &dyn Adapter, meta: &mut Meta, call: &Call) -> Outcome {
    match adapter.request(call) {
        Ok(outgoing) => {
            let answer = meta.answer(&outgoing, call.now);
            adapter.outcome(call, &answer)
        }
        Err(outcome) => outcome,
    }
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_goes_from_the_number_it_answers_with_the_delivery_s_id() {
    let adapter = adapter(json!({}));
    let call = call(Value::Null);
    let outgoing = adapter.request(&call).unwrap();
    assert_eq!(outgoing.method, "POST");
    assert_eq!(outgoing.url, format!("{BASE}/{NUMBER}/messages"));
    let authorization = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(authorization.1.expose(), format!("Bearer {TOKEN}"));
    assert_eq!(
        body(&outgoing),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "16505551234",
            "type": "text",
            "text": { "body": "Does it come in another colour?" },
            "biz_opaque_callback_data": Uuid::from_u128(4).to_string(),
        })
    );
    let Outcome::Delivered { receipt: Some(receipt), .. } =
        attempt(&*adapter, &mut Meta::new(), &call)
    else {
        panic!()
    };
    assert!(receipt.starts_with("wamid."), "{receipt}");
}

#[test]
fn each_number_has_its_token_and_another_may_be_named() {
    let tokens = json!({ NUMBER: "token-of-one", "200": "token-of-two" });
    let each = adapter(json!({ "access_token": tokens }));
    let sent = |adapter: &dyn Adapter, call: &Call| {
        let outgoing = adapter.request(call).unwrap();
        let token = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
        (outgoing.url, token.1.expose().to_owned())
    };
    let url = |number: &str| format!("{BASE}/{number}/messages");
    assert_eq!(sent(&*each, &call(Value::Null)), (url(NUMBER), "Bearer token-of-one".into()));
    let named = call(json!({ "number": 200, "text": "hi" }));
    assert_eq!(sent(&*each, &named), (url("200"), "Bearer token-of-two".into()));
    let fixed = adapter(json!({ "number": "200" }));
    assert_eq!(sent(&*fixed, &call("hi".into())).0, url("200"));
    let unknown = call(json!({ "number": "300", "text": "hi" }));
    assert_eq!(refusal(each.request(&unknown).unwrap_err()), "`access_token` has none for 300");
    let mut elsewhere = facts();
    elsewhere.channel.provider = "telegram".into();
    let elsewhere = call_about(elsewhere, Value::Null);
    assert_eq!(
        refusal(each.request(&elsewhere).unwrap_err()),
        "`number`: the event arrived at no WhatsApp number; say which one sends"
    );
    assert!(each.scopes(&elsewhere).is_empty());
    assert!(fixed.request(&elsewhere).is_ok());
    let secrets = each.secrets();
    assert_eq!(
        secrets.iter().map(crate::config::Secret::expose).collect::<Vec<_>>(),
        ["token-of-one", "token-of-two"]
    );
}

#[test]
fn settings_that_could_never_work_are_refused() {
    for (settings, sentence) in [
        (json!({ "access_token": "" }), "`access_token` is missing"),
        (json!({ "access_token": {} }), "`access_token` is missing"),
        (json!({ "access_token": { NUMBER: "" } }), "`access_token` is missing"),
        (json!({ "access_token": "a\nb" }), "`access_token` holds what no token does"),
        (json!({ "access_token": { "+49": "t" } }), "`+49` is no phone number id"),
        (json!({ "number": "+49 170" }), "`+49 170` is no phone number id"),
        (json!({ "access_token": { "1": "t" }, "number": "2" }), "`access_token` has none for 2"),
        (json!({ "base_url": "graph.facebook.com" }), "`base_url` is a URL"),
        (
            json!({ "outside_window": { "template": { "name": "{{ event.", "language": "de" } } }),
            "`outside_window.template`: `name`: ",
        ),
        (json!({ "outside_window": { "template": { "name": "a" } } }), "missing field `language`"),
    ] {
        let told = built(settings.clone()).err().unwrap_or_default();
        assert!(told.starts_with(sentence), "{settings}: {told}");
    }
}

#[test]
fn the_limits_are_those_of_the_number_and_of_the_pair() {
    let adapter = adapter(json!({ "limit": "20/s" }));
    let limits = adapter.limits(&call("hi".into()));
    let shown = |it: &Limit| (it.rate.count, it.rate.per.as_millis(), it.burst);
    assert_eq!(limits.iter().map(shown).collect::<Vec<_>>(), [(20, 1052, 1), (1, 6315, 42)]);
    assert_eq!(limits[0].key, format!("whatsapp {NUMBER}"));
    assert!(!limits[1].key.contains("16505551234"), "a person's number is shown");
    let spelt = adapter.limits(&call(json!({ "to": "+1 (650) 555-1234", "text": "hi" })));
    assert_eq!(spelt, limits);
    let other = adapter.limits(&call(json!({ "to": "16505551235", "text": "hi" })));
    assert_ne!(other[1].key, limits[1].key);
    assert_eq!(adapter.limits(&call(json!({ "read": true }))).len(), 1);
    assert!(adapter.limits(&call(json!([]))).is_empty());
    // All that one contact may be sent at once, and then one whenever the limit allows it.
    let (mut meta, mut last) = (Meta::new(), now());
    for count in 0..100_u32 {
        let call = Call { now: last, ..call("hi".into()) };
        let outcome = attempt(&*adapter, &mut meta, &call);
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{count}: {outcome:?}");
        let pair = &limits[1];
        last += if count + 1 < pair.burst { limits[0].rate.per / 20 } else { pair.rate.per };
    }
}

#[test]
fn what_may_stand_still_is_the_token_the_number_and_the_account() {
    let adapter = adapter(json!({}));
    let scopes = adapter.scopes(&call(Value::Null));
    assert_eq!(scopes[1..], [Scope::Number(NUMBER.into()), Scope::Account(ACCOUNT.into())]);
    let Scope::Credential(token) = &scopes[0] else { panic!() };
    assert!(token.starts_with("graph ") && !token.contains(TOKEN), "{token}");
    let other = built(json!({ "access_token": "another" })).unwrap();
    assert_ne!(other.scopes(&call(Value::Null))[0], scopes[0]);
    let scopes = adapter.scopes(&call(json!({ "number": "200" })));
    assert_eq!(scopes[1..], [Scope::Number("200".into())]);
}
