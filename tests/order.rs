//! A conversation with an agent is heard in its order, whatever happens: answers that fail, answers
//! that are slow, and a gateway that is killed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, client, envelope, post, text_message};
use crate::support::server::{Asked, Server};

/// How many conversations there are, how many messages each has, and how often the gateway is
/// killed meanwhile.
struct Size {
    conversations: usize,
    messages: usize,
    kills: usize,
}

const SMALL: Size = Size { conversations: 20, messages: 8, kills: 4 };
const FULL: Size = Size { conversations: 500, messages: 20, kills: 8 };

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// An agent that is moody, and remembers what it was told.
struct Agent {
    /// By conversation, the number of every message that was answered.
    heard: Mutex<Vec<Vec<usize>>>,
    calls: AtomicU64,
    taken: AtomicU64,
    /// Answers that said 503: as a status, and inside a 200.
    unwell: [AtomicU64; 2],
    /// What a call should not have said.
    wrong: Mutex<Vec<String>>,
}

impl Agent {
    fn new(size: &Size) -> Arc<Self> {
        Arc::new(Self {
            heard: Mutex::new(vec![Vec::new(); size.conversations]),
            calls: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            unwell: Default::default(),
            wrong: Mutex::default(),
        })
    }

    async fn answer(&self, asked: Asked) -> (u16, Value) {
        let said = asked.body["messages"].as_str().unwrap_or_default().to_owned();
        let Some((conversation, number)) = said.split_once('/') else {
            self.wrong.lock().unwrap().push(format!("not one message: {}", asked.body));
            return (400, json!({ "error": "what?" }));
        };
        let (conversation, number): (usize, usize) =
            (conversation.parse().unwrap(), number.parse().unwrap());
        // Spread by a multiplicative hash: moods have no rhythm.
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mood = call.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        if let Some(unwell) = self.unwell.get(usize::try_from(mood % 16).unwrap()) {
            unwell.fetch_add(1, Ordering::Relaxed);
            let inside = json!({ "statusCode": 503, "body": { "error": "the model is busy" } });
            let outside = (503, json!({ "error": "Service Unavailable" }));
            return if mood.is_multiple_of(16) { outside } else { (200, inside) };
        }
        let thread = format!("thread-{conversation}");
        self.heard.lock().unwrap()[conversation].push(number);
        self.taken.fetch_add(1, Ordering::Relaxed);
        let kept = &asked.body["thread_id"];
        if *kept != *thread && (number > 1 || !kept.is_null()) {
            let wrong = format!("{said} came in thread {kept}");
            self.wrong.lock().unwrap().push(wrong);
        }
        let slow = if mood % 16 == 2 { 200 } else { 5 };
        tokio::time::sleep(Duration::from_millis(mood / 16 % slow)).await;
        let history = json!([
            { "role": "user", "content": said },
            { "role": "assistant", "content": format!("I heard {said}") },
        ]);
        let metadata = json!({ "id": format!("answer-{call}"), "thread_id": thread });
        let body = json!({ "conversation_history": history, "metadata": metadata });
        (200, json!({ "statusCode": 200, "body": body }))
    }

    /// Waits until so many messages were taken.
    async fn until(&self, taken: usize) {
        while self.taken.load(Ordering::Relaxed) < taken as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Says everything that there is to say in a conversation, one message after the other; each until
/// it is answered 200.
async fn speak(http: reqwest::Client, url: Arc<Mutex<String>>, conversation: usize, last: usize) {
    let from = format!("1650555{conversation:04}");
    for number in 1..=last {
        let id = format!("wamid.{conversation}.{number}");
        let body = envelope(&[text_message(&id, &from, &format!("{conversation}/{number}"))]);
        loop {
            let url = url.lock().unwrap().clone();
            if post(&http, &url, body.clone()).await == Some(200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let pause = (conversation * 7 + number * 13) % 40;
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    }
}

async fn all(size: Size) {
    let agent = Agent::new(&size);
    let asked = Arc::clone(&agent);
    let server = Server::start(move |it| {
        let agent = Arc::clone(&asked);
        async move { agent.answer(it).await }
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let routes = format!(
        r#"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }}
destinations:
  concierge:
    kind: flowgent.chat
    base_url: {}
    agent_id: agent-1
    api_key: key
    on_dead: hold
    concurrency: 64
    retry: {{ first: 50ms, cap: 500ms }}
  seen: {{ kind: log }}
routes:
  - {{ name: ask, from: whatsapp, on: message.received, to: concierge }}
  - {{ name: answers, from: concierge, on: agent.replied, to: seen }}
"#,
        server.url
    );
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let url = Arc::new(Mutex::new(gateway.url.clone()));
    let http = client();
    let speakers: Vec<_> = (0..size.conversations)
        .map(|it| tokio::spawn(speak(http.clone(), Arc::clone(&url), it, size.messages)))
        .collect();
    let total = size.conversations * size.messages;
    for kill in 1..=size.kills {
        agent.until(total * kill / (size.kills + 1)).await;
        let taken = agent.taken.load(Ordering::Relaxed);
        assert!(taken < total as u64, "the agent was faster than the killer");
        let killed = tokio::task::spawn_blocking(move || {
            gateway.kill();
            gateway
        });
        gateway = killed.await.unwrap();
        // What the dead gateway had sent is heard before the next one repeats it: between two
        // connections there is no order.
        server.idle().await;
        let started = tokio::task::spawn_blocking(move || {
            gateway.restart();
            gateway
        });
        gateway = started.await.unwrap();
        gateway.url.clone_into(&mut url.lock().unwrap());
    }
    for speaker in speakers {
        speaker.await.unwrap();
    }
    loop {
        let lanes = gateway.admin("GET", "/api/lanes", None).await;
        if lanes.as_array().unwrap().iter().all(|it| it["pending"] == 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heard = agent.heard.lock().unwrap().clone();
    let expected: Vec<usize> = (1..=size.messages).collect();
    let mut repeated = 0;
    for (conversation, heard) in heard.iter().enumerate() {
        // An answer that was lost with the gateway is asked for again, before anything else.
        let mut once = heard.clone();
        once.dedup();
        assert_eq!(once, expected, "conversation {conversation} was heard as {heard:?}");
        repeated += heard.len() - once.len();
    }
    let wrong = agent.wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unwell = [0, 1].map(|it: usize| agent.unwell[it].load(Ordering::Relaxed));
    eprintln!("{total} messages, {repeated} of them twice; 503 and 200 with 503: {unwell:?}");
    assert!(unwell.iter().all(|it| *it > 0), "nothing ever failed: {unwell:?}");
    // Only what is in flight when the gateway is killed may be heard twice.
    assert!(repeated <= size.kills * 64, "{repeated} were asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_heard_in_order_and_whole_through_failures_and_kills() {
    let full = std::env::var_os("SLUICEGATE_SLOW_TESTS").is_some();
    let started = Instant::now();
    let all = all(if full { FULL } else { SMALL });
    assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "it takes too long");
    eprintln!("took {:?}", started.elapsed());
}
