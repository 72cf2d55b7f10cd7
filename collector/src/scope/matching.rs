//! Which expected endpoint is which machine. Names of hosts are compared without case and final dot; a name without a domain is that of a
//! machine with one, where only one has it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::coverage::{Expected, Source};
use super::endpoints::is_supported;

/// An endpoint that a list names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its list. What many endpoints have in common is there once.
    pub source: Arc<str>,
    /// Its host name; empty: not said.
    pub hostname: String,
    /// Serial number or another id; empty: not said.
    pub machine: String,
    /// Name of its unit; empty: not said.
    pub unit: Arc<str>,
    /// Its platform; empty: not said.
    pub platform: Arc<str>,
}

/// A machine with a sensor of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Number of the asset.
    pub asset: i64,
    /// Its host name as last reported.
    pub hostname: String,
    /// Its id.
    pub machine: String,
    /// Whether it reported within the window.
    pub reporting: bool,
}

/// One expected endpoint, of one list or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The endpoint, as the first of its lists names it.
    pub named: Named,
    /// Its lists, in the order of their names.
    pub sources: Vec<Arc<str>>,
    /// Number of the asset that it is; `None`: never enrolled.
    pub asset: Option<i64>,
    /// Whether that reported within the window.
    pub reporting: bool,
}

/// What there should be and what there is, side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Expected endpoints, each once, in the order of the lists.
    pub expected: Vec<Match>,
    /// Machines that no list names.
    pub unexpected: Vec<Machine>,
}

/// Puts lists and machines side by side.
pub fn matched(named: Vec<Named>, machines: Vec<Machine>) -> Matched {
    let mut matched = Matched::default();
    let mut index = Index::default();
    // By source: ids that its rows of this endpoint have. Two rows of one list with two ids are two machines, be their names the same.
    let mut ids: Vec<BTreeMap<Arc<str>, String>> = Vec::new();
    for row in named {
        let machine = fold(&row.machine);
        let same = |at: &usize| {
            ids.get(*at)
                .and_then(|ids| ids.get(&row.source))
                .is_none_or(|known| known.is_empty() || machine.is_empty() || *known == machine)
        };
        match index.find(&row.hostname, &row.machine).filter(same) {
            Some(at) => {
                index.add(&row.hostname, &row.machine, at);
                if let (Some(one), Some(ids)) = (matched.expected.get_mut(at), ids.get_mut(at)) {
                    if one.named.platform.is_empty() {
                        one.named.platform.clone_from(&row.platform);
                    }
                    ids.insert(row.source.clone(), machine);
                    if let Err(place) = one.sources.binary_search(&row.source) {
                        one.sources.insert(place, row.source);
                    }
                }
            }
            None => {
                let at = matched.expected.len();
                index.add(&row.hostname, &row.machine, at);
                ids.push(BTreeMap::from([(row.source.clone(), machine)]));
                let sources = vec![Arc::clone(&row.source)];
                matched.expected.push(Match { named: row, sources, asset: None, reporting: false });
            }
        }
    }
    for machine in machines {
        let found = index.find(&machine.hostname, &machine.machine);
        match found.and_then(|at| matched.expected.get_mut(at)) {
            // One endpoint is one machine: a second one of its name is not the one that is expected.
            Some(one) if one.asset.is_none() => {
                one.asset = Some(machine.asset);
                one.reporting = machine.reporting;
            }
            Some(one) if machine.reporting && !one.reporting => {
                // Enrolled anew under the same name: the one that reports is the one that is there.
                one.asset = Some(machine.asset);
                one.reporting = true;
            }
            Some(_) => {}
            None => matched.unexpected.push(machine),
        }
    }
    matched
}

impl Matched {
    /// The numbers of it.
    pub fn expected(&self, sources: Vec<Source>) -> Expected {
        let count =
            |wanted: fn(&Match) -> bool| self.expected.iter().filter(|one| wanted(one)).count() as u64;
        let mut unsupported = BTreeMap::new();
        for one in self.expected.iter().filter(|one| !is_supported(&one.named.platform)) {
            *unsupported.entry(one.named.platform.to_string()).or_insert(0) += 1;
        }
        Expected {
            sources,
            endpoints: self.expected.len() as u64,
            enrolled: count(|one| one.asset.is_some()),
            reporting: count(|one| one.reporting),
            unsupported,
        }
    }
}

