//! The conversation loop: a message reaches an agent and its answer the contact, against the
//! simulated FlowGent and Graph API.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, SECRET, client, envelope, sign, text_message};
use crate::support::simulation::Simulation;

const CONTACT: &str = "27821234567";

/// A gateway on a port that it keeps, whose callbacks and statuses come back to it.
struct Loop {
    gateway: Gateway,
    simulation: Simulation,
}

impl Loop {
    async fn start(directory: &Path, ask: &str) -> Self {
        let simulation = Simulation::start(&[]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = format!("http://127.0.0.1:{port}");
        let at = &simulation.url;
        let routes = format!(
            r#"
public_url: "{home}"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["{SECRET}"] }}
  page: {{ provider: messenger, app_secrets: ["{SECRET}"] }}
destinations:
  concierge:
    kind: flowgent.chat
    base_url: {at}/flowgent
    agent_id: agent-1
    api_key: any
    reply: callback
    deadline: 30s
  line: {{ kind: whatsapp.send, base_url: {at}/graph, access_token: any }}
routes:
  - name: ask
    from: [whatsapp, page]
    on: message.received
    when: event.text
{ask}
    to: concierge
  - {{ name: answer, from: concierge, on: agent.replied, to: line }}
"#
        );
        std::fs::write(directory.join("routes.yaml"), routes).unwrap();
        let listen = home.trim_start_matches("http://");
        let gateway = Gateway::start(directory, &[("TEST_LISTEN", listen)]);
        let webhook = json!({ "url": format!("{home}/hooks/whatsapp"), "app_secret": SECRET });
        simulation.deed("graph", "webhook", &webhook).await;
        Self { gateway, simulation }
    }

    async fn say(&self, id: &str, text: &str) {
        self.hook("whatsapp", envelope(&[text_message(id, CONTACT, text)])).await;
    }

    /// A signed webhook.
    async fn hook(&self, source: &str, body: Vec<u8>) {
        let url = format!("{}/hooks/{source}", self.gateway.url);
        let request = client().post(url).header("x-hub-signature-256", sign(&body)).body(body);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    async fn events(&self, kind: &str) -> Vec<Value> {
        let path = format!("/api/events?kind={kind}&limit=1000");
        self.gateway.admin("GET", &path, None).await["events"].as_array().unwrap().clone()
    }

    /// Waits for so many events of a kind, newest first.
    async fn wait_for(&self, kind: &str, count: usize) -> Vec<Value> {
        for _ in 0..300 {
            let events = self.events(kind).await;
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{count} of {kind} did not come: {:?}", self.events(kind).await.len());
    }

    /// The deliveries of an event, once none is pending.
    async fn deliveries(&self, event: &Value) -> Vec<Value> {
        let path = format!("/api/events/{}", event["id"].as_str().unwrap());
        for _ in 0..300 {
            let story = self.gateway.admin("GET", &path, None).await;
            let deliveries = story["deliveries"].as_array().unwrap();
            let open = ["pending", "sending", "awaiting"];
            if deliveries.iter().all(|it| !open.contains(&it["state"].as_str().unwrap())) {
                return deliveries.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} stays open");
    }
}

#[tokio::test]
async fn a_message_reaches_the_agent_and_its_answer_the_contact() {
    let directory = tempfile::tempdir().unwrap();
    let it = Loop::start(directory.path(), "").await;
    // Written at the simulated Graph API, which keeps the window as the real one does.
    let says = json!({ "from": CONTACT, "text": "Where is my order?" });
    it.simulation.deed("graph", "message", &says).await;
    let answer = &it.wait_for("agent.replied", 1).await[0];
    assert_eq!(answer["data"]["message"]["text"], "You said: Where is my order?");
    let asked = &it.events("message.received").await[0];
    assert_eq!(answer["causationid"], asked["id"]);
    assert_eq!(answer["data"]["contact"], asked["data"]["contact"]);
    assert_eq!(answer["data"]["conversation"]["id"], asked["data"]["conversation"]["id"]);
    let sent = &it.deliveries(answer).await[0];
    assert_eq!(sent["state"], "delivered", "{sent}");
    // Delivered and read come back, and say which of our messages they are about.
    let statuses = it.wait_for("message.status", 3).await;
    for status in &statuses {
        assert_eq!(status["data"]["status"]["message_id"], sent["receipt"]);
    }
    let asked = &it.deliveries(asked).await[0];
    assert_eq!(
        (&asked["state"], asked["destination"].as_str()),
        (&json!("delivered"), Some("concierge"))
    );
}

#[tokio::test]
async fn a_burst_becomes_one_call_also_across_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut it = Loop::start(directory.path(), "    collect: 2s").await;
    for (id, text) in [("wamid.1", "one"), ("wamid.2", "two"), ("wamid.3", "three")] {
        it.say(id, text).await;
    }
    it.gateway.kill_and_restart();
    let answers = it.wait_for("agent.replied", 1).await;
    assert_eq!(answers[0]["data"]["message"]["text"], "You said: one\ntwo\nthree");
    it.deliveries(&answers[0]).await;
    // What comes after the burst is a call of its own.
    it.say("wamid.4", "four").await;
    let answers = it.wait_for("agent.replied", 2).await;
    assert_eq!(answers[0]["data"]["message"]["text"], "You said: four");
    assert_eq!(answers.len(), 2);
}

/// A webhook of ours that says something else than a message: `value` under `field`.
fn change(field: &str, value: &Value) -> Vec<u8> {
    let mut value = value.clone();
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] = json!({ "display_phone_number": "15550783881",
                                "phone_number_id": "106540352242922" });
    let changes = json!([{ "field": field, "value": value }]);
    json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "419561257915477", "changes": changes }] })
    .to_string()
    .into_bytes()
}

