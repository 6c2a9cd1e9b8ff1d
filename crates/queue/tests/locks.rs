//! One process has the file, and it stays that file: what is answered OK is in the file that the
//! next process opens.
#![cfg(all(unix, feature = "sqlite"))]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use common::{Folder, SECOND, add, claim, entry, texts};
use tencent_im_callback_queue::store::Store;
use tencent_im_callback_queue::{QueueError, SqliteStore};

async fn open(path: &Path) -> Result<SqliteStore, QueueError> {
    SqliteStore::open(path).await
}

/// What another process says that opens the file: this test binary itself, as a user who is no
/// superuser if told so.
fn other_process(path: &Path, user: Option<u32>) -> String {
    use std::os::unix::process::CommandExt;

    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "opens_the_queue_if_told", "--nocapture"])
        .env("QUEUE_FILE", path)
        .current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = said.split("found ").nth(1).and_then(|rest| rest.split(' ').next());
    found.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[tokio::test]
async fn opens_the_queue_if_told() {
    let Some(file) = std::env::var_os("QUEUE_FILE") else {
        return;
    };
    // The store logs in a thread of its own.
    tracing_subscriber::fmt().with_writer(std::io::stdout).init();
    match open(Path::new(&file)).await {
        Ok(store) => println!("found {} ", store.stats().await.unwrap().waiting),
        Err(error) => println!("found {} ", error.as_str()),
    }
}

/// A program that does not share this process, and its locks, does this to a file.
fn shell(script: &str, path: &Path) {
    let done = Command::new("sh").args(["-c", script, "sh"]).arg(path).status().unwrap();
    assert!(done.success(), "{script}");
}

#[tokio::test]
async fn a_refused_second_open_does_not_end_the_lock() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
    for _ in 0..3 {
        assert!(matches!(open(&folder.file()).await, Err(QueueError::Locked(_))));
        assert_eq!(other_process(&folder.file(), None), "locked");
        add(&store, entry("a", None)).await;
    }
    store.close().await.unwrap();
    assert_eq!(other_process(&folder.file(), None), "4");
}

#[tokio::test]
async fn other_names_of_the_file_are_the_same_file() {
    let folder = Folder::new();
    let (link, name) = (folder.path().join("link"), folder.path().join("name"));
    symlink(folder.file(), &link).unwrap();
    // The link comes first: it leads to a file that does not exist yet.
    assert!(open(&link).await.is_err());
    let store = open(&folder.file()).await.unwrap();
    fs::hard_link(folder.file(), &name).unwrap();
    let below = folder.path().join("folder");
    symlink(folder.path(), &below).unwrap();
    for path in [link, name, below.join("callbacks.queue")] {
        assert!(matches!(open(&path).await, Err(QueueError::Locked(_))), "{path:?}");
        assert_eq!(other_process(&path, None), "locked");
    }
    add(&store, entry("a", None)).await;
}

/// A backup in the same process, for example. The kernel ends SQLite's lock then, and the queue
/// says so instead of going on without.
#[tokio::test]
async fn a_file_that_other_code_of_the_process_has_read() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
    drop(fs::read(folder.file()).unwrap());
    for _ in 0..2 {
        assert_eq!(other_process(&folder.file(), None), "locked");
        assert!(matches!(open(&folder.file()).await, Err(QueueError::Locked(_))));
    }
    let appended = store.append(entry("b", None), SECOND).await;
    if cfg!(target_os = "linux") {
        let text = said(appended.unwrap_err());
        assert!(text.contains("has ended the lock"), "{text}");
        assert!(matches!(store.append(entry("c", None), SECOND).await, Err(QueueError::Poisoned)));
    }
    store.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    let claimed = claim(&store, 10).await;
    assert_eq!(texts(&claimed)[0], "a");
    assert_eq!(claimed.len() == 1, cfg!(target_os = "linux"));
}

/// The text of a failed store.
fn said(error: QueueError) -> String {
    let QueueError::Storage(error) = error else { panic!("{error:?}") };
    error.to_string()
}

