//! Settings that could never work: refused when the destination is built.

use super::*;
use crate::destination::Takes;

#[test]
fn a_mistake_in_the_settings_is_told_by_its_name() {
    let client = json!({ "client_id": "c", "api_key": "k", "flow_id": "f" });
    let agent = json!({ "username": "u", "password": "p" });
    for (kind, base, more, part) in [
        ("flowbot.outbound", &client, json!({ "base_url": "" }), "`base_url` is missing"),
        ("flowbot.outbound", &client, json!({ "base_url": "bot.example" }), "`base_url` is where"),
        (
            "flowbot.outbound",
            &client,
            json!({ "base_url": "https://u:p@h" }),
            "`base_url` is where",
        ),
        ("flowbot.outbound", &client, json!({ "base_url": "https:///x" }), "`base_url` is where"),
        ("flowbot.outbound", &client, json!({ "client_id": "" }), "`client_id` is missing"),
        ("flowbot.outbound", &client, json!({ "api_key": "" }), "`api_key` is missing"),
        ("flowbot.outbound", &client, json!({ "token": "t" }), "either `token`, or `client_id`"),
        ("flowbot.outbound", &client, json!({ "ttl": "10ms" }), "`ttl` is at least a second"),
        (
            "flowbot.outbound",
            &client,
            json!({ "template_name": "a", "template_id": "b" }),
            "only one of `template_group_id`",
        ),
        (
            "flowbot.outbound",
            &client,
            json!({ "data": { "templateParams": "a" } }),
            "`data`: `templateParams` is a list",
        ),
        ("flowbot.outbound", &client, json!({ "flow": "f" }), "unknown field `flow`"),
        ("flowbot.lead", &client, json!({ "flow_id": "" }), "`flow_id` is missing"),
        ("flowbot.lead", &client, json!({ "token": "t" }), "`token` belongs to another `auth`"),
        ("flowbot.lead", &client, json!({ "auth": "hmac" }), "`client_id` belongs to another"),
        ("flowbot.lead", &json!({ "flow_id": "f" }), json!({ "auth": "hmac" }), "`hmac_secret` is"),
        ("flowbot.lead", &json!({ "flow_id": "f" }), json!({ "auth": "basic" }), "`username` is"),
        ("flowbot.lead", &json!({ "flow_id": "f" }), json!({ "auth": "bearer" }), "`token` is"),
        ("flowbot.lead", &json!({ "flow_id": "f" }), json!({ "auth": "api_key" }), "`api_key` is"),
        ("flowbot.lead", &json!({ "flow_id": "f" }), json!({}), "`client_id` is missing"),
        ("flowbot.reply", &agent, json!({ "username": "" }), "`username` is missing"),
        ("flowbot.reply", &agent, json!({ "password": "" }), "`password` is missing"),
        (
            "flowbot.reply",
            &agent,
            json!({ "outside_window": {} }),
            "`outside_window.template.name` is missing",
        ),
    ] {
        let mut settings = base.clone();
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = build(kind, &settings).err().unwrap_or_else(|| panic!("{kind} {settings}"));
        assert!(error.contains(part), "{kind} {settings}: {error}");
    }
}

#[test]
fn a_base_url_may_be_written_as_people_do() {
    for base_url in [
        "http://simulator.example/",
        "http://simulator.example/api",
        " http://simulator.example/api/ ",
    ] {
        let settings =
            json!({ "client_id": "c", "api_key": "k", "flow_id": "f", "base_url": base_url });
        let adapter = adapter("flowbot.outbound", &settings);
        let sent = adapter.request(&with_token(Value::Null)).unwrap();
        assert_eq!(sent.url, "http://simulator.example/api/webhook/outbound", "{base_url}");
    }
}

#[test]
fn a_campaign_has_a_day_and_an_answer_ten_minutes() {
    let hours = |kind: &str, settings: &Value| {
        let policy = build(kind, settings).unwrap().policy;
        policy.max_age.unwrap().as_secs_f64() / 3600.0
    };
    let client = json!({ "client_id": "c", "api_key": "k", "flow_id": "f" });
    assert!(hours("flowbot.outbound", &client) >= 24.0);
    assert!(hours("flowbot.lead", &client) >= 24.0);
    assert!(hours("flowbot.reply", &json!({ "username": "u", "password": "p" })) < 1.0);
}

#[test]
fn every_name_of_a_payload_is_one_that_is_understood() {
    let client = json!({ "client_id": "c", "api_key": "k", "flow_id": "f" });
    let agent = json!({ "username": "u", "password": "p" });
    for (kind, settings) in [("flowbot.outbound", client), ("flowbot.reply", agent)] {
        let Takes::Names(names) = find(kind).unwrap().payload else { panic!("{kind}") };
        let adapter = adapter(kind, &settings);
        for name in names {
            let sent = adapter.request(&with_token(json!({ *name: null })));
            assert!(sent.is_ok(), "{kind} {name}: {sent:?}");
        }
    }
}
