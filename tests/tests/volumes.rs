//! Volumes of macOS and Windows, scanned as if they were machines. What is on them was written by the writers of its formats:
//! property lists by Python's plistlib, hives by hivex, the registry of MacPorts by SQLite, the uninstall key of an installer
//! package by msiexec.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use umbrascope_e2e::tree::{Tree, seen, set, sighting, state, values};
use umbrascope_e2e::{have_command, require};

/// Names and identifiers of products that are no AI and are called almost like some that are.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("Gemini 2", "com.macpaw.site.Gemini2"),
    ("Copilot", "com.copilot.production"),
    ("Merlin Project", "net.projectwizards.merlinproject"),
    ("CursorSense", "jp.plentycom.CursorSense.app"),
    ("Cursr", "com.bitgapp.cursr"),
    ("Cloudflare WARP", "com.cloudflare.1dot1dot1dot1.macos"),
    ("Safari", "com.apple.Safari"),
    ("Firefox", "org.mozilla.firefox"),
];

struct Volume(Tree);

impl Volume {
    fn new() -> Self {
        Self(Tree::new())
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.0.put(path, bytes);
    }

    /// Writes property lists with plistlib: for each a path, `xml` or `binary`, and its content as JSON.
    fn plists(&self, lists: &[(String, &str, Value)]) {
        let script = "import json, os, plistlib, sys\n\
            for path, form, content in json.load(sys.stdin):\n    \
                os.makedirs(os.path.dirname(path), exist_ok=True)\n    \
                fmt = plistlib.FMT_XML if form == 'xml' else plistlib.FMT_BINARY\n    \
                plistlib.dump(content, open(path, 'wb'), fmt=fmt)\n";
        let lists: Vec<_> =
            lists.iter().map(|(path, form, content)| (self.0.path(path), form, content)).collect();
        fed(Command::new("python3").args(["-c", script]), &serde_json::to_vec(&lists).expect("JSON"));
    }

    /// Writes a hive with hivexregedit: keys with their values, texts as they are and numbers as `dword:…`.
    fn hive(&self, path: &str, keys: &[(&str, &[(&str, &str)])]) {
        self.put(path, empty_hive());
        let mut text = String::from("Windows Registry Editor Version 5.00\n\n");
        let mut made = BTreeSet::new();
        for (key, values) in keys {
            // It makes no key whose parent is not there.
            for (end, _) in key.match_indices('\\') {
                if made.insert(&key[..end]) {
                    writeln!(text, "[\\{}]\n", &key[..end]).expect("a String takes text");
                }
            }
            made.insert(key);
            writeln!(text, "[\\{key}]").expect("a String takes text");
            for (name, value) in *values {
                let name = if name.is_empty() { "@".to_owned() } else { format!("\"{name}\"") };
                let value = match value.starts_with("dword:") {
                    true => (*value).to_owned(),
                    false => format!("\"{}\"", value.replace('\\', "\\\\")),
                };
                writeln!(text, "{name}={value}").expect("a String takes text");
            }
            text.push('\n');
        }
        merge(&self.0.path(path), &text, &[]);
    }

    fn scan(&self) -> Value {
        self.0.scan()
    }
}

fn merge(hive: &Path, text: &str, options: &[&str]) {
    let mut command = Command::new("hivexregedit");
    fed(command.args(["--merge", "--encoding", "utf-8"]).args(options).arg(hive), text.as_bytes());
}

