//! Models on disk: their names, families, sizes and licences, from manifests and headers. Weights are never read,
//! let alone hashed. Every model counts as AI.

pub(super) mod docker;
mod files;
mod folders;
mod gguf;
pub(super) mod huggingface;
pub(super) mod ollama;
pub(super) mod safetensors;

pub(super) use files::{read_home as read_files, read_system as read_system_files};

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// What a model file says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    name: Option<String>,
    family: Option<String>,
    parameters: Option<String>,
    quantisation: Option<String>,
    licence: Option<String>,
    publisher: Option<String>,
    /// `None`: a model of its own, as far as it says.
    role: Option<Role>,
    /// How many files the model is split into, where it says so.
    parts: Option<u32>,
}

/// What a model file is that is no model of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Adapter,
    Projector,
    Statistics,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Adapter => "adapter",
            Self::Projector => "projector",
            Self::Statistics => "statistics",
        }
    }
}

/// Reads the head of a weights file; `name` tells its format, and for GGUF perhaps its quantisation.
fn header_of(base: &Dir, path: &Path, name: &str) -> Result<Header, Trouble> {
    let file = base.head(path)?;
    let (stem, ending) = name.rsplit_once('.').ok_or(Trouble::Malformed)?;
    if ending.eq_ignore_ascii_case("safetensors") {
        let len = file.len;
        return safetensors::parse(file.reader(len), len);
    }
    let named = gguf::quantisation_in(stem);
    let header = gguf::parse(file.into_file(), named.is_some()).ok_or(Trouble::Malformed)?;
    Ok(Header { quantisation: header.quantisation.or(named), ..header })
}

/// The digits of `sha256:<hex>`, as the image layout of OCI writes a digest. Anything else could lead elsewhere.
fn hex_of(digest: &str) -> Option<&str> {
    digest.strip_prefix("sha256:").filter(|hex| is_sha256(hex))
}

/// Whether a name is the SHA-256 of what it names.
fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Keeps a model under the first rule that knows one of its names, or else the rule for models as such.
fn take_model(kind: SoftwareKind, names: &[&str], found: Found, source: &mut Source<'_>) {
    let known = [&[found.value.as_str()], names].concat().iter().find_map(|name| source.rule(kind, name));
    let rule = known.unwrap_or_else(|| source.matcher().fallback_model());
    source.take(rule, found);
}

/// The parsers of this folder, for whoever feeds them.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod parsers {
    pub(in crate::scan) fn gguf(bytes: &[u8]) {
        drop(super::gguf::parse(bytes, false));
    }

    pub(in crate::scan) fn safetensors(bytes: &[u8]) {
        drop(super::safetensors::parse(bytes, bytes.len() as u64));
    }

    pub(in crate::scan) fn docker(bytes: &[u8]) {
        drop(super::docker::parse(bytes));
    }
}
