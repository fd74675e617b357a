//! Files of a call's messages, fetched right before the attempt: what is sent then holds links of
//! ours, which outlast the provider's and need no token.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::lane::Worker;
use crate::client::Response;
use crate::config::Secret;
use crate::destination::Outcome;
use crate::event::Event;
use crate::event::facts::Media;
use crate::http::{Connection, Rules, Unanswered};
use crate::media::{Digest, Link, Shelf};
use crate::plan::Plan;
use crate::provider::Download;

/// The largest file that is fetched, in bytes: that of `WhatsApp`'s audio and video.
const LARGEST: usize = 16 << 20;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a link of ours leads to its file.
const LINKED: Duration = Duration::from_hours(24);

/// The most requests on the way to a file.
const STEPS: usize = 3;

/// Why a file was not fetched.
enum Missed {
    /// It cannot be had: the message goes without it.
    Without(String),
    /// It may be had later.
    Later(String),
    /// The settings have to change first.
    Never(String),
}

/// What was fetched, or is on the shelf.
struct Fetched {
    digest: Digest,
    /// What it was served as.
    mime_type: Option<String>,
}

/// Fetches the files of these events and puts links of ours in their place. Answers what of the
/// links must not be seen.
pub(super) async fn made(
    worker: &Worker,
    plan: &Plan,
    events: &mut [Arc<Event>],
    now: Timestamp,
) -> Result<Vec<Secret>, Outcome> {
    let mut secrets = Vec::new();
    for event in events {
        let Some(message) = &event.facts.message else { continue };
        let mut message = message.clone();
        let mut is_changed = false;
        for media in message.media.iter_mut().chain(&mut message.more) {
            match fetched(worker, plan, event, media, now).await {
                Ok(None) => {}
                Ok(Some(it)) => {
                    secrets.push(link(worker, plan, it, media, now));
                    is_changed = true;
                }
                Err(Missed::Without(reason)) => {
                    let (event, reason) = (event.id, told(media, &reason));
                    tracing::warn!(%event, reason, "a message goes on without its file");
                }
                Err(Missed::Later(reason)) => return Err(Outcome::retry(told(media, &reason))),
                Err(Missed::Never(reason)) => return Err(Outcome::refused(told(media, &reason))),
            }
        }
        if is_changed {
            let mut changed = Event::clone(event);
            changed.facts.message = Some(message);
            *event = Arc::new(changed);
        }
    }
    Ok(secrets)
}

/// Puts a link in a file's place. Answers its signature.
fn link(
    worker: &Worker,
    plan: &Plan,
    fetched: Fetched,
    media: &mut Media,
    now: Timestamp,
) -> Secret {
    media.mime_type = media.mime_type.take().or(fetched.mime_type);
    media.sha256.get_or_insert_with(|| fetched.digest.to_string());
    let expires = now.checked_add(LINKED).unwrap_or(Timestamp::MAX);
    let link = Link::new(fetched.digest, media.mime_type.as_deref(), expires);
    let url = link.url(&plan.public_url, &worker.store_key);
    let signature = url.expose().rsplit_once("signature=").map_or("", |it| it.1);
    let signature = Secret::new(signature);
    media.url = Some(url.expose().to_owned());
    signature
}

/// The file of an event; `None` where nobody says how to fetch it.
async fn fetched(
    worker: &Worker,
    plan: &Plan,
    event: &Event,
    media: &Media,
    now: Timestamp,
) -> Result<Option<Fetched>, Missed> {
    let Some(source) = plan.sources.get(&event.source) else { return Ok(None) };
    let stated = media.sha256.as_deref().and_then(Digest::parse);
    if let Some(digest) = stated
        && on_shelf(&worker.shelf, move |it| it.renew(&digest, now)).await?
    {
        return Ok(Some(Fetched { digest, mime_type: None }));
    }
    let download = source.download(&event.facts, media).map_err(Missed::Never)?;
    let Some(download) = download else { return Ok(None) };
    let answer = downloaded(worker, download).await?;
    let mime_type = answer.header("content-type").map(str::to_owned);
    let bytes = answer.body;
    let digest = on_shelf(&worker.shelf, move |it| it.keep(&bytes, stated.as_ref(), now)).await?;
    Ok(Some(Fetched { digest, mime_type }))
}

/// Asks until the answer is the file.
async fn downloaded(worker: &Worker, mut download: Download) -> Result<Response, Missed> {
    for _ in 0..STEPS {
        let rules = Rules {
            timeout: PATIENCE,
            allow_private: download.trusted,
            connection: Connection::default(),
            limit: LARGEST,
        };
        let answer = worker.clients.send(download.request, &rules).await.map_err(|why| {
            let reason = why.to_string();
            match why {
                Unanswered::TooLarge { status: 200..300, .. }
                | Unanswered::Forbidden
                | Unanswered::Unsendable => Missed::Without(reason),
                _ => Missed::Later(reason),
            }
        })?;
        let reason = || format!("the answer was {}", answer.status);
        match answer.status {
            200..300 => {}
            404 | 410 => return Err(Missed::Without(reason())),
            _ if (download.is_gone)(&answer) => return Err(Missed::Without(reason())),
            _ => return Err(Missed::Later(reason())),
        }
        match download.next {
            None => return Ok(answer),
            Some(next) => download = next(&answer).map_err(Missed::Later)?,
        }
    }
    Err(Missed::Later("it is somewhere else again and again".to_owned()))
}

/// Does what blocks where that is allowed.
async fn on_shelf<T: Send + 'static, E: ToString + Send + 'static>(
    shelf: &Arc<Shelf>,
    what: impl FnOnce(&Shelf) -> Result<T, E> + Send + 'static,
) -> Result<T, Missed> {
    let shelf = Arc::clone(shelf);
    let done = tokio::task::spawn_blocking(move || what(&shelf)).await;
    let done = done.map_err(|it| Missed::Later(it.to_string()))?;
    done.map_err(|it| Missed::Later(it.to_string()))
}

/// The reason, with what was to be fetched.
fn told(media: &Media, reason: &str) -> String {
    let name = media.id.as_deref().or(media.filename.as_deref()).unwrap_or("a file");
    format!("media `{name}`: {reason}")
}
