//! Commands: which callback it is, its phase and its family.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::table::for_each_command;
use crate::types::Escaped;

mod chinese;

/// Old commands and their names today.
///
/// `Live.CallbackMemberStateChanged` stands in the URL table of one vendor page,
/// `Room.CallbackUpdateRoomInfo` in the command lists of early 2024. A page of 2025 writes
/// `Call.CallbackAfterCloudRecordingChanged` in the body, and `…RecordChanged` in the URL.
const ALIASES: &[(&str, Command)] = &[
    ("Live.CallbackMemberStateChanged", Command::LiveAfterMemberStateChanged),
    ("Room.CallbackUpdateRoomInfo", Command::RoomAfterUpdateRoomInfo),
    ("Call.CallbackAfterCloudRecordingChanged", Command::CallAfterRecordChanged),
];

/// Documented cases in which the URL and the body have different commands, each with the one that
/// counts.
///
/// The vendor's page on `Live.CallbackAfterDelMetadata` has `…SetMetadata` in its URL table. Read
/// as the URL says, a deletion would be a `…SetMetadata` without entries.
const MISMATCHES: &[(Command, Command, Command)] = &[
    (Command::LiveAfterSetMetadata, Command::LiveAfterDelMetadata, Command::LiveAfterDelMetadata),
    (
        Command::LiveAfterCloudRecordingChanged,
        Command::FollowAfterCloudRecordingChanged,
        Command::FollowAfterCloudRecordingChanged,
    ),
    (
        Command::FollowAfterCloudRecordingChanged,
        Command::LiveAfterCloudRecordingChanged,
        Command::LiveAfterCloudRecordingChanged,
    ),
];

/// When a callback is sent, and so what its answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// The action waits for your answer, which decides whether it happens.
    Before,
    /// The action has happened. The answer only says whether your server got the callback.
    After,
    /// An alarm or a result. No user caused it.
    Notice,
    /// The phase of a command that this version does not know, and that does not have *before* in
    /// its name. It is never detached or taken for a duplicate, and its errors are those of
    /// [`Phase::Before`].
    Unknown,
}

impl Phase {
    /// The name in lower case, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::After => "after",
            Phase::Notice => "notice",
            Phase::Unknown => "unknown",
        }
    }

    /// Whether Tencent may be waiting for a verdict: true for every phase except
    /// [`After`](Phase::After) and [`Notice`](Phase::Notice).
    pub const fn may_decide(self) -> bool {
        matches!(self, Phase::Before | Phase::Unknown)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A command that this version does not know, as received.
///
/// It is never a known command, so equal commands are always equal values. Its `Debug` is escaped
/// and short enough for a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownCommand(Box<str>);

impl UnknownCommand {
    /// The command as received, decoded. It may contain anything: escape it before you log it or
    /// use it as a label.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is called like the *before* callbacks of today. No other command has either word.
    fn says_before(&self) -> bool {
        let contains = |name: &[u8]| {
            self.0.as_bytes().windows(name.len()).any(|part| part.eq_ignore_ascii_case(name))
        };
        contains(b"before") || contains(b".callbackprev")
    }
}

impl fmt::Debug for UnknownCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(&self.0))
    }
}

/// What the table says about a command.
struct Row {
    word: &'static str,
    phase: Phase,
    family: Family,
    /// The body that the vendor's page shows.
    #[cfg(feature = "testing")]
    sample: &'static str,
}

