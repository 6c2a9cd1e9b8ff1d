//! What a judge finds, and what a judge is.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::sync::Arc;

use super::shown::Shown;
use super::text::Text;
use crate::error::HandlerError;
use crate::output::HandlerOutput;

/// What a judge finds about one [`Text`].
#[derive(Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Finding {
    /// Nothing is wrong with it.
    Allow,
    /// The callback is rejected.
    Reject,
    /// This is sent instead of the text. The callback is rejected if the text cannot be replaced,
    /// or if something is still wrong afterwards.
    Replace(String),
}

/// Shows how long a replacement is. What people write belongs in no log.
impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Allow => f.write_str("Allow"),
            Finding::Reject => f.write_str("Reject"),
            Finding::Replace(text) => write!(f, "Replace({} bytes)", text.len()),
        }
    }
}

/// What a judge finds about all texts of [`Shown`], in their order.
///
/// [`Shown::judge`] makes it, text by text. `Findings::from(Finding::Allow)` and `Reject` are about
/// all texts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Findings {
    each: Cow<'static, [Finding]>,
    /// About the texts that have no finding of their own.
    rest: Finding,
}

impl Findings {
    /// Judges each text, until one is rejected.
    pub(super) fn about<T>(texts: impl Iterator<Item = T>, judge: impl Fn(&T) -> Finding) -> Self {
        // Most are all allowed: then there is no list.
        let (mut allowed, mut list) = (0, None);
        for text in texts {
            match (judge(&text), &mut list) {
                (Finding::Reject, _) => return Finding::Reject.into(),
                (Finding::Allow, None) => allowed += 1,
                (finding, None) => {
                    let mut new = vec![Finding::Allow; allowed];
                    new.push(finding);
                    list = Some(new);
                }
                (finding, Some(list)) => list.push(finding),
            }
        }
        let each = match (list, ALLOWED.get(..allowed)) {
            (Some(list), _) => Cow::Owned(list),
            (None, Some(each)) => Cow::Borrowed(each),
            (None, None) => Cow::Owned(vec![Finding::Allow; allowed]),
        };
        Findings { each, rest: Finding::Reject }
    }

    /// The finding about the text with this index.
    pub(super) fn of(&self, index: usize) -> &Finding {
        self.each.get(index).unwrap_or(&self.rest)
    }

    /// Whether all of the first `texts` texts are allowed.
    pub(super) fn allow(&self, texts: usize) -> bool {
        (0..texts).all(|index| *self.of(index) == Finding::Allow)
    }

    /// Whether one of the first `texts` texts is rejected.
    pub(super) fn reject(&self, texts: usize) -> bool {
        (0..texts).any(|index| *self.of(index) == Finding::Reject)
    }

    /// The findings, in the order of the texts.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.each.iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// About all texts. A replacement cannot be about all of them, so it rejects.
impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        let rest = match finding {
            Finding::Allow => Finding::Allow,
            Finding::Reject | Finding::Replace(_) => Finding::Reject,
        };
        Findings { each: Cow::Borrowed(&[]), rest }
    }
}

/// One finding for each text. A text without a finding was not judged, so it rejects.
impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Findings { each: findings.into_iter().collect(), rest: Finding::Reject }
    }
}

impl Shown {
    /// Judges each text, until one is rejected.
    pub fn judge(&self, judge: impl Fn(&Text<'_>) -> Finding) -> Findings {
        Findings::about(self.texts(), judge)
    }
}

/// So many texts are allowed without memory for their findings.
static ALLOWED: [Finding; 8] = [const { Finding::Allow }; 8];

/// A closure or function that judges: of one [`&Text`](Text), which returns a [`Finding`], or an
/// async one of [`Arc<Shown>`](Shown), which returns [`Findings`] or a `Result` of them. It is
/// implemented for these only.
///
/// ```
/// use std::sync::Arc;
/// use tencent_im_callback::moderation::{Finding, Findings, ModerateLayer, Shown};
/// use tencent_im_callback::HandlerError;
///
/// async fn ask(shown: Arc<Shown>) -> Result<Findings, HandlerError> {
///     let words: Vec<String> = shown.texts().map(|text| text.as_str().to_owned()).collect();
///     println!("{:?} in {:?} wrote {words:?}", shown.sender(), shown.group());
///     Ok(Finding::Allow.into())
/// }
///
/// let layer = ModerateLayer::new(ask);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no judge",
    note = "a judge is a closure `|text: &Text<'_>| -> Finding`, or an `async fn` of one `Arc<Shown>` that returns `Findings` or `Result<Findings, E>`",
    note = "write the type of the closure's argument: `|text: &Text<'_>|`"
)]
pub trait Judge<M>: sealed::Judge<M> + Send + Sync + 'static {
    /// The future of the findings; [`Ready`] if the judge is not async.
    type Future: Future<Output = Result<Findings, HandlerError>> + Send + 'static;

    /// Judges all texts.
    fn judge(&self, shown: &Arc<Shown>) -> Self::Future;
}

mod sealed {
    use super::{Arc, Finding, Shown, Text};

    pub trait Judge<M> {}

    impl<F: Fn(&Text<'_>) -> Finding> Judge<Text<'static>> for F {}

    impl<F: Fn(Arc<Shown>) -> O, O> Judge<Shown> for F {}
}

impl<F> Judge<Text<'static>> for F
where
    F: Fn(&Text<'_>) -> Finding + Send + Sync + 'static,
{
    type Future = Ready<Result<Findings, HandlerError>>;

    fn judge(&self, shown: &Arc<Shown>) -> Self::Future {
        ready(Ok(shown.judge(self)))
    }
}

impl<F, O> Judge<Shown> for F
where
    F: Fn(Arc<Shown>) -> O + Send + Sync + 'static,
    O: Future + Send + 'static,
    O::Output: HandlerOutput<Findings>,
{
    type Future = FindingsFuture<O>;

    fn judge(&self, shown: &Arc<Shown>) -> Self::Future {
        FindingsFuture { future: self(shown.clone()) }
    }
}

pin_project_lite::pin_project! {
    /// The future of an async judge.
    #[derive(Debug)]
    #[must_use]
    pub struct FindingsFuture<F> {
        #[pin]
        future: F,
    }
}

impl<F> Future for FindingsFuture<F>
where
    F: Future,
    F::Output: HandlerOutput<Findings>,
{
    type Output = Result<Findings, HandlerError>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.project().future.poll(cx).map(HandlerOutput::into_result)
    }
}
