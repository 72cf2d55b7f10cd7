//! Clauses and controls of ISO/IEC 42001:2023 that records bear on, by number and title; what they demand stands in the standard only.
//! Which fields bear on which one, the list of fields says ([`FIELDS`]).

use super::view::System;
use crate::model::record::{FIELDS, Field, shown};

/// Name of the standard.
pub(super) const STANDARD: &str = "ISO/IEC 42001";
/// Its edition.
pub(super) const EDITION: &str = "2023";

/// A clause or a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clause {
    /// Its number.
    pub(super) number: &'static str,
    /// Its title.
    pub(super) title: &'static str,
}

impl Clause {
    /// Its number as a token: `iso42001-a.4.2`.
    pub(super) fn token(&self) -> String {
        format!("iso42001-{}", self.number.to_lowercase())
    }

    /// Fields that bear on it.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().filter(|field| field.why.split(", ").any(|number| number == self.number))
    }

    /// Labels of fields of a record that bear on it: those that say something, and those that do not. `unknown` says nothing.
    pub(super) fn held(&self, system: &System) -> (Vec<&'static str>, Vec<&'static str>) {
        let told = |field: &&'static Field| says(&shown(&system.record, field));
        let (held, missing): (Vec<_>, Vec<_>) = self.fields().partition(told);
        let labels = |fields: Vec<&'static Field>| fields.into_iter().map(|field| field.label).collect();
        (labels(held), labels(missing))
    }
}

fn says(values: &[String]) -> bool {
    values.iter().any(|value| !matches!(value.as_str(), "" | "unknown" | "unassessed" | "undetermined"))
}

const fn clause(number: &'static str, title: &'static str) -> Clause {
    Clause { number, title }
}

/// Those that a record bears on, in the order of the standard.
pub(super) const CLAUSES: &[Clause] = &[
    clause("4.1", "Understanding the organization and its context"),
    clause("4.2", "Understanding the needs and expectations of interested parties"),
    clause("4.3", "Determining the scope of the AI management system"),
    clause("5.3", "Roles, responsibilities and authorities"),
    clause("6.1.2", "AI risk assessment"),
    clause("6.1.3", "AI risk treatment"),
    clause("6.1.4", "AI system impact assessment"),
    clause("8.2", "AI risk assessment"),
    clause("8.4", "AI system impact assessment"),
    clause("A.3.2", "AI roles and responsibilities"),
    clause("A.4.2", "Resource documentation"),
    clause("A.4.3", "Data resources"),
    clause("A.4.5", "System and computing resources"),
    clause("A.4.6", "Human resources"),
    clause("A.5.3", "Documentation of AI system impact assessments"),
    clause("A.5.4", "Assessing AI system impact on individuals or groups of individuals"),
    clause("A.9.2", "Processes for responsible use of AI systems"),
    clause("A.9.4", "Intended use of the AI system"),
    clause("A.10.2", "Allocating responsibilities"),
    clause("A.10.3", "Suppliers"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_has_a_field_and_a_token_that_identifies_it() {
        let mut tokens: Vec<_> = CLAUSES.iter().map(Clause::token).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), CLAUSES.len());
        for clause in CLAUSES {
            assert!(clause.fields().next().is_some(), "no field bears on {}", clause.number);
        }
    }

    #[test]
    fn unknown_says_nothing() {
        assert!(!says(&["unknown".to_owned()]) && !says(&[]) && !says(&[String::new()]));
        assert!(says(&["none".to_owned()]) && says(&["no".to_owned()]));
    }
}
