//! Whether bundles that have no type contain the messages that they are made of.

use crate::json::{Token, Tokens};

/// Whether no bundle without its messages is anywhere in this JSON.
pub(super) fn has_whole_bundles(json: &str) -> bool {
    let mut tokens = Tokens::new(json);
    // The bundles that are open: at which depth, and how many messages are missing.
    let mut bundles: Vec<(usize, i64)> = Vec::new();
    let mut depth = 0;
    while let Some(token) = tokens.next() {
        let key = match token {
            Token::Open { .. } => {
                // The items of a list of messages are two levels inside of the bundle.
                if let Some((_, missing)) = bundles.last_mut().filter(|(at, _)| at + 1 == depth) {
                    *missing -= 1;
                }
                depth += 1;
                continue;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                if let Some((_, missing)) = bundles.pop_if(|(at, _)| *at > depth)
                    && missing > 0
                {
                    return false;
                }
                continue;
            }
            Token::Key => tokens.key(),
            Token::Scalar => continue,
        };
        match &*key {
            "JsonMsgKey" if !tokens.next_is_nothing() => return false,
            "MsgNum" => {
                let promised = tokens.number().unwrap_or(0);
                match bundles.last_mut().filter(|(at, _)| *at == depth) {
                    Some((_, missing)) => *missing = missing.saturating_add(promised),
                    None => bundles.push((depth, promised)),
                }
            }
            "MsgList" if bundles.last().is_none_or(|(at, _)| *at != depth) => {
                bundles.push((depth, 0));
            }
            _ => {}
        }
    }
    true
}
