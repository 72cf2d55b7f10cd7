//! Tokens, sensors, certificates and units.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value, json};
use umbrascope_api::{Day, SensorId, SensorInfo};

use super::people::{act, by_name, finish_unit};
use super::products::Conditions;
use super::{governed, prepare};
use crate::model::{By, Deed, NewToken, TokenId, TokenRow, TokenState};
use crate::session::same_bytes;
use crate::store::{Enrolled, Enrolment, NewCertificate, SecretHash, TrustedKey};

/// A number that was never given out under this name before.
pub(super) fn next_number(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    prepare(
        connection,
        "INSERT INTO counter AS s (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = s.value + 1 RETURNING value",
    )?
    .query_row(params![name], |row| row.get(0))
}

/// What the search on the Assets page looks in.
pub(super) fn asset_search(info: &SensorInfo) -> String {
    format!("{} {} {}", info.hostname, info.os, info.os_version).to_lowercase()
}

fn unit(connection: &Connection, name: &str, by: &By) -> rusqlite::Result<i64> {
    let found = prepare(connection, "SELECT id FROM unit WHERE name = $1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => {
            let id = next_number(connection, "unit")?;
            prepare(connection, "INSERT INTO unit (id, name) VALUES ($1, $2)")?.execute(params![id, name])?;
            // It was made just above: nothing of it can be refused.
            Ok(finish_unit(connection, id, by, "unit.add")?.map_or(id, |unit| unit.id))
        }
    }
}

/// Notes in the audit trail what was done with a token or a sensor.
fn note(
    connection: &Connection,
    kind: &str,
    id: &str,
    by: &By,
    action: &str,
    details: Value,
) -> rusqlite::Result<()> {
    let details = if let Value::Object(details) = details { details } else { Map::new() };
    governed::note(connection, kind, id, &act(connection, by, Deed::Enrol)?, action, &details)?;
    Ok(())
}

pub(super) fn create_token(
    connection: &Connection,
    id: &TokenId,
    secret_hash: &SecretHash,
    token: &NewToken,
    now_ms: i64,
) -> rusqlite::Result<TokenRow> {
    let by = by_name(connection, &token.created_by, "", now_ms)?;
    let unit = unit(connection, &token.unit, &by)?;
    let details = json!({"unit": token.unit, "label": token.label, "max_uses": token.max_uses,
        "expires_at_ms": token.expires_at_ms});
    note(connection, "token", &id.0, &by, "token.create", details)?;
    prepare(
        connection,
        "INSERT INTO token (id, secret_hash, unit, label, created_by, created_at_ms, expires_at_ms, max_uses, uses)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
    )?
    .execute(params![
        id.0,
        HEXLOWER.encode(secret_hash),
        unit,
        token.label,
        token.created_by,
        now_ms,
        token.expires_at_ms,
        token.max_uses
    ])?;
    prepare(connection, TOKEN_BY_ID)?.query_row(params![id.0], |row| token_row(row, now_ms))
}

const TOKEN_BY_ID: &str =
    "SELECT t.id, u.name, t.label, t.created_by, t.created_at_ms, t.expires_at_ms, t.max_uses,
        t.uses, t.last_used_at_ms, t.last_host, t.revoked_at_ms
     FROM token t JOIN unit u ON u.id = t.unit WHERE t.id = $1";

const TOKENS: &str =
    "SELECT t.id, u.name, t.label, t.created_by, t.created_at_ms, t.expires_at_ms, t.max_uses,
        t.uses, t.last_used_at_ms, t.last_host, t.revoked_at_ms
     FROM token t JOIN unit u ON u.id = t.unit";

pub(super) fn tokens(
    connection: &Connection,
    within: Option<&[i64]>,
    now_ms: i64,
) -> rusqlite::Result<Vec<TokenRow>> {
    let mut conditions = Conditions::default();
    if let Some(units) = within {
        conditions.add_any("t.unit", units);
    }
    conditions.every(connection, TOKENS, "ORDER BY t.created_at_ms DESC, t.id", |row| token_row(row, now_ms))
}

