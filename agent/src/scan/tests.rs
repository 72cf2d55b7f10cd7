//! Whole scans: a furnished home, its non-AI neighbours, planted secrets, and a hostile home.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use umbrascope_api::{Completeness, RiskFlag, SourceState};
use umbrascope_rules::Matcher;

use super::*;

mod homes;
mod keys;
mod packages;
mod projects;

/// Something that must never come out.
const SECRET: &str = "Zq7PLANTED9xK2mV4nB8w";

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().unwrap() };
        machine.put("etc/passwd", "root:x:0:0::/root:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\n");
        fs::create_dir_all(machine.home()).unwrap();
        machine
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home/kim")
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn at_home(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.put(&format!("home/kim/{path}"), bytes);
    }

    fn scan(&self) -> ScanOutcome {
        scan(&ScanRequest::tree(self.root.path().to_owned()), &Matcher::embedded())
    }
}

fn values(outcome: &ScanOutcome, source: &str) -> BTreeSet<String> {
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == source).unwrap();
    snapshot.items.iter().map(|found| found.item.evidence.value.clone()).collect()
}

fn flags(outcome: &ScanOutcome, value: &str) -> Vec<RiskFlag> {
    let mut items = outcome.snapshots.iter().flat_map(|snapshot| &snapshot.items);
    items.find(|found| found.item.evidence.value == value).unwrap().item.flags.clone()
}

