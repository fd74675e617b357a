//! Files of certificates and keys, read when a destination is built.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::Connection;
use crate::config::Secret;
use crate::http;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The certificates of a file, checked as far as that is possible before connecting. `setting` is
/// the one that names the file.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn certificates(setting: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let pem = read(setting, path)?;
    if !pem.contains(CERTIFICATE) {
        return Err(format!("`{setting}`: there is no PEM certificate in `{shown}`"));
    }
    Ok(pem)
}

fn read(setting: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    std::fs::read_to_string(path).map_err(|it| format!("`{setting}`: cannot read `{shown}`: {it}"))
}

/// How connections are encrypted, and who we are on them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "as the settings are called")]
pub(super) struct Tls {
    /// A file of certificates (PEM) to trust beside the system's own.
    pub(super) ca_file: Option<PathBuf>,
    /// A file with our own certificate (PEM), and those between it and its authority, for servers
    /// that ask who we are.
    pub(super) certificate_file: Option<PathBuf>,
    /// A file with the key (PEM) of our own certificate.
    pub(super) key_file: Option<PathBuf>,
}

impl Tls {
    /// How connections to a URL are made.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn connection(&self, url: &str) -> Result<Connection, String> {
        let authorities =
            self.ca_file.as_deref().map(|it| certificates("tls.ca_file", it)).transpose()?;
        let identity = match (&self.certificate_file, &self.key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let certificate = certificates("tls.certificate_file", certificate)?;
                let key = read("tls.key_file", key)?;
                Some(Secret::new(format!("{certificate}\n{key}")))
            }
            (Some(_), None) => return Err("`tls.key_file` is missing".into()),
            (None, Some(_)) => return Err("`tls.certificate_file` is missing".into()),
        };
        let connection = Connection { authorities, identity };
        if connection == Connection::default() {
            return Ok(connection);
        }
        if !url.starts_with("https://") {
            return Err("`tls` has no meaning without TLS; write `https://` in `url`".into());
        }
        http::verify(&connection).map_err(|it| format!("`tls`: {it}"))?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_what_is_wrong_with_them_is_said() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = home.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let certificate = file("certificate.pem", &cert.pem());
        let key = file("key.pem", &signing_key.serialize_pem());
        let empty = file("empty.pem", "");
        let whole = Tls {
            ca_file: certificate.clone(),
            certificate_file: certificate.clone(),
            key_file: key.clone(),
        };
        let connection = whole.connection("https://a.example/").unwrap();
        assert_eq!(connection.authorities, Some(cert.pem()));
        assert!(connection.identity.is_some());
        assert_eq!(Tls::default().connection("http://a.example/"), Ok(Connection::default()));
        let refused = [
            (whole, "http://a.example/", "`tls` has no meaning without TLS"),
            (
                Tls { ca_file: empty.clone(), ..Tls::default() },
                "https://a.example/",
                "`tls.ca_file`: there is no PEM certificate in",
            ),
            (
                Tls { ca_file: Some("/nowhere".into()), ..Tls::default() },
                "https://a.example/",
                "`tls.ca_file`: cannot read `/nowhere`",
            ),
            (
                Tls { certificate_file: certificate.clone(), ..Tls::default() },
                "https://a.example/",
                "`tls.key_file` is missing",
            ),
            (
                Tls { key_file: key, ..Tls::default() },
                "https://a.example/",
                "`tls.certificate_file` is missing",
            ),
            (
                Tls { certificate_file: certificate, key_file: empty, ..Tls::default() },
                "https://a.example/",
                "`tls`: ",
            ),
        ];
        for (tls, url, expected) in refused {
            let error = tls.connection(url).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
