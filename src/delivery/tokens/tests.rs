//! One token for all, in time, counted, sealed, and kept.

use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::destination::{Grant, Scope};
use crate::journal::{Options, Sqlite};

/// Ten minutes good, renewed after eight; two may be asked for in a minute.
struct Password;

impl Session for Password {
    fn key(&self) -> String {
        "account 7".into()
    }

    fn request(&self, _now: Timestamp) -> Result<Outgoing, Outcome> {
        let url = "https://api.example/token".into();
        Ok(Outgoing { method: "POST", url, headers: Vec::new(), body: Bytes::new() })
    }

    fn read(&self, answer: &Response, now: Timestamp) -> Result<Grant, Outcome> {
        let token = Secret::new(String::from_utf8_lossy(&answer.body));
        match answer.status {
            200 => Ok(Grant { token, renew: now + minutes(8), expires: now + minutes(10) }),
            401 => Err(Outcome::pause(Scope::Account("7".into()), "wrong password", None)),
            status => Err(Outcome::retry(format!("status {status}"))),
        }
    }

    fn at_most(&self) -> Rate {
        Rate { count: 2, per: minutes(1) }
    }
}

/// The other side: numbers its tokens, as long as it is well, and answers when it is let.
struct Server {
    asked: AtomicUsize,
    status: Mutex<u16>,
    gate: Mutex<Option<Arc<Notify>>>,
}

/// Both ends, over a journal on disk.
struct Ends {
    directory: TempDir,
    journal: Arc<dyn Journal>,
    server: Arc<Server>,
    tokens: Arc<Tokens>,
}

fn minutes(it: u64) -> Duration {
    Duration::from_mins(it)
}

fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
    start + Duration::from_secs(seconds)
}

fn open(directory: &TempDir) -> Arc<dyn Journal> {
    Arc::new(Sqlite::open(&Options { directory: directory.path().into() }).unwrap())
}

fn sender(server: &Arc<Server>) -> Box<Sender> {
    let server = Arc::clone(server);
    Box::new(move |outgoing| {
        assert_eq!(outgoing.url, "https://api.example/token");
        let number = server.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let gate = lock(&server.gate).clone();
        let server = Arc::clone(&server);
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.notified().await;
            }
            let status = *lock(&server.status);
            let body = format!("token number {number}").into();
            if status == 0 {
                Err(Unanswered::Unreachable)
            } else {
                Ok(Response { status, headers: vec![], body })
            }
        })
    })
}

impl Ends {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let journal = open(&directory);
        let server = Arc::new(Server {
            asked: AtomicUsize::new(0),
            status: Mutex::new(200),
            gate: Mutex::new(None),
        });
        let tokens = Tokens::new(Arc::clone(&journal), &Secret::new("store"));
        Self { directory, journal, server, tokens: Arc::new(tokens) }
    }

    /// The gateway stops and starts.
    async fn restart(&mut self, store_key: &str) {
        self.journal.close().await;
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        // The old one is let go before the file is opened again.
        let nowhere = open(&self.directory);
        self.tokens = Arc::new(Tokens::new(Arc::clone(&nowhere), &Secret::new("none")));
        self.journal = nowhere;
        self.journal = open(&directory);
        self.directory = directory;
        let key = Secret::new(store_key);
        self.tokens = Arc::new(Tokens::new(Arc::clone(&self.journal), &key));
    }

    fn fails_with(&self, status: u16) {
        *lock(&self.server.status) = status;
    }

    fn asked(&self) -> usize {
        self.server.asked.load(Ordering::SeqCst)
    }

    /// Which token there is at a moment.
    async fn get(&self, seconds: u64) -> Result<String, Outcome> {
        Ok(self
            .tokens
            .get(&Password, &*sender(&self.server), at(seconds))
            .await?
            .expose()
            .to_owned())
    }

    async fn renew(&self, stale: &Secret, now: Timestamp) -> Result<Secret, Outcome> {
        self.tokens.renew_after_stale(&Password, stale, &*sender(&self.server), now).await
    }

    /// Which token there is once the answer under way has come.
    async fn settled(&self, seconds: u64) -> Result<String, Outcome> {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        self.get(seconds).await
    }
}

#[allow(clippy::unnecessary_wraps)]
fn token(number: usize) -> Result<String, Outcome> {
    Ok(format!("token number {number}"))
}

fn retry(reason: &str, after: u64) -> Outcome {
    Outcome::Retry { reason: reason.into(), after: Some(Duration::from_secs(after)) }
}

#[tokio::test]
async fn however_many_wait_a_token_is_asked_for_once() {
    let ends = Ends::new();
    let gate = Arc::new(Notify::new());
    *lock(&ends.server.gate) = Some(Arc::clone(&gate));
    let all = join_all((0..50).map(|_| ends.get(0)));
    let opened = async {
        while ends.asked() == 0 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
    };
    let (all, ()) = tokio::join!(all, opened);
    assert!(all.iter().all(|it| *it == token(1)), "{all:?}");
    assert_eq!((ends.get(60).await, ends.asked()), (token(1), 1));
}

