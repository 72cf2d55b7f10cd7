//! A scan of a machine that the test furnishes as people and their package managers do: what is AI is
//! found under its own identifier, its neighbours are not, and no secret comes out.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use umbrascope_e2e::tree::{Tree, set, sighting, state, values};
use umbrascope_e2e::{have_command, require};

/// Part of every planted secret; each file has one of its own.
const SECRET: &str = "Zq7PLANTED9xK2mV4nB8w";

/// MCP configurations as the clients write them, and the name of the server in each.
fn mcp_configurations() -> Vec<(&'static str, &'static str, String)> {
    let secret = |number: u32| format!("{SECRET}{number}");
    vec![
        (
            "files-of-claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            format!(
                r#"{{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {{
    "files-of-claude-desktop": {{
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/kim/Documents"],
      "env": {{ "API_KEY": "{}" }}
    }}
  }}
}}"#,
                secret(1)
            ),
        ),
        (
            "tracker-of-claude-code",
            ".claude.json",
            format!(
                r#"{{
  "numStartups": 12,
  "oauthAccount": {{ "emailAddress": "{0}@example.org" }},
  "projects": {{
    "/home/kim/src/shop": {{
      "allowedTools": [],
      "history": [{{ "display": "my password is {0}" }}],
      "mcpServers": {{
        "tracker-of-claude-code": {{
          "type": "http",
          "url": "https://kim:{0}@mcp.tracker.example/{0}/sse?key={0}",
          "headers": {{ "Authorization": "Bearer {0}" }}
        }}
      }}
    }}
  }}
}}"#,
                secret(2)
            ),
        ),
        (
            "browser-of-cursor",
            ".cursor/mcp.json",
            format!(
                r#"{{"mcpServers": {{"browser-of-cursor": {{"command": "npx",
                   "args": ["@playwright/mcp@latest", "--token", "{0}", "--key={0}"]}}}}}}"#,
                secret(3)
            ),
        ),
        (
            "github-of-vs-code",
            ".config/Code/User/mcp.json",
            format!(
                "{{\n\t// {0}\n\t\"inputs\": [{{ \"id\": \"token\", \"type\": \"promptString\", \"default\": \"{0}\" }}],\n\
                 \t\"servers\": {{\n\t\t\"github-of-vs-code\": {{\n\t\t\t\"type\": \"stdio\",\n\t\t\t\"command\": \"docker\",\n\
                 \t\t\t\"args\": [\"run\", \"-i\", \"--rm\", \"-e\", \"GITHUB_TOKEN={0}\", \"ghcr.io/github/github-mcp-server\"],\n\
                 \t\t}},\n\t}},\n}}\n",
                secret(4)
            ),
        ),
        (
            "database-of-codex",
            ".codex/config.toml",
            format!(
                "model = \"gpt-5\"\n\n[mcp_servers.database-of-codex]\ncommand = \"uvx\"\n\
                 args = [\"mcp-database==1.2.3\", \"postgres://kim:{0}@db.example/shop\"]\n\n\
                 [mcp_servers.database-of-codex.env]\nDB_PASSWORD = \"{0}\"\n",
                secret(5)
            ),
        ),
        (
            "shell-of-zed",
            ".config/zed/settings.json",
            format!(
                "// Zed settings\n{{\n  \"vim_mode\": true,\n  \"context_servers\": {{\n    \"shell-of-zed\": {{\n      \
                 \"command\": {{ \"path\": \"bash\", \"args\": [\"-c\", \"TOKEN={0} run\"], \"env\": {{ \"TOKEN\": \"{0}\" }} }}\n    \
                 }},\n  }},\n}}\n",
                secret(6)
            ),
        ),
        (
            "memory-of-goose",
            ".config/goose/config.yaml",
            format!(
                "GOOSE_MODE: auto\nOPENAI_API_KEY: {0}\nextensions:\n  memory-of-goose:\n    enabled: true\n    \
                 type: stdio\n    cmd: npx\n    args:\n      - -y\n      - mcp-memory\n    envs:\n      TOKEN: {0}\n",
                secret(7)
            ),
        ),
        (
            "docs-of-continue",
            ".continue/config.yaml",
            format!(
                "name: Local\nmodels:\n  - provider: openai\n    apiKey: {0}\nmcpServers:\n  - name: docs-of-continue\n    \
                 command: npx\n    args: [\"-y\", \"--token={0}\", mcp-docs]\n    env:\n      TOKEN: {0}\n",
                secret(8)
            ),
        ),
        (
            "local-of-opencode",
            ".config/opencode/opencode.json",
            format!(
                r#"{{"$schema": "https://opencode.ai/config.json", "provider": {{"x": {{"options": {{"apiKey": "{0}"}}}}}},
                   "mcp": {{"local-of-opencode": {{"type": "local", "command": ["npx", "-y", "mcp-local"],
                   "environment": {{"KEY": "{0}"}}, "enabled": true}}}}}}"#,
                secret(9)
            ),
        ),
        (
            "own-of-jetbrains",
            ".config/JetBrains/PyCharm2025.1/options/llm.mcpServers.xml",
            format!(
                "<application>\n  <component name=\"McpApplicationServerCommands\" modifiable=\"true\">\n    <McpServerCommand \
                 sourceId=\"UserConfigurationSource\">\n      <option name=\"enabled\" value=\"true\" />\n      <option name=\"name\" \
                 value=\"own-of-jetbrains\" />\n      <option name=\"programPath\" value=\"npx\" />\n      <option name=\"arguments\" \
                 value=\"-y mcp-own --token {0}\" />\n      <envs>\n        <env name=\"TOKEN\" value=\"{0}\" />\n      </envs>\n    \
                 </McpServerCommand>\n  </component>\n</application>",
                secret(11)
            ),
        ),
        (
            "map-of-ai-assistant",
            ".ai/mcp/mcp.json",
            format!(
                r#"{{"map-of-ai-assistant": {{"command": "npx", "args": ["mcp-map"], "env": {{"TOKEN": "{}"}}}}}}"#,
                secret(12)
            ),
        ),
        (
            "moved-of-codex",
            "tools/codex/config.toml",
            format!(
                "[mcp_servers.moved-of-codex]\ncommand = \"npx\"\nenv = {{ TOKEN = \"{}\" }}\n",
                secret(13)
            ),
        ),
        (
            "project-of-claude-code",
            "src/shop/.mcp.json",
            format!(
                r#"{{"mcpServers": {{"project-of-claude-code": {{"command": "uvx", "args": ["mcp-server-git"],
                   "env": {{"GIT_PASSWORD": "{}"}}}}}}}}"#,
                secret(10)
            ),
        ),
    ]
}

