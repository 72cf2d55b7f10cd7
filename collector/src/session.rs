//! Who is signed in: passwords, one-time links and sessions. Cookies and forms are `web`'s part.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};

use crate::api_token;
use crate::model::{ApiTokenRow, By, TotpRow, UserRow};
use crate::sealing::Sealing;
use crate::store::people::People;
use crate::store::{SecretHash, StoreError};
use crate::totp;

/// A session nobody used for this long is over.
pub const IDLE_LIMIT_MS: i64 = 8 * 3_600_000;
/// A session is over this long after it began, used or not.
pub const ABSOLUTE_LIMIT_MS: i64 = 7 * 86_400_000;
/// How long a one-time sign-in link works.
pub const LINK_LIFETIME_MS: i64 = 15 * 60_000;
/// How long a signature may follow after signing in again.
pub const FRESH_MS: i64 = 5 * 60_000;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Longest password, in bytes: bounds the work of a hash.
pub const PASSWORD_MAX_BYTES: usize = 1024;

/// Use is noted at most this often, so that reading pages does not keep the writer busy.
const TOUCH_EVERY_MS: i64 = 60_000;
/// argon2id, 19 MiB, 2 passes, 1 lane: the floor of OWASP's password storage advice.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes computed at the same time. Each takes [`MEMORY_KIB`]; the others wait.
const HASHES_AT_ONCE: usize = 2;

/// Signs people in and knows who is.
pub struct Sessions {
    store: Arc<dyn People>,
    sealing: Sealing,
    hashing: Gate,
    /// Checked when the name is unknown, so that the answer takes as long as for a known one.
    dummy: String,
}

/// A session just begun. The secret goes into the cookie and is kept nowhere.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Value of the cookie.
    pub secret: String,
    /// Who signed in.
    pub user: UserRow,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserRow,
    /// Token that every form of this session must carry.
    pub csrf: String,
    /// Unix time in milliseconds at which the session began.
    pub since_ms: i64,
    /// Whether they signed in again within [`FRESH_MS`].
    pub fresh: bool,
    /// A role of theirs takes a second factor, and none is set up.
    pub totp_missing: bool,
    /// They came by a sign-in link that somebody else made, and have not proved to be there since.
    pub by_link: bool,
}

/// What became of a one-time link.
#[derive(Debug, Clone)]
pub enum ByLink {
    /// It signed in.
    SignedIn(NewSession),
    /// It is unknown, used or too old.
    Spent,
    /// It takes a code as well, and the one that came does not fit.
    CodeNeeded,
}

impl Sessions {
    /// Sessions kept in `store`, with the secrets of second factors under a key.
    pub fn new(store: Arc<dyn People>, sealing: Sealing) -> Result<Self, SessionError> {
        let dummy = hash_password(&random_secret()?)?;
        Ok(Self { store, sealing, hashing: Gate::new(HASHES_AT_ONCE), dummy })
    }

