//! Configuration files of the usual formats, as one kind of value.
//!
//! A parser's own error message may quote the file, and with it a secret: only the fact is passed on.

use std::collections::HashMap;

use jsonc_parser::{CollectOptions, ParseOptions};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::bounded::{Allowance, Bounded};
use super::safe::Trouble;

/// Largest configuration read, in bytes. Claude Code keeps histories in its own; 16 MB of it have been seen.
pub(crate) const CONFIG_BYTES: u64 = 32 * 1024 * 1024;
/// Largest file given to a parser that builds the whole tree, in bytes.
pub(crate) const TREE_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a YAML document, as serde_json bounds JSON.
const YAML_DEPTH: usize = 128;
/// Most values of a YAML document after its aliases are written out, and most kept for its aliases.
const YAML_VALUES: usize = 200_000;
/// Most marks of a text that is made into a tree by a parser that has no bound of its own.
const MARKS: usize = 250_000;
/// Bytes of a text that weigh as much as one value more.
const YAML_TEXT: usize = 32;

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON; comments and trailing commas are tolerated, as the clients themselves tolerate them.
    Json,
    Toml,
    Yaml,
    /// XML of JetBrains' products: its MCP servers.
    Idea,
}

/// Reads a whole document.
pub(crate) fn parse(bytes: &[u8], format: Format) -> Result<Value, Trouble> {
    if bytes.len() > TREE_BYTES {
        return Err(Trouble::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Json => json(text),
        Format::Toml if is_heavy(text) => Err(Trouble::TooLarge),
        Format::Toml => toml::from_str(text).map_err(|_| Trouble::Malformed),
        Format::Yaml => yaml(text),
        Format::Idea => super::mcp::idea(text),
    }
}

fn json(text: &str) -> Result<Value, Trouble> {
    let mut allowance = Allowance::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Bounded(&mut allowance).deserialize(&mut deserializer);
    if let Ok(value) = value
        && deserializer.end().is_ok()
    {
        return Ok(value);
    }
    if allowance.is_over() || is_heavy(text) {
        return Err(Trouble::TooLarge);
    }
    // By way of its syntax tree, which bounds the nesting.
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    parsed.map(|parsed| parsed.value.map_or(Value::Null, Value::from)).map_err(|_| Trouble::Malformed)
}

/// Whether a text has so many marks that the tree of its values may be far larger than itself, wherever the marks stand.
fn is_heavy(text: &str) -> bool {
    let weight = |byte| match byte {
        b'{' | b'=' => 10,
        b'[' | b',' | b':' | b'.' => 1,
        _ => 0,
    };
    text.bytes().map(weight).sum::<usize>() > MARKS
}

/// The first document of a YAML text. Aliases are written out within a bound, so that a few lines cannot become a
/// thousand million values.
fn yaml(text: &str) -> Result<Value, Trouble> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (Value, usize)> = HashMap::new();
    let mut values = 0;
    let mut anchored = 0;
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|_| Trouble::Malformed)?;
        let (value, size, anchor) = match event {
            // A long text that is named and called again and again is as heavy as many short ones.
            Event::Scalar(text, style, anchor, _) => {
                let weight = 1 + text.len() / YAML_TEXT;
                (scalar(&text, style), weight, anchor)
            }
            Event::Alias(anchor) => {
                let (value, size) = anchors.get(&anchor).ok_or(Trouble::Malformed)?;
                if values + size > YAML_VALUES {
                    return Err(Trouble::TooLarge);
                }
                (value.clone(), *size, 0)
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { value: Node::List(Vec::new()), anchor, before: values });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { value: Node::Map(Map::new(), None), anchor, before: values });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = open.pop() else { return Err(Trouble::Malformed) };
                let value = match done.value {
                    Node::List(list) => Value::Array(list),
                    Node::Map(map, _) => Value::Object(map),
                };
                // Its parts are counted already.
                let size = values - done.before + 1;
                values -= size - 1;
                (value, size, done.anchor)
            }
            Event::DocumentEnd => return Ok(root),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => continue,
        };
        values += size;
        if values > YAML_VALUES || open.len() > YAML_DEPTH {
            return Err(Trouble::TooLarge);
        }
        if anchor != 0 {
            anchored += size;
            if anchored > YAML_VALUES {
                return Err(Trouble::TooLarge);
            }
            anchors.insert(anchor, (value.clone(), size));
        }
        match open.last_mut().map(|open| &mut open.value) {
            None => root = value,
            Some(Node::List(list)) => list.push(value),
            Some(Node::Map(map, key)) => match key.take() {
                None => *key = Some(text_of(value)),
                Some(name) => match (name.as_str(), value) {
                    // Merge key (YAML 1.1): what stands in the map itself wins.
                    ("<<", Value::Object(merged)) => {
                        for (name, value) in merged {
                            map.entry(name).or_insert(value);
                        }
                    }
                    (_, value) => {
                        map.insert(name, value);
                    }
                },
            },
        }
    }
    Ok(root)
}

