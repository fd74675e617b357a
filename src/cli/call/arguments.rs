//! What was given on the command line, and the arguments it makes.

use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use serde_json::Value;

use super::command::{self, METHOD};
use crate::cli::Failure;
use crate::client::{Arguments, Body, Endpoint, Parameter, Place};

/// What was given, as it was typed.
#[derive(Clone)]
pub(super) struct Given {
    values: Vec<(&'static Parameter, String)>,
    method: Option<&'static str>,
    data: Option<String>,
}

impl Given {
    pub(super) fn read(endpoint: &'static Endpoint, matches: &ArgMatches) -> Self {
        let values = endpoint.parameters.iter();
        let values = values.filter_map(|it| Some((it, command::value(matches, &command::id(it))?)));
        let method = command::value(matches, METHOD);
        let method = method.and_then(|wanted| {
            endpoint.methods.iter().find(|it| it.eq_ignore_ascii_case(&wanted)).copied()
        });
        let has_body = matches!(endpoint.body, Body::Json | Body::Open);
        let data = has_body.then(|| command::value(matches, command::body(endpoint))).flatten();
        Self { values: values.collect(), method, data }
    }

    /// Reads the files that it names.
    pub(super) fn arguments(&self, endpoint: &Endpoint) -> Result<Arguments, Failure> {
        let mut arguments = Arguments { method: self.method, ..Arguments::default() };
        for (parameter, value) in &self.values {
            match value.strip_prefix('@').filter(|_| parameter.place == Place::Part) {
                Some(path) => {
                    let content = read(path)?;
                    let name = Path::new(path).file_name().unwrap_or_default();
                    let name = name.to_string_lossy().into_owned();
                    arguments.files.insert(parameter.name, (name, content.into()));
                }
                None => drop(arguments.values.insert(parameter.name, value.clone())),
            }
        }
        if let Some(data) = &self.data {
            arguments.body = Some(body(command::body(endpoint), data)?);
        }
        Ok(arguments)
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|it| Failure::Usage(format!("cannot read {path}: {it}")))
}

fn body(option: &str, data: &str) -> Result<Value, Failure> {
    let (from, text) = match (data, data.strip_prefix('@')) {
        ("-", _) => {
            let mut text = Vec::new();
            std::io::stdin().lock().read_to_end(&mut text)?;
            ("standard input".to_owned(), text)
        }
        (_, Some(path)) => (path.to_owned(), read(path)?),
        _ => (format!("`--{option}`"), data.as_bytes().to_vec()),
    };
    serde_json::from_slice(&text).map_err(|it| Failure::Usage(format!("{from} is not JSON: {it}")))
}
