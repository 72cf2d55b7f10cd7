//! What of our records is held against a requirement: each feed counts, and says what it counted.

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use crate::management::{FIRST_PERIOD_DAYS, ManagementReview};
use crate::model::Role;
use crate::model::document::{Document, Standing};
use crate::model::finding::{Closing, Finding, FindingState};
use crate::model::governed::Governed;
use crate::model::policy::{Policy, in_force};
use crate::model::record::{
    AiActClass, AiSystem, DataCategory, Decision, DecisionImpact, Domain, Observed, ReviewState, Sanction,
    Scope, Stage, Tier, Tri,
};
use crate::model::supplier::{VendorAssessment, all_assessed, suffices};
use crate::model::task::{Task, TaskState};
use crate::scope::{Statement, UsageBand};

/// Work that people have to do: how much of it, and how much is late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Not done.
    pub open: u64,
    /// Not done, and due before today.
    pub overdue: u64,
    /// Done. What was dropped or dismissed is not.
    pub closed: u64,
    /// Done by a person, with something that shows it.
    pub closed_with_evidence: u64,
    /// Done, and somebody else found later that it worked.
    pub effective: u64,
}

impl Work {
    /// Counts findings: all of them, and those that tell of nonconformities.
    pub fn of_findings<'f>(findings: impl IntoIterator<Item = &'f Finding>, today: Day) -> (Self, Self) {
        let (mut all, mut nonconformities) = (Self::default(), Self::default());
        for finding in findings {
            all.add_finding(finding, today);
            if finding.rule.is_nonconformity() {
                nonconformities.add_finding(finding, today);
            }
        }
        (all, nonconformities)
    }

    /// Counts a finding.
    pub fn add_finding(&mut self, finding: &Finding, today: Day) {
        match finding.state {
            FindingState::Open | FindingState::InProgress => {
                self.open += 1;
                self.overdue += u64::from(finding.is_overdue(today));
            }
            FindingState::Closed => {
                self.close(finding.closing.as_ref());
                self.effective += u64::from(finding.effect.as_ref().is_some_and(|effect| effect.worked));
            }
            FindingState::Dismissed => {}
        }
    }

    /// Counts a task.
    pub fn add_task(&mut self, task: &Task, today: Day) {
        match task.state {
            TaskState::Open | TaskState::InProgress => {
                self.open += 1;
                self.overdue += u64::from(task.due.is_some_and(|due| due < today));
            }
            TaskState::Done => self.close(task.closing.as_ref()),
            TaskState::Dropped => {}
        }
    }

    fn close(&mut self, closing: Option<&Closing>) {
        self.closed += 1;
        let shown = closing.is_some_and(|closing| closing.by.is_some() && closing.evidence.is_some());
        self.closed_with_evidence += u64::from(shown);
    }
}

/// Everything that readiness and indicators look at. Records that went into others are left out by who gathers.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The UTC day.
    pub today: Day,
    /// AI systems.
    pub systems: &'f [AiSystem],
    /// For each of them, by place: Unix milliseconds of its first decision; `None`: never decided.
    pub first_decided_ms: &'f [Option<i64>],
    /// For each of them, by place: on how many machines it is. Empty: not known of this day.
    pub usage: &'f [UsageBand],
    /// How the organisation judges suppliers, beside the records.
    pub suppliers: &'f [VendorAssessment],
    /// Numbers of the people who are active, in order.
    pub active: &'f [i64],
    /// Roles, and how many people hold each.
    pub roles: &'f [(Role, u64)],
    /// Versions of the policy.
    pub policies: &'f [Policy],
    /// Documents that nothing took the place of.
    pub documents: &'f [Document],
    /// Number and day of the scope statement that is signed.
    pub signed_scope: Option<(u64, Day)>,
    /// Findings.
    pub findings: Work,
    /// Those of them that tell of nonconformities.
    pub nonconformities: Work,
    /// Tasks.
    pub tasks: Work,
    /// Entries of the audit trail, and of them those under a checkpoint.
    pub trail: (u64, u64),
    /// Endpoints that report, and those expected; `None`: nobody said how many.
    pub endpoints: (u64, Option<u64>),
    /// Sensors that work as they should, and all of them.
    pub healthy: (u64, u64),
    /// Hellos that named somebody, and all of them.
    pub named: (u64, u64),
    /// Suspected names that wait for a person; `None`: they are not collected.
    pub suspects: Option<u64>,
    /// Reference and day of the management review that was held last.
    pub reviewed: Option<(&'f str, Day)>,
    /// Indicators with a target.
    pub targets: u64,
    /// Months for which indicators were kept.
    pub months_kept: u64,
    /// Changes of settings that stand in the trail.
    pub settings_changed: u64,
    /// Whether records are deleted when their time is over.
    pub retention_runs: bool,
    /// Version of the method of tiers.
    pub tier_method: &'f str,
    /// Controls of Annex A of which it was said whether they apply; there are 38.
    pub controls_judged: u64,
    /// Days after which a confirmation is too old.
    pub review_days: u32,
}

