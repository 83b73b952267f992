//! The expression language of `constraint`, `value` and `properties`: the arithmetic people write, made executable.
//!
//! A Pratt parser ([`parser`], [`relations`], [`statement`]) turns text into a tree in an arena ([`ast`]); evaluation
//! ([`eval`]) is checked 128-bit arithmetic with a budget of steps, and runs words through [`Env`]. What can be read in
//! two ways is refused with a suggestion, never guessed, because a property read wrongly would refute right code. This
//! room never runs Forth itself and never draws samples; `spec::sample` does the latter.
//!
//! Meaning: numbers are whole; `/`, `div` and `mod` are floored; bit operations work on 64-bit cells by
//! `model::scalar`; a true flag is -1. Overflow, division by zero, functions outside of their domain and too many steps
//! make a sample unusable, not the specification wrong.
//!
//! ```
//! use wordmill::model::CellType::Int;
//! use wordmill::spec::expr::{Name, Names, NoWords, Row, parse_value};
//!
//! let arena = bumpalo::Bump::new();
//! let names = Names { params: &[Name { name: "n", ty: Int }], ..Names::default() };
//! let value = parse_value(&arena, "n² + 1", &names).unwrap();
//! assert_eq!(value.cell(Row { cells: &[7], types: &[Int] }, Int, &mut NoWords), Ok(50));
//! ```

pub mod ast;
pub mod builtin;
pub mod error;
pub mod eval;
mod names;

mod build;
mod number;
mod parser;
mod reference;
mod relations;
mod scanner;
mod statement;
mod superscript;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;

pub use ast::{Comparison, Expr};
pub use error::ExprError;
pub use eval::{CallResult, Env, Halt, NoWords, Reason, Row, WIDTH_MAX, cell_of, number_of};
pub use names::{Name, Names, Word};
pub use reference::reference;

use crate::model::{Cell, CellType};
use bumpalo::Bump;
use eval::Evaluator;
use parser::{Mode, NO_SLOT, Parser};

/// A value or a constraint, ready to evaluate.
#[derive(Clone, Copy, Debug)]
pub struct Formula<'a> {
    /// The tree.
    pub root: &'a Expr<'a>,
    /// The slots of its variables, one bit each.
    pub variables: u64,
    /// Some variable or call is unsigned, so that bit operations give unsigned cells.
    pub unsigned: bool,
    /// How many values it gives.
    pub width: u8,
}

/// What a value came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The exact number.
    pub value: i128,
    /// Some number on the way did not fit a cell: code that wraps may rightly get something else.
    pub wide: bool,
}

impl Formula<'_> {
    /// The exact number for a row.
    pub fn number(&self, row: Row<'_>, env: &mut dyn Env) -> Result<Number, Halt> {
        let mut evaluator = Evaluator::new(row, env, &[], self.unsigned);
        let value = evaluator.number(self.root)?;
        Ok(Number { value, wide: evaluator.wide })
    }

    /// The cell of a type for a row; unusable where it does not fit, or where a number on the way did not fit a cell.
    pub fn cell(&self, row: Row<'_>, ty: CellType, env: &mut dyn Env) -> Result<Cell, Halt> {
        let unsigned = self.unsigned || matches!(ty, CellType::Uint | CellType::Addr);
        let number = Formula { unsigned, ..*self }.number(row, env)?;
        cell_of(number.value, ty).filter(|_| !number.wide).ok_or(Halt::Unusable(Reason::Overflow))
    }

    /// Whether a constraint holds for a row.
    pub fn holds(&self, row: Row<'_>) -> Result<bool, Halt> {
        Evaluator::new(row, &mut NoWords, &[], self.unsigned).truth(self.root)
    }
}

/// A property, ready to check.
#[derive(Clone, Copy, Debug)]
pub struct Property<'a> {
    /// Where it holds, the claim must.
    pub guard: Option<&'a Expr<'a>>,
    /// What must hold.
    pub claim: &'a Expr<'a>,
    /// The slots of all variables, one bit each.
    pub variables: u64,
    /// The free variables; their slots come after those of the parameters.
    pub free: &'a [&'a str],
    /// Where the claim is one comparison: its two sides.
    pub sides: Option<Sides<'a>>,
    /// For each call of the word with bare variables, the slot of each argument, or [`Property::NO_SLOT`].
    pub bindings: &'a [&'a [u8]],
    unsigned: bool,
}

/// The two sides of a comparison, for telling how it failed.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The left side.
    pub left: &'a Expr<'a>,
    /// The operator.
    pub op: Comparison,
    /// The right side.
    pub right: &'a Expr<'a>,
    /// Where the left side stands in the text, in bytes.
    pub left_span: (u32, u32),
    /// Where the right side stands in the text, in bytes.
    pub right_span: (u32, u32),
}

