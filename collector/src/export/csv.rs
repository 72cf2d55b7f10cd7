//! Comma-separated values: RFC 4180, UTF-8, CRLF, a header line. Texts stand in quotes, numbers do not.
//!
//! Names come from machines that somebody else may rule. A text that a spreadsheet would take for a formula gets an apostrophe in front
//! (OWASP, "CSV Injection"): one whose first character is `=`, `+`, `-`, `@` or a full-width or small form of them, a tabulator or a line
//! break, also behind white space and characters that do not show. To read it back: of a text that begins with an apostrophe, take one
//! apostrophe away. So that this always holds, a text that begins with an apostrophe of its own gets one more. NUL, which some
//! readers take for the end, is written as U+FFFD and does not come back.

use std::io::{self, Write};

use super::monthly::Past;
use super::view::{self, Head, System};
use super::{ExportError, Sources, Stamp, View};
use crate::model::record::{ModelSeen, Resources};
use crate::web::Rfc3339;
use umbrascope_rules::Catalogue;

/// A cell.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// A text: of anybody.
    Text(String),
    /// A number, or nothing.
    Number(Option<u64>),
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

const HEAD: [&str; 5] = ["generated_at", "as_of", "policy_version", "coverage", "checkpoint"];

const PRODUCTS: [&str; 15] = [
    "id",
    "name",
    "vendor",
    "kind",
    "channels",
    "confidence",
    "level",
    "assets",
    "first_day",
    "last_day",
    "needs_catalogue",
    "embedded",
    "catalogue_version",
    "observations",
    "observed_as_of",
];

const SYSTEMS: [&str; 35] = [
    "reference",
    "id",
    "name",
    "kind",
    "vendor",
    "products",
    "purpose",
    "review",
    "sanction",
    "sanction_effective",
    "conditions",
    "expires_on",
    "scope",
    "scope_justification",
    "stage",
    "observed",
    "enforcement",
    "risk_tier",
    "ai_act_class",
    "system_owner",
    "first_day",
    "last_day",
    "record_version",
    "record_hash",
    "catalogue_version",
    "versions_seen",
    "models",
    "tooling",
    "compute_places",
    "accelerators",
    "compute_note",
    "limited_to_units",
    "model_licences",
    "model_sha256",
    "limited_to_versions",
];

pub(super) fn write(
    part: &str,
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    if part == "systems" {
        let view = View::read(from, catalogue, stamp)?;
        header(out, &[&SYSTEMS[..], &HEAD[..]].concat())?;
        for system in &view.systems {
            let cells = system_row(system, &view.head).into_iter().chain(foot(&view.head));
            record(out, &cells.collect::<Vec<_>>())?;
        }
        return Ok(());
    }
    let systems = from.count_systems(stamp)?;
    let head = view::head(from, catalogue, stamp, systems)?;
    let past = Past::read(from, stamp)?;
    header(out, &[&PRODUCTS[..], &HEAD[..]].concat())?;
    view::every_product(from.reads, stamp, |detail| {
        let seen = view::sightings(&detail, stamp, &past);
        let row = &detail.row;
        let channels: Vec<&str> = row.channels.iter().map(|channel| channel.as_str()).collect();
        let (first, last) = seen.days();
        let day = |day: Option<umbrascope_api::Day>| day.map(|day| day.to_string()).unwrap_or_default();
        let cells = [
            row.id.as_str().into(),
            row.name.as_str().into(),
            row.vendor.as_str().into(),
            row.kind.map_or("", |kind| kind.as_str()).into(),
            channels.join(" ").into(),
            row.confidence.as_str().into(),
            row.level.as_str().into(),
            Cell::Number(seen.assets()),
            day(first).into(),
            day(last).into(),
            if row.needs_catalogue { "true" } else { "false" }.into(),
            if row.embedded { "true" } else { "false" }.into(),
            head.catalogue_version.as_str().into(),
            seen.word().into(),
            day(seen.snapshot()).into(),
        ];
        Ok(record(out, &cells.into_iter().chain(foot(&head)).collect::<Vec<_>>())?)
    })
}