impl Facts<'_> {
    /// No facts at all, on a day.
    pub fn on(today: Day) -> Self {
        Self {
            today,
            systems: &[],
            first_decided_ms: &[],
            usage: &[],
            suppliers: &[],
            active: &[],
            roles: &[],
            policies: &[],
            documents: &[],
            signed_scope: None,
            findings: Work::default(),
            nonconformities: Work::default(),
            tasks: Work::default(),
            trail: (0, 0),
            endpoints: (0, None),
            healthy: (0, 0),
            named: (0, 0),
            suspects: None,
            reviewed: None,
            targets: 0,
            months_kept: 0,
            settings_changed: 0,
            retention_runs: false,
            tier_method: "",
            controls_judged: 0,
            review_days: 365,
        }
    }

    /// Whether a person is active.
    pub fn is_active(&self, person: i64) -> bool {
        self.active.binary_search(&person).is_ok()
    }

    /// Whether a decision names a version of the policy that was in force on its day.
    fn cites_its_policy(&self, decision: &Decision) -> bool {
        let on = Day::from_unix_ms(decision.at_ms);
        self.policies.iter().any(|policy| policy.version == decision.policy && policy.is_in_force(on))
    }

    /// Whether the supplier of a record is assessed: on the record, or each of its products' in a dossier.
    pub fn is_supplier_assessed(&self, system: &AiSystem) -> bool {
        suffices(&system.supplier_assessment, self.today)
            || all_assessed(&system.products, |vendor| {
                self.suppliers.iter().any(|one| one.vendor == vendor && one.is_valid(self.today))
            })
    }
}

/// What a feed counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Which feed.
    pub feed: Feed,
    /// What is as it should be.
    pub n: u64,
    /// All that was looked at.
    pub of: u64,
    /// Whether there is anything that it applies to: not where it is known of every system that it is not concerned, which is as it should be.
    pub applies: bool,
    /// In words.
    pub says: String,
    /// The AI systems that were looked at, by their place in [`Facts::systems`], and whether each is as it should be.
    #[serde(skip)]
    pub systems: Vec<(usize, bool)>,
}

impl Shown {
    /// Whether all of it is as it should be.
    pub fn is_whole(&self) -> bool {
        !self.applies || (self.of > 0 && self.n == self.of)
    }
}

