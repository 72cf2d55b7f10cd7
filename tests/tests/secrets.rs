//! Unmistakable secrets, planted in a home and in traffic, and then looked for in every byte that the product sent, keeps, logs, shows and
//! exports, in the clear and in the forms in which bytes are written down. Each search has to find what should be there as well.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use serde_json::json;
use umbrascope_collector::export::{EVIDENCE_PACK, FORMATS};
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::product::Try;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::tree::Tree;
use umbrascope_e2e::{have_command, require};

/// A report goes out within seconds under `try`; the rest is for a slow machine.
const SOON: Duration = Duration::from_secs(60);
/// Number of the planted person.
const UID: u32 = 1000;

/// What must be nowhere, each by what it is. All in lower case: names of hosts are written so.
const SECRETS: [(&str, &str); 20] = [
    ("value of a variable of an MCP server", "zq7k1mcpenvplanted"),
    ("argument of an MCP server", "zq7k2mcpargplanted"),
    ("path of an MCP server's address", "zq7k3urlpathplanted"),
    ("query of an MCP server's address", "zq7k4urlqueryplanted"),
    ("user in an MCP server's address", "zq7k5urluserplanted"),
    ("header of an MCP server", "zq7k6headerplanted"),
    ("key in an assistant's settings", "zq7k7settingkeyplanted"),
    ("password in an assistant's settings", "zq7k8passwordplanted"),
    ("token of an assistant's sign-in", "zq7k9tokenplanted"),
    ("e-mail of an account, before the @", "zq7k10emailplanted"),
    ("name of a user, as the home has it", "zq7k11userplanted"),
    ("real name of a user", "zq7k12realnameplanted"),
    ("what was typed to an assistant", "zq7k13promptplanted"),
    ("an instruction of a project", "zq7k14instructionplanted"),
    ("name that is not AI, looked up", "zq7k15dnsplanted"),
    ("name that is not AI, connected to", "zq7k16sniplanted"),
    ("path of an HTTP request", "zq7k17httppathplanted"),
    ("query of an HTTP request", "zq7k18httpqueryplanted"),
    ("header of an HTTP request", "zq7k19httpheaderplanted"),
    ("argument of a running program", "zq7k20cmdlineplanted"),
];

fn secret(what: &str) -> &'static str {
    SECRETS.iter().find(|(known, _)| known.starts_with(what)).unwrap_or_else(|| panic!("no {what}")).1
}

/// What must be found: the host that traffic names, and the MCP server of the planted home.
const AI_NAME: &str = "api.deepseek.com";
const MCP_NAME: &str = "planted-control-server";

// ── Searching ────────────────────────────────────────────────────────────────────────────────

/// The forms in which a text can be written down, each as bytes that stand in it whatever is around the text.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut forms = vec![
        bytes.to_vec(),
        text.to_uppercase().into_bytes(),
        HEXLOWER.encode(bytes).into_bytes(),
        HEXUPPER.encode(bytes).into_bytes(),
        bytes.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect(),
        bytes.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        bytes.iter().rev().copied().collect(),
    ];
    // In base64 a text looks one of three ways, by where it begins; the letters at both ends hang on what is around it.
    for before in 0..3 {
        let encoded = BASE64.encode(&[&b"xx"[..before], bytes].concat());
        let inner = encoded.trim_end_matches('=');
        let inner = &inner[(before * 8).div_ceil(6)..inner.len() - 1];
        forms.push(inner.as_bytes().to_vec());
        forms.push(inner.replace('+', "-").replace('/', "_").into_bytes());
    }
    forms
}

/// Bytes that a form is first looked up by.
const HEAD: usize = 4;

