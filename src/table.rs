//! The list of every documented callback.
//!
//! `for_each_command!(consumer)` hands the whole table to the macro `consumer`. There are two:
//! `command.rs` makes [`Command`](crate::Command) of it, `event/mod.rs` [`Event`](crate::Event). A
//! row stands in the block `Family module "Prefix" { … }` of its family and reads
//!
//! ```text
//! "Wire.Word" Phase Variant(Type);
//! "Wire.Word" Phase Variant(Type -> ReplyType);
//! ```
//!
//! The reply stands only where it says more than OK or FAIL. What else is known about a command
//! stands beside the struct of its event, in `event!` (`event/rules.rs`).

macro_rules! for_each_command {
    ($consumer:ident) => { $consumer! {
        State state "State" {
            "State.StateChange" After StateChange(StateChange);
        }
        Profile profile "Profile" {
            "Profile.CallbackPortraitSet" After ProfilePortraitSet(PortraitSet);
        }
        Sns sns "Sns" {
            "Sns.CallbackBlackListAdd" After SnsBlackListAdd(BlackListAdd);
            "Sns.CallbackBlackListDelete" After SnsBlackListDelete(BlackListDelete);
            "Sns.CallbackFriendAdd" After SnsFriendAdd(FriendAdd);
            "Sns.CallbackFriendDelete" After SnsFriendDelete(FriendDelete);
            "Sns.CallbackPrevFriendAdd" Before
                SnsPrevFriendAdd(PrevFriendAdd -> PrevFriendAddReply);
            "Sns.CallbackPrevFriendResponse" Before
                SnsPrevFriendResponse(PrevFriendResponse -> PrevFriendResponseReply);
        }
        Follow follow "Follow" {
            "Follow.CallbackAfterCloudRecordingChanged" After
                FollowAfterCloudRecordingChanged(AfterCloudRecordingChanged);
            "Follow.CallbackAfterFollowAdd" After FollowAfterFollowAdd(AfterFollowAdd);
            "Follow.CallbackAfterFollowDelete" After FollowAfterFollowDelete(AfterFollowDelete);
        }
        C2c c2c "C2C" {
            "C2C.CallbackAfterC2CMsgExtension" After C2cAfterC2cMsgExtension(AfterC2cMsgExtension);
            "C2C.CallbackAfterModifyMsg" After C2cAfterModifyMsg(AfterModifyMsg);
            "C2C.CallbackAfterMsgReadAll" After C2cAfterMsgReadAll(AfterMsgReadAll);
            "C2C.CallbackAfterMsgReadReceipt" After C2cAfterMsgReadReceipt(AfterMsgReadReceipt);
            "C2C.CallbackAfterMsgReport" After C2cAfterMsgReport(AfterMsgReport);
            "C2C.CallbackAfterMsgWithDraw" After C2cAfterMsgWithDraw(AfterMsgWithDraw);
            "C2C.CallbackAfterSendMsg" After C2cAfterSendMsg(AfterSendMsg);
            "C2C.CallbackBeforeSendMsg" Before
                C2cBeforeSendMsg(BeforeSendMsg -> BeforeSendMsgReply);
        }
        Group group "Group" {
            "Group.CallbackAfterChangeGroupOwner" After
                GroupAfterChangeGroupOwner(AfterChangeGroupOwner);
            "Group.CallbackAfterCreateGroup" After GroupAfterCreateGroup(AfterCreateGroup);
            "Group.CallbackAfterCreateTopic" After GroupAfterCreateTopic(AfterCreateTopic);
            "Group.CallbackAfterGroupAttrChanged" After
                GroupAfterGroupAttrChanged(AfterGroupAttrChanged);
            "Group.CallbackAfterGroupDestroyed" After GroupAfterGroupDestroyed(AfterGroupDestroyed);
            "Group.CallbackAfterGroupFull" After GroupAfterGroupFull(AfterGroupFull);
            "Group.CallbackAfterGroupInfoChanged" After
                GroupAfterGroupInfoChanged(AfterGroupInfoChanged);
            "Group.CallbackAfterGroupMsgExtension" After
                GroupAfterGroupMsgExtension(AfterGroupMsgExtension);
            "Group.CallbackAfterMemberExit" After GroupAfterMemberExit(AfterMemberExit);
            "Group.CallbackAfterMemberFieldChanged" After
                GroupAfterMemberFieldChanged(AfterMemberFieldChanged);
            "Group.CallbackAfterModifyMsg" After GroupAfterModifyMsg(AfterModifyMsg);
            "Group.CallbackAfterNewMemberJoin" After GroupAfterNewMemberJoin(AfterNewMemberJoin);
            "Group.CallbackAfterReadReceipt" After GroupAfterReadReceipt(AfterReadReceipt);
            "Group.CallbackAfterRecallMsg" After GroupAfterRecallMsg(AfterRecallMsg);
            "Group.CallbackAfterSendMsg" After GroupAfterSendMsg(AfterSendMsg);
            "Group.CallbackAfterTopicDestroyed" After GroupAfterTopicDestroyed(AfterTopicDestroyed);
            "Group.CallbackAfterTopicInfoChanged" After
                GroupAfterTopicInfoChanged(AfterTopicInfoChanged);
            "Group.CallbackBeforeApplyJoinGroup" Before
                GroupBeforeApplyJoinGroup(BeforeApplyJoinGroup -> BeforeApplyJoinGroupReply);
            "Group.CallbackBeforeCreateGroup" Before
                GroupBeforeCreateGroup(BeforeCreateGroup -> BeforeCreateGroupReply);
            "Group.CallbackBeforeCreateTopic" Before
                GroupBeforeCreateTopic(BeforeCreateTopic -> BeforeCreateTopicReply);
            "Group.CallbackBeforeInviteJoinGroup" Before
                GroupBeforeInviteJoinGroup(BeforeInviteJoinGroup -> BeforeInviteJoinGroupReply);
            "Group.CallbackBeforeSendMsg" Before
                GroupBeforeSendMsg(BeforeSendMsg -> BeforeSendMsgReply);
            "Group.CallbackOnDailyGroupQuotaAlarm" Notice
                GroupOnDailyGroupQuotaAlarm(OnDailyGroupQuotaAlarm);
            "Group.CallbackOnMemberStateChange" After GroupOnMemberStateChange(OnMemberStateChange);
            "Group.CallbackSendMsgException" Notice GroupSendMsgException(SendMsgException);
        }
        Bot bot "Bot" {
            "Bot.OnC2CMessage" After BotOnC2cMessage(OnC2cMessage);
            "Bot.OnGroupMessage" After BotOnGroupMessage(OnGroupMessage);
        }
        Chatbot chatbot "Chatbot" {
            "Chatbot.InterfaceInvocation" After
                ChatbotInterfaceInvocation(InterfaceInvocation -> InterfaceInvocationReply);
            "Chatbot.OnC2CSignalMessage" After
                ChatbotOnC2cSignalMessage(OnC2cSignalMessage -> OnC2cSignalMessageReply);
        }
        Desk desk "Desk" {
            "Desk.SessionEventNotify" After DeskSessionEventNotify(SessionEventNotify);
        }
        OfficialAccount official_account "OfficialAccount" {
            "OfficialAccount.CallbackAfterAddSubscriber" After
                OfficialAccountAfterAddSubscriber(AfterAddSubscriber);
            "OfficialAccount.CallbackAfterCreateOfficialAccount" After
                OfficialAccountAfterCreateOfficialAccount(AfterCreateOfficialAccount);
            "OfficialAccount.CallbackAfterDeleteSubscriber" After
                OfficialAccountAfterDeleteSubscriber(AfterDeleteSubscriber);
            "OfficialAccount.CallbackAfterMsgWithDraw" After
                OfficialAccountAfterMsgWithDraw(AfterMsgWithDraw);
            "OfficialAccount.CallbackAfterOfficialAccountDestroyed" After
                OfficialAccountAfterOfficialAccountDestroyed(AfterOfficialAccountDestroyed);
            "OfficialAccount.CallbackAfterOfficialAccountFull" After
                OfficialAccountAfterOfficialAccountFull(AfterOfficialAccountFull);
            "OfficialAccount.CallbackAfterOfficialAccountInfoChanged" After
                OfficialAccountAfterOfficialAccountInfoChanged(AfterOfficialAccountInfoChanged);
            "OfficialAccount.CallbackAfterSendMsg" After OfficialAccountAfterSendMsg(AfterSendMsg);
            "OfficialAccount.CallbackBeforeAddSubscriber" Before
                OfficialAccountBeforeAddSubscriber(BeforeAddSubscriber -> BeforeAddSubscriberReply);
            "OfficialAccount.CallbackBeforeCreateOfficialAccount" Before
                OfficialAccountBeforeCreateOfficialAccount(
                    BeforeCreateOfficialAccount -> BeforeCreateOfficialAccountReply
                );
            "OfficialAccount.CallbackBeforeSendMsg" Before
                OfficialAccountBeforeSendMsg(BeforeSendMsg -> BeforeSendMsgReply);
        }
        Push push "Push" {
            "Push.AllMemberPush" Notice PushAllMemberPush(AllMemberPush);
            "Push.OfflinePush" Notice PushOfflinePush(OfflinePush);
        }
        ContentCallback content_callback "ContentCallback" {
            "ContentCallback.ResultNotify" Notice ContentCallbackResultNotify(ResultNotify);
        }
        Alert alert "Alert" {
            "Alert.RequestOverLimit" Notice AlertRequestOverLimit(RequestOverLimit);
        }
        Live live "Live" {
            "Live.CallbackAfterChangeOwner" After LiveAfterChangeOwner(AfterChangeOwner);
            "Live.CallbackAfterCloudRecordingChanged" After
                LiveAfterCloudRecordingChanged(AfterCloudRecordingChanged);
            "Live.CallbackAfterCreateBattle" After LiveAfterCreateBattle(AfterCreateBattle);
            "Live.CallbackAfterCreateRoom" After LiveAfterCreateRoom(AfterCreateRoom);
            "Live.CallbackAfterCreateRoomReachingThreshold" Notice
                LiveAfterCreateRoomReachingThreshold(AfterCreateRoomReachingThreshold);
            "Live.CallbackAfterDelMetadata" After LiveAfterDelMetadata(AfterDelMetadata);
            "Live.CallbackAfterDestroyRoom" After LiveAfterDestroyRoom(AfterDestroyRoom);
            "Live.CallbackAfterEndBattle" After LiveAfterEndBattle(AfterEndBattle);
            "Live.CallbackAfterMemberStateChanged" After
                LiveAfterMemberStateChanged(AfterMemberStateChanged);
            "Live.CallbackAfterModifyAdmin" After LiveAfterModifyAdmin(AfterModifyAdmin);
            "Live.CallbackAfterSetMetadata" After LiveAfterSetMetadata(AfterSetMetadata);
            "Live.CallbackAfterStartBattle" After LiveAfterStartBattle(AfterStartBattle);
            "Live.CallbackAfterUpdateRoomInfo" After LiveAfterUpdateRoomInfo(AfterUpdateRoomInfo);
            "Live.CallbackBeforeSendGift" Before
                LiveBeforeSendGift(BeforeSendGift -> BeforeSendGiftReply);
        }
        Room room "Room" {
            "Room.CallbackAfterCreateRoom" After RoomAfterCreateRoom(AfterCreateRoom);
            "Room.CallbackAfterDestroyRoom" After RoomAfterDestroyRoom(AfterDestroyRoom);
            "Room.CallbackAfterMemberEnter" After RoomAfterMemberEnter(AfterMemberEnter);
            "Room.CallbackAfterMemberLeave" After RoomAfterMemberLeave(AfterMemberLeave);
            "Room.CallbackAfterUpdateRoomInfo" After RoomAfterUpdateRoomInfo(AfterUpdateRoomInfo);
        }
        Mic mic "Mic" {
            "Mic.CallbackAfterSeatInfoChanged" After MicAfterSeatInfoChanged(AfterSeatInfoChanged);
        }
        Call call "Call" {
            "Call.CallbackAfterEndCall" After CallAfterEndCall(AfterEndCall);
            "Call.CallbackAfterMemberChanged" After CallAfterMemberChanged(AfterMemberChanged);
            "Call.CallbackAfterRecordChanged" After CallAfterRecordChanged(AfterRecordChanged);
            "Call.CallbackAfterStartCall" After CallAfterStartCall(AfterStartCall);
        }
    } };
}

pub(crate) use for_each_command;
