//! Evaluation: checked 128-bit arithmetic, a budget of steps, and words run by the caller.

use crate::model::{Cell, CellType};
use crate::spec::expr::Formula;
use crate::spec::expr::ast::{Arithmetic, BitOp, Call, Choice, Compare, Expr, Fold, Logic};
use crate::spec::expr::builtin::{self, Builtin};
use crate::spec::expr::number;

/// The most values side by side: arguments of a call, elements of a tuple, outputs of a word.
pub const WIDTH_MAX: usize = 16;

/// Steps that one evaluation may take.
const STEPS_MAX: u32 = 1 << 16;

/// Steps that a call of a word counts for: the engine has a budget of its own, and this bounds the calls.
const STEPS_PER_CALL: u32 = 256;

/// Folds within folds.
pub(super) const FOLDS_MAX: usize = 4;

/// How a call of a word went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The outputs are filled in.
    Values,
    /// The word trapped, or left the wrong number of cells: it is wrong on these inputs. The caller knows the details.
    Failed,
    /// It cannot be said, for instance because the inputs are outside of what the specification speaks of.
    Unusable,
}

/// Runs the words that an expression calls.
pub trait Env {
    /// Runs a word (its number in [`Names::words`](crate::spec::expr::Names::words)) on `inputs`, bottom of the stack first, and fills in `outputs`.
    fn call(&mut self, word: usize, inputs: &[Cell], outputs: &mut [Cell]) -> CallResult;
}

/// An environment without words: every call is unusable. For constraints, and for values that call none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWords;

impl Env for NoWords {
    fn call(&mut self, _: usize, _: &[Cell], _: &mut [Cell]) -> CallResult {
        CallResult::Unusable
    }
}

/// The values of the variables, by slot.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The cells; a slot beyond the end is unusable.
    pub cells: &'r [Cell],
    /// Their types.
    pub types: &'r [CellType],
}

/// Why an evaluation gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A number left 128 bits, or does not fit the cell it is meant for.
    Overflow,
    /// Division by zero.
    DivisionByZero,
    /// A function has no answer there: the factorial of -1, a negative exponent.
    Domain,
    /// The budget of steps was spent.
    Steps,
    /// A conditional without an alternative whose condition does not hold.
    Undefined,
    /// A call that could not be judged.
    Call,
}

/// Evaluation stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The sample says nothing, the specification is not wrong.
    Unusable(Reason),
    /// A word that was called failed.
    Failed,
}

impl From<Reason> for Halt {
    fn from(reason: Reason) -> Self {
        Halt::Unusable(reason)
    }
}

/// The number that a cell of a type stands for.
pub fn number_of(cell: Cell, ty: CellType) -> i128 {
    match ty {
        CellType::Uint | CellType::Addr => cell as u64 as i128,
        CellType::Int | CellType::Bool | CellType::Char | CellType::Any => cell as i128,
    }
}

/// The cell of a type that stands for a number, if the type can hold it.
pub fn cell_of(value: i128, ty: CellType) -> Option<Cell> {
    let holds = match ty {
        CellType::Int => i64::try_from(value).is_ok(),
        CellType::Uint | CellType::Addr => u64::try_from(value).is_ok(),
        CellType::Bool => value == 0 || value == -1,
        CellType::Char => (0..=0x10FFFF).contains(&value),
        CellType::Any => i64::try_from(value).is_ok() || u64::try_from(value).is_ok(),
    };
    holds.then_some(value as Cell)
}

/// Several values on the machine's stack.
#[derive(Clone, Copy)]
pub(super) struct Values {
    numbers: [i128; WIDTH_MAX],
    len: usize,
}

impl Values {
    fn new() -> Self {
        Self { numbers: [0; WIDTH_MAX], len: 0 }
    }

    fn push(&mut self, value: i128) -> Result<(), Halt> {
        *self.numbers.get_mut(self.len).ok_or(Reason::Domain)? = value;
        self.len += 1;
        Ok(())
    }

