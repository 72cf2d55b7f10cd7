//! Documents: attached, and superseded by others. None goes.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::governed::{self, Projected};
use super::products::Conditions;
use super::{prepare, sight, systems, tasks};
use crate::findings::attach;
use crate::model::document::{Document, DocumentFilter, DocumentRow};
use crate::model::governed::{Act, Governed, Held};
use crate::model::{Page, PageRequest};
use crate::review::{Guard, Refused, Who};

impl Projected for Document {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _act: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM document WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        prepare(
            connection,
            "INSERT INTO document (id, reference, link_kind, link, superseded, added_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET superseded = excluded.superseded",
        )?
        .execute(params![
            id,
            new.reference,
            new.link.kind.as_str(),
            new.link.id,
            new.superseded_by.is_some(),
            new.added_at_ms
        ])?;
        Ok(())
    }
}

pub(super) fn add(
    connection: &Connection,
    document: Document,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Document>, Refused>> {
    match judge(connection, document, who, act)? {
        Ok((document, before, act)) => {
            let held = governed::create(connection, &document, &act, "document.attach")?;
            if let Some(before) = before {
                let next = Document { superseded_by: Some(document.id), ..before.body.clone() };
                governed::replace(connection, &before, &next, &act, "document.supersede")?;
            }
            Ok(Ok(held))
        }
        Err(refused) => {
            governed::refuse(connection, Document::KIND, "new", act, "document.attach", &refused)?;
            Ok(Err(refused))
        }
    }
}

type Judged = Result<(Document, Option<Held<Document>>, Act), Refused>;

fn judge(connection: &Connection, document: Document, who: &Who, act: &Act) -> rusqlite::Result<Judged> {
    let before = match &document.supersedes {
        None => None,
        Some(reference) => match load(connection, reference)? {
            None => return Ok(Err(Refused::new(Guard::Target, "there is no such document to supersede"))),
            Some(held) if held.body.superseded_by.is_some() => {
                return Ok(Err(Refused::new(Guard::State, "that document is superseded already")));
            }
            Some(held) => Some(held),
        },
    };
    // What takes another one's place hangs where that one does.
    let link = before.as_ref().map_or(&document.link, |held| &held.body.link);
    let hook = match tasks::hook(connection, link)? {
        Ok(hook) => hook,
        Err(refused) => return Ok(Err(refused)),
    };
    let units: Vec<i64> = hook.units.iter().copied().collect();
    let document = Document { link: hook.link, ..document };
    let (document, role) = match attach(&document, &units, who, hook.owner == Some(who.person)) {
        Ok(attached) => attached,
        Err(refused) => return Ok(Err(refused)),
    };
    let (id, reference) = systems::new_id(connection, "document", "DOC", act.now_ms)?;
    let document = Document {
        id,
        reference,
        added_by: Some(who.person),
        added_at_ms: act.now_ms,
        superseded_by: None,
        supersedes: before.as_ref().map(|held| held.body.id.clone()),
        ..document
    };
    Ok(Ok((document, before, Act { role, ..act.clone() })))
}

fn load(connection: &Connection, reference: &str) -> rusqlite::Result<Option<Held<Document>>> {
    let id: Option<String> = prepare(connection, "SELECT id FROM document WHERE reference = $1 OR id = $2")?
        .query_row(params![reference.to_uppercase(), reference], |row| row.get(0))
        .optional()?;
    match id {
        Some(id) => governed::load(connection, &id),
        None => Ok(None),
    }
}

const FROM: &str = "document d JOIN governed g ON g.kind = 'document' AND g.id = d.id";
const SELECT: &str = "SELECT g.body, g.version, g.hash, g.seq, g.at_ms, g.stamps";

pub(super) fn list(
    connection: &Connection,
    filter: &DocumentFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<DocumentRow>> {
    let mut conditions = Conditions::default();
    if !filter.superseded {
        conditions.add("d.superseded = $", 0);
    }
    if let Some(link) = &filter.link {
        conditions.add("d.link_kind = $", link.kind.as_str().to_owned());
        conditions.add("d.link = $", link.id.clone());
    }
    sight::limit_documents(&mut conditions, &filter.sight);
    let select = format!("{SELECT} FROM {FROM}");
    let rows: Vec<Held<Document>> =
        conditions.page(connection, &select, "d.added_at_ms DESC, d.reference DESC", page, held)?;
    let rows = rows.into_iter().map(|held| named(connection, held)).collect::<rusqlite::Result<_>>()?;
    Ok(Page { rows, total: conditions.count(connection, "document d")? })
}

pub(super) fn one(connection: &Connection, reference: &str) -> rusqlite::Result<Option<DocumentRow>> {
    load(connection, reference)?.map(|held| named(connection, held)).transpose()
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held<Document>> {
    governed::held(row)
}

fn named(connection: &Connection, held: Held<Document>) -> rusqlite::Result<DocumentRow> {
    let added_by = match held.body.added_by {
        None => None,
        Some(person) => prepare(connection, "SELECT display_name FROM person WHERE id = $1")?
            .query_row(params![person], |row| row.get(0))
            .optional()?,
    };
    Ok(DocumentRow { about: Some(tasks::about(connection, &held.body.link)?), added_by, held })
}
