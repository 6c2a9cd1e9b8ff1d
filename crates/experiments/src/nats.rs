//! Real servers on the loopback: one, or three that form a cluster.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::api::{Answer, Api};

/// The server: `NATS_SERVER`, else the one in `PATH`.
pub fn program() -> PathBuf {
    std::env::var_os("NATS_SERVER").map_or_else(|| "nats-server".into(), PathBuf::from)
}

/// Such as `2.15.1`, if there is a server.
pub fn version() -> Option<String> {
    let output = Command::new(program()).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().rsplit('v').next()?.to_owned())
}

/// Removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("jetstream-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A process that is killed when dropped.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        // A worker ends when its standard input does: with this process, however it ends.
        Process(command.stdin(Stdio::piped()).spawn().unwrap())
    }

    /// `-STOP`, `-CONT`, `-TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub fn wait(&mut self) {
        // `wait` closes the standard input, and a worker would take that for the end.
        let _open = self.0.stdin.take();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub struct Node {
    process: Option<Process>,
    folder: PathBuf,
    port: u16,
}

impl Node {
    pub fn start(&mut self) {
        let mut command = Command::new(program());
        command.arg("-c").arg(self.folder.join("conf"));
        let log = fs::File::options().append(true).create(true).open(self.folder.join("log"));
        let log = log.unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(Process::start(&mut command));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn signal(&self, name: &str) {
        self.process.as_ref().unwrap().signal(name);
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

pub struct Cluster {
    pub nodes: Vec<Node>,
    _folder: Folder,
}

impl Cluster {
    /// `sync` is the server's `sync_interval`: `always`, or nothing for its default of two minutes.
    pub async fn start(count: usize, sync: Option<&str>) -> Self {
        let folder = Folder::new();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets: Vec<_> = (0..count).map(|_| (free(), free())).collect();
        let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
        let ports: Vec<_> = sockets.iter().map(|(one, two)| (port(one), port(two))).collect();
        drop(sockets);
        let routes: Vec<String> =
            ports.iter().map(|(_, route)| format!("\"nats://127.0.0.1:{route}\"")).collect();
        let mut nodes = Vec::new();
        for (number, (port, route)) in ports.into_iter().enumerate() {
            let folder = folder.0.join(number.to_string());
            fs::create_dir_all(&folder).unwrap();
            let sync = sync.map_or(String::new(), |sync| format!("sync_interval: {sync}"));
            let mut conf = format!(
                "server_name: n{number}\nlisten: \"127.0.0.1:{port}\"\n\
                jetstream {{\nstore_dir: {:?}\n{sync}\n}}\n",
                folder.join("data")
            );
            if count > 1 {
                conf += &format!(
                    "cluster {{\nname: c\nlisten: \"127.0.0.1:{route}\"\nroutes: [{}]\n}}\n",
                    routes.join(",")
                );
            }
            fs::write(folder.join("conf"), conf).unwrap();
            let mut node = Node { process: None, folder, port };
            node.start();
            nodes.push(node);
        }
        let cluster = Cluster { nodes, _folder: folder };
        cluster.ready().await;
        cluster
    }

    /// Returns once a stream with all replicas can be made.
    pub async fn ready(&self) {
        let api = self.api().await;
        let replicas = self.nodes.len();
        let config = json!({"name": "READY", "subjects": ["ready"], "num_replicas": replicas});
        while !matches!(api.once("STREAM.CREATE.READY", &config).await, Some(Answer::Done(_))) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        api.call("STREAM.DELETE.READY", &json!({})).await.unwrap();
    }

    pub fn urls(&self) -> String {
        let urls: Vec<_> =
            self.nodes.iter().map(|node| format!("nats://127.0.0.1:{}", node.port)).collect();
        urls.join(",")
    }

    pub async fn api(&self) -> Api {
        Api::connect(&self.urls()).await
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
