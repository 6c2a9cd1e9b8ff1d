//! An endpoint with everything that a busy one wants: two apps with two tokens each, tokens
//! reloaded while it runs, moderation, work in the background, deliveries handled once, deadlines,
//! limits, tracing, metrics, and an end that loses nothing.
//!
//! ```sh
//! cargo run --example production
//! cargo run -p tencent-im-callback-cli -- send http://127.0.0.1:3000/callback C2C.CallbackBeforeSendMsg
//! curl http://127.0.0.1:3000/metrics
//! ```
//!
//! `ADDR` says where to listen (`127.0.0.1:3000`). `APPS_FILE` names a file with one app a line,
//! its id and then its tokens; SIGHUP reads it again. Without it, two apps with tokens that
//! everybody knows are used. `DATABASE_MS` says how long the database takes that the example only
//! pretends to have (0).

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::Request;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tencent_im_callback::event::sns;
use tencent_im_callback::moderation::{Edit, Finding, ModerateLayer, Text};
use tencent_im_callback::reply::{c2c, group};
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, DedupLayer, DetachLayer, Event, EventRouter, HandlerError,
    MetricsLayer, OnError, Phase, Quota, RateLimitLayer, Reply, SdkAppId, Split, Token, redacted,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceBuilder;
use tower_http::timeout::RequestBodyDeadlineLayer;
use tower_http::trace::TraceLayer;

const TEST_APPS: &str = "1400000000 xxxxyyyy xxxxyyyy-next\n1400000001 aaaabbbb aaaabbbb-next\n";

/// How long open connections, and then the work in the background, may take at the end.
const PATIENCE: Duration = Duration::from_secs(10);

const SPAM: c2c::RejectCode = c2c::RejectCode::of::<120_001>();
const GROUP_SPAM: group::RejectCode = group::RejectCode::of::<10_100>();

/// Judges what people write in messages, edits, names of groups and friend requests.
fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") {
        Finding::Reject
    } else if text.contains("damn") {
        Finding::Replace(text.replace("damn", "****"))
    } else {
        Finding::Allow
    }
}

/// An edit is done when it is reported. Withdraw the message over the REST API here.
async fn bad_edit(edit: Edit) {
    let (sender, group) = (edit.shown.sender(), edit.shown.group());
    tracing::warn!(?sender, ?group, "bad words in an edit");
}

/// Stands for a database, and takes as long as one.
#[derive(Clone)]
struct Friends(Duration);

async fn friends_gone(Friends(takes): Friends, callback: Callback<sns::FriendDelete>) {
    tokio::time::sleep(takes).await;
    for pair in &callback.event.pair_list {
        tracing::info!(from = %pair.from_account, to = %pair.to_account, "friendship ended");
    }
}

/// Notifications without a handler, and *before* callbacks without one: those that the judge has
/// allowed go on, and about the others nobody was asked.
async fn anything_else(callback: Callback) -> Result<Reply, HandlerError> {
    if callback.answered_as().phase() == Phase::Before && !callback.is_moderated() {
        return Err(HandlerError::new(format!("nobody judges {:?}", callback.command())));
    }
    if let Event::Unknown(event) = &callback.event {
        let (command, reason) = (callback.command(), &event.reason);
        tracing::warn!(?command, %reason, "an event without a type");
    }
    Ok(Reply::ok())
}

fn parse_apps(text: &str) -> Result<Vec<App>, Box<dyn Error>> {
    let mut apps = Vec::new();
    if text.starts_with('\u{feff}') {
        return Err("the file of the apps starts with a byte order mark".into());
    }
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &dyn std::fmt::Display| format!("line {number} of the apps: {what}");
        let mut words = line.split_whitespace();
        let id: SdkAppId =
            words.next().unwrap_or_default().parse().map_err(|error| wrong(&error))?;
        let tokens: Result<Vec<_>, _> = words.map(Token::new).collect();
        let mut tokens = tokens.map_err(|error| wrong(&error))?.into_iter();
        let first = tokens.next().ok_or_else(|| wrong(&"no token"))?;
        apps.push(tokens.fold(App::signed(id, first), App::accept));
    }
    // An editor empties a file before it writes it.
    if apps.is_empty() {
        return Err("there is no app in the file".into());
    }
    Ok(apps)
}

fn read_apps() -> Result<Vec<App>, Box<dyn Error>> {
    match env::var("APPS_FILE") {
        Ok(file) => {
            parse_apps(&std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?)
        }
        Err(env::VarError::NotPresent) => parse_apps(TEST_APPS),
        Err(error) => Err(format!("APPS_FILE: {error}").into()),
    }
}

/// Reads the apps again on every SIGHUP. A file that cannot be right changes nothing.
#[cfg(unix)]
fn reload_on_hangup(apps: Apps) -> std::io::Result<()> {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match read_apps() {
                Ok(read) => {
                    apps.replace(read);
                    tracing::info!("apps read again");
                }
                Err(error) => tracing::error!(%error, "apps left as they were"),
            }
        }
    });
    Ok(())
}

