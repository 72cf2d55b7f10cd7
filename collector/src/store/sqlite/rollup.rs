//! Roll-ups: what pages read instead of the facts.
//!
//! [`AssetFold`] turns new facts of one asset into its own rows at once and into changes of the
//! rows that assets share; [`Deltas`] gathers these over a commit, so that a row which a hundred
//! reports touch is written once. A rebuild feeds all facts through the same two.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_rules::Confidence;

use super::books::{Books, RuleFacts, confidence_number, confidence_of, level_number};
use super::{prepare, systems};
use crate::inventory::{self, Bits, USE_DAYS};

/// The first and the last of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    first: i64,
    last: i64,
}

impl Default for Span {
    /// No day yet.
    fn default() -> Self {
        Self { first: i64::MAX, last: i64::MIN }
    }
}

impl Span {
    pub(super) fn of(first: i64, last: i64) -> Self {
        Self { first, last }
    }

    fn with(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// What is new about one product on one asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pair {
    channels: Bits,
    levels: Bits,
    confidence: i64,
    carrying: i64,
    connected_days: i64,
    n: i64,
    span: Span,
}

impl Pair {
    fn with(self, other: Self) -> Self {
        Self {
            channels: self.channels.union(other.channels),
            levels: self.levels.union(other.levels),
            confidence: self.confidence.max(other.confidence),
            carrying: self.carrying.max(other.carrying),
            connected_days: self.connected_days + other.connected_days,
            n: self.n.saturating_add(other.n),
            span: self.span.with(other.span),
        }
    }
}

/// A fact as the roll-ups see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighted {
    pub(super) rule: RuleFacts,
    pub(super) channel: i64,
    pub(super) account: i64,
    pub(super) evidence: i64,
    pub(super) span: Span,
    /// The executable of the evidence is an AI product's.
    pub(super) ai_executable: bool,
}

/// What an item says of a product that a decision may rest on: flags, and who publishes it. `day`: the last one that it was seen.
pub(super) fn signs(books: &mut Books, product: i64, flags: &str, details: &str, day: i64) {
    let publisher = || {
        let details: serde_json::Value = serde_json::from_str(details).ok()?;
        details["publisher"].as_str().map(str::to_owned)
    };
    let publisher = if details.contains("\"publisher\"") { publisher() } else { None };
    let flags = flags.split_ascii_whitespace().map(|flag| ("flag", flag.to_owned()));
    for (sign, word) in flags.chain(publisher.map(|name| ("publisher", name))) {
        let last = books.deltas.signs.entry((product, sign, word)).or_insert(day);
        *last = day.max(*last);
    }
}

/// Folds new facts of one asset into the roll-ups.
pub(super) struct AssetFold {
    asset: i64,
    unit: i64,
    pairs: BTreeMap<i64, Pair>,
}

impl AssetFold {
    pub(super) fn new(asset: i64, unit: i64) -> Self {
        Self { asset, unit, pairs: BTreeMap::new() }
    }

    /// An activity row that was not there before, on the one day of `sighted.span`.
    pub(super) fn activity(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        sighted: Sighted,
        n: i64,
    ) -> rusqlite::Result<()> {
        self.sighting(connection, books, sighted)?;
        let channel = books.channel_word(connection, sighted.channel)?;
        let connected = inventory::is_connection(&channel);
        let connected_new =
            self.product_on_day(connection, books, sighted.rule.product, sighted.span.first, connected)?;
        let pair = self.pairs.entry(sighted.rule.product).or_default();
        pair.connected_days += i64::from(connected_new);
        self.gained(books, &sighted.rule, sighted.channel, sighted.evidence, sighted.span.first, n);
        Ok(())
    }

    /// An activity row counts `n` more than before.
    pub(super) fn gained(
        &mut self,
        books: &mut Books,
        rule: &RuleFacts,
        channel: i64,
        evidence: i64,
        day: i64,
        n: i64,
    ) {
        let pair = self.pairs.entry(rule.product).or_default();
        pair.n = pair.n.saturating_add(n);
        books.deltas.product_day.entry((rule.product, day)).or_default().n += n;
        books.deltas.asset_day(self.asset, self.unit, day).n += n;
        books.deltas.evidence.entry((rule.product, rule.id, channel, evidence)).or_default().n += n;
    }

