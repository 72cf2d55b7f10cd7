//! Keys and signatures, in minisign's forms.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use super::error::Error;

/// Stands where minisign puts a comment that nobody signed.
const UNTRUSTED: &str = "untrusted comment: umbrascope bundle";
const TRUSTED: &str = "trusted comment: ";
/// Algorithm, key id, key.
const KEY_BYTES: usize = 42;
/// Algorithm, key id, signature.
const SIGNATURE_BYTES: usize = 74;
/// Prehashed, which minisign signs by since 0.10.
const PREHASHED: &[u8] = b"ED";

/// Which key, as minisign prints it: tells keys apart, proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl FromStr for KeyId {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<KeyId, NoKey> {
        let id = u64::from_str_radix(text, 16).map(|id| KeyId(id.to_le_bytes())).map_err(|_| NoKey)?;
        // One spelling only.
        if id.to_string() == text { Ok(id) } else { Err(NoKey) }
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is the line that begins with RW in a minisign .pub file")]
pub struct NoKey;

/// A key that signatures are checked with.
#[derive(Clone)]
pub struct PublicKey {
    id: KeyId,
    text: String,
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// Which one it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The keys of a text, a line each; lines that begin with `#` or `untrusted comment:` say something about them.
    pub fn list(text: &str) -> Result<Vec<PublicKey>, NoKey> {
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| {
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("untrusted comment:")
        });
        keys.map(str::parse).collect()
    }
}

impl FromStr for PublicKey {
    type Err = NoKey;

    /// The line of base64, or the whole file that minisign writes.
    fn from_str(text: &str) -> Result<PublicKey, NoKey> {
        let line = match text.trim().split_once('\n') {
            Some((comment, line)) if comment.starts_with("untrusted comment:") => line.trim(),
            Some(_) => return Err(NoKey),
            None => text.trim(),
        };
        let bytes = BASE64.decode(line.as_bytes()).map_err(|_| NoKey)?;
        let id = bytes.get(2..10).and_then(|id| id.try_into().ok()).ok_or(NoKey)?;
        if bytes.len() != KEY_BYTES {
            return Err(NoKey);
        }
        let key = minisign_verify::PublicKey::from_base64(line).map_err(|_| NoKey)?;
        Ok(PublicKey { id: KeyId(id), text: line.to_owned(), key })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.text)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        self.text == other.text
    }
}

impl Eq for PublicKey {}

/// Checks a signature in the one spelling that [`canonical`] gives. Returns who signed.
pub(super) fn verify(signed: &[u8], signature: &[u8], keys: &[PublicKey]) -> Result<KeyId, Error> {
    let text = std::str::from_utf8(signature).map_err(|_| Error::BadSignature("it is no text"))?;
    if canonical(text)? != text {
        return Err(Error::BadSignature("it is not in the one spelling that a bundle has"));
    }
    let signer = signer(text)?;
    let signature = minisign_verify::Signature::decode(text)
        .map_err(|_| Error::BadSignature("it is none of minisign"))?;
    let mut named = keys.iter().filter(|key| key.id == signer).peekable();
    if named.peek().is_none() {
        return Err(Error::UnknownKey { key: signer });
    }
    // Two keys may have the same id by chance, or by intent: any of them will do, since all are trusted.
    if named.any(|key| key.key.verify(signed, &signature, false).is_ok()) {
        Ok(signer)
    } else {
        Err(Error::Forged { key: signer })
    }
}

/// A signature file of minisign with a comment that is always the same, since nobody signs that one.
pub(super) fn canonical(minisig: &str) -> Result<String, Error> {
    let mut lines = minisig.lines();
    let mut next = || lines.next().ok_or(Error::BadSignature("it has fewer than four lines"));
    let (untrusted, first, trusted, second) = (next()?, next()?, next()?, next()?);
    if lines.next().is_some() || !untrusted.starts_with("untrusted comment:") {
        return Err(Error::BadSignature("it is none of minisign"));
    }
    let comment = trusted.strip_prefix(TRUSTED).ok_or(Error::BadSignature("it has no trusted comment"))?;
    if comment.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Error::BadSignature("its comment holds control characters"));
    }
    let bytes = decode(first, SIGNATURE_BYTES)?;
    if !bytes.starts_with(PREHASHED) {
        return Err(Error::BadSignature("it is of minisign's legacy kind: sign without -l"));
    }
    let global = decode(second, 64)?;
    Ok(format!("{UNTRUSTED}\n{}\n{TRUSTED}{comment}\n{}\n", BASE64.encode(&bytes), BASE64.encode(&global)))
}

fn signer(canonical: &str) -> Result<KeyId, Error> {
    let line = canonical.lines().nth(1).unwrap_or_default();
    let bytes = decode(line, SIGNATURE_BYTES)?;
    let id = bytes.get(2..10).and_then(|id| id.try_into().ok());
    id.map(KeyId).ok_or(Error::BadSignature("it names no key"))
}

fn decode(line: &str, length: usize) -> Result<Vec<u8>, Error> {
    let bytes = BASE64.decode(line.as_bytes()).map_err(|_| Error::BadSignature("it is no base64"))?;
    if bytes.len() == length { Ok(bytes) } else { Err(Error::BadSignature("it is too long or too short")) }
}
