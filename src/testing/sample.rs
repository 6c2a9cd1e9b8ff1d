use crate::command::Command;
use crate::types::SdkAppId;

/// A body that the vendor's pages show for a command. `None` for a command that this version does
/// not know.
///
/// Some commands have further bodies: [`other_samples`].
pub fn sample(command: &Command) -> Option<&'static str> {
    command.sample()
}

macro_rules! define_other_samples {
    ($( $word:literal: $( $number:literal )+; )*) => {
        /// Other bodies that the vendor's pages show for a command: of other cases, and from older
        /// pages. Most commands have none.
        ///
        /// An endpoint must accept these as well as [`sample`].
        ///
        /// ```
        /// use tencent_im_callback::testing::other_samples;
        /// use tencent_im_callback::Command;
        ///
        /// for body in other_samples(&Command::StateChange) {
        ///     assert!(body.contains("State.StateChange"));
        /// }
        /// ```
        pub fn other_samples(command: &Command) -> &'static [&'static str] {
            match command.as_str() {
                $( $word => &[
                    $( include_str!(concat!("payloads/", $word, ".other-", $number, ".json")), )+
                ], )*
                _ => &[],
            }
        }
    };
}

define_other_samples! {
    "Bot.OnC2CMessage": 1;
    "C2C.CallbackAfterC2CMsgExtension": 1;
    "C2C.CallbackAfterMsgReport": 1;
    "C2C.CallbackAfterSendMsg": 1 2 3;
    "C2C.CallbackBeforeSendMsg": 1 2 3 4 5;
    "Desk.SessionEventNotify": 1;
    "Group.CallbackAfterCreateGroup": 1 2;
    "Group.CallbackAfterGroupDestroyed": 1 2;
    "Group.CallbackAfterGroupFull": 1 2;
    "Group.CallbackAfterGroupInfoChanged": 1 2 3;
    "Group.CallbackAfterGroupMsgExtension": 1;
    "Group.CallbackAfterMemberExit": 1 2;
    "Group.CallbackAfterMemberFieldChanged": 1;
    "Group.CallbackAfterNewMemberJoin": 1 2;
    "Group.CallbackAfterRecallMsg": 1 2 3;
    "Group.CallbackAfterSendMsg": 1 2 3 4 5 6 7 8;
    "Group.CallbackBeforeApplyJoinGroup": 1 2 3;
    "Group.CallbackBeforeCreateGroup": 1 2 3 4;
    "Group.CallbackBeforeInviteJoinGroup": 1 2;
    "Group.CallbackBeforeSendMsg": 1 2 3 4 5 6;
    "Group.CallbackOnMemberStateChange": 1 2;
    "Group.CallbackSendMsgException": 1 2;
    "Live.CallbackAfterCreateRoom": 1 2;
    "Live.CallbackAfterDestroyRoom": 1 2;
    "Mic.CallbackAfterSeatInfoChanged": 1;
    "Sns.CallbackBlackListDelete": 1;
    "State.StateChange": 1;
}

/// The app that a body names, which only `ContentCallback.ResultNotify` does.
pub(super) fn app_of(json: &[u8]) -> Option<SdkAppId> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "SdkAppId")]
        sdk_app_id: Option<SdkAppId>,
    }

    serde_json::from_slice::<Body>(json).ok()?.sdk_app_id
}

/// Like [`sample`], for this app.
pub(super) fn sample_for(command: &Command, app: SdkAppId) -> Option<String> {
    let sample = sample(command)?;
    Some(match app_of(sample.as_bytes()) {
        Some(other) => sample.replace(&other.to_string(), &app.to_string()),
        None => sample.to_owned(),
    })
}
