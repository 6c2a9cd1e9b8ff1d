use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::config::Config;
use super::service::CallbackService;
use crate::auth::Verifier;
use crate::response::{Failure, OnError};

/// Turns a service of [`Callback`](crate::Callback)s into one of HTTP requests.
///
/// See the [module](crate::handle) for what it does to a request, and where other layers go.
///
/// ```
/// use tencent_im_callback::{App, CallbackLayer, OnError, Reply, Token};
///
/// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
/// // Reject messages when moderation fails.
/// let layer = CallbackLayer::new(app)
///     .body_limit(256 * 1024)
///     .on_before_error(OnError::Reply(Reply::reject(1, "try again later")));
/// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CallbackLayer {
    config: Arc<Config>,
}

impl CallbackLayer {
    /// A layer for the callbacks of one app, of several ([`Apps`](crate::Apps)), or as a [`Verifier`] decides.
    pub fn new(verifier: impl Into<Verifier>) -> Self {
        CallbackLayer {
            config: Arc::new(Config::new(verifier.into())),
        }
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Longest body accepted, in bytes (1 MiB by default). More is refused with 413, by its declared length if it has one.
    pub fn body_limit(self, bytes: usize) -> Self {
        self.configure(|config| config.body_limit = bytes)
    }

    /// What to answer when a *before* callback, or one of unknown phase, cannot be handled
    /// ([`OnError::ServerError`] by default).
    ///
    /// A [`Reply::reject`](crate::Reply::reject) refuses most commands, but not the two of `Sns.Prev…`: see
    /// [`on_error`](Self::on_error).
    pub fn on_before_error(self, answer: OnError) -> Self {
        self.configure(|config| config.before = answer)
    }

    /// What to answer when an *after* callback or a notice cannot be handled (status 200 and `FAIL` by default).
    ///
    /// Whatever it is, Tencent does not send the event again unless the console says so, and then only after a time-out. Alert on
    /// [`Outcome`](crate::Outcome), not on the status.
    pub fn on_after_error(self, answer: OnError) -> Self {
        self.configure(|config| config.after = answer)
    }

    /// Decides case by case what to answer when a callback cannot be handled, instead of
    /// [`on_before_error`](Self::on_before_error) and [`on_after_error`](Self::on_after_error).
    ///
    /// No single reply refuses every command: ten of those *before* an action are refused by [`Reply::reject`](crate::Reply::reject) with code 1, and a
    /// gift is blocked by any failure. The two of `Sns.Prev…` cannot be refused from here, since any top-level code lets everybody
    /// through and a verdict names each person of the event: there the handler must turn its own errors into
    /// [`reject_all`](crate::reply::sns::PrevFriendAddReply::reject_all).
    ///
    /// ```
    /// use tencent_im_callback::{App, CallbackLayer, Family, OnError, Phase, Reply, Token};
    ///
    /// let layer = CallbackLayer::new(App::signed(1400000000, Token::new("xxxxyyyy")?)).on_error(|failure| {
    ///     eprintln!("{:?}: {}", failure.command(), failure.cause());
    ///     match failure.phase() {
    ///         Phase::Before if failure.command().family() != Family::Sns => {
    ///             OnError::Reply(Reply::reject(1, "try again later"))
    ///         }
    ///         _ => OnError::ServerError,
    ///     }
    /// });
    /// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
    /// ```
    pub fn on_error(self, choose: impl Fn(&Failure<'_>) -> OnError + Send + Sync + 'static) -> Self {
        self.configure(|config| config.choose = Some(Arc::new(choose)))
    }

    /// Hands also those *before* callbacks to the service whose body does not fit the type of their command, or names an unknown one, as
    /// [`Event::Unknown`](crate::Event::Unknown). The service must then not take "unknown" for "allowed": a message that a
    /// crafted body hides from moderation is one of these.
    pub fn forward_misfits(self) -> Self {
        self.configure(|config| config.forward_misfits = true)
    }
}

impl<S> Layer<S> for CallbackLayer {
    type Service = CallbackService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallbackService::new(inner, self.config.clone())
    }
}

impl fmt::Debug for CallbackLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackLayer").field("config", &self.config).finish()
    }
}
