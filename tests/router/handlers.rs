//! Which handler gets an event, and what it is given.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use allocation_counter::measure;
use tencent_im_callback::event::{group, sns, state};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::reply::chatbot::OnC2cSignalMessageReply;
use tencent_im_callback::{Callback, Command, Event, EventRouter, HandlerError, Reply, testing};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::common::signed;
use crate::{answer, answer_to, common, item};

#[tokio::test]
async fn each_event_finds_its_handler() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = |by: usize| {
        let calls = calls.clone();
        move |_: Callback<state::StateChange>| {
            let calls = calls.clone();
            async move {
                calls.fetch_add(by, Ordering::SeqCst);
            }
        }
    };
    let router = EventRouter::new()
        .on(item)
        .on(|callback: Callback<group::BeforeSendMsg>| async move {
            let number: u32 =
                callback.event.group_id.as_str().trim_start_matches("@TGS#").parse()?;
            Err(HandlerError::new(format!("{number} is no group")))
        })
        .on(count(1))
        .on({
            let calls = calls.clone();
            move |_: Callback<sns::FriendAdd>| {
                calls.fetch_add(10, Ordering::SeqCst);
                std::future::ready(())
            }
        })
        .on(|_: Callback<tencent_im_callback::event::chatbot::OnC2cSignalMessage>| async {
            Ok::<_, HandlerError>(OnC2cSignalMessageReply::new("x"))
        });
    assert_eq!(
        answer(&router, Command::C2cBeforeSendMsg).await,
        Ok(BeforeSendMsgReply::discard().into())
    );
    assert!(
        answer(&router, Command::GroupBeforeSendMsg).await.unwrap_err().contains("invalid digit")
    );
    assert_eq!(answer(&router, Command::StateChange).await, Ok(Reply::ok()));
    assert_eq!(answer(&router, Command::SnsFriendAdd).await, Ok(Reply::ok()));
    assert_eq!(calls.load(Ordering::SeqCst), 11);
    assert_eq!(
        answer(&router, Command::ChatbotOnC2cSignalMessage).await,
        Ok(OnC2cSignalMessageReply::new("x").into())
    );
    // A notification without a handler is fine.
    assert_eq!(answer(&router, Command::SnsFriendDelete).await, Ok(Reply::ok()));
    assert_eq!(answer(&router, "New.Word".into()).await, Ok(Reply::ok()));
    assert!(format!("{router:?}").contains("StateChange"));
}

