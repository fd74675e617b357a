//! Deliveries: listed, tried again, given up, repeated. What takes long goes on beside the answer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};

use super::Admin;
use super::answer::{Deliveries, Mend, Progress};
use super::failed::{Answer, missing, wrong};
use crate::clock;
use crate::destination::Means;
use crate::journal::{Collects, Deed, Place, Redo, Tally, Which};

/// Deliveries of one step.
const STEP: usize = 100;

/// Repetitions a second, when nothing is said: no burst on a destination that also does its work.
const REPLAYS: u32 = 50;

/// So long an answer waits for its deed to be done.
const WAIT: Duration = Duration::from_secs(1);

/// Deeds that are remembered.
const REMEMBERED: usize = 64;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/deliveries", web::get().to(list))
        .route("/deliveries/{deed}", web::post().to(begin))
        .route("/deeds", web::get().to(deeds))
        .route("/deeds/{id}", web::get().to(progress))
        .route("/deeds/{id}", web::delete().to(stop));
}

/// What somebody asked to be done, and how far that is.
#[derive(Default)]
pub struct Deeds {
    last: AtomicU64,
    deeds: Mutex<VecDeque<Arc<Doing>>>,
}

/// One of them.
struct Doing {
    id: u64,
    progress: Mutex<Progress>,
    stopped: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deeds {
    fn begin(&self, mut progress: Progress) -> Arc<Doing> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        progress.id = Some(id);
        let (progress, stopped) = (Mutex::new(progress), AtomicBool::new(false));
        let doing = Arc::new(Doing { id, progress, stopped });
        let mut deeds = lock(&self.deeds);
        deeds.push_back(Arc::clone(&doing));
        if deeds.len() > REMEMBERED {
            deeds.pop_front();
        }
        doing
    }

    fn find(&self, id: u64) -> Option<Arc<Doing>> {
        lock(&self.deeds).iter().find(|it| it.id == id).cloned()
    }
}

impl Doing {
    fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    fn end(&self, state: &str, error: Option<String>) {
        let mut progress = lock(&self.progress);
        state.clone_into(&mut progress.state);
        progress.error = error;
    }
}

/// `GET /api/deliveries?state=&destination=&route=&since=&limit=…`
async fn list(admin: web::Data<Admin>, which: web::Query<Which>) -> Answer {
    if let Err(sentence) = which.states() {
        return Ok(wrong(sentence));
    }
    let found = admin.store.find(which.into_inner()).await?;
    let (mut deliveries, next) = (found.deliveries, found.next);
    for it in &mut deliveries {
        admin.refine(&mut it.delivery);
    }
    Ok(HttpResponse::Ok().json(Deliveries { deliveries, next }))
}

/// `POST /api/deliveries/retry`, `/drop`, `/replay`
async fn begin(admin: web::Data<Admin>, name: web::Path<String>, ask: web::Json<Mend>) -> Answer {
    let Mend { filter, ids, dry_run, rate, reason } = ask.into_inner();
    let deed = match &**name {
        "retry" => Deed::Retry(admin.collects()),
        "drop" => Deed::Drop(reason.unwrap_or_else(|| "dropped by an operator".to_owned())),
        "replay" => Deed::Replay(admin.collects()),
        _ => return Ok(missing("deliveries can be asked to `retry`, `drop` or `replay`")),
    };
    let which = Which { ids, ..filter };
    if let Err(sentence) = admin.makes_sense(&deed, &which) {
        return Ok(wrong(sentence));
    }
    let rate = rate.or(matches!(deed, Deed::Replay(_)).then_some(REPLAYS));
    let Tally { count, first, through } = admin.store.tally(&deed, which.clone()).await?;
    let most = which.limit.map_or(u64::MAX, |it| it as u64);
    let mut progress = Progress {
        id: None,
        deed: name.into_inner(),
        state: "dry_run".into(),
        matched: count.min(most),
        looked: 0,
        done: 0,
        error: None,
        first,
    };
    progress.first.truncate(which.limit.unwrap_or(usize::MAX));
    if dry_run {
        return Ok(HttpResponse::Ok().json(progress));
    }
    progress.state = "running".into();
    let doing = admin.deeds.begin(progress);
    let (of_task, store) = (Arc::clone(&doing), Arc::clone(&admin.store));
    let task =
        tokio::spawn(async move { run(&*store, &deed, which, through, rate, &of_task).await });
    // What is soon done is answered as done.
    drop(tokio::time::timeout(WAIT, task).await);
    let progress = doing.progress();
    if progress.state == "running" {
        Ok(HttpResponse::Accepted().json(progress))
    } else {
        Ok(HttpResponse::Ok().json(progress))
    }
}

