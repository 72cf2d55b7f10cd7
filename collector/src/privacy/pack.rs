//! The pack for an assessment of data protection (GDPR Article 35) and for a works agreement: what agents can send, taken from the very
//! types that they send, with a report that is made up.

use serde::Serialize;
use serde_json::Value;
use umbrascope_api::{
    AccountId, ActivityRow, Batch, CaptureState, Channel, Completeness, CoverageReport, Day, Epoch, Evidence,
    ItemDetails, MachineId, PROTOCOL_VERSION, Part, PartKind, PrivacyKey, RiskFlag, SEALED_TEXT_BYTES,
    SealedAccount, SensorId, SensorInfo, Snapshot, SnapshotItem, SourceReport, SourceState, Station, Subject,
    SuspectRow,
};

use super::Notice;
use crate::model::{Access, Deed, Role, may};

/// What the types have no place for.
pub const CANNOT: [&str; 9] = [
    "what was typed to an AI service, and what it answered",
    "addresses of pages, their paths and queries",
    "contents of files, and code",
    "values of environment variables and settings, passwords, tokens",
    "titles of windows, keys pressed, pictures of the screen",
    "the hour at which something was seen: the smallest time is a UTC day",
    "names of users in the clear: an account is a keyed pseudonym, with a sealed name beside it while two people have re-identification \
     switched on and the machine's own configuration names the same key",
    "names that no rule knows as AI, but for the registrable domains of suspects while two people have them switched on",
    "command lines: of a configured command its file name, of a variable its name",
];

/// A field of a report: its path in JSON, and what JSON it is. `[]`: an element of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Field {
    /// `activity[].evidence.value`.
    pub path: String,
    /// `text`, `number` or `yes or no`.
    pub is: &'static str,
    /// The value in the sample.
    pub example: String,
}

/// The pack.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The settings in force.
    pub notice: Notice,
    /// What agents can send.
    pub fields: Vec<Field>,
    /// A made-up report with every field in it.
    pub sample: Value,
}

impl Pack {
    /// The pack over the settings in force.
    pub fn of(notice: Notice) -> Self {
        let sample = serde_json::to_value(sample()).unwrap_or_default();
        Self { notice, fields: schema(&sample), sample }
    }

    /// Who may do what: the deed, and how far each role of [`Role::ALL`] goes.
    pub fn roles(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let word = |role, deed| match may(role, deed) {
            Access::No => "–",
            Access::Read => "read",
            Access::Propose => "ask",
            Access::Write => "do",
        };
        Deed::ALL
            .into_iter()
            .map(|deed| (deed.words(), Role::ALL.into_iter().map(|role| word(role, deed)).collect()))
            .collect()
    }

    /// The sample as people read it.
    pub fn sample_text(&self) -> String {
        serde_json::to_string_pretty(&self.sample).unwrap_or_default()
    }
}

/// Every field of a report, in the order of its paths.
pub fn schema(sample: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    walk(sample, String::new(), &mut fields);
    fields.sort();
    fields.dedup_by(|a, b| a.path == b.path);
    fields
}

fn walk(value: &Value, path: String, fields: &mut Vec<Field>) {
    let mut leaf = |is| {
        let example = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fields.push(Field { path: path.clone(), is, example });
    };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(value, path, fields);
            }
        }
        Value::Array(elements) => {
            elements.iter().for_each(|value| walk(value, format!("{path}[]"), fields));
        }
        Value::String(_) => leaf("text"),
        Value::Number(_) => leaf("number"),
        Value::Bool(_) => leaf("yes or no"),
        Value::Null => {}
    }
}

