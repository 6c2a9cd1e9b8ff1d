//! Verification of a request by its method and URL alone.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, Uri};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::app::{App, Apps, Snapshot};
use super::params::Params;
use super::query::{self, Encoded, Place, Raw};
use super::token::{Token, decode_signature};
use crate::command::Command;
use crate::rejection::{Rejection, RejectionKind};
use crate::types::{OptPlatform, SdkAppId, TimestampSecs, digits};

/// How far `RequestTime` may be from the local clock, in the past or in the future.
const WINDOW: Duration = Duration::from_secs(60);

/// A request that names no app is tried against every token, but only up to this number of tokens,
/// so that a peer cannot decide how much is hashed.
const PROBED_TOKENS: usize = 64;

/// Decides from the method and the URL whether a request is a callback for one of your apps.
///
/// Everything that authenticates a callback is in its URL, so this can run before the body is read.
/// It checks, in this order: method, parameters, app, signature, time.
///
/// A valid signature does not cover the body: see [what the signature
/// proves](crate::docs::security#what-the-signature-proves).
///
/// `RequestTime` may be up to 60 s in the past or in the future. The vendor documents [that
/// minute](https://cloud.tencent.com/document/product/269/32431). The signature is compared with
/// that of every accepted token, in constant time.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use tencent_im_callback::{App, Command, RejectionKind, Token, Verified, Verifier};
///
/// let verifier = Verifier::new(App::signed(1400000000, Token::new("xxxxyyyy")?))
///     .clock(|| UNIX_EPOCH + Duration::from_secs(1669872112));
///
/// let uri = "/callback?SdkAppid=1400000000&CallbackCommand=Sns.CallbackFriendDelete\
///            &Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061\
///            &RequestTime=1669872112"
///     .parse()?;
/// let Verified::Callback(params) = verifier.verify(&http::Method::POST, &uri)? else { panic!() };
/// assert_eq!(params.command, Command::SnsFriendDelete);
///
/// let uri = "/callback?SdkAppid=1400000000&CallbackCommand=Sns.CallbackFriendDelete".parse()?;
/// let rejection = verifier.verify(&http::Method::POST, &uri).unwrap_err();
/// assert_eq!(rejection.kind(), RejectionKind::SignatureMissing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Verifier {
    apps: Apps,
    max_age: Duration,
    max_ahead: Duration,
    clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
    path_parameters: bool,
}

/// What a request is, according to its method and URL.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verified {
    /// A callback of one of your apps.
    Callback(Params),
    /// The console's check of the callback URL: it is signed, within the time window, and names no
    /// app or no command. Answer it `OK`, unless its body names a command: see
    /// [`Callback::check_probe`](crate::Callback::check_probe).
    Probe,
}

impl Verifier {
    /// A verifier for these apps. Keep a clone of the [`Apps`] to change them later.
    pub fn new(apps: impl Into<Apps>) -> Self {
        Verifier {
            apps: apps.into(),
            max_age: WINDOW,
            max_ahead: WINDOW,
            clock: None,
            path_parameters: false,
        }
    }

    /// The maximum age of `RequestTime`, in whole seconds (60 s); exactly this age is accepted.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How far in the future `RequestTime` may be, in whole seconds (60 s); exactly this distance
    /// is accepted.
    pub fn max_ahead(mut self, max_ahead: Duration) -> Self {
        self.max_ahead = max_ahead;
        self
    }

    /// Replaces the system's clock, for tests.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// If the query is missing or empty, reads the parameters from the last segment of the path, as
    /// in `/SdkAppid=…&CallbackCommand=…`. The oldest vendor pages show this form, most likely by
    /// mistake.
    pub fn path_parameters(mut self) -> Self {
        self.path_parameters = true;
        self
    }

