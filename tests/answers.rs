//! Answers through kills: none is lost or given twice, and a message sent twice tells so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::gateway::{Gateway, client, envelope, now, post, text_message};
use crate::support::server::{Asked, Server};

/// How many customers ask in each round; each customer asks once.
const CUSTOMERS: usize = 3;

/// How long anything may take. After a kill nothing is known of what a customer was sent before:
/// the first message to each waits for some seconds.
const PATIENCE: Duration = Duration::from_secs(40);

/// Something that a kill can be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The agent is about to answer.
    Answer,
    /// The answer is an event, and its message is not sent.
    Settled,
    /// The message arrived at the Graph API, which is about to answer.
    Sent,
}

/// A message to a customer, as the Graph API got it.
#[derive(Clone, Debug)]
struct Sent {
    to: String,
    text: String,
    /// What we call it.
    reference: String,
}

/// The agent, the Graph API, and all that they heard.
struct World {
    /// Where the gateway is.
    gateway: Mutex<String>,
    /// How often each question was asked.
    asked: Mutex<HashMap<String, usize>>,
    sent: Mutex<Vec<Sent>>,
    /// The Graph API takes messages and never says so.
    silent: bool,
    moments: mpsc::UnboundedSender<Moment>,
    http: reqwest::Client,
}

impl World {
    async fn answer(self: Arc<Self>, asked: Asked) -> (u16, Value) {
        if asked.target.starts_with("/graph") {
            self.send(asked).await
        } else {
            self.ask(asked).await
        }
    }

