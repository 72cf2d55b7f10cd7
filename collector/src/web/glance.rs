//! What scans found, at a glance: the machine's AI in the groups a person asks for, and what a product's own records say
//! on all machines together. A view of what the store gives; nothing is decided here.

use std::collections::BTreeMap;

use umbrascope_api::{Channel, PartKind, RiskFlag};
use umbrascope_rules::ProductKind;

use super::language::{self, key, t};
use super::text::Bytes;
use super::words::flag_meaning;
use crate::anonymity::part;
use crate::model::{AssetProduct, EvidenceRow};

/// Most lines of one group; the list below has all of them.
const LINES: usize = 7;
/// Most values of one fact of a product.
const VALUES: usize = 8;

/// A machine's AI, group by group.
#[derive(Debug)]
pub(crate) struct Glance<'a> {
    /// The groups that have something in them, in the order of interest.
    pub(crate) groups: Vec<Group<'a>>,
    /// What is risky, and which things it is said of.
    pub(crate) risks: Vec<Risk<'a>>,
}

/// Things of one sort.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// What they are.
    pub(crate) title: &'static str,
    /// How many there are.
    pub(crate) total: usize,
    /// The first of them.
    pub(crate) lines: Vec<Line<'a>>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// Id of its product.
    pub(crate) product: &'a str,
    /// What else its records say, a few words each.
    notes: Vec<String>,
}

impl Line<'_> {
    /// What else there is to say.
    pub(crate) fn note(&self) -> String {
        self.notes.join(" · ")
    }
}

/// A flag and the things that have it.
#[derive(Debug)]
pub(crate) struct Risk<'a> {
    /// In words.
    pub(crate) words: &'a str,
    /// Names of the things, each once.
    pub(crate) names: Vec<&'a str>,
    /// Things beyond those.
    pub(crate) more: usize,
}

/// The groups, in the order of interest.
const GROUPS: [&str; 10] = [
    key("Agents and assistants"),
    key("MCP servers"),
    key("Local servers"),
    key("Models on the disk"),
    key("Extensions"),
    key("Applications"),
    key("Containers"),
    key("In code"),
    key("Signed in as"),
    key("Keys that are set"),
];

