//! The one list of every documented callback.
//!
//! `for_each_command!(consumer)` hands the whole table to the macro `consumer`; the command words, phases, families, event
//! variants and their dispatch are all generated from it. A row is
//! `Phase Variant "Wire.Word" => EventType -> ReplyType;` (the reply only where it says more than OK) inside its family's `Family module "Prefix" { … }`.

macro_rules! for_each_command {
    ($consumer:ident) => {
        $consumer! {
            State state "State" {
                After StateChange "State.StateChange";
            }
            Profile profile "Profile" {
                After ProfilePortraitSet "Profile.CallbackPortraitSet";
            }
            Sns sns "Sns" {
                After SnsBlackListAdd "Sns.CallbackBlackListAdd" => BlackListAdd;
                After SnsBlackListDelete "Sns.CallbackBlackListDelete" => BlackListDelete;
                After SnsFriendAdd "Sns.CallbackFriendAdd" => FriendAdd;
                After SnsFriendDelete "Sns.CallbackFriendDelete" => FriendDelete;
                Before SnsPrevFriendAdd "Sns.CallbackPrevFriendAdd" => PrevFriendAdd -> PrevFriendAddReply;
                Before SnsPrevFriendResponse "Sns.CallbackPrevFriendResponse" => PrevFriendResponse -> PrevFriendResponseReply;
            }
            Follow follow "Follow" {
                After FollowAfterCloudRecordingChanged "Follow.CallbackAfterCloudRecordingChanged";
                After FollowAfterFollowAdd "Follow.CallbackAfterFollowAdd";
                After FollowAfterFollowDelete "Follow.CallbackAfterFollowDelete";
            }
            C2c c2c "C2C" {
                After C2cAfterC2cMsgExtension "C2C.CallbackAfterC2CMsgExtension";
                After C2cAfterModifyMsg "C2C.CallbackAfterModifyMsg";
                After C2cAfterMsgReadAll "C2C.CallbackAfterMsgReadAll";
                After C2cAfterMsgReadReceipt "C2C.CallbackAfterMsgReadReceipt";
                After C2cAfterMsgReport "C2C.CallbackAfterMsgReport";
                After C2cAfterMsgWithDraw "C2C.CallbackAfterMsgWithDraw";
                After C2cAfterSendMsg "C2C.CallbackAfterSendMsg";
                Before C2cBeforeSendMsg "C2C.CallbackBeforeSendMsg";
            }
            Group group "Group" {
                After GroupAfterChangeGroupOwner "Group.CallbackAfterChangeGroupOwner";
                After GroupAfterCreateGroup "Group.CallbackAfterCreateGroup";
                After GroupAfterCreateTopic "Group.CallbackAfterCreateTopic";
                After GroupAfterGroupAttrChanged "Group.CallbackAfterGroupAttrChanged";
                After GroupAfterGroupDestroyed "Group.CallbackAfterGroupDestroyed";
                After GroupAfterGroupFull "Group.CallbackAfterGroupFull";
                After GroupAfterGroupInfoChanged "Group.CallbackAfterGroupInfoChanged";
                After GroupAfterGroupMsgExtension "Group.CallbackAfterGroupMsgExtension";
                After GroupAfterMemberExit "Group.CallbackAfterMemberExit";
                After GroupAfterMemberFieldChanged "Group.CallbackAfterMemberFieldChanged";
                After GroupAfterModifyMsg "Group.CallbackAfterModifyMsg";
                After GroupAfterNewMemberJoin "Group.CallbackAfterNewMemberJoin";
                After GroupAfterReadReceipt "Group.CallbackAfterReadReceipt";
                After GroupAfterRecallMsg "Group.CallbackAfterRecallMsg";
                After GroupAfterSendMsg "Group.CallbackAfterSendMsg";
                After GroupAfterTopicDestroyed "Group.CallbackAfterTopicDestroyed";
                After GroupAfterTopicInfoChanged "Group.CallbackAfterTopicInfoChanged";
                Before GroupBeforeApplyJoinGroup "Group.CallbackBeforeApplyJoinGroup";
                Before GroupBeforeCreateGroup "Group.CallbackBeforeCreateGroup";
                Before GroupBeforeCreateTopic "Group.CallbackBeforeCreateTopic";
                Before GroupBeforeInviteJoinGroup "Group.CallbackBeforeInviteJoinGroup";
                Before GroupBeforeSendMsg "Group.CallbackBeforeSendMsg";
                Notice GroupOnDailyGroupQuotaAlarm "Group.CallbackOnDailyGroupQuotaAlarm";
                After GroupOnMemberStateChange "Group.CallbackOnMemberStateChange";
                Notice GroupSendMsgException "Group.CallbackSendMsgException";
            }
            Bot bot "Bot" {
                After BotOnC2cMessage "Bot.OnC2CMessage";
                After BotOnGroupMessage "Bot.OnGroupMessage";
            }
            Chatbot chatbot "Chatbot" {
                After ChatbotOnC2cSignalMessage "Chatbot.OnC2CSignalMessage";
            }
            OfficialAccount official_account "OfficialAccount" {
                After OfficialAccountAfterAddSubscriber "OfficialAccount.CallbackAfterAddSubscriber";
                After OfficialAccountAfterCreateOfficialAccount "OfficialAccount.CallbackAfterCreateOfficialAccount";
                After OfficialAccountAfterDeleteSubscriber "OfficialAccount.CallbackAfterDeleteSubscriber";
                After OfficialAccountAfterMsgWithDraw "OfficialAccount.CallbackAfterMsgWithDraw";
                After OfficialAccountAfterOfficialAccountDestroyed "OfficialAccount.CallbackAfterOfficialAccountDestroyed";
                After OfficialAccountAfterOfficialAccountFull "OfficialAccount.CallbackAfterOfficialAccountFull";
                After OfficialAccountAfterOfficialAccountInfoChanged "OfficialAccount.CallbackAfterOfficialAccountInfoChanged";
                After OfficialAccountAfterSendMsg "OfficialAccount.CallbackAfterSendMsg";
                Before OfficialAccountBeforeAddSubscriber "OfficialAccount.CallbackBeforeAddSubscriber";
                Before OfficialAccountBeforeCreateOfficialAccount "OfficialAccount.CallbackBeforeCreateOfficialAccount";
                Before OfficialAccountBeforeSendMsg "OfficialAccount.CallbackBeforeSendMsg";
            }
            Push push "Push" {
                Notice PushAllMemberPush "Push.AllMemberPush";
                Notice PushOfflinePush "Push.OfflinePush";
            }
            ContentCallback content_callback "ContentCallback" {
                Notice ContentCallbackResultNotify "ContentCallback.ResultNotify";
            }
            Alert alert "Alert" {
                Notice AlertRequestOverLimit "Alert.RequestOverLimit";
            }
            Live live "Live" {
                After LiveAfterChangeOwner "Live.CallbackAfterChangeOwner";
                After LiveAfterCloudRecordingChanged "Live.CallbackAfterCloudRecordingChanged";
                After LiveAfterCreateBattle "Live.CallbackAfterCreateBattle";
                After LiveAfterCreateRoom "Live.CallbackAfterCreateRoom";
                Notice LiveAfterCreateRoomReachingThreshold "Live.CallbackAfterCreateRoomReachingThreshold";
                After LiveAfterDelMetadata "Live.CallbackAfterDelMetadata";
                After LiveAfterDestroyRoom "Live.CallbackAfterDestroyRoom";
                After LiveAfterEndBattle "Live.CallbackAfterEndBattle";
                After LiveAfterMemberStateChanged "Live.CallbackAfterMemberStateChanged";
                After LiveAfterModifyAdmin "Live.CallbackAfterModifyAdmin";
                After LiveAfterSetMetadata "Live.CallbackAfterSetMetadata";
                After LiveAfterStartBattle "Live.CallbackAfterStartBattle";
                After LiveAfterUpdateRoomInfo "Live.CallbackAfterUpdateRoomInfo";
                Before LiveBeforeSendGift "Live.CallbackBeforeSendGift";
            }
            Room room "Room" {
                After RoomAfterCreateRoom "Room.CallbackAfterCreateRoom";
                After RoomAfterDestroyRoom "Room.CallbackAfterDestroyRoom";
                After RoomAfterMemberEnter "Room.CallbackAfterMemberEnter";
                After RoomAfterMemberLeave "Room.CallbackAfterMemberLeave";
                After RoomAfterUpdateRoomInfo "Room.CallbackAfterUpdateRoomInfo";
            }
            Mic mic "Mic" {
                After MicAfterSeatInfoChanged "Mic.CallbackAfterSeatInfoChanged";
            }
            Call call "Call" {
                After CallAfterEndCall "Call.CallbackAfterEndCall";
                After CallAfterMemberChanged "Call.CallbackAfterMemberChanged";
                After CallAfterRecordChanged "Call.CallbackAfterRecordChanged";
                After CallAfterStartCall "Call.CallbackAfterStartCall";
            }
        }
    };
}

pub(crate) use for_each_command;
