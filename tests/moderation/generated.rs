//! A word at every string of every payload, in every disguise that is covered; and messages without
//! the word, of which none is rejected.
//!
//! `MODERATION_ALL=1` tries all of them, otherwise one of many (the same ones each time).

use serde_json::value::RawValue;
use tencent_im_callback::moderation::{Finding, ModerateLayer, Text};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::testing::{other_samples, sample};
use tencent_im_callback::{Callback, Command, EventRouter, Params};
use tower::{Layer, ServiceExt};

use crate::{NEAR_JSON, element, message, quoted, text};

const WORD: &str = "spam";

const JUDGED: [Command; 9] = [
    Command::C2cBeforeSendMsg,
    Command::GroupBeforeSendMsg,
    Command::OfficialAccountBeforeSendMsg,
    Command::GroupBeforeCreateGroup,
    Command::GroupBeforeCreateTopic,
    Command::GroupBeforeApplyJoinGroup,
    Command::OfficialAccountBeforeCreateOfficialAccount,
    Command::SnsPrevFriendAdd,
    Command::SnsPrevFriendResponse,
];

/// Members whose strings nobody sees: ids, addresses, formats.
const UNSEEN: [&str; 31] = [
    "CallbackCommand",
    "From_Account",
    "To_Account",
    "Operator_Account",
    "Owner_Account",
    "Requestor_Account",
    "Requester_Account",
    "Official_Account",
    "Member_Account",
    "GroupAt_Account",
    "GroupId",
    "TopicId",
    "Type",
    "InviteOption",
    "MsgPriority",
    "MsgKey",
    "MsgId",
    "AddType",
    "ResponseAction",
    "UUID",
    "Url",
    "URL",
    "Sound",
    "EventType",
    "StreamMsgID",
    "VideoUrl",
    "VideoUUID",
    "VideoFormat",
    "ThumbUrl",
    "ThumbUUID",
    "ThumbFormat",
];

/// One of so many cases, always the same ones.
struct Sample {
    state: u64,
    of: u64,
}

impl Sample {
    fn one_of(of: u64) -> Self {
        let all = std::env::var_os("MODERATION_ALL").is_some();
        Sample { state: 29, of: if all { 1 } else { of } }
    }

    fn random(&mut self) -> u64 {
        // The generator of Knuth's MMIX; its upper bits are good enough.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random() as usize % bound
    }

    fn takes(&mut self) -> bool {
        self.random().is_multiple_of(self.of)
    }
}

fn only_spam(text: &Text<'_>) -> Finding {
    if text.contains(WORD) { Finding::Reject } else { Finding::Allow }
}

/// What is answered; a body that is refused before anybody is asked is rejected.
pub(crate) fn meaning_of(command: &Command, body: Vec<u8>) -> Meaning {
    let params = Params::trusted(1, command.clone());
    let Ok(callback) = Callback::parse_untyped(params, body.into()) else {
        return Meaning::Reject;
    };
    let service = ModerateLayer::new(only_spam).layer(EventRouter::new().allow_unhandled());
    let reply = tokio_test::block_on(service.oneshot(callback)).unwrap();
    Meaning::of(command, 200, reply.as_bytes())
}

/// The strings of a JSON text: where each is, whether it is a key, and the last key.
fn strings(json: &str) -> Vec<(std::ops::Range<usize>, bool, String)> {
    let bytes = json.as_bytes();
    let (mut found, mut at, mut last) = (Vec::new(), 0, String::new());
    while let Some(start) = json[at..].find('"').map(|quote| at + quote) {
        let mut end = start + 1;
        while bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        at = end + 1;
        let is_key = json[at..].trim_start().starts_with(':');
        if is_key {
            last = json[start + 1..end].to_owned();
        }
        found.push((start..at, is_key, last.clone()));
    }
    found
}

