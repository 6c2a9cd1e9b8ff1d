//! Attacks by probes, by methods, and by asking which apps there are.

use tencent_im_callback::testing::sign;
use tencent_im_callback::{App, Apps, CallbackLayer, Command, RejectionKind as Kind, Verifier};

use crate::attack::{AFTER, CANARY, Fate, attack, attack_on};
use crate::common::{APP, NOW, TOKEN, clock, post, token};

use crate::{SIGN, auth, body, kind, kind_by, pairs, verify, with_auth};

/// A probe is answered `OK` whatever stands in its body, so it must not get anything anywhere.
#[tokio::test]
async fn a_probe_gets_nothing_past_the_check_of_the_app() {
    let apps = Apps::new([
        App::signed(APP, token(TOKEN)),
        App::signed(2, token("another")),
        App::unsigned(3),
    ]);
    let layer = CallbackLayer::new(Verifier::new(apps).clock(clock));
    let signed_by = |token: &str| format!("Sign={}&RequestTime={NOW}", sign(token, NOW));
    let ours = signed_by(TOKEN);
    for (query, name) in [
        // Of one of our tokens, and without the app it is for.
        (ours.clone(), "url_incomplete"),
        (format!("CallbackCommand=C2C.CallbackBeforeSendMsg&{ours}"), "url_incomplete"),
        (signed_by("another"), "url_incomplete"),
        // An app has to be one of ours, and the token its own.
        (format!("SdkAppid=5&{ours}"), "app_unknown"),
        (format!("SdkAppid=&{ours}"), "app_malformed"),
        (format!("SdkAppid=2&{ours}"), "signature_mismatch"),
        (format!("SdkAppid={APP}&{}", signed_by("another")), "signature_mismatch"),
        // An app without a token proves none.
        (format!("SdkAppid=3&{ours}"), "command_missing"),
        ("SdkAppid=3".to_owned(), "command_missing"),
        // Nobody's token.
        (signed_by("guess"), "app_missing"),
        ("CallbackCommand=C2C.CallbackBeforeSendMsg".to_owned(), "app_missing"),
        (format!("{}&sdkappid", pairs(&auth())), "duplicate_parameter"),
    ] {
        // A whole callback in the body: `attack_on` sees to it that it arrives nowhere.
        let message = format!(r#"{{"CallbackCommand":"{AFTER}","From_Account":"{CANARY}"}}"#);
        let fate = attack_on(&layer, post(&format!("/?{query}"), message)).await;
        assert_eq!(fate.name(), name, "{query}");
    }
    // A probe says nothing in its body. Of anything else nobody can tell what OK would allow.
    for (body, name) in [
        ("", "probe"),
        ("{}", "probe"),
        (r#"{"x":1}"#, "url_incomplete"),
        ("[]", "url_incomplete"),
        ("not JSON", "url_incomplete"),
    ] {
        let fate = attack_on(&layer, post(&format!("/?{ours}"), body)).await;
        assert_eq!(fate.name(), name, "{body}");
    }
}

#[tokio::test]
async fn no_method_but_post() {
    for method in ["GET", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", "POSTS", "P"] {
        let mut request = post(&format!("/?{}", pairs(&auth())), body());
        *request.method_mut() = method.parse().unwrap();
        request.headers_mut().insert("x-http-method-override", "POST".parse().unwrap());
        let fate = attack(request).await;
        assert_eq!(fate, Fate::Refused(Kind::MethodNotAllowed), "{method}");
    }
}

/// Which apps a server answers for is no secret, as `SdkAppid` is none: the answers differ on
/// purpose.
#[tokio::test]
async fn who_asks_without_a_signature_learns_which_apps_there_are_and_no_more() {
    let url = |app: u64| format!("/?SdkAppid={app}&CallbackCommand={}", Command::SnsFriendDelete);
    assert_eq!(attack(post(&url(APP), "")).await, Fate::Refused(Kind::SignatureMissing));
    assert_eq!(attack(post(&url(5), "")).await, Fate::Refused(Kind::AppUnknown));
}

#[test]
fn the_urls_own_probes_and_their_near_misses() {
    let auth = format!("Sign={SIGN}&RequestTime={NOW}");
    // (a) no app, (b) no command.
    assert_eq!(kind(&format!("/?{auth}")), Kind::Probe);
    assert_eq!(kind(&format!("/?CallbackCommand=C2C.CallbackBeforeSendMsg&{auth}")), Kind::Probe);
    assert_eq!(kind(&format!("/?SdkAppid={APP}&{auth}")), Kind::Probe);
    assert_eq!(kind(&format!("/?SdkAppid={APP}&CallbackCommand=&{auth}")), Kind::Probe);
    // Not without both, not with a wrong one, not stale, not doubled.
    assert_eq!(kind("/"), Kind::AppMissing);
    assert_eq!(kind(&format!("/?Sign={SIGN}")), Kind::AppMissing);
    assert_eq!(kind(&format!("/?RequestTime={NOW}")), Kind::AppMissing);
    assert_eq!(kind(&format!("/?Sign={SIGN}&RequestTime={}", NOW + 1)), Kind::AppMissing);
    assert_eq!(kind(&format!("/?SdkAppid=5&{auth}")), Kind::AppUnknown);
    assert_eq!(kind(&format!("/?SdkAppid={APP}&Sign={SIGN}")), Kind::TimeMissing);
    assert_eq!(kind(&format!("/?{auth}&sign={SIGN}")), Kind::DuplicateParameter);
    let stale = NOW - 61;
    let auth = format!("Sign={}&RequestTime={stale}", sign(TOKEN, stale));
    assert_eq!(kind(&format!("/?{auth}")), Kind::AppMissing);
    assert_eq!(kind(&format!("/?SdkAppid={APP}&{auth}")), Kind::Stale);
}

#[test]
fn a_probe_without_an_app_is_tried_against_64_tokens_at_most() {
    let url = format!("/?Sign={SIGN}&RequestTime={NOW}");
    let with = |others: u64| {
        let others = (0..others).map(|id| App::signed(id, token(&format!("other {id}"))));
        let apps = Apps::new(others.chain([App::signed(APP, token(TOKEN))]));
        let verifier = Verifier::new(apps).clock(clock);
        // With its app named, a callback passes however many there are.
        assert!(verify(&verifier, &with_auth(&url[2..].replacen("Sign", "&Sign", 1))).is_ok());
        kind_by(&verifier, &url)
    };
    assert_eq!(with(63), Kind::Probe);
    assert_eq!(with(64), Kind::AppMissing);
}
