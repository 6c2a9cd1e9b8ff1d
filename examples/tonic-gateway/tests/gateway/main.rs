//! The gateway as a user runs it: a program of its own, with callbacks over HTTP/1.1 and gRPC on
//! one port.
#![allow(clippy::pedantic)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use tencent_im_callback::Command;
use tencent_im_callback::Token;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

mod program;

mod pb {
    tonic::include_proto!("tencent.im.callback.v1");
}

use pb::events_server::{Events, EventsServer};
use pb::finding::Finding as F;
use pb::{Ack, Allow, Event, Finding, Findings, Reject, Text, Written};
use program::{Gateway, c2c, envelope, group, named, program, unjudged};

#[tokio::test]
async fn callbacks_are_judged_and_told_by_the_built_in_service() {
    let mut gateway = Gateway::start(&[]).await;

    let (status, answer) = gateway.callback(c2c("buy spam")).await;
    assert_eq!((status, answer), (StatusCode::OK, envelope("OK", 120_001, "no spam, please")));
    let (status, answer) = gateway.callback(group("buy spam")).await;
    assert_eq!((status, answer), (StatusCode::OK, envelope("OK", 10_100, "no spam, please")));
    // The backend gets each text in all its forms.
    let (_, answer) = gateway.callback(c2c(r#"{"text":"\u0073\u200bPAM"}"#)).await;
    assert_eq!(answer, envelope("OK", 120_001, "no spam, please"));
    for request in [c2c("hello"), group("hello"), named("hello")] {
        let (status, answer) = gateway.callback(request).await;
        assert_eq!((status, answer), (StatusCode::OK, envelope("OK", 0, "")));
    }

    // Nothing of the above was printed.
    let after = SignedRequest::new(Command::GroupAfterSendMsg);
    let (status, answer) = gateway.callback(after.clone()).await;
    assert_eq!((status, answer), (StatusCode::OK, envelope("OK", 0, "")));
    let line = gateway.printed.next_line().await.unwrap().unwrap();
    let (command, event) = line.split_once(' ').unwrap();
    assert_eq!(command, "Group.CallbackAfterSendMsg");
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["MsgBody"][0]["MsgContent"]["Text"], "red packet");
    // A command that this version does not know, on one line.
    let (status, _) = gateway.callback(SignedRequest::new("New.Word").body("{\"a\":\n1.50}")).await;
    assert_eq!(status, StatusCode::OK);
    let line = gateway.printed.next_line().await.unwrap().unwrap();
    assert_eq!(line, r#"New.Word {"a": 1.50}"#);

    let (status, answer) = gateway.callback(c2c("hello").fault(Fault::SignatureMismatch)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer["ActionStatus"], "FAIL");
    // A mistyped URL does not look well.
    let (status, _) = gateway.send(&after.url("/callbacks")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_port_of_callbacks_takes_grpc_as_well() {
    let mut gateway = Gateway::start(&[]).await;
    // The gateway's connection to itself is made by the first callback.
    let (status, _) = gateway.callback(c2c("hello")).await;
    assert_eq!(status, StatusCode::OK);
    let mut client = gateway.client().await;
    let texts = ["hello", "spam"].map(|text| Text { forms: vec![text.to_owned()] });
    let written = Written { texts: texts.to_vec(), ..Written::default() };
    let findings = client.moderate(written).await.unwrap().into_inner().findings;
    let wanted = [F::Allow(Allow {}), F::Reject(Reject {})];
    assert_eq!(findings, wanted.map(|finding| Finding { finding: Some(finding) }));
    let event = Event { command: "a\nb".to_owned(), json: "{}".to_owned(), ..Event::default() };
    client.notify(event).await.unwrap();
    let line = gateway.printed.next_line().await.unwrap().unwrap();
    assert_eq!(line, r"a\nb {}");
    // A service that is not there is that, and no HTTP page.
    let url = format!("http://{}", gateway.address);
    let endpoint = tonic::transport::Endpoint::from_shared(url).unwrap();
    let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let missing = grpc
        .unary::<Event, Ack, _>(
            Request::new(Event::default()),
            http::uri::PathAndQuery::from_static("/other.Service/Call"),
            tonic_prost::ProstCodec::default(),
        )
        .await;
    assert_eq!(missing.unwrap_err().code(), Code::Unimplemented);

    // The gateway's connection to itself, and these two, are no reason to stay.
    #[cfg(unix)]
    {
        let begin = Instant::now();
        assert!(gateway.stops("TERM").await);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn without_a_backend_before_is_rejected_and_after_is_fail() {
    // A port where nobody listens.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // One where nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [closed, silent.local_addr().unwrap()] {
        let url = format!("http://{address}");
        let gateway = Gateway::start(&[("EVENTS_URL", &url)]).await;
        let (status, answer) = gateway.callback(c2c("hello")).await;
        assert_eq!((status, answer), (StatusCode::OK, unjudged()));
        let (status, answer) =
            gateway.callback(SignedRequest::new(Command::GroupAfterSendMsg)).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&answer["ActionStatus"], &answer["ErrorCode"]), (&"FAIL".into(), &1.into()));
    }
}

/// A host that is gone: connecting takes until somebody gives up. tonic tries once for each call,
/// one after the other.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn callbacks_that_wait_for_a_connection_are_answered_in_time() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    // Linux drops connections that do not fit into the queue of a listener.
    let mut queue = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        queue.push(stream.unwrap());
        assert!(queue.len() < 100);
    }
    let url = format!("http://{address}");
    let gateway = Gateway::start(&[("EVENTS_URL", &url)]).await;
    let send = || gateway.callback(c2c("hello"));
    let (one, two, three) = tokio::join!(send(), send(), send());
    for answer in [one, two, three] {
        assert_eq!(answer, (StatusCode::OK, unjudged()));
    }
}

/// A backend that does what the first text says, and remembers what it got.
#[derive(Clone, Default)]
struct Backend {
    written: Arc<Mutex<Vec<Written>>>,
    events: Arc<Mutex<Vec<Event>>>,
}

#[tonic::async_trait]
impl Events for Backend {
    async fn notify(&self, request: Request<Event>) -> Result<Response<Ack>, Status> {
        self.events.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Ack {}))
    }

    async fn moderate(&self, request: Request<Written>) -> Result<Response<Findings>, Status> {
        assert!(request.metadata().contains_key("grpc-timeout"));
        let written = request.into_inner();
        let finding = match written.texts[0].forms[0].as_str() {
            "allow" | "fine" => Some(F::Allow(Allow {})),
            "reject" => Some(F::Reject(Reject {})),
            "replace" => Some(F::Replace("fine".to_owned())),
            "stubborn" => Some(F::Replace("stubborn".to_owned())),
            "newer" => None,
            "late" => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                None
            }
            "nothing" => return Ok(Response::new(Findings::default())),
            _ => return Err(Status::internal("what?")),
        };
        let findings = vec![Finding { finding }; written.texts.len()];
        self.written.lock().unwrap().push(written);
        Ok(Response::new(Findings { findings }))
    }
}

