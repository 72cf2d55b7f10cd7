//! The rules: facts in, questions out.

use std::collections::BTreeSet;

use umbrascope_api::Day;

use crate::model::finding::{Rule, Subject};
use crate::model::record::{
    AiSystem, Assessment, ReopenReason, ReviewState, Sanction, Scope, Seen, Stage, Tri,
};
use crate::model::supplier::suffices;
use crate::review::GONE_DAYS;

/// Flag of an account with a provider of private mail.
const PERSONAL_ACCOUNT: &str = "personal-account";
/// Most words of a list in one line of evidence.
const LISTED: usize = 20;

/// A question that ought to be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it asks.
    pub rule: Rule,
    /// What it is about.
    pub subject: Subject,
    /// Units that it belongs to.
    pub units: BTreeSet<i64>,
    /// What is there, in words.
    pub evidence: Vec<String>,
    /// What of it would make it a new question. It only grows while the question stays the same.
    pub mark: BTreeSet<String>,
}

impl Wanted {
    /// Rule and object: the same for the same question.
    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.rule.as_str(), self.subject.kind, self.subject.id)
    }
}

/// What is known of a record.
#[derive(Debug, Clone, Copy)]
pub struct RecordFacts<'f> {
    /// The record.
    pub system: &'f AiSystem,
    /// What sensors show of it.
    pub seen: &'f Seen,
    /// Whether its owner is an active person of the directory.
    pub owner_active: bool,
    /// Whether the organisation assessed every supplier of its products, beside the record.
    pub suppliers_assessed: bool,
    /// Whether an open task stands for that.
    pub supplier_task: bool,
    /// The UTC day.
    pub today: Day,
}

impl RecordFacts<'_> {
    /// Risk flags that hold: what was not seen for so long that a system would be gone does not.
    fn flags(&self) -> impl Iterator<Item = &String> {
        self.seen.flags_since(self.today.back(GONE_DAYS))
    }
}

/// What is known of the sensors of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitFacts {
    /// Number of the unit.
    pub unit: i64,
    /// Sensors that are not revoked and reported once.
    pub sensors: u64,
    /// Of those, the ones that have been silent for too long.
    pub silent: u64,
}

/// Questions that a record raises.
pub fn of_record(facts: &RecordFacts<'_>) -> Vec<Wanted> {
    let system = facts.system;
    if system.is_merged() || system.review == ReviewState::Dismissed {
        return Vec::new();
    }
    let asks = [
        (Rule::NewProduct, new_product(facts)),
        (Rule::ProhibitedSeen, prohibited_seen(facts)),
        (Rule::OutsideLimit, outside_limit(facts)),
        (Rule::ToleratedPastExpiry, past_expiry(facts)),
        (Rule::NoOwner, no_owner(facts)),
        (Rule::ImpactAssessmentMissing, no_impact_assessment(facts)),
        (Rule::SupplierAssessmentMissing, no_supplier_assessment(facts)),
        (Rule::PersonalAccount, personal_account(facts)),
        (Rule::RiskFlag, risk_flags(facts)),
        (Rule::Resurfaced, reopened(facts, ReopenReason::Resurfaced)),
        (Rule::MaterialChange, reopened(facts, ReopenReason::MaterialChange)),
        (Rule::ReviewDue, reopened(facts, ReopenReason::ReviewDue)),
    ];
    asks.into_iter()
        .filter_map(|(rule, asked)| {
            asked.map(|Asked { evidence, mark }| Wanted {
                rule,
                subject: Subject::system(&system.id),
                units: system.org_units.clone(),
                evidence,
                mark,
            })
        })
        .collect()
}

/// The question that the sensors of a unit raise: one for the unit, not one for each machine.
pub fn of_unit(facts: UnitFacts) -> Option<Wanted> {
    (facts.silent > 0).then(|| Wanted {
        rule: Rule::SensorSilent,
        subject: Subject::unit(facts.unit),
        units: BTreeSet::from([facts.unit]),
        // Without a number: whoever reads the inventory reads this, and in a small unit it would point at people.
        evidence: vec![
            match facts.silent < facts.sensors {
                true => "some of its sensors have been silent for more than a day",
                false => "all of its sensors have been silent for more than a day",
            }
            .to_owned(),
        ],
        mark: BTreeSet::new(),
    })
}

/// What is there.
struct Asked {
    evidence: Vec<String>,
    mark: BTreeSet<String>,
}

fn asked(evidence: impl Into<String>) -> Option<Asked> {
    Some(Asked { evidence: vec![evidence.into()], mark: BTreeSet::new() })
}

fn marked(evidence: String, mark: impl IntoIterator<Item = String>) -> Option<Asked> {
    Some(Asked { evidence: vec![evidence], mark: mark.into_iter().collect() })
}

fn new_product(facts: &RecordFacts<'_>) -> Option<Asked> {
    let first = facts.seen.days.map(|(first, _)| first).or(facts.system.first_seen)?;
    (facts.system.review == ReviewState::New).then(|| asked(format!("first seen on {first}")))?
}

fn prohibited_seen(facts: &RecordFacts<'_>) -> Option<Asked> {
    let decided = facts.system.decision.as_ref().map(|decision| Day::from_unix_ms(decision.at_ms))?;
    let (_, last) = facts.seen.days?;
    let prohibited = facts.system.effective_sanction(facts.today) == Sanction::Prohibited;
    (prohibited && last > decided)
        .then(|| marked(format!("prohibited on {decided}, seen on {last}"), [last.to_string()]))?
}

