//! A word is found however it is written, and innocent texts are allowed.

use tencent_im_callback::moderation::{Finding, Incomplete, Join, ModerateLayer, Text};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::{Command, EventRouter, Phase, Reply};
use tower::{Layer, ServiceExt};

use crate::{NEAR_JSON, answer, callback, element, judge, meaning, message, quoted, text};

#[tokio::test]
async fn near_json_hides_no_word_wherever_it_stands() {
    for near in NEAR_JSON {
        for word in ["spam", r"\u0073pam", r"sp\u0061m", r"\x73pam", r"\u{73}pam", r"\\u0073pam"] {
            let data = quoted(&near.replace("WORD", word));
            for place in [
                element("TIMCustomElem", &format!(r#"{{"Data":{data}}}"#)),
                element("TIMCustomElem", &format!(r#"{{"Ext":{data}}}"#)),
                element("TIMTextElem", &format!(r#"{{"Text":{data}}}"#)),
                element("TIMFaceElem", &format!(r#"{{"Index":1,"Data":{data}}}"#)),
                element("TIMNewElem", &format!(r#"{{"x":[{data}]}}"#)),
            ] {
                assert_eq!(meaning(std::slice::from_ref(&place)).await, Meaning::Reject, "{place}");
            }
            let body = format!(
                r#"{{"From_Account":"a","To_Account":"b","CloudCustomData":{data},"MsgBody":[
                    {}]}}"#,
                text("hello")
            );
            let found = answer(&Command::C2cBeforeSendMsg, body.clone()).await.0;
            assert_eq!(found, Meaning::Reject, "{body}");
        }
        let innocent = quoted(&near.replace("WORD", r"\u0068ello"));
        let custom = element("TIMCustomElem", &format!(r#"{{"Data":{innocent}}}"#));
        assert_eq!(meaning(&[custom]).await, Meaning::Allow, "{innocent}");
    }
}

#[tokio::test]
async fn escapes_are_decoded_eight_times_and_deeper_ones_are_rejected() {
    let mut escaped = r"\u0073pam".to_owned();
    let mut clean = r"\u0068ello".to_owned();
    for depth in 1..=12 {
        assert_eq!(meaning(&[text(&escaped)]).await, Meaning::Reject, "{depth}");
        let wanted = if depth <= 8 { Meaning::Allow } else { Meaning::Reject };
        assert_eq!(meaning(&[text(&clean)]).await, wanted, "{depth}");
        escaped = escaped.replace('\\', r"\\");
        clean = clean.replace('\\', r"\\");
    }
}

#[tokio::test]
async fn a_word_is_joined_over_what_shows_nothing() {
    let chunk = |text: &str| format!(r#"{{"EventType":"data","Markdown":{}}}"#, quoted(text));
    let stream = |chunks: &[&str]| {
        let chunks: Vec<_> = chunks.iter().map(|text| chunk(text)).collect();
        element(
            "TIMStreamElem",
            &format!(r#"{{"Chunks":[{}],"CompatibleText":"x"}}"#, chunks.join(",")),
        )
    };
    let custom = |data: &str| element("TIMCustomElem", &format!(r#"{{"Data":{}}}"#, quoted(data)));
    let face = |data: &str| element("TIMFaceElem", &format!(r#"{{"Data":{}}}"#, quoted(data)));
    let new = |data: &str| element("TIMNewElem", &format!(r#"{{"x":{}}}"#, quoted(data)));
    let kinds: [&dyn Fn(&str) -> String; 5] =
        [&text, &|text| stream(&[text]), &custom, &face, &new];
    let nothing = [
        text(""),
        custom(""),
        element("TIMCustomElem", "{}"),
        element("TIMCustomElem", r#"{"Data":"","Desc":"","Ext":"","Sound":""}"#),
        element("TIMFaceElem", "{}"),
        element("TIMNewElem", "{}"),
        element("TIMNewElem", "null"),
        element("TIMStreamElem", r#"{"Chunks":[]}"#),
        element("TIMImageElem", "{}"),
    ];
    for at in 1..4 {
        let (one, other) = "spam".split_at(at);
        assert_eq!(meaning(&[stream(&[one, other])]).await, Meaning::Reject, "{at}");
        assert_eq!(meaning(&[stream(&[one, "", other])]).await, Meaning::Reject, "{at}");
        for first in kinds {
            for second in kinds {
                let pair = [first(one), second(other)];
                assert_eq!(meaning(&pair).await, Meaning::Reject, "{pair:?}");
                let bundle = element(
                    "TIMRelayElem",
                    &format!(r#"{{"MsgList":[{{"MsgBody":[{}]}}]}}"#, pair.join(",")),
                );
                assert_eq!(meaning(&[bundle]).await, Meaning::Reject, "{pair:?}");
            }
        }
        for between in &nothing {
            let split = [text(one), between.clone(), between.clone(), text(other)];
            assert_eq!(meaning(&split).await, Meaning::Reject, "{split:?}");
        }
    }
    // An escape that is split.
    assert_eq!(meaning(&[text(r"\u00"), text("73pam")]).await, Meaning::Reject);
}

#[tokio::test]
async fn a_reader_sees_where_a_word_ends() {
    let between = [
        element("TIMImageElem", r#"{"UUID":"u","ImageFormat":1,"ImageInfoArray":[]}"#),
        element("TIMFaceElem", r#"{"Index":6}"#),
        element("TIMFaceElem", r#"{"Index":6,"Data":""}"#),
        element("TIMLocationElem", r#"{"Desc":"here","Latitude":1.5,"Longitude":2}"#),
        element("TIMFileElem", r#"{"Url":"u","FileName":"x.pdf"}"#),
        element("TIMSoundElem", r#"{"Url":"u"}"#),
        element("TIMVideoFileElem", r#"{"VideoUrl":"u"}"#),
        element("TIMRelayElem", r#"{"Title":"t","MsgList":[{"MsgBody":[]}]}"#),
    ];
    for picture in between {
        let split = [text("wasp"), picture.clone(), text("ammunition")];
        assert_eq!(meaning(&split).await, Meaning::Allow, "{picture}");
        let elements = message(&format!("[{}]", split.join(",")));
        let callback = callback(Command::C2cBeforeSendMsg, elements);
        let joined = callback.shown_joined(Join::Pictures);
        let is_found = joined.texts().any(|text| text.contains("spam"));
        assert_eq!(is_found, !picture.contains("TIMRelayElem"), "{picture}");
    }
}

#[tokio::test]
async fn innocent_texts_are_allowed() {
    for innocent in [
        r"C:\wasp\ammo\new\table",
        r"C:\grasp\bamboo",
        r"\\server\share\u\x",
        r"^\d+\s*[a-z]\\p{L}$",
        r"\alpha\beta \frac{1}{2}\nu\upsilon\xi",
        "c3BhbQ==",
        "\u{1f600}\u{fffd}",
        "{\"text\":\"cut off\\",
        r#"{"path":"C:\\wasp\\ammo"}"#,
        r#"{"a":"{\"b\":\"{\\\"c\\\":\\\"\\\\u4f60\\\"}\"}"}"#,
        "wasp ammunition",
        "s p a m",
        "WASP\nAMMO",
        "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\",
    ] {
        assert_eq!(meaning(&[text(innocent)]).await, Meaning::Allow, "{innocent}");
        let custom = element("TIMCustomElem", &format!(r#"{{"Data":{}}}"#, quoted(innocent)));
        assert_eq!(meaning(&[custom]).await, Meaning::Allow, "{innocent}");
    }
    let cut = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"so \ud83d"}}"#;
    assert_eq!(meaning(&[cut.to_owned()]).await, Meaning::Allow);
    // Every body that the vendor documents.
    for command in Command::ALL.iter().filter(|command| command.phase() == Phase::Before) {
        let body = tencent_im_callback::testing::sample(command).unwrap();
        let layer = ModerateLayer::new(judge).layer(EventRouter::new().allow_unhandled());
        let reply = layer.oneshot(callback(command.clone(), body)).await.unwrap();
        assert_eq!(Meaning::of(command, 200, reply.as_bytes()), Meaning::Allow, "{command}");
    }
}

#[tokio::test]
async fn forms_of_a_word_are_the_word() {
    for word in [
        "SPAM",
        "sp\u{200b}am",
        "s\u{ad}pam",
        "\u{ff53}\u{ff50}\u{ff41}\u{ff4d}",
        "sp\u{fffd}am",
        "sp\u{2063}am",
        r"sp\u200bam",
        r"\uff33pam",
    ] {
        assert_eq!(meaning(&[text(word)]).await, Meaning::Reject, "{word:?}");
        let (first, rest) = word.split_at(word.chars().next().unwrap().len_utf8());
        assert_eq!(meaning(&[text(first), text(rest)]).await, Meaning::Reject, "{word:?}");
    }
    let broken = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"sp\ud800am"}}"#;
    assert_eq!(meaning(&[broken.to_owned()]).await, Meaning::Reject);
}

#[tokio::test]
async fn what_is_incomplete_is_rejected_unless_it_is_allowed() {
    let bundle = |content: &str| element("TIMRelayElem", content);
    let inner = bundle(r#"{"MsgNum":5}"#);
    let mut deep = inner.clone();
    for _ in 0..8 {
        deep = bundle(&format!(r#"{{"MsgList":[{{"MsgBody":[{deep}]}}]}}"#));
    }
    for incomplete in [
        bundle(r#"{"Title":"x","MsgNum":5}"#),
        bundle(r#"{"MsgNum":5,"MsgList":[]}"#),
        bundle(r#"{"MsgNum":"5","MsgList":[]}"#),
        bundle(r#"{"MsgNum":2,"MsgList":[{"MsgBody":[]}]}"#),
        bundle(r#"{"Title":"x","JsonMsgKey":"k"}"#),
        element("TIMNewElem", r#"{"JsonMsgKey":"k"}"#),
        deep,
    ] {
        assert_eq!(
            meaning(std::slice::from_ref(&incomplete)).await,
            Meaning::Reject,
            "{incomplete}"
        );
        let layer = ModerateLayer::new(judge).allow_incomplete(Incomplete::Bundle);
        let service = layer.layer(EventRouter::new());
        let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{incomplete}]")));
        assert_eq!(service.oneshot(callback).await.unwrap(), Reply::ok(), "{incomplete}");
    }
    for complete in [
        bundle(r#"{"Title":"x","MsgNum":0}"#),
        bundle(r#"{"MsgNum":1,"MsgList":[{"MsgBody":[]}],"JsonMsgKey":""}"#),
    ] {
        assert_eq!(meaning(std::slice::from_ref(&complete)).await, Meaning::Allow, "{complete}");
    }
    let mut broken = message(&format!("[{}]", text("hello"))).into_bytes();
    let at = broken.windows(5).position(|bytes| bytes == b"hello").unwrap();
    broken[at] = 0xff;
    assert_eq!(answer(&Command::C2cBeforeSendMsg, broken).await.0, Meaning::Reject);
    // What cannot be read at all.
    for body in ["", "{", "[]", r#"{"MsgBody":5}"#] {
        assert_eq!(answer(&Command::C2cBeforeSendMsg, body).await.0, Meaning::Reject, "{body}");
    }
}

#[tokio::test]
async fn unknown_members_hide_neither_keys_nor_numbers() {
    for shown in [
        element("TIMNewElem", r#"{"spam":1}"#),
        element("TIMNewElem", r#"{"a":{"b":[{"spam":null}]}}"#),
        element("TIMspamElem", "{}"),
        element("TIMTextElem", r#"{"Text":"x","New":{"spam":true}}"#),
        element("TIMTextElem", r#"{"Text":"x","spam":1}"#),
        r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"},"Beside":"spam"}"#.to_owned(),
        element("TIMRelayElem", r#"{"New":"spam"}"#),
        element("TIMRelayElem", r#"{"MsgList":[{"MsgBody":[],"New":["spam"]}]}"#),
        element("TIMRelayElem", r#"{"MsgList":[{"MsgBody":[],"CloudCustomData":"spam"}]}"#),
        element("TIMRelayElem", r#"{"AbstractList":["x","spam"]}"#),
    ] {
        assert_eq!(meaning(std::slice::from_ref(&shown)).await, Meaning::Reject, "{shown}");
    }
    let phone = |text: &Text<'_>| {
        if text.contains("13800138000") { Finding::Reject } else { Finding::Allow }
    };
    for (content, is_found) in [
        (r#"{"tel":13800138000}"#, true),
        (r#"[1,2, 13800138000]"#, true),
        (r#"{"tel":1380013800}"#, false),
    ] {
        let body = message(&format!("[{}]", element("TIMNewElem", content)));
        let router = EventRouter::new().moderate(phone);
        let reply = router.oneshot(callback(Command::C2cBeforeSendMsg, body)).await.unwrap();
        assert_eq!(reply != Reply::ok(), is_found, "{content}");
    }
}

#[tokio::test]
async fn two_kinds_below_the_depth_that_is_typed_hide_nothing() {
    let two = concat!(
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":"spam","Text":"spam"},"#,
        r#""MsgType":"TIMTextElem"}"#
    );
    let two_files =
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":"spam"},"MsgType":"TIMTextElem"}"#;
    let escaped =
        r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":"spam"},"Msg\u0054ype":"TIMNewElem"}"#;
    for inner in [two, two_files, escaped] {
        let mut elements = inner.to_owned();
        for depth in 0..9 {
            assert_eq!(
                meaning(std::slice::from_ref(&elements)).await,
                Meaning::Reject,
                "{depth} {inner}"
            );
            elements =
                element("TIMRelayElem", &format!(r#"{{"MsgList":[{{"MsgBody":[{elements}]}}]}}"#));
        }
    }
}
