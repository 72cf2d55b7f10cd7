//! An agent in the namespace where the traffic starts: capturing, not enrolled, not scanning.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use umbrascope_e2e::netns::Pair;
use umbrascope_e2e::programs::released;

use crate::{on_processor, processes};

/// Which filter the kernel runs for the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The best there is: where the kernel allows it, the one that knows how far each stream has come.
    Auto,
    /// The one that judges each packet alone.
    Plain,
}

impl Filter {
    /// As the configuration calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Filter::Auto => "auto",
            Filter::Plain => "plain",
        }
    }
}

/// A running agent, killed on drop.
pub(crate) struct Agent {
    child: Child,
    folder: tempfile::TempDir,
}

/// What an agent counted in its life.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    /// By channel and name.
    pub(crate) sightings: BTreeMap<(String, String), u64>,
    /// Packets that the filter let through.
    pub(crate) packets: u64,
    /// Of those, packets that the kernel had no room for.
    pub(crate) kernel_drops: u64,
    /// Sightings that the uplink had no room for.
    pub(crate) queue_drops: u64,
    /// Sightings without an owner.
    pub(crate) unattributed: u64,
    /// What it says of its filter.
    pub(crate) note: String,
}

impl Agent {
    /// Starts one and waits until it captures; on one processor only if `cpu` says which.
    pub(crate) fn start(pair: &Pair, filter: Filter, cpu: Option<usize>) -> Self {
        Self::start_with(pair, filter, cpu, "")
    }

    /// As [`start`](Self::start), watching other machines on `eth0`.
    pub(crate) fn start_gateway(pair: &Pair, cpu: Option<usize>) -> Self {
        Self::start_with(pair, Filter::Auto, cpu, "[gateway]\ninterfaces = [\"eth0\"]\n")
    }

    fn start_with(pair: &Pair, filter: Filter, cpu: Option<usize>, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let (config, log) = (folder.path().join("agent.toml"), folder.path().join("log"));
        let text = format!(
            "state_dir = {:?}\n[capture]\nfilter = {:?}\n[scan]\nenabled = false\n{more}",
            folder.path().join("state"),
            filter.name()
        );
        fs::write(&config, text).unwrap_or_else(|error| panic!("no configuration: {error}"));
        let errors = fs::File::create(&log).unwrap_or_else(|error| panic!("no log: {error}"));
        let program = &released().agent;
        let mut command = on_processor(cpu, program, |program| pair.host(program));
        command.args(["run", "--config"]).arg(&config).stdin(Stdio::null()).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start the agent: {error}"));
        let agent = Self { child, folder };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(&log).unwrap_or_default().contains("ready: capturing") {
            let text = fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < deadline, "the agent does not capture: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
        // What it still does for its start is no part of any figure; a thread that ends takes its time along.
        let mut before = agent.cpu_s();
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = agent.cpu_s();
            if (now - before).abs() < 0.001 || Instant::now() > deadline {
                return agent;
            }
            before = now;
        }
    }

    /// Its processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        processes::tree(self.child.id())
    }

    /// Seconds of processor time so far, by role.
    pub(crate) fn cpu(&self) -> BTreeMap<String, f64> {
        self.processes().into_iter().map(|pid| (processes::role(pid), processes::cpu_s(pid))).collect()
    }

    /// Seconds of processor time of all of them.
    pub(crate) fn cpu_s(&self) -> f64 {
        self.cpu().values().sum()
    }

    /// Sum of the sightings that are stored now.
    pub(crate) fn stored(&self) -> u64 {
        self.database().map_or(0, |database| {
            database
                .query_row("SELECT coalesce(sum(count), 0) FROM activity", [], |row| row.get::<_, i64>(0))
                .map_or(0, i64::cast_unsigned)
        })
    }

    /// Ends it as a service manager would, and reads what it left.
    pub(crate) fn end(mut self) -> Counted {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let status = self.child.wait();
        assert!(status.is_ok_and(|status| status.success()), "the agent did not end well");
        let Some(database) = self.database() else { return Counted::default() };
        let mut counted = Counted::default();
        let rows = database
            .prepare("SELECT channel, value, sum(count) FROM activity GROUP BY channel, value")
            .and_then(|mut query| {
                let rows = query.query_map([], |row| {
                    Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?.cast_unsigned()))
                })?;
                rows.collect::<Result<BTreeMap<_, _>, _>>()
            });
        counted.sightings = rows.unwrap_or_else(|error| panic!("the agent's state cannot be read: {error}"));
        let note: String = database
            .query_row("SELECT text FROM note WHERE name = 'status'", [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("the agent left no status: {error}"));
        let note: serde_json::Value = serde_json::from_str(&note).unwrap_or_default();
        let count = |name: &str| note["coverage"][name].as_u64().unwrap_or_default();
        counted.packets = count("packets");
        counted.kernel_drops = count("kernel_drops");
        counted.queue_drops = count("queue_drops");
        counted.unattributed = count("unattributed");
        counted.note = note["coverage"]["capture_note"].as_str().unwrap_or_default().to_owned();
        counted
    }

    fn database(&self) -> Option<Connection> {
        let path = self.folder.path().join("state/state.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
