use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Instant;

use tower_layer::Layer;

use super::quota::Quota;
use super::service::{RateLimit, Settings};
use crate::callback::Callback;
use crate::reply::Reply;
use crate::response::rejecting;
use crate::types::SdkAppId;

/// The number of keys that are held, unless [`RateLimitLayer::capacity`] is set.
const CAPACITY: usize = 100_000;

/// Limits how many callbacks of one sender, group, app or key of yours are handled.
///
/// Only callbacks that wait for an answer are limited, as [`Split`](crate::Split) tells them apart,
/// unless [`limit_notifications`](Self::limit_notifications) is set. The
/// [module](crate::limit) says where the layer stands, and what a callback over the limit is
/// answered.
///
/// **Keys are chosen by strangers**, who can register as many accounts as they like. So at most
/// [`capacity`](Self::capacity) keys are held, each in a few bytes however long it is. A key is
/// forgotten, once there is no room, when it has its whole quota again. While all room is taken,
/// the keys that are not held share one quota; [`RateLimitStats::shared`](crate::RateLimitStats)
/// counts these callbacks.
///
/// Counts are in memory: each replica of your server has its own, and a restart forgets them.
///
/// ```
/// use tencent_im_callback::{EventRouter, Quota, RateLimitLayer};
/// use tower::ServiceBuilder;
///
/// // Twenty messages of one sender at once, and five a second for long; of one app, a thousand.
/// let of_sender = Quota::per_second(5).burst(20);
/// let service = ServiceBuilder::new()
///     .layer(RateLimitLayer::per_app(Quota::per_second(1000)))
///     .layer(RateLimitLayer::per_sender(of_sender).reject("slow down, please"))
///     .service(EventRouter::new());
/// ```
#[derive(Clone)]
#[must_use]
pub struct RateLimitLayer {
    quota: Quota,
    capacity: usize,
    settings: Settings,
}

/// The key of a callback by a name in it. One that has no such name is not limited, unless it could
/// not be read: those of an app share one key, so that no broken body is a way around the limit.
fn by_name<'a>(
    callback: &'a Callback,
    name: Option<&'a str>,
) -> Option<(SdkAppId, Option<&'a str>)> {
    let is_limited = name.is_some() || callback.event.unjudged(callback.command()).is_some();
    is_limited.then_some((callback.params.sdk_app_id, name))
}

impl RateLimitLayer {
    /// Limits each sender of each app: [`Event::sender`](crate::Event::sender). A callback without
    /// a sender is not limited.
    ///
    /// Messages that your server sends over the REST API have a sender, too. If they ask for a
    /// verdict, and are more than the quota allows, use [`per_key`](Self::per_key) with
    /// [`is_from_rest_api`](Callback::is_from_rest_api).
    pub fn per_sender(quota: Quota) -> Self {
        let hasher = RandomState::new();
        RateLimitLayer::new(quota, move |callback| {
            Some(hasher.hash_one(by_name(callback, callback.event.sender())?))
        })
    }

    /// Limits each group of each app: [`Event::group_id`](crate::Event::group_id). A callback
    /// outside of groups is not limited.
    pub fn per_group(quota: Quota) -> Self {
        let hasher = RandomState::new();
        RateLimitLayer::new(quota, move |callback| {
            Some(hasher.hash_one(by_name(callback, callback.event.group_id())?))
        })
    }

    /// Limits each app.
    pub fn per_app(quota: Quota) -> Self {
        RateLimitLayer::per_key(quota, |callback| Some(callback.params.sdk_app_id))
    }

    /// Limits by a key of your own; a callback for which the function returns `None` is not
    /// limited.
    ///
    /// ```
    /// use tencent_im_callback::{Callback, Quota, RateLimitLayer};
    ///
    /// // Each sender in each group, but not what your own server sends.
    /// let layer = RateLimitLayer::per_key(Quota::per_second(1).burst(10), |callback: &Callback| {
    ///     let (sender, group) = (callback.event.sender()?, callback.event.group_id()?);
    ///     let key = (callback.params.sdk_app_id, sender.to_owned(), group.to_owned());
    ///     (!callback.is_from_rest_api()).then_some(key)
    /// });
    /// ```
    pub fn per_key<K: Hash>(
        quota: Quota,
        key: impl Fn(&Callback) -> Option<K> + Send + Sync + 'static,
    ) -> Self {
        let hasher = RandomState::new();
        RateLimitLayer::new(quota, move |callback| Some(hasher.hash_one(key(callback)?)))
    }