    /// Signs in with name and password, and a code where a second factor is set up; `None` when they do not fit, and it is not told
    /// which. Blocking, for some 50 ms.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<Option<NewSession>, SessionError> {
        match self.proved(name, password, code, now_ms)? {
            Some(user) => self.begin(user, false, now_ms).map(Some),
            None => Ok(None),
        }
    }

    /// Signs in with a one-time link and uses it up. Of somebody with a second factor it takes a code too; a wrong one leaves the
    /// link as it is.
    pub fn sign_in_by_link(&self, secret: &str, code: &str, now_ms: i64) -> Result<ByLink, SessionError> {
        let hash = hash_secret(secret);
        let Some((user, made_by)) = self.store.link_person(&hash, now_ms)? else { return Ok(ByLink::Spent) };
        if !self.takes_code(&user, code, now_ms)? {
            return Ok(ByLink::CodeNeeded);
        }
        match self.store.take_link(&hash, now_ms)? {
            Some(user) => {
                let by_link = user.is_let_in(made_by);
                self.begin(user, by_link, now_ms).map(ByLink::SignedIn)
            }
            None => Ok(ByLink::Spent),
        }
    }

    /// Whether the person of a session is there, by password and, where there is a second factor, by a code. Then the session is
    /// fresh for [`FRESH_MS`].
    pub fn confirm(
        &self,
        secret: &str,
        password: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<bool, SessionError> {
        let Some(signed_in) = self.signed_in(secret, now_ms)? else { return Ok(false) };
        let proved = self.proved(&signed_in.user.name, password, code, now_ms)?.is_some();
        if proved {
            self.store.confirm_session(&hash_secret(secret), now_ms)?;
        }
        Ok(proved)
    }

    fn proved(
        &self,
        name: &str,
        password: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<Option<UserRow>, SessionError> {
        let found = self.store.credentials(&name.trim().to_lowercase())?;
        let hash = found.as_ref().and_then(|(_, hash)| hash.as_deref()).unwrap_or(&self.dummy);
        let fits =
            password.len() <= PASSWORD_MAX_BYTES && self.hashing.pass(|| verify_password(password, hash));
        match found {
            // A code is used up only behind the right password.
            Some((user, Some(_))) if fits && self.takes_code(&user, code, now_ms)? => Ok(Some(user)),
            _ => Ok(None),
        }
    }

    /// Whether a code of an app or a recovery code fits, which is used up then; or none is needed.
    fn takes_code(&self, user: &UserRow, code: &str, now_ms: i64) -> Result<bool, SessionError> {
        let Some(totp) = self.store.totp(user.id)?.filter(|totp| totp.confirmed) else {
            return Ok(!user.has_totp);
        };
        let secret = self.opened(user.id, &totp)?;
        if let Some(step) = secret.step_of(code, now_ms, totp.last_step) {
            return Ok(self.store.use_totp_step(user.id, step)?);
        }
        match totp::recovery_hash(user.id, code) {
            Some(hash) => Ok(self.store.use_recovery_code(user.id, &hash, now_ms)?),
            None => Ok(false),
        }
    }

    /// The secret to put into an app, while a second factor is being set up: the one that waits already, or a new one. `None` when
    /// one is set up.
    pub fn totp_to_set_up(&self, person: i64) -> Result<Option<totp::Secret>, SessionError> {
        match self.store.totp(person)? {
            Some(totp) if totp.confirmed => Ok(None),
            Some(totp) => self.opened(person, &totp).map(Some),
            None => {
                let secret = totp::Secret::random().ok_or(SessionError::Random)?;
                let sealed =
                    self.sealing.seal(&purpose(person), secret.bytes()).ok_or(SessionError::Random)?;
                Ok(self.store.begin_totp(person, &sealed)?.then_some(secret))
            }
        }
    }

    /// Sets the second factor up with its first code. The recovery codes, shown this once; `None` when the code does not fit.
    pub fn set_up_totp(&self, person: i64, code: &str, by: &By) -> Result<Option<Vec<String>>, SessionError> {
        let Some(totp) = self.store.totp(person)?.filter(|totp| !totp.confirmed) else { return Ok(None) };
        let secret = self.opened(person, &totp)?;
        let Some(step) = secret.step_of(code, by.at_ms, totp.last_step) else { return Ok(None) };
        let (codes, hashes) = recovery(person)?;
        Ok(self.store.finish_totp(person, step, &hashes, by)?.then_some(codes))
    }

    /// Recovery codes in place of those that were, shown this once.
    pub fn new_recovery_codes(&self, person: i64, by: &By) -> Result<Vec<String>, SessionError> {
        let (codes, hashes) = recovery(person)?;
        self.store.set_recovery_codes(person, &hashes, by)?;
        Ok(codes)
    }

    fn opened(&self, person: i64, totp: &TotpRow) -> Result<totp::Secret, SessionError> {
        let opened = self.sealing.open(&purpose(person), &totp.sealed).ok_or(SessionError::Sealed)?;
        Ok(totp::Secret::from_bytes(opened))
    }

    /// Who holds this cookie; `None` when the session is unknown or over.
    pub fn signed_in(&self, secret: &str, now_ms: i64) -> Result<Option<SignedIn>, SessionError> {
        let hash = hash_secret(secret);
        let Some(row) = self.store.session(&hash)? else { return Ok(None) };
        if now_ms - row.used_at_ms > IDLE_LIMIT_MS || now_ms - row.created_at_ms > ABSOLUTE_LIMIT_MS {
            self.store.end_session(&hash)?;
            return Ok(None);
        }
        if now_ms - row.used_at_ms > TOUCH_EVERY_MS {
            self.store.touch_session(&hash, now_ms)?;
        }
        let fresh = row.confirmed_at_ms != 0 && (0..=FRESH_MS).contains(&(now_ms - row.confirmed_at_ms));
        let csrf = csrf_token(secret);
        let since_ms = row.created_at_ms;
        let (totp_missing, by_link) = (row.totp_missing, row.by_link);
        Ok(Some(SignedIn { user: row.user.signed_in(now_ms), csrf, since_ms, fresh, totp_missing, by_link }))
    }

    /// Who a program acts for, by its token; `None` when the token is unknown, revoked or expired, or its owner is not active.
    pub fn by_token(&self, text: &str, now_ms: i64) -> Result<Option<(ApiTokenRow, UserRow)>, SessionError> {
        let Some((id, secret_hash)) = api_token::parse(text) else { return Ok(None) };
        let found = self.store.api_token(&id, &secret_hash)?.filter(|(token, _)| token.usable(now_ms));
        if let Some((token, _)) = &found
            && token.last_used_at_ms.is_none_or(|at_ms| now_ms - at_ms > TOUCH_EVERY_MS)
        {
            self.store.touch_api_token(&token.id, now_ms)?;
        }
        Ok(found)
    }

    /// Ends the session of this cookie.
    pub fn sign_out(&self, secret: &str) -> Result<(), SessionError> {
        Ok(self.store.end_session(&hash_secret(secret))?)
    }

    /// Makes a one-time link for a person; `None` when there is nobody of that name who may sign in. The secret is what
    /// [`Sessions::sign_in_by_link`] takes.
    pub fn new_link(&self, name: &str, by: &By) -> Result<Option<String>, SessionError> {
        let secret = random_secret()?;
        let known = self.store.add_link(name, &hash_secret(&secret), by.at_ms + LINK_LIFETIME_MS, by)?;
        Ok(known.then_some(secret))
    }

    /// Sets a person's password and ends all their sessions; `false` when there is no such person.
    pub fn set_password(&self, name: &str, password: &str, by: &By) -> Result<bool, SessionError> {
        if password.chars().count() < PASSWORD_MIN_CHARS || password.len() > PASSWORD_MAX_BYTES {
            return Err(SessionError::PasswordLength);
        }
        let hash = self.hashing.pass(|| hash_password(password))?;
        Ok(self.store.set_password(name, &hash, by)?)
    }

    /// A session for somebody whose session a change of their own has ended; `None` when there is nobody of that name. A password that was
    /// set after coming in by somebody else's link is the person's own: that the link was used is kept, and counts for a day.
    pub fn begin_anew(&self, name: &str, now_ms: i64) -> Result<Option<NewSession>, SessionError> {
        match self.store.credentials(name)? {
            Some((user, _)) => self.begin(user, false, now_ms).map(Some),
            None => Ok(None),
        }
    }

    fn begin(&self, user: UserRow, by_link: bool, now_ms: i64) -> Result<NewSession, SessionError> {
        let secret = random_secret()?;
        self.store.prune_sessions(now_ms - ABSOLUTE_LIMIT_MS, now_ms - IDLE_LIMIT_MS, now_ms)?;
        self.store.begin_session(user.id, &hash_secret(&secret), by_link, now_ms)?;
        Ok(NewSession { secret, user })
    }
}

/// What went wrong with signing in, apart from a wrong password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::Error),
    /// A secret in the database was not sealed with the key beside it.
    #[error("the secret of a second factor does not open with the key sealing.key of the data folder")]
    Sealed,
    /// The password is too short or too long.
    #[error(
        "a password needs at least {PASSWORD_MIN_CHARS} characters and at most {PASSWORD_MAX_BYTES} bytes"
    )]
    PasswordLength,
}

