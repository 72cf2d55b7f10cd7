//! `rules index`: what the catalogue covers, as a page to read.

use std::io::{self, Write};

use umbrascope_rules::index::{Entry, Index};

/// A page in Markdown: figures of the whole, then a table a category.
pub(super) fn markdown(out: &mut dyn Write, index: &Index<'_>) -> io::Result<()> {
    let totals = &index.totals;
    writeln!(out, "# What the catalogue covers\n")?;
    writeln!(out, "Catalogue {} of {}.\n", text(index.version), index.date)?;
    writeln!(out, "| | |\n|---|---|")?;
    for (label, count) in [
        ("Vendors", totals.vendors),
        ("Products", totals.products),
        ("Rules", totals.rules),
        ("Patterns", totals.indicators),
        ("Rules read in a source", totals.sourced_rules),
        ("Rules that rest on general knowledge", totals.unread_rules),
        ("Denies", totals.denies),
        ("Claims about vendors", totals.claims),
        ("Vendors that a claim is about", totals.vendors_with_claims),
    ] {
        writeln!(out, "| {label} | {count} |")?;
    }
    writeln!(
        out,
        "\n{} % of the rules were read in a source; the others wait for it. Sourced: rules read in a source, of all of the \
         product. Claims: what sources say of its vendor.\n",
        totals.sourced_percent()
    )?;
    writeln!(out, "| Category | Products |\n|---|---|")?;
    for section in &index.categories {
        writeln!(out, "| [{0}](#{0}) | {1} |", section.category, section.products.len())?;
    }
    for section in &index.categories {
        writeln!(out, "\n## {}\n", section.category)?;
        writeln!(out, "| Product | Vendor | Kind | Known by | Sure | Sourced | Last read | Claims |")?;
        writeln!(out, "|---|---|---|---|---|---|---|---|")?;
        section.products.iter().try_for_each(|product| row(out, product))?;
    }
    Ok(())
}

fn row(out: &mut dyn Write, product: &Entry<'_>) -> io::Result<()> {
    let signals = product.known_by();
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    writeln!(
        out,
        "| {} | {} | {}{} | {} | {} | {} of {} | {} | {} |",
        text(product.name),
        text(product.vendor),
        product.kind,
        if product.embedded { ", embedded" } else { "" },
        if signals.is_empty() { "–".to_owned() } else { signals.join(", ") },
        or_dash(product.confidence.map(|confidence| confidence.to_string())),
        product.sourced_rules,
        product.rules,
        or_dash(product.last_checked.map(|day| day.to_string())),
        product.claims,
    )
}

/// A text of the catalogue as Markdown shows it: none of its characters means anything.
fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => shown.push(' '),
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '>' => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::Catalogue;
    use umbrascope_rules::index::index;

    use super::*;

    fn printed(catalogue: &Catalogue) -> String {
        let mut out = Vec::new();
        markdown(&mut out, &index(catalogue)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_product_of_the_built_in_catalogue_has_a_row() {
        let page = printed(Catalogue::embedded());
        let rows = page.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 7);
        let products = index(Catalogue::embedded()).totals.products;
        assert_eq!(rows.count(), products + index(Catalogue::embedded()).categories.len());
        assert!(page.contains("| ChatGPT | OpenAI | service | "), "{}", &page[..2000]);
    }

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        let text = "[vendor]\nid = \"v\"\nname = \"<b>|[x](javascript:alert(1))\\n# `\"\n[[product]]\nid = \"v.p\"\n\
                    name = \"P\"\nkind = \"service\"\ncategory = \"coding\"\ndescription = \"P.\"\n";
        let page = printed(&Catalogue::parse(&[("v.toml", text)]).unwrap());
        let row = r"| P | &lt;b\>\|\[x\](javascript:alert(1)) \# \` | service | – | – | 0 of 0 | – | 0 |";
        assert!(page.lines().any(|line| line == row), "{page}");
    }
}
