//! Whose account a call is made with, from the environment.

use super::{Environment, Failure};
use crate::client::{Account, Api, Endpoint, Exchange};
use crate::config::Secret;

/// The variable that holds a credential: `FLOWIQ_TOKEN`. `url` stands for where the API is.
pub fn variable(api: &Api, credential: &str) -> String {
    let mut name = api.name.to_ascii_uppercase();
    name.push('_');
    for letter in credential.chars() {
        if letter.is_ascii_uppercase() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(if letter == '-' { '_' } else { letter.to_ascii_uppercase() });
    }
    name
}

/// Reads whatever of it is there.
pub(super) fn read(
    api: &Api,
    base_url: Option<&str>,
    environment: Environment<'_>,
) -> Result<Account, Failure> {
    let url = variable(api, "url");
    let found = base_url.map(str::to_owned).or_else(|| environment(&url));
    let found = found.filter(|it| !it.is_empty()).or_else(|| api.base_url.map(str::to_owned));
    let Some(base_url) = found else {
        return Err(Failure::Usage(format!(
            "where is {}? set {url}, or give `--base-url`",
            api.name
        )));
    };
    if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
        return Err(Failure::Usage(format!(
            "`{base_url}` is not where an API is: it begins with http:// or https://"
        )));
    }
    let credentials = api.credentials.iter().filter_map(|it| {
        let value = environment(&variable(api, it.name))?;
        let value = value.trim();
        (!value.is_empty()).then(|| (it.name, Secret::new(value)))
    });
    let credentials = credentials.collect();
    Ok(Account { base_url: base_url.trim_end_matches('/').to_owned(), credentials })
}

/// How the endpoint gets what it asks for.
pub(super) enum Way {
    /// It is there, or nothing is asked for.
    Clear,
    /// Something else is there that can be exchanged for it.
    By(&'static Exchange),
    /// Not at all.
    None,
}

/// How the endpoint gets what it asks for. Who has a credential uses it, also where none is needed.
pub(super) fn way(api: &Api, endpoint: &Endpoint, account: &Account) -> Way {
    let sets = endpoint.auth.needs();
    let is_there = |set: &Vec<&str>| set.iter().all(|it| account.credentials.contains_key(it));
    if sets.iter().any(|it| !it.is_empty() && is_there(it)) {
        return Way::Clear;
    }
    let brings = |it: &&Exchange| sets.iter().any(|set| **set == [it.brings]);
    let exchange = api.exchanges().iter().filter(brings).find(|it| it.is_possible(account));
    match exchange {
        Some(exchange) => Way::By(exchange),
        None if sets.iter().any(Vec::is_empty) => Way::Clear,
        None => Way::None,
    }
}

/// Which variables to set, in one sentence.
pub(super) fn missing(api: &Api, endpoint: &Endpoint) -> Failure {
    let mut ways = Vec::new();
    for set in endpoint.auth.needs() {
        let exchange = api.exchanges().iter().find(|it| *set == [it.brings]);
        ways.extend(exchange.map(|it| described(api, it.takes)));
        ways.push(described(api, &set));
    }
    let ways = ways.join("; or ");
    Failure::Usage(format!("`{} {}` needs a credential: set {ways}", api.name, endpoint.call))
}

fn described(api: &Api, names: &[&'static str]) -> String {
    let rows = names.iter().map(|name| {
        let credential = api.credentials.iter().find(|it| it.name == *name);
        let summary = credential.map(|it| it.summary.trim_end_matches('.'));
        let summary = summary.map(|it| format!(" ({it})")).unwrap_or_default();
        format!("{}{summary}", variable(api, name))
    });
    rows.collect::<Vec<_>>().join(" and ")
}
