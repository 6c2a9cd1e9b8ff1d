//! Two threads: one writes the record, the other prints. Requests wait for the disk if there is no
//! room, and never for the program that reads the output.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::mpsc::{self as std_mpsc, TrySendError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::output::complain;
use crate::record;

/// Lines that are recorded, and then printed, together.
const BATCH: u64 = 256;

/// Batches that wait to be printed.
const BATCHES: usize = 16;

/// What comes within this time is written together. Waking a thread for each line would take a
/// good part of the time of a request.
const PAUSE: Duration = Duration::from_millis(2);

/// How long the end waits for the program that reads the output.
const LAST: Duration = Duration::from_secs(1);

enum Job {
    Write { line: String, recorded: Option<String> },
    Finish(oneshot::Sender<()>),
}

/// What is printed together.
#[derive(Default)]
struct Batch {
    lines: String,
    count: u64,
    /// For standard error.
    complaint: Option<String>,
}

/// Writes in other threads.
#[derive(Debug)]
pub(crate) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(crate) fn start(record: Option<record::Writer>) -> Self {
        let (send, jobs) = mpsc::channel(1024);
        let (print, batches) = std_mpsc::sync_channel(BATCHES);
        let (ended, end) = std_mpsc::sync_channel(1);
        std::thread::spawn(move || {
            print_all(&batches);
            // The other thread may have stopped waiting.
            let _ = ended.send(());
        });
        std::thread::spawn(move || {
            let printer = Printer { print, dropped: 0, complaint: None };
            let done = work(jobs, record, printer);
            // It has the rest to print.
            let _ = end.recv_timeout(LAST);
            if let Some(done) = done {
                // The program may have stopped waiting.
                let _ = done.send(());
            }
        });
        Writer(send)
    }

    pub(crate) async fn write(&self, line: String, recorded: Option<String>) {
        // If the thread is gone, so is the program.
        drop(self.0.send(Job::Write { line, recorded }).await);
    }

    /// Waits until all is recorded, and printed if somebody reads.
    pub(crate) async fn finish(&self) {
        let (done, waiting) = oneshot::channel();
        if self.0.send(Job::Finish(done)).await.is_ok() {
            drop(waiting.await);
        }
    }
}

/// Hands batches to the thread that prints, and counts the lines for which it has no room.
struct Printer {
    print: std_mpsc::SyncSender<Batch>,
    dropped: u64,
    complaint: Option<String>,
}

impl Printer {
    fn print(&mut self, mut batch: Batch) {
        let count = batch.count;
        if self.dropped > 0 {
            let note = format!("{} lines dropped, since nobody read the output\n", self.dropped);
            batch.lines.insert_str(0, &note);
        }
        batch.complaint = batch.complaint.or_else(|| self.complaint.take());
        match self.print.try_send(batch) {
            Ok(()) => self.dropped = 0,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.dropped += count;
                self.complaint = batch.complaint;
            }
        }
    }
}

fn print_all(batches: &std_mpsc::Receiver<Batch>) {
    let mut out = io::stdout();
    while let Ok(batch) = batches.recv() {
        if let Some(complaint) = batch.complaint {
            complain(complaint);
        }
        // Nobody may be reading; receiving and recording go on.
        drop(out.write_all(batch.lines.as_bytes()).and_then(|()| out.flush()));
    }
}

/// Records and has printed what comes, to the end: gives back who waits for it.
fn work(
    mut jobs: mpsc::Receiver<Job>,
    mut record: Option<record::Writer>,
    mut printer: Printer,
) -> Option<oneshot::Sender<()>> {
    while let Some(first) = jobs.blocking_recv() {
        let (mut batch, mut finish, mut next) = (Batch::default(), None, Some(first));
        while let Some(job) = next {
            match job {
                Job::Write { line, recorded } => {
                    batch.lines.push_str(&line);
                    batch.count += 1;
                    if let (Some(to), Some(line)) = (&mut record, recorded) {
                        let added = to.add(&line);
                        stop_on_error(&mut record, added, &mut batch);
                    }
                }
                Job::Finish(done) => finish = Some(done),
            }
            let is_full = batch.count >= BATCH || finish.is_some();
            next = if is_full { None } else { jobs.try_recv().ok() };
        }
        // The record first: who reads a line may open the record.
        let flushed = record.as_mut().map_or(Ok(()), record::Writer::flush);
        stop_on_error(&mut record, flushed, &mut batch);
        let is_full = batch.count >= BATCH;
        printer.print(batch);
        if finish.is_some() {
            return finish;
        }
        if !is_full {
            std::thread::sleep(PAUSE);
        }
    }
    None
}

/// A disk that is full fails each time: it is said once.
fn stop_on_error(record: &mut Option<record::Writer>, done: io::Result<()>, batch: &mut Batch) {
    if let Err(error) = done {
        let complaint = batch.complaint.get_or_insert_default();
        // Into a `String` it always fits.
        let _ = write!(complaint, "the record: {error}; no more is recorded");
        *record = None;
    }
}
