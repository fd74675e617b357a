//! How the one who submitted an arrival hears that it is durable.
//!
//! A commit covers many arrivals. Waking each of their tasks one by one costs a system call each
//! when they live on other threads, so an [`Acceptor`] owns an inbox: the writer drops all answers
//! of a commit into it and wakes its owner once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::{Arrival, Error, Journal, Receipt};

/// The right to hear what became of an arrival. One that is dropped unanswered says that the
/// journal is closed, so that nobody waits for ever.
#[derive(Debug)]
pub struct Ticket(Option<To>);

#[derive(Debug)]
enum To {
    One(oneshot::Sender<Result<Receipt, Error>>),
    Inbox { inbox: Arc<Inbox>, number: u64 },
}

#[derive(Debug, Default)]
struct Inbox {
    answers: Mutex<Vec<(u64, Result<Receipt, Error>)>>,
    filled: Notify,
}

impl Ticket {
    /// A ticket for one arrival, answered on its own.
    pub fn single() -> (Self, oneshot::Receiver<Result<Receipt, Error>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(To::One(sender))), receiver)
    }
}

impl To {
    /// Hands an answer over; the inbox that is to be woken, if it is one.
    fn answer(self, result: Result<Receipt, Error>) -> Option<Arc<Inbox>> {
        match self {
            // A receiver that is gone is a client that disconnected; its event is kept.
            Self::One(sender) => {
                drop(sender.send(result));
                None
            }
            Self::Inbox { inbox, number } => {
                let mut answers = inbox.answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.push((number, result));
                drop(answers);
                Some(inbox)
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(inbox) = self.0.take().and_then(|to| to.answer(Err(Error::Closed))) {
            inbox.filled.notify_one();
        }
    }
}

/// Answers the tickets of one commit, waking each owner once.
pub(super) fn answer(tickets: impl Iterator<Item = (Ticket, Result<Receipt, Error>)>) {
    let mut woken: Vec<Arc<Inbox>> = Vec::new();
    for (mut ticket, result) in tickets {
        let inbox = ticket.0.take().and_then(|to| to.answer(result));
        if let Some(inbox) = inbox
            && !woken.iter().any(|it| Arc::ptr_eq(it, &inbox))
        {
            woken.push(inbox);
        }
    }
    for inbox in woken {
        inbox.filled.notify_one();
    }
}

/// Submits arrivals from one single-threaded runtime and awaits their durability.
#[derive(Clone)]
pub struct Acceptor {
    journal: Arc<dyn Journal>,
    inbox: Arc<Inbox>,
    waiting: Rc<RefCell<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    tasks: HashMap<u64, oneshot::Sender<Result<Receipt, Error>>>,
}

impl Acceptor {
    /// An acceptor for the current thread. Returns the task that hands out its answers, to be
    /// spawned there.
    pub fn new(journal: Arc<dyn Journal>) -> (Self, impl Future<Output = ()> + 'static) {
        let inbox = Arc::new(Inbox::default());
        let waiting = Rc::new(RefCell::new(Waiting::default()));
        let this = Self { journal, inbox: Arc::clone(&inbox), waiting: Rc::clone(&waiting) };
        let pump = async move {
            loop {
                inbox.filled.notified().await;
                let answers = std::mem::take(
                    &mut *inbox.answers.lock().unwrap_or_else(PoisonError::into_inner),
                );
                let mut waiting = waiting.borrow_mut();
                for (number, result) in answers {
                    if let Some(task) = waiting.tasks.remove(&number) {
                        // A receiver that is gone is a client that disconnected.
                        drop(task.send(result));
                    }
                }
            }
        };
        (this, pump)
    }

    /// The journal it submits to.
    pub fn journal(&self) -> &dyn Journal {
        &*self.journal
    }

    /// Submits an arrival and waits until it is durable.
    ///
    /// # Errors
    /// What the journal says; nothing was written then.
    pub async fn accept(&self, arrival: Arrival) -> Result<Receipt, Error> {
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.next += 1;
            let number = waiting.next;
            waiting.tasks.insert(number, sender);
            number
        };
        let ticket = Ticket(Some(To::Inbox { inbox: Arc::clone(&self.inbox), number }));
        if let Err(error) = self.journal.submit(arrival, ticket) {
            self.waiting.borrow_mut().tasks.remove(&number);
            return Err(error);
        }
        receiver.await.unwrap_or(Err(Error::Closed))
    }
}
