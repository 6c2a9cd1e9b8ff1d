//! What answers look like, and how soon they come.

use std::time::Duration;

use tencent_im_callback::Command;
use tencent_im_callback::reply::Meaning;

use super::item::{Finding, SHOWN, Went, came};
use super::items::Make;
use super::progress::Progress;
use crate::client::{Answer, Client, TENCENT, Trouble};
use crate::curl::curl;
use crate::envelope::{Envelope, meaning};
use crate::lang::{Lang, Text};
use crate::send::{body_of, build};
use crate::storm::Latencies;

/// Whether the code of an answer is one that the command allows.
fn allows(command: &Command, answer: &Answer, code: i64) -> bool {
    match meaning(command, answer) {
        Meaning::NoVerdict => false,
        // Of a friend request any other code lets everybody through.
        Meaning::Allow | Meaning::Ignored => code == 0,
        _ => true,
    }
}

fn content_type(answer: &Answer) -> Option<&str> {
    answer.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
}

fn is_json(answer: &Answer) -> bool {
    content_type(answer)
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}

/// A question, and the commands whose answers are not as wanted.
struct Question {
    name: &'static str,
    wanted: Text,
    why: Text,
    wrong: Vec<(String, String)>,
}

fn questions() -> [Question; 4] {
    let question = |name, wanted, why| Question { name, wanted, why, wrong: Vec::new() };
    [
        question(
            "answers.envelope",
            Text(
                "JSON with ActionStatus, ErrorCode (a number) and ErrorInfo",
                "包含 ActionStatus、ErrorCode（数字）和 ErrorInfo 的 JSON",
            ),
            Text(
                "Tencent reads anything else as a failed callback",
                "其他内容会被腾讯云视为回调失败",
            ),
        ),
        question(
            "answers.content-type",
            Text("Content-Type: application/json", "Content-Type: application/json"),
            Text("the vendor asks for it", "腾讯云文档如此要求"),
        ),
        question(
            "answers.code",
            Text(
                "ErrorCode 0, or one that the command allows",
                "ErrorCode 为 0，或该回调命令字允许的值",
            ),
            Text(
                "any other code is no verdict, and the action goes on; to a friend request it lets \
                everybody through",
                "其他错误码不是有效应答，操作会继续进行；加好友的回调则会放行所有人",
            ),
        ),
        question(
            "answers.in-time",
            Text("an answer within 2 s", "2 秒内应答"),
            Text(
                "Tencent waits 2 s, and then lets the action go on",
                "腾讯云等待 2 秒，之后操作会继续进行",
            ),
        ),
    ]
}

/// Asks the sample of every command, and looks at the answers in four ways.
pub(crate) async fn answers(
    make: Make<'_>,
    client: &Client,
    lang: Lang,
    commands: &[Command],
    progress: &Progress,
) -> Vec<Finding> {
    let mut questions = questions();
    let mut latencies = Latencies::new();
    let mut longest = Duration::ZERO;
    for command in commands {
        progress.next("answers");
        let signed = make(command.clone());
        let request = build(&signed);
        let sent = curl(&client.target().origin(), &request, &body_of(&signed), SHOWN);
        let result = client.send(request).await;
        let took = match &result {
            Ok(answer) => answer.took,
            Err(Trouble::Late(time)) => *time,
            Err(_) => Duration::ZERO,
        };
        latencies.add(took);
        longest = longest.max(took);
        for (question, good) in questions.iter_mut().zip(look(command, &result, took)) {
            if !good {
                let shown = match (&result, question.name) {
                    (_, "answers.in-time") => {
                        format!("{} ms: {}", took.as_millis(), came(&result, lang))
                    }
                    (Ok(answer), "answers.content-type") => {
                        content_type(answer).unwrap_or(lang.of(Text("none", "没有"))).to_owned()
                    }
                    _ => came(&result, lang),
                };
                question.wrong.push((sent.clone(), format!("{command}: {shown}")));
            }
        }
    }
    let all = commands.len();
    questions.into_iter().map(|question| question.found(all, &latencies, longest, lang)).collect()
}

/// Whether an answer is as wanted, for each of the [`questions`].
fn look(command: &Command, result: &Result<Answer, Trouble>, took: Duration) -> [bool; 4] {
    let envelope = result.as_ref().ok().map(Envelope::of);
    [
        matches!(&envelope, Some(Ok(_))) && has_info(result),
        result.as_ref().is_ok_and(is_json),
        match (&envelope, result) {
            (Some(Ok(envelope)), Ok(answer)) if envelope.is_ok() && answer.status == 200 => {
                allows(command, answer, envelope.error_code)
            }
            // Said by the first question.
            _ => true,
        },
        took < TENCENT,
    ]
}

impl Question {
    /// What is found after `all` answers.
    fn found(self, all: usize, latencies: &Latencies, longest: Duration, lang: Lang) -> Finding {
        let (p50, p99) = (latencies.at(50.0), latencies.at(99.0));
        let wrong = self.wrong.len();
        let (sent, came) = match (self.wrong.into_iter().next(), lang) {
            (Some((sent, came)), Lang::En) => (sent, format!("{wrong} of {all}, first {came}")),
            (Some((sent, came)), Lang::Zh) => {
                (sent, format!("{all} 个应答中有 {wrong} 个，第一个是 {came}"))
            }
            (None, Lang::En) => {
                (String::new(), format!("{all} answers, p50 {p50:.1} ms, p99 {p99:.1} ms"))
            }
            (None, Lang::Zh) => {
                (String::new(), format!("{all} 个应答，p50 {p50:.1} ms，p99 {p99:.1} ms"))
            }
        };
        Finding {
            name: self.name.to_owned(),
            went: if wrong > 0 { Went::Fail } else { Went::Pass },
            sent,
            came,
            wanted: lang.of(self.wanted).to_owned(),
            why: lang.of(self.why).to_owned(),
            took: longest,
        }
    }
}

/// Whether it has an `ErrorInfo`, which is a text.
fn has_info(result: &Result<Answer, Trouble>) -> bool {
    let Ok(answer) = result else { return false };
    let value: Result<serde_json::Value, _> = serde_json::from_slice(&answer.body);
    value.is_ok_and(|value| value["ErrorInfo"].is_string())
}
