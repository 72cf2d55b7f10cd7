//! Remembers the newest signed checkpoint of the collector's audit trail, and notices one that contradicts it: a log that became shorter, or
//! another one of the same length. Whether a longer log goes on from a shorter one cannot be told from the two alone; whoever checks an
//! evidence pack can give what stands here as `--since`.

use serde::{Deserialize, Serialize};

/// The note of this name in the state.
pub const NOTE: &str = "witness";
/// A checkpoint is a few short lines and as many signatures; what is longer is not kept.
const MAX_BYTES: usize = 16 * 1024;

/// What was seen of one collector's trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The collector that it is of.
    pub collector: String,
    /// The newest checkpoint, as it was signed.
    pub checkpoint: String,
    /// The last two that contradict each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<Contradiction>,
}

/// Two checkpoints of which at most one can be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// What was seen before.
    pub before: String,
    /// What came then.
    pub after: String,
    /// When, Unix time in milliseconds.
    pub at_ms: i64,
}

/// What a checkpoint says, its signatures aside.
#[derive(Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Which log.
    pub origin: &'a str,
    /// How many entries.
    pub size: u64,
    /// The root over them, in base64.
    pub root: &'a str,
}

impl Head<'_> {
    /// Reads the first three lines of a checkpoint (c2sp.org/tlog-checkpoint); `None` when it is none.
    pub fn read(checkpoint: &str) -> Option<Head<'_>> {
        if checkpoint.len() > MAX_BYTES || !checkpoint.contains("\n\n") {
            return None;
        }
        let mut lines = checkpoint.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        (plain(origin) && root.len() == 44 && plain(root)).then_some(())?;
        Some(Head { origin, size: size.parse().ok()?, root })
    }
}

/// What is remembered after the collector showed a checkpoint, and whether that contradicts what was remembered before. What is no checkpoint changes
/// nothing.
pub fn seen(
    kept: Option<Witness>,
    collector: &str,
    checkpoint: &str,
    now_ms: i64,
) -> (Option<Witness>, bool) {
    let Some(new) = Head::read(checkpoint) else { return (kept, false) };
    // Another collector has another trail.
    let kept = kept.filter(|kept| kept.collector == collector);
    let contradicts = kept.as_ref().and_then(|kept| Head::read(&kept.checkpoint)).is_some_and(|old| {
        old.origin != new.origin || new.size < old.size || (new.size == old.size && new.root != old.root)
    });
    let before = kept.map(|kept| (kept.checkpoint, kept.contradiction));
    let contradiction = match before {
        Some((before, _)) if contradicts => {
            Some(Contradiction { before, after: checkpoint.to_owned(), at_ms: now_ms })
        }
        Some((_, earlier)) => earlier,
        None => None,
    };
    let witness =
        Witness { collector: collector.to_owned(), checkpoint: checkpoint.to_owned(), contradiction };
    (Some(witness), contradicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://collector.example";

    fn checkpoint(origin: &str, size: u64, root: char) -> String {
        let root: String = std::iter::repeat_n(root, 43).chain(['=']).collect();
        format!("{origin}\n{size}\n{root}\ntime 5\n\n\u{2014} {origin} AAAAAAAA\n")
    }

    fn after(steps: &[(&str, u64, char)]) -> (Witness, Vec<bool>) {
        let (mut kept, mut contradictions) = (None, Vec::new());
        for (origin, size, root) in steps {
            let (next, contradicts) = seen(kept, HERE, &checkpoint(origin, *size, *root), 7);
            kept = next;
            contradictions.push(contradicts);
        }
        (kept.unwrap(), contradictions)
    }

    #[test]
    fn a_log_that_grows_or_stays_contradicts_nothing() {
        let (kept, contradictions) = after(&[("a", 3, 'x'), ("a", 3, 'x'), ("a", 9, 'y')]);
        assert_eq!(contradictions, [false; 3]);
        assert_eq!((kept.checkpoint, kept.contradiction), (checkpoint("a", 9, 'y'), None));
    }

    #[test]
    fn a_shorter_log_or_another_one_is_a_contradiction_and_both_are_kept() {
        for second in [("a", 2, 'x'), ("a", 3, 'y'), ("b", 4, 'x')] {
            let (kept, contradictions) = after(&[("a", 3, 'x'), second, ("a", 10, 'z')]);
            assert!(contradictions[1], "{second:?}");
            let contradiction = kept.contradiction.unwrap();
            if second.0 == "a" {
                assert_eq!(contradiction.before, checkpoint("a", 3, 'x'));
                assert_eq!(contradiction.after, checkpoint(second.0, second.1, second.2));
            }
        }
    }

    #[test]
    fn another_collector_begins_anew_and_what_is_no_checkpoint_is_left_alone() {
        let (kept, _) = after(&[("a", 3, 'x')]);
        let (other, contradicts) =
            seen(Some(kept.clone()), "https://other.example", &checkpoint("b", 1, 'y'), 7);
        assert!(!contradicts && other.unwrap().collector == "https://other.example");
        let long = "x".repeat(MAX_BYTES + 1);
        for text in [
            "",
            "a\n3\n",
            "a\n-3\nroot\n\n",
            "a\u{1b}\n3\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\n\n",
            &long,
        ] {
            assert_eq!(seen(Some(kept.clone()), HERE, text, 7), (Some(kept.clone()), false), "{text:?}");
        }
    }
}
