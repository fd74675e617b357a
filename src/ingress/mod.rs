//! Ingress: HTTP in. Takes the exact bytes, runs the path up to the journal, then answers 200.

mod body;
pub mod limits;
mod media;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Scope, guard, web};
use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::Timestamp;
use tracing::Instrument;

use crate::clock;
use crate::config::Secret;
use crate::event::wire::SCHEMA_VERSION;
use crate::journal::{Acceptor, Arrival, Error, History, Rejected};
use crate::media::Shelf;
use crate::plan::Plan;
use crate::provider::{Answer, Headers, Rejection, Request, Source, Verifier};
use crate::telemetry::metrics::{self, Metrics};
use body::Refused;
use limits::Limits;

/// Headers that the journal keeps beside those a source reads.
const KEPT: &[&str] = &["content-type", "user-agent", "traceparent", "tracestate", "x-request-id"];

/// Headers that a reverse proxy adds: a development secret is refused when one is there.
const FORWARDED: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// What handlers share; cheap to clone into each worker.
#[derive(Clone)]
pub struct Ingress {
    /// The current plan.
    pub plan: Arc<ArcSwap<Plan>>,
    /// Where rejections are kept.
    pub history: Arc<dyn History>,
    /// Before verification, and for everybody.
    pub limits: Arc<Limits>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Media that links of ours lead to.
    pub media: Arc<Shelf>,
    /// What those links are signed with.
    pub store_key: Secret,
}

/// The public routes. `acceptor` belongs to the worker that serves them.
pub fn routes(ingress: Ingress, acceptor: Acceptor) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::new(ingress))
            .app_data(web::Data::new(acceptor))
            .service(hooks().guard(guard::Post()).default_service(web::to(hook)))
            .service(hooks().guard(guard::Get()).default_service(web::to(handshake)))
            .service(hooks().default_service(web::to(async || HttpResponse::MethodNotAllowed())))
            .route("/schemas/{kind}/{version}", web::get().to(schema))
            .route("/media/{digest}", web::get().to(media::medium))
            .route("/healthz", web::get().to(async || "ok\n"));
    }
}

/// All below `/hooks`. A prefix: to match a pattern costs a tenth of the whole request.
fn hooks() -> Scope {
    web::scope("/hooks")
}

/// `GET /hooks/{source}`: a platform asks whether this URL is ours.
async fn handshake(http: HttpRequest, ingress: web::Data<Ingress>) -> HttpResponse {
    let plan = ingress.plan.load();
    let hook = Hook::of(&http);
    let name = hook.source;
    let Some(source) = hook.find(&plan) else {
        return ingress.reject(&http, name, &Rejection::UnknownSource);
    };
    let request = Request::new("GET", &target(&http), headers(&http, source), Bytes::new());
    match source.handshake(&request) {
        Some(Ok(answer)) => ok(answer),
        Some(Err(rejection)) => ingress.reject(&http, name, &rejection),
        None => HttpResponse::MethodNotAllowed().body("this source takes POST only\n"),
    }
}

