//! A time-out, an overload and a rate limit are told from an error of the handler, whatever they
//! went through.
#![allow(clippy::pedantic)]

mod common;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http_body_util::Full;
use tencent_im_callback::event::sns;
use tencent_im_callback::{
    Callback, Cause, Command, DedupLayer, EventRouter, HandlerError, OnError, Reply, Split,
};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// The cause and the text of the failure.
async fn failure<S>(inner: S) -> (Cause, String)
where
    S: Service<Callback> + Clone,
    S::Response: Into<Reply>,
    S::Error: std::fmt::Display,
{
    let service = layer()
        .on_error(|failure| OnError::Reply(Reply::fail(failure.cause().as_str())))
        .layer(inner);
    let request =
        signed(Command::SnsFriendDelete).parameter("RequestID", "1").build::<Full<Bytes>>();
    let response = service.oneshot(request).await.unwrap();
    let what = outcome(&response);
    let found = (what.cause().unwrap(), what.error().unwrap().to_owned());
    // `OnError` is told the same.
    assert!(common::text(response).await.contains(found.0.as_str()));
    found
}

fn router(error: Option<&'static str>) -> EventRouter {
    EventRouter::new().on(move |_: Callback<sns::FriendDelete>| async move {
        match error {
            Some(text) => Err(HandlerError::new(text)),
            None => pending::<Result<(), HandlerError>>().await,
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_one_behind_every_layer_and_words_are_none() {
    let late = (Cause::TimedOut, "request timed out".to_owned());
    let failed = (Cause::Failed, "request timed out".to_owned());
    for (error, wanted) in [(None, late), (Some("request timed out"), failed)] {
        let boxed = ServiceBuilder::new().timeout(SECOND).service(router(error));
        assert_eq!(failure(boxed.clone()).await, wanted);
        assert_eq!(failure(Split::new(boxed.clone(), boxed.clone())).await, wanted);
        let twice = ServiceBuilder::new()
            .load_shed()
            .layer(DedupLayer::new(SECOND))
            .load_shed()
            .service(boxed.clone());
        assert_eq!(failure(twice).await, wanted);
        assert_eq!(failure(EventRouter::new().fallback(boxed)).await, wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn tokios_time_out_and_ones_own_are_known() {
    let with_tokio = EventRouter::new().on(|_: Callback<sns::FriendDelete>| async {
        tokio::time::timeout(SECOND, pending::<()>()).await?;
        Ok::<_, HandlerError>(())
    });
    assert_eq!(failure(with_tokio).await.0, Cause::TimedOut);
    let own = service_fn(async |_: Callback| Err::<Reply, _>(HandlerError::timed_out()));
    assert_eq!(failure(own).await.0, Cause::TimedOut);
}

/// Of such an error the layer sees its text only.
#[tokio::test]
async fn of_an_unknown_type_the_text_decides() {
    for (text, cause) in [
        ("request timed out", Cause::TimedOut),
        ("deadline has elapsed", Cause::TimedOut),
        ("service overloaded", Cause::Overloaded),
        ("request timed out: database", Cause::Failed),
        // A handler may write what a peer has sent. A rate limit would mute the warnings.
        ("rate limited: too many callbacks", Cause::Failed),
    ] {
        let service = service_fn(move |_: Callback| async move { Err::<Reply, _>(text) });
        assert_eq!(failure(service).await, (cause, text.to_owned()));
    }
}

/// Says what was at work. What came of it is its source.
#[derive(Debug)]
struct AtWork(BoxError);

impl std::fmt::Display for AtWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("at work")
    }
}

impl std::error::Error for AtWork {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn the_source_of_an_error_is_known_and_its_words_are_none() {
    let at_work = |error: BoxError| HandlerError::new(AtWork(error));
    let slow = ServiceBuilder::new().map_err(at_work).timeout(SECOND).service(router(None));
    let text = "at work: request timed out".to_owned();
    assert_eq!(failure(slow.clone()).await, (Cause::TimedOut, text.clone()));
    assert_eq!(failure(Split::new(slow.clone(), slow)).await, (Cause::TimedOut, text.clone()));
    let full = ServiceBuilder::new().map_err(at_work).load_shed().concurrency_limit(0);
    let text_of_full = "at work: service overloaded".to_owned();
    assert_eq!(failure(full.service(router(None))).await, (Cause::Overloaded, text_of_full));

    for (error, cause) in [
        (HandlerError::overloaded(), Cause::Overloaded),
        (HandlerError::rate_limited(SECOND), Cause::RateLimited),
        (HandlerError::timed_out(), Cause::TimedOut),
        (HandlerError::new("request timed out"), Cause::Failed),
        (HandlerError::new("service overloaded"), Cause::Failed),
        (HandlerError::new("rate limited: too many callbacks"), Cause::Failed),
        (HandlerError::new("overloaded: no room for the callback"), Cause::Failed),
    ] {
        let error = Arc::new(Mutex::new(Some(at_work(error.into()))));
        let service = service_fn(move |_: Callback| {
            let error = error.lock().unwrap().take();
            std::future::ready(error.map_or(Ok(()), Err))
        });
        assert_eq!(failure(service).await.0, cause);
    }
}
