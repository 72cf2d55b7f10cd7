//! Indicators (KPIs): each with numerator, denominator and what was left out, so that a month's value can be computed again later from
//! the same records. None is about a person. After governance reference (h).

use serde::Serialize;
use umbrascope_api::Day;

use super::feed::{Facts, number};
use crate::model::record::{
    AiSystem, AssessmentState, Observed, ReopenReason, ReviewState, Sanction, Scope, Stage, Tri,
};

/// Version of the definitions of [`INDICATORS`].
pub const DEFINITIONS: &str = "1";

/// An indicator's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Indicator {
    /// `K-01`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is counted, of what.
    pub says: &'static str,
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

const fn indicator(id: &'static str, name: &'static str, says: &'static str) -> Indicator {
    Indicator { id, name, says }
}

/// Every indicator, in order.
pub const INDICATORS: &[Indicator] = &[
    indicator("K-01", "Coverage", "endpoints that report, of those expected"),
    indicator("K-02", "Healthy sensors", "sensors that work as they should, of all"),
    indicator("K-03", "Unnameable share", "hellos without a usable name, of all hellos"),
    indicator("K-04", "Reviewed", "active systems with a decision, of active systems"),
    indicator(
        "K-05",
        "Time to decision",
        "median days from first seen to first decision; also the ninth decile",
    ),
    indicator("K-06", "Owned", "systems in scope with an active owner, of systems in scope"),
    indicator(
        "K-07",
        "Impact assessed",
        "systems in scope that need an impact assessment and have a valid one",
    ),
    indicator("K-08", "Attested", "systems in scope confirmed within the interval, of systems in scope"),
    indicator("K-09", "Suppliers assessed", "third-party systems in scope with a valid supplier assessment"),
    indicator("K-10", "Tolerated past its end", "systems; it has to be none"),
    indicator("K-11", "Prohibited and active", "systems"),
    indicator("K-12", "Out of scope and active", "systems"),
    indicator("K-13", "Undetermined", "systems whose scope nobody decided; also the age of the oldest"),
    indicator("K-14", "Orphans", "systems whose owner left"),
    indicator("K-15", "Seen again", "retired systems that sensors saw again"),
    indicator(
        "K-16",
        "Assessed after deployment",
        "systems whose impact was assessed after they were in use",
    ),
    indicator("K-18", "Late corrective action", "findings past their day; also those closed with evidence"),
];

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
        "K-02" => (facts.healthy.0, Some(facts.healthy.1), String::new()),
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
        "K-08" => share(
            scoped(),
            &|system| facts.is_confirmed(system),
            format!("within {} days; silence is no confirmation", facts.review_days),
        ),
        "K-09" => {
            let of: Vec<_> = scoped().into_iter().filter(|system| system.third_party != Tri::No).collect();
            let note = format!("{} in scope are the organisation's own", scoped().len() - of.len());
            share(
                of,
                &|system| {
                    let assessment = &system.supplier_assessment;
                    assessment.is_valid(facts.today) || assessment.state == AssessmentState::NotNeeded
                },
                note,
            )
        }
        "K-10" => {
            let over = |system: &&AiSystem| {
                system.sanction == Sanction::Tolerated
                    && system.expires_on.is_none_or(|last| last < facts.today)
            };
            count(systems.iter().filter(over).count(), String::new())
        }
        "K-11" => count(
            systems.iter().filter(active).filter(|system| system.sanction == Sanction::Prohibited).count(),
            String::new(),
        ),
        "K-12" => count(
            systems.iter().filter(active).filter(|system| system.scope == Scope::Out).count(),
            String::new(),
        ),
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
        "K-16" => count(
            systems
                .iter()
                .filter(|system| system.deployed_on.is_some() && system.aiia.date > system.deployed_on)
                .count(),
            String::new(),
        ),
        _ => (
            facts.findings.overdue,
            Some(facts.findings.open),
            format!("{} closed with evidence", facts.findings.closed_with_evidence),
        ),
    };
    Measured { indicator, n, of, note }
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
    use super::*;
    use crate::model::record::Confirmation;

    const TODAY: u32 = 20_784;

    fn day(number: u32) -> Day {
        Day::from_number(number).unwrap()
    }

    fn value(id: &str, systems: &[AiSystem], change: impl FnOnce(&mut Facts<'_>)) -> (u64, Option<u64>) {
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
}
