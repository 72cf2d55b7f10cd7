//! What of a batch can be taken. A row that cannot is named with its reason; the rest goes on.

use umbrascope_api::limits::{
    ACTIVITY_ROWS, LIST_ENTRIES, SEALED_ACCOUNTS, SNAPSHOT_ITEMS, STATIONS, SUSPECTS, TEXT_BYTES,
};
use umbrascope_api::{
    ActivityRow, Batch, CoverageReport, Day, Evidence, Refusal, RefusedRow, RowKind, SEALED_TEXT_BYTES,
    SealedAccount, SensorInfo, Snapshot, SnapshotItem, SuspectRow,
};
use umbrascope_rules::{DomainName, registrable};

/// First day that a sighting can carry: 2020-01-01.
const FIRST_DAY: u32 = 18_262;
/// Days that a sensor's clock may be ahead of ours.
const DAYS_AHEAD: u32 = 2;
/// Largest count of a row: any sum of such stays far below what the store can hold.
const COUNT_MAX: u64 = 1 << 40;
/// Longest word of a channel or flag, in bytes.
const WORD_BYTES: usize = 64;
/// Most snapshots in a batch, and sources in a coverage report: far more than there are scanners.
const SOURCES: usize = 256;

/// Rows that cannot be taken, in order. What a sensor says of itself is cut to size instead.
pub(super) fn check(batch: &mut Batch, today: Day) -> Vec<RefusedRow> {
    trim_info(&mut batch.info);
    trim_coverage(&mut batch.coverage);
    batch.stations.retain(|station| station.subject.is_a_machine());
    batch.stations.truncate(STATIONS);
    batch.stations.iter_mut().filter_map(|station| station.host_name.as_mut()).for_each(trim);
    let activity = (0..).zip(&batch.activity).filter_map(|(index, row)| {
        let reason =
            if index >= ACTIVITY_ROWS as u64 { Some(Refusal::TooMany) } else { check_row(row, today) };
        reason.map(|reason| RefusedRow { kind: RowKind::Activity, index, reason })
    });
    let snapshots = (0..).zip(&batch.snapshots).filter_map(|(index, snapshot)| {
        let reason = if index >= SOURCES as u64 { Some(Refusal::TooMany) } else { check_snapshot(snapshot) };
        reason.map(|reason| RefusedRow { kind: RowKind::Snapshot, index, reason })
    });
    let suspects = (0..).zip(&batch.suspects).filter_map(|(index, row)| {
        let reason =
            if index >= SUSPECTS as u64 { Some(Refusal::TooMany) } else { check_suspect(row, today) };
        reason.map(|reason| RefusedRow { kind: RowKind::Suspect, index, reason })
    });
    let sealed = (0..).zip(&batch.sealed_accounts).filter_map(|(index, row)| {
        let reason = if index >= SEALED_ACCOUNTS as u64 { Some(Refusal::TooMany) } else { check_sealed(row) };
        reason.map(|reason| RefusedRow { kind: RowKind::SealedAccount, index, reason })
    });
    activity.chain(snapshots).chain(suspects).chain(sealed).collect()
}

/// Of the one length that sealed names have, in the letters of their form: no name in clear can get in here.
fn check_sealed(row: &SealedAccount) -> Option<Refusal> {
    let letter = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let good = row.sealed.len() == SEALED_TEXT_BYTES && row.sealed.bytes().all(letter);
    (!good).then_some(Refusal::BadText)
}

/// A registrable domain in normal form and nothing else: no host below one can get in here.
fn check_suspect(row: &SuspectRow, today: Day) -> Option<Refusal> {
    if !is_plausible(row.day, today) {
        return Some(Refusal::ImplausibleDay);
    }
    if row.count == 0 || row.count > COUNT_MAX {
        return Some(Refusal::BadCount);
    }
    let normal = DomainName::parse(&row.domain).is_ok_and(|name| name.as_str() == row.domain);
    (!normal || registrable(&row.domain) != Some(&*row.domain)).then_some(Refusal::BadText)
}

fn is_plausible(day: Day, today: Day) -> bool {
    day.number() >= FIRST_DAY && day <= today.forward(DAYS_AHEAD)
}

fn check_row(row: &ActivityRow, today: Day) -> Option<Refusal> {
    if !is_plausible(row.day, today) {
        return Some(Refusal::ImplausibleDay);
    }
    if row.count == 0 || row.count > COUNT_MAX {
        return Some(Refusal::BadCount);
    }
    let good = is_text(&row.rule)
        && is_word(row.channel.as_str())
        && is_evidence(&row.evidence)
        && row.subject.is_none_or(|subject| subject.is_a_machine());
    (!good).then_some(Refusal::BadText)
}

fn check_snapshot(snapshot: &Snapshot) -> Option<Refusal> {
    if snapshot.items.len() > SNAPSHOT_ITEMS {
        return Some(Refusal::TooMany);
    }
    if i64::try_from(snapshot.generation).is_err() {
        return Some(Refusal::BadCount);
    }
    if !is_word(&snapshot.source) {
        return Some(Refusal::BadText);
    }
    snapshot.items.iter().find_map(check_item)
}