/// A report with every field set, all of it made up. No field is left to a default: one that is added to the types does not compile
/// before it stands here, and so in the pack.
pub fn sample() -> Batch {
    let day = Day::from_unix_ms(1_793_491_200_000);
    let account = Some(AccountId::from_bytes([0x1f; 16]));
    let subject = Subject::Mac([0x3c, 0x52, 0x82, 1, 2, 3]);
    Batch {
        protocol: PROTOCOL_VERSION,
        sensor: SensorId::from_bytes([0x2a; 16]),
        epoch: Epoch::from_bytes([0x3b; 8]),
        sent_at_ms: 1_793_530_800_000,
        machine: MachineId::from_bytes([0x4c; 16]),
        boot: Epoch::from_bytes([0x5d; 8]),
        info: SensorInfo {
            hostname: "example-laptop".to_owned(),
            os: "linux".to_owned(),
            os_version: "Debian GNU/Linux 13".to_owned(),
            arch: "x86_64".to_owned(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            catalogue_version: "2026.11.1".to_owned(),
        },
        activity: vec![ActivityRow {
            day,
            rule: "openai.chatgpt".to_owned(),
            channel: Channel::Tls,
            subject: Some(subject),
            account,
            evidence: evidence("chatgpt.com"),
            count: 12,
        }],
        stations: vec![Station {
            subject,
            address: Some([10, 20, 0, 7].into()),
            host_name: Some("example-tablet".to_owned()),
        }],
        snapshots: vec![Snapshot {
            source: "mcp-config".to_owned(),
            generation: 3,
            completeness: Completeness::Complete,
            items: vec![SnapshotItem {
                rule: "mcp.filesystem".to_owned(),
                channel: Channel::McpConfig,
                account,
                evidence: evidence("filesystem"),
                details: details(),
                flags: vec![RiskFlag::PlainTextSecret],
            }],
        }],
        suspects: vec![SuspectRow { day, domain: "some-chatbot.com".to_owned(), count: 2 }],
        sealed_accounts: vec![SealedAccount {
            account: AccountId::from_bytes([0x1f; 16]),
            key: PrivacyKey::from_bytes([0x6e; 32]),
            sealed: "sealed".repeat(SEALED_TEXT_BYTES / 6 + 1)[..SEALED_TEXT_BYTES].to_owned(),
        }],
        coverage: coverage(),
    }
}

fn evidence(value: &str) -> Evidence {
    Evidence {
        value: value.to_owned(),
        version: Some("1.2.3".to_owned()),
        executable: Some("~/bin/example".to_owned()),
        container: Some("example-container".to_owned()),
        package: Some("deb:curl".to_owned()),
        forwarded: true,
    }
}

fn details() -> ItemDetails {
    let text = |text: &str| Some(text.to_owned());
    ItemDetails {
        client: text("Claude Desktop"),
        location: text("~/.config/Claude/claude_desktop_config.json"),
        transport: text("stdio"),
        package: text("@modelcontextprotocol/server-filesystem"),
        command: text("npx"),
        host: text("mcp.example.com"),
        env_names: vec!["API_KEY".to_owned()],
        title: text("Filesystem"),
        family: text("llama"),
        parameters: text("7B"),
        quantisation: text("Q4_K_M"),
        licence: text("Apache-2.0"),
        sha256: Some("0f".repeat(32)),
        size_bytes: Some(4_368_438_912),
        enabled: Some(true),
        publisher: text("Example Ltd"),
        provider: text("ollama"),
        model: text("example-model"),
        local: Some(true),
        role: text("adapter"),
        confirmed: Some(true),
        parts: vec![Part { kind: PartKind::Skill, name: "example-skill".to_owned() }],
    }
}

fn coverage() -> CoverageReport {
    CoverageReport {
        capture: CaptureState::Capturing,
        capture_note: "on 1 interface".to_owned(),
        catalogue_note: "the bundle is of another key".to_owned(),
        own_rules_note: "a rule is left out".to_owned(),
        interfaces: vec!["eth0".to_owned()],
        gateway: vec!["wlan0".to_owned()],
        accelerators: vec!["example GPU".to_owned()],
        packets: 90_000,
        kernel_drops: 1,
        queue_drops: 1,
        hellos: 800,
        hellos_without_name: 2,
        hellos_with_ech: 4,
        hidden_destinations: 1,
        hidden_suspects: 1,
        suspects_dropped: 1,
        encrypted_dns: 3,
        dns_over_tls: 1,
        dns_over_https: 2,
        flows_lost: 1,
        flows_joined_late: 1,
        unattributed: 1,
        rows_dropped: 1,
        rows_refused: 1,
        state_resets: 1,
        trail_contradictions: 1,
        sandbox: "full".to_owned(),
        sources: vec![SourceReport {
            source: "dpkg".to_owned(),
            state: SourceState::Read,
            problems: 1,
            items_seen: 2_000,
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Retention;

    #[test]
    fn the_pack_is_of_a_report_that_reads_back_with_every_field_set() {
        let pack = Pack::of(Notice::of(&Retention::default(), None));
        let batch: Batch = serde_json::from_value(pack.sample.clone()).unwrap();
        assert_eq!(batch, sample());
        assert!(!pack.sample.to_string().contains("null"));
        for path in
            ["activity[].evidence.value", "snapshots[].items[].details.env_names[]", "coverage.packets"]
        {
            assert!(pack.fields.iter().any(|field| field.path == path), "{path}");
        }
    }

    /// Fields are named after what they hold: one with such a name would be a promise broken.
    #[test]
    fn no_field_has_a_place_for_what_is_promised_not_to_be_sent() {
        let denied = [
            "url",
            "path",
            "query",
            "prompt",
            "answer",
            "content",
            "secret",
            "password",
            "token",
            "cmdline",
            "args",
            "title_of_window",
            "window",
            "keystroke",
            "hour",
            "time",
            "user",
            "email",
            "cookie",
            "header",
            "body",
        ];
        for field in Pack::of(Notice::of(&Retention::default(), None)).fields {
            let names = field.path.split(['.', '_', '[', ']']);
            for name in names {
                assert!(!denied.contains(&name), "{}", field.path);
            }
        }
    }
}
