//! What the feature `metrics` records, as a recorder sees it.

mod common;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use common::{APP, NOW, TOKEN, verifier};
use http::{Request, Response};
use http_body_util::Full;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tencent_im_callback::Token;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    CallbackLayer, Command, DedupLayer, DetachLayer, EventRouter, HandlerError, MetricsLayer,
    Quota, RateLimitLayer, Reply, ResponseBody, VerifyLayer,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Name and labels of each metric, with what was recorded: a count, a gauge, or how many latencies.
type Seen = BTreeMap<String, u64>;

fn seen(snapshotter: &Snapshotter) -> Seen {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    metrics
        .map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
            let value = match value {
                DebugValue::Counter(count) => count,
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // a small whole number
                DebugValue::Gauge(gauge) => gauge.into_inner() as u64,
                DebugValue::Histogram(latencies) => {
                    assert!(
                        latencies.iter().all(|seconds| (0.0..60.0).contains(&seconds.into_inner()))
                    );
                    latencies.len() as u64
                }
            };
            (format!("{} {}", key.name(), labels.join(",")).trim_end().to_owned(), value)
        })
        .collect()
}

/// Runs a test under a recorder of its own.
fn recorded<F: Future<Output = ()>>(test: impl FnOnce(Snapshotter) -> F) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(test(snapshotter)));
}

fn layer() -> CallbackLayer {
    CallbackLayer::new(verifier())
}

fn request(command: impl Into<Command>) -> SignedRequest {
    SignedRequest::new(command).time(NOW)
}

async fn answer<S>(service: &mut S, request: Request<Full<Bytes>>) -> u16
where
    S: Service<Request<Full<Bytes>>, Response = Response<ResponseBody>, Error = Infallible>,
{
    let service = service.ready().await.unwrap();
    service.call(request).await.unwrap().status().as_u16()
}

#[test]
fn metrics_are_described_however_the_layer_is_made() {
    for layer in [MetricsLayer::new, MetricsLayer::default] {
        recorded(async |snapshotter| {
            let mut service = layer().layer(self::layer().layer(EventRouter::new()));
            answer(&mut service, request(Command::StateChange).build()).await;
            for (key, _, described, _) in snapshotter.snapshot().into_vec() {
                assert!(described.is_some(), "{key:?}");
            }
        });
    }
}

