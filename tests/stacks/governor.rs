//! Rate limits by tower_governor.

use crate::common::{Inner, OK, layer, verifier};
use crate::{Client, HOUR, ask, forged, good, layer_over, takes_one_and_refuses_one};
use axum::Router;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::net::SocketAddr;
use tencent_im_callback::{OutcomeKind, Params, ResponseBody, SdkAppId, VerifyLayer};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_governor::GovernorLayer;
use tower_governor::errors::GovernorError;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::{GlobalKeyExtractor, KeyExtractor};

fn from_peer(mut request: Request<Full<Bytes>>, peer: [u8; 4]) -> Request<axum::body::Body> {
    let peer = SocketAddr::from((peer, 1234));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.map(axum::body::Body::new)
}

#[tokio::test]
async fn the_governor_outside_lets_forged_requests_use_up_the_budget_of_their_peer() {
    let budget = GovernorConfigBuilder::default().period(HOUR).burst_size(2).finish().unwrap();
    let service = ServiceBuilder::new().layer(layer()).service(Inner::default());
    let router = Router::new().route_service("/", service).layer(GovernorLayer::new(budget));

    let (proxy, other) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    ask(&router, from_peer(good(), proxy)).await.is_accepted();
    ask(&router, from_peer(forged(), proxy)).await.is_refused();
    // Tencent behind the same proxy, or from the same few addresses, pays for the forged one; and
    // gets no envelope.
    let throttled = ask(&router, from_peer(good(), proxy)).await;
    assert_eq!((throttled.status, throttled.kind()), (429, None));
    assert!(throttled.body.starts_with("Too Many Requests! Wait for"), "{}", throttled.body);
    ask(&router, from_peer(good(), other)).await.is_accepted();

    // Without `into_make_service_with_connect_info` there is no peer, and everybody is refused.
    let nobody = ask(&router, good().map(axum::body::Body::new)).await;
    assert_eq!((nobody.status, &*nobody.body), (500, "Unable To Extract Key!"));
}

#[tokio::test]
async fn the_governor_finds_the_peer_where_the_server_was_told_to_leave_it() {
    let budget = GovernorConfigBuilder::default().period(HOUR).burst_size(2).finish().unwrap();
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(GovernorLayer::new(budget));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut client = Client::http1(address).await;
    assert_eq!(client.send(good()).await.unwrap(), (200, OK.into()));
    assert_eq!(client.send(forged()).await.unwrap().0, 401);
    assert_eq!(client.send(good()).await.unwrap().0, 429);
    server.abort();
}

/// The app that [`VerifyLayer`] let through.
#[derive(Clone)]
pub(crate) struct ByApp;

impl KeyExtractor for ByApp {
    type Key = SdkAppId;

    fn extract<T>(&self, request: &Request<T>) -> Result<SdkAppId, GovernorError> {
        let params = request.extensions().get::<Params>();
        Ok(params.ok_or(GovernorError::UnableToExtractKey)?.sdk_app_id)
    }
}

#[tokio::test]
async fn the_governor_between_verify_and_callback_counts_verified_requests_by_app() {
    let budget = GovernorConfigBuilder::default()
        .period(HOUR)
        .burst_size(1)
        .key_extractor(ByApp)
        .finish()
        .unwrap();
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(GovernorLayer::new(budget))
        .layer(VerifyLayer::new(verifier()));
    for _ in 0..3 {
        ask(&router, forged().map(axum::body::Body::new)).await.is_refused();
    }
    ask(&router, good().map(axum::body::Body::new)).await.is_accepted();
    let throttled = ask(&router, good().map(axum::body::Body::new)).await;
    // Tencent takes it for a failed callback, and so does `VerifyLayer`.
    assert_eq!((throttled.status, throttled.kind()), (429, Some(OutcomeKind::Failed)));
}

#[tokio::test]
async fn the_governor_without_a_router_wants_the_body_mapped() {
    let budget = GovernorConfigBuilder::default()
        .period(HOUR)
        .burst_size(2)
        .key_extractor(GlobalKeyExtractor)
        .finish()
        .unwrap();
    let service = ServiceBuilder::new()
        .layer(GovernorLayer::new(budget))
        .map_response(|response: Response<ResponseBody>| response.map(axum::body::Body::new))
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    assert_eq!(ask(&service, good()).await.status, 429);
}
