//! One endpoint of an API as a row of a table, and the request that arguments make of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::Outgoing;
use crate::config::Secret;

/// An endpoint: everything that is written down about it.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// How it is called on the command line: `contacts`, `knowledge list`.
    pub call: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its methods; the first is meant where none is said.
    pub methods: &'static [&'static str],
    /// Its path under the base URL, with `{name}` where a parameter stands.
    pub path: &'static str,
    /// What it asks for.
    pub auth: Auth,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What its body is.
    pub body: Body,
    /// How to go on to the next page.
    pub paging: Option<Paging>,
    /// What no single parameter says: combinations that the document forbids.
    pub check: fn(&Arguments, Date) -> Result<(), String>,
    /// The document that describes it, and where in it.
    pub source: &'static str,
}

/// What a call is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    Public,
    /// `Authorization: Bearer <credential>`.
    Bearer(&'static str),
    /// `Authorization: <credential>`.
    Bare(&'static str),
    /// A cookie of this name, whose value is the credential.
    Cookie(&'static str, &'static str),
    /// A header of this name, whose value is the credential.
    Header(&'static str, &'static str),
    /// A header of this name with an HMAC-SHA256 of the body in hexadecimal after the prefix.
    Signed(&'static str, &'static str, &'static str),
    /// The first of these whose credential is there.
    Any(&'static [Auth]),
}

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

/// What an endpoint's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// The fields, as JSON.
    Json,
    /// The fields, and whatever JSON the caller gives: the document does not say more.
    Open,
    /// The parts, as `multipart/form-data`.
    Multipart,
}

/// How to go on to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By number: the parameter, and a pointer to whether there is another.
    Number(&'static str, &'static str),
    /// By how many to skip: the parameter of that and of the limit; the last page is short.
    Skip(&'static str, &'static str),
}

/// Whose account, and where.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Without a trailing slash.
    pub base_url: String,
    /// By the names that [`Auth`] and defaults of parameters use.
    pub credentials: BTreeMap<&'static str, Secret>,
}

/// What one call is made with.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Values by the parameter's name in the API.
    pub values: BTreeMap<&'static str, String>,
    /// Which of the methods.
    pub method: Option<&'static str>,
    /// A body of the caller's own.
    pub body: Option<Value>,
    /// Files that parts name, read already: their name and content, by the parameter's name.
    pub files: BTreeMap<&'static str, (String, Bytes)>,
}

impl Arguments {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Nothing more than the parameters say.
///
/// # Errors
/// Never.
pub fn unchecked(_: &Arguments, _: Date) -> Result<(), String> {
    Ok(())
}

impl Endpoint {
    /// The request that these arguments make. What the document forbids is refused here, so that
    /// it costs no call.
    ///
    /// # Errors
    /// A sentence for whoever called.
    pub fn prepare(
        &self,
        account: &Account,
        arguments: &Arguments,
        today: Date,
    ) -> Result<Outgoing, String> {
        let method = match arguments.method {
            None => self.methods[0],
            Some(method) => *self.methods.iter().find(|it| **it == method).ok_or_else(|| {
                format!("`{}` takes {}, not {method}", self.call, self.methods.join(" or "))
            })?,
        };
        for (name, _) in &arguments.values {
            if !self.parameters.iter().any(|it| it.name == *name) {
                return Err(format!("`{}` has no parameter `{name}`", self.call));
            }
        }
        let mut path = self.path.to_owned();
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut fields = Map::new();
        let mut parts = Vec::new();
        for parameter in self.parameters {
            let value = arguments.get(parameter.name);
            // An identifier that belongs to the account need not be said again.
            let value =
                value.or_else(|| account.credentials.get(parameter.name).map(Secret::expose));
            let file = arguments.files.get(parameter.name);
            let Some(value) = value.or(file.map(|it| &*it.0)) else {
                if parameter.required {
                    return Err(format!(
                        "`{}` is missing: {}",
                        parameter.flag(),
                        parameter.summary
                    ));
                }
                continue;
            };
            let json = parameter.read(value)?;
            match parameter.place {
                Place::Path => {
                    path = path.replace(&format!("{{{}}}", parameter.name), &encoded(value));
                }
                Place::Query => drop(query.append_pair(parameter.name, value)),
                Place::Field => drop(fields.insert(parameter.name.to_owned(), json)),
                Place::Part => parts.push((parameter.name, value, file)),
            }
        }
        (self.check)(arguments, today)?;
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut headers = vec![("accept", Secret::new("application/json"))];
        let mut body = Bytes::new();
        match self.body {
            Body::None if arguments.body.is_some() => {
                return Err(format!("`{}` takes no body", self.call));
            }
            Body::Json if arguments.body.is_some() && !self.parameters.is_empty() => {
                body = self.given(arguments.body.as_ref(), fields)?;
            }
            Body::Json | Body::Open if method != "GET" || arguments.body.is_some() => {
                body = match &arguments.body {
                    Some(Value::Object(own)) => {
                        let mut all = own.clone();
                        all.extend(fields);
                        json!(all).to_string().into()
                    }
                    Some(other) => other.to_string().into(),
                    None => json!(fields).to_string().into(),
                };
            }
            Body::Multipart => {
                let boundary = "sluicegate-form-boundary";
                body = multipart(boundary, &parts)?;
                let media = format!("multipart/form-data; boundary={boundary}");
                headers.push(("content-type", Secret::new(media)));
            }
            Body::None | Body::Json | Body::Open => {}
        }
        if !body.is_empty() && self.body != Body::Multipart {
            headers.push(("content-type", Secret::new("application/json")));
        }
        headers.extend(self.auth.header(account, &body)?);
        let url = format!("{}{path}{mark}{query}", account.base_url.trim_end_matches('/'));
        Ok(Outgoing { method, url, headers, body })
    }

