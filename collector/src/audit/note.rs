//! Signed notes and the checkpoints in them: C2SP signed-note and tlog-checkpoint (c2sp.org), Ed25519.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::entry::MAX_EXACT;
use super::hash::{Hash, sha256};

/// Own, old and witnesses' signatures fit many times; the format asks that 16 be taken.
const MAX_SIGNATURES: usize = 32;
/// A checkpoint has four short lines, and a signature of Ed25519 one of about 150 bytes.
pub(super) const MAX_NOTE_BYTES: usize = 16 * 1024;
/// Signature types of signed-note: plain Ed25519, and a witness's with its time.
const ED25519_NOTE: u8 = 1;
const ED25519_WITNESS: u8 = 4;

/// A text and the signatures over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Which key of that name ([`VerifyingKey::id`]).
    pub key_id: [u8; 4],
    /// What the key's algorithm made of the text.
    pub bytes: Vec<u8>,
}

/// What a signature is checked with: `<name>+<id>+<base64>`, the form that Go's note package gave the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    kind: u8,
    public: [u8; 32],
}

/// Why a note, a checkpoint or a key is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not written as a signed note.
    #[error("it is not a signed note ({0})")]
    Form(&'static str),
    /// Its text is no checkpoint of ours.
    #[error("it is not a checkpoint ({0})")]
    Checkpoint(&'static str),
    /// A verification key is not written as one.
    #[error("it is not a verification key: one is NAME+ID+BASE64, of Ed25519")]
    Key,
    /// None of its signatures is by a key that is known.
    #[error("it is signed by no key that is known")]
    Unknown,
    /// A known key did not sign this text.
    #[error("the signature of {0} does not fit the text")]
    Wrong(String),
}

impl Note {
    /// A text to be signed: lines that each end in a newline.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Form("it is too long"));
        }
        if !text.ends_with('\n') {
            return Err(NoteError::Form("its text does not end in a newline"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Form("it holds a control character"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note, which ends with its last signature.
    pub fn read(note: &str) -> Result<Self, NoteError> {
        // The last empty line parts text and signatures; the text may have empty lines of its own.
        let at = note.rfind("\n\n").ok_or(NoteError::Form("no empty line parts text and signatures"))?;
        let mut read = Self::new(note[..=at].to_owned())?;
        let lines = &note[at + 2..];
        if !lines.ends_with('\n') {
            return Err(NoteError::Form("its last line is not ended"));
        }
        for line in lines.trim_end_matches('\n').split('\n') {
            if read.signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::Form("it has too many signatures"));
            }
            read.signatures.push(line.parse()?);
        }
        Ok(read)
    }

    /// Adds a signature.
    #[must_use]
    pub fn with(mut self, signature: Signature) -> Self {
        self.signatures.push(signature);
        self
    }

    /// What is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its signatures, of keys known or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Which of `keys` signed it, by their place; never none. Signatures of other keys count for nothing, and a known key's that is
    /// wrong spoils the note, as the format asks.
    pub fn verify(&self, keys: &[VerifyingKey]) -> Result<Vec<usize>, NoteError> {
        let mut signers = Vec::new();
        for signature in &self.signatures {
            let Some(at) = keys.iter().position(|key| key.made(signature)) else { continue };
            if !keys[at].holds(&self.text, &signature.bytes) {
                return Err(NoteError::Wrong(signature.name.clone()));
            }
            signers.push(at);
        }
        if signers.is_empty() { Err(NoteError::Unknown) } else { Ok(signers) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\u{2014} {} {}", self.name, BASE64.encode(&[&self.key_id[..], &self.bytes].concat()))
    }
}

impl FromStr for Signature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        const FORM: NoteError = NoteError::Form("a signature line is — NAME BASE64");
        let (name, rest) =
            line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(FORM)?;
        if !is_key_name(name) {
            return Err(FORM);
        }
        let bytes = BASE64.decode(rest.as_bytes()).map_err(|_| FORM)?;
        let (key_id, bytes) = bytes.split_first_chunk().filter(|(_, bytes)| !bytes.is_empty()).ok_or(FORM)?;
        Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

impl VerifyingKey {
    /// The key that checks what an Ed25519 key of this name signed.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::Key);
        }
        Ok(Self { name: name.to_owned(), kind: ED25519_NOTE, public })
    }

    /// Name of the key; for a log's own key that of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key): which key of that name. It is a hint and no proof.
    pub fn id(&self) -> [u8; 4] {
        let Hash([a, b, c, d, ..]) = sha256(&[self.name.as_bytes(), b"\n", &[self.kind], &self.public]);
        [a, b, c, d]
    }

    /// What people compare: SHA-256 of the public key's 32 bytes, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        sha256(&[&self.public]).to_string()
    }

    /// Its 32 bytes (RFC 8032).
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether a signature says that it is by this key.
    pub fn made(&self, signature: &Signature) -> bool {
        signature.name == self.name && signature.key_id == self.id()
    }

    fn holds(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        if self.kind == ED25519_NOTE {
            return key.verify(text.as_bytes(), signature).is_ok();
        }
        // tlog-cosignature: eight bytes of Unix seconds stand before the signature, and are signed with the text.
        let Some((seconds, signature)) = signature.split_first_chunk() else { return false };
        let signed = format!("cosignature/v1\ntime {}\n{text}", u64::from_be_bytes(*seconds));
        key.verify(signed.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = BASE64.encode(&[&[self.kind], &self.public[..]].concat());
        write!(f, "{}+{}+{encoded}", self.name, HEXLOWER.encode(&self.id()))
    }
}

impl FromStr for VerifyingKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::Key)?;
        let (kind, public) = bytes.split_first().ok_or(NoteError::Key)?;
        if !matches!(*kind, ED25519_NOTE | ED25519_WITNESS) {
            return Err(NoteError::Key);
        }
        let public = public.try_into().map_err(|_| NoteError::Key)?;
        let key = Self { kind: *kind, ..Self::new(name, public)? };
        if HEXLOWER.encode(&key.id()) == id { Ok(key) } else { Err(NoteError::Key) }
    }
}