/// JSON strings that show the word.
fn disguises() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, text: &str| all.push((name, quoted(text).into_bytes()));
    add("plain".into(), "some spam here");
    let mut escaped = r"\u0073pam".to_owned();
    for times in 1..=10 {
        add(format!("escaped {times} times"), &escaped);
        escaped = escaped.replace('\\', r"\\");
    }
    for near in NEAR_JSON {
        for word in [r"spam", r"sp\u0061m", r"s\x70am", r"spa\u{6d}", r"sp\b\u0061m"] {
            // The last is JSON only, and of the near ones those that begin like it.
            add(format!("{near} {word}"), &near.replace("WORD", word));
        }
    }
    add("behind U+200B".into(), "\u{200b}s\u{200b}pam");
    add("full width".into(), "\u{ff53}\u{ff50}\u{ff41}\u{ff4d}");
    add("capitals".into(), "SpAM");
    add("struck out".into(), "s\u{336}p\u{336}a\u{336}m\u{336}");
    add("turned".into(), "\u{202e}maps");
    all.push(("escaped in the body".into(), br#""\u0073\u0070am""#.to_vec()));
    all.push(("a broken byte".into(), b"\"sp\xffam\"".to_vec()));
    all.push(("half a character".into(), br#""sp\ud83dam""#.to_vec()));
    all
}

/// A list of elements that is a message, or one element, as a message.
pub(crate) fn as_message(json: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(rename = "MsgBody", borrow)]
        elements: Option<&'a RawValue>,
    }
    match serde_json::from_str::<Body<'_>>(json) {
        Ok(Body { elements: Some(elements) }) => message(elements.get()),
        _ => message(&format!("[{json}]")),
    }
}

pub(crate) fn elements() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elements");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 15);
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// The bodies of all judged commands.
pub(crate) fn bodies() -> Vec<(Command, String)> {
    let mut bodies: Vec<(Command, String)> = Vec::new();
    for command in JUDGED {
        let others = other_samples(&command);
        for body in [sample(&command).unwrap()].into_iter().chain(others.iter().copied()) {
            bodies.push((command.clone(), body.to_owned()));
        }
    }
    for element in elements() {
        bodies.push((Command::C2cBeforeSendMsg, as_message(&element)));
    }
    bodies
}

fn with(json: &str, at: &std::ops::Range<usize>, new: &[u8]) -> Vec<u8> {
    [&json.as_bytes()[..at.start], new, &json.as_bytes()[at.end..]].concat()
}

#[test]
fn the_word_is_found_at_every_string_of_every_payload() {
    let mut sample = Sample::one_of(40);
    let disguises = disguises();
    let mut tried = 0;
    for (command, body) in bodies() {
        for (at, is_key, key) in strings(&body) {
            if !is_key && UNSEEN.contains(&&*key) {
                continue;
            }
            for (name, json) in &disguises {
                if !sample.takes() {
                    continue;
                }
                tried += 1;
                let body = with(&body, &at, json);
                let shown = String::from_utf8_lossy(&body).into_owned();
                assert_eq!(meaning_of(&command, body), Meaning::Reject, "{name}: {shown}");
            }
        }
    }
    println!("{tried} bodies");
    assert!(tried > 500);
}