/// `POST /hooks/{source}`: verify, normalise, route, accept durably, then 200.
async fn hook(
    http: HttpRequest,
    payload: web::Payload,
    ingress: web::Data<Ingress>,
    acceptor: web::Data<Acceptor>,
) -> HttpResponse {
    let plan = ingress.plan.load_full();
    let hook = Hook::of(&http);
    let name = hook.source;
    let _in_flight = match ingress.limits.enter(http.peer_addr(), &http) {
        Ok(entry) => entry,
        Err(full) => {
            ingress.count(name, full.label());
            return unavailable(&full.to_string(), full.status());
        }
    };
    let Some(source) = hook.find(&plan) else {
        // Nothing of it is kept; its small body is read so that the connection survives.
        body::drain(&http, payload).await;
        return ingress.reject(&http, name, &Rejection::UnknownSource);
    };
    let (body, _held) = match body::read(&http, payload, &ingress.limits).await {
        Ok(read) => read,
        Err(refused) => {
            ingress.count(known(&plan, name), refused.label());
            return match refused {
                Refused::TooLarge(limit) => refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the body is larger than {limit} bytes\n"),
                ),
                Refused::Crowded => {
                    unavailable("too many bytes at once", StatusCode::SERVICE_UNAVAILABLE)
                }
                Refused::TooSlow => {
                    refuse(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n".into())
                }
                Refused::Broken => refuse(StatusCode::BAD_REQUEST, "the body broke off\n".into()),
            };
        }
    };
    if source.verifier().is_development()
        && FORWARDED.iter().any(|it| http.headers().contains_key(*it))
    {
        return ingress.reject(&http, name, &Rejection::DevelopmentSecret);
    }
    let now = clock::now();
    let request = Request::new("POST", &target(&http), headers(&http, source), body);
    let shared: Arc<str> = name.into();
    let span = tracing::debug_span!("request", source = name, bytes = request.body.len());
    let accepted = accept(&plan, &shared, source, request, now, &acceptor, &ingress.metrics);
    match accepted.instrument(span).await {
        Ok(answer) => ok(answer),
        Err(NotAccepted::Rejected(rejection)) => ingress.reject(&http, name, &rejection),
        Err(NotAccepted::Unavailable(error)) => {
            ingress.count(name, "unavailable");
            unavailable(&error.to_string(), StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// The parts of a webhook's URL: `/hooks/<source>`, and for sources whose URL is their secret what
/// follows that.
struct Hook<'a> {
    source: &'a str,
    tail: &'a str,
}

impl<'a> Hook<'a> {
    fn of(http: &'a HttpRequest) -> Self {
        let path = http.match_info().unprocessed();
        let path = path.strip_prefix('/').unwrap_or(path);
        let (source, tail) = path.split_once('/').unwrap_or((path, ""));
        Self { source, tail }
    }

    /// The source of this URL. One that has nothing to do with the rest of it has no such URL.
    fn find<'p>(&self, plan: &'p Plan) -> Option<&'p dyn Source> {
        let source = &**plan.sources.get(self.source)?;
        (self.tail.is_empty() || source.verifier().reads_path()).then_some(source)
    }
}

/// Why a request was not accepted.
enum NotAccepted {
    Rejected(Rejection),
    Unavailable(Error),
}

/// The path from bytes to durability. When this returns `Ok`, everything is on disk.
async fn accept(
    plan: &Plan,
    name: &Arc<str>,
    source: &dyn Source,
    request: Request,
    now: Timestamp,
    acceptor: &Acceptor,
    metrics: &Metrics,
) -> Result<Answer, NotAccepted> {
    let request = source.verify(request, now).map_err(NotAccepted::Rejected)?;
    if let Some(answer) = source.challenge(&request) {
        return Ok(answer);
    }
    let mut unrouted = false;
    let mut drafts = source.normalise(&request);
    let answer = source.answer(&request, &drafts);
    if let Some(callback) = source.callback(&request) {
        let journal = acceptor.journal();
        let taken = journal.answer(callback.call, request.body.clone()).await;
        if taken.map_err(NotAccepted::Unavailable)? {
            // The engine judges it, with the call at hand.
            let label = metrics::Ingress { source: name.to_string(), outcome: "accepted" };
            metrics.requests.get_or_create(&label).inc();
            return Ok(answer);
        }
        let called = journal.call(callback.call).await.map_err(NotAccepted::Unavailable)?;
        if let Some(called) = called {
            // Late, or superseded: kept, and not routed.
            unrouted = true;
            for draft in &mut drafts {
                draft.answer_to(&called.event);
            }
        }
    }
    let arrival = Arrival {
        source: Arc::clone(name),
        received: now,
        headers: kept(&request.headers, source.verifier()),
        traceparent: request.headers.get("traceparent").map(str::to_owned),
        cause: None,
        events: plan.prepare(name, drafts, &request.body, now),
        cursors: Vec::new(),
        unrouted,
        body: request.body,
    };
    let started = std::time::Instant::now();
    let receipt = acceptor.accept(arrival).await.map_err(NotAccepted::Unavailable)?;
    metrics.accept_seconds.observe(started.elapsed().as_secs_f64());
    let label = metrics::Source { source: name.to_string() };
    metrics.events.get_or_create(&label).inc_by(receipt.new as u64);
    if receipt.duplicate > 0 {
        metrics.duplicates.get_or_create(&label).inc_by(receipt.duplicate as u64);
    }
    let label = metrics::Ingress { source: name.to_string(), outcome: "accepted" };
    metrics.requests.get_or_create(&label).inc();
    tracing::debug!(source = &**name, new = receipt.new, duplicate = receipt.duplicate, "accepted");
    Ok(answer)
}

/// `GET /schemas/{kind}/{version}`: what `dataschema` points at.
async fn schema(path: web::Path<(String, u32)>) -> HttpResponse {
    let (kind, version) = path.into_inner();
    let schema = (version == SCHEMA_VERSION).then(|| crate::event::schema::of(&kind)).flatten();
    match schema {
        Some(schema) => HttpResponse::Ok().content_type("application/schema+json").json(schema),
        None => HttpResponse::NotFound().body("no such schema\n"),
    }
}

impl Ingress {
    /// Answers a rejection, counts it and keeps it for the operator.
    fn reject(&self, http: &HttpRequest, source: &str, rejection: &Rejection) -> HttpResponse {
        let status = match rejection {
            Rejection::UnknownSource => StatusCode::NOT_FOUND,
            Rejection::BadHandshake => StatusCode::FORBIDDEN,
            Rejection::MissingHeader(_)
            | Rejection::BadSignature
            | Rejection::Stale
            | Rejection::DevelopmentSecret => StatusCode::UNAUTHORIZED,
            Rejection::Polled => StatusCode::METHOD_NOT_ALLOWED,
        };
        let address = self.limits.client(http.peer_addr(), http);
        let known = known(&self.plan.load(), source).to_owned();
        self.count(&known, rejection.label());
        tracing::debug!(source = known, %address, reason = %rejection, "rejected");
        self.history.reject(Rejected {
            at: clock::now(),
            source: source.chars().take(64).collect(),
            address: address.to_string(),
            label: rejection.label().to_owned(),
            reason: rejection.to_string(),
        });
        refuse(status, format!("{rejection}\n"))
    }

    fn count(&self, source: &str, outcome: &'static str) {
        let label = metrics::Ingress { source: known(&self.plan.load(), source).into(), outcome };
        self.metrics.requests.get_or_create(&label).inc();
    }
}

/// The source's name, or `unknown`: an outsider must not choose metric labels.
fn known<'a>(plan: &Plan, source: &'a str) -> &'a str {
    if plan.sources.contains_key(source) { source } else { "unknown" }
}

