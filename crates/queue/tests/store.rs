//! The rules that every store keeps.

mod common;

use std::time::Duration;

use common::{Clock, MINUTE, SECOND, add, claim, claim_one, entry, is_lost, keyed, texts};
use tencent_im_callback::OrderKey;
use tencent_im_callback_queue::store::{Appended, DeadReason, Entry, Store};
use tencent_im_callback_queue::{Filter, QueueError, Record, Stats, StoreOptions};

/// `every`: the rules of all stores. `exact`: those that need a store with one clock and one count,
/// which a broker does not have; its own are in `tests/jetstream.rs`.
macro_rules! suite {
    (every { $($every:ident)* } exact { $($exact:ident)* }) => {
        stores! { $($every)* $($exact)* }

        #[cfg(feature = "jetstream")]
        mod jetstream {
            use std::time::Duration;

            use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};

            use super::common::nats::{Nats, is_installed};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $every() {
                    if !is_installed() {
                        return;
                    }
                    let clock = super::Clock::new();
                    let nats = Nats::one();
                    let context = nats.context().await;
                    super::$every(&move |options| {
                        let context = context.clone();
                        // A time longer than any jump of the test's clock; a number by which the
                        // test's keys have partitions of their own.
                        let settings = JetStream::new("test").ack_wait(Duration::from_secs(7200)).partitions(5).options(options);
                        Box::pin(async move { Box::new(JetStreamStore::open(context, settings).await.unwrap()) as _ })
                    }, clock).await;
                }
            )*
        }
    };
}

macro_rules! stores {
    ($($name:ident)*) => {
        mod memory {
            use tencent_im_callback_queue::MemoryStore;

            $(
                #[tokio::test]
                async fn $name() {
                    let clock = super::Clock::new();
                    super::$name(&|options| Box::pin(async { Box::new(MemoryStore::with_options(options)) as _ }), clock).await;
                }
            )*
        }

        mod sqlite {
            use tencent_im_callback_queue::SqliteStore;

            $(
                #[tokio::test]
                async fn $name() {
                    let folder = super::common::Folder::new();
                    let clock = super::Clock::new();
                    let file = folder.file();
                    super::$name(&move |options| {
                        let file = file.clone();
                        Box::pin(async move { Box::new(SqliteStore::open_with(file, options).await.unwrap()) as _ })
                    }, clock).await;
                }
            )*
        }
    };
}

type Made = std::pin::Pin<Box<dyn Future<Output = Box<dyn Store>>>>;
type Make = dyn Fn(StoreOptions) -> Made;

suite! { every {
    callbacks_come_in_the_order_of_acceptance
    a_callback_is_claimed_once_and_gone_when_completed
    claims_are_fenced
    a_released_claim_is_no_attempt
    retries_wait_for_their_time_and_keep_their_error
    the_trace_context_comes_with_every_attempt
    a_retry_is_not_overtaken_by_its_successor
    one_of_a_key_at_a_time_in_batches_too
    after_max_block_the_head_steps_aside
    a_head_that_is_running_steps_aside_when_it_fails
    two_of_a_key_at_once_are_one
    dead_letters_are_listed_requeued_and_purged
    a_requeued_dead_letter_waits_for_its_key
    many_requeued_of_one_key_all_come
    too_large_bodies_are_refused
    filters
    purging_a_blocking_head_frees_its_key
    running_callbacks_are_not_purged
    a_waiting_claim_is_woken_by_an_append_a_completion_and_time
    a_dropped_claim_gives_back
    the_clock_may_jump_back
    retries_and_new_ones_take_turns
    repeats_are_duplicates_before_and_after_completion
    counts
    closed_is_closed
    any_text_is_kept
    any_bytes_of_a_body_are_kept
    unreadable_ones_of_unsigned_apps_are_kept_up_to_a_bound
} exact {
    a_dropped_one_is_remembered_and_blocks_nobody
    unreadable_dead_letters_are_counted_apart
    repeats_are_duplicates_until_the_window_after_completion_is_over
    repeats_of_dead_letters_are_duplicates
    bounds_of_rows_and_bytes
    room_is_waited_for
    bytes_are_those_of_the_callbacks
} }

