//! A word is judged however it is disguised, and whatever the shape of the body around it.

use tencent_im_callback::Command;
use tencent_im_callback::reply::Meaning;

use crate::{answer, callback, element, meaning, message, quoted, text};

#[tokio::test]
async fn nothing_that_is_drawn_over_or_between_letters_hides_a_word() {
    for between in [
        "\u{ad}",
        "\u{34f}",
        "\u{61c}",
        "\u{115f}",
        "\u{180e}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{200f}",
        "\u{2060}",
        "\u{2064}",
        "\u{2068}",
        "\u{3164}",
        "\u{fe0f}",
        "\u{feff}",
        "\u{ffa0}",
        "\u{fffb}",
        "\u{e0001}",
        "\u{e0061}",
        "\u{e0100}",
        "\u{336}",
        "\u{338}",
        "\u{489}",
        "\u{20dd}",
        "\u{20e3}",
        "\u{fe2e}",
        "\u{36f}\u{35c}",
        "\0",
        "\u{8}",
        "\u{7f}",
        "\u{9c}",
    ] {
        let word = format!("s{between}p{between}a{between}m");
        assert_eq!(meaning(&[text(&word)]).await, Meaning::Reject, "{word:?}");
        let split = [text(&format!("sp{between}")), text(&format!("{between}am"))];
        assert_eq!(meaning(&split).await, Meaning::Reject, "{split:?}");
    }
}

/// U+202E turns what follows it, until its own end or that of the line.
#[tokio::test]
async fn what_is_turned_is_read_as_it_is_displayed() {
    for turned in [
        "\u{202e}maps",
        "sp\u{202e}ma",
        "x \u{202e}maps\u{202c} y",
        "\u{202e}ma\u{202e}ps",
        "\u{202e}ps\u{202c}am",
        "\u{202e}x\nsp\u{202e}ma",
        // Marks inside of it have ends of their own, and so have those before it.
        "\u{202e}m\u{202e}a\u{202c}ps",
        "\u{202e}m\u{202a}a\u{202c}ps",
        "\u{202a}sp\u{202c}\u{202e}ma",
        "\u{202c}\u{202e}maps",
    ] {
        assert_eq!(meaning(&[text(turned)]).await, Meaning::Reject, "{turned:?}");
    }
    assert_eq!(meaning(&[text("maps")]).await, Meaning::Allow);
    assert_eq!(meaning(&[text("\u{202e}ma\nps")]).await, Meaning::Allow);
}

