//! Every parser of what somebody else wrote, by name, for whoever feeds them what no program would write.

use super::document::Format;
use super::journal::Journal;
use super::models::{gguf, huggingface, ollama, safetensors};
use super::walk::Hits;
use super::{
    alpm, apk, assistants, bundles, cargo, chromium, document, dpkg, firefox, homes, mcp, mounts, node,
    plugins, processes, python, rpm, vscode,
};

/// A parser's name, and the parser with its result thrown away.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them, one line each.
pub const ALL: &[Parser] = &[
    ("alpm", |bytes| _ = alpm::field(&String::from_utf8_lossy(bytes), "%NAME%")),
    ("apk", |bytes| _ = apk::parse(bytes, |_, _| Ok(()))),
    ("assistants", assistants::parse_every_way),
    ("cargo", |bytes| drop(cargo::parse(bytes))),
    ("chromium-manifest", |bytes| drop(chromium::manifest_version(bytes))),
    ("chromium-preferences", |bytes| drop(chromium::preferences(bytes))),
    ("document-json", |bytes| drop(document::parse(bytes, Format::Json))),
    ("document-toml", |bytes| drop(document::parse(bytes, Format::Toml))),
    ("document-yaml", |bytes| drop(document::parse(bytes, Format::Yaml))),
    ("dpkg", |bytes| _ = dpkg::parse(bytes, true, |_, _| Ok(()))),
    ("firefox", |bytes| drop(firefox::parse(bytes))),
    ("gguf", |bytes| drop(gguf::parse(bytes))),
    ("huggingface-card", |bytes| drop(huggingface::model_card(bytes))),
    ("journal", |bytes| drop(Journal::decode(bytes))),
    ("mcp-command", mcp::parse_command),
    ("mcp-config", mcp::parse_every_way),
    ("mounts", |bytes| drop(mounts::parse(bytes))),
    ("npm-manifest", |bytes| drop(node::manifest(bytes))),
    ("npmrc", |bytes| drop(node::prefix(bytes, "/home/kim".as_ref()))),
    ("ollama-manifest", |bytes| drop(ollama::manifest(bytes))),
    ("passwd", |bytes| drop(homes::passwd_homes(bytes))),
    ("proc-net-tcp", |bytes| drop(processes::loopback(&String::from_utf8_lossy(bytes)))),
    ("python-folder", |bytes| _ = python::folder_name(&String::from_utf8_lossy(bytes))),
    ("python-metadata", |bytes| drop(python::metadata(bytes))),
    ("rpm", |bytes| drop(rpm::parse(bytes))),
    ("safetensors", |bytes| drop(safetensors::parse(bytes))),
    ("snap", |bytes| drop(bundles::snap_version(bytes))),
    ("vim-plugin", |bytes| drop(plugins::origin(bytes))),
    ("vscode", |bytes| drop(vscode::parse(bytes))),
    ("walk", |bytes| drop(Hits::decode(bytes))),
];

#[test]
fn no_parser_fails_on_what_is_nothing() {
    let nothings: [&[u8]; 11] =
        [b"", b"\0", b"{", b"[", b"{}", b"[[]]", b"\xff\xfe", b"a = ", b"- a:\n", b"PK\x03\x04", b"regf"];
    for (name, parse) in ALL {
        for bytes in nothings {
            let outcome = std::panic::catch_unwind(|| parse(bytes));
            assert!(outcome.is_ok(), "{name} fails on {bytes:?}");
        }
    }
}
