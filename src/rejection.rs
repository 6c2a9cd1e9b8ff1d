//! Why a request was refused.

use std::fmt;

use http::StatusCode;

use crate::types::{SdkAppId, escaped};

/// The answer OK, as the vendor's pages write it.
pub(crate) const OK_ENVELOPE: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;

macro_rules! rejections {
    ($( $(#[$doc:meta])* $kind:ident $name:literal $status:ident $phrase:literal; )*) => {
        /// What was wrong with a request. Each kind has its own status and its own fixed message
        /// for the peer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum RejectionKind {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nAnswered `", stringify!($status), "`, \"", $phrase, "\".")]
                $kind,
            )*
        }

        impl RejectionKind {
            /// All kinds.
            pub const ALL: &'static [RejectionKind] = &[$( RejectionKind::$kind, )*];

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self { $( RejectionKind::$kind => StatusCode::$status, )* }
            }

            /// The message that the peer gets as `ErrorInfo`.
            pub const fn phrase(self) -> &'static str {
                match self { $( RejectionKind::$kind => $phrase, )* }
            }

            /// The name of the kind in `snake_case`, for logs and metric labels.
            pub const fn as_str(self) -> &'static str {
                match self { $( RejectionKind::$kind => $name, )* }
            }

            /// The body of the answer, ready made.
            pub(crate) const fn envelope(self) -> &'static str {
                if let RejectionKind::Probe = self {
                    return OK_ENVELOPE;
                }
                match self {
                    $( RejectionKind::$kind => concat!(
                        r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":""#, $phrase, r#""}"#
                    ), )*
                }
            }
        }
    };
}

rejections! {
    /// Not an error: the console's check of the callback URL. It is answered `OK` and does not
    /// reach your service. This one is recognised by its body, which is empty or `{}`; one that is
    /// recognised by its URL is [`Verified::Probe`](crate::Verified::Probe).
    Probe "probe" OK "";
    /// The method is not POST.
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "method not allowed";
    /// `SdkAppid`, `CallbackCommand`, `Sign` or `RequestTime` is a duplicate, in any spelling.
    DuplicateParameter "duplicate_parameter" BAD_REQUEST "duplicate parameter";
    /// `SdkAppid` is missing.
    AppMissing "app_missing" BAD_REQUEST "SdkAppid missing";
    /// `SdkAppid` is not a number in plain digits.
    AppMalformed "app_malformed" BAD_REQUEST "SdkAppid malformed";
    /// The URL has no app or no command, like that of the console's check, but the body is neither
    /// empty nor `{}`: it may be a callback whose URL lost its parameters.
    UrlIncomplete "url_incomplete" BAD_REQUEST "SdkAppid or CallbackCommand missing";
    /// `CallbackCommand` is missing, and the request is not signed with any token.
    CommandMissing "command_missing" BAD_REQUEST "CallbackCommand missing";
    /// `CallbackCommand` does not decode to UTF-8.
    CommandMalformed "command_malformed" BAD_REQUEST "CallbackCommand malformed";
    /// The app is not configured.
    AppUnknown "app_unknown" FORBIDDEN "unknown SdkAppid";
    /// `Sign` is missing although the app is signed. Authentication may be turned off in the
    /// console.
    SignatureMissing "signature_missing" UNAUTHORIZED "Sign missing";
    /// `Sign` is not 64 hex digits.
    SignatureMalformed "signature_malformed" UNAUTHORIZED "Sign malformed";
    /// `RequestTime` is missing although the app is signed.
    TimeMissing "time_missing" UNAUTHORIZED "RequestTime missing";
    /// `RequestTime` is not a number in plain digits.
    TimeMalformed "time_malformed" UNAUTHORIZED "RequestTime malformed";
    /// `Sign` was not made with any accepted token.
    SignatureMismatch "signature_mismatch" UNAUTHORIZED "Sign does not match";
    /// The signature is valid, but too old: a replay, or the local clock is ahead.
    Stale "stale" UNAUTHORIZED "RequestTime too old";
    /// The signature is valid, but made for a time in the future: the local clock is behind.
    TimestampInFuture "timestamp_in_future" UNAUTHORIZED "RequestTime in the future";
    /// The body of a notification is larger than the limit, by its declared or its actual length. A
    /// *before* callback has [`Cause::BodyTooLarge`](crate::Cause::BodyTooLarge) instead.
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "body too large";
    /// The body of a notification ended early. A *before* callback has
    /// [`Cause::BodyIncomplete`](crate::Cause::BodyIncomplete) instead.
    BodyIncomplete "body_incomplete" BAD_REQUEST "body incomplete";
    /// The URL and the body have different apps.
    AppMismatch "app_mismatch" BAD_REQUEST "SdkAppid differs in body";
    /// The callback waits for a verdict, and its body cannot be read as the type of its command.
    /// Returned by [`Callback::parse`](crate::Callback::parse); the layer has a
    /// [`Cause`](crate::Cause) instead.
    Untyped "untyped" INTERNAL_SERVER_ERROR "callback without a type";
}

