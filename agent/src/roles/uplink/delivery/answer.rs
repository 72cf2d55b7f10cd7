//! What the collector makes of a report, and what follows from it.

use std::time::{Duration, Instant};

use umbrascope_api::{Ack, CoverageReport, RowKind, limits};

use super::super::today;
use super::{Delivery, mark};
use crate::clock::wall_clock_ms;
use crate::os::accelerators;
use crate::sender::Content;
use crate::state::{State, StateError};
use crate::witness::{self, Witness};

/// Counter of the state.
const TRAIL_CONTRADICTIONS: &str = "trail_contradictions";

impl Delivery {
    pub(super) fn taken(
        &mut self,
        content: &Content,
        had_grown: bool,
        ack: &Ack,
        state: &mut State,
        now: Instant,
    ) -> Result<(), StateError> {
        self.note_suspects(ack.suspects_since_ms, state)?;
        self.sealing.mark(&content.sealed_accounts, state, today())?;
        self.sealing.answered(ack.reidentification, state)?;
        self.note.reidentification = ack.reidentification;
        if let Some(checkpoint) = &ack.checkpoint {
            self.witness(checkpoint, state)?;
        }
        // Rows not taken are marked like the others: they must not be sent again. They are counted.
        mark(content, state)?;
        let refused = ack.refused.len() as u64;
        if refused > 0 {
            state.add_counter("rows_refused", refused)?;
            let of = |kind| ack.refused.iter().filter(|row| row.kind == kind).count();
            tracing::warn!(
                rows = of(RowKind::Activity),
                snapshots = of(RowKind::Snapshot),
                suspects = of(RowKind::Suspect),
                sealed_accounts = of(RowKind::SealedAccount),
                "the collector did not take some rows"
            );
        }
        if self.note.trouble.take().is_some() {
            tracing::info!("the collector takes reports again");
        }
        self.catalogue.named(ack.catalogue.as_deref(), now);
        self.own.named(ack, now);
        self.note.last_report_ms = wall_clock_ms();
        self.note_at = now;
        self.limit = (self.limit * 2).min(limits::ACTIVITY_ROWS);
        let due = state.due()?;
        // Of what only grew, all of it is gone when the batch was not full.
        let all_grown = had_grown && due.grown_rows == 0;
        let wish = Duration::from_secs(ack.next_report_after_s.into());
        self.schedule.taken(now, wish, self.counter_interval, all_grown, self.phase());
        self.grown = due.grown_rows > 0;
        self.new_since = (due.new_rows + due.snapshots + due.stations > 0).then_some(now);
        if let Some(taken) = &mut self.everything {
            *taken = true;
        }
        Ok(())
    }

    /// The whole batch was refused: halves of it are tried until the entry at fault stands alone; that one is set aside.
    pub(super) fn refused(
        &mut self,
        content: &Content,
        trouble: &str,
        state: &mut State,
        now: Instant,
    ) -> Result<(), StateError> {
        self.trouble(trouble);
        if !content.suspects.is_empty() {
            state.mark_suspects(&content.suspects)?;
            state.add_counter("rows_refused", content.suspects.len() as u64)?;
        }
        if !content.sealed_accounts.is_empty() {
            self.sealing.mark(&content.sealed_accounts, state, today())?;
            state.add_counter("rows_refused", content.sealed_accounts.len() as u64)?;
        }
        if content.len() > 1 {
            self.limit = content.len() / 2;
        } else if content.is_empty() {
            self.schedule.failed(now, None, 1.0);
        } else {
            mark(content, state)?;
            state.add_counter("rows_refused", 1)?;
            self.limit = limits::ACTIVITY_ROWS;
        }
        self.look = true;
        Ok(())
    }

    /// Notes what the collector wants of suspects. What is kept of them goes with the wish.
    fn note_suspects(&mut self, since_ms: Option<i64>, state: &mut State) -> Result<(), StateError> {
        let since_ms = since_ms.filter(|_| self.suspects_allowed);
        if since_ms.is_none() {
            state.forget_suspects()?;
        }
        if since_ms.is_some() != self.wants_suspects() {
            let wanted = since_ms.is_some();
            tracing::info!(wanted, "the collector says whether names that look like AI are to be reported");
        }
        self.note.suspects_since_ms = since_ms;
        Ok(())
    }

    /// Remembers how far the collector's audit trail was, and counts what contradicts that.
    fn witness(&self, checkpoint: &str, state: &State) -> Result<(), StateError> {
        let Some((identity, _)) = &self.identity else { return Ok(()) };
        let text = state.note(witness::NOTE)?;
        let kept: Option<Witness> = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let (next, contradicts) =
            witness::seen(kept.clone(), &identity.collector, checkpoint, wall_clock_ms());
        if contradicts {
            state.add_counter(TRAIL_CONTRADICTIONS, 1)?;
            tracing::warn!(
                "the collector's audit trail is not what it was: see `status`, and keep what it says"
            );
        }
        if next != kept
            && let Some(text) = next.and_then(|next| serde_json::to_string(&next).ok())
        {
            state.set_note(witness::NOTE, &text)?;
        }
        Ok(())
    }

    pub(super) fn full_coverage(&self, state: &State) -> Result<CoverageReport, StateError> {
        let counters = self.counters;
        Ok(CoverageReport {
            packets: counters.packets,
            kernel_drops: counters.kernel_drops,
            queue_drops: counters.queue_drops,
            hellos: counters.hellos,
            hellos_without_name: counters.hellos_without_name,
            hellos_with_ech: counters.hellos_with_ech,
            hidden_destinations: counters.hidden_destinations,
            hidden_suspects: counters.hidden_suspects,
            encrypted_dns: counters.encrypted_dns,
            dns_over_tls: counters.dns_over_tls,
            dns_over_https: counters.dns_over_https,
            suspects_dropped: counters.suspects_dropped + state.counter("suspects_dropped")?,
            flows_lost: counters.flows_lost,
            flows_joined_late: counters.flows_joined_late,
            rows_dropped: state.counter("rows_dropped")?,
            rows_refused: state.counter("rows_refused")?,
            state_resets: state.counter("state_resets")?,
            trail_contradictions: state.counter(TRAIL_CONTRADICTIONS)?,
            sources: self.sources.clone(),
            catalogue_note: self.catalogue.trouble(),
            own_rules_note: self.own.trouble(),
            accelerators: accelerators::present(),
            ..self.coverage.clone()
        })
    }
}
