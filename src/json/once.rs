//! Maps in which a name may not occur twice: it would be unclear which of the two values counts.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads the entries of a map; a name that stands twice is an error.
pub(crate) fn entries<'de, V: Deserialize<'de>, A: MapAccess<'de>>(
    mut members: A,
) -> Result<BTreeMap<String, V>, A::Error> {
    let mut entries = BTreeMap::new();
    while let Some(name) = members.next_key()? {
        if entries.insert(name, members.next_value()?).is_some() {
            return Err(A::Error::custom("a name twice"));
        }
    }
    Ok(entries)
}

/// A map read by [`entries`].
pub(crate) struct Once<V>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Once<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Map<V> {
            type Value = Once<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Once<V>, A::Error> {
                entries(members).map(Once)
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }
}
