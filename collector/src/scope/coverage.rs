//! What a list rests on: how much of what there should be was looked at, and what could not be seen. A number that is not known is
//! said to be unknown, and no share is made of it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use crate::model::record::Observed;

/// Hours within which a sensor must have reported to count as reporting.
pub const WINDOW_HOURS: u32 = 24;

/// What a list rests on, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Unix milliseconds.
    pub as_of_ms: i64,
    /// Hours within which a sensor must have reported to count as reporting.
    pub window_hours: u32,
    /// The endpoints that there should be; `None`: no list says so.
    pub expected: Option<Expected>,
    /// Machines with a sensor that is let in.
    pub enrolled: u64,
    /// Those of them that reported within the window.
    pub reporting: u64,
    /// Those of them that no list names; `None` without a list.
    pub unexpected: Option<u64>,
    /// Detectors, and on how many of the reporting sensors each of them works.
    pub detectors: Vec<Detector>,
    /// Machines that are enrolled and silent, by how long.
    pub silent: Silent,
    /// Sites and networks without a sensor, as somebody declared.
    pub blind_sites: Vec<String>,
    /// Sites and networks of which nobody said whether there is a sensor.
    pub unsaid_sites: Vec<String>,
    /// Connectors that fail; `None`: none is set up.
    pub connectors_failing: Option<u64>,
    /// What of the traffic could not be named.
    pub traffic: Traffic,
    /// First and last day of what was reported; `None`: nothing was.
    pub days: Option<(Day, Day)>,
}

/// The endpoints that there should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expected {
    /// Where that is known from.
    pub sources: Vec<Source>,
    /// How many; one that several lists name counts once.
    pub endpoints: u64,
    /// Those of them with a sensor.
    pub enrolled: u64,
    /// Those of them that reported within the window.
    pub reporting: u64,
    /// Those of them for whose platform there is no agent, by platform, as the lists say.
    pub unsupported: BTreeMap<String, u64>,
}

/// A list of endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Day of the list.
    pub as_of: Option<Day>,
    /// Endpoints in it.
    pub endpoints: u64,
}

/// One way of looking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detector {
    /// Its name.
    pub name: String,
    /// Sensors on which it looked to the end, or found that there is nothing to look at.
    pub healthy: u64,
    /// Sensors that reported within the window and told of it.
    pub of: u64,
}

/// Machines that are silent, by how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Silent {
    /// Beyond the window, for less than 7 days.
    pub under_7_days: u64,
    /// For 7 to 29 days.
    pub under_30_days: u64,
    /// For 30 days and more.
    pub longer: u64,
    /// Never heard of since they enrolled.
    pub never: u64,
}

/// What of the traffic could not be named, over the sensors that watch it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Beginnings of encrypted connections seen.
    pub connections: u64,
    /// Those of them that carried no name.
    pub without_name: u64,
    /// Those of them whose name stands for another that Encrypted ClientHello hides.
    pub hidden: u64,
    /// Connections to encrypted resolvers: their queries cannot be seen.
    pub encrypted_dns: u64,
}

/// Name of the [`Detector`] that watches the network; each of the others is a source of a scan.
pub const NETWORK: &str = "network";

/// How a sensor can see something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    /// By names of hosts on the network.
    pub names: bool,
    /// By what is installed, configured or running.
    pub software: bool,
}

impl Ways {
    /// How rules see each product of a catalogue, by its id.
    pub fn of_products(catalogue: &Catalogue) -> HashMap<&str, Self> {
        let mut found: HashMap<&str, Self> = HashMap::new();
        for rule in catalogue.rules().iter().filter(|rule| !rule.deny && !rule.retired) {
            let ways = found.entry(&rule.product).or_default();
            for indicator in &rule.indicators {
                match indicator.kind.is_name() {
                    true => ways.names = true,
                    false => ways.software = true,
                }
            }
        }
        found
    }

    /// By either of two.
    pub fn or(self, other: Self) -> Self {
        Self { names: self.names || other.names, software: self.software || other.software }
    }

    /// Whether one of these is among others.
    pub fn meets(self, other: Self) -> bool {
        self.names && other.names || self.software && other.software
    }
}

/// What a list says of something. The three are never mixed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// It was seen.
    Found,
    /// Sensors that could have seen it reported, and it was not seen.
    LookedForAndNotFound,
    /// Nothing that reports could have seen it.
    #[default]
    NotLookedFor,
}

impl Looked {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::LookedForAndNotFound => "looked for and not found",
            Self::NotLookedFor => "not looked for",
        }
    }

    /// What is to be said of something that sensors show as `observed` and that can be seen in these ways, where `works` are those that
    /// work on some sensor that reports from where it belongs.
    pub fn of(observed: Observed, ways: Ways, works: Ways) -> Self {
        match observed {
            Observed::Active => Self::Found,
            _ if ways.meets(works) => Self::LookedForAndNotFound,
            _ => Self::NotLookedFor,
        }
    }
}

