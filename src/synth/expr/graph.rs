//! The graph: every distinct expression once, operands before what uses them.

use crate::model::Cell;
use crate::synth::expr::Op;
use rustc_hash::FxHashMap;

/// Largest magnitude of a constant that building computes in advance.
const FOLDED_MAX: u64 = 4096;

/// An expression of one [`Exprs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExprId(pub u32);

impl ExprId {
    /// The position in the graph.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an expression is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// An input, counted from the bottom of the stack.
    Input(u8),
    /// A literal.
    Const(Cell),
    /// One operand.
    Unary(Op, ExprId),
    /// Two operands, the second on top.
    Binary(Op, ExprId, ExprId),
    /// The second where the first is not 0, else the third; the other of them is not computed.
    If(ExprId, ExprId, ExprId),
}

impl Node {
    /// The expressions that it is made of, in order.
    pub fn operands(self) -> impl Iterator<Item = ExprId> {
        let all = match self {
            Node::Input(_) | Node::Const(_) => [None, None, None],
            Node::Unary(_, a) => [Some(a), None, None],
            Node::Binary(_, a, b) => [Some(a), Some(b), None],
            Node::If(c, a, b) => [Some(c), Some(a), Some(b)],
        };
        all.into_iter().flatten()
    }
}

/// The inputs of one test, bottom to top.
pub type Row<'r> = &'r [Cell];

/// A graph of expressions. Building the same one twice gives the same id.
///
/// ```
/// use wordmill::synth::expr::{Exprs, Op, schedule};
/// let mut exprs = Exprs::new(1);
/// let x = exprs.input(0);
/// let square = exprs.binary(Op::Star, x, x);
/// let sum = exprs.binary(Op::Plus, square, x);
/// assert_eq!(exprs.eval(sum, &[5]), Some(30));
/// assert_eq!(schedule(&exprs, &[sum]), "dup dup * +");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exprs {
    n_in: usize,
    nodes: Vec<Node>,
    ids: FxHashMap<Node, ExprId>,
}

impl Exprs {
    /// A graph of so many inputs and nothing else.
    pub fn new(n_in: usize) -> Self {
        let mut exprs = Self::default();
        exprs.reset(n_in);
        exprs
    }

    /// Becomes a graph of so many inputs and nothing else; keeps the memory.
    pub fn reset(&mut self, n_in: usize) {
        self.nodes.clear();
        self.ids.clear();
        self.n_in = n_in;
        for position in 0..n_in {
            self.add(Node::Input(position as u8));
        }
    }

    /// How many inputs there are.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// What an expression is.
    pub fn node(&self, id: ExprId) -> Node {
        self.nodes[id.index()]
    }

