//! Settings of a queue on JetStream.

use std::fmt;
use std::time::Duration;

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
    pub(crate) lease: Duration,
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
            lease: Duration::from_secs(10),
            options: StoreOptions::new(),
        }
    }

    /// The number of partitions (16), at least 1. Order keys are hashed onto them. A partition
    /// belongs to one worker at a time, so it is also the limit for workers that share the work. It
    /// cannot be changed while the stream exists.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions.clamp(1, 1024);
        self
    }

    /// On how many servers each callback is stored (1). With three, one server may be lost.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas.max(1);
        self
    }

    /// How long a worker owns a partition unless it says so again (10 s), at least 1 s. If its
    /// process dies, another one takes over after this time. A handler may take longer. All
    /// processes of a queue need the same; it is kept with the stream, and cannot be changed while
    /// that exists.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Limits and times, as for other stores. The differences:
    ///
    /// - `max_rows` and `max_bytes` limit what waits for its first attempt. Retries and dead letters
    ///   are not limited, since a full queue must be able to write them. Without `max_bytes` the
    ///   broker's own limit applies. With it, the broker reserves that much of its disk.
    /// - `max_body`: the broker has its own limit, `max_payload`, 1 MB by default.
    /// - `dedup_window` starts when a callback is accepted, and is at least two minutes.
    /// - `clock`: the broker uses its own clock for the window, and a worker one that never jumps for
    ///   its [`lease`](Self::lease).
    pub fn options(mut self, options: StoreOptions) -> Self {
        self.options = options;
        self
    }

    /// A move of a callback is published again within this time if its answer was lost.
    pub(super) fn window(&self) -> Duration {
        self.options.dedup_window.max(Duration::from_secs(120))
    }
}

impl fmt::Debug for JetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStream")
            .field("name", &self.name)
            .field("partitions", &self.partitions)
            .field("replicas", &self.replicas)
            .field("lease", &self.lease)
            .field("options", &self.options)
            .finish()
    }
}
