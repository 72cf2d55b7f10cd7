//! Campaigns, for who starts and reviews them.

use askama::Template;

use super::{Frame, filters};
use crate::campaign::{BULK_ROWS, QUICK_SECONDS, Report};
use crate::model::UnitRow;
use crate::model::campaign::{
    CampaignDetail, CampaignLine, CampaignMode, CampaignState, Candidate, RowCounts, RowState, RowStep,
    RowView,
};
use crate::model::record::{Scope, SystemKind, Tier};
use crate::web::language::{say, t};
use crate::web::list::{Pager, Select};

/// Every campaign.
#[derive(Debug, Template)]
#[template(path = "campaigns.html")]
pub(crate) struct CampaignsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The rows.
    pub(crate) rows: Vec<CampaignLine>,
    /// KPI K-08, in words.
    pub(crate) attested: crate::model::campaign::Attested,
    /// The foot.
    pub(crate) pager: Pager,
}

/// A new campaign as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub(crate) struct CampaignForm {
    pub(crate) csrf: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) tier: String,
    pub(crate) scope: String,
    pub(crate) kind: String,
    pub(crate) mode: String,
    pub(crate) due: String,
    pub(crate) remind: String,
    pub(crate) escalate: String,
    pub(crate) report: String,
    /// The list that was looked at.
    pub(crate) previewed: String,
    /// Whether the list is asked for.
    pub(crate) look: String,
}

impl CampaignForm {
    /// The fields that go from looking to starting.
    pub(crate) fn kept(&self) -> [(&'static str, &str); 10] {
        [
            ("title", &self.title),
            ("unit", &self.unit),
            ("tier", &self.tier),
            ("scope", &self.scope),
            ("kind", &self.kind),
            ("mode", &self.mode),
            ("due", &self.due),
            ("remind", &self.remind),
            ("escalate", &self.escalate),
            ("report", &self.report),
        ]
    }

    /// Modes to choose from.
    pub(crate) fn modes(&self) -> Vec<(&'static str, &'static str)> {
        CampaignMode::choices()
    }
}

/// A new campaign.
#[derive(Debug, Template)]
#[template(path = "campaign_new.html")]
pub(crate) struct CampaignNewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was typed.
    pub(crate) form: CampaignForm,
    /// Why it is not started.
    pub(crate) problem: Option<String>,
    /// Unit, tier, scope, kind.
    pub(crate) selects: Vec<Select>,
    /// The list, once it is asked for, and what tells it from another.
    pub(crate) preview: Option<(Vec<Candidate>, String)>,
}

impl CampaignNewPage {
    /// Records that have somebody to ask.
    pub(crate) fn asked(&self) -> u64 {
        let asked = self.preview.iter().flat_map(|(found, _)| found);
        u64::try_from(asked.filter(|one| one.owner.is_some() && one.owner_active).count()).unwrap_or(0)
    }

    /// Records that have nobody.
    pub(crate) fn unowned(&self) -> u64 {
        let all = self.preview.as_ref().map_or(0, |(found, _)| found.len());
        u64::try_from(all).unwrap_or(0).saturating_sub(self.asked())
    }
}

/// One campaign.
#[derive(Debug, Template)]
#[template(path = "campaign.html")]
pub(crate) struct CampaignPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The campaign.
    pub(crate) detail: CampaignDetail,
    /// What its records were found by, in words.
    pub(crate) query: String,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// The state to list.
    pub(crate) select: Select,
    /// The rows.
    pub(crate) rows: Vec<RowView>,
    /// Whether the reader may run it: close it, and give rows to other owners.
    pub(crate) runs: bool,
    /// The foot.
    pub(crate) pager: Pager,
}

impl CampaignPage {
    /// Whether it takes answers.
    pub(crate) fn open(&self) -> bool {
        self.detail.held.body.state == CampaignState::Open
    }

