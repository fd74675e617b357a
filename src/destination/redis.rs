//! `redis`: a stream or a list of a Redis server, or of one that speaks its protocol.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, IntoConnectionInfo, Pipeline, RedisError, RedisResult, TlsCertificates, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::certificates::certificates;
use super::{BoxFuture, Define, Means, Outcome, Parcel, Policy, Setup, Takes, Transport};

/// How long connecting may take, TLS and log-in included.
const CONNECT: Duration = Duration::from_secs(5);

/// How long Redis may take for a batch.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a batch may take in all. The library waits for a connection, then for the answer; both
/// have limits of their own, so this is for what we do not foresee.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long deliveries stay where they are after a connection failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A configured stream or list.
pub struct Redis {
    client: Client,
    key: Key,
    max_length: Option<u32>,
    public_url: String,
    /// Made by the first batch, on the runtime that makes deliveries.
    connection: Mutex<Option<ConnectionManager>>,
    /// When a connection failed last, and why.
    failed: Mutex<Option<(Instant, String)>>,
}

/// Where values are put.
enum Key {
    Stream(String),
    List(String),
}

/// What stands under a destination with `kind: redis`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Redis is: `redis://user:password@host:6379/0`, or `rediss://…` for TLS.
    url: String,
    /// The stream that an entry is added to for each delivery, with the fields `id` and `type` of
    /// the event, `delivery`, and `value`: the event, or what the route says.
    stream: Option<String>,
    /// The list that the value is put at the end of, in place of a stream.
    list: Option<String>,
    /// The most that the stream or the list holds; what is older makes room. A stream may hold a
    /// few more. Without it there is no limit.
    #[schemars(range(min = 1))]
    max_length: Option<u32>,
    /// A file of certificates (PEM) to trust in place of the system's own, for `rediss://`.
    ca_file: Option<PathBuf>,
}

