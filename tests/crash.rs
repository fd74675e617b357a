//! What holds when the gateway dies at any moment: nothing answered 200 is lost, nothing unknown
//! appears, and what comes twice has the same id.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::gateway::{Gateway, client, envelope, post, text_message};

/// How often the gateway is killed.
const KILLS: usize = 20;

/// What senders did and were told.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) sent: Mutex<HashSet<String>>,
    pub(crate) answered: Mutex<HashSet<String>>,
    next: AtomicU64,
    stop: AtomicBool,
    url: Mutex<String>,
}

impl Ledger {
    pub(crate) fn new(url: &str) -> Arc<Self> {
        let this = Self::default();
        this.point_at(url);
        Arc::new(this)
    }

    /// Where senders post from now on.
    pub(crate) fn point_at(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    /// Sends until told to stop: one to three messages a request, each of them new.
    pub(crate) fn spawn(self: &Arc<Self>, senders: usize) -> Vec<tokio::task::JoinHandle<()>> {
        (0..senders)
            .map(|sender| {
                let this = Arc::clone(self);
                tokio::spawn(async move {
                    let http = client();
                    while !this.stop.load(Ordering::Relaxed) {
                        let number = this.next.fetch_add(1, Ordering::Relaxed);
                        let ids: Vec<String> =
                            (0..=number % 3).map(|it| format!("wamid.{number}.{it}")).collect();
                        let from = format!("1650555{sender:04}");
                        let messages: Vec<Value> =
                            ids.iter().map(|it| text_message(it, &from, "hi")).collect();
                        this.sent.lock().unwrap().extend(ids.iter().cloned());
                        let url = this.url.lock().unwrap().clone();
                        match post(&http, &url, envelope(&messages)).await {
                            Some(200) => this.answered.lock().unwrap().extend(ids),
                            _ => tokio::time::sleep(Duration::from_millis(5)).await,
                        }
                    }
                })
            })
            .collect()
    }

    /// Adds a message that was sent and answered elsewhere.
    pub(crate) fn add(&self, id: &str) {
        self.sent.lock().unwrap().insert(id.to_owned());
        self.answered.lock().unwrap().insert(id.to_owned());
    }

    pub(crate) async fn stop(&self, senders: Vec<tokio::task::JoinHandle<()>>) {
        self.stop.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
    }

    /// Holds what came out against what was sent: `(message id, event id)` of every consumption.
    pub(crate) fn judge(&self, consumed: &[(String, String)]) {
        let sent = self.sent.lock().unwrap();
        let answered = self.answered.lock().unwrap();
        let mut events: HashMap<&str, &str> = HashMap::new();
        let mut duplicates = 0;
        for (message, event) in consumed {
            assert!(sent.contains(message), "{message} was never sent");
            if let Some(first) = events.insert(message, event) {
                assert_eq!(first, event, "{message} has two ids");
                duplicates += 1;
            }
        }
        let lost: Vec<&String> =
            answered.iter().filter(|it| !events.contains_key(it.as_str())).collect();
        eprintln!(
            "sent {}, answered 200 {}, consumed {}, duplicates {duplicates}, lost {}",
            sent.len(),
            answered.len(),
            events.len(),
            lost.len()
        );
        assert!(lost.is_empty(), "answered 200 and lost: {lost:?}");
        assert!(answered.len() > 100, "too little was sent to show anything");
    }
}

/// Message id and event id of events on the wire.
pub(crate) fn pairs(events: &[Value]) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    events.iter().map(|it| (text(&it["data"]["message"]["id"]), text(&it["id"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_load_lose_nothing_that_was_answered_200() {
    let directory = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start(directory.path(), &[]);
    let ledger = Ledger::new(&gateway.url);
    let senders = ledger.spawn(8);
    let mut consumed = Vec::new();
    for kill in 0..KILLS {
        // Moments that a clock would not choose: spread by a multiplicative hash.
        let moment = (kill as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        tokio::time::sleep(Duration::from_millis(50 + moment)).await;
        if kill % 4 == 3 {
            // Consumed in between as well: an acknowledged event must not come again.
            consumed.extend(pairs(&gateway.take("sluicegate.events", 200).await));
        }
        gateway = tokio::task::spawn_blocking(move || {
            gateway.kill_and_restart();
            gateway
        })
        .await
        .unwrap();
        ledger.point_at(&gateway.url);
    }
    ledger.stop(senders).await;
    consumed.extend(pairs(&gateway.drain("sluicegate.events").await));
    ledger.judge(&consumed);
    let mut acknowledged = HashSet::new();
    assert!(
        consumed.iter().all(|it| acknowledged.insert(it)),
        "an acknowledged message of the embedded broker came again"
    );
}

/// A system call that ended, as `strace -f -ttt` writes it, its two halves joined.
struct Call {
    name: String,
    descriptor: String,
    text: String,
    /// The line it began on, and the line it returned on: the order of things.
    began: usize,
    returned: usize,
}

/// Joins `<unfinished ...>` and `resumed` lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: HashMap<(String, String), (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix("<... ") {
            let Some((name, tail)) = rest.split_once(" resumed>") else { continue };
            let key = (pid.to_owned(), name.to_owned());
            let Some((began, head)) = open.remove(&key) else { continue };
            calls.push(call(name, &format!("{head}{tail}"), began, number));
        } else if let Some((name, tail)) = rest.split_once('(') {
            match tail.strip_suffix(" <unfinished ...>") {
                Some(head) => {
                    open.insert((pid.to_owned(), name.to_owned()), (number, head.to_owned()));
                }
                None => calls.push(call(name, tail, number, number)),
            }
        }
    }
    calls
}

fn call(name: &str, text: &str, began: usize, returned: usize) -> Call {
    let descriptor = text.split([',', ')', ' ']).next().unwrap_or_default().to_owned();
    Call { name: name.to_owned(), descriptor, text: text.to_owned(), began, returned }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_200_is_written_before_the_sync_that_covers_its_commit_returned() {
    const NAME: &str = "no_200_is_written_before_the_sync_that_covers_its_commit_returned";
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        crate::support::skipped(NAME, "strace is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let arguments = [
        "-f",
        "-s",
        "100000",
        "-e",
        "trace=read,recvfrom,pwrite64,fdatasync,fsync,write,writev,sendto",
        "-o",
        trace.to_str().unwrap(),
    ];
    let mut gateway = Gateway::start_under("strace", &arguments, directory.path());
    // Each sender has one connection and waits for each answer, so that a 200 on a connection
    // answers the last request that was read from it.
    let tasks: Vec<_> = (0..4)
        .map(|sender| {
            let url = gateway.url.clone();
            tokio::spawn(async move {
                let http = client();
                for number in 0..25 {
                    let id = format!("wamid.traced-{sender}-{number}-");
                    let body = envelope(&[text_message(&id, "1", "hi")]);
                    assert_eq!(post(&http, &url, body).await, Some(200));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    gateway.terminate();
    let trace = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    let calls = calls(&trace);
    let mut covered = 0;
    for sender in 0..4 {
        for number in 0..25 {
            let id = format!("wamid.traced-{sender}-{number}-");
            let read = calls
                .iter()
                .find(|it| matches!(&*it.name, "read" | "recvfrom") && it.text.contains(&id))
                .unwrap_or_else(|| panic!("{id} was never read"));
            let answer = calls
                .iter()
                .find(|it| {
                    matches!(&*it.name, "write" | "writev" | "sendto")
                        && it.descriptor == read.descriptor
                        && it.began > read.began
                        && it.text.contains("HTTP/1.1 200")
                })
                .unwrap_or_else(|| panic!("{id} was never answered"));
            let Some(written) =
                calls.iter().find(|it| it.name == "pwrite64" && it.text.contains(&id))
            else {
                // Split by a page boundary; the others show the same.
                continue;
            };
            assert!(written.began < answer.began, "{id} was answered before it was written");
            let synced = calls.iter().any(|it| {
                matches!(&*it.name, "fdatasync" | "fsync")
                    && it.descriptor == written.descriptor
                    && it.began > written.returned
                    && it.returned < answer.began
            });
            assert!(synced, "{id} was answered before its sync returned");
            covered += 1;
        }
    }
    assert!(covered >= 80, "only {covered} of 100 requests could be followed");
}
