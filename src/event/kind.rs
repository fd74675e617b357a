//! Every kind of event there is; `docs/events.md` is generated from this file.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happened, as routes match it: two lower-case words with a dot between them.
///
/// The set is open: `<provider>.unmapped` belongs to its provider, and a generic webhook source
/// may name kinds of its own.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A kind by its name, known at compile time.
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A kind by its name; borrows the catalogue's own string where it has one.
    pub fn parse(name: &str) -> Self {
        CATALOGUE
            .iter()
            .find(|it| it.kind.as_str() == name)
            .map_or_else(|| Self(Cow::Owned(name.to_owned())), |it| it.kind.clone())
    }

    /// The name, as written in `routes.yaml`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The catalogue's entry, for every kind that is not a provider's own.
    pub fn entry(&self) -> Option<&'static Entry> {
        CATALOGUE.iter().find(|it| it.kind == *self)
    }

    /// The sections of [`Facts`](super::Facts) it carries beside `channel`.
    pub fn sections(&self) -> &'static [&'static str] {
        let own = if self.0.ends_with(".unmapped") { UNMAPPED } else { OWN };
        self.entry().map_or(own, |it| it.sections)
    }
}

/// The sections of a provider's `unmapped`.
const UNMAPPED: &[&str] = &["contact", "conversation", "unmapped"];

/// The sections of kinds that a source names itself.
const OWN: &[&str] = &["contact", "conversation", "message", "fields"];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of the [`CATALOGUE`].
pub struct Entry {
    /// The kind.
    pub kind: Kind,
    /// One sentence for `docs/events.md`.
    pub summary: &'static str,
    /// The sections of [`Facts`](super::Facts) it carries beside `channel`.
    pub sections: &'static [&'static str],
}

/// Declares a constant for every kind, and the catalogue that lists them.
macro_rules! catalogue {
    ($($constant:ident $name:literal $summary:literal [$($section:literal),*];)*) => {
        impl Kind {
            $(#[doc = $summary] pub const $constant: Self = Self::named($name);)*
        }

        /// Every kind that is not a provider's own, in the order of `docs/events.md`.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            kind: Kind::$constant,
            summary: $summary,
            sections: &[$($section),*],
        }),*];
    };
}

