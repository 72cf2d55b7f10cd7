//! What a process is: by the executable that the kernel names and, where that is an interpreter, by the script or module
//! it runs. Never by a part of a word.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Component, Path, PathBuf};

use crate::scan::safe::FileType;
use umbrascope_rules::{RuleRef, SoftwareKind};

use crate::scan::safe::Dir;
use crate::scan::source::Source;

/// Programs that run a script of somebody else's. A version may follow the name.
const INTERPRETERS: &[&str] = &["node", "nodejs", "bun", "deno", "python", "pypy", "ruby"];

/// A process as `/proc` shows it.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// The executable, a home written `~`.
    pub(super) executable: &'a str,
    /// First words of its command line.
    pub(super) words: &'a [String],
    /// Its working folder, which a relative script stands below.
    pub(super) folder: Option<PathBuf>,
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

    /// The rule that knows it. `root` is where the folder of a script is looked into.
    pub(super) fn identify<'a>(
        &self,
        homes: &[PathBuf],
        root: &Dir,
        source: &Source<'a>,
    ) -> Option<Known<'a>> {
        let executable = |path: &str| {
            let rule = source.rule(SoftwareKind::Executable, path)?;
            Some(Known { rule, value: path.to_owned() })
        };
        if let Some(known) = executable(self.executable) {
            return Some(known);
        }
        if !is_interpreter(self.executable) {
            return mcp_server(file_name(self.executable), SoftwareKind::McpPackage, source);
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
                let shown = shorten(&path, homes);
                if let Some(known) = executable(&shown) {
                    return Some(known);
                }
                if let Some(name) = node_package(&shown) {
                    return package(SoftwareKind::Npm, name, source);
                }
                // What a Python package puts into `bin` has the name of the package or of its command.
                let folder = path.parent()?;
                if folder.file_name().is_some_and(|name| name == "bin") {
                    return mcp_server(path.file_name()?.to_str()?, SoftwareKind::Pypi, source);
                }
                beside(&path, homes, root).into_iter().find_map(|path| executable(&path))
            }
        }
    }

    fn absolute(&self, script: &str) -> Option<PathBuf> {
        let script = Path::new(script);
        if script.is_absolute() {
            return Some(script.to_owned());
        }
        let parts = script.components().filter(|part| *part != Component::CurDir);
        Some(parts.fold(self.folder.clone()?, |path, part| path.join(part)))
    }
}

/// A path with the home that it is in written `~`.
pub(super) fn shorten(path: &Path, homes: &[PathBuf]) -> String {
    let below = homes.iter().find_map(|home| path.strip_prefix(home).ok());
    match below {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether an executable, by its path, runs a script of somebody else's.
pub(super) fn is_interpreter(executable: &str) -> bool {
    let program = file_name(executable);
    let version = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().any(|name| program.strip_prefix(name).is_some_and(version))
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

/// The Python files beside a script: a `main.py` says nothing, what its project puts beside it does.
fn beside(script: &Path, homes: &[PathBuf], root: &Dir) -> Vec<String> {
    let is_python = |name: &Path| name.extension().is_some_and(|ending| ending == "py");
    let folder = script.parent().filter(|_| is_python(script));
    let Some(below) = folder.and_then(|folder| folder.strip_prefix("/").ok()) else { return Vec::new() };
    let Ok((entries, _)) = root.dir(below).and_then(|folder| folder.entries()) else { return Vec::new() };
    let files = entries.iter().filter(|entry| entry.kind == FileType::RegularFile);
    let files = files.map(|entry| Path::new(&entry.name)).filter(|name| is_python(name));
    files.map(|name| shorten(&Path::new("/").join(below).join(name), homes)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use umbrascope_api::Channel;
    use umbrascope_rules::Matcher;

    use super::*;
    use crate::scan::safe::Budget;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn identify(executable: &str, words: &[&str], folder: &str, tree: &Path) -> Option<(String, String)> {
        let matcher = Matcher::embedded();
        let source = Source::new("processes", Channel::Process, &matcher);
        let root = Dir::root(tree, Budget::new(Instant::now() + Duration::from_secs(5), vec![])).unwrap();
        let words = owned(words);
        let seen = Seen { executable, words: &words, folder: Some(folder.into()) };
        let known = seen.identify(&["/home/kim".into()], &root, &source)?;
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
