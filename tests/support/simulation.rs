//! `sluicegate simulate` in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The real binary's simulation, on a free port.
pub(crate) struct Simulation {
    child: Child,
    /// Where it is; each API's simulator lies below, by its name.
    pub(crate) url: String,
    /// What it said when it was ready.
    pub(crate) said: Vec<String>,
}

impl Simulation {
    /// Starts it with more arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(["simulate", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("SLUICEGATE_LISTEN", "0.0.0.0:1")
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|it| drop(sender.send(it)));
        });
        let next = || receiver.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        let first = next();
        let url = first.strip_prefix("simulating on ").unwrap_or_else(|| panic!("{first}"));
        let mut simulation = Self { child, url: url.to_owned(), said: Vec::new() };
        while simulation.said.last().is_none_or(|it| it != "Ctrl-C ends it") {
            simulation.said.push(next());
        }
        simulation
    }

    /// Does what only the outside world does.
    pub(crate) async fn deed(&self, api: &str, deed: &str, arguments: &Value) -> Value {
        let url = format!("{}/_/{api}/{deed}", self.url);
        let body = arguments.to_string();
        let answer = super::gateway::client().post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{api} {deed}");
        answer.json().await.unwrap()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
