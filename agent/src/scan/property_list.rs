//! Property lists, binary or XML, as one kind of value, within bounds.
//!
//! In a binary list one object may stand in many places: a few hundred bytes can mean a thousand million values.
//! The library follows them all, so the bound is kept where the values arrive.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::safe::Trouble;

/// Largest list that is looked at, in bytes.
pub(crate) const BYTES: u64 = 4 * 1024 * 1024;
/// Most values, each text and each run of bytes counting one more for every 64 bytes.
const VALUES: usize = 200_000;
/// Deepest nesting.
const DEPTH: usize = 64;

thread_local! {
    /// What is left for the list that this thread reads: values, and depth. A value cannot be told from without.
    static LEFT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Reads a whole list. Dates and data say nothing here and become null.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Trouble> {
    if bytes.len() as u64 > BYTES {
        return Err(Trouble::TooLarge);
    }
    LEFT.set((VALUES, DEPTH));
    let read = plist::from_bytes::<Bounded>(bytes);
    match read {
        Ok(Bounded(value)) => Ok(value),
        Err(_) if LEFT.get().0 == 0 => Err(Trouble::TooLarge),
        Err(_) => Err(Trouble::Malformed),
    }
}

struct Bounded(Value);

/// Takes what `bytes` of text or data cost.
fn spend<E: Error>(bytes: usize) -> Result<(), E> {
    let (values, depth) = LEFT.get();
    let rest = values.saturating_sub(1 + bytes / 64);
    LEFT.set((rest, depth));
    if rest == 0 { Err(E::custom("too many values")) } else { Ok(()) }
}

/// Reads a collection one level deeper.
fn deeper<T, E: Error>(read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let (values, depth) = LEFT.get();
    let Some(below) = depth.checked_sub(1) else {
        LEFT.set((0, 0));
        return Err(E::custom("too deep"));
    };
    LEFT.set((values, below));
    let outcome = read();
    LEFT.set((LEFT.get().0, depth));
    outcome
}

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a property list")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        spend(0).map(|()| value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        spend(0).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        spend(0).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        spend(0).map(|()| value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        spend(text.len()).map(|()| text.into())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        spend(bytes.len()).map(|()| Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        spend(0)?;
        deeper(|| {
            let mut values = Vec::new();
            while let Some(Bounded(value)) = list.next_element()? {
                values.push(value);
            }
            Ok(Value::Array(values))
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        spend(0)?;
        deeper(|| {
            let mut values = Map::new();
            while let Some(key) = map.next_key::<String>()? {
                spend(key.len())?;
                let Bounded(value) = map.next_value()?;
                values.insert(key, value);
            }
            Ok(Value::Object(values))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>Enabled</key><true/><key>AddedDate</key><date>2026-01-02T03:04:05Z</date>
<key>Names</key><array><string>a</string><integer>-2</integer><data>AAAA</data></array></dict></plist>"#;

    /// Made by CPython's plistlib: the same as [`XML`], but for the date.
    const BINARY: &[u8] = b"bplist00\xd2\x01\x02\x03\x04WEnabledUNames\x09\xa3\x05\x06\x07Qa\x13\xff\xff\xff\xff\xff\xff\xff\xfeC\x00\x00\x00\x08\x0d\x15\x1b\x1c \x22+\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00/";

    #[test]
    fn both_forms_give_the_same() {
        let value = parse(XML.as_bytes()).unwrap();
        assert_eq!(value["Enabled"], json!(true));
        assert_eq!(value["Names"], json!(["a", -2, null]));
        let value = parse(BINARY).unwrap();
        assert_eq!(value, json!({"Enabled": true, "Names": ["a", -2, null]}));
    }

    #[test]
    fn every_prefix_ends_without_a_panic() {
        for text in [XML.as_bytes(), BINARY] {
            for end in 0..text.len() {
                drop(parse(&text[..end]));
            }
        }
    }

    #[test]
    fn an_object_in_many_places_ends_in_the_bound() {
        // Thirty arrays, each holding the next one twice, and a truth at the end.
        let mut list = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in 0..30u8 {
            offsets.push(u8::try_from(list.len()).unwrap());
            list.extend([0xa2, object + 1, object + 1]);
        }
        offsets.push(u8::try_from(list.len()).unwrap());
        list.push(0x09);
        let table = list.len() as u64;
        list.extend(&offsets);
        list.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        for number in [31, 0, table] {
            list.extend(u64::to_be_bytes(number));
        }
        assert_eq!(parse(&list), Err(Trouble::TooLarge));
    }

    #[test]
    fn deep_nesting_ends_in_the_bound() {
        let text = format!("<plist>{}{}</plist>", "<array>".repeat(50_000), "</array>".repeat(50_000));
        assert_eq!(parse(text.as_bytes()), Err(Trouble::TooLarge));
    }
}
