//! The envelope of an answer, and what the answer means.

use serde::Deserialize;
use tencent_im_callback::Command;
use tencent_im_callback::reply::Meaning;

use crate::client::Answer;

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
    /// What is wrong with it, in English words.
    pub(crate) fn of(answer: &Answer) -> Result<Self, String> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("the answer is no envelope: {error}"))
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
pub(crate) const NO_VERDICT: &str =
    "its ErrorCode is no verdict on this command: by default the action goes on";

/// Whether a callback was taken: status 200, and an envelope that says OK.
///
/// # Errors
///
/// What came instead.
pub(crate) fn accepted(answer: &Answer) -> Result<Envelope, String> {
    if answer.status != 200 {
        return Err(format!("status {}", answer.status.as_u16()));
    }
    let envelope = Envelope::of(answer)?;
    if !envelope.is_ok() {
        return Err(format!("ActionStatus is {:?}, not OK", envelope.action_status));
    }
    Ok(envelope)
}

/// Whether a request was refused: a status of 4xx or 501, or an envelope that says FAIL.
///
/// # Errors
///
/// What came instead.
pub(crate) fn refused(answer: &Answer) -> Result<(), String> {
    // 501 is what some servers say to a method that they do not know.
    if answer.status.is_client_error() || answer.status == 501 {
        return Ok(());
    }
    match Envelope::of(answer) {
        Ok(envelope) if answer.status == 200 && envelope.action_status == "FAIL" => Ok(()),
        Ok(_) if answer.status == 200 => {
            Err("it was taken as a good one (status 200, ActionStatus OK)".into())
        }
        Err(_) if answer.status == 200 => {
            Err("status 200 without an envelope that says FAIL".into())
        }
        _ => Err(format!("status {}", answer.status.as_u16())),
    }
}

/// Whether the answer to a *before* callback that nobody can judge blocks the action, or says that
/// the endpoint failed.
///
/// # Errors
///
/// What it does instead.
pub(crate) fn blocked(command: &Command, answer: &Answer) -> Result<(), String> {
    if answer.status.is_server_error() {
        return Ok(());
    }
    if answer.status != 200 {
        let status = answer.status.as_u16();
        return Err(format!("status {status}: by default the action goes on"));
    }
    match meaning(command, answer) {
        Meaning::Reject | Meaning::Discard => Ok(()),
        Meaning::RejectSome => Err("some of the persons were let through".into()),
        Meaning::NoVerdict => Err(NO_VERDICT.into()),
        _ => Err("it was let through, although nobody can read it all".into()),
    }
}
