//! The parameters of a callback's URL.

use std::borrow::Cow;
use std::fmt;

use http::Uri;
use http::uri::PathAndQuery;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::query::{self, Place};
use crate::command::Command;
use crate::types::{OptPlatform, SdkAppId, TimestampSecs};

/// The verified parameters of a callback's URL.
///
/// The common ones are fields. The others are read from the URL on request. The signature cannot be
/// read from it, and `Debug` shows neither the URL nor the client's address.
///
/// It can be serialised, for example to send a callback through a queue, and the callback can be
/// parsed again elsewhere with [`Callback::parse`](crate::Callback::parse). It is then only as
/// trustworthy as the channel it came through.
///
/// Source: <https://trtc.io/document/34354>
#[derive(Clone)]
#[non_exhaustive]
pub struct Params {
    /// The app.
    pub sdk_app_id: SdkAppId,
    /// The command in the URL. Where the vendor documents that the command in the body takes
    /// precedence, [`Callback`](crate::Callback) has the one in the body here.
    pub command: Command,
    /// When Tencent signed the request, in **seconds**. `None` if the URL has no `RequestTime`
    /// (authentication is off).
    pub request_time: Option<TimestampSecs>,
    /// The platform of the client that caused the event, if the URL has it.
    pub opt_platform: Option<OptPlatform>,
    /// The URL without scheme and host. Every request clones the parameters for its outcome, and
    /// scheme and host would be copied each time.
    url: PathAndQuery,
    place: Place,
    token_index: Option<usize>,
}

impl Params {
    #[inline]
    pub(super) fn new(
        sdk_app_id: SdkAppId,
        command: Command,
        request_time: Option<TimestampSecs>,
        opt_platform: Option<OptPlatform>,
        token_index: Option<usize>,
        (uri, place): (&Uri, Place),
    ) -> Self {
        Params {
            sdk_app_id,
            command,
            request_time,
            opt_platform,
            url: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            place,
            token_index,
        }
    }

    /// The parameters of a callback that you have verified already, for example because you stored
    /// its body. All other parameters are missing.
    ///
    /// ```
    /// use tencent_im_callback::{Callback, Command, Params};
    ///
    /// let params = Params::trusted(1400000000, Command::SnsFriendDelete);
    /// let callback = Callback::parse(params, r#"{"PairList":[]}"#.into())?;
    /// # Ok::<(), tencent_im_callback::Rejection>(())
    /// ```
    pub fn trusted(sdk_app_id: impl Into<SdkAppId>, command: impl Into<Command>) -> Self {
        let uri = Uri::from_static("/");
        Params::new(sdk_app_id.into(), command.into(), None, None, None, (&uri, Place::Query))
    }

    /// Copies the URL into an allocation of its own. The URL of a request is a slice of the
    /// server's read buffer, and keeps that whole buffer in memory.
    #[cfg(feature = "detach")]
    pub(crate) fn compact(&mut self) {
        let copy = bytes::Bytes::copy_from_slice(self.url.as_str().as_bytes());
        // This cannot fail: the bytes are those of a path and query.
        if let Ok(url) = PathAndQuery::from_maybe_shared(copy) {
            self.url = url;
        }
    }

    /// Bytes of the URL.
    #[cfg(feature = "detach")]
    pub(crate) fn size(&self) -> usize {
        self.url.as_str().len()
    }

    /// Which of the app's tokens made the signature: the index, from 0, in the order in which they
    /// were [accepted](crate::App::accept). `None` for an unsigned app.
    pub fn token_index(&self) -> Option<usize> {
        self.token_index
    }

    /// The address of the client that caused the event (`ClientIP`), as Tencent saw it.
    pub fn client_ip(&self) -> Option<Cow<'_, str>> {
        self.get("ClientIP").filter(|address| !address.is_empty())
    }

    /// Tencent's id of this request (`RequestID`, also spelled `RequestId`): different for each
    /// callback, and the same if the callback is sent again. Tencent does not always send it.
    ///
    /// Source: <https://cloud.tencent.com/document/product/269/111212>
    pub fn request_id(&self) -> Option<Cow<'_, str>> {
        self.get("RequestId").filter(|id| !id.is_empty())
    }

    /// The first parameter of this name, case-insensitive. The signature is not available.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters except the signature, decoded, in the order of the URL. A value that does not
    /// decode to UTF-8 stays encoded.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query::decoded(self.place.read(self.url.path(), self.url.query()))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Params")
            .field("sdk_app_id", &self.sdk_app_id.0)
            .field("command", &self.command)
            .field("request_time", &self.request_time)
            .field("opt_platform", &self.opt_platform)
            .field("token_index", &self.token_index)
            .finish_non_exhaustive()
    }
}

/// The form in which `Params` are serialised: the fields, and the other parameters as they were in
/// the URL, without the signature.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    sdk_app_id: SdkAppId,
    command: Command,
    request_time: Option<i64>,
    opt_platform: Option<OptPlatform>,
    token_index: Option<usize>,
    query: Cow<'a, str>,
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut kept = String::with_capacity(self.url.query().map_or(0, str::len));
        for (pair, is_sign) in query::marked(self.place.read(self.url.path(), self.url.query())) {
            if !is_sign && !pair.is_empty() {
                if !kept.is_empty() {
                    kept.push('&');
                }
                kept.push_str(pair);
            }
        }
        Packed {
            sdk_app_id: self.sdk_app_id,
            command: self.command.clone(),
            request_time: self.request_time.map(|time| time.0),
            opt_platform: self.opt_platform.clone(),
            token_index: self.token_index,
            query: Cow::Owned(kept),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = Packed::deserialize(deserializer)?;
        // A path may hold characters that a query may not, such as a quote.
        let (url, place) = [("/?", Place::Query), ("/", Place::Path)]
            .into_iter()
            .find_map(|(before, place)| {
                let url: PathAndQuery = format!("{before}{}", packed.query).parse().ok()?;
                (place.read(url.path(), url.query()) == packed.query).then_some((url, place))
            })
            .ok_or_else(|| D::Error::custom("query is not that of a URL"))?;
        Ok(Params {
            sdk_app_id: packed.sdk_app_id,
            command: packed.command,
            request_time: packed.request_time.map(TimestampSecs),
            opt_platform: packed.opt_platform,
            token_index: packed.token_index,
            url,
            place,
        })
    }
}
