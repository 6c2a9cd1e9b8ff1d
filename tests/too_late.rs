//! A time-out is told from an error of the handler, whatever it went through.
#![allow(clippy::pedantic)]

mod common;

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http_body_util::Full;
use tencent_im_callback::event::sns;
use tencent_im_callback::{
    Callback, Cause, Command, DedupLayer, EventRouter, HandlerError, OnError, Reply, Split,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

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
    ] {
        let service = service_fn(move |_: Callback| async move { Err::<Reply, _>(text) });
        assert_eq!(failure(service).await, (cause, text.to_owned()));
    }
}
