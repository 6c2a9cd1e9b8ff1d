//! Answering at once and working in the background.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod bounds;
mod drain;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use common::signed;
use tencent_im_callback::{Callback, Command, HandlerError, Reply};
use tokio::sync::Semaphore;
use tower::{Service, service_fn};

fn callback(command: Command) -> Callback {
    let (parts, body) = signed(command).build::<Bytes>().into_parts();
    Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
        .unwrap()
}

fn after() -> Callback {
    callback(Command::SnsFriendDelete)
}

/// A service that waits for a permit of `gate`, and counts what it has begun and ended.
#[derive(Clone)]
struct Gated {
    gate: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Gated {
    fn new() -> Self {
        Gated { gate: Arc::new(Semaphore::new(0)), begun: Arc::default(), ended: Arc::default() }
    }

    fn service(
        &self,
    ) -> impl Service<Callback, Response = Reply, Error = HandlerError, Future: Send>
    + Clone
    + Send
    + 'static {
        let this = self.clone();
        service_fn(move |_: Callback| {
            let this = this.clone();
            async move {
                this.begun.fetch_add(1, Ordering::SeqCst);
                this.gate.acquire().await?.forget();
                this.ended.fetch_add(1, Ordering::SeqCst);
                Ok(Reply::reject(7, "of the service"))
            }
        })
    }

    fn counts(&self) -> (usize, usize) {
        (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}
