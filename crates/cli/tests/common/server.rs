//! Endpoints for the tests: a good one made with the middleware, and whatever a test makes.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::{App, CallbackLayer, EventRouter, OnError, Token};
use tower::{Layer, ServiceExt};

/// Serves this on a port of its own until the test ends.
pub fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

/// The word that the good endpoint refuses.
pub const SPAM: &str = "casino";

fn judge(text: &Text<'_>) -> Finding {
    if text.contains(SPAM) { Finding::Reject } else { Finding::Allow }
}

/// An endpoint as it should be, at `/callback`.
pub fn good() -> Router {
    let app = App::signed(1_400_000_000, Token::new("xxxxyyyy").unwrap());
    let layer = CallbackLayer::new(app).on_before_error(OnError::reject("try again later"));
    let service = layer.layer(EventRouter::new().moderate(judge));
    Router::new().route_service("/callback", service)
}

/// A good endpoint, but what this says of a request and its body is answered instead.
pub fn but(
    instead: impl Fn(&str, &str) -> Option<Response> + Clone + Send + Sync + 'static,
) -> Router {
    Router::new().fallback(async move |request: Request| {
        let (head, body) = request.into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, 64 * 1024 * 1024).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let shown = format!("{} {:?}", head.uri, head.headers);
        let answer = instead(&shown, &String::from_utf8_lossy(&bytes));
        match answer {
            Some(answer) => answer,
            None => good().oneshot(Request::from_parts(head, Body::from(bytes))).await.unwrap(),
        }
    })
}
