//! Extensions of browsers and editors, put there by the programs that put them there on people's machines where these can be
//! had, and in the layouts of Linux, macOS and Windows.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use minisign::KeyPair;
use serde_json::Value;
use umbrascope_e2e::tree::{Tree, json, set, sightings};
use umbrascope_e2e::{have_command, is_root, require};
use umbrascope_rules::Date;
use umbrascope_rules::bundle::{Draft, Kind};

/// Homes in the places of the three systems.
const LINUX: &str = "home/kim";
const MACOS: &str = "Users/mia";
const WINDOWS: &str = "Users/max";

/// A file tree with a home of each system, scanned as if it were a machine.
struct Machine {
    tree: Tree,
    /// Configuration of an agent with own rules.
    config: Option<PathBuf>,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { tree: Tree::new(), config: None };
        for home in [LINUX, MACOS, WINDOWS] {
            fs::create_dir_all(machine.path(home)).expect("a home");
        }
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.tree.path(path)
    }

    fn put(&self, path: impl AsRef<str>, bytes: impl AsRef<[u8]>) {
        self.tree.put(path.as_ref(), bytes);
    }

    fn scan(&self) -> Value {
        match &self.config {
            Some(config) => json(&self.tree.run("json", &["--config".as_ref(), config.as_os_str()])),
            None => self.tree.scan(),
        }
    }

    /// Has the agent of this machine take these rules over the catalogue, as an organisation does for a tool of its own.
    fn own_rules(&mut self, folder: &Path, rules: &str) {
        let key = KeyPair::generate_unencrypted_keypair().expect("a key");
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let part = [("own-rules.toml", rules.as_bytes())];
        let draft = Draft::new(Kind::Overlay, 1, day("2026-11-26"), day("2036-11-26"), &part).expect("rules");
        let signed =
            minisign::sign(Some(&key.pk), &key.sk, draft.to_sign(), Some("c"), None).expect("a signature");
        let state = folder.join("state");
        fs::create_dir_all(&state).expect("a state folder");
        fs::write(state.join("own-rules.bundle"), draft.sign(&signed.to_string()).expect("a bundle"))
            .expect("the bundle is written");
        let config = folder.join("agent.toml");
        let text = format!(
            "state_dir = \"{}\"\n[catalogue]\nown_rules_key = \"{}\"\n",
            state.display(),
            key.pk.to_base64()
        );
        fs::write(&config, text).expect("the configuration is written");
        self.config = Some(config);
    }
}

/// What a source saw, each as value and version.
fn seen(scan: &Value, source: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let both =
        |sighting: &&Value| (text(&sighting["evidence"]["value"]), text(&sighting["evidence"]["version"]));
    sightings(scan, source).iter().map(both).collect()
}

/// One detail of every sighting of a source.
fn details(scan: &Value, source: &str, detail: &str) -> BTreeSet<String> {
    let of = |sighting: &&Value| sighting["details"][detail].to_string().trim_matches('"').to_owned();
    sightings(scan, source).iter().map(of).collect()
}

fn pairs(values: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    values.iter().map(|(value, version)| ((*value).to_owned(), (*version).to_owned())).collect()
}

/// Runs a program that has to succeed, and gives what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn shell(script: &str) -> String {
    run(Command::new("sh").args(["-ec", script]))
}

/// Answers a few paths over HTTP on loopback, and gives its port.
fn serve(files: Vec<(&'static str, Vec<u8>)>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let Ok(len) = stream.read(&mut request) else { continue };
            let request = String::from_utf8_lossy(&request[..len]).into_owned();
            let asked = request.split(' ').nth(1).unwrap_or_default();
            let file = files.iter().find(|(path, _)| asked.split('?').next() == Some(path));
            let (status, body) = file.map_or(("404 Not Found", &[][..]), |(_, body)| ("200 OK", body));
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
        }
    });
    port
}

/// A process that does not outlive the test.
struct Ended(Child);

