//! `check` of an endpoint of a test, and what it found.

use axum::Router;
use serde_json::Value;

use super::server::serve;
use super::{Run, run};

pub const OK: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;

pub fn check(router: Router, more: &[&str]) -> Run {
    let url = format!("http://{}/callback", serve(router));
    run(&[&["check", &url, "--json"], more].concat())
}

/// Names of the findings that went like this.
pub fn names(out: &str, went: &str) -> Vec<String> {
    let findings: Vec<Value> = serde_json::from_str(out).unwrap();
    let such = findings.into_iter().filter(|finding| finding["went"] == went);
    such.map(|finding| finding["name"].as_str().unwrap().to_owned()).collect()
}

pub fn fails(router: Router, more: &[&str]) -> Vec<String> {
    let Run { status, out, err } = check(router, more);
    let failed = names(&out, "fail");
    assert_eq!(status, i32::from(!failed.is_empty()), "{err}");
    failed
}
