//! `im-callback`: receives, inspects, sends, checks and replays the callbacks of Tencent Cloud IM.
#![forbid(unsafe_code)]

mod again;
mod behind;
mod check;
mod client;
mod commands;
mod credentials;
mod curl;
mod drift;
mod envelope;
mod history;
mod inspect;
mod lang;
mod listen;
mod output;
mod queue;
mod record;
mod replay;
mod send;
mod set;
mod storm;
mod tls;
mod writer;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::output::{Failure, Wrong};

/// Receives, inspects, sends, checks and replays the callbacks (webhooks) of Tencent Cloud IM.
///
/// Exit status: 0 on success, 1 if an answer or a check was wrong, 2 if the arguments were wrong.
#[derive(Debug, Parser)]
#[command(name = "im-callback", version, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive callbacks: print one line each, forward, record and inspect them
    Listen(Box<listen::Arguments>),
    /// List the commands, or show one: its phase, sample, answers and the vendor's page
    Commands(commands::Arguments),
    /// Send a signed callback, valid or deliberately broken
    Send(Box<send::Arguments>),
    /// Test an endpoint with valid, forged and malformed requests
    Check(Box<check::Arguments>),
    /// Send recorded callbacks again, with a new signature
    Replay(Box<replay::Arguments>),
    /// List the fields in recorded callbacks that this version does not know
    Drift(drift::Arguments),
    /// Manage a queue of `tencent-im-callback-queue`: counts, dead letters, export
    Queue(queue::Arguments),
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Listen(arguments) => listen::run(*arguments).await,
        Command::Commands(arguments) => commands::run(&arguments),
        Command::Send(arguments) => send::run(*arguments).await,
        Command::Check(arguments) => check::run(*arguments).await,
        Command::Replay(arguments) => replay::run(*arguments).await,
        Command::Drift(arguments) => drift::run(&arguments),
        Command::Queue(arguments) => queue::run(arguments).await,
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        // What was wrong has been shown.
        Err(Failure::Shown) => ExitCode::from(1),
        Err(Failure::Answer(text)) => {
            output::complain(&text);
            ExitCode::from(1)
        }
        Err(Failure::Use(Wrong(text))) => {
            output::complain(&text);
            ExitCode::from(2)
        }
    }
}
