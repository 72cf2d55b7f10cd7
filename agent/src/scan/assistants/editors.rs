//! Assistants that live in an editor of the VS Code family and keep their settings with it: among those of the editor, in a file
//! beside them, or in the editor's state.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde_json::Value;
use umbrascope_api::RiskFlag::ApprovalBypass;
use umbrascope_rules::SoftwareKind;

use super::keys::{CLINE, ROO};
use super::settings::Is::{Holds, Sets, True, Word};
use super::settings::Says::{Model, Provider, Risk, Secret, Url};
use super::settings::{Facts, Setting, at};
use super::{document_at, tell};
use crate::scan::safe::Dir;
use crate::scan::source::{Found, Source};
use crate::scan::sqlite::Database;
use crate::scan::{statedb, userdata};

/// One assistant.
struct InEditor {
    /// By what the catalogue knows it.
    kind: SoftwareKind,
    identifier: &'static str,
    /// The one editor that it is a part of, by its name in [`userdata`].
    editor: Option<&'static str>,
    /// What the editor's own settings say of it.
    settings: &'static [Setting],
    /// A file beside these, and what its keys say.
    file: Option<(&'static str, &'static [Setting])>,
    /// A key of the editor's state, and what the members of the object under it say. Of an extension it is the id, spelled as its
    /// manifest spells it (`extensionStorage.ts` of the editor's source).
    state: Option<(&'static str, &'static [Setting])>,
}

/// Nothing but its identifier.
const BARE: InEditor = InEditor {
    kind: SoftwareKind::VscodeExtension,
    identifier: "",
    editor: None,
    settings: &[],
    file: None,
    state: None,
};

const IN_EDITOR: &[InEditor] = &[
    InEditor { identifier: "saoudrizwan.claude-dev", state: Some(("saoudrizwan.claude-dev", CLINE)), ..BARE },
    InEditor {
        identifier: "rooveterinaryinc.roo-cline",
        settings: &[at("roo-cline.allowedCommands", Risk(&ApprovalBypass, Holds(&["*"])))],
        state: Some(("RooVeterinaryInc.roo-cline", ROO)),
        ..BARE
    },
    InEditor {
        identifier: "kilocode.kilo-code",
        settings: &[at("kilo-code.allowedCommands", Risk(&ApprovalBypass, Holds(&["*"])))],
        state: Some(("kilocode.kilo-code", ROO)),
        ..BARE
    },
    InEditor {
        identifier: "github.copilot-chat",
        settings: &[
            at("chat.tools.autoApprove", Risk(&ApprovalBypass, True)),
            at("chat.tools.global.autoApprove", Risk(&ApprovalBypass, True)),
            // The pattern of every command.
            at("chat.tools.terminal.autoApprove", Risk(&ApprovalBypass, Sets(&["/.*/", "/^.*$/"]))),
        ],
        // Models of other providers that were added to its own, a group each. Told is the first.
        file: Some((
            "chatLanguageModels.json",
            &[
                at("0/vendor", Provider),
                at("0/models/0/id", Model),
                at("0/url", Url),
                at("0/models/0/url", Url),
                at("*/apiKey", Secret),
            ],
        )),
        ..BARE
    },
    InEditor {
        identifier: "anthropic.claude-code",
        settings: &[
            at("claudeCode.selectedModel", Model),
            at("claudeCode.initialPermissionMode", Risk(&ApprovalBypass, Word(&["bypassPermissions"]))),
        ],
        ..BARE
    },
    InEditor {
        identifier: "google.geminicodeassist",
        settings: &[at("geminicodeassist.agentYoloMode", Risk(&ApprovalBypass, True))],
        ..BARE
    },
    InEditor {
        kind: SoftwareKind::ConfigPath,
        identifier: "~/.kiro",
        settings: &[at("kiroAgent.trustedCommands", Risk(&ApprovalBypass, Holds(&["*"])))],
        ..BARE
    },
    InEditor {
        kind: SoftwareKind::ConfigPath,
        identifier: "~/.cursor",
        editor: Some("Cursor"),
        state: Some((
            "src.vs.platform.reactivestorage.browser.reactiveStorageServiceImpl.persistentStorage.applicationUser",
            &[at("composerState/modes4/*/fullAutoRun", Risk(&ApprovalBypass, True))],
        )),
        ..BARE
    },
];

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (editor, data) in userdata::folders(home, source) {
        let usual = PathBuf::from("User");
        let others = userdata::profiles(&data, source);
        for profile in std::iter::once(usual).chain(others) {
            read_profile(editor, &data, &profile, source);
        }
    }
}

