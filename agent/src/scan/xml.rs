//! A few texts of an XML document, each by its path. No entity is expanded but XML's own five, and
//! no other document is fetched.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::safe::Trouble;

/// Deepest nesting.
const DEPTH: usize = 64;
/// Longest text kept, in bytes.
const TEXT_BYTES: usize = 4096;

/// The first text at each path: `plugin/id` is the text of an element, `Manifest/Identity@Id` an attribute. Prefixes of
/// namespaces say nothing. A document whose root is not that of the paths has none.
pub(crate) fn texts<const N: usize>(bytes: &[u8], paths: [&str; N]) -> Result<[Option<String>; N], Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut found = [const { None }; N];
    let mut open: Vec<String> = Vec::new();
    let mut rooted = false;
    loop {
        match reader.read_event().map_err(|_| Trouble::Malformed)? {
            Event::Start(element) => {
                rooted = true;
                enter(&mut open, &element)?;
                attributes(&element, &open, &paths, &mut found)?;
            }
            Event::Empty(element) => {
                rooted = true;
                enter(&mut open, &element)?;
                attributes(&element, &open, &paths, &mut found)?;
                open.pop();
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => add(&open, &text, &paths, &mut found),
            Event::CData(text) => add(&open, &text, &paths, &mut found),
            Event::GeneralRef(entity) => {
                let text = resolve_predefined_entity(&entity).unwrap_or_default();
                add(&open, text, &paths, &mut found);
            }
            Event::Eof if rooted && open.is_empty() => break,
            Event::Eof => return Err(Trouble::Malformed),
            _ => {}
        }
    }
    for text in &mut found {
        *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    Ok(found)
}

fn enter(open: &mut Vec<String>, element: &BytesStart<'_>) -> Result<(), Trouble> {
    if open.len() == DEPTH {
        return Err(Trouble::TooLarge);
    }
    open.push(element.local_name().as_ref().to_owned());
    Ok(())
}

/// Whether the open elements are those of a path.
fn is_at(open: &[String], path: &str) -> bool {
    path.split('/').eq(open.iter().map(String::as_str))
}

fn add<const N: usize>(open: &[String], text: &str, paths: &[&str; N], found: &mut [Option<String>; N]) {
    for (path, found) in paths.iter().zip(found) {
        if is_at(open, path) {
            let all = found.get_or_insert_default();
            if all.len() + text.len() <= TEXT_BYTES {
                all.push_str(text);
            }
        }
    }
}

fn attributes<const N: usize>(
    element: &BytesStart<'_>,
    open: &[String],
    paths: &[&str; N],
    found: &mut [Option<String>; N],
) -> Result<(), Trouble> {
    for (path, found) in paths.iter().zip(found) {
        let Some((path, name)) = path.split_once('@') else { continue };
        if found.is_some() || !is_at(open, path) {
            continue;
        }
        let attribute = element.try_get_attribute(name).map_err(|_| Trouble::Malformed)?;
        let value = attribute.map(|attribute| attribute.value.into_owned());
        *found = value.filter(|value| value.len() <= TEXT_BYTES);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\u{feff}<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x \"y\">]><a:plug xmlns:a=\"u\"><id> one </id>\
        <inner><id>two</id></inner><who name='me'/><text><![CDATA[<b>]]> &amp; c</text></a:plug>";

    #[test]
    fn texts_are_found_by_their_paths() {
        let texts = texts(
            DOCUMENT.as_bytes(),
            ["plug/id", "plug/inner/id", "plug/who@name", "plug/text", "plug/none"],
        );
        let texts = texts.unwrap();
        let texts = texts.each_ref().map(Option::as_deref);
        assert_eq!(texts, [Some("one"), Some("two"), Some("me"), Some("<b> & c"), None]);
    }

    #[test]
    fn a_document_that_ends_early_is_malformed() {
        for end in 0..DOCUMENT.len() {
            let outcome = texts(&DOCUMENT.as_bytes()[..end], ["plug/id"]);
            assert_eq!(outcome, Err(Trouble::Malformed), "{end}");
        }
    }

    #[test]
    fn deep_nesting_ends_in_an_error() {
        assert_eq!(texts("<a>".repeat(100_000).as_bytes(), ["a"]), Err(Trouble::TooLarge));
    }
}