    /// The agent. It never gives the same answer twice.
    async fn ask(self: Arc<Self>, asked: Asked) -> (u16, Value) {
        let question = asked.body["messages"].as_str().unwrap().to_owned();
        let (times, seed) = {
            let mut asked = self.asked.lock().unwrap();
            let times = asked.entry(question.clone()).or_default();
            *times += 1;
            let times = *times;
            (times, asked.values().sum::<usize>() * 2)
        };
        let history = json!([
            { "role": "user", "content": question },
            { "role": "assistant", "content": format!("{question}, answer {times}") },
        ]);
        let metadata = json!({ "id": format!("{question}-{times}"), "thread_id": question });
        let body = json!({ "conversation_history": history, "metadata": metadata });
        let answer = json!({ "statusCode": 200, "body": body });
        let Some(callback) = asked.body["callback_url"].as_str() else {
            let _ = self.moments.send(Moment::Answer);
            pause(seed, 20).await;
            return (200, answer);
        };
        let path = callback.splitn(4, '/').nth(3).unwrap().to_owned();
        tokio::spawn(async move {
            pause(seed, 4).await;
            let _ = self.moments.send(Moment::Answer);
            pause(seed + 1, 20).await;
            // Until somebody takes it; behind the public URL there is always the living gateway.
            loop {
                let url = format!("{}/{path}", self.gateway.lock().unwrap());
                match self.http.post(url).json(&answer).send().await {
                    Ok(it) if it.status() == 200 => break,
                    Ok(it) => assert!(it.status().is_server_error(), "{}", it.status()),
                    Err(_) => {}
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        });
        (200, json!({ "status": "processing" }))
    }

    /// The Graph API.
    async fn send(&self, asked: Asked) -> (u16, Value) {
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let body = &asked.body;
        let sent = Sent {
            to: text(&body["to"]),
            text: text(&body["text"]["body"]),
            reference: text(&body["biz_opaque_callback_data"]),
        };
        let number = {
            let mut all = self.sent.lock().unwrap();
            all.push(sent.clone());
            all.len()
        };
        let _ = self.moments.send(Moment::Sent);
        if self.silent {
            return std::future::pending().await;
        }
        pause(number, 20).await;
        (
            200,
            json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": sent.to, "wa_id": sent.to }],
                "messages": [{ "id": format!("wamid.sent.{number}") }],
            }),
        )
    }

    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

/// Up to so many milliseconds, differently each time.
async fn pause(seed: usize, most: u64) {
    let draw = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    tokio::time::sleep(Duration::from_millis(draw % (most + 1))).await;
}

/// A gateway among all of them.
struct Scene {
    gateway: Option<Gateway>,
    world: Arc<World>,
    moments: mpsc::UnboundedReceiver<Moment>,
    customers: usize,
    _server: Server,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn start(reply: &str, silent: bool) -> Self {
        let (sender, moments) = mpsc::unbounded_channel();
        let world = Arc::new(World {
            gateway: Mutex::default(),
            asked: Mutex::default(),
            sent: Mutex::default(),
            silent,
            moments: sender,
            http: client(),
        });
        let served = Arc::clone(&world);
        let server = Server::start(move |it| Arc::clone(&served).answer(it)).await;
        let directory = tempfile::tempdir().unwrap();
        let url = &server.url;
        let routes = format!(
            r#"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }}
destinations:
  concierge: {{ kind: flowgent.chat, base_url: "{url}/flowgent", agent_id: agent-1, api_key: key,
    reply: {reply}, deadline: 1min, retry: {{ first: 50ms, cap: 500ms }} }}
  line: {{ kind: whatsapp.send, base_url: "{url}/graph", access_token: token, timeout: 1s,
    retry: {{ first: 50ms, cap: 500ms }} }}
routes:
  - {{ name: ask, from: whatsapp, on: message.received, to: concierge }}
  - {{ name: answer, from: concierge, on: agent.replied, to: line }}
"#
        );
        std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
        let gateway = Gateway::start(directory.path(), &[]);
        gateway.url.clone_into(&mut world.gateway.lock().unwrap());
        let (gateway, customers) = (Some(gateway), 0);
        Self { gateway, world, moments, customers, _server: server, _directory: directory }
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// New customers ask, one question each.
    async fn ask(&mut self) {
        for _ in 0..CUSTOMERS {
            let number = self.customers;
            self.customers += 1;
            let (id, from) = (format!("wamid.asked.{number}"), customer(number));
            let body = envelope(&[text_message(&id, &from, &format!("question {number}"))]);
            let url = self.gateway().url.clone();
            assert_eq!(post(&self.world.http, &url, body).await, Some(200));
        }
    }

    /// Waits for a moment that is still to come.
    async fn moment(&mut self, moment: Moment) {
        while tokio::time::timeout(PATIENCE, self.moments.recv()).await.expect("it never came")
            != Some(moment)
        {}
    }

    async fn kill_and_restart(&mut self) {
        let mut gateway = self.gateway.take().unwrap();
        let restarted = tokio::task::spawn_blocking(move || {
            gateway.kill_and_restart();
            gateway
        });
        let gateway = restarted.await.unwrap();
        gateway.url.clone_into(&mut self.world.gateway.lock().unwrap());
        self.gateway = Some(gateway);
    }

    /// Every answer that went to a route: by its text, the deliveries.
    async fn answers(&self) -> Vec<(String, Value)> {
        let path = "/api/events?kind=agent.replied&limit=1000";
        let page = self.gateway().admin("GET", path, None).await;
        assert_eq!(page["next"], Value::Null, "more than a page");
        let mut answers = Vec::new();
        for event in page["events"].as_array().unwrap() {
            let path = format!("/api/events/{}", event["id"].as_str().unwrap());
            let story = self.gateway().admin("GET", &path, None).await;
            let deliveries = story["deliveries"].as_array().unwrap();
            let text = event["data"]["message"]["text"].as_str().unwrap().to_owned();
            answers.extend(deliveries.iter().map(|it| (text.clone(), it.clone())));
        }
        answers
    }

    /// Waits until nothing is left to do.
    async fn settle(&self) {
        let started = Instant::now();
        loop {
            let lanes = self.gateway().admin("GET", "/api/lanes", None).await;
            if lanes.as_array().unwrap().iter().all(|it| it["pending"] == 0) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "this does not end: {lanes:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Holds what customers read against what they asked. Answers how many questions and how many
    /// messages were sent again.
    async fn judge(&self, what: &str) -> (usize, usize) {
        self.settle().await;
        let answers = self.answers().await;
        let sent = self.world.sent.lock().unwrap().clone();
        let asked: usize = self.world.asked.lock().unwrap().values().sum();
        let (all, posts) = (self.customers, sent.len());
        eprintln!("{what}: {all} questions, asked {asked} times, {posts} messages posted");
        let mut references = BTreeSet::new();
        for number in 0..self.customers {
            let prefix = format!("question {number}, answer ");
            let routed: Vec<_> = answers.iter().filter(|it| it.0.starts_with(&prefix)).collect();
            assert_eq!(routed.len(), 1, "{what}: question {number} has {routed:#?}");
            let (text, delivery) = routed[0];
            assert_eq!(delivery["state"], "delivered", "{what}: {delivery}");
            let to = customer(number);
            let read: Vec<_> = sent.iter().filter(|it| it.to == to).collect();
            assert!(!read.is_empty(), "{what}: {to} was told nothing");
            for it in read {
                // However often it was sent, it is one message.
                assert_eq!((&it.text, &json!(it.reference)), (text, &delivery["id"]), "{what}");
                references.insert(it.reference.clone());
            }
        }
        assert_eq!(references.len(), self.customers, "{what}: two questions share a message");
        assert_eq!(answers.len(), self.customers, "{what}: answers to nothing: {answers:#?}");
        (asked - all, posts - all)
    }
}

fn customer(number: usize) -> String {
    format!("1650555{number:04}")
}

/// So many kills at such a moment, each a little later after it than the one before.
async fn kills(reply: &'static str, moment: Moment, rounds: usize, first: usize) -> (usize, usize) {
    let mut scene = Scene::start(reply, false).await;
    scene.kill_and_restart().await;
    for round in 0..rounds {
        while scene.moments.try_recv().is_ok() {}
        scene.ask().await;
        if moment == Moment::Settled {
            let before = scene.world.count();
            let started = Instant::now();
            while scene.answers().await.len() < scene.customers {
                assert!(started.elapsed() < PATIENCE, "the agent's answers do not arrive");
            }
            // The first messages after a start are held back: it was none of these.
            assert_eq!(scene.world.count(), before, "sent before the kill");
        } else {
            // The last of the customers may still wait for it, or not.
            for _ in 0..CUSTOMERS {
                scene.moment(moment).await;
            }
            let offset = (first + round) * 8 % 21;
            tokio::time::sleep(Duration::from_millis(offset as u64)).await;
        }
        scene.kill_and_restart().await;
    }
    scene.judge(&format!("{reply}, {moment:?}, from {first}")).await
}

/// How much of something there is in a run that may take its time, and in others.
fn many(slow: usize, usual: usize) -> usize {
    if std::env::var_os("SLUICEGATE_SLOW_TESTS").is_some() { slow } else { usual }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_around_an_agents_answer_loses_and_doubles_nothing() {
    let rounds = many(42, 8);
    let (again, _) = tokio::join!(
        kills("sync", Moment::Answer, rounds, 0),
        kills("callback", Moment::Answer, rounds, 0),
    );
    assert!(again.0 > 0, "no kill came before an answer was settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_an_answer_and_its_message_loses_and_doubles_nothing() {
    let rounds = many(10, 3);
    tokio::join!(
        kills("sync", Moment::Settled, rounds, 0),
        kills("callback", Moment::Settled, rounds, 0),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_around_a_message_loses_nothing_and_repeats_it_under_its_name() {
    // Each start holds its first messages back for some seconds: several wait at once.
    let rounds = many(4, 1);
    let scenes = (0..6).map(|it| {
        let reply = if it % 2 == 0 { "sync" } else { "callback" };
        tokio::spawn(kills(reply, Moment::Sent, rounds, it * rounds))
    });
    let mut again = 0;
    for scene in scenes.collect::<Vec<_>>() {
        again += scene.await.unwrap().1;
    }
    assert!(again > 0, "no kill came before a message was settled");
}

/// A status of a message that was sent, as Meta would tell it.
fn status(sent: &Sent) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&envelope(&[])).unwrap();
    body["entry"][0]["changes"][0]["value"]["statuses"] = json!([{
        "id": format!("wamid.of.{}", sent.to), "status": "sent", "timestamp": now(),
        "recipient_id": sent.to, "biz_opaque_callback_data": sent.reference,
    }]);
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_settled_by_its_status_and_sent_once() {
    let mut scene = Scene::start("sync", true).await;
    scene.ask().await;
    for _ in 0..CUSTOMERS {
        scene.moment(Moment::Sent).await;
    }
    let sent: BTreeMap<String, Sent> =
        scene.world.sent.lock().unwrap().iter().map(|it| (it.to.clone(), it.clone())).collect();
    let tell = async |scene: &Scene, number: usize| {
        let (to, body) = (&scene.gateway().url, status(&sent[&customer(number)]));
        assert_eq!(post(&scene.world.http, to, body).await, Some(200));
    };
    // The first is told of while its answer is waited for, the second afterwards, and the third
    // after a kill.
    tell(&scene, 0).await;
    let started = Instant::now();
    loop {
        let answers = scene.answers().await;
        let over = |it: &&(String, Value)| it.1["attempts"].as_u64() > Some(0);
        if answers.iter().filter(over).count() == CUSTOMERS {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{answers:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tell(&scene, 1).await;
    scene.kill_and_restart().await;
    tokio::time::sleep(Duration::from_secs(7)).await; // the first messages are held back so long
    tell(&scene, 2).await;
    scene.judge("told by statuses").await;
    assert_eq!(scene.world.count(), CUSTOMERS, "a message was sent again");
    for (_, delivery) in scene.answers().await {
        let receipt = delivery["receipt"].as_str().unwrap();
        assert!(receipt.starts_with("wamid.of.1650555"), "{delivery}");
    }
}
