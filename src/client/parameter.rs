//! What an endpoint takes, and what a value of it may be.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::Value;

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name in the API; on the command line with `-` between its words.
    pub name: &'static str,
    /// Where it goes.
    pub place: Place,
    /// What it may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// One sentence.
    pub summary: &'static str,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into the path.
    Path,
    /// Into the query string.
    Query,
    /// A field of the JSON body.
    Field,
    /// A part of the form body; a value that begins with `@` names a file.
    Part,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// Text that contains slashes and goes into a path. It may be given as it is or
    /// percent-encoded already: what has no `/` but a `%2F` is decoded once, so that it is encoded
    /// exactly once in the end.
    Slashed,
    /// A whole number within these limits.
    Integer(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A day: `2026-11-24`.
    Day,
    /// A day or a moment in ISO 8601.
    Moment,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A UUID.
    Uuid,
    /// JSON, or text where it is none.
    Json,
}

impl Parameter {
    /// A parameter that goes into the path.
    pub const fn path(name: &'static str, summary: &'static str) -> Self {
        Self { name, place: Place::Path, kind: Kind::Text(512), required: true, summary }
    }

    /// A parameter of the query string.
    pub const fn query(name: &'static str, kind: Kind, summary: &'static str) -> Self {
        Self { name, place: Place::Query, kind, required: false, summary }
    }

    /// A field of the body.
    pub const fn field(name: &'static str, kind: Kind, summary: &'static str) -> Self {
        Self { name, place: Place::Field, kind, required: false, summary }
    }

    /// The same, which must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What it is called on the command line: `whatsappNumber` is `--whatsapp-number`.
    pub fn flag(&self) -> String {
        let mut flag = "--".to_owned();
        for letter in self.name.chars() {
            if letter.is_ascii_uppercase() {
                let _ = write!(flag, "-{}", letter.to_ascii_lowercase());
            } else {
                flag.push(if letter == '_' { '-' } else { letter });
            }
        }
        flag
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// What it should be instead.
    pub(super) fn read(&self, value: &str) -> Result<Value, String> {
        let flag = self.flag();
        let unfit = |what: &str| format!("`{flag}` is {what}, not `{value}`");
        Ok(match self.kind {
            Kind::Text(most) => {
                if self.required && value.trim().is_empty() {
                    return Err(format!("`{flag}` is empty: {}", self.summary));
                }
                let length = value.chars().count();
                if length > most {
                    return Err(format!(
                        "`{flag}` has {length} characters, at most {most} are taken"
                    ));
                }
                value.into()
            }
            Kind::Slashed => {
                if value.trim().is_empty() {
                    return Err(format!("`{flag}` is empty: {}", self.summary));
                }
                let encoded = !value.contains('/') && value.to_ascii_lowercase().contains("%2f");
                let decoded = if encoded { decoded(value) } else { Some(value.to_owned()) };
                decoded.ok_or_else(|| unfit("percent-encoded well"))?.into()
            }
            Kind::Integer(least, most) => {
                let number: i64 = value.parse().map_err(|_| unfit("a whole number"))?;
                if !(least..=most).contains(&number) {
                    return Err(unfit(&match most {
                        i64::MAX => format!("at least {least}"),
                        _ => format!("from {least} to {most}"),
                    }));
                }
                number.into()
            }
            Kind::Flag => match value {
                "true" => true.into(),
                "false" => false.into(),
                _ => return Err(unfit("`true` or `false`")),
            },
            Kind::Day => {
                let well_formed = value.len() == 10 && value.parse::<Date>().is_ok();
                if !well_formed {
                    return Err(unfit("a day, as in 2026-11-24"));
                }
                value.into()
            }
            Kind::Moment => {
                let moment = value.parse::<jiff::Timestamp>().is_ok();
                if !moment && value.parse::<Date>().is_err() {
                    return Err(unfit("a day or a moment in ISO 8601"));
                }
                value.into()
            }
            Kind::Choice(words) => {
                if !words.contains(&value) {
                    return Err(unfit(&words.join(" or ")));
                }
                value.into()
            }
            Kind::Uuid => {
                uuid::Uuid::try_parse(value).map_err(|_| unfit("a UUID"))?;
                value.into()
            }
            Kind::Json => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
        })
    }
}

/// Percent-encoding undone, once; `None` where it is not well formed, or not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        // `from_str_radix` alone would take a sign.
        let digits = part.get(..2).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}
