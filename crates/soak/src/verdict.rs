//! What the one right answer to a hostile request is.

use std::io::Result;
use std::sync::atomic::Ordering::Relaxed;

use tencent_im_callback::testing::Fault;
use tencent_im_callback::{Command, Phase};

use crate::honest::{UNREADABLE, UNREADABLE_FRIENDS, is_detached};
use crate::load::World;
use crate::wire::{Answer, OK};

/// What went wrong, from the server's owner's point of view.
pub(crate) type Verdict = std::result::Result<(), String>;

pub(crate) fn is_refusal(answer: Result<Answer>, status: u16) -> Verdict {
    match answer {
        Ok(answer) if answer.is_refusal(status) => Ok(()),
        other => Err(format!("{status} expected: {other:?}")),
    }
}

/// Refused with this status, unless the server ended the connection first, as it may before it has
/// read all.
pub(crate) fn is_refusal_or_end(answer: Result<Answer>, status: u16) -> Verdict {
    match answer {
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => Ok(()),
        answer => is_refusal(answer, status),
    }
}

/// The answer to a verified callback whose body cannot be read: the owner's for what waits for a
/// verdict, and a notification reaches the service. `named`: whether the persons of a friend
/// request can be read, so that each can be rejected.
pub(crate) fn is_owners(
    world: &World,
    command: &Command,
    named: bool,
    answer: Result<Answer>,
) -> Verdict {
    let answer = answer.map_err(|error| error.to_string())?;
    let is_friend_request =
        matches!(command, Command::SnsPrevFriendAdd | Command::SnsPrevFriendResponse);
    let right = match command.phase() {
        Phase::Before if is_friend_request && named => answer.is(UNREADABLE_FRIENDS),
        // No reply would block it.
        Phase::Before if is_friend_request => answer.is_refusal(500),
        Phase::Before => answer.is(UNREADABLE),
        _ if answer.is(OK) || answer.is_turned_away() => {
            if is_detached(command) {
                let counts = &world.counts;
                let count = if answer.is(OK) { &counts.detached } else { &counts.unclaimed };
                count.fetch_add(1, Relaxed);
            }
            true
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(format!("{command}: {answer:?}")) }
}

/// The answer to a body that is too large: only a notification is refused.
pub(crate) fn is_too_large(world: &World, command: &Command, answer: Result<Answer>) -> Verdict {
    if command.phase() == Phase::Before {
        is_owners(world, command, false, answer)
    } else {
        is_refusal(answer, 413)
    }
}

/// The status that refuses a fault; `None` where it is only the body that cannot be read.
pub(crate) fn status_of(fault: Fault) -> Option<u16> {
    Some(match fault {
        Fault::Stale
        | Fault::TimestampInFuture
        | Fault::SignatureMismatch
        | Fault::MissingSignature
        | Fault::MissingTime
        | Fault::MalformedSignature
        // The id next to the app's is that of the other app, which has other tokens.
        | Fault::OtherApp => 401,
        Fault::CommandMismatch
        | Fault::TruncatedJson
        | Fault::NotJson
        | Fault::NotAnObject
        | Fault::TrailingBytes => return None,
        Fault::WrongMethod => 405,
        _ => 400,
    })
}
