//! Messages: read, written, shown to moderation, and rewritten without touching what nobody
//! changed.
//!
//! Input: four changes, one byte each, then the JSON of a `MsgBody`.

use bytes::Bytes;
use http::Method;
use tencent_im_callback::message::{CustomElem, MsgBody, MsgBodyBuilder, TextElem};
use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
use tencent_im_callback::{App, Callback, Command, Event, Params, Reply, Verified, Verifier};

use crate::body::compact;
use crate::json::{self, Json, Node};
use crate::{APP, elements, judged, payloads};

/// Bytes of an input before its JSON.
pub const HEAD: usize = 4;

pub fn check(data: &[u8]) {
    let Some((changes, text)) = data.split_at_checked(HEAD) else {
        return;
    };
    // In an event, what is not UTF-8 is mended first.
    let came = text;
    let text = &*String::from_utf8_lossy(came);
    let read = serde_json::from_str::<MsgBody>(text);
    let Some(json) = json::read(text.as_bytes()) else {
        // serde_json alone takes control characters in texts that are read as bytes; in an event
        // they are refused.
        let has_controls = text.bytes().any(|byte| byte < b' ');
        assert!(read.is_err() || has_controls, "read what is no JSON");
        return;
    };
    let whole =
        [&br#"{"From_Account":"a","MsgBody":"#[..], came, br#","To_Account":"b"}"#].concat();
    let callback = Callback::parse_untyped(params(), Bytes::from(whole)).expect("an object");
    let is_broken = std::str::from_utf8(came).is_err();
    assert!(callback.is_mended() || !is_broken);
    match (&read, &callback.event) {
        // Nothing to judge is no message.
        (Ok(message), Event::Unknown(event)) if matches!(json.value, Json::Null) => {
            assert!(message.is_empty() && event.misfit().is_some());
        }
        // An element given as a list, by position: derived code alone takes it, an event does not.
        (Ok(_), Event::Unknown(event))
            if json.list().iter().any(|element| element.is_object().is_none()) =>
        {
            assert!(event.misfit().is_some());
        }
        // Half a character: it is replaced in an event before it is parsed, and is an error of
        // serde_json alone, or raw.
        (_, Event::C2cBeforeSendMsg(event)) if text.contains("\\ud") || text.contains("\\uD") => {
            round_trip(&event.msg_body, json.raw.len());
            moderation(&callback, &json);
        }
        (Ok(message), Event::C2cBeforeSendMsg(event)) => {
            assert_eq!(&event.msg_body, message);
            round_trip(message, json.raw.len());
            moderation(&callback, &json);
        }
        (Err(_), Event::Unknown(event)) => {
            let misfit = event.misfit().expect("a misfit");
            assert!(misfit.path().starts_with("MsgBody"), "{}", misfit.path());
        }
        _ => panic!("alone {read:?}, in an event {:?}", callback.event),
    }
    if !is_broken {
        judged::check(&callback, &json);
    }
    rewriting(&callback, &json, changes);
}

/// The parameters of a message that waits for a verdict.
fn params() -> Params {
    let uri = format!("/?SdkAppid={APP}&CallbackCommand={}", Command::C2cBeforeSendMsg).parse();
    let verifier = Verifier::new(App::unsigned(APP));
    match verifier.verify(&Method::POST, &uri.expect("a URL")) {
        Ok(Verified::Callback(params)) => params,
        other => panic!("{other:?}"),
    }
}

/// What is written can be read, and is the same message. `came` is the length of the JSON that the
/// message was read from.
fn round_trip(message: &MsgBody, came: usize) {
    let written = serde_json::to_string(message).expect("a message can be written");
    let again: MsgBody = match serde_json::from_str(&written) {
        Ok(again) => again,
        // Members that no type has are not written. Without their bytes, many empty items can be
        // more than the text may hold.
        Err(_) if written.len() < came && holds_too_many_items(&written) => return,
        Err(error) => panic!("what was written cannot be read: {error}: {written}"),
    };
    assert_eq!(&again, message, "{written}");
    assert_eq!(serde_json::to_string(&again).expect("a message can be written"), written);
}

fn holds_too_many_items(list: &str) -> bool {
    let body = Bytes::from(format!(r#"{{"MsgBody":{list}}}"#));
    let callback = Callback::parse_untyped(params(), body).expect("an object");
    callback.event.misfit().is_some_and(|misfit| {
        misfit.message().contains("more items than a text of this length may hold")
    })
}

/// Each of these is among the others, as often as it is here.
fn is_among(few: &[String], many: &[String]) {
    let mut left = many.to_vec();
    for text in few {
        match left.iter().position(|other| other == text) {
            Some(at) => drop(left.swap_remove(at)),
            None => panic!("{text:?} is not among {many:?}"),
        }
    }
}

/// Every text that a reader could see is shown to moderation.
fn moderation(callback: &Callback, json: &Node<'_>) {
    let mut expected = Vec::new();
    if visible(json.list(), &mut expected).is_some() {
        // An empty string shows nothing.
        expected.retain(|text| !text.is_empty());
        let shown = callback.shown();
        let shown: Vec<_> = shown.texts().map(|text| text.as_str().to_owned()).collect();
        is_among(&expected, &shown);
    }
}

/// The texts of a message, from its JSON alone. `None` for members given by position, as a list:
/// those are read, too, but this reference does not know the positions.
fn visible(elements: &[Node<'_>], found: &mut Vec<String>) -> Option<()> {
    for element in elements {
        element.is_object()?;
        let kind = element.member("MsgType")?.text()?;
        let content = element.member("MsgContent")?;
        let mut show =
            |name: &str| found.extend(content.member(name).and_then(Node::text).map(str::to_owned));
        match kind {
            "TIMRelayElem" => {
                content.is_object()?;
                show("Title");
                show("CompatibleText");
                show("AbstractList");
                let lines = content.member("AbstractList").map_or(&[][..], Node::list);
                found.extend(lines.iter().filter_map(Node::text).map(str::to_owned));
                for message in content.member("MsgList").map_or(&[][..], Node::list) {
                    message.is_object()?;
                    let inner = message.member("MsgBody").map_or(&[][..], Node::list);
                    visible(inner, found)?;
                }
                continue;
            }
            "TIMStreamElem" => {
                show("CompatibleText");
                for chunk in content.member("Chunks").map_or(&[][..], Node::list) {
                    chunk.is_object()?;
                    found.extend(chunk.member("Markdown").and_then(Node::text).map(str::to_owned));
                }
            }
            "TIMTextElem" => show("Text"),
            "TIMLocationElem" => show("Desc"),
            "TIMFileElem" => show("FileName"),
            "TIMCustomElem" => {
                show("Desc");
                show("Data");
                show("Ext");
            }
            "TIMFaceElem" => show("Data"),
            "TIMSoundElem" | "TIMImageElem" | "TIMVideoFileElem" => {}
            _ => {
                content.strings(found);
                continue;
            }
        }
        content.is_object()?;
    }
    Some(())
}

fn rewriting(callback: &Callback, json: &Node<'_>, changes: &[u8]) {
    let builder = callback.rewrite_message();
    let Json::List(elements) = &json.value else {
        assert!(builder.is_err());
        return;
    };
    let mut builder = builder.expect("a message");
    let mut model: Vec<String> = elements.iter().map(|element| element.raw.to_owned()).collect();
    same(&builder, &model);
    for change in changes {
        let index = usize::from(change % 64) % (model.len() + 2);
        match change / 64 {
            0 => {
                builder = builder.push(TextElem::new("pushed \"\u{1f600}\n"));
                let quoted = serde_json::to_string("pushed \"\u{1f600}\n").expect("a text");
                model.push(format!(
                    r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{quoted}}}}}"#
                ));
            }
            1 => {
                builder = builder.replace(index, CustomElem::new("d", "e"));
                if let Some(slot) = model.get_mut(index) {
                    *slot = r#"{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d","Desc":"e"}}"#
                        .to_owned();
                }
            }
            _ => {
                builder = builder.remove(index);
                if index < model.len() {
                    model.remove(index);
                }
            }
        }
        same(&builder, &model);
    }
    let expected = serde_json::to_string(&builder).expect("a message can be written");
    let reply: Reply = BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(builder)).into();
    let answer = json::read(reply.as_bytes()).expect("an answer is JSON");
    assert_eq!(answer.member("MsgBody").expect("a message").raw, expected);
}

