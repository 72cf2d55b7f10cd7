//! `manifest.json` of an extension, and the messages that its name may stand in.

use serde::Deserialize;
use serde_json::Value;

use crate::scan::document::{Format, parse as document};
use crate::scan::safe::{Dir, Trouble};

/// Largest manifest, and largest file of messages, read, in bytes.
const BYTES: u64 = 1024 * 1024;

/// As far as it says what this is.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Manifest {
    pub(super) version: String,
    pub(super) name: Option<String>,
    default_locale: Option<String>,
}

/// Reads a manifest. Of an unpacked one a person may have written it, with comments.
pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).or_else(|_| {
        document(bytes, Format::Json).map(serde_json::from_value)?.map_err(|_| Trouble::Malformed)
    })
}

/// The manifest in a folder, its name in words where the folder has them.
pub(super) fn read(folder: &Dir) -> Result<Manifest, Trouble> {
    let mut manifest = parse(&folder.read("manifest.json", BYTES)?)?;
    let key = manifest.name.as_deref().and_then(message_key).map(str::to_owned);
    if let Some(key) = key {
        let locale = manifest.default_locale.as_deref().filter(|locale| is_locale(locale));
        let messages = locale.map(|locale| folder.read(format!("_locales/{locale}/messages.json"), BYTES));
        manifest.name = messages.and_then(Result::ok).and_then(|bytes| message(&bytes, &key));
    }
    Ok(manifest)
}

/// The key in `__MSG_key__`.
fn message_key(name: &str) -> Option<&str> {
    name.strip_prefix("__MSG_")?.strip_suffix("__")
}

/// Letters, digits and `_`, as Chromium has it: what could lead out of the folder is no locale.
fn is_locale(name: &str) -> bool {
    (2..=16).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The message of that key, whose case does not matter.
pub(super) fn message(bytes: &[u8], key: &str) -> Option<String> {
    let Ok(Value::Object(messages)) = document(bytes, Format::Json) else { return None };
    let (_, message) = messages.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    Some(message.get("message")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        r#"{"manifest_version":3,"name":"__MSG_appName__","version":"1.2.3","default_locale":"en"}"#;

    #[test]
    fn a_manifest_may_begin_with_a_byte_order_mark_or_hold_comments() {
        let marked = [b"\xef\xbb\xbf", MANIFEST.as_bytes()].concat();
        assert_eq!(parse(&marked).unwrap(), parse(MANIFEST.as_bytes()).unwrap());
        assert_eq!(parse(b"{ // mine\n \"version\": \"1\", }").unwrap().version, "1");
    }

    #[test]
    fn a_name_is_looked_up_whatever_its_case() {
        assert_eq!(message_key("__MSG_appName__"), Some("appName"));
        assert_eq!(message_key("An assistant"), None);
        let messages = br#"{"APPNAME": {"message": "Tidy Tabs", "description": "x"}}"#;
        assert_eq!(message(messages, "appName").as_deref(), Some("Tidy Tabs"));
        assert_eq!(message(b"[1]", "appName"), None);
    }

    #[test]
    fn what_could_lead_out_is_no_locale() {
        assert!(is_locale("en") && is_locale("pt_BR") && is_locale("es_419"));
        assert!(!is_locale("../..") && !is_locale("a/b") && !is_locale(""));
    }

    #[test]
    fn every_prefix_of_a_manifest_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert!(parse(&MANIFEST.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
