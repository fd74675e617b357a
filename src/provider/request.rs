//! A provider's HTTP request, exactly as it arrived.

use std::marker::PhantomData;

use bytes::Bytes;

use super::Rejection;

/// A request on its way in.
///
/// It starts [`Unverified`]. Only [`Source::verify`](super::Source::verify) turns it into
/// `Request<Verified>`, which is all that `normalise` takes: parsing before checking does not
/// compile.
#[derive(Clone, Debug)]
pub struct Request<State = Unverified> {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path and query under the public URL, e.g. `/hooks/whatsapp?x=1`.
    pub target: String,
    /// The headers that the source asked for, and those the journal keeps.
    pub headers: Headers,
    /// The bytes that were signed. Never re-encoded.
    pub body: Bytes,
    state: PhantomData<State>,
}

/// The signature has not been checked.
#[derive(Clone, Debug)]
pub struct Unverified;

/// The signature has been checked.
#[derive(Clone, Debug)]
pub struct Verified;

impl Request {
    /// A request as it arrived.
    pub fn new(method: &str, target: &str, headers: Headers, body: Bytes) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body,
            state: PhantomData,
        }
    }

    /// Skips the check. For tests that exercise `normalise` alone.
    #[doc(hidden)]
    pub fn assume_verified(self) -> Request<Verified> {
        self.into_verified()
    }

    /// What the gateway asked a provider for itself: the connection proves whose it is.
    pub fn polled(body: Bytes) -> Request<Verified> {
        Self::new("GET", "", Headers::default(), body).into_verified()
    }

    pub(super) fn into_verified(self) -> Request<Verified> {
        let Self { method, target, headers, body, state: _ } = self;
        Request { method, target, headers, body, state: PhantomData }
    }
}

impl<State> Request<State> {
    /// The value of a header that must be there.
    ///
    /// # Errors
    /// [`Rejection::MissingHeader`] when it is absent or not text.
    pub fn require(&self, name: &str) -> Result<&str, Rejection> {
        self.headers.get(name).ok_or_else(|| Rejection::MissingHeader(name.into()))
    }

    /// The raw query string, without `?`; empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// Headers by lower-case name, in the order of arrival; a name may occur twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Box<str>, Box<str>)>);

impl Headers {
    /// Adds a header; the name is lower-cased.
    pub fn push(&mut self, name: &str, value: &str) {
        let mut name: Box<str> = name.into();
        name.make_ascii_lowercase();
        self.0.push((name, value.into()));
    }

    /// The value of a header that occurs exactly once. A doubled header is no header: which of
    /// the two was signed would be a guess.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() { None } else { first.map(|(_, value)| &**value) }
    }

    /// Every header, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl serde::Serialize for Headers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(iter: T) -> Self {
        let mut headers = Self::default();
        for (name, value) in iter {
            headers.push(name, value);
        }
        headers
    }
}