impl Ended {
    /// Asks it to end and waits.
    fn end(mut self) {
        run(Command::new("kill").arg("-TERM").arg(self.0.id().to_string()));
        for _ in 0..200 {
            if self.0.try_wait().expect("it can be waited for").is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("it does not end");
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The id that Chromium gives what these bytes stand for: a public key, or a path.
fn chromium_id(bytes_of: &str) -> String {
    shell(&format!("{bytes_of} | sha256sum | cut -c1-32 | tr 0-9a-f a-p"))
}

/// An extension with its name in a message.
fn extension(folder: &Path, name: &str) {
    fs::create_dir_all(folder.join("_locales/en")).expect("a folder");
    let manifest =
        r#"{"manifest_version": 3, "name": "__MSG_appName__", "version": "1.2.3", "default_locale": "en"}"#;
    fs::write(folder.join("manifest.json"), manifest).expect("a manifest");
    let messages = format!(r#"{{"appName": {{"message": "{name}"}}}}"#);
    fs::write(folder.join("_locales/en/messages.json"), messages).expect("messages");
}

#[test]
fn chromium_with_a_loaded_and_an_ordered_extension_gives_both() {
    let spaces = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    if !(require("chromium", have_command("chromium") && Path::new("/etc/chromium").is_dir())
        && require("openssl", have_command("openssl"))
        && require("root", is_root())
        && require("mount namespaces", spaces))
    {
        return;
    }
    let mut machine = Machine::new();
    let work = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| work.path().join(name).display().to_string();
    // One that a person loads from a folder, and one that the organisation packs and orders.
    extension(&machine.path("home/kim/src/assistant"), "House Assistant");
    extension(&work.path().join("ordered"), "House Writer");
    let pack = format!("--pack-extension={}", at("ordered"));
    run(Command::new("chromium").args(["--headless=new", "--no-sandbox", &pack]).env("HOME", work.path()));
    let loaded = chromium_id("printf %s /home/kim/src/assistant");
    let ordered = chromium_id(&format!("openssl rsa -in {} -pubout -outform DER", at("ordered.pem")));
    let update = |port: u16| {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><gupdate xmlns='http://www.google.com/update2/response' protocol='2.0'>\
             <app appid='{ordered}'><updatecheck codebase='http://127.0.0.1:{port}/ordered.crx' version='1.2.3'/></app></gupdate>"
        )
    };
    let packed = serve(vec![("/ordered.crx", fs::read(at("ordered.crx")).expect("a packed extension"))]);
    let server = serve(vec![("/update.xml", update(packed).into_bytes())]);
    let policy =
        format!(r#"{{"ExtensionInstallForcelist": ["{ordered};http://127.0.0.1:{server}/update.xml"]}}"#);
    machine.put("etc/chromium/policies/managed/ai.json", &policy);

    // In a mount namespace of its own: nobody else's browser is ordered anything, and the home is where it says it is.
    let script = "mount -t tmpfs none /etc/chromium && mkdir -p /etc/chromium/policies/managed && \
        cp \"$1/etc/chromium/policies/managed/ai.json\" /etc/chromium/policies/managed/ && mount --bind \"$1/home\" /home && \
        exec chromium --headless=new --no-sandbox --disable-gpu --no-first-run --user-data-dir=/home/kim/.config/chromium \
        --load-extension=/home/kim/src/assistant --disable-features=DisableLoadExtensionCommandLineSwitch \
        --remote-debugging-port=0 about:blank";
    let browser = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(machine.tree.root())
        .env("HOME", "/home/kim")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let browser = Ended(browser.expect("the browser can be started"));
    let profile = machine.path("home/kim/.config/chromium/Default");
    let installed = profile.join("Extensions").join(&ordered);
    let until = Instant::now() + Duration::from_secs(120);
    while !installed.is_dir() {
        assert!(Instant::now() < until, "the ordered extension is not installed");
        thread::sleep(Duration::from_millis(200));
    }
    thread::sleep(Duration::from_secs(2));
    browser.end();

    machine.own_rules(
        work.path(),
        &format!(
            "[[product]]\nid = \"own.house\"\nname = \"House\"\nkind = \"extension\"\ncategory = \"assistant\"\n\
             description = \"Of this house.\"\n\n[[rule]]\nid = \"own.house.extension\"\nproduct = \"own.house\"\n\
             confidence = \"high\"\nchromium-extension = [\"{loaded}\", \"{ordered}\"]\n\
             examples = [\"chromium-extension:{loaded}\", \"chromium-extension:{ordered}\"]\n"
        ),
    );
    let scan = machine.scan();
    let found = sightings(&scan, "chromium-extensions");
    assert_eq!(found.len(), 3, "{found:#?}");
    let one = |id: &str, channel: &str| {
        let mut those =
            found.iter().filter(|found| found["evidence"]["value"] == id && found["channel"] == channel);
        those.next().copied().unwrap_or_else(|| panic!("{id} by {channel}: {found:#?}"))
    };
    let of_folder = one(&loaded, "extension");
    assert_eq!(of_folder["evidence"]["version"], "1.2.3");
    assert_eq!(of_folder["flags"], serde_json::json!(["unpacked"]));
    assert_eq!(of_folder["details"]["title"], "House Assistant");
    assert_eq!(of_folder["details"]["client"], "Chromium");
    assert_eq!(of_folder["details"]["enabled"], true);
    let of_policy = one(&ordered, "extension");
    assert_eq!(of_policy["evidence"]["version"], "1.2.3");
    assert_eq!(of_policy["details"]["title"], "House Writer");
    assert_eq!(of_policy["details"]["client"], "Chromium, by policy");
    assert_eq!(of_policy["details"]["enabled"], true);
    assert_eq!(one(&ordered, "policy")["details"]["client"], "Chromium");
}

#[test]
fn firefox_lists_what_is_in_its_profile() {
    if !(require("firefox-esr", have_command("firefox-esr")) && require("zip", have_command("zip"))) {
        return;
    }
    let machine = Machine::new();
    let profile = machine.path("home/kim/.mozilla/firefox/ab12cd34.default-esr");
    fs::create_dir_all(profile.join("extensions")).expect("a folder");
    let (assistant, neighbour) = ("firefox-extension@deepl.com", "tidy-tabs@example.org");
    for (id, name) in [(assistant, "House Reader"), (neighbour, "Tidy Tabs")] {
        let work = tempfile::tempdir().expect("a temporary folder");
        let manifest = format!(
            r#"{{"manifest_version": 2, "name": "{name}", "version": "2.5.1",
               "browser_specific_settings": {{"gecko": {{"id": "{id}"}}}}}}"#
        );
        fs::write(work.path().join("manifest.json"), manifest).expect("a manifest");
        let archive = profile.join(format!("extensions/{id}.xpi"));
        run(Command::new("zip").arg("-q").arg(archive).arg("manifest.json").current_dir(work.path()));
    }
    // These two are signed by nobody, and nobody is asked whether they may run.
    let preferences = "user_pref(\"xpinstall.signatures.required\", false);\nuser_pref(\"extensions.autoDisableScopes\", 0);\n";
    fs::write(profile.join("user.js"), preferences).expect("preferences");
    let browser = Command::new("firefox-esr")
        .args(["--headless", "--no-remote", "--profile"])
        .arg(&profile)
        .arg("about:blank")
        .env("HOME", machine.path(LINUX))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let browser = Ended(browser.expect("the browser can be started"));
    let list = profile.join("extensions.json");
    let until = Instant::now() + Duration::from_secs(120);
    // It lists them first and switches them on then.
    let is_on = |id: &str| {
        let list = fs::read(&list).ok().and_then(|list| serde_json::from_slice::<Value>(&list).ok());
        let addons = list.as_ref().and_then(|list| list["addons"].as_array());
        addons.is_some_and(|addons| addons.iter().any(|addon| addon["id"] == id && addon["active"] == true))
    };
    while !(is_on(assistant) && is_on(neighbour)) {
        assert!(Instant::now() < until, "the browser does not switch its extensions on");
        thread::sleep(Duration::from_millis(200));
    }
    browser.end();
    let scan = machine.scan();
    assert_eq!(seen(&scan, "firefox-extensions"), pairs(&[(assistant, "2.5.1")]));
    let [found] = sightings(&scan, "firefox-extensions")[..] else { panic!("{scan}") };
    assert_eq!(found["details"]["title"], "House Reader");
    assert_eq!(found["details"]["client"], "Firefox");
    assert_eq!(found["details"]["enabled"], true);
}

#[test]
fn native_messaging_hosts_and_policies_of_every_system_are_found() {
    let machine = Machine::new();
    let host = |name: &str| {
        format!(
            r#"{{"name": "{name}", "description": "x", "path": "/opt/{name}/host", "type": "stdio",
               "allowed_origins": ["chrome-extension://fcoeoabgfenejglbffodgkkbkcdhcgfn/"]}}"#
        )
    };
    let code = "com.anthropic.claude_code_browser_extension";
    for folder in [".config/google-chrome", ".config/BraveSoftware/Brave-Browser"] {
        machine.put(format!("{LINUX}/{folder}/NativeMessagingHosts/{code}.json"), host(code));
    }
    let desktop = "com.anthropic.claude_browser_extension";
    let chrome = "Library/Application Support/Google/Chrome/NativeMessagingHosts";
    machine.put(format!("{MACOS}/{chrome}/{desktop}.json"), host(desktop));
    let codex = "com.openai.codexextension";
    machine.put(format!("{WINDOWS}/AppData/Local/OpenAI/extension/{codex}.json"), host(codex));
    machine.put("etc/opt/chrome/native-messaging-hosts/org.example.token.json", host("org.example.token"));
    machine.put(
        "etc/opt/chrome/policies/managed/a.json",
        r#"{"ExtensionSettings": {"fcoeoabgfenejglbffodgkkbkcdhcgfn": {"installation_mode": "force_installed"},
            "difoiogjjojoaoomphldepapgpbgkhkb": {"installation_mode": "blocked"}}}"#,
    );
    machine.put(
        "etc/firefox/policies/policies.json",
        r#"{"policies": {"ExtensionSettings": {"firefox-extension@deepl.com": {"installation_mode": "force_installed",
            "install_url": "https://a.example/x.xpi"}}}}"#,
    );
    let scan = machine.scan();
    let expected = pairs(&[(code, "-"), (desktop, "-"), (codex, "-")]);
    assert_eq!(seen(&scan, "native-messaging-hosts"), expected);
    assert_eq!(details(&scan, "native-messaging-hosts", "client"), set(&["Brave", "Chrome"]));
    assert_eq!(seen(&scan, "chromium-extensions"), pairs(&[("fcoeoabgfenejglbffodgkkbkcdhcgfn", "-")]));
    assert_eq!(seen(&scan, "firefox-extensions"), pairs(&[("firefox-extension@deepl.com", "-")]));
    assert!(sightings(&scan, "firefox-extensions").iter().all(|sighting| sighting["channel"] == "policy"));
}

