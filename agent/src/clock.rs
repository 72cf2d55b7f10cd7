//! The wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Unix time in microseconds; 0 before 1970.
pub fn wall_clock_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Unix time in milliseconds.
pub fn wall_clock_ms() -> i64 {
    i64::try_from(wall_clock_us() / 1000).unwrap_or(i64::MAX)
}
