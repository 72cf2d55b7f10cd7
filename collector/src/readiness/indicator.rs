//! Indicators (KPIs): each with numerator, denominator and what was left out, so that a month's value can be computed again later from
//! the same records. None is about a person. After governance reference (h).

use std::collections::BTreeMap;

use serde::Serialize;
use umbrascope_api::Day;

use super::Aim;
use super::feed::{Facts, number};
use crate::campaign::attested;
use crate::model::record::{AiSystem, Observed, ReopenReason, ReviewState, Sanction, Scope, Stage, Tri};
use crate::scope::UsageBand;

/// Version of the definitions of [`INDICATORS`]. A value of an earlier one is not compared with a later one.
///
/// 2: K-08 is what campaigns count, K-09 takes dossiers and leaves unknown parties out, K-10 and K-11 heed what was taken back, K-11 and K-12
/// tell age and usage, K-17 is there, K-18 counts nonconformities.
pub const DEFINITIONS: &str = "2";

/// An indicator's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Indicator {
    /// `K-01`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is counted, of what.
    pub says: &'static str,
    /// Whether it rests on governed records alone, so that the trail gives it again for any past day.
    pub from_records: bool,
    /// Which way it is to go.
    pub aim: Aim,
}

/// A value of an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Which.
    #[serde(flatten)]
    pub indicator: Indicator,
    /// Numerator, or the count.
    pub n: u64,
    /// Denominator; `None`: it is a count, or nobody knows of how many.
    pub of: Option<u64>,
    /// What was left out, and why; and what else belongs to the value.
    pub note: String,
}

const fn indicator(aim: Aim, id: &'static str, name: &'static str, says: &'static str) -> Indicator {
    Indicator { id, name, says, from_records: true, aim }
}

/// One that rests on what sensors report, which is not kept day by day.
const fn live(aim: Aim, id: &'static str, name: &'static str, says: &'static str) -> Indicator {
    Indicator { from_records: false, ..indicator(aim, id, name, says) }
}

/// Every indicator, in order.
pub const INDICATORS: &[Indicator] = &[
    live(Aim::ShareAtLeast, "K-01", "Coverage", "endpoints that report, of those expected"),
    live(Aim::ShareAtLeast, "K-02", "Healthy sensors", "sensors that work as they should, of all"),
    live(Aim::ShareAtMost, "K-03", "Unnameable share", "hellos without a usable name, of all hellos"),
    indicator(Aim::ShareAtLeast, "K-04", "Reviewed", "active systems with a decision, of active systems"),
    indicator(
        Aim::DaysAtMost,
        "K-05",
        "Time to decision",
        "median days from first seen to first decision; also the ninth decile",
    ),
    indicator(
        Aim::ShareAtLeast,
        "K-06",
        "Owned",
        "systems in scope with an active owner, of systems in scope",
    ),
    indicator(
        Aim::ShareAtLeast,
        "K-07",
        "Impact assessed",
        "systems in scope that need an impact assessment and have a valid one",
    ),
    indicator(
        Aim::ShareAtLeast,
        "K-08",
        "Attested",
        "systems in scope confirmed by their owner of today within the interval, of systems in scope that are not retired",
    ),
    indicator(
        Aim::ShareAtLeast,
        "K-09",
        "Suppliers assessed",
        "third-party systems in scope whose supplier is assessed on the record or in a dossier, of all of them",
    ),
    indicator(Aim::AtMost, "K-10", "Tolerated past its end", "systems; it has to be none"),
    indicator(
        Aim::AtMost,
        "K-11",
        "Prohibited and active",
        "systems; also for how long the oldest is prohibited",
    ),
    indicator(Aim::AtMost, "K-12", "Out of scope and active", "systems; also on how many machines"),
    indicator(
        Aim::AtMost,
        "K-13",
        "Undetermined",
        "systems whose scope nobody decided; also the age of the oldest",
    ),
    indicator(Aim::AtMost, "K-14", "Orphans", "systems whose owner left"),
    indicator(Aim::AtMost, "K-15", "Seen again", "retired systems that sensors saw again"),
    indicator(
        Aim::AtMost,
        "K-16",
        "Assessed after deployment",
        "systems whose impact was assessed after they were in use",
    ),
    live(Aim::AtMost, "K-17", "Backlog", "suspected names that nobody classified, where they are collected"),
    indicator(
        Aim::PartAtMost,
        "K-18",
        "Late corrective action",
        "nonconformities past their day, of those open; also those that a person closed with evidence, and those of which the effect was checked",
    ),
];

