//! The last callbacks, for the page: so many, and so many bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use serde::Serialize;
use tencent_im_callback::{Callback, Params, SdkAppId};
use tokio::sync::broadcast;

/// Callbacks that are kept.
pub(crate) const MOST: usize = 1000;

/// Bytes of bodies and answers that are kept.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Taken, and let through if it was a question.
    Accepted,
    /// Taken, and the answer refuses, discards or rewrites what was asked about.
    Moderated,
    /// The console's check of the URL.
    Probe,
    /// Refused: unsigned, stale and so on.
    Refused,
    /// Verified, but the server behind failed or the body does not fit.
    Failed,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Moderated => "moderated",
            Verdict::Probe => "probe",
            Verdict::Refused => "refused",
            Verdict::Failed => "failed",
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) id: u64,
    /// When it came, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) command: String,
    pub(crate) family: &'static str,
    pub(crate) phase: &'static str,
    pub(crate) app: Option<SdkAppId>,
    pub(crate) who: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) status: u16,
    pub(crate) took_ms: f64,
    /// Why it was refused, or what else there is to say.
    pub(crate) note: Option<String>,
    /// Whether it can be sent again.
    pub(crate) again: bool,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Shared with the pages that look, which must not keep the bodies of what they have not been
    /// told yet.
    pub(crate) summary: Arc<Summary>,
    pub(crate) uri: Uri,
    /// If it was verified and read.
    pub(crate) callback: Option<(Params, Bytes)>,
    pub(crate) answer: Bytes,
}

impl Seen {
    fn bytes(&self) -> usize {
        let body = self.callback.as_ref().map_or(0, |(_, body)| body.len());
        let note = self.summary.note.as_ref().map_or(0, String::len);
        body + self.answer.len()
            + self.uri.path().len()
            + self.uri.query().map_or(0, str::len)
            + note
    }
}

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    bytes: usize,
    seen: VecDeque<Arc<Seen>>,
}

/// The last callbacks.
#[derive(Debug)]
pub(crate) struct History {
    kept: Mutex<Kept>,
    live: broadcast::Sender<Arc<Summary>>,
}

impl History {
    pub(crate) fn new() -> Self {
        History { kept: Mutex::default(), live: broadcast::channel(4096).0 }
    }

    /// Adds one, which gets its number here, and forgets the oldest where there is no room.
    pub(crate) fn add(&self, mut seen: Seen) {
        let summary = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.next += 1;
            Arc::make_mut(&mut seen.summary).id = kept.next;
            let summary = seen.summary.clone();
            let seen = Arc::new(seen);
            kept.bytes += seen.bytes();
            kept.seen.push_back(seen);
            while kept.seen.len() > MOST || (kept.bytes > MOST_BYTES && kept.seen.len() > 1) {
                if let Some(oldest) = kept.seen.pop_front() {
                    kept.bytes = kept.bytes.saturating_sub(oldest.bytes());
                }
            }
            summary
        };
        // Nobody may be looking.
        drop(self.live.send(summary));
    }

    /// All that are kept, oldest first, and those to come.
    pub(crate) fn watch(&self) -> (Vec<Arc<Summary>>, broadcast::Receiver<Arc<Summary>>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is sent after this was added before may come twice; the page knows by its
        // number.
        let summaries = kept.seen.iter().map(|seen| seen.summary.clone());
        (summaries.collect(), self.live.subscribe())
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Seen>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.seen.front()?.summary.id;
        let at = usize::try_from(id.checked_sub(first)?).ok()?;
        kept.seen.get(at).cloned()
    }
}

/// Whom it is about: the first account that its body names.
pub(crate) fn who(callback: &Callback) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Info {
        #[serde(rename = "To_Account")]
        to: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Pair {
        #[serde(rename = "From_Account")]
        from: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "From_Account")]
        from: Option<String>,
        #[serde(rename = "Operator_Account")]
        operator: Option<String>,
        #[serde(rename = "Requester_Account")]
        requester: Option<String>,
        #[serde(rename = "Owner_Account")]
        owner: Option<String>,
        #[serde(rename = "Info")]
        info: Option<Info>,
        #[serde(rename = "PairList", default)]
        pairs: Vec<Pair>,
    }

    let text = String::from_utf8_lossy(&callback.body);
    let body: Body = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let who = body.from.or(body.operator).or(body.requester).or(body.owner);
    let who = who.or(body.info.and_then(|info| info.to));
    let who = who.or_else(|| body.pairs.into_iter().find_map(|pair| pair.from))?;
    Some(who.chars().take(100).collect())
}

/// In milliseconds, to a hundredth.
pub(crate) fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: usize) -> Seen {
        Seen {
            summary: Arc::new(Summary {
                id: 0,
                at: 0,
                command: String::new(),
                family: "",
                phase: "",
                app: None,
                who: None,
                verdict: Verdict::Accepted,
                status: 200,
                took_ms: 0.0,
                note: None,
                again: false,
            }),
            uri: Uri::default(),
            callback: None,
            answer: vec![0; bytes].into(),
        }
    }

    #[test]
    fn it_forgets_the_oldest_by_number_and_by_bytes() {
        let history = History::new();
        for _ in 0..MOST + 5 {
            history.add(seen(10));
        }
        assert_eq!(history.watch().0.len(), MOST);
        assert!(history.get(5).is_none() && history.get(0).is_none());
        assert_eq!(history.get(6).unwrap().summary.id, 6);
        assert_eq!(history.get(MOST as u64 + 5).unwrap().summary.id, MOST as u64 + 5);
        assert!(history.get(MOST as u64 + 6).is_none());

        for _ in 0..200 {
            history.add(seen(1024 * 1024));
        }
        let kept = history.watch().0.len();
        assert!((31..=32).contains(&kept), "{kept}");
        history.add(seen(2 * MOST_BYTES));
        assert_eq!(history.watch().0.len(), 1);
    }
}
