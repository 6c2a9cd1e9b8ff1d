//! What a file takes on the disk, and a process in memory.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tencent_im_callback_queue::SqliteStore;
use tencent_im_callback_queue::store::Store;
use tokio::runtime::Runtime;

pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

pub(super) fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.len())
}

/// What a process holds that opens the file and works on it a little, in bytes.
pub(super) fn resident_of(file: &Path) -> u64 {
    let output =
        Command::new(std::env::current_exe().unwrap()).arg("resident").arg(file).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Prints the resident memory of this process once it has the queue open and has handled a thousand
/// callbacks of it.
pub fn resident(file: &Path) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.unwrap();
        for _ in 0..10 {
            let claimed = store.claim(100, Duration::ZERO).await.unwrap();
            for claimed in claimed {
                store.release(claimed.claim);
            }
        }
        store.stats().await.unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("0 0");
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap_or("0").parse().unwrap();
        println!("{}", kilobytes * 1024);
    });
}
