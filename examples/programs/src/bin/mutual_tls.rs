//! Mutual TLS (双向认证) with rustls in front of hyper: a client without a certificate of the named CA
//! gets no further than the handshake.
//!
//! ```sh
//! CERTIFICATE=server.pem KEY=server.key CLIENT_CA=tencent-ca.pem cargo run --bin mutual_tls
//! ```
//!
//! `CLIENT_CA` is the CA that comes with the certificates of Tencent's console, and no public one.
//! The signature is checked all the same: the certificate says that the peer is Tencent, and not
//! that it is your app.
//!
//! A client with a certificate can still send a body slowly: put `RequestBodyDeadlineLayer` outside
//! of the layer, as `examples/production.rs` does.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use programs::{app, setting};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tencent_im_callback::{Callback, CallbackLayer, Reply};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::{Layer, service_fn};

async fn handle(callback: Callback) -> Result<Reply, io::Error> {
    println!("{}", callback.command());
    Ok(Reply::ok())
}

fn acceptor() -> Result<TlsAcceptor, Box<dyn Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(setting("CLIENT_CA", "tencent-ca.pem")?)? {
        roots.add(certificate?)?;
    }
    let chain = CertificateDer::pem_file_iter(setting("CERTIFICATE", "server.pem")?)?
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(setting("KEY", "server.key")?)?;
    // A connection without a client certificate is refused: `allow_unauthenticated` is not called.
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
    let config =
        ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let acceptor = acceptor()?;
    let service = CallbackLayer::new(app()?).layer(service_fn(handle));
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3443")?).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(service.clone()));
        tokio::spawn(async move {
            // A peer that sends nothing must not occupy a task for ever.
            let stream =
                match tokio::time::timeout(Duration::from_secs(2), acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => TokioIo::new(stream),
                    Ok(Err(error)) => return eprintln!("{peer}: {error}"),
                    Err(_) => return eprintln!("{peer}: no handshake in 2 s"),
                };
            // Without a timer hyper waits for headers for ever.
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(60));
            if let Err(error) = server.serve_connection(stream, service).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
