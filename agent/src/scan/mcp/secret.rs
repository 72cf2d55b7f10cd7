//! Whether a secret stands in plain text. The fact is all that leaves this file.

use super::launch::is_url;

/// Whether the value given to a name is a secret written out, not a reference to one.
pub(in crate::scan) fn is_plain_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    if looks_like_secret(value) {
        return true;
    }
    let scheme = ["bearer ", "basic ", "token "]
        .iter()
        .find_map(|scheme| value.get(..scheme.len()).filter(|s| s.eq_ignore_ascii_case(scheme)));
    let bare = scheme.map_or(value, |scheme| value[scheme.len()..].trim());
    names_a_secret(name) && bare.len() >= 6 && !is_reference(bare)
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.', ' '], "_");
    let parts: Vec<&str> = name.split('_').collect();
    let whole = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PWD",
        "PASS",
        "PAT",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTH",
        "AUTHORIZATION",
        "APIKEY",
        "COOKIE",
    ];
    parts.iter().any(|part| whole.contains(part))
        || ["APIKEY", "ACCESSTOKEN", "PASSWORD", "SECRET", "TOKEN"].iter().any(|end| name.ends_with(end))
}

/// A place-holder, a variable, or the address of a secret in a vault.
fn is_reference(value: &str) -> bool {
    let reference = value.contains("${")
        || value.contains("{env:")
        || value.contains("{file:")
        || value.contains("{{")
        || value.starts_with(['$', '%', '<', '/', '~'])
        || ["op://", "keyring:", "vault:", "env:", "file:"].iter().any(|start| value.starts_with(start));
    let lower = value.to_ascii_lowercase();
    let place_holder =
        ["your", "changeme", "replace", "placeholder", "example", "xxxx", "...", "true", "false"];
    reference || place_holder.iter().any(|word| lower.contains(word))
}

/// Beginnings that issuers give their secrets so that scanners can know them.
fn looks_like_secret(value: &str) -> bool {
    const MARKS: [&str; 22] = [
        "sk-",
        "sk_live_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "AKIA",
        "ASIA",
        "AIza",
        "hf_",
        "npm_",
        "pypi-",
        "gsk_",
        "r8_",
        "lin_api_",
        "ntn_",
        "eyJhbGciOi",
    ];
    let token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    value.split(|c: char| !token(c)).any(|word| {
        word.len() >= 16 && MARKS.iter().any(|mark| word.starts_with(mark)) && !is_reference(word)
    })
}

/// `--api-key X`, `--token=X`, a header, a key in a URL, or a word that is plainly a secret.
pub(super) fn secret_in_args(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        if looks_like_secret(word) || secret_in_url(word) {
            return true;
        }
        // `--header "Authorization: Bearer …"`.
        if let Some((name, value)) = word.split_once(':')
            && !is_url(word)
            && is_plain_secret(name, value)
        {
            return true;
        }
        let Some((name, value)) = word.split_once('=').or_else(|| {
            let next = words.get(at + 1).filter(|next| !next.starts_with('-'))?;
            word.starts_with("--").then_some((*word, *next))
        }) else {
            return false;
        };
        is_plain_secret(name.trim_start_matches('-'), value)
    })
}

/// A password before the host, or a key in the query.
pub(in crate::scan) fn secret_in_url(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !is_reference(password)) {
        return true;
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| is_plain_secret(name, value))
        || rest.split(['/', '?', '&', '=']).any(looks_like_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_from_a_reference_to_one() {
        for args in [
            &["x", "--api-key", "3f9a8b7c6d5e"][..],
            &["x", "--token=3f9a8b7c6d5e"],
            &["x", "sk-ant-api03-AbCdEfGhIjKlMnOp"],
            &["mcp-remote", "https://h/x", "--header", "Authorization: Bearer 3f9a8b7c6d5e"],
            &["mcp-remote", "https://h/x?api_key=3f9a8b7c6d5e"],
            &["postgresql://u:hunter22@db/x", "https://u:hunter22@h/"],
        ] {
            assert!(secret_in_args(args), "{args:?}");
        }
        for args in [
            &["x", "--api-key", "${API_KEY}"][..],
            &["x", "--token=$TOKEN"],
            &["x", "--api-key", "YOUR_API_KEY"],
            &["mcp-remote", "https://h/x", "--header", "Authorization: Bearer ${T}"],
            &["x", "--port", "8080"],
        ] {
            assert!(!secret_in_args(args), "{args:?}");
        }
        assert!(is_plain_secret("GITHUB_TOKEN", "abcdef123456"));
        assert!(is_plain_secret("X", "ghp_0123456789abcdefghij"));
        assert!(!is_plain_secret("GITHUB_TOKEN", "op://vault/item/token"));
        assert!(!is_plain_secret("LOG_LEVEL", "verbose-logging"));
        assert!(!is_plain_secret("KEYBOARD", "qwertyuiop"));
    }
}
