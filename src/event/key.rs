//! The keys of a callback: for recognising a second delivery, and for keeping events in order.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::types::SdkAppId;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It is a digest, so it does not reveal what it was made from. `Display` writes it as 64
        /// hex digits, which stay the same in every version of this crate.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A key of your own: the digest of these bytes.
            pub fn new(parts: impl AsRef<[u8]>) -> Self {
                $name(Sha256::digest(parts).into())
            }

            /// A key from the bytes that [`as_bytes`](Self::as_bytes) returned.
            pub const fn from_bytes(digest: [u8; 32]) -> Self {
                $name(digest)
            }

            /// The digest.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&const_hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), const_hex::encode(&self.0[..8]))
            }
        }
    };
}

key! {
    /// Identifies a delivery: equal if Tencent sends a callback twice, different for two events.
    DedupKey
}

key! {
    /// Identifies what an event belongs to, such as a group or a conversation. Events with the same
    /// key are handled one after the other.
    OrderKey
}

/// Collects the parts of a key. Each part is hashed with its length, so that two different lists of
/// parts never give the same bytes.
pub(crate) struct Parts(Sha256);

impl Parts {
    /// Starts a key with the app and the sort of key, so that keys of two apps or sorts differ.
    pub(crate) fn new(app: SdkAppId, sort: &str) -> Self {
        Parts(Sha256::new()).bytes(&app.0.to_be_bytes()).bytes(sort.as_bytes())
    }

    /// Adds a part that may be absent.
    pub(crate) fn maybe(self, part: Option<&str>) -> Self {
        match part {
            Some(text) => self.bytes(b"some").bytes(text.as_bytes()),
            None => self.bytes(b"none"),
        }
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn dedup(self) -> DedupKey {
        DedupKey(self.0.finalize().into())
    }

    pub(crate) fn order(self) -> OrderKey {
        OrderKey(self.0.finalize().into())
    }
}
