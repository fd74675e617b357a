//! Publishing to `RabbitMQ`: one supervised connection per destination.
//!
//! lapin's own recovery is off. It does not bring back a channel that the broker closed, gives up
//! after some attempts, and leaves it open what became of a batch. Instead the supervisor connects
//! again for ever, a [`session`] lives as long as its connection, and each of its [`publisher`]s
//! owns one channel. Work is never kept here: what is not confirmed is tried again by the engine.

mod address;
mod backoff;
mod message;
mod publisher;
mod session;
mod topology;

pub(super) use address::Address;
pub(super) use topology::Topology;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::types::ShortString;
use lapin::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use self::backoff::Backoff;
use self::message::Message;
use self::publisher::{Answer, Job, Jobs};
use crate::destination::{Outcome, Parcel, Setup};

/// Batches that wait for a publisher.
const WAITING: usize = 16;

/// How long an attempt waits for the first connection before it is put back.
const FIRST: Duration = Duration::from_secs(5);

/// How long an attempt may take altogether.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How long the last batches have when the gateway stops.
const CLOSE: Duration = Duration::from_secs(15);

/// After how long a connection has proven itself.
const PROVEN: Duration = Duration::from_secs(30);

/// A destination's connection. It connects when it is first asked for something.
pub(super) struct RabbitMq {
    plan: Arc<Plan>,
    /// The runtime it was built on. Sockets die with the runtime they were opened on, and readiness
    /// is asked from the HTTP workers' own ones.
    runtime: Option<Handle>,
    started: Mutex<Started>,
}

struct Plan {
    destination: String,
    public_url: String,
    address: Address,
    topology: Arc<Topology>,
}

enum Started {
    Not,
    Running(Running),
    Closed,
}

struct Running {
    jobs: mpsc::Sender<Job>,
    state: watch::Receiver<State>,
    /// Dropped to stop.
    _stop: watch::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// What can be done right now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is known yet.
    Connecting,
    /// Publishing.
    Up,
    /// Connected, but the exchange or a queue is not as it should be: why.
    Broken(String),
    /// Connected, but the broker takes nothing: why.
    Blocked(String),
    /// Not connected: why.
    Down(String),
}

impl State {
    /// Why nothing can be published.
    fn obstacle(&self) -> Result<(), String> {
        match self {
            Self::Up => Ok(()),
            Self::Connecting => Err("still connecting to RabbitMQ".into()),
            Self::Broken(words) => Err(words.clone()),
            Self::Blocked(words) => Err(format!("RabbitMQ takes no messages: {words}")),
            Self::Down(words) => Err(format!("no connection to RabbitMQ: {words}")),
        }
    }
}

impl RabbitMq {
    /// A destination's connection; nothing is connected yet.
    pub(super) fn new(setup: &Setup, address: Address, topology: Topology) -> Self {
        let (destination, public_url) = (setup.name.clone(), setup.public_url.clone());
        let plan = Plan { destination, public_url, address, topology: Arc::new(topology) };
        let runtime = Handle::try_current().ok();
        Self { plan: Arc::new(plan), runtime, started: Mutex::new(Started::Not) }
    }

