//! Attacks by method and URL.

use http::{Method, Uri};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, CallbackLayer, Command, Event, Params, RejectionKind as Kind, Verified, Verifier,
};

use crate::common::{APP, NOW, TOKEN, clock, post, token, verifier};
use crate::{AFTER, CANARY, Fate, attack, attack_on};

fn pairs(rest: &str) -> String {
    format!("SdkAppid={APP}&CallbackCommand=Sns.CallbackFriendDelete{rest}")
}

fn auth() -> String {
    format!("&Sign={}&RequestTime={NOW}", sign(TOKEN, NOW))
}

fn body() -> String {
    format!(r#"{{"PairList":[{{"From_Account":"{CANARY}","To_Account":"b"}}]}}"#)
}

/// The callback, with this after `?SdkAppid=…&CallbackCommand=…`.
async fn with(rest: &str) -> Fate {
    attack(post(&format!("/callback?{}", pairs(rest)), body())).await
}

fn accepted() -> Fate {
    Fate::Accepted(Event::parse(&AFTER, body().into()).unwrap())
}

fn params(url: &str) -> Params {
    let uri: Uri = url.parse().unwrap();
    crate::common::params_of(&verifier(), &Method::POST, &uri)
}

/// Signs any text as if it were a time.
fn sign_text(token: &str, time: &str) -> String {
    use sha2::{Digest, Sha256};
    const_hex::encode(Sha256::digest(format!("{token}{time}")))
}

#[tokio::test]
async fn a_signature_is_64_hex_digits_and_nothing_else() {
    let good = sign(TOKEN, NOW);
    let twice = good.repeat(2);
    for length in (0..=130).chain([30_000]).filter(|length| *length != 64) {
        let sign =
            if length <= 128 { twice[..length.min(128)].to_owned() } else { "a".repeat(length) };
        let length = sign.len();
        let fate = with(&format!("&Sign={sign}&RequestTime={NOW}")).await;
        assert_eq!(fate, Fate::Refused(Kind::SignatureMalformed), "{length}");
    }
    let encoded: String = good.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let wide: String =
        good.chars().map(|digit| char::from_u32(digit as u32 + 0xFEE0).unwrap()).collect();
    for sign in [
        encoded,
        wide,
        format!("{good}%00"),
        format!("{good}%20"),
        format!("{good}+"),
        format!("{good}%0a"),
        format!("+{}", &good[1..]),
        format!("-{}", &good[1..]),
        format!("0x{}", &good[2..]),
        format!("{}=", &good[1..]),
        // 64 bytes, of which two are one character.
        format!("é{}", &good[2..]),
        format!("{}é", &good[..62]),
        // 64 characters.
        "٣".repeat(64),
        "\u{212a}".repeat(64),
    ] {
        let fate = with(&format!("&Sign={sign}&RequestTime={NOW}")).await;
        assert_eq!(fate, Fate::Refused(Kind::SignatureMalformed), "{sign}");
    }
    // Case alone means nothing in hex.
    let mixed: String = good
        .chars()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit.to_ascii_uppercase() } else { digit })
        .collect();
    for sign in [good.to_uppercase(), mixed] {
        assert_eq!(with(&format!("&Sign={sign}&RequestTime={NOW}")).await, accepted());
    }
}

/// A signature that is right but for one digit, wherever that is, gets the answer of one that is
/// all wrong.
#[tokio::test]
async fn every_digit_of_a_signature_counts() {
    let good = sign(TOKEN, NOW).into_bytes();
    for at in 0..64 {
        let mut wrong = good.clone();
        wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
        let wrong = String::from_utf8(wrong).unwrap();
        let fate = with(&format!("&Sign={wrong}&RequestTime={NOW}")).await;
        assert_eq!(fate, Fate::Refused(Kind::SignatureMismatch), "{at}");
    }
    let fate = with(&format!("&Sign={}&RequestTime={NOW}", "0".repeat(64))).await;
    assert_eq!(fate, Fate::Refused(Kind::SignatureMismatch));
}

/// The first, the last and any token between are found, among many and after any number of wrong
/// ones.
#[test]
fn every_token_is_compared() {
    const TOKENS: usize = 100;
    let name = |index: usize| format!("token {index}");
    let first = App::signed(APP, token(&name(0)));
    let app = (1..TOKENS).fold(first, |app, index| app.accept(token(&name(index))));
    let verifier = Verifier::new(app).clock(clock);
    for index in 0..TOKENS + 1 {
        let url =
            format!("/?{}", pairs(&format!("&Sign={}&RequestTime={NOW}", sign(&name(index), NOW))));
        let found = verifier.verify(&Method::POST, &url.parse().unwrap());
        match found {
            Ok(Verified::Callback(params)) => assert_eq!(params.token_index(), Some(index)),
            Ok(other) => panic!("{other:?}"),
            Err(rejection) => {
                assert_eq!((rejection.kind(), index), (Kind::SignatureMismatch, TOKENS))
            }
        }
    }
}

