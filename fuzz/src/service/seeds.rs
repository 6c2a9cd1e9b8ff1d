//! Inputs that come to every answer.

use tencent_im_callback::Command;

use crate::body::{self};
use crate::{APP, payloads, selector};

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut add = |head: [u8; 12], body: &str| seeds.push([&head[..], body.as_bytes()].concat());
    for (at, (command, body)) in payloads().into_iter().enumerate() {
        let which = selector(&command);
        let body = crate::body::compact(&body).replace("1400187352", &APP.to_string());
        let at = at as u8;
        add([which, at % 4, 0, at % 2, 0, at % 2, 0, at, at % 4, at % 8, 0, at], &body);
    }
    let delete = selector(&Command::SnsFriendDelete);
    let before = selector(&Command::C2cBeforeSendMsg);
    let small = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}],"EventTime":5}"#;
    for url in 0..30 {
        add([delete, url, 0, 0, 0, 0, 0, 0, 0, 0, 1, url], small);
    }
    for limit in 0..7 {
        for end in 0..5 {
            add([delete, 0, limit, 0, 0, end, 20, 0x55, 0, 0, 2, limit], small);
        }
    }
    for declared in 0..11 {
        add([delete, 0, declared % 7, declared, declared % 5, 0, 0, 0, 0, 0, 0, 0], small);
    }
    for does in [0, 1, 2, 3, 0x40, 0x81, 0xc2, 0xc3] {
        for config in 0..8 {
            add([delete, 1, 0, 0, 0, 0, 0, 0xff, does, config, 0, 8], small);
            add([before, 0, 0, 0, 0, 0, 0, 0, does, config, 0, 8], r#"{"MsgBody":5}"#);
        }
    }
    for body in [
        "",
        "{}",
        " ",
        "[]",
        "{\"a\":1}x",
        "\u{feff}{}",
        "{\"CallbackCommand\":\"New.Word\"}",
        "{\"CallbackCommand\":5}",
        "{\"CallbackCommand\":\"State.StateChange\"}",
        "{\"SdkAppId\":7}",
    ] {
        for (which, url) in [(delete, 0), (before, 0), (delete, 1), (before, 1)] {
            add([which, url, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3], body);
        }
    }
    let result = selector(&Command::ContentCallbackResultNotify);
    for id in ["7", "\"1400000000\"", "null", "[]"] {
        add([result, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3], &format!("{{\"SdkAppId\":{id}}}"));
    }
    // What is broken, under the owner's choices in turn, and a whole message behind a URL that lost
    // its words.
    for (at, (command, body)) in body::broken().into_iter().enumerate() {
        let (which, cut) = (selector(&command), at as u8);
        for url in [[0, 0, 1][at % 3], 4 + cut % 2] {
            let config = [8, 8, 0, 9, 2][at % 5];
            let head = [which, url, 0, 0, 0, 0, 0, 0x11, 0, config, 0, cut];
            seeds.push([&head[..], &body].concat());
        }
    }
    // Too large, and broken off.
    for command in [Command::C2cBeforeSendMsg, Command::SnsPrevFriendAdd, Command::SnsFriendDelete]
    {
        for (limit, declared, end) in [(3, 0, 0), (3, 6, 0), (0, 0, 2)] {
            let head = [selector(&command), 0, limit, declared, 0, end, 20, 0, 0, 8, 3, 3];
            let body = br#"{"FriendItem":[{"To_Account":"a"}]}"#;
            seeds.push([&head[..], body].concat());
        }
    }
    seeds
}
