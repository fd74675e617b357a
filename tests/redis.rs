//! The `redis` destination against a real Redis.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::{Connection, cmd};
use serde_json::{Value, json};
use sluicegate::destination::{self, Broker, Means, Outcome, Parcel, Setup, Transport};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::support::skipped;
use crate::support_rabbitmq::bench::{LONG, parcel, parcels, reason};

/// The URL of a running server, or `None` after saying on stderr that the test is skipped.
#[allow(clippy::disallowed_methods)]
fn running(test: &str) -> Option<String> {
    if let Ok(url) = std::env::var("REDIS_URL") {
        return Some(url);
    }
    let address: SocketAddr = "127.0.0.1:6379".parse().unwrap();
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Some("redis://127.0.0.1:6379".into());
    }
    skipped(test, "no Redis at 127.0.0.1:6379 and no REDIS_URL");
    None
}

fn build(config: &Value) -> Arc<dyn Transport> {
    let setup = Setup {
        name: "cache".into(),
        public_url: "https://gate.example".into(),
        broker: Broker::Embedded,
    };
    match destination::find("redis").unwrap().destination(config.clone(), &setup).unwrap().means {
        Means::Transport(it) => it,
        Means::Adapter(_) => unreachable!("it has a connection of its own"),
    }
}

/// A key of one test's own, and a look at it from outside. The key is gone when this is dropped.
struct Bench {
    url: String,
    key: String,
    connection: Connection,
}

impl Bench {
    fn new(url: String) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let key = format!("sluicegate-test-{}-{number}", std::process::id());
        let connection = redis::Client::open(&*url).unwrap().get_connection().unwrap();
        Self { url, key, connection }
    }

    fn stream(&mut self) -> Vec<(String, BTreeMap<String, String>)> {
        cmd("XRANGE").arg(&self.key).arg("-").arg("+").query(&mut self.connection).unwrap()
    }

    fn list(&mut self) -> Vec<String> {
        cmd("LRANGE").arg(&self.key).arg(0).arg(-1).query(&mut self.connection).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _: Result<(), _> = cmd("DEL").arg(&self.key).query(&mut self.connection);
    }
}

fn wire(parcel: &Parcel) -> String {
    String::from_utf8(parcel.event.to_wire("https://gate.example")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_becomes_entries_of_a_stream_in_its_order() {
    let Some(url) = running("a_batch_becomes_entries_of_a_stream_in_its_order") else { return };
    let mut bench = Bench::new(url);
    let destination = build(&json!({ "url": bench.url, "stream": bench.key }));
    let mut batch = parcels("whatsapp", 0..200);
    batch[7].payload = json!({ "text": "Grüße" });
    let outcomes = timeout(LONG, destination.deliver(&batch)).await.unwrap();
    let found = bench.stream();
    assert_eq!((outcomes.len(), found.len()), (200, 200));
    for ((parcel, outcome), (id, fields)) in batch.iter().zip(outcomes).zip(found) {
        assert_eq!(outcome, Outcome::received(id));
        let value =
            if parcel.payload.is_null() { wire(parcel) } else { parcel.payload.to_string() };
        let expected = [
            ("id", parcel.event.id.to_string()),
            ("type", "message.received".to_owned()),
            ("delivery", parcel.delivery.to_string()),
            ("value", value),
        ];
        assert_eq!(fields, expected.map(|(name, it)| (name.to_owned(), it)).into());
    }
    assert_eq!(destination.ready(), Ok(()));
    destination.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_length_allows_makes_room() {
    let Some(url) = running("what_is_older_than_the_length_allows_makes_room") else { return };
    let mut bench = Bench::new(url);
    let settings = json!({ "url": bench.url, "stream": bench.key, "max_length": 100 });
    let destination = build(&settings);
    for round in 0..10 {
        let batch = parcels("whatsapp", round * 200..(round + 1) * 200);
        let outcomes = destination.deliver(&batch).await;
        assert!(outcomes.iter().all(|it| matches!(it, Outcome::Delivered { .. })));
    }
    // Redis drops whole nodes of up to a hundred entries.
    let length = bench.stream().len();
    assert!((100..=300).contains(&length), "{length}");
    drop(bench);

    let Some(url) = running("what_is_older_than_the_length_allows_makes_room") else { return };
    let mut bench = Bench::new(url);
    let destination = build(&json!({ "url": bench.url, "list": bench.key, "max_length": 3 }));
    let batch = parcels("whatsapp", 0..5);
    assert_eq!(destination.deliver(&batch).await, vec![Outcome::delivered(); 5]);
    assert_eq!(bench.list(), batch[2..].iter().map(wire).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_type_is_told_and_the_connection_stays() {
    let Some(url) = running("a_key_of_another_type_is_told_and_the_connection_stays") else {
        return;
    };
    let mut bench = Bench::new(url);
    let destination = build(&json!({ "url": bench.url, "stream": bench.key }));
    let () = cmd("SET").arg(&bench.key).arg("a").query(&mut bench.connection).unwrap();
    let outcomes = destination.deliver(&parcels("whatsapp", 0..2)).await;
    assert_eq!(outcomes.len(), 2);
    for it in &outcomes {
        assert!(reason(it).starts_with("Redis: WRONGTYPE"), "{it:?}");
    }
    assert_eq!(destination.ready(), Ok(()));
    let () = cmd("DEL").arg(&bench.key).query(&mut bench.connection).unwrap();
    let outcomes = destination.deliver(&parcels("whatsapp", 0..2)).await;
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Delivered { .. })), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_or_silent_costs_an_attempt_and_no_delivery() {
    let test = "a_server_that_is_gone_or_silent_costs_an_attempt_and_no_delivery";
    let Some(url) = running(test) else { return };
    let mut bench = Bench::new(url);
    // Nobody there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let destination = build(&json!({ "url": format!("redis://{address}"), "stream": bench.key }));
    let asked = Instant::now();
    let outcomes = destination.deliver(&[parcel("whatsapp", 1)]).await;
    assert!(reason(&outcomes[0]).starts_with("Redis: "), "{outcomes:?}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(destination.ready().is_err());

    // Somebody who takes connections and says nothing.
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|it| it > 0) {}
    });
    let outcomes = timeout(LONG, destination.deliver(&[parcel("whatsapp", 1)])).await.unwrap();
    assert!(reason(&outcomes[0]).starts_with("Redis: "), "{outcomes:?}");
    silent.abort();
    let _ = silent.await;

    // The server itself, at last.
    let server = bench.url.trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let relay = tokio::net::TcpListener::bind(address).await.unwrap();
    let relay = tokio::spawn(async move {
        loop {
            let (mut here, _) = relay.accept().await.unwrap();
            let mut there = tokio::net::TcpStream::connect(&server).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            });
        }
    });
    let until = Instant::now() + LONG;
    while bench.stream().is_empty() {
        assert!(Instant::now() < until, "it never recovered");
        destination.deliver(&[parcel("whatsapp", 1)]).await;
    }
    assert_eq!(destination.ready(), Ok(()));
    relay.abort();
}
