//! The routes under `/api`.

use std::time::Duration;

use actix_web::{HttpResponse, Scope, web};
use serde_json::value::RawValue;

use super::Admin;
use super::answer::{Events, Message, Messages, Polled, Receipts, Receive, Settled, Source};
use super::failed::{Answer, missing};
use super::{conversations, mend, pauses, story};
use crate::event::Event;
use crate::event::wire::verbatim;
use crate::journal::{History, MAX_PAGE, Query, Queues};

/// Everything under `/api`.
pub(super) fn scope() -> Scope {
    web::scope("/api")
        .route("/events", web::get().to(events))
        .route("/events/{id}", web::get().to(story::story))
        .configure(mend::routes)
        .configure(conversations::routes)
        .configure(pauses::routes)
        .route("/queues", web::get().to(queues))
        .route("/queues/{queue}/receive", web::post().to(receive))
        .route("/queues/{queue}/ack", web::post().to(ack))
        .route("/queues/{queue}/nack", web::post().to(nack))
        .route("/lanes", web::get().to(lanes))
        .route("/sources", web::get().to(sources))
        .route("/rejections", web::get().to(rejections))
}

/// `GET /api/events?kind=&source=&conversation=&before=&limit=`
async fn events(admin: web::Data<Admin>, query: web::Query<Query>) -> Answer {
    let limit = query.limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let events = admin.store.search(query.into_inner()).await?;
    let next = events.last().filter(|_| events.len() >= limit).map(|it| it.sequence);
    let events = events.iter().map(|it| admin.wire(it)).collect();
    Ok(HttpResponse::Ok().json(Events { events, next }))
}

/// `GET /api/queues`
async fn queues(admin: web::Data<Admin>) -> Answer {
    Ok(HttpResponse::Ok().json(admin.store.queues().await?))
}

/// `POST /api/queues/{queue}/receive`
async fn receive(
    admin: web::Data<Admin>,
    queue: web::Path<String>,
    ask: web::Json<Receive>,
) -> Answer {
    let wait = Duration::from_secs(ask.wait_seconds.min(60));
    let visibility = Duration::from_secs(ask.visibility_seconds.clamp(1, 12 * 3600));
    let max = ask.max.clamp(1, 1_000);
    let Some(received) = admin.store.receive(&queue, max, wait, visibility).await? else {
        return Ok(missing(&format!("there is no queue `{queue}`")));
    };
    let messages = received
        .into_iter()
        .map(|it| Message {
            receipt: it.receipt,
            delivery: it.delivery,
            redelivered: it.redelivered,
            event: admin.wire(&it.event),
        })
        .collect();
    Ok(HttpResponse::Ok().json(Messages { messages }))
}

/// `POST /api/queues/{queue}/ack`
async fn ack(
    admin: web::Data<Admin>,
    queue: web::Path<String>,
    receipts: web::Json<Receipts>,
) -> Answer {
    let settled = admin.store.ack(&queue, &receipts.receipts).await?;
    Ok(HttpResponse::Ok().json(Settled { settled }))
}

/// `POST /api/queues/{queue}/nack`
async fn nack(
    admin: web::Data<Admin>,
    queue: web::Path<String>,
    receipts: web::Json<Receipts>,
) -> Answer {
    let settled = admin.store.nack(&queue, &receipts.receipts).await?;
    Ok(HttpResponse::Ok().json(Settled { settled }))
}

/// `GET /api/lanes`
async fn lanes(admin: web::Data<Admin>) -> Answer {
    Ok(HttpResponse::Ok().json(admin.engine.health()))
}

/// `GET /api/sources`, by name
async fn sources(admin: web::Data<Admin>) -> Answer {
    let polled = admin.polls.states();
    let plan = admin.plan.load();
    let mut sources: Vec<Source> = plan
        .sources
        .iter()
        .map(|(name, it)| Source {
            name: name.clone(),
            provider: it.provider().to_owned(),
            proof: it.verifier().proof().describe().to_owned(),
            development: it.verifier().is_development(),
            polled: polled.get(&**name).map(Polled::of),
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(HttpResponse::Ok().json(sources))
}

/// `GET /api/rejections`, newest first
async fn rejections(admin: web::Data<Admin>) -> Answer {
    Ok(HttpResponse::Ok().json(admin.store.rejections()))
}

impl Admin {
    /// The event as it goes over the wire.
    pub(super) fn wire(&self, event: &Event) -> Box<RawValue> {
        let wire = event.to_wire(&self.plan.load().public_url);
        verbatim(&wire)
    }
}
