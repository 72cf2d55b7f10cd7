//! MCP client configurations: which servers each client is told to start or to connect to.
//!
//! A server is never started and never contacted. Every one counts as AI: it is matched by its package, then by
//! its host, and else stands under the rule for MCP servers as such.

mod cherry;
mod entry;
mod idea;
mod launch;
mod places;
mod secret;
mod shape;

use std::io::BufReader;
use std::path::{Component, Path};

use umbrascope_api::ItemDetails;
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::OwnerId;
use super::document::{self, CONFIG_BYTES, Format, TREE_BYTES};
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::sqlite::Database;
use super::walk::Hits;
use super::{environment, plugins, userdata};
#[cfg(all(any(test, feature = "fuzzing"), target_os = "linux"))]
pub(super) use cherry::servers as cherry_servers;
use entry::Server;
pub(super) use entry::{host, is_plain_http};
pub(super) use idea::parse as idea;
use launch::Registry;
pub(super) use secret::{is_plain_secret, secret_in_url};
use shape::Shape;

use super::jetbrains::is_product;
use Format::{Idea, Json, Toml, Yaml};
pub(super) use places::IN_PROJECT;
use places::{APP_DATA, BUNDLES, IN_APP_DATA, IN_HOME, IN_USERDATA, JETBRAINS, MANAGED, MOVED, OFF, PLUGINS};

/// Most folders looked through for the files of plugins.
const PLUGIN_DIRS: usize = 2_000;
/// Deepest folder of a plugin below the cache: marketplace, plugin, version, and one more.
const PLUGIN_DEPTH: usize = 4;
/// Below a folder of [`APP_DATA`].
const CHERRY: &str = "CherryStudio/Data/cherrystudio.sqlite";

/// Whose file it is and how it is written.
#[derive(Clone, Copy)]
struct Kind<'a> {
    client: &'a str,
    format: Format,
    shape: Shape,
    /// Names of servers that the client has switched off elsewhere.
    off: &'a [String],
}

impl<'a> Kind<'a> {
    fn new(client: &'a str, format: Format, shape: Shape) -> Self {
        Self { client, format, shape, off: &[] }
    }
}

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (client, path, format, shape) in MANAGED {
        read_file(root, Path::new(path), Kind::new(client, *format, *shape), source);
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    let off: Vec<(&str, Vec<String>)> =
        OFF.iter().map(|(client, path, key)| (*client, names_at(home, path, key))).collect();
    for (client, path, format, shape) in IN_HOME {
        let off = off.iter().find(|(of, _)| of == client).map_or(&[][..], |(_, names)| names);
        read_file(home, Path::new(path), Kind { off, ..Kind::new(client, *format, *shape) }, source);
    }
    for (client, usual, file, format) in MOVED {
        for folder in environment::of_assistant(home, usual) {
            read_file(home, &folder.join(file), Kind::new(client, *format, Shape::Usual), source);
        }
    }
    for place in APP_DATA {
        for (client, path, shape) in IN_APP_DATA {
            read_file(home, &Path::new(place).join(path), Kind::new(client, Json, *shape), source);
        }
        read_cherry(home, &Path::new(place).join(CHERRY), source);
    }
    for (editor, folder) in userdata::folders(home, source) {
        for (client, path, shape) in IN_USERDATA {
            let client = client.unwrap_or(editor);
            read_file(&folder, Path::new(path), Kind::new(client, Json, *shape), source);
        }
        for profile in userdata::profiles(&folder, source) {
            let kind = Kind::new(editor, Json, Shape::Servers);
            read_file(&folder, &profile.join("mcp.json"), kind, source);
        }
    }
    for place in JETBRAINS {
        let Some(folder) = source.note(home.dir(place), || home.shown_child(place)) else { continue };
        for product in source.folders(&folder).iter().filter(|name| is_product(name)) {
            let path = Path::new(product).join("options/llm.mcpServers.xml");
            read_file(&folder, &path, Kind::new("JetBrains AI Assistant", Idea, Shape::Usual), source);
        }
    }
    read_folder(home, ".continue/mcpServers", "Continue", source);
    read_folder(home, ".aws/amazonq/cli-agents", "Amazon Q", source);
    read_folder(home, ".kiro/agents", "Kiro", source);
    for (client, path, files) in PLUGINS {
        if let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) {
            read_plugins(&folder, client, files, 0, &mut { PLUGIN_DIRS }, source);
        }
    }
    for (client, path) in BUNDLES {
        if let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) {
            read_bundles(&folder, client, source);
        }
    }
    for path in plugins::ZED {
        for (folder, name) in plugins::children(home, path, source) {
            let manifest = Path::new(&name).join(plugins::MANIFEST);
            read_file(&folder, &manifest, Kind::new("Zed", Toml, Shape::Extension), source);
        }
    }
    read_projects(home, hits, source);
}

