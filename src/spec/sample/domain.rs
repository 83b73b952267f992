//! Which rows are meant: types, constraints, and the variables that matter.

use crate::model::{Cell, CellType};
use crate::spec::expr::{Formula, Names, Property, Row, parse_constraint};
use bumpalo::Bump;

/// What a parameter's constraint says.
#[derive(Clone, Copy, Debug)]
pub enum Constraint<'a> {
    /// There is none.
    None,
    /// This must hold.
    Formula(Formula<'a>),
    /// There is one that could not be parsed, so that no sample is safe.
    Unknown,
}

impl<'a> Constraint<'a> {
    /// Parses the constraint of the parameter at a position.
    pub fn parse(arena: &'a Bump, text: Option<&str>, names: &Names<'_>, position: usize) -> Self {
        match text.map(|text| parse_constraint(arena, text, names, Some(position))) {
            None => Constraint::None,
            Some(Ok(formula)) => Constraint::Formula(formula),
            Some(Err(_)) => Constraint::Unknown,
        }
    }
}

/// Why no row can be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocked {
    /// The constraint of the parameter at this position could not be parsed.
    UnknownConstraint(usize),
    /// The parameter at this position is an address.
    Address(usize),
}

/// A constraint, and where the slots that it speaks of stand in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    pub(super) formula: Formula<'a>,
    /// For each parameter its slot in the row; `None` where they stand in their own places.
    pub(super) slots: Option<&'a [u8]>,
}

/// The rows that are meant.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a> {
    /// The types of all slots.
    pub types: &'a [CellType],
    /// The slots that matter, one bit each; the others stay 0.
    pub sampled: u64,
    /// The constraints over the parameters, for [`Property::check`].
    pub formulas: &'a [Formula<'a>],
    /// Why no row can be made, if so.
    pub blocked: Option<Blocked>,
    pub(super) rules: &'a [Rule<'a>],
}

impl<'a> Domain<'a> {
    /// The rows that are inputs of the word: all parameters, all constraints.
    pub fn of_params(arena: &'a Bump, names: &Names<'_>, constraints: &[Constraint<'a>]) -> Self {
        let formulas = formulas(arena, constraints);
        let n = names.params.len().min(64);
        let sampled = if n == 64 { u64::MAX } else { (1 << n) - 1 };
        Self {
            types: arena.alloc_slice_fill_iter(names.params.iter().map(|param| param.ty)),
            sampled,
            formulas,
            blocked: (0..n).find_map(|i| blocked(names, constraints, i)),
            rules: arena.alloc_slice_fill_iter(
                formulas.iter().map(|formula| Rule { formula: *formula, slots: None }),
            ),
        }
    }

    /// The rows that a property speaks of. A free variable that stands alone as an argument of the word takes type and
    /// constraints of that parameter.
    pub fn of_property(
        arena: &'a Bump,
        names: &Names<'_>,
        property: &Property<'_>,
        constraints: &[Constraint<'a>],
    ) -> Self {
        let formulas = formulas(arena, constraints);
        let n_params = names.params.len();
        let types = arena.alloc_slice_fill_with(n_params + property.free.len(), |slot| {
            match names.params.get(slot) {
                Some(param) => param.ty,
                None => free_type(names, property, slot),
            }
        });
        let bit = |slot: usize| property.variables >> slot & 1 == 1;
        let own = (0..n_params.min(64)).filter(|slot| bit(*slot));
        let bound = property.bindings.iter().flat_map(|slots| {
            slots.iter().enumerate().filter(|(_, slot)| **slot != Property::NO_SLOT).map(|(param, _)| param)
        });
        let blocked = own.chain(bound).find_map(|param| blocked(names, constraints, param));
        let mut rules = bumpalo::collections::Vec::new_in(arena);
        for formula in formulas {
            if formula.variables & !property.variables == 0 {
                rules.push(Rule { formula: *formula, slots: None });
            }
            for slots in property.bindings {
                let is_bound = |(param, slot): (usize, &u8)| {
                    *slot != Property::NO_SLOT || formula.variables >> param & 1 == 0
                };
                let moved = slots.iter().enumerate().any(|(param, slot)| param != *slot as usize);
                if moved && slots.len() == n_params && slots.iter().enumerate().all(is_bound) {
                    rules.push(Rule { formula: *formula, slots: Some(arena.alloc_slice_copy(slots)) });
                }
            }
        }
        Self { types, sampled: property.variables, formulas, blocked, rules: rules.into_bump_slice() }
    }

    /// Whether a row satisfies all constraints.
    pub fn admits(&self, row: &[Cell]) -> bool {
        self.rules.iter().all(|rule| rule.holds(row, self.types))
    }

    /// The slots that matter.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + use<> {
        let sampled = self.sampled;
        (0..64).filter(move |slot| sampled >> slot & 1 == 1)
    }
}

impl Rule<'_> {
    fn holds(&self, row: &[Cell], types: &[CellType]) -> bool {
        let Some(slots) = self.slots else {
            return self.formula.holds(Row { cells: row, types }) == Ok(true);
        };
        let mut cells = [0; 64];
        for (cell, slot) in cells.iter_mut().zip(slots) {
            *cell = row.get(*slot as usize).copied().unwrap_or(0);
        }
        let row = Row { cells: &cells[..slots.len().min(64)], types };
        self.formula.holds(row) == Ok(true)
    }
}

fn formulas<'a>(arena: &'a Bump, constraints: &[Constraint<'a>]) -> &'a [Formula<'a>] {
    let mut formulas = bumpalo::collections::Vec::new_in(arena);
    formulas.extend(constraints.iter().filter_map(|constraint| match constraint {
        Constraint::Formula(formula) => Some(*formula),
        Constraint::None | Constraint::Unknown => None,
    }));
    formulas.into_bump_slice()
}

fn blocked(names: &Names<'_>, constraints: &[Constraint<'_>], param: usize) -> Option<Blocked> {
    if matches!(constraints.get(param), Some(Constraint::Unknown)) {
        return Some(Blocked::UnknownConstraint(param));
    }
    let ty = names.params.get(param).map(|param| param.ty);
    (ty == Some(CellType::Addr)).then_some(Blocked::Address(param))
}

fn free_type(names: &Names<'_>, property: &Property<'_>, slot: usize) -> CellType {
    let position =
        property.bindings.iter().find_map(|slots| slots.iter().position(|bound| *bound as usize == slot));
    position.and_then(|position| names.params.get(position)).map_or(CellType::Int, |param| param.ty)
}
