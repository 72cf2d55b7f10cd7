//! A move in words: what a form or a program says, and the move that it means.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::{Guard, Move, Refused};
use crate::model::record::{DismissReason, Enforcement, LIST_ENTRIES, Limit, VersionLimit, Wish};

/// Moves that are made by their word, each with what people read.
pub const STEPS: [(&str, &str); 25] = [
    ("triage", "Mark as looked at"),
    ("review", "Start the review"),
    ("request-sanction", "Ask to sanction it"),
    ("request-tolerance", "Ask to tolerate it for a time"),
    ("request-scope-in", "Ask to put it in scope"),
    ("request-scope-out", "Ask to leave it out of scope"),
    ("request-retire", "Ask to retire it"),
    ("request-merge", "Ask to merge it into another record"),
    ("request-split", "Ask to split it"),
    ("withdraw", "Take the request back"),
    ("approve", "Approve"),
    ("decline", "Decline"),
    ("prohibit", "Prohibit its use"),
    ("dismiss", "Dismiss: nothing to decide"),
    ("reopen", "Reopen"),
    ("revoke", "Revoke the decision"),
    ("scope-in", "Put it in scope"),
    ("scope-open", "Open the question of scope again"),
    ("suspend", "Suspend it"),
    ("resume", "Resume it"),
    ("enforce", "Say what enforces the decision"),
    ("accept-residual", "Accept what remains of the risk"),
    ("confirm", "Confirm it as it is"),
    ("products", "Change its products"),
    ("comment", "Add a comment"),
];

/// What people read for a move.
pub fn label(word: &str) -> Option<&'static str> {
    STEPS.iter().find(|(known, _)| *known == word).map(|(_, label)| *label)
}

/// What a move has to be told, each part empty where it is not needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Under which conditions.
    pub conditions: String,
    /// The last day of what is tolerated or accepted.
    pub expires_on: String,
    /// Numbers of the units in which alone it may be used.
    pub units: Vec<String>,
    /// Versions in which alone it may be used: `PRODUCT >=1.2 <2.0`, one a line.
    pub versions: Vec<String>,
    /// Why it is in or out of scope.
    pub justification: String,
    /// Day of its end.
    pub retired_on: String,
    /// What shows that nothing of it is left.
    pub disposal_evidence: String,
    /// Id of the record that it goes into.
    pub into: String,
    /// Ids of products.
    pub products: Vec<String>,
    /// Name of the new record.
    pub name: String,
    /// Why it is dismissed.
    pub why: String,
    /// Id of the record that it doubles.
    pub duplicate_of: String,
    /// How far a decision is enforced.
    pub level: String,
    /// What shows that.
    pub evidence: String,
    /// What remains of the risk, what is said besides, or a comment.
    pub note: String,
    /// Hash of the version that was shown, in hexadecimal.
    pub seen: String,
}

