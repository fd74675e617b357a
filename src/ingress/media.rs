//! `GET /media/{digest}`: a medium that was fetched, for whoever has a link of ours to it.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Ingress, unavailable};
use crate::clock;
use crate::media::{Link, Unlinked};

/// Serves a medium.
///
/// Its bytes and its type come from strangers, and our origin is not theirs to run anything in: it
/// is an attachment, taken for nothing but what its event states, and has no rights.
pub(super) async fn medium(
    http: HttpRequest,
    digest: web::Path<String>,
    ingress: web::Data<Ingress>,
) -> HttpResponse {
    let _in_flight = match ingress.limits.enter(http.peer_addr(), &http) {
        Ok(entry) => entry,
        Err(full) => return unavailable(&full.to_string(), full.status()),
    };
    let opened = Link::open(&digest, http.query_string(), &ingress.store_key, clock::now());
    let link = match opened {
        Ok(link) => link,
        Err(error @ Unlinked::Forged) => return HttpResponse::Forbidden().body(said(error)),
        Err(error @ Unlinked::Expired) => return HttpResponse::Gone().body(said(error)),
    };
    let (shelf, wanted) = (ingress.media.clone(), link.digest);
    match web::block(move || shelf.read(&wanted)).await {
        Ok(Ok(Some(bytes))) => HttpResponse::Ok()
            .content_type(link.mime_type)
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((CONTENT_DISPOSITION, "attachment"))
            .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .body(bytes),
        Ok(Ok(None)) => HttpResponse::Gone().body("it is no longer kept\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, "a medium cannot be read");
            HttpResponse::InternalServerError().body("it cannot be read\n")
        }
        Err(_) => HttpResponse::InternalServerError().body("it cannot be read\n"),
    }
}

fn said(error: Unlinked) -> String {
    format!("{error}\n")
}
