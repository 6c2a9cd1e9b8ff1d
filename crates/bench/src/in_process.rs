//! Time per request, contender against contender: each round measures all of them in turn, and a
//! ratio is taken within a round.

use std::time::Instant;

use crate::cases::{Case, Contender};
use crate::table::{Spread, Table};

/// Nanoseconds per request of one contender. The requests are made before the clock starts.
fn measure(contender: &mut Contender, case: &Case, requests: usize) -> f64 {
    let requests: Vec<_> = (0..requests).map(|_| case.request()).collect();
    let count = requests.len();
    let started = Instant::now();
    for request in requests {
        assert_eq!(contender.answer(case, request), case.accepted);
    }
    started.elapsed().as_nanos() as f64 / count as f64
}

pub fn print(cases: &[Case], quick: bool) {
    let rounds = if quick { 5 } else { 101 };
    let mut table = Table::new(
        "In process, time per request",
        &["request", "floor, ns", "ours, ns", "ours / floor", "goal", "with router", "/ ours"],
    );
    let mut contenders = [Contender::floor(), Contender::ours(), Contender::routed()];
    let mut accepted = Vec::new();
    for case in cases {
        // As many as make a round long beside the clock, and short beside a time slice.
        let requests = (1 + 60_000 / (case.body().len() + 300)).min(200);
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (contender, times) in contenders.iter_mut().zip(&mut times) {
                times.push(measure(contender, case, requests));
            }
        }
        let [floor, ours, routed] = times;
        let against =
            |a: &[f64], b: &[f64]| Spread::of(a.iter().zip(b).map(|(a, b)| a / b).collect());
        table.row(&[
            case.name.to_owned(),
            format!("{:.0}", Spread::of(floor.clone()).median),
            format!("{:.0}", Spread::of(ours.clone()).median),
            against(&ours, &floor).to_string(),
            "<= 1.25".to_owned(),
            format!("{:.0}", Spread::of(routed.clone()).median),
            against(&routed, &ours).to_string(),
        ]);
        if case.accepted && accepted.is_empty() {
            accepted = ours;
        } else if !case.accepted {
            let goal = if case.name == "bad signature" { 0.50 } else { 0.35 };
            let ratio = against(&ours, &accepted);
            table.note(format!("{} / {}: {ratio} (goal <= {goal:.2})", case.name, cases[0].name));
        }
    }
    table.print();
}
