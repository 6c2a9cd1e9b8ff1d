use super::*;

/// What a sender could put into a body, in any order.
const PARTS: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\"",
    r#"{"MsgType":"TIMTextElem","#,
    r#""MsgType":"#,
    r#""Msg\u0054ype":"#,
    r#""TIMTextElem""#,
    r#""TIMRelayElem""#,
    r#""TIMFaceElem""#,
    r#""TIMImageElem""#,
    r#""MsgBody":["#,
    r#""MsgBody":"#,
    r#""MsgContent":{"#,
    r#""Text":"spam""#,
    r#""MsgList":[{"#,
    r#""MsgNum":1"#,
    r#""Index":1"#,
    r#""JsonMsgKey":"x""#,
    r#""From_Account":"#,
    r#""CloudCustomData":"#,
    "1",
    "null",
    r#""""#,
    "}]",
    "}}",
    "}}]",
    "]}",
];

fn parts(walk: &Walk) -> String {
    format!("{:?} {:?} {}", walk.pieces, walk.runs, walk.is_whole)
}

/// An element is read as what it says first, unless it says something else later: that finds what
/// a look ahead at all elements finds.
#[test]
fn without_a_look_ahead_the_same_is_found() {
    let mut state = 1u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let mut body = r#"{"MsgBody":["#.to_owned();
        for _ in 0..=random(24) {
            body += PARTS[random(PARTS.len())];
        }
        let join = [Join::Nothing, Join::Pictures][random(2)];
        let mut ahead = Walker::new(&body, join);
        ahead.asks_kinds = true;
        assert!(ahead.walk().is_ok());
        assert_eq!(parts(&Walk::of(&body, join)), parts(&ahead.into_walk(true)), "{body}");
    }
}