macro_rules! feeds {
    ($($(#[$meta:meta])* $name:ident = $word:literal,)+) => {
        /// What of our records a requirement is held against.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Feed {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }
    };
}

feeds! {
    /// Systems that somebody looked at.
    SystemsReviewed = "systems-reviewed",
    /// Systems of which it is known whether sensors see them.
    SystemsObserved = "systems-observed",
    /// Systems with tools and versions seen.
    ToolsSeen = "tools-seen",
    /// Systems whose scope is decided.
    ScopeDecided = "scope-decided",
    /// A signed scope statement.
    ScopeSigned = "scope-signed",
    /// Endpoints that report.
    Coverage = "coverage",
    /// A policy in force.
    PolicyInForce = "policy-in-force",
    /// Decisions that cite a policy.
    PolicyCited = "policy-cited",
    /// Systems in scope with an active owner.
    Owned = "owned",
    /// Roles that somebody holds.
    RolesHeld = "roles-held",
    /// Systems with the groups that they touch.
    AffectedGroups = "affected-groups",
    /// Systems in scope with a tier.
    Tiered = "tiered",
    /// The method of tiers.
    TierMethod = "tier-method",
    /// The audit trail.
    Trail = "trail",
    /// Systems in scope with an entry in the register of risks.
    RiskRegister = "risk-register",
    /// Systems of a high tier whose remaining risk is accepted.
    ResidualAccepted = "residual-accepted",
    /// Systems that need an impact assessment and have one.
    ImpactAssessed = "impact-assessed",
    /// Impact assessments made before use.
    ImpactBeforeUse = "impact-before-use",
    /// Systems that were sanctioned before they were used.
    SanctionedBeforeUse = "sanctioned-before-use",
    /// Systems in scope with intended use and foreseeable misuse.
    IntendedUse = "intended-use",
    /// Systems in scope whose data is known.
    DataKnown = "data-known",
    /// Systems in scope with the part that the organisation plays.
    OrganisationRoles = "organisation-roles",
    /// Third-party systems in scope whose supplier is assessed.
    SuppliersAssessed = "suppliers-assessed",
    /// Third-party systems in scope where it is said who does what.
    ResponsibilitySplit = "responsibility-split",
    /// Systems in scope of which it was said where they run.
    ComputeKnown = "compute-known",
    /// Systems in scope with the competence that they take.
    Competence = "competence",
    /// Retired systems with evidence that nothing is left.
    RetiredWithEvidence = "retired-with-evidence",
    /// Decided systems with a day of the next review.
    ReviewPlanned = "review-planned",
    /// Findings that are not late.
    Findings = "findings",
    /// Tasks that are not late.
    Tasks = "tasks",
    /// Documents that count.
    Documents = "documents",
    /// Indicators that can be computed.
    Indicators = "indicators",
    /// Indicators with a target.
    Targets = "targets",
    /// A management review within a year.
    ManagementReview = "management-review",
    /// Months for which they were kept.
    IndicatorsKept = "indicators-kept",
    /// Changes of settings in the trail.
    SettingsChanged = "settings-changed",
    /// Deletion when time is over.
    Retention = "retention",
    /// Controls of which it was said whether they apply.
    StatementOfApplicability = "statement-of-applicability",
}

impl Feed {
    /// Counts.
    pub fn look(self, facts: &Facts<'_>) -> Shown {
        let Counted { n, of, applies, says, systems } = self.count(facts);
        Shown { feed: self, n, of, applies, says, systems }
    }

    /// Kinds of governed records, beside AI systems, that it counts or is about.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::ScopeSigned => &[Statement::KIND],
            Self::PolicyInForce | Self::PolicyCited => &[Policy::KIND],
            Self::Findings => &[Finding::KIND],
            Self::Tasks => &[Task::KIND],
            Self::Documents => &[Document::KIND],
            Self::IndicatorsKept => &[super::Kept::KIND],
            Self::Targets => &[super::Target::KIND],
            Self::ManagementReview => &[ManagementReview::KIND],
            Self::SuppliersAssessed => &[VendorAssessment::KIND],
            Self::StatementOfApplicability => &[super::Applicability::KIND],
            _ => &[],
        }
    }

    fn count(self, facts: &Facts<'_>) -> Counted {
        let every = |_: &AiSystem| true;
        let in_scope = |system: &AiSystem| system.scope == Scope::In;
        let third = |system: &AiSystem| system.scope == Scope::In && system.third_party != Tri::No;
        let written = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        match self {
            Self::SystemsReviewed => {
                of(facts, every, |system| system.review != ReviewState::New, "systems were looked at")
            }
            Self::SystemsObserved => {
                of(facts, every, |system| system.observed != Observed::Never, "systems were seen by sensors")
            }
            Self::ToolsSeen => {
                of(facts, every, |system| !system.products.is_empty(), "systems name their products")
            }
            Self::ScopeDecided => of(
                facts,
                every,
                |system| system.scope != Scope::Undetermined,
                "systems are in scope or out of it",
            ),
            Self::ScopeSigned => match facts.signed_scope {
                Some((number, day)) => plain(1, 1, format!("scope statement {number} was signed on {day}")),
                None => plain(0, 1, "no scope statement is signed"),
            },
            Self::Coverage => match facts.endpoints {
                (reporting, Some(expected)) => plain(
                    reporting.min(expected),
                    expected,
                    format!("{reporting} of {expected} expected endpoints report"),
                ),
                (reporting, None) => {
                    // Something is shown, and never all of it: of what, nobody said.
                    let of = reporting.saturating_add(1);
                    plain(
                        reporting,
                        of,
                        format!("{reporting} endpoints report; how many there are is unknown"),
                    )
                }
            },
            Self::PolicyInForce => match in_force(facts.policies, facts.today) {
                Some(policy) => plain(1, 1, format!("policy {} is in force", policy.version)),
                None => plain(0, 1, "no policy is in force"),
            },
            Self::PolicyCited => of(
                facts,
                |system| system.decision.is_some(),
                |system| system.decision.as_ref().is_some_and(|decision| facts.cites_its_policy(decision)),
                "decisions cite the policy of their day",
            ),
            Self::Owned => of(
                facts,
                in_scope,
                |system| system.system_owner.is_some_and(|owner| facts.is_active(owner)),
                "systems in scope have an active owner",
            ),
            Self::RolesHeld => {
                let held = facts.roles.iter().filter(|(_, people)| *people > 0).count();
                plain(
                    number(held),
                    number(Role::ALL.len()),
                    format!("{held} of {} roles are held", Role::ALL.len()),
                )
            }
            Self::AffectedGroups => of(
                facts,
                in_scope,
                |system| !system.affected_groups.is_empty(),
                "systems in scope name the groups they touch",
            ),
            Self::Tiered => of(
                facts,
                in_scope,
                |system| system.risk_tier != Tier::Unassessed,
                "systems in scope have a risk tier",
            ),
            Self::TierMethod => match facts.tier_method {
                "" => plain(0, 1, "no method of tiers"),
                version => plain(1, 1, format!("tiers are suggested by method {version}")),
            },
            Self::Trail => {
                let (entries, covered) = facts.trail;
                plain(
                    covered,
                    entries,
                    format!("{covered} of {entries} entries of the audit trail are under a checkpoint"),
                )
            }
            Self::RiskRegister => of(
                facts,
                in_scope,
                |system| system.risk_register_link.is_some(),
                "systems in scope link to the register of risks",
            ),
            Self::ResidualAccepted => of(
                facts,
                |system| in_scope(system) && matches!(system.risk_tier, Tier::High | Tier::Unacceptable),
                |system| system.residual.as_ref().is_some_and(|residual| residual.expires >= facts.today),
                "systems of a high tier have their remaining risk accepted",
            )
            .unless_free(
                facts,
                in_scope,
                |system| !matches!(system.risk_tier, Tier::High | Tier::Unacceptable | Tier::Unassessed),
                "no system in scope is of a high tier",
            ),
            Self::ImpactAssessed => of(
                facts,
                |system| in_scope(system) && system.needs_impact_assessment(),
                |system| system.has_impact_assessment(facts.today),
                "systems that need an impact assessment have one",
            )
            .unless_free(
                facts,
                in_scope,
                takes_no_impact_assessment,
                "no system in scope takes an impact assessment",
            ),
            Self::ImpactBeforeUse => of(
                facts,
                |system| {
                    system.needs_impact_assessment()
                        && system.aiia.date.is_some()
                        && system.deployed_on.is_some()
                },
                |system| system.aiia.date <= system.deployed_on,
                "impact assessments were made before use",
            )
            .unless_free(
                facts,
                in_scope,
                takes_no_impact_assessment,
                "no system in scope takes an impact assessment",
            ),
            Self::SanctionedBeforeUse => of(
                facts,
                |system| system.sanction == Sanction::Sanctioned && system.deployed_on.is_some(),
                |system| {
                    let decided = system.decision.as_ref().map(|decision| Day::from_unix_ms(decision.at_ms));
                    decided.is_some_and(|decided| Some(decided) <= system.deployed_on)
                },
                "sanctioned systems were sanctioned before use",
            ),
            Self::IntendedUse => of(
                facts,
                in_scope,
                |system| written(&system.intended_use) && written(&system.foreseeable_misuse),
                "systems in scope say their intended use and foreseeable misuse",
            ),
            Self::DataKnown => of(
                facts,
                in_scope,
                |system| {
                    !system.data_categories.is_empty()
                        && !system.data_categories.contains(&DataCategory::Unknown)
                },
                "systems in scope say what data goes in",
            ),
            Self::OrganisationRoles => of(
                facts,
                in_scope,
                |system| !system.org_roles.is_empty(),
                "systems in scope say what part the organisation plays",
            ),
            Self::SuppliersAssessed => of(
                facts,
                third,
                |system| facts.is_supplier_assessed(system),
                "third-party systems in scope have an assessed supplier",
            )
            .unless_free(
                facts,
                in_scope,
                |system| system.third_party == Tri::No,
                "no system in scope is from a third party",
            ),
            Self::ResponsibilitySplit => of(
                facts,
                third,
                |system| written(&system.responsibility_split),
                "third-party systems in scope say who does what",
            )
            .unless_free(
                facts,
                in_scope,
                |system| system.third_party == Tri::No,
                "no system in scope is from a third party",
            ),
            Self::ComputeKnown => of(
                facts,
                in_scope,
                |system| system.compute.says_where(),
                "systems in scope say where they run",
            ),
            Self::Competence => of(
                facts,
                in_scope,
                |system| system.competence_link.is_some(),
                "systems in scope say what people have to know",
            ),
            Self::RetiredWithEvidence => of(
                facts,
                |system| system.stage == Stage::Retired,
                |system| written(&system.disposal_evidence),
                "retired systems have evidence of their end",
            )
            .unless_free(
                facts,
                every,
                |system| system.stage != Stage::Retired,
                "no system is retired",
            ),
            Self::ReviewPlanned => of(
                facts,
                |system| system.review == ReviewState::Decided,
                |system| system.next_review_due.is_some(),
                "decided systems have a day of their next review",
            ),
            Self::Findings => {
                work(facts.findings, "findings").unless_free(facts, every, |_| true, "no finding was raised")
            }
            Self::Tasks => work(facts.tasks, "tasks"),
            Self::Documents => {
                let counts = |one: &&Document| one.standing(facts.today) == Standing::Current;
                let counted = facts.documents.iter().filter(counts).count();
                let all = facts.documents.len();
                plain(number(counted), number(all), format!("{counted} of {all} documents count today"))
            }
            Self::Indicators => {
                // What is not collected, by choice, is not to be computed.
                let asked = super::indicators(facts).into_iter();
                let asked: Vec<_> =
                    asked.filter(|one| one.indicator.id != "K-17" || facts.suspects.is_some()).collect();
                let known = asked.iter().filter(|one| one.is_known(facts)).count();
                let all = asked.len();
                plain(number(known), number(all), format!("{known} of {all} indicators can be computed"))
            }
            Self::IndicatorsKept => {
                let months = facts.months_kept;
                plain(u64::from(months > 0), 1, format!("indicators of {months} months are kept"))
            }
            Self::SettingsChanged => {
                let changes = facts.settings_changed;
                plain(
                    u64::from(changes > 0),
                    1,
                    format!("{changes} changes of settings stand in the audit trail"),
                )
            }
            Self::Targets => {
                let (set, all) = (facts.targets, super::INDICATORS.len());
                // How many of them have to have one, is for the organisation to say.
                plain(set, set.max(1), format!("targets are set for {set} of {all} indicators"))
            }
            Self::ManagementReview => match facts.reviewed {
                Some((reference, day)) => {
                    let lately = day.forward(FIRST_PERIOD_DAYS) >= facts.today;
                    let late = if lately { "" } else { ", more than a year ago" };
                    plain(
                        1,
                        if lately { 1 } else { 2 },
                        format!("management review {reference} was held on {day}{late}"),
                    )
                }
                None => plain(0, 1, "no management review is recorded"),
            },
            Self::Retention => match facts.retention_runs {
                true => plain(1, 1, "records are deleted when their time is over"),
                false => plain(0, 1, "no deletion has run"),
            },
            Self::StatementOfApplicability => {
                let judged = facts.controls_judged;
                plain(judged, 38, format!("of {judged} of 38 controls it is said whether they apply"))
            }
        }
    }
}

