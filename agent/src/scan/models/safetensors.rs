//! The head of a safetensors file: a little-endian length, then that many bytes of JSON, tensor by tensor, with an
//! optional `__metadata__` of texts (the format's own README).

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Header, Role};
use crate::scan::safe::Trouble;

/// Longest header read, in bytes, as huggingface_hub has it. Headers of most models stay below one MB, but one that is split
/// into experts and quantised has some tens of thousands of tensors.
const HEADER_BYTES: u64 = 25_000_000;
/// Longest header that the format's own library allows, in bytes.
const FORMAT_BYTES: u64 = 100_000_000;

/// Reads the header of a file of `len` bytes, piece by piece; nothing of it is kept but sums and a few short texts.
///
/// # Errors
/// [`Trouble::TooLarge`] for a header that the format allows and that is over the bound here; [`Trouble::Malformed`] for what is no
/// safetensors file.
pub(in crate::scan) fn parse(mut reader: impl Read, len: u64) -> Result<Header, Trouble> {
    let mut start = [0; 9];
    reader.read_exact(&mut start).map_err(|error| Trouble::of_start(error.kind()))?;
    let [length @ .., brace] = start;
    let length = u64::from_le_bytes(length);
    // A file that is shorter than its header is none, or still under way.
    let room = FORMAT_BYTES.min(len.saturating_sub(8));
    if brace != b'{' || !(2..=room).contains(&length) {
        return Err(Trouble::Malformed);
    }
    if length > HEADER_BYTES {
        return Err(Trouble::TooLarge);
    }
    let first = [brace];
    let json = first.as_slice().chain(reader.take(length - 1));
    let sums: Sums =
        serde_json::from_reader(std::io::BufReader::new(json)).map_err(|error| Trouble::of_json(&error))?;
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| sums.metadata.get(*key)).filter(|t| !t.is_empty()).cloned()
    };
    // The trainers of Stable Diffusion's adapters say how they trained; the specification of model metadata says what for.
    let adapter = sums.metadata.contains_key("ss_network_module")
        || sums.metadata.get("modelspec.architecture").is_some_and(|kind| kind.ends_with("/lora"));
    let most = sums.by_type.iter().max_by_key(|(_, count)| **count);
    Ok(Header {
        name: text(&["modelspec.title", "ss_output_name"]),
        family: text(&["modelspec.architecture", "ss_base_model_version"]),
        licence: text(&["modelspec.license"]),
        parameters: count(sums.by_type.values().sum()),
        quantisation: most.map(|(kind, _)| kind.clone()),
        publisher: text(&["modelspec.author"]),
        role: adapter.then_some(Role::Adapter),
        parts: None,
    })
}

/// A count of parameters as people write it.
fn count(parameters: u64) -> Option<String> {
    match parameters {
        0 => None,
        1_000_000_000.. => Some(format!("{:.1}B", parameters as f64 / 1e9)),
        1_000_000.. => Some(format!("{}M", parameters / 1_000_000)),
        1_000.. => Some(format!("{}K", parameters / 1_000)),
        _ => Some(parameters.to_string()),
    }
}

#[derive(Default)]
struct Sums {
    /// The texts of [`WANTED`].
    metadata: BTreeMap<String, String>,
    /// Parameters by the type of their tensor. A dozen types exist.
    by_type: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    /// How many parameters it has.
    #[serde(rename = "shape", deserialize_with = "product")]
    count: u64,
}

/// Most types of tensor kept, and the longest name of one, in bytes.
const KINDS: usize = 64;
const KIND_BYTES: usize = 32;
/// The texts of the metadata that are kept, and the longest of one, in bytes. Trainers put whole tables into others.
const WANTED: &[&str] = &[
    "modelspec.title",
    "modelspec.architecture",
    "modelspec.license",
    "modelspec.author",
    "ss_output_name",
    "ss_base_model_version",
    "ss_network_module",
];
const TEXT_BYTES: usize = 4096;

