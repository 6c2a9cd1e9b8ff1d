//! The public types, as the source has them; names that a macro makes are left out.

use std::collections::BTreeSet;
use std::path::Path;

/// Values of the protocol, without a secret to keep: names, numbers, and what a handler wants to
/// answer.
const VALUES: &[&str] = &[
    "Edit",
    "Finding",
    "Findings",
    "FindingsFuture",
    "Incomplete",
    "Join",
    "Place",
    "SdkAppId",
    "Flag",
    "Phase",
    "Family",
    "InvalidTokenError",
    "RejectionKind",
    "OutcomeKind",
    "Cause",
    "Meaning",
    "Disposition",
    "Retry",
    "RawJson",
    "MessageVerdict",
    "DetachId",
    "DedupStats",
    "DetachStats",
    "Quota",
    "RateLimitStats",
    "Fault",
    "Code",
    "InvalidCodeError",
    "NotAskedError",
    "NotWritableError",
    "OnC2cSignalMessageReply",
    "InterfaceInvocationReply",
    "UnknownReason",
    "EventTime",
    "BatchItem",
    "EventGroup",
    "OperateType",
    "Extension",
    "RecordingInfo",
    "RecordingPayload",
];

/// Those of which a secret could be told, and which must be shown.
pub(crate) fn all() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        // What was said over the wire is shown by a test of its own.
        match path.file_name().and_then(|name| name.to_str()) {
            Some("event" | "message" | "docs") => {}
            _ if path.is_dir() => in_folder(&path, &mut all),
            _ => in_file(&path, &mut all),
        }
    }
    for ours in ["Event", "UnknownEvent", "Misfit", "DedupKey", "OrderKey"] {
        all.insert(ours.to_owned());
    }
    all.retain(|name| !VALUES.contains(&name.as_str()));
    all
}

fn in_folder(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_folder(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            in_file(&path, found);
        }
    }
}

fn in_file(path: &Path, found: &mut BTreeSet<String>) {
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line = line.trim_start();
        let name = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        let Some(name) = name.filter(|name| !name.starts_with('$')) else {
            continue;
        };
        let end = name.find(|one: char| !one.is_alphanumeric() && one != '_');
        found.insert(name[..end.unwrap_or(name.len())].to_owned());
    }
}
