use bytes::Bytes;
use serde::Serialize;

use super::request::{APP, SignedRequest};
use super::sample::app_of;
use crate::auth::{App, Verified, Verifier};
use crate::callback::Callback;
use crate::event::{Event, TypedEvent};
use crate::types::SdkAppId;

/// Makes a callback of one event from JSON, for the unit test of a handler. Its URL is that of a
/// [`SignedRequest`].
///
/// # Panics
///
/// If the JSON does not fit the event. The message says where.
#[track_caller]
pub fn callback<E: TypedEvent>(json: &str) -> Callback<E> {
    let app = app_of(json.as_bytes()).unwrap_or(SdkAppId(APP));
    let request: http::Request<Bytes> =
        SignedRequest::new(E::COMMAND).app(app).body(json.to_owned()).build();
    let (parts, body) = request.into_parts();
    let verifier = Verifier::new(App::unsigned(app));
    let params = match verifier.verify(&parts.method, &parts.uri) {
        Ok(Verified::Callback(params)) => params,
        Ok(Verified::Probe) => panic!("a request without a command"),
        Err(rejection) => panic!("{rejection}"),
    };
    match Callback::parse_untyped(params, body) {
        Ok(callback) => match callback.event.misfit() {
            Some(misfit) => panic!("{misfit}: {}", misfit.message()),
            None => callback.map_event(|event| match E::from_event(event) {
                Ok(event) => event,
                Err(Event::Unknown(event)) => panic!("{}: {event:?}", event.reason),
                Err(event) => panic!("the body is of {:?}", event.command()),
            }),
        },
        Err(rejection) => panic!("{rejection}"),
    }
}

/// Makes a callback of one event with a closure that fills in its fields, for the unit test of a
/// handler. A field that the closure leaves out is empty, also a time from which the
/// [`dedup_key`](crate::Callback::dedup_key) is made.
///
/// ```
/// use tencent_im_callback::event::state::StateChange;
/// use tencent_im_callback::testing;
///
/// let callback = testing::event(|event: &mut StateChange| event.info.to_account = "jared".into());
/// assert_eq!(callback.event.info.to_account, "jared");
/// ```
///
/// # Panics
///
/// If the result of the closure cannot be read again.
#[track_caller]
pub fn event<E: TypedEvent + Default + Serialize>(fill: impl FnOnce(&mut E)) -> Callback<E> {
    let mut event = E::default();
    fill(&mut event);
    match serde_json::to_string(&event) {
        Ok(json) => callback(&json),
        Err(error) => panic!("{error}"),
    }
}
