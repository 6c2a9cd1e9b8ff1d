//! Method and URL: what is accepted, and what is refused for which reason.
#![allow(clippy::pedantic)]

#[path = "../common/attack.rs"]
mod attack;
#[path = "../common/mod.rs"]
mod common;

mod apps;
mod encoded;
mod forged;
mod parameters;
mod probes;
mod replay;
mod signature;
mod stored;

use http::{Method, Uri};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{Params, Rejection, RejectionKind as Kind, Verified, Verifier};

use crate::attack::{AFTER, CANARY, Fate, attack};
use crate::common::{APP, NOW, TOKEN, post, verifier};

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
    Fate::Accepted(crate::common::read(&AFTER, body()))
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
