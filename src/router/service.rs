use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::callback::Callback;
use crate::command::{Command, Phase};
use crate::error::HandlerError;
use crate::event::{Event, TypedEvent};
use crate::json::replace_unpaired;
use crate::oneshot::Oneshot;
use crate::reply::Reply;
use crate::types::Escaped;

type BoxFuture = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send>>;

/// Typed handlers, one for each event.
///
/// A handler is an async function or closure of one `Callback<E>`; which event it is for follows from its argument. It returns what
/// that event may answer ([`TypedEvent::Reply`], which is `()` where the answer means nothing), or a `Result` of it with
/// [`HandlerError`], so that `?` works on every error.
///
/// A notification without a handler is answered `OK`. A callback *before* an action without a handler, or without a type, is an error,
/// so that nothing passes that nobody judged: [`OnError`](crate::OnError) decides, and somebody sees it. A
/// [`fallback`](Self::fallback) takes both; [`allow_unhandled`](Self::allow_unhandled) answers `OK` to both.
///
/// Cloning is cheap; a call is one look-up and one allocation.
///
/// ```
/// use tencent_im_callback::event::{group, sns};
/// use tencent_im_callback::reply::group::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter, HandlerError};
///
/// async fn moderate(callback: Callback<group::BeforeSendMsg>) -> Result<BeforeSendMsgReply, HandlerError> {
///     let size: usize = "10".parse()?;
///     Ok(if callback.event.msg_body.len() > size { BeforeSendMsgReply::reject() } else { BeforeSendMsgReply::allow() })
/// }
///
/// #[derive(Clone)]
/// struct Database;
///
/// let router = EventRouter::new()
///     .on(moderate)
///     .on_with(Database, |_database: Database, callback: Callback<sns::FriendDelete>| async move {
///         println!("{} friendships ended", callback.event.pair_list.len());
///     });
/// ```
///
/// An answer of another event does not compile:
///
/// ```compile_fail
/// use tencent_im_callback::event::group;
/// use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter};
///
/// EventRouter::new().on(|_: Callback<group::BeforeSendMsg>| async { BeforeSendMsgReply::allow() });
/// ```
///
/// Nor does a verdict on what has happened already:
///
/// ```compile_fail
/// use tencent_im_callback::event::group;
/// use tencent_im_callback::reply::group::BeforeSendMsgReply;
/// use tencent_im_callback::{Callback, EventRouter};
///
/// EventRouter::new().on(|_: Callback<group::AfterSendMsg>| async { BeforeSendMsgReply::reject() });
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct EventRouter {
    routes: Arc<Routes>,
}

#[derive(Clone, Default)]
struct Routes {
    /// By command; those of words that this version does not know are there as well.
    handlers: BTreeMap<Command, Arc<dyn Route>>,
    fallback: Fallback,
}

/// What becomes of a callback without a handler.
#[derive(Clone, Default)]
enum Fallback {
    /// `OK` to notifications, an error to what waits for a verdict.
    #[default]
    None,
    /// `OK` to everything.
    Allow,
    Service(Arc<dyn Route>),
}

/// A handler, whatever its event.
trait Route: Send + Sync {
    fn call(&self, callback: Callback) -> BoxFuture;
}

/// What a handler may answer: what its event takes, or a `Result` of that with [`HandlerError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what this handler may answer",
    label = "answers `{Self}`",
    note = "this event takes `{R}`: return that, or `Result<{R}, HandlerError>`"
)]
pub trait HandlerOutput<R> {
    /// The answer as a result.
    ///
    /// # Errors
    ///
    /// The handler's.
    fn into_result(self) -> Result<R, HandlerError>;
}

impl<R> HandlerOutput<R> for R {
    fn into_result(self) -> Result<R, HandlerError> {
        Ok(self)
    }
}

impl<R> HandlerOutput<R> for Result<R, HandlerError> {
    fn into_result(self) -> Result<R, HandlerError> {
        self
    }
}

impl EventRouter {
    /// A router without handlers: it answers `OK` to notifications, and an error to what waits for a verdict.
    pub fn new() -> Self {
        EventRouter::default()
    }

    /// Adds a handler for the event of its argument.
    ///
    /// # Panics
    ///
    /// If there is one for that event already.
    #[track_caller]
    pub fn on<E, H, F>(self, handler: H) -> Self
    where
        E: TypedEvent,
        H: Fn(Callback<E>) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: HandlerOutput<E::Reply>,
    {
        self.add(E::COMMAND, move |callback: Callback| match callback.downcast::<E>() {
            Ok(callback) => answered(handler(callback)),
            Err(other) => not_for(&other),
        })
    }

    /// Adds a handler that is given a clone of `state` with each callback.
    ///
    /// # Panics
    ///
    /// If there is one for that event already.
    #[track_caller]
    pub fn on_with<T, E, H, F>(self, state: T, handler: H) -> Self
    where
        T: Clone + Send + Sync + 'static,
        E: TypedEvent,
        H: Fn(T, Callback<E>) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: HandlerOutput<E::Reply>,
    {
        self.on(move |callback| handler(state.clone(), callback))
    }

