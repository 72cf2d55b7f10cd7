//! Whether the days that sensors told can be trusted: they are told by the sensors' own clocks, and never changed.

use serde::Serialize;

/// How far a sensor's clock may be from ours, in milliseconds, before its days are in doubt: what Kerberos allows by default
/// (RFC 4120 §1.6 names five minutes as typical).
pub const CLOCK_OFF_MS: i64 = 5 * 60 * 1000;

/// Whether the clock was right that told a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockTrust {
    /// Of every machine that tells the day the clock was off around it.
    Doubtful,
    /// A machine tells the day whose clock was right, as far as its reports showed.
    Trusted,
}

impl ClockTrust {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Doubtful => "doubtful",
            Self::Trusted => "trusted",
        }
    }
}

/// The same of the first and of the last day of a sighting; `None`: never seen, or no machine is left that tells the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Clocks {
    /// Of the first day.
    pub first: Option<ClockTrust>,
    /// Of the last day.
    pub last: Option<ClockTrust>,
}
