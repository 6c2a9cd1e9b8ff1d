//! Endpoints for the tests: a good one made with the middleware, and whatever a test makes.

use std::net::SocketAddr;

use axum::Router;
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::{App, CallbackLayer, EventRouter, OnError, Token};
use tower::Layer;

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
