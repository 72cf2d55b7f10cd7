//! Which catalogue this agent works with: the newest bundle that it took, or the one that it came with.
//!
//! # Files
//! In the state folder, mode 0600, each replaced whole (written beside, synced, renamed, the folder synced): `catalogue.bundle`, the
//! last one taken, byte for byte as it came; `catalogue.mark`, the highest number taken, with digest and key. The bundle goes
//! first: killed in between, it is its own mark. Both are lost with the folder only; the embedded catalogue stays the floor.
//!
//! # Who checks what
//! The uplink takes a bundle: signature, kind, layout, expiry, no way back ([`Shelf::take`]). Every process that works with it reads
//! the file anew and checks the signature for itself, with the keys that the warden has from the configuration
//! ([`matcher_of`]): an uplink in wrong hands cannot have other names reported. One that is in use goes on after it expired:
//! that is said, and the last good one is better than an older one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use umbrascope_rules::bundle::{self, Bundle, Kind, Mark, PublicKey};
use umbrascope_rules::{Catalogue, Date, Matcher};

use crate::clock::wall_clock_ms;
use crate::failpoint;
use crate::os::own_file::{open_plain, replace};

const FILE: &str = "catalogue.bundle";
const MARK: &str = "catalogue.mark";
/// Longest mark, in bytes.
const MARK_BYTES: u64 = 256;

/// The catalogue in use, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its version.
    pub version: String,
    /// The day it was published.
    pub published: String,
    /// The first day on which nobody takes its bundle any more; `None` for the one that the program came with.
    pub expires: Option<String>,
    /// Id of the key that signed its bundle.
    pub key: Option<String>,
    /// Why the bundle in the state folder is not used.
    pub set_aside: Option<String>,
}

impl Standing {
    /// In words, as of a day: which one, how old, and whether its time is over.
    pub fn words(&self, today: Date) -> String {
        let age = self.published.parse().map_or(0, |day: Date| today.days().saturating_sub(day.days()));
        let from = match &self.key {
            Some(key) => format!("signed by key {key}"),
            None => "the program's own".to_owned(),
        };
        let over = if self.is_expired(today) {
            let expires = self.expires.as_deref().unwrap_or_default();
            format!("; its bundle expired on {expires}, and nothing newer came")
        } else {
            String::new()
        };
        format!("{}, {age} days old, {from}{over}", self.version)
    }

    /// Whether its bundle's time is over. It is used all the same.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.as_ref().and_then(|day| day.parse().ok()).is_some_and(|day: Date| today >= day)
    }
}

/// The day it is by this machine's clock.
pub fn today() -> Date {
    Date::from_days(u32::try_from(wall_clock_ms() / 86_400_000).unwrap_or_default())
}

/// Why a bundle was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// It is not good.
    #[error(transparent)]
    Refused(#[from] bundle::Error),
    /// It cannot be kept.
    #[error("the bundle cannot be kept in the state folder: {0}")]
    Io(#[from] io::Error),
}

/// The bundle in the state folder, and whom it may come from.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
    keys: Vec<PublicKey>,
}

impl Shelf {
    /// A shelf that trusts the keys of the program and these.
    pub fn new(folder: &Path, configured: &[PublicKey]) -> Self {
        Self { folder: folder.to_owned(), keys: PublicKey::trusted(configured) }
    }