#[test]
fn packages_that_emacs_installs_are_found_and_their_neighbours_are_not() {
    if !require("emacs", have_command("emacs")) {
        return;
    }
    let machine = Machine::new();
    let archive = tempfile::tempdir().expect("a temporary folder");
    let mut contents = String::from("(1");
    for (name, version) in [("gptel", "0.9.9"), ("copilot", "0.3.0"), ("tidy-lines", "2.0")] {
        let code = format!(
            ";;; {name}.el --- A package  -*- lexical-binding: t; -*-\n\n;; Version: {version}\n\n;;; Commentary:\n;; x\n\n\
             ;;; Code:\n\n(provide '{name})\n;;; {name}.el ends here\n"
        );
        fs::write(archive.path().join(format!("{name}-{version}.el")), code).expect("a package");
        contents
            .push_str(&format!(" ({name} . [({}) nil \"A package\" single nil])", version.replace('.', " ")));
    }
    fs::write(archive.path().join("archive-contents"), contents + ")").expect("contents");
    let program = format!(
        "(progn (require 'package) (setq package-check-signature nil package-archives '((\"local\" . \"{}/\"))) \
         (package-initialize) (package-refresh-contents) (mapc 'package-install '(gptel copilot tidy-lines)))",
        archive.path().display()
    );
    let home = machine.path(LINUX);
    fs::create_dir_all(home.join(".emacs.d")).expect("a folder");
    run(Command::new("emacs").args(["--batch", "-q", "--eval", &program]).env("HOME", &home));
    // Another manager's builds, on another system.
    fs::create_dir_all(machine.path(&format!("{MACOS}/.config/emacs/straight/build/ellama")))
        .expect("a folder");
    fs::create_dir_all(machine.path(&format!("{MACOS}/.config/emacs/straight/build/magit")))
        .expect("a folder");
    let scan = machine.scan();
    assert_eq!(
        seen(&scan, "emacs-packages"),
        pairs(&[("gptel", "0.9.9"), ("copilot", "0.3.0"), ("ellama", "-")])
    );
}

