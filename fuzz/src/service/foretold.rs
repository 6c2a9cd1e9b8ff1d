//! What comes out of the service, told from what was sent.

use tencent_im_callback::{
    Callback, Cause, Command, Event, OutcomeKind, Params, Phase, RejectionKind as Kind, Verified,
};

use super::ask::Answer;
use super::case::{Case, Does, End};
use super::is_stored;
use super::owner::is_owners;
use crate::body::{self, Expected, Told, told};
use crate::json;

pub(super) fn foretold(case: &Case, answer: &Answer) {
    let params = match case.verifier().verify(&case.parts.method, &case.parts.uri) {
        Ok(Verified::Callback(params)) => Some(params),
        Ok(_probe) => None,
        Err(rejection) => return refused(answer, rejection.kind(), false),
    };
    if let Some(why) = missing(case) {
        return not_arrived(case, answer, params.as_ref(), why);
    }
    let is_blank = body::is_blank(&case.data);
    let Some(params) = params else {
        // A check of the URL has nothing in its body. Anything else may be a callback.
        return refused(answer, if is_blank { Kind::Probe } else { Kind::UrlIncomplete }, true);
    };
    if is_blank && params.token_index().is_some() && !params.command.phase().may_decide() {
        return refused(answer, Kind::Probe, true);
    }
    arrived(case, answer, params);
}

fn refused(answer: &Answer, kind: Kind, polled: bool) {
    let outcome = match kind {
        Kind::Probe => OutcomeKind::Probe,
        _ => OutcomeKind::Rejected,
    };
    assert_eq!((answer.outcome, answer.status), (outcome, kind.status().as_u16()), "{kind}");
    assert_eq!(answer.polled, polled, "{kind}");
    assert!(answer.seen.is_empty());
    let phrase = json::read(&answer.body)
        .and_then(|json| Some(json.member("ErrorInfo")?.text()?.to_owned()));
    assert_eq!(phrase.as_deref(), Some(kind.phrase()));
}

/// Why the body does not arrive, and whether it was polled by then.
fn missing(case: &Case) -> Option<(Kind, Cause, bool)> {
    let declared = case.parts.headers.get("content-length").and_then(|length| length.to_str().ok());
    let too_long = declared.is_some_and(|length| {
        let digits = !length.is_empty() && length.chars().all(|digit| digit.is_ascii_digit());
        digits && length.parse().map_or(true, |length: u64| length > case.limit as u64)
    });
    if too_long || case.hint > case.limit as u64 {
        Some((Kind::BodyTooLarge, Cause::BodyTooLarge, false))
    } else if case.data.len() > case.limit {
        Some((Kind::BodyTooLarge, Cause::BodyTooLarge, true))
    } else if case.end == End::Error {
        Some((Kind::BodyIncomplete, Cause::BodyIncomplete, true))
    } else {
        None
    }
}

/// Who waits for a verdict gets the owner's answer, and a notification is refused.
fn not_arrived(
    case: &Case,
    answer: &Answer,
    params: Option<&Params>,
    (kind, cause, polled): (Kind, Cause, bool),
) {
    if kind == Kind::BodyIncomplete {
        assert!(answer.error.as_ref().is_some_and(|error| error.contains("connection reset")));
    }
    match params {
        Some(params) if params.command.phase().may_decide() => {
            assert_eq!((answer.outcome, answer.cause), (OutcomeKind::Failed, Some(cause)));
            assert!(answer.error.is_some() && answer.seen.is_empty() && answer.polled == polled);
            is_owners(case, answer, &params.command, b"");
        }
        _ => refused(answer, kind, polled),
    }
}

fn arrived(case: &Case, answer: &Answer, params: Params) {
    let url = params.command.clone();
    let strict = Callback::parse(params.clone(), case.data.clone());
    let callback = match Callback::parse_untyped(params, case.data.clone()) {
        Ok(callback) => callback,
        Err(rejection) => {
            // The one command whose body names the app.
            let found = (rejection.kind(), url);
            assert_eq!(found, (Kind::AppMismatch, Command::ContentCallbackResultNotify));
            return refused(answer, Kind::AppMismatch, true);
        }
    };
    is_stored(&callback, &case.data);
    let told = told(&url, &case.data);
    let reason = read_as(answer, &callback, &told);
    let unjudged = reason.filter(|_| told.waits());
    match strict {
        Ok(strict) => assert!(unjudged.is_none() && strict.event == callback.event),
        Err(rejection) => {
            assert!(unjudged.is_some() && rejection.kind() == Kind::Untyped, "{rejection}");
        }
    }
    handled(case, answer, &callback, unjudged);
}

/// The event is what the body says. Gives the reason why it has no type.
fn read_as(answer: &Answer, callback: &Callback, told: &Told) -> Option<&'static str> {
    let (reason, answered_as) = match &callback.event {
        Event::Unknown(event) => (Some(event.reason.as_str()), &told.answered_as),
        _ => (None, &callback.params.command),
    };
    match (&told.expected, reason) {
        (Expected::Unreadable(name), reason) => assert_eq!(reason, Some(*name)),
        (Expected::Unknown(_), reason) => assert_eq!(reason, Some("unknown_command")),
        (Expected::Of(_), reason) => assert!(matches!(reason, None | Some("misfit"))),
    }
    assert_eq!((answer.unknown, callback.answered_as()), (reason, answered_as));
    assert_eq!(answer.misfit.is_some(), reason == Some("misfit"));
    reason
}

/// What the inner service makes of it, unless nobody could judge it.
fn handled(case: &Case, answer: &Answer, callback: &Callback, unjudged: Option<&'static str>) {
    let failed = |cause: &str| {
        assert_eq!(
            (answer.outcome, answer.cause.map(Cause::as_str)),
            (OutcomeKind::Failed, Some(cause))
        );
        assert!(answer.error.is_some());
        is_owners(case, answer, callback.answered_as(), &case.data);
    };
    if let Some(reason) = unjudged.filter(|_| !case.forward) {
        assert!(answer.seen.is_empty());
        return failed(if reason == "unknown_command" { "misfit" } else { reason });
    }
    if case.does == Does::NeverReady {
        assert!(answer.seen.is_empty());
        return failed("not_ready");
    }
    // Everything else reaches the service, with the bytes that came.
    let seen = (callback.params.command.clone(), case.data.clone(), callback.event.clone());
    assert_eq!(answer.seen, [seen]);
    if case.does == Does::Fail {
        return failed("failed");
    }
    assert_eq!((answer.outcome, answer.status), (OutcomeKind::Accepted, 200));
    answers_the_same_again(callback);
}

/// What else can be asked of a callback answers without a panic, and the same each time.
fn answers_the_same_again(callback: &Callback) {
    let again = callback.clone();
    assert_eq!(callback.dedup_key(), again.dedup_key());
    let has_id = callback.params.request_id().is_some();
    match callback.answered_as().phase() {
        Phase::Before => assert_eq!(callback.dedup_key(), None),
        Phase::Unknown => assert_eq!(callback.dedup_key().is_some(), has_id),
        _ => assert!(callback.dedup_key().is_some() || !has_id),
    }
    assert_eq!(callback.order_key(), again.order_key());
    assert_eq!(callback.unknown_fields(), again.unknown_fields());
    assert_eq!(callback.time(), again.time());
    let _ = (format!("{callback:?}"), callback.is_from_rest_api(), callback.rewrite_message());
}
