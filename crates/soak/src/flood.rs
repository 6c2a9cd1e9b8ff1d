//! Attacks by their number: bodies that drip, one sender who floods, connections that say nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tencent_im_callback::Command;
use tencent_im_callback::testing::SignedRequest;

use crate::honest::{UNREADABLE, message};
use crate::load::{Dice, World, signed};
use crate::verdict::Verdict;
use crate::wire::{Connection, OK, bytes, end_of_head};

/// Bodies that come byte by byte, signed or not: none may be waited for longer than the deadline of
/// the stack.
pub async fn drip(world: Arc<World>, seed: u64) {
    let mut dice = Dice::new(seed);
    while !world.peace.load(Relaxed) {
        let verdict = drip_once(&world, &mut dice).await;
        world.counts.hostile.fetch_add(1, Relaxed);
        world.count("dripping body");
        if let Err(what) = verdict
            && !world.is_stopped()
        {
            world.wrong(format!("dripping body: {what}"));
        }
    }
}

async fn drip_once(world: &World, dice: &mut Dice) -> Verdict {
    let request = signed(SignedRequest::new(Command::GroupBeforeSendMsg));
    let request = bytes(&request);
    let mut connection =
        Connection::open(world.address).await.map_err(|error| error.to_string())?;
    let body = end_of_head(&request);
    let begun = Instant::now();
    connection.send(&request[..body]).await.map_err(|error| error.to_string())?;
    let pause = Duration::from_millis(50 + dice.below(200) as u64);
    for byte in &request[body..] {
        if world.peace.load(Relaxed) || connection.send(std::slice::from_ref(byte)).await.is_err() {
            return Ok(());
        }
        tokio::select! {
            // Either way the connection is no longer needed.
            answer = connection.receive() => return match answer {
                Ok(answer) if !answer.is(UNREADABLE) => Err(format!("{answer:?}")),
                _ => Ok(()),
            },
            () = tokio::time::sleep(pause) => {}
        }
        // Twice the deadline and some, on a machine that others use as well.
        if begun.elapsed() > Duration::from_secs(8) {
            return Err("still waited for".to_owned());
        }
    }
    Err("the whole body was read".to_owned())
}

/// What the example's rate limit answers.
const SLOW_DOWN: &str = r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"slow down, please"}"#;

/// One sender who floods the app with messages, which Tencent hands on like all others.
pub async fn spam(world: Arc<World>, pause: Duration) {
    while !world.peace.load(Relaxed) {
        let Ok(mut connection) = Connection::open(world.address).await else {
            continue;
        };
        while !world.peace.load(Relaxed) {
            let body = message("spammer", "hello");
            let request = signed(SignedRequest::new(Command::C2cBeforeSendMsg).body(body));
            let Ok(answer) = connection.ask(&bytes(&request)).await else {
                break;
            };
            world.counts.hostile.fetch_add(1, Relaxed);
            world.count("message of a flood by one sender");
            if answer.is(SLOW_DOWN) {
                world.counts.limited.fetch_add(1, Relaxed);
            } else if !answer.is(OK) && !answer.is_turned_away() {
                world.wrong(format!("message of a flood: {answer:?}"));
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Connections that say nothing, or half of a head, all at once.
pub async fn flood(world: Arc<World>, connections: usize) {
    let mut turn = 0;
    while !world.peace.load(Relaxed) {
        turn += 1;
        let mut open = Vec::new();
        for number in 0..connections {
            let Ok(mut connection) = Connection::open(world.address).await else {
                break;
            };
            if number % 2 == 0 {
                let _ = connection.send(b"POST /callback?SdkAppid=14").await;
            }
            open.push(connection);
        }
        world.counts.hostile.fetch_add(open.len() as u64, Relaxed);
        world.count("flood of connections");
        tokio::time::sleep(Duration::from_secs(1)).await;
        if turn % 2 == 0 {
            for connection in &open {
                let _ = connection.stream.set_zero_linger();
            }
        }
        drop(open);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
