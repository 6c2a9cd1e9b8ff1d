//! Attacks by bodies as deep as a stranger likes, and bodies that grow: nothing that the documents
//! recommend recurses over them, and nothing takes many times their memory.

use tencent_im_callback::message::MsgBody;
use tencent_im_callback::moderation::{Finding, ModerateLayer, Text};
use tencent_im_callback::testing::sample;
use tencent_im_callback::{
    Callback, Command, Event, EventRouter, MisfitKind, Params, Phase, StoredCallback,
};
use tower::{Layer, ServiceExt};

use crate::common::sized;

/// A thread whose stack holds no more than a few hundred frames.
const STACK: usize = 128 * 1024;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
    thread.join().unwrap();
}

/// Values of about this many bytes, each as deep as it can be.
fn deep(bytes: usize) -> [String; 4] {
    let lists = bytes / 2;
    let maps = bytes / 7;
    let mixed = bytes / 9;
    [
        format!("{}{}", "[".repeat(lists), "]".repeat(lists)),
        format!("{}1{}", r#"{"k":"#.repeat(maps), "}".repeat(maps)),
        format!("{}{}", r#"[{"k":["#.repeat(mixed), "]}]".repeat(mixed)),
        // What is looked into, if it stands where it is.
        format!(
            "{}null{}",
            r#"[{"MsgType":"New","MsgContent":{"MsgList":[{"MsgBody":"#.repeat(bytes / 60),
            "}]}}]".repeat(bytes / 60)
        ),
    ]
}

/// Everything the documents recommend for what a stranger wrote.
fn everything(command: &Command, body: String) {
    let params = Params::trusted(crate::common::APP, command.clone());
    let Ok(callback) = Callback::parse_untyped(params, body.into()) else {
        return;
    };
    let again = callback.clone();
    let _ = (
        format!("{callback:?} {:?}", callback.event),
        callback.event.misfit().map(|misfit| (misfit.to_string(), misfit.message().len())),
        callback.time(),
        callback.dedup_key(),
        callback.order_key(),
    );
    let _ = callback.unknown_fields();
    let written = serde_json::to_string(&callback.event).unwrap();
    drop(crate::common::read(command, written));
    drop(serde_json::to_string(&StoredCallback::from(&callback)).unwrap());
    if let Ok(message) = callback.rewrite_message() {
        drop(serde_json::to_string(&message));
    }
    match again.event {
        Event::C2cBeforeSendMsg(event) => look(&event.msg_body),
        Event::GroupBeforeSendMsg(event) => look(&event.msg_body),
        Event::C2cAfterSendMsg(event) => look(&event.msg_body),
        other => drop(other),
    }
}

/// One walk for all commands, and far slower than the rest where nothing is optimised: so it gets
/// shorter bodies.
fn moderate(command: &Command, body: String) {
    let params = Params::trusted(crate::common::APP, command.clone());
    let Ok(callback) = Callback::parse_untyped(params, body.into()) else {
        return;
    };
    let judge = |text: &Text<'_>| match text.forms().count() {
        1 => Finding::Replace("x".to_owned()),
        _ => Finding::Allow,
    };
    let moderated = ModerateLayer::new(judge).layer(EventRouter::new()).oneshot(callback);
    drop(tokio_test::block_on(moderated));
}

fn look(body: &MsgBody) {
    let _ = body.is_complete();
    assert!(body == &body.clone());
}

/// Each member of a documented body, by its place.
fn places(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(at.clone());
                places(value, &at, found);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                found.push(format!("{at}/{index}"));
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn with(body: &serde_json::Value, place: &str, json: &str) -> String {
    let mut body = body.clone();
    *body.pointer_mut(place).unwrap() = "HERE".into();
    body.to_string().replacen("\"HERE\"", json, 1)
}

#[test]
fn nothing_recurses_over_any_member_of_any_command() {
    on_a_small_stack(|| {
        let (short, deep) = (deep(sized(1024, 2 * 1024)), deep(sized(4 * 1024, 16 * 1024)));
        for command in Command::ALL {
            let mut body: serde_json::Value =
                serde_json::from_str(sample(command).unwrap()).unwrap();
            body["Brandnew"] = 1.into();
            let mut found = Vec::new();
            places(&body, "", &mut found);
            for place in &found {
                for json in &deep {
                    everything(command, with(&body, place, json));
                }
                if command.phase() == Phase::Before {
                    short.iter().for_each(|json| moderate(command, with(&body, place, json)));
                }
            }
        }
    });
}

/// The free-form places; a megabyte deep with `FULL_SIZE=1`. `unknown_fields()` was quadratic, and
/// ended the process.
#[test]
fn nothing_recurses_over_free_form_places() {
    on_a_small_stack(|| {
        let length = sized(128 * 1024, 1024 * 1024);
        let (short, deep) = (deep(length / 32), deep(length));
        let element = |json: &str| {
            format!(
                r#"{{"From_Account":"a","To_Account":"b","Brandnew":{json},"MsgBody":[
                {{"MsgType":"TIMTextElem","MsgContent":{{"Text":"x","New":{json}}},"New":{json}}},
                {{"MsgType":"New","MsgContent":{json}}}]}}"#
            )
        };
        for json in &short {
            moderate(&Command::C2cBeforeSendMsg, element(json));
        }
        for json in &deep {
            everything(&Command::C2cBeforeSendMsg, element(json));
            everything(
                &Command::PushOfflinePush,
                format!(r#"{{"Events":[{json},{{"To_Account":{json}}}]}}"#),
            );
            everything(&Command::PushOfflinePush, format!(r#"{{"Events":{json}}}"#));
            everything(
                &Command::GroupAfterGroupAttrChanged,
                format!(r#"{{"GroupId":"g","GroupAttr":[{{"key":{json}}}]}}"#),
            );
            everything(&"New.Word".into(), format!(r#"{{"x":{json}}}"#));
        }
        let bundles = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#;
        let count = length / 72;
        let body = format!("{}[]{}", bundles.repeat(count), "}]}}]".repeat(count));
        everything(
            &Command::C2cBeforeSendMsg,
            format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{body}}}"#),
        );
    });
}

/// `{}` and its like in each list of each command: what is held is at most sixteen times what came.
#[test]
fn no_body_takes_more_than_sixteen_times_its_memory() {
    let bytes = sized(8 * 1024, 64 * 1024);
    let mut most = Vec::new();
    for command in Command::ALL {
        let body: serde_json::Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        let mut found = Vec::new();
        places(&body, "", &mut found);
        let lists = found.iter().filter(|place| body.pointer(place).unwrap().is_array());
        for place in lists {
            let item = body.pointer(&format!("{place}/0")).map(ToString::to_string);
            let items = [
                "{}",
                "\"\"",
                "null",
                "0",
                "[]",
                "\"a\"",
                "[{}]",
                r#"{"MsgType":"TIMTextElem","MsgContent":{}}"#,
            ];
            for item in items.into_iter().map(str::to_owned).chain(item.clone()) {
                let count = bytes / (item.len() + 1);
                let json = format!("[{}]", vec![&*item; count].join(","));
                let text = with(&body, place, &json);
                let length = text.len() as f64;
                let mut held = None;
                let info =
                    allocation_counter::measure(|| held = Some(crate::common::read(command, text)));
                let Some(event) = held else { continue };
                let ratio = info.bytes_current as f64 / length;
                assert!(ratio <= 16.0, "{command} {place} {item}: {ratio:.1}");
                most.push((ratio, command.as_str(), place.clone(), item.clone()));
                if let Some(misfit) =
                    event.misfit().filter(|misfit| misfit.kind() == MisfitKind::TooManyItems)
                {
                    assert!(misfit.message().starts_with("more items than"));
                }
            }
            // What is honest is typed, however much of it there is.
            if let Some(item) = item {
                let count = bytes / (item.len() + 1);
                let text = with(&body, place, &format!("[{}]", vec![&*item; count].join(",")));
                let event = crate::common::read(command, text);
                let too_many =
                    event.misfit().is_some_and(|misfit| misfit.kind() == MisfitKind::TooManyItems);
                assert!(!too_many, "{command} {place} {item}");
            }
        }
    }
    most.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (ratio, command, place, item) in most.iter().take(12) {
        println!("{ratio:5.1} {command} {place} {item}");
    }
    assert!(most.len() > 200);
}

/// Elements inside of that many bundles.
fn bundled(depth: usize, elements: &str) -> String {
    let open = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":"#;
    let close = "}]}}]";
    let body = format!("{}[{elements}]{}", open.repeat(depth), close.repeat(depth));
    format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{body}}}"#)
}

/// Every list of every element, in bundles: each bundle keeps a copy of what has members that are
/// not typed. Held 23 times its memory.
#[test]
fn no_element_in_bundles_takes_more_than_sixteen_times_its_memory() {
    let lists = [
        ("TIMImageElem", "ImageInfoArray"),
        ("TIMStreamElem", "Chunks"),
        ("TIMRelayElem", "MsgList"),
        ("TIMRelayElem", "AbstractList"),
    ];
    let items =
        ["{}", "\"\"", r#"{"MsgBody":[]}"#, r#"{"MsgBody":[{"MsgType":"","MsgContent":0}]}"#];
    let bytes = sized(4 * 1024, 32 * 1024);
    let mut measured = 0;
    for (kind, list) in lists {
        for (item, more, count) in items
            .iter()
            .flat_map(|item| ["", ",\"\":0"].map(|more| (item, more)))
            .flat_map(|(item, more)| [1, 2, 3, 4, 5, 9].map(|count| (item, more, count)))
        {
            let content = vec![*item; count].join(",");
            let element =
                format!(r#"{{"MsgType":"{kind}","MsgContent":{{"{list}":[{content}]{more}}}}}"#);
            let elements = vec![&*element; bytes / element.len()].join(",");
            for depth in [0, 5, 6, 7] {
                let text = bundled(depth, &elements);
                let length = text.len() as f64;
                let mut held = None;
                let command = Command::C2cBeforeSendMsg;
                let info = allocation_counter::measure(|| {
                    held = Some(crate::common::read(&command, text))
                });
                let ratio = info.bytes_current as f64 / length;
                assert!(ratio <= 16.0, "{depth} {element}: {ratio:.1}");
                measured += usize::from(held.is_some());
            }
        }
    }
    assert!(measured > 700);
}

/// What the budget must never meet: short but honest elements, many of them, however deep.
#[test]
fn short_honest_elements_in_bundles_are_typed() {
    let text = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}"#.to_owned();
    let message = format!(r#"{{"From_Account":"a","MsgBody":[{text}]}}"#);
    let bundle = format!(
        r#"{{"MsgType":"TIMRelayElem","MsgContent":{{"Title":"t","AbstractList":["a: x",
            "b: y"],"MsgList":[{}]}}}}"#,
        vec![&*message; 100].join(",")
    );
    let image = concat!(
        r#"{"MsgType":"TIMImageElem","MsgContent":{"UUID":"u","ImageInfoArray":[{"Type":1},"#,
        r#"{"Type":2},{"Type":3}]}}"#
    );
    let chunks: Vec<_> =
        (1..=50).map(|index| format!(r#"{{"Index":{index},"Markdown":"x"}}"#)).collect();
    let stream = format!(
        r#"{{"MsgType":"TIMStreamElem","MsgContent":{{"Chunks":[{}]}}}}"#,
        chunks.join(",")
    );
    for element in [text, bundle, image.to_owned(), stream] {
        for (depth, count) in [(0, 1), (0, 100), (1, 100), (5, 1), (5, 100)] {
            let body = bundled(depth, &vec![&*element; count].join(","));
            let event = crate::common::read(&Command::C2cBeforeSendMsg, body);
            assert!(event.misfit().is_none(), "{depth} {element}: {:?}", event.misfit());
        }
    }
}

/// Ten detached pushes of a megabyte held 950 MB.
#[test]
fn a_batch_of_nothing_is_a_misfit_and_no_batch() {
    let body = format!(r#"{{"Events":[{}]}}"#, vec!["{}"; 300_000].join(","));
    let event = crate::common::read(&Command::PushOfflinePush, body.clone());
    let Event::Unknown(event) = event else { panic!("typed") };
    assert_eq!(event.misfit().unwrap().kind(), MisfitKind::TooManyItems);
    assert_eq!(event.body, body);
}
