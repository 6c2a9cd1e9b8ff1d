//! Edited messages, about which nobody is asked beforehand.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::finding::Findings;
use super::shown::Shown;
use crate::callback::Callback;
use crate::error::HandlerError;

/// An edited message in which the judge found something, or which is incomplete.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Edit {
    /// The callback, whose event names the message: `MsgKey` or `MsgSeq`.
    pub callback: Callback,
    /// What the message shows now.
    pub shown: Arc<Shown>,
    /// What the judge found about each text.
    pub findings: Findings,
}

pub(super) type HookFuture = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A function of the user for edits. It is boxed: it only runs when something is found.
#[derive(Clone)]
pub(super) struct Hook(pub(super) Arc<dyn Fn(Edit) -> HookFuture + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
