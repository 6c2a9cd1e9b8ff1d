//! The rules for method and URL, through `Verifier` alone.
#![allow(clippy::pedantic)]

mod common;

use std::time::{Duration, UNIX_EPOCH};

use common::{APP, NOW, TOKEN, clock, token, verifier};
use http::{Method, Uri};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, Command, OptPlatform, Params, Rejection, RejectionKind as Kind, SdkAppId,
    TimestampSecs, Verified, Verifier,
};

/// The documented signature of `NOW` under `TOKEN`.
const SIGN: &str = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";

fn verify(verifier: &Verifier, url: &str) -> Result<Params, Rejection> {
    let uri: Uri = url.parse().unwrap();
    verifier.verify(&Method::POST, &uri).map(|verified| match verified {
        Verified::Callback(params) => params,
        other => panic!("{other:?}"),
    })
}

#[track_caller]
fn kind(url: &str) -> Kind {
    kind_by(&verifier(), url)
}

/// What is wrong with a request; [`Kind::Probe`] for a check of the URL.
#[track_caller]
fn kind_by(verifier: &Verifier, url: &str) -> Kind {
    match verifier.verify(&Method::POST, &url.parse().unwrap()) {
        Ok(Verified::Probe) => Kind::Probe,
        Ok(other) => panic!("{url}: {other:?}"),
        Err(rejection) => rejection.kind(),
    }
}

fn with_auth(auth: &str) -> String {
    format!("/?SdkAppid={APP}&CallbackCommand=Sns.CallbackFriendDelete&contenttype=json{auth}")
}

#[test]
fn the_documented_vector_is_accepted_and_its_parts_are_read() {
    let url = with_auth(&format!(
        "&ClientIP=127.0.0.1&OptPlatform=iOs&RequestId=7&x=%E4%BD%A0+1&Sign={SIGN}&RequestTime={NOW}"
    ));
    let params = verify(&verifier(), &url).unwrap();
    assert_eq!(params.sdk_app_id, SdkAppId(APP));
    assert_eq!(params.command, Command::SnsFriendDelete);
    assert_eq!(params.request_time, Some(TimestampSecs(1_669_872_112)));
    assert_eq!(params.opt_platform, Some(OptPlatform::Ios));
    assert_eq!(params.client_ip().as_deref(), Some("127.0.0.1"));
    assert_eq!(params.request_id().as_deref(), Some("7"));
    assert_eq!(params.get("X").as_deref(), Some("你 1"));
    assert_eq!(params.get("contentType").as_deref(), Some("json"));
    assert_eq!(params.token_index(), Some(0));
    // The signature cannot be reached.
    assert_eq!(params.get("Sign"), None);
    assert!(params.iter().all(|(_, value)| value != SIGN));
}

#[test]
fn params_travel() {
    let url = with_auth(&format!("&OptPlatform=Web&x=%26&Sign={SIGN}&RequestTime={NOW}"));
    let params = verify(&verifier(), &url).unwrap();
    let json = serde_json::to_string(&params).unwrap();
    assert!(!json.contains(SIGN) && !json.to_lowercase().contains("sign"), "{json}");
    let back: Params = serde_json::from_str(&json).unwrap();
    assert_eq!(format!("{params:?}"), format!("{back:?}"));
    assert!(params.iter().eq(back.iter()));
    assert_eq!(back.get("x").as_deref(), Some("&"));
    // What a path may hold and a query may not.
    for value in ["\"{", "é\"", "\"é\"\"éé{é", "é%22"] {
        let pairs =
            with_auth(&format!("&x={value}&Sign={SIGN}&RequestTime={NOW}")).replace("/?", "");
        let params = verify(&verifier().path_parameters(), &format!("/callback/{pairs}")).unwrap();
        let back: Params = serde_json::from_str(&serde_json::to_string(&params).unwrap()).unwrap();
        assert_eq!(back.get("x"), params.get("x"));
        assert_eq!(back.get("x").as_deref(), Some(value.replace("%22", "\"").as_str()));
    }
    assert!(serde_json::from_str::<Params>(&json.replace("SdkAppid=", "\\n")).is_err());
}

#[test]
fn signatures() {
    let accepted = [SIGN.to_owned(), SIGN.to_uppercase(), SIGN.replace('d', "D")];
    for sign in accepted {
        let url = with_auth(&format!("&Sign={sign}&RequestTime={NOW}"));
        assert!(verify(&verifier(), &url).is_ok(), "{sign}");
    }
    for malformed in [
        "",
        &SIGN[1..],
        &format!("{SIGN}0"),
        &format!("0x{}", &SIGN[2..]),
        &format!("0x{SIGN}"),
        &SIGN.replace('d', "g"),
        &SIGN.replacen('1', "%31", 1),
        &SIGN.replacen('1', "+", 1),
        // 64 bytes, not 64 digits.
        &format!("é{}", &SIGN[2..]),
    ] {
        let url = with_auth(&format!("&Sign={malformed}&RequestTime={NOW}"));
        assert_eq!(kind(&url), Kind::SignatureMalformed, "{malformed}");
    }
    // The vendor's misprint, whose token is another one.
    let other = sign("xxxyyy", NOW);
    let url = with_auth(&format!("&Sign={other}&RequestTime={NOW}"));
    assert_eq!(kind(&url), Kind::SignatureMismatch);
    let url = with_auth(&format!("&Sign={SIGN}&RequestTime={}", NOW + 1));
    assert_eq!(kind(&url), Kind::SignatureMismatch);
    assert_eq!(kind(&with_auth(&format!("&RequestTime={NOW}"))), Kind::SignatureMissing);
    assert_eq!(kind(&with_auth(&format!("&Sign={SIGN}"))), Kind::TimeMissing);
    assert_eq!(kind(&with_auth("")), Kind::SignatureMissing);
}

