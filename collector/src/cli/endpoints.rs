//! `import endpoints`: a list of the machines that there should be.

use std::path::Path;

use umbrascope_api::Day;

use super::{CliError, Opened, Place};
use crate::audit::sha256;
use crate::model::governed::{Act, Actor};
use crate::scope::endpoints::{self, MAX_BYTES, ReadList, is_supported};
use crate::store::scope::{EndpointImport, Scoping};

/// Takes a list in, or says what it would take in.
pub(super) fn import(
    place: &Place,
    file: &Path,
    source: Option<String>,
    as_of: Option<&str>,
    dry_run: bool,
) -> Result<(), CliError> {
    let name = || file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = endpoints::source_name(&source.unwrap_or_else(name)).map_err(CliError::Usage)?;
    if source.is_empty() {
        return Err(CliError::Usage("say with --source where the list comes from".to_owned()));
    }
    let as_of = as_of.map(str::parse::<Day>).transpose();
    let as_of = as_of.map_err(|_| CliError::Usage("--as-of takes a day, such as 2026-11-20".to_owned()))?;
    let size = std::fs::metadata(file).map_err(CliError::io("look at the file"))?.len();
    if size > MAX_BYTES as u64 {
        return Err(CliError::Failed(format!("{} is larger than 64 MiB: split it", file.display())));
    }
    let bytes = std::fs::read(file).map_err(CliError::io("read the file"))?;
    let list = endpoints::read(&bytes)
        .map_err(|bad| CliError::Failed(format!("nothing was taken in of {}:\n{bad}", file.display())))?;
    tell(&list);
    if dry_run {
        println!("nothing was changed (--dry-run)");
        return Ok(());
    }
    let Opened { store, clock, .. } = place.open()?;
    let act = Act::by(Actor::Console, clock.now_ms()).because("a list of endpoints");
    let file_sha256 = sha256(&[&bytes]).to_string();
    let taken = store.import_endpoints(EndpointImport { source, as_of, file_sha256, list }, act)?;
    for held in &taken {
        println!("taken in\t{}\t{} endpoints", held.body.source, held.body.endpoints);
    }
    println!("{}", store.coverage_record(clock.now_ms())?.share());
    store.close();
    Ok(())
}

/// Results on stdout, doubts on stderr.
fn tell(list: &ReadList) {
    for (field, head) in &list.columns {
        // A head is text of a file: nothing that steers a terminal.
        let head: String = head.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
        println!("{field}\tfrom {head}");
    }
    let unsupported = list.endpoints.iter().filter(|one| !is_supported(&one.platform)).count();
    println!("{} endpoints, {unsupported} of them without an agent for their platform", list.endpoints.len());
    if list.repeated > 0 {
        eprintln!("{} lines name one again", list.repeated);
    }
}
