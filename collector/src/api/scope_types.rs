//! Scope statements in JSON as they are described to programs. What is answered is read into these types first, so that the description
//! and the answer cannot part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A statement with its signed file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WholeStatement {
    /// The statement.
    statement: StatementRecord,
    /// The file that verifies; null: it is not signed.
    signed: Option<SignedStatement>,
}

/// The record of a statement.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementRecord {
    /// Its version: what a change has to name.
    version: u64,
    /// Hash of this version, in hexadecimal.
    hash: String,
    /// The statement.
    record: StatementBody,
}

/// A numbered version of what the management system covers. People and units by number; times in Unix milliseconds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementBody {
    /// From 1; never given out again.
    number: u64,
    /// `draft`, `proposed` or `signed`.
    state: String,
    /// What people wrote.
    boundary: StatementBoundary,
    /// Who began it.
    author: i64,
    /// When.
    begun_at_ms: i64,
    /// What it lists, frozen when it was proposed; null: it is a draft.
    content: Option<StatementContent>,
    /// The scope owner's approval.
    approved: Option<StatementApproval>,
    /// The reviewer's countersignature.
    countersigned: Option<StatementApproval>,
    /// The signature of the collector's key, once both approved.
    seal: Option<StatementSeal>,
    /// Why it was sent back last.
    sent_back: Option<StatementSentBack>,
}

/// What people say about the boundary.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementBoundary {
    /// The organisation.
    organisation: String,
    /// Numbers of the units that are covered; none: all of them.
    units: Vec<i64>,
    /// Ids of the sites and networks that are covered.
    sites: Vec<String>,
    /// What is done there.
    activities: String,
    /// The organisation's roles.
    roles: Vec<String>,
    /// The boundary in words.
    text: String,
    /// What it has to do with other management systems.
    interfaces: String,
}

/// An approval, for which the person signed in again. It is no signature of the person's own.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementApproval {
    /// Number of the person.
    person: i64,
    /// In which role.
    role: String,
    /// When.
    at_ms: i64,
}

/// Why a statement was sent back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementSentBack {
    /// Number of the person.
    person: i64,
    /// When.
    at_ms: i64,
    /// Why.
    reason: String,
}

/// The signature of the collector's key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementSeal {
    /// The audit trail at that moment.
    log: StatementLog,
    /// SHA-256 of the document's canonical JSON, in hexadecimal.
    hash: String,
    /// The signed note that names it.
    note: String,
}

/// What the audit trail came to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementLog {
    /// Which log.
    origin: String,
    /// How many entries.
    size: u64,
    /// The root over their leaves, in hexadecimal.
    root: String,
}

/// The file that `audit verify` checks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignedStatement {
    /// What is signed.
    document: StatementDocument,
    /// SHA-256 of its canonical JSON (RFC 8785), in hexadecimal.
    hash: String,
    /// The signed note that names it.
    note: String,
}

/// What is signed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementDocument {
    /// `umbrascope scope statement/1`.
    format: String,
    /// What the signature is, and is not.
    signature_means: String,
    /// What it lists.
    content: StatementContent,
    /// The scope owner's approval.
    approved: StatementApproval,
    /// The reviewer's countersignature.
    countersigned: StatementApproval,
    /// The audit trail at that moment.
    log: StatementLog,
}

/// What a statement lists.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementContent {
    /// Number of the statement.
    number: u64,
    /// Of when it is.
    as_of_ms: i64,
    /// The statement signed before; null: there is none.
    previous: Option<PreviousStatement>,
    /// Who began it.
    author: i64,
    /// Who proposed it.
    proposed_by: i64,
    /// Version of the AI policy in force.
    policy: String,
    /// Version of the catalogue.
    catalogue: String,
    /// Version of the method by which risk tiers are suggested.
    tier_method: String,
    /// Version of the legal dates; null: none are held.
    legal_data: Option<String>,
    /// What people say about the boundary.
    boundary: StatementBoundary,
    /// Names of its units on that day.
    units: Vec<StatementUnit>,
    /// Its sites on that day.
    sites: Vec<StatementSite>,
    /// Records that are covered.
    included: Vec<ListedRecord>,
    /// Records that are not.
    excluded: Vec<ListedRecord>,
    /// Records of which nobody decided.
    undetermined: Vec<ListedRecord>,
    /// Days after which that is overdue.
    undetermined_limit_days: u32,
    /// What it rests on.
    coverage: StatementCoverage,
    /// What changed since the statement signed before.
    diff: StatementDiff,
}

/// A statement that went before.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviousStatement {
    /// Its number.
    number: u64,
    /// Hash of its document, in hexadecimal.
    hash: String,
}

/// A unit as it was called.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementUnit {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
}

/// A site or a network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementSite {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// `site` or `network`.
    kind: String,
    /// Where it is.
    place: String,
    /// Whether sensors look at it: `yes`, `no` or `unknown`.
    sensor: String,
    /// It is no longer there.
    closed: bool,
}

