//! What a URL says, on an app without a signature, so that every mutation of the URL gets through
//! to the parameters.
//!
//! Input: a URL.

use http::{Method, Uri};
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{
    App, Command, OptPlatform, Params, RejectionKind as Kind, Verified, Verifier, redacted,
};

use crate::reference::{ONCE, Pair, decoded, is_named, pairs, parameters};
use crate::{APP, NOW};

pub fn check(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    let verifier = Verifier::new(App::unsigned(APP));
    check_place(&uri, &verifier, false);
    check_place(&uri, &verifier.path_parameters(), true);
    check_redacted(&uri);
}

fn check_place(uri: &Uri, verifier: &Verifier, in_path: bool) {
    let pairs = pairs(parameters(in_path, uri.path(), uri.query()));
    let doubled =
        ONCE.iter().any(|name| pairs.iter().filter(|pair| is_named(pair.key, name)).count() > 1);
    let params = match verifier.verify(&Method::POST, uri) {
        Ok(Verified::Callback(params)) => params,
        // Of an unsigned app nothing proves a token.
        Ok(other) => panic!("{other:?}"),
        Err(rejection) => {
            assert_eq!(rejection.kind() == Kind::DuplicateParameter, doubled, "{uri}");
            // Nothing but app and command can be wrong where nothing is signed.
            assert!(
                matches!(
                    rejection.kind(),
                    Kind::DuplicateParameter
                        | Kind::AppMissing
                        | Kind::AppMalformed
                        | Kind::AppUnknown
                        | Kind::CommandMissing
                        | Kind::CommandMalformed
                ),
                "{uri}: {rejection}"
            );
            return;
        }
    };
    assert!(!doubled, "{uri}");
    assert_eq!(params.sdk_app_id.0, APP);
    assert_eq!(params.token_index(), None);
    check_shown(uri, &params, &pairs);
    check_stored(uri, &params);
}

/// What is left out is the signature and nothing else; what does not decode stays as it is.
fn check_shown(uri: &Uri, params: &Params, pairs: &[Pair<'_>]) {
    let lenient = |text: &str| decoded(text).unwrap_or_else(|| text.to_owned());
    let unsigned = pairs.iter().filter(|pair| !is_named(pair.key, "Sign"));
    let expected: Vec<_> = unsigned.map(|pair| (lenient(pair.key), lenient(pair.value))).collect();
    let shown = shown(params);
    assert_eq!(shown, expected, "{uri}");
    for (key, _) in &shown {
        let first = shown.iter().find(|(other, _)| other.eq_ignore_ascii_case(key));
        assert_eq!(params.get(key).as_deref(), first.map(|(_, value)| &**value));
        assert!(!key.eq_ignore_ascii_case("Sign"));
    }
    assert_eq!(params.get("Sign"), None);
    let named = |name: &str| {
        let found = shown.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    assert_eq!(params.client_ip().map(String::from), named("ClientIP"));
    assert_eq!(params.request_id().map(String::from), named("RequestId"));
    assert_eq!(
        Some(&params.command),
        named("CallbackCommand").map(|word| Command::from(&*word)).as_ref()
    );
    assert_eq!(params.opt_platform, named("OptPlatform").map(|text| OptPlatform::from(&*text)));
    let debug = format!("{params:?}");
    assert!(!debug.contains(char::is_control), "{debug:?}");
}

/// Written and read again, all is there but the signature.
fn check_stored(uri: &Uri, params: &Params) {
    let written = serde_json::to_string(params).expect("parameters can be written");
    let again: Params =
        serde_json::from_str(&written).unwrap_or_else(|error| panic!("{uri}: {error}: {written}"));
    assert_eq!(serde_json::to_string(&again).expect("parameters can be written"), written);
    assert_eq!(again.sdk_app_id, params.sdk_app_id);
    assert_eq!(again.command, params.command);
    assert_eq!(again.request_time, params.request_time);
    assert_eq!(again.opt_platform, params.opt_platform);
    assert_eq!(again.token_index(), params.token_index());
    assert_eq!(shown(&again), shown(params), "{uri}");
}

type Shown<T> = Vec<(T, T)>;

fn shown(params: &Params) -> Shown<String> {
    let all = params.iter();
    all.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// What is logged must not depend on a signature, wherever one stands.
fn check_redacted(uri: &Uri) {
    let (path, query) = (uri.path(), uri.query());
    let mask = |text: &str| -> String {
        let masked = text.split('&').map(|part| match part.split_once('=') {
            Some((key, value)) if is_named(key, "Sign") => {
                format!("{key}={}", "0".repeat(value.len()))
            }
            _ => part.to_owned(),
        });
        masked.collect::<Vec<_>>().join("&")
    };
    let mut other: String = path.split('/').map(mask).collect::<Vec<_>>().join("/");
    if let Some(query) = query {
        other = format!("{other}?{}", mask(query));
    }
    let shown = redacted(uri).to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.len() < 16 * 1024, "{}", shown.len());
    if let Ok(other) = other.parse::<Uri>() {
        // Not what `http` read differently.
        if other.path().len() == path.len() && other.query().map(str::len) == query.map(str::len) {
            assert_eq!(redacted(&other).to_string(), shown, "{uri}");
        }
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<String> = Vec::new();
    for command in Command::ALL.iter().step_by(5) {
        let request = SignedRequest::new(command.clone()).time(NOW).url("/callback");
        let request =
            request.parameter("ClientIP", "127.0.0.1").parameter("OptPlatform", "RESTAPI");
        seeds.push(request.build::<bytes::Bytes>().uri().to_string());
        seeds.push(request.clone().unsigned().build::<bytes::Bytes>().uri().to_string());
        seeds.push(request.path_parameters().build::<bytes::Bytes>().uri().to_string());
    }
    let odd = [
        "/?SdkAppid=1400000000&CallbackCommand=New.Word&x=%ff&y=a+b&%79=%E4%BD%A0&RequestId=5",
        "/?SdkAppid=1400000000&CallbackCommand=A&s%69gn=abcd&RequestTime=2&OptPlatform=%0a",
        "/?SdkAppid=1400000000&CallbackCommand=A&callbackcommand=B",
        "/?SdkAppid=1400000000&CallbackCommand=A&SIGN=1&Sign=2",
        "/?SdkAppid=1400000000&CallbackCommand=%ff",
        "/a/SdkAppid=1400000000&CallbackCommand=A&x=\"%22&Sign=abc/def?",
        "/Sign=abc/SdkAppid=1400000000&CallbackCommand=A&x='{}|",
        "/?&&=&a&=b&SdkAppid=1400000000&&CallbackCommand=A&%=%&%2=%2&%zz==%41%",
        "http://user@host:80/?SdkAppid=1400000000&CallbackCommand=A&é=你",
        "*",
        "/",
        "host",
    ];
    seeds.extend(odd.map(str::to_owned));
    seeds.into_iter().map(String::into_bytes).collect()
}
