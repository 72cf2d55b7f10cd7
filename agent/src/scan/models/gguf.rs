//! The head of a GGUF file: magic, version, counts, then key-value pairs (docs/gguf.md of ggml).
//!
//! Only the pairs before the tokenizer's tables are of use, and they come first: the head of the file is enough.

use super::Header;

/// How much of a file is read.
pub(super) const HEAD_BYTES: u64 = 64 * 1024;
/// Most pairs looked at.
const PAIRS: u64 = 512;

/// Reads what the head holds. `None`: it is no GGUF file of a version we know.
pub(in crate::scan) fn parse(head: &[u8]) -> Option<Header> {
    let mut cursor = Cursor(head);
    if cursor.take(4)? != b"GGUF" || !(2..=3).contains(&cursor.u32()?) {
        return None;
    }
    let _tensors = cursor.u64()?;
    let pairs = cursor.u64()?;
    let mut header = Header::default();
    let mut base = None;
    for _ in 0..pairs.min(PAIRS) {
        // The head may end inside a pair: what came before counts.
        let Some((key, value)) = pair(&mut cursor) else { break };
        match (key, value) {
            ("general.name", Item::Text(text)) => header.name = text_of(text),
            ("general.basename", Item::Text(text)) => base = text_of(text),
            ("general.architecture", Item::Text(text)) => header.family = text_of(text),
            ("general.size_label", Item::Text(text)) => header.parameters = text_of(text),
            ("general.license", Item::Text(text)) => header.licence = text_of(text),
            ("general.file_type", Item::Number(number)) => {
                header.quantisation = file_type(number).map(str::to_owned)
            }
            _ => {}
        }
    }
    header.name = header.name.or(base);
    Some(header)
}

enum Item<'a> {
    Text(&'a [u8]),
    Number(u64),
    Other,
}

fn text_of(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn pair<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a str, Item<'a>)> {
    let key = std::str::from_utf8(cursor.string()?).ok()?;
    let kind = cursor.u32()?;
    Some((key, value(cursor, kind)?))
}

/// A value by its type number: 0 u8 … 7 bool, 8 string, 9 array, 10 u64, 11 i64, 12 f64.
fn value<'a>(cursor: &mut Cursor<'a>, kind: u32) -> Option<Item<'a>> {
    match kind {
        8 => Some(Item::Text(cursor.string()?)),
        4 => Some(Item::Number(u64::from(cursor.u32()?))),
        10 => Some(Item::Number(cursor.u64()?)),
        9 => {
            let (inner, count) = (cursor.u32()?, cursor.u64()?);
            if inner == 8 {
                for _ in 0..count {
                    cursor.string()?;
                }
            } else {
                let bytes = count.checked_mul(u64::try_from(width(inner)?).ok()?)?;
                cursor.take(usize::try_from(bytes).ok()?)?;
            }
            Some(Item::Other)
        }
        _ => {
            cursor.take(width(kind)?)?;
            Some(Item::Other)
        }
    }
}

fn width(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// `llama_ftype` (llama.h).
fn file_type(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4",
        _ => return None,
    })
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.u64()?;
        self.take(usize::try_from(length).ok()?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file as llama.cpp's converter lays it out: general keys, the architecture's, then the tokenizer's.
    pub(in crate::scan) fn sample(name: &str) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend(0u64.to_le_bytes());
        out.extend(7u64.to_le_bytes());
        let string = |out: &mut Vec<u8>, text: &str| {
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text.as_bytes());
        };
        for (key, text) in [
            ("general.architecture", "llama"),
            ("general.name", name),
            ("general.size_label", "8B"),
            ("general.license", "llama3.1"),
        ] {
            string(&mut out, key);
            out.extend(8u32.to_le_bytes());
            string(&mut out, text);
        }
        string(&mut out, "general.file_type");
        out.extend(4u32.to_le_bytes());
        out.extend(15u32.to_le_bytes());
        string(&mut out, "llama.rope.scaling");
        out.extend(9u32.to_le_bytes());
        out.extend(6u32.to_le_bytes());
        out.extend(2u64.to_le_bytes());
        out.extend([0; 8]);
        string(&mut out, "tokenizer.ggml.tokens");
        out.extend(9u32.to_le_bytes());
        out.extend(8u32.to_le_bytes());
        out.extend(2u64.to_le_bytes());
        string(&mut out, "<s>");
        string(&mut out, "</s>");
        out
    }

    #[test]
    fn the_header_names_the_model() {
        let header = parse(&sample("Meta Llama 3.1 8B Instruct")).unwrap();
        assert_eq!(header.name.as_deref(), Some("Meta Llama 3.1 8B Instruct"));
        assert_eq!(header.family.as_deref(), Some("llama"));
        assert_eq!(header.parameters.as_deref(), Some("8B"));
        assert_eq!(header.quantisation.as_deref(), Some("Q4_K_M"));
        assert_eq!(header.licence.as_deref(), Some("llama3.1"));
    }

    #[test]
    fn every_prefix_gives_what_it_holds() {
        let sample = sample("m");
        for end in 0..sample.len() {
            assert_eq!(parse(&sample[..end]).is_some(), end >= 24, "{end}");
        }
    }

    #[test]
    fn absurd_lengths_end_the_reading() {
        let mut head = b"GGUF".to_vec();
        head.extend(3u32.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        assert_eq!(parse(&head), Some(Header::default()));
        assert_eq!(parse(b"GGML"), None);
    }
}
