//! The one list of every documented callback.
//!
//! `for_each_command!(consumer)` hands the whole table to the macro `consumer`; the command words,
//! phases, families, event variants, their dispatch, times, keys, order and the documentation page
//! are all generated from it.
//!
//! A row stands inside its family's `Family module "Prefix" { … }` and reads
//!
//! ```text
//! Phase Variant "Wire.Word" "vendor page" => EventType -> ReplyType, time |event| …, id |event, key| …, order scope |event, key| …;
//! ```
//!
//! The reply only where it says more than OK or FAIL. The time only where the event has one. The id
//! only where the event has one that no other event of the command has, so that its body tells a
//! second delivery from another event even without a time. The order only where events of one
//! group, room or account must be handled one after the other.

macro_rules! for_each_command {
    ($consumer:ident) => {
        $consumer! {
            State state "State" {
                After StateChange "State.StateChange" "https://trtc.io/document/34357" => StateChange, time |e| e.event_time
                    , order account |e, key| key.add(&e.info.to_account);
            }
            Profile profile "Profile" {
                After ProfilePortraitSet "Profile.CallbackPortraitSet" "https://trtc.io/document/48733" => PortraitSet, time |e| e.event_time
                    , order account |e, key| key.add(&e.from_account);
            }
            Sns sns "Sns" {
                After SnsBlackListAdd "Sns.CallbackBlackListAdd" "https://trtc.io/document/34361" => BlackListAdd
                    , order account |e, key| key.add(&e.pair_list.first().map(|pair| &pair.from_account));
                After SnsBlackListDelete "Sns.CallbackBlackListDelete" "https://trtc.io/document/34362" => BlackListDelete
                    , time |e| e.pair_list.iter().filter_map(|pair| pair.time_stamp).max()
                    , order account |e, key| key.add(&e.pair_list.first().map(|pair| &pair.from_account));
                After SnsFriendAdd "Sns.CallbackFriendAdd" "https://trtc.io/document/34359" => FriendAdd
                    , order account |e, key| key.add(&e.pair_list.first().map(|pair| &pair.from_account));
                After SnsFriendDelete "Sns.CallbackFriendDelete" "https://trtc.io/document/34360" => FriendDelete
                    , order account |e, key| key.add(&e.pair_list.first().map(|pair| &pair.from_account));
                Before SnsPrevFriendAdd "Sns.CallbackPrevFriendAdd" "https://trtc.io/document/43468" => PrevFriendAdd -> PrevFriendAddReply, time |e| e.event_time;
                Before SnsPrevFriendResponse "Sns.CallbackPrevFriendResponse" "https://trtc.io/document/43467" => PrevFriendResponse -> PrevFriendResponseReply, time |e| e.event_time;
            }
            Follow follow "Follow" {
                After FollowAfterCloudRecordingChanged "Follow.CallbackAfterCloudRecordingChanged" "https://intl.cloud.tencent.com/document/product/647/78428" => AfterCloudRecordingChanged, time |e| e.callback_ts;
                After FollowAfterFollowAdd "Follow.CallbackAfterFollowAdd" "https://trtc.io/document/70355" => AfterFollowAdd, time |e| e.event_time
                    , order account |e, key| key.add(&e.from_account);
                After FollowAfterFollowDelete "Follow.CallbackAfterFollowDelete" "https://trtc.io/document/74357" => AfterFollowDelete, time |e| e.event_time
                    , order account |e, key| key.add(&e.from_account);
            }
            C2c c2c "C2C" {
                After C2cAfterC2cMsgExtension "C2C.CallbackAfterC2CMsgExtension" "https://trtc.io/document/76006" => AfterC2cMsgExtension, time |e| e.event_time
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
                After C2cAfterModifyMsg "C2C.CallbackAfterModifyMsg" "https://cloud.tencent.com/document/product/269/128224" => AfterModifyMsg, time |e| e.event_time
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
                After C2cAfterMsgReadAll "C2C.CallbackAfterMsgReadAll" "https://cloud.tencent.com/document/product/269/128225" => AfterMsgReadAll, time |e| e.event_time
                    , order account |e, key| key.add(&e.report_account);
                After C2cAfterMsgReadReceipt "C2C.CallbackAfterMsgReadReceipt" "https://cloud.tencent.com/document/product/269/128223" => AfterMsgReadReceipt, time |e| e.event_time
                    , order pair |e, key| key.pair(&e.operator_account, &e.peer_account);
                After C2cAfterMsgReport "C2C.CallbackAfterMsgReport" "https://trtc.io/document/43465" => AfterMsgReport, time |e| e.event_time
                    , order pair |e, key| key.pair(&e.report_account, &e.peer_account);
                After C2cAfterMsgWithDraw "C2C.CallbackAfterMsgWithDraw" "https://trtc.io/document/43466" => AfterMsgWithDraw
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_key)
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
                After C2cAfterSendMsg "C2C.CallbackAfterSendMsg" "https://trtc.io/document/34365" => AfterSendMsg
                    , time |e| (e.event_time, e.msg_time)
                    , id |e, key| key.add(&e.msg_key)
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
                Before C2cBeforeSendMsg "C2C.CallbackBeforeSendMsg" "https://trtc.io/document/34364" => BeforeSendMsg -> BeforeSendMsgReply, time |e| (e.event_time, e.msg_time);
            }
            Group group "Group" {
                After GroupAfterChangeGroupOwner "Group.CallbackAfterChangeGroupOwner" "https://trtc.io/document/60396" => AfterChangeGroupOwner, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterCreateGroup "Group.CallbackAfterCreateGroup" "https://trtc.io/document/34369" => AfterCreateGroup, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterCreateTopic "Group.CallbackAfterCreateTopic" "https://trtc.io/document/49464" => AfterCreateTopic
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterGroupAttrChanged "Group.CallbackAfterGroupAttrChanged" "https://trtc.io/document/60394" => AfterGroupAttrChanged, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterGroupDestroyed "Group.CallbackAfterGroupDestroyed" "https://trtc.io/document/34377" => AfterGroupDestroyed, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterGroupFull "Group.CallbackAfterGroupFull" "https://trtc.io/document/34376" => AfterGroupFull, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterGroupInfoChanged "Group.CallbackAfterGroupInfoChanged" "https://trtc.io/document/34378" => AfterGroupInfoChanged, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterGroupMsgExtension "Group.CallbackAfterGroupMsgExtension" "https://trtc.io/document/76007" => AfterGroupMsgExtension, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterMemberExit "Group.CallbackAfterMemberExit" "https://trtc.io/document/34373" => AfterMemberExit, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterMemberFieldChanged "Group.CallbackAfterMemberFieldChanged" "https://trtc.io/document/60393" => AfterMemberFieldChanged, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterModifyMsg "Group.CallbackAfterModifyMsg" "https://cloud.tencent.com/document/product/269/129193" => AfterModifyMsg, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterNewMemberJoin "Group.CallbackAfterNewMemberJoin" "https://trtc.io/document/34372" => AfterNewMemberJoin, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterReadReceipt "Group.CallbackAfterReadReceipt" "https://trtc.io/document/60395" => AfterReadReceipt, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterRecallMsg "Group.CallbackAfterRecallMsg" "https://trtc.io/document/46979" => AfterRecallMsg, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterSendMsg "Group.CallbackAfterSendMsg" "https://trtc.io/document/34375" => AfterSendMsg
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_seq)
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterTopicDestroyed "Group.CallbackAfterTopicDestroyed" "https://trtc.io/document/49465" => AfterTopicDestroyed
                    , order group |e, key| key.add(&e.group_id);
                After GroupAfterTopicInfoChanged "Group.CallbackAfterTopicInfoChanged" "https://trtc.io/document/49466" => AfterTopicInfoChanged
                    , order group |e, key| key.add(&e.group_id);
                Before GroupBeforeApplyJoinGroup "Group.CallbackBeforeApplyJoinGroup" "https://trtc.io/document/34370" => BeforeApplyJoinGroup -> BeforeApplyJoinGroupReply, time |e| e.event_time;
                Before GroupBeforeCreateGroup "Group.CallbackBeforeCreateGroup" "https://trtc.io/document/34368" => BeforeCreateGroup -> BeforeCreateGroupReply, time |e| e.event_time;
                Before GroupBeforeCreateTopic "Group.CallbackBeforeCreateTopic" "https://trtc.io/document/49463" => BeforeCreateTopic -> BeforeCreateTopicReply;
                Before GroupBeforeInviteJoinGroup "Group.CallbackBeforeInviteJoinGroup" "https://trtc.io/document/34371" => BeforeInviteJoinGroup -> BeforeInviteJoinGroupReply, time |e| e.event_time;
                Before GroupBeforeSendMsg "Group.CallbackBeforeSendMsg" "https://cloud.tencent.com/document/product/269/1619" => BeforeSendMsg -> BeforeSendMsgReply, time |e| e.event_time;
                Notice GroupOnDailyGroupQuotaAlarm "Group.CallbackOnDailyGroupQuotaAlarm" "https://trtc.io/document/57455" => OnDailyGroupQuotaAlarm, time |e| e.event_time;
                After GroupOnMemberStateChange "Group.CallbackOnMemberStateChange" "https://trtc.io/document/48734" => OnMemberStateChange, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
                Notice GroupSendMsgException "Group.CallbackSendMsgException" "https://trtc.io/document/49462" => SendMsgException, time |e| e.event_time
                    , order group |e, key| key.add(&e.group_id);
            }
            Bot bot "Bot" {
                After BotOnC2cMessage "Bot.OnC2CMessage" "https://trtc.io/document/68952" => OnC2cMessage
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_key)
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
                After BotOnGroupMessage "Bot.OnGroupMessage" "https://trtc.io/document/68953" => OnGroupMessage
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_seq)
                    , order group |e, key| key.add(&e.group_id);
            }
            Chatbot chatbot "Chatbot" {
                After ChatbotInterfaceInvocation "Chatbot.InterfaceInvocation" "https://cloud.tencent.com/document/product/269/113786" => InterfaceInvocation -> InterfaceInvocationReply
                    , time |e| e.event_time;
                After ChatbotOnC2cSignalMessage "Chatbot.OnC2CSignalMessage" "https://www.tencentcloud.com/document/product/1047/59057" => OnC2cSignalMessage -> OnC2cSignalMessageReply
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_key)
                    , order pair |e, key| key.pair(&e.from_account, &e.to_account);
            }
            Desk desk "Desk" {
                After DeskSessionEventNotify "Desk.SessionEventNotify" "https://cloud.tencent.com/document/product/269/111212" => SessionEventNotify, time |e| e.event_time
                    , order session |e, key| key.add(&e.session_id);
            }
            OfficialAccount official_account "OfficialAccount" {
                After OfficialAccountAfterAddSubscriber "OfficialAccount.CallbackAfterAddSubscriber" "https://trtc.io/document/60800" => AfterAddSubscriber, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterCreateOfficialAccount "OfficialAccount.CallbackAfterCreateOfficialAccount" "https://trtc.io/document/60796" => AfterCreateOfficialAccount, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterDeleteSubscriber "OfficialAccount.CallbackAfterDeleteSubscriber" "https://trtc.io/document/60802" => AfterDeleteSubscriber, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterMsgWithDraw "OfficialAccount.CallbackAfterMsgWithDraw" "https://trtc.io/document/60805" => AfterMsgWithDraw, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterOfficialAccountDestroyed "OfficialAccount.CallbackAfterOfficialAccountDestroyed" "https://trtc.io/document/60798" => AfterOfficialAccountDestroyed, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterOfficialAccountFull "OfficialAccount.CallbackAfterOfficialAccountFull" "https://trtc.io/document/60801" => AfterOfficialAccountFull, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterOfficialAccountInfoChanged "OfficialAccount.CallbackAfterOfficialAccountInfoChanged" "https://trtc.io/document/60797" => AfterOfficialAccountInfoChanged, time |e| e.event_time
                    , order official_account |e, key| key.add(&e.official_account);
                After OfficialAccountAfterSendMsg "OfficialAccount.CallbackAfterSendMsg" "https://trtc.io/document/60804" => AfterSendMsg
                    , time |e| e.event_time
                    , id |e, key| key.add(&e.msg_key)
                    , order official_account |e, key| key.add(&e.official_account);
                Before OfficialAccountBeforeAddSubscriber "OfficialAccount.CallbackBeforeAddSubscriber" "https://trtc.io/document/60799" => BeforeAddSubscriber -> BeforeAddSubscriberReply, time |e| e.event_time;
                Before OfficialAccountBeforeCreateOfficialAccount "OfficialAccount.CallbackBeforeCreateOfficialAccount" "https://trtc.io/document/60795" => BeforeCreateOfficialAccount -> BeforeCreateOfficialAccountReply, time |e| e.event_time;
                Before OfficialAccountBeforeSendMsg "OfficialAccount.CallbackBeforeSendMsg" "https://trtc.io/document/60803" => BeforeSendMsg -> BeforeSendMsgReply, time |e| e.event_time;
            }
            Push push "Push" {
                Notice PushAllMemberPush "Push.AllMemberPush" "https://trtc.io/document/67551" => AllMemberPush
                    , time |e| e.events.iter().filter_map(|item| item.typed()?.event_time).max();
                Notice PushOfflinePush "Push.OfflinePush" "https://trtc.io/document/67552" => OfflinePush
                    , time |e| e.events.iter().filter_map(|item| item.typed()?.event_time).max();
            }
            ContentCallback content_callback "ContentCallback" {
                Notice ContentCallbackResultNotify "ContentCallback.ResultNotify" "https://trtc.io/document/78240" => ResultNotify
                    , id |e, key| key.add(&e.ctxcb_request_id);
            }
            Alert alert "Alert" {
                Notice AlertRequestOverLimit "Alert.RequestOverLimit" "https://trtc.io/document/60256" => RequestOverLimit;
            }
            Live live "Live" {
                After LiveAfterChangeOwner "Live.CallbackAfterChangeOwner" "https://trtc.io/document/72553" => AfterChangeOwner, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterCloudRecordingChanged "Live.CallbackAfterCloudRecordingChanged" "https://cloud.tencent.com/document/product/269/129603" => AfterCloudRecordingChanged, time |e| e.callback_ts;
                After LiveAfterCreateBattle "Live.CallbackAfterCreateBattle" "https://trtc.io/document/68259" => AfterCreateBattle, time |e| e.event_time
                    , order room |e, key| key.add(&e.from_room_id);
                After LiveAfterCreateRoom "Live.CallbackAfterCreateRoom" "https://trtc.io/document/64422" => AfterCreateRoom
                    , time |e| (e.event_time, e.room_info.event_time, e.room_info.create_time)
                    , order room |e, key| key.add(&e.room_info.room_id);
                Notice LiveAfterCreateRoomReachingThreshold "Live.CallbackAfterCreateRoomReachingThreshold" "https://trtc.io/document/70485" => AfterCreateRoomReachingThreshold, time |e| e.event_time;
                After LiveAfterDelMetadata "Live.CallbackAfterDelMetadata" "https://trtc.io/document/68223" => AfterDelMetadata, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterDestroyRoom "Live.CallbackAfterDestroyRoom" "https://trtc.io/document/64423" => AfterDestroyRoom, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterEndBattle "Live.CallbackAfterEndBattle" "https://trtc.io/document/68261" => AfterEndBattle, time |e| e.event_time
                    , order room |e, key| key.add(&e.from_room_info.room_id);
                After LiveAfterMemberStateChanged "Live.CallbackAfterMemberStateChanged" "https://trtc.io/document/64424" => AfterMemberStateChanged, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterModifyAdmin "Live.CallbackAfterModifyAdmin" "https://trtc.io/document/72554" => AfterModifyAdmin, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterSetMetadata "Live.CallbackAfterSetMetadata" "https://trtc.io/document/68222" => AfterSetMetadata, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After LiveAfterStartBattle "Live.CallbackAfterStartBattle" "https://trtc.io/document/68260" => AfterStartBattle, time |e| e.event_time
                    , order room |e, key| key.add(&e.from_room_info.room_id);
                After LiveAfterUpdateRoomInfo "Live.CallbackAfterUpdateRoomInfo" "https://trtc.io/document/67938" => AfterUpdateRoomInfo, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_info.room_id);
                Before LiveBeforeSendGift "Live.CallbackBeforeSendGift" "https://trtc.io/document/72210" => BeforeSendGift -> BeforeSendGiftReply, time |e| e.gift_water.time;
            }
            Room room "Room" {
                After RoomAfterCreateRoom "Room.CallbackAfterCreateRoom" "https://trtc.io/document/60733" => AfterCreateRoom, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_info.room_id);
                After RoomAfterDestroyRoom "Room.CallbackAfterDestroyRoom" "https://trtc.io/document/60732" => AfterDestroyRoom, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After RoomAfterMemberEnter "Room.CallbackAfterMemberEnter" "https://trtc.io/document/60735" => AfterMemberEnter, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After RoomAfterMemberLeave "Room.CallbackAfterMemberLeave" "https://trtc.io/document/60734" => AfterMemberLeave, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
                After RoomAfterUpdateRoomInfo "Room.CallbackAfterUpdateRoomInfo" "https://trtc.io/document/60731" => AfterUpdateRoomInfo, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_info.room_id);
            }
            Mic mic "Mic" {
                After MicAfterSeatInfoChanged "Mic.CallbackAfterSeatInfoChanged" "https://trtc.io/document/64425" => AfterSeatInfoChanged, time |e| e.event_time
                    , order room |e, key| key.add(&e.room_id);
            }
            Call call "Call" {
                After CallAfterEndCall "Call.CallbackAfterEndCall" "https://trtc.io/document/68940" => AfterEndCall, time |e| e.event_time
                    , order call |e, key| key.add(&e.call_record.call_id);
                After CallAfterMemberChanged "Call.CallbackAfterMemberChanged" "https://trtc.io/document/69215" => AfterMemberChanged, time |e| e.event_time
                    , order call |e, key| key.add(&e.call_id);
                After CallAfterRecordChanged "Call.CallbackAfterRecordChanged" "https://trtc.io/document/80345" => AfterRecordChanged
                    , time |e| (e.callback.callback_ts, e.event_time)
                    , order call |e, key| key.add(&e.call_id);
                After CallAfterStartCall "Call.CallbackAfterStartCall" "https://trtc.io/document/68941" => AfterStartCall, time |e| e.event_time
                    , order call |e, key| key.add(&e.call_info.call_id);
            }
        }
    };
}

