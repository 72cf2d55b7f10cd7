//! What the writer keeps in memory: dictionaries, the meaning of rules, and the changes of
//! roll-ups that are written once per commit.
//!
//! Numbers come from the dictionaries on disk; the caches only spare the question. After a
//! rollback they are forgotten, since a number they hold may not have reached the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::{AccountId, Channel, Epoch, Evidence};
use umbrascope_rules::{Catalogue, Confidence, Level, SoftwareKind};

use super::rollup::Deltas;
use super::{Options, WordCache, prepare};
use crate::catalogue::Known;
use crate::inventory::{Bits, Meaning};

/// Entries of the caches for evidence and accounts: some 200 bytes each, 2 KiB at the most.
const CACHE_ENTRIES: usize = 20_000;
/// Entries of the caches for rules, sources and epochs.
const SMALL_CACHE_ENTRIES: usize = 20_000;

/// What a rule stands for in the roll-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuleFacts {
    pub(super) id: i64,
    pub(super) product: i64,
    /// As [`confidence_number`] counts.
    pub(super) confidence: i64,
    pub(super) level: Option<Level>,
    pub(super) known: bool,
}

/// A confidence as the store counts it: 1 to 4, weakest first; 0 stands for none.
pub(super) fn confidence_number(confidence: Confidence) -> i64 {
    position(Confidence::ALL, confidence) + 1
}

/// The confidence with this number.
pub(super) fn confidence_of(number: i64) -> Option<Confidence> {
    Confidence::ALL.get(usize::try_from(number - 1).ok()?).copied()
}

/// A level as the store counts it: 0 to 5, weakest first.
pub(super) fn level_number(level: Level) -> i64 {
    position(Level::ALL, level)
}

/// The strongest level of a set; a reference when it is empty.
pub(super) fn strongest_level(levels: Bits) -> Level {
    levels
        .numbers()
        .filter_map(|number| Level::ALL.get(usize::try_from(number).ok()?).copied())
        .max()
        .unwrap_or(Level::Referenced)
}

fn position<T: PartialEq + Copy>(all: &[T], one: T) -> i64 {
    all.iter().position(|other| *other == one).and_then(|at| i64::try_from(at).ok()).unwrap_or(0)
}

/// How much that is new a sensor may still bring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    pub(super) rows: i64,
    pub(super) words: i64,
}

impl Quota {
    /// No bound: for rows that were taken once already.
    pub(super) fn none() -> Self {
        Self { rows: i64::MAX, words: i64::MAX }
    }
}

/// A dictionary with one word a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Dictionary {
    Rule,
    Channel,
    Source,
    Account,
    Epoch,
    Evidence,
    Product,
}

impl Dictionary {
    fn newest(self) -> &'static str {
        match self {
            Self::Rule => "SELECT coalesce(max(id), 0) FROM rule",
            Self::Channel => "SELECT coalesce(max(id), -1) FROM channel",
            Self::Source => "SELECT coalesce(max(id), 0) FROM source",
            Self::Account => "SELECT coalesce(max(id), 0) FROM account",
            Self::Epoch => "SELECT coalesce(max(id), 0) FROM epoch",
            Self::Evidence => "SELECT coalesce(max(id), 0) FROM evidence",
            Self::Product => "SELECT coalesce(max(id), 0) FROM product",
        }
    }
}

pub(super) struct Books {
    pub(super) options: Options,
    rules: HashMap<Box<str>, RuleFacts>,
    rules_by_id: HashMap<i64, RuleFacts>,
    channels: HashMap<Channel, i64>,
    channel_words: HashMap<i64, Channel>,
    sources: WordCache<Box<str>>,
    epochs: WordCache<(i64, Epoch)>,
    accounts: WordCache<AccountId>,
    evidence: WordCache<Evidence>,
    denied: WordCache<i64>,
    products: WordCache<Box<str>>,
    newest: HashMap<Dictionary, i64>,
    /// Products that an AiSystem of the inventory has already.
    pub(super) governed: HashSet<i64>,
    /// The roll-ups are half made: what they say of products is not to reach the records yet.
    pub(super) half_made: bool,
    /// Changes of shared rows that this commit still has to write.
    pub(super) deltas: Deltas,
}

