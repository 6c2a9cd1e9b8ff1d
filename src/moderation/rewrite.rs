//! Replaces texts of a message, and nothing else of it.

use super::finding::{Finding, Findings};
use super::shown::Shown;
use crate::message::MsgBodyBuilder;
use crate::reply::Rewrite;

/// A message in which texts were replaced.
pub(super) struct Rewritten {
    /// The whole body of the callback, to be judged again.
    pub(super) body: String,
    /// What is answered.
    pub(super) rewrite: Rewrite,
}

impl Rewritten {
    /// Replaces what can be replaced. `None` if that is nothing.
    pub(super) fn of(shown: &Shown, findings: &Findings) -> Option<Self> {
        let came = shown.body();
        let mut body = String::with_capacity(came.len());
        let mut rewrite = Rewrite::new();
        let (mut done, mut is_new) = (0, false);
        for (index, piece) in shown.pieces().iter().enumerate() {
            let Finding::Replace(text) = findings.of(index) else { continue };
            if !piece.is_replaceable || *text == shown.text_of(piece) {
                continue;
            }
            let at = piece.range();
            body.push_str(came.get(done..at.start)?);
            body.push_str(&serde_json::to_string(text).ok()?);
            done = at.end;
            if piece.is_in_message {
                is_new = true;
            } else {
                rewrite = rewrite.cloud_custom_data(text.as_str());
            }
        }
        if done == 0 {
            return None;
        }
        body.push_str(came.get(done..)?);
        if is_new {
            let message = MsgBodyBuilder::from_body(body.as_bytes()).ok()?;
            rewrite = rewrite.msg_body(message);
        }
        Some(Rewritten { body, rewrite })
    }
}