#[test]
fn plugins_of_jetbrains_editors_are_known_by_the_id_in_their_jars() {
    if !require("zip", have_command("zip")) {
        return;
    }
    let machine = Machine::new();
    let plugin = |folder: &str, jars: &[(&str, Option<&str>)]| {
        let lib = machine.path(folder);
        for (jar, id) in jars {
            let work = tempfile::tempdir().expect("a temporary folder");
            let name = if id.is_some() { "META-INF/plugin.xml" } else { "org/lib/A.class" };
            let text = format!(
                "<idea-plugin>\n  <id>{}</id>\n  <name>A plugin</name>\n  <version>1.5.0</version>\n  <vendor>Somebody</vendor>\n\
                 </idea-plugin>\n",
                id.unwrap_or("none")
            );
            let file = work.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
            fs::create_dir_all(&lib).expect("a folder");
            run(Command::new("zip").args(["-q", "-r"]).arg(lib.join(jar)).arg(".").current_dir(work.path()));
        }
    };
    let idea = format!("{LINUX}/.local/share/JetBrains/IntelliJIdea2026.1");
    plugin(
        &format!("{idea}/github-copilot-intellij/lib"),
        &[("a-library-1.0.jar", None), ("github-copilot-intellij-1.5.0.jar", Some("com.github.copilot"))],
    );
    plugin(&format!("{idea}/rainbow/lib"), &[("rainbow.jar", Some("izhangzhihao.rainbow.brackets"))]);
    machine.put(
        format!("{LINUX}/.config/JetBrains/IntelliJIdea2026.1/disabled_plugins.txt"),
        "com.github.copilot\norg.other\n",
    );
    // One jar as a whole, and Android Studio.
    let studio = format!("{MACOS}/Library/Application Support/Google/AndroidStudio2026.1/plugins");
    plugin(&studio, &[("continue.jar", Some("com.github.continuedev.continueintellijextension"))]);
    plugin(
        &format!("{WINDOWS}/AppData/Roaming/JetBrains/PyCharm2026.1/plugins/junie/lib"),
        &[("junie.jar", Some("org.jetbrains.junie"))],
    );
    let scan = machine.scan();
    assert_eq!(
        seen(&scan, "jetbrains-plugins"),
        pairs(&[
            ("com.github.copilot", "1.5.0"),
            ("com.github.continuedev.continueintellijextension", "1.5.0"),
            ("org.jetbrains.junie", "1.5.0"),
        ])
    );
    let clients = set(&["IntelliJIdea2026.1", "AndroidStudio2026.1", "PyCharm2026.1"]);
    assert_eq!(details(&scan, "jetbrains-plugins", "client"), clients);
    for sighting in sightings(&scan, "jetbrains-plugins") {
        let off = sighting["evidence"]["value"] == "com.github.copilot";
        assert_eq!(sighting["details"]["enabled"], !off, "{sighting}");
    }
}

