//! The tree over the entries: RFC 9162, 2.1 (the tree of RFC 6962), over leaf hashes.
//!
//! Own code, for it is a page: what there is as a crate wants a second implementation of SHA-256 or keeps the leaves.

use super::hash::{Hash, sha256};

/// The root over no leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// A node over two others: SHA-256(0x01 ‖ left ‖ right).
pub fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root over `leaves`.
pub fn root(leaves: &[Hash]) -> Hash {
    Tree::over(leaves).root()
}

/// A tree that grows at its end and keeps no leaf: the roots of its full subtrees, the largest (and leftmost) first; at most 64 of
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// No leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Over these leaves.
    pub fn over(leaves: &[Hash]) -> Self {
        let mut tree = Self::new();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree
    }

    /// From what [`Tree::size`] and [`Tree::peaks`] said; `None` when the number of peaks is not that of the size.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one of the size is a full subtree that this leaf completes to one of twice its size.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its full subtrees, the largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

/// The proof that the leaf at `index` stands in the tree over `leaves` (RFC 9162, 2.1.3.1); `None` when there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut leaves, mut index, mut proof) = (leaves, index, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if index < left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
pub fn check_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for other in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(other, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The proof that the tree over the first `old` leaves is the beginning of the tree over all of them (RFC 9162, 2.1.4.1). Empty for
/// `old` 0, from which every tree grows, and for the whole; `None` when there are fewer leaves than `old`.
pub fn consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old > leaves.len() {
        return None;
    }
    if old == 0 || old == leaves.len() {
        return Some(Vec::new());
    }
    let (mut leaves, mut old, mut whole, mut proof) = (leaves, old, true, Vec::new());
    while old != leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if old <= left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            old -= left.len();
            leaves = right;
            whole = false;
        }
    }
    // The verifier has the old root; only a part of the old tree has to be told.
    if !whole {
        proof.push(root(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that the tree of `old_size` leaves with `old_root` is the beginning of the tree of `size` leaves with `root`
/// (RFC 9162, 2.1.4.2).
pub fn check_consistency(old_size: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old_size > size {
        return false;
    }
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    // A whole subtree on the left is its own first node.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (first, rest)
    };
    let (mut at, mut last) = (old_size - 1, size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut hash) = (*first, *first);
    for other in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node(other, &old_hash);
            hash = node(other, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && hash == *root
}

/// The largest power of two below `len`, which is at least 2.
fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    /// The eight leaves that implementations of RFC 6962 are commonly tried with, and the roots over the first n of them.
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn vectors() -> Vec<Hash> {
        INPUTS.iter().map(|input| sha256(&[&[0], &HEXLOWER.decode(input.as_bytes()).unwrap()])).collect()
    }

    fn hex(texts: &[&str]) -> Vec<Hash> {
        texts.iter().map(|text| Hash::from_hex(text).unwrap()).collect()
    }

    fn numbered(size: usize) -> Vec<Hash> {
        (0..size as u64).map(|at| sha256(&[&[0], &at.to_be_bytes()])).collect()
    }

    /// The root as the RFC defines it.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node(&defined(left), &defined(right))
            }
        }
    }

    #[test]
    fn the_known_roots_come_out() {
        let leaves = vectors();
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&leaves[..size]).to_string(), *expected, "over {size} leaves");
        }
    }

    #[test]
    fn the_known_proofs_come_out() {
        let leaves = vectors();
        let inclusion_0_of_8 = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(inclusion(&leaves, 0).unwrap(), hex(&inclusion_0_of_8));
        let inclusion_5_of_8 = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(inclusion(&leaves, 5).unwrap(), hex(&inclusion_5_of_8));
        let consistency_6_to_8 = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(consistency(&leaves, 6).unwrap(), hex(&consistency_6_to_8));
        let consistency_2_to_5 = [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ];
        assert_eq!(consistency(&leaves[..5], 2).unwrap(), hex(&consistency_2_to_5));
    }

    #[test]
    fn every_proof_holds_for_what_it_is_of_and_for_nothing_else() {
        for size in 0..=33_usize {
            let leaves = numbered(size);
            let whole = root(&leaves);
            assert_eq!(whole, defined(&leaves));
            assert_eq!(inclusion(&leaves, size), None);
            assert_eq!(consistency(&leaves, size + 1), None);
            for at in 0..size {
                let proof = inclusion(&leaves, at).unwrap();
                let holds =
                    |index, size, proof: &[Hash]| check_inclusion(&leaves[at], index, size, proof, &whole);
                assert!(holds(at as u64, size as u64, &proof));
                assert!((0..40).all(|index| index == at as u64 || !holds(index, size as u64, &proof)));
                assert!(!check_inclusion(&Hash::ZERO, at as u64, size as u64, &proof, &whole));
                assert!(!holds(at as u64, size as u64, &[&proof[..], &[Hash::ZERO]].concat()));
                if let Some((_, short)) = proof.split_last() {
                    assert!(!holds(at as u64, size as u64, short));
                }
            }
            for old in 0..=size {
                let proof = consistency(&leaves, old).unwrap();
                let begin = root(&leaves[..old]);
                let holds = |old: usize, begin, proof: &[Hash]| {
                    check_consistency(old as u64, begin, size as u64, &whole, proof)
                };
                assert!(holds(old, &begin, &proof), "{old} to {size}");
                assert!(!holds(old, &Hash::ZERO, &proof));
                assert!(!holds(old, &begin, &[&proof[..], &[Hash::ZERO]].concat()));
                assert!(!holds(size + 1, &begin, &proof));
                if let Some((_, short)) = proof.split_last() {
                    assert!(!holds(old, &begin, short));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_tree_goes_on_from_its_parts(before in 0..200_usize, after in 0..200_usize) {
            let leaves = numbered(before + after);
            let tree = Tree::over(&leaves[..before]);
            let mut again = Tree::from_parts(tree.size(), tree.peaks().to_vec()).unwrap();
            leaves[before..].iter().for_each(|leaf| again.push(*leaf));
            prop_assert_eq!(again.root(), defined(&leaves));
            prop_assert_eq!(Tree::from_parts(tree.size() + 1, again.peaks().to_vec()).is_some(),
                (tree.size() + 1).count_ones() as usize == again.peaks().len());
        }

        #[test]
        fn a_rewritten_beginning_has_no_proof(size in 2..80_usize, old in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
            let leaves = numbered(size);
            let old = 1 + old.index(size - 1);
            let begin = root(&leaves[..old]);
            let mut rewritten = leaves;
            rewritten[at.index(old)] = Hash::ZERO;
            let proof = consistency(&rewritten, old).unwrap();
            prop_assert!(!check_consistency(old as u64, &begin, size as u64, &root(&rewritten), &proof));
        }
    }
}