fn state(outcome: &ScanOutcome, source: &str) -> SourceState {
    outcome.reports.iter().find(|report| report.source == source).unwrap().state
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Every format of a client's configuration, each with a secret where such a file has one.
fn configurations(machine: &Machine) {
    let stdio = |name: &str| {
        format!(
            r#""{name}": {{"command": "npx", "args": ["-y", "pkg-{name}", "--token", "{SECRET}", "--key={SECRET}"],
               "env": {{"API_KEY": "{SECRET}"}}, "cwd": "/home/kim/{SECRET}"}}"#
        )
    };
    let usual = |name: &str| format!(r#"{{"x": "{SECRET}", "mcpServers": {{{}}}}}"#, stdio(name));
    machine.at_home(".config/Claude/claude_desktop_config.json", usual("desktop"));
    machine.at_home(
        ".claude.json",
        format!(
            r#"{{"oauthAccount": {{"emailAddress": "{SECRET}"}}, "mcpServers": {{{}}}, "projects": {{"/srv/{SECRET}":
               {{"history": [{{"display": "{SECRET}"}}], "mcpServers": {{"code-project": {{"type": "http",
               "url": "https://kim:{SECRET}@one.example/{SECRET}?key={SECRET}", "headers": {{"Authorization": "Bearer {SECRET}"}}}}}}}}}}}}"#,
            stdio("code-user")
        ),
    );
    machine.at_home(".claude/plugins/cache/market/plugin/1.0/.mcp.json", format!("{{{}}}", stdio("plugin")));
    machine.at_home(".cursor/mcp.json", usual("cursor"));
    machine.at_home(".codeium/windsurf/mcp_config.json", usual("windsurf"));
    machine.at_home(
        ".config/Code/User/mcp.json",
        format!(
            "{{ // {SECRET}\n \"inputs\": [{{\"default\": \"{SECRET}\"}}], \"servers\": {{ {}, }} }}",
            stdio("vscode")
        ),
    );
    machine.at_home(
        ".config/Code/User/settings.json",
        format!(
            "{{ \"x.token\": \"{SECRET}\", /* c */ \"mcp\": {{\"servers\": {{ {} }} }}, }}",
            stdio("vscode-old")
        ),
    );
    let cline = ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json";
    machine.at_home(cline, usual("cline"));
    machine.at_home(
        ".codex/config.toml",
        format!(
            "approval_policy = \"never\"\n[mcp_servers.codex]\ncommand = \"uvx\"\nargs = [\"mcp-codex==1.2.3\", \"--password\", \"{SECRET}\"]\n\
             [mcp_servers.codex.env]\nDB_PASSWORD = \"{SECRET}\"\n"
        ),
    );
    machine.at_home(".gemini/settings.json", usual("gemini"));
    machine.at_home(".copilot/mcp-config.json", usual("copilot"));
    machine.at_home(".aws/amazonq/mcp.json", usual("amazonq"));
    machine.at_home(".kiro/settings/mcp.json", usual("kiro"));
    machine.at_home(
        ".continue/config.yaml",
        format!("models:\n  - apiKey: {SECRET}\nmcpServers:\n  - name: continue\n    command: npx\n    args: [\"-y\", \"--token={SECRET}\", pkg]\n    env:\n      TOKEN: {SECRET}\n"),
    );
    machine.at_home(
        ".config/goose/config.yaml",
        format!("GOOSE_MODE: auto\nextensions:\n  goose:\n    type: sse\n    uri: http://goose.example/{SECRET}\n    envs:\n      G_TOKEN: {SECRET}\n"),
    );
    machine.at_home(
        ".config/zed/settings.json",
        format!("{{ // z\n \"context_servers\": {{ \"zed\": {{ \"command\": {{ \"path\": \"bash\", \"args\": [\"-c\", \"TOKEN={SECRET} run\"] }} }} }} }}"),
    );
    machine.at_home(
        ".config/opencode/opencode.json",
        format!(r#"{{"mcp": {{"opencode": {{"type": "local", "command": ["docker", "run", "-e", "T={SECRET}", "img/x"], "environment": {{"A": "{SECRET}"}}}}}}}}"#),
    );
    machine.at_home("src/project/.mcp.json", usual("project"));
    machine.at_home(
        "src/project/.vscode/mcp.json",
        format!(r#"{{"servers": {{{}}}}}"#, stdio("project-vscode")),
    );
    machine.put("etc/claude-code/managed-mcp.json", usual("managed"));
    machine.at_home(".npmrc", format!("//registry.npmjs.org/:_authToken={SECRET}\nprefix=~/.npm-g\n"));
}

#[test]
fn every_client_and_every_shape_gives_its_servers() {
    let machine = Machine::new();
    configurations(&machine);
    let outcome = machine.scan();
    let expected = set(&[
        "desktop",
        "code-user",
        "code-project",
        "plugin",
        "cursor",
        "windsurf",
        "vscode",
        "vscode-old",
        "cline",
        "codex",
        "gemini",
        "copilot",
        "amazonq",
        "kiro",
        "continue",
        "goose",
        "zed",
        "opencode",
        "project",
        "project-vscode",
        "managed",
    ]);
    assert_eq!(values(&outcome, "mcp-config"), expected);
    assert_eq!(state(&outcome, "mcp-config"), SourceState::Read);
    assert_eq!(
        flags(&outcome, "desktop"),
        [RiskFlag::UnpinnedPackage, RiskFlag::PlainTextSecret],
        "a token in an argument and a key in a variable"
    );
    assert!(flags(&outcome, "zed").contains(&RiskFlag::Shell));
    assert!(flags(&outcome, "goose").contains(&RiskFlag::PlainHttp));
    assert!(!flags(&outcome, "codex").contains(&RiskFlag::UnpinnedPackage));
    assert_eq!(flags(&outcome, "~/.codex"), [RiskFlag::ApprovalBypass]);
}

#[test]
fn no_planted_secret_comes_out_anywhere() {
    let machine = Machine::new();
    configurations(&machine);
    let outcome = machine.scan();
    assert!(values(&outcome, "mcp-config").len() > 20);
    let everything = format!("{outcome:?}");
    assert!(!everything.contains(SECRET), "{}", everything.split(SECRET).next().unwrap_or_default());
    let items = outcome.snapshots.iter().flat_map(|snapshot| &snapshot.items);
    let json = serde_json::to_string(&items.map(|found| &found.item).collect::<Vec<_>>()).unwrap();
    assert!(!json.contains(SECRET));
}

#[test]
fn packages_and_extensions_are_found_and_their_neighbours_are_not() {
    let machine = Machine::new();
    machine.put(
        "var/lib/dpkg/status",
        "Package: bash\nStatus: install ok installed\nVersion: 5\n\nPackage: warp\nStatus: install ok installed\nVersion: 1\n",
    );
    let packages = ".venv/lib/python3.11/site-packages";
    machine.at_home(".venv/pyvenv.cfg", "home = /usr/bin\n");
    for (folder, name) in
        [("openai-1.54.3", "openai"), ("requests-2.32.3", "requests"), ("gemini_astro-1.0", "gemini-astro")]
    {
        let version = folder.rsplit('-').next().unwrap();
        machine.at_home(
            &format!("{packages}/{folder}.dist-info/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"),
        );
    }
    for (name, version) in
        [("openai", "6.1.0"), ("left-pad", "1.3.0"), ("@anthropic-ai/claude-code", "2.0.31")]
    {
        let path = format!(".npm-g/lib/node_modules/{name}/package.json");
        machine.at_home(&path, format!(r#"{{"name": "{name}", "version": "{version}"}}"#));
    }
    machine.at_home(".npmrc", "prefix=~/.npm-g\n");
    let extension = |id: &str| {
        format!(
            r#"{{"identifier":{{"id":"{id}"}},"version":"1.0.0","relativeLocation":"{id}-1.0.0","location":{{"path":"/x/{id}-1.0.0"}}}}"#
        )
    };
    let list =
        [extension("github.copilot"), extension("vscodevim.vim"), extension("continue.continue")].join(",");
    machine.at_home(".vscode/extensions/extensions.json", format!("[{list}]"));
    machine.at_home(".vscode/extensions/.obsolete", r#"{"continue.continue-1.0.0":true}"#);
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "dpkg"), set(&[]));
    assert_eq!(values(&outcome, "pip"), set(&["openai"]));
    assert_eq!(values(&outcome, "npm"), set(&["openai", "@anthropic-ai/claude-code"]));
    assert_eq!(values(&outcome, "vscode-extensions"), set(&["github.copilot"]));
    let pip = outcome.snapshots.iter().find(|snapshot| snapshot.source == "pip").unwrap();
    assert_eq!(pip.completeness, Completeness::Complete);
    let left: Vec<&str> = pip.unmatched.iter().map(|unmatched| unmatched.identifier.as_str()).collect();
    assert_eq!(left, ["gemini_astro", "requests"]);
    assert_eq!(pip.items[0].item.details.location.as_deref(), Some("~/.venv/lib/python3.11/site-packages"));
    assert_eq!(pip.items[0].item.evidence.version.as_deref(), Some("1.54.3"));
}

#[test]
fn models_are_named_from_manifests_and_headers() {
    let machine = Machine::new();
    let digest = "a".repeat(64);
    machine.put(
        "usr/share/ollama/.ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b",
        format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"sha256:{}","size":100}},"layers":[{{"mediaType":
               "application/vnd.ollama.image.model","digest":"sha256:{digest}","size":1300000000}}]}}"#,
            "b".repeat(64)
        ),
    );
    let gguf = |name: &str| {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend([0; 8]);
        out.extend(1u64.to_le_bytes());
        for text in ["general.name", name] {
            if text == name {
                out.extend(8u32.to_le_bytes());
            }
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text.as_bytes());
        }
        out
    };
    machine.put(
        &format!("usr/share/ollama/.ollama/models/blobs/sha256-{digest}"),
        gguf("Llama 3.2 1B Instruct"),
    );
    machine.at_home("Downloads/some-file.gguf", gguf("Tiny Test Model"));
    machine.at_home("Downloads/pointer.gguf", "version https://git-lfs.github.com/spec/v1\n");
    let hub = ".cache/huggingface/hub/models--acme--tiny";
    let commit = "0123456789abcdef0123456789abcdef01234567";
    machine.at_home(&format!("{hub}/refs/main"), commit);
    machine.at_home(&format!("{hub}/blobs/cfg"), r#"{"model_type": "bert", "torch_dtype": "float32"}"#);
    fs::create_dir_all(machine.home().join(format!("{hub}/snapshots/{commit}"))).unwrap();
    symlink("../../blobs/cfg", machine.home().join(format!("{hub}/snapshots/{commit}/config.json"))).unwrap();
    // Git LFS keeps a file under its SHA-256; a part is not the model, and a name of another length no SHA-256.
    let hubs = [
        ("whole", "tiny.gguf", "7e".repeat(32), Some("7e".repeat(32))),
        ("split", "tiny-00001-of-00002.gguf", "7e".repeat(32), None),
        ("small", "tiny.gguf", "7e".repeat(20), None),
    ];
    for (model, file, blob, _) in &hubs {
        let hub = format!(".cache/huggingface/hub/models--acme--{model}");
        machine.at_home(&format!("{hub}/refs/main"), commit);
        machine.at_home(&format!("{hub}/blobs/{blob}"), gguf("Tiny"));
        let snapshot = machine.home().join(format!("{hub}/snapshots/{commit}"));
        fs::create_dir_all(&snapshot).unwrap();
        symlink(format!("../../blobs/{blob}"), snapshot.join(file)).unwrap();
    }
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "ollama"), set(&["llama3.2:1b"]));
    let ollama = outcome.snapshots.iter().find(|snapshot| snapshot.source == "ollama").unwrap();
    assert_eq!(ollama.items[0].item.details.title.as_deref(), Some("Llama 3.2 1B Instruct"));
    assert_eq!(ollama.items[0].item.details.size_bytes, Some(1_300_000_100));
    assert_eq!(ollama.items[0].item.details.sha256.as_deref(), Some(digest.as_str()), "of the weights");
    assert_eq!(values(&outcome, "model-files"), set(&["Tiny Test Model"]));
    assert_eq!(state(&outcome, "model-files"), SourceState::Malformed);
    assert_eq!(
        values(&outcome, "huggingface"),
        set(&["acme/tiny", "acme/whole", "acme/split", "acme/small"])
    );
    let hub = outcome.snapshots.iter().find(|snapshot| snapshot.source == "huggingface").unwrap();
    let of = |name: &str| &hub.items.iter().find(|found| found.item.evidence.value == name).unwrap().item;
    assert_eq!(of("acme/tiny").details.family.as_deref(), Some("bert"));
    assert_eq!(of("acme/tiny").evidence.version.as_deref(), Some(commit));
    for (model, _, _, sha256) in hubs {
        assert_eq!(of(&format!("acme/{model}")).details.sha256, sha256, "{model}");
    }
}

