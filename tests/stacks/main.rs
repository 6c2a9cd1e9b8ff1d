//! Our layer over and under other people's: each stack takes one callback, refuses one, and shows
//! what the other layer did.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod body;
mod failures;
mod governor;
mod limits;
mod rate_limit;
mod servers;
mod timeouts;
mod trace;
mod whole;

use bytes::Bytes;
use common::{OK, layer, signed, text};
use http::{Request, Response};
use http_body::Body;
use http_body_util::channel::Sender;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{Callback, Cause, Command, Outcome, OutcomeKind, RejectionKind, Reply};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::{BoxError, Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

const HOUR: Duration = Duration::from_secs(3600);

/// An *after* callback, so a failure of it is answered 200 by default.
const AFTER: Command = Command::SnsFriendDelete;

/// A *before* callback, so a failure of it is answered 500 by default.
const BEFORE: Command = Command::SnsPrevFriendAdd;

const SMALL: &str = r#"{"CallbackCommand":"Sns.CallbackFriendDelete"}"#;

fn good() -> Request<Full<Bytes>> {
    signed(AFTER).build()
}

fn forged() -> Request<Full<Bytes>> {
    signed(AFTER).fault(Fault::SignatureMismatch).build()
}

/// A signed request whose body comes as the test sends it.
fn dripping() -> (Sender<Bytes, Infallible>, Request<Channel<Bytes, Infallible>>) {
    let (drip, body) = Channel::new(4);
    (drip, good().map(|_| body))
}

/// All that a peer and the host see of an exchange.
#[derive(Debug)]
struct Answer {
    status: u16,
    outcome: Option<Outcome>,
    body: String,
}

impl Answer {
    fn kind(&self) -> Option<OutcomeKind> {
        Some(self.outcome.as_ref()?.kind())
    }

    fn cause(&self) -> Option<Cause> {
        self.outcome.as_ref()?.cause()
    }

    fn error(&self) -> Option<&str> {
        self.outcome.as_ref()?.error()
    }

    fn rejection(&self) -> Option<RejectionKind> {
        Some(self.outcome.as_ref()?.rejection()?.kind())
    }

    #[track_caller]
    fn is_accepted(&self) {
        assert_eq!((self.status, self.kind(), &*self.body), (200, Some(OutcomeKind::Accepted), OK));
    }

    #[track_caller]
    fn is_refused(&self) {
        assert_eq!((self.status, self.rejection()), (401, Some(RejectionKind::SignatureMismatch)));
        assert!(self.body.contains("Sign does not match"), "{}", self.body);
    }
}

async fn answer<R: Body<Data = Bytes, Error: Debug>>(response: Response<R>) -> Answer {
    Answer {
        status: response.status().as_u16(),
        outcome: response.extensions().get().cloned(),
        body: text(response).await,
    }
}

async fn ask<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug> + Clone,
    R: Body<Data = Bytes, Error: Debug>,
{
    answer(service.clone().oneshot(request).await.unwrap()).await
}

/// One accepted and one refused, through a service that counts both alike or not; that is for the
/// test to find out.
async fn takes_one_and_refuses_one<S, R>(service: &S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: Debug> + Clone,
    R: Body<Data = Bytes, Error: Debug>,
{
    ask(service, good()).await.is_accepted();
    ask(service, forged()).await.is_refused();
}

async fn hang(_: Callback) -> Result<(), Infallible> {
    pending().await
}

/// Keeps every callback until the test lets one go, and counts them.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    /// One permit for each that has begun.
    started: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Gate {
    fn new() -> Self {
        Gate {
            open: Arc::new(Semaphore::new(0)),
            started: Arc::new(Semaphore::new(0)),
            calls: Arc::default(),
            dropped: Arc::default(),
        }
    }

    fn let_go(&self, many: usize) {
        self.open.add_permits(many);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many were dropped half way.
    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    fn handler(
        &self,
    ) -> impl Service<Callback, Response = Reply, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static {
        struct Unfinished(Arc<AtomicUsize>);
        impl Drop for Unfinished {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let gate = self.clone();
        service_fn(move |_: Callback| {
            let gate = gate.clone();
            async move {
                gate.calls.fetch_add(1, Ordering::SeqCst);
                gate.started.add_permits(1);
                let unfinished = Unfinished(gate.dropped.clone());
                gate.open.acquire().await.unwrap().forget();
                std::mem::forget(unfinished);
                Ok(Reply::ok())
            }
        })
    }
}

async fn panics_before(callback: Callback) -> Result<Reply, Infallible> {
    assert!(callback.command() != &BEFORE, "the handler panics");
    Ok(Reply::ok())
}

fn layer_over<S>(inner: S) -> tencent_im_callback::CallbackService<S> {
    tower::Layer::layer(&layer(), inner)
}

/// Serves each connection in a task of its own. Generic, as an accept loop should be.
async fn serve<S, R>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(stream), service).await.map_err(drop)
        });
    }
}

async fn start<S, R>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service));
    address
}

/// One connection.
enum Client {
    Http1(hyper::client::conn::http1::SendRequest<Full<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Full<Bytes>>),
}

impl Client {
    async fn http1(address: SocketAddr) -> Client {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Client::Http1(client)
    }

    async fn http2(address: SocketAddr) -> Client {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (client, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        Client::Http2(client)
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> hyper::Result<(u16, String)> {
        let response = match self {
            Client::Http1(client) => {
                request.headers_mut().insert("host", "localhost".parse().unwrap());
                client.ready().await?;
                client.send_request(request).await?
            }
            Client::Http2(client) => {
                let uri = format!("http://localhost{}", request.uri());
                *request.uri_mut() = uri.parse().unwrap();
                client.ready().await?;
                client.send_request(request).await?
            }
        };
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec()).unwrap()))
    }

    async fn takes_one_and_refuses_one(&mut self) {
        let (status, body) = self.send(good()).await.unwrap();
        assert_eq!((status, &*body), (200, OK));
        let (status, body) = self.send(forged()).await.unwrap();
        assert_eq!(status, 401);
        assert!(body.contains("Sign does not match"), "{body}");
    }
}
