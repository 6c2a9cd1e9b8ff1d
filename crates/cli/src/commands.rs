//! `commands`: what there is.

use clap::Args;
use comfy_table::{Table, presets};
use tencent_im_callback::reply::reject_codes;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Command, Phase};

use crate::lang::{Lang, Text};
use crate::output::{Failure, say, wrong};

/// List the commands, or show one: its phase, sample, answers and the vendor's page
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  im-callback commands Sns.CallbackFriendDelete\n\
        \x20 im-callback commands --lang zh 删除好友")]
pub(crate) struct Arguments {
    /// A command such as Sns.CallbackFriendDelete, or a part of its name in English or Chinese
    word: Option<String>,
    /// Language of the names, the phases and the vendor's pages; otherwise that of the locale
    #[arg(long)]
    lang: Option<Lang>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let lang = arguments.lang.unwrap_or_else(Lang::of_locale);
    let Some(word) = &arguments.word else {
        return Ok(say(list(Command::ALL.iter(), lang))?);
    };
    let lower = word.to_ascii_lowercase();
    let exact = known(word);
    if let Some(command) = exact {
        return Ok(show(&command, lang)?);
    }
    let found: Vec<&Command> = Command::ALL
        .iter()
        .filter(|command| {
            command.as_str().to_ascii_lowercase().contains(&lower)
                || command.name_zh().is_some_and(|name| name.contains(word.as_str()))
        })
        .collect();
    match &found[..] {
        [] => Err(wrong(match lang {
            Lang::En => {
                format!("no command has {word:?} in its name; `im-callback commands` lists all")
            }
            Lang::Zh => {
                format!("没有名称包含 {word:?} 的回调命令字；`im-callback commands` 列出全部")
            }
        })),
        [one] => Ok(show(one, lang)?),
        _ => Ok(say(list(found.into_iter(), lang))?),
    }
}

/// The command of this name, whatever the case of its letters.
pub(crate) fn known(word: &str) -> Option<Command> {
    let as_is = Command::from(word);
    if !as_is.is_unknown() {
        return Some(as_is);
    }
    Command::ALL.iter().find(|command| command.as_str().eq_ignore_ascii_case(word)).cloned()
}

fn list<'a>(commands: impl Iterator<Item = &'a Command>, lang: Lang) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    match lang {
        Lang::En => table.set_header(["command", "phase", "page"]),
        Lang::Zh => table.set_header(["回调命令字", "名称", "类型", "官方文档"]),
    };
    for command in commands {
        let (word, phase) = (command.as_str(), command.phase());
        match lang {
            Lang::En => table.add_row([word, phase.as_str(), page(command, lang)]),
            Lang::Zh => {
                let name = command.name_zh().unwrap_or_default();
                table.add_row([word, name, phase_zh(phase), page(command, lang)])
            }
        };
    }
    table
}

/// The vendor's page.
fn page(command: &Command, lang: Lang) -> &'static str {
    let page = match lang {
        Lang::En => command.docs(),
        Lang::Zh => command.docs_zh(),
    };
    page.unwrap_or_default()
}

/// What the vendor calls a phase.
fn phase_zh(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "事件发生之前回调",
        Phase::After => "事件发生之后回调",
        Phase::Notice => "系统触发的回调",
        _ => "未知",
    }
}

/// The members of a JSON object, with an example each: `From_Account = "jared"`.
fn fields(json: &str, lang: Lang) -> Vec<String> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(json) else {
        return Vec::new();
    };
    let kind = |value: &serde_json::Value| {
        lang.of(match value {
            serde_json::Value::Null => Text("null", "null"),
            serde_json::Value::Bool(_) => Text("true or false", "布尔值"),
            serde_json::Value::Number(_) => Text("number", "数字"),
            serde_json::Value::String(_) => Text("text", "字符串"),
            serde_json::Value::Array(_) => Text("list", "数组"),
            serde_json::Value::Object(_) => Text("object", "对象"),
        })
    };
    members.iter().map(|(name, value)| format!("  {name}: {}", kind(value))).collect()
}

fn show(command: &Command, lang: Lang) -> std::io::Result<()> {
    say(command)?;
    if let (Lang::Zh, Some(name)) = (lang, command.name_zh()) {
        say(name)?;
    }
    let phase = match command.phase() {
        Phase::Before => Text(
            "before: the action waits for the answer, for 2 s",
            "事件发生之前回调：操作等待应答，最多 2 秒",
        ),
        Phase::After => Text(
            "after: the action has happened; the answer only says that it was noticed",
            "事件发生之后回调：操作已经发生，应答只表示已收到",
        ),
        Phase::Notice => {
            Text("notice: caused by no user's action", "系统触发的回调：不是由用户操作触发的")
        }
        _ => Text("unknown", "未知"),
    };
    let titles =
        [Text("phase    ", "类型："), Text("answers  ", "应答："), Text("page     ", "官方文档：")];
    let [a, b, c] = titles.map(|title| lang.of(title));
    say(format_args!("\n{a}{}", lang.of(phase)))?;
    say(format_args!("{b}{}", answers(command, lang)))?;
    say(format_args!("{c}{}", page(command, lang)))?;
    if let Some(sample) = sample(command) {
        say(lang.of(Text("\nfields of the sample:", "\n示例中的字段：")))?;
        for field in fields(sample, lang) {
            say(field)?;
        }
        say(lang.of(Text("\nsample:", "\n示例：")))?;
        say(sample.trim_end())?;
    }
    Ok(())
}

/// What may be answered, in words. `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}` always is.
fn answers(command: &Command, lang: Lang) -> String {
    let word = command.as_str();
    if !command.phase().may_decide() {
        let answer = if command.is_answered() {
            lang.of(Text(
                "ErrorCode 0, and what the vendor's page says beyond it",
                "ErrorCode 为 0，以及官方文档规定的其他字段",
            ))
        } else {
            r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
        };
        return answer.to_owned();
    }
    if word.starts_with("Sns.CallbackPrev") {
        let answer = Text(
            "ErrorCode 0, and a ResultCode for each person in ResultItem; any other ErrorCode lets \
            everybody through",
            "ErrorCode 为 0，并在 ResultItem 中为每个 To_Account 填 ResultCode；其他 ErrorCode 等于全部放行",
        );
        return lang.of(answer).to_owned();
    }
    let (discards, rewrites) = if word.ends_with(".CallbackBeforeSendMsg") {
        (Text(", 2 discards", "，2 静默丢弃"), Text("; MsgBody rewrites", "；MsgBody 改写消息"))
    } else {
        (Text("", ""), Text("", ""))
    };
    let (discards, rewrites) = (lang.of(discards), lang.of(rewrites));
    let own = reject_codes(command).map_or_else(String::new, |codes| {
        let (first, last) = (codes.start(), codes.end());
        match lang {
            Lang::En => format!("; {first} to {last} refuse with a code of yours"),
            Lang::Zh => format!("；{first} 至 {last} 以自定义错误码拒绝"),
        }
    });
    match lang {
        Lang::En => format!("ErrorCode 0 allows, 1 refuses{discards}{own}{rewrites}"),
        Lang::Zh => format!("ErrorCode 为 0 放行，1 拒绝{discards}{own}{rewrites}"),
    }
}
