//! What the span and the log event of a request cost, without a subscriber and with one that writes
//! JSON to nowhere. One subscriber a process, so this program starts itself for each.

use std::process::Command;
use std::time::Instant;

use allocation_counter::measure;
use tracing::level_filters::LevelFilter;

use crate::cases::{self, Contender};
use crate::instructions::total;
use crate::table::{Spread, Table};

/// The command line's word for this, and those for the levels.
const TRACED: &str = "traced";
const LEVELS: [(&str, &str); 4] = [
    ("none", "no subscriber"),
    ("warn", "JSON, `warn`: neither"),
    ("info", "JSON, `info`: the span"),
    ("debug", "JSON, `debug`: the span and the event"),
];

fn subscribe(level: &str) {
    let Ok(level) = level.parse::<LevelFilter>() else { return };
    tracing_subscriber::fmt().json().with_max_level(level).with_writer(std::io::sink).init();
}

/// Answers so many requests, for callgrind; or prints time and allocations.
pub fn run(level: &str, requests: &str) {
    if level != "none" {
        subscribe(level);
    }
    let case = &cases::all()[0];
    let mut contender = Contender::ours();
    let mut answer = |count: usize| {
        let requests: Vec<_> = (0..count).map(|_| case.request()).collect();
        let started = Instant::now();
        for request in requests {
            assert!(contender.answer(case, request));
        }
        started.elapsed().as_nanos() as f64 / count as f64
    };
    if let Ok(requests) = requests.parse() {
        answer(requests);
        return;
    }
    let times = Spread::of((0..101).map(|_| answer(200)).collect());
    let mut request = Some(case.request());
    let allocations =
        measure(|| assert!(contender.answer(case, request.take().expect("one")))).count_total;
    println!("{:.0} {allocations}", times.median);
}

pub fn print() {
    let mut table = Table::new(
        "Spans: friend delete, 3 pairs",
        &["log", "instructions", "/ none", "time, ns", "allocations"],
    );
    let mut none = None;
    for (level, name) in LEVELS {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).args([TRACED, level, "time"]).output().expect("a run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (time, allocations) = text.trim().split_once(' ').expect("two numbers");
        let count = |requests: &str| total(&[TRACED, level, requests]);
        let each = count("14").zip(count("4")).map(|(more, few)| (more - few) as f64 / 10.0);
        let none = *none.get_or_insert(each);
        table.row(&[
            name.to_owned(),
            each.map_or_else(String::new, |each| format!("{each:.0}")),
            each.zip(none).map_or_else(String::new, |(each, none)| format!("{:.2}", each / none)),
            time.to_owned(),
            allocations.to_owned(),
        ]);
    }
    table.print();
}