async fn callbacks_come_in_the_order_of_acceptance(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..10 {
        add(&*store, entry(&number.to_string(), None)).await;
    }
    assert_eq!(texts(&claim(&*store, 3).await), ["0", "1", "2"]);
    assert_eq!(texts(&claim(&*store, 100).await), ["3", "4", "5", "6", "7", "8", "9"]);
    assert!(claim(&*store, 100).await.is_empty());
    assert!(claim(&*store, 0).await.is_empty());
}

async fn a_callback_is_claimed_once_and_gone_when_completed(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, 1));
    assert_eq!(claimed.delivery.accepted_at, clock.now());
    assert!(claim(&*store, 1).await.is_empty());
    store.extend(claimed.claim).await.unwrap();
    store.complete(claimed.claim).await.unwrap();
    assert!(claim(&*store, 1).await.is_empty());
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.completed), (0, 1));
}

async fn claims_are_fenced(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", None)).await;
    let first = claim_one(&*store).await.claim;
    store.retry(first, "no".to_owned(), Duration::ZERO).await.unwrap();
    let second = claim_one(&*store).await.claim;
    assert!(is_lost(store.complete(first).await));
    assert!(is_lost(store.retry(first, String::new(), SECOND).await));
    assert!(is_lost(store.bury(first, String::new(), DeadReason::Permanent).await));
    assert!(is_lost(store.extend(first).await));
    store.release(first);
    assert!(claim(&*store, 1).await.is_empty());
    store.release(second);
    assert!(is_lost(store.complete(second).await));
    let third = claim_one(&*store).await.claim;
    store.complete(third).await.unwrap();
    assert!(is_lost(store.complete(third).await));
    assert!(is_lost(store.bury(third, String::new(), DeadReason::Permanent).await));
}

async fn a_released_claim_is_no_attempt(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", Some("k"))).await;
    add(&*store, entry("b", Some("k"))).await;
    for _ in 0..3 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), ["a"]);
        assert_eq!(claimed[0].delivery.attempt, 1);
        store.release(claimed[0].claim);
    }
    let claimed = claim_one(&*store).await;
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
}

async fn retries_wait_for_their_time_and_keep_their_error(make: &Make, clock: Clock) {
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

async fn the_trace_context_comes_with_every_attempt(make: &Make, clock: Clock) {
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

async fn a_retry_is_not_overtaken_by_its_successor(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for (text, conversation) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b"), ("a3", "a")] {
        add(&*store, entry(text, Some(conversation))).await;
    }
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1", "b1"]);
    store.retry(claimed[0].claim, "no".to_owned(), 60 * SECOND).await.unwrap();
    store.complete(claimed[1].claim).await.unwrap();
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["b2"]);
    clock.forward(59 * SECOND);
    assert!(claim(&*store, 10).await.is_empty());
    clock.forward(SECOND);
    for expected in ["a1", "a2", "a3"] {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), [expected]);
        assert!(!claimed[0].delivery.out_of_order);
        store.complete(claimed[0].claim).await.unwrap();
    }
}

async fn one_of_a_key_at_a_time_in_batches_too(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..30 {
        let conversation = (number % 3).to_string();
        add(&*store, entry(&number.to_string(), Some(&conversation))).await;
    }
    for round in 0..10 {
        let claimed = claim(&*store, 100).await;
        let expected: Vec<_> = (0..3).map(|key| (round * 3 + key).to_string()).collect();
        assert_eq!(texts(&claimed), expected);
        for claimed in claimed {
            assert!(claimed.delivery.order_key.is_some());
            store.complete(claimed.claim).await.unwrap();
        }
    }
}

