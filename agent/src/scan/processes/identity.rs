//! What a process is: by the executable that the kernel names and, where that is an interpreter, by the script or module
//! it runs. Never by a part of a word.

use std::hash::{DefaultHasher, Hash, Hasher};

use umbrascope_rules::{RuleRef, SoftwareKind};

use crate::scan::safe::{Dir, FileType};
use crate::scan::source::Source;

/// Programs that run a script of somebody else's. A version may follow the name.
const INTERPRETERS: &[&str] = &["node", "nodejs", "bun", "deno", "python", "pythonw", "pypy", "ruby"];

/// The files of this machine, as far as they tell what a process is.
pub(in crate::scan) struct Tree<'a> {
    root: &'a Dir,
    /// What its absolute paths begin with: the drive (`C:`) on Windows, elsewhere nothing.
    drive: String,
    /// With the drive, and with `/`.
    homes: Vec<String>,
}

impl<'a> Tree<'a> {
    /// `drive` is that of the tree: its letter and a colon, or nothing.
    pub(in crate::scan) fn new(drive: String, root: &'a Dir, homes: &[Dir]) -> Self {
        let home = |home: &Dir| {
            let place = home.absolute().to_string_lossy().into_owned();
            let place = if drive.is_empty() { place } else { place.replace('\\', "/") };
            // One on another drive has that in its path.
            match place.strip_prefix('/').filter(|place| has_drive(place)) {
                Some(place) => place.trim_end_matches('/').to_owned(),
                None => drive.clone() + place.trim_end_matches('/'),
            }
        };
        Self { homes: homes.iter().map(home).collect(), root, drive }
    }

    /// A path with the home that it is in written `~`.
    pub(super) fn shorten(&self, path: &str) -> String {
        match self.homes.iter().find_map(|home| below(path, home)) {
            Some(below) => format!("~/{below}"),
            None => path.to_owned(),
        }
    }

    /// The Python files beside a script: a `main.py` says nothing, what its project puts beside it does.
    fn beside(&self, script: &str) -> Vec<String> {
        let is_python = |name: &str| name.ends_with(".py");
        let Some((folder, name)) = script.rsplit_once('/') else { return Vec::new() };
        let Some(place) = below(folder, &self.drive).filter(|_| is_python(name)) else { return Vec::new() };
        let Ok((entries, _)) = self.root.dir(place).and_then(|folder| folder.entries()) else {
            return Vec::new();
        };
        let files = entries.iter().filter(|entry| entry.kind == FileType::RegularFile);
        let files = files.filter_map(|entry| entry.text()).filter(|name| is_python(name));
        files.map(|name| self.shorten(&format!("{folder}/{name}"))).collect()
    }
}

/// What of a path is below a folder. Windows, whose paths begin with a drive, does not tell letters by case.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let (head, rest) = path.split_at_checked(folder.len())?;
    let same = if has_drive(path) { head.eq_ignore_ascii_case(folder) } else { head == folder };
    rest.strip_prefix('/').filter(|_| same)
}

/// Whether a path begins with a drive, as `C:/`.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

/// A process as it shows itself.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// The executable, a home written `~`.
    pub(super) executable: &'a str,
    /// First words of its command line.
    pub(super) words: &'a [String],
    /// Its working folder, which a relative script stands below.
    pub(super) folder: Option<&'a str>,
}

/// What a process turned out to be.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) rule: &'a RuleRef,
    /// What the rule matched.
    pub(super) value: String,
}

