//! The product's words in the reader's: a label and an explanation for each value that a page shows.

use umbrascope_api::{Channel, ItemDetails, PartKind, RiskFlag, SourceState};
use umbrascope_rules::{Answer, ClaimSource, Confidence, Level, ProductKind, Standing};

use super::language::{self, say, t};
use super::text::Bytes;
use crate::model::{AiSystemRow, SensorState, TokenState};

/// Style class of a channel's badge: seen on the network, found on disk, or set up and running.
pub(crate) fn channel_class(channel: &Channel) -> &'static str {
    match channel {
        Channel::Dns | Channel::Tls | Channel::Quic | Channel::Http | Channel::Log => "net",
        Channel::Package | Channel::App | Channel::Extension | Channel::ModelFile | Channel::Container => {
            "disk"
        }
        Channel::McpConfig
        | Channel::Policy
        | Channel::Manifest
        | Channel::Runtime
        | Channel::Process
        | Channel::Account
        | Channel::Environment => "run",
        _ => "",
    }
}

/// What a channel is, in a sentence.
pub(crate) fn channel_meaning(channel: &Channel) -> &'static str {
    t(match channel {
        Channel::Dns => "A DNS query asked for its name.",
        Channel::Tls => "A TLS or DTLS client asked for its name.",
        Channel::Quic => "A QUIC (HTTP/3) client asked for its name.",
        Channel::Http => "An unencrypted request or a proxy was asked for its name.",
        Channel::Package => "Installed as a package of the system or of a language.",
        Channel::App => "Installed as a desktop application.",
        Channel::Extension => "Installed as an extension of a browser, an editor or another program.",
        Channel::Policy => "The organisation tells its machines to install it.",
        Channel::McpConfig => "Set up as an MCP server in the configuration of an assistant.",
        Channel::Manifest => "Named in a project's manifest or lock file.",
        Channel::ModelFile => "A model file in a local model store.",
        Channel::Runtime => "A local inference server.",
        Channel::Container => "A container or a container image.",
        Channel::Process => "A running process.",
        Channel::Account => "The account that a tool is signed in with, by its domain alone.",
        Channel::Environment => "A key to it is set in the environment, by the name of the variable alone.",
        Channel::Log => "A line of an imported log.",
        _ => "A way that this collector does not know yet; a newer one will.",
    })
}

/// What follows from all sources, in words and as the style class of a badge. Only what was verified is good, and only a
/// contradiction asks for a look: whether a yes is good news depends on the question.
pub(crate) fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Verified => (t("yes, verified"), "good"),
        Standing::Claimed => (t("yes, as claimed"), "net"),
        Standing::Disputed => (t("disputed"), "warn"),
        Standing::Denied => (t("no, as stated"), "run"),
        Standing::Unknown => (t("no public evidence found"), ""),
    }
}

/// What one source answers.
pub(crate) fn answer(answer: Answer) -> &'static str {
    t(match answer {
        Answer::Yes => "Yes",
        Answer::No => "No",
        Answer::Unknown => "No answer",
    })
}

/// What sort of source a claim has.
pub(crate) fn claim_source(source: ClaimSource) -> &'static str {
    t(match source {
        ClaimSource::FirstParty => "the vendor's own page",
        ClaimSource::PressRelease => "press release",
        ClaimSource::CertificateRegister => "register of certificates",
        ClaimSource::Registry => "register of AI vendors",
        ClaimSource::ThirdParty => "somebody else's page",
    })
}

/// A level in one word.
pub(crate) fn level_label(level: Level) -> &'static str {
    t(match level {
        Level::Referenced => "referenced",
        Level::Presence => "installed",
        Level::Configured => "configured",
        Level::Resolution => "looked up",
        Level::Connection => "connected",
        Level::Use => "used",
    })
}

/// What a level proves, and what it does not.
pub(crate) fn level_meaning(level: Level) -> &'static str {
    t(match level {
        Level::Referenced => "A project names it. Nobody here need run it.",
        Level::Presence => "It is on the machine. Whether anybody uses it is not shown.",
        Level::Configured => "It is set up on the machine.",
        Level::Resolution => "Something looked its name up. No connection is shown.",
        Level::Connection => "A client on the machine connected to it.",
        Level::Use => "A known process or account used it, or it was used again and again.",
    })
}

/// What a confidence means.
pub(crate) fn confidence_meaning(confidence: Confidence) -> &'static str {
    t(match confidence {
        Confidence::High => "What matched serves AI and nothing else.",
        Confidence::Medium => "A company's own site, its delivery network, or a mixed service.",
        Confidence::Low => "AI inside a larger product. Counts only with a second channel.",
        Confidence::Suspect => "Only the shape of the name speaks for it.",
    })
}

/// How many of three bars a confidence fills.
pub(crate) fn confidence_bars(confidence: Confidence) -> usize {
    match confidence {
        Confidence::Suspect => 0,
        Confidence::Low => 1,
        Confidence::Medium => 2,
        Confidence::High => 3,
    }
}

/// A kind as a reader says it.
pub(crate) fn kind_label(kind: ProductKind) -> &'static str {
    t(match kind {
        ProductKind::Service => "service",
        ProductKind::Application => "application",
        ProductKind::Extension => "extension",
        ProductKind::Library => "library",
        ProductKind::Runtime => "runtime",
        ProductKind::Model => "model",
        ProductKind::McpServer => "MCP server",
        ProductKind::Agent => "agent",
    })
}