macro_rules! define_commands {
    ($( $family:ident $module:ident $prefix:literal {
        $( $word:literal $phase:ident $variant:ident $event:tt; )*
    } )*) => {
        /// A command of Tencent's, in its canonical spelling.
        ///
        /// Variants are derived from the command: the family, then the name without `Callback`.
        /// Unknown commands are kept in [`Command::Unknown`]. Old names are replaced by today's.
        ///
        /// ```
        /// use tencent_im_callback::{Command, Phase};
        ///
        /// let command: Command = "Sns.CallbackFriendDelete".into();
        /// assert_eq!(command, Command::SnsFriendDelete);
        /// assert_eq!(command.phase(), Phase::After);
        /// assert_eq!(Command::from("New.Word").as_str(), "New.Word");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Command {
            $( $(
                #[doc = concat!("`", $word, "`")]
                $variant,
            )* )*
            /// Any other command.
            Unknown(UnknownCommand),
        }

        impl Command {
            /// Every command that this version knows, in the order of the table.
            pub const ALL: &'static [Command] = &[$( $( Command::$variant, )* )*];

            /// `None` for an unknown command.
            const fn row(&self) -> Option<&'static Row> {
                match self {
                    $( $( Command::$variant => Some(&Row {
                        word: $word,
                        phase: Phase::$phase,
                        family: Family::$family,
                        #[cfg(feature = "testing")]
                        sample: include_str!(concat!("testing/payloads/", $word, ".json")),
                    }), )* )*
                    Command::Unknown(_) => None,
                }
            }

            fn current(word: &str) -> Option<Command> {
                match word {
                    $( $( $word => Some(Command::$variant), )* )*
                    _ => None,
                }
            }
        }

        /// The family of a command: the part before the dot.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Family {
            $(
                #[doc = concat!("`", $prefix, ".…`")]
                $family,
            )*
            /// The family of a command that this version does not know.
            Unknown,
        }

        impl Family {
            /// The prefix as Tencent writes it, or `Unknown` for [`Family::Unknown`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Family::$family => $prefix, )*
                    Family::Unknown => "Unknown",
                }
            }
        }
    };
}

for_each_command!(define_commands);

impl Command {
    /// The command as Tencent writes it today.
    pub fn as_str(&self) -> &str {
        match self {
            Command::Unknown(word) => word.as_str(),
            known => known.label(),
        }
    }

    /// The command as a metric label: one of [`ALL`](Self::ALL), or `unknown` for all others, since
    /// a peer can invent any number of them.
    pub const fn label(&self) -> &'static str {
        match self.row() {
            Some(row) => row.word,
            None => "unknown",
        }
    }

    /// Whether the action waits for the answer.
    ///
    /// A command that this version does not know, but whose name says *before* as Tencent writes it
    /// (`Group.CallbackBeforeSomething`, `Sns.CallbackPrevSomething`), is a [`Phase::Before`]: no
    /// notification is called so.
    pub fn phase(&self) -> Phase {
        match (self, self.row()) {
            (_, Some(row)) => row.phase,
            (Command::Unknown(word), None) if word.says_before() => Phase::Before,
            _ => Phase::Unknown,
        }
    }

    /// The family: the part before the dot.
    pub const fn family(&self) -> Family {
        match self.row() {
            Some(row) => row.family,
            None => Family::Unknown,
        }
    }

    /// See [`testing::sample`](crate::testing::sample).
    #[cfg(feature = "testing")]
    pub(crate) fn sample(&self) -> Option<&'static str> {
        self.row().map(|row| row.sample)
    }

    /// Whether this version does not know the command.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Command::Unknown(_))
    }

    /// Which command counts when the URL says `self` and the body says `body`; `None` if they
    /// contradict each other.
    ///
    /// The caller makes sure that both are known.
    pub(crate) fn reconcile(&self, body: &Command) -> Option<Command> {
        if self == body {
            return Some(body.clone());
        }
        MISMATCHES
            .iter()
            .find(|(url, other, _)| url == self && other == body)
            .map(|(_, _, means)| means.clone())
    }
}

impl From<&str> for Command {
    fn from(word: &str) -> Self {
        Command::current(word)
            .or_else(|| {
                ALIASES.iter().find(|(old, _)| *old == word).map(|(_, command)| command.clone())
            })
            .unwrap_or_else(|| Command::Unknown(UnknownCommand(word.into())))
    }
}

impl FromStr for Command {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(word.into())
    }
}

/// Writes the command as Tencent does. An unknown command may contain anything: log it with `{:?}`,
/// which escapes it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl serde::de::Visitor<'_> for Word {
            type Value = Command;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command word")
            }

            fn visit_str<E>(self, word: &str) -> Result<Command, E> {
                Ok(word.into())
            }
        }

        deserializer.deserialize_str(Word)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
