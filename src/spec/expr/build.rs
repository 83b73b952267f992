//! Nodes under construction: what the parser must know about a part beyond its tree, and the rules for combining parts.

use crate::model::CellType;
use crate::spec::expr::ast::{CellRange, Compare, Comparison, Expr};
use crate::spec::expr::error::ExprError;
use bumpalo::Bump;

/// Trees are no deeper, so that evaluation cannot exhaust the machine's stack.
pub(super) const TREE_DEPTH_MAX: u16 = 200;

/// It is a condition: its value is a flag.
pub(super) const FLAG: u16 = 1;
/// It has neither variables nor calls.
pub(super) const CONSTANT: u16 = 2;
/// It calls a word that gives a signed cell.
pub(super) const CALLS_SIGNED: u16 = 4;
/// It calls a word that gives an unsigned cell.
pub(super) const CALLS_UNSIGNED: u16 = 8;
/// It has an unsigned variable.
pub(super) const UNSIGNED: u16 = 16;
/// It stands in brackets.
pub(super) const GROUPED: u16 = 32;
/// A division or root rounds somewhere within.
pub(super) const ROUNDED: u16 = 64;
/// An `&` outside of brackets.
pub(super) const AMPERSAND: u16 = 128;
/// A multiplication without a sign, outside of brackets.
pub(super) const IMPLICIT: u16 = 256;
/// It calls the word that the specification is about, or another one.
pub(super) const CALLS: u16 = CALLS_SIGNED | CALLS_UNSIGNED;

/// What a part inherits from its parts.
const INHERITED: u16 = CALLS | UNSIGNED | ROUNDED;

/// A part of an expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    pub(super) expr: &'a Expr<'a>,
    /// The slots of its variables, one bit each.
    pub(super) variables: u64,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) depth: u16,
    pub(super) flags: u16,
    /// How many values it gives.
    pub(super) width: u8,
}

impl<'a> Node<'a> {
    pub(super) fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// A word called, and nothing else.
    pub(super) fn is_direct_call(&self) -> bool {
        matches!(self.expr, Expr::Call(_) | Expr::Pick(..))
    }

    /// Can stand where a condition is due.
    pub(super) fn is_condition(&self) -> bool {
        self.width == 1 && (self.is(FLAG) || self.is_direct_call())
    }

    /// A variable and nothing else.
    pub(super) fn bare_slot(&self) -> Option<u8> {
        match self.expr {
            Expr::Variable(slot) => Some(*slot),
            _ => None,
        }
    }