impl Define for Redis {
    const KIND: &'static str = "redis";
    const SUMMARY: &'static str = "A stream or a list in Redis, Valkey, or what speaks like them.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = Policy::TRANSPORT;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let key = match (config.stream, config.list) {
            (Some(it), None) if !it.is_empty() => Key::Stream(it),
            (None, Some(it)) if !it.is_empty() => Key::List(it),
            (Some(_), Some(_)) => return Err("set `stream` or `list`, not both".into()),
            _ => return Err("`stream` or `list` is missing".into()),
        };
        if config.max_length == Some(0) {
            return Err("`max_length` must be at least 1; leave it out for no limit".into());
        }
        let client = client(&config.url, config.ca_file)?;
        Ok(Self {
            client,
            key,
            max_length: config.max_length,
            public_url: setup.public_url.clone(),
            connection: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    fn means(self) -> Means {
        Means::Transport(Arc::new(self))
    }
}

/// What connects, once it is asked to. The messages never hold the URL, for it may hold a password.
fn client(url: &str, ca_file: Option<PathBuf>) -> Result<Client, String> {
    if url.is_empty() {
        return Err("`url` is missing".into());
    }
    let is_encrypted = url.starts_with("rediss://");
    let info = url.into_connection_info().ok();
    let Some(info) = info.filter(|_| is_encrypted || url.starts_with("redis://")) else {
        return Err("`url` is not a Redis URL; write `redis://user:password@host:6379/0`, or \
                    `rediss://…` for TLS"
            .into());
    };
    let built = match ca_file {
        None => Client::open(info),
        Some(_) if !is_encrypted => {
            return Err("`ca_file` has no meaning without TLS; write `rediss://` in `url`".into());
        }
        Some(path) => {
            let authorities = certificates("ca_file", &path)?.into_bytes();
            let tls = TlsCertificates { client_tls: None, root_cert: Some(authorities) };
            Client::build_with_tls(info, tls)
        }
    };
    built.map_err(|it| format!("`url`: {}", words(&it)))
}

/// What went wrong, without what it was done with.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        _ if error.is_timeout() => "no answer in time".to_owned(),
        _ => error.to_string(),
    }
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Redis {
    /// The commands of a batch: one answer for each parcel.
    fn commands(&self, batch: &[Parcel]) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(batch.len() + 1);
        // One parcel that is not taken says nothing about the others.
        pipeline.ignore_errors();
        for parcel in batch {
            let event = &parcel.event;
            let value = match &parcel.payload {
                serde_json::Value::Null => event.to_wire(&self.public_url),
                payload => payload.to_string().into_bytes(),
            };
            match &self.key {
                Key::Stream(key) => {
                    let command = pipeline.cmd("XADD").arg(key);
                    if let Some(most) = self.max_length {
                        command.arg("MAXLEN").arg("~").arg(most);
                    }
                    command.arg("*").arg("id").arg(event.id.to_string());
                    command.arg("type").arg(event.kind.as_str());
                    command.arg("delivery").arg(parcel.delivery.to_string());
                    command.arg("value").arg(value)
                }
                Key::List(key) => pipeline.cmd("RPUSH").arg(key).arg(value),
            };
        }
        if let (Key::List(key), Some(most)) = (&self.key, self.max_length) {
            pipeline.cmd("LTRIM").arg(key).arg(-i64::from(most)).arg(-1).ignore();
        }
        pipeline
    }

    /// The connection. The library keeps one, and makes another when it is lost; it never waits
    /// with us for that longer than one attempt takes.
    fn connection(&self) -> RedisResult<ConnectionManager> {
        let mut connection = lock(&self.connection);
        if let Some(it) = &*connection {
            return Ok(it.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let made = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        *connection = Some(made.clone());
        Ok(made)
    }

    async fn send(&self, commands: &Pipeline) -> Result<Vec<RedisResult<Value>>, String> {
        let mut connection = self.connection().map_err(|it| words(&it))?;
        match tokio::time::timeout(PATIENCE, commands.query_async(&mut connection)).await {
            Ok(answers) => answers.map_err(|it| words(&it)),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

impl Transport for Redis {
    fn batch(&self) -> usize {
        256
    }

    fn deliver<'a>(&'a self, batch: &'a [Parcel]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let answers = match self.send(&self.commands(batch)).await {
                Ok(answers) => answers,
                Err(reason) => {
                    let reason = format!("Redis: {reason}");
                    *lock(&self.failed) = Some((Instant::now(), reason.clone()));
                    // Whatever is wrong with this connection, the next one may be better.
                    *lock(&self.connection) = None;
                    return vec![Outcome::retry(reason); batch.len()];
                }
            };
            *lock(&self.failed) = None;
            // After a failover, the connection may lead to what is now a replica.
            let is_replica =
                |it: &RedisResult<_>| it.as_ref().is_err_and(|it| it.code() == Some("READONLY"));
            if answers.iter().any(is_replica) {
                *lock(&self.connection) = None;
            }
            let mut outcomes: Vec<Outcome> = answers.into_iter().map(outcome).collect();
            outcomes.resize(batch.len(), Outcome::retry("Redis: no answer"));
            outcomes
        })
    }

    fn ready(&self) -> Result<(), String> {
        match &*lock(&self.failed) {
            Some((at, reason)) if at.elapsed() < PAUSE => Err(reason.clone()),
            _ => Ok(()),
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        *lock(&self.connection) = None;
        Box::pin(async {})
    }
}

/// What became of one parcel. No error is for ever: a full memory is emptied, a key of another
/// type is renamed, a permission is given.
fn outcome(answer: RedisResult<Value>) -> Outcome {
    match answer {
        Ok(Value::BulkString(id)) => Outcome::received(String::from_utf8_lossy(&id)),
        Ok(Value::SimpleString(id)) => Outcome::received(id),
        Ok(_) => Outcome::delivered(),
        Err(error) => Outcome::retry(format!("Redis: {}", words(&error))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::destination::{Broker, find};

    fn build(config: serde_json::Value) -> Result<(), String> {
        let setup = Setup {
            name: "cache".into(),
            public_url: "https://gate.example".into(),
            broker: Broker::Embedded,
        };
        find("redis").unwrap().destination(config, &setup).map(drop)
    }

    #[test]
    fn what_cannot_work_is_refused_without_its_password() {
        let url = "redis://u:hunter2@127.0.0.1:6379/1";
        assert_eq!(build(json!({ "url": url, "stream": "a", "max_length": 10 })), Ok(()));
        assert_eq!(build(json!({ "url": "rediss://h:6379", "list": "a" })), Ok(()));
        for (config, expected) in [
            (json!({ "stream": "a" }), "`url` is missing"),
            (json!({ "url": url }), "`stream` or `list` is missing"),
            (json!({ "url": url, "list": "" }), "`stream` or `list` is missing"),
            (json!({ "url": url, "stream": "a", "list": "b" }), "set `stream` or `list`, not both"),
            (
                json!({ "url": url, "list": "b", "max_length": 0 }),
                "`max_length` must be at least 1",
            ),
            (json!({ "url": "u:hunter2@h", "list": "a" }), "`url` is not a Redis URL"),
            (json!({ "url": "http://u:hunter2@h", "list": "a" }), "`url` is not a Redis URL"),
            (json!({ "url": "redis://u:hunter2@h:x/", "list": "a" }), "`url` is not a Redis URL"),
            (json!({ "url": url, "list": "a", "ca_file": "/a" }), "`ca_file` has no meaning"),
            (
                json!({ "url": "rediss://h", "list": "a", "ca_file": "/nowhere" }),
                "`ca_file`: cannot read `/nowhere`",
            ),
        ] {
            let error = build(config).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
        }
    }
}
