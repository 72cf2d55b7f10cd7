//! Packages of every manager and projects in one tree, and what a scan makes of them.

use super::*;

/// What the packages' own managers leave behind where no test can run them: Nix, snapd, mise, conda, .NET, Composer.
#[test]
fn packages_are_found_where_their_managers_keep_them() {
    let machine = Machine::new();
    let hash = "wbhg2ga8f3h87s9h5k0slxk0m81m4cxl";
    let link = |from: &str, to: &str| {
        let from = machine.root.path().join(from);
        fs::create_dir_all(from.parent().unwrap()).unwrap();
        symlink(to, from).unwrap();
    };
    // `nix profile` of a user, and the programs of a NixOS system.
    machine.put(
        &format!("nix/store/{hash}-profile/manifest.json"),
        format!(r#"{{"version": 3, "elements": {{"ollama": {{"active": true, "storePaths": ["/nix/store/{hash}-ollama-0.12.3"]}},
            "hello": {{"active": true, "storePaths": ["/nix/store/{hash}-hello-2.12"]}}}}}}"#),
    );
    link("home/kim/.local/state/nix/profiles/profile", "profile-3-link");
    link("home/kim/.local/state/nix/profiles/profile-3-link", &format!("/nix/store/{hash}-profile"));
    link("home/kim/.local/state/nix/profiles/evil", "/etc");
    link(
        &format!("nix/store/{hash}-system-path/bin/claude"),
        &format!("/nix/store/{hash}-claude-code-2.0.31/bin/claude"),
    );
    link("run/current-system/sw", &format!("/nix/store/{hash}-system-path"));
    // An old revision of a snap stays for a while; another one is switched off.
    for file in ["ollama_104.snap", "ollama_105.snap", "hello-world_29.snap"] {
        machine.put(&format!("var/lib/snapd/snaps/{file}"), "hsqs");
    }
    machine.put(
        "var/lib/snapd/state.json",
        format!(r#"{{"data": {{"auth": {{"macaroon": "{SECRET}"}}, "snaps": {{"ollama": {{"active": false, "current": "105"}}}}}}}}"#),
    );
    machine.put("snap/ollama/104/meta/snap.yaml", "version: '0.11'\n");
    machine.put("snap/ollama/105/meta/snap.yaml", "version: '0.12.3'\n");
    let node = "lib/node_modules/@anthropic-ai/claude-code/package.json";
    let package = r#"{"name": "@anthropic-ai/claude-code", "version": "2.0.31"}"#;
    machine
        .at_home(&format!(".local/share/mise/installs/npm-anthropic-ai-claude-code/2.0.31/{node}"), package);
    machine.at_home("miniconda3/envs/ml/conda-meta/ollama-0.12.3-cuda_0.json", "{}");
    machine.at_home("miniconda3/envs/ml/conda-meta/numpy-2.0.0-py312_0.json", "{}");
    machine.at_home(".dotnet/tools/.store/openai/2.10.0/openai/2.10.0/x.nupkg", "");
    machine.at_home(".dotnet/tools/.store/openai/2.9.0/openai/2.9.0/x.nupkg", "");
    machine.at_home(".dotnet/tools/.store/dotnet-ef/9.0.0/x", "");
    machine.at_home(
        ".config/composer/vendor/composer/installed.json",
        r#"{"packages": [{"name": "openai-php/client", "version": "v0.10.3"}, {"name": "psr/log", "version": "3.0.0"}]}"#,
    );
    machine.at_home(
        ".cache/uv/archive-v0/x/lib/python3.12/site-packages/openai-1.0.0.dist-info/METADATA",
        "Name: openai\nVersion: 1.0.0\n\n",
    );
    link("home/kim/.cache/uv/environments-v2/y/z", "../../archive-v0/x");
    machine.at_home(
        ".local/share/applications/x.desktop",
        "[Desktop Entry]\nExec=/home/kim/apps/LM-Studio-0.3.30-x64.AppImage %U\n",
    );
    let outcome = machine.scan();
    for (source, names) in [
        ("nix", ["claude-code", "ollama"].as_slice()),
        ("snap", &["ollama"]),
        ("npm", &["@anthropic-ai/claude-code"]),
        ("conda", &["ollama"]),
        ("dotnet", &["openai"]),
        ("composer", &["openai-php/client"]),
        ("pip", &["openai"]),
        ("programs", &["LM-Studio-0.3.30-x64.AppImage"]),
    ] {
        assert_eq!(values(&outcome, source), set(names), "{source}");
        assert_eq!(state(&outcome, source), SourceState::Read, "{source}: {:?}", outcome.problems);
    }
    let snap = outcome.snapshots.iter().find(|snapshot| snapshot.source == "snap").unwrap();
    let item = &snap.items[0].item;
    assert_eq!((item.evidence.version.as_deref(), item.details.enabled), (Some("0.12.3"), Some(false)));
    assert!(!format!("{:?}", outcome.snapshots).contains(SECRET));
}

