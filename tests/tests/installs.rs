//! Real installations: what package managers wrote themselves is found, each under its own identifier and with its
//! version, and hundreds of neighbours that are no AI are not, those called like an AI product among them.
//!
//! Packages come from the registries, most without dependencies where the manager can leave them out; where a registry has
//! none, the test builds one with the manager's own tools.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, may_install, require};

/// Names of other products, which are AI's elsewhere.
const COLLISIONS: [&str; 5] = ["gemini", "copilot", "merlin", "warp", "cursr"];
const NEIGHBOURS: usize = 100;
/// It names every package that it needs with its version: what is installed with it is the same each time.
const AIDER: &str = "aider-chat==0.86.2";

/// A tree with one home, in which package managers install.
struct Machine {
    root: tempfile::TempDir,
    work: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder");
        let machine = Self { root: folder(), work: folder() };
        machine.put("etc/passwd", "root:x:0:0::/root:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\n");
        fs::create_dir_all(machine.home("")).expect("a home");
        machine
    }

    fn root(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn home(&self, path: &str) -> PathBuf {
        self.root(&format!("home/kim/{path}"))
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        write(self.root(path), text)
    }

    /// A command of the owner of the home.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", self.home("")).current_dir(self.work.path());
        for name in
            ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "PIPX_HOME", "UV_CACHE_DIR", "CARGO_HOME"]
        {
            command.env_remove(name);
        }
        command
    }

    fn scan(&self) -> Scan {
        let mut agent = Command::new(&programs().agent);
        let output = agent.args(["scan", "--format", "json", "--root"]).arg(self.root.path()).output();
        let output = output.expect("the agent can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Scan(serde_json::from_slice(&output.stdout).expect("the scan prints JSON"))
    }
}

struct Scan(Value);

impl Scan {
    /// Value and version of each sighting of a source.
    fn of(&self, source: &str) -> BTreeMap<String, String> {
        let sightings = self.0["sightings"].as_array().expect("a list of sightings");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        sightings
            .iter()
            .filter(|sighting| sighting["source"] == source)
            .map(|sighting| (text(&sighting["evidence"]["value"]), text(&sighting["evidence"]["version"])))
            .collect()
    }

    fn names(&self, source: &str) -> BTreeSet<String> {
        self.of(source).into_keys().collect()
    }

    fn report(&self, source: &str) -> (&str, u64) {
        let reports = self.0["sources"].as_array().expect("a list of sources");
        let report = reports.iter().find(|report| report["source"] == source);
        let report = report.unwrap_or_else(|| panic!("no report of {source}"));
        (report["state"].as_str().unwrap_or_default(), report["items_seen"].as_u64().unwrap_or_default())
    }

    /// That a source was read to its end, saw as many as there are, and found exactly these.
    #[track_caller]
    fn holds(&self, source: &str, at_least: usize, names: &[&str]) {
        let (state, seen) = self.report(source);
        assert_eq!(state, "read", "{source}: {:#}", self.0["problems"]);
        assert!(seen >= at_least as u64, "{source}: saw {seen} of {at_least}");
        assert_eq!(self.names(source), names.iter().map(|name| (*name).to_owned()).collect(), "{source}");
        let versions = self.of(source);
        assert!(
            versions.values().all(|version| !version.is_empty()),
            "{source}: a version is missing: {versions:?}"
        );
    }
}

fn write(path: PathBuf, text: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
    fs::write(&path, text).expect("the file is written");
    path
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whether the test may ask registries for packages, and has what it asks with.
fn may_ask(commands: &[&str]) -> bool {
    may_install() && commands.iter().all(|command| require(command, have_command(command)))
}

#[test]
fn dpkg_installs_a_hundred_packages_and_one_is_ai() {
    if !require("dpkg and dpkg-deb", have_command("dpkg") && have_command("dpkg-deb")) {
        return;
    }
    let machine = Machine::new();
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(machine.root(folder)).expect("the folder is made");
    }
    machine.put("var/lib/dpkg/status", "");
    let many = (0..NEIGHBOURS).map(|i| format!("lib-neighbour{i}"));
    let names: Vec<String> = many.chain(COLLISIONS.map(str::to_owned)).chain(["ollama".to_owned()]).collect();
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", machine.root.path().display()))
        .arg("--force-not-root,bad-path,unsafe-io")
        .arg("-i");
    for name in &names {
        let tree = machine.work.path().join(name);
        let control = format!(
            "Package: {name}\nVersion: 0.12.3-1\nArchitecture: all\nMaintainer: Kim <kim@example.org>\nDescription: x\n"
        );
        write(tree.join("DEBIAN/control"), control);
        let package = machine.work.path().join(format!("{name}.deb"));
        done(Command::new("dpkg-deb").arg("-Znone").arg("--build").arg(&tree).arg(&package));
        dpkg.arg(package);
    }
    done(&mut dpkg);
    // Removed, but its configuration kept: no longer installed.
    let mut remove = Command::new("dpkg");
    remove
        .arg(format!("--root={}", machine.root.path().display()))
        .arg("--force-not-root,bad-path,unsafe-io");
    done(remove.args(["-r", "lib-neighbour0"]));
    machine.scan().holds("dpkg", NEIGHBOURS + COLLISIONS.len(), &["ollama"]);
}

