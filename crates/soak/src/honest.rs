//! Callbacks as Tencent sends them, over connections that are kept alive; for each the one right
//! answer is known beforehand.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tencent_im_callback::Token;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Command, Phase};

use crate::load::{APP, Dice, OTHER_APP, OTHER_TOKEN, TOKEN, World, signed, target};
use crate::wire::{Connection, OK, bytes, raw};

pub const SPAM: &str =
    r#"{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"no advertising, please"}"#;
const GROUP_SPAM: &str =
    r#"{"ActionStatus":"OK","ErrorCode":10100,"ErrorInfo":"no advertising, please"}"#;
const FRIEND_SPAM: &str = concat!(
    r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":["#,
    r#"{"To_Account":"id1","ResultCode":38000,"ResultInfo":""}]}"#
);
pub const UNREADABLE: &str = r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"try again later"}"#;
/// A friend request is refused for each person.
pub const UNREADABLE_FRIENDS: &str = concat!(
    r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":["#,
    r#"{"To_Account":"id1","ResultCode":38000,"ResultInfo":"try again later"},"#,
    r#"{"To_Account":"id2","ResultCode":38000,"ResultInfo":"try again later"}]}"#
);
const IMAGE: &str = r#"{"MsgType":"TIMImageElem","MsgContent":{"UUID":"u","New":1}}"#;

struct Callback {
    kind: &'static str,
    request: Vec<u8>,
    answer: String,
    detached: bool,
    number: Option<u64>,
}

impl Callback {
    fn new(kind: &'static str, request: Vec<u8>, answer: &str) -> Self {
        Callback { kind, request, answer: answer.to_owned(), detached: false, number: None }
    }

    fn detached(kind: &'static str, request: Vec<u8>) -> Self {
        Callback { detached: true, ..Callback::new(kind, request, OK) }
    }
}

fn text(text: &str) -> String {
    format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}"#)
}

