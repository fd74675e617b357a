//! One endpoint of an API as a row of a table, and the request that arguments make of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{Auth, Outgoing, Parameter, Place};
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
    /// Its path under the base URL, with `{name}` where a parameter stands. It may bring a part of
    /// the query string, for an API that tells its operations apart by a parameter:
    /// `/conversations?action=contacts`.
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

    /// What will stand in a field: the parameter's value, or what the caller's own body says.
    pub fn field(&self, name: &str) -> Option<Value> {
        match self.get(name) {
            Some(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| text.into())),
            None => self.body.as_ref()?.get(name).cloned(),
        }
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
        for name in arguments.values.keys() {
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
            let own = arguments.body.as_ref().and_then(|it| it.get(parameter.name));
            if let (None, Some(own), Place::Field) = (value, own, parameter.place) {
                parameter.accepts(own)?;
                continue;
            }
            // An identifier that belongs to the account need not be said again; it narrows nothing
            // where none is needed.
            let owned = || account.credentials.get(parameter.name).filter(|_| parameter.required);
            let value = value.or_else(|| owned().map(Secret::expose));
            let value = value.or_else(|| parameter.only());
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
                    let text = json.as_str().unwrap_or(value);
                    // A URL parser takes these for a step, percent-encoded or not.
                    if matches!(text, "." | "..") {
                        return Err(format!("`{}` cannot be `{text}`", parameter.flag()));
                    }
                    path = path.replace(&format!("{{{}}}", parameter.name), &encoded(text));
                }
                Place::Query => drop(query.append_pair(parameter.name, value)),
                Place::Field => drop(fields.insert(parameter.name.to_owned(), json)),
                Place::Part => parts.push((parameter.name, value, file)),
            }
        }
        (self.check)(arguments, today)?;
        let query = query.finish();
        let mark = match (query.is_empty(), path.contains('?')) {
            (true, _) => "",
            (false, true) => "&",
            (false, false) => "?",
        };
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
        let headers = headers.into_iter().map(|(name, it)| (name.into(), it)).collect();
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