#[test]
fn clones_that_git_made_are_known_by_where_they_came_from() {
    if !require("git", have_command("git")) {
        return;
    }
    let machine = Machine::new();
    let git = |folder: &Path, words: &[&str]| {
        fs::create_dir_all(folder).expect("a folder");
        let quiet =
            ["-c", "protocol.file.allow=always", "-c", "user.name=k", "-c", "user.email=k@example.org"];
        run(Command::new("git").args(quiet).args(words).current_dir(folder).env("HOME", machine.tree.root()));
    };
    let clone = |path: String, address: &str| {
        let folder = machine.path(&path);
        git(&folder, &["init", "-q"]);
        git(&folder, &["remote", "add", "origin", address]);
    };
    clone(format!("{LINUX}/.local/share/nvim/lazy/lazy.nvim"), "https://github.com/folke/lazy.nvim.git");
    clone(format!("{LINUX}/.local/share/nvim/lazy/avante.nvim"), "https://github.com/yetone/avante.nvim.git");
    clone(format!("{LINUX}/.local/share/my-vim/lazy/lazy.nvim"), "https://github.com/folke/lazy.nvim.git");
    clone(format!("{LINUX}/.local/share/my-vim/lazy/cc"), "https://github.com/olimorris/codecompanion.nvim");
    clone(format!("{MACOS}/.vim/plugged/copilot.vim"), "git@github.com:github/copilot.vim.git");
    clone(
        format!("{WINDOWS}/AppData/Local/nvim-data/site/pack/deps/opt/minuet"),
        "https://github.com/milanglacier/minuet-ai.nvim",
    );
    // A plugin inside the repository of somebody's settings.
    let upstream = machine.path("srv/vim-ai");
    git(&upstream, &["init", "-q"]);
    git(&upstream, &["commit", "-q", "--allow-empty", "-m", "x"]);
    let settings = machine.path(&format!("{LINUX}/.vim"));
    git(&settings, &["init", "-q"]);
    git(&settings, &["submodule", "--quiet", "add", "../../../srv/vim-ai", "pack/x/start/vim-ai"]);
    let submodule = settings.join("pack/x/start/vim-ai");
    git(&submodule, &["remote", "set-url", "origin", "https://github.com/madox2/vim-ai.git"]);
    assert!(submodule.join(".git").is_file(), "git keeps the settings of a submodule elsewhere");
    let scan = machine.scan();
    assert_eq!(
        seen(&scan, "vim-plugins"),
        pairs(&[
            ("yetone/avante.nvim", "-"),
            ("olimorris/codecompanion.nvim", "-"),
            ("github/copilot.vim", "-"),
            ("milanglacier/minuet-ai.nvim", "-"),
            ("madox2/vim-ai", "-"),
        ])
    );
}

