//! What the vendor has added: Desk and its bots, where a recording is, other words and members.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use common::{layer, signed};
use http_body_util::Full;
use serde_json::{Value, json};
use tencent_im_callback::event::call::{ActionType, RecordedMedia, RecordingEvent, TrackType};
use tencent_im_callback::event::chatbot::{InterfaceInvocation, Variable};
use tencent_im_callback::event::desk::{ChannelType, SessionEvent, SessionEventNotify};
use tencent_im_callback::event::{RecordingInfo, bot, c2c, call, follow, group, live};
use tencent_im_callback::message::TextElem;
use tencent_im_callback::reply::chatbot::InterfaceInvocationReply;
use tencent_im_callback::testing::{callback, sample};
use tencent_im_callback::{
    Callback, Command, EventRouter, Flag, TimestampMillis, TimestampSecs, TypedEvent,
};
use tower::{Layer, ServiceExt};

#[test]
fn a_session_of_desk() {
    let event =
        callback::<SessionEventNotify>(sample(&Command::DeskSessionEventNotify).unwrap()).event;
    assert_eq!(event.event, Some(SessionEvent::UserSendMsg));
    assert_eq!(event.channel_type, Some(ChannelType::Sdk));
    assert_eq!(event.msg_body.unwrap()[0], TextElem::new("请问如何申请退费?").into());
    assert_eq!((event.is_contact_user, event.satisfaction_selected), (Some(false), Some(5)));
    // Other events have less, and other words.
    let least = callback::<SessionEventNotify>(
        r#"{"SessionId":"s","Event":"SessionEnd","ChannelType":"Web"}"#,
    );
    assert_eq!(least.event.event, Some(SessionEvent::Other("SessionEnd".into())));
    assert_eq!(least.event.channel_type, Some(ChannelType::Web));
    let other = callback::<SessionEventNotify>(r#"{"SessionId":"t"}"#);
    assert!(least.order_key().is_some() && least.order_key() != other.order_key());
}

#[tokio::test]
async fn a_node_of_a_bot_gets_the_variables_of_the_reply() {
    let router = EventRouter::new().on(async |callback: Callback<InterfaceInvocation>| {
        let event = callback.event;
        assert_eq!(
            (event.client_user_id(), event.session_id()),
            (Some("user517"), Some("207cac25-f49e-4ada-9c9f-301cea31dcf2"))
        );
        InterfaceInvocationReply::new()
            .variable("seen", event.variable("staticKey").unwrap_or_default())
    });
    let request = signed(Command::ChatbotInterfaceInvocation).build::<Full<Bytes>>();
    let answer = common::text(layer().layer(router).oneshot(request).await.unwrap()).await;
    assert_eq!(
        answer,
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","Body":{"seen":"staticValue"}}"#
    );
    // A value that is no string is kept; no variables are none.
    let event = callback::<InterfaceInvocation>(r#"{"Body":{"a":[1.50,{"b":null}]}}"#).event;
    assert_eq!((event.variable("a"), event.variable("b")), (None, None));
    let Variable::Other(other) = &event.body.unwrap()["a"] else { panic!("a list is no string") };
    assert_eq!(other.get(), r#"[1.50,{"b":null}]"#);
    for none in [r#"{"Body":null}"#, "{\"EventTime\":1}"] {
        assert_eq!(callback::<InterfaceInvocation>(none).event.variable("a"), None);
    }
}

/// The bodies of TRTC's recording callbacks, whose `EventInfo` these commands hand on.
fn recordings() -> Vec<Value> {
    serde_json::from_str(include_str!("recordings.json")).unwrap()
}

fn recorded<E: TypedEvent>(body: &Value) -> Callback<E> {
    let callback = callback::<E>(&body.to_string());
    assert_eq!(callback.unknown_fields(), [""; 0], "{body}");
    callback
}

#[test]
fn every_documented_recording_is_typed_whole() {
    let mut events = Vec::new();
    for body in recordings() {
        let live = recorded::<live::AfterCloudRecordingChanged>(&body).event;
        let follow = recorded::<follow::AfterCloudRecordingChanged>(&body).event;
        let nested = json!({"CallId": "c", "Callback": body});
        let call = recorded::<call::AfterRecordChanged>(&nested).event.callback;
        assert_eq!((&live.event_info, live.event_type), (&follow.event_info, follow.event_type));
        assert_eq!((&live.event_info, live.event_type), (&call.event_info, call.event_type));
        assert!(!matches!(live.event_type, None | Some(RecordingEvent::Other(_))));
        events.push((live.event_type.unwrap(), live.event_info));
    }
    let of = |event| -> Vec<&RecordingInfo> {
        let all = events.iter().filter(|(found, _)| *found == event);
        all.map(|(_, info)| info).collect()
    };
    // Quoted.
    assert_eq!(of(RecordingEvent::RecorderStart)[0].event_ts, Some(TimestampSecs(1_622_186_275)));
    let payload = |event, index: usize| of(event)[index].payload.clone().unwrap();
    let vod = payload(RecordingEvent::VodCommit, 0).tencent_vod.unwrap();
    assert_eq!(vod.video_url.as_deref(), Some("http://xxxx"));
    assert_eq!(
        (vod.track_type, vod.media_id),
        (Some(TrackType::AudioVideo), Some(RecordedMedia::Main))
    );
    assert_eq!(vod.start_time_stamp, Some(TimestampMillis(1_622_186_279_153)));
    let failed = payload(RecordingEvent::VodCommit, 1);
    assert_eq!((failed.status, failed.errmsg.as_deref()), (Some(1), Some("xxx")));
    assert_eq!(failed.tencent_vod.unwrap().file_id, None);
    let files = payload(RecordingEvent::Mp4Stop, 0);
    assert_eq!(files.file_list.unwrap(), ["xxxx1.mp4", "xxxx2.mp4"]);
    assert_eq!(files.file_message.unwrap()[1].file_name.as_deref(), Some("xxxx2.mp4"));
    assert_eq!(payload(RecordingEvent::DownloadImageError, 0).url.as_deref(), Some("http://xx"));
    // A web page: no room, no user.
    let page = of(RecordingEvent::WebResourceLimit)[0];
    assert_eq!((&page.room_id, &page.user_id, page.event_ts), (&None, &None, None));
}

#[test]
fn members_that_only_the_table_shows() {
    let payload = |json: &str| {
        let body = format!(r#"{{"EventInfo":{{"Payload":{json}}}}}"#);
        let event = callback::<live::AfterCloudRecordingChanged>(&body).event;
        event.event_info.payload.unwrap()
    };
    assert_eq!(payload(r#"{"FileList":"x.m3u8"}"#).file_list.unwrap(), ["x.m3u8"]);
    let part = payload(
        r#"{"FileName":"f","UserId":"u","TrackType":"audio","BeginTimeStamp":"1622186279145"}"#,
    );
    assert_eq!(part.begin_time_stamp, Some(TimestampMillis(1_622_186_279_145)));
    assert_eq!(part.track_type, Some(TrackType::Audio));
}

/// One page has this word in the body and another one in the URL.
#[test]
fn a_recording_of_a_call_by_its_other_word() {
    let mut body: Value =
        serde_json::from_str(sample(&Command::CallAfterRecordChanged).unwrap()).unwrap();
    body["CallbackCommand"] = "Call.CallbackAfterCloudRecordingChanged".into();
    for command in
        [Command::CallAfterRecordChanged, "Call.CallbackAfterCloudRecordingChanged".into()]
    {
        let params = tencent_im_callback::Params::trusted(common::APP, command);
        let callback = Callback::parse(params, body.to_string().into()).unwrap();
        assert_eq!(callback.command(), &Command::CallAfterRecordChanged);
        assert!(callback.downcast::<call::AfterRecordChanged>().is_ok());
    }
}

#[test]
fn spellings_and_members_that_were_recorded() {
    for word in ["Hangup", "HangUp", "Hang Up"] {
        assert_eq!(ActionType::from(word), ActionType::Hangup);
    }
    assert_eq!(ActionType::Hangup.as_str(), "Hangup");
    let message = concat!(
        r#"{"From_Account":"a","To_Account":"b","MsgBody":[],"SyncOtherMachine":2,"#,
        r#""SupportMessageExtension":1}"#
    );
    let after = callback::<c2c::AfterSendMsg>(message);
    let before = callback::<c2c::BeforeSendMsg>(message);
    let bot = callback::<bot::OnC2cMessage>(message);
    for (sync, extension) in [
        (after.event.sync_other_machine, after.event.support_message_extension),
        (before.event.sync_other_machine, before.event.support_message_extension),
        (bot.event.sync_other_machine, bot.event.support_message_extension),
    ] {
        assert_eq!((sync, extension), (Some(2), Some(Flag::ON)));
    }
    let silent =
        callback::<group::AfterGroupInfoChanged>(r#"{"GroupId":"g","ShutUpAllMember":"On"}"#);
    assert_eq!(silent.event.shut_up_all_member.as_deref(), Some("On"));
    assert!(Command::GroupBeforeSendMsg.docs().unwrap().ends_with("/269/1619"));
}
