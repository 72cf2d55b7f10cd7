//! Files as programs write them, shortened, for the parsers of the scan; and what this machine has of its own.

use std::fs::File;
use std::io::Read;

use umbrascope_agent::scan::parsers::ALL;

/// Bytes taken of a file of this machine.
const OWN_BYTES: u64 = 8 * 1024;

/// A parser's name, a number, and bytes that begin with the byte which picks the parser.
pub fn seeds() -> Vec<(&'static str, usize, Vec<u8>)> {
    let mut seeds: Vec<(&str, Vec<u8>)> =
        TEXTS.iter().map(|(name, text)| (*name, text.as_bytes().into())).collect();
    for (name, path) in OWN {
        let mut bytes = Vec::new();
        if File::open(path).is_ok_and(|file| file.take(OWN_BYTES).read_to_end(&mut bytes).is_ok()) {
            seeds.push((name, bytes));
        }
    }
    seeds.push(("gguf", gguf()));
    seeds.push(("safetensors", safetensors()));
    seeds.push(("rpm-header", rpm()));
    seeds.push(("journal", journal()));
    let framed = seeds.into_iter().enumerate().map(|(number, (name, bytes))| {
        let which = ALL.iter().position(|(known, _)| *known == name).expect("a parser of that name");
        let which = u8::try_from(which).expect("fewer than 256 parsers");
        (name, number, [&[which], &bytes[..]].concat())
    });
    framed.collect()
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
