//! The closed word lists of the catalogue. Each word has one spelling, the same in TOML, JSON and on screen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A word that is not in the list it should come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// The word as it was written.
    pub word: String,
    /// The words that would have been right.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of {}", self.word, self.known.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written everywhere.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.to_owned(),
                    known: Self::ALL.iter().map(|known| known.as_str()).collect(),
                })
            }
        }
    };
}

words! {
    /// How sure a rule is that what it matches is AI, weakest first.
    Confidence {
        /// Only the shape of a name speaks for it.
        Suspect = "suspect",
        /// AI inside a larger product.
        Low = "low",
        /// The company's own site, its CDN, a mixed service.
        Medium = "medium",
        /// Serves AI and nothing else.
        High = "high",
    }
}

words! {
    /// What a sighting proves, weakest first.
    Level {
        /// A project names it; nobody here need run it.
        Referenced = "referenced",
        /// Installed on this machine.
        Presence = "presence",
        /// Set up on this machine.
        Configured = "configured",
        /// Something looked the name up.
        Resolution = "resolution",
        /// A client of this machine connected.
        Connection = "connection",
        /// Used by a known process or account, or again and again.
        Use = "use",
    }
}

words! {
    /// What sort of thing a product is.
    ProductKind {
        /// Reached over the network.
        Service = "service",
        /// A program of its own.
        Application = "application",
        /// A part of a browser or an editor.
        Extension = "extension",
        /// Code that programs are built with.
        Library = "library",
        /// Runs models on this machine.
        Runtime = "runtime",
        /// Weights.
        Model = "model",
        /// A server of the Model Context Protocol.
        McpServer = "mcp-server",
        /// Acts on its own.
        Agent = "agent",
    }
}

words! {
    /// What a product is for.
    Category {
        /// Chat assistants.
        Assistant = "assistant",
        /// Models behind an API.
        ModelApi = "model-api",
        /// One API in front of many models.
        ModelGateway = "model-gateway",
        /// AI services of a general cloud.
        CloudAi = "cloud-ai",
        /// Writing software.
        Coding = "coding",
        /// Building and running agents.
        AgentPlatform = "agent-platform",
        /// Workflows with models in them.
        Automation = "automation",
        /// Making and changing pictures.
        Image = "image",
        /// Making and changing video.
        Video = "video",
        /// Cleaning, separating and editing sound.
        Audio = "audio",
        /// Making music.
        Music = "music",
        /// Speech from text and text from speech.
        Voice = "voice",
        /// Talking faces.
        Avatar = "avatar",
        /// Graphic, interface and interior design.
        Design = "design",
        /// Slides.
        Presentation = "presentation",
        /// Text.
        Writing = "writing",
        /// Between languages.
        Translation = "translation",
        /// Answers from the web.
        Search = "search",
        /// Papers and sources.
        Research = "research",
        /// Notes of meetings.
        Meeting = "meeting",
        /// Sales and marketing.
        Sales = "sales",
        /// Customer service.
        Support = "support",
        /// Hiring and staff.
        Hr = "hr",
        /// Law.
        Legal = "legal",
        /// Medicine.
        Health = "health",
        /// Money.
        Finance = "finance",
        /// Teaching and learning.
        Education = "education",
        /// Data platforms with AI.
        DataPlatform = "data-platform",
        /// Stores of embeddings.
        VectorDatabase = "vector-database",
        /// Watching models at work.
        Observability = "observability",
        /// Measuring models.
        Evaluation = "evaluation",
        /// Training and serving models.
        MlPlatform = "ml-platform",
        /// Where weights are published.
        ModelHub = "model-hub",
        /// Models on this machine.
        LocalRuntime = "local-runtime",
        /// Model Context Protocol.
        Mcp = "mcp",
        /// Browsers built around AI.
        Browser = "browser",
        /// Personas to talk to.
        Companion = "companion",
        /// Office work.
        Productivity = "productivity",
        /// Securing or attacking with AI.
        Security = "security",
        /// Code to build with.
        Library = "library",
        /// AI inside a general product.
        Embedded = "embedded",
    }
}

