//! A source that is asked: what the provider holds is what comes out of the queue, once each,
//! through kills, shifting pages and an API that fails.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sluicegate::client::{self, Asked, Simulator};
use sluicegate::config::{self, Process, Secret, Secrets};
use sluicegate::journal::Journal;
use sluicegate::plan::Plan;
use sluicegate::poll::Polls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::gateway::Gateway;
use crate::support::store::{Full, open, stored};

/// A simulated FlowIQ, served so that one call in ten fails.
struct Served {
    simulator: Mutex<Box<dyn Simulator>>,
    failing: AtomicBool,
    calls: AtomicU64,
    failures: AtomicU64,
    url: String,
}

impl Served {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = client::find("flowiq").unwrap();
        let this = Arc::new(Self {
            simulator: Mutex::new((api.simulator)()),
            failing: AtomicBool::new(true),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            url: format!("http://{}", listener.local_addr().unwrap()),
        });
        let served = Arc::clone(&this);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let served = Arc::clone(&served);
                // A client that is killed leaves its connection in the middle.
                tokio::spawn(async move { drop(served.connection(stream).await) });
            }
        });
        this
    }

    fn deed(&self, deed: &str, arguments: &Value) -> Value {
        let now = sluicegate::clock::now();
        self.simulator.lock().unwrap().deed(deed, arguments, now).unwrap()
    }

    async fn connection(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut read = Vec::new();
        loop {
            let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
                if stream.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            let head = String::from_utf8(read.drain(..end + 4).collect()).unwrap();
            let (status, headers, body) = self.answer(&head);
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            // Spread by a multiplicative hash: one in ten, and each of five ways.
            let draw = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
            let way = if draw.is_multiple_of(10) { draw / 10 % 5 } else { 9 };
            let way = if self.failing.load(Ordering::Relaxed) { way } else { 9 };
            self.failures.fetch_add(u64::from(way < 9), Ordering::Relaxed);
            let length = body.len();
            let answer = match way {
                0 => "HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops".into(),
                1 => "HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}".into(),
                2 => "HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}".into(),
                3 => String::new(),
                _ => format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\n\r\n"),
            };
            stream.write_all(answer.as_bytes()).await?;
            match way {
                3 => return Ok(()),
                4 => return stream.write_all(&body[..length / 2]).await,
                9 => stream.write_all(&body).await?,
                _ => {}
            }
        }
    }

    fn answer(&self, head: &str) -> (u16, String, Vec<u8>) {
        let mut lines = head.lines();
        let target = lines.next().unwrap().split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = lines.filter_map(|it| it.split_once(": "));
        let asked = Asked {
            method: "GET".into(),
            path: path.into(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: pairs.map(|(a, b)| (a.to_ascii_lowercase(), b.to_owned())).collect(),
            body: bytes::Bytes::new(),
            base_url: self.url.clone(),
        };
        let now = sluicegate::clock::now();
        let answered = self.simulator.lock().unwrap().answer(&asked, now);
        let headers = answered.headers.iter().map(|(a, b)| format!("{a}: {b}\r\n"));
        let headers = headers.collect::<Vec<_>>().concat();
        (answered.status, headers, answered.body.to_vec())
    }

    /// Every message there is, by its contact; what is not told of a message is left out.
    fn truth(&self) -> BTreeMap<String, usize> {
        let mut messages = BTreeMap::new();
        for of in self.deed("truth", &json!({}))["conversations"].as_array().unwrap() {
            for it in of["messages"].as_array().unwrap() {
                *messages.entry(message(&of["contact"]["id"], it)).or_default() += 1;
            }
        }
        messages
    }
}

/// A message as it is compared. What a contact's own message went through is not told.
fn message(contact: &Value, raw: &Value) -> String {
    let mut raw = raw.clone();
    if raw["sender_type"] == "user-whatsapp" {
        raw["message_status"] = Value::Null;
    }
    format!("{contact} {raw}")
}

