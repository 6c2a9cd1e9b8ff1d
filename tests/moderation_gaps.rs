//! What no other test of moderation asked, found by mutants.
#![allow(clippy::pedantic)]

use std::sync::{Arc, Mutex};

use tencent_im_callback::moderation::{
    Edit, Finding, Findings, Incomplete, Join, ModerateLayer, Place, Shown, Text,
};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::{Callback, Command, EventRouter, Params, Reply};
use tower::{Layer, ServiceExt};

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

fn message(elements: &[String]) -> Callback {
    let elements = elements.join(",");
    let body = format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":[{elements}]}}"#);
    callback(Command::C2cBeforeSendMsg, body)
}

async fn answer(callback: Callback) -> (Meaning, Reply) {
    let command = callback.command().clone();
    let reply = EventRouter::new().moderate(judge).oneshot(callback).await.unwrap();
    (Meaning::of(&command, 200, reply.as_bytes()), reply)
}

fn element(kind: &str, content: &str) -> String {
    format!(r#"{{"MsgType":"{kind}","MsgContent":{content}}}"#)
}

fn text(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    element("TIMTextElem", &format!(r#"{{"Text":{text}}}"#))
}

/// All texts that are shown of these elements.
fn shown(elements: &[String]) -> Vec<(String, Place)> {
    let shown = message(elements).shown();
    shown.texts().map(|text| (text.as_str().to_owned(), text.place())).collect()
}

const IMAGE: &str = r#"{"UUID":"u","ImageFormat":1,"ImageInfoArray":
        [{"Type":1,"Size":2,"Width":3,"Height":4,"URL":"u"}]}"#;
const SOUND: &str = r#"{"Url":"u","UUID":"u","Size":1,"Second":2,"Download_Flag":2}"#;
const VIDEO: &str = r#"{"VideoUrl":"u","VideoUUID":"u","VideoSize":1,"VideoSecond":2,
        "VideoFormat":"mp4","VideoDownloadFlag":2,"ThumbUrl":"u","ThumbUUID":"u","ThumbSize":1,
        "ThumbWidth":1,"ThumbHeight":1,"ThumbFormat":"JPG","ThumbDownloadFlag":2}"#;
const BUNDLE: &str = r#"{"Title":"t","MsgNum":1,"AbstractList":["p","q"],"CompatibleText":"c",
        "MsgList":[{"From_Account":"a","To_Account":"a","GroupId":"g","MsgId":"m","MsgSeq":1,
        "MsgRandom":2,"MsgTimeStamp":3,"CloudCustomData":"d","MsgBody":[{"MsgType":"TIMTextElem",
        "MsgContent":{"Text":"z"}}]}],"JsonMsgKey":"k"}"#;

