//! `FlowBot` with a limit of its own that it enforces: it is used, and never broken, and one token
//! is enough for it all, also when the gateway stops or dies in the middle.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sluicegate::client::REGISTRY;
use sluicegate::simulate::{Faults, Settings, Simulation};

use crate::support::gateway::{Gateway, client, envelope, post, text_message};

/// How many events there are, each of a customer of its own.
const EVENTS: usize = 300;

/// What `FlowBot` allows in a second.
const LIMIT: usize = 30;

/// The simulated `FlowBot`, on a free port.
struct Bot {
    simulation: Simulation,
    url: String,
}

impl Bot {
    async fn start() -> Self {
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen, apis: REGISTRY, faults: Faults::default(), seed: 0 };
        let simulation = Simulation::start(settings).unwrap();
        let url = format!("http://{}", simulation.address);
        let this = Self { simulation, url };
        this.deed("limit", json!({ "most": LIMIT, "seconds": 1 })).await;
        this
    }

    async fn deed(&self, deed: &str, arguments: Value) -> Value {
        let url = format!("{}/_/flowbot/{deed}", self.url);
        let answer = client().post(url).json(&arguments).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{deed}");
        answer.json().await.unwrap()
    }

    async fn count(&self, what: &str) -> u64 {
        self.deed("counts", json!({})).await[what].as_u64().unwrap()
    }

    /// Waits until so many flows were started.
    async fn triggered(&self, count: usize) {
        for _ in 0..600 {
            if self.count("triggers").await >= count as u64 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} of {count} flows were started", self.count("triggers").await);
    }

    /// Whom flows were started with, and when first: by the clock of `FlowBot`, in its order.
    async fn started(&self) -> Vec<(String, Timestamp)> {
        let login = json!({ "username": "admin", "password": "password" });
        let login = client().post(format!("{}/flowbot/api/auth/login", self.url)).json(&login);
        let login = login.send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let list = client().get(format!("{}/flowbot/api/conversations", self.url));
        let list = list.header("cookie", cookie).send().await.unwrap();
        let list: Vec<Value> = list.json().await.unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let mut started: Vec<(String, Timestamp)> = list
            .iter()
            .map(|it| (text(&it["waPhoneNumber"]), text(&it["startedAt"]).parse().unwrap()))
            .filter(|it: &(String, Timestamp)| it.0.starts_with("+1650555"))
            .collect();
        started.sort_by_key(|it| it.1);
        started
    }
}

/// One call at a time: on a machine that is busy with other things, calls that wait for it would
/// otherwise arrive together, more of them in a second than left in it.
fn routes(url: &str) -> String {
    format!(
        r#"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }}
destinations:
  winback:
    kind: flowbot.outbound
    base_url: {url}/flowbot
    client_id: client
    api_key: key
    flow_id: flow-uuid
    limit: {LIMIT}/s
    concurrency: 1
routes:
  - {{ name: win back, on: message.received, to: winback }}
"#
    )
}

/// How many flows were started in a good second: nine in ten seconds saw no more. Tests run beside
/// each other, and a gateway that waits for a processor is not slow by its own doing.
fn good_rate(times: &[Timestamp]) -> usize {
    let second = |from: &Timestamp| {
        times.iter().filter(|it| **it >= *from && it.duration_since(*from).as_secs() < 1).count()
    };
    // Of the last second there is no whole one.
    let end = times[times.len() - 1];
    let whole = times.iter().filter(|it| end.duration_since(**it).as_secs() >= 1);
    let mut rates: Vec<usize> = whole.map(second).collect();
    rates.sort_unstable();
    assert!(rates.len() > LIMIT, "too few to show anything: {}", times.len());
    rates[rates.len() * 9 / 10]
}

/// Sends every event, lets the gateway end in the middle, and judges what `FlowBot` saw.
async fn through(end: impl FnOnce(&mut Gateway) + Send + 'static, most_repeated: u64) {
    let bot = Bot::start().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.yaml"), routes(&bot.url)).unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let http = client();
    for number in 0..EVENTS {
        let from = format!("1650555{number:04}");
        let message = text_message(&format!("wamid.{number}"), &from, "hi");
        assert_eq!(post(&http, &gateway.url, envelope(&[message])).await, Some(200));
    }
    bot.triggered(EVENTS / 2 - 10).await;
    let gateway = tokio::task::spawn_blocking(move || {
        end(&mut gateway);
        Gateway::start(&gateway.directory.clone(), &[])
    })
    .await
    .unwrap();
    let before = bot.started().await.len();
    assert!(
        (EVENTS / 4..EVENTS * 3 / 4).contains(&before),
        "it did not end in the middle: {before}"
    );
    bot.triggered(EVENTS).await;
    for _ in 0..600 {
        let lanes = gateway.admin("GET", "/api/lanes", None).await;
        if lanes.as_array().unwrap().iter().all(|it| it["pending"] == 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counts = bot.deed("counts", json!({})).await;
    assert_eq!((&counts["tooMany"], &counts["tokenCalls"]), (&json!(0), &json!(1)), "{counts}");
    let triggers = counts["triggers"].as_u64().unwrap();
    assert!((EVENTS as u64..=EVENTS as u64 + most_repeated).contains(&triggers), "{counts}");
    let started = bot.started().await;
    let times: Vec<Timestamp> = started.iter().map(|it| it.1).collect();
    let mut numbers: Vec<String> = started.into_iter().map(|it| it.0).collect();
    numbers.sort();
    let expected: Vec<String> = (0..EVENTS).map(|it| format!("+1650555{it:04}")).collect();
    assert_eq!(numbers, expected);
    // What stood before the restart and what came after it.
    let rates = [good_rate(&times[..before]), good_rate(&times[before..])];
    eprintln!("started within a good second: {rates:?}; {counts}");
    assert!(rates.iter().all(|it| (LIMIT * 8 / 10..=LIMIT).contains(it)), "{rates:?}");
    bot.simulation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_repeats_nothing_and_breaks_no_limit() {
    let end = |gateway: &mut Gateway| assert!(gateway.terminate().0, "it did not end well");
    through(end, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_repeats_what_was_in_flight_and_breaks_no_limit() {
    // The calls in flight: of one lane with one at a time.
    through(Gateway::kill, 1).await;
}
