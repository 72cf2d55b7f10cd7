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
        let canvas = Canvas { ceiling: round_ceiling(largest), days: self.days.len(), width: Canvas::HALF };
        canvas.begin(f, self.id, self.title, &self.summary())?;
        f.write_str("<path class=\"bar\" d=\"")?;
        for (at, (_, value)) in self.days.iter().enumerate().filter(|(_, (_, value))| *value > 0) {
            canvas.bar(f, at, 0, canvas.tall(*value).max(1))?;
        }
        f.write_str("\"/>")?;
        let last = self.days.last().map_or(self.today, |(day, _)| *day);
        canvas.end(f, |back| last.back(back), self.today)
    }
}

/// Bars over days, each made of parts that lie on one another; the first part lies lowest. Each part has a colour of its own, the eighth
/// and all after it share one.
#[derive(Debug, Clone)]
pub(crate) struct StackedDays<'a> {
    /// What it shows, for the title.
    pub(crate) title: &'a str,
    /// What each part is called, with its number for each day, the oldest first.
    pub(crate) parts: &'a [(String, Vec<u64>)],
    /// The last of the days: the one on which it is read.
    pub(crate) today: Day,
    /// Unique on the page.
    pub(crate) id: &'static str,
}

impl StackedDays<'_> {
    /// Colours there are for parts.
    const COLOURS: usize = 8;

    /// Style class of the part at this place.
    pub(crate) fn class(at: usize) -> String {
        format!("part-{}", at.min(Self::COLOURS - 1) + 1)
    }

    fn days(&self) -> usize {
        self.parts.iter().map(|(_, days)| days.len()).max().unwrap_or(0)
    }

    fn sum(&self, at: usize) -> u64 {
        self.parts.iter().map(|(_, days)| days.get(at).copied().unwrap_or(0)).sum()
    }
}

impl HtmlSafe for StackedDays<'_> {}

impl Display for StackedDays<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.days();
        let sums: Vec<u64> = (0..count).map(|at| self.sum(at)).collect();
        let canvas = Canvas {
            ceiling: round_ceiling(sums.iter().copied().max().unwrap_or(0)),
            days: count,
            width: Canvas::WHOLE,
        };
        let words = say!(
            "{0} days in {1} parts: at most {2} on one day, {3} on the last.",
            count,
            self.parts.len(),
            sums.iter().max().unwrap_or(&0),
            sums.last().unwrap_or(&0)
        );
        canvas.begin(f, self.id, self.title, &words)?;
        // What lies below each part, day by day, in units of the drawing.
        let mut floor = vec![0; count];
        let mut below = vec![0_u64; count];
        for (at, (_, days)) in self.parts.iter().enumerate() {
            write!(f, "<path class=\"{}\" d=\"", Self::class(at))?;
            for (day, value) in days.iter().enumerate().filter(|(_, value)| **value > 0) {
                below[day] += value;
                let top = canvas.tall(below[day]).max(floor[day] + 1);
                canvas.bar(f, day, floor[day], top)?;
                floor[day] = top;
            }
            f.write_str("\"/>")?;
        }
        canvas.end(f, |back| self.today.back(back), self.today)
    }
}

/// Parts of a whole as one bar, with a gap between them.
#[derive(Debug, Clone)]
pub(crate) struct PartsBar {
    /// What the whole is, for who does not see it.
    pub(crate) title: &'static str,
    /// Each part: style class, what it is called, how much.
    pub(crate) parts: Vec<(&'static str, &'static str, u64)>,
}

impl HtmlSafe for PartsBar {}

impl Display for PartsBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: u64 = 1_000;
        let whole: u64 = self.parts.iter().map(|(_, _, count)| count).sum();
        let words: Vec<String> =
            self.parts.iter().map(|(_, label, count)| say!("{0} {1}", count, label)).collect();
        let label = format!("{}: {}", self.title, words.join(", "));
        write!(
            f,
            "<svg class=\"parts\" viewBox=\"0 0 {WIDTH} 12\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\
             <path class=\"rest\" d=\"M0 0H{WIDTH}V12H0z\"/>",
            askama::filters::escape(&label, askama::filters::Html).map_err(|_| fmt::Error)?
        )?;
        let mut sum = 0;
        for (class, _, count) in self.parts.iter().filter(|(_, _, count)| *count > 0) {
            // The smallest part shows too, and a gap parts it from the next.
            let from = scale(sum, whole, WIDTH).min(WIDTH - 3);
            sum += count;
            let to = scale(sum, whole, WIDTH).max(from + 3) - 2;
            write!(f, "<path class=\"{class}\" d=\"M{from} 0H{to}V12H{from}z\"/>")?;
        }
        f.write_str("</svg>")
    }
}

/// The ground of a chart over days: frame, lines of the scale, labels of the days.
struct Canvas {
    ceiling: u64,
    days: usize,
    /// In units of the drawing: as wide as the place it is for, so that its words are of the size of the others.
    width: usize,
}

