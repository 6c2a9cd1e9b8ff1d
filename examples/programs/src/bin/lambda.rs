//! AWS Lambda behind an API Gateway (HTTP API) or a function URL. The layer's service runs there as
//! it is.
//!
//! A function is frozen once it has answered, so nothing may be left for later: no `DetachLayer`
//! here.

use lambda_http::Error;
use programs::app;
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::{Callback, CallbackLayer, EventRouter};
use tower::Layer;

fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") { Finding::Reject } else { Finding::Allow }
}

async fn friends_gone(callback: Callback<FriendDelete>) {
    println!("{} friendships ended", callback.event.pair_list.len());
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let handlers = EventRouter::new().moderate(judge).on(friends_gone);
    let service = CallbackLayer::new(app()?).layer(handlers);
    lambda_http::run(service).await
}
