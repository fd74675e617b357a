//! Where the gateway may connect to: public addresses, unless a destination is allowed more.
//!
//! A name is resolved here, every address of the answer is looked at, and the connection goes to
//! one of those addresses: a name that means something else a moment later gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What a [`Resolver`] brings, in time.
pub type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Resolver: Send + Sync + 'static {
    /// Every address of a host, in the order in which they are to be tried.
    fn resolve(&self, host: &str) -> Resolved;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolver for System {
    fn resolve(&self, host: &str) -> Resolved {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|it| it.ip()).collect())
        })
    }
}

/// IPv4 networks that are not the public Internet's, with the length of their prefix.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const IPV4: &[(Ipv4Addr, u32)] = &[
    // This network; on Linux, this machine.
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private, RFC 1918, and of carriers, RFC 6598 (Alibaba's metadata among them).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Of the link: most clouds' metadata is 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Azure's own services for its machines, at an address that looks public.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Protocol assignments (Oracle's metadata among them).
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation, RFC 5737.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Relays of 6to4, withdrawn.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Benchmarks, RFC 2544.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Multicast; reserved, with the broadcast address.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 networks within `2000::/3` that are not the public Internet's, with the length of their
/// prefix. <https://www.iana.org/assignments/iana-ipv6-special-registry>
const IPV6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments: Teredo, which holds two IPv4 addresses, benchmarks, identifiers.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation, RFC 3849 and RFC 9637.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What is called these is nobody's receiver, wherever it leads.
const NAMES: &[&str] = &[
    "localhost",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Whether an address belongs to the public Internet. IPv6 addresses that stand for an IPv4
/// address (mapped, NAT64, 6to4) are as public as that one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => !IPV4.iter().any(|(network, length)| {
            let shift = 32 - length;
            u32::from(it) >> shift == u32::from(*network) >> shift
        }),
        IpAddr::V6(it) => embedded(it).map_or_else(
            || {
                let in_use = it.segments()[0] >> 13 == 1;
                let is_special = IPV6.iter().any(|(network, length)| {
                    let shift = 128 - length;
                    u128::from(it) >> shift == u128::from(*network) >> shift
                });
                in_use && !is_special
            },
            |it| is_public(it.into()),
        ),
    }
}

/// The IPv4 address that a gateway would take an IPv6 address for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let four = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            four(high, low)
        }
        [0x2002, high, low, ..] => four(high, low),
        _ => None,
    }
}

/// Why there is no connection: it would not leave the private network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is private")
    }
}

impl std::error::Error for Forbidden {}

impl Forbidden {
    /// Whether it is what lies behind an error.
    pub(super) fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(it) = next {
            if it.is::<Self>() {
                return true;
            }
            next = it.source();
        }
        false
    }
}

/// Refuses a URL whose host is known to be private without asking anybody: no resolver is asked
/// for an address. However it was written, the host is in its one normal form by now.
pub(super) fn vet(url: &Url) -> Result<(), Forbidden> {
    let Some(host) = url.host_str() else { return Ok(()) };
    let literal = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let allowed = if let Ok(address) = literal.parse::<IpAddr>() {
        is_public(address)
    } else {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        !NAMES.contains(&&*name) && !name.ends_with(".localhost")
    };
    if allowed { Ok(()) } else { Err(Forbidden) }
}

