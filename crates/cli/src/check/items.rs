//! What is asked: `accepts` and `refuses`.

use tencent_im_callback::Command;
use tencent_im_callback::testing::{Fault, SignedRequest, other_samples};

use super::item::{Item, Wanted};
use crate::lang::Text;

/// Bytes of the body that is too long.
const TOO_LONG: usize = 16 * 1024 * 1024;

pub(super) const FULL: Text = Text(
    "a peer that may send 16 MiB at a time can fill the memory",
    "允许每次发送 16 MiB 的请求，内存就可能被耗尽",
);

/// A body that is longer than anybody needs.
pub(super) fn too_long(command: &Command) -> String {
    let pad = "x".repeat(TOO_LONG);
    format!(r#"{{"CallbackCommand":"{command}","Pad":"{pad}"}}"#)
}

/// Makes a request for a command, signed and addressed as it should be.
pub(crate) type Make<'a> = &'a dyn Fn(Command) -> SignedRequest;

const AFTER_MESSAGE: &str = concat!(
    r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg","From_Account":"a","To_Account":"b","#,
    r#""MsgSeq":1,"MsgRandom":2,"MsgTime":1557481126,"MsgKey":"1_2_1557481126","#,
    r#""SendMsgResult":0,"ErrorInfo":"","#,
    r#""MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello"}}]}"#
);

/// What the vendor's pages show.
fn samples(make: Make<'_>) -> Vec<Item> {
    let sample = Text(
        "Tencent sends this body, as its pages show it; an endpoint that cannot take it loses the \
        event or holds up a user",
        "腾讯云文档中的示例就是这样的请求；处理不了就会丢事件或阻塞用户操作",
    );
    let mut items: Vec<Item> = Command::ALL
        .iter()
        .map(|command| {
            Item::new(
                format!("accepts.sample.{command}"),
                command.clone(),
                make(command.clone()),
                Wanted::Taken,
                sample,
            )
        })
        .collect();
    let other = Text(
        "Tencent's pages show this body as well, for another case or in an older form; an endpoint \
        that cannot take it loses the event or holds up a user",
        "腾讯云文档针对其他情形或在旧版页面中也给出了这样的请求；处理不了就会丢事件或阻塞用户操作",
    );
    for command in Command::ALL {
        for (at, body) in other_samples(command).iter().enumerate() {
            let name = format!("accepts.sample.{command}.other-{}", at + 1);
            let request = make(command.clone()).body(*body);
            items.push(Item::new(name, command.clone(), request, Wanted::Taken, other));
        }
    }
    items
}

/// Good ones.
pub(crate) fn accepts(make: Make<'_>) -> Vec<Item> {
    let mut items = samples(make);
    let after = |name: &str, body: String, why| {
        let command = Command::C2cAfterSendMsg;
        let request = make(command.clone()).body(body);
        Item::new(format!("accepts.{name}"), command, request, Wanted::Taken, why)
    };
    items.push(after(
        "missing-members",
        concat!(
            r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg","#,
            r#""From_Account":"a","To_Account":"b","MsgBody":[]}"#
        )
        .into(),
        Text("not every member comes each time", "并非每个字段每次都会出现"),
    ));
    items.push(after(
        "quoted-numbers",
        AFTER_MESSAGE
            .replace(r#""MsgSeq":1,"#, r#""MsgSeq":"1","#)
            .replace(r#""MsgTime":1557481126"#, r#""MsgTime":"1557481126""#),
        Text(
            "the vendor's pages write the same number with and without quotes",
            "同一个数字在文档中有时带引号，有时不带",
        ),
    ));
    items.push(after(
        "unknown-members",
        AFTER_MESSAGE.replacen('{', r#"{"NewMember":{"a":[1]},"#, 1),
        Text(
            "Tencent adds members without notice; a strict parser fails from that day on",
            "腾讯云会随时增加字段；过于严格的解析会从那天起失败",
        ),
    ));
    items.push(after(
        "key-order",
        AFTER_MESSAGE.replacen(r#""CallbackCommand":"C2C.CallbackAfterSendMsg","#, "", 1).replacen(
            "}}]}",
            r#"}}],"CallbackCommand":"C2C.CallbackAfterSendMsg"}"#,
            1,
        ),
        Text("the order of members means nothing in JSON", "JSON 中字段的顺序没有意义"),
    ));
    items.push(Item {
        chunked: true,
        ..after(
            "chunked",
            AFTER_MESSAGE.into(),
            Text(
                "proxies send bodies on without Content-Length",
                "代理转发的请求可能没有 Content-Length",
            ),
        )
    });
    items.extend(other_names(make));
    items
}

/// Commands under a name that the sender's table does not have, or no longer.
fn other_names(make: Make<'_>) -> [Item; 2] {
    let old = Item {
        instead: Some(("Live.CallbackAfterMemberStateChanged", "Live.CallbackMemberStateChanged")),
        ..Item::new(
            "accepts.old-command-name",
            Command::LiveAfterMemberStateChanged,
            make(Command::LiveAfterMemberStateChanged),
            Wanted::Taken,
            Text(
                "one of the vendor's pages writes the URL of this command with its older word",
                "腾讯云某一页文档的 URL 中使用的是该回调命令字的旧名称",
            ),
        )
    };
    let unknown = r#"{"CallbackCommand":"New.CallbackOfTomorrow","Who":"a"}"#;
    let tomorrow = Command::from("New.CallbackOfTomorrow");
    let unknown = Item::new(
        "accepts.unknown-command",
        tomorrow.clone(),
        make(tomorrow).body(unknown),
        Wanted::Answered,
        Text(
            "commands are added; a new one must not crash anything",
            "回调命令字会增加；新的回调命令字不应导致崩溃",
        ),
    );
    [old, unknown]
}

/// Bad ones.
pub(crate) fn refuses(make: Make<'_>, command: &Command) -> Vec<Item> {
    let state = || make(command.clone());
    let full = if command.phase().may_decide() { Wanted::BlockedOrCutOff } else { Wanted::CutOff };
    let item = |name: &str, request: SignedRequest, wanted: Wanted, why: Text| {
        Item::new(format!("refuses.{name}"), command.clone(), request, wanted, why)
    };
    let fault = |name: &str, fault: Fault, why: Text| {
        item(name, state().fault(fault), Wanted::Refused, why)
    };
    let by_signature = |item: Item| Item { by_signature: true, ..item };
    let forged = Text(
        "anybody who finds the URL can send callbacks and have them believed",
        "任何知道 URL 的人都可以伪造回调",
    );
    let replayed = Text(
        "anybody who sees one request (in a log, at a proxy) can replay it forever",
        "任何看到过一次请求的人（日志、代理）都可以永远重放它",
    );
    let unsigned = item("unsigned", state().unsigned(), Wanted::Refused, forged);
    vec![
        by_signature(unsigned),
        by_signature(fault("no-sign", Fault::MissingSignature, forged)),
        by_signature(fault("no-time", Fault::MissingTime, replayed)),
        by_signature(fault("short-sign", Fault::MalformedSignature, forged)),
        by_signature(fault("other-token", Fault::SignatureMismatch, forged)),
        by_signature(fault("stale", Fault::Stale, replayed)),
        by_signature(fault(
            "future",
            Fault::TimestampInFuture,
            Text(
                "a request signed for later can be kept and used for as long",
                "为未来时间签名的请求可以保存到那时再用",
            ),
        )),
        fault(
            "duplicate-parameter",
            Fault::DuplicateParameter,
            Text(
                "what was checked may then be another value than the one that is used",
                "被校验的值与实际使用的值可能不是同一个",
            ),
        ),
        fault(
            "other-app",
            Fault::OtherApp,
            Text("another app's callbacks are not yours", "其他应用的回调不属于您"),
        ),
        fault(
            "get",
            Fault::WrongMethod,
            Text(
                "Tencent sends POST; GET comes from browsers, previews and crawlers",
                "腾讯云只发送 POST；GET 来自浏览器、链接预览和爬虫",
            ),
        ),
        item("too-long", state().body(too_long(command)), full, FULL),
    ]
}
