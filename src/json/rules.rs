//! How much of the vendor's bending is allowed while a text is read, and how much memory its lists
//! may take.

use std::cell::Cell;

use serde::de;

/// What `null` means where a list is wanted.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Nulls {
    #[default]
    AreEmptyLists,
    AreMisfits,
}

/// What is allowed while one text is read, and what was met in it.
#[derive(Default)]
pub(crate) struct Rules {
    pub(super) empty_is_absent: bool,
    pub(super) nulls: Nulls,
    pub(super) met_empty: Cell<bool>,
    /// Bytes that lists and maps may still take in memory.
    budget: Cell<usize>,
}

/// What lists and maps may take in memory. An honest item takes about twice its text, and the
/// capacity of a list is up to twice its length; an item such as `{}` can take two hundred times
/// its text.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// For each byte of their text.
    growth: usize,
    /// On top of that, since a single item is larger than a short text.
    allowance: usize,
}

impl Room {
    pub(super) const BODY: Room = Room { growth: 7, allowance: 4096 };
    /// A whole body, read as a type of the user's, which may be large although its text is short.
    pub(crate) const USER: Room = Room { growth: 64, allowance: 64 * 1024 };
    /// A text inside of another one, of which there may be many.
    pub(crate) const ITEM: Room = Room { growth: 7, allowance: 512 };
    /// The content of an element. Each bundle around it may keep a copy of its text, which counts
    /// as well.
    pub(crate) const CONTENT: Room = Room { growth: 4, allowance: 224 };
}

/// In the error of a text that would take too much memory.
pub(crate) const TOO_MANY_ITEMS: &str = "more items than a text of this length may hold";

impl Rules {
    pub(super) fn of(text: &str, room: Room, nulls: Nulls) -> Self {
        Rules {
            nulls,
            budget: Cell::new(
                text.len().saturating_mul(room.growth).saturating_add(room.allowance),
            ),
            ..Rules::default()
        }
    }

    #[inline]
    pub(super) fn charge<T, E: de::Error>(&self) -> Result<(), E> {
        match self.budget.get().checked_sub(size_of::<T>()) {
            Some(left) => {
                self.budget.set(left);
                Ok(())
            }
            None => Err(E::custom(TOO_MANY_ITEMS)),
        }
    }
}
