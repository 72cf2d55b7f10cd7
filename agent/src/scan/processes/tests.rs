use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use umbrascope_api::{Channel, Completeness, SourceState};
use umbrascope_rules::Matcher;

use super::*;
use crate::scan::safe::Dir;
use crate::scan::source::Finished;

/// The executable of a process and whose it is.
type Answer = Result<Option<(&'static str, Option<OwnerId>)>, Trouble>;

/// What a test says that runs, by its number.
#[derive(Default)]
struct Said {
    processes: BTreeMap<u32, Answer>,
    ports: Vec<(u32, u16)>,
    trouble: Option<Trouble>,
    ports_trouble: Option<Trouble>,
}

impl Said {
    fn runs(&mut self, pid: u32, answer: Answer) {
        self.processes.insert(pid, answer);
    }

    fn ends(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }
}

impl Processes for Said {
    type Handle = u32;

    const PLACE: &'static str = "processes";

    fn pids(&mut self) -> All<u32> {
        Ok((self.processes.keys().copied().collect(), self.trouble))
    }

    fn open(&mut self, pid: u32) -> Result<Option<Process<u32>>, Trouble> {
        let Some((executable, owner)) = self.processes[&pid]? else { return Ok(None) };
        Ok(Some(Process {
            handle: pid,
            executable: executable.to_owned(),
            words: vec![executable.to_owned()],
            folder: None,
            owner,
        }))
    }

    fn ports(&mut self, process: &u32) -> All<Listening> {
        let own = self.ports.iter().filter(|(pid, _)| pid == process);
        let own = own.filter_map(|(_, port)| Listening::at([127, 0, 0, 1].into(), *port));
        Ok((own.collect(), self.ports_trouble))
    }
}

const OLLAMA: &str = "/usr/local/bin/ollama";

fn said(processes: &[(u32, &'static str)]) -> Said {
    let processes = processes.iter().map(|(pid, executable)| (*pid, Ok(Some((*executable, Some(1000))))));
    Said { processes: processes.collect(), ..Said::default() }
}

fn budget(seconds: u64) -> std::rc::Rc<Budget> {
    Budget::new(Instant::now() + Duration::from_secs(seconds), vec![])
}

fn look(system: &mut Said, seconds: u64) -> (Finished, Option<Marks>) {
    let matcher = Matcher::embedded();
    let mut source = Source::new("processes", Channel::Process, &matcher);
    let root = Dir::root("/".as_ref(), budget(60)).unwrap();
    let tree = Tree::new(String::new(), &root, &[]);
    let marks = read(system, &budget(seconds), &tree, false, &mut source);
    (source.finish(), marks)
}

fn values(finished: &Finished) -> Vec<(&str, &Channel, Option<OwnerId>, Option<&str>)> {
    let items = finished.0.items.iter();
    let shown = items.map(|found| {
        let item = &found.item;
        (item.evidence.value.as_str(), &item.channel, found.owner, item.details.host.as_deref())
    });
    shown.collect()
}

#[test]
fn what_runs_is_found_with_its_ports_and_others_are_not() {
    let mut system = said(&[(7, OLLAMA), (8, "/usr/bin/ollama-notes"), (9, "/usr/bin/less")]);
    system.ports = vec![(7, 11434), (8, 11435), (9, 8080)];
    let (finished, _) = look(&mut system, 60);
    let owner = Some(1000);
    assert_eq!(
        values(&finished),
        [
            (OLLAMA, &Channel::Process, owner, None),
            (OLLAMA, &Channel::Runtime, owner, Some("127.0.0.1:11434"))
        ]
    );
    assert_eq!(finished.0.completeness, Completeness::Complete);
    // Three processes and a port.
    assert_eq!(finished.1.items_seen, 4);
}

#[test]
fn whose_it_is_may_stay_unknown() {
    let mut system = said(&[]);
    system.runs(7, Ok(Some((OLLAMA, None))));
    let (finished, _) = look(&mut system, 60);
    assert_eq!(values(&finished), [(OLLAMA, &Channel::Process, None, None)]);
}

#[test]
fn only_a_whole_list_may_say_that_a_thing_is_gone() {
    let ends = |change: fn(&mut Said)| {
        let mut system = said(&[(7, OLLAMA)]);
        change(&mut system);
        let (finished, _) = look(&mut system, 60);
        // Whatever else happens, this one is told.
        assert_eq!(values(&finished)[0].0, OLLAMA);
        (finished.0.completeness, finished.1.state)
    };
    let whole = (Completeness::Complete, SourceState::Read);
    assert_eq!(ends(|_| ()), whole);
    // One that has ended meanwhile and parts of the kernel are no trouble.
    assert_eq!(ends(|said| said.runs(8, Ok(None))), whole);
    assert_eq!(ends(|said| said.runs(8, Err(Trouble::Absent))), whole);
    assert_eq!(ends(|said| said.ports_trouble = Some(Trouble::Absent)), whole);

    let partial = |state| (Completeness::Partial, state);
    assert_eq!(ends(|said| said.runs(8, Err(Trouble::Refused))), partial(SourceState::Refused));
    assert_eq!(ends(|said| said.trouble = Some(Trouble::TooLarge)), partial(SourceState::TooLarge));
    assert_eq!(ends(|said| said.ports_trouble = Some(Trouble::Refused)), partial(SourceState::Refused));
    let too_many = |said: &mut Said| said.processes.extend((8..20_010).map(|pid| (pid, Ok(None))));
    assert_eq!(ends(too_many), partial(SourceState::TooLarge));
}

#[test]
fn without_time_nothing_is_looked_at_and_that_is_said() {
    let (finished, _) = look(&mut said(&[(7, OLLAMA)]), 0);
    assert_eq!((finished.0.items.len(), finished.0.completeness), (0, Completeness::Partial));
    assert_eq!(finished.1.state, SourceState::TimedOut);
}

#[test]
fn a_look_sees_another_program_port_or_owner_and_nothing_else() {
    let first = || {
        let mut system = said(&[(7, OLLAMA), (9, "/usr/bin/less")]);
        system.ports = vec![(7, 11434)];
        system
    };
    let marks = look(&mut first(), 60).1.unwrap();
    let moved = |change: fn(&mut Said)| {
        let mut system = first();
        change(&mut system);
        has_moved(&mut system, &marks)
    };
    assert!(!moved(|_| ()));
    assert!(!moved(|said| said.ends(9)));
    assert!(moved(|said| said.ends(7)));
    assert!(moved(|said| said.ports.clear()));
    assert!(moved(|said| said.runs(7, Ok(Some((OLLAMA, None))))));
    assert!(moved(|said| said.runs(8, Ok(Some(("/opt/acme-mcp-server", None))))));
}
