//! Dates of laws and rules, as versioned data with their source, the day on which they were looked up, and how far they were checked. They are
//! shown and cited; nothing is concluded from them. After governance reference (i).

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

/// The list that is part of the program.
const BUILT_IN: &str = include_str!("../data/legal-dates.toml");

/// Most entries of a list.
const MOST_DATES: usize = 500;
/// Most characters of a text.
const TEXT_CHARS: usize = 500;
/// Most characters of a version or an id.
const WORD_CHARS: usize = 60;

/// A list of dates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// Its version, which scope statements cite.
    pub version: String,
    /// The dates, as the file has them.
    #[serde(rename = "date")]
    pub dates: Vec<LegalDate>,
}

/// From when something applies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalDate {
    /// Ours, and stable.
    pub id: String,
    /// Of which law or body of rules.
    pub regime: String,
    /// Which part of it.
    pub provision: String,
    /// What it is about.
    pub subject: String,
    /// First day; `None`: none is known.
    pub applies_from: Option<Day>,
    /// How far the text is.
    pub status: Status,
    /// Where that is known from.
    pub source: String,
    /// The day that the source is of.
    pub source_date: Option<Day>,
    /// The day on which it was looked up.
    pub as_of: Day,
    /// How far it was checked.
    pub checked: Checked,
    /// Whether it is from the organisation's own file.
    #[serde(skip)]
    pub own: bool,
}

/// How far a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is in force; what of it applies from when is another matter.
    InForce,
    /// It is adopted, and its publication was not seen.
    AdoptedUnpublished,
    /// It is proposed.
    Proposed,
    /// It was repealed.
    Repealed,
    /// Something took its place.
    Superseded,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::AdoptedUnpublished => "adopted_unpublished",
            Self::Proposed => "proposed",
            Self::Repealed => "repealed",
            Self::Superseded => "superseded",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::AdoptedUnpublished => "adopted, publication not seen",
            Self::Proposed => "proposed",
            Self::Repealed => "repealed",
            Self::Superseded => "superseded",
        }
    }
}

/// How far a date was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// It was read where it is published.
    Primary,
    /// Part of it was.
    Partly,
    /// Others report it.
    Secondary,
    /// Others disagree, or nobody looked.
    Unchecked,
}

impl Checked {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Partly => "partly",
            Self::Secondary => "secondary",
            Self::Unchecked => "unchecked",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Primary => "read at its source",
            Self::Partly => "read in part",
            Self::Secondary => "reported by others",
            Self::Unchecked => "not checked",
        }
    }
}

/// Why a file is no list of dates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatesError {
    /// Not TOML, or not with the fields of a list.
    #[error("it has not the form of a list of dates: {0}")]
    Form(#[from] toml::de::Error),
    /// A text is empty, too long, or holds what shows nothing.
    #[error("{id}: `{field}` is empty, longer than it may be, or holds characters that do not show")]
    Text {
        /// Id of the entry, or `the file`.
        id: String,
        /// Name of the field.
        field: &'static str,
    },
    /// Two entries of one id.
    #[error("{0}: there are two entries of this id")]
    Twice(String),
    /// The source is of a day after that on which it was looked up.
    #[error("{0}: `source_date` is after `as_of`")]
    Order(String),
    /// Too many.
    #[error("it has more than {MOST_DATES} entries")]
    TooMany,
}

impl Dates {
    /// The list that is part of the program.
    pub fn built_in() -> Arc<Self> {
        static DATES: OnceLock<Arc<Dates>> = OnceLock::new();
        // The tests read it too: what is built in can be read.
        let none = || Self { version: "none".to_owned(), dates: Vec::new() };
        Arc::clone(DATES.get_or_init(|| Arc::new(Self::parse(BUILT_IN).unwrap_or_else(|_| none()))))
    }

    /// Reads a list from its file, and refuses what nobody could read or cite.
    pub fn parse(text: &str) -> Result<Self, DatesError> {
        let list: Self = toml::from_str(text)?;
        if list.dates.len() > MOST_DATES {
            return Err(DatesError::TooMany);
        }
        check("the file", &[("version", &list.version, WORD_CHARS)])?;
        let mut ids = BTreeSet::new();
        for date in &list.dates {
            check(
                &date.id,
                &[
                    ("id", &date.id, WORD_CHARS),
                    ("regime", &date.regime, TEXT_CHARS),
                    ("provision", &date.provision, TEXT_CHARS),
                    ("subject", &date.subject, TEXT_CHARS),
                    ("source", &date.source, TEXT_CHARS),
                ],
            )?;
            if !ids.insert(&date.id) {
                return Err(DatesError::Twice(date.id.clone()));
            }
            if date.source_date.is_some_and(|day| day > date.as_of) {
                return Err(DatesError::Order(date.id.clone()));
            }
        }
        Ok(list)
    }

