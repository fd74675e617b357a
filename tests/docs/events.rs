//! `docs/events.md`: the envelope, the kinds, and every fact with its name and its wire path.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};
use sluicegate::event::kind::{CATALOGUE, Entry};
use sluicegate::event::paths::{self, Path};
use sluicegate::event::wire::CONTENT_TYPE;
use sluicegate::event::{Event, MAX_HOPS, schema};
use sluicegate::provider::{Headers, REGISTRY, Request};

use super::{code, codes, sentence, table};
use crate::support::{bench, gateway};
use crate::wire;

/// The attributes of the envelope, in the order of the wire.
const ENVELOPE: &[(&str, &str)] = &[
    ("specversion", "The version of CloudEvents."),
    (
        "id",
        "The event's id, a UUID (version 8). The same event has the same id however often it arrives: drop what you have seen by it.",
    ),
    ("source", "Provider and account, as a path."),
    ("type", "The kind: what happened. Expressions call it `event.kind`."),
    (
        "subject",
        "The conversation's id, a UUID. Absent where the event belongs to no conversation.",
    ),
    ("time", "When it happened: the provider's word, or else the moment it was received."),
    ("datacontenttype", "The media type of `data`."),
    (
        "dataschema",
        "Where the gateway serves the JSON Schema of `data`. Its last part is the major version.",
    ),
    ("sourcename", "The source's name in `routes.yaml`, or the destination's whose reply this is."),
    ("sequence", "The order in which events were written down: a number, as a string."),
    ("receivedtime", "When the gateway received it."),
    ("correlationid", "The first event of a chain of replies. An event from outside is its own."),
    ("causationid", "The event whose delivery brought this one as its reply. Absent from outside."),
    ("traceparent", "The W3C trace context of the request that brought it, where there was one."),
    (
        "historical",
        "Told after the fact: an import of old messages, or anything older than `stale_after` on arrival. Routes pass it by unless they say `history: include`.",
    ),
    ("hops", "How many replies lie between this event and the outside."),
    ("data", "What happened, in sections; see below."),
];

/// A text message: signed as Meta signs, verified, normalised and given its place.
pub(super) fn example() -> Event {
    let bench = bench::all().iter().find(|it| it.entry.name == "whatsapp").unwrap();
    let source = bench::source(bench.entry, json!({ "app_secrets": [gateway::SECRET] })).unwrap();
    let fixture = bench.fixtures.iter().find(|it| it.name == "text").unwrap();
    let body = Bytes::from(fixture.body.clone());
    let tag = gateway::sign(&body);
    let headers = Headers::from_iter([("x-hub-signature-256", &*tag)]);
    let request = Request::new("POST", "/hooks/whatsapp", headers, body.clone());
    let request = source.verify(request, bench::now()).unwrap();
    wire::complete(source.normalise(&request), &body).remove(0)
}

pub(super) fn page() -> String {
    let event = example();
    every_attribute_is_described(&event);
    let envelope = ENVELOPE.iter().map(|(name, text)| [code(name), (*text).to_owned()]);
    let mut page = format!(
        "# Events\n\n\
         An event is a [CloudEvent](https://cloudevents.io) 1.0 in its structured JSON form: an \
         envelope, and `data`. Within a major version fields are only added, so ignore what you do \
         not know.\n\n\
         - [The envelope](#the-envelope)\n- [An example](#an-example)\n- [Kinds](#kinds)\n\
         - [Unmapped payloads](#unmapped-payloads)\n- [Names in expressions](#names-in-expressions)\n\
         - [Sections of `data`](#sections-of-data)\n\n\
         ## The envelope\n\n{}\n\
         The media type is `{CONTENT_TYPE}`. A reply more than {MAX_HOPS} hops from the outside is refused, so that two bots cannot talk \
         for ever.\n\n\
         ## An example\n\nA text message, as a receiver gets it. White space was added.\n\n\
         ```json\n{}\n```\n",
        table(["Attribute", "Meaning"], envelope),
        pretty(&event.to_wire(wire::PUBLIC_URL)),
    );
    kinds(&mut page);
    names(&mut page);
    sections(&mut page);
    page
}

