//! Reading a body into its type, beside plain derived structs of the same fields, which know none
//! of the vendor's bends.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Callback, Command, Params};

use crate::cases::NUMBERS;
use crate::table::{Spread, Table};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)] // read, and not looked at
pub struct FriendDelete {
    callback_command: String,
    pair_list: Vec<Pair>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Pair {
    #[serde(rename = "From_Account")]
    from_account: String,
    #[serde(rename = "To_Account")]
    to_account: String,
    #[serde(rename = "Initiator_Account")]
    initiator_account: Option<String>,
    #[serde(rename = "TimeStamp")]
    time_stamp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
pub struct AfterSendMsg {
    callback_command: String,
    #[serde(rename = "From_Account")]
    from_account: String,
    #[serde(rename = "To_Account")]
    to_account: String,
    msg_seq: Option<i64>,
    msg_random: Option<i64>,
    msg_time: Option<i64>,
    msg_key: Option<String>,
    msg_id: Option<String>,
    online_only_flag: Option<i64>,
    send_msg_result: Option<i64>,
    error_info: Option<String>,
    unread_msg_num: Option<i64>,
    msg_body: Vec<Element>,
    cloud_custom_data: Option<String>,
    event_time: Option<i64>,
}

#[derive(Deserialize)]
#[serde(tag = "MsgType", content = "MsgContent")]
#[allow(dead_code)]
enum Element {
    #[serde(rename = "TIMTextElem")]
    Text {
        #[serde(rename = "Text")]
        text: String,
    },
    #[serde(rename = "TIMRelayElem")]
    Relay {
        #[serde(rename = "Title")]
        title: Option<String>,
        #[serde(rename = "MsgList")]
        msg_list: Vec<Relayed>,
    },
    #[serde(rename = "TIMCustomElem")]
    Custom {
        #[serde(rename = "Data")]
        data: Option<String>,
        #[serde(rename = "Desc")]
        desc: Option<String>,
        #[serde(rename = "Ext")]
        ext: Option<String>,
        #[serde(rename = "Sound")]
        sound: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Relayed {
    #[serde(rename = "From_Account")]
    from_account: Option<String>,
    msg_time: Option<i64>,
    msg_body: Vec<Element>,
}

/// A body, and a plain type for it.
pub struct Body {
    pub name: String,
    params: Params,
    bytes: Bytes,
    plain: fn(&[u8]),
}

fn plain<T: DeserializeOwned>(bytes: &[u8]) {
    black_box(serde_json::from_slice::<T>(bytes).expect("a body that fits"));
}

impl Body {
    /// A body as the vendor's pages order its keys, and with its keys sorted by name, as recorded
    /// bodies have them: `MsgContent` is before `MsgType` then.
    fn pair<T: DeserializeOwned>(name: &str, command: &Command, json: &str) -> [Self; 2] {
        let sorted: serde_json::Value = serde_json::from_str(json).expect("JSON");
        [(name.to_owned(), compact(json)), (format!("{name}, sorted"), sorted.to_string())].map(
            |(name, json)| Body {
                name,
                params: Params::trusted(1, command.clone()),
                bytes: json.into(),
                plain: plain::<T>,
            },
        )
    }

    pub fn ours(&self) {
        let callback = Callback::parse(self.params.clone(), self.bytes.clone());
        black_box(callback.expect("a body that fits"));
    }

    pub fn plain(&self) {
        (self.plain)(&self.bytes);
    }
}

/// Without the white space of the vendor's pages.
fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let keep = |character: &char| {
        if in_text {
            in_text = escaped || *character != '"';
            escaped = !escaped && *character == '\\';
            return true;
        }
        in_text = *character == '"';
        !character.is_ascii_whitespace()
    };
    json.chars().filter(keep).collect()
}

/// Elements in this many bundles, with a text in each.
fn bundled(bundles: usize) -> String {
    let text = format!(
        r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{}"}}}}"#,
        "red packet ".repeat(20)
    );
    if bundles == 0 {
        return text;
    }
    let inner = bundled(bundles - 1);
    let item = format!(r#"{{"From_Account":"jared","MsgTime":1557481126,"MsgBody":[{inner}]}}"#);
    let content = format!(r#"{{"Title":"chat","MsgList":[{item}]}}"#);
    format!(r#"{text},{{"MsgType":"TIMRelayElem","MsgContent":{content}}}"#)
}

/// A message after it was sent, with these elements.
pub fn after_send(elements: &str) -> String {
    let accounts = r#""From_Account":"jared","To_Account":"Jonh""#;
    format!(
        r#"{{"CallbackCommand":"{}",{accounts},{NUMBERS},"MsgBody":[{elements}]}}"#,
        Command::C2cAfterSendMsg
    )
}

pub fn bodies() -> Vec<Body> {
    let long =
        format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{}"}}}}"#, "x".repeat(65_536));
    let documented = |command| sample(command).expect("a sample");
    let (delete, send) = (Command::SnsFriendDelete, Command::C2cAfterSendMsg);
    [
        Body::pair::<FriendDelete>("friend delete", &delete, documented(&delete)),
        Body::pair::<AfterSendMsg>("C2C after send", &send, documented(&send)),
        Body::pair::<AfterSendMsg>("text of 64 KiB", &send, &after_send(&long)),
        Body::pair::<AfterSendMsg>("six bundles", &send, &after_send(&bundled(6))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nanoseconds(body: &Body, read: fn(&Body)) -> f64 {
    const TIMES: u32 = 200;
    let started = Instant::now();
    for _ in 0..TIMES {
        read(body);
    }
    started.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

pub fn print(quick: bool) {
    let rounds = if quick { 21 } else { 201 };
    let head = ["body", "plain, ns", "Callback::parse, ns", "ratio", "goal"];
    let mut table = Table::new("Reading a body, beside plain derived structs", &head);
    let goals = ["<= 1.00", "<= 1.10", "<= 1.30", ""].into_iter().flat_map(|goal| [goal; 2]);
    for (body, goal) in bodies().iter().zip(goals) {
        let (mut plain, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            plain.push(nanoseconds(body, Body::plain));
            ours.push(nanoseconds(body, Body::ours));
        }
        let ratios = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain).collect();
        table.row(&[
            body.name.clone(),
            format!("{:.0}", Spread::of(plain).median),
            format!("{:.0}", Spread::of(ours).median),
            Spread::of(ratios).to_string(),
            goal.to_owned(),
        ]);
    }
    table.print();
}
