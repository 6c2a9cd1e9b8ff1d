//! The events: one type per command, one module per family, and [`Event`] for all of them.
//!
//! ```
//! use tencent_im_callback::{Callback, Command, Event, Params};
//!
//! let body = r#"{"PairList":[{"From_Account":"id","To_Account":"id1"}]}"#;
//! let params = Params::trusted(1400000000, Command::SnsFriendDelete);
//! let callback = Callback::parse(params, body.into())?;
//! let Event::SnsFriendDelete(event) = callback.event else { panic!() };
//! assert_eq!(event.pair_list[0].to_account, "id1");
//! # Ok::<(), tencent_im_callback::Rejection>(())
//! ```

pub mod alert;
mod batch;
mod before_message;
pub mod bot;
pub mod c2c;
pub mod call;
pub mod chatbot;
pub mod content_callback;
pub mod desk;
mod extension;
pub mod follow;
pub mod group;
pub mod live;
pub mod mic;
pub mod official_account;
pub mod profile;
pub mod push;
mod recording;
pub mod room;
pub mod sns;
pub mod state;

pub(crate) mod drift;
pub(crate) mod key;
pub(crate) mod parse;
mod rules;
mod time;
mod unknown;
mod who;
mod word;

use serde::{Serialize, Serializer};

use crate::command::{Command, Phase};
use crate::reply::{self, Reply};
use crate::table::for_each_command;
use crate::types::SdkAppId;

pub use self::batch::BatchItem;
pub use self::before_message::BeforeMessage;
pub use self::extension::{Extension, OperateType};
pub use self::key::{DedupKey, OrderKey};
pub use self::recording::{
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload,
    TrackType, VodFile,
};
pub use self::time::EventTime;
pub use self::unknown::{Misfit, MisfitKind, UnknownEvent, UnknownReason};

use self::sealed::{Documented, Rules};
use self::word::Word;

/// The type of the event of one command. You cannot implement it for your own types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the event of one command",
    note = "for `BeforeMessage` use `EventRouter::on_message`, for a type of yours \
        `EventRouter::on_unknown`, for all others a fallback"
)]
pub trait TypedEvent:
    AsEvent + Documented + Into<Event> + Clone + Send + Sync + Sized + 'static
{
    /// The command.
    const COMMAND: Command;

    /// The reply type: `()` where the answer says no more than OK.
    type Reply: Into<Reply> + Send + 'static;

    /// Converts an [`Event`] into this one. If it is another event, the error returns it.
    ///
    /// # Errors
    ///
    /// The event, if it is another one.
    #[allow(clippy::result_large_err)] // handed through, not reported
    fn from_event(event: Event) -> Result<Self, Event>;
}

pub(crate) mod sealed {
    use super::{Command, EventTime, OrderKey, SdkAppId};

    /// What the crate itself asks of an event.
    pub trait Rules {
        /// When it happened.
        fn time_by_rule(&self) -> Option<EventTime> {
            None
        }

        /// Whether it has an id that no other event of its command has.
        fn has_id(&self) -> bool {
            false
        }

        /// The order key.
        fn order_by_rule(&self, app: SdkAppId) -> Option<OrderKey> {
            let _ = app;
            None
        }

        /// The event as JSON, without what its type does not know; `None` for an event without a
        /// type.
        fn written(&self) -> Option<String>;

        /// Whether this is a batch with an item that did not fit its type.
        fn has_unknown_item(&self) -> bool {
            false
        }

        /// The command as which the callback has to be answered.
        fn answered_as<'a>(&'a self, url: &'a Command) -> &'a Command {
            url
        }

        /// Whether its body could not be read.
        fn is_unreadable(&self) -> bool {
            false
        }
    }

    /// What `event!` says of a type.
    pub trait Documented {
        /// The vendor's page.
        const PAGE: &'static str;

        /// What the order key consists of, for the page `commands`.
        #[cfg(test)]
        const ORDER: Option<&'static str> = None;
    }
}

/// An [`Event`], or the event of one command. You cannot implement it for your own types.
pub trait AsEvent: sealed::Rules {}

impl AsEvent for Event {}

