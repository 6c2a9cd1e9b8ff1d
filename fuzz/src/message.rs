//! Messages: read, written, shown to moderation, and rewritten without touching what nobody changed.
//!
//! Input: four changes, one byte each, then the JSON of a `MsgBody`.

use bytes::Bytes;
use http::Method;
use tencent_im_callback::message::{CustomElem, MsgBody, MsgBodyBuilder, MsgElement, TextElem};
use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
use tencent_im_callback::{App, Callback, Command, Event, Params, Reply, Verified, Verifier};

use crate::body::compact;
use crate::json::{self, Json, Node};
use crate::{APP, elements, payloads};

pub fn check(data: &[u8]) {
    let Some((changes, text)) = data.split_at_checked(4) else {
        return;
    };
    // In an event, UTF-8 is looked at first.
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let read = serde_json::from_str::<MsgBody>(text);
    let Some(json) = json::read(text.as_bytes()) else {
        // serde_json alone takes control characters in texts that are read as bytes; in an event they are refused.
        let has_controls = text.bytes().any(|byte| byte < b' ');
        assert!(read.is_err() || has_controls, "read what is no JSON");
        return;
    };
    let whole = format!(r#"{{"From_Account":"a","MsgBody":{},"To_Account":"b"}}"#, json.raw);
    let callback = Callback::parse_untyped(params(), Bytes::from(whole)).expect("an object");
    match (&read, &callback.event) {
        // Nothing to judge is no message.
        (Ok(message), Event::Unknown(event)) if matches!(json.value, Json::Null) => {
            assert!(message.is_empty() && event.misfit().is_some());
        }
        // An element given as a list, by position: derived code alone takes it, an event does not.
        (Ok(_), Event::Unknown(event)) if json.list().iter().any(|element| element.is_object().is_none()) => {
            assert!(event.misfit().is_some());
        }
        // Half a character: it is replaced in an event before it is parsed, and is an error of serde_json alone, or raw.
        (_, Event::C2cBeforeSendMsg(event)) if text.contains("\\ud") || text.contains("\\uD") => {
            round_trip(&event.msg_body);
            moderation(&event.msg_body, &json);
        }
        (Ok(message), Event::C2cBeforeSendMsg(event)) => {
            assert_eq!(&event.msg_body, message);
            round_trip(message);
            moderation(message, &json);
        }
        (Err(_), Event::Unknown(event)) => {
            let misfit = event.misfit().expect("a misfit");
            assert!(misfit.path().starts_with("MsgBody"), "{}", misfit.path());
        }
        _ => panic!("alone {read:?}, in an event {:?}", callback.event),
    }
    rewriting(&callback, &json, changes);
}

/// A message as an event has it.
fn in_event(list: &str) -> Option<MsgBody> {
    let whole = format!(r#"{{"From_Account":"a","MsgBody":{list},"To_Account":"b"}}"#);
    match Callback::parse_untyped(params(), Bytes::from(whole)).ok()?.event {
        Event::C2cBeforeSendMsg(event) => Some(event.msg_body),
        _ => None,
    }
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

fn round_trip(message: &MsgBody) {
    let written = serde_json::to_string(message).expect("a message can be written");
    let again: MsgBody = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(&again, message, "{written}");
    assert_eq!(
        serde_json::to_string(&again).expect("a message can be written"),
        written
    );
    assert_eq!(again.texts(), message.texts());
    assert_eq!(again.texts_and_custom(), message.texts_and_custom());
}

/// Every text that a reader could see is shown to moderation.
fn moderation(message: &MsgBody, json: &Node<'_>) {
    for (custom, shown) in [(false, message.texts()), (true, message.texts_and_custom())] {
        let mut expected = Vec::new();
        if visible(json.list(), 0, custom, &mut expected).is_some() {
            assert_eq!(shown, expected, "{}", json.raw);
        }
    }
}

/// The texts of a message, from its JSON alone. `None` for members given by position, as a list: those are read, too, but this
/// reference does not know the positions.
fn visible(elements: &[Node<'_>], bundles: usize, custom: bool, found: &mut Vec<String>) -> Option<()> {
    for element in elements {
        element.is_object()?;
        let kind = element.member("MsgType")?.text()?;
        let content = element.member("MsgContent")?;
        let mut show = |name: &str| found.extend(content.member(name).and_then(Node::text).map(str::to_owned));
        match kind {
            "TIMRelayElem" if bundles < 8 => {
                content.is_object()?;
                show("Title");
                show("CompatibleText");
                show("AbstractList");
                let lines = content.member("AbstractList").map_or(&[][..], Node::list);
                found.extend(lines.iter().filter_map(Node::text).map(str::to_owned));
                for message in content.member("MsgList").map_or(&[][..], Node::list) {
                    message.is_object()?;
                    let inner = message.member("MsgBody").map_or(&[][..], Node::list);
                    visible(inner, bundles + 1, custom, found)?;
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
            "TIMCustomElem" if custom => {
                show("Desc");
                show("Data");
            }
            "TIMCustomElem" | "TIMFaceElem" | "TIMSoundElem" | "TIMImageElem" | "TIMVideoFileElem" => {}
            _ => {
                content.strings(found);
                continue;
            }
        }
        content.is_object()?;
    }
    Some(())
}

/// What the builder must hold at one place: the JSON, and the text if it is a text element.
struct Slot {
    json: String,
    text: Option<String>,
}

impl Slot {
    fn kept(raw: &str) -> Self {
        let one = in_event(&format!("[{raw}]"));
        let text = match one.as_ref().map(MsgBody::as_slice) {
            Some([MsgElement::Text(text)]) => Some(text.text.clone().unwrap_or_default()),
            _ => None,
        };
        let json = raw.to_owned();
        Slot { json, text }
    }

    fn text(text: &str) -> Self {
        let quoted = serde_json::to_string(text).expect("a text");
        Slot {
            json: format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{quoted}}}}}"#),
            text: Some(text.to_owned()),
        }
    }
}

fn rewriting(callback: &Callback, json: &Node<'_>, changes: &[u8]) {
    let builder = callback.rewrite_message();
    let Json::List(elements) = &json.value else {
        assert!(builder.is_err());
        return;
    };
    let mut builder = builder.expect("a message");
    let mut model: Vec<Slot> = elements.iter().map(|element| Slot::kept(element.raw)).collect();
    same(&builder, &model);
    for change in changes {
        let index = usize::from(change % 64) % (model.len() + 2);
        match change / 64 {
            0 => {
                builder = builder.push(TextElem::new("pushed \"\u{1f600}\n"));
                model.push(Slot::text("pushed \"\u{1f600}\n"));
            }
            1 => {
                builder = builder.replace(index, CustomElem::new("d", "e"));
                if let Some(slot) = model.get_mut(index) {
                    let json = r#"{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d","Desc":"e"}}"#.to_owned();
                    *slot = Slot { json, text: None };
                }
            }
            2 => {
                builder = builder.remove(index);
                if index < model.len() {
                    model.remove(index);
                }
            }
            _ => {
                let mut shown = Vec::new();
                builder = builder.map_texts(|text| {
                    shown.push(text.to_owned());
                    changed(text)
                });
                let texts = model.iter().filter_map(|slot| slot.text.clone());
                assert_eq!(shown, texts.collect::<Vec<_>>(), "{}", json.raw);
                for slot in &mut model {
                    if let Some(text) = slot.text.as_deref().and_then(changed) {
                        *slot = Slot::text(&text);
                    }
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

fn changed(text: &str) -> Option<String> {
    text.contains('e').then(|| text.replace('e', "*"))
}

fn same(builder: &MsgBodyBuilder, model: &[Slot]) {
    assert_eq!((builder.len(), builder.is_empty()), (model.len(), model.is_empty()));
    let expected: Vec<&str> = model.iter().map(|slot| &*slot.json).collect();
    let written = serde_json::to_string(builder).expect("a message can be written");
    assert_eq!(written, format!("[{}]", expected.join(",")));
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut lists: Vec<String> = Vec::new();
    for text in elements() {
        let text = compact(&text);
        let node = json::read(text.as_bytes()).expect("an element is JSON");
        lists.push(
            node.member("MsgBody")
                .map_or_else(|| format!("[{text}]"), |list| list.raw.to_owned()),
        );
    }
    for (_, body) in payloads() {
        let body = compact(&body);
        let node = json::read(body.as_bytes()).expect("a payload is JSON");
        lists.extend(node.member("MsgBody").map(|list| list.raw.to_owned()));
    }
    let text = r#"{"MsgContent":{"Text":"core\ud800 e"},"MsgType":"TIMTextElem"}"#;
    for depth in [1, 2, 8, 9, 12] {
        let open =
            r#"[{"MsgType":"TIMRelayElem","MsgContent":{"Title":"t","AbstractList":["l"],"MsgList":[{"MsgBody":"#;
        lists.push(format!("{}[{text}]{}", open.repeat(depth), "}]}}]".repeat(depth)));
    }
    lists.extend([
        format!("[{text},{text} ,\n{text}]"),
        r#"[{"MsgType":"TIMNewElem","MsgContent":{"a" :[1e999,"x\"\\",{"b":"\u4f60"}],"c":"d"}},{"MsgType":"","MsgContent":""}]"#.into(),
        r#"[["TIMTextElem",{"Text":"x"}],{"MsgType":"TIMTextElem","MsgContent":["y"]},5,null]"#.into(),
        r#"[{"MsgType":"TIMRelayElem","MsgContent":{"AbstractList":"one","MsgList":[{"MsgBody":null},{"MsgSeq":"5","MsgId":7}]}}]"#.into(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "\"x\"".into(),
        "[1,".into(),
    ]);
    lists.sort();
    lists.dedup();
    let changes = [
        [0u8, 0xc0, 0x41, 0x80],
        [0xc0, 0x40, 0x00, 0xc0],
        [0x80, 0x81, 0x42, 0xc0],
    ];
    let seeds = lists.iter().zip(changes.iter().cycle());
    seeds
        .map(|(list, changes)| [changes, list.as_bytes()].concat())
        .collect()
}
