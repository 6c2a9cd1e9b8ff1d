//! The type of a group, which nearly every event of a group names.

use crate::json::wire_text;

wire_text! {
    /// Type of a group. An open set.
    GroupType {
        /// Public.
        Public = "Public";
        /// Private, today `Work`.
        Private = "Private";
        /// For work.
        Work = "Work";
        /// Chat room, today `Meeting`.
        ChatRoom = "ChatRoom";
        /// Meeting.
        Meeting = "Meeting";
        /// Live group.
        AvChatRoom = "AVChatRoom";
        /// Community.
        Community = "Community";
        /// Live room.
        Live = "Live";
    }
}
