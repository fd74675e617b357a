//! The APIs that we call: what each endpoint takes, and what its answers mean. Pure; the caller
//! sends.
//!
//! An API is one folder here and one line in [`REGISTRY`]. The folder holds the table of its
//! endpoints, its typed bodies, and the simulator that answers them: both ends are tested on the
//! same examples.

pub mod flowiq;
pub mod flowxo;

mod asked;
mod auth;
mod endpoint;
mod exchange;
pub mod flowbot;
pub mod flowgent;
pub mod graph;
mod inspect;
mod parameter;
mod problem;
#[cfg(test)]
mod shape;
mod simulator;
#[cfg(test)]
mod tests;

pub use auth::Auth;
pub use endpoint::{Account, Arguments, Body, Endpoint, Paging, unchecked};
pub use exchange::Exchange;
pub use parameter::{Kind, Parameter, Place};
pub use simulator::{Answered, Asked, Simulator, deeds};

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use crate::config::Secret;

/// Every API, in alphabetical order. Add yours here.
pub const REGISTRY: &[Api] = &[flowbot::API, flowgent::API, flowiq::API, flowxo::API, graph::API];

/// An API.
#[derive(Clone, Copy)]
pub struct Api {
    /// Its name on the command line: `flowiq`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where it is; `None` where everybody hosts their own.
    pub base_url: Option<&'static str>,
    /// What identifies an account. Each is read from `<NAME>_<CREDENTIAL>` in the environment.
    pub credentials: &'static [Credential],
    /// Everything that can be called.
    pub endpoints: &'static [Endpoint],
    /// What is wrong, in the API's own words; `None` when nothing is. It reads the body whatever
    /// the HTTP status says.
    pub problem: fn(&Response) -> Option<Problem>,
    /// A fresh simulator.
    pub simulator: fn() -> Box<dyn Simulator>,
}

/// Something that identifies an account.
#[derive(Clone, Copy, Debug)]
pub struct Credential {
    /// Its name, as [`Auth`] and parameters use it.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
}

/// The API of that name.
pub fn find(name: &str) -> Option<&'static Api> {
    REGISTRY.iter().find(|it| it.name == name)
}

/// An HTTP request of ours.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Where to, query included; percent-encoded once and for all.
    pub url: String,
    /// Its headers. Values may be credentials, so none is printed.
    pub headers: Vec<(Cow<'static, str>, Secret)>,
    /// Its body; empty for none.
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| &*it.1)
    }
}

/// Why an API did not do what was asked, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct Problem {
    /// The status that counts: the one inside the body, where the API hides it there.
    pub status: u16,
    /// What the API says.
    pub message: String,
    /// Not before so long.
    pub retry_after: Option<Duration>,
}