/// What the log came to at one moment: how many entries, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `<host>/aims/<name>`.
    pub origin: String,
    /// How many entries, from the first; at most [`MAX_EXACT`].
    pub size: u64,
    /// The root over their leaves.
    pub root: Hash,
    /// When it was made, Unix time in milliseconds by the collector's clock. An extension line: a claim of the signer.
    pub at_ms: i64,
}

impl Checkpoint {
    /// The text that is signed: four lines.
    pub fn text(&self) -> String {
        let root = BASE64.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\ntime {}\n", self.origin, self.size, self.at_ms)
    }

    /// Reads the text of a note and refuses what [`Checkpoint::text`] would not have written.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        const SHORT: NoteError = NoteError::Checkpoint("it has four lines: origin, size, root and time");
        let mut lines = text.split_terminator('\n');
        let mut line = || lines.next().ok_or(SHORT);
        let (origin, size, root, time) = (line()?, line()?, line()?, line()?);
        let size = size.parse().map_err(|_| NoteError::Checkpoint("its size is no number"))?;
        let root = BASE64.decode(root.as_bytes()).ok().and_then(|root| Hash::from_slice(&root));
        let root = root.ok_or(NoteError::Checkpoint("its root is no SHA-256 in base64"))?;
        let time = time.strip_prefix("time ").and_then(|time| time.parse().ok());
        let at_ms: i64 = time.ok_or(NoteError::Checkpoint("its time is no number"))?;
        let checkpoint = Self { origin: origin.to_owned(), size, root, at_ms };
        if size > MAX_EXACT || at_ms.unsigned_abs() > MAX_EXACT {
            return Err(NoteError::Checkpoint("a number is out of range"));
        }
        if origin.is_empty() || checkpoint.text() != text {
            return Err(NoteError::Checkpoint("it is written in another way than it has to be"));
        }
        Ok(checkpoint)
    }

    /// Reads a signed checkpoint; its signatures are not checked.
    pub fn of(note: &Note) -> Result<Self, NoteError> {
        Self::read(note.text())
    }
}

