//! `send`: signed callbacks, right or deliberately wrong.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{Command, Phase, redacted};

use crate::client::{Answer, Client, TENCENT, Target, Trouble};
use crate::commands::known;
use crate::credentials::Credentials;
use crate::envelope;
use crate::lang::Said;
use crate::output::{Failure, escaped_lines, say, wrong};
use crate::set::Change;
use crate::storm::{self, Storm};

/// Longest body that is read from a file.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Send a signed callback, valid or deliberately broken
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  im-callback send http://127.0.0.1:3000/callback Sns.CallbackFriendDelete
  im-callback send http://127.0.0.1:3000/callback C2C.CallbackBeforeSendMsg \
    --set 'MsgBody[0].MsgContent.Text=damn'
  im-callback send http://127.0.0.1:3000/callback State.StateChange --fault Stale
  im-callback send http://127.0.0.1:3000/callback State.StateChange --count 10000 \
    --set 'Info.To_Account=user-{number}'

Exit status 0 if a good callback was taken (status 200, ActionStatus OK), or one with --fault was \
    refused. If only its body cannot be
read, a before callback must be blocked or answered 5xx instead, and a notification may be taken \
    as well.")]
pub(crate) struct Arguments {
    /// The endpoint, without parameters: http:// or https://host:port/path
    url: Target,
    /// A command such as Sns.CallbackFriendDelete
    command: String,
    #[command(flatten)]
    credentials: Credentials,
    /// With this body instead of the documented one; - reads standard input
    #[arg(long, value_name = "FILE|-")]
    body: Option<String>,
    /// Set a field of the body: path=text, or path:=json; {number} in the value is the number of
    /// the callback; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<Change>,
    /// With one more URL parameter; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// Parameters in the path, as on the oldest vendor pages
    #[arg(long = "path")]
    in_path: bool,
    /// Without a signature, as with authentication off
    #[arg(long)]
    unsigned: bool,
    /// Signed at this Unix time instead of now
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
    /// Wrong in one way
    #[arg(long, value_parser = fault, value_name = "FAULT", long_help = faults())]
    fault: Option<Fault>,
    /// Number of requests
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// At most this many requests per second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Concurrent requests
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
    /// Seconds to wait for an answer; Tencent waits 2
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("wants NAME=VALUE")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err("a name of letters, digits, - _ and . is wanted".into());
    }
    if value.len() > 4096 {
        return Err("the value is longer than 4096 bytes".into());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::ALL
        .iter()
        .copied()
        .find(|fault| format!("{fault:?}").eq_ignore_ascii_case(name))
        .ok_or_else(faults)
}

/// Whether the request is a good one but for its body.
fn is_of_body(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::CommandMismatch
            | Fault::TruncatedJson
            | Fault::NotJson
            | Fault::NotAnObject
            | Fault::TrailingBytes
            | Fault::TooLarge
    )
}

fn faults() -> String {
    let names: Vec<String> = Fault::ALL.iter().map(|fault| format!("{fault:?}")).collect();
    format!("Send it with one fault: {}", names.join(", "))
}

