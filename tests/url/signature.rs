//! The signature and the time that it is of, through `Verifier` alone.

use std::time::{Duration, UNIX_EPOCH};

use crate::common::{APP, NOW, TOKEN, clock, token, verifier};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Command, OptPlatform, Params, RejectionKind as Kind, SdkAppId, TimestampSecs, Verifier,
};

use crate::{SIGN, kind, sign_text, verify, with_auth};

#[test]
fn the_documented_vector_is_accepted_and_its_parts_are_read() {
    let url = with_auth(&format!(
        "&ClientIP=127.0.0.1&OptPlatform=iOs&RequestId=7&x=%E4%BD%A0+1\
        &Sign={SIGN}&RequestTime={NOW}"
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
        let url = with_auth(&format!("&Sign={}&RequestTime={time}", sign_text(TOKEN, time)));
        assert_eq!(kind(&url), Kind::TimeMalformed, "{time}");
    }
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
