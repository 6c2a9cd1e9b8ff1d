//! How far a check has come: a bar on a terminal, a line every few seconds elsewhere.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::lang::Lang;
use crate::output::complain;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    total: u64,
    lang: Lang,
    done: Cell<u64>,
    said: Cell<Instant>,
}

impl Progress {
    pub(super) fn new(total: u64, lang: Lang) -> Self {
        let bar = crate::storm::progress(total);
        Progress { bar, total, lang, done: Cell::new(0), said: Cell::new(Instant::now()) }
    }

    /// The next request is about this.
    pub(super) fn next(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.inc(1);
        self.done.set(self.done.get() + 1);
        if self.said.get().elapsed() >= PAUSE && !std::io::stderr().is_terminal() {
            self.said.set(Instant::now());
            let (done, total) = (self.done.get(), self.total);
            complain(match self.lang {
                Lang::En => format!("{done} of {total}: {name}"),
                Lang::Zh => format!("{done}/{total}：{name}"),
            });
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
