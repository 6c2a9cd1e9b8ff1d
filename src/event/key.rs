//! The keys of a callback: for recognising a second delivery, and for keeping events in order.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::types::{GroupId, Id, SdkAppId, UserId};

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
pub(crate) struct Parts {
    hasher: Sha256,
    missing: bool,
}

impl Parts {
    /// Starts a key with the app and the sort of key, so that keys of two apps or sorts differ.
    pub(crate) fn new(app: SdkAppId, sort: &str) -> Self {
        let hasher = Sha256::new();
        Parts { hasher, missing: false }.bytes(&app.0.to_be_bytes()).bytes(sort.as_bytes())
    }

    /// Adds a part that the key needs. If it is absent or empty, there is no key.
    pub(crate) fn add(mut self, part: &impl Part) -> Self {
        if part.write(&mut self.hasher) { self } else { Parts { missing: true, ..self } }
    }

    /// Adds two people, so that the key is the same in whichever order they are given.
    pub(crate) fn pair(self, one: &UserId, other: &UserId) -> Self {
        if one <= other { self.add(one).add(other) } else { self.add(other).add(one) }
    }

    /// Adds a part that may be absent.
    pub(crate) fn maybe(self, part: Option<&str>) -> Self {
        match part {
            Some(text) => self.bytes(b"some").bytes(text.as_bytes()),
            None => self.bytes(b"none"),
        }
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        write(&mut self.hasher, bytes);
        self
    }

    /// Whether every part that the key needs was there.
    pub(crate) fn is_complete(&self) -> bool {
        !self.missing
    }

    pub(crate) fn dedup(self) -> Option<DedupKey> {
        self.is_complete().then(|| DedupKey(self.hasher.finalize().into()))
    }

    pub(crate) fn order(self) -> Option<OrderKey> {
        self.is_complete().then(|| OrderKey(self.hasher.finalize().into()))
    }
}

fn write(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// What a key can be made of. `write` returns whether the part was there; an empty text counts as
/// absent.
pub(crate) trait Part {
    fn write(&self, hasher: &mut Sha256) -> bool;
}

macro_rules! text_part {
    ($($name:ident)*) => { $(
        impl Part for $name {
            fn write(&self, hasher: &mut Sha256) -> bool {
                if !self.as_str().is_empty() {
                    write(hasher, self.as_str().as_bytes());
                }
                !self.as_str().is_empty()
            }
        }
    )* };
}

text_part!(UserId GroupId Id);

impl<P: Part> Part for &P {
    fn write(&self, hasher: &mut Sha256) -> bool {
        P::write(self, hasher)
    }
}

impl Part for i64 {
    fn write(&self, hasher: &mut Sha256) -> bool {
        write(hasher, &self.to_be_bytes());
        true
    }
}

impl<P: Part> Part for Option<P> {
    fn write(&self, hasher: &mut Sha256) -> bool {
        self.as_ref().is_some_and(|part| part.write(hasher))
    }
}

/// Calls the closure in which a row of the table adds to a key. It gives the compiler the closure's
/// types.
pub(crate) fn by<E>(event: &E, parts: Parts, rule: impl Fn(&E, Parts) -> Parts) -> Parts {
    rule(event, parts)
}