fn read_profile(editor: &'static str, data: &Dir, profile: &Path, source: &mut Source<'_>) {
    let place = |name: &str| profile.join(name).to_string_lossy().replace('\\', "/");
    let of_editor = document_at(data, &place("settings.json"), source);
    let state = State { data, path: place("globalStorage/state.vscdb"), database: OnceCell::new() };
    for assistant in IN_EDITOR.iter().filter(|one| one.editor.is_none_or(|only| only == editor)) {
        let Some(rule) = source.rule(assistant.kind, assistant.identifier) else { continue };
        let mut facts = Facts::default();
        let mut said_at = None;
        let mut learn = |document: Option<Value>, settings: &[Setting], path: String| {
            let before = facts.clone();
            document.iter().for_each(|document| facts.read(document, settings));
            if facts != before {
                said_at = Some(path);
            }
        };
        if !assistant.settings.is_empty() {
            learn(of_editor.clone(), assistant.settings, place("settings.json"));
        }
        if let Some((name, settings)) = assistant.file {
            learn(document_at(data, &place(name), source), settings, place(name));
        }
        if let Some((key, settings)) = assistant.state
            && is_there(assistant, data)
        {
            learn(state.members(key, settings, source), settings, state.path.clone());
        }
        let Some(said_at) = said_at else { continue };
        let found = Found::new(assistant.identifier).at(data.shown_child(said_at), data.uid());
        let mut found = tell(found, facts, false, rule, source);
        found.details.client = Some(editor.to_owned());
        source.take(rule, found);
    }
}

/// Whether an extension has ever kept a file of its own with this editor, so that its state is worth a look.
fn is_there(assistant: &InEditor, data: &Dir) -> bool {
    assistant.kind != SoftwareKind::VscodeExtension
        || data.look(Path::new("User/globalStorage").join(assistant.identifier)).is_ok()
}

/// The editor's state, opened for the first who asks.
struct State<'a> {
    data: &'a Dir,
    path: String,
    database: OnceCell<Option<Database>>,
}

impl State<'_> {
    /// Of the object under a key, what a table of settings asks for.
    fn members(&self, key: &str, settings: &[Setting], source: &mut Source<'_>) -> Option<Value> {
        let database =
            self.database.get_or_init(|| Database::note(self.data, &self.path, source)).as_ref()?;
        let wanted: Vec<&str> = settings.iter().flat_map(Setting::members).collect();
        source.note(statedb::members(database, key, &wanted), || self.data.shown_child(&self.path)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_of_an_editor_that_let_an_assistant_act_unasked_are_told_from_those_that_ask() {
        let flags = |identifier: &str, document: Value| {
            let assistant = IN_EDITOR.iter().find(|one| one.identifier == identifier).unwrap();
            let mut facts = Facts::default();
            facts.read(&document, assistant.settings);
            facts.flags
        };
        for (identifier, unasked, asking) in [
            (
                "github.copilot-chat",
                json!({"chat.tools.terminal.autoApprove": {"rm": false, "/.*/": true}}),
                json!({"chat.tools.terminal.autoApprove": {"/.*/": false, "git status": true}}),
            ),
            (
                "anthropic.claude-code",
                json!({"claudeCode.initialPermissionMode": "bypassPermissions"}),
                // It unlocks the mode, and does not choose it.
                json!({"claudeCode.allowDangerouslySkipPermissions": true, "claudeCode.initialPermissionMode": "acceptEdits"}),
            ),
            (
                "google.geminicodeassist",
                json!({"geminicodeassist.agentYoloMode": true}),
                json!({"geminicodeassist.agentYoloMode": false}),
            ),
        ] {
            assert_eq!(flags(identifier, unasked), [ApprovalBypass], "{identifier}");
            assert_eq!(flags(identifier, asking), [], "{identifier}");
        }
    }

    #[test]
    fn every_assistant_of_the_table_is_known_to_the_catalogue() {
        let matcher = umbrascope_rules::Matcher::embedded();
        for one in IN_EDITOR {
            assert!(matcher.software(one.kind, one.identifier).is_some(), "{}", one.identifier);
            assert!(one.editor.is_none_or(userdata::is_editor), "{}", one.identifier);
        }
    }
}
