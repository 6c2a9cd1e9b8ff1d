//! A delivery that comes twice is handled once.
#![allow(clippy::pedantic)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http_body_util::Full;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{
    Callback, Command, DedupKey, DedupLayer, DetachLayer, Disposition, HandlerError, Params, Reply,
    SdkAppId,
};
use tokio::sync::Semaphore;
use tokio_test::{assert_pending, task};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceExt, service_fn};

const WINDOW: Duration = Duration::from_secs(60);

fn request(time: u32) -> SignedRequest {
    let body = format!(r#"{{"Info":{{"To_Account":"a"}},"EventTime":{time}}}"#);
    signed(Command::StateChange).body(body)
}

fn parsed(request: &SignedRequest) -> Callback {
    let (parts, body) = request.build::<Bytes>().into_parts();
    Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
        .unwrap()
}

fn callback(time: u32) -> Callback {
    parsed(&request(time))
}

/// The reply of a call.
fn numbered(call: usize) -> Reply {
    Reply::reject(0, call.to_string())
}

/// Counts its calls; each waits for a permit, and replies with its number.
#[derive(Clone)]
struct Counting {
    gate: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Calls up to this one end badly.
    bad: usize,
    /// Calls up to this one are answered `FAIL`.
    fails: usize,
}

impl Counting {
    fn new(permits: usize) -> Self {
        Counting {
            gate: Arc::new(Semaphore::new(permits)),
            calls: Arc::default(),
            ended: Arc::default(),
            bad: 0,
            fails: 0,
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn service(
        &self,
    ) -> impl Service<Callback, Response = Reply, Error = HandlerError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static {
        let this = self.clone();
        service_fn(move |_: Callback| {
            let this = this.clone();
            async move {
                let number = this.calls.fetch_add(1, Ordering::SeqCst) + 1;
                this.gate.acquire().await?.forget();
                this.ended.fetch_add(1, Ordering::SeqCst);
                if number <= this.bad {
                    Err(HandlerError::new(format!("bad {number}")))
                } else if number <= this.fails {
                    Ok(Reply::fail("no database"))
                } else {
                    Ok(numbered(number))
                }
            }
        })
    }
}

#[tokio::test]
async fn a_second_delivery_is_answered_as_the_first_was() {
    let counting = Counting::new(100);
    let service = layer().layer(DedupLayer::new(WINDOW).layer(counting.service()));
    let mut kinds = Vec::new();
    for time in [1, 1, 2, 1] {
        let response = service.clone().oneshot(request(time).build::<Full<Bytes>>()).await.unwrap();
        kinds.push((
            outcome(&response).disposition().unwrap(),
            common::text(response).await.contains("\"1\""),
        ));
    }
    use Disposition::{Duplicate, Handled};
    assert_eq!(kinds, [(Handled, true), (Duplicate, true), (Handled, false), (Duplicate, true)]);
    assert_eq!(counting.calls(), 2);
}

#[tokio::test]
async fn a_thousand_copies_at_once_call_the_handler_once() {
    let counting = Counting::new(0);
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let copies: Vec<_> =
        (0..1000).map(|_| tokio::spawn(service.clone().oneshot(callback(1)))).collect();
    while counting.calls() == 0 {
        tokio::task::yield_now().await;
    }
    counting.gate.add_permits(1000);
    for copy in copies {
        assert_eq!(copy.await.unwrap().unwrap(), numbered(1));
    }
    assert_eq!(counting.calls(), 1);
}

#[tokio::test]
async fn an_error_goes_to_all_who_waited_and_the_next_tries_again() {
    let counting = Counting { bad: 1, ..Counting::new(0) };
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let mut copies: Vec<_> =
        (0..5).map(|_| task::spawn(service.clone().oneshot(callback(1)))).collect();
    for copy in &mut copies {
        assert_pending!(copy.poll());
    }
    counting.gate.add_permits(100);
    for copy in copies {
        assert_eq!(copy.await.unwrap_err().to_string(), "bad 1");
    }
    assert_eq!(counting.calls(), 1);
    assert_eq!(service.clone().oneshot(callback(1)).await.unwrap(), numbered(2));
    assert_eq!(service.oneshot(callback(1)).await.unwrap(), numbered(2));
    assert_eq!(counting.calls(), 2);
}

/// A handler that answers `FAIL` has not handled the delivery, so it is tried again.
#[tokio::test]
async fn fail_is_answered_and_not_remembered() {
    let counting = Counting { fails: 1, ..Counting::new(0) };
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let mut copies: Vec<_> =
        (0..3).map(|_| task::spawn(service.clone().oneshot(callback(1)))).collect();
    for copy in &mut copies {
        assert_pending!(copy.poll());
    }
    counting.gate.add_permits(100);
    for copy in copies {
        assert_eq!(copy.await.unwrap(), Reply::fail("no database"));
    }
    for disposition in [Disposition::Handled, Disposition::Duplicate] {
        let reply = service.clone().oneshot(callback(1)).await.unwrap();
        assert_eq!((reply.disposition(), reply), (disposition, numbered(2)));
    }
    let stats = service.stats();
    assert_eq!((stats.failed, stats.handled, stats.duplicates), (3, 1, 1));
}

#[tokio::test]
async fn a_cancelled_first_hands_over_to_one_who_waits() {
    let counting = Counting::new(0);
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let mut first = task::spawn(service.clone().oneshot(callback(1)));
    let mut second = task::spawn(service.clone().oneshot(callback(1)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_eq!(counting.calls(), 1);
    drop(first);
    assert!(second.is_woken());
    assert_pending!(second.poll());
    assert_eq!(counting.calls(), 2);
    counting.gate.add_permits(1);
    assert_eq!(second.await.unwrap(), numbered(2));
}

#[tokio::test]
async fn a_panicked_first_hands_over_too() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let service = DedupLayer::new(WINDOW).layer(service_fn(move |_: Callback| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::task::yield_now().await;
            assert_ne!(number, 0, "on purpose");
            Ok::<_, HandlerError>(Reply::ok())
        }
    }));
    let copies: Vec<_> =
        (0..3).map(|_| tokio::spawn(service.clone().oneshot(callback(1)))).collect();
    let mut panicked = 0;
    for copy in copies {
        match copy.await {
            Ok(reply) => assert_eq!(reply.unwrap(), Reply::ok()),
            Err(error) => panicked += usize::from(error.is_panic()),
        }
    }
    assert_eq!((panicked, calls.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test]
async fn what_has_no_key_passes_and_a_key_of_ones_own_counts() {
    let counting = Counting::new(100);
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let friend = || parsed(&signed(Command::SnsFriendDelete));
    for number in 1..=3 {
        assert_eq!(service.clone().oneshot(friend()).await.unwrap(), numbered(number));
    }
    let own = DedupLayer::new(WINDOW)
        .key(|callback| Some(DedupKey::new(callback.command().as_str())))
        .layer(counting.service());
    for _ in 0..3 {
        assert_eq!(own.clone().oneshot(friend()).await.unwrap(), numbered(4));
    }
    assert_eq!(own.clone().oneshot(callback(1)).await.unwrap(), numbered(5));
}

/// The key of a message is also in its recall, and two apps can have the same.
#[tokio::test]
async fn an_own_key_tells_deliveries_of_one_command_and_app_apart() {
    let counting = Counting::new(100);
    let service = DedupLayer::new(WINDOW)
        .key(|callback| {
            let body: serde_json::Value = serde_json::from_slice(&callback.body).ok()?;
            Some(DedupKey::new(body["MsgKey"].as_str()?))
        })
        .layer(counting.service());
    let commands = [Command::C2cAfterSendMsg, Command::C2cAfterMsgWithDraw];
    for (app, command, call) in [(1, 0, 1), (1, 1, 2), (2, 0, 3), (1, 0, 1)] {
        let params = Params::trusted(SdkAppId(app), commands[command].clone());
        let body = r#"{"From_Account":"a","To_Account":"b","MsgKey":"1_2_3","MsgBody":[]}"#;
        let callback = Callback::parse(params, body.into()).unwrap();
        assert_eq!(service.clone().oneshot(callback).await.unwrap(), numbered(call));
    }
}

#[tokio::test]
async fn the_window_ends_and_the_memory_is_bounded() {
    let counting = Counting::new(100_000);
    let service = DedupLayer::new(Duration::from_millis(20)).layer(counting.service());
    let _ = service.clone().oneshot(callback(1)).await.unwrap();
    // moka keeps its own time, which no test clock moves.
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(service.clone().oneshot(callback(1)).await.unwrap(), numbered(2));

    let small = DedupLayer::new(WINDOW).capacity(10).layer(counting.service());
    for time in 0..2000 {
        let _ = small.clone().oneshot(callback(time)).await.unwrap();
    }
    assert!((2..=200).contains(&small.stats().remembered), "{}", small.stats().remembered);
}

/// A server drops a handler when its peer hangs up, and that is when the second delivery comes.
/// A full memory forgets the oldest: a second delivery comes soon after the first.
#[tokio::test]
async fn a_full_memory_still_knows_what_came_just_now() {
    let counting = Counting::new(usize::MAX >> 3);
    let mut service = DedupLayer::new(WINDOW).capacity(1000).layer(counting.service());
    for time in 1_u32..4000 {
        for time in [time, time.saturating_sub(10).max(1)] {
            let _ = service.ready().await.unwrap().call(callback(time)).await.unwrap();
        }
        assert_eq!(counting.calls(), time as usize);
    }
}

#[tokio::test]
async fn inside_of_detach_the_second_delivery_finds_the_first_at_work() {
    let counting = Counting::new(0);
    let detach = DetachLayer::new(10);
    let service = detach.layer(DedupLayer::new(WINDOW).layer(counting.service()));
    // Answered, and hung up upon.
    let _ = service.clone().oneshot(callback(1)).await.unwrap();
    let _ = service.clone().oneshot(callback(1)).await.unwrap();
    counting.gate.add_permits(2);
    assert_eq!(detach.drain(Duration::from_secs(10)).await.finished, 2);
    assert_eq!((counting.calls(), counting.ended.load(Ordering::SeqCst)), (1, 1));

    // Without `Detach`, the first delivery is dropped half done, and begins anew with the second.
    let counting = Counting::new(0);
    let service = DedupLayer::new(WINDOW).layer(counting.service());
    let mut first = task::spawn(service.clone().oneshot(callback(1)));
    assert_pending!(first.poll());
    drop(first);
    counting.gate.add_permits(2);
    let _ = service.oneshot(callback(1)).await.unwrap();
    assert_eq!((counting.calls(), counting.ended.load(Ordering::SeqCst)), (2, 1));
}

/// The early answer says nothing about the work, so it must not be what is remembered.
#[tokio::test]
async fn the_wrong_order_loses_an_event_whose_handling_failed() {
    for (right, handled) in [(true, true), (false, false)] {
        // The first attempt fails, the second would do.
        let counting = Counting { bad: 1, ..Counting::new(100) };
        let detach = DetachLayer::new(10);
        let dedup = DedupLayer::new(WINDOW);
        let service = if right {
            BoxCloneService::new(detach.layer(dedup.layer(counting.service())))
        } else {
            BoxCloneService::new(dedup.layer(detach.layer(counting.service())))
        };
        let _ = service.clone().oneshot(callback(1)).await.unwrap();
        while detach.stats().running > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(detach.stats().failed, 1);
        // Tencent sends it again.
        let _ = service.oneshot(callback(1)).await.unwrap();
        drop(detach.drain(Duration::from_secs(10)).await);
        assert_eq!(
            (counting.calls() == 2, detach.stats().succeeded == 1),
            (handled, handled),
            "right: {right}"
        );
    }
}

/// A sender may have been banned since the last time, whatever a key says.
#[tokio::test]
async fn a_verdict_is_given_anew_whatever_the_key() {
    let counting = Counting::new(100);
    let service = DedupLayer::new(WINDOW)
        .key(|_| Some(DedupKey::new("always the same")))
        .layer(counting.service());
    for (number, command) in [
        Command::C2cBeforeSendMsg,
        Command::SnsPrevFriendAdd,
        Command::LiveBeforeSendGift,
        "New.Word".into(),
    ]
    .into_iter()
    .cycle()
    .take(8)
    .enumerate()
    {
        let mut request = signed(command);
        if request.build::<Bytes>().body().is_empty() {
            request = request.body("{\"x\":1}");
        }
        let callback = parsed(&request);
        assert_eq!(service.clone().oneshot(callback).await.unwrap(), numbered(number + 1));
    }
}

#[tokio::test]
async fn any_window_will_do() {
    let counting = Counting::new(100);
    for window in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let service = DedupLayer::new(window).layer(counting.service());
        let first = service.clone().oneshot(callback(7)).await.unwrap();
        let second = service.clone().oneshot(callback(7)).await.unwrap();
        assert_eq!(first, second);
    }
}

/// A window is counted from the handling, and not from the last time that somebody asked.
#[tokio::test]
async fn being_asked_does_not_lengthen_the_window() {
    let counting = Counting::new(100);
    let service = DedupLayer::new(Duration::from_millis(60)).layer(counting.service());
    let started = std::time::Instant::now();
    let first = service.clone().oneshot(callback(1)).await.unwrap();
    // moka keeps its own time, which no test clock moves.
    while started.elapsed() < Duration::from_millis(200) {
        let again = service.clone().oneshot(callback(1)).await.unwrap();
        if again != first {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("remembered for three windows, since it was asked for");
}

/// All who wait get the error, with its source and its advice.
#[tokio::test]
async fn an_error_keeps_its_source_and_advice() {
    let service = DedupLayer::new(WINDOW).layer(service_fn(|_: Callback| async {
        Err::<Reply, _>(HandlerError::permanent("x".parse::<u8>().unwrap_err()))
    }));
    let (one, other) =
        tokio::join!(service.clone().oneshot(callback(1)), service.clone().oneshot(callback(1)));
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!(error.retry(), tencent_im_callback::Retry::Never);
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert_eq!(format!("{error:#}"), "invalid digit found in string");
    }
}
