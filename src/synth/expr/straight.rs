//! Straight-line code: the shortest way found from one stack to another, by best-first search over stacks.
//!
//! A state is what lies on the data and the return stack, as expressions. A word either moves items about or computes an
//! expression that is needed and whose operands lie on top. What was consumed and is needed again may be computed again, so
//! sharing and recomputing compete by length. The estimate counts the words that must still come: one for each expression
//! to compute, each literal to push, each copy to make, each item to drop.

use crate::synth::expr::{ExprId, Exprs, Node, Op};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Deepest data stack in a state.
const DEPTH_MAX: usize = 12;

/// Most expressions that one search handles.
const NODES_MAX: usize = 96;

/// Stacks that are looked at before the estimate is given more weight, and again before the search gives up.
const STATES_MAX: usize = 4000;

/// Smallest magnitude of a literal that is copied like any other item.
const LITERAL_COPIED_MIN: u64 = 10_000;

/// No expression.
const NONE: u8 = u8::MAX;

/// Both stacks; items are numbers within one search.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Stacks {
    items: [u8; DEPTH_MAX],
    depth: u8,
    kept: u8,
}

impl Stacks {
    fn top(&self, below: usize) -> u8 {
        let depth = self.depth as usize;
        if below < depth { self.items[depth - 1 - below] } else { NONE }
    }

    fn push(&mut self, item: u8) -> bool {
        let fits = (self.depth as usize) < DEPTH_MAX;
        if fits {
            self.items[self.depth as usize] = item;
            self.depth += 1;
        }
        fits
    }

    /// Puts others in the place of the topmost items. What lies above the stack is always [`NONE`], so that equal stacks
    /// are equal values.
    fn replace(&mut self, count: usize, by: &[u8]) -> bool {
        for _ in 0..count {
            self.depth -= 1;
            self.items[self.depth as usize] = NONE;
        }
        by.iter().all(|item| self.push(*item))
    }

    fn contains(&self, item: u8) -> bool {
        self.items[..self.depth as usize].contains(&item) || self.kept == item
    }
}

/// What a step writes.
#[derive(Clone, Copy)]
enum Word {
    Plain(&'static str),
    Pick(u8),
    /// Push a literal.
    Literal(u8),
    /// Push the literal that is the second operand, and compute.
    WithLiteral(u8, Op),
}

impl Word {
    fn cost(self) -> u32 {
        match self {
            Word::Plain(_) | Word::Literal(_) => 1,
            Word::Pick(_) | Word::WithLiteral(..) => 2,
        }
    }
}

struct Visit {
    stacks: Stacks,
    words: u32,
    from: u32,
    word: Word,
}

/// How often each expression is still used, and the words that must still come.
struct Needs {
    uses: [u8; NODES_MAX],
    copies: [u8; NODES_MAX],
    estimate: u32,
}

struct Search<'e> {
    exprs: &'e Exprs,
    ids: Vec<ExprId>,
    nodes: Vec<Node>,
    /// Operands as numbers within the search.
    operands: Vec<[u8; 2]>,
    goal: Vec<u8>,
    /// Literals that are pushed by themselves: the others are always pushed right before the word that takes them.
    pushed: Vec<bool>,
    visits: Vec<Visit>,
    best: FxHashMap<Stacks, u32>,
    queue: BinaryHeap<Reverse<(u32, u32, u32)>>,
    weight: u32,
}

/// Words that turn a stack of `start` into a stack of `goal`, both bottom to top. An `If` may lie on the stack but not be
/// computed. `None` where it cannot be done within the bounds.
pub(super) fn straight(exprs: &Exprs, start: &[ExprId], goal: &[ExprId]) -> Option<Vec<String>> {
    let ids = reachable(exprs, start, goal)?;
    [1, 3].into_iter().find_map(|weight| Search::new(exprs, &ids, start, goal, weight)?.run())
}

/// What is on the stack or needed for the goal, operands first.
fn reachable(exprs: &Exprs, start: &[ExprId], goal: &[ExprId]) -> Option<Vec<ExprId>> {
    let mut ids: Vec<ExprId> = start.to_vec();
    let mut waiting: Vec<ExprId> = goal.to_vec();
    while let Some(id) = waiting.pop() {
        if ids.contains(&id) {
            continue;
        }
        if ids.len() >= NODES_MAX || matches!(exprs.node(id), Node::If(..) | Node::Input(_)) {
            return None;
        }
        ids.push(id);
        waiting.extend(exprs.node(id).operands());
    }
    ids.sort_unstable();
    ids.dedup();
    Some(ids)
}

