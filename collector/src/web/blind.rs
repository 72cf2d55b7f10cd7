//! What a sensor could not see, in sentences. Unknown is not good: a sensor that never reported has
//! seen nothing, and that is said.

use umbrascope_api::{CaptureState, CoverageReport, SourceState};

use umbrascope_rules::bundle::number_in;

use super::text::{Grouped, Plural};
use super::words::source_state;
use crate::model::{CLOCK_OFF_MS, SensorRow, SensorState};
use crate::web::language::{key, say, t};

/// One thing that a sensor could not see, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blind {
    /// Style class: `warn`, `bad` or nothing for a plain remark.
    pub(crate) class: &'static str,
    /// The sentence.
    pub(crate) words: String,
}

/// What a sensor could not see, worst first. Empty only when it reported and nothing was missed:
/// a sensor that never reported has seen nothing, which is said.
pub(crate) fn blind_spots(sensor: &SensorRow) -> Vec<Blind> {
    let mut spots = Vec::new();
    let mut spot = |class, words: String| spots.push(Blind { class, words });
    let report = &sensor.coverage;
    if sensor.clone_suspected_at_ms.is_some() {
        spot("bad", t("Two machines seem to use its key: what it reports may be of either. Revoke it and enrol both anew.").to_owned());
    }
    match sensor.state {
        SensorState::Revoked => {
            spot("bad", t("Its certificate is revoked: nothing new comes from here.").to_owned())
        }
        SensorState::NeverReported => {
            spot(
                "warn",
                t("Enrolled, but it has never reported. Nothing is known of this machine.").to_owned(),
            );
            return spots;
        }
        SensorState::Silent => {
            spot("warn", t("Silent for more than a day: what happened since is not known.").to_owned())
        }
        SensorState::Reporting => {}
    }
    match report.capture {
        CaptureState::Capturing => {}
        CaptureState::Off => {
            spot("", t("The network is not watched: switched off in its configuration.").to_owned())
        }
        CaptureState::NoPrivilege => spot(
            "warn",
            t("The network is not watched: it lacks the privilege (on Linux CAP_NET_RAW). Scans only.")
                .to_owned(),
        ),
        CaptureState::Unavailable => spot(
            "warn",
            t("The network is not watched: capture is not available here. Scans only.").to_owned(),
        ),
    }
    if report.kernel_drops > 0 {
        spot(
            "warn",
            say!("{0} dropped by the kernel before it could look.", Plural(report.kernel_drops, "packet")),
        );
    }
    if report.queue_drops > 0 {
        spot("warn", say!("{0} dropped because it was too busy.", Plural(report.queue_drops, "sighting")));
    }
    if report.rows_dropped > 0 {
        spot(
            "warn",
            say!("{0} given up after too long without a collector.", Plural(report.rows_dropped, "row")),
        );
    }
    if report.flows_lost > 0 {
        spot(
            "",
            say!(
                "{0} given up: too many at once, too large, or broken.",
                Plural(report.flows_lost, "connection")
            ),
        );
    }
    if report.flows_joined_late > 0 {
        let flows = Plural(report.flows_joined_late, "connection");
        let words = match report.flows_joined_late {
            1 => say!("{0} was under way before it looked.", flows),
            _ => say!("{0} were under way before it looked.", flows),
        };
        spot("", words);
    }
    if report.hellos_with_ech > 0 {
        spot(
            "",
            say!(
                "{0} of {1} offered ECH: most by habit, with the true name.",
                Grouped(report.hellos_with_ech),
                Plural(report.hellos, "TLS or QUIC connection")
            ),
        );
    }
    if report.hidden_destinations > 0 {
        let suspects = match report.hidden_suspects {
            0 => String::new(),
            some => say!(" {0} of them may be AI, by the last DNS answers.", Grouped(some)),
        };
        spot(
            "warn",
            say!(
                "{0} to a destination that ECH hides.{1}",
                Plural(report.hidden_destinations, "connection"),
                suspects
            ),
        );
    }
    if report.hellos_without_name > 0 {
        spot(
            "",
            say!(
                "{0} of {1} carried no name at all.",
                Grouped(report.hellos_without_name),
                Plural(report.hellos, "TLS or QUIC connection")
            ),
        );
    }
    if report.encrypted_dns > 0 {
        spot(
            "",
            say!(
                "{0} to encrypted DNS{1}: the queries inside are not seen.",
                Plural(report.encrypted_dns, "connection"),
                kinds_of_dns(report)
            ),
        );
    }
    if !report.own_rules_note.is_empty() {
        spot(
            "warn",
            say!("It does not use all of the organisation's own rules: {0}.", report.own_rules_note),
        );
    }
    if !report.catalogue_note.is_empty() {
        spot("warn", say!("It does not use the catalogue that it was given: {0}.", report.catalogue_note));
    }
    if report.suspects_dropped > 0 {
        let count = Plural(report.suspects_dropped, "naming");
        spot("warn", say!("{0} of suspects left out: its day had as many as there may be.", count));
    }
    if report.unattributed > 0 {
        spot("", say!("{0} without a known process.", Plural(report.unattributed, "sighting")));
    }
    for source in &report.sources {
        if !matches!(source.state, SourceState::Read | SourceState::Absent) {
            let problems = if source.problems > 0 {
                format!(", {}", Plural(source.problems, "problem"))
            } else {
                String::new()
            };
            spot("warn", say!("Source {0}: {1}{2}.", source.source, source_state(source.state), problems));
        }
    }
    match report.state_resets {
        0 => {}
        1 => spot("warn", t("Its state database was unreadable and set aside once.").to_owned()),
        times => spot("warn", say!("Its state database was unreadable and set aside {0} times.", times)),
    }
    if report.trail_contradictions > 0 {
        let times = Plural(report.trail_contradictions, "time");
        spot(
            "warn",
            say!(
                "This collector's audit trail contradicted what it had shown to it, {0}: was a backup restored?",
                times
            ),
        );
    }
    if sensor.rows_refused > 0 {
        spot("warn", say!("{0} refused by this collector as malformed.", Plural(sensor.rows_refused, "row")));
    }
    if sensor.unknown_fields > 0 {
        spot(
            "",
            say!(
                "{0} in its reports: it is newer than this collector.",
                Plural(sensor.unknown_fields, "unknown field")
            ),
        );
    }
    if sensor.clock_skew_ms.saturating_abs() > CLOCK_OFF_MS {
        let minutes = u64::try_from(sensor.clock_skew_ms.saturating_abs() / 60_000).unwrap_or(u64::MAX);
        let minutes = Plural(minutes, "minute");
        let words = match sensor.clock_skew_ms > 0 {
            true => say!("Its clock is {0} fast: its days may not be ours.", minutes),
            false => say!("Its clock is {0} slow: its days may not be ours.", minutes),
        };
        spot("", words);
    }
    spots.sort_by_key(|spot| match spot.class {
        "bad" => 0,
        "warn" => 1,
        _ => 2,
    });
    spots
}

