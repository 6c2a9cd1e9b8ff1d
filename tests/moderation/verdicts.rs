//! What becomes of a finding: the verdict, the rewrite, the handler of the event, edits.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tencent_im_callback::event::c2c;
use tencent_im_callback::moderation::{Edit, Finding, Findings, ModerateLayer, Place, Shown, Text};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::reply::{self, Meaning, Rewrite};
use tencent_im_callback::{Callback, Command, Disposition, EventRouter, HandlerError, Reply};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::{answer, callback, element, judge, meaning, message, text};

/// Bodies that show the users a word outside of an element, or in an official account's message.
const WRITTEN: [(Command, &str); 12] = [
    (Command::GroupBeforeCreateGroup, r#"{"Operator_Account":"a","Type":"Public","Name":"WORD"}"#),
    (
        Command::GroupBeforeCreateTopic,
        r#"{"Operator_Account":"a","Type":"Community","Name":"WORD"}"#,
    ),
    (
        Command::OfficialAccountBeforeCreateOfficialAccount,
        r#"{"Operator_Account":"a","Owner_Account":"a","Name":"WORD"}"#,
    ),
    (
        Command::GroupBeforeApplyJoinGroup,
        r#"{"GroupId":"g","Type":"Public","Requestor_Account":"a","ApplyMsg":"WORD"}"#,
    ),
    (
        Command::SnsPrevFriendAdd,
        r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","AddWording":"WORD"}]}"#,
    ),
    (
        Command::SnsPrevFriendAdd,
        concat!(
            r#"{"From_Account":"a","FriendItem":"#,
            r#"[{"To_Account":"b","Remark":"WORD"},{"To_Account":"c"}]}"#
        ),
    ),
    (
        Command::SnsPrevFriendAdd,
        r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","GroupName":"WORD"}]}"#,
    ),
    (
        Command::SnsPrevFriendAdd,
        r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","New":["WORD"]}]}"#,
    ),
    (
        Command::SnsPrevFriendResponse,
        r#"{"From_Account":"a","ResponseFriendItem":[{"To_Account":"b","TagName":"WORD"}]}"#,
    ),
    (
        Command::SnsPrevFriendResponse,
        r#"{"From_Account":"a","ResponseFriendItem":[{"To_Account":"b","Remark":"WORD"}]}"#,
    ),
    (
        Command::GroupBeforeSendMsg,
        r#"{"GroupId":"g","From_Account":"a","CloudCustomData":"WORD","MsgBody":[]}"#,
    ),
    (
        Command::OfficialAccountBeforeSendMsg,
        concat!(
            r#"{"Official_Account":"a","MsgBody":"#,
            r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"WORD"}}]}"#
        ),
    ),
];

#[tokio::test]
async fn names_and_friend_requests_are_judged_and_cannot_be_rewritten() {
    for (command, body) in WRITTEN {
        for (word, wanted) in
            [("hello", Meaning::Allow), ("spam", Meaning::Reject), ("damn", Meaning::Reject)]
        {
            let (found, reply) = answer(&command, body.replace("WORD", word)).await;
            let is_message = word == "damn" && body.contains("MsgBody");
            let wanted = if is_message { Meaning::Rewrite } else { wanted };
            assert_eq!(found, wanted, "{command} {body} {word} {reply}");
        }
    }
}

