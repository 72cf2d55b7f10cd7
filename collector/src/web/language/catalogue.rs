//! Texts in other languages, by the English ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// Files of the German catalogue: one for each part of the pages, so that each can be read in one go.
pub(super) const GERMAN: &[(&str, &str)] = &[
    ("frame.toml", include_str!("../../../data/german/frame.toml")),
    ("work.toml", include_str!("../../../data/german/work.toml")),
    ("inventory.toml", include_str!("../../../data/german/inventory.toml")),
    ("governance.toml", include_str!("../../../data/german/governance.toml")),
    ("privacy.toml", include_str!("../../../data/german/privacy.toml")),
    ("fleet.toml", include_str!("../../../data/german/fleet.toml")),
];

/// The texts of one language.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    texts: HashMap<String, String>,
    nouns: HashMap<String, (String, String)>,
}

impl Catalogue {
    /// What stands for an English text.
    pub(super) fn text(&self, english: &str) -> Option<&str> {
        self.texts.get(english).map(String::as_str)
    }

    /// What stands for an English noun: one, and several.
    pub(super) fn noun(&self, english: &str) -> Option<(&str, &str)> {
        self.nouns.get(english).map(|(one, several)| (one.as_str(), several.as_str()))
    }
}

/// What a file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    /// English and German texts.
    pub(super) texts: HashMap<String, String>,
    /// English nouns without their `s`, and what stands for one and for several.
    pub(super) nouns: HashMap<String, (String, String)>,
}

/// The German texts.
pub(super) fn german() -> &'static Catalogue {
    static TEXTS: LazyLock<Catalogue> = LazyLock::new(|| {
        let mut catalogue = Catalogue::default();
        for (name, text) in GERMAN {
            match toml::from_str::<File>(text) {
                Ok(file) => {
                    catalogue.texts.extend(file.texts);
                    catalogue.nouns.extend(file.nouns);
                }
                // A test reads every file; a page in English beats none.
                Err(error) => tracing::error!(name, %error, "German texts cannot be read"),
            }
        }
        catalogue
    });
    &TEXTS
}