    pub(super) fn as_slice(&self) -> &[i128] {
        &self.numbers[..self.len]
    }
}

/// One evaluation: holds the budget and what was noticed on the way.
pub(super) struct Evaluator<'e> {
    row: Row<'e>,
    env: &'e mut dyn Env,
    /// Constraints over the parameters, for calls of the specification's own word with computed arguments.
    domain: &'e [Formula<'e>],
    unsigned: bool,
    steps: u32,
    locals: [i128; FOLDS_MAX],
    n_locals: usize,
    /// Some number on the way did not fit a cell, so that a word may have had to wrap.
    pub(super) wide: bool,
    /// The word was called with computed arguments that its constraints exclude.
    pub(super) outside: bool,
}

impl<'e> Evaluator<'e> {
    pub(super) fn new(row: Row<'e>, env: &'e mut dyn Env, domain: &'e [Formula<'e>], unsigned: bool) -> Self {
        Self {
            row,
            env,
            domain,
            unsigned,
            steps: STEPS_MAX,
            locals: [0; FOLDS_MAX],
            n_locals: 0,
            wide: false,
            outside: false,
        }
    }

    /// The number that an expression of width 1 stands for.
    pub(super) fn number(&mut self, expr: &Expr<'_>) -> Result<i128, Halt> {
        match expr {
            Expr::Number(value) => Ok(*value),
            Expr::Variable(slot) => self.variable(*slot as usize),
            Expr::Local(depth) => Ok(self.locals[*depth as usize]),
            Expr::Arithmetic(op, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                self.arithmetic(*op, left, right)
            }
            Expr::Negate(inner) => {
                let value = self.number(inner)?.checked_neg();
                self.step(value)
            }
            Expr::Not(inner) => Ok(flag(self.number(inner)? == 0)),
            Expr::Compare(compare) => self.compare(compare).map(flag),
            Expr::Logic(op, left, right) => self.logic(*op, left, right).map(flag),
            Expr::If(choice) => self.choice(choice),
            Expr::Bits(op, left, right) => self.bits(*op, left, right),
            Expr::Builtin(builtin, args) => self.builtin(*builtin, args),
            Expr::Call(call) => self.call(call, 0),
            Expr::Pick(call, index) => self.call(call, *index as usize),
            Expr::Fold(fold, parts) => self.fold(*fold, parts),
            Expr::Tuple(_) => Err(Reason::Domain.into()),
        }
    }

    /// Whether a condition holds.
    pub(super) fn truth(&mut self, expr: &Expr<'_>) -> Result<bool, Halt> {
        self.number(expr).map(|value| value != 0)
    }

    #[inline]
    fn variable(&self, slot: usize) -> Result<i128, Halt> {
        match (self.row.cells.get(slot), self.row.types.get(slot)) {
            (Some(cell), Some(ty)) => Ok(number_of(*cell, *ty)),
            _ => Err(Reason::Domain.into()),
        }
    }

    /// Charges a step for a checked result and notices when it left the cell.
    #[inline]
    fn step(&mut self, value: Option<i128>) -> Result<i128, Halt> {
        let Some(value) = value else { return Err(Reason::Overflow.into()) };
        self.steps = self.steps.checked_sub(1).ok_or(Reason::Steps)?;
        if value as i64 as i128 != value && !(self.unsigned && u64::try_from(value).is_ok()) {
            self.wide = true;
        }
        Ok(value)
    }

    #[inline]
    fn arithmetic(&mut self, op: Arithmetic, left: i128, right: i128) -> Result<i128, Halt> {
        let value = match op {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => multiply(left, right),
            Arithmetic::Power => number::power(left, right),
            Arithmetic::Divide | Arithmetic::Mod => {
                if right == 0 {
                    return Err(Reason::DivisionByZero.into());
                }
                let pair = number::div_mod_floored(left, right);
                if op == Arithmetic::Divide { pair.map(|(q, _)| q) } else { pair.map(|(_, r)| r) }
            }
        };
        self.step(value)
    }

    fn bits(&mut self, op: BitOp, left: &Expr<'_>, right: &Expr<'_>) -> Result<i128, Halt> {
        let left = self.number(left)?;
        // `0 and x` and `true or x` need no right side, so that conditions kept in numbers short-circuit too.
        match op {
            BitOp::And if left == 0 => return Ok(0),
            BitOp::Or if left == -1 => return Ok(-1),
            _ => {}
        }
        let right = self.number(right)?;
        let value = match op {
            BitOp::And => left & right,
            BitOp::Or => left | right,
            BitOp::Xor if self.unsigned => (builtin::bits(left)? ^ builtin::bits(right)?) as i128,
            BitOp::Xor => left ^ right,
            BitOp::ShiftLeft => builtin::shift(true, left, right, self.unsigned)?,
            BitOp::ShiftRight => builtin::shift(false, left, right, self.unsigned)?,
        };
        self.step(Some(value))
    }

    fn logic(&mut self, op: Logic, left: &Expr<'_>, right: &Expr<'_>) -> Result<bool, Halt> {
        let left = self.truth(left)?;
        match op {
            Logic::And => Ok(left && self.truth(right)?),
            Logic::Or => Ok(left || self.truth(right)?),
            Logic::Implies => Ok(!left || self.truth(right)?),
            Logic::Xor => Ok(left != self.truth(right)?),
            Logic::Iff => Ok(left == self.truth(right)?),
        }
    }

    fn choice(&mut self, choice: &Choice<'_>) -> Result<i128, Halt> {
        if self.truth(choice.condition)? {
            self.number(choice.yes)
        } else {
            self.number(choice.no.ok_or(Reason::Undefined)?)
        }
    }

    fn compare(&mut self, compare: &Compare<'_>) -> Result<bool, Halt> {
        if compare.width != 1 {
            return self.compare_tuples(compare);
        }
        let mut left = self.operand(compare.first, compare)?;
        for (op, right) in compare.links {
            let right = self.operand(right, compare)?;
            if !op.holds(left, right) {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    #[inline]
    fn operand(&mut self, expr: &Expr<'_>, compare: &Compare<'_>) -> Result<i128, Halt> {
        let value = self.number(expr)?;
        // A number as written is meant as it stands.
        if compare.range.contains(value) || matches!(expr, Expr::Number(_)) {
            Ok(value)
        } else {
            Err(Reason::Overflow.into())
        }
    }

    #[inline(never)]
    fn compare_tuples(&mut self, compare: &Compare<'_>) -> Result<bool, Halt> {
        let mut left = self.values(compare.first)?;
        for (op, right) in compare.links {
            let right = self.values(right)?;
            for value in left.as_slice().iter().chain(right.as_slice()) {
                if !compare.range.contains(*value) {
                    return Err(Reason::Overflow.into());
                }
            }
            let equal = left.as_slice() == right.as_slice();
            if equal != (*op == crate::spec::expr::ast::Comparison::Equal) {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    /// All values of an expression of any width.
    #[inline(never)]
    pub(super) fn values(&mut self, expr: &Expr<'_>) -> Result<Values, Halt> {
        let mut values = Values::new();
        self.push_values(expr, &mut values)?;
        Ok(values)
    }

    fn push_values(&mut self, expr: &Expr<'_>, into: &mut Values) -> Result<(), Halt> {
        match expr {
            Expr::Tuple(items) => items.iter().try_for_each(|item| self.push_values(item, into)),
            Expr::Call(call) if call.outputs.len() != 1 => self.push_outputs(call, into),
            Expr::If(choice) => {
                if self.truth(choice.condition)? {
                    self.push_values(choice.yes, into)
                } else {
                    self.push_values(choice.no.ok_or(Reason::Undefined)?, into)
                }
            }
            _ => {
                let value = self.number(expr)?;
                into.push(value)
            }
        }
    }

    #[inline(never)]
    fn push_outputs(&mut self, call: &Call<'_>, into: &mut Values) -> Result<(), Halt> {
        let cells = self.run(call)?;
        for (cell, ty) in cells.iter().zip(call.outputs) {
            into.push(number_of(*cell, *ty))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn call(&mut self, call: &Call<'_>, output: usize) -> Result<i128, Halt> {
        let cells = self.run(call)?;
        let ty = call.outputs.get(output).ok_or(Reason::Domain)?;
        Ok(number_of(cells[output], *ty))
    }

    #[inline(never)]
    fn run(&mut self, call: &Call<'_>) -> Result<[Cell; WIDTH_MAX], Halt> {
        let mut args = Values::new();
        for arg in call.args {
            self.push_values(arg, &mut args)?;
        }
        if call.unknown_effect || args.len != call.inputs.len() || call.outputs.len() > WIDTH_MAX {
            return Err(Reason::Call.into());
        }
        self.steps = self.steps.checked_sub(STEPS_PER_CALL).ok_or(Reason::Steps)?;
        let mut inputs = [0; WIDTH_MAX];
        for ((input, value), ty) in inputs.iter_mut().zip(args.as_slice()).zip(call.inputs) {
            *input = cell_of(*value, *ty).ok_or(Reason::Overflow)?;
        }
        let inputs = &inputs[..args.len];
        if call.word == 0 && call.computed {
            let row = Row { cells: inputs, types: call.inputs };
            self.outside |= self.domain.iter().any(|constraint| constraint.holds(row) == Ok(false));
        }
        let mut outputs = [0; WIDTH_MAX];
        match self.env.call(call.word as usize, inputs, &mut outputs[..call.outputs.len()]) {
            CallResult::Values => Ok(outputs),
            CallResult::Failed => Err(Halt::Failed),
            CallResult::Unusable => Err(Reason::Call.into()),
        }
    }

    #[inline(never)]
    fn builtin(&mut self, function: Builtin, args: &[&Expr<'_>]) -> Result<i128, Halt> {
        let mut values = Values::new();
        for arg in args {
            self.push_values(arg, &mut values)?;
        }
        if values.len == 0 {
            return Err(Reason::Domain.into());
        }
        let value = builtin::apply(function, values.as_slice(), self.unsigned, &mut self.steps)?;
        self.step(Some(value))
    }

    #[inline(never)]
    fn fold(&mut self, fold: Fold, [low, high, body]: &[&Expr<'_>; 3]) -> Result<i128, Halt> {
        let (low, high) = (self.number(low)?, self.number(high)?);
        let depth = self.n_locals;
        if depth >= FOLDS_MAX {
            return Err(Reason::Domain.into());
        }
        self.n_locals += 1;
        let mut total = (fold == Fold::Product) as i128;
        let mut i = low;
        while i <= high {
            self.locals[depth] = i;
            let term = self.number(body)?;
            let next = match fold {
                Fold::Sum => total.checked_add(term),
                Fold::Product => multiply(total, term),
                Fold::Count => Some(total + (term != 0) as i128),
            };
            total = self.step(next)?;
            i = i.checked_add(1).ok_or(Reason::Overflow)?;
        }
        self.n_locals -= 1;
        Ok(total)
    }
}

fn flag(truth: bool) -> i128 {
    -(truth as i128)
}

/// Most factors fit 64 bits, where the product cannot overflow 128.
#[inline]
fn multiply(left: i128, right: i128) -> Option<i128> {
    if left as i64 as i128 == left && right as i64 as i128 == right {
        Some((left as i64 as i128) * (right as i64 as i128))
    } else {
        left.checked_mul(right)
    }
}