/// The decision stays as it is, whatever is seen: somebody is told.
fn outside_limit(facts: &RecordFacts<'_>) -> Option<Asked> {
    let units = facts.system.outside_limit(facts.seen, facts.today);
    let units = units.iter().map(|unit| format!("unit {unit}"));
    let versions = facts.system.outside_versions(facts.seen, facts.today).into_iter();
    let outside: BTreeSet<String> =
        units.chain(versions.map(|(product, version)| format!("{product} {version}"))).collect();
    let told = format!("seen in {}, where the decision does not count", listed(&outside));
    (!outside.is_empty()).then(|| marked(told, outside))?
}

fn past_expiry(facts: &RecordFacts<'_>) -> Option<Asked> {
    let system = facts.system;
    let revoked = system.revoked_at_ms.is_some();
    let last = system.expires_on.filter(|_| system.sanction == Sanction::Tolerated && !revoked)?;
    (last < facts.today).then(|| {
        let seen =
            facts.seen.days.map_or_else(|| "never seen".to_owned(), |(_, day)| format!("last seen on {day}"));
        marked(format!("tolerated until {last}, {seen}"), [last.to_string()])
    })?
}

fn no_owner(facts: &RecordFacts<'_>) -> Option<Asked> {
    let system = facts.system;
    if system.review == ReviewState::New || system.stage == Stage::Retired || facts.owner_active {
        return None;
    }
    match system.system_owner {
        None => asked("nobody is named"),
        Some(owner) => {
            marked("who is named is no active person of the directory".to_owned(), [owner.to_string()])
        }
    }
}

fn no_impact_assessment(facts: &RecordFacts<'_>) -> Option<Asked> {
    let system = facts.system;
    if system.stage == Stage::Retired
        || !system.needs_impact_assessment()
        || system.has_impact_assessment(facts.today)
    {
        return None;
    }
    marked(format!("impact assessment: {}", words_of(&system.aiia)), expiry(&system.aiia))
}

fn no_supplier_assessment(facts: &RecordFacts<'_>) -> Option<Asked> {
    let system = facts.system;
    let concerned =
        system.scope == Scope::In && system.third_party == Tri::Yes && system.stage != Stage::Retired;
    if !concerned || facts.suppliers_assessed || suffices(&system.supplier_assessment, facts.today) {
        return None;
    }
    let task = if facts.supplier_task { "; a task stands for it" } else { "" };
    let evidence = format!("supplier assessment: {}{task}", words_of(&system.supplier_assessment));
    marked(evidence, expiry(&system.supplier_assessment))
}

/// No decision hides it: it goes when it is not seen any more, and what a person closed comes up again with the next day that it is seen.
fn personal_account(facts: &RecordFacts<'_>) -> Option<Asked> {
    facts.flags().find(|flag| *flag == PERSONAL_ACCOUNT)?;
    let last = facts.seen.flag_days.get(PERSONAL_ACCOUNT);
    let until = last.map(|day| format!(", last seen on {day}")).unwrap_or_default();
    marked(
        format!("signed in with an account of a provider of private mail{until}"),
        last.map(Day::to_string),
    )
}

fn risk_flags(facts: &RecordFacts<'_>) -> Option<Asked> {
    let system = facts.system;
    let decided = system.basis.as_ref().filter(|_| system.sanction != Sanction::None);
    let known = |flag: &&String| decided.is_some_and(|basis| basis.flags.contains(*flag));
    let news: BTreeSet<String> =
        facts.flags().filter(|flag| *flag != PERSONAL_ACCOUNT && !known(flag)).cloned().collect();
    (!news.is_empty()).then(|| marked(listed(&news), news.clone()))?
}

fn reopened(facts: &RecordFacts<'_>, why: ReopenReason) -> Option<Asked> {
    let system = facts.system;
    let waits = matches!(system.review, ReviewState::Reopened | ReviewState::UnderReview);
    if !waits || system.reopened != Some(why) {
        return None;
    }
    match why {
        ReopenReason::Resurfaced => {
            let (_, last) = facts.seen.days?;
            asked(match system.retired_on {
                Some(day) => format!("retired on {day}, seen until {last}"),
                None => format!("seen until {last}"),
            })
        }
        ReopenReason::MaterialChange => {
            let news = system
                .basis
                .as_ref()
                .map(|basis| facts.seen.beyond(basis))
                .unwrap_or_default()
                .into_iter()
                .collect();
            marked(listed(&news), news.clone())
        }
        _ => {
            let day = |day: Option<Day>| day.map_or_else(|| "no day".to_owned(), |day| day.to_string());
            asked(format!(
                "review due on {}; impact assessment: {}",
                day(system.next_review_due),
                words_of(&system.aiia)
            ))
        }
    }
}

fn words_of(assessment: &Assessment) -> String {
    let state = assessment.state.label().to_lowercase();
    match assessment.expires {
        Some(last) => format!("{state}, counts until {last}"),
        None => state,
    }
}

fn expiry(assessment: &Assessment) -> Option<String> {
    assessment.expires.map(|day| day.to_string())
}

fn listed(words: &BTreeSet<String>) -> String {
    let mut text = words.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if words.len() > LISTED {
        text.push_str(&format!(" and {} more", words.len() - LISTED));
    }
    text
}
