//! What concerns the conversation or the page rather than one message: wishes, accounts, and which
//! app answers.

use serde_json::Value;

use super::happening::Happening;
use crate::event::facts::{Handover, Notice, Preference};
use crate::event::{Draft, Kind};
use crate::lenient::{first, list, text};

/// `optin`: a contact agreed to be written to, or stopped or resumed it. The token to write with
/// is in the raw fragment only.
pub(super) fn optin(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let category = text(&inner["type"]).unwrap_or_else(|| {
        let plugin =
            if inner["user_ref"].is_null() { "send_to_messenger" } else { "checkbox_plugin" };
        plugin.to_owned()
    });
    let mut draft = happening.draft(Kind::PREFERENCE_CHANGED, happening.key("optin"));
    draft.facts.preference = Some(Preference {
        category,
        value: text(&inner["notification_messages_status"]).unwrap_or_else(|| "opt_in".to_owned()),
        text: first(inner, &["title", "ref", "payload"]),
    });
    vec![draft]
}

/// `account_linking`: the contact tied its account of ours to the conversation, or untied it. The
/// authorization code is in the raw fragment only.
pub(super) fn linking(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let event = text(&inner["status"]);
    vec![told(
        happening,
        Kind::CONTACT_UPDATED,
        Notice { field: "account_linking".to_owned(), event, ..Notice::default() },
    )]
}

/// `game_play`: a contact played one of the page's games.
pub(super) fn game(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    vec![told(
        happening,
        Kind::CONTACT_UPDATED,
        Notice {
            field: "game_play".to_owned(),
            event: text(&inner["context_type"]),
            value: text(&inner["score"]),
            subject: text(&inner["game_id"]),
            ..Notice::default()
        },
    )]
}

fn told(happening: &Happening<'_>, kind: Kind, notice: Notice) -> Draft {
    let mut draft = happening.draft(kind, happening.key(&notice.field));
    draft.facts.notice = Some(notice);
    draft
}

/// `policy_enforcement`: the page may no longer send, or may again.
pub(super) fn policy(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mut draft = happening.notice(Kind::ACCOUNT_ALERT, happening.key("policy_enforcement"));
    draft.facts.notice = Some(Notice {
        field: "policy_enforcement".to_owned(),
        event: text(&inner["action"]),
        reason: text(&inner["reason"]),
        ..Notice::default()
    });
    vec![draft]
}

/// Which app holds the conversation. A request changes nothing yet: it has no current holder.
pub(super) fn handover(happening: &Happening<'_>, event: &str, inner: &Value) -> Vec<Draft> {
    let mut draft = happening.draft(Kind::HANDOVER_CHANGED, happening.key(event));
    draft.facts.handover = Some(Handover {
        event: event.to_owned(),
        previous: text(&inner["previous_owner_app_id"]),
        current: text(&inner["new_owner_app_id"])
            .or_else(|| Some(inner).filter(|_| event == "app_roles").and_then(primary)),
    });
    vec![draft]
}

/// The app that is the primary receiver: `{"123": ["primary_receiver"]}`.
fn primary(roles: &Value) -> Option<String> {
    let is_primary =
        |it: &Value| it == "primary_receiver" || list(it).iter().any(|it| it == "primary_receiver");
    roles.as_object()?.iter().find(|it| is_primary(it.1)).map(|it| it.0.clone())
}
