//! Bodies under every command: decided as a plain JSON reader decides, and nothing lost on the way.
//!
//! Input: a command, one byte, then the body.

use bytes::Bytes;
use tencent_im_callback::event::UnknownReason;
use tencent_im_callback::{Callback, Command, Event, Params, Phase, RejectionKind as Kind};

use crate::json::{self, Json, Node};
use crate::{OTHER_WORDS, command, payloads, selector};

/// Pairs of words, of the URL and of the body, that may differ, and the one that counts (`command_mismatches` of the protocol).
const MAY_DIFFER: [(&str, &str); 3] = [
    ("Live.CallbackAfterSetMetadata", "Live.CallbackAfterDelMetadata"),
    (
        "Live.CallbackAfterCloudRecordingChanged",
        "Follow.CallbackAfterCloudRecordingChanged",
    ),
    (
        "Follow.CallbackAfterCloudRecordingChanged",
        "Live.CallbackAfterCloudRecordingChanged",
    ),
];

/// What a body must come to, as far as it can be told without knowing the events' types.
#[derive(Debug)]
pub enum Expected {
    Refused(Kind),
    /// Of no known command.
    Unknown(Option<Command>),
    /// Of this command: typed, or a misfit.
    Of(Command),
}

/// The word that a body names.
fn word(body: &Node<'_>) -> Result<Option<Command>, Kind> {
    let Json::Object(members) = &body.value else {
        return Err(Kind::BodyNotObject);
    };
    let named = members.iter().filter(|(key, _)| key == "CallbackCommand");
    let words: Vec<Option<Command>> = named.map(|(_, value)| value.text().map(Command::from)).collect();
    match &words[..] {
        [] => Ok(None),
        [first, others @ ..] if others.iter().any(|other| other != first) => Err(Kind::CommandMismatch),
        [None, ..] => Err(Kind::BodyCommandMalformed),
        [Some(command), ..] => Ok(Some(command.clone())),
    }
}

pub fn expected(url: &Command, body: &[u8]) -> Expected {
    if body.iter().all(|byte| b" \t\r\n".contains(byte)) {
        return Expected::Refused(Kind::BodyEmpty);
    }
    let Some(json) = json::read(body) else {
        return Expected::Refused(Kind::BodyNotJson);
    };
    match word(&json) {
        Err(kind) => Expected::Refused(kind),
        Ok(word) if url.is_unknown() || word.as_ref().is_some_and(Command::is_unknown) => Expected::Unknown(word),
        Ok(None) => Expected::Of(url.clone()),
        Ok(Some(word)) if word == *url || MAY_DIFFER.contains(&(url.as_str(), word.as_str())) => Expected::Of(word),
        Ok(Some(_)) => Expected::Refused(Kind::CommandMismatch),
    }
}

/// Bytes of an input before its JSON.
pub const HEAD: usize = 1;

pub fn check(data: &[u8]) {
    let [which, body @ ..] = data else { return };
    let url = command(*which);
    let body = Bytes::copy_from_slice(body);
    let parsed = Event::parse(&url, body.clone());
    let event = match (expected(&url, &body), parsed) {
        (Expected::Refused(kind), Err(rejection)) => {
            assert_eq!(rejection.kind(), kind, "{rejection}");
            if let Some((line, _)) = rejection.position() {
                assert!((1..=body.len() + 1).contains(&line));
            }
            return;
        }
        // What waits for a verdict, by the word of the URL or by that of the body, is not handed out without a type.
        (Expected::Unknown(word), Err(rejection)) if waits_for_a_verdict(&url, word.as_ref()) => {
            assert_eq!(rejection.kind(), Kind::Untyped, "{rejection}");
            return;
        }
        (Expected::Of(word), Err(rejection)) if waits_for_a_verdict(&url, Some(&word)) => {
            assert_eq!(rejection.kind(), Kind::Untyped, "{rejection}");
            assert!(!rejection.to_string().contains(char::is_control));
            still_a_misfit(&url, &body);
            return;
        }
        (Expected::Unknown(word), Ok(Event::Unknown(event))) => {
            assert!(!waits_for_a_verdict(&url, word.as_ref()));
            assert_eq!(event.command, url);
            assert!(url.is_unknown() || event.body_command == word);
            assert_eq!(event.reason, UnknownReason::UnknownCommand);
            assert_eq!(event.body, body);
            return;
        }
        (Expected::Of(word), Ok(Event::Unknown(event))) => {
            assert!(!waits_for_a_verdict(&url, Some(&word)));
            let misfit = event.misfit().expect("a known command is unknown only as a misfit");
            assert_eq!(event.command, url);
            assert_eq!(event.body, body);
            assert!(!misfit.path().is_empty() && !misfit.path().contains(char::is_control));
            assert!(misfit.line() <= body.len() + 1 && !misfit.message().is_empty());
            assert!(!format!("{event:?} {misfit}").contains(char::is_control));
            still_a_misfit(&url, &body);
            return;
        }
        (Expected::Of(word), Ok(event)) => {
            assert_eq!(event.command(), &word);
            event
        }
        (expected, parsed) => panic!("expected {expected:?}, got {parsed:?}"),
    };
    round_trip(&event);
    same_beside_others(&url, &body, &event);
}

