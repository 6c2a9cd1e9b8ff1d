//! What a handler is.

use std::future::Future;

use crate::callback::Callback;

mod sealed {
    use crate::callback::Callback;

    pub trait Handler<T, M> {}

    impl<T, H: Fn(Callback<B>) -> F, B, F> Handler<T, (B,)> for H {}

    impl<T, H: Fn(T, Callback<B>) -> F, B, F> Handler<T, (T, B)> for H {}
}

/// An async function or closure that takes a [`Callback`], or the router's state and a `Callback`.
/// It is implemented for these only.
#[diagnostic::on_unimplemented(
    message = "this is no handler",
    note = "a handler is an `async fn` or closure of one `Callback<E>`, or of the state `{T}` and \
        a `Callback<E>`",
    note = "the state is what `EventRouter::with_state` was given, by value"
)]
pub trait Handler<T, M>: sealed::Handler<T, M> + Send + Sync + 'static {
    /// The type of the event: one event, [`Event`](crate::Event), or your type for an unknown
    /// command.
    type Body;

    /// The future of the handler.
    type Future: Future + Send + 'static;

    /// Calls the handler.
    fn call(&self, state: &T, callback: Callback<Self::Body>) -> Self::Future;
}

impl<T, H, B, F> Handler<T, (B,)> for H
where
    H: Fn(Callback<B>) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
{
    type Body = B;
    type Future = F;

    fn call(&self, _: &T, callback: Callback<B>) -> F {
        self(callback)
    }
}

impl<T, H, B, F> Handler<T, (T, B)> for H
where
    T: Clone,
    H: Fn(T, Callback<B>) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
{
    type Body = B;
    type Future = F;

    fn call(&self, state: &T, callback: Callback<B>) -> F {
        self(state.clone(), callback)
    }
}

/// The output of a handler's future.
pub(super) type Output<T, M, H> = <<H as Handler<T, M>>::Future as Future>::Output;
