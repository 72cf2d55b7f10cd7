//! What the launch line of an MCP server says: which package, at which version, run how, and with what risks.
//!
//! Only names leave this file. Values of variables, arguments and headers are looked at for the one question
//! whether a secret stands there in plain text.

use umbrascope_api::RiskFlag;

use super::secret::{is_plain_secret, secret_in_args};

/// What a launch line runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Launch {
    /// File name of the command.
    pub(super) command: Option<String>,
    pub(super) package: Option<Package>,
    /// A URL among the arguments (a proxy's remote end).
    pub(super) url: Option<String>,
    /// Names of variables set on the line itself.
    pub(super) env_names: Vec<String>,
    pub(super) flags: Vec<RiskFlag>,
}

/// A package and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) registry: Registry,
    pub(super) name: String,
    pub(super) version: Option<String>,
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    Npm,
    Pypi,
    Image,
}

/// Deepest wrapping (`cmd /c env sh -c …`) that is followed.
const WRAPPERS: usize = 4;

/// Reads a launch line.
pub(super) fn read(command: &str, args: &[&str]) -> Launch {
    let mut launch = Launch { command: basename(command), ..Launch::default() };
    // Some write the whole line into `command`.
    let words: Vec<&str> = match command.contains(' ') && args.is_empty() && !looks_like_path(command) {
        true => command.split_whitespace().collect(),
        false => std::iter::once(command).chain(args.iter().copied()).collect(),
    };
    if let Some(first) = words.first() {
        launch.command = basename(first);
    }
    unwrap(&words, &mut launch, 0);
    launch.url = words.iter().find(|word| is_url(word)).map(|word| (*word).to_owned());
    if secret_in_args(&words) {
        launch.flags.push(RiskFlag::PlainTextSecret);
    }
    if serves_files(&words, launch.package.as_ref()) && words.iter().skip(1).any(|word| is_whole_tree(word)) {
        launch.flags.push(RiskFlag::FilesystemRoot);
    }
    if let Some(package) = &launch.package
        && !is_pin(package.version.as_deref())
    {
        launch.flags.push(RiskFlag::UnpinnedPackage);
    }
    // A pin that is none is not a version.
    if let Some(package) = &mut launch.package
        && !is_pin(package.version.as_deref())
    {
        package.version = None;
    }
    launch
}

fn unwrap(words: &[&str], launch: &mut Launch, depth: usize) {
    let Some((command, args)) = words.split_first() else { return };
    let program = basename(command).unwrap_or_default().to_ascii_lowercase();
    let program = [".exe", ".cmd", ".bat", ".ps1"]
        .iter()
        .find_map(|suffix| program.strip_suffix(suffix))
        .unwrap_or(&program)
        .to_owned();
    let mut inner = |rest: &[&str]| {
        if depth < WRAPPERS {
            unwrap(rest, launch, depth + 1);
        }
    };
    match program.as_str() {
        "sh" | "bash" | "zsh" | "dash" | "fish" | "ksh" | "cmd" | "powershell" | "pwsh" => {
            let at = args.iter().position(|arg| !arg.starts_with('-') && !is_windows_switch(arg));
            if let Some(at) = at {
                if args.len() - at == 1 {
                    inner(&args[at].split_whitespace().collect::<Vec<_>>());
                } else {
                    inner(&args[at..]);
                }
            }
            launch.flags.push(RiskFlag::Shell);
        }
        "env" => {
            let at = args.iter().position(|arg| !arg.starts_with('-') && !arg.contains('='));
            if let Some(at) = at {
                inner(&args[at..]);
            }
            let set = args.iter().take(at.unwrap_or(args.len()));
            launch.env_names.extend(set.filter_map(|arg| variable_name(arg)).map(str::to_owned));
        }
        "sudo" | "doas" | "nice" | "exec" | "mise" | "direnv" | "dotenv" | "dotenvx" | "op" | "infisical" => {
            // `mise x -- npx …`, `op run -- npx …`: what follows the dashes, or the first program known here.
            let at = args.iter().position(|arg| *arg == "--").map(|at| at + 1);
            let at = at.or_else(|| args.iter().position(|arg| is_runner(arg)));
            if let Some(at) = at {
                inner(&args[at..]);
            }
        }
        "npx" | "bunx" | "pnpx" => launch.package = node_package(args),
        "npm" => launch.package = after(args, &["exec", "x"]).and_then(node_package),
        "pnpm" | "yarn" => launch.package = after(args, &["dlx", "exec"]).and_then(node_package),
        "bun" => launch.package = after(args, &["x"]).and_then(node_package),
        "deno" => launch.package = deno_package(args),
        "uvx" => launch.package = python_package(args),
        "uv" => {
            launch.package = after(args, &["tool"])
                .and_then(|args| after(args, &["run"]))
                .and_then(python_package)
                .or_else(|| after(args, &["run"]).and_then(uv_run_package));
        }
        "pipx" => launch.package = after(args, &["run"]).and_then(python_package),
        "docker" | "podman" | "nerdctl" => {
            if let Some(run) = after(args, &["run"]).or_else(|| after(args, &["container"])) {
                image(run, launch);
            }
        }
        _ if program.starts_with("python") => {
            if let Some(module) = value_after(args, &["-m"]) {
                let name = module.split('.').next().unwrap_or(module);
                // What is installed has its version elsewhere: nothing is fetched, nothing is unpinned.
                launch.package = plain_package(Registry::Pypi, name, Some("installed".into()));
            }
        }
        _ => {}
    }
    if let Some(package) = &mut launch.package
        && package.version.as_deref() == Some("installed")
    {
        package.version = Some(String::new());
    }
}

