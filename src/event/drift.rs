//! The fields of a body that have no type, found by comparing the raw body with the event when it is written back.
//!
//! Two passes over bytes, each with a stack of its own: a body is as deep as a stranger likes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::json::{Token, Tokens};
use crate::message::MsgElement;

/// Members of a path that are shown; what lies deeper is named by them.
const SHOWN: usize = 32;

/// Paths of the members that a mended body has and `written` lacks, such as `PairList[].Nickname`.
///
/// `null` and an empty text are passed over: known members that arrive like this are written back as absent.
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

/// A member, or an item of a list that is an element of a message kept raw.
struct Member<'a, 'b> {
    /// What its path comes to, without the numbers of items.
    place: u64,
    keys: &'b [Key<'a>],
    /// `null` or an empty text.
    is_nothing: bool,
    is_raw_element: bool,
}

/// One step of a path.
struct Key<'a> {
    name: Cow<'a, str>,
    /// In how many lists its value lies.
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
            // A list in a list in a list is no more than that.
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
    /// What the path down to here comes to.
    place: u64,
}

/// Shows each member of a JSON text to `visit`, which says whether to look inside. The JSON must be valid.
fn walk<'a>(json: &'a str, hasher: &RandomState, visit: &mut dyn FnMut(&Member<'a, '_>) -> bool) {
    let mut stack: Vec<Frame> = Vec::new();
    let mut keys: Vec<Key<'a>> = Vec::new();
    let mut place = 0;
    let mut tokens = Tokens::new(json);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open { object, start } => {
                let raw = object && is_raw_element(json, start, &keys);
                if raw {
                    let member = Member {
                        place,
                        keys: &keys,
                        is_nothing: false,
                        is_raw_element: true,
                    };
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
            Token::Key(name) => {
                let parent = stack.last().map_or(0, |frame| frame.place);
                place = hasher.hash_one((parent, &*name));
                keys.push(Key { name, lists: 0 });
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

/// After the value of a member its key is no part of the path any more; an item of a list leaves it as it is.
fn end_of_value(stack: &[Frame], keys: &mut Vec<Key<'_>>) {
    if stack.last().is_some_and(|frame| frame.object) {
        keys.pop();
    }
}

/// Whether the object that begins here is an element of a message that this version keeps raw: of a kind that it does not know, or a bundle too
/// deep inside of others.
fn is_raw_element(json: &str, start: usize, keys: &[Key<'_>]) -> bool {
    // `MsgBody[]`, or that in bundles: `MsgBody[].MsgContent.MsgList[].MsgBody[]` and so on. Nowhere else are elements looked at, or a
    // stranger could have each level of a deep body looked through to its end.
    let is = |key: &Key<'_>, name: &str, lists: usize| key.name == name && key.lists == lists;
    let Some((first, rest)) = keys.split_first() else {
        return false;
    };
    let bundles = rest.len() / 3;
    let in_bundles = rest.len() % 3 == 0
        && bundles <= MsgElement::BUNDLES
        && rest
            .chunks_exact(3)
            .all(|step| is(&step[0], "MsgContent", 0) && is(&step[1], "MsgList", 1) && is(&step[2], "MsgBody", 1));
    if !is(first, "MsgBody", 1) || !in_bundles {
        return false;
    }
    let mut tokens = Tokens::from(json, start);
    let (mut kind, mut has_content) = (None, false);
    tokens.next();
    while let Some(Token::Key(name)) = tokens.next() {
        match &*name {
            "MsgType" => kind = tokens.string(),
            "MsgContent" => has_content = true,
            _ => {}
        }
        tokens.skip_value();
    }
    has_content && kind.is_some_and(|kind| !MsgElement::knows(&kind, bundles))
}