impl<'a> Glance<'a> {
    /// Of what is there now; what is gone has its line in the list of products.
    pub(crate) fn of(products: &'a [AssetProduct]) -> Self {
        let mut groups: [Vec<Line<'a>>; GROUPS.len()] = Default::default();
        let mut risks: BTreeMap<&RiskFlag, Vec<&'a str>> = BTreeMap::new();
        for product in products {
            let here = product.items.iter().map(|item| &item.evidence).filter(|piece| piece.present);
            for piece in here {
                let (group, line) = place(product, piece);
                let is_it = |known: &&mut Line<'_>| (known.name, known.product) == (line.name, line.product);
                match groups[group].iter_mut().find(is_it) {
                    Some(known) => {
                        let new = line.notes.into_iter().filter(|note| !known.notes.contains(note));
                        known.notes.extend(new.collect::<Vec<_>>());
                    }
                    None => groups[group].push(line),
                }
                for flag in &piece.flags {
                    let names = risks.entry(flag).or_default();
                    let name = own_name(product, piece);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
        let filled = GROUPS.into_iter().zip(groups).filter(|(_, lines)| !lines.is_empty());
        let groups = filled.map(|(title, mut lines)| {
            let total = lines.len();
            lines.truncate(LINES);
            Group { title, total, lines }
        });
        let risks = risks.into_iter().map(|(flag, mut names)| {
            let more = names.len().saturating_sub(LINES);
            names.truncate(LINES);
            Risk { words: flag_meaning(flag), names, more }
        });
        Self { groups: groups.collect(), risks: risks.collect() }
    }
}

/// Its group, and how it reads there.
fn place<'a>(product: &'a AssetProduct, piece: &'a EvidenceRow) -> (usize, Line<'a>) {
    let details = &piece.details;
    let mut notes: Vec<String> = piece.version.clone().into_iter().collect();
    let group = match &piece.channel {
        Channel::McpConfig => {
            notes.extend(details.client.clone());
            notes.extend(details.host.clone().or_else(|| details.package.clone()));
            1
        }
        Channel::Runtime => {
            notes.extend(details.host.clone());
            2
        }
        Channel::ModelFile => {
            notes.extend(details.parameters.clone());
            notes.extend(details.quantisation.clone());
            notes.extend(details.size_bytes.map(|size| Bytes(size).to_string()));
            3
        }
        Channel::Extension => {
            notes.extend(details.client.clone());
            4
        }
        Channel::Container => 6,
        Channel::Manifest => 7,
        Channel::Account => {
            notes.push(product.row.name.clone());
            8
        }
        Channel::Environment => {
            notes.push(product.row.name.clone());
            9
        }
        _ => match product.row.kind {
            Some(ProductKind::Agent) => 0,
            Some(ProductKind::Library) => 7,
            Some(ProductKind::McpServer) => 1,
            Some(ProductKind::Extension) => 4,
            // That it runs is known of its process alone; its folder or its package makes no server.
            Some(ProductKind::Runtime) if piece.channel == Channel::Process => 2,
            Some(ProductKind::Model) => 3,
            Some(ProductKind::Application | ProductKind::Service | ProductKind::Runtime) | None => 5,
        },
    };
    notes.extend(details.model.clone().or_else(|| details.provider.clone()));
    if details.local == Some(true) {
        notes.push(t("answers on this machine").to_owned());
    }
    for kind in [PartKind::Skill, PartKind::Plugin, PartKind::Hook, PartKind::Subagent] {
        let parts = details.parts.iter().filter(|part| part.kind == kind).count();
        if parts > 0 {
            notes.push(format!("{parts} {}", language::noun(kind.as_str(), parts as u64)));
        }
    }
    let line = Line { name: own_name(product, piece), product: &product.row.id, notes };
    (group, line)
}

/// Servers, models, accounts and variables have a name of their own; all else goes by its product's.
fn own_name<'a>(product: &'a AssetProduct, piece: &'a EvidenceRow) -> &'a str {
    match piece.channel {
        Channel::McpConfig | Channel::ModelFile | Channel::Account | Channel::Environment => &piece.value,
        _ => &product.row.name,
    }
}

/// Something that a product's own records say: a label, and each value with the number of assets that have it.
#[derive(Debug)]
pub(crate) struct Fact<'a> {
    /// What it is.
    pub(crate) label: &'static str,
    /// Whether it is a risk.
    pub(crate) risk: bool,
    /// Values, those of most assets first; `None`: the number is not told.
    pub(crate) values: Vec<(&'a str, Option<u64>)>,
    /// Values beyond those.
    pub(crate) more: usize,
}

/// What scans say of a product on all of its machines together, for who is told no number below `least`. An asset that has a thing twice counts for
/// each. A sum is told where each of its parts is: the parts stand beside it.
pub(crate) fn facts(evidence: &[EvidenceRow], whole: u64, least: u64) -> Vec<Fact<'_>> {
    /// Labels in their order.
    const LABELS: [&str; 9] = [
        key("Versions"),
        key("Found in"),
        key("Signed in as"),
        key("Uses"),
        key("Model"),
        key("Talks to"),
        key("Has"),
        key("Answers come"),
        key("Risks"),
    ];
    let mut tallies: [BTreeMap<&str, Option<u64>>; LABELS.len()] = Default::default();
    for piece in evidence.iter().filter(|piece| piece.present && piece.count == 0) {
        let details = &piece.details;
        let account = (piece.channel == Channel::Account).then_some(piece.value.as_str());
        let answers =
            details.local.map(|local| t(if local { "on the machine itself" } else { "over the network" }));
        let singles = [
            piece.version.as_deref(),
            details.client.as_deref(),
            account,
            details.provider.as_deref(),
            details.model.as_deref(),
            details.host.as_deref(),
        ];
        let assets = part(whole, piece.assets, least);
        let mut add = |at: usize, value| {
            let sum = tallies[at].entry(value).or_insert(Some(0));
            *sum = sum.zip(assets).map(|(sum, assets)| sum + assets);
        };
        for (at, value) in singles.into_iter().enumerate() {
            if let Some(value) = value {
                add(at, value);
            }
        }
        details.parts.iter().for_each(|part| add(6, part.name.as_str()));
        answers.into_iter().for_each(|words| add(7, words));
        piece.flags.iter().for_each(|flag| add(8, flag_meaning(flag)));
    }
    let filled = LABELS.into_iter().zip(tallies).filter(|(_, tally)| !tally.is_empty());
    let facts = filled.map(|(label, tally)| {
        let mut values: Vec<(&str, Option<u64>)> = tally.into_iter().collect();
        values.sort_by_key(|(_, assets)| std::cmp::Reverse(*assets));
        let more = values.len().saturating_sub(VALUES);
        values.truncate(VALUES);
        Fact { label, risk: label == "Risks", values, more }
    });
    facts.collect()
}

#[cfg(test)]
mod tests {
    use umbrascope_api::{Day, ItemDetails};
    use umbrascope_rules::{Confidence, Level};

    use super::*;
    use crate::model::{ProductRow, SnapshotEvidence};

    fn piece(channel: Channel, value: &str) -> EvidenceRow {
        EvidenceRow {
            rule: "v.p.r".to_owned(),
            channel,
            value: value.to_owned(),
            version: Some("1.2".to_owned()),
            executable: None,
            container: None,
            package: None,
            forwarded: false,
            confidence: Confidence::High,
            level: Level::Configured,
            assets: 2,
            accounts: 1,
            count: 0,
            first_day: Day::from_unix_ms(0),
            last_day: Day::from_unix_ms(0),
            present: true,
            details: ItemDetails::default(),
            flags: Vec::new(),
            files: Vec::new(),
        }
    }

    fn product(id: &str, name: &str, kind: ProductKind, pieces: Vec<EvidenceRow>) -> AssetProduct {
        let item = |evidence| SnapshotEvidence { source: "s".to_owned(), account: None, evidence };
        let row = ProductRow {
            id: id.to_owned(),
            name: name.to_owned(),
            vendor: "V".to_owned(),
            kind: Some(kind),
            channels: Vec::new(),
            confidence: Confidence::High,
            level: Level::Configured,
            assets: 1,
            first_day: Day::from_unix_ms(0),
            last_day: Day::from_unix_ms(0),
            trend: Vec::new(),
            needs_catalogue: false,
            embedded: false,
        };
        AssetProduct { row, activity: Vec::new(), items: pieces.into_iter().map(item).collect() }
    }

    #[test]
    fn each_thing_stands_once_in_its_group_with_all_that_is_said() {
        let mut settings = piece(Channel::App, "~/.x");
        settings.details.model = Some("m-1".to_owned());
        settings.flags = vec![RiskFlag::ApprovalBypass];
        let mut gone = piece(Channel::Extension, "x.y");
        gone.present = false;
        let account = piece(Channel::Account, "corp.example");
        let package = piece(Channel::Package, "x");
        let products = [product("v.x", "X", ProductKind::Agent, vec![package, settings, gone, account])];
        let glance = Glance::of(&products);
        let titles: Vec<_> = glance.groups.iter().map(|group| (group.title, group.total)).collect();
        assert_eq!(titles, [("Agents and assistants", 1), ("Signed in as", 1)]);
        let x = &glance.groups[0].lines[0];
        assert_eq!((x.name, x.product, &*x.note()), ("X", "v.x", "1.2 · m-1"));
        assert_eq!(glance.groups[1].lines[0].name, "corp.example");
        assert_eq!((glance.risks.len(), &*glance.risks[0].names), (1, &["X"][..]));
    }

    #[test]
    fn a_runtime_is_a_server_where_it_runs_and_a_program_where_it_is_installed() {
        let group = |channel| {
            let products = [product("v.o", "O", ProductKind::Runtime, vec![piece(channel, "o")])];
            Glance::of(&products).groups[0].title
        };
        assert_eq!(group(Channel::App), "Applications");
        assert_eq!(group(Channel::Package), "Applications");
        assert_eq!(group(Channel::Process), "Local servers");
        assert_eq!(group(Channel::Runtime), "Local servers");
    }

    #[test]
    fn many_things_are_cut_and_counted() {
        let servers = (0..20).map(|at| {
            let mut server = piece(Channel::McpConfig, &format!("s{at}"));
            server.flags = vec![RiskFlag::Shell];
            server
        });
        let products = [product("v.m", "MCP", ProductKind::McpServer, servers.collect())];
        let glance = Glance::of(&products);
        assert_eq!((glance.groups[0].total, glance.groups[0].lines.len()), (20, LINES));
        assert_eq!((glance.risks[0].names.len(), glance.risks[0].more), (LINES, 20 - LINES));
    }

    #[test]
    fn values_are_counted_by_assets_and_network_evidence_says_nothing_of_them() {
        let mut newer = piece(Channel::App, "a");
        newer.version = Some("2.0".to_owned());
        newer.assets = 5;
        let mut wire = piece(Channel::Tls, "h");
        wire.count = 9;
        wire.version = Some("9.9".to_owned());
        let evidence = [piece(Channel::App, "b"), newer, wire];
        let all = facts(&evidence, 20, 0);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].values, [("2.0", Some(5)), ("1.2", Some(2))]);
        let fewer = facts(&evidence, 20, 5);
        assert_eq!(fewer[0].values, [("2.0", Some(5)), ("1.2", None)]);
        assert_eq!(facts(&evidence, 7, 5)[0].values[0].1, None, "the rest would follow");
    }
}
