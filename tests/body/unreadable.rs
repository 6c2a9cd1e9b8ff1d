//! Bodies that cannot be read, generated over all commands and all ways to break one: what waits
//! for a verdict gets the owner's answer, a notification reaches the service, whatever the bytes
//! are.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::common::{APP, Inner, layer, outcome, params_of, send, signed, text, verifier};
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use serde_json::Value;
use tencent_im_callback::message::TextElem;
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Cause, Command, Event, EventRouter, OnError, OutcomeKind, Phase,
    RejectionKind, Reply, Retry, Split, StoredCallback, UnknownReason, respond,
};
use tower::{Layer, ServiceExt, service_fn};

const NEW: &str = "New.Word";

fn commands() -> impl Iterator<Item = Command> {
    Command::ALL.iter().cloned().chain([NEW.into()])
}

fn whole(command: &Command) -> Value {
    let text = sample(command).unwrap_or(r#"{"CallbackCommand":"New.Word","Text":"a word"}"#);
    let mut body: Value = serde_json::from_str(text).unwrap();
    // The one that names an app has to name ours.
    if let Some(app) = body.get_mut("SdkAppId") {
        *app = APP.into();
    }
    body
}

/// Pointers to strings of a body that may hold anything, from its first to its last.
fn strings(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                strings(value, format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                strings(value, format!("{at}/{index}"), found);
            }
        }
        Value::String(_) if !at.ends_with("CallbackCommand") => found.push(at),
        _ => {}
    }
}

/// Every way to break a body that the issue trackers of such endpoints know, each with the reason
/// for which it cannot be read; none if it can be read all the same.
fn broken(command: &Command) -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let body = whole(command);
    let text = body.to_string();
    let mut all = Vec::new();
    let mut places = Vec::new();
    strings(&body, String::new(), &mut places);
    let places = [places.first(), places.get(places.len() / 2), places.last()];
    for place in places.into_iter().flatten() {
        let mut marked = body.clone();
        *marked.pointer_mut(place).unwrap() = "MARK".into();
        let marked = marked.to_string();
        let with = |inside: &[u8]| {
            let (front, back) = marked.split_once("MARK").unwrap();
            [front.as_bytes(), inside, back.as_bytes()].concat()
        };
        all.push(("a byte that is no UTF-8", with(b"spam\xff"), None));
        all.push(("half a character", with(b"\xed\xa0\xbd"), None));
        all.push(("half a surrogate pair", with(br"\ud83d"), None));
        all.push(("a control character", with(b"\x01"), Some("body_not_json")));
        let bare = marked.replace("\"MARK\"", "nan");
        all.push(("a bare word", bare.into_bytes(), Some("body_not_json")));
    }
    let json = Some("body_not_json");
    let mut add = |name, body: String, reason| all.push((name, body.into_bytes(), reason));
    add("a byte order mark", format!("\u{feff}{text}"), None);
    add("a comma at the end", format!("{},}}", &text[..text.len() - 1]), json);
    add("cut by two bytes", text[..text.len() - 2].to_owned(), json);
    add("cut in half", text.chars().take(text.chars().count() / 2).collect(), json);
    add("twice", format!("{text}{text}"), json);
    add("in a list", format!("[{text}]"), Some("body_not_object"));
    add("a string", Value::from(text.as_str()).to_string(), Some("body_not_object"));
    add("a form", "SdkAppid=1&x=%7B%7D".to_owned(), json);
    let word = |word: Value| {
        let mut body = body.clone();
        body["CallbackCommand"] = word;
        body.to_string()
    };
    add("no command", word(Value::Null), Some("body_command_malformed"));
    add("a number for the command", word(5.into()), Some("body_command_malformed"));
    let other = if *command == Command::C2cAfterMsgReport {
        Command::StateChange
    } else {
        Command::C2cAfterMsgReport
    };
    if command.is_unknown() {
        add("another command", word(other.as_str().into()), None);
    } else {
        add("another command", word(other.as_str().into()), Some("command_mismatch"));
    }
    all
}

fn request(command: &Command, body: &[u8]) -> Request<Full<Bytes>> {
    signed(command.clone()).body(body.to_vec()).build()
}

