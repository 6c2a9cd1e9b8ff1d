//! Where Tencent's JSON differs from its documentation: numbers in quotes, `null` for a list,
//! broken characters, values that no page lists.

mod lenient;
mod mend;
mod once;
mod open;
mod path;
mod rules;
mod surrogates;
mod tokens;

pub(crate) use self::lenient::{Lenient, from_str, from_str_within, lenient, misfit};
pub(crate) use self::mend::{CheckedText, mend, readable, without_mark};
pub(crate) use self::once::{Once, entries};
pub(crate) use self::open::{Text, wire_int, wire_text};
pub(crate) use self::path::{offset, path_at};
pub(crate) use self::rules::{Nulls, Room, TOO_MANY_ITEMS};
pub(crate) use self::surrogates::replace_unpaired;
pub(crate) use self::tokens::{Token, Tokens};
