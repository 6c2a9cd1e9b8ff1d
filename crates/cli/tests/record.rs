//! `im-callback replay` and `drift`: what is made of a record.

mod common;

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use common::server::{good, serve};
use common::{Background, Run, run};

fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

/// A record of three callbacks, with half a line behind them.
fn record(name: &str) -> String {
    let path = path(name).to_str().unwrap().to_owned();
    let listen =
        Background::start(&["listen", "--addr", "127.0.0.1:0", "--no-inspect", "--record", &path]);
    let url = listen.announced("listening on ");
    for arguments in [
        &[
            "send",
            &url,
            "Sns.CallbackFriendDelete",
            "--set",
            "PairList[0].Nickname=x",
            "--param",
            "ClientIP=1.2.3.4",
        ][..],
        &["send", &url, "C2C.CallbackAfterSendMsg", "--set", "MsgTime=soon"],
        &["send", &url, "Sns.CallbackFriendDelete"],
    ] {
        run(arguments);
        listen.line();
    }
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"format\":1,\"par");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_record_is_sent_again_with_its_parameters() {
    let file = record("replay.jsonl");
    let url = format!("http://{}/callback", serve(good()));
    let Run { status, out, err } = run(&["replay", &file, "--to", &url]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("3 sent, 0 unexpected answers\np50 "), "{out}");

    let listen = Background::start(&[
        "listen",
        "--addr",
        "127.0.0.1:0",
        "--no-inspect",
        "--record",
        path("again.jsonl").to_str().unwrap(),
    ]);
    let url = listen.announced("listening on ");
    let Run { status, out, .. } =
        run(&["replay", &file, "--to", &url, "--only", "sns.callbackfrienddelete"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("2 sent"), "{out}");
    listen.line();
    let again =
        std::fs::read_to_string(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("again.jsonl"))
            .unwrap();
    let first = std::fs::read_to_string(&file).unwrap();
    let part = |text: &str| {
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert!(line.to_string().contains("1.2.3.4"), "{line}");
        line["body"].clone()
    };
    assert_eq!(part(&again), part(&first));

    let Run { status, out, err } = run(&["replay", &file, "--to", &url, "--token", "other"]);
    assert_eq!(status, 1);
    assert!(
        out.starts_with("3 sent, 3 unexpected")
            && err.contains("1: Sns.CallbackFriendDelete: status 401"),
        "{out}{err}"
    );
    assert_eq!(run(&["replay", "/nowhere", "--to", &url]).status, 2);
    assert_eq!(run(&["replay", &file, "--only", "Nothing"]).status, 2);
}

#[test]
fn the_pauses_of_a_record_are_kept_at_the_speed_asked_for() {
    let file = path("slow.jsonl");
    let line = |at: u64| {
        let callback = tencent_im_callback::testing::callback::<
            tencent_im_callback::event::sns::FriendDelete,
        >(r#"{"PairList":[]}"#);
        let mut stored = tencent_im_callback::StoredCallback::from(&callback);
        stored.received_at = tencent_im_callback::TimestampMillis(i64::try_from(at).unwrap());
        serde_json::to_string(&stored).unwrap()
    };
    std::fs::write(&file, format!("{}\nnonsense\n{}\n", line(1000), line(11_000))).unwrap();
    let url = format!("http://{}/callback", serve(good()));
    let started = Instant::now();
    let Run { status, out, err } =
        run(&["replay", file.to_str().unwrap(), "--to", &url, "--speed", "10"]);
    assert_eq!(status, 1, "{out}{err}");
    assert!(
        out.ends_with("1 lines passed over\n") && err.contains("slow.jsonl:2: passed over"),
        "{out}{err}"
    );
    assert!((1000..9000).contains(&started.elapsed().as_millis()));
}

#[test]
fn drift_names_what_is_not_known() {
    let file = record("drift.jsonl");
    let Run { status, out, err } = run(&["drift", &file]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(
        out.contains("PairList[].Nickname") && out.contains("does not fit its command at MsgTime"),
        "{out}"
    );
    assert!(out.ends_with("3 callbacks read\n"), "{out}");
}

#[test]
fn what_is_not_read_of_a_file_is_said_and_only_a_mark_is_passed_over() {
    let line = std::fs::read_to_string(record("marked.jsonl")).unwrap();
    let line = line.lines().next().unwrap();
    let file = path("marked-2.jsonl").to_str().unwrap().to_owned();
    let url = format!("http://{}/callback", serve(good()));
    let both = || [run(&["replay", &file, "--to", &url]), run(&["drift", &file])];
    std::fs::write(&file, format!("\u{feff}{line}\n")).unwrap();
    let [replay, drift] = both();
    assert!(replay.status == 0 && replay.out.starts_with("1 sent"), "{replay:?}");
    assert!(drift.status == 0 && drift.out.ends_with("1 callbacks read\n"), "{drift:?}");

    let utf16: Vec<u8> =
        format!("\u{feff}{line}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, utf16).unwrap();
    for Run { status, err, .. } in both() {
        assert!(status == 1 && err.contains("is UTF-16, and nothing of it was read"), "{err}");
    }
    std::fs::write(&file, b"\x01\x9c\x00\xfe\x80 and no end of line").unwrap();
    for Run { status, out, err } in both() {
        assert!(status == 1 && out.ends_with("1 lines passed over\n"), "{out}{err}");
        assert!(err.contains("marked-2.jsonl:1: passed over"), "{err}");
    }
}

/// Of no UTF-8, of no JSON, behind a mark, in UTF-16.
const BODIES: [&[u8]; 4] = [
    b"{\"PairList\":[{\"From_Account\":\"a\xff\",\"To_Account\":\"\xed\xa0\xbd\x1b[31m\"}]}",
    b"\x00\xff\xfe\r\n{",
    b"\xef\xbb\xbf{\"PairList\":[]}",
    b"\xff\xfe{\x00}\x00",
];

#[test]
fn any_bytes_are_recorded_shown_and_sent_again_as_they_came() {
    let file = path("bytes.jsonl").to_str().unwrap().to_owned();
    let listen =
        Background::start(&["listen", "--addr", "127.0.0.1:0", "--no-inspect", "--record", &file]);
    let url = listen.announced("listening on ");
    for (at, body) in BODIES.iter().enumerate() {
        let from = path(&format!("body-{at}"));
        std::fs::write(&from, body).unwrap();
        let arguments =
            ["send", &url, "Sns.CallbackFriendDelete", "--body", from.to_str().unwrap()];
        let Run { status, out, err } = run(&arguments);
        assert_eq!(status, 0, "{out}{err}");
        let line = listen.line();
        assert!(line.contains("200 accepted") && !line.contains('\u{1b}'), "{line}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("\"body_base64\":").count(), 3, "{text}");

    let (tell, told) = mpsc::channel();
    let keep = Router::new().fallback(async move |body: Bytes| {
        tell.send(body).unwrap();
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
    });
    let url = format!("http://{}/", serve(keep));
    let Run { status, out, err } = run(&["replay", &file, "--to", &url]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), BODIES);

    let Run { status, out, .. } = run(&["drift", &file]);
    assert_eq!(status, 0);
    assert!(
        out.contains("body is not JSON at line") && out.ends_with("4 callbacks read\n"),
        "{out}"
    );
}
