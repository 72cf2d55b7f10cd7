//! What comes into the uplink beside sightings: counters and scans.

use std::collections::HashMap;

use umbrascope_api::{Completeness, SnapshotItem, SourceReport, SourceState, limits};

use crate::aggregate::cut;
use crate::ipc::message::{Counters, FromScanner, StreamId};
use crate::scan::Watched;
use crate::state::{Software, State, StateError};

/// Lives of dissectors whose counters are kept apart.
const LIVES: usize = 64;
/// Bytes of the items of one snapshot, so that it fits a batch of its own.
const SNAPSHOT_BYTES: usize = limits::BODY_BYTES - 160 * 1024;

/// Counters of every life of a dissector since this uplink started.
#[derive(Debug, Default)]
pub(super) struct Lives(HashMap<StreamId, Counters>);

impl Lives {
    /// The newest counters of a life.
    pub(super) fn note(&mut self, stream: StreamId, counters: Counters) {
        if self.0.len() < LIVES || self.0.contains_key(&stream) {
            self.0.insert(stream, counters);
        }
    }

    /// Their sum.
    pub(super) fn total(&self) -> Counters {
        self.0.values().fold(Counters::default(), |sum, one| Counters {
            packets: sum.packets + one.packets,
            kernel_drops: sum.kernel_drops + one.kernel_drops,
            queue_drops: sum.queue_drops + one.queue_drops,
            hellos: sum.hellos + one.hellos,
            hellos_without_name: sum.hellos_without_name + one.hellos_without_name,
            hellos_with_ech: sum.hellos_with_ech + one.hellos_with_ech,
            hidden_destinations: sum.hidden_destinations + one.hidden_destinations,
            hidden_suspects: sum.hidden_suspects + one.hidden_suspects,
            encrypted_dns: sum.encrypted_dns + one.encrypted_dns,
            dns_over_tls: sum.dns_over_tls + one.dns_over_tls,
            dns_over_https: sum.dns_over_https + one.dns_over_https,
            suspects_dropped: sum.suspects_dropped + one.suspects_dropped,
            flows_lost: sum.flows_lost + one.flows_lost,
            flows_joined_late: sum.flows_joined_late + one.flows_joined_late,
        })
    }
}

/// A scan that is coming in.
#[derive(Debug, Default)]
pub(super) struct ScanIntake {
    source: Option<Source>,
    reports: Vec<SourceReport>,
    watched: Option<Watched>,
    complete: bool,
    begun: bool,
    /// It tells only what changed since the last.
    pub(super) only_changes: bool,
}

#[derive(Debug)]
struct Source {
    name: String,
    completeness: Completeness,
    items: Vec<SnapshotItem>,
    bytes: usize,
    unmatched: Vec<Software>,
}

impl ScanIntake {
    /// Takes the next message; a source is stored when the next begins.
    pub(super) fn take(&mut self, message: FromScanner, state: &mut State) -> Result<(), StateError> {
        self.begun = true;
        match message {
            FromScanner::Changed => self.only_changes = true,
            FromScanner::Watched(watched) => self.watched = Some(watched),
            FromScanner::Source { source, completeness } => {
                self.store(state)?;
                self.source = Some(Source {
                    name: source,
                    completeness,
                    items: Vec::new(),
                    bytes: 0,
                    unmatched: Vec::new(),
                });
            }
            FromScanner::Item { mut item, owner } => {
                if let Some(source) = &mut self.source {
                    item.account = owner.map(|uid| state.account(uid));
                    source.push(*item);
                }
            }
            FromScanner::Unmatched(some) => {
                if let Some(source) = &mut self.source {
                    source.unmatched.extend(some);
                }
            }
            FromScanner::Report(report) => {
                self.store(state)?;
                self.reports.push(report);
            }
            FromScanner::Done => {
                self.store(state)?;
                self.complete = true;
            }
        }
        Ok(())
    }

    /// Whether not a word came: a look that found all as it was.
    pub(super) fn is_empty(&self) -> bool {
        !self.begun
    }

    /// The scanner is gone: what it was in the middle of is stored as partial. Returns how the sources ended, and what is looked at
    /// from now on.
    pub(super) fn end(
        mut self,
        state: &mut State,
    ) -> Result<(Vec<SourceReport>, Option<Watched>), StateError> {
        if !self.complete
            && let Some(mut source) = self.source.take()
        {
            source.completeness = Completeness::Partial;
            self.reports.push(SourceReport {
                source: source.name.clone(),
                state: SourceState::TimedOut,
                problems: 1,
                items_seen: source.items.len() as u64,
            });
            self.source = Some(source);
        }
        self.store(state)?;
        Ok((self.reports, self.watched))
    }

