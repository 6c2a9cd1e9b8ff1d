use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tower_layer::Layer;

use super::edit::{Edit, Hook};
use super::finding::Judge;
use super::runs::Join;
use super::service::Moderate;
use super::settings::{Settings, Words};
use super::shown::Incomplete;
use crate::output::HandlerOutput;
use crate::reply::{c2c, group, official_account, sns};

/// Judges what people write before the inner service gets it: see the [module](super).
///
/// It stands before a router, a gateway or any other `Service<Callback>`. To a router,
/// [`EventRouter::moderate`](crate::EventRouter::moderate) adds it.
///
/// ```
/// use tencent_im_callback::EventRouter;
/// use tencent_im_callback::moderation::{Finding, ModerateLayer, Text};
/// use tencent_im_callback::reply::{c2c, group};
/// use tower::Layer;
///
/// let judge = |text: &Text<'_>| {
///     if text.contains("spam") { Finding::Reject } else { Finding::Allow }
/// };
/// let service = ModerateLayer::new(judge)
///     .reject_c2c_with(c2c::RejectCode::of::<120001>(), "no advertising, please")
///     .reject_group_with(group::RejectCode::of::<10100>(), "no advertising, please")
///     .layer(EventRouter::new());
/// ```
#[must_use]
pub struct ModerateLayer<J, M> {
    judge: Arc<J>,
    settings: Arc<Settings>,
    judges: PhantomData<fn() -> M>,
}

impl<J: Judge<M>, M> ModerateLayer<J, M> {
    /// Judges with this closure or function: see [`Judge`].
    pub fn new(judge: J) -> Self {
        let settings = Arc::default();
        ModerateLayer { judge: Arc::new(judge), settings, judges: PhantomData }
    }
}

impl<J, M> ModerateLayer<J, M> {
    fn set(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// Over what else the texts of a message are joined, so that a word that is split there is
    /// found.
    pub fn join(mut self, join: Join) -> Self {
        self.set().join = join;
        self
    }

    /// Does not reject a callback because it is incomplete in this way. What is there of it is
    /// judged.
    pub fn allow_incomplete(mut self, incomplete: Incomplete) -> Self {
        self.set().tolerated.push(incomplete);
        self
    }

    /// Rejects one-to-one messages with this code and text, which the sender's client gets. Without
    /// it, the sender gets an error code of Tencent's.
    pub fn reject_c2c_with(mut self, code: c2c::RejectCode, info: impl Into<String>) -> Self {
        self.set().c2c = Words::new(code.get(), info);
        self
    }

    /// Rejects messages to groups, new groups and topics, and applications to groups with this code
    /// and text.
    pub fn reject_group_with(mut self, code: group::RejectCode, info: impl Into<String>) -> Self {
        self.set().group = Words::new(code.get(), info);
        self
    }

    /// Rejects new official accounts and their messages with this code and text.
    pub fn reject_official_account_with(
        mut self,
        code: official_account::RejectCode,
        info: impl Into<String>,
    ) -> Self {
        self.set().official_account = Words::new(code.get(), info);
        self
    }

    /// Rejects friend requests and the answers to them with this code and text (38000 and no
    /// text), for each person whom they name.
    pub fn reject_friend_request_with(
        mut self,
        code: sns::RejectCode,
        info: impl Into<String>,
    ) -> Self {
        self.set().friend_request = Words::new(code.get(), info);
        self
    }

    /// Judges edited messages as well, and calls `hook` with each in which something is found or
    /// which is incomplete.
    ///
    /// Nobody is asked before an edit: `AfterModifyMsg` arrives when it is done. So the hook has to
    /// withdraw the message over Tencent's REST API. The inner service is called when the hook has
    /// returned; an error of the hook is the error of the service.
    pub fn on_edit<H, F>(mut self, hook: H) -> Self
    where
        H: Fn(Edit) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: HandlerOutput<()>,
    {
        self.set().on_edit = Some(Hook(Arc::new(move |edit| {
            let done = hook(edit);
            Box::pin(async move { done.await.into_result() })
        })));
        self
    }
}

impl<S, J: Judge<M>, M> Layer<S> for ModerateLayer<J, M> {
    type Service = Moderate<S, J, M>;

    fn layer(&self, inner: S) -> Moderate<S, J, M> {
        Moderate {
            inner,
            judge: self.judge.clone(),
            settings: self.settings.clone(),
            judges: PhantomData,
        }
    }
}

impl<J, M> Clone for ModerateLayer<J, M> {
    fn clone(&self) -> Self {
        ModerateLayer {
            judge: self.judge.clone(),
            settings: self.settings.clone(),
            judges: PhantomData,
        }
    }
}

impl<J, M> fmt::Debug for ModerateLayer<J, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModerateLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
