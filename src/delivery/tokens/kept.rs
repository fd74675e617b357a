//! What is kept of one token: the token, sealed, and when one was asked for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::seal::Seal;
use crate::config::Rate;
use crate::destination::{Grant, Outcome};
use crate::journal::{Error, Journal};

/// What is kept of one token.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) grant: Option<Grant>,
    /// When tokens were asked for, oldest first: those that may still count.
    asked: Vec<Timestamp>,
}

/// How it stands in the journal. The moments are no secret: they count also when the seal cannot be
/// opened, as after a change of the key.
#[derive(Serialize, Deserialize)]
struct Written {
    asked: Vec<Timestamp>,
    grant: Option<Sealed>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    token: String,
    renew: Timestamp,
    expires: Timestamp,
}

impl Kept {
    /// Reads it; nothing is kept of an account that is new.
    pub(super) async fn read(
        journal: &dyn Journal,
        seal: &Seal,
        account: &str,
    ) -> Result<Self, Outcome> {
        let name = name(account);
        let Some(text) = journal.kept(&name).await.map_err(|it| unkept(&it))? else {
            return Ok(Self::default());
        };
        let written: Written =
            serde_json::from_slice(&text).map_err(|it| unkept(&Error::Read(it.to_string())))?;
        let grant = written.grant.and_then(|it| {
            let token = seal.open(&name, &STANDARD.decode(&it.token).ok()?)?;
            Some(Grant { token, renew: it.renew, expires: it.expires })
        });
        Ok(Self { grant, asked: written.asked })
    }

    /// Writes it down.
    pub(super) async fn write(
        &self,
        journal: &dyn Journal,
        seal: &Seal,
        account: &str,
    ) -> Result<(), Outcome> {
        let name = name(account);
        let sealed = |Grant { token, renew, expires }: &Grant| {
            let token = STANDARD.encode(seal.seal(&name, token)?);
            Ok(Sealed { token, renew: *renew, expires: *expires })
        };
        let grant = self.grant.as_ref().map(sealed).transpose();
        let grant = grant.map_err(|it: String| unkept(&Error::Write(it)))?;
        let written = Written { asked: self.asked.clone(), grant };
        let text =
            serde_json::to_vec(&written).map_err(|it| unkept(&Error::Write(it.to_string())))?;
        journal.keep(&name, Some(text)).await.map_err(|it| unkept(&it))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, when the window is used up; nothing is counted then.
    pub(super) fn count(&mut self, at_most: Rate, now: Timestamp) -> Result<(), Duration> {
        let most = usize::try_from(at_most.count.max(1)).unwrap_or(usize::MAX);
        // A clock that was put back must not hold it for longer than a window.
        self.asked.iter_mut().for_each(|it| *it = (*it).min(now));
        let first = self.asked.len().checked_sub(most).and_then(|it| self.asked.get(it));
        let free = first.map(|it| it.checked_add(at_most.per).unwrap_or(Timestamp::MAX));
        if let Some(free) = free.filter(|it| now < *it) {
            return Err(Duration::try_from(free.duration_since(now)).unwrap_or(at_most.per));
        }
        self.asked.push(now);
        let over = self.asked.len().saturating_sub(most);
        self.asked.drain(..over);
        Ok(())
    }
}

fn name(account: &str) -> String {
    format!("token/{account}")
}

/// What becomes of calls while the journal does not work: nothing is asked for that would not be
/// counted.
fn unkept(error: &Error) -> Outcome {
    Outcome::retry(format!("no token: {error}"))
}
