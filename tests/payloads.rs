//! Documented bodies become typed events, and are written back as they came.
#![allow(clippy::pedantic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tencent_im_callback::event::{EventTime, call, group, push, sns, state};
use tencent_im_callback::testing::sample;
use tencent_im_callback::{
    App, Apps, Callback, Command, Event, Flag, Params, Phase, Reply, TimestampMillis,
    TimestampSecs, TypedEvent, Verifier, testing,
};

/// The payload files of a command: the body of today's page, then those of older ones.
fn payloads(command: &Command) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/payloads");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let belongs = name.strip_prefix(command.as_str()).is_some_and(|rest| {
            rest == ".json"
                || rest.strip_prefix(".other-").is_some_and(|rest| rest.ends_with(".json"))
        });
        if belongs {
            found.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    found
}

#[test]
fn every_payload_file_is_a_sample() {
    for command in Command::ALL {
        let mut files: Vec<String> = payloads(command).into_iter().map(|(_, json)| json).collect();
        let mut samples: Vec<&str> = testing::other_samples(command).to_vec();
        samples.extend(sample(command));
        files.sort_unstable();
        samples.sort_unstable();
        assert_eq!(samples, files, "{command}: add its file to other_samples");
    }
    assert!(testing::other_samples(&Command::from("New.Command")).is_empty());
}

/// What the vendor documents about a command: its phase, its fields, a reply.
#[derive(serde::Deserialize)]
struct Documented {
    phase: String,
    fields: Vec<(String, String, String, String)>,
    reply: Value,
}

/// A command that nobody has looked up the fields of has those of its payload.
fn documented() -> BTreeMap<String, Documented> {
    fn paths(value: &Value, path: &str, found: &mut Vec<(String, String, String, String)>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
                    found.push((path.clone(), String::new(), String::new(), String::new()));
                    paths(value, &path, found);
                }
            }
            Value::Array(items) => {
                items.iter().for_each(|item| paths(item, &format!("{path}[]"), found))
            }
            _ => {}
        }
    }

    let mut documented: BTreeMap<String, Documented> =
        serde_json::from_str(include_str!("fields.json")).unwrap();
    assert!(documented.len() >= 88, "an entry of fields.json is gone");
    for command in Command::ALL {
        documented.entry(command.as_str().to_owned()).or_insert_with(|| {
            let mut fields = Vec::new();
            for (_, body) in payloads(command) {
                paths(&serde_json::from_str(&body).unwrap(), "", &mut fields);
            }
            Documented {
                phase: command.phase().as_str().to_owned(),
                fields,
                reply: serde_json::from_slice(Reply::ok().as_bytes()).unwrap(),
            }
        });
    }
    documented
}

impl Documented {
    fn kind(&self, path: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == path).map(|field| field.1.as_str())
    }
}

fn is_id(name: &str) -> bool {
    let endings = ["_Account", "Id", "ID", "MsgKey"];
    name != "EventGroupId" && endings.iter().any(|ending| name.ends_with(ending))
}

/// The listed normalisations, applied to a body.
fn normalise(command: &Command, documented: &Documented, mut body: Value) -> Value {
    fn walk(documented: &Documented, path: &str, value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, value| !value.is_null());
                let keys: Vec<_> = members.keys().cloned().collect();
                for key in keys {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let kind = documented
                        .kind(&path)
                        .unwrap_or(if key == "Size" { "integer" } else { "" })
                        .to_owned();
                    let value = &mut members[&key];
                    let text = value.as_str().map(str::to_owned);
                    match (kind.as_str(), text) {
                        ("integer", Some(text)) => *value = text.parse::<i64>().unwrap().into(),
                        ("string-or-integer", Some(text)) if key == "EventTime" => {
                            *value = text.parse::<i64>().unwrap().into();
                        }
                        ("boolean-or-string", Some(text)) => *value = (text == "true").into(),
                        ("array-or-string", Some(text)) => *value = vec![text].into(),
                        _ if is_id(&key) && value.is_number() && key != "SdkAppId" => {
                            *value = value.to_string().into();
                        }
                        _ => walk(documented, &path, value),
                    }
                }
            }
            Value::Array(items) => {
                let path = format!("{path}[]");
                items.iter_mut().for_each(|item| walk(documented, &path, item));
            }
            _ => {}
        }
    }

    walk(documented, "", &mut body);
    body["CallbackCommand"] = command.as_str().into();
    // Lists that are always there are always written.
    for (path, kind, presence, _) in &documented.fields {
        if kind.starts_with("array")
            && presence == "always"
            && !path.contains(['.', '['])
            && body.get(path).is_none()
        {
            body[path] = Value::Array(Vec::new());
        }
    }
    body
}

