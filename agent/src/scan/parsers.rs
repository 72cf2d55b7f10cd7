//! Every parser of what somebody else wrote, by name, for whoever feeds them what no program would write.

use super::models::parsers as models;
use super::{
    accounts, assistants, cargo, chromium, composer, conda, containers, emacs, environment, firefox, flatpak,
    gem, go, http, jetbrains, macos, manifests, mcp, nix, obsidian, office, plist, plugins, processes,
    programs, property_list, raycast, registry, rpm, safari, snap, sublime, visualstudio, vscode, windows,
};

/// A parser's name, and the parser with its result thrown away.
type Parser = (&'static str, fn(&[u8]));

/// All of them, one line each.
pub(crate) const ALL: &[Parser] = &[
    ("appx-manifest", |bytes| drop(windows::xml::texts(bytes, &["DisplayName", "PublisherDisplayName"]))),
    ("accounts", |bytes| accounts::read_any(bytes)),
    ("assistants", |bytes| {
        for name in ["settings.json", "config.toml", "config.yaml", ".sgptrc"] {
            drop(assistants::parse(name, bytes));
        }
    }),
    ("cargo", |bytes| drop(cargo::parse(bytes))),
    ("cargo-toml", |bytes| drop(cargo::parse_toml(bytes))),
    ("composer", |bytes| drop(composer::parse(bytes))),
    ("conda", |bytes| _ = conda::parse(&String::from_utf8_lossy(bytes))),
    ("desktop-entry", |bytes| drop(programs::image_of(bytes))),
    ("firefox", |bytes| drop(firefox::parse(bytes))),
    ("flatpak-deploy", |bytes| drop(flatpak::of_deploy(bytes))),
    ("flatpak-metainfo", |bytes| drop(flatpak::of_metainfo(bytes))),
    ("gem", |bytes| _ = gem::parse(&String::from_utf8_lossy(bytes))),
    ("go", |bytes| drop(go::parse(bytes))),
    ("manifests", manifests::parse_all),
    ("nix-expression", |bytes| drop(nix::expression(bytes))),
    ("nix-manifest", |bytes| drop(nix::json(bytes))),
    ("rpm-header", |bytes| drop(rpm::parse(bytes))),
    ("rpm-ndb", |bytes| _ = rpm::ndb_headers(&bytes, &mut |_| Ok(()))),
    ("snap-state", |bytes| drop(snap::parse(bytes))),
    ("chromium", |bytes| chromium::parse_any(bytes)),
    ("chromium-policy", |bytes| drop(chromium::policy::parse(bytes))),
    ("native-messaging-host", |bytes| drop(chromium::hosts::parse(bytes))),
    ("firefox-profiles", |bytes| drop(firefox::elsewhere(bytes))),
    ("jetbrains", |bytes| drop(jetbrains::parse(bytes))),
    ("jetbrains-disabled", |bytes| drop(jetbrains::disabled_plugins(bytes))),
    ("zip", jetbrains::parse_archive),
    ("clone", |bytes| drop(plugins::origin(bytes))),
    ("emacs", |bytes| drop(emacs::described_version(bytes))),
    ("obsidian", |bytes| drop(obsidian::parse(bytes))),
    ("obsidian-vaults", |bytes| drop(obsidian::vaults(bytes))),
    ("office", |bytes| drop(office::parse(bytes))),
    ("raycast", |bytes| drop(raycast::parse(bytes))),
    ("sublime", |bytes| drop(sublime::ignored(bytes))),
    ("visual-studio", |bytes| drop(visualstudio::parse(bytes))),
    ("property-list", |bytes| drop(property_list::parse(bytes))),
    ("safari", |bytes| drop(safari::parse(bytes))),
    ("vscode-package", |bytes| drop(vscode::package(bytes))),
    ("mach-o", |bytes| drop(macos::signature::team(&mut std::io::Cursor::new(bytes)))),
    ("plist", |bytes| drop(plist::parse(bytes))),
    ("registry", |bytes| _ = registry::parse(bytes)),
    ("nuspec", |bytes| drop(windows::chocolatey::parse(bytes))),
    ("scoop", |bytes| drop(windows::scoop::parse(bytes))),
    ("mcp", |bytes| mcp::read_any(bytes)),
    ("answer", |bytes| drop(http::body(bytes).map(processes::probe::models))),
    ("container-images", |bytes| drop(containers::parse_all(bytes))),
    ("docker-models", models::docker),
    ("environment", |bytes| drop(environment::values(bytes, "OLLAMA_MODELS"))),
    ("gguf", models::gguf),
    ("safetensors", models::safetensors),
    ("sockets", |bytes| drop(processes::sockets::parse(bytes))),
    ("vscode", |bytes| drop(vscode::parse(bytes))),
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
