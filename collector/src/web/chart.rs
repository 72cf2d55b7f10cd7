//! Charts as SVG, drawn here. Colours come from the style sheet by class, geometry from attributes,
//! so that a strict content policy has nothing to forbid. Each says in words what it shows.

use std::fmt::{self, Display};

use askama::filters::HtmlSafe;
use umbrascope_api::Day;

use super::language::{say, t};
use super::text::{DayWords, Plural};

/// A row of small bars, one a day, oldest first, for a table cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sparkline<'a> {
    /// The values.
    pub(crate) values: &'a [u64],
}

impl Sparkline<'_> {
    const STEP: usize = 3;
    const BAR: usize = 2;
    const HEIGHT: u64 = 20;
}

impl HtmlSafe for Sparkline<'_> {}

impl Display for Sparkline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.values.len().max(1) * Self::STEP;
        let largest = self.values.iter().copied().max().unwrap_or(0);
        let last = self.values.last().copied().unwrap_or(0);
        write!(
            f,
            "<svg class=\"spark\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{words}\">\
             <path class=\"base\" d=\"M0 {base}H{width}\"/><path class=\"bar\" d=\"",
            height = Self::HEIGHT,
            words = say!(
                "Assets a day over {0} days: at most {1}, {2} on the last day",
                self.values.len(),
                largest,
                last
            ),
            base = Self::HEIGHT as f64 - 0.5,
        )?;
        for (at, value) in self.values.iter().enumerate().filter(|(_, value)| **value > 0) {
            let tall = scale(*value, largest, Self::HEIGHT).max(2);
            write!(f, "M{} {}v-{tall}h{bar}v{tall}z", at * Self::STEP, Self::HEIGHT, bar = Self::BAR)?;
        }
        f.write_str("\"/></svg>")
    }
}

/// Bars over days with an axis, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct DayBars<'a> {
    /// What it shows, for the title: `Assets with AI activity a day`.
    pub(crate) title: &'a str,
    /// What one unit is called: `asset`.
    pub(crate) noun: &'static str,
    /// One value a day.
    pub(crate) days: Vec<(Day, u64)>,
    /// The day on which it is read.
    pub(crate) today: Day,
    /// Unique on the page: names the title for assistive technology.
    pub(crate) id: &'static str,
}

impl DayBars<'_> {
    const WIDTH: usize = 720;
    const HEIGHT: u64 = 168;
    const LEFT: usize = 36;
    const TOP: u64 = 10;
    const BOTTOM: u64 = 20;

    fn summary(&self) -> impl Display {
        let largest = self.days.iter().map(|(_, value)| *value).max().unwrap_or(0);
        match (self.days.first(), self.days.last()) {
            (Some((first, _)), Some((last, now))) => say!(
                "{0} to {1}: at most {2} on one day, {3} on the last.",
                DayWords { day: *first, today: self.today },
                DayWords { day: *last, today: self.today },
                Plural(largest, self.noun),
                now
            ),
            _ => t("No days yet.").to_owned(),
        }
    }
}

impl HtmlSafe for DayBars<'_> {}

