//! Products as comma-separated values: RFC 4180, UTF-8, CRLF, a header line. A cell that a spreadsheet
//! would take for a formula gets an apostrophe in front (OWASP, "CSV Injection").

use std::io::{self, Write};

use super::{ExportError, Stamp, every_product};
use crate::anonymity::told;
use crate::store::Reads;

const HEADER: [&str; 13] = [
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
];

pub(super) fn write(reads: &dyn Reads, stamp: &Stamp, out: &mut dyn Write) -> Result<(), ExportError> {
    record(out, &HEADER)?;
    every_product(reads, stamp, |row| {
        let channels: Vec<&str> = row.channels.iter().map(|channel| channel.as_str()).collect();
        let fields = [
            row.id.as_str(),
            &row.name,
            &row.vendor,
            row.kind.map_or("", |kind| kind.as_str()),
            &channels.join(" "),
            row.confidence.as_str(),
            row.level.as_str(),
            &told(row.assets, stamp.least).map(|assets| assets.to_string()).unwrap_or_default(),
            &row.first_day.to_string(),
            &row.last_day.to_string(),
            if row.needs_catalogue { "true" } else { "false" },
            if row.embedded { "true" } else { "false" },
            &stamp.catalogue_version,
        ];
        Ok(record(out, &fields)?)
    })
}

fn record(out: &mut dyn Write, fields: &[&str]) -> io::Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        cell(out, field)?;
    }
    out.write_all(b"\r\n")
}

fn cell(out: &mut dyn Write, field: &str) -> io::Result<()> {
    let armed = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let guard = if armed { "'" } else { "" };
    // Everything that is not plain stands in quotes; NUL would end the cell in some readers.
    if field.contains(['"', ',', '\r', '\n', '\t', '\'', ';', '\0'])
        || armed
        || field.starts_with(' ')
        || field.ends_with(' ')
    {
        let quoted = field.replace('"', "\"\"").replace('\0', "\u{FFFD}");
        write!(out, "\"{guard}{quoted}\"")
    } else {
        out.write_all(field.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: &str) -> String {
        let mut out = Vec::new();
        cell(&mut out, field).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_formula_is_disarmed() {
        for (field, cell) in [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("=cmd|'/c calc'!A0", "\"'=cmd|'/c calc'!A0\""),
        ] {
            assert_eq!(written(field), cell);
        }
    }

    #[test]
    fn quotes_commas_and_lines_stay_inside_their_cell() {
        assert_eq!(written("a,b"), "\"a,b\"");
        assert_eq!(written("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(written("a\r\nb"), "\"a\r\nb\"");
        assert_eq!(written("plain text"), "plain text");
        assert_eq!(written(""), "");
    }
}
