//! What one source family has found so far: matched items, unmatched identifiers, and what went wrong.

use std::collections::BTreeSet;
use std::path::Path;

use umbrascope_api::{
    Channel, Completeness, Evidence, ItemDetails, RiskFlag, SnapshotItem, SourceReport, SourceState, limits,
};
use umbrascope_rules::{Matcher, RuleRef, SoftwareKind};

use super::safe::{Dir, Entry, OwnerId, Trouble};
use super::{FoundItem, Problem, RawSnapshot, Unmatched};

/// Most problems kept with their place. All of them are counted.
const PROBLEMS: usize = 64;
/// Most of them that hide nothing.
const ASIDES: usize = 16;
/// Most unmatched identifiers kept of one source.
const UNMATCHED: usize = 20_000;

/// One identifier that a source holds, before anybody knows whether it is AI.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) value: String,
    pub(crate) version: Option<String>,
    pub(crate) executable: Option<String>,
    pub(crate) details: ItemDetails,
    pub(crate) flags: Vec<RiskFlag>,
    pub(crate) owner: Option<OwnerId>,
}

impl Found {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    pub(crate) fn version(mut self, version: Option<impl Into<String>>) -> Self {
        self.version = version.map(Into::into);
        self
    }

    pub(crate) fn at(mut self, location: impl Into<String>, owner: OwnerId) -> Self {
        self.details.location = Some(location.into());
        self.owner = Some(owner);
        self
    }
}

/// What came of a source family.
pub(crate) type Finished = (RawSnapshot, SourceReport, Vec<Problem>);