impl Measured {
    /// Whether there is something that the value is of.
    pub(super) fn is_known(&self, facts: &Facts<'_>) -> bool {
        match self.indicator.id {
            // How many endpoints there are is told or not.
            "K-01" => self.of.is_some(),
            _ if self.indicator.from_records => !facts.systems.is_empty(),
            _ => self.of != Some(0),
        }
    }
}

/// Computes all of them.
pub fn indicators(facts: &Facts<'_>) -> Vec<Measured> {
    INDICATORS.iter().map(|indicator| measure(*indicator, facts)).collect()
}

fn measure(indicator: Indicator, facts: &Facts<'_>) -> Measured {
    let systems = facts.systems;
    let in_scope = |system: &&AiSystem| system.scope == Scope::In;
    let active = |system: &&AiSystem| system.observed == Observed::Active;
    let share = |of: Vec<&AiSystem>, right: &dyn Fn(&AiSystem) -> bool, note: String| {
        (number(of.iter().filter(|system| right(system)).count()), Some(number(of.len())), note)
    };
    let scoped = || systems.iter().filter(in_scope).collect::<Vec<_>>();
    let count = |n: usize, note: String| (number(n), None, note);
    let (n, of, note) = match indicator.id {
        "K-01" => (
            facts.endpoints.0,
            facts.endpoints.1,
            match facts.endpoints.1 {
                Some(_) => String::new(),
                None => "how many endpoints there are is unknown".to_owned(),
            },
        ),
        "K-02" => (
            facts.healthy.0,
            Some(facts.healthy.1),
            "as they are on the day of the value: how many days each detector was healthy is not kept"
                .to_owned(),
        ),
        "K-03" => {
            let (named, all) = facts.named;
            (
                all.saturating_sub(named),
                Some(all),
                "counted on the endpoints; names in encrypted DNS are not among them".to_owned(),
            )
        }
        "K-04" => {
            let dismissed = systems.iter().filter(|system| system.review == ReviewState::Dismissed).count();
            let of = systems.iter().filter(active).filter(|system| system.review != ReviewState::Dismissed);
            share(
                of.collect(),
                &|system| system.decision.is_some(),
                format!("{dismissed} dismissed are left out"),
            )
        }
        "K-05" => time_to_decision(facts),
        "K-06" => share(
            scoped(),
            &|system| system.system_owner.is_some_and(|owner| facts.is_active(owner)),
            String::new(),
        ),
        "K-07" => {
            let of: Vec<_> = scoped().into_iter().filter(|system| system.needs_impact_assessment()).collect();
            let note = format!("{} in scope need none", scoped().len() - of.len());
            share(of, &|system| system.has_impact_assessment(facts.today), note)
        }
        "K-08" => attestation(facts),
        "K-09" => {
            let third = |party: Tri| scoped().into_iter().filter(move |system| system.third_party == party);
            let (own, unknown) = (third(Tri::No).count(), third(Tri::Unknown).count());
            let note = format!(
                "left out: {own} in scope that are the organisation's own, {unknown} of which nobody said whose they are"
            );
            share(third(Tri::Yes).collect(), &|system| facts.is_supplier_assessed(system), note)
        }
        "K-10" => {
            let over = |system: &&AiSystem| {
                system.sanction == Sanction::Tolerated
                    && system.revoked_at_ms.is_none()
                    && system.expires_on.is_none_or(|last| last < facts.today)
            };
            count(systems.iter().filter(over).count(), String::new())
        }
        "K-11" => prohibited(facts),
        "K-12" => out_of_scope(facts),
        "K-13" => undetermined(facts),
        "K-14" => count(
            systems
                .iter()
                .filter(|system| system.system_owner.is_some_and(|owner| !facts.is_active(owner)))
                .count(),
            String::new(),
        ),
        "K-15" => count(
            systems
                .iter()
                .filter(|system| {
                    system.stage == Stage::Retired && system.reopened == Some(ReopenReason::Resurfaced)
                })
                .count(),
            String::new(),
        ),
        "K-16" => count(systems.iter().filter(|system| system.assessed_after_use()).count(), String::new()),
        "K-17" => match facts.suspects {
            Some(waiting) => (waiting, None, String::new()),
            None => (0, Some(0), "suspected names are not collected".to_owned()),
        },
        _ => {
            let work = facts.nonconformities;
            let note = format!(
                "{} closed by a person with evidence, {} otherwise; of {} somebody else found that it worked; dismissed ones \
                 are left out",
                work.closed_with_evidence,
                work.closed - work.closed_with_evidence,
                work.effective
            );
            (work.overdue, Some(work.open), note)
        }
    };
    Measured { indicator, n, of, note }
}

