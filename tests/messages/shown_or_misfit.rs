//! Attacks by bodies that are made to hide a message from those who judge it.

use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use tencent_im_callback::event::c2c::BeforeSendMsg;
use tencent_im_callback::message::MsgElement;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Callback, Cause, Command, Event, Params, testing};

use crate::attack::{BEFORE, CANARY, Fate, body};
use crate::common::{Inner, layer, outcome, send, signed};

/// Those that ask about a message.
const ASK: [Command; 3] =
    [Command::C2cBeforeSendMsg, Command::GroupBeforeSendMsg, Command::OfficialAccountBeforeSendMsg];

/// The documented body of a command, with this (which is JSON) in the place of one of its members.
fn with(command: &Command, key: &str, json: &str) -> String {
    let mut members: serde_json::Map<String, Value> =
        serde_json::from_str(sample(command).unwrap()).unwrap();
    members.remove(key);
    let members = Value::from(members).to_string();
    format!("{},\"{key}\":{json}}}", members.strip_suffix('}').unwrap())
}

fn message(elements: &str) -> String {
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{elements}}}"#)
}

/// What a moderator is shown of a message, if he is asked at all.
fn shown(elements: &str) -> Option<Vec<String>> {
    let params = Params::trusted(crate::common::APP, BEFORE);
    let callback = Callback::parse_untyped(params, message(elements).into()).unwrap();
    match &callback.event {
        Event::C2cBeforeSendMsg(_) => Some(crate::common::shown(&callback)),
        other => {
            assert!(other.misfit().is_some(), "{other:?}");
            None
        }
    }
}

const TEXT: &str = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"canary-in-the-body"}}"#;

/// One element that cannot be read, beside, before or around the text that nobody shall see, or it
/// is that text itself.
const MISFITS: &[&str] = &[
    "[TEXT,5]",
    "[null,TEXT]",
    "[TEXT,{}]",
    r#"[TEXT,{"MsgType":"TIMTextElem"}]"#,
    r#"[TEXT,{"MsgContent":{"Text":"x"}}]"#,
    r#"[TEXT,{"MsgType":5,"MsgContent":{}}]"#,
    r#"[TEXT,{"MsgType":null,"MsgContent":{}}]"#,
    r#"[TEXT,{"MsgType":"TIMTextElem","MsgContent":{"Text":5}}]"#,
    r#"[TEXT,{"MsgType":"TIMTextElem","MsgContent":{"Text":["CANARY"]}}]"#,
    r#"[TEXT,{"MsgType":"TIMTextElem","MsgContent":"CANARY"}]"#,
    r#"[TEXT,{"MsgType":"TIMTextElem","MsgContent":null}]"#,
    r#"[TEXT,{"MsgType":"TIMLocationElem","MsgContent":{"Latitude":1e999}}]"#,
    r#"[TEXT,{"MsgType":"TIMFaceElem","MsgContent":{"Index":1e999}}]"#,
    r#"[TEXT,{"MsgType":"TIMFileElem","MsgContent":{"FileName":{}}}]"#,
    // Custom data of the wrong kind.
    r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":{"hidden":"CANARY"}}}]"#,
    r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":5,"Desc":"CANARY"}}]"#,
    // Names given twice: one program reads the first, another the last.
    r#"[{"MsgType":"TIMFaceElem","MsgType":"TIMTextElem","MsgContent":{"Text":"CANARY"}}]"#,
    r#"[{"MsgType":"TIMTextElem","MsgContent":{},"MsgContent":{"Text":"CANARY"}}]"#,
    r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"x","Text":"CANARY"}}]"#,
    r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"CANARY","\u0054ext":"x"}}]"#,
    r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"x","D\u0061ta":"CANARY"}}]"#,
    // No list of elements at all.
    "TEXT",
    r#""CANARY""#,
    "[[TEXT]]",
    "5",
];

