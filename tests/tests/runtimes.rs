//! Models, servers that run, and containers: stores made by the formats' own writers, real processes with real sockets,
//! and servers that mean harm.
//!
//! No server of models can be had here within reason, so stand-ins own the ports: a copy of Python under the name and
//! in the place that the real program has, which is what a process is known by.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, is_root, may_install, require};

/// A server of one way to answer. It prints its port, then a line for each connection: the first line of the question and
/// how many milliseconds the other side stayed.
const SERVER: &str = r#"
import socket, sys, time
way = sys.argv[1]
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
print(server.getsockname()[1], flush=True)
while True:
    peer, _ = server.accept()
    start = time.monotonic()
    question = peer.recv(4096).decode()
    try:
        if way == "silent":
            peer.recv(1)
        elif way == "endless":
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
            while True:
                peer.sendall(b"x" * 65536)
        elif way == "slow":
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 4096:
                peer.sendall(bytes([byte]))
                time.sleep(0.05)
        elif way == "redirect":
            peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % sys.argv[2].encode())
        else:
            body = sys.argv[2].encode()
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            peer.recv(1)
    except OSError:
        pass
    print(question.splitlines()[0], int((time.monotonic() - start) * 1000), sep="\t", flush=True)
    peer.close()
"#;

/// How long a stand-in may take to start, and to tell of a question whose asker has hung up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stand-in for a program.
struct Server {
    process: Child,
    lines: Receiver<String>,
    executable: PathBuf,
    port: u16,
}

impl Server {
    /// Starts it as the program `name` in a `bin` folder of its own.
    fn start(folder: &Path, name: &str, arguments: &[&str]) -> Self {
        let executable = folder.join("bin").join(name);
        fs::create_dir_all(folder.join("bin")).expect("the folder is made");
        // What is called python3 may be a wrapper: the interpreter itself says where it stands.
        let asked = Command::new("python3")
            .args(["-c", "import os, sys; print(os.path.realpath(sys.executable)); print(sys.base_prefix)"])
            .output()
            .expect("python3 runs");
        let text = String::from_utf8_lossy(&asked.stdout);
        let (python, prefix) = text.trim().split_once('\n').expect("two lines");
        fs::copy(python, &executable).expect("the program is copied");
        let mut process = Command::new(&executable)
            .env("PYTHONHOME", prefix)
            .args(["-c", SERVER])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let said = BufReader::new(process.stdout.take().expect("its output is piped"));
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let port = lines.recv_timeout(PATIENCE).expect("it says its port");
        let port = port.parse().unwrap_or_else(|_| panic!("no port: {port}"));
        Self { process, lines, executable, port }
    }

    /// Ends it when it has told of as many questions as are awaited; what it was asked, and how long each connection lasted.
    fn end(mut self, awaited: usize) -> Vec<(String, Duration)> {
        let first = (0..awaited).map_while(|_| self.lines.recv_timeout(PATIENCE).ok()).collect::<Vec<_>>();
        self.stop();
        let line = |line: &str| {
            let (question, ms) = line.split_once('\t').unwrap_or((line, "0"));
            (question.to_owned(), Duration::from_millis(ms.parse().unwrap_or_default()))
        };
        first.into_iter().chain(self.lines.iter()).map(|text| line(&text)).collect()
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One that a failed test leaves behind would hold the output of the tests open.
impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn scan(arguments: &[&std::ffi::OsStr]) -> Value {
    let output = Command::new(&programs().agent)
        .args(["scan", "--format", "json"])
        .args(arguments)
        .output()
        .expect("the agent can be started");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the scan prints JSON")
}

/// A scan of this machine, with lines of configuration in `[scan]`.
fn live_scan(lines: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("agent.toml");
    fs::write(&config, format!("[scan]\n{lines}")).expect("the file is written");
    scan(&["--config".as_ref(), config.as_os_str(), "--state-dir".as_ref(), folder.path().as_os_str()])
}

fn tree_scan(root: &Path) -> Value {
    scan(&["--root".as_ref(), root.as_os_str()])
}

/// What is known by a channel of a program.
fn of_program<'s>(scan: &'s Value, channel: &str, executable: &Path) -> Vec<&'s Value> {
    let sightings = scan["sightings"].as_array().expect("a list of sightings").iter();
    let path = executable.to_string_lossy();
    let short = |shown: &str| shown.strip_prefix('~').is_some_and(|rest| path.ends_with(rest));
    sightings
        .filter(|sighting| sighting["channel"] == channel)
        .filter(|sighting| {
            sighting["evidence"]["executable"].as_str().is_some_and(|shown| shown == path || short(shown))
        })
        .collect()
}

