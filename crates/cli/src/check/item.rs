//! One thing that a careful endpoint answers rightly.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde::Serialize;
use tencent_im_callback::Command;
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::testing::SignedRequest;

use crate::client::{Answer, Client, Trouble};
use crate::curl::curl;
use crate::envelope::{self, Envelope};
use crate::lang::{Lang, Said, Text};
use crate::output::escaped;
use crate::send::build;

/// Bytes of a body that are shown.
pub(super) const SHOWN: usize = 1500;

/// What is wanted of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Status 200, and an envelope that says OK; the verdict may be any.
    Taken,
    /// An envelope, whatever it says.
    Answered,
    /// A status of 4xx, or an envelope that says FAIL.
    Refused,
    /// The same, or a connection that is closed: the body is too long to be read.
    CutOff,
    /// Of a *before* callback that can only be read with broken characters in it: a verdict, or
    /// 5xx.
    Verdict,
    /// Of a *before* callback that nobody can read: blocked, or 5xx.
    Blocked,
    /// The same, or a connection that is closed: the body is too long to be read.
    BlockedOrCutOff,
    /// Of a notification that nobody can read: taken. If it is refused, that is a warning: the
    /// event is lost.
    Noted,
    /// Of a message part of which nobody can judge: blocked. If it is allowed, that is a warning:
    /// it may be on purpose.
    Withheld,
    /// Accepted, and the verdict allows the action.
    Allowed,
    /// Taken, and the verdict refuses, discards or rewrites the message so that this word is gone.
    Moderated(String),
}

impl Wanted {
    pub(crate) fn text(&self) -> Text {
        match self {
            Wanted::Taken => Text("status 200, ActionStatus OK", "状态码 200，ActionStatus 为 OK"),
            Wanted::Answered => Text("a JSON envelope, whatever it says", "任意内容的 JSON 应答"),
            Wanted::Refused => {
                Text("a status of 4xx, or ActionStatus FAIL", "4xx 状态码，或 ActionStatus 为 FAIL")
            }
            Wanted::CutOff => Text(
                "a status of 4xx, ActionStatus FAIL, or a closed connection",
                "4xx 状态码、ActionStatus 为 FAIL，或关闭连接",
            ),
            Wanted::Verdict => {
                Text("a verdict, or a status of 5xx; no 4xx", "审核结果，或 5xx 状态码；不能是 4xx")
            }
            Wanted::Blocked => Text(
                "an ErrorCode that refuses, for friend requests a ResultCode for each person, or a \
                status of 5xx",
                "表示拒绝的 ErrorCode（加好友时为每个人的 ResultCode），或 5xx 状态码",
            ),
            Wanted::BlockedOrCutOff => Text(
                "an ErrorCode that refuses, a status of 5xx, or a closed connection",
                "表示拒绝的 ErrorCode、5xx 状态码，或关闭连接",
            ),
            Wanted::Noted => Text(
                "status 200, ActionStatus OK (a refusal is a warning)",
                "状态码 200，ActionStatus 为 OK（拒绝则为警告）",
            ),
            Wanted::Withheld => Text(
                "an ErrorCode that refuses (to allow it is a warning)",
                "表示拒绝的 ErrorCode（放行则为警告）",
            ),
            Wanted::Allowed => Text("status 200, ErrorCode 0", "状态码 200，ErrorCode 为 0"),
            Wanted::Moderated(_) => Text(
                "status 200, and an ErrorCode that refuses (for friend requests a ResultCode for \
                each person), or a MsgBody without the word",
                "状态码 200，且 ErrorCode 表示拒绝（加好友时为每个人的 ResultCode），或 MsgBody 中不再含有该词",
            ),
        }
    }

    /// What is wrong with what came, if anything is.
    pub(crate) fn judge(
        &self,
        command: &Command,
        came: &Result<Answer, Trouble>,
    ) -> Result<(), Said> {
        let answer = match (came, self) {
            (Ok(answer), _) => answer,
            (Err(Trouble::Broken(_)), Wanted::CutOff | Wanted::BlockedOrCutOff) => return Ok(()),
            (Err(trouble), _) => return Err(trouble.said()),
        };
        match self {
            Wanted::Taken | Wanted::Noted => envelope::accepted(answer).map(drop),
            Wanted::Answered => Envelope::of(answer).map(drop),
            Wanted::Refused | Wanted::CutOff => envelope::refused(answer),
            Wanted::Verdict if answer.status.is_server_error() => Ok(()),
            Wanted::Verdict => match envelope::accepted(answer) {
                Ok(_) if envelope::meaning(command, answer) == Meaning::NoVerdict => {
                    Err(envelope::NO_VERDICT.into())
                }
                Ok(_) => Ok(()),
                Err(what) => Err(envelope::goes_on(what)),
            },
            Wanted::Blocked | Wanted::BlockedOrCutOff | Wanted::Withheld => {
                envelope::blocked(command, answer)
            }
            Wanted::Allowed => {
                envelope::accepted(answer)?;
                match envelope::meaning(command, answer) {
                    Meaning::Allow | Meaning::Rewrite => Ok(()),
                    _ => Err(Text("it was refused", "被拒绝").into()),
                }
            }
            Wanted::Moderated(word) => {
                envelope::accepted(answer)?;
                match envelope::meaning(command, answer) {
                    Meaning::Reject | Meaning::Discard => Ok(()),
                    Meaning::Rewrite if is_rewritten(answer, word) => Ok(()),
                    Meaning::NoVerdict => Err(envelope::NO_VERDICT.into()),
                    _ => Err(Text("it was let through", "被放行").into()),
                }
            }
        }
    }

