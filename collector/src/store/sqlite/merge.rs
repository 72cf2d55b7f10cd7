//! One report into the facts. Replayed, reordered or doubled, it leaves the same records: activity
//! is merged by the larger count, snapshots by the newer generation.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use umbrascope_api::{
    Ack, ActivityRow, CaptureState, Channel, Completeness, Day, Evidence, ItemDetails, Refusal, RefusedRow,
    RiskFlag, RowKind, SensorInfo, Snapshot, Subject,
};

use super::books::{Books, Quota, RuleFacts, take};
use super::rollup::{AssetFold, Sighted, Span, signs};
use super::stations::{Seen, SeenAsset};
use super::{clocks, prepare};
use crate::store::Report;

/// How often the boot before the present one may come back before two machines are suspected: once
/// is a delivery overtaken by the next start.
const BOOT_RETURNS_SUSPECT: i64 = 2;
/// Largest counter that is kept, so that the sum over any fleet fits.
const COUNTER_MAX: i64 = 1 << 40;

/// What is known of a sensor when its report comes.
struct Sender {
    id: i64,
    asset: i64,
    unit: i64,
    machine: String,
    clone_suspected: bool,
    boot: String,
    boot_before: String,
    boot_returns: i64,
    quota_day: i64,
    quota_rows: i64,
    new_words: i64,
    sent_at_ms: i64,
    info: SensorInfo,
}

pub(super) fn merge(connection: &Connection, books: &mut Books, report: &Report) -> rusqlite::Result<Ack> {
    let mut refused = report.refused.clone();
    let batch = &report.batch;
    let sender = sender(connection, report)?;
    let today = i64::from(Day::from_unix_ms(report.received_at_ms).number());
    let used_today = if sender.quota_day == today { sender.quota_rows } else { 0 };
    let mut quota = Quota {
        rows: (books.options.rows_a_day - used_today).max(0),
        words: (books.options.new_words - sender.new_words).max(0),
    };
    let before = quota;
    let epoch = books.epoch(connection, sender.id, batch.epoch)?;
    let mut fold = AssetFold::new(sender.asset, sender.unit);
    let kept: HashSet<(RowKind, u64)> = refused.iter().map(|row| (row.kind, row.index)).collect();
    let mut ack = Ack {
        unknown_fields: report.unknown_fields,
        next_report_after_s: report.next_report_after_s,
        ..Ack::default()
    };

    let mut rows: BTreeMap<Option<Subject>, Rows<'_>> = BTreeMap::new();
    for (index, row) in (0_u64..).zip(&batch.activity) {
        if !kept.contains(&(RowKind::Activity, index)) {
            rows.entry(row.subject).or_default().push((index, row));
        }
    }
    let own = rows.remove(&None).unwrap_or_default();
    let taken = activity(connection, books, &mut fold, &mut quota, sender.asset, epoch, &own)?;
    ack.activity_taken = taken.0;
    refused.extend(taken.1);
    let times = (batch.sent_at_ms.min(report.received_at_ms), report.received_at_ms);
    let mut seen = Seen::new((sender.id, sender.unit), times, &batch.stations, books.options.subjects);
    for (subject, rows) in rows {
        let place = match subject {
            Some(subject) => seen.asset(connection, subject)?,
            None => None,
        };
        let Some(SeenAsset { asset, unit }) = place else {
            let over = |(index, _): &(u64, _)| RefusedRow {
                kind: RowKind::Activity,
                index: *index,
                reason: Refusal::OverQuota,
            };
            refused.extend(rows.iter().map(over));
            continue;
        };
        let mut fold = AssetFold::new(asset, unit);
        let taken = activity(connection, books, &mut fold, &mut quota, asset, epoch, &rows)?;
        ack.activity_taken += taken.0;
        refused.extend(taken.1);
        fold.finish(connection, books)?;
        books.deltas.heard(asset, report.received_at_ms);
    }
    seen.describe(connection)?;
    for (index, snapshot) in (0_u64..).zip(&batch.snapshots) {
        if kept.contains(&(RowKind::Snapshot, index)) {
            continue;
        }
        let sent_at_ms = batch.sent_at_ms.min(report.received_at_ms);
        let place = Place { asset: sender.asset, epoch, sent_at_ms, today };
        if merge_snapshot(connection, books, &mut fold, &mut quota, place, snapshot)? {
            ack.snapshots_taken += 1;
        } else {
            refused.push(RefusedRow { kind: RowKind::Snapshot, index, reason: Refusal::OverQuota });
        }
    }
    fold.finish(connection, books)?;
    refused.extend(super::suspects::merge(connection, report, &mut ack)?);
    refused.extend(super::reidentify::merge(connection, report, sender.asset, &mut ack)?);

    let spent = Quota { rows: before.rows - quota.rows, words: before.words - quota.words };
    let refused_rows = i64::try_from(refused.len()).unwrap_or(i64::MAX);
    remember(connection, &sender, report, today, used_today + spent.rows, spent.words, refused_rows)?;
    books.deltas.heard(sender.asset, report.received_at_ms);
    ack.refused = refused;
    Ok(ack)
}

