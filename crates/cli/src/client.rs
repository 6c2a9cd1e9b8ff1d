//! The client: HTTP/1.1 over TCP or TLS, connections kept for the next request, redirects not
//! followed.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::lang::Said;
use crate::output::chain;
use crate::tls;

/// How long Tencent waits for an answer.
pub(crate) const TENCENT: Duration = Duration::from_secs(2);

/// How long a connection may take, TLS included.
const CONNECTS: Duration = Duration::from_secs(5);

/// Longest answer that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// Where requests go: scheme, host and port.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    secure: bool,
    pub(crate) authority: String,
    host: String,
    port: u16,
    /// The path; it says more than `/` only if the URL did.
    pub(crate) path: String,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let with_scheme =
            if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = with_scheme.parse().map_err(|error| format!("{error}"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("the URL must begin with http:// or https://".into()),
        };
        let authority = uri.authority().ok_or("the URL has no host")?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user's name is not taken".into());
        }
        if uri.query().is_some() {
            return Err("the URL must be without parameters; they are added here".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err("the URL has no host".into());
        }
        let path = uri.path().to_owned();
        if path.len() > 4096 {
            return Err("the path is too long".into());
        }
        Ok(Target {
            secure,
            authority: authority.as_str().to_owned(),
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            path,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// A connection, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Target {
    /// Scheme, host and port, as the URL named them.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// A new connection, for what no HTTP client would send.
    pub(crate) async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        tokio::time::timeout(CONNECTS, self.connection())
            .await
            .map_err(|_| Trouble::Unreachable(CONNECTS))?
            .map_err(Trouble::NoConnection)
    }

    async fn connection(&self) -> Result<Box<dyn Stream>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| error.to_string())?;
        // Small requests; waiting for more of them only adds latency.
        drop(stream.set_nodelay(true));
        if self.secure {
            Ok(Box::new(tls::connect(&self.host, stream).await?))
        } else {
            Ok(Box::new(stream))
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Nobody listens there, or no such host.
    NoConnection(String),
    /// No connection within the time.
    Unreachable(Duration),
    /// No answer within the time.
    Late(Duration),
    /// The connection broke, or what came is no HTTP.
    Broken(String),
    /// The answer is longer than 4 MiB.
    TooLong,
}

impl Trouble {
    /// In words. The errors of the system and of libraries stay as they are.
    pub(crate) fn said(&self) -> Said {
        let (en, zh) = match self {
            Trouble::NoConnection(error) => {
                (format!("no connection: {error}"), format!("无法连接：{error}"))
            }
            Trouble::Unreachable(time) => {
                let time = time.as_secs_f64();
                (format!("no connection within {time} s"), format!("{time} 秒内无法连接"))
            }
            Trouble::Late(time) => {
                let time = time.as_secs_f64();
                (format!("no answer within {time} s"), format!("{time} 秒内没有应答"))
            }
            Trouble::Broken(error) => (format!("no answer: {error}"), format!("没有应答：{error}")),
            Trouble::TooLong => ("the answer is longer than 4 MiB".into(), "应答超过 4 MiB".into()),
        };
        Said(en, zh)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said().fmt(f)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

/// Headers that belong to a connection and not to a message.
const HOPS: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::CONTENT_LENGTH,
    header::EXPECT,
];

/// Without the headers of a connection, and those that `Connection` names.
pub(crate) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut out = headers.clone();
    for value in headers.get_all(header::CONNECTION) {
        for name in value.to_str().unwrap_or_default().split(',') {
            out.remove(name.trim());
        }
    }
    out.remove("keep-alive");
    for name in HOPS {
        out.remove(name);
    }
    out
}

/// Sends requests to one target.
#[derive(Debug)]
pub(crate) struct Client {
    target: Target,
    patience: Duration,
    /// Between two requests.
    gap: Duration,
    /// When the next request may be sent.
    due: Mutex<Option<Instant>>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    pub(crate) fn new(target: Target, patience: Duration) -> Self {
        Client {
            target,
            patience,
            gap: Duration::ZERO,
            due: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// At most so many requests a second.
    pub(crate) fn paced(mut self, rate: Option<u32>) -> Self {
        self.gap = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate);
        self
    }

    /// Waits until the next request may be sent.
    async fn turn(&self) {
        if self.gap.is_zero() {
            return;
        }
        let at = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = due.map_or(now, |due| due.max(now));
            *due = Some(at + self.gap);
            at
        };
        tokio::time::sleep_until(at.into()).await;
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a request: its path and query, headers and body, with the `Host` of the target.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, Trouble> {
        if let Some(path) = request.uri().path_and_query().cloned() {
            *request.uri_mut() = Uri::from(path);
        }
        let host = HeaderValue::from_str(&self.target.authority)
            .map_err(|error| Trouble::Broken(error.to_string()))?;
        request.headers_mut().insert(header::HOST, host);
        self.turn().await;
        let started = Instant::now();
        let sent = tokio::time::timeout(self.patience, self.exchange(request, started)).await;
        sent.unwrap_or(Err(Trouble::Late(self.patience)))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        started: Instant,
    ) -> Result<Answer, Trouble> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connected().await?,
        };
        let broken = |error: hyper::Error| Trouble::Broken(chain(&error));
        let response = match connection.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => match error.take_message() {
                // Not a byte of it was sent: the other side had closed a connection that was kept.
                Some(request) => {
                    connection = self.connected().await?;
                    connection.send_request(request).await.map_err(broken)?
                }
                None => return Err(broken(error.into_error())),
            },
        };
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, LONGEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Trouble::TooLong);
            }
            Err(error) => return Err(Trouble::Broken(chain(&*error))),
        };
        let took = started.elapsed();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Answer { status: head.status, headers: head.headers, body, took })
    }

    /// A connection of an earlier request that is still good.
    async fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if !connection.is_closed() && connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connected(&self) -> Result<SendRequest<Full<Bytes>>, Trouble> {
        let stream = self.target.connect().await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Trouble::Broken(chain(&error)))?;
        // Its error is the request's, too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}
