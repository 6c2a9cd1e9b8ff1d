//! Every seed gets the answer that is foretold, and all answers come.

use tencent_im_callback::{Cause, Command, OutcomeKind};

use super::ask::Answer;
use super::{answer, seeds};
use crate::body::{self, told};
use crate::{broken, json, payloads, selector};

/// Every sample, broken in every way, under every choice of its owner.
#[test]
fn whatever_is_broken_gets_its_owners_answer() {
    for (at, (command, body)) in payloads().into_iter().enumerate() {
        for (name, body) in broken::break_up(&command, &body::compact(&body)) {
            for config in 0..10 {
                for url in [0, 1, 5] {
                    let does = if config == 8 { 0 } else { at as u8 % 4 };
                    let head =
                        [selector(&command), url, 0, 0, 0, 0, 0, 0, does, config, 0, at as u8];
                    let _shown = Shown(&command, name, &body);
                    let answer = answer(&[&head[..], &body].concat()).expect("long enough");
                    if config == 8
                        && answer.outcome == OutcomeKind::Failed
                        && is_friend_request(&told(&command, &body).answered_as)
                    {
                        names_whoever_is_left(&answer, &body);
                    }
                }
            }
        }
    }

    fn is_friend_request(command: &Command) -> bool {
        command.as_str().starts_with("Sns.CallbackPrev")
    }

    /// Also behind a mistake: one broken character in one request must not let the others through.
    fn names_whoever_is_left(answer: &Answer, body: &[u8]) {
        let (text, answer) = (json::readable(body), json::readable(&answer.body));
        for (at, key) in text.match_indices("\"To_Account\":\"") {
            let id = &text[at + key.len()..];
            let id = &id[..id.find('"').unwrap_or(id.len())];
            let is_whole = !id.contains(|c: char| c.is_control() || c == '\\')
                && text.len() > at + key.len() + id.len();
            let named = format!("\"To_Account\":\"{id}\"");
            assert!(!is_whole || answer.contains(&named), "{id} is let through: {answer}");
        }
    }

    struct Shown<'a>(&'a Command, &'static str, &'a [u8]);

    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("{}, {}: {}", self.0, self.1, self.2.escape_ascii());
            }
        }
    }
}

#[test]
fn the_seeds_come_to_every_answer() {
    use std::collections::BTreeSet;
    use tencent_im_callback::RejectionKind as Kind;

    let answers: Vec<Answer> = seeds().iter().filter_map(|seed| answer(seed)).collect();
    let outcomes: BTreeSet<_> = answers.iter().map(|answer| answer.outcome).collect();
    let every =
        [OutcomeKind::Accepted, OutcomeKind::Probe, OutcomeKind::Rejected, OutcomeKind::Failed];
    assert_eq!(outcomes, BTreeSet::from(every));
    let causes: Vec<_> = answers.iter().filter_map(|answer| answer.cause).collect();
    for cause in [
        Cause::Misfit,
        Cause::BodyEmpty,
        Cause::BodyNotJson,
        Cause::BodyNotObject,
        Cause::BodyCommandMalformed,
        Cause::CommandMismatch,
        Cause::BodyTooLarge,
        Cause::BodyIncomplete,
        Cause::NotReady,
        Cause::Failed,
    ] {
        assert!(causes.contains(&cause), "{cause}");
    }
    let rejections: Vec<_> =
        answers.iter().filter_map(|answer| answer.rejection.as_ref()).collect();
    for kind in
        Kind::ALL.iter().filter(|kind| kind.is_after_verification() && **kind != Kind::Untyped)
    {
        let name = format!("kind: {kind:?},");
        assert!(rejections.iter().any(|rejection| rejection.contains(&name)), "{kind}");
    }
}