pub(crate) use for_each_command;

/// The table is also the page `commands` of the documentation. This tests that the macros get every
/// row.
#[cfg(test)]
mod tests {
    use crate::command::Command;

    macro_rules! count_rows {
        ($( $family:ident $module:ident $prefix:literal {
            $(
                $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
                $(, time $time:expr)? $(, id $id:expr)? $(, order $scope:ident $order:expr)?;
            )*
        } )*) => {
            const ROWS: &[(&str, &str, Option<&str>)] = &[$( $(
                (concat!(stringify!($module), "::", stringify!($event)), $word, reply_name!($($reply)?)),
            )* )*];
        };
    }

    macro_rules! reply_name {
        () => {
            None
        };
        ($reply:ident) => {
            Some(stringify!($reply))
        };
    }

    for_each_command!(count_rows);

    #[test]
    fn types_and_replies_are_named_after_the_command() {
        assert_eq!(ROWS.len(), Command::ALL.len());
        for ((event, word, reply), command) in ROWS.iter().zip(Command::ALL) {
            assert_eq!(command.as_str(), *word);
            let (module, name) = event.split_once("::").unwrap();
            let (family, rest) = word.split_once('.').unwrap();
            assert_eq!(module.replace('_', ""), family.to_lowercase());
            assert_eq!(name, rest.strip_prefix("Callback").unwrap_or(rest).replace("C2C", "C2c"));
            if let Some(reply) = reply {
                assert_eq!(*reply, format!("{name}Reply"));
            }
        }
    }
}
