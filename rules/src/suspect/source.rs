//! The table of signs as people write it, `suspects.toml`, and as the program carries it: a line a word.
//!
//! The build script reads the one and writes the other, so that a mistake stops the build.

use std::fmt::Write;

use serde::Deserialize;

use super::kind::{DENY, Kind, MAX_WORD};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sign: Vec<SignSection>,
    deny: Vec<DenySection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignSection {
    kind: String,
    reason: String,
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DenySection {
    reason: String,
    names: Vec<String>,
}

/// `suspects.toml` to sorted lines of a kind's letter and a word. An error says what is wrong and what would be right.
pub(crate) fn compile(text: &str) -> Result<String, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for SignSection { kind, reason, words } in &file.sign {
        let known = KINDS.iter().find(|(spelled, _)| spelled == kind);
        let (_, kind) = known.ok_or_else(|| format!("`{kind}` is no kind of sign"))?;
        has_reason(reason)?;
        for word in words {
            let plain = word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            if !plain || !(1..=MAX_WORD).contains(&word.len()) {
                return Err(format!("the word `{word}` must be 1 to {MAX_WORD} of a-z and 0-9"));
            }
            lines.push((kind.letter(), word.as_str()));
        }
    }
    for DenySection { reason, names } in &file.deny {
        has_reason(reason)?;
        for name in names {
            let plain = name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
            if !plain || !name.contains('.') {
                return Err(format!("the name `{name}` must be a domain, or a label with a final dot"));
            }
            lines.push((DENY, name.as_str()));
        }
    }
    lines.sort_unstable();
    if let Some(twice) = lines.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`{}` stands there twice under one kind: remove one", twice[0].1));
    }
    let mut compiled = String::new();
    for (letter, word) in lines {
        let _ = writeln!(compiled, "{letter}{word}");
    }
    Ok(compiled)
}

fn has_reason(reason: &str) -> Result<(), String> {
    match reason.trim() {
        "" => Err("a section has no reason: say why its words stand there".to_owned()),
        _ => Ok(()),
    }
}

/// The kinds as people spell them.
const KINDS: [(&str, Kind); 12] = [
    ("strong", Kind::Strong),
    ("piece", Kind::Piece),
    ("anywhere", Kind::Anywhere),
    ("ending", Kind::Ending),
    ("ai", Kind::Ai),
    ("ai-apart", Kind::AiApart),
    ("brand", Kind::Brand),
    ("hint", Kind::Hint),
    ("use", Kind::Use),
    ("plain", Kind::Plain),
    ("filler", Kind::Filler),
    ("host", Kind::Host),
];
