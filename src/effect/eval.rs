//! Values over concrete inputs, by the one table of scalar meaning. Comparing two values on inputs proves them different;
//! it never proves them the same.

use crate::effect::infer::Effect;
use crate::effect::node::{Graph, Id, Node, Op};
use crate::forth::words::Word;
use crate::model::{Cell, scalar};

/// What a value is on given inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evaluated {
    /// This number.
    Cell(Cell),
    /// Computing it divides by zero.
    Trap,
    /// Only a run can tell: memory, calls, loops.
    Unknown,
}

impl Effect<'_> {
    /// The outputs, deepest first, for inputs given deepest first.
    ///
    /// # Panics
    ///
    /// When the number of inputs is not [`Effect::n_in`].
    pub fn eval(&self, inputs: &[Cell]) -> Vec<Evaluated> {
        assert_eq!(inputs.len(), self.n_in());
        let mut values = Vec::new();
        self.scratch.graph.eval(inputs, &mut values);
        self.outs.iter().map(|&id| value_of(id, inputs, &values)).collect()
    }
}

/// One value among those of all nodes.
pub(crate) fn value_of(id: Id, inputs: &[Cell], values: &[Evaluated]) -> Evaluated {
    match id.input() {
        Some(from_top) => match inputs.len().checked_sub(from_top + 1) {
            Some(k) => Evaluated::Cell(inputs[k]),
            None => Evaluated::Unknown,
        },
        None => values
            .get((id.0 as usize).wrapping_sub(super::node::FIRST_NODE))
            .copied()
            .unwrap_or(Evaluated::Unknown),
    }
}

impl Graph {
    /// The values of all nodes, in order: operands come before their users.
    pub(crate) fn eval(&self, inputs: &[Cell], values: &mut Vec<Evaluated>) {
        values.clear();
        for node in &self.nodes {
            let value = self.eval_node(node, inputs, values);
            values.push(value);
        }
    }

    fn eval_node(&self, node: &Node, inputs: &[Cell], values: &[Evaluated]) -> Evaluated {
        let of = |id| value_of(id, inputs, values);
        let (word, result) = match node.op {
            Op::Literal => return Evaluated::Cell(self.literals[node.a.0 as usize]),
            Op::Alias => return of(node.a),
            Op::Phi => {
                return match of(node.a) {
                    Evaluated::Cell(0) => of(node.c),
                    Evaluated::Cell(_) => of(node.b),
                    other => other,
                };
            }
            Op::Word(word) => (word, 0),
            Op::Second(word) => (word, 1),
            Op::Third(word) => (word, 2),
            _ => return Evaluated::Unknown,
        };
        let mut cells = [0; 4];
        let operands = self.operands(node);
        for (cell, &operand) in cells.iter_mut().zip(operands.as_slice()) {
            match of(operand) {
                Evaluated::Cell(value) => *cell = value,
                other => return other,
            }
        }
        match apply(word, cells) {
            Applied::Cells(results) => Evaluated::Cell(results[result]),
            Applied::Trap => Evaluated::Trap,
            Applied::Unknown => Evaluated::Unknown,
        }
    }
}

enum Applied {
    Cells([Cell; 2]),
    Trap,
    Unknown,
}