    /// Adds a service for the event it takes, with whatever layers around it. A clone of it is made ready for each callback.
    ///
    /// # Panics
    ///
    /// If there is a handler for that event already.
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

    /// Adds a handler for a command that this version does not know, with a type of yours for the body. A body that does not fit it is
    /// an error of the handler.
    ///
    /// The phase of such a command is unknown, so an error is answered like that of a *before* callback.
    ///
    /// # Panics
    ///
    /// If this version knows the command, or if there is a handler for it already.
    #[track_caller]
    pub fn on_unknown<T, H, F>(self, word: &str, handler: H) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        H: Fn(Callback<T>) -> F + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: HandlerOutput<Reply>,
    {
        let command = Command::from(word);
        assert!(command.is_unknown(), "`{word}` is known, and has a type: use `on`");
        self.add(command, move |callback: Callback| {
            // It was parsed once, so it is UTF-8.
            let text = String::from_utf8_lossy(&callback.body);
            let text = replace_unpaired(&text);
            let mut json = serde_json::Deserializer::from_str(&text);
            match serde_path_to_error::deserialize(&mut json) {
                Ok(event) => answered(handler(callback.map_event(|_| event))),
                // Where, not what: the message quotes the body.
                Err(error) => failed(format!(
                    "the body does not fit its type at {}",
                    Escaped(&error.path().to_string())
                )),
            }
        })
    }

    /// Gives everything that has no handler to this service, what waits for a verdict included.
    ///
    /// That includes callbacks whose body did not fit their type: see [`Event::misfit`].
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

    /// Answers `OK` to everything that has no handler. Before an action that means "let it go on".
    pub fn allow_unhandled(mut self) -> Self {
        Arc::make_mut(&mut self.routes).fallback = Fallback::Allow;
        self
    }

    #[track_caller]
    fn add(mut self, command: Command, route: impl Fn(Callback) -> BoxFuture + Send + Sync + 'static) -> Self {
        let handlers = &mut Arc::make_mut(&mut self.routes).handlers;
        assert!(
            !handlers.contains_key(&command),
            "there is a handler for `{command}` already"
        );
        handlers.insert(command, Arc::new(route));
        self
    }
}

impl<F: Fn(Callback) -> BoxFuture + Send + Sync> Route for F {
    fn call(&self, callback: Callback) -> BoxFuture {
        self(callback)
    }
}

fn answered<R, F>(future: F) -> BoxFuture
where
    R: Into<Reply> + 'static,
    F: Future + Send + 'static,
    F::Output: HandlerOutput<R>,
{
    boxed(Answered {
        future,
        reply: PhantomData,
    })
}

fn boxed<R: Into<Reply>>(future: impl Future<Output = Result<R, HandlerError>> + Send + 'static) -> BoxFuture {
    Box::pin(Replied { future })
}

// Structs and no `async` blocks, since a block that awaits a future holds it twice.
pin_project! {
    /// Future of a handler.
    struct Answered<F, R> {
        #[pin]
        future: F,
        reply: PhantomData<fn() -> R>,
    }
}

impl<R, F> Future for Answered<F, R>
where
    F: Future,
    F::Output: HandlerOutput<R>,
{
    type Output = Result<R, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(HandlerOutput::into_result)
    }
}

pin_project! {
    /// Turns an answer into a [`Reply`].
    struct Replied<F> {
        #[pin]
        future: F,
    }
}

impl<R: Into<Reply>, F: Future<Output = Result<R, HandlerError>>> Future for Replied<F> {
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map_ok(Into::into)
    }
}

fn failed(text: String) -> BoxFuture {
    Box::pin(std::future::ready(Err(HandlerError::new(text))))
}

/// A known command before an action, or a body that says it is one.
fn waits_for_a_verdict(callback: &Callback) -> bool {
    callback.command().phase() == Phase::Before || callback.event.unjudged(callback.command()).is_some()
}

fn not_for(callback: &Callback) -> BoxFuture {
    failed(format!("no handler for {:?}", callback.event.command()))
}

impl Service<Callback> for EventRouter {
    type Response = Reply;
    type Error = HandlerError;
    type Future = RouterFuture;

    /// Always ready: services are made ready once there is a callback for them.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> RouterFuture {
        let handler = match &callback.event {
            // A misfit has no type to hand out; a word this version does not know may have a handler.
            Event::Unknown(event) if !event.command.is_unknown() => None,
            event => self.routes.handlers.get(event.command()),
        };
        let future = match (handler, &self.routes.fallback) {
            (Some(route), _) | (None, Fallback::Service(route)) => Some(route.call(callback)),
            (None, Fallback::None) if waits_for_a_verdict(&callback) => Some(not_for(&callback)),
            (None, Fallback::None | Fallback::Allow) => None,
        };
        RouterFuture { future }
    }
}

/// Future of [`EventRouter`].
#[must_use]
pub struct RouterFuture {
    /// None answers `OK`.
    future: Option<BoxFuture>,
}

impl Future for RouterFuture {
    type Output = Result<Reply, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Ready(Ok(Reply::ok())),
        }
    }
}

impl fmt::Debug for EventRouter {
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
            .finish()
    }
}

impl fmt::Debug for RouterFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterFuture").finish_non_exhaustive()
    }
}