fn token_row(row: &Row<'_>, now_ms: i64) -> rusqlite::Result<TokenRow> {
    let (expires_at_ms, max_uses, uses): (i64, u32, u32) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let revoked: Option<i64> = row.get(10)?;
    let state = if revoked.is_some() {
        TokenState::Revoked
    } else if uses >= max_uses {
        TokenState::Used
    } else if now_ms >= expires_at_ms {
        TokenState::Expired
    } else {
        TokenState::Active
    };
    Ok(TokenRow {
        id: TokenId(row.get(0)?),
        unit: row.get(1)?,
        label: row.get(2)?,
        created_by: row.get(3)?,
        created_at_ms: row.get(4)?,
        expires_at_ms,
        max_uses,
        uses,
        last_used_at_ms: row.get(8)?,
        last_host: row.get(9)?,
        state,
    })
}

pub(super) fn revoke_token(connection: &Connection, id: &TokenId, by: &By) -> rusqlite::Result<bool> {
    let sql = "UPDATE token SET revoked_at_ms = coalesce(revoked_at_ms, $1) WHERE id = $2";
    let known = prepare(connection, sql)?.execute(params![by.at_ms, id.0])? == 1;
    if known {
        note(connection, "token", &id.0, by, "token.revoke", Value::Null)?;
    }
    Ok(known)
}

pub(super) fn enrol(connection: &Connection, enrolment: &Enrolment) -> rusqlite::Result<Enrolled> {
    let now_ms = enrolment.certificate.issued_at_ms;
    let token = prepare(
        connection,
        "SELECT secret_hash, unit FROM token
         WHERE id = $1 AND revoked_at_ms IS NULL AND uses < max_uses AND expires_at_ms > $2",
    )?
    .query_row(params![enrolment.token.0, now_ms], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })
    .optional()?;
    let given = HEXLOWER.encode(&enrolment.secret_hash);
    let Some((_, unit)) = token.filter(|(stored, _)| same_bytes(stored.as_bytes(), given.as_bytes())) else {
        return Ok(Enrolled::TokenRefused);
    };
    let info = &enrolment.info;
    prepare(
        connection,
        "UPDATE token SET uses = uses + 1, last_used_at_ms = $1, last_host = $2 WHERE id = $3",
    )?
    .execute(params![now_ms, info.hostname, enrolment.token.0])?;
    let known: Option<i64> = prepare(connection, "SELECT id FROM asset WHERE machine = $1")?
        .query_row(params![enrolment.machine.to_string()], |row| row.get(0))
        .optional()?;
    let asset = match known {
        Some(asset) => asset,
        None => {
            let machine = enrolment.machine.to_string();
            add_asset(connection, &machine, unit, info, &asset_search(info), Day::from_unix_ms(now_ms))?
        }
    };
    // A sensor that still has its certificate: this one is a reinstall, or the machine was cloned.
    let other: Option<i64> =
        prepare(connection, "SELECT id FROM sensor WHERE asset = $1 AND revoked_at_ms IS NULL LIMIT 1")?
            .query_row(params![asset], |row| row.get(0))
            .optional()?;
    let sensor = next_number(connection, "sensor")?;
    prepare(
        connection,
        "INSERT INTO sensor (id, word, kind, asset, token, enrolled_at_ms, clone_suspected_at_ms)
         VALUES ($1, $2, 'agent', $3, $4, $5, $6)",
    )?
    .execute(params![
        sensor,
        enrolment.sensor.to_string(),
        asset,
        enrolment.token.0,
        now_ms,
        other.map(|_| now_ms)
    ])?;
    prepare(
        connection,
        "INSERT INTO sensor_seen (sensor, revoked, last_report_at_ms, clock_skew_ms, boot, boot_before,
            boot_returns, rows_refused, unknown_fields, quota_day, quota_rows, new_words, sent_at_ms, capturing,
            hellos, hellos_without_name, hellos_with_ech, encrypted_dns, kernel_drops, unattributed, sources_unread)
         VALUES ($1, 0, 0, 0, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    )?
    .execute(params![sensor])?;
    add_certificate(connection, sensor, enrolment.certificate)?;
    Ok(Enrolled::Yes { machine_known: other.is_some() })
}