fn sighting<'s>(scan: &'s Value, source: &str, value: &str) -> &'s Value {
    let mut sightings = scan["sightings"].as_array().expect("a list of sightings").iter();
    sightings
        .find(|sighting| sighting["source"] == source && sighting["evidence"]["value"] == value)
        .unwrap_or_else(|| panic!("{value} is no sighting of {source}: {:#}", scan["sightings"]))
}

/// One scan of a whole machine takes its time, so all that must run for it runs at once.
#[test]
fn running_servers_are_asked_once_within_bounds_and_nobody_else_is() {
    if !require("python3", have_command("python3")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| folder.path().join(name);
    let tags = r#"{"models":[{"name":"tiny:latest"}]}"#;
    let ollama = Server::start(&place("good"), "ollama", &["answer", tags]);
    // It says just what Ollama says, and is none.
    let other = Server::start(&place("other"), "notes", &["answer", tags]);
    // Where a redirect leads nobody may go.
    let lure = Server::start(&place("lure"), "notes", &["answer", "\"llamacpp\""]);
    let target = format!("http://127.0.0.1:{}/v1/models", lure.port);
    let ways = [("silent", ""), ("endless", ""), ("slow", ""), ("redirect", &target), ("answer", "no")];
    let harmful = ways.map(|(way, argument)| Server::start(&place(way), "llama-server", &[way, argument]));
    let mcp = may_install().then(|| {
        let server = install(folder.path(), &["mcp-server-time"]).join("bin/mcp-server-time");
        Command::new(server).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the server starts")
    });
    let socket = place("daemon.sock");
    let daemon = daemon(&socket);

    let began = Instant::now();
    let found = live_scan(&format!("containers = {:?}", socket.display().to_string()));
    assert!(began.elapsed() < Duration::from_secs(150), "the scan took {:?}", began.elapsed());

    is_confirmed(&found, ollama);
    for server in [other, lure] {
        assert!(of_program(&found, "runtime", &server.executable).is_empty());
        assert_eq!(server.end(0), [], "a process that no rule knows was contacted");
    }
    for server in harmful {
        cost_no_more_than_its_bounds(&found, server);
    }
    if let Some(mut process) = mcp {
        process.kill().expect("it can be ended");
        process.wait().expect("it ends");
        assert_eq!(sighting(&found, "processes", "mcp-server-time")["channel"], "process");
    }
    assert_eq!(
        daemon.join().expect("the daemon ends"),
        ["GET /images/json HTTP/1.0", "GET /containers/json HTTP/1.0"]
    );
    let image = sighting(&found, "container-daemon", "vllm/vllm-openai");
    assert_eq!(image["details"]["size_bytes"], 9_000_000_000_u64);
    let running = sighting(&found, "container-daemon", "ollama/ollama");
    assert_eq!(running["details"]["title"], "chat");
    assert_eq!(running["details"]["client"], "running container");
    assert!(found["accelerators"].is_array());
}

fn is_confirmed(found: &Value, ollama: Server) {
    let runtimes = of_program(found, "runtime", &ollama.executable);
    assert_eq!(runtimes.len(), 1, "{runtimes:#?}");
    assert_eq!(runtimes[0]["product"], "ollama.ollama");
    let details = &runtimes[0]["details"];
    assert_eq!(details["host"], format!("127.0.0.1:{}", ollama.port));
    assert_eq!(details["confirmed"], true);
    assert_eq!(details["parts"], serde_json::json!([{"kind": "model", "name": "tiny:latest"}]));
    assert_eq!(of_program(found, "process", &ollama.executable).len(), 1);
    let asked = ollama.end(1);
    assert_eq!(asked.len(), 1, "one question: {asked:?}");
    assert_eq!(asked[0].0, "GET /api/tags HTTP/1.0");
}

fn cost_no_more_than_its_bounds(found: &Value, server: Server) {
    let runtimes = of_program(found, "runtime", &server.executable);
    assert_eq!(runtimes.len(), 1, "{}", server.executable.display());
    assert_eq!(runtimes[0]["details"]["confirmed"], false);
    let executable = server.executable.clone();
    let asked = server.end(1);
    assert_eq!(asked.len(), 1, "{}: {asked:?}", executable.display());
    // Half a second of patience, and a machine that has other things to do.
    assert!(asked[0].1 < Duration::from_secs(5), "{}: {asked:?}", executable.display());
}

/// Stands in for a container daemon until it was asked twice; then it gives what it was asked.
fn daemon(socket: &Path) -> std::thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).expect("a socket");
    let answers = [
        r#"[{"RepoTags":["vllm/vllm-openai:latest","postgres:16"],"RepoDigests":[],"Size":9000000000}]"#,
        r#"[{"Names":["/chat"],"Image":"ollama/ollama:0.12","State":"running"}]"#,
    ];
    std::thread::spawn(move || {
        let answer = |answer: &str| {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut question = [0; 1024];
            let read = stream.read(&mut question).expect("a question");
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            stream.write_all((head + answer).as_bytes()).expect("the answer is sent");
            String::from_utf8_lossy(&question[..read]).lines().next().unwrap_or_default().to_owned()
        };
        answers.map(answer).to_vec()
    })
}