fn is_runner(word: &str) -> bool {
    [
        "npx", "bunx", "uvx", "uv", "docker", "podman", "node", "python", "python3", "deno", "pipx", "npm",
        "pnpm",
    ]
    .contains(&word)
}

/// What follows a sub-command.
fn after<'a, 'b>(args: &'b [&'a str], names: &[&str]) -> Option<&'b [&'a str]> {
    let at = args.iter().position(|arg| !arg.starts_with('-'))?;
    names.contains(&args[at]).then(|| &args[at + 1..])
}

fn value_after<'a>(args: &[&'a str], names: &[&str]) -> Option<&'a str> {
    let at = args.iter().position(|arg| names.contains(arg))?;
    args.get(at + 1).copied()
}

/// The first argument that is neither an option nor an option's value.
fn positional<'a>(args: &[&'a str], with_value: &[&str]) -> Option<&'a str> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--" {
            return args.next().copied();
        }
        if !arg.starts_with('-') {
            return Some(arg);
        }
        if with_value.contains(arg) {
            args.next();
        }
    }
    None
}

fn node_package(args: &[&str]) -> Option<Package> {
    let named = args.iter().find_map(|arg| arg.strip_prefix("--package="));
    let named = named.or_else(|| value_after(args, &["-p", "--package"]));
    let with_value = ["-c", "--call", "-w", "--workspace", "--registry", "--cache", "--node-options"];
    node_spec(named.or_else(|| positional(args, &with_value))?)
}

/// `name`, `name@version`, `@scope/name@version`; an alias `x@npm:name@version`.
fn node_spec(spec: &str) -> Option<Package> {
    let spec = spec.split_once("@npm:").map_or(spec, |(_, target)| target);
    let at = spec.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let (name, version) = match at {
        Some(at) => (&spec[..at], Some(spec[at + 1..].to_owned())),
        None => (spec, None),
    };
    plain_package(Registry::Npm, name, version)
}

fn deno_package(args: &[&str]) -> Option<Package> {
    args.iter()
        .find_map(|arg| arg.strip_prefix("npm:").or_else(|| arg.strip_prefix("jsr:")))
        .and_then(node_spec)
}

fn python_package(args: &[&str]) -> Option<Package> {
    let from =
        args.iter().find_map(|arg| arg.strip_prefix("--from=").or_else(|| arg.strip_prefix("--spec=")));
    let from = from.or_else(|| value_after(args, &["--from", "--spec"]));
    let with_value = [
        "--python",
        "-p",
        "--with",
        "--with-editable",
        "--with-requirements",
        "--index-url",
        "-i",
        "--index",
        "--extra-index-url",
        "--default-index",
        "--env-file",
        "--directory",
        "--project",
        "--cache-dir",
        "--config-file",
        "--pip-args",
        "--refresh-package",
        "--upgrade-package",
        "-P",
    ];
    python_spec(from.or_else(|| positional(args, &with_value))?)
}