    /// Publishes parcels, each with its routing key; one outcome each, in order.
    pub(super) async fn publish(&self, parcels: &[(&Parcel, ShortString)]) -> Vec<Outcome> {
        let retry = |reason: String| vec![Outcome::retry(reason); parcels.len()];
        if parcels.is_empty() {
            return Vec::new();
        }
        let runtime = self.runtime.clone().or_else(|| Handle::try_current().ok());
        let Some((jobs, mut state)) = self.started(runtime) else {
            return retry("the gateway is stopping".into());
        };
        let _ = timeout(FIRST, state.wait_for(|it| *it != State::Connecting)).await;
        if let Err(reason) = state.borrow().obstacle() {
            return retry(reason);
        }
        let deadline = Instant::now() + ATTEMPT;
        let mut attempt = async |parcels: &[(&Parcel, ShortString)]| {
            let messages = parcels.iter().map(|(it, key)| Message::new(it, key)).collect();
            let (reply, answer) = oneshot::channel();
            let attempt = async {
                jobs.send(Job { messages, reply }).await.ok()?;
                answer.await.ok()
            };
            let hindered = async {
                // An error means that the supervisor is gone; then no answer comes either.
                let _ = state.wait_for(|it| matches!(it, State::Blocked(_) | State::Down(_))).await;
            };
            let answer = tokio::select! {
                biased;
                answer = attempt => answer,
                () = hindered => None,
                () = sleep_until(deadline) => None,
            };
            answer.unwrap_or_else(|| {
                let reason = state.borrow().obstacle().err();
                let reason = reason.unwrap_or("RabbitMQ did not confirm in time".into());
                Answer::Settled(vec![Outcome::retry(reason); parcels.len()])
            })
        };
        if let Answer::Settled(outcomes) = attempt(parcels).await {
            return outcomes;
        }
        let mut outcomes = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            match attempt(std::slice::from_ref(parcel)).await {
                Answer::Settled(outcome) => outcomes.extend(outcome),
                Answer::Apart => outcomes.push(Outcome::retry("RabbitMQ closed the channel")),
            }
        }
        outcomes
    }

    /// Whether a batch could be published right now.
    pub(super) fn ready(&self) -> Result<(), String> {
        match self.started(self.runtime.clone()) {
            Some((_, state)) => state.borrow().obstacle(),
            None => Err("the gateway is stopping".into()),
        }
    }

    /// Finishes the batches under way, then disconnects.
    pub(super) async fn close(&self) {
        let before = std::mem::replace(
            &mut *self.started.lock().unwrap_or_else(PoisonError::into_inner),
            Started::Closed,
        );
        let Started::Running(running) = before else { return };
        let Running { jobs, state, _stop: stop, mut supervisor } = running;
        drop((jobs, stop));
        // Whoever waited for a blocked broker has been told to try again.
        let blocked = matches!(*state.borrow(), State::Blocked(_));
        if blocked || timeout(CLOSE, &mut supervisor).await.is_err() {
            supervisor.abort();
        }
    }

    /// The supervisor's ears and mouth; starts it if need be. `None` once closed.
    fn started(
        &self,
        runtime: Option<Handle>,
    ) -> Option<(mpsc::Sender<Job>, watch::Receiver<State>)> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*started, Started::Not) {
            let (jobs, waiting) = mpsc::channel(WAITING);
            let (show, state) = watch::channel(State::Connecting);
            let (stop, stopped) = watch::channel(());
            let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
            let supervising = supervise(Arc::clone(&self.plan), waiting, show, stopped);
            let supervisor = runtime?.spawn(supervising);
            *started = Started::Running(Running { jobs, state, _stop: stop, supervisor });
        }
        match &*started {
            Started::Running(it) => Some((it.jobs.clone(), it.state.clone())),
            Started::Not | Started::Closed => None,
        }
    }
}

/// Keeps a connection for ever, until `stop` is dropped and the last batch is done.
async fn supervise(
    plan: Arc<Plan>,
    jobs: Jobs,
    state: watch::Sender<State>,
    mut stop: watch::Receiver<()>,
) {
    let destination = plan.destination.as_str();
    let mut backoff = Backoff::default();
    loop {
        let connected = tokio::select! {
            connected = plan.address.connect() => connected,
            _ = stop.changed() => return,
        };
        let lost = match connected {
            Err(words) => words,
            Ok(connection) => {
                tracing::debug!(destination, "connected to RabbitMQ");
                let since = Instant::now();
                let lost = session::run(connection, &plan, &jobs, &state).await;
                let Some(lost) = lost else { return };
                if since.elapsed() > PROVEN {
                    backoff.reset();
                }
                lost
            }
        };
        tracing::warn!(destination, reason = lost, "no connection to RabbitMQ");
        state.send_replace(State::Down(lost));
        let pause = backoff.next(fastrand::f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
    }
}

/// The broker's own words where it spoke, else what went wrong.
fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        ErrorKind::IOError(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// The broker's code, if it was the broker who spoke.
fn code(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
