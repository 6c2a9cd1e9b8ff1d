//! What is asked: `moderates`. A word that the endpoint rejects, in every place and form in which a
//! reader would see it.

use std::fmt::Write as _;

use serde_json::Value;
use tencent_im_callback::Command;

use super::broken::beside;
use super::item::{Item, Wanted};
use super::items::Make;
use crate::lang::Text;

const SEEN: Text = Text(
    "a reader sees the word there; moderation that looks at one place only is got round in a \
    minute",
    "读者能看到那里的文字；只检查一处的审核很快就会被绕过",
);
const SHOWN_BY_APPS: Text = Text(
    "apps read such texts as JSON, and their parsers accept more than yours: decode escapes \
    wherever there is a backslash",
    "应用会把这类文本当作 JSON 读取，而它们的解析器可能比您的宽松：凡是有反斜杠的地方都要解码",
);
const SAME_WORD: Text = Text(
    "a reader sees the same word: normalise (NFKC), fold case and drop invisible characters before \
    you search",
    "读者看到的是同一个词：查找之前请做 NFKC 规范化、统一大小写，并去掉不可见字符",
);
const HALF_A_CHARACTER: Text = Text(
    "a broken half of an emoji makes many parsers give up; what cannot be read is then let through",
    "不成对的代理项会让许多解析器放弃；读不懂的消息便被放行",
);
const BROKEN: Text = Text(
    "a parser that gives up at a broken byte lets the message through; one that reads on sees the \
    word",
    "遇到损坏的字节就放弃解析，消息便会被放行；继续读取则能看到该词",
);
const WITHOUT_LIST: Text = Text(
    "the receiver can open the bundle and read what nobody judged: Tencent leaves out the messages \
    of a large one",
    "接收者可以打开合并消息，看到没有人审核过的内容：内容过大时腾讯云不带其中的消息",
);
const INNOCENT: Text = Text(
    "who refuses everything moderates nothing; if it was a rate limit that rejected it, the other rejections may be the limit's, too: raise it for the check, or send more slowly (--rate)",
    "正常消息也被拒绝，就谈不上审核；如果是限流所致，其他的拒绝也可能来自限流：请在检查时放宽限流，或降低发送速率（--rate）",
);
const EDIT: Text = Text(
    "an edit is reported when it is done: answer OK, judge it all the same, and withdraw the \
    message (whether you do, this check cannot see)",
    "消息编辑在完成之后才回调：应当应答 OK，照样审核，并撤回该消息（是否撤回，本检查无法看到）",
);
const NAME: Text = Text(
    "everybody who sees the group, or gets the request, reads the word",
    "看到该群或收到该请求的人都会读到这个词",
);

/// A message: its elements, and what stands beside them.
struct Message {
    name: &'static str,
    elements: String,
    more: String,
    why: Text,
}

impl Message {
    fn new(name: &'static str, elements: String, why: Text) -> Self {
        Message { name, elements, more: String::new(), why }
    }

    /// The body of this command with the message in it.
    fn body(&self, command: &Command, number: usize) -> Vec<u8> {
        whole(command, number, &self.elements, &self.more)
    }
}

