//! What sensors and the catalogue show of the resources of a record (ISO/IEC 42001, A.4.2, A.4.4, A.4.5): versions, models, tools, interfaces.
//! Derived each time from the evidence of its products, so that no observation changes what people set.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use umbrascope_api::{Channel, Day};
use umbrascope_rules::ProductKind;

use super::regions;

/// Most entries of each list; how many more there are is told.
pub const RESOURCES: usize = 100;

/// A piece of evidence of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// How it is known.
    pub channel: Channel,
    /// The observed name or identifier.
    pub value: String,
    /// Version, where known.
    pub version: Option<String>,
    /// First day.
    pub first: Day,
    /// Last day; `None`: later than the day that is told of, and no longer known up to it.
    pub last: Option<Day>,
    /// Of a model: the files that are called so.
    pub files: Vec<ModelFile>,
}

/// What machines that hold a model say of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelFile {
    /// SHA-256 of the weights, as the store that holds them names it: 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Its licence, as its own records word it.
    pub licence: Option<String>,
}

/// A product with its evidence.
#[derive(Debug, Clone)]
pub struct Shown<'s> {
    /// Its id in the catalogue.
    pub id: &'s str,
    /// Its name.
    pub name: &'s str,
    /// Its vendor's name; empty: unknown.
    pub vendor: &'s str,
    /// Its kind.
    pub kind: Option<ProductKind>,
    /// What shows it.
    pub pieces: Vec<Piece>,
}

/// The resources of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Versions of its products that were seen, the newest first.
    pub versions_seen: Vec<VersionSeen>,
    /// Models: files that were found, and products that are models.
    pub models: Vec<ModelSeen>,
    /// Packages, applications, extensions, MCP servers and whatever else was found installed or configured.
    pub tooling: Vec<ToolSeen>,
    /// Where it is talked to: MCP servers, local runtimes, names on the network.
    pub interfaces: Vec<InterfaceSeen>,
    /// Regions of clouds, as names on the network tell them.
    pub regions: Vec<RegionSeen>,
    /// Machines with an accelerator that showed one of its products, counted up to 500 of each; `None`: not known, as of a past day. For
    /// people it is a band: so it is in no answer by its number.
    #[serde(skip)]
    pub accelerated: Option<u64>,
    /// Entries that are left out of these lists, since there are too many.
    pub more: u64,
}

/// A version of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionSeen {
    /// Id of the product.
    pub product: String,
    /// The version.
    pub version: String,
    /// First day.
    pub first: Day,
    /// Last day; `None`: no longer known.
    pub last: Option<Day>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSeen {
    /// Its name.
    pub name: String,
    /// Who provides it, as the catalogue says; `None`: unknown.
    pub provider: Option<String>,
    /// Its version, where known.
    pub version: Option<String>,
    /// SHA-256 of its weights, as the store that holds them names it; of two that are called the same, there are two entries.
    pub sha256: Option<String>,
    /// Its licence, as its own records word it.
    pub licence: Option<String>,
    /// `observed` or `catalogue`.
    pub source: &'static str,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolSeen {
    /// How it is known: `package`, `extension`, `mcp-config` …
    pub sort: String,
    /// Its name or identifier.
    pub name: String,
    /// Its version, where known.
    pub version: Option<String>,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InterfaceSeen {
    /// `mcp-server`, `runtime` or `endpoint`.
    pub sort: &'static str,
    /// Its name.
    pub name: String,
    /// How it was seen: `tls`, `quic`, `mcp-config` …
    pub transport: String,
}

/// A region of a cloud, as a name on the network tells it. The name says where a request was sent to, not where it was worked on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RegionSeen {
    /// Whose cloud: `AWS`, `Azure`, `Google Cloud`.
    pub cloud: &'static str,
    /// The region, as the name has it.
    pub region: String,
}

