//! From a request to what comes out, over the real binary.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, client, envelope, post, sign, text_message};

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|it| it["data"]["message"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_signed_message_comes_out_of_the_queue_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let http = client();
    let message =
        |number: u32| text_message(&format!("wamid.{number}"), "16505551234", "Where is my order?");
    assert_eq!(post(&http, &gateway.url, envelope(&[message(1)])).await, Some(200));
    // A redelivery, batched anew with a neighbour.
    let batch = envelope(&[message(1), message(2)]);
    assert_eq!(post(&http, &gateway.url, batch.clone()).await, Some(200));
    let events = gateway.drain("sluicegate.events").await;
    assert_eq!(ids(&events), ["wamid.1", "wamid.2"]);
    let event = &events[0];
    assert_eq!(event["type"], "message.received");
    assert_eq!(event["source"], "/whatsapp/106540352242922");
    assert_eq!(event["data"]["message"]["text"], "Where is my order?");
    assert_eq!(event["data"]["conversation"]["id"], event["subject"]);
    assert_eq!(event["subject"], events[1]["subject"], "one contact, one conversation");
    assert_eq!(event["historical"], false);

    // After a restart: neither the acknowledged events nor the redelivery come again.
    gateway.kill_and_restart();
    assert_eq!(post(&http, &gateway.url, batch).await, Some(200));
    assert!(gateway.drain("sluicegate.events").await.is_empty());
    let stored = gateway.admin("GET", "/api/events", None).await;
    assert_eq!(stored["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_sender_is_answered_says_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let http = client();
    let url = format!("{}/hooks/whatsapp", gateway.url);
    let body = envelope(&[text_message("wamid.1", "1", "hi")]);
    let status = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let signed = |body: &[u8], tag: &str| {
        http.post(&url).body(body.to_vec()).header("x-hub-signature-256", tag)
    };

    let unknown = http.post(format!("{}/hooks/nobody", gateway.url)).body("{}");
    assert_eq!(status(unknown).await, (404, "unknown source\n".into()));
    let (code, text) = status(http.post(&url).body(body.clone())).await;
    assert_eq!((code, &*text), (401, "missing header `x-hub-signature-256`\n"));
    let mut changed = body.clone();
    changed[10] ^= 1;
    let (code, text) = status(signed(&changed, &sign(&body))).await;
    assert_eq!((code, &*text), (401, "signature does not match\n"));
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    assert_eq!(status(signed(&large, &sign(&large))).await.0, 413);
    let fits = vec![b' '; 3 * 1024 * 1024];
    assert_eq!(status(signed(&fits, &sign(&fits))).await.0, 200, "exactly the limit");
    assert_eq!(status(signed(&body, &sign(&body))).await, (200, String::new()));

    let rejections = gateway.admin("GET", "/api/rejections", None).await;
    let labels: Vec<&str> =
        rejections.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["bad_signature", "missing_header", "unknown_source"]);
    assert!(!rejections.to_string().contains("an app secret"));
    let metrics = http.get(format!("{}/metrics", gateway.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"sluicegate_requests_total{source="whatsapp",outcome="bad_signature"} 1"#,
        r#"sluicegate_requests_total{source="unknown",outcome="unknown_source"} 1"#,
        r#"sluicegate_requests_total{source="whatsapp",outcome="accepted"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_signed_body_that_says_nothing_is_kept_and_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let http = client();
    for body in [&b""[..], b"{", b"\xff", b"[]"] {
        assert_eq!(post(&http, &gateway.url, body.to_vec()).await, Some(200));
    }
    let message = text_message("wamid.1", "1", "hi");
    assert_eq!(post(&http, &gateway.url, envelope(&[message])).await, Some(200));
    let events = gateway.drain("sluicegate.events").await;
    let kinds: Vec<&str> = events.iter().map(|it| it["type"].as_str().unwrap()).collect();
    let unmapped = "whatsapp.unmapped";
    assert_eq!(kinds, [unmapped, unmapped, unmapped, unmapped, "message.received"]);
    assert_eq!((&events[0]["data"]["raw"], &events[1]["data"]["raw"]), (&json!(""), &json!("{")));
}

#[tokio::test]
async fn the_handshake_answers_exactly_the_challenge() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let get = async |query: &str| {
        let url = format!("{}/hooks/whatsapp{query}", gateway.url);
        let answer = client().get(url).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind, answer.text().await.unwrap())
    };
    let (code, kind, body) =
        get("?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=token").await;
    assert_eq!((code, &*body), (200, "1158201444"));
    assert!(kind.starts_with("text/plain"), "{kind}");
    let wrong = get("?hub.mode=subscribe&hub.challenge=1&hub.verify_token=tokem").await;
    assert_eq!(wrong.0, 403);
    assert_eq!(get("").await.0, 403);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let routes = crate::support::gateway::ROUTES
        .replace("sources:", "limits: { read_timeout: 1s }\nsources:");
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let (waiting, sent) = std::sync::mpsc::channel();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
            .write_all(b"POST /hooks/whatsapp HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
            .unwrap();
        let mut answer = [0; 12];
        waiting.send(()).unwrap();
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    });
    tokio::task::spawn_blocking(move || sent.recv().unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let metrics = client().get(format!("{}/metrics", gateway.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\nsluicegate_requests_in_flight 1\n"), "{metrics}");
    assert_eq!(answer.await.unwrap(), "HTTP/1.1 408");
}

#[tokio::test]
async fn a_development_secret_is_refused_behind_a_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let routes = "sources: { whatsapp: { provider: whatsapp } }\n\
                  destinations: { seen: { kind: log } }\n\
                  routes: [{ name: all, to: seen }]\n";
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let sent = gateway.run(&["send", "whatsapp", "text", "hi"]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let answer = client()
        .post(format!("{}/hooks/whatsapp", gateway.url))
        .header("x-forwarded-for", "1.2.3.4")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.text().await.unwrap().contains("development secret"));
}

#[tokio::test]
async fn senders_of_every_sort_get_in_by_their_own_proof() {
    let directory = tempfile::tempdir().unwrap();
    let routes = r##"
sources:
  shop:
    provider: webhook
    verify: { preset: standard_webhooks }
    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]
    map: { kind: order.created, key: "header:webhook-id", text: /note, fields: { total: /total } }
  hooks: { provider: webhook, verify: { preset: path }, secrets: [a-long-word], handshake: echo }
  leads: { provider: flowbot, auth: api_key, secrets: [a-key] }
  concierge: { provider: flowgent }
destinations:
  events: { kind: queue, exchange: sluicegate, queues: { sluicegate.events: ["#"] } }
routes:
  - { name: orders, on: order.created, when: event.fields.total, to: events }
  - { name: others, from: [hooks, leads, concierge], to: events }
"##;
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    for arguments in [
        &["send", "shop", "event", "Ring twice"][..],
        &["send", "hooks", "cloudevent"],
        &["send", "leads", "lead"],
        &["send", "concierge", "reply", "Good morning"],
    ] {
        let sent = gateway.run(arguments);
        let error = String::from_utf8_lossy(&sent.stderr).into_owned();
        assert!(sent.status.success(), "{arguments:?}: {error}");
    }
    let events = gateway.drain("sluicegate.events").await;
    let kinds: Vec<&str> = events.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["order.created", "event.received", "lead.received", "agent.replied"]);
    assert_eq!(events[0]["data"]["message"]["text"], "Ring twice");
    assert_eq!(events[0]["data"]["fields"]["total"], "sample");
    assert_eq!(events[3]["data"]["message"]["text"], "Good morning");

    let http = client();
    for (kind, expected) in [("order.created", 200), ("order", 404), ("Order.Created", 404)] {
        let schema = format!("{}/schemas/{kind}/1", gateway.url);
        assert_eq!(http.get(schema).send().await.unwrap().status(), expected, "{kind}");
    }
    let asked = format!("{}/hooks/hooks?challenge=abc", gateway.url);
    assert_eq!(http.get(asked).send().await.unwrap().text().await.unwrap(), "abc");
    for (path, expected) in
        [("hooks/another-word", 401), ("hooks", 401), ("concierge", 401), ("leads", 401)]
    {
        let url = format!("{}/hooks/{path}", gateway.url);
        assert_eq!(http.post(url).body("{}").send().await.unwrap().status(), expected, "{path}");
    }
    let nobody_asks = http.get(format!("{}/hooks/leads", gateway.url)).send().await.unwrap();
    assert_eq!(nobody_asks.status(), 405);
}

