//! A home whose owner is hostile: the scan ends soon and in bounded memory, tells each thing for what it is, gives no
//! secret away, and still finds what is honest beside it.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, is_root, require};

/// In every file that no scan may give away.
const SECRET: &str = "Zq7SHADOW9xK2mV4nB8w";
/// Of each large directory. Making both and taking them away takes some 25 s, most of what the test does.
const ENTRIES: usize = 1_000_000;
/// Most names of one file: ext4 gives it 65,000.
const NAMES: usize = 60_000;
/// Most private memory of the scan, in MB; the service as a whole may have 128 (`MemoryMax` of its unit).
const MEMORY_MB: u64 = 80;
/// Most that it takes beyond the program itself, which is not optimised here and scans an empty folder in the same run; a text of 32 MB, the most
/// that a configuration may be long, is in memory once.
const GROWTH_KB: u64 = 54 << 10;
/// Below the deadline of a scan, of which the tests' program needs some seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(115);
const KIM: u32 = 1000;
const ANN: u32 = 1001;

/// A file tree with the homes of two people.
struct Machine {
    root: tempfile::TempDir,
    mounts: Vec<PathBuf>,
}

/// What came of a scan.
struct Scan {
    text: String,
    json: Value,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().expect("a temporary folder"), mounts: Vec::new() };
        fs::set_permissions(machine.root.path(), Permissions::from_mode(0o755)).expect("a mode");
        machine.put("etc/passwd", "kim:x:1000:1000::/home/kim:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n");
        machine.put("etc/shadow", format!("root:{SECRET}:1:0:99999:7:::\n{}", servers(SECRET)));
        fs::set_permissions(machine.path("etc/shadow"), Permissions::from_mode(0o600)).expect("a mode");
        for home in ["home/kim", "home/ann"] {
            fs::create_dir_all(machine.path(home)).expect("a home");
        }
        // Honest, and to be found whatever lies beside it.
        machine.at_home(".cursor/mcp.json", servers("honest"));
        machine.at_home(
            ".vscode/extensions/extensions.json",
            r#"[{"identifier":{"id":"github.copilot"},"version":"1.2.3"}]"#,
        );
        machine.at_home("work/venv1/pyvenv.cfg", "");
        machine.at_home(
            "work/venv1/lib/python3.12/site-packages/openai-1.2.3.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: openai\nVersion: 1.2.3\n\n",
        );
        machine
    }

    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(path)
    }

    fn home(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.path("home/kim").join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
        path
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
        fs::write(path, bytes).expect("the file is written");
    }

    fn at_home(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        fs::write(self.home(path), bytes).expect("the file is written");
    }

    /// Makes everything in the homes their owners'.
    fn give_away(&self) {
        if is_root() {
            for (home, uid) in [("home/kim", KIM), ("home/ann", ANN)] {
                own(&self.path(home), uid);
            }
        }
    }

    /// Scans in a process that may have no more data than the bound.
    fn scan(&self) -> Scan {
        self.scan_by(&mut agent())
    }

    fn scan_by(&self, agent: &mut Command) -> Scan {
        let start = Instant::now();
        let [out, err] =
            ["stdout", "stderr"].map(|name| tempfile::NamedTempFile::with_prefix(name).expect("a file"));
        agent.arg(self.root.path()).stdin(Stdio::null());
        agent.stdout(out.reopen().expect("the file")).stderr(err.reopen().expect("the file"));
        let (status, peak_kb) = watched(agent);
        let said = fs::read_to_string(err.path()).expect("text");
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(!said.contains("panicked") && !said.contains(SECRET), "{said}");
        let took = start.elapsed().as_secs_f64();
        println!("{took:.2} s, at most {peak_kb} kB, of which the program takes {}", *PROGRAM_KB);
        assert!(peak_kb <= *PROGRAM_KB + GROWTH_KB, "{peak_kb} kB");
        let text = fs::read_to_string(out.path()).expect("JSON is UTF-8");
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Scan { text, json }
    }

    fn mount(&mut self, words: &[&str], at: PathBuf) -> bool {
        fs::create_dir_all(&at).expect("a folder to mount at");
        let done = Command::new("mount").args(words).arg(&at).output().is_ok_and(|out| out.status.success());
        if done {
            self.mounts.push(at);
        }
        done
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for mount in self.mounts.iter().rev() {
            let _ = Command::new("umount").arg("-l").arg(mount).status();
        }
    }
}

