//! What Umbrascope knows about AI products, and the matcher that applies it.
//!
//! The [`Catalogue`] is written in TOML, one file a vendor, and compiled into the program. The [`Matcher`] takes a
//! host name or an identifier of software, however it is written, and answers with the rule that knows it.
//! An [`Overlay`] holds an organisation's own rules and stands over a catalogue. [`lint`] reads a catalogue as a reviewer would. A [`bundle`] is a catalogue, signed, on its way.
//!
//! Not here: where names and identifiers come from, what a sighting is, files, the clock. This crate does no
//! I/O and asks for no time.

#![forbid(unsafe_code)]

pub mod bundle;
mod catalogue;
mod claim;
mod compile;
mod compiled;
mod date;
pub mod diff;
mod domain;
mod embedded;
mod glob;
mod identifier;
pub mod index;
pub mod lint;
mod matcher;
mod overlay;
mod parse;
mod pattern;
mod space;
mod standing;
mod suspect;
mod table;
#[cfg(test)]
mod testing;
mod words;

pub use catalogue::{
    Catalogue, Indicator, IndicatorKind, Landmark, Origin, Problem, Product, Rule, Text, Vendor,
};
pub use claim::Claim;
pub use date::{Date, NoDate};
pub use domain::{DomainName, InvalidName};
pub use matcher::{Fingerprint, LocalServer, Matcher, RuleRef};
pub use overlay::{Change, Changed, Composed, MAX_OVERLAY_BYTES, Overlay};
pub use space::Space;
pub use standing::{Stand, stands};
pub use suspect::{Signs, Suspect, Suspects, registrable};
pub use words::{
    Answer, Category, ClaimSource, Confidence, Fallback, Framework, LandmarkKind, Level, ProductKind, Serves,
    SoftwareKind, SourceType, Standing, UnknownWord,
};