fn ok(answer: Answer) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(answer.content_type)
        // A challenge is echoed; no browser shall take it for a page.
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(answer.body)
}

fn refuse(status: StatusCode, sentence: String) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(sentence)
}

fn unavailable(reason: &str, status: StatusCode) -> HttpResponse {
    HttpResponseBuilder::new(status)
        .insert_header((RETRY_AFTER, HeaderValue::from_static("1")))
        .body(format!("{reason}\n"))
}

fn target(http: &HttpRequest) -> String {
    http.uri().path_and_query().map_or_else(|| http.path().to_owned(), ToString::to_string)
}

/// The headers a source reads and the journal keeps. A value that is not text is left out.
fn headers(http: &HttpRequest, source: &dyn Source) -> Headers {
    let reads = |name: &str| {
        let mut read = source.verifier().headers().iter().chain(source.reads());
        read.any(|it| match it.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => **it == *name,
        })
    };
    let headers = http.headers().iter().map(|(name, value)| (name.as_str(), value));
    headers
        .filter(|(name, _)| KEPT.contains(name) || reads(name))
        .filter_map(|(name, value)| Some((name, value.to_str().ok()?)))
        .collect()
}

/// Headers as the journal keeps them: a JSON object. A token that proves the sender would prove it
/// again to whoever reads it there; a signature fits one body alone.
fn kept(headers: &Headers, verifier: &Verifier) -> String {
    let without: Headers;
    let mut headers = headers;
    if verifier.has_tokens() {
        without = headers.iter().filter(|it| !verifier.is_token(it.0)).collect();
        headers = &without;
    }
    serde_json::to_string(headers).expect("headers are text")
}
