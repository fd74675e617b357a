//! What becomes of requests, against servers that do as they are told.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::dns::Resolve as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::guard::{Guarded, Resolved, Resolver};
use super::*;

mod tls;

/// A resolver with one answer after the other; the last one stays.
#[derive(Clone, Default)]
struct Rebinding {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Self {
        let parsed = |it: &&[&str]| it.iter().map(|it| it.parse().unwrap()).collect();
        let answers: VecDeque<_> = answers.iter().map(parsed).collect();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }
}

impl Resolver for Rebinding {
    fn resolve(&self, _host: &str) -> Resolved {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(answer.unwrap_or_default())))
    }
}

fn rules(allow_private: bool) -> Rules {
    Rules {
        timeout: Duration::from_secs(2),
        allow_private,
        connection: Connection::default(),
        limit: 1024,
    }
}

fn to(url: impl Into<String>) -> Outgoing {
    Outgoing { method: "POST", url: url.into(), headers: Vec::new(), body: "hello".into() }
}

/// Reads one request whose body is `hello`; `None` when the connection ends before.
async fn asked(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"hello") {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&read).into_owned())
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// What comes of a server that says this and hangs up.
async fn answered(said: &'static [u8], token: &str) -> Result<Response, Unanswered> {
    let (listener, address) = listen().await;
    let url = format!("http://{address}/path?secret=1");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 1024]).await;
        drop((read, stream.write_all(said).await, stream.shutdown().await));
    });
    let headers = vec![("authorization".into(), Secret::new(token))];
    let outgoing = Outgoing { method: "GET", url, headers, body: Bytes::new() };
    let answer = send(&client(Duration::from_millis(500)).unwrap(), outgoing, 8).await;
    server.abort();
    answer
}

#[tokio::test]
async fn an_answer_is_whole_and_no_larger_than_allowed_or_it_is_none() {
    let whole =
        answered(b"HTTP/1.1 418 Teapot\r\nX-A: b\r\ncontent-length: 8\r\n\r\n12345678", "t");
    let whole = whole.await.unwrap();
    assert_eq!(
        (whole.status, whole.header("x-a"), &whole.body[..]),
        (418, Some("b"), &b"12345678"[..])
    );
    for (said, expected) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789"[..],
            Unanswered::TooLarge { limit: 8, status: 200 },
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n1234", Unanswered::Broken),
        (b"", Unanswered::Broken),
    ] {
        assert_eq!(answered(said, "t").await.unwrap_err(), expected);
    }
    assert_eq!(answered(b"", "a\nb").await.unwrap_err(), Unanswered::Unsendable);
}

#[tokio::test]
async fn a_name_that_leads_into_the_private_network_is_not_followed() {
    let (listener, address) = listen().await;
    let url = format!("http://receiver.example:{}/", address.port());
    for answer in [&["127.0.0.1"][..], &["93.184.215.14", "127.0.0.1"], &["::ffff:127.0.0.1"]] {
        let clients = Clients::new(Arc::new(Rebinding::new(&[answer])));
        let refused = clients.send(to(&*url), &rules(false)).await.unwrap_err();
        assert_eq!(refused, Unanswered::Forbidden, "{answer:?}");
        assert!(refused.to_string().contains("`allow_private: true`"), "{refused}");
    }
    let knocked = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "somebody connected all the same");
}

#[tokio::test]
async fn an_address_in_a_url_is_looked_at_though_no_resolver_is_asked() {
    let (listener, address) = listen().await;
    let clients = Clients::default();
    let port = address.port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"] {
        let outgoing = to(format!("http://{host}:{port}/"));
        let answer = clients.send(outgoing, &rules(false)).await;
        assert_eq!(answer.unwrap_err(), Unanswered::Forbidden, "{host}");
    }
    let knocked = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(knocked.is_err(), "somebody connected all the same");
}

#[tokio::test]
async fn a_resolver_that_changes_its_mind_gains_nothing() {
    let resolver = Rebinding::new(&[&["93.184.215.14"], &["10.0.0.1"]]);
    let guarded = Guarded { resolver: Arc::new(resolver.clone()), allow_private: false };
    let name = || "receiver.example".parse().unwrap();
    // What was vetted is what is connected to; nobody asks a second time.
    let vetted: Vec<_> = guarded.resolve(name()).await.ok().unwrap().collect();
    assert_eq!(vetted, ["93.184.215.14:0".parse().unwrap()]);
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
    let error = guarded.resolve(name()).await.err().unwrap();
    assert!(Forbidden::is_behind(&*error));
}

