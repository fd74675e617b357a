//! The embedded broker's queues and the history, as their traits say.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::shared::lock;
use super::{REJECTIONS, Sqlite, conversation, queues, read, retention, story};
use crate::clock::micros;
use crate::destination::BoxFuture;
use crate::journal::{
    Conversation, Error, History, Query, QueueState, Queues, Received, Rejected, Retention,
    SEEN_FOR, Story,
};

impl Queues for Sqlite {
    fn declare(&self, queues: &[(String, u32)]) -> BoxFuture<'_, Result<(), Error>> {
        let queues: Vec<(Arc<str>, u32)> =
            queues.iter().map(|(name, limit)| (Arc::from(&**name), *limit)).collect();
        Box::pin(self.write(move |batch| {
            for (name, limit) in &queues {
                queues::id(batch, name, Some(*limit))?;
            }
            Ok(())
        }))
    }

    fn receive<'a>(
        &'a self,
        queue: &'a str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> BoxFuture<'a, Result<Option<Vec<Received>>, Error>> {
        Box::pin(async move {
            let name: Arc<str> = Arc::from(queue);
            let bell = self.shared.queue(queue);
            let deadline = tokio::time::Instant::now() + wait;
            loop {
                // Created before looking, so that what arrives in between is not missed.
                let filled = bell.notified();
                let now = micros(crate::clock::now());
                let length = i64::try_from(visibility.as_micros()).unwrap_or(i64::MAX);
                let until = now.saturating_add(length);
                // Looked up beside the writer: arrivals do not wait for it.
                let of_read = Arc::clone(&name);
                let found = self
                    .read(move |connection| {
                        let look = || -> rusqlite::Result<Option<queues::Found>> {
                            let Some(cursor) = queues::cursor(connection, &of_read)? else {
                                return Ok(None);
                            };
                            let (placed, through) =
                                read::placed(connection, &of_read, cursor, max)?;
                            Ok(Some(queues::Found { cursor, through, placed }))
                        };
                        look().map_err(|it| Error::Read(it.to_string()))
                    })
                    .await?;
                let Some(found) = found else { return Ok(None) };
                let looked = found.through > found.cursor;
                let of_write = Arc::clone(&name);
                let handed = self
                    .write(move |batch| queues::receive(batch, &of_write, max, &found, now, until))
                    .await?;
                if !handed.is_empty() {
                    return self.load(handed).await.map(Some);
                }
                if looked {
                    // Nothing for this queue among what was looked at; there may be more.
                    continue;
                }
                // Messages whose visibility ends are found by looking again.
                let look_again = deadline.min(tokio::time::Instant::now() + LOOK_AGAIN);
                tokio::select! {
                    () = filled => {}
                    () = tokio::time::sleep_until(look_again) => {}
                }
                if tokio::time::Instant::now() >= deadline {
                    return Ok(Some(Vec::new()));
                }
            }
        })
    }

    fn ack<'a>(
        &'a self,
        queue: &'a str,
        receipts: &'a [String],
    ) -> BoxFuture<'a, Result<usize, Error>> {
        let (queue, receipts) = (queue.to_owned(), receipts.to_vec());
        Box::pin(self.write(move |batch| queues::ack(batch, &queue, &receipts)))
    }

    fn nack<'a>(
        &'a self,
        queue: &'a str,
        receipts: &'a [String],
    ) -> BoxFuture<'a, Result<usize, Error>> {
        let (queue, receipts): (Arc<str>, _) = (Arc::from(queue), receipts.to_vec());
        Box::pin(self.write(move |batch| queues::nack(batch, &queue, &receipts)))
    }

    fn queues(&self) -> BoxFuture<'_, Result<Vec<QueueState>, Error>> {
        Box::pin(self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, placed - taken + \
                     (SELECT count(*) FROM messages WHERE queue = id) FROM queues ORDER BY name",
                )
                .and_then(|mut it| {
                    it.query_map([], |row| {
                        Ok(QueueState { name: row.get(0)?, messages: row.get(1)? })
                    })?
                    .collect()
                })
                .map_err(|it| Error::Read(it.to_string()))
        }))
    }
}

/// How long a waiting receiver sleeps before it looks for messages that became visible again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Sqlite {
    async fn load(&self, handed: Vec<queues::Handed>) -> Result<Vec<Received>, Error> {
        self.read(move |connection| {
            handed
                .iter()
                .map(|it| {
                    let found = read::by_sequence(connection, it.sequence)?;
                    Ok(Received {
                        receipt: queues::receipt(it),
                        delivery: found.delivery(it.ordinal),
                        redelivered: it.received,
                        event: Arc::new(found.event),
                    })
                })
                .collect()
        })
        .await
    }
}

impl History for Sqlite {
    fn search(&self, query: Query) -> BoxFuture<'_, Result<Vec<crate::event::Event>, Error>> {
        Box::pin(self.read(move |connection| read::search(connection, &query)))
    }

    fn story(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Story>, Error>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(self.read(move |connection| story::story(connection, &shared, id)))
    }

    fn conversation(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Conversation>, Error>> {
        Box::pin(self.read(move |connection| {
            conversation::of(connection, id, crate::clock::now()).map_err(read::error)
        }))
    }

    fn named(&self, name: &str) -> BoxFuture<'_, Result<Vec<Uuid>, Error>> {
        let name = name.to_owned();
        Box::pin(
            self.read(move |connection| {
                conversation::named(connection, &name).map_err(read::error)
            }),
        )
    }

    fn count(&self) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(self.read(|connection| {
            connection
                .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
                .map_err(|it| Error::Read(it.to_string()))
        }))
    }

    fn prune(&self, retention: Retention, now: Timestamp) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move {
            let ago = |age: Duration| {
                micros(now).saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
            };
            let mut round = retention::Round {
                cutoff: ago(retention.age),
                size: retention.size,
                seen_cutoff: ago(retention.age.max(SEEN_FOR)),
                ..retention::Round::default()
            };
            while !round.done {
                let mut step = round.clone();
                round = self
                    .write(move |batch| {
                        retention::step(batch, &mut step)?;
                        Ok(step.clone())
                    })
                    .await?;
                // Arrivals go first: a step every few milliseconds is soon enough.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let held: bool = self
                .read(move |connection| {
                    connection
                        .query_row(
                            "SELECT ifnull((SELECT received < ?1 FROM events \
                             ORDER BY sequence LIMIT 1), 0)",
                            [round.cutoff],
                            |row| row.get(0),
                        )
                        .map_err(|it| Error::Read(it.to_string()))
                })
                .await?;
            if held {
                tracing::warn!(
                    "old events stay, because a lane or an embedded queue still holds one of them; \
                     `sluicegate consume --list` shows the queues"
                );
            }
            Ok(round.deleted)
        })
    }

    fn reject(&self, rejected: Rejected) {
        let mut ring = lock(&self.rejections);
        if ring.len() == REJECTIONS {
            ring.pop_back();
        }
        ring.push_front(rejected);
    }

    fn rejections(&self) -> Vec<Rejected> {
        lock(&self.rejections).iter().cloned().collect()
    }
}
