//! What a management review has before it (9.3.2), each input with what is kept of it. Where nothing is kept, that is said: an input is never
//! left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::ManagementReview;
use crate::legal::Dates;
use crate::model::finding::{Finding, FindingState};
use crate::model::record::Scope;
use crate::model::task::{LinkKind, Task, TaskState};
use crate::readiness::{Gathered, Kept, List, Standing, Target, Verdict, assess, indicators};

/// Days ahead of which dates of laws are told.
const AHEAD_DAYS: u32 = 365;
/// Most lines of one input; how many more there are is said.
const LINES: usize = 200;

/// What a review has before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// The first day that is looked at.
    pub from: Day,
    /// The last one.
    pub until: Day,
    /// The day on which it was drawn up. What is told as standing, stood so on that day.
    pub as_of: Day,
    /// The inputs, in the order of the clause.
    pub inputs: Vec<Input>,
    /// What was measured (9.3.2 d 2).
    pub figures: Vec<Figure>,
}

/// One input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// `9.3.2 a`.
    pub clause: String,
    /// What it is, in our own words.
    pub title: String,
    /// What is kept of it.
    pub lines: Vec<Line>,
    /// Lines that are left out, since there are too many.
    pub more: u64,
}

/// Something that is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// In words.
    pub says: String,
    /// The page where more of it stands.
    pub at: Option<String>,
    /// Whether it is not as it should be.
    pub amiss: bool,
}

/// An indicator with its target, and how it was before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Id of the indicator.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Numerator, or the count.
    pub n: u64,
    /// Denominator.
    pub of: Option<u64>,
    /// What was left out, and what else belongs to it.
    pub note: String,
    /// The target in words; `None`: nobody set one.
    pub target: Option<String>,
    /// `met`, `missed`, `no-figure` or `no-target`.
    pub verdict: String,
    /// The months of the period that were kept, the oldest first, with the figure in words.
    pub before: Vec<(String, String)>,
}

/// What a pack is drawn from.
#[derive(Clone, Copy)]
pub struct Material<'m> {
    /// The UTC day.
    pub today: Day,
    /// Everything that readiness looks at, now.
    pub gathered: &'m Gathered,
    /// Earlier reviews.
    pub reviews: &'m [ManagementReview],
    /// Every task.
    pub tasks: &'m [&'m Task],
    /// Every finding.
    pub findings: &'m [&'m Finding],
    /// Indicators as they were kept.
    pub kept: &'m [Kept],
    /// What they are to come to.
    pub targets: &'m [Target],
    /// Scope statements that were signed.
    pub statements: &'m [SignedScope],
    /// Dates of laws and rules.
    pub dates: &'m Dates,
    /// What was done in the period, from the trail: kind of record, action, how often.
    pub done: &'m [(String, String, u64)],
}

/// A scope statement that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedScope {
    /// Its number.
    pub number: u64,
    /// The day of the second signature.
    pub on: Day,
    /// Records that are covered.
    pub included: u64,
    /// Records that are not.
    pub excluded: u64,
    /// Records of which nobody decided.
    pub undetermined: u64,
}

/// Draws a pack up.
pub fn pack(material: &Material<'_>, from: Day, until: Day) -> Pack {
    let of = Period { material, from, until };
    let inputs = [
        ("9.3.2 a", "What earlier reviews decided, and how far that is", of.earlier()),
        ("9.3.2 b", "What changed within the organisation and around it", of.changes()),
        ("9.3.2 c", "What changed for interested parties", of.parties()),
        ("9.3.2 d 1", "Nonconformities, and what was done about them", of.nonconformities()),
        ("9.3.2 d 3", "What audits and owners found", of.audits()),
        ("9.3.2 e", "Chances to improve", of.chances()),
    ];
    let inputs = inputs.into_iter().map(|(clause, title, mut lines)| {
        let more = lines.len().saturating_sub(LINES).try_into().unwrap_or(u64::MAX);
        lines.truncate(LINES);
        Input { clause: clause.to_owned(), title: title.to_owned(), lines, more }
    });
    Pack { from, until, as_of: material.today, inputs: inputs.collect(), figures: of.figures() }
}

fn line(says: impl Into<String>) -> Line {
    Line { says: says.into(), at: None, amiss: false }
}

