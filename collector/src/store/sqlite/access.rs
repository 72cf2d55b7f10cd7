//! [`Store`] over SQLite: each method one job of the writer, or one read.

use umbrascope_api::SensorId;

use super::{SqliteStore, identity, rebuild};
use crate::model::{By, NewToken, TokenId, TokenRow};
use crate::store::{
    Answer, Enrolled, Enrolment, NewCertificate, Report, SecretHash, Store, StoreError, TrustedKey,
};

impl SqliteStore {
    /// Makes every roll-up anew from the facts. Only under the data directory's lock.
    pub fn rebuild(&self, now_ms: i64) -> Result<(), StoreError> {
        self.writer
            .run("rebuild the roll-ups", move |connection, books| rebuild::rebuild(connection, books, now_ms))
    }
}

impl Store for SqliteStore {
    fn submit(&self, report: Report, answer: Answer) -> Result<(), Box<Report>> {
        self.writer.submit(report, answer)
    }

    fn create_token(
        &self,
        id: &TokenId,
        secret_hash: &SecretHash,
        token: &NewToken,
        now_ms: i64,
    ) -> Result<TokenRow, StoreError> {
        let (id, secret_hash, token) = (id.clone(), *secret_hash, token.clone());
        self.writer.run("store a token", move |connection, _| {
            identity::create_token(connection, &id, &secret_hash, &token, now_ms)
        })
    }

    fn revoke_token(&self, id: &TokenId, by: &By) -> Result<bool, StoreError> {
        let (id, by) = (id.clone(), by.clone());
        self.writer.run("revoke a token", move |connection, _| identity::revoke_token(connection, &id, &by))
    }

    fn enrol(&self, enrolment: Enrolment) -> Result<Enrolled, StoreError> {
        self.writer.run("enrol a sensor", move |connection, _| identity::enrol(connection, &enrolment))
    }

    fn renew(&self, sensor: SensorId, certificate: NewCertificate) -> Result<bool, StoreError> {
        self.writer.run("record a certificate", move |connection, _| {
            identity::renew(connection, sensor, certificate)
        })
    }

    fn revoke_sensor(&self, sensor: SensorId, by: &By) -> Result<bool, StoreError> {
        let by = by.clone();
        self.writer
            .run("revoke a sensor", move |connection, _| identity::revoke_sensor(connection, sensor, &by))
    }

    fn trusted_keys(&self, now_ms: i64) -> Result<Vec<TrustedKey>, StoreError> {
        self.readers.with("list the keys let in", |connection| identity::trusted_keys(connection, now_ms))
    }

    fn trust_revision(&self) -> Result<i64, StoreError> {
        self.readers.with("tell whether a sensor was revoked", identity::trust_revision)
    }
}
