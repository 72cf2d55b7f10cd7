//! `*` in patterns: any characters, none included, of one part of a text. There is nothing else to it.

/// Whether all of `text` has the shape of `pattern`.
///
/// Remembers one star at a time, so the work is at most the product of the lengths, and lengths are
/// bounded by the callers (a label, a path).
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                // The last star swallows one character more.
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// The same over parts between slashes: `*` stays inside a part, a part that is only `**` is any number of
/// parts, none included.
pub(crate) fn path_matches(pattern: &str, path: &str) -> bool {
    parts_match(Some(pattern), Some(path), MAX_DOUBLE_STARS)
}

/// Each `**` multiplies the work by the length of the path.
pub(crate) const MAX_DOUBLE_STARS: u8 = 2;

fn parts_match(pattern: Option<&str>, path: Option<&str>, stars_left: u8) -> bool {
    let (mut pattern, mut path) = (pattern, path);
    loop {
        let Some(shape) = pattern else { return path.is_none() };
        let (first, rest) = split(shape);
        if first == "**" {
            if stars_left == 0 {
                return false;
            }
            loop {
                if parts_match(rest, path, stars_left - 1) {
                    return true;
                }
                match path {
                    Some(left) => path = split(left).1,
                    None => return false,
                }
            }
        }
        let Some(left) = path else { return false };
        let (part, after) = split(left);
        if !matches(first.as_bytes(), part.as_bytes()) {
            return false;
        }
        (pattern, path) = (rest, after);
    }
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_or_none() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "a", true),
            ("*-aiplatform", "europe-west4-aiplatform", true),
            ("*-aiplatform", "aiplatform", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("", "", true),
            ("", "a", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_star_stays_between_slashes_and_two_do_not() {
        for (pattern, path, expected) in [
            ("/opt/*/claude", "/opt/anthropic/claude", true),
            ("/opt/*/claude", "/opt/a/b/claude", false),
            ("/opt/*/claude", "/opt/claude", false),
            ("**/bin/ollama", "/usr/local/bin/ollama", true),
            ("**/bin/ollama", "bin/ollama", true),
            ("**/bin/ollama", "/usr/bin/ollama/x", false),
            ("~/.vscode/**", "~/.vscode/a/b", true),
            ("~/.vscode/**", "~/.vscode", true),
            ("/a", "/a/", false),
        ] {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn many_stars_take_no_time_to_speak_of() {
        let pattern = "*a".repeat(30);
        assert!(!matches(pattern.as_bytes(), &[b'a'; 29]));
        assert!(!path_matches("**/x/**/y", &"x/".repeat(2000)));
    }
}
