//! Prints what the middleware costs; see `README.md` beside this.

use std::process::ExitCode;

use benchmarks::{
    cases, in_process, instructions, limit, load, memory, parse, queue, servers, spans,
};

const USAGE: &str = "usage: benchmarks [--quick] [in-process | parse | instructions | moderation | spans | limit | load | memory | queue | jetstream]...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // How this program starts itself.
    if let ["answer", contender, case, requests] = words[..] {
        instructions::run(contender, case, requests);
        return ExitCode::SUCCESS;
    }
    if let ["traced", level, requests] = words[..] {
        spans::run(level, requests);
        return ExitCode::SUCCESS;
    }
    if let ["serve", contender] = words[..] {
        servers::serve(contender);
        return ExitCode::SUCCESS;
    }
    if let ["resident", file] = words[..] {
        queue::resident(std::path::Path::new(file));
        return ExitCode::SUCCESS;
    }
    if let ["work", url, lease] = words[..] {
        queue::work(url, lease);
        return ExitCode::SUCCESS;
    }
    // What a profiler runs.
    if let ["enqueue", contender, callers, calls] = words[..] {
        queue::calls(contender, callers, calls);
        return ExitCode::SUCCESS;
    }
    let (options, parts): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| word.starts_with('-'));
    let known = [
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
    if options.iter().any(|option| *option != "--quick")
        || parts.iter().any(|part| !known.contains(part))
    {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let quick = !options.is_empty();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    let mut failed = false;
    if wanted("in-process") {
        in_process::print(&cases::all(), quick);
    }
    if wanted("parse") {
        parse::print(quick);
    }
    if wanted("instructions")
        && let Err(failures) = instructions::print(&cases::all(), &cases::growth())
    {
        eprintln!("\nabove its limit:\n{failures}");
        failed = true;
    }
    if wanted("moderation") {
        instructions::print_moderation();
    }
    if wanted("spans") {
        spans::print();
    }
    if wanted("limit") {
        limit::print(quick);
    }
    if wanted("load") {
        load::print(quick);
    }
    if wanted("memory") {
        memory::print(quick);
    }
    if wanted("queue") {
        queue::print(quick);
    }
    if wanted("jetstream") {
        queue::jetstream::print(quick);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
