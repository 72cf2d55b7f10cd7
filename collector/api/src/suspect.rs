//! Suspects: names that no rule knows and that look like AI all the same.

use serde::{Deserialize, Serialize};

use crate::Day;

/// How often, on a day, machines behind a sensor named something below a registrable domain that looks like AI and that no
/// rule knows. Key: (sensor, epoch, day, domain), sensor and epoch standing on the batch; value: `count`, merged by
/// the larger one.
///
/// That is all there is: no host below the domain, no channel, no program, no account and no machine. A sensor sends
/// such rows only while its collector's last answer said so ([`crate::Ack::suspects_since_ms`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspectRow {
    /// The sensor's own UTC day.
    pub day: Day,
    /// The registrable domain, by the public suffix list, in lower-case ASCII. A collector refuses anything else.
    pub domain: String,
    /// How often on that day, so far.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ack, Batch};

    #[test]
    fn a_suspect_is_a_day_a_domain_and_a_count_on_the_wire() {
        let row = SuspectRow {
            day: Day::from_number(20_783).unwrap(),
            domain: "some-chatbot.com".into(),
            count: 3,
        };
        let text = r#"{"day":"2026-11-26","domain":"some-chatbot.com","count":3}"#;
        assert_eq!(serde_json::to_string(&row).unwrap(), text);
        assert_eq!(serde_json::from_str::<SuspectRow>(text).unwrap(), row);
    }

    #[test]
    fn an_older_collector_wants_no_suspects_and_an_older_agent_sends_none() {
        let ack: Ack =
            serde_json::from_str(r#"{"activity_taken":0,"snapshots_taken":0,"next_report_after_s":300}"#)
                .unwrap();
        assert_eq!(ack.suspects_since_ms, None);
        let text = format!(
            r#"{{"protocol":1,"sensor":"{0}{0}","epoch":"{0}","sent_at_ms":0,"machine":"{0}{0}","boot":"{0}","info":{{}}}}"#,
            "00112233aabbccdd"
        );
        let info = serde_json::to_string(&crate::SensorInfo::default()).unwrap();
        let batch: Batch =
            serde_json::from_str(&text.replace(r#""info":{}"#, &format!(r#""info":{info}"#))).unwrap();
        assert_eq!(batch.suspects, []);
        assert!(!serde_json::to_string(&batch).unwrap().contains("\"suspects\""));
    }
}
