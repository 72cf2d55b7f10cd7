//! Identifiers that follow from what they are of: the same inventory gives the same ones, here and on another machine.

use ring::digest::{self, Context, Digest};
use uuid::Builder;

/// Our namespace, itself made of a name (RFC 9562, section 5.5).
const NAMESPACE: &[u8] = b"umbrascope:export:";

/// The UUID of version 5 of a name. Some readers take no other versions, so that the ids of records will not do.
pub(super) fn uuid_of(name: &str) -> String {
    uuid_of_parts(&[name.as_bytes()])
}

/// The UUID of version 5 of what is written.
pub(super) fn uuid_of_parts(parts: &[&[u8]]) -> String {
    // SHA-1 as the version has it: it names, and proves nothing.
    let mut context = Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(NAMESPACE);
    parts.iter().for_each(|part| context.update(part));
    from_digest(&context.finish())
}

fn from_digest(digest: &Digest) -> String {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Builder::from_sha1_bytes(bytes).into_uuid().to_string()
}

/// Text as a part of a URI: what is not a letter, a digit, `.`, `-` or `_` is written `%XX`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Whether a text is an address on the web that every reader of URIs takes.
pub(super) fn web_address(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?#@!$&'()*+,;=:%".contains(c);
    let percent_holds = text
        .split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()));
    let one_fragment = rest.matches('#').count() <= 1;
    // A host of letters, digits, dots and hyphens, perhaps with a port: no user, no brackets, nothing that two readers read in two ways.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let host_is_plain =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    let port_is_number = port.chars().all(|c| c.is_ascii_digit()) && !authority.ends_with(':');
    (rest.chars().all(plain) && percent_holds && one_fragment && host_is_plain && port_is_number)
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_uuid_of_version_five() {
        let uuid = uuid_of("AIS-0001");
        assert_eq!(uuid, uuid_of("AIS-0001"));
        assert_ne!(uuid, uuid_of("AIS-0002"));
        assert_eq!(uuid.as_bytes()[14], b'5', "{uuid}");
    }

    #[test]
    fn hostile_addresses_are_none() {
        for good in ["https://a.example/x?y=1#z", "http://a.example:8080/%20"] {
            assert_eq!(web_address(good), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "https://",
            "https://a b",
            "https://ä.example",
            "https://a.example/%zz",
            "https://a.example/#a#b",
            "https://user@a.example/",
            "https://[::1]/",
            "https://a.example:x/",
            "https://a.example:/",
            "CTR-2026-118",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_escaped_holds_nothing_that_a_uri_gives_meaning_to() {
        assert_eq!(escaped("openai.chat gpt/ä"), "openai.chat%20gpt%2F%C3%A4");
    }
}
