//! The verifier against the [reference], over sets of apps, clocks, windows and URLs.
//!
//! Input: apps, method, window and clock, one byte each, then a URL. Bytes that no URL may hold
//! stand for what a mutation would never find: see [`fill`].

use std::time::{Duration, UNIX_EPOCH};

use http::{Method, Uri};
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{
    App, Apps, Command, OptPlatform, RejectionKind, Token, Verified, Verifier,
};

use crate::reference::{Accepted, Refused, Setup, is_named, pairs, parameters};
use crate::sha256::{hex, sha256};
use crate::{APP, NOW, TOKEN};

const TOKENS: [&str; 3] = [TOKEN, "second token", "令牌"];

/// Sets of apps worth trying.
fn apps(selector: u8) -> Vec<(u64, Vec<String>)> {
    let tokens = |range: std::ops::Range<usize>| {
        TOKENS[range].iter().map(|token| (*token).to_owned()).collect()
    };
    let others = |count: usize| (0..count).map(|at| format!("other {at}")).collect::<Vec<_>>();
    match selector % 14 {
        0 => vec![(APP, tokens(0..1))],
        1 => vec![],
        2 => vec![(APP, vec![])],
        3 => vec![(APP, tokens(0..3))],
        4 => vec![(APP, tokens(1..2)), (0, tokens(0..1)), (APP + 1, tokens(2..3))],
        5 => vec![(APP, vec![]), (APP, tokens(0..1))],
        6 => vec![(APP, tokens(0..1)), (APP + 1, vec![]), (APP, vec![]), (APP, tokens(1..3))],
        7 => vec![(APP, [tokens(0..1), tokens(0..1)].concat())],
        8 => vec![(u64::MAX, tokens(0..1)), (0, vec![]), (APP, tokens(1..3))],
        // On either side of the number of tokens that a probe is tried against.
        9 => vec![(APP, [tokens(0..1), others(63)].concat())],
        10 => vec![(APP, [tokens(0..1), others(64)].concat())],
        11 => vec![(APP - 1, others(40)), (APP, [others(24), tokens(0..1)].concat())],
        12 => vec![(APP - 1, others(40)), (APP, [others(23), tokens(0..1)].concat())],
        _ => vec![(7, tokens(0..2)), (7, tokens(0..2)), (APP, tokens(1..2))],
    }
}

fn method(selector: u8) -> Method {
    match selector {
        1 => Method::GET,
        2 => Method::from_bytes(b"post").expect("a token"),
        3 => Method::from_bytes(b"POSTS").expect("a token"),
        4 => Method::PUT,
        5 => Method::HEAD,
        _ => Method::POST,
    }
}

const WINDOWS: [(Duration, Duration); 6] = [
    (Duration::from_secs(60), Duration::from_secs(60)),
    (Duration::ZERO, Duration::ZERO),
    (Duration::from_millis(59_999), Duration::from_millis(1_500)),
    (Duration::from_secs(3600), Duration::ZERO),
    (Duration::MAX, Duration::MAX),
    (Duration::from_secs(1), Duration::from_secs(u32::MAX as u64)),
];

const CLOCKS: [u64; 8] =
    [NOW, NOW + 60, NOW + 61, NOW - 60, NOW - 61, 0, i64::MAX as u64, NOW + 3600];

/// Puts times, then an id and a word, then signatures of the URL's own time, in the place of bytes
/// that no URL may hold.
fn fill(template: &[u8]) -> Option<String> {
    let mut url = String::new();
    for character in std::str::from_utf8(template).ok()?.chars() {
        match character {
            '\x06' => url.push_str(&NOW.to_string()),
            '\x07' => url.push_str(&(NOW - 60).to_string()),
            '\x08' => url.push_str(&(NOW - 61).to_string()),
            '\x0b' => url.push_str(&(NOW + 60).to_string()),
            '\x0c' => url.push_str(&(NOW + 61).to_string()),
            '\x10' => url.push_str(&APP.to_string()),
            '\x11' => url.push_str("Sns.CallbackFriendDelete"),
            other => url.push(other),
        }
    }
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*url, None),
    };
    let time = pairs(parameters(true, path, query))
        .iter()
        .find(|pair| is_named(pair.key, "RequestTime"))
        .map_or("", |pair| pair.value)
        .to_owned();
    if !url.contains(|character| matches!(character, '\x01'..='\x05')) {
        return Some(url);
    }
    let signed = |token: &str| hex(&sha256(format!("{token}{time}").as_bytes()));
    Some(
        url.replace('\x01', &signed(TOKENS[0]))
            .replace('\x02', &signed(TOKENS[1]))
            .replace('\x03', &signed(TOKENS[2]))
            .replace('\x04', &signed(TOKENS[0]).to_uppercase())
            .replace('\x05', &signed(TOKENS[0])[1..]),
    )
}

