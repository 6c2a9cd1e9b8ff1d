//! What `Detach`, `Dedup` and `RateLimit` record for the feature `metrics`. Without the feature it
//! does nothing.

#[cfg(feature = "metrics")]
pub(crate) const DETACHED: &str = "im_callbacks_detached_total";
#[cfg(feature = "metrics")]
pub(crate) const RUNNING: &str = "im_callbacks_detached_running";
#[cfg(feature = "metrics")]
pub(crate) const DEDUP: &str = "im_callbacks_dedup_total";
#[cfg(feature = "metrics")]
pub(crate) const LIMITED: &str = "im_callbacks_limited_total";

/// Counts one callback whose work in the background ended, or that `Detach` refused.
#[cfg(feature = "detach")]
pub(crate) fn detached(result: &'static str) {
    #[cfg(feature = "metrics")]
    ::metrics::counter!(DETACHED, "result" => result).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = result;
}

/// Counts one callback that is in the background for as long as this lives.
#[cfg(feature = "detach")]
pub(crate) struct InBackground(());

#[cfg(feature = "detach")]
impl InBackground {
    pub(crate) fn new() -> Self {
        #[cfg(feature = "metrics")]
        ::metrics::gauge!(RUNNING).increment(1);
        InBackground(())
    }
}

#[cfg(feature = "detach")]
impl Drop for InBackground {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        ::metrics::gauge!(RUNNING).decrement(1);
    }
}

/// Counts one delivery that went through `Dedup`.
#[cfg(feature = "dedup")]
pub(crate) fn dedup(result: &'static str) {
    #[cfg(feature = "metrics")]
    ::metrics::counter!(DEDUP, "result" => result).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = result;
}

/// Counts one callback over a rate limit.
#[cfg(feature = "limit")]
pub(crate) fn limited(quota: &'static str) {
    #[cfg(feature = "metrics")]
    ::metrics::counter!(LIMITED, "quota" => quota).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = quota;
}
