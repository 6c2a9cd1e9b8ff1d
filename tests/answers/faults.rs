//! Every fault of a request and of its body has its answer.

use bytes::Bytes;
use http_body_util::Full;
use tencent_im_callback::RejectionKind as Kind;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{Command, Disposition, Event, OnError, OutcomeKind, Reply};

use crate::common::{Inner, OK, layer, outcome, send, signed, text};

#[tokio::test]
async fn an_accepted_callback_reaches_the_service_whole() {
    let inner = Inner::default();
    let request = signed(Command::SnsFriendDelete)
        .url("/callback")
        .parameter("ClientIP", "127.0.0.1")
        .build::<Full<Bytes>>();
    let body = tencent_im_callback::testing::sample(&Command::SnsFriendDelete).unwrap();
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let what = outcome(&response);
    assert_eq!((what.kind(), what.token_index()), (OutcomeKind::Accepted, Some(0)));
    assert_eq!(what.params().unwrap().command, Command::SnsFriendDelete);
    assert!(what.rejection().is_none() && what.error().is_none() && what.misfit().is_none());
    assert_eq!(what.disposition(), Some(Disposition::Handled));
    assert_eq!(text(response).await, OK);

    let callback = inner.last().unwrap();
    assert_eq!(callback.body, body);
    assert_eq!(callback.params.client_ip().as_deref(), Some("127.0.0.1"));
    let Event::SnsFriendDelete(event) = callback.event else { panic!("{:?}", callback.event) };
    let friends: Vec<_> = event.pair_list.iter().map(|pair| pair.to_account.as_str()).collect();
    assert_eq!(friends, ["id1", "id2", "id3"]);
}

fn alone_bytes(kind: Kind) -> Vec<u8> {
    format!(r#"{{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"{}"}}"#, kind.phrase())
        .into_bytes()
}

#[tokio::test]
async fn every_fault_has_its_answer() {
    for fault in Fault::ALL {
        let (kind, status) = match fault {
            Fault::Stale => (Kind::Stale, 401),
            Fault::TimestampInFuture => (Kind::TimestampInFuture, 401),
            Fault::SignatureMismatch => (Kind::SignatureMismatch, 401),
            Fault::MissingSignature => (Kind::SignatureMissing, 401),
            Fault::MissingTime => (Kind::TimeMissing, 401),
            Fault::MalformedSignature => (Kind::SignatureMalformed, 401),
            Fault::OtherApp => (Kind::AppUnknown, 403),
            Fault::AppNotANumber => (Kind::AppMalformed, 400),
            Fault::MissingApp => (Kind::AppMissing, 400),
            Fault::DuplicateParameter => (Kind::DuplicateParameter, 400),
            Fault::CommandNotUtf8 => (Kind::CommandMalformed, 400),
            Fault::WrongMethod => (Kind::MethodNotAllowed, 405),
            Fault::TooLarge => (Kind::BodyTooLarge, 413),
            // Of the body: `every_fault_of_a_body_has_its_answer`.
            _ => continue,
        };
        for command in [Command::SnsFriendDelete, Command::SnsPrevFriendAdd] {
            if kind.is_after_verification() && command.phase().may_decide() {
                continue;
            }
            let inner = Inner::default();
            let request = signed(command).fault(*fault).build::<Full<Bytes>>();
            let response = send(&layer(), inner.clone(), request).await;
            assert_eq!(response.status(), status, "{fault:?}");
            assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
            let allow = response.headers().get("allow").map(|allow| allow.to_str().unwrap());
            assert_eq!(allow, (status == 405).then_some("POST"), "{fault:?}");
            let what = outcome(&response);
            assert_eq!(what.kind(), OutcomeKind::Rejected, "{fault:?}");
            let rejection = what.rejection().unwrap();
            assert_eq!(
                (rejection.kind(), rejection.status()),
                (kind, response.status()),
                "{fault:?}"
            );
            assert_eq!(what.params().is_some(), kind.is_after_verification(), "{fault:?}");
            assert_eq!(what.token_index().is_some(), kind.is_after_verification(), "{fault:?}");
            // Those without the layer write the same.
            let reply = rejection.to_reply();
            assert_eq!(reply.as_bytes(), alone_bytes(kind), "{fault:?}");
            let alone = rejection.to_response();
            assert_eq!((alone.status(), alone.headers()), (response.status(), response.headers()));
            assert!(text(alone).await.contains(kind.phrase()));
            assert_eq!(
                text(response).await,
                format!(
                    r#"{{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"{}"}}"#,
                    kind.phrase()
                )
            );
            assert_eq!(inner.calls(), 0, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_body_has_its_answer() {
    for (fault, reason) in [
        (Fault::CommandMismatch, "command_mismatch"),
        (Fault::TruncatedJson, "body_not_json"),
        (Fault::NotJson, "body_not_json"),
        (Fault::TrailingBytes, "body_not_json"),
        (Fault::NotAnObject, "body_not_object"),
        (Fault::TooLarge, "body_too_large"),
    ] {
        // A notification is not sent again, so it reaches the service.
        let inner = Inner::default();
        let request = signed(Command::SnsFriendDelete).fault(fault).build::<Full<Bytes>>();
        let response = send(&layer(), inner.clone(), request).await;
        if fault != Fault::TooLarge {
            let what = outcome(&response);
            assert_eq!((what.kind(), what.reason()), (OutcomeKind::Accepted, reason), "{fault:?}");
            let event = inner.last().unwrap().event;
            let Event::Unknown(event) = event else { panic!("{fault:?}: {event:?}") };
            assert_eq!(event.reason.as_str(), reason);
            assert_eq!(text(response).await, OK);
        }
        // A verdict is the owner's.
        let inner = Inner::default();
        let request = || signed(Command::C2cBeforeSendMsg).fault(fault).build::<Full<Bytes>>();
        let response = send(&layer(), inner.clone(), request()).await;
        let what = outcome(&response);
        assert_eq!((what.kind(), what.reason()), (OutcomeKind::Failed, reason), "{fault:?}");
        assert_eq!(response.status(), 500, "{fault:?}");
        let response =
            send(&layer().on_before_error(OnError::reject("later")), inner.clone(), request())
                .await;
        assert_eq!(text(response).await, Reply::reject(1, "later").to_string(), "{fault:?}");
        assert_eq!(inner.calls(), 0, "{fault:?}");
    }
}
