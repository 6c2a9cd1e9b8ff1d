//! The permissions that the README lists are all that a process of the queue needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tencent_im_callback_queue::Filter;
use tencent_im_callback_queue::jetstream::async_nats::{ConnectOptions, Event, jetstream};
use tencent_im_callback_queue::store::{DeadReason, Store};

use super::common::nats::{Nats, is_installed};
use super::common::{add, entry};
use super::{open, settings, until, wait_for_one};

/// The words after `publish:` or `subscribe:` in the README, for a queue with the name `test`.
fn subjects(kind: &str) -> String {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
    let subjects =
        line.split_whitespace().map(|it| format!("\"{}\"", it.replace("callbacks", "test")));
    subjects.collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_the_listed_permissions_can_do_everything() {
    if !is_installed() {
        return;
    }
    let nats = Nats::with_config(&format!(
        "authorization {{ users: [{{ user: im, password: secret, permissions: {{ publish: [{}], subscribe: [{}] }} }}] }}\n",
        subjects("publish:"),
        subjects("subscribe:"),
    ));
    let refused: Arc<Mutex<Vec<String>>> = Arc::default();
    let context = async || {
        let refused = refused.clone();
        let options = ConnectOptions::with_user_and_password("im".into(), "secret".into())
            .retry_on_initial_connect()
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    refused.lock().unwrap().push(error.to_string());
                }
                std::future::ready(())
            });
        jetstream::new(options.connect(nats.nodes[0].url()).await.unwrap())
    };
    until("ready", async || context().await.query_account().await.is_ok()).await;
    let one = open(context().await, settings()).await;
    for text in ["done", "retried", "dead", "requeued"] {
        add(&*one, entry(text, None)).await;
    }
    let mut all = Vec::new();
    while all.len() < 4 {
        all.push(wait_for_one(&*one).await);
    }
    for claimed in all {
        let claim = claimed.claim;
        match claimed.payload.as_deref().unwrap() {
            "done" => one.complete(claim).await.unwrap(),
            "retried" => one.retry(claim, "no".to_owned(), Duration::ZERO).await.unwrap(),
            _ => one.bury(claim, "no".to_owned(), DeadReason::Permanent).await.unwrap(),
        }
    }
    let letters = one.list(Filter::dead(), None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    one.requeue(letters[1].id).await.unwrap();
    assert_eq!(one.purge(Filter::dead()).await.unwrap(), 1);
    assert_eq!(one.list(Filter::waiting(), None, 10).await.unwrap().len(), 2);
    one.close().await.unwrap();
    let two = open(context().await, settings()).await;
    for _ in 0..2 {
        two.complete(wait_for_one(&*two).await.claim).await.unwrap();
    }
    assert_eq!(two.stats().await.unwrap().waiting, 0);
    assert_eq!(*refused.lock().unwrap(), [""; 0]);
}
