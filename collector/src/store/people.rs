//! What is kept of people: the directory, roles, units, and who is signed in.

use super::{Personal, SecretHash, SessionRow, StoreError};
use crate::directory::Plan;
use crate::model::{
    ApiTokenRow, By, GrantChange, Looked, NewApiToken, Page, PageRequest, PersonDetails, PersonFilter,
    PersonRow, Reading, Role, TotpRow, UnitRow, UserRow,
};
use crate::people::PersonRefused;

/// What became of a change of people: the person as they are now, or why it was refused; then nothing was changed.
pub type Changed<T> = Result<Result<T, PersonRefused>, StoreError>;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// People added.
    pub added: u64,
    /// People changed.
    pub changed: u64,
    /// People set aside.
    pub set_aside: u64,
}

/// People, their roles and their sessions. Blocking: call it from a blocking thread.
pub trait People: Personal {
    /// The directory, by name.
    fn people(&self, filter: &PersonFilter, page: PageRequest) -> Result<Page<PersonRow>, StoreError>;
    /// One person; `None` when there is none.
    fn person(&self, id: i64) -> Result<Option<PersonRow>, StoreError>;
    /// One person by the sign-in name.
    fn person_named(&self, name: &str) -> Result<Option<PersonRow>, StoreError>;
    /// Adds a person under a sign-in name.
    fn add_person(
        &self,
        name: &str,
        details: &PersonDetails,
        demonstration: bool,
        by: &By,
    ) -> Changed<PersonRow>;
    /// Changes what is known of a person. Who is no longer active is signed out.
    fn change_person(&self, id: i64, details: &PersonDetails, by: &By) -> Changed<PersonRow>;
    /// Changes what a person may do, and ends their sessions.
    fn change_grants(&self, id: i64, change: GrantChange, by: &By) -> Changed<PersonRow>;

    /// Does what a plan says, all of it or nothing. Who is new, changed and set aside, in numbers.
    fn import_directory(&self, plan: &Plan, by: &By) -> Changed<Imported>;

    /// Units by name.
    fn all_units(&self) -> Result<Vec<UnitRow>, StoreError>;
    /// Adds a unit.
    fn add_unit(&self, name: &str, parent: Option<i64>, by: &By) -> Changed<UnitRow>;
    /// Renames a unit, or puts it elsewhere in the tree.
    fn change_unit(&self, id: i64, name: &str, parent: Option<i64>, by: &By) -> Changed<UnitRow>;

    /// Whether a second factor is demanded of a person who has none.
    fn lacks_second_factor(&self, user: &UserRow) -> Result<bool, StoreError>;
    /// Notes that somebody looked at what is close to a person. How long that is kept, retention says.
    fn note_reading(&self, reader: i64, what: Looked, now_ms: i64) -> Result<(), StoreError>;
    /// Who looked at what, newest first. Of some units only, where these are given: the machine that was read about belongs to one or, of an
    /// export, who took it away.
    fn readings(&self, within: Option<&[i64]>, page: PageRequest) -> Result<Page<Reading>, StoreError>;