/// What a scan of an empty folder takes, in kB.
static PROGRAM_KB: LazyLock<u64> = LazyLock::new(|| {
    let empty = tempfile::tempdir().expect("a folder");
    let mut agent = agent();
    let (status, peak_kb) = watched(agent.arg(empty.path()).stdin(Stdio::null()).stdout(Stdio::null()));
    assert!(status.success() && peak_kb > 0, "an empty folder is scanned: {status}");
    peak_kb
});

/// Waits for its end. How it ended, and the most memory that it had, in kB.
fn watched(agent: &mut Command) -> (ExitStatus, u64) {
    let start = Instant::now();
    let mut child = agent.spawn().expect("a shell can be started");
    let mut peak_kb = 0;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return (status, peak_kb);
        }
        peak_kb = peak(child.id()).unwrap_or(peak_kb);
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the scan does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A scan, the folder still to be named. The shell's bound is on private memory that can be written to.
fn agent() -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -d {}; exec \"$@\"", MEMORY_MB * 1024);
    command.args(["-c", &script, "sh"]).arg(&programs().agent).args(["scan", "--format", "json", "--root"]);
    command
}

/// The most memory that a process has had, in kB; `None` when it has ended.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

impl Scan {
    /// How a place is told of in the problems of a source.
    fn problem(&self, source: &str, location: &str) -> Option<&str> {
        let problems = self.json["problems"].as_array().expect("a list of problems");
        let mut problems = problems.iter().filter(|problem| problem["source"] == source);
        problems.find(|problem| problem["location"] == location).and_then(|problem| problem["state"].as_str())
    }

    fn finds(&self, value: &str) -> bool {
        let sightings = self.json["sightings"].as_array().expect("a list of sightings");
        sightings.iter().any(|sighting| sighting["evidence"]["value"] == value)
    }

    /// What is asked of every scan here.
    fn is_sound(&self) {
        assert!(!self.text.contains(SECRET), "a secret came out");
        for honest in ["honest", "github.copilot", "openai"] {
            assert!(self.finds(honest), "{honest} is not found: {}", self.text);
        }
    }
}

