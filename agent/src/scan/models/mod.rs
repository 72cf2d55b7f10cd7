//! Models on disk: their names, families, sizes and licences, from manifests and headers. Weights are never read,
//! let alone hashed. Every model counts as AI.

mod files;
pub(super) mod gguf;
pub(super) mod huggingface;
pub(super) mod ollama;
pub(super) mod safetensors;

pub(super) use files::read_home as read_files;

use std::io::Read;
use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

/// What a model file says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    name: Option<String>,
    family: Option<String>,
    parameters: Option<String>,
    quantisation: Option<String>,
    licence: Option<String>,
}

/// Reads the head of a weights file; `name` tells its format.
fn header_of(base: &Dir, path: &Path, name: &str) -> Option<Header> {
    let file = base.head(path).ok()?;
    if name.ends_with(".safetensors") {
        return safetensors::parse(file.into_file());
    }
    let mut head = Vec::new();
    file.reader(gguf::HEAD_BYTES).read_to_end(&mut head).ok()?;
    gguf::parse(&head)
}

/// Keeps a model under the first rule that knows one of its names, or else the rule for models as such.
fn take_model(kind: SoftwareKind, names: &[&str], found: Found, source: &mut Source<'_>) {
    let known = [&[found.value.as_str()], names].concat().iter().find_map(|name| source.rule(kind, name));
    let rule = known.unwrap_or_else(|| source.matcher().fallback_model());
    source.take(rule, found);
}
