//! What was used, day by day, from what was asked of the simulator.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{FlowGent, Refused, refused};
use crate::client::flowgent::MAX_DAYS;
use crate::client::flowgent::payload::{Credits, Daily, TimeRange, Usage};
use crate::client::{Answered, Asked};

/// Before this day nothing was counted.
const COUNTED_FROM: Date = jiff::civil::date(2025, 5, 28);

impl FlowGent {
    pub(super) fn usage(
        &mut self,
        agent: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let (start, end) = range(asked, today)?;
        let mut days = Vec::new();
        let mut day = end;
        while day >= start {
            let used = self.used.get(&(agent.to_owned(), day)).copied().unwrap_or_default();
            days.push(Daily { date: day.to_string(), credits_used: used });
            let Ok(before) = day.yesterday() else { break };
            day = before;
        }
        let usage = Usage {
            agent_id: agent.to_owned(),
            time_range: TimeRange {
                start: format!("{start}T00:00:00.000Z"),
                end: format!("{end}T23:59:59.999Z"),
            },
            usage: Credits {
                total_credits_used: days.iter().map(|it| it.credits_used).sum(),
                daily_breakdown: days,
            },
            note: (start < COUNTED_FROM)
                .then(|| "Endpoint active from 28 May 2025 onwards".to_owned()),
        };
        Ok(Answered::json(200, &json!(usage)))
    }
}

fn range(asked: &Asked, today: Date) -> Result<(Date, Date), Refused> {
    let start = day(asked.parameter("start_date"))?;
    let end = day(asked.parameter("end_date"))?;
    let yesterday = today.yesterday().unwrap_or(today);
    let Some(start) = start else {
        if end.is_some() {
            let message = "start_date is required when end_date is provided (format: YYYY-MM-DD)";
            return Err(refused(400, "Invalid date range", message));
        }
        let week = jiff::Span::new().days(6);
        return Ok((yesterday.saturating_sub(week), yesterday));
    };
    let end = end.unwrap_or(yesterday);
    if start > end {
        return Err(refused(400, "Invalid date range", "start_date must not be after end_date"));
    }
    if end >= today {
        let message =
            "end_date cannot be today or in the future. Data is only available up to yesterday.";
        return Err(refused(400, "Invalid end date", message));
    }
    if (end - start).get_days() >= MAX_DAYS {
        let message = "Date range cannot exceed 31 days";
        return Err(refused(400, "Date range too large", message));
    }
    Ok((start, end))
}

fn day(text: Option<&str>) -> Result<Option<Date>, Refused> {
    let Some(text) = text else { return Ok(None) };
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, it)| match at {
            4 | 7 => it == b'-',
            _ => it.is_ascii_digit(),
        });
    if !shaped {
        return Err(refused(400, "Invalid date format", "Dates must be in YYYY-MM-DD format"));
    }
    let invalid = |_| refused(400, "Invalid dates", "Provided dates are not valid");
    text.parse().map(Some).map_err(invalid)
}