async fn after_max_block_the_head_steps_aside(make: &Make, clock: Clock) {
    let store = make(clock.options().max_block(5 * MINUTE)).await;
    add(&*store, entry("a1", Some("a"))).await;
    add(&*store, entry("a2", Some("a"))).await;
    for _ in 0..4 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), ["a1"]);
        store.retry(claimed[0].claim, "no".to_owned(), MINUTE).await.unwrap();
        clock.forward(MINUTE);
    }
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1"]);
    store.retry(claimed[0].claim, "no".to_owned(), 10 * MINUTE).await.unwrap();
    clock.forward(59 * SECOND);
    assert!(claim(&*store, 10).await.is_empty());
    clock.forward(SECOND);
    // Five minutes since the first failure: the wait for the retry is not over, and holds up
    // nobody.
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a2"]);
    assert!(!claimed[0].delivery.out_of_order);
    clock.forward(10 * MINUTE);
    // Due, but never two of a key at a time.
    assert!(claim(&*store, 10).await.is_empty());
    store.complete(claimed[0].claim).await.unwrap();
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1"]);
    assert!(claimed[0].delivery.out_of_order);
    assert_eq!(claimed[0].delivery.attempt, 6);
}

async fn a_head_that_is_running_steps_aside_when_it_fails(make: &Make, clock: Clock) {
    let store = make(clock.options().max_block(MINUTE)).await;
    add(&*store, entry("a1", Some("a"))).await;
    add(&*store, entry("a2", Some("a"))).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    clock.forward(2 * MINUTE);
    assert!(claim(&*store, 10).await.is_empty());
    store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
    assert_eq!(texts(&claim(&*store, 10).await), ["a2"]);
}

async fn repeats_are_duplicates_until_the_window_after_completion_is_over(
    make: &Make,
    clock: Clock,
) {
    let store = make(clock.options().dedup_window(10 * MINUTE)).await;
    let id = add(&*store, keyed("a", "k")).await;
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    clock.forward(60 * MINUTE);
    assert_eq!(again().await, Appended::Duplicate(id));
    let claimed = claim_one(&*store).await;
    assert_eq!(again().await, Appended::Duplicate(id));
    store.complete(claimed.claim).await.unwrap();
    clock.forward(9 * MINUTE);
    assert_eq!(again().await, Appended::Duplicate(id));
    clock.forward(MINUTE);
    let Appended::Stored(second) = again().await else { panic!("still a duplicate") };
    assert_ne!(second, id);
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
    assert_eq!(again().await, Appended::Duplicate(second));
    add(&*store, keyed("c", "other")).await;
    assert_eq!(store.stats().await.unwrap().duplicates, 4);
}

async fn repeats_of_dead_letters_are_duplicates(make: &Make, clock: Clock) {
    let store = make(clock.options().dedup_window(MINUTE)).await;
    let id = add(&*store, keyed("a", "k")).await;
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, "no".to_owned(), DeadReason::Permanent).await.unwrap();
    clock.forward(60 * MINUTE);
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 1);
    assert_eq!(again().await, Appended::Duplicate(id));
    clock.forward(MINUTE);
    assert!(matches!(again().await, Appended::Stored(_)));
}

async fn two_of_a_key_at_once_are_one(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let append = || store.append(keyed("a", "k"), SECOND);
    let (one, two, three) = tokio::join!(append(), append(), append());
    let mut stored = 0;
    let mut ids = Vec::new();
    for appended in [one, two, three] {
        match appended.unwrap() {
            Appended::Stored(id) => {
                stored += 1;
                ids.push(id);
            }
            Appended::Duplicate(id) => ids.push(id),
        }
    }
    ids.dedup();
    assert_eq!((stored, ids.len()), (1, 1));
    assert_eq!(claim(&*store, 10).await.len(), 1);
}