/// What is known of the kinds of encrypted DNS, in brackets; an older agent does not tell them apart.
fn kinds_of_dns(report: &CoverageReport) -> String {
    let kinds = [(report.dns_over_tls, t("over TLS or QUIC")), (report.dns_over_https, t("over HTTPS"))];
    let words: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| say!("{0} {1}", Grouped(*count), kind))
        .collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// A sensor as a page shows it.
#[derive(Debug)]
pub(crate) struct SensorView<'a> {
    /// The sensor.
    pub(crate) row: &'a SensorRow,
    /// The first digits of its identity.
    pub(crate) short_id: String,
    /// Whether and where it watches the network.
    pub(crate) network: String,
    /// The sources it read to the end.
    pub(crate) sources_read: String,
    /// What it could not see.
    pub(crate) blind: Vec<Blind>,
    /// How its catalogue stands to the collector's: style class and word; nothing where it is the same.
    pub(crate) catalogue: Option<(&'static str, &'static str)>,
}

impl<'a> SensorView<'a> {
    /// Beside a collector that works with the catalogue of this version.
    pub(crate) fn of(row: &'a SensorRow, catalogue: &str) -> Self {
        Self {
            row,
            catalogue: standing(&row.catalogue_version, catalogue),
            short_id: row.id.to_string()[..8].to_owned(),
            network: network(row),
            sources_read: sources_read(row),
            blind: blind_spots(row),
        }
    }
}

