//! What runs, at a full scan and at every look in between.
//!
//! A process has no place that could be marked. What ran is noted instead, in two sections of the journal that have no places:
//! the answer of the source, and what it is to be compared with.

use std::rc::Rc;

use umbrascope_api::Channel;
use umbrascope_rules::Matcher;

use super::ScanRequest;
use super::changed::{self, PROCESSES, RAN};
use super::homes::Homes;
use super::journal::{Journal, Section};
use super::live;
use super::processes::{self, Processes, System, Tree, marks::Marks};
use super::safe::{Budget, Dir, Trouble};
use super::source::{Finished, Source};

/// Reads what runs on the machine whose homes these are, and gives what a look compares.
pub(super) fn read(
    request: &ScanRequest,
    root: &Dir,
    homes: &[Dir],
    budget: &Rc<Budget>,
    matcher: &Matcher,
) -> (Finished, Option<Marks>) {
    let mut source = Source::new(PROCESSES, Channel::Process, matcher);
    let tree = Tree::new(live::drive(), root, homes);
    let system = source.note(open(request, budget), || System::PLACE.into());
    let marks =
        system.and_then(|mut system| processes::read(&mut system, budget, &tree, request.probe, &mut source));
    (source.finish(), marks)
}

/// Notes what was read.
pub(super) fn note(journal: &mut Journal, finished: &Finished, marks: Option<&Marks>) {
    let mut put = |name: &str, answer: Vec<u8>| {
        let mut section = Section::default();
        section.answer = answer;
        journal.sections.insert(name.to_owned(), section);
    };
    put(PROCESSES, changed::digest(&finished.0, &finished.1));
    put(RAN, marks.map(Marks::encode).unwrap_or_default());
}

/// What a look found.
pub(super) enum Looked {
    /// The same runs as before.
    Same,
    /// Other things run, of which nothing is to be told: the journal knows them now.
    Noted,
    /// This is to be told.
    Moved(Finished),
}

/// Compares what runs with what ran. The rules are asked for only where that is something else, or where with `again` it is not
/// known what became of the last look.
pub(super) fn look<'m>(
    request: &ScanRequest,
    (root, budget): (&Dir, &Rc<Budget>),
    journal: &mut Journal,
    again: bool,
    matcher: impl FnOnce() -> &'m Matcher,
) -> Looked {
    let ran = journal.sections.get(RAN).and_then(|section| Marks::decode(&section.answer));
    let same = |before: &Marks| {
        open(request, budget).is_ok_and(|mut system| !processes::has_moved(&mut system, before))
    };
    if !again && ran.as_ref().is_some_and(same) {
        return Looked::Same;
    }
    let homes = Homes::find(root, Vec::new()).homes;
    let (finished, mut marks) = read(request, root, &homes, budget, matcher());
    if let (Some(marks), Some(ran)) = (&mut marks, ran) {
        marks.remember(ran);
    }
    let answer = journal.sections.remove(PROCESSES).map(|section| section.answer);
    note(journal, &finished, marks.as_ref());
    let told =
        journal.sections.get(PROCESSES).is_some_and(|section| Some(&section.answer) == answer.as_ref());
    if told && !again { Looked::Noted } else { Looked::Moved(finished) }
}

#[cfg(target_os = "linux")]
fn open(request: &ScanRequest, budget: &Rc<Budget>) -> Result<System, Trouble> {
    Dir::root(&request.root.join("proc"), Rc::clone(budget)).map(System::new)
}

#[cfg(not(target_os = "linux"))]
fn open(_: &ScanRequest, _: &Rc<Budget>) -> Result<System, Trouble> {
    Ok(System::default())
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use super::*;

    struct Sleepers(Vec<Child>);

    impl Drop for Sleepers {
        fn drop(&mut self) {
            for child in &mut self.0 {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    /// CPU of this thread, in seconds (schedstat's first number is nanoseconds).
    fn cpu() -> f64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().and_then(|number| number.parse::<f64>().ok()).unwrap() / 1e9
    }

    /// Of this program, which is not optimised: some 3 ms. The packaged one takes less.
    #[test]
    fn a_look_at_three_hundred_programs_is_cheap_and_asks_no_rule() {
        let sleepers = (0..300).map(|_| Command::new("sleep").arg("60").spawn().unwrap());
        let _sleepers = Sleepers(sleepers.collect());
        let request = ScanRequest { probe: false, ..ScanRequest::live() };
        let budget = Budget::new(Instant::now() + Duration::from_secs(60), live::untouched(&request.root));
        let root = Dir::root(&request.root, Rc::clone(&budget)).unwrap();
        let matcher = Matcher::embedded();
        let mut journal = Journal::default();
        let at = (&root, &budget);
        assert!(matches!(look(&request, at, &mut journal, false, || &matcher), Looked::Moved(_)));
        let mut best = f64::MAX;
        // Others start programs too: one look among these is of nothing new.
        for _ in 0..20 {
            let before = cpu();
            let mut asked = false;
            let looked = look(&request, at, &mut journal, false, || {
                asked = true;
                &matcher
            });
            assert_eq!(asked, !matches!(looked, Looked::Same));
            if !asked {
                best = best.min(cpu() - before);
            }
        }
        println!("a look at what runs: {:.1} ms of CPU", best * 1e3);
        assert!(best < 0.05, "{best} s");
    }
}
