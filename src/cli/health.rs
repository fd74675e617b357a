//! `sluicegate health`: whether a running gateway takes what is sent to it.

use std::time::Duration;

use super::client::unreachable;
use super::{Failure, Global, print, setup};
use crate::admin::answer::Ready;
use crate::http;

/// A health check that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks `/readyz`: it fails when arrivals cannot be written down or a lane is stuck. A destination
/// that is down does not count: its events wait.
pub(super) async fn run(global: &Global) -> Result<(), Failure> {
    let base = format!("http://{}", setup::admin_listen(global)?);
    let call = http::client(TIMEOUT)?.get(format!("{base}/readyz"));
    let answer = call.send().await.map_err(|it| unreachable(it, &base))?;
    let body = answer.bytes().await.map_err(|it| unreachable(it, &base))?;
    let ready: Ready = serde_json::from_slice(&body)?;
    if global.json {
        print(&serde_json::to_string(&ready)?)?;
    }
    match reason(&ready) {
        Some(reason) => Err(Failure::Refused(reason)),
        None if global.json => Ok(()),
        None => Ok(print("ready")?),
    }
}

/// Why it is not ready.
fn reason(ready: &Ready) -> Option<String> {
    if ready.ready {
        return None;
    }
    let stuck = ready.lanes.iter().filter(|it| it.stuck);
    let stuck: Vec<String> = stuck.map(|it| format!("lane `{}` is stuck", it.state.lane)).collect();
    Some(ready.journal.clone().unwrap_or_else(|| stuck.join(", ")))
}
