//! The envelope of an answer, and what the answer means.

use serde::Deserialize;
use tencent_im_callback::Command;
use tencent_im_callback::reply::Meaning;

use crate::client::{Answer, TENCENT};
use crate::lang::{Said, Text};

/// `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`, without what stands beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Envelope {
    pub(crate) action_status: String,
    pub(crate) error_code: i64,
}

impl Envelope {
    /// The envelope of an answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn of(answer: &Answer) -> Result<Self, Said> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Said(
                format!("the answer is no envelope: {error}"),
                format!("应答不是规定的 JSON 结构：第 {line} 行第 {column} 列有误"),
            )
        })
    }

    /// Whether the endpoint says that it has dealt with the callback, whatever the verdict.
    pub(crate) fn is_ok(&self) -> bool {
        self.action_status == "OK"
    }
}

/// What Tencent does after this answer to a callback of this command.
pub(crate) fn meaning(command: &Command, answer: &Answer) -> Meaning {
    Meaning::of(command, answer.status.as_u16(), &answer.body)
}

/// What is wrong with an answer that decides nothing, such as an `ErrorCode` that the command does
/// not have.
pub(crate) const NO_VERDICT: Text = Text(
    "its ErrorCode is no verdict on this command: by default the action goes on",
    "该回调命令字没有这个 ErrorCode，不构成审核结果：腾讯云默认放行",
);

/// What is wrong with an answer that Tencent does not wait for.
const LATE: Text =
    Text("the answer took longer than the 2 s that Tencent waits", "应答超过了腾讯云等待的 2 秒");

/// Another status than was wanted.
fn status(answer: &Answer) -> Said {
    let status = answer.status.as_u16();
    Said(format!("status {status}"), format!("状态码 {status}"))
}

/// Whether a callback was taken: status 200, and an envelope that says OK.
///
/// # Errors
///
/// What came instead.
pub(crate) fn accepted(answer: &Answer) -> Result<Envelope, Said> {
    if answer.status != 200 {
        return Err(status(answer));
    }
    let envelope = Envelope::of(answer)?;
    if !envelope.is_ok() {
        let status = envelope.action_status;
        return Err(Said(
            format!("ActionStatus is {status:?}, not OK"),
            format!("ActionStatus 为 {status:?}，不是 OK"),
        ));
    }
    Ok(envelope)
}

/// Whether a valid callback was accepted in time, with an answer that this command knows: any
/// verdict.
///
/// # Errors
///
/// What came instead.
pub(crate) fn taken(command: &Command, answer: &Answer) -> Result<(), Said> {
    accepted(answer)?;
    match meaning(command, answer) {
        Meaning::NoVerdict => Err(NO_VERDICT.into()),
        _ if answer.took > TENCENT => Err(LATE.into()),
        _ => Ok(()),
    }
}

/// Whether a request was refused: a status of 4xx or 501, or an envelope that says FAIL.
///
/// # Errors
///
/// What came instead.
pub(crate) fn refused(answer: &Answer) -> Result<(), Said> {
    // 501 is what some servers say to a method that they do not know.
    if answer.status.is_client_error() || answer.status == 501 {
        return Ok(());
    }
    match Envelope::of(answer) {
        Ok(envelope) if answer.status == 200 && envelope.action_status == "FAIL" => Ok(()),
        Ok(_) if answer.status == 200 => Err(Text(
            "it was taken as a good one (status 200, ActionStatus OK)",
            "被当作正常请求接受（状态码 200，ActionStatus 为 OK）",
        )
        .into()),
        Err(_) if answer.status == 200 => Err(Text(
            "status 200 without an envelope that says FAIL",
            "状态码 200，但应答中的 ActionStatus 不是 FAIL",
        )
        .into()),
        _ => Err(status(answer)),
    }
}

/// What is wrong with an answer after which Tencent lets the action go on.
pub(crate) fn goes_on(Said(en, zh): Said) -> Said {
    Said(format!("{en}: by default the action goes on"), format!("{zh}：腾讯云默认放行"))
}

/// Whether the answer to a *before* callback that nobody can judge blocks the action, or says that
/// the endpoint failed.
///
/// # Errors
///
/// What it does instead.
pub(crate) fn blocked(command: &Command, answer: &Answer) -> Result<(), Said> {
    if answer.status.is_server_error() {
        return Ok(());
    }
    if answer.status != 200 {
        return Err(goes_on(status(answer)));
    }
    match meaning(command, answer) {
        Meaning::Reject | Meaning::Discard => Ok(()),
        Meaning::RejectSome => {
            Err(Text("some of the persons were let through", "其中一部分人被放行").into())
        }
        Meaning::NoVerdict => Err(NO_VERDICT.into()),
        _ => Err(Text(
            "it was let through, although nobody can read it all",
            "内容无法全部读出，却被放行",
        )
        .into()),
    }
}