fn at(says: impl Into<String>, page: impl Into<String>) -> Line {
    Line { at: Some(page.into()), ..line(says) }
}

fn amiss_if(amiss: bool, line: Line) -> Line {
    Line { amiss, ..line }
}

fn n_of(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

struct Period<'m> {
    material: &'m Material<'m>,
    from: Day,
    until: Day,
}

impl Period<'_> {
    fn has(&self, day: Day) -> bool {
        (self.from..=self.until).contains(&day)
    }

    fn has_ms(&self, at_ms: i64) -> bool {
        self.has(Day::from_unix_ms(at_ms))
    }

    /// How often these actions were taken in the period.
    fn done(&self, actions: &[&str]) -> u64 {
        let these = self.material.done.iter().filter(|(_, action, _)| actions.contains(&action.as_str()));
        these.map(|(.., n)| n).sum()
    }

    /// Every decision of an earlier review that made a task which is not done, and those of the last review in any case.
    fn earlier(&self) -> Vec<Line> {
        let today = self.material.today;
        let last = self.material.reviews.iter().map(|review| review.until).max();
        let mut lines = Vec::new();
        for review in self.material.reviews {
            for decision in &review.decisions {
                let task = decision.task.as_ref();
                let task = task.and_then(|id| self.material.tasks.iter().find(|task| task.id == *id));
                let open = task.is_some_and(|task| task.state.is_open());
                if !open && Some(review.until) != last {
                    continue;
                }
                let begin = format!("{} of {}: {}", review.reference, review.held_on, decision.says);
                lines.push(match task {
                    None => at(
                        format!("{begin} — nothing was to be done"),
                        format!("/management-reviews/{}", review.reference),
                    ),
                    Some(task) => {
                        let due = task.due.map_or_else(String::new, |due| format!(", due on {due}"));
                        let late = if task.is_overdue(today) { ", late" } else { "" };
                        let says = format!(
                            "{begin} — {} {}{due}{late}",
                            task.reference,
                            task.state.label().to_lowercase()
                        );
                        let dropped = task.state == TaskState::Dropped;
                        amiss_if(
                            task.is_overdue(today) || dropped,
                            at(says, format!("/tasks/{}", task.reference)),
                        )
                    }
                });
            }
        }
        if lines.is_empty() {
            lines.push(line(match self.material.reviews.is_empty() {
                true => "no earlier review is recorded here",
                false => "nothing that earlier reviews decided is open, and the last one decided nothing",
            }));
        }
        lines
    }

    fn changes(&self) -> Vec<Line> {
        let gathered = self.material.gathered;
        let new = gathered.systems.iter().filter(|system| system.first_seen.is_some_and(|day| self.has(day)));
        let in_scope = gathered.systems.iter().filter(|system| system.scope == Scope::In).count();
        let mut lines = vec![
            at(
                format!(
                    "{} first seen in the period, of {} now, {in_scope} of them in scope",
                    n_of(number(new.count()), "AI system was", "AI systems were"),
                    gathered.systems.len()
                ),
                "/inventory",
            ),
            line(format!(
                "requests granted {}, declined {}; prohibited {}, decisions taken back {}, dismissed {}",
                self.done(&["system.approve"]),
                self.done(&["system.decline"]),
                self.done(&["system.prohibit"]),
                self.done(&["system.revoke"]),
                self.done(&["system.dismiss"]),
            )),
        ];
        for signed in self.material.statements.iter().filter(|signed| self.has(signed.on)) {
            let SignedScope { number, on, included, excluded, undetermined } = signed;
            let says = format!(
                "scope statement {number} was signed on {on}: {included} in scope, {excluded} out of it, {undetermined} undetermined"
            );
            lines.push(at(says, format!("/scope/{number}")));
        }
        let policies = gathered.policies.iter().filter(|policy| self.has(policy.from));
        lines.extend(policies.map(|policy| {
            at(format!("AI policy {} came into force on {}", policy.version, policy.from), "/policies")
        }));
        let kind =
            |kind: &str| self.material.done.iter().filter(|(known, ..)| known == kind).map(|(.., n)| n).sum();
        lines.push(line(format!(
            "{}; roles given {}, taken {}",
            n_of(kind("setting"), "change of a setting", "changes of settings"),
            self.done(&["person.grant"]),
            self.done(&["person.revoke"]),
        )));
        lines.extend(self.documents(&["R-4.1-a", "R-4.1-b"], "on issues that bear on AI"));
        lines
    }

    fn parties(&self) -> Vec<Line> {
        let today = self.material.today;
        let soon = |day: Day| self.has(day) || (day > self.until && day <= today.forward(AHEAD_DAYS));
        let dates = &self.material.dates.dates;
        let mut lines: Vec<Line> = dates
            .iter()
            .filter(|date| date.applies_from.is_some_and(soon))
            .filter_map(|date| {
                let says = format!(
                    "{} {}: {}, from {} ({}, looked up on {})",
                    date.regime,
                    date.provision,
                    date.subject,
                    date.applies_from?,
                    date.status.label(),
                    date.as_of
                );
                Some(at(says, "/legal-dates"))
            })
            .collect();
        let mut regimes: BTreeMap<&str, u64> = BTreeMap::new();
        for regime in self.material.gathered.systems.iter().flat_map(|system| &system.other_regimes) {
            *regimes.entry(regime).or_default() += 1;
        }
        lines.extend(
            regimes
                .into_iter()
                .map(|(regime, n)| line(format!("{regime} bears on {}", n_of(n, "AI system", "AI systems")))),
        );
        lines.extend(self.documents(&["R-4.2-a", "R-4.2-b"], "on interested parties and what they ask for"));
        lines
    }

    fn nonconformities(&self) -> Vec<Line> {
        let today = self.material.today;
        let all = || self.material.findings.iter().copied().filter(|finding| finding.rule.is_nonconformity());
        let mut opened: BTreeMap<&str, u64> = BTreeMap::new();
        for finding in all().filter(|finding| self.has_ms(finding.opened_at_ms)) {
            *opened.entry(finding.rule.label()).or_default() += 1;
        }
        let mut lines: Vec<Line> =
            opened.into_iter().map(|(rule, n)| at(format!("opened: {rule}, {n}"), "/findings")).collect();
        let closed = || {
            all()
                .filter(|finding| finding.state == FindingState::Closed)
                .filter(|finding| finding.closing.as_ref().is_some_and(|closing| self.has_ms(closing.at_ms)))
        };
        let count = |of: &mut dyn Iterator<Item = &Finding>| number(of.count());
        let open = count(&mut all().filter(|finding| finding.state.is_open()));
        let late = count(&mut all().filter(|finding| finding.is_overdue(today)));
        let by_person =
            |finding: &&Finding| finding.closing.as_ref().is_some_and(|closing| closing.by.is_some());
        let worked = |wanted: bool| {
            move |finding: &&Finding| finding.effect.as_ref().is_some_and(|effect| effect.worked == wanted)
        };
        lines.push(line(format!(
            "closed: {}, of them by a person {}; the effect was checked and it worked {}",
            count(&mut closed()),
            count(&mut closed().filter(by_person)),
            count(&mut closed().filter(worked(true))),
        )));
        let failed = count(&mut all().filter(|finding| finding.state.is_open()).filter(worked(false)));
        lines.push(amiss_if(
            late > 0 || failed > 0,
            at(
                format!("open: {open}, of them late {late}, open again since it did not work {failed}"),
                "/findings",
            ),
        ));
        let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
        for caused in
            all().filter_map(|finding| finding.cause.as_ref()).filter(|caused| self.has_ms(caused.at_ms))
        {
            *causes.entry(caused.cause.label()).or_default() += 1;
        }
        lines.extend(causes.into_iter().map(|(cause, n)| line(format!("cause: {cause}, {n}"))));
        lines
    }

    fn audits(&self) -> Vec<Line> {
        let mut lines = self.documents(&["R-9.2.1-a", "R-9.2.2-a", "R-9.2.2-b"], "of an audit");
        lines.push(at(
            format!(
                "campaigns closed: {}; records confirmed: {}",
                self.done(&["campaign.close"]),
                self.done(&["system.confirm"])
            ),
            "/campaigns",
        ));
        let mut stands: BTreeMap<Standing, u64> = BTreeMap::new();
        let facts = self.material.gathered.facts(self.material.today);
        for one in assess(List::built_in(), &facts) {
            *stands.entry(one.standing).or_default() += 1;
        }
        let told: Vec<_> = stands
            .into_iter()
            .map(|(standing, n)| format!("{} {n}", standing.label().to_lowercase()))
            .collect();
        lines.push(at(format!("what there is to show for the standard: {}", told.join(", ")), "/readiness"));
        lines
    }

    fn chances(&self) -> Vec<Line> {
        let facts = self.material.gathered.facts(self.material.today);
        let mut lines: Vec<Line> = indicators(&facts)
            .into_iter()
            .filter_map(|one| {
                let target = self.target(one.indicator.id)?;
                let missed = one.against(Some(target)) == Verdict::Missed;
                let says = format!("{} is {}, wanted {}", one.indicator.name, one.figure(), target.words()?);
                missed.then(|| amiss_if(true, at(says, format!("/indicators/{}", one.indicator.id))))
            })
            .collect();
        let gaps = assess(List::built_in(), &facts).into_iter().filter(|one| one.standing == Standing::Gap);
        lines.extend(gaps.map(|one| {
            let says =
                format!("nothing to show: {} ({})", one.requirement.says, one.requirement.clauses.join(", "));
            at(says, format!("/readiness/{}", one.requirement.id))
        }));
        let ours = ["R-10.1-a", "R-10.1-b"];
        let tasks = self.material.tasks.iter().filter(|task| task.state.is_open());
        let tasks = tasks.filter(|task| {
            task.link
                .as_ref()
                .is_some_and(|link| link.kind == LinkKind::Requirement && ours.contains(&link.id.as_str()))
        });
        lines.extend(tasks.map(|task| {
            at(format!("{} {}", task.reference, task.title), format!("/tasks/{}", task.reference))
        }));
        lines.extend(self.documents(&ours, "on improvement"));
        lines
    }

    /// Documents that hang on these requirements and were attached in the period or count today, or that there is none.
    fn documents(&self, requirements: &[&str], about: &str) -> Vec<Line> {
        let today = self.material.today;
        let of = |document: &&crate::model::document::Document| {
            document.link.kind == LinkKind::Requirement && requirements.contains(&document.link.id.as_str())
        };
        let current = crate::model::document::Standing::Current;
        let these = self.material.gathered.documents.iter().filter(of);
        let these = these.filter(|one| self.has_ms(one.added_at_ms) || one.standing(today) == current);
        let lines: Vec<Line> = these
            .map(|one| {
                let says = format!(
                    "{} {} ({}, attached on {})",
                    one.reference,
                    one.title,
                    one.standing(today).label(),
                    Day::from_unix_ms(one.added_at_ms)
                );
                at(says, format!("/readiness/{}", one.link.id))
            })
            .collect();
        match (lines.is_empty(), requirements.first()) {
            (true, Some(first)) => {
                vec![amiss_if(
                    true,
                    at(format!("no document {about} is attached"), format!("/readiness/{first}")),
                )]
            }
            _ => lines,
        }
    }

    fn target(&self, id: &str) -> Option<&Target> {
        self.material.targets.iter().find(|target| target.id == id && target.value.is_some())
    }

    fn figures(&self) -> Vec<Figure> {
        let mut months: Vec<&Kept> = self.material.kept.iter().filter(|kept| self.has(kept.day)).collect();
        months.sort_by(|a, b| a.month.cmp(&b.month));
        let figure = |one: crate::readiness::Measured| {
            let id = one.indicator.id;
            let target = self.target(id);
            Figure {
                verdict: one.against(target).as_str().to_owned(),
                target: target.and_then(Target::words),
                before: months.iter().map(|kept| (kept.month.clone(), kept.figure(id))).collect(),
                id: id.to_owned(),
                name: one.indicator.name.to_owned(),
                n: one.n,
                of: one.of,
                note: one.note,
            }
        };
        indicators(&self.material.gathered.facts(self.material.today)).into_iter().map(figure).collect()
    }
}

