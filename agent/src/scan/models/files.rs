//! Model files outside a store with manifests: LM Studio, GPT4All, Jan, llama.cpp, ComfyUI, Whisper, and whatever
//! lies loose in a home.

use std::path::{Path, PathBuf};

use umbrascope_api::ItemDetails;
use umbrascope_rules::SoftwareKind;

use super::{header_of, take_model};
use crate::scan::safe::{Dir, FileType, Trouble};
use crate::scan::source::{Found, Source};
use crate::scan::walk::Hits;

/// Folders of a home, the program that fills them, how deep they go, and which endings are its models.
const FOLDERS: &[(&str, &str, usize, &[&str])] = &[
    (".lmstudio/models", "LM Studio", 2, &["gguf", "safetensors"]),
    (".cache/lm-studio/models", "LM Studio", 2, &["gguf", "safetensors"]),
    (".local/share/nomic.ai/GPT4All", "GPT4All", 0, &["gguf"]),
    ("Library/Application Support/nomic.ai/GPT4All", "GPT4All", 0, &["gguf"]),
    ("AppData/Local/nomic.ai/GPT4All", "GPT4All", 0, &["gguf"]),
    (".local/share/Jan/data/llamacpp/models", "Jan", 3, &["gguf"]),
    (".config/Jan/data/llamacpp/models", "Jan", 3, &["gguf"]),
    ("Library/Application Support/Jan/data/llamacpp/models", "Jan", 3, &["gguf"]),
    ("AppData/Roaming/Jan/data/llamacpp/models", "Jan", 3, &["gguf"]),
    (".cache/llama.cpp", "llama.cpp", 1, &["gguf"]),
    ("Library/Caches/llama.cpp", "llama.cpp", 1, &["gguf"]),
    (".cache/whisper", "Whisper", 0, &["pt"]),
    (".cache/torch/hub/checkpoints", "PyTorch Hub", 0, &["pt", "pth"]),
];

/// Most model files taken of one home.
const FILES: usize = 2_000;

pub(in crate::scan) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    let mut left = FILES;
    for (path, client, depth, endings) in FOLDERS {
        if let Some(folder) = source.note(home.dir(path), || home.shown_child(path)) {
            read_folder(&folder, client, *depth, endings, &mut left, source);
        }
    }
    for path in &hits.model_files {
        let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
            read_file(home, path, None, &mut left, source);
            continue;
        };
        let Some(folder) = source.note(home.dir(parent), || home.shown_child(parent)) else { continue };
        if let Some(name) = path.file_name() {
            read_file(&folder, Path::new(name), None, &mut left, source);
        }
    }
}

fn read_folder(
    folder: &Dir,
    client: &str,
    depth: usize,
    endings: &[&str],
    left: &mut usize,
    source: &mut Source<'_>,
) {
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text() else { continue };
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        if entry.kind == FileType::Directory && depth > 0 {
            if let Some(below) = source.note(folder.dir(name), || folder.shown_child(name)) {
                read_folder(&below, client, depth - 1, endings, left, source);
            }
        } else if ending.is_some_and(|ending| endings.contains(&ending)) {
            read_file(folder, Path::new(name), Some(client), left, source);
        }
    }
}

fn read_file(folder: &Dir, path: &Path, client: Option<&str>, left: &mut usize, source: &mut Source<'_>) {
    let Some(name) = path.to_str() else { return };
    if *left == 0 {
        return source.trouble(Trouble::TooLarge, folder.shown());
    }
    *left -= 1;
    let Some(look) = source.note(folder.look(path), || folder.shown_child(path)) else { return };
    let tagged = name.ends_with(".gguf") || name.ends_with(".safetensors");
    let header = match tagged {
        true => match header_of(folder, path, name) {
            Some(header) => header,
            // A pointer left by a large-file store, a download under way, or no model at all.
            None => return source.trouble(Trouble::Malformed, folder.shown_child(path)),
        },
        false => super::Header::default(),
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    // `<publisher>/<model>/<file>` in LM Studio's store: the repository's name may be known where the file's is not.
    let absolute = folder.absolute();
    let tail: PathBuf = absolute.iter().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    let repository = tail.to_string_lossy().into_owned();
    let details = ItemDetails {
        client: client.map(str::to_owned),
        location: Some(folder.shown_child(path)),
        family: header.family,
        parameters: header.parameters,
        quantisation: header.quantisation,
        licence: header.licence,
        size_bytes: Some(look.len),
        ..ItemDetails::default()
    };
    let value = header.name.unwrap_or_else(|| stem.clone());
    let found = Found { value, details, owner: Some(look.uid), ..Found::default() };
    take_model(SoftwareKind::Model, &[&stem, &repository], found, source);
}