/// Token and time are hashed without anything between them, so a digit may change sides: `key1` and
/// `669872112` give the signature of `key` and `1669872112`. The window catches that.
#[tokio::test]
async fn a_digit_that_changes_sides_between_token_and_time_is_refused() {
    let (first, rest) = (NOW.to_string()[..1].to_owned(), NOW.to_string()[1..].to_owned());
    let longer = format!("key{first}");
    assert_eq!(sign("key", NOW), sign_text(&longer, &rest));
    let apps = Apps::new([App::signed(1, token("key")), App::signed(2, token(&longer))]);
    let layer = CallbackLayer::new(Verifier::new(apps).clock(clock));
    let url = |app: u64, sign: &str, time: &str| {
        format!(
            "/?SdkAppid={app}&CallbackCommand=Sns.CallbackFriendDelete&Sign={sign}&RequestTime={time}"
        )
    };
    // Seen on its way to app 1, sent on to app 2.
    let request = post(&url(2, &sign("key", NOW), &rest), body());
    assert_eq!(attack_on(&layer, request).await, Fate::Refused(Kind::Stale));
    // And the other way round.
    let request = post(&url(1, &sign(&longer, NOW), &format!("{first}{NOW}")), body());
    assert_eq!(attack_on(&layer, request).await, Fate::Refused(Kind::TimestampInFuture));
}

/// The same with a zero, which a time may start with without being another time.
#[tokio::test]
async fn a_zero_that_changes_sides_between_token_and_time_is_refused() {
    let apps = Apps::new([App::signed(1, token("key")), App::signed(2, token("key0"))]);
    let layer = CallbackLayer::new(Verifier::new(apps).clock(clock));
    // Seen on its way to app 2, sent on to app 1.
    let sign = sign("key0", NOW);
    let url = format!(
        "/?SdkAppid=1&CallbackCommand=Sns.CallbackFriendDelete&Sign={sign}&RequestTime=0{NOW}"
    );
    assert_eq!(attack_on(&layer, post(&url, body())).await, Fate::Refused(Kind::TimeMalformed));
}

#[tokio::test]
async fn times_of_every_size() {
    let i = i64::MAX as u64;
    for (time, kind) in [
        ("0".to_owned(), Kind::Stale),
        ("1".to_owned(), Kind::Stale),
        (i.to_string(), Kind::TimestampInFuture),
        ((i + 1).to_string(), Kind::TimestampInFuture),
        (10_u64.pow(19).to_string(), Kind::TimestampInFuture),
        (u64::MAX.to_string(), Kind::TimestampInFuture),
        ("18446744073709551616".to_owned(), Kind::TimeMalformed),
        ("9".repeat(10_000), Kind::TimeMalformed),
        ("0".repeat(21), Kind::TimeMalformed),
        ("-1".to_owned(), Kind::TimeMalformed),
        (format!("-{NOW}"), Kind::TimeMalformed),
        (format!("{NOW}.0"), Kind::TimeMalformed),
        (format!("{NOW}e0"), Kind::TimeMalformed),
        (format!("{NOW}%00"), Kind::TimeMalformed),
        (format!("{NOW}%26"), Kind::TimeMalformed),
        ("NaN".to_owned(), Kind::TimeMalformed),
    ] {
        let fate = with(&format!("&Sign={}&RequestTime={time}", sign_text(TOKEN, &time))).await;
        assert_eq!(fate, Fate::Refused(kind), "{time:.30}");
    }
}

/// What looks like `Sign` to somebody else, but is not.
pub(crate) const LOOKALIKES: &[&str] = &[
    "Sign%00",
    "%00Sign",
    "Sign+",
    "+Sign",
    "Sign%20",
    "Sign[]",
    "Sign[0]",
    "Sign.",
    ";Sign",
    "%26Sign",
    "x;Sign",
    "Sign%3D",
    // An overlong `S`, a long s, in UTF-8 and encoded, a wide letter; encoded twice.
    "%C1%93ign",
    "\u{17f}ign",
    "%C5%BFign",
    "\u{ff33}ign",
    "%2553ign",
    "Si%67n%",
    "S%69gn%zz",
];

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
