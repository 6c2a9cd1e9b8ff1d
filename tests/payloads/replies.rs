//! Typed replies, as the pages show them.

use std::collections::BTreeSet;

use serde_json::Value;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Command, Phase, Reply, TypedEvent, testing};

use crate::documented;

fn event<E: TypedEvent>() -> E {
    testing::callback::<E>(sample(&E::COMMAND).unwrap()).event
}

fn rewrites() -> Vec<(Command, Reply)> {
    use tencent_im_callback::message::{CustomElem, MsgBodyBuilder, TextElem};
    use tencent_im_callback::reply::{Rewrite, c2c, group, official_account};

    let rewrite = |desc: &str, data: &str, custom: &str| {
        let message = MsgBodyBuilder::new()
            .push(TextElem::new("red packet"))
            .push(CustomElem::new(data, desc));
        Rewrite::new().msg_body(message).cloud_custom_data(custom)
    };
    let of_c2c = rewrite(" CustomElement.MemberLevel ", " LV1", "your new cloud custom data");
    let of_others = rewrite("CustomElement.MemberLevel", "LV1", "your cloud custom data");
    vec![
        (Command::C2cBeforeSendMsg, c2c::BeforeSendMsgReply::allow_rewritten(of_c2c).into()),
        (
            Command::GroupBeforeSendMsg,
            group::BeforeSendMsgReply::allow_rewritten(of_others.clone()).into(),
        ),
        (
            Command::OfficialAccountBeforeSendMsg,
            official_account::BeforeSendMsgReply::allow_rewritten(of_others).into(),
        ),
    ]
}

fn verdicts() -> Vec<(Command, Reply)> {
    use tencent_im_callback::reply::{group, live, official_account, sns};

    vec![
        (Command::GroupBeforeCreateGroup, group::BeforeCreateGroupReply::default().into()),
        (Command::GroupBeforeCreateTopic, group::BeforeCreateTopicReply::default().into()),
        (Command::GroupBeforeApplyJoinGroup, group::BeforeApplyJoinGroupReply::default().into()),
        (
            Command::GroupBeforeInviteJoinGroup,
            group::BeforeInviteJoinGroupReply::reject_some(["jared"]).into(),
        ),
        (
            Command::OfficialAccountBeforeAddSubscriber,
            official_account::BeforeAddSubscriberReply::reject_some(["jared"]).into(),
        ),
        (
            Command::OfficialAccountBeforeCreateOfficialAccount,
            official_account::BeforeCreateOfficialAccountReply::default().into(),
        ),
        (Command::LiveBeforeSendGift, live::BeforeSendGiftReply::default().into()),
        (Command::SnsPrevFriendAdd, sns::PrevFriendAddReply::allow(&event()).into()),
        (Command::SnsPrevFriendResponse, sns::PrevFriendResponseReply::allow(&event()).into()),
    ]
}

fn of_chatbots() -> Vec<(Command, Reply)> {
    use tencent_im_callback::reply::chatbot;

    let message = r#"{"msg":"这是回复给机器人的自定义透传内容"}"#;
    let variables = chatbot::InterfaceInvocationReply::new()
        .variable("testKey3", "10")
        .variable("testKey1", "value1");
    vec![
        (Command::ChatbotOnC2cSignalMessage, chatbot::OnC2cSignalMessageReply::new(message).into()),
        (Command::ChatbotInterfaceInvocation, variables.into()),
    ]
}

/// Each typed reply that says what the page's sample says, and is written as the page writes it.
#[test]
fn typed_replies_as_the_pages_show_them() {
    let mut replies = [rewrites(), verdicts(), of_chatbots()].concat();
    replies.push((Command::SnsFriendDelete, ().into()));
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
