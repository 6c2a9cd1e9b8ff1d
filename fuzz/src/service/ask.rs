//! The service that a body comes to, and all that can be seen of the answer.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body;
use tencent_im_callback::{
    Callback, Cause, Command, Event, HandlerError, Outcome, OutcomeKind, Reply, ResponseBody,
    UnknownReason,
};
use tower_layer::Layer;
use tower_service::Service;

use super::case::{Case, Does};
use super::cut::Cut;

/// The inner service. Panics if it is called without being ready.
#[derive(Clone)]
pub(super) struct Inner {
    pub(super) does: Does,
    pub(super) waits: usize,
    pub(super) waited: usize,
    pub(super) ready: bool,
    pub(super) seen: Arc<Mutex<Vec<Callback>>>,
}

impl Service<Callback> for Inner {
    type Response = Reply;
    type Error = HandlerError;
    type Future = Slow;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        if self.waited < self.waits {
            self.waited += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = self.does != Does::NeverReady;
        Poll::Ready(if self.ready { Ok(()) } else { Err(std::io::Error::other("closed").into()) })
    }

    fn call(&mut self, callback: Callback) -> Slow {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.seen.lock().expect("no panic before").push(callback);
        let reply = match self.does {
            Does::Fail | Does::NeverReady => {
                Err(std::io::Error::other("handler \"failed\"\n").into())
            }
            Does::Refuse => Ok(Reply::reject(1, "no \"\n")),
            Does::Accept => Ok(Reply::ok()),
        };
        Slow { waits: self.waits, reply: Some(reply) }
    }
}

pub(super) struct Slow {
    pub(super) waits: usize,
    pub(super) reply: Option<Result<Reply, HandlerError>>,
}

impl Future for Slow {
    type Output = Result<Reply, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.waits > 0 {
            self.waits -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.reply.take().expect("polled once it is ready, and no more"))
    }
}

pub(super) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("never ready");
}

/// All that can be seen of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) outcome: OutcomeKind,
    pub(super) rejection: Option<String>,
    pub(super) cause: Option<Cause>,
    pub(super) error: Option<String>,
    pub(super) unknown: Option<&'static str>,
    pub(super) misfit: Option<String>,
    pub(super) params: Option<String>,
    pub(super) polled: bool,
    pub(super) seen: Vec<(Command, Bytes, Event)>,
}

pub(super) fn text_of(body: ResponseBody) -> Bytes {
    let exact = body.size_hint().exact();
    let mut body = pin!(body);
    let mut found = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        found.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    assert_eq!(exact, Some(found.len() as u64));
    found.into()
}

pub(super) fn send(case: &Case, cut: Cut) -> Answer {
    let seen: Arc<Mutex<Vec<Callback>>> = Arc::default();
    let inner =
        Inner { does: case.does, waits: case.waits, waited: 0, ready: false, seen: seen.clone() };
    let polls = cut.polls.clone();
    let request = Request::from_parts(case.parts.clone(), cut);
    let mut service = case.layer().layer(inner);
    let is_ready =
        Service::<Request<Cut>>::poll_ready(&mut service, &mut Context::from_waker(Waker::noop()));
    assert!(is_ready.is_ready());
    let Ok(response) = run(service.call(request));
    let (parts, body) = response.into_parts();
    let outcome = parts.extensions.get::<Outcome>().expect("an answer has an outcome");
    Answer {
        status: parts.status.as_u16(),
        outcome: outcome.kind(),
        rejection: outcome.rejection().map(|rejection| format!("{rejection:?}")),
        cause: outcome.cause(),
        error: outcome.error().map(str::to_owned),
        unknown: outcome.unknown_reason().map(UnknownReason::as_str),
        misfit: outcome.misfit().map(|misfit| format!("{misfit:?} {}", misfit.message())),
        params: outcome.params().map(|params| format!("{params:?}")),
        polled: polls.load(Ordering::Relaxed) > 0,
        seen: std::mem::take(&mut *seen.lock().expect("no panic before"))
            .into_iter()
            .map(|callback| (callback.params.command, callback.body, callback.event))
            .collect(),
        headers: parts.headers,
        body: text_of(body),
    }
}