fn body(from: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if from == "-" {
        std::io::stdin().take(LONGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(Path::new(from))
            .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
    };
    read.map_err(|error| wrong(format!("{from}: {error}")))?;
    Ok(bytes)
}

/// The body of a request as it would be built.
pub(crate) fn body_of(request: &SignedRequest) -> Bytes {
    request.build::<Bytes>().into_body()
}

/// Builds it, signed now.
pub(crate) fn build(request: &SignedRequest) -> Request<Full<Bytes>> {
    let mut request: Request<Full<Bytes>> = request.build();
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    request
}

impl Arguments {
    fn request(&self) -> Result<SignedRequest, Failure> {
        let command = self.command();
        if command.is_unknown() && self.body.is_none() {
            let word = &self.command;
            return Err(wrong(format!(
                "no command is called {word:?}: see `im-callback commands`, or give a body with \
                --body"
            )));
        }
        if self.command.len() > 4096 || self.params.len() > 8 {
            return Err(wrong("the URL would be too long"));
        }
        let mut request =
            SignedRequest::new(command).url(&self.url.path).app(self.credentials.app_id());
        request = if self.unsigned {
            request.unsigned()
        } else {
            request.token(self.credentials.token()?)
        };
        if let Some(from) = &self.body {
            request = request.body(body(from)?);
        }
        let body = self.changed(body_of(&request), 1)?;
        request = request.body(body);
        for (name, value) in &self.params {
            request = request.parameter(name, value);
        }
        if self.in_path {
            request = request.path_parameters();
        }
        if let Some(time) = self.time {
            // Far from the end of the numbers, since a fault adds an hour.
            request = request.time(time.min(u64::MAX / 2));
        }
        if let Some(fault) = self.fault {
            request = request.fault(fault);
        }
        Ok(request)
    }

    /// The body of the callback with this number.
    fn changed(&self, body: Bytes, number: u64) -> Result<Bytes, Failure> {
        if self.sets.is_empty() {
            return Ok(body);
        }
        let mut text =
            String::from_utf8(body.to_vec()).map_err(|_| wrong("--set: the body is not UTF-8"))?;
        for change in &self.sets {
            let changed = change.numbered(number).apply(&text);
            text = changed.map_err(|error| wrong(format!("--set: {error}")))?;
        }
        Ok(text.into())
    }

    /// Whether a body that is too large was refused by closing the connection: the answer may be
    /// lost with it.
    fn is_refusal(&self, trouble: &Trouble) -> bool {
        self.fault == Some(Fault::TooLarge) && matches!(trouble, Trouble::Broken(_))
    }

    fn command(&self) -> Command {
        known(&self.command).unwrap_or_else(|| self.command.as_str().into())
    }

    /// What an answer that was expected does to the action, if an action waits for it.
    fn meaning(&self, answer: &Answer) -> Option<Meaning> {
        let command = self.command();
        let waits = command.phase() == Phase::Before && self.fault.is_none();
        waits.then(|| envelope::meaning(&command, answer))
    }

    /// What is wrong with an answer, if anything is.
    fn judge(&self, answer: &Answer) -> Result<(), Said> {
        let command = self.command();
        let may_decide = command.phase().may_decide();
        match self.fault {
            None => envelope::taken(&command, answer),
            Some(fault) if is_of_body(fault) && may_decide => envelope::blocked(&command, answer),
            Some(fault) if is_of_body(fault) && fault != Fault::TooLarge => {
                envelope::refused(answer).or_else(|_| envelope::accepted(answer).map(drop))
            }
            Some(_) => envelope::refused(answer),
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let request = arguments.request()?;
    let client = Client::new(arguments.url.clone(), Duration::from_secs(arguments.timeout));
    if arguments.count > 1 {
        let storm = Storm {
            count: arguments.count,
            rate: arguments.rate,
            parallel: arguments.parallel.into(),
        };
        let numbered = arguments.sets.iter().any(Change::is_numbered);
        let sent = storm::run(storm, async |at| {
            let built = if numbered {
                let body = arguments.changed(body_of(&request), at + 1);
                match body {
                    Ok(body) => build(&request.clone().body(body)),
                    Err(_) => return Err("--set: the body cannot be changed".to_owned()),
                }
            } else {
                build(&request)
            };
            let started = Instant::now();
            match client.send(built).await {
                Ok(answer) => match arguments.judge(&answer) {
                    Ok(()) => Ok((answer.took, arguments.meaning(&answer))),
                    Err(wrong) => Err(wrong.to_string()),
                },
                Err(trouble) if arguments.is_refusal(&trouble) => Ok((started.elapsed(), None)),
                Err(trouble) => Err(trouble.to_string()),
            }
        });
        return sent.await;
    }
    let built = build(&request);
    let (method, origin) = (built.method().clone(), client.target().origin());
    say(format_args!("{method} {origin}{}", redacted(built.uri())))?;
    let answer = match client.send(built).await {
        Ok(answer) => answer,
        Err(trouble) if arguments.is_refusal(&trouble) => {
            say(format_args!("{trouble}: the body was not wanted"))?;
            return Ok(());
        }
        Err(trouble) => return Err(Failure::Answer(trouble.to_string())),
    };
    say(answer.status)?;
    say(escaped_lines(&String::from_utf8_lossy(&answer.body), 4096))?;
    let verdict = if answer.took < TENCENT { "in time" } else { "too late" };
    let took = answer.took.as_secs_f64() * 1000.0;
    say(format_args!("{took:.1} ms, {verdict}: Tencent waits 2 s"))?;
    arguments.judge(&answer).map_err(|wrong| Failure::Answer(wrong.to_string()))
}