impl Silent {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.under_7_days + self.under_30_days + self.longer + self.never
    }

    /// Counts one that last reported at a time; 0: never.
    pub fn count(&mut self, last_report_at_ms: i64, now_ms: i64) {
        const DAY_MS: i64 = 86_400_000;
        match (now_ms - last_report_at_ms).max(0) / DAY_MS {
            _ if last_report_at_ms == 0 => self.never += 1,
            days if days < 7 => self.under_7_days += 1,
            days if days < 30 => self.under_30_days += 1,
            _ => self.longer += 1,
        }
    }
}

impl Expected {
    /// Share of them that report, in percent, rounded down; `None` of none.
    pub fn percent(&self) -> Option<u32> {
        share_down(self.reporting, self.endpoints)
    }

    /// Those that no sensor was ever enrolled on.
    pub fn never_enrolled(&self) -> u64 {
        self.endpoints.saturating_sub(self.enrolled)
    }

    /// Day of the oldest list, where every list has one.
    pub fn oldest(&self) -> Option<Day> {
        self.sources.iter().map(|source| source.as_of).collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    fn unsupported_total(&self) -> u64 {
        self.unsupported.values().sum()
    }
}

impl Coverage {
    /// Share of the expected endpoints that report, in percent, rounded down; `None`: not known. Those for whose platform there is no
    /// agent are expected like the others, for nothing looks at them.
    pub fn percent(&self) -> Option<u32> {
        self.expected.as_ref()?.percent()
    }

    /// Share of the encrypted connections that could not be named, in percent, rounded up; `None`: none was seen.
    pub fn unnamed_percent(&self) -> Option<u32> {
        let Traffic { connections, without_name, hidden, .. } = self.traffic;
        let named = connections.saturating_sub(without_name.saturating_add(hidden));
        share_down(named, connections).map(|percent| 100 - percent)
    }

    /// The share in words: never a number where the denominator is not known.
    pub fn share(&self) -> String {
        match (&self.expected, self.percent()) {
            (Some(expected), Some(percent)) => {
                format!(
                    "{} of {} expected endpoints report ({percent} %)",
                    expected.reporting, expected.endpoints
                )
            }
            _ => format!("{} endpoints report; how many there should be is unknown", self.reporting),
        }
    }

    /// Every line of it in words: what, and how much. Nothing is left out, also where it is unknown or none.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let unknown = || "unknown".to_owned();
        let known = |n: Option<u64>| n.map_or_else(unknown, |n| n.to_string());
        let expected = self.expected.as_ref();
        let list =
            |names: &[String]| if names.is_empty() { "none declared".to_owned() } else { names.join(", ") };
        let silent = &self.silent;
        vec![
            ("Expected endpoints", expected.map_or_else(unknown, |expected| expected.endpoints.to_string())),
            ("Source and date", expected.map_or_else(unknown, sources)),
            ("Enrolled", self.enrolled.to_string()),
            ("Reporting", format!("{} within {} hours", self.reporting, self.window_hours)),
            ("Share of the expected that reports", self.percent().map_or_else(unknown, |n| format!("{n} %"))),
            ("Expected and never enrolled", known(expected.map(Expected::never_enrolled))),
            ("Enrolled and not expected", known(self.unexpected)),
            (
                "Silent",
                format!(
                    "{}: {} for less than 7 days, {} for 7 to 29, {} for longer, {} never heard of",
                    silent.total(),
                    silent.under_7_days,
                    silent.under_30_days,
                    silent.longer,
                    silent.never
                ),
            ),
            ("Detectors that work", detectors(&self.detectors)),
            ("Platforms without an agent", expected.map_or_else(unknown, unsupported)),
            ("Sites and networks without a sensor", list(&self.blind_sites)),
            ("Sites and networks of which that is unknown", list(&self.unsaid_sites)),
            (
                "Connectors failing",
                self.connectors_failing
                    .map_or_else(|| "no connector is set up".to_owned(), |n| n.to_string()),
            ),
            ("Encrypted connections that could not be named", self.unnamed()),
            (
                "Connections to encrypted resolvers",
                format!("{}, whose queries cannot be seen", self.traffic.encrypted_dns),
            ),
            (
                "Time range",
                self.days.map_or_else(
                    || "nothing was reported".to_owned(),
                    |(first, last)| format!("{first} to {last}"),
                ),
            ),
        ]
    }

    fn unnamed(&self) -> String {
        let Traffic { connections, without_name, hidden, .. } = self.traffic;
        match self.unnamed_percent() {
            Some(percent) => format!(
                "{percent} % of {connections}: {without_name} without a name, {hidden} hidden by Encrypted ClientHello"
            ),
            None => "unknown: no sensor watched any".to_owned(),
        }
    }
}

/// In percent, rounded down; `None` of nothing.
fn share_down(part: u64, whole: u64) -> Option<u32> {
    if whole == 0 {
        return None;
    }
    let percent = u128::from(part.min(whole)) * 100 / u128::from(whole);
    u32::try_from(percent).ok()
}