impl Display for DayBars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.days.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let ceiling = round_ceiling(largest);
        let plot = Self::HEIGHT - Self::TOP - Self::BOTTOM;
        let floor = Self::TOP + plot;
        let (id, width, height) = (self.id, Self::WIDTH, Self::HEIGHT);
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{summary}</desc>",
            title = askama::filters::escape(self.title, askama::filters::Html).map_err(|_| fmt::Error)?,
            summary = self.summary(),
        )?;
        for (value, line) in [(ceiling, Self::TOP), (ceiling / 2, Self::TOP + plot / 2)] {
            if value > 0 && (ceiling > 1 || value == ceiling) {
                write!(
                    f,
                    "<path class=\"grid\" d=\"M{left} {line}.5H{width}\"/><text class=\"end\" x=\"{label}\" y=\"{y}\">{value}</text>",
                    left = Self::LEFT,
                    label = Self::LEFT - 6,
                    y = line + 4,
                )?;
            }
        }
        let step = (Self::WIDTH - Self::LEFT) as f64 / self.days.len().max(1) as f64;
        let bar = (step * 0.72).clamp(1.0, 24.0);
        f.write_str("<path class=\"bar\" d=\"")?;
        for (at, (_, value)) in self.days.iter().enumerate().filter(|(_, (_, value))| *value > 0) {
            let tall = scale(*value, ceiling, plot).max(1);
            let x = Self::LEFT as f64 + at as f64 * step + (step - bar) / 2.0;
            write!(f, "M{x:.1} {floor}v-{tall}h{bar:.1}v{tall}z")?;
        }
        write!(f, "\"/><path class=\"base\" d=\"M{} {floor}.5H{width}\"/>", Self::LEFT)?;
        // A label a week (or a fortnight, for more than five weeks), counted back from the last day.
        let every = if self.days.len() > 35 { 14 } else { 7 };
        for (at, (day, _)) in self.days.iter().enumerate() {
            if (self.days.len() - 1 - at).is_multiple_of(every) {
                let x = Self::LEFT as f64 + (at as f64 + 0.5) * step;
                let (anchor, x) =
                    if at + 1 == self.days.len() { ("end", width as f64) } else { ("middle", x) };
                let words = DayWords { day: *day, today: self.today };
                write!(f, "<text class=\"{anchor}\" x=\"{x:.0}\" y=\"{}\">{words}</text>", Self::HEIGHT - 5)?;
            }
        }
        f.write_str("</svg>")
    }
}

/// `value` of `largest` as a part of `height`, rounded to the nearest.
fn scale(value: u64, largest: u64, height: u64) -> u64 {
    if largest == 0 {
        return 0;
    }
    let tall = (u128::from(value) * u128::from(height) + u128::from(largest) / 2) / u128::from(largest);
    u64::try_from(tall).unwrap_or(height).min(height)
}

/// The next even number of the form 2, 4, 6, 8, 10, 12, 16, 20, 40 … at or above `largest`: its half is
/// whole, so both grid lines have whole numbers. At least 2.
fn round_ceiling(largest: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [2, 4, 6, 8, 10, 12, 16] {
            let candidate = power.saturating_mul(factor);
            if candidate >= largest {
                return candidate;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_even_and_not_below_the_largest() {
        for (largest, ceiling) in [(0, 2), (1, 2), (3, 4), (9, 10), (11, 12), (17, 20), (61, 80), (101, 120)]
        {
            assert_eq!(round_ceiling(largest), ceiling);
        }
        assert_eq!(round_ceiling(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_largest_value_fills_the_height_and_zero_draws_nothing() {
        let svg = Sparkline { values: &[0, 5, 10] }.to_string();
        assert!(svg.contains("M6 20v-20h2v20z"), "{svg}");
        assert!(svg.contains("M3 20v-10h2v10z"), "{svg}");
        assert!(!svg.contains("M0 20v-"), "{svg}");
    }

    #[test]
    fn a_chart_carries_no_style_and_no_script() {
        let today: Day = "2026-11-21".parse().unwrap();
        let days = (0..30).rev().map(|back| (today.back(back), u64::from(back % 7))).collect();
        let svg = DayBars { title: "a <b> & c", noun: "asset", days, today, id: "x" }.to_string();
        assert!(svg.contains("a &#60;b&#62; &#38; c"), "{svg}");
        for forbidden in ["style=", "<script", "href", " on"] {
            assert!(
                !svg.replace("on one day", "").replace("on the last", "").contains(forbidden),
                "{forbidden}: {svg}"
            );
        }
    }

    #[test]
    fn an_empty_chart_says_so() {
        let today: Day = "2026-11-21".parse().unwrap();
        let svg = DayBars { title: "t", noun: "asset", days: Vec::new(), today, id: "x" }.to_string();
        assert!(svg.contains("No days yet."), "{svg}");
    }
}