    /// A snapshot item that was not there before.
    pub(super) fn item(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        sighted: Sighted,
    ) -> rusqlite::Result<()> {
        self.sighting(connection, books, sighted)?;
        let key = (sighted.rule.product, sighted.rule.id, sighted.channel, sighted.evidence);
        books.deltas.evidence.entry(key).or_default().items += 1;
        Ok(())
    }

    /// A newer scan still held an item.
    pub(super) fn item_again(&mut self, books: &mut Books, sighted: Sighted) {
        let pair = self.pairs.entry(sighted.rule.product).or_default();
        pair.span = pair.span.with(sighted.span);
        let key = (sighted.rule.product, sighted.rule.id, sighted.channel, sighted.evidence);
        let evidence = books.deltas.evidence.entry(key).or_default();
        evidence.span = evidence.span.with(sighted.span);
    }

    /// Items came (`+1`) or went (`-1`).
    pub(super) fn presence(books: &mut Books, rule: &RuleFacts, channel: i64, evidence: i64, change: i64) {
        books.deltas.evidence.entry((rule.product, rule.id, channel, evidence)).or_default().present +=
            change;
    }

    /// A day on which the product was seen on this asset. Whether it is the first connection of
    /// that day.
    pub(super) fn product_on_day(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        product: i64,
        day: i64,
        connected: bool,
    ) -> rusqlite::Result<bool> {
        let inserted = prepare(
            connection,
            "INSERT INTO asset_product_day (asset, product, day, connected) VALUES ($1, $2, $3, $4)
             ON CONFLICT (asset, product, day) DO NOTHING",
        )?
        .execute(params![self.asset, product, day, connected])?;
        if inserted == 1 {
            books.deltas.product_day.entry((product, day)).or_default().distinct += 1;
            books.deltas.asset_day(self.asset, self.unit, day).distinct += 1;
            return Ok(connected);
        }
        if !connected {
            return Ok(false);
        }
        let changed = prepare(
            connection,
            "UPDATE asset_product_day SET connected = 1
             WHERE asset = $1 AND product = $2 AND day = $3 AND connected = 0",
        )?
        .execute(params![self.asset, product, day])?;
        Ok(changed == 1)
    }

    fn sighting(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        sighted: Sighted,
    ) -> rusqlite::Result<()> {
        let rule = sighted.rule;
        let channel = books.channel_word(connection, sighted.channel)?;
        let level = inventory::level(&channel, rule.level, sighted.ai_executable);
        let pair = self.pairs.entry(rule.product).or_default();
        *pair = pair.with(Pair {
            channels: Bits::of(sighted.channel),
            levels: Bits::of(level_number(level)),
            confidence: rule.confidence,
            carrying: if rule.known && inventory::carries(level) { rule.confidence } else { 0 },
            span: sighted.span,
            ..Pair::default()
        });
        let evidence = books
            .deltas
            .evidence
            .entry((rule.product, rule.id, sighted.channel, sighted.evidence))
            .or_default();
        evidence.span = evidence.span.with(sighted.span);
        evidence.assets += self.first_of_its_kind(connection, &sighted, 0)?;
        if sighted.account != 0 {
            evidence.accounts += self.first_of_its_kind(connection, &sighted, sighted.account)?;
        }
        Ok(())
    }

    fn first_of_its_kind(
        &self,
        connection: &Connection,
        sighted: &Sighted,
        account: i64,
    ) -> rusqlite::Result<i64> {
        let inserted = prepare(
            connection,
            "INSERT INTO asset_evidence (asset, rule, channel, evidence, account) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (asset, rule, channel, evidence, account) DO NOTHING",
        )?
        .execute(params![
            self.asset,
            sighted.rule.id,
            sighted.channel,
            sighted.evidence,
            account
        ])?;
        Ok(i64::from(inserted == 1))
    }