fn same(builder: &MsgBodyBuilder, model: &[String]) {
    assert_eq!((builder.len(), builder.is_empty()), (model.len(), model.is_empty()));
    let written = serde_json::to_string(builder).expect("a message can be written");
    assert_eq!(written, format!("[{}]", model.join(",")));
}

/// Lists of elements that are easy to read wrongly, and what is no list of elements.
const ODD: &[&str] = &[
    concat!(
        r#"[{"MsgType":"TIMFileElem","MsgContent":{"UUID":"true","FileSize":"","#,
        r#""FileName":""}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMRelayElem","MsgContent":{"More":{},"MsgList":[{"MsgBody":null},"#,
        r#"{"MsgBody":null},{"More":{},"MsgList":[{"MsgBody":null},{"MsgBody":null}]}]}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMNewElem","MsgContent":{"a" :[1e999,"x\"\\",{"b":"\u4f60"}],"#,
        r#""c":"d"}},{"MsgType":"","MsgContent":""}]"#
    ),
    concat!(
        r#"[["TIMTextElem",{"Text":"x"}],{"MsgType":"TIMTextElem","#,
        r#""MsgContent":["y"]},5,null]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMRelayElem","MsgContent":{"AbstractList":"one","MsgList":["#,
        r#"{"MsgBody":null},{"MsgSeq":"5","MsgId":7}]}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"he"}},{"MsgType":"TIMTextElem","#,
        r#""MsgContent":{"Text":"llo"}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello","N":1.50,"#,
        r#""N":12345678901234567890123}},{"MsgType":"TIMCustomElem","#,
        r#""MsgContent":{"Data":"{"a":"\u0068\u0065\u006c\u006co"}"}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello","N":1.50,"#,
        r#""N":12345678901234567890123}},{"MsgType":"TIMNewElem","#,
        r#""MsgContent":{"a" : "shell"}}]"#
    ),
    "null",
    "[]",
    "{}",
    "\"x\"",
    "[1,",
    concat!(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"he"}},{"MsgType":"TIMStreamElem","#,
        r#""MsgContent":{"Chunks":[{"EventType":"data","Index":1,"Markdown":"l","IsLast":false},"#,
        r#"{"EventType":"data","Index":2,"Markdown":"lo","IsLast":true}],"CompatibleText":"","#,
        r#""StreamMsgID":"m"}}]"#
    ),
    concat!(
        r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"a\":\"h\\\\u0065llo\"}","#,
        r#""Desc":"","Ext":"","Sound":""}}]"#
    ),
];

