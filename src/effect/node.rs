//! The values of symbolic execution: nodes in an arena, named by small ids. An id below [`FIRST_NODE`] is an input of the
//! code, counted from the top of the stack at entry, and needs no node.

use crate::forth::words::{Kind, Word};
use crate::model::Cell;

/// A value: an input or a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(pub(crate) u16);

/// Ids from here on are nodes.
pub(crate) const FIRST_NODE: usize = 40;

/// Where a value is wanted and there is none, and under loop parameters on the return stack.
pub(crate) const NO_VALUE: Id = Id(u16::MAX);

/// The position of values that come from a notation instead of the code.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// So many nodes at most; every token of the code makes a few hundred at the very worst, which still fit below `NO_VALUE`.
pub(crate) const NODES_MAX: usize = 60_000;

impl Id {
    /// The number of the input from the top, where this is an input.
    #[inline(always)]
    pub(crate) fn input(self) -> Option<usize> {
        ((self.0 as usize) < FIRST_NODE).then_some(self.0 as usize)
    }
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    /// The result of a word over its operands: the deepest one if it has several. Up to three operands stand in `a b c`;
    /// of more, `a` says where they start in `args`.
    Word(Word),
    /// The second result of a word.
    Second(Word),
    /// The third result of a word.
    Third(Word),
    /// A number; `a` is its place in `literals`.
    Literal,
    /// `a ? b : c`.
    Phi,
    /// A cell as it stands at the head of a loop that is still open; `a` is its value before the loop.
    LoopVar,
    /// A cell that its loop turned out not to change; `a` is its value.
    Alias,
    /// A value that only a run can tell, such as what a loop leaves.
    Unknown,
    /// The index of a counted loop.
    Index,
    /// An address that only a run can tell: of a string, of a variable, of what CREATE made.
    Address,
    /// A result of a call; `a` is the call, `b` the number of the result, from the deepest.
    Call,
    /// The execution token of a word; `a` is the call that names it, `b` its number among the definitions of the text.
    Token,
    /// The execution token of a quotation; `a` is its number.
    Quote,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) a: Id,
    pub(crate) b: Id,
    pub(crate) c: Id,
    /// Position in the code of the word that made it.
    pub(crate) position: u32,
}

/// A call of a word that is not in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Its name, as a range of `names`.
    pub(crate) name: (u32, u32),
    /// Where its arguments start in `args`.
    pub(crate) args: u32,
    pub(crate) n_in: u8,
    pub(crate) n_out: u8,
    /// Bit `k`: result `k` is a flag.
    pub(crate) flags: u32,
    /// Two calls with the same arguments have the same results.
    pub(crate) pure: bool,
    /// The number that the word always leaves: it was made by CONSTANT.
    pub(crate) constant: Option<Cell>,
}

/// The arena.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) literals: Vec<Cell>,
    pub(crate) args: Vec<Id>,
    pub(crate) calls: Vec<Call>,
    pub(crate) names: String,
}

