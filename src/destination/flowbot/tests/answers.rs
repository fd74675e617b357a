//! Every answer that the document has, and those that HTTP adds: what each means.

use std::time::Duration;

use super::*;
use crate::destination::Scope;

const TRIGGERED: &str = include_str!("../fixtures/triggered.json");
const QUEUED: &str = include_str!("../fixtures/queued.json");
const LEAD_TAKEN: &str = include_str!("../fixtures/lead_taken.json");
const REPLIED: &str = include_str!("../fixtures/replied.json");
const BY_TEMPLATE: &str = include_str!("../fixtures/replied_by_template.json");
const WINDOW: &str = include_str!("../fixtures/window_closed.json");
const ERROR: &str = include_str!("../fixtures/error.json");
const NOT_APPROVED: &str = include_str!("../fixtures/not_approved.json");

/// What is expected of an answer.
#[derive(Debug, PartialEq)]
enum Becomes {
    Delivered(Option<&'static str>),
    Retry(Option<u64>),
    Refused,
    Rests,
}

fn told(outcome: &Outcome, credential: &str) -> Becomes {
    match outcome {
        Outcome::Delivered { receipt, replies, .. } => {
            assert!(replies.is_empty());
            let known = ["queue-7", "wamid.xxx", "wamid.yyy", "flow-uuid", "42"];
            let id = |it: &String| *known.iter().find(|known| *known == it).unwrap();
            Becomes::Delivered(receipt.as_ref().map(id))
        }
        Outcome::Retry { after, .. } => Becomes::Retry(after.map(|it| it.as_secs())),
        Outcome::Refused { .. } => Becomes::Refused,
        Outcome::Pause { scope, duration, .. } => {
            assert_eq!(*scope, Scope::Credential(credential.into()));
            assert_eq!(*duration, Some(Duration::from_hours(1)));
            Becomes::Rests
        }
        Outcome::Await { .. } => panic!("{outcome:?}"),
    }
}

fn every_kind() -> [(Arc<dyn Adapter>, Call, &'static str); 4] {
    let client = |more: Value| {
        let mut all = json!({ "client_id": "aiflow_1", "api_key": "sk_1" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let agent = json!({ "username": "agent", "password": "hunter2" });
    let row =
        json!({ "username": "agent", "password": "hunter2", "call": "flows", "method": "POST" });
    let id = json!({ "flow_id": "f" });
    [
        (adapter("flowbot.outbound", &client(id.clone())), call(Value::Null), "aiflow_1"),
        (adapter("flowbot.lead", &client(id)), call(Value::Null), "aiflow_1"),
        (
            adapter("flowbot.reply", &agent),
            call(json!({ "conversation": "c", "text": "hi" })),
            "agent",
        ),
        (adapter("flowbot.call", &row), call(json!({ "name": "Shop" })), "agent"),
    ]
}

#[test]
fn every_answer_has_its_row() {
    use Becomes::{Delivered, Refused, Rests, Retry};
    // In the order of the kinds: outbound, lead, reply, call.
    for (status, header, body, expected) in [
        (
            200,
            None,
            TRIGGERED,
            [Delivered(None), Delivered(None), Delivered(None), Delivered(None)],
        ),
        (
            201,
            None,
            LEAD_TAKEN,
            [Delivered(None), Delivered(None), Delivered(None), Delivered(None)],
        ),
        (200, None, REPLIED, [(); 4].map(|()| Delivered(Some("wamid.xxx")))),
        (200, None, BY_TEMPLATE, [(); 4].map(|()| Delivered(Some("wamid.yyy")))),
        (202, None, QUEUED, [(); 4].map(|()| Delivered(Some("queue-7")))),
        (201, None, r#"{"id":"flow-uuid"}"#, [(); 4].map(|()| Delivered(Some("flow-uuid")))),
        (201, None, r#"{"id":42}"#, [(); 4].map(|()| Delivered(Some("42")))),
        // A status of 200 that says something else.
        (200, None, WINDOW, [(); 4].map(|()| Refused)),
        (200, None, ERROR, [(); 4].map(|()| Refused)),
        (200, None, r#"{"success":false}"#, [(); 4].map(|()| Refused)),
        (200, None, r#"{"error":{"message":"no"}}"#, [(); 4].map(|()| Refused)),
        (200, None, "<!doctype html>", [Refused, Refused, Refused, Delivered(None)]),
        (200, None, "", [Refused, Refused, Refused, Delivered(None)]),
        (204, None, "", [Refused, Refused, Refused, Delivered(None)]),
        (200, None, "[]", [Refused, Refused, Refused, Delivered(None)]),
        // A reverse proxy, or a page to log in at.
        (301, None, "", [(); 4].map(|()| Refused)),
        (307, None, "", [(); 4].map(|()| Refused)),
        // The codes of the document.
        (400, None, ERROR, [(); 4].map(|()| Refused)),
        (401, None, ERROR, [(); 4].map(|()| Rests)),
        (403, None, NOT_APPROVED, [(); 4].map(|()| Rests)),
        (403, None, r#"{"error":"API usage is blocked"}"#, [(); 4].map(|()| Rests)),
        (403, None, r#"{"error":"Insufficient permissions"}"#, [(); 4].map(|()| Refused)),
        (404, None, ERROR, [(); 4].map(|()| Refused)),
        (409, None, ERROR, [Delivered(None), Delivered(None), Refused, Refused]),
        (429, None, ERROR, [(); 4].map(|()| Retry(None))),
        (429, Some("7"), ERROR, [(); 4].map(|()| Retry(Some(7)))),
        (429, Some("Tue, 24 Nov 2026 12:00:30 GMT"), ERROR, [(); 4].map(|()| Retry(Some(30)))),
        (429, Some("Tue, 24 Nov 2026 11:00:00 GMT"), ERROR, [(); 4].map(|()| Retry(Some(0)))),
        (429, Some("9999999"), ERROR, [(); 4].map(|()| Retry(Some(3600)))),
        (429, Some("soon"), ERROR, [(); 4].map(|()| Retry(None))),
        (500, None, ERROR, [(); 4].map(|()| Retry(None))),
        // What else HTTP has.
        (405, None, "", [(); 4].map(|()| Refused)),
        (408, None, "", [(); 4].map(|()| Retry(None))),
        (413, None, "", [(); 4].map(|()| Refused)),
        (422, None, ERROR, [(); 4].map(|()| Refused)),
        (425, Some("1"), "", [(); 4].map(|()| Retry(Some(1)))),
        (502, None, "<html>", [(); 4].map(|()| Retry(None))),
        (503, Some("20"), "", [(); 4].map(|()| Retry(Some(20)))),
        (504, None, "", [(); 4].map(|()| Retry(None))),
        (100, None, "", [(); 4].map(|()| Retry(None))),
        (999, None, "", [(); 4].map(|()| Retry(None))),
    ] {
        let mut answer = answer(status, body);
        answer.headers.extend(header.map(|it| ("retry-after".to_owned(), it.to_owned())));
        for ((adapter, call, credential), expected) in every_kind().iter().zip(expected) {
            let outcome = adapter.outcome(call, &answer);
            assert_eq!(told(&outcome, credential), expected, "{status} {body} {outcome:?}");
            if let Outcome::Pause { scope, .. } = &outcome {
                assert!(adapter.scopes(call).contains(scope), "{scope:?} pauses nothing");
            }
        }
    }
}

#[test]
fn a_refusal_is_told_in_the_words_of_flowbot() {
    for (adapter, call, _) in every_kind() {
        let outcome = adapter.outcome(&call, &answer(400, ERROR));
        assert_eq!(outcome, Outcome::refused("400: Human-readable error message"));
        let nested = adapter.outcome(&call, &answer(400, r#"{"error":{"message":"no flow"}}"#));
        assert_eq!(reason(&nested), "400: no flow");
        let long = format!(r#"{{"error":"{}"}}"#, "ä".repeat(9000));
        assert_eq!(reason(&adapter.outcome(&call, &answer(400, long))).chars().count(), 305);
        let page = adapter.outcome(&call, &answer(307, "<html>secret page</html>"));
        assert_eq!(reason(&page), "FlowBot answers 307, somewhere else; is `base_url` right?");
    }
}

#[test]
fn what_is_there_already_may_come_of_an_answer_that_was_lost() {
    let [_, _, _, (adapter, first, _)] = every_kind();
    let conflict = answer(409, r#"{"error":"A flow of this name already exists"}"#);
    assert!(matches!(adapter.outcome(&first, &conflict), Outcome::Refused { .. }));
    let second = Call { attempt: 2, ..first.clone() };
    assert_eq!(adapter.outcome(&second, &conflict), Outcome::delivered());
    let again = Call { replay: true, ..first };
    assert_eq!(adapter.outcome(&again, &conflict), Outcome::delivered());
}

#[test]
fn no_reason_gives_a_secret_away() {
    for (adapter, call, _) in every_kind() {
        let call = Call { token: Some(Secret::new("a-token")), ..call };
        assert!(!adapter.secrets().is_empty());
        for status in [200, 307, 400, 401, 403, 409, 429, 500] {
            let outcome = adapter.outcome(&call, &answer(status, ERROR));
            for secret in ["sk_1", "hunter2", "a-token"] {
                assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
            }
        }
    }
}
