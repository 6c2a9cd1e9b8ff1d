//! Whose action an event is, and in which group: what a limit, a log or a moderator asks of any
//! event.

use super::Event;
use crate::types::{GroupId, UserId};

/// The sender that Tencent writes if a message over REST or from the console named none.
const NOBODY: &str = "@TLS#NOT_FOUND";

/// A field that names an account or a group; an empty one names none.
trait Name<'a> {
    fn name(self) -> Option<&'a str>;
}

impl<'a> Name<'a> for &'a str {
    fn name(self) -> Option<&'a str> {
        Some(self).filter(|name| !name.is_empty() && *name != NOBODY)
    }
}

impl<'a> Name<'a> for &'a UserId {
    fn name(self) -> Option<&'a str> {
        self.as_str().name()
    }
}

impl<'a> Name<'a> for &'a GroupId {
    fn name(self) -> Option<&'a str> {
        self.as_str().name()
    }
}

impl<'a, N: Name<'a>> Name<'a> for Option<N> {
    fn name(self) -> Option<&'a str> {
        self?.name()
    }
}

impl<'a, N> Name<'a> for &'a Option<N>
where
    &'a N: Name<'a>,
{
    fn name(self) -> Option<&'a str> {
        self.as_ref()?.name()
    }
}

macro_rules! name_in {
    ($event:expr; $( $field:expr, |$e:ident| $( $variant:ident )+; )+) => {
        match $event {
            $( $( Event::$variant($e) => $field.name(), )+ )+
            _ => None,
        }
    };
}

impl Event {
    /// The account whose action it is: who sends the message, asks for the friendship, joins or
    /// creates the group, gives the gift.
    ///
    /// It is `From_Account`, or else the member of the body that names the account that acts, such
    /// as `Operator_Account`. For the events of an official account it is that account. It is
    /// `None` if the body does not name exactly one account, as in most notices, if a message over
    /// REST named no sender (`@TLS#NOT_FOUND`), and for [`Event::Unknown`].
    ///
    /// ```
    /// use tencent_im_callback::{Event, event::c2c::BeforeSendMsg, testing};
    ///
    /// let body = r#"{"From_Account":"jared","To_Account":"leckie","MsgBody":[]}"#;
    /// let event = testing::callback::<BeforeSendMsg>(body).map_event(Event::from).event;
    /// assert_eq!((event.sender(), event.group_id()), (Some("jared"), None));
    /// ```
    pub fn sender(&self) -> Option<&str> {
        name_in! { self;
            e.from_account, |e|
                BotOnC2cMessage BotOnGroupMessage C2cAfterC2cMsgExtension C2cAfterModifyMsg
                C2cAfterMsgWithDraw C2cAfterSendMsg C2cBeforeSendMsg ChatbotOnC2cSignalMessage
                ContentCallbackResultNotify FollowAfterFollowAdd FollowAfterFollowDelete
                GroupAfterSendMsg GroupBeforeSendMsg GroupSendMsgException ProfilePortraitSet
                SnsPrevFriendAdd SnsPrevFriendResponse;
            e.gift_water.from_account, |e| LiveBeforeSendGift;
            e.report_account, |e| C2cAfterMsgReadAll C2cAfterMsgReport;
            e.requestor_account, |e| GroupBeforeApplyJoinGroup;
            e.operator_account, |e|
                C2cAfterMsgReadReceipt GroupAfterChangeGroupOwner GroupAfterCreateGroup
                GroupAfterCreateTopic GroupAfterGroupAttrChanged GroupAfterGroupDestroyed
                GroupAfterGroupInfoChanged GroupAfterMemberExit GroupAfterMemberFieldChanged
                GroupAfterModifyMsg GroupAfterNewMemberJoin GroupAfterRecallMsg
                GroupAfterTopicInfoChanged GroupBeforeCreateGroup GroupBeforeCreateTopic
                GroupBeforeInviteJoinGroup LiveAfterChangeOwner LiveAfterCreateBattle
                LiveAfterCreateRoom LiveAfterCreateRoomReachingThreshold LiveAfterDelMetadata
                LiveAfterDestroyRoom LiveAfterModifyAdmin LiveAfterSetMetadata
                LiveAfterUpdateRoomInfo MicAfterSeatInfoChanged OfficialAccountAfterAddSubscriber
                OfficialAccountAfterCreateOfficialAccount OfficialAccountAfterDeleteSubscriber
                OfficialAccountAfterOfficialAccountInfoChanged OfficialAccountBeforeAddSubscriber
                OfficialAccountBeforeCreateOfficialAccount RoomAfterCreateRoom RoomAfterDestroyRoom
                RoomAfterMemberEnter RoomAfterMemberLeave RoomAfterUpdateRoomInfo;
            e.official_account, |e|
                OfficialAccountAfterMsgWithDraw OfficialAccountAfterOfficialAccountDestroyed
                OfficialAccountAfterOfficialAccountFull OfficialAccountAfterSendMsg
                OfficialAccountBeforeSendMsg;
            e.call_record.caller_account, |e| CallAfterEndCall;
            e.client_user_id, |e| DeskSessionEventNotify;
            e.client_user_id(), |e| ChatbotInterfaceInvocation;
            e.info.to_account, |e| StateChange;
            e.pair_list.first().map(|pair| &pair.from_account), |e|
                SnsBlackListAdd SnsBlackListDelete SnsFriendAdd SnsFriendDelete;
        }
    }

