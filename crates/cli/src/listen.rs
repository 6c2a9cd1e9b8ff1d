//! `listen`: receives callbacks, shows them, forwards them, records them.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use clap::Args;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tencent_im_callback::{
    App, Callback, CallbackLayer, CallbackService, Event, Outcome, OutcomeKind, Reply,
    StoredCallback, Token, Verified, Verifier,
};
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service as _, service_fn};

use crate::behind::{forward, plain};
use crate::client::{Answer, Client, Target, passed_on};
use crate::credentials::Credentials;
use crate::history::{self, History, Seen, Summary, Verdict};
use crate::inspect::{self, Page};
use crate::output::{Failure, complain, escaped, wrong};
use crate::record;
use crate::writer::Writer;

/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receive callbacks: print one line each, forward, record and inspect them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  im-callback listen
  im-callback listen --forward http://127.0.0.1:8080 --record callbacks.jsonl

Requests on every path are accepted. Refused requests (unsigned, stale, …) are answered here, \
    and neither forwarded nor recorded.")]
pub(crate) struct Arguments {
    /// Where to listen; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: SocketAddr,
    #[command(flatten)]
    credentials: Credentials,
    /// Accept callbacks without a signature, as with authentication off
    #[arg(long)]
    unsigned: bool,
    /// Forward to this server, unchanged: http:// or https://host:port
    #[arg(long, value_name = "URL")]
    forward: Option<Target>,
    /// Seconds to wait for that server; Tencent waits 2
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Add each callback to this file, one JSON object per line, without the signature
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Maximum size of that file, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    record_limit: u64,
    /// Address of the inspector page
    #[arg(long, default_value = "127.0.0.1:4040", conflicts_with = "no_inspect")]
    inspect: SocketAddr,
    /// No inspector page
    #[arg(long)]
    no_inspect: bool,
}

/// Where the callback of a request is left for the code that made the request.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<Mutex<Option<Callback>>>);

type Inner = BoxCloneSyncService<Callback, Reply, String>;

/// What all requests share.
struct Shared {
    service: CallbackService<Inner>,
    /// Reads a URL without believing it.
    claims: Verifier,
    forward: Option<Client>,
    writer: Writer,
    records: bool,
    history: Option<Arc<History>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

fn service(app: App) -> CallbackService<Inner> {
    let take = service_fn(async |callback: Callback| {
        // A message that cannot be read must not look allowed.
        let unjudged = match &callback.event {
            Event::Unknown(event) if callback.answered_as().phase().may_decide() => {
                Some(event.reason.to_string())
            }
            _ => None,
        };
        if let Some(slot) = callback.extensions.get::<Slot>().cloned() {
            *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
        }
        unjudged.map_or(Ok(Reply::ok()), Err)
    });
    let verifier = Verifier::new(app).path_parameters();
    CallbackLayer::new(verifier).forward_misfits().layer(BoxCloneSyncService::new(take))
}

impl Shared {
    /// Takes a request, and gives its answer.
    async fn take(&self, mut request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let now = SystemTime::now();
        let uri = request.uri().clone();
        // Forwarding alone needs them.
        let head = self
            .forward
            .as_ref()
            .map(|client| (client, request.method().clone(), passed_on(request.headers())));
        let slot = Slot::default();
        request.extensions_mut().insert(slot.clone());
        let called = tokio::time::timeout(PATIENCE, self.service.clone().call(request)).await;
        let (mut answer, outcome) = match called {
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                let outcome = parts.extensions.get::<Outcome>().cloned();
                let body = body.collect().await;
                let answer = Answer {
                    status: parts.status,
                    headers: parts.headers,
                    body: body.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
                    took: Duration::ZERO,
                };
                (answer, outcome)
            }
            Err(_) => (
                plain(StatusCode::REQUEST_TIMEOUT, "the request took too long to come\n".into()),
                None,
            ),
        };
        let callback = slot.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (mut verdict, mut note) = judged(outcome.as_ref());
        if let (Some((client, method, headers)), Some(callback)) = (head, &callback) {
            let mut request = Request::new(Full::new(callback.body.clone()));
            *request.method_mut() = method;
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers;
            let behind;
            (answer, verdict, behind) = forward(client, request, callback).await;
            note = behind.or(note);
        }
        answer.took = started.elapsed();
        let mut response = Response::new(Body::from(answer.body.clone()));
        *response.status_mut() = answer.status;
        *response.headers_mut() = std::mem::take(&mut answer.headers);
        self.note(Noted { now, uri, callback, outcome, answer, verdict, note }).await;
        response
    }

    /// Prints, records and remembers it.
    async fn note(&self, noted: Noted) {
        let summary = self.summary(&noted);
        let Noted { now, uri, callback, answer, .. } = noted;
        let recorded = callback.as_ref().filter(|_| self.records).and_then(|callback| {
            let stored = StoredCallback::new(callback.params.clone(), callback.body.clone(), now);
            record::line(&stored, summary.status).ok()
        });
        self.writer.write(line(&summary), recorded).await;
        if let Some(history) = &self.history {
            history.add(Seen {
                summary: Arc::new(summary),
                uri,
                callback: callback.map(|callback| (callback.params, callback.body)),
                answer: answer.body,
            });
        }
    }

