//! Messages: every element, bundles in bundles, crafted texts, moderation and rewriting.
#![allow(clippy::pedantic)]

#[path = "../common/attack.rs"]
mod attack;
#[path = "../common/mod.rs"]
mod common;

mod elements;
mod rewriting;
mod shown;
mod shown_or_misfit;

use tencent_im_callback::event::c2c::BeforeSendMsg;
use tencent_im_callback::moderation::{Finding, Incomplete, ModerateLayer, Text};
use tencent_im_callback::{Callback, EventRouter, testing};
use tower::{Layer, ServiceExt};

fn body(elements: &str) -> String {
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{elements}}}"#)
}

fn message(elements: &str) -> Callback<BeforeSendMsg> {
    testing::callback(&body(elements))
}

/// The elements after moderation has replaced `damn`; `None` if it rejects.
fn polite(elements: &str) -> Option<String> {
    let judge = |text: &Text<'_>| match text.contains("damn") {
        true => Finding::Replace(text.replace("damn", "****")),
        false => Finding::Allow,
    };
    let layer = ModerateLayer::new(judge).allow_incomplete(Incomplete::Bundle);
    let service = layer.layer(EventRouter::new());
    let answer = tokio_test::block_on(service.oneshot(message(elements).erase())).unwrap();
    let answer: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_slice(answer.as_bytes()).unwrap();
    match answer["ErrorCode"].get() {
        "0" => Some(answer.get("MsgBody").map_or(elements, |json| json.get()).to_owned()),
        _ => None,
    }
}

/// Bundles in bundles, `depth` of them, around one text.
fn bundles(depth: usize) -> String {
    let open = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#;
    let close = "}]}}]";
    format!(
        "{}{}{}",
        open.repeat(depth),
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"core"}}]"#,
        close.repeat(depth)
    )
}
