//! What Umbrascope knows about AI products, and the matcher that applies it.
//!
//! The [`Catalogue`] is written in TOML, one file a vendor, and compiled into the program. The [`Matcher`] takes a
//! host name or an identifier of software, however it is written, and answers with the rule that knows it.
//! [`lint`] reads a catalogue as a reviewer would.
//!
//! Not here: where names and identifiers come from, what a sighting is, files, the clock. This crate does no
//! I/O and asks for no time.

#![forbid(unsafe_code)]

mod catalogue;
#[cfg(test)]
mod compile;
mod compiled;
mod date;
mod domain;
mod embedded;
mod glob;
mod identifier;
pub mod lint;
mod matcher;
mod parse;
mod pattern;
mod suspect;
mod table;
#[cfg(test)]
mod testing;
mod words;

pub use catalogue::{
    Catalogue, Indicator, IndicatorKind, Landmark, Origin, Problem, Product, Rule, Text, Vendor,
};
pub use date::Date;
pub use domain::{DomainName, InvalidName};
pub use matcher::{Matcher, RuleRef};
pub use suspect::{Signs, Suspect, Suspects, registrable};
pub use words::{
    Category, Confidence, Fallback, LandmarkKind, Level, ProductKind, Serves, SoftwareKind, SourceType,
    UnknownWord,
};