/// The server of the VS Code family that the registry of npm has, in a folder that is kept for the next time.
fn editor_server() -> Option<PathBuf> {
    if !require("node and npm", have_command("node") && have_command("npm")) {
        return None;
    }
    const NAME: &str = "code-server-4.22.0";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
    let server = folder.join("package/lib/vscode");
    let whole = folder.join("whole");
    // It runs no script of any package, and needs none to install an extension.
    let fetch = "npm pack --silent code-server@4.22.0 && tar xf code-server-4.22.0.tgz && rm code-server-4.22.0.tgz && \
        cd package/lib/vscode && npm install --silent --legacy-peer-deps --ignore-scripts --omit=dev --no-audit --no-fund && \
        touch ../../../whole";
    if !whole.is_file() {
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a folder");
        let output =
            Command::new("sh").args(["-c", fetch]).current_dir(&folder).output().expect("sh can be started");
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    require("code-server of the npm registry", whole.is_file()).then_some(server)
}

#[test]
fn extensions_that_an_editor_installs_are_found_and_one_that_it_uninstalls_is_not() {
    if !require("zip", have_command("zip")) {
        return;
    }
    let Some(server) = editor_server() else { return };
    let machine = Machine::new();
    let data = machine.path("home/kim/.local/share/code-server");
    fs::create_dir_all(data.join("extensions")).expect("a folder");
    let editor = |what: &str, which: &str| {
        let mut command = Command::new("node");
        command.args(["out/server-main.js", "--accept-server-license-terms", "--extensions-dir"]);
        command.arg(data.join("extensions")).arg("--server-data-dir").arg(&data).args([what, which]);
        run(command.current_dir(&server).env("HOME", machine.path(LINUX)));
    };
    for (publisher, name) in [("Continue", "continue"), ("Codeium", "codeium"), ("vscodevim", "vim")] {
        let work = tempfile::tempdir().expect("a temporary folder");
        let put = |path: &str, text: &str| {
            let file = work.path().join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        };
        put(
            "extension/package.json",
            &format!(
                r#"{{"name": "{name}", "publisher": "{publisher}", "version": "1.2.3", "engines": {{"vscode": "^1.60.0"}}}}"#
            ),
        );
        put(
            "extension.vsixmanifest",
            &format!(
                "<PackageManifest Version=\"2.0.0\" xmlns=\"http://schemas.microsoft.com/developer/vsx-schema/2011\"><Metadata>\
                 <Identity Language=\"en-US\" Id=\"{name}\" Version=\"1.2.3\" Publisher=\"{publisher}\"/></Metadata>\
                 <Assets><Asset Type=\"Microsoft.VisualStudio.Code.Manifest\" Path=\"extension/package.json\"/></Assets>\
                 </PackageManifest>"
            ),
        );
        run(Command::new("zip").args(["-q", "-r", "one.vsix", "."]).current_dir(work.path()));
        editor("--install-extension", &work.path().join("one.vsix").display().to_string());
    }
    editor("--uninstall-extension", "Codeium.codeium");
    let scan = machine.scan();
    assert_eq!(seen(&scan, "vscode-extensions"), pairs(&[("continue.continue", "1.2.3")]));
    assert_eq!(details(&scan, "vscode-extensions", "client"), set(&["code-server"]));
}

#[test]
fn what_editors_bring_along_and_what_only_a_profile_has_is_found() {
    let machine = Machine::new();
    let package = |publisher: &str, name: &str| {
        format!(
            r#"{{"name": "{name}", "publisher": "{publisher}", "version": "0.40.0", "displayName": "%displayName%",
               "engines": {{"vscode": "^1.120.0"}}}}"#
        )
    };
    let app = |base: &str, name: &str| {
        machine.put(format!("{base}/product.json"), format!(r#"{{"nameShort": "x", "nameLong": "{name}"}}"#));
        machine.put(format!("{base}/extensions/copilot/package.json"), package("GitHub", "copilot-chat"));
        machine.put(format!("{base}/extensions/git/package.json"), package("vscode", "git"));
        machine.put(format!("{base}/extensions/node_modules/x/package.json"), "{}");
    };
    app("usr/share/code/resources/app", "Visual Studio Code");
    app(
        "Applications/Visual Studio Code - Insiders.app/Contents/Resources/app",
        "Visual Studio Code - Insiders",
    );
    app(
        &format!("{WINDOWS}/AppData/Local/Programs/Microsoft VS Code/0a1b2c3d4e/resources/app"),
        "VS Code of Max",
    );
    // Another program with a folder of that name.
    machine.put("opt/player/resources/app/extensions/x/package.json", r#"{"name": "x", "version": "1"}"#);
    let entry = |id: &str, version: &str| {
        format!(
            r#"{{"identifier": {{"id": "{id}"}}, "version": "{version}", "relativeLocation": "{id}-{version}",
               "location": {{"$mid": 1, "path": "/x/{id}-{version}", "scheme": "file"}}, "metadata": {{"publisherDisplayName": "P"}}}}"#
        )
    };
    machine.put(format!("{MACOS}/.vscode/extensions/extensions.json"), "[]");
    let profile = "Library/Application Support/Code/User/profiles/-2ab3c4d/extensions.json";
    let list = [entry("continue.continue", "1.2.3"), entry("vscodevim.vim", "1.0.0")].join(",");
    machine.put(format!("{MACOS}/{profile}"), format!("[{list}]"));
    // An editor that keeps no list.
    let folder = format!("{LINUX}/.openvscode-server/extensions/codeium.codeium-1.0.0");
    machine.put(format!("{folder}/package.json"), package("Codeium", "codeium"));
    let scan = machine.scan();
    assert_eq!(
        seen(&scan, "vscode-extensions"),
        pairs(&[
            ("GitHub.copilot-chat", "0.40.0"),
            ("continue.continue", "1.2.3"),
            ("Codeium.codeium", "0.40.0")
        ])
    );
    let clients = set(&[
        "Visual Studio Code, built in",
        "Visual Studio Code - Insiders, built in",
        "VS Code of Max, built in",
        "VS Code",
        "OpenVSCode Server",
    ]);
    assert_eq!(details(&scan, "vscode-extensions", "client"), clients);
}

