//! Which texts are shown of a message, and which are joined.

use tencent_im_callback::Command;
use tencent_im_callback::moderation::{Incomplete, Join, Place};
use tencent_im_callback::reply::Meaning;

use super::{answered, c2c, callback, kind_first, text};

/// All texts that are shown of these elements.
fn shown(elements: &[String]) -> Vec<(String, Place)> {
    let shown = c2c(elements).shown();
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
        assert_eq!(shown(&[kind_first(kind, content)]), wanted, "{kind}");
        // Behind a bundle, the kinds of the outer list are still known.
        let bundle = kind_first("TIMRelayElem", r#"{"MsgList":[{"MsgBody":[]}]}"#);
        assert_eq!(shown(&[bundle, kind_first(kind, content)]), wanted, "{kind}");
    }
    assert!(c2c(&[]).shown().is_empty());
    assert!(!c2c(&[text("x")]).shown().is_empty());
}

#[tokio::test]
async fn what_stands_behind_a_split_word_does_not_hide_it() {
    let picture = kind_first("TIMImageElem", r#"{"UUID":"u"}"#);
    let empty = kind_first("TIMImageElem", r#"{"UUID":"","ImageInfoArray":[]}"#);
    let face = kind_first("TIMFaceElem", r#"{"Index":6,"New":"am"}"#);
    for split in [
        vec![text("sp"), text("am"), picture.clone()],
        vec![text("x"), picture.clone(), text("sp"), text("am"), picture],
        vec![text("sp"), empty, text("am")],
        vec![text("sp"), face],
    ] {
        assert_eq!(answered(c2c(&split)).await.0, Meaning::Reject, "{split:?}");
    }
}

/// A client that shows no custom elements shows the texts side by side.
#[test]
fn texts_are_joined_with_and_without_what_stands_between() {
    let custom = kind_first("TIMCustomElem", r#"{"Data":"_"}"#);
    let split = c2c(&[text("sp"), custom, text("am")]);
    let joined = |join| {
        let shown = split.shown_joined(join);
        let joined = shown.texts().filter(|text| text.place() == Place::Joined);
        joined.map(|text| text.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(joined(Join::Nothing), ["sp_am"]);
    assert_eq!(joined(Join::Pictures), ["sp_am", "spam"]);
    for other in [text("y"), kind_first("TIMCustomElem", r#"{"Data":"_"}"#)] {
        assert_eq!(c2c(&[text("x"), other]).shown_joined(Join::Pictures).len(), 3);
    }
}

#[tokio::test]
async fn a_count_that_is_none_promises_more_than_there_is() {
    let bundle = |count: &str| {
        c2c(&[kind_first("TIMRelayElem", &format!(r#"{{"MsgNum":{count},"MsgList":[]}}"#))])
    };
    for count in [r#""five""#, "true", "[5]", r#"{"n":5}"#, r#"5,"MsgNum":0"#, "0.5", "1e1"] {
        let shown = bundle(count).shown();
        assert!(shown.incomplete().any(|one| one == Incomplete::Bundle), "{count}");
        assert_eq!(answered(bundle(count)).await.0, Meaning::Reject, "{count}");
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
            let (meaning, _) = answered(c2c(&[text(&said)])).await;
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

/// An id inside of the message, or of a person in a list, is not that of its sender.
#[test]
fn who_wrote_it_is_no_word_of_theirs() {
    let forged = kind_first("TIMNewElem", r#"{"From_Account":"forged","GroupId":"forged"}"#);
    let body = format!(r#"{{"MsgBody":[{forged}],"From_Account":"a","GroupId":12}}"#);
    let shown = callback(Command::GroupBeforeSendMsg, body).shown();
    assert_eq!(shown.sender().unwrap(), "a");
    assert_eq!(shown.group().unwrap(), "12");
    let body = format!(r#"{{"MsgBody":[{forged}],"From_Account":"","GroupId":null}}"#);
    let shown = callback(Command::GroupBeforeSendMsg, body).shown();
    assert_eq!((shown.sender(), shown.group()), (None, None));
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
    let bundle = kind_first(
        "TIMRelayElem",
        &format!(r#"{{"MsgNum":1,"MsgList":[{{"MsgBody":[{late}]}}]}}"#),
    );
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
    let beside = kind_first("TIMTextElem", r#"{"Text":"sp","New":"x"}"#);
    let alone = shown(std::slice::from_ref(&beside));
    assert!(alone.iter().map(|(text, _)| &**text).eq(["sp", "New", "x", "spx"]), "{alone:?}");
    let found = shown(&[beside, text("am")]);
    for joined in ["spxam", "spam"] {
        assert!(found.contains(&(joined.to_owned(), Place::Joined)), "{found:?}");
    }
    let found = shown(&[text("wasp"), kind_first("New", r#"{"x":"y"}"#), text("ammo")]);
    assert!(found.iter().all(|(text, _)| text != "waspammo"), "{found:?}");
    let body = format!(r#"{{"MsgBody":[{}],"New":"y"}}"#, text("x"));
    let shown = callback(Command::C2cBeforeSendMsg, body).shown();
    assert!(shown.texts().any(|text| text.as_str() == "y" && text.place() == Place::Member));
}