impl Seen<'_> {
    /// A number for all that [`Seen::identify`] asks: processes that have the same are the same thing.
    pub(super) fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.executable.hash(&mut hasher);
        if is_interpreter(self.executable) {
            match what_it_runs(self.words) {
                Some(Run::Script(script)) => (0, self.absolute(script)).hash(&mut hasher),
                Some(Run::Module(name)) => (1, name).hash(&mut hasher),
                Some(Run::Package(name)) => (2, name).hash(&mut hasher),
                None => {}
            }
        }
        hasher.finish()
    }

    /// The rule that knows it.
    pub(super) fn identify<'a>(&self, tree: &Tree<'_>, source: &Source<'a>) -> Option<Known<'a>> {
        let executable = |path: &str| {
            let rule = source.rule(SoftwareKind::Executable, path)?;
            Some(Known { rule, value: path.to_owned() })
        };
        if let Some(known) = executable(self.executable) {
            return Some(known);
        }
        if !is_interpreter(self.executable) {
            return mcp_server(program(self.executable), SoftwareKind::McpPackage, source);
        }
        match what_it_runs(self.words)? {
            Run::Module(module) => {
                // A module is looked for by where its package would put it, then by the package's own name.
                let placed = format!("/site-packages/{}", module.replace('.', "/"));
                let name = module.split('.').next()?;
                executable(&placed).or_else(|| package(SoftwareKind::Pypi, name, source))
            }
            Run::Package(name) => package(SoftwareKind::Npm, name, source),
            Run::Script(script) => {
                let path = self.absolute(script)?;
                let shown = tree.shorten(&path);
                if let Some(known) = executable(&shown) {
                    return Some(known);
                }
                if let Some(name) = node_package(&shown) {
                    return package(SoftwareKind::Npm, name, source);
                }
                if let Some(command) = python_command(&shown) {
                    // Rules write the place that it has elsewhere than on Windows.
                    return executable(&command)
                        .or_else(|| mcp_server(program(&command), SoftwareKind::Pypi, source));
                }
                tree.beside(&path).into_iter().find_map(|path| executable(&path))
            }
        }
    }

    fn absolute(&self, script: &str) -> Option<String> {
        let (start, below) = match script {
            _ if has_drive(script) => script.split_at(2),
            _ if script.starts_with('/') => ("", script),
            _ => (self.folder?.trim_end_matches('/'), script),
        };
        let parts = below.split('/').filter(|part| !matches!(*part, "" | "."));
        Some(parts.fold(start.to_owned(), |path, part| path + "/" + part))
    }
}

/// The name of a program, by its path.
fn program(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((name, ending)) if ending.eq_ignore_ascii_case("exe") => name,
        _ => name,
    }
}

/// What a Python package puts into `bin`, on Windows into `Scripts`, has the name of the package or of its command.
fn python_command(script: &str) -> Option<String> {
    let (folder, name) = script.rsplit_once('/')?;
    let (above, folder) = folder.rsplit_once('/')?;
    let windows = folder.eq_ignore_ascii_case("Scripts");
    let name = if windows { program(name).trim_end_matches("-script.py") } else { name };
    (windows || folder == "bin").then(|| format!("{above}/bin/{name}"))
}

/// Whether an executable, by its path, runs a script of somebody else's.
pub(super) fn is_interpreter(executable: &str) -> bool {
    let program = program(executable);
    let version = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is = |name: &str| {
        let parts = program.split_at_checked(name.len());
        // The framework of macOS writes it `Python`.
        parts.is_some_and(|(head, rest)| head.eq_ignore_ascii_case(name) && version(rest))
    };
    INTERPRETERS.iter().any(|name| is(name))
}

#[derive(Debug, PartialEq, Eq)]
enum Run<'a> {
    Script(&'a str),
    /// Of Python, behind `-m`.
    Module(&'a str),
    /// Of npm, as Deno takes it.
    Package(&'a str),
}

/// What an interpreter was told to run, past its own switches. `None`: nothing with a name, or a switch that we cannot pass.
fn what_it_runs(words: &[String]) -> Option<Run<'_>> {
    let mut words = words.iter().skip(1).map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-m" => return words.next().map(Run::Module),
            // Text that is run as it stands.
            "-c" | "-e" | "-p" | "-" | "--eval" | "--print" | "eval" => return None,
            // Switches with a word of their own behind them (python(1), node(1)).
            "-W"
            | "-X"
            | "-r"
            | "-C"
            | "--require"
            | "--import"
            | "--loader"
            | "--experimental-loader"
            | "--conditions"
            | "--check-hash-based-pycs" => drop(words.next()),
            "run" | "x" | "serve" | "--" => {}
            _ if word.starts_with('-') => {
                // `-um`, `-Im`: several switches of one letter, the last of which is `-m`.
                let letters = &word[1..];
                if letters.ends_with('m')
                    && letters.len() < 5
                    && letters.bytes().all(|b| b.is_ascii_alphabetic())
                {
                    return words.next().map(Run::Module);
                }
            }
            _ => {
                return Some(match word.strip_prefix("npm:") {
                    Some(spec) => Run::Package(without_version(spec.trim_start_matches('/'))),
                    None => Run::Script(word),
                });
            }
        }
    }
    None
}

