//! `check`: asks an endpoint everything that a careful one answers rightly.

mod answers;
mod broken;
mod item;
mod items;
mod moderates;
mod progress;
mod report;
mod survives;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tencent_im_callback::Command;
use tencent_im_callback::Token;
use tencent_im_callback::testing::SignedRequest;

use self::item::{Finding, Item, Went};
use self::progress::Progress;
use self::report::Shown;
use crate::client::{Answer, Client, Target};
use crate::commands::known;
use crate::credentials::Credentials;
use crate::lang::{Lang, Text};
use crate::output::{Failure, complain, say, wrong};

/// Test an endpoint with valid, forged and malformed requests
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  im-callback check http://127.0.0.1:3000/callback
  im-callback check http://127.0.0.1:3000/callback --spam casino --only refuses \
    --only moderates.c2c --lang zh

Groups: accepts, refuses, broken, moderates (with --spam), answers, survives. Exit status 1 if \
    something fails; a warning is no failure.

The callbacks are samples, but the endpoint takes them for real ones: ask one that may be asked. \
    A queue behind it may keep the broken notifications as dead letters.")]
#[allow(clippy::struct_excessive_bools)] // flags of the command line
pub(crate) struct Arguments {
    /// The endpoint, without parameters: http:// or https://host:port/path
    url: Target,
    #[command(flatten)]
    credentials: Credentials,
    /// Run only this group or item, such as refuses or refuses.stale; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A word that the endpoint rejects in messages, names of groups and friend requests
    #[arg(long, value_name = "WORD", value_parser = word)]
    spam: Option<String>,
    /// The endpoint accepts unsigned requests on purpose: failed signature checks are warnings
    #[arg(long)]
    unsigned: bool,
    /// The commands that the endpoint handles, with commas; the others are not sent
    #[arg(long, value_name = "COMMANDS", value_delimiter = ',', value_parser = handled)]
    commands: Vec<Command>,
    /// The endpoint handles no commands that it could reject: none of them is sent
    #[arg(long)]
    no_before: bool,
    /// Requests per second at most, for an endpoint with a limit; leaves out survives.many-at-once
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Write the findings as JSON
    #[arg(long)]
    json: bool,
    /// Write the findings to this file as `JUnit` XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Language of the findings; otherwise that of the locale
    #[arg(long)]
    lang: Option<Lang>,
    /// Also show what was sent in checks that passed
    #[arg(long, short)]
    verbose: bool,
    /// Show only checks that did not pass
    #[arg(long, short, conflicts_with_all = ["verbose", "json"])]
    quiet: bool,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

fn word(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 200 {
        return Err("a word of 1 to 200 bytes is wanted".into());
    }
    Ok(text.to_owned())
}

fn handled(word: &str) -> Result<Command, String> {
    known(word).ok_or_else(|| format!("no command is called {word:?}"))
}

impl Arguments {
    /// Whether the endpoint handles a command. One that nobody knows is sent to every endpoint.
    fn handles(&self, command: &Command) -> bool {
        let is_known = Command::ALL.contains(command);
        !is_known
            || (self.commands.is_empty() || self.commands.contains(command))
                && !(self.no_before && command.phase().may_decide())
    }

    /// The commands that the endpoint handles, first the one that the checks send that are about
    /// no command in particular.
    fn all_handled(&self, lang: Lang) -> Result<Vec<Command>, Failure> {
        let all = Command::ALL.iter().filter(|command| self.handles(command)).cloned();
        let mut all: Vec<Command> = all.collect();
        all.sort_by_key(|command| *command != Command::StateChange);
        if all.is_empty() {
            return Err(wrong(lang.of(Text(
                "--commands and --no-before leave no command",
                "--commands 与 --no-before 之下没有剩余的回调命令字",
            ))));
        }
        Ok(all)
    }

