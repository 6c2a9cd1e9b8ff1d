//! The path of a place in a JSON text. Errors of `serde_json` have line and column; this finds the
//! path from these. A deserializer that tracks the path would cost time on every body, and compile
//! each type a second time.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::tokens::{Token, Tokens};

enum Step<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

/// How many levels are kept on the stack. Of deeper ones only the number is kept: a path is cut
/// before it gets that long.
const DEEPEST: usize = 128;

/// The path of the value at a place, such as `PairList[1].To_Account`; `.` is the whole. Line and
/// column count from 1, in bytes.
pub(crate) fn path_at(json: &str, line: usize, column: usize) -> String {
    let place = offset(json, line, column);
    let mut steps: Vec<Step<'_>> = Vec::new();
    // What is open: `None` for an object, for a list the index of the next item.
    let mut open: Vec<Option<usize>> = Vec::new();
    // How many more are open, below `DEEPEST` levels.
    let mut deeper = 0usize;
    let mut tokens = Tokens::new(json);
    while let Some(token) = tokens.next() {
        if deeper == 0
            && let (Token::Open { .. } | Token::Scalar, Some(Some(index))) = (&token, open.last())
        {
            steps.push(Step::Index(*index));
        }
        match token {
            Token::Key if deeper == 0 => {
                steps.push(Step::Key(tokens.key()));
                if tokens.end() > place {
                    break;
                }
                continue;
            }
            Token::Close if deeper == 0 => {
                open.pop();
            }
            Token::Close => deeper -= 1,
            _ => {}
        }
        if tokens.end() > place {
            break;
        }
        if let Token::Open { object } = token {
            if open.len() < DEEPEST {
                open.push((!object).then_some(0));
            } else {
                deeper += 1;
            }
        } else if deeper == 0 {
            steps.pop();
            if let Some(Some(index)) = open.last_mut() {
                *index += 1;
            }
        }
    }
    let mut path = written(&steps);
    if deeper > 0 {
        path.push('…');
    }
    path
}

fn written(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        // Writing to a `String` does not fail.
        let _ = match step {
            Step::Index(index) => write!(path, "[{index}]"),
            Step::Key(key) if path.is_empty() => write!(path, "{key}"),
            Step::Key(key) => write!(path, ".{key}"),
        };
    }
    if path.is_empty() { ".".to_owned() } else { path }
}

/// Line and column, both from 1, as a number of bytes.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_every_place() {
        let json = "{\"a\": 1,\n \"b\": [true, {\"c\\u0064\": \"x\"}, []]}";
        let at = |part: &str| {
            let place = json.find(part).unwrap();
            let line = json[..place].matches('\n').count() + 1;
            let column = place - json[..place].rfind('\n').map_or(0, |end| end + 1) + 1;
            assert_eq!(offset(json, line, column), place);
            path_at(json, line, column)
        };
        for (part, path) in [
            ("{\"a", "."),
            ("\"a", "a"),
            ("1,", "a"),
            ("[true", "b"),
            ("true", "b[0]"),
            ("{\"c", "b[1]"),
            ("\"x", "b[1].cd"),
            ("}, ", "b[1]"),
            ("[]", "b[2]"),
            ("]]", "b[2]"),
            ("]}", "b"),
        ] {
            assert_eq!(at(part), path, "{part}");
        }
        assert_eq!(path_at(json, 9, 9), ".");
    }

    #[test]
    fn a_deep_text_is_no_matter() {
        let json = "[".repeat(1_000_000);
        assert_eq!(path_at(&json, 1, 3), "[0][0]");
        let levels = |count: usize| "[0]".repeat(count);
        assert_eq!(path_at(&json, 1, DEEPEST), levels(DEEPEST - 1));
        assert_eq!(path_at(&json, 1, DEEPEST + 1), levels(DEEPEST));
        assert_eq!(path_at(&json, 1, DEEPEST + 2), levels(DEEPEST) + "…");
        // A place after something deep gets its own path again.
        for depth in [1, DEEPEST - 2, DEEPEST - 1, DEEPEST, DEEPEST + 1, 10 * DEEPEST] {
            let json =
                format!(r#"{{"a":[{}"k"{},{{"b":7}}]}}"#, "[".repeat(depth), "]".repeat(depth));
            assert_eq!(path_at(&json, 1, json.find('7').unwrap() + 1), "a[1].b", "{depth}");
            // So does the bracket that ends what is deep.
            assert_eq!(path_at(&json, 1, json.find(",{").unwrap()), "a[0]", "{depth}");
            let objects = r#"{"k":"#.repeat(depth);
            let json = format!(r#"{{"a":[{objects}1{},{{"b":7}}]}}"#, "}".repeat(depth));
            assert_eq!(path_at(&json, 1, json.find('7').unwrap() + 1), "a[1].b", "{depth}");
        }
    }
}