fn sender(connection: &Connection, report: &Report) -> rusqlite::Result<Sender> {
    prepare(
        connection,
        "SELECT s.id, s.asset, a.unit, a.machine, s.clone_suspected_at_ms IS NOT NULL,
            e.boot, e.boot_before, e.boot_returns, e.quota_day, e.quota_rows, e.new_words, e.sent_at_ms,
            a.hostname, a.os, a.os_version, a.arch, a.agent_version
         FROM sensor s JOIN asset a ON a.id = s.asset JOIN sensor_seen e ON e.sensor = s.id
         WHERE s.word = $1",
    )?
    .query_row(params![report.sensor.to_string()], |row| {
        Ok(Sender {
            id: row.get(0)?,
            asset: row.get(1)?,
            unit: row.get(2)?,
            machine: row.get(3)?,
            clone_suspected: row.get(4)?,
            boot: row.get(5)?,
            boot_before: row.get(6)?,
            boot_returns: row.get(7)?,
            quota_day: row.get(8)?,
            quota_rows: row.get(9)?,
            new_words: row.get(10)?,
            sent_at_ms: row.get(11)?,
            info: SensorInfo {
                hostname: row.get(12)?,
                os: row.get(13)?,
                os_version: row.get(14)?,
                arch: row.get(15)?,
                agent_version: row.get(16)?,
                catalogue_version: String::new(),
            },
        })
    })
}

