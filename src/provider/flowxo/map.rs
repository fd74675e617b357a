//! `map:` of a source: where a flow's author put what we look for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map as Fields, Value};

use crate::event::Kind;
use crate::lenient::text;

/// Where things stand in what a flow sends: JSON pointers such as `/customer/name`. What is left
/// out is looked for by the names that the page of providers lists.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Map {
    /// What such a call is.
    kind: Told,
    /// What is equal for two deliveries of the same happening, and for nothing else.
    key: Option<String>,
    /// When it happened: seconds or milliseconds since 1970, or ISO 8601.
    time: Option<String>,
    /// What a person would read.
    text: Option<String>,
    /// Who it is about.
    contact: Person,
    /// The response path, or whatever else is equal for calls of one conversation.
    conversation: Option<String>,
    /// The bot, by its id.
    account: Option<String>,
    /// The flow's name.
    flow: Option<String>,
    /// Anything else, by the name it has in `event.flow.fields`. Without it, everything that is
    /// not mapped.
    fields: BTreeMap<String, String>,
}

/// Who a call is about.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Person {
    /// The user's id.
    id: Option<String>,
    /// A phone number with its country.
    phone: Option<String>,
    /// The name to show.
    name: Option<String>,
}

/// What a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
enum Told {
    /// A flow was started, or reached a step that calls us.
    #[default]
    #[serde(rename = "flow.triggered")]
    Flow,
    /// A contact wrote: the flow passes on each message. It has no `event.flow`.
    #[serde(rename = "message.received")]
    Message,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    Key,
    Time,
    Text,
    User,
    Phone,
    Name,
    Conversation,
    Account,
    Flow,
}

impl Map {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        use Sought::{Account, Conversation, Flow, Key, Name, Phone, Text, Time, User};
        let all = [Key, Time, Text, User, Phone, Name, Conversation, Account, Flow];
        let single = all.into_iter().filter_map(|it| self.pointer(it));
        for pointer in single.chain(self.fields.values().map(|it| &**it)) {
            let escapes = pointer.split('~').skip(1).all(|it| it.starts_with(['0', '1']));
            if !pointer.starts_with('/') || !escapes {
                return Err(format!(
                    "`map`: `{pointer}` is no JSON pointer; write `/a/b` for `b` within `a`"
                ));
            }
        }
        Ok(())
    }

    /// What a call is.
    pub(super) fn kind(&self) -> Kind {
        match self.kind {
            Told::Flow => Kind::FLOW_TRIGGERED,
            Told::Message => Kind::MESSAGE_RECEIVED,
        }
    }

    /// The pointer that is set for it.
    pub(super) fn pointer(&self, sought: Sought) -> Option<&str> {
        let Person { id, phone, name } = &self.contact;
        match sought {
            Sought::Key => &self.key,
            Sought::Time => &self.time,
            Sought::Text => &self.text,
            Sought::User => id,
            Sought::Phone => phone,
            Sought::Name => name,
            Sought::Conversation => &self.conversation,
            Sought::Account => &self.account,
            Sought::Flow => &self.flow,
        }
        .as_deref()
    }

    /// The fields that were asked for. `None`: all that is left.
    pub(super) fn fields(&self, value: &Value) -> Option<Fields<String, Value>> {
        let found = self.fields.iter().filter_map(|(name, pointer)| {
            let value = value.pointer(pointer)?.clone();
            Some((name.clone(), value))
        });
        (!self.fields.is_empty()).then(|| found.collect())
    }
}

/// What a pointer leads to, as a text.
pub(super) fn find(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(text)
}
