//! The parts that pages are made of, side by side.

use askama::Template;
use umbrascope_api::Day;
use umbrascope_rules::Confidence;

use super::{Frame, filters};
use crate::web::chart::{PartsBar, StackedDays};
use crate::web::language::t;

/// The page. What it shows is made up here and says so.
#[derive(Debug, Template)]
#[template(path = "style.html")]
pub(crate) struct StylePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Parts of the chart, by name.
    parts: Vec<(String, Vec<u64>)>,
    /// Days of the small bars.
    days: Vec<u64>,
}

impl StylePage {
    /// With numbers that stand for nothing.
    pub(crate) fn new(frame: Frame) -> Self {
        let names = [
            t("one##a part"),
            t("two##a part"),
            t("three##a part"),
            t("four##a part"),
            t("five##a part"),
            t("six##a part"),
            t("seven##a part"),
            t("the rest"),
        ];
        let days = |part: u64| (0..30).map(|day: u64| (day * (part + 3)) % 11 + 8 - part).collect();
        let parts = (0_u64..).zip(names).map(|(part, name)| (name.to_owned(), days(part))).collect();
        Self { frame, parts, days: (0..30).map(|day| (day * 7) % 13).collect() }
    }

    /// Colours, each with what it is for.
    pub(crate) fn colours(&self) -> [(&'static str, &'static str); 12] {
        [
            ("ground", t("the page")),
            ("surface", t("panels and tables")),
            ("raised", t("heads of tables, quiet fills")),
            ("line", t("borders")),
            ("text", t("text")),
            ("soft", t("text beside")),
            ("accent", t("what can be done, where one is")),
            ("good", t("done, seen, complete")),
            ("warn", t("somebody should look")),
            ("bad", t("refused, prohibited, overdue")),
            ("net", t("known from the network")),
            ("chart", t("a single series")),
        ]
    }

    /// Sizes of type, each with what it is for.
    pub(crate) fn sizes(&self) -> [(&'static str, &'static str); 5] {
        [
            ("figure", t("A figure: 1,024")),
            ("title", t("The head of a page")),
            ("lead", t("The head of a part")),
            ("body", t("Text, tables and forms")),
            ("small", t("What stands beside: units, dates, sources")),
        ]
    }

    /// How sure something is.
    pub(crate) fn confidences(&self) -> [Confidence; 4] {
        [Confidence::High, Confidence::Medium, Confidence::Low, Confidence::Suspect]
    }

    /// The chart of parts.
    pub(crate) fn chart(&self, today: &Day) -> StackedDays<'_> {
        StackedDays { title: t("An example"), parts: &self.parts, today: *today, id: "example" }
    }

    /// Style class of a part.
    pub(crate) fn class(&self, at: &usize) -> String {
        StackedDays::class(*at)
    }

    /// A bar of parts.
    pub(crate) fn bar(&self) -> PartsBar {
        PartsBar {
            title: t("An example"),
            parts: vec![
                ("good", "good", 60),
                ("warn", t("to look at"), 25),
                ("bad", "bad", 10),
                ("none", "none", 5),
            ],
        }
    }
}
