//! Hundreds of connections that drip their bodies, and honest callbacks that are answered all the
//! same.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{APP, OK, TOKEN, token};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Command, Outcome, OutcomeKind, Reply, ResponseBody,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, watch};
use tokio::time::timeout;
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Tencent gives up after this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is inside of the layer at once.
const LIMIT: usize = 8;
const HONEST: usize = 200;
/// Where the child finds the server.
const ADDRESS: &str = "OVERLOAD_ADDRESS";
const CHILD: &str = "the_child_drips_at_whom_it_is_told_to";
/// How many drip without a good signature; a tenth as many with one.
const UNSIGNED: &str = "OVERLOAD_UNSIGNED";

/// What goes on in the server, as a layer outside of ours sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// Requests whose head has arrived and that are not answered.
    open: usize,
    refused: usize,
    accepted: usize,
    other: usize,
}

type Gauge = watch::Sender<Load>;

struct Open(Arc<Gauge>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|load| load.open -= 1);
    }
}

async fn server(gauge: Arc<Gauge>, together: Arc<Barrier>) -> SocketAddr {
    let handler = service_fn(move |callback: Callback| {
        let together = together.clone();
        async move {
            if callback.command() == &Command::SnsFriendAdd {
                together.wait().await;
            } else {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok::<_, Infallible>(Reply::ok())
        }
    });
    let service = ServiceBuilder::new()
        .layer(CallbackLayer::new(App::signed(APP, token(TOKEN))))
        .load_shed()
        .concurrency_limit(LIMIT)
        .service(handler);
    let measured = service_fn(move |request: Request<axum::body::Body>| {
        gauge.send_modify(|load| load.open += 1);
        let open = Open(gauge.clone());
        let call = service.clone().oneshot(request);
        async move {
            let response: Response<ResponseBody> = call.await?;
            let kind = response.extensions().get::<Outcome>().map(Outcome::kind);
            open.0.send_modify(|load| match kind {
                Some(OutcomeKind::Accepted) => load.accepted += 1,
                Some(OutcomeKind::Rejected) => load.refused += 1,
                _ => load.other += 1,
            });
            Ok::<_, Infallible>(response)
        }
    });
    let router = axum::Router::new().route_service("/callback", measured);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// How many may drip without a signature, so that both processes stay below their limit of open
/// files.
fn as_many_as_allowed() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let allowed: usize = soft.unwrap_or(256);
    (allowed.saturating_sub(128) * 10 / 11).clamp(10, 500)
}

/// Memory of this process, where the system tells.
fn resident_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Ends with the test, however that ends.
struct Drip(Child);

impl Drop for Drip {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_dripping(address: SocketAddr, unsigned: usize) -> Drip {
    let child = Process::new(std::env::current_exe().unwrap())
        .args([CHILD, "--exact", "--nocapture"])
        .env(ADDRESS, address.to_string())
        .env(UNSIGNED, unsigned.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    Drip(child.unwrap())
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Sends an honest callback and takes its answer, within the time that Tencent takes for it.
async fn honest(client: &mut SendRequest<Full<Bytes>>, command: Command) {
    let mut request = SignedRequest::new(command).url("/callback").build::<Full<Bytes>>();
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let exchange = async {
        client.ready().await.unwrap();
        let response = client.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    };
    let (status, body) = timeout(PATIENCE, exchange).await.expect("answered within two seconds");
    assert_eq!((status, &body[..]), (200, OK.as_bytes()));
}

/// Waits until the server is in such a state; not for ever.
async fn reached(gauge: &Gauge, what: &str, state: impl Fn(&Load) -> bool) {
    let mut seen = gauge.subscribe();
    let reached = timeout(Duration::from_secs(8), seen.wait_for(|load| state(load))).await;
    assert!(reached.is_ok(), "{what}: {:?}", *gauge.borrow());
}

#[tokio::test]
async fn honest_callbacks_are_answered_in_time_while_hundreds_drip_their_bodies() {
    let gauge = Arc::new(Gauge::new(Load::default()));
    let address = server(gauge.clone(), Arc::new(Barrier::new(LIMIT))).await;
    let unsigned = as_many_as_allowed();
    let signed = unsigned / 10;
    honest(&mut connect(address).await, Command::SnsFriendDelete).await;
    let before = resident_kib();

    let drip = start_dripping(address, unsigned);
    // All of the signed ones are in the middle of their bodies, more than the limit inside allows …
    reached(&gauge, "dripping", |load| load.open >= signed && load.refused >= unsigned).await;
    let refused = gauge.borrow().refused;

    // … and nobody notices.
    let mut client = connect(address).await;
    let started = Instant::now();
    for number in 0..HONEST {
        if number % 10 == 9 {
            client = connect(address).await;
        }
        honest(&mut client, Command::SnsFriendDelete).await;
        assert!(started.elapsed() < Duration::from_secs(10), "{number} callbacks so far");
    }
    let load = *gauge.borrow();
    assert_eq!((load.accepted, load.other), (1 + HONEST, 0), "{load:?}");
    assert!(load.open >= signed, "the signed ones still drip: {load:?}");
    assert!(load.refused > refused, "the unsigned ones came back: {load:?}");
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        assert!(after.saturating_sub(before) < 100 * 1024, "{before} KiB, then {after} KiB");
    }

    // The drip stops, and everything is given back: the inner limit lets eight in at once, who wait
    // for each other there.
    drop(drip);
    reached(&gauge, "given back", |load| load.open == 0).await;
    let burst: Vec<_> = (0..LIMIT)
        .map(|_| {
            tokio::spawn(
                async move { honest(&mut connect(address).await, Command::SnsFriendAdd).await },
            )
        })
        .collect();
    for one in burst {
        one.await.unwrap();
    }
    let load = *gauge.borrow();
    assert_eq!((load.accepted, load.other), (1 + HONEST + LIMIT, 0), "{load:?}");
}

/// The other process. Without the address in its environment, which is how the test runner starts
/// it, it does nothing.
#[test]
fn the_child_drips_at_whom_it_is_told_to() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let address: SocketAddr = address.parse().unwrap();
    let unsigned: usize = std::env::var(UNSIGNED).unwrap().parse().unwrap();
    // The parent holds the other end and never writes: it is gone when this ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        for _ in 0..unsigned {
            tokio::spawn(drip(address, "?"));
        }
        for _ in 0..unsigned / 10 {
            tokio::spawn(drip(address, TOKEN));
        }
        tokio::time::sleep(Duration::from_secs(25)).await;
    });
}

/// Drips a body, signed with this token, until the server has had enough of it; then comes again.
async fn drip(address: SocketAddr, token: &str) {
    for _ in 0..50 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        let head = format!(
            "POST /callback?SdkAppid={APP}&CallbackCommand=Sns.CallbackFriendDelete\
            &Sign={}&RequestTime={now} HTTP/1.1\r\n\
             Host: localhost\r\nContent-Length: 100000\r\n\r\n{{",
            sign(token, now)
        );
        let exchange = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(head.as_bytes()).await?;
            let mut answer = [0; 1024];
            loop {
                tokio::select! {
                    read = stream.read(&mut answer) => if read? == 0 { break },
                    () = tokio::time::sleep(Duration::from_millis(100)) => {
                        stream.write_all(b" ").await?;
                    }
                }
            }
            std::io::Result::Ok(())
        };
        let _ = exchange.await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
