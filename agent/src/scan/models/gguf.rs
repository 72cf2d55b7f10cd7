//! The head of a GGUF file: magic, version, counts, then key-value pairs (docs/gguf.md of ggml; the keys of splits and
//! adapters are those of the `gguf` Python package).
//!
//! What names the model comes first, before the tokenizer's tables. Only the type of the file may come after them:
//! llama.cpp's quantizer takes the key away and sets it anew, at the end. The tables are passed for it where no file name tells it.

use std::io::{self, BufReader, Read};

use super::{Header, Role};

/// How much of a file is read at a time, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// How much of a file is read at most, in bytes: the largest tables in use (a quarter of a million tokens with their
/// merges) take a third of it.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// Most pairs looked at; real files have a few dozen.
const PAIRS: u64 = 512;
/// Longest key, by the specification, and longest text kept, in bytes.
const KEY_BYTES: u64 = 65_535;
const TEXT_BYTES: u64 = 4096;
/// Arrays may stand in arrays.
const DEPTH: usize = 4;

/// Reads what the head holds. `None`: it is no GGUF file of a version we know. `named`: the quantisation is known by
/// another way, so that nothing behind the tokenizer's tables is wanted.
pub(super) fn parse(file: impl Read, named: bool) -> Option<Header> {
    let mut cursor = Cursor(BufReader::with_capacity(PIECE_BYTES, file.take(MOST_BYTES)));
    if &cursor.bytes::<4>().ok()? != b"GGUF" || !(2..=3).contains(&cursor.u32().ok()?) {
        return None;
    }
    let _tensors = cursor.u64().ok()?;
    let pairs = cursor.u64().ok()?;
    let mut header = Header::default();
    let mut base = None;
    for _ in 0..pairs.min(PAIRS) {
        // The file may end inside a pair, and what it holds may be no pair: what came before counts.
        let Ok((key, kind)) = cursor.key() else { break };
        if key == "tokenizer.ggml.tokens" && (named || header.quantisation.is_some()) {
            break;
        }
        let Ok(value) = cursor.value(kind, DEPTH) else { break };
        match (key.as_str(), value) {
            ("general.name", Item::Text(text)) => header.name = text,
            ("general.basename", Item::Text(text)) => base = text,
            ("general.architecture", Item::Text(text)) => header.family = text,
            ("general.size_label", Item::Text(text)) => header.parameters = text,
            // An SPDX expression; its name in words where the expression says "other".
            ("general.license", Item::Text(text)) if header.licence.is_none() => header.licence = text,
            ("general.license.name", Item::Text(Some(text))) => header.licence = Some(text),
            ("general.organization", Item::Text(text)) => header.publisher = text,
            ("general.type", Item::Text(text)) => header.role = text.as_deref().and_then(role),
            ("adapter.type", Item::Text(_)) => header.role = Some(Role::Adapter),
            ("general.file_type", Item::Number(number)) => {
                header.quantisation = file_type(number).map(str::to_owned);
            }
            ("split.count", Item::Number(number)) => header.parts = u32::try_from(number).ok(),
            _ => {}
        }
    }
    // Projectors of the time before `general.type`.
    if header.role.is_none() && header.family.as_deref() == Some("clip") {
        header.role = Some(Role::Projector);
    }
    header.name = header.name.or(base);
    Some(header)
}

fn role(kind: &str) -> Option<Role> {
    match kind {
        "adapter" => Some(Role::Adapter),
        "mmproj" => Some(Role::Projector),
        "imatrix" => Some(Role::Statistics),
        _ => None,
    }
}

enum Item {
    Text(Option<String>),
    Number(u64),
    Other,
}

fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// `llama_ftype` (llama.h), named as llama.cpp's quantizer names them. One above 1024 was guessed by the writer.
fn file_type(number: u64) -> Option<&'static str> {
    Some(match number & !1024 {
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
        39 => "NVFP4",
        40 => "Q1_0",
        _ => return None,
    })
}

/// The quantisation that a file's name ends with, before its shard: `…-Q4_K_M.gguf`, `…-00001-of-00003.gguf`.
pub(super) fn quantisation_in(stem: &str) -> Option<String> {
    let word =
        stem.rsplit(['-', '.']).find(|word| !word.bytes().all(|b| b.is_ascii_digit()) && *word != "of")?;
    let upper = word.to_ascii_uppercase();
    (0..=40).filter_map(file_type).find(|name| *name == upper).map(str::to_owned)
}

struct Cursor<R>(BufReader<R>);

