//! `docs/providers.md` and `docs/destinations.md`: the registries.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sluicegate::{config, destination, provider};

use super::codes;

pub(super) fn providers() -> String {
    let mut page = "# Providers\n\n\
        Who can send us webhooks. A source in `routes.yaml` names its provider:\n\n\
        ```yaml\nsources:\n  whatsapp:\n    provider: whatsapp\n```\n\n\
        Each source is reached at `/hooks/<name>`.\n"
        .to_owned();
    for entry in provider::REGISTRY {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/provider")
            .join(entry.name)
            .join("README.md");
        let readme = fs::read_to_string(readme).unwrap().replace("\n#", "\n##");
        let _ = write!(
            page,
            "\n## `{name}`\n\n{summary}\n\n\
             **The check.** {proof}\n\n\
             **Kinds of event.** {kinds}{own}. See [events](events.md).\n\n\
             ### Settings of `{name}`\n\n{settings}\n\
             ### Samples of `{name}`\n\n\
             `sluicegate send` makes fresh, signed requests of these: {samples}.\n\n\
             ```sh\nsluicegate send {name} {first} \"Where is my order?\"\n```\n\n\
             ##{readme}",
            name = entry.name,
            summary = entry.summary,
            proof = entry
                .proofs
                .iter()
                .map(|it| it.describe())
                .collect::<Vec<_>>()
                .join(" Or, by configuration: "),
            kinds = codes(entry.kinds),
            own = if (entry.names)(&serde_json::Value::Null).is_empty() {
                ""
            } else {
                ", and those that its settings name"
            },
            settings = config::table(&(entry.schema)().to_value()),
            samples = codes(entry.samples.iter().map(|it| it.name)),
            first = entry.samples[0].name,
        );
    }
    presets(&mut page);
    page
}

/// Every named scheme of `verify:`.
fn presets(page: &mut String) {
    page.push_str(
        "\n## Presets of `verify`\n\n\
         How senders prove themselves. A source that takes `verify:` names one as `preset`, and \
         may say any of it otherwise. `…` stands for the proof; what is signed is written as the \
         setting `verify.signed` has it.\n\n\
         | Preset | Whose | Where the proof stands | What is signed | The check |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for preset in provider::PRESETS {
        let code = |it: Option<String>| it.map_or(String::new(), |it| format!("`{it}`"));
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            preset.name,
            preset.whose,
            code(preset.header()),
            code(preset.signed().map(str::to_owned)),
            preset.proof().describe(),
        );
    }
}

pub(super) fn destinations() -> String {
    let mut page = "# Destinations\n\n\
        Where events can go. A destination in `routes.yaml` names its kind, and a route names the \
        destination:\n\n\
        ```yaml\ndestinations:\n  events:\n    kind: queue\nroutes:\n  \
        - name: everything to the bus\n    to: events\n```\n"
        .to_owned();
    for entry in destination::REGISTRY {
        let _ = write!(
            page,
            "\n## `{}`\n\n{}\n\n{}",
            entry.kind,
            entry.summary,
            config::table(&(entry.own_schema)().to_value()),
        );
    }
    let _ = write!(
        page,
        "\n## Every destination\n\nHow deliveries are made. What is left out is as the kind has \
         it.\n\n{}",
        config::table(&destination::common_schema()),
    );
    page
}