#[tokio::test]
async fn a_token_is_renewed_in_time_and_the_old_one_is_used_meanwhile() {
    let ends = Ends::new();
    assert_eq!(ends.get(0).await, token(1));
    assert_eq!((ends.settled(479).await, ends.asked()), (token(1), 1));
    let gate = Arc::new(Notify::new());
    *lock(&ends.server.gate) = Some(Arc::clone(&gate));
    assert_eq!(ends.get(480).await, token(1));
    assert_eq!((ends.settled(490).await, ends.asked()), (token(1), 2), "asked once");
    gate.notify_one();
    assert_eq!(ends.settled(500).await, token(2));
    *lock(&ends.server.gate) = None;
    assert_eq!((ends.settled(959).await, ends.asked()), (token(2), 2));
    assert_eq!(ends.get(5_000).await, token(3), "the old one has expired: this one waits");
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_old_one_and_is_tried_again_with_patience() {
    let ends = Ends::new();
    assert_eq!(ends.get(0).await, token(1));
    ends.fails_with(503);
    assert_eq!(ends.settled(480).await, token(1));
    assert_eq!((ends.settled(480).await, ends.asked()), (token(1), 2), "not tried at once");
    assert_eq!((ends.settled(481).await, ends.asked()), (token(1), 3));
    assert_eq!(ends.settled(482).await, token(1));
    ends.fails_with(200);
    assert_eq!((ends.settled(490).await, ends.asked()), (token(1), 3), "the window is full");
    assert_eq!((ends.settled(540).await, ends.asked()), (token(1), 4));
    assert_eq!((ends.settled(541).await, ends.asked()), (token(4), 4));
}

#[tokio::test]
async fn a_token_that_is_refused_is_dropped_once() {
    let mut ends = Ends::new();
    assert_eq!(ends.get(0).await, token(1));
    let stale = Secret::new("token number 1");
    let all = (0..20).map(|_| ends.renew(&stale, at(1)));
    let all = join_all(all).await;
    assert!(all.iter().all(|it| *it == Ok(Secret::new("token number 2"))));
    assert_eq!((ends.get(2).await, ends.asked()), (token(2), 2));
    ends.fails_with(503);
    let newer = Secret::new("token number 2");
    let refused = ends.renew(&newer, at(70)).await;
    assert_eq!(refused.unwrap_err(), Outcome::retry("status 503"));
    ends.restart("store").await;
    ends.fails_with(200);
    assert_eq!(ends.get(71).await, token(4), "a restart does not bring it back");
}

#[tokio::test]
async fn those_who_waited_share_a_failure_and_the_next_has_patience() {
    let ends = Ends::new();
    ends.fails_with(0);
    let why = "no token: the other side cannot be reached";
    let all = join_all((0..20).map(|_| ends.get(0))).await;
    assert_eq!(all[0], Err(Outcome::retry(why)));
    assert!(all[1..].iter().all(|it| *it == Err(retry(why, 1))), "{all:?}");
    assert_eq!((ends.get(0).await, ends.asked()), (Err(retry(why, 1)), 1));
    assert_eq!((ends.get(1).await, ends.asked()), (Err(Outcome::retry(why)), 2));
    assert_eq!(ends.get(2).await, Err(retry(why, 1)));
}

#[tokio::test]
async fn a_failure_that_nobody_saw_holds_nobody_up_later() {
    let ends = Ends::new();
    assert_eq!(ends.get(0).await, token(1));
    ends.fails_with(503);
    assert_eq!((ends.settled(480).await, ends.asked()), (token(1), 2));
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    ends.fails_with(200);
    assert_eq!((ends.get(5_000).await, ends.asked()), (token(3), 3));
}

#[tokio::test]
async fn a_pause_that_was_resumed_is_tried_at_once() {
    let ends = Ends::new();
    ends.fails_with(401);
    let paused = Outcome::pause(Scope::Account("7".into()), "wrong password", None);
    let all = join_all((0..20).map(|_| ends.get(0))).await;
    assert!(all.iter().all(|it| *it == Err(paused.clone())), "{all:?}");
    assert_eq!(ends.asked(), 1, "those who waited share it");
    ends.fails_with(200);
    assert_eq!(ends.get(0).await, token(2));
}

#[tokio::test]
async fn no_more_are_asked_for_than_the_window_allows_across_restarts() {
    let mut ends = Ends::new();
    ends.fails_with(503);
    assert!(ends.get(0).await.is_err());
    ends.restart("store").await;
    assert!(ends.get(20).await.is_err());
    assert_eq!(ends.asked(), 2);
    ends.restart("another").await;
    ends.fails_with(200);
    let full = "no further token may be asked for yet";
    assert_eq!((ends.get(30).await, ends.asked()), (Err(retry(full, 30)), 2));
    assert_eq!((ends.get(59).await, ends.asked()), (Err(retry(full, 1)), 2));
    assert_eq!((ends.get(60).await, ends.asked()), (token(3), 3));
    let hour = 3_600;
    let earlier = ends.renew(&Secret::new("token number 3"), at(0) - minutes(hour)).await;
    assert_eq!(earlier.unwrap_err(), retry(full, 60), "a clock that was put back");
}

#[tokio::test]
async fn a_token_survives_a_restart_sealed() {
    let mut ends = Ends::new();
    assert_eq!(ends.get(0).await, token(1));
    ends.restart("store").await;
    assert_eq!((ends.get(1).await, ends.asked()), (token(1), 1));
    ends.journal.close().await;
    for entry in std::fs::read_dir(ends.directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes.windows(12).any(|it| it == b"token number");
        assert!(!found, "a token stands in clear");
    }
    ends.restart("another").await;
    assert_eq!(ends.get(2).await, token(2), "what another key sealed is not read");
}

#[tokio::test]
async fn a_call_that_is_given_up_loses_no_answer() {
    let ends = Ends::new();
    let gate = Arc::new(Notify::new());
    *lock(&ends.server.gate) = Some(Arc::clone(&gate));
    let (tokens, send) = (Arc::clone(&ends.tokens), sender(&ends.server));
    let call = tokio::spawn(async move { tokens.get(&Password, &*send, at(0)).await });
    while ends.asked() == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    gate.notify_one();
    assert_eq!((ends.get(1).await, ends.asked()), (token(1), 1));
}
