//! Inputs that come to every answer.

use tencent_im_callback::Command;

use super::HEAD;
use crate::{APP, body, payloads, selector};

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = documented();
    seeds.extend(of_each_setting());
    seeds.extend(odd_bodies());
    seeds.extend(broken());
    seeds.extend(not_arriving());
    seeds
}

fn seed(head: [u8; HEAD], body: impl AsRef<[u8]>) -> Vec<u8> {
    [&head[..], body.as_ref()].concat()
}

fn documented() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (at, (command, body)) in payloads().into_iter().enumerate() {
        let which = selector(&command);
        let body = body::compact(&body).replace("1400187352", &APP.to_string());
        let at = at as u8;
        seeds.push(seed([which, at % 4, 0, at % 2, 0, at % 2, 0, at, at % 4, at % 8, 0, at], body));
    }
    seeds
}

/// Each URL, limit, end, declared length and inner service, with one small body.
fn of_each_setting() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let delete = selector(&Command::SnsFriendDelete);
    let before = selector(&Command::C2cBeforeSendMsg);
    let small = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}],"EventTime":5}"#;
    for url in 0..30 {
        seeds.push(seed([delete, url, 0, 0, 0, 0, 0, 0, 0, 0, 1, url], small));
    }
    for limit in 0..7 {
        for end in 0..5 {
            seeds.push(seed([delete, 0, limit, 0, 0, end, 20, 0x55, 0, 0, 2, limit], small));
        }
    }
    for declared in 0..11 {
        let head = [delete, 0, declared % 7, declared, declared % 5, 0, 0, 0, 0, 0, 0, 0];
        seeds.push(seed(head, small));
    }
    for does in [0, 1, 2, 3, 0x40, 0x81, 0xc2, 0xc3] {
        for config in 0..8 {
            seeds.push(seed([delete, 1, 0, 0, 0, 0, 0, 0xff, does, config, 0, 8], small));
            let head = [before, 0, 0, 0, 0, 0, 0, 0, does, config, 0, 8];
            seeds.push(seed(head, r#"{"MsgBody":5}"#));
        }
    }
    seeds
}

fn odd_bodies() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let delete = selector(&Command::SnsFriendDelete);
    let before = selector(&Command::C2cBeforeSendMsg);
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
            seeds.push(seed([which, url, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3], body));
        }
    }
    let result = selector(&Command::ContentCallbackResultNotify);
    for id in ["7", "\"1400000000\"", "null", "[]"] {
        let head = [result, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3];
        seeds.push(seed(head, format!("{{\"SdkAppId\":{id}}}")));
    }
    seeds
}

/// What is broken, under the owner's choices in turn, and a whole message behind a URL that lost
/// its words.
fn broken() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (at, (command, body)) in body::broken().into_iter().enumerate() {
        let (which, cut) = (selector(&command), at as u8);
        for url in [[0, 0, 1][at % 3], 4 + cut % 2] {
            let config = [8, 8, 0, 9, 2][at % 5];
            seeds.push(seed([which, url, 0, 0, 0, 0, 0, 0x11, 0, config, 0, cut], &body));
        }
    }
    seeds
}

/// Too large, and broken off.
fn not_arriving() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for command in [Command::C2cBeforeSendMsg, Command::SnsPrevFriendAdd, Command::SnsFriendDelete]
    {
        for (limit, declared, end) in [(3, 0, 0), (3, 6, 0), (0, 0, 2)] {
            let head = [selector(&command), 0, limit, declared, 0, end, 20, 0, 0, 8, 3, 3];
            seeds.push(seed(head, r#"{"FriendItem":[{"To_Account":"a"}]}"#));
        }
    }
    seeds
}