    /// Ids of the keys that are trusted.
    pub fn key_ids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.id().to_string()).collect()
    }

    /// What is in use, and the SHA-256 of the bundle that it came by.
    pub fn standing(&self) -> (Standing, Option<String>) {
        let stored = self.stored();
        let outcome = stored.as_deref().map(|bytes| self.good(bytes).and_then(|good| standing_of(&good)));
        match outcome {
            Some(Ok(standing)) => (standing, stored.as_deref().map(digest)),
            // As it should be after an update of the program.
            Some(Err(bundle::Error::Older { .. })) | None => (embedded(), None),
            Some(Err(error)) => (Standing { set_aside: Some(error.to_string()), ..embedded() }, None),
        }
    }

    /// The catalogue in use, whole: for people's questions, not for matching.
    pub fn catalogue(&self) -> Catalogue {
        let stored = self.stored();
        let good = stored.as_deref().and_then(|bytes| self.good(bytes).ok()?.catalogue().ok());
        good.unwrap_or_else(|| Catalogue::embedded().clone())
    }

    /// Checks a bundle and keeps it; what is in use from now on.
    pub fn take(&self, bytes: &[u8], today: Date) -> Result<Standing, TakeError> {
        let new = bundle::read(bytes, &self.keys, Kind::Catalogue)?;
        new.manifest.admit(new.digest, today, bundle::floor(), self.mark().as_ref())?;
        // What the dissector will do with it: were it to fail there, it would fail here first.
        new.matcher()?;
        let standing = standing_of(&new)?;
        if self.stored().as_deref() != Some(bytes) {
            self.replace(FILE, bytes, "agent-catalogue-before-rename")?;
        }
        failpoint::hit("agent-catalogue-after-rename");
        self.replace(MARK, format!("{}\n", new.mark()).as_bytes(), "agent-catalogue-before-mark")?;
        failpoint::hit("agent-catalogue-after-mark");
        Ok(standing)
    }

    /// The highest number taken so far under a key that is still trusted.
    fn mark(&self) -> Option<Mark> {
        let written = File::open(self.folder.join(MARK)).ok().and_then(|file| {
            let mut text = String::new();
            file.take(MARK_BYTES).read_to_string(&mut text).ok()?;
            text.parse().ok()
        });
        let stored = self.stored();
        let stored = stored.as_deref().and_then(|bytes| {
            let stored = bundle::read(bytes, &self.keys, Kind::Catalogue).ok()?;
            Some(stored.mark())
        });
        let trusted = |mark: &Mark| self.keys.iter().any(|key| key.id() == mark.key);
        [written, stored].into_iter().flatten().filter(trusted).max_by_key(|mark| mark.number)
    }

    fn good<'b>(&self, bytes: &'b [u8]) -> Result<Bundle<'b>, bundle::Error> {
        bundle::read_usable(bytes, &self.keys)
    }

    fn stored(&self) -> Option<Vec<u8>> {
        open(&self.folder).and_then(|file| read(file).ok())
    }

    /// The file to be handed to whoever works with it, and the keys that it is checked with.
    pub fn handed(&self) -> Option<(File, Vec<String>)> {
        Some((open(&self.folder)?, self.keys.iter().map(ToString::to_string).collect()))
    }

    fn replace(&self, name: &str, content: &[u8], point: &str) -> io::Result<()> {
        replace_named(&self.folder, name, content, point)
    }
}

/// Replaces a file of the state folder whole; `point` is where a test may end the process before that.
pub(crate) fn replace_named(folder: &Path, name: &str, content: &[u8], point: &str) -> io::Result<()> {
    replace(folder, name, content, |_| {
        failpoint::hit(point);
        Ok(())
    })
}

/// SHA-256 of a bundle's bytes: what the collector calls it by.
pub fn digest(bytes: &[u8]) -> String {
    bundle::sha256(bytes).to_string()
}

/// Opens the bundle in the state folder, to be handed to another process. Reads nothing of it.
pub fn open(folder: &Path) -> Option<File> {
    open_named(folder, FILE)
}

/// Opens a plain file of the state folder.
pub(crate) fn open_named(folder: &Path, name: &str) -> Option<File> {
    open_plain(&folder.join(name))
}

/// A matcher of the bundle in a file, and its version. `keys` as the warden tells them.
pub fn matcher_of(file: File, keys: &[String]) -> Result<(Matcher, String), String> {
    let (compiled, version) = compiled_of(file, keys)?;
    let matcher = Matcher::from_compiled(&compiled).ok_or_else(|| bundle::Error::NoCatalogue.to_string())?;
    Ok((matcher, version))
}

