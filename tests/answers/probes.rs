//! The probes that a console sends are answered, and go no further.

use tencent_im_callback::RejectionKind as Kind;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{App, CallbackLayer, Command, Event, OutcomeKind, Phase, UnknownReason};

use crate::common::{APP, Inner, NOW, OK, TOKEN, layer, outcome, send, text};
use crate::{common, fate};

#[tokio::test]
async fn the_bodys_probes_and_their_near_misses() {
    let probe = (OutcomeKind::Probe, "", None);
    let blank = ["", " \n", "{}", " { } ", "\u{feff}", "\u{feff}{}"];
    for command in [Command::SnsFriendDelete, Command::PushOfflinePush] {
        for body in blank {
            assert_eq!(fate(&layer(), command.clone(), body).await, probe, "{command} {body:?}");
        }
    }
    // Nobody must take silence for "allow", and nobody knows what it means to a word that this
    // version does not know.
    let before = Command::ALL.iter().filter(|command| command.phase() == Phase::Before);
    for command in before.cloned().chain(["New.Word".into()]) {
        for body in blank {
            let fate = fate(&layer(), command.clone(), body).await;
            assert_eq!(fate, (OutcomeKind::Failed, "body_empty", None), "{command} {body:?}");
        }
    }
    // White space is of the four kinds that JSON knows.
    let (_, reason, _) = fate(&layer(), Command::SnsFriendDelete, "\u{c}{}").await;
    assert_eq!(reason, "body_not_json");

    // Without a proof of the token there is no probe.
    let unsigned = CallbackLayer::new(App::unsigned(APP));
    let (kind, reason, event) = fate(&unsigned, Command::SnsFriendDelete, "").await;
    assert_eq!((kind, reason), (OutcomeKind::Accepted, "body_empty"));
    assert!(
        matches!(event, Some(Event::Unknown(event)) if event.reason == UnknownReason::BodyEmpty)
    );
    let (kind, _, event) = fate(&unsigned, Command::SnsFriendDelete, r#"{"PairList":null}"#).await;
    assert_eq!(kind, OutcomeKind::Accepted);
    assert!(matches!(event, Some(Event::SnsFriendDelete(event)) if event.pair_list.is_empty()));
    // Without its list the event says nothing: an old, flat form must not arrive as a deletion of
    // nobody.
    for body in ["{}", r#"{"From_Account":"a","To_Account":"b"}"#] {
        let (kind, _, event) = fate(&unsigned, Command::SnsFriendDelete, body).await;
        assert_eq!(kind, OutcomeKind::Accepted);
        assert!(event.is_some_and(|event| event.misfit().is_some()), "{body}");
    }

    // A body without a word is an event of the URL's word.
    let (kind, _, event) = fate(&layer(), Command::SnsFriendDelete, r#"{"PairList":[]}"#).await;
    assert_eq!(kind, OutcomeKind::Accepted);
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));
}

#[tokio::test]
async fn probes_by_url_are_answered_ok_and_go_no_further() {
    let auth = format!("Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    for url in [format!("/?{auth}"), format!("/?SdkAppid={APP}&{auth}")] {
        for (body, probe) in [
            ("", true),
            (" {\n} ", true),
            ("\u{feff}{}", true),
            (r#"{"a":1}"#, false),
            ("[]", false),
            ("{}{}", false),
            ("nonsense", false),
        ] {
            let inner = Inner::default();
            let response = send(&layer(), inner.clone(), common::post(&url, body)).await;
            let what = outcome(&response);
            let (status, kind) =
                if probe { (200, OutcomeKind::Probe) } else { (400, OutcomeKind::Rejected) };
            assert_eq!((response.status().as_u16(), what.kind()), (status, kind), "{body:?}");
            let rejection = what.rejection();
            assert_eq!(rejection.is_none(), probe);
            assert!(rejection.is_none_or(|rejection| {
                rejection.kind() == Kind::UrlIncomplete
                    && rejection.to_string().contains(&format!("{} bytes", body.len()))
            }));
            assert_eq!(text(response).await == OK, probe);
            assert_eq!(inner.calls(), 0);
        }
    }
}
