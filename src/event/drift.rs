//! Finds the fields of a body that have no type, by comparing the raw body with the event when it
//! is written back as JSON.
//!
//! The first pass collects the places of all members that the event wrote. The second one goes over
//! the raw body and reports members whose place is not among them. A place is a hash of the path
//! without the numbers of list items, so that memory is linear and nothing is compared by text.
//! Neither pass recurses, since a stranger decides how deep a body is.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::json::{Token, Tokens};
use crate::message::MsgElement;

/// How many members of a path are shown. Deeper fields are reported by the first so many members
/// and `.…`.
const SHOWN: usize = 32;

/// Paths of the members that a mended body has and `written` lacks, such as `PairList[].Nickname`.
///
/// `null` and an empty text are skipped: a known member that arrives like this can be written back
/// as absent.
pub(crate) fn unknown_fields(raw: &str, written: &str) -> Vec<String> {
    let hasher = RandomState::new();
    let mut known = HashSet::new();
    walk(written, &hasher, &mut |member| {
        known.insert(member.place);
        true
    });
    let mut found = BTreeSet::new();
    walk(raw, &hasher, &mut |member| {
        if member.is_raw_element {
            found.insert(member.path());
            return false;
        }
        if known.contains(&member.place) {
            return true;
        }
        let is_command = member.keys.len() == 1 && member.keys[0].name == "CallbackCommand";
        if !member.is_nothing && !is_command {
            found.insert(member.path());
        }
        false
    });
    found.into_iter().collect()
}

/// What the walk shows to its caller: a member, or an element of a message that is kept raw.
struct Member<'a, 'b> {
    /// The hash of its path, without the numbers of list items.
    place: u64,
    keys: &'b [Step<'a>],
    /// `null` or an empty text.
    is_nothing: bool,
    is_raw_element: bool,
}

/// One step of a path.
struct Step<'a> {
    name: Cow<'a, str>,
    /// How many lists are open within its value: 1 for the items of `a[]`.
    lists: usize,
}

impl Member<'_, '_> {
    fn path(&self) -> String {
        let mut path = String::new();
        for key in self.keys.iter().take(SHOWN) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&key.name);
            // Lists can be nested as deep as a stranger likes, so the number of brackets is
            // limited.
            path.extend(std::iter::repeat_n("[]", key.lists.min(SHOWN)));
        }
        if self.keys.len() > SHOWN {
            path.push_str(".…");
        }
        path
    }
}

/// An open object or list.
struct Frame {
    object: bool,
    /// The hash of the path down to here.
    place: u64,
}

/// Shows each member of a JSON text to `visit`, which says whether to look inside. The JSON must be
/// valid.
fn walk<'a>(json: &'a str, hasher: &RandomState, visit: &mut dyn FnMut(&Member<'a, '_>) -> bool) {
    let mut stack: Vec<Frame> = Vec::new();
    let mut keys: Vec<Step<'a>> = Vec::new();
    let mut place = 0;
    let mut tokens = Tokens::new(json);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open { object } => {
                let raw = object && is_raw_element(json, tokens.start(), &keys);
                if raw {
                    let member =
                        Member { place, keys: &keys, is_nothing: false, is_raw_element: true };
                    if !visit(&member) {
                        tokens.skip_open();
                        end_of_value(&stack, &mut keys);
                        continue;
                    }
                }
                if !object {
                    if let Some(key) = keys.last_mut() {
                        key.lists += 1;
                    }
                    place = hasher.hash_one((place, "[]"));
                }
                stack.push(Frame { object, place });
            }
            Token::Close => {
                let Some(frame) = stack.pop() else { return };
                if !frame.object
                    && let Some(key) = keys.last_mut()
                {
                    key.lists = key.lists.saturating_sub(1);
                }
                end_of_value(&stack, &mut keys);
                place = stack.last().map_or(0, |frame| frame.place);
            }
            Token::Key => {
                let name = tokens.key();
                let parent = stack.last().map_or(0, |frame| frame.place);
                place = hasher.hash_one((parent, &*name));
                keys.push(Step { name, lists: 0 });
                let member = Member {
                    place,
                    keys: &keys,
                    is_nothing: tokens.next_is_nothing(),
                    is_raw_element: false,
                };
                if !visit(&member) {
                    tokens.skip_value();
                    end_of_value(&stack, &mut keys);
                }
            }
            Token::Scalar => end_of_value(&stack, &mut keys),
        }
    }
}

/// To be called after each value. If the value was that of a member, its key is removed from the
/// path. After an item of a list the path stays the same.
fn end_of_value(stack: &[Frame], keys: &mut Vec<Step<'_>>) {
    if stack.last().is_some_and(|frame| frame.object) {
        keys.pop();
    }
}

/// Whether the object that begins here is an element of a message that this version keeps raw: of a
/// kind that it does not know, or a bundle too deep inside of others.
fn is_raw_element(json: &str, start: usize, keys: &[Step<'_>]) -> bool {
    // Elements are in `MsgBody[]`, and in bundles in `MsgBody[].MsgContent.MsgList[].MsgBody[]` and
    // so on. Only there is an object searched to its end for its kind. If it were done everywhere,
    // each level of a deep body would be searched, and time would be quadratic.
    let is = |key: &Step<'_>, name: &str, lists: usize| key.name == name && key.lists == lists;
    let Some((first, rest)) = keys.split_first() else {
        return false;
    };
    let bundles = rest.len() / 3;
    let in_bundles = rest.len() % 3 == 0
        && bundles <= MsgElement::BUNDLES
        && rest.chunks_exact(3).all(|step| {
            is(&step[0], "MsgContent", 0)
                && is(&step[1], "MsgList", 1)
                && is(&step[2], "MsgBody", 1)
        });
    if !is(first, "MsgBody", 1) || !in_bundles {
        return false;
    }
    let mut tokens = Tokens::from(json, start);
    let (mut kind, mut has_content) = (None, false);
    tokens.next();
    while let Some(Token::Key) = tokens.next() {
        match &*tokens.key() {
            "MsgType" => kind = tokens.string(),
            "MsgContent" => has_content = true,
            _ => {}
        }
        tokens.skip_value();
    }
    has_content && kind.is_some_and(|kind| !MsgElement::knows(&kind, bundles))
}