/// Notes what the sensor said of itself, and whether two machines seem to speak with its key.
fn remember(
    connection: &Connection,
    sender: &Sender,
    report: &Report,
    today: i64,
    quota_rows: i64,
    new_words: i64,
    refused: i64,
) -> rusqlite::Result<()> {
    let batch = &report.batch;
    let boot = batch.boot.to_string();
    let returned = boot != sender.boot && boot == sender.boot_before;
    let boot_before = if boot == sender.boot { &sender.boot_before } else { &sender.boot };
    let boot_returns = sender.boot_returns + i64::from(returned);
    let coverage = &batch.coverage;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).min(COUNTER_MAX);
    let newest = batch.sent_at_ms >= sender.sent_at_ms;
    let sql = if newest {
        "UPDATE sensor_seen SET last_report_at_ms = $1, clock_skew_ms = $2, boot = $3, boot_before = $4,
            boot_returns = $5, rows_refused = rows_refused + $6, unknown_fields = unknown_fields + $7,
            quota_day = $8, quota_rows = $9, new_words = new_words + $10, sent_at_ms = $11, capturing = $12,
            hellos = $13, hellos_without_name = $14, hellos_with_ech = $15, encrypted_dns = $16,
            kernel_drops = $17, unattributed = $18, sources_unread = $19, hidden_destinations = $20,
            dns_over_tls = $21, dns_over_https = $22
         WHERE sensor = $23"
    } else {
        "UPDATE sensor_seen SET last_report_at_ms = $1, clock_skew_ms = $2, boot = $3, boot_before = $4,
            boot_returns = $5, rows_refused = rows_refused + $6, unknown_fields = unknown_fields + $7,
            quota_day = $8, quota_rows = $9, new_words = new_words + $10
         WHERE sensor = $11"
    };
    let received_at_ms = report.received_at_ms;
    let skew_ms = batch.sent_at_ms.saturating_sub(received_at_ms);
    let unknown_fields = number(report.unknown_fields);
    let capturing = coverage.capture == CaptureState::Capturing;
    let counters = [
        coverage.hellos,
        coverage.hellos_without_name,
        coverage.hellos_with_ech,
        coverage.encrypted_dns,
        coverage.kernel_drops,
        coverage.unattributed,
        crate::model::unread(coverage).count() as u64,
        coverage.hidden_destinations,
        coverage.dns_over_tls,
        coverage.dns_over_https,
    ]
    .map(number);
    let mut values: Vec<&dyn ToSql> = vec![
        &received_at_ms,
        &skew_ms,
        &boot,
        boot_before,
        &boot_returns,
        &refused,
        &unknown_fields,
        &today,
        &quota_rows,
        &new_words,
    ];
    if newest {
        values.extend([&batch.sent_at_ms as &dyn ToSql, &capturing]);
        values.extend(counters.iter().map(|counter| counter as &dyn ToSql));
    }
    values.push(&sender.id);
    prepare(connection, sql)?.execute(values.as_slice())?;
    let told = batch.activity.iter().map(|row| row.day);
    let clocks = [batch.sent_at_ms, received_at_ms].map(Day::from_unix_ms);
    if let Some((from, until)) = clocks::off(skew_ms, told.chain(clocks)) {
        prepare(
            connection,
            "UPDATE sensor_seen SET
                clock_off_from = CASE WHEN clock_off_from <= $1 THEN clock_off_from ELSE $1 END,
                clock_off_until = CASE WHEN clock_off_until >= $2 THEN clock_off_until ELSE $2 END
             WHERE sensor = $3",
        )?
        .execute(params![from, until, sender.id])?;
    }
    let other_machine = batch.machine.to_string() != sender.machine;
    if !sender.clone_suspected && (other_machine || boot_returns >= BOOT_RETURNS_SUSPECT) {
        prepare(connection, "UPDATE sensor SET clone_suspected_at_ms = $1 WHERE id = $2")?
            .execute(params![report.received_at_ms, sender.id])?;
    }
    if !newest {
        return Ok(());
    }
    prepare(
        connection,
        "INSERT INTO sensor_coverage AS s (sensor, agent_version, catalogue_version, coverage, accelerated)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (sensor) DO UPDATE SET agent_version = excluded.agent_version,
            catalogue_version = excluded.catalogue_version, coverage = excluded.coverage,
            accelerated = excluded.accelerated",
    )?
    .execute(params![
        sender.id,
        batch.info.agent_version,
        batch.info.catalogue_version,
        json(coverage),
        !coverage.accelerators.is_empty()
    ])?;
    let info = SensorInfo { catalogue_version: String::new(), ..batch.info.clone() };
    // A clone's name would flap between two machines with every report.
    if info != sender.info && !other_machine {
        prepare(
            connection,
            "UPDATE asset SET hostname = $1, os = $2, os_version = $3, arch = $4, agent_version = $5, search = $6
             WHERE id = $7",
        )?
        .execute(params![
            info.hostname,
            info.os,
            info.os_version,
            info.arch,
            info.agent_version,
            super::identity::asset_search(&info),
            sender.asset
        ])?;
    }
    Ok(())
}

/// Key of an activity row beside asset and epoch, in the order of the primary key.
type ActivityKey = (i64, i64, i64, i64, i64);

/// Rows of a batch that are of one asset, with their place in it.
type Rows<'b> = Vec<(u64, &'b ActivityRow)>;

/// How many rows were taken, and which were not.
type Taken = (u64, Vec<RefusedRow>);