fn parse(command: &Command, body: &str) -> Event {
    let params = verifier_for(command);
    Callback::parse_untyped(params, body.to_owned().into())
        .unwrap_or_else(|rejection| panic!("{command}: {rejection}: {body}"))
        .event
}

fn verifier_for(command: &Command) -> Params {
    let url = format!("/?SdkAppid=1400187352&CallbackCommand={command}").parse().unwrap();
    let apps = Apps::new([App::unsigned(1_400_187_352)]);
    common::params_of(&Verifier::new(apps), &http::Method::POST, &url)
}

/// The command of a payload of `ContentCallback.ResultNotify` carries an app of its own; put ours
/// there.
fn ours(body: &str) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap();
    match value.get_mut("SdkAppId") {
        Some(app) => {
            *app = 1_400_187_352.into();
            value.to_string()
        }
        None => body.to_owned(),
    }
}

#[track_caller]
fn typed(command: &Command, body: &str, what: &str) -> Event {
    let event = parse(command, body);
    let misfit = event.misfit().map(|misfit| format!("{misfit}: {}", misfit.message()));
    assert!(!matches!(event, Event::Unknown(_)), "{command}, {what}: {misfit:?}\n{body}");
    assert_eq!(event.command(), command);
    event
}

#[test]
fn every_payload_is_typed_and_comes_back_as_it_was() {
    let documented = documented();
    assert_eq!(documented.len(), Command::ALL.len());
    let mut seen = 0;
    for command in Command::ALL {
        let payloads = payloads(command);
        assert!(!payloads.is_empty(), "{command} has no payload file in src/testing/payloads");
        let documented = &documented[command.as_str()];
        assert_eq!(documented.phase, command.phase().as_str(), "{command}");
        for (name, body) in payloads {
            seen += 1;
            let body = ours(&body);
            let event = typed(command, &body, &name);
            let before = normalise(command, documented, serde_json::from_str(&body).unwrap());
            let written = serde_json::to_string(&event).unwrap();
            assert_eq!(before, serde_json::from_str::<Value>(&written).unwrap(), "{name}");
            assert_eq!(event, typed(command, &written, &name));
            let callback = Callback::parse_untyped(verifier_for(command), body.into()).unwrap();
            assert_eq!(callback.unknown_fields(), [""; 0], "{name}");
        }
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/payloads");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(
        seen + 1,
        files,
        "a payload file belongs to no command (the one more is the README)"
    );
}

/// Calls `change` with every place that `path` names in `value`, as the object that holds it and
/// the key.
fn at_path(
    value: &mut Value,
    path: &str,
    change: &mut dyn FnMut(&mut serde_json::Map<String, Value>, &str),
) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let key = head.trim_end_matches("[]");
    let Value::Object(members) = value else {
        return;
    };
    match rest {
        None => {
            if members.contains_key(key) {
                change(members, key);
            }
        }
        Some(rest) => match members.get_mut(key) {
            Some(Value::Array(items)) => {
                items.iter_mut().for_each(|item| at_path(item, rest, change))
            }
            Some(inner) => at_path(inner, rest, change),
            None => {}
        },
    }
}