/// K-08, as campaigns count it.
fn attestation(facts: &Facts<'_>) -> (u64, Option<u64>, String) {
    let counted = attested(facts.systems, facts.today, facts.review_days);
    let told = |reasons: &[(&str, u64)]| {
        let some = reasons.iter().filter(|(_, n)| *n > 0);
        some.map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
    };
    let mut note = format!("within {} days; silence is no confirmation", counted.interval_days);
    for (label, reasons) in [("not attested", &counted.missing), ("left out", &counted.excluded)] {
        let told = told(reasons);
        if !told.is_empty() {
            note.push_str(&format!("; {label}: {told}"));
        }
    }
    (counted.numerator, Some(counted.denominator), note)
}

/// K-11.
fn prohibited(facts: &Facts<'_>) -> (u64, Option<u64>, String) {
    let seen = facts.systems.iter().filter(|system| {
        system.observed == Observed::Active && system.effective_sanction(facts.today) == Sanction::Prohibited
    });
    let decided: Vec<_> = seen
        .map(|system| system.decision.as_ref().map(|decision| Day::from_unix_ms(decision.at_ms)))
        .collect();
    let note = match decided.iter().flatten().min() {
        Some(first) => {
            format!("the oldest prohibited for {} days", facts.today.number().saturating_sub(first.number()))
        }
        None => String::new(),
    };
    (number(decided.len()), None, note)
}

/// K-12.
fn out_of_scope(facts: &Facts<'_>) -> (u64, Option<u64>, String) {
    let active = |system: &AiSystem| system.scope == Scope::Out && system.observed == Observed::Active;
    let seen: Vec<usize> =
        (0..).zip(facts.systems).filter(|(_, system)| active(system)).map(|(at, _)| at).collect();
    let mut bands: BTreeMap<UsageBand, usize> = BTreeMap::new();
    for band in seen.iter().filter_map(|at| facts.usage.get(*at)) {
        *bands.entry(*band).or_default() += 1;
    }
    let told: Vec<_> = bands.iter().rev().map(|(band, n)| format!("{n} on {}", band.label())).collect();
    let note = match (seen.is_empty(), told.is_empty()) {
        (false, true) => "on how many machines is not known of this day".to_owned(),
        _ => told.join(", "),
    };
    (number(seen.len()), None, note)
}

fn time_to_decision(facts: &Facts<'_>) -> (u64, Option<u64>, String) {
    let mut days: Vec<u32> = facts
        .systems
        .iter()
        .zip(facts.first_decided_ms)
        .filter_map(|(system, decided)| {
            let decided = Day::from_unix_ms((*decided)?);
            Some(decided.number().saturating_sub(system.first_seen?.number()))
        })
        .collect();
    days.sort_unstable();
    let undecided = facts.systems.len() - days.len();
    let left_out = format!("{undecided} without a decision or never seen are left out");
    match days.len() {
        0 => (0, Some(0), left_out),
        len => {
            let (median, ninth) = (days[(len - 1) / 2], days[(len * 9).div_ceil(10) - 1]);
            (median.into(), None, format!("ninth decile {ninth} days, of {len} systems; {left_out}"))
        }
    }
}

fn undetermined(facts: &Facts<'_>) -> (u64, Option<u64>, String) {
    let open: Vec<_> = facts.systems.iter().filter(|system| system.scope == Scope::Undetermined).collect();
    let oldest = open.iter().filter_map(|system| system.first_seen).min();
    let note = match oldest {
        Some(first) => format!("the oldest for {} days", facts.today.number().saturating_sub(first.number())),
        None => String::new(),
    };
    (number(open.len()), None, note)
}