/// The head of a model file: one pair, its name.
fn gguf(name: &str) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(0u64.to_le_bytes());
    out.extend(1u64.to_le_bytes());
    out.extend(12u64.to_le_bytes());
    out.extend(b"general.name");
    out.extend(8u32.to_le_bytes());
    out.extend((name.len() as u64).to_le_bytes());
    out.extend(name.as_bytes());
    out
}

#[test]
fn mcp_servers_of_every_client_are_found_and_no_secret_comes_out() {
    let machine = Tree::with_home();
    let configurations = mcp_configurations();
    for (_, path, text) in &configurations {
        assert!(text.contains(SECRET), "{path} has a secret to keep");
        machine.at_home(path, text);
    }
    // Such a file is no configuration of any client, whatever it holds.
    machine.at_home("notes/mcp-servers.json", r#"{"mcpServers": {"only-a-note": {"command": "npx"}}}"#);
    machine.at_home(".env", format!("OPENAI_API_KEY={SECRET}\n"));
    machine.at_home(
        ".bashrc",
        format!("export OPENAI_API_KEY={SECRET}\nexport CODEX_HOME=\"$HOME/tools/codex\"\n"),
    );
    let scan = machine.scan();
    let expected: BTreeSet<String> = configurations.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(values(&scan, "mcp-config"), expected);
    assert_eq!(state(&scan, "mcp-config"), "read", "{:#}", scan["problems"]);
    for (name, _, _) in &configurations {
        let flags = sighting(&scan, "mcp-config", name)["flags"].to_string();
        assert!(flags.contains("secret"), "that {name} has a secret in plain text is told: {flags}");
    }
    for format in ["json", "tsv", "table"] {
        let output = machine.run(format, &[]);
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(stream);
            assert!(!text.contains(SECRET), "--format {format} prints a planted secret:\n{text}");
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("tracker-of-claude-code"), "--format {format} prints the servers:\n{text}");
    }
}

