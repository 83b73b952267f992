//! Decision trees over sets of tests: terms that are right on some tests, predicates that split them, the smallest tree found
//! by information gain.
//!
//! What a term or a predicate is does not matter here: they are numbers with a set and a cost. All arithmetic is in integers,
//! so the tree is the same on every machine.

pub mod bits;

use bits::{Set, Table};
use rustc_hash::FxHashMap;

/// A tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tree {
    /// A term.
    Leaf(u32),
    /// Where the predicate holds, and where not.
    Split(u32, Box<Tree>, Box<Tree>),
}

impl Tree {
    /// The cost of its predicates, and one for each split.
    pub fn split_cost(&self, predicates: &Choices) -> u32 {
        match self {
            Tree::Leaf(_) => 0,
            Tree::Split(predicate, yes, no) => {
                predicates.cost(*predicate as usize)
                    + 1
                    + yes.split_cost(predicates)
                    + no.split_cost(predicates)
            }
        }
    }

    /// How many leaves it has.
    pub fn n_leaves(&self) -> usize {
        match self {
            Tree::Leaf(_) => 1,
            Tree::Split(_, yes, no) => yes.n_leaves() + no.n_leaves(),
        }
    }
}

/// How many bits it takes to say which leaf each of the tests belongs to, rounded up: what a tree's predicates explain.
pub fn assignment_bits(tree: &Tree, predicates: &Choices, n_tests: usize) -> u64 {
    let mut bits = n_tests as u64 * log2(n_tests as u32);
    let mut waiting = vec![(tree, bits::all(n_tests))];
    while let Some((tree, set)) = waiting.pop() {
        match tree {
            Tree::Leaf(_) => bits -= u64::from(bits::count(&set)) * log2(bits::count(&set)),
            Tree::Split(predicate, yes, no) => {
                let holds = predicates.set(*predicate as usize);
                waiting.push((yes, bits::both(&set, holds)));
                waiting.push((no, bits::without(&set, holds)));
            }
        }
    }
    bits.div_ceil(1 << 16)
}

/// Terms or predicates: sets of tests with a cost each, cheap ones first.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    sets: Table,
    costs: Vec<u32>,
}

impl Choices {
    /// Forgets all.
    pub fn reset(&mut self, n_tests: usize) {
        self.sets.reset(n_tests);
        self.costs.clear();
    }

    /// Adds one; costs must not fall.
    pub fn push(&mut self, set: &[u64], cost: u32) -> u32 {
        self.sets.push(set);
        self.costs.push(cost);
        self.costs.len() as u32 - 1
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }

    /// The tests of one.
    pub fn set(&self, at: usize) -> &[u64] {
        self.sets.row(at)
    }

    /// The cost of one.
    pub fn cost(&self, at: usize) -> u32 {
        self.costs[at]
    }
}

/// Bounds of one search for a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most leaves.
    pub leaves_max: usize,
    /// Splits that are followed at one node.
    pub beam: usize,
    /// A tree must cost less than this.
    pub cost_below: u32,
    /// Nodes that are looked at.
    pub nodes_max: usize,
}

/// The cheapest tree found that is right on all tests, and its cost: that of its terms and predicates, and one for each
/// split. `None` where there is none within the limits.
pub fn smallest(
    terms: &Choices,
    predicates: &Choices,
    n_tests: usize,
    limits: Limits,
) -> Option<(u32, Tree)> {
    let mut search = Search {
        terms,
        predicates,
        beam: limits.beam,
        nodes_left: limits.nodes_max,
        weights: (0..=n_tests as u32).map(|count| u64::from(count) * log2(count)).collect(),
        known: FxHashMap::default(),
    };
    search.node(bits::all(n_tests), limits.leaves_max, limits.cost_below)
}

/// The bound on cost under which a set was searched, and the tree with its cost.
type Known = (u32, Option<(u32, Tree)>);

struct Search<'c> {
    terms: &'c Choices,
    predicates: &'c Choices,
    beam: usize,
    nodes_left: usize,
    /// `count * log2(count)`, in units of 2^-16.
    weights: Vec<u64>,
    /// What was found for a set within bounds on leaves and cost.
    known: FxHashMap<(Set, usize), Known>,
}

/// `log2` of a number from 1 on, in units of 2^-16; 0 for 0. By repeated squaring, in integers.
pub fn log2(count: u32) -> u64 {
    if count < 2 {
        return 0;
    }
    let whole = 31 - count.leading_zeros();
    let mut log = u64::from(whole);
    // The mantissa, from 1 to 2, in units of 2^-31.
    let mut mantissa = u64::from(count) << (31 - whole);
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 31;
        log <<= 1;
        if mantissa >> 32 != 0 {
            mantissa >>= 1;
            log |= 1;
        }
    }
    log
}

