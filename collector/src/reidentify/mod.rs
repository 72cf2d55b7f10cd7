//! Learning whose an account is. It exists only where two people switched it on: then agents seal the name of an account to the privacy
//! officer's public key, and this collector keeps the sealed name, which it cannot open. To take one away takes a request for one
//! account of one machine, with a reason and a ticket, that two privacy officers approve who are other people than the one who asks; for a
//! limited time, each taking recorded. It is opened elsewhere, with [`key`] in the hands of the privacy officer.

pub mod key;
mod setting;

use serde::{Deserialize, Serialize};

use crate::model::Role;
use crate::model::governed::Governed;
use crate::review::{Guard, JUSTIFICATION_CHARS, Refused, Who};
pub use setting::{On, Setting, SettingAsked, SettingStep, change};

/// How long a request waits for approval, in milliseconds: seven days.
pub const WAITS_MS: i64 = 7 * 86_400_000;
/// Hours for which a name can be taken, at the most.
pub const MOST_HOURS: u32 = 72;
/// People who approve, beside the one who asks.
pub const APPROVALS: usize = 2;
/// Longest ticket, in characters.
pub const TICKET_CHARS: usize = 100;
const HOUR_MS: i64 = 3_600_000;

/// A person did something at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// How a request ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// A privacy officer declined it.
    Declined,
    /// Whoever asked took it back.
    Withdrawn,
    /// It served its purpose.
    Closed,
}

/// A request to learn whose one account of one machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its reference, `RID-000001`.
    pub id: String,
    /// Number of the machine.
    pub asset: i64,
    /// Number of the machine's unit when it was asked for.
    pub unit: i64,
    /// Number of the account.
    pub account: i64,
    /// The product for whose sake it is asked.
    pub product: String,
    /// Number of the incident or case outside of here.
    pub ticket: String,
    /// Why.
    pub reason: String,
    /// For how long the name can be taken once it is approved, in hours.
    pub hours: u32,
    /// Who asked, and when.
    pub asked: Mark,
    /// Who approved.
    pub approvals: Vec<Mark>,
    /// Until when the name can be taken, Unix milliseconds; `None`: it is not approved.
    pub until_ms: Option<i64>,
    /// Who took the sealed name.
    pub taken: Vec<Mark>,
    /// How it ended before its time.
    pub end: Option<(Ending, Mark)>,
}

impl Governed for Request {
    const KIND: &'static str = "reidentification";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody approved it yet.
    Asked,
    /// One of two people approved it.
    HalfApproved,
    /// The sealed name can be taken.
    Open,
    /// Its time is over.
    Over,
    /// Nobody approved it in time.
    Lapsed,
    /// It was ended.
    Ended(Ending),
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::HalfApproved => "half-approved",
            Self::Open => "open",
            Self::Over => "over",
            Self::Lapsed => "lapsed",
            Self::Ended(Ending::Declined) => "declined",
            Self::Ended(Ending::Withdrawn) => "withdrawn",
            Self::Ended(Ending::Closed) => "closed",
        }
    }

    /// Whether somebody has to approve it or decline it.
    pub fn waits(self) -> bool {
        matches!(self, Self::Asked | Self::HalfApproved)
    }
}

impl Request {
    /// Where it stands at a time.
    pub fn state(&self, now_ms: i64) -> State {
        match (self.end, self.until_ms) {
            (Some((ending, _)), _) => State::Ended(ending),
            (None, Some(until_ms)) if now_ms >= until_ms => State::Over,
            (None, Some(_)) => State::Open,
            (None, None) if now_ms - self.asked.at_ms > WAITS_MS => State::Lapsed,
            (None, None) if self.approvals.is_empty() => State::Asked,
            (None, None) => State::HalfApproved,
        }
    }

    /// The request without what it said of whose sake it was, for whom that is erased: who decided when stays.
    #[must_use]
    pub fn forgotten(self, gone: &str) -> Self {
        let text = || gone.to_owned();
        Self { asset: 0, account: 0, product: text(), ticket: text(), reason: text(), ..self }
    }

    /// Everybody who has a part in it.
    pub fn people(&self) -> impl Iterator<Item = i64> {
        let ended = self.end.iter().map(|(_, mark)| mark.by);
        [self.asked.by]
            .into_iter()
            .chain(self.approvals.iter().map(|mark| mark.by))
            .chain(self.taken.iter().map(|mark| mark.by))
            .chain(ended)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Number of the machine.
    pub asset: i64,
    /// Pseudonym of the account.
    pub account: String,
    /// The product for whose sake it is asked.
    pub product: String,
    /// Number of the incident or case outside of here.
    pub ticket: String,
    /// For how long, in hours.
    pub hours: u32,
}

/// What the store knows of what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Number of the machine's unit.
    pub unit: i64,
    /// Number of the account.
    pub account: i64,
}

