//! Coverage: what the fleet could see, and what it could not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use umbrascope_api::{CoverageReport, SourceReport, SourceState};

use super::SensorRow;

/// One sensor on the Coverage page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageRow {
    /// The sensor with its last coverage report.
    pub sensor: SensorRow,
}

impl CoverageRow {
    /// The sources that were not read to the end, absent ones aside.
    pub fn unread(&self) -> impl Iterator<Item = &SourceReport> {
        unread(&self.sensor.coverage)
    }
}

/// The sources of a report that were not read to the end, absent ones aside.
pub fn unread(coverage: &CoverageReport) -> impl Iterator<Item = &SourceReport> {
    coverage.sources.iter().filter(|source| !matches!(source.state, SourceState::Read | SourceState::Absent))
}

/// Versions that the reporting sensors run, and on how many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetVersions {
    /// Of the agent.
    pub agents: BTreeMap<String, u64>,
    /// Of the catalogue.
    pub catalogues: BTreeMap<String, u64>,
}

impl FleetVersions {
    /// Counts a sensor.
    pub fn count(&mut self, agent: &str, catalogue: &str) {
        for (counts, version) in [(&mut self.agents, agent), (&mut self.catalogues, catalogue)] {
            match counts.get_mut(version) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(version.to_owned(), 1);
                }
            }
        }
    }
}

/// Sums over the sensors that are not revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoverageTotals {
    /// Enrolled.
    pub sensors: u64,
    /// Reported within 24 hours.
    pub reporting: u64,
    /// Silent for more than 24 hours, or never heard of.
    pub silent: u64,
    /// Watching the network.
    pub capturing: u64,
    /// Two machines seem to use one key.
    pub clones: u64,
    /// ClientHellos seen.
    pub hellos: u64,
    /// ClientHellos without a name.
    pub hellos_without_name: u64,
    /// ClientHellos with ECH.
    pub hellos_with_ech: u64,
    /// ClientHellos whose name stands for another that ECH hides.
    pub hidden_destinations: u64,
    /// Encrypted DNS connections.
    pub encrypted_dns: u64,
    /// Those of them over TLS or QUIC.
    pub dns_over_tls: u64,
    /// Those of them over HTTPS.
    pub dns_over_https: u64,
    /// Packets the kernels dropped.
    pub kernel_drops: u64,
    /// Sightings that could not be attributed.
    pub unattributed: u64,
    /// Sources not read to the end, over all sensors.
    pub sources_unread: u64,
    /// Rows refused.
    pub rows_refused: u64,
}