pub fn seeds() -> Vec<Vec<u8>> {
    let mut lists: Vec<String> = Vec::new();
    for text in elements() {
        let text = compact(&text);
        let node = json::read(text.as_bytes()).expect("an element is JSON");
        lists.push(
            node.member("MsgBody").map_or_else(|| format!("[{text}]"), |list| list.raw.to_owned()),
        );
    }
    for (_, body) in payloads() {
        let body = compact(&body);
        let node = json::read(body.as_bytes()).expect("a payload is JSON");
        lists.extend(node.member("MsgBody").map(|list| list.raw.to_owned()));
    }
    let text = r#"{"MsgContent":{"Text":"core\ud800 e"},"MsgType":"TIMTextElem"}"#;
    for depth in [1, 2, 8, 9, 12] {
        let open = concat!(
            r#"[{"MsgType":"TIMRelayElem","MsgContent":{"Title":"t","AbstractList":["l"],"#,
            r#""MsgList":[{"MsgBody":"#
        );
        lists.push(format!("{}[{text}]{}", open.repeat(depth), "}]}}]".repeat(depth)));
    }
    let number = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"hel","N":1.50}}"#;
    lists.extend([format!("[{text},{text} ,\n{text}]"), format!("[{number},{number}]")]);
    lists.extend(ODD.iter().map(ToString::to_string));
    lists.sort();
    lists.dedup();
    let mut lists: Vec<Vec<u8>> = lists.into_iter().map(String::into_bytes).collect();
    for broken in [&b"\xff"[..], b"\xed\xa0\xbd", b"\xe4\xbd"] {
        let text = [
            &br#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"core"#[..],
            broken,
            br#" e\ud83d"}}]"#,
        ];
        lists.push(text.concat());
    }
    let changes = [[0u8, 0xc0, 0x41, 0x80], [0xc0, 0x40, 0x00, 0xc0], [0x80, 0x81, 0x42, 0xc0]];
    let seeds = lists.iter().zip(changes.iter().cycle());
    seeds.map(|(list, changes)| [&changes[..], list].concat()).collect()
}
