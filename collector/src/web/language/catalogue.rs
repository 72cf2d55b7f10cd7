//! Texts in other languages, by the English ones.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Piece, fill, pieces};

/// Files of the German catalogue: one for each part of the pages, so that each can be read in one go.
pub(super) const GERMAN: &[(&str, &str)] = &[
    ("frame.toml", include_str!("../../../data/german/frame.toml")),
    ("work.toml", include_str!("../../../data/german/work.toml")),
    ("inventory.toml", include_str!("../../../data/german/inventory.toml")),
    ("governance.toml", include_str!("../../../data/german/governance.toml")),
    ("privacy.toml", include_str!("../../../data/german/privacy.toml")),
    ("fleet.toml", include_str!("../../../data/german/fleet.toml")),
    ("messages.toml", include_str!("../../../data/german/messages.toml")),
];

/// The texts of one language.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    texts: HashMap<String, String>,
    nouns: HashMap<String, (String, String)>,
    messages: Vec<Message>,
    /// What stands for the words between the last two of a list.
    or: &'static str,
}

/// A sentence with holes that a module without a language formats.
#[derive(Debug)]
struct Message {
    /// What stands before, between and behind its holes.
    words: Vec<String>,
    /// Numbers of its holes, in order.
    holes: Vec<usize>,
    /// The same sentence in the other language.
    text: String,
}

/// Most letters of a message that is compared with the sentences: what is longer was written by a person.
const MESSAGE_BYTES: usize = 1_000;

impl Catalogue {
    /// What stands for an English text.
    pub(super) fn text(&self, english: &str) -> Option<&str> {
        self.texts.get(english).map(String::as_str)
    }

    /// What stands for a sentence that was formatted, if it is one of those with holes, or one without. The name of a guard may stand behind it.
    pub(super) fn message(&self, english: &str) -> Option<String> {
        if english.len() > MESSAGE_BYTES {
            return None;
        }
        if let Some(text) = self.text(english) {
            return Some(text.to_owned());
        }
        if let Some((says, guard)) = english.rsplit_once(" (G-")
            && guard.ends_with(')')
        {
            return Some(format!("{} (G-{guard}", self.message(says)?));
        }
        let found = self.messages.iter().find_map(|message| Some((message, message.values(english)?)));
        let Some((message, values)) = found else {
            let known = |part: &str| self.message(part).is_some();
            let several = english.contains("; ") && english.split("; ").any(known);
            // Words of programs, such as roles.
            let words = english.contains(" or ") && english.split(" or ").all(|word| !word.contains(' '));
            return (several || words).then(|| self.value(english));
        };
        let values: Vec<String> = values.into_iter().map(|value| self.value(value)).collect();
        let values: Vec<&dyn Display> = values.iter().map(|value| value as &dyn Display).collect();
        Some(fill(&message.text, &values))
    }

    /// What stood in a hole: a label, several of them, or what stays as it is.
    fn value(&self, english: &str) -> String {
        if let Some(text) = self.text(english) {
            return text.to_owned();
        }
        for (between, joined) in [("; ", "; "), (", ", ", "), (" or ", self.or)] {
            if english.contains(between) {
                return english.split(between).map(|part| self.value(part)).collect::<Vec<_>>().join(joined);
            }
        }
        self.message(english).unwrap_or_else(|| english.to_owned())
    }

    /// What stands for an English noun: one, and several.
    pub(super) fn noun(&self, english: &str) -> Option<(&str, &str)> {
        self.nouns.get(english).map(|(one, several)| (one.as_str(), several.as_str()))
    }
}

impl Message {
    fn new(english: &str, text: String) -> Self {
        let (mut words, mut holes) = (vec![String::new()], Vec::new());
        for piece in pieces(english) {
            match piece {
                Piece::Text(text) => words.last_mut().into_iter().for_each(|last| last.push_str(text)),
                Piece::Hole(number) => {
                    holes.push(number);
                    words.push(String::new());
                }
            }
        }
        Self { words, holes, text }
    }

    /// How much of it is the sentence's own: of two that fit, the one that says more is meant.
    fn weight(&self) -> usize {
        self.words.iter().map(String::len).sum()
    }

    /// What stands in its holes, by number, where this is its sentence.
    fn values<'t>(&self, english: &'t str) -> Option<Vec<&'t str>> {
        let (first, others) = self.words.split_first()?;
        let mut rest = english.strip_prefix(first.as_str())?;
        let mut values = vec![""; self.holes.iter().max().map_or(0, |most| most + 1)];
        for (at, (words, hole)) in others.iter().zip(&self.holes).enumerate() {
            let end = match (at + 1 == others.len(), words.is_empty()) {
                (true, _) => rest.ends_with(words.as_str()).then(|| rest.len() - words.len())?,
                (false, true) => return None,
                (false, false) => rest.find(words.as_str())?,
            };
            values[*hole] = &rest[..end];
            rest = &rest[end + words.len()..];
        }
        // What has little of its own, such as `{0} of {1}`, is of numbers.
        let counted = |value: &str| value.starts_with(|letter: char| letter.is_ascii_digit());
        let fits = values.iter().all(|value| !value.is_empty())
            && (!self.words.first().is_some_and(String::is_empty) || self.says_much() || counted(values[0]));
        (rest.is_empty() && fits).then_some(values)
    }

    fn says_much(&self) -> bool {
        let letters =
            self.words.iter().flat_map(|words| words.chars()).filter(|letter| letter.is_alphabetic());
        !(1..5).contains(&letters.count())
    }
}

/// What a file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    /// English and German texts.
    pub(super) texts: HashMap<String, String>,
    /// Sentences with holes that modules without a language format.
    pub(super) messages: HashMap<String, String>,
    /// English nouns without their `s`, and what stands for one and for several.
    pub(super) nouns: HashMap<String, (String, String)>,
}

/// The German texts.
pub(super) fn german() -> &'static Catalogue {
    static TEXTS: LazyLock<Catalogue> = LazyLock::new(|| {
        let mut catalogue = Catalogue { or: " oder ", ..Catalogue::default() };
        for (name, text) in GERMAN {
            match toml::from_str::<File>(text) {
                Ok(file) => {
                    catalogue.texts.extend(file.texts);
                    catalogue.nouns.extend(file.nouns);
                    let messages =
                        file.messages.into_iter().map(|(english, text)| Message::new(&english, text));
                    catalogue.messages.extend(messages);
                }
                // A test reads every file; a page in English beats none.
                Err(error) => tracing::error!(name, %error, "German texts cannot be read"),
            }
        }
        catalogue.messages.sort_by_key(|message| std::cmp::Reverse(message.weight()));
        catalogue
    });
    &TEXTS
}
