//! A real NATS server.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tencent_im_callback_queue::jetstream::async_nats;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::context::GetStreamErrorKind;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::{Context, ErrorCode};

use super::Folder;

/// Whether there is one. Says so if not: a test that is skipped must not look like one that passed.
pub fn is_installed() -> bool {
    let found = Command::new(program()).arg("--version").output().is_ok();
    if !found {
        eprintln!(
            "SKIPPED, since there is no nats-server: NATS_SERVER=$(.ci/nats) cargo test -p \
            tencent-im-callback-queue --features jetstream"
        );
    }
    found
}

fn program() -> PathBuf {
    std::env::var_os("NATS_SERVER").map_or_else(|| "nats-server".into(), PathBuf::from)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One server, whose data outlives its process.
pub struct Node {
    child: Option<Child>,
    folder: Folder,
    port: u16,
    arguments: Vec<String>,
}

impl Node {
    fn new(arguments: Vec<String>, port: u16) -> Self {
        let mut node = Node { child: None, folder: Folder::new(), port, arguments };
        node.start();
        node
    }

    pub fn start(&mut self) {
        assert!(self.child.is_none());
        let mut command = Command::new(program());
        command
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGSTOP, SIGCONT and the like.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Where it stores everything.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// One server, or three that keep three replicas.
pub struct Nats {
    pub nodes: Vec<Node>,
    _config: Option<Folder>,
}

impl Nats {
    pub fn one() -> Self {
        Nats { nodes: vec![Node::new(Vec::new(), free_port())], _config: None }
    }

    /// One server that stores at most this many bytes.
    pub fn with_storage(bytes: u64) -> Self {
        Nats::with_config(&format!("jetstream {{ max_file_store: {bytes} }}\n"))
    }

    /// One server with these lines in its configuration.
    pub fn with_config(lines: &str) -> Self {
        let config = Folder::new();
        let file = config.file();
        std::fs::write(&file, lines).unwrap();
        let arguments = vec!["-c".to_owned(), file.display().to_string()];
        Nats { nodes: vec![Node::new(arguments, free_port())], _config: Some(config) }
    }

    pub fn three() -> Self {
        let ports: Vec<(u16, u16)> = (0..3).map(|_| (free_port(), free_port())).collect();
        let routes: Vec<String> =
            ports.iter().map(|(_, route)| format!("nats://127.0.0.1:{route}")).collect();
        let nodes = ports.iter().enumerate().map(|(number, (port, route))| {
            let arguments = [
                "--name",
                &format!("n{number}"),
                "--cluster_name",
                "test",
                "--cluster",
                &format!("nats://127.0.0.1:{route}"),
                "--routes",
                &routes.join(","),
            ];
            Node::new(arguments.map(str::to_owned).to_vec(), *port)
        });
        Nats { nodes: nodes.collect(), _config: None }
    }

    pub fn urls(&self) -> String {
        let urls: Vec<String> = self.nodes.iter().map(Node::url).collect();
        urls.join(",")
    }

    pub async fn context(&self) -> Context {
        connect(self.nodes.iter().map(Node::url).collect()).await
    }
}

/// A client that knows all servers, and comes back by itself.
pub async fn connect(urls: Vec<String>) -> Context {
    let options = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .reconnect_delay_callback(|_| Duration::from_millis(100))
        .connection_timeout(Duration::from_secs(2))
        .ping_interval(Duration::from_secs(1));
    let client = options.connect(urls).await.unwrap();
    let context = async_nats::jetstream::new(client);
    // Ready once it has a leader.
    for _ in 0..200 {
        let answer = context.get_stream("none").await.map_err(|error| error.kind());
        if matches!(&answer, Err(GetStreamErrorKind::JetStream(error)) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
        {
            return context;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no server answers");
}
