//! Leads, and what flows ask for.

use super::*;
use crate::destination::Scope;
use crate::event::facts::Lead;

fn client() -> Value {
    json!({ "client_id": "aiflow_1", "api_key": "sk_1", "flow_id": "flow-uuid" })
}

#[test]
fn whatever_a_flow_asks_for_is_sent() {
    for (mode, settings, name, value) in [
        ("jwt", client(), "authorization", None),
        ("api_key", json!({ "auth": "api_key", "api_key": "k" }), "x-api-key", Some("k")),
        (
            "basic",
            json!({ "auth": "basic", "username": "u", "password": "p" }),
            "authorization",
            Some("Basic dTpw"),
        ),
        (
            "bearer",
            json!({ "auth": "bearer", "token": "legacy-verify-token" }),
            "authorization",
            Some("Bearer legacy-verify-token"),
        ),
        ("hmac", json!({ "auth": "hmac", "hmac_secret": "hmac-secret" }), "x-signature-256", None),
        ("none", json!({ "auth": "none" }), "authorization", None),
    ] {
        let mut settings = settings;
        settings["flow_id"] = "flow-uuid".into();
        let mut ends = Ends::new("flowbot.lead", &settings);
        ends.deed("lead_auth", &json!({ "mode": mode }));
        assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered(), "{mode}");
        let sent = ends.sent.last().unwrap();
        assert_eq!(sent.url, format!("{BASE}/api/webhook/flow/flow-uuid/lead"), "{mode}");
        if value.is_some() || mode == "none" {
            assert_eq!(header(sent, name), value, "{mode}");
        }
        // Another lock lets nobody else in, and only this flow's leads rest.
        ends.deed("lead_auth", &json!({ "mode": "jwt" }));
        if mode != "jwt" {
            let outcome = ends.attempt(&call(Value::Null));
            // A simulator that asks for tokens takes the legacy one as such.
            let scope = Scope::Credential("flow flow-uuid at simulator.example".into());
            assert!(
                matches!(&outcome, Outcome::Pause { scope: own, .. } if *own == scope),
                "{mode}: {outcome:?}"
            );
            assert_eq!(ends.adapter.scopes(&call(Value::Null)), [scope]);
        }
    }
}

#[test]
fn the_signature_is_bare_and_covers_every_byte() {
    let settings = json!({ "flow_id": "f", "auth": "hmac", "hmac_secret": "hmac-secret" });
    let adapter = adapter("flowbot.lead", &settings);
    let lead = json!({ "phone": "+972501234567", "name": "John" });
    let sent = adapter.request(&call(lead)).unwrap();
    assert_eq!(&sent.body[..], br#"{"name":"John","phone":"+972501234567"}"#);
    // Made with `openssl dgst -sha256 -hmac hmac-secret`, as the document does.
    let tag = "e8f89a234cd71fa3ad7a3fa05e4ca817d228ee8906ffcd5aba7c70077ac244cf";
    assert_eq!(header(&sent, "x-signature-256"), Some(tag));
}

#[test]
fn the_shortest_route_sends_what_is_known() {
    let adapter = adapter("flowbot.lead", &client());
    let sent = |facts: Facts| {
        let call = Call { token: Some(Secret::new("t")), ..call_of(facts, Value::Null) };
        body(&adapter.request(&call).unwrap())
    };
    assert_eq!(
        sent(facts()),
        json!({ "phone": PHONE, "name": "John Doe", "source": "whatsapp", "text": "A refund, please" })
    );
    let fields = json!({ "product": "Premium Plan", "budget": 5, "phone": "0501234567" });
    let lead = Lead {
        email: Some("john@example.com".into()),
        origin: Some("website".into()),
        fields: fields.as_object().unwrap().clone(),
        ..Lead::default()
    };
    assert_eq!(
        sent(Facts { lead: Some(lead), message: None, ..facts() }),
        json!({
            "phone": PHONE, "name": "John Doe", "email": "john@example.com", "source": "website",
            "product": "Premium Plan", "budget": 5,
        })
    );
}

#[test]
fn a_route_says_any_fields() {
    let adapter = adapter("flowbot.lead", &client());
    for (payload, expected) in [
        (
            json!({ "name": "Jane", "score": 7, "tags": ["a"], "flowId": "mine" }),
            json!({ "phone": PHONE, "name": "Jane", "score": 7, "tags": ["a"], "flowId": "mine" }),
        ),
        (json!({ "phone": "972 50-765-4321" }), json!({ "phone": "+972507654321" })),
        (json!({ "phone": null, "product": 9 }), json!({ "product": "9" })),
        (json!({ "email": null, "x": null }), json!({ "phone": PHONE, "x": null })),
    ] {
        let sent = adapter.request(&with_token(payload.clone())).unwrap();
        assert_eq!(body(&sent), expected, "{payload}");
        assert!(sent.url.ends_with("/flow/flow-uuid/lead"), "{}", sent.url);
    }
}
