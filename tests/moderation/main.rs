//! What moderation lets through, and what it does not.
#![allow(clippy::pedantic)]

mod disguised;
mod generated;
mod innocent;
mod judges;
mod shown;
mod verdicts;
mod words;

use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::{Callback, Command, EventRouter, Params, Reply};
use tower::ServiceExt;

/// The judge of the documentation.
fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") {
        Finding::Reject
    } else if text.contains("damn") {
        Finding::Replace(text.replace("damn", "****"))
    } else {
        Finding::Allow
    }
}

fn callback(command: Command, body: impl Into<bytes::Bytes>) -> Callback {
    Callback::parse_untyped(Params::trusted(1, command), body.into()).unwrap()
}

async fn answered(callback: Callback) -> (Meaning, Reply) {
    let command = callback.command().clone();
    let reply = EventRouter::new().moderate(judge).oneshot(callback).await.unwrap();
    (Meaning::of(&command, 200, reply.as_bytes()), reply)
}

async fn answer(command: &Command, body: impl Into<bytes::Bytes>) -> (Meaning, Reply) {
    answered(callback(command.clone(), body)).await
}

fn message(elements: &str) -> String {
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{elements}}}"#)
}

fn text(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{text}}}}}"#)
}

#[tokio::test]
async fn a_word_is_rejected_and_another_is_replaced() {
    for (said, meaning) in [
        ("hello", Meaning::Allow),
        ("some spam", Meaning::Reject),
        ("well, damn it", Meaning::Rewrite),
    ] {
        let (found, reply) =
            answer(&Command::C2cBeforeSendMsg, message(&format!("[{}]", text(said)))).await;
        assert_eq!(found, meaning, "{said}: {reply}");
    }
}

/// The meaning of the answer to a one-to-one message of these elements.
async fn meaning(elements: &[String]) -> Meaning {
    answer(&Command::C2cBeforeSendMsg, message(&format!("[{}]", elements.join(",")))).await.0
}

fn element(kind: &str, content: &str) -> String {
    format!(r#"{{"MsgContent":{content},"MsgType":"{kind}"}}"#)
}

fn kind_first(kind: &str, content: &str) -> String {
    format!(r#"{{"MsgType":"{kind}","MsgContent":{content}}}"#)
}

/// A one-to-one message of these elements.
fn c2c(elements: &[String]) -> Callback {
    callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", elements.join(","))))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// JSON that one parser takes and another one does not.
const NEAR_JSON: [&str; 13] = [
    r#"{"n":NaN,"a":"WORD"}"#,
    r#"{"a":"WORD",}"#,
    r#"{"a":"WORD"}x"#,
    "{\"a\":\"WORD\"}\0",
    "\u{feff}{\"a\":\"WORD\"}",
    "{\"a\":\"\tWORD\"}",
    "{\"a\":\"\nWORD\"}",
    r#"{"a":"WORD"/* */}"#,
    r#"{"n":01,"a":"WORD"}"#,
    r#"{'a':'WORD'}"#,
    r#"{}{"a":"WORD"}"#,
    r#"callback({"a":"WORD"})"#,
    r#"{"a":'it\'s WORD'}"#,
];
