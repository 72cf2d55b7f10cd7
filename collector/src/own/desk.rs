//! Where own rules are read, checked and published.

use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use umbrascope_rules::{Catalogue, Date, Overlay, Problem, lint};

use super::{FILE, OwnKey};
use crate::datadir::{DataDir, DataDirError};
use crate::model::{OwnItem, OwnText, OwnVersion};
use crate::store::StoreError;
use crate::store::own::OwnRules;

/// Longest reason for a version, in characters.
const NOTE_CHARS: usize = 500;

/// Reads, checks and publishes own rules.
pub struct Desk {
    /// The versions.
    pub store: Arc<dyn OwnRules>,
    dir: DataDir,
    key: OwnKey,
    /// One at a time: row and file go together.
    publishing: Mutex<()>,
}

/// Own rules that were read against a catalogue.
#[derive(Debug)]
pub struct Reading {
    /// The version that was the newest when they were read.
    pub before: Option<OwnText>,
    /// The number that they would be published under.
    pub number: u32,
    /// What the reviewer found.
    pub found: lint::OwnReading,
}

/// Why own rules are not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// They have mistakes.
    #[error("nothing was published: {} in the rules", mistakes(.0.len()))]
    Wrong(Vec<Problem>),
    /// Without a reason nobody will understand it next year.
    #[error("nothing was published: say why, in 1 to {NOTE_CHARS} characters")]
    NoNote,
    /// Somebody was quicker.
    #[error("nothing was published: version {newest} came in between; look at it and try again")]
    Outdated {
        /// The newest version.
        newest: u32,
    },
    /// Nothing is different.
    #[error("nothing was published: version {newest} says the same")]
    Same {
        /// The newest version.
        newest: u32,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key, or the folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Signing.
    #[error(transparent)]
    Key(#[from] super::KeyError),
}

fn mistakes(count: usize) -> String {
    if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") }
}

impl Desk {
    /// The desk of a folder.
    pub fn new(store: Arc<dyn OwnRules>, dir: &DataDir) -> Result<Self, DataDirError> {
        Ok(Self { store, dir: dir.clone(), key: dir.own_key()?, publishing: Mutex::default() })
    }

    /// The key that agents check versions with.
    pub fn key(&self) -> &OwnKey {
        &self.key
    }

    /// Reads a text as the next version over a catalogue.
    pub fn read(&self, base: &Catalogue, text: &str, now_ms: i64) -> Result<Reading, StoreError> {
        let before = self.store.own_newest()?;
        let overlay = before.as_ref().map(|before| Overlay::parse(FILE, &before.text).0);
        let number = self.number_after(before.as_ref());
        let found = lint::check_own(base, overlay.as_ref(), FILE, text, number, day(now_ms));
        Ok(Reading { before, number, found })
    }

    /// Publishes a text as the version after `after` (0: as the first one). Agents and this collector take it up within
    /// seconds. Its number.
    pub fn publish(
        &self,
        base: &Catalogue,
        text: &str,
        note: &str,
        by: &str,
        after: u32,
        now_ms: i64,
    ) -> Result<u32, PublishError> {
        let _one = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let note = note.trim();
        if note.is_empty() || note.chars().count() > NOTE_CHARS {
            return Err(PublishError::NoNote);
        }
        let reading = self.read(base, text, now_ms)?;
        let (number, newest) = (reading.number, number_of(reading.before.as_ref()));
        if newest != after {
            return Err(PublishError::Outdated { newest });
        }
        if !reading.found.report.errors.is_empty() {
            return Err(PublishError::Wrong(reading.found.report.errors));
        }
        if reading.before.as_ref().is_some_and(|before| before.text == text) {
            return Err(PublishError::Same { newest });
        }
        let before = reading.before.map_or(Vec::new(), |before| before.items);
        let new = OwnText {
            version: OwnVersion {
                number,
                note: note.to_owned(),
                published_by: by.to_owned(),
                published_at_ms: now_ms,
            },
            text: text.to_owned(),
            items: items(&reading.found.overlay, &before, number),
        };
        if !self.store.add_own_version(new.clone())? {
            return Err(PublishError::Outdated { newest: number });
        }
        self.write(&new)?;
        tracing::info!(number, by, "own rules were published");
        Ok(number)
    }

    /// The next number. Where the database is of a backup, agents know higher ones already, and the file does: they take none below.
    fn number_after(&self, before: Option<&OwnText>) -> u32 {
        let handed_out = super::look(&self.dir).map_or(0, |own| own.number);
        number_of(before).max(handed_out).saturating_add(1)
    }

    /// Writes the file of the newest version where it is missing or of an older one: somebody was killed between row and file,
    /// or restored the database alone.
    pub fn restore(&self) -> Result<(), PublishError> {
        let _one = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(newest) = self.store.own_newest()? else { return Ok(()) };
        if super::look(&self.dir).is_none_or(|own| own.number < newest.version.number) {
            tracing::warn!(number = newest.version.number, "the file of the own rules is written anew");
            self.write(&newest)?;
        }
        Ok(())
    }

    fn write(&self, version: &OwnText) -> Result<(), PublishError> {
        let OwnVersion { number, published_at_ms, .. } = version.version;
        // By the day of publishing: written again, it is the same bundle, byte for byte.
        let bytes = self.key.sign(&version.text, number, day(published_at_ms))?;
        Ok(self.dir.replace(&self.dir.own_rules(), &bytes)?)
    }
}

fn number_of(version: Option<&OwnText>) -> u32 {
    version.map_or(0, |version| version.version.number)
}

fn day(ms: i64) -> Date {
    Date::from_days(u32::try_from(ms / 86_400_000).unwrap_or_default())
}

/// What stands in a version, and since when it stands so.
fn items(overlay: &Overlay, before: &[OwnItem], number: u32) -> Vec<OwnItem> {
    let item = |id: &str, words: String| {
        let sum = digest(&SHA256, words.as_bytes());
        let digest = data_encoding::HEXLOWER.encode(&sum.as_ref()[..8]);
        let same = before.iter().find(|item| item.id == id && item.digest == digest);
        OwnItem { id: id.to_owned(), since: same.map_or(number, |item| item.since), digest }
    };
    let rules = overlay.rules().iter().map(|rule| {
        let product = overlay.products().iter().find(|product| product.id == rule.product);
        item(&rule.id, serde_json::to_string(&(rule, product)).unwrap_or_default())
    });
    let changes = overlay
        .changes()
        .iter()
        .map(|change| item(change.what.target(), format!("{:?} {}", change.what, change.reason)));
    rules.chain(changes).collect()
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::bundle::{self, Kind};

    use super::*;
    use crate::store::sqlite::Options;

    const NOW_MS: i64 = 1_795_651_200_000;

    pub(crate) const CHAT: &str = "[[product]]\nid = \"own.chat\"\nname = \"House chat\"\nkind = \"service\"\n\
        category = \"assistant\"\ndescription = \"Ours.\"\n\n[[rule]]\nid = \"own.chat.web\"\nproduct = \"own.chat\"\n\
        confidence = \"high\"\nnote = \"Ours.\"\nexact = [\"llm.intranet.example\"]\nexamples = [\"llm.intranet.example\"]\n";

    fn desk() -> (tempfile::TempDir, DataDir, Desk) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::choose(Some(parent.path().join("data"))).unwrap();
        let options = Options::new(Catalogue::embedded());
        dir.init(options.clone(), 1).unwrap();
        let store = Arc::new(dir.open(options, 1).unwrap());
        let desk = Desk::new(store, &dir).unwrap();
        (parent, dir, desk)
    }

    fn publish(desk: &Desk, text: &str, after: u32) -> Result<u32, PublishError> {
        desk.publish(Catalogue::embedded(), text, "why", "ada", after, NOW_MS)
    }

    #[test]
    fn a_version_is_kept_signed_and_in_force() {
        let (_parent, dir, desk) = desk();
        assert!(super::super::look(&dir).is_none());
        assert_eq!(publish(&desk, CHAT, 0).unwrap(), 1);
        let own = super::super::look(&dir).unwrap();
        assert_eq!((own.number, own.overlay.rules().len()), (1, 1));
        let base = Arc::new(crate::catalogue::Known::embedded());
        let both = super::super::compose(base, Some(own));
        assert_eq!(&*both.known.matcher().name("llm.intranet.example").unwrap().product, "own.chat");
        assert!(both.known.catalogue().version().ends_with(", own 1"));
        let bytes = std::fs::read(dir.own_rules()).unwrap();
        bundle::read(&bytes, std::slice::from_ref(desk.key().public()), Kind::Overlay).unwrap();
    }

    #[test]
    fn items_know_since_when_they_stand_as_they_do() {
        let (_parent, _dir, desk) = desk();
        publish(&desk, CHAT, 0).unwrap();
        let more =
            format!("{CHAT}[[deny]]\nid = \"deny.own-x\"\nreason = \"No AI.\"\nsuffix = [\"you.com\"]\n");
        publish(&desk, &more, 1).unwrap();
        publish(&desk, &more.replace("Ours.\"\nexact", "Mine.\"\nexact"), 2).unwrap();
        let items = desk.store.own_newest().unwrap().unwrap().items;
        let since: Vec<_> = items.iter().map(|item| (item.id.as_str(), item.since)).collect();
        assert_eq!(since, [("deny.own-x", 2), ("own.chat.web", 3)]);
    }

    #[test]
    fn what_is_wrong_outdated_or_the_same_is_not_published() {
        let (_parent, _dir, desk) = desk();
        let wrong = publish(&desk, "[[rule]]", 0).unwrap_err();
        assert!(matches!(&wrong, PublishError::Wrong(problems) if !problems.is_empty()), "{wrong}");
        assert!(matches!(
            desk.publish(Catalogue::embedded(), CHAT, " ", "ada", 0, NOW_MS),
            Err(PublishError::NoNote)
        ));
        publish(&desk, CHAT, 0).unwrap();
        assert!(matches!(publish(&desk, "", 0), Err(PublishError::Outdated { newest: 1 })));
        assert!(matches!(publish(&desk, CHAT, 1), Err(PublishError::Same { newest: 1 })));
        // An id that facts carry does not vanish.
        assert!(matches!(publish(&desk, "# none", 1), Err(PublishError::Wrong(_))));
        assert_eq!(desk.store.own_newest().unwrap().unwrap().version.number, 1);
    }

    #[test]
    fn a_file_that_was_lost_is_written_again_as_it_was() {
        let (_parent, dir, desk) = desk();
        publish(&desk, CHAT, 0).unwrap();
        let bytes = std::fs::read(dir.own_rules()).unwrap();
        std::fs::remove_file(dir.own_rules()).unwrap();
        desk.restore().unwrap();
        assert_eq!(
            bundle::peek(&std::fs::read(dir.own_rules()).unwrap()),
            bundle::peek(&bytes),
            "the same manifest, so that agents take it for what it is"
        );
    }

    #[test]
    fn with_a_database_of_a_backup_the_numbers_that_agents_know_are_not_given_again() {
        let (_parent, dir, desk) = desk();
        publish(&desk, CHAT, 0).unwrap();
        let ahead = desk.key().sign(CHAT, 7, Date::from_days(20_000)).unwrap();
        std::fs::write(dir.own_rules(), ahead).unwrap();
        desk.restore().unwrap();
        assert_eq!(super::super::look(&dir).unwrap().number, 7);
        assert_eq!(publish(&desk, &format!("# more\n{CHAT}"), 1).unwrap(), 8);
        assert_eq!(super::super::look(&dir).unwrap().number, 8);
    }

    #[test]
    fn rules_of_another_signer_are_not_in_force() {
        let (_parent, dir, _desk) = desk();
        let other = OwnKey::load(&OwnKey::create().unwrap()).unwrap();
        std::fs::write(dir.own_rules(), other.sign(CHAT, 1, Date::from_days(20_000)).unwrap()).unwrap();
        assert!(super::super::look(&dir).is_none());
        std::fs::write(dir.own_rules(), b"nothing").unwrap();
        assert!(super::super::look(&dir).is_none());
    }
}
