//! A journal in a directory of its own, and arrivals for it.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sluicegate::destination::Placement;
use sluicegate::event::{Candidate, Facts, Kind, event_id};
use sluicegate::journal::{
    Alias, Arrival, Assigned, History, Incoming, Journal, Options, Query, Receipt, Sqlite, Ticket,
};

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
        deliveries: vec![Assigned {
            route: "route".into(),
            destination: "out".into(),
            index: 0,
            placement,
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
