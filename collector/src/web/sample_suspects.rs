//! The sample's suspects: a queue with a hostile name in it, and the setting that tests switch.

use umbrascope_api::Day;

use super::sample::{HOSTILE, NOW_MS, Sample};
use crate::model::{Dismissal, Page, PageRequest, Step, StepRefused, StepRow, SuspectDomain, SuspectSetting};
use crate::store::{StoreError, Suspects};

/// Domain, count, sensors, days ago.
const ROWS: [(&str, u64, u64, u32); 4] = [
    ("some-chatbot.com", 4_211, 37, 0),
    ("quorbel.ai", 310, 6, 1),
    ("aivideoeditor.app", 12, 2, 4),
    (HOSTILE, 1, 1, 30),
];

impl Suspects for Sample {
    fn suspect_setting(&self, now_ms: i64) -> Result<SuspectSetting, StoreError> {
        let steps = self.suspect_steps(20)?;
        Ok(SuspectSetting::after(&steps.into_iter().rev().collect::<Vec<_>>(), now_ms))
    }

    fn suspect_steps(&self, _: u32) -> Result<Vec<StepRow>, StoreError> {
        self.ok(self.suspect_steps.lock().unwrap().iter().rev().cloned().collect())
    }

    fn suspects(&self, dismissed: bool, page: PageRequest) -> Result<Page<SuspectDomain>, StoreError> {
        let today = Day::from_unix_ms(NOW_MS);
        let taken_back = self.restored.lock().unwrap();
        let rows = ROWS.iter().map(|(domain, count, sources, ago)| SuspectDomain {
            domain: (*domain).to_owned(),
            count: *count,
            sources: *sources,
            first_day: today.back(ago + 3),
            last_day: today.back(*ago),
            dismissal: (*domain == HOSTILE && !*taken_back).then(|| Dismissal {
                reason: HOSTILE.to_owned(),
                person: "ada".to_owned(),
                at_ms: NOW_MS,
            }),
        });
        let rows: Vec<_> = rows.filter(|row| row.dismissal.is_some() == dismissed).collect();
        self.ok(super::sample::page_of(if self.is_empty() { Vec::new() } else { rows }, page))
    }

    fn step_suspects(
        &self,
        step: Step,
        person: &str,
        now_ms: i64,
    ) -> Result<Result<SuspectSetting, StepRefused>, StoreError> {
        let taken = self.suspect_setting(now_ms)?.take(step, person, now_ms);
        if taken.is_ok() {
            self.suspect_steps.lock().unwrap().push(StepRow {
                step,
                person: person.to_owned(),
                at_ms: now_ms,
            });
        }
        Ok(taken)
    }

    fn dismiss_suspect(&self, domain: &str, _: &Dismissal) -> Result<bool, StoreError> {
        self.ok(ROWS.iter().any(|(known, ..)| *known == domain))
    }

    fn restore_suspect(&self, domain: &str, _: &crate::model::By) -> Result<bool, StoreError> {
        *self.restored.lock().unwrap() = domain == HOSTILE;
        self.ok(domain == HOSTILE)
    }
}