impl Books {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            rules: HashMap::new(),
            rules_by_id: HashMap::new(),
            channels: HashMap::new(),
            channel_words: HashMap::new(),
            sources: WordCache::new(SMALL_CACHE_ENTRIES),
            epochs: WordCache::new(SMALL_CACHE_ENTRIES),
            accounts: WordCache::new(CACHE_ENTRIES),
            evidence: WordCache::new(CACHE_ENTRIES),
            denied: WordCache::new(CACHE_ENTRIES),
            products: WordCache::new(SMALL_CACHE_ENTRIES),
            newest: HashMap::new(),
            governed: HashSet::new(),
            half_made: false,
            deltas: Deltas::default(),
        }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        self.options.known.catalogue()
    }

    /// Works with another catalogue; what rules meant before is forgotten.
    pub(super) fn know(&mut self, known: Arc<Known>) {
        self.options.known = known;
        self.forget();
    }

    /// Nothing in memory can be relied on.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.options.clone());
    }

    /// Writes the changes that were gathered.
    pub(super) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let deltas = std::mem::take(&mut self.deltas);
        deltas.write(connection, (!self.half_made).then_some(&mut self.governed))
    }

    /// Whether the organisation says of a piece of evidence that it is not AI. Kept, since a rebuild asks for each row.
    pub(super) fn denies(&mut self, evidence: i64, value: &str) -> bool {
        if let Some(denied) = self.denied.get(&evidence) {
            return denied != 0;
        }
        let denied = self.options.known.denies(value);
        self.denied.put(evidence, i64::from(denied));
        denied
    }

    /// Whether an executable is itself an AI product's.
    pub(super) fn is_ai_executable(&self, path: Option<&str>) -> bool {
        path.is_some_and(|path| {
            self.options.known.matcher().software(SoftwareKind::Executable, path).is_some()
        })
    }

    /// The rule of this id; `None` when it is new and the quota does not let it in.
    pub(super) fn rule(
        &mut self,
        connection: &Connection,
        word: &str,
        quota: &mut Quota,
    ) -> rusqlite::Result<Option<RuleFacts>> {
        if let Some(facts) = self.rules.get(word) {
            return Ok(Some(*facts));
        }
        let meaning = Meaning::of(word, self.catalogue());
        let found = prepare(connection, "SELECT id FROM rule WHERE word = $1")?
            .query_row(params![word], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                // What our catalogue knows is bounded by it; only the unknown needs a quota.
                if !meaning.known && !take(&mut quota.words) {
                    return Ok(None);
                }
                let id = self.next(connection, Dictionary::Rule)?;
                prepare(connection, "INSERT INTO rule (id, word) VALUES ($1, $2)")?
                    .execute(params![id, word])?;
                id
            }
        };
        let facts = RuleFacts {
            id,
            product: self.product(connection, &meaning)?,
            confidence: confidence_number(meaning.confidence),
            level: meaning.level,
            known: meaning.known,
        };
        if self.rules.len() >= SMALL_CACHE_ENTRIES {
            self.rules.clear();
            self.rules_by_id.clear();
        }
        self.rules.insert(word.into(), facts);
        self.rules_by_id.insert(id, facts);
        Ok(Some(facts))
    }

    /// The rule with this number.
    pub(super) fn rule_by_id(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<RuleFacts> {
        if let Some(facts) = self.rules_by_id.get(&id) {
            return Ok(*facts);
        }
        let word: String = prepare(connection, "SELECT word FROM rule WHERE id = $1")?
            .query_row(params![id], |row| row.get(0))?;
        self.rule(connection, &word, &mut Quota::none())?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    fn product(&mut self, connection: &Connection, meaning: &Meaning) -> rusqlite::Result<i64> {
        if let Some(id) = self.products.get(&meaning.product) {
            return Ok(id);
        }
        let found = prepare(connection, "SELECT id FROM product WHERE word = $1")?
            .query_row(params![meaning.product], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let id = self.next(connection, Dictionary::Product)?;
                let words = ProductWords::of(&meaning.product, meaning.known, self.catalogue());
                prepare(
                    connection,
                    "INSERT INTO product (id, word, name, vendor, kind, search, known, embedded)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )?
                .execute(params![
                    id,
                    meaning.product,
                    words.name,
                    words.vendor,
                    words.kind,
                    words.search,
                    words.known,
                    words.embedded
                ])?;
                id
            }
        };
        self.products.put(meaning.product.clone(), id);
        Ok(id)
    }

    /// The number of a channel, small enough for a set of bits; `None` when it is new and not let in.
    pub(super) fn channel(
        &mut self,
        connection: &Connection,
        channel: &Channel,
        quota: &mut Quota,
    ) -> rusqlite::Result<Option<i64>> {
        self.load_channels(connection)?;
        if let Some(id) = self.channels.get(channel) {
            return Ok(Some(*id));
        }
        let next = self.next(connection, Dictionary::Channel)?;
        if next >= Bits::CAPACITY || (matches!(channel, Channel::Other(_)) && !take(&mut quota.words)) {
            self.newest.insert(Dictionary::Channel, next - 1);
            return Ok(None);
        }
        prepare(connection, "INSERT INTO channel (id, word) VALUES ($1, $2)")?
            .execute(params![next, channel.as_str()])?;
        self.channels.insert(channel.clone(), next);
        self.channel_words.insert(next, channel.clone());
        Ok(Some(next))
    }

    /// The channels are few: all of them are known once the first is asked for. The known ones are
    /// given numbers at once, so that a sensor full of invented ones cannot crowd them out.
    fn load_channels(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.channels.is_empty() {
            return Ok(());
        }
        let rows: Vec<(i64, String)> = prepare(connection, "SELECT id, word FROM channel ORDER BY id")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, word) in rows {
            let channel = Channel::from(word.as_str());
            self.channels.insert(channel.clone(), id);
            self.channel_words.insert(id, channel);
        }
        for channel in Channel::KNOWN {
            if !self.channels.contains_key(channel) {
                let id = self.next(connection, Dictionary::Channel)?;
                prepare(connection, "INSERT INTO channel (id, word) VALUES ($1, $2)")?
                    .execute(params![id, channel.as_str()])?;
                self.channels.insert(channel.clone(), id);
                self.channel_words.insert(id, channel.clone());
            }
        }
        Ok(())
    }

    /// The channel with this number.
    pub(super) fn channel_word(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Channel> {
        self.load_channels(connection)?;
        self.channel_words.get(&id).cloned().ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// The channels of a set.
    pub(super) fn channels_of(
        &mut self,
        connection: &Connection,
        set: Bits,
    ) -> rusqlite::Result<Vec<Channel>> {
        set.numbers().map(|number| self.channel_word(connection, number)).collect()
    }

    /// The number of a source family.
    pub(super) fn source(
        &mut self,
        connection: &Connection,
        word: &str,
        quota: &mut Quota,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.sources.get(word) {
            return Ok(Some(id));
        }
        let found = prepare(connection, "SELECT id FROM source WHERE word = $1")?
            .query_row(params![word], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None if !take(&mut quota.words) => return Ok(None),
            None => {
                let id = self.next(connection, Dictionary::Source)?;
                prepare(connection, "INSERT INTO source (id, word) VALUES ($1, $2)")?
                    .execute(params![id, word])?;
                id
            }
        };
        self.sources.put(word.into(), id);
        Ok(Some(id))
    }

    /// The number of an epoch of a sensor.
    pub(super) fn epoch(
        &mut self,
        connection: &Connection,
        sensor: i64,
        epoch: Epoch,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.epochs.get(&(sensor, epoch)) {
            return Ok(id);
        }
        let found = prepare(connection, "SELECT id FROM epoch WHERE sensor = $1 AND word = $2")?
            .query_row(params![sensor, epoch.to_string()], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let id = self.next(connection, Dictionary::Epoch)?;
                prepare(connection, "INSERT INTO epoch (id, sensor, word) VALUES ($1, $2, $3)")?
                    .execute(params![id, sensor, epoch.to_string()])?;
                id
            }
        };
        self.epochs.put((sensor, epoch), id);
        Ok(id)
    }

    /// The number of an account; 0 when it is not known whose. `None`: new, and no quota left.
    pub(super) fn account(
        &mut self,
        connection: &Connection,
        account: Option<AccountId>,
        quota: &Quota,
    ) -> rusqlite::Result<Option<i64>> {
        let Some(account) = account else { return Ok(Some(0)) };
        if let Some(id) = self.accounts.get(&account) {
            return Ok(Some(id));
        }
        let found = prepare(connection, "SELECT id FROM account WHERE word = $1")?
            .query_row(params![account.to_string()], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None if quota.rows <= 0 => return Ok(None),
            None => {
                let id = self.next(connection, Dictionary::Account)?;
                prepare(connection, "INSERT INTO account (id, word) VALUES ($1, $2)")?
                    .execute(params![id, account.to_string()])?;
                id
            }
        };
        self.accounts.put(account, id);
        Ok(Some(id))
    }

    /// The word of this account stands for another number from now on.
    pub(super) fn forget_account(&mut self, account: &AccountId) {
        self.accounts.numbers.remove(account);
    }

    /// The number of a piece of evidence. `None`: new, and no quota left.
    pub(super) fn evidence(
        &mut self,
        connection: &Connection,
        evidence: &Evidence,
        quota: &Quota,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.evidence.get(evidence) {
            return Ok(Some(id));
        }
        let word = HEXLOWER.encode(&evidence_hash(evidence));
        let found = prepare(connection, "SELECT id FROM evidence WHERE hash = $1")?
            .query_row(params![word], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None if quota.rows <= 0 => return Ok(None),
            None => {
                let id = self.next(connection, Dictionary::Evidence)?;
                prepare(
                    connection,
                    "INSERT INTO evidence (id, hash, value, version, executable, container, package, forwarded)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )?
                .execute(params![
                    id,
                    word,
                    evidence.value,
                    evidence.version,
                    evidence.executable,
                    evidence.container,
                    evidence.package,
                    evidence.forwarded
                ])?;
                id
            }
        };
        self.evidence.put(evidence.clone(), id);
        Ok(Some(id))
    }

    fn next(&mut self, connection: &Connection, dictionary: Dictionary) -> rusqlite::Result<i64> {
        let newest = match self.newest.get(&dictionary) {
            Some(newest) => *newest,
            None => prepare(connection, dictionary.newest())?.query_row([], |row| row.get(0))?,
        };
        self.newest.insert(dictionary, newest + 1);
        Ok(newest + 1)
    }
}

/// What the catalogue says of a product, as the product table holds it.
pub(super) struct ProductWords {
    pub(super) name: String,
    pub(super) vendor: String,
    pub(super) kind: &'static str,
    pub(super) search: String,
    pub(super) known: bool,
    pub(super) embedded: bool,
}

impl ProductWords {
    pub(super) fn of(word: &str, known: bool, catalogue: &Catalogue) -> Self {
        let product = if known { catalogue.product(word) } else { None };
        let name = product.map_or(word, |product| product.name.as_ref()).to_owned();
        let vendor = product
            .and_then(|product| catalogue.vendor(&product.vendor))
            .map_or(String::new(), |vendor| vendor.name.to_string());
        Self {
            search: format!("{name} {vendor} {word}").to_lowercase(),
            name,
            vendor,
            kind: product.map_or("", |product| product.kind.as_str()),
            known,
            embedded: product.is_some_and(|product| product.embedded),
        }
    }
}

/// Takes one from what is left; `false` when nothing is.
pub(super) fn take(left: &mut i64) -> bool {
    let some = *left > 0;
    *left -= i64::from(some);
    some
}

/// The collector's own hash: a sensor cannot pass one text off under another's key.
fn evidence_hash(evidence: &Evidence) -> [u8; 16] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut update = |text: Option<&String>| match text {
        // The length first: no two lists of texts read alike.
        Some(text) => {
            context.update(&(text.len() as u64 + 1).to_be_bytes());
            context.update(text.as_bytes());
        }
        None => context.update(&[0; 8]),
    };
    update(Some(&evidence.value));
    for text in [&evidence.version, &evidence.executable, &evidence.container] {
        update(text.as_ref());
    }
    // Evidence of before there were these keeps its hash, and with it its row.
    if evidence.package.is_some() || evidence.forwarded {
        update(evidence.package.as_ref());
        context.update(&[u8::from(evidence.forwarded)]);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&context.finish().as_ref()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_hashes_tell_absent_from_empty_and_one_field_from_the_next() {
        let plain = Evidence { value: "a".into(), ..Evidence::default() };
        let empty = Evidence { version: Some(String::new()), ..plain.clone() };
        let version = Evidence { version: Some("b".into()), ..plain.clone() };
        let executable = Evidence { executable: Some("b".into()), ..plain.clone() };
        let package = Evidence { package: Some("b".into()), ..plain.clone() };
        let forwarded = Evidence { forwarded: true, ..plain.clone() };
        let both = Evidence { forwarded: true, ..package.clone() };
        let all = [plain, empty, version, executable, package, forwarded, both];
        let hashes: HashSet<_> = all.iter().map(evidence_hash).collect();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn evidence_without_the_newer_fields_keeps_the_hash_it_is_stored_under() {
        let plain = Evidence {
            value: "chat.acme.example".into(),
            executable: Some("/usr/bin/curl".into()),
            ..Evidence::default()
        };
        assert_eq!(HEXLOWER.encode(&evidence_hash(&plain)), "cc00785954b87e42b20f46f312d394fe");
    }

    #[test]
    fn confidences_and_levels_keep_their_order_as_numbers() {
        assert!(confidence_number(Confidence::Suspect) > 0);
        for pair in Confidence::ALL.windows(2) {
            assert!(confidence_number(pair[0]) < confidence_number(pair[1]));
            assert_eq!(confidence_of(confidence_number(pair[1])), Some(pair[1]));
        }
        let both = Bits::of(level_number(Level::Presence)).union(Bits::of(level_number(Level::Use)));
        assert_eq!(strongest_level(both), Level::Use);
    }
}
