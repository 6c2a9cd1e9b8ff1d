//! How it ends: on Ctrl-C with what was measured and recorded until then, and where nobody reads
//! on.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::server::{good, serve};
use common::{Background, command, run};

fn interrupt(child: &mut Child) -> i32 {
    let sent = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it goes on");
}

#[test]
fn long_sending_ends_with_what_was_measured() {
    let url = format!("http://{}/callback", serve(good()));
    let mut child = command()
        .args(["send", &url, "State.StateChange", "--count", "1000000", "--rate", "50"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(interrupt(&mut child), 0);
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(
        out.starts_with("interrupted after ")
            && out.contains(" of 1000000\n")
            && out.contains("\np50 "),
        "{out}"
    );
}

#[test]
fn listening_ends_with_all_recorded_up_to_the_limit() {
    let record = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("end.jsonl");
    // Made by another program, open to all.
    std::fs::write(&record, "").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&record, open).unwrap();
    let arguments =
        ["listen", "--addr", "127.0.0.1:0", "--no-inspect", "--record-limit", "1", "--record"];
    let mut listen = Background::start(&[&arguments[..], &[record.to_str().unwrap()]].concat());
    let url = listen.announced("listening on ");
    let long = format!("More={}", "x".repeat(10_000));
    let sent = run(&["send", &url, "State.StateChange", "--count", "200", "--set", &long]);
    assert_eq!(sent.status, 0, "{}", sent.out);
    assert!(listen.announced("end.jsonl ").starts_with("has reached its limit"));
    assert_eq!(interrupt(&mut listen.child), 0);
    let text = std::fs::read_to_string(&record).unwrap();
    assert!((900_000..=1024 * 1024).contains(&text.len()), "{}", text.len());
    for line in text.lines() {
        assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["status"], 200);
    }
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&record).unwrap().permissions());
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn listening_does_not_wait_for_who_reads_its_output() {
    let mut listen = command()
        .args(["listen", "--addr", "127.0.0.1:0", "--no-inspect"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(listen.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    // More than a pipe and the queue before it take.
    let sent = run(&["send", &url, "State.StateChange", "--count", "20000"]);
    assert!(sent.status == 0 && sent.out.starts_with("20000 sent"), "{sent:?}");
    let out = BufReader::new(listen.stdout.take().unwrap());
    // Who reads again sees with the next lines how many are missing. There is no room at once.
    let (told, is_told) = std::sync::mpsc::channel();
    let reads = std::thread::spawn(move || {
        let (mut shown, mut dropped) = (0, 0);
        for line in out.lines() {
            match line.unwrap().strip_suffix(" lines dropped, since nobody read the output") {
                Some(count) => {
                    dropped += count.parse::<u64>().unwrap();
                    let _ = told.send(());
                }
                None => shown += 1,
            }
        }
        (shown, dropped)
    });
    let mut all = 20_000;
    while is_told.try_recv().is_err() {
        assert!(!reads.is_finished(), "it has ended");
        assert_eq!(run(&["send", &url, "State.StateChange"]).status, 0);
        all += 1;
    }
    assert_eq!(interrupt(&mut listen), 0);
    let (shown, dropped) = reads.join().unwrap();
    assert!(dropped > 0 && shown + dropped == all, "{shown} {dropped} {all}");
}

#[test]
fn nobody_reading_is_no_crash() {
    let shell = format!("'{}' commands | head -n 1", env!("CARGO_BIN_EXE_im-callback"));
    let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b" command"));
}