    fn store(&mut self, state: &mut State) -> Result<(), StateError> {
        match self.source.take() {
            Some(source) => {
                state.store_snapshot(&source.name, source.completeness, &source.items, &source.unmatched)
            }
            None => Ok(()),
        }
    }
}

impl Source {
    /// Adds an item, its texts cut to the wire's bounds; what does not fit makes the snapshot partial.
    fn push(&mut self, mut item: SnapshotItem) {
        fit(&mut item);
        let bytes = serde_json::to_vec(&item).map_or(usize::MAX / 2, |text| text.len() + 1);
        if self.items.len() >= limits::SNAPSHOT_ITEMS || self.bytes + bytes > SNAPSHOT_BYTES {
            self.completeness = Completeness::Partial;
            return;
        }
        self.bytes += bytes;
        self.items.push(item);
    }
}

fn fit(item: &mut SnapshotItem) {
    let short = |text: &mut String| *text = cut(std::mem::take(text), limits::TEXT_BYTES);
    let details = &mut item.details;
    for text in details.texts_mut() {
        text.iter_mut().for_each(short);
    }
    short(&mut item.evidence.value);
    details.env_names.truncate(limits::LIST_ENTRIES);
    details.env_names.iter_mut().for_each(short);
    details.parts.truncate(limits::LIST_ENTRIES);
    details.parts.iter_mut().for_each(|part| short(&mut part.name));
    item.flags.truncate(limits::LIST_ENTRIES);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use umbrascope_api::{Channel, Evidence, ItemDetails, MachineId};

    fn state() -> (State, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let machine = MachineId::from_bytes([1; 16]);
        (State::open(folder.path(), machine, &SystemRandom::new()).unwrap().0, folder)
    }

    fn item(value: &str) -> FromScanner {
        FromScanner::Item {
            item: Box::new(SnapshotItem {
                rule: "a.b.c".to_owned(),
                channel: Channel::Package,
                account: None,
                evidence: Evidence { value: value.to_owned(), ..Evidence::default() },
                details: ItemDetails::default(),
                flags: vec![],
            }),
            owner: Some(1000),
        }
    }

    fn source(name: &str) -> FromScanner {
        FromScanner::Source { source: name.to_owned(), completeness: Completeness::Complete }
    }

    #[test]
    fn a_scan_is_stored_source_by_source_with_pseudonyms() {
        let (mut state, _folder) = state();
        let mut scan = ScanIntake::default();
        for message in [source("dpkg"), item("ollama"), source("pip"), FromScanner::Done] {
            scan.take(message, &mut state).unwrap();
        }
        scan.end(&mut state).unwrap();
        let due = state.due_snapshots(10).unwrap();
        assert_eq!(
            due.iter().map(|s| (s.source.as_str(), s.items.len())).collect::<Vec<_>>(),
            [("dpkg", 1), ("pip", 0)]
        );
        assert_eq!(due[0].items[0].account, Some(state.account(1000)));
        assert!(due.iter().all(|snapshot| snapshot.completeness == Completeness::Complete));
    }

    #[test]
    fn a_scanner_that_died_leaves_a_partial_snapshot_and_a_report() {
        let (mut state, _folder) = state();
        let mut scan = ScanIntake::default();
        for message in [source("dpkg"), item("ollama")] {
            scan.take(message, &mut state).unwrap();
        }
        let (reports, _) = scan.end(&mut state).unwrap();
        assert_eq!(reports[0].state, SourceState::TimedOut);
        assert_eq!(state.due_snapshots(10).unwrap()[0].completeness, Completeness::Partial);
    }

    #[test]
    fn what_does_not_fit_makes_a_snapshot_partial_and_texts_are_cut() {
        let (mut state, _folder) = state();
        let mut scan = ScanIntake::default();
        scan.take(source("dpkg"), &mut state).unwrap();
        for number in 0..limits::SNAPSHOT_ITEMS + 1 {
            scan.take(item(&format!("{number}{}", "x".repeat(600))), &mut state).unwrap();
        }
        scan.take(FromScanner::Done, &mut state).unwrap();
        let snapshot = state.due_snapshots(1).unwrap().remove(0);
        assert_eq!(snapshot.completeness, Completeness::Partial);
        assert!(snapshot.items.iter().all(|item| item.evidence.value.len() == limits::TEXT_BYTES));
        assert!(serde_json::to_vec(&snapshot).unwrap().len() < limits::BODY_BYTES);
    }
}
