//! What tells one delivery from another.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::command::Command;
use crate::types::{GroupId, Id, SdkAppId, TimestampSecs, UserId};

/// Names one delivery: equal for a callback that Tencent sends twice, different for two events.
///
/// A digest over app, command and what the command's rule names; it gives nothing of them away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey([u8; 32]);

impl DedupKey {
    /// A key of your own: a digest of whatever names a delivery for you.
    pub fn new(parts: impl AsRef<[u8]>) -> Self {
        DedupKey(Sha256::digest(parts).into())
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DedupKey({})", const_hex::encode(&self.0[..8]))
    }
}

/// A key in the making. Every part is written with its length, so that no two lists of parts look alike.
pub(crate) struct Parts {
    hasher: Sha256,
    missing: bool,
}

impl Parts {
    pub(crate) fn new(app: SdkAppId, command: &Command, rule: &'static str) -> Self {
        let hasher = Sha256::new();
        Parts { hasher, missing: false }
            .bytes(&app.0.to_be_bytes())
            .bytes(command.as_str().as_bytes())
            .bytes(rule.as_bytes())
    }

    /// A part without which there is no key.
    pub(crate) fn add(mut self, part: &impl Part) -> Self {
        if part.write(&mut self.hasher) {
            self
        } else {
            Parts { missing: true, ..self }
        }
    }

    /// A part that some callbacks of the command never have.
    pub(crate) fn maybe(mut self, part: &impl Part) -> Self {
        if !part.write(&mut self.hasher) {
            self.hasher.update(0u64.to_be_bytes());
        }
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        write(&mut self.hasher, bytes);
        self
    }

    pub(crate) fn finish(self) -> Option<DedupKey> {
        (!self.missing).then(|| DedupKey(self.hasher.finalize().into()))
    }
}

fn write(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// What a key can be made of. Says whether it is there; an empty text is not.
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

impl Part for i64 {
    fn write(&self, hasher: &mut Sha256) -> bool {
        write(hasher, &self.to_be_bytes());
        true
    }
}

impl Part for TimestampSecs {
    fn write(&self, hasher: &mut Sha256) -> bool {
        self.0.write(hasher)
    }
}

impl<P: Part> Part for Option<P> {
    fn write(&self, hasher: &mut Sha256) -> bool {
        self.as_ref().is_some_and(|part| part.write(hasher))
    }
}

/// The key by a rule of the table, which is a closure there.
pub(crate) fn by<E>(event: &E, parts: Parts, rule: impl Fn(&E, Parts) -> Parts) -> Option<DedupKey> {
    rule(event, parts).finish()
}
