//! Plugins of the JetBrains family, Android Studio's too: the id in `META-INF/plugin.xml`, which stands in one of the
//! plugin's jars. The name of the folder is whatever the archive was called.
//!
//! Places: "Directories used by the IDE" of JetBrains' help. What an IDE brings along itself is not looked at: some two
//! hundred plugins, each to be unpacked to know its id.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::{xml, zip};

/// Folders below a home with one folder a product: where their plugins are, where their settings are, and the folder of
/// the plugins in that of a product.
const PLACES: &[(&str, &str, &str)] = &[
    (".local/share/JetBrains", ".config/JetBrains", ""),
    (".local/share/Google", ".config/Google", ""),
    ("Library/Application Support/JetBrains", "Library/Application Support/JetBrains", "plugins"),
    ("Library/Application Support/Google", "Library/Application Support/Google", "plugins"),
    ("AppData/Roaming/JetBrains", "AppData/Roaming/JetBrains", "plugins"),
    ("AppData/Roaming/Google", "AppData/Roaming/Google", "plugins"),
    (
        ".var/app/com.jetbrains.IntelliJ-IDEA-Ultimate/data/JetBrains",
        ".var/app/com.jetbrains.IntelliJ-IDEA-Ultimate/config/JetBrains",
        "",
    ),
    (
        ".var/app/com.jetbrains.IntelliJ-IDEA-Community/data/JetBrains",
        ".var/app/com.jetbrains.IntelliJ-IDEA-Community/config/JetBrains",
        "",
    ),
    (
        ".var/app/com.jetbrains.PyCharm-Professional/data/JetBrains",
        ".var/app/com.jetbrains.PyCharm-Professional/config/JetBrains",
        "",
    ),
    (
        ".var/app/com.jetbrains.PyCharm-Community/data/JetBrains",
        ".var/app/com.jetbrains.PyCharm-Community/config/JetBrains",
        "",
    ),
    (".var/app/com.google.AndroidStudio/data/Google", ".var/app/com.google.AndroidStudio/config/Google", ""),
];

/// Most products, most plugins of a product, and most jars of a plugin that are opened.
const MANY: usize = 200;
/// Most jars opened in one home. A plugin's own is mostly the first that is looked into.
const JARS: usize = 4_000;
/// Largest `plugin.xml` and list of disabled plugins read, in bytes.
const TEXT_BYTES: usize = 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let mut jars = JARS;
    for (data, settings, below) in PLACES {
        let Some(data) = source.note(home.dir(data), || home.shown_child(data)) else { continue };
        let mut products = source.folders(&data);
        products.retain(|name| is_product(name));
        for product in &source.first(products, MANY, data.shown()) {
            // Joined with nothing, a path would end in a slash.
            let path: PathBuf = [product.as_str(), below].iter().filter(|part| !part.is_empty()).collect();
            let Some(folder) = source.note(data.dir(&path), || data.shown_child(&path)) else { continue };
            let list = Path::new(settings).join(product).join("disabled_plugins.txt");
            let disabled = source.note(home.read(&list, TEXT_BYTES as u64), || home.shown_child(&list));
            let disabled = disabled.as_deref().map(disabled_plugins).unwrap_or_default();
            read_product(&folder, product, &disabled, &mut jars, source);
        }
    }
}

/// A name and a version: `IntelliJIdea2026.1`. What else stands there belongs to all of them.
pub(super) fn is_product(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().any(|byte| byte.is_ascii_digit())
}

fn read_product(
    folder: &Dir,
    product: &str,
    disabled: &BTreeSet<String>,
    jars: &mut usize,
    source: &mut Source<'_>,
) {
    let names = source.names(folder);
    for name in source.first(names, MANY, folder.shown()) {
        let Some((plugin, owner)) = read_plugin(folder, &name, jars, source) else { continue };
        let mut found = Found::new(plugin.id).version(plugin.version).at(folder.shown_child(&name), owner);
        found.details.client = Some(product.to_owned());
        found.details.title = plugin.name;
        found.details.publisher = plugin.vendor;
        found.details.enabled = Some(!disabled.contains(&found.value));
        source.offer(SoftwareKind::JetbrainsPlugin, found);
    }
}