/// Texts in all their forms, found in one pass over whatever they are looked for in.
struct Finder(HashMap<[u8; HEAD], Vec<(&'static str, Vec<u8>)>>);

impl Finder {
    /// For texts, each with the word for it.
    fn of(texts: &[(&'static str, &str)]) -> Self {
        let mut heads: HashMap<_, Vec<_>> = HashMap::new();
        for (what, text) in texts {
            for form in forms(text) {
                let head = form[..HEAD].try_into().unwrap();
                heads.entry(head).or_default().push((*what, form));
            }
        }
        Self(heads)
    }

    /// What was found, and where.
    fn all<'f>(&'f self, bytes: &'f [u8]) -> impl Iterator<Item = (&'static str, usize)> + 'f {
        bytes.windows(HEAD).enumerate().flat_map(move |(at, head)| {
            let forms = <[u8; HEAD]>::try_from(head).ok().and_then(|head| self.0.get(&head));
            let here = forms.into_iter().flatten().filter(move |(_, form)| bytes[at..].starts_with(form));
            here.map(move |(what, _)| (*what, at))
        })
    }
}

/// Places that were looked at, and what was found where it must not be.
struct Search {
    secrets: Finder,
    found: BTreeSet<(String, &'static str, String)>,
}

impl Search {
    fn new() -> Self {
        Self { secrets: Finder::of(&SECRETS), found: BTreeSet::new() }
    }

    /// Looks through a place, which must hold each of `controls`.
    fn through(&mut self, place: &str, bytes: &[u8], controls: &[&'static str]) {
        for control in controls {
            let found = Finder::of(&[(control, control)]).all(bytes).next();
            assert!(found.is_some(), "{place} lacks {control}: the search would find nothing there");
        }
        for (what, at) in self.secrets.all(bytes) {
            let around = &bytes[at.saturating_sub(60)..(at + 90).min(bytes.len())];
            let around = String::from_utf8_lossy(around).into_owned();
            if !self.found.iter().any(|(known, was, _)| (known.as_str(), *was) == (place, what)) {
                self.found.insert((place.to_owned(), what, around));
            }
        }
    }

    /// Fails with all that was found.
    fn assert_clean(&self) {
        let line = |(place, what, around): &(String, &str, String)| format!("{place}: {what}: …{around}…");
        let found: Vec<String> = self.found.iter().map(line).collect();
        assert!(found.is_empty(), "planted secrets were found:\n{}", found.join("\n"));
    }
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let text = secret("value of a variable");
    for around in ["", "a", "ab", "abc"] {
        let whole = format!("{around}{text}{around}");
        let encoded = [
            whole.clone(),
            whole.to_uppercase(),
            BASE64.encode(whole.as_bytes()),
            data_encoding::BASE64URL_NOPAD.encode(whole.as_bytes()),
            HEXLOWER.encode(whole.as_bytes()),
            whole.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        ];
        for encoded in encoded {
            let mut search = Search::new();
            search.through("a test", format!("left {encoded} right").as_bytes(), &["left"]);
            assert_eq!(search.found.len(), 1, "{encoded}");
        }
    }
    let mut search = Search::new();
    search.through("a test", b"zq7k1mcpenv planted", &[]);
    search.assert_clean();
}

// ── Planting ─────────────────────────────────────────────────────────────────────────────────

/// A home full of secrets.
fn planted() -> Tree {
    let tree = Tree::new();
    let user = secret("name of a user");
    let home = PathBuf::from("home").join(user);
    let put = |path: &str, text: String| {
        tree.put(home.join(path), text);
    };
    let (real, prompt) = (secret("real name"), secret("what was typed"));
    tree.put(
        "etc/passwd",
        format!("root:x:0:0:root:/root:/bin/sh\n{user}:x:{UID}:{UID}:{real}:/home/{user}:/bin/sh\n"),
    );
    let address = format!(
        "https://{}:x@mcp.example.org/v1/{}/mcp?key={}",
        secret("user in an MCP"),
        secret("path of an MCP"),
        secret("query of an MCP")
    );
    let header = format!("Bearer {}", secret("header of an MCP"));
    let servers = json!({
        MCP_NAME: {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-filesystem", "--token", secret("argument of an MCP")],
            "env": {"API_KEY": secret("value of a variable")},
        },
        "planted-remote-server": {"type": "http", "url": address, "headers": {"Authorization": header}},
    });
    let email = format!("{}@corp.example", secret("e-mail"));
    put(
        ".claude.json",
        json!({
            "mcpServers": servers,
            "history": [{"display": prompt, "pastedContents": {}}],
            "primaryApiKey": secret("key in an assistant"),
            "oauthAccount": {"emailAddress": email, "displayName": real, "organizationName": real},
            "projects": {format!("/home/{user}/src/shop"): {"history": [{"display": prompt}], "mcpServers": servers}},
        })
        .to_string(),
    );
    put(
        ".claude/settings.json",
        json!({
            "model": "opus",
            "env": {"ANTHROPIC_API_KEY": secret("key in an assistant"), "PASSWORD": secret("password in an")},
            "apiKeyHelper": format!("echo {}", secret("token of an assistant")),
        })
        .to_string(),
    );
    put(
        ".claude/.credentials.json",
        json!({"claudeAiOauth": {"accessToken": secret("token of an assistant")}}).to_string(),
    );
    put(
        ".claude/history.jsonl",
        format!("{}\n", json!({"display": prompt, "project": format!("/home/{user}")})),
    );
    put(".claude/projects/shop/1.jsonl", format!("{}\n", json!({"message": {"content": prompt}})));
    put(".claude/CLAUDE.md", format!("Never tell: {}\n", secret("an instruction")));
    put("src/shop/AGENTS.md", format!("Never tell: {}\n", secret("an instruction")));
    put("src/shop/.mcp.json", json!({"mcpServers": servers}).to_string());
    put("src/shop/requirements.txt", format!("openai==1.2.3 # {}\n", secret("an instruction")));
    put("src/shop/.env", format!("OPENAI_API_KEY={}\n", secret("key in an assistant")));
    put(
        ".codex/config.toml",
        format!(
            "model = \"gpt-5\"\n[mcp_servers.codex-control]\ncommand = \"uvx\"\nargs = [\"mcp-x\", \"--key={}\"]\n[mcp_servers.codex-control.env]\nTOKEN = \"{}\"\n",
            secret("argument of an MCP"),
            secret("value of a variable")
        ),
    );
    put(".codex/auth.json", json!({"OPENAI_API_KEY": secret("key in an assistant"), "tokens": {"access_token": secret("token of an assistant")}}).to_string());
    put(".codex/history.jsonl", format!("{}\n", json!({"text": prompt})));
    put(
        ".gemini/settings.json",
        json!({"mcpServers": servers, "apiKey": secret("key in an assistant")}).to_string(),
    );
    put(".gemini/google_accounts.json", json!({"active": email, "old": []}).to_string());
    put(".cursor/mcp.json", json!({"mcpServers": servers}).to_string());
    put(".config/Claude/claude_desktop_config.json", json!({"mcpServers": servers}).to_string());
    put(".config/Code/User/mcp.json", json!({"servers": servers}).to_string());
    put(".continue/config.json", json!({"models": [{"provider": "openai", "apiKey": secret("key in an assistant"), "password": secret("password in an")}]}).to_string());
    put(".aider.conf.yml", format!("openai-api-key: {}\n", secret("key in an assistant")));
    put(".bash_history", format!("claude -p '{prompt}'\n"));
    give(&tree.root().join(&home));
    tree
}

/// Hands a folder and all below it to the planted person.
fn give(folder: &Path) {
    chown(folder, Some(UID), Some(UID)).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            give(&entry.path());
        } else {
            chown(entry.path(), Some(UID), Some(UID)).unwrap();
        }
    }
}

/// Ends its process with the test.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    fn interrupt(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A capture on an interface that has begun.
fn capture(pair: &Pair, interface: &str, file: &Path) -> Running {
    let mut tcpdump = pair.host("tcpdump");
    tcpdump.args(["-i", interface, "-U", "--immediate-mode", "-s", "0", "-Z", "root", "-w"]).arg(file);
    let running = Running::start(tcpdump);
    // The file header is written once the socket is open.
    let begun = Instant::now();
    while fs::metadata(file).map_or(0, |file| file.len()) < 24 {
        assert!(begun.elapsed() < SOON, "tcpdump does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

/// The product on a machine with the planted home, beside servers under any name.
struct Stage {
    pair: Pair,
    tree: Tree,
    folder: tempfile::TempDir,
    _servers: [Running; 2],
}

impl Stage {
    fn new() -> Option<Self> {
        for tool in ["curl", "dig", "tcpdump", "tshark", "python3"] {
            if !require(tool, have_command(tool)) {
                return None;
            }
        }
        let pair = Pair::new(Link::default())?;
        let mut peer = pair.net(&programs().peer);
        peer.args(["serve", NET]).stdout(Stdio::null());
        let mut web = pair.net("python3");
        web.args(["-m", "http.server", "80", "--bind", NET]).stdout(Stdio::null());
        let servers = [peer, web].map(Running::start);
        let folder = tempfile::tempdir().unwrap();
        Some(Self { pair, tree: planted(), folder, _servers: servers })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The collector where the planted home is the only one, its log and the agent's at the highest level in a file.
    fn collector(&self, log: &str, words: &[&str]) -> Command {
        let script = "mount --bind \"$1/home\" /home && mount --bind \"$1/etc/passwd\" /etc/passwd && \
            mount -t tmpfs none /root && log=\"$2\" && shift 2 && exec \"$@\" 2>>\"$log\"";
        let mut command = self.pair.host("sh");
        command.args(["-c", script, "sh"]).arg(self.tree.root()).arg(self.path(log));
        command.arg(&programs().collector).arg("--data-dir").arg(self.data()).args(words);
        command.env("RUST_LOG", "trace").env("SSLKEYLOGFILE", self.path("session-keys"));
        command
    }

    fn run(&self, mut command: Command) -> Vec<u8> {
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Traffic with secrets in it, and with a name that is to be found.
    fn traffic(&self) {
        let host = |program: &str, words: &[&str]| {
            let mut command = self.pair.host(program);
            command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // Not every answer is a good one, and none need be.
            let _ = command.status().unwrap_or_else(|error| panic!("{program}: {error}"));
        };
        let (dns, sni) = (secret("name that is not AI, looked up"), secret("name that is not AI, connected"));
        host("dig", &["+time=1", "+tries=1", &format!("@{NET}"), &format!("{dns}.intranet.example")]);
        for name in [&format!("{sni}.intranet.example"), AI_NAME] {
            let resolve = format!("{name}:443:{NET}");
            host("curl", &["-sk", "--max-time", "10", "--resolve", &resolve, &format!("https://{name}/")]);
        }
        for name in [&format!("{sni}.intranet.example"), AI_NAME] {
            let url = format!("http://{name}/{}?q={}", secret("path of an HTTP"), secret("query of an HTTP"));
            let header = format!("X-Api-Key: {}", secret("header of an HTTP"));
            let resolve = format!("{name}:80:{NET}");
            host("curl", &["-s", "--max-time", "10", "-H", &header, "--resolve", &resolve, &url]);
        }
    }

    /// Looks through every file of the data folder, the agent's state among them; their names.
    fn kept(&self, when: &str, search: &mut Search) -> Vec<String> {
        let mut files = Vec::new();
        umbrascope_e2e::walk(&self.data(), &mut files);
        files.retain(|file| fs::symlink_metadata(file).is_ok_and(|file| file.is_file()));
        let controls = Finder::of(&[("name", AI_NAME), ("server", MCP_NAME)]);
        let mut with_controls = Vec::new();
        for path in &files {
            let bytes = fs::read(path).unwrap();
            let found: BTreeSet<_> = controls.all(&bytes).map(|(what, _)| what).collect();
            if found.len() == 2 {
                with_controls.push(path.display().to_string());
            }
            search.through(&format!("{} {when}", path.display()), &bytes, &[]);
        }
        let of = |part: &str| with_controls.iter().any(|path| path.contains(part));
        assert!(
            of("collector.db") && of("/agent/"),
            "the search looks where both keep things: {with_controls:?}"
        );
        files.iter().map(|file| file.display().to_string()).collect()
    }

    /// Texts of what went over the loopback interface between agent and collector, decrypted with the agent's own session keys: strings of
    /// JSON, headers, and whole bodies in hexadecimal.
    fn sent(&self, wire: &Path) -> Vec<u8> {
        let mut tshark = Command::new("tshark");
        tshark.args([
            "-o",
            &format!("tls.keylog_file:{}", self.path("session-keys").display()),
            "-T",
            "fields",
        ]);
        for field in [
            "json.key",
            "json.value.string",
            "http2.header.name",
            "http2.header.value",
            "http2.data.data",
            "http2.body.reassembled.data",
            "http.request.uri",
            "http.file_data",
        ] {
            tshark.args(["-e", field]);
        }
        self.run({
            tshark.args(["-Y", "tls && (http || http2)", "-r"]).arg(wire);
            tshark
        })
    }
}

const PAGES: [&str; 25] = [
    "/start/security",
    "/triage",
    "/search?q=deepseek",
    "/products?q=deepseek",
    "/products/deepseek.deepseek",
    "/inventory",
    "/assets",
    "/assets/1",
    "/coverage",
    "/findings?state=all",
    "/trail",
    "/trail/0",
    "/privacy",
    "/privacy/dpia",
    "/notice",
    "/reidentification",
    "/suspects",
    "/vendors",
    "/review?queue=new",
    "/export",
    "/people/readings",
    "/api/v1/assets/1",
    "/api/v1/systems?limit=500",
    "/api/v1/coverage",
    "/api/v1/trail?limit=500",
];

/// Logs, and what stands in them in any case; the last two commands may have nothing to say.
const CONTROLS_OF_LOGS: [(&str, &[&str]); 4] = [
    ("try.log", &["TRACE", "ready: capturing on", "a sensor enrolled"]),
    ("once.log", &["TRACE"]),
    ("rebuild.log", &[]),
    ("export.log", &[]),
];

#[test]
fn no_planted_secret_is_sent_kept_logged_shown_or_exported() {
    let Some(stage) = Stage::new() else { return };
    let mut search = Search::new();
    let python = {
        let mut which = Command::new("sh");
        which.args(["-c", "command -v python3"]);
        stage.run(which)
    };
    let (wire, traffic) = (stage.path("wire.pcap"), stage.path("traffic.pcap"));
    let mut on_wire = capture(&stage.pair, "lo", &wire);
    let mut on_link = capture(&stage.pair, "eth0", &traffic);
    // A program that is called as one of the catalogue's is, with a secret among its arguments.
    let program = stage.path("ollama");
    fs::copy(fs::canonicalize(String::from_utf8(python).unwrap().trim()).unwrap(), &program).unwrap();
    let mut running = stage.pair.host(&program);
    running.args(["-c", "import time; time.sleep(600)", secret("argument of a running")]);
    let _program = Running::start(running);
    let words = ["try", "--listen", "127.0.0.1:0"];
    let product = Try::start(stage.collector("try.log", &words), stage.pair.host_words());
    stage.traffic();
    let found = product.wait("/export/json", SOON, |export| {
        // Each planted place was read, and each kind of traffic: what may be told of it is there.
        let pieces = export["products"].as_array().into_iter().flatten();
        let pieces = pieces.flat_map(|product| product["evidence"].as_array().into_iter().flatten());
        let known: BTreeSet<_> =
            pieces.map(|piece| (piece["channel"].as_str(), piece["value"].as_str())).collect();
        let wanted =
            [("tls", AI_NAME), ("http", AI_NAME), ("mcp-config", MCP_NAME), ("account", "corp.example")];
        let wanted = wanted.into_iter().chain([("mcp-config", "codex-control"), ("manifest", "openai")]);
        wanted.into_iter().all(|(channel, value)| known.contains(&(Some(channel), Some(value))))
    });
    assert!(found.is_ok(), "what is to be found did not come: {}", found.unwrap_or_else(|export| export));

    // What people read while it runs, and what they take away.
    let mut shown = String::new();
    for path in PAGES {
        let page = product.page(path);
        assert!(!page.is_empty(), "{path} is empty");
        search.through(path, page.as_bytes(), &[]);
        shown.push_str(&page);
    }
    search.through("the pages together", shown.as_bytes(), &[AI_NAME, MCP_NAME]);
    for format in FORMATS.iter().filter(|format| **format != EVIDENCE_PACK) {
        let export = product.page(&format!("/export/{format}"));
        search.through(&format!("export {format}"), export.as_bytes(), &["DeepSeek"]);
    }
    let explain = {
        let mut command = stage.pair.host(&programs().agent);
        command.args(["explain", "--config"]).arg(stage.data().join("agent.toml"));
        stage.run(command)
    };
    search.through("explain", &explain, &[AI_NAME, MCP_NAME]);
    let files = stage.kept("while it runs", &mut search);
    assert!(
        files.iter().any(|file| file.ends_with("collector.db-wal")),
        "the log of the database too: {files:?}"
    );
    assert_eq!(product.interrupt(), Some(0));
    on_link.interrupt();
    on_wire.interrupt();

    // The same traffic once more from the file, and the roll-ups made anew.
    let file = traffic.to_string_lossy().into_owned();
    let replayed = stage.run(stage.collector("once.log", &["try", "--once", "--replay", &file]));
    search.through("try --once", &replayed, &["DeepSeek"]);
    for format in ["table", "tsv", "json"] {
        let mut command = stage.pair.host(&programs().agent);
        command.args(["replay", "--format", format]).arg(&traffic);
        search.through(&format!("replay {format}"), &stage.run(command), &[AI_NAME]);
    }
    stage.run(stage.collector("rebuild.log", &["rebuild"]));

    let sent = stage.sent(&wire);
    search.through("the wire", &sent, &[AI_NAME, MCP_NAME, "corp.example", "plain-text-secret"]);
    for &format in FORMATS {
        let out = stage.path(&format!("export.{format}"));
        let words = ["export", format, "-o", &out.to_string_lossy()];
        stage.run(stage.collector("export.log", &words));
        search.through(&format!("export {format} of the command"), &fs::read(out).unwrap(), &["DeepSeek"]);
    }
    for (log, control) in CONTROLS_OF_LOGS {
        let text = fs::read(stage.path(log)).unwrap();
        search.through(log, &text, control);
    }
    stage.kept("afterwards", &mut search);
    search.assert_clean();
}
