//! Everything that a public endpoint meets besides Tencent. What is refused has one right answer as
//! well.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tencent_im_callback::Command;
use tencent_im_callback::Token;
use tencent_im_callback::testing::{Fault, SignedRequest, sample};
use tokio::io::AsyncWriteExt;

use crate::honest::SPAM;
use crate::load::{APP, Dice, World, now, signed, target};
use crate::verdict::{Verdict, is_owners, is_refusal, is_refusal_or_end, is_too_large, status_of};
use crate::wire::{Connection, OK, bytes, end_of_head, head, raw};

/// A connection that the server did not take.
pub(crate) const NOT_TAKEN: &str = "connection not taken";

/// All scenarios that run in turn.
pub const SCENARIOS: usize = 21;

/// What one scenario does, and what came of it.
async fn attack(world: &World, scenario: usize, dice: &mut Dice) -> (&'static str, Verdict) {
    let command = Command::ALL[dice.below(Command::ALL.len())].clone();
    let mut connection = match Connection::open(world.address).await {
        Ok(connection) => connection,
        Err(error) => return (NOT_TAKEN, Err(format!("not taken: {error}"))),
    };
    let connection = &mut connection;
    match scenario {
        // Half of all.
        0..=6 => fault(world, connection, command, dice).await,
        7 | 8 | 13 | 14 | 15 => broken_head(connection, scenario, command, dice).await,
        9 | 10 => broken_body(world, connection, scenario, command, dice).await,
        17..=19 => broken_bytes(world, connection, scenario, command, dice).await,
        _ => misused(world, connection, scenario, command, dice).await,
    }
}

/// One of the plain faults.
async fn fault(
    world: &World,
    connection: &mut Connection,
    command: Command,
    dice: &mut Dice,
) -> (&'static str, Verdict) {
    let fault = Fault::ALL[dice.below(Fault::ALL.len())];
    let request = bytes(&signed(SignedRequest::new(command.clone())).fault(fault));
    if fault == Fault::TooLarge {
        // The server answers before it has read the body, and need not read it.
        let begin = &request[..end_of_head(&request) + 1000];
        let answer = connection.ask(begin).await;
        return ("huge declared body", is_too_large(world, &command, answer));
    }
    let answer = connection.ask(&request).await;
    match status_of(fault) {
        Some(status) => ("fault", is_refusal(answer, status)),
        None => {
            let named =
                matches!(fault, Fault::TruncatedJson | Fault::TrailingBytes | Fault::NotAnObject);
            ("unreadable body", is_owners(world, &command, named, answer))
        }
    }
}

/// What is wrong with the head of a request, or with all of it.
async fn broken_head(
    connection: &mut Connection,
    scenario: usize,
    command: Command,
    dice: &mut Dice,
) -> (&'static str, Verdict) {
    match scenario {
        7 => {
            let request = signed(SignedRequest::new(command)).app(APP + 7);
            ("wrong app", is_refusal(connection.ask(&bytes(&request)).await, 403))
        }
        8 => {
            let duplicate = format!("SdkAppid={APP}&CallbackCommand={command}&sdkappid={APP}&");
            let request = raw("POST", &target(&duplicate), b"{}");
            ("duplicate parameter", is_refusal(connection.ask(&request).await, 400))
        }
        13 => {
            // Unknown words by someone who cannot sign.
            let word =
                format!("Family{}.Word\"}} 1\n{}", dice.below(1_000_000), dice.below(1_000_000));
            let request =
                SignedRequest::new(word.as_str()).app(APP).token(Token::new("guess").unwrap());
            ("unknown word", is_refusal(connection.ask(&bytes(&request)).await, 401))
        }
        14 => ("64 KiB query", long_query(connection, &command, dice).await),
        _ => {
            let mut garbage: Vec<u8> =
                (0..1 + dice.below(4000)).map(|_| dice.below(256) as u8).collect();
            garbage.extend_from_slice(b"\r\n\r\n");
            let _ = connection.send(&garbage).await;
            let _ = connection.stream.shutdown().await;
            // The server's own answer has no body that is ours.
            let answers = connection.rest(Duration::from_secs(5)).await;
            let refused = answers.iter().all(|answer| answer.status >= 400);
            ("garbage", if refused { Ok(()) } else { Err(format!("{answers:?}")) })
        }
    }
}

