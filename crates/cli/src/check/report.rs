//! Findings as a table, and as the XML of `JUnit`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::item::{Finding, Went};
use crate::lang::{Lang, Text};
use crate::output::escaped_lines;

/// Characters of an answer in the table.
const CELL: usize = 60;

fn word(went: Went, lang: Lang) -> &'static str {
    lang.of(match went {
        Went::Pass => Text("pass", "通过"),
        Went::Warn => Text("warn", "警告"),
        Went::Fail => Text("FAIL", "失败"),
    })
}

/// Columns of the table where there is no terminal.
const WIDTH: u16 = 120;

/// What is shown of the findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// In the table only what is not as wanted.
    Quiet,
    Normal,
    /// With everything about what passed, too.
    Verbose,
}

/// The table, then what is not as wanted with everything about it.
pub(crate) fn text(findings: &[Finding], lang: Lang, what: Shown) -> String {
    let mut out = table(findings, lang, what);
    for finding in findings {
        if finding.went == Went::Pass && what != Shown::Verbose {
            continue;
        }
        let lines = [
            (Text("sent", "发送"), &finding.sent),
            (Text("received", "收到"), &finding.came),
            (Text("expected", "期望"), &finding.wanted),
            (Text("why", "原因"), &finding.why),
        ];
        let _ = write!(out, "\n{} {}\n", word(finding.went, lang), finding.name);
        for (title, value) in lines {
            let _ = writeln!(out, "  {}: {}", lang.of(title), escaped_lines(value, 4000));
        }
    }
    let count = |went| findings.iter().filter(|finding| finding.went == went).count();
    let (pass, warn, fail) = (count(Went::Pass), count(Went::Warn), count(Went::Fail));
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = match lang {
        Lang::En => write!(out, "{pass} pass, {warn} warn, {fail} fail"),
        Lang::Zh => write!(out, "通过 {pass}，警告 {warn}，失败 {fail}"),
    };
    out
}

/// The table; nothing if it has no rows.
fn table(findings: &[Finding], lang: Lang, what: Shown) -> String {
    let mut table = Table::new();
    let header = [
        Text("", ""),
        Text("item", "项目"),
        Text("received", "收到的应答"),
        Text("expected", "期望的应答"),
    ];
    table
        .load_preset(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.map(|text| lang.of(text)));
    if !table.is_tty() {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        table.set_width(columns.unwrap_or(WIDTH));
    }
    let all_samples_pass = findings
        .iter()
        .filter(|finding| is_sample(finding))
        .all(|finding| finding.went == Went::Pass);
    let samples = findings.iter().filter(|finding| is_sample(finding)).count();
    let mut shown = false;
    for finding in findings {
        if finding.went == Went::Pass && what == Shown::Quiet {
            continue;
        }
        // So many lines of the same.
        if is_sample(finding) && all_samples_pass && samples > 1 && what == Shown::Normal {
            if !shown {
                let name = format!("accepts.sample.* ({samples})");
                table.add_row([word(Went::Pass, lang), &name, "200", &finding.wanted]);
            }
            shown = true;
            continue;
        }
        let came = shortened(&finding.came);
        table.add_row([word(finding.went, lang), &finding.name, &came, &finding.wanted]);
    }
    if table.is_empty() { String::new() } else { format!("{table}\n") }
}

/// For the table. What is not as expected is shown in full below it.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn is_sample(finding: &Finding) -> bool {
    finding.name.starts_with("accepts.sample.")
}

/// For CI: a suite for each group.
pub(crate) fn junit(findings: &[Finding], lang: Lang) -> Result<String, String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for finding in findings {
        let group = finding.name.split('.').next().unwrap_or_default();
        let status = match finding.went {
            Went::Pass | Went::Warn => TestCaseStatus::success(),
            Went::Fail => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let Finding { sent, came, wanted, why, .. } = finding;
                status
                    .set_message(match lang {
                        Lang::En => format!("{came}; expected: {wanted}"),
                        Lang::Zh => format!("{came}；期望：{wanted}"),
                    })
                    .set_description(format!("{sent}\n{why}"));
                status
            }
        };
        let mut case = TestCase::new(finding.name.as_str(), status);
        case.set_time(finding.took);
        if finding.went == Went::Warn {
            case.set_system_out(format!("{}: {}", word(Went::Warn, lang), finding.came));
        }
        suites.entry(group).or_insert_with(|| TestSuite::new(group)).add_test_case(case);
    }
    let mut report = Report::new("im-callback check");
    report.add_test_suites(suites.into_values());
    report.to_string().map_err(|error| error.to_string())
}