#[tokio::test]
async fn the_admin_api_wants_its_token() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    for path in ["/api/events", "/api/lanes", "/api/rejections", "/api/queues"] {
        let url = format!("{}{path}", gateway.admin);
        assert_eq!(client().get(&url).send().await.unwrap().status(), 401, "{path}");
        let wrong = client().get(&url).bearer_auth("wrong").send().await.unwrap();
        assert_eq!(wrong.status(), 401, "{path}");
        gateway.admin("GET", path, None).await;
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let open = client().get(format!("{}{path}", gateway.admin)).send().await.unwrap();
        assert_eq!(open.status(), 200, "{path}");
    }
    let public = client().get(format!("{}/api/events", gateway.url)).send().await.unwrap();
    assert_eq!(public.status(), 404, "the public port has no admin API");
}

#[tokio::test]
async fn events_that_are_old_on_arrival_are_historical() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let mut old = text_message("wamid.old", "1", "last year");
    old["timestamp"] = json!("1700000000");
    let fresh = text_message("wamid.new", "1", "just now");
    assert_eq!(post(&client(), &gateway.url, envelope(&[old, fresh])).await, Some(200));
    let events = gateway.drain("sluicegate.events").await;
    let historical: Vec<&Value> = events.iter().map(|it| &it["historical"]).collect();
    assert_eq!(historical, [true, false]);
    // The route to the log asks for no history.
    let id = events[0]["id"].as_str().unwrap();
    let story = gateway.admin("GET", &format!("/api/events/{id}"), None).await;
    let routes: Vec<&Value> =
        story["deliveries"].as_array().unwrap().iter().map(|it| &it["route"]).collect();
    assert_eq!(routes, ["everything to the bus"]);
}