/// A source family being scanned.
pub(crate) struct Source<'a> {
    name: &'static str,
    channel: Channel,
    matcher: &'a Matcher,
    items: Vec<FoundItem>,
    unmatched: BTreeSet<Unmatched>,
    seen: u64,
    present: bool,
    worst: Option<Trouble>,
    problem_count: u64,
    problems: Vec<Problem>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(name: &'static str, channel: Channel, matcher: &'a Matcher) -> Self {
        Self {
            name,
            channel,
            matcher,
            items: Vec::new(),
            unmatched: BTreeSet::new(),
            seen: 0,
            present: false,
            worst: None,
            problem_count: 0,
            problems: Vec::new(),
        }
    }

    /// Notes that something was not read. Absence is no problem.
    pub(crate) fn trouble(&mut self, trouble: Trouble, location: impl Into<String>) {
        if trouble == Trouble::Absent {
            return;
        }
        if self.worst.is_none_or(|worst| rank(trouble) > rank(worst)) {
            self.worst = Some(trouble);
        }
        self.problem(trouble, location.into(), PROBLEMS);
    }

    /// Notes that something was left alone that is another's to tell, or whose name was told all the same: what was found is the whole
    /// of what is here.
    pub(crate) fn aside(&mut self, location: impl Into<String>) {
        self.problem(Trouble::Skipped, location.into(), ASIDES);
    }

    fn problem(&mut self, trouble: Trouble, location: String, most: usize) {
        self.present = true;
        self.problem_count += 1;
        if self.problems.len() < most {
            let location = clip(location);
            self.problems.push(Problem { source: self.name, state: trouble.state(), location });
        }
    }

    /// The value, or `None` and a note of why not.
    pub(crate) fn note<T>(
        &mut self,
        result: Result<T, Trouble>,
        location: impl FnOnce() -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.present = true;
                Some(value)
            }
            Err(Trouble::Absent) => None,
            Err(trouble) => {
                self.trouble(trouble, location());
                None
            }
        }
    }

    /// The same of a place on the way: that it is there says nothing of what is looked for.
    pub(crate) fn through<T>(
        &mut self,
        result: Result<T, Trouble>,
        location: impl FnOnce() -> String,
    ) -> Option<T> {
        result.map_err(|trouble| self.trouble(trouble, location())).ok()
    }

    /// A folder and what is in it, or `None` and a note of why not.
    pub(crate) fn list(&mut self, base: &Dir, path: impl AsRef<Path>) -> Option<(Dir, Vec<Entry>)> {
        let path = path.as_ref();
        let folder = self.note(base.dir(path), || base.shown_child(path))?;
        let (entries, trouble) = self.note(folder.entries(), || folder.shown().into())?;
        if let Some(trouble) = trouble {
            self.trouble(trouble, folder.shown());
        }
        Some((folder, entries))
    }

    /// As many of these as are looked at, and a note where there are more.
    pub(crate) fn first<T>(&mut self, mut all: Vec<T>, most: usize, location: &str) -> Vec<T> {
        if all.len() > most {
            self.trouble(Trouble::TooLarge, location);
            all.truncate(most);
        }
        all
    }

    /// The rule for an identifier, when there is one.
    pub(crate) fn rule(&self, kind: SoftwareKind, identifier: &str) -> Option<&'a RuleRef> {
        self.matcher.software(kind, identifier)
    }

    /// The rule for a package of a language, which may be known as an MCP server's only.
    pub(crate) fn package_rule(&self, kind: SoftwareKind, identifier: &str) -> Option<&'a RuleRef> {
        self.rule(kind, identifier).or_else(|| self.rule(SoftwareKind::McpPackage, identifier))
    }

    /// The matcher, for sources that ask several ways.
    pub(crate) fn matcher(&self) -> &'a Matcher {
        self.matcher
    }

    /// Counts an identifier and keeps it if it is AI; otherwise it stays on this machine.
    pub(crate) fn offer(&mut self, kind: SoftwareKind, found: Found) {
        match self.rule(kind, &found.value) {
            Some(rule) => self.take(rule, found),
            None => self.leave(kind, found.value, found.version),
        }
    }

    /// The same, for what is known by another channel than the source's own.
    pub(crate) fn offer_as(&mut self, channel: Channel, kind: SoftwareKind, found: Found) {
        match self.rule(kind, &found.value) {
            Some(rule) => self.take_as(channel, rule, found),
            None => self.leave(kind, found.value, found.version),
        }
    }

    /// The names in a folder, and a note of what could not be listed. What is no UTF-8 is no identifier.
    pub(crate) fn names(&mut self, folder: &Dir) -> Vec<String> {
        self.entries(folder).into_iter().filter_map(|entry| entry.name.into_string().ok()).collect()
    }

    /// The names of what may be folders in a folder.
    pub(crate) fn folders(&mut self, folder: &Dir) -> Vec<String> {
        let entries = self.entries(folder).into_iter().filter(Entry::may_be_dir);
        entries.filter_map(|entry| entry.name.into_string().ok()).collect()
    }

    fn entries(&mut self, folder: &Dir) -> Vec<Entry> {
        let listing = self.note(folder.entries(), || folder.shown().into());
        let (entries, trouble) = listing.unwrap_or_default();
        if let Some(trouble) = trouble {
            self.trouble(trouble, folder.shown());
        }
        entries
    }

    /// Counts an identifier that no rule knows.
    pub(crate) fn leave(&mut self, kind: SoftwareKind, identifier: String, version: Option<String>) {
        self.seen += 1;
        self.present = true;
        if self.unmatched.len() < UNMATCHED {
            self.unmatched.insert(Unmatched {
                kind,
                identifier: clip(identifier),
                version: version.map(clip),
            });
        }
    }

    /// Counts something that is neither AI nor worth remembering.
    pub(crate) fn pass(&mut self) {
        self.seen += 1;
        self.present = true;
    }

    /// Keeps a matched item.
    pub(crate) fn take(&mut self, rule: &RuleRef, found: Found) {
        self.take_as(self.channel.clone(), rule, found);
    }

    /// Keeps a matched item that is known by another channel than the source's own.
    pub(crate) fn take_as(&mut self, channel: Channel, rule: &RuleRef, found: Found) {
        self.seen += 1;
        self.present = true;
        if self.items.len() >= limits::SNAPSHOT_ITEMS {
            self.trouble(Trouble::TooLarge, "more matched items than a snapshot holds");
            return;
        }
        let Found { value, version, executable, mut details, mut flags, owner } = found;
        clip_details(&mut details);
        flags.sort();
        flags.dedup();
        flags.truncate(limits::LIST_ENTRIES);
        let evidence = Evidence {
            value: clip(value),
            version: version.map(clip),
            executable: executable.map(clip),
            ..Evidence::default()
        };
        let item =
            SnapshotItem { rule: rule.rule.to_string(), channel, account: None, evidence, details, flags };
        self.items.push(FoundItem {
            item,
            owner,
            product: (&*rule.product).into(),
            vendor: (&*rule.vendor).into(),
            confidence: rule.confidence,
        });
    }

    /// Closes the source.
    pub(crate) fn finish(mut self) -> Finished {
        self.items.sort_by(|a, b| {
            let key = |found: &FoundItem| {
                (found.item.evidence.clone(), found.owner, found.item.details.location.clone())
            };
            key(a).cmp(&key(b))
        });
        self.items.dedup_by(|a, b| a.item == b.item && a.owner == b.owner);
        let state = match self.worst {
            Some(trouble) => trouble.state(),
            None if self.present => SourceState::Read,
            None => SourceState::Absent,
        };
        let completeness = if self.worst.is_none() { Completeness::Complete } else { Completeness::Partial };
        let snapshot = RawSnapshot {
            source: self.name,
            completeness,
            items: self.items,
            unmatched: self.unmatched.into_iter().collect(),
        };
        let report = SourceReport {
            source: self.name.to_owned(),
            state,
            problems: self.problem_count,
            items_seen: self.seen,
        };
        (snapshot, report, self.problems)
    }
}

