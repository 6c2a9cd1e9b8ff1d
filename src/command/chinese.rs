//! What the vendor calls each callback in Chinese, and its page there.
//!
//! The names are those of the lists 269/1523, 269/1631, 269/1654 and 269/102314, the list of Live
//! (269/117536), of Room (60720) and of Call (269/129102), else the title of the callback's page.
//! Of `Chatbot.OnC2CSignalMessage` no title was found: the name is taken from the page's text.
//! Where no page of the mainland site is known, it is the Chinese one of trtc.io.

use super::Command;

macro_rules! page {
    (cloud $product:literal $page:literal) => {
        concat!("https://cloud.tencent.com/document/product/", $product, "/", $page)
    };
    (trtc $page:literal) => {
        concat!("https://trtc.io/zh/document/", $page)
    };
}

macro_rules! chinese {
    ($( $variant:ident $name:literal $site:ident $first:literal $(/ $second:literal)?; )*) => {
        impl Command {
            /// The name of the callback on the vendor's pages in Chinese and in the console:
            /// 删除好友之后回调. `None` for a command that this version does not know.
            pub const fn name_zh(&self) -> Option<&'static str> {
                match self {
                    $( Command::$variant => Some($name), )*
                    Command::Unknown(_) => None,
                }
            }

            /// The vendor's page in Chinese. `None` for a command that this version does not know.
            pub const fn docs_zh(&self) -> Option<&'static str> {
                match self {
                    $( Command::$variant => Some(page!($site $first $($second)?)), )*
                    Command::Unknown(_) => None,
                }
            }
        }
    };
}

