//! Links of ours to a file: signed, for a time, and for one content type. Pure.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::Digest;
use crate::config::Secret;

/// What is served where nobody said what it is.
const UNKNOWN: &str = "application/octet-stream";

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The content.
    pub digest: Digest,
    /// What it is served as: the MIME type that its event states.
    pub mime_type: String,
    /// Until when it leads there, to the second.
    pub expires: Timestamp,
}

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlinked {
    /// It was not made with our key, or was changed since.
    #[error("this link is not one of ours")]
    Forged,
    /// Its time is over.
    #[error("this link has expired")]
    Expired,
}

impl Link {
    /// A link to a content that is served as this, unless that could not stand in a header.
    pub fn new(digest: Digest, mime_type: Option<&str>, expires: Timestamp) -> Self {
        let fits = |it: &&str| !it.is_empty() && it.bytes().all(|it| (b' '..=b'~').contains(&it));
        let mime_type = mime_type.map(str::trim).filter(fits).unwrap_or(UNKNOWN).to_owned();
        Self { digest, mime_type, expires }
    }

    /// Its URL. Whoever has it can fetch the content: it is a secret for as long as it leads there.
    pub fn url(&self, public_url: &str, store_key: &Secret) -> Secret {
        let seconds = self.expires.as_second();
        let tag = self.mac(store_key).finalize().into_bytes();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("expires", &seconds.to_string())
            .append_pair("type", &self.mime_type)
            .append_pair("signature", &hex::encode(tag))
            .finish();
        let home = public_url.trim_end_matches('/');
        Secret::new(format!("{home}/media/{}?{query}", self.digest))
    }

    /// The link of a URL's last segment and query.
    ///
    /// # Errors
    /// Why it leads nowhere. Whether there is such a file is not told to whoever has no link to it.
    pub fn open(
        digest: &str,
        query: &str,
        store_key: &Secret,
        now: Timestamp,
    ) -> Result<Self, Unlinked> {
        let find = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|it| it.0 == name).map(|it| it.1.into_owned()).ok_or(Unlinked::Forged)
        };
        let digest = Digest::parse(digest).ok_or(Unlinked::Forged)?;
        let seconds = find("expires")?.parse().map_err(|_| Unlinked::Forged)?;
        let expires = Timestamp::from_second(seconds).map_err(|_| Unlinked::Forged)?;
        let link = Self { digest, mime_type: find("type")?, expires };
        let tag = hex::decode(find("signature")?).map_err(|_| Unlinked::Forged)?;
        link.mac(store_key).verify_slice(&tag).map_err(|_| Unlinked::Forged)?;
        if now < link.expires { Ok(link) } else { Err(Unlinked::Expired) }
    }

    /// The store's key serves other ends, too: the first word tells them apart.
    fn mac(&self, store_key: &Secret) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(store_key.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(b"media\0");
        mac.update(&self.digest.0);
        mac.update(&self.expires.as_second().to_be_bytes());
        mac.update(self.mime_type.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// What is opened of a URL, with one thing replaced.
    fn opened(url: &Secret, from: &str, to: &str, key: &str, now: i64) -> Result<Link, Unlinked> {
        let url = url.expose().replace(from, to);
        let rest = url.strip_prefix("https://gate.example/media/").unwrap();
        let (digest, query) = rest.split_once('?').unwrap();
        Link::open(digest, query, &Secret::new(key), at(now))
    }

    #[test]
    fn a_link_leads_to_its_content_for_its_time_and_unchanged_only() {
        let digest = Digest::of(b"a picture");
        let link = Link::new(digest, Some("image/svg+xml; charset=utf-8"), at(1_000));
        let url = link.url("https://gate.example/", &Secret::new("store"));
        assert_eq!(opened(&url, "", "", "store", 999), Ok(link));
        assert_eq!(opened(&url, "", "", "store", 1_000), Err(Unlinked::Expired));
        assert_eq!(opened(&url, "", "", "another", 999), Err(Unlinked::Forged));
        let other = Digest::of(b"another picture").to_string();
        for (from, to) in [
            ("expires=1000", "expires=9999"),
            ("expires=1000", "expires=x"),
            ("expires=1000&", ""),
            ("image", "text"),
            ("svg", "html"),
            (&*digest.to_string(), &*other),
            (&*digest.to_string(), "..%2Fstore.key"),
            ("signature=", "signature=00"),
            ("signature=", "tag="),
        ] {
            assert_eq!(opened(&url, from, to, "store", 999), Err(Unlinked::Forged), "{from} {to}");
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_not_served_as_that() {
        let served = |it: Option<&str>| Link::new(Digest::of(b""), it, at(1)).mime_type;
        assert_eq!(served(Some("image/png")), "image/png");
        for odd in [None, Some(""), Some(" "), Some("image/png\r\nset-cookie: a=b"), Some("ü")] {
            assert_eq!(served(odd), UNKNOWN, "{odd:?}");
        }
    }
}
