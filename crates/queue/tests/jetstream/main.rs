//! What a queue on JetStream promises beyond the rules of all stores (`tests/store`), against a
//! real server.
#![cfg(all(unix, feature = "jetstream"))]
#![allow(unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;

mod again;
mod apart;
mod append;
mod away;
mod crew;
mod operators;
mod permissions;
mod proxy;
mod reading;
mod set_back;
mod settings;
mod shares;
mod space;
mod traffic;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use common::SECOND;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::Context;
use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};
use tencent_im_callback_queue::store::{Claimed, Store};

const SHORT: Duration = Duration::from_millis(300);

fn settings() -> JetStream {
    JetStream::new("test").partitions(4).lease(2 * SECOND)
}

async fn open(context: Context, settings: JetStream) -> Arc<JetStreamStore> {
    Arc::new(JetStreamStore::open(context, settings).await.unwrap())
}

/// Waits for a claim, but not for ever.
async fn wait_for_one(store: &dyn Store) -> Claimed {
    for _ in 0..20 {
        if let Some(claimed) = store.claim(1, SECOND).await.unwrap().pop() {
            return claimed;
        }
    }
    panic!("nothing comes");
}

/// Until it holds, but not for ever.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not in 20 s");
}

/// The server of a test. Without one the test is skipped.
macro_rules! server {
    () => {{
        if !$crate::common::nats::is_installed() {
            return;
        }
        $crate::common::nats::Nats::one()
    }};
}
use server;
