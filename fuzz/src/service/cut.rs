//! A body in pieces.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, buf::Chain};
use http_body::{Body, Frame, SizeHint};

/// A body in prepared pieces. Panics if it is polled past its end.
pub(super) struct Cut {
    pub(super) frames: VecDeque<Result<Frame<Chain<Bytes, Bytes>>, &'static str>>,
    pub(super) hint: u64,
    pub(super) pending: u8,
    pub(super) step: u32,
    pub(super) ended: bool,
    pub(super) polls: Arc<AtomicUsize>,
}

impl Body for Cut {
    type Data = Chain<Bytes, Bytes>;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, &'static str>>> {
        assert!(!self.ended, "polled past its end");
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.step += 1;
        if self.pending >> (self.step % 8) & 1 != 0 && self.step < 64 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = self.frames.pop_front();
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::default();
        hint.set_lower(self.hint);
        hint
    }
}