#[tokio::test]
async fn a_backspace_in_json_hides_no_word() {
    for data in [
        r#"{"a":"sp\bam"}"#,
        r#""sp\bam""#,
        r#"callback({"a":"sp\bam"})"#,
        r#"x { "a": "sp\bam" }"#,
        r#"{}["sp\bam"]"#,
        "\u{feff}{\"a\":\"s\\pam\"}",
        r#"{"a":"{\"b\":\"sp\\bam\"}"}"#,
        r#"{"a":"[{\"b\":\"{\\\"c\\\":\\\"sp\\\\bam\\\"}\"}]"}"#,
        r#"{"a":"sp\u0008am"}"#,
    ] {
        let custom = element("TIMCustomElem", &format!(r#"{{"Data":{}}}"#, quoted(data)));
        assert_eq!(meaning(&[custom]).await, Meaning::Reject, "{data}");
        assert_eq!(meaning(&[text(data)]).await, Meaning::Reject, "{data}");
    }
    assert_eq!(meaning(&[text(r"C:\grasp\bamboo")]).await, Meaning::Allow);
    // LaTeX begins like this, and not JSON.
    assert_eq!(meaning(&[text(r"[\grasp\bamboo]")]).await, Meaning::Allow);
    assert_eq!(meaning(&[text(r#"{"a":"C:\\grasp\\bamboo"}"#)]).await, Meaning::Allow);
}

/// Two texts that a client shows as one contain one half of a letter each.
#[tokio::test]
async fn halves_of_a_letter_in_two_texts_are_one() {
    // Mathematical letters: U+1D42C is an `s`.
    let raw =
        |json: &str| format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{json}"}}}}"#);
    assert_eq!(meaning(&[raw(r"\ud835"), raw(r"\udc2cpam")]).await, Meaning::Reject);
    let chunks = r#"{"Chunks":[{"Markdown":"x\ud835"},{"Markdown":"\uDC2Cpam"}]}"#;
    assert_eq!(meaning(&[element("TIMStreamElem", chunks)]).await, Meaning::Reject);
    assert_eq!(meaning(&[raw(r"so \ud83d"), raw(r"\ude00 what")]).await, Meaning::Allow);
}

/// Kinds and contents of elements in which a client may show `spam`.
const ODD_ELEMENTS: &[(&str, &str)] = &[
    // A list, a number, an object where a text belongs; JSON in a string.
    ("TIMTextElem", r#"{"Text":["spam"]}"#),
    ("TIMTextElem", r#"{"Text":{"spam":1}}"#),
    ("TIMTextElem", r#"{"Text":5}"#),
    ("TIMTextElem", r#""{\"Text\":\"spam\"}""#),
    ("TIMTextElem", r#"["spam"]"#),
    ("TIMCustomElem", r#"{"Data":{"spam":1}}"#),
    ("TIMCustomElem", r#"{"Data":"{\"spam\":1}"}"#),
    ("TIMCustomElem", r#"{"Data":"{\"sp\\u0061m\":1}"}"#),
    ("TIMCustomElem", r#"{"Data":"{\"x\":1,\"x\":\"spam\"}"}"#),
    ("TIMTextElem", r#"{"Text":"hello","Text":"spam"}"#),
    ("TIMTextElem", r#"{"Text":"spam","Text":"hello"}"#),
    ("TIMTextElem", r#"{"Text":"hello","text":"spam"}"#),
    ("TIMNewElem", r#"{"a":"hello","a":"spam"}"#),
    ("TIMNewElem", r#""spam""#),
    ("timtextelem", r#"{"Url":"spam"}"#),
    ("TIMLocationElem", r#"{"Desc":"spam","Latitude":1,"Longitude":2}"#),
    ("TIMFileElem", r#"{"FileName":"spam.pdf","Url":"u"}"#),
    ("TIMImageElem", r#"{"UUID":["spam"],"ImageInfoArray":[]}"#),
    ("TIMImageElem", r#"{"ImageInfoArray":[{"URL":"u","Alt":"spam"}]}"#),
    ("TIMSoundElem", r#"{"Url":"u","Transcript":"spam"}"#),
    ("TIMStreamElem", r#"{"CompatibleText":"spam","Chunks":[]}"#),
    ("TIMStreamElem", r#"{"Chunks":["spam"]}"#),
];

#[tokio::test]
async fn elements_of_an_odd_shape_hide_no_word() {
    let deep = format!("{}\"spam\"{}", "[".repeat(5000), "]".repeat(5000));
    let mut elements: Vec<_> =
        ODD_ELEMENTS.iter().map(|(kind, content)| element(kind, content)).collect();
    elements.push(element("TIMNewElem", &deep));
    elements.push(element("TIMTextElem", &format!(r#"{{"Text":"x","New":{deep}}}"#)));
    let push = r#""OfflinePushInfo":{"Title":"spam"}"#;
    elements.push(format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"x"}},{push}}}"#));
    for element in elements {
        assert_eq!(meaning(std::slice::from_ref(&element)).await, Meaning::Reject, "{element}");
        let found = meaning(&[text("hello"), element.clone()]).await;
        assert_eq!(found, Meaning::Reject, "{element}");
    }
}

#[tokio::test]
async fn bodies_of_an_odd_shape_hide_no_word() {
    let spam = text("spam");
    let clean = message(&format!("[{}]", text("hello")));
    for member in [
        &*format!(r#""MsgBody":[{spam}]"#),
        &format!(r#""msgbody":[{spam}]"#),
        &format!(r#""Msg\u0042ody":[{spam}]"#),
        r#""OfflinePushInfo":{"PushFlag":0,"Title":"spam","Desc":"x"}"#,
        r#""OfflinePushInfo":{"Desc":"spam","Ext":"x","ApnsInfo":{"Title":"t"}}"#,
        r#""OfflinePushInfo":{"ApnsInfo":{"SubTitle":"spam"}}"#,
        r#""From_AccountNick":"spam""#,
        r#""NickName":"spam""#,
        r#""GroupName":"sp\u0061m""#,
        r#""Name":"spam""#,
        r#""CloudCustomData":"spam""#,
        r#""CloudCustomData":{"spam":1}"#,
        r#""CloudCustomData":"{\"x\":1}","CloudCustomData":"spam""#,
        r#""spam":1"#,
    ] {
        for body in [
            clean.replacen('{', &format!("{{{member},"), 1),
            format!("{},{member}}}", clean.strip_suffix('}').unwrap()),
        ] {
            for command in [Command::C2cBeforeSendMsg, Command::GroupBeforeSendMsg] {
                let body =
                    body.replace("\"To_Account\":\"b\"", r#""To_Account":"b","GroupId":"g""#);
                assert_eq!(answer(&command, body.clone()).await.0, Meaning::Reject, "{body}");
            }
        }
    }
}

#[tokio::test]
async fn custom_fields_of_groups_and_members_are_judged() {
    let group = r#""Operator_Account":"a","Owner_Account":"a","Type":"Public","Name":"n""#;
    for fields in [
        r#""AppDefinedData":[{"Key":"k","Value":"spam"}]"#,
        r#""AppDefinedData":[{"Key":"spam","Value":""}]"#,
        r#""UserDefinedDataList":[{"Key":"k","Value":"eyJ","Note":"spam"}]"#,
        r#""Introduction":"spam""#,
        r#""Notification":"sp\u200bam""#,
        r#""FaceUrl":"http://spam""#,
        r#""MemberList":[{"Member_Account":"b","NameCard":"spam"}]"#,
        concat!(
            r#""MemberList":[{"Member_Account":"b","AppMemberDefinedData":[{"Key":"k","#,
            r#""Value":"spam"}]}]"#
        ),
    ] {
        let body = format!("{{{group},{fields}}}");
        let found = answer(&Command::GroupBeforeCreateGroup, body.clone()).await.0;
        assert_eq!(found, Meaning::Reject, "{body}");
    }
}

/// The documentation says that these are not covered. If one is some day, the documentation
/// changes.
#[tokio::test]
async fn what_the_documentation_says_is_not_covered_is_not() {
    for word in [
        "c3BhbQ==",
        "%73pam",
        "&#115;pam",
        "s<b>p</b>am",
        "s**p**am",
        r"\163pam",
        "s p a m",
        "s.p.a.m",
        "5pam",
        "\u{455}pam",
        "\u{15b}pam",
        "\u{1f162}\u{1f15f}\u{1f150}\u{1f15c}",
        "\u{1f1f8}\u{1f1f5}\u{1f1e6}\u{1f1f2}",
        "\u{24ae}\u{24ab}\u{249c}\u{24a8}",
        r#"[{"insert":"sp"},{"insert":"am"}]"#,
    ] {
        assert_eq!(meaning(&[text(word)]).await, Meaning::Allow, "{word}");
    }
}

/// What is no text is skipped as well, up to its end.
#[test]
fn an_id_of_an_odd_shape_hides_no_word_behind_it() {
    let is_shown = |body: &str| {
        let shown = callback(Command::C2cBeforeSendMsg, body.to_owned()).shown();
        shown.texts().any(|text| text.contains("spam"))
    };
    let elements = format!(r#""MsgBody":[{}]"#, text("spam"));
    for word in [&elements, r#""CloudCustomData":"spam""#, r#""spam":1"#] {
        for id in
            ["7", "-1.5", "null", "true", "{}", "[]", r#"{"a":"b"}"#, r#"["a"]"#, r#"[7,["a"]]"#]
        {
            let body = format!(r#"{{"To_Account":"b","From_Account":{id},{word}}}"#);
            assert!(is_shown(&body), "{body}");
        }
        // No JSON, and what stands in the place of the id is a key.
        assert!(is_shown(&format!(r#"{{"From_Account":{word}}}"#)), "{word}");
    }
}
