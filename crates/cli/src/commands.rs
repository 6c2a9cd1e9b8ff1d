//! `commands`: what there is.

use clap::Args;
use comfy_table::{Table, presets};
use tencent_im_callback::reply::reject_codes;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Command, Phase};

use crate::output::{Failure, say, wrong};

/// List the commands, or show one: its phase, sample, answers and the vendor's page
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  im-callback commands Sns.CallbackFriendDelete")]
pub(crate) struct Arguments {
    /// A command such as Sns.CallbackFriendDelete, or a part of its name
    word: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(word) = &arguments.word else {
        return Ok(say(list(Command::ALL.iter()))?);
    };
    let lower = word.to_ascii_lowercase();
    let exact = known(word);
    if let Some(command) = exact {
        return Ok(show(&command)?);
    }
    let found: Vec<&Command> = Command::ALL
        .iter()
        .filter(|command| command.as_str().to_ascii_lowercase().contains(&lower))
        .collect();
    match &found[..] {
        [] => Err(wrong(format!(
            "no command has {word:?} in its name; `im-callback commands` lists all"
        ))),
        [one] => Ok(show(one)?),
        _ => Ok(say(list(found.into_iter()))?),
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

fn list<'a>(commands: impl Iterator<Item = &'a Command>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["command", "phase", "page"]);
    for command in commands {
        table.add_row([
            command.as_str(),
            command.phase().as_str(),
            command.docs().unwrap_or_default(),
        ]);
    }
    table
}

/// The members of a JSON object, with an example each: `From_Account = "jared"`.
fn fields(json: &str) -> Vec<String> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(json) else {
        return Vec::new();
    };
    let kind = |value: &serde_json::Value| match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "true or false",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "text",
        serde_json::Value::Array(_) => "list",
        serde_json::Value::Object(_) => "object",
    };
    members.iter().map(|(name, value)| format!("  {name}: {}", kind(value))).collect()
}

fn show(command: &Command) -> std::io::Result<()> {
    say(command)?;
    let phase = match command.phase() {
        Phase::Before => "before: the action waits for the answer, for 2 s",
        Phase::After => "after: the action has happened; the answer only says that it was noticed",
        Phase::Notice => "notice: caused by no user's action",
        _ => "unknown",
    };
    say(format_args!("\nphase    {phase}"))?;
    say(format_args!("answers  {}", answers(command)))?;
    if let Some(docs) = command.docs() {
        say(format_args!("page     {docs}"))?;
    }
    if let Some(sample) = sample(command) {
        say("\nfields of the sample:")?;
        for field in fields(sample) {
            say(field)?;
        }
        say(format_args!("\nsample:\n{}", sample.trim_end()))?;
    }
    Ok(())
}

/// What may be answered, in words. `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}` always is.
fn answers(command: &Command) -> String {
    let word = command.as_str();
    if !command.phase().may_decide() {
        let answer = if command.is_answered() {
            "ErrorCode 0, and what the vendor's page says beyond it"
        } else {
            r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
        };
        return answer.to_owned();
    }
    if word.starts_with("Sns.CallbackPrev") {
        return "ErrorCode 0, and a ResultCode for each person in ResultItem; any other ErrorCode lets everybody through"
            .to_owned();
    }
    let (discards, rewrites) = if word.ends_with(".CallbackBeforeSendMsg") {
        (", 2 discards", "; MsgBody rewrites")
    } else {
        ("", "")
    };
    let own = reject_codes(command).map_or_else(String::new, |codes| {
        format!("; {} to {} refuse with a code of yours", codes.start(), codes.end())
    });
    format!("ErrorCode 0 allows, 1 refuses{discards}{own}{rewrites}")
}
