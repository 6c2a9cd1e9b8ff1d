//! Bounds of the work in the background.

use std::time::Duration;

use bytes::Bytes;
use tencent_im_callback::{Callback, Command, DetachFailure, DetachLayer, Reply, StoredCallback};
use tokio_test::{assert_pending, task};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::signed;
use crate::{Gated, after, common};

/// Bytes are bounded as callbacks are: ten thousand bodies of a megabyte would be the machine.
#[tokio::test(start_paused = true)]
async fn the_bytes_in_the_background_are_bounded() {
    let gated = Gated::new();
    let detach = DetachLayer::new(100).max_bytes(10 * 1024);
    let service = detach.layer(gated.service());
    let large = |kibibytes: usize| {
        let text = "x".repeat(kibibytes * 1024 - 400);
        let body = format!(r#"{{"PairList":[{{"From_Account":"a","To_Account":"{text}"}}]}}"#);
        let (parts, body) =
            signed(Command::SnsFriendDelete).body(body).build::<Bytes>().into_parts();
        Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
            .unwrap()
    };
    for _ in 0..2 {
        assert_eq!(service.clone().oneshot(large(4)).await.unwrap(), Reply::ok());
    }
    assert_eq!(detach.stats().running_bytes, 8 * 1024);
    let error = service.clone().oneshot(large(4)).await.unwrap_err();
    assert!(error.is_overloaded(), "{error}");
    // A small one fits beside them; one that is larger than all there may be runs alone.
    assert_eq!(service.clone().oneshot(after()).await.unwrap(), Reply::ok());
    let mut alone = task::spawn(service.clone().oneshot(large(64)));
    assert_pending!(alone.poll());
    gated.gate.add_permits(4);
    assert_eq!(alone.await.unwrap(), Reply::ok());
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert!(drained.unfinished.is_empty());
    let stats = detach.stats();
    assert_eq!((stats.running_bytes, stats.succeeded, stats.overloaded), (0, 4, 1));
}

/// Anybody can make a URL of eight kilobytes around a body of a hundred bytes.
#[tokio::test(start_paused = true)]
async fn the_url_counts_as_the_body_does() {
    let detach = DetachLayer::new(100);
    let service = detach.layer(Gated::new().service());
    for (length, kibibytes) in [(0, 1), (1, 1), (3 * 1024, 4), (8 * 1024, 9)] {
        let request = signed(Command::SnsFriendDelete).parameter("x", &"y".repeat(length));
        let (parts, body) = request.build::<Bytes>().into_parts();
        let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
        let before = detach.stats().running_bytes;
        let callback = Callback::parse(params, body).unwrap();
        assert_eq!(service.clone().oneshot(callback).await.unwrap(), Reply::ok());
        assert_eq!(detach.stats().running_bytes - before, kibibytes * 1024, "{length}");
    }
}

/// One clone is kept for the drain, another one is configured: both orders work.
#[tokio::test(start_paused = true)]
async fn a_bound_set_on_a_clone_is_that_of_all() {
    let gated = Gated::new();
    let detach = DetachLayer::new(10);
    let service = detach.layer(gated.service());
    let send = || service.clone().oneshot(after());
    drop(detach.clone().max_bytes(2 * 1024));
    for _ in 0..2 {
        assert_eq!(send().await.unwrap(), Reply::ok());
    }
    assert!(send().await.unwrap_err().is_overloaded());
    drop(detach.clone().max_bytes(3 * 1024));
    assert_eq!(send().await.unwrap(), Reply::ok());
    // What is in the background stays there.
    drop(detach.clone().max_bytes(1));
    assert_eq!(detach.stats().running_bytes, 3 * 1024);
    gated.gate.add_permits(3);
    detach.idle().await;
    assert_eq!((detach.stats().running_bytes, detach.stats().succeeded), (0, 3));
}

#[tokio::test]
async fn the_hook_of_one_clone_is_not_that_of_another() {
    let (told, tell) = std::sync::mpsc::channel();
    let hooked = |name: &'static str| {
        let told = told.clone();
        move |_: &StoredCallback, _: &DetachFailure| told.send(name).unwrap()
    };
    let plain = DetachLayer::new(10);
    let (one, other) = (plain.clone().on_failure(hooked("one")), plain.clone());
    let other = other.on_failure(hooked("other"));
    for layer in [&one, &other, &plain] {
        let inner = service_fn(async |_: Callback| Err::<(), _>("no database"));
        assert_eq!(layer.layer(inner).oneshot(after()).await.unwrap(), Reply::ok());
        plain.idle().await;
    }
    assert_eq!(tell.try_iter().collect::<Vec<_>>(), ["one", "other"]);
    assert_eq!(plain.stats().failed, 3);
}
