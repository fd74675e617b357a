//! How the file of an event is fetched: the provider says what to ask, the engine asks. Pure.

use bytes::Bytes;

use crate::client::{Outgoing, Response};
use crate::config::Secret;

/// Reads from an answer what to ask next.
pub type Next = Box<dyn Fn(&Response) -> Result<Download, String> + Send + Sync>;

/// A request on the way to a file.
pub struct Download {
    /// The request.
    pub request: Outgoing,
    /// The operator named where it goes, so that it may be a private address. What a stranger
    /// named never is.
    pub trusted: bool,
    /// Whether an answer says, in the provider's own way, that there is no such file any more; what
    /// 404 and 410 say needs no telling.
    pub is_gone: fn(&Response) -> bool,
    /// What to ask next; `None`: the answer is the file.
    pub next: Option<Next>,
}

impl Download {
    /// A file that anybody can fetch. `None`: this is no URL of one.
    pub fn at(url: &str) -> Option<Self> {
        let is_web = ["https://", "http://"].iter().any(|it| url.starts_with(it));
        is_web.then(|| Self::get(url.to_owned(), None))
    }

    /// A file that is fetched with a token, or none.
    pub(super) fn get(url: String, token: Option<&Secret>) -> Self {
        let bearer = |it: &Secret| Secret::new(format!("Bearer {}", it.expose()));
        let headers = token.map(|it| ("authorization".into(), bearer(it))).into_iter().collect();
        let request = Outgoing { method: "GET", url, headers, body: Bytes::new() };
        Self { request, trusted: false, is_gone: |_| false, next: None }
    }
}
