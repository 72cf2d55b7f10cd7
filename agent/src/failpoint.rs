//! Named points at which a test can kill the process (cargo feature `failpoints`, in no package).
//!
//! `UMBRASCOPE_FAILPOINT=<name>:<nth>` kills the process with SIGKILL when it gets to the point for the nth time. The
//! warden hands the variable to the first start of a role only, so that it strikes once.

/// Dies here if the environment says so.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};
    static HITS: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);
    let Ok(wanted) = std::env::var(VARIABLE) else { return };
    let Some((point, nth)) = wanted.rsplit_once(':') else { return };
    if point != name {
        return;
    }
    let Ok(mut hits) = HITS.lock() else { return };
    let count = hits.entry(name.to_owned()).or_default();
    *count += 1;
    if nth.parse() == Ok(*count) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing, without the feature.
#[cfg(not(feature = "failpoints"))]
pub fn hit(_name: &str) {}

/// The variable that names the point.
pub const VARIABLE: &str = "UMBRASCOPE_FAILPOINT";
