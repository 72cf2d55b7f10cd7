//! Keys of AI services in the environment: that a variable is set which holds one, by its name. Which names those are is the
//! catalogue's knowledge.
//!
//! Read are the files that set variables for everybody, for a service or for a person, and the two keys of a Windows registry that
//! do. The environment of a process is never read. Of a file only the names of what it sets come out, and whether one is a secret
//! written out; of a registry nothing but names is asked for.

use std::collections::BTreeMap;
use std::path::Path;

use umbrascope_api::{Channel, RiskFlag};
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::environment::{self, FILE_BYTES, SHELLS, USER_ENVIRONMENT, USER_UNITS};
use super::mcp::is_plain_secret;
use super::registry::{self, Key};
use super::safe::{Dir, FileType, OwnerId};
use super::source::{Found, Source};
use super::walk::Hits;

/// Files of the system that set variables for everybody.
const SYSTEM_FILES: &[&str] = &[
    "etc/environment",
    "etc/profile",
    "etc/bash.bashrc",
    "etc/bashrc",
    "etc/zshenv",
    "etc/zprofile",
    "etc/zshrc",
    "etc/zsh/zshenv",
    "etc/zsh/zprofile",
    "etc/zsh/zshrc",
    "etc/fish/config.fish",
];
/// Folders of the system with such files, and how their names end.
const SYSTEM_FOLDERS: &[(&str, &str)] = &[
    ("etc/environment.d", ".conf"),
    ("etc/profile.d", ".sh"),
    ("etc/default", ""),
    ("etc/sysconfig", ""),
    ("etc/conf.d", ""),
];
/// Folders with units and their drop-ins that administrators write. What packages bring holds no keys.
const SYSTEM_UNITS: &[&str] = &["etc/systemd/system", "etc/systemd/user"];

/// Files of a home beside those of the shells that [`environment`] knows.
const HOME_FILES: &[&str] = &[
    ".bash_aliases",
    ".cshrc",
    ".tcshrc",
    ".pam_environment",
    ".config/fish/config.fish",
    ".config/fish/fish_variables",
    ".config/powershell/profile.ps1",
    ".config/powershell/Microsoft.PowerShell_profile.ps1",
    "Documents/PowerShell/profile.ps1",
    "Documents/PowerShell/Microsoft.PowerShell_profile.ps1",
    "Documents/WindowsPowerShell/profile.ps1",
    "Documents/WindowsPowerShell/Microsoft.PowerShell_profile.ps1",
];
const HOME_FOLDERS: &[(&str, &str)] = &[(USER_ENVIRONMENT, ".conf"), (".config/fish/conf.d", ".fish")];

/// Most files of one folder that are read, and most units of one.
const FILES: usize = 64;
/// Longest line looked at, in bytes, and most names taken of one file.
const LINE_BYTES: usize = 16 * 1024;
const NAMES: usize = 1_000;

/// How the names end that may be worth knowing when a newer catalogue comes.
const LIKE_KEYS: &[&str] = &["_API_KEY", "_API_TOKEN"];

/// What is set for everybody or for a service of the system.
pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    let mut keys = Keys::default();
    for path in SYSTEM_FILES {
        keys.read(root, Path::new(path), source);
    }
    for (folder, ending) in SYSTEM_FOLDERS {
        keys.read_folder(root, Path::new(folder), ending, source);
    }
    for folder in SYSTEM_UNITS {
        keys.read_units(root, Path::new(folder), source);
    }
    keys.tell(false, source);
}

/// What the owner of a home has set.
pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let mut keys = Keys::default();
    for path in SHELLS.iter().chain(HOME_FILES) {
        keys.read(home, Path::new(path), source);
    }
    for (folder, ending) in HOME_FOLDERS {
        keys.read_folder(home, Path::new(folder), ending, source);
    }
    keys.read_units(home, Path::new(USER_UNITS), source);
    keys.tell(true, source);
}

/// What a Windows registry sets, for the machine and for its users.
pub(super) fn read_registry(root: &Dir, live: bool, registry: &registry::Registry, source: &mut Source<'_>) {
    if registry.software.is_some() {
        let mut lost = Vec::new();
        let machine = registry::machine_environment(root, live, &mut lost);
        for (location, trouble) in lost {
            source.trouble(trouble, location);
        }
        if let Some(key) = machine {
            let mut keys = Keys::default();
            keys.read_key(&*key, registry::MACHINE_ENVIRONMENT, None, source);
            keys.tell(false, source);
        }
    }
    for user in &registry.users {
        let location = r"HKCU\Environment";
        let opened = user.root.as_ref().map(|root| root.open("Environment"));
        let Some(key) = opened.and_then(|key| source.note(key, || location.into())) else { continue };
        let mut keys = Keys::default();
        keys.read_key(&*key, location, Some(user.owner), source);
        keys.tell(true, source);
    }
}