#[tokio::test]
async fn a_rewrite_changes_the_word_and_nothing_else() {
    let elements = concat!(
        r#"[{"MsgContent":{"Text":"damn","Big":123456789012345678901234567890,"F":1.50e+3 ,"#,
        r#""New":{"a" : 1,"a":2}},"MsgType":"TIMTextElem"},{"MsgType":"New","#,
        r#""MsgContent":{"x":["\ud83d","d\u0061mn"]}},{"MsgType":"TIMFileElem","#,
        r#""MsgContent":{"Url":"damn","FileName":"damn.txt"}}]"#
    );
    let body =
        message(elements).replace("\"MsgBody\"", "\"CloudCustomData\":\"damn it\",\"MsgBody\"");
    let (_, reply) = answer(&Command::C2cBeforeSendMsg, body).await;
    let wanted = elements
        .replace(r#""Text":"damn""#, r#""Text":"****""#)
        .replace(r"d\u0061mn", "****")
        .replace("damn.txt", "****.txt");
    let reply = reply.to_string();
    assert!(reply.contains(&format!("\"MsgBody\":{wanted}")), "{reply}");
    assert!(reply.contains(r#""CloudCustomData":"**** it""#), "{reply}");
    for folded in ["Damn it", "d\u{200b}amn it", "\u{ff24}\u{ff21}\u{ff2d}\u{ff2e} it"] {
        let (_, reply) =
            answer(&Command::C2cBeforeSendMsg, message(&format!("[{}]", text(folded)))).await;
        assert!(reply.to_string().contains(r#""Text":"**** it""#), "{reply}");
    }
    // Only the custom data is new.
    let body = message("[]").replace("\"MsgBody\"", "\"CloudCustomData\":\"damn\",\"MsgBody\"");
    let (_, reply) = answer(&Command::C2cBeforeSendMsg, body).await;
    assert!(!reply.to_string().contains("MsgBody"), "{reply}");
}

#[tokio::test]
async fn what_cannot_be_rewritten_is_rejected() {
    for elements in [
        vec![text("da"), text("mn")],
        vec![text("d\u{336}amn")],
        vec![text("\u{202e}nmad")],
        vec![text(r"d\u0061mn")],
        vec![text("damn"), text(r"d\u0061mn")],
        vec![element("TIMNewElem", r#"{"damn":1}"#)],
        vec![element("TIMdamnElem", "{}")],
    ] {
        assert_eq!(meaning(&elements).await, Meaning::Reject, "{elements:?}");
    }
    // A judge that replaces a word by itself.
    let again = |text: &Text<'_>| {
        if text.contains("damn") { Finding::Replace("damn you".into()) } else { Finding::Allow }
    };
    let body = message(&format!("[{}]", text("damn")));
    let reply = EventRouter::new()
        .moderate(again)
        .oneshot(callback(Command::C2cBeforeSendMsg, body))
        .await
        .unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

#[tokio::test]
async fn the_handler_of_the_event_is_asked_after_the_judge() {
    let calls = Arc::new(AtomicUsize::new(0));
    let router = |reply: BeforeSendMsgReply| {
        let calls = calls.clone();
        EventRouter::new().moderate(judge).on(move |_: Callback<c2c::BeforeSendMsg>| {
            calls.fetch_add(1, Ordering::SeqCst);
            std::future::ready(reply.clone())
        })
    };
    let own = Rewrite::new().cloud_custom_data("mine");
    for (said, reply, wanted, called) in [
        ("spam", BeforeSendMsgReply::allow(), Meaning::Reject, 0),
        ("hello", BeforeSendMsgReply::allow(), Meaning::Allow, 1),
        ("hello", BeforeSendMsgReply::discard(), Meaning::Discard, 1),
        ("hello", BeforeSendMsgReply::allow_rewritten(own.clone()), Meaning::Rewrite, 1),
        ("damn", BeforeSendMsgReply::allow(), Meaning::Rewrite, 1),
        ("damn", BeforeSendMsgReply::reject(), Meaning::Reject, 1),
        ("damn", BeforeSendMsgReply::discard(), Meaning::Discard, 1),
        ("damn", BeforeSendMsgReply::allow_rewritten(own), Meaning::Reject, 1),
    ] {
        calls.store(0, Ordering::SeqCst);
        let body = message(&format!("[{}]", text(said)));
        let callback = callback(Command::C2cBeforeSendMsg, body);
        let answered = router(reply).oneshot(callback).await.unwrap();
        let found = Meaning::of(&Command::C2cBeforeSendMsg, 200, answered.as_bytes());
        assert_eq!((found, calls.load(Ordering::SeqCst)), (wanted, called), "{said} {answered}");
    }
    // A reply that is no verdict would let the original pass.
    let service = ModerateLayer::new(judge)
        .layer(service_fn(async |_: Callback| Ok::<_, Infallible>(Reply::fail("busy"))));
    let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text("damn"))));
    assert_eq!(service.oneshot(callback).await.unwrap(), Reply::reject(1, ""));
}

#[tokio::test]
async fn what_nobody_writes_in_is_not_judged_and_not_allowed() {
    let router = EventRouter::new().moderate(judge);
    let invite = r#"{"GroupId":"g","Operator_Account":"a","DestinationMembers":[]}"#;
    let invite = callback(Command::GroupBeforeInviteJoinGroup, invite);
    assert!(router.clone().oneshot(invite).await.is_err());
    let new = callback("C2C.CallbackBeforeModifyMsg".into(), message("[]"));
    assert!(router.clone().oneshot(new).await.is_err());
    let after = tencent_im_callback::testing::sample(&Command::SnsFriendDelete).unwrap();
    let after = callback(Command::SnsFriendDelete, after);
    let reply = router.oneshot(after).await.unwrap();
    assert_eq!(reply.disposition(), Disposition::Unhandled);
}

#[tokio::test]
async fn codes_and_texts_of_rejections_are_those_of_the_user() {
    let layer = ModerateLayer::new(judge)
        .reject_c2c_with(reply::c2c::RejectCode::of::<120_001>(), "one")
        .reject_group_with(reply::group::RejectCode::of::<10_100>(), "two")
        .reject_official_account_with(reply::official_account::RejectCode::of::<120_002>(), "three")
        .reject_friend_request_with(reply::sns::RejectCode::of::<38_001>(), "four");
    let router = EventRouter::new().moderate_with(layer);
    let said = format!("[{}]", text("spam"));
    for (command, body, wanted) in [
        (Command::C2cBeforeSendMsg, message(&said), r#""ErrorCode":120001,"ErrorInfo":"one""#),
        (
            Command::GroupBeforeSendMsg,
            format!(r#"{{"GroupId":"g","MsgBody":{said}}}"#),
            r#""ErrorCode":10100,"ErrorInfo":"two""#,
        ),
        (
            Command::GroupBeforeCreateTopic,
            r#"{"Operator_Account":"a","Name":"spam"}"#.to_owned(),
            r#""ErrorCode":10100,"ErrorInfo":"two""#,
        ),
        (
            Command::OfficialAccountBeforeSendMsg,
            format!(r#"{{"Official_Account":"o","MsgBody":{said}}}"#),
            r#""ErrorCode":120002,"ErrorInfo":"three""#,
        ),
        (
            Command::SnsPrevFriendAdd,
            r#"{"From_Account":"a","FriendItem":[{"To_Account":"b","Remark":"spam"}]}"#.to_owned(),
            r#""To_Account":"b","ResultCode":38001,"ResultInfo":"four""#,
        ),
    ] {
        let reply = router.clone().oneshot(callback(command.clone(), body)).await.unwrap();
        assert!(reply.to_string().contains(wanted), "{command} {reply}");
    }
}

#[tokio::test]
async fn edits_are_reported_and_go_on() {
    let edits = Arc::new(Mutex::new(Vec::new()));
    let seen = edits.clone();
    let layer = ModerateLayer::new(judge).on_edit(move |edit: Edit| {
        let words: Vec<_> = edit.shown.texts().map(|text| text.as_str().to_owned()).collect();
        let sender = edit.shown.sender().unwrap().to_string();
        seen.lock().unwrap().push((edit.callback.command().clone(), sender, words));
        std::future::ready(())
    });
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let router =
        EventRouter::new().moderate_with(layer).on(move |_: Callback<c2c::AfterModifyMsg>| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        });
    for command in [Command::C2cAfterModifyMsg, Command::GroupAfterModifyMsg] {
        for word in ["hello", "damn", "sp\u{200b}am"] {
            let body = format!(
                r#"{{"Operator_Account":"e","From_Account":"a","To_Account":"b","GroupId":"g",
                    "MsgSeq":1,"MsgRandom":1,"MsgTime":1,"MsgKey":"k","EventTime":1,"MsgBody":[
                    {}]}}"#,
                text(word)
            );
            let reply = router.clone().oneshot(callback(command.clone(), body)).await.unwrap();
            assert_eq!(reply, Reply::ok());
        }
    }
    let edits = edits.lock().unwrap();
    let words: Vec<_> = edits.iter().map(|(_, sender, words)| (&**sender, &*words[0])).collect();
    assert_eq!(words, [("e", "damn"), ("e", "sp\u{200b}am")].repeat(2));
    assert_eq!(handled.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_async_judge_sees_all_at_once() {
    async fn ask(shown: Arc<Shown>) -> Result<Findings, HandlerError> {
        tokio::task::yield_now().await;
        assert_eq!(shown.sender().unwrap(), "a");
        assert_eq!(shown.group().unwrap(), "g");
        assert_eq!((shown.sdk_app_id().0, shown.command()), (1, &Command::GroupBeforeSendMsg));
        if shown.texts().any(|text| text.contains("error")) {
            return Err(HandlerError::new("no answer"));
        }
        Ok(shown.judge(judge))
    }

    let router = EventRouter::new().moderate(ask);
    let ask = async |said: &str| {
        let body = format!(
            r#"{{"GroupId":"g","From_Account":"a","MsgBody":[{},{}]}}"#,
            text("x"),
            text(said)
        );
        let callback = callback(Command::GroupBeforeSendMsg, body);
        let reply = router.clone().oneshot(callback).await?;
        Ok::<_, HandlerError>(Meaning::of(&Command::GroupBeforeSendMsg, 200, reply.as_bytes()))
    };
    assert_eq!(ask("hello").await.unwrap(), Meaning::Allow);
    assert_eq!(ask("spam").await.unwrap(), Meaning::Reject);
    assert_eq!(ask("damn").await.unwrap(), Meaning::Rewrite);
    assert!(ask("error").await.is_err());
    // A text without a finding was not judged.
    let none = |_: Arc<Shown>| std::future::ready(std::iter::empty().collect::<Findings>());
    let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text("hello"))));
    let reply = EventRouter::new().moderate(none).oneshot(callback).await.unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

/// A judge whose second look finds less does not take a rejection back.
#[tokio::test]
async fn what_is_rejected_is_not_judged_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let forgets = move |_: Arc<Shown>| {
        let replace = Finding::Replace("****".to_owned());
        std::future::ready(match count.fetch_add(1, Ordering::Relaxed) {
            0 => Findings::from_iter([replace, Finding::Reject]),
            _ => Finding::Allow.into(),
        })
    };
    let body = message(&format!("[{},{}]", text("damn"), text("spam")));
    let router = EventRouter::new().moderate(forgets);
    let reply = router.oneshot(callback(Command::C2cBeforeSendMsg, body)).await.unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_inner_service_is_only_made_ready_for_what_the_judge_allows() {
    let (mock, mut handle) = tower_test::mock::pair::<Callback, Reply>();
    handle.allow(0);
    // The mock's error cannot be displayed.
    let mock =
        ServiceBuilder::new().map_err(|error| HandlerError::new(format!("{error}"))).service(mock);
    let mut service = ModerateLayer::new(judge).layer(mock);
    let said =
        |said: &str| callback(Command::C2cBeforeSendMsg, message(&format!("[{}]", text(said))));
    let mut ready = task::spawn(());
    ready.enter(|cx, _| assert!(service.poll_ready(cx).is_ready()));
    let mut rejected = task::spawn(service.call(said("spam")));
    assert_eq!(assert_ready!(rejected.poll()).unwrap(), Reply::reject(1, ""));
    let mut allowed = task::spawn(service.call(said("hello")));
    assert_pending!(allowed.poll());
    handle.allow(1);
    assert_pending!(allowed.poll());
    let (_, answer) = handle.next_request().await.unwrap();
    answer.send_response(Reply::ok());
    assert_eq!(assert_ready!(allowed.poll()).unwrap(), Reply::ok());
}

#[test]
fn places_say_where_a_text_stands() {
    let body = format!(
        r#"{{"From_Account":"a","To_Account":"b","CloudCustomData":"c","New":"n","MsgBody":[{},
            {}]}}"#,
        text("t"),
        element("TIMCustomElem", r#"{"Data":"d"}"#)
    );
    let callback = callback(Command::C2cBeforeSendMsg, body);
    let shown = callback.shown();
    let texts: Vec<_> =
        shown.texts().map(|text| (text.as_str().to_owned(), text.place())).collect();
    let place = |text: &str, place| (text.to_owned(), place);
    assert_eq!(
        texts,
        [
            place("c", Place::CustomData),
            place("New", Place::Member),
            place("n", Place::Member),
            place("t", Place::Message),
            place("d", Place::CustomData),
            place("td", Place::Joined),
        ]
    );
    assert!(!format!("{shown:?}{:?}", shown.texts().next()).contains("\"c\""));
}

/// Nothing is read twice for each level, or kept in many times the memory of a body.
#[test]
fn what_is_deep_or_grows_is_bounded() {
    const SIZE: usize = 1 << 14;
    let bundles = |inner: &str| {
        let open = r#"{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":["#;
        let depth = SIZE / 100;
        format!("{}{inner}{}", open.repeat(depth), r#"],"New":"x"}]}}"#.repeat(depth))
    };
    for elements in [
        text(&"\u{fdfa}".repeat(SIZE / 3)),
        text(&format!(r"\u005c{}", "u005c".repeat(SIZE / 5))),
        text(&r"\u{".repeat(SIZE / 3)),
        text(&"\\".repeat(SIZE / 2)),
        element("New", &format!("{}{}", "[".repeat(SIZE / 2), "]".repeat(SIZE / 2))),
        element("New", &format!("[{}1]", "1,".repeat(SIZE / 2))),
        element("New", &format!("[{}1]", r#""a","#.repeat(SIZE / 4))),
        bundles(&text("x")),
    ] {
        let callback = callback(Command::C2cBeforeSendMsg, message(&format!("[{elements}]")));
        let used = allocation_counter::measure(|| {
            drop(callback.shown().judge(judge));
        });
        let times = used.bytes_max as f64 / callback.body.len() as f64;
        let start: String = elements.chars().take(60).collect();
        println!("{start}: {times:.1}");
        assert!(times <= 16.0, "{start}: {times:.1}");
    }
}
