//! Stands between a client and a server, and can withhold the server's answers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub url: String,
    muted: watch::Sender<bool>,
}

impl Proxy {
    pub async fn new(server: &str) -> Self {
        let server = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let (muted, is_muted) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                tokio::spawn(carry(client, server, is_muted.clone()));
            }
        });
        Proxy { url, muted }
    }

    /// What the server says is lost from now on. What the client says still arrives.
    pub fn mute(&self) {
        self.muted.send_replace(true);
    }

    /// Connections that have lost anything end, and others are possible.
    pub fn unmute(&self) {
        self.muted.send_replace(false);
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut muted: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there =
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
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
