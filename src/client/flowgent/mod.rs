//! `FlowGent`: agents that answer, their use, templates and their knowledge.

pub mod payload;
mod simulator;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde_json::Value;

use super::{
    Api, Arguments, Auth, Body, Credential, Endpoint, Kind, Paging, Parameter, Problem, Response,
    unchecked,
};

/// The API.
pub const API: Api = Api {
    name: "flowgent",
    summary: "FlowGent: ask an agent, see its use, send a template, keep its knowledge.",
    base_url: Some("https://flowgent.ai/api/public"),
    credentials: &[
        Credential { name: "api_key", summary: "An API key, from FlowGent's settings." },
        Credential { name: "agent_id", summary: "The agent that is meant where none is said." },
    ],
    endpoints: ENDPOINTS,
    problem,
    simulator: simulator::fresh,
};

/// Without `Bearer`: the document says so, and the API takes nothing else.
const KEY: Auth = Auth::Bare("api_key");

/// The most characters that an item of knowledge may have.
pub const MAX_CONTENT: usize = 4000;

/// The most days that one question for use may span.
pub const MAX_DAYS: i32 = 31;

const AGENT: Parameter = Parameter::path("agent_id", "The agent's unique identifier.");
const ITEM: Parameter = Parameter::path("id", "The knowledge item's unique identifier.");
const NAME: Parameter = Parameter::field("name", Kind::ANY, "Its display name.");
const CONTENT: Parameter = Parameter::field(
    "content",
    Kind::Text(MAX_CONTENT),
    "What the agent shall know, at most 4000 characters.",
);
const AGENTS: Parameter =
    Parameter::field("agent_ids", Kind::Structure, "One agent, or a JSON list of agents.");
const DESCRIPTION: Parameter = Parameter::field(
    "description_to_index_on",
    Kind::ANY,
    "What it is found by, instead of its content.",
);

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        call: "chat",
        summary: "Sends messages to an agent and brings its answer.",
        methods: &["POST"],
        path: "/agent/{agent_id}/chat",
        auth: KEY,
        parameters: &[
            AGENT,
            Parameter::field(
                "messages",
                Kind::Structure,
                "What is said: text, or a message {role, content} or a list of them in JSON.",
            )
            .required(),
            Parameter::field("thread_id", Kind::ANY, "The conversation to go on with."),
            Parameter::field(
                "callback_url",
                Kind::ANY,
                "Where the answer shall be sent; then it is not waited for.",
            ),
        ],
        body: Body::Json,
        paging: None,
        check: chat,
        source: "FlowGent API Reference, [POST] Chat",
    },
    Endpoint {
        call: "usage",
        summary: "Shows the credits that an agent used, day by day.",
        methods: &["GET"],
        path: "/agent/{agent_id}/usage",
        auth: KEY,
        parameters: &[
            AGENT,
            Parameter::query("start_date", Kind::Day, "The first day; without one, a week ago."),
            Parameter::query("end_date", Kind::Day, "The last day; without one, yesterday."),
        ],
        body: Body::None,
        paging: None,
        check: usage,
        source: "FlowGent API Reference, [GET] Usage",
    },
    Endpoint {
        call: "template",
        summary: "Sends a WhatsApp template through an agent.",
        methods: &["POST"],
        path: "/agent/{agent_id}/waba",
        auth: KEY,
        parameters: &[
            AGENT,
            Parameter::field(
                "recipient_phone_number",
                Kind::ANY,
                "To whom, with the country code: 31612345678.",
            )
            .required(),
            Parameter::field("template_name", Kind::ANY, "The template's name.").required(),
            Parameter::field("language", Kind::ANY, "Its language: en_US.").required(),
            Parameter::field("customer_name", Kind::ANY, "A new customer's name."),
            Parameter::field(
                "parameters",
                Kind::Structure,
                "The template's components, as a JSON list.",
            ),
        ],
        body: Body::Json,
        paging: None,
        check: template,
        source: "FlowGent API Reference, [POST] WhatsApp template",
    },
    Endpoint {
        call: "knowledge add",
        summary: "Adds an item of knowledge to agents.",
        methods: &["POST"],
        path: "/knowledge",
        auth: KEY,
        parameters: &[CONTENT.required(), AGENTS.required(), NAME, DESCRIPTION],
        body: Body::Json,
        paging: None,
        check: knowledge,
        source: "FlowGent API Reference, [POST] Add Knowledge",
    },
    Endpoint {
        call: "knowledge list",
        summary: "Lists the items of knowledge that were added through the API.",
        methods: &["GET"],
        path: "/knowledge",
        auth: KEY,
        parameters: &[
            Parameter::query("agent_id", Kind::ANY, "Only this agent's."),
            Parameter::query("page", Kind::Integer(1, i64::MAX), "Which page, from 1."),
            Parameter::query("limit", Kind::Integer(1, 100), "How many on a page; 20 if unsaid."),
        ],
        body: Body::None,
        paging: Some(Paging::Number("page", "/pagination/has_next_page")),
        check: unchecked,
        source: "FlowGent API Reference, [GET] List Knowledge",
    },
    Endpoint {
        call: "knowledge get",
        summary: "Shows an item of knowledge with its content.",
        methods: &["GET"],
        path: "/knowledge/{id}",
        auth: KEY,
        parameters: &[ITEM],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "FlowGent API Reference, [GET] Get Knowledge Item",
    },
    Endpoint {
        call: "knowledge update",
        summary: "Changes an item of knowledge; its content is replaced as a whole.",
        methods: &["PATCH"],
        path: "/knowledge/{id}",
        auth: KEY,
        parameters: &[ITEM, NAME, CONTENT, AGENTS, DESCRIPTION],
        body: Body::Json,
        paging: None,
        check: update,
        source: "FlowGent API Reference, [PATCH] Update Knowledge Item",
    },
    Endpoint {
        call: "knowledge delete",
        summary: "Deletes an item of knowledge for ever, for all of its agents.",
        methods: &["DELETE"],
        path: "/knowledge/{id}",
        auth: KEY,
        parameters: &[ITEM],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "FlowGent API Reference, [DELETE] Delete Knowledge Item",
    },
];

