//! What people wrote in a callback.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use bytestring::ByteString;

use super::forms;
use super::runs::{Join, Run};
use super::walk::{Piece, Pieces, Walk};
use crate::callback::Callback;
use crate::command::Command;
use crate::event::AsEvent;
use crate::json::readable;
use crate::types::{GroupId, SdkAppId, UserId};

/// All that people wrote in a callback and a client may show, in the order in which it stands.
///
/// It works by exclusion: a string counts unless it is known to be an id, an address or a format,
/// and so do the keys and numbers of everything that this version does not know.
/// [`Text`](super::Text) says in which forms each piece is judged.
///
/// ```
/// use tencent_im_callback::event::c2c::BeforeSendMsg;
/// use tencent_im_callback::testing;
///
/// # let body = r#"{"From_Account":"a","To_Account":"b","MsgBody":[
/// #     {"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}]}"#;
/// let callback = testing::callback::<BeforeSendMsg>(body);
/// let shown = callback.shown();
/// assert!(shown.texts().any(|text| text.contains("RED packet")));
/// ```
pub struct Shown {
    /// The body as text.
    text: ByteString,
    pieces: Pieces,
    runs: Vec<Run>,
    incomplete: AtomicU8,
    join: Join,
    command: Command,
    sdk_app_id: SdkAppId,
}

/// Why something that is shown could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incomplete {
    /// A bundle does not contain all messages that it is made of: there are fewer than its `MsgNum`
    /// says, or there is a `JsonMsgKey` instead of them. Tencent leaves out what is over 12 KB.
    Bundle,
    /// The body has bytes that are not UTF-8. Clients may show anything for them.
    BrokenBytes,
    /// A text has escapes in escapes in escapes, more than eight times.
    EscapesTooDeep,
    /// The forms of a text would take more than twelve times the memory of the body.
    TooLong,
    /// The body cannot be read as its type.
    Unreadable,
}

const ALL: [Incomplete; 5] = [
    Incomplete::Bundle,
    Incomplete::BrokenBytes,
    Incomplete::EscapesTooDeep,
    Incomplete::TooLong,
    Incomplete::Unreadable,
];

impl Incomplete {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The memory that the forms of one text may take, as a multiple of the body.
const ROOM: usize = 12;

impl<E: AsEvent> Callback<E> {
    /// All that people wrote in it, for moderation: see [`Shown`].
    ///
    /// It reads the raw body, so it shows what this version does not know, and works for every
    /// command. Those for which the [module](crate::moderation) has rules show words of people
    /// only, others some words of Tencent's as well.
    pub fn shown(&self) -> Shown {
        self.shown_joined(Join::default())
    }

    /// [`shown`](Self::shown), with texts joined over more than what shows nothing.
    pub fn shown_joined(&self, join: Join) -> Shown {
        Shown::of(self, join)
    }
}

impl Shown {
    pub(super) fn of<E: AsEvent>(callback: &Callback<E>, join: Join) -> Self {
        let (text, is_broken) = match callback.text.is_of(&callback.body) {
            Some(text) => (text, false),
            None => match readable(&callback.body) {
                Cow::Borrowed(text) => (text.into(), false),
                Cow::Owned(text) => (text.into(), true),
            },
        };
        let (command, app) = (callback.answered_as(), callback.params.sdk_app_id);
        let shown = Shown::read(text, join, command, app);
        if is_broken {
            shown.note(Incomplete::BrokenBytes);
        }
        if callback.event.is_unreadable() {
            shown.note(Incomplete::Unreadable);
        }
        shown
    }

    /// The same callback with another body.
    pub(super) fn again(&self, body: &str) -> Self {
        let shown = Shown::read(body.into(), self.join, &self.command, self.sdk_app_id);
        let before = self.incomplete.load(Ordering::Relaxed);
        shown.incomplete.fetch_or(before, Ordering::Relaxed);
        shown
    }

