use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::sample::sample_for;
use crate::auth::Token;
use crate::callback::Callback;
use crate::command::Command;
use crate::types::SdkAppId;

/// The default app of a request.
pub(super) const APP: u64 = 1_400_000_000;

/// The default token of a request: the one in Tencent's sample.
const TOKEN: &str = "xxxxyyyy";

/// Builds a callback request as Tencent sends it, or [with one error](Fault).
///
/// ```
/// use http_body_util::Full;
/// use bytes::Bytes;
/// use tencent_im_callback::testing::SignedRequest;
/// use tencent_im_callback::{
///     App, CallbackLayer, Command, Outcome, OutcomeKind, Reply, Token,
/// };
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # tokio_test::block_on(async {
/// let layer = CallbackLayer::new(App::signed(1400000000, Token::new("xxxxyyyy")?));
/// let service = layer.layer(service_fn(async |_| Ok::<_, std::convert::Infallible>(Reply::ok())));
///
/// let request = SignedRequest::new(Command::SnsFriendDelete).build::<Full<Bytes>>();
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.extensions().get::<Outcome>().unwrap().kind(), OutcomeKind::Accepted);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct SignedRequest {
    command: Command,
    app: SdkAppId,
    token: Option<Token>,
    time: Option<u64>,
    body: Option<Bytes>,
    url: String,
    parameters: Vec<(String, String)>,
    in_path: bool,
    fault: Option<Fault>,
}

/// An error in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Signed an hour ago.
    Stale,
    /// Signed for an hour from now.
    TimestampInFuture,
    /// Signed with another token.
    SignatureMismatch,
    /// No `Sign`.
    MissingSignature,
    /// No `RequestTime`.
    MissingTime,
    /// `Sign` one digit short.
    MalformedSignature,
    /// An app with another id.
    OtherApp,
    /// `SdkAppid` is not a number.
    AppNotANumber,
    /// No `SdkAppid`, and a signature with another token.
    MissingApp,
    /// `CallbackCommand` twice.
    DuplicateParameter,
    /// `CallbackCommand` does not decode to UTF-8.
    CommandNotUtf8,
    /// The body has another command than the URL.
    CommandMismatch,
    /// The body ends in the middle of the JSON.
    TruncatedJson,
    /// The body is not JSON.
    NotJson,
    /// The body is a JSON array.
    NotAnObject,
    /// Something follows after the JSON of the body.
    TrailingBytes,
    /// The body is two mebibytes long.
    TooLarge,
    /// GET instead of POST.
    WrongMethod,
}

impl Fault {
    /// All faults.
    pub const ALL: &'static [Fault] = &[
        Fault::Stale,
        Fault::TimestampInFuture,
        Fault::SignatureMismatch,
        Fault::MissingSignature,
        Fault::MissingTime,
        Fault::MalformedSignature,
        Fault::OtherApp,
        Fault::AppNotANumber,
        Fault::MissingApp,
        Fault::DuplicateParameter,
        Fault::CommandNotUtf8,
        Fault::CommandMismatch,
        Fault::TruncatedJson,
        Fault::NotJson,
        Fault::NotAnObject,
        Fault::TrailingBytes,
        Fault::TooLarge,
        Fault::WrongMethod,
    ];
}

impl SignedRequest {
    /// A request for this command: app 1400000000, token `xxxxyyyy`, signed now, with the
    /// [documented body](super::sample).
    pub fn new(command: impl Into<Command>) -> Self {
        SignedRequest {
            command: command.into(),
            app: SdkAppId(APP),
            token: Token::new(TOKEN).ok(),
            time: None,
            body: None,
            url: "/".to_owned(),
            parameters: Vec::new(),
            in_path: false,
            fault: None,
        }
    }

    /// A request with the command, app and body of this callback, for example one from
    /// [`c2c_message`](super::c2c_message).
    ///
    /// ```
    /// use tencent_im_callback::testing::{SignedRequest, c2c_message};
    ///
    /// let message = c2c_message("jared", "jonh", "red packet");
    /// let request = SignedRequest::of(&message).build::<Vec<u8>>();
    /// assert!(request.uri().query().unwrap().contains("C2C.CallbackBeforeSendMsg"));
    /// assert!(std::str::from_utf8(request.body()).unwrap().contains("red packet"));
    /// ```
    pub fn of<E>(callback: &Callback<E>) -> Self {
        let params = &callback.params;
        SignedRequest::new(params.command.clone())
            .app(params.sdk_app_id)
            .body(callback.body.clone())
    }

    /// Sets the app.
    pub fn app(mut self, app: impl Into<SdkAppId>) -> Self {
        self.app = app.into();
        self
    }

    /// Signs with this token.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Without a signature, as Tencent sends it when authentication is off.
    pub fn unsigned(mut self) -> Self {
        self.token = None;
        self
    }

