//! A plain, strict JSON reader (RFC 8259), to tell what a body is without the crate's parser.

use std::borrow::Cow;

/// A value, and the text it was read from.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pub raw: &'a str,
    pub value: Json<'a>,
}

#[derive(Clone, Debug)]
pub enum Json<'a> {
    Null,
    Bool,
    Number,
    /// Lone surrogates became U+FFFD.
    Text(String),
    List(Vec<Node<'a>>),
    /// Members in their order, doubles included.
    Object(Vec<(String, Node<'a>)>),
}

impl Node<'_> {
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `None` if it is no object.
    pub fn is_object(&self) -> Option<()> {
        matches!(self.value, Json::Object(_)).then_some(())
    }

    pub fn list(&self) -> &[Node<'_>] {
        match &self.value {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// The first member of that name.
    pub fn member(&self, name: &str) -> Option<&Node<'_>> {
        match &self.value {
            Json::Object(members) => {
                members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// All strings that are no keys, in their order.
    pub fn strings(&self, found: &mut Vec<String>) {
        match &self.value {
            Json::Text(text) => found.push(text.clone()),
            Json::List(items) => items.iter().for_each(|item| item.strings(found)),
            Json::Object(members) => members.iter().for_each(|(_, value)| value.strings(found)),
            Json::Null | Json::Bool | Json::Number => {}
        }
    }
}

/// Reads one JSON text; `None` if that is not what the bytes are.
pub fn read(bytes: &[u8]) -> Option<Node<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader { text, at: 0 };
    let node = reader.value()?;
    reader.space();
    (reader.at == text.len()).then_some(node)
}

/// The text of any bytes: a byte order mark in front does not count, and what is not UTF-8 became
/// U+FFFD.
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes))
}

/// The members of an object up to its first mistake, if it has one.
pub fn members_before_a_mistake(text: &str) -> Vec<(String, Node<'_>)> {
    let mut reader = Reader { text, at: 0 };
    let mut members = Vec::new();
    reader.space();
    let mut expected = "{";
    while reader.take(expected).is_some() {
        let mut member = || {
            reader.space();
            let key = reader.string()?;
            reader.space();
            reader.take(":")?;
            Some((key, reader.value()?))
        };
        let Some(member) = member() else { break };
        members.push(member);
        reader.space();
        expected = ",";
    }
    members
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, expected: &str) -> Option<()> {
        self.text[self.at..].starts_with(expected).then(|| self.at += expected.len())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Node<'a>> {
        self.space();
        let start = self.at;
        let value = match self.peek()? {
            b'n' => self.take("null").map(|()| Json::Null)?,
            b't' => self.take("true").map(|()| Json::Bool)?,
            b'f' => self.take("false").map(|()| Json::Bool)?,
            b'"' => Json::Text(self.string()?),
            b'[' => self.list()?,
            b'{' => self.object()?,
            _ => self.number()?,
        };
        let raw = &self.text[start..self.at];
        Some(Node { raw, value })
    }

    fn list(&mut self) -> Option<Json<'a>> {
        self.take("[")?;
        let mut items = Vec::new();
        self.space();
        if self.take("]").is_some() {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.take("]").is_some() {
                return Some(Json::List(items));
            }
            self.take(",")?;
        }
    }

    fn object(&mut self) -> Option<Json<'a>> {
        self.take("{")?;
        let mut members = Vec::new();
        self.space();
        if self.take("}").is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.take(":")?;
            members.push((key, self.value()?));
            self.space();
            if self.take("}").is_some() {
                return Some(Json::Object(members));
            }
            self.take(",")?;
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let _ = self.take("-");
        if self.take("0").is_none() {
            self.digits()?;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(Json::Number)
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let character = self.text[self.at..].chars().next()?;
            self.at += character.len_utf8();
            match character {
                '"' => break,
                '\\' => units.push(self.escape()?),
                '\0'..='\x1f' => return None,
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
        Some(String::from_utf16_lossy(&units))
    }

    fn escape(&mut self) -> Option<u16> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => byte.into(),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return None;
                }
                self.at += 4;
                u16::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        })
    }
}

#[test]
fn what_is_json() {
    for good in [
        "null",
        " [ ] ",
        "{}",
        "-0",
        "0.10e-07",
        "1E+9",
        "1e999",
        r#""\ud800\/""#,
        r#"{"":[{"a":1},true]}"#,
    ] {
        assert!(read(good.as_bytes()).is_some(), "{good}");
    }
    for bad in [
        "",
        "nul",
        "[1,]",
        "{,}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "\"\n\"",
        r#""\x""#,
        r#""\u12g4""#,
        "[] 1",
        "{\"a\"}",
        "'a'",
        "\u{feff}{}",
        "[1",
        "\"",
        "-",
    ] {
        assert!(read(bad.as_bytes()).is_none(), "{bad}");
    }
    assert_eq!(read(br#""a\ud83d\ude00\ude00b""#).unwrap().text(), Some("a\u{1f600}\u{fffd}b"));
}

#[test]
fn what_stands_before_a_mistake() {
    let text = readable(b"\xef\xbb\xbf {\"a\":[1], \"b\xff\":\"\",\"c\":nan,\"d\":1}");
    let keys = members_before_a_mistake(&text).into_iter().map(|(key, _)| key);
    assert_eq!(keys.collect::<Vec<_>>(), ["a", "b\u{fffd}"]);
    assert!(members_before_a_mistake("[1]").is_empty() && members_before_a_mistake("").is_empty());
}
