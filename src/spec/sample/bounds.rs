//! What constraints say about single variables: an interval, and the numbers that they mention.

use crate::model::CellType;
use crate::spec::expr::ast::{Arithmetic, Logic};
use crate::spec::expr::builtin::Builtin;
use crate::spec::expr::{Comparison, Expr, Formula, NoWords, Row};
use crate::spec::sample::domain::{Domain, Rule};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// Mentioned numbers that are kept for a variable.
const LITERALS_MAX: usize = 24;

/// What is known about one variable.
#[derive(Clone, Debug)]
pub(super) struct Bounds<'a> {
    /// The smallest number that it may be.
    pub(super) low: i128,
    /// The largest.
    pub(super) high: i128,
    /// The type's own limits.
    pub(super) type_low: i128,
    pub(super) type_high: i128,
    /// Numbers in its constraints.
    pub(super) literals: ArenaVec<'a, i128>,
}

impl Bounds<'_> {
    fn at_least(&mut self, value: i128) {
        self.low = self.low.max(value);
    }

    fn at_most(&mut self, value: i128) {
        self.high = self.high.min(value);
    }

    /// The number that everything shrinks to: 0, or what is nearest to it.
    pub(super) fn base(&self) -> i128 {
        if self.low > self.high { self.low } else { 0.clamp(self.low, self.high) }
    }
}

/// The numbers that a type can hold.
fn limits(ty: CellType) -> (i128, i128) {
    match ty {
        CellType::Int | CellType::Any => (i64::MIN as i128, i64::MAX as i128),
        CellType::Uint | CellType::Addr => (0, u64::MAX as i128),
        CellType::Bool => (-1, 0),
        CellType::Char => (0, 0x10_FFFF),
    }
}

/// The bounds of all slots of a domain.
pub(super) fn bounds<'a>(arena: &'a Bump, domain: &Domain<'_>) -> ArenaVec<'a, Bounds<'a>> {
    let mut bounds = ArenaVec::new_in(arena);
    bounds.extend(domain.types.iter().map(|ty| {
        let (low, high) = limits(*ty);
        Bounds { low, high, type_low: low, type_high: high, literals: ArenaVec::new_in(arena) }
    }));
    // Bounds of one variable bound others (`a < b <= 100`), so that they go round a few times.
    for round in 0..3 {
        for rule in domain.rules {
            let mut reader = Reader { bounds: &mut bounds, rule };
            reader.condition(rule.formula.root, true);
            if round == 0 {
                reader.literals(rule.formula.root);
            }
        }
    }
    bounds
}

struct Reader<'r, 'a> {
    bounds: &'r mut ArenaVec<'a, Bounds<'a>>,
    rule: &'r Rule<'r>,
}

impl Reader<'_, '_> {
    /// Where the slot of a parameter stands in the row.
    fn slot(&self, param: usize) -> Option<usize> {
        let slot = match self.rule.slots {
            Some(slots) => *slots.get(param)? as usize,
            None => param,
        };
        (slot < self.bounds.len()).then_some(slot)
    }

    fn variable(&self, expr: &Expr<'_>) -> Option<usize> {
        match expr {
            Expr::Variable(param) => self.slot(*param as usize),
            _ => None,
        }
    }

    /// Takes what follows when a condition holds, or does not.
    fn condition(&mut self, expr: &Expr<'_>, holds: bool) {
        match expr {
            Expr::Logic(Logic::And, left, right) if holds => {
                self.condition(left, true);
                self.condition(right, true);
            }
            Expr::Logic(Logic::Or, left, right) if !holds => {
                self.condition(left, false);
                self.condition(right, false);
            }
            Expr::Not(inner) => self.condition(inner, !holds),
            Expr::Compare(compare) if compare.width == 1 && (holds || compare.links.len() == 1) => {
                let mut left = compare.first;
                for (op, right) in compare.links {
                    let op = if holds { *op } else { op.negated() };
                    self.relation(left, op, right);
                    self.relation(right, op.mirrored(), left);
                    left = right;
                }
            }
            Expr::Builtin(builtin, args) if holds => self.predicate(*builtin, args),
            _ => {}
        }
    }