/// The product of a list of sides, which is not kept.
fn product<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Sides;
    impl<'de> Visitor<'de> for Sides {
        type Value = u64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of sides")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sides: A) -> Result<u64, A::Error> {
            let mut count = 1_u64;
            while let Some(side) = sides.next_element::<u64>()? {
                count = count.saturating_mul(side);
            }
            Ok(count)
        }
    }
    deserializer.deserialize_seq(Sides)
}

/// The texts that are wanted; the others are passed over.
struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Metadata;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Metadata, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = access.next_key::<String>()? {
                    if !WANTED.contains(&key.as_str()) {
                        access.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let text = access.next_value::<String>()?;
                    if text.len() <= TEXT_BYTES {
                        kept.insert(key, text);
                    }
                }
                Ok(Metadata(kept))
            }
        }
        deserializer.deserialize_map(Texts)
    }
}

impl<'de> Deserialize<'de> for Sums {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;
        impl<'de> Visitor<'de> for Tensors {
            type Value = Sums;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Sums, A::Error> {
                let mut sums = Sums::default();
                while let Some(key) = access.next_key::<String>()? {
                    if key == "__metadata__" {
                        sums.metadata = access.next_value::<Metadata>()?.0;
                        continue;
                    }
                    let tensor: Tensor = access.next_value()?;
                    let room = sums.by_type.len() < KINDS && tensor.dtype.len() <= KIND_BYTES;
                    if room || sums.by_type.contains_key(&tensor.dtype) {
                        let sum = sums.by_type.entry(tensor.dtype).or_default();
                        *sum = sum.saturating_add(tensor.count);
                    }
                }
                Ok(sums)
            }
        }
        deserializer.deserialize_map(Tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> Vec<u8> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Header, Trouble> {
        super::parse(bytes, bytes.len() as u64)
    }

    const JSON: &str = r#"{"__metadata__":{"format":"pt","modelspec.title":"My LoRA","modelspec.architecture":"stable-diffusion-xl-v1-base/lora"},
        "a":{"dtype":"F16","shape":[1000,2000],"data_offsets":[0,4000000]},"b":{"dtype":"F32","shape":[8],"data_offsets":[4000000,4000032]}}"#;

    #[test]
    fn tensors_are_counted_and_metadata_is_read() {
        let header = parse(file(JSON).as_slice()).unwrap();
        assert_eq!(header.name.as_deref(), Some("My LoRA"));
        assert_eq!(header.parameters.as_deref(), Some("2M"));
        assert_eq!(header.quantisation.as_deref(), Some("F16"));
    }

    /// Made by the `safetensors` package of PyPI, 0.8.0 (samples/make.py).
    #[test]
    fn an_adapter_is_told_from_a_model() {
        let header = parse(include_bytes!("samples/lora.safetensors").as_slice()).unwrap();
        assert_eq!((header.name.as_deref(), header.role), (Some("Tiny Style"), Some(Role::Adapter)));
        assert_eq!(header.parameters.as_deref(), Some("128"));
    }

    #[test]
    fn a_cut_or_absurd_header_is_none() {
        let whole = file(JSON);
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Err(Trouble::Malformed));
        }
        let absurd = [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat();
        assert_eq!(parse(absurd.as_slice()), Err(Trouble::Malformed));
        let huge = file(r#"{"a":{"dtype":"F16","shape":[18446744073709551615,3],"data_offsets":[0,0]}}"#);
        assert!(parse(huge.as_slice()).is_ok());
    }

    #[test]
    fn a_header_as_long_as_large_models_have_is_read_and_a_longer_one_is_told() {
        let tensor = r#""model.layers.0.mlp.experts.0.down_proj.weight":{"dtype":"F8_E4M3","shape":[2,3],"data_offsets":[0,6]}"#;
        let header = parse(file(&format!("{{{}}}", vec![tensor; 50_000].join(","))).as_slice()).unwrap();
        assert_eq!(header.parameters.as_deref(), Some("300K"));
        let longer = [(HEADER_BYTES + 1).to_le_bytes().as_slice(), b"{"].concat();
        assert_eq!(super::parse(longer.as_slice(), HEADER_BYTES + 9), Err(Trouble::TooLarge));
        assert_eq!(parse(longer.as_slice()), Err(Trouble::Malformed));
    }
}
