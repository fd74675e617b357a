//! Senders whose connection breaks at any moment, and who then send again: every event is there
//! once, with its deliveries, and each of those is made once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::gateway::{Gateway, client, envelope, post, sign, text_message};
use crate::support::receiver::Receiver;

/// Connections at once.
const AT_ONCE: usize = 32;

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Point {
    Headers,
    Body,
    /// Right after the last byte.
    Sent,
    /// While it is being written, or about then: so many microseconds after the last byte.
    Writing(u64),
    /// When the answer is there, and nobody has read it.
    Answered,
}

impl Point {
    fn draw(random: &mut fastrand::Rng) -> Self {
        match random.u8(..10) {
            0 => Self::Headers,
            1 => Self::Body,
            2..4 => Self::Sent,
            4..8 => Self::Writing(random.u64(..6_000)),
            _ => Self::Answered,
        }
    }

    /// Its name, whatever the time.
    fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Sent => "sent",
            Self::Writing(_) => "writing",
            Self::Answered => "answered",
        }
    }
}

/// One sender: its message, and where its connection is cut.
#[derive(Clone)]
struct Sender {
    id: String,
    body: Vec<u8>,
    point: Point,
    /// Where in the headers or the body, as a part of them.
    part: f64,
    /// Whether the connection is reset, rather than closed.
    reset: bool,
}

impl Sender {
    fn draw(number: usize, random: &mut fastrand::Rng) -> Self {
        let id = format!("wamid.{number}");
        let from = format!("1650555{:04}", number % 500);
        let body = envelope(&[text_message(&id, &from, &"hi ".repeat(random.usize(1..2_000)))]);
        let point = Point::draw(random);
        Self { id, body, point, part: random.f64(), reset: random.bool() }
    }

    /// Sends as far as the point, and cuts.
    async fn send(&self, address: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        let tag = sign(&self.body);
        let head = format!(
            "POST /hooks/whatsapp HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
             x-hub-signature-256: {tag}\r\ncontent-length: {}\r\n\r\n",
            self.body.len()
        );
        let cut = |it: &[u8]| -> usize {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part")]
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let at = (it.len() as f64 * self.part) as usize;
            at
        };
        let head = head.as_bytes();
        match self.point {
            Point::Headers => stream.write_all(&head[..cut(head)]).await?,
            Point::Body => {
                stream.write_all(head).await?;
                stream.write_all(&self.body[..cut(&self.body)]).await?;
                // What was sent is read before the cut, half of the time.
                if self.reset {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            _ => stream.write_all(&[head, &self.body].concat()).await?,
        }
        match self.point {
            Point::Writing(micros) => tokio::time::sleep(Duration::from_micros(micros)).await,
            Point::Answered => {
                let answer = tokio::time::timeout(Duration::from_secs(30), stream.readable());
                answer.await.expect("an answer comes")?;
            }
            _ => {}
        }
        if self.reset {
            stream.set_zero_linger()?;
        }
        Ok(())
    }
}

/// Every event of the store, by the id of its message.
async fn stored(gateway: &Gateway) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut before = String::new();
    loop {
        let page = gateway.admin("GET", &format!("/api/events?limit=1000{before}"), None).await;
        for it in page["events"].as_array().unwrap() {
            let text = |it: &Value| it.as_str().unwrap().to_owned();
            found.entry(text(&it["data"]["message"]["id"])).or_default().push(text(&it["id"]));
        }
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => return found,
        }
    }
}

