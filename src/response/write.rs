//! Building the response for each way a request can end.

use bytes::Bytes;
use http::header::{self, ALLOW};
use http::{HeaderValue, Response, StatusCode};

use super::body::ResponseBody;
use super::outcome::Outcome;
use super::sampler::Sampler;
use super::trace::report;
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::Reply;

/// Content type of every answer.
pub(crate) const CONTENT_TYPE: &str = "application/json; charset=utf-8";

const JSON: HeaderValue = HeaderValue::from_static(CONTENT_TYPE);

/// What the peer is told when handling failed, whatever the error was.
pub(crate) const NOT_HANDLED: &str = "callback not handled";

const NOT_HANDLED_ENVELOPE: &[u8] =
    br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#;

#[inline]
fn json(status: StatusCode, body: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// The response with the reply of the service.
#[inline]
pub(crate) fn replied(reply: Reply) -> Response<ResponseBody> {
    json(StatusCode::OK, reply.into_bytes())
}

/// The response to a request that is refused, or that is the console's check of the URL.
pub(crate) fn rejection(kind: RejectionKind) -> Response<ResponseBody> {
    let body = Bytes::from_static(kind.envelope().as_bytes());
    let mut response = json(kind.status(), body);
    if kind == RejectionKind::MethodNotAllowed {
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, post);
    }
    response
}

/// Refuses a request by its method and URL alone.
pub(crate) fn refuse(rejection: Rejection, sampler: &Sampler) -> Response<ResponseBody> {
    let mut response = self::rejection(rejection.kind());
    conclude(&mut response, Outcome::of_rejection(rejection, None), sampler);
    response
}

/// Reports how a request was answered, in the log and in the response's extensions.
#[inline]
pub(crate) fn conclude<B>(response: &mut Response<B>, outcome: Outcome, sampler: &Sampler) {
    report(&outcome, Some(response.status()), sampler);
    response.extensions_mut().insert(outcome);
}

/// The response if the callback could not be handled and the settings have no reply for that.
pub(crate) fn server_error() -> Response<ResponseBody> {
    let body = Bytes::from_static(NOT_HANDLED_ENVELOPE);
    json(StatusCode::INTERNAL_SERVER_ERROR, body)
}

impl Rejection {
    /// The reply for the peer, to be sent with [`status`](Self::status): `FAIL` and a fixed
    /// message, or `OK` for a check of the callback URL.
    pub fn to_reply(&self) -> Reply {
        Reply::of_envelope(self.kind().envelope())
    }

    /// The response for the peer: status, `FAIL` and a fixed message, or `OK` for a check of the
    /// callback URL.
    pub fn to_response(&self) -> Response<ResponseBody> {
        rejection(self.kind())
    }
}
