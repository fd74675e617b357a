//! The only HTTP client, for what goes out.

mod clients;
pub mod guard;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::BytesMut;
use reqwest::header::{HeaderName, HeaderValue};

use self::guard::Forbidden;
use crate::client::{Outgoing, Response};
use crate::config::Secret;

pub use clients::{Clients, Rules, verify};

/// A client with the gateway's rules, for what the operator named: it may be anywhere.
///
/// # Errors
/// When the system has no certificates to trust.
pub fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    builder().timeout(timeout).build()
}

/// No redirects, no proxies from the environment, time-outs.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(2))
        // Most servers hang up on an idle connection after 5 s or more (Node.js and Apache: 5 s).
        // Whoever hangs up first knows it: a request that crosses the other side's farewell would
        // be lost with nobody able to tell whether it was taken.
        .pool_idle_timeout(Duration::from_secs(4))
        .pool_max_idle_per_host(32)
        .http2_keep_alive_interval(Duration::from_secs(15))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .user_agent(concat!("sluicegate/", env!("CARGO_PKG_VERSION")))
}

/// How connections to the other side are made, beyond the gateway's own rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Certificates (PEM) to trust beside the system's own.
    pub authorities: Option<String>,
    /// Our certificate and its key (PEM), for servers that ask who we are.
    pub identity: Option<Secret>,
}

/// Why there is no answer. It names neither URL nor headers, which may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request could not be made of what it was to hold.
    #[error("the request cannot be made: its URL or a header is not valid")]
    Unsendable,
    /// It would go to this machine, its network or its cloud's own services.
    #[error("the address is private; set `allow_private: true` if that is meant")]
    Forbidden,
    /// The certificates of the connection cannot be used, or the system has none to trust.
    #[error("the certificates for the connection cannot be used")]
    Uncertified,
    /// Nobody took the connection. Nothing was sent.
    #[error("the other side cannot be reached")]
    Unreachable,
    /// The answer took too long.
    #[error("the answer did not come in time")]
    TooSlow,
    /// The connection ended before the answer did.
    #[error("the answer broke off")]
    Broken,
    /// The answer is larger than what is read.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// What is read, in bytes.
        limit: usize,
        /// The status it came with.
        status: u16,
    },
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        // A connection that took too long to be made is a time-out, too.
        if error.is_builder() {
            Self::Unsendable
        } else if Forbidden::is_behind(&error) {
            Self::Forbidden
        } else if error.is_connect() {
            Self::Unreachable
        } else if error.is_timeout() {
            Self::TooSlow
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
    exchange(prepare(client, outgoing)?, limit).await
}

/// A request as the client takes it.
fn prepare(
    client: &reqwest::Client,
    outgoing: Outgoing,
) -> Result<reqwest::RequestBuilder, Unanswered> {
    let Outgoing { method, url, headers, body } = outgoing;
    let method = method.parse().map_err(|_| Unanswered::Unsendable)?;
    let mut request = client.request(method, url);
    for (name, value) in &headers {
        let name: HeaderName = name.parse().map_err(|_| Unanswered::Unsendable)?;
        let mut value = HeaderValue::from_bytes(value.expose().as_bytes())
            .map_err(|_| Unanswered::Unsendable)?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Ok(if body.is_empty() { request } else { request.body(body) })
}

/// Sends it and reads what comes back.
async fn exchange(request: reqwest::RequestBuilder, limit: usize) -> Result<Response, Unanswered> {
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let text = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
    let headers =
        answer.headers().iter().map(|(name, it)| (name.as_str().to_owned(), text(it))).collect();
    let mut read = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if read.len() + chunk.len() > limit {
            return Err(Unanswered::TooLarge { limit, status });
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body: read.freeze() })
}

/// Whether a URL can be sent to.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence; it does not repeat the URL, which may hold
/// secrets.
pub fn verify_url(url: &str) -> Result<(), &'static str> {
    let url: reqwest::Url = url.parse().map_err(|_| "is not a URL")?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err("does not begin with `https://` or `http://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or a password, which have settings of their own");
    }
    if url.fragment().is_some() {
        return Err("holds a `#`; what follows it is never sent");
    }
    Ok(())
}

/// Whether a header can be sent.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence; it does not repeat the value.
pub fn verify_header(name: &str, value: &Secret) -> Result<(), &'static str> {
    if name.parse::<HeaderName>().is_err() {
        return Err("is not the name of a header");
    }
    let value = HeaderValue::from_bytes(value.expose().as_bytes());
    value.map(drop).map_err(|_| "holds a character that no header can, such as a line break")
}
