//! Attacks by parameters: spelled, encoded and placed in odd ways, very long, very many.

use http::{Method, Uri};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{CallbackLayer, Event, RejectionKind as Kind};

use crate::attack::{Fate, attack, attack_on};
use crate::common::{APP, NOW, TOKEN, post, verifier};

use crate::attack::LOOKALIKES;

use crate::{accepted, auth, body, pairs, params, with};

#[tokio::test]
async fn what_looks_like_a_key_is_none() {
    let good = sign(TOKEN, NOW);
    for key in LOOKALIKES {
        // Not taken for the signature …
        let fate = with(&format!("&{key}={good}&RequestTime={NOW}")).await;
        assert_eq!(fate, Fate::Refused(Kind::SignatureMissing), "{key}");
        // … and not for a second one.
        let fate = with(&format!("&{key}={}{}", "0".repeat(64), auth())).await;
        assert_eq!(fate, accepted(), "{key}");
    }
    // What is really the key, in whatever spelling, is one too many.
    for key in ["sIGN", "%53ign", "%73%49%67%6E", "Sig%6e"] {
        let fate = with(&format!("{}&{key}={good}", auth())).await;
        assert_eq!(fate, Fate::Refused(Kind::DuplicateParameter), "{key}");
        let fate = with(&format!("&{key}={good}&RequestTime={NOW}")).await;
        assert_eq!(fate, accepted(), "{key}");
    }
}

#[tokio::test]
async fn an_encoded_separator_separates_nothing() {
    let good = sign(TOKEN, NOW);
    for rest in [
        format!("&x=%26Sign%3D{good}%26RequestTime%3D{NOW}"),
        format!("&x=%26Sign={good}&RequestTime={NOW}"),
        format!("%26Sign={good}&RequestTime={NOW}"),
        format!("&Sign%3D{good}&RequestTime={NOW}"),
        format!(";Sign={good};RequestTime={NOW}"),
        format!("&x=1%23&y=%3FSign={good}&RequestTime={NOW}"),
    ] {
        assert_eq!(with(&rest).await, Fate::Refused(Kind::SignatureMissing), "{rest}");
    }
    // Hidden in the value of another parameter, a second app or command is just that value.
    let rest = format!("&x=1%26SdkAppid%3D5%26CallbackCommand%3DA.B&y=%3D%00+%2B{}", auth());
    assert_eq!(with(&rest).await, accepted());
    let params = params(&format!("/?{}", pairs(&rest)));
    assert_eq!(params.get("x").as_deref(), Some("1&SdkAppid=5&CallbackCommand=A.B"));
    assert_eq!(params.get("y").as_deref(), Some("=\0 +"));
}

#[tokio::test]
async fn values_in_any_encoding() {
    let auth = auth();
    let url = |app: &str, command: &str| {
        format!("/callback?SdkAppid={app}&CallbackCommand={command}{auth}")
    };
    let app = APP.to_string();
    for app in [
        format!("{APP}%00"),
        format!("{APP}+"),
        format!("+{APP}"),
        format!("%2B{APP}"),
        format!("{APP}%26x"),
        format!("{APP};x"),
        format!("{APP},{APP}"),
        format!("%31{}", &app[1..]),
        "１４００００００００".to_owned(),
        "-1".to_owned(),
        "1e9".to_owned(),
        "0x5".to_owned(),
        "18446744073709551616".to_owned(),
        "9".repeat(10_000),
    ] {
        let fate = attack(post(&url(&app, "A.B"), body())).await;
        assert_eq!(fate, Fate::Refused(Kind::AppMalformed), "{app:.30}");
    }
    for command in [
        "Sns%C0%AECallbackFriendDelete",
        "Sns%E0%80%AECallbackFriendDelete",
        "%ED%A0%80",
        "%ff",
        "%F5%80%80%80",
        "A.B%C3",
    ] {
        let fate = attack(post(&url(&app, command), body())).await;
        assert_eq!(fate, Fate::Refused(Kind::CommandMalformed), "{command}");
    }
    // Another word, whatever it looks like, is another command and not the one it looks like.
    for (command, word) in [
        ("Sns.CallbackFriendDelete%00", "Sns.CallbackFriendDelete\0"),
        ("Sns.CallbackFriendDelete%20", "Sns.CallbackFriendDelete "),
        ("Sns.CallbackFriendDelete+", "Sns.CallbackFriendDelete "),
        ("sns.callbackfrienddelete", "sns.callbackfrienddelete"),
        ("Sns%252ECallbackFriendDelete", "Sns%2ECallbackFriendDelete"),
        ("Sn\u{17f}.CallbackFriendDelete", "Sn\u{17f}.CallbackFriendDelete"),
        ("A%26SdkAppid%3D5%23", "A&SdkAppid=5#"),
        ("%zz", "%zz"),
    ] {
        let event = attack(post(&url(&app, command), body())).await.event();
        assert!(matches!(event, Event::Unknown(_)), "{command}");
        assert_eq!(event.command().as_str(), word);
    }
    // A parameter that this crate does not read may hold anything.
    for value in ["%ff", "%C0%AF", "%", "%2", "%%%", "é你"] {
        let rest = format!("&OptPlatform={value}&x={value}&{value}=1{auth}");
        assert_eq!(with(&rest).await, accepted(), "{value}");
        assert_eq!(params(&format!("/?{}", pairs(&rest))).get("x").as_deref(), Some(value));
    }
}

