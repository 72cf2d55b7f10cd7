//! What is signed: which bundle this is, and what belongs to it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use super::error::Error;
use super::key::KeyId;
use super::{MAX_BYTES, MAX_PART_BYTES, sha256};
use crate::date::Date;

/// First line of every manifest.
const HEAD: &str = "umbrascope manifest 1";
/// Most parts: the catalogue in the layouts of a few versions of the program.
const MAX_PARTS: usize = 8;
/// Longest name of a part, in bytes.
const MAX_NAME_BYTES: usize = 40;
/// Level of zstd: publishing is rare and takes a second.
const ZSTD_LEVEL: i32 = 19;

/// What a bundle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The catalogue of AI products, whole.
    Catalogue,
    /// An organisation's own rules, which stand over the catalogue.
    Overlay,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Catalogue => "catalogue",
            Kind::Overlay => "overlay",
        })
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = ();

    fn from_str(text: &str) -> Result<Hash, ()> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(drop)?;
        bytes.try_into().map(Hash).map_err(drop)
    }
}

/// How the bytes of a part stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Plain,
    /// One zstd frame.
    Zstd,
}

impl Encoding {
    fn as_str(self) -> &'static str {
        match self {
            Encoding::Plain => "plain",
            Encoding::Zstd => "zstd",
        }
    }
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `[a-z0-9.-]+`.
    pub name: String,
    /// How it stands in the file.
    pub encoding: Encoding,
    /// Bytes in the file.
    pub stored: u32,
    /// Bytes once unpacked.
    pub length: u32,
    /// Of the bytes in the file.
    pub sha256: Hash,
}

impl Part {
    pub(super) fn pack(name: &str, bytes: &[u8]) -> Result<(Part, Vec<u8>), Error> {
        if bytes.len() > MAX_PART_BYTES {
            return Err(Error::TooLong { what: "catalogue", bytes: bytes.len(), most: MAX_PART_BYTES });
        }
        let packed = zstd::bulk::compress(bytes, ZSTD_LEVEL).ok().filter(|packed| packed.len() < bytes.len());
        let (encoding, stored) = match packed {
            Some(packed) => (Encoding::Zstd, packed),
            None => (Encoding::Plain, bytes.to_vec()),
        };
        let part = Part {
            name: name.to_owned(),
            encoding,
            stored: stored.len() as u32,
            length: bytes.len() as u32,
            sha256: sha256(&stored),
        };
        Ok((part, stored))
    }

    /// The bytes that `stored` stands for. Their length is bounded by the manifest's reader.
    pub(super) fn unpack<'b>(&self, stored: &'b [u8]) -> Result<Cow<'b, [u8]>, Error> {
        let bytes = match self.encoding {
            Encoding::Plain => Some(Cow::Borrowed(stored)),
            Encoding::Zstd => zstd::bulk::decompress(stored, self.length as usize).ok().map(Cow::Owned),
        };
        bytes
            .filter(|bytes| bytes.len() == self.length as usize)
            .ok_or_else(|| Error::Unpack { part: self.name.clone() })
    }
}

/// What is signed. As text it has one spelling, which `Display` gives and [`Manifest::parse`] insists on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it is for.
    pub kind: Kind,
    /// Grows with every bundle of its kind; a lower one never follows a higher one.
    pub number: u32,
    /// The day it was published.
    pub date: Date,
    /// The first day on which it is not taken any more. What is in use by then stays in use.
    pub expires: Date,
    /// In the order of the file.
    pub parts: Vec<Part>,
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nkind {}\nnumber {}", self.kind, self.number)?;
        writeln!(f, "date {}\nexpires {}", self.date, self.expires)?;
        for Part { name, encoding, stored, length, sha256 } in &self.parts {
            writeln!(f, "part {name} {} {stored} {length} {sha256}", encoding.as_str())?;
        }
        Ok(())
    }
}

impl Manifest {
    /// Reads the text of a manifest.
    pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::BadManifest("it is no text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(Error::BadManifest("it is of another format"));
        }
        let mut value = |key: &'static str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(key)?.strip_prefix(' '))
                .ok_or(Error::BadManifest(key))
        };
        let kind = match value("kind")? {
            "catalogue" => Kind::Catalogue,
            "overlay" => Kind::Overlay,
            _ => return Err(Error::BadManifest("kind")),
        };
        let number = value("number")?.parse().map_err(|_| Error::BadManifest("number"))?;
        let date = value("date")?.parse().map_err(|_| Error::BadManifest("date"))?;
        let expires = value("expires")?.parse().map_err(|_| Error::BadManifest("expires"))?;
        let parts: Vec<Part> =
            lines.take(MAX_PARTS + 1).map(part).collect::<Option<_>>().ok_or(Error::BadManifest("part"))?;
        let stored: usize = parts.iter().map(|part| part.stored as usize).sum();
        if parts.is_empty() || parts.len() > MAX_PARTS || stored > MAX_BYTES {
            return Err(Error::BadManifest("it has no parts, or too many"));
        }
        let manifest = Manifest { kind, number, date, expires, parts };
        if manifest.to_string() == text {
            Ok(manifest)
        } else {
            Err(Error::BadManifest("it is not in the one spelling that a manifest has"))
        }
    }

    /// Whether it may be taken on a day, `floor` being the number of the catalogue that this program came with (0 for
    /// what none comes with), and `mark` what was taken before.
    ///
    /// A clock that is behind does no harm: it was at least the manifest's day when that was signed.
    pub fn admit(&self, digest: Hash, today: Date, floor: u32, mark: Option<&Mark>) -> Result<(), Error> {
        if let Some(mark) = mark {
            if self.number < mark.number {
                return Err(Error::Rollback { number: self.number, mark: mark.number });
            }
            if self.number == mark.number && digest != mark.digest {
                return Err(Error::Replaced { number: self.number });
            }
        }
        if self.number < floor {
            return Err(Error::Older { number: self.number, floor });
        }
        if self.is_expired(today) {
            return Err(Error::Expired { expired: self.expires, today: today.max(self.date) });
        }
        Ok(())
    }

    /// Whether its time is over.
    pub fn is_expired(&self, today: Date) -> bool {
        today.max(self.date) >= self.expires
    }
}

fn part(line: &str) -> Option<Part> {
    let mut words = line.strip_prefix("part ")?.split(' ');
    let name = words.next()?.to_owned();
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let encoding = match words.next()? {
        "plain" => Encoding::Plain,
        "zstd" => Encoding::Zstd,
        _ => return None,
    };
    let (stored, length): (u32, u32) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let sha256 = words.next()?.parse().ok()?;
    let good = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(sound)
        && length as usize <= MAX_PART_BYTES
        && stored as usize <= MAX_BYTES
        && words.next().is_none();
    good.then_some(Part { name, encoding, stored, length, sha256 })
}

/// The highest number taken so far. As text: number, digest and key, parted by spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The number.
    pub number: u32,
    /// Of the manifest.
    pub digest: Hash,
    /// Who signed it. Once that key is trusted no more, its numbers count no more: else whoever stole it could have
    /// shut out every bundle to come with the highest number there is.
    pub key: KeyId,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.number, self.digest, self.key)
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Mark, ()> {
        let mut words = text.trim_end().split(' ');
        let mut next = || words.next().ok_or(());
        let (number, digest, key) = (next()?, next()?, next()?);
        Ok(Mark {
            number: number.parse().map_err(drop)?,
            digest: digest.parse()?,
            key: key.parse().map_err(drop)?,
        })
    }
}
