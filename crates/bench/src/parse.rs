//! Reading a body into its type, beside plain derived structs of the same fields, which know none
//! of the vendor's bends.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Command, Event};

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

/// A body, and a plain type for it.
pub struct Body {
    pub name: &'static str,
    command: Command,
    bytes: Bytes,
    plain: fn(&[u8]),
}

fn plain<T: DeserializeOwned>(bytes: &[u8]) {
    black_box(serde_json::from_slice::<T>(bytes).expect("a body that fits"));
}

impl Body {
    fn new<T: DeserializeOwned>(name: &'static str, command: Command) -> Self {
        // Without the white space of the vendor's pages.
        let sample = sample(&command).expect("a sample");
        let compact: serde_json::Value = serde_json::from_str(sample).expect("JSON");
        Body { name, command, bytes: compact.to_string().into(), plain: plain::<T> }
    }

    pub fn ours(&self) {
        black_box(Event::parse(&self.command, self.bytes.clone()).expect("a body that fits"));
    }

    pub fn plain(&self) {
        (self.plain)(&self.bytes);
    }
}

pub fn bodies() -> Vec<Body> {
    vec![
        Body::new::<FriendDelete>("friend delete", Command::SnsFriendDelete),
        Body::new::<AfterSendMsg>("C2C after send", Command::C2cAfterSendMsg),
    ]
}

fn nanoseconds(body: &Body, read: fn(&Body)) -> f64 {
    const TIMES: u32 = 2000;
    let started = Instant::now();
    for _ in 0..TIMES {
        read(body);
    }
    started.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

pub fn print(quick: bool) {
    let rounds = if quick { 21 } else { 201 };
    let head = ["body", "plain, ns", "Event::parse, ns", "ratio", "goal"];
    let mut table = Table::new("Reading a body, beside plain derived structs", &head);
    for (body, goal) in bodies().iter().zip(["<= 1.00", "<= 1.15"]) {
        let (mut plain, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            plain.push(nanoseconds(body, Body::plain));
            ours.push(nanoseconds(body, Body::ours));
        }
        let ratios = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain).collect();
        table.row(&[
            body.name.to_owned(),
            format!("{:.0}", Spread::of(plain).median),
            format!("{:.0}", Spread::of(ours).median),
            Spread::of(ratios).to_string(),
            goal.to_owned(),
        ]);
    }
    table.print();
}
