//! [`Store`] over SQLite: each method one job of the writer, or one read.

use umbrascope_api::SensorId;

use super::{SqliteStore, identity, people, rebuild};
use crate::model::{NewToken, Role, TokenId, TokenRow, UserRow};
use crate::store::{
    Answer, Enrolled, Enrolment, NewCertificate, Report, SecretHash, SessionRow, Store, StoreError,
    TrustedKey,
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

    fn revoke_token(&self, id: &TokenId, now_ms: i64) -> Result<bool, StoreError> {
        let id = id.clone();
        self.writer
            .run("revoke a token", move |connection, _| identity::revoke_token(connection, &id, now_ms))
    }

    fn enrol(&self, enrolment: Enrolment) -> Result<Enrolled, StoreError> {
        self.writer.run("enrol a sensor", move |connection, _| identity::enrol(connection, &enrolment))
    }

    fn renew(&self, sensor: SensorId, certificate: NewCertificate) -> Result<bool, StoreError> {
        self.writer.run("record a certificate", move |connection, _| {
            identity::renew(connection, sensor, certificate)
        })
    }

    fn revoke_sensor(&self, sensor: SensorId, now_ms: i64) -> Result<bool, StoreError> {
        self.writer
            .run("revoke a sensor", move |connection, _| identity::revoke_sensor(connection, sensor, now_ms))
    }

    fn trusted_keys(&self, now_ms: i64) -> Result<Vec<TrustedKey>, StoreError> {
        self.readers.with("list the keys let in", |connection| identity::trusted_keys(connection, now_ms))
    }

    fn trust_revision(&self) -> Result<i64, StoreError> {
        self.readers.with("tell whether a sensor was revoked", identity::trust_revision)
    }

    fn add_user(&self, name: &str, role: Role, now_ms: i64) -> Result<Option<UserRow>, StoreError> {
        let name = name.to_owned();
        self.writer
            .run("add a person", move |connection, _| people::add_user(connection, &name, role, now_ms))
    }

    fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.writer.run("remove a person", move |connection, _| people::remove_user(connection, &name))
    }

    fn set_password(&self, name: &str, password: &str) -> Result<bool, StoreError> {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.writer
            .run("set a password", move |connection, _| people::set_password(connection, &name, &password))
    }

    fn credentials(&self, name: &str) -> Result<Option<(UserRow, Option<String>)>, StoreError> {
        self.readers.with("look a person up", |connection| people::credentials(connection, name))
    }

    fn add_link(&self, name: &str, secret_hash: &SecretHash, expires_at_ms: i64) -> Result<bool, StoreError> {
        let (name, secret_hash) = (name.to_owned(), *secret_hash);
        self.writer.run("store a sign-in link", move |connection, _| {
            people::add_link(connection, &name, &secret_hash, expires_at_ms)
        })
    }

    fn take_link(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<Option<UserRow>, StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("use a sign-in link", move |connection, _| {
            people::take_link(connection, &secret_hash, now_ms)
        })
    }

    fn begin_session(&self, person: i64, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("begin a session", move |connection, _| {
            people::begin_session(connection, person, &secret_hash, now_ms)
        })
    }

    fn session(&self, secret_hash: &SecretHash) -> Result<Option<SessionRow>, StoreError> {
        self.readers.with("look a session up", |connection| people::session(connection, secret_hash))
    }

    fn touch_session(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("note the use of a session", move |connection, _| {
            people::touch_session(connection, &secret_hash, now_ms)
        })
    }

    fn end_session(&self, secret_hash: &SecretHash) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("end a session", move |connection, _| people::end_session(connection, &secret_hash))
    }

    fn prune_sessions(
        &self,
        created_before_ms: i64,
        used_before_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.writer.run("drop old sessions", move |connection, _| {
            people::prune_sessions(connection, created_before_ms, used_before_ms, now_ms)
        })
    }
}
