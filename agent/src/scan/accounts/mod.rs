//! With which account a tool is signed in: the domain of its address, from the tool's own configuration.
//!
//! The domain alone tells a company's account from a person's own. The part that names the person is dropped where it is
//! read ([`claim`]), and no token is kept.

mod claim;
mod mail;

use std::io::BufReader;

use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::document::CONFIG_BYTES;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::statedb::{self, STATE};
use super::userdata;
use claim::Written::{self, Jwt, Plain};

/// Where tools write down whom they signed in: the tool, as the catalogue has it, the file below the home, the way to the
/// address, and how it is written there.
const IN_HOME: &[(&str, &str, &[&str], Written)] = &[
    ("~/.claude", ".claude.json", &["oauthAccount", "emailAddress"], Plain),
    ("~/.codex", ".codex/auth.json", &["tokens", "id_token"], Jwt),
    ("~/.gemini", ".gemini/google_accounts.json", &["active"], Plain),
    ("~/.cursor", ".cursor/cli-config.json", &["authInfo", "email"], Plain),
    ("~/.continue", ".continue/auth.json", &["userEmail"], Plain),
];

/// Keys of an editor's state database with an address in them: the editor, the tool, the key, and the way to the address
/// where the value is JSON.
const IN_STATE: &[(&str, &str, &str, &[&str])] = &[
    ("Cursor", "~/.cursor", "cursorAuth/cachedEmail", &[]),
    ("Antigravity", "~/.gemini/antigravity", "antigravityAuthStatus", &["email"]),
];

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (tool, path, way, written) in IN_HOME {
        let location = || format!("~/{path}");
        let Some(file) = source.note(home.file(path, CONFIG_BYTES), location) else { continue };
        let owner = file.uid;
        let read = claim::domain(BufReader::new(file.reader(CONFIG_BYTES)), way, *written);
        if let Some(domain) = source.note(read, location).flatten() {
            take(tool, domain, location(), owner, source);
        }
    }
    for (editor, folder) in userdata::folders(home) {
        for (_, tool, key, way) in IN_STATE.iter().filter(|(of, ..)| *of == editor) {
            let location = || folder.shown_child(STATE);
            let Some(file) = source.note(folder.head(STATE), location) else { continue };
            let owner = file.uid;
            if let Some(domain) = source.note(of_state(&file.into_file(), key, way), location).flatten() {
                take(tool, domain, location(), owner, source);
            }
        }
    }
}

fn of_state(file: &std::fs::File, key: &str, way: &[&str]) -> Result<Option<String>, Trouble> {
    let Some(text) = statedb::text(file, key)? else { return Ok(None) };
    match way {
        [] => Ok(claim::of_address(&text)),
        way => claim::domain(text.as_bytes(), way, Plain),
    }
}

fn take(tool: &str, domain: String, location: String, owner: crate::scan::OwnerId, source: &mut Source<'_>) {
    let Some(rule) = source.rule(SoftwareKind::ConfigPath, tool) else { return source.pass() };
    let mut found = Found::new(domain).at(location, owner);
    if mail::is_public(&found.value) {
        found.flags.push(RiskFlag::PersonalAccount);
    }
    source.take(rule, found);
}

/// Reads bytes as each of the files.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn read_any(bytes: &[u8]) {
    for (_, _, way, written) in IN_HOME {
        drop(claim::domain(bytes, way, *written));
    }
}