/// Each number is a sender and a group of its own: a limit for each of them would reject what the
/// moderation lets through.
fn whole(command: &Command, number: usize, elements: &str, more: &str) -> Vec<u8> {
    let from = match command {
        Command::C2cBeforeSendMsg => format!(r#""From_Account":"a{number}","To_Account":"b""#),
        Command::C2cAfterModifyMsg => format!(
            r#""From_Account":"a{number}","To_Account":"b","MsgKey":"k","MsgTime":1557481126,"EventTime":1557481127000"#
        ),
        Command::GroupAfterModifyMsg => format!(
            r#""GroupId":"g{number}","Type":"Public","Operator_Account":"a{number}","From_Account":"a{number}","MsgSeq":1,"EventTime":1557481127000"#
        ),
        _ => format!(
            r#""GroupId":"g{number}","Type":"Public","From_Account":"a{number}","Operator_Account":"a{number}""#
        ),
    };
    format!(r#"{{"CallbackCommand":"{command}",{from},"MsgBody":[{elements}]{more}}}"#).into()
}

/// A text as it stands in a JSON string, without the quotes around it.
fn inside(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn element(kind: &str, content: &str) -> String {
    format!(r#"{{"MsgType":"{kind}","MsgContent":{{{content}}}}}"#)
}

/// A text element. The text is JSON already.
fn text(inside: &str) -> String {
    element("TIMTextElem", &format!(r#""Text":"{inside}""#))
}

/// The word, as the messages need it.
struct Word<'a> {
    spam: &'a str,
    /// Its two halves, cut at a border of characters. A word of one character has one half only.
    halves: (&'a str, &'a str),
    /// Each character as `\uXXXX`.
    escaped: String,
}

impl<'a> Word<'a> {
    fn new(spam: &'a str) -> Self {
        let middle = spam.char_indices().nth(spam.chars().count() / 2).map_or(0, |(at, _)| at);
        let escaped = spam.encode_utf16().fold(String::new(), |mut text, unit| {
            let _ = write!(text, "\\u{unit:04x}");
            text
        });
        Word { spam, halves: spam.split_at(middle), escaped }
    }

    /// In elements of many kinds, whole or cut in two.
    fn in_elements(&self) -> Vec<Message> {
        let word = inside(self.spam);
        let (left, right) = (inside(self.halves.0), inside(self.halves.1));
        let bundle = format!(
            concat!(
                r#""Title":"chat","MsgNum":1,"AbstractList":["a: hi"],"MsgList":["#,
                r#"{{"From_Account":"a","MsgTimeStamp":1557481126,"MsgBody":[{}]}}]"#
            ),
            text(&word)
        );
        let custom = format!(r#""Data":"{{}}","Desc":"{word}","Ext":"","Sound":"""#);
        let nothing = element("TIMCustomElem", r#""Data":"","Desc":"","Ext":"","Sound":"""#);
        let chunk = |index: u8, part: &str| {
            format!(
                r#"{{"EventType":"text","Index":{index},"IsLast":{index},"Markdown":"{part}"}}"#
            )
        };
        let chunks = format!(r#""Chunks":[{},{}]"#, chunk(0, &left), chunk(1, &right));
        vec![
            Message::new("text", text(&word), SEEN),
            Message::new("second-element", format!("{},{}", text("hi"), text(&word)), SEEN),
            Message::new("cut-in-two", format!("{},{}", text(&left), text(&right)), SEEN),
            Message::new(
                "cut-by-nothing",
                format!("{},{nothing},{}", text(&left), text(&right)),
                SEEN,
            ),
            Message::new("stream", element("TIMStreamElem", &chunks), SEEN),
            Message::new("escaped", text(&self.escaped), SEEN),
            Message::new("bundle", element("TIMRelayElem", &bundle), SEEN),
            Message::new("custom-element", element("TIMCustomElem", &custom), SEEN),
        ]
    }

    /// In texts that apps read as JSON, and in other forms of the same word.
    fn in_other_forms(&self) -> Vec<Message> {
        let escaped = &self.escaped;
        let json = inside(&format!(r#"{{"text":"{escaped}"}}"#));
        let custom = format!(r#""Data":"{json}","Desc":"","Ext":"","Sound":"""#);
        // Custom data is JSON in a string.
        let custom_data = |name, data: &str, why| {
            let more = format!(r#","CloudCustomData":"{}""#, inside(data));
            Message { more, ..Message::new(name, text("+1"), why) }
        };
        let reply = Value::from(self.spam);
        let reply = format!(r#"{{"messageReply":{{"messageAbstract":{reply},"version":1}}}}"#);
        // Python's parser reads it, and those of most other languages do not.
        let near = format!(r#"{{"n":NaN,"messageReply":{{"messageAbstract":"{escaped}"}}}}"#);
        let (left, right) = self.halves;
        let full_width = self.spam.chars().map(|c| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
            c => c,
        });
        vec![
            Message::new(
                "custom-element-escaped",
                element("TIMCustomElem", &custom),
                SHOWN_BY_APPS,
            ),
            Message::new("json-in-text", text(&json), SHOWN_BY_APPS),
            custom_data("quoted-reply", &reply, SEEN),
            custom_data("near-json", &near, SHOWN_BY_APPS),
            Message::new("zero-width", text(&inside(&format!("{left}\u{200b}{right}"))), SAME_WORD),
            Message::new("full-width", text(&inside(&full_width.collect::<String>())), SAME_WORD),
            Message::new("capitals", text(&inside(&self.spam.to_uppercase())), SAME_WORD),
            Message::new(
                "lone-surrogate",
                text(&format!("\\ud83d {}", inside(self.spam))),
                HALF_A_CHARACTER,
            ),
        ]
    }

    /// Bodies of this command with bytes that are not UTF-8, and with a byte order mark. The
    /// numbers of their senders start with this one.
    fn in_broken_bytes(&self, command: &Command, first: usize) -> [(&'static str, Vec<u8>); 4] {
        let word = inside(self.spam);
        let right = inside(self.halves.1);
        let whole = |at: usize| whole(command, first + at, &text(&word), "");
        [
            ("broken-utf8", beside(&whole(0), &word, b"\xff")),
            ("surrogate-bytes", beside(&whole(1), &word, b"\xed\xa0\xbd")),
            ("broken-inside", beside(&whole(2), &format!("{right}\"}}}}]"), b"\xff")),
            ("byte-order-mark", ["\u{feff}".as_bytes(), &whole(3)].concat()),
        ]
    }
}

/// The word in names and friend requests, whose commands have no message.
fn names(make: Make<'_>, spam: &str) -> [Item; 2] {
    let word = inside(spam);
    let item = |name: &str, command: Command, rest: String| {
        let body = format!(r#"{{"CallbackCommand":"{command}",{rest}}}"#);
        let request = make(command.clone()).body(body);
        let name = format!("moderates.names.{name}");
        Item::new(name, command, request, Wanted::Moderated(spam.to_owned()), NAME)
    };
    [
        item(
            "group",
            Command::GroupBeforeCreateGroup,
            format!(
                r#""Operator_Account":"creator","Owner_Account":"creator","Type":"Public","Name":"{word}","CreateGroupNum":1,"MemberList":[]"#
            ),
        ),
        item(
            "friend-request",
            Command::SnsPrevFriendAdd,
            format!(
                r#""Requester_Account":"friend","From_Account":"friend","FriendItem":[{{"To_Account":"b","AddWording":"{word}"}}],"AddType":"Add_Type_Both","ForceAddFlags":0"#
            ),
        ),
    ]
}

/// The word in every place and form in which a reader would see it.
pub(crate) fn moderates(make: Make<'_>, spam: &str) -> Vec<Item> {
    let c2c = (Command::C2cBeforeSendMsg, Command::C2cAfterModifyMsg);
    let group = (Command::GroupBeforeSendMsg, Command::GroupAfterModifyMsg);
    let word = Word::new(spam);
    let mut items = messages(make, "c2c", c2c, &word);
    items.extend(messages(make, "group", group, &word));
    items.extend(names(make, spam));
    items
}

/// The word in messages, and messages without it.
fn messages(
    make: Make<'_>,
    group: &str,
    (before, edited): (Command, Command),
    word: &Word<'_>,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut item = |name: &str, command: &Command, body: Vec<u8>, wanted, why| {
        let name = format!("moderates.{group}.{name}");
        let request = make(command.clone()).body(body);
        items.push(Item::new(name, command.clone(), request, wanted, why));
    };
    let mut sender = 0..;
    let mut next = || sender.next().unwrap_or_default();
    let hello = |number| whole(&before, number, &text("hello"), "");
    item("innocent", &before, hello(next()), Wanted::Allowed, INNOCENT);
    let moderated = || Wanted::Moderated(word.spam.to_owned());
    for message in word.in_elements().into_iter().chain(word.in_other_forms()) {
        item(message.name, &before, message.body(&before, next()), moderated(), message.why);
    }
    let edit = whole(&edited, next(), &text(&inside(word.spam)), "");
    let bundle = r#""Title":"chat","MsgNum":5,"AbstractList":["a: hi"],"JsonMsgKey":"k""#;
    let bundle = whole(&before, next(), &element("TIMRelayElem", bundle), "");
    let last = next();
    for (name, body) in word.in_broken_bytes(&before, last + 1) {
        item(name, &before, body, moderated(), BROKEN);
    }
    item("bundle-without-list", &before, bundle, Wanted::Withheld, WITHOUT_LIST);
    item("edit", &edited, edit, Wanted::Taken, EDIT);
    item("innocent-again", &before, hello(last), Wanted::Allowed, INNOCENT);
    items
}
