//! What there should be, and what the management system covers: lists of endpoints, sites, scope statements.

use std::sync::Arc;

use umbrascope_api::Day;

use crate::audit::Keys;
use crate::legal::Dates;
use crate::model::governed::{Act, Held};
use crate::model::{FleetVersions, Page, PageRequest};
use crate::review::{Refused, Who};
use crate::scope::endpoints::{Endpoint, EndpointList, NamedEndpoint, ReadList};
use crate::scope::{Content, Coverage, Match, Site, Statement, StatementState, Step};
use crate::store::{Changed, StoreError};

/// Coverage, endpoints, sites and statements. Blocking, like the rest of the store.
pub trait Scoping: Send + Sync {
    /// Dates of laws and rules.
    fn legal_dates(&self) -> Arc<Dates>;

    /// What every list rests on.
    fn coverage_record(&self, now_ms: i64) -> Result<Coverage, StoreError>;
    /// What the sensors that report run.
    fn fleet_versions(&self, now_ms: i64) -> Result<FleetVersions, StoreError>;

    /// Lists of endpoints, by source.
    fn endpoint_lists(&self) -> Result<Vec<Held<EndpointList>>, StoreError>;
    /// Takes a list in, in the place of the one of its source; a list with a column for sources becomes one of each. What it came to.
    fn import_endpoints(
        &self,
        import: EndpointImport,
        act: Act,
    ) -> Result<Vec<Held<EndpointList>>, StoreError>;
    /// Counts a list no longer; `false` when there is none of that source.
    fn withdraw_endpoints(&self, source: &str, act: Act) -> Result<bool, StoreError>;
    /// Expected endpoints, or machines that none of them is.
    fn endpoints(
        &self,
        which: Endpoints,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<EndpointRow>, StoreError>;
    /// Adds an endpoint by hand.
    fn add_endpoint(&self, endpoint: Endpoint, act: Act) -> Result<Held<NamedEndpoint>, StoreError>;
    /// Takes one out that was added by hand; `false` when there is none of this number.
    fn remove_endpoint(&self, number: i64, act: Act) -> Result<bool, StoreError>;

    /// Sites and networks, by name.
    fn sites(&self) -> Result<Vec<Held<Site>>, StoreError>;
    /// Adds one. Its id is given here.
    fn add_site(&self, site: Site, act: Act) -> Result<Held<Site>, StoreError>;
    /// Changes one.
    fn change_site(&self, site: Site, act: Act) -> Result<Changed<Site>, StoreError>;

    /// Statements, the newest first.
    fn statements(&self) -> Result<Vec<StatementRow>, StoreError>;
    /// One of them.
    fn statement(&self, number: u64) -> Result<Option<Held<Statement>>, StoreError>;
    /// The one that was signed last.
    fn statement_in_force(&self) -> Result<Option<Held<Statement>>, StoreError>;
    /// What a statement would list now. Nothing is written.
    fn scope_now(&self, now_ms: i64) -> Result<Content, StoreError>;
    /// Begins a statement.
    fn begin_statement(
        &self,
        organisation: &str,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Statement>, Refused>, StoreError>;
    /// Takes a step with one.
    fn step_statement(&self, number: u64, step: Step, by: Stepping)
    -> Result<Changed<Statement>, StoreError>;
    /// Notes that a statement was taken away, in which form.
    fn note_statement_export(&self, number: u64, format: &'static str, act: Act) -> Result<(), StoreError>;
}

/// A list to be taken in.
#[derive(Debug, Clone)]
pub struct EndpointImport {
    /// Where it comes from.
    pub source: String,
    /// Day of the list.
    pub as_of: Option<Day>,
    /// SHA-256 of the file, in hexadecimal.
    pub file_sha256: String,
    /// What was read of it.
    pub list: ReadList,
}

/// Which endpoints to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Endpoints {
    /// Every one that is expected.
    #[default]
    Expected,
    /// Those that no sensor was ever enrolled on.
    NeverEnrolled,
    /// Those for whose platform there is no agent.
    Unsupported,
    /// Machines with a sensor that no list names.
    Unexpected,
}

/// An endpoint in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRow {
    /// The endpoint, and what it is matched with. Of a machine that no list names, the sources are none.
    pub matched: Match,
    /// Its number, where it was added by hand.
    pub number: Option<i64>,
}

/// A statement in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StatementRow {
    /// Its number.
    pub number: u64,
    /// How far it is.
    pub state: StatementState,
    /// A later one is signed.
    pub superseded: bool,
    /// When its content was frozen, Unix milliseconds.
    pub as_of_ms: Option<i64>,
    /// When it was signed, Unix milliseconds.
    pub signed_at_ms: Option<i64>,
    /// Hash of the signed document, in hexadecimal.
    pub hash: Option<String>,
    /// Records that are covered.
    pub included: u64,
    /// Records that are not.
    pub excluded: u64,
    /// Records of which nobody decided.
    pub undetermined: u64,
}

/// Who takes a step, and what with.
#[derive(Debug, Clone)]
pub struct Stepping {
    /// Who.
    pub who: Who,
    /// Whether the person signed in again a moment ago.
    pub fresh: bool,
    /// The keys that sign, once both approved.
    pub keys: Arc<Keys>,
    /// The circumstances.
    pub act: Act,
}
