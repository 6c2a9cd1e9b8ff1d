//! Which parameters are read, and from where, through `Verifier` alone.

use crate::common::{APP, NOW, verifier};
use tencent_im_callback::{Command, OptPlatform, RejectionKind as Kind, SdkAppId};

use crate::{SIGN, kind, verify, with_auth};

#[test]
fn security_parameters_come_once_in_whatever_spelling() {
    let good = format!("&Sign={SIGN}&RequestTime={NOW}");
    for (again, name) in [
        (format!("SdkAppid={APP}"), "SdkAppid"),
        (format!("sdkappid={APP}"), "SdkAppid"),
        (format!("%53dkAppid={APP}"), "SdkAppid"),
        ("SDKAPPID".to_owned(), "SdkAppid"),
        ("CallbackCommand=x".to_owned(), "CallbackCommand"),
        ("callback%43ommand".to_owned(), "CallbackCommand"),
        (format!("sign={SIGN}"), "Sign"),
        ("%73ign=".to_owned(), "Sign"),
        (format!("Request%54ime={NOW}"), "RequestTime"),
    ] {
        for url in
            [with_auth(&format!("{good}&{again}")), format!("/?{again}&{}", &with_auth(&good)[2..])]
        {
            let rejection = verify(&verifier(), &url).unwrap_err();
            assert_eq!(
                (rejection.kind(), rejection.parameter()),
                (Kind::DuplicateParameter, Some(name)),
                "{again}"
            );
        }
    }
    // Others may be doubled, and the first wins.
    let url = with_auth(&format!("&OptPlatform=Web&optplatform=Mac&x=1&x=2{good}"));
    let params = verify(&verifier(), &url).unwrap();
    assert_eq!(params.opt_platform, Some(OptPlatform::Web));
    assert_eq!(params.get("x").as_deref(), Some("1"));
}

#[test]
fn keys_are_compared_without_case_and_decoded() {
    let url = format!(
        "/a/b?sdkAPPID={APP}&%43allbackcommand=Sns.CallbackFriendDelete\
        &SIGN={SIGN}&requesttime={NOW}"
    );
    assert!(verify(&verifier(), &url).is_ok());
}

/// As long as a name that counts, with its first letter.
#[test]
fn a_key_that_resembles_one_is_another() {
    let good = format!("&Sign={SIGN}&RequestTime={NOW}");
    for key in ["Size", "sort", "SdkAppIP", "RequestName", "OptPlatforn", "CallbackCommend"] {
        for url in
            [with_auth(&format!("{good}&{key}=x")), format!("/?{key}=x&{}", &with_auth(&good)[2..])]
        {
            let params = verify(&verifier(), &url).unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_eq!(params.get(key).as_deref(), Some("x"));
            assert_eq!((params.sdk_app_id, params.opt_platform), (SdkAppId(APP), None), "{key}");
        }
    }
}

#[test]
fn parameters_in_the_path() {
    let pairs = with_auth(&format!("&Sign={SIGN}&RequestTime={NOW}")).replace("/?", "");
    let on = verifier().path_parameters();
    for url in [
        format!("/{pairs}"),
        format!("/callback/{pairs}"),
        format!("/a/b/{pairs}?"),
        format!("http://h:1/a/{pairs}"),
    ] {
        assert_eq!(verify(&on, &url).unwrap().command, Command::SnsFriendDelete, "{url}");
        // Off unless asked for.
        assert_eq!(kind(&url), Kind::AppMissing, "{url}");
    }
    // A query that says anything is what counts, and is never mixed with the path.
    let url = format!("/callback/{pairs}?x=1");
    assert_eq!(verify(&on, &url).unwrap_err().kind(), Kind::AppMissing);
    let url = format!("/callback/{pairs}&Sign={SIGN}");
    assert_eq!(verify(&on, &url).unwrap_err().kind(), Kind::DuplicateParameter);
    // Only the last segment.
    let url = format!("/{pairs}/x");
    assert_eq!(verify(&on, &url).unwrap_err().kind(), Kind::AppMissing);
    assert_eq!(
        verify(&on, &format!("/x?{pairs}")).unwrap().get("contenttype").as_deref(),
        Some("json")
    );
}
