//! Flows: listed, made, changed, generated.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{FlowBot, Refused, needed, refused, stamp};
use crate::client::flowbot::payload::Flow;
use crate::client::{Answered, Asked};

impl FlowBot {
    pub(super) fn create(
        &mut self,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let name = fields.get("name").and_then(Value::as_str).unwrap_or("New flow");
        if self.flows.iter().any(|it| it.name == name) {
            return Err(refused(409, "A flow of this name already exists"));
        }
        let flow = self.flow_of(name, now);
        Ok(Answered::json(201, &json!(flow)))
    }

    fn flow_of(&mut self, name: &str, now: Timestamp) -> Flow {
        let flow = Flow {
            id: self.next("flow-"),
            name: name.to_owned(),
            description: String::new(),
            status: "draft".to_owned(),
            created_at: stamp(now),
            updated_at: stamp(now),
        };
        self.flows.push(flow.clone());
        flow
    }

    pub(super) fn flow(
        &mut self,
        id: &str,
        method: &str,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let at = self.flows.iter().position(|it| it.id == id);
        let at = at.ok_or_else(|| refused(404, "Flow not found"))?;
        if method == "DELETE" {
            self.flows.remove(at);
            return Ok(Answered::json(200, &json!({ "success": true })));
        }
        let flow = &mut self.flows[at];
        if method == "PUT" {
            let said = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
            flow.name = said("name").unwrap_or_else(|| flow.name.clone());
            flow.status = said("status").unwrap_or_else(|| flow.status.clone());
            flow.updated_at = stamp(now);
        }
        Ok(Answered::json(200, &json!(flow)))
    }

    pub(super) fn generate(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        if self.generations.take(now).is_err() {
            return Err(refused(429, "Too many requests, at most 10 flows a minute"));
        }
        let parts = asked.parts().ok_or_else(|| refused(400, "The body is no form"))?;
        if let Some((name, _)) = parts.iter().find(|it| it.0 != "prompt" && it.0 != "file") {
            return Err(refused(400, &format!("Unknown field: {name}")));
        }
        let fields = parts.into_iter().map(|(name, value)| (name, value.into())).collect();
        let prompt: String = needed(&fields, "prompt")?.chars().take(40).collect();
        let flow = self.flow_of(&prompt, now);
        Ok(Answered::json(
            200,
            &json!({
                "success": true,
                "flow": {
                    "id": flow.id,
                    "name": flow.name,
                    "status": flow.status,
                    "drawflowData": { "drawflow": {} },
                },
                "nodeCount": 8,
                "message": "Flow generated with 8 nodes",
            }),
        ))
    }
}
