//! The example, killed while callbacks come in: each one answered OK is in the handler's table in
//! the end, once.
#![cfg(all(unix, feature = "sqlite"))]

mod common;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::Folder;
use tencent_im_callback::testing::SignedRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn example() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples/durable")
}

fn start(folder: &Folder) -> (Child, String) {
    start_on(folder, folder.file().as_os_str())
}

fn start_on(folder: &Folder, queue: &OsStr) -> (Child, String) {
    let mut child = Command::new(example())
        .env("ADDR", "127.0.0.1:0")
        .env("QUEUE", queue)
        .env("DATABASE", folder.path().join("handled.sqlite"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (child, address)
}

/// Posts until the server is gone. Says which were answered OK.
async fn post(
    address: String,
    numbers: impl Iterator<Item = u64>,
    answered: Arc<Mutex<HashSet<u64>>>,
) -> Option<()> {
    let mut stream = TcpStream::connect(&address).await.ok()?;
    for number in numbers {
        let body = format!(
            r#"{{"CallbackCommand":"C2C.CallbackAfterSendMsg","From_Account":"a","To_Account":"b{}",
            "MsgSeq":1,"MsgRandom":1,"MsgTime":1557481126,"MsgKey":"key-{number}-",
            "SendMsgResult":0,"ErrorInfo":"","MsgBody":[]}}"#,
            number % 7
        );
        let request: http::Request<Vec<u8>> =
            SignedRequest::new("C2C.CallbackAfterSendMsg").body(body).build();
        let head = format!(
            "POST /callback?{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            request.uri().query().unwrap(),
            request.body().len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(request.body()).await.ok()?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            if stream.read_buf(&mut answer).await.ok()? == 0 {
                return None;
            }
        }
        let text = String::from_utf8(answer).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        answered.lock().unwrap().insert(number);
    }
    Some(())
}

#[tokio::test]
async fn what_was_answered_ok_is_handled_however_often_it_is_killed() {
    let folder = Folder::new();
    let answered = Arc::new(Mutex::new(HashSet::new()));
    for life in 0..5_u64 {
        let (mut child, address) = start(&folder);
        let posting: Vec<_> = (0..16)
            .map(|part| {
                let first = life * 1_000_000 + part * 10_000;
                tokio::spawn(post(address.clone(), first..first + 10_000, answered.clone()))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(150 + life * 37)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for posting in posting {
            posting.await.unwrap();
        }
    }
    // The last life drains, and ends by a signal.
    let (mut child, _) = start(&folder);
    let count = answered.lock().unwrap().len();
    drained(&folder, count).await;
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    check(&folder, &answered.lock().unwrap());
    let queue = tencent_im_callback_queue::Queue::open(folder.file()).await.unwrap();
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
}

fn database(folder: &Folder) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(folder.path().join("handled.sqlite")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database
}

/// Waits until at least so many are handled, and no more come.
async fn drained(folder: &Folder, answered: usize) {
    let database = database(folder);
    let mut before = 0;
    let mut quiet = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let count =
            database.query_row("SELECT count(*) FROM handled", (), |row| row.get::<_, u32>(0));
        let now = count.unwrap() as usize;
        quiet = if now > before { 0 } else { quiet + 1 };
        if quiet > 0 && now >= answered {
            return;
        }
        // A broker gives what a dead process had to others after half a minute.
        assert!(quiet < 200, "{now} of {answered} handled, and no more come");
        before = now;
    }
}

/// Each one answered OK is there, and none twice.
fn check(folder: &Folder, answered: &HashSet<u64>) {
    let database = database(folder);
    let mut handled = database.prepare("SELECT body FROM handled").unwrap();
    let rows = handled.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let mut numbers = HashSet::new();
    for body in rows {
        let body = body.unwrap();
        let number = body.split("key-").nth(1).and_then(|rest| rest.split('-').next()).unwrap();
        let first = numbers.insert(number.parse::<u64>().unwrap());
        assert!(first, "{number} is there twice");
    }
    assert!(answered.len() > 50, "{}", answered.len());
    let lost: Vec<_> = answered.difference(&numbers).collect();
    assert!(lost.is_empty(), "{lost:?} lost");
}

#[cfg(feature = "jetstream")]
#[tokio::test]
async fn two_instances_share_a_queue_on_jetstream() {
    use common::nats::{Nats, is_installed};

    if !is_installed() {
        return;
    }
    let nats = Nats::one();
    // Ready.
    drop(nats.context().await);
    let url = nats.urls();
    let folder = Folder::new();
    let answered = Arc::new(Mutex::new(HashSet::new()));
    let (mut one, first) = start_on(&folder, OsStr::new(&url));
    let (mut two, second) = start_on(&folder, OsStr::new(&url));
    // Both get all of them, as when two machines are behind one name and a delivery comes twice.
    let posting: Vec<_> = (0..16_u64)
        .map(|part| {
            let numbers = part * 10_000..part * 10_000 + 100;
            let address = if part % 2 == 0 { &first } else { &second };
            let other = if part % 2 == 0 { &second } else { &first };
            let (one, two) = (address.clone(), other.clone());
            let answered = answered.clone();
            tokio::spawn(async move {
                tokio::join!(
                    post(one, numbers.clone(), answered.clone()),
                    post(two, numbers, answered)
                )
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    one.kill().unwrap();
    one.wait().unwrap();
    for posting in posting {
        posting.await.unwrap();
    }
    let count = answered.lock().unwrap().len();
    drained(&folder, count).await;
    two.kill().unwrap();
    two.wait().unwrap();
    check(&folder, &answered.lock().unwrap());
}
