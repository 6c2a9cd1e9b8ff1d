//! `im-callback queue`: the file of a queue, from outside.

mod common;

use std::path::PathBuf;

use common::queue::fill;
use common::{Run, run};
use tencent_im_callback::{Callback, Command, HandlerError, Params, Reply};
use tencent_im_callback_queue::Queue;
use tower::{Layer, ServiceExt, service_fn};

/// A queue with two dead letters and one callback that waits.
async fn queue(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for end in ["", "-wal", "-journal"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    fill(Queue::open(&path).await.unwrap()).await;
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn dead_letters_are_listed_put_back_exported_and_deleted() {
    let file = queue("looked-after.queue").await;
    let before = std::fs::read(&file).unwrap();
    let Run { status, out, err } = run(&["queue", &file, "stats"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let squeezed = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        squeezed.starts_with("waiting 1 of these, to be tried again 0 oldest, accepted"),
        "{out}"
    );
    assert!(squeezed.contains("dead letters 2"), "{out}");

    let Run { status, out, .. } = run(&["queue", &file, "dead"]);
    assert_eq!(status, 0);
    assert!(out.contains("permanent") && out.contains("Sns.CallbackFriendDelete"), "{out}");
    assert!(
        out.contains("no\\u{1b}[31m such friend") && out.ends_with("2 of 2 dead letters\n"),
        "{out}"
    );
    assert!(run(&["queue", &file, "dead", "--limit", "1"]).out.ends_with("1 of 2 dead letters\n"));
    let id = out.lines().nth(1).unwrap().split_whitespace().next().unwrap();

    let exported = run(&["queue", &file, "export", "--dead"]).out;
    assert_eq!(exported.lines().count(), 2);
    let line: serde_json::Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(line["id"], id);
    let Run { status, err, .. } = run(&["queue", &file, "purge", "--dead"]);
    assert!(status == 2 && err.contains("add --yes"), "{err}");
    // Looking changes nothing.
    assert!(std::fs::read(&file).unwrap() == before);
    assert!(!std::path::Path::new(&format!("{file}-wal")).exists());

    assert_eq!(run(&["queue", &file, "requeue", id]).out, "1 requeued\n");
    let Run { status, err, .. } = run(&["queue", &file, "requeue", id]);
    assert!(status == 1 && err.contains("no dead letter with this id"), "{err}");
    assert_eq!(run(&["queue", &file, "requeue", "--all"]).out, "1 requeued\n");

    assert_eq!(
        run(&["queue", &file, "purge", "--waiting", "--older-than-days", "1", "--yes"]).out,
        "0 deleted\n"
    );
    assert_eq!(run(&["queue", &file, "purge", "--waiting", "--yes"]).out, "3 deleted\n");
}

#[tokio::test]
async fn a_body_of_any_bytes_is_exported_and_sent_as_it_came() {
    const BODY: &[u8] = b"{\"PairList\":\xff\x00\r\n";
    let file = queue("any-bytes.queue").await;
    let held = Queue::open(&file).await.unwrap();
    let inline = service_fn(async |_: Callback| Ok::<_, HandlerError>(Reply::ok()));
    let callback =
        Callback::parse(Params::trusted(1, Command::SnsFriendDelete), BODY.into()).unwrap();
    drop(held.layer().layer(inline).oneshot(callback).await.unwrap());
    held.close().await.unwrap();

    let Run { out, .. } = run(&["queue", &file, "export", "--waiting"]);
    assert!(out.lines().count() == 2 && out.contains("\"body_base64\":"), "{out}");
    let exported = format!("{file}.jsonl");
    std::fs::write(&exported, out).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let keep = axum::Router::new().fallback(async move |body: axum::body::Bytes| {
        tell.send(body).unwrap();
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
    });
    let url = format!("http://{}/", common::server::serve(keep));
    assert_eq!(run(&["replay", &exported, "--to", &url]).status, 0);
    assert_eq!(told.try_iter().last().unwrap(), BODY);
}

#[tokio::test]
async fn an_export_to_a_file_overwrites_nothing() {
    let file = queue("exported.queue").await;
    let out = format!("{file}.jsonl");
    let _ = std::fs::remove_file(&out);
    let export = ["queue", &file, "export", "--waiting", "--out", &out];
    assert_eq!(run(&export).out, format!("1 written to {out}\n"));
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 1);
    assert_eq!(run(&export).status, 2);
    // It can be sent to a server.
    let url = format!("http://{}/callback", common::server::serve(common::server::good()));
    let sent = run(&["replay", &out, "--to", &url]);
    assert!(sent.status == 0 && sent.out.starts_with("1 sent, 0 unexpected"), "{sent:?}");
}

#[tokio::test]
async fn what_is_no_queue_is_left_as_it_is() {
    let Run { status, err, .. } = run(&["queue", "/nowhere/x.queue", "stats"]);
    assert!(status == 2 && err.contains("there is no file /nowhere/x.queue"), "{err}");
    assert!(!std::path::Path::new("/nowhere").exists());
    let other = env!("CARGO_MANIFEST_PATH");
    let before = std::fs::read(other).unwrap();
    let Run { status, err, .. } = run(&["queue", other, "stats"]);
    assert!(status == 2 && err.contains("not an SQLite file"), "{err}");
    assert_eq!(std::fs::read(other).unwrap(), before);
    // In use by a server.
    let file = queue("in-use.queue").await;
    let held = Queue::open(&file).await.unwrap();
    let Run { status, err, .. } = run(&["queue", &file, "stats"]);
    assert!(status == 2 && err.contains("stop the server that uses it"), "{err}");
    held.close().await.unwrap();
    assert_eq!(run(&["queue", &file, "purge"]).status, 2);
}
