//! pacman: a folder for each installed package, with a `desc` of `%FIELD%` blocks.

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

const LOCAL: &str = "var/lib/pacman/local";
/// Largest `desc` read, in bytes.
const DESC_BYTES: u64 = 1024 * 1024;

pub(super) fn read(root: &Dir, source: &mut Source<'_>) {
    let Some(folder) = source.note(root.dir(LOCAL), || root.shown_child(LOCAL)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let path = std::path::Path::new(&entry.name).join("desc");
        let location = || folder.shown_child(&path);
        let Some(file) = source.note(folder.file(&path, DESC_BYTES), location) else { continue };
        let owner = file.uid;
        let Some(bytes) = source.note(file.bytes(), location) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if let Some(name) = field(&text, "%NAME%") {
            source.offer(
                SoftwareKind::Pacman,
                Found::new(name).version(field(&text, "%VERSION%")).at(location(), owner),
            );
        }
    }
}

/// The line after a field's name.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find(|line| *line == name)?;
    lines.next().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_line_after_its_name() {
        let text = "%NAME%\nollama\n\n%VERSION%\n0.12.3-1\n\n%DESC%\n%NAME%\n";
        assert_eq!(field(text, "%NAME%"), Some("ollama"));
        assert_eq!(field(text, "%VERSION%"), Some("0.12.3-1"));
        assert_eq!(field(text, "%ARCH%"), None);
        assert_eq!(field("%NAME%", "%NAME%"), None);
    }
}
