//! The front doors: what one begins with, by what one is here for.

use askama::Template;
use umbrascope_api::Day;

use super::governance::QueueRow;
use super::{Frame, filters};
use crate::model::finding::WorkCounts;
use crate::model::{CoverageTotals, ProductRow, Trend, TrendBy};
use crate::scope::Coverage;
use crate::store::scope::StatementRow;
use crate::web::blind::SensorView;
use crate::web::chart::{PartsBar, StackedDays};
use crate::web::doors::Door;
use crate::web::language::{say, t};
use crate::web::words;

/// A door in the row of doors.
#[derive(Debug)]
pub(crate) struct DoorTab {
    /// Which.
    pub(crate) door: Door,
    /// Whether it is the one that is open.
    pub(crate) open: bool,
}

/// A number that leads to what it counts.
#[derive(Debug)]
pub(crate) struct Tile {
    /// Where it leads.
    pub(crate) href: String,
    /// What it counts.
    pub(crate) label: &'static str,
    /// How many.
    pub(crate) count: u64,
    /// More of it, in a few words.
    pub(crate) note: String,
    /// Style class of the note.
    pub(crate) class: &'static str,
}

impl Tile {
    /// Without a note.
    pub(crate) fn new(href: impl Into<String>, label: &'static str, count: u64) -> Self {
        Self { href: href.into(), label, count, note: String::new(), class: "" }
    }

    /// With a note that asks for attention where its number is not 0.
    pub(crate) fn noted(self, count: u64, note: &str) -> Self {
        if count == 0 { self } else { Self { note: say!("{0} {1}", count, note), class: "warn", ..self } }
    }
}

/// A trend as it is drawn: a name and a number for each day, for each part.
#[derive(Debug)]
pub(crate) struct TrendView {
    /// What it is split by.
    pub(crate) by: TrendBy,
    /// Parts, the largest first.
    pub(crate) parts: Vec<(String, Vec<u64>)>,
    /// The day on which it is read.
    pub(crate) today: Day,
}

impl TrendView {
    /// With names that people read.
    pub(crate) fn of(by: TrendBy, trend: Vec<Trend>, today: Day) -> Self {
        let name = |line: &Trend| match (line.name.as_str(), by) {
            ("", _) => t("Everything else").to_owned(),
            (word, TrendBy::Kind) => {
                word.parse().map_or_else(|_| word.to_owned(), |kind| words::kind_label(kind).to_owned())
            }
            (name, _) => name.to_owned(),
        };
        Self { by, parts: trend.into_iter().map(|line| (name(&line), line.days)).collect(), today }
    }

    /// The drawing.
    pub(crate) fn chart(&self) -> StackedDays<'_> {
        let title = match self.by {
            TrendBy::Unit => t("Machines that showed AI, by day and unit"),
            TrendBy::Vendor => t("Products on machines, by day and vendor"),
            TrendBy::Kind => t("Products on machines, by day and kind"),
        };
        StackedDays { title, parts: &self.parts, today: self.today, id: "trend" }
    }

    /// Style class of a part.
    pub(crate) fn class(&self, at: &usize) -> String {
        StackedDays::class(*at)
    }

    /// The days of the table, the newest first: the day, and the number of each part.
    pub(crate) fn days(&self) -> Vec<(Day, Vec<u64>)> {
        let count = self.parts.iter().map(|(_, days)| days.len()).max().unwrap_or(0);
        let row = |back: usize| {
            let at = count - 1 - back;
            let parts = self.parts.iter().map(|(_, days)| days.get(at).copied().unwrap_or(0)).collect();
            (self.today.back(u32::try_from(back).unwrap_or(u32::MAX)), parts)
        };
        (0..count).map(row).collect()
    }
}

