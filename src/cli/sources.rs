//! `sluicegate sources`: who sends, what their check proves, and how far the polled ones are.

use std::fmt::Write as _;

use super::client::Client;
use super::{Failure, Global, print, setup};
use crate::admin::answer::{Polled, Source};

/// Prints a line for each source, and a second one where it is polled.
pub(super) async fn run(global: &Global) -> Result<(), Failure> {
    let client = Client::new(&setup::load(global)?)?;
    let sources: Vec<Source> = client.get("/sources", &[]).await?;
    if global.json {
        print(&serde_json::to_string(&sources)?)?;
        return Ok(());
    }
    let width = |of: fn(&Source) -> &str| sources.iter().map(|it| of(it).len()).max().unwrap_or(0);
    let (name, provider) = (width(|it| &it.name), width(|it| &it.provider));
    for source in &sources {
        let secret = if source.development { " It runs on a development secret." } else { "" };
        print(&format!(
            "{:<name$}  {:<provider$}  {}{secret}",
            source.name, source.provider, source.proof
        ))?;
        if let Some(polled) = &source.polled {
            print(&format!("{:<name$}  {}", "", line(polled)))?;
        }
    }
    Ok(())
}

/// How far a polled source is.
fn line(polled: &Polled) -> String {
    let Polled { known, read, live, stalest_seconds, error, next } = polled;
    let noun = if *known == 1 { "conversation" } else { "conversations" };
    let mut line = format!("{known} {noun}, {read} read, {live} live");
    if let Some(seconds) = stalest_seconds {
        let _ = write!(line, "; the one that waits longest has for {seconds} s");
    }
    if let Some(next) = next {
        let _ = write!(line, "; asks next at {next:.0}");
    }
    if let Some(error) = error {
        // The provider's words may hold control characters; a terminal must not obey them.
        let error: String = error.chars().filter(|it| !it.is_control()).collect();
        let _ = write!(line, "; trouble: {error}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polled_source_says_how_far_it_is_and_what_hinders_it() {
        let polled = Polled {
            known: 12,
            read: 7,
            live: 3,
            stalest_seconds: Some(40),
            error: Some("401: Unauthorized\u{1b}[2J".into()),
            next: "2026-11-20T10:00:00.4Z".parse().ok(),
        };
        let line = line(&polled);
        for part in ["12 conversations, 7 read, 3 live", "40 s", "10:00:00Z", "401: Unauthorized"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains('\u{1b}'));
    }
}
