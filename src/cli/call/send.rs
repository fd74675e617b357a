//! Sending what a call makes, and following its pages.

use std::time::Duration;

use serde_json::Value;

use super::{account, progress};
use crate::cli::Failure;
use crate::client::{Account, Api, Arguments, Endpoint, Kind, Outgoing, Paging, Problem, Response};
use crate::{clock, http};

/// Longer than an agent or a model takes to answer.
const TIMEOUT: Duration = Duration::from_mins(2);

/// How many elements to ask for at a time, where neither the caller nor the document says less.
const PAGE: i64 = 100;

/// The longest wait that a busy API may ask for while pages are followed.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often in a row one page may be put off.
const PUT_OFF: u32 = 5;

/// One endpoint of one account.
pub(super) struct Line {
    api: &'static Api,
    endpoint: &'static Endpoint,
    account: Account,
    http: reqwest::Client,
}

impl Line {
    pub(super) async fn open(
        api: &'static Api,
        endpoint: &'static Endpoint,
        account: Account,
    ) -> Result<Self, Failure> {
        let mut line = Self { api, endpoint, account, http: http::client(TIMEOUT)? };
        match account::way(api, endpoint, &line.account) {
            account::Way::Clear => Ok(line),
            account::Way::None => Err(account::missing(api, endpoint)),
            account::Way::By(exchange) => {
                progress(&format!("asking for a credential by `{}`", exchange.call));
                let outgoing =
                    exchange.request(api, &line.account, today()).map_err(Failure::Usage)?;
                let response = line.send(outgoing).await?;
                let problem = problem(api, &response);
                let found = (exchange.read)(&response).filter(|_| problem.is_none());
                let problem = problem.unwrap_or_else(|| Problem {
                    status: response.status,
                    message: format!("the answer to `{}` holds no credential", exchange.call),
                    retry_after: None,
                });
                let credential = found.ok_or_else(|| line.refused(&problem))?;
                line.account.credentials.insert(exchange.brings, credential);
                Ok(line)
            }
        }
    }

    /// One call.
    pub(super) async fn ask(&self, arguments: &Arguments) -> Result<Value, Failure> {
        self.attempt(arguments).await?.map_err(|it| self.refused(&it))
    }

    /// Every page, each element as it comes.
    pub(super) async fn pages(
        &self,
        mut arguments: Arguments,
        each: &mut dyn FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(paging) = self.endpoint.paging else { return each(self.ask(&arguments).await?) };
        let (counter, first) = match paging {
            Paging::Number(page, _) => (page, 1),
            Paging::Skip(skip, limit) => {
                let size = self.page_size(limit);
                arguments.values.entry(limit).or_insert_with(|| size.to_string());
                (skip, 0)
            }
        };
        let mut at: u64 = arguments.get(counter).and_then(|it| it.parse().ok()).unwrap_or(first);
        let mut list = None;
        let mut seen = 0_usize;
        loop {
            arguments.values.insert(counter, at.to_string());
            let answer = self.patiently(&arguments).await?;
            let more = match paging {
                Paging::Number(_, another) => Some(holds(answer.pointer(another))),
                Paging::Skip(..) => None,
            };
            let total = answer.get("total").and_then(Value::as_u64);
            let list = list.get_or_insert_with(|| list_of(&answer));
            let Some(elements) = take(answer, list.as_deref()) else {
                return Err(Failure::Refused(format!(
                    "the answer of {} holds no list; leave out `--all` to see it",
                    self.api.name
                )));
            };
            let count = elements.len();
            seen += count;
            elements.into_iter().try_for_each(&mut *each)?;
            progress(&format!("{seen} so far"));
            at += if more.is_some() { 1 } else { count as u64 };
            // A short page may be one that the API cut; an empty one is the end.
            let ends = more == Some(false) || (more.is_none() && total.is_some_and(|it| at >= it));
            if count == 0 || ends {
                return Ok(());
            }
        }
    }

