//! `docs/calls.md`: every endpoint of every API, and the command that calls it.

use std::fmt::Write as _;

use sluicegate::cli::call;
use sluicegate::client::{Api, Auth, Endpoint, REGISTRY};

use super::{code, table};

pub(super) fn page() -> String {
    let mut page = "# Calls\n\n\
        Every endpoint that can be called, with the document that describes it. What a document \
        forbids is refused before anything is sent.\n\n\
        ```sh\nsluicegate call --help\n```\n\n\
        `--help` at the end of any of these lists its parameters and their limits. `--data` takes a \
        body (`--body` where a field is called `data`), `--all` follows the pages, `--base-url` goes \
        elsewhere. Credentials are read from the environment and never printed. To try a call, run \
        `sluicegate simulate`: it serves all of these on this machine.\n"
        .to_owned();
    for api in REGISTRY {
        let _ = write!(page, "\n## `{}`\n\n{}\n\n", api.name, api.summary);
        let place = api.base_url.map_or_else(
            || "Where it is; there is no common address.".to_owned(),
            |it| format!("Where it is, instead of {}.", code(it)),
        );
        let url = [code(call::variable(api, "url")), place];
        let credentials = api.credentials.iter();
        let credentials = credentials
            .map(|it| [code(call::variable(api, it.name)), it.summary.to_owned()])
            .collect::<Vec<_>>();
        page += &table(["Variable", "What it holds"], [url].into_iter().chain(credentials));
        for exchange in api.exchanges() {
            let takes = exchange.takes.iter().map(|it| code(call::variable(api, it)));
            let _ = write!(
                page,
                "\nWith {} in place of {}, each call asks `{}` first.\n",
                takes.collect::<Vec<_>>().join(" and "),
                code(call::variable(api, exchange.brings)),
                exchange.call
            );
        }
        page.push('\n');
        let rows = api.endpoints.iter().map(|it| row(api, it));
        page += &table(["Endpoint", "Command", "What it does", "With", "Source"], rows);
    }
    page
}

fn row(api: &Api, endpoint: &Endpoint) -> [String; 5] {
    let required = endpoint.parameters.iter().filter(|it| it.required);
    // What belongs to the account need not be said.
    let said = required.filter(|it| api.credentials.iter().all(|own| own.name != it.name));
    let mut command = format!("sluicegate call {} {}", api.name, endpoint.call);
    for parameter in said {
        let _ = write!(command, " {} …", parameter.flag());
    }
    [
        code(format!("{} {}", endpoint.methods.join(","), endpoint.path)),
        code(command),
        endpoint.summary.to_owned(),
        auth(api, endpoint.auth),
        endpoint.source.to_owned(),
    ]
}

/// The variables that hold what is asked for.
fn auth(api: &Api, auth: Auth) -> String {
    let sets = auth.needs().into_iter().map(|set| match &*set {
        [] => "nothing".to_owned(),
        set => set.iter().map(|it| code(call::variable(api, it))).collect::<Vec<_>>().join(" and "),
    });
    sets.collect::<Vec<_>>().join(" or ")
}
