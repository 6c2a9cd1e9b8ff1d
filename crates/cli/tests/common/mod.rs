//! Runs the built binary.
#![allow(dead_code, unreachable_pub)] // each test uses some of it

pub mod browser;
pub mod check;
pub mod queue;
pub mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_im-callback"));
    command.env_remove("IM_SDK_APP_ID").env("IM_CALLBACK_TOKEN", "xxxxyyyy").env("LC_ALL", "C");
    command
}

pub fn run(arguments: &[&str]) -> Run {
    run_with(arguments, "")
}

pub fn run_with(arguments: &[&str], input: &str) -> Run {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may well end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A program that goes on until it is dropped.
pub struct Background {
    pub child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

fn lines(from: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

impl Background {
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(command(), arguments)
    }

    pub fn of(mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Background { child, lines: lines(out), errors: lines(err) }
    }

    /// The next line of standard output.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(20)).expect("a line")
    }

    /// No further line within a moment.
    pub fn is_quiet(&self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(200)).is_err()
    }

    /// The next line of standard error.
    pub fn next_error(&self) -> String {
        self.errors.recv_timeout(Duration::from_secs(20)).expect("a line")
    }

    /// What stands after this in some line of standard error.
    pub fn announced(&self, before: &str) -> String {
        loop {
            let line = self.next_error();
            if let Some((_, rest)) = line.split_once(before) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
