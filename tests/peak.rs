//! What reading a hostile body takes in memory for a moment, as a multiple of the body. What an
//! event may hold, tests/body/deep.rs says.
#![allow(clippy::pedantic)]

mod common;

use allocation_counter::measure;
use bytes::Bytes;
use serde_json::Value;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Callback, Command, Params};

const LENGTH: usize = 8 * 1024;

/// JSON as deep as it can be, and as wide as it can be.
fn values() -> [Vec<String>; 2] {
    let deep = |open: &str, middle: &str, close: &str| {
        let count = LENGTH / (open.len() + close.len());
        open.repeat(count) + middle + &close.repeat(count)
    };
    let wide = |item: &str| format!("[{}]", vec![item; LENGTH / (item.len() + 1)].join(","));
    [
        vec![
            deep("[", "", "]"),
            deep(r#"{"":"#, "1", "}"),
            deep(r#"{"k":"#, "1", "}"),
            deep(r#"{"\n":"#, "1", "}"),
            deep(r#"[{"k":["#, "", "]}]"),
            deep(
                r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#,
                "1",
                "}]}}]",
            ),
        ],
        vec![
            wide("1"),
            wide("[]"),
            wide("{}"),
            wide(r#""a""#),
            wide(r#"{"MsgType":"TIMTextElem","MsgContent":{}}"#),
            format!(r#"{{"{}":1}}"#, "k".repeat(LENGTH)),
            format!(r#"{{"{}":1}}"#, r"\n".repeat(LENGTH / 2)),
            format!(r#""{}""#, r"\ud800".repeat(LENGTH / 6)),
        ],
    ]
}

/// What reading takes, for each byte of the body; and whether it is a misfit.
fn peak(command: &Command, text: &str) -> (u64, bool) {
    let params = Params::trusted(common::APP, command.clone());
    let (body, length) = (Bytes::from(text.to_owned()), text.len() as u64);
    let mut read = None;
    let info = measure(|| read = Some(Callback::parse_untyped(params, body)));
    let misfit = read.unwrap().is_ok_and(|callback| callback.event.misfit().is_some());
    (info.bytes_max.div_ceil(length), misfit)
}

/// Each value in the place of each member of each command's documented body.
#[test]
fn no_body_takes_many_times_its_memory_for_a_moment() {
    let [deep, wide] = values();
    for command in Command::ALL {
        let body: Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        let members = body.as_object().unwrap().iter();
        let members = members.filter(|(member, _)| *member != "CallbackCommand");
        for (member, value) in members.chain([(&"Brandnew".to_owned(), &Value::Null)]) {
            let with = |value: &str| {
                let mut body = body.clone();
                body[member] = "HERE".into();
                body.to_string().replacen("\"HERE\"", value, 1)
            };
            for value in &deep {
                // Members that stand before it and do not fit.
                let text = with(value).replacen(
                    '{',
                    r#"{"RoomId":{},"EventTime":{},"GroupId":{},"From_Account":{},"#,
                    1,
                );
                let (times, _) = peak(command, &text);
                assert!(times <= 5, "{times}: {command} {member} {}", &value[..20]);
                let (times, _) = peak(command, &with(value));
                assert!(times <= 5, "{times}: {command} {member} {}", &value[..20]);
            }
            for value in wide.iter().filter(|_| value.is_array() || value.is_null()) {
                // A list may hold sixteen times its text, and is there twice while it grows.
                let (times, _) = peak(command, &with(value));
                assert!(times <= 24, "{times}: {command} {member} {}", &value[..20]);
            }
        }
    }
}

/// A megabyte of brackets took 36 megabytes, to find the path of a member beside them.
#[test]
fn the_path_of_a_misfit_takes_nothing_for_what_is_deep() {
    for value in &values()[0] {
        let body = format!(r#"{{"New":{value},"PairList":1}}"#);
        let (times, misfit) = peak(&Command::SnsFriendDelete, &body);
        assert!(misfit && times <= 2, "{times}");
    }
}
