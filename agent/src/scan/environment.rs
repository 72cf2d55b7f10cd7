//! Folders that a variable moves elsewhere (`OLLAMA_MODELS`, `HF_HOME` …), as the files say that set them: units of services
//! and their drop-ins, `/etc/environment`, `/etc/default`, environment.d, and what shells read when they start. The environment of a
//! process is never read, and of these files no value is kept but that of the variable asked for.

use std::path::{Component, Path, PathBuf};

use super::safe::{Dir, Trouble};

/// Largest file read, in bytes: they have a few lines.
pub(super) const FILE_BYTES: u64 = 64 * 1024;
/// Most drop-ins of one folder, and most folders given for one variable.
const DROP_INS: usize = 64;
const FOLDERS: usize = 16;

/// Folders of the system with units and their drop-ins.
const UNITS: &[&str] = &["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
pub(super) const USER_UNITS: &str = ".config/systemd/user";
/// environment.d(5).
pub(super) const USER_ENVIRONMENT: &str = ".config/environment.d";
/// What bash(1) and zsh(1) read when they start.
pub(super) const SHELLS: &[&str] =
    &[".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".zlogin"];

/// What the system sets `variable` to, for everybody or for the service `unit`.
pub(super) fn of_system(root: &Dir, unit: &str, variable: &str) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("etc/environment")];
    files.extend(["etc/default", "etc/sysconfig", "etc/conf.d"].map(|folder| Path::new(folder).join(unit)));
    for folder in UNITS {
        files.extend(unit_files(root, folder, unit));
    }
    files.extend(drop_ins(root, Path::new("etc/environment.d")));
    folders(root, &files, variable, None)
}

/// What the owner of a home sets it to.
pub(super) fn of_home(home: &Dir, unit: &str, variable: &str) -> Vec<PathBuf> {
    let mut files = drop_ins(home, Path::new(USER_ENVIRONMENT));
    files.extend(unit_files(home, USER_UNITS, unit));
    files.extend(SHELLS.iter().map(PathBuf::from));
    folders(home, &files, variable, Some(&home.absolute()))
}

/// Variables that move the folder of an assistant: the folder, as the catalogue has it, and the variable.
const ASSISTANTS: &[(&str, &str)] = &[
    ("~/.codex", "CODEX_HOME"),
    ("~/.claude", "CLAUDE_CONFIG_DIR"),
    ("~/.cline", "CLINE_DIR"),
    ("~/.grok", "GROK_HOME"),
    ("~/.hermes", "HERMES_HOME"),
    ("~/.junie", "JUNIE_HOME"),
    ("~/.vibe", "VIBE_HOME"),
    ("~/.config/io.datasette.llm", "LLM_USER_PATH"),
];

/// Where the owner of a home has moved the folder of an assistant to, below the home. What lies elsewhere is nobody's in particular.
pub(super) fn of_assistant(home: &Dir, folder: &str) -> Vec<PathBuf> {
    let variables = ASSISTANTS.iter().filter(|(of, _)| *of == folder);
    let moved = variables.flat_map(|(_, variable)| of_home(home, "", variable));
    let below = moved.filter_map(|moved| moved.strip_prefix(home.absolute()).map(Path::to_owned).ok());
    let usual = folder.trim_start_matches("~/");
    below.filter(|below| below.as_path() != Path::new(usual) && below.as_path() != Path::new("")).collect()
}

/// Opens such a folder: within the home where it lies there, else within the root, on what the home may spend.
pub(super) fn open(root: &Dir, home: Option<&Dir>, folder: &Path) -> Result<Dir, Trouble> {
    if let Some(home) = home
        && let Ok(below) = folder.strip_prefix(home.absolute())
    {
        return home.dir(below);
    }
    let root = home.map_or_else(|| root.clone(), |home| root.charged_to(home));
    root.dir(folder.strip_prefix("/").map_err(|_| Trouble::Absent)?)
}

fn unit_files(base: &Dir, folder: &str, unit: &str) -> Vec<PathBuf> {
    let file = Path::new(folder).join(format!("{unit}.service"));
    let mut files = drop_ins(base, &Path::new(folder).join(format!("{unit}.service.d")));
    files.insert(0, file);
    files
}

fn drop_ins(base: &Dir, folder: &Path) -> Vec<PathBuf> {
    let Ok((entries, _)) = base.dir(folder).and_then(|dir| dir.entries()) else { return Vec::new() };
    let names = entries.iter().filter_map(|entry| entry.text()).filter(|name| name.ends_with(".conf"));
    names.take(DROP_INS).map(|name| folder.join(name)).collect()
}

fn folders(base: &Dir, files: &[PathBuf], variable: &str, home: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for file in files {
        // A file that cannot be read is trouble for nobody: what it moves is found as absent in its usual place.
        let Ok(bytes) = base.read(file, FILE_BYTES) else { continue };
        for value in values(&bytes, variable) {
            let Some(path) = absolute(&value, home) else { continue };
            if found.len() < FOLDERS && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// A plain absolute path; `~`, `$HOME` and `%h` stand for the home where there is one.
fn absolute(value: &str, home: Option<&Path>) -> Option<PathBuf> {
    let below = ["~/", "$HOME/", "${HOME}/", "%h/"].iter().find_map(|start| value.strip_prefix(start));
    let path = match below {
        Some(below) => home?.join(below),
        None => PathBuf::from(value),
    };
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (path.is_absolute() && plain && path.components().count() > 1).then_some(path)
}

/// The values that a file of assignments gives a variable: `NAME=value`, `export NAME=value`, or systemd's
/// `Environment="NAME=value" OTHER=value`.
pub(in crate::scan) fn values(bytes: &[u8], variable: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut values = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        let line = line.strip_prefix("Environment=").or(line.strip_prefix("export ")).unwrap_or(line);
        for word in words(line) {
            let value = word.strip_prefix(variable).and_then(|rest| rest.strip_prefix('='));
            values.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
        }
    }
    values
}

/// The words of a line; quotes, around a whole word or a part of it, are taken off and may hold spaces.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            ('#', None) if word.is_empty() => break,
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_read_from_every_way_of_setting_it() {
        let unit = b"[Service]\nEnvironment=\"OLLAMA_HOST=0.0.0.0\" \"OLLAMA_MODELS=/data/my models\"\n\
            # Environment=OLLAMA_MODELS=/old\nEnvironment=OLLAMA_MODELS=/srv/ollama\n";
        assert_eq!(values(unit, "OLLAMA_MODELS"), ["/data/my models", "/srv/ollama"]);
        let file = b"A=1\nexport HF_HOME='/data/hf' # moved\nNOT_HF_HOME=/x\nHF_HOME_X=/y\nHF_HOME=\n";
        assert_eq!(values(file, "HF_HOME"), ["/data/hf"]);
        for end in 0..unit.len() {
            values(&unit[..end], "OLLAMA_MODELS");
        }
    }

    #[test]
    fn only_a_plain_absolute_path_is_a_folder() {
        let home = Path::new("/home/kim");
        assert_eq!(absolute("~/models", Some(home)), Some("/home/kim/models".into()));
        assert_eq!(absolute("%h/m", Some(home)), Some("/home/kim/m".into()));
        for value in ["~/models", "models", "/a/../etc", "/", "$X/m"] {
            assert_eq!(absolute(value, None), None, "{value}");
        }
    }
}
