//! Moderation beside the handlers.

use std::sync::Arc;

use tower_layer::Layer;
use tower_service::Service;

use super::future::RouterFuture;
use super::service::EventRouter;
use crate::moderation::{Judge, ModerateLayer};
use crate::reply::Disposition;

impl<T: Clone + Send + Sync + 'static> EventRouter<T> {
    /// Judges what people write in messages, names and friend requests before a handler gets it:
    /// see [`moderation`](crate::moderation), which lists the commands.
    ///
    /// What the judge allows goes to the handler of its event, and is allowed if there is none.
    ///
    /// ```
    /// use tencent_im_callback::EventRouter;
    /// use tencent_im_callback::moderation::{Finding, Text};
    ///
    /// let router = EventRouter::new().moderate(|text: &Text<'_>| {
    ///     if text.contains("spam") { Finding::Reject } else { Finding::Allow }
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// If there is a judge already.
    #[track_caller]
    pub fn moderate<J, M>(self, judge: J) -> Self
    where
        J: Judge<M>,
        M: 'static,
    {
        self.moderate_with(ModerateLayer::new(judge))
    }

    /// [`moderate`](Self::moderate) with settings: codes of rejections, edits and others.
    ///
    /// # Panics
    ///
    /// If there is a judge already.
    #[track_caller]
    pub fn moderate_with<J, M>(mut self, layer: ModerateLayer<J, M>) -> Self
    where
        J: Judge<M>,
        M: 'static,
    {
        let routes = Arc::make_mut(&mut self.routes);
        assert!(routes.moderation.is_none(), "there is a judge already");
        routes.moderation = Some(Arc::new(move |routes, callback| RouterFuture {
            future: Some(Box::pin(layer.layer(routes).call(callback))),
            disposition: Disposition::Handled,
        }));
        self
    }
}
