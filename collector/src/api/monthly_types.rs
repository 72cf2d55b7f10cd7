//! A monthly snapshot in JSON as it is described to programs. It is answered byte for byte as it was signed; a test below reads one into
//! these types and back, so that the description and the answer cannot part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record_types::RecordBody;
use super::scope_types::StatementCoverage;

/// What a snapshot holds. No person and no single machine is in it, and no number of fewer than `least_count`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyContent {
    /// `umbrascope-monthly-snapshot/1`.
    format: String,
    /// The month: `2026-10`.
    month: String,
    /// Its last day.
    #[schema(format = Date)]
    as_of: String,
    /// When it was taken, Unix milliseconds.
    taken_at_ms: i64,
    /// Whether it was taken within a day of the month's end; otherwise numbers of machines and coverage are not in it.
    in_time: bool,
    /// The smallest number of machines that is told.
    least_count: u64,
    /// Version of the catalogue.
    catalogue: String,
    /// Version of the AI policy in force.
    policy: Option<String>,
    /// Last entry of the trail of the month.
    trail_end: Option<MonthlyTrailEnd>,
    /// Newest signed checkpoint when it was taken.
    checkpoint: Option<String>,
    /// What it rests on.
    coverage: MonthlyRests,
    /// The indicators that were kept last.
    indicators: Option<MonthlyIndicators>,
    /// The records.
    systems: Vec<MonthlyRecord>,
    /// Ids of records of which part was erased.
    erased: Vec<String>,
    /// What sensors saw, by id of the product.
    products: BTreeMap<String, MonthlyProduct>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyTrailEnd {
    /// Its number.
    seq: u64,
    /// Its leaf hash, in hexadecimal.
    leaf: String,
}

/// What a snapshot rests on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyRests {
    /// What was found.
    found: String,
    /// What was looked for and not found.
    not_found: String,
    /// What was not looked for.
    not_looked_for: String,
    /// Sums over the sensors; null: no longer known.
    totals: Option<MonthlyTotals>,
    /// Of how many endpoints; null: no longer known.
    denominator: Option<StatementCoverage>,
}

/// Sums over the sensors.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyTotals {
    /// Enrolled.
    sensors: u64,
    /// Reported within 24 hours.
    reporting: u64,
    /// Silent for more than 24 hours, or never heard of.
    silent: u64,
    /// Watching the network.
    capturing: u64,
    /// Two machines seem to use one key.
    clones: u64,
    /// ClientHellos seen.
    hellos: u64,
    /// ClientHellos without a name.
    hellos_without_name: u64,
    /// ClientHellos with ECH.
    hellos_with_ech: u64,
    /// ClientHellos whose name stands for another that ECH hides.
    hidden_destinations: u64,
    /// Encrypted DNS connections.
    encrypted_dns: u64,
    /// Those of them over TLS or QUIC.
    dns_over_tls: u64,
    /// Those of them over HTTPS.
    dns_over_https: u64,
    /// Packets the kernels dropped.
    kernel_drops: u64,
    /// Sightings that could not be attributed.
    unattributed: u64,
    /// Sources not read to the end, over all sensors.
    sources_unread: u64,
    /// Rows refused.
    rows_refused: u64,
}

/// Indicators as they were kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyIndicators {
    /// The month that they were kept for: `2026-11`.
    month: String,
    /// Day of the computation.
    #[schema(format = Date)]
    day: String,
    /// Version of the definitions.
    definitions: String,
    /// The values.
    values: Vec<MonthlyValue>,
}

/// A value of an indicator.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyValue {
    /// Id of the indicator.
    id: String,
    /// Numerator, or the count.
    n: u64,
    /// Denominator.
    of: Option<u64>,
    /// What belongs to the value.
    note: String,
}

/// A record as it was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyRecord {
    /// Its version.
    version: u64,
    /// Hash of that version, in hexadecimal.
    hash: String,
    /// The entry that made it.
    log_seq: u64,
    /// What counted of the decision about its use on that day.
    sanction_effective: String,
    /// The record.
    record: RecordBody,
}

/// A product as it was known.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MonthlyProduct {
    /// Its name.
    name: String,
    /// Its vendor's name; empty: unknown.
    vendor: String,
    /// Its kind.
    kind: Option<String>,
    /// First day on which it was seen.
    #[schema(format = Date)]
    first_day: String,
    /// Last day up to then; null: no longer known.
    #[schema(format = Date)]
    last_day: Option<String>,
    /// Machines; null: too few to be told, or no longer known.
    machines: Option<u64>,
    /// On how many machines, roughly; null: no longer known.
    usage: Option<String>,
    /// What sources say of its vendor, by question.
    claims: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use umbrascope_api::Day;

    use super::*;
    use crate::model::CoverageTotals;
    use crate::model::monthly::{Content, ProductThen, Rests, SystemThen, TrailEnd};
    use crate::model::record::{AiSystem, Sanction};
    use crate::readiness::{Kept, KeptValue};
    use crate::scope::{Coverage, UsageBand};

    #[test]
    fn a_snapshot_is_described_as_it_is_answered_whether_much_is_known_or_little() {
        let day = Day::from_number(20_784).unwrap();
        let text = || "x".to_owned();
        let much = Content {
            format: text(),
            month: text(),
            as_of: day,
            taken_at_ms: 1,
            in_time: true,
            least_count: 5,
            catalogue: text(),
            policy: Some(text()),
            trail_end: Some(TrailEnd { seq: 1, leaf: text() }),
            checkpoint: Some(text()),
            coverage: Rests {
                found: text(),
                not_found: text(),
                not_looked_for: text(),
                totals: Some(CoverageTotals::default()),
                denominator: Some(Coverage::default()),
            },
            indicators: Some(Kept {
                month: text(),
                day,
                definitions: text(),
                values: vec![KeptValue { id: text(), n: 1, of: Some(2), note: text() }],
            }),
            systems: vec![SystemThen {
                version: 1,
                hash: text(),
                log_seq: 1,
                sanction_effective: Sanction::Sanctioned,
                record: AiSystem::default(),
            }],
            erased: vec![text()],
            products: [(
                text(),
                ProductThen {
                    name: text(),
                    vendor: text(),
                    kind: Some(text()),
                    first_day: day,
                    last_day: Some(day),
                    machines: Some(9),
                    usage: Some(UsageBand::Tens),
                    claims: [(text(), text())].into(),
                },
            )]
            .into(),
        };
        let little = Content {
            policy: None,
            trail_end: None,
            checkpoint: None,
            coverage: Rests { totals: None, denominator: None, ..much.coverage.clone() },
            indicators: None,
            products: BTreeMap::new(),
            ..much.clone()
        };
        for content in [much, little] {
            let answered = serde_json::to_value(&content).unwrap();
            let read: MonthlyContent = serde_json::from_value(answered.clone())
                .unwrap_or_else(|error| panic!("{error}: {answered}"));
            assert_eq!(serde_json::to_value(read).unwrap(), answered);
        }
    }
}
