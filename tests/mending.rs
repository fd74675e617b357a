//! What an operator sees of deliveries and does to them, over the API and the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::gateway::{Gateway, client, envelope, now, post, text_message};

/// What a receiver does that is told how to answer.
#[derive(Default)]
struct Receiver {
    status: AtomicU16,
    /// The texts of the messages that came to `/crm`, each with its `webhook-id`.
    came: Mutex<Vec<(String, String)>>,
}

impl Receiver {
    /// Listens on a free port; answers also its URL.
    async fn start(status: u16) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Arc::new(Self { status: status.into(), ..Self::default() });
        let of_task = Arc::clone(&receiver);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Self::answer(Arc::clone(&of_task), stream));
            }
        });
        (receiver, url)
    }

    fn came(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.came.lock().unwrap()
    }

    async fn answer(receiver: Arc<Self>, mut stream: TcpStream) {
        let mut read = Vec::new();
        let (head, length) = loop {
            let mut some = [0; 4_096];
            let Ok(count @ 1..) = stream.read(&mut some).await else { return };
            read.extend_from_slice(&some[..count]);
            let text = String::from_utf8_lossy(&read).into_owned();
            let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
            let length = header(head, "content-length").parse::<usize>().unwrap_or(0);
            if read.len() >= head.len() + 4 + length {
                break (head.to_owned(), length);
            }
        };
        let body: Value = serde_json::from_slice(&read[read.len() - length..]).unwrap();
        let (status, answer) = if head.starts_with("POST /crm") {
            let status = receiver.status.load(Ordering::Relaxed);
            if status == 200 {
                let text = body["data"]["message"]["text"].as_str().unwrap().to_owned();
                receiver.came().push((text, header(&head, "webhook-id")));
            }
            (status, "it hurts".to_owned())
        } else {
            let answer =
                json!({ "messaging_product": "whatsapp", "messages": [{ "id": "wamid.ours" }] });
            (200, answer.to_string())
        };
        let answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{answer}",
            answer.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

fn header(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|it| it.split_once(':'));
    let found = lines.filter(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1.trim()).next();
    found.unwrap_or_default().to_owned()
}

/// A gateway whose messages go to `crm`, and are answered by `line`.
fn start(directory: &std::path::Path, url: &str) -> Gateway {
    let routes = r##"
sources:
  whatsapp: { provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }
destinations:
  events: { kind: queue, exchange: sluicegate, queues: { sluicegate.events: ["#"] } }
  crm:
    { kind: webhook, url: "URL/crm", allow_private: true, on_dead: hold, max_age: 3s,
      order: conversation, retry: { first: 500ms, cap: 1s } }
  line: { kind: whatsapp.send, base_url: "URL", access_token: secret, allow_private: true }
routes:
  - { name: bus, to: events }
  - { name: tell the crm, on: message.received, to: crm }
  - { name: echo, on: message.received, to: { line: { text: "you said {{ event.text }}" } } }
"##;
    std::fs::write(directory.join("routes.yaml"), routes.replace("URL", url)).unwrap();
    Gateway::start(directory, &[])
}

async fn say(gateway: &Gateway, texts: &[&str]) {
    for text in texts {
        let message = text_message(&format!("wamid.{text}"), "27821234567", text);
        assert_eq!(post(&client(), &gateway.url, envelope(&[message])).await, Some(200));
    }
}