#[test]
fn servers_in_a_database_are_found_and_the_conversations_beside_them_stay() {
    if !require("sqlite3", have_command("sqlite3")) {
        return;
    }
    let machine = Tree::with_home();
    let path = machine.at_home(".config/CherryStudio/Data/cherrystudio.sqlite", "");
    let tables = format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE message (id text PRIMARY KEY NOT NULL, data text NOT NULL); INSERT INTO message VALUES ('1', '{SECRET}');
         CREATE TABLE mcp_server (id text PRIMARY KEY NOT NULL, name text NOT NULL, type text, base_url text, command text, args text,
           env text, headers text, is_active integer DEFAULT false NOT NULL);
         INSERT INTO mcp_server VALUES ('1', 'files', 'stdio', NULL, 'npx', '[\"-y\", \"mcp-files\"]', '{{\"TOKEN\": \"{SECRET}\"}}', NULL, 1),
           ('2', 'far', 'streamableHttp', 'https://mcp.example/{SECRET}', NULL, NULL, NULL, NULL, 0),
           ('3', '@cherry/fetch', 'inProcess', NULL, NULL, NULL, NULL, NULL, 1);"
    );
    sqlite3(&path, &tables);
    let scan = machine.scan();
    assert_eq!(values(&scan, "mcp-config"), set(&["far", "files"]));
    assert_eq!(state(&scan, "mcp-config"), "read", "{:#}", scan["problems"]);
    let files = sighting(&scan, "mcp-config", "files");
    assert_eq!(
        (&files["details"]["client"], &files["details"]["package"]),
        (&"Cherry Studio".into(), &"mcp-files".into())
    );
    assert_eq!(sighting(&scan, "mcp-config", "far")["details"]["enabled"], false);
    assert!(!scan.to_string().contains(SECRET));
}

fn sqlite3(path: &Path, statements: &str) {
    let sqlite3 = Command::new("sqlite3").arg(path).arg(statements).output().expect("sqlite3 runs");
    assert!(sqlite3.status.success(), "{}", String::from_utf8_lossy(&sqlite3.stderr));
}

