//! `/api/events/{id}`: the tree that grew from an event.

use actix_web::{HttpResponse, web};
use uuid::Uuid;

use super::failed::{Answer, missing};
use super::{Admin, answer};
use crate::destination::{BoxFuture, Scope};
use crate::journal::{DeliveryState, Error, History};

/// How many replies deep a story goes.
const DEPTH: usize = 10;

/// The most events of a story.
const EVENTS: usize = 100;

/// `GET /api/events/{id}`
pub(super) async fn story(admin: web::Data<Admin>, id: web::Path<Uuid>) -> Answer {
    let mut left = EVENTS;
    match tree(&admin, *id, DEPTH, &mut left).await? {
        Some(story) => Ok(HttpResponse::Ok().json(story)),
        None => Ok(missing(&format!("there is no event {id}"))),
    }
}

fn tree<'a>(
    admin: &'a Admin,
    id: Uuid,
    depth: usize,
    left: &'a mut usize,
) -> BoxFuture<'a, Result<Option<answer::Story>, Error>> {
    Box::pin(async move {
        let Some(story) = admin.store.story(id).await? else { return Ok(None) };
        *left = left.saturating_sub(1);
        let (mut replies, mut more) = (Vec::new(), false);
        for reply in story.replies {
            if depth == 0 || *left == 0 {
                more = true;
                break;
            }
            replies.extend(tree(admin, reply, depth - 1, left).await?);
        }
        let mut deliveries = story.deliveries;
        for it in &mut deliveries {
            admin.refine(it);
        }
        let event = admin.wire(&story.event);
        Ok(Some(answer::Story { event, deliveries, replies, more }))
    })
}

impl Admin {
    /// Says more of a pending delivery than the journal can.
    pub(super) fn refine(&self, delivery: &mut DeliveryState) {
        if delivery.state != "pending" {
            return;
        }
        if !self.plan.load().destinations.contains_key(&*delivery.destination) {
            delivery.state = "orphaned".into();
            delivery.reason = Some("its destination is no longer configured".into());
            return;
        }
        let label = Scope::Destination.label(&delivery.destination);
        if let Some(held) = self.engine.pauses().into_iter().find(|it| it.scope == label) {
            delivery.state = "paused".into();
            delivery.reason = Some(held.reason);
        }
    }
}