#[tokio::test]
async fn a_connection_goes_to_the_address_that_was_vetted() {
    let (listener, address) = listen().await;
    // Whoever asked twice would be sent elsewhere.
    let resolver = Rebinding::new(&[&["127.0.0.1"], &["192.0.2.1"]]);
    let clients = Clients::new(Arc::new(resolver.clone()));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = asked(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 307 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        asked
    });
    let url = format!("http://receiver.example:{}/a", address.port());
    // A redirect is an answer like any other.
    assert_eq!(clients.send(to(url), &rules(true)).await.unwrap().status, 307);
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
    let host = format!("host: receiver.example:{}", address.port());
    assert!(server.await.unwrap().contains(&host));
}

/// Answers every request, then hangs up without a word: the client believes that it may send
/// another. Counts the requests.
async fn forgetful(listener: TcpListener, count: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        if asked(&mut stream).await.is_some() {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_the_server_left_loses_no_request() {
    let (listener, address) = listen().await;
    let count = Arc::new(AtomicUsize::new(0));
    let server = tokio::spawn(forgetful(listener, Arc::clone(&count)));
    let (clients, url) = (Clients::default(), format!("http://{address}/"));
    for pause in [0, 20, 20] {
        let answer = clients.send(to(&*url), &rules(true)).await;
        assert_eq!(answer.unwrap().status, 204);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
    // Right at the farewell, it may be unknown what became of a request; it is never waited for.
    for _ in 0..200 {
        if let Err(why) = clients.send(to(&*url), &rules(true)).await {
            assert!(matches!(why, Unanswered::Unreachable | Unanswered::Broken), "{why:?}");
        }
    }
    server.abort();
}

#[tokio::test]
async fn clients_share_connections_but_not_with_those_of_other_rules() {
    let (listener, address) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                while asked(&mut stream).await.is_some() {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    let clients = Clients::new(Arc::new(Rebinding::new(&[&["127.0.0.1"]])));
    let url = format!("http://receiver.example:{}/", address.port());
    for _ in 0..3 {
        clients.clone().send(to(&*url), &rules(true)).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    // The open connection leads to a private address: it must not serve who may not go there.
    let refused = clients.send(to(&*url), &rules(false)).await.unwrap_err();
    assert_eq!(refused, Unanswered::Forbidden);
    server.abort();
}

#[tokio::test]
async fn nobody_there_is_told_from_nobody_answering() {
    let (listener, address) = listen().await;
    let clients = Clients::default();
    let patience = Rules { timeout: Duration::from_millis(200), ..rules(true) };
    let slow = clients.send(to(format!("http://{address}/")), &patience).await.unwrap_err();
    assert_eq!(slow, Unanswered::TooSlow);
    drop(listener);
    let gone = clients.send(to(format!("http://{address}/")), &patience).await.unwrap_err();
    assert_eq!(gone, Unanswered::Unreachable);
    for url in ["nonsense", "ftp://example.com/", "http://[fe80::1%25eth0]/"] {
        let answer = clients.send(to(url), &patience).await.unwrap_err();
        assert_eq!(answer, Unanswered::Unsendable, "{url}");
    }
}

#[test]
fn certificates_that_cannot_be_used_are_found_before_a_connection_is_made() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (cert.pem(), signing_key.serialize_pem());
    let identity = |it: String| Some(Secret::new(it));
    let good =
        Connection { authorities: Some(pem.clone()), identity: identity(format!("{pem}{key}")) };
    assert_eq!(verify(&good), Ok(()));
    assert_eq!(verify(&Connection::default()), Ok(()));
    for bad in [
        Connection { authorities: Some(pem.replace("MII", "???")), ..Connection::default() },
        Connection { identity: identity(pem.clone()), ..Connection::default() },
        Connection { identity: identity(key), ..Connection::default() },
    ] {
        assert!(verify(&bad).is_err(), "{bad:?}");
    }
}
