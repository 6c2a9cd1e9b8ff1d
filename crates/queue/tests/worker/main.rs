//! The worker: what it does about handlers that fail, hang or panic, and about its own end.

#[path = "../common/mod.rs"]
mod common;

mod end;
mod failures;
mod places;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{SECOND, callback};
use tencent_im_callback::{Callback, OrderKey};
use tencent_im_callback_queue::store::{Appended, Claim, Claimed, Entry, Store, StoreFuture};
use tencent_im_callback_queue::{
    DeadReason, Delivery, DeliveryId, Filter, MemoryStore, Queue, QueueError, Stats,
};

const WORD: &str = "Sns.CallbackFriendDelete";

/// What handlers were called with.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Delivery>>>);

impl Log {
    fn push(&self, callback: &Callback) -> Delivery {
        let delivery: Delivery = callback.extensions.get().cloned().expect("no delivery");
        self.0.lock().unwrap().push(delivery.clone());
        delivery
    }

    fn taken(&self) -> Vec<Delivery> {
        self.0.lock().unwrap().clone()
    }

    fn attempts(&self) -> Vec<u32> {
        self.taken().iter().map(|delivery| delivery.attempt).collect()
    }
}

fn entry_of(word: &str, key: Option<&str>) -> Entry {
    let mut entry = Entry::of(&callback(word)).unwrap();
    entry.dedup_key = None;
    entry.order_key = key.map(OrderKey::new);
    entry
}

async fn put(queue: &Shared, entry: Entry) -> DeliveryId {
    match queue.store.append(entry, SECOND).await.unwrap() {
        Appended::Stored(id) => id,
        Appended::Duplicate(id) => panic!("duplicate of {id}"),
    }
}

/// A store that a queue and a test share, and whose claims may run out.
#[derive(Clone)]
struct Shared {
    store: Arc<dyn Store>,
    lease: Option<Duration>,
    extended: Arc<AtomicUsize>,
    /// No retry can be stored.
    is_full: Arc<AtomicBool>,
    /// It is too slow: nothing can be extended or tried again.
    is_away: Arc<AtomicBool>,
    /// The next extension or completion finds that the claim has ended, although nobody else has
    /// it.
    loses: Arc<AtomicBool>,
}

impl Shared {
    fn new(store: impl Store) -> Self {
        Shared {
            store: Arc::new(store),
            lease: None,
            extended: Arc::default(),
            is_full: Arc::default(),
            is_away: Arc::default(),
            loses: Arc::default(),
        }
    }

    /// What this answers, or that the claim has ended.
    fn unless_lost<'a>(
        &'a self,
        answer: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, ()>,
    ) -> StoreFuture<'a, ()> {
        if self.loses.swap(false, Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(QueueError::ClaimLost)));
        }
        answer(&*self.store)
    }
}

impl Store for Shared {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        self.store.append(entry, max_wait)
    }
    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        self.store.claim(max, wait)
    }
    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.unless_lost(move |store| store.complete(claim))
    }
    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(QueueError::DiskFull)));
        }
        if self.is_away.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(QueueError::TimedOut)));
        }
        self.store.retry(claim, error, delay)
    }
    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        self.store.bury(claim, error, reason)
    }
    fn release(&self, claim: Claim) {
        self.store.release(claim);
    }
    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.extended.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(QueueError::TimedOut)));
        }
        self.unless_lost(move |store| store.extend(claim))
    }
    fn lease(&self) -> Option<Duration> {
        self.lease
    }
    fn stats(&self) -> StoreFuture<'_, Stats> {
        self.store.stats()
    }
    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<tencent_im_callback_queue::Record>> {
        self.store.list(filter, after, limit)
    }
    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        self.store.requeue(id)
    }
    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        self.store.purge(filter)
    }
    fn close(&self) -> StoreFuture<'_, ()> {
        self.store.close()
    }
}

fn memory() -> (Queue, Shared) {
    let store = Shared::new(MemoryStore::new());
    (Queue::new(store.clone()), store)
}

/// Done when nothing waits any more.
async fn empty(store: Shared) {
    while store.stats().await.unwrap().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
