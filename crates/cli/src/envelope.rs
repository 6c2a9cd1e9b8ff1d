//! The envelope of an answer.

use serde::Deserialize;
use serde_json::Value;

use crate::client::Answer;

/// `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}` and what stands beside it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Envelope {
    #[serde(rename = "ActionStatus")]
    pub(crate) action_status: String,
    #[serde(rename = "ErrorCode")]
    pub(crate) error_code: i64,
    /// What a `Sns.Prev…` answers for each person.
    #[serde(rename = "ResultItem", default)]
    pub(crate) result_item: Vec<Value>,
}

impl Envelope {
    /// The envelope of an answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in English words.
    pub(crate) fn of(answer: &Answer) -> Result<Self, String> {
        serde_json::from_slice(&answer.body).map_err(|error| format!("the answer is no envelope: {error}"))
    }

    /// Whether the endpoint says that it has dealt with the callback, whatever the verdict.
    pub(crate) fn is_ok(&self) -> bool {
        self.action_status == "OK"
    }

    /// Whether the verdict is to refuse or discard, as a whole or for each person.
    pub(crate) fn refuses(&self) -> bool {
        let refused = |item: &Value| {
            item.get("ResultCode")
                .and_then(Value::as_i64)
                .is_some_and(|code| code != 0)
        };
        self.error_code != 0 || (!self.result_item.is_empty() && self.result_item.iter().all(refused))
    }
}

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
        Ok(_) if answer.status == 200 => Err("it was taken as a good one (status 200, ActionStatus OK)".into()),
        Err(_) if answer.status == 200 => Err("status 200 without an envelope that says FAIL".into()),
        _ => Err(format!("status {}", answer.status.as_u16())),
    }
}
