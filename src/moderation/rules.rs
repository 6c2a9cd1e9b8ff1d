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
        self.rules().iter().find(|(name, _)| *name == key).map(|(_, rule)| *rule)
    }

    fn rules(self) -> &'static [(&'static str, Rule)] {
        match self {
            Table::Body => BODY,
            Table::Person => PERSON,
            Table::Text => &[("Text", Text(Inline))],
            Table::Location => {
                &[("Desc", Text(Block)), ("Latitude", Number), ("Longitude", Number)]
            }
            Table::Face => &[("Data", Text(Inline)), ("Index", Number)],
            Table::Custom => &[
                ("Data", Text(Data)),
                ("Desc", Text(Data)),
                ("Ext", Text(Data)),
                ("Sound", Hidden),
            ],
            Table::Sound => &[
                ("Url", Hidden),
                ("UUID", Hidden),
                ("Size", Number),
                ("Second", Number),
                ("Download_Flag", Number),
            ],
            Table::File => &[
                ("Url", Hidden),
                ("UUID", Hidden),
                ("FileName", Text(Block)),
                ("FileSize", Number),
                ("Download_Flag", Number),
            ],
            Table::Image => &[
                ("UUID", Hidden),
                ("ImageFormat", Number),
                ("ImageInfoArray", Members(Table::ImageInfo)),
            ],
            Table::ImageInfo => &[
                ("URL", Hidden),
                ("Type", Number),
                ("Size", Number),
                ("Width", Number),
                ("Height", Number),
            ],
            Table::Video => VIDEO,
            Table::Stream => &[
                ("Chunks", Members(Table::Chunk)),
                ("CompatibleText", Text(Block)),
                ("StreamMsgID", Hidden),
            ],
            Table::Chunk => &[
                ("Markdown", Text(Inline)),
                ("EventType", Hidden),
                ("Index", Number),
                ("IsLast", Number),
            ],
            Table::Relay => &[
                ("Title", Text(Block)),
                ("AbstractList", Text(Block)),
                ("CompatibleText", Text(Block)),
                ("MsgNum", Number),
                ("MsgList", Members(Table::Message)),
                ("JsonMsgKey", Hidden),
            ],
            Table::Message => MESSAGE,
        }
    }
}

const VIDEO: &[(&str, Rule)] = &[
    ("VideoUrl", Hidden),
    ("VideoUUID", Hidden),
    ("VideoFormat", Hidden),
    ("VideoSize", Number),
    ("VideoSecond", Number),
    ("VideoDownloadFlag", Number),
    ("ThumbUrl", Hidden),
    ("ThumbUUID", Hidden),
    ("ThumbFormat", Hidden),
    ("ThumbSize", Number),
    ("ThumbWidth", Number),
    ("ThumbHeight", Number),
    ("ThumbDownloadFlag", Number),
];

/// A message in a bundle.
const MESSAGE: &[(&str, Rule)] = &[
    ("From_Account", Hidden),
    ("To_Account", Hidden),
    ("GroupId", Hidden),
    ("MsgId", Hidden),
    ("MsgSeq", Number),
    ("MsgRandom", Number),
    ("MsgTimeStamp", Number),
    ("MsgBody", Elements),
    ("CloudCustomData", Text(Part::Custom)),
];

/// The body of a callback. Tencent writes these keys, not a user.
const BODY: &[(&str, Rule)] = &[
    ("CallbackCommand", Hidden),
    ("From_Account", Hidden),
    ("To_Account", Hidden),
    ("Operator_Account", Hidden),
    ("Owner_Account", Hidden),
    ("Requestor_Account", Hidden),
    ("Requester_Account", Hidden),
    ("Official_Account", Hidden),
    ("GroupId", Hidden),
    ("TopicId", Hidden),
    ("Type", Hidden),
    ("InviteOption", Hidden),
    ("MsgKey", Hidden),
    ("MsgId", Hidden),
    ("MsgPriority", Hidden),
    ("AddType", Hidden),
    ("MsgSeq", Number),
    ("MsgRandom", Number),
    ("MsgTime", Number),
    ("Random", Number),
    ("EventTime", Number),
    ("OnlineOnlyFlag", Number),
    ("UnreadMsgNum", Number),
    ("SendMsgResult", Number),
    ("ForceAddFlags", Number),
    ("CreateGroupNum", Number),
    ("CreatedGroupNum", Number),
    ("CreatedNum", Number),
    ("GroupAtInfo", Members(Table::Person)),
    ("MemberList", Members(Table::Person)),
    ("FriendItem", Members(Table::Person)),
    ("ResponseFriendItem", Members(Table::Person)),
    ("Name", Text(Member)),
    ("ApplyMsg", Text(Member)),
    ("NickName", Text(Member)),
    ("ErrorInfo", Text(Member)),
    ("MsgBody", Elements),
    ("CloudCustomData", Text(Part::Custom)),
];

/// One of several persons whom a body names.
const PERSON: &[(&str, Rule)] = &[
    ("To_Account", Hidden),
    ("Member_Account", Hidden),
    ("GroupAt_Account", Hidden),
    ("GroupAtAllFlag", Number),
    ("ResponseAction", Hidden),
    ("Remark", Text(Member)),
    ("GroupName", Text(Member)),
    ("TagName", Text(Member)),
    ("AddWording", Text(Member)),
    ("AddSource", Text(Member)),
];
