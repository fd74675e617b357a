//! `RabbitMQ` for tests: the one that is running, or a node of the test's own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::skipped;

pub(crate) mod bench;

/// The URL of a running broker, or `None` after saying on stderr that the test is skipped.
#[allow(clippy::disallowed_methods)]
pub(crate) fn running(test: &str) -> Option<String> {
    if let Ok(url) = std::env::var("RABBITMQ_URL") {
        return Some(url);
    }
    let address: SocketAddr = "127.0.0.1:5672".parse().unwrap();
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Some("amqp://guest:guest@127.0.0.1:5672".into());
    }
    skipped(test, "no RabbitMQ at 127.0.0.1:5672 and no RABBITMQ_URL");
    None
}

/// A node of the test's own, or `None` after saying on stderr that the test is skipped.
#[allow(clippy::disallowed_methods)]
pub(crate) fn private(test: &str) -> Option<PrivateNode> {
    if std::env::var("SLUICEGATE_SLOW_TESTS").is_err() {
        skipped(test, "SLUICEGATE_SLOW_TESTS is not set");
        return None;
    }
    if script("rabbitmq-server").is_none() {
        skipped(test, "rabbitmq-server is not installed");
        return None;
    }
    Some(PrivateNode::start())
}

/// A `RabbitMQ` node with its own name, ports, cookie and directory. Gone when dropped.
pub(crate) struct PrivateNode {
    home: TempDir,
    name: String,
    port: u16,
    distribution: u16,
    tls: u16,
    server: Option<Child>,
}

impl PrivateNode {
    /// Starts a node and waits until it answers.
    pub(crate) fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sluicegate-{}-{number}@localhost", std::process::id());
        let home = tempfile::Builder::new().prefix("sluicegate-rabbitmq-").tempdir().unwrap();
        std::fs::write(home.path().join("empty"), "").unwrap();
        let tls = free();
        let file = |name: &str| home.path().join(name).display().to_string();
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(file("certificate.pem"), cert.pem()).unwrap();
        std::fs::write(file("key.pem"), signing_key.serialize_pem()).unwrap();
        let settings = format!(
            "listeners.ssl.default = 127.0.0.1:{tls}\nssl_options.cacertfile = {certificate}\n\
             ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n",
            certificate = file("certificate.pem"),
            key = file("key.pem"),
        );
        std::fs::write(file("node.conf"), settings).unwrap();
        let (port, distribution) = (free(), free());
        let mut node = Self { home, name, port, distribution, tls, server: None };
        node.start_again();
        node
    }

    /// The AMQP port: the same before and after [`start_again`](Self::start_again).
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The AMQP URL.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port())
    }

    /// The AMQP URL with TLS, and the certificate to trust.
    pub(crate) fn tls(&self) -> (String, PathBuf) {
        let url = format!("amqps://guest:guest@localhost:{}", self.tls);
        (url, self.home.path().join("certificate.pem"))
    }

    /// Starts the node with what it kept, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        assert!(self.server.is_none(), "the node runs already");
        let log = File::create(self.home.path().join("output")).unwrap();
        let child = self
            .command("rabbitmq-server")
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            // Makes the script become the server instead of its parent.
            .env("RUNNING_UNDER_SYSTEMD", "1")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        self.server = Some(child);
        let patience = Instant::now() + Duration::from_secs(90);
        let pid_file = self.home.path().join("pid");
        while !self.control(&["await_startup", "--timeout", "5"]) || !self.answers() {
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            let output = || std::fs::read_to_string(self.home.path().join("output"));
            assert!(ended.is_none(), "the node ended at once: {}", output().unwrap());
            assert!(Instant::now() < patience, "{} never came up", pid_file.display());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Stops the node as an operator would.
    pub(crate) fn stop(&mut self) {
        self.end("TERM");
    }

    /// Stops the node as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.end("KILL");
    }

    /// Stops the node's clock: connections stay open, and nothing is answered.
    pub(crate) fn freeze(&self) {
        signal(self.server.as_ref().expect("the node runs"), "STOP");
    }

    /// Undoes [`freeze`](Self::freeze).
    pub(crate) fn thaw(&self) {
        signal(self.server.as_ref().expect("the node runs"), "CONT");
    }

    /// Runs `rabbitmqctl` against the node; whether it succeeded.
    pub(crate) fn control(&self, arguments: &[&str]) -> bool {
        self.command("rabbitmqctl")
            .args(["--node", &self.name, "--quiet"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    fn command(&self, name: &str) -> Command {
        let home = self.home.path();
        let mut command = Command::new(script(name).expect("RabbitMQ is installed"));
        command
            .env("HOME", home)
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_MNESIA_BASE", home.join("data"))
            .env("RABBITMQ_LOG_BASE", home.join("log"))
            .env("RABBITMQ_PID_FILE", home.join("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("empty"))
            .env("RABBITMQ_CONF_ENV_FILE", home.join("empty"))
            .env("RABBITMQ_CONFIG_FILE", home.join("node.conf"))
            // A test's node is nobody's business on other machines.
            .env("ERL_FLAGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(home)
            .stdin(Stdio::null());
        command
    }

    fn end(&mut self, how: &str) {
        let Some(mut server) = self.server.take() else { return };
        signal(&server, how);
        let patience = Instant::now() + Duration::from_secs(30);
        while server.try_wait().unwrap().is_none() {
            if Instant::now() > patience {
                signal(&server, "KILL");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Helpers of the Erlang machine may outlive it by a moment.
        signal(&server, "KILL");
    }
}

/// Sends a signal to a process and to those that it started.
fn signal(server: &Child, signal: &str) {
    let (signal, group) = (format!("-{signal}"), format!("-{}", server.id()));
    let mut kill = Command::new("kill");
    let _ = kill.args([&signal, "--", &group]).stderr(Stdio::null()).status();
}

impl Drop for PrivateNode {
    fn drop(&mut self) {
        self.end("KILL");
    }
}

/// A port nobody uses.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The script itself where a package wraps it: the wrapper changes user and directory.
#[allow(clippy::disallowed_methods)]
fn script(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path);
    std::iter::once(Path::new("/usr/lib/rabbitmq/bin").to_owned())
        .chain(directories)
        .map(|it| it.join(name))
        .find(|it| it.exists())
}
