//! Attacks by JSON that is too deep, too much, or of something else.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tencent_im_callback::testing::sample;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Cause, Command, Event, Params, Phase,
    RejectionKind as Kind, UnknownReason, Verifier,
};

use crate::attack::{AFTER, BEFORE, CANARY, Fate, attack_on, body, unread};
use crate::common::{
    APP, Inner, NOW, TOKEN, clock, layer, outcome, post, send, signed, sized, text, token,
};

use crate::{before, objects};

const PREV: Command = Command::SnsPrevFriendAdd;

#[tokio::test]
async fn nesting_of_100_000_is_a_misfit_where_it_is_read_and_nothing_where_it_is_not() {
    let lists = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    for deep in [&lists, &objects] {
        // In the place of what is read.
        let message = format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":{deep}}}"#);
        assert_eq!(body(BEFORE, message).await, Fate::Failed(Cause::Misfit));
        let friends = format!(r#"{{"PairList":{deep}}}"#);
        assert_eq!(body(AFTER, friends).await.name(), "accepted as misfit");
        // In the place of the word, and beside it.
        let word = format!(r#"{{"CallbackCommand":{deep}}}"#);
        for command in [AFTER, BEFORE, "New.Word".into()] {
            let wanted = unread(&command, "body_command_malformed");
            assert_eq!(body(command, word.clone()).await.name(), wanted);
        }
        let beside = format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":[],"x":{deep}}}"#);
        assert_eq!(body(BEFORE, beside.clone()).await.name(), "accepted");
        assert_eq!(body("New.Word".into(), beside).await.name(), "accepted as unknown_command");
        // Without its end it is no JSON.
        let open = &deep[..100_000];
        for command in [AFTER, BEFORE, "New.Word".into()] {
            let wanted = unread(&command, "body_not_json");
            assert_eq!(body(command, format!(r#"{{"x":{open}"#)).await.name(), wanted);
        }
    }
    for command in [AFTER, BEFORE] {
        let wanted = unread(&command, "body_not_object");
        assert_eq!(body(command, lists.clone()).await.name(), wanted);
    }
}

/// What JSON allows and no field takes. A *before* callback with it in a field that is read goes no
/// further.
#[tokio::test]
async fn numbers_and_texts_that_no_field_takes() {
    for value in [
        "1e999",
        "-1e999",
        "1.5",
        "99999999999999999999",
        "9223372036854775808",
        "[]",
        "{}",
        "true",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""1e3""#,
        r#"" 1""#,
        r#""+""#,
        r#""１""#,
    ] {
        let message = |key: &str| {
            format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":[],"{key}":{value}}}"#)
        };
        let fate = body(BEFORE, message("MsgTime")).await;
        assert_eq!(fate, Fate::Failed(Cause::Misfit), "{value}");
        let fate = body(BEFORE, message("NobodysMember")).await;
        assert_eq!(fate.name(), "accepted", "{value}");
        let friends = format!(
            r#"{{"PairList":[{{"From_Account":"a","To_Account":"b","TimeStamp":{value}}}]}}"#
        );
        assert_eq!(body(AFTER, friends).await.name(), "accepted as misfit", "{value}");
    }
    for id in ["null", "1.5", "[]"] {
        let message = format!(r#"{{"From_Account":{id},"To_Account":"b","MsgBody":[]}}"#);
        assert_eq!(body(BEFORE, message).await, Fate::Failed(Cause::Misfit), "{id}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_unread_in_every_phase() {
    let utf16: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let message =
        |inside: &[u8]| [br#"{"From_Account":"a","x":""#.as_slice(), inside, br#""}"#].concat();
    let bodies = [
        utf16,
        b"\0{\"a\":1}".to_vec(),
        b"{\"a\":1}\0".to_vec(),
        b"{\"a\":1}\x0b".to_vec(),
        b"{\"a\":1}\xc2\xa0".to_vec(),
        b"\x1f\x8b\x08".to_vec(),
        message(b"\0"),
        message(b"\n"),
        message(br"\u12"),
        message(br"\x41"),
        b"{\"a\":1,}".to_vec(),
        b"{\"a\":1/* */}".to_vec(),
        b"{\"a\":NaN}".to_vec(),
        b"{\"a\":+1}".to_vec(),
        b"{\"a\":.5}".to_vec(),
        b"{\"a\":1}{\"a\":1}".to_vec(),
        b"SdkAppid=1400000000&CallbackCommand=x".to_vec(),
    ];
    for bytes in bodies {
        for command in [AFTER, BEFORE, Command::PushOfflinePush, "New.Word".into()] {
            let wanted = unread(&command, "body_not_json");
            let fate = body(command, bytes.clone()).await;
            assert_eq!(fate.name(), wanted, "{}", bytes.escape_ascii());
        }
    }
}

/// A callback with the body of another one is not taken for either, whichever two they are; but for
/// three documented pairs, none of which changes its phase. If one of the two waits for a verdict,
/// the whole callback does.
#[test]
fn no_command_takes_the_body_of_another_one() {
    let mut taken = Vec::new();
    for url in Command::ALL {
        for word in Command::ALL.iter().filter(|word| *word != url) {
            let mut other: Value = serde_json::from_str(sample(word).unwrap()).unwrap();
            other["CallbackCommand"] = word.as_str().into();
            let body = bytes::Bytes::from(other.to_string());
            match crate::common::read(url, body.clone()) {
                Event::Unknown(event) => {
                    assert_eq!(event.reason, UnknownReason::CommandMismatch, "{url} {word}");
                    let waits = [url, word].iter().any(|command| command.phase() == Phase::Before);
                    assert_eq!(
                        Callback::parse(Params::trusted(APP, url.clone()), body).is_err(),
                        waits,
                        "{url} {word}"
                    );
                }
                event => {
                    assert_eq!((event.command(), url.phase()), (word, word.phase()));
                    taken.push((url.as_str(), word.as_str()));
                }
            }
        }
    }
    taken.sort_unstable();
    assert_eq!(
        taken,
        [
            (
                "Follow.CallbackAfterCloudRecordingChanged",
                "Live.CallbackAfterCloudRecordingChanged"
            ),
            (
                "Live.CallbackAfterCloudRecordingChanged",
                "Follow.CallbackAfterCloudRecordingChanged"
            ),
            ("Live.CallbackAfterSetMetadata", "Live.CallbackAfterDelMetadata"),
        ]
    );
}

/// The word of the body decides what the bytes mean; the URL's decides who may wait for a verdict.
/// A word that nobody knows must not take the type, and with it the care, from a callback whose
/// action waits.
#[tokio::test]
async fn a_before_callback_with_an_unknown_word_in_its_body_is_not_waved_through() {
    for command in before() {
        let mut message: Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        for word in ["C2C.CallbackBeforeSendMsgV2", "", "\u{fffd}"] {
            message["CallbackCommand"] = word.into();
            let fate = body(command.clone(), message.to_string()).await;
            assert!(!matches!(fate, Fate::Accepted(Event::Unknown(_))), "{command} {word}");
        }
    }
}

/// Without its body a message cannot be judged: what the console calls a check of the URL is none
/// under the word of such a callback.
#[tokio::test]
async fn a_before_callback_whose_body_was_dropped_is_a_failure() {
    let apps = Apps::new([App::signed(APP, token(TOKEN)), App::unsigned(2)]);
    let layer = CallbackLayer::new(Verifier::new(apps).clock(clock));
    for command in before() {
        for body in ["", " ", "\r\n", "{}", "{ }\n", "\t{\n}"] {
            for app in [APP, 2] {
                let url = format!(
                    "/?SdkAppid={app}&CallbackCommand={command}&Sign={}&RequestTime={NOW}",
                    sign(TOKEN, NOW)
                );
                let fate = attack_on(&layer, post(&url, body)).await;
                assert_eq!(fate, Fate::Failed(Cause::BodyEmpty), "{command} {body:?}");
            }
        }
        // Half of it is not enough either.
        let whole = sample(command).unwrap().trim_end();
        for length in [1, whole.len() / 2, whole.len() - 1] {
            let fate = body(command.clone(), &whole.as_bytes()[..length]).await;
            assert_eq!(fate, Fate::Failed(Cause::BodyNotJson), "{command}");
        }
    }
}

/// Every member a documented *before* body has, bent into every other shape: typed, or a misfit
/// that goes no further. Nothing in between, which a service could take for an unknown event and
/// wave through.
#[tokio::test]
async fn no_bent_before_callback_arrives_untyped() {
    for command in before() {
        let sample: Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        let mut places = Vec::new();
        objects(&sample, "", &mut places);
        for (at, keys) in places {
            for key in keys.iter().filter(|key| *key != "CallbackCommand") {
                for bend in
                    ["null", "true", "5", "-1", "\"x\"", "[]", "[[]]", "{}", "[{}]", "[\"x\"]"]
                {
                    let mut bent = sample.clone();
                    bent.pointer_mut(&at).unwrap()[key] = serde_json::from_str(bend).unwrap();
                    let fate = body(command.clone(), bent.to_string()).await;
                    let good = match &fate {
                        Fate::Failed(Cause::Misfit) => true,
                        Fate::Accepted(event) => {
                            event.command() == command && !matches!(event, Event::Unknown(_))
                        }
                        _ => false,
                    };
                    assert!(good, "{command} {at}/{key} {bend}: {}", fate.name());
                }
            }
        }
    }
}

/// A million pairs, for a host that has raised its limit: taken in, in memory that grows with the
/// body and in a number of allocations that grows with the pairs.
#[test]
fn a_million_pairs_cost_what_they_weigh() {
    const PAIRS: usize = 1_000_000;
    let pair = r#"{"From_Account":"a","To_Account":"b"}"#;
    let mut body = String::with_capacity((pair.len() + 1) * PAIRS + 20);
    body.push_str(r#"{"PairList":["#);
    for _ in 1..PAIRS {
        body.push_str(pair);
        body.push(',');
    }
    body.push_str(pair);
    body.push_str("]}");
    let size = body.len() as u64;
    let request = |body: String| signed(AFTER).body(body).build::<Full<Bytes>>();

    // By default it is refused before the first byte.
    let mut refused = Some(request(body.clone()));
    tokio_test::block_on(send(&layer(), Inner::default(), request("{}".into())));
    let cost = allocation_counter::measure(|| {
        let response =
            tokio_test::block_on(send(&layer(), Inner::default(), refused.take().unwrap()));
        assert_eq!(outcome(&response).rejection().unwrap().kind(), Kind::BodyTooLarge);
    });
    assert!(cost.bytes_total < 64 * 1024, "{}", cost.bytes_total);

    let layer = layer().body_limit(usize::MAX);
    let mut whole = Some(request(body));
    let mut pairs = 0;
    let cost = allocation_counter::measure(|| {
        let inner = Inner::default();
        tokio_test::block_on(send(&layer, inner.clone(), whole.take().unwrap()));
        let Event::SnsFriendDelete(event) = inner.last().unwrap().event else { panic!("typed") };
        pairs = event.pair_list.len();
    });
    assert_eq!(pairs, PAIRS);
    // Two ids to a pair, and a list that doubles its room.
    assert!(cost.count_total < 2 * PAIRS as u64 + 100, "{}", cost.count_total);
    assert!(cost.bytes_max < 8 * size, "{} for {size}", cost.bytes_max);
}

/// A million members that nobody reads cost nothing, and one misfit behind them is found in a fixed
/// number of passes.
#[test]
fn members_that_nobody_reads_cost_nothing() {
    let count = sized(200_000, 1_000_000);
    let members: String = (0..count).map(|number| format!("\"{number:06}\":0,")).collect();
    let layer = layer().body_limit(usize::MAX);
    // The search for the place of a misfit writes down each key it passes, and forgets it.
    for (last, name, each) in [("[]", "accepted", 0), ("5", "accepted as misfit", 2)] {
        let body = format!(r#"{{{members}"PairList":{last}}}"#);
        let mut request = Some(signed(AFTER).body(body).build::<Full<Bytes>>());
        tokio_test::block_on(send(&layer, Inner::default(), signed(AFTER).build::<Full<Bytes>>()));
        let mut got = String::new();
        let cost = allocation_counter::measure(|| {
            let inner = Inner::default();
            tokio_test::block_on(send(&layer, inner.clone(), request.take().unwrap()));
            got = Fate::Accepted(inner.last().unwrap().event).name();
        });
        assert_eq!(got, name);
        assert!(cost.count_total < each * count as u64 + 200, "{}", cost.count_total);
        assert!(cost.bytes_max < 64 * 1024, "{}", cost.bytes_max);
    }
}

/// What the peer is told is a fixed phrase, whatever is wrong with its body.
#[tokio::test]
async fn the_answer_quotes_nothing() {
    for bytes in [
        format!(r#"{{"{CANARY}":}}"#),
        format!(r#"{{"PairList":"{CANARY}"}}"#),
        format!(r#"{{"CallbackCommand":"{CANARY}","x":1}}"#),
        format!(r#"["{CANARY}"]"#),
        format!(r#"{{"From_Account":["{CANARY}"]}}"#),
    ] {
        for command in [AFTER, PREV, CANARY.into()] {
            let request: Request<Full<Bytes>> = signed(command).body(bytes.clone()).build();
            let response = send(&layer(), Inner::default(), request).await;
            let answer = text(response).await;
            assert!(!answer.contains(CANARY), "{answer}");
        }
    }
}