/// A gateway of an app of its own before a backend.
async fn before(backend: &Backend) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(EventsServer::new(backend.clone()))
            .serve_with_incoming(TcpIncoming::from(listener)),
    );
    let settings =
        [("EVENTS_URL", &*url), ("SDK_APP_ID", "1400000001"), ("CALLBACK_TOKEN", "secret")];
    Gateway::start(&settings).await
}

fn ours(request: SignedRequest) -> SignedRequest {
    request.app(1_400_000_001).token(Token::new("secret").unwrap())
}

#[tokio::test]
async fn what_the_backend_finds_is_the_verdict() {
    let backend = Backend::default();
    let gateway = before(&backend).await;
    let mut replaced = envelope("OK", 0, "");
    replaced["MsgBody"] = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "fine"}}]);
    let rejected = |code| envelope("OK", code, "no spam, please");
    for (text, c2c_answer, group_answer) in [
        ("allow", envelope("OK", 0, ""), envelope("OK", 0, "")),
        ("reject", rejected(120_001), rejected(10_100)),
        ("replace", replaced.clone(), replaced),
        ("stubborn", rejected(120_001), rejected(10_100)),
        ("newer", rejected(120_001), rejected(10_100)),
        ("nothing", rejected(120_001), rejected(10_100)),
        ("fail", unjudged(), unjudged()),
        ("late", unjudged(), unjudged()),
    ] {
        for (request, wanted) in [(c2c(text), c2c_answer), (group(text), group_answer)] {
            let (status, answer) = gateway.callback(ours(request)).await;
            assert_eq!((status, answer), (StatusCode::OK, wanted), "{text}");
        }
    }
    let written = backend.written.lock().unwrap()[..2].to_vec();
    let c2c_message = Written {
        sdk_app_id: 1_400_000_001,
        command: "C2C.CallbackBeforeSendMsg".to_owned(),
        sender: "jared".to_owned(),
        group_id: String::new(),
        texts: vec![Text { forms: vec!["allow".to_owned()] }],
    };
    let group_message = Written {
        command: "Group.CallbackBeforeSendMsg".to_owned(),
        group_id: "@TGS#1".to_owned(),
        ..c2c_message.clone()
    };
    assert_eq!(written, [c2c_message, group_message]);

    // Names of groups are asked about as well, and cannot be replaced.
    for (name, wanted) in [
        ("allow", envelope("OK", 0, "")),
        ("reject", rejected(10_100)),
        ("replace", rejected(10_100)),
    ] {
        let (status, answer) = gateway.callback(ours(named(name))).await;
        assert_eq!((status, answer), (StatusCode::OK, wanted), "{name}");
    }
}

