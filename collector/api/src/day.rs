//! A UTC day. Sightings know no hour.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds of a UTC day (leap seconds are not counted in Unix time).
const DAY_MS: i64 = 86_400_000;

/// A day in UTC, counted from 1970-01-01, written `2026-11-21`. Years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(u32);

/// A text that is no day of the form `YYYY-MM-DD` between 1970-01-01 and 9999-12-31.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a day of the form YYYY-MM-DD between 1970 and 9999")]
pub struct DayError(String);

impl Day {
    /// The last day that can be written: 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day with this number, 1970-01-01 being 0; `None` past [`Day::MAX`].
    pub fn from_number(number: u32) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The UTC day of a Unix time in milliseconds, clamped to what can be written.
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        let number = unix_ms.div_euclid(DAY_MS).clamp(0, i64::from(Self::MAX.0));
        Self(u32::try_from(number).unwrap_or_default())
    }

    /// Unix time in milliseconds at which this day begins in UTC.
    pub fn unix_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The day `days` before, not before 1970-01-01.
    pub fn back(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// The day `days` after, not after [`Day::MAX`].
    pub fn forward(self, days: u32) -> Self {
        Self(self.0.saturating_add(days).min(Self::MAX.0))
    }

    /// Year, month (1–12) and day of the month (1–31).
    /// Civil-from-days over 400-year eras of 146,097 days beginning on 1 March.
    pub fn ymd(self) -> (u32, u32, u32) {
        let shifted = self.0 + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + u32::from(month <= 2);
        (year, month, day)
    }

    fn from_ymd(year: u32, month: u32, day: u32) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year / 400;
        let year_of_era = shifted_year % 400;
        let march_month = (month + 9) % 12;
        let day_of_year = (153 * march_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let candidate = Self(era * 146_097 + day_of_era - 719_468);
        (candidate.ymd() == (year, month, day)).then_some(candidate)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let fail = || DayError(text.chars().take(32).collect());
        let bytes = text.as_bytes();
        let digits_and_dashes = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !digits_and_dashes {
            return Err(fail());
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u32>().map_err(|_| fail());
        Self::from_ymd(number(0, 4)?, number(5, 7)?, number(8, 10)?).ok_or_else(fail)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_as_itself() {
        for number in (0..=Day::MAX.number()).step_by(7).chain([Day::MAX.number()]) {
            let day = Day::from_number(number).unwrap();
            assert_eq!(day.to_string().parse::<Day>(), Ok(day));
        }
    }

    #[test]
    fn known_days_have_known_numbers() {
        for (text, number) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-21", 20_778), ("9999-12-31", 2_932_896)]
        {
            assert_eq!(text.parse::<Day>().unwrap().number(), number);
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026-02-30", "2026-13-01", "1969-12-31", "2026-1-01", "２026-01-01", "2026-11-21 "]
        {
            assert!(text.parse::<Day>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_clock_before_1970_gives_the_first_day() {
        assert_eq!(Day::from_unix_ms(-1).number(), 0);
        assert_eq!(Day::from_unix_ms(DAY_MS).number(), 1);
    }
}