    /// Whether an item of this name is asked for. A group is asked for if one of its items may be.
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| {
                let rest = name.strip_prefix(only.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }

    fn items(&self, make: items::Make<'_>, base: &Command) -> Vec<Item> {
        let mut items: Vec<Item> = items::accepts(make);
        items.extend(items::refuses(make, base));
        items.extend(broken::broken(make));
        if let Some(spam) = &self.spam {
            items.extend(moderates::moderates(make, spam));
        }
        items.retain(|item| self.wants(&item.name) && self.handles(&item.command));
        items
    }

    async fn ask(&self, token: &Token, lang: Lang) -> Result<Vec<Finding>, Failure> {
        let patience = Duration::from_secs(self.timeout);
        let client = Arc::new(Client::new(self.url.clone(), patience).paced(self.rate));
        if let Err(trouble) = self.url.connect().await {
            return Err(Failure::Answer(format!("{}: {}", self.url, trouble.said().of(lang))));
        }
        let app = self.credentials.app_id();
        let make = |command: Command| {
            SignedRequest::new(command).app(app).token(token.clone()).url(&self.url.path)
        };
        let handled = self.all_handled(lang)?;
        let base = &handled[0];
        let first = client.send(crate::send::build(&make(base.clone()))).await;
        if let Ok(Answer { status, .. }) = first
            && matches!(status.as_u16(), 401 | 403)
        {
            return Err(Failure::Answer(no_entry(status.as_u16(), lang)));
        }
        let items = self.items(&make, base);
        // The four ask the same requests.
        let mut answers: Vec<&str> =
            vec!["answers.envelope", "answers.content-type", "answers.code", "answers.in-time"];
        answers.retain(|name| self.wants(name));
        let more = if answers.is_empty() { 0 } else { handled.len() };
        let progress = Progress::new((items.len() + more) as u64, lang);
        let mut findings = Vec::new();
        for item in &items {
            progress.next(&item.name);
            findings.push(item::ask(item, &client, lang, self.unsigned).await);
        }
        if !answers.is_empty() {
            let found = answers::answers(&make, &client, lang, &handled, &progress).await;
            findings.extend(
                found.into_iter().filter(|finding| answers.contains(&finding.name.as_str())),
            );
        }
        progress.finish();
        let wants = |name: &str| {
            self.wants(name) && (self.rate.is_none() || name != "survives.many-at-once")
        };
        findings.extend(survives::survives(&make, base, &client, lang, wants).await);
        Ok(findings)
    }
}

const UNMODERATED: Text = Text(
    "moderation was not asked for: --spam WORD does, with a word that the endpoint refuses",
    "没有检查审核：请用 --spam 词，即该服务会拒绝的词",
);

const OPEN: Text = Text(
    "the endpoint accepts unsigned requests, so anybody can send it callbacks. If it does so on \
    purpose, add --unsigned",
    "接口接受未签名的请求，任何人都可以伪造回调。如果是有意关闭鉴权，请加上 --unsigned",
);

const DEAD: Text = Text(
    "the broken notifications (broken.after) may be dead letters now, in a queue behind the \
    endpoint",
    "请求体损坏的通知类回调（broken.after）可能已成为接口后面队列中的死信",
);

/// The first valid request was refused: all the others would be, too.
fn no_entry(status: u16, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "the endpoint refuses a valid request with status {status}, so nothing else was sent. \
             Are the token (IM_CALLBACK_TOKEN or --token-file) and the app (IM_SDK_APP_ID or \
             --app) those of the endpoint, and is its clock right?"
        ),
        Lang::Zh => format!(
            "有效的请求被拒绝（状态码 {status}），检查已停止。请确认鉴权 Token（IM_CALLBACK_TOKEN 或 \
             --token-file）和 SDKAppID（IM_SDK_APP_ID 或 --app）与接口的配置一致，并确认服务器时间准确。"
        ),
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let lang = arguments.lang.unwrap_or_else(Lang::of_locale);
    let token = arguments.credentials.token()?;
    let asked_for_moderation = arguments.only.iter().any(|only| only.starts_with("moderates"));
    if arguments.spam.is_none() && asked_for_moderation {
        return Err(wrong(lang.of(Text(
            "moderates wants --spam WORD, a word that the endpoint refuses",
            "moderates 需要 --spam 词，即该服务会拒绝的词",
        ))));
    }
    let findings = tokio::select! {
        findings = arguments.ask(&token, lang) => findings?,
        _ = tokio::signal::ctrl_c() => {
            return Err(Failure::Answer(lang.of(Text("interrupted", "已中断")).into()));
        }
    };
    if findings.is_empty() {
        let only = arguments.only.join(", ");
        return Err(wrong(match lang {
            Lang::En => {
                format!("nothing is called {only}; --only wants a group, or the name of an item")
            }
            Lang::Zh => format!("没有名为 {only} 的项目；--only 需要分组名或项目名"),
        }));
    }
    if let Some(path) = &arguments.junit {
        let xml = report::junit(&findings, lang).map_err(Failure::Answer)?;
        std::fs::write(path, xml).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&findings)
            .map_err(|error| Failure::Answer(error.to_string()))?;
        say(json)?;
    } else {
        let what = match (arguments.quiet, arguments.verbose) {
            (true, _) => Shown::Quiet,
            (false, true) => Shown::Verbose,
            (false, false) => Shown::Normal,
        };
        say(report::text(&findings, lang, what))?;
        if arguments.spam.is_none() && arguments.only.is_empty() {
            complain(lang.of(UNMODERATED));
        }
        let is_open =
            |finding: &Finding| finding.name == "refuses.unsigned" && finding.went == Went::Fail;
        if findings.iter().any(is_open) {
            complain(lang.of(OPEN));
        }
        if findings.iter().any(|finding| finding.name.starts_with("broken.after.")) {
            complain(lang.of(DEAD));
        }
    }
    if findings.iter().any(|finding| finding.went == Went::Fail) {
        return Err(Failure::Shown);
    }
    Ok(())
}
