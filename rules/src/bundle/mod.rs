//! A catalogue on its way: one file that anybody may carry and only who holds a key can make.
//!
//! # Layout
//! `umbrascope bundle 1`, a line feed; the length of the manifest (4 bytes, big-endian) and the manifest; the length of the
//! signature and the signature; then the parts, one after the other, in the order and of the lengths that the manifest gives.
//! Nothing follows. The manifest ([`Manifest`]) is text in one spelling only; the signature is that of minisign (Ed25519 over
//! BLAKE2b-512) over the manifest's bytes, with an untrusted comment that is always the same, so that no byte of the file
//! can be changed without notice.
//!
//! # What is checked, in this order
//! [`read`]: lengths, the signature by one of the keys handed in, the manifest, the kind, each part's SHA-256, and that nothing
//! follows. [`Manifest::admit`]: not expired, and no way back behind what was taken before. [`Bundle::compiled`]: a part of
//! this program's layout that is a catalogue. Reading is total: every input gives a bundle or an [`Error`], and none makes it
//! reserve more than [`MAX_BYTES`] and [`MAX_PART_BYTES`] allow.
//!
//! Who may sign what is the caller's to know: keys come with the call, for one [`Kind`].

mod error;
mod key;
mod manifest;

use std::borrow::Cow;

use ring::digest::{SHA256, digest};

use crate::catalogue::{Catalogue, Text};
use crate::compile;
use crate::compiled::LAYOUT;
use crate::date::Date;
use crate::matcher::Matcher;

pub use error::Error;
pub use key::{KeyId, NoKey, PublicKey};
pub use manifest::{Encoding, Hash, Kind, Manifest, Mark, Part};

/// Longest bundle, in bytes: ten times what the catalogue has become.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longest part, in bytes, once it is unpacked.
pub const MAX_PART_BYTES: usize = 8 * 1024 * 1024;
/// Longest manifest and signature, in bytes.
const MAX_MANIFEST_BYTES: usize = 4096;
const MAX_SIGNATURE_BYTES: usize = 1024;

const FORMAT: &[u8] = b"umbrascope bundle ";
const MAGIC: &[u8] = b"umbrascope bundle 1\n";

/// Whose catalogues every program of this build takes.
const RELEASE_KEYS: &str = include_str!("../../catalogue.keys");

/// A bundle whose signature and hashes are right.
#[derive(Debug)]
pub struct Bundle<'b> {
    /// What is signed.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's bytes: tells two bundles of one number apart.
    pub digest: Hash,
    /// Who signed.
    pub key: KeyId,
    parts: &'b [u8],
}

/// Reads a bundle that one of `keys` signed. Time and what came before are for [`Manifest::admit`].
pub fn read<'b>(bytes: &'b [u8], keys: &[PublicKey], wanted: Kind) -> Result<Bundle<'b>, Error> {
    let Pieces { manifest: signed, signature, parts } = Pieces::of(bytes)?;
    let key = key::verify(signed, signature, keys)?;
    let manifest = Manifest::parse(signed)?;
    if manifest.kind != wanted {
        return Err(Error::OtherKind { found: manifest.kind, wanted });
    }
    let mut rest = parts;
    for part in &manifest.parts {
        let (stored, after) = rest.split_at_checked(part.stored as usize).ok_or(Error::Truncated)?;
        if sha256(stored) != part.sha256 {
            return Err(Error::Altered { part: part.name.clone() });
        }
        rest = after;
    }
    if !rest.is_empty() {
        return Err(Error::Trailing { bytes: rest.len() });
    }
    Ok(Bundle { digest: sha256(signed), key, manifest, parts })
}

/// Reads a catalogue's bundle that may be worked with: one of `keys` signed it, and it is not older than what this program came
/// with. Whether it may be taken is for [`Manifest::admit`].
pub fn read_usable<'b>(bytes: &'b [u8], keys: &[PublicKey]) -> Result<Bundle<'b>, Error> {
    let bundle = read(bytes, keys, Kind::Catalogue)?;
    let (number, floor) = (bundle.manifest.number, floor());
    if number < floor { Err(Error::Older { number, floor }) } else { Ok(bundle) }
}

/// The number of the catalogue that this program came with.
pub fn floor() -> u32 {
    number_in(&Catalogue::embedded_version()).unwrap_or_default()
}

/// The manifest of a bundle whose signature nobody has looked at: for people, never to decide by.
pub fn peek(bytes: &[u8]) -> Option<Manifest> {
    Manifest::parse(Pieces::of(bytes).ok()?.manifest).ok()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hash(hash)
}

impl Bundle<'_> {
    /// A part, unpacked. `None` where there is none of that name.
    pub fn part(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, Error>> {
        let mut at = 0;
        for part in &self.manifest.parts {
            let end = at + part.stored as usize;
            if part.name == name {
                // `read` went through them with the same lengths.
                return Some(part.unpack(self.parts.get(at..end).unwrap_or_default()));
            }
            at = end;
        }
        None
    }

    /// The compiled catalogue of this program's layout, looked through to its end.
    pub fn compiled(&self) -> Result<Cow<'_, [u8]>, Error> {
        let name = part_name();
        let bytes = self.part(&name).ok_or_else(|| Error::OtherLayout {
            found: self.manifest.parts.iter().map(|part| part.name.clone()).collect(),
            wanted: name,
        })??;
        match crate::compiled::number(&bytes) {
            Some(number) if number == self.manifest.number => Ok(bytes),
            _ => Err(Error::NoCatalogue),
        }
    }

    /// A matcher of its catalogue.
    pub fn matcher(&self) -> Result<Matcher, Error> {
        Matcher::from_compiled(&self.compiled()?).ok_or(Error::NoCatalogue)
    }

    /// Its catalogue.
    pub fn catalogue(&self) -> Result<Catalogue, Error> {
        Catalogue::from_compiled(&self.compiled()?).ok_or(Error::NoCatalogue)
    }

    /// The version of its catalogue.
    pub fn version(&self) -> Result<Text, Error> {
        crate::compiled::version(crate::compiled::Passing(&self.compiled()?)).ok_or(Error::NoCatalogue)
    }

    /// What is to be remembered once this one is in use.
    pub fn mark(&self) -> Mark {
        Mark { number: self.manifest.number, digest: self.digest, key: self.key }
    }
}

