//! What an answer of `FlowGent` means, by its status: the one inside the body, where there is one.
//!
//! Source: `FlowGent` API Reference, "Always Check Response Body" and the error responses of each
//! endpoint.

use std::time::Duration;

use super::Access;
use crate::client::Problem;
use crate::destination::{Call, Outcome, Scope};

/// How often an agent is asked that breaks down over the question (500) or leaves it unanswered:
/// each attempt may cost credits, and a person waits.
pub(super) const ATTEMPTS: u32 = 3;

/// When an agent without credits is asked again; that costs nothing, and credits are bought or
/// renewed without anybody telling us.
pub(super) const WITHOUT_CREDITS: Duration = Duration::from_mins(15);

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Chat,
    Template,
    Add,
    Update,
    Delete,
}

use Asked::{Add, Chat, Delete, Template, Update};

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may work later.
    Again,
    /// It may work later; but not for ever: see [`ATTEMPTS`].
    Seldom,
    /// The agent had its chance: that it failed is the answer.
    Failed,
    /// The key is wrong, or may not do that.
    Key,
    /// The agent cannot answer anybody.
    Agent,
    /// Nothing of this destination will work until somebody changes something over there.
    Destination,
    /// What was to go is gone, perhaps by an earlier attempt.
    Gone,
    /// It will never work.
    Never,
}

const ANY: &[Asked] = &[Chat, Template, Add, Update, Delete];

/// From a status to another, what was asked for, and what it means; the first row that fits counts.
/// What fits none will never work.
const TABLE: &[(u16, u16, &[Asked], Verdict)] = &[
    // An error beside a good status: a tool did not work. It may have done half of its work.
    (200, 299, &[Chat], Verdict::Failed),
    (401, 401, ANY, Verdict::Key),
    // No credits. A full knowledge base has the same status, and only adding suffers from it.
    (402, 402, &[Chat, Template], Verdict::Agent),
    // The agents that a payload names may be wrong; then the key is not.
    (403, 403, &[Add, Update], Verdict::Never),
    (403, 403, ANY, Verdict::Key),
    // The agent has no WhatsApp connection.
    (404, 404, &[Template], Verdict::Destination),
    (404, 404, &[Delete], Verdict::Gone),
    (408, 408, ANY, Verdict::Again),
    (425, 425, ANY, Verdict::Again),
    (429, 429, ANY, Verdict::Again),
    (500, 500, &[Chat], Verdict::Seldom),
    // 503 is a model that is busy.
    (500, 599, ANY, Verdict::Again),
];

/// What a status means at this attempt.
pub(super) fn verdict(asked: Asked, status: u16, attempt: u32) -> Verdict {
    let fits = |from: &u16, to: &u16| (*from..=*to).contains(&status);
    let row = TABLE.iter().find(|(from, to, of, _)| fits(from, to) && of.contains(&asked));
    match row.map_or(Verdict::Never, |it| it.3) {
        Verdict::Seldom if attempt >= ATTEMPTS => Verdict::Failed,
        // At the first attempt, nothing of ours can have taken it away.
        Verdict::Gone if attempt < 2 => Verdict::Never,
        verdict => verdict,
    }
}

/// What becomes of the call. `agent` is the one that was asked, if it was one.
pub(super) fn outcome(
    verdict: Verdict,
    problem: &Problem,
    call: &Call,
    access: &Access,
    agent: Option<&str>,
) -> Outcome {
    let reason = access.clean(call, &problem.to_string());
    match (verdict, agent) {
        (Verdict::Again | Verdict::Seldom, _) => {
            Outcome::Retry { reason, after: problem.retry_after }
        }
        (Verdict::Key, _) => Outcome::pause(access.credential(), reason, None),
        (Verdict::Agent, Some(agent)) => {
            Outcome::pause(Scope::Agent(agent.to_owned()), reason, Some(WITHOUT_CREDITS))
        }
        (Verdict::Destination, _) => Outcome::pause(Scope::Destination, reason, None),
        (Verdict::Gone, _) => Outcome::delivered(),
        (Verdict::Agent | Verdict::Failed | Verdict::Never, _) => Outcome::refused(reason),
    }
}
