//! `flowbot.*`: flows, leads, replies and everything else of a FlowBot AI installation.
//!
//! Payloads say what the API takes, by the API's own names or by the same in snake case. Source:
//! the API documentation of an installation, `/docs`.

mod access;
mod answer;
mod call;
mod lead;
mod outbound;
mod reply;
mod said;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Call as Attempt, Outcome, Policy, Retry};
use crate::client::flowbot::API;
use crate::client::{Account, Arguments, Endpoint, Outgoing};
use crate::config::Rate;

pub(super) use call::Call;
pub(super) use lead::Lead;
pub(super) use outbound::Outbound;
pub(super) use reply::Reply;

/// How much of a documented limit is used: a clock that runs a little fast, or a request that was
/// a little slow, must not exceed it.
const SHARE_PERCENT: u32 = 95;

/// For what nobody waits for at this moment: a hundred triggers take minutes, and an installation
/// that is down for hours is no reason to lose a lead.
const PATIENT: Policy = Policy {
    concurrency: 4,
    retry: Retry::Backoff { first: Duration::from_secs(1), cap: Duration::from_mins(5) },
    max_age: Some(Duration::from_hours(24)),
    ..Policy::CHAT
};

/// The endpoint of that name, which stands in the table.
fn endpoint(call: &str) -> &'static Endpoint {
    let found = API.endpoints.iter().find(|it| it.call == call);
    found.expect("it stands in the table")
}

/// 95 % of a limit.
fn share(limit: Rate) -> Rate {
    Rate { count: limit.count, per: limit.per * 100 / SHARE_PERCENT }
}

/// The request that an endpoint makes of this body and of what stands in its path.
fn prepare(
    endpoint: &Endpoint,
    account: &Account,
    arguments: &Arguments,
    call: &Attempt,
) -> Result<Outgoing, Outcome> {
    let today = call.now.to_zoned(TimeZone::UTC).date();
    endpoint.prepare(account, arguments, today).map_err(|it| Outcome::refused(unflagged(&it)))
}

/// A sentence about the command line's `--flow-id` as one about the payload's `flowId`.
fn unflagged(sentence: &str) -> String {
    let mut parts = sentence.split("`--");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (flag, rest) = part.split_once('`').unwrap_or((part, ""));
        let mut words = flag.split('-');
        text.push('`');
        text.push_str(words.next().unwrap_or_default());
        for word in words {
            let (first, others) = word.split_at_checked(1).unwrap_or((word, ""));
            text.push_str(&first.to_ascii_uppercase());
            text.push_str(others);
        }
        text.push('`');
        text.push_str(rest);
    }
    text
}

/// The body as JSON; `None` where it is none.
fn json(body: &Bytes) -> Option<Value> {
    serde_json::from_slice(body).ok()
}
