//! Calls of a small API that is simulated: what works, and what somebody is told when it does not.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::client::{
    Answered, Asked, Auth, Body, Credential, Kind, Paging, Parameter, Place, Problem, Response,
    Simulator, unchecked,
};
use crate::simulate::{Faults, Settings, Simulation};

const PLAIN: Endpoint = Endpoint {
    call: "status",
    summary: "Whether it is there.",
    methods: &["GET"],
    path: "/status",
    auth: Auth::Public,
    parameters: &[],
    body: Body::None,
    paging: None,
    check: unchecked,
    source: "a test, 1",
};

static TINY: &[Api] = &[Api {
    name: "tiny",
    summary: "A small shop.",
    base_url: None,
    credentials: &[
        Credential { name: "token", summary: "What proves who you are." },
        Credential { name: "shopId", summary: "Which shop it is." },
    ],
    endpoints: &[
        PLAIN,
        Endpoint {
            call: "goods",
            summary: "Everything there is.",
            path: "/goods",
            auth: Auth::Bearer("token"),
            parameters: &[
                Parameter::query("shopId", Kind::Text(20), "Which shop.").required(),
                Parameter::query("page", Kind::Integer(1, i64::MAX), "Which page."),
                Parameter::query("soldOut", Kind::Flag, "Also what is sold out."),
            ],
            paging: Some(Paging::Number("page", "/paging/more")),
            ..PLAIN
        },
        Endpoint {
            call: "goods skipped",
            summary: "The same, by how many to skip.",
            path: "/skipped",
            auth: Auth::Bearer("token"),
            parameters: &[
                Parameter::query("skip", Kind::Integer(0, i64::MAX), "How many to skip."),
                Parameter::query("limit", Kind::Integer(1, 4), "How many to show."),
            ],
            paging: Some(Paging::Skip("skip", "limit")),
            ..PLAIN
        },
        Endpoint {
            call: "orders put",
            summary: "Order something.",
            methods: &["POST", "PUT"],
            path: "/orders",
            auth: Auth::Any(&[Auth::Bearer("token"), Auth::Cookie("shop", "shopId")]),
            parameters: &[
                Parameter::field("number", Kind::Integer(1, 9), "How many.").required(),
                Parameter::field("data", Kind::Json, "Anything else."),
            ],
            body: Body::Json,
            ..PLAIN
        },
        Endpoint {
            call: "orders upload",
            summary: "Order from a file.",
            methods: &["POST"],
            path: "/upload",
            parameters: &[Parameter { place: Place::Part, ..Parameter::path("file", "The list.") }],
            body: Body::Multipart,
            ..PLAIN
        },
    ],
    problem: |response: &Response| {
        (response.status >= 400).then(|| Problem {
            status: response.status,
            message: serde_json::from_slice::<Value>(&response.body).unwrap()["error"]
                .as_str()
                .unwrap()
                .to_owned(),
            retry_after: response.header("retry-after").map(|_| std::time::Duration::ZERO),
        })
    },
    simulator: || Box::new(Shop { busy: 2 }),
}];

struct Shop {
    busy: u32,
}

impl Simulator for Shop {
    fn answer(&mut self, asked: &Asked, _: Timestamp) -> Answered {
        let number = |name: &str| asked.parameter(name).and_then(|it| it.parse::<usize>().ok());
        let body = String::from_utf8_lossy(&asked.body);
        match &*asked.path {
            "/status" => Answered { body: Bytes::new(), ..Answered::json(204, &Value::Null) },
            "/goods" if asked.header("authorization") != Some("Bearer hunter2") => {
                Answered::json(401, &json!({ "error": "who are you?" }))
            }
            "/goods" if number("page") == Some(2) && self.busy > 0 => {
                self.busy -= 1;
                let busy = Answered::json(429, &json!({ "error": "slowly" }));
                Answered { headers: vec![("retry-after", "1".into())], ..busy }
            }
            "/goods" => {
                let page = number("page").unwrap_or(1);
                let goods = json!([{ "id": page }, { "id": page * 10 }]);
                let words = json!(["a", "b", "c"]);
                let body = json!({ "goods": goods, "words": words, "paging": { "more": page < 3 },
                    "sold_out": asked.parameter("soldOut"), "shop": asked.parameter("shopId") });
                Answered::json(200, &body)
            }
            "/skipped" => {
                let (skip, limit) = (number("skip").unwrap(), number("limit").unwrap());
                assert_eq!(limit, 4);
                // It gives fewer at once than it was asked for.
                let list = (skip..7).take(3).map(|it| json!({ "id": it })).collect();
                Answered::json(200, &Value::Array(list))
            }
            path => {
                let method = &asked.method;
                Answered::json(200, &json!({ "path": path, "method": method, "body": body }))
            }
        }
    }
}