fn activity(
    connection: &Connection,
    books: &mut Books,
    fold: &mut AssetFold,
    quota: &mut Quota,
    asset: i64,
    epoch: i64,
    sent: &Rows<'_>,
) -> rusqlite::Result<Taken> {
    // The largest count of each key, in key order: neighbours in the table are touched together.
    let mut rows: BTreeMap<ActivityKey, (i64, RuleFacts, u64, &Evidence)> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut taken = 0;
    let mut refuse = |index| {
        refused.push(RefusedRow { kind: RowKind::Activity, index, reason: Refusal::OverQuota });
    };
    for &(index, row) in sent {
        let ids = (
            books.rule(connection, &row.rule, quota)?,
            books.channel(connection, &row.channel, quota)?,
            books.account(connection, row.account, quota)?,
            books.evidence(connection, &row.evidence, quota)?,
        );
        let (Some(rule), Some(channel), Some(account), Some(evidence)) = ids else {
            refuse(index);
            continue;
        };
        let n = i64::try_from(row.count).unwrap_or(i64::MAX);
        let key = (i64::from(row.day.number()), rule.id, channel, account, evidence);
        let entry = rows.entry(key).or_insert((n, rule, index, &row.evidence));
        entry.0 = entry.0.max(n);
        taken += 1;
    }
    let stored_rows = stored(connection, asset, epoch, rows.keys())?;
    for ((day, rule_id, channel, account, evidence), (n, rule, index, shown)) in rows {
        let (executable, denied) = (shown.executable.as_deref(), books.denies(evidence, &shown.value));
        let stored = stored_rows.get(&(day, rule_id, channel, account, evidence)).copied();
        match stored {
            None => {
                if !take(&mut quota.rows) {
                    refuse(index);
                    taken -= 1;
                    continue;
                }
                prepare(
                    connection,
                    "INSERT INTO activity (asset, day, rule, channel, account, evidence, epoch, n)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )?
                .execute(params![asset, day, rule.id, channel, account, evidence, epoch, n])?;
                // From an agent that does not know the organisation's newest word yet, or of a day before it: kept, not counted.
                if denied {
                    continue;
                }
                let sighted = Sighted {
                    rule,
                    channel,
                    account,
                    evidence,
                    span: Span::of(day, day),
                    ai_executable: books.is_ai_executable(executable),
                };
                fold.activity(connection, books, sighted, n)?;
            }
            Some(stored) if n > stored => {
                prepare(
                    connection,
                    "UPDATE activity SET n = $1 WHERE asset = $2 AND day = $3 AND rule = $4 AND channel = $5
                        AND account = $6 AND evidence = $7 AND epoch = $8",
                )?
                .execute(params![n, asset, day, rule.id, channel, account, evidence, epoch])?;
                if !denied {
                    fold.gained(books, &rule, channel, evidence, day, n - stored);
                }
            }
            Some(_) => {}
        }
    }
    Ok((taken, refused))
}

/// Days with more rows of one asset than this are looked up row by row.
const ROWS_READ_AT_ONCE: usize = 256;

/// The counts that are stored under these keys. A day is read as one range of the table: for the
/// usual report that is a fifth of the work of asking for each row.
fn stored<'k>(
    connection: &Connection,
    asset: i64,
    epoch: i64,
    keys: impl Iterator<Item = &'k ActivityKey> + Clone,
) -> rusqlite::Result<HashMap<ActivityKey, i64>> {
    let mut counts = HashMap::new();
    let days: BTreeSet<i64> = keys.clone().map(|key| key.0).collect();
    for day in days {
        let mut statement = prepare(
            connection,
            "SELECT rule, channel, account, evidence, n, epoch FROM activity WHERE asset = $1 AND day = $2 LIMIT $3",
        )?;
        let mut found = statement.query(params![asset, day, ROWS_READ_AT_ONCE])?;
        let mut read = 0;
        while let Some(row) = found.next()? {
            read += 1;
            if row.get::<_, i64>(5)? == epoch {
                counts.insert((day, row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?), row.get(4)?);
            }
        }
        if read < ROWS_READ_AT_ONCE {
            continue;
        }
        for key in keys.clone().filter(|key| key.0 == day) {
            let (_, rule, channel, account, evidence) = *key;
            let n = prepare(
                connection,
                "SELECT n FROM activity WHERE asset = $1 AND day = $2 AND rule = $3 AND channel = $4
                    AND account = $5 AND evidence = $6 AND epoch = $7",
            )?
            .query_row(params![asset, day, rule, channel, account, evidence, epoch], |row| row.get(0))
            .optional()?;
            counts.extend(n.map(|n| (*key, n)));
        }
    }
    Ok(counts)
}