/// A record as a statement lists it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedRecord {
    /// Id of the record.
    id: String,
    /// `AIS-0042`.
    reference: String,
    /// Seeded to show the product.
    demonstration: bool,
    /// Its name.
    name: String,
    /// What sort of system.
    kind: String,
    /// What it is used for.
    purpose: Option<String>,
    /// Who answers for it.
    owner: Option<i64>,
    /// Units, by number.
    units: Vec<i64>,
    /// Risk tier.
    tier: String,
    /// Class under the EU AI Act.
    class: String,
    /// What counts of the decision about its use on that day.
    sanction: String,
    /// What sensors show.
    observed: String,
    /// `found`, `looked-for-and-not-found` or `not-looked-for`.
    looked: String,
    /// On how many machines, roughly.
    usage: String,
    /// Ids of its products.
    products: Vec<String>,
    /// Why it is in or out.
    justification: Option<String>,
    /// Who decided that.
    decided_by: Option<i64>,
    /// When.
    decided_at_ms: Option<i64>,
    /// Days since the record was made, where nobody decided.
    age_days: Option<u32>,
    /// What a material change is told by.
    marks: Vec<String>,
    /// Version of the record.
    record_version: u64,
    /// Hash of that version, in hexadecimal.
    record_hash: String,
}

/// What a list rests on. Numbers that are not known are null.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementCoverage {
    /// Of when it is.
    as_of_ms: i64,
    /// Hours within which a sensor must have reported to count as reporting.
    window_hours: u32,
    /// The endpoints that there should be; null: no list says so.
    expected: Option<ExpectedEndpoints>,
    /// Machines with a sensor that is let in.
    enrolled: u64,
    /// Those of them that reported within the window.
    reporting: u64,
    /// Those of them that no list names; null without a list.
    unexpected: Option<u64>,
    /// Detectors, and on how many of the reporting sensors each of them works.
    detectors: Vec<DetectorHealth>,
    /// Machines that are enrolled and silent, by how long.
    silent: SilentMachines,
    /// Sites and networks without a sensor.
    blind_sites: Vec<String>,
    /// Sites and networks of which nobody said whether there is a sensor.
    unsaid_sites: Vec<String>,
    /// Connectors that fail; null: none is set up.
    connectors_failing: Option<u64>,
    /// What of the traffic could not be named.
    traffic: UnnamedTraffic,
    /// First and last day of what was reported; null: nothing was.
    days: Option<Vec<String>>,
}

/// The endpoints that there should be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedEndpoints {
    /// Where that is known from.
    sources: Vec<EndpointSource>,
    /// How many; one that several lists name counts once.
    endpoints: u64,
    /// Those of them with a sensor.
    enrolled: u64,
    /// Those of them that reported within the window.
    reporting: u64,
    /// Those of them for whose platform there is no agent, by platform.
    unsupported: BTreeMap<String, u64>,
}

/// A list of endpoints.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointSource {
    /// Its name.
    name: String,
    /// Day of the list.
    #[schema(format = Date)]
    as_of: Option<String>,
    /// Endpoints in it.
    endpoints: u64,
}

/// One way of looking.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectorHealth {
    /// Its name.
    name: String,
    /// Sensors on which it looked to the end.
    healthy: u64,
    /// Sensors that told of it.
    of: u64,
}

/// Machines that are silent, by how long.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilentMachines {
    /// Beyond the window, for less than 7 days.
    under_7_days: u64,
    /// For 7 to 29 days.
    under_30_days: u64,
    /// For 30 days and more.
    longer: u64,
    /// Never heard of since they enrolled.
    never: u64,
}

/// What of the traffic could not be named.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnnamedTraffic {
    /// Beginnings of encrypted connections seen.
    connections: u64,
    /// Those of them that carried no name.
    without_name: u64,
    /// Those of them whose name stands for another that Encrypted ClientHello hides.
    hidden: u64,
    /// Connections to encrypted resolvers.
    encrypted_dns: u64,
}

/// What changed between two statements.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementDiff {
    /// By the id of the record.
    records: BTreeMap<String, RecordChange>,
    /// By what it is that is covered, in words.
    coverage: BTreeMap<String, TextChange>,
    /// By the part of the boundary, in words.
    boundary: BTreeMap<String, TextChange>,
}

/// What a record was, and what it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordChange {
    /// Before; null: it was not there.
    before: Option<RecordFacet>,
    /// After; null: it is not there.
    after: Option<RecordFacet>,
}

/// What of a record a difference tells of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordFacet {
    /// `AIS-0042`.
    reference: String,
    /// Its name.
    name: String,
    /// `in`, `out` or `undetermined`.
    place: String,
    /// Why.
    justification: Option<String>,
    /// Who answers for it.
    owner: Option<i64>,
    /// Risk tier.
    tier: String,
    /// Class under the EU AI Act.
    class: String,
    /// What a material change is told by.
    marks: Vec<String>,
}

/// What a text was, and what it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TextChange {
    /// Before; null: it was not there.
    before: Option<String>,
    /// After; null: it is not there.
    after: Option<String>,
}

/// What one statement says otherwise than another.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementsCompared {
    /// Number of the first.
    from: u64,
    /// Number of the second.
    to: u64,
    /// What changed.
    diff: StatementDiff,
}

/// What every list rests on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverageTold {
    /// Share of the expected endpoints that report, in percent; null: how many there are is unknown.
    percent: Option<u32>,
    /// The same in words.
    in_words: String,
    /// What it is made of.
    coverage: StatementCoverage,
}

/// Statements, the newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementList {
    /// They.
    statements: Vec<StatementLine>,
}

/// A statement in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementLine {
    /// Its number.
    number: u64,
    /// `draft`, `proposed` or `signed`.
    state: String,
    /// A later one is signed.
    superseded: bool,
    /// When its content was frozen, Unix milliseconds.
    as_of_ms: Option<i64>,
    /// When it was signed, Unix milliseconds.
    signed_at_ms: Option<i64>,
    /// Hash of the signed document, in hexadecimal.
    hash: Option<String>,
    /// Records that are covered.
    included: u64,
    /// Records that are not.
    excluded: u64,
    /// Records of which nobody decided.
    undetermined: u64,
}
