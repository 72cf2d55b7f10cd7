//! What the uplink sends, when, and what it makes of the answers.

use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use umbrascope_api::{
    Ack, ActivityRow, Batch, CoverageReport, Epoch, MachineId, PROTOCOL_VERSION, PrivacyKey,
    Reidentification, RenewResponse, SensorInfo, SourceReport, limits,
};

use super::catalogue::{CatalogueNote, Keeper};
use super::own::{OwnKeeper, OwnNote};
use super::sealing::Sealing;
use super::{Request, chance, today};
use crate::catalogue::Standing;
use crate::clock::wall_clock_ms;
use crate::config::CollectorConfig;
use crate::failpoint;
use crate::identity::Identity;
use crate::ipc::message::Counters;
use crate::os::host;
use crate::scan::Watched;
use crate::sender::{self, Client, Content, Fetched, Outcome, Schedule};
use crate::state::{State, StateError};

mod answer;
mod renewal;

/// How often a sensor without a usable identity looks for a new one.
const IDENTITY_EVERY: Duration = Duration::from_secs(5);
/// How often the note for `status` is refreshed while nothing is sent.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Snapshots looked at for one batch; there are a few dozen sources.
const SNAPSHOTS: u32 = 64;
/// Machines looked at for one batch: those that belong to its rows are among the oldest news.
const STATIONS: u32 = 4_000;

/// A request that came to its end.
pub(super) enum Finished {
    /// A batch.
    Batch {
        /// What was in it.
        content: Box<Content>,
        /// Counts that only grew were among it.
        had_grown: bool,
        /// What became of it.
        outcome: Outcome<Ack>,
    },
    /// A renewal.
    Renewal {
        /// The new key.
        key_pem: String,
        /// What became of it.
        outcome: Outcome<RenewResponse>,
    },
    /// The collector's catalogue.
    Catalogue(Outcome<Fetched>),
    /// The organisation's own rules.
    OwnRules(Outcome<Fetched>),
}

/// What `status` shows of a running uplink; kept in the state as the note `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNote {
    /// Version of the agent.
    pub agent_version: String,
    /// Version of the catalogue.
    pub catalogue_version: String,
    /// When this was written, Unix time in milliseconds.
    pub written_at_ms: i64,
    /// When the collector last took a report; 0 for never.
    pub last_report_ms: i64,
    /// What went wrong last, until it goes right again.
    pub trouble: Option<String>,
    /// The catalogue in use, and why the collector's is not.
    #[serde(default)]
    pub catalogue: CatalogueNote,
    /// The same of the organisation's own rules.
    #[serde(default)]
    pub own_rules: OwnNote,
    /// Coverage as it was last reported.
    pub coverage: CoverageReport,
    /// Since when suspects are reported, Unix time in milliseconds; `None`: they are not.
    #[serde(default)]
    pub suspects_since_ms: Option<i64>,
    /// What the collector last said of names of accounts, whether this machine follows it or not.
    #[serde(default)]
    pub reidentification: Option<Reidentification>,
    /// What is looked at between scans.
    #[serde(default)]
    pub watched: Watched,
}

/// Delivery and renewal, one request at a time.
pub(super) struct Delivery {
    folder: PathBuf,
    collector: CollectorConfig,
    counter_interval: Duration,
    identity: Option<(Identity, Client)>,
    identity_written: Option<SystemTime>,
    identity_looked_at: Option<Instant>,
    forbidden: bool,
    renew_at_s: i64,
    renew_not_before: Instant,
    schedule: Schedule,
    new_since: Option<Instant>,
    grown: bool,
    /// The state may hold something new: look before deciding when to report.
    look: bool,
    /// Everything goes now; true once a batch was taken since.
    everything: Option<bool>,
    /// Entries in a batch: fewer after one was refused as a whole, down to the one that is at fault.
    limit: usize,
    in_flight: Option<Request<Finished>>,
    machine: MachineId,
    boot: Epoch,
    info: SensorInfo,
    note: StatusNote,
    note_at: Instant,
    sources: Vec<SourceReport>,
    /// The catalogue in use.
    catalogue: Keeper,
    /// The organisation's own rules over it.
    own: OwnKeeper,
    /// Whether the configuration lets suspects be reported at all.
    suspects_allowed: bool,
    /// Names of accounts, sealed where that is wanted here and at the collector.
    sealing: Sealing,
    /// Coverage as the warden and this uplink know it.
    pub(super) coverage: CoverageReport,
    /// Counters of the dissectors.
    pub(super) counters: Counters,
}