#[test]
fn rpm_installs_a_hundred_packages_and_one_is_ai() {
    if !require("rpm and rpmbuild", have_command("rpm") && have_command("rpmbuild")) {
        return;
    }
    let machine = Machine::new();
    let mut spec = String::from(
        "Name: ollama\nVersion: 0.12.3\nRelease: 1\nEpoch: 2\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
         %description\nx\n%files\n",
    );
    for name in (0..NEIGHBOURS).map(|i| format!("neighbour{i}")).chain(COLLISIONS.map(str::to_owned)) {
        spec += &format!("%package -n {name}\nSummary: x\n%description -n {name}\nx\n%files -n {name}\n");
    }
    let spec = write(machine.work.path().join("x.spec"), spec);
    let top = machine.work.path().join("top");
    let mut build = machine.command("rpmbuild");
    done(build.args(["--quiet", "-bb", "--define"]).arg(format!("_topdir {}", top.display())).arg(spec));
    let mut rpm = machine.command("rpm");
    rpm.arg("--root").arg(machine.root.path()).args([
        "--dbpath",
        "/var/lib/rpm",
        "-i",
        "--nodeps",
        "--noscripts",
    ]);
    let packages = fs::read_dir(top.join("RPMS/noarch")).expect("rpmbuild made packages");
    rpm.args(packages.map(|entry| entry.expect("an entry").path()));
    done(&mut rpm);
    let scan = machine.scan();
    scan.holds("rpm", NEIGHBOURS + COLLISIONS.len() + 1, &["ollama"]);
    assert_eq!(scan.of("rpm")["ollama"], "2:0.12.3-1");
}

