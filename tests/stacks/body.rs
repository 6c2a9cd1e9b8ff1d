//! Layers that limit or unpack bodies.

use crate::common::{Inner, layer, outcome, signed};
use crate::{AFTER, SMALL, ask, forged, good, layer_over, takes_one_and_refuses_one};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::Body;
use http_body_util::Full;
use std::io::Write;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{RejectionKind, UnknownReason};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;

#[tokio::test]
async fn a_body_limit_outside_answers_a_declared_length_and_cuts_off_an_undeclared_one() {
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(64))
        .layer(layer())
        .service(inner.clone());
    let small = || signed(AFTER).body(SMALL);
    ask(&service, small().build::<Full<Bytes>>()).await.is_accepted();
    ask(&service, small().fault(Fault::SignatureMismatch).build::<Full<Bytes>>())
        .await
        .is_refused();

    // Declared: answered before the signature is looked at, without an envelope and without an
    // outcome.
    for mut request in [good(), forged()] {
        request.headers_mut().insert(CONTENT_LENGTH, "65".parse().unwrap());
        let large = ask(&service, request).await;
        assert_eq!(
            (large.status, large.kind(), &*large.body),
            (413, None, "length limit exceeded")
        );
    }
    // Not declared (chunked, or over HTTP/2): the body breaks off, which is our 400 and not our
    // 413.
    let large = ask(&service, good()).await;
    assert_eq!((large.status, large.rejection()), (400, Some(RejectionKind::BodyIncomplete)));
    assert_eq!(large.error(), Some("length limit exceeded"));
    assert_eq!(inner.calls(), 1);

    // Ours says 413 either way.
    let service = ServiceBuilder::new().layer(layer().body_limit(64)).service(inner.clone());
    let large = ask(&service, good()).await;
    assert_eq!((large.status, large.rejection()), (413, Some(RejectionKind::BodyTooLarge)));
}

fn gzip(request: &SignedRequest, body: &[u8]) -> Request<Full<Bytes>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(body).unwrap();
    let mut request = request.clone().body(packed.finish().unwrap()).build();
    request.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    request
}

#[tokio::test]
async fn decompression_outside_leaves_the_limit_of_unpacked_bytes_to_our_layer() {
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(4096))
        .layer(RequestDecompressionLayer::new())
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    ask(&service, gzip(&signed(AFTER), SMALL.as_bytes())).await.is_accepted();
    ask(&service, gzip(&signed(AFTER).fault(Fault::SignatureMismatch), SMALL.as_bytes()))
        .await
        .is_refused();

    // Two mebibytes of blanks are two kilobytes on the way: under the limit of what is sent, over
    // that of what is read.
    let bomb = gzip(&signed(AFTER), &vec![b' '; 2 << 20]);
    assert!(bomb.body().size_hint().exact().unwrap() < 4096);
    let bomb = ask(&service, bomb).await;
    assert_eq!((bomb.status, bomb.rejection()), (413, Some(RejectionKind::BodyTooLarge)));

    let mut broken = good();
    broken.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let broken = ask(&service, broken).await;
    assert_eq!((broken.status, broken.rejection()), (400, Some(RejectionKind::BodyIncomplete)));

    // An encoding that the layer does not know is its own answer, before any signature is looked
    // at.
    let mut strange = forged();
    strange.headers_mut().insert(CONTENT_ENCODING, "br".parse().unwrap());
    let strange = ask(&service, strange).await;
    assert_eq!((strange.status, strange.kind(), &*strange.body), (415, None, ""));

    // Without the layer nothing is unpacked.
    let service = ServiceBuilder::new().layer(layer()).service(Inner::default());
    let packed = gzip(&signed(AFTER), SMALL.as_bytes());
    let response = service.oneshot(packed).await.unwrap();
    let reason = outcome(&response).unknown_reason();
    assert_eq!(reason.map(UnknownReason::as_str), Some("body_not_json"));
}

#[tokio::test]
async fn the_default_body_limit_of_axum_is_not_for_services() {
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(DefaultBodyLimit::max(1));
    takes_one_and_refuses_one(
        &router.map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new)),
    )
    .await;
}