/// Makes a request, or says which guard refuses it; and the role that permitted it. `subject`: `None`, there is no sealed name of that
/// account of that machine for that product.
pub fn ask(
    setting: &Setting,
    asked: &Asked,
    subject: Option<Subject>,
    who: &Who,
    reason: &str,
    now_ms: i64,
) -> Result<(Request, Role), Refused> {
    let units: Vec<i64> = subject.iter().map(|subject| subject.unit).collect();
    let role = held(who, &[Role::Analyst, Role::Reviewer], &units)?;
    if setting.on.is_none() {
        return Err(Refused::new(Guard::State, "re-identification is not switched on here: no name is kept"));
    }
    let Some(subject) = subject else {
        return Err(Refused::new(
            Guard::Target,
            "no sealed name is kept of that account, or it did not use that product on that machine",
        ));
    };
    let (ticket, reason) = (asked.ticket.trim(), reason.trim());
    let mut missing = Vec::new();
    if ticket.is_empty() || ticket.chars().count() > TICKET_CHARS || ticket.contains(char::is_control) {
        missing.push("ticket");
    }
    if !(1..=MOST_HOURS).contains(&asked.hours) {
        missing.push("hours");
    }
    if !missing.is_empty() {
        return Err(Refused {
            guard: Guard::Fields,
            missing: missing.into_iter().map(str::to_owned).collect(),
            says: format!(
                "a ticket of at most {TICKET_CHARS} characters and 1 to {MOST_HOURS} hours are needed"
            ),
        });
    }
    if reason.chars().count() < JUSTIFICATION_CHARS {
        return Err(Refused::new(
            Guard::Justify,
            format!("say why a name has to be known, in at least {JUSTIFICATION_CHARS} characters"),
        ));
    }
    let request = Request {
        id: String::new(),
        asset: asked.asset,
        unit: subject.unit,
        account: subject.account,
        product: asked.product.clone(),
        ticket: ticket.to_owned(),
        reason: reason.to_owned(),
        hours: asked.hours,
        asked: Mark { by: who.person, at_ms: now_ms },
        approvals: Vec::new(),
        until_ms: None,
        taken: Vec::new(),
        end: None,
    };
    Ok((request, role))
}

/// A step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A privacy officer approves.
    Approve,
    /// A privacy officer declines.
    Decline,
    /// Whoever asked takes it back.
    Withdraw,
    /// A privacy officer takes the sealed name away, to open it elsewhere.
    Take,
    /// It served its purpose: nothing can be taken any more.
    Close,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Decline, Self::Withdraw, Self::Take, Self::Close];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
            Self::Take => "take",
            Self::Close => "close",
        }
    }

    /// The step that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// What stands in the trail.
    pub fn action(self) -> &'static str {
        match self {
            Self::Approve => "reidentification.approve",
            Self::Decline => "reidentification.decline",
            Self::Withdraw => "reidentification.withdraw",
            Self::Take => "reidentification.take",
            Self::Close => "reidentification.close",
        }
    }
}

/// Takes a step of a request, or says which guard refuses it; and the role that permitted it, `None`: the part of who asked.
pub fn take(
    request: &Request,
    step: Step,
    who: &Who,
    now_ms: i64,
) -> Result<(Request, Option<Role>), Refused> {
    let (state, mark) = (request.state(now_ms), Mark { by: who.person, at_ms: now_ms });
    let asker = request.asked.by == who.person;
    let officer = || held(who, &[Role::PrivacyOfficer], &[]);
    let ended = |ending| Request { end: Some((ending, mark)), ..request.clone() };
    let wrong = |says: &str| Err(Refused::new(Guard::State, format!("{says}: it is {}", state.as_str())));
    match step {
        Step::Approve => {
            let role = officer()?;
            if asker {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "nobody approves an own request: another person has to",
                ));
            }
            if request.approvals.iter().any(|approval| approval.by == who.person) {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "you approved it already: it takes another privacy officer besides",
                ));
            }
            for before in [&request.asked].into_iter().chain(&request.approvals) {
                who.second_to(before.by, before.at_ms, now_ms)?;
            }
            if !state.waits() {
                return wrong("only a request that waits is approved");
            }
            let mut next = request.clone();
            next.approvals.push(mark);
            if next.approvals.len() >= APPROVALS {
                next.until_ms = Some(now_ms + i64::from(request.hours) * HOUR_MS);
            }
            Ok((next, Some(role)))
        }
        Step::Decline => {
            let role = officer()?;
            if !state.waits() {
                return wrong("only a request that waits is declined");
            }
            Ok((ended(Ending::Declined), Some(role)))
        }
        Step::Withdraw => {
            if !asker {
                return Err(Refused::new(Guard::Role, "a request is taken back by who made it"));
            }
            if !state.waits() {
                return wrong("only a request that waits is taken back");
            }
            Ok((ended(Ending::Withdrawn), None))
        }
        Step::Take => {
            let role = officer()?;
            if asker {
                return Err(Refused::new(
                    Guard::FourEyes,
                    "nobody takes a name that they asked for themselves",
                ));
            }
            who.second_to(request.asked.by, request.asked.at_ms, now_ms)?;
            match state {
                State::Open => {}
                State::Asked | State::HalfApproved => {
                    return Err(Refused::new(
                        Guard::FourEyes,
                        "two privacy officers have to approve it first, each another person than the one who asked",
                    ));
                }
                State::Over | State::Lapsed => {
                    return Err(Refused::new(
                        Guard::Expiry,
                        "its time is over: it has to be asked for and approved anew",
                    ));
                }
                State::Ended(_) => return wrong("nothing is taken of a request that has ended"),
            }
            let mut next = request.clone();
            next.taken.push(mark);
            Ok((next, Some(role)))
        }
        Step::Close => {
            let role = if asker { None } else { Some(officer()?) };
            if state != State::Open {
                return wrong("only a request that is open is closed");
            }
            Ok((ended(Ending::Closed), role))
        }
    }
}

fn held(who: &Who, roles: &[Role], units: &[i64]) -> Result<Role, Refused> {
    roles.iter().copied().find(|role| who.grants.hold(*role, units)).ok_or_else(|| {
        let named = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
        let elsewhere = who.grants.0.iter().any(|grant| roles.contains(&grant.role));
        let guard = if elsewhere { Guard::Acl } else { Guard::Role };
        let place = if units.is_empty() { "the whole organisation" } else { "the machine's unit" };
        Refused::new(guard, format!("this takes the role {named} for {place}"))
    })
}

#[cfg(test)]
mod tests;
