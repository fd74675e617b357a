//! What the admin API answers when it cannot do what was asked.

use actix_web::HttpResponse;

use super::answer::Problem;
use crate::journal::Error;

/// An answer, or why there is none.
pub(super) type Answer = Result<HttpResponse, Failed>;

/// The journal could not answer.
#[derive(Debug)]
pub(super) struct Failed(Error);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl actix_web::ResponseError for Failed {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::ServiceUnavailable().json(Problem::new(self.0.to_string()))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// There is no such thing.
pub(super) fn missing(sentence: &str) -> HttpResponse {
    HttpResponse::NotFound().json(Problem::new(sentence))
}

/// What was asked makes no sense.
pub(super) fn wrong(sentence: impl Into<String>) -> HttpResponse {
    HttpResponse::BadRequest().json(Problem::new(sentence))
}

/// What was asked could not be read.
pub(super) fn unread(sentence: String, error: actix_web::Error) -> actix_web::Error {
    actix_web::error::InternalError::from_response(error, wrong(sentence)).into()
}
