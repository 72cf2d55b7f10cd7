//! [`OwnRules`] over SQLite: rows are added and never touched again.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Map;
use umbrascope_api::Channel;

use super::people::{act, by_name};
use super::products::day;
use super::{SqliteStore, governed, prepare};
use crate::model::{Deed, KnownValue, OwnText, OwnVersion, Page, PageRequest};
use crate::store::StoreError;
use crate::store::own::OwnRules;

const VERSION: &str = "SELECT number, note, published_by, published_at_ms";

impl OwnRules for SqliteStore {
    fn own_newest(&self) -> Result<Option<OwnText>, StoreError> {
        self.readers.with("read the own rules", |connection| {
            let sql = format!("{VERSION}, body, items FROM own_rules ORDER BY number DESC LIMIT 1");
            prepare(connection, &sql)?.query_row([], text).optional()
        })
    }

    fn own_version(&self, number: u32) -> Result<Option<OwnText>, StoreError> {
        self.readers.with("read a version of the own rules", |connection| {
            let sql = format!("{VERSION}, body, items FROM own_rules WHERE number = $1");
            prepare(connection, &sql)?.query_row(params![number], text).optional()
        })
    }

    fn own_versions(&self, page: PageRequest) -> Result<Page<OwnVersion>, StoreError> {
        self.readers.with("list the versions of the own rules", |connection| {
            let sql = format!("{VERSION} FROM own_rules ORDER BY number DESC LIMIT $1 OFFSET $2");
            let (limit, offset) =
                (page.limit.min(PageRequest::MAX_LIMIT), i64::try_from(page.offset).unwrap_or(i64::MAX));
            let rows = prepare(connection, &sql)?
                .query_map(params![limit, offset], version)?
                .collect::<Result<_, _>>()?;
            let total =
                prepare(connection, "SELECT count(*) FROM own_rules")?.query_row([], |row| row.get(0))?;
            Ok(Page { rows, total })
        })
    }

    fn add_own_version(&self, new: OwnText) -> Result<bool, StoreError> {
        self.writer.run("add a version of the own rules", move |connection, _| add(connection, &new))
    }

    fn known_values(&self, limit: u32) -> Result<Vec<KnownValue>, StoreError> {
        self.readers.with("list the values that matched", |connection| {
            prepare(
                connection,
                "SELECT r.word, c.word, e.value, s.assets, s.last_day
                 FROM evidence_summary s JOIN rule r ON r.id = s.rule JOIN channel c ON c.id = s.channel
                    JOIN evidence e ON e.id = s.evidence
                 ORDER BY s.assets DESC LIMIT $1",
            )?
            .query_map(params![limit], |row| {
                Ok(KnownValue {
                    rule: row.get(0)?,
                    channel: Channel::from(row.get::<_, String>(1)?.as_str()),
                    value: row.get(2)?,
                    assets: row.get(3)?,
                    last_day: day(row.get(4)?),
                })
            })?
            .collect()
        })
    }
}

fn add(connection: &Connection, new: &OwnText) -> rusqlite::Result<bool> {
    let newest: u32 = prepare(connection, "SELECT coalesce(max(number), 0) FROM own_rules")?
        .query_row([], |row| row.get(0))?;
    if new.version.number <= newest {
        return Ok(false);
    }
    let OwnVersion { number, note, published_by, published_at_ms } = &new.version;
    prepare(
        connection,
        "INSERT INTO own_rules (number, body, note, published_by, published_at_ms, items)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )?
    .execute(params![
        number,
        new.text,
        note,
        published_by,
        published_at_ms,
        serde_json::to_string(&new.items).unwrap_or_default()
    ])?;
    let by = by_name(connection, published_by, note, *published_at_ms)?;
    let act = act(connection, &by, Deed::Triage)?;
    governed::note(connection, "own-rules", &number.to_string(), &act, "own-rules.publish", &Map::new())?;
    Ok(true)
}

fn version(row: &Row<'_>) -> rusqlite::Result<OwnVersion> {
    Ok(OwnVersion {
        number: row.get(0)?,
        note: row.get(1)?,
        published_by: row.get(2)?,
        published_at_ms: row.get(3)?,
    })
}

fn text(row: &Row<'_>) -> rusqlite::Result<OwnText> {
    let items: String = row.get(5)?;
    Ok(OwnText {
        version: version(row)?,
        text: row.get(4)?,
        // Our own writing. Were it damaged, the page would know less; the rules stand in the text.
        items: serde_json::from_str(&items).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::Catalogue;

    use super::*;
    use crate::store::sqlite::Options;

    fn new(number: u32, text: &str) -> OwnText {
        OwnText {
            version: OwnVersion {
                number,
                note: "why".to_owned(),
                published_by: "ada".to_owned(),
                published_at_ms: 7,
            },
            text: text.to_owned(),
            items: vec![crate::model::OwnItem { id: "own.x.y".into(), digest: "d".into(), since: number }],
        }
    }

    #[test]
    fn versions_are_added_in_order_and_stay_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.db");
        let store = SqliteStore::open(&path, Options::new(Catalogue::embedded()), 1).unwrap();
        assert_eq!(store.own_newest().unwrap(), None);
        assert!(store.add_own_version(new(1, "a")).unwrap());
        assert!(!store.add_own_version(new(1, "b")).unwrap());
        assert!(store.add_own_version(new(2, "b")).unwrap());
        assert_eq!(store.own_version(1).unwrap(), Some(new(1, "a")));
        assert_eq!(store.own_newest().unwrap(), Some(new(2, "b")));
        let page = store.own_versions(PageRequest { offset: 0, limit: 1 }).unwrap();
        assert_eq!((page.total, page.rows), (2, vec![new(2, "b").version]));
        assert_eq!(store.known_values(10).unwrap(), []);
    }
}
