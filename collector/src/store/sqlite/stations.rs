//! Machines that gateway sensors saw: which asset each of a sensor's subjects is, and what is known of it.
//!
//! A subject is given its asset once and keeps it, so that a row sent again, later or in another order is counted where it was
//! counted before. The machine is recognised then: by a hardware address of its maker over all sensors, else within the sensor.
//! When a machine was first known by its network address and its hardware address is learnt within a day, both are one asset.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::{Day, SensorInfo, Station, Subject};

use super::{identity, prepare};

/// How long an address is taken for the same machine's, in milliseconds: a day, after which a lease has passed on.
const ADDRESS_KEPT_MS: i64 = 86_400_000;

/// A report of a gateway sensor, as far as it is about other machines.
pub(super) struct Seen<'r> {
    sensor: i64,
    /// The unit of the sensor: new assets belong to it.
    unit: i64,
    sent_at_ms: i64,
    received_at_ms: i64,
    described: HashMap<Subject, &'r Station>,
    /// Most subjects of one sensor.
    most: i64,
    /// How many it has named, once that was counted.
    named: Option<i64>,
}

/// An asset that a subject stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeenAsset {
    pub(super) asset: i64,
    pub(super) unit: i64,
}

impl<'r> Seen<'r> {
    /// `sent_at_ms` is the sensor's clock, not after ours.
    pub(super) fn new(
        (sensor, unit): (i64, i64),
        (sent_at_ms, received_at_ms): (i64, i64),
        stations: &'r [Station],
        most: i64,
    ) -> Self {
        let described = stations.iter().map(|station| (station.subject, station)).collect();
        Self { sensor, unit, sent_at_ms, received_at_ms, described, most, named: None }
    }

    /// The asset that a subject stands for, made when it is new; `None` when the sensor has named too many.
    pub(super) fn asset(
        &mut self,
        connection: &Connection,
        subject: Subject,
    ) -> rusqlite::Result<Option<SeenAsset>> {
        let word = subject.to_string();
        let asset = match self.known(connection, &word)? {
            Some(asset) => asset,
            None => {
                let named = match self.named {
                    Some(named) => named,
                    None => prepare(connection, "SELECT count(*) FROM subject WHERE sensor = $1")?
                        .query_row(params![self.sensor], |row| row.get(0))?,
                };
                self.named = Some(named);
                if named >= self.most {
                    return Ok(None);
                }
                self.named = Some(named + 1);
                let asset = match self.recognised(connection, subject)? {
                    Some(asset) => asset,
                    None => self.add(connection, subject)?,
                };
                prepare(connection, "INSERT INTO subject (sensor, word, asset) VALUES ($1, $2, $3)")?
                    .execute(params![self.sensor, word, asset])?;
                asset
            }
        };
        let unit = prepare(connection, "SELECT unit FROM asset WHERE id = $1")?
            .query_row(params![asset], |row| row.get(0))?;
        Ok(Some(SeenAsset { asset, unit }))
    }

    /// Notes what the report says of machines that are known by now, unless something newer was said.
    pub(super) fn describe(&self, connection: &Connection) -> rusqlite::Result<()> {
        for station in self.described.values() {
            let Some(asset) = self.known(connection, &station.subject.to_string())? else { continue };
            let Some(stored) = stored(connection, asset)? else { continue };
            if self.sent_at_ms < stored.sent_at_ms {
                continue;
            }
            let mut newer = Stored { sent_at_ms: self.sent_at_ms, sensor: self.sensor, ..stored.clone() };
            match (station.subject, station.address) {
                (Subject::Mac(_), Some(address)) => newer.address = address.to_string(),
                // An asset of which the hardware address is known may have moved on from this one.
                (Subject::Address(address), _) if stored.mac.is_empty() => {
                    newer.address = address.to_string()
                }
                _ => {}
            }
            if matches!(station.subject, Subject::Mac(_)) {
                newer.mac = station.subject.to_string();
            }
            if let Some(name) = station.host_name.as_ref().filter(|name| !name.is_empty()) {
                newer.host_name.clone_from(name);
            }
            if newer != stored {
                newer.write(connection, asset)?;
            }
        }
        Ok(())
    }

    fn known(&self, connection: &Connection, word: &str) -> rusqlite::Result<Option<i64>> {
        prepare(connection, "SELECT asset FROM subject WHERE sensor = $1 AND word = $2")?
            .query_row(params![self.sensor, word], |row| row.get(0))
            .optional()
    }