words! {
    /// Where the knowledge of a rule comes from.
    SourceType {
        /// The vendor says so.
        FirstParty = "first_party",
        /// Seen in traffic or in an installation.
        Observation = "observation",
        /// A press release.
        PressRelease = "press_release",
        /// Somebody else says so.
        ThirdParty = "third_party",
        /// A package or extension registry.
        Registry = "registry",
        /// Stated from general knowledge; nobody has read the source for this rule yet.
        Knowledge = "knowledge",
    }
}

words! {
    /// What a name serves.
    Serves {
        /// The product itself, for people.
        App = "app",
        /// The product itself, for programs.
        Api = "api",
        /// Its static files.
        Cdn = "cdn",
        /// Its sign-in.
        Auth = "auth",
        /// Its measurements.
        Telemetry = "telemetry",
        /// Its installers and weights.
        Download = "download",
    }
}

words! {
    /// The namespace an identifier of software is of. The word is the key of the indicator in TOML.
    SoftwareKind {
        /// Debian package.
        Dpkg = "dpkg",
        /// RPM package.
        Rpm = "rpm",
        /// Alpine package.
        Apk = "apk",
        /// Arch package.
        Pacman = "pacman",
        /// Snap.
        Snap = "snap",
        /// Flatpak application id.
        Flatpak = "flatpak",
        /// Homebrew formula or cask.
        Brew = "brew",
        /// MacPorts port.
        Macports = "macports",
        /// Name of a package in a Nix profile, without its version.
        Nix = "nix",
        /// Chocolatey package.
        Chocolatey = "chocolatey",
        /// Scoop app.
        Scoop = "scoop",
        /// Python distribution.
        Pypi = "pypi",
        /// npm package.
        Npm = "npm",
        /// Rust crate.
        Cargo = "cargo",
        /// Go module path; modules below it too.
        Go = "go",
        /// Ruby gem.
        Gem = "gem",
        /// NuGet package.
        Nuget = "nuget",
        /// Composer package.
        Composer = "composer",
        /// `group:artifact` of Maven, Gradle and their like.
        Maven = "maven",
        /// winget package.
        Winget = "winget",
        /// `publisher.name` of an extension of the VS Code family.
        VscodeExtension = "vscode-extension",
        /// Extension id of the Chromium family.
        ChromiumExtension = "chromium-extension",
        /// Add-on id of the Firefox family.
        FirefoxExtension = "firefox-extension",
        /// Plugin id of the JetBrains family.
        JetbrainsPlugin = "jetbrains-plugin",
        /// Identity of an extension of Visual Studio, as its manifest has it.
        VisualStudioExtension = "visual-studio-extension",
        /// Zed extension.
        ZedExtension = "zed-extension",
        /// `owner/repository` of a Vim or Neovim plugin.
        VimPlugin = "vim-plugin",
        /// Emacs package, as the package archives name it.
        EmacsPackage = "emacs-package",
        /// Sublime Text package, as Package Control names it.
        SublimePackage = "sublime-package",
        /// Obsidian plugin id.
        ObsidianPlugin = "obsidian-plugin",
        /// `author/name` of a Raycast extension.
        RaycastExtension = "raycast-extension",
        /// Id of an Office add-in, a UUID.
        OfficeAddin = "office-addin",
        /// Name of a native messaging host of a browser.
        NativeMessagingHost = "native-messaging-host",
        /// macOS bundle identifier.
        BundleId = "bundle-id",
        /// MSIX package family name.
        MsixFamily = "msix-family",
        /// Windows uninstall key.
        UninstallKey = "uninstall-key",
        /// Desktop file id, without `.desktop`.
        DesktopId = "desktop-id",
        /// File name of an AppImage.
        AppImage = "appimage",
        /// Path of a program, `~` for a home.
        Executable = "executable",
        /// Folder or file that only this tool writes, `~` for a home; whatever is below it too.
        ConfigPath = "config-path",
        /// Package (npm, PyPI, OCI) of an MCP server.
        McpPackage = "mcp-package",
        /// Host of a remote MCP server; its sub-hosts too.
        McpHost = "mcp-host",
        /// Repository of a container image; repositories below it too.
        ContainerImage = "container-image",
        /// Repository or name of a model.
        Model = "model",
        /// TCP port of this machine on which a runtime listens by default. Never evidence alone: many programs share it.
        LocalPort = "local-port",
        /// `/path text`: what a GET of a path of a runtime's own port answers with.
        ApiFingerprint = "api-fingerprint",
        /// Conda package, whose names are not those of PyPI.
        Conda = "conda",
        /// File or folder that a project keeps for this tool, as a path below the project's own folder.
        ProjectFile = "project-file",
        /// Name of an environment variable that holds a key to this product. The name alone: no value is ever compared.
        EnvName = "env-name",
    }
}

