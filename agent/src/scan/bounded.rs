//! JSON into memory, no more of it than a bound allows.
//!
//! A few bytes of JSON can take a hundred times as many in memory: every map begins with room for eleven entries. What is
//! counted is therefore what a value costs, in units of about 64 bytes, while it is being made.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::safe::Trouble;

/// Most units of one document: about 16 MB. An honest configuration of 1 MB has some 50,000.
const UNITS: usize = 250_000;
/// What a map costs before its second entry.
const MAP: usize = 10;
/// Bytes of text in a unit.
const TEXT: usize = 64;
/// Longest key of an object of which only some members are kept, in bytes: the path of a folder.
pub(crate) const KEY_BYTES: usize = 4096;

/// What may still be spent on a document.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: usize,
    over: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: UNITS, over: false }
    }
}

impl Allowance {
    /// For a name of at most so many bytes.
    pub(crate) fn for_name(bytes: usize) -> Self {
        Self { left: 1 + bytes / TEXT, over: false }
    }

    /// Whether it ended because the document costs too much.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    fn pay_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.pay(1 + text.len() / TEXT)
    }

    fn pay<E: Error>(&mut self, units: usize) -> Result<(), E> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.over = true;
                Err(E::custom("over the bound"))
            }
        }
    }
}

/// Makes a value on an allowance.
pub(crate) struct Bounded<'a>(pub(crate) &'a mut Allowance);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.pay(1).map(|()| Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.pay(1).map(|()| value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.pay(1).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.pay(1).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.pay(1).map(|()| value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.pay_text(value).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.pay(1)?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(Bounded(self.0))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.pay(MAP)?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Key(self.0))? {
            let value = access.next_value_seed(Bounded(self.0))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Makes a key on an allowance.
pub(crate) struct Key<'a>(pub(crate) &'a mut Allowance);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        self.0.pay_text(key).map(|()| key.to_owned())
    }
}

/// Which members of an object are kept. What is not asked for costs nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) keys: &'a [&'a str],
    /// A member that is a map of further objects: of each of them the same keys are kept.
    pub(crate) map: Option<&'a str>,
}

/// These members of an object, however long it is: strict JSON, read piece by piece.
pub(crate) fn members(reader: impl std::io::Read, wanted: Wanted<'_>) -> Result<Value, Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut allowance = Allowance::default();
    let kept = Members::of(wanted, &mut allowance).deserialize(&mut deserializer);
    kept.map_err(|error| match allowance.is_over() {
        true => Trouble::TooLarge,
        false => Trouble::of_json(&error),
    })
}

/// The same of a whole document in memory. `None`: it is no strict JSON, or these members cost too much.
pub(crate) fn members_of(bytes: &[u8], wanted: Wanted<'_>) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut allowance = Allowance::default();
    let kept = Members::of(wanted, &mut allowance).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(kept)
}

struct Members<'a> {
    wanted: Wanted<'a>,
    level: Level,
    allowance: &'a mut Allowance,
}

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    /// It is the map, whose keys are names.
    Map,
    InMap,
}

impl<'a> Members<'a> {
    fn of(wanted: Wanted<'a>, allowance: &'a mut Allowance) -> Self {
        Self { wanted, level: Level::Top, allowance }
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { wanted, level, allowance } = self;
        let mut kept = Map::new();
        // A key that is not kept costs nothing, but none is longer than the path of a folder.
        while let Some(key) = access.next_key_seed(Key(&mut Allowance::for_name(KEY_BYTES)))? {
            let below = match level {
                Level::Top if wanted.map == Some(&*key) => Some(Level::Map),
                Level::Map => Some(Level::InMap),
                Level::Top | Level::InMap => None,
            };
            if let Some(level) = below {
                kept.insert(key, access.next_value_seed(Members { wanted, level, allowance })?);
            } else if wanted.keys.contains(&key.as_str()) {
                kept.insert(key, access.next_value_seed(Bounded(allowance))?);
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Value>, bool) {
        let mut allowance = Allowance::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Bounded(&mut allowance).deserialize(&mut deserializer).ok();
        (value, allowance.is_over())
    }

    #[test]
    fn what_is_within_the_bound_is_read_as_ever() {
        let text = r#"{"a": [1, -2, 0.5, true, null, "t"], "b": {"c": {}}}"#;
        assert_eq!(read(text), (serde_json::from_str(text).ok(), false));
        assert_eq!(read("[1, "), (None, false));
    }

    #[test]
    fn of_a_long_object_only_what_is_asked_for_is_kept() {
        let text = format!(r#"{{"a": {{"b": [1]}}, "long": ["{}"], "c": null}}"#, "x".repeat(UNITS * TEXT));
        let keys = |keys| Wanted { keys, map: None };
        let kept = members(text.as_bytes(), keys(&["a", "c", "d"]));
        assert_eq!(kept, Ok(serde_json::json!({"a": {"b": [1]}, "c": null})));
        assert_eq!(members(text.as_bytes(), keys(&["long"])), Err(Trouble::TooLarge));
        for end in 0..30 {
            assert_eq!(members(&text.as_bytes()[..end], keys(&["a"])), Err(Trouble::Malformed), "{end}");
        }
    }

    #[test]
    fn of_a_map_of_objects_the_same_members_are_kept_of_each() {
        let text = r#"{"a": 1, "b": 2, "p": {"x": {"a": {"p": 3}, "b": 4, "p": {"y": {"a": 5}}}, "z": {}}}"#;
        let wanted = Wanted { keys: &["a"], map: Some("p") };
        let kept = serde_json::json!({"a": 1, "p": {"x": {"a": {"p": 3}}, "z": {}}});
        assert_eq!(members_of(text.as_bytes(), wanted), Some(kept.clone()));
        assert_eq!(members(text.as_bytes(), wanted), Ok(kept));
        // A list in its place is none.
        assert_eq!(members(br#"{"p": [1]}"#.as_slice(), wanted), Err(Trouble::Malformed));
        assert_eq!(members_of(format!("{text} x").as_bytes(), wanted), None);
    }

    #[test]
    fn what_costs_too_much_is_given_up() {
        assert_eq!(read(&format!("[{}1]", "1,".repeat(UNITS))), (None, true));
        assert_eq!(read(&format!("[{}1]", r#"{"":1},"#.repeat(UNITS / MAP))), (None, true));
        assert_eq!(read(&format!("\"{}\"", "x".repeat(UNITS * TEXT))), (None, true));
    }
}