chinese! {
    StateChange "状态变更回调" cloud 269 / 2570;
    ProfilePortraitSet "更新资料之后回调" cloud 269 / 76489;
    SnsBlackListAdd "添加黑名单之后回调" trtc 34361;
    SnsBlackListDelete "删除黑名单之后回调" trtc 34362;
    SnsFriendAdd "添加好友之后回调" cloud 269 / 1657;
    SnsFriendDelete "删除好友之后回调" cloud 269 / 1659;
    SnsPrevFriendAdd "添加好友之前回调" trtc 43468;
    SnsPrevFriendResponse "添加好友回应之前回调" trtc 43467;
    FollowAfterCloudRecordingChanged "录制状态变更之后回调" trtc 78428;
    FollowAfterFollowAdd "关注之后回调" cloud 269 / 118915;
    FollowAfterFollowDelete "取关之后回调" trtc 74357;
    C2cAfterC2cMsgExtension "设置单聊消息扩展回调" cloud 269 / 126475;
    C2cAfterModifyMsg "单聊消息编辑之后回调" cloud 269 / 128224;
    C2cAfterMsgReadAll "清除全部未读消息之后回调（含单/群聊）" cloud 269 / 128225;
    C2cAfterMsgReadReceipt "单聊单条消息已读回执之后回调" cloud 269 / 128223;
    C2cAfterMsgReport "单聊消息已读上报后回调" cloud 269 / 61696;
    C2cAfterMsgWithDraw "单聊消息撤回后回调" cloud 269 / 61697;
    C2cAfterSendMsg "发单聊消息之后回调" cloud 269 / 2716;
    C2cBeforeSendMsg "发单聊消息之前回调" cloud 269 / 1632;
    GroupAfterChangeGroupOwner "转让群主后回调" cloud 269 / 105356;
    GroupAfterCreateGroup "创建群组之后回调" cloud 269 / 1663;
    GroupAfterCreateTopic "创建话题之后回调" cloud 269 / 78207;
    GroupAfterGroupAttrChanged "群自定义属性变更后回调" cloud 269 / 105354;
    GroupAfterGroupDestroyed "群组解散之后回调" cloud 269 / 1670;
    GroupAfterGroupFull "群组满员之后回调" cloud 269 / 1669;
    GroupAfterGroupInfoChanged "群组资料变动之后回调" cloud 269 / 2930;
    GroupAfterGroupMsgExtension "设置群消息扩展回调" cloud 269 / 126476;
    GroupAfterMemberExit "群成员离开之后回调" cloud 269 / 1668;
    GroupAfterMemberFieldChanged "群成员资料变更后回调" cloud 269 / 105353;
    GroupAfterModifyMsg "群内消息编辑后回调" cloud 269 / 129193;
    GroupAfterNewMemberJoin "新成员入群之后回调" cloud 269 / 1667;
    GroupAfterReadReceipt "已读回执后回调" cloud 269 / 105355;
    GroupAfterRecallMsg "撤回群消息之后回调" cloud 269 / 73141;
    GroupAfterSendMsg "群内发言之后回调" cloud 269 / 2661;
    GroupAfterTopicDestroyed "解散话题之后回调" cloud 269 / 78208;
    GroupAfterTopicInfoChanged "话题资料修改之后回调" cloud 269 / 78209;
    GroupBeforeApplyJoinGroup "申请入群之前回调" cloud 269 / 1665;
    GroupBeforeCreateGroup "创建群组之前回调" cloud 269 / 1662;
    GroupBeforeCreateTopic "创建话题之前回调" cloud 269 / 78206;
    GroupBeforeInviteJoinGroup "拉人入群之前回调" cloud 269 / 1666;
    GroupBeforeSendMsg "群内发言之前回调" cloud 269 / 1619;
    GroupOnDailyGroupQuotaAlarm "群组日净增上限阈值告警回调" cloud 269 / 90841;
    GroupOnMemberStateChange "直播群成员在线状态回调" cloud 269 / 76156;
    GroupSendMsgException "发送群聊消息异常回调" cloud 269 / 78619;
    BotOnC2cMessage "单聊机器人消息回调" cloud 269 / 90407;
    BotOnGroupMessage "群内@机器人之后回调" cloud 269 / 89994;
    ChatbotInterfaceInvocation "接口调用" cloud 269 / 113786;
    ChatbotOnC2cSignalMessage "智能机器人自定义消息回调" cloud 269 / 103730;
    DeskSessionEventNotify "会话事件回调" cloud 269 / 111212;
    OfficialAccountAfterAddSubscriber "订阅公众号之后回调" cloud 269 / 102320;
    OfficialAccountAfterCreateOfficialAccount "创建公众号之后回调" trtc 60796;
    OfficialAccountAfterDeleteSubscriber "删除订阅者之后回调" trtc 60802;
    OfficialAccountAfterMsgWithDraw "撤回公众号消息之后回调" trtc 60805;
    OfficialAccountAfterOfficialAccountDestroyed "销毁公众号之后回调" trtc 60798;
    OfficialAccountAfterOfficialAccountFull "公众号可订阅的人数已满之后回调" trtc 60801;
    OfficialAccountAfterOfficialAccountInfoChanged "公众号资料变动之后回调" trtc 60797;
    OfficialAccountAfterSendMsg "发公众号消息之后回调" cloud 269 / 102324;
    OfficialAccountBeforeAddSubscriber "订阅公众号之前回调" cloud 269 / 102319;
    OfficialAccountBeforeCreateOfficialAccount "创建公众号之前回调" trtc 60795;
    OfficialAccountBeforeSendMsg "发公众号消息之前回调" trtc 60803;
    PushAllMemberPush "全员/标签/单推回调" cloud 269 / 102568;
    PushOfflinePush "其他推送回调" cloud 269 / 102567;
    ContentCallbackResultNotify "云端审核结果回调" cloud 269 / 95616;
    AlertRequestOverLimit "接口超频告警回调" cloud 269 / 105418;
    LiveAfterChangeOwner "修改房主之后回调" trtc 72553;
    LiveAfterCloudRecordingChanged "录制状态变更之后回调" cloud 269 / 129603;
    LiveAfterCreateBattle "创建 PK 之后回调" trtc 68259;
    LiveAfterCreateRoom "创建房间之后回调" cloud 647 / 110523;
    LiveAfterCreateRoomReachingThreshold "创建房间达到70%预警回调" trtc 70485;
    LiveAfterDelMetadata "删除房间自定义信息之后回调" trtc 68223;
    LiveAfterDestroyRoom "解散房间之后回调" cloud 269 / 117712;
    LiveAfterEndBattle "PK 结束之后回调" cloud 269 / 117555;
    LiveAfterMemberStateChanged "房间成员状态变更回调" cloud 269 / 125793;
    LiveAfterModifyAdmin "修改管理员之后回调" trtc 72554;
    LiveAfterSetMetadata "设置房间自定义信息之后回调" trtc 68222;
    LiveAfterStartBattle "PK 开启之后回调" trtc 68260;
    LiveAfterUpdateRoomInfo "更新房间信息之后回调" cloud 269 / 117545;
    LiveBeforeSendGift "发送礼物之前回调" cloud 647 / 121916;
    RoomAfterCreateRoom "创建房间之后回调" trtc 60733;
    RoomAfterDestroyRoom "解散房间之后回调" cloud 1690 / 102903;
    RoomAfterMemberEnter "用户进房之后回调" cloud 647 / 104477;
    RoomAfterMemberLeave "用户退房之后回调" cloud 269 / 105413;
    RoomAfterUpdateRoomInfo "更新房间信息之后回调" trtc 60731;
    MicAfterSeatInfoChanged "麦位列表变更之后回调" cloud 647 / 110684;
    CallAfterEndCall "通话结束后回调" trtc 68940;
    CallAfterMemberChanged "通话成员状态变更后回调" cloud 647 / 117872;
    CallAfterRecordChanged "录制状态变更之后回调" cloud 647 / 131580;
    CallAfterStartCall "开始通话后回调" cloud 647 / 116423;
}
