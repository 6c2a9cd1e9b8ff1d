//! Which members of a body are no words of people. Everything that is not listed here is shown to
//! the judge.

/// How a member is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// An id, an address or a format. Users never see it.
    Hidden,
    /// A number that clients need. Users do not see it; a string in its place is shown.
    Number,
    /// A text.
    Text(Part),
    /// An object whose members have rules of their own, or a list of such objects.
    Members(Table),
    /// The elements of a message.
    Elements,
}

/// What a text is, which decides how it is joined, and whether it can be replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// It stands in the line of the message, beside the text of the next element.
    Inline,
    /// It may stand in the line of the message: the app decides, or a newer client.
    Data,
    /// In a member that this version does not know, of an element that it does: a newer client may
    /// show it in the line of the message, an older one shows the rest.
    Beside,
    /// It stands by itself: a title, the name of a file.
    Block,
    /// Custom data of a whole message.
    Custom,
    /// Outside of a message: the name of a group.
    Member,
    /// A key, or the kind of an element, that this version does not know.
    Key,
    /// A number, or several with only commas between them.
    Number,
}

/// The objects whose members are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Table {
    Body,
    Person,
    Text,
    Location,
    Face,
    Custom,
    Sound,
    File,
    Image,
    ImageInfo,
    Video,
    Stream,
    Chunk,
    Relay,
    Message,
}

use Part::{Block, Data, Inline, Member};
use Rule::{Elements, Hidden, Members, Number, Text};

impl Table {
    /// The content of an element of this kind.
    pub(super) fn of_kind(msg_type: &str) -> Option<Self> {
        Some(match msg_type {
            "TIMTextElem" => Table::Text,
            "TIMLocationElem" => Table::Location,
            "TIMFaceElem" => Table::Face,
            "TIMCustomElem" => Table::Custom,
            "TIMSoundElem" => Table::Sound,
            "TIMFileElem" => Table::File,
            "TIMImageElem" => Table::Image,
            "TIMVideoFileElem" => Table::Video,
            "TIMStreamElem" => Table::Stream,
            "TIMRelayElem" => Table::Relay,
            _ => return None,
        })
    }

    /// Whether an element of this kind stands between the texts before and after it, as a picture
    /// does.
    pub(super) fn is_picture(self) -> bool {
        matches!(
            self,
            Table::Location
                | Table::Sound
                | Table::File
                | Table::Image
                | Table::Video
                | Table::Relay
        )
    }

    pub(super) fn rule(self, key: &str) -> Option<Rule> {
        match self {
            Table::Body => body(key),
            Table::Person => person(key),
            Table::Video => video(key),
            Table::Message => message(key),
            _ => self.content(key),
        }
    }

    #[allow(clippy::match_same_arms)] // one kind after the other
    fn content(self, key: &str) -> Option<Rule> {
        Some(match (self, key) {
            (Table::Text, "Text") => Text(Inline),
            (Table::Location, "Desc") => Text(Block),
            (Table::Location, "Latitude" | "Longitude") => Number,
            (Table::Face, "Data") => Text(Inline),
            (Table::Face, "Index") => Number,
            (Table::Custom, "Data" | "Desc" | "Ext") => Text(Data),
            (Table::Custom, "Sound") => Hidden,
            (Table::Sound, "Url" | "UUID") => Hidden,
            (Table::Sound, "Size" | "Second" | "Download_Flag") => Number,
            (Table::File, "Url" | "UUID") => Hidden,
            (Table::File, "FileName") => Text(Block),
            (Table::File, "FileSize" | "Download_Flag") => Number,
            (Table::Image, "UUID") => Hidden,
            (Table::Image, "ImageFormat") => Number,
            (Table::Image, "ImageInfoArray") => Members(Table::ImageInfo),
            (Table::ImageInfo, "URL") => Hidden,
            (Table::ImageInfo, "Type" | "Size" | "Width" | "Height") => Number,
            (Table::Stream, "Chunks") => Members(Table::Chunk),
            (Table::Stream, "CompatibleText") => Text(Block),
            (Table::Stream, "StreamMsgID") => Hidden,
            (Table::Chunk, "Markdown") => Text(Inline),
            (Table::Chunk, "EventType") => Hidden,
            (Table::Chunk, "Index" | "IsLast") => Number,
            (Table::Relay, "Title" | "AbstractList" | "CompatibleText") => Text(Block),
            (Table::Relay, "MsgNum") => Number,
            (Table::Relay, "MsgList") => Members(Table::Message),
            (Table::Relay, "JsonMsgKey") => Hidden,
            _ => return None,
        })
    }
}

fn video(key: &str) -> Option<Rule> {
    Some(match key {
        "VideoUrl" | "VideoUUID" | "VideoFormat" | "ThumbUrl" | "ThumbUUID" | "ThumbFormat" => {
            Hidden
        }
        "VideoSize" | "VideoSecond" | "VideoDownloadFlag" | "ThumbSize" | "ThumbWidth"
        | "ThumbHeight" | "ThumbDownloadFlag" => Number,
        _ => return None,
    })
}

/// A message in a bundle.
fn message(key: &str) -> Option<Rule> {
    Some(match key {
        "From_Account" | "To_Account" | "GroupId" | "MsgId" => Hidden,
        "MsgSeq" | "MsgRandom" | "MsgTimeStamp" => Number,
        "MsgBody" => Elements,
        "CloudCustomData" => Text(Part::Custom),
        _ => return None,
    })
}

/// The body of a callback. Tencent writes these keys, not a user.
fn body(key: &str) -> Option<Rule> {
    Some(match key {
        "CallbackCommand" | "From_Account" | "To_Account" | "Operator_Account"
        | "Owner_Account" | "Requestor_Account" | "Requester_Account" | "Official_Account"
        | "GroupId" | "TopicId" | "Type" | "InviteOption" | "MsgKey" | "MsgId" | "MsgPriority"
        | "AddType" => Hidden,
        "MsgSeq" | "MsgRandom" | "MsgTime" | "Random" | "EventTime" | "OnlineOnlyFlag"
        | "UnreadMsgNum" | "SendMsgResult" | "ForceAddFlags" | "CreateGroupNum"
        | "CreatedGroupNum" | "CreatedNum" => Number,
        "GroupAtInfo" | "MemberList" | "FriendItem" | "ResponseFriendItem" => {
            Members(Table::Person)
        }
        "Name" | "ApplyMsg" | "NickName" | "ErrorInfo" => Text(Member),
        "MsgBody" => Elements,
        "CloudCustomData" => Text(Part::Custom),
        _ => return None,
    })
}

/// One of several persons whom a body names.
fn person(key: &str) -> Option<Rule> {
    Some(match key {
        "To_Account" | "Member_Account" | "GroupAt_Account" | "ResponseAction" => Hidden,
        "GroupAtAllFlag" => Number,
        "Remark" | "GroupName" | "TagName" | "AddWording" | "AddSource" => Text(Member),
        _ => return None,
    })
}
