//! `leadgen`: somebody filled in the form of an advertisement.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::Lead;
use crate::event::{Draft, Kind};
use crate::lenient::{text, time};
use crate::provider::meta::Place;

/// One lead. What was filled in is not told: `GET /<leadgen id>` with the page's token answers it.
pub(super) fn draft(place: &Place<'_>, value: &Value, raw: &RawValue) -> Draft {
    let Some(id) = text(&value["leadgen_id"]) else {
        return place.unmapped("a lead without an id", raw);
    };
    let mut draft = place.draft(Kind::LEAD_RECEIVED, format!("lead:{id}"), raw);
    draft.time = time(&value["created_time"]).or(draft.time);
    draft.facts.lead = Some(Lead {
        id: Some(id),
        form: text(&value["form_id"]),
        page: text(&value["page_id"]),
        ad: text(&value["ad_id"]),
        campaign: text(&value["adgroup_id"]),
        ..Lead::default()
    });
    draft
}
