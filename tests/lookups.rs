//! Lookups of routes, from the webhook to what is sent, against the real simulation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::gateway::{Gateway, client, envelope, post, text_message};
use crate::support::simulation::Simulation;

/// A receiver of webhooks that remembers what it was sent.
pub(crate) async fn receiver() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let of_server = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&of_server);
            tokio::spawn(async move {
                let mut read = Vec::new();
                while stream.read_buf(&mut read).await.is_ok_and(|it| it > 0) {
                    let text = String::from_utf8_lossy(&read).into_owned();
                    let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                    let Ok(body) = serde_json::from_str(body) else { continue };
                    seen.lock().unwrap().push(body);
                    read.clear();
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
            });
        }
    });
    (url, seen)
}

/// Waits until so much was sent.
pub(crate) async fn sent(seen: &Mutex<Vec<Value>>, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let all = seen.lock().unwrap().clone();
        if all.len() >= count {
            return all;
        }
    }
    panic!("only this was sent: {:?}", seen.lock().unwrap());
}

#[tokio::test]
async fn what_was_looked_up_is_sent_and_decides_whether_anything_is() {
    let simulation = Simulation::start(&[]);
    let said = json!({ "from": "27821234567", "name": "Thandi", "text": "Hello" });
    simulation.deed("flowiq", "message", &said).await;
    let (crm, seen) = receiver().await;
    let directory = tempfile::tempdir().unwrap();
    let routes = format!(
        r#"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }}
destinations:
  crm: {{ kind: webhook, url: "{crm}", signing_secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD }}
routes:
  - name: known customers
    on: message.received
    lookup:
      customer:
        kind: flowiq.contact
        base_url: {flowiq}/flowiq
        tenant_id: tenant
        token: a token of a test
      gone: {{ kind: http, url: "{flowiq}/nothing/{{{{ event.text | urlencode }}}}" }}
    unless: not lookup.customer
    to:
      crm:
        text: "{{{{ event.text }}}}"
        contact: "{{{{ lookup.customer.contact }}}}"
        gone: "{{{{ lookup.gone is defined }}}}"
"#,
        flowiq = simulation.url
    );
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    for (id, from, text) in [
        ("wamid.1", "27821234567", "Where is it?"),
        ("wamid.2", "4915112345678", "Who am I?"),
        ("wamid.3", "27821234567", "Hello?"),
    ] {
        let body = envelope(&[text_message(id, from, text)]);
        assert_eq!(post(&client(), &gateway.url, body).await, Some(200));
    }
    let mut all = sent(&seen, 2).await;
    all.sort_by_key(|it| it["text"].to_string());
    let texts: Vec<&Value> = all.iter().map(|it| &it["text"]).collect();
    assert_eq!(texts, ["Hello?", "Where is it?"]);
    for it in &all {
        assert_eq!(it["contact"]["whatsapp_id"], "27821234567", "{it}");
        assert_eq!(it["gone"], false);
    }
    // The stranger's delivery says why nothing was sent.
    let page = gateway.admin("GET", "/api/events", None).await;
    let events = page["events"].as_array().unwrap();
    let stranger = events.iter().find(|it| it.to_string().contains("Who am I?")).unwrap();
    let path = format!("/api/events/{}", stranger["id"].as_str().unwrap());
    let mut story = Value::Null;
    for _ in 0..100 {
        story = gateway.admin("GET", &path, None).await;
        if story.to_string().contains("skipped") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let story = story.to_string();
    assert!(story.contains("`unless` holds"), "{story}");
    assert!(!story.contains("a token of a test"), "{story}");
}
