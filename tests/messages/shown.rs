//! What a message shows to moderation: texts, quotes, bundles, custom data.

use tencent_im_callback::event::c2c::BeforeSendMsg;
use tencent_im_callback::moderation::{Incomplete, Place};
use tencent_im_callback::{Callback, testing};

use crate::common::shown;
use crate::{body, bundles, message, polite};

#[test]
fn a_lone_surrogate_hides_nothing() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"bad \ud800word\udfff"}},
        {"MsgContent":{"Deep":[{"Text":"hidden \udc00"}],"n":1e999},"MsgType":"TIMNewElem"},
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"\ud801","AbstractList":["a\ud802"],
            "MsgList":[
            {"From_Account":"x","MsgBody":[{"MsgContent":{"Text":"inner\ud803"},
                "MsgType":"TIMTextElem"}]}]}}
    ]"#;
    let whole = body(elements)
        .replacen('{', r#"{"CloudCustomData":"c\ud804",""#, 1)
        .replace(",\"\"From", ",\"From");
    let callback: Callback<BeforeSendMsg> = testing::callback(&whole);
    let replaced = char::REPLACEMENT_CHARACTER;
    let mut texts = shown(&callback);
    texts.sort();
    let mut wanted = [
        format!("bad {replaced}word{replaced}"),
        "TIMNewElem".to_owned(),
        "Deep".to_owned(),
        "Text".to_owned(),
        format!("hidden {replaced}"),
        "n".to_owned(),
        "1e999".to_owned(),
        replaced.to_string(),
        format!("a{replaced}"),
        format!("inner{replaced}"),
        format!("c{replaced}"),
    ];
    wanted.sort();
    assert_eq!(texts, wanted);
    assert_eq!(callback.event.cloud_custom_data.as_deref(), Some(format!("c{replaced}").as_str()));
    assert_eq!(callback.unknown_fields(), ["MsgBody[]"]);
}

#[test]
fn texts_are_all_that_a_reader_sees() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"one"}},
        {"MsgType":"TIMCustomElem","MsgContent":{"Desc":"desc","Data":"data","Ext":"ext"}},
        {"MsgType":"TIMLocationElem","MsgContent":{"Desc":"place","Latitude":1,"Longitude":2}},
        {"MsgType":"TIMFileElem","MsgContent":{"FileName":"name"}},
        {"MsgType":"TIMImageElem","MsgContent":{"UUID":"u"}},
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"title","CompatibleText":"old",
            "AbstractList":["l1","l2"],
            "MsgList":[{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"in"}},
                                   {"MsgType":"TIMCustomElem",
                                       "MsgContent":{"Data":"inner data"}}]}]}},
        {"MsgType":"TIMNewElem","MsgContent":{"key":"va\"l\\ue","n":[1,"two",{"k" : "three"}],
            "e":"\u4f60"}}
    ]"#;
    let seen = [
        "one",
        "desc",
        "data",
        "ext",
        "place",
        "name",
        "title",
        "old",
        "l1",
        "l2",
        "in",
        "inner data",
        "TIMNewElem",
        "key",
        "va\"l\\ue",
        "n",
        "1",
        "two",
        "k",
        "three",
        "e",
        "你",
    ];
    assert_eq!(shown(&message(elements)), seen);
}

#[test]
fn a_word_cut_in_two_and_what_is_quoted_can_be_found() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"da"}},
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"mn"}},
        {"MsgType":"TIMFaceElem","MsgContent":{"Index":6}},
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}
    ]"#;
    let shown = message(elements).shown();
    let joined = shown.texts().filter(|text| text.place() == Place::Joined);
    assert_eq!(joined.map(|text| text.as_str().to_owned()).collect::<Vec<_>>(), ["damn"]);
    let quoted = r#"{"messageReply":{"messageAbstract":"damn \ud800","tel":13800138000}}"#;
    let quoted = serde_json::to_string(quoted).unwrap();
    let body =
        body("[]").replace("\"MsgBody\"", &format!("\"CloudCustomData\":{quoted},\"MsgBody\""));
    let shown = testing::callback::<BeforeSendMsg>(&body).shown();
    for word in ["damn \u{fffd}", "13800138000"] {
        assert!(shown.texts().any(|text| text.contains(word)), "{word}");
    }
}

