//! Apps, their tokens, and the command, through `Verifier` alone.

use crate::common::{APP, NOW, TOKEN, clock, token, verifier};
use http::Method;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{App, Apps, RejectionKind as Kind, SdkAppId, TimestampSecs, Verifier};

use crate::{SIGN, kind, verify, with_auth};

#[test]
fn app_and_command() {
    let auth = format!("&Sign={SIGN}&RequestTime={NOW}");
    let url =
        |app: &str, command: &str| format!("/?SdkAppid={app}&CallbackCommand={command}{auth}");
    for app in
        ["", "x", "+1400000000", "%31400000000", "-1", "1400000000.0", "18446744073709551616"]
    {
        assert_eq!(kind(&url(app, "A.B")), Kind::AppMalformed, "{app}");
    }
    let rejection = verify(&verifier(), &url("1400000001", "A.B")).unwrap_err();
    assert_eq!(rejection.kind(), Kind::AppUnknown);
    assert_eq!(rejection.sdk_app_id(), Some(SdkAppId(1_400_000_001)));
    for command in ["%ff", "%C0%AF", "A.B%80"] {
        assert_eq!(kind(&url("1400000000", command)), Kind::CommandMalformed, "{command}");
    }
    for (command, word) in
        [("Sns%2ECallbackFriendDelete", "Sns.CallbackFriendDelete"), ("a+b%00", "a b\0")]
    {
        let params = verify(&verifier(), &url("1400000000", command)).unwrap();
        assert_eq!(params.command.as_str(), word);
    }
    let method = verifier().verify(&Method::GET, &with_auth(&auth).parse().unwrap()).unwrap_err();
    assert_eq!(method.kind(), Kind::MethodNotAllowed);
}

#[test]
fn an_unsigned_app_needs_no_signature_but_its_id() {
    let verifier = Verifier::new(App::unsigned(APP));
    let params = verify(&verifier, &with_auth("&Sign=nonsense&RequestTime=+5")).unwrap();
    assert_eq!((params.token_index(), params.request_time), (None, None));
    let params = verify(&verifier, &with_auth("&RequestTime=5")).unwrap();
    assert_eq!(params.request_time, Some(TimestampSecs(5)));
    let err = |url: &str| verify(&verifier, url).unwrap_err().kind();
    assert_eq!(err("/?SdkAppid=5&CallbackCommand=A.B"), Kind::AppUnknown);
    assert_eq!(err("/?CallbackCommand=A.B"), Kind::AppMissing);
    assert_eq!(err(&format!("/?SdkAppid={APP}")), Kind::CommandMissing);
    assert_eq!(err(&with_auth("&Sign=1&sign=1")), Kind::DuplicateParameter);
}

#[test]
fn an_empty_set_refuses_everything() {
    let verifier = Verifier::new(Apps::new([])).clock(clock);
    let url = with_auth(&format!("&Sign={SIGN}&RequestTime={NOW}"));
    assert_eq!(verify(&verifier, &url).unwrap_err().kind(), Kind::AppUnknown);
    let url = format!("/?Sign={SIGN}&RequestTime={NOW}");
    assert_eq!(verify(&verifier, &url).unwrap_err().kind(), Kind::AppMissing);
}

#[test]
fn several_apps_and_tokens() {
    let apps = Apps::new([
        App::signed(1, token("a")).accept(token("b")).accept(token("c")),
        App::signed(2, token("d")),
        App::unsigned(3).accept(token("e")),
    ]);
    let verifier = Verifier::new(apps).clock(clock);
    let try_ = |app: u64, token: &str| {
        let url = format!(
            "/?SdkAppid={app}&CallbackCommand=A.B&Sign={}&RequestTime={NOW}",
            sign(token, NOW)
        );
        verify(&verifier, &url).map(|params| params.token_index()).map_err(|r| r.kind())
    };
    assert_eq!(try_(1, "a"), Ok(Some(0)));
    assert_eq!(try_(1, "b"), Ok(Some(1)));
    assert_eq!(try_(1, "c"), Ok(Some(2)));
    assert_eq!(try_(1, "d"), Err(Kind::SignatureMismatch));
    assert_eq!(try_(2, "d"), Ok(Some(0)));
    assert_eq!(try_(2, "a"), Err(Kind::SignatureMismatch));
    assert_eq!(try_(3, "e"), Ok(Some(0)));
}

/// Of two tokens that are the same, the first one counts: `token_index` tells when the old one has
/// fallen silent.
#[test]
fn the_first_of_equal_tokens_is_the_one() {
    let app = App::signed(APP, token("other"))
        .accept(token(TOKEN))
        .accept(token("another"))
        .accept(token(TOKEN));
    let verifier = Verifier::new(app).clock(clock);
    let params = verify(&verifier, &with_auth(&format!("&Sign={SIGN}&RequestTime={NOW}"))).unwrap();
    assert_eq!(params.token_index(), Some(1));
}