/// The same in the content of a bundle.
const MISFIT_BUNDLES: &[&str] = &[
    r#"{"MsgList":[{"MsgBody":5}]}"#,
    r#"{"MsgList":[{"MsgBody":[TEXT,5]}]}"#,
    concat!(
        r#"{"MsgList":[{"MsgBody":[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":"#,
        r#"[{"MsgBody":[TEXT,{"MsgType":"TIMTextElem"}]}]}}]}]}"#
    ),
    r#"{"MsgList":[],"MsgList":[{"MsgBody":[TEXT]}]}"#,
    r#"{"MsgList":[{"MsgBody":[],"MsgBody":[TEXT]}]}"#,
    r#"{"AbstractList":["x",5],"Title":"CANARY"}"#,
];

#[tokio::test]
async fn a_misfit_element_does_not_carry_the_others_past_moderation() {
    let bundle = |content| format!(r#"[{{"MsgType":"TIMRelayElem","MsgContent":{content}}}]"#);
    let bundles = MISFIT_BUNDLES.iter().map(bundle);
    for elements in MISFITS.iter().map(ToString::to_string).chain(bundles) {
        let elements = elements.replace("TEXT", TEXT).replace("CANARY", CANARY);
        assert_eq!(shown(&elements), None, "{elements}");
        for command in &ASK {
            let fate = body(command.clone(), with(command, "MsgBody", &elements)).await;
            assert_eq!(fate, Fate::Failed(Cause::Misfit), "{command} {elements}");
        }
    }
}

#[tokio::test]
async fn a_message_cannot_stand_twice_in_a_body() {
    for command in &ASK {
        let text = format!("[{TEXT}]");
        for (first, second) in [("[]", &*text), (&*text, "[]"), (&*text, "null"), ("null", &*text)]
        {
            for again in ["MsgBody", r"\u004dsgBody", r"MsgBod\u0079"] {
                let text = with(command, "MsgBody", first);
                let text = format!("{},\"{again}\":{second}}}", text.strip_suffix('}').unwrap());
                assert_eq!(
                    body(command.clone(), text).await,
                    Fate::Failed(Cause::Misfit),
                    "{command} {again}"
                );
            }
        }
    }
}

#[tokio::test]
async fn custom_data_of_the_wrong_kind_is_a_misfit() {
    for command in &ASK {
        for data in [
            "5",
            "true",
            "[]",
            "{}",
            r#"["canary-in-the-body"]"#,
            r#"{"x":"canary-in-the-body"}"#,
            "1e999",
        ] {
            let text = with(command, "CloudCustomData", data);
            assert_eq!(
                body(command.clone(), text).await,
                Fate::Failed(Cause::Misfit),
                "{command} {data}"
            );
        }
    }
}

/// Half a character does not make the rest unreadable: it is replaced, the text is judged.
#[tokio::test]
async fn half_a_character_hides_no_text() {
    for (json, text) in [
        (r"\ud800bad\udfff", "\u{fffd}bad\u{fffd}"),
        (r"ba\udbff\u0064", "ba\u{fffd}d"),
        (r"\ud800\ud800\udc00bad", "\u{fffd}\u{10000}bad"),
        (r"\u0062\u0061\u0064", "bad"),
        (r"b\u0000ad", "b\0ad"),
    ] {
        for elements in [
            format!(r#"[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{json}"}}}}]"#),
            format!(r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":"{json}"}}}}]"#),
            format!(r#"[{{"MsgType":"TIMFileElem","MsgContent":{{"FileName":"{json}"}}}}]"#),
            format!(r#"[{{"MsgType":"New","MsgContent":["{json}"]}}]"#),
            format!(r#"[{{"MsgType":"TIMRelayElem","MsgContent":{{"Title":"{json}"}}}}]"#),
        ] {
            let mut texts = shown(&elements).unwrap();
            texts.retain(|text| text != "New");
            assert_eq!(texts, [text], "{elements}");
            let arrived = body(BEFORE, message(&elements)).await;
            assert_eq!(arrived.name(), "accepted", "{elements}");
        }
    }
}

/// What is shown of an element of unknown kind, without its kind and its keys.
fn values(element: &str) -> Vec<String> {
    let mut texts = shown(element).unwrap();
    // An empty kind is no text.
    if !element.contains(r#""MsgType":"","#) {
        texts.remove(0);
    }
    texts.retain(|text| !matches!(&**text, "Text" | "a" | "b" | "c" | "n" | "1e999" | "2"));
    texts
}

/// A kind in another spelling is another kind, and what is in an element of an unknown kind is
/// shown, all of it.
#[test]
fn text_in_an_element_of_unknown_kind_is_shown() {
    for kind in [
        "TIMNewElem",
        "timtextelem",
        "TIMTextElem ",
        "TIMTextElem\\u0000",
        "TIMTextE1em",
        "",
        "TIMT\\ud800extElem",
    ] {
        for content in [
            r#"{"Text":"canary-in-the-body"}"#,
            r#"["canary-in-the-body"]"#,
            r#""canary-in-the-body""#,
            r#"{"a":{"b":[[{"c":"canary-in-the-body"}]]}}"#,
            r#"{"n":1e999,"n":2,"Text":"canary\u002din-the-body"}"#,
            "{\"a\" :\n\"canary-in-the-body\"\t}",
        ] {
            let element = format!(r#"[{{"MsgType":"{kind}","MsgContent":{content}}}]"#);
            assert_eq!(values(&element), [CANARY], "{element}");
        }
        // Given twice, both are shown.
        let element =
            format!(r#"[{{"MsgType":"{kind}","MsgContent":{{"Text":"one","Text":"two"}}}}]"#);
        assert_eq!(values(&element), ["one", "two"]);
        // What looks like the end of a text, or like a key, is neither.
        let element =
            format!(r#"[{{"MsgType":"{kind}","MsgContent":["\\","a\": \"b","c\\\"]:"]}}]"#);
        assert_eq!(values(&element), ["\\", "a\": \"b", "c\\\"]:"]);
        // Its kind and its keys can be read as well.
        let element =
            format!(r#"[{{"MsgType":"{kind}","MsgContent":{{"{CANARY}":[{{"x":1}}]}}}}]"#);
        assert!(shown(&element).unwrap().ends_with(&[CANARY, "x", "1"].map(String::from)));
        let element = format!(r#"[{{"MsgType":"{kind} {CANARY}","MsgContent":{{}}}}]"#);
        assert!(shown(&element).unwrap()[0].ends_with(CANARY));
    }
    // The kind written in escapes is that kind.
    let element = TEXT.replace("TIMText", r"\u0054\u0049MText");
    let callback: Callback<BeforeSendMsg> = testing::callback(&message(&format!("[{element}]")));
    assert!(matches!(&callback.event.msg_body[0], MsgElement::Text(_)));
}

/// What stands beside `MsgContent` is shown as well; and such an element is among the unknown
/// fields.
#[test]
fn text_beside_the_content_of_an_element_is_shown() {
    for kind in ["TIMNewElem", "TIMTextElem", "TIMImageElem"] {
        for beside in
            [r#""MsgText":"canary-in-the-body""#, r#""MsgText":{"Url":["canary-in-the-body"]}"#]
        {
            for element in [
                format!(r#"[{{"MsgType":"{kind}","MsgContent":{{}},{beside}}}]"#),
                format!(r#"[{{{beside},"MsgContent":{{}},"MsgType":"{kind}"}}]"#),
            ] {
                assert!(shown(&element).unwrap().contains(&CANARY.to_owned()), "{element}");
                let callback: Callback<BeforeSendMsg> = testing::callback(&message(&element));
                let expected = if kind == "TIMNewElem" { "MsgBody[]" } else { "MsgBody[].MsgText" };
                assert_eq!(callback.unknown_fields(), [expected]);
            }
        }
    }
}

/// Bundles in bundles: the text is shown at whatever depth, and nothing is lost where they become
/// too deep to be typed.
#[tokio::test]
async fn a_bundle_in_a_bundle_hides_nothing() {
    for depth in [0, 1, 7, 8, 9, 10, 50, 1000] {
        let open = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#;
        let elements = format!("{}[{TEXT}]{}", open.repeat(depth), "}]}}]".repeat(depth));
        let texts = shown(&elements).unwrap();
        assert!(texts.iter().any(|text| text == CANARY), "{depth}");
        for command in &ASK {
            let fate = body(command.clone(), with(command, "MsgBody", &elements)).await;
            assert_eq!(fate.name(), "accepted", "{command} {depth}");
        }
    }
    // Below the depth that is typed, what stands in the place of an id or an address is shown
    // unless it is a plain string.
    for member in ["From_Account", "GroupId", "CloudCustomData"] {
        for value in [
            format!(r#"["{CANARY}"]"#),
            format!(r#"{{"x":"{CANARY}"}}"#),
            format!(r#"[["{CANARY}"]]"#),
        ] {
            let open = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#;
            let inner = format!(
                r#"[{{"MsgType":"TIMRelayElem","MsgContent":{{"MsgList":[
                    {{"{member}":{value}}}]}}}}]"#
            );
            let elements = format!("{}{inner}{}", open.repeat(9), "}]}}]".repeat(9));
            let texts = shown(&elements).unwrap();
            assert!(texts.iter().any(|text| text == CANARY), "{member} {value}");
        }
    }
}

/// A member that this version does not know, in an element that it does, is among the texts, and
/// among the unknown fields. Where an address or an id is known to stand, something else than a
/// string is none.
#[test]
fn text_in_a_new_member_of_a_known_element_is_shown() {
    for content in [
        r#"{"Text":"fine","RichText":"canary-in-the-body"}"#,
        r#"{"RichText":{"Url":"canary-in-the-body"},"Text":"fine"}"#,
        r#"{"Text":"fine","Data":["canary-in-the-body"]}"#,
    ] {
        let elements = format!(r#"[{{"MsgType":"TIMTextElem","MsgContent":{content}}}]"#);
        let mut texts = shown(&elements).unwrap();
        // The keys that this version does not know are shown as well.
        texts.retain(|text| !matches!(&**text, "RichText" | "Url" | "Data"));
        texts.sort();
        assert_eq!(texts, [CANARY, "fine"], "{elements}");
        let callback: Callback<BeforeSendMsg> = testing::callback(&message(&elements));
        assert_eq!(callback.unknown_fields().len(), 1);
    }
    let bundle = format!(
        r#"[{{"MsgType":"TIMRelayElem","MsgContent":{{"MsgList":[{{"New":"{CANARY}","MsgBody":[
            {{"MsgType":"TIMTextElem","MsgContent":{{"Text":"fine","New":"{CANARY}"}}}}]}}],
                "New":["{CANARY}"]}}}}]"#
    );
    let texts = shown(&bundle).unwrap();
    assert_eq!(texts.iter().filter(|text| *text == CANARY).count(), 3, "{texts:?}");
}

/// A message that is not there, or is called otherwise, cannot have been judged.
#[tokio::test]
async fn a_callback_about_a_message_that_carries_none_is_a_misfit() {
    for command in &ASK {
        let absent = with(command, "MsgBody", "[]").replace(",\"MsgBody\":[]", "");
        let renamed =
            with(command, "MsgBody", &format!("[{TEXT}]")).replace("\"MsgBody\"", "\"msgBody\"");
        for text in [absent, renamed, with(command, "MsgBody", "null")] {
            let fate = body(command.clone(), text).await;
            assert_eq!(fate, Fate::Failed(Cause::Misfit), "{command}");
        }
    }
}

/// A misfit does not become an `OK` by the kindness of a router without handlers, and what is
/// answered is what the host chose.
#[tokio::test]
async fn no_default_says_ok_to_what_could_not_be_read() {
    use tencent_im_callback::{EventRouter, OnError, OutcomeKind, Reply};

    for command in &ASK {
        let request = signed(command.clone()).body(with(command, "MsgBody", "5"));
        let response = send(&layer(), EventRouter::new(), request.build::<Full<Bytes>>()).await;
        assert_eq!(
            (response.status().as_u16(), outcome(&response).kind()),
            (500, OutcomeKind::Failed)
        );
        let refusing = layer().on_before_error(OnError::Reply(Reply::reject(1, "later")));
        let response = send(&refusing, Inner::default(), request.build::<Full<Bytes>>()).await;
        assert_eq!(outcome(&response).cause(), Some(Cause::Misfit));
        let answer = crate::common::text(response).await;
        assert_eq!(answer, r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"later"}"#);
    }
}
