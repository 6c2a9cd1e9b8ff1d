//! `queue`: looks after a queue of `tencent-im-callback-queue`.

mod nats;

use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use tencent_im_callback_queue::{DeliveryId, Filter, Page, Queue, QueueError, Record};

use crate::output::{Failure, chain, escaped, say, wrong};

/// How many dead letters are read at a time.
const PAGE: usize = 256;

/// Manage a queue of `tencent-im-callback-queue`: counts, dead letters, export
///
/// Only one process can open a file: stop your server first. A queue on NATS can be in use. Your
/// server can use `Queue::stats`, `dead_letters`, `requeue`, `purge` and `export` instead.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:
  im-callback queue callbacks.queue stats
  im-callback queue callbacks.queue dead
  im-callback queue callbacks.queue requeue --all
  im-callback queue callbacks.queue export --dead > dead.jsonl
  im-callback queue callbacks.queue purge --dead --older-than-days 30 --yes
  im-callback queue nats://127.0.0.1:4222 callbacks stats",
    subcommand_precedence_over_arg = true
)]
pub(crate) struct Arguments {
    /// The queue's file, or the address of a NATS server: nats://HOST:PORT, or tls://. User and
    /// password may be in it, or in `NATS_USER` and `NATS_PASSWORD`
    file: PathBuf,
    /// The name of the queue on that server
    name: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show how many wait, will be tried again, and are dead
    Stats,
    /// List the dead letters, without their bodies
    Dead {
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Put dead letters back; a worker tries them again
    Requeue {
        /// Their ids, as `dead` lists them
        #[arg(required_unless_present = "all")]
        ids: Vec<DeliveryId>,
        /// All of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Delete callbacks permanently
    Purge {
        #[command(flatten)]
        which: Which,
        /// Delete them; without this option nothing is deleted
        #[arg(long)]
        yes: bool,
    },
    /// Write callbacks to standard output or a file, one JSON object per line. They contain private
    /// messages
    Export {
        #[command(flatten)]
        which: Which,
        /// Write into this file, which must not exist, instead of standard output
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

impl Action {
    /// Whether it writes. The others leave the file as it is.
    fn changes(&self) -> bool {
        matches!(self, Action::Requeue { .. } | Action::Purge { yes: true, .. })
    }
}

/// Which callbacks.
#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    kind: Kind,
    /// Select only those that were accepted at least this many days ago
    #[arg(long, value_name = "DAYS")]
    older_than_days: Option<u32>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Kind {
    /// Select dead letters
    #[arg(long)]
    dead: bool,
    /// Select callbacks that wait
    #[arg(long)]
    waiting: bool,
}

impl Which {
    fn filter(&self) -> Filter {
        let filter = if self.kind.dead { Filter::dead() } else { Filter::waiting() };
        match self.older_than_days {
            Some(days) => filter.older_than(Duration::from_secs(u64::from(days) * 24 * 3600)),
            None => filter,
        }
    }

    fn said(&self) -> String {
        let what = if self.kind.dead { "dead letters" } else { "callbacks that wait" };
        match self.older_than_days {
            Some(days) => format!("{what} of {days} days or more"),
            None => format!("all {what}"),
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let queue = match (nats::address(&arguments.file), arguments.name) {
        (Some(address), Some(name)) => nats::open(address, name).await?,
        (Some(_), None) => return Err(wrong("the name of the queue is missing after the address")),
        (None, Some(name)) => {
            return Err(wrong(format_args!(
                "a file has no queue with a name: {}",
                escaped(&name, 60)
            )));
        }
        (None, None) => open(&arguments.file, arguments.action.changes()).await?,
    };
    let done = act(&queue, arguments.action).await;
    queue.close().await.map_err(failed)?;
    done
}

/// Opens the file, and does not make one: a path with a typing error would look like an empty
/// queue.
async fn open(file: &Path, changes: bool) -> Result<Queue, Failure> {
    if !file.exists() {
        return Err(wrong(format_args!("there is no file {}", file.display())));
    }
    let opened = if changes { Queue::open(file).await } else { Queue::open_read_only(file).await };
    opened.map_err(|error| match error {
        QueueError::Locked(_) => {
            wrong(format_args!("{}; stop the server that uses it", shown(&error)))
        }
        error => wrong(shown(&error)),
    })
}

async fn act(queue: &Queue, action: Action) -> Result<(), Failure> {
    match action {
        Action::Stats => stats(queue).await,
        Action::Dead { limit } => list_dead(queue, limit).await,
        Action::Requeue { ids, all } => {
            let count = if all {
                requeue_all(queue).await?
            } else {
                for id in &ids {
                    requeue(queue, *id).await?;
                }
                ids.len()
            };
            Ok(say(format_args!("{count} requeued"))?)
        }
        Action::Purge { which, yes } => {
            if !yes {
                return Err(wrong(format_args!(
                    "this deletes {} for good; add --yes",
                    which.said()
                )));
            }
            let count = queue.purge(which.filter()).await.map_err(failed)?;
            Ok(say(format_args!("{count} deleted"))?)
        }
        Action::Export { which, out } => export(queue, &which, out.as_deref()).await,
    }
}

async fn stats(queue: &Queue) -> Result<(), Failure> {
    let stats = queue.stats().await.map_err(failed)?;
    let mut table = table();
    table.add_row(["waiting", &stats.waiting.to_string()]);
    if stats.running > 0 {
        table.add_row(["of these, with a worker", &stats.running.to_string()]);
    }
    table.add_row(["of these, to be tried again", &stats.retrying.to_string()]);
    table.add_row(["oldest, accepted", &stats.oldest.map_or("-".to_owned(), ago)]);
    table.add_row(["dead letters", &stats.dead.to_string()]);
    table.add_row(["of these, unreadable bodies", &stats.unreadable.to_string()]);
    table.add_row(["size in bytes", &stats.bytes.to_string()]);
    Ok(say(table)?)
}

async fn list_dead(queue: &Queue, limit: usize) -> Result<(), Failure> {
    let mut table = table();
    table.set_header(["id", "accepted", "attempts", "why", "command", "last error"]);
    let letters = dead(queue, limit).await?;
    for letter in &letters {
        let command = letter.callback().map_or("cannot be read".to_owned(), |stored| {
            escaped(stored.params.command.as_str(), 60)
        });
        table.add_row([
            letter.id.to_string(),
            ago(letter.accepted_at),
            letter.attempts.to_string(),
            letter.death.map_or(String::new(), |death| death.reason.to_string()),
            command,
            escaped(letter.error.as_deref().unwrap_or_default(), 120),
        ]);
    }
    if !letters.is_empty() {
        say(table)?;
    }
    let all = queue.stats().await.map_err(failed)?.dead;
    Ok(say(format_args!("{} of {all} dead letters", letters.len()))?)
}

async fn export(queue: &Queue, which: &Which, out: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = out else {
        let written = queue.export(which.filter(), io::stdout()).await;
        return written.map(drop).map_err(|error| not_written(&error));
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file =
        options.open(path).map_err(|error| wrong(format_args!("{}: {error}", path.display())))?;
    let count = queue.export(which.filter(), io::BufWriter::new(file)).await.map_err(failed)?;
    Ok(say(format_args!("{count} written to {}", path.display()))?)
}

async fn requeue(queue: &Queue, id: DeliveryId) -> Result<(), Failure> {
    let done = queue.requeue(id).await;
    done.map_err(|error| Failure::Answer(format!("{id}: {}", shown(&error))))
}

/// A page at a time: dead letters come with their bodies, and there may be many.
async fn requeue_all(queue: &Queue) -> Result<usize, Failure> {
    let mut count = 0;
    let mut page = Page::of(PAGE);
    loop {
        let letters = queue.dead_letters(page).await.map_err(failed)?;
        let Some(last) = letters.last() else {
            return Ok(count);
        };
        page = page.after(last.id);
        for letter in &letters {
            requeue(queue, letter.id).await?;
        }
        count += letters.len();
    }
}

async fn dead(queue: &Queue, limit: usize) -> Result<Vec<Record>, Failure> {
    let mut letters = Vec::new();
    let mut page = Page::of(PAGE);
    while letters.len() < limit {
        let more = queue.dead_letters(page).await.map_err(failed)?;
        let Some(last) = more.last() else { break };
        page = page.after(last.id);
        letters.extend(more);
    }
    letters.truncate(limit);
    Ok(letters)
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// How long ago, in the largest unit that fits.
fn ago(time: SystemTime) -> String {
    let Ok(since) = time.elapsed() else {
        return "in the future".to_owned();
    };
    let seconds = since.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{number} {unit} ago")
}

fn failed(error: QueueError) -> Failure {
    Failure::Answer(shown(&error))
}

/// Standard output may have gone away, as with `| head`.
fn not_written(error: &QueueError) -> Failure {
    let mut source = error.source();
    while let Some(error) = source {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        {
            return Failure::Shown;
        }
        source = error.source();
    }
    Failure::Answer(shown(error))
}

/// An error with its sources, for a terminal.
fn shown(error: &QueueError) -> String {
    escaped(&chain(error), 1000)
}
