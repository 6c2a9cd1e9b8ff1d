//! `replay`: recorded callbacks, sent again.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tencent_im_callback::{Command, StoredCallback, Token};

use crate::again::again;
use crate::client::{Client, Target};
use crate::commands::known;
use crate::credentials::Credentials;
use crate::envelope;
use crate::output::{Failure, complain, escaped, say, wrong};
use crate::record::Reader;
use crate::send::build;
use crate::storm::{Latencies, progress};

/// Longest pause between two callbacks.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Send recorded callbacks again, with a new signature, one after the other
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  im-callback replay callbacks.jsonl --to http://127.0.0.1:8080/callback
  im-callback replay callbacks.jsonl --only Sns.CallbackFriendDelete --speed 10")]
pub(crate) struct Arguments {
    /// A file that `listen --record` has written
    file: PathBuf,
    /// The endpoint
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000/callback")]
    to: Target,
    /// Send them as this app instead of the recorded one; the token is that of this app
    #[command(flatten)]
    credentials: Credentials,
    /// Send only this command; may be repeated
    #[arg(long, value_name = "COMMAND")]
    only: Vec<String>,
    /// Send at this many times the original speed; without it there are no pauses
    #[arg(long, value_parser = speed)]
    speed: Option<f64>,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.001..=1_000_000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.001 to 1000000 is wanted".into()),
    }
}

#[derive(Debug, Default)]
struct Count {
    sent: u64,
    wrong: u64,
}

impl Arguments {
    fn only(&self) -> Result<Vec<Command>, Failure> {
        let command = |word: &String| {
            known(word).ok_or_else(|| wrong(format!("no command is called {word:?}")))
        };
        self.only.iter().map(command).collect()
    }

    async fn one(
        &self,
        stored: StoredCallback,
        token: &Token,
        client: &Client,
    ) -> Result<Duration, String> {
        let request = again(&stored.params, stored.body, &self.to.path, self.credentials.given())
            .ok_or("its URL would be too long")?
            .token(token.clone());
        let answer = client.send(build(&request)).await.map_err(|trouble| trouble.to_string())?;
        envelope::taken(&stored.params.command, &answer).map_err(|wrong| wrong.to_string())?;
        Ok(answer.took)
    }

    async fn all(
        &self,
        reader: &mut Reader,
        only: &[Command],
        token: &Token,
        count: &mut Count,
        latencies: &mut Latencies,
    ) -> Result<(), Failure> {
        let client = Client::new(self.to.clone(), Duration::from_secs(self.timeout));
        let bar = progress(0);
        let mut last = None;
        while let Some(stored) = reader.next()? {
            let command = stored.params.command.clone();
            if !only.is_empty() && !only.contains(&command) {
                continue;
            }
            let at = stored.received_at.get();
            if let (Some(speed), Some(last)) = (self.speed, last) {
                let pause =
                    Duration::from_millis(u64::try_from(at.saturating_sub(last)).unwrap_or(0));
                tokio::time::sleep(pause.min(LONGEST_PAUSE).div_f64(speed).min(LONGEST_PAUSE))
                    .await;
            }
            last = Some(at);
            count.sent += 1;
            match self.one(stored, token, &client).await {
                Ok(took) => latencies.add(took),
                Err(what) => {
                    count.wrong += 1;
                    if count.wrong <= 20 {
                        let (sent, command) = (count.sent, escaped(command.as_str(), 100));
                        bar.suspend(|| {
                            complain(format_args!("{sent}: {command}: {}", escaped(&what, 300)));
                        });
                    }
                }
            }
            bar.set_length(count.sent);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let only = arguments.only()?;
    let mut reader = Reader::open(&arguments.file)?;
    let token = arguments.credentials.token()?;
    let (mut count, mut latencies) = (Count::default(), Latencies::new());
    let all = arguments.all(&mut reader, &only, &token, &mut count, &mut latencies);
    let done = tokio::select! {
        done = all => done,
        _ = tokio::signal::ctrl_c() => say("interrupted").map_err(Failure::from),
    };
    done?;
    let Count { sent, wrong } = count;
    say(format_args!("{sent} sent, {wrong} unexpected answers"))?;
    if sent > wrong {
        let (p50, p99) = (latencies.at(50.0), latencies.at(99.0));
        say(format_args!("p50 {p50:.1} ms, p99 {p99:.1} ms"))?;
    }
    if reader.skipped > 0 {
        say(format_args!("{} lines passed over", reader.skipped))?;
    }
    if wrong > 0 || reader.skipped > 0 { Err(Failure::Shown) } else { Ok(()) }
}
