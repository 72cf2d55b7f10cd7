//! `status`: how the agent on this machine is doing, from its state.

use std::process::ExitCode;

use serde::Serialize;
use umbrascope_api::PrivacyKey;

use super::{CliError, StateArgs};
use crate::catalogue::today;
use crate::clock::wall_clock_ms;
use crate::identity::Identity;
use crate::roles::uplink::StatusNote;
use crate::state::Reader;
use crate::witness::{self, Head, Witness};

/// A note older than this means that no agent is running: it is refreshed every minute.
const FRESH_MS: i64 = 150_000;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    enrolled: bool,
    collector: Option<String>,
    sensor: Option<String>,
    certificate_valid_until_s: Option<i64>,
    rows_pending: u64,
    snapshots_pending: u64,
    unmatched_identifiers: u64,
    suspects_allowed: bool,
    privacy_key: Option<PrivacyKey>,
    look_every_s: Option<u64>,
    witness: Option<Witness>,
    #[serde(flatten)]
    note: StatusNote,
}

/// Prints the state of the agent.
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let config = args.state.load()?;
    let failed =
        |error| CliError::failed(format!("cannot read the state in {}", config.state_dir.display()), error);
    let identity = Identity::load(&config.state_dir)
        .map_err(|error| CliError::failed("cannot read the identity", error))?;
    let reader = Reader::open(&config.state_dir).map_err(failed)?;
    let (mut due, mut note, mut unmatched) = Default::default();
    let mut witness: Option<Witness> = None;
    if let Some(reader) = &reader {
        due = reader.due().map_err(failed)?;
        unmatched = reader.unmatched().map_err(failed)?;
        let text = reader.note(witness::NOTE).map_err(failed)?;
        witness = text.and_then(|text| serde_json::from_str(&text).ok());
        let text = reader.note("status").map_err(failed)?;
        note = text.and_then(|text| serde_json::from_str::<StatusNote>(&text).ok()).unwrap_or_default();
    }
    let status = Status {
        running: wall_clock_ms() - note.written_at_ms < FRESH_MS,
        enrolled: identity.is_some(),
        collector: identity.as_ref().map(|identity| identity.collector.clone()),
        sensor: identity.as_ref().map(|identity| identity.sensor.to_string()),
        certificate_valid_until_s: identity
            .as_ref()
            .and_then(|identity| identity.validity().ok())
            .map(|(_, to)| to),
        rows_pending: due.new_rows + due.grown_rows,
        snapshots_pending: due.snapshots,
        unmatched_identifiers: unmatched,
        suspects_allowed: config.suspects,
        privacy_key: config.privacy_key,
        look_every_s: config.look_interval.map(|every| every.as_secs()),
        witness,
        note,
    };
    match args.format {
        Format::Json => {
            let text = serde_json::to_string_pretty(&status);
            println!("{}", text.map_err(|error| CliError::failed("cannot print", error))?);
        }
        Format::Table => print(&status),
    }
    Ok(ExitCode::SUCCESS)
}

/// How often it is looked for what changed, and how much is looked at.
fn between_scans(status: &Status) -> String {
    match status.look_every_s {
        None => "nothing is looked at, by this machine's configuration".to_owned(),
        Some(_) if status.note.watched.places == 0 => "nothing yet: the first scan is not over".to_owned(),
        Some(every) => {
            format!("{} places are looked at every {every} s", status.note.watched.places)
        }
    }
}

/// How far the collector's audit trail was, by its last answer.
fn trail(witness: Option<&Witness>, contradictions: u64) -> String {
    let head = witness.and_then(|witness| Head::read(&witness.checkpoint));
    let seen = match head {
        None => return "no checkpoint seen yet".to_owned(),
        Some(head) => format!("{} entries of {}", head.size, head.origin),
    };
    match witness.and_then(|witness| witness.contradiction.as_ref()) {
        None if contradictions == 0 => seen,
        None => format!("{seen}; it contradicted itself {contradictions} times"),
        Some(last) => {
            let day = day(last.at_ms);
            format!(
                "{seen}; it contradicted itself {contradictions} times, last on {day} (`--format json` has both)"
            )
        }
    }
}

fn day(at_ms: i64) -> umbrascope_api::Day {
    umbrascope_api::Day::from_unix_ms(at_ms)
}

