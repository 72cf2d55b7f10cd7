//! The sources, family by family: the name of each on the wire, the channel, and where it is read.

use umbrascope_api::Channel;

use super::safe::Dir;
use super::*;

/// Reads every source of files.
pub(super) fn read(scan: &mut Scan<'_>, machine: &Machine) {
    of_systems(scan, machine);
    of_languages(scan, machine);
    extensions(scan, machine);
    assistants_and_programs(scan, machine);
    models_and_images(scan, machine);
}

/// Looks at what runs now, on a running machine only: at a full scan. At a look, [`look_at_running`] did.
pub(super) fn read_running(scan: &mut Scan<'_>, request: &ScanRequest, root: &Dir, homes: &[Dir]) {
    if scan.watch.again() {
        return;
    }
    if request.live {
        let (finished, marks) = running::read(request, root, homes, &scan.budget, scan.matcher);
        if let Some(journal) = scan.watch.first_journal() {
            running::note(journal, &finished, marks.as_ref());
        }
        scan.keep(finished);
    }
    #[cfg(target_os = "linux")]
    if let Some(socket) = &request.containers {
        scan.live("container-daemon", Channel::Container, |source| containers::ask(socket, source));
    }
}

/// Looks at what runs since a journal was written. Gives what is to be told, and whether the journal is another.
pub(super) fn look_at_running<'m>(
    request: &ScanRequest,
    at: (&Dir, &Rc<Budget>),
    journal: &mut Journal,
    again: bool,
    matcher: impl FnOnce() -> &'m Matcher,
) -> (Option<Finished>, bool) {
    if !request.live {
        return (None, false);
    }
    match running::look(request, at, journal, again, matcher) {
        running::Looked::Same => (None, false),
        running::Looked::Noted => (None, true),
        running::Looked::Moved(finished) => (Some(finished), true),
    }
}

/// Packages and applications of the operating systems and of what installs for all of them.
fn of_systems(scan: &mut Scan<'_>, machine: &Machine) {
    scan.source("dpkg", Channel::Package, |source| dpkg::read(&machine.root, source));
    scan.source("rpm", Channel::Package, |source| rpm::read(&machine.root, machine.live, source));
    scan.source("apk", Channel::Package, |source| apk::read(&machine.root, source));
    scan.source("pacman", Channel::Package, |source| alpm::read(&machine.root, source));
    scan.source("snap", Channel::Package, |source| snap::read(&machine.root, source));
    scan.source("flatpak", Channel::Package, |source| {
        flatpak::read_system(&machine.root, source);
        machine.homes.each(source, flatpak::read_home);
    });
    scan.source("nix", Channel::Package, |source| {
        nix::read_system(&machine.root, source);
        machine
            .homes
            .each(source, |home, source| nix::read_home(&machine.root.charged_to(home), home, source));
    });
    scan.source("brew", Channel::Package, |source| bundles::read_brew(&machine.root, source));
    scan.source("macports", Channel::Package, |source| macos::ports::read(&machine.root, source));
    scan.source("macos-receipts", Channel::Package, |source| macos::receipts::read(&machine.root, source));
    scan.source("macos-apps", Channel::App, |source| {
        macos::apps::read_system(&machine.root, source);
        machine.homes.each(source, macos::apps::read_home);
    });
    scan.source("macos-launchd", Channel::App, |source| {
        macos::launchd::read_system(&machine.root, source);
        machine.homes.each(source, macos::launchd::read_home);
    });
    scan.source("windows-programs", Channel::App, |source| {
        windows::uninstall::read(&machine.registry, source)
    });
    scan.source("msix", Channel::App, |source| {
        windows::msix::read(&machine.registry, source);
        windows::msix::read_system(&machine.root, source);
    });
    scan.source("chocolatey", Channel::Package, |source| windows::chocolatey::read(&machine.root, source));
    scan.source("scoop", Channel::Package, |source| {
        windows::scoop::read_system(&machine.root, source);
        machine.homes.each(source, windows::scoop::read_home);
    });
    scan.source("winget", Channel::Package, |source| {
        windows::winget::read_system(&machine.root, source);
        machine.homes.each(source, windows::winget::read_home);
    });
    scan.source("wsl", Channel::App, |source| windows::wsl::read(&machine.registry, source));
}

/// Packages of programming languages, and the projects that name some.
fn of_languages(scan: &mut Scan<'_>, machine: &Machine) {
    scan.everywhere(
        "pip",
        Channel::Package,
        &machine.homes,
        |source| {
            machine.projects.each_relying(source, python::read_projects);
            python::read_system(&machine.root, source);
            windows::python::read(&machine.root, &machine.registry, source);
        },
        python::read_home,
    );
    scan.everywhere(
        "conda",
        Channel::Package,
        &machine.homes,
        |source| conda::read_system(&machine.root, source),
        conda::read_home,
    );
    scan.everywhere(
        "npm",
        Channel::Package,
        &machine.homes,
        |source| node::read_system(&machine.root, source),
        node::read_home,
    );
    scan.source("cargo", Channel::Package, |source| {
        cargo::read_system(&machine.root, source);
        machine.homes.each(source, cargo::read_home);
    });
    scan.source("go", Channel::Package, |source| {
        go::read_system(&machine.root, source);
        machine.homes.each(source, go::read_home);
    });
    scan.source("gem", Channel::Package, |source| {
        gem::read_system(&machine.root, source);
        machine.homes.each(source, gem::read_home);
    });
    scan.in_homes("dotnet", Channel::Package, &machine.homes, dotnet::read_home);
    scan.in_homes("composer", Channel::Package, &machine.homes, composer::read_home);
    scan.everywhere(
        "manifests",
        Channel::Manifest,
        &machine.homes,
        |source| {
            machine.projects.each_relying(source, |base, hits, source| {
                manifests::read_home(base, hits, source);
                keys::read_projects(base, hits, source);
            });
        },
        manifests::read_home,
    );
}

