//! Model files outside a store with manifests: LM Studio, GPT4All, Jan, llama.cpp, ComfyUI, Whisper, and whatever
//! lies loose in a home.

use std::path::{Path, PathBuf};

use serde_json::Value;
use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::folders::{Folder, IN_HOME, IN_SYSTEM, role};
use super::{Header, header_of, take_model};
use crate::scan::document::{self, Format};
use crate::scan::environment;
use crate::scan::safe::{Dir, FileType, Trouble};
use crate::scan::source::{Found, Source};
use crate::scan::walk::Hits;

/// Most model files taken of one home.
const FILES: usize = 2_000;
/// Most parts of one model.
const PARTS: u32 = 1_000;
/// Largest settings file read, in bytes.
const SETTINGS_BYTES: u64 = 256 * 1024;

/// Settings of LM Studio; `downloadsFolder` is where it keeps models.
const LM_STUDIO: &[&str] = &[".lmstudio/settings.json", ".cache/lm-studio/settings.json"];
/// Settings of GPT4All; `modelPath` is where it keeps models.
const GPT4ALL: &str = ".config/nomic.ai/GPT4All.ini";
/// Variables that move a folder: what they stand for is at this place below them.
const VARIABLES: &[(&str, &str, Folder)] = &[
    ("llama-server", "LLAMA_CACHE", Folder { path: "", client: "llama.cpp", depth: 1, endings: &["gguf"] }),
    (
        "",
        "TORCH_HOME",
        Folder { path: "hub/checkpoints", client: "PyTorch Hub", depth: 0, endings: &["pt", "pth"] },
    ),
    (
        "",
        "MODELSCOPE_CACHE",
        Folder { path: "hub", client: "ModelScope", depth: 4, endings: &["gguf", "safetensors"] },
    ),
];

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    let mut reading = Reading { left: FILES, source };
    for folder in IN_SYSTEM {
        reading.folder_at(root, folder.path, folder);
    }
    for (unit, variable, folder) in VARIABLES {
        for path in environment::of_system(root, unit, variable) {
            reading.moved(root, None, &path, folder);
        }
    }
}

pub(in crate::scan) fn read_home(home: &Dir, root: &Dir, hits: &Hits, source: &mut Source<'_>) {
    let mut reading = Reading { left: FILES, source };
    for folder in IN_HOME {
        reading.folder_at(home, folder.path, folder);
    }
    for (unit, variable, folder) in VARIABLES {
        for path in environment::of_home(home, unit, variable) {
            reading.moved(root, Some(home), &path, folder);
        }
    }
    for (client, path) in set_folders(home) {
        let usual = IN_HOME.iter().any(|folder| home.absolute().join(folder.path) == path);
        if !usual {
            let folder = Folder { path: "", client, depth: 2, endings: &["gguf", "safetensors"] };
            reading.moved(root, Some(home), &path, &folder);
        }
    }
    for path in &hits.model_files {
        if IN_HOME.iter().any(|folder| path.starts_with(folder.path)) {
            continue;
        }
        let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
            reading.file(home, path, None);
            continue;
        };
        let Some(folder) = reading.source.note(home.dir(parent), || home.shown_child(parent)) else {
            continue;
        };
        if let Some(name) = path.file_name() {
            reading.file(&folder, Path::new(name), None);
        }
    }
}

/// Folders that a program's own settings name.
fn set_folders(home: &Dir) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for path in LM_STUDIO {
        let settings =
            home.read(path, SETTINGS_BYTES).and_then(|bytes| document::parse(&bytes, Format::Json));
        let folder = settings
            .ok()
            .and_then(|settings| settings.get("downloadsFolder").and_then(Value::as_str).map(PathBuf::from));
        found.extend(folder.map(|folder| ("LM Studio", folder)));
    }
    if let Ok(bytes) = home.read(GPT4ALL, SETTINGS_BYTES) {
        let paths = environment::values(&bytes, "modelPath");
        found.extend(paths.into_iter().map(|path| ("GPT4All", PathBuf::from(path))));
    }
    found.retain(|(_, path)| path.is_absolute());
    found
}

struct Reading<'r, 'a> {
    left: usize,
    source: &'r mut Source<'a>,
}

impl Reading<'_, '_> {
    fn folder_at(&mut self, base: &Dir, path: &str, folder: &Folder) {
        if let Some(dir) = self.source.note(base.dir(path), || base.shown_child(path)) {
            self.folder(&dir, folder, folder.depth);
        }
    }

    /// A folder that is elsewhere than usual.
    fn moved(&mut self, root: &Dir, home: Option<&Dir>, path: &Path, folder: &Folder) {
        let path = path.join(folder.path);
        let opened = environment::open(root, home, &path);
        if let Some(dir) = self.source.note(opened, || path.display().to_string()) {
            self.folder(&dir, folder, folder.depth);
        }
    }

    fn folder(&mut self, dir: &Dir, folder: &Folder, depth: usize) {
        let Some((entries, trouble)) = self.source.note(dir.entries(), || dir.shown().into()) else { return };
        if let Some(trouble) = trouble {
            self.source.trouble(trouble, dir.shown());
        }
        for entry in entries {
            let Some(name) = entry.text() else { continue };
            let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
            if entry.kind == FileType::Directory && depth > 0 {
                if let Some(below) = self.source.note(dir.dir(name), || dir.shown_child(name)) {
                    self.folder(&below, folder, depth - 1);
                }
            } else if ending.is_some_and(|ending| folder.endings.contains(&ending.as_str())) {
                self.file(dir, Path::new(name), Some(folder.client));
            }
        }
    }