    fn relation(&mut self, left: &Expr<'_>, op: Comparison, right: &Expr<'_>) {
        let (low, high) = match self.variable(right) {
            Some(other) => (self.bounds[other].low, self.bounds[other].high),
            None => match constant(right) {
                Some(value) => (value, value),
                None => return,
            },
        };
        match left {
            Expr::Variable(param) => {
                let Some(slot) = self.slot(*param as usize) else { return };
                let bounds = &mut self.bounds[slot];
                match op {
                    Comparison::Equal => {
                        bounds.at_least(low);
                        bounds.at_most(high);
                    }
                    Comparison::Less => bounds.at_most(high.saturating_sub(1)),
                    Comparison::LessEqual => bounds.at_most(high),
                    Comparison::Greater => bounds.at_least(low.saturating_add(1)),
                    Comparison::GreaterEqual => bounds.at_least(low),
                    Comparison::NotEqual => {}
                }
            }
            // |x| <= c
            Expr::Builtin(Builtin::Abs, [inner]) => {
                let Some(slot) = self.variable(inner) else { return };
                let most = match op {
                    Comparison::Less => high.saturating_sub(1),
                    Comparison::LessEqual | Comparison::Equal => high,
                    _ => return,
                };
                self.bounds[slot].at_least(most.saturating_neg());
                self.bounds[slot].at_most(most);
            }
            _ => {}
        }
    }

    fn predicate(&mut self, builtin: Builtin, args: &[&Expr<'_>]) {
        let Some(slot) = args.first().and_then(|arg| self.variable(arg)) else { return };
        let bounds = &mut self.bounds[slot];
        match (builtin, args) {
            (Builtin::Positive | Builtin::PowerOfTwo, _) => bounds.at_least(1),
            (Builtin::Prime, _) => bounds.at_least(2),
            (Builtin::NonNegative | Builtin::PerfectSquare, _) => bounds.at_least(0),
            (Builtin::Negative, _) => bounds.at_most(-1),
            (Builtin::NonPositive, _) => bounds.at_most(0),
            (Builtin::Zero, _) => {
                bounds.at_least(0);
                bounds.at_most(0);
            }
            (Builtin::Between, [_, low, high]) => {
                if let (Some(low), Some(high)) = (constant(low), constant(high)) {
                    bounds.at_least(low);
                    bounds.at_most(high);
                }
            }
            _ => {}
        }
    }

    /// Keeps every number that a constraint mentions, for every variable in it.
    fn literals(&mut self, expr: &Expr<'_>) {
        if let Some(value) = constant(expr) {
            for param in 0..64 {
                if self.rule.formula.variables >> param & 1 == 0 {
                    continue;
                }
                let Some(slot) = self.slot(param) else { continue };
                let literals = &mut self.bounds[slot].literals;
                if literals.len() < LITERALS_MAX && !literals.contains(&value) {
                    literals.push(value);
                }
            }
            return;
        }
        match expr {
            Expr::Negate(a) | Expr::Not(a) => self.literals(a),
            Expr::Arithmetic(_, a, b) | Expr::Bits(_, a, b) | Expr::Logic(_, a, b) => {
                self.literals(a);
                self.literals(b);
            }
            Expr::Compare(compare) => {
                self.literals(compare.first);
                compare.links.iter().for_each(|(_, right)| self.literals(right));
            }
            Expr::If(choice) => {
                self.literals(choice.condition);
                self.literals(choice.yes);
                choice.no.into_iter().for_each(|no| self.literals(no));
            }
            Expr::Builtin(_, args) | Expr::Tuple(args) => args.iter().for_each(|arg| self.literals(arg)),
            _ => {}
        }
    }
}

/// The number that an expression without variables stands for.
fn constant(expr: &Expr<'_>) -> Option<i128> {
    let is_leaf = match expr {
        Expr::Number(value) => return Some(*value),
        Expr::Negate(_) | Expr::Builtin(..) => true,
        Expr::Arithmetic(op, ..) => *op != Arithmetic::Mod,
        _ => false,
    };
    if !is_leaf {
        return None;
    }
    let formula = Formula { root: expr, variables: 0, unsigned: false, width: 1 };
    let number = formula.number(Row { cells: &[], types: &[] }, &mut NoWords).ok()?;
    Some(number.value)
}
