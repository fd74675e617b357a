//! Messages that are sent: limits first, then what becomes of them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Failing, Graph, Refused, digits, refused};
use crate::client::Answered;
use crate::client::inspect::Rate;

pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// A burst to one customer is paid back at a message in six seconds.
const PAIR: Duration = Duration::from_secs(6);

impl Graph {
    pub(super) fn send(
        &mut self,
        number: &str,
        fields: &Value,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let input = fields["to"].as_str().or(fields["recipient"].as_str()).unwrap_or_default();
        let is_user = fields.get("to").is_none();
        let to = if is_user { input.to_owned() } else { digits(input) };
        let failing = self.fails();
        if let Some(Failing { code, later: false, .. }) = failing {
            return Err(refused(code, ""));
        }
        self.limit(number, &to, now)?;
        let heard = self.heard.get(&to).is_some_and(|it| now.duration_since(*it) < WINDOW);
        let is_template = fields.get("template").is_some();
        if !self.window_open && !heard && !is_template {
            return Err(refused(131_047, ""));
        }
        if self.unreachable.contains(&to) {
            return Err(refused(131_026, ""));
        }
        let id = format!("wamid.simulated{:08}", self.next());
        let mut message = json!({ "id": id });
        if is_template {
            message["message_status"] = "accepted".into();
        }
        let whom = if is_user { "user_id" } else { "wa_id" };
        let mut contact = json!({ "input": input });
        contact[whom] = to.clone().into();
        let mut answered = Answered::json(
            200,
            &json!({
                "messaging_product": "whatsapp",
                "contacts": [contact],
                "messages": [message],
            }),
        );
        let failed = failing.map(|it| it.code);
        answered.later = self.statuses(number, &id, &to, fields, failed, now);
        Ok(answered)
    }

    fn limit(&mut self, number: &str, to: &str, now: Timestamp) -> Result<(), Refused> {
        let (per_second, per_pair) = (self.per_second, self.per_pair);
        let all = self.numbers.entry(number.to_owned());
        let all = all.or_insert_with(|| Rate::new(per_second, Duration::from_secs(1)));
        all.take(now).map_err(|_| refused(130_429, ""))?;
        let settled = self.pairs.entry((number.to_owned(), to.to_owned())).or_insert(now);
        let next = now.max(*settled) + PAIR;
        let burst = PAIR * u32::try_from(per_pair).unwrap_or(u32::MAX);
        if next > now + burst {
            return Err(refused(131_056, ""));
        }
        *settled = next;
        Ok(())
    }
}