/// How the catalogue of a sensor stands to that of the collector.
pub(crate) fn standing(theirs: &str, ours: &str) -> Option<(&'static str, &'static str)> {
    if theirs.is_empty() || theirs == ours {
        return None;
    }
    Some(match (number_in(theirs), number_in(ours)) {
        (Some(theirs), Some(ours)) if theirs < ours => ("warn", key("behind")),
        (Some(theirs), Some(ours)) if theirs > ours => ("run", key("newer than the collector's")),
        _ => ("warn", key("another one")),
    })
}

fn network(sensor: &SensorRow) -> String {
    if sensor.state == SensorState::NeverReported {
        return t("unknown").to_owned();
    }
    let report = &sensor.coverage;
    let state = match report.capture {
        CaptureState::Capturing if report.interfaces.is_empty() => t("watched").to_owned(),
        CaptureState::Capturing => say!("watched on {0}", report.interfaces.join(", ")),
        CaptureState::Off => t("switched off").to_owned(),
        CaptureState::NoPrivilege => t("not watched: no privilege").to_owned(),
        CaptureState::Unavailable => t("not watched").to_owned(),
    };
    let gateway = if report.gateway.is_empty() {
        String::new()
    } else {
        say!("; the traffic of other machines on {0}", report.gateway.join(", "))
    };
    let note =
        if report.capture_note.is_empty() { String::new() } else { format!(" ({})", report.capture_note) };
    format!("{state}{gateway}{note}")
}

fn sources_read(sensor: &SensorRow) -> String {
    let read: Vec<&str> = sensor
        .coverage
        .sources
        .iter()
        .filter(|source| source.state == SourceState::Read)
        .map(|source| source.source.as_str())
        .collect();
    if read.is_empty() { t("none yet").to_owned() } else { read.join(", ") }
}

#[cfg(test)]
mod tests {
    use umbrascope_api::{SensorId, SourceReport};

    use super::*;
    use crate::model::AssetId;

    fn sensor(state: SensorState, coverage: CoverageReport) -> SensorRow {
        SensorRow {
            id: SensorId::from_bytes([7; 16]),
            kind: "agent".to_owned(),
            asset: AssetId(1),
            hostname: "host".to_owned(),
            unit: "unit".to_owned(),
            state,
            enrolled_at_ms: 0,
            last_report_at_ms: None,
            certificate_ends_at_ms: 0,
            clone_suspected_at_ms: None,
            clock_skew_ms: 0,
            agent_version: String::new(),
            catalogue_version: String::new(),
            rows_refused: 0,
            unknown_fields: 0,
            coverage,
        }
    }

    #[test]
    fn a_sensor_that_never_reported_has_seen_nothing() {
        let spots = blind_spots(&sensor(SensorState::NeverReported, CoverageReport::default()));
        assert_eq!(spots.len(), 1);
        assert!(spots[0].words.contains("never reported"));
    }

    #[test]
    fn only_a_sensor_that_saw_everything_is_without_blind_spots() {
        let clear = CoverageReport { capture: CaptureState::Capturing, ..CoverageReport::default() };
        assert_eq!(blind_spots(&sensor(SensorState::Reporting, clear.clone())), []);
        assert!(!blind_spots(&sensor(SensorState::Silent, clear.clone())).is_empty());
        let one = |change: fn(&mut CoverageReport)| {
            let mut report = clear.clone();
            change(&mut report);
            blind_spots(&sensor(SensorState::Reporting, report)).len()
        };
        assert_eq!(one(|report| report.capture = CaptureState::NoPrivilege), 1);
        assert_eq!(one(|report| report.kernel_drops = 1), 1);
        assert_eq!(one(|report| report.hellos_with_ech = 1), 1);
        assert_eq!(one(|report| report.encrypted_dns = 1), 1);
        assert_eq!(one(|report| report.hidden_destinations = 1), 1);
        assert_eq!(one(|report| report.flows_joined_late = 1), 1);
        assert_eq!(one(|report| report.suspects_dropped = 1), 1);
    }