#[test]
fn times_are_plain_digits() {
    for time in [
        "",
        "%20",
        "+1669872112",
        "-1669872112",
        "1669872112+",
        "1669872112.0",
        "abc",
        "0x6388",
        "%31669872112",
        "166987211%32",
        "111111111111111111111111111111",
        "99999999999999999999",
        "１６６９８７２１１２",
        "01669872112",
        "00",
    ] {
        // Signed for just this text, so that nothing but the form can be wrong with it.
        let url = with_auth(&format!("&Sign={}&RequestTime={time}", sign_text(time)));
        assert_eq!(kind(&url), Kind::TimeMalformed, "{time}");
    }
}

/// Signs any text as if it were a time.
fn sign_text(time: &str) -> String {
    use sha2::{Digest, Sha256};
    const_hex::encode(Sha256::digest(format!("{TOKEN}{time}")))
}

/// SHA-256 can be continued from a known digest, so `Sign` of a time gives, without the token, the
/// signature of that time, the padding and more digits. Nothing but the rule for `RequestTime`
/// refuses it.
#[test]
fn a_length_extension_is_refused() {
    use sha2::block_api::compress256;

    let secret_length = TOKEN.len() + NOW.to_string().len();
    // What the attacker makes of the one signature he has seen.
    let mut state = [0u32; 8];
    for (word, bytes) in state.iter_mut().zip(const_hex::decode(SIGN).unwrap().chunks_exact(4)) {
        *word = u32::from_be_bytes(bytes.try_into().unwrap());
    }
    let suffix = (NOW + 1).to_string();
    let mut block = [0u8; 64];
    block[..suffix.len()].copy_from_slice(suffix.as_bytes());
    block[suffix.len()] = 0x80;
    let total_bits = ((64 + suffix.len()) * 8) as u64;
    block[56..].copy_from_slice(&total_bits.to_be_bytes());
    compress256(&mut state, &[block]);
    let forged: String = state.iter().map(|word| format!("{word:08x}")).collect();

    // The padding that the first message got.
    let mut padding = vec![0x80u8];
    padding.resize(64 - secret_length - 8, 0);
    padding.extend(((secret_length * 8) as u64).to_be_bytes());
    let mut time = NOW.to_string().into_bytes();
    time.extend(&padding);
    time.extend(suffix.as_bytes());

    // The forgery is a true signature of that "time" …
    use sha2::{Digest, Sha256};
    let message = [TOKEN.as_bytes(), &time].concat();
    assert_eq!(const_hex::encode(Sha256::digest(message)), forged);
    // … and is refused for its form, however it is encoded.
    let encoded =
        percent_encoding::percent_encode(&time, percent_encoding::NON_ALPHANUMERIC).to_string();
    let url = with_auth(&format!("&Sign={forged}&RequestTime={encoded}"));
    assert_eq!(kind(&url), Kind::TimeMalformed);
}

#[test]
fn the_window_is_exact_to_the_second() {
    let at = |seconds: u64| {
        let verifier = verifier();
        let url = with_auth(&format!("&Sign={}&RequestTime={seconds}", sign(TOKEN, seconds)));
        verify(&verifier, &url).map(drop).map_err(|rejection| (rejection.kind(), rejection.skew()))
    };
    assert_eq!(at(NOW - 60), Ok(()));
    assert_eq!(at(NOW - 61), Err((Kind::Stale, Some(-61))));
    assert_eq!(at(NOW + 60), Ok(()));
    assert_eq!(at(NOW + 61), Err((Kind::TimestampInFuture, Some(61))));
    assert_eq!(at(0), Err((Kind::Stale, Some(-i64::try_from(NOW).unwrap()))));
    assert_eq!(at(1 << 63).unwrap_err().0, Kind::TimestampInFuture);
    assert_eq!(at(10_u64.pow(19)), Err((Kind::TimestampInFuture, Some(i64::MAX))));

    let wide = Verifier::new(App::signed(APP, token(TOKEN)))
        .clock(|| clock() + Duration::from_millis(999))
        .max_age(Duration::from_secs(5))
        .max_ahead(Duration::ZERO);
    for (seconds, good) in [(NOW - 5, true), (NOW - 6, false), (NOW, true), (NOW + 1, false)] {
        let url = with_auth(&format!("&Sign={}&RequestTime={seconds}", sign(TOKEN, seconds)));
        assert_eq!(verify(&wide, &url).is_ok(), good, "{seconds}");
    }
    // A clock before 1970 refuses instead of failing.
    let broken = verifier().clock(|| UNIX_EPOCH - Duration::from_secs(1));
    let url = with_auth(&format!("&Sign={SIGN}&RequestTime={NOW}"));
    assert_eq!(verify(&broken, &url).unwrap_err().kind(), Kind::TimestampInFuture);
}

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
        "/a/b?sdkAPPID={APP}&%43allbackcommand=Sns.CallbackFriendDelete&SIGN={SIGN}&requesttime={NOW}"
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
