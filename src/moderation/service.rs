use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::edit::{Edit, HookFuture};
use super::finding::{Findings, Judge};
use super::rewrite::Rewritten;
use super::settings::{Duty, Settings};
use super::shown::Shown;
use crate::callback::Callback;
use crate::command::Command;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::{Meaning, Reply, Rewrite, c2c};

/// Service of [`ModerateLayer`](super::ModerateLayer).
pub struct Moderate<S, J, M> {
    pub(super) inner: S,
    pub(super) judge: Arc<J>,
    pub(super) settings: Arc<Settings>,
    pub(super) judges: PhantomData<fn() -> M>,
}

impl<S, J, M> Moderate<S, J, M> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, J, M> Service<Callback> for Moderate<S, J, M>
where
    S: Service<Callback> + Clone + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
    J: Judge<M>,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = ModerateFuture<S, J, M>;

    /// Always ready. The inner service is only polled for what the judge allows.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> ModerateFuture<S, J, M> {
        let Some(duty) = self.settings.duty(&callback) else {
            let call = Oneshot::new(self.inner.clone(), callback);
            return ModerateFuture { work: None, state: State::Inner { call, verdict: None } };
        };
        let shown = Arc::new(self.settings.show(&callback));
        let state = if duty == Duty::Edit || self.settings.accepts(&shown) {
            State::Judging { future: self.judge.judge(&shown) }
        } else {
            State::Rejecting
        };
        let work = Work {
            judge: self.judge.clone(),
            settings: self.settings.clone(),
            inner: self.inner.clone(),
            callback,
            duty,
            shown,
            rewritten: None,
        };
        ModerateFuture { work: Some(work), state }
    }
}

/// What is needed until the inner service is called.
struct Work<S, J> {
    judge: Arc<J>,
    settings: Arc<Settings>,
    inner: S,
    callback: Callback,
    duty: Duty,
    /// What is judged: first what came, then what was made of it.
    shown: Arc<Shown>,
    rewritten: Option<Rewritten>,
}

/// A rewritten message, and how to reject it if the inner service does not allow it.
struct Verdict {
    rewrite: Rewrite,
    command: Command,
    reject: Result<Reply, HandlerError>,
}

pin_project! {
    /// The future of [`Moderate`].
    #[must_use]
    pub struct ModerateFuture<S: Service<Callback>, J: Judge<M>, M> {
        work: Option<Work<S, J>>,
        #[pin]
        state: State<S, J::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>, F> {
        Judging { #[pin] future: F },
        Rejecting,
        Reporting { hook: HookFuture },
        Inner { #[pin] call: Oneshot<S>, verdict: Option<Box<Verdict>> },
    }
}

impl<S, J> Work<S, J>
where
    S: Service<Callback>,
{
    /// What to do next with these findings.
    fn found<M>(&mut self, findings: Findings) -> Next<J::Future>
    where
        J: Judge<M>,
    {
        let texts = self.shown.len();
        if self.duty == Duty::Edit {
            let is_fine = findings.allow(texts) && self.shown.is_complete();
            return match &self.settings.on_edit {
                Some(hook) if !is_fine => Next::Report((hook.0)(Edit {
                    callback: self.callback.clone(),
                    shown: self.shown.clone(),
                    findings,
                })),
                _ => Next::Pass,
            };
        }
        // A bound may have been met only when the judge asked for the forms of a text.
        if !self.settings.accepts(&self.shown) || findings.reject(texts) {
            return Next::Reject;
        }
        if findings.allow(texts) {
            return Next::Pass;
        }
        if self.rewritten.is_some() {
            return Next::Reject;
        }
        let Some(rewritten) = Rewritten::of(&self.shown, &findings) else {
            return Next::Reject;
        };
        self.shown = Arc::new(self.shown.again(&rewritten.body));
        self.rewritten = Some(rewritten);
        if !self.settings.accepts(&self.shown) {
            return Next::Reject;
        }
        Next::Judge(self.judge.judge(&self.shown))
    }
}

enum Next<F> {
    Judge(F),
    Report(HookFuture),
    Reject,
    Pass,
}

impl<S, J, M> Future for ModerateFuture<S, J, M>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
    J: Judge<M>,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Judging { future } => {
                    let findings = ready!(future.poll(cx))?;
                    match this.work.as_mut() {
                        Some(work) => work.found(findings),
                        None => Next::Reject,
                    }
                }
                StateProjection::Reporting { hook } => {
                    ready!(hook.as_mut().poll(cx))?;
                    Next::Pass
                }
                StateProjection::Rejecting => Next::Reject,
                StateProjection::Inner { call, verdict } => {
                    let reply = ready!(call.poll(cx))?.into();
                    return Poll::Ready(match verdict.take() {
                        Some(verdict) => (*verdict).join(reply),
                        None => Ok(reply),
                    });
                }
            };
            let state = match next {
                Next::Judge(future) => State::Judging { future },
                Next::Report(hook) => State::Reporting { hook },
                Next::Reject => {
                    let Some(work) = this.work.take() else {
                        panic!("ModerateFuture polled after completion")
                    };
                    return Poll::Ready(work.settings.reject(&work.callback));
                }
                Next::Pass => {
                    let Some(work) = this.work.take() else {
                        panic!("ModerateFuture polled after completion")
                    };
                    let (call, verdict) = work.pass();
                    State::Inner { call, verdict }
                }
            };
            this.state.set(state);
        }
    }
}

impl<S: Service<Callback>, J> Work<S, J> {
    fn pass(self) -> (Oneshot<S>, Option<Box<Verdict>>) {
        let Work { settings, inner, mut callback, duty, rewritten, .. } = self;
        let verdict = rewritten.map(|rewritten| {
            Box::new(Verdict {
                rewrite: rewritten.rewrite,
                command: callback.answered_as().clone(),
                reject: settings.reject(&callback),
            })
        });
        callback.judged =
            duty == Duty::Verdict && callback.event.unjudged(callback.command()).is_none();
        (Oneshot::new(inner, callback), verdict)
    }
}

impl Verdict {
    /// Joins the rewritten message with the verdict of the inner service. If that rewrites as well,
    /// one of the two would be lost, and if it is no verdict, Tencent would send what was not
    /// rewritten; so both reject.
    fn join(self, inner: Reply) -> Result<Reply, HandlerError> {
        match Meaning::of(&self.command, 200, inner.as_bytes()) {
            Meaning::Allow => {
                let disposition = inner.disposition();
                // The three commands of messages take the same reply.
                let reply = Reply::from(c2c::BeforeSendMsgReply::allow_rewritten(self.rewrite));
                Ok(reply.with_disposition(disposition))
            }
            Meaning::Reject | Meaning::Discard => Ok(inner),
            _ => self.reject,
        }
    }
}

impl<S: Clone, J, M> Clone for Moderate<S, J, M> {
    fn clone(&self) -> Self {
        Moderate {
            inner: self.inner.clone(),
            judge: self.judge.clone(),
            settings: self.settings.clone(),
            judges: PhantomData,
        }
    }
}

impl<S: fmt::Debug, J, M> fmt::Debug for Moderate<S, J, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moderate")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>, J: Judge<M>, M> fmt::Debug for ModerateFuture<S, J, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModerateFuture").finish_non_exhaustive()
    }
}