/// Each field of each command in each of its documented forms, absent, and `null`.
#[test]
fn every_field_may_come_in_every_form_and_few_are_demanded() {
    let mut demanded = BTreeSet::new();
    let mut tried = 0;
    for (word, documented) in documented() {
        let command = Command::from(word.as_str());
        for (name, body) in payloads(&command) {
            let body: Value = serde_json::from_str(&ours(&body)).unwrap();
            for (path, kind, _, _) in &documented.fields {
                if path == "CallbackCommand" || path.ends_with("[]") {
                    continue;
                }
                let key = path.rsplit('.').next().unwrap();
                let forms: Vec<Value> = match kind.as_str() {
                    _ if key == "SdkAppId" => vec![1_400_187_352.into(), "1400187352".into()],
                    "integer" => {
                        vec![7.into(), "7".into(), "".into(), i64::MAX.into(), (-1).into()]
                    }
                    "string-or-integer" if key == "EventTime" => {
                        vec![7.into(), "7".into(), "".into()]
                    }
                    "string-or-integer" => vec!["x".into(), 144_115_216_631_667_826_u64.into()],
                    "boolean" | "boolean-or-string" => {
                        vec![true.into(), "true".into(), "false".into()]
                    }
                    "array-or-string" => vec!["x".into(), vec!["x"].into()],
                    "integer-or-object" => {
                        vec![7.into(), serde_json::json!({"Public": 7, "Work": "8"})]
                    }
                    "string" if is_id(key) => vec!["x".into(), u64::MAX.into(), (-5).into()],
                    "string" if key != "CallbackCommand" => vec!["".into(), "something new".into()],
                    "array" => vec![Value::Array(Vec::new())],
                    _ => Vec::new(),
                };
                for form in forms {
                    let mut changed = body.clone();
                    let mut found = false;
                    at_path(&mut changed, path, &mut |members, key| {
                        found = true;
                        members[key] = form.clone();
                    });
                    // A demanded number has nothing to be absent as.
                    let absent = form == "" && demanded_number(&word, path);
                    if found && !absent {
                        tried += 1;
                        typed(&command, &changed.to_string(), &format!("{name}, {path} = {form}"));
                    }
                }
                let mut fits = Vec::new();
                let mut found = false;
                for absent in [None, Some(Value::Null)] {
                    let mut changed = body.clone();
                    at_path(&mut changed, path, &mut |members, key| {
                        found = true;
                        match &absent {
                            None => drop(members.remove(key)),
                            Some(null) => members[key] = null.clone(),
                        }
                    });
                    if key == "CallbackCommand" {
                        continue;
                    }
                    fits.push(
                        parse(&command, &changed.to_string()).misfit().is_none()
                            && batch_is_typed(&command, &changed),
                    );
                }
                if found && fits.first() == Some(&false) {
                    demanded.insert(format!("{word} {path}"));
                }
                if let [missing, null] = fits[..] {
                    // `null` is an empty list, also where the list must be there.
                    let mut is_list = false;
                    at_path(&mut body.clone(), path, &mut |members, key| {
                        is_list |= members[key].is_array()
                    });
                    assert!(
                        missing == null || is_list,
                        "{name}: {path} missing and null are not the same"
                    );
                }
            }
        }
    }
    assert!(tried > 2500, "{tried}");
    let listed: BTreeSet<String> =
        include_str!("demanded.txt").lines().map(str::to_owned).collect();
    let (extra, gone): (Vec<_>, Vec<_>) =
        (demanded.difference(&listed).collect(), listed.difference(&demanded).collect());
    assert!(
        extra.is_empty() && gone.is_empty(),
        "demanded but not listed: {extra:#?}\nlisted but not demanded: {gone:#?}"
    );
}

fn demanded_number(word: &str, path: &str) -> bool {
    let number = path.ends_with("MsgSeq") || path.ends_with("Index");
    number && include_str!("demanded.txt").lines().any(|line| line == format!("{word} {path}"))
}

/// Whether no item of a batch is unknown.
fn batch_is_typed(command: &Command, body: &Value) -> bool {
    let written = serde_json::to_value(parse(command, &body.to_string())).unwrap();
    let callback = Callback::parse_untyped(verifier_for(command), body.to_string().into()).unwrap();
    written.get("Events").is_none() || !callback.unknown_fields().contains(&"Events[]".to_owned())
}