#[tokio::test]
async fn a_full_disk_is_answered_with_503_and_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for the full disk; the signal it sends is ignored.
    let script = "trap '' XFSZ; ulimit -f 3000; exec \"$@\"";
    let gateway = Gateway::start_under("sh", &["-c", script, "sh"], directory.path());
    let http = client();
    let mut refused = 0;
    let mut accepted = 0;
    for number in 0..400 {
        let message = text_message(&format!("wamid.{number}"), "1", &"x".repeat(20_000));
        match post(&http, &gateway.url, envelope(&[message])).await {
            Some(200) => accepted += 1,
            Some(503) => refused += 1,
            other => panic!("{other:?}"),
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "the disk never filled; {accepted} were accepted");
    let ready = client().get(format!("{}/readyz", gateway.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(gateway.run(&["health"]).status.code(), Some(5));
    let events = gateway.admin("GET", "/api/events?limit=1000", None).await;
    assert_eq!(events["events"].as_array().unwrap().len(), accepted, "what was accepted is there");
}

#[tokio::test]
async fn a_stop_ends_quickly_and_cleanly_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let http = client();
    for number in 0..50 {
        let message = text_message(&format!("wamid.{number}"), "1", "hi");
        assert_eq!(post(&http, &gateway.url, envelope(&[message])).await, Some(200));
    }
    drop(http);
    let (well, took) = gateway.terminate();
    assert!(well);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let wal = directory.path().join("data/journal.db-wal");
    assert!(std::fs::metadata(wal).map_or(0, |it| it.len()) == 0, "the journal was closed");
    let gateway = Gateway::start(directory.path(), &[]);
    assert_eq!(gateway.drain("sluicegate.events").await.len(), 50);
}

#[tokio::test]
async fn the_commands_send_consume_and_show() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let run = |arguments: &[&str]| {
        let output = gateway.run(arguments);
        let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, out, error) = run(&["send", "whatsapp", "text", "Where is my order?", "--json"]);
    assert_eq!(code, 0, "{error}");
    let id = serde_json::from_str::<Value>(&out).unwrap()["id"].as_str().unwrap().to_owned();
    let (code, out, _) = run(&["consume", "--keep"]);
    assert_eq!(code, 0);
    assert!(out.contains("Where is my order?") && out.contains(&id), "{out}");
    let (_, out, _) = run(&["events", "list", "--kind", "message.received"]);
    assert!(out.contains(&id), "{out}");
    let (_, out, _) = run(&["events", "list", "--kind", "message.status"]);
    assert_eq!(out, "");
    let (_, out, _) = run(&["events", "show", &id]);
    assert!(out.contains("everything to the bus → events: delivered"), "{out}");
    let (code, _, error) = run(&["send", "whatsapp", "telegram"]);
    assert_eq!(code, 1);
    assert!(error.contains("there is no sample `telegram`; there are text"), "{error}");
    let (code, _, error) = run(&["events", "show", "00000000-0000-0000-0000-000000000000"]);
    assert_eq!(code, 5);
    assert!(error.contains("there is no event"), "{error}");
    assert_eq!(run(&["health"]), (0, "ready\n".into(), String::new()));
    assert_eq!(run(&["frobnicate"]).0, 2);
    drop(gateway);
    let stopped = Gateway::start(directory.path(), &[]);
    let admin = stopped.admin.clone();
    drop(stopped);
    for command in [&["events", "list"][..], &["health"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(command)
            .current_dir(directory.path())
            .env("SLUICEGATE_ADMIN_LISTEN", admin.trim_start_matches("http://"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4), "{command:?}");
    }
}

#[tokio::test]
async fn the_same_words_twice_are_two_events_where_nothing_tells_them_apart() {
    let directory = tempfile::tempdir().unwrap();
    let routes = "sources: { leads: { provider: flowbot, auth: api_key, secrets: [a-very-secret-key] } }\n\
                  destinations: { events: { kind: queue, queues: { sluicegate.events: ['#'] } } }\n\
                  routes: [{ name: all, to: events }]\n";
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let lead = json!({ "phone": "+972501234567", "name": "Dana" });
    let twins = json!([lead, lead]);
    for body in [&lead, &lead, &twins] {
        let sent = client()
            .post(format!("{}/hooks/leads", gateway.url))
            .header("x-api-key", "a-very-secret-key")
            .json(body)
            .send();
        assert_eq!(sent.await.unwrap().status(), 200);
    }
    let events = gateway.drain("sluicegate.events").await;
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((events.len(), ids.len()), (4, 4));

    // What proves the sender is not written down: whoever reads the file could send.
    let files = ["journal.db", "journal.db-wal"];
    let files = files.map(|it| std::fs::read(directory.path().join("data").join(it)).unwrap());
    let holds = |it: &[u8]| files.iter().any(|file| file.windows(it.len()).any(|part| part == it));
    assert!(holds(b"972501234567"), "this is not where events are written");
    assert!(!holds(b"a-very-secret-key"), "the key is written down");
}
