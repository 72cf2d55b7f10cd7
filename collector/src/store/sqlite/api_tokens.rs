//! Tokens of programs.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Map;

use super::people::act;
use super::{governed, prepare};
use crate::model::{ApiTokenRow, By, Deed, NewApiToken, Scope};
use crate::session::same_bytes;
use crate::store::SecretHash;

const TOKEN: &str =
    "SELECT t.id, t.person, p.name, t.label, t.scopes, t.created_at_ms, t.expires_at_ms, t.last_used_at_ms,
    t.revoked_at_ms, t.secret_hash FROM api_token t JOIN person p ON p.id = t.person";

fn token_row(row: &Row<'_>) -> rusqlite::Result<ApiTokenRow> {
    Ok(ApiTokenRow {
        id: row.get(0)?,
        person: row.get(1)?,
        owner: row.get(2)?,
        label: row.get(3)?,
        // A scope of another version gives nothing.
        scopes: row.get::<_, String>(4)?.split(' ').filter_map(Scope::parse).collect(),
        created_at_ms: row.get(5)?,
        expires_at_ms: row.get(6)?,
        last_used_at_ms: row.get(7)?,
        revoked_at_ms: row.get(8)?,
    })
}

pub(super) fn add(
    connection: &Connection,
    new: &NewApiToken,
    secret_hash: &SecretHash,
    by: &By,
) -> rusqlite::Result<ApiTokenRow> {
    let scopes = new.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    prepare(
        connection,
        "INSERT INTO api_token (id, secret_hash, person, label, scopes, created_by, created_at_ms, expires_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )?
    .execute(params![
        new.id,
        HEXLOWER.encode(secret_hash),
        new.person,
        new.label,
        scopes,
        by.name,
        by.at_ms,
        new.expires_at_ms
    ])?;
    let details = Map::from_iter([
        ("person".to_owned(), new.person.into()),
        ("label".to_owned(), new.label.as_str().into()),
        ("scopes".to_owned(), scopes.into()),
        ("expires_at_ms".to_owned(), new.expires_at_ms.into()),
    ]);
    let act = act(connection, by, Deed::ManagePeople)?;
    governed::note(connection, "api-token", &new.id, &act, "api-token.create", &details)?;
    prepare(connection, &format!("{TOKEN} WHERE t.id = $1"))?.query_row(params![new.id], token_row)
}

/// Those of one person, or all; the newest first.
pub(super) fn list(connection: &Connection, person: Option<i64>) -> rusqlite::Result<Vec<ApiTokenRow>> {
    let order = "ORDER BY t.created_at_ms DESC, t.id LIMIT 1000";
    match person {
        Some(person) => prepare(connection, &format!("{TOKEN} WHERE t.person = $1 {order}"))?
            .query_map(params![person], token_row)?
            .collect(),
        None => prepare(connection, &format!("{TOKEN} {order}"))?.query_map([], token_row)?.collect(),
    }
}

/// `None` also when the secret is another one.
pub(super) fn find(
    connection: &Connection,
    id: &str,
    secret_hash: &SecretHash,
) -> rusqlite::Result<Option<ApiTokenRow>> {
    let found = prepare(connection, &format!("{TOKEN} WHERE t.id = $1"))?
        .query_row(params![id], |row| Ok((token_row(row)?, row.get::<_, String>(9)?)))
        .optional()?;
    let given = HEXLOWER.encode(secret_hash);
    Ok(found.filter(|(_, kept)| same_bytes(kept.as_bytes(), given.as_bytes())).map(|(token, _)| token))
}

pub(super) fn touch(connection: &Connection, id: &str, now_ms: i64) -> rusqlite::Result<()> {
    prepare(connection, "UPDATE api_token SET last_used_at_ms = $1 WHERE id = $2")?
        .execute(params![now_ms, id])?;
    Ok(())
}

/// Revokes every token of a person: who was set aside, and whose password was set anew.
pub(super) fn revoke_all(connection: &Connection, person: i64, by: &By) -> rusqlite::Result<()> {
    let ids: Vec<String> = prepare(
        connection,
        "SELECT id FROM api_token WHERE person = $1 AND revoked_at_ms IS NULL ORDER BY id",
    )?
    .query_map(params![person], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    ids.iter().try_for_each(|id| revoke(connection, id, by).map(|_| ()))
}

pub(super) fn revoke(connection: &Connection, id: &str, by: &By) -> rusqlite::Result<bool> {
    let sql = "UPDATE api_token SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL";
    let changed = prepare(connection, sql)?.execute(params![by.at_ms, id])? == 1;
    if changed {
        let act = act(connection, by, Deed::ManagePeople)?;
        governed::note(connection, "api-token", id, &act, "api-token.revoke", &Map::new())?;
    }
    Ok(changed)
}
