//! Errors in the shape of the Graph API.
//!
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>.

use serde_json::{Value, json};

use crate::client::Answered;

pub(super) type Refused = Answered;

/// A code's HTTP status and title.
fn known(code: i64) -> (u16, &'static str) {
    match code {
        0 => (401, "AuthException"),
        4 => (400, "Application request limit reached"),
        1 => (500, "An unknown error occurred"),
        2 => (503, "Service temporarily unavailable"),
        10 => (403, "Application does not have permission for this action"),
        100 => (400, "Invalid parameter"),
        104 => (400, "An access token is required to request this resource."),
        190 => (401, "Invalid OAuth access token - Cannot parse access token"),
        551 => (400, "This person isn't available right now."),
        1200 => (500, "Temporary send message failure. Please try again later."),
        368 => (403, "Temporarily blocked for policies violations"),
        2500 => (400, "Unknown path components"),
        80007 => (429, "Rate limit issues"),
        130_429 => (429, "Rate limit hit"),
        130_472 => (400, "User's number is part of an experiment"),
        131_000 => (500, "Something went wrong"),
        131_005 => (403, "Access denied"),
        131_008 => (400, "Required parameter is missing"),
        131_009 => (400, "Parameter value is not valid"),
        131_016 => (503, "Service unavailable"),
        131_026 => (400, "Message undeliverable"),
        131_031 => (403, "Account has been locked"),
        131_047 => (400, "Re-engagement message"),
        131_048 => (429, "Spam rate limit hit"),
        131_049 => (400, "Meta chose not to deliver"),
        131_051 => (501, "Unsupported message type"),
        131_053 => (400, "Media upload error"),
        131_056 => (429, "Pair rate limit hit"),
        131_057 => (500, "Account in maintenance mode"),
        132_000 => (400, "Number of parameters does not match the expected number of params"),
        132_001 => (404, "Template name does not exist in the translation"),
        132_015 => (400, "Template is paused"),
        133_010 => (400, "Phone number not registered"),
        _ => (400, "Generic error"),
    }
}

/// What Meta says to a code where nothing more is known.
fn details(code: i64) -> &'static str {
    match code {
        130_429 => {
            "Message failed to send because there have been too many requests in too short \
                    a time."
        }
        131_026 => "Message Undeliverable.",
        131_047 => {
            "Message failed to send because more than 24 hours have passed since the \
                    customer last replied to this number."
        }
        131_056 => {
            "Message failed to send because there were too many messages sent from this \
                    phone number to the same recipient in a short period of time."
        }
        code => known(code).1,
    }
}

pub(super) fn refused(code: i64, said: &str) -> Refused {
    let (status, title) = known(code);
    let mut error = json!({
        "message": format!("(#{code}) {title}"),
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "Asimulated0000000000000",
    });
    // Tokens and paths are the business of the Graph API itself, which has no details.
    if [104, 190].contains(&code) {
        error["message"] = title.into();
    } else {
        let details = if said.is_empty() { details(code) } else { said };
        error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
    }
    Answered::json(status, &json!({ "error": error }))
}

/// The same within a status.
pub(super) fn error(code: i64) -> Value {
    let title = known(code).1;
    json!({
        "code": code,
        "title": title,
        "message": title,
        "error_data": { "details": details(code) },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}