catalogue! {
    MESSAGE_RECEIVED "message.received" "A contact wrote to us." ["contact", "conversation", "message"];
    MESSAGE_SENT "message.sent" "A message left our side: from the business app, a bot or a colleague." ["contact", "conversation", "message"];
    MESSAGE_STATUS "message.status" "A message we sent was accepted, sent, delivered, read, played, or failed." ["contact", "conversation", "status"];
    MESSAGE_REACTION "message.reaction" "Somebody put an emoji on a message, or took it back." ["contact", "conversation", "message"];
    MESSAGE_REACTIONS "message.reactions" "The reactions on a message were counted, without saying whose they are." ["contact", "conversation", "message"];
    MESSAGE_EDITED "message.edited" "A message was changed by its writer." ["contact", "conversation", "message"];
    MESSAGE_DELETED "message.deleted" "A message was taken back by its writer." ["contact", "conversation", "message"];
    POSTBACK_RECEIVED "postback.received" "A contact pressed a button or chose from a list." ["contact", "conversation", "message"];
    QUERY_RECEIVED "query.received" "Somebody looks for something of ours from within another chat." ["contact", "conversation", "message"];
    REFERRAL_RECEIVED "referral.received" "A contact came to us by a link, an advertisement or a code." ["contact", "conversation", "message"];
    FLOW_COMPLETED "flow.completed" "A contact filled in a form." ["contact", "conversation", "message"];
    FLOW_HEALTH "flow.health" "A form's status, error rate, latency or availability changed." ["notice"];
    ORDER_RECEIVED "order.received" "A contact ordered from a catalogue." ["contact", "conversation", "message"];
    ORDER_CHECKOUT "order.checkout" "A contact is about to pay, and waits for our word." ["contact", "conversation", "message"];
    ORDER_PAID "order.paid" "A contact paid." ["contact", "conversation", "message"];
    ORDER_REFUNDED "order.refunded" "A contact was given their money back." ["contact", "conversation", "message"];
    POLL_UPDATED "poll.updated" "The votes of a poll were counted, or it was closed." ["message"];
    POLL_ANSWERED "poll.answered" "Somebody voted in a poll, or took their vote back." ["contact", "conversation", "message"];
    CALL_CREATED "call.created" "A call was announced." ["contact", "conversation", "call"];
    CALL_CONNECTED "call.connected" "A call is being set up, in either direction." ["contact", "conversation", "call"];
    CALL_ENDED "call.ended" "A call ended." ["contact", "conversation", "call"];
    CALL_STATUS "call.status" "A call we placed rings, was accepted or was rejected." ["contact", "conversation", "call"];
    CALL_PERMISSION "call.permission" "A contact allowed or refused to be called." ["contact", "conversation", "message"];
    CONTACT_UPDATED "contact.updated" "A contact of the address book was added, changed or removed." ["contact", "conversation", "notice"];
    CONTACT_IDENTITY_CHANGED "contact.identity_changed" "A contact's number, user id or keys changed." ["contact", "conversation", "identity"];
    PREFERENCE_CHANGED "preference.changed" "A contact no longer wants a category of messages, or wants it again." ["contact", "conversation", "preference"];
    TEMPLATE_STATUS "template.status" "A template was approved, rejected, paused or otherwise judged." ["template"];
    TEMPLATE_QUALITY "template.quality" "A template's quality score changed." ["template"];
    TEMPLATE_COMPONENTS "template.components" "A template's text or buttons changed." ["template"];
    TEMPLATE_CATEGORY "template.category" "A template's category changed, or will." ["template"];
    ACCOUNT_UPDATED "account.updated" "The business account was verified, restricted, joined to a partner or otherwise changed." ["notice"];
    ACCOUNT_ALERT "account.alert" "The provider warns about the account." ["notice"];
    ACCOUNT_REVIEW "account.review" "A review of the account was decided." ["notice"];
    ACCOUNT_SETTINGS "account.settings" "The account's settings changed." ["notice"];
    ACCOUNT_CAPABILITY "account.capability" "The account's limits changed." ["notice"];
    ACCOUNT_USERNAME "account.username" "The business's user name was reserved, approved or deleted." ["notice"];
    ACCOUNT_SOLUTION "account.solution" "A partner solution changed its status." ["notice"];
    ACCOUNT_PAYMENT "account.payment" "A payment configuration changed its status." ["notice"];
    ACCOUNT_CONVERSION "account.conversion" "The provider saw a purchase or a lead in a conversation." ["contact", "conversation", "notice"];
    ACCOUNT_HISTORY "account.history" "A history import progressed, or was declined." ["notice"];
    ACCOUNT_ERROR "account.error" "The provider reports an error that belongs to no message." ["notice"];
    NUMBER_NAME "number.name" "A number's display name was decided." ["notice"];
    NUMBER_QUALITY "number.quality" "A number's quality or messaging limit changed." ["notice"];
    SECURITY_CHANGED "security.changed" "A PIN was changed, or somebody asked to." ["notice"];
    GROUP_LIFECYCLE "group.lifecycle" "A group was created or deleted, or has another id." ["conversation", "group", "identity"];
    GROUP_PARTICIPANTS "group.participants" "Members joined or left a group." ["conversation", "group"];
    GROUP_SETTINGS "group.settings" "A group's subject, picture or description changed." ["conversation", "group"];
    GROUP_STATUS "group.status" "A group was suspended or released." ["conversation", "group"];
    GROUP_REQUESTED "group.requested" "Somebody asks to be let into a group." ["contact", "conversation", "group"];
    GROUP_BOOSTED "group.boosted" "Somebody lent a group their boost, or took it back." ["contact", "conversation", "group"];
    ACCOUNT_POST "account.post" "A post or video of the account was published, or failed." ["notice"];
    ACCOUNT_EXPORT "account.export" "An export of the account's data is ready." ["notice"];
    COMMENT_RECEIVED "comment.received" "Somebody wrote a comment or a post, or mentioned us." ["contact", "conversation", "comment"];
    COMMENT_EDITED "comment.edited" "A comment or a post was changed." ["contact", "conversation", "comment"];
    COMMENT_DELETED "comment.deleted" "A comment or a post was removed." ["contact", "conversation", "comment"];
    LEAD_RECEIVED "lead.received" "Somebody left their details." ["contact", "conversation", "lead"];
    FLOW_TRIGGERED "flow.triggered" "A flow on the provider's side was started, or calls us." ["contact", "conversation", "message", "flow"];
    AGENT_REPLIED "agent.replied" "An AI agent answered." ["contact", "conversation", "message", "agent"];
    AGENT_FAILED "agent.failed" "An AI agent could not answer." ["contact", "conversation", "agent"];
    AGENT_TIMEOUT "agent.timeout" "An AI agent was asked, and its answer did not come in time." ["contact", "conversation", "agent"];
    GATEWAY_DELIVERY_DEAD "gateway.delivery_dead" "A delivery was given up or refused; `notice.event` names the destination." ["contact", "conversation", "notice"];
    GATEWAY_DESTINATION_PAUSED "gateway.destination_paused" "A destination, or a number or agent of it, stands still; its queue is kept." ["notice"];
    GATEWAY_CREDENTIAL_FAILING "gateway.credential_failing" "A credential is refused; everything that needs it stands still." ["notice"];
    EVENT_RECEIVED "event.received" "A webhook arrived that no mapping gives another kind." ["contact", "conversation", "message", "fields"];
    HANDOVER_CHANGED "handover.changed" "Another party took or gave back the conversation." ["contact", "conversation", "handover"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_two_words_and_unique() {
        let mut names: Vec<&str> = CATALOGUE.iter().map(|it| it.kind.as_str()).collect();
        for name in &names {
            let (left, right) = name.split_once('.').expect("a dot");
            let word = |it: &str| it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(word(left) && word(right), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
    }
}