fn fed(command: &mut Command, input: &[u8]) {
    let mut child =
        command.stdin(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads what it is given");
    assert!(child.wait().expect("it ends").success(), "{command:?}");
}

/// A hive with nothing but its root, for hivex to fill: it makes none itself.
fn empty_hive() -> Vec<u8> {
    let mut hive = vec![0; 8192];
    let mut put = |at: usize, bytes: &[u8]| hive[at..at + bytes.len()].copy_from_slice(bytes);
    // Base block: sequence numbers, version 1.5, format, the root's place, the length of the bins, their count.
    put(0, b"regf");
    for (at, number) in [(4, 1_u32), (8, 1), (20, 1), (24, 5), (32, 1), (36, 32), (40, 4096), (44, 1)] {
        put(at, &number.to_le_bytes());
    }
    put(4096, b"hbin");
    put(4096 + 8, &4096_u32.to_le_bytes());
    // The root: 88 bytes in use, a key node with a name of Latin letters and no parent, sub-keys or values.
    let root = 4096 + 32;
    put(root, &(-88_i32).to_le_bytes());
    put(root + 4, b"nk");
    put(root + 6, &0x2C_u16.to_le_bytes());
    for at in [16, 28, 32, 40, 48] {
        put(root + 4 + at, &u32::MAX.to_le_bytes());
    }
    put(root + 4 + 44, &120_u32.to_le_bytes());
    put(root + 4 + 72, &4_u16.to_le_bytes());
    put(root + 4 + 76, b"ROOT");
    // Its security: 48 bytes, a list of one that names itself, and an empty descriptor.
    let security = root + 88;
    put(security, &(-48_i32).to_le_bytes());
    put(security + 4, b"sk");
    for (at, number) in [(8, 120_u32), (12, 120), (16, 1), (20, 20)] {
        put(security + at, &number.to_le_bytes());
    }
    put(security + 24, &[1, 0, 0, 0x80]);
    // The rest of the bin is free.
    put(security + 48, &(4096_i32 - 32 - 88 - 48).to_le_bytes());
    let sum = hive[..508]
        .chunks_exact(4)
        .fold(0, |sum, word| sum ^ u32::from_le_bytes(word.try_into().expect("four bytes")));
    hive[508..512].copy_from_slice(&sum.to_le_bytes());
    hive
}

fn app(folder: &str, name: &str, id: &str, form: &'static str) -> (String, &'static str, Value) {
    let info = serde_json::json!({
        "CFBundleIdentifier": id, "CFBundleName": name, "CFBundleExecutable": name, "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": "1.2.3", "CFBundleVersion": "456", "LSMinimumSystemVersion": "14.0",
    });
    (format!("{folder}/{name}.app/Contents/Info.plist"), form, info)
}

#[test]
fn a_volume_of_macos_gives_its_applications_and_packages() {
    if !require("python3 and sqlite3", have_command("python3") && have_command("sqlite3")) {
        return;
    }
    let volume = Volume::new();
    let mut lists = vec![
        app("Applications", "ChatGPT", "com.openai.chat", "xml"),
        app("Applications", "Claude", "com.anthropic.claudefordesktop", "binary"),
        app("Applications/Setapp", "BoltAI", "co.podzim.BoltGPT", "binary"),
        app("System/Applications", "Calculator", "com.apple.calculator", "binary"),
        app("Users/kim/Applications", "LM Studio", "ai.elementlabs.lmstudio", "xml"),
        app("Users/Shared/Applications", "Ollama", "com.electron.ollama", "binary"),
    ];
    for (at, (name, id)) in NEIGHBOURS.iter().enumerate() {
        lists.push(app("Applications", name, id, if at % 2 == 0 { "xml" } else { "binary" }));
    }
    for (name, page) in
        [("ChatGPT", "https://chatgpt.com/?ref=app"), ("Calendar", "https://calendar.example.org/")]
    {
        let id = format!("com.google.Chrome.app.{}", name.to_ascii_lowercase());
        let (path, form, mut info) = app("Users/kim/Applications/Chrome Apps.localized", name, &id, "xml");
        info["CrAppModeShortcutURL"] = page.into();
        lists.push((path, form, info));
    }
    let safari = serde_json::json!({
        "CFBundleIdentifier": "com.openai.chat.safari", "CFBundleShortVersionString": "1.2.3",
        "NSExtension": {"NSExtensionPointIdentifier": "com.apple.Safari.web-extension"},
    });
    lists.push((
        "Applications/ChatGPT.app/Contents/PlugIns/Safari.appex/Contents/Info.plist".into(),
        "binary",
        safari,
    ));
    for (id, version) in [("com.openai.codex", "26.1"), ("com.cloudflare.1dot1dot1dot1.macos", "2026.9")] {
        let receipt =
            serde_json::json!({"PackageIdentifier": id, "PackageVersion": version, "InstallPrefixPath": "/"});
        lists.push((format!("private/var/db/receipts/{id}.plist"), "binary", receipt));
    }
    for (place, label, program) in [
        ("Library/LaunchDaemons", "org.example.server", "/usr/local/bin/ollama"),
        ("Users/kim/Library/LaunchAgents", "org.example.assistant", "/Users/kim/.claude/local/claude"),
        (
            "Users/kim/Library/LaunchAgents",
            "org.example.gemini",
            "/Applications/Gemini 2.app/Contents/MacOS/Gemini 2",
        ),
    ] {
        let job = serde_json::json!({"Label": label, "ProgramArguments": [program, "serve"], "RunAtLoad": true,
            "Disabled": label == "org.example.server"});
        lists.push((format!("{place}/{label}.plist"), "binary", job));
    }
    volume.plists(&lists);
    volume.put("Applications/Broken.app/Contents/Info.plist", "bplist00 and no more");

    volume.put("opt/homebrew/Cellar/ollama/0.12.2/INSTALL_RECEIPT.json", "{}");
    volume.put("opt/homebrew/Cellar/ollama/0.9.0/INSTALL_RECEIPT.json", "{}");
    fs::create_dir_all(volume.0.root().join("opt/homebrew/opt")).expect("the folder is made");
    symlink("../Cellar/ollama/0.12.2", volume.0.root().join("opt/homebrew/opt/ollama")).expect("a link");
    volume.put("opt/homebrew/Cellar/wget/1.25.0/INSTALL_RECEIPT.json", "{}");
    volume.put("opt/homebrew/Caskroom/claude/.metadata/1.0.3218/20260901/Casks/claude.json", "{}");
    volume.put("opt/homebrew/Caskroom/claude/1.0.3218/Claude.app.link", "");

    let registry = volume.0.root().join("opt/local/var/macports/registry/registry.db");
    fs::create_dir_all(registry.parent().expect("a folder")).expect("the folder is made");
    fed(
        Command::new("sqlite3").arg(&registry),
        b"CREATE TABLE ports (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE, portfile TEXT, location TEXT,
          epoch INTEGER, version TEXT, revision INTEGER, variants TEXT, requested INTEGER, state TEXT);
          INSERT INTO ports (name, version, revision, state) VALUES ('ollama', '0.21.2', 0, 'installed'),
          ('zlib', '1.3.1', 0, 'installed'), ('llama.cpp', '6800', 0, 'imaged');",
    );
    volume.put(
        "Library/Frameworks/Python.framework/Versions/3.13/lib/python3.13/site-packages/openai-2.1.0.dist-info/METADATA",
        "Metadata-Version: 2.4\nName: openai\nVersion: 2.1.0\n",
    );
    volume.put(
        "Users/kim/Library/Application Support/Claude/claude_desktop_config.json",
        r#"{"mcpServers": {"files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/Users/kim"]}}}"#,
    );
    volume.put("Users/Guest/Library/Application Support/Claude/claude_desktop_config.json", "{");

    let scan = volume.scan();
    let found =
        ["ai.elementlabs.lmstudio", "chatgpt.com", "co.podzim.BoltGPT", "com.anthropic.claudefordesktop"];
    let more = ["com.electron.ollama", "com.openai.chat", "com.openai.chat.safari"];
    assert_eq!(values(&scan, "macos-apps"), set(&[&found[..], &more[..]].concat()));
    assert_eq!(sighting(&scan, "macos-apps", "com.openai.chat")["evidence"]["version"], "1.2.3");
    assert_eq!(sighting(&scan, "macos-apps", "com.openai.chat.safari")["channel"], "extension");
    assert_eq!(sighting(&scan, "macos-apps", "com.openai.chat.safari")["details"]["client"], "Safari");
    assert_eq!(sighting(&scan, "macos-apps", "chatgpt.com")["details"]["client"], "Chrome");
    assert_eq!(state(&scan, "macos-apps"), "malformed", "the broken list is told");
    assert_eq!(values(&scan, "macos-receipts"), set(&["com.openai.codex"]));
    let started = set(&["/usr/local/bin/ollama", "~/.claude/local/claude"]);
    assert_eq!(values(&scan, "macos-launchd"), started);
    assert_eq!(sighting(&scan, "macos-launchd", "/usr/local/bin/ollama")["details"]["enabled"], false);
    assert_eq!(sighting(&scan, "macos-launchd", "~/.claude/local/claude")["details"]["enabled"], true);
    assert_eq!(values(&scan, "macports"), set(&["ollama"]));
    assert_eq!(values(&scan, "brew"), set(&["claude", "ollama"]));
    assert_eq!(sighting(&scan, "brew", "ollama")["evidence"]["version"], "0.12.2");
    assert_eq!(sighting(&scan, "brew", "claude")["evidence"]["version"], "1.0.3218");
    assert_eq!(values(&scan, "pip"), set(&["openai"]));
    assert_eq!(values(&scan, "mcp-config"), set(&["files"]));
    assert_eq!(state(&scan, "windows-programs"), "absent");
    assert!(!scan.to_string().contains("ref=app"), "a page's address is its host");
}

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";

