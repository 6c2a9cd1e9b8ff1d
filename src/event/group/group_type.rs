//! The type of a group. Nearly every event of a group has it.

use crate::json::wire_text;

wire_text! {
    /// Type of a group; more may be added.
    ///
    /// The vendor has renamed two types: `Private` to `Work`, `ChatRoom` to `Meeting`. It does not
    /// document under which name such a group arrives, so expect both; recorded callbacks have
    /// `ChatRoom`.
    GroupType {
        /// A public group.
        Public = "Public";
        /// The old name of `Work`.
        Private = "Private";
        /// A group for work.
        Work = "Work";
        /// The old name of `Meeting`.
        ChatRoom = "ChatRoom";
        /// A meeting group.
        Meeting = "Meeting";
        /// A group for the audience of a broadcast.
        AvChatRoom = "AVChatRoom";
        /// A community, which may have topics.
        Community = "Community";
        /// A live room (`Live.…`), whose messages arrive as those of a group.
        Live = "Live";
    }
}