words! {
    /// What a rule without indicators stands in for.
    Fallback {
        /// Any MCP server that no other rule knows.
        McpServer = "mcp-server",
        /// Any model file that no other rule knows.
        Model = "model",
    }
}

words! {
    /// What a name that is no AI means for what can be seen.
    LandmarkKind {
        /// Stands in hellos in place of the name that Encrypted ClientHello hides.
        EchPublicName = "ech-public-name",
        /// Answers DNS queries over TLS, HTTPS or QUIC and does nothing else.
        Resolver = "resolver",
    }
}

words! {
    /// What a claim about a vendor is about. Each is a question that a source answers with yes or no.
    Framework {
        /// Certificate of an AI management system.
        Iso42001 = "iso42001",
        /// Certificate of an information security management system.
        Iso27001 = "iso27001",
        /// Report of an auditor on controls.
        Soc2 = "soc2",
        /// Models are trained on what customers enter.
        Training = "training",
        /// There is a limit to how long it keeps what customers enter.
        Retention = "retention",
        /// A customer can choose the region that keeps its data.
        Residency = "residency",
        /// A data processing agreement is offered.
        Dpa = "dpa",
        /// Signatory of the EU Code of Practice for general-purpose AI.
        GpaiCode = "gpai-code",
        /// Terms of use that are published.
        Terms = "terms",
        /// A page on which the vendor shows its certificates and reports.
        TrustCentre = "trust-centre",
    }
}

impl Framework {
    /// As people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Framework::Iso42001 => "ISO/IEC 42001 certificate",
            Framework::Iso27001 => "ISO/IEC 27001 certificate",
            Framework::Soc2 => "SOC 2 report",
            Framework::Training => "Trains on customer input",
            Framework::Retention => "Limit to how long input is kept",
            Framework::Residency => "Choice of data region",
            Framework::Dpa => "Data processing agreement",
            Framework::GpaiCode => "EU GPAI Code of Practice",
            Framework::Terms => "Published terms",
            Framework::TrustCentre => "Trust centre",
        }
    }

    /// Whether certifiers and accreditation bodies keep registers of it.
    pub const fn has_register(self) -> bool {
        matches!(self, Framework::Iso42001 | Framework::Iso27001)
    }
}

words! {
    /// What one source says to the question of a framework.
    Answer {
        /// It is so.
        Yes = "yes",
        /// It is not so.
        No = "no",
        /// Somebody looked there and found no answer, which is not a no.
        Unknown = "unknown",
    }
}

words! {
    /// What follows from all that sources say to one question.
    Standing {
        /// The certificate was seen in the register of a certifier or an accreditation body.
        Verified = "verified",
        /// A source says yes, and none says no.
        Claimed = "claimed",
        /// One source says yes and another no.
        Disputed = "disputed",
        /// A source says no, and none says yes.
        Denied = "denied",
        /// No source gives an answer: no public evidence found.
        Unknown = "unknown",
    }
}

words! {
    /// What sort of source a claim has, the strongest first. General knowledge is none.
    ClaimSource {
        /// The register of a certifier or of an accreditation body.
        CertificateRegister = "certificate_register",
        /// A page of the vendor.
        FirstParty = "first_party",
        /// A press release of the vendor, wherever it stands.
        PressRelease = "press_release",
        /// A public register of AI vendors, kept by somebody else.
        Registry = "registry",
        /// Somebody else says so.
        ThirdParty = "third_party",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_themselves() {
        for kind in SoftwareKind::ALL {
            assert_eq!(kind.as_str().parse::<SoftwareKind>(), Ok(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn confidence_and_level_are_ordered_weakest_first() {
        assert!(Confidence::Suspect < Confidence::Low && Confidence::Medium < Confidence::High);
        assert!(Level::Referenced < Level::Presence && Level::Connection < Level::Use);
    }

    #[test]
    fn an_unknown_word_says_what_is_known() {
        let error = "sure".parse::<Confidence>().unwrap_err();
        assert_eq!(error.to_string(), "`sure` is none of suspect, low, medium, high");
    }
}
