//! Each program as its reader would run it: a process of its own, and requests over sockets.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rusqlite::Connection;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tencent_im_callback::Command;
use tencent_im_callback::testing::{Fault, SignedRequest};

/// A program, ended with the test.
struct Running(Child, SocketAddr);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(path: &str) -> Process {
    let mut program = Process::new(path);
    program.env_remove("SDK_APP_ID").env_remove("CALLBACK_TOKEN").env("ADDR", "127.0.0.1:0");
    program
}

fn start(mut program: Process) -> Running {
    let mut child = program.stdout(Stdio::piped()).spawn().expect("a process");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = lines.next().expect("a line").expect("UTF-8");
    let address =
        line.strip_prefix("listening on ").expect("an address").parse().expect("an address");
    // Whatever it prints later must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Running(child, address)
}

fn unfriend(request_id: &str) -> SignedRequest {
    SignedRequest::new(Command::SnsFriendDelete).parameter("RequestId", request_id).body(
        r#"{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":[
            {"From_Account":"a","To_Account":"b"},{"From_Account":"b","To_Account":"a"}]}"#,
    )
}

fn message(text: &str) -> SignedRequest {
    SignedRequest::new(Command::C2cBeforeSendMsg).body(format!(
        r#"{{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"a","To_Account":"b",
        "MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}]}}"#
    ))
}

fn query(request: &Request<Bytes>) -> String {
    request.uri().query().expect("a query").to_owned()
}