/// What a feed came to.
struct Counted {
    n: u64,
    of: u64,
    applies: bool,
    says: String,
    systems: Vec<(usize, bool)>,
}

fn plain(n: u64, of: u64, says: impl Into<String>) -> Counted {
    Counted { n, of, applies: true, says: says.into(), systems: Vec::new() }
}

fn of(
    facts: &Facts<'_>,
    looked_at: impl Fn(&AiSystem) -> bool,
    right: impl Fn(&AiSystem) -> bool,
    says: &str,
) -> Counted {
    let all = facts.systems.iter().enumerate().filter(|(_, system)| looked_at(system));
    let systems: Vec<_> = all.map(|(at, system)| (at, right(system))).collect();
    let n = systems.iter().filter(|(_, right)| *right).count();
    let (n, of) = (number(n), number(systems.len()));
    Counted { n, of, applies: true, says: format!("{n} of {of} {says}"), systems }
}

impl Counted {
    /// Of a set that may rightly be empty: that it is, is an answer where there are systems of `base` and each is known to be `free` of what is
    /// asked. Unknown is no answer, and neither is an empty inventory.
    fn unless_free(
        self,
        facts: &Facts<'_>,
        base: impl Fn(&AiSystem) -> bool,
        free: impl Fn(&AiSystem) -> bool,
        says: &str,
    ) -> Self {
        let mut asked = facts.systems.iter().filter(|system| base(system)).peekable();
        if self.of > 0 || asked.peek().is_none() || !asked.all(free) {
            return self;
        }
        Self { applies: false, says: says.to_owned(), ..self }
    }
}

