//! How tokens are asked for, read and refused.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{URL, answer, build, call, header, now};
use crate::client::Response;
use crate::config::Secret;
use crate::destination::{Adapter, Call, Outcome, Scope};

fn with_oauth2(more: &Value) -> Arc<dyn Adapter> {
    let mut oauth2 = json!({
        "token_url": "https://id.example/token?tenant=1",
        "client_id": "sluice gate",
        "client_secret": "s3cret/+",
    });
    for (name, value) in more.as_object().unwrap() {
        oauth2[name] = value.clone();
    }
    build("webhook", json!({ "url": URL, "oauth2": oauth2 })).unwrap()
}

#[test]
fn a_token_is_asked_for_with_client_credentials() {
    let webhook = with_oauth2(&json!({}));
    let asked = webhook.session().unwrap().request(now()).unwrap();
    assert_eq!((asked.method, &*asked.url), ("POST", "https://id.example/token?tenant=1"));
    assert_eq!(asked.body, "grant_type=client_credentials");
    let media = "application/x-www-form-urlencoded";
    assert_eq!(header(&asked, "content-type"), Some(media));
    // Encoded as in a form, then joined: `sluice+gate:s3cret%2F%2B`.
    let basic = "Basic c2x1aWNlK2dhdGU6czNjcmV0JTJGJTJC";
    assert_eq!(header(&asked, "authorization"), Some(basic));
    assert_eq!(webhook.session().unwrap().key(), "oauth2 sluice gate at https://id.example/token");

    let webhook = with_oauth2(&json!({
        "client_authentication": "form", "scope": "a b", "audience": "crm"
    }));
    let asked = webhook.session().unwrap().request(now()).unwrap();
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&scope=a+b&audience=crm&client_id=sluice+gate\
         &client_secret=s3cret%2F%2B"
    );
    assert_eq!(header(&asked, "authorization"), None);
    let key = "oauth2 sluice gate at https://id.example/token for crm for a b";
    assert_eq!(webhook.session().unwrap().key(), key);
}

#[test]
fn a_token_is_read_and_used() {
    let webhook = with_oauth2(&json!({}));
    let session = webhook.session().unwrap();
    let read = |body: Value| {
        let body = body.to_string().into();
        session.read(&Response { status: 200, body, ..Response::default() }, now())
    };
    let minutes = |it: i64| now() + jiff::SignedDuration::from_mins(it);
    for (body, renew, expires) in [
        (json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }), 48, 60),
        (json!({ "access_token": "t", "expires_in": "600" }), 8, 10),
        (json!({ "access_token": "t" }), 8, 10),
    ] {
        let grant = read(body.clone()).unwrap();
        let found = (grant.token.expose(), grant.renew, grant.expires);
        assert_eq!(found, ("t", minutes(renew), minutes(expires)), "{body}");
    }
    // A life without end is no reason to panic.
    assert!(read(json!({ "access_token": "t", "expires_in": u64::MAX })).is_ok());
    let token = Some(Secret::new("t0ken"));
    let sent = webhook.request(&Call { token, ..call() }).unwrap();
    assert_eq!(header(&sent, "authorization"), Some("Bearer t0ken"));
    assert!(session.is_stale(&answer(401, &[])) && !session.is_stale(&answer(403, &[])));
}

#[test]
fn a_refused_token_stands_everything_still_that_needs_it() {
    let webhook = with_oauth2(&json!({}));
    let session = webhook.session().unwrap();
    let scope = Scope::Credential(session.key());
    assert_eq!(webhook.scopes(&call()), std::slice::from_ref(&scope));
    let pause = |reason: &str| Outcome::pause(scope.clone(), reason, None);
    let rows = [
        (
            400,
            json!({ "error": "invalid_client", "error_description": "s3cret" }),
            pause("400: `oauth2.token_url` gives no token (invalid_client)"),
        ),
        (401, json!({}), pause("401: `oauth2.token_url` gives no token")),
        (403, json!({ "error": "s3cret/+" }), pause("403: `oauth2.token_url` gives no token")),
        (404, json!({}), Outcome::retry("404: `oauth2.token_url` gives no token")),
        (503, json!("down"), Outcome::retry("503: `oauth2.token_url` gives no token")),
        (200, json!("?"), Outcome::retry("200: the answer of `oauth2.token_url` holds no token")),
        (
            200,
            json!({ "access_token": "t", "token_type": "mac" }),
            pause("`oauth2.token_url` gives tokens that are no bearer tokens"),
        ),
    ];
    for (status, body, expected) in rows {
        let answer = Response { body: body.to_string().into(), ..answer(status, &[]) };
        assert_eq!(session.read(&answer, now()).unwrap_err(), expected, "{status} {body}");
    }
    let busy = session.read(&answer(429, &[("retry-after", "7")]), now()).unwrap_err();
    let reason = "429: `oauth2.token_url` gives no token".to_owned();
    assert_eq!(busy, Outcome::Retry { reason, after: Some(Duration::from_secs(7)) });
}