impl Search<'_> {
    fn node(&mut self, set: Set, leaves_max: usize, cost_below: u32) -> Option<(u32, Tree)> {
        if let Some(leaf) = self.leaf(&set).filter(|leaf| self.terms.cost(*leaf as usize) < cost_below) {
            return Some((self.terms.cost(leaf as usize), Tree::Leaf(leaf)));
        }
        if leaves_max < 2 || self.nodes_left == 0 || cost_below < 4 {
            return None;
        }
        let key = (set, leaves_max);
        if let Some((below, found)) = self.known.get(&key)
            && (found.is_some() || *below >= cost_below)
        {
            return found.clone().filter(|(cost, _)| *cost < cost_below);
        }
        self.nodes_left -= 1;
        let found = self.split(&key.0, leaves_max, cost_below);
        self.known.insert(key, (cost_below, found.clone()));
        found
    }

    /// The first, cheapest term that is right on the whole set.
    fn leaf(&self, set: &[u64]) -> Option<u32> {
        self.terms.sets.rows().position(|covers| bits::within(set, covers)).map(|at| at as u32)
    }

    fn split(&mut self, set: &[u64], leaves_max: usize, mut cost_below: u32) -> Option<(u32, Tree)> {
        let labels = self.labels(set)?;
        let ranked = self.ranked(set, &labels);
        let mut best = None;
        for (_, at) in ranked {
            let holds = self.predicates.set(at);
            let (yes, no) = (bits::both(set, holds), bits::without(set, holds));
            let own = self.predicates.cost(at) + 1;
            if own + 2 >= cost_below {
                continue;
            }
            let Some((yes_cost, yes)) = self.node(yes, leaves_max - 1, cost_below - own - 1) else {
                continue;
            };
            let left = leaves_max - yes.n_leaves();
            let Some((no_cost, no)) = self.node(no, left, cost_below - own - yes_cost) else { continue };
            cost_below = own + yes_cost + no_cost;
            best = Some((cost_below, Tree::Split(at as u32, Box::new(yes), Box::new(no))));
        }
        best
    }

    /// Disjoint parts of the set, each within one term: the largest first. `None` where a test has no term.
    fn labels(&self, set: &[u64]) -> Option<Vec<Set>> {
        let mut rest: Set = set.into();
        let mut labels = Vec::new();
        let mut counts = Vec::new();
        while bits::count(&rest) > 0 {
            self.terms.sets.common(&rest, &mut counts);
            // The first of the greatest: cheaper terms stand first.
            let most = counts.iter().copied().max().filter(|most| *most > 0)?;
            let at = counts.iter().position(|count| *count == most)?;
            let covers = self.terms.set(at);
            labels.push(bits::both(&rest, covers));
            rest = bits::without(&rest, covers);
        }
        Some(labels)
    }

    /// The predicates that leave the least uncertainty about the labels, the cheapest first among equals.
    fn ranked(&self, set: &[u64], labels: &[Set]) -> Vec<(u64, usize)> {
        let predicates = &self.predicates.sets;
        let mut here = Vec::new();
        predicates.common(set, &mut here);
        let size = bits::count(set);
        let mut uncertainty: Vec<u64> =
            here.iter().map(|yes| self.weighed(*yes) + self.weighed(size - yes)).collect();
        let divides: Vec<bool> = here.iter().map(|yes| *yes != 0 && *yes != size).collect();
        for label in labels {
            let size = bits::count(label);
            predicates.common(label, &mut here);
            for (left, yes) in uncertainty.iter_mut().zip(&here) {
                *left -= self.weighed(*yes) + self.weighed(size - yes);
            }
        }
        let mut best: Vec<(u64, usize)> = Vec::with_capacity(self.beam + 1);
        for (at, left) in uncertainty.into_iter().enumerate().filter(|(at, _)| divides[*at]) {
            let entry = (left, at);
            if best.len() == self.beam && best.last().is_some_and(|last| *last <= entry) {
                continue;
            }
            let to = best.partition_point(|other| *other < entry);
            best.insert(to, entry);
            best.truncate(self.beam);
        }
        best
    }

    /// `count * log2(count)`, in units of 2^-16.
    #[inline]
    fn weighed(&self, count: u32) -> u64 {
        self.weights[count as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(n_tests: usize, sets: &[(&str, u32)]) -> Choices {
        let mut choices = Choices::default();
        choices.reset(n_tests);
        for (set, cost) in sets {
            let mut row = vec![0; bits::width(n_tests)];
            set.bytes()
                .enumerate()
                .for_each(|(test, byte)| row[test / 64] |= u64::from(byte == b'x') << (test % 64));
            choices.push(&row, *cost);
        }
        choices
    }

    const LIMITS: Limits = Limits { leaves_max: 4, beam: 4, cost_below: u32::MAX, nodes_max: 100 };

    #[track_caller]
    fn check(terms: &[(&str, u32)], predicates: &[(&str, u32)], limits: Limits, expect: Option<(u32, &str)>) {
        let n_tests = terms[0].0.len();
        let (terms, predicates) = (choices(n_tests, terms), choices(n_tests, predicates));
        let found = smallest(&terms, &predicates, n_tests, limits);
        let found = found.map(|(cost, tree)| (cost, show(&tree)));
        assert_eq!(found, expect.map(|(cost, tree)| (cost, tree.to_owned())));
    }

    fn show(tree: &Tree) -> String {
        match tree {
            Tree::Leaf(term) => term.to_string(),
            Tree::Split(predicate, yes, no) => format!("({predicate}? {} {})", show(yes), show(no)),
        }
    }

    #[test]
    fn the_cheapest_tree_is_found() {
        check(&[("xxxx", 3)], &[], LIMITS, Some((3, "0")));
        check(&[("x...", 1), ("xxxx", 3)], &[("x...", 1)], LIMITS, Some((3, "1")));
        check(&[("xx..", 1), ("..xx", 2)], &[("xx..", 5)], LIMITS, Some((9, "(0? 0 1)")));
        check(&[("xx..", 1), ("..xx", 2)], &[("..xx", 1), ("xx..", 5)], LIMITS, Some((5, "(0? 1 0)")));
        check(&[("xx..", 1), ("..xx", 2)], &[("x.x.", 1)], LIMITS, None);
        check(&[("xx..", 1), ("...x", 2)], &[("xx..", 1)], LIMITS, None);
        let three = [("xx....", 1), ("..xx..", 1), ("....xx", 1)];
        check(&three, &[("xx....", 1), ("..xx..", 1)], LIMITS, Some((7, "(0? 0 (1? 1 2))")));
        check(&three, &[("xx....", 1), ("..xx..", 1)], Limits { leaves_max: 2, ..LIMITS }, None);
        check(&three, &[("xx....", 1), ("..xx..", 1)], Limits { cost_below: 7, ..LIMITS }, None);
        check(&three, &[("xx....", 1), ("..xx..", 1)], Limits { nodes_max: 1, ..LIMITS }, None);
    }

    #[test]
    fn sets_reach_over_several_words() {
        let n = 150;
        let row = |holds: &dyn Fn(usize) -> bool| -> String {
            (0..n).map(|test| if holds(test) { 'x' } else { '.' }).collect()
        };
        let (even, odd) = (row(&|test| test % 2 == 0), row(&|test| test % 2 == 1));
        let late = row(&|test| test >= 70);
        let terms = [(even.as_str(), 1), (odd.as_str(), 2)];
        check(&terms, &[(late.as_str(), 1), (odd.as_str(), 2)], LIMITS, Some((6, "(1? 1 0)")));
    }

    #[test]
    fn logarithms_are_close() {
        assert_eq!([0, 1, 2, 4, 1024].map(log2), [0, 0, 1 << 16, 2 << 16, 10 << 16]);
        for count in 1..5000u32 {
            let exact = f64::from(count).log2() * 65536.0;
            assert!((log2(count) as f64 - exact).abs() <= 2.0, "{count}: {} {exact}", log2(count));
        }
    }

    #[test]
    fn a_tree_explains_how_tests_are_told_apart() {
        let predicates = choices(4, &[("xx..", 2), ("x...", 3)]);
        let leaf = |term| Box::new(Tree::Leaf(term));
        let even = Tree::Split(0, leaf(0), leaf(1));
        assert_eq!((assignment_bits(&even, &predicates, 4), even.split_cost(&predicates)), (4, 3));
        let deep = Tree::Split(0, Box::new(Tree::Split(1, leaf(0), leaf(1))), leaf(2));
        assert_eq!((assignment_bits(&deep, &predicates, 4), deep.split_cost(&predicates)), (6, 7));
        assert_eq!(assignment_bits(&Tree::Leaf(0), &predicates, 4), 0);
        assert_eq!((even.n_leaves(), deep.n_leaves()), (2, 3));
    }
}
