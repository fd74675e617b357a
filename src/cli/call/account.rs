//! Whose account a call is made with, from the environment.

use super::{Environment, Failure};
use crate::client::{Account, Api, Auth, Endpoint};
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

/// The credentials of which any one would do; none where nothing is asked for.
fn choices(auth: Auth) -> Vec<&'static str> {
    match auth {
        Auth::Public => Vec::new(),
        Auth::Bearer(name)
        | Auth::Bare(name)
        | Auth::Cookie(_, name)
        | Auth::Header(_, name)
        | Auth::Signed(_, _, name) => vec![name],
        Auth::Any(all) if all.iter().any(|it| choices(*it).is_empty()) => Vec::new(),
        Auth::Any(all) => {
            let mut names: Vec<&str> = all.iter().flat_map(|it| choices(*it)).collect();
            let mut seen = Vec::new();
            names.retain(|it| {
                !seen.contains(it) && {
                    seen.push(*it);
                    true
                }
            });
            names
        }
    }
}

/// Whether what the endpoint asks for is there.
pub(super) fn suffices(endpoint: &Endpoint, account: &Account) -> bool {
    let choices = choices(endpoint.auth);
    choices.is_empty() || choices.iter().any(|it| account.credentials.contains_key(it))
}

/// Which variable to set, in one sentence.
pub(super) fn missing(api: &Api, endpoint: &Endpoint) -> Failure {
    let choices = choices(endpoint.auth);
    let summary = |name: &str| api.credentials.iter().find(|it| it.name == name);
    let rows = choices.iter().map(|name| {
        let summary = summary(name).map(|it| it.summary.trim_end_matches('.'));
        let summary = summary.map(|it| format!(" ({it})")).unwrap_or_default();
        format!("{}{summary}", variable(api, name))
    });
    let rows = rows.collect::<Vec<_>>().join(" or ");
    Failure::Usage(format!("`{} {}` needs a credential: set {rows}", api.name, endpoint.call))
}