/// What came out of the queue.
#[derive(Default)]
struct Told {
    ids: HashSet<String>,
    /// The last that was told of each message, by its id.
    messages: HashMap<String, String>,
    kinds: BTreeMap<String, usize>,
    /// How many messages were told.
    first: usize,
    news: usize,
}

impl Told {
    fn take(&mut self, events: &[Value]) {
        for event in events {
            assert!(self.ids.insert(event["id"].to_string()), "{event} came twice");
            let kind = event["type"].as_str().unwrap();
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
            let data = &event["data"];
            let id = match kind {
                "message.received" | "message.sent" => &data["message"]["id"],
                "message.status" => &data["status"]["message_id"],
                "message.reaction" => &data["message"]["reaction"]["message_id"],
                "message.edited" => &data["message"]["original"],
                "contact.updated" | "handover.changed" => continue,
                other => panic!("{other}: {event}"),
            };
            let known = self
                .messages
                .insert(id.as_str().unwrap().into(), message(&data["contact"]["id"], &data["raw"]));
            if matches!(kind, "message.received" | "message.sent") {
                assert!(known.is_none(), "{event} was told before");
                self.first += 1;
                self.news += usize::from(event["historical"] == false);
            }
        }
    }

    fn counted(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for it in self.messages.values() {
            *counted.entry(it.clone()).or_default() += 1;
        }
        counted
    }
}

fn routes(url: &str, every: &str, idle: &str) -> String {
    format!(
        r##"
sources:
  flowiq:
    provider: flowiq
    tenant_id: acme
    token: fiq_a_token_of_a_test
    base_url: "{url}"
    every: {every}
    idle: {idle}
    watch: 60d
    budget: 6000/s
destinations:
  events: {{ kind: queue, exchange: sluicegate, queues: {{ sluicegate.events: ["#"] }} }}
routes:
  - {{ name: everything to the bus, to: events, history: include }}
"##
    )
}

/// What `sluicegate sources` would show.
async fn polled(gateway: &Gateway) -> (u64, u64) {
    let sources = gateway.admin("GET", "/api/sources", None).await;
    let polled = &sources[0]["polled"];
    (polled["known"].as_u64().unwrap(), polled["read"].as_u64().unwrap())
}