async fn dead_letters_are_listed_requeued_and_purged(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(add(&*store, entry(&number.to_string(), Some("k"))).await);
        let claimed = claim_one(&*store).await;
        store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
        clock.forward(SECOND);
        let claimed = claim_one(&*store).await;
        let reason = if number == 0 { DeadReason::Permanent } else { DeadReason::Attempts };
        store.bury(claimed.claim, format!("dead {number}"), reason).await.unwrap();
        assert!(claim(&*store, 1).await.is_empty());
    }
    let page = store.list(Filter::dead(), None, 2).await.unwrap();
    assert_eq!(page.iter().map(|record| record.id).collect::<Vec<_>>(), ids[..2]);
    let death = page[0].death.unwrap();
    assert_eq!((death.reason, page[0].attempts), (DeadReason::Permanent, 2));
    assert_eq!(page[0].error.as_deref(), Some("dead 0"));
    assert_eq!(page[0].payload(), "0");
    let page = store.list(Filter::dead(), Some(ids[1]), 10).await.unwrap();
    assert_eq!(page.iter().map(|record| record.id).collect::<Vec<_>>(), ids[2..]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.dead, stats.retrying, stats.buried), (0, 5, 0, 5));

    store.requeue(ids[2]).await.unwrap();
    assert!(matches!(store.requeue(ids[2]).await, Err(QueueError::NotFound)));
    let claimed = claim_one(&*store).await;
    assert_eq!(claimed.delivery.id, ids[2]);
    assert_eq!((claimed.delivery.attempt, claimed.delivery.out_of_order), (1, true));
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 4);
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 0);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.dead, stats.retrying), (0, 0, 0));
}

async fn bytes_are_those_of_the_callbacks(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for text in ["one", "three", "five", "seven"] {
        add(&*store, entry(text, None)).await;
    }
    let bytes = async || store.stats().await.unwrap().bytes;
    assert_eq!(bytes().await, 17);
    let claimed = claim(&*store, 2).await;
    store.complete(claimed[0].claim).await.unwrap();
    assert_eq!(bytes().await, 14);
    store.bury(claimed[1].claim, "no".to_owned(), DeadReason::Permanent).await.unwrap();
    assert_eq!(bytes().await, 14);
    store.purge(Filter::dead()).await.unwrap();
    store.purge(Filter::waiting()).await.unwrap();
    assert_eq!(bytes().await, 0);
}

async fn repeats_are_duplicates_before_and_after_completion(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, keyed("a", "k")).await;
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    let claimed = claim_one(&*store).await;
    assert_eq!(again().await, Appended::Duplicate(id));
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert!(claim(&*store, 10).await.is_empty());
    add(&*store, keyed("c", "other")).await;
    assert_eq!(store.stats().await.unwrap().duplicates, 3);
}

async fn a_requeued_dead_letter_waits_for_its_key(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, entry("a1", Some("a"))).await;
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, "no".to_owned(), DeadReason::Attempts).await.unwrap();
    add(&*store, entry("a2", Some("a"))).await;
    add(&*store, entry("a3", Some("a"))).await;
    let running = claim_one(&*store).await;
    store.requeue(id).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    store.complete(running.claim).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(claimed.len(), 1);
        seen.push(claimed[0].payload.clone().unwrap());
        store.complete(claimed[0].claim).await.unwrap();
    }
    seen.sort();
    assert_eq!(seen, ["a1", "a3"]);
}

async fn many_requeued_of_one_key_all_come(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..20 {
        add(&*store, entry(&number.to_string(), Some("k"))).await;
    }
    for _ in 0..10 {
        let claimed = claim_one(&*store).await;
        store.bury(claimed.claim, String::new(), DeadReason::Attempts).await.unwrap();
    }
    for record in store.list(Filter::dead(), None, 100).await.unwrap() {
        store.requeue(record.id).await.unwrap();
    }
    let mut seen = Vec::new();
    loop {
        let mut claimed = claim(&*store, 10).await;
        assert!(claimed.len() <= 1);
        let Some(claimed) = claimed.pop() else { break };
        seen.push(claimed.payload.unwrap().parse::<u32>().unwrap());
        store.complete(claimed.claim).await.unwrap();
    }
    let in_order: Vec<_> = seen.iter().copied().filter(|number| *number >= 10).collect();
    assert_eq!(in_order, (10..20).collect::<Vec<_>>());
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

async fn bounds_of_rows_and_bytes(make: &Make, clock: Clock) {
    let store = make(clock.options().max_rows(3).max_bytes(10)).await;
    let wait = Duration::from_millis(20);
    add(&*store, keyed("1234", "a")).await;
    add(&*store, entry("1234", None)).await;
    assert!(matches!(store.append(entry("123", None), wait).await, Err(QueueError::Full)));
    add(&*store, entry("12", None)).await;
    assert!(matches!(store.append(entry("", None), wait).await, Err(QueueError::Full)));
    // A repeat takes no room.
    assert!(matches!(store.append(keyed("1234", "a"), wait).await, Ok(Appended::Duplicate(_))));
    // Dead letters do.
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, String::new(), DeadReason::Permanent).await.unwrap();
    assert!(matches!(store.append(entry("", None), wait).await, Err(QueueError::Full)));
    store.purge(Filter::dead()).await.unwrap();
    add(&*store, entry("1234", None)).await;
}