fn servers(name: &str) -> String {
    format!(r#"{{"mcpServers":{{"{name}":{{"command":"{name}"}}}}}}"#)
}

/// A directory of [`ENTRIES`] names, of as few files as there can be: names of one file cost less than as many files.
fn fill(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for first in (0..ENTRIES).step_by(NAMES) {
        let file = folder.join(format!("f{first}"));
        File::create(&file).expect("a file");
        for number in first + 1..ENTRIES.min(first + NAMES) {
            fs::hard_link(&file, folder.join(format!("f{number}"))).expect("a name");
        }
    }
}

fn own(path: &Path, uid: u32) {
    let Ok(meta) = path.symlink_metadata() else { return };
    if meta.is_symlink() {
        return;
    }
    // By another name it may be given away already.
    if meta.uid() != uid {
        chown(path, Some(uid), Some(uid)).expect("root may give away");
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("a folder").flatten() {
            own(&entry.path(), uid);
        }
    }
}

#[test]
fn what_is_no_plain_file_of_this_home_is_refused_and_told() {
    let machine = Machine::new();
    let sparse = |path: &str| {
        let file = File::create(machine.home(path)).expect("a file");
        file.set_len(10 << 30).expect("a file system with holes");
    };
    for path in
        [".gemini/settings.json", ".claude.json", ".npmrc", "work/model.gguf", ".config/goose/config.yaml"]
    {
        sparse(path);
    }
    sparse(".config/google-chrome/Default/Preferences");
    let fifo = Command::new("mkfifo").arg(machine.home(".codex/config.toml")).status();
    assert!(fifo.is_ok_and(|status| status.success()));
    let _socket = UnixListener::bind(machine.home(".kiro/settings/mcp.json")).expect("a socket");
    symlink("mcp.json", machine.home(".junie/mcp/mcp.json")).expect("a link");
    symlink("/etc/shadow", machine.home(".factory/mcp.json")).expect("a link");
    symlink("../../../etc/shadow", machine.home(".qwen/settings.json")).expect("a link");
    symlink("../../../../../../../../etc/shadow", machine.home(".iflow/settings.json")).expect("a link");
    symlink("../../../etc", machine.home("work/etc")).expect("a link");
    symlink("/home/ann", machine.home(".trae")).expect("a link");
    symlink(".", machine.home("work/self")).expect("a link");
    machine.put("home/ann/mcp.json", servers(SECRET));
    let mut refused = vec![
        "~/.codex/config.toml",
        "~/.kiro/settings/mcp.json",
        "~/.junie/mcp/mcp.json",
        "~/.factory/mcp.json",
        "~/.qwen/settings.json",
        "~/.iflow/settings.json",
        "~/.trae/mcp.json",
    ];
    machine.give_away();
    if require("root (devices, and files of others)", is_root()) {
        fs::hard_link(machine.path("etc/shadow"), machine.home(".lmstudio/mcp.json")).expect("a hard link");
        refused.push("~/.lmstudio/mcp.json");
        for (place, device) in
            [(".copilot/mcp-config.json", ["c", "1", "5"]), (".roo/mcp.json", ["b", "7", "0"])]
        {
            let made = Command::new("mknod").arg(machine.home(place)).args(device).output();
            if require("the right to make devices", made.is_ok_and(|out| out.status.success())) {
                refused.push(match place {
                    ".roo/mcp.json" => "~/.roo/mcp.json",
                    _ => "~/.copilot/mcp-config.json",
                });
            }
        }
    }
    let scan = machine.scan();
    scan.is_sound();
    for place in refused {
        assert_eq!(scan.problem("mcp-config", place), Some("refused"), "{place}: {}", scan.text);
    }
    for place in ["~/.gemini/settings.json", "~/.claude.json", "~/.config/goose/config.yaml"] {
        assert_eq!(scan.problem("mcp-config", place), Some("too-large"), "{place}: {}", scan.text);
    }
    assert_eq!(scan.problem("npm", "~/.npmrc"), Some("too-large"));
    let preferences = "~/.config/google-chrome/Default/Preferences";
    assert_eq!(scan.problem("chromium-extensions", preferences), Some("too-large"), "{}", scan.text);
}

#[test]
fn bombs_go_off_in_bounded_memory() {
    let machine = Machine::new();
    let mut aliases = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, last) in ('b'..='i').zip('a'..) {
        aliases +=
            &format!("{name}: &{name} [*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last}]\n");
    }
    machine.at_home(".config/goose/config.yaml", aliases);
    let text = format!("a: &a {}\nb:\n{}", "x".repeat(400_000), "- *a\n".repeat(100_000));
    machine.at_home(".continue/config.yaml", text);
    machine.at_home(".config/zed/settings.json", "[".repeat(900_000));
    machine.at_home(".gemini/settings.json", "{\"mcpServers\":".repeat(60_000));
    machine.at_home(".codex/config.toml", format!("a = {}", "[".repeat(900_000)));
    machine.at_home("work/one/.codex/config.toml", format!("{}a = 1", "a.".repeat(450_000)));
    machine.at_home("work/two/.codex/config.toml", format!("[{}a]\nb = 1", "a.".repeat(450_000)));
    machine.at_home(".config/amp/settings.json", format!(r#"{{"a": {}}}"#, "1".repeat(64 << 20)));
    machine.at_home(".claude.json", format!(r#"{{"mcpServers": {}}}"#, "1".repeat(8 << 20)));
    machine.at_home(".qwen/settings.json", format!(r#"{{"{}": 1}}"#, "k".repeat(30 << 20)));
    let command = "c".repeat(30 << 20);
    machine.at_home(".factory/mcp.json", format!(r#"{{"mcpServers":{{"s":{{"command":"{command}"}}}}}}"#));
    machine.at_home(".trae/mcp.json", format!(r#"{{"mcpServers":[{}1]}}"#, "1,".repeat(15 << 20)));
    machine.at_home(".junie/mcp/mcp.json", format!("// one\n[{}1,]", "1,".repeat(500_000)));
    let twice = format!(
        "{{{}\"mcpServers\":{{\"last\":{{\"command\":\"c\"}}}}}}",
        r#""mcpServers":{"first":{"command":"c"}},"#.repeat(20_000)
    );
    machine.at_home(".lmstudio/mcp.json", twice);
    machine.at_home(".roo/mcp.json", b"\xff\xfe{\"mcpServers\"\0");
    machine.at_home(".claude/settings.json", b"\xc0\xaf\xf5");
    machine.give_away();
    let scan = machine.scan();
    scan.is_sound();
    let told = [
        ("~/.config/goose/config.yaml", "too-large"),
        ("~/.continue/config.yaml", "too-large"),
        ("~/.config/zed/settings.json", "too-large"),
        ("~/.gemini/settings.json", "too-large"),
        ("~/.codex/config.toml", "too-large"),
        ("~/work/one/.codex/config.toml", "too-large"),
        ("~/work/two/.codex/config.toml", "too-large"),
        ("~/.config/amp/settings.json", "too-large"),
        ("~/.roo/mcp.json", "malformed"),
        ("~/.claude/settings.json", "malformed"),
    ];
    for (place, state) in told {
        assert_eq!(scan.problem("mcp-config", place), Some(state), "{place}");
    }
}

#[test]
fn folders_without_end_and_names_that_mislead_are_bounded_and_written_plainly() {
    let machine = Machine::new();
    let folders = ["work/many", ".nvm/versions/node"].map(|folder| machine.home(folder));
    std::thread::scope(|scope| {
        for folder in &folders {
            scope.spawn(|| fill(folder));
        }
    });
    let deep: PathBuf = std::iter::repeat_n("d", 100).collect();
    machine.at_home(Path::new("work").join(deep).join(".mcp.json"), servers("too-deep"));
    let bad = |bytes: &[u8]| Path::new("work").join(std::ffi::OsStr::from_bytes(bytes)).join(".mcp.json");
    machine.at_home(bad(b"\xff\xfe"), servers("in-no-text"));
    machine.at_home(bad("\u{202e}txt\u{1b}[2J\n\u{2066}".as_bytes()), servers("in-a-lie"));
    machine.at_home(bad(&[b'n'; 255]), servers("in-a-long-name"));
    machine.at_home(".mcporter/mcporter.json", servers("\u{202e}evil"));
    machine.give_away();
    let scan = machine.scan();
    scan.is_sound();
    for found in ["in-no-text", "in-a-lie", "in-a-long-name", " evil"] {
        assert!(scan.finds(found), "{found}: {}", scan.text);
    }
    assert!(!scan.finds("too-deep"));
    let misleads =
        |c: char| (c.is_control() && c != '\n') || ('\u{2028}'..='\u{202e}').contains(&c) || c == '\u{2066}';
    assert!(!scan.text.contains(misleads) && !scan.text.contains("\\u001b"), "{}", scan.text);
    assert_eq!(scan.problem("npm", "~/.nvm/versions/node"), Some("too-large"), "{}", scan.text);
    assert_eq!(
        scan.problem("npm", "~/work/many"),
        Some("too-large"),
        "the walk tells it to those that rely on it"
    );
}

#[test]
fn what_changes_while_it_is_read_gives_nothing_away_and_ends() {
    let machine = Machine::new();
    machine.give_away();
    let stop = AtomicBool::new(false);
    let place = machine.home(".config/crush/crush.json");
    let (other, folder) = (machine.home(".config/crush/other"), machine.home("work/turning"));
    let shadow = machine.path("etc");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = fs::write(&other, servers("a").repeat(1000));
                let _ = fs::rename(&other, &place);
                let _ = File::create(&place).and_then(|file| file.set_len(3));
                let _ = fs::remove_file(&place);
                let _ = symlink("/etc/shadow", &other);
                let _ = fs::rename(&other, &place);
                let _ = fs::remove_file(&place);
                let _ = fs::create_dir(&place);
                let _ = fs::remove_dir(&place);
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = fs::create_dir_all(folder.join(".cursor"));
                let _ = fs::write(folder.join(".cursor/mcp.json"), servers("b"));
                let _ = fs::remove_dir_all(&folder);
                let _ = symlink(&shadow, &folder);
                let _ = fs::remove_file(&folder);
            }
        });
        let scans = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..20 {
                machine.scan().is_sound();
            }
        }));
        stop.store(true, Ordering::Relaxed);
        assert!(scans.is_ok(), "a scan of a home that changes is not sound");
    });
}

#[test]
fn what_may_not_be_read_is_told_and_is_not_called_absent() {
    if !require("root (to become somebody else)", is_root())
        || !require("setpriv (util-linux)", have_command("setpriv"))
    {
        return;
    }
    let machine = Machine::new();
    machine.put("home/ann/.cursor/mcp.json", servers("anns"));
    machine.at_home(".aws/amazonq/mcp.json", servers("closed"));
    machine.at_home(".kiro/settings/mcp.json", servers("closed"));
    machine.give_away();
    fs::set_permissions(machine.path("home/ann"), Permissions::from_mode(0o700)).expect("a mode");
    fs::set_permissions(machine.home(".aws"), Permissions::from_mode(0o0)).expect("a mode");
    fs::set_permissions(machine.home(".kiro/settings/mcp.json"), Permissions::from_mode(0o0))
        .expect("a mode");
    // The program may lie where only root gets to.
    let program = machine.path("agent");
    fs::copy(&programs().agent, &program).expect("a copy of the program");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("a mode");
    let mut agent = Command::new("setpriv");
    agent.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]).arg(&program);
    let scan = machine.scan_by(agent.args(["scan", "--format", "json", "--root"]));
    scan.is_sound();
    assert!(!scan.finds("anns") && !scan.finds("closed"));
    for place in ["/home/ann", "~/.aws/amazonq/mcp.json", "~/.kiro/settings/mcp.json"] {
        assert_eq!(scan.problem("mcp-config", place), Some("refused"), "{place}: {}", scan.text);
    }
    assert!(machine.scan().finds("anns"), "who may read it finds it");
}