#[tokio::test]
async fn a_parameter_in_fragment_path_and_query_at_once() {
    let good = auth();
    let strict = CallbackLayer::new(verifier());
    let lenient = CallbackLayer::new(verifier().path_parameters());
    let forged = format!("SdkAppid=5&CallbackCommand=A.B&Sign={}&RequestTime=1", "0".repeat(64));
    let (whole, half) = (pairs(&good), pairs(""));
    for (url, in_query, in_path) in [
        // Behind a `#` is nothing that was sent.
        (format!("/cb?{whole}#{forged}"), "accepted", "accepted"),
        (format!("/cb?{half}#{good}"), "signature_missing", "signature_missing"),
        (format!("/cb#?{whole}"), "app_missing", "app_missing"),
        (format!("/cb?#{whole}"), "app_missing", "app_missing"),
        // The query counts as soon as it says anything, and nothing is taken from the path then.
        (format!("/cb/{forged}?{whole}#{forged}"), "accepted", "accepted"),
        (format!("/cb/{whole}?{forged}#{whole}"), "app_unknown", "app_unknown"),
        (format!("/cb/{whole}?x=1"), "app_missing", "app_missing"),
        (format!("/cb/{whole}?&"), "app_missing", "app_missing"),
        (format!("/cb/{}?{half}", &good[1..]), "signature_missing", "signature_missing"),
        (format!("/cb/{half}?{}", &good[1..]), "url_incomplete", "url_incomplete"),
        // The path counts where it may, in its last segment.
        (format!("/cb/{whole}?#{forged}"), "app_missing", "accepted"),
        (format!("/{forged}/{whole}"), "app_missing", "accepted"),
        (format!("/{whole}/{forged}"), "app_missing", "app_unknown"),
        (format!("/{half}/{}", &good[1..]), "app_missing", "url_incomplete"),
        (format!("/cb/{half}%2F{good}"), "app_missing", "accepted as unknown_command"),
        (format!("/cb/{whole}%3F{good}"), "app_missing", "duplicate_parameter"),
        (format!("/cb/%3F{whole}"), "app_missing", "url_incomplete"),
        (format!("/cb/{whole}/"), "app_missing", "app_missing"),
    ] {
        let fate = attack_on(&strict, post(&url, body())).await;
        assert_eq!(fate.name(), in_query, "query: {url}");
        let fate = attack_on(&lenient, post(&url, body())).await;
        assert_eq!(fate.name(), in_path, "path: {url}");
    }
}

/// The longest URL that the `http` crate takes is 65,534 bytes.
const LONGEST: usize = 65_534;

#[tokio::test]
async fn a_query_of_64_kib() {
    let url = |start: &str, pad: &str, end: &str| {
        let room = LONGEST - start.len() - end.len();
        format!("{start}{}{end}", pad.repeat(room / pad.len()))
    };
    let start = format!("/?{}", pairs(&auth()));
    for pad in ["&", "%", "=", "&=", "&x", "%26", "&%53", "+"] {
        let fate = attack(post(&url(&format!("{start}&"), pad, ""), body())).await;
        assert_eq!(fate, accepted(), "{pad}");
        // The very last one is seen.
        let end = format!("&%73IGN={}", sign(TOKEN, NOW));
        let fate = attack(post(&url(&format!("{start}&"), pad, &end), body())).await;
        assert_eq!(fate, Fate::Refused(Kind::DuplicateParameter), "{pad}");
    }
    let longer = format!("/?{}", "x".repeat(LONGEST));
    assert!(longer.parse::<Uri>().is_err(), "none is longer");
}

/// Whatever is in the query of a request that is refused, nothing is allocated for it.
#[test]
fn ten_thousand_parameters_cost_nothing_until_they_are_asked_for() {
    let many: String = (0..10_000).map(|number| format!("&a{number}")).collect();
    let encoded: String = (0..10_000).map(|_| "&%2B").collect();
    let verifier = verifier();
    let verify = |uri: &Uri| verifier.verify(&Method::POST, uri);
    drop(verify(&"/".parse().unwrap()));
    for many in [many, encoded] {
        let wrong =
            format!("/?{}{many}", pairs(&format!("&Sign={}&RequestTime={NOW}", "0".repeat(64))));
        let doubled = format!("/?{}{many}&sign=", pairs(&auth()));
        for (url, kind) in [(wrong, Kind::SignatureMismatch), (doubled, Kind::DuplicateParameter)] {
            let uri: Uri = url.parse().unwrap();
            let cost =
                allocation_counter::measure(|| assert_eq!(verify(&uri).unwrap_err().kind(), kind));
            assert_eq!(cost.count_total, 0, "{kind}");
        }
        let good = format!("/?{}{many}&last=here&LAST=there", pairs(&auth()));
        let params = params(&good);
        assert_eq!(params.iter().count(), 10_000 + 5);
        assert_eq!(params.get("last").as_deref(), Some("here"));
    }
}
