//! The two seed documents, over TCP, through axum and through bare hyper.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{APP, TOKEN, token};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{
    App, Callback, CallbackLayer, CallbackService, Command, Event, Reply, TimestampSecs, Verifier,
};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

type Seen = Arc<Mutex<Vec<Event>>>;

macro_rules! seed {
    ($name:literal, $part:literal) => {
        include_str!(concat!("seeds/Sns.Callback", $name, ".", $part, ".json"))
    };
}

/// The page of the friend-delete callback, of today, and that of the block-list one, of about 2016.
const SEEDS: [(Command, &str, &str); 2] = [
    (Command::SnsFriendDelete, seed!("FriendDelete", "request"), seed!("FriendDelete", "reply")),
    (
        Command::SnsBlackListDelete,
        seed!("BlackListDelete", "request"),
        seed!("BlackListDelete", "reply"),
    ),
];

fn service(
    seen: Seen,
    app: App,
) -> CallbackService<
    impl tower::Service<Callback, Response = Reply, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static,
> {
    CallbackLayer::new(Verifier::new(app).path_parameters()).layer(service_fn(
        move |callback: Callback| {
            seen.lock().unwrap().push(callback.event);
            async { Ok(Reply::ok()) }
        },
    ))
}

async fn axum_server(seen: Seen, app: App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service(seen, app);
    let router = axum::Router::new()
        .route_service("/callback", service.clone())
        .nest_service("/callback/", service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn hyper_server(seen: Seen, app: App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service(seen, app);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                server.serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
    address
}

async fn post(address: SocketAddr, mut request: Request<Full<Bytes>>) -> (u16, Value) {
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = client.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn check(command: &Command, event: &Event) {
    let (pairs, time) = match event {
        Event::SnsFriendDelete(event) => (&event.pair_list, None),
        Event::SnsBlackListDelete(event) => (&event.pair_list, Some(TimestampSecs(1_432_000_000))),
        other => panic!("{other:?}"),
    };
    assert_eq!(event.command(), command);
    assert_eq!(pairs.len(), 3);
    for (pair, to) in pairs.iter().zip(["id1", "id2", "id3"]) {
        assert_eq!(
            (pair.from_account.as_str(), pair.to_account.as_str(), pair.time_stamp),
            ("id", to, time)
        );
    }
}

#[tokio::test]
async fn both_seeds_through_both_servers_signed_and_not_in_both_forms() {
    for signed in [true, false] {
        let app = || {
            if signed { App::signed(APP, token(TOKEN)) } else { App::unsigned(APP) }
        };
        let (on_axum, on_hyper) = (Seen::default(), Seen::default());
        let servers = [
            (axum_server(on_axum.clone(), app()).await, on_axum),
            (hyper_server(on_hyper.clone(), app()).await, on_hyper),
        ];
        for (address, seen) in servers {
            for (command, body, reply) in SEEDS {
                for in_path in [false, true] {
                    let mut request =
                        SignedRequest::new(command.clone()).url("/callback").body(body);
                    if !signed {
                        request = request.unsigned();
                    }
                    if in_path {
                        request = request.path_parameters();
                    }
                    let (status, answer) = post(address, request.build()).await;
                    assert_eq!(status, 200);
                    assert_eq!(answer, serde_json::from_str::<Value>(reply).unwrap());
                    let event = seen.lock().unwrap().pop().unwrap();
                    assert!(seen.lock().unwrap().is_empty());
                    check(&command, &event);
                }
            }
            // The documented URL without a signature.
            if signed {
                let request =
                    SignedRequest::new(Command::SnsFriendDelete).url("/callback").unsigned();
                let (status, answer) = post(address, request.build()).await;
                assert_eq!((status, answer["ErrorInfo"].as_str()), (401, Some("Sign missing")));
                assert!(seen.lock().unwrap().is_empty());
            }
        }
    }
}
