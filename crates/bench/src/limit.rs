//! What a rate limit holds after millions of senders, each of whom sends one message.

use std::time::Instant;

use tencent_im_callback::{Quota, RateLimitLayer, testing};
use tower::{Layer, Service};

use crate::table::Table;

/// Resident memory of this process that is no file, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let memory = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    memory.expect("RssAnon")
}

pub fn print(quick: bool) {
    let most: u32 = if quick { 200_000 } else { 10_000_000 };
    let mut table = Table::new(
        "A rate limit per sender, each of whom sends one message",
        &["senders", "keys held", "shared one quota", "more memory, KiB", "ns a message"],
    );
    let limit = RateLimitLayer::per_sender(Quota::per_minute(1));
    let mut service = limit
        .layer(tower::service_fn(|_| std::future::ready(Ok::<_, std::convert::Infallible>(()))));
    let mut message = testing::c2c_message("sender", "other", "hello");
    let before = resident();
    let (mut sent, mut spent) = (0, std::time::Duration::ZERO);
    for senders in [most / 100, most / 10, most / 2, most] {
        let since = sent;
        while sent < senders {
            message.event.from_account = format!("sender-{sent}").into();
            let callback = message.clone().erase();
            let started = Instant::now();
            drop(service.call(callback));
            spent += started.elapsed();
            sent += 1;
        }
        let stats = service.stats();
        table.row(&[
            senders.to_string(),
            stats.keys.to_string(),
            stats.shared.to_string(),
            resident().saturating_sub(before).to_string(),
            format!("{:.0}", spent.as_nanos() as f64 / f64::from(senders - since)),
        ]);
        spent = std::time::Duration::ZERO;
    }
    table.print();
}
