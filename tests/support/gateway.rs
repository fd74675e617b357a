//! The real binary on free ports with a data directory of its own, and a signer of webhooks.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The app secret of the configuration below.
pub(crate) const SECRET: &str = "an app secret of a test";

/// A configuration like the repository's own, with a fixed secret.
pub(crate) const ROUTES: &str = r##"
broker: "${TEST_BROKER:-embedded}"
sources:
  whatsapp: { provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }
destinations:
  events:
    kind: queue
    exchange: sluicegate
    queues: { sluicegate.events: ["#"] }
  seen: { kind: log }
routes:
  - { name: everything to the bus, to: events, history: include }
  - { name: messages to the log, on: message.received, to: seen }
"##;

/// A gateway in a process of its own. Killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    /// Where platforms call, e.g. `http://127.0.0.1:4711`.
    pub(crate) url: String,
    /// The admin API.
    pub(crate) admin: String,
    /// The directory it runs in; `data` and `routes.yaml` lie there.
    pub(crate) directory: PathBuf,
    environment: Vec<(String, String)>,
}

impl Gateway {
    /// Starts a gateway in a directory that holds `routes.yaml`, writing one if there is none.
    pub(crate) fn start(directory: &Path, environment: &[(&str, &str)]) -> Self {
        let owned = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Self::launch(Command::new(env!("CARGO_BIN_EXE_sluicegate")), directory, owned)
    }

    /// Starts it under another program, such as `strace`, whose arguments come first.
    pub(crate) fn start_under(program: &str, arguments: &[&str], directory: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_sluicegate"));
        Self::launch(command, directory, Vec::new())
    }

    fn launch(mut command: Command, directory: &Path, environment: Vec<(String, String)>) -> Self {
        let routes = directory.join("routes.yaml");
        if !routes.exists() {
            std::fs::write(&routes, ROUTES).unwrap();
        }
        // A port of its own, unless callbacks have to find it again after a restart.
        let fixed = environment.iter().find(|it| it.0 == "TEST_LISTEN");
        let listen = fixed.map_or("127.0.0.1:0", |it| &*it.1);
        let mut child = command
            .args(["serve", "--listen", listen, "--admin-listen", "127.0.0.1:0"])
            .args(["--log", "warn,sluicegate::event=off"])
            .current_dir(directory)
            .env_remove("RUST_LOG")
            .env_remove("RABBITMQ_URL")
            .envs(environment.iter().map(|(a, b)| (a, b)))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("gateway: {line}");
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        let mut find = |what: &str| loop {
            let line = lines
                .recv_timeout(Duration::from_mins(1))
                .unwrap_or_else(|_| panic!("the gateway did not say `{what}`: {said:#?}"));
            if let Some((_, url)) = line.split_once(what) {
                return url.split_whitespace().next().unwrap().to_owned();
            }
            said.push(line);
        };
        let url = find("listening on ");
        let admin = find("admin API on ");
        Self { child, url, admin, directory: directory.to_owned(), environment }
    }

    /// `kill -9`, then a new process on the same directory (and other ports).
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// A new process on the directory of one that was killed (and other ports).
    pub(crate) fn restart(&mut self) {
        let command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        *self = Self::launch(command, &self.directory.clone(), self.environment.clone());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        signal("-9", self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The gateway's process: under another program, that program's child.
    fn pid(&self) -> u32 {
        let own = self.child.id();
        std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"))
            .ok()
            .and_then(|it| it.split_whitespace().next()?.parse().ok())
            .unwrap_or(own)
    }

    /// SIGTERM; answers whether it ended well, and how long that took.
    pub(crate) fn terminate(&mut self) -> (bool, Duration) {
        let started = Instant::now();
        signal("-15", self.pid());
        (self.child.wait().unwrap().success(), started.elapsed())
    }

    /// A command of the same binary, with this gateway's directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(arguments)
            .env("SLUICEGATE_LISTEN", self.url.trim_start_matches("http://"))
            .env("SLUICEGATE_ADMIN_LISTEN", self.admin.trim_start_matches("http://"))
            .envs(self.environment.iter().map(|(a, b)| (a, b)))
            .env_remove("RUST_LOG")
            .current_dir(&self.directory)
            .output()
            .unwrap()
    }

    /// A call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let token = std::fs::read_to_string(self.directory.join("data/admin.token")).unwrap();
        let method = method.parse().unwrap();
        let mut request =
            client().request(method, format!("{}{path}", self.admin)).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Receives and acknowledges until the queue is empty; the events, oldest first.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let page = self.take(queue, 1_000).await;
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// Receives at most `max` events and acknowledges them.
    pub(crate) async fn take(&self, queue: &str, max: usize) -> Vec<Value> {
        let ask = json!({ "max": max });
        let path = format!("/api/queues/{queue}");
        let page = self.admin("POST", &format!("{path}/receive"), Some(ask)).await;
        let messages = page["messages"].as_array().unwrap().clone();
        let receipts: Vec<&Value> = messages.iter().map(|it| &it["receipt"]).collect();
        let receipts = json!({ "receipts": receipts });
        let acked = self.admin("POST", &format!("{path}/ack"), Some(receipts)).await;
        assert_eq!(acked["settled"], messages.len());
        messages.into_iter().map(|mut it| it["event"].take()).collect()
    }
}

fn signal(signal: &str, pid: u32) {
    // A process that is gone already is as good as killed.
    let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client that reuses connections and follows nothing.
pub(crate) fn client() -> reqwest::Client {
    sluicegate::http::client(Duration::from_secs(20)).unwrap()
}

/// A text message as Meta would send it.
pub(crate) fn text_message(id: &str, from: &str, text: &str) -> Value {
    json!({ "from": from, "id": id, "timestamp": now(), "type": "text", "text": { "body": text } })
}

/// The present moment, as Meta writes it.
pub(crate) fn now() -> String {
    sluicegate::clock::now().as_second().to_string()
}

/// Messages in Meta's envelope.
pub(crate) fn envelope(messages: &[Value]) -> Vec<u8> {
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "419561257915477",
        "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881",
                          "phone_number_id": "106540352242922" },
            "contacts": [], "messages": messages } }] }] })
    .to_string()
    .into_bytes()
}

/// `X-Hub-Signature-256` of a body.
pub(crate) fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Posts a signed body; `None` when no answer came.
pub(crate) async fn post(client: &reqwest::Client, url: &str, body: Vec<u8>) -> Option<u16> {
    let tag = sign(&body);
    let answer = client
        .post(format!("{url}/hooks/whatsapp"))
        .header("x-hub-signature-256", tag)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    answer.ok().map(|it| it.status().as_u16())
}
