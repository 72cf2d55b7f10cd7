//! What waits, the policies that decisions cite, and the trail.

use askama::Template;
use umbrascope_api::Day;

use super::{EntryView, Frame, filters};
use crate::model::governed::{TrailEntry, TrailReach};
use crate::model::policy::{Limits, Policy};
use crate::web::language::t;
use crate::web::list::{Pager, Select};

/// A queue in the head of the page.
#[derive(Debug)]
pub(crate) struct QueueTab {
    /// Where it is.
    pub(crate) href: String,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Records in it.
    pub(crate) count: u64,
    /// Whether it is shown.
    pub(crate) open: bool,
}

/// A record that waits.
#[derive(Debug)]
pub(crate) struct QueueRow {
    /// Its reference.
    pub(crate) reference: String,
    /// Its name.
    pub(crate) name: String,
    /// How far people are: words and style class.
    pub(crate) review: (&'static str, &'static str),
    /// What was decided: words and style class.
    pub(crate) sanction: (&'static str, &'static str),
    /// Why it waits.
    pub(crate) why: String,
    /// What was said for it.
    pub(crate) reason: String,
    /// More of what is asked for.
    pub(crate) details: Vec<(&'static str, String)>,
    /// Since when, Unix time in milliseconds.
    pub(crate) since_ms: i64,
    /// First day of a sighting.
    pub(crate) first_seen: Option<Day>,
    /// Its owner.
    pub(crate) owner: Option<String>,
}

/// What waits for the reader.
#[derive(Debug, Template)]
#[template(path = "review.html")]
pub(crate) struct ReviewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The queues.
    pub(crate) tabs: Vec<QueueTab>,
    /// Word of the open one.
    pub(crate) word: &'static str,
    /// Its rows.
    pub(crate) rows: Vec<QueueRow>,
    /// The foot.
    pub(crate) pager: Pager,
}

/// A version of the policy.
#[derive(Debug)]
pub(crate) struct PolicyRow {
    /// The policy.
    pub(crate) policy: Policy,
    /// Whether it is in force today.
    pub(crate) current: bool,
    /// Who recorded it.
    pub(crate) by: String,
    /// When, Unix time in milliseconds.
    pub(crate) at_ms: i64,
}

impl PolicyRow {
    /// Its link where a browser can follow it.
    pub(crate) fn href(&self) -> Option<&String> {
        self.policy.link.as_ref().filter(|link| link.starts_with("https://") || link.starts_with("http://"))
    }
}

/// A policy as it was typed.
#[derive(Debug, Default)]
pub(crate) struct PolicyForm {
    /// Version.
    pub(crate) version: String,
    /// Title.
    pub(crate) title: String,
    /// Where it is kept.
    pub(crate) link: String,
    /// Its hash.
    pub(crate) sha256: String,
    /// Who approved it.
    pub(crate) approved_by: String,
    /// First day.
    pub(crate) from: String,
    /// Last day.
    pub(crate) until: String,
    /// Why.
    pub(crate) reason: String,
    /// What is wrong.
    pub(crate) problem: Option<String>,
}

/// Limits as they were typed.
#[derive(Debug, Default)]
pub(crate) struct LimitsForm {
    /// Most days of a toleration.
    pub(crate) tolerance_days: String,
    /// Days until the next look.
    pub(crate) review_days: String,
    /// Most records of a bulk.
    pub(crate) bulk_records: String,
    /// Why.
    pub(crate) reason: String,
    /// What is wrong.
    pub(crate) problem: Option<String>,
}

/// Policies and limits.
#[derive(Debug, Template)]
#[template(path = "policies.html")]
pub(crate) struct PoliciesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Versions, the newest first.
    pub(crate) rows: Vec<PolicyRow>,
    /// The one that is in force.
    pub(crate) current: Option<String>,
    /// Whether the reader may record one.
    pub(crate) records: bool,
    /// What was typed.
    pub(crate) form: PolicyForm,
    /// Limits in force.
    pub(crate) limits: Limits,
    /// Whether the reader may set them.
    pub(crate) sets: bool,
    /// What was typed.
    pub(crate) limits_form: LimitsForm,
}

/// Entries of the trail.
#[derive(Debug, Template)]
#[template(path = "trail.html")]
pub(crate) struct TrailPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// How much of it the reader reads.
    pub(crate) reach: TrailReach,
    /// Whether a person was asked for who is not there.
    pub(crate) nobody: bool,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// Sign-in name asked for.
    pub(crate) person: String,
    /// First day asked for.
    pub(crate) from: String,
    /// Last day asked for.
    pub(crate) to: String,
    /// The entries.
    pub(crate) history: Vec<EntryView>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl TrailPage {
    /// What of the trail the reader reads, in words.
    fn lead(&self) -> &'static str {
        match self.reach {
            TrailReach::Whole => t(
                "Every change of a governed record, and every one that was refused: who, in which role, why, and what was set. Nothing here is ever changed.",
            ),
            TrailReach::Part { collection: true, own } => match own {
                None => t(
                    "What was changed, asked for or refused of what agents gather, of how long it is kept, and of learning whose an account is. The whole trail is for who reviews, decides the scope, audits, answers for privacy or administers.",
                ),
                Some(_) => t("What is about collection and re-identification, and your own entries."),
            },
            TrailReach::Part { collection: false, .. } => t(
                "Your own entries. The whole trail is for who reviews, decides the scope, audits, answers for privacy or administers.",
            ),
        }
    }

    /// Whether entries of others are among what the reader reads.
    fn of_others(&self) -> bool {
        !matches!(self.reach, TrailReach::Part { collection: false, .. })
    }
}

/// One entry.
#[derive(Debug, Template)]
#[template(path = "trail_entry.html")]
pub(crate) struct TrailEntryPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// In words.
    pub(crate) view: EntryView,
    /// With the texts that are hashed.
    pub(crate) entry: TrailEntry,
}