/// Calls with these words; what was printed, or why it did not work.
async fn call(url: &str, variables: &[(&str, &str)], line: &[&str]) -> Result<Vec<Value>, Failure> {
    let command = command::root(Command::new("call"), TINY).arg(
        clap::Arg::new("data")
            .long("data")
            .global(true)
            .value_parser(clap::value_parser!(std::path::PathBuf)),
    );
    let matches = command.try_get_matches_from([&["call", "tiny"], line].concat());
    let matches = matches.map_err(|it| Failure::Usage(it.to_string()))?;
    let call = Call::read(TINY, &matches).unwrap();
    let environment = |name: &str| match name {
        "TINY_URL" => Some(url.to_owned()),
        name => variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()),
    };
    let mut printed = Vec::new();
    call.perform(&environment, &mut |it| {
        printed.push(it);
        Ok(())
    })
    .await?;
    Ok(printed)
}

const KEYS: &[(&str, &str)] = &[("TINY_TOKEN", "hunter2"), ("TINY_SHOP_ID", "east")];

fn simulation() -> (Simulation, String) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { listen, apis: TINY, faults: Faults::default(), seed: 0 };
    let simulation = Simulation::start(settings).unwrap();
    let url = format!("http://{}/tiny/", simulation.address);
    (simulation, url)
}

#[tokio::test]
async fn a_call_takes_its_credentials_from_the_environment() {
    let (simulation, url) = simulation();
    let found = call(&url, KEYS, &["goods", "--sold-out"]).await.unwrap();
    assert_eq!(found[0]["shop"], "east");
    assert_eq!(found[0]["sold_out"], "true");
    let found = call(&url, KEYS, &["goods", "--shop-id", "west"]).await.unwrap();
    assert_eq!(found[0]["shop"], "west");
    assert_eq!(call(&url, &[], &["status"]).await.unwrap(), [Value::Null]);
    simulation.stop().await;
}

#[tokio::test]
async fn every_page_is_followed_also_where_the_api_is_busy_or_gives_less_than_asked_for() {
    let (simulation, url) = simulation();
    let ids = |found: Vec<Value>| found.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    let found: Vec<u64> = ids(call(&url, KEYS, &["goods", "--all"]).await.unwrap());
    assert_eq!(found, [1, 10, 2, 20, 3, 30]);
    let found: Vec<u64> = ids(call(&url, KEYS, &["goods", "skipped", "--all"]).await.unwrap());
    assert_eq!(found, [0, 1, 2, 3, 4, 5, 6]);
    simulation.stop().await;
}