/// A matcher of the bundle that was handed over, or of the program's own catalogue where there is none that can be used.
/// `doing` stands in the log.
pub(crate) fn base_matcher(handed: Option<(File, Vec<String>)>, doing: &str) -> Matcher {
    let made = handed.map(|(file, keys)| matcher_of(file, &keys));
    match made {
        Some(Ok((matcher, version))) => {
            tracing::info!(version, "{doing} with another catalogue than the program's own");
            matcher
        }
        Some(Err(why)) => {
            tracing::warn!("the catalogue that was handed over is not used: {why}");
            Matcher::embedded()
        }
        None => Matcher::embedded(),
    }
}

/// The compiled catalogue of the bundle in a file, and its version.
pub(crate) fn compiled_of(file: File, keys: &[String]) -> Result<(Vec<u8>, String), String> {
    let keys: Vec<PublicKey> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    let bytes = read(file).map_err(|error| format!("the catalogue's file cannot be read: {error}"))?;
    let made = bundle::read_usable(&bytes, &keys)
        .and_then(|bundle| Ok((bundle.compiled()?.into_owned(), bundle.version()?.into_owned())));
    made.map_err(|error| error.to_string())
}

fn standing_of(bundle: &Bundle<'_>) -> Result<Standing, bundle::Error> {
    Ok(Standing {
        version: bundle.version()?.into_owned(),
        published: bundle.manifest.date.to_string(),
        expires: Some(bundle.manifest.expires.to_string()),
        key: Some(bundle.key.to_string()),
        set_aside: None,
    })
}

fn embedded() -> Standing {
    let version = Catalogue::embedded_version().into_owned();
    let published = version.split('.').next().unwrap_or_default().to_owned();
    Standing { version, published, ..Standing::default() }
}