    pub(super) fn constant(&self) -> Option<i128> {
        match self.expr {
            Expr::Number(value) => Some(*value),
            Expr::Negate(Expr::Number(value)) => value.checked_neg(),
            _ => None,
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ExprError {
        ExprError::new(self.start as usize, (self.end - self.start) as usize, message)
    }

    /// A leaf without parts.
    pub(super) fn leaf(arena: &'a Bump, expr: Expr<'a>, start: usize, end: usize, flags: u16) -> Self {
        let variables = if let Expr::Variable(slot) = expr { 1 << slot } else { 0 };
        Self {
            expr: arena.alloc(expr),
            variables,
            start: start as u32,
            end: end as u32,
            depth: 1,
            flags,
            width: 1,
        }
    }

    /// A part made of parts, of width 1. `flags` are its own; it inherits what concerns it.
    pub(super) fn join(
        arena: &'a Bump,
        expr: Expr<'a>,
        parts: &[Node<'a>],
        flags: u16,
    ) -> Result<Self, ExprError> {
        let mut node = Self {
            expr: arena.alloc(expr),
            variables: 0,
            start: u32::MAX,
            end: 0,
            depth: 0,
            flags: CONSTANT,
            width: 1,
        };
        let mut constant = CONSTANT;
        for part in parts {
            node.variables |= part.variables;
            node.start = node.start.min(part.start);
            node.end = node.end.max(part.end);
            node.depth = node.depth.max(part.depth);
            node.flags |= part.flags & INHERITED;
            constant &= part.flags;
        }
        node.flags = (node.flags & !CONSTANT) | constant | flags;
        node.depth += 1;
        if node.depth > TREE_DEPTH_MAX {
            return Err(node.error("this expression is nested too deeply"));
        }
        Ok(node)
    }

    /// The range of the cells that the compared parts must fit.
    fn range_of(parts: &[Node<'a>]) -> CellRange {
        let direct = parts.iter().filter(|p| p.is_direct_call()).fold(0, |flags, part| flags | part.flags);
        let calls =
            if direct & CALLS != 0 { direct } else { parts.iter().fold(0, |flags, part| flags | part.flags) };
        match (calls & CALLS_SIGNED != 0, calls & CALLS_UNSIGNED != 0) {
            (false, false) => CellRange::Exact,
            (true, false) => CellRange::Signed,
            (false, true) => CellRange::Unsigned,
            (true, true) => CellRange::Either,
        }
    }
}

/// The flag that tells of a call's output type.
pub(super) fn call_flags(outputs: &[CellType]) -> u16 {
    let unsigned = |ty: &CellType| matches!(ty, CellType::Uint | CellType::Addr);
    let mut flags = 0;
    if outputs.iter().any(unsigned) {
        flags |= CALLS_UNSIGNED;
    }
    if outputs.is_empty() || !outputs.iter().all(unsigned) {
        flags |= CALLS_SIGNED;
    }
    flags
}

/// A chain of comparisons over `parts`, one operator fewer than parts. Understands `flag = a < b` and refuses what could
/// be read in two ways.
pub(super) fn compare<'a>(
    arena: &'a Bump,
    parts: &[Node<'a>],
    ops: &[Comparison],
) -> Result<Node<'a>, ExprError> {
    if ops.len() > 1
        && let Some(regrouped) = regroup(arena, parts, ops)?
    {
        return Ok(regrouped);
    }
    for (pair, op) in parts.windows(2).zip(ops) {
        check_pair(&pair[0], &pair[1], *op)?;
    }
    let links = arena.alloc_slice_fill_iter(ops.iter().copied().zip(parts[1..].iter().map(|part| part.expr)));
    let compare =
        Compare { first: parts[0].expr, links, width: parts[0].width, range: Node::range_of(parts) };
    Node::join(arena, Expr::Compare(arena.alloc(compare)), parts, FLAG)
}

/// `even(n) = n mod 2 = 0` means that both sides of the first `=` are true together, where `even` gives a flag.
fn regroup<'a>(
    arena: &'a Bump,
    parts: &[Node<'a>],
    ops: &[Comparison],
) -> Result<Option<Node<'a>>, ExprError> {
    let last = parts.len() - 1;
    if parts[0].is(FLAG) && ops[0] == Comparison::Equal && !parts[1].is(FLAG) {
        let right = compare(arena, &parts[1..], &ops[1..])?;
        return compare(arena, &[parts[0], right], &ops[..1]).map(Some);
    }
    if parts[last].is(FLAG) && ops[last - 1] == Comparison::Equal && !parts[last - 1].is(FLAG) {
        let left = compare(arena, &parts[..last], &ops[..last - 1])?;
        return compare(arena, &[left, parts[last]], &ops[last - 1..]).map(Some);
    }
    if parts[0].is_direct_call() && ops[0] == Comparison::Equal && !parts[1].is(CALLS) {
        let error = parts[1].error("this chain of comparisons can be read in two ways");
        return Err(error.suggest("put the side that is a condition in parentheses"));
    }
    if parts[1..last].iter().any(|part| part.is(AMPERSAND)) {
        let error = parts[1].error("`&` between comparisons can be read in two ways");
        return Err(error.suggest("write `and`, or put the bit operation in parentheses"));
    }
    Ok(None)
}

fn check_pair(left: &Node<'_>, right: &Node<'_>, op: Comparison) -> Result<(), ExprError> {
    let equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
    if left.width != right.width {
        let message = format!("compares {} with {}", values(left.width), values(right.width));
        return Err(right.error(message));
    }
    if left.width != 1 && !(equality && left.width > 0) {
        return Err(right.error("several values can only be compared with `=` and `≠`"));
    }
    if left.is(FLAG) == right.is(FLAG) {
        let ordered = left.is(FLAG) && !equality;
        return if ordered { Err(right.error("conditions have no order")) } else { Ok(()) };
    }
    let number = if left.is(FLAG) { right } else { left };
    match number.constant() {
        _ if number.is(CALLS) => Ok(()),
        Some(0 | -1) => Ok(()),
        Some(1) => Err(number.error("a true flag is -1, not 1").suggest("write `true`")),
        _ => Err(number.error("compares a condition with a number")),
    }
}

fn values(width: u8) -> String {
    if width == 1 { "one value".to_owned() } else { format!("{width} values") }
}
