//! TLS of the client: certificates are checked against the roots that the system trusts.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::output::chain;

/// The system's roots are read once, and only if an address begins with `https://`.
fn connector() -> &'static Result<TlsConnector, String> {
    static CONNECTOR: OnceLock<Result<TlsConnector, String>> = OnceLock::new();
    CONNECTOR.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (taken, _) = roots.add_parsable_certificates(found.certs);
        if taken == 0 {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(format!(
                "this machine has no root certificates{why}; install ca-certificates, or name a \
                file of them in SSL_CERT_FILE"
            ));
        }
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    })
}

/// Why there is no TLS, and what to do about it.
fn explained(error: &io::Error) -> String {
    let inner = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    match inner.and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(_)) => format!(
            "the certificate is not trusted here ({error}); SSL_CERT_FILE=FILE names the roots to \
            trust instead of the system's"
        ),
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("what answers there speaks no TLS ({error}); try http://")
        }
        _ => format!("TLS: {}", chain(error)),
    }
}

pub(crate) async fn connect(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let connector = connector().as_ref().map_err(Clone::clone)?;
    connector.connect(name, stream).await.map_err(|error| explained(&error))
}
