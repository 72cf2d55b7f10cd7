//! Both programs killed again and again while traffic runs: afterwards the collector's totals equal
//! the traffic generator's own log. Fault experiments F-01 and F-02.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use umbrascope_e2e::services::{Services, soon};

const NAMES: [&str; 4] = ["chatgpt.com", "claude.ai", "gemini.google.com", "api.mistral.ai"];
const ROUNDS: u32 = 50;
/// The same points in the same order at every run.
const SEED: u64 = 0x5eed_0042;

/// Where a program ends. Each kills itself there with no chance to tidy up.
const AGENT_POINTS: [&str; 4] =
    ["agent-before-commit", "agent-after-commit", "agent-before-send", "agent-after-send-before-ack"];
const COLLECTOR_POINTS: [&str; 3] =
    ["collector-before-commit", "collector-after-commit", "collector-before-ack"];
const AGENT_RENEWAL_POINTS: [&str; 2] = ["agent-renew-after-response", "agent-renew-after-write"];
/// A certificate of the test lives for 60 seconds from now and is dated back like all of them, so that it is due for renewal at
/// once, and its successor after a pause.
const RENEWAL: Duration = Duration::from_secs(100);
const COLLECTOR_RENEWAL_POINT: &str = "collector-renew-before-answer";

/// Both programs, and the log of what was asked for.
struct Fleet {
    services: Services,
    log: BTreeMap<&'static str, u64>,
}

impl Fleet {
    fn new() -> Option<Self> {
        let mut services = Services::new()?;
        services.configure("sensor_certificate_s = 60\n", "");
        services.start_collector(None);
        services.enrol();
        Some(Self { services, log: BTreeMap::new() })
    }

    /// Asks for every name `count` times, and writes it down.
    fn traffic(&mut self, count: u16) {
        let first = self.log.get(NAMES[0]).copied().unwrap_or_default();
        self.services.ask(&NAMES, first, count);
        for name in NAMES {
            *self.log.entry(name).or_default() += u64::from(count);
        }
    }

    /// What the collector has counted, by name.
    fn totals(&self) -> BTreeMap<&'static str, u64> {
        let export: Value =
            serde_json::from_str(&self.services.collector(&["export", "json"])).expect("the export is JSON");
        let mut totals = BTreeMap::new();
        let products = export["products"].as_array().expect("the export has products");
        for row in products.iter().flat_map(|product| product["evidence"].as_array()).flatten() {
            if row["channel"] == "dns"
                && let Some(name) = NAMES.into_iter().find(|name| row["value"] == *name)
            {
                *totals.entry(name).or_default() += row["count"].as_u64().unwrap_or_default();
            }
        }
        totals
    }

    fn settle(&self, what: &str) {
        let mut last = BTreeMap::new();
        let done = soon(Duration::from_secs(120), || {
            last = self.totals();
            last == self.log
        });
        assert!(
            done,
            "{what}: the collector counted {last:?}, the generator sent {:?} (seed {SEED:#x})",
            self.log
        );
    }
}

/// xorshift64: the same kills at every run.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or_default()
    }
}

#[test]
fn after_fifty_kills_the_totals_equal_the_log_of_the_traffic() {
    let Some(mut fleet) = Fleet::new() else { return };
    let mut choices = Choices(SEED);
    let mut struck = BTreeMap::<String, u32>::new();
    fleet.services.start_agent(None);
    fleet.traffic(5);
    fleet.settle("before the first kill");
    for round in 0..ROUNDS {
        // Four rounds hit the renewal of the certificate; the rest the way of the counts.
        let point = match (round, round % 2) {
            (10, _) => format!("{}:1", AGENT_RENEWAL_POINTS[0]),
            (30, _) => format!("{}:1", AGENT_RENEWAL_POINTS[1]),
            (21 | 41, _) => format!("{COLLECTOR_RENEWAL_POINT}:1"),
            (_, 0) => format!("{}:{}", AGENT_POINTS[choices.below(4)], 1 + choices.below(3)),
            _ => format!("{}:{}", COLLECTOR_POINTS[choices.below(3)], 1 + choices.below(3)),
        };
        let patience = if point.contains("renew") { RENEWAL } else { Duration::from_secs(20) };
        if point.starts_with("agent") {
            // All of it at once, while nothing is on the wire that only its memory would know.
            fleet.settle(&format!("round {round}, before the agent is killed"));
            fleet.services.kill_agent();
            if round == 24 {
                for file in ["state.db", "state.db-wal", "state.db-shm"] {
                    let _ = std::fs::remove_file(fleet.services.path("agent").join(file));
                }
            }
            // Its uplink may end as soon as it is ready: a certificate of the test is due for renewal at once.
            let ended = fleet.services.uplinks_ended();
            fleet.services.start_agent(Some(&point));
            fleet.traffic(20);
            let died = soon(patience, || {
                fleet.traffic(1);
                fleet.services.uplinks_ended() > ended
            });
            *struck.entry(point).or_default() += u32::from(died);
        } else {
            fleet.services.kill_collector();
            fleet.services.start_collector(Some(&point));
            fleet.traffic(20);
            let died = soon(patience, || {
                fleet.traffic(1);
                fleet.services.collector_ended()
            });
            fleet.services.kill_collector();
            fleet.services.start_collector(None);
            *struck.entry(point).or_default() += u32::from(died);
        }
        fleet.traffic(5);
    }
    fleet.settle("after the last kill");
    println!("kills that struck at their point: {struck:?}");
    let hit = |word: &str| {
        struck.iter().filter(|(point, _)| point.contains(word)).map(|(_, count)| count).sum::<u32>()
    };
    for point in ["before-commit", "after-commit", "before-ack", "agent-renew", "collector-renew"] {
        assert!(hit(point) > 0, "no kill struck at {point}: {struck:?}");
    }
}
