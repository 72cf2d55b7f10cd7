//! Names of accounts, sealed to a privacy officer's key. Nothing here happens unless the configuration of this machine names that key and the
//! collector's last answer asks for names sealed to the very same one: whoever takes over the collector can bring no key of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable, single_shot_seal};
use serde::{Deserialize, Serialize};
use umbrascope_api::{
    AccountId, Day, MachineId, PrivacyKey, Reidentification, SEALED_INFO, SEALED_NAME_BYTES, SealedAccount,
    SealedName, limits, sealed_to,
};

use crate::sender::Content;
use crate::state::{State, StateError};

/// Name of the note of what was sent.
const NOTE: &str = "sealed-names";
/// After so many days a name is sent anew with rows of its account: the collector deletes names with what they belong to.
const AGAIN_AFTER_DAYS: u32 = 30;
/// Longest name that is sealed, in bytes; no system gives out longer ones.
const NAME_BYTES: usize = 64;
/// Largest list of accounts that is read, in bytes.
const PASSWD_BYTES: u64 = 4 * 1024 * 1024;
/// Most homes that are looked at for an owner.
const HOMES: usize = 1_024;

/// Whether names are sealed, and which were.
#[derive(Debug)]
pub(super) struct Sealing {
    configured: Option<PrivacyKey>,
    machine: MachineId,
    wish: Option<Reidentification>,
    /// Accounts of what was delivered before are looked at too: the wish is new to this process.
    all: bool,
}

/// What was sent, and for which wish.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sent {
    since_ms: i64,
    days: BTreeMap<AccountId, Day>,
}

impl Sealing {
    pub(super) fn new(configured: Option<PrivacyKey>, machine: MachineId) -> Self {
        Self { configured, machine, wish: None, all: false }
    }

    /// Takes what the collector's answer says. With the wish goes what is remembered of it.
    pub(super) fn answered(
        &mut self,
        asked: Option<Reidentification>,
        state: &State,
    ) -> Result<(), StateError> {
        let wish = asked.filter(|asked| Some(asked.key) == self.configured);
        if wish == self.wish {
            return Ok(());
        }
        match (&wish, asked) {
            (Some(_), _) => {
                tracing::info!("names of accounts are sealed for the privacy officer from now on")
            }
            (None, Some(asked)) => tracing::warn!(
                key = %asked.key,
                "the collector asks for names sealed to a key that this configuration does not name: none is sent"
            ),
            (None, None) => tracing::info!("names of accounts are not sealed any more"),
        }
        self.all = wish.is_some();
        self.wish = wish;
        if self.wish.is_none() { state.drop_note(NOTE) } else { Ok(()) }
    }

    /// Sealed names that belong to a batch and were not sent of late.
    pub(super) fn due(
        &self,
        content: &Content,
        state: &State,
        today: Day,
    ) -> Result<Vec<SealedAccount>, StateError> {
        let Some(wish) = self.wish else { return Ok(Vec::new()) };
        let mut wanted = accounts(content);
        if self.all {
            wanted.extend(state.accounts()?);
        }
        let sent = self.sent(wish, state)?;
        wanted.retain(|account| {
            sent.days.get(account).is_none_or(|day| day.forward(AGAIN_AFTER_DAYS) <= today)
        });
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut sealed = Vec::new();
        for (uid, name) in names(Path::new("/")) {
            let account = state.account(uid);
            if wanted.remove(&account)
                && let Some(text) = seal(&wish.key, &self.machine, &SealedName { uid, name })
            {
                sealed.push(SealedAccount { account, key: wish.key, sealed: text });
            }
            if sealed.len() == limits::SEALED_ACCOUNTS {
                break;
            }
        }
        Ok(sealed)
    }

    /// Notes that names were taken, or will never be.
    pub(super) fn mark(
        &mut self,
        sealed: &[SealedAccount],
        state: &State,
        today: Day,
    ) -> Result<(), StateError> {
        let Some(wish) = self.wish else { return Ok(()) };
        if sealed.is_empty() {
            // What there was to be sent of before is.
            self.all = false;
            return Ok(());
        }
        let mut sent = self.sent(wish, state)?;
        sent.days.extend(sealed.iter().map(|one| (one.account, today)));
        match serde_json::to_string(&sent) {
            Ok(text) => state.set_note(NOTE, &text),
            Err(_) => Ok(()),
        }
    }