/// A bundle that waits for its signature.
#[derive(Debug)]
pub struct Draft {
    manifest: Vec<u8>,
    parts: Vec<u8>,
    /// What the signature's trusted comment says: for people.
    pub comment: String,
}

impl Draft {
    /// A catalogue, packed.
    pub fn of_catalogue(catalogue: &Catalogue, date: Date, expires: Date) -> Result<Draft, Error> {
        let compiled = compile::encode(catalogue);
        Draft::new(Kind::Catalogue, catalogue.number(), date, expires, &[(&part_name(), &compiled)])
    }

    /// Parts of any kind, packed: each a name and its bytes.
    pub fn new(
        kind: Kind,
        number: u32,
        date: Date,
        expires: Date,
        parts: &[(&str, &[u8])],
    ) -> Result<Draft, Error> {
        let mut all = Vec::new();
        let mut manifest = Manifest { kind, number, date, expires, parts: Vec::new() };
        for (name, bytes) in parts {
            let (part, stored) = Part::pack(name, bytes)?;
            manifest.parts.push(part);
            all.extend(stored);
        }
        let comment = format!("umbrascope {kind} {number} of {date}");
        let text = manifest.to_string().into_bytes();
        // What cannot be read back is not signed.
        Manifest::parse(&text)?;
        Ok(Draft { manifest: text, parts: all, comment })
    }

    /// What is to be signed, prehashed as minisign does by default.
    pub fn to_sign(&self) -> &[u8] {
        &self.manifest
    }

    /// The bundle, with the signature file that minisign made over [`Draft::to_sign`].
    pub fn sign(self, minisig: &str) -> Result<Vec<u8>, Error> {
        let signature = key::canonical(minisig)?;
        let mut bytes = MAGIC.to_vec();
        for piece in [&self.manifest, signature.as_bytes()] {
            bytes.extend((piece.len() as u32).to_be_bytes());
            bytes.extend_from_slice(piece);
        }
        bytes.extend(self.parts);
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLong { what: "bundle", bytes: bytes.len(), most: MAX_BYTES });
        }
        Ok(bytes)
    }
}

impl PublicKey {
    /// The keys that this program was built with (`rules/catalogue.keys`).
    pub fn of_release() -> Vec<PublicKey> {
        // A test reads the same list.
        PublicKey::list(RELEASE_KEYS).unwrap_or_default()
    }

    /// The keys that catalogues are taken by: those of the program and the configured ones.
    pub fn trusted(configured: &[PublicKey]) -> Vec<PublicKey> {
        let mut keys = PublicKey::of_release();
        for key in configured {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
}

impl Catalogue {
    /// The same under another number and day: its version says both.
    pub fn renumbered(mut self, number: u32, date: Date) -> Catalogue {
        let digest = self.version.rsplit_once('+').map_or("", |(_, digest)| digest).to_owned();
        self.version = Text::Owned(format!("{date}.{number}+{digest}"));
        (self.number, self.date) = (number, date);
        self
    }
}

/// The number in a version (`<date>.<number>+<digest>`): which of two catalogues is the newer one.
pub fn number_in(version: &str) -> Option<u32> {
    version.split_once('.')?.1.split_once('+')?.0.parse().ok()
}

/// Name of the part that holds the catalogue in the layout that this program reads.
fn part_name() -> String {
    format!("catalogue.{LAYOUT}")
}

/// A bundle cut at its lengths.
struct Pieces<'b> {
    manifest: &'b [u8],
    signature: &'b [u8],
    parts: &'b [u8],
}

impl<'b> Pieces<'b> {
    fn of(bytes: &'b [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLong { what: "bundle", bytes: bytes.len(), most: MAX_BYTES });
        }
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(if MAGIC.starts_with(bytes) {
                Error::Truncated
            } else if let Some(after) = bytes.strip_prefix(FORMAT) {
                let format = after.split(|&byte| byte == b'\n').next().unwrap_or_default();
                Error::UnknownFormat {
                    found: String::from_utf8_lossy(&format[..format.len().min(16)]).into(),
                }
            } else {
                Error::NoBundle
            });
        };
        let (manifest, rest) = piece(rest, "manifest", MAX_MANIFEST_BYTES)?;
        let (signature, parts) = piece(rest, "signature", MAX_SIGNATURE_BYTES)?;
        Ok(Pieces { manifest, signature, parts })
    }
}

fn piece<'b>(bytes: &'b [u8], what: &'static str, most: usize) -> Result<(&'b [u8], &'b [u8]), Error> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Error::Truncated)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > most {
        return Err(Error::TooLong { what, bytes: length, most });
    }
    rest.split_at_checked(length).ok_or(Error::Truncated)
}

#[cfg(test)]
mod tests;