    /// The list with the organisation's own laid over it: an entry of the same id takes the place of ours, others are added.
    pub fn with(&self, own: Self) -> Self {
        let version = format!("{} with {}", self.version, own.version);
        let mut dates = self.dates.clone();
        for date in own.dates {
            let date = LegalDate { own: true, ..date };
            match dates.iter_mut().find(|other| other.id == date.id) {
                Some(other) => *other = date,
                None => dates.push(date),
            }
        }
        // Entries of one regime stand together, in the order in which the regimes came up.
        let mut regimes: Vec<String> = Vec::new();
        for date in &dates {
            if !regimes.contains(&date.regime) {
                regimes.push(date.regime.clone());
            }
        }
        dates.sort_by_key(|date| regimes.iter().position(|regime| *regime == date.regime));
        Self { version, dates }
    }
}

fn check(id: &str, texts: &[(&'static str, &str, usize)]) -> Result<(), DatesError> {
    let bad = |text: &str, most: usize| {
        text.trim().is_empty()
            || text.chars().count() > most
            || text.chars().any(crate::model::text::shows_nothing)
    };
    match texts.iter().find(|(_, text, most)| bad(text, *most)) {
        Some((field, ..)) => Err(DatesError::Text { id: id.to_owned(), field }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"
version = "ours-1"
[[date]]
id = "eu-ai-act-annex-3"
regime = "EU AI Act"
provision = "Annex III"
subject = "High-risk systems"
applies_from = "2027-12-03"
status = "in_force"
source = "Official Journal, as our counsel read it"
source_date = "2026-12-01"
as_of = "2026-12-02"
checked = "primary"
"#;

    #[test]
    fn the_built_in_list_is_read_and_says_how_far_each_date_was_checked() {
        let dates = Dates::parse(BUILT_IN).unwrap();
        assert_eq!(*Dates::built_in(), dates);
        let of = |id: &str| dates.dates.iter().find(|date| date.id == id).unwrap();
        let annex = of("eu-ai-act-annex-3");
        assert_eq!(annex.applies_from.unwrap().to_string(), "2027-12-02");
        assert_eq!((annex.status, annex.checked), (Status::AdoptedUnpublished, Checked::Secondary));
        assert_eq!(of("eu-ai-act-art-50-transition").checked, Checked::Unchecked);
        assert_eq!(of("eu-ai-act-art-4-changed").applies_from, None);
        assert!(dates.dates.iter().all(|date| date.as_of.to_string() == "2026-11-21" && !date.own));
    }

    #[test]
    fn an_own_entry_takes_the_place_of_ours_or_is_added_beside_its_regime() {
        let more = ONE.replace("eu-ai-act-annex-3", "ours").replace("Annex III", "Art. 99");
        let both = format!("{ONE}{}", more.split_once("ours-1\"").unwrap().1);
        let dates = Dates::built_in().with(Dates::parse(&both).unwrap());
        assert_eq!(dates.version, "umbrascope-2026-11-21 with ours-1");
        assert_eq!(dates.dates.len(), Dates::built_in().dates.len() + 1);
        let place = |id: &str| dates.dates.iter().position(|date| date.id == id).unwrap();
        assert!(dates.dates[place("eu-ai-act-annex-3")].own);
        assert_eq!(dates.dates[place("eu-ai-act-annex-3")].checked, Checked::Primary);
        assert!(place("ours") < place("us-co-sb-26-189"), "it stands with its regime");
    }

    #[test]
    fn what_nobody_could_cite_is_refused_and_told_where() {
        let twice = format!("{ONE}{}", ONE.split_once("ours-1\"").unwrap().1);
        let cases = [
            (ONE.replace("ours-1", " "), "the file: `version`"),
            (ONE.replace("Official Journal, as our counsel read it", ""), "eu-ai-act-annex-3: `source`"),
            (ONE.replace("High-risk", "High\u{202e}risk"), "`subject`"),
            (ONE.replace("in_force", "soon"), "soon"),
            (ONE.replace("2027-12-03", "next year"), "form"),
            (ONE.replace("as_of = \"2026-12-02\"\n", ""), "as_of"),
            (ONE.replace("as_of = \"2026-12-02\"", "as_of = \"2026-11-30\""), "source_date"),
            (ONE.replace("checked =", "sure = 1\nchecked ="), "sure"),
            (twice, "two entries"),
        ];
        for (text, says) in cases {
            let error = Dates::parse(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}: {says}");
        }
    }
}
