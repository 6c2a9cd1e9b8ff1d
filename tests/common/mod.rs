//! What several test files need.
#![allow(dead_code, unreachable_pub)] // each file uses its part of it

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tencent_im_callback::moderation::Place;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Command, Event, Outcome, Params, Reply, ResponseBody, Token,
    Verified, Verifier,
};
use tower::{Layer, Service, ServiceExt};

pub const APP: u64 = 1_400_000_000;
pub const TOKEN: &str = "xxxxyyyy";
/// The time of the documented signature.
pub const NOW: u64 = 1_669_872_112;

/// A size of a test that takes long: the first with `cargo test`, the second with `FULL_SIZE=1`.
pub fn sized(short: usize, full: usize) -> usize {
    if std::env::var_os("FULL_SIZE").is_some() { full } else { short }
}

pub fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

pub fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// One signed app, its clock stopped at [`NOW`].
pub fn verifier() -> Verifier {
    Verifier::new(App::signed(APP, token(TOKEN))).clock(clock)
}

pub fn layer() -> CallbackLayer {
    CallbackLayer::new(verifier())
}

/// A request that [`verifier`] accepts.
pub fn signed(command: Command) -> SignedRequest {
    SignedRequest::new(command).time(NOW)
}

/// The event of a body that came with this command in the URL.
pub fn read(command: &Command, body: impl Into<Bytes>) -> Event {
    let app = match command {
        // The one command whose body names its app; this is the documented one.
        Command::ContentCallbackResultNotify => 1_400_187_352,
        _ => APP,
    };
    Callback::parse_untyped(Params::trusted(app, command.clone()), body.into()).unwrap().event
}

pub fn post(url: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(url).body(Full::new(body.into())).unwrap()
}

/// Counts its calls, keeps the last callback, answers OK.
#[derive(Clone, Default)]
pub struct Inner {
    calls: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<Option<Callback>>>,
}

impl Inner {
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn last(&self) -> Option<Callback> {
        self.last.lock().unwrap().take()
    }
}

impl Service<Callback> for Inner {
    type Response = Reply;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Reply, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().unwrap() = Some(callback);
        std::future::ready(Ok(Reply::ok()))
    }
}

/// Sends one request through `layer` around `inner`.
pub async fn send<S, B>(
    layer: &CallbackLayer,
    inner: S,
    request: Request<B>,
) -> Response<ResponseBody>
where
    S: Service<Callback> + Clone,
    S::Response: Into<Reply>,
    S::Error: std::fmt::Display,
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    layer.layer(inner).oneshot(request).await.unwrap()
}

pub fn outcome(response: &Response<ResponseBody>) -> &Outcome {
    response.extensions().get::<Outcome>().expect("every response has an outcome")
}

pub async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

pub const OK: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;

/// The parameters of a request that is a callback by its method and URL.
#[track_caller]
pub fn params_of(verifier: &Verifier, method: &http::Method, uri: &http::Uri) -> Params {
    match verifier.verify(method, uri) {
        Ok(Verified::Callback(params)) => params,
        other => panic!("{other:?}"),
    }
}

/// The texts that a callback shows to moderation, without those that are joined, as written.
pub fn shown<E: tencent_im_callback::event::AsEvent>(callback: &Callback<E>) -> Vec<String> {
    let shown = callback.shown();
    let pieces = shown.texts().filter(|text| text.place() != Place::Joined);
    pieces.map(|text| text.as_str().to_owned()).collect()
}