    /// The largest page that the document allows, within reason.
    fn page_size(&self, limit: &str) -> i64 {
        let limit = self.endpoint.parameters.iter().find(|it| it.name == limit);
        match limit.map(|it| it.kind) {
            Some(Kind::Integer(_, most)) => most.min(PAGE),
            _ => PAGE,
        }
    }

    /// One page; a busy API is given the time it asks for.
    async fn patiently(&self, arguments: &Arguments) -> Result<Value, Failure> {
        let mut put_off = 0;
        loop {
            let problem = match self.attempt(arguments).await? {
                Ok(answer) => return Ok(answer),
                Err(problem) => problem,
            };
            let wait = problem.retry_after.filter(|it| *it <= PATIENCE && put_off < PUT_OFF);
            let Some(wait) = wait else { return Err(self.refused(&problem)) };
            put_off += 1;
            progress(&format!("{} is busy; going on in {} s", self.api.name, wait.as_secs()));
            tokio::time::sleep(wait.max(Duration::from_millis(100))).await;
        }
    }

    async fn attempt(&self, arguments: &Arguments) -> Result<Result<Value, Problem>, Failure> {
        let outgoing =
            self.endpoint.prepare(&self.account, arguments, today()).map_err(Failure::Usage)?;
        let response = self.send(outgoing).await?;
        if let Some(problem) = problem(self.api, &response) {
            return Ok(Err(problem));
        }
        let body = &response.body;
        Ok(Ok(match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(_) if body.is_empty() => Value::Null,
            Err(_) => String::from_utf8_lossy(body).into_owned().into(),
        }))
    }

    async fn send(&self, outgoing: Outgoing) -> Result<Response, Failure> {
        let unreachable = |error: reqwest::Error| {
            // Without its URL, which may hold what is nobody's business.
            let at = &self.account.base_url;
            let context = format!("no answer from {} at {at}", self.api.name);
            Failure::Unreachable(anyhow::Error::new(error.without_url()).context(context))
        };
        let method = outgoing.method.parse()?;
        let mut request = self.http.request(method, &outgoing.url).body(outgoing.body);
        for (name, value) in &outgoing.headers {
            request = request.header(&**name, value.expose());
        }
        let answer = request.send().await.map_err(unreachable)?;
        let headers = answer.headers().iter();
        let headers = headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(unreachable)?;
        Ok(Response { status, headers, body })
    }

    fn refused(&self, problem: &Problem) -> Failure {
        let again = problem.retry_after.map(|it| format!("; ask again in {} s", it.as_secs()));
        Failure::Refused(format!(
            "{} answered {}: {}{}",
            self.api.name,
            problem.status,
            problem.message,
            again.unwrap_or_default()
        ))
    }
}

fn today() -> jiff::civil::Date {
    clock::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// What is wrong, in the API's words; a status that says so without any is told with the body.
fn problem(api: &Api, response: &Response) -> Option<Problem> {
    let Response { status, body, .. } = response;
    (api.problem)(response).or_else(|| {
        let message = || String::from_utf8_lossy(body).trim().to_owned();
        let problem = || Problem { status: *status, message: message(), retry_after: None };
        (!(200..300).contains(status)).then(problem)
    })
}

fn holds(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

/// The field that holds a page's elements; `None` where the answer is the list itself. Lists of
/// plain words stand beside it.
fn list_of(answer: &Value) -> Option<String> {
    let lists = answer.as_object()?.iter().filter_map(|(name, it)| Some((name, it.as_array()?)));
    let lists = lists.filter(|(_, it)| it.iter().all(Value::is_object));
    lists.max_by_key(|(_, it)| it.len()).map(|(name, _)| name.clone())
}

fn take(mut answer: Value, list: Option<&str>) -> Option<Vec<Value>> {
    let list = match list {
        Some(name) => answer.get_mut(name)?.take(),
        None => answer,
    };
    match list {
        Value::Array(elements) => Some(elements),
        _ => None,
    }
}