impl RejectionKind {
    /// Whether the request had been verified when it was refused. If so, it was sent by someone who
    /// knows the token, or a URL signed with it, and deserves attention.
    pub const fn is_after_verification(self) -> bool {
        matches!(
            self,
            RejectionKind::BodyTooLarge
                | RejectionKind::BodyIncomplete
                | RejectionKind::AppMismatch
                | RejectionKind::UrlIncomplete
                | RejectionKind::Untyped
        )
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that was refused: [why](Rejection::kind), and details for your logs.
///
/// The peer gets the status and a fixed message; everything else is for your logs. It never
/// contains the token, the signature, the query string or the body.
///
/// To answer, use [`Rejection::to_response`], or [`Rejection::to_reply`] and
/// [`status`](Self::status). Both answer [`RejectionKind::Probe`] with `OK`.
#[derive(Clone)]
pub struct Rejection {
    kind: RejectionKind,
    sdk_app_id: Option<SdkAppId>,
    detail: Detail,
}

#[derive(Clone, Debug)]
enum Detail {
    None,
    Parameter(&'static str),
    Skew(i64),
    Error(Box<str>),
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind) -> Self {
        Rejection { kind, sdk_app_id: None, detail: Detail::None }
    }

    pub(crate) fn duplicate(parameter: &'static str) -> Self {
        Rejection {
            detail: Detail::Parameter(parameter),
            ..Rejection::new(RejectionKind::DuplicateParameter)
        }
    }

    pub(crate) fn skewed(kind: RejectionKind, seconds: i64) -> Self {
        Rejection { detail: Detail::Skew(seconds), ..Rejection::new(kind) }
    }

    /// The body is neither empty nor `{}`, and its URL has no app or no command.
    pub(crate) fn url_incomplete(length: usize, kind: &str) -> Self {
        let text = format!(
            "body of {length} bytes, {kind}; if this was the console's check of the URL, please \
            report it"
        );
        Rejection {
            detail: Detail::Error(text.into()),
            ..Rejection::new(RejectionKind::UrlIncomplete)
        }
    }

    pub(crate) fn incomplete(error: &dyn fmt::Display) -> Self {
        Rejection {
            detail: Detail::Error(escaped(error).into()),
            ..Rejection::new(RejectionKind::BodyIncomplete)
        }
    }

    /// A callback that waits for a verdict and whose body cannot be read, with the reason.
    pub(crate) fn untyped(why: String) -> Self {
        Rejection { detail: Detail::Error(why.into()), ..Rejection::new(RejectionKind::Untyped) }
    }

    pub(crate) fn of_app(mut self, id: SdkAppId) -> Self {
        self.sdk_app_id = Some(id);
        self
    }

    /// What was wrong.
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The app that the URL names, if it could be read. Before the signature is verified, anybody
    /// may have written it.
    pub fn sdk_app_id(&self) -> Option<SdkAppId> {
        self.sdk_app_id
    }

    /// For [`Stale`](RejectionKind::Stale) and
    /// [`TimestampInFuture`](RejectionKind::TimestampInFuture): how many **seconds** `RequestTime`
    /// is ahead of the local clock; negative if it is behind.
    pub fn skew(&self) -> Option<i64> {
        match self.detail {
            Detail::Skew(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// For [`DuplicateParameter`](RejectionKind::DuplicateParameter): the parameter.
    pub fn parameter(&self) -> Option<&'static str> {
        match self.detail {
            Detail::Parameter(name) => Some(name),
            _ => None,
        }
    }

    /// For [`BodyIncomplete`](RejectionKind::BodyIncomplete): the error of the body. For
    /// [`Untyped`](RejectionKind::Untyped): why the body cannot be read. For
    /// [`UrlIncomplete`](RejectionKind::UrlIncomplete): what the body looks like.
    pub fn error(&self) -> Option<&str> {
        match &self.detail {
            Detail::Error(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("kind", &self.kind)
            .field("sdk_app_id", &self.sdk_app_id)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl From<RejectionKind> for Rejection {
    fn from(kind: RejectionKind) -> Self {
        Rejection::new(kind)
    }
}

/// For your logs: the message, and the details.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RejectionKind::Probe => f.write_str("check of the callback URL")?,
            kind => f.write_str(kind.phrase())?,
        }
        match &self.detail {
            Detail::None => Ok(()),
            Detail::Parameter(name) => write!(f, ": {name}"),
            Detail::Skew(seconds) if *seconds < 0 => {
                write!(f, ": {} s behind the local clock", seconds.unsigned_abs())
            }
            Detail::Skew(seconds) => write!(f, ": {seconds} s ahead of the local clock"),
            Detail::Error(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_json_and_phrases_need_no_escape() {
        for kind in RejectionKind::ALL {
            let value: serde_json::Value = serde_json::from_str(kind.envelope()).unwrap();
            let fail = *kind != RejectionKind::Probe;
            assert_eq!(value["ActionStatus"], if fail { "FAIL" } else { "OK" });
            assert_eq!(value["ErrorCode"], i32::from(fail));
            assert_eq!(value["ErrorInfo"], kind.phrase());
            assert_eq!(kind.status().is_success(), !fail);
        }
    }

    #[test]
    fn what_is_known_of_one_kind_is_not_told_of_another() {
        let told = |rejection: &Rejection| {
            let known = (rejection.skew(), rejection.parameter(), rejection.error().is_some());
            (known, rejection.to_string())
        };
        let of = |kind, detail| Rejection { detail, ..Rejection::new(kind) };
        for (rejection, known, text) in [
            (
                of(RejectionKind::Stale, Detail::Skew(-61)),
                (Some(-61), None, false),
                ": 61 s behind the local clock",
            ),
            (
                of(RejectionKind::TimestampInFuture, Detail::Skew(61)),
                (Some(61), None, false),
                ": 61 s ahead of the local clock",
            ),
            (
                of(RejectionKind::DuplicateParameter, Detail::Parameter("Sign")),
                (None, Some("Sign"), false),
                ": Sign",
            ),
            (
                of(RejectionKind::BodyIncomplete, Detail::Error("reset".into())),
                (None, None, true),
                ": reset",
            ),
        ] {
            let phrase = rejection.kind().phrase();
            assert_eq!(told(&rejection), (known, format!("{phrase}{text}")));
            assert_eq!(rejection.status(), rejection.kind().status());
        }
        assert_eq!(Rejection::new(RejectionKind::Probe).to_string(), "check of the callback URL");
    }

    #[test]
    fn phrases_are_each_their_own() {
        let mut phrases: Vec<_> = RejectionKind::ALL.iter().map(|kind| kind.phrase()).collect();
        phrases.sort_unstable();
        phrases.dedup();
        assert_eq!(phrases.len(), RejectionKind::ALL.len());
        for kind in RejectionKind::ALL {
            assert_eq!(kind.to_string(), kind.as_str());
        }
    }
}
