use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::config::Config;
use super::service::CallbackService;
use crate::auth::Verifier;
use crate::response::{Failure, OnError};

/// Makes an HTTP service out of a service of [`Callback`](crate::Callback)s.
///
/// The [module](crate::handle) says what it does with a request, and where to put other layers.
///
/// ```
/// use tencent_im_callback::{App, CallbackLayer, OnError, Token};
///
/// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
/// // Reject messages when moderation fails.
/// let layer = CallbackLayer::new(app)
///     .body_limit(256 * 1024)
///     .on_before_error(OnError::reject("try again later"));
/// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CallbackLayer {
    config: Arc<Config>,
}

impl CallbackLayer {
    /// A layer for the callbacks of one app, of several ([`Apps`](crate::Apps)), or with a
    /// [`Verifier`] of your own.
    pub fn new(verifier: impl Into<Verifier>) -> Self {
        CallbackLayer { config: Arc::new(Config::new(verifier.into())) }
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The maximum size of a body in bytes (1 MiB by default). A larger notification is refused
    /// with 413, before it is read if its length is declared. About a larger *before* callback
    /// [`OnError`] decides, so set the limit here and not in a layer outside, which would answer
    /// 413 and thereby let the action go on.
    pub fn body_limit(self, bytes: usize) -> Self {
        self.configure(|config| config.body_limit = bytes)
    }

    /// How to answer when a *before* callback, or one of unknown phase, cannot be handled: the
    /// service failed, panicked, was overloaded or too late, or the body is too large, breaks off
    /// or cannot be read. [`OnError::ServerError`] by default, after which Tencent by default lets
    /// the action go on. [`OnError::reject`] blocks it.
    pub fn on_before_error(self, answer: OnError) -> Self {
        self.configure(|config| config.before = answer)
    }

    /// How to answer when an *after* callback or a notice cannot be handled (status 200 and `FAIL`
    /// by default).
    ///
    /// Whatever you answer, Tencent does not send the event again, unless the console is set to do
    /// so, and then only after a time-out. Alert on [`Outcome`](crate::Outcome), not on the status.
    pub fn on_after_error(self, answer: OnError) -> Self {
        self.configure(|config| config.after = answer)
    }

    /// A function that decides how to answer a callback that cannot be handled, instead of
    /// [`on_before_error`](Self::on_before_error) and [`on_after_error`](Self::on_after_error). If
    /// it panics, these two decide.
    ///
    /// ```
    /// use tencent_im_callback::{App, CallbackLayer, Family, OnError, Phase, Reply, Token};
    ///
    /// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
    /// let layer = CallbackLayer::new(app).on_error(|failure| {
    ///     eprintln!("{:?}: {}", failure.command(), failure.cause());
    ///     match (failure.phase(), failure.command().family()) {
    ///         (Phase::Before, Family::Group) => {
    ///             OnError::Reply(Reply::reject(10100, "try again later"))
    ///         }
    ///         (Phase::Before, _) => OnError::reject("try again later"),
    ///         _ => OnError::ServerError,
    ///     }
    /// });
    /// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
    /// ```
    pub fn on_error(
        self,
        choose: impl Fn(&Failure<'_>) -> OnError + Send + Sync + 'static,
    ) -> Self {
        self.configure(|config| config.choose = Some(Arc::new(choose)))
    }

    /// Also passes on *before* callbacks that cannot be read as the type of their command, as
    /// [`Event::Unknown`](crate::Event::Unknown): the body does not fit or is no JSON, or a command
    /// is unknown. The service must not allow what is unknown: a crafted body can hide a message
    /// from moderation this way.
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
