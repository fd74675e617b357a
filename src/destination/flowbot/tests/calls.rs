//! Every other row of the map.

use super::*;
use crate::client::Auth;
use crate::client::flowbot::API;
use crate::destination::Scope;

/// Everything that a row may ask for.
fn everything(call: &str) -> Value {
    json!({
        "call": call,
        "client_id": "aiflow_1",
        "api_key": "sk_1",
        "username": "admin",
        "password": "hunter2",
        "app_secret": "app-secret",
        "telegram_secret": "telegram",
        "debug_key": "debug",
    })
}

#[test]
fn every_other_row_of_the_map_can_be_called() {
    let mut called = 0;
    for endpoint in API.endpoints {
        for method in endpoint.methods {
            let name = endpoint.call;
            let mut settings = everything(name);
            settings["method"] = method.to_lowercase().into();
            if build("flowbot.call", &settings).is_err() {
                continue;
            }
            called += 1;
            let mut ends = Ends::new("flowbot.call", &settings);
            let payload = match (name, *method) {
                ("flows generate", _) => json!({ "prompt": "a shop" }),
                ("flows by-id", _) => json!({ "id": "flow-uuid" }),
                ("conversations by-id", _) => json!({ "id": "conv-uuid" }),
                ("calendar book", _) => json!({ "day": "2026-11-24", "guests": 2 }),
                ("webhook whatsapp" | "webhook facebook" | "webhook fb-leads", "GET") => json!({
                    "hub.mode": "subscribe", "hub.verify_token": "v", "hub.challenge": "77",
                }),
                _ => json!({ "id": "1", "flowId": "f", "configId": "c" })
                    .as_object()
                    .unwrap()
                    .clone()
                    .into_iter()
                    .filter(|it| endpoint.path.contains(&format!("{{{}}}", it.0)))
                    .collect(),
            };
            let outcome = ends.attempt(&call(payload));
            assert!(matches!(outcome, Outcome::Delivered { .. }), "{method} {name}: {outcome:?}");
            let sent = ends.sent.last().unwrap();
            assert_eq!(sent.method, *method, "{name}");
            assert!(!sent.url.contains('{'), "{}", sent.url);
        }
    }
    let methods: usize = API.endpoints.iter().map(|it| it.methods.len()).sum();
    // Three have kinds of their own, three are the gateway's, one only TikTok can sign.
    assert_eq!(called, methods - 7);
}

#[test]
fn arguments_go_where_they_belong() {
    for (settings, payload, target, expected) in [
        (json!({ "call": "flows" }), json!({ "userId": "u 1" }), "/api/flows?userId=u+1", None),
        (json!({ "call": "flows" }), json!({ "user_id": 7 }), "/api/flows?userId=7", None),
        (
            json!({ "call": "flows", "method": "POST" }),
            json!({ "name": "Shop", "nodes": [1] }),
            "/api/flows",
            Some(json!({ "name": "Shop", "nodes": [1] })),
        ),
        (
            json!({ "call": "flows by-id", "method": "PUT" }),
            json!({ "id": "a/b", "status": "active" }),
            "/api/flows/a%2Fb",
            Some(json!({ "status": "active" })),
        ),
        // Of most rows the document does not say what they take.
        (
            json!({ "call": "leads" }),
            json!({ "status": "new", "page": 2 }),
            "/api/leads?page=2&status=new",
            None,
        ),
        (
            json!({ "call": "leads import-json" }),
            json!([{ "phone": PHONE }]),
            "/api/leads/import-json",
            Some(json!([{ "phone": PHONE }])),
        ),
        // The contact's number need not be said.
        (
            json!({ "call": "leads by-phone", "method": "PUT", "arguments": { "status": "won" } }),
            Value::Null,
            "/api/leads/%2B972501234567",
            Some(json!({ "status": "won" })),
        ),
        (
            json!({ "call": "calendar notify", "arguments": { "channel": "sms", "text": "a" } }),
            json!({ "text": "b" }),
            "/api/calendar/notify",
            Some(json!({ "channel": "sms", "text": "b" })),
        ),
        (json!({ "call": "seed", "arguments": {} }), Value::Null, "/api/seed", Some(json!({}))),
    ] {
        let mut all = everything("");
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let adapter = adapter("flowbot.call", &all);
        let sent = adapter.request(&with_token(payload)).unwrap();
        assert_eq!(sent.url, format!("{BASE}{target}"), "{settings}");
        let body = (!sent.body.is_empty()).then(|| body(&sent));
        assert_eq!(body, expected, "{settings}");
    }
}

