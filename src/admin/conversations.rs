//! How conversations stand, and what an operator changes about it.

use actix_web::{HttpResponse, web};
use uuid::Uuid;

use super::Admin;
use super::answer::{Suppress, TakeOver};
use super::failed::{Answer, missing, wrong};
use crate::clock;
use crate::event::standing::Change;
use crate::journal::{Conversation, History, Journal};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/conversations/{name}", web::get().to(show))
        .route("/conversations/{name}/takeover", web::post().to(take_over))
        .route("/conversations/{name}/takeover", web::delete().to(release))
        .route("/conversations/{name}/suppress", web::post().to(suppress))
        .route("/conversations/{name}/allow", web::post().to(allow));
}

/// `GET /api/conversations/{name}`: an id, or by which the provider knows it, as a phone number.
async fn show(admin: web::Data<Admin>, name: web::Path<String>) -> Answer {
    change(&admin, &name, None).await
}

/// `POST /api/conversations/{name}/takeover`
async fn take_over(
    admin: web::Data<Admin>,
    name: web::Path<String>,
    ask: web::Json<TakeOver>,
) -> Answer {
    let since = clock::now();
    let Ok(until) = since.checked_add(ask.r#for.0) else {
        return Ok(wrong("`for` is too long"));
    };
    let by = ask.by.clone().unwrap_or_else(|| "api".to_owned());
    change(&admin, &name, Some(Change::TakenOver { by, since, until })).await
}

/// `DELETE /api/conversations/{name}/takeover`
async fn release(admin: web::Data<Admin>, name: web::Path<String>) -> Answer {
    change(&admin, &name, Some(Change::Released { by: None })).await
}

/// `POST /api/conversations/{name}/suppress`
async fn suppress(
    admin: web::Data<Admin>,
    name: web::Path<String>,
    ask: web::Json<Suppress>,
) -> Answer {
    let reason = ask.reason.clone().unwrap_or_else(|| "asked for by an operator".to_owned());
    change(&admin, &name, Some(Change::Suppressed(reason))).await
}

/// `POST /api/conversations/{name}/allow`
async fn allow(admin: web::Data<Admin>, name: web::Path<String>) -> Answer {
    change(&admin, &name, Some(Change::Allowed)).await
}

/// Changes how a conversation stands, and answers how it does from then on.
async fn change(admin: &Admin, name: &str, change: Option<Change>) -> Answer {
    let known = match Uuid::parse_str(name) {
        Ok(id) => admin.store.conversation(id).await?,
        Err(_) => None,
    };
    let id = match known {
        Some(known) => known.id,
        None => match &admin.store.named(name).await?[..] {
            [id] => *id,
            [] => {
                let hint = "give its id, or by which the provider knows it, as a phone number";
                return Ok(missing(&format!("there is no conversation `{name}`; {hint}")));
            }
            several => {
                let ids: Vec<String> = several.iter().map(Uuid::to_string).collect();
                let ids = ids.join(", ");
                return Ok(wrong(format!(
                    "`{name}` is in several conversations; say which: {ids}"
                )));
            }
        },
    };
    admin.store.change(id, change.into_iter().collect()).await?;
    let stands: Option<Conversation> = admin.store.conversation(id).await?;
    Ok(HttpResponse::Ok().json(stands))
}
