//! The answer table, through the layer: status, phrase, outcome, and that nothing but an accepted
//! callback reaches the service.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod command;
mod errors;
mod faults;
mod misfits;
mod probes;

use bytes::Bytes;
use common::{Inner, OK, outcome, send, signed, text};
use http_body_util::Full;
use tencent_im_callback::{CallbackLayer, Command, Event, OutcomeKind};

/// What becomes of a body under a command of the URL: the outcome, its reason, and the event if it
/// got through.
async fn fate(
    layer: &CallbackLayer,
    command: Command,
    body: &str,
) -> (OutcomeKind, &'static str, Option<Event>) {
    let inner = Inner::default();
    let request = signed(command).body(body.to_owned()).build::<Full<Bytes>>();
    let response = send(layer, inner.clone(), request).await;
    let what = outcome(&response);
    let (kind, reason) = (what.kind(), what.reason());
    if kind == OutcomeKind::Probe {
        assert_eq!(text(response).await, OK);
    }
    (kind, reason, inner.last().map(|callback| callback.event))
}
