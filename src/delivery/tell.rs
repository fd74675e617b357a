//! What the gateway itself tells: events of the source `gateway`, routed like any other. Pure.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::verdict::{Case, cause, refuse_beyond_hops};
use crate::destination::Scope;
use crate::event::facts::{Channel, Notice};
use crate::event::{Draft, Facts, GATEWAY, Kind};
use crate::journal::{Arrival, Cause};
use crate::plan::Plan;

/// That a delivery was given up or refused. What becomes of such news itself is not told again.
pub(super) fn dead(case: &Case<'_>, reason: &str) -> Vec<Arrival> {
    if case.event.source == GATEWAY {
        return Vec::new();
    }
    let mut draft = draft(Kind::GATEWAY_DELIVERY_DEAD, reason, case.name, None);
    // Once for the delivery, however often it is retried and given up again at the same attempt.
    draft.dedup_key = format!("dead:{}:{}", case.call, case.attempt);
    draft.answer_to(case.event);
    vec![arrival(case.plan, draft, Some(cause(case.event)), case.now)]
}

/// That something stands still.
pub(super) fn paused(
    plan: &Plan,
    destination: &str,
    scope: &Scope,
    reason: &str,
    now: Timestamp,
) -> Arrival {
    let kind = match scope {
        Scope::Credential(_) => Kind::GATEWAY_CREDENTIAL_FAILING,
        _ => Kind::GATEWAY_DESTINATION_PAUSED,
    };
    let label = scope.label(destination);
    let mut draft = draft(kind, reason, destination, Some(&label));
    draft.dedup_key = format!("paused:{label}:{now}");
    draft.facts.channel = Channel { provider: GATEWAY.into(), ..Channel::default() };
    arrival(plan, draft, None, now)
}

fn draft(kind: Kind, reason: &str, destination: &str, subject: Option<&str>) -> Draft {
    let notice = Notice {
        field: "delivery".into(),
        event: Some(destination.into()),
        reason: Some(reason.into()),
        subject: subject.map(str::to_owned),
        ..Notice::default()
    };
    Draft {
        kind,
        dedup_key: String::new(),
        anonymous: false,
        time: None,
        historical: false,
        candidates: Vec::new(),
        facts: Box::new(Facts { notice: Some(notice), ..Facts::default() }),
        raw: 0..0,
    }
}

fn arrival(plan: &Plan, mut draft: Draft, cause: Option<Cause>, now: Timestamp) -> Arrival {
    let source: Arc<str> = GATEWAY.into();
    let body = Bytes::from(json!({ "notice": draft.facts.notice }).to_string());
    draft.raw = 0..body.len();
    let mut events = plan.prepare(&source, vec![draft], &body, now);
    refuse_beyond_hops(&mut events, cause.map_or(0, |it| it.hops));
    Arrival {
        source,
        received: now,
        headers: "{}".into(),
        body,
        traceparent: None,
        cause,
        events,
        cursors: Vec::new(),
        unrouted: false,
    }
}