#[tokio::test]
async fn the_backend_is_told_of_what_happened_and_nothing_goes_on_unjudged() {
    let backend = Backend::default();
    let gateway = before(&backend).await;
    // With a time and without.
    for command in [Command::GroupAfterSendMsg, Command::SnsFriendDelete] {
        let (status, answer) = gateway.callback(ours(SignedRequest::new(command.clone()))).await;
        assert_eq!((status, answer), (StatusCode::OK, envelope("OK", 0, "")));
        let event = backend.events.lock().unwrap().pop().unwrap();
        assert_eq!((event.sdk_app_id, &*event.command), (1_400_000_001, command.as_str()));
        let json: Value = serde_json::from_str(&event.json).unwrap();
        assert_eq!(json["CallbackCommand"], command.as_str());
        match command {
            Command::GroupAfterSendMsg => assert_eq!(event.time_ms, Some(1_670_574_414_123)),
            _ => assert_eq!(event.time_ms, None),
        }
    }
    // Nobody writes in an invitation, so the backend is not asked about it.
    let invitation = ours(SignedRequest::new(Command::GroupBeforeInviteJoinGroup));
    assert_eq!(gateway.callback(invitation).await, (StatusCode::OK, unjudged()));
    assert_eq!(backend.events.lock().unwrap().len(), 0);
}

#[tokio::test]
#[cfg(unix)]
async fn the_end_is_bounded_and_a_wrong_setting_is_no_beginning() {
    use std::os::unix::ffi::OsStrExt;

    let mut gateway = Gateway::start(&[]).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"POST /callback HTTP/1.1\r\nHost: x").await.unwrap();
    let (status, _) = gateway.callback(c2c("hello")).await;
    assert_eq!(status, StatusCode::OK);
    let begin = Instant::now();
    assert!(gateway.stops("INT").await);
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());

    for (name, value) in [
        ("CALLBACK_TOKEN", &b" "[..]),
        ("CALLBACK_TOKEN", b"\xff"),
        ("SDK_APP_ID", b"x"),
        ("EVENTS_URL", b"\xff"),
        ("EVENTS_URL", b""),
        ("EVENTS_URL", b"127.0.0.1:1"),
        ("EVENTS_URL", b"https://127.0.0.1:1"),
        ("EVENTS_URL", b"http://127.0.0.1:1/path"),
    ] {
        let output =
            program(&[]).env(name, std::ffi::OsStr::from_bytes(value)).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}={value:?}");
        assert!(text.contains(name) && !text.contains("listening"), "{text}");
    }
}
