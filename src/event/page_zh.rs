//! The page `zh::commands` of the documentation, `src/docs/zh/commands.md`, written from the table:
//!
//! ```sh
//! BLESS=1 cargo test --lib page
//! ```

use std::fmt::Write as _;

use super::ROWS;
use crate::Phase;

const HEAD: &str = "\
全部回调命令字，以及腾讯云文档和控制台中的中文名称。

[`Command::name_zh`](crate::Command::name_zh) 和 [`Command::docs_zh`](crate::Command::docs_zh)
返回本页的名称和链接；命令行工具 `im-callback commands --lang zh` 也会列出。名称链接到官方文档，命令字链接到事件类型。
可以返回哪种应答、怎样识别重复的回调、按什么保证顺序，见英文的[命令字表](crate::docs::commands)。

*之前*：事件发生之前回调，腾讯云等待您的应答。*之后*：事件发生之后回调。*系统*：系统触发的回调（告警、结果等）。

| 名称 | 回调命令字 | 类别 |
| --- | --- | --- |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (command, module, event, _, _) in ROWS {
        let phase = match command.phase() {
            Phase::Before => "之前",
            Phase::After => "之后",
            _ => "系统",
        };
        let (name, docs) = (command.name_zh().unwrap(), command.docs_zh().unwrap());
        writeln!(
            page,
            "| [{name}]({docs}) | [`{command}`](crate::event::{module}::{event}) | {phase} |"
        )
        .unwrap();
    }
    page
}

#[test]
fn the_chinese_page_of_the_commands_is_that_of_the_table() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/zh/commands.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    assert!(std::fs::read_to_string(file).unwrap() == page(), "run BLESS=1 cargo test --lib page");
}