/// Runs a command that ends well; what it printed.
fn run(gateway: &Gateway, arguments: &[&str]) -> String {
    // The receiver has to answer meanwhile.
    let output = tokio::task::block_in_place(|| gateway.run(arguments));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The deliveries to the CRM once they stand so, newest first.
async fn stands(gateway: &Gateway, states: &[&str]) -> Vec<Value> {
    those_to(gateway, "crm", states).await
}

async fn those_to(gateway: &Gateway, destination: &str, states: &[&str]) -> Vec<Value> {
    let path = format!("/api/deliveries?destination={destination}");
    let mut last = Value::Null;
    for _ in 0..600 {
        last = gateway.admin("GET", &path, None).await;
        let deliveries = last["deliveries"].as_array().unwrap();
        if deliveries.iter().map(|it| it["state"].as_str().unwrap()).eq(states.iter().copied()) {
            return deliveries.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{states:?}: {last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_is_seen_tried_again_repeated_and_told_as_one_tree() {
    let directory = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::start(500).await;
    let gateway = start(directory.path(), &url);
    say(&gateway, &["one"]).await;
    let listed = stands(&gateway, &["held"]).await;
    assert!(listed[0]["reason"].as_str().unwrap().contains("500"), "{listed:#?}");
    let list = run(&gateway, &["deliveries", "list", "--state", "held"]);
    assert!(list.contains("tell the crm → crm") && list.contains("held"), "{list}");
    assert_eq!(list.lines().count(), 1, "{list}");

    // First what would be done, then it is done.
    let retry = ["deliveries", "retry", "--destination", "crm", "--dry-run"];
    let would = run(&gateway, &retry);
    assert!(would.starts_with("1 delivery would be due again"), "{would}");
    receiver.status.store(200, Ordering::Relaxed);
    say(&gateway, &["two"]).await;
    stands(&gateway, &["pending", "held"]).await;
    assert_eq!(run(&gateway, &retry[..4]), "1 of 1 delivery due again\n");
    let delivered = stands(&gateway, &["delivered", "delivered"]).await;
    assert_eq!(delivered[1]["id"], listed[0]["id"]);
    let texts = || receiver.came().iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(texts(), ["one", "two"]);

    // Repeated under new ids, in the same order.
    let replay = ["replay", "--destination", "crm", "--since", "1h", "--rate", "100", "--json"];
    let done: Value = serde_json::from_str(&run(&gateway, &replay)).unwrap();
    assert_eq!((&done["state"], &done["done"]), (&json!("done"), &json!(2)));
    stands(&gateway, &["delivered"; 4]).await;
    assert_eq!(texts(), ["one", "two", "one", "two"]);
    let came = receiver.came().clone();
    assert!(came[0].1 != came[2].1 && came[1].1 != came[3].1, "{came:?}");

    // A contact that nothing is known of is sent nothing for some seconds after a start.
    those_to(&gateway, "line", &["delivered"; 2]).await;
    // A receipt of what was answered comes later, and the tree has it all.
    let status = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1",
        "changes": [{ "field": "messages", "value": { "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881",
                          "phone_number_id": "106540352242922" },
            "statuses": [{ "id": "wamid.ours", "status": "read", "timestamp": now(),
                           "recipient_id": "27821234567" }] } }] }] });
    let status = status.to_string().into_bytes();
    assert_eq!(post(&client(), &gateway.url, status).await, Some(200));
    let event = listed[0]["event"].as_str().unwrap();
    let tree = run(&gateway, &["events", "show", event]);
    for part in [
        "├─ tell the crm → crm: delivered",
        "retry",
        "500: the receiver failed",
        "answered 500",
        ", repeats ",
        "echo → line: delivered",
        "(wamid.ours)",
        "receipt read",
    ] {
        assert!(tree.contains(part), "`{part}`:\n{tree}");
    }
    let story: Value =
        serde_json::from_str(&run(&gateway, &["events", "show", event, "--json"])).unwrap();
    let outcomes: Vec<&Value> = story["deliveries"][1]["attempted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["outcome"])
        .collect();
    assert_eq!(outcomes.last().unwrap(), &"delivered", "{story:#}");
    assert!(outcomes.contains(&&json!("dead")), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_a_mistake_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = start(directory.path(), "http://127.0.0.1:9");
    for (arguments, sentence) in [
        (&["deliveries", "drop"][..], "say which deliveries"),
        (&["deliveries", "retry", "--destination", "cmr"], "there is no destination `cmr`"),
        (&["deliveries", "retry", "--state", "delivered"], "only to what is"),
        (&["deliveries", "list", "--state", "lost"], "there is no state `lost`"),
        (&["replay", "--destination", "events", "--since", "1h"], "embedded broker"),
        (&["replay", "--destination", "crm"], "--since"),
        (&["pauses", "resume", "number 1"], "`number 1` is not paused; nothing is"),
        (&["takeover", "set", "27820000000"], "there is no conversation"),
    ] {
        let output = gateway.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(sentence), "{arguments:?}: {error}");
        assert!(matches!(output.status.code(), Some(2 | 5)), "{arguments:?}");
    }
    // A filter with a slip of the pen must not mean everything.
    let token = std::fs::read_to_string(directory.path().join("data/admin.token")).unwrap();
    let url = format!("{}/api/deliveries/drop", gateway.admin);
    let slip = json!({ "filter": { "destinatoin": "crm" } });
    let answer = client().post(url).bearer_auth(token.trim()).json(&slip).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("destinatoin"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_stands_still_until_it_is_resumed_and_a_person_takes_over() {
    let directory = tempfile::tempdir().unwrap();
    let (receiver, url) = Receiver::start(200).await;
    let gateway = start(directory.path(), &url);
    let set = run(&gateway, &["pauses", "set", "crm", "--reason", "they move house"]);
    assert!(set.contains("destination crm") && set.contains("until it is resumed"), "{set}");
    say(&gateway, &["one"]).await;
    let paused = stands(&gateway, &["paused"]).await;
    assert_eq!(paused[0]["reason"], "they move house");
    assert_eq!(run(&gateway, &["pauses", "resume", "destination crm"]), "nothing stands still\n");
    stands(&gateway, &["delivered"]).await;
    assert_eq!(receiver.came().len(), 1);

    let number = "+27 82 123 4567";
    let set = run(&gateway, &["takeover", "set", number, "--for", "30min", "--by", "ada"]);
    assert!(set.contains("a person answers (ada) until "), "{set}");
    assert!(set.contains("the window is open until "), "{set}");
    let cleared = run(&gateway, &["takeover", "clear", number]);
    assert!(cleared.contains("the bot answers"), "{cleared}");
    let id = paused[0]["conversation"].as_str().unwrap();
    let path = format!("/api/conversations/{id}");
    let reason = Some(json!({ "reason": "asked by phone" }));
    let stands = gateway.admin("POST", &format!("{path}/suppress"), reason).await;
    assert_eq!((&stands["suppressed"], &stands["id"]), (&json!("asked by phone"), &json!(id)));
    gateway.admin("POST", &format!("{path}/allow"), None).await;
    assert_eq!(gateway.admin("GET", &path, None).await["suppressed"], Value::Null);
}
