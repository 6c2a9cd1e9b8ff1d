use std::fmt;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tower_service::Service;

use super::service::CallbackService;
use crate::callback::Callback;
use crate::reply::Reply;
use crate::response::{CONTENT_TYPE, Outcome, OutcomeKind};

/// Handles one request without tower: in another web framework, or in a cloud function.
///
/// It does everything that [`CallbackService`] does: verify, parse, call the service, write the
/// reply. Send the result in any case: status, content type and body.
///
/// ```
/// use bytes::Bytes;
/// use http::{Method, Uri};
/// use tencent_im_callback::{App, CallbackLayer, EventRouter, Token, respond};
/// use tower::Layer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Once:
/// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
/// let service = CallbackLayer::new(app).layer(EventRouter::new());
/// // For each request:
/// let uri: Uri = "/callback?SdkAppid=1400000000&CallbackCommand=State.StateChange".parse()?;
/// let answer = respond(&service, &Method::POST, &uri, Bytes::from_static(b"{}")).await;
/// assert_eq!(answer.status, 401);
/// assert_eq!(answer.content_type, "application/json; charset=utf-8");
/// # Ok(())
/// # }
/// ```
pub async fn respond<S>(
    service: &CallbackService<S>,
    method: &Method,
    uri: &Uri,
    body: Bytes,
) -> Answer
where
    S: Service<Callback> + Clone,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    let Ok(response) = service.clone().call(request).await;
    let (mut parts, body) = response.into_parts();
    let outcome = parts.extensions.remove();
    Answer {
        status: parts.status,
        content_type: CONTENT_TYPE,
        body: body.into_bytes(),
        // Every response has an outcome; this is only to avoid a panic.
        outcome: outcome.unwrap_or_else(|| Outcome::new(OutcomeKind::Failed, None)),
    }
}

/// The answer of [`respond`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status of the response.
    pub status: StatusCode,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its body.
    pub body: Bytes,
    /// How the request was answered, for metrics and alerts.
    pub outcome: Outcome,
}