fn purpose(person: i64) -> String {
    format!("second factor of person {person}")
}

/// Recovery codes, and what is kept of them.
fn recovery(person: i64) -> Result<(Vec<String>, Vec<String>), SessionError> {
    let codes = totp::recovery_codes().ok_or(SessionError::Random)?;
    let hashes = codes.iter().filter_map(|code| totp::recovery_hash(person, code)).collect();
    Ok((codes, hashes))
}

/// 256 random bits, as 43 characters that need no escaping in a URL or cookie.
pub fn random_secret() -> Result<String, SessionError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SessionError::Random)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// What is stored of a secret.
pub fn hash_secret(secret: &str) -> SecretHash {
    let digest = ring::digest::digest(&ring::digest::SHA256, secret.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// A token that only the holder of the session's secret can know, and that does not tell it.
pub fn csrf_token(secret: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    BASE64URL_NOPAD.encode(ring::hmac::sign(&key, b"umbrascope form").as_ref())
}

fn argon2(memory_kib: u32, passes: u32) -> Result<Argon2<'static>, SessionError> {
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(SessionError::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// `argon2id$<KiB>$<passes>$<salt>$<hash>`: what a later version needs to check an older hash.
fn hash_password(password: &str) -> Result<String, SessionError> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| SessionError::Random)?;
    let mut hash = [0; 32];
    argon2(MEMORY_KIB, PASSES)?
        .hash_password_into(password.as_bytes(), &salt, &mut hash)
        .map_err(SessionError::Hash)?;
    Ok(format!("argon2id${MEMORY_KIB}${PASSES}${}${}", HEXLOWER.encode(&salt), HEXLOWER.encode(&hash)))
}

/// A stored hash that cannot be read fits no password.
fn verify_password(password: &str, stored: &str) -> bool {
    let fields: Vec<&str> = stored.split('$').collect();
    let ["argon2id", memory_kib, passes, salt, hash] = fields[..] else { return false };
    let (Ok(memory_kib), Ok(passes), Ok(salt), Ok(hash)) = (
        memory_kib.parse(),
        passes.parse(),
        HEXLOWER.decode(salt.as_bytes()),
        HEXLOWER.decode(hash.as_bytes()),
    ) else {
        return false;
    };
    let Ok(hasher) = argon2(memory_kib, passes) else { return false };
    let mut computed = [0; 32];
    hasher.hash_password_into(password.as_bytes(), &salt, &mut computed).is_ok()
        && same_bytes(&computed, &hash)
}

/// Compares in a time that does not depend on where the first difference stands.
pub(crate) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Lets a number of callers through at a time; the others wait.
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Gate {
    fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), freed: Condvar::new() }
    }

    fn pass<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let done = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(verify_password("correct horse battery", &hash));
        assert!(!verify_password("correct horse batterz", &hash));
        assert!(!verify_password("", "argon2id$nonsense"));
    }

    #[test]
    fn no_session_lasts_beyond_what_the_maker_of_its_link_answers_for() {
        const { assert!(ABSOLUTE_LIMIT_MS <= crate::review::LINK_OF_MS) }
    }

    #[test]
    fn the_same_password_hashes_differently_each_time() {
        assert_ne!(hash_password("correct horse").unwrap(), hash_password("correct horse").unwrap());
    }

    #[test]
    fn a_form_token_belongs_to_one_session() {
        assert_ne!(csrf_token("one"), csrf_token("two"));
        assert!(!csrf_token("one").contains("one"));
    }
}