/// Where and when a snapshot came.
#[derive(Clone, Copy)]
struct Place {
    asset: i64,
    epoch: i64,
    sent_at_ms: i64,
    today: i64,
}

/// Items of a snapshot by key, those that share one folded together.
type Items = BTreeMap<(i64, i64, i64, i64), (RuleFacts, String, BTreeSet<RiskFlag>)>;

/// `false`: over quota, what is new of it was left out.
fn merge_snapshot(
    connection: &Connection,
    books: &mut Books,
    fold: &mut AssetFold,
    quota: &mut Quota,
    place: Place,
    snapshot: &Snapshot,
) -> rusqlite::Result<bool> {
    let Some(source) = books.source(connection, &snapshot.source, quota)? else { return Ok(false) };
    let (items, mut all) = resolve(connection, books, quota, snapshot)?;
    let generation = i64::try_from(snapshot.generation).unwrap_or(i64::MAX);
    let complete = if snapshot.completeness == Completeness::Complete { generation } else { -1 };
    prepare(
        connection,
        "INSERT INTO snapshot AS s (asset, source, epoch, generation, complete_generation, sent_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (asset, source, epoch) DO UPDATE SET
            generation = CASE WHEN excluded.generation > s.generation
                THEN excluded.generation ELSE s.generation END,
            complete_generation = CASE WHEN excluded.complete_generation > s.complete_generation
                THEN excluded.complete_generation ELSE s.complete_generation END,
            sent_at_ms = CASE WHEN excluded.sent_at_ms > s.sent_at_ms
                THEN excluded.sent_at_ms ELSE s.sent_at_ms END",
    )?
    .execute(params![place.asset, source, place.epoch, generation, complete, place.sent_at_ms])?;
    for ((rule_id, channel, account, evidence), (rule, details, flags)) in items {
        let flags = flags.iter().map(RiskFlag::as_str).collect::<Vec<_>>().join(" ");
        let key = params![place.asset, source, place.epoch, rule_id, channel, account, evidence];
        let stored = prepare(
            connection,
            "SELECT generation, last_day FROM snapshot_item WHERE asset = $1 AND source = $2 AND epoch = $3
                AND rule = $4 AND channel = $5 AND account = $6 AND evidence = $7",
        )?
        .query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
        let sighted = Sighted {
            rule,
            channel,
            account,
            evidence,
            span: Span::of(place.today, place.today),
            ai_executable: false,
        };
        match stored {
            None if !take(&mut quota.rows) => {
                all = false;
                continue;
            }
            None => {
                prepare(
                    connection,
                    "INSERT INTO snapshot_item (asset, source, epoch, rule, channel, account, evidence,
                        generation, details, flags, first_day, last_day, present)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 0)",
                )?
                .execute(params![
                    place.asset,
                    source,
                    place.epoch,
                    rule_id,
                    channel,
                    account,
                    evidence,
                    generation,
                    details,
                    flags,
                    place.today
                ])?;
                fold.item(connection, books, sighted)?;
                signs(books, rule.product, &flags, &details, place.today);
            }
            Some((held, _)) if held >= generation => continue,
            Some((_, last_day)) => {
                prepare(
                    connection,
                    "UPDATE snapshot_item SET generation = $1, details = $2, flags = $3, last_day = $4
                     WHERE asset = $5 AND source = $6 AND epoch = $7 AND rule = $8 AND channel = $9
                        AND account = $10 AND evidence = $11",
                )?
                .execute(params![
                    generation,
                    details,
                    flags,
                    last_day.max(place.today),
                    place.asset,
                    source,
                    place.epoch,
                    rule_id,
                    channel,
                    account,
                    evidence
                ])?;
                fold.item_again(books, sighted);
                signs(books, rule.product, &flags, &details, last_day.max(place.today));
            }
        }
        let new_day = prepare(
            connection,
            "INSERT INTO scan_day (asset, rule, day) VALUES ($1, $2, $3) ON CONFLICT (asset, rule, day) DO NOTHING",
        )?
        .execute(params![place.asset, rule_id, place.today])?;
        if new_day == 1 {
            fold.product_on_day(connection, books, rule.product, place.today, false)?;
        }
    }
    settle_presence(connection, books, place.asset, source)?;
    Ok(all)
}

