//! Assistants, their MCP servers and accounts: real programs write their own configuration, and the scan tells what
//! stands in it. No secret and no name of a person comes out.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use umbrascope_e2e::tree::{self, Tree, set, sighting, sightings, state, values};
use umbrascope_e2e::{have_command, may_install, require};

/// Part of every planted secret.
const SECRET: &str = "Zq7PLANTED9xK2mV4nB8w";
/// How long one program may take for one command. Some take 10 s to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A home with a project in it.
fn machine() -> Tree {
    let tree = Tree::with_home();
    fs::create_dir_all(tree.home().join("src/shop")).expect("a folder");
    tree
}

/// Scans in every format. None may hold a secret.
fn scan(machine: &Tree) -> Value {
    let [_, _, json] = ["table", "tsv", "json"].map(|format| {
        let output = machine.run(format, &[]);
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(stream);
            assert!(!text.contains(SECRET), "--format {format} prints a planted secret:\n{text}");
        }
        output
    });
    tree::json(&json)
}

fn flags(sighting: &Value) -> Vec<&str> {
    sighting["flags"].as_array().map_or(vec![], |flags| flags.iter().filter_map(Value::as_str).collect())
}

fn parts(sighting: &Value, kind: &str) -> Vec<String> {
    let all = sighting["details"]["parts"].as_array().cloned().unwrap_or_default();
    let of_kind = all.iter().filter(|part| part["kind"] == kind);
    of_kind.filter_map(|part| part["name"].as_str().map(str::to_owned)).collect()
}

fn assert_read(scan: &Value, source: &str) {
    assert_eq!(state(scan, source), "read", "{source}: {:#}", scan["problems"]);
}