#[cfg(unix)]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn reload_on_hangup(_: Apps) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

fn read_friends() -> Result<Friends, Box<dyn Error>> {
    match env::var("DATABASE_MS") {
        Ok(text) => match text.parse() {
            Ok(milliseconds) => Ok(Friends(Duration::from_millis(milliseconds))),
            Err(error) => Err(format!("DATABASE_MS: {error}").into()),
        },
        Err(env::VarError::NotPresent) => Ok(Friends(Duration::ZERO)),
        Err(error) => Err(format!("DATABASE_MS: {error}").into()),
    }
}

fn endpoint(apps: Apps, friends: Friends, detach: DetachLayer) -> Router {
    let handlers = EventRouter::with_state(friends)
        .moderate_with(
            ModerateLayer::new(judge)
                .reject_c2c_with(SPAM, "no advertising, please")
                .reject_group_with(GROUP_SPAM, "no advertising, please")
                .on_edit(bad_edit),
        )
        .on(friends_gone)
        .fallback_fn(anything_else);
    // A user waits for each of these. The time-out must include the wait for the layers inside.
    let a_lot = Quota::per_second(10).burst(50);
    let verdicts = ServiceBuilder::new()
        // Around the others, so that a flood by one sender takes none of their permits. Without
        // `reject`, the answer is that of `on_before_error`, and the sender is not told why.
        .layer(RateLimitLayer::per_sender(a_lot).reject("slow down, please"))
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(256)
        .service(handlers.clone());
    // Nobody waits for these, and Tencent does not send them again. They must not compete with
    // verdicts for permits.
    let notifications = ServiceBuilder::new()
        .layer(detach)
        .timeout(Duration::from_secs(60))
        .layer(DedupLayer::new(Duration::from_secs(300)))
        .service(handlers);
    let callbacks = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        // A message that could not be checked must not be delivered.
        .layer(CallbackLayer::new(apps).on_before_error(OnError::reject("try again later")))
        // Everything inside this layer sees verified callbacks only.
        .service(Split::new(verdicts, notifications));
    Router::new().route_service("/callback", callbacks).layer(
        ServiceBuilder::new()
            // The default span logs the URL, and the signature with it.
            .layer(TraceLayer::new_for_http().make_span_with(|request: &Request<_>| {
                let (method, uri) = (request.method(), redacted(request.uri()));
                tracing::info_span!("http", %method, %uri)
            }))
            // The time-outs inside do not limit how slowly a body may arrive.
            .layer(RequestBodyDeadlineLayer::new(Duration::from_secs(2))),
    )
}

/// One line of JSON each. A line of a handler has the spans that it is in, and with them the app,
/// the command and Tencent's request id: `grep` finds all that belongs to one callback.
fn start_log() {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::DEBUG)
        .init();
}

/// Must run before the layers are made, since they describe their metrics to the recorder.
fn start_metrics() -> Result<PrometheusHandle, Box<dyn Error>> {
    // Tencent waits for 2 s.
    let buckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 5.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()?;
    let upkeep = recorder.clone();
    // The recorder keeps each latency until somebody fetches the page, or until this call
    // aggregates them.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(recorder)
}

/// Serves until `stop`, and then as long as connections are open, at most `PATIENCE`.
async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (tell, told) = oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        let _ = tell.send(());
    });
    let patience = async {
        drop(told.await);
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = server.into_future() => return ended,
        () = patience => tracing::warn!("some connections were still open"),
    }
    Ok(())
}

/// Waits for the work in the background, at most `PATIENCE`, and hands back what is left of it.
async fn drain(detach: &DetachLayer) -> Result<(), serde_json::Error> {
    let drained = detach.drain(PATIENCE).await;
    let stats = detach.stats();
    tracing::info!(
        finished = drained.finished,
        unfinished = drained.unfinished.len(),
        detached = stats.detached,
        succeeded = stats.succeeded,
        failed = stats.failed,
        "drained"
    );
    for (id, callback) in drained.unfinished {
        // Store them where the next start finds them. Here they go to standard output. One whose
        // handler did not yield may still complete.
        println!("{id} {}", serde_json::to_string(&callback)?);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = match env::var("ADDR") {
        Ok(address) => address,
        Err(env::VarError::NotPresent) => "127.0.0.1:3000".to_owned(),
        Err(error) => return Err(format!("ADDR: {error}").into()),
    };
    let apps = Apps::new(read_apps()?);
    let friends = read_friends()?;
    let listener = TcpListener::bind(address).await?;
    let stop = stop()?;
    reload_on_hangup(apps.clone())?;
    eprintln!("listening on http://{}/callback", listener.local_addr()?);
    start_log();
    let recorder = start_metrics()?;
    let detach = DetachLayer::new(10_000);
    let page = async move || recorder.render();
    let router = endpoint(apps, friends, detach.clone()).route("/metrics", get(page));
    serve(listener, router, stop).await?;
    drain(&detach).await?;
    Ok(())
}
