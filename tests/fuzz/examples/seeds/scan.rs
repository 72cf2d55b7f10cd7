//! Files as programs write them, shortened, for the parsers of the scan; and what this machine has of its own.

use std::fs::File;
use std::io::Read;

use super::ALL;

/// Bytes taken of a file of this machine.
const OWN_BYTES: u64 = 8 * 1024;

/// A parser's name, a number, and bytes that begin with the byte which picks the parser.
pub(super) fn seeds() -> Vec<(&'static str, usize, Vec<u8>)> {
    let mut seeds: Vec<(&str, Vec<u8>)> =
        TEXTS.iter().map(|(name, text)| (*name, text.as_bytes().into())).collect();
    for (name, path) in OWN {
        let mut bytes = Vec::new();
        if File::open(path).is_ok_and(|file| file.take(OWN_BYTES).read_to_end(&mut bytes).is_ok()) {
            seeds.push((name, bytes));
        }
    }
    seeds.extend(FILES.iter().map(|(name, bytes)| (*name, bytes.to_vec())));
    seeds.push(("mach-o", program()));
    // Without the pages at its end, which are not in use.
    let mut images = unpacked(include_bytes!("../../../../agent/src/scan/containers/testdata/meta.db.gz"));
    images.truncate(18 * 4096);
    seeds.push(("containerd", images));
    seeds.push((
        "rpm-ndb",
        unpacked(include_bytes!("../../../../agent/src/scan/rpm/testdata/Packages.db.gz")),
    ));
    seeds.push(("gguf", gguf()));
    seeds.push(("safetensors", safetensors()));
    seeds.push(("rpm-header", rpm()));
    seeds.push(("journal", journal()));
    // Two kinds of process that no rule knows, one that serves, and what ran.
    let ran =
        [[2_u32, 1, 1].map(u32::to_le_bytes).concat(), [7_u64, 8, 9, 10].map(u64::to_le_bytes).concat()];
    seeds.push(("ran", ran.concat()));
    seeds.push(("process-windows", sockets()));
    seeds.push(("registry-logs", hive_with_log()));
    seeds.push(("reparse", junction()));
    let framed = seeds.into_iter().enumerate().map(|(number, (name, bytes))| {
        let which = ALL.iter().position(|(known, _)| *known == name).expect("a parser of that name");
        let which = u8::try_from(which).expect("fewer than 256 parsers");
        (name, number, [&[which], &bytes[..]].concat())
    });
    framed.collect()
}

/// A table of two listening sockets, as Windows gives it (`MIB_TCPTABLE_OWNER_PID`).
fn sockets() -> Vec<u8> {
    let row = |port: u16, process: u32| {
        let port = u32::from(port.to_be());
        [2, u32::from_le_bytes([127, 0, 0, 1]), port, 0, 0, process].map(u32::to_le_bytes).concat()
    };
    [2_u32.to_le_bytes().to_vec(), row(11434, 1), row(8080, 7)].concat()
}

/// What stands behind a junction (MS-FSCC 2.1.2.5).
fn junction() -> Vec<u8> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (target, shown) = (wide(r"\??\C:\Users\kim\src"), wide(r"C:\Users\kim\src"));
    let number = |number: usize| u16::try_from(number).expect("a short path").to_le_bytes();
    let mut data = 0xA000_0003_u32.to_le_bytes().to_vec();
    data.extend(number(12 + target.len() + shown.len()));
    data.extend(number(0));
    for length in [0, target.len(), target.len() + 2, shown.len()] {
        data.extend(number(length));
    }
    [data, target, vec![0, 0], shown, vec![0, 0]].concat()
}

/// Files that a Linux machine may have.
const OWN: &[(&str, &str)] = &[
    ("dpkg", "/var/lib/dpkg/status"),
    ("apk", "/lib/apk/db/installed"),
    ("mounts", "/proc/self/mountinfo"),
    ("passwd", "/etc/passwd"),
    ("npm-manifest", "/usr/share/nodejs/npm/package.json"),
    ("npm-manifest", "/usr/lib/node_modules/npm/package.json"),
];

