use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use tower_service::Service;

use super::future::{BoxFuture, Judged, RouterFuture, answered, boxed};
use super::handler::{Handler, Output};
use super::routes::{Fallback, Routes, failed, not_for};
use crate::callback::Callback;
use crate::command::Command;
use crate::error::HandlerError;
use crate::event::{BeforeMessage, Event, TypedEvent, c2c, group, official_account};
use crate::oneshot::Oneshot;
use crate::output::HandlerOutput;
use crate::reply::{MessageVerdict, Reply};

/// Typed handlers, one per event.
///
/// A handler is an async function or closure with one argument, a `Callback<E>`. The type of the
/// argument decides which event it handles. It returns the reply type of that event
/// ([`TypedEvent::Reply`], which is `()` where the answer has no meaning), or a `Result` of it with
/// any error. With [`HandlerError`], `?` works on every error.
///
/// A notification without a handler is answered `OK`. A *before* callback without a handler is an
/// error, so that no action is allowed unchecked: [`OnError`](crate::OnError) decides how to
/// answer. [`allow_unhandled`](Self::allow_unhandled) answers `OK` to both.
///
/// A callback for a handler that cannot be read, whatever is wrong with its body, is a
/// [`permanent`](HandlerError::permanent) error; behind the queue it becomes a dead letter. A
/// [`fallback`](Self::fallback) gets it instead, and everything without a handler.
///
/// A clone is cheap. A call is one look-up and one allocation.
///
/// ```
/// use tencent_im_callback::event::{group, sns};
/// use tencent_im_callback::reply::group::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter, HandlerError};
///
/// async fn moderate(
///     callback: Callback<group::BeforeSendMsg>,
/// ) -> Result<BeforeSendMsgReply, HandlerError> {
///     let size: usize = "10".parse()?;
///     Ok(match callback.event.msg_body.len() {
///         length if length > size => BeforeSendMsgReply::reject(),
///         _ => BeforeSendMsgReply::allow(),
///     })
/// }
///
/// let router = EventRouter::new()
///     .on(moderate)
///     .on(|callback: Callback<sns::FriendDelete>| async move {
///         println!("{} friendships ended", callback.event.pair_list.len());
///     });
/// ```
///
/// [`with_state`](Self::with_state) passes a state to the handlers.
///
/// The reply of another event does not compile:
///
/// ```compile_fail
/// use tencent_im_callback::event::group;
/// use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter};
///
/// EventRouter::new()
///     .on(|_: Callback<group::BeforeSendMsg>| async { BeforeSendMsgReply::allow() });
/// ```
///
/// Nor does a verdict on something that has already happened:
///
/// ```compile_fail
/// use tencent_im_callback::event::group;
/// use tencent_im_callback::reply::group::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter};
///
/// EventRouter::new()
///     .on(|_: Callback<group::AfterSendMsg>| async { BeforeSendMsgReply::reject() });
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct EventRouter<T = ()> {
    pub(super) routes: Arc<Routes>,
    /// Shared, since every connection clones the router.
    state: Arc<T>,
}

impl EventRouter {
    /// A router without handlers: it answers `OK` to notifications and unknown commands, and
    /// returns an error for *before* callbacks.
    pub fn new() -> Self {
        EventRouter::default()
    }
}

