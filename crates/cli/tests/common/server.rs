//! Endpoints for the tests: a good one made with the middleware, and whatever a test makes.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use tencent_im_callback::event::BeforeMessage;
use tencent_im_callback::message::strings_of;
use tencent_im_callback::reply::MessageVerdict;
use tencent_im_callback::{App, Callback, CallbackLayer, EventRouter, OnError, Token};
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

async fn judge(callback: Callback<BeforeMessage>) -> Result<MessageVerdict, Infallible> {
    let body = callback.event.msg_body();
    let quoted = callback.event.cloud_custom_data().map(strings_of).unwrap_or_default();
    let shown = [body.texts_and_custom().concat(), body.joined_texts().concat(), quoted.concat()];
    let bad = shown.iter().any(|text| text.contains(SPAM)) || !body.is_complete();
    Ok(if bad { MessageVerdict::reject() } else { MessageVerdict::allow() })
}

/// An endpoint as it should be, at `/callback`.
pub fn good() -> Router {
    let app = App::signed(1_400_000_000, Token::new("xxxxyyyy").unwrap());
    let layer = CallbackLayer::new(app).on_before_error(OnError::reject("try again later"));
    let service = layer.layer(EventRouter::new().on_message(judge));
    Router::new().route_service("/callback", service)
}