async fn room_is_waited_for(make: &Make, clock: Clock) {
    let store = make(clock.options().max_rows(1)).await;
    add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    let (appended, completed) = tokio::join!(store.append(entry("b", None), 10 * SECOND), async {
        tokio::task::yield_now().await;
        store.complete(claimed.claim).await
    });
    completed.unwrap();
    assert!(matches!(appended, Ok(Appended::Stored(_))));
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
}

async fn too_large_bodies_are_refused(make: &Make, clock: Clock) {
    let store = make(clock.options().max_body(10)).await;
    add(&*store, Entry::new("x".repeat(10))).await;
    let refused = store.append(Entry::new("x".repeat(11)), SECOND).await;
    assert!(matches!(refused, Err(QueueError::TooLarge { size: 11, max: 10 })));
}

async fn filters(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("old a", Some("a"))).await;
    add(&*store, entry("old b", Some("b"))).await;
    clock.forward(60 * MINUTE);
    add(&*store, entry("new a", Some("a"))).await;
    add(&*store, entry("new", None)).await;
    let list = async |filter| {
        let records = store.list(filter, None, 10).await.unwrap();
        records.iter().map(|record| record.payload().to_owned()).collect::<Vec<_>>()
    };
    let a = OrderKey::new("a");
    assert_eq!(list(Filter::waiting()).await.len(), 4);
    assert_eq!(list(Filter::waiting().older_than(30 * MINUTE)).await, ["old a", "old b"]);
    assert_eq!(list(Filter::waiting().order_key(a)).await, ["old a", "new a"]);
    assert_eq!(list(Filter::waiting().older_than(30 * MINUTE).order_key(a)).await, ["old a"]);
    assert_eq!(list(Filter::waiting().older_than(600 * MINUTE)).await, [""; 0]);
    assert_eq!(list(Filter::dead()).await, [""; 0]);
    assert_eq!(store.purge(Filter::waiting().order_key(a)).await.unwrap(), 2);
    assert_eq!(list(Filter::waiting()).await, ["old b", "new"]);
    assert_eq!(texts(&claim(&*store, 10).await), ["old b", "new"]);
}

async fn purging_a_blocking_head_frees_its_key(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("old", Some("a"))).await;
    clock.forward(60 * MINUTE);
    add(&*store, entry("new", Some("a"))).await;
    let claimed = claim(&*store, 10).await;
    store.retry(claimed[0].claim, "no".to_owned(), 2 * MINUTE).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    assert_eq!(store.purge(Filter::waiting().older_than(30 * MINUTE)).await.unwrap(), 1);
    assert_eq!(texts(&claim(&*store, 10).await), ["new"]);
}

async fn running_callbacks_are_not_purged(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for text in ["a", "b", "c"] {
        add(&*store, entry(text, Some("k"))).await;
    }
    let claimed = claim_one(&*store).await;
    assert_eq!(store.purge(Filter::waiting()).await.unwrap(), 2);
    store.complete(claimed.claim).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    assert_eq!(store.stats().await.unwrap().waiting, 0);
    add(&*store, entry("d", Some("k"))).await;
    assert_eq!(texts(&claim(&*store, 10).await), ["d"]);
}

