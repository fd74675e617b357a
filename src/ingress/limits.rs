//! Limits before verification: per address and on concurrency. A forger can spend nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::{Network, Rate};

/// The most addresses that are remembered. Beyond it, the least recent are forgotten.
const ADDRESSES: usize = 65_536;

/// The most bytes of bodies that are held at once, whoever sends them.
const HELD_BYTES: usize = 256 * 1024 * 1024;

/// How often forgotten addresses are swept, in admitted requests.
const SWEEP: u64 = 16_384;

/// What may come in at once, how much of it, and how fast.
pub struct Limits {
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// The most requests between first byte and answer.
    pub in_flight: usize,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    per_address: Option<DefaultKeyedRateLimiter<IpAddr>>,
    current: AtomicUsize,
    held: AtomicUsize,
    admitted: AtomicU64,
}

/// What limits are made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub read_timeout: Duration,
    /// The most requests between first byte and answer.
    pub in_flight: usize,
    /// The most requests of one address; `None`: no limit.
    pub per_address: Option<Rate>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many at once.
    #[error("too many requests at once")]
    InFlight,
    /// Too many from one address.
    #[error("too many requests from your address")]
    Address,
}

impl Full {
    /// A word for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InFlight => "overloaded",
            Self::Address => "rate_limited",
        }
    }

    /// What the sender is answered. 503 makes platforms repeat; 429 is for the one address.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InFlight => StatusCode::SERVICE_UNAVAILABLE,
            Self::Address => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// A place among the requests in flight; given back when dropped.
pub struct Entry<'a>(&'a AtomicUsize);

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory for a body; given back when dropped.
pub struct Held<'a>(&'a AtomicUsize, usize);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Limits {
    /// Limits from settings.
    pub fn new(settings: Settings) -> Self {
        let Settings { max_body, read_timeout, in_flight, per_address, trusted_proxies } = settings;
        Self {
            max_body,
            read_timeout,
            in_flight,
            trusted_proxies,
            per_address: per_address.and_then(quota).map(RateLimiter::keyed),
            current: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
        }
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// [`Full`] when there are too many.
    pub fn enter(&self, peer: Option<SocketAddr>, http: &HttpRequest) -> Result<Entry<'_>, Full> {
        if let Some(limiter) = &self.per_address {
            let admitted = self.admitted.fetch_add(1, Ordering::Relaxed);
            let crowded = limiter.len() > ADDRESSES && admitted.is_multiple_of(SWEEP / 16);
            if crowded || admitted.is_multiple_of(SWEEP) {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
            // A flood of addresses must not fill the memory: past the cap they share one quota.
            let address = network(self.client(peer, http));
            let key =
                if limiter.len() > ADDRESSES { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { address };
            limiter.check_key(&key).map_err(|_| Full::Address)?;
        }
        let before = self.current.fetch_add(1, Ordering::Relaxed);
        let entry = Entry(&self.current);
        if before >= self.in_flight { Err(Full::InFlight) } else { Ok(entry) }
    }

    /// Takes memory for a body of this size; `None` when all bodies together would be too large.
    pub fn hold(&self, size: usize) -> Option<Held<'_>> {
        let before = self.held.fetch_add(size, Ordering::Relaxed);
        let held = Held(&self.held, size);
        (before.saturating_add(size) <= HELD_BYTES.max(self.max_body)).then_some(held)
    }

    /// Requests in flight right now.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// The sender's address: the last in `X-Forwarded-For` that is not one of our own proxies,
    /// where the connection comes from one of them; else the connection's.
    pub fn client(&self, peer: Option<SocketAddr>, http: &HttpRequest) -> IpAddr {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.ip().to_canonical());
        let trusted =
            |address: &IpAddr| self.trusted_proxies.iter().any(|it| it.contains(*address));
        if !trusted(&peer) {
            return peer;
        }
        http.headers()
            .get_all("x-forwarded-for")
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','))
            .filter_map(|it| it.trim().parse::<IpAddr>().ok())
            .map(|it| it.to_canonical())
            .filter(|it| !trusted(it))
            .last()
            .unwrap_or(peer)
    }
}

/// What counts as one sender: an IPv4 address, or the /64 that an IPv6 host has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(it) => IpAddr::V6((u128::from(it) >> 64 << 64).into()),
    }
}

/// A rate as a bucket that holds all of it and refills evenly.
fn quota(rate: Rate) -> Option<Quota> {
    let count = NonZeroU32::new(rate.count)?;
    Some(Quota::with_period(rate.per / rate.count)?.allow_burst(count))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    impl Default for Settings {
        fn default() -> Self {
            Self {
                max_body: 1024,
                read_timeout: Duration::from_secs(10),
                in_flight: 4_096,
                per_address: None,
                trusted_proxies: Vec::new(),
            }
        }
    }

    #[test]
    fn a_forwarded_address_is_believed_of_trusted_proxies_only() {
        let proxy: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let limits = Limits::new(Settings {
            trusted_proxies: vec![serde_json::from_value("10.0.0.0/24".into()).unwrap()],
            ..Settings::default()
        });
        let request = TestRequest::default()
            .insert_header(("x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.1"))
            .to_http_request();
        assert_eq!(limits.client(Some(proxy), &request).to_string(), "2.2.2.2");
        let other: SocketAddr = "3.3.3.3:1".parse().unwrap();
        assert_eq!(limits.client(Some(other), &request).to_string(), "3.3.3.3");
    }

    #[test]
    fn too_many_at_once_and_too_many_from_one_address_are_told_apart() {
        let request = TestRequest::default().to_http_request();
        let limits = Limits::new(Settings { in_flight: 1, ..Settings::default() });
        let first = limits.enter(None, &request).expect("there is room for one");
        assert_eq!(limits.enter(None, &request).err(), Some(Full::InFlight));
        drop(first);
        assert!(limits.enter(None, &request).is_ok());
        assert_eq!(limits.current(), 0);
        let half = limits.hold(HELD_BYTES / 2).expect("there is room for two halves");
        let other = limits.hold(HELD_BYTES / 2).expect("there is room for two halves");
        assert!(limits.hold(1).is_none(), "and for no byte more");
        drop((half, other));
        assert!(limits.hold(1).is_some());
        let rate = Rate { count: 1, per: Duration::from_mins(1) };
        let limits = Limits::new(Settings { per_address: Some(rate), ..Settings::default() });
        assert!(limits.enter(None, &request).is_ok());
        assert_eq!(limits.enter(None, &request).err(), Some(Full::Address));
    }
}
