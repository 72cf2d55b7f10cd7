//! Skills, plugins, sub-agents and commands of an assistant: what lies in the folders made for them, by name.

use umbrascope_api::PartKind;

use super::settings::Facts;
use crate::scan::safe::{Dir, FileType, Trouble};
use crate::scan::source::Source;

/// A folder of parts.
pub(super) struct Folder {
    pub(super) kind: PartKind,
    /// Below the assistant's own folder; what begins with `~/` is below the home, and then not looked for in projects.
    pub(super) at: &'static str,
    pub(super) holds: Holds,
}

/// How one part lies in its folder.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// A folder with one of these files in it.
    Folders(&'static [&'static str]),
    /// A file with one of these endings, perhaps in one more folder, which is then part of its name.
    Files(&'static [&'static str]),
}

/// Most entries looked at in one folder of parts.
const ENTRIES: usize = 500;

/// Adds the parts of a folder to what is known of the assistant.
pub(super) fn read(
    own: &Dir,
    home: Option<&Dir>,
    folder: &Folder,
    facts: &mut Facts,
    source: &mut Source<'_>,
) {
    let opened = match folder.at.strip_prefix("~/") {
        Some(at) => match home {
            Some(home) => home.dir(at),
            None => return,
        },
        None => own.dir(folder.at),
    };
    let Some(dir) = source.note(opened, || own.shown_child(folder.at)) else { return };
    list(&dir, folder, "", facts, source);
}

fn list(dir: &Dir, folder: &Folder, around: &str, facts: &mut Facts, source: &mut Source<'_>) {
    let Some((entries, trouble)) = source.note(dir.entries(), || dir.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, dir.shown());
    }
    for entry in source.first(entries, ENTRIES, dir.shown()) {
        let Some(name) = entry.text().filter(|name| !name.starts_with('.')) else { continue };
        match folder.holds {
            Holds::Folders(marks) if entry.may_be_dir() => {
                // A link to a folder elsewhere in the home counts; one that leads out is not looked behind.
                match dir.dir(name) {
                    Ok(below) if marks.iter().any(|mark| below.look(mark).is_ok()) => {
                        facts.part(folder.kind.clone(), name);
                    }
                    Err(Trouble::Refused) if entry.kind == FileType::Symlink => {
                        source.aside(format!("{} (a link that leads out)", dir.shown_child(name)));
                    }
                    Err(trouble) => source.trouble(trouble, dir.shown_child(name)),
                    Ok(_) => {}
                }
            }
            Holds::Files(endings) => {
                if let Some(stem) = endings.iter().find_map(|ending| name.strip_suffix(ending)) {
                    facts.part(folder.kind.clone(), &format!("{around}{stem}"));
                } else if around.is_empty()
                    && entry.kind == FileType::Directory
                    && let Some(below) = source.note(dir.dir(name), || dir.shown_child(name))
                {
                    list(&below, folder, &format!("{name}:"), facts, source);
                }
            }
            Holds::Folders(_) => {}
        }
    }
}
