//! Attacks by signatures and times.

use http::Method;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{App, Apps, CallbackLayer, RejectionKind as Kind, Verified, Verifier};

use crate::attack::{Fate, attack_on};
use crate::common::{APP, NOW, TOKEN, clock, post, token};

use crate::{accepted, body, pairs, sign_text, with};

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
            "/?SdkAppid={app}&CallbackCommand=Sns.CallbackFriendDelete\
            &Sign={sign}&RequestTime={time}"
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