/// Sends a request over a connection, and gives status and body.
fn send_over(mut stream: impl Read + Write, request: &SignedRequest) -> (u16, String) {
    let request: Request<Bytes> = request.build();
    let (query, body) = (query(&request), request.body());
    let head = format!(
        "{} /callback?{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
        Connection: close\r\n\r\n",
        request.method(),
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a request written");
    stream.write_all(body).expect("a request written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

fn send(to: SocketAddr, request: &SignedRequest) -> (u16, String) {
    send_over(TcpStream::connect(to).expect("a connection"), request)
}

const OK: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;

#[test]
fn two_replicas_write_a_delivery_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("callbacks.db");
    let replica = || {
        let mut program = program(env!("CARGO_BIN_EXE_axum_database"));
        program.env("DATABASE", &file);
        start(program)
    };
    let (one, two) = (replica(), replica());
    let row = |sql: &str| -> i64 {
        Connection::open(&file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };

    // The same delivery to both at once, and then another one that looks alike.
    let senders: Vec<_> = [one.1, two.1, one.1, two.1]
        .map(|to| std::thread::spawn(move || send(to, &unfriend("first"))))
        .into();
    for sender in senders {
        assert_eq!(sender.join().unwrap(), (200, OK.to_owned()));
    }
    assert_eq!(row("SELECT count(*) FROM ended"), 2);
    assert_eq!(send(two.1, &unfriend("second")), (200, OK.to_owned()));
    assert_eq!(row("SELECT count(*) FROM ended"), 4);
    assert_eq!(send(one.1, &unfriend("third").fault(Fault::SignatureMismatch)).0, 401);
    assert_eq!(row("SELECT count(*) FROM ended"), 4);

    // A word banned in the table is banned at both, from now on.
    assert_eq!(send(one.1, &message("buy spam")), (200, OK.to_owned()));
    Connection::open(&file).unwrap().execute("INSERT INTO banned VALUES ('spam')", []).unwrap();
    for to in [one.1, two.1] {
        let (status, body) = send(to, &message("buy spam"));
        assert_eq!(status, 200);
        assert!(body.contains(r#""ErrorCode":1"#), "{body}");
    }

    // Without the table nobody can judge, and nothing goes out; nor is a notification called
    // written.
    Connection::open(&file).unwrap().execute_batch("DROP TABLE banned; DROP TABLE ended;").unwrap();
    assert!(send(one.1, &message("hello")).1.contains("try again later"));
    let (status, body) = send(two.1, &unfriend("fourth"));
    assert!(status == 200 && body.contains("FAIL"), "{status} {body}");
}

#[test]
fn actix_answers_as_the_layer_would() {
    let running = start(program(env!("CARGO_BIN_EXE_actix")));
    assert_eq!(send(running.1, &unfriend("1")), (200, OK.to_owned()));
    assert_eq!(send(running.1, &unfriend("1").fault(Fault::SignatureMismatch)).0, 401);
    assert_eq!(send(running.1, &unfriend("1").fault(Fault::WrongMethod)).0, 405);
    // Nobody judges messages there.
    assert_eq!(send(running.1, &message("hello")).0, 500);
    assert_eq!(send(running.1, &unfriend("1").body(vec![b' '; (1 << 20) + 1])).0, 413);
}

/// Keys and certificates: of a server, and of a client of the CA that the server trusts and of
/// another one.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a file");
        for (authority, names) in [("ca", &["server", "client"][..]), ("other", &["stranger"])] {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer =
                CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            write(&format!("{authority}.pem"), issuer.pem());
            for name in names {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
                write(&format!("{name}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
                write(&format!("{name}.key"), key.serialize_pem());
            }
        }
        Certificates { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A connection with the certificate of that name.
    fn connect(
        &self,
        to: SocketAddr,
        client: Option<&str>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path().join("ca.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match client {
            Some(name) => {
                let chain = vec![
                    CertificateDer::from_pem_file(self.path().join(format!("{name}.pem"))).unwrap(),
                ];
                let key =
                    PrivateKeyDer::from_pem_file(self.path().join(format!("{name}.key"))).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
            None => config.with_no_client_auth(),
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(connection, TcpStream::connect(to).unwrap())
    }
}

#[test]
fn mutual_tls_lets_in_who_has_a_certificate() {
    let certificates = Certificates::make();
    let mut program = program(env!("CARGO_BIN_EXE_mutual_tls"));
    for (name, file) in
        [("CERTIFICATE", "server.pem"), ("KEY", "server.key"), ("CLIENT_CA", "ca.pem")]
    {
        program.env(name, certificates.path().join(file));
    }
    let running = start(program);
    let connect = |client| certificates.connect(running.1, client);
    assert_eq!(send_over(connect(Some("client")), &unfriend("1")), (200, OK.to_owned()));
    // A certificate is no signature.
    assert_eq!(
        send_over(connect(Some("client")), &unfriend("1").fault(Fault::SignatureMismatch)).0,
        401
    );
    for client in [None, Some("stranger")] {
        let mut stream = connect(client);
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = Vec::new();
        assert!(
            stream.read_to_end(&mut answer).is_err() && answer.is_empty(),
            "{client:?} got {answer:?}"
        );
    }
}

/// Line and body of the next request on a connection.
fn read_request(stream: &mut impl BufRead) -> (String, Vec<u8>) {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).expect("a request");
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).expect("a header");
        let header = header.trim().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        assert_ne!(header, "transfer-encoding: chunked", "{line}");
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    (line, body)
}

/// What AWS runs beside a function: gives it one request after the other, and takes its answers.
fn serve_runtime(runtime: &TcpListener, requests: &[SignedRequest]) -> Vec<serde_json::Value> {
    let mut answers = Vec::new();
    let mut left = requests.iter();
    // A connection after the other: each request asks to be the last one on its connection.
    for stream in runtime.incoming() {
        let mut stream = BufReader::new(stream.expect("a connection"));
        let (line, body) = read_request(&mut stream);
        let (status, headers, body) = if line.starts_with("GET ") {
            let Some(next) = left.next() else { break };
            (
                "200 OK",
                "Lambda-Runtime-Aws-Request-Id: r\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n",
                event(next),
            )
        } else {
            assert!(line.contains("/response"), "{line} {}", String::from_utf8_lossy(&body));
            answers.push(serde_json::from_slice(&body).expect("JSON"));
            ("202 Accepted", "", String::new())
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.get_mut().write_all(answer.as_bytes()).expect("an answer");
    }
    answers
}

#[test]
fn lambda_runs_the_layer() {
    let runtime = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = runtime.local_addr().unwrap();
    let mut program = Process::new(env!("CARGO_BIN_EXE_lambda"));
    program
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "callbacks")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "s");
    let mut child = program.stdout(Stdio::null()).spawn().expect("a process");
    // A function that ends early would be waited for without an end.
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(60));
        drop(TcpStream::connect(address));
    });
    let answers = serve_runtime(
        &runtime,
        &[
            unfriend("1"),
            message("spam"),
            message("hello"),
            unfriend("1").fault(Fault::SignatureMismatch),
        ],
    );
    let _ = child.kill();
    let _ = child.wait();

    let got: Vec<_> = answers
        .iter()
        .map(|answer| (answer["statusCode"].as_u64(), answer["body"].as_str()))
        .collect();
    assert_eq!(got.len(), 4);
    assert_eq!(got[0], (Some(200), Some(OK)));
    assert!(
        got[1].0 == Some(200) && got[1].1.unwrap().contains(r#""ErrorCode":1"#),
        "{:?}",
        got[1]
    );
    assert_eq!(got[2], (Some(200), Some(OK)));
    assert_eq!(got[3].0, Some(401));
}

/// A request as an HTTP API of API Gateway hands it on.
fn event(request: &SignedRequest) -> String {
    let request: Request<Bytes> = request.build();
    serde_json::json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/callback",
        "rawQueryString": query(&request),
        "headers": {"host": "localhost", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": request.method().as_str(), "path": "/callback"},
            "stage": "$default"
        },
        "body": std::str::from_utf8(request.body()).expect("UTF-8"),
        "isBase64Encoded": false
    })
    .to_string()
}
