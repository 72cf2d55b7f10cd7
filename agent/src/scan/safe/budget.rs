//! What a scan may spend: time, and entries of folders. One budget is a part of another, so that whoever owns one home
//! cannot spend what the other homes and the system are read with.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Trouble;
use crate::scan::journal::Recorder;

/// Most directory entries read in one scan.
const SCAN_ENTRIES: u64 = 2_000_000;
/// What homes may spend together: the rest is kept for the places of the system.
const OF_HOMES: Part = Part(3, 4);
/// The least part of that for each of many homes: most are empty, and one of them may be large.
const LEAST_PART: u32 = 8;
/// What the walk through a home may spend of its part: the rest is kept for the places that are looked for by name.
const OF_WALK: Part = Part(1, 2);

/// So many of so many parts.
#[derive(Debug, Clone, Copy)]
struct Part(u32, u32);

/// What may be spent.
#[derive(Debug)]
pub(crate) struct Budget {
    /// What this is a part of: what is spent here is spent there too.
    whole: Option<Rc<Budget>>,
    /// When what is done now has to end.
    end: Cell<Instant>,
    time_left: Cell<Duration>,
    entries_left: Cell<u64>,
    /// Places that are not even looked at, as seen from within the scanned root.
    pub(super) untouched: Rc<[PathBuf]>,
    /// Where the places that are asked for are noted.
    pub(in crate::scan) recorder: Rc<RefCell<Recorder>>,
}

impl Budget {
    /// That of a whole scan.
    pub(crate) fn new(deadline: Instant, untouched: Vec<PathBuf>) -> Rc<Self> {
        Self::with_entries(deadline, untouched, SCAN_ENTRIES)
    }

    pub(in crate::scan) fn with_entries(
        deadline: Instant,
        untouched: Vec<PathBuf>,
        entries: u64,
    ) -> Rc<Self> {
        Rc::new(Self {
            whole: None,
            end: Cell::new(deadline),
            time_left: Cell::new(deadline.saturating_duration_since(Instant::now())),
            entries_left: Cell::new(entries),
            untouched: untouched.into(),
            recorder: Rc::default(),
        })
    }

    /// What one of so many homes may spend, and all of them together.
    pub(crate) fn of_homes(scan: &Rc<Self>, homes: usize) -> impl FnMut() -> Rc<Self> + use<> {
        let together = Self::part(scan, OF_HOMES);
        let each = u32::try_from(homes).unwrap_or(LEAST_PART).clamp(1, LEAST_PART);
        // Of all that there is for homes, whatever those before have spent of it.
        let (time, entries) = together.share(Part(1, each));
        move || Self::of(&together, time, entries)
    }

    /// What the walk through a home may spend.
    pub(super) fn of_walk(home: &Rc<Self>) -> Rc<Self> {
        Self::part(home, OF_WALK)
    }

    fn part(whole: &Rc<Self>, part: Part) -> Rc<Self> {
        let (time, entries) = whole.share(part);
        Self::of(whole, time, entries)
    }

    fn share(&self, part: Part) -> (Duration, u64) {
        let time = self.time_left.get() * part.0 / part.1;
        (time, self.entries_left.get() * u64::from(part.0) / u64::from(part.1))
    }

    fn of(whole: &Rc<Self>, time: Duration, entries: u64) -> Rc<Self> {
        Rc::new(Self {
            whole: Some(Rc::clone(whole)),
            end: whole.end.clone(),
            time_left: Cell::new(time),
            entries_left: Cell::new(entries),
            untouched: Rc::clone(&whole.untouched),
            recorder: Rc::clone(&whole.recorder),
        })
    }

    /// Does something on the time of this budget. It is not to be called within itself.
    pub(crate) fn timed<T>(&self, run: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        self.begin(began);
        let result = run();
        self.finish(began.elapsed());
        result
    }

    fn begin(&self, now: Instant) {
        if let Some(whole) = &self.whole {
            whole.begin(now);
            self.end.set((now + self.time_left.get()).min(whole.end.get()));
        }
    }

    fn finish(&self, spent: Duration) {
        if let Some(whole) = &self.whole {
            whole.finish(spent);
            self.time_left.set(self.time_left.get().saturating_sub(spent));
            self.end.set(whole.end.get());
        }
    }

    /// When what is done now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        self.end.get()
    }

    /// Whether there is time left.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        if Instant::now() >= self.end.get() { Err(Trouble::TimedOut) } else { Ok(()) }
    }

    /// Whether no entry is left to be read.
    pub(crate) fn is_spent(&self) -> bool {
        self.entries_left.get() == 0 || self.whole.as_ref().is_some_and(|whole| whole.is_spent())
    }

    pub(super) fn spend_entry(&self) -> Result<(), Trouble> {
        let left = self.entries_left.get();
        if left == 0 {
            return Err(Trouble::TooLarge);
        }
        if let Some(whole) = &self.whole {
            whole.spend_entry()?;
        }
        self.entries_left.set(left - 1);
        if left.is_multiple_of(256) { self.check() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(entries: u64) -> Rc<Budget> {
        Budget::with_entries(Instant::now() + Duration::from_secs(60), vec![], entries)
    }

    fn spend_all(budget: &Budget) -> usize {
        (0..).take_while(|_| budget.spend_entry().is_ok()).count()
    }

    #[test]
    fn one_home_leaves_the_others_and_the_system_what_is_theirs() {
        let scan = scan(8_000);
        let mut share = Budget::of_homes(&scan, 2);
        let (flooded, other) = (share(), share());
        let walk = Budget::of_walk(&flooded);
        assert_eq!(spend_all(&walk), 1_500);
        assert!(walk.is_spent() && !flooded.is_spent());
        assert_eq!(spend_all(&flooded), 1_500);
        assert_eq!(spend_all(&other), 3_000);
        assert_eq!(spend_all(&scan), 2_000);
    }

    #[test]
    fn many_homes_together_spend_no_more_than_is_for_homes() {
        let scan = scan(8_000);
        let mut share = Budget::of_homes(&scan, 200);
        let spent: Vec<_> = (0..200).map(|_| spend_all(&share())).collect();
        assert_eq!((spent[0], spent.iter().sum()), (750, 6_000));
    }

    #[test]
    fn a_home_whose_time_is_over_costs_the_others_none_of_theirs() {
        let scan = scan(8_000);
        let mut share = Budget::of_homes(&scan, 2);
        let (slow, other) = (share(), share());
        slow.time_left.set(Duration::from_millis(1));
        slow.timed(|| std::thread::sleep(Duration::from_millis(2)));
        assert_eq!(slow.timed(|| slow.check()), Err(Trouble::TimedOut));
        assert_eq!(other.timed(|| other.check()), Ok(()));
        assert_eq!(scan.check(), Ok(()));
    }
}
