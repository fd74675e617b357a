//! `log`: one line per event on the gateway's own log.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BoxFuture, Define, Means, Outcome, Parcel, Policy, Setup, Transport};

/// Writes a line per event.
pub(super) struct Log {
    name: String,
}

/// What stands under a destination with `kind: log`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {}

impl Define for Log {
    const KIND: &'static str = "log";
    const SUMMARY: &'static str = "A line per event on the gateway's own log, without its content.";
    const POLICY: Policy = Policy::TRANSPORT;
    type Config = Config;

    fn new(_config: Config, setup: &Setup) -> Result<Self, String> {
        Ok(Self { name: setup.name.clone() })
    }

    fn means(self) -> Means {
        Means::Transport(Arc::new(self))
    }
}

impl Transport for Log {
    fn batch(&self) -> usize {
        256
    }

    fn deliver<'a>(&'a self, batch: &'a [Parcel]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            for parcel in batch {
                let event = &parcel.event;
                tracing::info!(
                    target: "sluicegate::event",
                    destination = self.name,
                    id = %event.id,
                    kind = %event.kind,
                    source = event.source,
                    conversation = event.conversation.map(tracing::field::display),
                    "event"
                );
            }
            vec![Outcome::delivered(); batch.len()]
        })
    }
}
