//! What the handlers of findings, tasks, documents and vendors share.

use std::collections::BTreeSet;

use serde::Deserialize;
use umbrascope_api::Day;

use crate::model::document::DocumentFilter;
use crate::model::governed::{Actor, Held, TrailFilter, TrailRow};
use crate::model::task::{About, Link, LinkKind, Purpose, TaskFilter};
use crate::model::{Deed, PageRequest, Sight};
use crate::review::Refused;
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::pages::{DocumentsView, People, TaskForm};
use crate::web::pick::{in_words, offered, one_person};
use crate::web::url::encode;
use crate::web::{WebState, blocking};

/// Documents, tasks and entries of the trail that a page lists beside what it is about.
pub(super) const BESIDE: u32 = 50;

/// A step on a finding or a task as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentStep {
    pub(super) csrf: String,
    pub(super) step: String,
    pub(super) person: String,
    pub(super) day: String,
    pub(super) reason: String,
    pub(super) evidence: String,
    pub(super) cause: String,
    pub(super) worked: String,
    pub(super) version: String,
}

/// Whether the reader sees findings and tasks of everybody, or only those assigned to them.
pub(crate) fn see_all(reader: &Reader) -> bool {
    reader.must_read(Deed::ReadInventory).is_ok()
}

/// Refuses who neither reads the inventory nor is whom this is assigned to.
pub(crate) fn may_see(reader: &Reader, assignee: Option<i64>) -> Result<(), WebError> {
    match assignee == Some(reader.user.id) {
        true => Ok(()),
        false => reader.must_read(Deed::ReadInventory),
    }
}

/// Whether the reader triages what belongs to these units.
pub(super) fn triages(reader: &Reader, units: &[i64]) -> bool {
    reader.must(Deed::Triage, units).is_ok()
}

/// Whether the reader may work on what is assigned to this person.
pub(super) fn works(reader: &Reader, assignee: Option<i64>) -> bool {
    assignee == Some(reader.user.id) && reader.user.grants.0.iter().all(|grant| grant.role.writes())
}

/// A change, or the guard that refused it; there must be such a thing.
pub(crate) fn done<T>(
    changed: Option<Result<Held<T>, Refused>>,
    what: &'static str,
) -> Result<Held<T>, WebError> {
    changed.ok_or(WebError::NotFound(what))?.map_err(WebError::Guarded)
}

/// An empty text is none.
pub(super) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A day of a form; an empty one is none.
pub(super) fn day(text: &str) -> Result<Option<Day>, WebError> {
    given(text).map(|text| text.parse().map_err(|_| WebError::unknown_choice("day", &text))).transpose()
}

/// The number of a person in an address; an empty one is nobody.
pub(super) fn number(text: &str) -> Result<Option<i64>, WebError> {
    given(text).map(|text| text.parse().map_err(|_| WebError::unknown_choice("person", &text))).transpose()
}

/// A person of a form, by name or sign-in name; an empty one is nobody.
pub(super) async fn person(state: &WebState, typed: &str) -> Result<Option<i64>, WebError> {
    let (people, typed) = (state.app.people.clone(), typed.to_owned());
    blocking(move || one_person(&*people, &typed)).await
}

/// What a form names that something hangs on; nothing where the kind is empty. A vendor has to be one that the catalogue or the records
/// know.
pub(crate) fn link(state: &WebState, kind: &str, id: &str) -> Result<Option<Link>, WebError> {
    if kind.is_empty() {
        return Ok(None);
    }
    let kind = LinkKind::parse(kind).ok_or_else(|| WebError::unknown_choice("link_kind", kind))?;
    if kind == LinkKind::Vendor {
        known_vendor(state, id)?;
    }
    Ok(Some(Link::to(kind, id)))
}

