//! The collector's key of the audit trail. It stands in a file beside the database, so that who can only write the database can
//! make no checkpoint.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::note::{Checkpoint, Note, NoteError, Signature, VerifyingKey, is_key_name};

/// The first line of a key's file, for whoever finds it.
const COMMENT: &str = "# secret key that this collector signs its audit trail with";

/// One Ed25519 key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    vkey: VerifyingKey,
}

/// The keys in a file: one, or two while the first is being replaced by the second.
#[derive(Debug)]
pub struct Keys {
    current: SigningKey,
    /// The key before, until a checkpoint that covers the entry of the change is signed by both.
    leaving: Option<SigningKey>,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The text of its file is not one.
    #[error("the text is no key of an audit trail")]
    Form,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The key of before has not been left yet.
    #[error("a change of the key is under way already: wait for the next checkpoint")]
    Changing,
}

impl SigningKey {
    /// A new key.
    pub fn create(name: &str) -> Result<Self, KeysError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeysError::Random)?;
        Self::from_seed(name, seed)
    }

    /// The key of 32 secret bytes (RFC 8032, 5.1.5).
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeysError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeysError::Form)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeysError::Form)?;
        let vkey = VerifyingKey::new(name, public).map_err(|_| KeysError::Form)?;
        Ok(Self { pair, seed, vkey })
    }

    /// What its signatures are checked with.
    pub fn vkey(&self) -> &VerifyingKey {
        &self.vkey
    }

    /// Its signature over a note's text.
    pub fn sign(&self, text: &str) -> Signature {
        let bytes = self.pair.sign(text.as_bytes()).as_ref().to_vec();
        Signature { name: self.vkey.name().to_owned(), key_id: self.vkey.id(), bytes }
    }

    /// The line of a key's file, in the form of Go's note package.
    fn line(&self) -> String {
        let secret = BASE64.encode(&[&[1], &self.seed[..]].concat());
        format!("PRIVATE+KEY+{}+{}+{secret}\n", self.vkey.name(), HEXLOWER.encode(&self.vkey.id()))
    }

    fn read(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
        let (name, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let secret = BASE64.decode(secret.as_bytes()).ok()?;
        let seed = secret.strip_prefix(&[1])?.try_into().ok()?;
        let key = Self::from_seed(name, seed).ok()?;
        (HEXLOWER.encode(&key.vkey.id()) == id).then_some(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.vkey)
    }
}

impl Keys {
    /// The text of a new key's file. `origin` names the log for good: `<host>/aims/<name>`, without spaces and plus.
    pub fn create(origin: &str) -> Result<String, KeysError> {
        if !is_key_name(origin) {
            return Err(KeysError::Form);
        }
        Ok(file(&[&SigningKey::create(origin)?]))
    }

    /// Reads a key's file.
    pub fn load(text: &str) -> Result<Self, KeysError> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys = lines.map(SigningKey::read).collect::<Option<Vec<_>>>().ok_or(KeysError::Form)?;
        let current = keys.pop().ok_or(KeysError::Form)?;
        let leaving = keys.pop();
        let one_log = leaving.as_ref().is_none_or(|key| key.vkey.name() == current.vkey.name());
        if keys.is_empty() && one_log { Ok(Self { current, leaving }) } else { Err(KeysError::Form) }
    }

    /// Which log they sign.
    pub fn origin(&self) -> &str {
        self.current.vkey.name()
    }

    /// What the current key's signatures are checked with.
    pub fn vkey(&self) -> &VerifyingKey {
        &self.current.vkey
    }

    /// The current key.
    pub fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The key before, while it is being replaced.
    pub fn leaving(&self) -> Option<&VerifyingKey> {
        self.leaving.as_ref().map(|key| &key.vkey)
    }

    /// A signed checkpoint; by both keys while one replaces the other.
    pub fn sign_checkpoint(&self, checkpoint: &Checkpoint) -> Result<Note, NoteError> {
        let text = checkpoint.text();
        let note = Note::new(text.clone())?;
        let note = match &self.leaving {
            None => note,
            Some(leaving) => note.with(leaving.sign(&text)),
        };
        Ok(note.with(self.current.sign(&text)))
    }

    /// A note signed by the current key: what is no checkpoint. Its text must not read as one.
    pub fn sign_text(&self, text: String) -> Result<Note, NoteError> {
        let signature = self.current.sign(&text);
        Ok(Note::new(text)?.with(signature))
    }

    /// The file's text with a new key beside the one that leaves. Both sign from then on, until [`Keys::settled`].
    pub fn rotated(&self) -> Result<String, KeysError> {
        if self.leaving.is_some() {
            return Err(KeysError::Changing);
        }
        Ok(file(&[&self.current, &SigningKey::create(self.origin())?]))
    }

    /// The file's text without the key that left, once a checkpoint signed by both is stored.
    pub fn settled(&self) -> String {
        file(&[&self.current])
    }
}

fn file(keys: &[&SigningKey]) -> String {
    let lines: String = keys.iter().map(|key| key.line()).collect();
    format!("{COMMENT}\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::super::Hash;
    use super::*;

    #[test]
    fn the_vectors_of_rfc_8032_come_out() {
        // 7.1, TEST 1: the empty message.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed = HEXLOWER.decode(seed.as_bytes()).unwrap().try_into().unwrap();
        let key = SigningKey::from_seed("a", seed).unwrap();
        assert_eq!(
            HEXLOWER.encode(key.vkey().public()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            HEXLOWER.encode(&key.sign("").bytes),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
    }

    #[test]
    fn a_key_is_replaced_with_both_signing_once() {
        let first = Keys::load(&Keys::create("h/aims/x").unwrap()).unwrap();
        let both = Keys::load(&first.rotated().unwrap()).unwrap();
        assert_eq!(both.leaving(), Some(first.vkey()));
        assert_ne!(both.vkey(), first.vkey());
        assert!(matches!(both.rotated(), Err(KeysError::Changing)));
        let checkpoint = Checkpoint { origin: both.origin().into(), size: 1, root: Hash([1; 32]), at_ms: 5 };
        let note = both.sign_checkpoint(&checkpoint).unwrap();
        let keys = [first.vkey().clone(), both.vkey().clone()];
        assert_eq!(note.verify(&keys), Ok(vec![0, 1]));
        let after = Keys::load(&both.settled()).unwrap();
        assert_eq!((after.vkey(), after.leaving()), (both.vkey(), None));
        let note = after.sign_checkpoint(&checkpoint).unwrap();
        assert_eq!(note.verify(&keys[..1]), Err(NoteError::Unknown));
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_a_key_never_shows_itself() {
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(Keys::create(name).is_err(), "{name:?}");
        }
        let text = Keys::create("h/aims/x").unwrap();
        let other = Keys::create("h/aims/y").unwrap();
        let line = text.lines().last().unwrap();
        let bad = [
            String::new(),
            "no key".into(),
            format!("{text}{other}"),
            format!("{text}{text}{text}"),
            text.replace("h/aims", "H/aims"),
        ];
        assert!(bad.iter().all(|text| Keys::load(text).is_err()));
        // Its own letters may be pluses too.
        let secret = line.splitn(5, '+').nth(4).unwrap();
        assert!(!format!("{:?}", Keys::load(&text).unwrap()).contains(secret));
    }
}