pub fn check(data: &[u8]) {
    let _ = verdict(data);
}

/// The crate's verifier with these settings.
fn verifier(setup: &Setup) -> Verifier {
    let given = setup.apps.iter().map(|(id, tokens)| {
        let unsigned = App::unsigned(*id);
        let tokens = tokens.iter().map(|token| Token::new(token.as_str()).expect("a good token"));
        tokens.fold(unsigned, App::accept)
    });
    let now = setup.now;
    let verifier = Verifier::new(Apps::new(given))
        .max_age(setup.max_age)
        .max_ahead(setup.max_ahead)
        .clock(move || UNIX_EPOCH + Duration::from_secs(now));
    if setup.in_path { verifier.path_parameters() } else { verifier }
}

/// What the crate's verifier finds, in the words of the reference.
fn found(verifier: &Verifier, method: &Method, uri: &Uri) -> Result<Accepted, Refused> {
    match verifier.verify(method, uri) {
        Ok(Verified::Probe) => Err(RejectionKind::Probe.into()),
        Ok(Verified::Callback(params)) => Ok(Accepted {
            app: params.sdk_app_id.0,
            command: params.command.to_string(),
            time: params.request_time.map(|time| time.get()),
            platform: params.opt_platform.as_ref().map(|platform| platform.to_string()),
            token: params.token_index(),
        }),
        Ok(other) => panic!("{other:?}"),
        Err(rejection) => {
            assert!(!rejection.to_string().is_empty());
            assert_eq!(rejection.to_response().status(), rejection.status());
            Err(Refused {
                kind: rejection.kind(),
                app: rejection.sdk_app_id().map(|id| id.0),
                parameter: rejection.parameter(),
                skew: rejection.skew(),
            })
        }
    }
}

