//! What moderation lets through, and what it does not.
#![allow(clippy::pedantic)]

mod generated;
mod hidden;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tencent_im_callback::event::c2c;
use tencent_im_callback::moderation::{
    Edit, Finding, Findings, Incomplete, Join, ModerateLayer, Place, Shown, Text,
};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::reply::{self, Meaning, Rewrite};
use tencent_im_callback::{
    Callback, Command, Disposition, EventRouter, HandlerError, Params, Phase, Reply,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

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

async fn answer(command: &Command, body: impl Into<bytes::Bytes>) -> (Meaning, Reply) {
    let router = EventRouter::new().moderate(judge);
    let reply = router.oneshot(callback(command.clone(), body)).await.unwrap();
    (Meaning::of(command, 200, reply.as_bytes()), reply)
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
                r#"{{"From_Account":"a","To_Account":"b","CloudCustomData":{data},"MsgBody":[{}]}}"#,
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
    let two = r#"{"MsgType":"TIMFileElem","MsgContent":{"Url":"spam","Text":"spam"},"MsgType":"TIMTextElem"}"#;
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

#[tokio::test]
async fn names_and_friend_requests_are_judged_and_cannot_be_rewritten() {
    for (command, body) in [
        (
            Command::GroupBeforeCreateGroup,
            r#"{"Operator_Account":"a","Type":"Public","Name":"WORD"}"#,
        ),
        (
            Command::GroupBeforeCreateTopic,
            r#"{"Operator_Account":"a","Type":"Community","Name":"WORD"}"#,
        ),
        (
            Command::OfficialAccountBeforeCreateOfficialAccount,
            r#"{"Operator_Account":"a","Owner_Account":"a","Name":"WORD"}"#,
        ),
        (
            Command::GroupBeforeApplyJoinGroup,
            r#"{"GroupId":"g","Type":"Public","Requestor_Account":"a","ApplyMsg":"WORD"}"#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","AddWording":"WORD"}]}"#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","Remark":"WORD"},{"To_Account":"c"}]}"#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","GroupName":"WORD"}]}"#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","New":["WORD"]}]}"#,
        ),
        (
            Command::SnsPrevFriendResponse,
            r#"{"From_Account":"a","ResponseFriendItem":[{"To_Account":"b","TagName":"WORD"}]}"#,
        ),
        (
            Command::SnsPrevFriendResponse,
            r#"{"From_Account":"a","ResponseFriendItem":[{"To_Account":"b","Remark":"WORD"}]}"#,
        ),
        (
            Command::GroupBeforeSendMsg,
            r#"{"GroupId":"g","From_Account":"a","CloudCustomData":"WORD","MsgBody":[]}"#,
        ),
        (
            Command::OfficialAccountBeforeSendMsg,
            r#"{"Official_Account":"a","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"WORD"}}]}"#,
        ),
    ] {
        for (word, wanted) in
            [("hello", Meaning::Allow), ("spam", Meaning::Reject), ("damn", Meaning::Reject)]
        {
            let (found, reply) = answer(&command, body.replace("WORD", word)).await;
            let is_message = word == "damn" && body.contains("MsgBody");
            let wanted = if is_message { Meaning::Rewrite } else { wanted };
            assert_eq!(found, wanted, "{command} {body} {word} {reply}");
        }
    }
}

#[tokio::test]
async fn a_rewrite_changes_the_word_and_nothing_else() {
    let elements = r#"[{"MsgContent":{"Text":"damn","Big":123456789012345678901234567890,"F":1.50e+3 ,"New":{"a" : 1,"a":2}},"MsgType":"TIMTextElem"},{"MsgType":"New","MsgContent":{"x":["\ud83d","d\u0061mn"]}},{"MsgType":"TIMFileElem","MsgContent":{"Url":"damn","FileName":"damn.txt"}}]"#;
    let body =
        message(elements).replace("\"MsgBody\"", "\"CloudCustomData\":\"damn it\",\"MsgBody\"");
    let (_, reply) = answer(&Command::C2cBeforeSendMsg, body).await;
    let wanted = elements
        .replace(r#""Text":"damn""#, r#""Text":"****""#)
        .replace(r"d\u0061mn", "****")
        .replace("damn.txt", "****.txt");
    let reply = reply.to_string();
    assert!(reply.contains(&format!("\"MsgBody\":{wanted}")), "{reply}");
    assert!(reply.contains(r#""CloudCustomData":"**** it""#), "{reply}");
    // Only the custom data is new.
    let body = message("[]").replace("\"MsgBody\"", "\"CloudCustomData\":\"damn\",\"MsgBody\"");
    let (_, reply) = answer(&Command::C2cBeforeSendMsg, body).await;
    assert!(!reply.to_string().contains("MsgBody"), "{reply}");
}

#[tokio::test]
async fn what_cannot_be_rewritten_is_rejected() {
    for elements in [
        vec![text("da"), text("mn")],
        vec![text("d\u{200b}amn")],
        vec![text("DAMN")],
        vec![text(r"d\u0061mn")],
        vec![text("damn"), text("DAMN")],
        vec![element("TIMNewElem", r#"{"damn":1}"#)],
        vec![element("TIMdamnElem", "{}")],
    ] {
        assert_eq!(meaning(&elements).await, Meaning::Reject, "{elements:?}");
    }
    // A judge that replaces a word by itself.
    let again = |text: &Text<'_>| {
        if text.contains("damn") { Finding::Replace("damn you".into()) } else { Finding::Allow }
    };
    let body = message(&format!("[{}]", text("damn")));
    let reply = EventRouter::new()
        .moderate(again)
        .oneshot(callback(Command::C2cBeforeSendMsg, body))
        .await
        .unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

#[tokio::test]
async fn the_handler_of_the_event_is_asked_after_the_judge() {
    let calls = Arc::new(AtomicUsize::new(0));
    let router = |reply: BeforeSendMsgReply| {
        let calls = calls.clone();
        EventRouter::new().moderate(judge).on(move |_: Callback<c2c::BeforeSendMsg>| {
            calls.fetch_add(1, Ordering::SeqCst);
            std::future::ready(reply.clone())
        })
    };
    let own = Rewrite::new().cloud_custom_data("mine");
    for (said, reply, wanted, called) in [
        ("spam", BeforeSendMsgReply::allow(), Meaning::Reject, 0),
        ("hello", BeforeSendMsgReply::allow(), Meaning::Allow, 1),
        ("hello", BeforeSendMsgReply::discard(), Meaning::Discard, 1),
        ("hello", BeforeSendMsgReply::allow_rewritten(own.clone()), Meaning::Rewrite, 1),
        ("damn", BeforeSendMsgReply::allow(), Meaning::Rewrite, 1),
        ("damn", BeforeSendMsgReply::reject(), Meaning::Reject, 1),
        ("damn", BeforeSendMsgReply::discard(), Meaning::Discard, 1),
        ("damn", BeforeSendMsgReply::allow_rewritten(own), Meaning::Reject, 1),
    ] {
        calls.store(0, Ordering::SeqCst);
        let body = message(&format!("[{}]", text(said)));
        let callback = callback(Command::C2cBeforeSendMsg, body);
        let answered = router(reply).oneshot(callback).await.unwrap();
        let found = Meaning::of(&Command::C2cBeforeSendMsg, 200, answered.as_bytes());
        assert_eq!((found, calls.load(Ordering::SeqCst)), (wanted, called), "{said} {answered}");
    }
    // A reply that is no verdict would let the original pass.
    let service = ModerateLayer::new(judge)
        .layer(service_fn(async |_: Callback| Ok::<_, Infallible>(Reply::fail("busy"))));
    let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text("damn"))));
    assert_eq!(service.oneshot(callback).await.unwrap(), Reply::reject(1, ""));
}

#[tokio::test]
async fn what_nobody_writes_in_is_not_judged_and_not_allowed() {
    let router = EventRouter::new().moderate(judge);
    let invite = r#"{"GroupId":"g","Operator_Account":"a","DestinationMembers":[]}"#;
    let invite = callback(Command::GroupBeforeInviteJoinGroup, invite);
    assert!(router.clone().oneshot(invite).await.is_err());
    let after = tencent_im_callback::testing::sample(&Command::SnsFriendDelete).unwrap();
    let after = callback(Command::SnsFriendDelete, after);
    let reply = router.oneshot(after).await.unwrap();
    assert_eq!(reply.disposition(), Disposition::Unhandled);
}

#[tokio::test]
async fn codes_and_texts_of_rejections_are_those_of_the_user() {
    let layer = ModerateLayer::new(judge)
        .reject_c2c_with(reply::c2c::RejectCode::of::<120_001>(), "one")
        .reject_group_with(reply::group::RejectCode::of::<10_100>(), "two")
        .reject_official_account_with(reply::official_account::RejectCode::of::<120_002>(), "three")
        .reject_friend_request_with(reply::sns::RejectCode::of::<38_001>(), "four");
    let router = EventRouter::new().moderate_with(layer);
    let said = format!("[{}]", text("spam"));
    for (command, body, wanted) in [
        (Command::C2cBeforeSendMsg, message(&said), r#""ErrorCode":120001,"ErrorInfo":"one""#),
        (
            Command::GroupBeforeSendMsg,
            format!(r#"{{"GroupId":"g","MsgBody":{said}}}"#),
            r#""ErrorCode":10100,"ErrorInfo":"two""#,
        ),
        (
            Command::GroupBeforeCreateTopic,
            r#"{"Operator_Account":"a","Name":"spam"}"#.to_owned(),
            r#""ErrorCode":10100,"ErrorInfo":"two""#,
        ),
        (
            Command::OfficialAccountBeforeSendMsg,
            format!(r#"{{"Official_Account":"o","MsgBody":{said}}}"#),
            r#""ErrorCode":120002,"ErrorInfo":"three""#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","Remark":"spam"}]}"#.to_owned(),
            r#""To_Account":"b","ResultCode":38001,"ResultInfo":"four""#,
        ),
    ] {
        let reply = router.clone().oneshot(callback(command.clone(), body)).await.unwrap();
        assert!(reply.to_string().contains(wanted), "{command} {reply}");
    }
}

#[tokio::test]
async fn edits_are_reported_and_go_on() {
    let edits = Arc::new(Mutex::new(Vec::new()));
    let seen = edits.clone();
    let layer = ModerateLayer::new(judge).on_edit(move |edit: Edit| {
        let words: Vec<_> = edit.shown.texts().map(|text| text.as_str().to_owned()).collect();
        let sender = edit.shown.sender().unwrap().to_string();
        seen.lock().unwrap().push((edit.callback.command().clone(), sender, words));
        std::future::ready(())
    });
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let router =
        EventRouter::new().moderate_with(layer).on(move |_: Callback<c2c::AfterModifyMsg>| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        });
    for command in [Command::C2cAfterModifyMsg, Command::GroupAfterModifyMsg] {
        for word in ["hello", "damn", "sp\u{200b}am"] {
            let body = format!(
                r#"{{"Operator_Account":"e","From_Account":"a","To_Account":"b","GroupId":"g","MsgSeq":1,"MsgRandom":1,"MsgTime":1,"MsgKey":"k","EventTime":1,"MsgBody":[{}]}}"#,
                text(word)
            );
            let reply = router.clone().oneshot(callback(command.clone(), body)).await.unwrap();
            assert_eq!(reply, Reply::ok());
        }
    }
    let edits = edits.lock().unwrap();
    let words: Vec<_> = edits.iter().map(|(_, sender, words)| (&**sender, &*words[0])).collect();
    assert_eq!(words, [("e", "damn"), ("e", "sp\u{200b}am")].repeat(2));
    assert_eq!(handled.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_async_judge_sees_all_at_once() {
    async fn ask(shown: Arc<Shown>) -> Result<Findings, HandlerError> {
        tokio::task::yield_now().await;
        assert_eq!(shown.sender().unwrap(), "a");
        assert_eq!(shown.group().unwrap(), "g");
        assert_eq!((shown.sdk_app_id().0, shown.command()), (1, &Command::GroupBeforeSendMsg));
        if shown.texts().any(|text| text.contains("error")) {
            return Err(HandlerError::new("no answer"));
        }
        Ok(shown.judge(judge))
    }

    let router = EventRouter::new().moderate(ask);
    let ask = async |said: &str| {
        let body = format!(
            r#"{{"GroupId":"g","From_Account":"a","MsgBody":[{},{}]}}"#,
            text("x"),
            text(said)
        );
        let callback = callback(Command::GroupBeforeSendMsg, body);
        let reply = router.clone().oneshot(callback).await?;
        Ok::<_, HandlerError>(Meaning::of(&Command::GroupBeforeSendMsg, 200, reply.as_bytes()))
    };
    assert_eq!(ask("hello").await.unwrap(), Meaning::Allow);
    assert_eq!(ask("spam").await.unwrap(), Meaning::Reject);
    assert_eq!(ask("damn").await.unwrap(), Meaning::Rewrite);
    assert!(ask("error").await.is_err());
    // A text without a finding was not judged.
    let none = |_: Arc<Shown>| std::future::ready(std::iter::empty().collect::<Findings>());
    let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text("hello"))));
    let reply = EventRouter::new().moderate(none).oneshot(callback).await.unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

#[tokio::test]
async fn the_inner_service_is_only_made_ready_for_what_the_judge_allows() {
    let (mock, mut handle) = tower_test::mock::pair::<Callback, Reply>();
    handle.allow(0);
    // The mock's error cannot be displayed.
    let mock =
        ServiceBuilder::new().map_err(|error| HandlerError::new(format!("{error}"))).service(mock);
    let mut service = ModerateLayer::new(judge).layer(mock);
    let said =
        |said: &str| callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text(said))));
    let mut ready = task::spawn(());
    ready.enter(|cx, _| assert!(service.poll_ready(cx).is_ready()));
    let mut rejected = task::spawn(service.call(said("spam")));
    assert_eq!(assert_ready!(rejected.poll()).unwrap(), Reply::reject(1, ""));
    let mut allowed = task::spawn(service.call(said("hello")));
    assert_pending!(allowed.poll());
    handle.allow(1);
    assert_pending!(allowed.poll());
    let (_, answer) = handle.next_request().await.unwrap();
    answer.send_response(Reply::ok());
    assert_eq!(assert_ready!(allowed.poll()).unwrap(), Reply::ok());
}

#[test]
fn places_say_where_a_text_stands() {
    let body = format!(
        r#"{{"From_Account":"a","To_Account":"b","CloudCustomData":"c","New":"n","MsgBody":[{},{}]}}"#,
        text("t"),
        element("TIMCustomElem", r#"{"Data":"d"}"#)
    );
    let callback = callback(Command::C2cBeforeSendMsg, body);
    let shown = callback.shown();
    let texts: Vec<_> =
        shown.texts().map(|text| (text.as_str().to_owned(), text.place())).collect();
    let place = |text: &str, place| (text.to_owned(), place);
    assert_eq!(
        texts,
        [
            place("c", Place::CustomData),
            place("New", Place::Member),
            place("n", Place::Member),
            place("t", Place::Message),
            place("d", Place::CustomData),
            place("td", Place::Joined),
        ]
    );
    assert!(!format!("{shown:?}{:?}", shown.texts().next()).contains("\"c\""));
}

/// Nothing is read twice for each level, or kept in many times the memory of a body.
#[test]
fn what_is_deep_or_grows_is_bounded() {
    const SIZE: usize = 1 << 14;
    let bundles = |inner: &str| {
        let open = r#"{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":["#;
        let depth = SIZE / 100;
        format!("{}{inner}{}", open.repeat(depth), r#"],"New":"x"}]}}"#.repeat(depth))
    };
    for elements in [
        text(&"\u{fdfa}".repeat(SIZE / 3)),
        text(&format!(r"\u005c{}", "u005c".repeat(SIZE / 5))),
        text(&r"\u{".repeat(SIZE / 3)),
        text(&"\\".repeat(SIZE / 2)),
        element("New", &format!("{}{}", "[".repeat(SIZE / 2), "]".repeat(SIZE / 2))),
        element("New", &format!("[{}1]", "1,".repeat(SIZE / 2))),
        element("New", &format!("[{}1]", r#""a","#.repeat(SIZE / 4))),
        bundles(&text("x")),
    ] {
        let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{elements}]")));
        let used = allocation_counter::measure(|| {
            drop(callback.shown().judge(judge));
        });
        let times = used.bytes_max as f64 / callback.body.len() as f64;
        let start: String = elements.chars().take(60).collect();
        println!("{start}: {times:.1}");
        assert!(times <= 16.0, "{start}: {times:.1}");
    }
}