    /// The asset of a subject that this sensor names for the first time, where it is one we know.
    fn recognised(&self, connection: &Connection, subject: Subject) -> rusqlite::Result<Option<i64>> {
        let since_ms = self.received_at_ms.saturating_sub(ADDRESS_KEPT_MS);
        if let Subject::Address(address) = subject {
            // Its hardware address is not told this time: whoever had the address last. One that was never heard of was
            // made in this very commit.
            return prepare(
                connection,
                "SELECT s.asset FROM station s JOIN asset_seen e ON e.asset = s.asset
                 WHERE s.sensor = $1 AND s.address = $2
                    AND (e.last_report_at_ms >= $3 OR e.last_report_at_ms = 0)
                 ORDER BY e.last_report_at_ms DESC, s.asset DESC LIMIT 1",
            )?
            .query_row(params![self.sensor, address.to_string(), since_ms], |row| row.get(0))
            .optional();
        }
        let mac = subject.to_string();
        let by_mac = if subject.is_universal() {
            prepare(connection, "SELECT asset FROM station WHERE mac = $1 ORDER BY asset LIMIT 1")?
                .query_row(params![mac], |row| row.get(0))
                .optional()?
        } else {
            prepare(
                connection,
                "SELECT asset FROM station WHERE mac = $1 AND sensor = $2 ORDER BY asset LIMIT 1",
            )?
            .query_row(params![mac, self.sensor], |row| row.get(0))
            .optional()?
        };
        let address = self.described.get(&subject).and_then(|station| station.address);
        let (None, Some(address)) = (by_mac, address) else { return Ok(by_mac) };
        // A machine that was known by this address only.
        prepare(
            connection,
            "SELECT s.asset FROM subject s JOIN station t ON t.asset = s.asset
                JOIN asset_seen e ON e.asset = s.asset
             WHERE s.sensor = $1 AND s.word = $2 AND t.mac = ''
                AND (e.last_report_at_ms >= $3 OR e.last_report_at_ms = 0)",
        )?
        .query_row(params![self.sensor, address.to_string(), since_ms], |row| row.get(0))
        .optional()
    }

    fn add(&self, connection: &Connection, subject: Subject) -> rusqlite::Result<i64> {
        let described = self.described.get(&subject);
        let (mac, address) = match subject {
            Subject::Mac(_) => {
                let address = described.and_then(|station| station.address);
                (subject.to_string(), address.map(|address| address.to_string()).unwrap_or_default())
            }
            Subject::Address(address) => (String::new(), address.to_string()),
        };
        let host_name = described.and_then(|station| station.host_name.clone()).unwrap_or_default();
        let new = Stored { sensor: self.sensor, sent_at_ms: self.sent_at_ms, mac, address, host_name };
        // One word of one sensor makes one asset, so this text is nobody else's.
        let machine = format!("{subject} seen by {}", self.sensor);
        let info = SensorInfo { hostname: new.name().to_owned(), ..SensorInfo::default() };
        let day = Day::from_unix_ms(self.received_at_ms);
        let asset = identity::add_asset(connection, &machine, self.unit, &info, &new.search(), day)?;
        prepare(
            connection,
            "INSERT INTO station (asset, sensor, sent_at_ms, mac, address, host_name)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )?
        .execute(params![asset, new.sensor, new.sent_at_ms, new.mac, new.address, new.host_name])?;
        Ok(asset)
    }
}

/// A row of `station`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    sensor: i64,
    sent_at_ms: i64,
    mac: String,
    address: String,
    host_name: String,
}

impl Stored {
    /// What the machine is called on pages.
    fn name(&self) -> &str {
        [&self.host_name, &self.address, &self.mac]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", |text| text)
    }

    /// What the search on the Assets page looks in.
    fn search(&self) -> String {
        format!("{} {} {}", self.host_name, self.address, self.mac).to_lowercase()
    }

    fn write(&self, connection: &Connection, asset: i64) -> rusqlite::Result<()> {
        prepare(
            connection,
            "UPDATE station SET sensor = $1, sent_at_ms = $2, mac = $3, address = $4, host_name = $5 WHERE asset = $6",
        )?
        .execute(params![self.sensor, self.sent_at_ms, self.mac, self.address, self.host_name, asset])?;
        prepare(
            connection,
            "UPDATE asset SET hostname = $1, search = $2 WHERE id = $3 AND (hostname <> $1 OR search <> $2)",
        )?
        .execute(params![self.name(), self.search(), asset])?;
        Ok(())
    }
}

fn stored(connection: &Connection, asset: i64) -> rusqlite::Result<Option<Stored>> {
    prepare(connection, "SELECT sensor, sent_at_ms, mac, address, host_name FROM station WHERE asset = $1")?
        .query_row(params![asset], |row| {
            Ok(Stored {
                sensor: row.get(0)?,
                sent_at_ms: row.get(1)?,
                mac: row.get(2)?,
                address: row.get(3)?,
                host_name: row.get(4)?,
            })
        })
        .optional()
}