    fn read(text: ByteString, join: Join, command: &Command, sdk_app_id: SdkAppId) -> Self {
        let walk = Walk::of(&text, join);
        let shown = Shown {
            text,
            pieces: walk.pieces,
            runs: walk.runs,
            incomplete: AtomicU8::new(0),
            join,
            command: command.clone(),
            sdk_app_id,
        };
        if !walk.is_whole {
            shown.note(Incomplete::Bundle);
        }
        shown
    }

    /// The number of texts.
    pub fn len(&self) -> usize {
        self.pieces.len() + self.runs.len()
    }

    /// Whether nobody wrote anything.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Why a part of it could not be judged. Escapes and lengths count when
    /// [`Text::forms`] or [`Text::contains`] has met them.
    ///
    /// [`Text::forms`]: super::Text::forms
    /// [`Text::contains`]: super::Text::contains
    pub fn incomplete(&self) -> impl Iterator<Item = Incomplete> {
        let bits = self.incomplete.load(Ordering::Relaxed);
        ALL.into_iter().filter(move |incomplete| bits & incomplete.bit() != 0)
    }

    /// Whether all of it could be judged: see [`incomplete`](Self::incomplete).
    pub fn is_complete(&self) -> bool {
        self.incomplete().next().is_none()
    }

    /// The command as which the callback is answered.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// The app.
    pub fn sdk_app_id(&self) -> SdkAppId {
        self.sdk_app_id
    }

    /// Who wrote it: the sender of a message, the one who edited it, who asks for a friend, a group
    /// or an official account, or the official account that sends. It is looked up in the body with
    /// each call.
    pub fn sender(&self) -> Option<UserId> {
        let keys: &[&str] = match self.command {
            Command::C2cAfterModifyMsg | Command::GroupAfterModifyMsg => {
                &["Operator_Account", "From_Account"]
            }
            _ => &["From_Account", "Requestor_Account", "Official_Account", "Operator_Account"],
        };
        keys.iter().find_map(|key| self.id(key)).map(Into::into)
    }

    /// The group that it is written to, if there is one.
    pub fn group(&self) -> Option<GroupId> {
        self.id("GroupId").map(Into::into)
    }

    fn id(&self, key: &str) -> Option<String> {
        Walk::member(&self.text, key).filter(|id| !id.is_empty())
    }

    pub(super) fn note(&self, incomplete: Incomplete) {
        self.incomplete.fetch_or(incomplete.bit(), Ordering::Relaxed);
    }

    /// The bytes that the forms of one text may take.
    pub(super) fn room(&self) -> usize {
        self.text.len().max(4096).saturating_mul(ROOM)
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(super) fn body(&self) -> &str {
        &self.text
    }

    pub(super) fn text_of(&self, piece: &Piece) -> Cow<'_, str> {
        let json = self.json_of(piece);
        if piece.is_escaped { forms::of_string(json) } else { Cow::Borrowed(json) }
    }

    /// The JSON of a piece, without its quotes.
    fn json_of(&self, piece: &Piece) -> &str {
        let json = self.text.get(piece.range()).unwrap_or_default();
        let Some(quoted) = json.strip_prefix('"') else {
            return json;
        };
        quoted.strip_suffix('"').unwrap_or(quoted)
    }

    /// The texts that a client shows as one, of the runs of pieces.
    pub(super) fn joined(&self) -> impl Iterator<Item = String> {
        self.runs.iter().map(|run| self.join(run))
    }

    /// The JSON is joined and then decoded: two texts may contain one half of a character each.
    fn join(&self, run: &Run) -> String {
        let mut joined = String::new();
        for piece in self.pieces.get(run.range()).unwrap_or_default() {
            if run.contains(piece.part) {
                joined.push_str(self.json_of(piece));
            }
        }
        match forms::of_string(&joined) {
            Cow::Owned(decoded) => decoded,
            Cow::Borrowed(_) => joined,
        }
    }
}

/// Shows how much there is of it. What people write belongs in no log.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown")
            .field("command", &self.command)
            .field("sdk_app_id", &self.sdk_app_id.0)
            .field("texts", &self.len())
            .field("incomplete", &self.incomplete().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