fn every_attribute_is_described(event: &Event) {
    let full = wire::with_every_attribute(event.clone());
    let full: Value = serde_json::from_slice(&full.to_wire(wire::PUBLIC_URL)).unwrap();
    let mut described: Vec<_> = ENVELOPE.iter().map(|it| it.0).collect();
    described.sort_unstable();
    let written: Vec<_> = full.as_object().unwrap().keys().collect();
    assert_eq!(described, written, "ENVELOPE has a sentence for every attribute");
}

fn kinds(page: &mut String) {
    let rows = CATALOGUE.iter().map(|Entry { kind, summary, sections }| {
        let link = |it: &&str| format!("[{it}](#{it})");
        let sections = sections.iter().map(link).collect::<Vec<_>>().join(", ");
        [format!("[`{kind}`](schemas/{kind}.json)"), (*summary).to_owned(), sections]
    });
    let unmapped: Vec<_> = REGISTRY
        .iter()
        .flat_map(|it| it.kinds.iter().map(move |kind| (it.name, kind)))
        .filter(|(_, kind)| kind.entry().is_none())
        .map(|(name, kind)| [format!("[`{kind}`](schemas/{kind}.json)"), code(name)])
        .collect();
    let _ = write!(
        page,
        "\n## Kinds\n\n\
         Each links to the JSON Schema of its `data`. Beside the sections named here, every event has \
         [channel](#channel) and `raw`: the provider's own fragment, verbatim.\n\n{}\n\
         ## Unmapped payloads\n\n\
         What a provider sends and nobody knows yet is an event too: kept, routable, and answered like \
         any other. Its section [unmapped](#unmapped) says why, `raw` holds what came.\n\n{}",
        table(["Kind", "What happened", "Sections"], rows),
        table(["Kind", "Provider"], unmapped),
    );
}

/// The names right below `event`.
fn names(page: &mut String) {
    let rows = paths::all().iter().filter(|it| it.name.matches('.').count() == 1).map(|it| {
        let kinds = it.section.as_deref().map_or_else(
            || "every kind".to_owned(),
            |section| format!("every kind with [{section}](#{section})"),
        );
        [code(&it.name), code(&it.wire), kinds, when(it)]
    });
    let _ = write!(
        page,
        "\n## Names in expressions\n\n\
         Conditions and templates know an event by these names; what stands below a section is listed \
         under [sections](#sections-of-data). Some of it is only given when the event is written down, \
         after routing: templates of a payload know it then, `when:` does not.\n\n{}",
        table(["Expression", "On the wire", "In", "`when:`"], rows),
    );
}

/// Whether the name does not follow from the wire path.
fn is_short(path: &Path) -> bool {
    let rest = path.name.strip_prefix("event.");
    rest.is_some_and(|it| it == "raw" || path.wire != format!("data.{it}"))
}

fn when(path: &Path) -> String {
    if path.journal { "no" } else { "yes" }.to_owned()
}