#[test]
fn nobody_is_asked_where_the_configuration_says_so() {
    if !require("python3", have_command("python3")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), "llama-server", &["answer", "{}"]);
    let found = live_scan("probe_runtimes = false");
    let runtimes = of_program(&found, "runtime", &server.executable);
    assert_eq!(runtimes.len(), 1);
    assert_eq!(runtimes[0]["details"]["host"], format!("127.0.0.1:{}", server.port));
    assert!(runtimes[0]["details"].get("confirmed").is_none(), "not asked is neither yes nor no");
    assert_eq!(server.end(0), []);
    let sources = found["sources"].as_array().expect("a list of sources");
    assert!(sources.iter().all(|source| source["source"] != "container-daemon"));
}

/// A virtual environment with packages.
fn install(folder: &Path, packages: &[&str]) -> PathBuf {
    let environment = folder.join("venv");
    done(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    done(pip.args(packages));
    environment
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Makes a machine with models in the stores of several programs, each file by its format's own writer.
const STORES: &str = r#"
import hashlib, json, pathlib, sys
import gguf, numpy
from safetensors.numpy import save_file

root = pathlib.Path(sys.argv[1])

def model(path, name, fill=lambda writer: None, architecture="llama"):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), architecture)
    if name:
        writer.add_name(name)
    writer.add_size_label("1B")
    writer.add_license("apache-2.0")
    fill(writer)
    writer.add_tensor("t", numpy.zeros(4, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

def typed(writer):
    # The quantizer puts the type of the file behind the tokenizer's tables.
    writer.add_token_list([f"token {number}" for number in range(50000)])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)

def blob(store, data):
    digest = hashlib.sha256(data).hexdigest()
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    (store / "blobs" / f"sha256-{digest}").write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}

def ollama(store, name, tag, config, layers):
    config = blob(store, json.dumps(config).encode()) | {"mediaType": "application/vnd.docker.container.image.v1+json"}
    layers = [blob(store, data) | {"mediaType": f"application/vnd.ollama.image.{kind}"} for kind, data in layers]
    path = store / "manifests/registry.ollama.ai/library" / name / tag
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schemaVersion": 2, "config": config, "layers": layers}))

