//! Events that arrive in batches. Each item is read on its own.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::command::Command;
use crate::json;
use crate::types::RawJson;

/// One item of a batch. An item that does not fit its type is kept as received; the other items are
/// not lost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BatchItem<E> {
    /// An item that fits its type.
    Typed(E),
    /// An item that does not fit, or that has another command.
    Unknown(RawJson),
}

impl<E> BatchItem<E> {
    /// The item, if it fits.
    pub fn typed(&self) -> Option<&E> {
        match self {
            BatchItem::Typed(event) => Some(event),
            BatchItem::Unknown(_) => None,
        }
    }
}

/// An event that arrives in batches, and may repeat the command in each item.
pub(crate) trait BatchEvent: for<'de> Deserialize<'de> {
    const COMMAND: Command;

    fn command(&self) -> Option<&Command>;
}

impl<E: Serialize> Serialize for BatchItem<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            BatchItem::Typed(event) => event.serialize(serializer),
            BatchItem::Unknown(json) => json.serialize(serializer),
        }
    }
}

impl<'de, E: BatchEvent> Deserialize<'de> for BatchItem<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if !raw.get().starts_with('{') {
            return Err(D::Error::custom("an item of a batch is an object"));
        }
        Ok(match json::from_str::<E>(raw.get()) {
            Ok(event) if event.command().is_none_or(|command| *command == E::COMMAND) => {
                BatchItem::Typed(event)
            }
            _ => BatchItem::Unknown(RawJson::new(raw)),
        })
    }
}
