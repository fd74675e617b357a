//! The limit: the least that a receiver of signed webhooks does, and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::http::header::X_CONTENT_TYPE_OPTIONS;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::messages::SECRET;

/// Reads the body, checks its HMAC-SHA256 in constant time, answers 200.
async fn hook(http: HttpRequest, body: web::Bytes) -> HttpResponse {
    let mut tag = [0; 32];
    let signature = http.headers().get("x-hub-signature-256").and_then(|it| it.to_str().ok());
    let hex = signature.and_then(|it| it.strip_prefix("sha256=")).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("HMAC takes a key of any length");
    mac.update(&body);
    if hex::decode_to_slice(hex, &mut tag).is_err() || mac.verify_slice(&tag).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/plain; charset=utf-8");
    answer.insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff")).body("")
}

/// Serves it, as the gateway is served.
pub(crate) fn serve(listen: SocketAddr, workers: usize) -> std::io::Result<()> {
    let app = || App::new().route("/hooks/{source}", web::post().to(hook));
    let server = HttpServer::new(app).workers(workers).backlog(4_096);
    let server = server.keep_alive(Duration::from_secs(75)).bind(listen)?.run();
    actix_web::rt::System::new().block_on(server)
}