/// What is wrong with the body.
async fn broken_body(
    world: &World,
    connection: &mut Connection,
    scenario: usize,
    command: Command,
    dice: &mut Dice,
) -> (&'static str, Verdict) {
    match scenario {
        9 => {
            let nested = format!(r#"{{"a":{}"#, "[".repeat(10_000 + dice.below(90_000)));
            let request = signed(SignedRequest::new(command.clone()).body(nested));
            let answer = connection.ask(&bytes(&request)).await;
            ("broken JSON", is_owners(world, &command, false, answer))
        }
        _ => {
            // Longer than the limit, in chunks, so that nothing is declared.
            let parameters = format!("SdkAppid={APP}&CallbackCommand={command}&");
            let mut request = head("POST", &target(&parameters), "Transfer-Encoding: chunked\r\n");
            for _ in 0..20 {
                request.extend_from_slice(b"10000\r\n");
                request.resize(request.len() + 0x10000, b' ');
                request.extend_from_slice(b"\r\n");
            }
            let verdict = match connection.send(&request).await {
                Ok(()) => match connection.receive().await {
                    Err(error) if error.kind() != std::io::ErrorKind::InvalidData => Ok(()),
                    answer => is_too_large(world, &command, answer),
                },
                Err(_) => Ok(()),
            };
            ("long body in chunks", verdict)
        }
    }
}

/// Broken bytes, and a message behind the URL of a check.
async fn broken_bytes(
    world: &World,
    connection: &mut Connection,
    scenario: usize,
    command: Command,
    dice: &mut Dice,
) -> (&'static str, Verdict) {
    match scenario {
        17 => {
            // Broken bytes hide no word.
            let text =
                [&b"buy spam\xff"[..], b"\xed\xa0\xbdspam", b"spam\xc3", b"\xf0\x9f\x98 spam"]
                    [dice.below(4)];
            let mark: &[u8] = if dice.below(2) == 0 { b"\xef\xbb\xbf" } else { b"" };
            let head: &[u8] = br#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":""#;
            let body = [mark, head, text, br#""}}]}"#].concat();
            let request = signed(SignedRequest::new(Command::C2cBeforeSendMsg).body(body));
            let verdict = match connection.ask(&bytes(&request)).await {
                Ok(answer) if answer.is(SPAM) || answer.is_turned_away() => Ok(()),
                other => Err(format!("{}: {other:?}", text.escape_ascii())),
            };
            ("spam in broken bytes", verdict)
        }
        18 => {
            // Nor do they lose an event.
            let (number, request) = world.ledger.open(false);
            let to = format!("soak-{number}");
            let whole = format!(r#"{{"PairList":[{{"From_Account":"a","To_Account":"{to}"}}]}}"#);
            let at = whole.find(&to).map_or(0, |at| at + to.len());
            let broken: &[u8] = [&b"\xff"[..], b"\xed\xa0\xbd", b"\xe4\xbd"][dice.below(3)];
            let body = [&whole.as_bytes()[..at], broken, &whole.as_bytes()[at..]].concat();
            let answer = connection.ask(&bytes(&signed(request.body(body)))).await;
            if answer.as_ref().is_ok_and(|answer| answer.is(OK)) {
                world.ledger.promised(number);
            }
            let verdict = is_owners(world, &Command::SnsFriendDelete, false, answer);
            ("event in broken bytes", verdict)
        }
        _ => {
            // Behind a URL without its command: no check of the URL, whatever the body is.
            let sample = sample(&command).unwrap_or_default().trim_end().as_bytes();
            let body = match dice.below(5) {
                0 => sample.to_vec(),
                1 => sample[..sample.len() - 2].to_vec(),
                2 => [b"[", sample, b"]"].concat(),
                3 => [b"\xef\xbb\xbf", sample].concat(),
                _ => [sample, b"\xff"].concat(),
            };
            let request = raw("POST", &target(&format!("SdkAppid={APP}&")), &body);
            ("message behind a broken URL", is_refusal(connection.ask(&request).await, 400))
        }
    }
}

/// What is wrong with the use of the connection.
async fn misused(
    world: &World,
    connection: &mut Connection,
    scenario: usize,
    command: Command,
    dice: &mut Dice,
) -> (&'static str, Verdict) {
    match scenario {
        11 => {
            let (number, request) = world.ledger.open(false);
            let request = bytes(&signed(request));
            let verdict = half_close(world, connection, &request, number, dice.below(2) == 0).await;
            ("half-closed", verdict)
        }
        12 => {
            // Gone as soon as all of it or a part is sent.
            let (_, request) = world.ledger.open(false);
            let request = bytes(&signed(request));
            let end = if dice.below(2) == 0 { request.len() } else { dice.below(request.len()) };
            let _ = connection.send(&request[..end]).await;
            world.counts.unclaimed.fetch_add(1, Relaxed);
            if dice.below(2) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let _ = connection.stream.set_zero_linger();
            ("aborted", Ok(()))
        }
        16 => ("request inside of a body", smuggle(world, connection, dice).await),
        _ => {
            // Many at once, each refused in turn.
            let request =
                bytes(&signed(SignedRequest::new(command)).token(Token::new("guess").unwrap()));
            let sent = connection.send(&request.repeat(20)).await;
            let mut verdict = sent.map_err(|error| error.to_string());
            for _ in 0..20 {
                if verdict.is_ok() {
                    verdict = is_refusal(connection.receive().await, 401);
                }
            }
            ("20 refused ones in a row", verdict)
        }
    }
}

async fn half_close(
    world: &World,
    connection: &mut Connection,
    request: &[u8],
    number: u64,
    whole: bool,
) -> Verdict {
    let end = if whole { request.len() } else { request.len() - 5 };
    world.counts.unclaimed.fetch_add(1, Relaxed);
    let sent = connection.send(&request[..end]).await;
    let _ = connection.stream.shutdown().await;
    let answers = connection.rest(Duration::from_secs(5)).await;
    match &answers[..] {
        _ if sent.is_err() => Ok(()),
        [] => Ok(()),
        [answer] if whole && answer.is(OK) => {
            world.ledger.promised(number);
            Ok(())
        }
        [answer] if !whole && answer.is_refusal(400) => Ok(()),
        _ => Err(format!("whole: {whole}, {answers:?}")),
    }
}

async fn long_query(connection: &mut Connection, command: &Command, dice: &mut Dice) -> Verdict {
    let pairs = |count: usize| "a=b&".repeat(count);
    match dice.below(3) {
        // Just what a URL may hold: it is a callback like any other, if it is signed.
        0 => {
            let parameters =
                format!("SdkAppid={APP}&CallbackCommand=Tomorrow.Word&{}", pairs(15_000));
            let answer = connection.ask(&raw("POST", &target(&parameters), br#"{"x":1}"#)).await;
            match answer {
                Ok(answer) if answer.is(OK) || answer.is_turned_away() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }
        1 => {
            let (now, sign) = (now(), "0".repeat(64));
            let many = pairs(15_000);
            let target = format!(
                "/callback?SdkAppid={APP}&CallbackCommand={command}&{many}\
                Sign={sign}&RequestTime={now}"
            );
            is_refusal(connection.ask(&raw("POST", &target, b"{}")).await, 401)
        }
        // More: the server's business.
        _ => {
            let request = raw("POST", &target(&pairs(20_000)), b"{}");
            match connection.ask(&request).await {
                Ok(answer) if answer.status < 400 => Err(format!("{answer:?}")),
                _ => Ok(()),
            }
        }
    }
}

/// A good request where only the body of a refused one is, and an honest one behind it.
async fn smuggle(world: &World, connection: &mut Connection, dice: &mut Dice) -> Verdict {
    let (_, inside) = world.ledger.open(true);
    let inside = bytes(&signed(inside));
    let which = dice.below(3);
    let outside = match which {
        0 => raw("POST", &target(&format!("SdkAppid={}&", APP + 7)), &inside),
        1 => raw("PUT", &target(&format!("SdkAppid={APP}&")), &inside),
        _ => raw(
            "POST",
            &target(&format!("SdkAppid={APP}&CallbackCommand=Sns.CallbackFriendDelete&")),
            &inside,
        ),
    };
    let behind = bytes(
        &SignedRequest::new(Command::StateChange).app(APP).token(Token::new("guess").unwrap()),
    );
    let sent = connection.send(&[outside, behind].concat()).await;
    sent.map_err(|error| error.to_string())?;
    let first = connection.receive().await;
    match which {
        0 => is_refusal(first, 403)?,
        1 => is_refusal(first, 405)?,
        // A notification that cannot be read, which is noted.
        _ => is_owners(world, &Command::SnsFriendDelete, false, first)?,
    }
    // The server may have ended the connection instead of reading the body.
    is_refusal_or_end(connection.receive().await, 401)
}

/// One attack after the other.
pub async fn send(world: Arc<World>, seed: u64, pause: Duration) {
    let mut dice = Dice::new(seed);
    let mut scenario = seed as usize;
    while !world.peace.load(Relaxed) {
        scenario += 1;
        let begun = Instant::now();
        let (kind, verdict) = attack(&world, scenario % SCENARIOS, &mut dice).await;
        if world.is_stopped() && kind == NOT_TAKEN {
            break;
        }
        world.counts.hostile.fetch_add(1, Relaxed);
        world.count(kind);
        if let Err(what) = verdict
            && !world.is_stopped()
        {
            world.wrong(format!("{kind}: {what} after {:?}", begun.elapsed()));
        }
        tokio::time::sleep(pause).await;
    }
}
