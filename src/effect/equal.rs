//! When two values are certainly the same: by structure, with the order of commutative operands left aside. `false` means
//! only that this did not show it.

use crate::effect::node::{Graph, Id, Node, Op, is_pure};
use crate::forth::words::Word;

/// Comparisons of one question, at most.
const STEPS_MAX: u32 = 400;

impl Graph {
    /// Whether two values are certainly the same.
    pub(crate) fn same(&self, a: Id, b: Id) -> bool {
        let mut steps = STEPS_MAX;
        self.same_within(a, b, &mut steps)
    }

    fn same_within(&self, a: Id, b: Id, steps: &mut u32) -> bool {
        let (a, b) = (self.resolve(a), self.resolve(b));
        if a == b {
            return true;
        }
        let Some(left) = steps.checked_sub(1) else { return false };
        *steps = left;
        if let (Some(a), Some(b)) = (self.literal_of(a), self.literal_of(b)) {
            return a == b;
        }
        let (Some(x), Some(y)) = (self.node(a), self.node(b)) else { return false };
        if x.op != y.op || !self.is_comparable(x, y) {
            return false;
        }
        let (p, q) = (self.operands(x), self.operands(y));
        let (p, q) = (p.as_slice(), q.as_slice());
        let in_order = p.len() == q.len() && p.iter().zip(q).all(|(&p, &q)| self.same_within(p, q, steps));
        in_order
            || is_commutative(x.op)
                && matches!((p, q), (&[a, b], &[c, d])
                    if self.same_within(a, d, steps) && self.same_within(b, c, steps))
    }

    /// Nodes that depend on their operands alone.
    fn is_comparable(&self, x: &Node, y: &Node) -> bool {
        match x.op {
            Op::Word(word) | Op::Second(word) | Op::Third(word) => is_pure(word),
            Op::Phi => true,
            Op::Call => {
                let pure = self.calls[x.a.0 as usize].pure && self.calls[y.a.0 as usize].pure;
                let same_name = self.call_name(x.a).eq_ignore_ascii_case(self.call_name(y.a));
                pure && x.b == y.b && same_name
            }
            Op::Token => self.call_name(x.a).eq_ignore_ascii_case(self.call_name(y.a)),
            _ => false,
        }
    }
}

/// Whether the operands may change places.
pub(crate) fn is_commutative(op: Op) -> bool {
    use Word::*;
    matches!(op, Op::Word(Plus | Star | And | Or | Xor | Min | Max | Equals | NotEquals))
}