    /// Writes the asset's own rows, and what of them shows in the shared ones.
    pub(super) fn finish(self, connection: &Connection, books: &mut Books) -> rusqlite::Result<()> {
        for (product, gained) in self.pairs {
            // Nothing but more of the same: the row is there, and only its sum changes.
            if (Pair { n: 0, ..gained }) == Pair::default() {
                prepare(connection, "UPDATE product_asset SET n = n + $1 WHERE product = $2 AND asset = $3")?
                    .execute(params![gained.n, product, self.asset])?;
                continue;
            }
            let stored = prepare(
                connection,
                "SELECT channels, levels, confidence, carrying, connected_days, n, first_day, last_day
                 FROM product_asset WHERE product = $1 AND asset = $2",
            )?
            .query_row(params![product, self.asset], |row| {
                Ok(Pair {
                    channels: Bits(row.get(0)?),
                    levels: Bits(row.get(1)?),
                    confidence: row.get(2)?,
                    carrying: row.get(3)?,
                    connected_days: row.get(4)?,
                    n: row.get(5)?,
                    span: Span::of(row.get(6)?, row.get(7)?),
                })
            })
            .optional()?;
            let mut pair = stored.unwrap_or_default().with(gained);
            if pair.connected_days >= USE_DAYS {
                pair.levels = pair.levels.union(Bits::of(level_number(umbrascope_rules::Level::Use)));
            }
            let sql = match stored {
                None => {
                    "INSERT INTO product_asset (channels, levels, confidence, carrying, connected_days, n,
                        first_day, last_day, product, asset)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                }
                Some(stored) if stored == pair => continue,
                Some(_) => {
                    "UPDATE product_asset SET channels = $1, levels = $2, confidence = $3, carrying = $4,
                        connected_days = $5, n = $6, first_day = $7, last_day = $8
                     WHERE product = $9 AND asset = $10"
                }
            };
            prepare(connection, sql)?.execute(params![
                pair.channels.0,
                pair.levels.0,
                pair.confidence,
                pair.carrying,
                pair.connected_days,
                pair.n,
                pair.span.first,
                pair.span.last,
                product,
                self.asset
            ])?;
            if stored.is_some_and(|stored| {
                Pair { n: pair.n, connected_days: pair.connected_days, ..stored } == pair
            }) {
                continue;
            }
            let channels = books.channels_of(connection, pair.channels)?;
            let corroborated = inventory::corroborated(&channels);
            let confidence = confidence_of(pair.confidence).unwrap_or(Confidence::Suspect);
            let summary = books.deltas.summary.entry(product).or_default();
            *summary = summary.with(Summary {
                channels: pair.channels,
                levels: pair.levels,
                confidence: confidence_number(inventory::lifted(confidence, corroborated)),
                candidate: inventory::is_candidate(confidence_of(pair.carrying), corroborated),
                assets: i64::from(stored.is_none()),
                span: pair.span,
            });
            if stored.is_none() {
                *books.deltas.units.entry((product, self.unit)).or_default() += 1;
                *books.deltas.assets.entry(self.asset).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Change of a row with a distinct count and a sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DayDelta {
    distinct: i64,
    n: i64,
}

/// Change of a row of `evidence_summary`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EvidenceDelta {
    assets: i64,
    accounts: i64,
    n: i64,
    present: i64,
    items: i64,
    span: Span,
}

/// Change of a row of `product_summary`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Summary {
    channels: Bits,
    levels: Bits,
    confidence: i64,
    candidate: bool,
    assets: i64,
    span: Span,
}

impl Summary {
    fn with(self, other: Self) -> Self {
        Self {
            channels: self.channels.union(other.channels),
            levels: self.levels.union(other.levels),
            confidence: self.confidence.max(other.confidence),
            candidate: self.candidate || other.candidate,
            assets: self.assets + other.assets,
            span: self.span.with(other.span),
        }
    }
}

/// Changes of the rows that assets share, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    pub(super) product_day: BTreeMap<(i64, i64), DayDelta>,
    /// Asset and day → the asset's unit, and what changes.
    asset_day: BTreeMap<(i64, i64), (i64, DayDelta)>,
    pub(super) evidence: BTreeMap<(i64, i64, i64, i64), EvidenceDelta>,
    pub(super) summary: BTreeMap<i64, Summary>,
    pub(super) units: BTreeMap<(i64, i64), i64>,
    /// Product, sign and word of what a decision may rest on, and the last day that it was seen.
    pub(super) signs: BTreeMap<(i64, &'static str, String), i64>,
    pub(super) assets: BTreeMap<i64, i64>,
    /// Asset → Unix time in milliseconds of its last report.
    pub(super) seen: BTreeMap<i64, i64>,
    /// Unix time in milliseconds of the newest report: when a record made now was made.
    pub(super) now_ms: i64,
}

impl Deltas {
    /// Notes a report of an asset.
    pub(super) fn heard(&mut self, asset: i64, at_ms: i64) {
        let newest = self.seen.entry(asset).or_insert(at_ms);
        *newest = at_ms.max(*newest);
        self.now_ms = self.now_ms.max(at_ms);
    }

