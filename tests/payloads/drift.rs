//! Bodies that differ from the documents.

use tencent_im_callback::event::profile::ProfileValue;
use tencent_im_callback::event::{EventTime, call, group, push, sns, state};
use tencent_im_callback::{Callback, Command, Event, Flag, Params, TimestampSecs, testing};

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
fn documented_drift_is_accepted() {
    // Ids as integers beyond 2^53, quoted numbers, null, values that no page lists, both spellings.
    let event = testing::callback::<sns::FriendAdd>(
        r#"{"PairList":[{"From_Account":144115216631667826,"To_Account":"b",
            "TimeStamp":"1432000000",
            "Initiator_Account":null}],
            "ClientCmd":"FriendAdd","ForceFlag":"1","Admin_Account":null,"New":{"x":[1]}}"#,
    )
    .event;
    let pair = &event.pair_list[0];
    assert_eq!(pair.from_account, "144115216631667826");
    assert_eq!(pair.time_stamp, Some(TimestampSecs(1_432_000_000)));
    assert_eq!(
        serde_json::to_string(&Event::from(event)).unwrap(),
        concat!(
            r#"{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":["#,
            r#"{"From_Account":"144115216631667826","To_Account":"b","TimeStamp":1432000000}],"#,
            r#""ClientCmd":"friend_add","ForceFlag":1}"#
        )
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
    let nothing = concat!(
        r#"{"PairList":[{"From_Account":"a","To_Account":"b","Initiator_Account":null,"#,
        r#""New":null}],"Admin_Account":"","Newer":""}"#
    );
    assert_eq!(fields(nothing), [""; 0]);
    let something = nothing
        .replace("\"New\":null", "\"New\":[null]")
        .replace("\"Newer\":\"\"", "\"N\\u0065wer\":0");
    assert_eq!(fields(&something), ["Newer", "PairList[].New"]);
    // What looks like an element of a message is one only where messages are.
    let pair =
        r#"{"PairList":[{"From_Account":"a","To_Account":"b","MsgType":"x","MsgContent":{}}]}"#;
    assert_eq!(fields(pair), ["PairList[].MsgContent", "PairList[].MsgType"]);
}

#[test]
fn a_value_in_a_profile_is_a_text_or_an_integer() {
    let value = |value: &str| {
        let body = format!(
            r#"{{"From_Account":"a","ProfileItem":[
                {{"Tag":"Tag_Profile_IM_BirthDay","Value":{value}}}]}}"#
        );
        let params = Params::trusted(1, Command::ProfilePortraitSet);
        match Callback::parse(params, body.into()).unwrap().event {
            Event::ProfilePortraitSet(event) => event.profile_item[0].value.clone(),
            _ => None,
        }
    };
    let integer = |number| Some(ProfileValue::Integer(number));
    assert_eq!(value(r#""19901231""#), Some(ProfileValue::Text("19901231".to_owned())));
    assert_eq!(value("19901231"), integer(19_901_231));
    assert_eq!(value("-1"), integer(-1));
    assert_eq!(value("9223372036854775807"), integer(i64::MAX));
    assert_eq!(value("9223372036854775808"), None);
}