async fn wait_until(gateway: &Gateway, what: impl Fn(u64, u64) -> bool) {
    let began = Instant::now();
    loop {
        let (known, read) = polled(gateway).await;
        if what(known, read) {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(6), "{known} known, {read} read");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_an_api_that_fails_is_told_once_through_a_kill_in_the_first_run() {
    let slow = std::env::var_os("SLUICEGATE_SLOW_TESTS").is_some();
    let conversations = if slow { 1_000 } else { 60 };
    let served = Served::start().await;
    // Most fit one page; a few take several.
    served.deed("populate", &json!({ "conversations": conversations, "messages": 20, "seed": 1 }));
    served.deed("populate", &json!({ "conversations": 4, "messages": 270, "seed": 2 }));
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("routes.yaml"),
        // No more questions than there is time for, or the quiet ones would wait for minutes.
        if slow { routes(&served.url, "20s", "20s") } else { routes(&served.url, "200ms", "2s") },
    )
    .unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let writing = Arc::new(AtomicBool::new(true));
    let pace = Duration::from_millis(if slow { 500 } else { 50 });
    let writer = tokio::spawn({
        let (served, writing) = (Arc::clone(&served), Arc::clone(&writing));
        async move {
            for seed in 0_u64.. {
                if !writing.load(Ordering::Relaxed) {
                    break;
                }
                served.deed("advance", &json!({ "count": 2, "seed": seed }));
                tokio::time::sleep(pace).await;
            }
        }
    });
    wait_until(&gateway, |known, read| known > 0 && read > conversations / 3).await;
    let mut told = Told::default();
    told.take(&gateway.take("sluicegate.events", 500).await);
    gateway = tokio::task::spawn_blocking(move || {
        gateway.kill_and_restart();
        gateway
    })
    .await
    .unwrap();
    wait_until(&gateway, |known, read| known >= conversations + 4 && read == known).await;
    writing.store(false, Ordering::Relaxed);
    writer.await.unwrap();
    served.failing.store(false, Ordering::Relaxed);
    let truth = served.truth();
    let began = Instant::now();
    while told.counted() != truth && began.elapsed() < Duration::from_mins(3) {
        told.take(&gateway.drain("sluicegate.events").await);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let of = (served.calls.load(Ordering::Relaxed), served.failures.load(Ordering::Relaxed));
    eprintln!(
        "{} messages, {} news; calls, failures {of:?}; {:?}",
        told.first, told.news, told.kinds
    );
    let counted = told.counted();
    let missing: Vec<_> =
        truth.iter().filter(|it| counted.get(it.0) != Some(it.1)).take(3).collect();
    let extra: Vec<_> = counted.iter().filter(|it| truth.get(it.0) != Some(it.1)).take(3).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    assert!(told.news > 0 && told.news < told.first, "what was there before is history");
    assert!(of.1 > 10, "too few calls failed to show anything");

    // What was settled stays settled, and ending it is quick.
    let output = gateway.run(&["sources"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("the gateway asks the provider itself"), "{shown}");
    assert!(shown.contains(&format!("{0} conversations, {0} read", conversations + 4)), "{shown}");
    let (well, took) = gateway.terminate();
    assert!(well && took < Duration::from_secs(10), "{took:?}");
}

/// Asks as these routes say, and writes into that journal.
async fn polls(routes: &str, journal: Arc<dyn Journal>) -> Polls {
    let config = config::load(routes, "routes.yaml", &Process).unwrap().config;
    let secret = || Secret::new("a secret of a test");
    let secrets = Secrets { development: secret(), store_key: secret() };
    let parts = config.build(&secrets).unwrap();
    let plan = Plan {
        takeover: Duration::from_hours(1),
        sources: parts.sources.into_iter().map(|(name, it)| (name, Arc::from(it))).collect(),
        destinations: parts.destinations.into_iter().map(|(a, b)| (Arc::from(a), b)).collect(),
        table: config.routes,
        lookups: parts.lookups,
        stale_after: config.stale_after,
        public_url: config.public_url,
        fingerprint: config.fingerprint,
    };
    let plan = Arc::new(ArcSwap::from_pointee(plan));
    let polls = Polls::new(journal, plan, Arc::default()).unwrap();
    polls.start().await.unwrap();
    polls
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_written_yet_is_written_later() {
    let served = Served::start().await;
    served.failing.store(false, Ordering::Relaxed);
    served.deed("populate", &json!({ "conversations": 3, "messages": 7 }));
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let journal = Arc::new(Full::over(&store));
    let polls = polls(&routes(&served.url, "200ms", "2s"), journal).await;
    let messages = async || {
        let events = stored(&store).await;
        events
            .iter()
            .filter(|it| matches!(it.kind.as_str(), "message.received" | "message.sent"))
            .count()
    };
    let began = Instant::now();
    while messages().await < 21 && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    polls.stop(Duration::from_secs(5)).await;
    assert_eq!(messages().await, 21);
    assert_eq!(store.cursors("flowiq").await.unwrap().len(), 4, "three conversations, and the run");
    assert_eq!(polls.states()["flowiq"].error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_shown_and_tried_again_only_after_minutes() {
    let served = Served::start().await;
    served.failing.store(false, Ordering::Relaxed);
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let routes = routes(&served.url, "200ms", "2s").replace("fiq_a_token_of_a_test", "invalid");
    let polls = polls(&routes, store).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let state = polls.states()["flowiq"].clone();
    assert_eq!(state.error.as_deref(), Some("401: Unauthorized: Invalid bearer token"));
    assert!(state.next.unwrap() > sluicegate::clock::now() + Duration::from_secs(4));
    assert_eq!(served.calls.load(Ordering::Relaxed), 1);
    let began = Instant::now();
    polls.stop(Duration::from_secs(20)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it waits for nothing");
}
