//! A thread that writes lines and the record, so that no request waits for a terminal or a disk as
//! long as there is room.

use std::io::{self, BufWriter, Write as _};

use tokio::sync::{mpsc, oneshot};

use crate::output::complain;
use crate::record;

enum Job {
    Write { line: String, recorded: Option<String> },
    Finish(oneshot::Sender<()>),
}

/// Writes in another thread.
#[derive(Debug)]
pub(crate) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(crate) fn start(record: Option<record::Writer>) -> Self {
        let (send, jobs) = mpsc::channel(1024);
        std::thread::spawn(move || work(jobs, record));
        Writer(send)
    }

    pub(crate) async fn write(&self, line: String, recorded: Option<String>) {
        // If the thread is gone, so is the program.
        drop(self.0.send(Job::Write { line, recorded }).await);
    }

    /// Waits until all is written.
    pub(crate) async fn finish(&self) {
        let (done, waiting) = oneshot::channel();
        if self.0.send(Job::Finish(done)).await.is_ok() {
            drop(waiting.await);
        }
    }
}

fn work(mut jobs: mpsc::Receiver<Job>, mut record: Option<record::Writer>) {
    let mut out = BufWriter::new(io::stdout());
    while let Some(mut job) = jobs.blocking_recv() {
        loop {
            match job {
                Job::Write { line, recorded } => {
                    // Nobody may be reading; receiving and recording go on.
                    drop(out.write_all(line.as_bytes()));
                    let added = match (&mut record, recorded) {
                        (Some(record), Some(line)) => record.add(&line),
                        _ => Ok(()),
                    };
                    stop_on_error(&mut record, added);
                }
                Job::Finish(done) => {
                    let flushed = flush(&mut out, record.as_mut());
                    stop_on_error(&mut record, flushed);
                    // The program may have stopped waiting.
                    let _ = done.send(());
                    return;
                }
            }
            match jobs.try_recv() {
                Ok(next) => job = next,
                Err(_) => break,
            }
        }
        let flushed = flush(&mut out, record.as_mut());
        stop_on_error(&mut record, flushed);
    }
}

/// The record first: who reads a line may open the record.
fn flush(out: &mut BufWriter<io::Stdout>, record: Option<&mut record::Writer>) -> io::Result<()> {
    let flushed = record.map_or(Ok(()), record::Writer::flush);
    drop(out.flush());
    flushed
}

/// A disk that is full fails each time: it is said once.
fn stop_on_error(record: &mut Option<record::Writer>, done: io::Result<()>) {
    if let Err(error) = done {
        complain(format_args!("the record: {error}; no more is recorded"));
        *record = None;
    }
}
