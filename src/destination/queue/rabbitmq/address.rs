//! Where `RabbitMQ` is and how to get in. Holds a password: nothing here prints.

use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};

use super::words;
use crate::config::Secret;

/// How long connecting may take, TLS and log-in included.
const CONNECT: Duration = Duration::from_secs(10);

/// How often both sides prove that they live, unless the URL says otherwise. In seconds.
const HEARTBEAT: u16 = 15;

/// The largest frame, unless the URL says otherwise. lapin keeps room for 64 of them: at
/// `RabbitMQ`'s 128 KiB that is 8 MiB for every destination. A larger message takes more frames.
const FRAME: u32 = 32 * 1024;

/// A broker's address, and the name we connect under.
pub(in crate::destination::queue) struct Address {
    uri: AMQPUri,
    tls: OwnedTLSConfig,
    name: String,
}

impl Address {
    /// Reads an AMQP URL. `authorities` are more certificates to trust, in PEM.
    ///
    /// # Errors
    /// What is wrong with it; the message never holds the URL, for it may hold a password.
    pub(in crate::destination::queue) fn new(
        url: &Secret,
        authorities: Option<String>,
        destination: &str,
    ) -> Result<Self, String> {
        let wrong = || {
            "`broker` is not an AMQP URL; write `amqp://user:password@host:5672/vhost`, or \
             `amqps://…` for TLS"
                .to_owned()
        };
        let mut uri: AMQPUri = url.expose().parse().map_err(|_| wrong())?;
        // lapin takes `[::1]` for no host at all, and would connect to localhost.
        if let Some((_, rest)) = url.expose().rsplit_once('@').or(url.expose().split_once("//"))
            && let Some((host, _)) = rest.strip_prefix('[').and_then(|it| it.split_once(']'))
        {
            host.clone_into(&mut uri.authority.host);
        }
        // `…:5672/` means the virtual host with the empty name, which nobody has.
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        uri.query.frame_max.get_or_insert(FRAME);
        if authorities.is_some() && uri.scheme == AMQPScheme::AMQP {
            return Err("`ca_file` has no meaning without TLS; write `amqps://` in `broker`".into());
        }
        let tls = OwnedTLSConfig { identity: None, cert_chain: authorities };
        Ok(Self { uri, tls, name: format!("sluicegate/{destination}") })
    }

    /// Connects, once. lapin's own recovery stays off: see the module above.
    ///
    /// # Errors
    /// The broker's or the network's words.
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        let properties =
            ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let runtime = lapin::runtime::default_runtime().map_err(|it| words(&it))?;
        let connecting = Connection::connect_uri_with_config(
            self.uri.clone(),
            properties,
            self.tls.clone(),
            runtime,
        );
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|it| words(&it)),
            Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, String> {
        Address::new(&Secret::new(url), None, "events")
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in ["http://u:hunter2@h/", "u:hunter2@h", "amqp:hunter2", "amqp://u:hunter2@h:x/"] {
            let error = address(url).err().expect(url);
            assert!(error.contains("`broker` is not an AMQP URL"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn hosts_virtual_hosts_and_heartbeats_are_read() {
        let cases = [
            ("amqp://h", "h", 5672, "/", 15),
            ("amqp://u:p@h/", "h", 5672, "/", 15),
            ("amqps://u:p@h/%2fa?heartbeat=60", "h", 5671, "/a", 60),
            ("amqp://u:p@[::1]:5673/v", "::1", 5673, "v", 15),
            ("amqp://[fe80::1]", "fe80::1", 5672, "/", 15),
        ];
        for (url, host, port, vhost, heartbeat) in cases {
            let uri = address(url).map(|it| it.uri).unwrap();
            let found = (uri.authority.host.as_str(), uri.authority.port, uri.vhost.as_str());
            assert_eq!(found, (host, port, vhost), "{url}");
            assert_eq!(uri.query.heartbeat, Some(heartbeat), "{url}");
        }
    }

    #[test]
    fn authorities_need_tls() {
        let pem = || Some(String::new());
        assert!(Address::new(&Secret::new("amqp://h"), pem(), "events").is_err());
        assert!(Address::new(&Secret::new("amqps://h"), pem(), "events").is_ok());
    }
}