fn waits_for_a_verdict(url: &Command, body: Option<&Command>) -> bool {
    url.phase() == Phase::Before || body.is_some_and(|word| word.phase() == Phase::Before)
}

/// Written and read again, an event is the same, by both roads.
fn round_trip(event: &Event) {
    let written = serde_json::to_vec(event).expect("an event can be written");
    let again = Event::parse(event.command(), written.clone().into()).expect("what was written can be read");
    assert_eq!(&again, event, "{}", String::from_utf8_lossy(&written));
    assert_eq!(serde_json::to_vec(&again).expect("an event can be written"), written);
    let whole: Event = serde_json::from_slice(&written).expect("what was written names its command");
    assert_eq!(&whole, event);
}

/// JSON that no type can hold, where no type looks.
const NASTY: &str = r#""Brandnew":{"n":[1e999,-0.0e-999],"s":"\ud800\u0000","":null}"#;

/// A member that nobody knows changes nothing, wherever it stands and whatever is in it; nor does white space.
fn same_beside_others(url: &Command, body: &Bytes, event: &Event) {
    for other in with_more(body) {
        let found = Event::parse(url, other.clone().into()).expect("still an object");
        assert_eq!(&found, event, "{other}");
        // It is named among what is not typed, unless it says nothing.
        let callback = Callback::parse_untyped(Params::trusted(1, url.clone()), other.clone().into());
        if let Ok(callback) = callback {
            let fields = callback.unknown_fields();
            let named = |name: &str| fields.iter().any(|field| field == name);
            assert!(named("Brandnew") && !named("Nothing"), "{fields:?}: {other}");
        }
    }
}

fn still_a_misfit(url: &Command, body: &Bytes) {
    for other in with_more(body) {
        match Event::parse(url, other.clone().into()) {
            Ok(found) => assert!(found.misfit().is_some(), "{other}"),
            Err(rejection) => assert_eq!(rejection.kind(), Kind::Untyped, "{other}"),
        }
    }
}

fn with_more(body: &Bytes) -> Vec<String> {
    let json = json::read(body).expect("an object");
    let Json::Object(members) = &json.value else {
        panic!("an object")
    };
    let raw = json.raw;
    let inside = &raw[1..raw.len() - 1];
    let comma = if members.is_empty() { "" } else { "," };
    vec![
        format!("{{{NASTY}{comma}{inside}}}"),
        format!("\n\r\t {{ {inside}{comma}{NASTY},\"Nothing\":null }} \n"),
    ]
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut add = |which: u8, body: &str| seeds.push([&[which], body.as_bytes()].concat());
    for (command, body) in payloads() {
        add(selector(&command), &compact(&body));
    }
    for (at, _) in OTHER_WORDS.iter().enumerate() {
        let which = u8::try_from(Command::ALL.len() + at).expect("a byte");
        add(
            which,
            r#"{"CallbackCommand":"New.Word","x":[1,2.5e3,"\u4f60\ud83d\ude00",null,true,{}]}"#,
        );
        add(which, r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg","MsgBody":[]}"#);
    }
    let delete = selector(&Command::SnsFriendDelete);
    for odd in [
        "",
        " \n",
        "{}",
        "[]",
        "\"x\"",
        "5",
        "{\"a\":1}x",
        "\u{feff}{}",
        r#"{"CallbackCommand":5}"#,
        r#"{"CallbackCommand":"Sns.CallbackFriendAdd"}"#,
        r#"{"CallbackCommand":"Sns.CallbackFriendDelete","Callback\u0043ommand":"Sns.CallbackFriendDelete"}"#,
        r#"{"CallbackCommand":"A","CallbackCommand":"B"}"#,
        r#"{"CallbackCommand":["A"],"CallbackCommand":"\ud800"}"#,
        r#"{"PairList":[{"From_Account":"\ud800","To_Account":1e999}]}"#,
        r#"{"PairList":[["a","b"]],"\ud800":1}"#,
        r#"{"PairList":[{"From_Account":18446744073709551616}]}"#,
    ] {
        add(delete, odd);
    }
    add(delete, &format!("{{\"x\":{}{}}}", "[".repeat(300), "]".repeat(300)));
    add(
        selector(&Command::LiveAfterSetMetadata),
        r#"{"CallbackCommand":"Live.CallbackAfterDelMetadata"}"#,
    );
    seeds
}

/// The same JSON without white space, which only wastes mutations.
pub fn compact(json: &str) -> String {
    let node = json::read(json.as_bytes()).expect("a payload is JSON");
    fn write(node: &Node<'_>, into: &mut String) {
        match &node.value {
            Json::List(items) => {
                into.push('[');
                for (at, item) in items.iter().enumerate() {
                    into.push_str(if at > 0 { "," } else { "" });
                    write(item, into);
                }
                into.push(']');
            }
            Json::Object(members) => {
                into.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    into.push_str(if at > 0 { "," } else { "" });
                    into.push_str(&serde_json::to_string(key).expect("a text"));
                    into.push(':');
                    write(value, into);
                }
                into.push('}');
            }
            _ => into.push_str(node.raw),
        }
    }
    let mut compact = String::new();
    write(&node, &mut compact);
    compact
}
