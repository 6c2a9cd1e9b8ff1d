//! What is asked, read from the first bytes of an input.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, request::Parts};
use http_body::Frame;
use tencent_im_callback::testing::sign;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{
    App, Apps, CallbackLayer, DedupKey, DedupLayer, OnError, Reply, Token, Verifier,
};

use super::cut::Cut;
use crate::{APP, NOW, TOKEN, clock, command};

/// The app without a signature.
pub(super) const OPEN: u64 = APP + 1;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Clean,
    Trailers,
    Error,
}

/// What the inner service does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Does {
    Accept,
    Fail,
    NeverReady,
    Refuse,
}

pub(super) struct Case {
    pub(super) parts: Parts,
    pub(super) limit: usize,
    pub(super) hint: u64,
    /// What arrives before the end.
    pub(super) data: Bytes,
    pub(super) end: End,
    /// Trailers in the midst of the data, which HTTP does not know.
    pub(super) stray: bool,
    pub(super) pending: u8,
    pub(super) does: Does,
    /// The inner service is pending this often, in `poll_ready` and after the call.
    pub(super) waits: usize,
    pub(super) forward: bool,
    /// What the owner chose.
    pub(super) on_error: u8,
    pub(super) cuts: u16,
}

/// The head of a request, of which the first byte of an input says the command.
fn head(word: u8, url: u8) -> Parts {
    let request = SignedRequest::new(command(word)).time(NOW).url("/callback");
    let faults = Fault::ALL.len();
    let request = match usize::from(url) {
        1 => request.app(OPEN).unsigned(),
        2 => request.path_parameters(),
        3 => request.parameter("RequestId", "5").parameter("OptPlatform", "RESTAPI"),
        at if (8..8 + faults).contains(&at) => request.fault(Fault::ALL[at - 8]),
        _ => request,
    };
    let mut parts = request.body(Bytes::new()).build::<Bytes>().into_parts().0;
    let signed = format!("Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    match url {
        4 => parts.uri = format!("/?{signed}").parse().expect("a URL"),
        5 => parts.uri = format!("/?SdkAppid={APP}&{signed}").parse().expect("a URL"),
        _ => {}
    }
    parts
}

/// What `Content-Length` says of a body of this length.
fn declared(declared: u8, length: usize, limit: usize) -> Option<HeaderValue> {
    let value: Vec<u8> = match declared {
        1 => length.to_string().into(),
        2 => (length + 1).to_string().into(),
        3 => "0".into(),
        4 => "99999999999999999999999".into(),
        5 => "-1".into(),
        6 => (limit + 1).to_string().into(),
        7 => limit.to_string().into(),
        8 => b"\xff5".to_vec(),
        9 => "".into(),
        10 => "+9999999".into(),
        _ => return None,
    };
    Some(HeaderValue::from_bytes(&value).expect("a header"))
}

impl Case {
    pub(super) fn read(bytes: &[u8; 12], body: &[u8]) -> Self {
        let [word, url, limit, length_of, hint, end, at, pending, does, config, cut1, cut2] =
            *bytes;
        let length = body.len();
        let limit = match limit {
            1 => 0,
            2 => length,
            3 => length.saturating_sub(1),
            4 => length + 1,
            5 => 100,
            6 => length / 2,
            _ => 1024 * 1024,
        };
        let mut parts = head(word, url);
        if let Some(declared) = declared(length_of, length, limit) {
            parts.headers.insert("content-length", declared);
        }
        Case {
            parts,
            limit,
            hint: match hint {
                1 => length as u64,
                2 => limit as u64,
                3 => limit as u64 + 1,
                4 => u64::MAX,
                _ => 0,
            },
            data: match end % 8 {
                2 => Bytes::copy_from_slice(&body[..usize::from(at) % (length + 1)]),
                _ => Bytes::copy_from_slice(body),
            },
            end: match end % 8 {
                1 | 4 => End::Trailers,
                2 | 3 => End::Error,
                _ => End::Clean,
            },
            stray: end % 8 == 4,
            pending,
            does: match does % 8 {
                1 => Does::Fail,
                2 => Does::NeverReady,
                3 => Does::Refuse,
                _ => Does::Accept,
            },
            waits: usize::from(does / 64),
            forward: config & 1 != 0,
            on_error: config / 2 % 5,
            cuts: u16::from_be_bytes([cut1, cut2]),
        }
    }

    pub(super) fn verifier(&self) -> Verifier {
        let token = Token::new(TOKEN).expect("a good token");
        let apps = Apps::new([App::signed(APP, token), App::unsigned(OPEN)]);
        Verifier::new(apps).clock(clock).path_parameters()
    }

    pub(super) fn layer(&self) -> CallbackLayer {
        let layer = CallbackLayer::new(self.verifier()).body_limit(self.limit);
        let layer = if self.forward { layer.forward_misfits() } else { layer };
        match self.on_error {
            1 => layer.on_before_error(OnError::Reply(Reply::reject(7, "later"))),
            2 => layer.on_after_error(OnError::ServerError),
            3 => layer.on_error(|_| OnError::Reply(Reply::reject(9, "by closure"))),
            4 => layer.on_before_error(OnError::reject("not \"now\"")),
            _ => layer,
        }
    }

    pub(super) fn dedup(&self) -> DedupLayer {
        let layer = DedupLayer::new(Duration::from_secs(60)).capacity(4);
        if self.cuts.is_multiple_of(16) {
            layer.key(|_| Some(DedupKey::new("all the same")))
        } else {
            layer
        }
    }

    /// The body in one piece.
    pub(super) fn whole(&self) -> Cut {
        self.cut_by(&mut |left| left)
    }

    /// The body in pieces, empty ones among them.
    pub(super) fn pieces(&self) -> Cut {
        let mut state = u32::from(self.cuts) << 8 | 1;
        self.cut_by(&mut |left| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wish = (state >> 16) as usize % 24;
            // Few large pieces, then many small ones.
            if wish > 20 { left / 2 } else { wish.min(left) }
        })
    }

    pub(super) fn cut_by(&self, next: &mut dyn FnMut(usize) -> usize) -> Cut {
        let mut frames = VecDeque::new();
        let mut rest = self.data.clone();
        let mut idle = 0;
        while !rest.is_empty() {
            let piece = rest.split_to(next(rest.len()));
            idle = if piece.is_empty() { idle + 1 } else { 0 };
            if idle < 3 {
                let half = piece.len() / 3;
                frames.push_back(Ok(Frame::data(piece.slice(..half).chain(piece.slice(half..)))));
            }
            if self.stray && frames.len() == 2 {
                frames.push_back(Ok(Frame::trailers(HeaderMap::new())));
            }
            if idle >= 3 {
                let half = rest.len().div_ceil(2);
                frames.push_back(Ok(Frame::data(rest.split_to(half).chain(Bytes::new()))));
            }
        }
        match self.end {
            End::Clean => {}
            End::Trailers => frames.push_back(Ok(Frame::trailers(HeaderMap::new()))),
            End::Error => frames.push_back(Err("connection reset")),
        }
        Cut {
            frames,
            hint: self.hint,
            pending: self.pending,
            step: 0,
            ended: false,
            polls: Arc::default(),
        }
    }
}