#[test]
fn requests_are_counted_by_outcome_reason_and_command() {
    recorded(async |snapshotter| {
        let handlers =
            service_fn(async |callback: tencent_im_callback::Callback| match callback.command() {
                Command::SnsFriendDelete => Err(HandlerError::new("the database is away")),
                Command::C2cAfterSendMsg => std::future::pending().await,
                _ => Ok(Reply::ok()),
            });
        let mut service =
            ServiceBuilder::new().layer(MetricsLayer::new()).layer(layer()).service(handlers);
        for _ in 0..2 {
            assert_eq!(answer(&mut service, request(Command::StateChange).build()).await, 200);
        }
        assert_eq!(answer(&mut service, request(Command::SnsFriendDelete).build()).await, 200);
        assert_eq!(
            answer(
                &mut service,
                request(Command::SnsFriendAdd).token(Token::new("other").unwrap()).build()
            )
            .await,
            401
        );
        for word in ["New.Word", "Newer.Word"] {
            let body = format!(r#"{{"CallbackCommand":"{word}"}}"#);
            assert_eq!(answer(&mut service, request(word).body(body).build()).await, 200);
        }
        let check = format!("/?SdkAppid={APP}&Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
        let check = Request::post(check).body(Full::default()).unwrap();
        assert_eq!(answer(&mut service, check).await, 200);
        // The peer hangs up.
        let call = answer(&mut service, request(Command::C2cAfterSendMsg).build());
        tokio::time::timeout(Duration::from_secs(1), call).await.unwrap_err();

        let wanted = [
            ("im_callbacks_total accepted,handled,State.StateChange", 2),
            ("im_callback_duration_seconds accepted,State.StateChange", 2),
            ("im_callbacks_total failed,failed,Sns.CallbackFriendDelete", 1),
            ("im_callback_duration_seconds failed,Sns.CallbackFriendDelete", 1),
            ("im_callbacks_total rejected,signature_mismatch,", 1),
            ("im_callback_duration_seconds rejected,", 1),
            ("im_callbacks_total accepted,handled,unknown", 2),
            ("im_callback_duration_seconds accepted,unknown", 2),
            ("im_callbacks_total probe,,", 1),
            ("im_callback_duration_seconds probe,", 1),
            ("im_callbacks_total cancelled,,", 1),
            ("im_callback_duration_seconds cancelled,", 1),
        ];
        let mut seen = seen(&snapshotter);
        seen.retain(|name, _| !name.starts_with("im_callbacks_d"));
        assert_eq!(seen, Seen::from(wanted.map(|(name, count)| (name.to_owned(), count))));
    });
}

#[test]
fn work_in_the_background_and_duplicates_are_counted() {
    recorded(async |snapshotter| {
        let detach = DetachLayer::new(1).max_wait(Duration::from_secs(1));
        let (done, wait) = tokio::sync::watch::channel(false);
        let handlers = EventRouter::new().fallback(service_fn(
            move |callback: tencent_im_callback::Callback| {
                let mut wait = wait.clone();
                async move {
                    if *callback.command() == Command::SnsFriendDelete {
                        return Err(HandlerError::new("no"));
                    }
                    wait.wait_for(|done| *done).await.map_err(HandlerError::new)?;
                    Ok(Reply::ok())
                }
            },
        ));
        let mut service = ServiceBuilder::new()
            .layer(MetricsLayer::new())
            .layer(layer())
            .layer(detach.clone())
            .layer(DedupLayer::new(Duration::from_secs(60)))
            .service(handlers);
        let after = || request(Command::C2cAfterSendMsg).build();
        assert_eq!(answer(&mut service, after()).await, 200);
        assert_eq!(answer(&mut service, request(Command::SnsFriendDelete).build()).await, 200);
        let now = seen(&snapshotter);
        assert_eq!(now["im_callbacks_detached_running"], 1);
        assert_eq!(now["im_callbacks_detached_total overloaded"], 1);

        done.send(true).unwrap();
        assert_eq!(detach.stats().failed, 0);
        for request in [request(Command::SnsFriendDelete).build(), after()] {
            assert_eq!(answer(&mut service, request).await, 200);
        }
        drop(detach.drain(Duration::from_secs(1)).await);
        let end = seen(&snapshotter);
        for (name, count) in [
            ("im_callbacks_detached_running", 0),
            ("im_callbacks_detached_total succeeded", 1),
            ("im_callbacks_detached_total duplicate", 1),
            ("im_callbacks_detached_total failed", 1),
            ("im_callbacks_dedup_total handled", 1),
            ("im_callbacks_dedup_total duplicate", 1),
            ("im_callbacks_dedup_total without_key", 1),
            ("im_callbacks_total accepted,detached,C2C.CallbackAfterSendMsg", 1),
        ] {
            assert_eq!(end.get(name), Some(&count), "{name} in {end:#?}");
        }
    });
}

#[test]
fn what_is_over_a_rate_limit_is_counted_by_reason_and_by_whose_quota_it_was() {
    recorded(async |snapshotter| {
        let limit = RateLimitLayer::per_sender(Quota::per_minute(1)).capacity(1);
        let handlers = service_fn(async |_| Ok::<_, HandlerError>(Reply::ok()));
        let message = |from: &str| {
            let body = format!(r#"{{"From_Account":"{from}","To_Account":"b","MsgBody":[]}}"#);
            request(Command::C2cBeforeSendMsg).body(body).build()
        };
        // One that replies, and one that leaves it to `OnError`.
        for (limit, status) in [(limit.clone().reject("slow down"), 200), (limit, 500)] {
            let mut service = ServiceBuilder::new()
                .layer(MetricsLayer::new())
                .layer(layer())
                .layer(limit)
                .service(handlers);
            // `b` and `c` find no room, and share one quota.
            for (from, status) in [("a", 200), ("a", status), ("b", 200), ("c", status)] {
                assert_eq!(answer(&mut service, message(from)).await, status, "{from}");
            }
        }
        let seen = seen(&snapshotter);
        for (name, count) in [
            ("im_callbacks_total accepted,handled,C2C.CallbackBeforeSendMsg", 4),
            ("im_callbacks_total accepted,rate_limited,C2C.CallbackBeforeSendMsg", 2),
            ("im_callbacks_total failed,rate_limited,C2C.CallbackBeforeSendMsg", 2),
            ("im_callbacks_limited_total own", 2),
            ("im_callbacks_limited_total shared", 2),
        ] {
            assert_eq!(seen.get(name), Some(&count), "{name} in {seen:#?}");
        }
    });
}

/// Inside of `VerifyLayer`, what that one refuses is not counted.
#[test]
fn outside_of_verify_all_is_counted() {
    for (outside, refused) in [(true, Some(&1)), (false, None)] {
        recorded(async |snapshotter| {
            let inner = || {
                let handlers = service_fn(async |_| Ok::<_, HandlerError>(Reply::ok()));
                layer().layer(handlers)
            };
            let requests = [
                request(Command::StateChange),
                request(Command::StateChange).token(Token::new("x").unwrap()),
            ];
            for (request, status) in requests.into_iter().zip([200, 401]) {
                let request = request.build::<Full<Bytes>>();
                let verify = VerifyLayer::new(verifier());
                let got = if outside {
                    MetricsLayer::new()
                        .layer(verify.layer(inner()))
                        .oneshot(request)
                        .await
                        .unwrap()
                        .status()
                } else {
                    verify
                        .layer(MetricsLayer::new().layer(inner()))
                        .oneshot(request)
                        .await
                        .unwrap()
                        .status()
                };
                assert_eq!(got, status);
            }
            let seen = seen(&snapshotter);
            assert_eq!(seen["im_callbacks_total accepted,handled,State.StateChange"], 1);
            assert_eq!(seen.get("im_callbacks_total rejected,signature_mismatch,"), refused);
        });
    }
}
