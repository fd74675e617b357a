//! What a simulator sends of its own: callbacks and webhooks, each tried a few times.

use std::sync::Mutex;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::lock;
use crate::client::Outgoing;
use crate::http;

/// How often one request is tried, and the first pause; each is twice as long as the one before.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// Requests that are on their way or wait for their time.
pub(super) struct Later {
    http: reqwest::Client,
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
}

impl Later {
    pub(super) fn new() -> reqwest::Result<Self> {
        Ok(Self {
            http: http::client(Duration::from_secs(10))?,
            runtime: Handle::current(),
            tasks: Mutex::new(JoinSet::new()),
        })
    }

    /// Sends each when its time has come.
    pub(super) fn send(&self, requests: Vec<(Duration, Outgoing)>) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        for (after, request) in requests {
            let http = self.http.clone();
            let task = async move {
                tokio::time::sleep(after).await;
                deliver(&http, &request).await;
            };
            tasks.spawn_on(task, &self.runtime);
        }
    }

    /// Forgets whatever has not arrived.
    pub(super) fn stop(&self) {
        lock(&self.tasks).abort_all();
    }
}

async fn deliver(http: &reqwest::Client, request: &Outgoing) {
    let Outgoing { method, url, headers, body } = request;
    let Ok(verb) = method.parse::<reqwest::Method>() else { return };
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
        }
        let mut post = http.request(verb.clone(), url).body(body.clone());
        for (name, value) in headers {
            post = post.header(&**name, value.expose());
        }
        match post.send().await {
            Ok(answer) if answer.status().is_success() => {
                return tracing::info!(method, "the simulator's own request arrived");
            }
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::warn!(method, status, attempt, "the simulator's own request was refused");
            }
            // Without its URL, which may be a secret in itself.
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(method, %error, attempt, "the simulator's own request got lost");
            }
        }
    }
}