/// Refuses a vendor that neither the catalogue nor a record knows. Blocks.
pub(crate) fn known_vendor(state: &WebState, id: &str) -> Result<(), WebError> {
    if state.app.catalogue.known().catalogue().vendor(id).is_some() {
        return Ok(());
    }
    let used = state.app.governance.vendor_in_use(id, &Sight::All)?;
    if used.products.is_empty() && used.systems.is_empty() && used.assessment.is_none() {
        return Err(WebError::NotFound("vendor"));
    }
    Ok(())
}

/// Where a form leads back to: a page of ours.
pub(super) fn back(path: &str, otherwise: &str) -> String {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if ours { path.to_owned() } else { otherwise.to_owned() }
}

/// The page of what something hangs on.
pub(crate) fn page_of(link: &Link, about: &About) -> Option<String> {
    let reference = encode(about.reference.as_deref()?);
    match link.kind {
        LinkKind::System => Some(format!("/inventory/{reference}")),
        LinkKind::Finding => Some(format!("/findings/{reference}")),
        LinkKind::Vendor => Some(format!("/vendors/{reference}")),
        LinkKind::Task => Some(format!("/tasks/{reference}")),
        LinkKind::Requirement => Some(format!("/readiness/{reference}")),
        LinkKind::Campaign => None,
    }
}

/// Whom fields offer beside what belongs to these units, and the names of some people. Blocks.
pub(super) fn people(
    state: &WebState,
    units: &[i64],
    named: impl IntoIterator<Item = Option<i64>>,
) -> Result<People, StoreError> {
    let people = &*state.app.people;
    let mut known = Vec::new();
    for person in named.into_iter().flatten().collect::<BTreeSet<_>>() {
        let row = people.person(person)?;
        known.extend(row.map(|row| (person, in_words(&row), row.details.display_name)));
    }
    Ok(People { offered: offered(people, units)?, known })
}

/// The documents that hang on something, given by the id that records have of it; `shown` is what its page calls it. Blocks.
pub(crate) fn documents(
    state: &WebState,
    reader: &Reader,
    link: Link,
    shown: &str,
    back: &str,
    may_attach: bool,
) -> Result<DocumentsView, StoreError> {
    let filter =
        DocumentFilter { link: Some(link.clone()), superseded: true, sight: reader.sight(&state.app)? };
    let found = state.app.governance.documents(&filter, PageRequest { offset: 0, limit: BESIDE })?;
    Ok(DocumentsView {
        kind: link.kind,
        id: shown.to_owned(),
        back: back.to_owned(),
        rows: found.rows,
        total: found.total,
        may_attach,
    })
}

/// The tasks that hang on something, and a form for one more. Blocks.
pub(crate) fn tasks(
    state: &WebState,
    reader: &Reader,
    (link, units): (Link, &[i64]),
    shown: &str,
    back: &str,
    may_add: bool,
    purpose: Purpose,
) -> Result<TaskForm, StoreError> {
    let filter =
        TaskFilter { link: Some(link.clone()), sight: reader.sight(&state.app)?, ..TaskFilter::default() };
    let found = state.app.governance.tasks(&filter, PageRequest { offset: 0, limit: BESIDE })?;
    Ok(TaskForm {
        link: Some((link.kind, shown.to_owned())),
        back: back.to_owned(),
        rows: found.rows,
        people: people(state, units, [])?,
        may_add,
        purpose,
    })
}

/// What was done with a record, the newest first. Blocks.
pub(super) fn history(state: &WebState, kind: &str, id: &str) -> Result<Vec<TrailRow>, StoreError> {
    let filter =
        TrailFilter { kind: Some(kind.to_owned()), id: Some(id.to_owned()), ..TrailFilter::default() };
    Ok(state.app.governance.trail(&filter, PageRequest { offset: 0, limit: BESIDE })?.rows)
}

/// The people who did what a history tells.
pub(super) fn actors(history: &[TrailRow]) -> impl Iterator<Item = Option<i64>> + '_ {
    history.iter().map(|row| Actor::person_in(&row.actor))
}
