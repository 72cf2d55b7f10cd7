//! Places at which a test may end the program, as a power cut would. Built only with the feature
//! `failpoints`; otherwise [`hit`] is nothing.

/// Ends the process when `UMBRASCOPE_FAILPOINT=<name>:<nth>` names this place and it is reached
/// for the `nth` time.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static HITS: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("UMBRASCOPE_FAILPOINT") else { return };
    let Some((place, nth)) = wanted.rsplit_once(':') else { return };
    if place == name && nth.parse() == Ok(HITS.fetch_add(1, Ordering::SeqCst) + 1) {
        std::process::abort();
    }
}

/// Nothing: this build has no failpoints.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_name: &str) {}
