//! How a statement moves: draft → proposed → signed. Every step names who takes it; one that may not be taken comes back with the guard
//! that refused it.

use super::{Approval, Boundary, Content, SentBack, Statement, StatementState};
use crate::model::Role;
use crate::review::{Guard, REASON_CHARS, Refused, Who};

/// A step that a person takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The boundary is written.
    Write(Box<Boundary>),
    /// It is to be signed as it is.
    Propose,
    /// It has to be written again.
    SendBack,
    /// A scope owner approves it.
    Approve,
    /// A reviewer, who is somebody else, countersigns it.
    Countersign,
}

impl Step {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Write(_) => "statement.write",
            Self::Propose => "statement.propose",
            Self::SendBack => "statement.send-back",
            Self::Approve => "statement.approve",
            Self::Countersign => "statement.countersign",
        }
    }
}

/// What a step has to know.
pub struct Surroundings<'s> {
    /// Who.
    pub who: &'s Who,
    /// Whether the person signed in again a moment ago.
    pub fresh: bool,
    /// Why, in the person's words.
    pub reason: &'s str,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// What it would list now, or why that cannot be said: for [`Step::Propose`].
    pub content: Option<Content>,
    /// References of records that changed since it was proposed.
    pub stale: &'s [String],
}

/// Begins a statement after these, of which one at most may not be signed.
pub fn begin(
    earlier: &[Statement],
    organisation: &str,
    who: &Who,
    now_ms: i64,
) -> Result<(Statement, Role), Refused> {
    let role = holds(who, &[Role::ScopeOwner])?;
    if let Some(open) = earlier.iter().find(|one| one.state != StatementState::Signed) {
        let says = format!("statement {} is not signed yet: go on with that one", open.number);
        return Err(Refused::new(Guard::State, says));
    }
    let last = earlier.iter().max_by_key(|one| one.number);
    let boundary = last
        .map(|last| last.boundary.clone())
        .unwrap_or_else(|| Boundary { organisation: organisation.to_owned(), ..Boundary::default() });
    let number = last.map_or(1, |last| last.number + 1);
    Ok((
        Statement { number, boundary, author: who.person, begun_at_ms: now_ms, ..Statement::default() },
        role,
    ))
}

/// Takes a step, or says which guard refuses it.
pub fn take(
    statement: &Statement,
    step: &Step,
    around: &Surroundings<'_>,
) -> Result<(Statement, Role), Refused> {
    if around.reason.chars().count() > REASON_CHARS {
        return Err(Refused::new(
            Guard::Reason,
            format!("the reason is longer than {REASON_CHARS} characters"),
        ));
    }
    let mut next = statement.clone();
    let role = match step {
        Step::Write(boundary) => {
            let role = holds(around.who, &[Role::ScopeOwner])?;
            is(statement, StatementState::Draft)?;
            fields(boundary.faults(), "is too long or holds what it cannot")?;
            next.boundary = (**boundary).clone();
            role
        }
        Step::Propose => {
            let role = holds(around.who, &[Role::ScopeOwner])?;
            is(statement, StatementState::Draft)?;
            fields(statement.boundary.missing(), "has to be written first")?;
            let content = around.content.clone().ok_or_else(|| {
                Refused::new(
                    Guard::Policy,
                    "no version of the AI policy is in force today: record one under Settings first",
                )
            })?;
            next = Statement {
                state: StatementState::Proposed,
                content: Some(content),
                sent_back: None,
                ..next
            };
            role
        }
        Step::SendBack => {
            let role = holds(around.who, &[Role::ScopeOwner, Role::Reviewer])?;
            is(statement, StatementState::Proposed)?;
            let reason = around.reason.trim();
            if reason.is_empty() {
                return Err(Refused::new(Guard::Reason, "say why: a reason is missing"));
            }
            let (person, at_ms) = (around.who.person, around.now_ms);
            let sent_back = Some(SentBack { person, at_ms, reason: reason.to_owned() });
            let (content, approved, countersigned) = (None, None, None);
            next = Statement {
                state: StatementState::Draft,
                content,
                approved,
                countersigned,
                sent_back,
                ..next
            };
            role
        }
        Step::Approve => {
            let role =
                sign(statement, Role::ScopeOwner, &statement.approved, &statement.countersigned, around)?;
            next.approved = Some(approval(role, around));
            role
        }
        Step::Countersign => {
            let role =
                sign(statement, Role::Reviewer, &statement.countersigned, &statement.approved, around)?;
            next.countersigned = Some(approval(role, around));
            role
        }
    };
    if next.approved.is_some() && next.countersigned.is_some() {
        next.state = StatementState::Signed;
    }
    Ok((next, role))
}

