//! No secret in `Debug` or in a log event.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Command, OutcomeKind, Reply, Verifier, VerifyLayer,
};
use tower::{Layer, Service, service_fn};

use crate::common::{TOKEN, layer, outcome, send, signed, token, verifier};
use crate::{BODY, clean, common, has, logged, request};

#[tokio::test]
async fn debug_of_every_type_that_could_hold_one() {
    let app = App::signed(1, token(TOKEN)).accept(token("other-token"));
    let apps = Apps::from(app.clone());
    let verifier_ = Verifier::new(apps.clone());
    let layer_ = CallbackLayer::new(verifier());
    let mut service =
        layer_.layer(service_fn(|_: Callback| async { Ok::<_, std::io::Error>(Reply::ok()) }));
    let verify = VerifyLayer::new(verifier());
    let future = service.call(request());
    clean(&format!("{:?} {app:?} {apps:?} {verifier_:?} {layer_:?} {verify:?}", token(TOKEN)));
    clean(&format!("{:?} {future:?}", layer_));
    assert!(format!("{layer_:?}").contains("body_limit: 1048576"));
    clean(&format!("{:?}", verify.layer(())));

    let params = common::params_of(&verifier(), request().method(), request().uri());
    clean(&format!("{params:?}"));
    let callback = Callback::parse(params, BODY.into()).unwrap();
    clean(&format!("{callback:?} {:?}", callback.event.misfit()));
    clean(&format!("{}", callback.event.misfit().unwrap()));

    for fault in Fault::ALL {
        let request = signed(Command::SnsFriendDelete).fault(*fault).build::<Full<Bytes>>();
        let response = send(&layer(), common::Inner::default(), request).await;
        clean(&format!("{:?} {response:?}", outcome(&response)));
        if let Some(rejection) = outcome(&response).rejection() {
            clean(&format!("{rejection:?} {rejection}"));
        }
    }
    let response = send(&layer(), common::Inner::default(), request()).await;
    clean(&format!("{:?}", outcome(&response)));
}

/// How a request was answered, and its line in the log.
fn line_of(layer: &CallbackLayer, request: Request<Full<Bytes>>) -> (OutcomeKind, String) {
    let (kind, text) = logged(|| {
        tokio_test::block_on(async {
            let response = send(layer, common::Inner::default(), request).await;
            outcome(&response).kind()
        })
    });
    clean(&text);
    assert_eq!(text.lines().count(), 1, "{text}");
    (kind, text)
}

#[test]
fn one_log_event_per_request_and_no_secret_in_it() {
    let (kind, text) = line_of(&layer(), signed(Command::SnsFriendDelete).build());
    assert_eq!(kind, OutcomeKind::Accepted);
    has(
        &text,
        &[
            "DEBUG",
            "tencent_im_callback:",
            "outcome=\"accepted\"",
            "sdk_app_id=1400000000",
            "command=Sns.CallbackFriendDelete",
            "phase=\"after\"",
            "status=200",
            "token_index=0",
            "disposition=\"handled\"",
        ],
    );
    // Drift of an after callback: somebody should look.
    let (kind, text) = line_of(&layer(), request());
    assert_eq!(kind, OutcomeKind::Accepted);
    let place = ["misfit_path=\"PairList[0].To_Account\"", "misfit_line=1", "misfit_column="];
    has(&text, &["WARN"]);
    has(&text, &place);
}

/// The first refusal of each kind is shown, or a wrong token would go unseen; anybody could fill
/// the log with the others.
#[test]
fn one_log_event_per_refusal_and_no_secret_in_it() {
    let shared = layer();
    for fault in Fault::ALL {
        let request = || signed(Command::SnsFriendDelete).fault(*fault).build();
        let (kind, text) = line_of(&shared, request());
        let unreadable = matches!(
            fault,
            Fault::CommandMismatch
                | Fault::TruncatedJson
                | Fault::NotJson
                | Fault::NotAnObject
                | Fault::TrailingBytes
        );
        let (wanted, field) = if unreadable {
            (OutcomeKind::Accepted, "unknown=")
        } else {
            (OutcomeKind::Rejected, "rejection=")
        };
        assert_eq!(kind, wanted);
        assert!(text.contains(field), "{text}");
        let after = unreadable || *fault == Fault::TooLarge;
        let (_, again) = line_of(&shared, request());
        assert!(again.contains(if after { "WARN" } else { "DEBUG" }), "{fault:?}: {again}");
        if *fault == Fault::SignatureMismatch {
            assert!(text.contains("WARN") && text.contains("times=1"), "{text}");
        }
    }
}

#[test]
fn words_from_the_wire_cannot_forge_a_log_line() {
    let word = format!("New.\n2026-01-01 ERROR forged \u{2028}{}", "x".repeat(5000));
    let request = signed(word.as_str().into()).build::<Full<Bytes>>();
    let (_, text) = logged(|| {
        tokio_test::block_on(async { send(&layer(), common::Inner::default(), request).await })
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.len() < 600 && text.contains("New.\\n2026") && text.contains("\\u{2028}"),
        "{text}"
    );
}