fn messaging(id: &str, message: &Value, list: &str) -> Vec<u8> {
    let now = sluicegate::clock::now().as_millisecond();
    let mut item = json!({ "sender": { "id": CONTACT }, "recipient": { "id": "page-1" },
                           "timestamp": now });
    if message["is_echo"] == true {
        item = json!({ "sender": { "id": "page-1" }, "recipient": { "id": CONTACT },
                       "timestamp": now });
    }
    match message["event"].as_str() {
        Some(event) => item[event] = message["inner"].clone(),
        None => item["message"] = message.clone(),
    }
    json!({ "object": "page", "entry": [{ "id": "page-1", "time": now, list: [item] }],
            "id": id })
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn the_bot_falls_silent_whoever_takes_over() {
    let directory = tempfile::tempdir().unwrap();
    let it = Loop::start(directory.path(), "    unless: takeover").await;
    let now = sluicegate::clock::now().as_second().to_string();
    let echo = json!({ "message_echoes": [{ "from": "15550783881", "to": CONTACT, "id": "wamid.echo",
        "timestamp": now, "type": "text", "text": { "body": "I am on it" } }] });
    let text = json!({ "mid": "m.1", "text": "hello" });
    let echo_of_app = json!({ "mid": "m.echo", "text": "on it", "is_echo": true, "app_id": 4711 });
    let taken = json!({ "event": "take_thread_control",
                        "inner": { "previous_owner_app_id": "1", "new_owner_app_id": "4711" } });
    let causes: [(&str, &str, Vec<u8>); 4] = [
        ("whatsapp", "business_app", change("smb_message_echoes", &echo)),
        ("page", "app:4711", messaging("a", &echo_of_app, "messaging")),
        ("page", "standby", messaging("b", &text, "standby")),
        ("page", "handover", messaging("c", &taken, "messaging")),
    ];
    for (number, (source, by, body)) in causes.into_iter().enumerate() {
        it.hook(source, body).await;
        let says = format!("are you there {number}?");
        let body = match source {
            "whatsapp" => envelope(&[text_message("wamid.after", CONTACT, &says)]),
            _ => messaging(
                "d",
                &json!({ "mid": format!("m.after.{number}"), "text": says }),
                "messaging",
            ),
        };
        it.hook(source, body).await;
        let events = it.events("message.received").await;
        let asked = events.iter().find(|it| it["data"]["message"]["text"] == says).unwrap();
        let delivery = &it.deliveries(asked).await[0];
        assert_eq!(delivery["state"], "skipped", "{by}: {delivery}");
        let reason = delivery["reason"].as_str().unwrap();
        assert!(reason.contains(by), "{by}: {reason}");
    }
    assert!(it.events("agent.replied").await.is_empty());
}

#[tokio::test]
async fn an_agent_without_credits_is_paused_and_its_questions_go_on_when_it_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let it = Loop::start(directory.path(), "").await;
    it.simulation.deed("flowgent", "credits", &json!({ "left": 0 })).await;
    it.say("wamid.1", "one").await;
    let paused = &it.wait_for("gateway.destination_paused", 1).await[0];
    assert_eq!(paused["data"]["notice"]["subject"], "agent agent-1");
    it.say("wamid.2", "two").await;
    assert!(it.events("agent.replied").await.is_empty());

    it.simulation.deed("flowgent", "credits", &json!({ "left": 100 })).await;
    let resumed = it.gateway.run(&["pauses", "resume", "agent agent-1"]);
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    let answers = it.wait_for("agent.replied", 2).await;
    let texts: Vec<&Value> = answers.iter().map(|it| &it["data"]["message"]["text"]).collect();
    assert_eq!(texts, ["You said: two", "You said: one"], "in order, newest first");
}
