//! The catalogue that this process matches with.

use std::fs::File;

use umbrascope_rules::Matcher;

use crate::catalogue::matcher_of;

/// The file that the warden opened, and the keys that it trusts.
pub(super) type Handed = (File, Vec<String>);

/// The matcher of what was handed over; `None` where it cannot be used, which was said then.
pub(super) fn load((file, keys): Handed) -> Option<Matcher> {
    match matcher_of(file, &keys) {
        Ok((matcher, version)) => {
            tracing::info!(version, "matching with another catalogue than the program's own");
            Some(matcher)
        }
        Err(why) => {
            tracing::warn!("the catalogue that was handed over is not used: {why}");
            None
        }
    }
}