fn sections(page: &mut String) {
    page.push_str(
        "\n## Sections of `data`\n\n\
         What expressions call `event.message.text` is `data.message.text` on the wire, and so are all \
         of these. A field that is not always there is left out, never null. `[]` stands for a place in a list: `event.status.errors.0.code` is the first code.\n",
    );
    let root = schema::facts();
    let sections = root["properties"].as_object().unwrap();
    for (name, section) in sections {
        let kinds = CATALOGUE.iter().filter(|it| it.sections.contains(&name.as_str()));
        let kinds: Vec<_> = kinds.map(|it| it.kind.to_string()).collect();
        let kinds = match &**name {
            "channel" => "every kind".to_owned(),
            "unmapped" => "every kind that ends with `.unmapped`".to_owned(),
            _ if kinds.len() > 10 => format!("{} kinds: see [kinds](#kinds)", kinds.len()),
            _ => codes(&kinds),
        };
        let prefix = format!("data.{name}.");
        let mut found: Vec<&Path> =
            paths::all().iter().filter(|it| it.wire.starts_with(&prefix)).collect();
        found.retain(|it| !is_short(it));
        found.retain(|it| !it.wire.ends_with(".[]"));
        found.sort_by(|a, b| a.wire.cmp(&b.wire));
        for path in &found {
            assert_eq!(path.wire, path.name.replacen("event", "data", 1), "as the page says");
        }
        let rows = found.into_iter().map(|it| field(&root, it));
        let _ = write!(
            page,
            "\n### {name}\n\n{}\n\nIn {kinds}.\n\n{}",
            sentence(name, section["description"].as_str()),
            table(["Expression", "Type", "Always", "Meaning"], rows),
        );
    }
}

fn field(root: &Value, path: &Path) -> [String; 4] {
    let mut schema = root;
    let mut always = false;
    let mut text = None;
    for step in path.wire.split('.').skip(1) {
        schema = resolve(root, schema);
        if step == "[]" {
            schema = &schema["items"];
            continue;
        }
        let required = schema["required"].as_array().into_iter().flatten();
        always = required.into_iter().any(|it| it == step);
        schema = &schema["properties"][step];
        text = schema["description"].as_str();
    }
    let mut meaning = sentence(&path.wire, text);
    if path.journal {
        meaning.push_str(" Not in `when:`.");
    }
    let there = if always { "yes" } else { "" };
    [code(&path.name), kind(root, schema).into(), there.into(), meaning]
}

/// A reference followed, and the alternative of an option that is not null.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        return resolve(root, root.pointer(pointer.trim_start_matches('#')).unwrap());
    }
    let mut some = schema["anyOf"].as_array().into_iter().flatten();
    some.find(|it| it["type"] != "null").map_or(schema, |it| resolve(root, it))
}

fn kind(root: &Value, schema: &Value) -> &'static str {
    let schema = resolve(root, schema);
    let word = match &schema["type"] {
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|it| *it != "null"),
        word => word.as_str(),
    };
    match word {
        Some("string") => "text",
        Some("integer") => "whole number",
        Some("number") => "number",
        Some("boolean") => "`true` or `false`",
        Some("array") => "list",
        Some("object") => "object",
        _ => "anything",
    }
}

/// JSON with white space, its fields in their own order.
fn pretty(json: &[u8]) -> String {
    let compact = without_space(std::str::from_utf8(json).unwrap());
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let newline = |depth: usize| format!("\n{}", "  ".repeat(depth));
    let mut letters = compact.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            out.push(letter);
            continue;
        }
        match letter {
            '{' | '[' if matches!(letters.peek(), Some('}' | ']')) => out.push(letter),
            '{' | '[' => {
                depth += 1;
                out.push(letter);
                out.push_str(&newline(depth));
            }
            '}' | ']' => {
                if !out.ends_with(['{', '[']) {
                    depth -= 1;
                    out.push_str(&newline(depth));
                }
                out.push(letter);
            }
            ',' => out.push_str(&(",".to_owned() + &newline(depth))),
            ':' => out.push_str(": "),
            _ => {
                quoted = letter == '"';
                out.push(letter);
            }
        }
    }
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        serde_json::from_slice::<Value>(json).unwrap()
    );
    out
}

/// JSON without the white space between its words.
fn without_space(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |letter: &char| {
        if quoted {
            quoted = escaped || *letter != '"';
            escaped = !escaped && *letter == '\\';
            return true;
        }
        quoted = *letter == '"';
        !letter.is_whitespace()
    };
    json.chars().filter(keep).collect()
}