    fn add(&mut self, node: Node) -> ExprId {
        *self.ids.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            ExprId(self.nodes.len() as u32 - 1)
        })
    }

    /// An input.
    pub fn input(&self, position: usize) -> ExprId {
        assert!(position < self.n_in, "input {position} of {}", self.n_in);
        ExprId(position as u32)
    }

    /// A literal.
    pub fn constant(&mut self, value: Cell) -> ExprId {
        self.add(Node::Const(value))
    }

    fn value(&self, id: ExprId) -> Option<Cell> {
        match self.node(id) {
            Node::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The literal of an operation on literals, where it is small.
    fn folded(&mut self, op: Op, a: Cell, b: Cell) -> Option<ExprId> {
        let value = op.apply(a, b).filter(|value| value.unsigned_abs() <= FOLDED_MAX)?;
        Some(self.constant(value))
    }

    /// Whether the value is always 0 or -1.
    pub fn is_flag(&self, id: ExprId) -> bool {
        match self.node(id) {
            Node::Input(_) => false,
            Node::Const(value) => matches!(value, 0 | -1),
            Node::Unary(Op::Invert, a) => self.is_flag(a),
            Node::Unary(op, _) => op.is_flag(),
            Node::Binary(Op::And | Op::Or | Op::Xor, a, b) => self.is_flag(a) && self.is_flag(b),
            Node::Binary(op, ..) => op.is_flag(),
            Node::If(_, a, b) => self.is_flag(a) && self.is_flag(b),
        }
    }

    /// One operand; simplified where another word says the same.
    pub fn unary(&mut self, op: Op, a: ExprId) -> ExprId {
        assert_eq!(op.arity(), 1, "{op:?}");
        use Op::*;
        match (op, self.node(a)) {
            (_, Node::Const(value)) => {
                if let Some(folded) = self.folded(op, value, 0) {
                    return folded;
                }
            }
            (Invert, Node::Unary(Invert, x)) | (Negate, Node::Unary(Negate, x)) => return x,
            (OnePlus, Node::Unary(OneMinus, x)) | (OneMinus, Node::Unary(OnePlus, x)) => return x,
            (OnePlus, Node::Unary(Invert, x)) | (Invert, Node::Unary(OneMinus, x)) => {
                return self.unary(Negate, x);
            }
            (Invert, Node::Unary(Negate, x)) | (Negate, Node::Unary(Invert, x)) => {
                return self.unary(if op == Invert { OneMinus } else { OnePlus }, x);
            }
            (Negate, Node::Binary(Minus, x, y)) => return self.binary(Minus, y, x),
            (Abs, Node::Unary(Abs, _)) => return a,
            (Abs, Node::Unary(Negate, x)) => return self.unary(Abs, x),
            (ZeroEquals, Node::Unary(ZeroEquals, x)) if self.is_flag(x) => return x,
            (ZeroEquals, Node::Unary(ZeroEquals, x)) => return self.unary(ZeroNotEquals, x),
            (ZeroEquals, Node::Unary(ZeroNotEquals, x)) => return self.unary(ZeroEquals, x),
            (ZeroEquals, Node::Binary(Equals, x, y)) => return self.binary(NotEquals, x, y),
            (ZeroEquals, Node::Binary(NotEquals, x, y)) => return self.binary(Equals, x, y),
            (ZeroEquals, Node::Binary(Xor | Minus, x, y)) => return self.binary(Equals, x, y),
            (ZeroNotEquals | ZeroLess, _) if self.is_flag(a) => return a,
            (Invert, _) if self.is_flag(a) => return self.unary(ZeroEquals, a),
            (TwoStar, Node::Unary(TwoStar, x)) => {
                let two = self.constant(2);
                return self.binary(LShift, x, two);
            }
            (TwoStar, Node::Binary(LShift, x, count)) if self.value(count).is_some_and(|n| n < 63) => {
                let count = self.unary(OnePlus, count);
                return self.binary(LShift, x, count);
            }
            _ => {}
        }
        self.add(Node::Unary(op, a))
    }

    /// Two operands; simplified where fewer words say the same.
    pub fn binary(&mut self, op: Op, a: ExprId, b: ExprId) -> ExprId {
        assert_eq!(op.arity(), 2, "{op:?}");
        use Op::*;
        match (self.value(a), self.value(b)) {
            (Some(left), Some(right)) => {
                if let Some(folded) = self.folded(op, left, right) {
                    return folded;
                }
            }
            (Some(_), None) => {
                if let Some(mirrored) = op.mirrored() {
                    return self.binary(mirrored, b, a);
                }
                if op == Minus && self.value(a) == Some(0) {
                    return self.unary(Negate, b);
                }
            }
            (None, Some(value)) => {
                if let Some(simpler) = self.with_constant(op, a, value) {
                    return simpler;
                }
            }
            (None, None) => {
                if let Some(simpler) = self.of_two(op, a, b) {
                    return simpler;
                }
            }
        }
        self.add(Node::Binary(op, a, b))
    }

    /// A simpler form of an operation on an expression and a literal.
    fn with_constant(&mut self, op: Op, a: ExprId, value: Cell) -> Option<ExprId> {
        use Op::*;
        Some(match (op, value) {
            (Plus | Minus | Or | Xor | LShift | RShift, 0) | (Star | Slash, 1) | (And, -1) => a,
            (Star | And, 0) => self.constant(0),
            (Or, -1) => self.constant(-1),
            (LShift | RShift, count) if !(0..64).contains(&count) => self.constant(0),
            (Plus, 1) | (Minus, -1) => self.unary(OnePlus, a),
            (Plus, -1) | (Minus, 1) => self.unary(OneMinus, a),
            (Star, -1) => self.unary(Negate, a),
            (Star, 2) | (LShift, 1) => self.unary(TwoStar, a),
            (Slash, 2) => self.unary(TwoSlash, a),
            (Xor, -1) => self.unary(Invert, a),
            (Equals, 0) => self.unary(ZeroEquals, a),
            (NotEquals, 0) => self.unary(ZeroNotEquals, a),
            (Less, 0) => self.unary(ZeroLess, a),
            (Greater, 0) => self.unary(ZeroGreater, a),
            (Less, 1) => {
                let positive = self.unary(ZeroGreater, a);
                self.unary(ZeroEquals, positive)
            }
            (UGreater, 0) => self.unary(ZeroNotEquals, a),
            (ULess, 1) => self.unary(ZeroEquals, a),
            (LShift | RShift, _) => {
                let (x, before) = match self.node(a) {
                    Node::Binary(inner, x, count) if inner == op => (x, self.value(count)?),
                    Node::Unary(TwoStar, x) if op == LShift => (x, 1),
                    _ => return None,
                };
                let sum = self.constant(before + value);
                self.binary(op, x, sum)
            }
            _ => return None,
        })
    }

    /// A simpler form of an operation on two expressions.
    fn of_two(&mut self, op: Op, a: ExprId, b: ExprId) -> Option<ExprId> {
        use Op::*;
        let (left, right) = (self.node(a), self.node(b));
        Some(match op {
            And | Or | Min | Max if a == b => a,
            Xor | Minus if a == b => self.constant(0),
            Plus if a == b => self.unary(TwoStar, a),
            Equals if a == b => self.constant(-1),
            NotEquals | Less | Greater | ULess | UGreater if a == b => self.constant(0),
            Plus => match (left, right) {
                (_, Node::Unary(Negate, y)) => self.binary(Minus, a, y),
                (Node::Unary(Negate, x), _) => self.binary(Minus, b, x),
                _ => return None,
            },
            Minus => match right {
                Node::Unary(Negate, y) => self.binary(Plus, a, y),
                _ => return None,
            },
            Xor => match (left, right) {
                (Node::Unary(Invert, x), Node::Unary(Invert, y)) => self.binary(Xor, x, y),
                _ => return None,
            },
            And | Or => match (left, right) {
                (Node::Unary(Invert, x), Node::Unary(Invert, y)) => {
                    let inner = self.binary(if op == And { Or } else { And }, x, y);
                    self.unary(Invert, inner)
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    /// `then` where the condition is not 0, else `otherwise`.
    pub fn choose(&mut self, condition: ExprId, then: ExprId, otherwise: ExprId) -> ExprId {
        if then == otherwise {
            return then;
        }
        match self.node(condition) {
            Node::Const(value) => return if value != 0 { then } else { otherwise },
            Node::Unary(Op::ZeroEquals, c) => return self.choose(c, otherwise, then),
            Node::Unary(Op::ZeroNotEquals, c) => return self.choose(c, then, otherwise),
            _ => {}
        }
        if self.is_flag(condition) {
            match (self.value(then), self.value(otherwise)) {
                (Some(-1), Some(0)) => return condition,
                (Some(0), Some(-1)) => return self.unary(Op::ZeroEquals, condition),
                (Some(1), Some(0)) => return self.unary(Op::Negate, condition),
                (Some(0), Some(1)) => return self.unary(Op::OnePlus, condition),
                _ => {}
            }
        }
        self.add(Node::If(condition, then, otherwise))
    }

    /// The value on one row of inputs; `None` where the body would trap.
    pub fn eval(&self, id: ExprId, row: Row<'_>) -> Option<Cell> {
        Evaluator::new(self).eval(id, row)
    }

    /// The column of an expression over columns of inputs, all of the same length; `None` where one row traps.
    pub fn column(&self, id: ExprId, inputs: &[&[Cell]], n_rows: usize) -> Option<Vec<Cell>> {
        let mut evaluator = Evaluator::new(self);
        let mut row = vec![0; inputs.len()];
        (0..n_rows)
            .map(|at| {
                row.iter_mut().zip(inputs).for_each(|(cell, column)| *cell = column[at]);
                evaluator.eval(id, &row)
            })
            .collect()
    }
}

/// Reads values row by row and remembers, within a row, what it has computed.
struct Evaluator<'e> {
    exprs: &'e Exprs,
    /// The value and the row on which it was computed.
    known: Vec<(u64, Option<Cell>)>,
    row: u64,
}

impl<'e> Evaluator<'e> {
    fn new(exprs: &'e Exprs) -> Self {
        Self { exprs, known: vec![(0, None); exprs.nodes.len()], row: 0 }
    }

    fn eval(&mut self, id: ExprId, row: Row<'_>) -> Option<Cell> {
        self.row += 1;
        self.value(id, row)
    }

    fn value(&mut self, id: ExprId, row: Row<'_>) -> Option<Cell> {
        let (known_at, value) = self.known[id.index()];
        if known_at == self.row {
            return value;
        }
        let value = match self.exprs.node(id) {
            Node::Input(position) => row.get(position as usize).copied(),
            Node::Const(value) => Some(value),
            Node::Unary(op, a) => self.value(a, row).and_then(|a| op.apply(a, 0)),
            Node::Binary(op, a, b) => {
                self.value(a, row).and_then(|a| self.value(b, row).and_then(|b| op.apply(a, b)))
            }
            Node::If(condition, a, b) => {
                self.value(condition, row).and_then(|c| self.value(if c != 0 { a } else { b }, row))
            }
        };
        self.known[id.index()] = (self.row, value);
        value
    }
}