/// Whether a person may sign in a role, where `own` is what that role signed already and `other` what the other role did.
fn sign(
    statement: &Statement,
    role: Role,
    own: &Option<Approval>,
    other: &Option<Approval>,
    around: &Surroundings<'_>,
) -> Result<Role, Refused> {
    let role = holds(around.who, &[role])?;
    is(statement, StatementState::Proposed)?;
    if own.is_some() {
        return Err(Refused::new(Guard::State, "it is signed in this role already"));
    }
    if other.as_ref().is_some_and(|other| other.person == around.who.person) {
        return Err(Refused::new(
            Guard::FourEyes,
            "two people have to sign: you signed it in the other role",
        ));
    }
    match other {
        Some(other) => around.who.second_to(other.person, other.at_ms, around.now_ms)?,
        // Each of the two signatures is a person's own.
        None => around.who.stands_alone(around.now_ms)?,
    }
    if !around.fresh {
        return Err(Refused::new(Guard::Fresh, "sign in again first: a signature takes it"));
    }
    if !around.stale.is_empty() {
        let named = around.stale.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let says =
            format!("changed since it was proposed: {named}. Send it back and propose it anew, as it is now");
        return Err(Refused { guard: Guard::Version, missing: around.stale.to_vec(), says });
    }
    Ok(role)
}

fn approval(role: Role, around: &Surroundings<'_>) -> Approval {
    Approval { person: around.who.person, role: role.as_str().to_owned(), at_ms: around.now_ms }
}

/// The first of these roles that the person holds for the whole organisation: a statement is of all of it.
fn holds(who: &Who, roles: &[Role]) -> Result<Role, Refused> {
    if let Some(role) = roles.iter().find(|role| who.grants.hold(**role, &[])) {
        return Ok(*role);
    }
    let named = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
    Err(if roles.iter().any(|role| who.grants.any(*role)) {
        Refused::new(Guard::Acl, format!("the role {named} has to be held for the whole organisation"))
    } else {
        Refused::new(Guard::Role, format!("this takes the role {named}"))
    })
}

fn is(statement: &Statement, state: StatementState) -> Result<(), Refused> {
    if statement.state == state {
        return Ok(());
    }
    Err(match statement.state {
        StatementState::Signed => {
            Refused::new(Guard::Frozen, "it is signed and never changes: a correction is a new version")
        }
        StatementState::Proposed => {
            Refused::new(Guard::Frozen, "it waits for its signatures: send it back to change it")
        }
        StatementState::Draft => Refused::new(Guard::State, "it is a draft: propose it first"),
    })
}

