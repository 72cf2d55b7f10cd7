//! Attestation campaigns: started, answered, closed.

use std::sync::Arc;

use crate::audit::Keys;
use crate::model::campaign::{
    Attested, Campaign, CampaignDetail, CampaignLine, CampaignPlan, CampaignQuery, CampaignRow, Candidate,
    OpenRow, RowFilter, RowView, SentAnswer,
};
use crate::model::governed::{Act, Held};
use crate::model::{Page, PageRequest, Sight};
use crate::review::{Refused, Who};
use crate::store::{Changed, StoreError};

/// What became of each answer, by the id of its row.
pub type Answers = Vec<(String, Changed<CampaignRow>)>;

/// Campaigns and their rows. Blocking, like the rest of the store.
pub trait Campaigns: Send + Sync {
    /// The records in sight that a query finds now, by name.
    fn campaign_records(&self, query: &CampaignQuery, sight: &Sight) -> Result<Vec<Candidate>, StoreError>;
    /// Freezes the list and opens a row for each record that has somebody to ask.
    fn start_campaign(
        &self,
        plan: CampaignPlan,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Campaign>, Refused>, StoreError>;
    /// Campaigns, the newest first, with the numbers of their rows in sight.
    fn campaigns(&self, page: PageRequest, sight: &Sight) -> Result<Page<CampaignLine>, StoreError>;
    /// One campaign, by its id or its reference, with what is in sight of it.
    fn campaign(&self, id: &str, sight: &Sight, now_ms: i64) -> Result<Option<CampaignDetail>, StoreError>;
    /// Rows of a campaign, by name of the record.
    fn campaign_rows(
        &self,
        campaign: &str,
        filter: &RowFilter,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<RowView>, StoreError>;
    /// The open rows of a person, the first due first. It is noted that each was sent, in which version and when: only what was sent can
    /// be answered. `again`: after a refusal; of a version that was sent before, the time of before stands.
    fn serve_rows(
        &self,
        person: i64,
        page: PageRequest,
        now_ms: i64,
        again: bool,
    ) -> Result<Page<OpenRow>, StoreError>;
    /// The same for nobody to look at: nothing is noted.
    fn open_rows(&self, person: i64, page: PageRequest, now_ms: i64) -> Result<Page<OpenRow>, StoreError>;
    /// Open rows of others that came to a person as their manager.
    fn rows_escalated_to(&self, person: i64, now_ms: i64) -> Result<Vec<RowView>, StoreError>;
    /// Takes answers, one after the other: each is checked and entered by itself, and one that is refused keeps no other.
    fn answer_rows(&self, answers: Vec<SentAnswer>, who: Who, act: Act) -> Result<Answers, StoreError>;
    /// Gives a row that came back to another owner, who has a row of their own then: that one.
    fn assign_row(
        &self,
        row: &str,
        owner: i64,
        who: Who,
        act: Act,
    ) -> Result<Changed<CampaignRow>, StoreError>;
    /// Closes a campaign: what is open ends in silence, and the report is signed.
    fn close_campaign(
        &self,
        id: &str,
        who: Who,
        act: Act,
        keys: Arc<Keys>,
    ) -> Result<Changed<Campaign>, StoreError>;
    /// KPI K-08 as of now.
    fn attested(&self, now_ms: i64) -> Result<Attested, StoreError>;
}