#[test]
fn the_word_is_found_over_any_two_elements_and_in_any_bundle() {
    let kinds: [fn(&str) -> String; 7] = [
        text,
        |said| element("TIMFaceElem", &format!(r#"{{"Index":1,"Data":{}}}"#, quoted(said))),
        |said| element("TIMCustomElem", &format!(r#"{{"Data":{}}}"#, quoted(said))),
        |said| element("TIMCustomElem", &format!(r#"{{"Ext":{},"Desc":""}}"#, quoted(said))),
        |said| element("TIMNewElem", &format!(r#"{{"a":[{}]}}"#, quoted(said))),
        |said| element("TIMTextElem", &format!(r#"{{"New":{},"Text":""}}"#, quoted(said))),
        |said| {
            let chunk = format!(r#"{{"Chunks":[{{"Markdown":{}}}]}}"#, quoted(said));
            element("TIMStreamElem", &chunk)
        },
    ];
    let mut sample = Sample::one_of(30);
    let mut tried = 0;
    for word in ["spam", "SPAM", "s\u{200b}pam", "\u{ff53}p\u{ff41}m", r"s\u0070am", "spa\u{336}m"]
    {
        let places = word.char_indices().skip(1).map(|(at, _)| at);
        for (first, rest) in places.map(|at| word.split_at(at)) {
            for (one, other) in kinds.iter().flat_map(|one| kinds.map(|other| (one, other))) {
                // Down to below the depth that is typed.
                let mut elements = format!("{},{}", one(first), other(rest));
                for depth in 0..10 {
                    if sample.takes() {
                        tried += 1;
                        let body = message(&format!("[{elements}]"));
                        let found = meaning_of(&Command::C2cBeforeSendMsg, body.clone().into());
                        assert_eq!(found, Meaning::Reject, "{depth}: {body}");
                    }
                    let list = format!(r#"{{"MsgList":[{{"MsgBody":[{elements}]}}]}}"#);
                    elements = element("TIMRelayElem", &list);
                }
            }
        }
    }
    println!("{tried} messages");
    assert!(tried > 200);
}

/// Any JSON, in forms that a parser would not keep.
fn any_json(random: &mut Sample, depth: usize) -> String {
    const PLAIN: [&str; 16] = [
        "null",
        "true",
        " false",
        "0",
        "-0",
        "1.50",
        "1E5",
        "-2.0e-07",
        "1e999",
        "123456789012345678901234567890",
        "18446744073709551616",
        r#""""#,
        r#""\u4f60\/\b""#,
        "\"\u{1f600}\u{7f}\"",
        r#""\ud83d""#,
        "[ ]",
    ];
    let count = random.below(4);
    match random.below(if depth > 3 { 1 } else { 3 }) {
        0 => PLAIN[random.below(PLAIN.len())].to_owned(),
        1 => {
            let items: Vec<String> = (0..count).map(|_| any_json(random, depth + 1)).collect();
            format!("[{}]", items.join([",", " , "][random.below(2)]))
        }
        _ => format!("{{{}}}", any_members(random, count, depth)),
    }
}

/// Members that no type knows, some of them twice.
fn any_members(random: &mut Sample, count: usize, depth: usize) -> String {
    let names = ["New", "new", "a\\\"b", "\\u0061", ""];
    let members: Vec<String> = (0..count)
        .map(|_| {
            let name = names[random.below(names.len())];
            format!("\"{name}\"{}{}", [":", " :\n"][random.below(2)], any_json(random, depth + 1))
        })
        .collect();
    members.join(",")
}

fn any_element(random: &mut Sample) -> String {
    let content = |random: &mut Sample, known: &str| {
        let count = random.below(4);
        let members = any_members(random, count, 0);
        let comma = if members.is_empty() { "" } else { "," };
        format!("{{{known}{comma}{members}}}")
    };
    match random.below(4) {
        0 => element("TIMTextElem", &content(random, r#""Text":"hello""#)),
        1 => element("TIMCustomElem", &content(random, r#""Data":"{\"a\":1e5}""#)),
        2 => element("TIMImageElem", &content(random, r#""UUID":"u\/u""#)),
        _ => element("TIMNewElem", &any_json(random, 0)),
    }
}

/// Neither a rewrite by hand that changes nothing nor one that changes another element touches a
/// byte of these.
#[test]
fn a_rewrite_leaves_a_thousand_elements_as_they_are() {
    let damn = |text: &Text<'_>| match text.as_str() {
        "damn" => Finding::Replace("****".into()),
        _ => Finding::Allow,
    };
    let mut random = Sample::one_of(1);
    let all = std::env::var_os("MODERATION_ALL").is_some();
    for _ in 0..if all { 20_000 } else { 200 } {
        let others: Vec<String> = (0..5).map(|_| any_element(&mut random)).collect();
        let others = others.join([",", " ,\n"][random.below(2)]);
        let body = message(&format!("[{},{others}]", text("damn")));
        let params = Params::trusted(1, Command::C2cBeforeSendMsg);
        let callback = Callback::parse_untyped(params, body.clone().into()).unwrap();
        assert!(callback.event.misfit().is_none(), "{body}");
        let same = serde_json::to_string(&callback.rewrite_message().unwrap()).unwrap();
        let kept = others.replace("} ,\n{\"MsgContent", "},{\"MsgContent");
        assert_eq!(same, format!("[{},{kept}]", text("damn")), "{body}");
        let service = ModerateLayer::new(damn).layer(EventRouter::new());
        let reply = tokio_test::block_on(service.oneshot(callback)).unwrap().to_string();
        let wanted = format!("\"MsgBody\":[{},{kept}]", text("****"));
        assert!(reply.contains(&wanted), "{reply}\n{wanted}");
    }
}
