//! Tokens of programs as they are copied: `umt1-<id>-<secret>`. The id is public, the secret is kept as its hash only.

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};

use crate::model::{ApiTokenRow, By, NewApiToken, Scope};
use crate::session::{SessionError, hash_secret, random_secret};
use crate::store::SecretHash;
use crate::store::people::People;

/// First part of every token: what it is, and the version of its form.
const PREFIX: &str = "umt1-";
/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 16;

/// Makes a token in the name of a person and stores the hash of its secret. The text is what the person is shown, once.
pub fn create(
    people: &dyn People,
    person: i64,
    label: &str,
    scopes: Vec<Scope>,
    expires_at_ms: i64,
    by: &By,
) -> Result<(ApiTokenRow, String), SessionError> {
    let mut bytes = [0; ID_DIGITS / 2];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SessionError::Random)?;
    let secret = random_secret()?;
    let new =
        NewApiToken { id: HEXLOWER.encode(&bytes), person, label: label.to_owned(), scopes, expires_at_ms };
    let text = format!("{PREFIX}{}-{secret}", new.id);
    Ok((people.add_api_token(&new, &hash_secret(&secret), by)?, text))
}

/// Reads a token as a program sent it; `None` when it is none. Its secret leaves as a hash.
pub fn parse(text: &str) -> Option<(String, SecretHash)> {
    let (id, secret) = text.trim().strip_prefix(PREFIX)?.split_once('-')?;
    let hexadecimal =
        id.len() == ID_DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hexadecimal && !secret.is_empty()).then(|| (id.to_owned(), hash_secret(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_whole_or_not_at_all() {
        let (id, hash) = parse(" umt1-0123456789abcdef-a-b_c ").unwrap();
        assert_eq!((id.as_str(), hash), ("0123456789abcdef", hash_secret("a-b_c")));
        for text in ["", "umt1-", "umt1-0123456789abcdef-", "umt1-xyz-a", "umb1-0123456789abcdef-a"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