fn chat(arguments: &Arguments, _: Date) -> Result<(), String> {
    let messages = match arguments.field("messages") {
        Some(Value::Array(messages)) => messages,
        Some(message @ Value::Object(_)) => vec![message],
        _ => Vec::new(),
    };
    for message in &messages {
        if message["role"].as_str().is_none() || message.get("content").is_none() {
            return Err(format!("a message is {{\"role\", \"content\"}}, not `{message}`"));
        }
    }
    if let Some(Value::String(url)) = arguments.field("callback_url")
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        return Err(format!("`--callback-url` is a URL, not `{url}`"));
    }
    Ok(())
}

/// What the document answers with 400 is refused before it costs a call.
fn usage(arguments: &Arguments, today: Date) -> Result<(), String> {
    let day = |name| arguments.get(name).and_then(|it| it.parse::<Date>().ok());
    let yesterday = today.yesterday().unwrap_or(today);
    let (start, end) = match (day("start_date"), day("end_date")) {
        (None, None) => return Ok(()),
        (None, Some(_)) => {
            return Err("`--end-date` needs `--start-date` beside it".to_owned());
        }
        (Some(start), end) => (start, end.unwrap_or(yesterday)),
    };
    if end >= today {
        return Err(format!("`--end-date` is at the latest yesterday, {yesterday}"));
    }
    if start > end {
        return Err(format!("`--start-date` {start} is after the last day, {end}"));
    }
    if (end - start).get_days() >= MAX_DAYS {
        return Err(format!("from {start} to {end} is more than {MAX_DAYS} days"));
    }
    Ok(())
}

fn template(arguments: &Arguments, _: Date) -> Result<(), String> {
    let number = arguments.field("recipient_phone_number");
    let number =
        number.as_ref().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
    if let Some(number) = number
        && !number.bytes().all(|it| it.is_ascii_digit())
    {
        return Err(format!(
            "`--recipient-phone-number` is digits with the country code, not `{number}`"
        ));
    }
    match arguments.field("parameters") {
        None | Some(Value::Array(_)) => Ok(()),
        Some(_) => Err("`--parameters` is a JSON list of components".to_owned()),
    }
}

fn knowledge(arguments: &Arguments, _: Date) -> Result<(), String> {
    match arguments.field("agent_ids") {
        Some(Value::Object(_)) => Err("`--agent-ids` is one agent, or a list of them".to_owned()),
        Some(Value::Array(agents))
            if agents.is_empty() || agents.iter().any(|it| !it.is_string()) =>
        {
            Err("`--agent-ids` is a list of at least one agent's identifier".to_owned())
        }
        _ => Ok(()),
    }
}

fn update(arguments: &Arguments, today: Date) -> Result<(), String> {
    for name in ["name", "content"] {
        let said = arguments.field(name);
        if said.as_ref().and_then(Value::as_str).is_some_and(|it| it.trim().is_empty()) {
            return Err(format!("`--{name}` is left away or says something"));
        }
    }
    knowledge(arguments, today)
}

/// The document warns that a 200 can carry an error: `statusCode` within the body counts. What
/// else goes wrong is `{error, message?}`.
fn problem(response: &Response) -> Option<Problem> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let inside = body["statusCode"].as_u64().and_then(|it| u16::try_from(it).ok());
    let told = if inside.is_some() { &body["body"] } else { &body };
    let status = inside.unwrap_or(response.status);
    let good = (200..300).contains(&status) && told.get("error").is_none();
    if good && (200..300).contains(&response.status) {
        return None;
    }
    let status = if (200..300).contains(&status) { response.status } else { status };
    // WhatsApp's own errors, which an agent's connection may pass on, are objects.
    let error = told["error"].as_str().or_else(|| told["error"]["message"].as_str());
    let message = told["message"].as_str();
    let message = match (error, message) {
        (Some(error), Some(message)) if error != message => format!("{error}: {message}"),
        (Some(only), _) | (None, Some(only)) => only.to_owned(),
        (None, None) => "it did not say why".to_owned(),
    };
    let retry_after = response.header("retry-after").and_then(|it| it.parse().ok());
    Some(Problem { status, message, retry_after: retry_after.map(std::time::Duration::from_secs) })
}