#[test]
fn chromium_and_firefox_profiles_give_their_extensions() {
    let machine = Machine::new();
    let id = "difoiogjjojoaoomphldepapgpbgkhkb";
    for profile in ["Default", "Profile 7"] {
        let base = format!(".config/google-chrome/{profile}");
        machine.at_home(
            &format!("{base}/Preferences"),
            format!(r#"{{"extensions":{{"settings":{{"{id}":{{"state":1,"location":1}}}}}}}}"#),
        );
        for version in ["5.9.0_0", "5.10.0_0"] {
            let manifest = format!("{base}/Extensions/{id}/{version}/manifest.json");
            machine.at_home(
                &manifest,
                format!(r#"{{"name":"x","version":"{}"}}"#, version.trim_end_matches("_0")),
            );
        }
        let other = "cjpalhdlnbpafiamejdnhcphjbkeiagm";
        machine.at_home(&format!("{base}/Extensions/{other}/1.0_0/manifest.json"), r#"{"version":"1.0"}"#);
    }
    let outcome = machine.scan();
    let snapshot =
        outcome.snapshots.iter().find(|snapshot| snapshot.source == "chromium-extensions").unwrap();
    let found: Vec<_> = snapshot
        .items
        .iter()
        .map(|found| (&*found.item.evidence.value, found.item.evidence.version.as_deref()))
        .collect();
    assert_eq!(found, [(id, Some("5.10.0")), (id, Some("5.10.0"))]);
    assert_eq!(snapshot.unmatched.len(), 1);
}

#[test]
fn a_hostile_home_ends_bounded_and_each_trap_is_reported() {
    let machine = Machine::new();
    let home = machine.home();
    let fifo = |path: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    fifo(".claude.json");
    fifo("project/.mcp.json");
    fs::create_dir_all(home.join(".cursor")).unwrap();
    symlink("/etc/shadow", home.join(".cursor/mcp.json")).unwrap();
    symlink("loop", home.join("loop")).unwrap();
    symlink(".", home.join("dot")).unwrap();
    fs::create_dir_all(home.join(".config")).unwrap();
    symlink("/", home.join(".config/Claude")).unwrap();
    symlink("../../../etc", home.join(".codex")).unwrap();
    let sparse = |path: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().set_len(10 << 30).unwrap();
    };
    sparse(".gemini/settings.json");
    sparse("big.gguf");
    machine.at_home(".copilot/mcp-config.json", "[".repeat(900_000));
    machine.at_home(".kiro/settings/mcp.json", format!("{{\"mcpServers\": {}", "{\"a\":".repeat(100_000)));
    machine.at_home(
        ".continue/config.yaml",
        "a: &a [b,b]\nc: &c [*a,*a,*a]\nd: ".to_owned() + &"[".repeat(50_000),
    );
    machine.at_home(".aws/amazonq/mcp.json", b"\xff\xfe\0{");
    let mut deep = home.join("deep");
    for _ in 0..300 {
        deep.push("d");
    }
    // Longer than a path may be: made a part at a time.
    fs::create_dir_all(&deep).unwrap();
    let bad: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff\xfe");
    fs::create_dir_all(home.join(bad).join("project")).unwrap();
    fs::write(
        home.join(bad).join("project/.mcp.json"),
        r#"{"mcpServers": {"in-bad-name": {"command": "x"}}}"#,
    )
    .unwrap();
    let huge = home.join("huge");
    fs::create_dir_all(&huge).unwrap();
    for i in 0..20_500 {
        fs::File::create(huge.join(i.to_string())).unwrap();
    }
    machine.at_home("good/.mcp.json", r#"{"mcpServers": {"still-found": {"command": "x"}}}"#);

    let outcome = machine.scan();
    assert_eq!(values(&outcome, "mcp-config"), set(&["in-bad-name", "still-found"]));
    assert!(outcome.partial());
    let problem = |location: &str| {
        let mut problems = outcome.problems.iter().filter(|problem| problem.source == "mcp-config");
        problems.find(|problem| problem.location == location).map(|problem| problem.state)
    };
    assert_eq!(problem("~/.claude.json"), Some(SourceState::Refused));
    assert_eq!(problem("~/project/.mcp.json"), Some(SourceState::Refused));
    assert_eq!(problem("~/.cursor/mcp.json"), Some(SourceState::Refused));
    assert_eq!(problem("~/.config/Claude/claude_desktop_config.json"), Some(SourceState::Refused));
    assert_eq!(problem("~/.codex/config.toml"), Some(SourceState::Refused));
    assert_eq!(problem("~/.gemini/settings.json"), Some(SourceState::TooLarge));
    assert_eq!(problem("~/.copilot/mcp-config.json"), Some(SourceState::TooLarge));
    assert_eq!(problem("~/.kiro/settings/mcp.json"), Some(SourceState::TooLarge));
    assert_eq!(problem("~/.aws/amazonq/mcp.json"), Some(SourceState::Malformed));
    assert_eq!(problem("~/huge"), Some(SourceState::TooLarge));
    assert!(!format!("{outcome:?}").contains("root:"), "nothing of a password file");
}

#[test]
fn an_unreadable_home_is_told_apart_from_an_empty_one() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything: there is nothing to refuse.
        return;
    }
    let machine = Machine::new();
    fs::set_permissions(machine.home(), fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = machine.scan();
    fs::set_permissions(machine.home(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(state(&outcome, "mcp-config"), SourceState::Refused);
    assert!(outcome.partial());
}

#[test]
fn a_scan_without_time_says_so_and_removes_nothing() {
    let machine = Machine::new();
    machine.at_home(".cursor/mcp.json", r#"{"mcpServers": {"a": {"command": "x"}}}"#);
    let request =
        ScanRequest { deadline: Duration::ZERO, ..ScanRequest::tree(machine.root.path().to_owned()) };
    let outcome = scan(&request, &Matcher::embedded());
    assert!(outcome.partial());
    assert_eq!(state(&outcome, "mcp-config"), SourceState::TimedOut);
    assert_eq!(state(&outcome, "dpkg"), SourceState::TimedOut);
}

#[test]
fn an_empty_machine_is_complete_and_every_source_is_absent_or_read() {
    let machine = Machine::new();
    let outcome = machine.scan();
    assert!(!outcome.partial(), "{:?}", outcome.problems);
    assert!(outcome.snapshots.iter().all(|snapshot| snapshot.items.is_empty()));
    assert_eq!(state(&outcome, "dpkg"), SourceState::Absent);
}

#[test]
fn more_hits_of_a_kind_than_are_kept_are_told_and_remove_nothing() {
    let machine = Machine::new();
    for at in 0..walk::HITS {
        machine.at_home(&format!("src/{at}/.mcp.json"), r#"{"mcpServers": {}}"#);
    }
    let outcome = machine.scan();
    assert_eq!(state(&outcome, "mcp-config"), SourceState::TooLarge);
    assert_eq!(state(&outcome, "dpkg"), SourceState::Absent);
}

#[test]
fn a_tree_that_is_not_there_is_refused_and_not_empty() {
    let outcome = scan(&ScanRequest::tree(Path::new("/nonexistent/tree").into()), &Matcher::embedded());
    assert!(outcome.partial());
}

#[test]
fn assistants_tell_their_model_their_freedom_and_their_parts() {
    let machine = Machine::new();
    let claude = format!(
        r#"{{"model": "opus", "env": {{"ANTHROPIC_BASE_URL": "http://gateway.corp.example/x?key={SECRET}", "ANTHROPIC_AUTH_TOKEN": "{SECRET}"}},
            "hooks": {{"PreToolUse": [{{"hooks": [{{"type": "command", "command": "x {SECRET}"}}]}}]}},
            "enabledPlugins": {{"review@tools": true, "old@tools": false}}}}"#
    );
    machine.at_home(".claude/settings.json", claude);
    machine.at_home(".claude/skills/pdf/SKILL.md", SECRET);
    machine.at_home(".claude/skills/README.md", "");
    machine.at_home(".claude/agents/tester.md", SECRET);
    machine.at_home(".claude/commands/git/sync.md", SECRET);
    machine.at_home(
        "src/shop/.claude/settings.local.json",
        r#"{"permissions": {"defaultMode": "bypassPermissions"}}"#,
    );
    machine.at_home("src/empty/.claude/notes.txt", "");
    machine.put("etc/claude-code/managed-settings.json", r#"{"model": "sonnet"}"#);
    machine.at_home(
        ".codex/config.toml",
        "model = \"gpt-oss:20b\"\nmodel_provider = \"ollama\"\nsandbox_mode = \"danger-full-access\"\n",
    );
    let outcome = machine.scan();
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "assistants").unwrap();
    assert_eq!(snapshot.completeness, Completeness::Complete, "{:?}", outcome.problems);
    let item =
        |value: &str| &snapshot.items.iter().find(|found| found.item.evidence.value == value).unwrap().item;
    let claude = item("~/.claude");
    assert_eq!(claude.details.host.as_deref(), Some("gateway.corp.example"));
    assert_eq!((claude.details.model.as_deref(), claude.details.local), (Some("opus"), Some(false)));
    assert_eq!(claude.flags, [RiskFlag::PlainTextSecret, RiskFlag::PlainHttp, RiskFlag::CustomEndpoint]);
    let parts: Vec<&str> = claude.details.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["pdf", "review@tools", "PreToolUse", "tester", "git:sync"]);
    let project = item(".claude");
    assert_eq!((&project.channel, &project.flags[..]), (&Channel::Manifest, &[RiskFlag::ApprovalBypass][..]));
    assert_eq!(project.details.location.as_deref(), Some("~/src/shop/.claude"));
    assert_eq!(snapshot.items.iter().filter(|found| found.item.evidence.value == ".claude").count(), 1);
    assert_eq!(item("/etc/claude-code").details.model.as_deref(), Some("sonnet"));
    let codex = item("~/.codex");
    assert_eq!(
        (codex.details.local, &codex.flags[..]),
        (Some(true), &[RiskFlag::ApprovalBypass, RiskFlag::SandboxOff][..])
    );
    assert!(!format!("{outcome:?}").contains(SECRET));
}