/// Finds by id, by whole name, and by the first part of a name.
#[derive(Debug, Default)]
struct Index {
    machines: HashMap<String, usize>,
    hosts: HashMap<String, usize>,
    /// First part of names with a domain; `None`: of several.
    firsts: HashMap<String, Option<usize>>,
}

impl Index {
    fn add(&mut self, hostname: &str, machine: &str, at: usize) {
        let (host, machine) = (fold(hostname), fold(machine));
        if !machine.is_empty() {
            self.machines.entry(machine).or_insert(at);
        }
        if host.is_empty() {
            return;
        }
        if let Some((first, _)) = host.split_once('.') {
            let known = self.firsts.entry(first.to_owned()).or_insert(Some(at));
            if *known != Some(at) {
                *known = None;
            }
        }
        self.hosts.entry(host).or_insert(at);
    }

    fn find(&self, hostname: &str, machine: &str) -> Option<usize> {
        let (host, machine) = (fold(hostname), fold(machine));
        let by_id = self.machines.get(&machine).filter(|_| !machine.is_empty()).copied();
        let by_name = || self.hosts.get(&host).filter(|_| !host.is_empty()).copied();
        by_id.or_else(by_name).or_else(|| match host.split_once('.') {
            Some((first, _)) => self.hosts.get(first).copied(),
            None => self.firsts.get(&host).copied().flatten(),
        })
    }
}

fn fold(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(source: &str, hostname: &str, machine: &str) -> Named {
        Named {
            source: source.into(),
            hostname: hostname.into(),
            machine: machine.into(),
            unit: "".into(),
            platform: "".into(),
        }
    }

    fn machine(asset: i64, hostname: &str, reporting: bool) -> Machine {
        Machine { asset, hostname: hostname.into(), machine: format!("id-{asset}"), reporting }
    }

    #[test]
    fn one_machine_of_two_lists_counts_once() {
        let lists = vec![
            named("a", "PC-1", "S1"),
            named("b", "pc-1.corp.example.", ""),
            named("b", "pc-2.corp.example", "S1"),
            named("a", "pc-3", ""),
        ];
        let matched = matched(lists, vec![machine(7, "PC-1.CORP.example", true), machine(8, "other", true)]);
        assert_eq!(matched.expected.len(), 2, "{matched:?}");
        assert_eq!((matched.expected[0].asset, matched.expected[0].sources.len()), (Some(7), 2));
        assert_eq!(matched.expected[1].asset, None);
        assert_eq!(matched.unexpected.iter().map(|machine| machine.asset).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn two_machines_of_one_name_in_one_list_stay_two() {
        let lists = vec![named("a", "MacBook", "S1"), named("a", "MacBook", "S2")];
        assert_eq!(matched(lists, vec![]).expected.len(), 2);
        // A short name that several have is nobody's in particular.
        let lists = vec![named("a", "pc.one.example", ""), named("a", "pc.two.example", "")];
        let matched = matched(lists, vec![machine(1, "pc", true)]);
        assert_eq!((matched.expected.len(), matched.unexpected.len()), (2, 1));
    }

    #[test]
    fn by_id_of_the_machine_too() {
        let matched = matched(vec![named("a", "", "ID-4")], vec![machine(4, "renamed", true)]);
        assert_eq!(matched.expected[0].asset, Some(4));
    }

    proptest! {
        /// Nothing is counted twice and nothing is lost.
        #[test]
        fn what_is_expected_and_what_is_there_add_up(
            rows in prop::collection::vec(("[ab]", "[a-d](\\.x)?", "[1-3]?"), 0..12),
            there in prop::collection::vec(("[a-e](\\.x)?", any::<bool>()), 0..8),
        ) {
            let named: Vec<Named> = rows.iter().map(|(source, host, id)| named(source, host, id)).collect();
            let machines: Vec<Machine> =
                there.iter().enumerate().map(|(at, (host, reporting))| machine(at as i64 + 10, host, *reporting)).collect();
            let (most, total) = (named.len() as u64, machines.len());
            let matched = matched(named, machines);
            let expected = matched.expected(vec![]);
            prop_assert!(expected.endpoints <= most && expected.enrolled <= expected.endpoints);
            prop_assert!(expected.reporting <= expected.enrolled);
            prop_assert!(expected.enrolled as usize + matched.unexpected.len() <= total);
        }
    }
}