/// For who triages and reviews.
#[derive(Debug, Template)]
#[template(path = "start_security.html")]
pub(crate) struct SecurityDoor {
    /// The frame.
    pub(crate) frame: Frame,
    /// The doors that are open to the reader.
    pub(crate) doors: Vec<DoorTab>,
    /// Numbers at the head.
    pub(crate) tiles: Vec<Tile>,
    /// When the reader last said that they had looked, Unix time in milliseconds; 0: never.
    pub(crate) looked_at_ms: i64,
    /// Products that were first seen since, the newest first.
    pub(crate) news: Vec<ProductRow>,
    /// How many there are.
    pub(crate) all_news: u64,
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// The trend; `None`: it would tell of small groups.
    pub(crate) trend: Option<TrendView>,
    /// Sensors that report, and all of them.
    pub(crate) sensors: (u64, u64),
}

impl SecurityDoor {
    /// What a trend can be split by.
    pub(crate) fn splits(&self) -> [TrendBy; 3] {
        TrendBy::ALL
    }
}

/// A version, and on how many sensors it runs.
#[derive(Debug)]
pub(crate) struct VersionLine {
    /// The version; empty: said by none.
    pub(crate) version: String,
    /// Sensors.
    pub(crate) count: u64,
    /// Of a hundred.
    pub(crate) percent: u64,
    /// How it stands to the newest: style class and word.
    pub(crate) standing: Option<(&'static str, &'static str)>,
}

/// For who deploys agents.
#[derive(Debug, Template)]
#[template(path = "start_it.html")]
pub(crate) struct ItDoor<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// The doors that are open to the reader.
    pub(crate) doors: Vec<DoorTab>,
    /// What should be there and what is.
    pub(crate) coverage: Coverage,
    /// What is summed up over all sensors.
    pub(crate) totals: CoverageTotals,
    /// Sensors that run an older agent than the newest one seen.
    pub(crate) outdated: u64,
    /// Versions of the agent, the most frequent first.
    pub(crate) agents: Vec<VersionLine>,
    /// Versions of the catalogue.
    pub(crate) catalogues: Vec<VersionLine>,
    /// Sensors that see least, where the reader may know machines by name.
    pub(crate) sensors: Option<Vec<SensorView<'a>>>,
    /// Enrolment tokens that can be used.
    pub(crate) tokens: u64,
    /// Where agents enrol.
    pub(crate) url: String,
}

impl ItDoor<'_> {
    /// What the sensors run, and on how many of them.
    pub(crate) fn versions(&self) -> [(&'static str, &[VersionLine]); 2] {
        [(t("Agent"), &self.agents), (t("Catalogue"), &self.catalogues)]
    }

    /// How far the roll-out is.
    pub(crate) fn rollout(&self) -> PartsBar {
        let missing = self.coverage.expected.as_ref().map_or(0, |expected| expected.never_enrolled());
        PartsBar {
            title: t("Endpoints"),
            parts: vec![
                ("good", t("reporting"), self.totals.reporting),
                ("warn", t("silent"), self.totals.silent),
                ("none", t("never enrolled"), missing),
            ],
        }
    }
}

/// What waits for somebody, and where it is done.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Where it is done.
    pub(crate) href: &'static str,
    /// What waits.
    pub(crate) label: &'static str,
    /// How many.
    pub(crate) count: u64,
    /// What has to be done, in words.
    pub(crate) advice: &'static str,
}

/// How many requirements stand where.
#[derive(Debug)]
pub(crate) struct Standings {
    /// Word, style class and count of each standing.
    pub(crate) counts: Vec<(&'static str, &'static str, u64)>,
    /// Gaps: id and what is asked for.
    pub(crate) gaps: Vec<(String, String)>,
}

impl Standings {
    /// As one bar.
    pub(crate) fn bar(&self) -> PartsBar {
        let parts = self.counts.iter().map(|(label, class, count)| (*class, *label, *count)).collect();
        PartsBar { title: t("Requirements"), parts }
    }
}

