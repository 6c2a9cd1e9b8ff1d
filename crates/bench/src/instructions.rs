//! Instructions per request, counted by callgrind: the same on every run of the same program,
//! whatever else the machine does.
//!
//! This program starts itself under valgrind twice for each figure, with few requests and with
//! more, so that starting and preparing cancel out; what making and dropping a request costs is
//! taken off as well.

use std::process::Command;

use crate::cases::{self, Case, Contender};
use crate::parse;
use crate::table::Table;

const FEW: usize = 4;
const MORE: usize = 14;

/// What CI enforces: the goal of 1.25 with a margin, since another compiler counts a little
/// differently.
const LIMIT: f64 = 1.30;

/// What a rate limit may cost, which CI enforces as well.
const WITH_LIMIT: f64 = 1.05;

/// The command line's word for a contender.
const FLOOR: &str = "floor";
const OURS: &str = "ours";
const ROUTED: &str = "routed";
const LIMITED: &str = "limited";
const MODERATED: &str = "moderated";
const BY_HAND: &str = "by-hand";
const NOTHING: &str = "nothing";
const READ: &str = "read";
const READ_PLAIN: &str = "read-plain";

/// What runs under valgrind: `requests` of the case at this place, answered by one contender.
pub fn run(contender: &str, case: &str, requests: &str) {
    let case: usize = case.parse().expect("a number of a case");
    let requests: usize = requests.parse().expect("a number of requests");
    if [READ, READ_PLAIN].contains(&contender) {
        let body = parse::bodies().swap_remove(case);
        for _ in 0..requests {
            if contender == READ { body.ours() } else { body.plain() }
        }
        return;
    }
    let all: Vec<Case> = if [MODERATED, BY_HAND].contains(&contender) {
        cases::moderated_messages().into_iter().map(|(case, _)| case).collect()
    } else {
        cases::all().into_iter().chain(cases::growth().into_iter().flatten()).collect()
    };
    let case = &all[case];
    let mut contender = match contender {
        FLOOR => Contender::floor(),
        OURS => Contender::ours(),
        ROUTED => Contender::routed(),
        LIMITED => Contender::limited(),
        MODERATED => Contender::moderated(),
        BY_HAND => Contender::moderated_by_hand(),
        _ => Contender::Nothing,
    };
    for _ in 0..requests {
        assert_eq!(contender.answer(case, case.request()), case.accepted);
    }
}

/// The total of one run of this program with these arguments.
pub(crate) fn total(arguments: &[&str]) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "))?.1;
    collected.trim().parse().ok()
}

fn per_request(contender: &str, case: usize) -> Option<f64> {
    let case = case.to_string();
    let count = |requests: usize| total(&["answer", contender, &case, &requests.to_string()]);
    let (more, few) = (count(MORE)?, count(FEW)?);
    let each = (more - few) as f64 / (MORE - FEW) as f64;
    Some(each)
}

/// Prints what moderation costs, with what making a request costs, which is little.
pub fn print_moderation() {
    if total(&["answer", NOTHING, "0", "1"]).is_none() {
        println!("\nInstructions of moderation: not measured, since valgrind does not run here.");
        return;
    }
    let mut table = Table::new(
        "Moderation, instructions per request (callgrind)",
        &["message", "by hand", "moderated", "ratio", "goal"],
    );
    for (number, (case, goal)) in cases::moderated_messages().iter().enumerate() {
        let [by_hand, moderated] = [BY_HAND, MODERATED].map(|contender| count(contender, number));
        table.row(&[
            case.name.to_owned(),
            format!("{by_hand:.0}"),
            format!("{moderated:.0}"),
            format!("{:.3}", moderated / by_hand),
            format!("<= {goal}"),
        ]);
    }
    table.print();
}