/// PHP's `json_encode` escapes Chinese, and an attacker anything.
#[test]
fn escapes_in_custom_data_hide_nothing() {
    let custom = |data: &str| {
        let data = serde_json::to_string(data).unwrap();
        format!(r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":{data}}}}}]"#)
    };
    let once = r#"{"text":"\u0064amn"}"#;
    let twice = serde_json::json!({ "kind": 1, "data": once }).to_string();
    // However deep it lies: clients have no limit of 128.
    let deep = format!("{}{once}{}", "[".repeat(10_000), "]".repeat(10_000));
    for data in [once, &twice, r"\u0064amn, which is no JSON", &deep] {
        let callback = message(&custom(data));
        assert_eq!(shown(&callback), [data]);
        let shown = callback.shown();
        assert!(shown.texts().all(|text| text.contains("damn")), "{data}");
        // It cannot be rewritten.
        assert_eq!(polite(&custom(data)), None, "{data}");
    }
    assert!(polite(&custom(r#"{"text":"damn"}"#)).unwrap().contains("****"));
}

/// Each level of nesting doubles the escapes, and only a few are decoded.
#[test]
fn nested_custom_data_is_decoded_a_few_times_only() {
    let mut data = r#"["\u0064amn"]"#.to_owned();
    for _ in 0..10 {
        data = serde_json::to_string(&[data]).unwrap();
    }
    let data = serde_json::to_string(&data).unwrap();
    let callback =
        message(&format!(r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":{data}}}}}]"#));
    let shown = callback.shown();
    assert!(shown.is_complete());
    assert_eq!(shown.texts().map(|text| text.forms().count()).collect::<Vec<_>>(), [9]);
    assert_eq!(shown.incomplete().collect::<Vec<_>>(), [Incomplete::EscapesTooDeep]);
}

/// Tencent leaves out what was forwarded if it is over 12 KB: nobody can judge that.
#[test]
fn a_bundle_that_is_not_here_says_so() {
    let is_complete = |content: &str| {
        let body = message(&format!(r#"[{{"MsgType":"TIMRelayElem","MsgContent":{content}}}]"#))
            .event
            .msg_body;
        body.is_complete()
    };
    assert!(!is_complete(r#"{"Title":"x","JsonMsgKey":"k"}"#));
    assert!(!is_complete(r#"{"Title":"x","MsgList":[],"JsonMsgKey":"k"}"#));
    assert!(is_complete(r#"{"Title":"x","MsgList":[],"JsonMsgKey":""}"#));
    assert!(is_complete(r#"{"Title":"x"}"#));
    assert!(!is_complete(r#"{"Title":"x","MsgNum":5}"#));
    assert!(!is_complete(r#"{"MsgNum":5,"MsgList":[]}"#));
    assert!(!is_complete(r#"{"MsgNum":2,"MsgList":[{"MsgBody":[]}]}"#));
    assert!(is_complete(r#"{"MsgNum":1,"MsgList":[{"MsgBody":[]}]}"#));
    assert!(!is_complete(
        r#"{"MsgList":[{"MsgBody":[{"MsgType":"TIMRelayElem","MsgContent":{"JsonMsgKey":"k"}}]}]}"#
    ));
}

/// Bundles below the sixth are raw, and are looked into nevertheless.
#[test]
fn a_bundle_that_is_not_here_says_so_at_any_depth() {
    let core = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"core"}}]"#;
    let absent = [
        r#"{"Title":"t","Json\u004dsgKey":"k"}"#,
        r#"{"MsgNum":5}"#,
        r#"{"MsgNum":1,"MsgList":[]}"#,
        r#"{"MsgNum":2,"MsgList":[{"MsgBody":[]}]}"#,
        r#"{"MsgList":[{"MsgBody":[]}],"MsgNum":"2"}"#,
    ];
    for depth in [1, 5, 6, 7, 20] {
        let whole = bundles(depth);
        assert!(message(&whole).event.msg_body.is_complete(), "{depth}");
        for content in absent {
            let absent = format!(r#"[{{"MsgType":"TIMRelayElem","MsgContent":{content}}}]"#);
            let part = whole.replace(core, &absent);
            assert!(!message(&part).event.msg_body.is_complete(), "{depth} {content}");
        }
        for content in [
            r#"{"MsgList":[{"MsgBody":[]}],"MsgNum":1}"#,
            r#"{"MsgNum":2,"MsgList":[{"MsgBody":[]},{"MsgBody":[]}],"JsonMsgKey":""}"#,
        ] {
            let here = format!(r#"[{{"MsgType":"TIMRelayElem","MsgContent":{content}}}]"#);
            let whole = whole.replace(core, &here);
            assert!(message(&whole).event.msg_body.is_complete(), "{depth} {content}");
        }
    }
}

/// A member is left out if it is an id or an address, and these are strings: in a list there may be
/// anything.
#[test]
fn a_list_in_the_place_of_an_id_hides_nothing() {
    let core = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"core"}}]"#;
    for element in [
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":["damn"]}}"#,
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":[["damn"]]}}"#,
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":[{"x":1},"damn"]}}"#,
        r#"{"MsgType":"TIMCustomElem","MsgContent":{"Data":["damn"]}}"#,
        r#"{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"From_Account":["damn"]}]}}"#,
    ] {
        let elements = bundles(7).replace(core, &format!("[{element}]"));
        assert!(shown(&message(&elements)).contains(&"damn".to_owned()), "{element}");
        assert!(!polite(&elements).unwrap().contains("damn"), "{element}");
    }
}
