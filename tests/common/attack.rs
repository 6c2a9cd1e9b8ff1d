//! Sends a request that is an attack, and holds the answer to its form, and the log line and the
//! response's `Debug` to their silence.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of it

use http::Request;
use http_body::Body;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    CallbackLayer, Cause, Command, Event, Outcome, OutcomeKind, RejectionKind as Kind, ResponseBody,
};

use crate::common::{Inner, NOW, OK, TOKEN, layer, outcome, send, signed, text};

/// Stands in bodies, where it may be read by the handler and by nobody else.
pub const CANARY: &str = "canary-in-the-body";

pub const AFTER: Command = Command::SnsFriendDelete;
pub const BEFORE: Command = Command::C2cBeforeSendMsg;

/// What became of a request.
#[allow(clippy::large_enum_variant)] // one at a time
#[derive(Debug, PartialEq)]
pub enum Fate {
    Refused(Kind),
    Probe,
    /// Not handled: 500, and nobody was asked where the body is the cause.
    Failed(Cause),
    /// It reached the service, once, as this.
    Accepted(Event),
}

impl Fate {
    #[track_caller]
    pub fn event(self) -> Event {
        match self {
            Fate::Accepted(event) => event,
            other => panic!("{other:?}"),
        }
    }

    /// The same, short enough to be put into a table.
    pub fn name(&self) -> String {
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
pub fn unread(command: &Command, reason: &str) -> String {
    if command.phase().may_decide() { reason.to_owned() } else { format!("accepted as {reason}") }
}

/// Sends a request to a service that says OK to all it is asked.
pub async fn attack<B>(request: Request<B>) -> Fate
where
    B: Body,
    B::Error: std::fmt::Display,
{
    attack_on(&layer(), request).await
}

pub async fn attack_on<B>(layer: &CallbackLayer, request: Request<B>) -> Fate
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
pub async fn body(command: Command, body: impl Into<bytes::Bytes>) -> Fate {
    let request = signed(command).body(body).build::<http_body_util::Full<bytes::Bytes>>();
    attack(request).await
}

/// Neither token nor signature nor query string nor body is in this text, which has so many lines.
#[track_caller]
pub fn silent(text: &str, lines: usize) {
    assert_eq!(text.lines().count(), lines, "{text}");
    let lower = text.to_lowercase();
    for secret in [TOKEN, &sign(TOKEN, NOW), CANARY, "requesttime=", "callbackcommand="] {
        assert!(!lower.contains(secret), "{secret} is in: {text}");
    }
    // Of a request that says less than this, nothing more than this is said.
    assert!(text.len() < 3000, "{} bytes", text.len());
}

/// What looks like `Sign` to somebody else, but is not.
pub const LOOKALIKES: &[&str] = &[
    "Sign%00",
    "%00Sign",
    "Sign+",
    "+Sign",
    "Sign%20",
    "Sign[]",
    "Sign[0]",
    "Sign.",
    ";Sign",
    "%26Sign",
    "x;Sign",
    "Sign%3D",
    // An overlong `S`, a long s, in UTF-8 and encoded, a wide letter; encoded twice.
    "%C1%93ign",
    "\u{17f}ign",
    "%C5%BFign",
    "\u{ff33}ign",
    "%2553ign",
    "Si%67n%",
    "S%69gn%zz",
];

/// The log of this crate, kept for each thread.
pub mod log {
    use std::cell::RefCell;
    use std::io;
    use std::sync::Once;

    use tracing_subscriber::fmt::MakeWriter;

    thread_local! {
        static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    /// Takes the events of this crate, and no others.
    struct Ours(bool);

    impl<'a> MakeWriter<'a> for Ours {
        type Writer = Ours;

        fn make_writer(&'a self) -> Ours {
            Ours(false)
        }

        fn make_writer_for(&'a self, event: &tracing::Metadata<'_>) -> Ours {
            Ours(event.target() == "tencent_im_callback")
        }
    }

    impl io::Write for Ours {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 {
                LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Starts the log of this thread anew.
    pub fn clear() {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(Ours(false))
                .init();
        });
        LOG.with_borrow_mut(Vec::clear);
    }

    /// What was logged on this thread since.
    pub fn take() -> String {
        String::from_utf8(LOG.with_borrow_mut(std::mem::take)).unwrap()
    }
}
