//! What changed from one text to the next, line by line.

/// Cells of the table that two texts are compared in: bounds time and memory. Longer ones are shown as replaced whole.
const MOST_CELLS: usize = 4_000_000;
/// Lines around a change that are shown.
const AROUND: usize = 2;

/// A line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffLine<'t> {
    /// In both.
    Same(&'t str),
    /// In the first alone.
    Gone(&'t str),
    /// In the second alone.
    New(&'t str),
    /// So many lines are the same and not shown.
    Skipped(usize),
}

/// Compares two texts.
pub fn diff<'t>(before: &'t str, after: &'t str) -> Vec<DiffLine<'t>> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (middle_a, middle_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut lines: Vec<DiffLine<'t>> = a[..head].iter().map(|line| DiffLine::Same(line)).collect();
    if (middle_a.len() + 1).saturating_mul(middle_b.len() + 1) <= MOST_CELLS {
        compare(middle_a, middle_b, &mut lines);
    } else {
        lines.extend(middle_a.iter().map(|line| DiffLine::Gone(line)));
        lines.extend(middle_b.iter().map(|line| DiffLine::New(line)));
    }
    lines.extend(a[a.len() - tail..].iter().map(|line| DiffLine::Same(line)));
    shorten(&lines)
}

/// By the longest common subsequence.
fn compare<'t>(a: &[&'t str], b: &[&'t str], lines: &mut Vec<DiffLine<'t>>) {
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push(DiffLine::Same(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            lines.push(DiffLine::Gone(a[i]));
            i += 1;
        } else {
            lines.push(DiffLine::New(b[j]));
            j += 1;
        }
    }
}

/// Leaves out what is far from any change.
fn shorten<'t>(lines: &[DiffLine<'t>]) -> Vec<DiffLine<'t>> {
    let changed = |line: &DiffLine<'_>| !matches!(line, DiffLine::Same(_));
    let mut short = Vec::new();
    let mut skipped = 0;
    for (at, line) in lines.iter().enumerate() {
        let near = &lines[at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len())];
        if near.iter().any(changed) {
            if skipped > 0 {
                short.push(DiffLine::Skipped(std::mem::take(&mut skipped)));
            }
            short.push(*line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 && !short.is_empty() {
        short.push(DiffLine::Skipped(skipped));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::DiffLine::{Gone, New, Same, Skipped};
    use super::*;

    #[test]
    fn what_changed_is_shown_with_the_lines_around_it() {
        assert_eq!(
            diff("a\nb\nc\nd\ne\nf", "a\nb\nc\nX\ne\nf"),
            [Skipped(1), Same("b"), Same("c"), Gone("d"), New("X"), Same("e"), Same("f")]
        );
        assert_eq!(diff("", "a"), [New("a")]);
        assert_eq!(diff("a\nb", "b"), [Gone("a"), Same("b")]);
        assert_eq!(diff("a\nb", "a\nb"), []);
    }

    #[test]
    fn long_texts_are_bounded() {
        let (a, b) = ("a\n".repeat(3000), "b\n".repeat(3000));
        assert_eq!(diff(&a, &b).len(), 6000);
    }
}
