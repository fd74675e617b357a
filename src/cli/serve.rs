//! `sluicegate serve`: run the gateway.

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Global, say, setup};
use crate::gateway::{Gateway, Settings};
use crate::provider;

/// Run the gateway until SIGTERM or Ctrl-C; requests and attempts in flight end first.
///
///   sluicegate serve
///   RABBITMQ_URL=amqp://guest:guest@127.0.0.1:5672 sluicegate serve
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[allow(clippy::doc_markdown, reason = "a command line is shown as it is typed")]
pub(super) struct Serve {
    /// Threads that serve HTTP; the number of processors by default.
    #[arg(long, value_name = "NUMBER", env = "SLUICEGATE_WORKERS")]
    workers: Option<usize>,
}

impl Serve {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let setup = setup::load(global)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let advice = advice(&setup);
        let gateway = Gateway::start(Settings {
            listen: setup.listen,
            admin_listen: setup.admin_listen,
            data: setup.data,
            workers: self.workers.unwrap_or(processors).max(1),
            limits: setup.limits,
            retention: setup.retention,
            queues: setup.queues,
            plan: setup.plan,
        })
        .await?;
        say(&format!("listening on http://{}", gateway.address));
        say(&format!("admin API on http://{}", gateway.admin_address));
        for line in advice {
            say(&line);
        }
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
        say("stopping: requests and attempts in flight end first");
        gateway.stop().await;
        Ok(())
    }
}

/// What to type next, and what to know about the secrets in use.
fn advice(setup: &setup::Setup) -> Vec<String> {
    let mut lines = Vec::new();
    for name in &setup.sources {
        let Some(source) = setup.plan.sources.get(name) else { continue };
        let url = &setup.plan.public_url;
        if source.verifier().proof() == provider::Proof::Polled {
            lines.push(format!("source `{name}` is asked for news; see `sluicegate sources`"));
            continue;
        }
        lines.push(format!("source `{name}` takes webhooks at {url}/hooks/{name}"));
        let proof = source.verifier().proof();
        if proof < provider::Proof::Body {
            lines.push(format!("  {}", proof.describe()));
        }
        if source.verifier().is_development() {
            lines.push(format!(
                "  it has no secret, so a random one in {} signs: for this machine only",
                setup.data.join(crate::keys::DEVELOPMENT_SECRET).display()
            ));
        }
    }
    let pushes = |it: &&String| {
        let source = setup.plan.sources.get(*it);
        source.is_some_and(|it| it.verifier().proof() != provider::Proof::Polled)
    };
    let first = setup.sources.iter().find(pushes);
    let sample = first
        .and_then(|it| setup.plan.sources.get(it))
        .and_then(|it| provider::find(it.provider()))
        .and_then(|it| it.samples.first());
    if let (Some(source), Some(sample)) = (first, sample) {
        lines.push(String::new());
        lines.push("In another terminal:".into());
        lines.push(format!("  sluicegate send {source} {} \"Where is my order?\"", sample.name));
        if setup.is_embedded && !setup.queues.is_empty() {
            lines.push("  sluicegate consume".into());
        }
        lines.push("  sluicegate events list".into());
    }
    lines
}
