// These come before those at the end of the README, so that its links lead to pages here.
#![doc = "[chinese]: crate::zh"]
#![doc = "[commands]: tencent_im_callback::docs::commands"]
#![doc = "[middleware]: tencent_im_callback"]
#![doc = "[tracing]: tencent_im_callback::docs::tracing"]
#![doc = ""]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod delivery;
mod enqueue;
mod error;
#[cfg(feature = "jetstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "jetstream")))]
pub mod jetstream;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
mod memory;
mod options;
mod policy;
mod queue;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub mod sqlite;
pub mod store;
mod trace;
mod watch;
mod worker;

pub use self::delivery::{Delivery, DeliveryId, InvalidDeliveryIdError};
pub use self::enqueue::{Enqueue, EnqueueFuture, EnqueueLayer};
pub use self::error::{QueueError, StorageError};
#[cfg(feature = "jetstream")]
#[cfg_attr(docsrs, doc(cfg(feature = "jetstream")))]
pub use self::jetstream::JetStreamStore;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use self::memory::MemoryStore;
pub use self::options::StoreOptions;
pub use self::policy::RetryPolicy;
pub use self::queue::{Page, Queue};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use self::sqlite::SqliteStore;
pub use self::store::{DeadReason, Death, Filter, Record, Stats, Store};
pub use self::worker::{Stopped, Worker};

#[doc = "[commands]: tencent_im_callback::zh::commands"]
#[doc = "[middleware]: tencent_im_callback::zh"]
#[doc = "[tracing]: tencent_im_callback::zh::tracing"]
#[doc = ""]
#[doc = include_str!("../README.zh-CN.md")]
pub mod zh {}