#[tokio::test]
async fn a_file_that_is_gone_or_another_one_is_answered_with_an_error() {
    for (script, expected) in [
        ("rm $1", "deleted or moved"),
        ("mv $1 $1.old", "deleted or moved"),
        ("cp $1 $1.new && mv $1.new $1", "replaced"),
        ("truncate -s 8192 $1", "truncated"),
        ("truncate -s 0 $1", "truncated"),
        ("rm $1-wal", "deleted or moved"),
        ("cp $1-wal $1.new && mv $1.new $1-wal", "replaced"),
        ("truncate -s 100 $1-wal", "truncated"),
        ("rm -r $(dirname $1)", "deleted or moved"),
        ("mv $(dirname $1) $(dirname $1).old", "deleted or moved"),
        ("mv $1 $1.old && mkdir $1", "replaced"),
    ] {
        let folder = Folder::new();
        let store = open(&folder.file()).await.unwrap();
        add(&store, entry("a", None)).await;
        let claimed = claim(&store, 1).await;
        shell(script, &folder.file());
        let text = said(store.append(entry("b", None), SECOND).await.expect_err(script));
        assert!(text.contains(expected), "{script}: {text}");
        assert!(matches!(store.complete(claimed[0].claim).await, Err(QueueError::Poisoned)));
        store.close().await.unwrap();
        drop(fs::remove_dir_all(format!("{}.old", folder.path().display())));
    }
}

/// The lock file stays. Whoever finds it without its owner takes it.
#[tokio::test]
async fn the_lock_ends_with_its_owner() {
    let folder = Folder::new();
    for waiting in ["0", "1"] {
        assert_eq!(other_process(&folder.file(), None), waiting);
        let store = open(&folder.file()).await.unwrap();
        add(&store, entry("a", None)).await;
        assert_eq!(other_process(&folder.file(), None), "locked");
        store.close().await.unwrap();
        assert!(folder.path().join("callbacks.queue-lock").exists());
    }
}

#[tokio::test]
async fn a_file_that_one_may_only_read() {
    let folder = Folder::new();
    drop(open(&folder.file()).await.unwrap().close().await);
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    // Only the superuser can be somebody else. Others are tested by the bits of the file, in
    // `files`.
    let is_superuser = fs::metadata(folder.file())
        .is_ok_and(|file| std::os::unix::fs::MetadataExt::uid(&file) == 0);
    if is_superuser {
        assert_eq!(other_process(&folder.file(), Some(65_534)), "read_only");
        // The file may be written, its folder may not.
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(other_process(&folder.file(), Some(65_534)), "read_only");
    }
    assert_eq!(other_process(&folder.file(), None), "0");
}

/// Copies of a file that is open: with its log, without, and with one that is not its own.
#[tokio::test]
async fn the_log_beside_the_file_is_its_own() {
    let (folder, other) = (Folder::new(), Folder::new());
    let store = open(&folder.file()).await.unwrap();
    let another = open(&other.file()).await.unwrap();
    for _ in 0..3 {
        add(&store, entry("a", None)).await;
        add(&another, entry("b", None)).await;
    }
    let copies = Folder::new();
    let copy = |name: &str, from: &Folder, log: Option<&Folder>| {
        // By another program, which does not end the locks.
        let to = copies.path().join(name);
        let args = |from: &Folder, suffix: &str| {
            let to = format!("{}{suffix}", to.display());
            (format!("{}{suffix}", from.file().display()), to)
        };
        let (file, to_file) = args(from, "");
        assert!(Command::new("cp").args([file, to_file]).status().unwrap().success());
        if let Some(log) = log {
            let (file, to_file) = args(log, "-wal");
            assert!(Command::new("cp").args([file, to_file]).status().unwrap().success());
        }
        to
    };
    let both = copy("both", &folder, Some(&folder));
    let without = copy("with out?", &folder, None);
    let foreign = copy("foreign", &folder, Some(&other));
    add(&store, entry("a", None)).await;
    store.close().await.unwrap();
    let closed = copy("closed", &folder, None);
    let closed_and_foreign = copy("closed and foreign", &folder, Some(&other));
    another.close().await.unwrap();

    for (path, expected) in [(both, 3), (closed, 4)] {
        let said = other_process_logs(&path);
        assert!(said.contains(&format!("found {expected} ")) && !said.contains("log"), "{said}");
    }
    for path in [foreign, closed_and_foreign] {
        let log = format!("{}-wal", path.display());
        let before = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
        let error = open(&path).await.unwrap_err();
        assert!(
            matches!(&error, QueueError::Corrupt(why) if why.to_string().contains("FILE-wal")),
            "{error:?}"
        );
        assert!(before == (fs::read(&path).unwrap(), fs::read(&log).unwrap()));
    }
    let said = other_process_logs(&without);
    assert!(said.contains("found 0 ") && said.contains("its log is missing"), "{said}");
    // Said once: from now on it has a log.
    let said = other_process_logs(&without);
    assert!(said.contains("found 0 ") && !said.contains("its log is missing"), "{said}");
}

fn other_process_logs(path: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "opens_the_queue_if_told", "--nocapture"])
        .env("QUEUE_FILE", path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