struct Open {
    value: Node,
    anchor: usize,
    before: usize,
}

enum Node {
    List(Vec<Value>),
    /// The map and the key whose value is next.
    Map(Map<String, Value>, Option<String>),
}

/// The core schema (YAML 1.2 § 10.3.2), as far as a configuration needs it: numbers other than integers are text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::String(text.to_owned()),
        },
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_may_hold_comments_and_trailing_commas() {
        let text = b"\xef\xbb\xbf// mine\n{\n  \"a\": [1, 2,], /* b */\n}\n";
        assert_eq!(parse(text, Format::Json).unwrap(), json!({"a": [1, 2]}));
        assert_eq!(parse(b"", Format::Json).unwrap(), Value::Null);
    }

    #[test]
    fn yaml_gives_maps_lists_and_core_scalars() {
        let text =
            "extensions:\n  github:\n    enabled: true\n    timeout: 300\n    args: [-y, '1']\n    x: ~\n";
        assert_eq!(
            parse(text.as_bytes(), Format::Yaml).unwrap(),
            json!({"extensions": {"github": {"enabled": true, "timeout": 300, "args": ["-y", "1"], "x": null}}})
        );
    }

    #[test]
    fn yaml_aliases_and_merges_are_written_out() {
        let text = "base: &b {a: 1, c: 2}\nuse:\n  <<: *b\n  a: 3\nagain: *b\n";
        let value = parse(text.as_bytes(), Format::Yaml).unwrap();
        assert_eq!(value["again"], json!({"a": 1, "c": 2}));
        assert_eq!(value["use"]["c"], json!(2));
    }

    #[test]
    fn a_bomb_of_aliases_is_too_large() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 10].join(",");
            text.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert_eq!(parse(text.as_bytes(), Format::Yaml).unwrap_err(), Trouble::TooLarge);
    }

    #[test]
    fn a_long_text_that_is_called_again_and_again_is_too_large() {
        let text = format!("a: &a {}\nb:\n{}", "x".repeat(400_000), "- *a\n".repeat(100_000));
        assert_eq!(parse(text.as_bytes(), Format::Yaml).unwrap_err(), Trouble::TooLarge);
    }

    #[test]
    fn deep_nesting_ends_in_an_error_in_every_format() {
        let deep = "[".repeat(500_000);
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            parse(deep.as_bytes(), format).unwrap_err();
        }
        let closed = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for format in [Format::Json, Format::Yaml] {
            parse(closed.as_bytes(), format).unwrap_err();
        }
        let toml = format!("a = {closed}");
        parse(toml.as_bytes(), Format::Toml).unwrap_err();
        parse("{".repeat(100_000).as_bytes(), Format::Json).unwrap_err();
        parse("{a: ".repeat(10_000).as_bytes(), Format::Yaml).unwrap_err();
    }

    #[test]
    fn what_is_not_of_the_format_is_malformed() {
        assert_eq!(parse(b"\xff\xfe", Format::Json).unwrap_err(), Trouble::Malformed);
        assert_eq!(parse(b"= 1", Format::Toml).unwrap_err(), Trouble::Malformed);
        assert_eq!(parse(b"{\"a\": ", Format::Json).unwrap_err(), Trouble::Malformed);
    }
}
