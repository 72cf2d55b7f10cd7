//! How values become words on a page. Everything that came over the wire is hostile text: it is cut
//! to a length, its invisible and direction-changing characters are made visible, and the template
//! engine escapes it.

use std::fmt::{self, Display, Write as _};

use umbrascope_api::Day;

use super::language::{self, Language, say, t};
use crate::model::text::shows_nothing;

/// Longest text that a table cell shows, in characters. JSON and the exports carry all of it.
pub(crate) const CELL_CHARS: usize = 96;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Text from outside, harmless to look at: controls, bidirectional marks, zero-width characters and
/// other characters that show nothing stand as `⟨U+202E⟩`, and what is too long ends in `…`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    text: &'a str,
    max_chars: usize,
}

impl<'a> Shown<'a> {
    /// `text`, cut after `max_chars` characters of the original.
    pub(crate) fn new(text: &'a str, max_chars: usize) -> Self {
        Self { text, max_chars }
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut marks = 0_usize;
        for (at, character) in self.text.chars().enumerate() {
            if at == self.max_chars {
                return f.write_char('…');
            }
            // A run of combining marks long enough to climb out of its line is cut to four.
            marks = if is_combining(character) { marks + 1 } else { 0 };
            if marks > 4 {
                continue;
            }
            if shows_nothing(character) {
                write!(f, "⟨U+{:04X}⟩", u32::from(character))?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// The blocks of combining diacritical marks, and the enclosing and half marks.
fn is_combining(character: char) -> bool {
    matches!(u32::from(character),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// A number with thin spaces between groups of three digits, which readers of every language take for the same number: `12 345`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouped(pub u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char('\u{202F}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// A number with its noun: `1 asset`, `2 assets`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plural(pub u64, pub &'static str);

impl Display for Plural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\u{A0}{}", Grouped(self.0), language::noun(self.1, self.0))
    }
}

/// A day as a person says it: `today`, `yesterday`, `21 Nov`, `21 Nov 2025`; in German `21. Nov. 2025`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DayWords {
    /// The day.
    pub(crate) day: Day,
    /// The day on which it is read.
    pub(crate) today: Day,
}

impl Display for DayWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.day == self.today {
            return f.write_str(t("today"));
        }
        if self.day == self.today.back(1) && self.today.number() > 0 {
            return f.write_str(t("yesterday"));
        }
        let (year, month, day) = self.day.ymd();
        match Language::here() {
            Language::English => write!(f, "{day}\u{A0}{}", month_name(month))?,
            Language::German => write!(f, "{day}.\u{A0}{}", month_name(month))?,
        }
        if year == self.today.ymd().0 { Ok(()) } else { write!(f, "\u{A0}{year}") }
    }
}

/// A month, 1 to 12, as short as it is written: three letters in English, what the Duden has in German.
pub(crate) fn month_name(month: u32) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const GERMAN: [&str; 12] =
        ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sep.", "Okt.", "Nov.", "Dez."];
    let names = match Language::here() {
        Language::English => NAMES,
        Language::German => GERMAN,
    };
    names[(month.clamp(1, 12) - 1) as usize]
}

/// How long before or after `now`: `just now`, `12 minutes ago`, `in 3 days`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ago {
    /// Unix time in milliseconds.
    pub(crate) at_ms: i64,
    /// The moment of reading, the same way.
    pub(crate) now_ms: i64,
}

impl Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = MINUTE_MS.unsigned_abs();
        const HOUR: u64 = HOUR_MS.unsigned_abs();
        const DAY: u64 = DAY_MS.unsigned_abs();
        let distance = self.now_ms.saturating_sub(self.at_ms);
        let size = distance.unsigned_abs();
        let words = match size {
            ..MINUTE if distance >= 0 => return f.write_str(t("just now")),
            ..MINUTE => return f.write_str(t("within a minute")),
            MINUTE..HOUR => Plural(size / MINUTE, "minute##ago"),
            HOUR..DAY => Plural(size / HOUR, "hour##ago"),
            _ => Plural(size / DAY, "day##ago"),
        };
        f.write_str(&match distance >= 0 {
            true => say!("{0}\u{A0}ago", words),
            false => say!("in\u{A0}{0}", words),
        })
    }
}

/// A moment in RFC 3339, UTC, to the second: `2026-11-21T14:03:22Z`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339(pub i64);

impl Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (within / HOUR_MS, within / MINUTE_MS % 60, within / SECOND_MS % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}Z", Day::from_unix_ms(self.0))
    }
}

/// A number of tenths, with a point or, in German, a comma.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenths(pub u128);

