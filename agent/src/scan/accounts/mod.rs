//! With which account a tool is signed in: the domain of its address, from the tool's own configuration.
//!
//! The domain alone tells a company's account from a person's own. The part that names the person is dropped where it is
//! read ([`claim`]), and no token is kept.

mod claim;
mod mail;

use std::io::BufReader;
use std::path::{Path, PathBuf};

use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::document::CONFIG_BYTES;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::sqlite::Database;
use super::statedb::{self, STATE};
use super::{environment, userdata};
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

/// Files of GitHub Copilot with a host for each account, and no address: a host of its own is a company's.
const HOSTS: &[&str] = &[
    ".config/github-copilot/apps.json",
    ".config/github-copilot/hosts.json",
    "AppData/Local/github-copilot/apps.json",
    "AppData/Local/github-copilot/hosts.json",
];
const COPILOT: &str = "~/.config/github-copilot";

/// Databases with the page where a company's people sign in to AWS (`START_URL_KEY` of Amazon Q's source): the tool, and the file
/// below the home.
const START_PAGES: &[(&str, &str)] = &[
    ("~/.aws/amazonq", ".local/share/amazon-q/data.sqlite3"),
    ("~/.aws/amazonq", "Library/Application Support/amazon-q/data.sqlite3"),
    ("~/.kiro", ".local/share/kiro-cli/data.sqlite3"),
    ("~/.kiro", "Library/Application Support/kiro-cli/data.sqlite3"),
];
const START_PAGE: &str = "auth.idc.start-url";
/// Where people sign in with an account of their own, the AWS Builder ID.
const BUILDER_ID: &str = "view.awsapps.com";

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (tool, path, way, written) in IN_HOME {
        let own = tool.trim_start_matches("~/");
        let name = Path::new(path).strip_prefix(own).unwrap_or(Path::new(path));
        let moved = environment::of_assistant(home, tool).into_iter().map(|folder| folder.join(name));
        for path in moved.chain([PathBuf::from(path)]) {
            let location = || home.shown_child(&path);
            let Some(file) = source.note(home.file(&path, CONFIG_BYTES), location) else { continue };
            let owner = file.uid;
            let read = claim::domain(BufReader::new(file.reader(CONFIG_BYTES)), way, *written);
            if let Some(domain) = source.note(read, location).flatten() {
                take(tool, domain, location(), owner, source);
            }
        }
    }
    for path in HOSTS {
        let location = || format!("~/{path}");
        let Some(file) = source.note(home.file(path, CONFIG_BYTES), location) else { continue };
        let owner = file.uid;
        let hosts = claim::hosts(BufReader::new(file.reader(CONFIG_BYTES)));
        for host in source.note(hosts, location).into_iter().flatten() {
            take(COPILOT, host, location(), owner, source);
        }
    }
    for (tool, path) in START_PAGES {
        let location = || format!("~/{path}");
        let Some(database) = Database::note(home, path, source) else { continue };
        let owner = database.owner;
        let page = statedb::text_of_amazon(&database, START_PAGE);
        if let Some(host) = source.note(page, location).flatten().as_deref().and_then(host_of_page) {
            take(tool, host, location(), owner, source);
        }
    }
    for (editor, folder) in userdata::folders(home, source) {
        for (_, tool, key, way) in IN_STATE.iter().filter(|(of, ..)| *of == editor) {
            let location = || folder.shown_child(STATE);
            let Some(database) = Database::note(&folder, STATE, source) else { continue };
            let owner = database.owner;
            if let Some(domain) = source.note(of_state(&database, key, way), location).flatten() {
                take(tool, domain, location(), owner, source);
            }
        }
    }
}

fn of_state(database: &Database, key: &str, way: &[&str]) -> Result<Option<String>, Trouble> {
    let Some(text) = statedb::text(database, key)? else { return Ok(None) };
    match way {
        [] => Ok(claim::of_address(&text)),
        way => claim::domain(text.as_bytes(), way, Plain),
    }
}

/// The host of an address that is written as JSON.
fn host_of_page(text: &str) -> Option<String> {
    super::mcp::host(&serde_json::from_str::<String>(text).ok()?)
}

fn take(tool: &str, domain: String, location: String, owner: crate::scan::OwnerId, source: &mut Source<'_>) {
    let Some(rule) = source.rule(SoftwareKind::ConfigPath, tool) else { return source.pass() };
    let mut found = Found::new(domain).at(location, owner);
    if mail::is_public(&found.value) || found.value == BUILDER_ID {
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
    drop(claim::hosts(bytes));
    host_of_page(&String::from_utf8_lossy(bytes));
}
