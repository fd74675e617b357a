//! Connections with certificates: whom we trust, who we are, and HTTP/2.

use rcgen::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;

/// A certificate that vouches for itself: in PEM, its key in PEM, and both as the server takes
/// them.
struct Certificate {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn certificate(name: &str) -> Certificate {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    Certificate {
        pem: cert.pem(),
        key_pem: signing_key.serialize_pem(),
        der: cert.der().clone(),
        key: PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
    }
}

/// A server that asks who is there and answers whoever has this certificate, in HTTP/1.1. Notes the
/// protocols that connections were opened for.
async fn serve(
    server: &Certificate,
    client: &Certificate,
    protocols: &[&str],
) -> (String, Arc<Mutex<Vec<String>>>) {
    let mut known = RootCertStore::empty();
    known.add(client.der.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(known)).build().unwrap();
    let mut config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.der.clone()], server.key.clone_key())
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    let (listener, address) = listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let spoken = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&spoken);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default();
            let protocol = String::from_utf8_lossy(protocol).into_owned();
            noted.lock().unwrap().push(protocol.clone());
            let mut read = Vec::new();
            while protocol != "h2" && !read.ends_with(b"hello") {
                if stream.read_buf(&mut read).await.is_ok_and(|it| it > 0) {
                    continue;
                }
                break;
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (format!("https://localhost:{}/", address.port()), spoken)
}

fn with(connection: Connection) -> Rules {
    Rules { connection, ..rules(true) }
}

#[tokio::test]
async fn a_server_is_trusted_and_told_who_we_are_as_configured() {
    let (server, client, stranger) =
        (certificate("localhost"), certificate("us"), certificate("others"));
    let (url, spoken) = serve(&server, &client, &["http/1.1"]).await;
    let identity = |it: &Certificate| Some(Secret::new(format!("{}{}", it.pem, it.key_pem)));
    let clients = Clients::default();
    let good =
        with(Connection { authorities: Some(server.pem.clone()), identity: identity(&client) });
    assert_eq!(clients.send(to(&*url), &good).await.unwrap().status, 204);
    assert_eq!(*spoken.lock().unwrap(), ["http/1.1"]);
    for (connection, what) in [
        (Connection { identity: identity(&client), ..Connection::default() }, "nobody is trusted"),
        (
            Connection { authorities: Some(stranger.pem.clone()), identity: identity(&client) },
            "another is trusted",
        ),
        (
            Connection { authorities: Some(server.pem.clone()), identity: identity(&stranger) },
            "we are another",
        ),
        (Connection { authorities: Some(server.pem.clone()), identity: None }, "we are nobody"),
    ] {
        let answer = clients.send(to(&*url), &with(connection)).await;
        let why = answer.expect_err(what);
        assert!(matches!(why, Unanswered::Unreachable | Unanswered::Broken), "{what}: {why:?}");
    }
    let broken = Connection { identity: Some(Secret::new("no PEM")), ..Connection::default() };
    let why = clients.send(to(&*url), &with(broken)).await.unwrap_err();
    assert_eq!(why, Unanswered::Uncertified);
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_does() {
    let (server, client) = (certificate("localhost"), certificate("us"));
    let (url, spoken) = serve(&server, &client, &["h2", "http/1.1"]).await;
    let identity = Some(Secret::new(format!("{}{}", client.pem, client.key_pem)));
    let rules = with(Connection { authorities: Some(server.pem.clone()), identity });
    // The server says nothing that HTTP/2 knows; which one was chosen is all that counts here.
    let _ = Clients::default().send(to(&*url), &rules).await;
    assert_eq!(spoken.lock().unwrap()[0], "h2");
}
