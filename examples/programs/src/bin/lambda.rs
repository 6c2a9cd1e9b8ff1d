//! AWS Lambda behind an API Gateway (HTTP API) or a function URL. The layer's service runs there as
//! it is.
//!
//! A function is frozen once it has answered, so nothing may be left for later: no `DetachLayer`
//! here.

use lambda_http::Error;
use programs::app;
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::{Callback, CallbackLayer, EventRouter, OnError};
use tower::Layer;

/// Judges what people write in messages, names of groups and friend requests.
fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") { Finding::Reject } else { Finding::Allow }
}

async fn friends_gone(callback: Callback<FriendDelete>) {
    println!("{} friendships ended", callback.event.pair_list.len());
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let handlers = EventRouter::new().moderate(judge).on(friends_gone);
    let layer = CallbackLayer::new(app()?).on_before_error(OnError::reject("try again later"));
    lambda_http::run(layer.layer(handlers)).await
}
