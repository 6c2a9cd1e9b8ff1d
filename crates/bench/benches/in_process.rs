//! Time per request in absolute figures: `cargo bench -p benchmarks`. The ratios are what `cargo
//! run --release -p benchmarks` is for.

use benchmarks::cases::{self, Case, Contender};
use benchmarks::parse;
use divan::Bencher;

fn main() {
    divan::main();
}

fn names() -> Vec<usize> {
    (0..cases::all().len()).collect()
}

fn bench(bencher: Bencher<'_, '_>, mut contender: Contender, number: usize) {
    let case: Case = cases::all().swap_remove(number);
    bencher
        .with_inputs(|| case.request())
        .bench_local_values(|request| contender.answer(&case, request));
}

#[divan::bench(args = names())]
fn floor(bencher: Bencher<'_, '_>, case: usize) {
    bench(bencher, Contender::floor(), case);
}

#[divan::bench(args = names())]
fn ours(bencher: Bencher<'_, '_>, case: usize) {
    bench(bencher, Contender::ours(), case);
}

#[divan::bench(args = names())]
fn with_router(bencher: Bencher<'_, '_>, case: usize) {
    bench(bencher, Contender::routed(), case);
}

/// Reading a body alone: see `parse::bodies`.
#[divan::bench(args = 0..parse::bodies().len())]
fn read(bencher: Bencher<'_, '_>, body: usize) {
    let body = parse::bodies().swap_remove(body);
    bencher.bench_local(|| body.ours());
}

#[divan::bench(args = 0..parse::bodies().len())]
fn read_plain(bencher: Bencher<'_, '_>, body: usize) {
    let body = parse::bodies().swap_remove(body);
    bencher.bench_local(|| body.plain());
}