#[cfg(test)]
mod tests {
    use super::super::feed::Work;
    use super::*;
    use crate::model::finding::{Closing, Effect, Finding, FindingState};
    use crate::model::record::{Assessment, AssessmentState, Confirmation, Decision};
    use crate::model::supplier::VendorAssessment;

    const TODAY: u32 = 20_784;

    fn decision() -> Decision {
        Decision {
            by: 1,
            requested_by: None,
            at_ms: 0,
            reason: "so it is".into(),
            policy: "2026-1".into(),
            coverage_percent: None,
        }
    }

    fn day(number: u32) -> Day {
        Day::from_number(number).unwrap()
    }

    fn value<'f>(
        id: &str,
        systems: &'f [AiSystem],
        change: impl FnOnce(&mut Facts<'f>),
    ) -> (u64, Option<u64>) {
        let mut facts = Facts { systems, active: &[1, 2], ..Facts::on(day(TODAY)) };
        change(&mut facts);
        let one = indicators(&facts).into_iter().find(|one| one.indicator.id == id).unwrap();
        (one.n, one.of)
    }

    #[test]
    fn every_indicator_is_measured_and_an_empty_inventory_counts_nothing() {
        let facts = Facts::on(day(TODAY));
        let measured = indicators(&facts);
        assert_eq!(measured.len(), INDICATORS.len());
        assert!(measured.iter().all(|one| one.n == 0));
        assert!(
            measured.iter().any(|one| one.indicator.id == "K-17" && one.of == Some(0)),
            "off is not none"
        );
        assert_eq!(measured[0].of, None, "an unknown number of endpoints is no number");
    }

    #[test]
    fn shares_have_numerator_and_denominator() {
        let scoped = |owner| AiSystem { scope: Scope::In, system_owner: owner, ..AiSystem::default() };
        let systems = [scoped(Some(1)), scoped(Some(9)), scoped(None), AiSystem::default()];
        assert_eq!(value("K-06", &systems, |_| ()), (1, Some(3)));
        assert_eq!(value("K-14", &systems, |_| ()), (1, None));
        assert_eq!(value("K-13", &systems, |_| ()), (1, None));
    }

    #[test]
    fn an_old_confirmation_and_silence_are_none() {
        let confirmed = |days: u32| AiSystem {
            scope: Scope::In,
            system_owner: Some(1),
            confirmations: vec![Confirmation {
                campaign: None,
                by: 1,
                at_ms: day(TODAY - days).unix_ms(),
                seen: "ab".into(),
                comment: None,
            }],
            ..AiSystem::default()
        };
        let systems = [confirmed(365), confirmed(366), AiSystem { scope: Scope::In, ..AiSystem::default() }];
        assert_eq!(value("K-08", &systems, |_| ()), (1, Some(3)));
    }

    #[test]
    fn the_median_is_a_day_that_was_measured() {
        let seen = |back: u32| AiSystem { first_seen: Some(day(TODAY - back)), ..AiSystem::default() };
        let systems: Vec<_> = [10, 20, 30, 40].map(seen).into();
        let now = Some(day(TODAY).unix_ms());
        let decided = [now, now, now, None];
        assert_eq!(value("K-05", &systems, |facts| facts.first_decided_ms = &[]), (0, Some(0)));
        let facts = Facts { systems: &systems, first_decided_ms: &decided, ..Facts::on(day(TODAY)) };
        let (median, _, note) = time_to_decision(&facts);
        assert_eq!(
            (median, &note[..]),
            (20, "ninth decile 30 days, of 3 systems; 1 without a decision or never seen are left out")
        );
    }

    #[test]
    fn what_is_tolerated_past_its_end_counts_from_the_day_after() {
        let until = |last: u32| AiSystem {
            sanction: Sanction::Tolerated,
            expires_on: Some(day(last)),
            ..AiSystem::default()
        };
        assert_eq!(value("K-10", &[until(TODAY), until(TODAY - 1)], |_| ()), (1, None));
    }

    fn note(id: &str, facts: &Facts<'_>) -> String {
        indicators(facts).into_iter().find(|one| one.indicator.id == id).unwrap().note
    }