    fn new(quota: Quota, key: impl Fn(&Callback) -> Option<u64> + Send + Sync + 'static) -> Self {
        let settings =
            Settings { key: Arc::new(key), limits_notifications: false, reply: None, clock: None };
        RateLimitLayer { quota, capacity: CAPACITY, settings }
    }

    /// The maximum number of keys to hold (100,000), some 45 bytes each. It should be more than
    /// come within the time in which a burst is earned again: 4 s for `per_second(5).burst(20)`.
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self
    }

    /// Limits notifications as well. One over the limit is lost: Tencent does not send it again.
    /// Around the handlers of a queue's worker it is tried again later.
    pub fn limit_notifications(mut self) -> Self {
        self.settings.limits_notifications = true;
        self
    }

    /// Blocks an action over the limit, with a text for the client, in the form that its command
    /// takes: see [`Reply::rejecting`]. For codes of your own, see [`reply`](Self::reply).
    ///
    /// Such a callback counts as accepted, with
    /// [`Disposition::RateLimited`](crate::Disposition::RateLimited). A friend request that names
    /// nobody, and a callback whose command takes no verdict, fails with
    /// [`Cause::RateLimited`](crate::Cause::RateLimited) all the same.
    pub fn reject(self, info: impl Into<Cow<'static, str>>) -> Self {
        let info = info.into();
        self.reply(move |callback| {
            let command = callback.answered_as();
            let waits = command.phase().may_decide();
            waits.then(|| rejecting(command, &callback.body, &info)).flatten()
        })
    }

    /// A function that makes the reply to a callback over the limit. For `None`, the callback fails
    /// with [`Cause::RateLimited`](crate::Cause::RateLimited). It is not called for notifications,
    /// which fail.
    ///
    /// ```
    /// use tencent_im_callback::reply::{c2c, group};
    /// use tencent_im_callback::{Command, Quota, RateLimitLayer, Reply};
    ///
    /// let quota = Quota::per_second(5).burst(20);
    /// let layer = RateLimitLayer::per_sender(quota).reply(|callback| match callback.command() {
    ///     Command::C2cBeforeSendMsg => {
    ///         let code = c2c::RejectCode::of::<120002>();
    ///         Some(c2c::BeforeSendMsgReply::reject_with(code, "slow down, please").into())
    ///     }
    ///     Command::GroupBeforeSendMsg => {
    ///         let code = group::RejectCode::of::<10102>();
    ///         Some(group::BeforeSendMsgReply::reject_with(code, "slow down, please").into())
    ///     }
    ///     command => Reply::rejecting(command, &callback.body, "slow down, please"),
    /// });
    /// ```
    pub fn reply(
        mut self,
        reply: impl Fn(&Callback) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        self.settings.reply = Some(Arc::new(reply));
        self
    }

    /// Replaces the system's monotonic clock, for tests.
    pub fn clock(mut self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.settings.clock = Some(Arc::new(clock));
        self
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    /// Each service made by a layer has its own table of keys, which the clones of that service
    /// share.
    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(inner, self.quota, self.capacity, self.settings.clone())
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("quota", &self.quota)
            .field("capacity", &self.capacity)
            .field("limit_notifications", &self.settings.limits_notifications)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;

    /// With a secret that is known, somebody could register names that collide.
    #[test]
    fn the_hash_of_a_key_is_a_secret_of_the_layer() {
        let quota = Quota::per_second(1);
        let callback = crate::testing::group_message("g", "a", "hello").erase();
        for layer in [
            RateLimitLayer::per_sender,
            RateLimitLayer::per_group,
            RateLimitLayer::per_app,
            |quota| RateLimitLayer::per_key(quota, |_| Some("key")),
        ] {
            let hash = || (layer(quota).settings.key)(&callback).unwrap();
            assert_ne!(hash(), hash());
        }
    }
}