/// Does something for each, so many at once.
async fn each<T, F>(all: &[T], work: impl Fn(T) -> F)
where
    T: Clone,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    for it in all {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let work = work(it.clone());
        tasks.spawn(async move {
            work.await;
            drop(place);
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// Waits until nothing is to be delivered any more.
async fn settled(gateway: &Gateway) {
    for _ in 0..2_400 {
        let lanes = gateway.admin("GET", "/api/lanes", None).await;
        if lanes.as_array().unwrap().iter().all(|it| it["pending"] == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lanes did not empty: {}", gateway.admin("GET", "/api/lanes", None).await);
}

/// Waits until no request is under way that was cut off; answers what is stored then.
async fn quiet(gateway: &Gateway) -> HashMap<String, Vec<String>> {
    let mut before = stored(gateway).await;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = stored(gateway).await;
        if now.len() == before.len() {
            return now;
        }
        before = now;
    }
}

fn routes(url: &str) -> String {
    format!(
        r##"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }}
destinations:
  events:
    kind: queue
    queues: {{ sluicegate.events: ["#"] }}
  crm: {{ kind: webhook, url: "{url}" }}
routes:
  - {{ name: to the bus, to: events }}
  - {{ name: to the crm, to: crm }}
"##
    )
}

/// The message ids of what came, each as often as it came.
fn messages<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let id = |it: &Value| it["data"]["message"]["id"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = events.into_iter().map(id).collect();
    ids.sort();
    ids
}

fn received(receiver: &Receiver) -> Vec<String> {
    let bodies = receiver.got();
    let events: Vec<Value> =
        bodies.iter().map(|it| serde_json::from_slice(&it.body).unwrap()).collect();
    messages(&events)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_anywhere_leave_nothing_or_an_event_with_its_deliveries() {
    let slow = std::env::var_os("SLUICEGATE_SLOW_TESTS").is_some();
    let count = if slow { 10_000 } else { 1_000 };
    let receiver = Receiver::start().await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.yaml"), routes(&receiver.url)).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let mut random = fastrand::Rng::with_seed(0x51_0CE6);
    let senders: Vec<Sender> = (0..count).map(|it| Sender::draw(it, &mut random)).collect();
    let address = gateway.url.trim_start_matches("http://").to_owned();
    each(&senders, |it| {
        let address = address.clone();
        async move { it.send(&address).await.unwrap() }
    })
    .await;

    let first = quiet(&gateway).await;
    settled(&gateway).await;
    let mut by_point: HashMap<&str, (usize, usize)> = HashMap::new();
    for it in &senders {
        let (all, kept) = by_point.entry(it.point.name()).or_default();
        *all += 1;
        *kept += usize::from(first.contains_key(&it.id));
    }
    eprintln!("cut {count}, stored {} before they were sent again: {by_point:?}", first.len());
    assert!(first.len() * 5 >= count, "too few were cut after they were stored: {by_point:?}");
    for part in ["headers", "body"] {
        assert_eq!(by_point[part].1, 0, "half a request was taken: {by_point:?}");
    }
    let (answered, kept) = by_point["answered"];
    assert_eq!(answered, kept, "answered and not stored");
    // They were delivered although nobody waited for an answer.
    let mut expected: Vec<String> = first.keys().cloned().collect();
    expected.sort();
    assert_eq!(received(&receiver), expected);

    let http = client();
    each(&senders, |it| {
        let (http, url) = (http.clone(), gateway.url.clone());
        async move { assert_eq!(post(&http, &url, it.body).await, Some(200)) }
    })
    .await;
    settled(&gateway).await;
    let all = stored(&gateway).await;
    assert!(all.values().all(|it| it.len() == 1), "an event is there twice");
    let mut expected: Vec<String> = senders.iter().map(|it| it.id.clone()).collect();
    expected.sort();
    let found: HashSet<&String> = all.keys().collect();
    assert_eq!((found.len(), found), (count, expected.iter().collect()));
    assert!(first.iter().all(|it| all[it.0] == *it.1), "an event has another id now");
    let ids: Vec<String> = all.into_values().flatten().collect();
    let token = std::fs::read_to_string(directory.path().join("data/admin.token")).unwrap();
    each(&ids, |id| {
        let url = format!("{}/api/events/{id}", gateway.admin);
        let story = http.get(url).bearer_auth(token.trim());
        async move {
            let story: Value = story.send().await.unwrap().json().await.unwrap();
            let mut deliveries: Vec<_> = story["deliveries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| (it["destination"].as_str().unwrap(), it["state"].as_str().unwrap()))
                .collect();
            deliveries.sort_unstable();
            assert_eq!(deliveries, [("crm", "delivered"), ("events", "delivered")], "{id}");
        }
    })
    .await;
    assert_eq!(received(&receiver), expected);
    assert_eq!(messages(&gateway.drain("sluicegate.events").await), expected);
}