/// A pure word on cells.
fn apply(word: Word, [a, b, c, d]: [Cell; 4]) -> Applied {
    use Word::*;
    let one = |value| Applied::Cells([value, 0]);
    let flag = |truth| Applied::Cells([scalar::flag(truth), 0]);
    let or_trap = |value: Option<Cell>| value.map_or(Applied::Trap, one);
    let (ab, cd) = (double(a, b), double(c, d));
    match word {
        Plus => one(a.wrapping_add(b)),
        Minus => one(a.wrapping_sub(b)),
        Star => one(a.wrapping_mul(b)),
        Slash => or_trap(scalar::div_floored(a, b)),
        Mod => or_trap(scalar::mod_floored(a, b)),
        StarSlash | StarSlashMod => match div_mod_wide(a as i128 * b as i128, c) {
            None => Applied::Trap,
            Some((quotient, _)) if word == StarSlash => one(quotient as Cell),
            Some((_, remainder)) => one(remainder as Cell),
        },
        OnePlus | CharPlus => one(a.wrapping_add(1)),
        CellPlus => one(a.wrapping_add(8)),
        OneMinus => one(a.wrapping_sub(1)),
        TwoStar => one(a.wrapping_mul(2)),
        TwoSlash => one(scalar::two_slash(a)),
        Cells => one(a.wrapping_mul(8)),
        Chars => one(a),
        Aligned => one(a.wrapping_add(7) & !7),
        Negate => one(a.wrapping_neg()),
        Abs => one(a.wrapping_abs()),
        Min => one(a.min(b)),
        Max => one(a.max(b)),
        LShift => one(scalar::lshift(a, b)),
        RShift => one(scalar::rshift(a, b)),
        And => one(a & b),
        Or => one(a | b),
        Xor => one(a ^ b),
        Invert => one(!a),
        Equals => flag(a == b),
        NotEquals => flag(a != b),
        Less => flag(a < b),
        Greater => flag(a > b),
        LessEq => flag(a <= b),
        GreaterEq => flag(a >= b),
        ULess => flag((a as u64) < b as u64),
        UGreater => flag(a as u64 > b as u64),
        ZeroEquals => flag(a == 0),
        ZeroNotEquals => flag(a != 0),
        ZeroLess => flag(a < 0),
        ZeroGreater => flag(a > 0),
        Within => one(scalar::within(a, b, c)),
        True => flag(true),
        False => flag(false),
        Bl => one(32),
        SToD => Applied::Cells([a, scalar::flag(a < 0)]),
        DPlus => wide(ab.wrapping_add(cd)),
        DMinus => wide(ab.wrapping_sub(cd)),
        DNegate => wide(ab.wrapping_neg()),
        DAbs => wide(ab.wrapping_abs()),
        DTwoStar => wide(ab << 1),
        DTwoSlash => wide(ab >> 1),
        DMin => wide(ab.min(cd)),
        DMax => wide(ab.max(cd)),
        DLess => flag(ab < cd),
        DULess => flag((ab as u128) < cd as u128),
        DEquals => flag(ab == cd),
        DZeroEquals => flag(ab == 0),
        DZeroLess => flag(ab < 0),
        MPlus => wide(ab.wrapping_add(c as i128)),
        MStar => wide(a as i128 * b as i128),
        UMStar => wide((a as u64 as u128 * b as u64 as u128) as i128),
        SlashString => Applied::Cells([a.wrapping_add(c), b.wrapping_sub(c)]),
        _ => Applied::Unknown,
    }
}

/// The low cell lies deeper.
fn double(low: Cell, high: Cell) -> i128 {
    (high as i128) << 64 | low as u64 as i128
}

fn wide(value: i128) -> Applied {
    Applied::Cells([value as Cell, (value >> 64) as Cell])
}

fn div_mod_wide(dividend: i128, divisor: Cell) -> Option<(i128, i128)> {
    let divisor = divisor as i128;
    if divisor == 0 {
        return None;
    }
    let (quotient, remainder) = (dividend / divisor, dividend % divisor);
    if remainder != 0 && (remainder ^ divisor) < 0 {
        Some((quotient - 1, remainder + divisor))
    } else {
        Some((quotient, remainder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{NoWords, Scratch, infer};

    fn check(code: &str, inputs: &[Cell], expect: &[Cell]) {
        let mut scratch = Scratch::new();
        let effect = infer(code, &NoWords, &mut scratch).unwrap();
        let expect: Vec<_> = expect.iter().map(|&cell| Evaluated::Cell(cell)).collect();
        assert_eq!(effect.eval(inputs), expect, "{code}");
    }

    #[test]
    fn values() {
        check("dup * swap +", &[3, 5], &[28]);
        check("/mod", &[-7, 2], &[1, -4]);
        check("*/mod", &[Cell::MAX, 4, 3], &[1, 12297829382473034409u64 as Cell]);
        check("dup 0< if negate then", &[-9], &[9]);
        check("dup 0< if negate then", &[9], &[9]);
        check("2dup < if drop else nip then", &[4, 2], &[2]);
        check("case 1 of 10 endof 2 of 20 endof dup swap endcase", &[2], &[20]);
        check("dup 3 > if drop 0 exit then dup 1 > if drop 1 exit then", &[2], &[1]);
        check("m* d2*", &[Cell::MIN, 2], &[0, -2]);
        check("um*", &[-1, 2], &[-2, 1]);
        check("s>d dnegate", &[5], &[-5, -1]);
        check("1. d+", &[-1, 0], &[0, 1]);
    }

    #[test]
    fn traps_and_unknowns() {
        let mut scratch = Scratch::new();
        assert_eq!(infer("/", &NoWords, &mut scratch).unwrap().eval(&[1, 0]), [Evaluated::Trap]);
        assert_eq!(infer("@", &NoWords, &mut scratch).unwrap().eval(&[8]), [Evaluated::Unknown]);
    }
}