/// A resolver whose answers were looked at. One private address among public ones spoils them
/// all: whoever mixes them hopes that the wrong one is taken.
#[derive(Clone)]
pub(super) struct Guarded {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.resolver.resolve(name.as_str());
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = found.await?;
            if !allow_private && !found.iter().all(|it| is_public(*it)) {
                return Err(Forbidden.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|it| SocketAddr::new(it, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_that_is_not_public_is_known_to_its_last_address() {
        // Private, then the public neighbours on either side.
        let rows: &[(&[&str], &[&str])] = &[
            (&["0.0.0.0", "0.255.255.255"], &["1.0.0.0"]),
            (&["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
            (
                &["100.64.0.0", "100.100.100.200", "100.127.255.255"],
                &["100.63.255.255", "100.128.0.0"],
            ),
            (&["127.0.0.0", "127.0.0.1", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
            (&["168.63.129.16"], &["168.63.129.15", "168.63.129.17"]),
            (
                &["169.254.0.0", "169.254.169.254", "169.254.255.255"],
                &["169.253.255.255", "169.255.0.0"],
            ),
            (&["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            (&["192.0.0.0", "192.0.0.192", "192.0.0.255"], &["191.255.255.255", "192.0.1.0"]),
            (&["192.0.2.0", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
            (&["192.88.99.0", "192.88.99.255"], &["192.88.98.255", "192.88.100.0"]),
            (&["192.168.0.0", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
            (&["198.18.0.0", "198.19.255.255"], &["198.17.255.255", "198.20.0.0"]),
            (&["198.51.100.0", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
            (&["203.0.113.0", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
            (
                &["224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"],
                &["223.255.255.255"],
            ),
            // Unspecified, loopback, and the old way to write an IPv4 address.
            (&["::", "::1", "::8.8.8.8", "::ffff:0:8.8.8.8"], &[]),
            // Mapped, NAT64 and 6to4 are as public as what they stand for.
            (
                &["::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254"],
                &["::ffff:8.8.8.8"],
            ),
            (&["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe"], &["64:ff9b::8.8.8.8"]),
            // NAT64 of one's own network, and what is merely near NAT64.
            (&["64:ff9b:1::8.8.8.8", "64:ff9b::1:8.8.8.8", "64:ff9c::8.8.8.8"], &[]),
            (&["2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::"], &["2002:808:808::1"]),
            // Teredo with a public server and client, the other assignments, their last address.
            (
                &["2001::1", "2001:0:808:808::f7f7:f7f7", "2001:2::1", "2001:1ff:ffff::"],
                &["2001:200::", "2000::"],
            ),
            (
                &["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
                &["2001:db7::", "2001:db9::"],
            ),
            (&["3fff::", "3fff:fff:ffff::"], &["3ffe::", "3fff:1000::"]),
            (&["100::1", "1fff:ffff::", "4000::", "5f00::1"], &["2606:4700:4700::1111"]),
            // Unique local (the metadata of EC2 and GCP), link-local, site-local, multicast.
            (&["fc00::", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff::"], &[]),
            (&["fe80::", "fe80::a9fe:a9fe", "febf:ffff::", "fec0::1", "ff02::1", "ffff::"], &[]),
        ];
        for (private, public) in rows {
            for (addresses, expected) in [(private, false), (public, true)] {
                for it in *addresses {
                    assert_eq!(is_public(it.parse().unwrap()), expected, "{it}");
                }
            }
        }
    }

    #[test]
    fn an_address_is_known_in_every_notation() {
        let refused = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://0/",
            "http://127.0.0.1./",
            "http://１２７。０。０。１/",
            "http://%31%32%37.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[::127.0.0.1]/",
            "http://user:password@10.0.0.1:8080/",
            "http://example.com@10.0.0.1/",
            "http://10.0.0.1#@example.com/",
            "http://[::1]/",
            "http://[::]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:53aa:64c:0:0:f5ff:fffe]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "https://localhost/",
            "https://LocalHost./",
            "https://a.localhost/",
            "https://Metadata.Google.Internal/",
            "https://metadata.google.internal./computeMetadata/v1/",
            "https://metadata/",
        ];
        for url in refused {
            assert_eq!(vet(&url.parse().unwrap()), Err(Forbidden), "{url}");
        }
        let taken = [
            "https://example.com/",
            "https://93.184.215.14/",
            "https://[2606:4700:4700::1111]/",
            "https://localhost.example/",
            "https://127.0.0.1.example/",
        ];
        for url in taken {
            assert_eq!(vet(&url.parse().unwrap()), Ok(()), "{url}");
        }
        // A zone, or a number too large, is no URL at all.
        for url in ["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://4294967296/"] {
            assert!(url.parse::<Url>().is_err(), "{url}");
        }
    }
}
