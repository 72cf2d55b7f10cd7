//! Texts of a few elements of an XML document, whatever its namespaces.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::safe::Trouble;

/// Most elements looked at.
const ELEMENTS: usize = 20_000;
/// Longest text kept, in bytes.
const TEXT_BYTES: usize = 4_096;

/// The first text of each element called so, in that order. Entities that a document defines for itself are left out.
pub(in super::super) fn texts(bytes: &[u8], names: &[&str]) -> Result<Vec<Option<String>>, Trouble> {
    let mut reader = Reader::from_reader(bytes);
    let mut found = vec![None; names.len()];
    let mut inside: Option<(usize, String)> = None;
    let mut elements = 0;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|_| Trouble::Malformed)? {
            Event::Start(start) => {
                elements += 1;
                if elements > ELEMENTS {
                    return Err(Trouble::TooLarge);
                }
                let name = start.local_name();
                let name: &str = name.as_ref();
                let which = names.iter().position(|wanted| *wanted == name);
                inside = which.filter(|which| found[*which].is_none()).map(|which| (which, String::new()));
            }
            Event::Text(text) => {
                if let Some((_, inside)) = &mut inside {
                    let text: &str = text.as_ref();
                    if inside.len() + text.len() <= TEXT_BYTES {
                        inside.push_str(text);
                    }
                }
            }
            Event::GeneralRef(name) => {
                if let Some((_, inside)) = &mut inside {
                    let character = name.resolve_char_ref().ok().flatten();
                    let entity = quick_xml::escape::resolve_xml_entity(name.as_ref());
                    inside.extend(character);
                    inside.push_str(entity.unwrap_or_default());
                }
            }
            Event::End(_) => {
                if let Some((which, text)) = inside.take() {
                    found[which] = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
                }
                if found.iter().all(Option::is_some) {
                    return Ok(found);
                }
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUSPEC: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<package xmlns=\"http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd\">
        <metadata><id>ollama</id><version>0.12.3</version><title>Ollama &amp; &#x41;</title><tags>ai <!-- x --></tags>
        <dependencies><dependency id=\"x\" version=\"1\" /></dependencies></metadata></package>";

    #[test]
    fn the_texts_asked_for_are_given_in_their_order() {
        let texts = texts(NUSPEC.as_bytes(), &["version", "id", "title", "authors"]).unwrap();
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        assert_eq!(texts, [Some("0.12.3"), Some("ollama"), Some("Ollama & A"), None]);
    }

    #[test]
    fn no_prefix_panics_and_depth_does_not_matter() {
        for end in 0..NUSPEC.len() {
            let _ = texts(&NUSPEC.as_bytes()[..end], &["id", "nothing"]);
        }
        assert_eq!(texts("<a>".repeat(100_000).as_bytes(), &["id"]), Err(Trouble::TooLarge));
    }
}
