//! Endpoints behind `https://`.

mod common;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use common::server::{good, serve};
use common::{Background, Run, command, run};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

struct TlsListener(tokio::net::TcpListener, TlsAcceptor);

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<tokio::net::TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.0.accept().await.unwrap();
            // A client that does not trust the certificate breaks off.
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Serves the good endpoint for `localhost`, and gives its port and the file of the root.
fn endpoint(name: &str) -> (u16, PathBuf) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
    std::fs::write(&root, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            axum::serve(TlsListener(listener, acceptor), good()).await.unwrap();
        });
    });
    (port, root)
}

fn run_trusting(root: &PathBuf, arguments: &[&str]) -> Run {
    let output = command().env("SSL_CERT_FILE", root).args(arguments).output().unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn an_endpoint_with_tls_is_asked_like_any_other() {
    let (port, root) = endpoint("trusted");
    let url = format!("https://localhost:{port}/callback");
    let Run { status, out, err } = run_trusting(&root, &["send", &url, "State.StateChange"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with(&format!("POST https://localhost:{port}/callback?")), "{out}");
    let many = ["send", &url, "State.StateChange", "--count", "100"];
    let Run { status, out, err } = run_trusting(&root, &many);
    assert_eq!(status, 0, "{out}{err}");
    let checked = ["check", &url, "--only", "accepts.State.StateChange", "--only", "survives"];
    let Run { status, out, err } = run_trusting(&root, &checked);
    assert_eq!(status, 0, "{out}{err}");
}

#[test]
fn a_certificate_that_is_not_trusted_is_refused_with_a_way_out() {
    let (port, root) = endpoint("stranger");
    let send = |url: &str| run(&["send", url, "State.StateChange"]);
    let Run { status, err, .. } = send(&format!("https://localhost:{port}/callback"));
    assert_eq!(status, 1);
    assert!(err.contains("not trusted") && err.contains("SSL_CERT_FILE"), "{err}");
    // The name in the certificate is another one.
    let url = format!("https://127.0.0.1:{port}/callback");
    let Run { status, err, .. } = run_trusting(&root, &["send", &url, "State.StateChange"]);
    assert_eq!(status, 1);
    assert!(err.contains("not trusted"), "{err}");
    let plain = serve(good());
    let Run { status, err, .. } =
        run_trusting(&root, &["send", &format!("https://{plain}/"), "State.StateChange"]);
    assert_eq!(status, 1);
    assert!(err.contains("speaks no TLS") && err.contains("http://"), "{err}");
}

#[test]
fn listen_forwards_to_an_endpoint_with_tls() {
    let (port, root) = endpoint("behind");
    let mut command = command();
    command.env("SSL_CERT_FILE", &root);
    let target = format!("https://localhost:{port}");
    let listen = Background::of(
        command,
        &["listen", "--addr", "127.0.0.1:0", "--inspect", "127.0.0.1:0", "--forward", &target],
    );
    let url = listen.announced("listening on ");
    let Run { status, out, err } = run(&["send", &format!("{url}/callback"), "State.StateChange"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("200"), "{out}");
}
