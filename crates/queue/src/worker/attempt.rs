//! One attempt: what is handed to the service, and what came of it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tencent_im_callback::{
    Callback, Cause, Disposition, Event, HandlerError, Reply, Retry, UnknownReason,
};

use crate::store;

/// [`read`], whose panic would give the callback back, to be read again at once.
pub(super) fn read_caught(payload: &str) -> Result<Callback, String> {
    catch_unwind(|| read(payload))
        .unwrap_or_else(|_| Err("the stored callback cannot be read: a panic".to_owned()))
}

/// The callback that was stored; or what is wrong with it, without what is in it.
fn read(payload: &str) -> Result<Callback, String> {
    let stored = store::read(payload).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })?;
    let parsed = stored.parse();
    parsed.map_err(|rejection| format!("the stored callback cannot be read: {rejection}"))
}

/// What matters about a callback when it has failed.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// Its app is signed: only who knows a token can have sent it.
    pub(super) signed: bool,
    /// Its body can be read, or has an unknown command.
    pub(super) readable: bool,
}

impl Origin {
    pub(super) fn of(callback: &Callback) -> Self {
        Origin {
            signed: callback.params.token_index().is_some(),
            readable: match &callback.event {
                Event::Unknown(unknown) => matches!(unknown.reason, UnknownReason::UnknownCommand),
                _ => true,
            },
        }
    }
}

/// Why an attempt failed.
pub(super) struct Failed {
    pub(super) retry: Retry,
    pub(super) text: String,
    /// `None`: the stored callback cannot be read.
    pub(super) cause: Option<Cause>,
}

impl Failed {
    pub(super) fn again(cause: Cause, text: String) -> Self {
        Failed { retry: Retry::Default, text, cause: Some(cause) }
    }

    pub(super) fn unreadable(text: String) -> Self {
        Failed { retry: Retry::Never, text, cause: None }
    }
}

/// A call whose panics are values.
pub(super) struct CatchPanic<F> {
    pub(super) call: Option<Pin<Box<F>>>,
}

impl<F, T> Future for CatchPanic<F>
where
    F: Future<Output = Result<T, HandlerError>>,
    T: Into<Reply>,
{
    type Output = Result<Result<Disposition, HandlerError>, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &mut self.call else {
            return Poll::Ready(Err("polled after completion".to_owned()));
        };
        // Nothing that it used is used again: the call is dropped, and the next attempt gets a
        // clone of the service, as if it had run in its own task.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let result = call.as_mut().poll(cx);
            result.map(|result| {
                let reply: Reply = result?.into();
                reply.failure().map_or_else(|| Ok(reply.disposition()), Err)
            })
        }));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panic) => Err(text_of(&*panic)),
        };
        // What is dropped may panic as well.
        let call = self.call.take();
        match catch_unwind(AssertUnwindSafe(|| drop(call))) {
            Ok(()) => Poll::Ready(ended),
            Err(panic) => Poll::Ready(Err(text_of(&*panic))),
        }
    }
}

pub(super) fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text").to_owned()
}
