//! Media that the gateway keeps, as whoever has a link to them sees them.

use std::time::Duration;

use reqwest::StatusCode;
use sluicegate::clock;
use sluicegate::config::Secret;
use sluicegate::media::{Digest, Link, Shelf};

use crate::support::gateway::{Gateway, client};

#[tokio::test]
async fn a_medium_is_served_to_whoever_has_a_link_that_is_ours_and_not_over() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let data = directory.path().join("data");
    let key = Secret::new(std::fs::read_to_string(data.join("store.key")).unwrap().trim());
    let now = clock::now();
    let hour = Duration::from_hours(1);
    let picture = Shelf::new(data.join("media")).keep(b"<script>", None, now).unwrap();
    let link = |digest, expires| Link::new(digest, Some("text/html"), expires);
    let url = |link: Link| link.url(&gateway.url, &key).expose().to_owned();
    let get = async |url: &str| client().get(url).send().await.unwrap();

    let good = url(link(picture, now + hour));
    let answer = get(&good).await;
    assert_eq!(answer.status(), StatusCode::OK);
    for (name, expected) in [
        ("content-type", "text/html"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
    ] {
        assert_eq!(answer.headers()[name], expected, "{name}");
    }
    assert_eq!(answer.bytes().await.unwrap(), "<script>");

    assert_eq!(get(&url(link(picture, now - hour))).await.status(), StatusCode::GONE);
    let gone = Digest::of(b"what nobody keeps");
    assert_eq!(get(&url(link(gone, now + hour))).await.status(), StatusCode::GONE);
    let (bare, query) = good.split_once('?').unwrap();
    for forged in [
        bare.to_owned(),
        good.replace("text%2Fhtml", "image%2Fpng"),
        format!("{}/media/{gone}?{query}", gateway.url),
        format!("{}/media/..%2Fstore.key?{query}", gateway.url),
        format!("{good}00"),
    ] {
        assert_eq!(get(&forged).await.status(), StatusCode::FORBIDDEN, "{forged}");
    }
}
