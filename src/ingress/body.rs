//! Reading a body: exactly, up to a limit, within a time.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use bytes::Bytes;

use super::limits::{Held, Limits};

/// A refused body is still read up to this size, so that the connection survives.
const DRAIN: usize = 256 * 1024;

/// How long that may take.
const DRAIN_FOR: Duration = Duration::from_secs(2);

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Larger than this many bytes.
    TooLarge(usize),
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or the transfer coding is wrong.
    Broken,
    /// All bodies together would take more memory than they may.
    Crowded,
}

impl Refused {
    /// A word for metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::Crowded => "overloaded",
        }
    }
}

/// How large the sender says the body is.
fn announced(http: &HttpRequest) -> Option<usize> {
    http.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

/// Reads and drops a small body that nobody wants.
pub(super) async fn drain(http: &HttpRequest, payload: web::Payload) {
    if announced(http).is_none_or(|it| it <= DRAIN) {
        drop(tokio::time::timeout(DRAIN_FOR, payload.to_bytes_limited(DRAIN)).await);
    }
}

/// The body, exactly as sent, and the memory it holds until the request is answered.
pub(super) async fn read<'a>(
    http: &HttpRequest,
    payload: web::Payload,
    limits: &'a Limits,
) -> Result<(Bytes, Held<'a>), Refused> {
    let limit = limits.max_body;
    let announced = announced(http);
    if announced.is_some_and(|it| it > limit) {
        if announced.is_some_and(|it| it <= limit.saturating_add(DRAIN)) {
            // Read and dropped: the answer then reaches a sender that writes before it reads.
            let drained = payload.to_bytes_limited(limit.saturating_add(DRAIN));
            drop(tokio::time::timeout(DRAIN_FOR, drained).await);
        }
        return Err(Refused::TooLarge(limit));
    }
    let held = limits.hold(announced.unwrap_or(limit)).ok_or(Refused::Crowded)?;
    // Most bodies are here already, and need no timer.
    let mut reading = pin!(payload.to_bytes_limited(limit));
    let first = std::future::poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await;
    let read = match first {
        Poll::Ready(read) => Ok(read),
        Poll::Pending => tokio::time::timeout(limits.read_timeout, reading).await,
    };
    match read {
        Err(_) => Err(Refused::TooSlow),
        Ok(Err(_)) => Err(Refused::TooLarge(limit)),
        Ok(Ok(Err(_))) => Err(Refused::Broken),
        Ok(Ok(Ok(body))) => Ok((body, held)),
    }
}
