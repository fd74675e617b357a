//! A FlowIQ that is not there, written from the reference (and from Flowapt's page on sending).
//!
//! What the overview calls otherwise (`phoneNumber`, `search` for messages) is refused: a client
//! that sends it works by luck.

mod deeds;
mod store;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::store::{Message, Store, normalised};
use super::MESSAGE_TYPES;
use crate::client::{Answered, Asked, Simulator};

pub(super) fn new() -> Box<dyn Simulator> {
    Box::new(FlowIq::default())
}

#[derive(Default)]
pub(super) struct FlowIq {
    store: Store,
    /// Answers that stand in for the next ones: see the deed `refuse`.
    refusals: VecDeque<Answered>,
    /// Messages sent, for their ids.
    sent: u64,
}

impl Simulator for FlowIq {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered {
        if let Some(refusal) = self.refusals.pop_front() {
            return refusal;
        }
        self.dispatch(asked, now).unwrap_or_else(|refusal| refusal)
    }

    fn deed(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        self.perform(deed, arguments, now)
    }
}

/// A refusal in FlowIQ's form.
fn refused(status: u16, error: &str, message: &str) -> Answered {
    let body = json!({ "success": false, "error": error, "message": message });
    Answered::json(status, &body)
}

fn invalid(message: &str) -> Answered {
    refused(400, "Invalid request", message)
}

fn missing(message: &str) -> Answered {
    refused(400, "Missing required parameter", message)
}