#[test]
fn what_python_s_installers_put_down_is_found() {
    if !may_ask(&["python3"]) {
        return;
    }
    let machine = Machine::new();
    let tools = machine.work.path().join("tools");
    done(machine.command("python3").args(["-m", "venv"]).arg(&tools));
    let pip = |python: &Path, packages: &[&str]| {
        let mut pip = machine.command(tools.join("bin/python"));
        pip.args(["-m", "pip", "--python"]).arg(python);
        pip.args(["install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]);
        done(pip.args(["--no-compile", "--only-binary=:all:"]).args(packages));
    };
    // An environment in a project, as people make one.
    let environment = machine.home("src/shop/.venv");
    done(machine.command("python3").args(["-m", "venv", "--without-pip"]).arg(&environment));
    let ai = ["openai", "mcp-server-fetch"];
    let neighbours = [
        "six",
        "idna",
        "certifi",
        "packaging",
        "attrs",
        "click",
        "toml",
        "pytz",
        "colorama",
        "wcwidth",
        "pluggy",
        "iniconfig",
        "zipp",
        "urllib3",
        "tabulate",
        "termcolor",
        "sortedcontainers",
        "toolz",
        "decorator",
        "mccabe",
        "python-dateutil",
        "itsdangerous",
        "blinker",
        "filelock",
        "platformdirs",
        "typing-extensions",
    ];
    pip(&environment.join("bin/python"), &[&ai[..], &neighbours[..]].concat());
    // Tools of a user, each in an environment of its own: Aider with all that it needs, a hundred packages.
    let mut pip = machine.command(tools.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    done(pip.args(["--no-compile", "--only-binary=:all:", "uv", "pipx"]));
    let uv = || machine.command(tools.join("bin/uv"));
    done(uv().args(["tool", "install", "--quiet", "--no-build", AIDER]));
    done(uv().args(["tool", "install", "--quiet", "--no-build", "mcp-server-time"]));
    done(uv().args(["tool", "run", "--quiet", "--no-build", "--from", "mcp-server-git", "python", "-c", ""]));
    for package in ["llm", "cowsay"] {
        done(machine.command(tools.join("bin/pipx")).args(["install", "--quiet", package]));
    }
    let of_aider = ["aider-chat", "hf-xet", "huggingface_hub", "litellm", "tiktoken", "tokenizers"];
    // The SDK of the protocol, on which the servers stand.
    let of_tools = ["llm", "mcp", "mcp-server-git", "mcp-server-time"];
    let scan = machine.scan();
    scan.holds("pip", NEIGHBOURS + neighbours.len(), &[&ai[..], &of_aider, &of_tools].concat());
    assert!(scan.of("programs").contains_key("~/.local/bin/aider"), "{:?}", scan.of("programs"));
}

#[test]
fn what_cargo_installed_is_found() {
    if !may_ask(&["cargo"]) {
        return;
    }
    let machine = Machine::new();
    let cargo = || {
        // The compiler's own set-up is the tester's, and what is installed the home's.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(machine.work.path());
        cargo.env("CARGO_TARGET_DIR", machine.work.path().join("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.args(["install", "--quiet", "--debug", "--root"]).arg(machine.home(".cargo"));
        cargo
    };
    for name in COLLISIONS {
        let folder = machine.work.path().join(name);
        write(
            folder.join("Cargo.toml"),
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
        );
        write(folder.join("src/main.rs"), "fn main() {}\n");
        done(cargo().arg("--path").arg(folder));
    }
    done(cargo().args(["--locked", "json-mcp-server@0.3.0"]));
    let scan = machine.scan();
    scan.holds("cargo", COLLISIONS.len() + 1, &["json-mcp-server"]);
    assert_eq!(scan.of("cargo")["json-mcp-server"], "0.3.0");
}

#[test]
fn what_node_s_installers_put_down_is_found() {
    if !may_ask(&["npm", "npx"]) {
        return;
    }
    let machine = Machine::new();
    let npm = || {
        let mut npm = machine.command("npm");
        npm.args(["install", "--global", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
        // The programs themselves are packages of a hundred megabytes, one for each system: for this one there is none.
        npm.args(["--omit=optional", "--os=sunos", "--cpu=x64", "--force"]);
        npm.arg("--prefix").arg(machine.home(".npm-global"));
        npm
    };
    let ai = [
        "@anthropic-ai/claude-code",
        "@openai/codex",
        "@google/gemini-cli",
        "@modelcontextprotocol/server-memory",
    ];
    let neighbours = [
        "left-pad",
        "cursor",
        "is-number",
        "ms",
        "isarray",
        "once",
        "wrappy",
        "inherits",
        "escape-html",
        "object-assign",
        "picocolors",
        "nanoid",
        "ini",
        "semver",
        "yallist",
        "slash",
        "path-key",
        "shebang-regex",
        "isexe",
        "dedent",
    ];
    done(npm().args(ai).args(neighbours));
    let mut npx = machine.command("npx");
    let cache = machine.home(".npm");
    npx.args([
        "--yes",
        "--silent",
        "--ignore-scripts",
        "--package",
        "@upstash/context7-mcp",
        "--",
        "node",
        "-e",
        "",
    ]);
    done(npx.env("npm_config_cache", cache));
    // One under development, which stands outside of the home and is no more than linked.
    let linked = "@modelcontextprotocol/server-everything";
    let manifest =
        machine.put("srv/linked/package.json", format!(r#"{{"name": "{linked}", "version": "9.9.9"}}"#));
    let folder = manifest.parent().expect("a file lies in a folder");
    let mut link = machine.command("npm");
    link.args(["link", "--silent"]).env("npm_config_prefix", machine.home(".npm-global"));
    done(link.current_dir(folder));
    let scan = machine.scan();
    let found = scan.names("npm");
    let (state, seen) = scan.report("npm");
    assert_eq!(state, "read", "{:#}", scan.0["problems"]);
    let place = format!("~/.npm-global/lib/node_modules/{linked} (a link that leads out)");
    let problems = scan.0["problems"].as_array().expect("a list of problems");
    assert!(
        problems.iter().any(|problem| problem["location"] == place && problem["state"] == "skipped"),
        "{problems:#?}"
    );
    assert_eq!(scan.of("npm").get(linked).map(String::as_str), Some(""), "its manifest is not read");
    assert!(seen >= (ai.len() + neighbours.len()) as u64, "saw {seen}");
    for name in ai.iter().chain(&["@upstash/context7-mcp", linked]) {
        assert!(found.contains(*name), "{name} is not in {found:?}");
    }
    // What npx fetched lies beside what that needs: the protocol's SDK, for one.
    let others: Vec<_> =
        found.iter().filter(|name| !ai.contains(&name.as_str()) && !name.starts_with('@')).collect();
    assert_eq!(others, Vec::<&String>::new());
    for name in neighbours {
        assert!(!found.contains(name), "{name} is no AI");
    }
}

#[test]
fn what_pnpm_yarn_and_bun_installed_globally_is_found() {
    if !may_ask(&["npm", "node"]) {
        return;
    }
    let machine = Machine::new();
    let tools = machine.work.path().join("tools");
    let mut npm = machine.command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&tools);
    done(npm.args(["pnpm@12.21.0", "yarn@1.22.22", "bun@1.4.5"]));
    let tool = |name: &str| machine.command(tools.join("node_modules/.bin").join(name));

    let bin = machine.home(".local/share/pnpm/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
    let mut pnpm = tool("pnpm");
    pnpm.env("PNPM_HOME", machine.home(".local/share/pnpm"))
        .env("PATH", path.expect("folders without a colon"));
    pnpm.args(["add", "--global", "--ignore-scripts", "--silent"]);
    done(pnpm.args(["@anthropic-ai/sdk@0.71.0", "left-pad@1.3.0", "cursor@0.1.5"]));

    // Root's are not in a home.
    let places = [
        (machine.home(".config/yarn/global"), "openai@6.9.0"),
        (machine.root("usr/local/share/.config/yarn/global"), "cohere-ai@7.19.0"),
    ];
    for (place, package) in places {
        let mut yarn = tool("yarn");
        yarn.args(["global", "add", "--silent", "--ignore-scripts", "--ignore-optional", "--global-folder"])
            .arg(place);
        // Where it links programs to: otherwise the machine's own folder.
        yarn.arg("--prefix").arg(machine.work.path().join("prefix"));
        done(
            yarn.arg("--cache-folder")
                .arg(machine.work.path().join("yarn"))
                .args([package, "is-number@7.0.0"]),
        );
    }
    let mut bun = tool("bun");
    done(bun.args(["add", "--global", "--ignore-scripts", "--silent", "groq-sdk@0.37.0", "ms@2.1.3"]));

    let scan = machine.scan();
    let (state, seen) = scan.report("npm");
    assert_eq!(state, "read", "{:#}", scan.0["problems"]);
    assert!(seen >= 9, "saw {seen}");
    let versions = scan.of("npm");
    for (name, version) in [
        ("@anthropic-ai/sdk", "0.71.0"),
        ("openai", "6.9.0"),
        ("cohere-ai", "7.19.0"),
        ("groq-sdk", "0.37.0"),
    ] {
        assert_eq!(versions.get(name).map(String::as_str), Some(version), "{name} of {versions:?}");
    }
    for name in ["left-pad", "cursor", "is-number", "ms"] {
        assert!(!versions.contains_key(name), "{name} is no AI");
    }
}

#[test]
fn a_gem_is_found_where_gem_installed_it() {
    if !require("gem", have_command("gem")) {
        return;
    }
    let machine = Machine::new();
    let gems = [("ruby-openai", "7.3.1"), ("gemini", "1.0.0"), ("rainbow-2x", "3.1.1")];
    for (name, version) in gems {
        let spec = format!(
            "Gem::Specification.new {{ |s| s.name = '{name}'; s.version = '{version}'; s.summary = 'x'; s.authors = ['x'] }}\n"
        );
        let spec = write(machine.work.path().join(format!("{name}.gemspec")), spec);
        done(machine.command("gem").args(["build", "--silent"]).arg(&spec));
        let mut install = machine.command("gem");
        install.args(["install", "--local", "--user-install", "--no-document", "--silent"]);
        done(install.arg(format!("{name}-{version}.gem")));
    }
    let scan = machine.scan();
    scan.holds("gem", gems.len(), &["ruby-openai"]);
    assert_eq!(scan.of("gem")["ruby-openai"], "7.3.1");
}

/// Go's own programs are large, and its compiler more so: the section that it wrote is put into a program of this
/// machine by binutils.
#[test]
fn a_program_of_go_is_found_by_its_module() {
    if !require("objcopy", have_command("objcopy")) {
        return;
    }
    let machine = Machine::new();
    let section = umbrascope_e2e::workspace_root().join("agent/src/scan/testdata/go.buildinfo");
    let bin = machine.home("go/bin");
    fs::create_dir_all(&bin).expect("the folder is made");
    let mut objcopy = machine.command("objcopy");
    objcopy.arg("--add-section").arg(format!(".go.buildinfo={}", section.display())).arg("/bin/true");
    done(objcopy.arg(bin.join("renamed")));
    fs::copy("/bin/true", bin.join("ollama")).expect("a neighbour that is no program of Go's");
    let scan = machine.scan();
    assert_eq!(scan.report("go"), ("read", 2), "{:#}", scan.0["problems"]);
    assert_eq!(scan.names("go"), BTreeSet::from(["github.com/ollama/ollama".to_owned()]));
}

#[test]
fn a_flatpak_is_found_with_its_version() {
    if !require("flatpak", have_command("flatpak")) {
        return;
    }
    let machine = Machine::new();
    let repository = machine.work.path().join("repository");
    for (id, version) in [("com.jeffser.Alpaca", "8.2.1"), ("org.example.Gemini", "1.0")] {
        let app = machine.work.path().join(id);
        write(
            app.join("metadata"),
            format!(
                "[Application]\nname={id}\nruntime=org.gnome.Platform/x86_64/47\nsdk=org.gnome.Sdk/x86_64/47\ncommand=x\n"
            ),
        );
        write(app.join("files/bin/x"), "");
        write(
            app.join(format!("files/share/metainfo/{id}.metainfo.xml")),
            format!(
                "<component><id>{id}</id><releases><release version=\"{version}\" date=\"2026-01-01\"/></releases></component>\n"
            ),
        );
        fs::create_dir_all(app.join("export")).expect("the folder is made");
        done(machine.command("flatpak").arg("build-export").arg(&repository).arg(&app).arg("stable"));
    }
    let flatpak = |words: &[&str]| {
        let mut flatpak = machine.command("flatpak");
        flatpak.arg("--user").args(words);
        flatpak
    };
    let address = format!("file://{}", repository.display());
    done(&mut flatpak(&["remote-add", "--no-gpg-verify", "test", &address]));
    for id in ["com.jeffser.Alpaca", "org.example.Gemini"] {
        done(&mut flatpak(&["install", "--noninteractive", "--no-deps", "test", id]));
    }
    let scan = machine.scan();
    scan.holds("flatpak", 2, &["com.jeffser.Alpaca"]);
    assert_eq!(scan.of("flatpak")["com.jeffser.Alpaca"], "8.2.1");
}

#[test]
fn projects_are_known_by_what_they_name() {
    if !may_ask(&["npm", "cargo", "python3"]) {
        return;
    }
    let machine = Machine::new();
    let at = |path: &str, text: &str| drop(machine.put(&format!("home/kim/src/{path}"), text));
    at("web/package.json", r#"{"name": "web", "dependencies": {"openai": "^4.0.0", "left-pad": "1.3.0"}}"#);
    let mut npm = machine.command("npm");
    npm.args(["install", "--package-lock-only", "--no-audit", "--no-fund", "--silent"]);
    done(npm.current_dir(machine.home("src/web")));
    at(
        "tool/Cargo.toml",
        "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nollama-rs = \"0.3\"\n",
    );
    at("tool/src/main.rs", "fn main() {}\n");
    let mut cargo = Command::new(env!("CARGO"));
    done(cargo.args(["generate-lockfile", "--quiet"]).current_dir(machine.home("src/tool")));
    at("bot/requirements.txt", "anthropic==0.40.0\nsix==1.16.0\n");
    at("bot/CLAUDE.md", "# Be kind\n");
    at("bot/.github/copilot-instructions.md", "# Be brief\n");
    at("plain/AGENTS.md", "# For anybody\n");
    at(
        "plain/package.json",
        r#"{"dependencies": {"cursor": "0.1.5", "gemini": "7.5.2", "merlin": "0.0.1-0"}}"#,
    );
    let scan = machine.scan();
    let found = scan.of("manifests");
    assert_eq!(scan.report("manifests").0, "read", "{:#}", scan.0["problems"]);
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    let expected = [".github/copilot-instructions.md", "CLAUDE.md", "anthropic", "ollama-rs", "openai"];
    assert_eq!(names, expected);
    assert_eq!(found["anthropic"], "0.40.0");
    assert!(found["openai"].starts_with("4.") && found["ollama-rs"].starts_with("0.3."), "{found:?}");
    let sightings = scan.0["sightings"].as_array().expect("a list of sightings");
    assert!(sightings.iter().all(|sighting| sighting["channel"] == "manifest"), "{sightings:#?}");
}
