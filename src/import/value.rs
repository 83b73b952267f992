//! The two sides of a test as stack values: numbers, flags, characters, strings, constants of the file, and arithmetic on
//! them by the table of `model::scalar`.

use crate::forth::{Number, number};
use crate::model::{Cell, FALSE, TRUE, Value, scalar};
use std::collections::HashMap;

/// A value on one side of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Item {
    /// The value.
    pub value: Value,
    /// It was written as a flag.
    pub is_flag: bool,
}

impl Item {
    /// One cell.
    pub fn cell(cell: Cell) -> Self {
        Self { value: Value::Cell(cell), is_flag: false }
    }

    /// A string, two cells.
    pub fn text(text: String) -> Self {
        Self { value: Value::Str(text), is_flag: false }
    }

    /// How many cells of the stack it is.
    pub fn width(&self) -> usize {
        if matches!(self.value, Value::Cell(_)) { 1 } else { 2 }
    }
}

/// What the constants of the file stand for, by their names in lower case.
pub(super) type Constants = HashMap<String, Vec<Item>>;

/// Puts what a word stands for on a stack of values.
///
/// # Errors
/// Says what the word is instead.
pub(super) fn push(
    stack: &mut Vec<Item>,
    word: &str,
    base: u32,
    constants: &Constants,
) -> Result<(), String> {
    let lower = word.to_ascii_lowercase();
    if let Some(items) = constants.get(&lower) {
        stack.extend_from_slice(items);
        return Ok(());
    }
    if calculate(stack, &lower)? {
        return Ok(());
    }
    match number(word.as_bytes(), base) {
        Some(Number::Single(cell)) => stack.push(Item::cell(cell)),
        Some(Number::Double(double)) => {
            stack.extend([double as Cell, (double >> 64) as Cell].map(Item::cell));
        }
        Some(Number::TooLarge) => return Err(format!("{word} does not fit a cell")),
        None => return Err(format!("`{word}` is neither a value nor arithmetic on values")),
    }
    Ok(())
}

/// Executes a word of arithmetic; `false` where it is none.
fn calculate(stack: &mut Vec<Item>, word: &str) -> Result<bool, String> {
    let flag = |truth| Item { value: Value::Cell(scalar::flag(truth)), is_flag: true };
    match word {
        "true" | "<true>" => stack.push(Item { value: Value::Cell(TRUE), is_flag: true }),
        "false" | "<false>" => stack.push(Item { value: Value::Cell(FALSE), is_flag: true }),
        "bl" => stack.push(Item::cell(32)),
        "invert" => unary(stack, word, |a| Item::cell(!a))?,
        "negate" => unary(stack, word, |a| Item::cell(a.wrapping_neg()))?,
        "abs" => unary(stack, word, |a| Item::cell(a.wrapping_abs()))?,
        "1+" | "char+" => unary(stack, word, |a| Item::cell(a.wrapping_add(1)))?,
        "1-" => unary(stack, word, |a| Item::cell(a.wrapping_sub(1)))?,
        "2*" => unary(stack, word, |a| Item::cell(a << 1))?,
        "2/" => unary(stack, word, |a| Item::cell(scalar::two_slash(a)))?,
        "cells" => unary(stack, word, |a| Item::cell(a.wrapping_mul(8)))?,
        "cell+" => unary(stack, word, |a| Item::cell(a.wrapping_add(8)))?,
        "chars" => unary(stack, word, Item::cell)?,
        "0=" => unary(stack, word, |a| flag(a == 0))?,
        "0<" => unary(stack, word, |a| flag(a < 0))?,
        "+" => binary(stack, word, |a, b| Some(a.wrapping_add(b)))?,
        "-" => binary(stack, word, |a, b| Some(a.wrapping_sub(b)))?,
        "*" => binary(stack, word, |a, b| Some(a.wrapping_mul(b)))?,
        "/" => binary(stack, word, scalar::div_floored)?,
        "mod" => binary(stack, word, scalar::mod_floored)?,
        "and" => binary(stack, word, |a, b| Some(a & b))?,
        "or" => binary(stack, word, |a, b| Some(a | b))?,
        "xor" => binary(stack, word, |a, b| Some(a ^ b))?,
        "lshift" => binary(stack, word, |a, b| Some(scalar::lshift(a, b)))?,
        "rshift" => binary(stack, word, |a, b| Some(scalar::rshift(a, b)))?,
        "min" => binary(stack, word, |a, b| Some(a.min(b)))?,
        "max" => binary(stack, word, |a, b| Some(a.max(b)))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn unary(stack: &mut Vec<Item>, word: &str, of: impl FnOnce(Cell) -> Item) -> Result<(), String> {
    match stack.pop() {
        Some(Item { value: Value::Cell(a), .. }) => stack.push(of(a)),
        _ => return Err(format!("`{word}` has no number before it to work on")),
    }
    Ok(())
}

fn binary(
    stack: &mut Vec<Item>,
    word: &str,
    of: impl FnOnce(Cell, Cell) -> Option<Cell>,
) -> Result<(), String> {
    match (stack.pop(), stack.pop()) {
        (Some(Item { value: Value::Cell(b), .. }), Some(Item { value: Value::Cell(a), .. })) => {
            match of(a, b) {
                Some(cell) => stack.push(Item::cell(cell)),
                None => return Err(format!("{a} {b} {word} divides by zero")),
            }
        }
        _ => return Err(format!("`{word}` has no two numbers before it to work on")),
    }
    Ok(())
}
