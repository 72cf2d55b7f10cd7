//! Asks the collector for its catalogue, and keeps what is good.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use umbrascope_rules::bundle;

use super::chance;
use crate::catalogue::{Shelf, Standing, TakeError, digest, today};
use crate::clock::wall_clock_ms;
use crate::sender::{Fetched, Outcome};

/// How often it is asked for, a tenth more or less by chance: the collector's answers to reports say when there is another one.
const EVERY: Duration = Duration::from_secs(3600);
/// After word of another one, up to this long, by chance: the others heard of it too.
const AFTER_WORD: Duration = Duration::from_secs(5);
/// After a failure at least.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What `status` tells of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueNote {
    /// What is in use.
    #[serde(flatten)]
    pub standing: Standing,
    /// Why the one that the collector has is not.
    pub refused: Option<String>,
    /// When the collector last answered, Unix time in milliseconds; 0 for never.
    pub asked_at_ms: i64,
    /// Ids of the keys that are trusted.
    pub trusted_keys: Vec<String>,
}

/// Asks, and keeps.
pub(super) struct Keeper {
    shelf: Shelf,
    note: CatalogueNote,
    /// What was last looked at, taken or refused for good.
    seen: Option<String>,
    /// What was refused for a reason that may pass, and until when it is not asked for again.
    put_off: Option<(String, Instant)>,
    ask_at: Instant,
    /// Not before this, whatever the collector says.
    not_before: Instant,
    swapped: bool,
}

impl Keeper {
    pub(super) fn new(shelf: Shelf, now: Instant) -> Self {
        let (standing, seen) = shelf.standing();
        if let Some(why) = &standing.set_aside {
            tracing::warn!("the stored catalogue is not used: {why}");
        }
        let trusted_keys = shelf.key_ids();
        let note = CatalogueNote { standing, trusted_keys, ..CatalogueNote::default() };
        let ask_at = now + EVERY.mul_f64(chance());
        Self { shelf, note, seen, put_off: None, ask_at, not_before: now, swapped: false }
    }

    pub(super) fn note(&self) -> &CatalogueNote {
        &self.note
    }

    pub(super) fn version(&self) -> &str {
        &self.note.standing.version
    }

    /// What of it the collector's people should know: empty when all is well.
    pub(super) fn trouble(&self) -> String {
        let set_aside = self.note.standing.set_aside.as_ref().filter(|_| self.note.refused.is_none());
        self.note.refused.as_ref().or(set_aside).cloned().unwrap_or_default()
    }

    /// When it is to be asked for. Without a key nothing could be taken.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        (!self.note.trusted_keys.is_empty()).then(|| self.ask_at.max(self.not_before))
    }

    /// What the collector need not send.
    pub(super) fn known(&self) -> Option<String> {
        self.seen.clone()
    }

    /// The collector named the bundle that it has.
    pub(super) fn named(&mut self, digest: Option<&str>, now: Instant) {
        let Some(digest) = digest else { return };
        let put_off = self.put_off.as_ref().is_some_and(|(known, until)| known == digest && now < *until);
        if self.seen.as_deref() != Some(digest) && !put_off {
            self.ask_at = self.ask_at.min(now + AFTER_WORD.mul_f64(chance()));
        }
    }

    /// Acts on the answer.
    pub(super) fn answered(&mut self, outcome: Outcome<Fetched>, now: Instant) {
        self.ask_at = now + EVERY.mul_f64(0.9 + 0.2 * chance());
        match outcome {
            Outcome::Done(fetched) => {
                self.note.asked_at_ms = wall_clock_ms();
                match fetched {
                    Fetched::Same => {}
                    Fetched::None => self.note.refused = None,
                    Fetched::Bundle(bytes) => self.look_at(&bytes, now),
                }
            }
            Outcome::Retry { after, trouble } => {
                self.not_before = now + after.unwrap_or_default().max(AFTER_FAILURE);
                tracing::debug!("the catalogue could not be fetched: {trouble}");
            }
            // Reports run into the same and say so.
            Outcome::Refused { .. } | Outcome::Forbidden { .. } => self.not_before = now + AFTER_FAILURE,
        }
    }

    /// Another catalogue is in use since the last call.
    pub(super) fn swapped(&mut self) -> bool {
        std::mem::take(&mut self.swapped)
    }

    fn look_at(&mut self, bytes: &[u8], now: Instant) {
        let digest = digest(bytes);
        match self.shelf.take(bytes, today()) {
            Ok(standing) => {
                tracing::info!(version = standing.version, "another catalogue is taken");
                self.seen = Some(digest);
                self.swapped |= standing != self.note.standing;
                self.note.standing = standing;
                self.note.refused = None;
            }
            Err(error) => {
                let text = error.to_string();
                if self.note.refused.as_ref() != Some(&text) {
                    tracing::warn!("the collector's catalogue is not taken: {text}");
                }
                self.note.refused = Some(text);
                // The clock may be set right, or the disk have room again: then the same one will do.
                let may_change =
                    matches!(error, TakeError::Io(_) | TakeError::Refused(bundle::Error::Expired { .. }));
                if may_change {
                    self.put_off = Some((digest, now + EVERY / 2));
                } else {
                    self.seen = Some(digest);
                }
            }
        }
    }
}
