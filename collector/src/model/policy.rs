//! The AI policy that decisions cite, and the limits that the organisation sets for them.

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::Governed;
use super::record::{Input, LINE_CHARS};

/// A version of the organisation's AI policy, which is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its version, as the organisation writes it: `2026-1`. Unique.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Where it is kept.
    pub link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: Option<String>,
    /// Who approved it, in words.
    pub approved_by: String,
    /// First day of its force.
    pub from: Day,
    /// Last day of it; `None`: until another one is in force.
    pub until: Option<Day>,
}

impl Policy {
    /// The policy as it may be kept, or what is wrong with it.
    pub fn checked(self) -> Result<Self, String> {
        let line = |text: &str, longest: usize| {
            !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
        };
        let keeps = |input: Input, text: &Option<String>| match text {
            Some(text) => input.checked(&text.as_str().into()).map(|kept| kept.as_str().map(str::to_owned)),
            None => Ok(None),
        };
        if !line(&self.version, VERSION_CHARS) {
            return Err(format!("the version has 1 to {VERSION_CHARS} characters in one line"));
        }
        if !line(&self.title, LINE_CHARS) || !line(&self.approved_by, LINE_CHARS) {
            return Err(format!("title, and who approved it, have 1 to {LINE_CHARS} characters in one line"));
        }
        if self.until.is_some_and(|last| last < self.from) {
            return Err("its last day is before its first one".to_owned());
        }
        let link = keeps(Input::Link, &self.link).map_err(|problem| format!("the link {problem}"))?;
        let sha256 = keeps(Input::Sha256, &self.sha256).map_err(|problem| format!("the hash {problem}"))?;
        Ok(Self { link, sha256, ..self })
    }

    /// Whether it is in force on a day.
    pub fn is_in_force(&self, today: Day) -> bool {
        self.from <= today && self.until.is_none_or(|last| last >= today)
    }
}

impl Governed for Policy {
    const KIND: &'static str = "policy";

    fn id(&self) -> String {
        self.version.clone()
    }
}

/// The policy that is in force on a day: the one whose force began last.
pub fn in_force<'p>(policies: impl IntoIterator<Item = &'p Policy>, today: Day) -> Option<&'p Policy> {
    policies.into_iter().filter(|policy| policy.is_in_force(today)).max_by_key(|policy| policy.from)
}

/// Limits that decisions keep to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Most days that a use may be tolerated.
    pub tolerance_days: u32,
    /// Days after which a decision, and a confirmation, has to be looked at again.
    pub review_days: u32,
    /// Most records in one bulk change.
    pub bulk_records: u32,
}

/// Longest version of a policy, in characters.
const VERSION_CHARS: usize = 40;
/// Most days of a limit: ten years.
const MOST_DAYS: u32 = 3_650;
/// Most records in one bulk change, whatever is set: a form of them is read whole.
pub const MOST_RECORDS: u32 = 400;

impl Limits {
    /// The limits as they may be set, or what is wrong with them.
    pub fn checked(self) -> Result<Self, String> {
        if ![self.tolerance_days, self.review_days].iter().all(|days| (1..=MOST_DAYS).contains(days)) {
            return Err(format!("days are 1 to {MOST_DAYS}"));
        }
        if !(1..=MOST_RECORDS).contains(&self.bulk_records) {
            return Err(format!("a bulk change reaches 1 to {MOST_RECORDS} records"));
        }
        Ok(self)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { tolerance_days: 180, review_days: 365, bulk_records: 100 }
    }
}

impl Governed for Limits {
    const KIND: &'static str = "setting";

    fn id(&self) -> String {
        "limits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Policy {
        let from = "2026-01-01".parse().unwrap();
        let (version, title, approved_by) = ("1".to_owned(), "Use of AI".to_owned(), "The board".to_owned());
        Policy { version, title, link: None, sha256: None, approved_by, from, until: None }
    }

    #[test]
    fn a_policy_is_kept_that_people_can_tell_and_a_browser_cannot_be_fooled_by() {
        assert_eq!(some().checked(), Ok(some()));
        let wrong = [
            Policy { version: " ".into(), ..some() },
            Policy { version: "x".repeat(41), ..some() },
            Policy { title: "a\nb".into(), ..some() },
            Policy { approved_by: String::new(), ..some() },
            Policy { until: Some("2025-12-31".parse().unwrap()), ..some() },
            Policy { link: Some("javascript:alert(1)".into()), ..some() },
            Policy { sha256: Some("abc".into()), ..some() },
        ];
        for policy in wrong {
            assert!(policy.clone().checked().is_err(), "{policy:?}");
        }
    }

    #[test]
    fn limits_have_limits() {
        assert!(Limits::default().checked().is_ok());
        for limits in [
            Limits { tolerance_days: 0, ..Limits::default() },
            Limits { review_days: 3_651, ..Limits::default() },
            Limits { bulk_records: 401, ..Limits::default() },
        ] {
            assert!(limits.clone().checked().is_err(), "{limits:?}");
        }
    }
}