/// `@scope/name@1.2/path` is the package `@scope/name`.
fn without_version(spec: &str) -> &str {
    let end = spec.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(spec.len(), |(at, _)| at);
    &spec[..end]
}

/// A package that a rule knows, or that is an MCP server by its name: every MCP server counts as AI.
fn package<'a>(kind: SoftwareKind, name: &str, source: &Source<'a>) -> Option<Known<'a>> {
    match source.package_rule(kind, name) {
        Some(rule) => Some(Known { rule, value: name.to_owned() }),
        None => mcp_server(name, kind, source),
    }
}

/// An MCP server by the name that such packages and programs have: `mcp` stands in it as a word, beside another.
fn mcp_server<'a>(name: &str, kind: SoftwareKind, source: &Source<'a>) -> Option<Known<'a>> {
    let known = |rule| Some(Known { rule, value: name.to_owned() });
    if let Some(rule) = source.rule(SoftwareKind::McpPackage, name) {
        return known(rule);
    }
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is_one = words().any(|word| matches!(word, "mcp" | "modelcontextprotocol")) && words().count() > 1;
    // A rule may say that this one is something else.
    (is_one && source.rule(kind, name).is_none()).then(|| source.matcher().fallback_mcp()).and_then(known)
}

/// The package whose file a script is: what follows the last `node_modules`.
fn node_package(script: &str) -> Option<&str> {
    let (_, below) = script.rsplit_once("/node_modules/")?;
    let parts = if below.starts_with('@') { 2 } else { 1 };
    let end = below.match_indices('/').nth(parts - 1).map(|(at, _)| at)?;
    Some(&below[..end])
}

