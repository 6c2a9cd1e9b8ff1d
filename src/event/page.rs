//! The pages `commands` of the documentation, `src/docs/commands.md` and `src/docs/zh/commands.md`.
//! They are written from the table, from what `event!` says, and from the vendor's bodies:
//!
//! ```sh
//! BLESS=1 cargo test --lib page
//! ```

use std::fmt::Write as _;

use super::ROWS;
use super::parse::{self, BodyApp};
use crate::{Callback, Command, Params, Phase, SdkAppId, testing};

const HEAD: &str = "\
All commands: phase, type, what may be answered, which keys they have, and the vendor's page.

A command links to its event. Its variant in [`Event`](crate::Event) and [`Command`](crate::Command)
is made of the family and the name, without `Callback`; that of `State.StateChange` is
`StateChange`. A reply has the name of its event, and `Reply` behind it. Without one, the handler
returns `()`: that is `OK`.

*Duplicate* is what identifies a second delivery
([`Callback::dedup_key`](crate::Callback::dedup_key)): the whole body, if it contains an id, or a
time in milliseconds; otherwise (`RequestId` in the table) the body and the URL's `RequestId`, and
without that there is no key. The vendor documents `RequestId` as [unique for each callback, and the
same on a repeat](https://cloud.tencent.com/document/product/269/111212). An unknown command needs
it as well. For `Sns.CallbackBlackListDelete` the vendor's pages differ: on one, each entry of
`PairList` has a `TimeStamp`, on the other it has none. It is in seconds, so with or without it
`RequestId` makes the key.

*Order* is what the order key consists of ([`Callback::order_key`](crate::Callback::order_key)): the
group, the two people of a conversation, an account and so on.

| command | phase | reply | duplicate | order | page |
| --- | --- | --- | --- | --- | --- |
";

const HEAD_ZH: &str = "\
全部回调命令字：腾讯云文档和控制台中的中文名称、类别、应答、去重键和顺序键。

名称链接到官方文档，命令字链接到事件类型。代码中用 [`Command::name_zh`](crate::Command::name_zh) 和 \
[`Command::docs_zh`](crate::Command::docs_zh) 取得名称和链接；命令行工具 `im-callback commands --lang zh` 也会列出。\
[`Event`](crate::Event) 和 [`Command`](crate::Command) 的成员名由命令字的前后两段组成，去掉 `Callback`；\
`State.StateChange` 的成员名是 `StateChange`。应答类型的名称是事件名加 `Reply`；没有专用类型的，处理函数返回 `()`，即应答 `OK`。

*类别*中，*之前*：事件发生之前回调，腾讯云等待您的应答。*之后*：事件发生之后回调。*系统*：系统触发的回调（告警、结果等）。

*去重*：用什么识别重复的回调（[`Callback::dedup_key`](crate::Callback::dedup_key)）。请求体中有 ID 或毫秒时间的，用整个请求体；\
否则（表中的 `RequestId`）用请求体加 URL 中的 `RequestId`，URL 中没有它就没有去重键。官方文档说明，`RequestId` \
[对每个回调唯一，重发时不变](https://cloud.tencent.com/document/product/269/111212)。未知的命令字同样需要它。\
关于 `Sns.CallbackBlackListDelete`，官方的两个页面不一致：一页中 `PairList` 的每一项都有 `TimeStamp`，另一页没有。它以秒为单位，\
因此无论有没有，都要靠 `RequestId`。

*顺序*：顺序键由什么组成（[`Callback::order_key`](crate::Callback::order_key)），例如群组、单聊的双方、账号。

| 官&NoBreak;方&NoBreak;中&NoBreak;文&NoBreak;名&NoBreak;称 | 回调命令字 | 类别 | 应答 | 去重 | 顺序 |
| --- | --- | --- | --- | --- | --- |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (command, module, event, reply, order) in ROWS {
        let reply = reply
            .map_or("–".to_owned(), |reply| format!("[typed](crate::reply::{module}::{reply})"));
        let event = format!("crate::event::{module}::{event}");
        let docs = command.docs().unwrap();
        writeln!(
            page,
            "| [{command}]({event}) | {:?} | {reply} | {} | {} | [{}]({docs}) |",
            command.phase(),
            duplicate(command),
            order.unwrap_or("–"),
            docs.rsplit('/').next().unwrap(),
        )
        .unwrap();
    }
    page
}

fn page_zh() -> String {
    let mut page = HEAD_ZH.to_owned();
    for (command, module, event, reply, order) in ROWS {
        let phase = whole(match command.phase() {
            Phase::Before => "之前",
            Phase::After => "之后",
            _ => "系统",
        });
        let reply = reply.map_or("–".to_owned(), |reply| {
            format!("[<nobr>专用</nobr>](crate::reply::{module}::{reply})")
        });
        let event = format!("crate::event::{module}::{event}");
        let (name, docs) = (command.name_zh().unwrap(), command.docs_zh().unwrap());
        writeln!(
            page,
            "| [{name}]({docs}) | [{command}]({event}) | {phase} | {reply} | {} | {} |",
            in_chinese(duplicate(command)),
            whole(in_chinese(order.unwrap_or("–"))),
        )
        .unwrap();
    }
    page
}

/// In a narrow column a browser breaks Chinese words.
fn whole(word: &str) -> String {
    format!("<nobr>{word}</nobr>")
}

/// What a key consists of, in the words of the vendor.
fn in_chinese(key: &'static str) -> &'static str {
    match key {
        "–" | "RequestId" => key,
        "body" => "请求体",
        "body, or RequestId" => "请求体或 RequestId",
        "account" => "账号",
        "call" => "通话",
        "group" => "群组",
        "official_account" => "公众号",
        "pair" => "单聊",
        "room" => "房间",
        "session" => "会话",
        _ => panic!("{key} has no word in Chinese yet"),
    }
}

/// What identifies a second delivery of the vendor's bodies, whose URL has no `RequestId` here.
fn duplicate(command: &Command) -> &'static str {
    if command.phase() == Phase::Before {
        return "–";
    }
    let has_key = |body: &str| {
        let app = match parse::app(body.as_bytes()) {
            BodyApp::Is(app) => app,
            _ => SdkAppId(1_400_000_000),
        };
        let params = Params::trusted(app, command.clone());
        Callback::parse(params, body.to_owned().into()).unwrap().dedup_key().is_some()
    };
    if has_key(testing::sample(command).unwrap()) {
        "body"
    } else if testing::other_samples(command).iter().any(|body| has_key(body)) {
        "body, or RequestId"
    } else {
        "RequestId"
    }
}

#[test]
fn the_pages_of_the_commands_are_those_of_the_table() {
    for (file, page) in [("commands.md", page()), ("zh/commands.md", page_zh())] {
        let file = format!("{}/src/docs/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &page).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written == page, "{file}: run BLESS=1 cargo test --lib page");
    }
}

#[test]
fn types_and_replies_are_named_after_the_command() {
    assert_eq!(ROWS.len(), Command::ALL.len());
    for ((command, module, event, reply, _), of_all) in ROWS.iter().zip(Command::ALL) {
        assert_eq!(command, of_all);
        let (family, rest) = command.as_str().split_once('.').unwrap();
        assert_eq!(module.replace('_', ""), family.to_lowercase());
        assert_eq!(*event, rest.strip_prefix("Callback").unwrap_or(rest).replace("C2C", "C2c"));
        assert_eq!(reply.is_some(), command.is_answered());
        assert!(reply.is_none_or(|reply| reply == format!("{event}Reply")));
        // The pages name the exception.
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        let is_plain = plain(&format!("{command:?}")) == plain(&format!("{family}{event}"));
        assert!(is_plain || *command == Command::StateChange, "{command:?}");
    }
}