/// `uv run --with PACKAGE fastmcp run x.py`, `uv run mcp-server-x`: without `--with` it is the project's own.
fn uv_run_package(args: &[&str]) -> Option<Package> {
    let with =
        args.iter().find_map(|arg| arg.strip_prefix("--with=")).or_else(|| value_after(args, &["--with"]));
    python_spec(with?)
}

/// `name`, `name==1.2`, `name@1.2`, `name[extra]>=1`, `git+https://host/x/name.git@rev`.
fn python_spec(spec: &str) -> Option<Package> {
    if let Some(rest) = spec.strip_prefix("git+") {
        let (_, path) = rest.split_once("://")?;
        let path = path.split('#').next()?;
        let (path, revision) = match path.rsplit_once('@') {
            Some((path, revision)) if path.contains('/') => (path, Some(revision.to_owned())),
            _ => (path, None),
        };
        let name = path.trim_end_matches('/').rsplit('/').next()?;
        return plain_package(Registry::Pypi, name.strip_suffix(".git").unwrap_or(name), revision);
    }
    let end = spec.find(['[', '=', '<', '>', '!', '~', '@', ' ', ';']).unwrap_or(spec.len());
    let (name, rest) = spec.split_at(end);
    let rest = rest.split_once(']').map_or(rest, |(_, rest)| rest).trim();
    let version = rest.strip_prefix("==").or_else(|| rest.strip_prefix('@')).map(|v| v.trim().to_owned());
    plain_package(Registry::Pypi, name, version)
}

/// `docker run [options] IMAGE …`.
fn image(args: &[&str], launch: &mut Launch) {
    const SWITCHES: [&str; 12] = [
        "-i",
        "-t",
        "-it",
        "-ti",
        "-d",
        "--rm",
        "--interactive",
        "--tty",
        "--init",
        "--privileged",
        "--read-only",
        "--detach",
    ];
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if !arg.starts_with('-') {
            if launch.package.is_none() && *arg != "run" {
                launch.package = image_spec(arg);
                return;
            }
            continue;
        }
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) if arg.starts_with("--") => (option, value),
            _ if SWITCHES.contains(arg) => continue,
            _ => (*arg, rest.next().copied().unwrap_or_default()),
        };
        match option {
            "-e" | "--env" => {
                let name = variable_name(value).unwrap_or(value);
                launch.env_names.push(name.to_owned());
                let given = value.split_once('=').map(|(_, value)| value);
                if given.is_some_and(|value| is_plain_secret(name, value)) {
                    launch.flags.push(RiskFlag::PlainTextSecret);
                }
            }
            "-v" | "--volume" if is_whole_tree(value.split(':').next().unwrap_or_default()) => {
                launch.flags.push(RiskFlag::FilesystemRoot);
            }
            "--mount" => {
                let source = value
                    .split(',')
                    .find_map(|part| part.strip_prefix("src=").or_else(|| part.strip_prefix("source=")));
                if source.is_some_and(is_whole_tree) {
                    launch.flags.push(RiskFlag::FilesystemRoot);
                }
            }
            _ => {}
        }
    }
}

/// `registry:5000/name:tag@sha256:…`.
fn image_spec(spec: &str) -> Option<Package> {
    let (rest, digest) = match spec.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (spec, None),
    };
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
        _ => (rest, None),
    };
    plain_package(Registry::Image, name, digest.or(tag))
}

/// A package with a name that can be one: no path, no URL, no variable.
fn plain_package(registry: Registry, name: &str, version: Option<String>) -> Option<Package> {
    let usual = |c: char| c.is_ascii_alphanumeric() || "@/._-:".contains(c);
    let relative = name.starts_with(['.', '/', '~']) || name.contains("://") || name.contains(":\\");
    let fits = !name.is_empty() && name.len() <= 214 && name.chars().all(usual) && !relative;
    fits.then(|| Package { registry, name: name.to_owned(), version })
}