/// What is known of one environment: by the name of the variable, where it is set first.
#[derive(Default)]
struct Keys<'a> {
    found: BTreeMap<String, (&'a RuleRef, Found)>,
}

impl<'a> Keys<'a> {
    fn read_folder(&mut self, base: &Dir, path: &Path, ending: &str, source: &mut Source<'a>) {
        let Some((folder, entries)) = source.list(base, path) else { return };
        let named = entries.iter().filter(|entry| entry.kind == FileType::RegularFile);
        let mut names: Vec<&str> =
            named.filter_map(|entry| entry.text()).filter(|name| name.ends_with(ending)).collect();
        names.sort_unstable();
        for name in source.first(names, FILES, folder.shown()) {
            self.read(&folder, Path::new(name), source);
        }
    }

    /// Units and their drop-ins. A link leads to a unit of a package, which sets no keys.
    fn read_units(&mut self, base: &Dir, path: &Path, source: &mut Source<'a>) {
        self.read_folder(base, path, ".service", source);
        let Some((folder, entries)) = source.list(base, path) else { return };
        let drop_ins = entries.iter().filter(|entry| entry.kind == FileType::Directory);
        let drop_ins = drop_ins.filter_map(|entry| entry.text()).filter(|name| name.ends_with(".service.d"));
        for name in source.first(drop_ins.collect(), FILES, folder.shown()) {
            self.read_folder(&folder, Path::new(name), ".conf", source);
        }
    }

    fn read(&mut self, base: &Dir, path: &Path, source: &mut Source<'a>) {
        let location = || base.shown_child(path);
        let read = base.file(path, FILE_BYTES).and_then(|file| Ok((file.uid, file.bytes()?)));
        let Some((owner, bytes)) = source.note(read, location) else { return };
        for Set { name, plain } in names(&bytes) {
            self.learn(name, plain, location, owner, source);
        }
    }

    fn read_key(&mut self, key: &dyn Key, shown: &str, owner: Option<OwnerId>, source: &mut Source<'a>) {
        let names = source.note(key.names(), || shown.into()).unwrap_or_default();
        for name in names.into_iter().filter(|name| is_name(name)) {
            match source.rule(SoftwareKind::EnvName, &name) {
                Some(rule) => {
                    let mut found = Found::new(name.clone());
                    found.details.location = Some(shown.to_owned());
                    found.owner = owner;
                    self.found.entry(name).or_insert((rule, found));
                }
                None => leave(name, source),
            }
        }
    }

    fn learn(
        &mut self,
        name: String,
        plain: bool,
        location: impl Fn() -> String,
        owner: OwnerId,
        source: &mut Source<'a>,
    ) {
        let Some(rule) = source.rule(SoftwareKind::EnvName, &name) else { return leave(name, source) };
        let new = || (rule, Found::new(name.clone()).at(location(), owner));
        let (_, found) = self.found.entry(name.clone()).or_insert_with(new);
        if plain {
            found.flags.push(RiskFlag::PlainTextSecret);
        }
    }

    /// Reports them. What is set for everybody is nobody's in particular.
    fn tell(self, of_somebody: bool, source: &mut Source<'a>) {
        for (rule, mut found) in self.found.into_values() {
            found.owner = found.owner.filter(|_| of_somebody);
            source.take_as(Channel::Environment, rule, found);
        }
    }
}

fn leave(name: String, source: &mut Source<'_>) {
    match LIKE_KEYS.iter().any(|ending| name.ends_with(ending)) {
        true => source.leave(SoftwareKind::EnvName, name, None),
        false => source.pass(),
    }
}

/// A variable that a file sets to something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: String,
    /// Whether its value is a secret written out, not a reference to one.
    pub(super) plain: bool,
}