/// The files of projects that a walk came across.
pub(super) fn read_projects(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for hit in &hits.mcp_files {
        let (client, _, format) = IN_PROJECT[hit.which];
        let shape = match client {
            "VS Code" | "Visual Studio" => Shape::Servers,
            "opencode" | "Crush" | "Kilo Code" | "Pochi" => Shape::Mcp,
            "Claude Code" | "JetBrains AI Assistant" => Shape::Flat,
            _ => Shape::Usual,
        };
        read_file(home, &hit.path, Kind::new(client, format, shape), source);
    }
}

/// Everything that the bytes of a configuration go through.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_every_way(bytes: &[u8]) {
    for (_, _, format, shape) in IN_HOME.iter().chain(MANAGED) {
        drop(shape::parse(bytes, *format, *shape));
        drop(shape::parse_large(bytes, *shape));
    }
    drop(shape::parse(bytes, Json, Shape::Bundle));
    drop(shape::parse(bytes, Toml, Shape::Extension));
    drop(shape::parse(bytes, Idea, Shape::Usual));
    shape::is_enabled(bytes);
}

/// A command line, a word a line.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_command(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.lines().collect();
    if let Some((command, arguments)) = words.split_first() {
        launch::read(command, arguments);
        secret::secret_in_args(arguments);
    }
    for word in words {
        secret_in_url(word);
        host(word);
    }
}

/// The names in a list of a client's settings.
fn names_at(home: &Dir, path: &str, key: &str) -> Vec<String> {
    let document = home.read(path, TREE_BYTES as u64).and_then(|bytes| document::parse(&bytes, Json));
    let list = document.ok().and_then(|document| document.get(key)?.as_array().cloned());
    list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn read_folder(home: &Dir, path: &str, client: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text() else { continue };
        let format = match name.rsplit('.').next() {
            Some("yaml" | "yml") => Yaml,
            Some("json") => Json,
            _ => continue,
        };
        read_file(&folder, Path::new(name), Kind::new(client, format, Shape::Usual), source);
    }
}

fn read_plugins(
    folder: &Dir,
    client: &str,
    files: &[(&str, Shape)],
    depth: usize,
    left: &mut usize,
    source: &mut Source<'_>,
) {
    if *left == 0 {
        return source.trouble(Trouble::TooLarge, folder.shown());
    }
    *left -= 1;
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(name) = entry.text() else { continue };
        if let Some((path, shape)) = files.iter().find(|(path, _)| path.split('/').next() == Some(name)) {
            read_file(folder, Path::new(path), Kind::new(client, Json, *shape), source);
        } else if entry.kind == super::safe::FileType::Directory
            && depth < PLUGIN_DEPTH
            && !name.starts_with('.')
            && name != "node_modules"
            && let Some(below) = source.note(folder.dir(name), || folder.shown_child(name))
        {
            read_plugins(&below, client, files, depth + 1, left, source);
        }
    }
}

/// Desktop extensions: each a folder with a manifest, and a file beside the folders that says whether it is switched on.
fn read_bundles(folder: &Dir, client: &str, source: &mut Source<'_>) {
    let bundles = source.note(folder.dir("Claude Extensions"), || folder.shown_child("Claude Extensions"));
    let Some(bundles) = bundles else { return };
    let Some((entries, trouble)) = source.note(bundles.entries(), || bundles.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, bundles.shown());
    }
    let folders = entries.iter().filter(|entry| entry.may_be_dir()).collect();
    for entry in source.first(folders, PLUGIN_DIRS, bundles.shown()) {
        let Some(name) = entry.text() else { continue };
        let settings = format!("Claude Extensions Settings/{name}.json");
        let settings = folder.read(settings, TREE_BYTES as u64).ok();
        let on = settings.and_then(|bytes| shape::is_enabled(&bytes));
        let off = if on == Some(false) { vec!["*".to_owned()] } else { vec![] };
        let kind = Kind { off: &off, ..Kind::new(client, Json, Shape::Bundle) };
        read_file(&bundles, &Path::new(name).join("manifest.json"), kind, source);
    }
}

