//! Which elements of a message are of which kind. A kind may stand behind the content that it
//! explains, so it is looked for before the content is read.

use std::borrow::Cow;

use super::rules::Table;
use crate::json::{Token, Tokens};

/// The kinds of all elements in one list, at whatever depth, asked for from front to back.
#[derive(Default)]
pub(super) struct Kinds {
    /// Where an element starts, and its kind.
    found: Vec<(u32, Option<Table>)>,
    next: usize,
    /// The end of the list.
    known_to: usize,
}

impl Kinds {
    /// Finds the kinds in the list that starts here, unless it is inside of one that was read.
    #[allow(clippy::cast_possible_truncation)] // a body is shorter than `i32::MAX`
    pub(super) fn find(&mut self, body: &str, start: usize) {
        // What is open is an object that starts there, or a list.
        const LIST: u32 = u32::MAX;
        if start < self.known_to {
            return;
        }
        self.found.clear();
        self.next = 0;
        let mut open: Vec<u32> = Vec::new();
        let mut tokens = Tokens::from(body, start);
        while let Some(token) = tokens.next() {
            match token {
                Token::Open { object } => {
                    open.push(if object { tokens.start() as u32 } else { LIST });
                }
                Token::Close => {
                    open.pop();
                    if open.is_empty() {
                        break;
                    }
                }
                Token::Key if tokens.key() == "MsgType" => {
                    if let Some(&start) = open.last() {
                        let kind = tokens.string().unwrap_or(Cow::Borrowed(""));
                        self.found.push((start, Table::of_kind(&kind)));
                    }
                }
                Token::Key | Token::Scalar => {}
            }
        }
        self.known_to = tokens.end();
        self.found.sort_by_key(|(start, _)| *start);
    }

    /// The kind of the element that starts here, if it has one and it is known.
    pub(super) fn at(&mut self, start: usize) -> Option<Table> {
        while let Some((at, kind)) = self.found.get(self.next) {
            if *at as usize > start {
                break;
            }
            self.next += 1;
            if *at as usize == start {
                // Given twice, it could be either: then it counts as not known.
                let next = self.found.get(self.next);
                let is_twice = next.is_some_and(|(next, _)| next == at);
                return if is_twice { None } else { *kind };
            }
        }
        None
    }
}