/// What a property says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The claim holds.
    Holds,
    /// The claim does not hold: the word is wrong.
    Fails,
    /// A word that was called trapped: the word is wrong.
    Traps,
    /// The guard does not hold, so that nothing is claimed.
    Vacuous,
    /// It cannot be said.
    Unusable(Reason),
}

impl Property<'_> {
    /// Marks an argument that is no bare variable in a binding.
    pub const NO_SLOT: u8 = NO_SLOT;

    /// Checks the property for one row. `domain` are the constraints of the parameters: where the word is called with a
    /// computed argument that they exclude (`f(n-1)` for the smallest n), a failure says nothing about the word.
    pub fn check(&self, row: Row<'_>, domain: &[Formula<'_>], env: &mut dyn Env) -> Verdict {
        let mut evaluator = Evaluator::new(row, env, domain, self.unsigned);
        let verdict = match self.guard.map(|guard| evaluator.truth(guard)) {
            Some(Ok(false)) => return Verdict::Vacuous,
            Some(Err(halt)) => Err(halt),
            Some(Ok(true)) | None => {
                // What was wide in the guard does not make the claim doubtful.
                evaluator.wide = false;
                evaluator.truth(self.claim)
            }
        };
        let trusted = !evaluator.outside;
        match verdict {
            Ok(true) => Verdict::Holds,
            Ok(false) if evaluator.wide => Verdict::Unusable(Reason::Overflow),
            Ok(false) if trusted => Verdict::Fails,
            Err(Halt::Failed) if trusted => Verdict::Traps,
            Ok(false) | Err(Halt::Failed) => Verdict::Unusable(Reason::Domain),
            Err(Halt::Unusable(reason)) => Verdict::Unusable(reason),
        }
    }

    /// The values of both sides for a row, to tell of a failure.
    pub fn side_values(&self, row: Row<'_>, env: &mut dyn Env) -> Option<(Vec<i128>, Vec<i128>)> {
        let sides = self.sides?;
        let mut evaluator = Evaluator::new(row, env, &[], self.unsigned);
        let left = evaluator.values(sides.left).ok()?.as_slice().to_vec();
        let right = evaluator.values(sides.right).ok()?.as_slice().to_vec();
        Some((left, right))
    }
}

/// Parses the value of an output: an expression over the parameters.
pub fn parse_value<'a>(arena: &'a Bump, text: &str, names: &Names<'_>) -> Result<Formula<'a>, ExprError> {
    let mut parser = Parser::new(arena, text, names, Mode::Value)?;
    let node = parser.value()?;
    if node.width != 1 {
        return Err(node.error(format!("one value is due, this gives {}", node.width)));
    }
    Ok(formula(node))
}

/// Parses a constraint: a condition over the parameters. `subject` is the position of the parameter that it belongs to,
/// which `> 0` and `positive` are about.
pub fn parse_constraint<'a>(
    arena: &'a Bump,
    text: &str,
    names: &Names<'_>,
    subject: Option<usize>,
) -> Result<Formula<'a>, ExprError> {
    let mut parser = Parser::new(arena, text, names, Mode::Value)?;
    let node = parser.constraint(subject.and_then(|slot| u8::try_from(slot).ok()))?;
    Ok(formula(node))
}

fn formula(node: build::Node<'_>) -> Formula<'_> {
    let unsigned = node.is(build::UNSIGNED | build::CALLS_UNSIGNED);
    Formula { root: node.expr, variables: node.variables, unsigned, width: node.width }
}

/// Parses a property: a claim about the word, perhaps guarded and quantified.
pub fn parse_property<'a>(arena: &'a Bump, text: &str, names: &Names<'_>) -> Result<Property<'a>, ExprError> {
    let mut parser = Parser::new(arena, text, names, Mode::Property)?;
    let statement = parser.property()?;
    parser.check_free_names()?;
    let (claim, guard) = (statement.claim, statement.guard);
    if !parser.own_called {
        let error = claim.error("this says nothing about the word: it neither calls it nor names an output");
        return Err(match names.words.first() {
            Some(word) => error.suggest(format!("call it: {}(…)", word.name)),
            None => error,
        });
    }
    let sides = statement.compared.map(|(_, [left, right], op)| Sides {
        left: left.expr,
        op,
        right: right.expr,
        left_span: (left.start, left.end),
        right_span: (right.start, right.end),
    });
    let flags = claim.flags | guard.map_or(0, |guard| guard.flags);
    Ok(Property {
        guard: guard.map(|guard| guard.expr),
        claim: claim.expr,
        variables: claim.variables | guard.map_or(0, |guard| guard.variables),
        free: arena.alloc_slice_fill_with(parser.free().len(), |i| &*arena.alloc_str(parser.free()[i].name)),
        sides,
        bindings: arena.alloc_slice_copy(&parser.bindings),
        unsigned: flags & (build::UNSIGNED | build::CALLS_UNSIGNED) != 0,
    })
}
