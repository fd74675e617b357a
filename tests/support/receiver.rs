//! A receiver of webhooks that keeps every request exactly as it came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|it| it.0 == name).map(|it| &*it.1).collect()
    }

    /// The value of a header that must be there once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {:?}", self.headers);
        all[0]
    }
}

#[derive(Default)]
struct Shared {
    got: Mutex<Vec<Got>>,
    /// What the next requests are answered; 200 when there is nothing more.
    answers: Mutex<VecDeque<u16>>,
}

/// A server on a free port. Ends when dropped.
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let served = Arc::clone(&served);
                // A gateway that is killed leaves its connection in the middle.
                tokio::spawn(async move { drop(served.connection(stream).await) });
            }
        });
        Self { url, shared, server }
    }

    /// What the next requests are answered.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.shared.answers.lock().unwrap().extend(statuses);
    }

    /// Every request so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.got.lock().unwrap().len()
    }

    /// Waits until so many requests came, at most half a minute.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Got> {
        for _ in 0..600 {
            if self.count() >= count {
                return self.got();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} requests came", self.count());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    async fn connection(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut read = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                    break end + 4;
                }
                if stream.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
            };
            let head = String::from_utf8(read.drain(..end).collect()).unwrap();
            let mut lines = head.lines();
            let method = lines.next().unwrap().split(' ').next().unwrap().to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|it| it.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|it| it.0 == "content-length");
            let length: usize = length.map_or(0, |it| it.1.parse().unwrap());
            while read.len() < length {
                if stream.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
            }
            let body = read.drain(..length).collect();
            self.got.lock().unwrap().push(Got { method, headers, body });
            let status = self.answers.lock().unwrap().pop_front().unwrap_or(200);
            let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}