    /// What changes of an asset's day.
    fn asset_day(&mut self, asset: i64, unit: i64, day: i64) -> &mut DayDelta {
        &mut self.asset_day.entry((asset, day)).or_insert((unit, DayDelta::default())).1
    }

    /// Writes every change; what is new of products reaches the records of `governed` ones, where it is to.
    pub(super) fn write(
        self,
        connection: &Connection,
        governed: Option<&mut HashSet<i64>>,
    ) -> rusqlite::Result<()> {
        let now_ms = self.now_ms;
        self.write_days(connection)?;
        let turned = self.write_evidence(connection)?;
        // Products of which something is new that a record may have to know.
        let mut stirred = self.write_counts(connection)?;
        for product in turned {
            if systems::is_limited_by_version(connection, product)? {
                stirred.insert(product);
            }
        }
        for ((product, sign, word), last_day) in &self.signs {
            // One row where it is new or was last seen on an earlier day: both are news to a finding.
            let new = prepare(
                connection,
                "INSERT INTO product_sign AS s (product, sign, word, last_day) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (product, sign, word) DO UPDATE SET last_day = excluded.last_day
                 WHERE excluded.last_day > s.last_day",
            )?
            .execute(params![product, sign, word, last_day])?;
            if new == 1 {
                stirred.insert(*product);
            }
        }
        let mut candidates = Vec::new();
        for (product, summary) in &self.summary {
            if write_summary(connection, *product, summary)? {
                stirred.insert(*product);
            }
            if summary.candidate {
                candidates.push(*product);
            }
        }
        let Some(governed) = governed else { return Ok(()) };
        for product in candidates.into_iter().filter(|product| governed.insert(*product)) {
            systems::propose(connection, product, now_ms)?;
        }
        systems::observe_products(connection, &stirred, now_ms)
    }

    fn write_days(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut fleet: BTreeMap<i64, DayDelta> = BTreeMap::new();
        let mut units: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        for ((asset, day), (unit, delta)) in &self.asset_day {
            let updated = prepare(
                connection,
                "UPDATE asset_day SET products = products + $1, n = n + $2 WHERE asset = $3 AND day = $4",
            )?
            .execute(params![delta.distinct, delta.n, asset, day])?;
            let fleet = fleet.entry(*day).or_default();
            fleet.n += delta.n;
            if updated == 0 {
                fleet.distinct += 1;
                *units.entry((*unit, *day)).or_default() += 1;
                prepare(
                    connection,
                    "INSERT INTO asset_day (asset, day, products, n) VALUES ($1, $2, $3, $4)",
                )?
                .execute(params![asset, day, delta.distinct, delta.n])?;
            }
        }
        for (day, delta) in fleet {
            prepare(
                connection,
                "INSERT INTO fleet_day AS s (day, assets, n) VALUES ($1, $2, $3)
                 ON CONFLICT (day) DO UPDATE SET assets = s.assets + excluded.assets, n = s.n + excluded.n",
            )?
            .execute(params![day, delta.distinct, delta.n])?;
        }
        for ((unit, day), assets) in units {
            prepare(
                connection,
                "INSERT INTO unit_day AS s (unit, day, assets) VALUES ($1, $2, $3)
                 ON CONFLICT (unit, day) DO UPDATE SET assets = s.assets + excluded.assets",
            )?
            .execute(params![unit, day, assets])?;
        }
        for ((product, day), delta) in &self.product_day {
            prepare(
                connection,
                "INSERT INTO product_day AS s (product, day, assets, n) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (product, day)
                 DO UPDATE SET assets = s.assets + excluded.assets, n = s.n + excluded.n",
            )?
            .execute(params![product, day, delta.distinct, delta.n])?;
        }
        Ok(())
    }

