//! The one thing that is read of a file of credentials: the domain of an address of mail.
//!
//! Such a file holds tokens. It is read value by value; what is not asked for is passed over without being kept, and of
//! what is asked for the domain alone is. The part before the `@` names a person and is dropped at once.

use std::collections::BTreeSet;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scan::safe::Trouble;

/// Longest JWT whose claims are looked at, in bytes.
const TOKEN_BYTES: usize = 64 * 1024;

/// How the address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// As it is.
    Plain,
    /// As the claim `email` of a JWT (RFC 7519). Its signature is not asked about.
    Jwt,
}

/// The domain of the address at `path` of a JSON document: strict JSON, however large. A list on the way is looked
/// through to its end.
pub(super) fn domain(
    reader: impl std::io::Read,
    path: &[&str],
    written: Written,
) -> Result<Option<String>, Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    Step { path, written }.deserialize(&mut deserializer).map_err(|error| Trouble::of_json(&error))
}

/// Most hosts of one file.
const HOSTS: usize = 16;
/// Where everybody's accounts are: it says nothing of whose one is.
const PUBLIC_HOST: &str = "github.com";

/// The hosts that are keys of a JSON document, `host` or `host:application`, but for the one that everybody uses.
pub(super) fn hosts(reader: impl std::io::Read) -> Result<BTreeSet<String>, Trouble> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer.deserialize_map(Hosts).map_err(|error| Trouble::of_json(&error))
}

struct Hosts;

impl<'de> Visitor<'de> for Hosts {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("accounts by host")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut hosts = BTreeSet::new();
        while let Some(key) = access.next_key::<String>()? {
            access.next_value::<IgnoredAny>()?;
            let host = key.split(':').next().and_then(of_host).filter(|host| host != PUBLIC_HOST);
            if hosts.len() < HOSTS {
                hosts.extend(host);
            }
        }
        Ok(hosts)
    }
}

/// The domain of an address, in lower case. `None`: it is no address.
pub(super) fn of_address(address: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    of_host(domain).filter(|_| !local.is_empty())
}

/// A domain, in lower case. `None`: it is none.
fn of_host(domain: &str) -> Option<String> {
    let label = |label: &str| {
        let plain = |c: char| c.is_alphanumeric() || c == '-';
        !label.is_empty() && label.len() <= 63 && label.chars().all(plain) && !label.starts_with('-')
    };
    let fits = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label);
    fits.then(|| domain.to_lowercase())
}

fn of_token(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES {
        return None;
    }
    let claims = base64url(token.split('.').nth(1)?)?;
    domain(&claims[..], &["email"], Written::Plain).ok()?
}

/// Base64 with the alphabet for URLs and without padding (RFC 4648 § 5), as RFC 7515 has it.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

/// What is left of the way to the address.
#[derive(Clone, Copy)]
struct Step<'p> {
    path: &'p [&'p str],
    written: Written,
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = access.next_key::<String>()? {
            match self.path.split_first() {
                Some((wanted, rest)) if *wanted == key => {
                    found = found.or(access.next_value_seed(Step { path: rest, ..self })?);
                }
                _ => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(domain) = access.next_element_seed(self)? {
            found = found.or(domain);
        }
        Ok(found)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(match (self.path, self.written) {
            ([], Written::Plain) => of_address(text),
            ([], Written::Jwt) => of_token(text),
            _ => None,
        })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"alg":"RS256"}`, `{"email":"kim@Corp.Example","sub":"x"}`, a signature: as an issuer of OpenID Connect writes it.
    const TOKEN: &str =
        "eyJhbGciOiJSUzI1NiJ9.eyJlbWFpbCI6ImtpbUBDb3JwLkV4YW1wbGUiLCJzdWIiOiJ4In0.c2lnbmF0dXJl";

    fn at(text: &str, path: &[&str], written: Written) -> Result<Option<String>, Trouble> {
        domain(text.as_bytes(), path, written)
    }

    #[test]
    fn the_domain_alone_is_kept() {
        let text = r#"{"numStartups": 3, "history": [{"emailAddress": "no@one.example"}], "oauthAccount": {"accountUuid": "u",
            "emailAddress": "Kim.Doe@Corp.Example", "organizationName": "Corp"}, "x": [1.5, null, true, -1]}"#;
        assert_eq!(
            at(text, &["oauthAccount", "emailAddress"], Written::Plain),
            Ok(Some("corp.example".into()))
        );
        assert_eq!(at(text, &["oauthAccount", "organizationName"], Written::Plain), Ok(None));
        assert_eq!(at(text, &["oauthAccount"], Written::Plain), Ok(None));
        assert_eq!(at("{}", &["oauthAccount", "emailAddress"], Written::Plain), Ok(None));
        assert_eq!(
            at(r#"{"users": [{"m": null}, {"m": "a@b.example"}]}"#, &["users", "m"], Written::Plain),
            Ok(Some("b.example".into()))
        );
    }

    #[test]
    fn a_token_gives_the_domain_of_its_claim() {
        let text = format!(
            r#"{{"OPENAI_API_KEY": null, "tokens": {{"id_token": "{TOKEN}", "access_token": "x"}}}}"#
        );
        assert_eq!(at(&text, &["tokens", "id_token"], Written::Jwt), Ok(Some("corp.example".into())));
        for end in 0..text.len() {
            drop(at(&text[..end], &["tokens", "id_token"], Written::Jwt));
        }
        for no in ["", "a.b", "a.!.c", "..", "a.e30.c"] {
            let text = format!(r#"{{"t": "{no}"}}"#);
            assert_eq!(at(&text, &["t"], Written::Jwt), Ok(None), "{no}");
        }
    }

    #[test]
    fn what_is_no_address_has_no_domain() {
        for no in [
            "",
            "kim",
            "@corp.example",
            "kim@",
            "kim@localhost",
            "kim@corp.example/x",
            "kim@a..b",
            "kim@ corp.example",
        ] {
            assert_eq!(of_address(no), None, "{no}");
        }
        assert_eq!(of_address("\"a@b\"@Corp.example").as_deref(), Some("corp.example"));
    }

    #[test]
    fn the_host_of_a_company_is_told_and_everybody_s_is_not() {
        let text = r#"{"github.com:Iv1.b507a08c87ecfe98": {"user": "kim", "oauth_token": "x", "githubAppId": "Iv1.b507a08c87ecfe98"},
            "corp.ghe.com:Iv1.b507a08c87ecfe98": {"user": "kim_corp", "oauth_token": "x"}, "kim": 1}"#;
        assert_eq!(hosts(text.as_bytes()).unwrap().into_iter().collect::<Vec<_>>(), ["corp.ghe.com"]);
        for end in 0..text.len() {
            assert_eq!(hosts(&text.as_bytes()[..end]), Err(Trouble::Malformed));
        }
        assert_eq!(hosts(&b"[]"[..]), Err(Trouble::Malformed));
    }

    #[test]
    fn deep_nesting_and_what_is_no_json_end_in_an_error() {
        assert_eq!(at(&"[".repeat(100_000), &["a"], Written::Plain), Err(Trouble::Malformed));
        assert_eq!(at("not json", &["a"], Written::Plain), Err(Trouble::Malformed));
    }
}
