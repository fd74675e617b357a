//! Lookups against a server that counts.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::*;
use crate::event::facts::{Channel, Message};
use crate::event::{Event, Facts, Kind};
use crate::lookup;

/// A server that answers like this, each answer after so long.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start(status: &'static str, body: &'static str, after: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut read = [0; 4096];
                    while stream.read(&mut read).await.is_ok_and(|it| it > 0) {
                        count.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(after).await;
                        let length = body.len();
                        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
                        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                    }
                });
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn subject(text: &str) -> Subject {
    let message = Message { text: Some(text.into()), ..Message::default() };
    let channel = Channel { provider: "shop".into(), ..Channel::default() };
    Subject::event(Arc::new(Event {
        id: Uuid::from_u128(1),
        sequence: 1,
        source: "shop".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: None,
        time: now(),
        received: now(),
        historical: false,
        cause: None,
        correlation: Uuid::from_u128(1),
        hops: 0,
        traceparent: None,
        facts: Box::new(Facts { channel, message: Some(message), ..Facts::default() }),
        raw: bytes::Bytes::new(),
    }))
}

/// A lookup of kind `http`, with more settings.
fn http(name: &str, url: &str, more: &Value) -> Lookup {
    let mut settings = json!({ "url": format!("{url}/?q={{{{ event.text | urlencode }}}}"),
        "allow_private": true, "headers": { "authorization": "a secret of a test" } });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    lookup::find("http").unwrap().lookup(name, settings, false).unwrap()
}

fn looks() -> Looks {
    Looks::new(Clients::default())
}

const SOON: Duration = Duration::from_millis(100);

#[tokio::test]
async fn many_who_ask_the_same_ask_once_and_another_question_is_another() {
    let server = Server::start("200 OK", r#"{"count":3}"#, SOON).await;
    let (looks, stock) = (looks(), [http("stock", &server.url, &json!({}))]);
    let (tea, cup) = (subject("tea"), subject("cup"));
    let all = join_all((0..20).map(|_| looks.found(&stock, &tea, now()))).await;
    for found in all {
        assert_eq!(Value::from(found.unwrap()), json!({ "stock": { "count": 3 } }));
    }
    assert_eq!(server.asked(), 1);
    // And whoever comes later.
    looks.found(&stock, &tea, now()).await.unwrap();
    assert_eq!(server.asked(), 1);
    looks.found(&stock, &cup, now()).await.unwrap();
    assert_eq!(server.asked(), 2);
    // The same question with another credential is another, too.
    let other = json!({ "headers": { "authorization": "somebody else's" } });
    looks.found(&[http("stock", &server.url, &other)], &tea, now()).await.unwrap();
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn an_answer_is_good_for_as_long_as_the_route_says() {
    let server = Server::start("200 OK", "1", Duration::ZERO).await;
    let looks = looks();
    let short = [http("it", &server.url, &json!({ "cache": "50ms" }))];
    let never = [http("it", &server.url, &json!({ "cache": "0s" }))];
    for _ in 0..3 {
        looks.found(&short, &subject(""), now()).await.unwrap();
        tokio::time::sleep(SOON).await;
    }
    assert_eq!(server.asked(), 3);
    for _ in 0..3 {
        looks.found(&never, &subject(""), now()).await.unwrap();
    }
    assert_eq!(server.asked(), 6);
}

#[tokio::test]
async fn lookups_of_a_route_do_not_wait_for_each_other() {
    let server = Server::start("200 OK", "1", Duration::from_millis(300)).await;
    let lookups = ["a", "b", "c"].map(|it| http(it, &format!("{}/{it}", server.url), &json!({})));
    let watch = Instant::now();
    let found = looks().found(&lookups, &subject(""), now()).await.unwrap();
    assert_eq!(Value::from(found), json!({ "a": 1, "b": 1, "c": 1 }));
    assert!(watch.elapsed() < Duration::from_millis(800), "{:?}", watch.elapsed());
}

#[tokio::test]
async fn a_failure_means_what_the_route_says_and_is_not_repeated_at_once() {
    let server = Server::start("503 Service Unavailable", "{}", Duration::ZERO).await;
    let looks = looks();
    let with = |word: &str| [http("it", &server.url, &json!({ "on_error": word }))];
    let reason = "lookup `it`: it answered 503";
    let found = looks.found(&with("proceed"), &subject(""), now()).await;
    assert_eq!(found, Ok(Map::new()));
    let found = looks.found(&with("skip"), &subject(""), now()).await;
    assert_eq!(found, Err(Missed::Skipped(reason.to_owned())));
    let found = looks.found(&with("retry"), &subject(""), now()).await;
    let outcome = Outcome::Retry { reason: reason.to_owned(), after: Some(PATIENCE) };
    assert_eq!(found, Err(Missed::Outcome(outcome)));
    assert_eq!(server.asked(), 1);
    tokio::time::sleep(PATIENCE + SOON).await;
    looks.found(&with("proceed"), &subject(""), now()).await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn what_the_event_does_not_say_is_not_asked_for_again_and_again() {
    let looks = looks();
    let with = |word: &str| {
        let settings = json!({ "url": "https://shop.example/{{ event.contact.phone }}",
            "on_error": word });
        [lookup::find("http").unwrap().lookup("it", settings, false).unwrap()]
    };
    let reason = "lookup `it`: `event.contact.phone` is missing".to_owned();
    let it = subject("");
    assert_eq!(looks.found(&with("proceed"), &it, now()).await, Ok(Map::new()));
    let refused = Missed::Outcome(Outcome::refused(reason.clone()));
    assert_eq!(looks.found(&with("retry"), &it, now()).await, Err(refused));
    assert_eq!(looks.found(&with("skip"), &it, now()).await, Err(Missed::Skipped(reason)));
}

#[tokio::test]
async fn slow_private_and_huge_answers_are_failures_and_no_secret_is_told() {
    let skipped = async |lookup: Lookup| match looks().found(&[lookup], &subject("x"), now()).await
    {
        Err(Missed::Skipped(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let slow = Server::start("200 OK", "1", Duration::from_secs(5)).await;
    let settings = json!({ "on_error": "skip", "timeout": "100ms" });
    let reason = skipped(http("it", &slow.url, &settings)).await;
    assert_eq!(reason, "lookup `it`: the answer did not come in time");
    let near = Server::start("200 OK", "1", Duration::ZERO).await;
    let settings = json!({ "on_error": "skip", "allow_private": false });
    let reason = skipped(http("it", &near.url, &settings)).await;
    assert!(reason.contains("the address is private"), "{reason}");
    assert_eq!(near.asked(), 0);
    let body: &'static str = Box::leak(" ".repeat(ANSWER + 1).into_boxed_str());
    let huge = Server::start("200 OK", body, Duration::ZERO).await;
    let reason = skipped(http("it", &huge.url, &json!({ "on_error": "skip" }))).await;
    assert!(reason.contains("larger than"), "{reason}");
    // FlowIQ's own words are repeated; should they repeat the token, it is struck out.
    let body = r#"{"success":false,"error":"no such token: a secret of a test"}"#;
    let echo = Server::start("401 Unauthorized", body, Duration::ZERO).await;
    let settings = json!({ "tenant_id": "t", "token": "a secret of a test", "phone": "27821234567",
        "base_url": echo.url, "allow_private": true, "on_error": "skip" });
    let contact = lookup::find("flowiq.contact").unwrap().lookup("it", settings, false).unwrap();
    let reason = skipped(contact).await;
    assert_eq!(reason, "lookup `it`: flowiq answered 401: no such token: ***");
}
