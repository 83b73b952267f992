//! A pool of distinct expressions over a few columns of numbers, by size, and what can be made of them to meet a target:
//! one of them, or two joined by an operator whose other operand is computed from the target and looked up.

use crate::model::Cell;
use crate::synth::expr::{ExprId, Exprs, Op};
use crate::synth::sequence::exact;
use crate::synth::sequence::occam::bits;
use rustc_hash::FxHashMap;
use std::hash::{Hash, Hasher};

/// The operators of the pool, by use in sequences.
const UNARY: [Op; 6] = [Op::OnePlus, Op::OneMinus, Op::TwoStar, Op::TwoSlash, Op::Negate, Op::ZeroEquals];
const BINARY: [Op; 12] = [
    Op::Plus,
    Op::Minus,
    Op::Star,
    Op::Slash,
    Op::Mod,
    Op::Min,
    Op::Max,
    Op::And,
    Op::Xor,
    Op::Equals,
    Op::Less,
    Op::LShift,
];

/// The operators whose other operand can be computed from the target, and whether the known operand is the second.
const INVERTED: [(Op, bool); 6] = [
    (Op::Plus, false),
    (Op::Minus, false),
    (Op::Minus, true),
    (Op::Star, false),
    (Op::Slash, true),
    (Op::Xor, false),
];

/// Bits of choosing one node of an expression: one of the operators or operands.
const NODE_BITS: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Node {
    Leaf(usize),
    Const(Cell),
    Unary(Op, u32),
    Binary(Op, u32, u32),
}

/// What meets a target: an entry, or an operator over two entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meet {
    /// An entry of the pool.
    Entry(u32),
    /// Two entries under an operator.
    Joined(Op, u32, u32),
    /// An entry and a number, which the target tells, under an operator.
    With(Op, u32, Cell),
    /// `factor * entry + constant`, both of which the target tells.
    Linear(u32, Cell, Cell),
}

/// The number m for which every row of the target is the row of the entry modulo m.
fn modulus(entry: &[Cell], target: &[Cell]) -> Option<Cell> {
    let greatest = *target.iter().max()?;
    if *target.iter().min()? < 0 || greatest < 1 {
        return None;
    }
    let mut found = 0i128;
    for (e, t) in entry.iter().zip(target) {
        found = exact::gcd(found, i128::from(*e) - i128::from(*t));
        if found != 0 && found <= i128::from(greatest) {
            return None;
        }
    }
    Cell::try_from(found).ok().filter(|m| *m > 0)
}

/// The smallest number m for which every row of the target is the row of the entry over m, floored.
fn divisor(entry: &[Cell], target: &[Cell]) -> Option<Cell> {
    let (mut low, mut high) = (2 as Cell, Cell::MAX);
    for (e, t) in entry.iter().zip(target) {
        if *e < 0 || *t < 0 || t > e {
            return None;
        }
        low = low.max(e / (t.checked_add(1)?) + 1);
        if *t > 0 {
            high = high.min(e / t);
        }
        if low > high {
            return None;
        }
    }
    (high < Cell::MAX).then_some(low)
}

/// Factor and constant that turn the entry into the target.
fn line(entry: &[Cell], target: &[Cell]) -> Option<(Cell, Cell)> {
    let other = entry.iter().position(|e| *e != entry[0])?;
    let wide = |x: Cell| i128::from(x);
    let (run, rise) = (wide(entry[other]) - wide(entry[0]), wide(target[other]) - wide(target[0]));
    if rise == 0 || rise % run != 0 {
        return None;
    }
    let factor = rise / run;
    let constant = wide(target[0]) - factor.checked_mul(wide(entry[0]))?;
    let fits = entry
        .iter()
        .zip(target)
        .all(|(e, t)| factor.checked_mul(wide(*e)).is_some_and(|product| product + constant == wide(*t)));
    fits.then_some((Cell::try_from(factor).ok()?, Cell::try_from(constant).ok()?))
}

/// The expressions, their columns of values end to end.
pub struct Pool {
    n_rows: usize,
    values: Vec<Cell>,
    nodes: Vec<Node>,
    sizes: Vec<u32>,
    bits: Vec<u32>,
    index: FxHashMap<u64, u32>,
    /// Where the entries of each size begin.
    levels: Vec<usize>,
    /// How many expressions were computed.
    pub tried: u64,
    scratch: Vec<Cell>,
}

