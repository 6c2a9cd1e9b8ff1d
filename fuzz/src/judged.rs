//! Moderation, held against a judge that knows little and looks at everything: whatever it finds is
//! never allowed, and what is sent instead of a message is that message without the word.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tencent_im_callback::moderation::{Finding, ModerateLayer, Text, fold};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::{Callback, Command, EventRouter, HandlerError, Reply};
use tower_layer::Layer;
use tower_service::Service;

use crate::json::{self, Json, Node};

/// Words that stand in many seeds.
const REJECTED: &str = "core";
const REPLACED: &str = "ell";

/// What is sent instead. It stands in no seed.
const NEW: &str = "\u{2318}";

fn judge(text: &Text<'_>) -> Finding {
    if text.contains(REJECTED) {
        Finding::Reject
    } else if text.contains(REPLACED) {
        Finding::Replace(text.replace(REPLACED, NEW))
    } else {
        Finding::Allow
    }
}

fn answer(callback: &Callback) -> Result<Reply, HandlerError> {
    let mut service = ModerateLayer::new(judge).layer(EventRouter::new());
    let future = pin!(service.call(callback.clone()));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

/// Checks the answer to a message with these elements.
pub fn check(callback: &Callback, message: &Node<'_>) {
    let Ok(reply) = answer(callback) else { return };
    let meaning = Meaning::of(&Command::C2cBeforeSendMsg, 200, reply.as_bytes());
    match meaning {
        Meaning::Reject => {}
        Meaning::Allow => {
            for word in [REJECTED, REPLACED] {
                assert!(!shows(message, word), "{word} is allowed: {}", message.raw);
            }
        }
        Meaning::Rewrite => {
            assert!(!shows(message, REJECTED), "{REJECTED} is rewritten: {}", message.raw);
            let answer = json::read(reply.as_bytes()).expect("an answer is JSON");
            let rewritten = answer.member("MsgBody").expect("a message");
            for word in [REJECTED, REPLACED] {
                assert!(!shows(rewritten, word), "{word} is sent: {}", rewritten.raw);
            }
            let (before, after) = (message.list(), rewritten.list());
            assert_eq!(before.len(), after.len(), "{}", rewritten.raw);
            before.iter().zip(after).for_each(|(before, after)| same(before, after));
        }
        other => panic!("{other:?}: {reply}"),
    }
}

/// The same but for texts with the word, down to the bytes of each number and key.
fn same(before: &Node<'_>, after: &Node<'_>) {
    if before.raw == after.raw {
        return;
    }
    match (&before.value, &after.value) {
        (Json::Text(before), Json::Text(after)) => {
            assert!(fold(before).contains(REPLACED), "{before:?} became {after:?}");
            assert!(is_rest(before, after), "{before:?} became {after:?}");
        }
        (Json::List(before), Json::List(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| same(before, after));
        }
        (Json::Object(before), Json::Object(after)) => {
            assert_eq!(before.len(), after.len());
            for ((key, before), (also, after)) in before.iter().zip(after) {
                assert_eq!(key, also);
                same(before, after);
            }
        }
        _ => panic!("{} became {}", before.raw, after.raw),
    }
}

/// Whether what stands around the replacements stood there before, in that order, from the start to
/// the end.
fn is_rest(before: &str, after: &str) -> bool {
    if before.contains(NEW) {
        return true;
    }
    let mut pieces = after.split(NEW);
    let Some(mut rest) = pieces.next().and_then(|first| before.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

/// Whether a client may show this word: in a string that is no address and no id, decoded any
/// number of times, or over texts and chunks of streams side by side.
fn shows(elements: &Node<'_>, word: &str) -> bool {
    let mut texts = Vec::new();
    collect(elements, &mut texts);
    let mut line = String::new();
    for element in elements.list() {
        let kind = element.member("MsgType").and_then(Node::text);
        let content = element.member("MsgContent");
        let is_once = matches!(&element.value, Json::Object(members)
            if members.iter().filter(|(key, _)| key == "MsgType").count() == 1);
        match (kind, content.and_then(|content| content.member("Text")).and_then(Node::text)) {
            (Some("TIMTextElem"), Some(text)) if is_once => line.push_str(text),
            (Some("TIMStreamElem"), _) if is_once => {
                let chunks = content.and_then(|content| content.member("Chunks"));
                for chunk in chunks.map_or(&[][..], Node::list) {
                    line.push_str(
                        chunk.member("Markdown").and_then(Node::text).unwrap_or_default(),
                    );
                }
            }
            _ => texts.push(std::mem::take(&mut line)),
        }
    }
    texts.push(line);
    texts.iter().any(|text| has(text, word))
}

/// All strings, except those that are known not to be seen, and all keys that no type has.
fn collect(node: &Node<'_>, texts: &mut Vec<String>) {
    const NAMES: [&str; 12] = [
        "Url",
        "UUID",
        "URL",
        "VideoUrl",
        "VideoUUID",
        "VideoFormat",
        "ThumbUrl",
        "ThumbUUID",
        "ThumbFormat",
        "Sound",
        "EventType",
        "StreamMsgID",
    ];
    const IDS: [&str; 6] =
        ["From_Account", "To_Account", "GroupId", "MsgId", "JsonMsgKey", "MsgType"];
    match &node.value {
        Json::Text(text) => texts.push(text.clone()),
        Json::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => {
            for (key, value) in members {
                let is_unseen = NAMES.contains(&&**key) || IDS.contains(&&**key);
                if !(is_unseen && value.text().is_some()) {
                    collect(value, texts);
                }
                texts.push(key.clone());
            }
        }
        Json::Null | Json::Bool | Json::Number => {}
    }
}

/// Decodes `\uXXXX` and `\\` until nothing changes, without capitals and what is invisible.
fn has(text: &str, word: &str) -> bool {
    let mut text = text.to_owned();
    loop {
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, '\u{fffd}' | '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{feff}'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if plain.contains(word) {
            return true;
        }
        let decoded = decoded(&text);
        if decoded == text {
            return false;
        }
        text = decoded;
    }
}

fn decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(code) = code.and_then(|code| u32::from_str_radix(code, 16).ok()) {
            // Half a character may be one with its neighbour.
            decoded.push(char::from_u32(code).unwrap_or('?'));
            rest = &rest[6..];
        } else if let Some(after) = rest.strip_prefix("\\\\") {
            decoded.push('\\');
            rest = after;
        } else {
            // What follows a backslash that begins something else is not looked at.
            let next = if c == '\\' { rest.chars().nth(1) } else { None };
            let length = c.len_utf8() + next.map_or(0, char::len_utf8);
            decoded.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    decoded
}