#[tokio::test]
async fn a_body_comes_from_options_text_and_files() {
    let (simulation, url) = simulation();
    let sent = |found: &[Value]| found[0]["body"].as_str().unwrap().to_owned();
    let found = call(&url, KEYS, &["orders", "put", "--number", "3"]).await.unwrap();
    assert_eq!((&*sent(&found), &found[0]["method"]), (r#"{"number":3}"#, &json!("POST")));
    let line = ["orders", "put", "--method", "put", "--body", r#"{"number":4}"#, "--data", "[1]"];
    let found = call(&url, KEYS, &line).await.unwrap();
    assert_eq!(
        (&*sent(&found), &found[0]["method"]),
        (r#"{"data":[1],"number":4}"#, &json!("PUT"))
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.csv");
    std::fs::write(&path, "tea;2").unwrap();
    let file = format!("@{}", path.display());
    let found = call(&url, KEYS, &["orders", "upload", "--file", &file]).await.unwrap();
    assert!(sent(&found).contains("filename=\"list.csv\"") && sent(&found).contains("tea;2"));
    simulation.stop().await;
}

/// Variables, a command line, and what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[tokio::test]
async fn whoever_called_is_told_what_to_do() {
    let (simulation, url) = simulation();
    let wrong: &[(&str, &str)] = &[("TINY_TOKEN", "wrong"), ("TINY_SHOP_ID", "east")];
    let cases: &[Case] = &[
        (&[], &["goods"], "set TINY_TOKEN (What proves who you are)"),
        (
            &[],
            &["orders", "put", "--number", "1"],
            "TINY_TOKEN (What proves who you are); or TINY_SHOP_ID",
        ),
        (wrong, &["goods"], "tiny answered 401: who are you?"),
        (KEYS, &["orders", "put"], "`--number` is missing: How many."),
        (KEYS, &["orders", "put", "--number", "10"], "`--number` is from 1 to 9, not `10`"),
        (KEYS, &["orders", "put", "--body", r#"{"number":10}"#], "from 1 to 9, not `10`"),
        (KEYS, &["orders", "put", "--body", r#"{"number":1,"size":2}"#], "no field `size`"),
        (KEYS, &["orders", "put", "--body", "{"], "`--body` is not JSON"),
        (KEYS, &["orders", "put", "--body", "@/nowhere"], "cannot read /nowhere"),
        (KEYS, &["orders", "upload", "--file", "@/nowhere"], "cannot read /nowhere"),
        (KEYS, &["status", "--base-url", "shop.example"], "it begins with http"),
        (
            KEYS,
            &["status", "--base-url", "http://127.0.0.1:9"],
            "no answer from tiny at http://127.0",
        ),
        (KEYS, &["good"], "'good'"),
    ];
    for (variables, line, expected) in cases {
        let failure = call(&url, variables, line).await.unwrap_err();
        let text = match &failure {
            Failure::Failed(error) | Failure::Unreachable(error) => format!("{error:#}"),
            Failure::Usage(text) | Failure::Refused(text) => text.clone(),
            Failure::Configuration => String::new(),
        };
        assert!(text.contains(expected), "{line:?}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        let refused = matches!(failure, Failure::Refused(_));
        assert_eq!(refused, expected.contains("answered"), "{line:?}");
        let unreachable = matches!(failure, Failure::Unreachable(_));
        assert_eq!(unreachable, expected.contains("no answer"), "{line:?}");
    }
    simulation.stop().await;
}

#[test]
fn help_says_what_is_taken_and_who_says_so() {
    let mut command = command::root(Command::new("call"), TINY);
    command.build();
    command.clone().debug_assert();
    let mut goods =
        command.find_subcommand("tiny").unwrap().find_subcommand("goods").unwrap().clone();
    let help = goods.render_long_help().to_string();
    for expected in [
        "GET /goods",
        "a test, 1",
        "--shop-id <TEXT>",
        "Required. Which shop.",
        "At most 20 characters.",
        "--sold-out [<TRUE|FALSE>]",
        "TINY_TOKEN",
        "TINY_URL",
        "--all",
    ] {
        assert!(help.contains(expected), "{expected}: {help}");
    }
    assert!(goods.find_subcommand("skipped").is_some(), "a command may have others below it");
}

#[test]
fn variables_are_called_after_the_api_and_the_credential() {
    let name = |it| variable(&TINY[0], it);
    assert_eq!(name("token"), "TINY_TOKEN");
    assert_eq!(name("shopId"), "TINY_SHOP_ID");
    assert_eq!(name("api-key"), "TINY_API_KEY");
    assert_eq!(name("api_key"), "TINY_API_KEY");
}

/// What is sent is the table's business; that nothing in it shows is ours.
#[test]
fn a_call_does_not_print_what_it_was_given() {
    let matches = command::root(Command::new("call"), TINY)
        .try_get_matches_from(["call", "tiny", "goods", "--shop-id", "secret"])
        .unwrap();
    let call = Call::read(TINY, &matches).unwrap();
    assert_eq!(format!("{call:?}"), "Call(tiny goods)");
}