/// What their programs wrote for the tests of the parsers.
const FILES: &[(&str, &[u8])] = &[
    ("flatpak-deploy", include_bytes!("../../../../agent/src/scan/testdata/flatpak.deploy")),
    // Made by SQLite 3.40 with pages of 512 bytes: a table and a row for each reader.
    ("sqlite", include_bytes!("../../../../agent/src/scan/testdata/small.sqlite")),
    ("gguf", include_bytes!("../../../../agent/src/scan/models/samples/model.gguf")),
    ("gguf", include_bytes!("../../../../agent/src/scan/models/samples/part-00002-of-00002.gguf")),
    ("go", include_bytes!("../../../../agent/src/scan/testdata/go.buildinfo")),
    ("plist", include_bytes!("../../../../agent/src/scan/macos/testdata/info.binary.plist")),
    ("plist", include_bytes!("../../../../agent/src/scan/macos/testdata/info.xml.plist")),
    ("registry", include_bytes!("../../../../agent/src/scan/registry/testdata/small.hive")),
    ("safetensors", include_bytes!("../../../../agent/src/scan/models/samples/lora.safetensors")),
    ("zip", include_bytes!("../../../../agent/src/scan/zip/sample.jar")),
];

const SERVERS: &str = r#"{
  // as an editor writes it
  "mcpServers": {
    "files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@1.2.3", "/"],
      "env": {"API_KEY": "${KEY}"}, "disabled": false, "autoApprove": ["*"]},
    "remote": {"type": "http", "url": "https://user@mcp.example:8443/v1?token=x", "headers": {"Authorization": "Bearer x"}},
  },
  "projects": {"/home/kim/work": {"mcpServers": {"a": {"command": "docker", "args": ["run", "--rm", "-e", "K", "mcp/a:1"]}}}},
  "servers": {"b": {"type": "stdio", "command": "uvx", "args": ["mcp-server-git==1.0"]}},
  "mcp": {"c": {"type": "local", "command": ["bunx", "x@2"], "enabled": true}},
  "context_servers": {"d": {"source": "custom", "command": {"path": "sh", "args": ["-c", "x"]}}},
  "permissions": {"defaultMode": "bypassPermissions", "allow": ["Bash(*)"]}
}"#;