impl Told {
    /// From the fields of a form. Those that are none of a move are left aside.
    pub fn of_form<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut told = Self::default();
        for (name, value) in fields {
            let value = value.trim().replace("\r\n", "\n");
            match name {
                "conditions" => told.conditions = value,
                "expires_on" => told.expires_on = value,
                "justification" => told.justification = value,
                "retired_on" => told.retired_on = value,
                "disposal_evidence" => told.disposal_evidence = value,
                "into" => told.into = value,
                "units" if !value.is_empty() => told.units.push(value),
                "versions" => told.versions.extend(value.lines().map(str::to_owned)),
                "products" if !value.is_empty() => told.products.push(value),
                "name" => told.name = value,
                "why" => told.why = value,
                "duplicate_of" => told.duplicate_of = value,
                "level" => told.level = value,
                "evidence" => told.evidence = value,
                "note" => told.note = value,
                "seen" => told.seen = value,
                _ => {}
            }
        }
        told
    }

    /// The move that a word means, told this; `None`: no such word.
    pub fn step(&self, word: &str) -> Option<Result<Move, Refused>> {
        Some(Ok(match word {
            "triage" => Move::Triage,
            "review" => Move::StartReview,
            "request-sanction" => match self.limit() {
                Ok(limit) => Move::Request(Wish::Sanction { conditions: said(&self.conditions), limit }),
                Err(refused) => return Some(Err(refused)),
            },
            "request-tolerance" => match (day("expires_on", &self.expires_on), self.limit()) {
                (Ok(expires_on), Ok(limit)) => {
                    let conditions = self.conditions.clone();
                    Move::Request(Wish::Tolerate { conditions, expires_on, limit })
                }
                (Err(refused), _) | (_, Err(refused)) => return Some(Err(refused)),
            },
            "request-scope-in" => Move::Request(Wish::ScopeIn { justification: said(&self.justification) }),
            "request-scope-out" => {
                Move::Request(Wish::ScopeOut { justification: self.justification.clone() })
            }
            "request-retire" => match day("retired_on", &self.retired_on) {
                Ok(retired_on) => Move::Request(Wish::Retire {
                    retired_on,
                    disposal_evidence: self.disposal_evidence.clone(),
                }),
                Err(refused) => return Some(Err(refused)),
            },
            "request-merge" => Move::Request(Wish::Merge { into: self.into.clone() }),
            "request-split" => {
                Move::Request(Wish::Split { products: self.products(), name: self.name.clone() })
            }
            "withdraw" => Move::Withdraw,
            "approve" => Move::Approve,
            "decline" => Move::Decline,
            "prohibit" => Move::Prohibit,
            "dismiss" => match DismissReason::parse(&self.why) {
                Some(why) => Move::Dismiss { why, duplicate_of: said(&self.duplicate_of) },
                None => return Some(Err(unset("why", "choose why there is nothing to decide"))),
            },
            "reopen" => Move::Reopen,
            "revoke" => Move::Revoke,
            "scope-in" => Move::ScopeIn { justification: said(&self.justification) },
            "scope-open" => Move::ScopeOpen,
            "suspend" => Move::Suspend,
            "resume" => Move::Resume,
            "enforce" => match Enforcement::parse(&self.level) {
                Some(level) => Move::Enforce { level, evidence: said(&self.evidence) },
                None => return Some(Err(unset("level", "choose how far it is enforced"))),
            },
            "accept-residual" => match day("expires_on", &self.expires_on) {
                Ok(expires) => Move::AcceptResidual { note: self.note.clone(), expires },
                Err(refused) => return Some(Err(refused)),
            },
            "confirm" => Move::Confirm { campaign: None, seen: self.seen.clone(), comment: said(&self.note) },
            "products" => Move::Products(self.products()),
            "comment" => Move::Comment(self.note.clone()),
            _ => return None,
        }))
    }

    fn products(&self) -> BTreeSet<String> {
        self.products.iter().cloned().collect()
    }

    fn limit(&self) -> Result<Limit, Refused> {
        let numbers = self.units.iter().map(|text| text.trim().parse());
        let units =
            numbers.collect::<Result<_, _>>().map_err(|_| unset("units", "name units by their numbers"))?;
        let lines = self.versions.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
        let versions = lines
            .take(LIST_ENTRIES)
            .map(VersionLimit::parse)
            .collect::<Result<_, _>>()
            .map_err(|refused| unset("versions", &refused.to_string()))?;
        Ok(Limit { units, versions })
    }

    /// Whether each part is of a length that a record may hold.
    pub fn fits(&self) -> Result<(), Refused> {
        let texts = [
            ("conditions", &self.conditions),
            ("justification", &self.justification),
            ("disposal_evidence", &self.disposal_evidence),
            ("name", &self.name),
            ("evidence", &self.evidence),
            ("note", &self.note),
            ("seen", &self.seen),
        ];
        let longest = |name| if name == "name" { crate::model::record::LINE_CHARS } else { TEXT_CHARS };
        let found = texts
            .into_iter()
            .find(|(name, text)| text.chars().count() > longest(*name) || text.contains('\0'));
        match found {
            Some((name, _)) => Err(unset(
                name,
                &format!(
                    "what was typed is longer than {} characters, or holds a NUL character",
                    longest(name)
                ),
            )),
            None => Ok(()),
        }
    }
}

