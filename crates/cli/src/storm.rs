//! Many requests: at a rate, several at a time, with progress on a terminal and the latencies at
//! the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::pin::pin;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tencent_im_callback::reply::Meaning;

use crate::output::{Failure, escaped, say};

/// How many, how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) count: u64,
    pub(crate) rate: Option<u32>,
    pub(crate) parallel: usize,
}

/// Latencies in microseconds, up to a minute or so; longer ones count as that.
#[derive(Debug)]
pub(crate) struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Latencies(Histogram::new_with_bounds(1, 100_000_000, 3).ok())
    }

    pub(crate) fn add(&mut self, took: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// In milliseconds.
    #[allow(clippy::cast_precision_loss)] // shown with one digit
    pub(crate) fn at(&self, percentile: f64) -> f64 {
        self.0
            .as_ref()
            .map_or(0.0, |histogram| histogram.value_at_percentile(percentile) as f64 / 1000.0)
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(count: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} {eta} left {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Sends until all are sent or Ctrl-C comes, and says how it went. The answers to *before* callbacks
/// have a meaning.
#[allow(clippy::cast_precision_loss)] // shown with one digit
pub(crate) async fn run(
    storm: Storm,
    send: impl AsyncFn(u64) -> Result<(Duration, Option<Meaning>), String>,
) -> Result<(), Failure> {
    let latencies = RefCell::new(Latencies::new());
    let meanings = RefCell::new(BTreeMap::<&str, u64>::new());
    let wrong = RefCell::new(BTreeMap::<String, u64>::new());
    let (next, done) = (Cell::new(0u64), Cell::new(0u64));
    let bar = progress(storm.count);
    let started = Instant::now();
    let worker = async || {
        loop {
            let at = next.get();
            if at >= storm.count {
                return;
            }
            next.set(at + 1);
            if let Some(rate) = storm.rate {
                let due = started + Duration::from_secs_f64(at as f64 / f64::from(rate));
                tokio::time::sleep_until(due.into()).await;
            }
            match send(at).await {
                Ok((took, meaning)) => {
                    latencies.borrow_mut().add(took);
                    if let Some(meaning) = meaning {
                        *meanings.borrow_mut().entry(meaning.as_str()).or_default() += 1;
                    }
                }
                Err(what) => {
                    let mut wrong = wrong.borrow_mut();
                    // Few kinds are expected; an endpoint that invents others must not fill the
                    // memory.
                    let what = if wrong.len() < 20 { what } else { "something else".to_owned() };
                    *wrong.entry(what).or_default() += 1;
                }
            }
            done.set(done.get() + 1);
            bar.inc(1);
            if done.get() % 256 == 0 {
                bar.set_message(format!("p99 {:.1} ms", latencies.borrow().at(99.0)));
            }
        }
    };
    let workers = storm.parallel.min(usize::try_from(storm.count).unwrap_or(usize::MAX));
    let all = pin!(together((0..workers).map(|_| worker()).collect()));
    let interrupted = tokio::select! {
        () = all => false,
        _ = tokio::signal::ctrl_c() => true,
    };
    bar.finish_and_clear();
    let done = done.get();
    if interrupted {
        say(format_args!("interrupted after {done} of {}", storm.count))?;
    }
    let meanings: Vec<String> =
        meanings.borrow().iter().map(|(meaning, count)| format!("{count} {meaning}")).collect();
    report(done, started.elapsed(), &latencies.borrow(), &wrong.borrow(), &meanings.join(", "))
}

#[allow(clippy::cast_precision_loss)] // shown with one digit
fn report(
    done: u64,
    took: Duration,
    latencies: &Latencies,
    wrong: &BTreeMap<String, u64>,
    meanings: &str,
) -> Result<(), Failure> {
    let bad: u64 = wrong.values().sum();
    let took = took.as_secs_f64();
    let rate = done as f64 / took.max(0.000_001);
    say(format_args!("{done} sent in {took:.1} s, {rate:.0} a second, {bad} unexpected answers"))?;
    let at = |percentile| latencies.at(percentile);
    let which = if bad > 0 { " (of the others)" } else { "" };
    say(format_args!(
        "p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms{which}",
        at(50.0),
        at(99.0),
        at(100.0)
    ))?;
    if !meanings.is_empty() {
        say(format_args!("verdicts: {meanings}"))?;
    }
    for (what, count) in wrong {
        say(format_args!("{count} × {}", escaped(what, 300)))?;
    }
    if bad > 0 { Err(Failure::Shown) } else { Ok(()) }
}

/// Runs them all, each polled only when it is woken.
async fn together<F: Future<Output = ()>>(futures: Vec<F>) {
    use futures_util::StreamExt as _;

    let mut all: futures_util::stream::FuturesUnordered<F> = futures.into_iter().collect();
    while all.next().await.is_some() {}
}
