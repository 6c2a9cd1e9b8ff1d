//! `VerifyLayer`: HTTP in, HTTP out.
#![allow(clippy::pedantic)]

mod common;

use axum::body::Body;
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use common::{APP, NOW, OK, TOKEN, signed, text, verifier};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    Callback, CallbackLayer, Command, Outcome, OutcomeKind, Params, RejectionKind, VerifyLayer,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn};

async fn echo(Extension(params): Extension<Params>, body: String) -> String {
    format!("{} {}", params.command, body.len())
}

fn router() -> Router {
    Router::new().route("/callback", post(echo)).layer(VerifyLayer::new(verifier()))
}

#[tokio::test]
async fn a_verified_request_goes_on_with_its_params() {
    let request = signed(Command::SnsFriendAdd).url("/callback").body("12345").build::<Body>();
    let response = router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let what = response.extensions().get::<Outcome>().unwrap();
    assert_eq!(what.kind(), OutcomeKind::Accepted);
    assert_eq!(what.params().unwrap().command, Command::SnsFriendAdd);
    assert_eq!(text(response).await, "Sns.CallbackFriendAdd 5");
}

#[tokio::test]
async fn a_refused_one_does_not() {
    for (fault, kind) in [
        (Fault::Stale, RejectionKind::Stale),
        (Fault::SignatureMismatch, RejectionKind::SignatureMismatch),
        (Fault::OtherApp, RejectionKind::AppUnknown),
    ] {
        let request = signed(Command::SnsFriendAdd).url("/callback").fault(fault).build::<Body>();
        let response = router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), kind.status());
        let what = response.extensions().get::<Outcome>().unwrap();
        assert_eq!(what.rejection().unwrap().kind(), kind);
        assert!(text(response).await.contains(kind.phrase()));
    }
}

#[tokio::test]
async fn a_check_of_the_url_is_answered() {
    let url = format!("/callback?SdkAppid={APP}&Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    let response = router().oneshot(Request::post(url).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.extensions().get::<Outcome>().unwrap().kind(), OutcomeKind::Probe);
    assert_eq!(text(response).await, OK);
}

/// A callback whose URL lost its parameters would otherwise be answered `OK`, and nobody would have
/// judged it.
#[tokio::test]
async fn a_body_of_unknown_length_is_no_check_of_the_url() {
    let url = format!("/callback?SdkAppid={APP}&Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    // As `RequestDecompressionLayer` leaves it: no header tells that there is a body.
    let (_sender, body) = http_body_util::Channel::<Bytes>::new(1);
    let response =
        router().oneshot(Request::post(&url).body(Body::new(body)).unwrap()).await.unwrap();
    let what = response.extensions().get::<Outcome>().unwrap();
    assert_eq!(what.rejection().unwrap().kind(), RejectionKind::UrlIncomplete);
}

/// The inner service's answer stays as it is, and an alert can be set on its failures.
#[tokio::test]
async fn an_error_of_the_inner_service_is_a_failure() {
    for (status, kind) in [
        (200, OutcomeKind::Accepted),
        (204, OutcomeKind::Failed),
        (302, OutcomeKind::Failed),
        (429, OutcomeKind::Failed),
        (503, OutcomeKind::Failed),
    ] {
        let inner = service_fn(move |_: Request<Full<Bytes>>| async move {
            Response::builder().status(status).body("inner".to_owned())
        });
        let request = signed(Command::SnsFriendAdd).build();
        let response = VerifyLayer::new(verifier()).layer(inner).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.extensions().get::<Outcome>().unwrap().kind(), kind);
    }
}

#[tokio::test]
async fn the_outcome_of_an_inner_layer_of_ours_stays() {
    let failing = service_fn(|_: Callback| async { Err::<(), _>("x") });
    let inner = CallbackLayer::new(verifier()).layer(failing);
    let service = VerifyLayer::new(verifier()).layer(inner);
    let request = signed(Command::SnsFriendAdd).build::<http_body_util::Full<Bytes>>();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.extensions().get::<Outcome>().unwrap().kind(), OutcomeKind::Failed);
}

#[tokio::test]
async fn readiness_is_awaited_only_for_a_verified_request() {
    let (mock, mut handle) = tower_test::mock::pair::<Request<Full<Bytes>>, Response<String>>();
    let mut service = VerifyLayer::new(verifier()).layer(mock);
    handle.allow(0);
    let request = |fault: Option<Fault>| {
        let request = signed(Command::SnsFriendAdd);
        match fault {
            Some(fault) => request.fault(fault).build(),
            None => request.build(),
        }
    };
    let refused =
        assert_ready!(task::spawn(service.call(request(Some(Fault::Stale)))).poll()).unwrap();
    assert_eq!(refused.status(), 401);

    let mut call = task::spawn(service.call(request(None)));
    assert_pending!(call.poll());
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (seen, respond) = handle.next_request().await.unwrap();
    assert_eq!(seen.extensions().get::<Params>().unwrap().command, Command::SnsFriendAdd);
    respond.send_response(Response::new("x".into()));
    assert_eq!(assert_ready!(call.poll()).unwrap().status(), 200);

    // The inner service's errors are the inner service's.
    let mut call = task::spawn(service.call(request(None)));
    handle.send_error("down");
    assert_eq!(assert_ready!(call.poll()).unwrap_err().to_string(), "down");
}

#[tokio::test]
async fn a_body_knows_its_length_and_its_end_whoever_wrote_it() {
    let service = VerifyLayer::new(verifier()).layer(service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("inner"))))
    }));
    for (fault, length) in [(None, 5), (Some(Fault::SignatureMismatch), 71)] {
        let request = signed(Command::SnsFriendDelete);
        let request = match fault {
            Some(fault) => request.fault(fault),
            None => request,
        };
        let mut body = service.clone().oneshot(request.build()).await.unwrap().into_body();
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(length), false));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len() as u64, length);
        assert!(body.is_end_stream() && body.frame().await.is_none());
    }
}
