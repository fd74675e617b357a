//! The only HTTP client, for what goes out.

use std::time::Duration;

use bytes::BytesMut;
use reqwest::header::{HeaderName, HeaderValue};

use crate::client::{Outgoing, Response};

/// A client with the gateway's rules: no redirects, no proxies from the environment, time-outs.
///
/// # Errors
/// When the system has no certificates to trust.
pub fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(2))
        .timeout(timeout)
        .user_agent(concat!("sluicegate/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Why there is no answer. It names neither URL nor headers, which may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request could not be made of what it was to hold.
    #[error("the request cannot be made: its URL or a header is not valid")]
    Unsendable,
    /// Nobody took the connection.
    #[error("the other side cannot be reached")]
    Unreachable,
    /// The answer took too long.
    #[error("the answer did not come in time")]
    TooSlow,
    /// The connection ended before the answer did.
    #[error("the answer broke off")]
    Broken,
    /// The answer is larger than what is read.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::TooSlow
        } else if error.is_builder() {
            Self::Unsendable
        } else if error.is_connect() {
            Self::Unreachable
        } else {
            Self::Broken
        }
    }
}

/// Sends a request and reads the answer, at most `limit` bytes of it.
///
/// # Errors
/// Why there is none; any status is an answer.
pub async fn send(
    client: &reqwest::Client,
    outgoing: Outgoing,
    limit: usize,
) -> Result<Response, Unanswered> {
    let Outgoing { method, url, headers, body } = outgoing;
    let method = method.parse().map_err(|_| Unanswered::Unsendable)?;
    let mut request = client.request(method, url);
    for (name, value) in &headers {
        let name: HeaderName = name.parse().map_err(|_| Unanswered::Unsendable)?;
        let mut value =
            HeaderValue::from_str(value.expose()).map_err(|_| Unanswered::Unsendable)?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    if !body.is_empty() {
        request = request.body(body);
    }
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let text = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
    let headers =
        answer.headers().iter().map(|(name, it)| (name.as_str().to_owned(), text(it))).collect();
    let mut read = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if read.len() + chunk.len() > limit {
            return Err(Unanswered::TooLarge(limit));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body: read.freeze() })
}
