//! Which extensions a person has switched off: a list in the editor's state database. What is switched off for one workspace alone
//! is not told.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::Source;
use crate::scan::sqlite::Database;
use crate::scan::statedb::{self, STATE};

/// `DISABLED_EXTENSIONS_STORAGE_PATH` of the editor's source.
const KEY: &str = "extensionsIdentifiers/disabled";
/// The database of a profile, below its folder.
const OF_PROFILE: &str = "globalStorage/state.vscdb";

/// The ids in lower case, as the editor compares them; `None` where it is not known.
pub(super) struct Disabled {
    ids: Option<BTreeSet<String>>,
    /// The sandbox that the editor lives in.
    sandbox: Option<String>,
}

impl Disabled {
    /// Of an editor, by its folder of user data.
    pub(super) fn read(data: &Dir, source: &mut Source<'_>) -> Self {
        Self::at(data, STATE, source)
    }

    /// Of a profile, by its folder.
    pub(super) fn of_profile(profile: &Dir, source: &mut Source<'_>) -> Self {
        Self::at(profile, OF_PROFILE, source)
    }

    fn at(folder: &Dir, path: &str, source: &mut Source<'_>) -> Self {
        let location = || folder.shown_child(path);
        // A list that lags behind is not known; the extensions are told all the same.
        let database = source.note(Database::find(folder, path), location).filter(|database| !database.lags);
        let ids = database.and_then(|database| match statedb::text(&database, KEY) {
            Ok(Some(text)) => source.note(parse(text.as_bytes()), location),
            Ok(None) => Some(BTreeSet::new()),
            Err(trouble) => source.note(Err(trouble), location),
        });
        Self { ids, sandbox: sandbox(folder.shown()) }
    }

    /// Whether extensions of a folder are those of this editor.
    pub(super) fn is_of(&self, extensions: &Dir) -> bool {
        self.sandbox == sandbox(extensions.shown())
    }

    pub(super) fn enabled(&self, id: &str) -> Option<bool> {
        self.ids.as_ref().map(|ids| !ids.contains(&id.to_lowercase()))
    }
}

/// The application of Flatpak in whose folder a place is.
fn sandbox(shown: &str) -> Option<String> {
    shown.strip_prefix("~/.var/app/")?.split('/').next().map(str::to_owned)
}

/// The list, as the editor writes it.
pub(in crate::scan) fn parse(bytes: &[u8]) -> Result<BTreeSet<String>, Trouble> {
    #[derive(Deserialize)]
    struct Identifier {
        id: String,
    }
    let list: Vec<Identifier> = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    Ok(list.into_iter().map(|extension| extension.id.to_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_is_switched_off() {
        let text = br#"[{"id":"GitHub.copilot","uuid":"23c4aeee-f844-43cd-b53e-1113e483f1a6"},{"id":"vscodevim.vim"}]"#;
        let ids = parse(text).unwrap();
        assert_eq!(ids.iter().collect::<Vec<_>>(), ["github.copilot", "vscodevim.vim"]);
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), Err(Trouble::Malformed));
        }
    }

    #[test]
    fn an_editor_in_a_sandbox_has_its_own_list() {
        assert_eq!(
            sandbox("~/.var/app/com.visualstudio.code/config/Code").as_deref(),
            Some("com.visualstudio.code")
        );
        assert_eq!(sandbox("~/.config/Code"), None);
    }
}
