//! Property lists, XML and binary, as the kind of value that every configuration is read as.
//!
//! A binary list may name one object from many places, so that a few hundred bytes stand for a thousand million values, and either
//! form may nest as deep as it likes: it is taken event by event within bounds.

use std::io::Cursor;

use plist::stream::{Event, Reader};
use serde_json::{Map, Value};

use super::safe::Trouble;

/// Largest list read, in bytes. An application's has a few kilobytes, a large one fifty.
pub(super) const PLIST_BYTES: u64 = 1024 * 1024;
/// Most values of one list.
const VALUES: usize = 50_000;
/// Most bytes of text of one list, shared texts counted each time.
const TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting.
const DEPTH: usize = 32;

/// The list's value. What no configuration of ours needs, data and dates, is null.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Trouble> {
    let mut open: Vec<Open> = Vec::new();
    let (mut values, mut texts) = (0, 0);
    for event in Reader::new(Cursor::new(bytes)) {
        let value = match event.map_err(|_| Trouble::Malformed)? {
            Event::StartArray(_) => {
                open.push(Open::List(Vec::new()));
                if open.len() > DEPTH { return Err(Trouble::TooLarge) } else { continue }
            }
            Event::StartDictionary(_) => {
                open.push(Open::Map(Map::new(), None));
                if open.len() > DEPTH { return Err(Trouble::TooLarge) } else { continue }
            }
            Event::EndCollection => match open.pop().ok_or(Trouble::Malformed)? {
                Open::List(list) => Value::Array(list),
                Open::Map(map, None) => Value::Object(map),
                Open::Map(_, Some(_)) => return Err(Trouble::Malformed),
            },
            Event::String(text) => {
                texts += text.len();
                Value::String(text.into_owned())
            }
            Event::Data(data) => {
                texts += data.len();
                Value::Null
            }
            Event::Boolean(value) => Value::Bool(value),
            Event::Integer(number) => match (number.as_signed(), number.as_unsigned()) {
                (Some(number), _) => Value::from(number),
                (_, Some(number)) => Value::from(number),
                _ => Value::Null,
            },
            _ => Value::Null,
        };
        values += 1;
        if values > VALUES || texts > TEXT_BYTES {
            return Err(Trouble::TooLarge);
        }
        match open.last_mut() {
            // A text by itself, which any text is in the oldest of the forms, is no list.
            None if value.is_string() => return Err(Trouble::Malformed),
            None => return Ok(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => match (key.take(), value) {
                (Some(key), value) => drop(map.insert(key, value)),
                (None, Value::String(name)) => *key = Some(name),
                (None, _) => return Err(Trouble::Malformed),
            },
        }
    }
    Err(Trouble::Malformed)
}

/// A collection whose end has not come; a map with the key whose value is next.
enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// A text of a list that is there and says something.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Both written by Python's plistlib (3.11) from one dictionary.
    const XML: &[u8] = include_bytes!("macos/testdata/info.xml.plist");
    const BINARY: &[u8] = include_bytes!("macos/testdata/info.binary.plist");

    #[test]
    fn both_forms_give_the_same_value() {
        let value = parse(XML).unwrap();
        assert_eq!(value, parse(BINARY).unwrap());
        assert_eq!(text(&value, "CFBundleIdentifier"), Some("com.openai.chat"));
        assert_eq!(value["NSHumanReadableCopyright"], json!("Copyright © 2026 OpenAI & others"));
        assert_eq!(value["CFBundleURLTypes"][0]["CFBundleURLSchemes"], json!(["openai", "chatgpt"]));
        assert_eq!((&value["LSMinimumSystemVersionMajor"], &value["Icon"]), (&json!(14), &Value::Null));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for whole in [XML, BINARY] {
            let text = whole.iter().rposition(|byte| !byte.is_ascii_whitespace()).unwrap();
            for end in 0..text - 8 {
                assert!(parse(&whole[..end]).is_err(), "{end} of {}", whole.len());
            }
        }
    }

    #[test]
    fn no_changed_byte_of_a_binary_list_makes_it_panic() {
        for at in 0..BINARY.len() {
            for byte in [0x00, 0x0F, 0x5F, 0xA1, 0xDF, 0xFF] {
                let mut bytes = BINARY.to_vec();
                bytes[at] = byte;
                let _ = parse(&bytes);
            }
        }
    }

    /// Forty lists, each of which names the next one twice.
    #[test]
    fn a_few_bytes_that_stand_for_many_values_are_too_large() {
        let mut bytes = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for level in 0..40 {
            offsets.push(bytes.len() as u8);
            bytes.extend(if level == 39 { vec![0x09] } else { vec![0xA2, level + 1, level + 1] });
        }
        let table = bytes.len() as u64;
        bytes.extend(&offsets);
        bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        bytes.extend([40, 0, table].map(u64::to_be_bytes).concat());
        assert_eq!(parse(&bytes).unwrap_err(), Trouble::TooLarge);
    }

    #[test]
    fn deep_nesting_is_too_large() {
        let deep = format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{}", "<array>".repeat(100_000));
        assert_eq!(parse(deep.as_bytes()).unwrap_err(), Trouble::TooLarge);
        let own = b"<!DOCTYPE x [<!ENTITY a \"b\">]><plist><array><string>&a;</string></array></plist>";
        assert_eq!(parse(own).unwrap(), json!([""]));
    }
}
