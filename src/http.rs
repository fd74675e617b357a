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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::config::Secret;

    /// What comes of a server that says this and hangs up.
    async fn answered(said: &'static [u8], token: &str) -> Result<Response, Unanswered> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/path?secret=1", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let read = stream.read(&mut [0; 1024]).await;
            drop((read, stream.write_all(said).await, stream.shutdown().await));
        });
        let headers = vec![("authorization".into(), Secret::new(token))];
        let outgoing = Outgoing { method: "GET", url, headers, body: Bytes::new() };
        let answer = send(&client(Duration::from_millis(500)).unwrap(), outgoing, 8).await;
        server.abort();
        answer
    }

    #[tokio::test]
    async fn an_answer_is_whole_and_no_larger_than_allowed_or_it_is_none() {
        let whole =
            answered(b"HTTP/1.1 418 Teapot\r\nX-A: b\r\ncontent-length: 8\r\n\r\n12345678", "t");
        let whole = whole.await.unwrap();
        assert_eq!(
            (whole.status, whole.header("x-a"), &whole.body[..]),
            (418, Some("b"), &b"12345678"[..])
        );
        for (said, expected) in [
            (
                &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789"[..],
                Unanswered::TooLarge(8),
            ),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n1234", Unanswered::Broken),
            (b"", Unanswered::Broken),
        ] {
            assert_eq!(answered(said, "t").await.unwrap_err(), expected);
        }
        assert_eq!(answered(b"", "a\nb").await.unwrap_err(), Unanswered::Unsendable);
    }
}