fn system_row(system: &System, head: &Head) -> Vec<Cell> {
    let record = &system.record;
    let (first, last) = system.days();
    let day =
        |day: Option<umbrascope_api::Day>| Cell::from(day.map(|day| day.to_string()).unwrap_or_default());
    let text = |text: &Option<String>| Cell::from(text.clone().unwrap_or_default());
    let products: Vec<&str> = record.products.iter().map(String::as_str).collect();
    let resources = system.resources(head.as_of);
    vec![
        record.reference.as_str().into(),
        record.id.as_str().into(),
        record.name.as_str().into(),
        record.kind.as_str().into(),
        system.vendor().unwrap_or_default().into(),
        products.join(" ").into(),
        text(&record.purpose),
        record.review.as_str().into(),
        record.sanction.as_str().into(),
        system.sanction.as_str().into(),
        text(&record.conditions),
        day(record.expires_on),
        record.scope.as_str().into(),
        text(&record.scope_justification),
        record.stage.as_str().into(),
        record.observed.as_str().into(),
        record.enforcement.as_str().into(),
        record.risk_tier.as_str().into(),
        record.ai_act_class.as_str().into(),
        record.system_owner.map(|person| format!("person:{person}")).unwrap_or_default().into(),
        day(first),
        day(last),
        Cell::Number(Some(system.dated.version)),
        system.dated.hash.as_str().into(),
        head.catalogue_version.as_str().into(),
        several(resources.versions_seen.iter().map(|one| (one.product.as_str(), Some(one.version.as_str())))),
        several(resources.models.iter().map(|one| (one.name.as_str(), one.version.as_deref()))),
        several(resources.tooling.iter().map(|one| (one.name.as_str(), one.version.as_deref()))),
        several(record.compute.places.iter().map(|place| (place.as_str(), None))),
        text(&record.compute.accelerators),
        text(&record.compute.note),
        record.limited_to_units.iter().map(i64::to_string).collect::<Vec<_>>().join("; ").into(),
        told_of_models(&resources, |model| model.licence.as_deref()),
        told_of_models(&resources, |model| model.sha256.as_deref()),
        record.limited_to_versions.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into(),
    ]
}

/// Something that is known of models, each behind its name.
fn told_of_models(resources: &Resources, of: fn(&ModelSeen) -> Option<&str>) -> Cell {
    let told = resources.models.iter().filter_map(|model| Some(format!("{}: {}", model.name, of(model)?)));
    told.collect::<Vec<_>>().join("; ").into()
}

/// Names with their versions in one cell, parted by semicolons.
fn several<'n>(names: impl Iterator<Item = (&'n str, Option<&'n str>)>) -> Cell {
    let told = names.map(|(name, version)| match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    });
    told.collect::<Vec<_>>().join("; ").into()
}

/// The cells that say when, under which policy and on what it rests: the same in every row, for a table has no other place for them.
fn foot(head: &Head) -> [Cell; 5] {
    let coverage: Vec<&str> = head.coverage.sentences().map(|(_, text)| text).collect();
    [
        Rfc3339(head.now_ms).to_string().into(),
        head.as_of.map(|day| day.to_string()).unwrap_or_default().into(),
        head.policy.clone().unwrap_or_default().into(),
        coverage.join(" ").into(),
        head.checkpoint.clone().unwrap_or_default().into(),
    ]
}

/// The line of names, which are ours and stand without quotes.
pub(super) fn header(out: &mut dyn Write, names: &[&str]) -> io::Result<()> {
    write!(out, "{}\r\n", names.join(","))
}

