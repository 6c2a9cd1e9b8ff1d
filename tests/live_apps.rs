//! Apps and tokens changed while requests are in flight.
#![allow(clippy::pedantic)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::{NOW, clock, token};
use http::{Method, Uri};
use tencent_im_callback::testing::sign;
use tencent_im_callback::{App, Apps, RejectionKind as Kind, Verified, Verifier};

fn url(app: u64, token: &str) -> Uri {
    format!("/?SdkAppid={app}&CallbackCommand=A.B&Sign={}&RequestTime={NOW}", sign(token, NOW))
        .parse()
        .unwrap()
}

#[test]
fn a_removed_token_stops_working_at_once() {
    let apps = Apps::from(App::signed(1, token("old")).accept(token("new")));
    let verifier = Verifier::new(apps.clone()).clock(clock);
    let verify = |token: &str| {
        let verified = verifier.verify(&Method::POST, &url(1, token));
        verified
            .map(|verified| match verified {
                Verified::Callback(params) => params.token_index(),
                other => panic!("{other:?}"),
            })
            .map_err(|rejection| rejection.kind())
    };
    assert_eq!((verify("old"), verify("new")), (Ok(Some(0)), Ok(Some(1))));
    apps.set(App::signed(1, token("new")));
    assert_eq!((verify("old"), verify("new")), (Err(Kind::SignatureMismatch), Ok(Some(0))));
    apps.remove(1);
    assert_eq!(verify("new"), Err(Kind::AppUnknown));
    apps.replace([App::signed(1, token("old"))]);
    assert_eq!(verify("old"), Ok(Some(0)));
}

/// Two apps swap their tokens, back and forth. Each token always belongs to one of them, so a
/// request that found it with neither would have seen half a change.
#[test]
fn no_request_sees_half_a_change() {
    let state = |one: &str, two: &str| [App::signed(1, token(one)), App::signed(2, token(two))];
    let apps = Apps::new(state("a", "b"));
    let verifier = Verifier::new(apps.clone()).clock(clock);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    // A probe is tried against the tokens of all apps: it sees the whole set.
                    let probes = ["a", "b"].map(|name| -> Uri {
                        let sign = sign(name, NOW);
                        format!("/?Sign={sign}&RequestTime={NOW}").parse().unwrap()
                    });
                    let callbacks = [url(1, "a"), url(1, "b"), url(2, "a"), url(2, "b")];
                    let (mut seen, mut good) = (0u32, 0u32);
                    while !stop.load(Ordering::Relaxed) || seen < 2000 {
                        for uri in &callbacks {
                            match verifier.verify(&Method::POST, uri) {
                                Ok(_) => good += 1,
                                Err(rejection) => {
                                    assert_eq!(rejection.kind(), Kind::SignatureMismatch)
                                }
                            }
                        }
                        for uri in &probes {
                            let verified = verifier.verify(&Method::POST, uri);
                            assert!(matches!(verified, Ok(Verified::Probe)), "{verified:?}");
                        }
                        seen += 1;
                    }
                    good
                })
            })
            .collect();
        for _ in 0..2000 {
            apps.replace(state("b", "a"));
            apps.replace(state("a", "b"));
        }
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            assert!(worker.join().unwrap() > 1000);
        }
    });
}
