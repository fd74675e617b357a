//! The admin API as commands call it.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use super::setup::Setup;
use crate::admin::answer::Problem;
use crate::config::Secret;
use crate::{http, keys};

/// Longer than the longest wait the API allows.
const TIMEOUT: Duration = Duration::from_secs(70);

/// A client of a running gateway.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    token: Secret,
}

impl Client {
    /// A client of the gateway that this configuration runs.
    pub(super) fn new(setup: &Setup) -> Result<Self, Failure> {
        let token = keys::read(&setup.data, keys::ADMIN_TOKEN).map_err(|it| {
            Failure::Unreachable(
                it.context("no gateway has run here yet; start `sluicegate serve`"),
            )
        })?;
        Ok(Self {
            http: http::client(TIMEOUT)?,
            base: format!("http://{}/api", setup.admin_listen),
            token,
        })
    }

    /// `GET`; `query` becomes the query string.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())))
            .finish();
        let mark = if query.is_empty() { "" } else { "?" };
        self.call(self.http.get(format!("{}{path}{mark}{query}", self.base))).await
    }

    /// `POST` of a JSON body.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Failure> {
        self.call(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// `DELETE`.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(self.http.delete(format!("{}{path}", self.base))).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Failure> {
        let answer = request
            .bearer_auth(self.token.expose())
            .send()
            .await
            .map_err(|it| unreachable(it, &self.base))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|it| unreachable(it, &self.base))?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&body)?);
        }
        let problem: Problem = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Problem::new(format!("the gateway answered {status}")));
        Err(Failure::Refused(problem.error))
    }
}

/// The gateway cannot be reached.
pub(super) fn unreachable(error: reqwest::Error, at: &str) -> Failure {
    // Without its URL, which the context names.
    Failure::Unreachable(anyhow::Error::new(error.without_url()).context(format!(
        "no answer from {at}; is `sluicegate serve` running with this configuration?"
    )))
}
