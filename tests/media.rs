//! Media that the gateway keeps, as whoever has a link to them sees them.

use std::time::Duration;

use base64::Engine as _;
use reqwest::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sluicegate::clock;
use sluicegate::config::Secret;
use sluicegate::media::{Digest, Link, Shelf};

use crate::lookups::{receiver, sent};
use crate::support::gateway::{Gateway, client, envelope, now, post};
use crate::support::simulation::Simulation;

const ROUTES: &str = r#"
sources:
  whatsapp:
    provider: whatsapp
    app_secrets: ["an app secret of a test"]
    verify_token: token
    access_token: a-token-of-a-test
    base_url: "{graph}/graph/v25.0"
destinations:
  agent: { kind: webhook, url: "{agent}", signing_secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD }
routes:
  - name: pictures
    on: message.received
    media: fetch
    to:
      agent:
        caption: "{{ event.message.media.caption }}"
        url: "{{ event.message.media.url | default('') }}"
"#;

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

#[tokio::test]
async fn a_file_is_fetched_once_and_whoever_is_called_gets_a_link_to_it() {
    let simulation = Simulation::start(&[]);
    let picture = json!({ "id": "4001", "mime_type": "image/png", "content": "a picture" });
    simulation.deed("graph", "media", &picture).await;
    let (agent, seen) = receiver().await;
    let directory = tempfile::tempdir().unwrap();
    let routes = ROUTES.replace("{graph}", &simulation.url).replace("{agent}", &agent);
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[]);
    let stated = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(b"a picture"));
    // The second is the same file: Meta has it no more, and it is not asked. The third is gone.
    for (id, media, sha256) in [("1", "4001", &*stated), ("2", "4002", &*stated), ("3", "4003", "")]
    {
        let mut image = json!({ "id": media, "mime_type": "image/png", "sha256": sha256 });
        image["caption"] = id.into();
        let message = json!({ "from": "27821234567", "id": format!("wamid.{id}"),
            "timestamp": now(), "type": "image", "image": image });
        assert_eq!(post(&client(), &gateway.url, envelope(&[message])).await, Some(200));
        sent(&seen, id.parse().unwrap()).await;
    }
    let all = sent(&seen, 3).await;
    let mut signature = String::new();
    for it in &all[..2] {
        let link = it["url"].as_str().unwrap();
        let (_, path) = link.split_once("/media/").unwrap_or_else(|| panic!("{it}"));
        let answer = client().get(format!("{}/media/{path}", gateway.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{link}");
        assert_eq!(answer.headers()["content-type"], "image/png");
        assert_eq!(answer.bytes().await.unwrap(), "a picture");
        signature = link.rsplit_once("signature=").unwrap().1.to_owned();
    }
    assert_eq!(all[2]["url"], "", "{}", all[2]);
    // What is recorded of the attempt leads nowhere.
    let page = gateway.admin("GET", "/api/events", None).await;
    let events = page["events"].as_array().unwrap();
    let mut stories = String::new();
    for it in events {
        let path = format!("/api/events/{}", it["id"].as_str().unwrap());
        stories += &gateway.admin("GET", &path, None).await.to_string();
    }
    assert!(stories.contains("signature=***"), "{stories}");
    assert!(!stories.contains(&signature) && !stories.contains("a-token-of-a-test"), "{stories}");
}
