//! Activity: how often, on a day, a rule matched for a subject.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Channel, Day, Subject};

/// What does not change about a match. Whatever changes is a number elsewhere.
///
/// Each text is at most [`crate::limits::TEXT_BYTES`] long. A home folder in a path is written `~`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// The value that matched: a host name, a package name, an extension id, a server's or
    /// model's name. Never more than the identifier itself.
    pub value: String,
    /// Version of the software, as its own records say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Path of the executable that made the connection or that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// Name or id of the container it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The system package that the executable belongs to, behind the word of its manager: `deb:curl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The connection belongs to no socket of this machine: it was forwarded for a virtual machine, a
    /// container or another machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
}

/// One row of activity. Key: (sensor, epoch, day, rule, channel, subject, account, evidence), sensor
/// and epoch standing on the batch; value: `count`, merged by the larger one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// The sensor's own UTC day. It never changes afterwards.
    pub day: Day,
    /// Id of the rule that matched.
    pub rule: String,
    /// How it is known.
    pub channel: Channel,
    /// The machine it is of, where a gateway sensor saw another one's traffic; absent for the sensor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Whose process it was, as a pseudonym; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What matched.
    pub evidence: Evidence,
    /// How often on that day, so far.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_of_an_older_agent_reads_and_writes_as_it_did() {
        let text = r#"{"value":"a.example","executable":"/usr/bin/curl"}"#;
        let old: Evidence = serde_json::from_str(text).unwrap();
        assert_eq!((&old.package, old.forwarded), (&None, false));
        assert_eq!(serde_json::to_string(&old).unwrap(), text);
        let new = Evidence { package: Some("deb:curl".into()), forwarded: true, ..old };
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), new);
    }

    #[test]
    fn a_row_of_an_older_agent_is_of_its_own_machine() {
        let text =
            r#"{"day":"2026-11-26","rule":"a.b","channel":"tls","evidence":{"value":"a.example"},"count":1}"#;
        let row: ActivityRow = serde_json::from_str(text).unwrap();
        assert_eq!(row.subject, None);
        assert_eq!(serde_json::to_string(&row).unwrap(), text);
    }
}
