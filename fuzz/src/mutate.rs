//! Mutations that leave JSON whole: libFuzzer's own nearly always break it, and then nothing behind
//! the parser is reached.

use crate::json::{self, Json, Node};

/// What may stand anywhere, and fits hardly anywhere.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e999",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "\"\"",
    "\"5\"",
    "\"-0\"",
    "\"true\"",
    "\"+7\"",
    "\"\\ud800\"",
    "\"\\u0000\\ud83d\\ude00\"",
    "\"TIMTextElem\"",
    "[]",
    "{}",
    "[[]]",
    "{\"\":null}",
];

/// The values of a text, the outermost first.
fn all<'a, 'b>(node: &'b Node<'a>, found: &mut Vec<&'b Node<'a>>) {
    found.push(node);
    match &node.value {
        Json::List(items) => items.iter().for_each(|item| all(item, found)),
        Json::Object(members) => members.iter().for_each(|(_, value)| all(value, found)),
        _ => {}
    }
}

/// Puts a value of the JSON behind `head` bytes in the place of another one, or doubles it. `None`
/// where that does not go, and most of the time, so that the bytes are mutated as well.
pub fn json(
    head: usize,
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
) -> Option<usize> {
    let mut roll = dice(seed);
    if roll(2) == 0 {
        return None;
    }
    let whole = json::read(data.get(head..size)?)?;
    let mut values = Vec::new();
    all(&whole, &mut values);
    let place = values[roll(values.len())];
    let start = head + (place.raw.as_ptr() as usize - data[head..].as_ptr() as usize);
    let end = start + place.raw.len();
    let other = values[roll(values.len())].raw;
    let with = match roll(6) {
        0 => other.to_owned(),
        1 => format!("{},{other}", place.raw),
        2 => format!(
            "{},\"{}\":{other}",
            place.raw,
            ["Text", "Brandnew", "CallbackCommand", "MsgBody"][roll(4)]
        ),
        3 => format!("[{}]", place.raw),
        _ => VALUES[roll(VALUES.len())].to_owned(),
    };
    let mutated = [&data[..start], with.as_bytes(), &data[end..size]].concat();
    let length = mutated.len();
    (length <= max_size).then(|| {
        data[..length].copy_from_slice(&mutated);
        length
    })
}

/// Any mutation of an input, which has JSON behind `head` bytes if that is said: the same one for
/// the same number.
pub fn any(head: Option<usize>, input: &mut Vec<u8>, number: u32) {
    const ROOM: usize = 4096;
    if let Some(head) = head {
        let size = input.len();
        let mut room = input.clone();
        room.resize(ROOM.max(size), 0);
        if let Some(size) = json(head, &mut room, size, ROOM, number) {
            room.truncate(size);
            *input = room;
            return;
        }
    }
    bytes(input, number);
}

/// Puts a byte, a piece of the input, or nothing in the place of a few bytes.
fn bytes(input: &mut Vec<u8>, number: u32) {
    let mut roll = dice(number);
    let start = roll(input.len() + 1);
    let end = (start + [0, 1, 1, 4][roll(4)]).min(input.len());
    let with = match roll(4) {
        0 => Vec::new(),
        1 => vec![b"&=%+\"\\{}[],:/?;\0\x80\xff09aS"[roll(22)]],
        2 => vec![u8::try_from(roll(256)).unwrap_or(0)],
        _ => {
            let from = roll(input.len() + 1);
            input[from..(from + roll(16)).min(input.len())].to_vec()
        }
    };
    input.splice(start..end, with);
}

/// Numbers below what is asked for, the same ones for the same seed.
fn dice(seed: u32) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % sides
    }
}

#[test]
fn a_mutation_is_seldom_broken() {
    let original = br#"5{"a":[1,{"b":"x"}],"c":null}"#;
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..10_000 {
        let mut data = [0; 200];
        data[..original.len()].copy_from_slice(original);
        if let Some(size) = json(1, &mut data, original.len(), 200, seed) {
            assert_eq!(data[0], b'5');
            match json::read(&data[1..size]) {
                Some(_) => whole += 1,
                None => broken += 1,
            }
        }
    }
    assert!(whole > 2 * broken && whole > 2_000, "{whole} {broken}");
}
