//! `docs/cli.md`: every command, from clap; and that every command line shown anywhere is right.

use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Command, CommandFactory, Parser};
use sluicegate::cli::Cli;
use sluicegate::provider;

use super::{code, codes, folder, sentence, table, updating};

fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

pub(super) fn page() -> String {
    let root = command();
    let mut page = format!("# Command line\n\n{}", long_about(&root));
    let codes = root.get_after_help().expect("the exit codes").to_string();
    let codes = codes.strip_prefix("Exit codes: ").expect("`Exit codes: ` comes first");
    let codes = codes.split(", ").map(|it| {
        let (number, meaning) = it.split_once(' ').expect("a number and its meaning");
        [code(number), meaning.to_owned()]
    });
    let _ = write!(
        page,
        "\n## Options of every command\n\n{}\n## Exit codes\n\n{}",
        arguments(&root),
        table(["Code", "Meaning"], codes),
    );
    for child in root.get_subcommands().filter(|it| it.get_name() != "help") {
        section(&mut page, child, 2);
    }
    page
}

fn section(page: &mut String, command: &Command, depth: usize) {
    let name = command.get_bin_name().expect("built commands have one");
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(
        page,
        "\n{} `{name}`\n\n{}\n```text\n{usage}\n```\n",
        "#".repeat(depth),
        long_about(command)
    );
    let arguments = arguments(command);
    if !arguments.is_empty() {
        let _ = write!(page, "\n{arguments}");
    }
    if command.get_name() == "call" {
        page.push_str("\nWhat can be called is listed under [calls](calls.md).\n");
        return;
    }
    for child in command.get_subcommands().filter(|it| it.get_name() != "help") {
        section(page, child, depth + 1);
    }
}

/// The long description, its examples in a block of their own.
fn long_about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    let about = about.unwrap_or_else(|| panic!("`{}` needs a doc comment", command.get_name()));
    let mut text = String::new();
    for paragraph in about.to_string().split("\n\n") {
        if paragraph.starts_with("  ") {
            let lines = paragraph.lines().map(|it| it.strip_prefix("  ").unwrap_or(it));
            let lines: Vec<&str> = lines.collect();
            let _ = write!(text, "```sh\n{}\n```\n\n", lines.join("\n"));
        } else {
            let stop = if paragraph.ends_with('.') { "" } else { "." };
            let _ = write!(text, "{}{stop}\n\n", paragraph.trim());
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The arguments that belong to this command alone; for the root: to all of them.
fn arguments(command: &Command) -> String {
    let is_root = command.get_name() == "sluicegate";
    let own = command
        .get_arguments()
        .filter(|it| !matches!(it.get_id().as_str(), "help" | "version"))
        .filter(|it| is_root || !it.is_global_set());
    let rows: Vec<_> = own.map(|it| row(command, it)).collect();
    if rows.is_empty() {
        return String::new();
    }
    table(["Argument", "Default", "Variable", "What it does"], rows)
}

fn row(command: &Command, arg: &Arg) -> [String; 4] {
    let of = format!("{} {}", command.get_name(), arg.get_id());
    let takes_value = arg.get_action().takes_values();
    let value = arg.get_value_names().and_then(|it| it.first()).map(ToString::to_string);
    let value = value.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    let name = match (arg.get_short(), arg.get_long()) {
        (_, None) if arg.is_required_set() => code(format!("<{value}>")),
        (_, None) => code(format!("[{value}]")),
        (short, Some(long)) => {
            let short = short.map(|it| format!("-{it}, ")).unwrap_or_default();
            let value = if takes_value { format!(" <{value}>") } else { String::new() };
            code(format!("{short}--{long}{value}"))
        }
    };
    let default = arg.get_default_values().iter().map(|it| it.to_string_lossy());
    let default = if takes_value { codes(default) } else { String::new() };
    let variable = arg.get_env().map(|it| code(it.to_string_lossy())).unwrap_or_default();
    // clap takes the full stop off the end of a doc comment of one line.
    let help = arg.get_long_help().or(arg.get_help()).map(|it| format!("{it}."));
    let mut help = sentence(&of, help.as_deref()).replace("..", ".");
    let choices = arg.get_possible_values();
    if takes_value && !choices.is_empty() {
        let names = choices.iter().map(clap::builder::PossibleValue::get_name);
        let _ = write!(help, " One of {}.", codes(names));
    }
    [name, default, variable, help]
}

/// Every command line shown in the pages and in `--help`.
fn shown() -> Vec<String> {
    let mut texts = Vec::new();
    let root = folder().parent().unwrap().to_owned();
    for file in fs::read_dir(folder()).unwrap().map(|it| it.unwrap().path()) {
        if file.extension().is_some_and(|it| it == "md") {
            texts.push(fs::read_to_string(file).unwrap());
        }
    }
    for file in ["README.md", "routes.yaml"] {
        texts.push(fs::read_to_string(root.join(file)).unwrap_or_default());
    }
    collect(&command(), &mut texts);
    let mut lines = Vec::new();
    for line in texts.iter().flat_map(|it| it.lines()) {
        // A line of a block or of a comment; anything in front must be a variable.
        let line = line.trim_start_matches(['#', ' ', '$']);
        let Some(at) = line.find("sluicegate ") else { continue };
        let assigned = line[..at].split_whitespace().all(|it| it.contains('='));
        let prose = line.contains(['<', '[', '|', '`', '…']);
        if assigned && !prose {
            // What follows two spaces explains the command.
            let shown = line[at..].trim().split("  ").next().unwrap();
            lines.push(shown.split(" # ").next().unwrap().to_owned());
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

fn collect(command: &Command, texts: &mut Vec<String>) {
    texts.push(command.clone().render_long_help().to_string());
    command.get_subcommands().for_each(|it| collect(it, texts));
}

/// The words of a command line, as a shell sees them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(it) = letters.next() {
        match (quote, it) {
            (Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (Some(open), _) if it == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(it);
                word.get_or_insert_default();
            }
            (None, _) if it.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(it),
        }
    }
    words.extend(word);
    words
}

#[test]
fn every_command_line_shown_is_right() {
    if updating() {
        return;
    }
    let shown = shown();
    for expected in ["sluicegate serve", "sluicegate check", "sluicegate send whatsapp --list"] {
        assert!(shown.iter().any(|it| it == expected), "{expected} is shown: {shown:#?}");
    }
    for line in &shown {
        let words = words(line);
        // Help is no mistake.
        if let Err(error) = Cli::try_parse_from(&words)
            && error.use_stderr()
        {
            panic!("`{line}` is shown, but:\n{error}");
        }
        let send = words.get(1).is_some_and(|it| it == "send");
        if let (true, Some(source), Some(sample)) = (send, words.get(2), words.get(3)) {
            let Some(entry) = provider::find(source) else { continue };
            let known = sample.starts_with('-') || entry.samples.iter().any(|it| it.name == sample);
            assert!(known, "`{line}` is shown, but there is no sample `{sample}`");
        }
    }
}
