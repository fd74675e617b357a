//! A person takes over where the provider is polled: in Flow XO by agent mode, in `FlowIQ` by the
//! status of the bot. Against the simulators of both.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::simulation::Simulation;

const CONTACT: &str = "27821234567";

fn start(directory: &Path, simulated: &str) -> Gateway {
    let routes = format!(
        r#"
sources:
  flowxo:
    provider: flowxo
    api_key: any
    base_url: "{simulated}/flowxo"
    every: 1s
    budget: 6000/min
  flowiq:
    provider: flowiq
    tenant_id: acme
    token: fiq_a_token_of_a_test
    base_url: "{simulated}/flowiq"
    every: 1s
    budget: 6000/min
destinations:
  concierge: {{ kind: flowgent.chat, base_url: "{simulated}/flowgent", agent_id: agent-1, api_key: any }}
routes:
  - name: ask
    from: [flowxo, flowiq]
    on: message.received
    when: event.text
    unless: takeover
    to: concierge
"#
    );
    std::fs::write(directory.join("routes.yaml"), routes).unwrap();
    Gateway::start(directory, &[])
}

/// The message with this text, if it is there.
async fn received(gateway: &Gateway, text: &str) -> Option<Value> {
    let found = gateway.admin("GET", "/api/events?kind=message.received&limit=100", None).await;
    let events = found["events"].as_array().unwrap();
    events.iter().find(|it| it["data"]["message"]["text"] == text).cloned()
}

/// Waits until it is there.
async fn wait_for(gateway: &Gateway, text: &str) {
    for _ in 0..600 {
        if received(gateway, text).await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{text}` did not come");
}

/// The one delivery of the message with this text, once it is settled.
async fn settled(gateway: &Gateway, text: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        if let Some(event) = received(gateway, text).await {
            let path = format!("/api/events/{}", event["id"].as_str().unwrap());
            last = gateway.admin("GET", &path, None).await["deliveries"][0].clone();
            if ["delivered", "skipped", "dead", "refused"].iter().any(|it| last["state"] == *it) {
                return last;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{text}` was not settled: {last}");
}

#[tokio::test]
async fn the_bot_falls_silent_while_a_person_answers_where_the_provider_is_polled() {
    let directory = tempfile::tempdir().unwrap();
    let simulation = Simulation::start(&[]);
    // Once what was there before is read, whatever comes is news.
    for api in ["flowxo", "flowiq"] {
        let says = json!({ "from": CONTACT, "text": format!("{api}: before") });
        simulation.deed(api, "message", &says).await;
    }
    let gateway = start(directory.path(), &simulation.url);
    for api in ["flowxo", "flowiq"] {
        wait_for(&gateway, &format!("{api}: before")).await;
    }
    let said = [
        ("flowxo", "agent_mode", json!(false), json!(true)),
        ("flowiq", "bot_status", json!("active"), json!("paused")),
    ];
    // The bot answers, a person takes over, the bot has the conversation back.
    for (turn, silent) in [false, true, false].into_iter().enumerate() {
        for (api, field, bot, person) in &said {
            let text = format!("{api}: who is there, {turn}?");
            let by = if silent { person } else { bot };
            let says = json!({ "from": CONTACT, "text": text, *field: by });
            simulation.deed(api, "message", &says).await;
            let delivery = settled(&gateway, &text).await;
            let state = if silent { "skipped" } else { "delivered" };
            assert_eq!(delivery["state"], state, "{text} {delivery}");
            if silent {
                let reason = delivery["reason"].as_str().unwrap();
                assert!(reason.contains("bot_paused") || reason.contains("handover"), "{reason}");
            }
        }
    }
}
