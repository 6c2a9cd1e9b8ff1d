//! Retries, and what comes with each attempt.

use std::time::Duration;

use tencent_im_callback_queue::Filter;
use tencent_im_callback_queue::store::DeadReason;

use crate::Make;
use crate::common::{Clock, MINUTE, SECOND, add, claim, claim_one, entry};

pub(crate) async fn retries_wait_for_their_time_and_keep_their_error(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, entry("a", None)).await;
    for attempt in 1..5 {
        let claimed = claim_one(&*store).await;
        assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, attempt));
        store.retry(claimed.claim, format!("no {attempt}"), 10 * SECOND).await.unwrap();
        clock.forward(9 * SECOND);
        assert!(claim(&*store, 1).await.is_empty());
        clock.forward(SECOND);
    }
    let record = &store.list(Filter::waiting(), None, 10).await.unwrap()[0];
    assert_eq!((record.attempts, record.error.as_deref()), (4, Some("no 4")));
    let long = "é".repeat(10_000);
    store.retry(claim_one(&*store).await.claim, long, SECOND).await.unwrap();
    let record = &store.list(Filter::waiting(), None, 10).await.unwrap()[0];
    let error = record.error.as_deref().unwrap();
    assert!(error.len() < 3000 && error.starts_with('é'), "{}", error.len());
}

pub(crate) async fn the_trace_context_comes_with_every_attempt(make: &Make, clock: Clock) {
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let store = make(clock.options().max_block(MINUTE)).await;
    let mut traced = entry("traced", Some("k"));
    traced.trace_context = Some(context.to_owned());
    let id = add(&*store, traced).await;
    add(&*store, entry("not traced", None)).await;
    let records = store.list(Filter::waiting(), None, 10).await.unwrap();
    let listed: Vec<_> = records.iter().map(|record| record.trace_context.as_deref()).collect();
    assert_eq!(listed, [Some(context), None]);
    let line = serde_json::to_string(&records[0]).unwrap();
    assert!(line.contains(&format!(r#""trace_context":"{context}""#)), "{line}");

    let both = claim(&*store, 2).await;
    let claimed: Vec<_> = both.iter().map(|one| one.delivery.trace_context.as_deref()).collect();
    assert_eq!(claimed, [Some(context), None]);
    store.complete(both[1].claim).await.unwrap();
    // A retry in its order, one out of order, a dead letter that is requeued.
    store.retry(both[0].claim, "no".to_owned(), SECOND).await.unwrap();
    clock.forward(SECOND);
    let again = claim_one(&*store).await;
    assert_eq!(
        (again.delivery.attempt, again.delivery.trace_context.as_deref()),
        (2, Some(context))
    );
    store.retry(again.claim, "no".to_owned(), 2 * MINUTE).await.unwrap();
    clock.forward(2 * MINUTE);
    let aside = claim_one(&*store).await;
    assert!(aside.delivery.out_of_order);
    assert_eq!(aside.delivery.trace_context.as_deref(), Some(context));
    store.bury(aside.claim, "no".to_owned(), DeadReason::Attempts).await.unwrap();
    let dead = store.list(Filter::dead(), None, 10).await.unwrap();
    assert_eq!(dead[0].trace_context.as_deref(), Some(context));
    store.requeue(id).await.unwrap();
    assert_eq!(claim_one(&*store).await.delivery.trace_context.as_deref(), Some(context));
    store.close().await.unwrap();
}

pub(crate) async fn retries_and_new_ones_take_turns(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for _ in 0..20 {
        add(&*store, entry("failing", None)).await;
    }
    for claimed in claim(&*store, 20).await {
        store.retry(claimed.claim, String::new(), SECOND).await.unwrap();
    }
    for _ in 0..20 {
        add(&*store, entry("new", None)).await;
    }
    clock.forward(SECOND);
    let mut new = 0;
    for _ in 0..20 {
        let claimed = claim_one(&*store).await;
        let is_new = claimed.payload.as_deref() == Some("new");
        new += u32::from(is_new);
        if is_new {
            store.complete(claimed.claim).await.unwrap();
        } else {
            store.retry(claimed.claim, String::new(), Duration::ZERO).await.unwrap();
        }
    }
    // The store in memory goes by age.
    assert!(new == 10 || new == 0, "{new}");
}