/// A risk flag in a sentence; the word itself for one that is newer than this collector.
pub(crate) fn flag_meaning(flag: &RiskFlag) -> &str {
    match flag {
        RiskFlag::ApprovalBypass => t("may act without asking"),
        RiskFlag::UnpinnedPackage => t("runs a remote package without a pinned version"),
        RiskFlag::Shell => t("its command is a shell"),
        RiskFlag::FilesystemRoot => t("is given a whole file system or home"),
        RiskFlag::PlainTextSecret => t("a secret stands in its configuration in plain text"),
        RiskFlag::PlainHttp => t("is reached without encryption"),
        RiskFlag::Unpacked => t("loaded from a folder, not from a store"),
        RiskFlag::SandboxOff => t("is not held back by its sandbox"),
        RiskFlag::CustomEndpoint => t("is told to talk to another endpoint than its vendor's"),
        RiskFlag::PersonalAccount => t("is signed in with a private account"),
        other => other.as_str(),
    }
}

/// A sensor's state: label and style class.
pub(crate) fn sensor_state(state: SensorState) -> (&'static str, &'static str) {
    match state {
        SensorState::Reporting => (t("reporting"), "good"),
        SensorState::Silent => (t("silent"), "warn"),
        SensorState::NeverReported => (t("never reported"), "warn"),
        SensorState::Revoked => (t("revoked"), "bad"),
    }
}

/// A token's state: label and style class.
pub(crate) fn token_state(state: TokenState) -> (&'static str, &'static str) {
    match state {
        TokenState::Active => (t("active"), "good"),
        TokenState::Used => (t("used up"), ""),
        TokenState::Expired => (t("expired"), ""),
        TokenState::Revoked => (t("revoked"), "bad"),
    }
}

/// How the last scan of a source ended, to follow the source's name.
pub(crate) fn source_state(state: SourceState) -> &'static str {
    t(match state {
        SourceState::Read => "read to the end",
        SourceState::Absent => "not on this machine",
        SourceState::Refused => "could not be read (no permission)",
        SourceState::TooLarge => "partly read: something was over the size bound",
        SourceState::TimedOut => "partly read: the scan's time was over",
        SourceState::Skipped => "left out: a remote or placeholder file system",
        SourceState::Malformed => "partly read: something is not of its format",
        SourceState::Unknown => "ended in a way that this collector does not know yet",
    })
}

/// What a scan said beside an item, in the order of interest: label and value.
pub(crate) fn details(details: &ItemDetails) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    let mut put = |label, value: &Option<String>| {
        if let Some(value) = value {
            words.push((label, value.clone()));
        }
    };
    put(t("in"), &details.client);
    put(t("at"), &details.location);
    put(t("over"), &details.transport);
    put(t("runs package"), &details.package);
    put(t("runs"), &details.command);
    put(t("talks to"), &details.host);
    put(t("is"), &details.role);
    put(t("family"), &details.family);
    put(t("parameters"), &details.parameters);
    put(t("quantised"), &details.quantisation);
    put(t("licence"), &details.licence);
    put(t("SHA-256"), &details.sha256);
    put(t("made by"), &details.publisher);
    put(t("uses"), &details.provider);
    put(t("model"), &details.model);
    if let Some(local) = details.local {
        words
            .push((t("answers come from"), t(if local { "this machine" } else { "the network" }).to_owned()));
    }
    if let Some(confirmed) = details.confirmed {
        let answer = t(if confirmed { "yes" } else { "no" });
        words.push((t("shown by its answer"), answer.to_owned()));
    }
    if let Some(size) = details.size_bytes {
        words.push((t("size"), Bytes(size).to_string()));
    }
    if let Some(enabled) = details.enabled {
        words.push((t("switched"), t(if enabled { "on" } else { "off" }).to_owned()));
    }
    if !details.env_names.is_empty() {
        words.push((t("given variables"), details.env_names.join(", ")));
    }
    for kind in PartKind::KNOWN {
        let names: Vec<&str> =
            details.parts.iter().filter(|part| part.kind == *kind).map(|part| part.name.as_str()).collect();
        if !names.is_empty() {
            words.push((part_label(kind), names.join(", ")));
        }
    }
    words
}

fn part_label(kind: &PartKind) -> &'static str {
    t(match kind {
        PartKind::Skill => "skills",
        PartKind::Plugin => "plugins",
        PartKind::Hook => "hooks on",
        PartKind::Subagent => "sub-agents",
        PartKind::Command => "commands",
        PartKind::Model => "has models",
        _ => "parts",
    })
}

/// Why a candidate stands in the inventory, by the rule that put it there.
pub(crate) fn why_candidate(row: &AiSystemRow) -> String {
    if row.first_day.is_none() {
        return t("Recorded by hand: no sensor saw it").to_owned();
    }
    let channels = match row.channels.len() {
        0 | 1 => t("one channel").to_owned(),
        number => say!("{0} channels", number),
    };
    say!(
        "{0}, {1} confidence over {2}",
        sentence(level_label(row.level)),
        language::label(row.confidence.as_str()),
        channels
    )
}

/// A text with its first letter raised.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