impl Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match Language::here() {
            Language::English => '.',
            Language::German => ',',
        };
        write!(f, "{}{mark}{}", self.0 / 10, self.0 % 10)
    }
}

/// A size in the unit a person would choose: `4.1 GB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] =
            [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
        for (size, unit) in UNITS {
            if self.0 >= size {
                let tenths = self.0 / (size / 10);
                return write!(f, "{}\u{A0}{unit}", Tenths(u128::from(tenths)));
            }
        }
        write!(f, "{}\u{A0}{}", self.0, t("bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        let hostile = "a\u{202E}b\u{200B}c\u{0000}d\u{1B}[31m\u{2066}\u{FEFF}";
        assert_eq!(
            Shown::new(hostile, 99).to_string(),
            "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d⟨U+001B⟩[31m⟨U+2066⟩⟨U+FEFF⟩"
        );
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["chatgpt.com", "Übersetzer", "שלום", "文心一言", "naïve e\u{301}tude", "🦙 llama"]
        {
            assert_eq!(Shown::new(text, 99).to_string(), text);
        }
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(Shown::new("ééééé", 3).to_string(), "ééé…");
        assert_eq!(Shown::new("ééé", 3).to_string(), "ééé");
        assert!(Shown::new(&"x".repeat(65_536), CELL_CHARS).to_string().len() < 120);
    }

    #[test]
    fn stacked_marks_do_not_climb_out_of_their_line() {
        let tower = format!("a{}", "\u{301}".repeat(60));
        assert_eq!(Shown::new(&tower, 99).to_string(), format!("a{}", "\u{301}".repeat(4)));
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1\u{202F}000"), (1_234_567, "1\u{202F}234\u{202F}567")]
        {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(Plural(1, "asset").to_string(), "1\u{A0}asset");
        assert_eq!(Plural(0, "asset").to_string(), "0\u{A0}assets");
    }

    #[test]
    fn days_are_said_as_people_say_them() {
        let today = day("2026-11-21");
        for (text, words) in [
            ("2026-11-21", "today"),
            ("2026-11-20", "yesterday"),
            ("2026-01-03", "3\u{A0}Jan"),
            ("2025-12-31", "31\u{A0}Dec\u{A0}2025"),
        ] {
            assert_eq!(DayWords { day: day(text), today }.to_string(), words);
        }
    }

    #[test]
    fn distances_in_time_are_rounded_down() {
        let now_ms = day("2026-11-21").unix_ms();
        for (before, words) in [
            (0, "just now"),
            (59_999, "just now"),
            (60_000, "1\u{A0}minute\u{A0}ago"),
            (7_199_999, "1\u{A0}hour\u{A0}ago"),
            (3 * DAY_MS, "3\u{A0}days\u{A0}ago"),
            (-2 * HOUR_MS, "in\u{A0}2\u{A0}hours"),
        ] {
            assert_eq!(Ago { at_ms: now_ms - before, now_ms }.to_string(), words);
        }
    }

    #[test]
    fn german_readers_are_told_in_german() {
        let (today, now_ms) = (day("2026-11-21"), day("2026-11-21").unix_ms());
        let told = |text: &str| DayWords { day: day(text), today }.to_string();
        let ago = |before: i64| Ago { at_ms: now_ms - before, now_ms }.to_string();
        Language::German.within(|| {
            assert_eq!([told("2026-11-21"), told("2026-11-20")], ["heute", "gestern"]);
            assert_eq!([told("2026-03-03"), told("2025-12-31")], ["3.\u{A0}März", "31.\u{A0}Dez.\u{A0}2025"]);
            assert_eq!([ago(0), ago(DAY_MS)], ["gerade eben", "vor\u{A0}1\u{A0}Tag"]);
            assert_eq!(
                [ago(3 * DAY_MS), ago(-2 * HOUR_MS)],
                ["vor\u{A0}3\u{A0}Tagen", "in\u{A0}2\u{A0}Stunden"]
            );
            assert_eq!(
                [Plural(1, "asset").to_string(), Plural(0, "asset").to_string()],
                ["1\u{A0}Gerät", "0\u{A0}Geräte"]
            );
            assert_eq!(Bytes(4_109_854_934).to_string(), "4,1\u{A0}GB");
        });
    }

    #[test]
    fn moments_are_rfc_3339() {
        assert_eq!(Rfc3339(1_795_269_802_123).to_string(), "2026-11-21T14:03:22Z");
        assert_eq!(Rfc3339(0).to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!(Bytes(512).to_string(), "512\u{A0}bytes");
        assert_eq!(Bytes(4_109_854_934).to_string(), "4.1\u{A0}GB");
    }
}