const TEXTS: &[(&str, &str)] = &[
    (
        "process",
        "/usr/bin/python3.11\n/home/kim/src\npython3\n-u\n-m\nvllm.entrypoints.openai.api_server\n--port\n8000\n",
    ),
    (
        "process",
        "/usr/bin/node\n/home/kim\nnode\n--import\nx\n/home/kim/.npm/_npx/a1/node_modules/@anthropic-ai/claude-code/cli.js\n",
    ),
    ("process", "/home/kim/.deno/bin/deno\n/\ndeno\nrun\n-A\nnpm:@scope/server@1.2/x\n"),
    ("process-macos", "\u{3}\0\0\0/opt/homebrew/bin/node\0\0\0\0node\0\0x.js\0SECRET=1\0PATH=/bin\0"),
    ("process-windows", "\"C:\\Program Files\\node.exe\" -r x \"C:\\my scripts\\a.js\" a\\\\\\\"b"),
    ("rpm-answer", "ollama\t2\t0.12.3-1\ngpg-pubkey\t0\t1-2\n\nbroken\n"),
    ("vscode-obsolete", r#"{"github.copilot-1.200.0": true, "ms-python.python-2025.2.0": false}"#),
    (
        "accounts",
        r#"{"numStartups": 3, "oauthAccount": {"accountUuid": "u", "emailAddress": "kim@corp.example"}}"#,
    ),
    (
        "accounts",
        r#"{"OPENAI_API_KEY": null, "tokens": {"id_token": "eyJhbGciOiJSUzI1NiJ9.eyJlbWFpbCI6ImtpbUBDb3JwLkV4YW1wbGUiLCJzdWIiOiJ4In0.c2lnbmF0dXJl"}}"#,
    ),
    (
        "answer",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 61\r\n\r\n{\"object\":\"list\",\"data\":[{\"id\":\"llama3.2:1b\",\"owned_by\":\"x\"}]}",
    ),
    ("answer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\nOllama is running\r\n0\r\n\r\n"),
    (
        "appx-manifest",
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Package xmlns=\"http://schemas.microsoft.com/appx/manifest/foundation/windows10\"><Properties><DisplayName>Claude</DisplayName><PublisherDisplayName>Anthropic, PBC</PublisherDisplayName></Properties></Package>",
    ),
    (
        "cargo",
        r#"{"installs":{"aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)":{"version_req":null,"bins":["aichat"],"features":[],"all_features":false,"no_default_features":false,"profile":"release","target":"x86_64-unknown-linux-gnu","rustc":"rustc 1.90.0"}}}"#,
    ),
    (
        "cargo-toml",
        "[v1]\n\"aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)\" = [\"aichat\"]\n",
    ),
    (
        "chromium-policy",
        r#"{"ExtensionInstallForcelist": ["fcoeoabgfenejglbffodgkkbkcdhcgfn;https://clients2.google.com/service/update2/crx"], "ExtensionSettings": {"*": {"installation_mode": "blocked"}, "kbfnbcaeplbcioakkpcpgfkobkghlhen": {"installation_mode": "force_installed"}}}"#,
    ),
    (
        "chromium-policy",
        r#"{"ExtensionSettings": "{\"a@b\": {\"installation_mode\": \"normal_installed\"}}"}"#,
    ),
    (
        "composer",
        r#"{"packages": [{"name": "openai-php/client", "version": "v0.10.3", "dist": {"type": "zip"}}], "dev": true}"#,
    ),
    ("conda", "ollama-0.12.3-cuda_126h0e1d2_0.json"),
    (
        "container-images",
        r#"[{"Containers":-1,"Id":"sha256:2d1","RepoTags":["ollama/ollama:latest"],"RepoDigests":["ollama/ollama@sha256:45a"],"Size":3000000000},{"RepoTags":["<none>:<none>"]}]"#,
    ),
    (
        "container-images",
        r#"[{"Id":"8df","Names":["/chat"],"Image":"ghcr.io/open-webui/open-webui:main","State":"running"}]"#,
    ),
    (
        "container-images",
        r#"[{"id":"2d1","digest":"sha256:45a","names":["docker.io/ollama/ollama:latest"],"layer":"5bc","metadata":"{}","created":"2026-11-26T20:00:00Z"}]"#,
    ),
    (
        "container-images",
        r#"{"Repositories":{"ollama/ollama":{"ollama/ollama:latest":"sha256:2d1","ollama/ollama@sha256:45a":"sha256:2d1"}}}"#,
    ),
    (
        "desktop-entry",
        "[Desktop Entry]\nName=Cursor\nExec=/home/kim/apps/Cursor-1.2.AppImage --no-sandbox %U\n",
    ),
    ("desktop-entry", "[Desktop Entry]\nExec=env A=1 \"/home/kim/my apps/LM-Studio-0.3.AppImage\" %U\n"),
    (
        "docker-models",
        r#"{"models":[{"id":"sha256:0f","tags":["docker.io/ai/smollm2:latest"],"files":["sha256:1a"]},{"id":"sha256:10","tags":[]}]}"#,
    ),
    (
        "emacs",
        ";; Generated package description from copilot.el  -*- no-byte-compile: t -*-\n(define-package \"copilot\" \"0.3.0\" \"An unofficial \\\"Copilot\\\" plugin\" '((emacs \"27.2\")))\n",
    ),
    (
        "environment",
        "[Service]\nEnvironment=\"OLLAMA_HOST=0.0.0.0\" \"OLLAMA_MODELS=/data/my models\"\nexport OLLAMA_MODELS='/srv/x' # moved\n",
    ),
    (
        "environment-keys",
        "export OPENAI_API_KEY='x' # mine\nEnvironment=\"GROQ_API_KEY=y\" B=1\nset -gx A_KEY z\nsetenv A_KEY z\nSETUVAR --export A_KEY:z\n$env:A_KEY = \"z\"\nA_KEY DEFAULT=z\n",
    ),
    (
        "firefox-profiles",
        "[Install4F96D1932A9F858E]\nDefault=x.default\n\n[Profile1]\nName=work\nIsRelative=0\nPath=/home/kim/work\n\n[General]\nVersion=2\n",
    ),
    (
        "flatpak-metainfo",
        "<component><releases><release date='2026-01-01' version=\"2.1\"/><release version='2.0'/></releases></component>",
    ),
    ("gem", "nokogiri-1.16.0-x86_64-linux.gemspec"),
    (
        "jetbrains",
        "<idea-plugin url=\"https://a.example\">\n  <id>com.example.helper</id>\n  <name>Helper</name><version>1.4.2</version><vendor email=\"a@b.example\">Example</vendor>\n  <depends>com.intellij.modules.platform</depends></idea-plugin>",
    ),
    ("jetbrains-disabled", "com.github.copilot\norg.jetbrains.junie\n"),
    (
        "launchd",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>Label</key><string>homebrew.mxcl.ollama</string><key>ProgramArguments</key><array><string>/opt/homebrew/opt/ollama/bin/ollama</string><string>serve</string></array><key>Disabled</key><false/></dict></plist>",
    ),
    ("manifests", r#"{"dependencies": {"@anthropic-ai/sdk": "^0.30.1", "ai": "npm:openai@5.0.1"}}"#),
    (
        "manifests",
        r#"{"lockfileVersion": 3, "packages": {"": {"name": "shop"}, "node_modules/openai": {"version": "4.104.0"}}, "dependencies": {"@s/c": {"version": "2.0.0"}}}"#,
    ),
    (
        "manifests",
        "packages:\n\n  '@types/node@18.19.0':\n    resolution: {integrity: x}\n\n  openai@4.104.0:\n    hasBin: true\n\nsnapshots:\n\n  openai@4.104.0(ws@8.0.0): {}\n",
    ),
    (
        "manifests",
        "# yarn lockfile v1\n\n\n\"@s/b@^1.0.0\", \"@s/b@^1.1.0\":\n  version \"1.1.2\"\n  resolved \"x\"\n",
    ),
    (
        "manifests",
        "# models\n-r base.txt\nopenai==1.54.3 ; python_version > '3.8'\nlangchain[all]>=0.3\nTorch == 2.4.0 \\\n    --hash=sha256:00\nanthropic @ https://x/y.whl\n",
    ),
    (
        "manifests",
        "[project]\ndependencies = ['openai>=1', 'httpx==0.27.0']\n[tool.poetry.dependencies]\nlangchain = {version = '0.3.1', extras = ['x']}\n",
    ),
    (
        "manifests",
        "[package]\nname = \"x\"\n[dependencies]\nasync-openai = \"=0.28.1\"\nai = { package = \"genai\", version = \"0.1\" }\n",
    ),
    (
        "native-messaging-host",
        r#"{"name": "com.example.helper", "path": "C:\\Users\\kim\\host.bat", "type": "stdio", "allowed_origins": ["chrome-extension://fcoeoabgfenejglbffodgkkbkcdhcgfn/"]}"#,
    ),
    (
        "nix-expression",
        "[ { meta = { description = \"x\"; }; name = \"hello-2.12\"; out = { outPath = \"/nix/store/x\"; }; } { name = \"ollama-0.12.3\"; } ]",
    ),
    (
        "nix-manifest",
        r#"{"version": 3, "elements": {"ollama": {"active": true, "priority": 5, "storePaths": ["/nix/store/wbhg2ga8f3h87s9h5k0slxk0m81m4cxl-ollama-0.12.3"]}}}"#,
    ),
    (
        "nix-manifest",
        r#"{"version": 1, "elements": [{"active": true, "storePaths": ["/nix/store/wbhg2ga8f3h87s9h5k0slxk0m81m4cxl-zoom-us-5.3.469451.0927"]}]}"#,
    ),
    (
        "nuspec",
        "<?xml version=\"1.0\"?><package><metadata><id>ollama</id><version>0.12.3</version><authors>Ollama</authors></metadata></package>",
    ),
    (
        "obsidian",
        r#"{"id":"tidy-notes","name":"Tidy Notes","version":"2.1.0","minAppVersion":"1.4.0","author":"Somebody","isDesktopOnly":false}"#,
    ),
    (
        "obsidian-vaults",
        r#"{"vaults":{"a1b2":{"path":"/home/kim/Notes","ts":1700000000000,"open":true},"c":{}}}"#,
    ),
    (
        "office",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OfficeApp xmlns=\"http://schemas.microsoft.com/office/appforoffice/1.1\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"TaskPaneApp\">\n  <Id>05c2e1c9-3e1d-406e-9a91-e9ac64854143</Id><Version>1.0.0.0</Version><ProviderName>Contoso</ProviderName>\n  <DisplayName DefaultValue=\"Tidy Tables\"/></OfficeApp>",
    ),
    (
        "office",
        r#"{"id":"05C2E1C9-3e1d-406e-9a91-e9ac64854143","version":"1.0.0","name":{"short":"Tidy"},"developer":{"name":"Contoso"}}"#,
    ),
    (
        "raycast",
        r#"{"$schema":"https://www.raycast.com/schemas/extension.json","name":"tidy","title":"Tidy","author":"thomas","owner":"acme","commands":[{"name":"index"}]}"#,
    ),
    (
        "safari",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict><key>com.example.tidy.Extension (ABCDE12345)</key><dict><key>Enabled</key><false/><key>WebsiteAccess</key><dict><key>Level</key><string>x</string></dict></dict></dict></plist>",
    ),
    ("scoop", "\u{feff}{\"version\": \"0.12.3\", \"bin\": \"ollama.exe\"}"),
    (
        "snap-state",
        r#"{"data": {"auth": {"users": [{"macaroon": "x"}]}, "snaps": {"ollama": {"type": "app", "sequence": [{"name": "ollama", "revision": "105"}], "active": true, "current": "105"}}}, "changes": {}}"#,
    ),
    (
        "sublime",
        "// Mine\n{\n\t\"font_size\": 12,\n\t\"ignored_packages\":\n\t[\n\t\t\"Vintage\",\n\t],\n}\n",
    ),
    (
        "visual-studio",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<PackageManifest Version=\"2.0.0\" xmlns=\"http://schemas.microsoft.com/developer/vsx-schema/2011\"><Metadata><Identity Id=\"Tidy.0e8f3c6a\" Version=\"1.2\" Publisher=\"Contoso\" /><DisplayName>Tidy</DisplayName></Metadata></PackageManifest>",
    ),
    (
        "visual-studio",
        "<Vsix Version=\"1.0\"><Identifier Id=\"Tidy.1\"><Name>Tidy</Name><Version>3</Version></Identifier></Vsix>",
    ),
    ("vscode-disabled", r#"[{"id":"GitHub.copilot","uuid":"23c4aeee-f844-43cd-b53e-1113e483f1a6"}]"#),
    (
        "vscode-package",
        r#"{"name":"copilot-chat","displayName":"GitHub Copilot Chat","version":"0.31.0","publisher":"GitHub","engines":{"vscode":"^1.104.0"}}"#,
    ),
    ("alpm", "%NAME%\nollama\n\n%VERSION%\n0.12.3-1\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\n"),
    ("apk", "C:Q1abcdef=\nP:ollama\nV:0.12.3-r0\nA:x86_64\nT:Run models\n\nP:musl\nV:1.2.5-r9\n\n"),
    ("assistants", SERVERS),
    ("assistants", "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n"),
    ("assistants", "GOOSE_MODE: auto\nyes-always: true\n"),
    (
        "cargo",
        "[v1]\n\"aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)\" = [\"aichat\"]\n",
    ),
    ("chromium", "\u{feff}{\"manifest_version\": 3, \"name\": \"__MSG_x__\", \"version\": \"1.2.3\"}"),
    (
        "chromium",
        r#"{"a":[1],"extensions":{"settings":{"aaaabbbbccccddddeeeeffffgggghhhh":{"state":1,"location":4,"path":"/home/kim/x","from_webstore":false,"disable_reasons":[1],"manifest":{"version":"1","name":"x"}}},"opsettings":{}}}"#,
    ),
    ("document-json", SERVERS),
    (
        "document-toml",
        "a = 1\n[mcp_servers.x]\ncommand = \"npx\"\nargs = [\"-y\", 'x']\n[[y]]\nz = 1979-05-27T07:32:00Z\n",
    ),
    ("document-yaml", "a: &x [1, ~, true, \"s\"]\nb: *x\n<<: {c: 0x1f}\nd: |\n  text\n? e\n: - f\n"),
    (
        "dpkg",
        "Package: ollama\nStatus: install ok installed\nMaintainer: A <a@b.example>\nVersion: 1:0.12.3-1\nDescription: x\n y\n .\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n",
    ),
    (
        "firefox",
        r#"{"schemaVersion":37,"addons":[{"id":"x@y.example","version":"1.0","type":"extension","active":true,"location":"app-profile","defaultLocale":{"name":"X"},"sourceURI":null,"signedState":2}]}"#,
    ),
    ("huggingface-card", "---\nlicense: apache-2.0\nlanguage:\n- en\nbase_model: a/b\n---\n# Title\n"),
    (
        "mcp-command",
        "npx\n-y\n--package=@scope/name@1.2.3\n--\nserver\n--token=abc\nhttps://a:b@c.example/?key=d\n",
    ),
    ("mcp-command", "docker\nrun\n-i\n--rm\n-v\n/:/host\n-e\nKEY=value\nghcr.io/a/b@sha256:0123\n"),
    ("mcp-command", "/bin/sh\n-c\nuv run --with mcp[cli]==1.0 x.py\n"),
    ("mcp-config", SERVERS),
    ("mcp-config", "[mcp_servers.x]\ncommand = \"uvx\"\nargs = [\"a@1\"]\nenv = { K = \"v\" }\n"),
    (
        "mcp-config",
        "extensions:\n  x:\n    type: stdio\n    cmd: npx\n    args: [-y, a]\n    envs: {K: v}\n    enabled: true\n",
    ),
    ("mcp-config", "mcpServers:\n  - name: x\n    command: npx\n    args: [\"-y\", \"a@1\"]\n"),
    (
        "mcp-config",
        "<application>\n  <component name=\"McpApplicationServerCommands\" modifiable=\"true\">\n    <commands>\n      <McpServerCommand sourceId=\"UserConfigurationSource\">\n        <option name=\"enabled\" value=\"true\" />\n        <option name=\"name\" value=\"files\" />\n        <option name=\"programPath\" value=\"npx\" />\n        <option name=\"arguments\" value=\"-y a &quot;b&quot;\" />\n        <envs><env name=\"K\" value=\"v\" /></envs>\n      </McpServerCommand>\n    </commands>\n    <urls>\n      <McpServerURL><option name=\"url\" value=\"https://mcp.example/mcp\" /><option name=\"headers\"><map><entry key=\"A\" value=\"b\" /></map></option></McpServerURL>\n    </urls>\n  </component>\n</application>",
    ),
    (
        "npm-manifest",
        r#"{"name":"@anthropic-ai/claude-code","version":"2.0.31","license":{"type":"MIT"},"bin":{"claude":"cli.js"}}"#,
    ),
    ("npmrc", "//registry.example/:_authToken=x\nprefix=${HOME}/.npm-global\n"),
    (
        "ollama-manifest",
        r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:4f65","size":485},"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:7470","size":1321082688}]}"#,
    ),
    (
        "sockets",
        "   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000",
    ),
    ("python-folder", "huggingface_hub-0.26.1.dist-info"),
    ("python-folder", "openai-0.8.0-py3.9.egg-info"),
    (
        "python-metadata",
        "Metadata-Version: 2.4\nName: openai\nVersion: 1.2.3\nLicense-Expression: Apache-2.0\nLicense: x\n y\n\nText\n",
    ),
    (
        "clone",
        "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://x:token@github.com/a/b.git\n\tfetch = +refs\n",
    ),
    (
        "vscode",
        r#"[{"identifier":{"id":"github.copilot","uuid":"x"},"version":"1.2.3","location":{"$mid":1,"path":"/home/kim/.vscode/extensions/github.copilot-1.2.3","scheme":"file"},"relativeLocation":"github.copilot-1.2.3","metadata":{"installedTimestamp":1,"publisherDisplayName":"GitHub","isPreReleaseVersion":false}}]"#,
    ),
    (
        "walk",
        r#"{"mcp_files":[{"which":0,"path":"work/.mcp.json"}],"environments":[".venv"],"node_roots":[],"model_files":["a.gguf"],"troubles":[["Refused","~/x"]]}"#,
    ),
];

/// The header of a model: magic, version 3, counts, then key, type and value.
fn gguf() -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    let pairs: [(&str, &str); 3] =
        [("general.architecture", "llama"), ("general.name", "Tiny"), ("general.license", "mit")];
    bytes.extend((pairs.len() as u64 + 2).to_le_bytes());
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    for (key, value) in pairs {
        bytes.extend([text(key), 8_u32.to_le_bytes().into(), text(value)].concat());
    }
    bytes.extend(
        [text("general.file_type"), 4_u32.to_le_bytes().into(), 15_u32.to_le_bytes().into()].concat(),
    );
    bytes.extend(
        [text("tokenizer.ggml.tokens"), 9_u32.to_le_bytes().into(), 8_u32.to_le_bytes().into()].concat(),
    );
    bytes.extend([2_u64.to_le_bytes().into(), text("a"), text("b")].concat());
    bytes
}

/// A hive that is dirty, with a log of one entry: its first page as it is. The hashes are made by whoever reads it.
fn hive_with_log() -> Vec<u8> {
    let mut hive = include_bytes!("../../../../agent/src/scan/registry/testdata/small.hive").to_vec();
    let number = |at: usize| u32::from_le_bytes([hive[at], hive[at + 1], hive[at + 2], hive[at + 3]]);
    let (second, bins) = (number(8), number(40));
    // A log's kind is 6, and the sum over its base block another by as much.
    let mut log = hive[..512].to_vec();
    log[28] ^= 6;
    log[508] ^= 6;
    log.extend(b"HvLE");
    for field in [4608, 0, second, bins, 1, 0, 0, 0, 0, 0, 4096] {
        log.extend(field.to_le_bytes());
    }
    log.extend(&hive[4096..8192]);
    log.resize(512 + 4608, 0);
    // Writing has begun and not ended.
    hive[4] ^= 0x40;
    hive[508] ^= 0x40;
    let lens = [hive.len(), log.len()].map(|len| (len as u32).to_le_bytes());
    [lens.concat(), hive, log].concat()
}

/// A signed program without the code between its head and its signature, which fits what a run feeds.
fn program() -> Vec<u8> {
    let mut bytes = include_bytes!("../../../../agent/src/scan/macos/testdata/rg.head").to_vec();
    let (before, here) = (3_983_328_u32.to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    let place =
        bytes.windows(4).position(|word| word == before).expect("the head says where its signature is");
    bytes[place..place + 4].copy_from_slice(&here);
    bytes.extend(include_bytes!("../../../../agent/src/scan/macos/testdata/rg.signature"));
    bytes
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).expect("the file is whole");
    bytes
}

fn safetensors() -> Vec<u8> {
    let header = br#"{"__metadata__":{"format":"pt","license":"mit"},"w":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat()
}

/// A header as rpm keeps it: count of entries, bytes of data, entries of tag, type, offset and count, data.
fn rpm() -> Vec<u8> {
    let data = b"ollama\x000.12.3\x001.fc43\0\0\0\0\0\0\x02";
    let entries = [[1000, 6, 0, 1], [1001, 6, 7, 1], [1002, 6, 14, 1], [1003, 4, 24, 1]];
    let counts = [entries.len() as u32, data.len() as u32];
    let words = counts.into_iter().chain(entries.into_iter().flatten());
    [words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>(), data.to_vec()].concat()
}

fn journal() -> Vec<u8> {
    let place = [&[1][..], &[7; 8], &[9, 0, 14], b"/home/kim/work"].concat();
    let next = [&[2][..], &[8; 8], &[9, 14, 5], b"/.mcp"].concat();
    let places = [place, next].concat();
    [&b"umbrascope journal 1\n"[..], b"\x03pip", &[0, 2, 1, 1, places.len() as u8], &places].concat()
}
