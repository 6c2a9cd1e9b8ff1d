//! Under axum and hyper, and in accept loops that must compile.

use crate::common::{Inner, layer, signed, verifier};
use crate::{
    AFTER, BEFORE, Client, Gate, HOUR, SECOND, ask, good, layer_over, panics_before, start,
    takes_one_and_refuses_one,
};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::sync::Arc;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{
    Callback, HandlerError, OutcomeKind, Params, Reply, ResponseBody, VerifyLayer,
};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test]
async fn every_place_of_an_axum_router_takes_it() {
    let inner = Inner::default();
    let service = layer_over(inner.clone());
    let echo = async |params: axum::Extension<Params>| params.0.command.to_string();
    let router = Router::new()
        .route_service("/route", service.clone())
        .route("/method", axum::routing::post_service(service.clone()))
        .nest_service("/nest", service.clone())
        .merge(Router::new().route("/verify", post(echo)).layer(VerifyLayer::new(verifier())))
        .fallback_service(service);
    let request = |path: &str, fault: bool| {
        let request = signed(AFTER).url(path);
        if fault { request.fault(Fault::SignatureMismatch) } else { request }
            .build::<axum::body::Body>()
    };
    for path in ["/route", "/method", "/nest", "/nest/further/in", "/elsewhere"] {
        ask(&router, request(path, false)).await.is_accepted();
        ask(&router, request(path, true)).await.is_refused();
    }
    assert_eq!(inner.calls(), 5);
    let verified = ask(&router, request("/verify", false)).await;
    assert_eq!(
        (verified.status, verified.kind(), &*verified.body),
        (200, Some(OutcomeKind::Accepted), "Sns.CallbackFriendDelete")
    );
    ask(&router, request("/verify", true)).await.is_refused();
}

#[tokio::test]
async fn hyper_serves_it_over_both_versions_of_http() {
    let inner = Inner::default();
    let address = start(layer_over(inner.clone())).await;
    Client::http1(address).await.takes_one_and_refuses_one().await;
    Client::http2(address).await.takes_one_and_refuses_one().await;
    assert_eq!(inner.calls(), 2);
}

async fn boxed_error(callback: Callback) -> Result<Reply, BoxError> {
    panics_before(callback).await.map_err(Into::into)
}

#[tokio::test]
async fn a_timeout_over_a_boxed_error_is_served_from_a_generic_function() {
    let service = ServiceBuilder::new()
        .layer(layer())
        .timeout(HOUR)
        .load_shed()
        .concurrency_limit(4)
        // Written as a closure, it would not compile in `serve_in_a_block!`.
        .service_fn(|_: Callback| async { Ok::<_, BoxError>(Reply::ok()) });
    let address = start(service).await;
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

/// An accept loop in one `async` block, with the stack of layers known to it.
macro_rules! serve_in_a_block {
    ($service:expr) => {{
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = $service;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    server.serve_connection(TokioIo::new(stream), service).await.map_err(drop)
                });
            }
        });
        address
    }};
}

#[tokio::test]
async fn a_concrete_error_is_served_from_a_block() {
    let address = serve_in_a_block!(
        ServiceBuilder::new()
            .layer(layer())
            .timeout(HOUR)
            .map_err(|error: HandlerError| error.to_string())
            .service_fn(async |_: Callback| Ok::<_, HandlerError>(Reply::ok()))
    );
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

#[tokio::test]
async fn a_boxed_stack_is_served_from_a_block() {
    let stack = ServiceBuilder::new().layer(layer()).timeout(HOUR).service(service_fn(boxed_error));
    let stack: BoxCloneSyncService<Request<Incoming>, Response<ResponseBody>, Infallible> =
        BoxCloneSyncService::new(stack);
    let address = serve_in_a_block!(stack);
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

#[tokio::test]
async fn a_boxed_handler_is_served_from_a_block_and_from_a_router() {
    let handler: BoxCloneSyncService<Callback, Reply, BoxError> = BoxCloneSyncService::new(
        ServiceBuilder::new().timeout(HOUR).service(service_fn(boxed_error)),
    );
    let router = Router::new().route_service("/", layer_over(handler.clone()));
    takes_one_and_refuses_one(
        &router.map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new)),
    )
    .await;
    let address = serve_in_a_block!(layer_over(handler));
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

#[tokio::test]
async fn a_connection_outlives_a_panic() {
    let address = start(layer_over(service_fn(panics_before))).await;
    for mut client in [Client::http1(address).await, Client::http2(address).await] {
        let (status, _) = client.send(signed(BEFORE).build::<Full<Bytes>>()).await.unwrap();
        assert_eq!(status, 500);
        client.takes_one_and_refuses_one().await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_over_tcp() {
    let gate = Gate::new();
    let dropped = Arc::new(Semaphore::new(0));
    let tell = dropped.clone();
    let handler = gate.handler();
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(service_fn(
        move |callback: Callback| {
            struct Tell(Arc<Semaphore>);
            impl Drop for Tell {
                fn drop(&mut self) {
                    self.0.add_permits(1);
                }
            }
            let tell = Tell(tell.clone());
            let call = handler.clone().oneshot(callback);
            async move {
                let _tell = tell;
                call.await
            }
        },
    ));
    let address = start(service).await;
    let mut client = Client::http1(address).await;
    tokio::select! {
        answer = client.send(good()) => panic!("{answer:?}"),
        started = gate.started.acquire() => started.unwrap().forget(),
    }
    drop(client);
    tokio::time::timeout(10 * SECOND, dropped.acquire()).await.unwrap().unwrap().forget();
    assert_eq!(gate.dropped(), 1);
    gate.let_go(1);
    Client::http1(address).await.takes_one_and_refuses_one().await;
}