/// Cherry Studio keeps its servers among everything else that it keeps.
fn read_cherry(home: &Dir, path: &Path, source: &mut Source<'_>) {
    let location = || home.shown_child(path);
    let Some(database) = Database::note(home, path, source) else { return };
    let owner = database.owner;
    let Some((value, cut)) = source.note(cherry::servers(&database), location) else { return };
    if cut {
        source.trouble(Trouble::TooLarge, location());
    }
    let servers = shape::of_value(&value, Shape::Usual);
    for server in source.note(servers, location).into_iter().flatten() {
        take(home, server, owner, path, Kind::new("Cherry Studio", Json, Shape::Usual), source);
    }
}

fn read_file(base: &Dir, path: &Path, kind: Kind<'_>, source: &mut Source<'_>) {
    let Kind { format, shape, .. } = kind;
    let location = || base.shown_child(path);
    let Some(file) = source.note(base.file(path, CONFIG_BYTES), location) else { return };
    let owner = file.uid;
    let servers = if shape::fits(file.len) {
        file.bytes().and_then(|bytes| shape::parse(&bytes, format, shape))
    } else if format == Json {
        shape::parse_large(BufReader::new(file.reader(CONFIG_BYTES)), shape)
    } else {
        Err(Trouble::TooLarge)
    };
    for server in source.note(servers, location).into_iter().flatten() {
        take(base, server, owner, path, kind, source);
    }
}

fn take(base: &Dir, server: Server, owner: OwnerId, path: &Path, kind: Kind<'_>, source: &mut Source<'_>) {
    let location = base.shown_child(path);
    let rule = rule_for(&server, source);
    let package = server.package;
    let version = package.as_ref().and_then(|p| p.version.clone()).filter(|version| !version.is_empty());
    let project = server.project.and_then(|project| below_home(base, &project));
    let off = kind.off.iter().any(|name| *name == "*" || *name == server.name);
    let details = ItemDetails {
        client: Some(kind.client.to_owned()),
        location: Some(match project {
            Some(project) => format!("{location} for {project}"),
            None => location,
        }),
        transport: server.transport.map(str::to_owned),
        package: package.map(|package| package.name),
        command: server.command,
        host: server.host,
        env_names: server.env_names,
        enabled: if off { Some(false) } else { server.enabled },
        ..ItemDetails::default()
    };
    let version = server.version.or(version);
    let flags = server.flags;
    source.take(
        rule,
        Found { value: server.name, version, details, flags, owner: Some(owner), ..Found::default() },
    );
}

/// A project's folder as a report shows it. One outside of the home is not told.
fn below_home(home: &Dir, project: &str) -> Option<String> {
    let path = project.replace('\\', "/");
    // `C:/Users/kim`: the drive is the root of what is scanned.
    let path = match path.as_bytes() {
        [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => &path[2..],
        _ => path.as_str(),
    };
    let below = Path::new(path).strip_prefix(home.absolute()).ok()?;
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && below != Path::new("")).then(|| format!("~/{}", below.to_string_lossy()))
}

fn rule_for<'a>(server: &Server, source: &Source<'a>) -> &'a RuleRef {
    let matcher = source.matcher();
    let package = server.package.as_ref();
    let host = server.host.as_deref();
    let by_registry = |registry| match registry {
        Registry::Npm => SoftwareKind::Npm,
        Registry::Pypi => SoftwareKind::Pypi,
        Registry::Image => SoftwareKind::ContainerImage,
    };
    package
        .and_then(|package| matcher.software(SoftwareKind::McpPackage, &package.name))
        .or_else(|| host.and_then(|host| matcher.software(SoftwareKind::McpHost, host)))
        .or_else(|| package.and_then(|p| matcher.software(by_registry(p.registry), &p.name)))
        .or_else(|| host.and_then(|host| matcher.name(host)))
        .unwrap_or_else(|| matcher.fallback_mcp())
}
