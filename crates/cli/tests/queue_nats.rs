//! `im-callback queue nats://…`: a queue on NATS JetStream, from outside. The server is the one
//! that `NATS_SERVER` names.

mod common;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::queue::fill;
use common::{Run, run};
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::{JetStream, async_nats};

struct Server {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Server {
    fn start(program: &std::ffi::OsStr) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("queue-nats");
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join("server.conf");
        std::fs::write(&config, "authorization { user: im, password: secret }\n").unwrap();
        let child = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
            .arg(&folder)
            .arg("-c")
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Server { child, folder, url: format!("nats://im:secret@127.0.0.1:{port}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A queue with settings that are not the defaults.
async fn open(url: &str) -> Queue {
    let server: async_nats::ServerAddr = url.parse().unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password("im".into(), "secret".into());
    let client = options.retry_on_initial_connect().connect(server).await.unwrap();
    let settings = JetStream::new("callbacks").partitions(3).lease(Duration::from_secs(2));
    Queue::jetstream(async_nats::jetstream::new(client), settings).await.unwrap()
}

#[tokio::test]
async fn a_queue_on_nats_is_looked_after_with_the_options_of_a_file() {
    let Some(program) = std::env::var_os("NATS_SERVER") else {
        eprintln!("SKIPPED, since NATS_SERVER is not set: NATS_SERVER=$(.ci/nats)");
        return;
    };
    let server = Server::start(&program);
    let url = server.url.as_str();
    fill(open(url).await).await;
    let queue = |more: &[&str]| run(&[&["queue", url, "callbacks"], more].concat());

    let Run { status, out, err } = queue(&["stats"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let squeezed = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeezed.starts_with("waiting 1 of these"), "{out}");
    assert!(squeezed.contains("dead letters 2"), "{out}");

    let Run { status, out, .. } = queue(&["dead"]);
    assert!(status == 0 && out.ends_with("2 of 2 dead letters\n"), "{out}");
    assert!(queue(&["dead", "--limit", "1"]).out.ends_with("1 of 2 dead letters\n"));
    let id = out.lines().nth(1).unwrap().split_whitespace().next().unwrap();
    let exported = queue(&["export", "--dead"]).out;
    assert_eq!(exported.lines().count(), 2);
    let line: serde_json::Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(line["id"], id);

    assert_eq!(queue(&["requeue", id]).out, "1 requeued\n");
    let Run { status, err, .. } = queue(&["requeue", id]);
    assert!(status == 1 && err.contains("no dead letter with this id"), "{err}");
    assert_eq!(queue(&["requeue", "--all"]).out, "1 requeued\n");
    assert_eq!(queue(&["export", "--waiting"]).out.lines().count(), 3);
    let Run { status, err, .. } = queue(&["purge", "--waiting"]);
    assert!(status == 2 && err.contains("add --yes"), "{err}");
    let old = queue(&["purge", "--waiting", "--older-than-days", "1", "--yes"]);
    assert_eq!(old.out, "0 deleted\n");
    assert_eq!(queue(&["purge", "--waiting", "--yes"]).out, "3 deleted\n");

    let Run { status, err, .. } = run(&["queue", url, "other", "stats"]);
    assert!(status == 2 && err.contains("there is no queue other"), "{err}");
    let Run { status, err, .. } = run(&["queue", url, "stats"]);
    assert!(status == 2 && err.contains("the name of the queue is missing"), "{err}");
    let wrong = url.replace("secret", "wrong");
    let Run { status, err, .. } = run(&["queue", &wrong, "callbacks", "stats"]);
    assert!(status == 1 && err.contains("no connection") && !err.contains("wrong"), "{err}");
}
