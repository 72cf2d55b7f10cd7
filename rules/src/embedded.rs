//! The catalogue that is part of the program.

use std::sync::OnceLock;

use crate::catalogue::{Catalogue, Text};
use crate::compiled;
use crate::matcher::{Matcher, MatcherBuilder};

/// Written by the build script from `catalogue/*.toml`, and read back there to be sure.
static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.bin"));
static EMBEDDED: OnceLock<Catalogue> = OnceLock::new();

const READ_BACK: &str = "the build script read these very bytes back";

impl Catalogue {
    /// The catalogue that this program was built with. Its texts are the program's own; the first call
    /// lays out the tables, the others cost nothing.
    pub fn embedded() -> &'static Catalogue {
        EMBEDDED.get_or_init(|| compiled::decode(COMPILED).expect(READ_BACK))
    }

    /// The version of the embedded catalogue, for a process that needs nothing else of it.
    pub fn embedded_version() -> Text {
        compiled::version(COMPILED).expect(READ_BACK)
    }
}

impl Matcher {
    /// A matcher of the embedded catalogue, for a process that needs nothing else of it: the catalogue is
    /// read a rule at a time and never stands in memory.
    pub fn embedded() -> Matcher {
        let mut builder = MatcherBuilder::default();
        compiled::visit_rules(COMPILED, |products, rule| builder.add(products, &rule)).expect(READ_BACK);
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_is_there_and_matches_the_same_both_ways() {
        let catalogue = Catalogue::embedded();
        assert!(catalogue.number() > 0 && !catalogue.vendors().is_empty());
        let (full, lean) = (Matcher::new(catalogue), Matcher::embedded());
        for rule in catalogue.rules() {
            for example in &rule.examples {
                assert_eq!(full.name(example), lean.name(example), "{example}");
            }
        }
    }
}