async fn a_waiting_claim_is_woken_by_an_append_a_completion_and_time(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let (claimed, _) =
        tokio::join!(store.claim(1, 30 * SECOND), add(&*store, entry("a", Some("k"))));
    let first = claimed.unwrap().remove(0);
    add(&*store, entry("b", Some("k"))).await;
    let (claimed, completed) =
        tokio::join!(store.claim(1, 30 * SECOND), store.complete(first.claim));
    completed.unwrap();
    let second = claimed.unwrap().remove(0);
    store.retry(second.claim, String::new(), 5 * SECOND).await.unwrap();
    let (claimed, ()) = tokio::join!(store.claim(1, 30 * SECOND), async {
        tokio::task::yield_now().await;
        clock.forward(5 * SECOND);
    });
    assert_eq!(texts(&claimed.unwrap()), ["b"]);
    assert!(store.claim(1, Duration::from_millis(1)).await.unwrap().is_empty());
}

async fn a_dropped_claim_gives_back(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for round in 0..50_u32 {
        let text = round.to_string();
        // Dropped at some point: before it is sent, before it is answered, or with the answer on
        // its way.
        let waiting = async {
            for claimed in store.claim(10, 30 * SECOND).await.unwrap() {
                store.release(claimed.claim);
            }
        };
        let patience = Duration::from_micros(u64::from(round) * 20);
        let (_, id) = tokio::join!(
            tokio::time::timeout(patience, waiting),
            add(&*store, entry(&text, Some("k")))
        );
        let claimed = store.claim(1, 30 * SECOND).await.unwrap().remove(0);
        assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, 1));
        store.complete(claimed.claim).await.unwrap();
    }
}

async fn the_clock_may_jump_back(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, keyed("a", "k")).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, String::new(), 10 * SECOND).await.unwrap();
    clock.back(3600 * SECOND);
    assert!(claim(&*store, 1).await.is_empty());
    clock.forward(9 * SECOND);
    assert!(claim(&*store, 1).await.is_empty());
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    store.complete(claimed.claim).await.unwrap();
    assert!(matches!(store.append(keyed("a", "k"), SECOND).await, Ok(Appended::Duplicate(_))));
}

async fn retries_and_new_ones_take_turns(make: &Make, clock: Clock) {
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

async fn counts(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    assert_eq!(store.stats().await.unwrap().oldest, None);
    let start = clock.now();
    for number in 0..4 {
        add(&*store, keyed("four", &number.to_string())).await;
        clock.forward(SECOND);
    }
    store.append(keyed("four", "0"), SECOND).await.unwrap();
    let claimed = claim(&*store, 3).await;
    store.retry(claimed[0].claim, String::new(), SECOND).await.unwrap();
    store.bury(claimed[1].claim, String::new(), DeadReason::Attempts).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.running, stats.retrying, stats.dead), (3, 1, 1, 1));
    assert_eq!(stats.oldest, Some(start));
    assert_eq!((stats.accepted, stats.duplicates), (4, 1));
    assert_eq!((stats.completed, stats.retried, stats.buried), (0, 1, 1));
}

async fn closed_is_closed(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    store.close().await.unwrap();
    assert!(matches!(store.append(entry("a", None), SECOND).await, Err(QueueError::Closed)));
    assert!(matches!(store.complete(claimed.claim).await, Err(QueueError::Closed)));
    assert!(matches!(store.claim(1, SECOND).await, Err(QueueError::Closed)));
    assert!(matches!(store.stats().await, Err(QueueError::Closed)));
    assert!(matches!(store.close().await, Err(QueueError::Closed)));
    store.release(claimed.claim);
}

async fn any_text_is_kept(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let long = "長".repeat(100_000);
    let texts = ["", "\0", "a\0b", "'; DROP TABLE entry; --", "😀", &long];
    for text in texts {
        add(&*store, entry(text, None)).await;
    }
    assert_eq!(common::texts(&claim(&*store, 10).await), texts);
}

/// A body that cannot be read is stored as it came: a notification is not sent again.
async fn any_bytes_of_a_body_are_kept(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let bodies: [&[u8]; 7] = [
        b"",
        b"{\"x\":\"spam\xff\"}",
        b"\xef\xbb\xbf{}",
        b"\xed\xa0\xbd",
        b"\0\x01\n\"\\",
        b"{\"PairList\":[],",
        "\u{2028}長".as_bytes(),
    ];
    for body in bodies {
        let callback = common::callback_with("Sns.CallbackFriendDelete", body);
        add(&*store, Entry::of(&callback).unwrap()).await;
    }
    let claimed = claim(&*store, 10).await;
    let stored = common::texts(&claimed).into_iter();
    let read = stored
        .map(|text| serde_json::from_str::<tencent_im_callback::StoredCallback>(text).unwrap());
    assert!(read.map(|stored| stored.body).eq(bodies));
}

