//! Calls of many callers at once, and rounds of two contenders in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::table::Spread;

/// What calls had to wait for, and how many there were.
pub(super) struct Measured {
    pub(super) count: usize,
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Of this process, callers and runtime included: microseconds of CPU and bytes written, for
    /// each call.
    pub(super) cpu: f64,
    pub(super) written: f64,
    /// The same of the server, if there is one.
    pub(super) server: f64,
    /// Calls that shared one commit, and so one sync of the log.
    pub(super) per_sync: f64,
}

/// What this process has used so far: microseconds of CPU, and bytes written.
#[derive(Clone, Copy, Default)]
struct Used {
    cpu: f64,
    written: f64,
}

impl Used {
    /// Zero where there is no `/proc`.
    fn now() -> Self {
        let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        Used {
            cpu: cpu_of("self"),
            written: written.and_then(|bytes| bytes.parse().ok()).unwrap_or_default(),
        }
    }
}

/// Microseconds of CPU of a process. Zero where there is no `/proc`.
pub(super) fn cpu_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in the second field may have blanks. User and system time are the 12th and 13th
    // after it, in hundredths.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks * 10_000.0
}

impl Measured {
    fn of(mut waits: Vec<Duration>, took: Duration, before: Used) -> Self {
        let now = Used::now();
        let calls = waits.len() as f64;
        waits.sort_unstable();
        let at = |part: usize| waits[(waits.len() - 1) * part / 100].as_secs_f64() * 1e3;
        Measured {
            count: waits.len(),
            per_second: waits.len() as f64 / took.as_secs_f64(),
            p50: at(50),
            p99: at(99),
            cpu: (now.cpu - before.cpu) / calls,
            written: (now.written - before.written) / calls,
            server: f64::NAN,
            per_sync: f64::NAN,
        }
    }

    pub(super) fn with_server(self, used: f64) -> Self {
        Measured { server: used / self.count as f64, ..self }
    }

    pub(super) fn with_commits(self, commits: u64) -> Self {
        Measured { per_sync: self.count as f64 / commits as f64, ..self }
    }
}

/// When callers stop: after this time, or after so many calls of all of them.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Over(Duration),
    Calls(u64),
}

/// So many callers, each with one call at a time.
pub(super) async fn callers<C, F>(count: usize, until: Until, call: C) -> Measured
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Duration> + Send,
{
    let next = Arc::new(AtomicU64::new(1));
    let stop = Arc::new(AtomicBool::new(false));
    let (lasts, most) = match until {
        Until::Over(lasts) => (lasts, u64::MAX),
        Until::Calls(most) => (Duration::from_secs(3600), most),
    };
    let (start, before) = (Instant::now(), Used::now());
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (call, next, stop) = (call.clone(), next.clone(), stop.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > most {
                    break;
                }
                waits.push(call(number).await);
            }
            waits
        });
    }
    let mut all = std::pin::pin!(tasks.join_all());
    let waits = tokio::select! {
        waits = &mut all => waits,
        () = tokio::time::sleep(lasts) => {
            stop.store(true, Ordering::Relaxed);
            all.await
        }
    };
    Measured::of(waits.concat(), start.elapsed(), before)
}

pub(super) fn median<T>(rounds: &[T], figure: fn(&T) -> f64) -> f64 {
    Spread::of(rounds.iter().map(figure).collect()).median
}

/// Rounds of the queue and of what it is compared with.
pub(super) struct Pairs<T> {
    pub(super) others: Vec<T>,
    pub(super) ours: Vec<T>,
}

impl<T> Pairs<T> {
    /// In turns, and each first as often as the other: the disk has good and bad minutes.
    pub(super) async fn measure(
        rounds: usize,
        other: impl AsyncFn() -> T,
        ours: impl AsyncFn() -> T,
    ) -> Self {
        let mut pairs = Pairs { others: Vec::new(), ours: Vec::new() };
        for round in 0..rounds {
            if round % 2 == 0 {
                pairs.others.push(other().await);
                pairs.ours.push(ours().await);
            } else {
                pairs.ours.push(ours().await);
                pairs.others.push(other().await);
            }
        }
        pairs
    }

    /// One figure: the medians, and the ratios of the rounds.
    pub(super) fn row(
        &self,
        callers: usize,
        what: &str,
        goal: &str,
        digits: usize,
        figure: fn(&T) -> f64,
    ) -> [String; 6] {
        let ratios = self.ours.iter().zip(&self.others);
        let ratios = ratios.map(|(ours, other)| figure(ours) / figure(other));
        [
            callers.to_string(),
            what.to_owned(),
            format!("{:.digits$}", median(&self.others, figure)),
            format!("{:.digits$}", median(&self.ours, figure)),
            Spread::of(ratios.collect()).to_string(),
            goal.to_owned(),
        ]
    }
}
