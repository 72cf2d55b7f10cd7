//! Why a bundle is not taken. Each says what to do about it.

use super::key::KeyId;
use super::manifest::Kind;
use crate::date::Date;

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not begin like one.
    #[error("this is no catalogue bundle: make one with `umbrascope-collector rules publish`")]
    NoBundle,
    /// It begins like one of another format.
    #[error("the bundle has format {found:?}, which this version does not read: update the program")]
    UnknownFormat {
        /// What it calls itself.
        found: String,
    },
    /// It ends too early.
    #[error("the bundle is cut short: fetch or copy it again")]
    Truncated,
    /// Something follows it.
    #[error("{bytes} bytes follow the end of the bundle: fetch or copy it again")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// Over a bound.
    #[error("the {what} has {bytes} bytes, and {most} is the most that is read: publish a smaller catalogue")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// The signature is none of minisign.
    #[error("the bundle's signature cannot be read ({0}): fetch it again, or sign it again with minisign")]
    BadSignature(&'static str),
    /// Signed by nobody who is trusted.
    #[error(
        "the bundle is signed by key {key}, which is not trusted here: if it should be, add its public key to `keys` of [catalogue]"
    )]
    UnknownKey {
        /// Who signed.
        key: KeyId,
    },
    /// What is signed is not what is there.
    #[error(
        "the signature by key {key} does not fit: the bundle was altered, or damaged on its way; fetch it again"
    )]
    Forged {
        /// Who is said to have signed.
        key: KeyId,
    },
    /// The manifest is signed and no manifest.
    #[error("the bundle's manifest cannot be read ({0}): update the program, or publish the bundle again")]
    BadManifest(&'static str),
    /// It is for something else.
    #[error("this bundle holds {found}, and {wanted} is wanted: publish the right one")]
    OtherKind {
        /// What it is.
        found: Kind,
        /// What was asked for.
        wanted: Kind,
    },
    /// A part is not the one that was signed.
    #[error("part {part} of the bundle is not what was signed: fetch or copy it again")]
    Altered {
        /// Which.
        part: String,
    },
    /// A part does not unpack to what the manifest says.
    #[error("part {part} of the bundle cannot be unpacked: publish the bundle again")]
    Unpack {
        /// Which.
        part: String,
    },
    /// Its time is over.
    #[error(
        "the bundle expired on {expired} and it is {today} here: publish a newer one, or correct this machine's clock"
    )]
    Expired {
        /// First day on which it is not taken.
        expired: Date,
        /// The day it is here.
        today: Date,
    },
    /// A newer one was taken before.
    #[error("the bundle has number {number} and {mark} was taken before: publish one with a higher number")]
    Rollback {
        /// Its number.
        number: u32,
        /// The highest so far.
        mark: u32,
    },
    /// Another one of the same number was taken before.
    #[error("another bundle of number {number} was taken before: publish this one under a higher number")]
    Replaced {
        /// The number of both.
        number: u32,
    },
    /// The program came with a newer one.
    #[error(
        "the bundle has number {number} and this program came with {floor}: publish one with a higher number"
    )]
    Older {
        /// Its number.
        number: u32,
        /// That of the embedded catalogue.
        floor: u32,
    },
    /// Compiled by another version of the program.
    #[error("the bundle holds {} and this version reads {wanted}: update the program, or publish with this version", found.join(", "))]
    OtherLayout {
        /// Names of its parts.
        found: Vec<String>,
        /// The part that would be read.
        wanted: String,
    },
    /// The part is there and no catalogue.
    #[error(
        "the catalogue in the bundle cannot be read by this version: update the program, or publish with this version"
    )]
    NoCatalogue,
}
