//! What stands still: looked at, set and ended by hand.

use actix_web::{HttpResponse, web};

use super::Admin;
use super::answer::{Pause, Resume};
use super::failed::{Answer, missing};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/pauses", web::get().to(list))
        .route("/pauses/resume", web::post().to(resume))
        .route("/destinations/{name}/pause", web::post().to(pause));
}

/// `GET /api/pauses`
async fn list(admin: web::Data<Admin>) -> Answer {
    Ok(HttpResponse::Ok().json(admin.engine.pauses()))
}

/// `POST /api/pauses/resume`; answers what still stands still.
async fn resume(admin: web::Data<Admin>, ask: web::Json<Resume>) -> Answer {
    if admin.engine.resume(&ask.scope).await? {
        return list(admin).await;
    }
    let scopes: Vec<String> = admin.engine.pauses().into_iter().map(|it| it.scope).collect();
    let which = match &scopes[..] {
        [] => "nothing is".to_owned(),
        _ => format!("these are: {}", scopes.join(", ")),
    };
    Ok(missing(&format!("`{}` is not paused; {which}", ask.scope)))
}

/// `POST /api/destinations/{name}/pause`; answers what stands still.
async fn pause(admin: web::Data<Admin>, name: web::Path<String>, ask: web::Json<Pause>) -> Answer {
    if !admin.plan.load().destinations.contains_key(name.as_str()) {
        return Ok(missing(&format!("there is no destination `{name}`")));
    }
    let reason = ask.reason.as_deref().unwrap_or("paused by hand");
    admin.engine.pause(&name, reason, ask.r#for.map(|it| it.0)).await?;
    list(admin).await
}