/// A plugin is a jar, or a folder with jars in `lib`, of which one has its description.
fn read_plugin(
    folder: &Dir,
    name: &str,
    left: &mut usize,
    source: &mut Source<'_>,
) -> Option<(Plugin, super::OwnerId)> {
    if name.ends_with(".jar") {
        return read_jar(folder, Path::new(name), left, source);
    }
    let path = Path::new(name).join("lib");
    let lib = source.note(folder.dir(&path), || folder.shown_child(&path))?;
    let mut jars = source.names(&lib);
    jars.retain(|jar| jar.ends_with(".jar"));
    // The plugin's own jar is mostly called after it, and what it uses is not.
    let alike = |jar: &str| letters(jar).starts_with(&letters(name));
    jars.sort_by_cached_key(|jar| (!alike(jar), jar.len(), jar.clone()));
    let jars = source.first(jars, MANY, lib.shown());
    jars.iter().find_map(|jar| read_jar(&lib, Path::new(jar), left, source))
}

/// What a name says when separators and case say nothing.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a jar says of a plugin. A jar without a description is a library.
fn read_jar(
    folder: &Dir,
    jar: &Path,
    left: &mut usize,
    source: &mut Source<'_>,
) -> Option<(Plugin, super::OwnerId)> {
    let location = || folder.shown_child(jar);
    let Some(rest) = left.checked_sub(1) else {
        source.trouble(Trouble::TooLarge, location());
        return None;
    };
    *left = rest;
    let file = source.note(folder.head(jar), location)?;
    let owner = file.uid;
    let read = zip::member(&mut file.into_file(), "META-INF/plugin.xml", TEXT_BYTES);
    let read = match read {
        Err(Trouble::Absent) => return None,
        other => other.and_then(|bytes| parse(&bytes)),
    };
    source.note(read, location).map(|plugin| (plugin, owner))
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plugin {
    id: String,
    name: Option<String>,
    version: Option<String>,
    vendor: Option<String>,
}

/// Reads `plugin.xml`. Where it has no id, the name is the id.
pub(super) fn parse(bytes: &[u8]) -> Result<Plugin, Trouble> {
    let paths = ["idea-plugin/id", "idea-plugin/name", "idea-plugin/version", "idea-plugin/vendor"];
    let [id, name, version, vendor] = xml::texts(bytes, paths)?;
    let id = id.or_else(|| name.clone()).ok_or(Trouble::Malformed)?;
    Ok(Plugin { id, name, version, vendor })
}

/// The ids in `disabled_plugins.txt`, one a line.
pub(super) fn disabled_plugins(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Feeds the reader of archives.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_archive(bytes: &[u8]) {
    drop(zip::member(&mut std::io::Cursor::new(bytes), "META-INF/plugin.xml", TEXT_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLUGIN: &str = "<idea-plugin url=\"https://a.example\" require-restart=\"true\">\n  <id>com.example.helper</id>\n\
        <name>Helper</name><version>1.4.2</version><vendor email=\"a@b.example\">Example</vendor>\
        <depends>com.intellij.modules.platform</depends><extensions defaultExtensionNs=\"com.intellij\"><id>no</id></extensions>\
        </idea-plugin>";

    #[test]
    fn the_description_gives_id_name_version_and_vendor() {
        let plugin = parse(PLUGIN.as_bytes()).unwrap();
        assert_eq!(plugin.id, "com.example.helper");
        assert_eq!(plugin.version.as_deref(), Some("1.4.2"));
        assert_eq!(plugin.vendor.as_deref(), Some("Example"));
    }

    #[test]
    fn a_name_stands_in_for_an_id() {
        assert_eq!(parse(b"<idea-plugin><name>Old One</name></idea-plugin>").unwrap().id, "Old One");
        assert_eq!(parse(b"<beans><id>x</id></beans>"), Err(Trouble::Malformed));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..PLUGIN.len() {
            assert_eq!(parse(&PLUGIN.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }

    #[test]
    fn products_have_versions() {
        assert!(is_product("IntelliJIdea2026.1") && is_product("AndroidStudio2025.2"));
        assert!(!is_product("Toolbox") && !is_product("consentOptions") && !is_product("acp-agents"));
    }
}
