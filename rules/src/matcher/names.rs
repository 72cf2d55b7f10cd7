//! Host names: a tree of labels read from the right, its edges in one hash table.

use super::{DENY, Index, NONE, hash};
use crate::catalogue::IndicatorKind;
use crate::domain::Dots;
use crate::glob;

const ROOT: u32 = 0;

/// A label below another: `openai` below `com`.
#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    /// Where its label stands in `labels`.
    label: u32,
    label_len: u8,
    /// Length of the pattern that ends here, in labels and in characters, labels first.
    rank: u16,
    /// Some label on the way here holds a star.
    starred: bool,
    /// The rule of the exact name or glob that ends here.
    end: u32,
    /// The rule of the suffix that ends here.
    suffix: u32,
    /// Its first child whose label holds a star; these hang together by `next`.
    globs: u32,
    next: u32,
}

/// The tree, ready to be asked.
#[derive(Debug)]
pub(super) struct Names {
    nodes: Box<[Node]>,
    labels: Box<str>,
    index: Index,
}

impl Names {
    /// The rule of a name in normal form.
    ///
    /// Walks from the right and stops where the tree does, which for most names is at their second label. Only
    /// labels with stars are compared one by one, and only those that stand under the same fixed labels.
    pub(super) fn find(&self, name: &[u8], dots: &Dots) -> Option<u32> {
        let mut best = Best::default();
        self.walk(ROOT, name, dots, &mut best);
        best.rule()
    }

    /// Whether a pattern ends at a name or below it, stars not counted.
    pub(super) fn touches(&self, name: &str) -> bool {
        let below = |node: u32, label: &str| {
            let is_it = |child: u32| {
                let child = &self.nodes[child as usize];
                child.parent == node && self.label(child) == label.as_bytes()
            };
            self.index.find(hash(node, label.as_bytes()), is_it)
        };
        name.rsplit('.').try_fold(ROOT, below).is_some()
    }

    fn walk(&self, from: u32, name: &[u8], dots: &Dots, best: &mut Best) {
        let (mut node, mut left) = (from, name);
        loop {
            let dot = dots.before(left.len());
            let label = dot.map_or(left, |dot| &left[dot + 1..]);
            let mut glob = self.nodes[node as usize].globs;
            while glob != NONE {
                let starred = &self.nodes[glob as usize];
                if glob::matches(self.label(starred), label) {
                    best.consider(starred, dot.is_none());
                    if let Some(dot) = dot {
                        self.walk(glob, &left[..dot], dots, best);
                    }
                }
                glob = starred.next;
            }
            let is_it = |child: u32| {
                let child = &self.nodes[child as usize];
                child.parent == node && self.label(child) == label
            };
            let Some(child) = self.index.find(hash(node, label), is_it) else { return };
            best.consider(&self.nodes[child as usize], dot.is_none());
            let Some(dot) = dot else { return };
            (node, left) = (child, &left[..dot]);
        }
    }

    fn label(&self, node: &Node) -> &[u8] {
        label(&self.labels, node)
    }

    pub(super) fn table_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + self.labels.len() + self.index.table_bytes()
    }
}

fn label<'l>(labels: &'l str, node: &Node) -> &'l [u8] {
    let start = node.label as usize;
    &labels.as_bytes()[start..start + usize::from(node.label_len)]
}

/// The best allow and the longest deny so far.
#[derive(Default)]
struct Best {
    /// Length, then exact before glob before suffix; 0 is none, as no pattern is that short.
    allow: u32,
    rule: u32,
    /// Length.
    deny: u16,
}

impl Best {
    fn consider(&mut self, node: &Node, whole: bool) {
        self.offer(node.suffix, node.rank, 0);
        if whole {
            self.offer(node.end, node.rank, if node.starred { 1 } else { 2 });
        }
    }

    fn offer(&mut self, rule: u32, rank: u16, kind: u32) {
        match rule {
            NONE => {}
            DENY => self.deny = self.deny.max(rank),
            _ => {
                let rank = u32::from(rank) << 2 | kind;
                if rank > self.allow {
                    (self.allow, self.rule) = (rank, rule);
                }
            }
        }
    }

    /// A deny cancels every allow of its length and below.
    fn rule(&self) -> Option<u32> {
        (self.allow != 0 && self.allow >> 2 > u32::from(self.deny)).then_some(self.rule)
    }
}

/// Takes patterns one by one.
pub(super) struct Builder {
    nodes: Vec<Node>,
    labels: String,
    index: Index,
}

impl Default for Builder {
    fn default() -> Builder {
        let root = Node {
            parent: NONE,
            label: 0,
            label_len: 0,
            rank: 0,
            starred: false,
            end: NONE,
            suffix: NONE,
            globs: NONE,
            next: NONE,
        };
        Builder { nodes: vec![root], labels: String::new(), index: Index::default() }
    }
}

impl Builder {
    /// Adds a pattern in normal form. The first of two equal ones stays.
    pub(super) fn add(&mut self, kind: IndicatorKind, pattern: &str, rule: u32) {
        let mut node = ROOT;
        for (depth, label) in pattern.rsplit('.').enumerate() {
            let is_it = |child: u32| {
                let child = &self.nodes[child as usize];
                child.parent == node && self::label(&self.labels, child) == label.as_bytes()
            };
            node = match self.index.find(hash(node, label.as_bytes()), is_it) {
                Some(child) => child,
                None => self.child(node, label, depth),
            };
        }
        let node = &mut self.nodes[node as usize];
        let slot = if kind == IndicatorKind::Suffix { &mut node.suffix } else { &mut node.end };
        if *slot == NONE {
            *slot = rule;
        }
    }

    fn child(&mut self, parent: u32, label: &str, depth: usize) -> u32 {
        let child = self.nodes.len() as u32;
        let above = &self.nodes[parent as usize];
        // Names in normal form have at most 127 labels and 253 characters, so both fit a byte.
        let characters = (above.rank & 0xff) as usize + label.len() + usize::from(depth > 0);
        let starred = label.contains('*');
        let mut node = Node {
            parent,
            label: self.labels.len() as u32,
            label_len: label.len() as u8,
            rank: ((depth + 1) << 8 | characters) as u16,
            starred: starred || above.starred,
            end: NONE,
            suffix: NONE,
            globs: NONE,
            next: NONE,
        };
        if starred {
            node.next = above.globs;
            self.nodes[parent as usize].globs = child;
        }
        self.labels.push_str(label);
        self.nodes.push(node);
        // Labels with stars go in too: no label of a name holds a star, so they are never found by mistake.
        self.index.insert(child, |entry| {
            let node = &self.nodes[entry as usize];
            hash(node.parent, self::label(&self.labels, node))
        });
        child
    }

    pub(super) fn build(self) -> Names {
        let Builder { nodes, labels, index } = self;
        Names { nodes: nodes.into_boxed_slice(), labels: labels.into_boxed_str(), index }
    }
}