/// Number, bytes, and how many were dropped.
fn unreadable(stats: &Stats) -> (u64, u64, u64) {
    (stats.unreadable, stats.unreadable_bytes, stats.dropped)
}

async fn unreadable_ones_of_unsigned_apps_are_kept_up_to_a_bound(make: &Make, clock: Clock) {
    let store = make(clock.options().max_unreadable_bytes(10)).await;
    for text in ["four", "sixsix", "1", "longer than the bound", "", "signed"] {
        add(&*store, entry(text, None)).await;
    }
    let claimed = claim(&*store, 10).await;
    let error = || "no".to_owned();
    let mut kept = Vec::new();
    for claimed in &claimed[..5] {
        kept.push(store.bury_unsigned(claimed.claim, error()).await.unwrap());
        assert!(is_lost(store.bury_unsigned(claimed.claim, error()).await.map(drop)));
    }
    assert_eq!(kept, [true, true, false, false, true]);
    let stats = store.stats().await.unwrap();
    assert_eq!(unreadable(&stats), (3, 10, 2));
    assert_eq!((stats.dead, stats.buried, stats.completed), (3, 3, 0));
    assert_eq!((stats.waiting, stats.running), (1, 1));
    // That of a signed app is kept.
    let reason = DeadReason::BodyUnreadable;
    store.bury(claimed[5].claim, error(), reason).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!(unreadable(&stats), (4, 16, 2));
    let letters = store.list(Filter::dead(), None, 10).await.unwrap();
    let payloads: Vec<_> = letters.iter().map(Record::payload).collect();
    assert_eq!(payloads, ["four", "sixsix", "", "signed"]);
    assert!(letters.iter().all(|letter| letter.death.unwrap().reason == reason));
    assert_eq!(letters[0].error.as_deref(), Some("no"));
}

async fn a_dropped_one_is_remembered_and_blocks_nobody(make: &Make, clock: Clock) {
    let options = clock.options().max_unreadable_bytes(0).dedup_window(MINUTE);
    let store = make(options).await;
    let mut first = keyed("a", "a");
    first.order_key = Some(OrderKey::new("k"));
    let id = add(&*store, first).await;
    add(&*store, entry("b", Some("k"))).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, String::new(), SECOND).await.unwrap();
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    assert!(!store.bury_unsigned(claimed.claim, String::new()).await.unwrap());
    let again = async || store.append(keyed("a", "a"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.retrying, stats.dead, stats.bytes), (1, 0, 0, 1));
    clock.forward(MINUTE);
    assert!(matches!(again().await, Appended::Stored(_)));
}

async fn unreadable_dead_letters_are_counted_apart(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let reasons = [DeadReason::BodyUnreadable, DeadReason::Permanent, DeadReason::BodyUnreadable];
    for text in ["1", "22", "333"] {
        add(&*store, entry(text, None)).await;
    }
    let claimed = claim(&*store, 10).await;
    for (claimed, reason) in claimed.iter().zip(reasons) {
        store.bury(claimed.claim, String::new(), reason).await.unwrap();
    }
    let now = async || unreadable(&store.stats().await.unwrap());
    assert_eq!(now().await, (2, 4, 0));
    store.requeue(claimed[1].claim.id()).await.unwrap();
    assert_eq!(now().await, (2, 4, 0));
    store.requeue(claimed[2].claim.id()).await.unwrap();
    assert_eq!(now().await, (1, 1, 0));
    assert_eq!(store.purge(Filter::waiting()).await.unwrap(), 2);
    assert_eq!(now().await, (1, 1, 0));
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 1);
    assert_eq!(now().await, (0, 0, 0));
    // There is room again.
    assert_eq!(store.stats().await.unwrap().dead, 0);
}
