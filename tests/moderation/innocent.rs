//! The rate of false positives, over everything that was recorded or documented.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tencent_im_callback::moderation::Place;
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::testing::{other_samples, sample};
use tencent_im_callback::{Callback, Command, Params};

use crate::generated::{as_message, bodies, elements, meaning_of};
use crate::{callback, element, message, quoted, text};

/// Texts that contain none of these words, though their letters are near each other.
fn innocent() -> Vec<String> {
    let mut texts: Vec<String> = [
        r"C:\wasp\ammo\new\table",
        r"D:\grasp\bamboo\build",
        r"\\server\share\wasp\ammo",
        r#"{"path":"C:\\grasp\\bamboo"}"#,
        r"^\d+\s*[a-z]\p{L}\b(wasp|ammo)\b$",
        r"s/\bwasp\b/am/g",
        r"\alpha\beta\gamma \frac{\partial f}{\partial x} \left[\bar{x}\right] \ss\passm",
        "c3BhbQ==",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "so \u{fffd}",
        "{\"text\":\"cut off\\",
        r#"{"a":"broken"#,
        "wasp ammunition",
        "grasp ambition, clasp amber",
        "a s\u{301}p a m",
        "s.p.a.m",
        "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}\u{ff01}",
        "\u{5e7f}\u{ff0c}\u{544a}",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}\u{200f} \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        "\u{1f469}\u{200d}\u{1f4bb}\u{1f44d}\u{1f3fd}",
        "sp\nam",
    ]
    .map(String::from)
    .into();
    let recordings = include_str!("../recordings.json");
    let recordings: Vec<&RawValue> = serde_json::from_str(recordings).unwrap();
    texts.extend(recordings.iter().map(|body| body.get().to_owned()));
    for command in Command::ALL {
        texts.extend(sample(command).map(str::to_owned));
        texts.extend(other_samples(command).iter().map(|body| (*body).to_owned()));
    }
    texts.extend(elements());
    texts
}

/// The rate of false positives, over everything that was recorded or documented: a text that holds
/// none of the words as written or in small letters, and is rejected.
#[test]
fn innocent_texts_and_bodies_are_allowed() {
    const WORDS: [&str; 8] =
        ["spam", "damn", "ass", "hell", "sex", "\u{8d4c}\u{535a}", "\u{5e7f}\u{544a}", "vpn"];
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let mut tried = 0;
    let mut judge = |body: String, written: &str| {
        let written = written.to_lowercase();
        let absent: Vec<&str> = WORDS.into_iter().filter(|word| !written.contains(word)).collect();
        let params = Params::trusted(1, Command::C2cBeforeSendMsg);
        let callback = Callback::parse_untyped(params, body.clone().into()).unwrap();
        let shown = callback.shown();
        tried += 1;
        for text in shown.texts() {
            for word in absent.iter().filter(|word| text.contains(word)) {
                wrong.insert(format!("{word} {:?}", text.place()), text.as_str().to_owned());
            }
        }
        if !shown.is_complete() {
            wrong.insert(format!("{:?}", shown.incomplete().collect::<Vec<_>>()), body);
        }
    };
    for innocent in innocent() {
        let once = quoted(&innocent);
        judge(message(&format!("[{}]", text(&innocent))), &innocent);
        let data = format!(r#"{{"Data":{once},"Desc":"d"}}"#);
        judge(message(&format!("[{}]", element("TIMCustomElem", &data))), &innocent);
        // A string in a string, as an app writes its custom data.
        let twice = quoted(&format!(r#"{{"data":{once}}}"#));
        let data = format!(r#"{{"Data":{twice}}}"#);
        judge(message(&format!("[{}]", element("TIMCustomElem", &data))), &innocent);
    }
    for (_, body) in bodies() {
        if body.contains("\"MsgBody\"") {
            judge(as_message(&body), &body);
        }
    }
    println!("{} of {tried}: {wrong:#?}", wrong.len());
    // A bundle without its messages, which the vendor documents, cannot be judged.
    wrong.retain(|why, body| !(why.contains("Bundle") && body.contains("JsonMsgKey")));
    assert_eq!(wrong, BTreeMap::new());
    for (command, body) in bodies() {
        let wanted = if body.contains("JsonMsgKey") { Meaning::Reject } else { Meaning::Allow };
        assert_eq!(meaning_of(&command, body.clone().into()), wanted, "{command} {body}");
    }
}

/// All documented members of a body, and of the persons in its lists: ids, formats and numbers are
/// no words, names and greetings are.
#[test]
fn of_a_body_only_words_are_shown() {
    const IDS: &str = "CallbackCommand From_Account To_Account Operator_Account Owner_Account \
        Requestor_Account Requester_Account Official_Account GroupId TopicId Type InviteOption \
        MsgKey MsgId MsgPriority AddType";
    const NUMBERS: &str = "MsgSeq MsgRandom MsgTime Random EventTime OnlineOnlyFlag UnreadMsgNum \
        SendMsgResult ForceAddFlags CreateGroupNum CreatedGroupNum CreatedNum";
    const WORDS: &str = "Name ApplyMsg NickName ErrorInfo";
    const OF_A_PERSON: &str = "Remark GroupName TagName AddWording AddSource";
    let members = |ids: &str, numbers: &str, words: &str| -> Vec<String> {
        let ids = ids.split(' ').map(|key| format!(r#""{key}":"id""#));
        let numbers = numbers.split(' ').map(|key| format!(r#""{key}":7"#));
        let words = words.split(' ').map(|key| format!(r#""{key}":"{key}""#));
        ids.chain(numbers).chain(words).collect()
    };
    let ids = "To_Account Member_Account GroupAt_Account ResponseAction";
    let person = members(ids, "GroupAtAllFlag", OF_A_PERSON).join(",");
    let mut body = members(IDS, NUMBERS, WORDS);
    let mut wanted: Vec<&str> = WORDS.split(' ').collect();
    for list in ["GroupAtInfo", "MemberList", "FriendItem", "ResponseFriendItem"] {
        body.push(format!(r#""{list}":[{{{person}}}]"#));
        wanted.extend(OF_A_PERSON.split(' '));
    }
    let body = format!("{{{}}}", body.join(","));
    let shown = callback(Command::GroupBeforeCreateGroup, body).shown();
    let found: Vec<_> = shown.texts().map(|text| text.as_str().to_owned()).collect();
    assert_eq!(found, wanted);
    assert!(shown.texts().all(|text| text.place() == Place::Member));
}
