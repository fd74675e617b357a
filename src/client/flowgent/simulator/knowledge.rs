//! A store of knowledge, with the rules of the document.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{FlowGent, Refused, fields, parameters, refused, told};
use crate::client::flowgent::MAX_CONTENT;
use crate::client::flowgent::payload::{Item, Page, Pagination};
use crate::client::{Answered, Asked};

const KNOWN: &[&str] = &["content", "name", "agent_ids", "description_to_index_on"];

impl FlowGent {
    pub(super) fn add(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        parameters(asked, &[])?;
        let fields = fields(asked, KNOWN)?;
        let Some(content) = content(&fields)? else {
            return Err(told(400, "content is required and must be a non-empty string"));
        };
        let Some(linked_agents) = agents(&fields)? else { return Err(no_agents()) };
        let name = text(&fields, "name")?;
        text(&fields, "description_to_index_on")?;
        if self.items.len() >= self.limit {
            return Err(Answered::json(
                402,
                &json!({
                    "error": "Usage limit reached",
                    "message": "You have reached the maximum number of items in one of your \
                        knowledge bases. Please upgrade your plan to add more items.",
                    "minimalPlan": "pro",
                }),
            ));
        }
        let id = format!("item-{:06}", self.next());
        let moment = format!("{now:.0}");
        let item = Item {
            id: id.clone(),
            name,
            content: Some(content),
            created_at: moment.clone(),
            updated_at: moment,
            source: "api".to_owned(),
            linked_agents,
        };
        let answered = Answered::json(200, &json!(brief(&item)));
        self.items.insert(id, item);
        Ok(answered)
    }

    pub(super) fn list(&mut self, asked: &Asked) -> Result<Answered, Refused> {
        parameters(asked, &["agent_id", "page", "limit"])?;
        let agent = asked.parameter("agent_id");
        if agent == Some("other") {
            let message = "Agent does not belong to your organisation";
            return Err(refused(403, "Access denied", message));
        }
        let number = |name: &str, default: usize| match asked.parameter(name) {
            None => Some(default),
            Some(text) => text.parse().ok().filter(|it| *it > 0),
        };
        let limit = number("limit", 20).filter(|it| *it <= 100);
        let (Some(page), Some(limit)) = (number("page", 1), limit) else {
            let message = "Page must be a positive integer and limit must be between 1 and 100";
            return Err(refused(400, "Invalid pagination parameters", message));
        };
        let is_of =
            |item: &Item| agent.is_none_or(|it| item.linked_agents.iter().any(|of| of == it));
        let found: Vec<&Item> = self.items.values().filter(|it| is_of(it)).collect();
        let pages = found.len().div_ceil(limit);
        let skipped = (page - 1).saturating_mul(limit);
        let page = Page {
            knowledge_items: found.iter().skip(skipped).take(limit).map(|it| brief(it)).collect(),
            pagination: Pagination {
                current_page: page,
                limit,
                total_count: found.len(),
                total_pages: pages,
                has_next_page: page < pages,
                has_previous_page: page > 1,
            },
        };
        Ok(Answered::json(200, &json!(page)))
    }

    pub(super) fn get(&mut self, id: &str, asked: &Asked) -> Result<Answered, Refused> {
        parameters(asked, &[])?;
        let item = self.items.get(id).ok_or_else(not_found)?;
        Ok(Answered::json(200, &json!(item)))
    }

    pub(super) fn update(
        &mut self,
        id: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        parameters(asked, &[])?;
        let item = self.items.get_mut(id).ok_or_else(not_found)?;
        let fields = fields(asked, KNOWN)?;
        let name = text(&fields, "name")?;
        text(&fields, "content")?;
        let content = content(&fields)?;
        let agents = agents(&fields)?;
        text(&fields, "description_to_index_on")?;
        item.name = name.or(item.name.take());
        item.content = content.or(item.content.take());
        item.linked_agents = agents.unwrap_or_else(|| std::mem::take(&mut item.linked_agents));
        item.updated_at = format!("{now:.0}");
        Ok(Answered::json(200, &json!(brief(item))))
    }

    pub(super) fn delete(&mut self, id: &str, asked: &Asked) -> Result<Answered, Refused> {
        parameters(asked, &[])?;
        self.items.remove(id).ok_or_else(not_found)?;
        Ok(Answered::json(200, &json!({ "message": "Knowledge item deleted successfully" })))
    }
}

/// Without its content: only one item on its own shows it.
fn brief(item: &Item) -> Item {
    Item { content: None, ..item.clone() }
}

fn not_found() -> Refused {
    told(404, "Knowledge item not found or access denied")
}

fn no_agents() -> Refused {
    told(400, "agent_ids is required and must be a non-empty string or array")
}

/// A text that, if it is there, says something.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Some(_) => {
            let message = format!("If provided, \"{name}\" must be a non-empty string.");
            Err(refused(400, "Validation failed", &message))
        }
    }
}

fn content(fields: &Map<String, Value>) -> Result<Option<String>, Refused> {
    let content = match fields.get("content") {
        None => return Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => text,
        Some(_) => return Err(told(400, "content is required and must be a non-empty string")),
    };
    if content.chars().count() > MAX_CONTENT {
        let message = "The content field must be 4000 characters or less.";
        return Err(refused(400, "Content exceeds character limit", message));
    }
    Ok(Some(content.clone()))
}

fn agents(fields: &Map<String, Value>) -> Result<Option<Vec<String>>, Refused> {
    let agents = match fields.get("agent_ids") {
        None => return Ok(None),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => {
            let texts = several.iter().map(|it| it.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>().ok_or_else(no_agents)?
        }
        Some(_) => return Err(no_agents()),
    };
    if agents.is_empty() || agents.iter().any(|it| it.trim().is_empty()) {
        return Err(no_agents());
    }
    if agents.iter().any(|it| it == "other") {
        let message = "One or more agents do not belong to your organisation";
        return Err(refused(403, "Access denied", message));
    }
    Ok(Some(agents))
}