/// Key names are not empty and hold no space and no plus.
pub(super) fn is_key_name(name: &str) -> bool {
    let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    (1..=255).contains(&name.len()) && !name.contains(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::Keys;
    use super::*;

    /// A key and a note that the documentation of Go's note package signs with it.
    const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn keys() -> Keys {
        Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "host.example/aims/demo".into(),
            size: 3,
            root: Hash([9; 32]),
            at_ms: 1_764_200_000_000,
        }
    }

    #[test]
    fn a_note_of_others_verifies() {
        let key: VerifyingKey = GO_VKEY.parse().unwrap();
        assert_eq!(key.to_string(), GO_VKEY);
        let note = Note::read(GO_NOTE).unwrap();
        assert_eq!(note.to_string(), GO_NOTE);
        assert_eq!(note.verify(std::slice::from_ref(&key)), Ok(vec![0]));
        let changed = Note::read(&GO_NOTE.replace("problem is", "problem Is")).unwrap();
        assert_eq!(changed.verify(&[key]), Err(NoteError::Wrong("PeterNeumann".into())));
        assert_eq!(note.verify(&[]), Err(NoteError::Unknown));
    }

    #[test]
    fn a_checkpoint_is_four_lines_and_reads_back() {
        let text = checkpoint().text();
        assert_eq!(
            text,
            "host.example/aims/demo\n3\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\ntime 1764200000000\n"
        );
        assert_eq!(Checkpoint::read(&text).unwrap(), checkpoint());
        let bad = [
            text.replace("\n3\n", "\n03\n"),
            text.replace("\n3\n", "\n+3\n"),
            text.replace("\n3\n", "\n9007199254740992\n"),
            text.replace("CQk=\n", "CQl=\n"),
            text.replace("time ", ""),
            text.replace("host.example/aims/demo", ""),
            format!("{text}more\n"),
            text.trim_end().to_owned(),
            String::new(),
        ];
        assert!(bad.iter().all(|text| Checkpoint::read(text).is_err()), "{bad:?}");
    }

    #[test]
    fn any_changed_byte_of_a_signed_checkpoint_is_noticed() {
        let keys = keys();
        let signed = keys.sign_checkpoint(&checkpoint()).unwrap().to_string();
        let taken = |bytes: &[u8]| -> Option<Checkpoint> {
            let note = Note::read(std::str::from_utf8(bytes).ok()?).ok()?;
            note.verify(&[keys.vkey().clone()]).ok()?;
            Checkpoint::of(&note).ok()
        };
        assert_eq!(taken(signed.as_bytes()), Some(checkpoint()));
        for at in 0..signed.len() {
            for with in [1, 0x20, 0x80] {
                let mut bytes = signed.clone().into_bytes();
                bytes[at] ^= with;
                assert_eq!(taken(&bytes), None, "byte {at}");
            }
            assert_eq!(taken(&signed.as_bytes()[..at]), None, "the first {at} bytes");
        }
    }

    #[test]
    fn a_witness_signs_beside_the_log() {
        let (log, witness) = (keys(), super::super::SigningKey::create("witness.example/w1").unwrap());
        let note = log.sign_checkpoint(&checkpoint()).unwrap();
        let seconds = 1_764_200_000_u64;
        let vkey = VerifyingKey { kind: ED25519_WITNESS, ..witness.vkey().clone() };
        let text = format!("cosignature/v1\ntime {seconds}\n{}", note.text());
        let signature = witness.sign(&text);
        let bytes = [&seconds.to_be_bytes()[..], &signature.bytes].concat();
        let cosigned = note.with(Signature { key_id: vkey.id(), bytes, ..signature });
        let read = Note::read(&cosigned.to_string()).unwrap();
        let known = [log.vkey().clone(), vkey.to_string().parse().unwrap()];
        assert_eq!(read.verify(&known), Ok(vec![0, 1]));
        // Who knows only the log takes the note too.
        assert_eq!(read.verify(&known[..1]), Ok(vec![0]));
    }

    #[test]
    fn what_is_not_written_as_a_note_is_none() {
        let bad = [
            "",
            "text\n",
            "text\n\n",
            "text\n\n— name\n",
            "text\n\n— name AAAA\n",
            "text\n\n- name AAAAAAAA\n",
            "text\r\n\n— n AAAAAAAA\n",
        ];
        assert!(bad.iter().all(|text| Note::read(text).is_err()));
        assert!(Note::read("te\n\nxt\n\n— n AAAAAAAA\n").is_ok());
        let bad = ["", "a+b", "a+00000000+AQ==", "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"];
        assert!(bad.iter().all(|text| text.parse::<VerifyingKey>().is_err()));
        assert!(GO_VKEY.replace("c74f", "c74e").parse::<VerifyingKey>().is_err());
    }
}