/// Runs a program of npm in the home, without a network: whatever it wants of one meets a closed port.
fn run(home: &Path, folder: &Path, program: &Path, args: &[&str]) {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(args).current_dir(folder).env_clear().env("PATH", path).env("HOME", home).env("CI", "1");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    let quiet = ["DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"];
    for name in quiet.into_iter().chain(["OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH"]) {
        command.env(name, "1");
    }
    let log = tempfile::NamedTempFile::new().expect("a file for its output");
    let output = || Stdio::from(log.reopen().expect("the file is there"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(output())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("it can be waited for") {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child.kill().expect("it can be ended");
                panic!("{} {args:?} took longer than {PATIENCE:?}", program.display());
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let said = fs::read_to_string(log.path()).unwrap_or_default();
    assert!(status.success(), "{} {args:?}: {status}: {said}", program.display());
}

#[test]
fn what_real_assistants_wrote_themselves_is_found() {
    if !may_install() || !require("npm", have_command("npm")) {
        return;
    }
    let machine = machine();
    let (home, shop) = (machine.home(), machine.home().join("src/shop"));
    // Beside the home, so that what is found is the configuration and not the package.
    let prefix = tempfile::tempdir().expect("a temporary folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--global", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
    npm.arg(prefix.path()).args([
        "@anthropic-ai/claude-code",
        "@openai/codex",
        "@google/gemini-cli",
        "@qwen-code/qwen-code",
        "@github/copilot",
        "opencode-ai",
    ]);
    let output = npm.current_dir(prefix.path()).output().expect("npm can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = |name: &str| prefix.path().join("bin").join(name);
    let go = |name: &str, folder: &Path, args: &[&str]| run(&home, folder, &program(name), args);
    let key = format!("API_KEY={SECRET}");
    let header = format!("Authorization: Bearer {SECRET}");

    let npx = "@modelcontextprotocol/server-filesystem";
    go("claude", &home, &["mcp", "add", "-s", "user", "cc-files", "-e", &key, "--", "npx", "-y", npx, "/"]);
    let linear =
        ["mcp", "add", "-s", "user", "-t", "http", "cc-linear", "https://mcp.linear.app/mcp", "-H", &header];
    go("claude", &home, &linear);
    go("claude", &shop, &["mcp", "add", "cc-local", "--", "uvx", "mcp-server-git==2025.1.14"]);
    go("claude", &shop, &["mcp", "add", "-s", "project", "cc-project", "--", "bash", "-c", "run"]);
    go("codex", &home, &["mcp", "add", "cx-docs", "--env", &key, "--", "npx", "-y", "docs-mcp@1.2.3"]);
    go("codex", &home, &["mcp", "add", "cx-figma", "--url", "https://mcp.figma.com/mcp"]);
    go("gemini", &home, &["mcp", "add", "-s", "user", "-e", &key, "ge-user", "npx", "-y", "ge-mcp"]);
    go(
        "gemini",
        &shop,
        &["mcp", "add", "-s", "project", "-t", "sse", "ge-project", "http://10.1.2.3:8080/sse"],
    );
    let extension = home.join("made-extension");
    // Without this it asks whether the folder is to be trusted, and waits.
    machine
        .at_home(".gemini/trustedFolders.json", json!({home.to_string_lossy(): "TRUST_FOLDER"}).to_string());
    go("gemini", &home, &["extensions", "new", &extension.to_string_lossy(), "mcp-server"]);
    go(
        "gemini",
        &home,
        &["extensions", "install", &extension.to_string_lossy(), "--consent", "--skip-settings"],
    );
    go("qwen", &home, &["mcp", "add", "-s", "user", "--trust", "qw-user", "uvx", "qw-mcp"]);
    go("copilot", &home, &["mcp", "add", "co-on", "--env", &key, "--", "npx", "-y", "co-mcp@1.0.0"]);
    go("copilot", &home, &["mcp", "add", "co-off", "--", "npx", "-y", "co-mcp@1.0.0"]);
    go("copilot", &home, &["mcp", "disable", "co-off"]);
    go("copilot", &home, &["config", "model", "gpt-5"]);
    go("opencode", &home, &["mcp", "add", "oc-local", "--env", &key, "--", "npx", "-y", "oc-mcp@2.0.0"]);
    go("opencode", &home, &["mcp", "add", "oc-far", "--url", "https://mcp.example.org/mcp"]);

    let scan = scan(&machine);
    assert_read(&scan, "mcp-config");
    assert_read(&scan, "assistants");
    let expected = [
        "cc-files",
        "cc-linear",
        "cc-local",
        "cc-project",
        "cx-docs",
        "cx-figma",
        "ge-user",
        "ge-project",
        "nodeServer",
        "qw-user",
        "co-on",
        "co-off",
        "oc-local",
        "oc-far",
    ];
    assert_eq!(values(&scan, "mcp-config"), set(&expected));
    let server = |name: &str| sighting(&scan, "mcp-config", name);
    assert_eq!(flags(server("cc-files")), ["unpinned-package", "filesystem-root", "plain-text-secret"]);
    assert_eq!(server("cc-files")["details"]["env_names"], json!(["API_KEY"]));
    assert_eq!(server("cc-files")["details"]["package"], npx);
    assert_eq!(server("cc-linear")["details"]["host"], "mcp.linear.app");
    assert_eq!(flags(server("cc-linear")), ["plain-text-secret"]);
    assert_eq!(server("cc-local")["evidence"]["version"], "2025.1.14");
    assert_eq!(flags(server("cc-local")), [""; 0]);
    assert_eq!(flags(server("cc-project")), ["shell"]);
    assert_eq!(server("cc-project")["details"]["location"], "~/src/shop/.mcp.json");
    assert_eq!(server("cx-docs")["evidence"]["version"], "1.2.3");
    assert_eq!(server("cx-figma")["details"]["transport"], "http");
    assert_eq!(flags(server("ge-project")), ["plain-http"]);
    assert_eq!(server("ge-project")["details"]["transport"], "sse");
    assert!(flags(server("qw-user")).contains(&"approval-bypass"));
    assert_eq!(
        (&server("co-off")["details"]["enabled"], &server("co-on")["details"]["enabled"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(server("oc-local")["evidence"]["version"], "2.0.0");
    assert_eq!(server("oc-far")["details"]["host"], "mcp.example.org");
    let assistant = |place: &str| sighting(&scan, "assistants", place);
    assert_eq!(assistant("~/.copilot")["details"]["model"], "gpt-5");
    assert_eq!(parts(assistant("~/.gemini"), "plugin"), ["mcp-server-example"]);
    for place in ["~/.claude.json", "~/.codex", "~/.qwen", "~/.config/opencode"] {
        assert!(values(&scan, "assistants").contains(place), "{place}");
    }
}

/// A JSON Web Token as an issuer writes it, its signature a secret.
fn token(claims: &Value) -> String {
    let part = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    format!("{}.{}.{SECRET}", part(br#"{"alg":"RS256"}"#), part(claims.to_string().as_bytes()))
}

#[test]
fn an_account_is_told_by_its_domain_alone() {
    let machine = machine();
    let person = format!("kim.{SECRET}");
    machine.at_home(
        ".claude.json",
        json!({"history": [{"display": SECRET}], "oauthAccount": {"emailAddress": format!("{person}@Corp.Example"),
               "accountUuid": SECRET, "organizationName": SECRET}})
        .to_string(),
    );
    machine.at_home(".claude/settings.json", "{}");
    let id_token = token(&json!({"email": format!("{person}@gmail.com"), "name": SECRET, "sub": SECRET}));
    machine.at_home(
        ".codex/auth.json",
        json!({"OPENAI_API_KEY": null, "tokens": {"id_token": id_token, "access_token": SECRET, "refresh_token": SECRET}})
            .to_string(),
    );
    let accounts = json!({"active": format!("{person}@web.de"), "old": [format!("{person}@old.example")]});
    machine.at_home(".gemini/google_accounts.json", accounts.to_string());
    machine.at_home(".gemini/oauth_creds.json", json!({"access_token": SECRET}).to_string());
    machine.at_home(
        ".cursor/cli-config.json",
        json!({"authInfo": {"email": format!("{person}@corp.example")}}).to_string(),
    );
    let state = "Library/Application Support/Cursor/User/globalStorage/state.vscdb";
    machine.at_home(state, "");
    let db = rusqlite::Connection::open(machine.home().join(state)).expect("a database");
    db.execute_batch("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        .expect("a table");
    for (key, value) in [
        ("cursorAuth/cachedEmail", format!("{person}@qq.com")),
        ("cursorAuth/accessToken", SECRET.to_owned()),
    ] {
        db.execute("INSERT INTO ItemTable VALUES (?1, ?2)", (key, value)).expect("a row");
    }
    drop(db);
    let apps = json!({"github.com:Iv1.1": {"user": SECRET, "oauth_token": SECRET}, "corp.ghe.com": {"user": SECRET}});
    machine.at_home(".config/github-copilot/apps.json", apps.to_string());
    for (file, page) in [
        ("amazon-q", "https://d-9067000000.awsapps.com/start"),
        ("kiro-cli", "https://view.awsapps.com/start"),
    ] {
        let path = format!(".local/share/{file}/data.sqlite3");
        machine.at_home(&path, "");
        let db = rusqlite::Connection::open(machine.home().join(path)).expect("a database");
        db.execute_batch(&format!(
            "CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT); INSERT INTO auth_kv VALUES ('codewhisperer:odic:token', '{SECRET}');
             CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB); INSERT INTO state VALUES ('auth.idc.start-url', '\"{page}\"')"
        ))
        .expect("tables");
    }
    let scan = scan(&machine);
    assert_read(&scan, "accounts");
    let of_companies = ["corp.example", "corp.ghe.com", "d-9067000000.awsapps.com"];
    let own = ["gmail.com", "web.de", "qq.com", "view.awsapps.com"];
    assert_eq!(values(&scan, "accounts"), set(&[&of_companies[..], &own[..]].concat()));
    for value in own {
        assert_eq!(flags(sighting(&scan, "accounts", value)), ["personal-account"], "{value}");
    }
    let account = |value: &str| sighting(&scan, "accounts", value);
    assert_eq!(account("gmail.com")["channel"], "account");
    for value in of_companies {
        assert_eq!(flags(account(value)), [""; 0], "{value}");
    }
    assert_eq!(account("qq.com")["details"]["location"], format!("~/{state}"));
    let tools: Vec<&Value> =
        sightings(&scan, "accounts").iter().map(|sighting| &sighting["product"]).collect();
    assert_eq!(tools.len(), 8, "{tools:?}");
}

#[test]
fn settings_of_three_systems_and_of_administrators_are_told() {
    let machine = machine();
    machine.put(
        "Program Files/ClaudeCode/managed-settings.json",
        json!({"model": "sonnet", "permissions": {"defaultMode": "bypassPermissions"}, "env": {"ANTHROPIC_AUTH_TOKEN": SECRET}})
            .to_string(),
    );
    machine.put("etc/codex/config.toml", "sandbox_mode = \"danger-full-access\"\n");
    machine.at_home(
        "AppData/Roaming/Block/goose/config/config.yaml",
        format!("GOOSE_PROVIDER: ollama\nGOOSE_MODEL: gpt-oss:120b-cloud\nOLLAMA_HOST: http://localhost:11434\nOPENAI_API_KEY: {SECRET}\n"),
    );
    machine.at_home(
        ".config/zed/settings.json",
        "// Zed\n{\n  \"agent\": { \"default_model\": { \"provider\": \"ollama\", \"model\": \"qwen3\" }, \"tool_permissions\": { \"default\": \"allow\" } },\n}\n",
    );
    machine.at_home(
        ".aider.conf.yml",
        format!("model: openai/gpt-5\nopenai-api-base: http://kim:{SECRET}@llm.corp.example/v1?key={SECRET}\nopenai-api-key: {SECRET}\n"),
    );
    let claude = "Library/Application Support/Claude";
    machine.at_home(
        format!("{claude}/Claude Extensions/ant.dir.files/manifest.json"),
        json!({"manifest_version": "0.3", "name": "Files", "version": "0.2.2", "author": {"name": "A"}, "server": {"type": "node",
               "mcp_config": {"command": "node", "args": ["${__dirname}/index.js"], "env": {"KEY": "${user_config.key}"}}}})
        .to_string(),
    );
    let settings = json!({"isEnabled": false, "userConfig": {"key": SECRET}});
    machine.at_home(format!("{claude}/Claude Extensions Settings/ant.dir.files.json"), settings.to_string());
    machine.at_home(".docker/mcp/registry.yaml", "registry:\n  duckduckgo:\n    ref: \"\"\n");
    machine.at_home(
        ".claude.json",
        json!({"projects": {"C:/home/kim/src/shop": {"mcpServers": {"local": {"command": "npx", "args": ["-y", "m@1.0.0"]}}, "disabledMcpServers": []},
               format!("/srv/{SECRET}"): {"mcpServers": {"elsewhere": {"command": "x"}}}}})
        .to_string(),
    );
    machine.at_home("src/shop/.claude/agents/tester.md", SECRET);
    let scan = scan(&machine);
    assert_read(&scan, "assistants");
    assert_read(&scan, "mcp-config");
    let assistant = |value: &str| sighting(&scan, "assistants", value);
    let managed = assistant("/Program Files/ClaudeCode");
    assert_eq!(
        (flags(managed), &managed["details"]["model"]),
        (vec!["approval-bypass", "plain-text-secret"], &json!("sonnet"))
    );
    assert_eq!(flags(assistant("/etc/codex")), ["approval-bypass", "sandbox-off"]);
    let goose = assistant("~/AppData/Roaming/Block/goose");
    assert_eq!(
        (&goose["details"]["provider"], &goose["details"]["local"]),
        (&json!("ollama"), &json!(false)),
        "a model of its cloud"
    );
    assert_eq!(flags(goose), ["plain-text-secret"]);
    let zed = assistant("~/.config/zed");
    assert_eq!((&zed["details"]["local"], flags(zed)), (&json!(true), vec!["approval-bypass"]));
    let aider = assistant("~/.aider.conf.yml");
    assert_eq!(
        (&aider["details"]["host"], &aider["details"]["model"]),
        (&json!("llm.corp.example"), &json!("gpt-5"))
    );
    assert_eq!(flags(aider), ["plain-text-secret", "plain-http", "custom-endpoint"]);
    let project = assistant(".claude");
    assert_eq!(
        (&project["channel"], parts(project, "subagent")),
        (&json!("manifest"), vec!["tester".to_owned()])
    );
    let files = sighting(&scan, "mcp-config", "Files");
    assert_eq!(
        (&files["evidence"]["version"], &files["details"]["enabled"]),
        (&json!("0.2.2"), &json!(false))
    );
    assert_eq!(sighting(&scan, "mcp-config", "duckduckgo")["details"]["client"], "Docker MCP Toolkit");
    assert_eq!(
        sighting(&scan, "mcp-config", "local")["details"]["location"],
        "~/.claude.json for ~/src/shop"
    );
    assert_eq!(sighting(&scan, "mcp-config", "elsewhere")["details"]["location"], "~/.claude.json");
}
