//! `check`: asks an endpoint everything that a careful one answers rightly.

mod answers;
mod broken;
mod item;
mod items;
mod lang;
mod moderates;
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
use self::lang::Lang;
use crate::client::{Client, Target};
use crate::credentials::Credentials;
use crate::output::{Failure, complain, say, wrong};
use crate::storm::progress;

/// Test an endpoint with valid, forged and malformed requests
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  im-callback check http://127.0.0.1:3000/callback
  im-callback check http://127.0.0.1:3000/callback --spam casino --only refuses --only moderates.c2c --lang zh

Groups: accepts, refuses, broken, moderates (with --spam), answers, survives. Exit status 1 if something fails; a warning is no failure.

The callbacks are samples, but the endpoint takes them for real ones: ask one that may be asked.")]
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

impl Arguments {
    /// Whether an item of this name is asked for. A group is asked for if one of its items may be.
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| {
                let rest = name.strip_prefix(only.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }

    async fn ask(&self, token: &Token, lang: Lang) -> Result<Vec<Finding>, Failure> {
        let client = Arc::new(Client::new(self.url.clone(), Duration::from_secs(self.timeout)));
        if let Err(trouble) = self.url.connect().await {
            return Err(Failure::Answer(format!("{}: {trouble}", self.url)));
        }
        let app = self.credentials.app_id();
        let make = |command: Command| {
            SignedRequest::new(command).app(app).token(token.clone()).url(&self.url.path)
        };
        let mut items: Vec<Item> = items::accepts(&make);
        items.extend(items::refuses(&make));
        items.extend(broken::broken(&make));
        if let Some(spam) = &self.spam {
            items.extend(moderates::moderates(&make, spam));
        }
        items.retain(|item| self.wants(&item.name));
        let bar = progress(items.len() as u64);
        let mut findings = Vec::new();
        for item in &items {
            bar.set_message(item.name.clone());
            findings.push(item::ask(item, &client, lang, self.unsigned).await);
            bar.inc(1);
        }
        // The four ask the same requests.
        let mut answers: Vec<&str> =
            vec!["answers.envelope", "answers.content-type", "answers.code", "answers.in-time"];
        answers.retain(|name| self.wants(name));
        if !answers.is_empty() {
            bar.set_message("answers");
            let found = answers::answers(&make, &client, lang).await;
            findings.extend(
                found.into_iter().filter(|finding| answers.contains(&finding.name.as_str())),
            );
        }
        bar.set_message("survives");
        findings.extend(survives::survives(&make, &client, lang, |name| self.wants(name)).await);
        bar.finish_and_clear();
        Ok(findings)
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let lang = arguments.lang.unwrap_or_else(Lang::of_locale);
    let token = arguments.credentials.token()?;
    let asked_for_moderation = arguments.only.iter().any(|only| only.starts_with("moderates"));
    if arguments.spam.is_none() && asked_for_moderation {
        return Err(wrong("moderates wants --spam WORD, a word that the endpoint refuses"));
    }
    let findings = tokio::select! {
        findings = arguments.ask(&token, lang) => findings?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::Answer("interrupted".into())),
    };
    if findings.is_empty() {
        let only = arguments.only.join(", ");
        return Err(wrong(format!(
            "nothing is called {only}; --only wants a group, or the name of an item"
        )));
    }
    if let Some(path) = &arguments.junit {
        let xml = report::junit(&findings).map_err(Failure::Answer)?;
        std::fs::write(path, xml).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&findings)
            .map_err(|error| Failure::Answer(error.to_string()))?;
        say(json)?;
    } else {
        say(report::text(&findings, lang, arguments.verbose))?;
        if arguments.spam.is_none() && arguments.only.is_empty() {
            complain(
                "moderation was not asked for: --spam WORD does, with a word that the endpoint refuses",
            );
        }
    }
    if findings.iter().any(|finding| finding.went == Went::Fail) {
        return Err(Failure::Shown);
    }
    Ok(())
}
