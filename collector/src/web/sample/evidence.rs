//! Evidence that goes with the products of the sample fleet.

use umbrascope_api::{Channel, ItemDetails, Part, PartKind, RiskFlag};
use umbrascope_rules::{Level, ProductKind};

use super::HOSTILE;
use crate::model::{EvidenceRow, ProductRow};

/// What the settings of an assistant say.
fn assistant() -> ItemDetails {
    let part = |kind, name: &str| Part { kind, name: name.to_owned() };
    ItemDetails {
        location: Some("~/.claude".to_owned()),
        provider: Some("anthropic".to_owned()),
        model: Some("opus".to_owned()),
        host: Some("api.anthropic.com".to_owned()),
        local: Some(false),
        parts: vec![
            part(PartKind::Skill, "release-notes"),
            part(PartKind::Skill, "spreadsheets"),
            part(PartKind::Hook, "PreToolUse"),
            part(PartKind::Subagent, "code-reviewer"),
        ],
        ..ItemDetails::default()
    }
}

fn piece(rule: &str, channel: Channel, value: &str, level: Level, row: &ProductRow) -> EvidenceRow {
    let network = matches!(channel, Channel::Dns | Channel::Tls | Channel::Quic | Channel::Http);
    EvidenceRow {
        rule: rule.to_owned(),
        executable: (network && channel != Channel::Dns)
            .then(|| "/usr/lib/firefox-esr/firefox-esr".to_owned()),
        value: value.to_owned(),
        version: None,
        container: None,
        package: (network && channel != Channel::Dns).then(|| "deb:firefox-esr".to_owned()),
        forwarded: false,
        channel,
        confidence: row.confidence,
        level,
        assets: row.assets,
        accounts: row.assets.min(9),
        count: if network { row.assets * 412 } else { 0 },
        first_day: row.first_day,
        last_day: row.last_day,
        present: true,
        details: ItemDetails::default(),
        flags: Vec::new(),
        files: Vec::new(),
    }
}

/// Evidence that goes with the channels of a row.
pub(super) fn evidence(row: &ProductRow) -> Vec<EvidenceRow> {
    let slug = row.id.rsplit('.').next().unwrap_or_default().to_owned();
    let host = format!("{slug}.com");
    let mut pieces: Vec<EvidenceRow> = row
        .channels
        .iter()
        .flat_map(|channel| {
            let rule = format!("{}.{channel}", row.id);
            match channel {
                Channel::Dns | Channel::Tls | Channel::Quic => {
                    let level = if *channel == Channel::Dns { Level::Resolution } else { Level::Connection };
                    vec![
                        piece(&rule, channel.clone(), &host, level, row),
                        piece(&rule, channel.clone(), &format!("ab.{host}"), level, row),
                    ]
                }
                Channel::McpConfig => {
                    let mut found = piece(&rule, channel.clone(), "filesystem", Level::Configured, row);
                    found.details = ItemDetails {
                        client: Some("Claude Desktop".to_owned()),
                        location: Some("~/.config/Claude/claude_desktop_config.json".to_owned()),
                        transport: Some("stdio".to_owned()),
                        package: Some("@modelcontextprotocol/server-filesystem".to_owned()),
                        command: Some("npx".to_owned()),
                        env_names: vec!["HOME".to_owned(), "API_TOKEN".to_owned()],
                        enabled: Some(true),
                        ..ItemDetails::default()
                    };
                    found.flags =
                        vec![RiskFlag::UnpinnedPackage, RiskFlag::FilesystemRoot, RiskFlag::PlainTextSecret];
                    vec![found]
                }
                Channel::ModelFile => {
                    let mut found =
                        piece(&rule, channel.clone(), "llama3.1:8b-instruct-q4_K_M", Level::Presence, row);
                    found.details = ItemDetails {
                        location: Some("~/.ollama/models".to_owned()),
                        family: Some("llama".to_owned()),
                        parameters: Some("8.0B".to_owned()),
                        quantisation: Some("Q4_K_M".to_owned()),
                        licence: Some("Llama 3.1 Community License".to_owned()),
                        size_bytes: Some(4_920_753_328),
                        ..ItemDetails::default()
                    };
                    vec![found]
                }
                Channel::App if row.kind == Some(ProductKind::Agent) => {
                    let mut found = piece(&rule, channel.clone(), "~/.claude", Level::Configured, row);
                    found.version = Some("2.0.50".to_owned());
                    found.details = assistant();
                    found.flags = vec![RiskFlag::ApprovalBypass];
                    vec![found]
                }
                Channel::Account => {
                    [("corp.example", vec![]), ("gmail.com", vec![RiskFlag::PersonalAccount])]
                        .map(|(domain, flags)| EvidenceRow {
                            flags,
                            ..piece(&rule, channel.clone(), domain, Level::Configured, row)
                        })
                        .into()
                }
                Channel::Environment => {
                    let mut found = piece(&rule, channel.clone(), "OPENAI_API_KEY", Level::Configured, row);
                    found.details.location = Some("~/.bashrc".to_owned());
                    found.flags = vec![RiskFlag::PlainTextSecret];
                    vec![found]
                }
                Channel::Runtime => {
                    let mut found = piece(&rule, channel.clone(), "/usr/local/bin/ollama", Level::Use, row);
                    found.details.host = Some("127.0.0.1:11434".to_owned());
                    vec![found]
                }
                Channel::Extension => {
                    let mut found = piece(&rule, channel.clone(), &slug, Level::Presence, row);
                    found.version = Some("1.372.0".to_owned());
                    found.details.client = Some("VS Code".to_owned());
                    found.details.enabled = Some(true);
                    vec![found]
                }
                _ => {
                    let mut found = piece(&rule, channel.clone(), &slug, Level::Presence, row);
                    found.version = Some("1.104.2".to_owned());
                    found.details.location = Some("/usr/lib/python3/dist-packages".to_owned());
                    let mut older = found.clone();
                    older.version = Some("1.98.0".to_owned());
                    older.present = false;
                    older.assets = 1;
                    vec![found, older]
                }
            }
        })
        .collect();
    if row.needs_catalogue {
        let mut bad = piece(HOSTILE, Channel::Dns, HOSTILE, Level::Resolution, row);
        bad.version = Some(HOSTILE.to_owned());
        bad.executable = Some(HOSTILE.to_owned());
        bad.container = Some(HOSTILE.to_owned());
        bad.package = Some(HOSTILE.to_owned());
        bad.forwarded = true;
        bad.details.client = Some(HOSTILE.to_owned());
        bad.details.env_names = vec![HOSTILE.to_owned(); 64];
        bad.flags = vec![RiskFlag::Other(HOSTILE.into())];
        pieces = vec![bad; 120];
    }
    pieces
}
