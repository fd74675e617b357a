//! Buttons, lists, flows and products.
//!
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages>.

use serde_json::Value;

use super::{ANY, Checked, Fault, PARAMETER, invalid, keys, list, missing, object, short, text};

/// Those whose action has no rule of its own here: the document keeps adding to them.
const OTHERS: &[&str] = &[
    "address_message",
    "call_permission_request",
    "catalog_message",
    "location_request_message",
    "order_details",
    "order_status",
    "voice_call",
];

pub(super) fn check(part: &Value) -> Checked {
    let fields = object(part, "interactive")?;
    keys(fields, &["type", "header", "body", "footer", "action"], "interactive")?;
    let kind = text(&part["type"], "interactive.type", ANY)?;
    // A product speaks for itself.
    if kind != "product" {
        text(&part["body"]["text"], "interactive.body.text", 1024)?;
    }
    short(&part["footer"]["text"], "interactive.footer.text", 60)?;
    header(&part["header"])?;
    let action = &part["action"];
    object(action, "interactive.action")?;
    match kind {
        "button" => buttons(action),
        "list" => rows(action),
        "cta_url" => {
            let parameters = &action["parameters"];
            text(&parameters["display_text"], "interactive.action.parameters.display_text", 20)?;
            text(&parameters["url"], "interactive.action.parameters.url", ANY).map(drop)
        }
        "flow" => flow(&action["parameters"]),
        "product" => {
            text(&action["catalog_id"], "interactive.action.catalog_id", ANY)?;
            let product = &action["product_retailer_id"];
            text(product, "interactive.action.product_retailer_id", ANY).map(drop)
        }
        "product_list" => products(action),
        kind if OTHERS.contains(&kind) => Ok(()),
        kind => {
            let details = format!("interactive.type may not be {kind}.");
            Err(Fault { code: PARAMETER, details })
        }
    }
}

fn header(header: &Value) -> Checked {
    match header["type"].as_str() {
        None if header.is_null() => Ok(()),
        Some("text") => text(&header["text"], "interactive.header.text", 60).map(drop),
        Some(kind @ ("image" | "video" | "document")) => {
            object(&header[kind], &format!("interactive.header.{kind}")).map(drop)
        }
        _ => Err(invalid("interactive.header.type must be text, image, video or document.")),
    }
}

fn buttons(action: &Value) -> Checked {
    let mut ids: Vec<&str> = Vec::new();
    for button in list(&action["buttons"], "interactive.action.buttons", 3)? {
        if button["type"] != "reply" {
            return Err(invalid("interactive.action.buttons.type must be reply."));
        }
        text(&button["reply"]["title"], "interactive.action.buttons.reply.title", 20)?;
        let id = text(&button["reply"]["id"], "interactive.action.buttons.reply.id", 256)?;
        if ids.contains(&id) {
            return Err(invalid("interactive.action.buttons.reply.id must be unique."));
        }
        ids.push(id);
    }
    Ok(())
}

fn rows(action: &Value) -> Checked {
    text(&action["button"], "interactive.action.button", 20)?;
    let sections = list(&action["sections"], "interactive.action.sections", 10)?;
    let mut count = 0;
    for section in sections {
        let title = &section["title"];
        match sections.len() {
            1 => short(title, "interactive.action.sections.title", 24)?,
            _ => drop(text(title, "interactive.action.sections.title", 24)?),
        }
        for row in list(&section["rows"], "interactive.action.sections.rows", 10)? {
            text(&row["id"], "interactive.action.sections.rows.id", 200)?;
            text(&row["title"], "interactive.action.sections.rows.title", 24)?;
            short(&row["description"], "interactive.action.sections.rows.description", 72)?;
            count += 1;
        }
    }
    if count > 10 {
        return Err(invalid(format!("A list has {count} rows, at most 10 are allowed.")));
    }
    Ok(())
}

fn flow(parameters: &Value) -> Checked {
    object(parameters, "interactive.action.parameters")?;
    text(&parameters["flow_message_version"], "flow_message_version", ANY)?;
    text(&parameters["flow_cta"], "flow_cta", 30)?;
    match (parameters["flow_id"].is_null(), parameters["flow_name"].is_null()) {
        (true, true) => Err(missing("flow_id or flow_name")),
        (false, false) => Err(invalid("A flow has either a flow_id or a flow_name.")),
        _ => Ok(()),
    }
}

fn products(action: &Value) -> Checked {
    text(&action["catalog_id"], "interactive.action.catalog_id", ANY)?;
    let mut count = 0;
    for section in list(&action["sections"], "interactive.action.sections", 10)? {
        let items =
            list(&section["product_items"], "interactive.action.sections.product_items", 30)?;
        for item in items {
            text(&item["product_retailer_id"], "product_retailer_id", ANY)?;
        }
        count += items.len();
    }
    if count > 30 {
        return Err(invalid(format!("There are {count} products, at most 30 are allowed.")));
    }
    Ok(())
}