#[test]
fn a_project_gives_one_item_a_product() {
    let machine = Machine::new();
    machine.at_home(
        "src/shop/package.json",
        r#"{"dependencies": {"openai": "^4", "@langchain/core": "1", "langchain": "1", "left-pad": "1"}}"#,
    );
    machine.at_home(
        "src/shop/package-lock.json",
        r#"{"packages": {"node_modules/openai": {"version": "4.104.0"}, "node_modules/left-pad": {"version": "1.3.0"},
            "node_modules/ai": {"version": "5.0.0"}}}"#,
    );
    machine.at_home("src/shop/.github/copilot-instructions.md", "be brief");
    machine.at_home("src/shop/.cursor/rules/one.mdc", "x");
    machine.at_home("src/shop/.cursor/rules/two.mdc", "x");
    machine.at_home("src/shop/AGENTS.md", "x");
    machine.at_home(
        "src/shop/node_modules/anthropic/package.json",
        r#"{"dependencies": {"@anthropic-ai/sdk": "1"}}"#,
    );
    machine.at_home("src/broken/package.json", "{");
    let outcome = machine.scan();
    let found = values(&outcome, "manifests");
    for name in ["openai", ".github/copilot-instructions.md", ".cursor/rules"] {
        assert!(found.contains(name), "{name} is not in {found:?}");
    }
    assert!(
        !found.contains("@anthropic-ai/sdk") && !found.contains("AGENTS.md") && !found.contains("left-pad")
    );
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "manifests").unwrap();
    let mut products: Vec<_> = snapshot.items.iter().map(|item| &item.product).collect();
    let all = products.len();
    products.sort();
    products.dedup();
    assert_eq!(products.len(), all, "{found:?}");
    let openai = snapshot.items.iter().find(|item| item.item.evidence.value == "openai").unwrap();
    assert_eq!(openai.item.evidence.version.as_deref(), Some("4.104.0"));
    assert_eq!(openai.item.channel, Channel::Manifest);
    assert_eq!(state(&outcome, "manifests"), SourceState::Malformed);
}

#[test]
fn each_form_of_rpm_s_database_is_read_or_told() {
    let machine = Machine::new();
    let mut bytes = Vec::new();
    let packed: &[u8] = include_bytes!("../rpm/testdata/Packages.db.gz");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut bytes).unwrap();
    machine.put("usr/lib/sysimage/rpm/Packages.db", &bytes);
    // What an update of the distribution left behind is not asked for.
    machine.put("usr/lib/sysimage/rpm/Packages", "x");
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "rpm"), set(&["ollama"]));
    assert_eq!(state(&outcome, "rpm"), SourceState::Read);
    // Berkeley DB is rpm's own affair, and rpm is not started for a tree that is no running machine.
    fs::remove_file(machine.root.path().join("usr/lib/sysimage/rpm/Packages.db")).unwrap();
    let outcome = machine.scan();
    assert_eq!(state(&outcome, "rpm"), SourceState::Refused);
    assert!(outcome.snapshots.iter().any(|s| s.source == "rpm" && s.completeness == Completeness::Partial));
}

#[test]
fn packages_of_alpine_and_extensions_of_zed_visual_studio_and_office_are_told() {
    let machine = Machine::new();
    machine.put("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\n\nP:ollama\nV:0.12.9-r0\n\n");
    machine.at_home(
        ".local/share/zed/extensions/installed/mcp-server-github/extension.toml",
        "id = \"mcp-server-github\"\nversion = \"0.1.0\"\n[context_servers.mcp-server-github]\nname = \"GitHub MCP Server\"\n",
    );
    machine.at_home(
        ".local/share/zed/extensions/installed/html/extension.toml",
        "id = \"html\"\nversion = \"0.3.0\"\n",
    );
    machine.at_home(
        "AppData/Local/Microsoft/VisualStudio/17.0_1a2b/Extensions/abc.def/extension.vsixmanifest",
        r#"<PackageManifest Version="2.0.0"><Metadata><Identity Id="Codeium.VisualStudio" Version="1.8.80" Publisher="Codeium"/></Metadata></PackageManifest>"#,
    );
    machine.at_home(
        "AppData/Local/Microsoft/Office/16.0/Wef/group/account/Manifests/llmexcel_1.0.0.1",
        "<OfficeApp><Id>3B8923B8-6b7c-4b50-bf7e-1bd1844528d7</Id><Version>1.0.0.1</Version></OfficeApp>",
    );
    let outcome = machine.scan();
    assert_eq!(values(&outcome, "apk"), set(&["ollama"]));
    assert_eq!(values(&outcome, "zed-extensions"), set(&["mcp-server-github"]));
    assert_eq!(values(&outcome, "mcp-config"), set(&["mcp-server-github"]));
    assert_eq!(values(&outcome, "visual-studio-extensions"), set(&["Codeium.VisualStudio"]));
    assert_eq!(values(&outcome, "office-addins"), set(&["3B8923B8-6b7c-4b50-bf7e-1bd1844528d7"]));
}

