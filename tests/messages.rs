//! Message bodies: every element, bundles in bundles, crafted texts, moderation and rewriting.
#![allow(clippy::pedantic)]

use serde_json::{Value, json};
use tencent_im_callback::event::c2c::BeforeSendMsg;
use tencent_im_callback::event::group;
use tencent_im_callback::message::{MsgBody, MsgBodyBuilder, MsgElement, NoMessageError, TextElem};
use tencent_im_callback::moderation::{Finding, Incomplete, ModerateLayer, Place, Text};
use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
use tencent_im_callback::{Callback, Command, Event, EventRouter, Reply, testing};
use tower::{Layer, ServiceExt};

fn body(elements: &str) -> String {
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{elements}}}"#)
}

fn message(elements: &str) -> Callback<BeforeSendMsg> {
    testing::callback(&body(elements))
}

/// The texts that a message shows, without those that are joined.
fn shown(callback: &Callback<BeforeSendMsg>) -> Vec<String> {
    let shown = callback.shown();
    let pieces = shown.texts().filter(|text| text.place() != Place::Joined);
    pieces.map(|text| text.as_str().to_owned()).collect()
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

#[test]
fn every_documented_element_is_typed_and_comes_back_as_it_was() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/elements");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut before: Value = serde_json::from_str(&text).unwrap();
        let elements = match before.get("MsgBody") {
            Some(elements) => elements.to_string(),
            None => format!("[{text}]"),
        };
        let read: MsgBody = serde_json::from_str(&elements).unwrap();
        for element in &read {
            assert!(!matches!(element, MsgElement::Unknown(_)), "{path:?}");
            kinds.insert(element.msg_type().to_owned());
        }
        let callback = message(&elements);
        assert_eq!(callback.unknown_fields(), [""; 0], "{path:?}");
        // A quoted size is written unquoted.
        if let Some(size) = before.pointer_mut("/MsgContent/Size").filter(|size| size.is_string()) {
            *size = size.as_str().unwrap().parse::<i64>().unwrap().into();
        }
        let expected = before.get("MsgBody").cloned().unwrap_or_else(|| json!([before]));
        assert_eq!(serde_json::to_value(&read).unwrap(), expected, "{path:?}");
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

#[test]
fn coordinates_keep_their_digits() {
    let elements = r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"x","Latitude":29.3403400000000012,"Longitude":"116"}}]"#;
    let read = message(elements).event.msg_body;
    let MsgElement::Location(location) = &read[0] else { panic!() };
    assert_eq!(location.latitude.as_ref().unwrap().as_str(), "29.3403400000000012");
    assert_eq!(location.longitude.as_ref().unwrap().to_f64(), 116.0);
    assert!(
        serde_json::to_string(&read)
            .unwrap()
            .contains(r#""Latitude":29.3403400000000012,"Longitude":116"#)
    );
    for bad in ["\"x\"", "true", "{}", "1e999", "\"NaN\"", "\"\""] {
        let elements = elements.replace("\"116\"", bad);
        assert!(serde_json::from_str::<MsgBody>(&elements).is_err(), "{bad}");
    }
}

#[test]
fn a_stream_shows_its_pieces_and_what_old_clients_show() {
    let stream = include_str!("elements/TIMStreamElem.json");
    let texts = message(&format!("[{stream}]"));
    assert_eq!(shown(&texts), ["hello **world**", "hello world"]);
}

#[test]
fn a_lone_surrogate_hides_nothing() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"bad \ud800word\udfff"}},
        {"MsgContent":{"Deep":[{"Text":"hidden \udc00"}],"n":1e999},"MsgType":"TIMNewElem"},
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"\ud801","AbstractList":["a\ud802"],"MsgList":[
            {"From_Account":"x","MsgBody":[{"MsgContent":{"Text":"inner\ud803"},"MsgType":"TIMTextElem"}]}]}}
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
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"title","CompatibleText":"old","AbstractList":["l1","l2"],
            "MsgList":[{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"in"}},
                                   {"MsgType":"TIMCustomElem","MsgContent":{"Data":"inner data"}}]}]}},
        {"MsgType":"TIMNewElem","MsgContent":{"key":"va\"l\\ue","n":[1,"two",{"k" : "three"}],"e":"\u4f60"}}
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