fn check_item(item: &SnapshotItem) -> Option<Refusal> {
    let details = &item.details;
    let lists = [item.flags.len(), details.env_names.len(), details.parts.len()];
    if lists.into_iter().any(|length| length > LIST_ENTRIES) {
        return Some(Refusal::TooMany);
    }
    let good = is_text(&item.rule)
        && is_word(item.channel.as_str())
        && is_evidence(&item.evidence)
        && details.texts().into_iter().flatten().chain(&details.env_names).all(|text| fits(text))
        && details.sha256.as_deref().is_none_or(is_sha256)
        && details.parts.iter().all(|part| is_word(part.kind.as_str()) && is_text(&part.name))
        // Flags are kept as words parted by spaces.
        && item.flags.iter().all(|flag| is_word(flag.as_str()) && !flag.as_str().contains(' '));
    (!good).then_some(Refusal::BadText)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn is_evidence(evidence: &Evidence) -> bool {
    let optional = [&evidence.version, &evidence.executable, &evidence.container, &evidence.package];
    is_text(&evidence.value) && optional.into_iter().flatten().all(|text| fits(text))
}

fn is_word(text: &str) -> bool {
    is_text(text) && text.len() <= WORD_BYTES
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && fits(text)
}

/// PostgreSQL stores no NUL.
fn fits(text: &str) -> bool {
    text.len() <= TEXT_BYTES && !text.contains('\0')
}

/// Cuts what a sensor says of itself to size.
pub(super) fn trim_info(info: &mut SensorInfo) {
    let texts = [
        &mut info.hostname,
        &mut info.os,
        &mut info.os_version,
        &mut info.arch,
        &mut info.agent_version,
        &mut info.catalogue_version,
    ];
    texts.into_iter().for_each(trim);
}

fn trim_coverage(coverage: &mut CoverageReport) {
    trim(&mut coverage.capture_note);
    trim(&mut coverage.sandbox);
    trim(&mut coverage.catalogue_note);
    trim(&mut coverage.own_rules_note);
    coverage.interfaces.truncate(SOURCES);
    coverage.interfaces.iter_mut().for_each(trim);
    coverage.gateway.truncate(SOURCES);
    coverage.gateway.iter_mut().for_each(trim);
    coverage.accelerators.truncate(SOURCES);
    coverage.accelerators.iter_mut().for_each(trim);
    coverage.sources.truncate(SOURCES);
    coverage.sources.iter_mut().for_each(|source| trim(&mut source.source));
}

fn trim(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "");
    }
    let mut end = TEXT_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use umbrascope_api::{Channel, Completeness, Epoch, ItemDetails, MachineId, RiskFlag, SensorId};

    use super::*;

    fn today() -> Day {
        Day::from_number(20_779).unwrap()
    }

    fn row() -> ActivityRow {
        ActivityRow {
            day: today(),
            rule: "acme.chat.web".into(),
            channel: Channel::Tls,
            subject: None,
            account: None,
            evidence: Evidence { value: "chat.acme.example".into(), ..Evidence::default() },
            count: 1,
        }
    }

    fn item() -> SnapshotItem {
        SnapshotItem {
            rule: "r".into(),
            channel: Channel::Package,
            account: None,
            evidence: Evidence { value: "v".into(), ..Evidence::default() },
            details: ItemDetails::default(),
            flags: vec![RiskFlag::Shell],
        }
    }

    fn reasons(activity: Vec<ActivityRow>, snapshots: Vec<Snapshot>) -> Vec<Refusal> {
        let mut batch = Batch {
            protocol: 1,
            sensor: SensorId::from_bytes([1; 16]),
            epoch: Epoch::from_bytes([1; 8]),
            sent_at_ms: 0,
            machine: MachineId::from_bytes([1; 16]),
            boot: Epoch::from_bytes([1; 8]),
            info: SensorInfo::default(),
            activity,
            stations: vec![],
            snapshots,
            suspects: vec![],
            sealed_accounts: vec![],
            coverage: CoverageReport::default(),
        };
        check(&mut batch, today()).into_iter().map(|row| row.reason).collect()
    }

    #[test]
    fn a_good_row_is_taken_between_bad_ones() {
        let nul = ActivityRow { rule: "a\0b".into(), ..row() };
        let empty = ActivityRow { evidence: Evidence::default(), ..row() };
        let long = ActivityRow { channel: Channel::from("x".repeat(65).as_str()), ..row() };
        assert_eq!(reasons(vec![nul, row(), empty, row(), long], vec![]), [Refusal::BadText; 3]);
    }

    #[test]
    fn a_row_of_a_machine_that_cannot_be_one_is_refused() {
        let of = |subject: &str| ActivityRow { subject: subject.parse().ok(), ..row() };
        let rows = ["10.0.0.7", "3c:52:82:00:00:01", "224.0.0.1", "ff:ff:ff:ff:ff:ff"].map(of).to_vec();
        assert!(rows.iter().all(|row| row.subject.is_some()));
        assert_eq!(reasons(rows, vec![]), [Refusal::BadText; 2]);
    }

    #[test]
    fn days_before_2020_and_far_ahead_are_implausible() {
        let on = |day| ActivityRow { day, ..row() };
        let days = [Day::from_number(18_261).unwrap(), Day::from_number(18_262).unwrap(), today().forward(2)];
        assert_eq!(reasons(days.map(on).to_vec(), vec![]), [Refusal::ImplausibleDay]);
        assert_eq!(reasons(vec![on(today().forward(3))], vec![]), [Refusal::ImplausibleDay]);
    }

    #[test]
    fn counts_that_would_break_a_sum_are_refused() {
        let counts = [0, 1, 1 << 40, (1 << 40) + 1, u64::MAX];
        let rows = counts.map(|count| ActivityRow { count, ..row() }).to_vec();
        assert_eq!(reasons(rows, vec![]), [Refusal::BadCount; 3]);
    }

    #[test]
    fn more_rows_than_a_batch_may_hold_are_refused_by_number() {
        assert_eq!(reasons(vec![row(); ACTIVITY_ROWS + 2], vec![]), [Refusal::TooMany; 2]);
    }

    #[test]
    fn a_snapshot_is_refused_for_any_bad_item() {
        let with = |items| Snapshot {
            source: "dpkg".into(),
            generation: 1,
            completeness: Completeness::Complete,
            items,
        };
        let mut long = item();
        long.details.location = Some("x".repeat(TEXT_BYTES + 1));
        let mut listed = item();
        listed.details.env_names = vec!["A".into(); LIST_ENTRIES + 1];
        let spaced = SnapshotItem { flags: vec![RiskFlag::from("two words")], ..item() };
        let found = reasons(
            vec![],
            vec![
                with(vec![item()]),
                with(vec![item(), long]),
                with(vec![listed]),
                with(vec![spaced]),
                with(vec![item(); SNAPSHOT_ITEMS + 1]),
                Snapshot { generation: u64::MAX, ..with(vec![]) },
            ],
        );
        use Refusal::{BadCount, BadText, TooMany};
        assert_eq!(found, [BadText, TooMany, BadText, TooMany, BadCount]);
    }

    #[test]
    fn a_suspect_is_a_registrable_domain_in_normal_form() {
        let reason = |domain: &str| {
            check_suspect(&SuspectRow { day: today(), domain: domain.into(), count: 1 }, today())
        };
        for domain in ["some-chatbot.com", "quorbel.ai", "a-gpt.co.uk"] {
            assert_eq!(reason(domain), None, "{domain}");
        }
        for domain in [
            "",
            "com",
            "co.uk",
            "eu.some-chatbot.com",
            "Some-Chatbot.com",
            "some-chatbot.com.",
            "jane.github.io",
            "a.invalid",
            "<b>.com",
            "a b.com",
            "/etc/passwd",
            "\u{202E}.com",
            "1.2.3.4",
        ] {
            assert_eq!(reason(domain), Some(Refusal::BadText), "{domain}");
        }
        let none = SuspectRow { day: today(), domain: "quorbel.ai".into(), count: 0 };
        assert_eq!(check_suspect(&none, today()), Some(Refusal::BadCount));
        let early = SuspectRow { day: Day::from_number(1).unwrap(), count: 1, ..none };
        assert_eq!(check_suspect(&early, today()), Some(Refusal::ImplausibleDay));
    }

    #[test]
    fn a_sealed_name_has_the_one_length_and_the_letters_of_its_form() {
        let reason = |sealed: &str| {
            let account = umbrascope_api::AccountId::from_bytes([1; 16]);
            let key = umbrascope_api::PrivacyKey::from_bytes([2; 32]);
            check_sealed(&SealedAccount { account, key, sealed: sealed.to_owned() })
        };
        assert_eq!(reason(&"aZ0_-".repeat(SEALED_TEXT_BYTES).as_str()[..SEALED_TEXT_BYTES]), None);
        let clear = format!("{:<1$}", "kim", SEALED_TEXT_BYTES);
        for text in ["", "kim", "aa", &clear, &"a".repeat(SEALED_TEXT_BYTES + 1)] {
            assert_eq!(reason(text), Some(Refusal::BadText), "{text}");
        }
    }

    #[test]
    fn what_a_sensor_says_of_itself_is_cut_at_a_character() {
        let mut info =
            SensorInfo { hostname: format!("a\0{}", "ü".repeat(TEXT_BYTES)), ..SensorInfo::default() };
        trim_info(&mut info);
        assert!(info.hostname.len() <= TEXT_BYTES && info.hostname.starts_with("aü"));
    }
}