/// An executable, a folder and the words of a command line, a line each, for [`super::super::parsers`].
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::scan) fn parse_any(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let (executable, folder) = (lines.next().unwrap_or_default(), lines.next());
    let words: Vec<String> = lines.map(str::to_owned).collect();
    Seen { executable, words: &words, folder }.mark();
    program(executable);
    for word in &words {
        python_command(word);
        node_package(word);
        without_version(word);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use umbrascope_api::Channel;
    use umbrascope_rules::Matcher;

    use super::*;
    use crate::scan::safe::Budget;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// A machine of `kim`: of Windows where a path has a drive.
    fn machine(root: &Dir) -> Tree<'_> {
        let homes = ["/home/kim", "C:/Users/kim"].map(str::to_owned).into();
        Tree { root, drive: String::new(), homes }
    }

    fn identify(executable: &str, words: &[&str], folder: &str, tree: &Path) -> Option<(String, String)> {
        let matcher = Matcher::embedded();
        let source = Source::new("processes", Channel::Process, &matcher);
        let root = Dir::root(tree, Budget::new(Instant::now() + Duration::from_secs(5), vec![])).unwrap();
        let words = owned(words);
        let seen = Seen { executable, words: &words, folder: Some(folder) };
        let known = seen.identify(&machine(&root), &source)?;
        Some((known.rule.product.to_string(), known.value))
    }

    fn is(executable: &str, words: &[&str]) -> Option<String> {
        identify(executable, words, "/home/kim", Path::new("/")).map(|(product, _)| product)
    }

    #[test]
    fn what_an_interpreter_runs_is_told_past_its_switches() {
        let run = |words: &[&str]| match what_it_runs(&owned(words)) {
            Some(Run::Script(text)) => format!("script {text}"),
            Some(Run::Module(text)) => format!("module {text}"),
            Some(Run::Package(text)) => format!("package {text}"),
            None => String::new(),
        };
        assert_eq!(run(&["python3", "-m", "vllm.entrypoints"]), "module vllm.entrypoints");
        assert_eq!(run(&["python3", "-u", "-X", "dev", "-um", "sglang"]), "module sglang");
        assert_eq!(run(&["python3", "-u", "main.py", "-m", "vllm"]), "script main.py");
        assert_eq!(run(&["python3", "-c", "import vllm", "-m", "vllm"]), "");
        assert_eq!(run(&["node", "--max-old-space-size=1", "-r", "x", "/a/b.js"]), "script /a/b.js");
        assert_eq!(run(&["deno", "run", "-A", "npm:@a/mcp@1.2/x"]), "package @a/mcp");
        assert_eq!(run(&["python3"]), "");
    }

    #[test]
    fn a_script_names_its_package_and_a_word_in_a_file_name_does_not() {
        assert_eq!(node_package("/home/kim/.npm/_npx/1/node_modules/@a/b/dist/x.js"), Some("@a/b"));
        assert_eq!(node_package("/usr/lib/node_modules/npm/bin/npm-cli.js"), Some("npm"));
        assert_eq!(node_package("/home/kim/claude.js"), None);
    }

    #[test]
    fn reading_notes_about_an_assistant_is_not_running_it() {
        for (executable, words) in [
            ("/usr/bin/vim.basic", vec!["vim", "claude notes.md"]),
            ("/usr/bin/less", vec!["less", "langchain-notes.txt"]),
            ("/usr/bin/less", vec!["less", "mcp-server.md"]),
            ("/usr/bin/python3.11", vec!["python3", "openai.py"]),
            ("/usr/bin/python3.11", vec!["python3", "main.py", "-m", "vllm"]),
            ("/usr/bin/python3.11", vec!["python3", "-c", "import vllm"]),
            ("/usr/bin/node", vec!["node", "/home/kim/claude.js"]),
            ("/usr/bin/python-config", vec!["python-config", "-m", "vllm"]),
            ("/opt/mcp", vec!["mcp"]),
        ] {
            assert_eq!(is(executable, &words), None, "{executable} {words:?}");
        }
        let script = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
        assert!(is("/usr/bin/node", &["node", script]).unwrap().contains("claude-code"));
    }

    #[test]
    fn a_server_is_known_by_its_program_or_module() {
        let python = "/home/kim/venv/bin/python3.12";
        for (product, executable, words) in [
            ("ollama.ollama", "/usr/local/bin/ollama", vec!["ollama", "serve"]),
            ("llama-cpp.llama-cpp", "/opt/llama.cpp/build/bin/llama-server", vec!["llama-server"]),
            ("vllm.vllm", python, vec!["python", "-m", "vllm.entrypoints.openai.api_server"]),
            ("vllm.vllm", python, vec!["python", "/home/kim/venv/bin/vllm", "serve", "x"]),
            ("sglang.sglang", python, vec!["python", "-m", "sglang.launch_server"]),
        ] {
            assert_eq!(is(executable, &words).as_deref(), Some(product), "{words:?}");
        }
    }

    #[test]
    fn an_mcp_server_that_no_configuration_names_is_one_by_its_package() {
        let script = "/home/kim/.npm/_npx/1/node_modules/@acme/tracker-mcp/dist/index.js";
        let (product, value) = identify("/usr/bin/node", &["node", script], "/", Path::new("/")).unwrap();
        assert_eq!((product.as_str(), value.as_str()), ("generic.mcp-server", "@acme/tracker-mcp"));
        for (executable, words) in [
            ("/home/kim/.cache/uv/x/bin/python", vec!["python", "/home/kim/.cache/uv/x/bin/mcp-server-acme"]),
            ("/usr/bin/python3", vec!["python3", "-m", "mcp_server_acme"]),
            ("/home/kim/go/bin/acme-mcp-server", vec!["acme-mcp-server", "stdio"]),
        ] {
            assert_eq!(is(executable, &words).as_deref(), Some("generic.mcp-server"), "{words:?}");
        }
        assert_eq!(is("/usr/bin/node", &["node", "/home/kim/mcp-notes/x.js"]), None);
    }

    #[test]
    fn paths_of_windows_are_told_whatever_the_case_of_a_drive_or_home() {
        let npm = "C:/Users/kim/AppData/Roaming/npm/node_modules/@anthropic-ai/claude-code/cli.js";
        let node = "C:/Program Files/nodejs/node.exe";
        assert!(is(node, &["node", npm]).unwrap().contains("claude-code"));
        for (product, executable, words) in [
            ("ollama.ollama", "~/AppData/Local/Programs/Ollama/ollama.exe", vec!["ollama.exe", "serve"]),
            ("vllm.vllm", "D:/py/python.exe", vec!["python", "-m", "vllm.entrypoints.openai.api_server"]),
            ("vllm.vllm", "D:/py/pythonw.exe", vec!["python", "c:/users/KIM/venv/Scripts/vllm.exe"]),
            ("generic.mcp-server", "D:/py/python.exe", vec!["python", "Scripts/mcp-server-acme.exe"]),
            ("generic.mcp-server", "D:/go/acme-mcp-server.EXE", vec![]),
        ] {
            assert_eq!(is(executable, &words).as_deref(), Some(product), "{words:?}");
        }
        for (executable, words) in [
            ("C:/Windows/notepad.exe", vec!["notepad", "C:/Users/kim/ollama.exe notes.txt"]),
            ("D:/py/python.exe", vec!["python", "D:/notes/ollama.exe"]),
            ("D:/py/python-config.exe", vec!["python", "-m", "vllm"]),
            (node, vec!["node", "C:/Users/kim/claude.js"]),
        ] {
            assert_eq!(is(executable, &words), None, "{executable} {words:?}");
        }
        let tree = tempfile::tempdir().unwrap();
        let root = Dir::root(tree.path(), Budget::new(Instant::now(), vec![])).unwrap();
        for (path, shown) in [
            ("c:/users/KIM/x/y.exe", "~/x/y.exe"),
            ("C:/Users/kimberly/y.exe", "C:/Users/kimberly/y.exe"),
            ("D:/Users/kim/y.exe", "D:/Users/kim/y.exe"),
            ("/home/kim/y", "~/y"),
            ("/home/KIM/y", "/home/KIM/y"),
        ] {
            assert_eq!(machine(&root).shorten(path), shown);
        }
    }

    #[test]
    fn homes_are_those_that_were_found() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("home/kim")).unwrap();
        let budget = Budget::new(Instant::now() + Duration::from_secs(60), vec![]);
        let root = Dir::root(tree.path(), budget).unwrap();
        let home = root.dir("home/kim").unwrap().into_home().unwrap();
        let shown =
            |drive: &str, path| Tree::new(drive.to_owned(), &root, std::slice::from_ref(&home)).shorten(path);
        assert_eq!(shown("", "/home/kim/x"), "~/x");
        assert_eq!(shown("C:", "c:/HOME/kim/x"), "~/x");
        assert_eq!(shown("C:", "D:/home/kim/x"), "D:/home/kim/x");
    }

    #[test]
    fn a_script_is_below_the_folder_that_its_process_works_in() {
        let absolute = |folder, script| Seen { executable: "", words: &[], folder }.absolute(script);
        assert_eq!(absolute(Some("/home/kim"), "./a//b.py").as_deref(), Some("/home/kim/a/b.py"));
        assert_eq!(absolute(Some("/"), "b.py").as_deref(), Some("/b.py"));
        assert_eq!(absolute(Some("C:/x/"), "b.py").as_deref(), Some("C:/x/b.py"));
        assert_eq!(absolute(None, "C:/x/b.py").as_deref(), Some("C:/x/b.py"));
        assert_eq!(absolute(None, "b.py"), None);
    }

    #[test]
    fn a_main_file_is_known_by_what_stands_beside_it() {
        let tree = tempfile::tempdir().unwrap();
        for folder in ["home/kim/pictures", "home/kim/work"] {
            std::fs::create_dir_all(tree.path().join(folder)).unwrap();
            std::fs::write(tree.path().join(folder).join("main.py"), "").unwrap();
        }
        std::fs::write(tree.path().join("home/kim/pictures/comfyui_version.py"), "").unwrap();
        let run = |folder: &str| identify("/usr/bin/python3", &["python3", "main.py"], folder, tree.path());
        let (product, value) = run("/home/kim/pictures").unwrap();
        assert_eq!((product.as_str(), value.as_str()), ("comfy.comfy", "~/pictures/comfyui_version.py"));
        assert_eq!(run("/home/kim/work"), None);
    }
}
