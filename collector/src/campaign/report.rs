//! What is signed when a campaign is closed.

use serde::{Deserialize, Serialize};

use crate::model::campaign::{Campaign, CampaignRow, RowCounts, RowState, RowStep};

/// An answer that came within so many seconds of its page is told of as a quick one.
pub const QUICK_SECONDS: u64 = 10;
/// So many answers in one submit are told of as a bulk.
pub const BULK_ROWS: u32 = 10;

/// The report, as canonical JSON has it. Persons stand by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What this is: `umbrascope-campaign-report-1`.
    pub format: String,
    /// Name of the collector's audit trail.
    pub origin: String,
    /// The campaign without its report and its lists.
    pub campaign: ReportHead,
    /// Records that were asked about, and records that had nobody to ask.
    pub records: ReportRecords,
    /// Rows by what became of them; `silent` is a line of its own and in no other.
    pub counts: RowCounts,
    /// How far silence had gone, of rows that ended silent.
    pub silence: ReportSilence,
    /// What a reviewer may want to look at. Over all owners, never one.
    pub signals: ReportSignals,
    /// Every row.
    pub rows: Vec<ReportRow>,
}

/// The campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportHead {
    /// Its id.
    pub id: String,
    /// For people.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// What its records were found by.
    pub query: crate::model::campaign::CampaignQuery,
    /// How much of a record was shown.
    pub mode: crate::model::campaign::CampaignMode,
    /// When what happened.
    pub schedule: crate::model::campaign::Schedule,
    /// Number of the person who started it.
    pub started_by: i64,
    /// When, Unix milliseconds.
    pub started_at_ms: i64,
    /// Number of the person who closed it.
    pub closed_by: Option<i64>,
    /// When, Unix milliseconds.
    pub closed_at_ms: Option<i64>,
    /// Made up, so that the product can be tried.
    pub demonstration: bool,
}

/// Records of the frozen list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecords {
    /// Put to an owner.
    pub asked: u64,
    /// That had nobody to ask, by id.
    pub unowned: Vec<String>,
}

/// How far silence had gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSilence {
    /// Nobody was told yet.
    pub none: u64,
    /// The owner was reminded.
    pub reminded: u64,
    /// The manager was told.
    pub escalated: u64,
    /// Whoever started it was told.
    pub reported: u64,
}

/// Signals over all answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSignals {
    /// Confirmations within [`QUICK_SECONDS`] of the page.
    pub quick: u64,
    /// Confirmations in a submit of [`BULK_ROWS`] or more.
    pub in_bulk: u64,
    /// The most answers in one submit.
    pub largest_submit: u32,
    /// Middle of the seconds between page and answer; null without any answer.
    pub median_seconds: Option<u64>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Its id.
    pub id: String,
    /// Id of the record.
    pub system: String,
    /// Number of the owner.
    pub owner: i64,
    /// What became of it.
    pub state: RowState,
    /// Id of the row that it came out of.
    pub from: Option<String>,
    /// When it was answered, Unix milliseconds.
    pub answered_at_ms: Option<i64>,
    /// Hash of the version that was on the screen.
    pub seen: Option<String>,
}

/// The report of a closed campaign over its rows.
pub fn report(campaign: &Campaign, rows: &[CampaignRow], origin: &str) -> Report {
    let mut counts = RowCounts::default();
    let mut silence = ReportSilence::default();
    let mut signals = ReportSignals::default();
    let mut seconds = Vec::new();
    for row in rows {
        counts.add(row.state, 1);
        if row.state == RowState::Silent {
            *match row.step {
                RowStep::None => &mut silence.none,
                RowStep::Reminded => &mut silence.reminded,
                RowStep::Escalated => &mut silence.escalated,
                RowStep::Reported => &mut silence.reported,
            } += 1;
        }
        if let Some(answer) = &row.answer {
            seconds.push(answer.seconds);
            signals.largest_submit = signals.largest_submit.max(answer.batch);
            if row.state == RowState::Confirmed {
                signals.quick += u64::from(answer.seconds < QUICK_SECONDS);
                signals.in_bulk += u64::from(answer.batch >= BULK_ROWS);
            }
        }
    }
    seconds.sort_unstable();
    signals.median_seconds = seconds.get(seconds.len() / 2).copied();
    Report {
        format: "umbrascope-campaign-report-1".to_owned(),
        origin: origin.to_owned(),
        campaign: ReportHead {
            id: campaign.id.clone(),
            reference: campaign.reference.clone(),
            title: campaign.title.clone(),
            query: campaign.query.clone(),
            mode: campaign.mode,
            schedule: campaign.schedule,
            started_by: campaign.started_by,
            started_at_ms: campaign.started_at_ms,
            closed_by: campaign.closed_by,
            closed_at_ms: campaign.closed_at_ms,
            demonstration: campaign.demonstration,
        },
        records: ReportRecords {
            asked: u64::try_from(campaign.systems.len()).unwrap_or(u64::MAX),
            unowned: campaign.unowned.clone(),
        },
        counts,
        silence,
        signals,
        rows: rows
            .iter()
            .map(|row| ReportRow {
                id: row.id.clone(),
                system: row.system.clone(),
                owner: row.owner,
                state: row.state,
                from: row.from.clone(),
                answered_at_ms: row.answer.as_ref().map(|answer| answer.at_ms),
                seen: row.answer.as_ref().map(|answer| answer.seen.clone()),
            })
            .collect(),
    }
}
