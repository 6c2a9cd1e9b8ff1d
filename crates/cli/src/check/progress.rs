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
        if !std::io::stderr().is_terminal()
            && let Some(line) = self.line(name, Instant::now())
        {
            complain(line);
        }
    }

    /// What is said at this moment, unless something was said a moment ago.
    fn line(&self, name: &str, now: Instant) -> Option<String> {
        if now.saturating_duration_since(self.said.get()) < PAUSE {
            return None;
        }
        self.said.set(now);
        let (done, total) = (self.done.get(), self.total);
        Some(match self.lang {
            Lang::En => format!("{done} of {total}: {name}"),
            Lang::Zh => format!("{done}/{total}：{name}"),
        })
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_every_five_seconds() {
        for (lang, wanted) in
            [(Lang::En, "2 of 9: refuses.stale"), (Lang::Zh, "2/9：refuses.stale")]
        {
            let progress = Progress::new(9, lang);
            progress.next("accepts.chunked");
            progress.next("refuses.stale");
            let begun = progress.said.get();
            let after = |seconds| progress.line("refuses.stale", begun + seconds * PAUSE / 5);
            assert_eq!(after(4), None);
            assert_eq!(after(5).as_deref(), Some(wanted));
            assert_eq!(after(9), None);
            assert_eq!(after(10).as_deref(), Some(wanted));
        }
    }
}
