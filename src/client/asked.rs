//! What every simulator asks of a request, and a request of ours as one sees it.

use super::parameter::decoded;
use super::{Answered, Asked, Outgoing, Response};
use crate::config::Secret;

impl Asked {
    /// A request of ours as it arrives at a simulator, without a socket between them.
    pub fn of(outgoing: &Outgoing, base_url: &str) -> Self {
        let target = outgoing.url.strip_prefix(base_url).unwrap_or(&outgoing.url);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: outgoing.method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: outgoing
                .headers
                .iter()
                .map(|(name, value)| (name.clone().into_owned(), Secret::expose(value).to_owned()))
                .collect(),
            body: outgoing.body.clone(),
            base_url: base_url.to_owned(),
        }
    }

    /// The parts of the path between its slashes, each percent-decoded once; `None` where one is
    /// not well formed.
    pub fn segments(&self) -> Option<Vec<String>> {
        self.path.trim_start_matches('/').split('/').map(decoded).collect()
    }

    /// What is wrong with the names in the query: one that is not listed here, or stands twice.
    pub fn unlisted_parameter(&self, listed: &[&str]) -> Option<String> {
        for (at, (name, _)) in self.query.iter().enumerate() {
            if !listed.contains(&&**name) {
                return Some(format!("there is no parameter `{name}`"));
            }
            if self.query[..at].iter().any(|it| it.0 == *name) {
                return Some(format!("the parameter `{name}` stands twice"));
            }
        }
        None
    }

    /// What follows `Bearer` in the header `authorization`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").filter(|it| !it.trim().is_empty())
    }
}

impl From<Answered> for Response {
    fn from(answered: Answered) -> Self {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let own = answered.headers.into_iter();
        headers.extend(own.map(|(name, value)| (name.to_ascii_lowercase(), value)));
        Self { status: answered.status, headers, body: answered.body }
    }
}