    fn sent(&self, wish: Reidentification, state: &State) -> Result<Sent, StateError> {
        let kept = state.note(NOTE)?.and_then(|text| serde_json::from_str::<Sent>(&text).ok());
        let kept = kept.filter(|sent| sent.since_ms == wish.since_ms);
        Ok(kept.unwrap_or_else(|| Sent { since_ms: wish.since_ms, ..Sent::default() }))
    }
}

fn accounts(content: &Content) -> BTreeSet<AccountId> {
    let rows = content.rows.iter().filter_map(|due| due.row.account);
    let items = content.snapshots.iter().flat_map(|snapshot| &snapshot.items);
    rows.chain(items.filter_map(|item| item.account)).collect()
}

/// A name sealed to a key; `None`: the key is none.
fn seal(key: &PrivacyKey, machine: &MachineId, name: &SealedName) -> Option<String> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key.as_bytes()).ok()?;
    let mut plain = serde_json::to_vec(name).ok()?;
    if plain.len() > SEALED_NAME_BYTES {
        return None;
    }
    plain.resize(SEALED_NAME_BYTES, b' ');
    let (encapsulated, sealed) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        SEALED_INFO,
        &plain,
        sealed_to(machine),
    )
    .ok()?;
    Some(BASE64URL_NOPAD.encode(&[&encapsulated.to_bytes()[..], &sealed].concat()))
}

/// Numbers and names of the accounts of this machine: those of `/etc/passwd`, and owners of homes that do not stand there, by the name of the
/// home. Never `getpwuid`: it would ask a directory over the network.
fn names(root: &Path) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    let homes = std::fs::read_dir(root.join("home")).into_iter().flatten().flatten();
    for home in homes.take(HOMES) {
        let Ok(metadata) = std::fs::symlink_metadata(home.path()) else { continue };
        if metadata.is_dir() {
            names.insert(metadata.uid(), home.file_name().to_string_lossy().into_owned());
        }
    }
    let mut text = Vec::new();
    if let Ok(file) = std::fs::File::open(root.join("etc/passwd")) {
        // What cannot be read is not there.
        let _ = std::io::Read::read_to_end(&mut std::io::Read::take(file, PASSWD_BYTES), &mut text);
    }
    for line in text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        let mut fields = line.split(':');
        if let (Some(name), Some(Ok(uid))) = (fields.next(), fields.nth(1).map(str::parse)) {
            names.insert(uid, name.to_owned());
        }
    }
    names.retain(|_, name| {
        !name.is_empty() && name.len() <= NAME_BYTES && !name.contains(|c: char| c.is_control() || c == '"')
    });
    names
}

#[cfg(test)]
mod tests {
    use hpke::{OpModeR, single_shot_open};
    use ring::rand::SystemRandom;
    use umbrascope_api::{Channel, Evidence, ItemDetails, SnapshotItem};
    use umbrascope_api::{Completeness, SEALED_TEXT_BYTES};

    use super::*;

    type Secret = <X25519HkdfSha256 as Kem>::PrivateKey;

    const MACHINE: MachineId = MachineId::from_bytes([7; 16]);

    fn pair() -> (Secret, PrivacyKey) {
        let (secret, public) = X25519HkdfSha256::gen_keypair();
        (secret, PrivacyKey::from_bytes(public.to_bytes().into()))
    }