fn sources(expected: &Expected) -> String {
    let one = |source: &Source| match source.as_of {
        Some(day) => format!("{} of {day} ({})", source.name, source.endpoints),
        None => format!("{}, without a date ({})", source.name, source.endpoints),
    };
    expected.sources.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn detectors(detectors: &[Detector]) -> String {
    let one = |detector: &Detector| format!("{} {} of {}", detector.name, detector.healthy, detector.of);
    match detectors {
        [] => "unknown: no sensor reported".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

fn unsupported(expected: &Expected) -> String {
    if expected.unsupported.is_empty() {
        return "none by the lists".to_owned();
    }
    let each = expected.unsupported.iter().map(|(platform, n)| format!("{platform} {n}")).collect::<Vec<_>>();
    format!("{}: {}", expected.unsupported_total(), each.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(endpoints: u64, reporting: u64) -> Coverage {
        let expected = Expected { endpoints, reporting, enrolled: reporting, ..Expected::default() };
        Coverage { expected: Some(expected), reporting, window_hours: WINDOW_HOURS, ..Coverage::default() }
    }

    #[test]
    fn an_unknown_denominator_is_said_and_makes_no_percentage() {
        let unknown = Coverage { reporting: 7, enrolled: 9, ..Coverage::default() };
        assert_eq!(unknown.percent(), None);
        assert_eq!(unknown.share(), "7 endpoints report; how many there should be is unknown");
        let lines = unknown.lines();
        let line = |what| lines.iter().find(|(name, _)| *name == what).unwrap().1.as_str();
        assert_eq!(line("Expected endpoints"), "unknown");
        assert_eq!(line("Share of the expected that reports"), "unknown");
        assert_eq!(line("Expected and never enrolled"), "unknown");
        assert!(lines.iter().all(|(_, text)| !text.contains('%')), "{lines:?}");
        // A list without any endpoint is no denominator either.
        assert_eq!(with(0, 0).percent(), None);
    }

    #[test]
    fn a_share_never_says_more_than_there_is() {
        assert_eq!(with(1_000, 999).percent(), Some(99));
        assert_eq!(with(3, 3).percent(), Some(100));
        let traffic = Traffic { connections: 1_000, without_name: 1, hidden: 0, encrypted_dns: 4 };
        assert_eq!(Coverage { traffic, ..Coverage::default() }.unnamed_percent(), Some(1));
        assert_eq!(Coverage::default().unnamed_percent(), None);
    }

    #[test]
    fn the_three_wordings_are_kept_apart() {
        let ways = |names, software| Ways { names, software };
        let (both, none) = (ways(true, true), ways(false, false));
        assert_eq!(Looked::of(Observed::Active, none, none), Looked::Found);
        for (ways, works) in [(ways(true, false), both), (both, ways(false, true)), (both, both)] {
            for observed in [Observed::Never, Observed::Quiet] {
                assert_eq!(
                    Looked::of(observed, ways, works),
                    Looked::LookedForAndNotFound,
                    "{ways:?} {works:?}"
                );
            }
        }
        for (ways, works) in [
            (ways(true, false), ways(false, true)),
            (ways(false, true), ways(true, false)),
            (both, none),
            (none, both),
        ] {
            assert_eq!(Looked::of(Observed::Never, ways, works), Looked::NotLookedFor, "{ways:?} {works:?}");
        }
    }

    #[test]
    fn silence_falls_into_bands() {
        const DAY: i64 = 86_400_000;
        let (mut silent, now) = (Silent::default(), 100 * DAY);
        for last in [now - 2 * DAY, now - 7 * DAY, now - 29 * DAY, now - 30 * DAY, 0] {
            silent.count(last, now);
        }
        assert_eq!((silent.under_7_days, silent.under_30_days, silent.longer, silent.never), (1, 2, 1, 1));
        assert_eq!(silent.total(), 5);
    }

    proptest! {
        /// Whatever is counted: a share is at most 100, there is one exactly where there is a denominator, and more that report never
        /// lowers it.
        #[test]
        fn shares_are_shares(endpoints in 0_u64..10_000, reporting in 0_u64..12_000, more in 0_u64..50, n in any::<[u64; 3]>()) {
            let percent = with(endpoints, reporting).percent();
            prop_assert_eq!(percent.is_some(), endpoints > 0);
            prop_assert!(percent.unwrap_or(0) <= 100);
            prop_assert!(with(endpoints, reporting + more).percent() >= percent);
            let traffic = Traffic { connections: n[0], without_name: n[1], hidden: n[2], encrypted_dns: 0 };
            let unnamed = Coverage { traffic, ..Coverage::default() }.unnamed_percent();
            prop_assert_eq!(unnamed.is_some(), n[0] > 0);
            prop_assert!(unnamed.unwrap_or(0) <= 100);
        }
    }
}
