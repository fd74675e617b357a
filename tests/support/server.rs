//! A server of a test: hands each request to a function and writes down what that answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request.
pub(crate) struct Asked {
    /// The path, and the query if there is one.
    pub(crate) target: String,
    /// What was sent; nothing where that is no JSON.
    pub(crate) body: Value,
}

/// A server on a free port, for as long as the test runs.
pub(crate) struct Server {
    pub(crate) url: String,
    open: Arc<AtomicUsize>,
}

impl Server {
    /// Serves what a function answers: a status and a body.
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = (u16, Value)> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                tokio::spawn(async move {
                    // A client that is killed leaves its connection in the middle.
                    drop(connection(stream, &*answer).await);
                    counted.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, open }
    }

    /// Waits until no connection is left: everything that a killed client had sent is dealt with.
    pub(crate) async fn idle(&self) {
        let started = Instant::now();
        while self.open.load(Ordering::SeqCst) > 0 {
            assert!(started.elapsed() < Duration::from_secs(30), "connections stay open");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn connection<F, A>(mut stream: TcpStream, answer: &F) -> std::io::Result<()>
where
    F: Fn(Asked) -> A,
    A: Future<Output = (u16, Value)>,
{
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head = String::from_utf8(read.drain(..end + 4).collect()).unwrap();
        let lines = head.lines().filter_map(|it| it.split_once(": "));
        let mut lengths = lines.filter(|it| it.0.eq_ignore_ascii_case("content-length"));
        let length: usize = lengths.next().map_or(0, |it| it.1.parse().unwrap());
        while read.len() < length {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = read.drain(..length).collect();
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let (status, body) = answer(Asked { target, body }).await;
        let body = body.to_string();
        let length = body.len();
        let kind = "content-type: application/json";
        let head = format!("HTTP/1.1 {status} -\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
    }
}