/// The variables that a file sets, in the ways of POSIX shells, csh, fish, PowerShell, systemd and pam_env. No value is kept.
pub(super) fn names(bytes: &[u8]) -> Vec<Set> {
    let mut names = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| line.len() <= LINE_BYTES) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let line = line.trim();
        let line = line.strip_prefix("Environment=").unwrap_or(line);
        let words = environment::words(line);
        let mut words = words.iter().map(String::as_str).filter(|word| !word.is_empty()).peekable();
        let mut add = |name: &str, value: &str| {
            if is_name(name) && !value.is_empty() && names.len() < NAMES {
                names.push(Set { name: name.to_owned(), plain: is_plain_secret(name, value) });
            }
        };
        match words.peek() {
            // `set -gx NAME value` and `set --export NAME value`: the flag that exports among others.
            Some(&"set") => {
                let exports = words.clone().any(|word| {
                    word == "--export"
                        || word.starts_with('-') && !word.starts_with("--") && word.contains('x')
                });
                let mut rest = words.skip(1).filter(|word| !word.starts_with('-'));
                if let (true, Some(name), Some(value)) = (exports, rest.next(), rest.next()) {
                    add(name, value);
                }
            }
            Some(&"setenv") => {
                words.next();
                if let (Some(name), Some(value)) = (words.next(), words.next()) {
                    add(name, value);
                }
            }
            // What fish keeps itself: `SETUVAR --export NAME:value`.
            Some(&"SETUVAR") => {
                let exported = words.clone().any(|word| word == "--export");
                if let (true, Some((name, value))) =
                    (exported, words.last().and_then(|word| word.split_once(':')))
                {
                    add(name, value);
                }
            }
            _ => {
                while let Some(word) = words.next() {
                    let word = strip_start(word, "$env:");
                    match word.split_once('=') {
                        Some((name, value)) if !value.is_empty() => add(name, value),
                        _ => match words.peek() {
                            // PowerShell: `$env:NAME = value`.
                            Some(&"=") => {
                                words.next();
                                add(word, words.next().unwrap_or_default());
                            }
                            // pam_env: `NAME DEFAULT=value`.
                            Some(next) if next.starts_with("DEFAULT=") || next.starts_with("OVERRIDE=") => {
                                let value = next.split_once('=').map_or("", |(_, value)| value);
                                add(word, value);
                                words.next();
                            }
                            _ => {}
                        },
                    }
                }
            }
        }
    }
    names
}

/// Without a start that may be written in any case.
fn strip_start<'a>(word: &'a str, start: &str) -> &'a str {
    match word.get(..start.len()) {
        Some(head) if head.eq_ignore_ascii_case(start) => &word[start.len()..],
        _ => word,
    }
}

/// Whether a text can be the name of a variable.
fn is_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The files of a project that set variables when it is worked on.
pub(super) const PROJECT_FILES: &[&str] = &[".env", ".env.local", ".envrc"];

/// What such files set.
pub(super) fn read_projects(base: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for path in &hits.variable_files {
        let mut keys = Keys::default();
        keys.read(base, path, source);
        keys.tell(true, source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Vec<String> {
        names(text.as_bytes()).into_iter().map(|set| set.name).collect()
    }

    #[test]
    fn names_come_out_of_every_way_of_setting_a_variable() {
        let ways = [
            "A_KEY=x",
            "  export A_KEY='x y' # mine",
            "declare -x A_KEY=\"x\"",
            "Environment=\"A_KEY=x\"",
            "A_KEY=x some-program --flag",
            "setenv A_KEY x",
            "set -gx A_KEY x",
            "set --global --export A_KEY x",
            "SETUVAR --export A_KEY:x",
            "$env:A_KEY = \"x\"",
            "$Env:A_KEY='x'",
            "A_KEY DEFAULT=x",
        ];
        for way in ways {
            assert_eq!(set(way), ["A_KEY"], "{way}");
        }
        assert_eq!(
            set("Environment=A_KEY=x \"B_KEY=y z\"\nexport C_KEY=$(pass c)\n"),
            ["A_KEY", "B_KEY", "C_KEY"]
        );
    }

    #[test]
    fn what_sets_nothing_names_nothing() {
        let nothing = [
            "# A_KEY=x",
            "A_KEY=",
            "export A_KEY",
            "unset A_KEY",
            "echo $A_KEY",
            "alias x='A_KEY=y program'",
            "set A_KEY x",
            "SETUVAR A_KEY:x",
            "setenv A_KEY",
            "1A=x",
            "if [ \"$A_KEY\" = x ]; then",
        ];
        for text in nothing {
            assert_eq!(set(text).iter().filter(|name| name.contains("KEY")).count(), 0, "{text}");
        }
    }

    #[test]
    fn a_secret_written_out_is_told_from_a_reference_to_one() {
        let plain = |text: &str| names(text.as_bytes())[0].plain;
        assert!(plain("OPENAI_API_KEY=sk-proj-aBcDeFgHiJkLmNoP"));
        assert!(plain("export GROQ_API_KEY='0123456789abcdef'"));
        for reference in
            ["A_API_KEY=$(pass show a)", "A_API_KEY=${B}", "A_API_KEY=op://vault/a/key", "A_API_KEY=your-key"]
        {
            assert!(!plain(reference), "{reference}");
        }
    }

    #[test]
    fn any_bytes_give_names_or_none() {
        let text = b"export A_KEY=x\n\xff\xfeB_KEY=y\nset -gx C_KEY z\n$env:\nSETUVAR\nset\n";
        for end in 0..text.len() {
            names(&text[..end]);
        }
        assert_eq!(names(&[b"A_KEY=".as_slice(), &vec![b'x'; LINE_BYTES]].concat()), []);
        let many = "A_KEY=x\n".repeat(NAMES + 10);
        assert_eq!(names(many.as_bytes()).len(), NAMES);
    }
}
