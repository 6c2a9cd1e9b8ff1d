//! The server behind `listen --forward`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use tencent_im_callback::Callback;
use tencent_im_callback::reply::Meaning;

use crate::client::{Answer, Client, TENCENT, Trouble, passed_on};
use crate::envelope;
use crate::history::Verdict;

/// Sends a callback to the server behind, with the very same path, query and body.
pub(crate) async fn forward(
    client: &Client,
    request: Request<Full<Bytes>>,
    callback: &Callback,
) -> (Answer, Verdict, Option<String>) {
    match client.send(request).await {
        Ok(mut answer) => {
            let meaning = envelope::meaning(callback.answered_as(), &answer);
            let (verdict, mut note) = match (envelope::accepted(&answer), meaning) {
                (Ok(_), Meaning::Allow | Meaning::Ignored) => (Verdict::Accepted, None),
                (Ok(_), Meaning::NoVerdict) => {
                    let note = "the server behind gave no verdict: by default the action goes on";
                    (Verdict::Accepted, Some(note.to_owned()))
                }
                (Ok(_), _) => (Verdict::Moderated, None),
                (Err(why), _) => (Verdict::Failed, Some(format!("the server behind: {why}"))),
            };
            if answer.took > TENCENT {
                note = Some(note.unwrap_or_else(|| {
                    "the server behind took longer than the 2 s that Tencent waits".into()
                }));
            }
            answer.headers = passed_on(&answer.headers);
            (answer, verdict, note)
        }
        Err(trouble) => {
            let status = match trouble {
                Trouble::Late(_) => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            };
            let why = format!("the server behind: {trouble}");
            (plain(status, format!("{why}\n")), Verdict::Failed, Some(why))
        }
    }
}

/// An answer of our own.
pub(crate) fn plain(status: StatusCode, text: String) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Answer { status, headers, body: text.into(), took: Duration::ZERO }
}