    fn file(&mut self, folder: &Dir, path: &Path, client: Option<&str>) {
        let Some(name) = path.to_str() else { return };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let part = Part::of(stem);
        if part.is_some_and(|part| part.number > 1 && folder.look(part.sibling(name, 1)).is_ok()) {
            // Told with the first.
            return self.source.pass();
        }
        if self.left == 0 {
            return self.source.trouble(Trouble::TooLarge, folder.shown());
        }
        self.left -= 1;
        // Opened, not just looked at: behind a link the file counts that it leads to, if it may be followed.
        let opened = folder.head(path).map(|file| (file.len, file.uid));
        let Some((len, owner)) = self.source.note(opened, || folder.shown_child(path)) else { return };
        let lower = name.to_ascii_lowercase();
        let tagged = lower.ends_with(".gguf") || lower.ends_with(".safetensors");
        let header = match tagged {
            true => match header_of(folder, path, name) {
                Ok(header) => header,
                // A model all the same, known by its name.
                Err(Trouble::TooLarge) => {
                    self.source.trouble(Trouble::TooLarge, folder.shown_child(path));
                    Header::default()
                }
                // A pointer left by a large-file store, a download under way, or no model at all.
                Err(trouble) => return self.source.trouble(trouble, folder.shown_child(path)),
            },
            false => Header::default(),
        };
        let size = part.map_or(len, |part| part.size(folder, name));
        let whole = part.map_or(stem, |part| part.name);
        // `<publisher>/<model>/<file>` in LM Studio's store: the repository's name may be known where the file's is not.
        let absolute = folder.absolute();
        let tail: PathBuf = absolute.iter().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
        let repository = tail.to_string_lossy().into_owned();
        let parent = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // What frameworks call every model's file says nothing; its folder does.
        let nameless =
            matches!(whole, "model" | "pytorch_model" | "diffusion_pytorch_model" | "adapter_model");
        let by_file = if nameless && !parent.is_empty() { parent.clone() } else { whole.to_owned() };
        let role = header.role.map(|role| role.as_str()).or_else(|| by_name(whole)).or_else(|| role(&parent));
        let details = ItemDetails {
            client: client.filter(|client| !client.is_empty()).map(str::to_owned),
            location: Some(folder.shown_child(path)),
            family: header.family,
            // The first part of a split model does not count the rest.
            parameters: header.parameters.filter(|_| part.is_none() || lower.ends_with(".gguf")),
            quantisation: header.quantisation,
            licence: header.licence,
            publisher: header.publisher,
            role: role.map(str::to_owned),
            size_bytes: Some(size),
            ..ItemDetails::default()
        };
        let value = header.name.unwrap_or(by_file);
        let found = Found { value, details, owner: Some(owner), ..Found::default() };
        take_model(SoftwareKind::Model, &[whole, &repository], found, self.source);
    }
}

/// The sidecar that GGUF's naming convention puts in front of a name.
fn by_name(stem: &str) -> Option<&'static str> {
    match stem.split(['-', '_', '.']).next()? {
        "mmproj" => Some("projector"),
        "adapter" if stem == "adapter_model" => Some("adapter"),
        _ => None,
    }
}

/// Whether a file is one of several that a model is split into.
pub(super) fn is_part(file: &str) -> bool {
    Part::of(file.rsplit_once('.').map_or(file, |(stem, _)| stem)).is_some()
}

/// One file of a model that is split into several: `name-00001-of-00003` (the naming conventions of GGUF and of
/// Hugging Face's libraries).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part<'a> {
    name: &'a str,
    number: u32,
    count: u32,
}

impl<'a> Part<'a> {
    fn of(stem: &'a str) -> Option<Self> {
        let (rest, count) = stem.rsplit_once("-of-")?;
        let (name, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| {
            (text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u32>().ok())?
        };
        let (number, count) = (digits(number)?, digits(count)?);
        (!name.is_empty() && (1..=count).contains(&number) && count <= PARTS).then_some(Self {
            name,
            number,
            count,
        })
    }

    /// The file of another part.
    fn sibling(self, file: &str, number: u32) -> String {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        format!("{}-{number:05}-of-{:05}.{ending}", self.name, self.count)
    }

    /// The size of all parts that are there, in bytes.
    fn size(self, folder: &Dir, file: &str) -> u64 {
        let sizes = (1..=self.count).map(|number| folder.look(self.sibling(file, number)));
        sizes.flatten().fold(0, |sum, look| sum.saturating_add(look.len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_model_are_told_by_their_names() {
        assert!(is_part("model-00002-of-00007.safetensors") && !is_part("model.safetensors"));
        let part = Part::of("Grok-100B-v1.0-Q4_0-00003-of-00009").unwrap();
        assert_eq!((part.name, part.number, part.count), ("Grok-100B-v1.0-Q4_0", 3, 9));
        assert_eq!(part.sibling("x.gguf", 1), "Grok-100B-v1.0-Q4_0-00001-of-00009.gguf");
        for stem in [
            "Grok",
            "-00001-of-00002",
            "x-1-of-2",
            "x-00003-of-00002",
            "x-00000-of-00002",
            "x-ä0001-of-00002",
        ] {
            assert_eq!(Part::of(stem), None, "{stem}");
        }
    }

    #[test]
    fn sidecars_are_told_by_their_names() {
        assert_eq!(by_name("mmproj-Qwen2-VL-7B-v1.0-F16"), Some("projector"));
        assert_eq!(by_name("mmprojector"), None);
        assert_eq!(role("Lora"), Some("adapter"));
        assert_eq!(role("checkpoints"), None);
    }
}