    #[test]
    fn what_was_taken_back_is_neither_tolerated_nor_prohibited() {
        let prohibited = |back: u32, revoked_at_ms| AiSystem {
            sanction: Sanction::Prohibited,
            observed: Observed::Active,
            decision: Some(Decision { at_ms: day(TODAY - back).unix_ms(), ..decision() }),
            revoked_at_ms,
            ..AiSystem::default()
        };
        let systems = [prohibited(9, None), prohibited(3, None), prohibited(99, Some(1))];
        assert_eq!(value("K-11", &systems, |_| ()), (2, None));
        let facts = Facts { systems: &systems, ..Facts::on(day(TODAY)) };
        assert_eq!(note("K-11", &facts), "the oldest prohibited for 9 days");
        let tolerated = AiSystem {
            sanction: Sanction::Tolerated,
            expires_on: Some(day(TODAY - 1)),
            revoked_at_ms: Some(1),
            ..AiSystem::default()
        };
        assert_eq!(value("K-10", &[tolerated], |_| ()), (0, None));
    }

    #[test]
    fn out_of_scope_tells_on_how_many_machines_where_that_is_known() {
        let out = || AiSystem { scope: Scope::Out, observed: Observed::Active, ..AiSystem::default() };
        let systems = [out(), AiSystem::default(), out()];
        let usage = [UsageBand::Few, UsageBand::None, UsageBand::Many];
        let facts = Facts { systems: &systems, usage: &usage, ..Facts::on(day(TODAY)) };
        assert_eq!(note("K-12", &facts), "1 on 500 machines or more, 1 on fewer than 5 machines");
        assert_eq!(
            note("K-12", &Facts { usage: &[], ..facts }),
            "on how many machines is not known of this day"
        );
    }

    #[test]
    fn a_supplier_is_assessed_on_the_record_or_in_the_dossier_and_an_unknown_party_is_left_out() {
        let of = |third_party, product: &str| AiSystem {
            scope: Scope::In,
            third_party,
            products: [product.to_owned()].into(),
            ..AiSystem::default()
        };
        let systems = [
            of(Tri::Yes, "acme.chat"),
            of(Tri::Yes, "other.chat"),
            of(Tri::Unknown, "x.y"),
            of(Tri::No, "own.chat"),
        ];
        let assessed = VendorAssessment {
            vendor: "acme".into(),
            assessment: Assessment {
                state: AssessmentState::Done,
                date: Some(day(TODAY - 9)),
                expires: Some(day(TODAY)),
                ..Assessment::default()
            },
            ..VendorAssessment::default()
        };
        let suppliers = [assessed];
        assert_eq!(value("K-09", &systems, |facts| facts.suppliers = &suppliers), (1, Some(2)));
        let later = |facts: &mut Facts<'_>| (facts.suppliers, facts.today) = (&[], day(TODAY + 1));
        assert_eq!(value("K-09", &systems, later), (0, Some(2)));
    }

    #[test]
    fn only_what_a_person_closed_with_evidence_is_corrected() {
        let closed = |by: Option<i64>, evidence: Option<&str>| Finding {
            state: FindingState::Closed,
            closing: Some(Closing { by, at_ms: 1, reason: None, evidence: evidence.map(str::to_owned) }),
            ..Finding::default()
        };
        let effect = Effect { worked: true, note: "not seen since".into(), by: 2, at_ms: 2 };
        let worked = Finding { effect: Some(effect), ..closed(Some(1), Some("T-1")) };
        let mut work = Work::default();
        let late = Finding { due: Some(day(TODAY - 1)), ..Finding::default() };
        let dismissed = Finding { state: FindingState::Dismissed, ..closed(Some(1), Some("T-1")) };
        for one in [closed(None, None), closed(Some(1), None), worked, late, dismissed] {
            work.add_finding(&one, day(TODAY));
        }
        assert_eq!(work, Work { open: 1, overdue: 1, closed: 3, closed_with_evidence: 1, effective: 1 });
        let facts = Facts { nonconformities: work, ..Facts::on(day(TODAY)) };
        assert_eq!(value("K-18", &[], |facts| facts.nonconformities = work), (1, Some(1)));
        assert!(note("K-18", &facts).starts_with("1 closed by a person with evidence, 2 otherwise"));
    }
}