    /// Signs for this time, in Unix **seconds**.
    pub fn time(mut self, unix_seconds: u64) -> Self {
        self.time = Some(unix_seconds);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the URL without parameters: a path such as `/callback`, or with scheme and host. The
    /// default is `/`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Adds a parameter, such as `ClientIP`, or the `RequestId` that some commands need to be
    /// recognised as duplicates. It is percent-encoded.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts the parameters into the path, as the oldest vendor pages show it.
    pub fn path_parameters(mut self) -> Self {
        self.in_path = true;
        self
    }

    /// Adds this error.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Builds the request.
    ///
    /// # Panics
    ///
    /// If the [url](Self::url) is not a URL.
    #[track_caller]
    pub fn build<B: From<Bytes>>(&self) -> Request<B> {
        let mut request = Request::new(B::from(self.bytes()));
        *request.method_mut() = match self.fault {
            Some(Fault::WrongMethod) => Method::GET,
            _ => Method::POST,
        };
        let url = self.full_url();
        *request.uri_mut() = match shared_uri(url) {
            Ok(uri) => uri,
            // The parameters are left out, since they hold a signature.
            Err(error) => panic!("{}: {error}", self.url),
        };
        request
    }

    fn bytes(&self) -> Bytes {
        let sample = || {
            let word = self.command.as_str();
            let fallback = || format!(r#"{{"CallbackCommand":"{word}"}}"#);
            sample_for(&self.command, self.app).unwrap_or_else(fallback)
        };
        let good = self.body.clone().unwrap_or_else(|| sample().into());
        match self.fault {
            Some(Fault::CommandMismatch) => {
                let other = match self.command {
                    Command::SnsFriendAdd => Command::SnsFriendDelete,
                    _ => Command::SnsFriendAdd,
                };
                format!(r#"{{"CallbackCommand":"{other}"}}"#).into()
            }
            Some(Fault::TruncatedJson) => {
                good.slice(..good.trim_ascii_end().len().saturating_sub(1))
            }
            Some(Fault::NotJson) => "SdkAppid=1400000000".into(),
            Some(Fault::NotAnObject) => [b"[", &good[..], b"]"].concat().into(),
            Some(Fault::TrailingBytes) => [&good[..], b"x"].concat().into(),
            Some(Fault::TooLarge) => vec![b' '; 2 * 1024 * 1024].into(),
            _ => good,
        }
    }

    fn full_url(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        match self.fault {
            Some(Fault::MissingApp) => {}
            Some(Fault::AppNotANumber) => pairs.push(("SdkAppid", format!("+{}", self.app))),
            Some(Fault::OtherApp) => pairs.push(("SdkAppid", (self.app.0 ^ 1).to_string())),
            _ => pairs.push(("SdkAppid", self.app.to_string())),
        }
        let word = match self.fault {
            Some(Fault::CommandNotUtf8) => "%ff".to_owned(),
            _ => encode(self.command.as_str()),
        };
        pairs.push(("CallbackCommand", word.clone()));
        if self.fault == Some(Fault::DuplicateParameter) {
            pairs.push(("callbackcommand", word));
        }
        pairs.push(("contenttype", "json".to_owned()));
        for (name, value) in &self.parameters {
            pairs.push((name, encode(value)));
        }
        if let Some(token) = &self.token {
            self.push_signature(token, &mut pairs);
        }
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (url, pairs) = (&self.url, pairs.join("&"));
        if self.in_path {
            format!("{}/{pairs}", url.trim_end_matches('/'))
        } else {
            format!("{url}?{pairs}")
        }
    }

    fn push_signature(&self, token: &Token, pairs: &mut Vec<(&str, String)>) {
        let time = self.time.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        });
        let time = match self.fault {
            Some(Fault::Stale) => time.saturating_sub(3600),
            Some(Fault::TimestampInFuture) => time + 3600,
            _ => time,
        };
        let signed = match self.fault {
            Some(Fault::SignatureMismatch | Fault::MissingApp) => format!("?{time}"),
            _ => time.to_string(),
        };
        let mut signature = const_hex::encode(token.digest(&signed));
        if self.fault == Some(Fault::MalformedSignature) {
            signature.pop();
        }
        if self.fault != Some(Fault::MissingSignature) {
            pairs.push(("Sign", signature));
        }
        if self.fault != Some(Fault::MissingTime) {
            pairs.push(("RequestTime", time.to_string()));
        }
    }
}

/// Signs a time (Unix seconds) as Tencent does: the SHA-256 of the token followed by the time, in
/// lower-case hex. For requests that [`SignedRequest`] does not build. Any string is taken as a
/// token, also an invalid one.
///
/// Source: <https://trtc.io/document/34354>
///
/// ```
/// assert_eq!(
///     tencent_im_callback::testing::sign("xxxxyyyy", 1_669_872_112),
///     "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061",
/// );
/// ```
pub fn sign(token: &str, unix_seconds: u64) -> String {
    let hash = Sha256::new_with_prefix(token).chain_update(unix_seconds.to_string());
    const_hex::encode(hash.finalize())
}

/// All but what a URL may hold as it is, so that a command word stays readable, as Tencent sends
/// it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Without the token and the body.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("command", &self.command)
            .field("app", &self.app)
            .field("signed", &self.token.is_some())
            .field("time", &self.time)
            .field("url", &self.url)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A URI in shared memory, as a server's is: cloning it allocates nothing, so that a test that
/// counts allocations counts the same.
fn shared_uri(url: String) -> Result<Uri, http::uri::InvalidUri> {
    Uri::from_maybe_shared(Bytes::from_owner(url.into_bytes()))
}
