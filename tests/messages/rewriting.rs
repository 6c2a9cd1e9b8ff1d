//! What moderation replaces, and what it leaves as it was.

use serde_json::Value;
use tencent_im_callback::event::group;
use tencent_im_callback::message::{MsgBodyBuilder, NoMessageError, TextElem};
use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
use tencent_im_callback::{Reply, testing};

use crate::{message, polite};

const MIXED: &str = concat!(
    r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a bad word"}},{"MsgType":"TIMImageElem","#,
    r#""MsgContent":{"UUID":"u","Brandnew":[1.50]},"Also":1},{"MsgType":"TIMTextElem","#,
    r#""MsgContent":{"Text":"fine"}}]"#
);

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
        {"MsgType":"TIMCustomElem","MsgContent":{"Desc":"damn desc","Data":"damn","Ext":"e",
            "Sound":"damn.caf"}},
        {"MsgType":"TIMLocationElem","MsgContent":{"Desc":"damn place","Latitude":1.50,
            "Longitude":2}},
        {"MsgType":"TIMFaceElem","MsgContent":{"Index":6,"Data":"damn face"}},
        {"MsgType":"TIMFileElem","MsgContent":{"Url":"damn","UUID":"damn","FileName":"damn.txt"}},
        {"MsgType":"TIMImageElem","MsgContent":{"UUID":"damn","ImageInfoArray":[{"Type":1,
            "URL":"http://damn"}]}},
        {"MsgType":"TIMSoundElem","MsgContent":{"Url":"damn","UUID":"damn"}},
        {"MsgType":"TIMVideoFileElem","MsgContent":{"VideoUrl":"damn","VideoUUID":"damn",
            "ThumbUUID":"damn","VideoFormat":"damn"}},
        {"MsgType":"TIMStreamElem","MsgContent":{"Chunks":[{"EventType":"damn",
            "Markdown":"damn **x**"}],"CompatibleText":"damn x","StreamMsgID":"damn"}},
        {"MsgType":"TIMRelayElem","MsgContent":{"Title":"damn title","MsgNum":1,
            "CompatibleText":"damn old","AbstractList":["damn l1","l2"],
            "MsgList":[{"From_Account":"damn","GroupId":"damn","MsgId":"damn",
                "CloudCustomData":"damn","MsgBody":[
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
