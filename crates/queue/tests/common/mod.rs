//! What several tests need.

#![allow(dead_code, unreachable_pub)] // each test uses a part

#[cfg(feature = "jetstream")]
pub mod nats;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tencent_im_callback::{App, Callback, DedupKey, OrderKey, Token, Verified, Verifier, testing};
use tencent_im_callback_queue::StoreOptions;
use tencent_im_callback_queue::store::{Appended, Claimed, Entry, Store};
use tencent_im_callback_queue::{DeliveryId, QueueError};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);

/// A clock that goes when told to.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        Clock(Arc::new(AtomicI64::new(1_700_000_000_000)))
    }

    pub fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn back(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    pub fn options(&self) -> StoreOptions {
        let clock = self.clone();
        StoreOptions::new().clock(move || clock.now())
    }
}

/// A folder that is gone after the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        Folder::below(&std::env::temp_dir())
    }

    /// In memory, where that can be had: for tests that sync thousands of times and do not pull the
    /// plug.
    pub fn fast() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Folder::below(memory) } else { Folder::new() }
    }

    fn below(parent: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("callback-queue-{}-{number}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("callbacks.queue")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// An entry with this text, in order with others of this conversation.
pub fn entry(text: &str, conversation: Option<&str>) -> Entry {
    let mut entry = Entry::new(text);
    entry.order_key = conversation.map(OrderKey::new);
    entry
}

pub fn keyed(text: &str, dedup: &str) -> Entry {
    let mut entry = Entry::new(text);
    entry.dedup_key = Some(DedupKey::new(dedup));
    entry
}

pub async fn add(store: &dyn Store, entry: Entry) -> DeliveryId {
    match store.append(entry, SECOND).await.unwrap() {
        Appended::Stored(id) => id,
        Appended::Duplicate(id) => panic!("duplicate of {id}"),
    }
}

/// What can be claimed now.
pub async fn claim(store: &dyn Store, max: usize) -> Vec<Claimed> {
    store.claim(max, Duration::ZERO).await.unwrap()
}

pub async fn claim_one(store: &dyn Store) -> Claimed {
    let mut claimed = claim(store, 1).await;
    assert_eq!(claimed.len(), 1, "nothing to claim");
    claimed.remove(0)
}

pub fn texts(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.payload.as_deref().unwrap()).collect()
}

pub fn is_lost(result: Result<(), QueueError>) -> bool {
    matches!(result, Err(QueueError::ClaimLost))
}

/// A callback of this command, with the body of the vendor's page.
pub fn callback(word: &str) -> Callback {
    callback_with(word, testing::sample(&word.into()).unwrap())
}

/// Of an unsigned app.
pub fn callback_with(word: &str, body: impl Into<axum::body::Bytes>) -> Callback {
    let request = testing::SignedRequest::new(word).unsigned();
    callback_of(App::unsigned(1_400_000_000), &request, body)
}

pub fn callback_of(
    app: App,
    request: &testing::SignedRequest,
    body: impl Into<axum::body::Bytes>,
) -> Callback {
    let request: http::Request<Vec<u8>> = request.build();
    let found = Verifier::new(app).verify(request.method(), request.uri()).unwrap();
    let Verified::Callback(params) = found else { panic!("no callback") };
    Callback::parse_untyped(params, body.into()).unwrap()
}

/// The app that requests are signed for.
pub fn app() -> App {
    App::signed(1_400_000_000, Token::new("xxxxyyyy").unwrap())
}

/// What is logged.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that this thread logs.
pub fn logged() -> (Sink, tracing::subscriber::DefaultGuard) {
    // If there is only one subscriber, tracing asks the thread that comes first whether anybody
    // wants an event. That may be the thread of another test, which has none.
    static OTHER: OnceLock<tracing::Dispatch> = OnceLock::new();
    OTHER.get_or_init(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default()));
    let sink = Sink::default();
    let to = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || to.clone())
        .finish();
    (sink, tracing::subscriber::set_default(subscriber))
}