    /// The group, or the room, in which it happens. A topic belongs to its community. `None`
    /// outside of groups, and for [`Event::Unknown`].
    pub fn group_id(&self) -> Option<&str> {
        name_in! { self;
            e.group_id, |e|
                BotOnGroupMessage GroupAfterChangeGroupOwner GroupAfterCreateGroup
                GroupAfterCreateTopic GroupAfterGroupAttrChanged GroupAfterGroupDestroyed
                GroupAfterGroupFull GroupAfterGroupInfoChanged GroupAfterGroupMsgExtension
                GroupAfterMemberExit GroupAfterMemberFieldChanged GroupAfterModifyMsg
                GroupAfterNewMemberJoin GroupAfterReadReceipt GroupAfterRecallMsg GroupAfterSendMsg
                GroupAfterTopicDestroyed GroupAfterTopicInfoChanged GroupBeforeApplyJoinGroup
                GroupBeforeInviteJoinGroup GroupBeforeSendMsg GroupOnMemberStateChange
                GroupSendMsgException;
            e.room_id, |e|
                LiveAfterChangeOwner LiveAfterDelMetadata LiveAfterDestroyRoom
                LiveAfterMemberStateChanged LiveAfterModifyAdmin LiveAfterSetMetadata
                LiveBeforeSendGift MicAfterSeatInfoChanged RoomAfterDestroyRoom
                RoomAfterMemberEnter RoomAfterMemberLeave;
            e.room_info.room_id, |e|
                LiveAfterCreateRoom LiveAfterUpdateRoomInfo RoomAfterCreateRoom
                RoomAfterUpdateRoomInfo;
            e.from_room_id, |e| LiveAfterCreateBattle;
            e.from_room_info.room_id, |e| LiveAfterEndBattle LiveAfterStartBattle;
            e.call_record.room_id, |e| CallAfterEndCall;
            e.call_info.room_id, |e| CallAfterStartCall;
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use serde_json::Value;

    use crate::event::parse;
    use crate::json::CheckedText;
    use crate::{Command, testing};

    /// Where a body names who acts; the first that it has counts.
    const SENDER: &[&str] = &[
        "/From_Account",
        "/GiftWater/From_Account",
        "/Report_Account",
        "/Requestor_Account",
        "/Operator_Account",
        "/Official_Account",
        "/CallRecord/Caller_Account",
        "/ClientUserId",
        "/Body/SystemClientUserID",
        "/Info/To_Account",
        "/PairList/0/From_Account",
    ];

    /// Where a body names the group.
    const GROUP: &[&str] = &[
        "/GroupId",
        "/RoomId",
        "/RoomInfo/RoomId",
        "/FromRoomId",
        "/FromRoomInfo/RoomId",
        "/CallRecord/RoomId",
        "/CallInfo/RoomId",
    ];

    /// By the names of the fields, for every documented body: a new command is not forgotten.
    #[test]
    fn whoever_the_body_names_is_found() {
        let mut verdicts = 0;
        for command in Command::ALL {
            let bodies = testing::sample(command).into_iter();
            for body in bodies.chain(testing::other_samples(command).iter().copied()) {
                let json: Value = serde_json::from_str(body).unwrap();
                let text = |value: &Value| value.as_str().map_or(value.to_string(), Into::into);
                let first =
                    |paths: &[&str]| paths.iter().find_map(|path| json.pointer(path)).map(text);
                let named = |name: Option<String>| name.filter(|name| !name.is_empty());
                let event = parse::parse(command, &body.into(), &CheckedText::default());
                let sender = event.sender().map(str::to_owned);
                assert_eq!(sender, named(first(SENDER)), "{command}: {body}");
                let group = event.group_id().map(str::to_owned);
                assert_eq!(group, named(first(GROUP)), "{command}: {body}");
                verdicts += usize::from(command.is_answered() && sender.is_some());
            }
        }
        assert!(verdicts >= 14, "{verdicts}");
    }

    #[test]
    fn nobody_is_nobody() {
        for (from, sender) in [
            (r#""From_Account":"jared","#, Some("jared")),
            (r#""From_Account":7,"#, Some("7")),
            (r#""From_Account":"","#, None),
            (r#""From_Account":"@TLS#NOT_FOUND","#, None),
            ("", None),
        ] {
            let body = format!(r#"{{"GroupId":"@TGS#1",{from}"MsgBody":[]}}"#);
            let event =
                parse::parse(&Command::GroupBeforeSendMsg, &body.into(), &CheckedText::default());
            assert_eq!((event.sender(), event.group_id()), (sender, Some("@TGS#1")));
        }
        let unknown = parse::parse(
            &"New.Word".into(),
            &r#"{"From_Account":"jared"}"#.into(),
            &CheckedText::default(),
        );
        assert_eq!(unknown.sender(), None);
    }
}