pub(crate) fn read(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A byte more than the bound, so that what is longer is refused as that.
    file.take(bundle::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use minisign::KeyPair;
    use umbrascope_rules::bundle::{Draft, floor, number_in};

    use super::*;

    const NOW: &str = "2026-11-26";

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn key() -> (KeyPair, PublicKey) {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pair.pk.to_base64().parse().unwrap();
        (pair, public)
    }

    /// A catalogue of one rule.
    fn bundle(pair: &KeyPair, number: u32, name: &str) -> Vec<u8> {
        let text = format!(
            "[vendor]\nid = \"v\"\nname = \"V\"\n[[product]]\nid = \"v.p\"\nname = \"P\"\nkind = \"service\"\n\
             category = \"assistant\"\ndescription = \"P.\"\n[[rule]]\nid = \"v.p.web\"\nproduct = \"v.p\"\n\
             confidence = \"high\"\nsource_url = \"https://v.dev/\"\nsource_type = \"knowledge\"\nexact = [\"{name}\"]\n"
        );
        let catalogue = Catalogue::parse(&[("v.toml", &text)]).unwrap().renumbered(number, day(NOW));
        let draft = Draft::of_catalogue(&catalogue, day(NOW), day("2027-01-01")).unwrap();
        let signed = minisign::sign(Some(&pair.pk), &pair.sk, draft.to_sign(), Some("c"), None).unwrap();
        draft.sign(&signed.to_string()).unwrap()
    }

    fn number(standing: &Standing) -> u32 {
        number_in(&standing.version).unwrap()
    }

    #[test]
    fn without_a_bundle_the_embedded_catalogue_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let (standing, digest) = Shelf::new(folder.path(), &[]).standing();
        assert_eq!(standing.version, Catalogue::embedded().version());
        assert_eq!(standing.published, Catalogue::embedded().date().to_string());
        assert_eq!((standing.expires, digest), (None, None));
    }

    #[test]
    fn what_is_taken_is_in_use_in_every_process_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, public) = key();
        let shelf = Shelf::new(folder.path(), std::slice::from_ref(&public));
        let bytes = bundle(&pair, floor() + 1, "v.dev");
        let taken = shelf.take(&bytes, day(NOW)).unwrap();
        assert_eq!(number(&taken), floor() + 1);
        assert_eq!(shelf.standing(), (taken, Some(digest(&bytes))));
        let (matcher, version) = matcher_of(open(folder.path()).unwrap(), &[public.to_string()]).unwrap();
        assert!(matcher.name("v.dev").is_some() && matcher.name("chatgpt.com").is_none());
        assert_eq!(number_in(&version), Some(floor() + 1));
        assert_eq!(shelf.catalogue().version(), version);
    }

    #[test]
    fn whoever_does_not_know_the_key_does_not_work_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, public) = key();
        Shelf::new(folder.path(), &[public]).take(&bundle(&pair, floor() + 1, "v.dev"), day(NOW)).unwrap();
        let error = matcher_of(open(folder.path()).unwrap(), &[key().1.to_string()]).unwrap_err();
        assert!(error.contains("not trusted"), "{error}");
        let (standing, _) = Shelf::new(folder.path(), &[]).standing();
        assert_eq!(standing.version, Catalogue::embedded().version());
        assert!(standing.set_aside.unwrap().contains("not trusted"));
    }

    #[test]
    fn a_refused_bundle_leaves_everything_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, public) = key();
        let shelf = Shelf::new(folder.path(), &[public]);
        let first = bundle(&pair, floor() + 5, "v.dev");
        shelf.take(&first, day(NOW)).unwrap();
        let before = shelf.standing();
        let older = bundle(&pair, floor() + 4, "v.dev");
        let other = bundle(&pair, floor() + 5, "w.dev");
        let foreign = bundle(&key().0, floor() + 6, "v.dev");
        let newer = bundle(&pair, floor() + 6, "v.dev");
        for (bytes, today) in [
            (&older[..], NOW),
            (&other, NOW),
            (&foreign, NOW),
            (&newer[..newer.len() - 1], NOW),
            (&newer, "2027-01-01"),
            (b"", NOW),
        ] {
            assert!(matches!(shelf.take(bytes, day(today)), Err(TakeError::Refused(_))));
            assert_eq!(shelf.standing(), before);
        }
        shelf.take(&first, day(NOW)).unwrap();
        shelf.take(&newer, day("1970-01-01")).unwrap();
    }

    #[test]
    fn the_highest_number_is_remembered_without_the_bundle_and_the_bundle_without_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, public) = key();
        let shelf = Shelf::new(folder.path(), &[public]);
        let nine = bundle(&pair, floor() + 9, "v.dev");
        let eight = bundle(&pair, floor() + 8, "v.dev");
        for lost in [FILE, MARK] {
            shelf.take(&nine, day(NOW)).unwrap();
            fs::remove_file(folder.path().join(lost)).unwrap();
            let refused = shelf.take(&eight, day(NOW));
            assert!(matches!(refused, Err(TakeError::Refused(bundle::Error::Rollback { .. }))), "{lost}");
        }
    }

    #[test]
    fn numbers_of_a_key_that_is_trusted_no_more_count_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let ((stolen, stolen_key), (new, new_key)) = (key(), key());
        Shelf::new(folder.path(), &[stolen_key, new_key.clone()])
            .take(&bundle(&stolen, u32::MAX, "v.dev"), day(NOW))
            .unwrap();
        let shelf = Shelf::new(folder.path(), &[new_key]);
        let taken = shelf.take(&bundle(&new, floor() + 1, "v.dev"), day(NOW)).unwrap();
        assert_eq!(number(&taken), floor() + 1);
    }

    #[test]
    fn what_an_ended_process_left_beside_is_no_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, public) = key();
        let shelf = Shelf::new(folder.path(), &[public]);
        let first = bundle(&pair, floor() + 1, "v.dev");
        shelf.take(&first, day(NOW)).unwrap();
        fs::write(folder.path().join("catalogue.bundle.new"), &first[..40]).unwrap();
        assert_eq!(number(&shelf.standing().0), floor() + 1);
        shelf.take(&bundle(&pair, floor() + 2, "v.dev"), day(NOW)).unwrap();
        // A link is not followed.
        fs::remove_file(folder.path().join(FILE)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join(FILE)).unwrap();
        assert_eq!(shelf.standing().0.version, Catalogue::embedded().version());
    }
}
