//! Two workers and an endpoint, and whether new callbacks are handled.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use tencent_im_callback::DedupKey;
use tencent_im_callback_queue::DeliveryId;
use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};
use tencent_im_callback_queue::store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::common::nats::Nats;
use super::common::{SECOND, entry};
use super::{open, settings};

pub fn quick() -> JetStream {
    settings().lease(SECOND)
}

pub struct Crew {
    pub endpoint: Arc<JetStreamStore>,
    handled: Arc<Mutex<Vec<(String, DeliveryId)>>>,
    workers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Crew {
    pub async fn new(nats: &Nats) -> Self {
        let mut crew = Crew {
            endpoint: open(nats.context().await, quick()).await,
            handled: Arc::default(),
            workers: JoinSet::new(),
            stop: watch::Sender::new(false),
        };
        crew.start(nats).await;
        crew
    }

    pub async fn start(&mut self, nats: &Nats) {
        self.stop.send_replace(false);
        for _ in 0..2 {
            let store = open(nats.context().await, quick()).await;
            let (handled, stop) = (self.handled.clone(), self.stop.subscribe());
            self.workers.spawn(async move {
                while !*stop.borrow() {
                    for claimed in store.claim(10, SECOND / 5).await.unwrap() {
                        let id = claimed.delivery.id;
                        handled.lock().unwrap().push((claimed.payload.unwrap_or_default(), id));
                        // A claim may have ended meanwhile: then it is handled again.
                        drop(store.complete(claimed.claim).await);
                    }
                }
                store.close().await.unwrap();
            });
        }
    }

    pub async fn stop(&mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.workers.join_next().await {
            ended.unwrap();
        }
    }

    /// Accepts 60 callbacks of 7 keys, and waits until all are handled, those of a key in order.
    pub async fn handles_new_ones(&self, after: &str) {
        for number in 0..60 {
            let text = format!("{after} {number}");
            let mut new = entry(&text, Some(&(number % 7).to_string()));
            new.dedup_key = (number % 3 != 0).then(|| DedupKey::new(&text));
            while let Err(error) = self.endpoint.append(new.clone(), 5 * SECOND).await {
                assert!(error.is_temporary(), "{after}: {error:?}");
            }
        }
        let new = || -> Vec<u32> {
            let handled = self.handled.lock().unwrap();
            let numbers = handled.iter().filter_map(|(text, _)| text.strip_prefix(after));
            numbers.map(|number| number.trim().parse().unwrap()).collect()
        };
        let missing = || (0..60).filter(|number| !new().contains(number)).collect::<Vec<u32>>();
        for _ in 0..400 {
            if missing().is_empty() {
                break;
            }
            tokio::time::sleep(SECOND / 20).await;
        }
        let stats = self.endpoint.stats().await;
        assert_eq!(missing(), [0; 0], "{after}: {stats:?}");
        let mut last = HashMap::new();
        for number in new() {
            let before = last.entry(number % 7).or_insert(number);
            // What is handled again comes after itself.
            assert!(*before <= number, "{after}: {number} after {before}");
            *before = number;
        }
    }

    /// Those that were handled more than once.
    pub fn handled_again(&self) -> Vec<String> {
        let handled = self.handled.lock().unwrap();
        let mut seen = HashSet::new();
        let again = handled.iter().filter(|(text, _)| !seen.insert(text));
        again.map(|(text, _)| text.clone()).collect()
    }

    /// No two callbacks have had the same id.
    pub fn has_unique_ids(&self) {
        let handled = self.handled.lock().unwrap();
        let mut texts = HashMap::new();
        for (text, id) in &*handled {
            let first = texts.entry(id).or_insert(text);
            assert_eq!(*first, text, "{id}");
        }
    }
}