#[test]
fn an_extension_that_is_switched_off_is_told_so_by_its_editor_and_by_each_profile() {
    if !require("sqlite3", have_command("sqlite3")) {
        return;
    }
    let machine = Tree::with_home();
    let user = ".config/Code/User";
    let list = |ids: &[&str]| {
        let entry = |id: &&str| format!(r#"{{"identifier":{{"id":"{id}"}},"version":"1.0.0"}}"#);
        format!("[{}]", ids.iter().map(entry).collect::<Vec<_>>().join(","))
    };
    machine.at_home(".vscode/extensions/extensions.json", list(&["github.copilot", "continue.continue"]));
    machine.at_home(".vscode-oss/extensions/extensions.json", list(&["codeium.codeium"]));
    machine.at_home(format!("{user}/profiles/-2ab3c4d/extensions.json"), list(&["saoudrizwan.claude-dev"]));
    for (folder, off) in [(user, "GitHub.copilot"), (&format!("{user}/profiles/-2ab3c4d"), "other.other")] {
        let path = machine.at_home(format!("{folder}/globalStorage/state.vscdb"), "");
        // As the editor makes it.
        let table = "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);";
        let row = format!(r#"'extensionsIdentifiers/disabled', '[{{"id":"{off}","uuid":"1"}}]'"#);
        sqlite3(&path, &format!("{table} INSERT INTO ItemTable VALUES ({row}), ('secret://x', '{SECRET}');"));
    }
    let scan = machine.scan();
    for (id, enabled) in [
        ("github.copilot", Value::Bool(false)),
        ("continue.continue", Value::Bool(true)),
        ("saoudrizwan.claude-dev", Value::Bool(true)),
        ("codeium.codeium", Value::Null),
    ] {
        assert_eq!(sighting(&scan, "vscode-extensions", id)["details"]["enabled"], enabled, "{id}");
    }
    assert_eq!(state(&scan, "vscode-extensions"), "read", "{:#}", scan["problems"]);
    assert!(!scan.to_string().contains(SECRET));
}

#[test]
fn extensions_are_those_that_the_editor_lists() {
    let machine = Tree::with_home();
    let entry = |id: &str, uuid: &str, version: &str, publisher: &str| {
        let folder = format!("{}-{version}", id.to_lowercase());
        serde_json::json!({
            "identifier": {"id": id, "uuid": uuid},
            "version": version,
            "location": {"$mid": 1, "path": format!("/home/kim/.vscode/extensions/{folder}"), "scheme": "file"},
            "relativeLocation": folder,
            "metadata": {
                "installedTimestamp": 1_760_000_000_000_u64, "pinned": false, "source": "gallery", "id": uuid,
                "publisherDisplayName": publisher, "targetPlatform": "undefined", "updated": true,
                "isPreReleaseVersion": false, "hasPreReleaseVersion": false
            }
        })
    };
    let list = serde_json::json!([
        entry("github.copilot", "23c4aeee-f844-43cd-b53e-1113e483f1a6", "1.372.0", "GitHub"),
        entry("redhat.vscode-yaml", "2061917f-f76a-458a-8da9-f162de22b97e", "1.18.0", "Red Hat"),
    ]);
    machine.at_home(".vscode/extensions/extensions.json", list.to_string());
    for folder in ["github.copilot-1.372.0", "redhat.vscode-yaml-1.18.0"] {
        machine.at_home(format!(".vscode/extensions/{folder}/package.json"), "{}");
    }
    let scan = machine.scan();
    assert_eq!(values(&scan, "vscode-extensions"), set(&["github.copilot"]));
    assert_eq!(sighting(&scan, "vscode-extensions", "github.copilot")["evidence"]["version"], "1.372.0");
    assert!(!scan["sightings"].to_string().contains("redhat"), "{:#}", scan["sightings"]);
}

#[test]
fn models_are_found_in_the_stores_of_their_programs() {
    let machine = Tree::with_home();
    let (model, config) = ("a".repeat(64), "b".repeat(64));
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                   "digest": format!("sha256:{config}"), "size": 2},
        "layers": [{"mediaType": "application/vnd.ollama.image.model",
                    "digest": format!("sha256:{model}"), "size": 1_321_082_688}],
    });
    let store = "usr/share/ollama/.ollama/models";
    machine.put(format!("{store}/manifests/registry.ollama.ai/library/llama3.2/1b"), manifest.to_string());
    machine.put(format!("{store}/blobs/sha256-{model}"), gguf("Llama 3.2 1B Instruct"));
    machine.put(format!("{store}/blobs/sha256-{config}"), "{}");
    let hub = ".cache/huggingface/hub/models--Qwen--Qwen2.5-0.5B-Instruct-GGUF";
    let commit = "9217f5db79a29953eb74d5343926648285ec7e67";
    machine.at_home(format!("{hub}/refs/main"), commit);
    machine.at_home(format!("{hub}/blobs/cafe"), gguf("Qwen2.5 0.5B Instruct"));
    let snapshot = machine.home().join(hub).join("snapshots").join(commit);
    fs::create_dir_all(&snapshot).expect("the folder is made");
    symlink("../../blobs/cafe", snapshot.join("qwen2.5-0.5b-instruct-q4_k_m.gguf")).expect("a link");
    machine.at_home(".cache/huggingface/hub/datasets--rajpurkar--squad/refs/main", commit);
    machine.at_home(".cache/huggingface/token", format!("hf_{SECRET}"));
    let output = String::from_utf8_lossy(&machine.run("json", &[]).stdout).into_owned();
    assert!(!output.contains(SECRET) && !output.contains("squad"), "{output}");
    let scan: Value = serde_json::from_str(&output).expect("the scan prints JSON");
    assert_eq!(values(&scan, "ollama"), set(&["llama3.2:1b"]));
    assert_eq!(sighting(&scan, "ollama", "llama3.2:1b")["details"]["title"], "Llama 3.2 1B Instruct");
    assert_eq!(values(&scan, "huggingface"), set(&["Qwen/Qwen2.5-0.5B-Instruct-GGUF"]));
    assert_eq!(
        sighting(&scan, "huggingface", "Qwen/Qwen2.5-0.5B-Instruct-GGUF")["evidence"]["version"],
        commit
    );
}
