//! One client for each way to connect, shared by all that connect so.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::guard::{self, Guarded, Resolver, System};
use super::{Connection, Unanswered, builder, exchange, prepare};
use crate::client::{Outgoing, Response};

/// The most clients that are kept. Each is one way to connect, of which a configuration has few;
/// those of earlier configurations make room.
const MOST: usize = 64;

/// How one exchange is made.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long it may take, the answer's last byte included.
    pub timeout: Duration,
    /// Whether it may go to a private network or to this machine.
    pub allow_private: bool,
    /// How connections are made.
    pub connection: Connection,
    /// The most that is read of an answer, in bytes.
    pub limit: usize,
}

/// What sends. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Clients {
    resolver: Arc<dyn Resolver>,
    kept: Arc<Mutex<Vec<Kept>>>,
}

struct Kept {
    allow_private: bool,
    connection: Connection,
    client: reqwest::Client,
}

impl Default for Clients {
    /// Names are looked up where the system does.
    fn default() -> Self {
        Self::new(Arc::new(System))
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl Clients {
    /// Names are looked up by this resolver, and what it answers is vetted.
    pub fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, kept: Arc::default() }
    }

    /// Sends a request and reads the answer. All calls must be made on one runtime: a connection
    /// ends with the runtime it was made on.
    ///
    /// # Errors
    /// Why there is no answer; any status is one.
    pub async fn send(&self, outgoing: Outgoing, rules: &Rules) -> Result<Response, Unanswered> {
        let url = outgoing.url.parse().map_err(|_| Unanswered::Unsendable)?;
        if !rules.allow_private {
            guard::vet(&url).map_err(|_| Unanswered::Forbidden)?;
        }
        let client = self.client(rules).map_err(|_| Unanswered::Uncertified)?;
        exchange(prepare(&client, outgoing)?.timeout(rules.timeout), rules.limit).await
    }

    /// The client for these rules. Guarded and unguarded ones share no connection.
    fn client(&self, rules: &Rules) -> reqwest::Result<reqwest::Client> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |it: &Kept| {
            it.allow_private == rules.allow_private && it.connection == rules.connection
        };
        let at = kept.iter().position(fits);
        let found = match at {
            // The one that was used last stands last.
            Some(at) => kept.remove(at),
            None => Kept {
                allow_private: rules.allow_private,
                connection: rules.connection.clone(),
                client: self.build(rules.allow_private, &rules.connection)?,
            },
        };
        let client = found.client.clone();
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(found);
        Ok(client)
    }

    fn build(
        &self,
        allow_private: bool,
        connection: &Connection,
    ) -> reqwest::Result<reqwest::Client> {
        let resolver = Guarded { resolver: Arc::clone(&self.resolver), allow_private };
        let mut builder = builder().dns_resolver(resolver);
        if let Some(pem) = &connection.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(pem) = &connection.identity {
            builder = builder.identity(reqwest::Identity::from_pem(pem.expose().as_bytes())?);
        }
        builder.build()
    }
}

/// Whether connections can be made so, as far as that shows before one is made.
///
/// # Errors
/// What is wrong, in the words of the library.
pub fn verify(connection: &Connection) -> Result<(), String> {
    let built = Clients::default().build(false, connection);
    built.map(drop).map_err(|it| {
        let cause = std::error::Error::source(&it).map(ToString::to_string);
        cause.unwrap_or_else(|| it.to_string())
    })
}
