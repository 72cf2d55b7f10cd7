//! The address of a list page: what is asked for, and the links that change one part of it.

use std::fmt::Write as _;

/// A path with query parameters, to derive links from. Empty parameters are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl Address {
    /// The path alone.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), parameters: Vec::new() }
    }

    /// The same with a parameter set anew; an empty value removes it.
    #[must_use]
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut changed = self.clone();
        changed.parameters.retain(|(known, _)| *known != name);
        let value = value.into();
        if !value.is_empty() {
            changed.parameters.push((name, value));
        }
        changed
    }

    /// The link.
    pub(crate) fn href(&self) -> String {
        let mut href = self.path.clone();
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            href.push(if at == 0 { '?' } else { '&' });
            href.push_str(name);
            href.push('=');
            href.push_str(&encode(value));
        }
        href
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else if write!(encoded, "%{byte:02X}").is_err() {
            break; // a String takes all that is written to it
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_part_and_keeps_the_others() {
        let here = Address::new("/products").with("q", "a b&c").with("sort", "name").with("page", "3");
        assert_eq!(here.href(), "/products?q=a%20b%26c&sort=name&page=3");
        assert_eq!(here.with("page", "").with("sort", "vendor").href(), "/products?q=a%20b%26c&sort=vendor");
    }

    #[test]
    fn nothing_of_a_value_escapes_into_the_address() {
        assert_eq!(encode("../é\"<>#?"), "..%2F%C3%A9%22%3C%3E%23%3F");
    }
}
