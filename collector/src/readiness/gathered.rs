//! What readiness and indicators look at, as the store gives it.

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::feed::{Facts, Work};
use super::{DEFINITIONS, Measured, indicators};
use crate::model::Role;
use crate::model::document::Document;
use crate::model::governed::Governed;
use crate::model::policy::Policy;
use crate::model::record::AiSystem;
use crate::model::supplier::VendorAssessment;
use crate::scope::{Coverage, UsageBand};

/// Everything, at one moment. [`Gathered::facts`] is what rules look at.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// AI systems, without those that went into others.
    pub systems: Vec<AiSystem>,
    /// For each of them: Unix milliseconds of its first decision.
    pub first_decided_ms: Vec<Option<i64>>,
    /// For each of them: on how many machines it is, where that is asked for; empty: not known of this day.
    pub usage: Vec<UsageBand>,
    /// How the organisation judges suppliers.
    pub suppliers: Vec<VendorAssessment>,
    /// Numbers of the people who are active, in order.
    pub active: Vec<i64>,
    /// Roles, and how many active people hold each.
    pub roles: Vec<(Role, u64)>,
    /// Versions of the policy.
    pub policies: Vec<Policy>,
    /// Documents that nothing took the place of.
    pub documents: Vec<Document>,
    /// Number and day of the scope statement in force.
    pub signed_scope: Option<(u64, Day)>,
    /// Findings.
    pub findings: Work,
    /// Those of them that tell of nonconformities.
    pub nonconformities: Work,
    /// Tasks.
    pub tasks: Work,
    /// Entries of the audit trail, and of them those under a checkpoint.
    pub trail: (u64, u64),
    /// Coverage.
    pub coverage: Coverage,
    /// Suspected names that wait for a person; `None`: they are not collected.
    pub suspects: Option<u64>,
    /// Reference and day of the management review that was held last.
    pub reviewed: Option<(String, Day)>,
    /// Indicators with a target.
    pub targets: u64,
    /// Months for which indicators were kept.
    pub months_kept: u64,
    /// Changes of settings in the trail.
    pub settings_changed: u64,
    /// Whether a deletion has run.
    pub retention_runs: bool,
    /// Version of the method of tiers.
    pub tier_method: String,
    /// Controls of which it was said whether they apply.
    pub controls_judged: u64,
    /// Days after which a confirmation is too old.
    pub review_days: u32,
}

impl Gathered {
    /// As rules look at it, on a day.
    pub fn facts(&self, today: Day) -> Facts<'_> {
        let coverage = &self.coverage;
        let endpoints = match &coverage.expected {
            Some(expected) => (expected.reporting, Some(expected.endpoints)),
            None => (coverage.reporting, None),
        };
        let detectors = coverage.detectors.iter();
        let healthy = detectors.fold((0, 0), |(n, of), one| (n + one.healthy, of + one.of));
        let traffic = &coverage.traffic;
        let unnamed = traffic.without_name.saturating_add(traffic.hidden);
        Facts {
            systems: &self.systems,
            first_decided_ms: &self.first_decided_ms,
            usage: &self.usage,
            suppliers: &self.suppliers,
            active: &self.active,
            roles: &self.roles,
            policies: &self.policies,
            documents: &self.documents,
            signed_scope: self.signed_scope,
            findings: self.findings,
            nonconformities: self.nonconformities,
            tasks: self.tasks,
            trail: self.trail,
            endpoints,
            healthy,
            named: (traffic.connections.saturating_sub(unnamed), traffic.connections),
            suspects: self.suspects,
            reviewed: self.reviewed.as_ref().map(|(reference, day)| (reference.as_str(), *day)),
            targets: self.targets,
            months_kept: self.months_kept,
            settings_changed: self.settings_changed,
            retention_runs: self.retention_runs,
            tier_method: &self.tier_method,
            controls_judged: self.controls_judged,
            review_days: self.review_days,
            ..Facts::on(today)
        }
    }

    /// The indicators of a month, to be kept.
    pub fn kept(&self, month: String, today: Day) -> Kept {
        let values = indicators(&self.facts(today)).into_iter().map(|measured| KeptValue {
            id: measured.indicator.id.to_owned(),
            n: measured.n,
            of: measured.of,
            note: measured.note,
        });
        Kept { month, day: today, definitions: DEFINITIONS.to_owned(), values: values.collect() }
    }
}

/// The records of a past moment, as the trail gives them again.
#[derive(Debug, Clone, Default)]
pub struct Replayed {
    /// What of [`Gathered`] rests on records; the rest is empty.
    pub gathered: Gathered,
    /// Records of which a part was erased since: they are left out.
    pub erased: usize,
}

impl Replayed {
    /// The indicators that rest on records, as of a day. Each says how many records are no longer known.
    pub fn indicators(&self, day: Day) -> Vec<Measured> {
        let measured = indicators(&self.gathered.facts(day)).into_iter();
        let mut measured: Vec<Measured> = measured.filter(|one| one.indicator.from_records).collect();
        if self.erased > 0 {
            for one in &mut measured {
                let begin = if one.note.is_empty() { "" } else { "; " };
                one.note.push_str(&format!("{begin}{} records are no longer known of that day", self.erased));
            }
        }
        measured
    }
}

/// Indicators as they were when a month began: in the trail, so that nobody changes them afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The month: `2026-11`.
    pub month: String,
    /// Day of the computation.
    pub day: Day,
    /// Version of the definitions.
    pub definitions: String,
    /// The values.
    pub values: Vec<KeptValue>,
}

/// A value of an indicator that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptValue {
    /// Id of the indicator.
    pub id: String,
    /// Numerator, or the count.
    pub n: u64,
    /// Denominator.
    pub of: Option<u64>,
    /// What belongs to the value.
    pub note: String,
}

impl Kept {
    /// The figure of an indicator in that month, in words.
    pub fn figure(&self, id: &str) -> String {
        match self.values.iter().find(|value| value.id == id) {
            Some(value) => in_words(value.n, value.of),
            None => "—".to_owned(),
        }
    }
}

/// A figure in words.
pub(super) fn in_words(n: u64, of: Option<u64>) -> String {
    match of {
        Some(of) => format!("{n} of {of}"),
        None => n.to_string(),
    }
}

impl Governed for Kept {
    const KIND: &'static str = "indicators";

    fn id(&self) -> String {
        self.month.clone()
    }
}