    /// Sets the password's hash and ends the person's sessions; `false` when there is none of that name.
    fn set_password(&self, name: &str, password: &str, by: &By) -> Result<bool, StoreError>;
    /// Somebody who may sign in and the hash of the password, by name.
    fn credentials(&self, name: &str) -> Result<Option<(UserRow, Option<String>)>, StoreError>;
    /// Stores a one-time sign-in link; `false` when there is nobody of that name who may sign in.
    fn add_link(
        &self,
        name: &str,
        secret_hash: &SecretHash,
        expires_at_ms: i64,
        by: &By,
    ) -> Result<bool, StoreError>;
    /// Uses a link up. `None` when there is none, or its time is over.
    fn take_link(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<Option<UserRow>, StoreError>;
    /// Begins a session and notes the sign-in. `by_link`: with a link that somebody else made, and nothing of the person's own.
    fn begin_session(
        &self,
        person: i64,
        secret_hash: &SecretHash,
        by_link: bool,
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// A session and its person.
    fn session(&self, secret_hash: &SecretHash) -> Result<Option<SessionRow>, StoreError>;
    /// Notes that a session is in use.
    fn touch_session(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError>;
    /// Ends a session.
    fn end_session(&self, secret_hash: &SecretHash) -> Result<(), StoreError>;
    /// Who a link is for and who made it, without using it up; made by nobody: by a command on the collector's machine. `None` when there
    /// is none, or its time is over.
    fn link_person(
        &self,
        secret_hash: &SecretHash,
        now_ms: i64,
    ) -> Result<Option<(UserRow, Option<i64>)>, StoreError>;
    /// Notes that the person of a session proved to be there.
    fn confirm_session(&self, secret_hash: &SecretHash, now_ms: i64) -> Result<(), StoreError>;

    /// The second factor of a person; `None` when none is set up or being set up.
    fn totp(&self, person: i64) -> Result<Option<TotpRow>, StoreError>;
    /// Keeps a sealed secret that waits for its first code. `false` when one is set up already.
    fn begin_totp(&self, person: i64, sealed: &str) -> Result<bool, StoreError>;
    /// Sets the second factor up, with hashes of recovery codes. `false` when none waits, or the step was used.
    fn finish_totp(&self, person: i64, step: i64, recovery: &[String], by: &By) -> Result<bool, StoreError>;
    /// Takes the second factor and the recovery codes away and ends the person's sessions; `false` when there was none.
    fn drop_totp(&self, person: i64, by: &By) -> Result<bool, StoreError>;
    /// Uses a time step up; `false` when it or a later one was used.
    fn use_totp_step(&self, person: i64, step: i64) -> Result<bool, StoreError>;
    /// Replaces the recovery codes.
    fn set_recovery_codes(&self, person: i64, recovery: &[String], by: &By) -> Result<(), StoreError>;
    /// Uses a recovery code up; `false` when there is none that hashes so, or it was used.
    fn use_recovery_code(&self, person: i64, hash: &str, now_ms: i64) -> Result<bool, StoreError>;
    /// Recovery codes that are left.
    fn recovery_codes_left(&self, person: i64) -> Result<u64, StoreError>;
    /// Roles that take a second factor.
    fn totp_roles(&self) -> Result<Vec<Role>, StoreError>;
    /// Sets which do.
    fn set_totp_roles(&self, roles: &[Role], by: &By) -> Result<(), StoreError>;

    /// Keeps a token of a program whose secret hashes to `secret_hash`.
    fn add_api_token(
        &self,
        new: &NewApiToken,
        secret_hash: &SecretHash,
        by: &By,
    ) -> Result<ApiTokenRow, StoreError>;
    /// Tokens of one person, or everybody's; the newest first, a thousand at most.
    fn api_tokens(&self, person: Option<i64>) -> Result<Vec<ApiTokenRow>, StoreError>;
    /// A token and its owner as they may act now; `None` when there is none of that secret, or the owner is not active.
    fn api_token(
        &self,
        id: &str,
        secret_hash: &SecretHash,
    ) -> Result<Option<(ApiTokenRow, UserRow)>, StoreError>;
    /// Notes that a token is in use.
    fn touch_api_token(&self, id: &str, now_ms: i64) -> Result<(), StoreError>;
    /// Revokes a token; `false` when there is none of that id that is not revoked.
    fn revoke_api_token(&self, id: &str, by: &By) -> Result<bool, StoreError>;

    /// Drops sessions and links whose time is over. `created_before` and `used_before` in Unix milliseconds.
    fn prune_sessions(
        &self,
        created_before_ms: i64,
        used_before_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError>;
}

/// The whole directory, those set aside too.
pub fn everybody(people: &(impl People + ?Sized)) -> Result<Vec<PersonRow>, StoreError> {
    let all = PersonFilter { inactive: true, ..PersonFilter::default() };
    let mut page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
    let mut rows = Vec::new();
    loop {
        let found = people.people(&all, page)?;
        page.offset += u64::from(PageRequest::MAX_LIMIT);
        let last = page.offset >= found.total;
        rows.extend(found.rows);
        if last {
            return Ok(rows);
        }
    }
}
