//! AWS Lambda behind an API Gateway (HTTP API) or a function URL. The layer's service runs there as
//! it is.
//!
//! A function is frozen once it has answered, so nothing may be left for later: no `DetachLayer`
//! here.

use lambda_http::Error;
use programs::app;
use tencent_im_callback::event::{BeforeMessage, sns::FriendDelete};
use tencent_im_callback::reply::MessageVerdict;
use tencent_im_callback::{Callback, CallbackLayer, EventRouter};
use tower::Layer;

async fn moderate(callback: Callback<BeforeMessage>) -> MessageVerdict {
    let body = callback.event.msg_body();
    let banned = body.texts().iter().any(|text| text.contains("spam"));
    if banned || !body.is_complete() || callback.is_mended() {
        MessageVerdict::reject()
    } else {
        MessageVerdict::allow()
    }
}

async fn friends_gone(callback: Callback<FriendDelete>) {
    println!("{} friendships ended", callback.event.pair_list.len());
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let handlers = EventRouter::new().on_message(moderate).on(friends_gone);
    let service = CallbackLayer::new(app()?).layer(handlers);
    lambda_http::run(service).await
}
