//! What the types promise, checked by the compiler: auto traits, and the places they must fit.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use common::{layer, signed, verifier};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tencent_im_callback::dedup::DedupFuture;
use tencent_im_callback::detach::DetachFuture;
use tencent_im_callback::moderation::{Finding, Moderate, ModerateFuture, ModerateLayer, Text};
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, CallbackService, Command, Dedup, DedupLayer, Detach,
    DetachLayer, Drained, Event, EventRouter, Failure, HandlerError, MetricsLayer, MetricsService,
    OnError, Oneshot, Outcome, Params, RateLimit, RateLimitFuture, RateLimitLayer, Rejection,
    Reply, ResponseBody, ResponseFuture, RouterFuture, Split, SplitFuture, Token, UnknownCommand,
    Verifier, VerifyBody, VerifyLayer, VerifyService,
};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn shared<T: Clone + Send + Sync + 'static>() {}
fn is_send<T: Send>(_: &T) {}

type Handler = fn(Callback) -> std::future::Ready<Result<Reply, Infallible>>;
type Judge = fn(&Text<'_>) -> Finding;
type Inner = tower::util::ServiceFn<Handler>;

#[test]
fn auto_traits() {
    shared::<CallbackLayer>();
    shared::<CallbackService<Inner>>();
    shared::<VerifyLayer>();
    shared::<VerifyService<Inner>>();
    shared::<Verifier>();
    shared::<(App, Apps, Token)>();
    shared::<(Params, Command, Event, Callback, Rejection, Outcome, OnError, Reply)>();
    shared::<ResponseBody>();
    shared::<(EventRouter<String>, UnknownCommand)>();
    shared::<(Split<Inner, Inner>, DetachLayer, Detach<Inner>, DedupLayer, Dedup<Inner>)>();
    shared::<(RateLimitLayer, RateLimit<Inner>, MetricsLayer, MetricsService<Inner>)>();
    shared::<(ModerateLayer<Judge, Text<'static>>, Moderate<Inner, Judge, Text<'static>>)>();
    fn send<T: Send>() {}
    send::<(RouterFuture, SplitFuture<Inner, Inner>, Oneshot<Inner>, RateLimitFuture<Inner>)>();
    send::<(DetachFuture<Inner>, DedupFuture<Inner>, Drained, HandlerError)>();
    send::<ModerateFuture<Inner, Judge, Text<'static>>>();
    fn unpin<T: Unpin + Send + Sync + Default>() {}
    send::<ResponseFuture<Inner, Full<Bytes>>>();
    unpin::<ResponseBody>();
    unpin::<VerifyBody<ResponseBody>>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<Rejection>();
    error::<tencent_im_callback::InvalidTokenError>();
    fn debug<T: std::fmt::Debug>() {}
    debug::<Failure<'_>>();
    debug::<ResponseFuture<Inner, Full<Bytes>>>();
}

#[test]
fn the_service_is_generic_over_the_body() {
    fn takes<B, S: Service<Request<B>, Response = Response<ResponseBody>, Error = Infallible>>(
        _: &S,
    ) {
    }
    let service = layer().layer(service_fn(async |_: Callback| Ok::<_, Infallible>(())));
    takes::<Full<Bytes>, _>(&service);
    takes::<Incoming, _>(&service);
    takes::<axum::body::Body, _>(&service);
    takes::<String, _>(&service);
}

#[test]
fn an_inner_service_that_is_not_send_works_on_one_thread() {
    let seen = Rc::new(std::cell::Cell::new(0));
    let count = seen.clone();
    let service = layer().layer(service_fn(move |_: Callback| {
        let count = count.clone();
        async move {
            count.set(count.get() + 1);
            Ok::<_, Infallible>(())
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let request = signed(Command::SnsFriendAdd).build::<Full<Bytes>>();
        tokio::task::spawn_local(service.oneshot(request)).await.unwrap().unwrap();
    });
    assert_eq!(seen.get(), 1);
}

async fn boxed_error(_: Callback) -> Result<(), BoxError> {
    Ok(())
}

/// Compiles: an accept loop, spawned, over a service whose error is a boxed one.
#[tokio::test]
async fn a_spawned_accept_loop_over_a_boxed_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = layer().layer(service_fn(boxed_error));
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

/// Compiles: every place in an axum router that takes a service, and `VerifyLayer` as one of its
/// layers.
#[test]
fn axum_takes_it() {
    use axum::routing::{post, post_service};
    let service = || {
        layer().layer(
            ServiceBuilder::new()
                .timeout(Duration::from_secs(1))
                .load_shed()
                .concurrency_limit(1)
                .service_fn(boxed_error),
        )
    };
    let _: axum::Router = axum::Router::new()
        .route_service("/a", service())
        .route("/b", post_service(service()))
        .nest_service("/c", service())
        .route("/d", post(async || "x"))
        .layer(VerifyLayer::new(verifier()))
        .layer(tower::limit::ConcurrencyLimitLayer::new(1))
        .fallback_service(service());
}

#[test]
fn futures_are_send_where_the_inner_one_is() {
    let mut service = layer().layer(service_fn(boxed_error));
    is_send(&service.call(signed(Command::SnsFriendAdd).build::<Full<Bytes>>()));
}
