//! Suspects.

use askama::Template;

use super::{Frame, filters};
use crate::model::{Step, StepRow, SuspectDomain, SuspectSetting};
use crate::web::language::{say, t};
use crate::web::list::Pager;

/// Fewer sensors than this are not told by their number: it would point at somebody.
const TOLD_FROM: u64 = 5;

/// A suspect on the page.
#[derive(Debug)]
pub(crate) struct SuspectView {
    /// The record.
    pub(crate) row: SuspectDomain,
    /// The words of its name that made it suspect; empty where a host below it did.
    pub(crate) signs: String,
}

impl SuspectView {
    /// How many sensors told of it, as far as that is told.
    pub(crate) fn sources(&self) -> String {
        if self.row.sources < TOLD_FROM {
            say!("fewer than {0}", TOLD_FROM)
        } else {
            self.row.sources.to_string()
        }
    }
}

/// The queue, and the setting.
#[derive(Debug, Template)]
#[template(path = "suspects.html")]
pub(crate) struct SuspectsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Whether suspects are collected.
    pub(crate) setting: SuspectSetting,
    /// Who switched it on and off, newest first.
    pub(crate) steps: Vec<StepRow>,
    /// Why what was just asked for is not done.
    pub(crate) problem: Option<String>,
    /// The dismissed ones are shown.
    pub(crate) dismissed: bool,
    /// The suspects.
    pub(crate) rows: Vec<SuspectView>,
    /// The foot.
    pub(crate) pager: Pager,
}

impl SuspectsPage {
    /// Whether the reader is who asked.
    pub(crate) fn asked_by_reader(&self) -> bool {
        matches!(&self.setting, SuspectSetting::Asked { by, .. } if *by == self.frame.user)
    }

    /// A step, in words.
    pub(crate) fn step_words(&self, step: &Step) -> &'static str {
        match step {
            Step::Asked => t("asked for it"),
            Step::Confirmed => t("confirmed, and it was on from then"),
            Step::Withdrawn => t("withdrew it"),
        }
    }
}