    /// The products of which an item came that no machine had, or the last one went.
    fn write_evidence(&self, connection: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
        let mut turned = BTreeSet::new();
        for ((product, rule, channel, evidence), delta) in &self.evidence {
            let present: i64 = prepare(
                connection,
                "INSERT INTO evidence_summary AS s
                    (product, rule, channel, evidence, assets, accounts, n, present, items, first_day, last_day)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (product, rule, channel, evidence) DO UPDATE SET
                    assets = s.assets + excluded.assets, accounts = s.accounts + excluded.accounts,
                    n = s.n + excluded.n, present = s.present + excluded.present,
                    items = s.items + excluded.items,
                    first_day = CASE WHEN excluded.first_day < s.first_day
                        THEN excluded.first_day ELSE s.first_day END,
                    last_day = CASE WHEN excluded.last_day > s.last_day
                        THEN excluded.last_day ELSE s.last_day END
                 RETURNING present",
            )?
            .query_row(
                params![
                product,
                rule,
                channel,
                evidence,
                delta.assets,
                delta.accounts,
                delta.n,
                delta.present,
                delta.items,
                delta.span.first,
                delta.span.last
            ], |row| row.get(0))?;
            if (present > 0) != (present - delta.present > 0) {
                turned.insert(*product);
            }
        }
        Ok(turned)
    }

    /// The products that were never before seen in a unit.
    fn write_counts(&self, connection: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
        let mut new_in_unit = BTreeSet::new();
        for ((product, unit), assets) in &self.units {
            let now: i64 = prepare(
                connection,
                "INSERT INTO product_unit AS s (product, unit, assets) VALUES ($1, $2, $3)
                 ON CONFLICT (product, unit) DO UPDATE SET assets = s.assets + excluded.assets RETURNING assets",
            )?
            .query_row(params![product, unit, assets], |row| row.get(0))?;
            if now == *assets {
                new_in_unit.insert(*product);
            }
        }
        for (asset, products) in &self.assets {
            prepare(
                connection,
                "INSERT INTO asset_summary AS s (asset, products) VALUES ($1, $2)
                 ON CONFLICT (asset) DO UPDATE SET products = s.products + excluded.products",
            )?
            .execute(params![asset, products])?;
        }
        for (asset, at_ms) in &self.seen {
            prepare(
                connection,
                "INSERT INTO asset_seen AS s (asset, last_report_at_ms) VALUES ($1, $2)
                 ON CONFLICT (asset) DO UPDATE SET last_report_at_ms = excluded.last_report_at_ms
                 WHERE excluded.last_report_at_ms > s.last_report_at_ms",
            )?
            .execute(params![asset, at_ms])?;
        }
        Ok(new_in_unit)
    }
}

/// Whether the first or the last day moved.
fn write_summary(connection: &Connection, product: i64, summary: &Summary) -> rusqlite::Result<bool> {
    let before: Option<(i64, i64)> =
        prepare(connection, "SELECT first_day, last_day FROM product_summary WHERE product = $1")?
            .query_row(params![product], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
    prepare(
        connection,
        "INSERT INTO product_summary AS s
            (product, channels, levels, confidence, candidate, assets, first_day, last_day)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (product) DO UPDATE SET
            channels = s.channels | excluded.channels, levels = s.levels | excluded.levels,
            confidence = CASE WHEN excluded.confidence > s.confidence
                THEN excluded.confidence ELSE s.confidence END,
            candidate = CASE WHEN excluded.candidate > s.candidate
                THEN excluded.candidate ELSE s.candidate END,
            assets = s.assets + excluded.assets,
            first_day = CASE WHEN excluded.first_day < s.first_day
                THEN excluded.first_day ELSE s.first_day END,
            last_day = CASE WHEN excluded.last_day > s.last_day
                THEN excluded.last_day ELSE s.last_day END",
    )?
    .execute(params![
        product,
        summary.channels.0,
        summary.levels.0,
        summary.confidence,
        summary.candidate,
        summary.assets,
        summary.span.first,
        summary.span.last
    ])?;
    Ok(before.is_none_or(|(first, last)| summary.span.first < first || summary.span.last > last))
}