/// Extensions of browsers, editors and other programs.
fn extensions(scan: &mut Scan<'_>, machine: &Machine) {
    scan.source("vscode-extensions", Channel::Extension, |source| {
        vscode::read_system(&machine.root, source);
        machine.homes.each(source, vscode::read_home);
    });
    scan.source("chromium-extensions", Channel::Extension, |source| {
        chromium::read_system(&machine.root, source);
        machine.homes.each(source, chromium::read_home);
    });
    scan.source("native-messaging-hosts", Channel::Extension, |source| {
        chromium::hosts::read_system(&machine.root, source);
        windows::hosts::read(&machine.registry, source);
        machine.homes.each(source, chromium::hosts::read_home);
    });
    scan.source("firefox-extensions", Channel::Extension, |source| {
        firefox::read_system(&machine.root, source);
        machine.homes.each(source, firefox::read_home);
    });
    scan.in_homes("safari-extensions", Channel::Extension, &machine.homes, safari::read_home);
    scan.in_homes("jetbrains-plugins", Channel::Extension, &machine.homes, jetbrains::read_home);
    scan.in_homes("zed-extensions", Channel::Extension, &machine.homes, plugins::read_zed);
    scan.in_homes("vim-plugins", Channel::Extension, &machine.homes, plugins::read_vim);
    scan.source("emacs-packages", Channel::Extension, |source| {
        emacs::read_system(&machine.root, source);
        machine.homes.each(source, emacs::read_home);
    });
    scan.in_homes("sublime-packages", Channel::Extension, &machine.homes, sublime::read_home);
    scan.in_homes("obsidian-plugins", Channel::Extension, &machine.homes, obsidian::read_home);
    scan.in_homes("raycast-extensions", Channel::Extension, &machine.homes, raycast::read_home);
    scan.in_homes("office-addins", Channel::Extension, &machine.homes, office::read_home);
    scan.in_homes("visual-studio-extensions", Channel::Extension, &machine.homes, visualstudio::read_home);
}

/// Assistants with their servers and accounts, and programs that no package brought.
fn assistants_and_programs(scan: &mut Scan<'_>, machine: &Machine) {
    scan.everywhere(
        "mcp-config",
        Channel::McpConfig,
        &machine.homes,
        |source| {
            mcp::read_system(&machine.root, source);
            machine.projects.each_relying(source, mcp::read_projects);
        },
        mcp::read_home,
    );
    scan.everywhere(
        "assistants",
        Channel::App,
        &machine.homes,
        |source| {
            assistants::read_system(&machine.root, source);
            machine.projects.each_relying(source, assistants::read_projects);
        },
        assistants::read_home,
    );
    scan.source("environment-keys", Channel::Environment, |source| {
        keys::read_system(&machine.root, source);
        keys::read_registry(&machine.root, machine.live, &machine.registry, source);
        machine.homes.each(source, keys::read_home);
    });
    scan.in_homes("accounts", Channel::Account, &machine.homes, accounts::read_home);
    scan.source("programs", Channel::App, |source| {
        programs::read_system(&machine.root, source);
        windows::programs::read_system(&machine.root, &machine.registry.drive(), source);
        machine.homes.each(source, |home, source| {
            programs::read_home(home, source);
            windows::programs::read_home(home, source);
        });
    });
}

/// Images of containers, and models.
fn models_and_images(scan: &mut Scan<'_>, machine: &Machine) {
    scan.source("containers", Channel::Container, |source| {
        containers::read_system(&machine.root, source);
        machine.homes.each(source, containers::read_home);
    });
    scan.source("ollama", Channel::ModelFile, |source| {
        models::ollama::read_system(&machine.root, source);
        machine.homes.each(source, |home, source| models::ollama::read_home(home, &machine.root, source));
    });
    scan.source("huggingface", Channel::ModelFile, |source| {
        models::huggingface::read_system(&machine.root, source);
        machine
            .homes
            .each(source, |home, source| models::huggingface::read_home(home, &machine.root, source));
    });
    scan.source("docker-models", Channel::ModelFile, |source| {
        models::docker::read_system(&machine.root, source);
        machine.homes.each(source, models::docker::read_home);
    });
    scan.everywhere(
        "model-files",
        Channel::ModelFile,
        &machine.homes,
        |source| models::read_system_files(&machine.root, source),
        |home, hits, source| models::read_files(home, &machine.root, hits, source),
    );
}
