//! What one home costs the others.

use super::*;

#[test]
fn a_home_that_floods_the_scan_is_told_as_cut_and_costs_the_others_nothing() {
    let machine = Machine::new();
    let servers = |name: &str| format!(r#"{{"mcpServers": {{"{name}": {{"command": "x"}}}}}}"#);
    machine.at_home(".cursor/mcp.json", servers("kims"));
    machine.at_home("src/project/.mcp.json", servers("kims-project"));
    machine.at_home(
        ".local/lib/python3.11/site-packages/openai-1.2.3.dist-info/METADATA",
        "Name: openai\nVersion: 1.2.3\n",
    );
    machine.put("var/lib/dpkg/status", "Package: ollama\nStatus: install ok installed\nVersion: 1\n");
    // Before the other in every order.
    machine.put("home/aaron/.cursor/mcp.json", servers("aarons"));
    for folder in 0..20 {
        for file in 0..100 {
            machine.put(&format!("home/aaron/{folder}/{file}"), "");
        }
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let budget = Budget::with_entries(deadline, vec![], 4_000);
    let root = Dir::root(machine.root.path(), Rc::clone(&budget)).unwrap();
    let request = ScanRequest::tree(machine.root.path().to_owned());
    let (outcome, _) = run(&request, &Matcher::embedded(), root, budget, Watch::Off);
    assert_eq!(values(&outcome, "mcp-config"), set(&["aarons", "kims", "kims-project"]));
    assert_eq!(values(&outcome, "pip"), set(&["openai"]));
    let cut = |problem: &&Problem| problem.state == SourceState::TooLarge && problem.location == "~";
    assert_eq!(
        outcome.problems.iter().filter(cut).filter(|problem| problem.source == "mcp-config").count(),
        1
    );
    assert_eq!(state(&outcome, "mcp-config"), SourceState::TooLarge);
    assert_eq!(state(&outcome, "dpkg"), SourceState::Read);
}

#[test]
fn an_assistant_that_a_variable_has_moved_is_read_where_it_is() {
    let machine = Machine::new();
    machine.at_home(".bashrc", "export CODEX_HOME=$HOME/work/codex\n");
    machine.at_home(
        "work/codex/config.toml",
        "model = \"gpt-5\"\napproval_policy = \"never\"\n[mcp_servers.moved]\ncommand = \"x\"\n",
    );
    let claims = "eyJlbWFpbCI6ImtpbUBjb3JwLmV4YW1wbGUifQ";
    machine.at_home("work/codex/auth.json", format!(r#"{{"tokens": {{"id_token": "e30.{claims}.x"}}}}"#));
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "mcp-config"), set(&["moved"]));
    assert_eq!(values(&outcome, "accounts"), set(&["corp.example"]));
    assert!(flags(&outcome, "~/work/codex").contains(&RiskFlag::ApprovalBypass));
}

#[test]
fn a_model_whose_header_is_too_large_is_named_by_its_file() {
    let machine = Machine::new();
    let start = [30_000_000_u64.to_le_bytes().as_slice(), b"{"].concat();
    machine.at_home("models/experts.safetensors", start);
    let file =
        fs::File::options().write(true).open(machine.home().join("models/experts.safetensors")).unwrap();
    file.set_len(40_000_000).unwrap();
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "model-files"), set(&["experts"]));
    assert_eq!(state(&outcome, "model-files"), SourceState::TooLarge);
}

/// A folder of user data of an editor, with the state that extensions and the editor's own assistant keep there.
fn editor(machine: &Machine, data: &str, extensions: &[&str], rows: &[(&str, serde_json::Value)]) {
    for extension in extensions {
        machine.at_home(&format!("{data}/User/globalStorage/{extension}/settings/x.json"), "{}");
    }
    machine.at_home(&format!("{data}/User/globalStorage/storage.json"), "{}");
    let path = machine.home().join(data).join("User/globalStorage/state.vscdb");
    let mut statements =
        "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);".to_owned();
    for (key, value) in rows {
        let value = value.to_string().replace('\'', "''");
        statements.push_str(&format!("INSERT INTO ItemTable VALUES ('{key}', '{value}');"));
    }
    sqlite::tests::write(&path, &statements);
}