    /// A body of the caller's own, each of its fields one that the document lists.
    fn given(&self, body: Option<&Value>, fields: Map<String, Value>) -> Result<Bytes, String> {
        let Some(Value::Object(own)) = body else {
            return Err(format!("the body of `{}` is a JSON object", self.call));
        };
        for name in own.keys() {
            let listed = |it: &&Parameter| it.place == Place::Field && it.name == name;
            if !self.parameters.iter().any(|it| listed(&it)) {
                return Err(format!("`{}` has no field `{name}`", self.call));
            }
        }
        let mut all = own.clone();
        all.extend(fields);
        Ok(json!(all).to_string().into())
    }
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
    fn read(&self, value: &str) -> Result<Value, String> {
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

impl Auth {
    /// The header that it becomes; `None` for none.
    fn header(
        self,
        account: &Account,
        body: &[u8],
    ) -> Result<Option<(&'static str, Secret)>, String> {
        let credential = |name: &str| {
            let found = account.credentials.get(name).filter(|it| !it.is_empty());
            found.map(Secret::expose).ok_or_else(|| format!("the credential `{name}` is missing"))
        };
        Ok(match self {
            Self::Public => None,
            Self::Bearer(name) => {
                Some(("authorization", Secret::new(format!("Bearer {}", credential(name)?))))
            }
            Self::Bare(name) => Some(("authorization", Secret::new(credential(name)?))),
            Self::Cookie(cookie, name) => {
                Some(("cookie", Secret::new(format!("{cookie}={}", credential(name)?))))
            }
            Self::Header(header, name) => Some((header, Secret::new(credential(name)?))),
            Self::Signed(header, prefix, name) => {
                use hmac::{Hmac, KeyInit, Mac};
                let mut mac = Hmac::<sha2::Sha256>::new_from_slice(credential(name)?.as_bytes())
                    .expect("HMAC takes a key of any length");
                mac.update(body);
                let tag = hex::encode(mac.finalize().into_bytes());
                Some((header, Secret::new(format!("{prefix}{tag}"))))
            }
            Self::Any(choices) => {
                let mut first = None;
                for choice in choices {
                    match choice.header(account, body) {
                        Ok(header) => return Ok(header),
                        Err(error) => drop(first.get_or_insert(error)),
                    }
                }
                return Err(first.unwrap_or_default());
            }
        })
    }
}

/// A value within a path: whatever has a meaning there is percent-encoded, once.
fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

type File = (String, Bytes);

fn multipart(boundary: &str, parts: &[(&str, &str, Option<&File>)]) -> Result<Bytes, String> {
    let mut body = Vec::new();
    for (name, value, file) in parts {
        let content: &[u8] = file.map_or(value.as_bytes(), |it| &it.1);
        if content.windows(boundary.len()).any(|it| it == boundary.as_bytes()) {
            return Err(format!("`{name}` holds the boundary of the form"));
        }
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(
            format!("Content-Disposition: form-data; name=\"{name}\"").as_bytes(),
        );
        if let Some((name, _)) = file {
            let name = name.replace(['"', '\r', '\n'], "_");
            body.extend_from_slice(
                format!("; filename=\"{name}\"\r\nContent-Type: application/octet-stream")
                    .as_bytes(),
            );
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(body.into())
}