/// The plain functions say what the layer says.
async fn by_hand(command: &Command, body: &[u8], failed: bool, case: &str) {
    let (parts, _) = request(command, body).into_parts();
    let params = params_of(&verifier(), &parts.method, &parts.uri);
    let parsed = Callback::parse(params.clone(), Bytes::copy_from_slice(body));
    let kind = parsed.as_ref().map_err(|rejection| rejection.kind());
    assert_eq!(kind.err(), failed.then_some(RejectionKind::Untyped), "{case}");
    // What is stored is the same when it is read again.
    let untyped = Callback::parse_untyped(params, Bytes::copy_from_slice(body)).unwrap();
    let json = serde_json::to_string(&StoredCallback::from(&untyped)).unwrap();
    let again = serde_json::from_str::<StoredCallback>(&json).unwrap().parse().unwrap();
    assert!(again.event == untyped.event && again.body == body, "{case}");
    assert!(serde_json::to_string(&untyped.event).is_ok(), "{case}");
    let service = layer().on_before_error(OnError::reject("later")).layer(Inner::default());
    let answer = respond(&service, &parts.method, &parts.uri, Bytes::copy_from_slice(body)).await;
    assert_eq!(answer.outcome.kind() == OutcomeKind::Failed, failed, "{case}");
}

