//! One walk over the bytes of a body finds everything that a user could see.
//!
//! It works by exclusion: a string counts unless [`rules`](super::rules) says that it does not. A
//! sender who hides a text in an odd shape (a list where a string belongs, an unknown kind, a kind
//! given twice) gets it counted. The walk keeps a stack of what is open and does not recurse, since
//! the sender decides how deep the nesting is, and what it keeps is small: a body of brackets would
//! otherwise take many times its length. Places are bytes of the text, so that a rewrite can
//! replace single strings.

mod open;

use std::ops::Range;

use smallvec::SmallVec;

use self::open::{Bundle, Element, Frame, Sight, of_item};
use super::kinds::Kinds;
use super::rules::{Part, Rule, Table};
use super::runs::{Join, Run, Runs};
use crate::json::{Token, Tokens};

/// Something that is shown: its place in the body, a string with its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    start: u32,
    end: u32,
    pub(super) part: Part,
    /// Whether there may be a backslash in it.
    pub(super) is_escaped: bool,
    /// Whether it stands in the elements of a message.
    pub(super) is_in_message: bool,
    /// Whether another string can be sent in its place.
    pub(super) is_replaceable: bool,
}

impl Piece {
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Most messages have few.
pub(super) type Pieces = SmallVec<[Piece; 4]>;

/// An element has two kinds, and the first one was taken for the only one.
struct SecondKindError;

/// What a walk has found.
pub(super) struct Walk {
    pub(super) pieces: Pieces,
    pub(super) runs: Vec<Run>,
    /// Whether all bundles contain their messages.
    pub(super) is_whole: bool,
}

/// Places are 32 bits, of which one is used otherwise.
const LONGEST: usize = i32::MAX as usize;

impl Walk {
    pub(super) fn of(body: &str, join: Join) -> Self {
        let mut walker = Walker::new(body, join);
        // No server takes a body of 2 GB. If one did, nothing of it was judged.
        let is_short = body.len() <= LONGEST;
        if is_short && walker.walk().is_err() {
            walker = Walker::new(body, join);
            walker.asks_kinds = true;
            let _ = walker.walk();
        }
        walker.into_walk(is_short)
    }

    /// The string or number that a member of the body has.
    pub(super) fn member(body: &str, name: &str) -> Option<String> {
        let mut tokens = Tokens::new(body);
        let mut depth = 0usize;
        while let Some(token) = tokens.next() {
            match token {
                Token::Open { .. } => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                Token::Key if depth == 1 && tokens.key() == name => {
                    if let Some(text) = tokens.string() {
                        return Some(text.into_owned());
                    }
                    tokens.next();
                    let number = body.get(tokens.start()..tokens.end())?;
                    return number.starts_with(|c: char| c.is_ascii_digit()).then(|| number.into());
                }
                Token::Key | Token::Scalar => {}
            }
        }
        None
    }
}

struct Walker<'a> {
    body: &'a str,
    tokens: Tokens<'a>,
    join: Join,
    /// The innermost of what is open.
    frame: Frame,
    /// What is around it.
    outer: SmallVec<[Frame; 8]>,
    sight: Sight,
    bundles: Vec<Bundle>,
    /// The number of lists of elements that are open.
    messages: u32,
    kinds: Kinds,
    /// Whether kinds are asked of `kinds`. That takes another look at all elements, so it is only
    /// done from the first element on that does not begin with its kind.
    asks_kinds: bool,
    /// The outermost list of elements that is open.
    list: usize,
    element: Element,
    pieces: Pieces,
    runs: Runs,
    is_whole: bool,
}

#[allow(clippy::cast_possible_truncation)] // a body is shorter than `LONGEST`
impl<'a> Walker<'a> {
    fn new(body: &'a str, join: Join) -> Self {
        Walker {
            body,
            tokens: Tokens::new(body),
            join,
            frame: Frame::OUTSIDE,
            outer: SmallVec::new(),
            sight: Sight::Known(Rule::Members(Table::Body)),
            bundles: Vec::new(),
            messages: 0,
            kinds: Kinds::default(),
            asks_kinds: false,
            list: 0,
            element: Element::default(),
            pieces: Pieces::new(),
            runs: Runs::new(join),
            is_whole: true,
        }
    }

