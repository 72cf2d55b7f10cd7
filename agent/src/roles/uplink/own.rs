//! Asks the collector for the organisation's own rules, and keeps what is good.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use umbrascope_api::Ack;
use umbrascope_rules::bundle;

use super::chance;
use crate::catalogue::{self, TakeError, digest, today};
use crate::own::{OwnShelf, OwnStanding, Sources, refusal};
use crate::sender::{Fetched, Outcome};

/// After word of another version, up to this long, by chance: the others heard of it too.
const AFTER_WORD: Duration = Duration::from_secs(5);
/// After a failure at least.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// What was refused for a reason that may pass is asked for again after this.
const PUT_OFF: Duration = Duration::from_secs(1800);

/// What `status` tells of own rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnNote {
    /// What is in use.
    #[serde(flatten)]
    pub standing: OwnStanding,
    /// Why those that the collector has are not.
    pub refused: Option<String>,
}

/// Asks, and keeps. The collector's answers to reports say when there is another version.
pub(super) struct OwnKeeper {
    shelf: OwnShelf,
    catalogue: catalogue::Shelf,
    note: OwnNote,
    /// What was last looked at, taken or refused for good.
    seen: Option<String>,
    /// What was refused for a reason that may pass, and until when.
    put_off: Option<(String, Instant)>,
    ask_at: Option<Instant>,
    not_before: Instant,
    swapped: bool,
}

impl OwnKeeper {
    pub(super) fn new(shelf: OwnShelf, catalogue: catalogue::Shelf, now: Instant) -> Self {
        let mut keeper = Self {
            shelf,
            catalogue,
            note: OwnNote::default(),
            seen: None,
            put_off: None,
            ask_at: None,
            not_before: now,
            swapped: false,
        };
        keeper.seen = keeper.look();
        if let Some(why) = &keeper.note.standing.set_aside {
            tracing::warn!("the stored own rules are not used: {why}");
        }
        keeper
    }

    pub(super) fn note(&self) -> &OwnNote {
        &self.note
    }

    /// The version of the catalogue with that of the own rules behind it.
    pub(super) fn version_over(&self, catalogue: &str) -> String {
        match self.note.standing.number {
            Some(number) => format!("{catalogue}, own {number}"),
            None => catalogue.to_owned(),
        }
    }

    /// What of it the collector's people should know: empty when all is well.
    pub(super) fn trouble(&self) -> String {
        let standing = &self.note.standing;
        match (self.note.refused.as_ref().or(standing.set_aside.as_ref()), standing.left_out_words.first()) {
            (Some(why), _) => why.clone(),
            (None, Some(first)) => format!("{} left out, first {first}", standing.left_out),
            (None, None) => String::new(),
        }
    }

    /// What is in use, anew: also after another catalogue came, which more or less of the rules may hold over.
    pub(super) fn look(&mut self) -> Option<String> {
        let mut sources = Sources { catalogue: self.catalogue.handed(), own: self.shelf.handed() };
        // Without own rules there is nothing to compose.
        let left_out = if sources.own.is_some() { sources.matcher_told("checked").1 } else { Vec::new() };
        let (standing, digest) = self.shelf.standing(&left_out);
        self.note.standing = standing;
        digest
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.ask_at.map(|at| at.max(self.not_before))
    }

    /// What the collector need not send.
    pub(super) fn known(&self) -> Option<String> {
        self.seen.clone()
    }

    /// The collector named its key and its version.
    pub(super) fn named(&mut self, ack: &Ack, now: Instant) {
        if !self.shelf.is_enabled() {
            return;
        }
        match ack.own_rules_key.as_deref().map(|key| self.shelf.learn(key)) {
            Some(Ok(true)) => tracing::info!("the collector's key for own rules is known from now on"),
            Some(Err(error)) => tracing::warn!(%error, "the collector's key for own rules cannot be kept"),
            _ => {}
        }
        let Some(digest) = &ack.own_rules else { return };
        let put_off = self.put_off.as_ref().is_some_and(|(known, until)| known == digest && now < *until);
        if self.seen.as_ref() != Some(digest) && !put_off && self.ask_at.is_none() {
            self.ask_at = Some(now + AFTER_WORD.mul_f64(chance()));
        }
    }

    /// Acts on the answer.
    pub(super) fn answered(&mut self, outcome: Outcome<Fetched>, now: Instant) {
        self.ask_at = None;
        match outcome {
            Outcome::Done(Fetched::Same) => {}
            Outcome::Done(Fetched::None) => self.note.refused = None,
            Outcome::Done(Fetched::Bundle(bytes)) => self.look_at(&bytes, now),
            // The next report's answer names it again.
            Outcome::Retry { after, trouble } => {
                self.not_before = now + after.unwrap_or_default().max(AFTER_FAILURE);
                tracing::debug!("the own rules could not be fetched: {trouble}");
            }
            Outcome::Refused { .. } | Outcome::Forbidden { .. } => self.not_before = now + AFTER_FAILURE,
        }
    }

    /// Other rules are in use since the last call.
    pub(super) fn swapped(&mut self) -> bool {
        std::mem::take(&mut self.swapped)
    }

    fn look_at(&mut self, bytes: &[u8], now: Instant) {
        match self.shelf.take(bytes, today()) {
            Ok(()) => {
                self.seen = self.look();
                self.note.refused = None;
                self.swapped = true;
                tracing::info!(version = self.note.standing.number, "other own rules are taken");
            }
            Err(error) => {
                let text = refusal(&error);
                if self.note.refused.as_ref() != Some(&text) {
                    tracing::warn!("the collector's own rules are not taken: {text}");
                }
                self.note.refused = Some(text);
                let may_change =
                    matches!(error, TakeError::Io(_) | TakeError::Refused(bundle::Error::Expired { .. }));
                match may_change {
                    true => self.put_off = Some((digest(bytes), now + PUT_OFF)),
                    false => self.seen = Some(digest(bytes)),
                }
            }
        }
    }
}