    /// Whether a row waits for another owner to be named.
    pub(crate) fn waits_for_owner(&self, row: &RowView) -> bool {
        let body = &row.held.body;
        self.open()
            && self.runs
            && ((body.state == RowState::NotMine && body.next.is_none()) || row.owner_changed)
    }

    /// How a row was answered, in words of a signal: never summed up for a person.
    pub(crate) fn signals(&self, row: &RowView) -> Vec<(String, bool)> {
        let Some(answer) = &row.held.body.answer else { return Vec::new() };
        let mut signals = vec![
            (say!("{0} s on the page", answer.seconds), answer.seconds < QUICK_SECONDS),
            (
                match answer.batch {
                    1 => t("answered alone").to_owned(),
                    rows => say!("one of {0} in a submit", rows),
                },
                answer.batch >= BULK_ROWS,
            ),
        ];
        signals.extend(answer.relation.iter().map(|relation| (t(relation.label()).to_owned(), false)));
        signals
    }

    /// A badge's class.
    pub(crate) fn class(&self, state: &RowState) -> &'static str {
        class(*state)
    }
}

fn class(state: RowState) -> &'static str {
    match state {
        RowState::Confirmed | RowState::Amended => "good",
        RowState::Silent => "bad",
        RowState::Blocked | RowState::NotMine => "warn",
        RowState::Reassigned | RowState::Retired => "run",
        RowState::Open | RowState::Void => "",
    }
}

/// What each outcome came to, in the order of the report.
pub(crate) fn outcomes(counts: &RowCounts) -> [(&'static str, u64); 9] {
    [
        (t("confirmed"), counts.confirmed),
        (t("amended"), counts.amended),
        (t("reassigned"), counts.reassigned),
        (t("retirement asked for"), counts.retired),
        (t("not mine"), counts.not_mine),
        (t("silent"), counts.silent),
        (t("sensors silent"), counts.blocked),
        (t("record merged"), counts.void),
        (t("open"), counts.open),
    ]
}

impl CampaignPage {
    /// What each outcome came to.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 9] {
        outcomes(&self.detail.counts)
    }
}

/// The signed report, to be printed.
#[derive(Debug, Template)]
#[template(path = "campaign_report.html")]
pub(crate) struct CampaignReportPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was signed.
    pub(crate) report: Report,
    /// Who started and who closed it.
    pub(crate) people: (String, String),
    /// What its records were found by, in words.
    pub(crate) query: String,
    /// Rows that ended silent, or without sensors.
    pub(crate) unanswered: Vec<RowView>,
    /// SHA-256 of the signed text.
    pub(crate) hash: String,
    /// Lines of the signature.
    pub(crate) signatures: Vec<String>,
}

impl CampaignReportPage {
    /// What each outcome came to.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 9] {
        outcomes(&self.report.counts)
    }

    /// What a quick answer is.
    pub(crate) fn quick(&self) -> u64 {
        QUICK_SECONDS
    }

    /// What a bulk is.
    pub(crate) fn bulk(&self) -> u32 {
        BULK_ROWS
    }

    /// How far silence went.
    pub(crate) fn step(&self, step: &RowStep) -> &'static str {
        t(step.label())
    }
}

/// What a campaign's records were found by, in words.
pub(crate) fn query_words(query: &crate::model::campaign::CampaignQuery, units: &[UnitRow]) -> String {
    let mut parts = Vec::new();
    if let Some(unit) = query.unit {
        let name = units.iter().find(|known| known.id == unit).map_or("?", |known| known.name.as_str());
        parts.push(say!("unit {0}", name));
    }
    parts.extend(query.tier.map(|tier: Tier| say!("risk tier {0}", t(tier.label()).to_lowercase())));
    parts.extend(query.scope.map(|scope: Scope| say!("scope {0}", t(scope.label()).to_lowercase())));
    parts.extend(query.kind.map(|kind: SystemKind| say!("kind {0}", t(kind.label()).to_lowercase())));
    if parts.is_empty() { t("every record").to_owned() } else { parts.join(", ") }
}