/// Whether it is known that a record takes no impact assessment.
fn takes_no_impact_assessment(system: &AiSystem) -> bool {
    let domain_known = system.consequential_domain != Domain::Unknown || !system.decision_impact.is_heavy();
    !system.needs_impact_assessment()
        && system.risk_tier != Tier::Unassessed
        && system.ai_act_class != AiActClass::Undetermined
        && system.decision_impact != DecisionImpact::Unknown
        && domain_known
}

fn work(work: Work, what: &str) -> Counted {
    let all = work.open + work.closed;
    let late = match work.overdue {
        0 => String::new(),
        late => format!(", {late} of them late"),
    };
    plain(all - work.overdue, all, format!("{} open{late}, {} closed {what}", work.open, work.closed))
}

pub(super) fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u32 = 20_784;

    fn day(number: u32) -> Day {
        Day::from_number(number).unwrap()
    }

    fn looked(feed: Feed, systems: &[AiSystem]) -> (u64, u64, bool, bool) {
        let shown = feed.look(&Facts { systems, ..Facts::on(day(TODAY)) });
        (shown.n, shown.of, shown.applies, shown.is_whole())
    }

    fn harmless() -> AiSystem {
        AiSystem {
            scope: Scope::In,
            risk_tier: Tier::Minimal,
            ai_act_class: AiActClass::Minimal,
            decision_impact: DecisionImpact::None,
            third_party: Tri::No,
            ..AiSystem::default()
        }
    }

    #[test]
    fn that_nothing_is_consequential_is_an_answer_where_it_is_known_of_every_system() {
        let feeds = [
            Feed::ImpactAssessed,
            Feed::ImpactBeforeUse,
            Feed::ResidualAccepted,
            Feed::SuppliersAssessed,
            Feed::ResponsibilitySplit,
            Feed::RetiredWithEvidence,
        ];
        let unknown = AiSystem { scope: Scope::In, ..AiSystem::default() };
        for feed in feeds {
            assert_eq!(looked(feed, &[]), (0, 0, true, false), "{feed:?}: an empty inventory is no answer");
            assert_eq!(looked(feed, &[harmless(), harmless()]), (0, 0, false, true), "{feed:?}");
            let retired = feed == Feed::RetiredWithEvidence;
            assert_eq!(
                looked(feed, &[harmless(), unknown.clone()]).3,
                retired,
                "{feed:?}: unknown is no answer"
            );
        }
        let high = AiSystem { risk_tier: Tier::High, ..harmless() };
        assert_eq!(looked(Feed::ImpactAssessed, &[harmless(), high.clone()]), (0, 1, true, false));
        assert!(!looked(Feed::ImpactBeforeUse, &[high]).3, "none was made, and one is needed");
    }

    #[test]
    fn what_has_to_be_there_is_missing_where_there_is_nothing() {
        for feed in [Feed::Owned, Feed::Tasks, Feed::Documents, Feed::PolicyCited, Feed::ReviewPlanned] {
            let out = AiSystem { scope: Scope::Out, ..AiSystem::default() };
            assert_eq!(looked(feed, &[out]), (0, 0, true, false), "{feed:?}");
        }
    }

    #[test]
    fn a_decision_cites_a_policy_that_was_in_force_on_its_day() {
        let policies = [Policy {
            version: "2026-1".into(),
            title: "Use of AI".into(),
            link: None,
            sha256: None,
            approved_by: "the board".into(),
            from: day(TODAY - 10),
            until: None,
        }];
        let decided = |policy: &str, back: u32| AiSystem {
            decision: Some(Decision {
                by: 1,
                requested_by: None,
                at_ms: day(TODAY - back).unix_ms(),
                reason: "so it is".into(),
                policy: policy.into(),
                coverage_percent: None,
            }),
            ..AiSystem::default()
        };
        let systems = [decided("2026-1", 10), decided("2026-1", 11), decided("2025-1", 1), decided("", 1)];
        let facts = Facts { systems: &systems, policies: &policies, ..Facts::on(day(TODAY)) };
        let shown = Feed::PolicyCited.look(&facts);
        assert_eq!((shown.n, shown.of), (1, 4));
        assert_eq!(shown.systems, [(0, true), (1, false), (2, false), (3, false)]);
    }
}
