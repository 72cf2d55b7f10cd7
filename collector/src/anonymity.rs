//! Which numbers may be told to who may not look at single machines: none of fewer machines or accounts than the smallest number that is
//! told, and none from which such a number follows. Numbers of sensors over the whole fleet are told to everybody who reads the inventory: they
//! say what could not be seen, and nothing of what was. It makes people harder to point at; in a small organisation it hides nobody.

/// A number as it may be told; `None`: it lies between 1 and `least` - 1 and is not. Nobody is told of.
pub fn told(count: u64, least: u64) -> Option<u64> {
    (count == 0 || count >= least).then_some(count)
}

/// A series over time: all of it, or nothing where one of its numbers may not be told. What is left out of a series is guessed from what
/// stands beside it.
pub fn series<T>(of: Vec<T>, count: impl Fn(&T) -> u64, least: u64) -> Vec<T> {
    if of.iter().all(|point| told(count(point), least).is_some()) { of } else { Vec::new() }
}

/// A part of a whole that is told too: not told where the part or the rest is too small. The same holds for what two filters show, of which
/// one lets through what the other does.
pub fn part(whole: u64, part: u64, least: u64) -> Option<u64> {
    let rest = whole.saturating_sub(part);
    told(part, least).filter(|_| told(rest, least).is_some())
}

/// Parts of a whole, and the whole, as they may be told together. Where the sum of the hidden parts, which follows from the rest, tells too
/// much of them, further parts are hidden, the smallest first, and at last the whole.
pub fn parts(counts: &[u64], least: u64) -> (Vec<Option<u64>>, Option<u64>) {
    let mut shown: Vec<Option<u64>> = counts.iter().map(|count| told(*count, least)).collect();
    let whole = counts.iter().sum();
    loop {
        let hidden =
            || counts.iter().zip(&shown).filter(|(_, shown)| shown.is_none()).map(|(count, _)| *count);
        let (sum, many) = (hidden().sum::<u64>(), hidden().count() as u64);
        // Each hidden part is at least 1: by the sum, any one of them may be 1 and may be too large to be hidden.
        if many == 0 || (many > 1 && sum - (many - 1) >= least) {
            return (shown, told(whole, least));
        }
        let next = counts.iter().enumerate().filter(|(at, count)| shown[*at].is_some() && **count > 0);
        match next.min_by_key(|(_, count)| **count).map(|(at, _)| at) {
            Some(at) => shown[at] = None,
            None => return (shown, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_hidden_part_takes_another_with_it() {
        assert_eq!(parts(&[2, 9, 30], 5), (vec![None, None, Some(30)], Some(41)));
        assert_eq!(parts(&[0, 9, 30], 5), (vec![Some(0), Some(9), Some(30)], Some(39)));
        // Two of one each would follow from their sum.
        assert_eq!(parts(&[1, 1, 30], 5), (vec![None, None, None], Some(32)));
        assert_eq!(parts(&[3], 5), (vec![None], None));
        assert_eq!(parts(&[3, 0], 5), (vec![None, Some(0)], None));
        assert_eq!(parts(&[1, 1, 30], 0), (vec![Some(1), Some(1), Some(30)], Some(32)));
    }

    #[test]
    fn what_is_the_rest_of_a_part_is_not_told_either() {
        assert_eq!(part(20, 18, 5), None);
        assert_eq!(part(20, 20, 5), Some(20));
        assert_eq!(part(20, 12, 5), Some(12));
        assert_eq!(series(vec![7, 0, 2], |n| *n, 5), Vec::<u64>::new());
        assert_eq!(series(vec![7, 0], |n| *n, 5), vec![7, 0]);
    }

    proptest! {
        /// I-20, for a total and its parts: whoever subtracts what is told from the whole learns no number below the smallest.
        #[test]
        fn no_part_follows_from_the_whole_and_the_others(
            counts in prop::collection::vec(0_u64..40, 1..12), least in 3_u64..12,
        ) {
            let (shown, whole) = parts(&counts, least);
            prop_assert!(shown.iter().flatten().chain(&whole).all(|count| *count == 0 || *count >= least));
            for (count, shown) in counts.iter().zip(&shown) {
                prop_assert!(shown.is_none_or(|shown| shown == *count));
                prop_assert!(*count != 0 || shown.is_some(), "nobody is told of");
            }
            if let Some(whole) = whole {
                let many = shown.iter().filter(|shown| shown.is_none()).count() as u64;
                let rest = whole - shown.iter().flatten().sum::<u64>();
                prop_assert!(many != 1 && (many == 0) == (rest == 0));
                // The most that one hidden part can be, and the least, as far as the sum goes.
                prop_assert!(many == 0 || rest - (many - 1) >= least);
            }
        }

        /// I-20, for two filters of which one is narrower: neither number nor their difference is a small one.
        #[test]
        fn no_small_number_follows_from_two_filters(whole in 0_u64..60, cut in 0_u64..60, least in 3_u64..12) {
            let narrow = cut.min(whole);
            if let (Some(wide), Some(narrow)) = (told(whole, least), part(whole, narrow, least)) {
                for number in [wide, narrow, wide - narrow] {
                    prop_assert!(number == 0 || number >= least, "{number}");
                }
            }
        }
    }
}
