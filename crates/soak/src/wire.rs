//! Requests as bytes, answers as they should be, and a connection that reads them strictly.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tencent_im_callback::testing::SignedRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing that is answered at all takes longer, on a machine that others use as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// The answer that allows, and takes note.
pub const OK: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;
/// How every refusal begins. A short fixed phrase follows.
pub const REFUSED: &str = r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":""#;

/// A request on the wire.
pub fn bytes(request: &SignedRequest) -> Vec<u8> {
    let request: http::Request<Bytes> = request.clone().url("/callback").build();
    raw(request.method().as_str(), &request.uri().to_string(), request.body())
}

/// A request on the wire, of whatever it is made.
pub fn raw(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(method, target, &format!("Content-Length: {}\r\n", body.len()));
    bytes.extend_from_slice(body);
    bytes
}

pub fn head(method: &str, target: &str, headers: &str) -> Vec<u8> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: soak\r\n\
        Content-Type: application/json\r\n{headers}\r\n"
    );
    head.into_bytes()
}

/// The request's first line and its headers end here.
pub fn end_of_head(request: &[u8]) -> usize {
    find(request, b"\r\n\r\n").map_or(request.len(), |at| at + 4)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// With the content type that it must have.
    pub json: bool,
    pub body: String,
}

impl Answer {
    pub fn is(&self, body: &str) -> bool {
        self.status == 200 && self.json && self.body == body
    }

    /// A refusal of ours with this status: the whole envelope, and a phrase that quotes nothing.
    pub fn is_refusal(&self, status: u16) -> bool {
        let phrase = self.body.strip_prefix(REFUSED).and_then(|rest| rest.strip_suffix("\"}"));
        let fixed = |text: &str| {
            text.len() < 80
                && text.chars().all(|c| c.is_ascii_alphanumeric() || " -,_/".contains(c))
        };
        self.status == status && self.json && phrase.is_some_and(fixed)
    }

    /// What the deadlines of the stack answer where there was no time or no room: never a
    /// permission.
    pub fn is_turned_away(&self) -> bool {
        let before =
            self.body == r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"try again later"}"#;
        let after = self.body
            == r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#;
        self.status == 200 && self.json && (before || after)
    }
}

/// A connection that can be used again and again.
pub struct Connection {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::new();
        Ok(Connection { stream, buffer })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request).await?;
        self.receive().await
    }

    /// The next answer. What follows it stays for the one after that.
    pub async fn receive(&mut self) -> Result<Answer> {
        match timeout(PATIENCE, self.read_answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "no answer")),
        }
    }

    async fn read_answer(&mut self) -> Result<Answer> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let wrong = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
        let head = std::str::from_utf8(&self.buffer[..end])
            .map_err(|_| wrong("a head that is no text"))?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| wrong("no status"))?;
        let head = head.to_ascii_lowercase();
        let json = head.contains("\r\ncontent-type: application/json; charset=utf-8\r\n");
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = match length {
            Some(length) => length.parse().map_err(|_| wrong("no length"))?,
            None => return Err(wrong("an answer without a length")),
        };
        while self.buffer.len() < end + length {
            self.read().await?;
        }
        let body = String::from_utf8(self.buffer[end..end + length].to_vec())
            .map_err(|_| wrong("no text"))?;
        self.buffer.drain(..end + length);
        Ok(Answer { status, json, body })
    }

    async fn read(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Everything that comes until the server ends the connection, or for so long.
    pub async fn rest(&mut self, patience: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        let all = async {
            while let Ok(answer) = self.read_answer().await {
                answers.push(answer);
            }
        };
        let _ = timeout(patience, all).await;
        answers
    }
}
