//! For tests: a client and a simulator, with nothing between them but the bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Account, Api, Arguments, Asked, Endpoint, Outgoing, Response, Simulator};
use crate::config::Secret;

/// Where the simulator is in tests.
pub(super) const BASE: &str = "http://simulator.example";

/// Both ends of an API, at a moment that the test moves.
pub(super) struct Ends {
    pub(super) api: &'static Api,
    pub(super) account: Account,
    pub(super) simulator: Box<dyn Simulator>,
    pub(super) now: Timestamp,
    /// What the simulator sends of itself.
    pub(super) later: Vec<Outgoing>,
}

impl Ends {
    pub(super) fn new(api: &'static Api, credentials: &[(&'static str, &str)]) -> Self {
        let credentials =
            credentials.iter().map(|(name, value)| (*name, Secret::new(*value))).collect();
        Self {
            api,
            account: Account { base_url: BASE.into(), credentials },
            simulator: (api.simulator)(),
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
            later: Vec::new(),
        }
    }

    pub(super) fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    pub(super) fn endpoint(&self, call: &str) -> &'static Endpoint {
        let found = self.api.endpoints.iter().find(|it| it.call == call);
        found.unwrap_or_else(|| panic!("no call `{call}`"))
    }

    /// Calls with arguments, through the client.
    pub(super) fn call(&mut self, call: &str, values: &[(&'static str, &str)]) -> Response {
        let outgoing = self.prepare(call, values).unwrap();
        self.send(&outgoing)
    }

    pub(super) fn prepare(
        &self,
        call: &str,
        values: &[(&'static str, &str)],
    ) -> Result<Outgoing, String> {
        let values: BTreeMap<_, _> = values.iter().map(|it| (it.0, it.1.to_owned())).collect();
        let arguments = Arguments { values, ..Arguments::default() };
        self.endpoint(call).prepare(&self.account, &arguments, self.today())
    }

    /// Calls with a body of one's own, through the client.
    pub(super) fn call_with(
        &mut self,
        call: &str,
        values: &[(&'static str, &str)],
        body: Value,
    ) -> Response {
        let values: BTreeMap<_, _> = values.iter().map(|it| (it.0, it.1.to_owned())).collect();
        let arguments = Arguments { values, body: Some(body), ..Arguments::default() };
        let outgoing = self.endpoint(call).prepare(&self.account, &arguments, self.today());
        self.send(&outgoing.unwrap())
    }

    /// What the client made, to the simulator.
    pub(super) fn send(&mut self, outgoing: &Outgoing) -> Response {
        let headers: Vec<(&str, &str)> =
            outgoing.headers.iter().map(|it| (&*it.0, it.1.expose())).collect();
        let target = outgoing.url.strip_prefix(BASE).unwrap();
        self.ask(outgoing.method, target, &headers, &outgoing.body)
    }

    /// What no client of ours would send.
    pub(super) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = form_urlencoded::parse(query.as_bytes());
        let asked = Asked {
            method: method.into(),
            path: path.into(),
            query: query.map(|it| (it.0.into_owned(), it.1.into_owned())).collect(),
            headers: headers.iter().map(|it| (it.0.into(), it.1.into())).collect(),
            body: body.to_vec().into(),
            base_url: BASE.into(),
        };
        let answered = self.simulator.answer(&asked, self.now);
        self.later.extend(answered.later.into_iter().map(|it| it.1));
        let headers = answered.headers.into_iter().map(|it| (it.0.to_owned(), it.1)).collect();
        Response { status: answered.status, headers, body: answered.body }
    }

    pub(super) fn deed(&mut self, deed: &str, arguments: &Value) -> Value {
        let done = self.simulator.deed(deed, arguments, self.now);
        done.unwrap_or_else(|| panic!("no deed `{deed}`"))
    }

    /// What is wrong, as the client reads it: its status and the provider's words.
    pub(super) fn problem(&self, response: &Response) -> Option<(u16, String)> {
        (self.api.problem)(response).map(|it| (it.status, it.message))
    }
}

/// The body as JSON.
pub(super) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// An example of an API's folder.
pub(super) fn fixture(api: &str, name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client").join(api).join("fixtures");
    fs::read(path.join(name)).unwrap_or_else(|error| panic!("{api}/{name}: {error}"))
}

/// The names of all examples of an API's folder, in order.
pub(super) fn fixtures(api: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client").join(api).join("fixtures");
    let names =
        fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|it| Path::new(it).extension().is_some_and(|it| it == "json")).collect();
    names.sort();
    names
}

/// What a value is made of, without what it says: the keys and kinds, lists by their first element.
pub(super) fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::Array(elements) => elements.iter().take(1).map(shape).collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "flag".into(),
        Value::Null => Value::Null,
    }
}