impl Canvas {
    /// Beside something else.
    const HALF: usize = 720;
    /// Over the whole page.
    const WHOLE: usize = 1_120;
    const HEIGHT: u64 = 168;
    const LEFT: usize = 36;
    const TOP: u64 = 10;
    const BOTTOM: u64 = 20;
    const PLOT: u64 = Self::HEIGHT - Self::TOP - Self::BOTTOM;
    const FLOOR: u64 = Self::TOP + Self::PLOT;

    fn step(&self) -> f64 {
        (self.width - Self::LEFT) as f64 / self.days.max(1) as f64
    }

    /// A value's height.
    fn tall(&self, value: u64) -> u64 {
        scale(value, self.ceiling, Self::PLOT)
    }

    fn begin(&self, f: &mut fmt::Formatter<'_>, id: &str, title: &str, summary: &dyn Display) -> fmt::Result {
        let (width, height) = (self.width, Self::HEIGHT);
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{summary}</desc>",
            title = askama::filters::escape(title, askama::filters::Html).map_err(|_| fmt::Error)?,
        )?;
        for (value, line) in [(self.ceiling, Self::TOP), (self.ceiling / 2, Self::TOP + Self::PLOT / 2)] {
            if value > 0 && (self.ceiling > 1 || value == self.ceiling) {
                write!(
                    f,
                    "<path class=\"grid\" d=\"M{left} {line}.5H{width}\"/><text class=\"end\" x=\"{label}\" y=\"{y}\">{value}</text>",
                    left = Self::LEFT,
                    label = Self::LEFT - 6,
                    y = line + 4,
                )?;
            }
        }
        Ok(())
    }

    /// A piece of a path: the bar of a day between two heights.
    fn bar(&self, f: &mut fmt::Formatter<'_>, at: usize, from: u64, to: u64) -> fmt::Result {
        let step = self.step();
        let wide = (step * 0.72).clamp(1.0, 24.0);
        let x = Self::LEFT as f64 + at as f64 * step + (step - wide) / 2.0;
        let tall = to - from;
        write!(f, "M{x:.1} {}v-{tall}h{wide:.1}v{tall}z", Self::FLOOR - from)
    }

    /// The base line, and a label a week (or a fortnight, for more than five weeks), counted back from the last day.
    fn end(&self, f: &mut fmt::Formatter<'_>, back: impl Fn(u32) -> Day, today: Day) -> fmt::Result {
        write!(f, "<path class=\"base\" d=\"M{} {}.5H{}\"/>", Self::LEFT, Self::FLOOR, self.width)?;
        let every = if self.days > 35 { 14 } else { 7 };
        for at in (0..self.days).filter(|at| (self.days - 1 - at).is_multiple_of(every)) {
            let x = Self::LEFT as f64 + (at as f64 + 0.5) * self.step();
            let (anchor, x) = if at + 1 == self.days { ("end", self.width as f64) } else { ("middle", x) };
            let day = back(u32::try_from(self.days - 1 - at).unwrap_or(u32::MAX));
            let words = DayWords { day, today };
            write!(f, "<text class=\"{anchor}\" x=\"{x:.0}\" y=\"{}\">{words}</text>", Self::HEIGHT - 5)?;
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

    #[test]
    fn parts_lie_on_one_another_and_none_is_lost() {
        let today: Day = "2026-11-21".parse().unwrap();
        let parts =
            [("a <b>".to_owned(), vec![0, 5]), ("c".to_owned(), vec![1, 5]), ("d".to_owned(), vec![0, 0])];
        let svg = StackedDays { title: "t", parts: &parts, today, id: "x" }.to_string();
        assert!(svg.contains("at most 10 on one day, 10 on the last"), "{svg}");
        // The second part of the last day begins where the first ends, and both fill the height.
        assert!(svg.contains("148v-69h") && svg.contains("79v-69h"), "{svg}");
        assert!(svg.contains("class=\"part-3\" d=\"\""), "{svg}");
        assert!(!svg.contains("style="), "{svg}");
        let many: Vec<(String, Vec<u64>)> = (0..12).map(|at| (at.to_string(), vec![1])).collect();
        let svg = StackedDays { title: "t", parts: &many, today, id: "x" }.to_string();
        assert_eq!(svg.matches("class=\"part-8\"").count(), 5, "{svg}");
    }

    #[test]
    fn a_bar_of_parts_shows_the_smallest_one_too() {
        let bar = |parts| PartsBar { title: "Sensors", parts }.to_string();
        let svg = bar(vec![("good", "reporting", 9_999), ("bad", "silent", 1)]);
        assert!(svg.contains("aria-label=\"Sensors: 9999 reporting, 1 silent\""), "{svg}");
        assert!(svg.contains("class=\"bad\" d=\"M997 0H998V12"), "{svg}");
        assert!(!bar(vec![("good", "reporting", 0)]).contains("class=\"good\""));
    }
}
