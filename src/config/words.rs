//! Quantities as people write them: `30s`, `3MiB`, `60/min`, `10.0.0.0/8`.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A text that means something, and how to read it.
trait Word: Sized + fmt::Display {
    /// Its name in the `format` of a schema.
    const NAME: &'static str;
    /// Its name in a sentence.
    const PHRASE: &'static str;
    /// An example, for schemas and hints.
    const EXAMPLE: &'static str;

    fn parse(text: &str) -> Option<Self>;
}

/// A length of time: `500ms`, `30s`, `5min`, `1h`, `8d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// A number of bytes: `512B`, `64KiB`, `3MiB`, `10GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// How often in a length of time: `60/min`, `10/s`, `30/15min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often; at least once.
    pub count: u32,
    /// In this time.
    pub per: Duration,
}

/// An IP address, or a network of them: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Where to listen: `127.0.0.1:8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listen(pub(super) SocketAddr);

/// Where the gateway is reached: `https://gateway.example`, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl(pub(super) String);

impl Network {
    /// Whether an address belongs to it. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix);
                u32::from(own).checked_shr(shift) == u32::from(other).checked_shr(shift)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix);
                u128::from(own).checked_shr(shift) == u128::from(other).checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl PublicUrl {
    /// Whether it points to this very machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Whether a URL points to this very machine.
pub fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// A number and its unit, as the smallest unit.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The number with the largest unit that divides it.
fn write(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fits = |factor: u64| value.is_multiple_of(factor) && (value > 0 || factor == units[0].1);
    let (unit, factor) = units.iter().rev().find(|(_, it)| fits(*it)).unwrap_or(&units[0]);
    write!(f, "{}{unit}", value / factor)
}

impl Word for Period {
    const NAME: &'static str = "duration";
    const PHRASE: &'static str = "a duration";
    const EXAMPLE: &'static str = "30s";

    fn parse(text: &str) -> Option<Self> {
        measure(text, &DURATIONS).map(Duration::from_millis).map(Self)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &DURATIONS, f)
    }
}

impl Word for Size {
    const NAME: &'static str = "size";
    const PHRASE: &'static str = "a size";
    const EXAMPLE: &'static str = "3MiB";

    fn parse(text: &str) -> Option<Self> {
        measure(text, &SIZES).map(Self)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, &SIZES, f)
    }
}

impl Word for Rate {
    const NAME: &'static str = "rate";
    const PHRASE: &'static str = "a rate";
    const EXAMPLE: &'static str = "60/min";

    fn parse(text: &str) -> Option<Self> {
        let (count, per) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|&it| it > 0)?;
        let per = per.trim();
        let one = if per.starts_with(|it: char| it.is_ascii_digit()) { "" } else { "1" };
        let per = Period::parse(&format!("{one}{per}"))?.0;
        (!per.is_zero()).then_some(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = Period(self.per).to_string();
        let unit =
            per.strip_prefix('1').filter(|it| it.starts_with(|it: char| !it.is_ascii_digit()));
        write!(f, "{}/{}", self.count, unit.unwrap_or(&per))
    }
}

impl Word for Network {
    const NAME: &'static str = "network";
    const PHRASE: &'static str = "an address or network";
    const EXAMPLE: &'static str = "10.0.0.0/8";

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(most), |it| it.parse().ok()).filter(|&it| it <= most)?;
        Some(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Word for Listen {
    const NAME: &'static str = "address";
    const PHRASE: &'static str = "an address";
    const EXAMPLE: &'static str = "127.0.0.1:8080";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Word for PublicUrl {
    const NAME: &'static str = "url";
    const PHRASE: &'static str = "a URL";
    const EXAMPLE: &'static str = "https://gateway.example";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let host = rest.split('/').next().unwrap_or_default();
        let unfit = |it: char| it.is_whitespace() || it.is_control() || "?#@".contains(it);
        let fits = !host.is_empty() && !host.starts_with(':') && !rest.contains(unfit);
        fits.then(|| Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a word from a string, writes it as one, and gives its schema a `format` that
/// [`problem`] knows.
macro_rules! word {
    ($($word:ident),*) => {
        $(
            impl<'de> Deserialize<'de> for $word {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    Self::parse(&text).ok_or_else(|| D::Error::custom(complaint::<Self>()))
                }
            }

            impl Serialize for $word {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl JsonSchema for $word {
                fn schema_name() -> Cow<'static, str> {
                    Self::NAME.into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({"type": "string", "format": Self::NAME, "examples": [Self::EXAMPLE]})
                }
            }
        )*

        /// What is wrong with a text of a `format`, if it is one of ours.
        pub(super) fn problem(format: &str, text: &str) -> Option<String> {
            match format {
                $($word::NAME if $word::parse(text).is_none() => Some(complaint::<$word>()),)*
                _ => None,
            }
        }
    };
}

word!(Period, Size, Rate, Network, Listen, PublicUrl);

fn complaint<W: Word>() -> String {
    format!("expected {}, such as `{}`", W::PHRASE, W::EXAMPLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written() {
        let period = |it| Period::parse(it).map(|it| it.to_string());
        assert_eq!(period("90s").as_deref(), Some("90s"));
        assert_eq!(period("60s").as_deref(), Some("1min"));
        assert_eq!(period("0s").as_deref(), Some("0ms"));
        assert_eq!(period("8d").as_deref(), Some("8d"));
        for wrong in ["", "s", "1", "1 week", "-1s", "99999999999999999999d", "1.5h"] {
            assert_eq!(period(wrong), None, "{wrong}");
        }
        let size = |it| Size::parse(it).map(|it| it.0);
        assert_eq!(size("3MiB"), Some(3 << 20));
        assert_eq!(size("3MB"), None);
        let rate = |it| Rate::parse(it).map(|it| (it.count, it.per.as_secs(), it.to_string()));
        assert_eq!(rate("60/min"), Some((60, 60, "60/min".into())));
        assert_eq!(rate("30/15min"), Some((30, 900, "30/15min".into())));
        for wrong in ["0/s", "5", "5/", "x/s", "5/0s"] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("fd00::/8", "fd12::1", true),
        ];
        for (network, address, expected) in cases {
            let network = Network::parse(network).expect(network);
            assert_eq!(network.contains(address.parse().expect(address)), expected, "{address}");
        }
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn loopback_is_told_from_the_world() {
        let cases = [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080/x", true),
            ("http://localhost", true),
            ("https://gateway.example", false),
            ("http://127.0.0.1.example", false),
            ("http://0.0.0.0", false),
        ];
        for (url, expected) in cases {
            assert_eq!(PublicUrl::parse(url).expect(url).is_loopback(), expected, "{url}");
        }
        for wrong in
            ["gateway.example", "ftp://x", "http://", "http://:80", "http://a b", "http://u@h"]
        {
            assert_eq!(PublicUrl::parse(wrong), None, "{wrong}");
        }
    }
}