/// Longest text of a move, in characters.
pub const TEXT_CHARS: usize = 2_000;

fn said(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn day(name: &str, text: &str) -> Result<Day, Refused> {
    text.trim().parse().map_err(|_| unset(name, "choose a day, written as 2026-12-31"))
}

fn unset(name: &str, says: &str) -> Refused {
    Refused { guard: Guard::Fields, missing: vec![name.to_owned()], says: says.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_listed_means_a_move() {
        let told = Told {
            expires_on: "2026-12-31".into(),
            retired_on: "2026-12-31".into(),
            why: "test".into(),
            level: "full".into(),
            ..Told::default()
        };
        for (word, label) in STEPS {
            assert!(matches!(told.step(word), Some(Ok(_))), "{word}");
            assert_eq!(super::label(word), Some(label));
        }
        assert!(told.step("edit").is_none() && told.step("").is_none());
    }

    #[test]
    fn a_part_that_is_missing_is_named() {
        for (word, part) in [
            ("request-tolerance", "expires_on"),
            ("request-retire", "retired_on"),
            ("dismiss", "why"),
            ("enforce", "level"),
            ("accept-residual", "expires_on"),
        ] {
            let refused = Told::default().step(word).unwrap().unwrap_err();
            assert_eq!((refused.guard, refused.missing), (Guard::Fields, vec![part.to_owned()]), "{word}");
        }
    }

    #[test]
    fn units_that_a_decision_is_limited_to_are_numbers() {
        let told = Told::of_form([("units", "7"), ("units", ""), ("units", " 3 "), ("units", "7")]);
        let Some(Ok(Move::Request(Wish::Sanction { limit, .. }))) = told.step("request-sanction") else {
            panic!("no request")
        };
        assert_eq!(limit.units, BTreeSet::from([3, 7]));
        let told = Told::of_form([("units", "Sales"), ("expires_on", "2026-12-31")]);
        for word in ["request-sanction", "request-tolerance"] {
            assert_eq!(told.step(word).unwrap().unwrap_err().missing, ["units"], "{word}");
        }
    }

    #[test]
    fn versions_that_a_decision_is_limited_to_stand_one_a_line() {
        let told = Told::of_form([("versions", ">=1.2 <2\r\n\r\nacme.chat >=3")]);
        let Some(Ok(Move::Request(Wish::Sanction { limit, .. }))) = told.step("request-sanction") else {
            panic!("no request")
        };
        let read: Vec<String> = limit.versions.iter().map(ToString::to_string).collect();
        assert_eq!(read, [" >=1.2 <2", "acme.chat >=3"]);
        let refused = Told::of_form([("versions", "newest")]).step("request-sanction").unwrap().unwrap_err();
        assert_eq!((refused.guard, &refused.missing[..]), (Guard::Fields, &["versions".to_owned()][..]));
        assert!(refused.says.contains("PRODUCT >=1.2 <2.0"), "{}", refused.says);
    }

    #[test]
    fn a_form_is_read_whole_and_bounded() {
        let told = Told::of_form([
            ("products", "a.b"),
            ("products", ""),
            ("products", "c.d"),
            ("csrf", "x"),
            ("note", " n "),
        ]);
        assert_eq!((told.products.len(), told.note.as_str()), (2, "n"));
        assert!(told.fits().is_ok());
        for (name, text) in
            [("note", "x".repeat(2_001)), ("name", "x".repeat(301)), ("evidence", "a\0b".into())]
        {
            assert_eq!(Told::of_form([(name, text.as_str())]).fits().unwrap_err().missing, [name]);
        }
    }
}
