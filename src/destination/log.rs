//! `log`: one line per event on the gateway's own log.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BoxFuture, Define, Destination, Order, Outcome, Parcel, Setup};

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
    type Config = Config;

    fn new(_config: Config, setup: &Setup) -> Result<Self, String> {
        Ok(Self { name: setup.name.clone() })
    }
}

impl Destination for Log {
    fn order(&self) -> Order {
        Order::None
    }

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