    /// Whether what came is no failure, although it is not as wanted.
    fn tolerates(&self, came: &Result<Answer, Trouble>) -> bool {
        match (self, came) {
            // To answer 200 is what our own middleware chose to do.
            (Wanted::Noted, Ok(_)) => true,
            (Wanted::Withheld, Ok(answer)) => envelope::accepted(answer).is_ok(),
            _ => false,
        }
    }
}

/// Whether the answer holds a message in place of the one sent, without the word in it.
fn is_rewritten(answer: &Answer, word: &str) -> bool {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(&answer.body) else {
        return false;
    };
    // Written anew, so that no escape hides it.
    let quoted = serde_json::Value::from(word).to_string();
    let inside = &quoted[1..quoted.len() - 1];
    members.contains_key("MsgBody")
        && !serde_json::Value::from(members).to_string().contains(inside)
}

/// A request to be sent, and what is wanted of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) command: Command,
    pub(crate) request: SignedRequest,
    /// Sent in pieces of unknown length.
    pub(crate) chunked: bool,
    /// A word of the URL and its replacement.
    pub(crate) instead: Option<(&'static str, &'static str)>,
    pub(crate) wanted: Wanted,
    pub(crate) why: Text,
    /// Only a warning where unsigned requests are taken on purpose.
    pub(crate) by_signature: bool,
}

impl Item {
    /// `command` is that of the request.
    pub(crate) fn new(
        name: impl Into<String>,
        command: Command,
        request: SignedRequest,
        wanted: Wanted,
        why: Text,
    ) -> Self {
        Item {
            name: name.into(),
            command,
            request,
            chunked: false,
            instead: None,
            wanted,
            why,
            by_signature: false,
        }
    }

    /// The request, signed now.
    pub(crate) fn build(&self) -> Request<Full<Bytes>> {
        let mut request = build(&self.request);
        if self.chunked {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
        }
        if let Some((word, other)) = self.instead {
            // One word for another: a URL stays one.
            if let Ok(uri) = request.uri().to_string().replacen(word, other, 1).parse() {
                *request.uri_mut() = uri;
            }
        }
        request
    }
}

/// How an item went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Went {
    Pass,
    /// Not as wanted, but on purpose.
    Warn,
    Fail,
}

/// What came of an item.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) went: Went,
    /// As a `curl` command, with the signature left out.
    pub(crate) sent: String,
    pub(crate) came: String,
    pub(crate) wanted: String,
    pub(crate) why: String,
    #[serde(serialize_with = "as_millis", rename = "took_ms")]
    pub(crate) took: Duration,
}

fn as_millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(crate::history::millis(*took))
}

/// What came, in a line.
pub(crate) fn came(result: &Result<Answer, Trouble>, lang: Lang) -> String {
    match result {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4 * SHOWN)]);
            format!("{} {}", answer.status.as_u16(), escaped(&body, 300))
        }
        Err(trouble) => escaped(&trouble.said().of(lang), 300),
    }
}

/// Sends an item and judges what comes.
pub(crate) async fn ask(item: &Item, client: &Client, lang: Lang, unsigned: bool) -> Finding {
    let request = item.build();
    let body = crate::send::body_of(&item.request);
    let sent = curl(&client.target().origin(), &request, &body, SHOWN);
    let result = client.send(request).await;
    let judged = item.wanted.judge(&item.command, &result);
    let went = match &judged {
        Ok(()) => Went::Pass,
        Err(_) if (unsigned && item.by_signature) || item.wanted.tolerates(&result) => Went::Warn,
        Err(_) => Went::Fail,
    };
    let mut came = came(&result, lang);
    if let (Err(wrong), Ok(_)) = (judged, &result) {
        let wrong = escaped(&wrong.of(lang), 200);
        came = match lang {
            Lang::En => format!("{came} ({wrong})"),
            Lang::Zh => format!("{came}（{wrong}）"),
        };
    }
    Finding {
        name: item.name.clone(),
        went,
        sent,
        came,
        wanted: lang.of(item.wanted.text()).to_owned(),
        why: lang.of(item.why).to_owned(),
        took: result.map_or(Duration::ZERO, |answer| answer.took),
    }
}
