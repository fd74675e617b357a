//! `sluicegate send`: sign a sample as the provider would and post it.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{Failure, Global, client, print, setup, simulate};
use crate::event::event_id;
use crate::provider::{self, Fresh, Proof, Sample, Source};
use crate::{clock, http};

/// Who writes to a simulator, and what, where nothing is said.
const FROM: &str = "27821234567";
const TEXT: &str = "Where is my order?";

/// Sign a sample as the provider would and post it to a running gateway.
///
/// Every request is fresh: new ids, the present time. The secret comes from the configuration, or
/// is the development secret of the data directory. A source that nobody calls, because the gateway
/// asks its provider, is written to at the provider's simulator.
///
///   sluicegate send whatsapp text "Where is my order?"
///   sluicegate send whatsapp image --from 491511234567
///   sluicegate send whatsapp --list
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Send {
    /// The source, by its name in routes.yaml or by its provider.
    source: String,
    /// The sample; `--list` shows them.
    #[arg(required_unless_present = "list")]
    sample: Option<String>,
    /// The text of the message, where the sample has one.
    text: Option<String>,
    /// The contact it comes from.
    #[arg(long, value_name = "ID")]
    from: Option<String>,
    /// How many requests to send, each with its own ids.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    count: u32,
    /// Where to post; the gateway of this configuration by default.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// List the samples of the source's provider.
    #[arg(long)]
    list: bool,
}

impl Send {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let setup = setup::load(global)?;
        let (name, source) = setup
            .plan
            .sources
            .get_key_value(&self.source)
            .or_else(|| setup.plan.sources.iter().find(|it| it.1.provider() == self.source))
            .ok_or_else(|| {
                let names: Vec<&str> = setup.plan.sources.keys().map(String::as_str).collect();
                anyhow::anyhow!(
                    "there is no source `{}`; the configuration has {}",
                    self.source,
                    names.join(", ")
                )
            })?;
        let samples = provider::find(source.provider()).map_or(&[][..], |it| it.samples);
        let Some(wanted) = self.sample.filter(|_| !self.list) else {
            for sample in samples {
                print(sample.name)?;
            }
            return Ok(());
        };
        let sample = find(samples, &wanted)?;
        if source.verifier().proof() == Proof::Polled {
            let text = self.text.as_deref().unwrap_or(TEXT);
            let from = self.from.as_deref().unwrap_or(FROM);
            for _ in 0..self.count {
                write(global, name, source.as_ref(), from, text).await?;
            }
            return Ok(());
        }
        let url = self.url.unwrap_or_else(|| format!("http://{}", setup.listen));
        let url = url.trim_end_matches('/');
        let http = http::client(Duration::from_secs(15))?;
        for _ in 0..self.count {
            let mut seed = [0; 16];
            getrandom::fill(&mut seed)?;
            let fresh = Fresh {
                seed: Uuid::from_bytes(seed),
                now: clock::now(),
                text: self.text.as_deref(),
                from: self.from.as_deref(),
            };
            let request = source.compose(sample, &fresh).map_err(anyhow::Error::msg)?;
            let verified = source.verify(request.clone(), fresh.now)?;
            let drafts = source.normalise(&verified);
            let mut post = http.post(format!("{url}{}", request.target)).body(request.body.clone());
            for (name, value) in request.headers.iter() {
                post = post.header(name, value);
            }
            let answer = post.send().await.map_err(|it| client::unreachable(it, url))?;
            let status = answer.status();
            let body = answer.text().await.unwrap_or_default();
            if !status.is_success() {
                let reason = body.trim();
                return Err(Failure::Refused(format!("{name} answered {status}: {reason}")));
            }
            for draft in &drafts {
                // What cannot be told from its like has the id that its arrival gives it.
                let known = (!draft.anonymous).then(|| event_id(name, &draft.dedup_key));
                let id = known.map_or_else(|| "-".to_owned(), |it| it.to_string());
                if global.json {
                    let status = status.as_u16();
                    print(&json!({ "status": status, "id": id, "kind": draft.kind }).to_string())?;
                } else {
                    print(&format!("{status}  {}  {id}", draft.kind))?;
                }
            }
        }
        Ok(())
    }
}

/// A customer writes, at the simulator that the source asks.
async fn write(
    global: &Global,
    name: &str,
    source: &dyn Source,
    from: &str,
    text: &str,
) -> Result<(), Failure> {
    let deeds = source.simulated().ok_or_else(|| {
        let provider = source.provider();
        Failure::Usage(format!(
            "nobody calls `{name}`: the gateway asks {provider}; to try it, run `sluicegate \
             simulate` and set `base_url` of the source to http://127.0.0.1:8090/{provider}"
        ))
    })?;
    let message = json!({ "from": from, "text": text });
    let done = simulate::perform(&format!("{deeds}/message"), &message).await?;
    let provider = source.provider();
    print(&if global.json {
        done.to_string()
    } else {
        format!("{from} wrote to the simulated {provider}; it is there when the gateway asks next")
    })?;
    Ok(())
}

fn find<'a>(samples: &'a [Sample], wanted: &str) -> anyhow::Result<&'a Sample> {
    samples.iter().find(|it| it.name == wanted).ok_or_else(|| {
        let names: Vec<&str> = samples.iter().map(|it| it.name).collect();
        anyhow::anyhow!("there is no sample `{wanted}`; there are {}", names.join(", "))
    })
}
