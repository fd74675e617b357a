//! `sluicegate deliveries` and `sluicegate replay`: look at deliveries, and mend them.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::client::Client;
use super::{Failure, Global, print, say, setup};
use crate::admin::answer::{self, Mend, Progress};
use crate::clock;
use crate::config::Period;
use crate::journal::{Listed, Which};

/// How often progress is asked for.
const TURN: Duration = Duration::from_secs(1);

/// Look at deliveries, try them again, or give them up.
///
///   sluicegate deliveries list --state dead,refused --since 2h
///   sluicegate deliveries retry --destination crm --dry-run
///   sluicegate deliveries drop --destination crm --state held --reason "the order is gone"
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum Deliveries {
    /// List deliveries, those of the newest events first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most this many.
        #[arg(long, default_value_t = 20, value_name = "NUMBER")]
        limit: usize,
    },
    /// Try deliveries again, under the same ids and with a full budget of attempts. They go ahead
    /// of what is pending, in their old order. Without --state: what is dead, held or refused.
    Retry {
        /// Only these deliveries.
        ids: Vec<Uuid>,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        how: How,
    },
    /// Give deliveries up that are pending, awaiting an answer, or held: the rest of their
    /// conversation goes on. `deliveries retry --state dropped` takes it back.
    Drop {
        /// Only these deliveries.
        ids: Vec<Uuid>,
        #[command(flatten)]
        filter: Filter,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

/// Deliver again what was delivered before, as after the loss of a database behind a destination.
///
/// Each is a new delivery with an id of its own. They keep their order and go ahead of what is
/// pending, 50 a second unless --rate says otherwise. Queues of the embedded broker are not filled
/// again.
///
///   sluicegate replay --destination crm --since 2h --dry-run
///   sluicegate replay --destination crm --since 2026-11-20T08:00:00Z --until 2026-11-20T09:00:00Z
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Replay {
    /// Only these deliveries.
    ids: Vec<Uuid>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    how: How,
}

/// Which deliveries.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only those that stand so, e.g. dead,refused.
    #[arg(long, value_name = "STATES")]
    state: Option<String>,
    /// Only those to this destination.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Only those that this route asked for.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Only those of events of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only those of events of this kind, e.g. message.received.
    #[arg(long)]
    kind: Option<String>,
    /// Only those of this conversation.
    #[arg(long, value_name = "ID")]
    conversation: Option<Uuid>,
    /// Only those of this event.
    #[arg(long, value_name = "ID")]
    event: Option<Uuid>,
    /// Only those of events received from then on: a moment, or how long ago, as in 2h.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only those of events received before then.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

/// How it is done.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Do it to at most this many.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Say only what would be done.
    #[arg(long)]
    dry_run: bool,
    /// At most so many a second.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
}

/// A moment, or how long ago it was.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ago = period(text)
        .map_err(|_| "a moment, as in 2026-11-20T08:00:00Z, or how long ago, as in 2h or 30min")?;
    clock::now().checked_sub(ago).map_err(|_| "too long ago".to_owned())
}

/// A length of time.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    let period: Result<Period, _> = serde_json::from_value(text.into());
    period.map(|it| it.0).map_err(|it| it.to_string())
}

impl Deliveries {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::new(&setup::load(global)?)?;
        match self {
            Self::List { filter, limit } => {
                let which = Which { limit: Some(limit), ..filter.which() };
                let page: answer::Deliveries = client.get("/deliveries", &pairs(&which)?).await?;
                for it in &page.deliveries {
                    print(&if global.json { serde_json::to_string(it)? } else { line(it) })?;
                }
                Ok(())
            }
            Self::Retry { ids, filter, how } => {
                mend(&client, global, "retry", how.of(ids, filter, None)).await
            }
            Self::Drop { ids, filter, reason, how } => {
                mend(&client, global, "drop", how.of(ids, filter, reason)).await
            }
        }
    }
}