macro_rules! define_events {
    ($( $family:ident $module:ident $prefix:literal {
        $( $word:literal $phase:ident $variant:ident($event:ident $(-> $reply:ident)?); )*
    } )*) => {
        /// What happened, or is about to happen: one variant per command. Each is boxed, so an
        /// event is small to move.
        ///
        /// `Serialize` writes the whole body with Tencent's names, including `CallbackCommand`.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $( $(
                #[doc = concat!("`", $word, "`")]
                $variant(Box<$module::$event>),
            )* )*
            /// An unknown command, or a body that does not fit its type.
            Unknown(Box<UnknownEvent>),
        }

        impl Event {
            /// The command. For [`Event::Unknown`] it is the one in the URL.
            pub fn command(&self) -> &Command {
                match self {
                    $( $( Event::$variant(_) => const { &Command::$variant }, )* )*
                    Event::Unknown(event) => &event.command,
                }
            }

            /// The event of a command, and what the body says about its command; `None` if it has
            /// no type.
            fn typed(
                command: &Command,
                text: &str,
                word: &mut Word,
            ) -> Option<serde_json::Result<Event>> {
                match command {
                    $( $( Command::$variant => {
                        Some(parse::typed(command, text, word).map(Event::$variant))
                    } )* )*
                    Command::Unknown(_) => None,
                }
            }

            /// The event of one command inside; `None` for an event without a type.
            fn inner(&self) -> Option<&dyn AsEvent> {
                match self {
                    $( $( Event::$variant(event) => Some(&**event), )* )*
                    Event::Unknown(_) => None,
                }
            }
        }

        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( $( Event::$variant(event) => {
                        Whole::<$module::$event> { command: $word, event }.serialize(serializer)
                    } )* )*
                    Event::Unknown(event) => event.serialize(serializer),
                }
            }
        }

        $( $(
            impl TypedEvent for $module::$event {
                const COMMAND: Command = Command::$variant;

                #[allow(unused_parens)] // without a type in them they are `()`
                type Reply = ($( reply::$module::$reply )?);

                fn from_event(event: Event) -> Result<Self, Event> {
                    match event {
                        Event::$variant(event) => Ok(*event),
                        other => Err(other),
                    }
                }
            }

            impl From<$module::$event> for Event {
                fn from(event: $module::$event) -> Self {
                    Event::$variant(Box::new(event))
                }
            }
        )* )*

        impl Command {
            /// The vendor's page about the command. `None` if it is unknown.
            pub const fn docs(&self) -> Option<&'static str> {
                match self {
                    $( $( Command::$variant => Some(<$module::$event as Documented>::PAGE), )* )*
                    Command::Unknown(_) => None,
                }
            }

            /// Whether the answer says more than OK or FAIL, so that Tencent waits for it. For an
            /// unknown command this is true.
            pub const fn is_answered(&self) -> bool {
                match self {
                    $( $( Command::$variant => !stringify!($($reply)?).is_empty(), )* )*
                    Command::Unknown(_) => true,
                }
            }
        }

        /// Command, module, type, reply and scope of the order key, for the page `commands`.
        #[cfg(test)]
        const ROWS: &[(Command, &str, &str, Option<&str>, Option<&str>)] = &[$( $( (
            Command::$variant,
            stringify!($module),
            stringify!($event),
            [$(stringify!($reply))?].first().copied(),
            <$module::$event as Documented>::ORDER,
        ), )* )*];
    };
}

for_each_command!(define_events);

/// An event with its `CallbackCommand`, as Tencent sends it.
#[derive(Serialize)]
struct Whole<'a, E> {
    #[serde(rename = "CallbackCommand")]
    command: &'static str,
    #[serde(flatten)]
    event: &'a E,
}

impl Rules for Event {
    fn time_by_rule(&self) -> Option<EventTime> {
        self.inner()?.time_by_rule()
    }

    fn has_id(&self) -> bool {
        self.inner().is_some_and(Rules::has_id)
    }

    fn order_by_rule(&self, app: SdkAppId) -> Option<OrderKey> {
        self.inner()?.order_by_rule(app)
    }

    fn written(&self) -> Option<String> {
        self.inner()?.written()
    }

    fn has_unknown_item(&self) -> bool {
        self.inner().is_some_and(Rules::has_unknown_item)
    }

    fn answered_as<'a>(&'a self, url: &'a Command) -> &'a Command {
        match self {
            Event::Unknown(event) => {
                // Of two *before* commands, one that is not known does not count.
                let counts = |word: &Command| !word.is_unknown() || url.phase() != Phase::Before;
                event
                    .body_command
                    .as_ref()
                    .filter(|word| word.phase() == Phase::Before && counts(word))
                    .unwrap_or(url)
            }
            typed => typed.command(),
        }
    }

    fn is_unreadable(&self) -> bool {
        self.unknown_reason().is_some_and(UnknownReason::is_unreadable)
    }
}

impl Event {
    /// The command that counts, if it is not the URL's: the vendor documents that the body knows
    /// better.
    pub(crate) fn corrected(&self, url: &Command) -> Option<Command> {
        match self {
            Event::Unknown(event) => {
                event.misfit()?;
                url.reconcile(event.body_command.as_ref()?).filter(|counts| counts != url)
            }
            event => Some(event.command()).filter(|counts| *counts != url).cloned(),
        }
    }

    /// The event if it waits for a verdict and cannot be read: it cannot be judged, so it must not
    /// be answered `OK`.
    pub(crate) fn unjudged(&self, url: &Command) -> Option<&UnknownEvent> {
        let Event::Unknown(event) = self else {
            return None;
        };
        let command = self.answered_as(url);
        // An unknown command may wait for a verdict. If its body is a JSON object, the service gets
        // it: it may have a handler for that command.
        let may_have_handler =
            command.is_unknown() && event.reason == UnknownReason::UnknownCommand;
        (command.phase().may_decide() && !may_have_handler).then_some(event)
    }

    /// Where the body does not fit the type of its command, if that is the reason why it is
    /// [`Event::Unknown`].
    pub fn misfit(&self) -> Option<&Misfit> {
        match self {
            Event::Unknown(event) => event.misfit(),
            _ => None,
        }
    }

    /// Why it is [`Event::Unknown`], if it is.
    pub(crate) fn unknown_reason(&self) -> Option<&UnknownReason> {
        match self {
            Event::Unknown(event) => Some(&event.reason),
            _ => None,
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod page;
