//! Every parser of what somebody else wrote, by name, for whoever feeds them what no program would write.

use super::{cargo, firefox, macos, plist, registry, vscode, windows};

/// A parser's name, and the parser with its result thrown away.
type Parser = (&'static str, fn(&[u8]));

/// All of them, one line each.
pub(crate) const ALL: &[Parser] = &[
    ("appx-manifest", |bytes| drop(windows::xml::texts(bytes, &["DisplayName", "PublisherDisplayName"]))),
    ("cargo", |bytes| drop(cargo::parse(bytes))),
    ("firefox", |bytes| drop(firefox::parse(bytes))),
    ("mach-o", |bytes| drop(macos::signature::team(&mut std::io::Cursor::new(bytes)))),
    ("plist", |bytes| drop(plist::parse(bytes))),
    ("registry", |bytes| _ = registry::parse(bytes)),
    ("nuspec", |bytes| drop(windows::chocolatey::parse(bytes))),
    ("scoop", |bytes| drop(windows::scoop::parse(bytes))),
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
