//! Bodies under every command: decided as a plain JSON reader decides, and nothing lost on the way.
//!
//! Input: a command, one byte, then the body.

use bytes::Bytes;
use tencent_im_callback::event::UnknownReason;
use tencent_im_callback::{Callback, Command, Event, Params, Phase, RejectionKind as Kind};

use crate::json::{self, Json, Node};
use crate::{OTHER_WORDS, command, payloads, selector};

/// Pairs of words, of the URL and of the body, that may differ, and the one that counts
/// (`command_mismatches` of the protocol).
const MAY_DIFFER: [(&str, &str); 3] = [
    ("Live.CallbackAfterSetMetadata", "Live.CallbackAfterDelMetadata"),
    ("Live.CallbackAfterCloudRecordingChanged", "Follow.CallbackAfterCloudRecordingChanged"),
    ("Follow.CallbackAfterCloudRecordingChanged", "Live.CallbackAfterCloudRecordingChanged"),
];

/// What a body must come to, as far as it can be told without knowing the events' types.
#[derive(Debug)]
pub enum Expected {
    /// Nobody can read it, for this reason, whatever the commands mean.
    Unreadable(&'static str),
    /// Of no known command.
    Unknown(Option<Command>),
    /// Of this command: typed, or a misfit.
    Of(Command),
}

/// What can be told of a body behind a URL.
#[derive(Debug)]
pub struct Told {
    pub expected: Expected,
    /// The *before* command in the body, if it has one.
    pub asks: Option<Command>,
    /// The command as which it has to be answered if it cannot be read.
    pub answered_as: Command,
}

impl Told {
    /// Whether somebody waits for a verdict that nobody can give, if the event has no type.
    pub fn waits(&self) -> bool {
        match (self.answered_as.phase(), &self.expected) {
            (Phase::Before, _) if !self.answered_as.is_unknown() => true,
            // The service may know a command that the crate does not know, but it has to be an
            // object.
            (Phase::Before | Phase::Unknown, Expected::Unreadable(_)) => true,
            _ => false,
        }
    }
}

/// Whether there is nothing in it: no bytes, or `{}`.
pub fn is_blank(body: &[u8]) -> bool {
    let text = json::readable(body);
    let is_empty_object =
        |json: Node<'_>| matches!(json.value, Json::Object(members) if members.is_empty());
    is_empty(&text) || json::read(text.as_bytes()).is_some_and(is_empty_object)
}

fn is_empty(text: &str) -> bool {
    text.bytes().all(|byte| b" \t\r\n".contains(&byte))
}

pub fn told(url: &Command, body: &[u8]) -> Told {
    let text = json::readable(body);
    let json = json::read(text.as_bytes());
    let is_object = json.as_ref().and_then(Node::is_object).is_some();
    let members = match &json {
        Some(Node { value: Json::Object(members), .. }) => &members[..],
        _ => &[],
    };
    let named = members.iter().filter(|(key, _)| key == "CallbackCommand");
    let words: Vec<Option<Command>> =
        named.map(|(_, value)| value.text().map(Command::from)).collect();
    let expected = match &words[..] {
        _ if is_empty(&text) || (url.phase().may_decide() && is_blank(body)) => {
            Expected::Unreadable("body_empty")
        }
        _ if json.is_none() => Expected::Unreadable("body_not_json"),
        _ if !is_object => Expected::Unreadable("body_not_object"),
        [first, others @ ..] if others.iter().any(|other| other != first) => {
            Expected::Unreadable("command_mismatch")
        }
        [None, ..] => Expected::Unreadable("body_command_malformed"),
        [] if url.is_unknown() => Expected::Unknown(None),
        [] => Expected::Of(url.clone()),
        [Some(word), ..] if url.is_unknown() || word.is_unknown() => {
            Expected::Unknown(Some(word.clone()))
        }
        [Some(word), ..] if word == url || MAY_DIFFER.contains(&(url.as_str(), word.as_str())) => {
            Expected::Of(word.clone())
        }
        [Some(_), ..] => Expected::Unreadable("command_mismatch"),
    };
    // Beside a *before* command in the URL, one in the body that is not known does not count.
    let counts = |word: &Command| !word.is_unknown() || url.phase() != Phase::Before;
    let asks =
        words.into_iter().flatten().rfind(|word| word.phase() == Phase::Before && counts(word));
    Told { expected, answered_as: asks.clone().unwrap_or_else(|| url.clone()), asks }
}

/// Which app the URL names. A body of one command can name another one.
const APP: u64 = 1_400_187_352;

/// Bytes of an input before its JSON.
pub const HEAD: usize = 1;

pub fn check(data: &[u8]) {
    let [which, body @ ..] = data else { return };
    let url = command(*which);
    let body = Bytes::copy_from_slice(body);
    let told = told(&url, &body);
    let Some(event) = read(&url, &body) else { return };
    let strict = Callback::parse(Params::trusted(APP, url.clone()), body.clone());
    let strict = strict.map(|callback| callback.event);
    let Event::Unknown(unknown) = &event else {
        match &told.expected {
            Expected::Of(word) => assert_eq!(event.command(), word),
            expected => panic!("expected {expected:?}, got {event:?}"),
        }
        assert_eq!(strict.expect("it has a type"), event);
        round_trip(&event);
        same_beside_others(&url, &body, &event);
        return;
    };
    // What waits for a verdict, by the word of the URL or by that of the body, is not handed out
    // without a type.
    match &strict {
        Ok(strict) => assert!(!told.waits() && *strict == event, "{told:?}"),
        Err(rejection) => {
            assert!(told.waits() && rejection.kind() == Kind::Untyped, "{rejection} {told:?}");
            assert!(!rejection.to_string().contains(char::is_control));
        }
    }
    // Nothing of it is lost, and nothing is shown.
    assert_eq!((&unknown.command, &unknown.body), (&url, &body));
    let reason = &unknown.reason;
    assert!(!format!("{event:?} {reason}").contains(char::is_control));
    let written = serde_json::to_vec(&event).expect("it can be written, whatever it is");
    assert!(json::read(&written).is_some());
    match (&told.expected, reason) {
        (Expected::Unreadable(name), reason) => {
            assert_eq!(reason.as_str(), *name);
            if let Some(asks) = &told.asks {
                assert_eq!(unknown.body_command.as_ref().map(Command::phase), Some(asks.phase()));
            }
            if let UnknownReason::BodyNotJson { line, .. } = reason {
                assert!((1..=body.len() + 1).contains(line));
            }
        }
        (Expected::Unknown(word), UnknownReason::UnknownCommand) => {
            assert!(url.is_unknown() || unknown.body_command == *word);
        }
        (Expected::Of(_), UnknownReason::Misfit(misfit)) => {
            assert!(!misfit.path().is_empty() && !misfit.path().contains(char::is_control));
            assert!(misfit.line() <= body.len() + 1 && !misfit.message().is_empty());
            still_a_misfit(&url, &body);
        }
        (expected, reason) => panic!("expected {expected:?}, got {reason:?}"),
    }
}

/// The event of a body. `None` if the body names another app, as one command's can.
fn read(url: &Command, body: &Bytes) -> Option<Event> {
    match Callback::parse_untyped(Params::trusted(APP, url.clone()), body.clone()) {
        Ok(callback) => Some(callback.event),
        Err(rejection) => {
            assert_eq!(*url, Command::ContentCallbackResultNotify, "{rejection}");
            assert_eq!(rejection.kind(), Kind::AppMismatch);
            None
        }
    }
}

/// Written and read again, an event is the same.
fn round_trip(event: &Event) {
    let written = serde_json::to_vec(event).expect("an event can be written");
    let again = read(event.command(), &written.clone().into())
        .expect("what was written names no other app");
    assert_eq!(&again, event, "{}", String::from_utf8_lossy(&written));
    assert_eq!(serde_json::to_vec(&again).expect("an event can be written"), written);
}

/// JSON that no type can hold, where no type looks.
const NASTY: &str = r#""Brandnew":{"n":[1e999,-0.0e-999],"s":"\ud800\u0000","":null}"#;

/// A member that nobody knows changes nothing, wherever it stands and whatever is in it; nor does
/// white space.
fn same_beside_others(url: &Command, body: &Bytes, event: &Event) {
    for other in with_more(body) {
        let found = read(url, &other.clone().into());
        assert_eq!(found.as_ref(), Some(event), "{other}");
        // It is named among what is not typed, unless it says nothing.
        let callback =
            Callback::parse_untyped(Params::trusted(APP, url.clone()), other.clone().into());
        if let Ok(callback) = callback {
            let fields = callback.unknown_fields();
            let named = |name: &str| fields.iter().any(|field| field == name);
            assert!(named("Brandnew") && !named("Nothing"), "{fields:?}: {other}");
        }
    }
}

fn still_a_misfit(url: &Command, body: &Bytes) {
    for other in with_more(body) {
        let found = read(url, &other.clone().into()).expect("it named no other app");
        assert!(found.misfit().is_some(), "{other}");
    }
}

fn with_more(body: &Bytes) -> Vec<String> {
    let text = json::readable(body);
    let json = json::read(text.as_bytes()).expect("an object");
    let Json::Object(members) = &json.value else { panic!("an object") };
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
    for (command, body) in broken() {
        seeds.push([&[selector(&command)], &body[..]].concat());
    }
    let mut add = |which: u8, body: &str| seeds.push([&[which], body.as_bytes()].concat());
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
        concat!(
            r#"{"CallbackCommand":"Sns.CallbackFriendDelete","#,
            r#""Callback\u0043ommand":"Sns.CallbackFriendDelete"}"#
        ),
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

/// The samples of four commands, broken in every way: a verdict on a message, one on persons, and
/// two notifications.
pub fn broken() -> Vec<(Command, Vec<u8>)> {
    const KINDS: [&str; 4] = [
        "C2C.CallbackBeforeSendMsg",
        "Sns.CallbackPrevFriendAdd",
        "Sns.CallbackFriendDelete",
        "State.StateChange",
    ];
    let mut found: Vec<(Command, Vec<u8>)> = Vec::new();
    for (command, body) in payloads() {
        let is_first = found.last().is_none_or(|(last, _)| *last != command);
        if KINDS.contains(&command.as_str()) && is_first {
            let bodies = crate::broken::break_up(&command, &compact(&body));
            found.extend(bodies.into_iter().map(|(_, body)| (command.clone(), body)));
        }
    }
    found
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