impl Resources {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.versions_seen.is_empty()
            && self.models.is_empty()
            && self.tooling.is_empty()
            && self.interfaces.is_empty()
    }

    /// What this evidence comes to. Its order and its repetition do not matter.
    pub fn of<'s>(products: impl IntoIterator<Item = Shown<'s>>) -> Self {
        let mut versions: BTreeMap<(String, String), (Day, Option<Day>)> = BTreeMap::new();
        let (mut models, mut tooling, mut interfaces) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut regions = BTreeSet::new();
        for product in products {
            let provider = || Some(product.vendor.to_owned()).filter(|vendor| !vendor.is_empty());
            if product.kind == Some(ProductKind::Model) {
                models.insert((product.name.to_owned(), None, None), (provider(), None, "catalogue"));
            }
            for piece in product.pieces {
                let Piece { channel, value, version, first, last, files } = piece;
                if let Some(version) = version.clone() {
                    let key = (product.id.to_owned(), version);
                    let days = versions.entry(key).or_insert((first, last));
                    *days = (days.0.min(first), days.1.zip(last).map(|(one, other)| one.max(other)));
                }
                let word = || channel.as_str().to_owned();
                match channel {
                    Channel::ModelFile => {
                        let files = if files.is_empty() { vec![ModelFile::default()] } else { files };
                        for ModelFile { sha256, licence } in files {
                            let held = models
                                .entry((value.clone(), version.clone(), sha256))
                                .or_insert_with(|| (provider(), None, "observed"));
                            // Two machines may word it in two ways: the same one is told whatever the order.
                            held.1 = held.1.take().into_iter().chain(licence).min();
                        }
                    }
                    Channel::Dns | Channel::Tls | Channel::Quic | Channel::Http => {
                        let told = regions::of(&value).map(|(cloud, region)| RegionSeen { cloud, region });
                        regions.extend(told);
                        interfaces.insert(("endpoint", value, word()), ());
                    }
                    Channel::Runtime => {
                        interfaces.insert(("runtime", value.clone(), word()), ());
                        tooling.insert((word(), value, version), ());
                    }
                    Channel::McpConfig => {
                        interfaces.insert(("mcp-server", value.clone(), word()), ());
                        tooling.insert((word(), value, version), ());
                    }
                    Channel::Package
                    | Channel::App
                    | Channel::Extension
                    | Channel::Manifest
                    | Channel::Container => {
                        tooling.insert((word(), value, version), ());
                    }
                    _ => {}
                }
            }
        }
        let mut more = 0_usize;
        let mut cut = |len: usize| more += len.saturating_sub(RESOURCES);
        let lists = [versions.len(), models.len(), tooling.len(), interfaces.len(), regions.len()];
        lists.into_iter().for_each(&mut cut);
        let mut versions_seen: Vec<VersionSeen> = versions
            .into_iter()
            .map(|((product, version), (first, last))| VersionSeen { product, version, first, last })
            .collect();
        let newest = |one: &VersionSeen| (one.last.is_none(), one.last);
        versions_seen.sort_by(|a, b| {
            newest(b).cmp(&newest(a)).then_with(|| (&a.product, &a.version).cmp(&(&b.product, &b.version)))
        });
        versions_seen.truncate(RESOURCES);
        let model = |((name, version, sha256), (provider, licence, source))| ModelSeen {
            name,
            provider,
            version,
            sha256,
            licence,
            source,
        };
        let tool = |((sort, name, version), ())| ToolSeen { sort, name, version };
        let interface = |((sort, name, transport), ())| InterfaceSeen { sort, name, transport };
        Self {
            versions_seen,
            models: models.into_iter().take(RESOURCES).map(model).collect(),
            tooling: tooling.into_iter().take(RESOURCES).map(tool).collect(),
            interfaces: interfaces.into_iter().take(RESOURCES).map(interface).collect(),
            regions: regions.into_iter().take(RESOURCES).collect(),
            accelerated: None,
            more: more.try_into().unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(channel: Channel, value: &str, version: Option<&str>, first: u32, last: u32) -> Piece {
        let day = |number| Day::from_number(number).unwrap();
        Piece {
            channel,
            value: value.to_owned(),
            version: version.map(str::to_owned),
            first: day(first),
            last: Some(day(last)),
            files: Vec::new(),
        }
    }

    fn shown(kind: ProductKind, pieces: Vec<Piece>) -> Shown<'static> {
        Shown { id: "acme.tool", name: "Tool", vendor: "Acme", kind: Some(kind), pieces }
    }

    #[test]
    fn evidence_is_told_as_versions_models_tools_and_interfaces() {
        let pieces = vec![
            piece(Channel::Package, "npm:tool", Some("1.2"), 10, 20),
            piece(Channel::App, "tool", Some("1.2"), 5, 12),
            piece(Channel::Package, "npm:tool", Some("1.3"), 21, 30),
            piece(Channel::McpConfig, "filesystem", None, 1, 1),
            piece(Channel::Tls, "api.acme.example", None, 1, 1),
            piece(Channel::Dns, "bedrock.eu-central-1.amazonaws.com", None, 1, 1),
            piece(Channel::Package, "us-east-1.amazonaws.com", None, 1, 1),
            piece(Channel::ModelFile, "acme-7b", Some("q4"), 1, 1),
            piece(Channel::Account, "somebody", None, 1, 1),
        ];
        let found = Resources::of([shown(ProductKind::Agent, pieces)]);
        let versions: Vec<_> = found
            .versions_seen
            .iter()
            .map(|one| (one.version.as_str(), one.first.number(), one.last.unwrap().number()))
            .collect();
        assert_eq!(versions, [("1.3", 21, 30), ("1.2", 5, 20), ("q4", 1, 1)], "the newest first");
        let model = &found.models[0];
        assert_eq!(
            (model.name.as_str(), model.provider.as_deref(), model.version.as_deref(), model.source),
            ("acme-7b", Some("Acme"), Some("q4"), "observed")
        );
        let tools: Vec<_> = found.tooling.iter().map(|one| (one.sort.as_str(), one.name.as_str())).collect();
        assert_eq!(
            tools,
            [
                ("app", "tool"),
                ("mcp-config", "filesystem"),
                ("package", "npm:tool"),
                ("package", "npm:tool"),
                ("package", "us-east-1.amazonaws.com")
            ]
        );
        let interfaces: Vec<_> = found.interfaces.iter().map(|one| (one.sort, one.name.as_str())).collect();
        assert_eq!(
            interfaces,
            [
                ("endpoint", "api.acme.example"),
                ("endpoint", "bedrock.eu-central-1.amazonaws.com"),
                ("mcp-server", "filesystem")
            ]
        );
        let region = RegionSeen { cloud: "AWS", region: "eu-central-1".to_owned() };
        assert_eq!(found.regions, [region], "of what was seen on the network alone");
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("somebody"), "an account is no resource: {text}");
        let model = Resources::of([shown(ProductKind::Model, Vec::new())]);
        assert_eq!((model.models[0].source, model.models[0].name.as_str()), ("catalogue", "Tool"));
        assert!(Resources::of([]).is_empty());
    }

    #[test]
    fn models_of_one_name_are_told_apart_by_what_they_are() {
        let file = |sha256: Option<&str>, licence: Option<&str>| ModelFile {
            sha256: sha256.map(str::to_owned),
            licence: licence.map(str::to_owned),
        };
        let of = |files: &[ModelFile]| {
            let piece =
                Piece { files: files.to_vec(), ..piece(Channel::ModelFile, "acme:latest", None, 1, 2) };
            Resources::of([shown(ProductKind::Model, vec![piece])]).models
        };
        let files = [
            file(Some("b"), Some("MIT License")),
            file(Some("a"), None),
            file(Some("b"), Some("MIT")),
            file(None, None),
        ];
        let found = of(&files);
        let told: Vec<_> =
            found.iter().map(|one| (one.source, one.sha256.as_deref(), one.licence.as_deref())).collect();
        let expected = [
            ("catalogue", None, None),
            ("observed", None, None),
            ("observed", Some("a"), None),
            ("observed", Some("b"), Some("MIT")),
        ];
        assert_eq!(told, expected);
        let turned: Vec<_> = files.iter().rev().cloned().collect();
        assert_eq!(of(&turned), found, "whatever the order");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let pieces = (0..RESOURCES + 7).map(|n| piece(Channel::Tls, &format!("h{n}.example"), None, 1, 1));
        let found = Resources::of([shown(ProductKind::Service, pieces.collect())]);
        assert_eq!((found.interfaces.len(), found.more), (RESOURCES, 7));
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_of_evidence_matters(
            drawn in prop::collection::vec((0_usize..6, "[a-c]", prop::option::of("[0-2]"), 1_u32..50, 0_u32..50), 0..20),
            turn in 0_usize..20,
        ) {
            let channels = [Channel::Dns, Channel::Package, Channel::McpConfig, Channel::ModelFile, Channel::Runtime, Channel::App];
            let pieces: Vec<Piece> = drawn
                .iter()
                .map(|(at, value, version, first, more)| {
                    piece(channels[*at].clone(), value, version.as_deref(), *first, first + more)
                })
                .collect();
            let mut turned = pieces.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
                turned.push(turned[0].clone());
            }
            let of = |pieces| Resources::of([shown(ProductKind::Agent, pieces)]);
            prop_assert_eq!(of(pieces), of(turned));
        }
    }
}
