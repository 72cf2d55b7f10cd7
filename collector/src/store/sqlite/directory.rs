//! [`People`] over SQLite: each method one job of the writer, or one read.

use super::people::Chain;
use super::{SqliteStore, api_tokens, import, people, second_factor, sign_in};
use crate::directory::Plan;
use crate::model::{
    ApiTokenRow, By, GrantChange, Looked, NewApiToken, Page, PageRequest, PersonDetails, PersonFilter,
    PersonRow, Reading, Role, TotpRow, UnitRow, UserRow,
};
use crate::store::people::{Changed, Imported, People};
use crate::store::{SecretHash, SessionRow, StoreError};

impl People for SqliteStore {
    fn people(&self, filter: &PersonFilter, page: PageRequest) -> Result<Page<PersonRow>, StoreError> {
        self.readers.with("list the people", |connection| people::people(connection, filter, page))
    }

    fn person(&self, id: i64) -> Result<Option<PersonRow>, StoreError> {
        self.readers.with("show a person", |connection| people::person(connection, id))
    }

    fn person_named(&self, name: &str) -> Result<Option<PersonRow>, StoreError> {
        self.readers.with("look a person up", |connection| people::person_named(connection, name))
    }

    fn add_person(
        &self,
        name: &str,
        details: &PersonDetails,
        demonstration: bool,
        by: &By,
    ) -> Changed<PersonRow> {
        let (name, details, by) = (name.to_owned(), details.clone(), by.clone());
        self.writer.run("add a person", move |connection, _| {
            people::add_person(connection, &name, &details, demonstration, &by)
        })
    }

    fn change_person(&self, id: i64, details: &PersonDetails, by: &By) -> Changed<PersonRow> {
        let (details, by) = (details.clone(), by.clone());
        self.writer.run("change a person", move |connection, _| {
            people::change_person(connection, id, &details, Chain::Now, &by)
        })
    }

    fn change_grants(&self, id: i64, change: GrantChange, by: &By) -> Changed<PersonRow> {
        let by = by.clone();
        self.writer.run("change what a person may do", move |connection, _| {
            people::change_grants(connection, id, change, &by)
        })
    }

    fn import_directory(&self, plan: &Plan, by: &By) -> Changed<Imported> {
        let (plan, by) = (plan.clone(), by.clone());
        self.writer.run("import the directory", move |connection, _| {
            // A refusal in the middle leaves nothing of what went before.
            connection.execute_batch("SAVEPOINT directory")?;
            let imported = import::apply(connection, &plan, &by)?;
            connection.execute_batch(match &imported {
                Ok(_) => "RELEASE directory",
                Err(_) => "ROLLBACK TO directory; RELEASE directory",
            })?;
            Ok(imported)
        })
    }

    fn all_units(&self) -> Result<Vec<UnitRow>, StoreError> {
        self.readers.with("list the units", people::units)
    }

    fn add_unit(&self, name: &str, parent: Option<i64>, by: &By) -> Changed<UnitRow> {
        let (name, by) = (name.to_owned(), by.clone());
        self.writer.run("add a unit", move |connection, _| people::add_unit(connection, &name, parent, &by))
    }

    fn change_unit(&self, id: i64, name: &str, parent: Option<i64>, by: &By) -> Changed<UnitRow> {
        let (name, by) = (name.to_owned(), by.clone());
        self.writer.run("change a unit", move |connection, _| {
            people::change_unit(connection, id, &name, parent, &by)
        })
    }

    fn note_reading(&self, reader: i64, what: Looked, now_ms: i64) -> Result<(), StoreError> {
        self.writer.run("note a reading", move |connection, _| {
            people::note_reading(connection, reader, what, now_ms)
        })
    }

    fn readings(&self, within: Option<&[i64]>, page: PageRequest) -> Result<Page<Reading>, StoreError> {
        self.readers.with("list the readings", |connection| people::readings(connection, within, page))
    }

    fn set_password(&self, name: &str, password: &str, by: &By) -> Result<bool, StoreError> {
        let (name, password, by) = (name.to_owned(), password.to_owned(), by.clone());
        self.writer.run("set a password", move |connection, _| {
            sign_in::set_password(connection, &name, &password, &by)
        })
    }

    fn credentials(&self, name: &str) -> Result<Option<(UserRow, Option<String>)>, StoreError> {
        self.readers.with("look a person up", |connection| sign_in::credentials(connection, name))
    }

    fn add_link(
        &self,
        name: &str,
        secret_hash: &SecretHash,
        expires_at_ms: i64,
        by: &By,
    ) -> Result<bool, StoreError> {
        let (name, secret_hash, by) = (name.to_owned(), *secret_hash, by.clone());
        self.writer.run("store a sign-in link", move |connection, _| {
            sign_in::add_link(connection, &name, &secret_hash, expires_at_ms, &by)
        })
    }

    fn take_link(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<Option<UserRow>, StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("use a sign-in link", move |connection, _| {
            sign_in::take_link(connection, &secret_hash, now_ms)
        })
    }

    fn begin_session(
        &self,
        person: i64,
        secret_hash: &SecretHash,
        by_link: bool,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("begin a session", move |connection, _| {
            sign_in::begin_session(connection, person, &secret_hash, by_link, now_ms)
        })
    }

