use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::response::ResponseBody;

pin_project! {
    /// The body of a response of [`VerifyService`](crate::VerifyService): the inner service's, or
    /// this crate's for a request that was not let through.
    #[derive(Debug)]
    pub struct VerifyBody<R> {
        #[pin]
        kind: Kind<R>,
    }
}

pin_project! {
    #[project = KindProjection]
    #[derive(Debug)]
    enum Kind<R> {
        Answer { #[pin] body: ResponseBody },
        Inner { #[pin] body: R },
    }
}

impl<R> VerifyBody<R> {
    pub(super) fn answer(body: ResponseBody) -> Self {
        VerifyBody { kind: Kind::Answer { body } }
    }

    pub(super) fn inner(body: R) -> Self {
        VerifyBody { kind: Kind::Inner { body } }
    }
}

impl<R: Default> Default for VerifyBody<R> {
    fn default() -> Self {
        VerifyBody::inner(R::default())
    }
}

impl<R: Body<Data = Bytes>> Body for VerifyBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        match self.project().kind.project() {
            KindProjection::Answer { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            KindProjection::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Answer { body } => body.is_end_stream(),
            Kind::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Answer { body } => body.size_hint(),
            Kind::Inner { body } => body.size_hint(),
        }
    }
}
