//! Which questions the records raise, and what people may do with them. A rule sees facts and says which findings ought to be open; what
//! becomes of one that is there already is [`settle`]'s to say, and what a person does with it [`take`]'s.
//!
//! Pure: facts and `now` come in. Facts are sets and states, so neither the order nor the repetition of observations matters.

mod document;
mod rules;
mod settle;
mod steps;
mod supplier;
mod task;

#[cfg(test)]
mod tests;

pub use document::attach;
pub use rules::{RecordFacts, UnitFacts, Wanted, of_record, of_unit};
pub use settle::{Settled, settle};
pub use steps::{Step, take};
pub use supplier::judge as judge_supplier;
pub use task::{TaskStep, add as add_task, take as take_task};

use crate::model::Role;
use crate::model::record::{LINE_CHARS, is_link};
use crate::review::{Guard, Refused, Who};

/// Longest reason and longest evidence, in characters.
const SAID_CHARS: usize = 2_000;
/// Who triages.
const TRIAGE: [Role; 2] = [Role::Analyst, Role::Reviewer];

/// The role in which a person triages what belongs to these units.
fn triages(units: &[i64], who: &Who) -> Result<Role, Refused> {
    if let Some(role) = TRIAGE.iter().find(|role| who.grants.hold(**role, units)) {
        return Ok(*role);
    }
    Err(if TRIAGE.iter().any(|role| who.grants.any(*role)) {
        Refused::new(Guard::Acl, "the role analyst or reviewer is not held for every unit of this")
    } else {
        Refused::new(Guard::Role, "this takes the role analyst or reviewer")
    })
}

/// Whether a person may work on what is assigned to them: not who only reads.
fn may_work(who: &Who) -> bool {
    who.grants.0.iter().all(|grant| grant.role.writes())
}

/// A person who can be assigned: active in the directory.
fn assignable(person: Option<i64>, active: &dyn Fn(i64) -> Option<bool>) -> Result<(), Refused> {
    match person {
        Some(person) if active(person) != Some(true) => Err(Refused::new(
            Guard::OwnerActive,
            "this is no active person of the directory: name another one",
        )),
        _ => Ok(()),
    }
}

/// A text without blanks around it; `None`: there is none.
fn said(text: &str, what: &str) -> Result<Option<String>, Refused> {
    let text = text.trim();
    if text.chars().count() > SAID_CHARS {
        return Err(Refused::new(
            Guard::Reason,
            format!("the {what} is longer than {SAID_CHARS} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(Refused::new(Guard::Reason, format!("the {what} holds a NUL character")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// One line that has to be there.
fn line(text: &str, field: &str) -> Result<String, Refused> {
    let text = text.trim();
    let says = if text.is_empty() {
        format!("{field} is empty")
    } else if text.chars().count() > LINE_CHARS {
        format!("{field} is longer than {LINE_CHARS} characters")
    } else if text.contains(char::is_control) {
        format!("{field} holds a line break or another control character")
    } else {
        return Ok(text.to_owned());
    };
    Err(field_refused(field, says))
}

/// An address or a reference.
fn location(text: &str, field: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > SAID_CHARS || !is_link(text) {
        return Err(field_refused(
            field,
            format!(
                "{field} is neither an address that begins with https:// or http:// nor a reference without blanks"
            ),
        ));
    }
    Ok(text.to_owned())
}

fn field_refused(field: &str, says: String) -> Refused {
    Refused { guard: Guard::Fields, missing: vec![field.to_owned()], says }
}
