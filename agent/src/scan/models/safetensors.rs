//! The head of a safetensors file: a little-endian length, then that many bytes of JSON, tensor by tensor, with an
//! optional `__metadata__` of texts (the format's own README).

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::{Header, Role};

/// Longest header read, in bytes. The format's own library allows 100 MB, huggingface_hub 25 MB; headers of real
/// models stay below one.
const HEADER_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the header, piece by piece. `None`: it is no safetensors file, or its header is over the bound.
pub(in crate::scan) fn parse(mut reader: impl Read) -> Option<Header> {
    let mut length = [0; 8];
    reader.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if !(2..=HEADER_BYTES).contains(&length) {
        return None;
    }
    let sums: Sums = serde_json::from_reader(std::io::BufReader::new(reader.take(length))).ok()?;
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| sums.metadata.get(*key)).filter(|t| !t.is_empty()).cloned()
    };
    // The trainers of Stable Diffusion's adapters say how they trained; the specification of model metadata says what for.
    let adapter = sums.metadata.contains_key("ss_network_module")
        || sums.metadata.get("modelspec.architecture").is_some_and(|kind| kind.ends_with("/lora"));
    let most = sums.by_type.iter().max_by_key(|(_, count)| **count);
    Some(Header {
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
    metadata: BTreeMap<String, String>,
    /// Parameters by the type of their tensor. A dozen types exist.
    by_type: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
}

/// Most types of tensor, and most texts, kept.
const KINDS: usize = 64;

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
                        sums.metadata = access.next_value()?;
                        continue;
                    }
                    let tensor: Tensor = access.next_value()?;
                    let count = tensor.shape.iter().fold(1, |count: u64, side| count.saturating_mul(*side));
                    if sums.by_type.len() < KINDS || sums.by_type.contains_key(&tensor.dtype) {
                        let sum = sums.by_type.entry(tensor.dtype).or_default();
                        *sum = sum.saturating_add(count);
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
            assert!(parse(&whole[..end]).is_none());
        }
        assert!(parse(u64::MAX.to_le_bytes().as_slice()).is_none());
        let huge = file(r#"{"a":{"dtype":"F16","shape":[18446744073709551615,3],"data_offsets":[0,0]}}"#);
        assert!(parse(huge.as_slice()).is_some());
    }
}
