//! tower's limits, load shedding and buffers, on both sides.

use crate::common::{Inner, layer};
use crate::{Gate, HOUR, SECOND, answer, ask, dripping, forged, good, takes_one_and_refuses_one};
use std::time::Duration;
use tencent_im_callback::{Cause, OnError, OutcomeKind, Reply};
use tokio::time::{Instant, pause};
use tokio_test::{assert_pending, assert_ready, task};
use tower::load_shed::error::Overloaded;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::test]
async fn a_concurrency_limit_outside_is_held_by_a_slow_body_and_keeps_forged_requests_waiting() {
    let service =
        ServiceBuilder::new().concurrency_limit(1).layer(layer()).service(Inner::default());
    takes_one_and_refuses_one(&service).await;

    let (_drip, slow) = dripping();
    let mut slow = task::spawn(service.clone().oneshot(slow));
    assert_pending!(slow.poll());
    let mut bad = task::spawn(service.clone().oneshot(forged()));
    assert_pending!(bad.poll());
    // The slow peer hangs up.
    drop(slow);
    assert!(bad.is_woken());
    let bad = assert_ready!(bad.poll()).unwrap();
    assert_eq!(bad.status(), 401);
}

#[tokio::test]
async fn a_concurrency_limit_inside_is_held_by_handlers_alone() {
    let gate = Gate::new();
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(gate.handler());
    let (_drip, slow) = dripping();
    let mut slow = task::spawn(service.clone().oneshot(slow));
    assert_pending!(slow.poll());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    assert_eq!(gate.calls(), 1);

    // The only permit is taken. A forged request does not want it, a second good one does.
    ask(&service, forged()).await.is_refused();
    let mut second = task::spawn(service.oneshot(good()));
    assert_pending!(second.poll());
    assert_eq!(gate.calls(), 1);

    gate.let_go(2);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
    drop(first);
    assert!(second.is_woken());
    answer(assert_ready!(second.poll()).unwrap()).await.is_accepted();
}

#[tokio::test]
async fn load_shed_outside_sheds_nothing_on_its_own() {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(layer())
        .concurrency_limit(1)
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    // The limit is inside, and our service is always ready: the second waits.
    let mut second = task::spawn(service.clone().oneshot(good()));
    assert_pending!(second.poll());
    ask(&service, forged()).await.is_refused();
    gate.let_go(1);
    let first = assert_ready!(first.poll()).unwrap();
    answer(first).await.is_accepted();
}

#[tokio::test]
async fn load_shed_outside_sheds_good_and_forged_alike_and_leaves_them_unanswered() {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(layer())
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    for request in [good(), forged()] {
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert!(error.is::<Overloaded>(), "{error}");
    }
    gate.let_go(1);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
    drop(first);
    ask(&service, forged()).await.is_refused();
}

#[tokio::test]
async fn load_shed_over_a_limit_inside_answers_what_is_too_much() {
    let gate = Gate::new();
    let reply = OnError::Reply(Reply::reject(120_001, "busy"));
    let service = ServiceBuilder::new()
        .layer(layer().on_after_error(reply))
        .load_shed()
        .concurrency_limit(1)
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    let shed = ask(&service, good()).await;
    assert_eq!((shed.status, shed.kind()), (200, Some(OutcomeKind::Failed)));
    assert_eq!((shed.cause(), shed.error()), (Some(Cause::Overloaded), Some("service overloaded")));
    assert!(shed.body.contains("120001"), "{}", shed.body);
    ask(&service, forged()).await.is_refused();
    gate.let_go(1);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
}

#[tokio::test]
async fn a_rate_limit_outside_wants_a_buffer_and_counts_forged_requests() {
    pause();
    let inner = Inner::default();
    let service =
        ServiceBuilder::new().buffer(8).rate_limit(2, HOUR).layer(layer()).service(inner.clone());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    // The forged one has used up the second of two.
    ask(&service, good()).await.is_accepted();
    assert!(started.elapsed() >= HOUR);
    assert_eq!(inner.calls(), 2);
}

#[tokio::test]
async fn a_rate_limit_inside_wants_a_buffer_and_counts_verified_callbacks_alone() {
    pause();
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(layer())
        .timeout(SECOND)
        .buffer(8)
        .rate_limit(1, HOUR)
        .service(inner.clone());
    for _ in 0..3 {
        ask(&service, forged()).await.is_refused();
    }
    takes_one_and_refuses_one(&service).await;
    // What is over the rate waits in the buffer; only the timeout around it gives an answer, and
    // takes it out again.
    let late = ask(&service, good()).await;
    assert_eq!((late.kind(), late.error()), (Some(OutcomeKind::Failed), Some("request timed out")));
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(inner.calls(), 1);
    ask(&service, good()).await.is_accepted();
}

#[tokio::test]
async fn load_shed_between_buffer_and_rate_limit_answers_at_once() {
    pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .buffer(8)
        .load_shed()
        .rate_limit(1, HOUR)
        .service(Inner::default());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    let shed = ask(&service, good()).await;
    assert_eq!(
        (shed.kind(), shed.error()),
        (Some(OutcomeKind::Failed), Some("service overloaded"))
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn load_shed_over_a_buffer_sheds_only_when_the_buffer_is_full() {
    pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .load_shed()
        .buffer(2)
        .rate_limit(1, HOUR)
        .service(Inner::default());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    // One is in the worker's hands, two are in the buffer, and none of them is answered now.
    let mut waiting: Vec<_> =
        (0..4).map(|_| tokio::spawn(service.clone().oneshot(good()))).collect();
    let shed = answer(waiting.pop().unwrap().await.unwrap().unwrap()).await;
    assert_eq!(
        (shed.kind(), shed.error()),
        (Some(OutcomeKind::Failed), Some("service overloaded"))
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
    let mut accepted = 0;
    for one in waiting {
        accepted += usize::from(
            answer(one.await.unwrap().unwrap()).await.kind() == Some(OutcomeKind::Accepted),
        );
    }
    assert!(accepted >= 2, "{accepted}");
    assert!(started.elapsed() >= HOUR);
}