#[tokio::test]
async fn the_owner_answers_whatever_the_bytes_are() {
    let rejecting = layer().on_before_error(OnError::reject("later"));
    let mut tried = 0;
    for command in commands() {
        let waits = command.phase().may_decide();
        for (name, body, reason) in broken(&command) {
            let case = format!("{command}, {name}: {}", body.escape_ascii());
            let inner = Inner::default();
            let response = send(&layer(), inner.clone(), request(&command, &body)).await;
            let what = outcome(&response).clone();
            let failed = what.kind() == OutcomeKind::Failed;
            match reason {
                Some(reason) => assert_eq!((what.reason(), failed), (reason, waits), "{case}"),
                // A string that holds a number may be a misfit now.
                None if failed => {
                    assert_eq!((what.cause(), waits), (Some(Cause::Misfit), true), "{case}")
                }
                None => assert_eq!(what.kind(), OutcomeKind::Accepted, "{case}"),
            }
            by_hand(&command, &body, failed, &case).await;
            if !failed {
                assert_eq!(response.status(), 200, "{case}");
                assert_eq!(
                    (inner.calls(), inner.last().unwrap().body.as_ref()),
                    (1, &*body),
                    "{case}"
                );
                continue;
            }
            assert_eq!((response.status().as_u16(), inner.calls()), (500, 0), "{case}");
            // The owner rejects: so the action is blocked, unless nobody can be named whom a
            // rejection could name.
            let response = send(&rejecting, inner.clone(), request(&command, &body)).await;
            let (status, answer) = (response.status().as_u16(), text(response).await);
            let nobody = Reply::rejecting(&command, &body, "later").is_none();
            let wanted = if nobody { (500, Meaning::NoVerdict) } else { (200, Meaning::Reject) };
            if !command.is_unknown() {
                assert_eq!(
                    (status, Meaning::of(&command, status, answer.as_bytes())),
                    wanted,
                    "{case}"
                );
            }
            assert!(!nobody || command.as_str().starts_with("Sns.CallbackPrev"), "{case}");
            assert_eq!(inner.calls(), 0, "{case}");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

/// One frame or error, and the end.
struct Once(Option<Result<Frame<Bytes>, &'static str>>);

impl futures_core::Stream for Once {
    type Item = Result<Frame<Bytes>, &'static str>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take())
    }
}

/// A body over the limit, declared or not, one that breaks off, and one that comes too late.
#[tokio::test]
async fn a_body_that_did_not_arrive_is_the_owners_as_well() {
    let late = "data was not received within the designated timeout";
    for command in commands() {
        let rejecting = layer().body_limit(10).on_before_error(OnError::reject("later"));
        let waits = command.phase().may_decide();
        let stream = |frame| {
            let (parts, _) = request(&command, b"").into_parts();
            Request::from_parts(parts, StreamBody::new(Once(Some(frame))))
        };
        let long = Bytes::from_static(b"{\"a\":\"0123456789\"}");
        let mut ends = Vec::new();
        let inner = Inner::default();
        ends.push((
            "body_too_large",
            413,
            send(&rejecting, inner.clone(), request(&command, &long)).await,
        ));
        for (reason, status, frame) in [
            ("body_too_large", 413, Ok(Frame::data(long))),
            ("body_incomplete", 400, Err("connection reset")),
            ("body_timed_out", 400, Err(late)),
        ] {
            ends.push((reason, status, send(&rejecting, inner.clone(), stream(frame)).await));
        }
        for (reason, refused, response) in ends {
            let what = outcome(&response).clone();
            let (status, answer) = (response.status().as_u16(), text(response).await);
            assert_eq!(inner.calls(), 0);
            if waits {
                assert_eq!(
                    (what.kind(), what.reason()),
                    (OutcomeKind::Failed, reason),
                    "{command}"
                );
                let nobody = command.as_str().starts_with("Sns.CallbackPrev");
                assert_eq!(status, if nobody { 500 } else { 200 }, "{command} {reason}");
                assert!(
                    nobody
                        || command.is_unknown()
                        || Meaning::of(&command, status, answer.as_bytes()) == Meaning::Reject
                );
            } else {
                assert_eq!(
                    (what.kind(), status),
                    (OutcomeKind::Rejected, refused),
                    "{command} {reason}"
                );
            }
        }
    }
}

/// The word of the body decides about the road if it waits for a verdict, in every service of ours.
#[tokio::test]
async fn a_before_command_in_the_body_of_a_notification_waits_for_a_verdict() {
    for command in Command::ALL.iter().filter(|command| command.phase() == Phase::Before) {
        for url in [Command::StateChange, NEW.into()] {
            let body = whole(command).to_string();
            let rejecting = layer().on_before_error(OnError::reject("later"));
            let response = send(&rejecting, Inner::default(), request(&url, body.as_bytes())).await;
            assert_eq!(outcome(&response).kind(), OutcomeKind::Failed, "{url} {command}");
            let answer = text(response).await;
            assert_eq!(
                Meaning::of(command, 200, answer.as_bytes()),
                Meaning::Reject,
                "{url} {command}"
            );
            // Who asks for it gets it, and no service of ours takes it for a notification.
            let verdicts = Inner::default();
            let forwarding = layer().forward_misfits();
            let split = Split::new(verdicts.clone(), Inner::default());
            send(&forwarding, split, request(&url, body.as_bytes())).await;
            let callback = verdicts.last().unwrap();
            assert_eq!((callback.answered_as(), callback.command()), (command, &url));
            assert_eq!((callback.dedup_key(), callback.order_key()), (None, None));
            let response =
                send(&forwarding, EventRouter::new(), request(&url, body.as_bytes())).await;
            assert_eq!(outcome(&response).cause(), Some(Cause::Failed), "{url} {command}");
        }
    }
}

/// `null` for a list of a *before* callback would be an empty list, and nothing to judge.
#[tokio::test]
async fn null_is_no_list_before_an_action() {
    for (command, list) in [
        (Command::GroupBeforeInviteJoinGroup, "DestinationMembers"),
        (Command::OfficialAccountBeforeAddSubscriber, "SubscribeAccountList"),
        (Command::SnsPrevFriendAdd, "FriendItem"),
        (Command::SnsPrevFriendResponse, "ResponseFriendItem"),
        (Command::C2cBeforeSendMsg, "MsgBody"),
        (Command::GroupBeforeSendMsg, "MsgBody"),
    ] {
        let mut body = whole(&command);
        assert!(body[list].is_array(), "{command}");
        body[list] = Value::Null;
        let response =
            send(&layer(), Inner::default(), request(&command, body.to_string().as_bytes())).await;
        let what = outcome(&response);
        assert_eq!(what.cause(), Some(Cause::Misfit), "{command}");
        assert_eq!(what.misfit().unwrap().path(), list);
    }
    let event = crate::common::read(&Command::SnsFriendDelete, r#"{"PairList":null}"#);
    assert!(matches!(event, Event::SnsFriendDelete(event) if event.pair_list.is_empty()));
}

/// A notification without a handler is OK; one that somebody waits for must not be lost in silence.
#[tokio::test]
async fn a_router_keeps_what_it_has_a_handler_for() {
    async fn changed(_: Callback<tencent_im_callback::event::state::StateChange>) {}

    let with = EventRouter::new().on(changed);
    for (name, body, reason) in broken(&Command::StateChange) {
        if reason.is_none() {
            continue;
        }
        let (parts, _) = request(&Command::StateChange, b"").into_parts();
        let callback = || {
            let params = params_of(&verifier(), &parts.method, &parts.uri);
            Callback::parse(params, Bytes::from(body.clone())).unwrap()
        };
        assert!(EventRouter::new().oneshot(callback()).await.is_ok(), "{name}");
        let error = with.clone().oneshot(callback()).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Never, "{name}");
        // The log gets the reason and nothing of the body.
        assert!(!error.to_string().contains("jared"), "{error}");
    }
    // The body is that of a callback with a handler; the URL is not.
    let body = whole(&Command::StateChange).to_string();
    let response = send(&layer(), with, request(&Command::SnsFriendAdd, body.as_bytes())).await;
    assert_eq!(outcome(&response).cause(), Some(Cause::Failed));
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        std::panic::panic_any(PanicsWhenDropped);
    }
}

#[tokio::test]
async fn a_panic_that_panics_again_ends_in_the_owners_answer() {
    let panics = service_fn(|_: Callback| async {
        if true {
            std::panic::panic_any(PanicsWhenDropped);
        }
        Ok::<_, Infallible>(Reply::ok())
    });
    let body = whole(&Command::C2cBeforeSendMsg).to_string();
    let rejecting = layer().on_before_error(OnError::reject("later"));
    let response =
        send(&rejecting, panics, request(&Command::C2cBeforeSendMsg, body.as_bytes())).await;
    assert_eq!(outcome(&response).cause(), Some(Cause::Panicked));
    assert_eq!(text(response).await, Reply::reject(1, "later").to_string());

    // A function that panics has not chosen.
    let chooser = rejecting.on_error(|_| std::panic::panic_any(PanicsWhenDropped));
    let fails = service_fn(|_: Callback| async { Err::<Reply, _>("no database") });
    let response =
        send(&chooser, fails, request(&Command::C2cBeforeSendMsg, body.as_bytes())).await;
    assert_eq!(outcome(&response).cause(), Some(Cause::Failed));
    assert_eq!(text(response).await, Reply::reject(1, "later").to_string());
}

/// What is said about a broken body names the place in the text as it was mended.
#[test]
fn a_mended_message_says_so_and_is_rewritten_from_what_was_read() {
    let body = b"{\"From_Account\":\"a\",\"To_Account\":\"b\",\
        \"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\
        \"MsgContent\":{\"Text\":\"spam\xff\"},\"New\":\"\\ud83d\"}]}";
    let (parts, _) = request(&Command::C2cBeforeSendMsg, b"").into_parts();
    let params = || params_of(&verifier(), &parts.method, &parts.uri);
    let callback = Callback::parse(params(), Bytes::from_static(body)).unwrap();
    assert!(callback.is_mended());
    assert_eq!(callback.body.as_ref(), body);
    let Event::C2cBeforeSendMsg(event) = &callback.event else { panic!() };
    assert_eq!(event.msg_body[0], TextElem::new("spam\u{fffd}").into());
    let rewritten = callback.rewrite_message().unwrap();
    let wanted = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"spam�"},"New":"\ud83d"}]"#;
    assert_eq!(serde_json::to_string(&rewritten).unwrap(), wanted);

    let plain = whole(&Command::C2cBeforeSendMsg).to_string();
    assert!(!Callback::parse(params(), plain.into()).unwrap().is_mended());
    let broken = crate::common::read(&Command::SnsFriendDelete, &b"{\"x\":\"\xff\",\n5}"[..]);
    let Event::Unknown(event) = broken else { panic!() };
    assert_eq!(event.reason, UnknownReason::BodyNotJson { line: 2, column: 1 });
    assert_eq!(serde_json::to_string(&event).unwrap(), r#""{\"x\":\"�\",\n5}""#);
}

/// The empty body of an unsigned app's notification is no probe: nobody has proved anything.
#[tokio::test]
async fn an_unsigned_notification_without_a_body_reaches_the_service() {
    let layer = CallbackLayer::new(App::unsigned(APP));
    let inner = Inner::default();
    let response = send(&layer, inner.clone(), request(&Command::StateChange, b"")).await;
    assert_eq!(outcome(&response).reason(), "body_empty");
    let Event::Unknown(event) = inner.last().unwrap().event else { panic!() };
    assert_eq!(event.reason, UnknownReason::BodyEmpty);
}