#[test]
fn environments_and_versions_are_found_where_each_system_keeps_them() {
    let machine = Machine::new();
    let openai = "site-packages/openai-1.0.0.dist-info/METADATA";
    let metadata = "Name: openai\nVersion: 1.0.0\n";
    for environment in [
        "Library/Caches/pypoetry/virtualenvs/a/lib/python3.12",
        "AppData/Local/pypoetry/Cache/virtualenvs/b/Lib",
        "AppData/Local/uv/cache/environments-v2/cpython/c/Lib",
        "AppData/Local/miniconda3/envs/d/Lib",
        // Where the walk does not look.
        ".hidden/env/lib/python3.12",
    ] {
        machine.at_home(&format!("{environment}/{openai}"), metadata);
    }
    machine.at_home(".conda/environments.txt", "/home/kim/.hidden/env\n/srv/env\n");
    machine.put(&format!("ProgramData/miniconda3/envs/e/Lib/{openai}"), metadata);
    let package = r#"{"name": "@anthropic-ai/claude-code", "version": "2.0.31"}"#;
    let claude = "node_modules/@anthropic-ai/claude-code/package.json";
    machine.at_home(&format!("AppData/Local/pnpm/global/5/{claude}"), package);
    machine.put(&format!("usr/local/nvm/versions/node/v22.1.0/lib/{claude}"), package);
    let outcome = machine.scan();
    let count = |source: &str| outcome.snapshots.iter().find(|of| of.source == source).unwrap().items.len();
    assert_eq!((count("pip"), count("npm")), (6, 2));
}

#[test]
fn a_linked_package_that_leads_out_of_its_home_is_told_by_its_name_and_as_not_looked_into() {
    let machine = Machine::new();
    let root = ".npm-global/lib/node_modules";
    machine.at_home(&format!("{root}/openai/package.json"), r#"{"name": "openai", "version": "5.0.0"}"#);
    machine.at_home("src/mine/package.json", r#"{"name": "@anthropic-ai/claude-code", "version": "2.0.31"}"#);
    machine.put("srv/src/claude/package.json", r#"{"name": "@anthropic-ai/sdk", "version": "9.9.9"}"#);
    fs::create_dir_all(machine.home().join(root).join("@anthropic-ai")).unwrap();
    let link = |name: &str, to: &str| symlink(to, machine.home().join(root).join(name)).unwrap();
    // One within the home, one that is gone, and others as `npm link` makes them of folders elsewhere.
    link("@anthropic-ai/claude-code", "../../../../src/mine");
    link("gone", "../nowhere");
    link("@anthropic-ai/sdk", "../../../../../../srv/src/claude");
    link("left-pad", "/srv/src/left-pad");
    for number in 0..200 {
        link(&format!("linked-{number}"), "/srv/src/claude");
    }
    let outcome = machine.scan();
    let snapshot = outcome.snapshots.iter().find(|snapshot| snapshot.source == "npm").unwrap();
    let found: Vec<(&str, Option<&str>)> = snapshot
        .items
        .iter()
        .map(|found| (found.item.evidence.value.as_str(), found.item.evidence.version.as_deref()))
        .collect();
    let expected = [
        ("@anthropic-ai/claude-code", Some("2.0.31")),
        ("@anthropic-ai/sdk", None),
        ("openai", Some("5.0.0")),
    ];
    assert_eq!(found, expected);
    // All are named, so nothing is hidden: what is not here is gone.
    assert_eq!((state(&outcome, "npm"), snapshot.completeness), (SourceState::Read, Completeness::Complete));
    let report = outcome.reports.iter().find(|report| report.source == "npm").unwrap();
    assert_eq!(report.problems, 202);
    let told: Vec<&str> = outcome
        .problems
        .iter()
        .filter(|problem| problem.source == "npm" && problem.state == SourceState::Skipped)
        .map(|problem| problem.location.as_str())
        .collect();
    // Some of them with their place, so that there is room for troubles.
    assert_eq!(told.len(), 16);
    let place = "~/.npm-global/lib/node_modules/";
    assert!(
        told.iter().all(|at| at.starts_with(place) && at.ends_with(" (a link that leads out)")),
        "{told:?}"
    );
}