impl<'e> Search<'e> {
    fn new(exprs: &'e Exprs, ids: &[ExprId], start: &[ExprId], goal: &[ExprId], weight: u32) -> Option<Self> {
        let number = |id: ExprId| ids.binary_search(&id).map_or(NONE, |at| at as u8);
        let nodes: Vec<Node> = ids.iter().map(|id| exprs.node(*id)).collect();
        let operands: Vec<[u8; 2]> = nodes
            .iter()
            .map(|node| match *node {
                Node::Unary(_, a) => [number(a), NONE],
                Node::Binary(_, a, b) => [number(a), number(b)],
                _ => [NONE, NONE],
            })
            .collect();
        let mut stacks = Stacks { items: [NONE; DEPTH_MAX], depth: 0, kept: NONE };
        if !start.iter().all(|id| stacks.push(number(*id))) || goal.len() > DEPTH_MAX {
            return None;
        }
        let goal: Vec<u8> = goal.iter().map(|id| number(*id)).collect();
        let mut pushed = vec![false; ids.len()];
        let alone = operands.iter().map(|[a, _]| *a).chain(goal.iter().copied());
        alone.filter(|id| *id != NONE).for_each(|id| pushed[id as usize] = true);
        let mut search = Self {
            exprs,
            ids: ids.to_vec(),
            nodes,
            operands,
            goal,
            pushed,
            visits: Vec::new(),
            best: FxHashMap::default(),
            queue: BinaryHeap::new(),
            weight,
        };
        search.reach(stacks, 0, 0, Word::Plain(""));
        Some(search)
    }

    /// What is still needed; `None` where something is needed that is gone.
    fn needs(&self, stacks: &Stacks) -> Option<Needs> {
        let mut uses = [0u8; NODES_MAX];
        let mut copies = [0u8; NODES_MAX];
        for item in &stacks.items[..stacks.depth as usize] {
            copies[*item as usize] += 1;
        }
        if stacks.kept != NONE {
            copies[stacks.kept as usize] += 1;
        }
        for id in &self.goal {
            uses[*id as usize] += 1;
        }
        let mut estimate = u32::from(stacks.kept != NONE);
        for at in (0..self.nodes.len()).rev() {
            let (used, there) = (u32::from(uses[at]), u32::from(copies[at]));
            if used == 0 || there > 0 {
                estimate += used.abs_diff(there);
                continue;
            }
            match self.nodes[at] {
                Node::Const(_) => estimate += used,
                Node::Unary(..) | Node::Binary(..) => {
                    estimate += used;
                    for operand in self.operands[at].into_iter().filter(|operand| *operand != NONE) {
                        uses[operand as usize] = uses[operand as usize].saturating_add(1);
                    }
                }
                Node::Input(_) | Node::If(..) => return None,
            }
        }
        Some(Needs { uses, copies, estimate })
    }

    fn reach(&mut self, stacks: Stacks, words: u32, from: u32, word: Word) {
        if self.best.get(&stacks).is_some_and(|best| *best <= words) {
            return;
        }
        let Some(needs) = self.needs(&stacks) else { return };
        self.best.insert(stacks, words);
        let visit = self.visits.len() as u32;
        self.visits.push(Visit { stacks, words, from, word });
        // Among equal estimates the later state is nearer to its end.
        self.queue.push(Reverse((words + self.weight * needs.estimate, needs.estimate, visit)));
    }

    fn run(mut self) -> Option<Vec<String>> {
        let mut looked_at = 0;
        while let Some(Reverse((_, _, at))) = self.queue.pop() {
            let Visit { stacks, words, .. } = self.visits[at as usize];
            if self.best.get(&stacks).is_some_and(|best| *best < words) {
                continue;
            }
            if stacks.kept == NONE && stacks.items[..stacks.depth as usize] == self.goal {
                return Some(self.text(at));
            }
            looked_at += 1;
            if looked_at > STATES_MAX {
                return None;
            }
            self.follow(at);
        }
        None
    }

