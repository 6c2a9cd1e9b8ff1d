//! Message bodies: every element, bundles in bundles, crafted texts, moderation and rewriting.
#![allow(clippy::pedantic)]

use serde_json::{Value, json};
use tencent_im_callback::event::c2c::BeforeSendMsg;
use tencent_im_callback::event::group;
use tencent_im_callback::message::{
    FaceElem, MsgBody, MsgBodyBuilder, MsgElement, NoMessageError, TextElem, strings_of,
};
use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
use tencent_im_callback::{Callback, Command, Event, Reply, testing};

fn body(elements: &str) -> String {
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{elements}}}"#)
}

fn message(elements: &str) -> Callback<BeforeSendMsg> {
    testing::callback(&body(elements))
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
    assert_eq!(texts.event.msg_body.texts(), ["hello **world**", "hello world"]);
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
    assert_eq!(
        callback.event.msg_body.texts(),
        [
            format!("bad {replaced}word{replaced}"),
            "TIMNewElem".to_owned(),
            "Deep".to_owned(),
            "Text".to_owned(),
            format!("hidden {replaced}"),
            "n".to_owned(),
            replaced.to_string(),
            format!("a{replaced}"),
            format!("inner{replaced}"),
        ]
    );
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
    let body = message(elements).event.msg_body;
    let seen = [
        "one",
        "place",
        "name",
        "title",
        "old",
        "l1",
        "l2",
        "in",
        "TIMNewElem",
        "key",
        "va\"l\\ue",
        "n",
        "two",
        "k",
        "three",
        "e",
        "你",
    ];
    assert_eq!(body.texts(), seen);
    let with_custom = body.texts_and_custom();
    assert_eq!(with_custom.len(), seen.len() + 4);
    for custom in ["desc", "data", "ext", "inner data"] {
        assert!(with_custom.iter().any(|text| text == custom), "{custom}");
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

#[test]
fn bundles_are_typed_to_six_levels_and_raw_below() {
    for depth in [1, 6, 7, 20, 100] {
        let body = message(&bundles(depth)).event.msg_body;
        let mut level = 0;
        let mut at = &body;
        while let MsgElement::Relay(bundle) = &at[0] {
            at = &bundle.msg_list.as_ref().unwrap()[0].msg_body;
            level += 1;
        }
        assert_eq!(level, depth.min(6));
        assert_eq!(matches!(at[0], MsgElement::Unknown(_)), depth > 6);
        // However deep, the text is seen (and below the sixth level, so are the kinds).
        assert!(body.texts().iter().any(|text| text == "core"), "{depth}");
        assert_eq!(serde_json::to_string(&body).unwrap(), bundles(depth));
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
            drop(callback.event.msg_body.texts());
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
    let rewritten = callback
        .rewrite_message()
        .unwrap()
        .map_texts(|text| text.contains("bad").then(|| text.replace("bad", "***")));
    assert_eq!(serde_json::to_string(&rewritten).unwrap(), MIXED.replace("bad", "***"));
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
        serde_json::to_string(&fresh.map_texts(|_| Some("x".into())))
            .unwrap()
            .matches(r#""Text":"x""#)
            .count(),
        2
    );
}

/// What is read can be rewritten: everything that `texts()` shows, in every kind of element, and
/// nothing else.
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
    let callback = message(elements);
    let polite = |text: &str| text.contains("damn").then(|| text.replace("damn", "****"));
    let rewritten = callback.rewrite_message().unwrap().map_texts(polite);
    assert!(rewritten.unchanged().is_empty());
    assert!(rewritten.texts().iter().all(|text| !text.contains("damn")), "{:?}", rewritten.texts());
    assert_eq!(rewritten.texts().iter().filter(|text| text.contains("****")).count(), 14);
    // Nothing else is changed.
    let json = serde_json::to_string(&rewritten).unwrap();
    let back = json.replace("****", "damn");
    let compact = |json: &str| json.replace(['\n', ' '], "").replace("d\\u0061mn", "damn");
    assert_eq!(compact(&back), compact(elements));
    assert_eq!(json.matches("damn").count(), elements.matches("damn").count() - 13);
    // Custom data only where it is asked for.
    let custom = callback.rewrite_message().unwrap().map_texts_and_custom(polite);
    let json = serde_json::to_string(&custom).unwrap();
    for changed in [r#""Data":"****""#, r#""Desc":"**** desc""#, r#""CloudCustomData":"****""#] {
        assert!(json.contains(changed), "{changed}: {json}");
    }
    assert!(json.contains(r#""Sound":"damn.caf""#));
}

#[test]
fn what_cannot_be_rewritten_is_told() {
    let elements = r#"[{"MsgType":"TIMNewElem","MsgContent":{"damn":1,"x":"damn"}},{"MsgType":"damn","MsgContent":5}]"#;
    let rewritten = message(elements)
        .rewrite_message()
        .unwrap()
        .map_texts(|text| Some(text.replace("damn", "****")));
    assert_eq!(rewritten.unchanged(), ["damn", "damn"]);
    assert_eq!(rewritten.texts(), ["TIMNewElem", "damn", "x", "****", "damn"]);
}

#[test]
fn a_word_cut_in_two_and_what_is_quoted_can_be_found() {
    let elements = r#"[
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"da"}},
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"mn"}},
        {"MsgType":"TIMFaceElem","MsgContent":{"Index":6}},
        {"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}
    ]"#;
    assert_eq!(message(elements).event.msg_body.joined_texts(), ["damn", "x"]);
    let quoted = r#"{"messageReply":{"messageAbstract":"damn \ud800","messageSender":"a"}}"#;
    assert_eq!(strings_of(quoted), ["damn \u{fffd}", "a"]);
    assert_eq!(strings_of("damn"), ["damn"]);
    // A client may show a number as well.
    assert_eq!(strings_of("13800138000"), ["13800138000"]);
    assert_eq!(
        strings_of(r#"{"1":[-1.5e3,{"tel":13800138000}],"x":null}"#),
        ["-1.5e3", "13800138000"]
    );
}

/// PHP's `json_encode` escapes Chinese, and an attacker anything.
#[test]
fn escapes_in_custom_data_hide_nothing() {
    let custom = |data: &str| {
        let data = serde_json::to_string(data).unwrap();
        message(&format!(r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":{data}}}}}]"#))
    };
    let once = r#"{"text":"\u0064amn"}"#;
    let twice = serde_json::json!({ "kind": 1, "data": once }).to_string();
    for (data, decoded) in [
        (once, vec!["damn"]),
        (&twice, vec![once, "damn", "1"]),
        (r#"{"text":"damn"}"#, vec![]),
        (r"\u0064amn, which is no JSON", vec![]),
    ] {
        let callback = custom(data);
        let mut found = callback.event.msg_body.texts_and_custom();
        assert_eq!(found.remove(0), data);
        assert_eq!(found, decoded, "{data}");
        assert!(callback.event.msg_body.texts().is_empty());
    }
    assert_eq!(strings_of(&twice), [once, "damn", "1"]);
    // However deep it lies: clients have no limit of 128.
    let deep = format!("{}{once}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(custom(&deep).event.msg_body.texts_and_custom(), [deep.as_str(), "damn"]);

    // What could not be rewritten can be found.
    let rewritten = custom(&twice)
        .rewrite_message()
        .unwrap()
        .map_texts_and_custom(|text| Some(text.replace("damn", "****")));
    assert!(rewritten.texts_and_custom().contains(&"damn".to_owned()));
    assert_eq!(rewritten.unchanged(), ["damn"]);
    let cut = message(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"da"}},{"MsgType":"TIMFaceElem","MsgContent":{}}]"#,
    );
    let cut = cut.rewrite_message().unwrap().replace(1, TextElem::new("mn"));
    assert_eq!(cut.joined_texts(), ["damn"]);
    assert_eq!(
        cut.push(FaceElem::default()).push(TextElem::new("x")).joined_texts(),
        ["damn", "x"]
    );
}

/// Each level of nesting doubles the escapes, and only a few are decoded.
#[test]
fn nested_custom_data_is_decoded_a_few_times_only() {
    let mut data = r#"["\u0064amn"]"#.to_owned();
    for _ in 0..10 {
        data = serde_json::to_string(&[data]).unwrap();
    }
    let found = strings_of(&data);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|text| text != "damn"));
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
    assert!(!is_complete(
        r#"{"MsgList":[{"MsgBody":[{"MsgType":"TIMRelayElem","MsgContent":{"JsonMsgKey":"k"}}]}]}"#
    ));
}

/// Bundles below the sixth are raw, and are looked into nevertheless.
#[test]
fn a_bundle_that_is_not_here_says_so_at_any_depth() {
    let core = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"core"}}]"#;
    let absent = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"Title":"t","Json\u004dsgKey":"k"}}]"#;
    for depth in [1, 5, 6, 7, 20] {
        let whole = bundles(depth);
        assert!(message(&whole).event.msg_body.is_complete(), "{depth}");
        let part = whole.replace(core, absent);
        assert!(!message(&part).event.msg_body.is_complete(), "{depth}");
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
        let body = message(&bundles(7).replace(core, &format!("[{element}]")));
        assert!(body.event.msg_body.texts().iter().any(|text| text == "damn"), "{element}");
        let rewritten =
            body.rewrite_message().unwrap().map_texts(|text| (text == "damn").then(String::new));
        assert!(!serde_json::to_string(&rewritten).unwrap().contains("damn"), "{element}");
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