impl Figure {
    /// The figure in words.
    pub fn words(&self) -> String {
        match self.of {
            Some(of) => format!("{} of {of}", self.n),
            None => self.n.to_string(),
        }
    }

    /// What people read of the verdict, and whether it is missed.
    pub fn told(&self) -> (&'static str, bool) {
        let all = [Verdict::NoTarget, Verdict::NoFigure, Verdict::Met, Verdict::Missed];
        let found =
            all.into_iter().find(|verdict| verdict.as_str() == self.verdict).unwrap_or(Verdict::NoTarget);
        (found.label(), found == Verdict::Missed)
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{day, held};
    use super::super::{Decided, Subject};
    use super::*;
    use crate::model::document::Document;
    use crate::model::finding::{Cause, Caused, Closing, Effect, Rule};
    use crate::model::policy::Policy;
    use crate::model::record::AiSystem;
    use crate::model::task::Link;

    fn told(pack: &Pack, clause: &str) -> Vec<(String, bool)> {
        let input = pack.inputs.iter().find(|input| input.clause == clause).unwrap();
        input.lines.iter().map(|line| (line.says.clone(), line.amiss)).collect()
    }

    fn drawn(
        change: impl FnOnce(&mut Gathered, &mut Vec<ManagementReview>, &mut Vec<Task>, &mut Vec<Finding>),
    ) -> Pack {
        let (mut gathered, mut reviews, mut tasks, mut findings) =
            (Gathered { review_days: 365, ..Gathered::default() }, Vec::new(), Vec::new(), Vec::new());
        change(&mut gathered, &mut reviews, &mut tasks, &mut findings);
        let dates = Dates { version: "1".into(), dates: Vec::new() };
        let done = [
            ("system".to_owned(), "system.approve".to_owned(), 3),
            ("setting".to_owned(), "limits.set".to_owned(), 2),
        ];
        let targets = [Target { id: "K-14".into(), value: Some(0), ..Target::default() }];
        let material = Material {
            today: day("2026-11-21"),
            gathered: &gathered,
            reviews: &reviews,
            tasks: &tasks.iter().collect::<Vec<_>>(),
            findings: &findings.iter().collect::<Vec<_>>(),
            kept: &[],
            targets: &targets,
            statements: &[],
            dates: &dates,
            done: &done,
        };
        pack(&material, day("2026-01-01"), day("2026-11-20"))
    }

    #[test]
    fn an_empty_organisation_has_every_input_and_each_says_what_is_not_there() {
        let pack = drawn(|_, _, _, _| {});
        let clauses: Vec<&str> = pack.inputs.iter().map(|input| input.clause.as_str()).collect();
        assert_eq!(clauses, ["9.3.2 a", "9.3.2 b", "9.3.2 c", "9.3.2 d 1", "9.3.2 d 3", "9.3.2 e"]);
        assert!(pack.inputs.iter().all(|input| !input.lines.is_empty()), "{pack:?}");
        assert_eq!(told(&pack, "9.3.2 a"), [("no earlier review is recorded here".to_owned(), false)]);
        assert!(
            told(&pack, "9.3.2 d 3")
                .iter()
                .any(|(says, amiss)| says.contains("no document of an audit") && *amiss)
        );
        assert_eq!(pack.figures.len(), crate::readiness::INDICATORS.len());
    }

    #[test]
    fn what_an_earlier_review_decided_is_told_with_how_far_it_is() {
        let pack = drawn(|_, reviews, tasks, _| {
            let decided = |says: &str, task: Option<&str>| Decided {
                subject: Subject::Improvement,
                says: says.to_owned(),
                task: task.map(str::to_owned),
                ..Decided::default()
            };
            reviews.push(held(
                "MRV-0001",
                "2025-06-01",
                vec![decided("old and open", Some("a")), decided("old and done", Some("b"))],
            ));
            reviews.push(held(
                "MRV-0002",
                "2025-12-31",
                vec![decided("new and done", Some("b")), decided("no change", None)],
            ));
            let task = |id: &str, state, due| Task {
                id: id.into(),
                reference: format!("TSK-{id}"),
                state,
                due,
                ..Task::default()
            };
            tasks.push(task("a", TaskState::Open, Some(day("2026-11-01"))));
            tasks.push(task("b", TaskState::Done, None));
        });
        assert_eq!(
            told(&pack, "9.3.2 a"),
            [
                (
                    "MRV-0001 of 2025-06-01: old and open — TSK-a open, due on 2026-11-01, late".to_owned(),
                    true
                ),
                ("MRV-0002 of 2025-12-31: new and done — TSK-b done".to_owned(), false),
                ("MRV-0002 of 2025-12-31: no change — nothing was to be done".to_owned(), false),
            ]
        );
    }

    #[test]
    fn changes_and_nonconformities_of_the_period_count_and_others_do_not() {
        let ms = |text: &str| day(text).unix_ms();
        let pack = drawn(|gathered, _, _, findings| {
            let seen = |text: &str| AiSystem {
                first_seen: Some(day(text)),
                system_owner: Some(7),
                ..AiSystem::default()
            };
            gathered.systems =
                vec![seen("2025-12-31"), seen("2026-01-01"), seen("2026-11-20"), seen("2026-11-21")];
            let policy = |version: &str, from: &str| Policy {
                version: version.into(),
                title: "x".into(),
                link: None,
                sha256: None,
                approved_by: "x".into(),
                from: day(from),
                until: None,
            };
            gathered.policies = vec![policy("1", "2025-01-01"), policy("2", "2026-03-01")];
            gathered.documents = vec![Document {
                reference: "DOC-0001".into(),
                title: "Internal audit".into(),
                link: Link::to(LinkKind::Requirement, "R-9.2.2-b"),
                added_at_ms: ms("2026-05-05"),
                ..Document::default()
            }];
            let found = |rule, opened: &str| Finding { rule, opened_at_ms: ms(opened), ..Finding::default() };
            let closed = Finding {
                state: FindingState::Closed,
                closing: Some(Closing {
                    by: Some(3),
                    at_ms: ms("2026-06-01"),
                    reason: None,
                    evidence: Some("x".into()),
                }),
                cause: Some(Caused {
                    cause: Cause::Process,
                    note: "x".into(),
                    by: 3,
                    at_ms: ms("2026-06-01"),
                }),
                effect: Some(Effect { worked: true, note: "x".into(), by: 4, at_ms: ms("2026-08-01") }),
                ..found(Rule::NoOwner, "2025-03-01")
            };
            *findings =
                vec![found(Rule::NoOwner, "2026-02-01"), found(Rule::SensorSilent, "2026-02-01"), closed];
        });
        let changes = told(&pack, "9.3.2 b");
        assert!(
            changes[0].0.starts_with("2 AI systems were first seen in the period, of 4 now"),
            "{changes:?}"
        );
        assert!(changes[1].0.starts_with("requests granted 3, declined 0"), "{changes:?}");
        assert!(changes.iter().any(|(says, _)| says.contains("policy 2 came into force")));
        assert!(!changes.iter().any(|(says, _)| says.contains("policy 1")));
        assert!(changes.iter().any(|(says, _)| says.starts_with("2 changes of settings")), "{changes:?}");
        let found: Vec<String> = told(&pack, "9.3.2 d 1").into_iter().map(|(says, _)| says).collect();
        assert_eq!(
            found,
            [
                "opened: No owner, 1",
                "closed: 1, of them by a person 1; the effect was checked and it worked 1",
                "open: 1, of them late 0, open again since it did not work 0",
                "cause: A rule or procedure is missing or wrong, 1",
            ]
        );
        assert!(told(&pack, "9.3.2 d 3")[0].0.starts_with("DOC-0001 Internal audit"));
        let chances = told(&pack, "9.3.2 e");
        assert!(chances.contains(&("Orphans is 4, wanted at most 0".to_owned(), true)), "{chances:?}");
        let orphans = pack.figures.iter().find(|figure| figure.id == "K-14").unwrap();
        assert_eq!(orphans.told(), ("missed", true));
    }

    #[test]
    fn too_many_lines_are_counted_and_not_lost_in_silence() {
        let pack = drawn(|_, reviews, _, _| {
            let decisions = vec![Decided { says: "x".into(), ..Decided::default() }; LINES + 5];
            reviews.push(held("MRV-0001", "2025-12-31", decisions));
        });
        assert_eq!((pack.inputs[0].lines.len(), pack.inputs[0].more), (LINES, 5));
    }
}