#[test]
fn bundles_are_typed_to_six_levels_and_raw_below() {
    for depth in [1, 6, 7, 20, 100] {
        let callback = message(&bundles(depth));
        let body = &callback.event.msg_body;
        let mut level = 0;
        let mut at = body;
        while let MsgElement::Relay(bundle) = &at[0] {
            at = &bundle.msg_list.as_ref().unwrap()[0].msg_body;
            level += 1;
        }
        assert_eq!(level, depth.min(6));
        assert_eq!(matches!(at[0], MsgElement::Unknown(_)), depth > 6);
        // However deep, the text is seen.
        assert_eq!(shown(&callback), ["core"], "{depth}");
        assert_eq!(serde_json::to_string(body).unwrap(), bundles(depth));
    }
}

#[test]
fn ten_thousand_bundles_do_not_overflow_a_small_stack() {
    let work = || {
        for text in [
            bundles(10_000),
            format!(
                "[{{\"MsgType\":\"X\",\"MsgContent\":{}{}}}]",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
        ] {
            let callback = message(&text);
            let again = message(&text);
            assert_eq!(callback.event, again.event);
            let written = serde_json::to_string(&callback.event).unwrap();
            assert!(written.contains(&text));
            drop(shown(&callback));
            assert_eq!(callback.unknown_fields().len(), 1);
            drop((callback, again));
        }
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn an_element_that_does_not_fit_is_a_misfit_of_the_callback() {
    for elements in [
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":5}}]"#,
        r#"[{"MsgType":"TIMTextElem"}]"#,
        r#"[{"MsgContent":{"Text":"x"}}]"#,
        r#"[{"MsgType":"TIMTextElem","MsgContent":"x"}]"#,
        r#"["x"]"#,
        r#""x""#,
        r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":[]}}]}]}}]"#,
    ] {
        let event = tencent_im_callback::Event::parse_untyped(
            &tencent_im_callback::Command::C2cBeforeSendMsg,
            body(elements).into(),
        );
        let misfit = event.misfit().unwrap_or_else(|| panic!("{elements}"));
        assert!(misfit.path().starts_with("MsgBody"), "{elements}: {}", misfit.path());
    }
}

const MIXED: &str = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a bad word"}},{"MsgType":"TIMImageElem","MsgContent":{"UUID":"u","Brandnew":[1.50]},"Also":1},{"MsgType":"TIMTextElem","MsgContent":{"Text":"fine"}}]"#;

#[test]
fn a_rewrite_keeps_what_it_does_not_touch() {
    let callback = message(MIXED);
    let rude = MIXED.replace("bad", "damn");
    assert_eq!(polite(&rude).unwrap(), MIXED.replace("bad", "****"));
    let untouched = callback.rewrite_message().unwrap();
    assert_eq!(serde_json::to_string(&untouched).unwrap(), MIXED);

    let other = untouched
        .replace(0, TextElem::new("new"))
        .remove(1)
        .remove(7)
        .replace(9, TextElem::new("x"))
        .push(TextElem::new("end"));
    assert_eq!((other.len(), other.is_empty()), (3, false));
    let reply: Reply = BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(other)).into();
    let written: Value = serde_json::from_slice(reply.as_bytes()).unwrap();
    let texts: Vec<_> = written["MsgBody"]
        .as_array()
        .unwrap()
        .iter()
        .map(|element| element["MsgContent"]["Text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["new", "fine", "end"]);

    let none = testing::callback::<group::AfterGroupFull>(r#"{"GroupId":"g"}"#);
    assert_eq!(none.rewrite_message().unwrap_err(), NoMessageError);
    let fresh: MsgBodyBuilder = callback.event.msg_body.iter().cloned().collect();
    assert_eq!(fresh.len(), 3);
    assert_eq!(
        serde_json::to_string(&fresh).unwrap(),
        MIXED.replace(r#","Brandnew":[1.50]},"Also":1"#, "}")
    );
}

/// What is shown can be rewritten, in every kind of element, and nothing else.
#[test]
fn rewriting_reaches_all_that_reading_shows() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"damn","New":{"x":["damn"]}},"Beside":"damn"},
        {"MsgType":"TIMCustomElem","MsgContent":{"Desc":"damn desc","Data":"damn","Ext":"e","Sound":"damn.caf"}},
        {"MsgType":"TIMLocationElem","MsgContent":{"Desc":"damn place","Latitude":1.50,"Longitude":2}},
        {"MsgType":"TIMFaceElem","MsgContent":{"Index":6,"Data":"damn face"}},
        {"MsgType":"TIMFileElem","MsgContent":{"Url":"damn","UUID":"damn","FileName":"damn.txt"}},
        {"MsgType":"TIMImageElem","MsgContent":{"UUID":"damn","ImageInfoArray":[{"Type":1,"URL":"http://damn"}]}},
        {"MsgType":"TIMSoundElem","MsgContent":{"Url":"damn","UUID":"damn"}},
        {"MsgType":"TIMVideoFileElem","MsgContent":{"VideoUrl":"damn","VideoUUID":"damn","ThumbUUID":"damn","VideoFormat":"damn"}},
        {"MsgType":"TIMStreamElem","MsgContent":{"Chunks":[{"EventType":"damn","Markdown":"damn **x**"}],"CompatibleText":"damn x","StreamMsgID":"damn"}},
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"damn title","MsgNum":1,"CompatibleText":"damn old","AbstractList":["damn l1","l2"],
            "MsgList":[{"From_Account":"damn","GroupId":"damn","MsgId":"damn","CloudCustomData":"damn","MsgBody":[
                {"MsgType":"TIMTextElem","MsgContent":{"Text":"d\u0061mn in"}},
                {"MsgType":"TIMImageElem","MsgContent":{"UUID":"damn"}}]}],"JsonMsgKey":"damn"}},
        {"MsgType":"TIMNewElem","MsgContent":{"key":"damn \"x\"","n":[1e999,{"k" : "damn"}]}}
    ]"#;
    let json = polite(elements).unwrap();
    // Nothing else is changed.
    let compact = |json: &str| json.replace(['\n', ' '], "").replace("d\\u0061mn", "damn");
    assert_eq!(compact(&json.replace("****", "damn")), compact(elements));
    for hidden in
        ["Url", "UUID", "URL", "VideoUrl", "VideoFormat", "EventType", "StreamMsgID", "MsgId"]
    {
        assert!(!json.contains(&format!("\"{hidden}\":\"****")), "{hidden}");
    }
    assert_eq!(json.matches("****").count(), 17);
    assert!(json.contains(r#""Sound":"damn.caf""#));
}

#[test]
fn what_cannot_be_rewritten_is_rejected() {
    for (elements, is_allowed) in [
        (r#"[{"MsgType":"TIMNewElem","MsgContent":{"x":"damn"}}]"#, true),
        (r#"[{"MsgType":"TIMNewElem","MsgContent":{"damn":1,"x":"damn"}}]"#, false),
        (r#"[{"MsgType":"damn","MsgContent":5}]"#, false),
    ] {
        assert_eq!(polite(elements).is_some(), is_allowed, "{elements}");
    }
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
        let empty =
            r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":[]}],"MsgNum":1}}]"#;
        assert!(message(&whole.replace(core, empty)).event.msg_body.is_complete(), "{depth}");
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

/// Path, line and column are those of the body, down to the member.
#[test]
fn a_misfit_in_a_message_is_found_where_it_is() {
    let misfit = |elements: &str| {
        let body =
            format!("{{\"From_Account\":\"a\",\n \"To_Account\":\"b\",\n\"MsgBody\":{elements}}}");
        let event = Event::parse_untyped(&Command::C2cBeforeSendMsg, body.clone().into());
        let misfit = event.misfit().unwrap();
        let line = body.lines().nth(misfit.line() - 1).unwrap();
        let around = &line[..misfit.column().min(line.len())];
        (
            misfit.path().to_owned(),
            around.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect::<String>(),
        )
    };
    let good = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}"#;
    assert_eq!(
        misfit(&format!(
            "[{good},\n{{\"MsgType\":\"TIMTextElem\",\n\"MsgContent\":{{\"Text\":7}}}}]"
        )),
        ("MsgBody[1].MsgContent.Text".to_owned(), "t\":7".to_owned())
    );
    let bundled =
        r#"{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":[{"Size":1},{"Size":true}]}}"#;
    let bundle = format!(
        r#"[{good},{{"MsgType":"TIMRelayElem","MsgContent":{{"MsgList":[{{"MsgBody":[{bundled}]}}]}}}}]"#
    );
    let (path, around) = misfit(&bundle);
    assert_eq!(
        path,
        "MsgBody[1].MsgContent.MsgList[0].MsgBody[0].MsgContent.ImageInfoArray[1].Size"
    );
    assert!(around.contains("rue"), "{around}");
    assert_eq!(misfit(&format!("[{good},5]")).0, "MsgBody[1]");
    assert_eq!(misfit("5").0, "MsgBody");
}
