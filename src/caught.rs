//! Panics of the user's code, as values.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::describe;

/// Calls code of the user's, such as a service or a hook. A panic becomes its [text](text_of).
#[inline]
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Ok(value),
        Err(payload) => Err(consumed(payload)),
    }
}

/// The text of a panic, whose payload is dropped.
#[cold]
fn consumed(payload: Box<dyn Any + Send>) -> String {
    let text = text_of(&*payload);
    // To drop the payload calls code of the user's as well, and can panic. The payload of that
    // second panic is leaked: to drop it could panic again, and so on.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    text
}

/// The text of a panic, as [`describe`] writes it.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> String {
    describe(&PanicText(payload))
}

/// Shows the payload of a panic.
struct PanicText<'a>(&'a (dyn Any + Send));

impl fmt::Display for PanicText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.downcast_ref::<&str>().copied();
        let text = text.or_else(|| self.0.downcast_ref::<String>().map(String::as_str));
        match text {
            Some(text) => write!(f, "the service panicked: {text}"),
            None => f.write_str("the service panicked"),
        }
    }
}