/// Prints the tables.
///
/// # Errors
///
/// What is above its limit.
pub fn print(cases: &[Case], growth: &[[Case; 2]]) -> Result<(), String> {
    if total(&["answer", NOTHING, "0", "1"]).is_none() {
        println!("\nInstructions: not measured, since valgrind does not run here.");
        return Ok(());
    }
    let mut failures = print_requests(cases);
    print_reading();
    failures.extend(print_growth(cases.len(), growth));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn count(contender: &str, case: usize) -> f64 {
    per_request(contender, case).expect("valgrind ran just now")
}

fn print_requests(cases: &[Case]) -> Vec<String> {
    let mut table = Table::new(
        "Instructions per request (callgrind)",
        &[
            "request",
            "floor",
            "ours",
            "ours / floor",
            "goal",
            "with router",
            "/ ours",
            "with a rate limit",
            "/ ours",
            "goal",
        ],
    );
    let mut failures = Vec::new();
    let mut accepted = None;
    for (number, case) in cases.iter().enumerate() {
        let nothing = count(NOTHING, number);
        let [floor, ours, routed, limited] =
            [FLOOR, OURS, ROUTED, LIMITED].map(|contender| count(contender, number) - nothing);
        let (ratio, with_limit) = (ours / floor, limited / ours);
        table.row(&[
            case.name.to_owned(),
            format!("{floor:.0}"),
            format!("{ours:.0}"),
            format!("{ratio:.3}"),
            "<= 1.25".to_owned(),
            format!("{routed:.0}"),
            format!("{:.3}", routed / ours),
            format!("{limited:.0}"),
            format!("{with_limit:.3}"),
            format!("<= {WITH_LIMIT}"),
        ]);
        if ratio > LIMIT {
            failures.push(format!("{}: {ratio:.3} > {LIMIT}", case.name));
        }
        if with_limit > WITH_LIMIT {
            failures.push(format!("{} with a rate limit: {with_limit:.3}", case.name));
        }
        let accepted = *accepted.get_or_insert(ours);
        if !case.accepted {
            table.note(format!("{} / {}: {:.3}", case.name, cases[0].name, ours / accepted));
        }
    }
    table.print();
    failures
}

fn print_reading() {
    let mut table = Table::new(
        "Instructions per body that is read",
        &["body", "plain derived structs", "Callback::parse", "ratio"],
    );
    for (number, body) in parse::bodies().iter().enumerate() {
        let [plain, ours] = [READ_PLAIN, READ].map(|contender| count(contender, number));
        table.row(&[
            body.name.clone(),
            format!("{plain:.0}"),
            format!("{ours:.0}"),
            format!("{:.3}", ours / plain),
        ]);
    }
    table.print();
}

/// `first` is the number of the first of these cases.
fn print_growth(first: usize, growth: &[[Case; 2]]) -> Vec<String> {
    let mut table = Table::new(
        "Growth, instructions per byte of body",
        &["body", "floor, 4 KiB", "1 MiB", "ratio", "ours, 4 KiB", "1 MiB", "ratio", "goal"],
    );
    let mut failures = Vec::new();
    for (number, pair) in (first..).step_by(2).zip(growth) {
        let [(floor_few, few), (floor_many, many)] = [0, 1].map(|at| {
            let length = pair[at].body().len() as f64;
            let nothing = count(NOTHING, number + at);
            let each = |contender: &str| (count(contender, number + at) - nothing) / length;
            (each(FLOOR), each(OURS))
        });
        let (floor, ours) = (floor_many / floor_few, many / few);
        table.row(&[
            pair[0].name.to_owned(),
            format!("{floor_few:.2}"),
            format!("{floor_many:.2}"),
            format!("{floor:.3}"),
            format!("{few:.2}"),
            format!("{many:.2}"),
            format!("{ours:.3}"),
            "<= 1.1".to_owned(),
        ]);
        // A list that is grown, and freed in small pieces, costs the allocator more: that is the
        // floor's as well.
        if ours > 1.1 && many > floor_many * 1.05 {
            failures.push(format!("growth of {}: {ours:.3} > 1.1", pair[0].name));
        }
    }
    table.print();
    failures
}