/// Checks, and names what the input comes to: the kind of its rejection or `Accepted`; `None` if it
/// holds no URL.
fn verdict(data: &[u8]) -> Option<&'static str> {
    let [which, method_of, window, now, template @ ..] = data else {
        return None;
    };
    let url = fill(template)?;
    let uri: Uri = url.parse().ok()?;
    let (max_age, max_ahead) = WINDOWS[usize::from(window & 0x7f) % WINDOWS.len()];
    let setup = Setup {
        apps: apps(*which),
        now: CLOCKS[usize::from(*now) % CLOCKS.len()],
        max_age,
        max_ahead,
        in_path: window & 0x80 != 0,
    };
    let method = method(*method_of);
    let expected = setup.verify(method.as_str(), uri.path(), uri.query());
    let found = found(&verifier(&setup), &method, &uri);
    // The crate writes known words and platforms in one spelling.
    let expected = expected.map(|accepted| Accepted {
        command: Command::from(&*accepted.command).to_string(),
        platform: accepted.platform.map(|platform| OptPlatform::from(&*platform).to_string()),
        ..accepted
    });
    // The answer to a probe is the same whoever asks.
    let expected = expected.map_err(|refused| Refused {
        app: refused.app.filter(|_| refused.kind != RejectionKind::Probe),
        ..refused
    });
    assert_eq!(found, expected, "{method} {url}");
    Some(expected.map_or_else(|refused| refused.kind.as_str(), |_| "accepted"))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut add = |head: [u8; 4], url: &str| seeds.push([&head[..], url.as_bytes()].concat());
    for (at, command) in Command::ALL.iter().step_by(7).enumerate() {
        let request = SignedRequest::new(command.clone()).time(NOW).url("/callback");
        let request = request.parameter("ClientIP", "127.0.0.1").parameter("OptPlatform", "iOS");
        let apps = at as u8 % 14;
        add([apps, 0, 0, 0], &request.build::<bytes::Bytes>().uri().to_string());
        let in_path = request.path_parameters().build::<bytes::Bytes>();
        add([apps, 0, 0x80, 0], &in_path.uri().to_string());
    }
    for fault in Fault::ALL {
        let request = SignedRequest::new(Command::SnsFriendDelete).time(NOW).fault(*fault);
        add([0, 0, 0, 0], &request.build::<bytes::Bytes>().uri().to_string());
    }
    let good = "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x01&RequestTime=\x06";
    for which in 0..14 {
        add([which, 0, 0, 0], good);
        add([which, 0, 0, 0], "/?Sign=\x01&RequestTime=\x06");
        add([which, 0, 0, 0], &good.replace('\x01', "\x02"));
        add([which, 0, 0x80, 0], &good.replace('?', ""));
    }
    for window in 0..6 {
        for clock in 0..8 {
            add([0, 0, window, clock], good);
        }
    }
    for method in 0..6 {
        add([0, method, 0, 0], good);
    }
    for url in [
        "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x04&RequestTime=\x07",
        "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x05&RequestTime=\x08",
        "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x03&RequestTime=\x0b",
        "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x01&RequestTime=\x0c",
        "/?sdkappid=\x10&Callback%43ommand=\x11&%53ign=\x01&requesttime=\x06&Sign=x",
        "/?SdkAppid=+\x10&CallbackCommand=%ff&Sign=0x\x01&RequestTime=%31",
        "/?SdkAppid=00\x10&CallbackCommand=%E4%BD%A0+x\
        &Sign=\x01&RequestTime=0\x06&OptPlatform=%ff+",
        "/?SdkAppid=\x10&Sign=\x01&RequestTime=\x06&CallbackCommand=",
        "/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x01&RequestTime=18446744073709551615",
        "/?SdkAppid=18446744073709551615&CallbackCommand=\x11&Sign=\x01&RequestTime=\x06",
        "http://host/x?&&SdkAppid=\x10&&CallbackCommand=New.Word&a&=b&Sign=\x01&RequestTime=\x06#f",
        "*",
        "/",
        "/?",
        "host:80",
    ] {
        add([3, 0, 0, 0], url);
        add([3, 0, 0x80, 0], url);
    }
    for time in ["+\x06", "%31\x06", "\x06 ", "", "x", "99999999999999999999"] {
        let url = format!("/?SdkAppid=\x10&CallbackCommand=\x11&Sign=\x01&RequestTime={time}");
        add([0, 0, 0, 0], &url);
    }
    add([2, 0, 0, 0], "/?SdkAppid=\x10&CallbackCommand=&RequestTime=\x06&OptPlatform=");
    add([0, 0, 0, 0], "/?Sign=\x01&RequestTime=0\x06");
    add([2, 0, 0, 0], "/?SdkAppid=\x10&Sign=\x01&RequestTime=x");
    seeds
}

#[test]
fn the_reference_accepts_what_is_signed() {
    assert_eq!(
        tencent_im_callback::testing::sign(TOKEN, NOW),
        hex(&sha256(format!("{TOKEN}{NOW}").as_bytes()))
    );
    let uri: Uri = SignedRequest::new(Command::SnsFriendDelete)
        .time(NOW)
        .build::<bytes::Bytes>()
        .uri()
        .clone();
    let setup = Setup {
        apps: apps(0),
        now: NOW,
        max_age: WINDOWS[0].0,
        max_ahead: WINDOWS[0].1,
        in_path: false,
    };
    let accepted = setup.verify("POST", uri.path(), uri.query()).expect("a good request");
    assert_eq!(accepted.token, Some(0));
}

#[test]
fn the_seeds_come_to_every_verdict() {
    let found: std::collections::BTreeSet<_> =
        seeds().iter().filter_map(|seed| verdict(seed)).collect();
    let of_urls =
        tencent_im_callback::RejectionKind::ALL.iter().filter(|kind| !kind.is_after_verification());
    let every: std::collections::BTreeSet<_> =
        of_urls.map(|kind| kind.as_str()).chain(["accepted"]).collect();
    assert_eq!(found, every);
}
