//! The page `commands` of the documentation, `src/docs/commands.md`. It is written from the table,
//! from what `event!` says, and from the vendor's bodies:
//!
//! ```sh
//! BLESS=1 cargo test --lib page
//! ```

use std::fmt::Write as _;

use super::ROWS;
use super::parse::{self, BodyApp};
use crate::{Callback, Command, Params, Phase, SdkAppId, testing};

const HEAD: &str = "\
All commands: phase, type, what may be answered, which keys they have, and the vendor's page.

A command links to its event. Its variant in [`Event`](crate::Event) and [`Command`](crate::Command)
is made of the family and the name, without `Callback`, unless another one is named here. A reply
has the name of its event, and `Reply` behind it. Without one, the handler returns `()`: that is
`OK`.

*Duplicate* is what identifies a second delivery
([`Callback::dedup_key`](crate::Callback::dedup_key)): the whole body, if it contains an id, or a
time in milliseconds; otherwise (`RequestId` in the table) the body and the URL's `RequestId`, and
without that there is no key. The vendor documents `RequestId` as [unique for each callback, and the
same on a repeat](https://cloud.tencent.com/document/product/269/111212). An unknown command needs
it as well. For `Sns.CallbackBlackListDelete` the vendor's pages differ: on one, each entry of
`PairList` has a `TimeStamp`, on the other it has none. It is in seconds, so with or without it
`RequestId` makes the key.

*Order* is what the order key consists of ([`Callback::order_key`](crate::Callback::order_key)): the
group, the two people of a conversation, an account and so on.

| command | phase | reply | duplicate | order | variant | page |
| --- | --- | --- | --- | --- | --- | --- |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (command, module, event, reply, order) in ROWS {
        let reply = reply
            .map_or("–".to_owned(), |reply| format!("[typed](crate::reply::{module}::{reply})"));
        let docs = command.docs().unwrap();
        writeln!(
            page,
            "| [{command}](crate::event::{module}::{event}) | {:?} | {reply} | {} | {} | {} | \
            [{}]({docs}) |",
            command.phase(),
            duplicate(command),
            order.unwrap_or("–"),
            odd_variant(command, event),
            docs.rsplit('/').next().unwrap(),
        )
        .unwrap();
    }
    page
}

/// The variant of a command, if it is not that of the rule.
fn odd_variant(command: &Command, event: &str) -> String {
    let body = testing::sample(command).unwrap();
    let app = match parse::app(body.as_bytes()) {
        BodyApp::Is(app) => app,
        _ => SdkAppId(1_400_000_000),
    };
    let params = Params::trusted(app, command.clone());
    let event_of = format!("{:?}", Callback::parse(params, body.to_owned().into()).unwrap().event);
    let variant = event_of.split('(').next().unwrap();
    let (family, _) = command.as_str().split_once('.').unwrap();
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    if plain(variant) == plain(&format!("{family}{event}")) {
        String::new()
    } else {
        variant.to_owned()
    }
}

/// What identifies a second delivery of the vendor's bodies, whose URL has no `RequestId` here.
fn duplicate(command: &Command) -> &'static str {
    if command.phase() == Phase::Before {
        return "–";
    }
    let has_key = |body: &str| {
        let app = match parse::app(body.as_bytes()) {
            BodyApp::Is(app) => app,
            _ => SdkAppId(1_400_000_000),
        };
        let params = Params::trusted(app, command.clone());
        Callback::parse(params, body.to_owned().into()).unwrap().dedup_key().is_some()
    };
    if has_key(testing::sample(command).unwrap()) {
        "body"
    } else if testing::other_samples(command).iter().any(|body| has_key(body)) {
        "body, or RequestId"
    } else {
        "RequestId"
    }
}

#[test]
fn the_page_of_the_commands_is_that_of_the_table() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/commands.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    assert!(std::fs::read_to_string(file).unwrap() == page(), "run BLESS=1 cargo test --lib page");
}

#[test]
fn types_and_replies_are_named_after_the_command() {
    assert_eq!(ROWS.len(), Command::ALL.len());
    for ((command, module, event, reply, _), of_all) in ROWS.iter().zip(Command::ALL) {
        assert_eq!(command, of_all);
        let (family, rest) = command.as_str().split_once('.').unwrap();
        assert_eq!(module.replace('_', ""), family.to_lowercase());
        assert_eq!(*event, rest.strip_prefix("Callback").unwrap_or(rest).replace("C2C", "C2c"));
        assert_eq!(reply.is_some(), command.is_answered());
        assert!(reply.is_none_or(|reply| reply == format!("{event}Reply")));
    }
}