/// For who owns systems and decides the scope.
#[derive(Debug, Template)]
#[template(path = "start_scope.html")]
pub(crate) struct ScopeDoor {
    /// The frame.
    pub(crate) frame: Frame,
    /// The doors that are open to the reader.
    pub(crate) doors: Vec<DoorTab>,
    /// What waits for the reader.
    pub(crate) waiting: Vec<Waiting>,
    /// The reader's own records.
    pub(crate) own: Vec<QueueRow>,
    /// How many there are.
    pub(crate) all_own: u64,
    /// Of the statements, where the reader sees the records of every unit.
    pub(crate) statement: Option<StatementNow>,
    /// Share of the expected endpoints that report, in words.
    pub(crate) share: String,
    /// Readiness.
    pub(crate) standings: Standings,
}

/// The statement in force, and how things stand to it.
#[derive(Debug)]
pub(crate) struct StatementNow {
    /// The one in force.
    pub(crate) in_force: Option<StatementRow>,
    /// The one that is written.
    pub(crate) open: Option<StatementRow>,
    /// Records in, out and undetermined now.
    pub(crate) counts: (u64, u64, u64),
    /// Records that would stand otherwise: reference, name, and how.
    pub(crate) changes: Vec<(String, String, String)>,
    /// How many there are.
    pub(crate) all_changes: u64,
}

/// The audit trail's proof.
#[derive(Debug)]
pub(crate) struct ProofView {
    /// Entries of the trail.
    pub(crate) entries: u64,
    /// Entries that no checkpoint covers.
    pub(crate) unsigned: u64,
    /// The newest checkpoint: its entries, and the root over them.
    pub(crate) checkpoint: Option<(u64, String)>,
    /// Entries that a time stamp covers, and its time, Unix milliseconds.
    pub(crate) stamp: Option<(u64, i64)>,
}

/// For who audits.
#[derive(Debug, Template)]
#[template(path = "start_audit.html")]
pub(crate) struct AuditDoor {
    /// The frame.
    pub(crate) frame: Frame,
    /// The doors that are open to the reader.
    pub(crate) doors: Vec<DoorTab>,
    /// The statement in force, and how things stand to it.
    pub(crate) statement: Option<StatementNow>,
    /// Who approved the statement in force, and who countersigned it.
    pub(crate) signed_by: Option<(String, String)>,
    /// The proof.
    pub(crate) proof: ProofView,
    /// Coverage, line by line.
    pub(crate) coverage: Vec<(&'static str, String)>,
    /// Readiness.
    pub(crate) standings: Standings,
    /// Open work.
    pub(crate) counts: WorkCounts,
}

/// For who looks after the people concerned.
#[derive(Debug, Template)]
#[template(path = "start_privacy.html")]
pub(crate) struct PrivacyDoor {
    /// The frame.
    pub(crate) frame: Frame,
    /// The doors that are open to the reader.
    pub(crate) doors: Vec<DoorTab>,
    /// Since when suspects are collected, Unix time in milliseconds.
    pub(crate) suspects_since_ms: Option<i64>,
    /// Since when sealed names are kept.
    pub(crate) names_since_ms: Option<i64>,
    /// How long things are kept: what, and for how long.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// The smallest number that is told.
    pub(crate) least: u64,
    /// What was deleted last: when, and how many rows.
    pub(crate) swept: Option<(i64, u64)>,
    /// Looks at single machines and persons, as far as the reader may know.
    pub(crate) readings: Option<u64>,
    /// Requests to learn a name: waiting, and all.
    pub(crate) names: Option<(u64, u64)>,
    /// Requests to erase a pseudonym: waiting, and all.
    pub(crate) erasures: Option<(u64, u64)>,
    /// Emergencies of the last thirty days, and whether one lasts; `None`: the reader is not told.
    pub(crate) emergencies: Option<(u64, bool)>,
    /// Whether other times are asked for.
    pub(crate) times_asked: bool,
    /// Whether the reader may read the pack of the assessment.
    pub(crate) assesses: bool,
    /// Hash of the settings that the notice is made of.
    pub(crate) notice: String,
}