/// Does it, step by step, no faster than was asked for.
async fn run(
    store: &dyn Redo,
    deed: &Deed,
    which: Which,
    through: Place,
    rate: Option<u32>,
    doing: &Doing,
) {
    let began = Instant::now();
    let mut after = Place::default();
    let mut left = which.limit.unwrap_or(usize::MAX);
    let size = rate.map_or(STEP, |it| (it as usize / 5).clamp(1, STEP));
    while left > 0 && after != through {
        if doing.stopped.load(Ordering::Relaxed) {
            return doing.end("stopped", None);
        }
        let places = (after, through);
        let step = store.step(deed, which.clone(), places, size.min(left), clock::now()).await;
        let looked = match step {
            Ok(step) => {
                let mut progress = lock(&doing.progress);
                progress.looked += step.found;
                progress.done += step.done;
                left = left.saturating_sub(usize::try_from(step.found).unwrap_or(usize::MAX));
                let Some(next) = step.next else { break };
                after = next;
                progress.looked
            }
            Err(error) => return doing.end("failed", Some(error.to_string())),
        };
        if let Some(rate) = rate {
            let due = Duration::from_millis(looked.saturating_mul(1_000) / u64::from(rate.max(1)));
            if left > 0 && after != through {
                tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            }
        }
    }
    doing.end("done", None);
}

/// `GET /api/deeds`, the newest last
async fn deeds(admin: web::Data<Admin>) -> Answer {
    let deeds: Vec<Progress> = lock(&admin.deeds.deeds).iter().map(|it| it.progress()).collect();
    Ok(HttpResponse::Ok().json(deeds))
}

/// `GET /api/deeds/{id}`
async fn progress(admin: web::Data<Admin>, id: web::Path<u64>) -> Answer {
    Ok(match admin.deeds.find(*id) {
        Some(doing) => HttpResponse::Ok().json(doing.progress()),
        None => missing(&format!("nothing is known of {id}; the gateway may have been restarted")),
    })
}

/// `DELETE /api/deeds/{id}`: it goes no further; what was done is done.
async fn stop(admin: web::Data<Admin>, id: web::Path<u64>) -> Answer {
    if let Some(doing) = admin.deeds.find(*id) {
        doing.stopped.store(true, Ordering::Relaxed);
    }
    progress(admin, id).await
}

impl Admin {
    /// How a route gathers bursts now.
    fn collects(&self) -> Collects {
        let plan = Arc::clone(&self.plan);
        Arc::new(move |route| plan.load().table.route_named(route)?.collect)
    }

    /// Whether a deed can be done, and is not meant for everything by mistake.
    fn makes_sense(&self, deed: &Deed, which: &Which) -> Result<(), String> {
        let states = which.states()?;
        if which.is_empty() {
            return Err("say which deliveries: give a `filter` or `ids`".to_owned());
        }
        let takes = deed.takes();
        if let Some(other) = states.iter().find(|it| !takes.contains(it)) {
            let all = takes.join(", ");
            return Err(format!("this cannot be done to what is {other}, only to what is {all}"));
        }
        let Some(name) = &which.destination else {
            return match deed {
                Deed::Replay(_) if which.ids.is_empty() => {
                    Err("say to which `destination` is replayed".to_owned())
                }
                _ => Ok(()),
            };
        };
        let plan = self.plan.load();
        let Some(destination) = plan.destinations.get(&**name) else {
            return match deed {
                // What was meant for a destination that is gone can still be given up.
                Deed::Drop(_) => Ok(()),
                _ => Err(format!("there is no destination `{name}`")),
            };
        };
        match (&destination.means, deed) {
            (Means::Transport(it), Deed::Retry(_) | Deed::Replay(_)) if it.is_embedded() => {
                Err(format!(
                    "`{name}` puts events into queues of the embedded broker, which keep nothing \
                     after it was acknowledged and are not filled again; read the past with \
                     `sluicegate events list`"
                ))
            }
            _ => Ok(()),
        }
    }
}