#[test]
fn what_extensions_keep_in_the_state_of_an_editor_is_read_and_no_secret_with_it() {
    let machine = Machine::new();
    let cline = serde_json::json!({"taskHistory": [SECRET.repeat(20_000)], "apiKey": SECRET, "actModeApiProvider": "anthropic",
        "actModeApiModelId": "claude-sonnet-4-5", "anthropicBaseUrl": format!("https://kim:{SECRET}@proxy.corp.example/{SECRET}"),
        "autoApprovalSettings": {"enabled": true, "actions": {"executeAllCommands": true}}});
    let roo = serde_json::json!({"apiProvider": "lmstudio", "lmStudioModelId": "qwen3", "autoApprovalEnabled": true,
        "alwaysAllowExecute": true, "allowedCommands": ["git log"]});
    let rows = [("saoudrizwan.claude-dev", cline), ("RooVeterinaryInc.roo-cline", roo)];
    editor(&machine, ".config/Code", &["saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline"], &rows);
    // Settings of an extension that has never run here are of no interest.
    let kilo = serde_json::json!({"apiProvider": "openrouter"});
    let modes = serde_json::json!({"composerState": {"modes4": [{"id": "agent", "fullAutoRun": true}, {"id": "chat"}]}});
    let key = "src.vs.platform.reactivestorage.browser.reactiveStorageServiceImpl.persistentStorage.applicationUser";
    editor(&machine, ".config/Cursor", &[], &[("kilocode.kilo-code", kilo), (key, modes)]);
    machine.at_home(
        ".config/Code/User/profiles/-1/chatLanguageModels.json",
        format!(
            r#"[{{"name": "own", "vendor": "customendpoint", "apiKey": "{SECRET}", "models": [{{"id": "m1", "url": "http://localhost:8000/v1"}}]}}]"#
        ),
    );
    let outcome = machine.scan();
    let found = |value: &str| {
        let items = &outcome.snapshots.iter().find(|snapshot| snapshot.source == "assistants").unwrap().items;
        let mut items = items.iter().filter(|found| found.item.evidence.value == value);
        let item = items.next().unwrap_or_else(|| panic!("{value}")).item.clone();
        assert!(items.next().is_none(), "{value} twice");
        item
    };
    let cline = found("saoudrizwan.claude-dev");
    assert_eq!(cline.details.client.as_deref(), Some("VS Code"));
    assert_eq!(cline.details.location.as_deref(), Some("~/.config/Code/User/globalStorage/state.vscdb"));
    assert_eq!(cline.details.model.as_deref(), Some("claude-sonnet-4-5"));
    assert_eq!(cline.details.host.as_deref(), Some("proxy.corp.example"));
    assert_eq!(cline.details.local, Some(false));
    assert_eq!(cline.flags, [RiskFlag::ApprovalBypass, RiskFlag::PlainTextSecret, RiskFlag::CustomEndpoint]);
    let roo = found("rooveterinaryinc.roo-cline");
    assert_eq!((roo.details.model.as_deref(), roo.details.local), (Some("qwen3"), Some(true)));
    assert_eq!(roo.flags, []);
    assert!(found("~/.cursor").flags.contains(&RiskFlag::ApprovalBypass));
    let copilot = found("github.copilot-chat");
    assert_eq!(
        (copilot.details.provider.as_deref(), copilot.details.local),
        (Some("customendpoint"), Some(true))
    );
    assert_eq!(copilot.flags, [RiskFlag::PlainTextSecret]);
    assert!(!values(&outcome, "assistants").contains("kilocode.kilo-code"));
    assert!(!format!("{outcome:?}").contains(SECRET));
    assert_eq!(state(&outcome, "assistants"), SourceState::Read);
}