home = root / "home/kim"
scratch = root / "tmp/scratch.gguf"
model(scratch, "Tiny Chat 1B", typed)
weights = scratch.read_bytes()
scratch.unlink()
# The service's unit moves its store.
unit = root / "etc/systemd/system/ollama.service.d/override.conf"
unit.parent.mkdir(parents=True)
unit.write_text('[Service]\nEnvironment="OLLAMA_MODELS=/data/ollama"\n')
ollama(root / "data/ollama", "tiny-chat", "1b", {"model_family": "llama"},
       [("model", weights), ("license", b"Apache License\nVersion 2.0\n")])
ollama(home / ".ollama/models", "big-chat", "cloud",
       {"model_family": "", "remote_host": "https://ollama.com:443", "remote_model": "big-chat"}, [])

lm = home / ".lmstudio/models/acme/Split-Chat-GGUF"
for number in (1, 2):
    def part(writer, number=number):
        writer.add_uint16("split.no", number - 1)
        writer.add_uint16("split.count", 2)
    model(lm / f"Split-Chat-Q8_0-0000{number}-of-00002.gguf", "Split Chat" if number == 1 else None, part)
model(lm / "mmproj-Split-Chat-F16.gguf", "Split Chat Vision", lambda writer: writer.add_type(gguf.GGUFType.MMPROJ), "clip")

comfy = home / "ComfyUI/models"
for folder in ("checkpoints", "loras", "vae"):
    (comfy / folder).mkdir(parents=True)
half = {"w": numpy.zeros((1000, 1000), dtype=numpy.float16)}
save_file(half, str(comfy / "checkpoints/dream.safetensors"), metadata={"modelspec.title": "Dream"})
save_file(half, str(comfy / "loras/ink.safetensors"), metadata={"ss_network_module": "networks.lora"})
(comfy / "vae/old-vae.pt").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/unpickled'\ntR.")

runner = home / ".docker/models"
entry = blob(runner, weights)
(runner / "blobs/sha256").mkdir(parents=True)
(runner / "manifests/sha256").mkdir(parents=True)
(runner / "blobs/sha256" / entry["digest"][7:]).write_bytes(weights)
config = json.dumps({"config": {"format": "gguf", "quantization": "Q4_K_M", "parameters": "1.2 B", "architecture": "llama"}}).encode()
digest = hashlib.sha256(config).hexdigest()
(runner / "blobs/sha256" / digest).write_bytes(config)
manifest = json.dumps({"config": {"digest": f"sha256:{digest}", "size": len(config)},
    "layers": [{"mediaType": "application/vnd.docker.ai.gguf.v3", "digest": entry["digest"], "size": entry["size"]}]}).encode()
digest = hashlib.sha256(manifest).hexdigest()
(runner / "manifests/sha256" / digest).write_bytes(manifest)
(runner / "models.json").write_text(json.dumps({"models": [{"id": f"sha256:{digest}", "tags": ["docker.io/ai/tiny:latest"], "files": []}]}))
print(hashlib.sha256(weights).hexdigest())
"#;

