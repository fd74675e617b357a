//! What a payload says, by the API's names.

use serde_json::{Map, Value};

use crate::destination::{Call, Outcome};
use crate::event::facts::Facts;
use crate::event::phone::e164;

/// The names of a payload and what they say. A name that is `null` says nothing.
pub(super) struct Said(pub(super) Map<String, Value>);

impl Said {
    /// Reads a payload of these names, each in camel case; snake case means the same.
    ///
    /// # Errors
    /// Which name there is not, or that the payload is no map.
    pub(super) fn read(payload: &Value, names: &[&str]) -> Result<Self, Outcome> {
        let said = match payload {
            Value::Null => Map::new(),
            Value::Object(said) => said.clone(),
            _ => return Err(Outcome::refused(format!("the payload is a map of {}", list(names)))),
        };
        let mut found = Map::new();
        for (name, value) in said {
            let own = camel(&name);
            if !names.contains(&&*own) {
                return Err(Outcome::refused(format!(
                    "`{name}`: there is no such name; there are {}",
                    list(names)
                )));
            }
            if !value.is_null() && found.insert(own, value).is_some() {
                return Err(Outcome::refused(format!("`{name}`: it is said twice")));
            }
        }
        Ok(Self(found))
    }

    /// A text that says something; a number is one, too.
    ///
    /// # Errors
    /// That it is something else, or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Outcome> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match word(value) {
            Some(text) if text.trim().is_empty() => {
                Err(Outcome::refused(format!("`{name}`: it is empty")))
            }
            Some(text) => Ok(Some(text)),
            None => Err(Outcome::refused(format!("`{name}`: it is a text, not {}", what(value)))),
        }
    }

    /// A yes or no.
    ///
    /// # Errors
    /// That it is neither.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Outcome> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" || text == "false" => {
                Ok(Some(text == "true"))
            }
            Some(other) => Err(Outcome::refused(format!(
                "`{name}`: it is `true` or `false`, not {}",
                what(other)
            ))),
        }
    }

    /// Whom it goes to, in E.164: what is said under one of these names, or else the contact of
    /// the event.
    ///
    /// # Errors
    /// That it is no number, or that several are named.
    pub(super) fn phone(&self, names: &[&str], call: &Call) -> Result<Option<String>, Outcome> {
        let mut phone = None;
        for name in names {
            let Some(text) = self.text(name)? else { continue };
            let number = e164(&text, None).ok_or_else(|| {
                Outcome::refused(format!(
                    "`{name}`: a number with plus and country code, not `{text}`"
                ))
            })?;
            if phone.replace(number).is_some() {
                return Err(Outcome::refused(format!("`{name}`: it says whom to reach once more")));
            }
        }
        Ok(phone.or_else(|| number(&call.event().facts)))
    }
}

/// The phone number of an event's contact. An identifier that happens to be digits is none.
pub(super) fn number(facts: &Facts) -> Option<String> {
    let contact = facts.contact.as_ref()?;
    let known = [contact.phone.as_deref(), contact.wa_id.as_deref()];
    known.into_iter().flatten().find_map(|it| e164(it, None))
}

/// A scalar as text.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a value is, in a sentence.
pub(super) fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// `template_group_id` as `templateGroupId`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' && !camel.is_empty() {
            raise = true;
        } else if std::mem::take(&mut raise) {
            camel.push(letter.to_ascii_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

fn list(names: &[&str]) -> String {
    names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}
