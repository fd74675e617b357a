//! A simulation as somebody who calls it sees it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::client::{Answered, Asked, Outgoing};
use crate::config::Secret;
use crate::http;

static ECHO: &[Api] = &[Api {
    name: "echo",
    summary: "It says what it heard.",
    base_url: None,
    credentials: &[],
    endpoints: &[],
    problem: |_| None,
    simulator: || Box::new(Echo { heard: 0, posts: 0 }),
}];

struct Echo {
    heard: u64,
    posts: u64,
}

impl Simulator for Echo {
    fn answer(&mut self, asked: &Asked, _: Timestamp) -> Answered {
        self.heard += 1;
        let mut later = Vec::new();
        let mut status = 200;
        if asked.path == "/call-me" {
            let request = Outgoing {
                method: "POST",
                url: format!("{}/called", asked.base_url),
                headers: vec![("x-token".into(), Secret::new("t"))],
                body: Bytes::from_static(b"hello"),
            };
            later.push((Duration::from_millis(10), request));
        }
        if asked.path == "/called" && asked.header("x-token") == Some("t") {
            self.posts += 1;
            // The first does not arrive.
            status = if self.posts == 1 { 503 } else { 200 };
        }
        let body = json!({ "path": asked.path, "query": asked.query, "method": asked.method,
            "heard": self.heard, "posts": self.posts });
        Answered { later, ..Answered::json(status, &body) }
    }

    fn deed(&mut self, deed: &str, arguments: &Value, _: Timestamp) -> Option<Value> {
        if arguments["text"] == "" {
            return Some(json!({ "error": "say something" }));
        }
        (deed == "speak").then(|| json!({ "spoken": arguments["text"], "heard": self.heard }))
    }
}

fn start(faults: Faults) -> (Simulation, String, reqwest::Client) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { listen, apis: ECHO, faults, seed: 1 };
    let simulation = Simulation::start(settings).unwrap();
    let url = format!("http://{}", simulation.address);
    (simulation, url, http::client(Duration::from_secs(5)).unwrap())
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_simulator_is_asked_what_was_asked_to_the_letter() {
    let (simulation, url, http) = start(Faults::default());
    let answer = http.get(format!("{url}/echo/a%2Fc%2F7/b?x=1&x=%20y")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let heard = json_of(answer).await;
    assert_eq!(heard["path"], "/a%2Fc%2F7/b");
    assert_eq!(heard["query"], json!([["x", "1"], ["x", " y"]]));
    let answer = http.get(format!("{url}/other/a")).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(json_of(answer).await["error"], "nothing is simulated here; there are echo");
    simulation.stop().await;
}

#[tokio::test]
async fn a_deed_is_done_to_the_simulator_that_is_named() {
    let (simulation, url, http) = start(Faults { fail: 1.0, ..Faults::default() });
    let deed = |path: &'static str| http.post(format!("{url}/_/{path}"));
    let answer = deed("echo/speak").body(r#"{"text":"hi"}"#).send().await.unwrap();
    assert_eq!(json_of(answer).await["spoken"], "hi", "no fault is in its way");
    let wrong = [
        (deed("echo/sing"), 404, "`echo` knows no deed `sing` with these arguments"),
        (deed("other/speak"), 404, "`other` is not simulated here"),
        (deed("echo/speak").body("{"), 400, "the body is not JSON"),
        (deed("echo/speak").body(r#"{"text":""}"#), 422, "say something"),
        (http.get(format!("{url}/_/echo/speak")), 405, "a deed is a POST"),
    ];
    for (request, status, error) in wrong {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(json_of(answer).await["error"].as_str().unwrap().starts_with(error), "{error}");
    }
    simulation.stop().await;
}

#[tokio::test]
async fn what_fails_was_not_done_and_what_breaks_off_was() {
    let heard = async |http: &reqwest::Client, url: &str| {
        let answer = http.post(format!("{url}/_/echo/speak")).send().await.unwrap();
        json_of(answer).await["heard"].as_u64().unwrap()
    };
    let (simulation, url, http) = start(Faults { fail: 1.0, ..Faults::default() });
    let mut seen = Vec::new();
    for _ in 0..20 {
        let answer = http.get(format!("{url}/echo/a")).send().await.unwrap();
        let busy = answer.headers().contains_key("retry-after");
        assert_eq!(busy, answer.status() == 429);
        seen.push(answer.status().as_u16());
    }
    assert!(seen.contains(&500) && seen.contains(&429), "{seen:?}");
    assert_eq!(heard(&http, &url).await, 0);
    simulation.stop().await;

    let (simulation, url, http) = start(Faults { broken: 1.0, ..Faults::default() });
    let (mut cut, mut closed) = (0, 0);
    for _ in 0..20 {
        match http.get(format!("{url}/echo/a")).send().await {
            Ok(answer) => {
                cut += 1;
                assert!(answer.bytes().await.is_err(), "the body is not whole");
            }
            Err(_) => closed += 1,
        }
    }
    assert!(cut > 0 && closed > 0, "{cut} {closed}");
    // A client may try again by itself where nothing came back.
    assert!(heard(&http, &url).await >= 20);
    simulation.stop().await;
}

#[tokio::test]
async fn what_a_simulator_sends_of_its_own_arrives_at_the_second_try() {
    let (simulation, url, http) = start(Faults::default());
    http.get(format!("{url}/echo/call-me")).send().await.unwrap();
    let mut posts = 0;
    for _ in 0..100 {
        let answer = http.get(format!("{url}/echo/count")).send().await.unwrap();
        posts = json_of(answer).await["posts"].as_u64().unwrap();
        if posts == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(posts, 2);
    simulation.stop().await;
}

#[tokio::test]
async fn nobody_else_reaches_a_simulation() {
    let listen = "0.0.0.0:8090".parse().unwrap();
    let settings = Settings { listen, apis: ECHO, faults: Faults::default(), seed: 0 };
    let error = Simulation::start(settings).err().unwrap().to_string();
    assert!(error.contains("listen on 127.0.0.1:8090 instead of 0.0.0.0:8090"), "{error}");
}