    fn summary(&self, noted: &Noted) -> Summary {
        let params = noted.callback.as_ref().map(|callback| &callback.params);
        let params = params.or_else(|| noted.outcome.as_ref().and_then(Outcome::params));
        // What a refused request claims to be.
        let claimed = match params {
            None => self.claims.verify(&http::Method::POST, &noted.uri).ok(),
            Some(_) => None,
        };
        let params = match &claimed {
            Some(Verified::Callback(claimed)) => Some(claimed),
            _ => params,
        };
        let command = params.map(|params| &params.command);
        let at = noted.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Summary {
            id: 0,
            at: u64::try_from(at.as_millis()).unwrap_or_default(),
            command: command
                .map_or_else(|| "–".to_owned(), |command| escaped(command.as_str(), 100)),
            family: command.map_or("–", |command| command.family().as_str()),
            phase: command.map_or("–", |command| command.phase().as_str()),
            app: params.map(|params| params.sdk_app_id),
            who: noted.callback.as_ref().and_then(history::who),
            verdict: noted.verdict,
            status: noted.answer.status.as_u16(),
            took_ms: history::millis(noted.answer.took),
            note: noted.note.clone(),
            again: noted.callback.is_some(),
        }
    }
}

/// What there is to know about a request and its answer.
struct Noted {
    now: SystemTime,
    uri: http::Uri,
    callback: Option<Callback>,
    outcome: Option<Outcome>,
    answer: Answer,
    verdict: Verdict,
    note: Option<String>,
}

/// What is printed.
fn line(summary: &Summary) -> String {
    let second = summary.at / 1000 % 86_400;
    let mut line = format!(
        "{:02}:{:02}:{:02}Z {} {} {} {} {:.1} ms",
        second / 3600,
        second / 60 % 60,
        second % 60,
        summary.command,
        summary.who.as_deref().map_or_else(|| "–".to_owned(), |who| escaped(who, 40)),
        summary.status,
        summary.verdict.as_str(),
        summary.took_ms,
    );
    if let Some(note) = &summary.note {
        line.push_str(": ");
        line.push_str(&escaped(note, 300));
    }
    line.push('\n');
    line
}

/// How a request was answered here, and what there is to report about it.
fn judged(outcome: Option<&Outcome>) -> (Verdict, Option<String>) {
    let Some(outcome) = outcome else {
        return (Verdict::Failed, Some("it did not come within 30 s".into()));
    };
    let verdict = match outcome.kind() {
        OutcomeKind::Accepted => Verdict::Accepted,
        OutcomeKind::Probe => Verdict::Probe,
        OutcomeKind::Rejected => Verdict::Refused,
        _ => Verdict::Failed,
    };
    let note = outcome
        .rejection()
        .map(ToString::to_string)
        .or_else(|| outcome.unknown_reason().map(ToString::to_string))
        .or_else(|| outcome.error().map(str::to_owned));
    (verdict, note)
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let id = arguments.credentials.app_id();
    let (app, secret) = if arguments.unsigned {
        (App::unsigned(id), None)
    } else {
        let token = arguments.credentials.token()?;
        (App::signed(id, token.clone()), Some(token))
    };
    let forward = arguments.forward;
    if forward.as_ref().is_some_and(|target| target.path != "/") {
        return Err(wrong(
            "--forward: the path is passed on as it came, so give only http://host:port or \
            https://host:port",
        ));
    }
    let record = match &arguments.record {
        Some(path) => Some(
            record::Writer::open(path, arguments.record_limit * 1024 * 1024)
                .map_err(|error| wrong(format!("{}: {error}", path.display())))?,
        ),
        None => None,
    };
    let listener = bind(arguments.addr, "--addr").await?;
    let page =
        if arguments.no_inspect { None } else { Some(bind(arguments.inspect, "--inspect").await?) };
    let shared = Arc::new(Shared {
        service: service(app),
        claims: Verifier::new(App::unsigned(id)).path_parameters(),
        forward: forward.map(|target| Client::new(target, Duration::from_secs(arguments.timeout))),
        records: record.is_some(),
        writer: Writer::start(record),
        history: page.is_some().then(|| Arc::new(History::new())),
    });
    let address = listener.local_addr()?;
    complain(format_args!("listening on http://{address}"));
    if let (Some(page), Some(history)) = (page, &shared.history) {
        show(page, history.clone(), address, secret)?;
    }
    let take = async |State(shared): State<Arc<Shared>>, request: Request<Body>| {
        Ok::<_, Infallible>(shared.take(request).await)
    };
    let router = Router::new().fallback(take).with_state(shared.clone());
    tokio::select! {
        ended = axum::serve(listener, router).into_future() => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    shared.writer.finish().await;
    Ok(())
}

/// Serves the inspector page of what is received at this address.
fn show(
    page: TcpListener,
    history: Arc<History>,
    address: SocketAddr,
    secret: Option<Token>,
) -> Result<(), Failure> {
    let own = page.local_addr()?;
    if !own.ip().is_loopback() {
        complain(
            "the inspector has no password: everybody who can connect to it reads all messages",
        );
    }
    complain(format_args!("inspector on http://{own}"));
    let router = inspect::router(Page {
        history,
        client: Client::new(reachable(address).parse().map_err(Failure::Answer)?, PATIENCE),
        secret,
        token: inspect::new_token().map_err(Failure::Answer)?,
        run: inspect::new_token().map_err(Failure::Answer)?,
    });
    tokio::spawn(axum::serve(page, router).into_future());
    Ok(())
}

/// Where a listener can be reached from here.
fn reachable(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| wrong(format!("{address}: {error}; choose another with {option}")))
}