#[tokio::test]
async fn the_fallback_gets_the_rest_misfits_too() {
    let router = EventRouter::new().on(|_: Callback<state::StateChange>| async {}).fallback(
        service_fn(|callback: Callback| async move {
            Ok::<_, Infallible>(Reply::fail(format!("{:?}", callback.event.command())))
        }),
    );
    assert_eq!(answer(&router, Command::StateChange).await, Ok(Reply::ok()));
    assert_eq!(answer(&router, Command::SnsFriendAdd).await, Ok(Reply::fail("SnsFriendAdd")));
    assert_eq!(answer(&router, "New.Word".into()).await, Ok(Reply::fail("Unknown(\"New.Word\")")));
    let misfit = signed(Command::StateChange).body(r#"{"Info":5}"#).build();
    assert_eq!(answer_to(&router, misfit).await, Ok(Reply::fail("StateChange")));
    let failing =
        EventRouter::new().fallback(service_fn(|_: Callback| async { Err::<(), _>("no") }));
    assert_eq!(answer(&failing, Command::SnsFriendAdd).await, Err("no".to_owned()));
}

#[tokio::test]
async fn a_word_of_tomorrow_can_be_typed_today() {
    #[derive(serde::Deserialize)]
    struct Tomorrow {
        #[serde(rename = "Number")]
        number: u32,
    }

    #[derive(serde::Serialize)]
    #[allow(non_snake_case)]
    struct Answer {
        ActionStatus: &'static str,
        ErrorCode: u32,
        ErrorInfo: &'static str,
        Echo: u32,
    }

    let router =
        EventRouter::new().on_unknown("New.Word", |callback: Callback<Tomorrow>| async move {
            let answer = Answer {
                ActionStatus: "OK",
                ErrorCode: 0,
                ErrorInfo: "",
                Echo: callback.event.number,
            };
            Ok::<_, HandlerError>(Reply::from_json(&answer)?)
        });
    let request = |body: &'static str| signed("New.Word".into()).body(body).build();
    let reply = answer_to(&router, request(r#"{"Number":7}"#)).await.unwrap();
    assert_eq!(reply.as_bytes(), br#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","Echo":7}"#);
    // Half a character anywhere is replaced here, too.
    let reply = answer_to(&router, request(r#"{"\ud83d":"\ude00","Number":7}"#)).await.unwrap();
    assert!(reply.as_bytes().ends_with(br#""Echo":7}"#));
    let error = answer_to(&router, request(r#"{"Number":"secret"}"#)).await.unwrap_err();
    assert_eq!(error, "the body does not fit its type at Number");
    assert_eq!(answer(&router, "Other.Word".into()).await, Ok(Reply::ok()));
    assert!(Reply::from_json(&[1]).is_err());
}

#[tokio::test]
async fn a_service_is_made_ready_before_it_is_called() {
    #[derive(Clone)]
    struct Strict(bool);

    impl Service<Callback<state::StateChange>> for Strict {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            self.0 = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Callback<state::StateChange>) -> Self::Future {
            assert!(std::mem::take(&mut self.0), "called unready");
            std::future::ready(Err("called"))
        }
    }

    let router = EventRouter::new().route(ConcurrencyLimitLayer::new(1).layer(Strict(false)));
    for _ in 0..3 {
        assert_eq!(answer(&router, Command::StateChange).await, Err("called".to_owned()));
    }
}

#[test]
fn a_call_allocates_once() {
    let mut router = EventRouter::new().on(|_: Callback<state::StateChange>| async {});
    let callback = || {
        testing::callback::<state::StateChange>(testing::sample(&Command::StateChange).unwrap())
            .erase()
    };
    for (callback, allocations) in
        [(callback(), 1), (callback().map_event(|_| Event::from(sns::FriendAdd::default())), 0)]
    {
        let info = measure(|| {
            let mut call = std::pin::pin!(router.call(callback));
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(call.as_mut().poll(&mut cx).is_ready());
        });
        assert_eq!(info.count_total, allocations);
    }
    let info = measure(|| drop(router.clone()));
    assert_eq!(info.count_total, 0);
}

/// One state for all handlers that want it; each error of a handler is taken as it is.
#[tokio::test]
async fn handlers_take_the_state_and_answer_with_their_own_errors() {
    #[derive(Clone, Default)]
    struct Shared(Arc<AtomicUsize>);

    #[derive(Debug)]
    struct Mine;

    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("mine")
        }
    }

    impl std::error::Error for Mine {}

    async fn count(shared: Shared, _: Callback<state::StateChange>) {
        shared.0.fetch_add(1, Ordering::SeqCst);
    }

    async fn fails(_: Callback<sns::FriendAdd>) -> Result<(), Mine> {
        Err(Mine)
    }

    async fn rest(shared: Shared, callback: Callback) -> Result<Reply, Mine> {
        shared.0.fetch_add(100, Ordering::SeqCst);
        if callback.command().is_unknown() { Err(Mine) } else { Ok(Reply::ok()) }
    }

    async fn tomorrow(shared: Shared, callback: Callback<serde_json::Value>) -> Reply {
        shared.0.fetch_add(10, Ordering::SeqCst);
        Reply::fail(callback.event["x"].to_string())
    }

    let shared = Shared::default();
    let router = EventRouter::with_state(shared.clone())
        .on(count)
        .on(fails)
        .on(item)
        .on(|_: Callback<sns::FriendDelete>| async {})
        .on_unknown("New.Word", tomorrow)
        .fallback_fn(rest);
    let ask = |request| {
        let router = router.clone();
        async move {
            let (parts, body) = http::Request::into_parts(request);
            let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
            router.oneshot(Callback::parse(params, body).unwrap()).await
        }
    };
    assert_eq!(ask(signed(Command::StateChange).build()).await.unwrap(), Reply::ok());
    let error = ask(signed(Command::SnsFriendAdd).build()).await.unwrap_err();
    assert!(error.downcast_ref::<Mine>().is_some());
    assert_eq!(ask(signed(Command::SnsFriendDelete).build()).await.unwrap(), Reply::ok());
    let new = |word: &str| signed(word.into()).body(r#"{"x":5}"#).build();
    assert_eq!(ask(new("New.Word")).await.unwrap(), Reply::fail("5"));
    assert_eq!(ask(signed(Command::GroupBeforeSendMsg).build()).await.unwrap(), Reply::ok());
    assert!(ask(new("Newer.Word")).await.unwrap_err().downcast_ref::<Mine>().is_some());
    assert_eq!(shared.0.load(Ordering::SeqCst), 211);
}

/// One function judges the messages of all three commands, and each gets the reply of its own.
#[tokio::test]
async fn one_function_judges_every_message() {
    use tencent_im_callback::event::BeforeMessage;
    use tencent_im_callback::reply::{self, MessageVerdict, Rewrite};

    async fn judge(
        wanted: MessageVerdict,
        callback: Callback<BeforeMessage>,
    ) -> Result<MessageVerdict, HandlerError> {
        assert!(!callback.event.msg_body().is_empty());
        assert!(callback.event.sender().is_some_and(|sender| !sender.is_empty()));
        assert_eq!(callback.event.cloud_custom_data(), callback.event.cloud_custom_data());
        Ok(wanted)
    }

    let custom = || Rewrite::new().cloud_custom_data("x");
    let code = reply::c2c::RejectCode::of::<120_001>();
    let group_code = reply::group::RejectCode::of::<10_100>();
    for (verdict, replies) in [
        (MessageVerdict::allow(), [Reply::ok(), Reply::ok(), Reply::ok()]),
        (
            MessageVerdict::reject(),
            [Reply::reject(1, ""), Reply::reject(1, ""), Reply::reject(1, "")],
        ),
        (
            MessageVerdict::discard(),
            [Reply::reject(2, ""), Reply::reject(2, ""), Reply::reject(2, "")],
        ),
        (
            MessageVerdict::reject_with(code, group_code, "no"),
            [
                Reply::reject(120_001, "no"),
                Reply::reject(10_100, "no"),
                Reply::reject(120_001, "no"),
            ],
        ),
        (
            MessageVerdict::allow_rewritten(custom()),
            [
                BeforeSendMsgReply::allow_rewritten(custom()).into(),
                reply::group::BeforeSendMsgReply::allow_rewritten(custom()).into(),
                reply::official_account::BeforeSendMsgReply::allow_rewritten(custom()).into(),
            ],
        ),
    ] {
        let router = EventRouter::with_state(verdict).on_message(judge);
        for (command, expected) in [
            Command::C2cBeforeSendMsg,
            Command::GroupBeforeSendMsg,
            Command::OfficialAccountBeforeSendMsg,
        ]
        .into_iter()
        .zip(replies)
        {
            assert_eq!(answer(&router, command).await, Ok(expected));
        }
    }
}
