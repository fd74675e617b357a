//! `http`: a GET of any URL that answers with JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Ask, Define, Failure, Wording, json};
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::expression::Subject;
use crate::http;

/// Asks a URL.
pub(super) struct Http {
    url: Wording,
    headers: Vec<(Cow<'static, str>, Secret)>,
}

/// What stands under a lookup with `kind: http`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where it is: `https://shop.example/stock?sku={{ event.text | urlencode }}`. What an event
    /// says may stand behind the host only.
    url: Wording,
    /// Headers that are sent along, such as `authorization`.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

/// A setting that is sent with each request; the client's own are not for the operator to set.
const OWN: &[&str] =
    &["connection", "content-length", "host", "te", "transfer-encoding", "upgrade"];

impl Define for Http {
    const KIND: &'static str = "http";
    const SUMMARY: &'static str =
        "A GET of a URL that answers with JSON; 404 and 410 mean that there is nothing.";
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        verify(config.url.source())?;
        let mut headers = vec![("accept".into(), Secret::new("application/json"))];
        for (name, value) in config.headers {
            http::verify_header(&name, &value).map_err(|it| format!("`headers`: `{name}` {it}"))?;
            let name = name.to_ascii_lowercase();
            if OWN.contains(&&*name) {
                return Err(format!("`headers`: `{name}` is not for you to set; leave it out"));
            }
            headers.retain(|it: &(Cow<'static, str>, _)| it.0 != name);
            headers.push((name.into(), value));
        }
        Ok(Self { url: config.url, headers })
    }
}

/// Whoever writes to us must not choose which machine is asked, with our headers: scheme, host and
/// port stand there as they are.
fn verify(source: &str) -> Result<(), String> {
    let fixed =
        source.find("{{").into_iter().chain(source.find("{%")).chain(source.find("{#")).min();
    let fixed = fixed.unwrap_or(source.len());
    let host = source.find("://").map_or(0, |it| it + 3);
    let end = source[host..].find(['/', '?', '#']).map_or(source.len(), |it| host + it);
    if end > fixed || (end == source.len() && fixed < source.len()) {
        return Err("`url` has a template before its path: scheme and host are fixed".to_owned());
    }
    http::verify_url(&source[..end]).map_err(|it| format!("`url` {it}"))
}

impl Ask for Http {
    fn request(&self, subject: &Subject, _now: Timestamp) -> Result<Outgoing, String> {
        let url = self.url.render(subject)?;
        Ok(Outgoing { method: "GET", url, headers: self.headers.clone(), body: Bytes::new() })
    }

    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure> {
        match answer.status {
            204 | 404 | 410 => Ok(None),
            200..=299 if answer.body.is_empty() => Ok(None),
            200..=299 => json(answer),
            300..=399 => {
                let reason = format!("it answered {}; redirects are not followed", answer.status);
                Err(Failure::new(reason))
            }
            status => Err(Failure {
                reason: format!("it answered {status}"),
                after: answer.retry_after(),
            }),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        let own = |it: &&(Cow<'static, str>, Secret)| it.0 != "accept";
        self.headers.iter().filter(own).map(|it| it.1.clone()).collect()
    }
}
