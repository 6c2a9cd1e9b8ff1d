//! What the log says of calls that failed or were dropped.

use bytes::Bytes;
use http::Request;
use http_body_util::{Channel, Full};
use tencent_im_callback::{Callback, Command, DetachLayer, Reply, VerifyLayer};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::common::{layer, signed, verifier};
use crate::{LOG, clean, has, logged, request};

#[test]
fn a_call_dropped_at_work_says_so() {
    let (before, text) = logged(|| {
        let mut service = layer()
            .layer(service_fn(|_: Callback| std::future::pending::<Result<Reply, String>>()));
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
        let before = LOG.with_borrow(Vec::len);
        drop(call);
        before
    });
    assert_eq!(before, 0);
    clean(&text);
    assert!(text.contains("WARN") && text.contains("outcome=\"cancelled\""), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Whether the service was called is in the message.
#[test]
fn a_call_dropped_while_it_waits_for_the_service_says_so() {
    let ready = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(ready.clone());
    let never = |_: Callback| std::future::pending::<Result<Reply, String>>();
    let mut service = layer().layer(limit.layer(service_fn(never)));
    let mut dropped = |permits| {
        let (before, text) = logged(|| {
            let mut call = tokio_test::task::spawn(service.call(request()));
            assert!(call.poll().is_pending());
            ready.add_permits(permits);
            assert!(call.poll().is_pending());
            LOG.with_borrow(Vec::len)
        });
        assert_eq!((before, text.lines().count()), (0, 1), "{text}");
        clean(&text);
        has(&text, &["WARN", "outcome=\"cancelled\"", "command=Sns.CallbackFriendDelete"]);
        text
    };
    let (waiting, at_work) = (dropped(0), dropped(1));
    assert!(waiting.contains("before the service was ready, and so not handled"), "{waiting}");
    assert!(at_work.contains("before the service had answered"), "{at_work}");
}

/// Its body was on its way: the service has not heard of it.
#[test]
fn a_call_dropped_while_its_body_arrives_says_nothing() {
    let ((), text) = logged(|| {
        let mut service = layer().layer(service_fn(async |_: Callback| Ok::<_, String>(())));
        let (_sender, body) = Channel::<Bytes>::new(1);
        let mut call = tokio_test::task::spawn(service.call(request().map(|_| body)));
        assert!(call.poll().is_pending());
    });
    assert_eq!(text, "");
}

#[test]
fn a_call_dropped_behind_the_check_alone_says_so_too() {
    let ((), text) = logged(|| {
        let mut service =
            VerifyLayer::new(verifier()).layer(service_fn(|_: Request<Full<Bytes>>| {
                std::future::pending::<Result<http::Response<Full<Bytes>>, String>>()
            }));
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
    });
    clean(&text);
    assert!(text.contains("WARN") && text.contains("outcome=\"cancelled\""), "{text}");
    assert!(text.contains("before the service had answered"), "{text}");

    let ((), text) = logged(|| {
        let answers = service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, tower::BoxError>(http::Response::new(Full::<Bytes>::default()))
        });
        let full = tower::limit::ConcurrencyLimit::new(answers, 0);
        let mut service = VerifyLayer::new(verifier()).layer(full);
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
    });
    clean(&text);
    assert!(text.contains("WARN") && text.contains("outcome=\"cancelled\""), "{text}");
    assert!(text.contains("before the service was ready, and so not handled"), "{text}");
}

#[test]
fn a_failure_behind_the_check_alone_says_so() {
    let (error, text) = logged(|| {
        let mut service =
            VerifyLayer::new(verifier()).layer(service_fn(|_: Request<Full<Bytes>>| {
                std::future::ready(Err::<http::Response<Full<Bytes>>, _>("no database"))
            }));
        tokio_test::block_on(service.call(request())).unwrap_err()
    });
    clean(&text);
    assert_eq!((error, text.lines().count()), ("no database", 1));
    has(
        &text,
        &["WARN", "outcome=\"failed\"", "cause=\"failed\"", "command=Sns.CallbackFriendDelete"],
    );
}

/// The future is dropped by then, too, but nobody has given up.
#[test]
fn a_panic_behind_the_check_alone_says_so_and_goes_on() {
    let (panicked, text) = logged(|| {
        let mut service = VerifyLayer::new(verifier()).layer(service_fn(panics));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(tokio_test::block_on(service.call(request())));
        }))
    });
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"no database"));
    clean(&text);
    assert_eq!(text.lines().count(), 1, "{text}");
    let error = "error=\"the service panicked: no database\"";
    has(&text, &["WARN", "outcome=\"failed\"", "cause=\"panicked\"", error]);
}

async fn panics(_: Request<Full<Bytes>>) -> Result<http::Response<Full<Bytes>>, String> {
    panic!("no database")
}

#[tokio::test]
async fn a_failure_in_the_background_says_so() {
    let detach = DetachLayer::new(1);
    let service = layer()
        .layer(detach.layer(service_fn(|_: Callback| async { Err::<Reply, _>("no database") })));
    logged(|| ());
    service.oneshot(signed(Command::SnsFriendDelete).build::<Full<Bytes>>()).await.unwrap();
    assert_eq!(detach.drain(std::time::Duration::from_secs(10)).await.finished, 1);
    let text = String::from_utf8(LOG.with_borrow_mut(std::mem::take)).unwrap();
    clean(&text);
    let line = text.lines().find(|line| line.contains("in the background")).expect(&text);
    has(
        line,
        &["WARN", "outcome=\"failed\"", "command=Sns.CallbackFriendDelete", "error=no database"],
    );
}