/// A line of cells.
pub(super) fn record(out: &mut dyn Write, cells: &[Cell]) -> io::Result<()> {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        match cell {
            Cell::Number(Some(number)) => write!(out, "{number}")?,
            Cell::Number(None) => {}
            Cell::Text(text) => self::text(out, text)?,
        }
    }
    out.write_all(b"\r\n")
}

fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let guard = if is_armed(text) { "'" } else { "" };
    write!(out, "\"{guard}{}\"", text.replace('"', "\"\"").replace('\0', "\u{FFFD}"))
}

/// Whether an apostrophe has to stand in front: a spreadsheet would calculate, or take an apostrophe away.
fn is_armed(text: &str) -> bool {
    if text.starts_with(['\'', '\t', '\r', '\n']) {
        return true;
    }
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{00ad}')
    };
    // Full-width forms, small forms, and the minus sign of mathematics: some programs fold them into the plain ones.
    text.trim_start_matches(unseen)
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '\u{2212}'])
}

/// The text of a cell as it was before it was written, but for NUL.
#[cfg(test)]
pub(super) fn reversed(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        record(&mut out, &[Cell::from(text)]).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What a reader of RFC 4180 makes of some lines: a second implementation, so that ours does not judge itself.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader =
            ::csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_formula_is_disarmed() {
        for (text, cell) in [
            ("=1+1", "\"'=1+1\"\r\n"),
            ("+1", "\"'+1\"\r\n"),
            ("-1", "\"'-1\"\r\n"),
            ("@SUM(A1)", "\"'@SUM(A1)\"\r\n"),
            ("\t=1", "\"'\t=1\"\r\n"),
            ("\tx", "\"'\tx\"\r\n"),
            ("\rx", "\"'\rx\"\r\n"),
            ("  =1", "\"'  =1\"\r\n"),
            ("\u{a0}\u{3000}＝1", "\"'\u{a0}\u{3000}＝1\"\r\n"),
            ("\u{feff}@x", "\"'\u{feff}@x\"\r\n"),
            ("＋1", "\"'＋1\"\r\n"),
            ("－1", "\"'－1\"\r\n"),
            ("＠a", "\"'＠a\"\r\n"),
            ("=cmd|'/c calc'!A0", "\"'=cmd|'/c calc'!A0\"\r\n"),
            ("'quoted", "\"''quoted\"\r\n"),
            ("a=1", "\"a=1\"\r\n"),
        ] {
            assert_eq!(written(text), cell);
        }
    }

    #[test]
    fn quotes_commas_and_lines_stay_inside_their_cell() {
        assert_eq!(written("a,b"), "\"a,b\"\r\n");
        assert_eq!(written("say \"x\""), "\"say \"\"x\"\"\"\r\n");
        assert_eq!(written("a\r\nb"), "\"a\r\nb\"\r\n");
        assert_eq!(written("a\0b"), "\"a\u{FFFD}b\"\r\n");
        assert_eq!(written(""), "\"\"\r\n");
    }

    #[test]
    fn a_number_is_no_text() {
        let mut out = Vec::new();
        record(&mut out, &[Cell::Number(Some(7)), Cell::Number(None), "7".into()]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "7,,\"7\"\r\n");
    }

    /// Texts in which what matters is frequent.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ \t\r\n='+@＝－\u{feff}\",;a-b-]{0,12}"]
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back_and_no_cell_is_a_formula(
            rows in prop::collection::vec(prop::collection::vec(hostile(), 3), 1..4)
        ) {
            let mut out = Vec::new();
            for row in &rows {
                record(&mut out, &row.iter().map(|text| Cell::from(text.as_str())).collect::<Vec<_>>()).unwrap();
            }
            let found = read(&String::from_utf8(out).unwrap());
            prop_assert_eq!(found.len(), rows.len());
            for (found, row) in found.iter().zip(&rows) {
                for (cell, text) in found.iter().zip(row) {
                    prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{:?}", cell);
                    prop_assert_eq!(reversed(cell), text.replace('\0', "\u{FFFD}"));
                }
            }
        }
    }
}