#[test]
fn new_fields_at_every_level_and_another_order_change_nothing() {
    fn add(value: &mut Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members.iter_mut() {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    add(value, &path, paths);
                }
                members.insert("Brandnew".into(), serde_json::json!({"a": [1, {"b": null}]}));
                paths.insert(if path.is_empty() {
                    "Brandnew".to_owned()
                } else {
                    format!("{path}.Brandnew")
                });
            }
            Value::Array(items) => {
                let path = format!("{path}[]");
                items.iter_mut().for_each(|item| add(item, &path, paths));
            }
            _ => {}
        }
    }

    fn backwards(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .rev()
                    .map(|(key, value)| {
                        format!(" {} :\n{}", Value::from(key.as_str()), backwards(value))
                    })
                    .collect();
                format!("{{{}}}", members.join("\t,"))
            }
            Value::Array(items) => {
                format!("[ {} ]", items.iter().map(backwards).collect::<Vec<_>>().join(" , "))
            }
            other => other.to_string(),
        }
    }

    for command in Command::ALL {
        for (name, body) in payloads(command) {
            let body = ours(&body);
            let before = typed(command, &body, &name);
            let mut value: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(before, typed(command, &backwards(&value), &name), "{name}");
            let mut paths = BTreeSet::new();
            add(&mut value, "", &mut paths);
            // A map has no unknown keys.
            let body = value.to_string();
            let is_map = *command == Command::ChatbotInterfaceInvocation
                || (name.contains("BeforeCreateGroup") && body.contains("CreatedGroupNum\":{"));
            if is_map {
                continue;
            }
            assert_eq!(before, typed(command, &body, &name), "{name}");
            let callback = Callback::parse_untyped(verifier_for(command), body.into()).unwrap();
            assert_eq!(callback.unknown_fields(), paths.into_iter().collect::<Vec<_>>(), "{name}");
        }
    }
}

