//! One request to the simulation, and how its answer ends.

use std::io;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::fault::End;
use super::{Stage, lock};
use crate::client::{Answered, Asked};
use crate::clock;

/// The largest body that is taken.
pub(super) const MAX_BODY: usize = 32 << 20;

/// What was written is on its way before the rest is withheld.
const BEFORE_CUT: Duration = Duration::from_millis(50);

pub(super) async fn answer(
    request: HttpRequest,
    body: Bytes,
    stage: web::Data<Stage>,
) -> HttpResponse {
    // As it was written: `path()` would decode some of it.
    let path = request.uri().path().trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if first == "_" {
        return deed(&request, &body, &stage, rest);
    }
    let Some((api, simulator)) = stage.simulators.get_key_value(first) else {
        let mut names: Vec<&str> = stage.simulators.keys().copied().collect();
        names.sort_unstable();
        let error = format!("nothing is simulated here; there are {}", names.join(", "));
        return refuse(StatusCode::NOT_FOUND, &error);
    };
    let fate = lock(&stage.dice).roll(api, clock::now());
    if !fate.after.is_zero() {
        tokio::time::sleep(fate.after).await;
    }
    match fate.end {
        End::Failed => {
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, "a fault was asked for");
        }
        End::Busy(wait) => {
            let mut busy = refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            // Rounded up: a second early would be too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            busy.headers_mut().insert(RETRY_AFTER, seconds.into());
            return busy;
        }
        End::Answered | End::Cut | End::Closed => {}
    }
    let asked = asked(&request, rest, body, format!("{}/{api}", stage.url));
    let Answered { status, headers, body, later } = lock(simulator).answer(&asked, clock::now());
    stage.later.send(later);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, "application/json"));
    for (name, value) in headers {
        answer.append_header((name, value));
    }
    match fate.end {
        End::Cut | End::Closed => {
            let kept = if fate.end == End::Cut { body.len() / 2 } else { 0 };
            broken(&mut answer, &body, kept)
        }
        _ => answer.body(body),
    }
}

/// What only the outside world does. Faults are for those who call the API.
fn deed(request: &HttpRequest, body: &Bytes, stage: &Stage, path: &str) -> HttpResponse {
    let (api, deed) = path.split_once('/').unwrap_or((path, ""));
    let Some(simulator) = stage.simulators.get(api) else {
        return refuse(StatusCode::NOT_FOUND, &format!("`{api}` is not simulated here"));
    };
    if request.method() != "POST" {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "a deed is a POST");
    }
    let arguments = match serde_json::from_slice(body) {
        Ok(arguments) => arguments,
        Err(_) if body.is_empty() => Value::Object(serde_json::Map::new()),
        Err(error) => {
            return refuse(StatusCode::BAD_REQUEST, &format!("the body is not JSON: {error}"));
        }
    };
    let mut simulator = lock(simulator);
    let done = simulator.deed(deed, &arguments, clock::now());
    // A customer who writes becomes a webhook.
    stage.later.send(simulator.due());
    drop(simulator);
    match done {
        // A deed that cannot be done says so.
        Some(value) if value["error"].is_string() => HttpResponse::UnprocessableEntity()
            .content_type("application/json")
            .body(value.to_string()),
        Some(value) => HttpResponse::Ok().content_type("application/json").body(value.to_string()),
        None => refuse(
            StatusCode::NOT_FOUND,
            &format!("`{api}` knows no deed `{deed}` with these arguments"),
        ),
    }
}

fn asked(request: &HttpRequest, path: &str, body: Bytes, base_url: String) -> Asked {
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    let headers = request.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Asked {
        method: request.method().as_str().to_owned(),
        path: format!("/{path}"),
        query: query.into_owned().collect(),
        headers: headers.collect(),
        body,
        base_url,
    }
}

fn refuse(status: StatusCode, error: &str) -> HttpResponse {
    let body = json!({ "error": error }).to_string();
    HttpResponse::build(status).content_type("application/json").body(body)
}

/// An answer that promises its whole body and breaks off; with nothing of it, before its head is
/// written.
fn broken(answer: &mut actix_web::HttpResponseBuilder, body: &Bytes, kept: usize) -> HttpResponse {
    let part = body.slice(..kept);
    let parts = stream::unfold(0, move |step| {
        let part = part.clone();
        async move {
            let off = || io::Error::from(io::ErrorKind::ConnectionAborted);
            match step {
                0 if !part.is_empty() => Some((Ok(part), 1)),
                1 => {
                    tokio::time::sleep(BEFORE_CUT).await;
                    Some((Err(off()), 2))
                }
                0 => Some((Err(off()), 2)),
                _ => None,
            }
        }
    });
    // One byte more than there is, so that an empty body is missing as well.
    let promised = body.len() as u64 + 1;
    answer.body(SizedStream::new(promised, Box::pin(parts)))
}
