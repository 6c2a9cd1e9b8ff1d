//! Prints what the middleware costs; see `README.md` beside this.

use std::process::ExitCode;

use benchmarks::{
    cases, in_process, instructions, limit, load, memory, parse, queue, servers, spans,
};

const USAGE: &str = "usage: benchmarks [--quick] [in-process | parse | instructions | moderation | \
    spans | limit | load | memory | queue | jetstream]...";

/// What is printed, in this order.
const PARTS: [&str; 10] = [
    "in-process",
    "parse",
    "instructions",
    "moderation",
    "spans",
    "limit",
    "load",
    "memory",
    "queue",
    "jetstream",
];

fn print(part: &str, quick: bool) -> Result<(), String> {
    match part {
        "in-process" => in_process::print(&cases::all(), quick),
        "parse" => parse::print(quick),
        "instructions" => return instructions::print(&cases::all(), &cases::growth()),
        "moderation" => instructions::print_moderation(),
        "spans" => spans::print(),
        "limit" => limit::print(quick),
        "load" => load::print(quick),
        "memory" => memory::print(quick),
        "queue" => queue::print(quick),
        "jetstream" => queue::jetstream::print(quick),
        other => unreachable!("{other} is none of the parts"),
    }
    Ok(())
}

/// How this program starts itself, and what a profiler runs. False if the words are for neither.
fn run_one(words: &[&str]) -> bool {
    match *words {
        ["answer", contender, case, requests] => instructions::run(contender, case, requests),
        ["traced", level, requests] => spans::run(level, requests),
        ["serve", contender] => servers::serve(contender),
        ["work", url, lease] => queue::work(url, lease),
        ["resident", file] => queue::resident(std::path::Path::new(file)),
        ["enqueue", contender, callers, calls] => queue::calls(contender, callers, calls),
        _ => return false,
    }
    true
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if run_one(&words) {
        return ExitCode::SUCCESS;
    }
    let (options, wanted): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| word.starts_with('-'));
    if options.iter().any(|option| *option != "--quick")
        || wanted.iter().any(|word| !PARTS.contains(word))
    {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut failed = false;
    for part in PARTS {
        if (wanted.is_empty() || wanted.contains(&part))
            && let Err(failures) = print(part, !options.is_empty())
        {
            eprintln!("\nabove its limit:\n{failures}");
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
