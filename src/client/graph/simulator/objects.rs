//! Files and leads.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{File, Graph, Refused, refused};
use crate::client::{Answered, Asked};

impl Graph {
    /// A file or a lead: the Graph API finds both under their identifiers alone.
    pub(super) fn show(&self, id: &str, asked: &Asked) -> Result<Answered, Refused> {
        if let Some(file) = self.media.get(id) {
            return Ok(Answered::json(
                200,
                &json!({
                    "messaging_product": "whatsapp",
                    "url": format!("{}/simulated-media/{id}", asked.base_url),
                    "mime_type": file.mime_type,
                    "sha256": hex::encode(Sha256::digest(&file.content)),
                    "file_size": file.content.len(),
                    "id": id,
                }),
            ));
        }
        let lead = self.leads.get(id).ok_or_else(|| not_found(id))?;
        let mut shown = lead.clone();
        if let (Some(fields), Value::Object(all)) = (asked.parameter("fields"), &mut shown) {
            let fields: Vec<&str> = fields.split(',').collect();
            // The identifier always comes along.
            all.retain(|name, _| name == "id" || fields.contains(&&**name));
        }
        Ok(Answered::json(200, &shown))
    }

    /// A file's own bytes.
    pub(super) fn content(&self, id: &str) -> Result<Answered, Refused> {
        let file = self.media.get(id).ok_or_else(|| not_found(id))?;
        let body = file.content.clone().into();
        Ok(Answered { body, ..Answered::json(200, &Value::Null) })
    }

    pub(super) fn upload(&mut self, asked: &Asked) -> Result<Answered, Refused> {
        let parts = asked.parts().ok_or_else(|| refused(100, "The body is no form."))?;
        let known = ["messaging_product", "file", "type"];
        if let Some((name, _)) = parts.iter().find(|it| !known.contains(&&*it.0)) {
            return Err(refused(100, &format!("Unexpected key \"{name}\" on param \"media\".")));
        }
        let part = |name: &str| {
            let found = parts.iter().find(|it| it.0 == name);
            let missing = || refused(100, &format!("The parameter {name} is required."));
            found.map(|it| it.1.clone()).ok_or_else(missing)
        };
        if part("messaging_product")? != "whatsapp" {
            return Err(refused(100, "The parameter messaging_product is required."));
        }
        let file = File { mime_type: part("type")?, content: part("file")?.into_bytes() };
        let id = self.id();
        self.media.insert(id.clone(), file);
        Ok(Answered::json(200, &json!({ "id": id })))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<Answered, Refused> {
        self.media.remove(id).ok_or_else(|| not_found(id))?;
        Ok(Answered::json(200, &json!({ "success": true })))
    }
}

fn not_found(id: &str) -> Refused {
    let details = format!(
        "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to \
         missing permissions, or does not support this operation."
    );
    refused(100, &details)
}
