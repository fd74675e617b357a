//! A journal in a directory of its own, and arrivals for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use sluicegate::destination::{Arrived, BoxFuture, Order, Placement, Standing};
use sluicegate::event::standing::Change;
use sluicegate::event::{Candidate, Facts, Kind, event_id};
use sluicegate::journal::{
    Alias, Arrival, Assigned, Called, Error, History, Incoming, Journal, LaneState, Lease, Opened,
    Options, Query, Receipt, Run, Settlement, Sqlite, Ticket, Verdict,
};
use sluicegate::provider::Cursor;
use uuid::Uuid;

pub(crate) fn open(directory: &std::path::Path) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(&Options { directory: directory.to_owned() }).unwrap())
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn incoming(key: &str, placement: Placement) -> Incoming {
    Incoming {
        id: event_id("test", key),
        kind: Kind::MESSAGE_RECEIVED,
        time: at(0),
        historical: false,
        aliases: vec![alias("wa_id", "1")],
        facts: serde_json::to_vec(&Facts::default()).unwrap(),
        raw: 0..2,
        changes: Vec::new(),
        about: None,
        deliveries: vec![Assigned {
            route: "route".into(),
            destination: "out".into(),
            index: 0,
            placement,
            collect: None,
            per_request: false,
        }],
    }
}

pub(crate) fn alias(scheme: &'static str, value: &str) -> Alias {
    let candidate = Candidate::new(scheme, "account", value);
    Alias { key: candidate.key("test"), candidate }
}

pub(crate) fn arrival(events: Vec<Incoming>) -> Arrival {
    Arrival {
        source: "test".into(),
        received: at(0),
        headers: "{}".into(),
        body: Bytes::from_static(b"{} the body"),
        traceparent: None,
        cause: None,
        events,
        cursors: Vec::new(),
        unrouted: false,
    }
}

pub(crate) async fn accept(store: &Sqlite, arrival: Arrival) -> Receipt {
    let (ticket, answer) = Ticket::single();
    store.submit(arrival, ticket).unwrap();
    answer.await.unwrap().unwrap()
}

pub(crate) async fn stored(store: &Sqlite) -> Vec<sluicegate::event::Event> {
    store.search(Query { limit: Some(1_000), ..Query::default() }).await.unwrap()
}

pub(crate) fn settlement(position: i64, verdict: Verdict) -> Settlement {
    let took = Duration::from_millis(7);
    Settlement {
        position,
        others: Vec::new(),
        started: at(1),
        took,
        verdict,
        record: None,
        judged: false,
    }
}

pub(crate) async fn leased(store: &Sqlite, budget: usize, now: i64) -> Vec<Lease> {
    let runs = store.lease("out", budget, at(now)).await.unwrap();
    runs.into_iter().flat_map(|it| it.leases).collect()
}

pub(crate) async fn settle(store: &Sqlite, position: i64, verdict: Verdict) {
    store.settle("out", vec![settlement(position, verdict)]).await.unwrap();
}

/// A journal that takes nothing at first.
pub(crate) struct Full {
    store: Arc<Sqlite>,
    refusals: AtomicU64,
}

impl Full {
    pub(crate) fn over(store: &Arc<Sqlite>) -> Self {
        Self { store: Arc::clone(store), refusals: AtomicU64::new(0) }
    }
}

impl Journal for Full {
    fn submit(&self, arrival: Arrival, ticket: Ticket) -> Result<(), Error> {
        match self.refusals.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::Busy),
            1 | 2 => Err(Error::Write("disk full".into())),
            _ => self.store.submit(arrival, ticket),
        }
    }

    fn cursors(&self, source: &str) -> BoxFuture<'_, Result<Vec<Cursor>, Error>> {
        self.store.cursors(source)
    }

    fn kept(&self, key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, Error>> {
        self.store.kept(key)
    }

    fn keep(&self, key: &str, value: Option<Vec<u8>>) -> BoxFuture<'_, Result<(), Error>> {
        self.store.keep(key, value)
    }

    fn open_lane(&self, lane: &str, order: Order) -> BoxFuture<'_, Result<(), Error>> {
        self.store.open_lane(lane, order)
    }

    fn lease(
        &self,
        lane: &str,
        budget: usize,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Run>, Error>> {
        self.store.lease(lane, budget, now)
    }

    fn work<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, ()> {
        self.store.work(lane)
    }

    fn release(&self, lane: &str, positions: &[i64]) {
        self.store.release(lane, positions);
    }

    fn defer(&self, lane: &str, positions: &[i64], due: Timestamp) {
        self.store.defer(lane, positions, due);
    }

    fn hasten(&self, lane: &str, now: Timestamp) {
        self.store.hasten(lane, now);
    }

    fn standing(
        &self,
        conversation: Uuid,
        peer: Option<&str>,
    ) -> BoxFuture<'_, Result<Standing, Error>> {
        self.store.standing(conversation, peer)
    }

    fn change(&self, conversation: Uuid, changes: Vec<Change>) -> BoxFuture<'_, Result<(), Error>> {
        self.store.change(conversation, changes)
    }

    fn arrived(&self, sequence: u64) -> BoxFuture<'_, Result<Arrived, Error>> {
        self.store.arrived(sequence)
    }

    fn open_call(&self, lane: &str, opened: Opened) -> BoxFuture<'_, Result<bool, Error>> {
        self.store.open_call(lane, opened)
    }

    fn answer(&self, call: Uuid, body: Bytes) -> BoxFuture<'_, Result<bool, Error>> {
        self.store.answer(call, body)
    }

    fn call(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Called>, Error>> {
        self.store.call(id)
    }

    fn settle(&self, lane: &str, outcomes: Vec<Settlement>) -> BoxFuture<'_, Result<(), Error>> {
        self.store.settle(lane, outcomes)
    }

    fn lanes(&self) -> Vec<LaneState> {
        self.store.lanes()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.store.close()
    }
}
