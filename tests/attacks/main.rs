//! Known attacks, each with the answer it must get. tests/ATTACKS.md lists them.
//!
//! Every request here goes through [`attack`], which also holds the answer to its form, and the log
//! line and the response's `Debug` to their silence.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod body;
mod deep;
mod document;
mod frames;
mod log;
mod message;
mod replay;
mod secrets;
mod unjudged;
mod url;
mod wire;

use common::{Inner, NOW, OK, TOKEN, layer, outcome, send, signed, text};
use http::Request;
use http_body::Body;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    CallbackLayer, Cause, Command, Event, Outcome, OutcomeKind, RejectionKind as Kind, ResponseBody,
};

/// Stands in bodies, where it may be read by the handler and by nobody else.
const CANARY: &str = "canary-in-the-body";

const AFTER: Command = Command::SnsFriendDelete;
const BEFORE: Command = Command::C2cBeforeSendMsg;

/// What became of a request.
#[allow(clippy::large_enum_variant)] // one at a time
#[derive(Debug, PartialEq)]
enum Fate {
    Refused(Kind),
    Probe,
    /// Not handled: 500, and nobody was asked where the body is the cause.
    Failed(Cause),
    /// It reached the service, once, as this.
    Accepted(Event),
}

impl Fate {
    #[track_caller]
    fn event(self) -> Event {
        match self {
            Fate::Accepted(event) => event,
            other => panic!("{other:?}"),
        }
    }

    /// The same, short enough to be put into a table.
    fn name(&self) -> String {
        match self {
            Fate::Refused(kind) => kind.to_string(),
            Fate::Probe => "probe".to_owned(),
            Fate::Failed(cause) => cause.to_string(),
            Fate::Accepted(Event::Unknown(event)) => {
                format!("accepted as {}", event.reason.as_str())
            }
            Fate::Accepted(_) => "accepted".to_owned(),
        }
    }
}

/// The name of what becomes of a body that cannot be read: a failure where a verdict is waited for,
/// else an event without a type.
fn unread(command: &Command, reason: &str) -> String {
    if command.phase().may_decide() { reason.to_owned() } else { format!("accepted as {reason}") }
}

/// Sends a request to a service that says OK to all it is asked.
async fn attack<B>(request: Request<B>) -> Fate
where
    B: Body,
    B::Error: std::fmt::Display,
{
    attack_on(&layer(), request).await
}

async fn attack_on<B>(layer: &CallbackLayer, request: Request<B>) -> Fate
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let inner = Inner::default();
    log::clear();
    let response = send(layer, inner.clone(), request).await;
    silent(&log::take(), 1);
    silent(&format!("{response:?}"), 1);

    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let what: Outcome = outcome(&response).clone();
    let body = text::<ResponseBody>(response).await;
    let fail =
        |phrase: &str| format!(r#"{{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"{phrase}"}}"#);
    let called = inner.calls();
    match what.kind() {
        OutcomeKind::Rejected => {
            let kind = what.rejection().unwrap().kind();
            assert_eq!((status, body, called), (kind.status(), fail(kind.phrase()), 0));
            Fate::Refused(kind)
        }
        OutcomeKind::Probe => {
            assert_eq!((status.as_u16(), &*body, called), (200, OK, 0));
            Fate::Probe
        }
        OutcomeKind::Failed => {
            let cause = what.cause().unwrap();
            assert_eq!((status.as_u16(), body), (500, fail("callback not handled")));
            assert!(cause == Cause::Failed || called == 0);
            Fate::Failed(cause)
        }
        OutcomeKind::Accepted => {
            assert_eq!((status.as_u16(), &*body, called), (200, OK, 1));
            Fate::Accepted(inner.last().unwrap().event)
        }
        other => panic!("{other}"),
    }
}

/// A well signed callback with this body.
async fn body(command: Command, body: impl Into<bytes::Bytes>) -> Fate {
    let request = signed(command).body(body).build::<http_body_util::Full<bytes::Bytes>>();
    attack(request).await
}

/// Neither token nor signature nor query string nor body is in this text, which has so many lines.
#[track_caller]
fn silent(text: &str, lines: usize) {
    assert_eq!(text.lines().count(), lines, "{text}");
    let lower = text.to_lowercase();
    for secret in [TOKEN, &sign(TOKEN, NOW), CANARY, "requesttime=", "callbackcommand="] {
        assert!(!lower.contains(secret), "{secret} is in: {text}");
    }
    // Of a request that says less than this, nothing more than this is said.
    assert!(text.len() < 3000, "{} bytes", text.len());
}
