//! `rules diff`: what changed from one catalogue to another.

use std::io::{self, Write};

use umbrascope_rules::Catalogue;
use umbrascope_rules::diff::{Change, diff};

use super::json_line;
use super::show::ShowFormat;

/// Text: a line a change, and a last one with their number. JSON: one object with both versions and the changes.
pub(super) fn print(
    out: &mut dyn Write,
    old: &Catalogue,
    new: &Catalogue,
    format: ShowFormat,
) -> io::Result<()> {
    let changes = diff(old, new);
    match format {
        ShowFormat::Json => {
            let value = serde_json::json!({ "old": old.version(), "new": new.version(), "changes": changes });
            json_line(out, &value)
        }
        ShowFormat::Text => {
            changes.iter().try_for_each(|change| writeln!(out, "{}", one_line(change)))?;
            let count = match changes.len() {
                0 => "nothing changed".to_owned(),
                1 => "1 change".to_owned(),
                count => format!("{count} changes"),
            };
            writeln!(out, "catalogue {} to {}: {count}", old.version(), new.version())
        }
    }
}

/// Catalogues of others may hold anything in their texts: a change stays on its line, and moves no cursor.
fn one_line(change: &Change) -> String {
    change.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(old: &Catalogue, new: &Catalogue, format: ShowFormat) -> String {
        let mut out = Vec::new();
        print(&mut out, old, new, format).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn vendor(name: &str) -> Catalogue {
        let text =
            format!("[catalogue]\nnumber = 7\ndate = 2026-11-26\n[vendor]\nid = \"v\"\nname = \"{name}\"\n");
        Catalogue::parse(&[("v.toml", &text)]).unwrap()
    }

    #[test]
    fn the_built_in_catalogue_does_not_differ_from_itself() {
        let catalogue = Catalogue::embedded();
        let text = printed(catalogue, catalogue, ShowFormat::Text);
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with(": nothing changed\n"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&printed(catalogue, catalogue, ShowFormat::Json)).unwrap();
        assert_eq!(json["changes"], serde_json::json!([]));
    }

    #[test]
    fn a_change_is_a_line_whatever_the_texts_hold() {
        let text = printed(&vendor("V"), &vendor("W\\n\\u001b[2J"), ShowFormat::Text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "vendor v is called W  [2J, no longer V");
        assert!(
            lines[1].starts_with("catalogue 2026-11-26.7+") && lines[1].ends_with(": 1 change"),
            "{text}"
        );
        assert_eq!(lines.len(), 2);
    }
}
