//! Stands between a client and a server. It can withhold the server's answers, and hold what the
//! client says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub url: String,
    muted: watch::Sender<bool>,
    gate: watch::Sender<Gate>,
}

#[derive(Default)]
struct Gate {
    /// Closes when the client says this.
    at: Option<&'static str>,
    closed: bool,
}

impl Proxy {
    pub async fn new(server: &str) -> Self {
        let server = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let (muted, is_muted) = watch::channel(false);
        let gate = watch::Sender::new(Gate::default());
        let gates = gate.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                tokio::spawn(carry(client, server, is_muted.clone(), gates.clone()));
            }
        });
        Proxy { url, muted, gate }
    }

    /// What the server says is lost from now on. What the client says still arrives.
    pub fn mute(&self) {
        self.muted.send_replace(true);
    }

    /// Connections that have lost anything end, and others are possible.
    pub fn unmute(&self) {
        self.muted.send_replace(false);
    }

    /// Once the client says this, nothing that it says arrives.
    pub fn hold_at(&self, words: &'static str) {
        self.gate.send_replace(Gate { at: Some(words), closed: false });
    }

    /// The client has said it.
    pub async fn holds(&self) {
        self.gate.subscribe().wait_for(|gate| gate.closed).await.unwrap();
    }

    /// What was held arrives.
    pub fn let_go(&self) {
        self.gate.send_replace(Gate::default());
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: watch::Sender<Gate>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let said = String::from_utf8_lossy(&buffer[..count]);
        gate.send_if_modified(|gate| {
            gate.closed |= gate.at.is_some_and(|words| said.contains(words));
            gate.closed
        });
        drop(gate.subscribe().wait_for(|gate| !gate.closed).await);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    mut muted: watch::Receiver<bool>,
    gate: watch::Sender<Gate>,
) {
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    let there = tokio::spawn(pass_on(from_client, to_server, gate));
    let mut buffer = vec![0; 1 << 16];
    let mut lost = false;
    while !lost || *muted.borrow_and_update() {
        let read = tokio::select! {
            read = from_server.read(&mut buffer) => read,
            changed = muted.changed() => match changed {
                Ok(()) => continue,
                Err(_) => break,
            },
        };
        let Ok(count @ 1..) = read else { break };
        if *muted.borrow() {
            lost = true;
        } else if to_client.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    there.abort();
}
