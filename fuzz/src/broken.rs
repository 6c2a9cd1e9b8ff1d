//! Bodies that are broken in every way that somebody has thought of.

use tencent_im_callback::Command;

/// A body, broken in each of these ways, with its name.
pub fn break_up(command: &Command, body: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = broken_texts(body);
    found.extend(broken_objects(body));
    found.extend(broken_accounts(body));
    found.extend(other_commands(command, body));
    found
}

/// Inside of its strings, of which the last one is often the deepest.
fn broken_texts(body: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = body.as_bytes();
    let mut found = Vec::new();
    let strings: Vec<usize> = body.match_indices(":\"").map(|(at, _)| at + 2).collect();
    let places = [strings.first(), strings.get(strings.len() / 2), strings.last()];
    for at in places.into_iter().flatten() {
        for (name, with) in [
            ("no UTF-8", &b"\xff"[..]),
            ("half a surrogate in bytes", b"\xed\xa0\xbd"),
            ("half a surrogate", br"\ud83d"),
            ("half a character", b"\xe4\xbd"),
            ("a control character", b"\x01"),
        ] {
            found.push((name, [&bytes[..*at], with, &bytes[*at..]].concat()));
        }
    }
    found
}

fn broken_objects(body: &str) -> [(&'static str, Vec<u8>); 15] {
    let bytes = body.as_bytes();
    let inside = &bytes[1..bytes.len() - 1];
    let object = |parts: &[&[u8]]| [b"{", &parts.concat()[..], b"}"].concat();
    [
        ("a bare nan behind", object(&[inside, b",\"a\":nan"])),
        ("a bare nan in front", object(&[b"\"a\":nan,", inside])),
        ("a comma too many", object(&[inside, b","])),
        ("a byte order mark", [b"\xef\xbb\xbf", bytes].concat()),
        ("two byte order marks", [b"\xef\xbb\xbf\xef\xbb\xbf", bytes].concat()),
        ("cut by two", bytes[..bytes.len() - 2].to_vec()),
        ("cut in half", bytes[..bytes.len() / 2].to_vec()),
        ("a list around", [b"[", bytes, b"]"].concat()),
        ("something behind", [bytes, b"\xff"].concat()),
        ("UTF-16", body.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("a command too many", object(&[inside, b",\"CallbackCommand\":null"])),
        ("nothing", Vec::new()),
        ("a mark alone", b"\xef\xbb\xbf".to_vec()),
        ("an empty object", b" {\n} ".to_vec()),
        ("an empty object with a mark in it", b"{\xef\xbb\xbf}".to_vec()),
    ]
}

/// Of several accounts, one that nobody can read: the first, the last.
fn broken_accounts(body: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    let accounts: Vec<usize> =
        body.match_indices("\"To_Account\":\"").map(|(at, _)| at + 13).collect();
    for at in [accounts.first(), accounts.last()].into_iter().flatten() {
        let length = body[at + 1..].find('"').map_or(0, |end| end + 2);
        for (name, with) in [
            ("an object for an account", "{}"),
            ("null for an account", "null"),
            ("a list for an account", "[\"a\"]"),
            ("an account twice", "\"a\",\"To_Account\":\"b\""),
        ] {
            let broken = format!("{}{with}{}", &body[..*at], &body[at + length..]);
            found.push((name, broken.into()));
        }
    }
    found
}

fn other_commands(command: &Command, body: &str) -> [(&'static str, Vec<u8>); 6] {
    let named = format!("\"CallbackCommand\":\"{command}\"");
    [
        ("no command", "\"Command\":\"\""),
        ("a command that is null", "\"CallbackCommand\":null"),
        ("another command", "\"CallbackCommand\":\"Sns.CallbackFriendAdd\""),
        ("a command that waits", "\"CallbackCommand\":\"Group.CallbackBeforeSendMsg\""),
        ("a friend request", "\"CallbackCommand\":\"Sns.CallbackPrevFriendAdd\""),
        ("an unknown command", "\"CallbackCommand\":\"New.Word\""),
    ]
    .map(|(name, other)| (name, body.replacen(&named, other, 1).into()))
}
