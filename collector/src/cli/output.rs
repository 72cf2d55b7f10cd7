//! Tables on stdout, their columns as wide as their widest cell.

use std::io::{self, Write};

use umbrascope_api::Day;

/// Writes a table. Nothing in a cell reaches the terminal but as text.
pub(super) fn table(out: &mut dyn Write, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(head.to_vec())?;
    rows.iter().try_for_each(|row| line(row.iter().map(String::as_str).collect()))
}

/// Control characters and those that turn the direction of text are shown as `?`.
fn plain(cell: &str) -> String {
    let strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    cell.chars().map(|c| if strange(c) { '?' } else { c }).collect()
}

/// The day of a moment; `-` for none.
pub(super) fn moment(at_ms: Option<i64>) -> String {
    let Some(at_ms) = at_ms else { return "-".to_owned() };
    let minutes = at_ms.rem_euclid(86_400_000) / 60_000;
    format!("{} {:02}:{:02}Z", Day::from_unix_ms(at_ms), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_escapes_stay_text() {
        let mut out = Vec::new();
        table(&mut out, &["A", "LONG"], &[vec!["wide cell".into(), "\u{1b}[31mred".into()]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A          LONG\nwide cell  ?[31mred\n");
    }

    #[test]
    fn a_moment_is_utc() {
        assert_eq!(moment(Some(86_400_000 + 3_660_000)), "1970-01-02 01:01Z");
        assert_eq!(moment(None), "-");
    }
}
