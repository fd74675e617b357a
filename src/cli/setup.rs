//! What commands share: the configuration, read and built.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Failure, Global};
use crate::plan::Plan;
use crate::{destination, keys, provider, router};

/// The configuration, built.
pub(super) struct Setup {
    pub(super) plan: Plan,
    pub(super) data: PathBuf,
    pub(super) queues: Vec<(String, u32)>,
    pub(super) listen: std::net::SocketAddr,
    pub(super) admin_listen: std::net::SocketAddr,
}

/// Reads and builds the configuration, printing every mistake.
pub(super) fn load(_global: &Global) -> Result<Setup, Failure> {
    let data = PathBuf::from(std::env::var_os("SLUICEGATE_DATA").unwrap_or("data".into()));
    let secret = keys::read_or_make(&data, keys::DEVELOPMENT_SECRET)?;
    let setup = provider::Setup { name: "whatsapp".into(), development_secret: Some(secret) };
    let whatsapp = provider::find("whatsapp").expect("it is registered");
    let source = (whatsapp.build)(serde_json::json!({}), &setup).map_err(anyhow::Error::msg)?;
    let queue = destination::find("queue").expect("it is registered");
    let public_url = "http://127.0.0.1:8080".to_owned();
    let events = (queue.build)(
        serde_json::json!({ "queues": {
            "sluicegate.events": ["#"], "sluicegate.messages": ["*.message.received"] } }),
        &destination::Setup {
            name: "events".into(),
            public_url: public_url.clone(),
            broker: destination::Broker::Embedded,
        },
    )
    .map_err(anyhow::Error::msg)?;
    let plan = Plan {
        sources: HashMap::from([("whatsapp".to_owned(), Arc::from(source))]),
        destinations: BTreeMap::from([(Arc::from("events"), events)]),
        table: router::Table::new(vec![router::Route {
            name: "everything to the bus".into(),
            from: std::collections::HashSet::new(),
            on: vec![],
            when: None,
            to: vec![],
            stop: false,
            otherwise: false,
            history: true,
        }]),
        stale_after: Duration::from_hours(1),
        public_url,
        fingerprint: String::new(),
    };
    Ok(Setup {
        plan,
        data,
        queues: vec![("sluicegate.events".into(), 20), ("sluicegate.messages".into(), 20)],
        listen: "127.0.0.1:8080".parse().expect("it is an address"),
        admin_listen: "127.0.0.1:8081".parse().expect("it is an address"),
    })
}