#[test]
fn models_are_told_from_the_files_of_their_writers() {
    if !may_install() || !require("python3", have_command("python3")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = install(folder.path(), &["gguf", "safetensors", "numpy"]);
    let machine = tempfile::tempdir().expect("a temporary folder");
    let root = machine.path();
    for path in ["etc", "home/kim", "tmp"] {
        fs::create_dir_all(root.join(path)).expect("the folder is made");
    }
    fs::write(root.join("etc/passwd"), "kim:x:1000:1000::/home/kim:/bin/sh\n").expect("the file is written");
    let weights = done(Command::new(environment.join("bin/python")).args(["-c", STORES]).arg(root));

    let found = tree_scan(root);
    let details = |source: &str, value: &str| sighting(&found, source, value)["details"].clone();
    let moved = details("ollama", "tiny-chat:1b");
    assert_eq!((&moved["title"], &moved["quantisation"]), (&"Tiny Chat 1B".into(), &"Q4_K_M".into()));
    assert_eq!((&moved["licence"], &moved["sha256"]), (&"Apache License".into(), &weights.as_str().into()));
    let cloud = details("ollama", "big-chat:cloud");
    assert_eq!((&cloud["local"], &cloud["host"]), (&false.into(), &"ollama.com:443".into()));

    let split = details("model-files", "Split Chat");
    assert_eq!((&split["quantisation"], &split["client"]), (&"Q8_0".into(), &"LM Studio".into()));
    let folder = root.join("home/kim/.lmstudio/models/acme/Split-Chat-GGUF");
    let sizes = [1, 2].map(|number| {
        let path = folder.join(format!("Split-Chat-Q8_0-0000{number}-of-00002.gguf"));
        fs::metadata(path).expect("the part is there").len()
    });
    assert_eq!(split["size_bytes"], sizes[0] + sizes[1]);
    assert_eq!(details("model-files", "Split Chat Vision")["role"], "projector");
    assert_eq!(details("model-files", "Dream")["parameters"], "1M");
    assert_eq!(details("model-files", "ink")["role"], "adapter");
    let pickle = details("model-files", "old-vae");
    assert_eq!((&pickle["role"], &pickle["client"]), (&"autoencoder".into(), &"ComfyUI".into()));
    let all = found["sightings"].as_array().expect("a list of sightings");
    let files = all.iter().filter(|sighting| sighting["source"] == "model-files").count();
    assert_eq!(files, 5, "a split model is one, and nothing is told twice: {all:#?}");
    let docker = details("docker-models", "ai/tiny:latest");
    assert_eq!((&docker["parameters"], &docker["sha256"]), (&"1.2 B".into(), &weights.as_str().into()));
}

#[test]
fn images_of_a_store_are_found_without_a_daemon() {
    if !require("buildah and root", have_command("buildah") && is_root()) {
        return;
    }
    let machine = tempfile::tempdir().expect("a temporary folder");
    let storage = machine.path().join("var/lib/containers/storage");
    let run = tempfile::tempdir().expect("a temporary folder");
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(&storage).arg("--runroot").arg(run.path());
        let output =
            command.args(["--storage-driver", "vfs"]).args(arguments).output().expect("buildah runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    for image in
        ["docker.io/ollama/ollama:0.12", "ghcr.io/open-webui/open-webui:main", "docker.io/library/redis:7"]
    {
        let container = buildah(&["from", "scratch"]);
        buildah(&["commit", "--quiet", &container, image]);
        buildah(&["rm", &container]);
    }
    let found = tree_scan(machine.path());
    let ollama = sighting(&found, "containers", "ollama/ollama");
    assert_eq!((&ollama["channel"], &ollama["evidence"]["version"]), (&"container".into(), &"0.12".into()));
    sighting(&found, "containers", "ghcr.io/open-webui/open-webui");
    let all = found["sightings"].as_array().expect("a list of sightings");
    assert_eq!(all.len(), 2, "the neighbour is no AI: {all:#?}");
}

/// Written by containerd itself when it took in three images for Docker.
#[test]
fn images_of_containerd_are_found_without_its_socket() {
    let packed = umbrascope_e2e::workspace_root().join("agent/src/scan/containers/testdata/meta.db.gz");
    let database = Command::new("gzip").arg("-dc").arg(packed).output().expect("gzip runs");
    assert!(database.status.success() && !database.stdout.is_empty());
    let machine = tempfile::tempdir().expect("a temporary folder");
    let folder = machine.path().join("var/lib/containerd/io.containerd.metadata.v1.bolt");
    fs::create_dir_all(&folder).expect("the folder is made");
    fs::write(folder.join("meta.db"), database.stdout).expect("the file is written");
    let found = tree_scan(machine.path());
    let ollama = sighting(&found, "containers", "ollama/ollama");
    assert_eq!((&ollama["channel"], &ollama["evidence"]["version"]), (&"container".into(), &"latest".into()));
    sighting(&found, "containers", "ghcr.io/open-webui/open-webui");
    let all = found["sightings"].as_array().expect("a list of sightings");
    assert_eq!(all.len(), 2, "the neighbour is no AI: {all:#?}");
}