/// Gives every item its numbers. `false`: what is new of them is over quota, and left out.
fn resolve(
    connection: &Connection,
    books: &mut Books,
    quota: &mut Quota,
    snapshot: &Snapshot,
) -> rusqlite::Result<(Items, bool)> {
    let mut items = Items::new();
    let mut all = true;
    for item in &snapshot.items {
        let ids = (
            books.rule(connection, &item.rule, quota)?,
            books.channel(connection, &item.channel, quota)?,
            books.account(connection, item.account, quota)?,
            books.evidence(connection, &item.evidence, quota)?,
        );
        let (Some(rule), Some(channel), Some(account), Some(evidence)) = ids else {
            all = false;
            continue;
        };
        let details = json(&item.details);
        let entry = items
            .entry((rule.id, channel, account, evidence))
            .or_insert_with(|| (rule, details.clone(), BTreeSet::new()));
        // Two places on one machine, one piece of evidence: the same one is kept whatever the order.
        if details < entry.1 {
            entry.1 = details;
        }
        entry.2.extend(item.flags.iter().cloned());
    }
    Ok((items, all))
}

/// Decides anew which items of a source are there: those that the current epoch's newest complete
/// scan, or a later partial one, held. Current is the epoch whose report was sent last.
fn settle_presence(
    connection: &Connection,
    books: &mut Books,
    asset: i64,
    source: i64,
) -> rusqlite::Result<()> {
    let (epoch, complete): (i64, i64) = prepare(
        connection,
        "SELECT epoch, complete_generation FROM snapshot WHERE asset = $1 AND source = $2
         ORDER BY sent_at_ms DESC, epoch DESC LIMIT 1",
    )?
    .query_row(params![asset, source], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let flipped: Vec<(i64, i64, i64, bool)> = prepare(
        connection,
        "SELECT rule, channel, evidence, present FROM snapshot_item
         WHERE asset = $1 AND source = $2
            AND present <> CASE WHEN epoch = $3 AND generation >= $4 THEN 1 ELSE 0 END",
    )?
    .query_map(params![asset, source, epoch, complete], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?
    .collect::<rusqlite::Result<_>>()?;
    if flipped.is_empty() {
        return Ok(());
    }
    for (rule, channel, evidence, present) in flipped {
        let rule = books.rule_by_id(connection, rule)?;
        AssetFold::presence(books, &rule, channel, evidence, if present { -1 } else { 1 });
    }
    prepare(
        connection,
        "UPDATE snapshot_item SET present = 1 - present
         WHERE asset = $1 AND source = $2
            AND present <> CASE WHEN epoch = $3 AND generation >= $4 THEN 1 ELSE 0 END",
    )?
    .execute(params![asset, source, epoch, complete])?;
    Ok(())
}

/// Wire types as text. They hold nothing that JSON cannot write.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// Reads [`ItemDetails`] back; what an older version wrote otherwise is left out.
pub(super) fn details(text: &str) -> ItemDetails {
    serde_json::from_str(text).unwrap_or_default()
}

/// Reads flags back.
pub(super) fn flags(text: &str) -> Vec<RiskFlag> {
    text.split(' ').filter(|word| !word.is_empty()).map(RiskFlag::from).collect()
}

/// The channels of a set, in the order of [`Channel::KNOWN`], unknown ones last.
pub(super) fn in_known_order(mut channels: Vec<Channel>) -> Vec<Channel> {
    channels.sort();
    channels
}