fn print(status: &Status) {
    let (note, coverage, now) = (&status.note, &status.note.coverage, wall_clock_ms());
    let line = |name: &str, value: &str| println!("{name:<22}{value}");
    line("agent", if status.running { "running" } else { "not running" });
    line("version", &note.agent_version);
    line("catalogue", &note.catalogue.standing.words(today()));
    let refused = note.catalogue.refused.as_ref().or(note.catalogue.standing.set_aside.as_ref());
    line("catalogue refused", refused.map_or("none", |why| why));
    line("own rules", &note.own_rules.standing.words());
    note.own_rules.standing.left_out_words.iter().for_each(|words| line("  left out", words));
    let refused = note.own_rules.refused.as_ref().or(note.own_rules.standing.set_aside.as_ref());
    line("own rules refused", refused.map_or("none", |why| why));
    line("collector", status.collector.as_deref().unwrap_or("not enrolled"));
    line("sensor", status.sensor.as_deref().unwrap_or("-"));
    line(
        "last report",
        &if note.last_report_ms == 0 { "never".to_owned() } else { ago(now - note.last_report_ms) },
    );
    line("trouble", note.trouble.as_deref().unwrap_or("none"));
    line("rows pending", &status.rows_pending.to_string());
    line("snapshots pending", &status.snapshots_pending.to_string());
    let capture = serde_json::to_value(coverage.capture).ok();
    let capture = capture.as_ref().and_then(|value| value.as_str()).unwrap_or("unknown");
    line("capture", &format!("{capture} ({})", coverage.capture_note));
    line("interfaces", &coverage.interfaces.join(", "));
    if !coverage.gateway.is_empty() {
        line("other machines on", &coverage.gateway.join(", "));
    }
    line("sandbox", &coverage.sandbox);
    line("packets passed", &coverage.packets.to_string());
    line("kernel drops", &coverage.kernel_drops.to_string());
    line("queue drops", &coverage.queue_drops.to_string());
    line("hellos", &format!("{}, {} without a name", coverage.hellos, coverage.hellos_without_name));
    let (ech, hidden) = (coverage.hellos_with_ech, coverage.hidden_destinations);
    let suspects = coverage.hidden_suspects;
    line(
        "hellos with ECH",
        &format!("{ech}, {hidden} to a hidden destination, {suspects} of those perhaps AI"),
    );
    let (tls, https) = (coverage.dns_over_tls, coverage.dns_over_https);
    line("encrypted DNS", &format!("{}, {tls} over TLS or QUIC, {https} over HTTPS", coverage.encrypted_dns));
    line(
        "flows given up",
        &format!("{}; {} were under way when first seen", coverage.flows_lost, coverage.flows_joined_late),
    );
    line("unattributed", &coverage.unattributed.to_string());
    line("rows dropped", &coverage.rows_dropped.to_string());
    line("rows refused", &coverage.rows_refused.to_string());
    line("state resets", &coverage.state_resets.to_string());
    let suspects = match note.suspects_since_ms {
        _ if !status.suspects_allowed => "never, by this machine's configuration".to_owned(),
        Some(since) => format!("reported since {}, {} not kept", day(since), coverage.suspects_dropped),
        None => "not reported".to_owned(),
    };
    line("suspects", &suspects);
    let names = match (status.privacy_key, note.reidentification) {
        (None, _) => "never, by this machine's configuration".to_owned(),
        (Some(key), Some(asked)) if asked.key == key => format!("sealed since {}", day(asked.since_ms)),
        (Some(_), Some(_)) => "not sent: the collector names another key than the configuration".to_owned(),
        (Some(_), None) => "not sent".to_owned(),
    };
    line("names of accounts", &names);
    line("audit trail", &trail(status.witness.as_ref(), coverage.trail_contradictions));
    line("between scans", &between_scans(status));
    if !note.watched.blind.is_empty() {
        line("  only by scans", &note.watched.blind.join(", "));
    }
    line("kept here only", &format!("{} identifiers that no rule knows", status.unmatched_identifiers));
}
/// A span of time in the largest unit that fits.
fn ago(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..=119 => format!("{seconds} seconds ago"),
        120..=7199 => format!("{} minutes ago", seconds / 60),
        7200..=172_799 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
