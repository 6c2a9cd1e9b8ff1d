//! Typed handlers by event.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod errors;
mod handlers;

use bytes::Bytes;
use common::signed;
use tencent_im_callback::event::c2c;
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::{Callback, Command, EventRouter, Reply};
use tower::ServiceExt;

async fn answer<T: Clone>(router: &EventRouter<T>, command: Command) -> Result<Reply, String> {
    answer_to(router, signed(command).build()).await
}

fn parse(request: http::Request<Bytes>) -> Callback {
    let (parts, body) = request.into_parts();
    let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
    Callback::parse_untyped(params, body).unwrap()
}

async fn answer_to<T: Clone>(
    router: &EventRouter<T>,
    request: http::Request<Bytes>,
) -> Result<Reply, String> {
    router.clone().oneshot(parse(request)).await.map_err(|error| error.to_string())
}

async fn item(callback: Callback<c2c::BeforeSendMsg>) -> BeforeSendMsgReply {
    if callback.event.msg_body.is_empty() {
        BeforeSendMsgReply::reject()
    } else {
        BeforeSendMsgReply::discard()
    }
}