/// Records a machine, known by a word of its own.
pub(super) fn add_asset(
    connection: &Connection,
    machine: &str,
    unit: i64,
    info: &SensorInfo,
    search: &str,
    first_day: Day,
) -> rusqlite::Result<i64> {
    let asset = next_number(connection, "asset")?;
    prepare(
        connection,
        "INSERT INTO asset (id, machine, unit, hostname, os, os_version, arch, agent_version, search, first_day)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )?
    .execute(params![
        asset,
        machine,
        unit,
        info.hostname,
        info.os,
        info.os_version,
        info.arch,
        info.agent_version,
        search,
        first_day.number()
    ])?;
    prepare(connection, "INSERT INTO asset_summary (asset, products) VALUES ($1, 0)")?
        .execute(params![asset])?;
    prepare(connection, "INSERT INTO asset_seen (asset, last_report_at_ms) VALUES ($1, 0)")?
        .execute(params![asset])?;
    Ok(asset)
}

fn add_certificate(
    connection: &Connection,
    sensor: i64,
    certificate: NewCertificate,
) -> rusqlite::Result<()> {
    prepare(
        connection,
        "INSERT INTO certificate (key_hash, sensor, issued_at_ms, ends_at_ms) VALUES ($1, $2, $3, $4)",
    )?
    .execute(params![
        HEXLOWER.encode(&certificate.key_hash),
        sensor,
        certificate.issued_at_ms,
        certificate.ends_at_ms
    ])?;
    Ok(())
}

/// `false` also when the key was certified before: a new certificate needs a new key.
pub(super) fn renew(
    connection: &Connection,
    sensor: SensorId,
    certificate: NewCertificate,
) -> rusqlite::Result<bool> {
    let found: Option<i64> = prepare(
        connection,
        "SELECT id FROM sensor WHERE word = $1 AND revoked_at_ms IS NULL
            AND NOT EXISTS (SELECT 1 FROM certificate WHERE key_hash = $2)",
    )?
    .query_row(params![sensor.to_string(), HEXLOWER.encode(&certificate.key_hash)], |row| row.get(0))
    .optional()?;
    let Some(found) = found else { return Ok(false) };
    // The table holds what can still be used, not a history.
    prepare(connection, "DELETE FROM certificate WHERE sensor = $1 AND ends_at_ms < $2")?
        .execute(params![found, certificate.issued_at_ms])?;
    add_certificate(connection, found, certificate)?;
    Ok(true)
}

pub(super) fn revoke_sensor(connection: &Connection, sensor: SensorId, by: &By) -> rusqlite::Result<bool> {
    let changed =
        prepare(connection, "UPDATE sensor SET revoked_at_ms = coalesce(revoked_at_ms, $1) WHERE word = $2")?
            .execute(params![by.at_ms, sensor.to_string()])?;
    if changed == 1 {
        note(connection, "sensor", &sensor.to_string(), by, "sensor.revoke", Value::Null)?;
        prepare(
            connection,
            "UPDATE sensor_seen SET revoked = 1 WHERE sensor = (SELECT id FROM sensor WHERE word = $1)",
        )?
        .execute(params![sensor.to_string()])?;
        next_number(connection, "trust_revision")?;
    }
    Ok(changed == 1)
}

pub(super) fn trusted_keys(connection: &Connection, now_ms: i64) -> rusqlite::Result<Vec<TrustedKey>> {
    let rows = prepare(
        connection,
        "SELECT c.key_hash, s.word, c.ends_at_ms FROM certificate c JOIN sensor s ON s.id = c.sensor
         WHERE s.revoked_at_ms IS NULL AND c.ends_at_ms > $1",
    )?
    .query_map(params![now_ms], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?
    .collect::<rusqlite::Result<Vec<_>>>()?;
    // A row that does not parse was not written by us: it lets nobody in.
    Ok(rows
        .into_iter()
        .filter_map(|(key_hash, sensor, ends_at_ms)| {
            let key_hash = HEXLOWER.decode(key_hash.as_bytes()).ok()?.try_into().ok()?;
            Some(TrustedKey { key_hash, sensor: sensor.parse().ok()?, ends_at_ms })
        })
        .collect())
}

pub(super) fn trust_revision(connection: &Connection) -> rusqlite::Result<i64> {
    prepare(connection, "SELECT coalesce(max(value), 0) FROM counter WHERE name = 'trust_revision'")?
        .query_row([], |row| row.get(0))
}
