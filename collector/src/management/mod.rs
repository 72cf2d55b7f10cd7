//! Management reviews (ISO/IEC 42001, 9.3): what the review has before it, drawn from what is kept, and what it decided. After governance
//! reference (a.3), R-9.3.
//!
//! Pure: what it has to know of the world comes in with [`Material`].

mod pack;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

pub use pack::{Figure, Input, Line, Material, Pack, SignedScope, pack};

use crate::model::governed::Governed;
use crate::model::record::{LINE_CHARS, words};
use crate::review::{Guard, Refused};

/// Most characters of a conclusion and of a decision.
pub const SAID_CHARS: usize = 2_000;
/// Most characters of who took part.
pub const PRESENT_CHARS: usize = 4 * LINE_CHARS;
/// Most decisions of one review.
pub const DECISIONS: usize = 100;
/// Days that a review looks back over where none was held before.
pub const FIRST_PERIOD_DAYS: u32 = 365;
/// The requirement that tasks of a review hang on: what the review decided is kept.
pub const REQUIREMENT: &str = "R-9.3.3-a";

words! {
    /// What a decision of a management review is about (9.3.3).
    Subject {
        /// A chance to improve.
        Improvement = "improvement", "An improvement";
        /// A change of the management system.
        Change = "change", "A change of the management system";
        /// What it needs to work.
        Resources = "resources", "People and means";
        /// Something else, or that nothing is to change.
        Other = "other", "Something else";
    }
}

/// What a management review decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decided {
    /// What it is about.
    pub subject: Subject,
    /// In words.
    pub says: String,
    /// Id of the task that came of it; `None`: there is nothing to do.
    pub task: Option<String>,
    /// Its reference.
    pub task_reference: Option<String>,
    /// Number of the person who recorded it.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// A decision as it is to be recorded. With somebody who does it, or a day, it becomes a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToDecide {
    /// What it is about.
    pub subject: Subject,
    /// In words.
    pub says: String,
    /// Number of the person who does it.
    pub assignee: Option<i64>,
    /// The day by which it is to be done.
    pub due: Option<Day>,
}

/// A management review that was held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagementReview {
    /// UUID of version 7; never reused.
    pub id: String,
    /// For people: `MRV-0007`; never reused.
    pub reference: String,
    /// The day on which it was held.
    pub held_on: Day,
    /// The first day that it looked at.
    pub from: Day,
    /// The last one.
    pub until: Day,
    /// Who took part, in words: top management need not be in the directory.
    pub present: String,
    /// What the review concluded of the management system: whether it is suitable, adequate and effective.
    pub conclusion: String,
    /// What it decided.
    pub decisions: Vec<Decided>,
    /// What it had before it, as it stood when the review was recorded.
    pub pack: Pack,
    /// Number of the person who recorded it.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

impl Governed for ManagementReview {
    const KIND: &'static str = "management-review";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// A review as it is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRecord {
    /// The day on which it was held.
    pub held_on: Day,
    /// The first day that it looked at.
    pub from: Day,
    /// The last one.
    pub until: Day,
    /// Who took part.
    pub present: String,
    /// What it concluded.
    pub conclusion: String,
}

impl ToRecord {
    /// As it may be kept, or what is wrong with it.
    pub fn checked(self, today: Day) -> Result<Self, Refused> {
        let no = |field: &str, says: String| {
            Err(Refused { guard: Guard::Fields, missing: vec![field.to_owned()], says })
        };
        if self.held_on > today {
            return no(
                "held_on",
                format!("{} is still to come: a review is recorded once it was held", self.held_on),
            );
        }
        period(self.from, self.until, today)?;
        let present = self.present.trim().to_owned();
        if present.is_empty() || present.chars().count() > PRESENT_CHARS || present.contains('\0') {
            return no("present", format!("say who took part, in 1 to {} characters", PRESENT_CHARS));
        }
        let conclusion = text(&self.conclusion, "conclusion")?;
        Ok(Self { present, conclusion, ..self })
    }
}