impl FlowIq {
    fn dispatch(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Answered> {
        if let Some(header) = asked.unlisted_header(&["authorization"]) {
            return Err(invalid(&format!("there is no header `{header}`")));
        }
        let token = asked.bearer().ok_or_else(|| {
            let message = "Authorization header with Bearer token is required";
            refused(401, "Unauthorized", message)
        })?;
        if token == "invalid" {
            return Err(refused(401, "Unauthorized", "Invalid bearer token"));
        }
        match (&*asked.method, &*asked.path) {
            ("GET", "/conversations") => self.conversations(asked),
            ("POST", "/send-whatsapp") => self.send(asked, now),
            (_, "/conversations" | "/send-whatsapp") => {
                Err(refused(405, "Method not allowed", &asked.method))
            }
            _ => Err(refused(404, "Not found", &asked.path)),
        }
    }

    fn conversations(&self, asked: &Asked) -> Result<Answered, Answered> {
        if !asked.body.is_empty() {
            return Err(invalid("GET takes no body"));
        }
        let listed: &[&str] = match asked.parameter("action") {
            None | Some("conversation-messages") => &[
                "action",
                "tenantId",
                "whatsappNumber",
                "contactId",
                "limit",
                "page",
                "query",
                "orderId",
                "ascending",
            ],
            Some("contacts") => &["action", "tenantId", "limit", "page", "search"],
            Some("find-by-phone") => &["action", "tenantId", "whatsappNumber"],
            Some(other) => {
                return Err(refused(
                    400,
                    "Invalid action",
                    &format!("there is no action `{other}`"),
                ));
            }
        };
        if let Some(wrong) = asked.unlisted_parameter(listed) {
            return Err(invalid(&wrong));
        }
        tenant(asked, true)?;
        match asked.parameter("action") {
            Some("contacts") => self.contacts(asked),
            Some("find-by-phone") => self.contact(asked),
            _ => self.messages(asked),
        }
    }

    fn messages(&self, asked: &Asked) -> Result<Answered, Answered> {
        let (id, number) = (asked.parameter("contactId"), asked.parameter("whatsappNumber"));
        let index = match (id, number) {
            (Some(id), _) => {
                uuid::Uuid::try_parse(id).map_err(|_| invalid("contactId is not a UUID"))?;
                self.store.by_id(id)
            }
            (None, Some(number)) => self.store.by_number(number),
            (None, None) => return Err(missing("whatsappNumber or contactId is required")),
        };
        let limit = whole(asked, "limit", 10, 100)?;
        let page = whole(asked, "page", 1, usize::MAX)?;
        let ascending = match asked.parameter("ascending") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("ascending is true or false")),
        };
        let terms = self.terms(asked)?;
        let messages = &self.store.conversations[index.ok_or_else(|| no_contact(number))?].messages;
        // Without a filter only the page itself is looked at, however long the conversation is.
        let found: Vec<&Message> = match &terms {
            Some(terms) => messages.iter().filter(|it| it.matches(terms)).collect(),
            None => Vec::new(),
        };
        let total = if terms.is_some() { found.len() } else { messages.len() };
        let list: Vec<Value> = page_of(total, limit, page)
            .map(|at| if ascending { at } else { total - 1 - at })
            .map(|at| if terms.is_some() { found[at] } else { &messages[at] }.json())
            .collect();
        let mut pagination = paging(total, limit, page);
        pagination.insert("totalMessages".to_owned(), total.into());
        pagination.insert("messagesPerPage".to_owned(), limit.into());
        Ok(Answered::json(
            200,
            &json!({
                "success": true,
                "count": list.len(),
                "messages": list,
                "pagination": pagination,
                "searchTerms": terms,
                "filtered": terms.is_some(),
                "stored": false,
            }),
        ))
    }

    /// What to look for: the words of `query`, and the number of the order.
    fn terms(&self, asked: &Asked) -> Result<Option<Vec<String>>, Answered> {
        let mut terms = Vec::new();
        if let Some(id) = asked.parameter("orderId").filter(|it| !it.is_empty()) {
            let number = self.store.orders.get(id).ok_or_else(|| {
                let body =
                    json!({ "success": false, "error": "Shopify order not found", "orderId": id });
                Answered::json(404, &body)
            })?;
            terms.push(number.clone());
        }
        let words = asked.parameter("query").unwrap_or_default().split(',').map(str::trim);
        terms.extend(words.filter(|it| !it.is_empty()).map(str::to_owned));
        Ok((!terms.is_empty()).then_some(terms))
    }

    fn contacts(&self, asked: &Asked) -> Result<Answered, Answered> {
        let limit = whole(asked, "limit", 50, 100)?;
        let page = whole(asked, "page", 1, usize::MAX)?;
        let all = self.store.active();
        let (total, list): (usize, Vec<Value>) = match asked.parameter("search") {
            None | Some("") => {
                let total = all.len();
                let range = page_of(total, limit, page);
                (
                    total,
                    all.skip(range.start)
                        .take(range.len())
                        .map(store::Conversation::json)
                        .collect(),
                )
            }
            Some(search) => {
                let found: Vec<_> = all.filter(|it| it.matches(search)).collect();
                let range = page_of(found.len(), limit, page);
                (found.len(), found[range].iter().map(|it| it.json()).collect())
            }
        };
        let mut pagination = paging(total, limit, page);
        pagination.insert("totalContacts".to_owned(), total.into());
        pagination.insert("contactsPerPage".to_owned(), limit.into());
        let body = json!({ "success": true, "contacts": list, "pagination": pagination });
        Ok(Answered::json(200, &body))
    }

    fn contact(&self, asked: &Asked) -> Result<Answered, Answered> {
        let number = asked
            .parameter("whatsappNumber")
            .filter(|it| !it.is_empty())
            .ok_or_else(|| missing("whatsappNumber is required"))?;
        let index = self.store.by_number(number).ok_or_else(|| no_contact(Some(number)))?;
        Ok(Answered::json(
            200,
            &json!({
                "success": true,
                "contact": self.store.conversations[index].json(),
                "original_phone": number,
                "normalized_phone": normalised(number),
            }),
        ))
    }

    fn send(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Answered> {
        const FIELDS: [&str; 7] = [
            "phone_number",
            "message_type",
            "text",
            "media_url",
            "caption",
            "interactive",
            "context_message_id",
        ];
        if let Some(wrong) = asked.unlisted_parameter(&["tenantId"]) {
            return Err(invalid(&wrong));
        }
        tenant(asked, false)?;
        let body: Map<String, Value> = serde_json::from_slice(&asked.body)
            .map_err(|_| invalid("the body is not a JSON object"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        let number = text("phone_number").ok_or_else(|| missing("phone_number is required"))?;
        let kind = text("message_type").ok_or_else(|| missing("message_type is required"))?;
        let kind = *MESSAGE_TYPES
            .iter()
            .find(|it| **it == kind)
            .ok_or_else(|| invalid(&format!("there is no message_type `{kind}`")))?;
        // What carries a location, contacts or a reaction is not written down, so that each may
        // have a field of its own name.
        let open = ["location", "contacts", "reaction"].contains(&kind);
        let listed = |it: &String| FIELDS.contains(&&**it) || (open && it == kind);
        if let Some(field) = body.keys().find(|it| !listed(it)) {
            return Err(invalid(&format!("there is no field `{field}`")));
        }
        let needed = match kind {
            "text" => Some("text"),
            "image" | "video" | "audio" | "document" => Some("media_url"),
            "interactive" => Some("interactive"),
            _ => None,
        };
        if let Some(name) = needed.filter(|it| body.get(*it).is_none_or(Value::is_null)) {
            return Err(missing(&format!("{name} is required for message_type {kind}")));
        }
        let index = self.store.by_number(number).ok_or_else(|| no_contact(Some(number)))?;
        let shown = match kind {
            "text" => text("text").unwrap_or_default().to_owned(),
            "image" | "video" | "audio" | "document" => {
                text("caption").unwrap_or_default().to_owned()
            }
            _ => body.get(kind).map(Value::to_string).unwrap_or_default(),
        };
        let mut message = Message::new(shown, "bot-whatsapp", deeds::to_the_second(now));
        message.media = Some(kind).filter(|it| *it != "text");
        message.media_url = text("media_url").map(str::to_owned);
        self.store.append(index, message);
        self.sent += 1;
        Ok(Answered::json(
            200,
            &json!({
                "success": true,
                "message": "Message sent successfully",
                "data": {
                    "message_id": format!("wamid.SIMULATED{:08}", self.sent),
                    "recipient": normalised(number),
                    "message_type": kind,
                },
            }),
        ))
    }
}

fn tenant(asked: &Asked, required: bool) -> Result<(), Answered> {
    match asked.parameter("tenantId") {
        None if !required => Ok(()),
        None | Some("") => Err(missing("tenantId is required")),
        Some("other") => {
            let message = "Bearer token does not match the provided tenantId";
            Err(refused(401, "Unauthorized", message))
        }
        Some(_) => Ok(()),
    }
}

fn no_contact(number: Option<&str>) -> Answered {
    let mut body = json!({ "success": false, "error": "Contact not found" });
    if let Some(number) = number {
        body["normalized_phone"] = normalised(number).into();
    }
    Answered::json(404, &body)
}

/// A whole number from 1 up to a limit.
fn whole(asked: &Asked, name: &str, default: usize, most: usize) -> Result<usize, Answered> {
    let Some(value) = asked.parameter(name) else { return Ok(default) };
    let number = value.parse().ok().filter(|it| (1..=most).contains(it));
    number.ok_or_else(|| {
        let most = if most == usize::MAX { String::new() } else { format!(" and at most {most}") };
        invalid(&format!("{name} is a whole number, at least 1{most}"))
    })
}

/// The elements of a page, counted from the first of the first page.
fn page_of(total: usize, limit: usize, page: usize) -> std::ops::Range<usize> {
    let start = limit.saturating_mul(page - 1).min(total);
    start..start.saturating_add(limit).min(total)
}

fn paging(total: usize, limit: usize, page: usize) -> Map<String, Value> {
    let pages = total.div_ceil(limit);
    let mut paging = Map::new();
    paging.insert("currentPage".to_owned(), page.into());
    paging.insert("totalPages".to_owned(), pages.into());
    paging.insert("hasNextPage".to_owned(), (page < pages).into());
    paging.insert("hasPrevPage".to_owned(), (page > 1).into());
    paging
}