/// Which of two troubles a report names: the one that hides more.
fn rank(trouble: Trouble) -> u8 {
    match trouble {
        Trouble::Absent => 0,
        Trouble::Skipped => 1,
        Trouble::Malformed => 2,
        Trouble::TooLarge => 3,
        Trouble::Refused => 4,
        Trouble::TimedOut => 5,
    }
}

/// Cuts a text to what the wire carries, at a character's border. Control characters, which could forge a line of
/// a report, and those that turn the direction of writing, which could make it read otherwise, become spaces.
pub(crate) fn clip(mut text: String) -> String {
    if text.len() > limits::TEXT_BYTES {
        let end = (0..=limits::TEXT_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    if text.chars().any(misleads) {
        text = text.chars().map(|c| if misleads(c) { ' ' } else { c }).collect();
    }
    text
}

/// Bidi_Control (UAX #9 § 2), line and paragraph separators, and what `char` calls a control character.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn clip_details(details: &mut ItemDetails) {
    for text in details.texts_mut() {
        *text = text.take().map(clip).filter(|text| !text.is_empty());
    }
    details.env_names.sort();
    details.env_names.dedup();
    details.env_names.truncate(limits::LIST_ENTRIES);
    for name in &mut details.env_names {
        *name = clip(std::mem::take(name));
    }
    details.parts.sort();
    details.parts.dedup();
    details.parts.truncate(limits::LIST_ENTRIES);
    for part in &mut details.parts {
        part.name = clip(std::mem::take(&mut part.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_holds_no_control_character() {
        let long = "ä".repeat(400);
        let cut = clip(long);
        assert_eq!(cut.len(), 512);
        assert_eq!(clip("a\nb\u{1b}[31m".into()), "a b [31m");
        assert_eq!(clip("a\u{202e}gpj.\u{2066}b".into()), "a gpj. b");
    }

    #[test]
    fn the_worst_trouble_names_the_state_and_makes_it_partial() {
        let matcher = Matcher::embedded();
        let mut source = Source::new("pip", Channel::Package, &matcher);
        source.trouble(Trouble::Absent, "a");
        source.trouble(Trouble::Malformed, "b");
        source.trouble(Trouble::Refused, "c");
        source.trouble(Trouble::Skipped, "d");
        let (snapshot, report, problems) = source.finish();
        assert_eq!(snapshot.completeness, Completeness::Partial);
        assert_eq!((report.state, report.problems), (SourceState::Refused, 3));
        assert_eq!(problems.len(), 3);
    }

    #[test]
    fn what_no_rule_knows_is_kept_apart() {
        let matcher = Matcher::embedded();
        let mut source = Source::new("pip", Channel::Package, &matcher);
        source.offer(SoftwareKind::Pypi, Found::new("surely-no-ai-package").version(Some("1")));
        let (snapshot, report, _) = source.finish();
        assert!(snapshot.items.is_empty());
        assert_eq!(snapshot.unmatched.len(), 1);
        assert_eq!((report.state, report.items_seen), (SourceState::Read, 1));
    }
}