    fn session(&self, secret_hash: &SecretHash) -> Result<Option<SessionRow>, StoreError> {
        self.readers.with("look a session up", |connection| sign_in::session(connection, secret_hash))
    }

    fn touch_session(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("note the use of a session", move |connection, _| {
            sign_in::touch_session(connection, &secret_hash, now_ms)
        })
    }

    fn end_session(&self, secret_hash: &SecretHash) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("end a session", move |connection, _| sign_in::end_session(connection, &secret_hash))
    }

    fn prune_sessions(
        &self,
        created_before_ms: i64,
        used_before_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.writer.run("drop old sessions", move |connection, _| {
            sign_in::prune_sessions(connection, created_before_ms, used_before_ms, now_ms)
        })
    }

    fn link_person(
        &self,
        secret_hash: &SecretHash,
        now_ms: i64,
    ) -> Result<Option<(UserRow, Option<i64>)>, StoreError> {
        self.readers
            .with("look a link up", |connection| sign_in::link_person(connection, secret_hash, now_ms))
    }

    fn confirm_session(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("confirm a session", move |connection, _| {
            sign_in::confirm_session(connection, &secret_hash, now_ms)
        })
    }

    fn totp(&self, person: i64) -> Result<Option<TotpRow>, StoreError> {
        self.readers.with("look a second factor up", |connection| second_factor::totp(connection, person))
    }

    fn begin_totp(&self, person: i64, sealed: &str) -> Result<bool, StoreError> {
        let sealed = sealed.to_owned();
        self.writer.run("begin a second factor", move |connection, _| {
            second_factor::begin(connection, person, &sealed)
        })
    }

    fn finish_totp(&self, person: i64, step: i64, recovery: &[String], by: &By) -> Result<bool, StoreError> {
        let (recovery, by) = (recovery.to_vec(), by.clone());
        self.writer.run("set a second factor up", move |connection, _| {
            second_factor::finish(connection, person, step, &recovery, &by)
        })
    }

    fn drop_totp(&self, person: i64, by: &By) -> Result<bool, StoreError> {
        let by = by.clone();
        self.writer.run("take a second factor away", move |connection, _| {
            second_factor::drop_totp(connection, person, &by)
        })
    }

    fn use_totp_step(&self, person: i64, step: i64) -> Result<bool, StoreError> {
        self.writer.run("take a code", move |connection, _| second_factor::use_step(connection, person, step))
    }

    fn set_recovery_codes(&self, person: i64, recovery: &[String], by: &By) -> Result<(), StoreError> {
        let (recovery, by) = (recovery.to_vec(), by.clone());
        self.writer.run("set recovery codes", move |connection, _| {
            second_factor::set_codes(connection, person, &recovery, &by)
        })
    }

    fn use_recovery_code(&self, person: i64, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
        let hash = hash.to_owned();
        self.writer.run("take a recovery code", move |connection, _| {
            second_factor::use_code(connection, person, &hash, now_ms)
        })
    }

    fn recovery_codes_left(&self, person: i64) -> Result<u64, StoreError> {
        self.readers.with("count recovery codes", |connection| second_factor::codes_left(connection, person))
    }

    fn totp_roles(&self) -> Result<Vec<Role>, StoreError> {
        self.readers.with("tell which roles take a second factor", second_factor::roles)
    }

    fn set_totp_roles(&self, roles: &[Role], by: &By) -> Result<(), StoreError> {
        let (roles, by) = (roles.to_vec(), by.clone());
        self.writer.run("set which roles take a second factor", move |connection, _| {
            second_factor::set_roles(connection, &roles, &by)
        })
    }

    fn add_api_token(
        &self,
        new: &NewApiToken,
        secret_hash: &SecretHash,
        by: &By,
    ) -> Result<ApiTokenRow, StoreError> {
        let (new, secret_hash, by) = (new.clone(), *secret_hash, by.clone());
        self.writer.run("store a token of a program", move |connection, _| {
            api_tokens::add(connection, &new, &secret_hash, &by)
        })
    }

    fn lacks_second_factor(&self, user: &UserRow) -> Result<bool, StoreError> {
        let user = user.clone();
        self.readers.with("look whether a second factor is demanded", |connection| {
            sign_in::lacks_second_factor(connection, &user)
        })
    }

    fn api_tokens(&self, person: Option<i64>) -> Result<Vec<ApiTokenRow>, StoreError> {
        self.readers.with("list the tokens of programs", |connection| api_tokens::list(connection, person))
    }

    fn api_token(
        &self,
        id: &str,
        secret_hash: &SecretHash,
    ) -> Result<Option<(ApiTokenRow, UserRow)>, StoreError> {
        self.readers.with("look a token up", |connection| {
            let Some(token) = api_tokens::find(connection, id, secret_hash)? else { return Ok(None) };
            let owner = sign_in::active(connection, token.person)?;
            Ok(owner.map(|owner| (token, owner)))
        })
    }

    fn touch_api_token(&self, id: &str, now_ms: i64) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.writer
            .run("note the use of a token", move |connection, _| api_tokens::touch(connection, &id, now_ms))
    }

    fn revoke_api_token(&self, id: &str, by: &By) -> Result<bool, StoreError> {
        let (id, by) = (id.to_owned(), by.clone());
        self.writer
            .run("revoke a token of a program", move |connection, _| api_tokens::revoke(connection, &id, &by))
    }
}