#[test]
fn a_row_is_called_with_what_it_asks_for() {
    for (name, header_name, scope) in [
        ("webhook outbound-status", "authorization", "aiflow_1"),
        ("leads", "cookie", "admin"),
        (
            "webhook telegram",
            "x-telegram-bot-api-secret-token",
            "telegram_secret of simulator.example",
        ),
        ("debug conversations", "x-debug-key", "debug_key of simulator.example"),
    ] {
        let adapter = adapter("flowbot.call", &everything(name));
        let call = with_token(Value::Null);
        assert!(header(&adapter.request(&call).unwrap(), header_name).is_some(), "{name}");
        assert_eq!(adapter.scopes(&call), [Scope::Credential(scope.into())]);
    }
    // Nothing at all is enough for what is public.
    let adapter = adapter("flowbot.call", &json!({ "call": "calendar book" }));
    let sent = adapter.request(&call(json!({ "day": "2026-11-24" }))).unwrap();
    assert_eq!((header(&sent, "cookie"), header(&sent, "authorization")), (None, None));
    let row = API.endpoints.iter().find(|it| it.call == "calendar book").unwrap();
    assert_eq!(row.auth, Auth::Public);
}

#[test]
fn flows_are_generated_as_slowly_as_documented() {
    let limits = adapter("flowbot.call", &everything("flows generate")).limits(&call(Value::Null));
    assert_eq!(
        (&*limits[0].key, limits[0].rate.count, limits[0].burst),
        ("flowbot generate admin", 10, 1)
    );
    assert!(limits[0].rate.per > std::time::Duration::from_mins(1));
    assert!(adapter("flowbot.call", &everything("leads")).limits(&call(Value::Null)).is_empty());
}

#[test]
fn what_cannot_be_called_is_refused_when_it_is_built() {
    let admin = json!({ "username": "admin", "password": "p" });
    for (settings, part) in [
        (json!({}), "`call` is missing"),
        (json!({ "call": "leds" }), "FlowBot has no `leds`"),
        (json!({ "call": "webhook outbound" }), "a kind of its own, `flowbot.outbound`"),
        (json!({ "call": "webhook flow lead" }), "a kind of its own, `flowbot.lead`"),
        (json!({ "call": "conversations reply" }), "a kind of its own, `flowbot.reply`"),
        (json!({ "call": "auth login" }), "logs in and out by itself"),
        (json!({ "call": "flows", "method": "PATCH" }), "`flows` takes GET, POST, not PATCH"),
        (json!({ "call": "conversations", "arguments": { "limit": 0 } }), "`limit` is at least 1"),
        (json!({ "call": "conversations", "arguments": { "limit": "x" } }), "a whole number"),
        (json!({ "call": "conversations", "arguments": { "page": 1 } }), "no such parameter"),
        (json!({ "call": "leads", "arguments": { "status": [1] } }), "it goes into the URL"),
        (json!({ "call": "flows by-id", "arguments": { "id": ".." } }), "cannot be `..`"),
        (json!({ "call": "flows by-id", "arguments": { "id": [1] } }), "`id`: it is a text"),
        (json!({ "call": "flows generate", "arguments": { "file": "@a" } }), "no files to send"),
    ] {
        let mut all = admin.clone();
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let error = build("flowbot.call", &all).err().unwrap_or_else(|| panic!("{settings}"));
        assert!(error.contains(part), "{settings}: {error}");
    }
    for (name, part) in [
        ("leads", "`leads` asks for `username` and `password`"),
        ("webhook outbound-status", "`client_id` and `api_key`, or `username` and `password`"),
        ("webhook whatsapp", "asks for `app_secret`"),
        ("webhook tiktok", "a signature that only TikTok makes"),
        ("debug conversations", "`debug_key`, or `username` and `password`"),
    ] {
        let error = build("flowbot.call", &json!({ "call": name })).err().unwrap();
        assert!(error.contains(part), "{name}: {error}");
    }
}
