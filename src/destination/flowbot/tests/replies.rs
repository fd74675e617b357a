//! Messages within FlowBot's conversations.

use jiff::SignedDuration;

use super::*;
use crate::event::facts::Media;

const CONVERSATIONS: &str = include_str!("../fixtures/conversations.json");
const WINDOW: &str = include_str!("../fixtures/window_closed.json");
const BY_TEMPLATE: &str = include_str!("../fixtures/replied_by_template.json");

fn agent() -> Value {
    json!({ "username": "agent", "password": "hunter2" })
}

fn with_fallback() -> Value {
    let template = json!({ "name": "hello", "language": "en", "params": ["you"] });
    json!({
        "username": "agent",
        "password": "hunter2",
        "outside_window": { "template": template },
    })
}

fn thread(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Delivered { thread, .. } => thread.as_deref(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_shortest_route_finds_the_conversation_and_answers_in_it() {
    let mut ends = Ends::new("flowbot.reply", &agent());
    let outcomes = ends.attempts(&call(Value::Null));
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert_eq!(reason(&outcomes[0]), "found the contact's conversation conv-uuid");
    assert!(
        matches!(&outcomes[1], Outcome::Delivered { receipt: Some(id), .. } if id.starts_with("wamid."))
    );
    // What was found is kept with the conversation, and need not be looked for again.
    assert_eq!(thread(&outcomes[1]), Some("conv-uuid"));
    let sent = ends.sent.last().unwrap();
    assert_eq!(sent.url, format!("{BASE}/api/conversations/conv-uuid/reply"));
    assert_eq!(body(sent), json!({ "messageType": "text", "text": "A refund, please" }));
    assert!(header(sent, "cookie").unwrap().starts_with("wdf_token="));
    let mut call = call(json!("Hello"));
    call.standing.thread = Some("conv-uuid".into());
    assert_eq!(ends.attempts(&call).len(), 1);
    assert_eq!(ends.adapter.thread(), Some("flowbot simulator.example"));
}

#[test]
fn the_conversation_is_the_one_in_which_the_contact_wrote_last() {
    let adapter = adapter("flowbot.reply", &agent());
    let read = |call: &Call, body: &str| adapter.outcome(call, &answer(200, body.to_owned()));
    let found = read(&call(Value::Null), CONVERSATIONS);
    assert_eq!(reason(&found), "found the contact's conversation conv-uuid");
    let other = read(&call(json!({ "to": "+972507654321", "text": "hi" })), CONVERSATIONS);
    assert_eq!(reason(&other), "found the contact's conversation conv-other");
    let nobody = read(&call(json!({ "to": "+4912345678", "text": "hi" })), CONVERSATIONS);
    assert_eq!(nobody, Outcome::refused("FlowBot has no conversation with +4912345678"));
    assert!(matches!(read(&call(Value::Null), "<html>"), Outcome::Refused { .. }));
    assert!(matches!(read(&call(Value::Null), "[1, {}, null]"), Outcome::Refused { .. }));
    let down = adapter.outcome(&call(Value::Null), &answer(500, ""));
    assert!(matches!(down, Outcome::Retry { after: None, .. }));
    // Whom the route names is somebody else than the contact whose conversation is known.
    let mut elsewhere = with_token(json!({ "to": "+972507654321", "text": "hi" }));
    elsewhere.standing.thread = Some("conv-uuid".into());
    assert!(adapter.request(&elsewhere).unwrap().url.contains("/api/conversations?limit="));
}

#[test]
fn a_failure_after_the_search_begins_it_anew() {
    let mut ends = Ends::new("flowbot.reply", &agent());
    let mut call = call(Value::Null);
    for _ in 0..2 {
        let found = ends.attempt(&call);
        call.last = Some(reason(&found).to_owned());
        ends.deed("fail", &json!({ "status": 500 }));
        let failed = ends.attempt(&call);
        assert_eq!(reason(&failed), "500: Internal server error");
        call.last = Some(reason(&failed).to_owned());
    }
    assert!(matches!(ends.attempts(&call).last(), Some(Outcome::Delivered { .. })));
}

#[test]
fn messages_of_every_type_are_sent() {
    for (payload, expected) in [
        (json!("Hello"), json!({ "messageType": "text", "text": "Hello" })),
        (
            json!({ "message_type": "text", "text": "Hello" }),
            json!({ "messageType": "text", "text": "Hello" }),
        ),
        (
            json!({ "mediaUrl": "https://x.example/a.JPG?size=1", "caption": "See" }),
            json!({ "messageType": "image", "mediaUrl": "https://x.example/a.JPG?size=1", "caption": "See" }),
        ),
        (
            json!({ "media_url": "https://x.example/a.mp4" }),
            json!({ "messageType": "video", "mediaUrl": "https://x.example/a.mp4" }),
        ),
        (
            json!({ "mediaUrl": "https://x.example/a" }),
            json!({ "messageType": "document", "mediaUrl": "https://x.example/a" }),
        ),
        (
            json!({ "mediaUrl": "https://x.example/a", "messageType": "image" }),
            json!({ "messageType": "image", "mediaUrl": "https://x.example/a" }),
        ),
        (
            json!({ "template_name": "order_update", "template_language": "en",
                    "template_params": ["ORD-12345", "Shipped"] }),
            json!({ "messageType": "template", "templateName": "order_update",
                    "templateLanguage": "en", "templateParams": ["ORD-12345", "Shipped"] }),
        ),
    ] {
        let mut ends = Ends::new("flowbot.reply", &agent());
        let outcomes = ends.attempts(&call(payload.clone()));
        assert!(
            matches!(outcomes.last(), Some(Outcome::Delivered { .. })),
            "{payload}: {outcomes:?}"
        );
        assert_eq!(body(ends.sent.last().unwrap()), expected, "{payload}");
    }
}

#[test]
fn media_of_an_event_are_passed_on() {
    let adapter = adapter("flowbot.reply", &agent());
    for (mime, caption, kind) in [
        (Some("image/png"), Some("Mine"), "image"),
        (Some("video/mp4"), None, "video"),
        (Some("audio/ogg"), None, "document"),
        (None, None, "image"),
    ] {
        let mut facts = facts();
        let message = facts.message.as_mut().unwrap();
        message.text = None;
        message.media = Some(Media {
            url: Some("https://x.example/a.png".into()),
            mime_type: mime.map(str::to_owned),
            caption: caption.map(str::to_owned),
            ..Media::default()
        });
        let mut call = call_of(facts, Value::Null);
        call.token = Some(Secret::new("t"));
        call.standing.thread = Some("c".into());
        let sent = body(&adapter.request(&call).unwrap());
        assert_eq!(
            (&sent["messageType"], &sent["caption"]),
            (&json!(kind), &json!(caption)),
            "{mime:?}"
        );
    }
}

#[test]
fn when_the_window_has_closed_a_template_follows_or_it_is_refused() {
    let payload = json!({ "conversation": "conv-closed", "text": "hi" });
    let mut ends = Ends::new("flowbot.reply", &agent());
    let refused = ends.attempt(&call(payload.clone()));
    assert_eq!(
        refused,
        Outcome::refused(
            "400: The 24-hour window is closed, send a template (only a template may be sent now; \
             `outside_window` of the destination can name one)"
        )
    );
    let mut ends = Ends::new("flowbot.reply", &with_fallback());
    let outcomes = ends.attempts(&call(payload.clone()));
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert_eq!(thread(&outcomes[1]), Some("conv-closed"));
    let sent = ends.sent.last().unwrap();
    assert_eq!(sent.url, format!("{BASE}/api/conversations/conv-closed/reply"));
    assert_eq!(
        body(sent),
        json!({ "messageType": "template", "templateName": "hello", "templateLanguage": "en",
                "templateParams": ["you"] })
    );
    // Found first, too late then, a template in the end.
    let outcomes = ends.attempts(&call(json!({ "to": "+972507654321", "text": "hi" })));
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
    assert!(ends.sent.last().unwrap().url.ends_with("/conv-closed/reply"));
    // Within the window, the message itself is sent.
    ends.deed("message", &json!({ "from": "+972507654321", "text": "still there?" }));
    assert_eq!(ends.attempts(&call(payload.clone())).len(), 1);
    ends.now += SignedDuration::from_hours(24);
    assert_eq!(ends.attempts(&call(payload)).len(), 2);
}

#[test]
fn a_closed_window_is_known_by_its_flag_and_by_its_words() {
    let fallback = adapter("flowbot.reply", &with_fallback());
    let text = call(json!({ "conversation": "c", "text": "hi" }));
    let template = call(json!({ "conversation": "c", "templateName": "t" }));
    for (status, body, is_closed) in [
        (200, WINDOW, true),
        (400, WINDOW, true),
        (400, r#"{"error":"Outside the 24h window"}"#, true),
        (403, r#"{"error":"Messaging window closed"}"#, true),
        (400, r#"{"error":"Bad phone"}"#, false),
    ] {
        let outcome = fallback.outcome(&text, &answer(status, body));
        let follows = matches!(&outcome, Outcome::Retry { after: Some(it), .. } if it.is_zero());
        assert_eq!(follows, is_closed, "{status} {body}: {outcome:?}");
        // There is nothing after a template.
        let outcome = fallback.outcome(&template, &answer(status, body));
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    // A template goes out while the window is closed: that it is, is no failure.
    let outcome = fallback.outcome(&template, &answer(200, BY_TEMPLATE));
    assert!(matches!(outcome, Outcome::Delivered { receipt: Some(id), .. } if id == "wamid.yyy"));
    // FlowBot itself being down says nothing about the window.
    let outcome = fallback.outcome(&text, &answer(500, WINDOW));
    assert!(matches!(outcome, Outcome::Retry { after: None, .. }));
}

#[test]
fn a_conversation_that_is_not_there_is_refused() {
    let mut ends = Ends::new("flowbot.reply", &agent());
    let outcome = ends.attempt(&call(json!({ "conversation": "none", "text": "hi" })));
    assert_eq!(outcome, Outcome::refused("404: Conversation not found"));
    let stranger = json!({ "to": "+4912345678", "text": "hi" });
    let outcome = ends.attempt(&call(stranger));
    assert_eq!(outcome, Outcome::refused("FlowBot has no conversation with +4912345678"));
}