    #[test]
    fn what_is_hidden_is_told_with_what_may_be_behind_it() {
        let words = |change: fn(&mut CoverageReport)| {
            let mut report =
                CoverageReport { capture: CaptureState::Capturing, hellos: 90, ..CoverageReport::default() };
            change(&mut report);
            let spots = blind_spots(&sensor(SensorState::Reporting, report));
            spots.into_iter().map(|spot| spot.words.replace('\u{A0}', " ")).collect::<Vec<_>>()
        };
        let hidden =
            |report: &mut CoverageReport| (report.hidden_destinations, report.hidden_suspects) = (3, 1);
        assert_eq!(
            words(hidden),
            ["3 connections to a destination that ECH hides. 1 of them may be AI, by the last DNS answers."]
        );
        assert_eq!(
            words(|report| (report.encrypted_dns, report.dns_over_tls, report.dns_over_https) = (9, 2, 6)),
            [
                "9 connections to encrypted DNS (2 over TLS or QUIC, 6 over HTTPS): the queries inside are not seen."
            ]
        );
        assert_eq!(
            words(|report| report.encrypted_dns = 1),
            ["1 connection to encrypted DNS: the queries inside are not seen."]
        );
        assert_eq!(
            words(|report| report.flows_joined_late = 1),
            ["1 connection was under way before it looked."]
        );
    }

    #[test]
    fn a_gateway_sensor_is_told_from_others() {
        let coverage = CoverageReport {
            capture: CaptureState::Capturing,
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            gateway: vec!["eth1".to_owned()],
            ..CoverageReport::default()
        };
        let row = sensor(SensorState::Reporting, coverage);
        assert_eq!(
            SensorView::of(&row, "").network,
            "watched on eth0, eth1; the traffic of other machines on eth1"
        );
    }

    #[test]
    fn a_source_that_is_absent_is_not_a_blind_spot_and_a_refused_one_is() {
        let source = |state| SourceReport { source: "pip".to_owned(), state, problems: 2, items_seen: 0 };
        let coverage = CoverageReport {
            capture: CaptureState::Capturing,
            sources: vec![source(SourceState::Absent), source(SourceState::Refused)],
            ..CoverageReport::default()
        };
        let spots = blind_spots(&sensor(SensorState::Reporting, coverage));
        assert_eq!(spots.len(), 1);
        assert_eq!(spots[0].words, "Source pip: could not be read (no permission), 2\u{A0}problems.");
    }

    #[test]
    fn a_sensor_with_an_older_catalogue_is_behind() {
        let ours = "2026-11-26.7+0a";
        assert_eq!(standing(ours, ours), None);
        assert_eq!(standing("", ours), None);
        assert_eq!(standing("2026-11-21.6+0b", ours), Some(("warn", "behind")));
        assert_eq!(standing("2026-11-27.10+0b", ours), Some(("run", "newer than the collector's")));
        assert_eq!(standing("2026-11-26.7+0b", ours), Some(("warn", "another one")));
        assert_eq!(standing("of old", ours), Some(("warn", "another one")));
    }

    #[test]
    fn a_refused_catalogue_is_told_with_its_reason() {
        let coverage = CoverageReport {
            capture: CaptureState::Capturing,
            catalogue_note: "the bundle is cut short".to_owned(),
            ..CoverageReport::default()
        };
        let spots = blind_spots(&sensor(SensorState::Reporting, coverage));
        assert!(
            spots.iter().any(|spot| spot.class == "warn" && spot.words.contains("cut short")),
            "{spots:?}"
        );
    }
}
