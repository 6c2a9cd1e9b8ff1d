//! The inspector page: the last callbacks, live. For users of this machine only.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use tencent_im_callback::{Callback, Event, Token, redacted};
use tokio::sync::broadcast;

use crate::again::again;
use crate::client::Client;
use crate::curl::curl;
use crate::history::{History, Summary};
use crate::send::build;

const INDEX: &str = include_str!("index.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// No inline scripts, nothing from other hosts, not in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page needs.
pub(crate) struct Page {
    pub(crate) history: Arc<History>,
    /// Sends to the listener itself, so that what is sent again is seen again.
    pub(crate) client: Client,
    /// The token of the app, `None` if nothing is signed.
    pub(crate) secret: Option<Token>,
    /// What a request that changes something must carry: a page from elsewhere cannot read it.
    pub(crate) token: String,
    /// Which run of the program this is: its numbers are not those of another.
    pub(crate) run: String,
}

/// Without the secrets.
impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

/// A token that cannot be guessed.
pub(crate) fn new_token() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers here: {error}"))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

pub(crate) fn router(page: Page) -> Router {
    let page = Arc::new(page);
    Router::new()
        .route("/", get(index))
        .route("/style.css", get(async || text("text/css; charset=utf-8", STYLE)))
        .route("/script.js", get(async || text("text/javascript; charset=utf-8", SCRIPT)))
        .route("/events", get(events))
        .route("/callbacks/{id}", get(detail))
        .route("/callbacks/{id}/again", post(send_again))
        .with_state(page)
        .layer(middleware::from_fn(guard))
}

fn text(kind: &'static str, text: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, kind)], text.into()).into_response()
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, text.into()).into_response()
}

/// Whether a `Host` is an address or `localhost`: the owner of any other name can make it point
/// here.
fn is_here(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    !host.contains('@')
        && (name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok())
}

/// Whether a request comes from this page, or from no page at all.
fn is_ours(path: &str, headers: &HeaderMap) -> Result<(), &'static str> {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| "no such header"),
            _ => Err("a header twice"),
        }
    };
    let host = one(header::HOST)?.ok_or("no Host")?;
    if !is_here(host) {
        return Err("this page is for an address or localhost, not for another Host");
    }
    if let Some(origin) = one(header::ORIGIN)?
        && origin.strip_prefix("http://") != Some(host)
    {
        return Err("a foreign Origin");
    }
    // `none` is the address bar. A link from elsewhere may open the page, which no frame shows.
    let from = one(HeaderName::from_static("sec-fetch-site"))?;
    let opens = path == "/" && one(HeaderName::from_static("sec-fetch-dest"))? == Some("document");
    if from.is_some_and(|from| !matches!(from, "same-origin" | "none")) && !opens {
        return Err("a foreign page");
    }
    Ok(())
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = match is_ours(request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => plain(StatusCode::FORBIDDEN, why),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn index(State(page): State<Arc<Page>>) -> Response {
    text(
        "text/html; charset=utf-8",
        INDEX.replace("{{token}}", &page.token).replace("{{run}}", &page.run),
    )
}

/// Those that are kept, then those that come. A page that cannot keep up is cut off, and asks again
/// for those that are kept.
async fn events(
    State(page): State<Arc<Page>>,
) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    let (kept, live) = page.history.watch();
    let live = stream::unfold(live, async |mut live: broadcast::Receiver<Arc<Summary>>| {
        live.recv().await.ok().map(|summary| (summary, live))
    });
    let all = stream::iter(kept).chain(live);
    let sent = all.filter_map(async |summary| {
        let json = serde_json::to_string(&*summary).ok()?;
        Some(Ok(Sent::default().data(json)))
    });
    // First of all which run this is: the page of an earlier one starts afresh.
    let run = Sent::default().event("run").data(&page.run);
    let sent = stream::iter([Ok(run)]).chain(sent);
    Sse::new(sent).keep_alive(KeepAlive::default())
}

async fn detail(State(page): State<Arc<Page>>, Path(id): Path<u64>, uri: http::Uri) -> Response {
    // The page says of which run the number is.
    let run = uri.query().and_then(|query| query.strip_prefix("run="));
    let is_this = run.is_none_or(|run| run == page.run);
    let Some(seen) = page.history.get(id).filter(|_| is_this) else {
        return plain(StatusCode::NOT_FOUND, "no longer kept");
    };
    let (mut event, mut unknown, mut params, mut body, mut command) =
        (String::new(), Vec::new(), Vec::new(), String::new(), String::new());
    if let Some((known, bytes)) = &seen.callback {
        let shown = known.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Sign"));
        params = shown.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        body = String::from_utf8_lossy(bytes).into_owned();
        if let Some(request) = again(known, bytes.clone(), seen.uri.path(), None) {
            command = curl(
                &page.client.target().origin(),
                &build(&request.unsigned()),
                bytes,
                bytes.len(),
            );
        }
        if let Ok(callback) = Callback::parse_untyped(known.clone(), bytes.clone()) {
            unknown = callback.unknown_fields();
            event = match (&callback.event, callback.event.misfit()) {
                (_, Some(misfit)) => format!("{misfit}: {}", misfit.message()),
                (Event::Unknown(event), None) => event.reason.to_string(),
                (event, None) => serde_json::to_string_pretty(event).unwrap_or_default(),
            };
        }
    }
    axum::Json(json!({
        "url": redacted(&seen.uri).to_string(),
        "params": params,
        "body": body,
        "event": event,
        "unknown": unknown,
        "answer": String::from_utf8_lossy(&seen.answer),
        "curl": command,
    }))
    .into_response()
}

async fn send_again(
    State(page): State<Arc<Page>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Response {
    let given = headers.get("x-token").map(HeaderValue::as_bytes);
    if given != Some(page.token.as_bytes()) {
        return plain(StatusCode::FORBIDDEN, "this needs the token of the page");
    }
    let Some(seen) = page.history.get(id) else {
        return plain(StatusCode::NOT_FOUND, "no longer kept");
    };
    let Some((params, body)) = &seen.callback else {
        return plain(StatusCode::CONFLICT, "it was refused, so there is nothing to send");
    };
    // Of the old form only what stands before the parameters.
    let path = seen.uri.path();
    let path = path.rfind('/').filter(|_| path.contains('=')).map_or(path, |at| &path[..at.max(1)]);
    let Some(request) = again(params, body.clone(), path, None) else {
        return plain(StatusCode::CONFLICT, "its URL would be too long");
    };
    let request = match &page.secret {
        Some(secret) => request.token(secret.clone()),
        None => request.unsigned(),
    };
    match page.client.send(build(&request)).await {
        Ok(answer) => plain(StatusCode::OK, answer.status.to_string()),
        Err(trouble) => plain(StatusCode::BAD_GATEWAY, trouble.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_could_be_anybodys_are_foreign() {
        for host in ["127.0.0.1:4040", "localhost:1", "LOCALHOST", "[::1]:4040", "192.168.1.2"] {
            assert!(is_here(host), "{host}");
        }
        for host in [
            "",
            "evil.example:4040",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "a@127.0.0.1",
            "::1:x",
            "x y",
        ] {
            assert!(!is_here(host), "{host}");
        }
    }

    #[test]
    fn the_page_writes_no_html() {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
        assert!(!INDEX.contains("style=") && !INDEX.contains("onclick") && !INDEX.contains("http"));
        assert_eq!(INDEX.matches("{{token}}").count(), 1);
    }
}
