//! The rules that every store keeps.

#[path = "../common/mod.rs"]
mod common;

mod bounds;
mod claims;
mod dead;
mod duplicates;
mod order;
mod retries;
mod unreadable;

use bounds::*;
use claims::*;
use common::Clock;
use dead::*;
use duplicates::*;
use order::*;
use retries::*;
use tencent_im_callback_queue::StoreOptions;
use tencent_im_callback_queue::store::Store;
use unreadable::*;

/// `every`: the rules of all stores. `exact`: those that need a store with one clock and one count,
/// which a broker does not have; its own are in `tests/jetstream`.
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
                        let settings = JetStream::new("test")
                            .lease(Duration::from_secs(7200))
                            .partitions(5)
                            .options(options);
                        Box::pin(async move {
                            Box::new(JetStreamStore::open(context, settings).await.unwrap()) as _
                        })
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
                    super::$name(&|options| {
                        Box::pin(async { Box::new(MemoryStore::with_options(options)) as _ })
                    }, clock).await;
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
                        Box::pin(async move {
                            Box::new(SqliteStore::open_with(file, options).await.unwrap()) as _
                        })
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