fn hash(column: &[Cell]) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    column.hash(&mut hasher);
    hasher.finish()
}

impl Pool {
    /// A pool of columns of so many rows, with nothing in it.
    pub fn new(n_rows: usize) -> Self {
        Self {
            n_rows,
            values: Vec::new(),
            nodes: Vec::new(),
            sizes: Vec::new(),
            bits: Vec::new(),
            index: FxHashMap::default(),
            levels: vec![0],
            tried: 0,
            scratch: vec![0; n_rows],
        }
    }

    /// Whether there is no expression.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many expressions there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    fn column(&self, id: u32) -> &[Cell] {
        &self.values[id as usize * self.n_rows..][..self.n_rows]
    }

    /// Adds a column that is given, at a price beyond that of a node.
    pub fn leaf(&mut self, number: usize, column: &[Cell], extra_bits: u32) {
        self.scratch.copy_from_slice(column);
        self.keep(Node::Leaf(number), 1, NODE_BITS + extra_bits);
    }

    /// Adds constants: all that come with every pool, and these.
    pub fn constants(&mut self) {
        for value in [1, 2, 3, 0, -1, 4, 5, 10] {
            self.scratch.fill(value);
            self.keep(Node::Const(value), 1, NODE_BITS);
        }
    }

    /// Keeps what lies in the scratch column, unless it is known.
    fn keep(&mut self, node: Node, size: u32, bits: u32) {
        let hash = hash(&self.scratch);
        if self.index.contains_key(&hash) {
            return;
        }
        self.index.insert(hash, self.nodes.len() as u32);
        self.values.extend_from_slice(&self.scratch);
        self.nodes.push(node);
        self.sizes.push(size);
        self.bits.push(bits);
    }

    /// Computes a column into the scratch; false where a row traps.
    #[inline]
    fn compute(&mut self, op: Op, a: u32, b: u32) -> bool {
        self.tried += 1;
        let (a, b) = (a as usize * self.n_rows, b as usize * self.n_rows);
        for row in 0..self.n_rows {
            match op.apply(self.values[a + row], self.values[b + row]) {
                Some(value) => self.scratch[row] = value,
                None => return false,
            }
        }
        true
    }

    /// Adds the expressions of the next size, as long as the pool holds fewer than `len_max` and computed fewer than
    /// `tried_max`; false where nothing more can be added.
    pub fn grow(&mut self, len_max: usize, tried_max: u64) -> bool {
        let before = self.nodes.len();
        self.levels.push(before);
        let size = self.levels.len() as u32;
        let level = |pool: &Self, size: usize| {
            let end = pool.levels.get(size).copied().unwrap_or(before);
            (pool.levels[size - 1], end)
        };
        let (from, to) = level(self, size as usize - 1);
        for a in from..to {
            for op in UNARY {
                if self.nodes.len() >= len_max || self.tried >= tried_max {
                    return false;
                }
                if self.compute(op, a as u32, a as u32) {
                    let bits = self.bits[a] + NODE_BITS;
                    self.keep(Node::Unary(op, a as u32), size, bits);
                }
            }
        }
        for left in 1..size as usize - 1 {
            let right = size as usize - 1 - left;
            let ((a0, a1), (b0, b1)) = (level(self, left), level(self, right));
            for a in a0..a1 {
                for b in b0..b1 {
                    for op in BINARY {
                        if op.is_commutative() && b < a {
                            continue;
                        }
                        if self.nodes.len() >= len_max || self.tried >= tried_max {
                            return false;
                        }
                        if self.compute(op, a as u32, b as u32) {
                            let bits = self.bits[a] + self.bits[b] + NODE_BITS;
                            self.keep(Node::Binary(op, a as u32, b as u32), size, bits);
                        }
                    }
                }
            }
        }
        self.nodes.len() > before || size < 4
    }

    /// The entry with these values.
    pub fn find(&self, target: &[Cell]) -> Option<u32> {
        let id = *self.index.get(&hash(target))?;
        (self.column(id) == target).then_some(id)
    }

    /// The cheapest way to the target: an entry, else two entries joined, the first of them among those of the smaller
    /// sizes.
    pub fn meet(&mut self, target: &[Cell]) -> Option<(Meet, u32)> {
        if let Some(id) = self.find(target) {
            return Some((Meet::Entry(id), self.bits[id as usize]));
        }
        let mut best: Option<(Meet, u32)> = None;
        let mut wanted = vec![0; self.n_rows];
        for id in 0..self.nodes.len() as u32 {
            self.tried += 1;
            let known = self.column(id);
            let numbers = [
                modulus(known, target).map(|m| (Meet::With(Op::Mod, id, m), bits(m.into()))),
                divisor(known, target).map(|m| (Meet::With(Op::Slash, id, m), bits(m.into()))),
                line(known, target)
                    .map(|(a, b)| (Meet::Linear(id, a, b), bits(a.into()) + bits(b.into()) + NODE_BITS)),
            ];
            for (meet, cost) in numbers.into_iter().flatten() {
                let bits = self.bits[id as usize] + cost + NODE_BITS;
                if best.is_none_or(|(_, least)| bits < least) {
                    best = Some((meet, bits));
                }
            }
            for (op, swapped) in INVERTED {
                let is_possible = wanted.iter_mut().zip(target.iter().zip(known)).all(|(slot, (t, k))| {
                    *slot = match (op, swapped) {
                        // known + slot = target
                        (Op::Plus, _) => t.wrapping_sub(*k),
                        // known - slot = target
                        (Op::Minus, false) => k.wrapping_sub(*t),
                        // slot - known = target
                        (Op::Minus, true) => t.wrapping_add(*k),
                        (Op::Xor, _) => t ^ k,
                        // slot / known = target, exactly
                        (Op::Slash, _) => match t.checked_mul(*k) {
                            Some(product) if *k != 0 => product,
                            _ => return false,
                        },
                        _ if *k != 0 && t.wrapping_rem(*k) == 0 => t.wrapping_div(*k),
                        _ if *k == 0 && *t == 0 => 0,
                        _ => return false,
                    };
                    true
                });
                if !is_possible {
                    continue;
                }
                let Some(other) = self.find(&wanted) else { continue };
                let bits = self.bits[id as usize] + self.bits[other as usize] + NODE_BITS;
                if best.is_none_or(|(_, least)| bits < least) {
                    let (a, b) = if swapped { (other, id) } else { (id, other) };
                    best = Some((Meet::Joined(op, a, b), bits));
                }
            }
        }
        best
    }

    /// The leaves that it stands on, in order.
    pub fn leaves(&self, meet: Meet) -> Vec<usize> {
        let mut found = Vec::new();
        let mut waiting = match meet {
            Meet::Entry(id) => vec![id],
            Meet::Joined(_, a, b) => vec![a, b],
            Meet::With(_, id, _) | Meet::Linear(id, ..) => vec![id],
        };
        while let Some(id) = waiting.pop() {
            match self.nodes[id as usize] {
                Node::Leaf(number) => found.push(number),
                Node::Const(_) => {}
                Node::Unary(_, a) => waiting.push(a),
                Node::Binary(_, a, b) => waiting.extend([a, b]),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The expression, with inputs for the leaves.
    pub fn express(&self, meet: Meet, exprs: &mut Exprs, input_of: &dyn Fn(usize) -> usize) -> ExprId {
        match meet {
            Meet::Entry(id) => match self.nodes[id as usize] {
                Node::Leaf(number) => exprs.input(input_of(number)),
                Node::Const(value) => exprs.constant(value),
                Node::Unary(op, a) => {
                    let a = self.express(Meet::Entry(a), exprs, input_of);
                    exprs.unary(op, a)
                }
                Node::Binary(op, a, b) => self.express(Meet::Joined(op, a, b), exprs, input_of),
            },
            Meet::With(op, id, number) => {
                let a = self.express(Meet::Entry(id), exprs, input_of);
                let b = exprs.constant(number);
                exprs.binary(op, a, b)
            }
            Meet::Linear(id, factor, constant) => {
                let entry = self.express(Meet::Entry(id), exprs, input_of);
                let factor = exprs.constant(factor);
                let constant = exprs.constant(constant);
                let product = exprs.binary(Op::Star, entry, factor);
                exprs.binary(Op::Plus, product, constant)
            }
            Meet::Joined(op, a, b) => {
                let a = self.express(Meet::Entry(a), exprs, input_of);
                let b = self.express(Meet::Entry(b), exprs, input_of);
                exprs.binary(op, a, b)
            }
        }
    }

    /// The values of an entry.
    pub fn values(&self, id: u32) -> &[Cell] {
        self.column(id)
    }

    /// The bits of an entry.
    pub fn bits_of(&self, id: u32) -> u32 {
        self.bits[id as usize]
    }
}
