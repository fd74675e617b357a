//! Custom HTTP Bots: how a bot is told what somebody said. It answers to the callback URL that was
//! set for it.

use super::{Auth, Body, Endpoint, Kind, Parameter, unchecked};

/// Where custom bots are spoken to: not where the API is.
pub const BOTS: &str = "https://bm.flowxo.com";

const fn part(name: &'static str, summary: &'static str) -> Parameter {
    Parameter::field(name, Kind::Structure, summary)
}

/// Tells a bot what somebody said. It stands beside the table: it has another base URL and another
/// credential, `bot_secret`.
pub const BOT: Endpoint = Endpoint {
    call: "bot",
    summary: "Tells a Custom HTTP Bot what somebody said.",
    methods: &["POST"],
    path: "/integration_http/{bot_id}",
    auth: Auth::Bearer("bot_secret"),
    parameters: &[
        Parameter::path("bot_id", "The bot's id."),
        part("channel", "Where it was said, and where the bot answers: `{\"id\": …}`.").required(),
        part("from", "Who said it: `{\"id\": …, \"name\": …}`.").required(),
        part("message", "What was said: `{\"text\": …}`.").required(),
        part("metadata", "Whatever else the flow may want to know."),
    ],
    body: Body::Json,
    paging: None,
    check: unchecked,
    source: "support.flowxo.com/article/255-creating-a-custom-http-bot",
};
