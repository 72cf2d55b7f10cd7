//! Enrolment tokens as a person copies them: `umb1-<id>-<secret>-<fingerprint>`. The id is public, the
//! secret is kept as its hash only, and the fingerprint (SHA-256 of the authority's certificate) tells the
//! agent whom to trust before it sends anything.

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};

use crate::model::{NewToken, TokenId, TokenRow};
use crate::session::{SessionError, hash_secret, random_secret};
use crate::store::{SecretHash, Store};

/// First part of every token: what it is, and the version of its form.
const PREFIX: &str = "umb1-";
/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 16;

/// Where agents enrol, for the command that a person copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnrolmentPoint {
    /// Address of the agents' listener, as agents reach it.
    pub url: String,
    /// SHA-256 of the authority's certificate, lower-case hexadecimal.
    pub ca_sha256: String,
}

/// Makes a token and stores the hash of its secret. The text is what the person is shown, once.
pub fn create(
    store: &dyn Store,
    token: &NewToken,
    ca_sha256: &str,
    now_ms: i64,
) -> Result<(TokenRow, String), SessionError> {
    let mut bytes = [0; ID_DIGITS / 2];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SessionError::Random)?;
    let id = TokenId(HEXLOWER.encode(&bytes));
    let secret = random_secret()?;
    let row = store.create_token(&id, &hash_secret(&secret), token, now_ms)?;
    Ok((row, format!("{PREFIX}{id}-{secret}-{ca_sha256}")))
}

/// Reads a token as an agent sent it; `None` when it is none. Its secret leaves as a hash.
pub fn parse(text: &str) -> Option<(TokenId, SecretHash)> {
    let (id, rest) = text.trim().strip_prefix(PREFIX)?.split_once('-')?;
    let (secret, _fingerprint) = rest.rsplit_once('-')?;
    let hexadecimal =
        id.len() == ID_DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hexadecimal && !secret.is_empty()).then(|| (TokenId(id.to_owned()), hash_secret(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_with_dashes_is_read_whole() {
        let (id, hash) = parse("umb1-0123456789abcdef-a-b_c-d-00ff").unwrap();
        assert_eq!(id.0, "0123456789abcdef");
        assert_eq!(hash, hash_secret("a-b_c-d"));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in [
            "",
            "umb1-",
            "umb1-0123456789abcdef-00ff",
            "umb1-xyz-a-00ff",
            "umb1-0123456789ABCDEF-a-00ff",
            "0123",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
