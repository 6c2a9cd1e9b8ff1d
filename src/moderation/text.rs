//! A text in all its forms.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use smallvec::SmallVec;

use super::fold::{Folded, fold_within};
use super::forms::{self, Level};
use super::replace::replace;
use super::rules::Part;
use super::shown::{Incomplete, Shown};

/// Something that a user wrote and another user may see, in all the forms in which it may be seen.
///
/// | form | what it finds |
/// | --- | --- |
/// | as written | what it is |
/// | decoded, level by level | escapes: a client may read the text as JSON, or as what is nearly JSON |
/// | folded, of each of these | capitals, full width, ligatures (NFKC, case folded), invisible characters, marks over letters |
/// | turned and folded, of each with U+202E | what is written backwards to be displayed forwards |
///
/// A word that is split over several elements is in a text of its own, whose [`place`](Self::place)
/// is [`Place::Joined`].
///
/// The other forms are made when they are first asked for, and once.
pub struct Text<'a> {
    shown: &'a Shown,
    written: Cow<'a, str>,
    place: Place,
    /// Whether there may be a backslash in it.
    is_escaped: bool,
    /// The forms beside that as written.
    others: OnceLock<Others>,
}

/// Most texts have one other form, or none.
type Forms = SmallVec<[String; 1]>;

struct Others {
    forms: Forms,
    /// Whether a folded word that is in the text as written is in its folded form as well: each
    /// character was folded without regard to those beside it.
    covers_written: bool,
}

/// Where a [`Text`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// In an element of a message: a text, the name of a file, the title of a bundle, the kind of
    /// an element that this version does not know, and all that it contains.
    Message,
    /// In the custom data of a message or of an element.
    CustomData,
    /// In several elements of a message, or pieces of an element, that a client shows as one text.
    /// Each of them is a text of its own as well. It cannot be replaced.
    Joined,
    /// Outside of a message: the name of a group, an introduction, a remark.
    Member,
}

impl Shown {
    /// The texts: each piece, then those that are joined from several.
    pub fn texts(&self) -> impl Iterator<Item = Text<'_>> {
        let pieces = self.pieces().iter().map(|piece| {
            let place = match piece.part {
                Part::Inline | Part::Block => Place::Message,
                Part::Data | Part::Beside | Part::Custom => Place::CustomData,
                Part::Key | Part::Number if piece.is_in_message => Place::Message,
                Part::Member | Part::Key | Part::Number => Place::Member,
            };
            Text::new(self, self.text_of(piece), place, piece.is_escaped)
        });
        let joined =
            self.joined().map(|joined| Text::new(self, Cow::Owned(joined), Place::Joined, true));
        pieces.chain(joined)
    }
}

impl<'a> Text<'a> {
    pub(super) fn new(
        shown: &'a Shown,
        written: Cow<'a, str>,
        place: Place,
        is_escaped: bool,
    ) -> Self {
        Text { shown, written, place, is_escaped, others: OnceLock::new() }
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The callback that it belongs to: its command, app, sender and group.
    pub fn shown(&self) -> &Shown {
        self.shown
    }

    /// Whether one of its [forms](Self::forms) contains this word, as it is or folded.
    ///
    /// For many words, build an automaton of your own (such as that of `aho-corasick`) from words
    /// that you [fold](super::fold()), and search [`forms`](Self::forms).
    pub fn contains(&self, word: &str) -> bool {
        let any = |word: &str, skipped| {
            self.forms().skip(usize::from(skipped)).any(|form| has(form, word))
        };
        match fold_within(word, usize::MAX) {
            Ok(Folded { text: None, .. }) => any(word, self.others().covers_written),
            Ok(Folded { text: Some(folded), .. }) => {
                any(word, false) || (!folded.is_empty() && any(&folded, false))
            }
            Err(_) => any(word, false),
        }
    }

    /// Each form once, the one as written first. In folded forms, words are as
    /// [`fold`](super::fold()) writes them.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.as_str()).chain(self.others().forms.iter().map(String::as_str))
    }

    /// The text as written with each `word` replaced by `new`: also in capitals, in full width, or
    /// with invisible characters in it.
    ///
    /// If the word is in another form only (escaped, backwards, with marks over its letters),
    /// nothing is replaced. [`Finding::Replace`] then rejects, since the word is still there in the
    /// second look.
    ///
    /// [`Finding::Replace`]: super::Finding::Replace
    pub fn replace(&self, word: &str, new: &str) -> String {
        replace(&self.written, word, new)
    }

    fn others(&self) -> &Others {
        self.others.get_or_init(|| {
            let mut covers_written = false;
            let forms = self.make_others(&mut covers_written);
            Others { forms, covers_written }
        })
    }

    fn make_others(&self, covers_written: &mut bool) -> Forms {
        let mut forms = Forms::new();
        let mut room = self.shown.room();
        // The form that is decoded next: the text as written, then what was decoded last.
        let mut level = None;
        for depth in 0..=forms::LEVELS {
            let text: &str = level.map_or(&self.written, |level: usize| &forms[level]);
            let Ok(Folded { text: folded, is_simple }) = fold_within(text, room) else {
                self.shown.note(Incomplete::TooLong);
                break;
            };
            let turned = if is_simple { None } else { forms::turned(text) };
            let decoded = if self.is_escaped { forms::decode(text, depth) } else { Level::Same };
            if let Some(folded) = folded {
                *covers_written |= depth == 0 && is_simple;
                room -= folded.len();
                add(&mut forms, folded, &self.written);
            }
            if let Some(turned) = turned {
                let Ok(folded) = fold_within(&turned, room) else {
                    self.shown.note(Incomplete::TooLong);
                    break;
                };
                let folded = folded.text.unwrap_or(turned);
                room = room.saturating_sub(folded.len());
                add(&mut forms, folded, &self.written);
            }
            match decoded {
                Level::Same => break,
                Level::TooDeep => {
                    self.shown.note(Incomplete::EscapesTooDeep);
                    break;
                }
                Level::Decoded(decoded) if decoded.len() > room => {
                    self.shown.note(Incomplete::TooLong);
                    break;
                }
                Level::Decoded(decoded) => {
                    room -= decoded.len();
                    level = Some(add(&mut forms, decoded, ""));
                }
            }
        }
        forms
    }
}

/// Whether a text contains a word. In long texts `memchr` searches faster, in short ones its
/// preparation takes longer than the search.
fn has(text: &str, word: &str) -> bool {
    const SHORT: usize = 512;
    if text.len() < SHORT {
        text.contains(word)
    } else {
        memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
    }
}

/// Adds a form unless it is there already or is the text as written, and returns its index.
fn add(forms: &mut Forms, form: String, written: &str) -> usize {
    if let Some(index) = forms.iter().position(|other| *other == form) {
        return index;
    }
    if form != written {
        forms.push(form);
    }
    forms.len() - usize::from(!forms.is_empty())
}

/// Shows where it stands and how long it is. What people write belongs in no log.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("place", &self.place)
            .field("length", &self.written.len())
            .finish_non_exhaustive()
    }
}