/// A message with an image before its text.
pub fn message(from: &str, words: &str) -> String {
    format!(r#"{{"From_Account":"{from}","To_Account":"b","MsgBody":[{IMAGE},{}]}}"#, text(words))
}

fn pairs(count: usize) -> String {
    let pair = r#"{"From_Account":"a","To_Account":"someone"}"#;
    format!(r#"{{"PairList":[{}]}}"#, vec![pair; count].join(","))
}

fn events(count: usize) -> String {
    let event = concat!(
        r#"{"CallbackCommand":"Push.AllMemberPush","EventType":1,"TaskId":"t","#,
        r#""TaskTime":1557481127,"EventTime":1557481128,"To_Account":"user","#,
        r#""PushPlatform":1,"PushStage":1,"ErrCode":0,"ErrInfo":"OK"}"#
    );
    format!(r#"{{"Events":[{}]}}"#, vec![event; count].join(","))
}

/// Whether `Detach` answers it at once.
pub fn is_detached(command: &Command) -> bool {
    !command.is_answered() && !command.phase().may_decide()
}

/// Whether the example judges what people write in it.
fn is_judged(command: &Command) -> bool {
    matches!(
        command,
        Command::C2cBeforeSendMsg
            | Command::GroupBeforeSendMsg
            | Command::OfficialAccountBeforeSendMsg
            | Command::GroupBeforeCreateGroup
            | Command::GroupBeforeCreateTopic
            | Command::GroupBeforeApplyJoinGroup
            | Command::OfficialAccountBeforeCreateOfficialAccount
            | Command::SnsPrevFriendAdd
            | Command::SnsPrevFriendResponse
    )
}

fn next(world: &World, dice: &mut Dice) -> Callback {
    match dice.below(24) {
        kind @ (0..=6 | 17..=20) => judged(kind, dice),
        kind @ 7..=16 => other(kind, dice),
        _ => {
            let (number, request) = world.ledger.open(false);
            Callback {
                number: Some(number),
                ..Callback::detached("friendship ended", bytes(&signed(request)))
            }
        }
    }
}

/// A *before* callback that somebody judges.
fn judged(kind: usize, dice: &mut Dice) -> Callback {
    // So many people that nobody of them is over the rate limit of the example.
    let from = format!("honest-{}", dice.below(10_000));
    let c2c = |words: &str| {
        let body = message(&from, words);
        bytes(&signed(SignedRequest::new(Command::C2cBeforeSendMsg).body(body)))
    };
    let group = |words: &str| {
        let body = format!(
            r#"{{"GroupId":"g","Type":"Public","From_Account":"{from}","MsgBody":[{},{}]}}"#,
            text("one"),
            text(words)
        );
        bytes(&signed(SignedRequest::new(Command::GroupBeforeSendMsg).body(body)))
    };
    match kind {
        0 => Callback::new("message allowed", c2c("hello"), OK),
        1 => Callback::new("message of 64 KiB allowed", c2c(&"hello ".repeat(11_000)), OK),
        2 => Callback::new("message refused", c2c("buy spam"), SPAM),
        3 => {
            let answer = format!(
                r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":[{IMAGE},{}]}}"#,
                text("**** it")
            );
            Callback::new("message rewritten", c2c("damn it"), &answer)
        }
        4 => Callback::new("group message allowed", group("two"), OK),
        5 => Callback::new("group message refused", group("spam"), GROUP_SPAM),
        6 => {
            let body =
                r#"{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem"}]}"#;
            let request = signed(SignedRequest::new(Command::C2cBeforeSendMsg).body(body));
            Callback::new("unreadable message refused", bytes(&request), UNREADABLE)
        }
        17 => Callback::new("escaped word refused", c2c(r#"{\"t\":\"\\u0073pam\"}"#), SPAM),
        18 => Callback::new("word in another form refused", c2c("S\u{200b}\u{ff30}AM"), SPAM),
        19 => {
            let body = format!(r#"{{"Operator_Account":"{from}","Type":"Public","Name":"spam"}}"#);
            let request = signed(SignedRequest::new(Command::GroupBeforeCreateGroup).body(body));
            Callback::new("name of a group refused", bytes(&request), GROUP_SPAM)
        }
        _ => {
            let items = r#"[{"To_Account":"id1","AddWording":"spam"}],"AddType":"Add_Type_Both""#;
            let body = format!(r#"{{"From_Account":"{from}","FriendItem":{items}}}"#);
            let request = signed(SignedRequest::new(Command::SnsPrevFriendAdd).body(body));
            Callback::new("friend request refused", bytes(&request), FRIEND_SPAM)
        }
    }
}

/// Notifications, checks of the URL, and samples.
fn other(kind: usize, dice: &mut Dice) -> Callback {
    match kind {
        7 => {
            let request =
                signed(SignedRequest::new(Command::SnsFriendDelete).body(r#"{"PairList":1}"#));
            Callback::detached("unreadable event taken note of", bytes(&request))
        }
        8 => {
            let request = SignedRequest::new(Command::StateChange)
                .app(OTHER_APP)
                .token(Token::new(OTHER_TOKEN).unwrap());
            Callback::detached("the other app", bytes(&request))
        }
        9 => {
            let request = signed(SignedRequest::new(Command::SnsFriendDelete).body(pairs(20)));
            Callback::detached("batch of 20", bytes(&request))
        }
        10 => {
            let command = Command::PushAllMemberPush;
            let detached = is_detached(&command);
            let request = bytes(&signed(SignedRequest::new(command).body(events(100))));
            Callback { detached, ..Callback::new("batch of 100", request, OK) }
        }
        // The same delivery again and again: ten of them in the whole run.
        11 | 12 => {
            let key = dice.below(10);
            let message = r#""From_Account":"a","To_Account":"b","MsgSeq":1,"MsgRandom":2"#;
            let element = text("again");
            let body =
                format!(r#"{{{message},"MsgKey":"{key}","MsgTime":3,"MsgBody":[{element}]}}"#);
            let request = signed(SignedRequest::new(Command::C2cAfterSendMsg).body(body));
            Callback::detached("duplicate", bytes(&request))
        }
        13 => {
            let (parameters, body) = match dice.below(3) {
                0 => (String::new(), ""),
                1 => (format!("SdkAppid={APP}&"), "{}"),
                _ => (format!("SdkAppid={APP}&CallbackCommand=State.StateChange&"), ""),
            };
            Callback::new("probe", raw("POST", &target(&parameters), body.as_bytes()), OK)
        }
        14 => {
            let word = format!("Tomorrow.Word{}", dice.below(1_000_000));
            let request = signed(SignedRequest::new(word.as_str()).body(r#"{"a":1}"#));
            Callback::new("command of tomorrow", bytes(&request), OK)
        }
        _ => {
            let command = &Command::ALL[dice.below(Command::ALL.len())];
            let request =
                signed(SignedRequest::new(command.clone())).parameter("ClientIP", "10.0.0.1");
            // What waits for a verdict and has no judge is not let through.
            let is_unjudged = command.phase() == Phase::Before && !is_judged(command);
            let answer = if is_unjudged { UNREADABLE } else { OK };
            Callback {
                detached: is_detached(command),
                ..Callback::new("documented body", bytes(&request), answer)
            }
        }
    }
}

/// One connection, one request at a time, until the server stops.
pub async fn send(world: Arc<World>, seed: u64, pause: Duration) {
    let mut dice = Dice::new(seed);
    let mut connection = None;
    loop {
        let open = match connection.as_mut() {
            Some(open) => open,
            None => match Connection::open(world.address).await {
                Ok(open) => connection.insert(open),
                Err(_) if world.is_stopped() => return,
                Err(error) => {
                    world.wrong(format!("an honest connection was not taken: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let callback = next(&world, &mut dice);
        let sent = Instant::now();
        let answer = match open.ask(&callback.request).await {
            Ok(answer) => answer,
            Err(error) => {
                connection = None;
                if world.may_be_cut(sent, &error) {
                    world.counts.cut.fetch_add(1, Relaxed);
                } else {
                    world.wrong(format!("{}: {error} after {:?}", callback.kind, sent.elapsed()));
                }
                if callback.detached {
                    world.counts.unclaimed.fetch_add(1, Relaxed);
                }
                continue;
            }
        };
        let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        world.counts.slowest_micros.fetch_max(micros, Relaxed);
        world.counts.honest.fetch_add(1, Relaxed);
        if !callback.detached {
            world.counts.verdicts.fetch_add(1, Relaxed);
            world.counts.slow_verdicts.fetch_add(u64::from(micros > 100_000), Relaxed);
        }
        world.count(callback.kind);
        if answer.is(&callback.answer) {
            if callback.detached {
                world.counts.detached.fetch_add(1, Relaxed);
            }
            if let Some(number) = callback.number {
                world.ledger.promised(number);
            }
        } else if answer.is_turned_away() {
            world.counts.turned_away.fetch_add(1, Relaxed);
            if callback.detached {
                world.counts.unclaimed.fetch_add(1, Relaxed);
            }
        } else {
            world.wrong(format!("{}: {answer:?}", callback.kind));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Half of a request, so that the server is at work on it when it is told to stop.
pub async fn begin(world: &World, number: usize) -> Option<InFlight> {
    let mut connection = Connection::open(world.address).await.ok()?;
    let (ledger, request, answer) = if number.is_multiple_of(2) {
        let (ledger, request) = world.ledger.open(false);
        (Some(ledger), request, OK)
    } else {
        let body = message(&format!("in-flight-{number}"), "buy spam");
        (None, SignedRequest::new(Command::C2cBeforeSendMsg).body(body), SPAM)
    };
    let request = bytes(&request.app(APP).token(Token::new(TOKEN).unwrap()));
    let middle = crate::wire::end_of_head(&request) + 10;
    connection.send(&request[..middle]).await.ok()?;
    Some(InFlight { connection, rest: request[middle..].to_vec(), ledger, answer })
}

pub struct InFlight {
    connection: Connection,
    rest: Vec<u8>,
    ledger: Option<u64>,
    answer: &'static str,
}

impl InFlight {
    /// Sends the rest; whether the answer is right.
    pub async fn finish(mut self, world: &World) -> bool {
        match self.connection.ask(&self.rest).await {
            Ok(answer) if answer.is(self.answer) => {
                if let Some(number) = self.ledger {
                    world.ledger.promised(number);
                    world.counts.detached.fetch_add(1, Relaxed);
                }
                true
            }
            other => {
                world.wrong(format!("in flight when the server was told to stop: {other:?}"));
                false
            }
        }
    }
}
