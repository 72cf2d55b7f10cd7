//! Every parser of what somebody else wrote, by name, for whoever feeds them what no program would write.

use super::document::Format;
use super::journal::Journal;
use super::models::parsers as models;
use super::models::{huggingface, ollama};
use super::walk::Hits;
use super::{
    accounts, alpm, apk, assistants, cargo, chromium, composer, conda, containers, document, dpkg, emacs,
    environment, firefox, flatpak, gem, go, homes, http, jetbrains, keys, macos, manifests, mcp, mounts, nix,
    node, obsidian, office, plist, plugins, processes, programs, python, raycast, registry, rpm, safari,
    safe, snap, sqlite, sublime, visualstudio, vscode, windows,
};

/// A parser's name, and the parser with its result thrown away.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them, one line each.
pub const ALL: &[Parser] = &[
    ("accounts", |bytes| accounts::read_any(bytes)),
    ("alpm", |bytes| _ = alpm::field(&String::from_utf8_lossy(bytes), "%NAME%")),
    ("answer", |bytes| drop(http::body(bytes).map(processes::probe::models))),
    ("apk", |bytes| _ = apk::parse(bytes, |_, _| Ok(()))),
    ("appx-manifest", |bytes| drop(windows::msix::manifest(bytes))),
    ("assistants", |bytes| {
        for name in ["settings.json", "config.toml", "config.yaml", ".sgptrc"] {
            drop(assistants::parse(name, bytes));
        }
    }),
    ("cargo", |bytes| drop(cargo::parse(bytes))),
    ("cargo-toml", |bytes| drop(cargo::parse_toml(bytes))),
    ("chromium", |bytes| chromium::parse_any(bytes)),
    ("chromium-policy", |bytes| drop(chromium::policy::parse(bytes))),
    ("clone", |bytes| drop(plugins::origin(bytes))),
    ("composer", |bytes| drop(composer::parse(bytes))),
    ("conda", |bytes| _ = conda::parse(&String::from_utf8_lossy(bytes))),
    ("containerd", |bytes| containers::parse_containerd(bytes)),
    ("container-images", |bytes| drop(containers::parse_all(bytes))),
    ("desktop-entry", |bytes| drop(programs::image_of(bytes))),
    ("docker-models", models::docker),
    ("document-json", |bytes| drop(document::parse(bytes, Format::Json))),
    ("document-toml", |bytes| drop(document::parse(bytes, Format::Toml))),
    ("document-yaml", |bytes| drop(document::parse(bytes, Format::Yaml))),
    ("dpkg", |bytes| _ = dpkg::parse(bytes, true, |_, _| Ok(()))),
    ("emacs", |bytes| drop(emacs::described_version(bytes))),
    ("environment", |bytes| drop(environment::values(bytes, "OLLAMA_MODELS"))),
    ("environment-keys", |bytes| drop(keys::names(bytes))),
    ("firefox", |bytes| drop(firefox::parse(bytes))),
    ("firefox-profiles", |bytes| drop(firefox::elsewhere(bytes))),
    ("flatpak-deploy", |bytes| drop(flatpak::of_deploy(bytes))),
    ("flatpak-metainfo", |bytes| drop(flatpak::of_metainfo(bytes))),
    ("gem", |bytes| _ = gem::parse(&String::from_utf8_lossy(bytes))),
    ("gguf", models::gguf),
    ("go", |bytes| drop(go::parse(bytes))),
    ("huggingface-card", |bytes| drop(huggingface::model_card(bytes))),
    ("jetbrains", |bytes| drop(jetbrains::parse(bytes))),
    ("jetbrains-disabled", |bytes| drop(jetbrains::disabled_plugins(bytes))),
    ("journal", |bytes| drop(Journal::decode(bytes))),
    ("launchd", |bytes| drop(macos::launchd::parse(bytes))),
    ("mach-o", |bytes| drop(macos::signature::team(&mut std::io::Cursor::new(bytes)))),
    ("manifests", manifests::parse_all),
    ("mcp-command", mcp::parse_command),
    ("mcp-config", mcp::parse_every_way),
    ("mounts", |bytes| drop(mounts::parse(bytes))),
    ("native-messaging-host", |bytes| drop(chromium::hosts::parse(bytes))),
    ("nix-expression", |bytes| drop(nix::expression(bytes))),
    ("nix-manifest", |bytes| drop(nix::json(bytes))),
    ("npm-manifest", |bytes| drop(node::manifest(bytes))),
    ("npmrc", |bytes| drop(node::prefix(bytes, "/home/kim".as_ref()))),
    ("nuspec", |bytes| drop(windows::chocolatey::parse(bytes))),
    ("obsidian", |bytes| drop(obsidian::parse(bytes))),
    ("obsidian-vaults", |bytes| drop(obsidian::vaults(bytes))),
    ("office", |bytes| drop(office::parse(bytes))),
    ("ollama-manifest", |bytes| drop(ollama::manifest(bytes))),
    ("passwd", |bytes| drop(homes::passwd_homes(bytes))),
    ("plist", |bytes| drop(plist::parse(bytes))),
    ("process", processes::parse_any),
    ("process-macos", processes::parse_macos),
    ("process-windows", processes::parse_windows),
    ("python-folder", |bytes| _ = python::folder_name(&String::from_utf8_lossy(bytes))),
    ("python-metadata", |bytes| drop(python::metadata(bytes))),
    ("ran", |bytes| drop(processes::marks::Marks::decode(bytes))),
    ("raycast", |bytes| drop(raycast::parse(bytes))),
    ("registry", |bytes| _ = registry::parse(bytes)),
    ("registry-logs", |bytes| _ = registry::parse_with_logs(bytes)),
    ("reparse", |bytes| drop(safe::reparse::target(bytes))),
    ("rpm-answer", rpm::parse_answer),
    ("rpm-header", |bytes| drop(rpm::parse(bytes))),
    ("rpm-ndb", |bytes| _ = rpm::ndb_headers(&bytes, &mut |_| Ok(()))),
    ("safari", |bytes| drop(safari::parse(bytes))),
    ("safetensors", models::safetensors),
    ("scoop", |bytes| drop(windows::scoop::parse(bytes))),
    ("snap-state", |bytes| drop(snap::parse(bytes))),
    ("sockets", |bytes| drop(processes::procfs::sockets::parse(bytes))),
    ("sqlite", sqlite::read_any),
    ("sublime", |bytes| drop(sublime::ignored(bytes))),
    ("visual-studio", |bytes| drop(visualstudio::parse(bytes))),
    ("vscode", |bytes| drop(vscode::parse(bytes))),
    ("vscode-disabled", |bytes| drop(vscode::disabled(bytes))),
    ("vscode-obsolete", |bytes| drop(vscode::obsolete(bytes))),
    ("vscode-package", |bytes| drop(vscode::package(bytes))),
    ("walk", |bytes| drop(Hits::decode(bytes))),
    ("zip", jetbrains::parse_archive),
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

/// What fuzzing begins with.
#[cfg(test)]
#[path = "../../../tests/fuzz/examples/seeds/scan.rs"]
mod seeds;

#[test]
fn every_parser_has_a_seed_and_survives_it_cut_short() {
    let seeds = seeds::seeds();
    for (name, _) in ALL {
        assert!(seeds.iter().any(|(of, ..)| of == name), "fuzzing has no file for {name} to begin with");
    }
    for (name, _, bytes) in seeds {
        let (_, parse) = ALL[usize::from(bytes[0])];
        let bytes = &bytes[1..];
        for end in (0..=bytes.len()).step_by(bytes.len() / 64 + 1).chain([bytes.len()]) {
            let outcome = std::panic::catch_unwind(|| parse(&bytes[..end]));
            assert!(outcome.is_ok(), "{name} fails on the first {end} bytes of {bytes:?}");
        }
    }
}
