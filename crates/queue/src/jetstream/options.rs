//! Settings of a queue on JetStream, and the names of what it makes there.

use std::fmt;
use std::time::Duration;

use tencent_im_callback::OrderKey;

use crate::options::StoreOptions;

/// The name and the settings of a queue on JetStream.
///
/// All processes that share a queue must use the same name, partitions and times. They are compared
/// with what exists at the broker.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback_queue::StoreOptions;
/// use tencent_im_callback_queue::jetstream::JetStream;
///
/// let settings = JetStream::new("callbacks")
///     .replicas(3)
///     .options(StoreOptions::new().max_block(Duration::from_secs(60)));
/// ```
#[derive(Clone)]
#[must_use]
pub struct JetStream {
    pub(crate) name: String,
    pub(crate) partitions: usize,
    pub(crate) replicas: usize,
    pub(crate) ack_wait: Duration,
    pub(crate) options: StoreOptions,
}

impl JetStream {
    /// The defaults. The name is that of the stream and the first word of all subjects: letters,
    /// digits, `-` and `_`.
    pub fn new(name: impl Into<String>) -> Self {
        JetStream {
            name: name.into(),
            partitions: 16,
            replicas: 1,
            ack_wait: Duration::from_secs(30),
            options: StoreOptions::new(),
        }
    }

    /// The number of partitions (16), at least 1. Order keys are hashed onto them. Over all
    /// processes, callbacks of one partition are handled one at a time, so this is also the limit
    /// for callbacks with an order key that are handled at the same time. It cannot be changed
    /// while the stream exists.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions.clamp(1, 1024);
        self
    }

    /// On how many servers each callback is stored (1). With three, one server may be lost.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas.max(1);
        self
    }

    /// If a worker's process dies, another one takes over its callbacks after this time (30 s), at
    /// least 1 s. A handler may take longer: the worker tells the broker that it is still working.
    pub fn ack_wait(mut self, ack_wait: Duration) -> Self {
        self.ack_wait = ack_wait.max(Duration::from_secs(1));
        self
    }

    /// Limits and times, as for other stores. The differences:
    ///
    /// - `max_rows` and `max_bytes` limit the stream, including handled callbacks in the dedup
    ///   window; dead letters are limited separately. Without `max_bytes` the broker's own limit
    ///   applies. With it, the broker reserves that much of its disk, twice.
    /// - `max_body`: the broker has its own limit, `max_payload`, 1 MB by default.
    /// - `dedup_window` starts when a callback is accepted, and is at least 100 ms. Handled
    ///   callbacks are kept with their ids for that time, so the window survives a restart of the
    ///   broker.
    /// - `max_block`: a callback that fails blocks all callbacks of its partition, also those of
    ///   other conversations.
    /// - `clock`: the broker uses its own clock for the window and for
    ///   [`ack_wait`](Self::ack_wait).
    pub fn options(mut self, options: StoreOptions) -> Self {
        self.options = options;
        self
    }

    /// The broker's minimum is 100 ms.
    pub(super) fn window(&self) -> Duration {
        self.options.dedup_window.max(Duration::from_millis(100))
    }
}

impl fmt::Debug for JetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStream")
            .field("name", &self.name)
            .field("partitions", &self.partitions)
            .field("replicas", &self.replicas)
            .field("ack_wait", &self.ack_wait)
            .field("options", &self.options)
            .finish()
    }
}

/// Where a message waits. Each lane has a subject and a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Callbacks whose order keys have this hash. One is delivered at a time.
    Partition(usize),
    /// Callbacks without an order key. They are delivered concurrently.
    Any,
    /// Failed callbacks that do not block others, until their next attempt is due.
    Retry,
}

impl Lane {
    /// The lane of a callback.
    pub(super) fn of(key: Option<&OrderKey>, partitions: usize) -> Self {
        let Some(key) = key else { return Lane::Any };
        // The key is a digest: any bytes of it are a hash.
        let hash = key.as_bytes().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        let partition = hash % (partitions as u64);
        Lane::Partition(usize::try_from(partition).unwrap_or(0))
    }

    /// All lanes.
    pub(super) fn all(partitions: usize) -> impl Iterator<Item = Lane> {
        (0..partitions).map(Lane::Partition).chain([Lane::Any, Lane::Retry])
    }

    /// The lanes of the main stream.
    pub(super) fn main(partitions: usize) -> impl Iterator<Item = Lane> {
        (0..partitions).map(Lane::Partition).chain([Lane::Any])
    }

    /// The name of its consumer, and the last word of its subject.
    pub(super) fn name(self) -> String {
        match self {
            Lane::Partition(number) => format!("p{number}"),
            Lane::Any => "any".to_owned(),
            Lane::Retry => "retry".to_owned(),
        }
    }

    /// Its index in [`all`](Self::all).
    pub(super) fn index(self, partitions: usize) -> usize {
        match self {
            Lane::Partition(number) => number,
            Lane::Any => partitions,
            Lane::Retry => partitions + 1,
        }
    }

    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Lane::Partition(_))
    }
}

/// Names of streams, subjects and consumers.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) String);

impl Names {
    /// Callbacks to be handled, and handled ones in the dedup window.
    pub(super) fn main(&self) -> String {
        self.0.clone()
    }

    pub(super) fn retry(&self) -> String {
        format!("{}-retry", self.0)
    }

    pub(super) fn dead(&self) -> String {
        format!("{}-dead", self.0)
    }

    /// The notes: one message for each callback that is done, or that failed and waits in its lane.
    pub(super) fn state(&self) -> String {
        format!("{}-state", self.0)
    }

    pub(super) fn stream(&self, lane: Lane) -> String {
        match lane {
            Lane::Retry => self.retry(),
            _ => self.main(),
        }
    }

    pub(super) fn subject(&self, lane: Lane) -> String {
        format!("{}.{}", self.0, lane.name())
    }

    /// The lane of a subject of the main stream.
    pub(super) fn lane(&self, subject: &str) -> Option<Lane> {
        let word = subject.strip_prefix(&self.0)?.strip_prefix('.')?;
        match word {
            "any" => Some(Lane::Any),
            _ => word.strip_prefix('p')?.parse().ok().map(Lane::Partition),
        }
    }

    pub(super) fn dead_subject(&self, id: u64) -> String {
        format!("{}.dead.{id}", self.0)
    }

    /// The subject of the note about a message. The messages of a partition share one, since they
    /// are handled one after the other: the last note then tells about all earlier messages. A
    /// message that came late has its own subject, so that its note is not the last one.
    pub(super) fn state_subject(&self, lane: Lane, sequence: u64, passed: bool) -> String {
        match lane {
            Lane::Partition(number) if !passed => format!("{}.state.p{number}", self.0),
            Lane::Partition(_) | Lane::Any => format!("{}.state.q{sequence}", self.0),
            Lane::Retry => format!("{}.state.r{sequence}", self.0),
        }
    }

    /// The subject of the mark, which says up to where the main stream was deleted.
    pub(super) fn mark(&self) -> String {
        format!("{}.state.mark", self.0)
    }

    pub(super) fn is_mark(&self, subject: &str) -> bool {
        subject.strip_prefix(&self.0) == Some(".state.mark")
    }

    /// Whether the subject of a note is about a retry.
    pub(super) fn is_about_a_retry(&self, subject: &str) -> bool {
        subject.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with(".state.r"))
    }
}