/// Whether these days can be looked at.
pub fn period(from: Day, until: Day, today: Day) -> Result<(), Refused> {
    let says = if until > today {
        format!("{until} is still to come: choose today or a day before")
    } else if from > until {
        format!("the period ends on {until}, before it begins on {from}")
    } else {
        return Ok(());
    };
    Err(Refused { guard: Guard::Fields, missing: vec!["from".to_owned(), "until".to_owned()], says })
}

/// The days that the next review looks at: since the last one.
pub fn next_period<'r>(reviews: impl IntoIterator<Item = &'r ManagementReview>, today: Day) -> (Day, Day) {
    let last = reviews.into_iter().map(|review| review.until).max();
    let from = last.map_or_else(|| today.back(FIRST_PERIOD_DAYS), |last| last.forward(1));
    (from.min(today), today)
}

/// A decision as it may be added, or what is wrong with it.
pub fn checked(review: &ManagementReview, decision: ToDecide) -> Result<ToDecide, Refused> {
    if review.decisions.len() >= DECISIONS {
        return Err(Refused::new(Guard::State, format!("a review keeps at most {DECISIONS} decisions")));
    }
    let says = text(&decision.says, "says")?;
    Ok(ToDecide { says, ..decision })
}

fn text(text: &str, field: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > SAID_CHARS || text.contains('\0') {
        let says = format!("{field} takes 1 to {SAID_CHARS} characters");
        return Err(Refused { guard: Guard::Fields, missing: vec![field.to_owned()], says });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    /// A review that looked at the days up to this one.
    pub(super) fn held(reference: &str, until: &str, decisions: Vec<Decided>) -> ManagementReview {
        let until = day(until);
        let pack = Pack { from: until, until, as_of: until, inputs: Vec::new(), figures: Vec::new() };
        ManagementReview {
            id: reference.to_owned(),
            reference: reference.to_owned(),
            held_on: until,
            from: until,
            until,
            present: "The board".to_owned(),
            conclusion: "Suitable".to_owned(),
            decisions,
            pack,
            by: 1,
            at_ms: 0,
        }
    }

    fn some() -> ToRecord {
        ToRecord {
            held_on: day("2026-11-20"),
            from: day("2025-11-21"),
            until: day("2026-11-19"),
            present: "The board".into(),
            conclusion: "Suitable, adequate and effective".into(),
        }
    }

    #[test]
    fn a_review_is_recorded_once_it_was_held_and_says_who_was_there() {
        let today = day("2026-11-21");
        assert_eq!(some().checked(today), Ok(some()));
        for (wrong, field) in [
            (ToRecord { held_on: day("2026-11-22"), ..some() }, "held_on"),
            (ToRecord { until: day("2026-11-22"), ..some() }, "from"),
            (ToRecord { from: day("2026-11-20"), ..some() }, "from"),
            (ToRecord { present: " ".into(), ..some() }, "present"),
            (ToRecord { conclusion: String::new(), ..some() }, "conclusion"),
            (ToRecord { conclusion: "a\0b".into(), ..some() }, "conclusion"),
        ] {
            let refused = wrong.checked(today).unwrap_err();
            assert_eq!((refused.guard, refused.missing[0].as_str()), (Guard::Fields, field));
        }
    }

    #[test]
    fn the_next_review_goes_on_where_the_last_one_ended() {
        let today = day("2026-11-21");
        assert_eq!(next_period([], today), (day("2025-11-21"), today));
        let held = |until: &str| held("MRV-0001", until, Vec::new());
        let (old, new) = (held("2025-06-01"), held("2026-06-01"));
        assert_eq!(next_period([&new, &old], today), (day("2026-06-02"), today));
        assert_eq!(next_period([&held("2026-11-21")], today), (today, today), "never beyond today");
    }

    #[test]
    fn a_review_keeps_so_many_decisions_and_no_empty_one() {
        let decision = || ToDecide { says: " More time for triage ".into(), ..ToDecide::default() };
        let review = held("MRV-0001", "2026-11-20", Vec::new());
        assert_eq!(checked(&review, decision()).unwrap().says, "More time for triage");
        assert!(checked(&review, ToDecide::default()).is_err());
        let full = ManagementReview { decisions: vec![Decided::default(); DECISIONS], ..review };
        assert_eq!(checked(&full, decision()).unwrap_err().guard, Guard::State);
    }
}
