//! The admin API: health, metrics, events, lanes and the embedded queues. Listens on loopback
//! unless told otherwise, and asks for the token of the data directory.

mod api;
mod story;
mod mend;
mod pauses;
mod conversations;
mod failed;
pub mod answer;

pub use mend::Deeds;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpResponse, web};
use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;

use crate::config::Secret;
use crate::delivery::Engine;
use crate::ingress::limits::Limits;
use crate::journal::Sqlite;
use crate::plan::Plan;
use crate::poll::Polls;
use crate::telemetry::metrics::{self, Metrics};

/// What the admin API looks at.
#[derive(Clone)]
pub struct Admin {
    /// The journal, its queues and its history.
    pub store: Arc<Sqlite>,
    /// The lanes.
    pub engine: Arc<Engine>,
    /// What is asked for.
    pub polls: Arc<Polls>,
    /// The current plan.
    pub plan: Arc<ArcSwap<Plan>>,
    /// What is in flight.
    pub limits: Arc<Limits>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What somebody asked to be done to deliveries, and how far that is.
    pub deeds: Arc<Deeds>,
    /// What callers must show.
    pub token: Secret,
}

/// The admin routes.
pub fn routes(admin: Admin) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::new(admin))
            .app_data(
                web::JsonConfig::default()
                    .limit(1024 * 1024)
                    .error_handler(|it, _| failed::unread(it.to_string(), it.into())),
            )
            .app_data(
                web::QueryConfig::default()
                    .error_handler(|it, _| failed::unread(it.to_string(), it.into())),
            )
            .route("/healthz", web::get().to(async || "ok\n"))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(scrape))
            .service(api::scope().wrap(from_fn(authorised)));
    }
}

/// `GET /readyz`: 200 when arrivals can be written and every lane turns; 503 otherwise.
///
/// A destination that is down does not make the gateway unready: its events wait in the journal,
/// and turning senders away would lose what could be kept. It is named in the answer.
async fn ready(admin: web::Data<Admin>) -> HttpResponse {
    let journal = admin.store.writable().err().map(|it| it.to_string());
    let lanes = admin.engine.health();
    let ok = journal.is_none() && lanes.iter().all(|it| !it.stuck);
    let answer = answer::Ready { ready: ok, journal, lanes };
    if ok {
        HttpResponse::Ok().json(answer)
    } else {
        HttpResponse::ServiceUnavailable().json(answer)
    }
}

/// `GET /metrics`, in the OpenMetrics text format.
async fn scrape(admin: web::Data<Admin>) -> HttpResponse {
    // Sets the gauges of the lanes and of the polled sources.
    drop(admin.engine.health());
    drop(admin.polls.states());
    let (commits, rollbacks) = admin.store.commits();
    let in_flight = i64::try_from(admin.limits.current()).unwrap_or(i64::MAX);
    admin.metrics.in_flight.set(in_flight);
    admin.metrics.commits.set(commits);
    admin.metrics.rollbacks.set(rollbacks);
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(admin.metrics.render())
}

/// Lets a request through that carries `Authorization: Bearer <token>`.
async fn authorised(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let expected =
        request.app_data::<web::Data<Admin>>().map(|it| it.token.clone()).unwrap_or_default();
    let given = request
        .headers()
        .get("authorization")
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.strip_prefix("Bearer "))
        .unwrap_or_default();
    let same: bool = expected.expose().as_bytes().ct_eq(given.trim().as_bytes()).into();
    if same && !expected.is_empty() {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let problem = answer::Problem::new(
        "missing or wrong token; send `Authorization: Bearer` with the content of data/admin.token",
    );
    let response = HttpResponse::Unauthorized().json(problem);
    Ok(request.into_response(response).map_into_right_body())
}