    fn follow(&mut self, at: u32) {
        let stacks = self.visits[at as usize].stacks;
        let Some(needs) = self.needs(&stacks) else { return };
        let (top, second, third) = (stacks.top(0), stacks.top(1), stacks.top(2));
        let wanted = |item: u8| item != NONE && needs.uses[item as usize] > needs.copies[item as usize];
        let surplus = |item: u8| item != NONE && needs.uses[item as usize] < needs.copies[item as usize];
        // What nobody needs any more goes first.
        if surplus(top) {
            self.step(at, Word::Plain("drop"), |next| next.replace(1, &[]));
            if surplus(second) {
                self.step(at, Word::Plain("2drop"), |next| next.replace(2, &[]));
            }
        }
        if surplus(second) {
            self.step(at, Word::Plain("nip"), |next| next.replace(2, &[top]));
        }
        // What can be computed.
        for number in 0..self.nodes.len() {
            let id = number as u8;
            if !wanted(id) {
                continue;
            }
            let [a, b] = self.operands[number];
            match self.nodes[number] {
                Node::Const(_) if self.pushed[number] => {
                    self.step(at, Word::Literal(id), |next| next.push(id))
                }
                Node::Unary(op, _) if top == a => {
                    self.step(at, Word::Plain(op.word().name()), |next| next.replace(1, &[id]));
                }
                Node::Binary(op, ..) => {
                    let in_order = (second == a && top == b).then_some(op);
                    let reversed = if second == b && top == a { op.mirrored() } else { None };
                    if let Some(op) = in_order.or(reversed) {
                        self.step(at, Word::Plain(op.word().name()), |next| next.replace(2, &[id]));
                    }
                    if top == a && matches!(self.nodes[b as usize], Node::Const(_)) && !stacks.contains(b) {
                        self.step(at, Word::WithLiteral(b, op), |next| next.replace(1, &[id]));
                    }
                }
                _ => {}
            }
        }
        // What can be moved. A short literal is written again rather than copied: that reads better.
        let wanted = |item: u8| {
            let short =
                |node| matches!(node, Node::Const(value) if value.unsigned_abs() < LITERAL_COPIED_MIN);
            wanted(item) && !short(self.nodes[item as usize])
        };
        let kept = stacks.kept;
        let below: Vec<(u8, u8)> = (2..stacks.depth)
            .map(|below| (below, stacks.top(below as usize)))
            .filter(|(_, item)| wanted(*item))
            .collect();
        let (wanted_top, wanted_second, wanted_kept) = (wanted(top), wanted(second), wanted(kept));
        if wanted_top {
            self.step(at, Word::Plain("dup"), |next| next.push(top));
            if second != NONE {
                self.step(at, Word::Plain("tuck"), |next| next.replace(2, &[top, second, top]));
            }
        }
        if wanted_second {
            self.step(at, Word::Plain("over"), |next| next.push(second));
            if wanted_top {
                self.step(at, Word::Plain("2dup"), |next| next.push(second) && next.push(top));
            }
        }
        for (below, item) in below {
            self.step(at, Word::Pick(below), |next| next.push(item));
        }
        if second != NONE && top != second {
            self.step(at, Word::Plain("swap"), |next| next.replace(2, &[top, second]));
        }
        if third != NONE {
            self.step(at, Word::Plain("rot"), |next| next.replace(3, &[second, top, third]));
            self.step(at, Word::Plain("-rot"), |next| next.replace(3, &[top, third, second]));
        }
        if stacks.kept == NONE && third != NONE {
            self.step(at, Word::Plain(">r"), |next| {
                next.kept = top;
                next.replace(1, &[])
            });
        } else if stacks.kept != NONE {
            self.step(at, Word::Plain("r>"), |next| {
                next.kept = NONE;
                next.push(kept)
            });
            if wanted_kept {
                self.step(at, Word::Plain("r@"), |next| next.push(kept));
            }
        }
    }

    /// Reaches what `change` makes of a state, where it fits.
    fn step(&mut self, from: u32, word: Word, change: impl FnOnce(&mut Stacks) -> bool) {
        let Visit { stacks: mut next, words, .. } = self.visits[from as usize];
        if change(&mut next) {
            self.reach(next, words + word.cost(), from, word);
        }
    }

    fn text(&self, end: u32) -> Vec<String> {
        let mut words = Vec::new();
        let mut at = end;
        while at != 0 {
            let visit = &self.visits[at as usize];
            match visit.word {
                Word::Plain(word) => words.push(word.to_owned()),
                Word::Pick(below) => words.extend(["pick".to_owned(), below.to_string()]),
                Word::Literal(id) => words.push(self.literal(id)),
                Word::WithLiteral(id, op) => {
                    words.extend([op.word().name().to_owned(), self.literal(id)]);
                }
            }
            at = visit.from;
        }
        words.reverse();
        words
    }

    fn literal(&self, number: u8) -> String {
        match self.exprs.node(self.ids[number as usize]) {
            Node::Const(value) => value.to_string(),
            other => unreachable!("{other:?} is no literal"),
        }
    }
}