#[test]
fn a_volume_of_windows_gives_its_programs_and_packages() {
    if !require("hivexregedit", have_command("hivexregedit")) {
        return;
    }
    let volume = Volume::new();
    let key = |path: &str| format!(r"{UNINSTALL}\{path}");
    let many: Vec<String> =
        (0..900).map(|at| key(&format!("{{{at:08X}-0000-4000-8000-000000000000}}"))).collect();
    let cherry = key("dc1ad045-2d02-5d57-a8f6-15f0b9e9d2a7");
    let warp = key("{5A2E7B1C-3D4F-4A6B-8C9D-0E1F2A3B4C5D}");
    let wow = format!(r"WOW6432Node\{UNINSTALL}\62625861-8486-5be9-9e46-1da50df5f8ff");
    let profiles = r"Microsoft\Windows NT\CurrentVersion\ProfileList";
    let [kim, lee, far, system] =
        ["S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002", "S-1-12-1-1-2-3-4", "S-1-5-18"]
            .map(|sid| format!(r"{profiles}\{sid}"));
    let mut keys: Vec<(&str, &[(&str, &str)])> = vec![
        (r"Microsoft\Windows NT\CurrentVersion", &[("SystemRoot", r"C:\WINDOWS")]),
        (&kim, &[("ProfileImagePath", r"C:\Users\Kim Lee")]),
        (&lee, &[("ProfileImagePath", r"C:\Profiles\lee")]),
        (&far, &[("ProfileImagePath", r"D:\Profiles\sam")]),
        (&system, &[("ProfileImagePath", r"%systemroot%\system32\config\systemprofile")]),
        (&cherry, &[("DisplayName", "Cherry 2 Keys"), ("DisplayVersion", "2")]),
        (
            &warp,
            &[
                ("DisplayName", "Cloudflare WARP"),
                ("Publisher", "Cloudflare, Inc."),
                ("DisplayVersion", "26.4"),
            ],
        ),
        (&wow, &[("DisplayName", "Cursor 0.42.4"), ("Publisher", "Anysphere"), ("DisplayVersion", "0.42.4")]),
        (
            r"Python\PythonCore\3.12\InstallPath",
            &[("", r"C:\PYTHON312\"), ("ExecutablePath", r"C:\Python312\python.exe")],
        ),
    ];
    keys.extend(many.iter().map(|key| (key.as_str(), &[("DisplayName", "Something")][..])));
    // Windows writes the name of this file in capitals, and does not care.
    volume.hive("Windows/System32/config/software", &keys);
    let host = r"Software\Google\Chrome\NativeMessagingHosts\com.anthropic.claude_code_browser_extension";
    let ollama = format!(r"Software\{UNINSTALL}\{{44E83376-CE68-45EB-8FC1-393500EB558C}}_is1");
    let left = format!(r"Software\{UNINSTALL}\AnthropicClaude");
    let wsl = r"Software\Microsoft\Windows\CurrentVersion\Lxss\{0b0e7f3e-4a5b-4c6d-8e9f-001122334455}";
    volume.hive(
        "Users/Kim Lee/NTUSER.DAT",
        &[
            (
                &ollama,
                &[
                    ("DisplayName", "Ollama version 0.12.3"),
                    ("DisplayVersion", "0.12.3"),
                    ("Publisher", "Ollama"),
                ],
            ),
            (&left, &[("InstallLocation", r"C:\gone")]),
            (host, &[("", r"C:\Users\Kim Lee\AppData\Roaming\Claude\host.json")]),
            (wsl, &[("DistributionName", "Ubuntu-24.04"), ("State", "dword:00000001")]),
            (
                "Environment",
                &[("OPENAI_API_KEY", "sk-Zq7PLANTED9xK2mV4nB8w"), ("Path", r"C:\x"), ("TEMP", r"C:\t")],
            ),
        ],
    );
    // The control set that was used last is the second.
    volume.hive(
        "Windows/System32/config/SYSTEM",
        &[
            ("Select", &[("Current", "dword:00000002")]),
            (r"ControlSet001\Control\Session Manager\Environment", &[("GROQ_API_KEY", "old")]),
            (
                r"ControlSet002\Control\Session Manager\Environment",
                &[("anthropic_api_key", "sk-ant-Zq7PLANTED9xK2mV4nB8w"), ("windir", r"C:\Windows")],
            ),
        ],
    );
    let claude = format!(r"Software\{UNINSTALL}\AnthropicClaude");
    volume.hive(
        "Profiles/lee/ntuser.dat",
        &[(
            &claude,
            &[("DisplayName", "Claude"), ("DisplayVersion", "1.0.1217"), ("Publisher", "Anthropic PBC")],
        )],
    );
    let packages = r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
    let [chatgpt, calculator] = [
        "OpenAI.ChatGPT-Desktop_1.2026.238.0_x64__2p2nqsd0c76g0",
        "Microsoft.WindowsCalculator_11.2_x64__8wekyb3d8bbwe",
    ]
    .map(|name| format!(r"{packages}\{name}"));
    volume.hive(
        "Users/Kim Lee/AppData/Local/Microsoft/Windows/UsrClass.dat",
        &[
            (&chatgpt, &[("DisplayName", "ChatGPT")]),
            (&calculator, &[("DisplayName", "ms-resource:AppName")]),
        ],
    );
    for (name, display) in
        [("Claude_1.11847.5.0_x64__pzs8sxrjxfjjc", "Claude"), ("Cursr.Cursr_1.0_x64__aaaaaaaaaaaaa", "Cursr")]
    {
        volume.put(
            &format!("Program Files/WindowsApps/{name}/AppxManifest.xml"),
            format!(
                "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Package xmlns=\"http://schemas.microsoft.com/appx/manifest/foundation/windows10\">\
                 <Properties><DisplayName>{display}</DisplayName><PublisherDisplayName>Anthropic, PBC</PublisherDisplayName></Properties></Package>"
            ),
        );
    }
    volume.put(
        "Users/Kim Lee/AppData/Local/Packages/Microsoft.Copilot_8wekyb3d8bbwe/Settings/settings.dat",
        "",
    );
    for id in ["ollama", "7zip"] {
        volume.put(
            &format!("ProgramData/chocolatey/lib/{id}/{id}.nuspec"),
            format!("<?xml version=\"1.0\"?><package><metadata><id>{id}</id><version>0.12.3</version></metadata></package>"),
        );
        volume.put(&format!("Users/Kim Lee/scoop/apps/{id}/0.4.0/manifest.json"), r#"{"version": "0.4.0"}"#);
        volume
            .put(&format!("Users/Kim Lee/scoop/apps/{id}/0.12.3/manifest.json"), r#"{"version": "0.12.3"}"#);
    }
    // As a system that mounts the volume shows a junction.
    let current = volume.0.root().join("Users/Kim Lee/scoop/apps/ollama/current");
    symlink(r"C:\Users\Kim Lee\scoop\apps\ollama\0.12.3", current).expect("a link");
    for id in ["Anthropic.ClaudeCode", "junegunn.fzf"] {
        volume.put(
            &format!("Users/Kim Lee/AppData/Local/Microsoft/WinGet/Packages/{id}_Microsoft.Winget.Source_8wekyb3d8bbwe/x.exe"),
            "MZ",
        );
    }
    volume.put("Users/Kim Lee/AppData/Local/Programs/Ollama/ollama.exe", "MZ");
    volume.put("Users/Kim Lee/AppData/Local/Programs/CursorSense/CursorSense.exe", "MZ");
    volume.put("Users/Kim Lee/AppData/Local/AnthropicClaude/Update.exe", "MZ");
    volume.put("Users/Kim Lee/AppData/Local/AnthropicClaude/app-1.0.1217/claude.exe", "MZ");
    let metadata = "Metadata-Version: 2.4\nName: openai\nVersion: 2.1.0\n";
    volume.put("Python312/Lib/site-packages/openai-2.1.0.dist-info/METADATA", metadata);
    volume.put(
        "Users/Kim Lee/AppData/Roaming/Python/Python312/site-packages/anthropic-0.70.0.dist-info/METADATA",
        "Metadata-Version: 2.4\nName: anthropic\nVersion: 0.70.0\n",
    );
    volume.put(
        "Users/Kim Lee/AppData/Roaming/npm/node_modules/@anthropic-ai/claude-code/package.json",
        r#"{"name": "@anthropic-ai/claude-code", "version": "2.0.10"}"#,
    );
    volume.hive("Users/Public/NTUSER.DAT", &[(&ollama, &[("DisplayName", "Nobody's")])]);

    let scan = volume.scan();
    let programs = [
        "62625861-8486-5be9-9e46-1da50df5f8ff",
        "AnthropicClaude",
        "{44E83376-CE68-45EB-8FC1-393500EB558C}_is1",
    ];
    assert_eq!(values(&scan, "windows-programs"), set(&programs));
    let ollama = sighting(&scan, "windows-programs", programs[2]);
    assert_eq!(ollama["evidence"]["version"], "0.12.3");
    assert_eq!(ollama["details"]["publisher"], "Ollama");
    assert_eq!(sighting(&scan, "windows-programs", "AnthropicClaude")["evidence"]["version"], "1.0.1217");
    // The profile that lies on another volume is told by every source that asks the registry.
    assert_eq!(state(&scan, "windows-programs"), "skipped");
    assert!(scan["problems"].to_string().contains(r"D:\\Profiles\\sam"), "{}", scan["problems"]);
    assert_eq!(values(&scan, "msix"), set(&["Claude_pzs8sxrjxfjjc", "OpenAI.ChatGPT-Desktop_2p2nqsd0c76g0"]));
    assert_eq!(sighting(&scan, "msix", "Claude_pzs8sxrjxfjjc")["details"]["publisher"], "Anthropic, PBC");
    assert_eq!(values(&scan, "chocolatey"), set(&["ollama"]));
    assert_eq!(values(&scan, "scoop"), set(&["ollama"]));
    assert_eq!(sighting(&scan, "scoop", "ollama")["evidence"]["version"], "0.12.3");
    assert_eq!(values(&scan, "winget"), set(&["Anthropic.ClaudeCode"]));
    let programs = [
        "~/AppData/Local/AnthropicClaude/app-1.0.1217/claude.exe",
        "~/AppData/Local/Programs/Ollama/ollama.exe",
    ];
    assert_eq!(values(&scan, "programs"), set(&programs));
    assert_eq!(values(&scan, "pip"), set(&["anthropic", "openai"]));
    assert_eq!(values(&scan, "npm"), set(&["@anthropic-ai/claude-code"]));
    assert_eq!(seen(&scan, "native-messaging-hosts"), 1);
    assert_eq!(values(&scan, "environment-keys"), set(&["OPENAI_API_KEY", "anthropic_api_key"]));
    let key = sighting(&scan, "environment-keys", "OPENAI_API_KEY");
    assert_eq!(
        (&key["channel"], &key["details"]["location"]),
        (&"environment".into(), &r"HKCU\Environment".into())
    );
    assert!(!scan.to_string().contains("PLANTED"), "of a registry only names are read");
    assert!(scan["problems"].to_string().contains("distribution Ubuntu-24.04"), "{}", scan["problems"]);
    assert_eq!(state(&scan, "macos-apps"), "absent");
}

/// An installer package, installed by msiexec: the key is one that Windows Installer wrote, and the package is known by its upgrade
/// code, for its product code is new with each version.
#[test]
fn a_package_that_msiexec_installed_is_found_by_its_upgrade_code() {
    let there = ["wine", "wixl", "hivexregedit"].into_iter().all(have_command);
    if !require("wine, wixl and hivexregedit", there) {
        return;
    }
    let temp = tempfile::tempdir().expect("a temporary folder");
    let prefix = temp.path().join("prefix");
    let wine = |arguments: &[&str]| {
        let mut command = Command::new("wine");
        command.args(arguments).current_dir(temp.path()).env("WINEPREFIX", &prefix).env("WINEDEBUG", "-all");
        // No window, no browser and no other runtime is asked for.
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=").env_remove("DISPLAY");
        let output = command.stdin(Stdio::null()).output().expect("wine can be started");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    fs::write(temp.path().join("a.txt"), "a").expect("the file is written");
    for (name, code) in [("AI", AI_UPGRADE), ("Other", "{0F0E0D0C-0B0A-4908-8706-050403020100}")] {
        let source = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
            <Product Id="*" Name="{name} tool" Language="1033" Version="1.2.3" Manufacturer="Example" UpgradeCode="{code}">
            <Package InstallerVersion="200" Compressed="yes" InstallScope="perMachine"/><Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
            <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="D" Name="{name}">
            <Component Id="C" Guid="*"><File Id="F" Source="a.txt" KeyPath="yes"/></Component></Directory></Directory></Directory>
            <Feature Id="All" Level="1"><ComponentRef Id="C"/></Feature></Product></Wix>"#
        );
        fs::write(temp.path().join(format!("{name}.wxs")), source).expect("the file is written");
        let made = Command::new("wixl")
            .args(["-o", &format!("{name}.msi"), &format!("{name}.wxs")])
            .current_dir(temp.path())
            .status();
        assert!(made.expect("wixl can be started").success());
        wine(&["msiexec", "/i", &format!("{name}.msi"), "/qn"]);
    }
    let volume = Volume::new();
    volume.put("Windows/System32/config/SOFTWARE", empty_hive());
    let hive = volume.0.root().join("Windows/System32/config/SOFTWARE");
    // A package of 32 bits has its key among those of its kind, and its codes where all have them.
    for view in ["", r"WOW6432Node\"] {
        let part = format!(r"HKLM\Software\{view}Microsoft\Windows\CurrentVersion");
        wine(&["reg", "export", &part, "out.reg", "/y"]);
        let exported = fs::read(temp.path().join("out.reg")).expect("reg wrote it");
        let units: Vec<u16> =
            exported.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let exported = String::from_utf16(&units).expect("UTF-16").replace("\r\n", "\n");
        let mut parents = String::from("Windows Registry Editor Version 5.00\n\n");
        let path = format!(r"{view}Microsoft\Windows\");
        for (end, _) in path.match_indices('\\') {
            writeln!(parents, "[\\{}]\n", &path[..end]).expect("a String takes text");
        }
        merge(&hive, &parents, &[]);
        merge(&hive, exported.trim_start_matches('\u{feff}'), &["--prefix", r"HKEY_LOCAL_MACHINE\Software"]);
    }

    let scan = volume.scan();
    assert_eq!(values(&scan, "windows-programs"), set(&[AI_UPGRADE]));
    let found = sighting(&scan, "windows-programs", AI_UPGRADE);
    assert_eq!(found["evidence"]["version"], "1.2.3");
    assert_eq!(found["details"]["publisher"], "Example");
    assert_eq!(found["details"]["title"], "AI tool");
}

/// The upgrade code by which the catalogue knows Krisp.
const AI_UPGRADE: &str = "{1F6E5D5F-17A9-4B5E-A515-E79542797842}";
