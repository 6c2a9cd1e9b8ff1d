//! Which texts of a message a client shows as one.

use std::ops::Range;

use super::rules::Part;

/// Over what the texts of a message are joined. Texts side by side always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Join {
    /// Over elements that show nothing: those of any kind without content.
    #[default]
    Nothing,
    /// Over faces, pictures, files, places and custom elements as well. Then `wasp`, a picture and
    /// `ammunition` contain a word that no reader sees.
    Pictures,
}

/// Pieces that a client shows as one text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    first: u32,
    end: u32,
    skips: Skips,
}

/// What is left out of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skips {
    Nothing,
    /// Members that this version does not know, as an older client leaves them out.
    Beside,
    /// Custom and unknown elements as well, as a client does that shows none.
    Data,
}

impl Run {
    pub(super) fn range(&self) -> Range<usize> {
        self.first as usize..self.end as usize
    }

    pub(super) fn contains(&self, part: Part) -> bool {
        match part {
            Part::Inline => true,
            Part::Data => self.skips != Skips::Data,
            Part::Beside => self.skips == Skips::Nothing,
            _ => false,
        }
    }
}

/// How many pieces of each kind there are.
#[derive(Clone, Copy, Default)]
struct Counts {
    texts: u32,
    data: u32,
    beside: u32,
}

/// The runs of a message so far.
pub(super) struct Runs {
    join: Join,
    /// The first piece of the run that goes on.
    first: u32,
    counts: Counts,
    found: Vec<Run>,
}

impl Runs {
    pub(super) fn new(join: Join) -> Self {
        Runs { join, first: 0, counts: Counts::default(), found: Vec::new() }
    }

    /// Adds the pieces of an element to the run that goes on.
    pub(super) fn add(&mut self, parts: impl Iterator<Item = Part>) {
        for part in parts {
            match part {
                Part::Inline => self.counts.texts += 1,
                Part::Data => self.counts.data += 1,
                Part::Beside => self.counts.beside += 1,
                _ => {}
            }
        }
    }

    /// Ends the run before the piece `end`. The next one begins with the piece `next`.
    pub(super) fn end(&mut self, end: u32, next: u32) {
        let first = std::mem::replace(&mut self.first, next);
        let Counts { texts, data, beside } = std::mem::take(&mut self.counts);
        if texts + data + beside <= 1 {
            return;
        }
        let mut add = |skips, is_new| {
            if is_new {
                self.found.push(Run { first, end, skips });
            }
        };
        add(Skips::Nothing, true);
        add(Skips::Beside, texts + data > 1 && beside > 0);
        add(Skips::Data, self.join == Join::Pictures && texts > 1 && data > 0);
    }

    pub(super) fn into_found(self) -> Vec<Run> {
        self.found
    }
}
