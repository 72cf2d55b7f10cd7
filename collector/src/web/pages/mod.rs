//! The pages: typed structs that the templates are checked against. Nothing here reads a store or a
//! request; [`super::handlers`] does.

use askama::Template;

use super::filters;
use super::frame::{Frame, Theme};

mod account;
mod assets;
mod attest;
mod campaigns;
mod catalogue;
mod coverage;
mod emergency;
mod erasure;
mod export;
mod findings;
mod governance;
mod management;
mod own;
mod people;
mod privacy;
mod products;
mod readiness;
mod record;
mod reidentify;
mod scope;
mod search;
mod sign_in;
mod snapshots;
mod start;
mod style;
mod suspects;
mod systems;
mod tasks;
mod tokens;
mod triage;
mod vendors;
mod views;
mod work;

pub(crate) use account::{
    AccountPage, ApiTokenMadePage, ApiTokensPage, ConfirmPage, RecoveryPage, SecondFactorPage,
};
pub(crate) use assets::{ASSET_SORTS, AssetPage, AssetsPage, ProductOnAsset};
pub(crate) use attest::{AMEND_ON_PAGE, AttestPage, AttestRow, Typed};
pub(crate) use campaigns::{
    CampaignForm, CampaignNewPage, CampaignPage, CampaignReportPage, CampaignsPage, query_words,
};
pub(crate) use catalogue::{CATALOGUE_SORTS, CataloguePage, CatalogueSort, VendorPage};
pub(crate) use coverage::CoveragePage;
pub(crate) use emergency::{EmergencyPage, EmergencyView, TakeForm};
pub(crate) use erasure::{ErasureView, ErasuresPage};
pub(crate) use export::ExportPage;
pub(crate) use findings::{FindingPage, FindingsPage};
pub(crate) use governance::{
    LimitsForm, PoliciesPage, PolicyForm, PolicyRow, QueueRow, QueueTab, ReviewPage, TrailEntryPage,
    TrailPage,
};
pub(crate) use management::{DecisionForm, ManagementReviewPage, ManagementReviewsPage, ReviewForm};
pub(crate) use own::{OwnEntry, OwnForm, OwnNewPage, OwnPage, OwnTextPage, OwnVersionPage, ShownLine};
pub(crate) use people::{
    ImportPage, LinkMadePage, PeoplePage, PersonForm, PersonLine, PersonNewPage, PersonPage, ReadingsPage,
    UnitsPage,
};
pub(crate) use privacy::{AskedView, NoticePage, PackPage, PrivacyPage, StepView, SweepView, TimesForm};
pub(crate) use products::{PRODUCT_SORTS, ProductPage, ProductsPage, asset_bars};
pub(crate) use readiness::{
    ControlRow, ControlsPage, IndicatorsPage, LegalDatesPage, ReadinessPage, RequirementPage, RequirementRow,
    TargetForm, TargetPage, level_class, standing_class,
};
pub(crate) use record::{
    Ask, Axis, Beside, Change, DecisionView, EntryView, Fact, FieldView, FormField, GroupView, Missing,
    Offer, Offers, Problem, RecordEditPage, RecordPage, RequestView,
};
pub(crate) use reidentify::{
    AskForm, MonthReport, NameRequestView, ReidentificationNewPage, ReidentificationPage,
    ReidentificationReportPage, ReidentificationRequestPage,
};
pub(crate) use scope::{
    ScopeDiffPage, ScopeDraftPage, ScopeEndpointsPage, ScopePage, ScopePrintPage, ScopeSectionPage,
    ScopeSitesPage, ScopeStatementPage,
};
pub(crate) use search::{Hit, Hits, SearchPage};
pub(crate) use sign_in::{LinkPage, PasswordPage, SignInPage};
pub(crate) use snapshots::SnapshotsPage;
pub(crate) use start::{
    AuditDoor, DoorTab, ItDoor, PrivacyDoor, ProofView, ScopeDoor, SecurityDoor, Standings, StatementNow,
    Tile, TrendView, VersionLine, Waiting,
};
pub(crate) use style::StylePage;
pub(crate) use suspects::{SuspectView, SuspectsPage};
pub(crate) use systems::{BulkPage, BulkRow, SYSTEM_SORTS, SystemView, SystemsPage};
pub(crate) use tasks::{TaskPage, TasksPage};
pub(crate) use tokens::{TokenForm, TokenMadePage, TokensPage};
pub(crate) use triage::{TriagePage, TriageProduct, TriageRow, TriageView, Undo};
pub(crate) use vendors::{DossierPage, VendorLine, VendorsPage};
pub(crate) use views::ViewsPage;
pub(crate) use work::{DocumentsView, People, StepWords, TaskForm};

/// The frame of a page for somebody who is not signed in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BareFrame {
    /// Light or dark.
    pub(crate) theme: Theme,
}

/// Asks whom a form means, with everything else of the form.
#[derive(Debug, Template)]
#[template(path = "who.html")]
pub(crate) struct WhoPage {
    /// Light or dark.
    pub(crate) frame: BareFrame,
    /// Where the form goes.
    pub(crate) action: String,
    /// Name of the field.
    pub(crate) field: String,
    /// What was typed in it.
    pub(crate) typed: String,
    /// Who fits, as the field takes them.
    pub(crate) fit: Vec<String>,
    /// What is unclear.
    pub(crate) says: String,
    /// The other fields, in order.
    pub(crate) kept: Vec<(String, String)>,
}

impl WhoPage {
    /// What somebody wrote: without what the page put into its form.
    fn written(&self) -> Vec<&(String, String)> {
        const OURS: [&str; 6] = ["back", "csrf", "link_id", "link_kind", "step", "version"];
        let written = self
            .kept
            .iter()
            .filter(|(name, value)| !OURS.contains(&name.as_str()) && !value.trim().is_empty());
        written.collect()
    }
}

/// What went wrong and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    /// Light or dark.
    pub(crate) frame: BareFrame,
    /// The status, number and words.
    pub(crate) status: String,
    /// In a few words.
    pub(crate) title: String,
    /// In a sentence.
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: String,
    /// Where to go.
    pub(crate) href: String,
    /// What is there.
    pub(crate) link: &'static str,
}