#[test]
fn an_assistant_with_settings_in_files_of_its_own_is_read_wherever_a_variable_has_them() {
    let machine = Machine::new();
    machine.at_home(
        ".cline/data/globalState.json",
        r#"{"actModeApiProvider": "cline", "yoloModeToggled": true}"#,
    );
    machine.at_home(".cline/skills/review/SKILL.md", "x");
    machine.at_home(".profile", "export CLINE_DIR=~/elsewhere\n");
    machine.at_home(
        "elsewhere/data/settings/providers.json",
        r#"{"version": 1, "lastUsedProvider": "ollama", "providers": {"ollama": {"settings": {"model": "qwen3", "baseUrl": "http://localhost:11434"}}}}"#,
    );
    machine.at_home(
        "elsewhere/data/settings/cline_mcp_settings.json",
        r#"{"mcpServers": {"moved": {"command": "x"}}}"#,
    );
    machine.at_home(".pochi/config.jsonc", r#"{"mcp": {"pochis": {"command": "x"}}, }"#);
    machine.at_home("src/app/.neovate/config.json", r#"{"mcpServers": {"neovates": {"command": "x"}}}"#);
    let outcome = machine.scan();
    assert_eq!(flags(&outcome, "~/.cline"), [RiskFlag::ApprovalBypass]);
    assert_eq!(values(&outcome, "mcp-config"), set(&["moved", "neovates", "pochis"]));
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "assistants").unwrap();
    let moved = snapshot.items.iter().find(|found| found.item.evidence.value == "~/elsewhere").unwrap();
    assert_eq!((moved.item.details.model.as_deref(), moved.item.details.local), (Some("qwen3"), Some(true)));
}

#[test]
fn assistants_that_keep_a_model_in_a_file_of_its_own_are_read_with_it() {
    let machine = Machine::new();
    machine.at_home(".junie/config.json", r#"{"model": "custom:corp", "hooks": {"Stop": [{"hooks": []}]}}"#);
    machine.at_home(
        ".junie/models/corp.json",
        format!(
            r#"{{"id": "gpt-5", "baseUrl": "https://ai.corp.example/v1/responses", "apiKey": "{SECRET}"}}"#
        ),
    );
    machine.at_home(".junie/models/other.json", r#"{"id": "o3", "baseUrl": "https://other.example/v1"}"#);
    machine.at_home(".junie/skills/review/SKILL.md", "x");
    symlink("/srv/skills/shared", machine.home().join(".junie/skills/shared")).unwrap();
    machine.at_home(".config/io.datasette.llm/default_model.txt", "local\n");
    machine.at_home(
        ".config/io.datasette.llm/extra-openai-models.yaml",
        "- model_id: far\n  api_base: https://x.example\n- model_id: local\n  api_base: \"http://localhost:8080\"\n",
    );
    machine.at_home(".zshrc", "export GROK_HOME=~/moved/grok\n");
    machine.at_home(
        "moved/grok/config.toml",
        "[models]\ndefault = \"mine\"\n[model.mine]\nmodel = \"m\"\nbase_url = \"https://gateway.example/v1\"\n",
    );
    machine.at_home(
        ".adal/settings.json",
        format!(r#"{{"api_keys": {{"openai_api_key": "{SECRET}"}}, "projects": {{"/srv/a": {{"mcpServers": {{"adals": {{"command": "x"}}}}}}}}}}"#),
    );
    machine.at_home(".zencoder/mcp.local.json", r#"{"zens": {"command": "x", "args": []}}"#);
    machine.at_home(
        "src/app/.qoder/settings.json",
        r#"{"mcpServers": {"qoders": {"command": "x"}}, "hooks": {"Stop": []}}"#,
    );
    let outcome = machine.scan();
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "assistants").unwrap();
    let details = |value: &str| {
        let found = snapshot.items.iter().find(|found| found.item.evidence.value == value).unwrap();
        let details = &found.item.details;
        let parts = details.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" ");
        (details.model.as_deref().unwrap_or(""), details.host.as_deref().unwrap_or(""), details.local, parts)
    };
    assert_eq!(details("~/.junie"), ("gpt-5", "ai.corp.example", Some(false), "review Stop".into()));
    assert_eq!(details("~/.config/io.datasette.llm"), ("local", "localhost", Some(true), String::new()));
    assert_eq!(details("~/moved/grok"), ("mine", "gateway.example", Some(false), String::new()));
    assert_eq!(flags(&outcome, "~/moved/grok"), [RiskFlag::CustomEndpoint]);
    for place in ["~/.junie", "~/.adal"] {
        assert!(flags(&outcome, place).contains(&RiskFlag::PlainTextSecret), "{place}");
    }
    assert_eq!(values(&outcome, "mcp-config"), set(&["adals", "qoders", "zens"]));
    assert!(!format!("{outcome:?}").contains(SECRET));
    let told: Vec<&str> = outcome.problems.iter().map(|problem| problem.location.as_str()).collect();
    assert_eq!(told, ["~/.junie/skills/shared (a link that leads out)"]);

    // A model whose name could be a path is no file.
    machine.at_home(".junie/config.json", r#"{"model": "custom:../other"}"#);
    let outcome = machine.scan();
    assert_eq!(state(&outcome, "assistants"), SourceState::Read);
    assert!(!format!("{outcome:?}").contains("other.example"));
}

#[test]
fn accounts_of_a_directory_have_their_homes_a_folder_deeper() {
    if !crate::require::require("root", rustix::process::geteuid().is_root()) {
        return;
    }
    let machine = Machine::new();
    let own = |path: &str, uid: u32| {
        std::os::unix::fs::chown(machine.root.path().join(path), Some(uid), None).unwrap();
    };
    let servers = |name: &str| format!(r#"{{"mcpServers": {{"{name}": {{"command": "x"}}}}}}"#);
    for (home, uid) in [
        ("home/CORP/ann", 10_001),
        ("home/CORP/bob", 10_002),
        ("export/home/eve", 2_000),
        ("var/home/dan", 2_001),
        ("home/lee", 2_002),
    ] {
        machine.put(&format!("{home}/.cursor/mcp.json"), servers(home));
        own(home, uid);
        own(&format!("{home}/.cursor/mcp.json"), uid);
    }
    // Root's own, but a home: it has files of a user, or nothing of anybody else.
    machine.put("home/adm/.cursor/mcp.json", servers("home/adm"));
    machine.put("home/adm/work/x", "");
    own("home/adm/work", 2_003);
    machine.put("home/shared/notes.txt", "");
    let outcome = machine.scan();
    let expected =
        ["home/CORP/ann", "home/CORP/bob", "export/home/eve", "var/home/dan", "home/lee", "home/adm"];
    assert_eq!(values(&outcome, "mcp-config"), set(&expected));
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "mcp-config").unwrap();
    let bob = snapshot.items.iter().find(|found| found.item.evidence.value == "home/CORP/bob").unwrap();
    assert_eq!((bob.owner, bob.item.details.location.as_deref()), (Some(10_002), Some("~/.cursor/mcp.json")));
}

#[test]
fn a_place_that_cannot_be_opened_is_no_place_that_is_absent() {
    let places = [
        ("chromium-extensions", ".config"),
        ("native-messaging-hosts", ".config"),
        ("vscode-extensions", ".config"),
        ("vscode-extensions", ".config/Cursor"),
        ("vscode-extensions", ".config/Code/User/profiles"),
        ("assistants", "Library/Application Support/Kiro"),
        ("accounts", ".vscode-server/data"),
        ("mcp-config", "AppData/Roaming/Code"),
        ("chromium-extensions", ".config/google-chrome/Profile 1"),
        ("firefox-extensions", ".mozilla/firefox/abc.default"),
        ("safari-extensions", "Library/Containers/com.apple.Safari/Data/Library/Safari/Profiles/x"),
        ("office-addins", "AppData/Local/Microsoft/Office/16.0/Wef/group"),
        ("office-addins", "AppData/Local/Microsoft/Office/16.0/Wef/group/account/Manifests"),
        ("jetbrains-plugins", ".local/share/JetBrains/IntelliJIdea2026.1"),
        ("jetbrains-plugins", ".local/share/JetBrains/IntelliJIdea2026.1/plugin/lib"),
        ("emacs-packages", ".emacs.d/elpa/30.1"),
        ("vim-plugins", ".local/share"),
        ("pip", "AppData/Local/Packages"),
    ];
    let machine = Machine::new();
    assert!(machine.scan().problems.is_empty());
    for (source, place) in places {
        let machine = Machine::new();
        let at = machine.home().join(place);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink("/etc", at).unwrap();
        let outcome = machine.scan();
        assert_eq!(state(&outcome, source), SourceState::Refused, "{place}");
        let mut problems = outcome.problems.iter().filter(|problem| problem.source == source);
        assert!(problems.any(|problem| problem.location == format!("~/{place}")), "{source} {place}");
    }
}

#[test]
fn folders_with_more_than_is_looked_at_say_so() {
    let places = [
        ("conda", "miniconda3/envs", 1_100),
        ("emacs-packages", ".emacs.d/elpa", 5_100),
        ("jetbrains-plugins", ".local/share/JetBrains", 300),
        ("office-addins", "AppData/Local/Microsoft/Office/16.0/Wef", 600),
        ("environment-keys", ".config/systemd/user", 300),
    ];
    for (source, place, count) in places {
        let machine = Machine::new();
        for number in 0..count {
            let name = if source == "environment-keys" {
                format!("x{number}.service.d")
            } else {
                format!("Idea{number}.1")
            };
            fs::create_dir_all(machine.home().join(place).join(name)).unwrap();
        }
        let outcome = machine.scan();
        assert_eq!(state(&outcome, source), SourceState::TooLarge, "{place}");
        assert!(outcome.problems.iter().any(|problem| problem.location == format!("~/{place}")), "{place}");
    }
}