impl<T: Clone + Send + Sync + 'static> EventRouter<T> {
    /// A router whose handlers may take a clone of this state as their first argument.
    ///
    /// The state is part of the router's type. A function that takes a router with any state, or
    /// with none, has it as a parameter, as `endpoint` here.
    ///
    /// ```
    /// use tencent_im_callback::event::{sns, state};
    /// use tencent_im_callback::{
    ///     App, Callback, CallbackLayer, CallbackService, EventRouter, Token,
    /// };
    /// use tower::Layer;
    ///
    /// #[derive(Clone)]
    /// struct Database;
    ///
    /// async fn remove_friends(_: Database, callback: Callback<sns::FriendDelete>) {
    ///     println!("{} friendships ended", callback.event.pair_list.len());
    /// }
    ///
    /// async fn online(callback: Callback<state::StateChange>) {
    ///     println!("{:?}", callback.event.info);
    /// }
    ///
    /// fn endpoint<T>(router: EventRouter<T>, app: App) -> CallbackService<EventRouter<T>> {
    ///     CallbackLayer::new(app).layer(router)
    /// }
    ///
    /// let router = EventRouter::with_state(Database).on(remove_friends).on(online);
    /// let service = endpoint(router, App::signed(1400000000, Token::new("xxxxyyyy")?));
    /// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
    /// ```
    pub fn with_state(state: T) -> Self {
        EventRouter { routes: Arc::default(), state: Arc::new(state) }
    }

    /// Adds a handler for the event of its argument.
    ///
    /// # Panics
    ///
    /// If that event has a handler already.
    #[track_caller]
    pub fn on<H, M>(self, handler: H) -> Self
    where
        H: Handler<T, M>,
        H::Body: TypedEvent,
        Output<T, M, H>: HandlerOutput<<H::Body as TypedEvent>::Reply>,
    {
        let state = T::clone(&self.state);
        self.add(H::Body::COMMAND, move |callback: Callback| match callback.downcast::<H::Body>() {
            Ok(callback) => answered(handler.call(&state, callback)),
            Err(other) => not_for(&other),
        })
    }

    /// Adds one handler for the three *before* commands of messages: one-to-one, group, and
    /// official account. To judge what is written in them, use `moderate` (feature `moderation`).
    ///
    /// ```
    /// use tencent_im_callback::event::BeforeMessage;
    /// use tencent_im_callback::reply::MessageVerdict;
    /// use tencent_im_callback::{Callback, EventRouter};
    ///
    /// async fn mute(callback: Callback<BeforeMessage>) -> MessageVerdict {
    ///     let is_muted = callback.event.sender().is_some_and(|sender| *sender == "troll");
    ///     if is_muted { MessageVerdict::reject() } else { MessageVerdict::allow() }
    /// }
    ///
    /// let router = EventRouter::new().on_message(mute);
    /// ```
    ///
    /// # Panics
    ///
    /// If one of them has a handler already.
    #[track_caller]
    pub fn on_message<H, M>(self, handler: H) -> Self
    where
        H: Handler<T, M, Body = BeforeMessage>,
        Output<T, M, H>: HandlerOutput<MessageVerdict>,
    {
        let handler = Arc::new(handler);
        self.judged_by::<c2c::BeforeSendMsg, H, M>(&handler)
            .judged_by::<group::BeforeSendMsg, H, M>(&handler)
            .judged_by::<official_account::BeforeSendMsg, H, M>(&handler)
    }

    #[track_caller]
    fn judged_by<E, H, M>(self, handler: &Arc<H>) -> Self
    where
        E: TypedEvent + Into<BeforeMessage>,
        E::Reply: From<MessageVerdict>,
        H: Handler<T, M, Body = BeforeMessage>,
        Output<T, M, H>: HandlerOutput<MessageVerdict>,
    {
        let (handler, state) = (handler.clone(), T::clone(&self.state));
        self.add(E::COMMAND, move |callback: Callback| match callback.downcast::<E>() {
            Ok(callback) => boxed(Judged {
                future: handler.call(&state, callback.map_event(Into::into)),
                reply: PhantomData::<fn() -> E::Reply>,
            }),
            Err(other) => not_for(&other),
        })
    }

    /// Adds a service for its event, with any layers around it. For each callback, a clone of it is
    /// made ready.
    ///
    /// # Panics
    ///
    /// If that event has a handler already.
    #[track_caller]
    pub fn route<E, S>(self, service: S) -> Self
    where
        E: TypedEvent,
        S: Service<Callback<E>, Response = E::Reply> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: fmt::Display + Send + Sync,
    {
        self.add(E::COMMAND, move |callback: Callback| match callback.downcast::<E>() {
            Ok(callback) => {
                let answer = Oneshot::new(service.clone(), callback);
                boxed(answer)
            }
            Err(other) => not_for(&other),
        })
    }

    /// Adds a handler for a command that this version does not know, with your type for the body,
    /// which [`Callback::body_as`] reads. A body that does not fit your type is an error of the
    /// handler.
    ///
    /// The phase of such a command is unknown, so an error is answered like that of a *before*
    /// callback.
    ///
    /// # Panics
    ///
    /// If this version knows the command, or if the command has a handler already.
    #[track_caller]
    pub fn on_unknown<B, H, M>(self, word: &str, handler: H) -> Self
    where
        B: DeserializeOwned + Send + 'static,
        H: Handler<T, M, Body = B>,
        Output<T, M, H>: HandlerOutput<Reply>,
    {
        let command = Command::from(word);
        assert!(command.is_unknown(), "`{word}` is known, and has a type: use `on`");
        let state = T::clone(&self.state);
        self.add(command, move |callback: Callback| {
            match callback.body_as() {
                Ok(event) => answered(handler.call(&state, callback.map_event(|_| event))),
                // Only the place is written. The message quotes the body, and the error ends up in
                // logs.
                Err(misfit) => failed(HandlerError::new(format!(
                    "the body does not fit its type at {}",
                    misfit.path()
                ))),
            }
        })
    }

    /// Passes everything without a handler to this service, callbacks that wait for a verdict
    /// included.
    ///
    /// That includes callbacks that cannot be read: [`Event::Unknown`], whose
    /// [`reason`](crate::UnknownEvent::reason) says why.
    pub fn fallback<S>(mut self, service: S) -> Self
    where
        S: Service<Callback> + Clone + Send + Sync + 'static,
        S::Response: Into<Reply>,
        S::Future: Send,
        S::Error: fmt::Display + Send + Sync,
    {
        let route = move |callback: Callback| -> BoxFuture {
            let answer = Oneshot::new(service.clone(), callback);
            boxed(answer)
        };
        Arc::make_mut(&mut self.routes).fallback = Fallback::Service(Arc::new(route));
        self
    }

    /// Like [`fallback`](Self::fallback), with an async function or closure that takes a
    /// `Callback`, or the state and a `Callback`.
    ///
    /// ```
    /// use tencent_im_callback::{Callback, EventRouter, Reply};
    ///
    /// async fn rest(callback: Callback) -> Reply {
    ///     println!("{:?}", callback.command());
    ///     Reply::ok()
    /// }
    ///
    /// let router = EventRouter::new().fallback_fn(rest);
    /// ```
    pub fn fallback_fn<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<T, M, Body = Event>,
        Output<T, M, H>: HandlerOutput<Reply>,
    {
        let state = T::clone(&self.state);
        let route = move |callback: Callback| -> BoxFuture {
            answered::<Reply, _>(handler.call(&state, callback))
        };
        Arc::make_mut(&mut self.routes).fallback = Fallback::Service(Arc::new(route));
        self
    }

    /// Answers `OK` to everything that has no handler. For a *before* callback this allows the
    /// action.
    pub fn allow_unhandled(mut self) -> Self {
        Arc::make_mut(&mut self.routes).fallback = Fallback::Allow;
        self
    }

    #[track_caller]
    fn add(
        mut self,
        command: Command,
        route: impl Fn(Callback) -> BoxFuture + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.routes).add(command, Arc::new(route));
        self
    }
}

impl<T> Service<Callback> for EventRouter<T> {
    type Response = Reply;
    type Error = HandlerError;
    type Future = RouterFuture;

    /// Always ready. Services are made ready when there is a callback for them.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> RouterFuture {
        #[cfg(feature = "moderation")]
        if let Some(moderate) = &self.routes.moderation {
            return moderate(super::routes::Routed(self.routes.clone()), callback);
        }
        self.routes.call(callback)
    }
}

impl<T> fmt::Debug for EventRouter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRouter")
            .field("handlers", &self.routes.handlers.keys())
            .field(
                "fallback",
                &match self.routes.fallback {
                    Fallback::None => "none",
                    Fallback::Allow => "allow",
                    Fallback::Service(_) => "service",
                },
            )
            .finish_non_exhaustive()
    }
}
