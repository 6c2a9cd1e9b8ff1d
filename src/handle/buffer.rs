//! Collecting a body, up to a limit.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request};
use http_body::Body;

/// The length that a request announces: that of its body, if the body knows it, as those of servers
/// do; otherwise the larger one of the header's and the least that the body knows of. It is only
/// used to refuse requests; no memory is allocated for it.
#[inline]
pub(super) fn announced<B: Body>(request: &Request<B>) -> u64 {
    let hint = request.body().size_hint();
    match hint.exact() {
        Some(length) => length,
        None => hint.lower().max(declared(request.headers()).unwrap_or(0)),
    }
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    let digits = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit counts as the largest one, which is over every limit.
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The data of a body. A single frame is kept as it is, several are copied into one. Memory is
/// allocated for what has arrived, never for what was announced.
pub(super) struct Buffer {
    limit: usize,
    first: Bytes,
    all: BytesMut,
}

/// The body is longer than the limit.
pub(super) struct TooLarge;

impl Buffer {
    pub(super) fn new(limit: usize) -> Self {
        Buffer { limit, first: Bytes::new(), all: BytesMut::new() }
    }

    pub(super) fn push(&mut self, mut data: impl Buf) -> Result<(), TooLarge> {
        let length = data.remaining();
        if length > self.limit - self.first.len().max(self.all.len()) {
            return Err(TooLarge);
        }
        if self.first.is_empty() && self.all.is_empty() {
            self.first = data.copy_to_bytes(length);
        } else if length > 0 {
            if self.all.is_empty() {
                self.all.reserve(self.first.len() + length);
                self.all.put(std::mem::take(&mut self.first));
            }
            self.all.put(data);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Bytes {
        if self.all.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.all).freeze()
        }
    }
}
