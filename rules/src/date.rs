//! A calendar day, which is all the time the catalogue knows.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A day of the proleptic Gregorian calendar, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u32);

impl Date {
    /// The day that many days after 1970-01-01.
    pub const fn from_days(days: u32) -> Date {
        Date(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> u32 {
        self.0
    }

    /// The day of a civil date, `None` where there is no such day from 1970 to 9999.
    pub fn from_civil(year: u16, month: u8, day: u8) -> Option<Date> {
        if !(1970..=9999).contains(&year)
            || !(1..=12).contains(&month)
            || day < 1
            || day > length(year, month)
        {
            return None;
        }
        let days_before = |year: u32| (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
        let years = days_before(u32::from(year)) - days_before(1970);
        let months: u32 = (1..month).map(|month| u32::from(length(year, month))).sum();
        Some(Date(years + months + u32::from(day) - 1))
    }

    /// Year, month, day.
    pub fn civil(self) -> (u16, u8, u8) {
        let (mut year, mut rest) = (1970u16, self.0);
        loop {
            let days = if leap(year) { 366 } else { 365 };
            if rest < days || year == u16::MAX {
                break;
            }
            rest -= days;
            year += 1;
        }
        let mut month = 1;
        while month < 12 && rest >= u32::from(length(year, month)) {
            rest -= u32::from(length(year, month));
            month += 1;
        }
        (year, month, rest as u8 + 1)
    }
}

impl FromStr for Date {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Date, NoDate> {
        let digits = |range: std::ops::Range<usize>| -> Option<u16> {
            let part = text.get(range)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let date = || -> Option<Date> {
            let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
            let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
            if dashes { Date::from_civil(year, month as u8, day as u8) } else { None }
        };
        date().ok_or(NoDate)
    }
}

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a day is written 2026-01-31")]
pub struct NoDate;

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn length(year: u16, month: u8) -> u8 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_dates_are_one_to_one() {
        for days in (0..60_000).step_by(13) {
            let (year, month, day) = Date::from_days(days).civil();
            assert_eq!(Date::from_civil(year, month, day), Some(Date::from_days(days)));
        }
        assert_eq!(Date::from_civil(2026, 11, 21).unwrap().to_string(), "2026-11-21");
        assert_eq!(Date::from_civil(2000, 2, 29).unwrap().days(), 11_016);
    }

    #[test]
    fn a_day_reads_back_as_it_is_written_and_in_no_other_form() {
        let date = Date::from_civil(2026, 11, 21).unwrap();
        assert_eq!(date.to_string().parse(), Ok(date));
        for text in [
            "",
            "2026-11-2",
            "2026-11-211",
            "2026/11/21",
            "2026-13-01",
            "+026-11-21",
            "2026-11-é",
            "20é6-11-2",
        ] {
            assert_eq!(text.parse::<Date>(), Err(NoDate), "{text}");
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [(2025, 2, 29), (2026, 13, 1), (2026, 4, 31), (2026, 1, 0), (1969, 12, 31)]
        {
            assert_eq!(Date::from_civil(year, month, day), None);
        }
    }
}
