//! Re-identification: the setting, the requests, and what happened in a month.

use askama::Template;
use umbrascope_api::Day;

use super::{EntryView, Frame, filters};
use crate::model::governed::TrailRow;
use crate::model::{Access, Deed};
use crate::reidentify::{MOST_HOURS, Request, Setting, State, Step, TICKET_CHARS};
use crate::web::language::t;
use crate::web::list::Pager;
use crate::web::names::Names;

/// A request as lists show it.
#[derive(Debug)]
pub(crate) struct NameRequestView {
    /// Its reference.
    pub(crate) id: String,
    /// Number of the machine.
    pub(crate) asset: i64,
    /// The product for whose sake it is asked.
    pub(crate) product: String,
    /// Number of the case outside of here.
    pub(crate) ticket: String,
    /// Why.
    pub(crate) reason: String,
    /// Who asked, and when.
    pub(crate) asked: (String, i64),
    /// Who approved, and when.
    pub(crate) approvals: Vec<(String, i64)>,
    /// Who took the sealed name, and when.
    pub(crate) taken: Vec<(String, i64)>,
    /// Until when it can be taken, Unix milliseconds.
    pub(crate) until_ms: Option<i64>,
    /// Where it stands: style class and words.
    pub(crate) state: (&'static str, &'static str),
}

impl NameRequestView {
    /// A request at a time.
    pub(crate) fn of(request: &Request, names: &Names, now_ms: i64) -> Self {
        let marks = |marks: &[crate::reidentify::Mark]| {
            marks.iter().map(|mark| (names.person(mark.by), mark.at_ms)).collect()
        };
        Self {
            id: request.id.clone(),
            asset: request.asset,
            product: request.product.clone(),
            ticket: request.ticket.clone(),
            reason: request.reason.clone(),
            asked: (names.person(request.asked.by), request.asked.at_ms),
            approvals: marks(&request.approvals),
            taken: marks(&request.taken),
            until_ms: request.until_ms,
            state: words(request.state(now_ms)),
        }
    }
}

fn words(state: State) -> (&'static str, &'static str) {
    match state {
        State::Asked => ("run", t("waits for two approvals")),
        State::HalfApproved => ("run", t("waits for a second approval")),
        State::Open => ("warn", t("open: the name can be taken")),
        State::Over => ("", t("its time is over")),
        State::Lapsed => ("", t("lapsed: nobody approved it in time")),
        State::Ended(_) => ("", state.as_str()),
    }
}

/// The setting and the requests.
#[derive(Debug, Template)]
#[template(path = "reidentification.html")]
pub(crate) struct ReidentificationPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The setting.
    pub(crate) setting: Setting,
    /// Who asks for it, and whether it is the reader.
    pub(crate) asked: Option<(String, bool)>,
    /// Who asked and who confirmed.
    pub(crate) on: Option<(String, String)>,
    /// Sealed names that are kept.
    pub(crate) kept: u64,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// The key as it was typed.
    pub(crate) key: String,
    /// Whether everybody's requests are shown.
    pub(crate) everybody: bool,
    /// Whether any are.
    pub(crate) shown: bool,
    /// The requests.
    pub(crate) rows: Vec<NameRequestView>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl ReidentificationPage {
    fn may_ask(&self) -> bool {
        self.frame.grants.access(Deed::ChangeCollection, &[]) >= Access::Propose
    }

    fn may_confirm(&self) -> bool {
        self.frame.grants.access(Deed::ChangeCollection, &[]) >= Access::Write
    }
}

/// What somebody typed of a request.
#[derive(Debug)]
pub(crate) struct AskForm {
    /// The pseudonym.
    pub(crate) account: String,
    /// Number of the case outside of here.
    pub(crate) ticket: String,
    /// For how long, in hours.
    pub(crate) hours: String,
    /// Why.
    pub(crate) reason: String,
}

/// The form for a request.
#[derive(Debug, Template)]
#[template(path = "reidentification_new.html")]
pub(crate) struct ReidentificationNewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// Number of the machine.
    pub(crate) asset: i64,
    /// Its name.
    pub(crate) hostname: String,
    /// Id and name of the product.
    pub(crate) product: (String, String),
    /// Pseudonyms that can be asked about.
    pub(crate) accounts: Vec<String>,
    /// The form.
    pub(crate) form: AskForm,
}

impl ReidentificationNewPage {
    fn most_hours(&self) -> u32 {
        MOST_HOURS
    }

    fn ticket_chars(&self) -> usize {
        TICKET_CHARS
    }
}

/// One request.
#[derive(Debug, Template)]
#[template(path = "reidentification_request.html")]
pub(crate) struct ReidentificationRequestPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// The request.
    pub(crate) request: Request,
    /// In words.
    pub(crate) view: NameRequestView,
    /// Steps that the reader can take.
    pub(crate) offered: Vec<Step>,
    /// Whether the reader may go to the machine's page.
    pub(crate) machine: bool,
    /// What was done with it.
    pub(crate) history: Vec<EntryView>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl ReidentificationRequestPage {
    fn offers(&self, word: &str) -> bool {
        self.offered.iter().any(|step| step.as_str() == word)
    }
}

/// What happened in a month: of the setting and of requests.
#[derive(Debug)]
pub(crate) struct MonthReport {
    /// `2026-11`.
    pub(crate) month: String,
    /// First day, and the first day after it.
    pub(crate) days: (Day, Day),
    /// How often each thing was done, and how often one was refused.
    pub(crate) counts: Vec<(&'static str, u64)>,
    /// Entries of the trail, the newest first.
    pub(crate) rows: Vec<TrailRow>,
    /// Entries that there are.
    pub(crate) total: u64,
    /// The setting as it is now.
    pub(crate) setting: Setting,
    /// Sealed names that are kept now.
    pub(crate) kept: u64,
}

impl MonthReport {
    /// Whether the month has more entries than are listed.
    pub(crate) fn is_cut(&self) -> bool {
        self.total > self.rows.len() as u64
    }
}

/// What happened in a month.
#[derive(Debug, Template)]
#[template(path = "reidentification_report.html")]
pub(crate) struct ReidentificationReportPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The month before.
    pub(crate) before: String,
    /// The month after, where it has begun.
    pub(crate) next: Option<String>,
    /// What happened.
    pub(crate) report: MonthReport,
    /// Entries of the trail.
    pub(crate) history: Vec<EntryView>,
    /// The foot.
    pub(crate) pager: Pager,
}