impl Replay {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::new(&setup::load(global)?)?;
        if self.ids.is_empty() && (self.filter.destination.is_none() || self.filter.since.is_none())
        {
            let sentence =
                "say what is replayed: --destination and --since, or the ids of deliveries";
            return Err(Failure::Usage(sentence.to_owned()));
        }
        mend(&client, global, "replay", self.how.of(self.ids, self.filter, None)).await
    }
}

impl Filter {
    fn which(self) -> Which {
        let Self { state, destination, route, source, kind, conversation, event, since, until } =
            self;
        Which {
            state,
            destination,
            route,
            source,
            kind,
            conversation,
            event,
            since,
            until,
            ..Which::default()
        }
    }
}

impl How {
    fn of(self, ids: Vec<Uuid>, filter: Filter, reason: Option<String>) -> Mend {
        let Self { limit, dry_run, rate } = self;
        Mend { filter: Which { limit, ..filter.which() }, ids, dry_run, rate, reason }
    }
}

/// A filter as a query string has it.
fn pairs(which: &Which) -> Result<Vec<(&'static str, String)>, Failure> {
    let value = serde_json::to_value(which)?;
    let names = [
        "state",
        "destination",
        "route",
        "source",
        "kind",
        "conversation",
        "event",
        "since",
        "until",
        "limit",
    ];
    let text = |it: &serde_json::Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    Ok(names.iter().filter_map(|name| Some((*name, text(value.get(name)?)))).collect())
}

/// Has it done, and says how far it is until it is done.
async fn mend(client: &Client, global: &Global, deed: &str, ask: Mend) -> Result<(), Failure> {
    let mut progress: Progress = client.post(&format!("/deliveries/{deed}"), &ask).await?;
    while let ("running", Some(id)) = (&*progress.state, progress.id) {
        if !global.json {
            say(&format!("{} of {}", progress.looked, progress.matched));
        }
        tokio::time::sleep(TURN).await;
        progress = client.get(&format!("/deeds/{id}"), &[]).await?;
    }
    if global.json {
        print(&serde_json::to_string(&progress)?)?;
    } else {
        print(&outcome(&progress))?;
        if progress.state == "dry_run" {
            for it in &progress.first {
                print(&line(it))?;
            }
            let more = progress.matched.saturating_sub(progress.first.len() as u64);
            if more > 0 {
                print(&format!("and {more} more"))?;
            }
        }
    }
    match progress.error {
        Some(error) => Err(Failure::Refused(error)),
        None => Ok(()),
    }
}

/// What was done, in a sentence.
fn outcome(it: &Progress) -> String {
    let Progress { deed, state, matched, looked, done, .. } = it;
    let word = match &**deed {
        "retry" => "due again",
        "drop" => "given up",
        _ => "repeated",
    };
    let noun = if *matched == 1 { "delivery" } else { "deliveries" };
    if state == "dry_run" {
        return format!("{matched} {noun} would be {word}");
    }
    let mut text = format!("{done} of {matched} {noun} {word}");
    let left = looked - done;
    if left > 0 {
        let _ = write!(text, "; {left} left alone: being sent right then, or settled meanwhile");
    }
    if state == "stopped" {
        text += "; it was stopped";
    }
    text
}

/// A delivery on one line: when, of what, which route, where to, how it stands, why, the id.
fn line(it: &Listed) -> String {
    let delivery = &it.delivery;
    let reason = delivery.reason.as_deref().or(delivery.receipt.as_deref()).unwrap_or_default();
    // The other side's words may hold control characters; a terminal must not obey them.
    let reason: String =
        reason.chars().map(|it| if it.is_control() { ' ' } else { it }).take(60).collect();
    let way = format!("{} → {}", delivery.route, delivery.destination);
    format!(
        "{:<26}{:<20}  {way:<40}  {:<10} {reason}  {}",
        format!("{:.0}", it.received),
        it.kind,
        delivery.state,
        delivery.id
    )
}