impl Delivery {
    /// Nothing sent yet; the sources of the last scan are taken from the state.
    pub(super) fn new(
        folder: PathBuf,
        collector: CollectorConfig,
        counter_interval: Duration,
        (catalogue, own): (Keeper, OwnKeeper),
        (suspects_allowed, privacy_key): (bool, Option<PrivacyKey>),
        state: &State,
        now: Instant,
    ) -> Self {
        let sources = state.note("sources").ok().flatten();
        let sources = sources.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let earlier = state.note("status").ok().flatten();
        let earlier = earlier.and_then(|text| serde_json::from_str::<StatusNote>(&text).ok());
        let watched = earlier.map(|note| note.watched).unwrap_or_default();
        let mut boot = [0; Epoch::BYTES];
        for byte in &mut boot {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of 255 fits a byte"
            )]
            let random = (chance() * 255.0) as u8;
            *byte = random;
        }
        Self {
            folder,
            collector,
            counter_interval,
            identity: None,
            identity_written: None,
            identity_looked_at: None,
            forbidden: false,
            renew_at_s: i64::MAX,
            renew_not_before: now,
            schedule: Schedule::new(now, Duration::from_secs(300)),
            new_since: None,
            grown: false,
            look: true,
            everything: None,
            limit: limits::ACTIVITY_ROWS,
            in_flight: None,
            machine: host::machine_id(),
            boot: Epoch::from_bytes(boot),
            info: host::sensor_info(&own.version_over(catalogue.version())),
            note: StatusNote { watched, ..StatusNote::default() },
            note_at: now,
            sources,
            catalogue,
            own,
            suspects_allowed,
            sealing: Sealing::new(privacy_key, host::machine_id()),
            coverage: CoverageReport::default(),
            counters: Counters::default(),
        }
    }

    /// The state may hold something that was never reported.
    pub(super) fn something_new(&mut self, now: Instant) {
        self.look = true;
        self.note_at = self.note_at.min(now + Duration::from_secs(5));
    }

    /// A scan ended: how its sources ended replaces what was known of them, or of all.
    pub(super) fn scanned(
        &mut self,
        reports: Vec<SourceReport>,
        only_changes: bool,
        watched: Option<Watched>,
        state: &State,
    ) {
        self.note.watched = watched.unwrap_or_else(|| std::mem::take(&mut self.note.watched));
        if reports.is_empty() {
            return;
        }
        if only_changes {
            self.sources.retain(|known| !reports.iter().any(|report| report.source == known.source));
            self.sources.extend(reports);
        } else {
            self.sources = reports;
        }
        if let Ok(text) = serde_json::to_string(&self.sources)
            && let Err(error) = state.set_note("sources", &text)
        {
            tracing::debug!(%error, "the sources of this scan are not kept for the next start");
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        if self.in_flight.is_some() {
            return Some(self.note_at);
        }
        if self.identity.is_none() || self.forbidden {
            let look = self.identity_looked_at.map_or_else(Instant::now, |at| at + IDENTITY_EVERY);
            return Some(look.min(self.note_at));
        }
        let renewal_s = u64::try_from(self.renew_at_s.saturating_sub(wall_clock_ms() / 1000)).unwrap_or(0);
        // The wall clock can leap: look at least every hour.
        let renewal = (Instant::now() + Duration::from_secs(renewal_s.min(3600))).max(self.renew_not_before);
        let report = self.schedule.next(self.new_since, self.grown);
        [report, renewal, self.note_at]
            .into_iter()
            .chain(self.catalogue.wake_at())
            .chain(self.own.wake_at())
            .min()
    }

    /// Starts what is due.
    pub(super) fn tick(&mut self, state: &mut State, now: Instant) -> Result<(), StateError> {
        if std::mem::take(&mut self.look) {
            let due = state.due()?;
            if due.new_rows + due.snapshots + due.stations > 0 {
                self.new_since.get_or_insert(now);
            }
            self.grown = due.grown_rows > 0;
        }
        if now >= self.note_at {
            self.write_note(state);
            self.note_at = now + NOTE_EVERY;
        }
        if self.in_flight.is_some() {
            return Ok(());
        }
        if self.identity.is_none() || self.forbidden {
            self.look_for_identity(now);
        }
        let Some((_, client)) = &self.identity else { return Ok(()) };
        if wall_clock_ms() / 1000 >= self.renew_at_s && now >= self.renew_not_before {
            let client = client.clone();
            self.start_renewal(client, now);
        } else if now >= self.schedule.next(self.new_since, self.grown || self.everything.is_some()) {
            let client = client.clone();
            self.start_batch(client, state, now)?;
        } else if self.catalogue.wake_at().is_some_and(|at| now >= at) {
            let (client, known) = (client.clone(), self.catalogue.known());
            self.in_flight =
                Some(Box::pin(async move { Finished::Catalogue(client.catalogue(known).await) }));
        } else if self.own.wake_at().is_some_and(|at| now >= at) {
            let (client, known) = (client.clone(), self.own.known());
            self.in_flight = Some(Box::pin(async move { Finished::OwnRules(client.own_rules(known).await) }));
        }
        Ok(())
    }

    /// Another catalogue, or other own rules, are in use since the last call.
    pub(super) fn swapped(&mut self) -> bool {
        let catalogue = self.catalogue.swapped();
        if catalogue {
            // More or less of the own rules holds over it.
            self.own.look();
        }
        self.own.swapped() | catalogue
    }

    /// What people are told of catalogue and own rules.
    fn rules_told(&self) -> (Standing, Option<String>, OwnNote) {
        let note = self.catalogue.note();
        (note.standing.clone(), note.refused.clone(), self.own.note().clone())
    }

    fn rules_answered(&mut self, before: (Standing, Option<String>, OwnNote), now: Instant) {
        self.info = host::sensor_info(&self.own.version_over(self.catalogue.version()));
        if self.rules_told() != before {
            // The collector's people see who has which one.
            self.new_since.get_or_insert(now);
            self.note_at = now;
        }
    }

    /// The end of the request that is on its way.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Finished> {
        let Some(request) = &mut self.in_flight else { return Poll::Pending };
        let finished = std::task::ready!(request.as_mut().poll(context));
        self.in_flight = None;
        Poll::Ready(finished)
    }

    fn start_batch(&mut self, client: Client, state: &State, now: Instant) -> Result<(), StateError> {
        let Some((identity, _)) = &self.identity else { return Ok(()) };
        let had_grown = self.everything.is_some() || self.schedule.grown_is_due(now);
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        let rows = state.due_rows(had_grown, limit)?;
        let mut content = Content::fitting(rows, state.due_snapshots(SNAPSHOTS)?, self.limit)
            .with_stations(state.due_stations(STATIONS)?);
        if self.wants_suspects() {
            content.suspects = state.due_suspects()?;
        }
        content.sealed_accounts = self.sealing.due(&content, state, today())?;
        let batch = Batch {
            protocol: PROTOCOL_VERSION,
            sensor: identity.sensor,
            epoch: state.epoch(),
            sent_at_ms: wall_clock_ms(),
            machine: self.machine,
            boot: self.boot,
            info: self.info.clone(),
            activity: content.rows.iter().map(|due| ActivityRow::clone(&due.row)).collect(),
            stations: content.stations.iter().map(|due| due.station.clone()).collect(),
            snapshots: content.snapshots.clone(),
            suspects: content.suspects.clone(),
            sealed_accounts: content.sealed_accounts.clone(),
            coverage: self.full_coverage(state)?,
        };
        let body = sender::body(&batch);
        failpoint::hit("agent-before-send");
        self.in_flight = Some(Box::pin(async move {
            let outcome = client.deliver(body).await;
            Finished::Batch { content: Box::new(content), had_grown, outcome }
        }));
        Ok(())
    }

    /// Acts on an answer.
    pub(super) fn finished(
        &mut self,
        finished: Finished,
        state: &mut State,
        now: Instant,
    ) -> Result<(), StateError> {
        match finished {
            Finished::Renewal { key_pem, outcome } => {
                self.renewed(key_pem, outcome, now);
                Ok(())
            }
            Finished::Catalogue(outcome) => {
                let before = self.rules_told();
                self.catalogue.answered(outcome, now);
                self.rules_answered(before, now);
                Ok(())
            }
            Finished::OwnRules(outcome) => {
                let before = self.rules_told();
                self.own.answered(outcome, now);
                self.rules_answered(before, now);
                Ok(())
            }
            Finished::Batch { content, had_grown, outcome } => match outcome {
                Outcome::Done(ack) => self.taken(&content, had_grown, &ack, state, now),
                Outcome::Retry { after, trouble } => {
                    self.trouble(&trouble);
                    self.schedule.failed(now, after, chance());
                    Ok(())
                }
                Outcome::Refused { trouble } => self.refused(&content, &trouble, state, now),
                Outcome::Forbidden { trouble } => {
                    self.trouble(&format!(
                        "{trouble}: this sensor is revoked or unknown; enrol again with `--force`"
                    ));
                    self.forbidden = true;
                    self.schedule.forbidden(now, chance());
                    Ok(())
                }
            },
        }
    }

    /// Whether suspects are wanted: by the last answer of the collector in this life, and by the configuration.
    pub(super) fn wants_suspects(&self) -> bool {
        self.note.suspects_since_ms.is_some()
    }

    /// The sensor's own place in the interval.
    fn phase(&self) -> f64 {
        let bytes = self.identity.as_ref().map_or([0; 16], |(identity, _)| *identity.sensor.as_bytes());
        f64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / f64::from(u32::MAX)
    }

    fn trouble(&mut self, text: &str) {
        if self.note.trouble.as_deref() != Some(text) {
            tracing::warn!("{text}");
            self.note.trouble = Some(text.to_owned());
        }
    }

    /// Whether all of the state is delivered since the first call: `Some("")` if so, `Some(why)` if it never will be.
    pub(super) fn everything_is_delivered(&mut self, state: &State) -> Result<Option<String>, StateError> {
        if self.everything.is_none() {
            self.everything = Some(false);
            self.new_since = Some(Instant::now());
            return Ok(None);
        }
        if self.identity.is_none() || self.forbidden {
            let why = self.note.trouble.clone();
            return Ok(Some(why.unwrap_or_else(|| "this sensor is not enrolled".to_owned())));
        }
        let due = state.due()?;
        let empty = due.new_rows + due.grown_rows + due.snapshots + due.stations == 0;
        Ok((empty && self.in_flight.is_none() && self.everything == Some(true)).then(String::new))
    }

    /// Delivers what is due, once more and without patience.
    pub(super) async fn last(&mut self, state: &mut State) -> Result<(), StateError> {
        loop {
            if self.in_flight.is_some() {
                let finished = std::future::poll_fn(|context| self.poll(context)).await;
                let taken = matches!(
                    &finished,
                    Finished::Batch { outcome: Outcome::Done(_), .. }
                        | Finished::Catalogue(_)
                        | Finished::OwnRules(_)
                );
                self.finished(finished, state, Instant::now())?;
                if !taken {
                    return Ok(());
                }
            }
            let due = state.due()?;
            let Some((_, client)) = self.identity.as_ref().filter(|_| !self.forbidden) else { return Ok(()) };
            if due.new_rows + due.grown_rows + due.snapshots + due.stations == 0 {
                return Ok(());
            }
            let client = client.clone();
            self.everything = Some(false);
            self.start_batch(client, state, Instant::now())?;
        }
    }

    /// Writes down how things stand, for `status`.
    pub(super) fn write_note(&mut self, state: &State) {
        let Ok(coverage) = self.full_coverage(state) else { return };
        self.note.agent_version.clone_from(&self.info.agent_version);
        self.note.catalogue_version.clone_from(&self.info.catalogue_version);
        self.note.written_at_ms = wall_clock_ms();
        self.note.coverage = coverage;
        self.note.catalogue = self.catalogue.note().clone();
        self.note.own_rules = self.own.note().clone();
        if let Ok(text) = serde_json::to_string(&self.note)
            && let Err(error) = state.set_note("status", &text)
        {
            tracing::debug!(%error, "the note for `status` is not written");
        }
    }
}

/// Notes that what was sent need not be sent again.
fn mark(content: &Content, state: &mut State) -> Result<(), StateError> {
    let rows: Vec<_> = content.rows.iter().map(|due| (due.id, due.row.count)).collect();
    state.mark_rows(&rows)?;
    let stations: Vec<_> = content.stations.iter().map(|due| (due.station.subject, due.version)).collect();
    state.mark_stations(&stations)?;
    state.mark_suspects(&content.suspects)?;
    for snapshot in &content.snapshots {
        state.mark_snapshot(&snapshot.source, snapshot.generation)?;
    }
    Ok(())
}