#[test]
fn a_mount_in_a_home_is_read_and_one_that_never_answers_is_not_touched() {
    if !require("root (to mount)", is_root()) {
        return;
    }
    let mut machine = Machine::new();
    let at = machine.home("work/memory");
    if !require("the right to mount", machine.mount(&["-t", "tmpfs", "none"], at)) {
        return;
    }
    machine.at_home("work/memory/.mcp.json", servers("on-a-mount"));
    machine.give_away();
    let scan = machine.scan();
    scan.is_sound();
    assert!(scan.finds("on-a-mount"), "{}", scan.text);

    // A file system whose program never answers: whoever looks at it waits until its descriptor is closed.
    let Ok(fuse) = File::options().read(true).write(true).open("/dev/fuse") else {
        let _ = require("/dev/fuse", false);
        return;
    };
    let at = [machine.home("work/silent"), machine.home(".gemini")];
    let mut mounted = Vec::new();
    for at in at {
        fs::create_dir_all(&at).expect("a folder to mount at");
        let options = "fd=0,rootmode=40000,user_id=0,group_id=0";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", options, "none"]).arg(&at);
        let own = if mounted.is_empty() {
            fuse.try_clone().expect("a descriptor")
        } else {
            File::options().read(true).write(true).open("/dev/fuse").expect("another")
        };
        let keep = own.try_clone().expect("a descriptor");
        let done = mount.stdin(Stdio::from(own)).output().is_ok_and(|out| out.status.success());
        if !require("the right to mount FUSE", done) {
            return;
        }
        machine.mounts.push(at);
        mounted.push(keep);
    }
    let scan = machine.scan();
    scan.is_sound();
    assert_eq!(scan.problem("mcp-config", "~/.gemini/settings.json"), Some("skipped"), "{}", scan.text);
    assert_eq!(scan.problem("mcp-config", "~/work/silent"), Some("skipped"), "{}", scan.text);
}