/// Whether a version names one release: an exact number, a digest or a revision, not a range or a moving tag.
/// Empty stands for what is installed already.
fn is_pin(version: Option<&str>) -> bool {
    match version {
        None => false,
        Some("") => true,
        Some(version) => {
            let moving =
                ["latest", "next", "main", "master", "beta", "alpha", "canary", "stable", "nightly", "edge"];
            !moving.contains(&version.to_ascii_lowercase().as_str())
                && !version.contains(['^', '~', '*', '<', '>', '|', ' '].as_slice())
                && !version.split('.').any(|part| part == "x")
                && version.chars().any(|c| c.is_ascii_digit())
        }
    }
}

/// The last part of a path of either kind of system.
pub(super) fn basename(command: &str) -> Option<String> {
    let first = command.trim().trim_matches('"');
    let name = first.rsplit(['/', '\\']).next().unwrap_or(first);
    // A line in one string: its first word only, so that no argument is reported as a command.
    let name = name.split_whitespace().next().unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

fn looks_like_path(command: &str) -> bool {
    command.starts_with(['/', '~', '.', '"', '\\']) || command.get(1..3) == Some(":\\")
}

fn is_windows_switch(arg: &str) -> bool {
    arg.len() == 2 && arg.starts_with('/') && arg.as_bytes()[1].is_ascii_alphabetic()
}

pub(super) fn is_url(word: &str) -> bool {
    ["http://", "https://", "ws://", "wss://"]
        .iter()
        .any(|scheme| word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn variable_name(assignment: &str) -> Option<&str> {
    assignment.split_once('=').map(|(name, _)| name)
}

fn serves_files(words: &[&str], package: Option<&Package>) -> bool {
    let tell = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.contains("filesystem") || word.contains("file-system") || word.contains("desktop-commander")
    };
    words.iter().any(|word| tell(word)) || package.is_some_and(|package| tell(&package.name))
}

/// Whether a path is the root of a file system, all homes, or one whole home.
fn is_whole_tree(path: &str) -> bool {
    let plain = path.trim_matches('"').replace('\\', "/");
    let plain = if plain.len() > 1 { plain.trim_end_matches('/') } else { plain.as_str() };
    let homes = [
        "",
        "/",
        "~",
        "$HOME",
        "${HOME}",
        "${userHome}",
        "%USERPROFILE%",
        "/home",
        "/Users",
        "/root",
        "/host",
    ];
    if homes.contains(&plain) {
        return !path.is_empty();
    }
    let drive = plain.as_bytes();
    if drive.len() == 2 && drive[0].is_ascii_alphabetic() && drive[1] == b':' {
        return true;
    }
    let below = plain.strip_prefix("/home/").or_else(|| plain.strip_prefix("/Users/"));
    let below = below.or_else(|| plain.get(2..).and_then(|rest| rest.strip_prefix("/Users/")));
    below.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(command: &str, args: &[&str]) -> Option<(String, Option<String>, bool)> {
        let launch = read(command, args);
        let pinned = !launch.flags.contains(&RiskFlag::UnpinnedPackage);
        launch.package.map(|p| (p.name, p.version.filter(|version| !version.is_empty()), pinned))
    }

    #[test]
    fn the_package_and_its_pin_are_read_from_every_runner() {
        type Case = (&'static str, &'static [&'static str], &'static str, Option<&'static str>, bool);
        let cases: &[Case] = &[
            (
                "npx",
                &["-y", "@modelcontextprotocol/server-filesystem", "/tmp"],
                "@modelcontextprotocol/server-filesystem",
                None,
                false,
            ),
            ("npx", &["-y", "@playwright/mcp@latest"], "@playwright/mcp", None, false),
            (
                "/usr/bin/npx",
                &["--yes", "@upstash/context7-mcp@1.0.14"],
                "@upstash/context7-mcp",
                Some("1.0.14"),
                true,
            ),
            ("npx", &["-y", "server@^1.2.0"], "server", None, false),
            ("npx", &["--package=@a/b@2.0.0", "run-it"], "@a/b", Some("2.0.0"), true),
            ("npx", &["-y", "--", "tool"], "tool", None, false),
            ("npm", &["exec", "--yes", "x@1.0.0"], "x", Some("1.0.0"), true),
            ("pnpm", &["dlx", "x"], "x", None, false),
            ("bun", &["x", "x"], "x", None, false),
            ("bunx", &["x@3.1.4"], "x", Some("3.1.4"), true),
            ("deno", &["run", "-A", "npm:@a/b@1.1.1"], "@a/b", Some("1.1.1"), true),
            ("uvx", &["mcp-server-git", "--repository", "/x"], "mcp-server-git", None, false),
            ("uvx", &["mcp-server-time==2025.1.17"], "mcp-server-time", Some("2025.1.17"), true),
            ("uvx", &["mcp-server-fetch@2025.4.7"], "mcp-server-fetch", Some("2025.4.7"), true),
            (
                "uvx",
                &["--python", "3.12", "--from", "serena[x]==0.1.0", "serena"],
                "serena",
                Some("0.1.0"),
                true,
            ),
            ("uvx", &["--from", "git+https://github.com/oraios/serena", "serena"], "serena", None, false),
            ("uv", &["tool", "run", "mcp-x"], "mcp-x", None, false),
            ("uv", &["run", "--with", "mcp[cli]", "mcp", "run", "a.py"], "mcp", None, false),
            ("pipx", &["run", "mcp-y==1"], "mcp-y", Some("1"), true),
            ("python3", &["-m", "mcp_server_git"], "mcp_server_git", None, true),
            (
                "docker",
                &["run", "-i", "--rm", "-e", "GITHUB_TOKEN", "ghcr.io/github/github-mcp-server"],
                "ghcr.io/github/github-mcp-server",
                None,
                false,
            ),
            (
                "docker",
                &["run", "-i", "--rm", "--network=host", "mcp/time:1.4"],
                "mcp/time",
                Some("1.4"),
                true,
            ),
            (
                "podman",
                &["run", "localhost:5000/a/b@sha256:00ff11"],
                "localhost:5000/a/b",
                Some("sha256:00ff11"),
                true,
            ),
            ("cmd", &["/c", "npx", "-y", "@a/b"], "@a/b", None, false),
            ("C:\\Windows\\System32\\cmd.exe", &["/C", "npx.cmd", "-y", "x@1.0.0"], "x", Some("1.0.0"), true),
            ("bash", &["-lc", "npx -y x@1.0.0"], "x", Some("1.0.0"), true),
            ("env", &["A=1", "npx", "x@1.0.0"], "x", Some("1.0.0"), true),
            ("npx -y whole-line", &[], "whole-line", None, false),
        ];
        for (command, args, name, version, pinned) in cases {
            let found = package(command, args);
            assert_eq!(found, Some(((*name).into(), version.map(Into::into), *pinned)), "{command} {args:?}");
        }
    }

    #[test]
    fn a_local_program_is_no_package() {
        assert_eq!(package("node", &["/home/kim/server.js"]), None);
        assert_eq!(package("npx", &["./local"]), None);
        assert_eq!(package("uv", &["--directory", "/x", "run", "server.py"]), None);
        assert_eq!(read("/opt/x/my-server", &["--port", "1"]).command.as_deref(), Some("my-server"));
    }

    #[test]
    fn a_shell_and_a_whole_tree_are_flagged() {
        assert!(read("bash", &["-c", "x"]).flags.contains(&RiskFlag::Shell));
        assert!(!read("npx", &["bash"]).flags.contains(&RiskFlag::Shell));
        for root in ["/", "~", "$HOME", "/home/kim", "/Users/kim/", "C:\\", "C:\\Users\\kim"] {
            let launch = read("npx", &["-y", "@modelcontextprotocol/server-filesystem", root]);
            assert!(launch.flags.contains(&RiskFlag::FilesystemRoot), "{root}");
        }
        for part in ["/home/kim/project", "/srv/data", "C:\\work"] {
            let launch = read("npx", &["-y", "@modelcontextprotocol/server-filesystem", part]);
            assert!(!launch.flags.contains(&RiskFlag::FilesystemRoot), "{part}");
        }
        assert!(read("docker", &["run", "-v", "/:/host", "x"]).flags.contains(&RiskFlag::FilesystemRoot));
    }
}