#[test]
fn extensions_of_other_programs_are_found_on_every_system() {
    if !(require("zip", have_command("zip")) && require("python3", have_command("python3"))) {
        return;
    }
    let machine = Machine::new();
    // Obsidian: the vaults are where it says, one with a plugin that is off.
    machine.put(
        format!("{LINUX}/.config/obsidian/obsidian.json"),
        r#"{"vaults": {"a": {"path": "/home/kim/Notes", "ts": 1, "open": true}, "b": {"path": "/srv/others"}}}"#,
    );
    machine.put(
        format!("{WINDOWS}/AppData/Roaming/obsidian/obsidian.json"),
        r#"{"vaults": {"a": {"path": "C:\\Users\\max\\Documents\\Vault", "ts": 1}}}"#,
    );
    for (vault, id) in [
        ("home/kim/Notes", "copilot"),
        ("home/kim/Notes", "dataview"),
        ("Users/max/Documents/Vault", "smart-connections"),
    ] {
        let manifest = format!(r#"{{"id": "{id}", "name": "A plugin", "version": "3.0.0", "author": "S"}}"#);
        machine.put(format!("{vault}/.obsidian/plugins/{id}/manifest.json"), manifest);
    }
    machine.put("home/kim/Notes/.obsidian/community-plugins.json", r#"["dataview"]"#);
    machine.put("Users/max/Documents/Vault/.obsidian/community-plugins.json", r#"["smart-connections"]"#);
    // Sublime Text: one zipped, one unpacked.
    let work = tempfile::tempdir().expect("a temporary folder");
    fs::write(work.path().join("package-metadata.json"), r#"{"version": "2.12.0"}"#).expect("metadata");
    let installed = machine.path(&format!("{LINUX}/.config/sublime-text/Installed Packages"));
    fs::create_dir_all(&installed).expect("a folder");
    for name in ["LSP-copilot", "Emmet"] {
        let archive = installed.join(format!("{name}.sublime-package"));
        run(Command::new("zip").arg("-q").arg(archive).arg("package-metadata.json").current_dir(work.path()));
    }
    let unpacked = format!("{MACOS}/Library/Application Support/Sublime Text/Packages");
    machine.put(format!("{unpacked}/LSP-copilot/package-metadata.json"), r#"{"version": "2.11.0"}"#);
    machine.put(
        format!("{unpacked}/User/Preferences.sublime-settings"),
        "{ \"ignored_packages\": [\"LSP-copilot\"], }",
    );
    // Raycast.
    for (folder, author, name) in [("a", "florisdobber", "claude"), ("b", "thomas", "tidy")] {
        machine.put(
            format!("{MACOS}/.config/raycast/extensions/{folder}/package.json"),
            format!(r#"{{"name": "{name}", "author": "{author}", "title": "T", "commands": []}}"#),
        );
    }
    // Firefox and Thunderbird.
    let addons = |id: &str| {
        format!(
            r#"{{"schemaVersion": 37, "addons": [{{"id": "{id}", "version": "1.0", "type": "extension", "active": true,
               "location": "app-profile", "defaultLocale": {{"name": "N"}}}}, {{"id": "x@mozilla.org", "version": "1", "type": "extension",
               "active": true, "location": "app-builtin"}}]}}"#
        )
    };
    let deepl = "firefox-extension@deepl.com";
    for path in [
        format!("{LINUX}/.config/mozilla/firefox/a.default-esr/extensions.json"),
        format!("{MACOS}/Library/Application Support/Firefox/Profiles/b.default-release/extensions.json"),
        format!("{WINDOWS}/AppData/Roaming/Thunderbird/Profiles/c.default-release/extensions.json"),
    ] {
        machine.put(path, addons(deepl));
    }
    // Safari's list as a property-list library writes it.
    let list = machine.path(&format!(
        "{MACOS}/Library/Containers/com.apple.Safari/Data/Library/Safari/WebExtensions/Extensions.plist"
    ));
    fs::create_dir_all(list.parent().expect("a folder")).expect("a folder");
    let program = "import plistlib, sys, datetime\n\
        names = ['com.raycast.macos (SY64MV22J9)', 'org.example.Tidy.Extension (ABCDE12345)']\n\
        entry = {'Enabled': True, 'AddedDate': datetime.datetime(2026, 1, 2), 'Permissions': ['tabs']}\n\
        plistlib.dump({name: entry for name in names}, open(sys.argv[1], 'wb'), fmt=plistlib.FMT_BINARY)\n";
    run(Command::new("python3").args(["-c", program]).arg(&list));
    // Office and Visual Studio: nothing there is AI, and nothing there is trouble.
    machine.put(
        format!("{MACOS}/Library/Containers/com.microsoft.Excel/Data/Documents/wef/manifest.xml"),
        "<OfficeApp><Id>05c2e1c9-3e1d-406e-9a91-e9ac64854143</Id><Version>1.0.0.0</Version></OfficeApp>",
    );
    machine.put(
        format!(
            "{WINDOWS}/AppData/Local/Microsoft/VisualStudio/17.0_1a2b/Extensions/x1y2/extension.vsixmanifest"
        ),
        "<PackageManifest><Metadata><Identity Id=\"Tidy.1\" Version=\"1.2\"/></Metadata></PackageManifest>",
    );

    let scan = machine.scan();
    assert_eq!(
        seen(&scan, "obsidian-plugins"),
        pairs(&[("copilot", "3.0.0"), ("smart-connections", "3.0.0")])
    );
    for sighting in sightings(&scan, "obsidian-plugins") {
        assert_eq!(sighting["details"]["enabled"], sighting["evidence"]["value"] == "smart-connections");
    }
    assert_eq!(
        seen(&scan, "sublime-packages"),
        pairs(&[("LSP-copilot", "2.12.0"), ("LSP-copilot", "2.11.0")])
    );
    assert_eq!(details(&scan, "sublime-packages", "enabled"), set(&["true", "false"]));
    assert_eq!(seen(&scan, "raycast-extensions"), pairs(&[("florisdobber/claude", "-")]));
    assert_eq!(seen(&scan, "firefox-extensions"), pairs(&[(deepl, "1.0")]));
    assert_eq!(details(&scan, "firefox-extensions", "client"), set(&["Firefox", "Thunderbird"]));
    assert_eq!(seen(&scan, "safari-extensions"), pairs(&[("com.raycast.macos", "-")]));
    assert_eq!(seen(&scan, "office-addins"), pairs(&[]));
    let sources = scan["sources"].as_array().expect("a list of sources");
    for source in ["office-addins", "visual-studio-extensions", "safari-extensions", "obsidian-plugins"] {
        let report = sources.iter().find(|report| report["source"] == source).expect("a report");
        assert_eq!(
            (report["state"].as_str(), report["problems"].as_u64()),
            (Some("read"), Some(0)),
            "{report}"
        );
    }
}
