//! A provider that is not there: the same paths, limits and errors, on this machine. Pure; `simulate`
//! serves it.
//!
//! A simulator is written from the provider's document alone: a parameter, field or header that
//! the document does not list is refused, so that a client which is wrong fails here first.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::Outgoing;

/// What a simulator is asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path under the simulator's base URL, as it was written: still percent-encoded.
    pub path: String,
    /// The query string, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Where the simulator is reached, for URLs it hands out.
    pub base_url: String,
}

/// What it answers, and what it does afterwards.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: Bytes,
    /// Requests of its own, each after so long.
    pub later: Vec<(Duration, Outgoing)>,
}

impl Answered {
    /// A status and a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        let body = body.to_string().into();
        Self { status, headers: Vec::new(), body, later: Vec::new() }
    }
}

impl Asked {
    /// The value of a header that occurs, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| &*it.1)
    }

    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|it| it.0 == name).map(|it| &*it.1)
    }
}

/// A simulated provider. It keeps its data in memory.
pub trait Simulator: Send {
    /// Answers one request.
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered;

    /// Does what only the outside world does: a customer writes, a message is read. `None`: there
    /// is no such deed. The value that comes back is for whoever asked.
    fn deed(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        let _ = (deed, arguments, now);
        None
    }

    /// Requests of its own that deeds brought about, each after so long; asked for after every
    /// deed. A customer who writes becomes a webhook.
    fn due(&mut self) -> Vec<(Duration, Outgoing)> {
        Vec::new()
    }
}

/// Where deeds are done at the simulator that this base URL leads to: `/_/flowiq` beside
/// `/flowiq`. `None` where it leads away from this machine, to a provider that is there.
pub fn deeds(base_url: &str) -> Option<String> {
    let (scheme, rest) = base_url.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split_once(']')?.0,
        None => authority.split_once(':').map_or(authority, |it| it.0),
    };
    let address = host.parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|it| it.is_loopback());
    let api = path.trim_end_matches('/');
    let one = !api.is_empty() && !api.contains('/');
    (is_here && one).then(|| format!("{scheme}://{authority}/_/{api}"))
}

#[cfg(test)]
mod tests {
    use super::deeds;

    #[test]
    fn deeds_are_done_on_this_machine_only() {
        for (base_url, expected) in [
            ("http://127.0.0.1:8090/flowiq", Some("http://127.0.0.1:8090/_/flowiq")),
            ("http://localhost:8090/flowxo/", Some("http://localhost:8090/_/flowxo")),
            ("http://[::1]:80/flowiq", Some("http://[::1]:80/_/flowiq")),
            ("http://127.0.0.1:8090", None),
            ("http://127.0.0.1:8090/a/b", None),
            ("http://127.0.0.1.example/flowiq", None),
            ("http://127.0.0.1@example.com/flowiq", None),
            ("https://api.flowiq.live", None),
        ] {
            assert_eq!(deeds(base_url).as_deref(), expected, "{base_url}");
        }
    }
}