/// Each documented member, and nothing but what a reader sees. A text more is a false alarm, or
/// an address that a rewrite breaks; a text less hides a word.
#[test]
fn of_each_kind_exactly_what_a_reader_sees_is_shown() {
    use Place::{CustomData, Joined, Message};
    for (kind, content, wanted) in [
        ("TIMTextElem", r#"{"Text":"x"}"#, vec![("x", Message)]),
        ("TIMLocationElem", r#"{"Desc":"x","Latitude":1.5,"Longitude":2}"#, vec![("x", Message)]),
        ("TIMFaceElem", r#"{"Index":6,"Data":"x"}"#, vec![("x", Message)]),
        ("TIMFaceElem", r#"{"Index":"6"}"#, vec![("6", Message)]),
        (
            "TIMCustomElem",
            r#"{"Data":"x","Desc":"y","Ext":"z","Sound":"u"}"#,
            vec![("x", CustomData), ("y", CustomData), ("z", CustomData), ("xyz", Joined)],
        ),
        ("TIMSoundElem", SOUND, vec![]),
        (
            "TIMFileElem",
            r#"{"Url":"u","UUID":"u","FileSize":1,"FileName":"x","Download_Flag":2}"#,
            vec![("x", Message)],
        ),
        ("TIMImageElem", IMAGE, vec![]),
        ("TIMVideoFileElem", VIDEO, vec![]),
        (
            "TIMStreamElem",
            r#"{"StreamMsgID":"m","CompatibleText":"x","Chunks":[
                {"EventType":"data","Index":1,"IsLast":1,"Markdown":"y"}]}"#,
            vec![("x", Message), ("y", Message)],
        ),
        (
            "TIMRelayElem",
            BUNDLE,
            vec![
                ("t", Message),
                ("p", Message),
                ("q", Message),
                ("c", Message),
                ("d", CustomData),
                ("z", Message),
            ],
        ),
        (
            "TIMNewElem",
            r#"{"k":[1, 2]}"#,
            vec![("TIMNewElem", Message), ("k", Message), ("1, 2", Message)],
        ),
    ] {
        let wanted: Vec<_> =
            wanted.into_iter().map(|(text, place)| (text.to_owned(), place)).collect();
        assert_eq!(shown(&[element(kind, content)]), wanted, "{kind}");
        // Behind a bundle, the kinds of the outer list are still known.
        let bundle = element("TIMRelayElem", r#"{"MsgList":[{"MsgBody":[]}]}"#);
        assert_eq!(shown(&[bundle, element(kind, content)]), wanted, "{kind}");
    }
    assert!(message(&[]).shown().is_empty());
    assert!(!message(&[text("x")]).shown().is_empty());
}

#[tokio::test]
async fn what_stands_behind_a_split_word_does_not_hide_it() {
    let picture = element("TIMImageElem", r#"{"UUID":"u"}"#);
    let empty = element("TIMImageElem", r#"{"UUID":"","ImageInfoArray":[]}"#);
    let face = element("TIMFaceElem", r#"{"Index":6,"New":"am"}"#);
    for split in [
        vec![text("sp"), text("am"), picture.clone()],
        vec![text("x"), picture.clone(), text("sp"), text("am"), picture],
        vec![text("sp"), empty, text("am")],
        vec![text("sp"), face],
    ] {
        assert_eq!(answer(message(&split)).await.0, Meaning::Reject, "{split:?}");
    }
}

/// A client that shows no custom elements shows the texts side by side.
#[test]
fn texts_are_joined_with_and_without_what_stands_between() {
    let custom = element("TIMCustomElem", r#"{"Data":"_"}"#);
    let split = message(&[text("sp"), custom, text("am")]);
    let joined = |join| {
        let shown = split.shown_joined(join);
        let joined = shown.texts().filter(|text| text.place() == Place::Joined);
        joined.map(|text| text.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(joined(Join::Nothing), ["sp_am"]);
    assert_eq!(joined(Join::Pictures), ["sp_am", "spam"]);
    for other in [text("y"), element("TIMCustomElem", r#"{"Data":"_"}"#)] {
        assert_eq!(message(&[text("x"), other]).shown_joined(Join::Pictures).len(), 3);
    }
}

/// Otherwise the custom data that was replaced would be sent as it came.
#[tokio::test]
async fn custom_data_behind_the_message_is_rewritten() {
    let body = format!(
        r#"{{"From_Account":"a","To_Account":"b","MsgBody":[{}],"CloudCustomData":"damn"}}"#,
        text("x")
    );
    let (meaning, reply) = answer(callback(Command::C2cBeforeSendMsg, body)).await;
    assert_eq!(meaning, Meaning::Rewrite);
    assert!(reply.to_string().contains(r#""CloudCustomData":"****""#), "{reply}");
    assert!(!reply.to_string().contains("MsgBody"), "{reply}");
}

#[tokio::test]
async fn a_count_that_is_none_promises_more_than_there_is() {
    let bundle = |count: &str| {
        message(&[element("TIMRelayElem", &format!(r#"{{"MsgNum":{count},"MsgList":[]}}"#))])
    };
    for count in [r#""five""#, "true", "[5]", r#"{"n":5}"#, r#"5,"MsgNum":0"#, "0.5", "1e1"] {
        let shown = bundle(count).shown();
        assert!(shown.incomplete().any(|one| one == Incomplete::Bundle), "{count}");
        assert_eq!(answer(bundle(count)).await.0, Meaning::Reject, "{count}");
    }
    for count in ["null", r#""""#, "0", r#""0""#, "-1"] {
        assert!(bundle(count).shown().is_complete(), "{count}");
    }
}

#[tokio::test]
async fn escapes_of_every_sort_are_too_deep_alike() {
    for escape in [r"\u0068", r"\x68", r"\u{68}", r"\U00000068"] {
        let deep = escape.replace('\\', &r"\".repeat(256));
        for said in [format!("{deep}ello"), deep] {
            let (meaning, _) = answer(message(&[text(&said)])).await;
            assert_eq!(meaning, Meaning::Reject, "{escape}");
        }
    }
}

/// The room counts what the forms take, decoded and folded ones.
#[test]
fn forms_that_take_more_than_their_room_are_incomplete() {
    let forms = |said: &str, pad: usize| {
        let pad = "a".repeat(pad);
        let body =
            format!(r#"{{"From_Account":"{pad}","To_Account":"b","MsgBody":[{}]}}"#, text(said));
        let shown = callback(Command::C2cBeforeSendMsg, body).shown();
        for text in shown.texts() {
            assert!(!text.contains("spam"));
        }
        shown.incomplete().collect::<Vec<_>>()
    };
    // Eight levels, each as long as the text, and capitals, so that each is folded as well.
    let capitals = "A".repeat(6000);
    let levels = format!("{}u0041{capitals}", r"\".repeat(128));
    for pad in [0, 400] {
        assert_eq!(forms(&levels, pad), [Incomplete::TooLong], "{pad}");
    }
    // NFKC makes it eleven times as long, once for the text and once for what is decoded.
    let grows = format!(r"{}\u0061", "\u{fdfa}".repeat(2000));
    assert_eq!(forms(&grows, 0), [Incomplete::TooLong]);
    assert_eq!(forms(&format!(r"{}\u0041", "A".repeat(6000)), 0), []);
    assert_eq!(forms(&"\u{fdfa}".repeat(2000), 0), []);
}

#[test]
fn a_word_that_is_folded_is_found_only_where_it_is() {
    let callback = message(&[text("red packet")]);
    let shown = callback.shown();
    let text = shown.texts().next().unwrap();
    assert!(text.contains("RED Packet"));
    assert!(!text.contains("SPAM"));
    assert!(!text.contains("\u{200b}"));
}

/// An id inside of the message, or of a person in a list, is not that of its sender.
#[test]
fn who_wrote_it_is_no_word_of_theirs() {
    let forged = element("TIMNewElem", r#"{"From_Account":"forged","GroupId":"forged"}"#);
    let body = format!(r#"{{"MsgBody":[{forged}],"From_Account":"a","GroupId":12}}"#);
    let shown = callback(Command::GroupBeforeSendMsg, body).shown();
    assert_eq!(shown.sender().unwrap(), "a");
    assert_eq!(shown.group().unwrap(), "12");
    let body = format!(r#"{{"MsgBody":[{forged}],"From_Account":"","GroupId":null}}"#);
    let shown = callback(Command::GroupBeforeSendMsg, body).shown();
    assert_eq!((shown.sender(), shown.group()), (None, None));
}

/// Of an edit that is incomplete, the host hears whatever the judge finds.
#[tokio::test]
async fn the_hook_gets_edits_that_are_incomplete_and_all_findings() {
    let edits = Arc::new(Mutex::new(Vec::new()));
    let seen = edits.clone();
    let layer = ModerateLayer::new(judge).on_edit(move |edit: Edit| {
        let findings: Vec<Finding> = edit.findings.iter().cloned().collect();
        assert_eq!((&edit.findings).into_iter().count(), findings.len());
        seen.lock().unwrap().push((findings, edit.shown.is_complete()));
        std::future::ready(())
    });
    let service = layer.layer(EventRouter::new());
    let bundle = element("TIMRelayElem", r#"{"MsgNum":5}"#);
    for elements in [bundle, format!("{},{}", text("x"), text("damn"))] {
        let body = format!(
            r#"{{"Operator_Account":"e","From_Account":"a","To_Account":"b","MsgSeq":1,
            "MsgRandom":1,"MsgTime":1,"MsgKey":"k","EventTime":1,"MsgBody":[{elements}]}}"#
        );
        let edit = callback(Command::C2cAfterModifyMsg, body);
        assert_eq!(service.clone().oneshot(edit).await.unwrap(), Reply::ok());
    }
    let replace = |text: &str| Finding::Replace(text.to_owned());
    let wanted = vec![Finding::Allow, replace("****"), replace("x****")];
    assert_eq!(*edits.lock().unwrap(), [(vec![], false), (wanted, true)]);
}

/// Being incomplete is no excuse for what is there, nor is it a verdict on what cannot be read.
#[tokio::test]
async fn what_is_tolerated_is_judged_and_not_answered_by_the_router() {
    let router = |ask: fn(&Text<'_>) -> Finding| {
        EventRouter::new()
            .moderate_with(ModerateLayer::new(ask).allow_incomplete(Incomplete::Unreadable))
    };
    let broken =
        |word| callback(Command::C2cBeforeSendMsg, format!(r#"{{"MsgBody":5,"New":"{word}"}}"#));
    assert_eq!(router(judge).oneshot(broken("spam")).await.unwrap(), Reply::reject(1, ""));
    assert!(router(judge).oneshot(broken("hello")).await.is_err());
    // A judge of all texts at once: a replacement of all of them rejects.
    let all =
        |_: Arc<Shown>| std::future::ready(Findings::from(Finding::Replace("****".to_owned())));
    let reply = EventRouter::new().moderate(all).oneshot(message(&[text("x")])).await.unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

/// The body of a callback is public. What is judged is what stands there now, whichever was parsed.
#[test]
fn a_body_that_was_replaced_is_judged() {
    let came = message(&[text("fine")]);
    let mut replaced = came.clone();
    replaced.body = message(&[text("spam")]).body;
    assert_eq!(came.body.len(), replaced.body.len());
    assert!(replaced.shown().texts().any(|text| text.contains("spam")));
    // In the same place, but shorter.
    let mut cut = came.clone();
    cut.body = came.body.slice(..came.body.len() - "fine\"}}]}".len());
    assert!(cut.shown().texts().all(|text| !text.contains("fine")));
    assert!(came.shown().texts().any(|text| text.contains("fine")));
}

/// However many are allowed before one is replaced.
#[test]
fn each_of_many_texts_has_its_finding() {
    for allowed in [0, 1, 7, 8, 9, 30] {
        let image = element("TIMImageElem", r#"{"UUID":"u"}"#);
        let mut elements = vec![format!("{},{image}", text("x")); allowed];
        let shown = message(&elements).shown();
        assert_eq!(shown.len(), allowed);
        let all = vec![Finding::Allow; allowed];
        assert!(shown.judge(judge).iter().eq(&all), "{allowed}");
        elements.extend([text("damn"), image.clone(), text("x")]);
        let replaced = [Finding::Replace("****".to_owned()), Finding::Allow];
        let findings = message(&elements).shown().judge(judge);
        assert!(findings.iter().eq(all.iter().chain(&replaced)), "{allowed}");
        elements.push(text("spam"));
        let findings = message(&elements).shown().judge(judge);
        assert_eq!(findings, Findings::from(Finding::Reject), "{allowed}");
    }
}

/// A word is found as it is and folded, in the text as written and in its folded form, whatever
/// stands before and behind it.
#[test]
fn a_word_is_found_in_either_form() {
    let long = "\u{4eca}\u{5929}, Tomorrow! ".repeat(50);
    for (written, word, is_there) in [
        ("Spam", "spam", true),
        ("Spam", "Spam", true),
        ("Spam", "SPAM", true),
        ("Spam", "spa m", false),
        // The accent makes another letter of it, but only in the folded form.
        ("e\u{301}", "e", true),
        ("e\u{301}", "\u{e9}", true),
        ("\u{ff33}\u{ff30}", "sp", true),
        ("\u{ff33}\u{ff30}", "\u{ff33}", true),
        ("\u{4f60}\u{597d}\u{ff0c}", "\u{597d},", true),
        ("\u{4f60}\u{597d}\u{ff0c}", "\u{597d}\u{ff0c}", true),
        ("s\u{200b}p", "sp", true),
        ("s\u{200b}p", "s\u{200b}p", true),
        ("s\u{3000}p", "s p", true),
        ("\u{3400}\u{4dff}\u{ff5e}\u{3002}", "\u{4dff}~\u{3002}", true),
        ("\u{3001}\u{3003}", "\u{3001}", true),
        // Only as written: this one is decoded further on.
        (r"a\u0041", r"\u0041", true),
    ] {
        for (before, behind) in [("", ""), (&*long, ""), ("", &*long), (&*long, &*long)] {
            let callback = message(&[text(&format!("{before}{written}{behind}"))]);
            let found = callback.shown().texts().any(|text| text.contains(word));
            assert_eq!(found, is_there, "{written:?} {word:?}");
        }
    }
}

/// What is not built as a message is has no elements: its words are shown, and nothing is joined.
#[test]
fn lists_and_objects_in_each_others_place_are_shown() {
    use Place::{CustomData, Member};
    let shown = |body: &str| -> Vec<(String, Place)> {
        let shown = callback(Command::C2cBeforeSendMsg, body.to_owned()).shown();
        shown.texts().map(|text| (text.as_str().to_owned(), text.place())).collect()
    };
    let wanted = [("sp", CustomData), ("am", CustomData)].map(|(text, at)| (text.to_owned(), at));
    assert_eq!(shown(r#"{"MsgBody":[["sp"],["am"]]}"#), wanted);
    let wanted = [("a", Member), ("x", Member), ("y", Member)].map(|(text, at)| (text.into(), at));
    assert_eq!(shown(r#"{"MsgBody":{"a":"x"},"Name":"y"}"#), wanted);
}

/// An element that does not begin with its kind, or has two, changes nothing for those around it.
#[test]
fn elements_beside_an_unusual_one_are_read_as_usual() {
    let late = r#"{"MsgContent":{"UUID":"spam"},"MsgType":"TIMImageElem"}"#.to_owned();
    let bundle =
        element("TIMRelayElem", &format!(r#"{{"MsgNum":1,"MsgList":[{{"MsgBody":[{late}]}}]}}"#));
    assert_eq!(shown(&[bundle.clone(), late.clone()]), []);
    assert_eq!(shown(&[late.clone(), bundle, late.clone()]), []);
    let two = r#"{"MsgType":"TIMImageElem","MsgType":"TIMImageElem"}"#.to_owned();
    for elements in [[two.clone(), text("spam")], [late + "," + &two, text("spam")]] {
        assert!(shown(&elements).contains(&("spam".to_owned(), Place::Message)), "{elements:?}");
    }
}

/// A newer client shows a member that this version does not know, an older one leaves it out. What
/// an unknown element contains stands between the texts around it.
#[test]
fn a_word_is_joined_with_and_without_what_is_not_known() {
    let beside = element("TIMTextElem", r#"{"Text":"sp","New":"x"}"#);
    let alone = shown(std::slice::from_ref(&beside));
    assert!(alone.iter().map(|(text, _)| &**text).eq(["sp", "New", "x", "spx"]), "{alone:?}");
    let found = shown(&[beside, text("am")]);
    for joined in ["spxam", "spam"] {
        assert!(found.contains(&(joined.to_owned(), Place::Joined)), "{found:?}");
    }
    let found = shown(&[text("wasp"), element("New", r#"{"x":"y"}"#), text("ammo")]);
    assert!(found.iter().all(|(text, _)| text != "waspammo"), "{found:?}");
    let body = format!(r#"{{"MsgBody":[{}],"New":"y"}}"#, text("x"));
    let shown = callback(Command::C2cBeforeSendMsg, body).shown();
    assert!(shown.texts().any(|text| text.as_str() == "y" && text.place() == Place::Member));
}