#[test]
fn both_spellings_at_once() {
    let event = testing::callback::<group::AfterMemberFieldChanged>(
        r#"{"GroupId":"g","Member_Account":"a","Modified_Account":"b"}"#,
    )
    .event;
    assert_eq!(
        (event.member().unwrap().as_str(), event.modified_account.as_ref().unwrap().as_str()),
        ("a", "b")
    );
    let event = testing::callback::<group::AfterMemberFieldChanged>(
        r#"{"GroupId":"g","Modified_Account":"b"}"#,
    )
    .event;
    assert_eq!(event.member().unwrap(), &"b");
    for (body, number) in [
        (r#"{"CreateGroupNum":1,"CreatedGroupNum":2,"CreatedNum":3}"#, 1),
        (r#"{"CreatedGroupNum":2,"CreatedNum":3}"#, 2),
        (r#"{"CreatedNum":3}"#, 3),
        (r#"{"CreatedGroupNum":{"Public":"4","Work":5}}"#, 4),
    ] {
        let body = body.replacen('{', r#"{"Operator_Account":"a","Type":"Public","#, 1);
        let event = testing::callback::<group::BeforeCreateGroup>(&body).event;
        assert_eq!(event.created_groups(), Some(number), "{body}");
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(event, testing::callback::<group::BeforeCreateGroup>(&written).event);
    }
    let event = testing::callback::<call::AfterStartCall>(
        r#"{"CallInfo":{"CallId":"c","CallMediaType":"Audio","MediaType":"Video"}}"#,
    )
    .event;
    assert_eq!(event.call_info.media(), Some(&call::MediaType::Audio));
    // Second spellings are the first.
    let spelled = |reason: &str| {
        testing::callback::<state::StateChange>(&format!(
            r#"{{"Info":{{"To_Account":"a","Reason":"{reason}"}}}}"#
        ))
        .event
    };
    assert_eq!(spelled("TimeOut"), spelled("Timeout"));
    assert!(serde_json::to_string(&spelled("TIMEOUT")).unwrap().contains("TIMEOUT"));
    assert_ne!(spelled("TimeOut"), spelled("TIMEOUT"));
}

#[test]
fn one_bad_item_of_a_batch_does_not_lose_the_others() {
    let item = |account: &str| {
        format!(
            r#"{{"CallbackCommand":"Push.OfflinePush","To_Account":"{account}","EventTime":5}}"#
        )
    };
    let bad = [
        r#"{"To_Account":[]}"#,
        r#"{"CallbackCommand":"Push.AllMemberPush","To_Account":"a"}"#,
        r#"{"CallbackCommand":5,"To_Account":"a"}"#,
        r#"{"CallbackCommand":"New.Word","To_Account":"a","x":1e999}"#,
        "{}",
    ];
    let items: Vec<_> =
        (0..95).map(|at| item(&at.to_string())).chain(bad.map(str::to_owned)).collect();
    let body = format!(r#"{{"Events":[{}]}}"#, items.join(","));
    let callback = testing::callback::<push::OfflinePush>(&body);
    let typed: Vec<_> = callback.event.events.iter().filter_map(|item| item.typed()).collect();
    assert_eq!(typed.len(), 95);
    assert_eq!(typed[94].to_account, "94");
    for (item, raw) in callback.event.events[95..].iter().zip(bad) {
        assert!(matches!(item, push::BatchItem::Unknown(json) if json.get() == raw), "{raw}");
    }
    assert_eq!(callback.unknown_fields(), ["Events[]"]);
    assert_eq!(callback.time(), Some(EventTime::Secs(TimestampSecs(5))));
    let written = serde_json::to_string(&callback.event).unwrap();
    assert_eq!(callback.event, testing::callback::<push::OfflinePush>(&written).event);
}

#[test]
fn the_fields_of_the_samples() {
    let add = testing::callback::<sns::FriendAdd>(sample(&Command::SnsFriendAdd).unwrap()).event;
    assert_eq!(add.client_cmd, Some(sns::ClientCmd::from("FriendAdd")));
    assert!(matches!(add.client_cmd, Some(sns::ClientCmd::FriendAdd)));
    assert_eq!(add.pair_list[2].initiator_account.as_ref().unwrap(), &"id");
    assert_eq!((add.admin_account.unwrap().as_str(), add.force_flag), ("", Some(Flag::ON)));
    let prev =
        testing::callback::<sns::PrevFriendAdd>(sample(&Command::SnsPrevFriendAdd).unwrap()).event;
    assert_eq!(prev.add_type, Some(sns::AddType::Both));
    assert_eq!(prev.event_time, Some(TimestampMillis(1_631_777_344_870)));
    assert_eq!(prev.friend_item[1].add_wording.as_deref(), Some("this is id2!"));
    let answer = testing::callback::<sns::PrevFriendResponse>(
        sample(&Command::SnsPrevFriendResponse).unwrap(),
    )
    .event;
    assert_eq!(answer.response_friend_item[1].response_action, Some(sns::ResponseAction::Reject));
}

#[test]
fn messages_of_groups_have_a_priority() {
    for (word, priority) in
        [("High", group::MsgPriority::High), ("Urgent", group::MsgPriority::Other("Urgent".into()))]
    {
        let body = format!(r#"{{"GroupId":"g","MsgBody":[],"MsgPriority":"{word}"}}"#);
        assert_eq!(
            testing::callback::<group::BeforeSendMsg>(&body).event.msg_priority,
            Some(priority.clone())
        );
        assert_eq!(
            testing::callback::<group::AfterSendMsg>(&body).event.msg_priority,
            Some(priority)
        );
    }
}

#[test]
fn documented_drift_is_accepted() {
    // Ids as integers beyond 2^53, quoted numbers, null, values that no page lists, both spellings.
    let event = testing::callback::<sns::FriendAdd>(
        r#"{"PairList":[{"From_Account":144115216631667826,"To_Account":"b","TimeStamp":"1432000000","Initiator_Account":null}],
            "ClientCmd":"FriendAdd","ForceFlag":"1","Admin_Account":null,"New":{"x":[1]}}"#,
    )
    .event;
    let pair = &event.pair_list[0];
    assert_eq!(pair.from_account, "144115216631667826");
    assert_eq!(pair.time_stamp, Some(TimestampSecs(1_432_000_000)));
    assert_eq!(
        serde_json::to_string(&Event::from(event)).unwrap(),
        r#"{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"From_Account":"144115216631667826","To_Account":"b","TimeStamp":1432000000}],"ClientCmd":"friend_add","ForceFlag":1}"#
    );
    let event = testing::callback::<sns::FriendAdd>(
        r#"{"PairList":null,"ClientCmd":"other","ForceFlag":2}"#,
    )
    .event;
    assert!(event.pair_list.is_empty());
    assert_eq!(event.client_cmd, Some(sns::ClientCmd::Other("other".into())));
    assert_eq!(event.force_flag, Some(Flag::from(2)));
    let event = testing::callback::<sns::FriendAdd>(r#"{"PairList":null,"ForceFlag":""}"#).event;
    assert_eq!(event, sns::FriendAdd::default());
}

/// Each typed reply that says what the page's sample says, and is written as the page writes it.
#[test]
fn typed_replies_as_the_pages_show_them() {
    use tencent_im_callback::message::{CustomElem, MsgBodyBuilder, TextElem};
    use tencent_im_callback::reply::{self, Rewrite};

    fn event<E: TypedEvent>() -> E {
        testing::callback::<E>(sample(&E::COMMAND).unwrap()).event
    }

    let rewrite = |desc: &str, data: &str, custom: &str| {
        let message = MsgBodyBuilder::new()
            .push(TextElem::new("red packet"))
            .push(CustomElem::new(data, desc));
        Rewrite::new().msg_body(message).cloud_custom_data(custom)
    };
    let group_rewrite = || rewrite("CustomElement.MemberLevel", "LV1", "your cloud custom data");
    let replies: [(Command, Reply); 15] = [
        (
            Command::C2cBeforeSendMsg,
            reply::c2c::BeforeSendMsgReply::allow_rewritten(rewrite(
                " CustomElement.MemberLevel ",
                " LV1",
                "your new cloud custom data",
            ))
            .into(),
        ),
        (
            Command::GroupBeforeSendMsg,
            reply::group::BeforeSendMsgReply::allow_rewritten(group_rewrite()).into(),
        ),
        (
            Command::OfficialAccountBeforeSendMsg,
            reply::official_account::BeforeSendMsgReply::allow_rewritten(group_rewrite()).into(),
        ),
        (Command::GroupBeforeCreateGroup, reply::group::BeforeCreateGroupReply::default().into()),
        (Command::GroupBeforeCreateTopic, reply::group::BeforeCreateTopicReply::default().into()),
        (
            Command::GroupBeforeApplyJoinGroup,
            reply::group::BeforeApplyJoinGroupReply::default().into(),
        ),
        (
            Command::GroupBeforeInviteJoinGroup,
            reply::group::BeforeInviteJoinGroupReply::reject_some(["jared"]).into(),
        ),
        (
            Command::OfficialAccountBeforeAddSubscriber,
            reply::official_account::BeforeAddSubscriberReply::reject_some(["jared"]).into(),
        ),
        (
            Command::OfficialAccountBeforeCreateOfficialAccount,
            reply::official_account::BeforeCreateOfficialAccountReply::default().into(),
        ),
        (Command::LiveBeforeSendGift, reply::live::BeforeSendGiftReply::default().into()),
        (Command::SnsPrevFriendAdd, reply::sns::PrevFriendAddReply::allow(&event()).into()),
        (
            Command::SnsPrevFriendResponse,
            reply::sns::PrevFriendResponseReply::allow(&event()).into(),
        ),
        (
            Command::ChatbotOnC2cSignalMessage,
            reply::chatbot::OnC2cSignalMessageReply::new(
                r#"{"msg":"这是回复给机器人的自定义透传内容"}"#,
            )
            .into(),
        ),
        (
            Command::ChatbotInterfaceInvocation,
            reply::chatbot::InterfaceInvocationReply::new()
                .variable("testKey3", "10")
                .variable("testKey1", "value1")
                .into(),
        ),
        (Command::SnsFriendDelete, ().into()),
    ];
    let documented = documented();
    let mut before: BTreeSet<&Command> =
        Command::ALL.iter().filter(|command| command.phase() == Phase::Before).collect();
    for (command, reply) in &replies {
        let written: Value = serde_json::from_slice(reply.as_bytes()).unwrap();
        assert_eq!(written, documented[command.as_str()].reply, "{command}");
        before.remove(command);
    }
    assert!(before.is_empty(), "no reply was tried for {before:?}");
    // All others mean nothing but OK.
    for (word, documented) in documented {
        if !replies.iter().any(|(command, _)| command.as_str() == word) {
            assert_eq!(
                documented.reply,
                serde_json::from_slice::<Value>(Reply::ok().as_bytes()).unwrap(),
                "{word}"
            );
        }
    }
}

#[test]
fn verdicts_and_their_codes() {
    use tencent_im_callback::reply::{
        InvalidCodeError, Rewrite, c2c, group, live, official_account, sns,
    };

    let text = |reply: Reply| String::from_utf8(reply.as_bytes().to_vec()).unwrap();
    let envelope = |code: u32, info: &str| {
        format!(r#"{{"ActionStatus":"OK","ErrorCode":{code},"ErrorInfo":"{info}"}}"#)
    };
    assert_eq!(text(c2c::BeforeSendMsgReply::allow().into()), envelope(0, ""));
    assert_eq!(text(c2c::BeforeSendMsgReply::default().into()), envelope(0, ""));
    assert_eq!(text(c2c::BeforeSendMsgReply::reject().into()), envelope(1, ""));
    assert_eq!(text(group::BeforeSendMsgReply::discard().into()), envelope(2, ""));
    let code = c2c::RejectCode::of::<120_001>();
    assert_eq!(
        text(c2c::BeforeSendMsgReply::reject_with(code, "no").into()),
        envelope(120_001, "no")
    );
    let code = group::RejectCode::of::<10_100>();
    assert_eq!(
        text(group::BeforeInviteJoinGroupReply::reject_with(code, "no").into()),
        envelope(10_100, "no")
    );
    assert_eq!(
        text(group::BeforeCreateGroupReply::reject_with(code, "no").into()),
        envelope(10_100, "no")
    );
    let code = live::RejectCode::of::<102_200>();
    assert_eq!(
        text(live::BeforeSendGiftReply::reject_with(code, "no").into()),
        envelope(102_200, "no")
    );
    assert_eq!(text(official_account::BeforeAddSubscriberReply::reject().into()), envelope(1, ""));
    // An empty text is a legal replacement, and is not the same as none.
    assert_eq!(
        text(c2c::BeforeSendMsgReply::allow_rewritten(Rewrite::new().cloud_custom_data("")).into()),
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","CloudCustomData":""}"#
    );
    assert_eq!(
        text(c2c::BeforeSendMsgReply::allow_rewritten(Rewrite::new()).into()),
        envelope(0, "")
    );

    fn ends<C>(new: impl Fn(u32) -> Result<C, InvalidCodeError>, first: u32, last: u32) {
        assert!(new(first).is_ok() && new(last).is_ok());
        for code in [0, 1, 2, first - 1, last + 1] {
            assert!(new(code).is_err(), "{code}");
        }
    }
    ends(c2c::RejectCode::new, 120_001, 130_000);
    ends(official_account::RejectCode::new, 120_001, 130_000);
    ends(group::RejectCode::new, 10_100, 10_200);
    ends(live::RejectCode::new, 102_100, 102_200);
    ends(sns::RejectCode::new, 38_000, 39_000);
}

#[test]
#[should_panic(expected = "PairList[0]")]
fn the_helper_for_handlers_says_where_a_body_does_not_fit() {
    testing::callback::<sns::FriendAdd>(r#"{"PairList":[{"To_Account":"a"}]}"#);
}

/// A known member that is `null` or an empty text is written back as absent, and an unknown one of
/// these says nothing.
#[test]
fn what_says_nothing_is_no_unknown_field() {
    let fields = |body: &str| testing::callback::<sns::FriendAdd>(body).unknown_fields();
    let nothing = r#"{"PairList":[{"From_Account":"a","To_Account":"b","Initiator_Account":null,"New":null}],"Admin_Account":"","Newer":""}"#;
    assert_eq!(fields(nothing), [""; 0]);
    let something = nothing
        .replace("\"New\":null", "\"New\":[null]")
        .replace("\"Newer\":\"\"", "\"N\\u0065wer\":0");
    assert_eq!(fields(&something), ["Newer", "PairList[].New"]);
}