impl Graph {
    /// Forgets everything and keeps the memory.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.literals.clear();
        self.args.clear();
        self.calls.clear();
        self.names.clear();
    }

    /// A new node.
    #[inline(always)]
    pub(crate) fn push(&mut self, op: Op, a: Id, b: Id, c: Id, position: u32) -> Id {
        let id = Id((FIRST_NODE + self.nodes.len()) as u16);
        self.nodes.push(Node { op, a, b, c, position });
        id
    }

    /// A number.
    #[inline(always)]
    pub(crate) fn literal(&mut self, value: Cell, position: u32) -> Id {
        let at = Id(self.literals.len() as u16);
        self.literals.push(value);
        self.push(Op::Literal, at, NO_VALUE, NO_VALUE, position)
    }

    /// A value that only a run can tell.
    pub(crate) fn unknown(&mut self, position: u32) -> Id {
        self.push(Op::Unknown, NO_VALUE, NO_VALUE, NO_VALUE, position)
    }

    /// The node of a value that is not an input.
    #[inline(always)]
    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get((id.0 as usize).wrapping_sub(FIRST_NODE))
    }

    /// The node of a value that is not an input, to change it.
    pub(crate) fn node_mut(&mut self, id: Id) -> Option<&mut Node> {
        self.nodes.get_mut((id.0 as usize).wrapping_sub(FIRST_NODE))
    }

    /// The value behind cells that loops turned out not to change.
    pub(crate) fn resolve(&self, mut id: Id) -> Id {
        while let Some(Node { op: Op::Alias, a, .. }) = self.node(id) {
            id = *a;
        }
        id
    }

    /// What a value is when a condition holds, and when it does not.
    pub(crate) fn arms(&self, id: Id, condition: Id) -> (Id, Id) {
        match self.node(self.resolve(id)) {
            Some(&Node { op: Op::Phi, a, b, c, .. }) if a == condition => (b, c),
            _ => (id, id),
        }
    }

    /// The number that a value is, where it is one.
    pub(crate) fn literal_of(&self, id: Id) -> Option<Cell> {
        match self.node(self.resolve(id))? {
            Node { op: Op::Literal, a, .. } => self.literals.get(a.0 as usize).copied(),
            Node { op: Op::Word(Word::True), .. } => Some(crate::model::TRUE),
            Node { op: Op::Word(Word::False), .. } => Some(crate::model::FALSE),
            _ => None,
        }
    }

    /// The number that a value is, also where a constant of the text stands for it.
    pub(crate) fn number_of(&self, id: Id) -> Option<Cell> {
        match self.node(self.resolve(id)) {
            Some(Node { op: Op::Call, a, .. }) => self.calls[a.0 as usize].constant,
            _ => self.literal_of(id),
        }
    }

    /// Keeps operands that a node has no room for; `None` where there are too many.
    pub(crate) fn keep_args(&mut self, operands: &[Id]) -> Option<Id> {
        let at = u16::try_from(self.args.len()).ok().filter(|&at| at < u16::MAX)?;
        self.args.extend_from_slice(operands);
        Some(Id(at))
    }

    /// The operands of a node, unresolved.
    pub(crate) fn operands<'n>(&'n self, node: &'n Node) -> Operands<'n> {
        let direct = |n| Operands { direct: [node.a, node.b, node.c], n, rest: &[] };
        match node.op {
            Op::Word(word) | Op::Second(word) | Op::Third(word) => match word.def().n_in {
                n @ 0..=3 => direct(n),
                n => {
                    let start = node.a.0 as usize;
                    Operands { direct: [NO_VALUE; 3], n: 0, rest: &self.args[start..start + n as usize] }
                }
            },
            Op::Phi => direct(3),
            Op::Alias => direct(1),
            Op::Call => {
                let call = &self.calls[node.a.0 as usize];
                let start = call.args as usize;
                Operands { direct: [NO_VALUE; 3], n: 0, rest: &self.args[start..start + call.n_in as usize] }
            }
            Op::Literal | Op::LoopVar | Op::Unknown | Op::Index | Op::Address | Op::Token | Op::Quote => {
                direct(0)
            }
        }
    }

    /// The name of a call.
    pub(crate) fn call_name(&self, call: Id) -> &str {
        let (start, end) = self.calls[call.0 as usize].name;
        &self.names[start as usize..end as usize]
    }

    /// Whether the value is certainly a Forth flag.
    pub(crate) fn is_flag(&self, id: Id) -> bool {
        self.is_flag_within(id, 16)
    }

    fn is_flag_within(&self, id: Id, depth: u32) -> bool {
        let Some(node) = self.node(self.resolve(id)) else { return false };
        let Some(depth) = depth.checked_sub(1) else { return false };
        match node.op {
            Op::Word(Word::And | Word::Or | Word::Xor) => {
                self.is_flag_within(node.a, depth) && self.is_flag_within(node.b, depth)
            }
            Op::Word(Word::Invert) => self.is_flag_within(node.a, depth),
            Op::Word(word) => word.def().kind == Kind::Flag,
            Op::Phi => self.is_flag_within(node.b, depth) && self.is_flag_within(node.c, depth),
            Op::Call => {
                let call = &self.calls[node.a.0 as usize];
                node.b.0 < 32 && call.flags >> node.b.0 & 1 == 1
            }
            _ => false,
        }
    }
}

/// The operands of one node.
pub(crate) struct Operands<'n> {
    direct: [Id; 3],
    n: u8,
    rest: &'n [Id],
}

impl Operands<'_> {
    /// As a slice, deepest first.
    pub(crate) fn as_slice(&self) -> &[Id] {
        if self.n == 0 { self.rest } else { &self.direct[..self.n as usize] }
    }
}

/// Whether the results of a word depend on its operands alone.
pub(crate) fn is_pure(word: Word) -> bool {
    matches!(word.def().kind, Kind::Op | Kind::Flag | Kind::Stack)
}
