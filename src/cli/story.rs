//! The tree of an event as a person reads it: routes, deliveries, attempts, receipts, replies.

use std::fmt::Write as _;

use serde_json::Value;

use super::events::line;
use crate::admin::answer::Story;
use crate::journal::{Attempt, DeliveryState};

/// The longest of what was sent or answered that is shown on a line.
const SHOWN: usize = 160;

/// A line, and what hangs below it.
struct Node {
    text: String,
    below: Vec<Node>,
}

/// The lines of an event's tree.
pub(super) fn lines(story: &Story) -> serde_json::Result<Vec<String>> {
    let root = event(story)?;
    let mut lines = vec![root.text];
    draw(&root.below, "", &mut lines);
    Ok(lines)
}

fn draw(nodes: &[Node], indent: &str, lines: &mut Vec<String>) {
    for (index, node) in nodes.iter().enumerate() {
        let is_last = index + 1 == nodes.len();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{indent}{branch}{}", node.text));
        draw(&node.below, &format!("{indent}{below}"), lines);
    }
}

fn leaf(text: String) -> Node {
    Node { text, below: Vec::new() }
}

fn event(story: &Story) -> serde_json::Result<Node> {
    let wire: Value = serde_json::from_str(story.event.get())?;
    let source = wire["sourcename"].as_str().unwrap_or_default();
    let mut below: Vec<Node> = Vec::new();
    for it in &story.deliveries {
        below.push(delivery(it));
    }
    for reply in &story.replies {
        let node = event(reply)?;
        let wire: Value = serde_json::from_str(reply.event.get())?;
        // A reply hangs on the delivery that brought it: the last one to its destination.
        let brought = |it: &DeliveryState| wire["sourcename"] == *it.destination;
        match story.deliveries.iter().rposition(brought) {
            Some(at) => below[at].below.push(node),
            None => below.push(node),
        }
    }
    if story.deliveries.is_empty() {
        below.insert(0, leaf("no route took it".to_owned()));
    }
    if story.more {
        below.push(leaf("more replies than are shown".to_owned()));
    }
    Ok(Node { text: format!("{source}  {}", line(&wire)), below })
}

fn delivery(it: &DeliveryState) -> Node {
    let mut text = format!("{} → {}: {}", it.route, it.destination, it.state);
    if let Some(settled) = it.settled {
        let _ = write!(text, "  {settled:.3}");
    }
    if let Some(receipt) = &it.receipt {
        let _ = write!(text, "  ({})", plain(receipt));
    }
    if let Some(reason) = &it.reason {
        let _ = write!(text, "  {}", plain(reason));
    }
    let mut below = vec![leaf(match &it.replay_of {
        Some(of) => format!("delivery {}, repeats {of}", it.id),
        None => format!("delivery {}", it.id),
    })];
    let attempts = it.attempted.iter().flat_map(attempt);
    match it.call {
        Some(call) => {
            below.push(Node { text: format!("call {call}"), below: attempts.collect() });
        }
        None => below.extend(attempts),
    }
    if let Some(due) = it.due.filter(|_| it.state != "sending") {
        let what = if it.state == "awaiting" { "answer awaited until" } else { "next attempt" };
        // A pause without an end leaves no moment.
        let never = due.as_second() >= jiff::Timestamp::MAX.as_second();
        below.push(leaf(if never {
            "next attempt when the pause ends".to_owned()
        } else {
            format!("{what} {due:.3}")
        }));
    }
    for told in &it.receipts {
        let status = told.status.as_deref().unwrap_or(&told.kind);
        let text = format!("receipt {}  {:.3}  {}", plain(status), told.time, told.event);
        below.push(leaf(text));
    }
    Node { text, below }
}

fn attempt(it: &Attempt) -> Vec<Node> {
    let reason = it.reason.as_deref().map(|it| format!("  {}", plain(it))).unwrap_or_default();
    let under = it.config.as_deref().map(|it| format!("  config {it}")).unwrap_or_default();
    let text = format!("attempt {:.3}  {}  {} ms{reason}{under}", it.at, it.outcome, it.took_ms);
    let exchanged = [("sent", &it.sent), ("answered", &it.answered)];
    let exchanged = exchanged.into_iter().filter_map(|(name, it)| Some((name, it.as_deref()?)));
    let below = exchanged.map(|(name, it)| leaf(format!("{name} {}", plain(it)))).collect();
    vec![Node { text, below }]
}

/// On one line, and without what a terminal would obey: the other side's words may hold anything.
fn plain(text: &str) -> String {
    let mut plain: String =
        text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        plain.push('…');
    }
    plain
}