    /// Verifies method and URL.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]; each reason has its own [kind](RejectionKind).
    pub fn verify(&self, method: &Method, uri: &Uri) -> Result<Verified, Rejection> {
        if method != Method::POST {
            return Err(RejectionKind::MethodNotAllowed.into());
        }
        let place = Place::of(uri, self.path_parameters);
        let raw = Raw::scan(place.read(uri.path(), uri.query()))?;
        let claimed = match raw.sdk_app_id {
            Some(text) => {
                let id = digits(text).ok_or(RejectionKind::AppMalformed)?;
                Some(SdkAppId(id))
            }
            None => None,
        };
        let command = match raw.command {
            None | Some("") => None,
            Some(word) => Some(Encoded::of(word).ok_or(RejectionKind::CommandMalformed)?),
        };
        let apps = self.apps.load();
        let Some(id) = claimed else {
            return match self.proves_a_token(&apps, &raw) {
                Some(()) => Ok(Verified::Probe),
                None => Err(RejectionKind::AppMissing.into()),
            };
        };
        let app =
            apps.get(id).ok_or_else(|| Rejection::from(RejectionKind::AppUnknown).of_app(id))?;
        let (token, seconds) =
            self.authenticate(app, &raw).map_err(|rejection| rejection.of_app(id))?;
        // Decoded only now that the signature is verified, since decoding may allocate.
        let Some(command) = command.map(|word| word.decode()) else {
            return match token {
                Some(_) => Ok(Verified::Probe),
                None => Err(Rejection::from(RejectionKind::CommandMissing).of_app(id)),
            };
        };
        let command = Command::from(&*command);
        let time = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(TimestampSecs);
        let platform = raw
            .opt_platform
            .filter(|text| !text.is_empty())
            .map(|text| OptPlatform::from(&*query::strict(text).unwrap_or(text.into())));
        let params = Params::new(id, command, time, platform, token, (uri, place));
        Ok(Verified::Callback(params))
    }

    /// The index of the token that made the signature, or `None` if the app is unsigned; and the
    /// time of the request, if there is one.
    fn authenticate(
        &self,
        app: &App,
        raw: &Raw<'_>,
    ) -> Result<(Option<usize>, Option<u64>), Rejection> {
        if !app.is_signed() {
            return Ok((None, raw.request_time.and_then(digits)));
        }
        let sign = raw.sign.ok_or(RejectionKind::SignatureMissing)?;
        let time = raw.request_time.ok_or(RejectionKind::TimeMissing)?;
        let sign = decode_signature(sign).ok_or(RejectionKind::SignatureMalformed)?;
        let seconds = signed_seconds(time).ok_or(RejectionKind::TimeMalformed)?;
        let index = matching_token(app.tokens().iter(), time, &sign)
            .ok_or(RejectionKind::SignatureMismatch)?;
        self.check_age(seconds)?;
        Ok((Some(index), Some(seconds)))
    }

    fn check_age(&self, seconds: u64) -> Result<(), Rejection> {
        let now = self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock());
        // If the local clock is before 1970, every `RequestTime` is in the future.
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs());
        let skew = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        if seconds > now {
            let ahead = seconds - now;
            if Duration::from_secs(ahead) > self.max_ahead {
                return Err(Rejection::skewed(RejectionKind::TimestampInFuture, skew(ahead)));
            }
        } else {
            let age = now - seconds;
            if Duration::from_secs(age) > self.max_age {
                return Err(Rejection::skewed(RejectionKind::Stale, -skew(age)));
            }
        }
        Ok(())
    }

    /// A request that names no app is the console's probe if it is signed with any token of ours.
    fn proves_a_token(&self, apps: &Snapshot, raw: &Raw<'_>) -> Option<()> {
        let sign = decode_signature(raw.sign?)?;
        let time = raw.request_time?;
        let seconds = signed_seconds(time)?;
        if apps.tokens().nth(PROBED_TOKENS).is_some() {
            return None;
        }
        matching_token(apps.tokens(), time, &sign)?;
        self.check_age(seconds).ok()
    }
}

/// The time that a signature covers. A zero in front is refused: the signature of token `T0` for
/// time `1` is that of token `T` for time `01`.
fn signed_seconds(time: &str) -> Option<u64> {
    if time.starts_with('0') && time != "0" {
        return None;
    }
    digits(time)
}

/// A digest as four words: `subtle` compares a slice item by item, and four items are fewer than
/// 32.
fn words(digest: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.as_chunks().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    words
}

/// Compares the signature with that of every token, in constant time: neither a mismatch nor a
/// match ends the loop, and the place of the match is selected without a branch.
fn matching_token<'a>(
    tokens: impl Iterator<Item = &'a Token>,
    time: &str,
    sign: &[u8; 32],
) -> Option<usize> {
    const NONE: u64 = u64::MAX;
    let mut found = NONE;
    for (index, token) in (0u64..).zip(tokens) {
        let first = found.ct_eq(&NONE);
        let equal = words(&token.digest(time)).ct_eq(&words(sign));
        found.conditional_assign(&index, equal & first);
    }
    if found == NONE { None } else { usize::try_from(found).ok() }
}

impl From<Apps> for Verifier {
    fn from(apps: Apps) -> Self {
        Verifier::new(apps)
    }
}

impl From<App> for Verifier {
    fn from(app: App) -> Self {
        Verifier::new(app)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("apps", &self.apps)
            .field("max_age", &self.max_age)
            .field("max_ahead", &self.max_ahead)
            .field("path_parameters", &self.path_parameters)
            .finish_non_exhaustive()
    }
}
