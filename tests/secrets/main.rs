//! No token, no signature, no query string and no body in any `Debug` or log line.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod debug_and_log;
mod failures;
mod warnings;

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use bytes::Bytes;
use common::{NOW, TOKEN, signed};
use http::Request;
use http_body_util::Full;
use tencent_im_callback::Command;
use tencent_im_callback::testing::sign;

const BODY: &str =
    r#"{"PairList":[{"From_Account":"body-secret","To_Account":{"x":"body-secret"}}]}"#;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of the thread, which is that of the test.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged on this thread while `run` runs.
fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
    LOG.with_borrow_mut(Vec::clear);
    let result = run();
    let text = LOG.with_borrow_mut(std::mem::take);
    (result, String::from_utf8(text).unwrap())
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[track_caller]
fn clean(text: &str) {
    let signature = sign(TOKEN, NOW);
    let lower = text.to_lowercase();
    for secret in [TOKEN, &signature, "other-token", "query-secret", "body-secret", "requesttime="]
    {
        assert!(!lower.contains(secret), "{secret} is in: {text}");
    }
}

fn request() -> Request<Full<Bytes>> {
    signed(Command::SnsFriendDelete).parameter("ClientIP", "query-secret").body(BODY).build()
}
