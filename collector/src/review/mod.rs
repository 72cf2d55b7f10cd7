//! How a governed record moves: a state machine over six independent axes. Every move names who makes it and why; one that may not be made
//! comes back with the guard that refused it and changes nothing. After governance reference (c).
//!
//! Pure: what it has to know of the world comes in with [`Context`].

mod checks;
mod guard;
mod moves;
mod observe;
mod requests;
mod second;
mod told;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;
use umbrascope_api::Day;

pub use checks::{required_for_scope, required_for_use};
pub use guard::{Guard, Refused};
pub use observe::{GONE_DAYS, QUIET_DAYS, observe, tick};
pub use second::{LET_IN_MS, LINK_OF_MS};
pub use told::{STEPS, TEXT_CHARS, Told, label};

use crate::model::record::{AiSystem, DismissReason, Enforcement, Seen, Wish};
use crate::model::task::Task;
use crate::model::{Grants, LetIn, Role};
use crate::tier::Method;

/// Fewest characters of a justification.
pub const JUSTIFICATION_CHARS: usize = 20;
/// Most characters of a reason.
pub const REASON_CHARS: usize = 2_000;

/// Who makes a move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// Number of the person.
    pub person: i64,
    /// Roles, and where they count.
    pub grants: Grants,
    /// Sign-in links by which one person let another one in.
    pub let_in: LetIn,
    /// The session began with such a link, and the person has not proved to be there since.
    pub by_link: bool,
}

/// A move that a person makes on one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// It was looked at.
    Triage,
    /// It is being decided. Needs an owner.
    StartReview,
    /// Fields are set, each by name and JSON value.
    Edit(Vec<(String, Value)>),
    /// Something is asked for that another person has to decide.
    Request(Wish),
    /// What was asked for is taken back by who asked.
    Withdraw,
    /// What was asked for is granted.
    Approve,
    /// What was asked for is not granted.
    Decline,
    /// It may not be used.
    Prohibit,
    /// There is nothing to decide.
    Dismiss {
        /// Why.
        why: DismissReason,
        /// The record that this one doubles.
        duplicate_of: Option<String>,
    },
    /// It is to be decided again.
    Reopen,
    /// The decision no longer counts.
    Revoke,
    /// The management system covers it.
    ScopeIn {
        /// Why, if somebody wants to say.
        justification: Option<String>,
    },
    /// Whether the management system covers it is open again.
    ScopeOpen,
    /// It stands still.
    Suspend,
    /// It goes on, after it stood still or was over.
    Resume,
    /// What enforces the decision.
    Enforce {
        /// How far.
        level: Enforcement,
        /// What shows it.
        evidence: Option<String>,
    },
    /// What remains of the risk is accepted by its owner.
    AcceptResidual {
        /// What remains.
        note: String,
        /// The last day of it.
        expires: Day,
    },
    /// Its owner confirms it as it is.
    Confirm {
        /// Id of the campaign; `None`: by itself.
        campaign: Option<String>,
        /// Hash of the version that was shown, in hexadecimal.
        seen: String,
        /// What is said besides.
        comment: Option<String>,
    },
    /// It is used through these products.
    Products(BTreeSet<String>),
    /// Somebody says something about it.
    Comment(String),
}

impl Move {
    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Triage => "system.triage",
            Self::StartReview => "system.review",
            Self::Edit(_) => "system.edit",
            Self::Request(_) => "system.request",
            Self::Withdraw => "system.withdraw",
            Self::Approve => "system.approve",
            Self::Decline => "system.decline",
            Self::Prohibit => "system.prohibit",
            Self::Dismiss { .. } => "system.dismiss",
            Self::Reopen => "system.reopen",
            Self::Revoke => "system.revoke",
            Self::ScopeIn { .. } => "system.scope-in",
            Self::ScopeOpen => "system.scope-open",
            Self::Suspend => "system.suspend",
            Self::Resume => "system.resume",
            Self::Enforce { .. } => "system.enforce",
            Self::AcceptResidual { .. } => "system.accept-residual",
            Self::Confirm { .. } => "system.confirm",
            Self::Products(_) => "system.products",
            Self::Comment(_) => "system.comment",
        }
    }
}

/// What a move has to know of the world.
pub struct Context<'c> {
    /// Who.
    pub who: &'c Who,
    /// Why, in the person's words.
    pub reason: &'c str,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// How a risk tier is suggested.
    pub method: &'c Method,
    /// The policy that is in force today, by its version; `None`: none is.
    pub policy: Option<&'c str>,
    /// Most days that something may be tolerated.
    pub tolerance_days: u32,
    /// Number of the scope statement that can be drafted now; `None`: one waits for its second signature.
    pub draft: Option<u64>,
    /// Share of the expected endpoints that report, in percent; `None`: not known.
    pub coverage_percent: Option<u32>,
    /// What sensors show of the record now.
    pub seen: &'c Seen,
    /// Days after which what is confirmed has to be looked at again.
    pub review_days: u32,
    /// Hash of the version that stands, in hexadecimal.
    pub hash: &'c str,
    /// Id of the campaign of which the person answers an open row of their own about this record. Only then may who owns a record
    /// correct it, and only then does a confirmation name a campaign.
    pub answering: Option<&'c str>,
    /// Whether an open task stands for the supplier's assessment.
    pub supplier_task: bool,
    /// Whether a person is in the directory and active; `None`: there is none of this number.
    pub active: &'c dyn Fn(i64) -> Option<bool>,
    /// Another record by its id.
    pub other: &'c dyn Fn(&str) -> Option<AiSystem>,
    /// The id and the reference of the record that a split makes.
    pub new_record: &'c dyn Fn() -> (String, String),
}

impl Context<'_> {
    /// The UTC day.
    pub fn today(&self) -> Day {
        Day::from_unix_ms(self.now_ms)
    }
}

/// What became of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The record as it is now.
    pub system: AiSystem,
    /// Another record that changed with it: what it was merged into, or what was split from it.
    pub other: Option<AiSystem>,
    /// What is left to do after it, which the collector sees to; it has neither id nor reference yet.
    pub task: Option<Task>,
    /// The role that permitted it.
    pub role: Option<Role>,
}

/// Makes a move on a record, or says which guard refuses it.
pub fn take(system: &AiSystem, step: &Move, context: &Context<'_>) -> Result<Moved, Refused> {
    moves::take(system, step, context)
}

/// The record as it will be kept where a person may make it by hand, and in which role.
pub fn add(system: &AiSystem, who: &Who, method: &Method) -> Result<(AiSystem, Role), Refused> {
    moves::add(system, who, method)
}
