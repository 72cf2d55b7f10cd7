//! Who is meant by what was typed: a field takes a name or a sign-in name, and a page offers those who are near. The directory may be of any
//! size: no page lists all of it.

use super::error::WebError;
use crate::model::record::LINE_CHARS;
use crate::model::{PageRequest, PersonFilter, PersonRow};
use crate::review::{Guard, Refused};
use crate::store::StoreError;
use crate::store::people::People;
use crate::web::language::say;

/// Most people that a page offers.
pub(crate) const OFFERED: u32 = 200;
/// Most people that are named where several fit.
const CANDIDATES: u32 = 20;

/// A person as a page offers them, and as a field takes them back.
pub(crate) fn in_words(row: &PersonRow) -> String {
    format!("{} ({})", row.details.display_name, row.name)
}

/// Whom a page offers: everybody of a small organisation, of another the people of these units. Blocking.
pub(crate) fn offered(people: &dyn People, units: &[i64]) -> Result<Vec<String>, StoreError> {
    let page = PageRequest { offset: 0, limit: OFFERED };
    let everybody = people.people(&PersonFilter::default(), page)?;
    let near = match everybody.total <= u64::from(OFFERED) {
        true => everybody.rows,
        false => {
            let near = PersonFilter { within: Some(units.to_vec()), ..PersonFilter::default() };
            people.people(&near, page)?.rows
        }
    };
    Ok(near.iter().map(in_words).collect())
}

/// Who is meant: nobody, one person, or any of several. A sign-in name is one person's; so is what only one person's names or address
/// hold. `pick`: the number of one of those who were named before. Blocking.
pub(crate) fn person(
    people: &dyn People,
    typed: &str,
    pick: Option<&str>,
) -> Result<Result<Option<i64>, Vec<PersonRow>>, StoreError> {
    if let Some(number) = pick.and_then(|pick| pick.parse().ok()) {
        return Ok(Ok(Some(number)));
    }
    let typed: String = typed.trim().chars().take(LINE_CHARS).collect();
    if typed.is_empty() {
        return Ok(Ok(None));
    }
    let sign_in = typed.strip_suffix(')').and_then(|text| text.rsplit_once('(')).map(|(_, name)| name);
    if let Some(row) = people.person_named(&sign_in.unwrap_or(&typed).trim().to_lowercase())? {
        return Ok(Ok(Some(row.id)));
    }
    let filter = PersonFilter { search: typed, ..PersonFilter::default() };
    let found = people.people(&filter, PageRequest { offset: 0, limit: CANDIDATES })?;
    Ok(match found.rows.as_slice() {
        [only] if found.total == 1 => Ok(Some(only.id)),
        _ => Err(found.rows),
    })
}

/// Several people fit what was typed, or nobody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unclear {
    /// What was typed, as the form sent it.
    pub(crate) typed: String,
    /// Who fits, as a field takes them back; at most [`CANDIDATES`].
    pub(crate) fit: Vec<String>,
}

impl Unclear {
    /// The guard that refuses it.
    pub(crate) fn refused(&self) -> Refused {
        let typed: String = self.typed.trim().chars().take(100).collect();
        let says = match self.fit.as_slice() {
            [] => say!(
                "nobody in the directory is called “{0}”: type part of a name, or the sign-in name",
                typed
            ),
            fit => {
                say!("several people fit “{0}”: type the sign-in name of one of {1}", typed, fit.join(", "))
            }
        };
        Refused { guard: Guard::Fields, missing: vec!["person".to_owned()], says }
    }
}

/// The same for a form that has no place to choose: who else fits is asked on a page of its own, which gives back what was typed (see
/// [`super::typed`]). A bare number is a person's. Blocking.
pub(crate) fn one_person(people: &dyn People, typed: &str) -> Result<Option<i64>, WebError> {
    if let Ok(number) = typed.trim().parse::<i64>()
        && people.person(number)?.is_some()
    {
        return Ok(Some(number));
    }
    person(people, typed, None)?.map_err(|fit| {
        WebError::Unclear(Unclear { typed: typed.to_owned(), fit: fit.iter().map(in_words).collect() })
    })
}