fn fields(named: Vec<String>, what: &str) -> Result<(), Refused> {
    if named.is_empty() {
        return Ok(());
    }
    Err(Refused { guard: Guard::Fields, says: format!("{what}: {}", named.join(", ")), missing: named })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Grant, Grants};

    fn who(person: i64, roles: &[Role]) -> Who {
        let grants = roles.iter().map(|role| Grant { role: *role, unit: None }).collect();
        Who { person, grants: Grants(grants), ..Who::default() }
    }

    fn around<'s>(who: &'s Who, stale: &'s [String]) -> Surroundings<'s> {
        let content = Some(Content::default());
        Surroundings { who, fresh: true, reason: "because", now_ms: 5, content, stale }
    }

    fn written() -> Statement {
        let boundary = Boundary {
            organisation: "Example".into(),
            activities: "Trade".into(),
            text: "All of it".into(),
            ..Boundary::default()
        };
        Statement { number: 1, boundary, ..Statement::default() }
    }

    fn guard(result: Result<(Statement, Role), Refused>) -> Guard {
        result.unwrap_err().guard
    }

    #[test]
    fn two_people_sign_and_then_nothing_changes() {
        let (owner, reviewer) = (who(1, &[Role::ScopeOwner]), who(2, &[Role::Reviewer]));
        let (proposed, _) = take(&written(), &Step::Propose, &around(&owner, &[])).unwrap();
        assert_eq!(proposed.state, StatementState::Proposed);
        let (approved, role) = take(&proposed, &Step::Approve, &around(&owner, &[])).unwrap();
        assert_eq!((approved.state, role), (StatementState::Proposed, Role::ScopeOwner));
        let (signed, _) = take(&approved, &Step::Countersign, &around(&reviewer, &[])).unwrap();
        assert_eq!(signed.state, StatementState::Signed);
        for step in
            [Step::Write(Box::default()), Step::Propose, Step::SendBack, Step::Approve, Step::Countersign]
        {
            let both = who(3, &[Role::ScopeOwner, Role::Reviewer]);
            assert_eq!(guard(take(&signed, &step, &around(&both, &[]))), Guard::Frozen, "{step:?}");
        }
    }

    #[test]
    fn each_refusal_has_its_guard() {
        let both = who(1, &[Role::ScopeOwner, Role::Reviewer]);
        let analyst = who(2, &[Role::Analyst]);
        let draft = written();
        assert_eq!(guard(take(&draft, &Step::Propose, &around(&analyst, &[]))), Guard::Role);
        let unit = Who {
            person: 3,
            grants: Grants(vec![Grant { role: Role::ScopeOwner, unit: Some(1) }]),
            ..Who::default()
        };
        assert_eq!(guard(take(&draft, &Step::Propose, &around(&unit, &[]))), Guard::Acl);
        assert_eq!(guard(take(&draft, &Step::Approve, &around(&both, &[]))), Guard::State);
        assert_eq!(guard(take(&Statement::default(), &Step::Propose, &around(&both, &[]))), Guard::Fields);
        let no_policy = Surroundings { content: None, ..around(&both, &[]) };
        assert_eq!(guard(take(&draft, &Step::Propose, &no_policy)), Guard::Policy);
        let long = Boundary { text: "x".repeat(super::super::LONG_CHARS + 1), ..Boundary::default() };
        assert_eq!(guard(take(&draft, &Step::Write(Box::new(long)), &around(&both, &[]))), Guard::Fields);

        let (proposed, _) = take(&draft, &Step::Propose, &around(&both, &[])).unwrap();
        assert_eq!(guard(take(&proposed, &Step::Write(Box::default()), &around(&both, &[]))), Guard::Frozen);
        let silent = Surroundings { reason: " ", ..around(&both, &[]) };
        assert_eq!(guard(take(&proposed, &Step::SendBack, &silent)), Guard::Reason);
        let tired = Surroundings { fresh: false, ..around(&both, &[]) };
        assert_eq!(guard(take(&proposed, &Step::Approve, &tired)), Guard::Fresh);
        let stale = ["AIS-0001".to_owned()];
        let refused = take(&proposed, &Step::Approve, &around(&both, &stale)).unwrap_err();
        assert_eq!((refused.guard, refused.missing), (Guard::Version, stale.to_vec()));
        let (approved, _) = take(&proposed, &Step::Approve, &around(&both, &[])).unwrap();
        assert_eq!(guard(take(&approved, &Step::Countersign, &around(&both, &[]))), Guard::FourEyes);
        assert_eq!(guard(take(&approved, &Step::Approve, &around(&both, &[]))), Guard::State);
        let (back, _) = take(&approved, &Step::SendBack, &around(&both, &[])).unwrap();
        assert_eq!((back.state, &back.content, &back.approved), (StatementState::Draft, &None, &None));
    }

    #[test]
    fn one_is_drafted_at_a_time_and_goes_on_from_the_last() {
        let owner = who(1, &[Role::ScopeOwner]);
        let (first, _) = begin(&[], "Example", &owner, 5).unwrap();
        assert_eq!((first.number, first.boundary.organisation.as_str()), (1, "Example"));
        assert_eq!(begin(std::slice::from_ref(&first), "", &owner, 5).unwrap_err().guard, Guard::State);
        let signed = Statement { state: StatementState::Signed, ..written() };
        let (second, _) = begin(std::slice::from_ref(&signed), "", &owner, 5).unwrap();
        assert_eq!((second.number, second.boundary), (2, signed.boundary));
        assert_eq!(begin(&[], "", &who(2, &[Role::Reviewer]), 5).unwrap_err().guard, Guard::Role);
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Write(Box::new(written().boundary))),
            Just(Step::Propose),
            Just(Step::SendBack),
            Just(Step::Approve),
            Just(Step::Countersign),
        ]
    }

    proptest! {
        /// I-11, and two people: whoever does whatever in whatever order.
        #[test]
        fn no_sequence_of_steps_signs_with_one_person_or_changes_what_is_signed(
            steps in prop::collection::vec((any_step(), 1_i64..4, prop::sample::subsequence(vec![Role::ScopeOwner, Role::Reviewer, Role::Analyst], 0..3), any::<bool>()), 0..40),
        ) {
            let mut statement = written();
            for (step, person, roles, fresh) in steps {
                let who = who(person, &roles);
                let before = statement.clone();
                let taken = take(&before, &step, &Surroundings { fresh, ..around(&who, &[]) });
                if let Ok((next, role)) = taken {
                    prop_assert!(before.state != StatementState::Signed);
                    prop_assert!(roles.contains(&role));
                    statement = next;
                }
                if statement.state == StatementState::Signed {
                    let people = statement.approved.as_ref().zip(statement.countersigned.as_ref());
                    prop_assert!(people.is_some_and(|(one, other)| one.person != other.person));
                    prop_assert!(statement.content.is_some());
                }
                prop_assert_eq!(statement.state == StatementState::Draft, statement.content.is_none());
            }
        }
    }
}