impl<R: Read> Cursor<R> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// Passes over bytes; the end of the file inside them is an error.
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.0.by_ref().take(count), &mut io::sink())?;
        if passed == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The key of a pair and the type of its value.
    fn key(&mut self) -> io::Result<(String, u32)> {
        let length = self.u64()?;
        if length > KEY_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut key = String::new();
        self.0.by_ref().take(length).read_to_string(&mut key)?;
        Ok((key, self.u32()?))
    }

    /// A value by its type number: 0 u8 … 7 bool, 8 string, 9 array, 10 u64, 11 i64, 12 f64.
    fn value(&mut self, kind: u32, depth: usize) -> io::Result<Item> {
        match kind {
            8 => {
                let length = self.u64()?;
                let kept = length.min(TEXT_BYTES);
                let mut text = Vec::new();
                self.0.by_ref().take(kept).read_to_end(&mut text)?;
                self.skip(length - kept)?;
                let text = String::from_utf8_lossy(&text).trim().to_owned();
                Ok(Item::Text(Some(text).filter(|text| !text.is_empty())))
            }
            2 => Ok(Item::Number(u64::from(u16::from_le_bytes(self.bytes()?)))),
            4 => Ok(Item::Number(u64::from(self.u32()?))),
            10 => Ok(Item::Number(self.u64()?)),
            9 => {
                let (inner, count) = (self.u32()?, self.u64()?);
                match width(inner) {
                    Some(width) => self.skip(count.saturating_mul(width))?,
                    None if depth == 0 => return Err(io::ErrorKind::InvalidData.into()),
                    // Each is eight bytes at least, so the bound of the whole file bounds their number.
                    None if inner == 8 => {
                        for _ in 0..count {
                            let length = self.u64()?;
                            self.skip(length)?;
                        }
                    }
                    None => {
                        for _ in 0..count {
                            self.value(inner, depth - 1)?;
                        }
                    }
                }
                Ok(Item::Other)
            }
            _ => {
                self.skip(width(kind).ok_or(io::ErrorKind::InvalidData)?)?;
                Ok(Item::Other)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the `gguf` package of PyPI, 0.19.0 (samples/make.py): the general keys, a tokenizer of three tokens, then the
    /// type of the file, where the quantizer puts it.
    const MODEL: &[u8] = include_bytes!("samples/model.gguf");
    const SECOND_PART: &[u8] = include_bytes!("samples/part-00002-of-00002.gguf");
    const ADAPTER: &[u8] = include_bytes!("samples/adapter.gguf");
    const PROJECTOR: &[u8] = include_bytes!("samples/mmproj.gguf");

    #[test]
    fn the_header_names_the_model() {
        let header = parse(MODEL, false).unwrap();
        assert_eq!(header.name.as_deref(), Some("Tiny Llama Test"));
        assert_eq!(header.family.as_deref(), Some("llama"));
        assert_eq!(header.parameters.as_deref(), Some("1B"));
        assert_eq!(header.quantisation.as_deref(), Some("Q4_K_M"));
        assert_eq!(header.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(header.publisher.as_deref(), Some("Example Org"));
        assert_eq!((header.role, header.parts), (None, None));
        let named = parse(MODEL, true).unwrap();
        assert_eq!((named.name, named.quantisation), (header.name, None));
    }

    #[test]
    fn parts_adapters_and_projectors_are_told_apart() {
        assert_eq!(parse(SECOND_PART, false).unwrap().parts, Some(2));
        assert_eq!(parse(ADAPTER, false).unwrap().role, Some(Role::Adapter));
        assert_eq!(parse(PROJECTOR, false).unwrap().role, Some(Role::Projector));
    }

    #[test]
    fn every_prefix_gives_what_it_holds() {
        for sample in [MODEL, SECOND_PART, ADAPTER, PROJECTOR] {
            for end in 0..sample.len() {
                assert_eq!(parse(&sample[..end], false).is_some(), end >= 24, "{end}");
            }
        }
    }

    #[test]
    fn absurd_lengths_end_the_reading() {
        let mut head = b"GGUF".to_vec();
        head.extend(3u32.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        head.extend(u64::MAX.to_le_bytes());
        assert_eq!(parse(head.as_slice(), false), Some(Header::default()));
        assert_eq!(parse(b"GGML".as_slice(), false), None);
        // An array of arrays of … : no deeper than the bound, no more than the file has bytes.
        let mut deep = b"GGUF".to_vec();
        deep.extend(3u32.to_le_bytes());
        deep.extend(0u64.to_le_bytes());
        deep.extend(1u64.to_le_bytes());
        deep.extend(1u64.to_le_bytes());
        deep.extend(b"k");
        deep.extend(9u32.to_le_bytes());
        for _ in 0..64 {
            deep.extend(9u32.to_le_bytes());
            deep.extend(u64::MAX.to_le_bytes());
        }
        assert_eq!(parse(deep.as_slice(), false), Some(Header::default()));
    }

    #[test]
    fn a_file_name_may_tell_the_quantisation() {
        for (stem, expected) in [
            ("Meta-Llama-3.1-8B-Instruct-Q4_K_M", Some("Q4_K_M")),
            ("gpt-oss-20b-mxfp4-00001-of-00003", Some("MXFP4")),
            ("model.q8_0", Some("Q8_0")),
            ("model", None),
            ("", None),
        ] {
            assert_eq!(quantisation_in(stem).as_deref(), expected, "{stem}");
        }
    }
}