    fn open(secret: &Secret, machine: &MachineId, text: &str) -> Option<SealedName> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        let (encapsulated, sealed) = bytes.split_at(32);
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).unwrap();
        let plain = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            secret,
            &encapsulated,
            SEALED_INFO,
            sealed,
            sealed_to(machine),
        );
        serde_json::from_slice(&plain.ok()?).ok()
    }

    /// A state with one snapshot of the account that runs the test, and the name it has.
    fn state() -> (State, tempfile::TempDir, u32) {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path(), MACHINE, &SystemRandom::new()).unwrap().0;
        let uid = *names(Path::new("/")).keys().next().expect("a machine has accounts");
        let item = SnapshotItem {
            rule: "a.b.c".to_owned(),
            channel: Channel::Package,
            account: Some(state.account(uid)),
            evidence: Evidence { value: "ollama".to_owned(), ..Evidence::default() },
            details: ItemDetails::default(),
            flags: vec![],
        };
        state.store_snapshot("dpkg", Completeness::Complete, &[item], &[]).unwrap();
        (state, folder, uid)
    }

    fn content(state: &State) -> Content {
        Content { snapshots: state.due_snapshots(9).unwrap(), ..Content::default() }
    }

    fn day() -> Day {
        Day::from_number(20_783).unwrap()
    }

    #[test]
    fn a_name_opens_with_its_key_on_its_machine_and_only_so() {
        let ((secret, key), (other, _)) = (pair(), pair());
        let name = SealedName { uid: 1000, name: "kim".to_owned() };
        let text = seal(&key, &MACHINE, &name).unwrap();
        assert_eq!(open(&secret, &MACHINE, &text), Some(name.clone()));
        assert_eq!(open(&other, &MACHINE, &text), None);
        assert_eq!(open(&secret, &MachineId::from_bytes([8; 16]), &text), None, "it is bound to its machine");
        let long = SealedName { uid: u32::MAX, name: "n".repeat(NAME_BYTES) };
        let long = seal(&key, &MACHINE, &long).unwrap();
        assert_eq!(
            (text.len(), long.len()),
            (SEALED_TEXT_BYTES, SEALED_TEXT_BYTES),
            "the length tells nothing"
        );
        assert_ne!(seal(&key, &MACHINE, &name).unwrap(), text, "nor do two of the same name look alike");
    }

    #[test]
    fn nothing_is_sealed_unless_the_configuration_and_the_collector_name_the_same_key() {
        let (state, _folder, _) = state();
        let ((_, key), (_, other)) = (pair(), pair());
        let wish = |key| Some(Reidentification { since_ms: 5, key });
        for (configured, asked) in
            [(None, None), (None, wish(key)), (Some(key), None), (Some(key), wish(other))]
        {
            let mut sealing = Sealing::new(configured, MACHINE);
            sealing.answered(asked, &state).unwrap();
            assert_eq!(sealing.due(&content(&state), &state, day()).unwrap(), [], "{configured:?} {asked:?}");
        }
        let mut sealing = Sealing::new(Some(key), MACHINE);
        assert_eq!(sealing.due(&content(&state), &state, day()).unwrap(), [], "before the first answer");
        sealing.answered(wish(key), &state).unwrap();
        assert_eq!(sealing.due(&content(&state), &state, day()).unwrap().len(), 1);
    }

    #[test]
    fn a_name_is_sent_once_for_what_was_delivered_before_too_and_again_after_a_while() {
        let (mut state, _folder, uid) = state();
        let (secret, key) = pair();
        state.mark_snapshot("dpkg", 1).unwrap();
        let wish = Reidentification { since_ms: 5, key };
        let mut sealing = Sealing::new(Some(key), MACHINE);
        sealing.answered(Some(wish), &state).unwrap();
        let due = sealing.due(&Content::default(), &state, day()).unwrap();
        assert_eq!(
            due.iter().map(|one| (one.account, one.key)).collect::<Vec<_>>(),
            [(state.account(uid), key)]
        );
        assert_eq!(open(&secret, &MACHINE, &due[0].sealed).map(|name| name.uid), Some(uid));
        sealing.mark(&due, &state, day()).unwrap();
        assert_eq!(sealing.due(&Content::default(), &state, day()).unwrap(), []);
        let mut next = Sealing::new(Some(key), MACHINE);
        next.answered(Some(wish), &state).unwrap();
        assert_eq!(next.due(&Content::default(), &state, day()).unwrap(), [], "another process remembers");
        let late = day().forward(AGAIN_AFTER_DAYS);
        assert_eq!(next.due(&Content::default(), &state, late).unwrap().len(), 1);
        next.mark(&[], &state, late).unwrap();
        assert_eq!(next.due(&Content::default(), &state, late).unwrap(), [], "without rows there is no need");
        // Withdrawn and wanted again: the collector has deleted what it had.
        next.answered(None, &state).unwrap();
        next.answered(Some(Reidentification { since_ms: 9, key }), &state).unwrap();
        assert_eq!(next.due(&Content::default(), &state, day()).unwrap().len(), 1);
    }

    #[test]
    fn names_are_those_of_the_machine_and_owners_of_homes_have_the_name_of_the_home() {
        let root = tempfile::tempdir().unwrap();
        let (etc, home) = (root.path().join("etc"), root.path().join("home/kim@corp.example"));
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::create_dir_all(&home).unwrap();
        let owner = std::fs::symlink_metadata(&home).unwrap().uid();
        let passwd =
            format!("svc:x:{}:1::/:\nbad line\nodd:x:abc:1\nla\"x:x:7:1::/:\n", owner.wrapping_add(5));
        std::fs::write(etc.join("passwd"), passwd).unwrap();
        let expected = [(owner, "kim@corp.example".to_owned()), (owner.wrapping_add(5), "svc".to_owned())];
        assert_eq!(names(root.path()), BTreeMap::from(expected));
    }
}