    fn into_walk(self, is_whole: bool) -> Walk {
        let is_whole = self.is_whole && is_whole;
        Walk { pieces: self.pieces, runs: self.runs.into_found(), is_whole }
    }

    fn walk(&mut self) -> Result<(), SecondKindError> {
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Open { object } => self.open(object, self.tokens.start()),
                Token::Close => self.close(),
                Token::Key => self.key(&self.tokens.key())?,
                Token::Scalar => self.scalar(),
            }
        }
        self.end_run();
        Ok(())
    }

    fn open(&mut self, object: bool, start: usize) {
        let sight = self.sight;
        let mut frame = Frame { object, ..Frame::OUTSIDE };
        match sight {
            Sight::Element if object => {
                frame.sight = Sight::Element;
                (frame.kind, frame.is_first_kind) = self.kind(start);
                self.element = Element {
                    first: self.pieces.len() as u32,
                    kind: frame.kind,
                    ..Element::default()
                };
            }
            Sight::Known(Rule::Elements) if !object => {
                frame.sight = sight;
                self.end_run();
                if self.messages == 0 {
                    self.list = start;
                }
                self.messages += 1;
                if self.asks_kinds {
                    self.kinds.find(self.body, start);
                }
            }
            Sight::Known(Rule::Members(table)) => {
                frame.sight = sight;
                self.open_members(table, object);
            }
            Sight::Known(Rule::Text(_)) if !object => frame.sight = sight,
            _ => {}
        }
        self.sight = if object { Sight::All } else { of_item(frame.sight) };
        self.outer.push(std::mem::replace(&mut self.frame, frame));
    }

    /// The kind of the element that starts here, and whether it is that of the first `MsgType`.
    fn kind(&mut self, start: usize) -> (Option<Table>, bool) {
        if !self.asks_kinds && self.messages > 0 {
            if let Some(kind) = self.tokens.first("MsgType") {
                return (Table::of_kind(kind), true);
            }
            self.asks_kinds = true;
            self.kinds.find(self.body, self.list);
        }
        (self.kinds.at(start), false)
    }

    /// Counts the messages of a bundle.
    fn open_members(&mut self, table: Table, object: bool) {
        if !object {
            return;
        }
        let depth = self.outer.len() as u32;
        if table == Table::Relay {
            self.bundles.push(Bundle { depth, promised: 0, found: 0 });
        } else if table == Table::Message
            && let Some(bundle) = self.bundles.last_mut()
        {
            bundle.found += 1;
        }
    }

    fn close(&mut self) {
        let Some(outer) = self.outer.pop() else { return };
        let frame = std::mem::replace(&mut self.frame, outer);
        match frame.sight {
            Sight::Element => self.end_element(),
            Sight::Known(Rule::Elements) if !frame.object => {
                self.end_run();
                self.messages -= 1;
                // What is outside is a bundle, which has content.
                let first = self.pieces.len() as u32;
                let kind = Some(Table::Relay);
                self.element = Element { first, kind, has_content: true, is_face: false };
            }
            _ => {}
        }
        if let Some(bundle) = self.bundles.last()
            && bundle.depth as usize == self.outer.len()
        {
            self.is_whole &= bundle.found >= bundle.promised;
            self.bundles.pop();
        }
        if !self.outer.is_empty() {
            self.sight = if outer.object { Sight::All } else { of_item(outer.sight) };
        }
    }

    fn key(&mut self, key: &str) -> Result<(), SecondKindError> {
        if self.outer.is_empty() {
            return Ok(());
        }
        let frame = self.frame;
        let known = match frame.sight {
            Sight::Element => match (key, frame.kind) {
                ("MsgType", kind) => {
                    if frame.is_first_kind && std::mem::replace(&mut self.frame.has_kind, true) {
                        return Err(SecondKindError);
                    }
                    Some(Sight::Kind { is_known: kind.is_some() })
                }
                ("MsgContent", Some(kind)) => Some(Sight::Known(Rule::Members(kind))),
                ("MsgContent", None) => Some(Sight::All),
                _ => None,
            },
            Sight::Known(Rule::Members(table)) => table.rule(key).map(Sight::Known),
            _ => None,
        };
        if known.is_none() {
            self.found(Part::Key, self.tokens.start(), self.tokens.end());
        }
        self.sight = known.unwrap_or(Sight::All);
        if self.messages == 0 {
            // Most of a body is skipped here.
            if let Some(Sight::Known(rule @ (Rule::Hidden | Rule::Number))) = known
                && (rule == Rule::Number || !self.tokens.skip_string())
            {
                self.tokens.skip_number();
            }
            return Ok(());
        }
        if key == "JsonMsgKey" && !self.tokens.next_is_nothing() {
            self.is_whole = false;
        }
        match (key, frame.sight) {
            ("MsgNum", Sight::Known(Rule::Members(Table::Relay))) => self.promise(),
            ("Index", Sight::Known(Rule::Members(Table::Face))) => {
                self.element.is_face |= !self.tokens.next_is_nothing();
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads how many messages a bundle says that it has.
    fn promise(&mut self) {
        let rest = self.body.get(self.tokens.end()..).unwrap_or_default();
        let rest = rest.trim_start_matches([':', ' ', '\t', '\r', '\n', '"']);
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let number = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let promised = match number.parse::<f64>() {
            #[allow(clippy::cast_sign_loss)] // a cast from a float saturates
            Ok(number) => number.ceil() as u32,
            Err(_) if self.tokens.next_is_nothing() => 0,
            Err(_) => u32::MAX,
        };
        if let Some(bundle) = self.bundles.last_mut() {
            bundle.promised = bundle.promised.max(promised);
        }
    }

    fn scalar(&mut self) {
        let (start, end) = (self.tokens.start(), self.tokens.end());
        match self.body.as_bytes().get(start) {
            Some(b'"') if end - start > 2 => {
                let is_kind = matches!(self.sight, Sight::Kind { .. });
                self.element.has_content |= !is_kind;
                let part = match self.sight {
                    Sight::Known(Rule::Hidden) | Sight::Kind { is_known: true } => return,
                    Sight::Known(Rule::Text(part)) => part,
                    Sight::Known(Rule::Number) => Part::Block,
                    Sight::Kind { is_known: false } => Part::Key,
                    _ if self.messages > 0 && self.element.kind.is_some() => Part::Beside,
                    _ if self.messages > 0 => Part::Data,
                    _ => Part::Member,
                };
                self.found(part, start, end);
            }
            Some(b'-' | b'0'..=b'9') => {
                self.element.has_content = true;
                if !matches!(self.sight, Sight::Known(Rule::Hidden | Rule::Number)) {
                    self.number(start, end);
                }
            }
            _ => {}
        }
    }

    /// Adds a number. Numbers in a row are one piece, since each may be a single byte.
    fn number(&mut self, start: usize, end: usize) {
        if let Some(last) = self.pieces.last_mut()
            && last.part == Part::Number
            && let Some(between) = self.body.get(last.end as usize..start)
            && between.bytes().all(|byte| byte == b',' || byte.is_ascii_whitespace())
        {
            last.end = end as u32;
            return;
        }
        self.found(Part::Number, start, end);
    }

    fn found(&mut self, part: Part, start: usize, end: usize) {
        let is_in_message = self.messages > 0;
        let is_replaceable = match part {
            Part::Key | Part::Number | Part::Member => false,
            Part::Custom => true,
            Part::Inline | Part::Data | Part::Beside | Part::Block => is_in_message,
        };
        let (start, end) = (start as u32, end as u32);
        let is_escaped = self.tokens.is_escaped();
        self.pieces.push(Piece { start, end, part, is_escaped, is_in_message, is_replaceable });
    }

    /// Adds the texts of an element to the run, or ends the run if it stands between texts.
    fn end_element(&mut self) {
        let Element { first, kind, has_content, is_face } = self.element;
        let inside = self.pieces.get(first as usize..).unwrap_or_default();
        let is_inline = |part| matches!(part, Part::Inline | Part::Data | Part::Beside);
        let is_picture = kind.is_some_and(Table::is_picture) && has_content;
        let stands_between = match self.join {
            Join::Nothing => {
                is_picture || (is_face && !inside.iter().any(|piece| is_inline(piece.part)))
            }
            Join::Pictures => kind == Some(Table::Relay) && has_content,
        };
        if stands_between {
            self.runs.end(first, self.pieces.len() as u32);
        } else {
            self.runs.add(inside.iter().map(|piece| piece.part));
        }
    }

    fn end_run(&mut self) {
        let end = self.pieces.len() as u32;
        self.runs.end(end, end);
    }
}

#[cfg(test)]
mod tests;
