//! A `nats-server` of one node with file storage.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tencent_im_callback_queue::jetstream::async_nats::{self, jetstream::Context};

use super::Folder;
use super::measure::cpu_of;

/// When the server syncs what it has stored.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sync {
    /// Every two minutes, as it does unless it is told otherwise.
    Usual,
    /// Before each acknowledgement.
    Always,
}

/// New for each measurement.
pub(super) struct Broker {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Broker {
    pub(super) fn start(folder: &Folder, sync: Sync) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let named = std::env::var_os("NATS_SERVER");
        let program = named.map_or_else(|| "nats-server".into(), PathBuf::from);
        let config = folder.0.join("nats.conf");
        let folder = folder.0.join("nats");
        drop(std::fs::remove_dir_all(&folder));
        let sync = if sync == Sync::Always { "sync_interval: always" } else { "" };
        std::fs::write(&config, format!("jetstream {{ store_dir: {folder:?}\n{sync} }}\n")).ok()?;
        let child = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Broker { child, port, folder })
    }

    pub(super) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// What it has used so far, in microseconds.
    pub(super) fn cpu(&self) -> f64 {
        cpu_of(&self.child.id().to_string())
    }

    pub(super) async fn context(&self) -> Context {
        let context = connect(&self.url()).await;
        let mut tries = 0;
        while context.create_stream("ready").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            tries += 1;
            assert!(tries < 500, "no answer");
        }
        context
    }
}

pub(super) async fn connect(url: &str) -> Context {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
    let mut context = async_nats::jetstream::new(options.connect(url).await.unwrap());
    // A server that syncs each message may take seconds.
    context.set_timeout(Duration::from_secs(60));
    context
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
