//! Runs single cases: stack in, word, stack out. Nothing may be left over, nothing may be missing.

use crate::corpus::{CaseView, Tests, ValueView};
use crate::forth::{Engine, Trap, Xt};
use crate::model::Cell;
use std::fmt::Write;

/// Most cells that a case may lay on the stack: 16 parameters, two cells for strings and arrays.
pub const CASE_CELLS_MAX: usize = 64;

/// Gathers the inputs of a plain case out of the lanes.
#[inline]
pub fn gather<'b>(
    tests: &Tests<'_>,
    n_in: usize,
    case: usize,
    buffer: &'b mut [Cell; CASE_CELLS_MAX],
) -> &'b [Cell] {
    for (param, cell) in buffer.iter_mut().enumerate().take(n_in) {
        *cell = tests.input_lanes(param)[case / 8][case % 8];
    }
    &buffer[..n_in]
}

/// Runs a plain case; true where the stack is exactly the expected one.
#[inline]
pub fn passes_plain(
    engine: &mut Engine,
    xt: Xt,
    tests: &Tests<'_>,
    n_in: usize,
    n_out: usize,
    case: usize,
) -> bool {
    let mut buffer = [0; CASE_CELLS_MAX];
    let inputs = gather(tests, n_in, case, &mut buffer);
    engine.execute(xt, inputs).is_ok() && stack_is(engine, tests, n_out, case)
}

/// Whether the stack is exactly what a plain case expects.
#[inline]
pub fn stack_is(engine: &Engine, tests: &Tests<'_>, n_out: usize, case: usize) -> bool {
    let stack = engine.stack();
    stack.len() == n_out
        && stack
            .iter()
            .enumerate()
            .all(|(param, cell)| tests.output_lanes(param)[case / 8][case % 8] == *cell)
}

/// Runs any case; true where it did what the case expects.
pub fn passes(engine: &mut Engine, xt: Xt, case: &CaseView<'_>) -> bool {
    passes_above(engine, xt, &[], case)
}

/// The same with cells below the inputs, which must stay there.
pub fn passes_above(engine: &mut Engine, xt: Xt, below: &[Cell], case: &CaseView<'_>) -> bool {
    let result = execute_above(engine, xt, below, case);
    meets(engine, result, below, case)
}

/// Lays the inputs of a case on the stack (strings and arrays into memory) and runs the word.
pub fn execute(engine: &mut Engine, xt: Xt, case: &CaseView<'_>) -> Result<(), Trap> {
    execute_above(engine, xt, &[], case)
}

fn execute_above(engine: &mut Engine, xt: Xt, below: &[Cell], case: &CaseView<'_>) -> Result<(), Trap> {
    let mut buffer = [0; CASE_CELLS_MAX];
    let mut n = below.len();
    buffer[..n].copy_from_slice(below);
    for value in case.inputs() {
        match value {
            ValueView::Cell(cell) => {
                buffer[n] = cell;
                n += 1;
            }
            ValueView::Str(text) => {
                buffer[n] = engine.place(text.as_bytes())?;
                buffer[n + 1] = text.len() as Cell;
                n += 2;
            }
            ValueView::Cells(cells) => {
                buffer[n] = engine.place_cells(cells)?;
                buffer[n + 1] = cells.len() as Cell;
                n += 2;
            }
        }
    }
    engine.execute(xt, &buffer[..n])
}

/// Whether what an execution came to is what the case expects; `below` are the cells under the inputs.
pub fn meets(engine: &Engine, result: Result<(), Trap>, below: &[Cell], case: &CaseView<'_>) -> bool {
    if case.prints().is_some_and(|text| text.as_bytes() != engine.output()) {
        return false;
    }
    match (result, case.throws()) {
        (Err(trap), Some(code)) => return trap.code() == Some(code),
        (Ok(()), Some(_)) | (Err(_), None) => return false,
        (Ok(()), None) => {}
    }
    let Some(mut rest) = engine.stack().strip_prefix(below) else { return false };
    for value in case.outputs() {
        let matched = match (value, rest) {
            (ValueView::Cell(expected), [cell, after @ ..]) => {
                rest = after;
                *cell == expected
            }
            (ValueView::Str(text), [addr, len, after @ ..]) => {
                rest = after;
                *len == text.len() as Cell && engine.read(*addr, text.len()) == Some(text.as_bytes())
            }
            (ValueView::Cells(cells), [addr, len, after @ ..]) => {
                rest = after;
                *len == cells.len() as Cell
                    && engine.read(*addr, 8 * cells.len()).is_some_and(|bytes| {
                        bytes.chunks_exact(8).zip(cells).all(|(bytes, cell)| bytes == cell.to_le_bytes())
                    })
            }
            _ => false,
        };
        if !matched {
            return false;
        }
    }
    rest.is_empty()
}

/// A case that fails, in words: `3 4 -> 7, expected 12`, `5 -> nothing and prints "5 ", expected nothing and prints "25 "`. Runs it
/// again.
pub fn describe_failure(engine: &mut Engine, xt: Xt, case: &CaseView<'_>) -> String {
    let result = execute(engine, xt, case);
    describe_result(engine, result, case)
}

/// The same of an execution that has just ended.
pub fn describe_result(engine: &Engine, result: Result<(), Trap>, case: &CaseView<'_>) -> String {
    let mut text = String::new();
    for value in case.inputs() {
        push_value(&mut text, value);
    }
    text.push_str("-> ");
    match result {
        Ok(()) => push_got(&mut text, engine, case),
        Err(trap) => write!(text, "{}", engine.describe(trap)).expect("a String takes everything"),
    }
    if case.prints().is_some() {
        text.push_str(" and prints ");
        push_printed(&mut text, engine.output());
    }
    text.push_str(", expected ");
    match case.throws() {
        Some(code) => write!(text, "exception {code}").expect("a String takes everything"),
        None => {
            let before = text.len();
            for value in case.outputs() {
                push_value(&mut text, value);
            }
            if text.len() == before {
                text.push_str("nothing ");
            }
            text.pop();
        }
    }
    if let Some(prints) = case.prints() {
        text.push_str(" and prints ");
        push_printed(&mut text, prints.as_bytes());
    }
    text
}

/// The stack in words. Where the case expects a string or an array and the stack has as many cells as it expects, what lies
/// at the address is shown instead of address and length.
fn push_got(text: &mut String, engine: &Engine, case: &CaseView<'_>) {
    let stack = engine.stack();
    let width = |value: &ValueView<'_>| if matches!(value, ValueView::Cell(_)) { 1 } else { 2 };
    let is_plain = case.outputs().all(|value| width(&value) == 1);
    if is_plain || case.outputs().map(|value| width(&value)).sum::<usize>() != stack.len() {
        return push_stack(text, stack);
    }
    let mut rest = stack;
    for value in case.outputs() {
        let (cells, after) = rest.split_at(width(&value));
        rest = after;
        let unit = if matches!(value, ValueView::Cells(_)) { 8 } else { 1 };
        let bytes = match *cells {
            [addr, len] => {
                usize::try_from(len).ok().and_then(|len| engine.read(addr, len.checked_mul(unit)?))
            }
            _ => None,
        };
        match (value, bytes) {
            (ValueView::Str(_), Some(bytes)) => push_printed(text, bytes),
            (ValueView::Cells(_), Some(bytes)) => {
                let cell = |bytes: &[u8]| Cell::from_le_bytes(bytes.try_into().expect("eight bytes"));
                let cells: Vec<Cell> = bytes.chunks_exact(8).map(cell).collect();
                push_value(text, ValueView::Cells(&cells));
                text.pop();
            }
            _ => push_stack(text, cells),
        }
        text.push(' ');
    }
    text.pop();
}

/// Text in quotes, with escapes and clipped when it is long.
fn push_printed(text: &mut String, printed: &[u8]) {
    const SHOWN: usize = 60;
    let printed = String::from_utf8_lossy(printed);
    let shown: String = printed.chars().take(SHOWN).collect();
    let more = if shown.len() < printed.len() { "…" } else { "" };
    write!(text, "{shown:?}{more}").expect("a String takes everything");
}

/// The inputs of a case in words.
pub fn describe_inputs(case: &CaseView<'_>) -> String {
    let mut text = String::new();
    case.inputs().for_each(|value| push_value(&mut text, value));
    text.trim_end().to_owned()
}

/// The stack in words, clipped when it is long.
pub fn push_stack(text: &mut String, stack: &[Cell]) {
    const SHOWN: usize = 8;
    if stack.is_empty() {
        text.push_str("nothing");
        return;
    }
    if stack.len() > SHOWN {
        write!(text, "({} items) … ", stack.len()).expect("a String takes everything");
    }
    let shown = &stack[stack.len().saturating_sub(SHOWN)..];
    for (position, cell) in shown.iter().enumerate() {
        let blank = if position == 0 { "" } else { " " };
        write!(text, "{blank}{cell}").expect("a String takes everything");
    }
}

fn push_value(text: &mut String, value: ValueView<'_>) {
    const SHOWN: usize = 8;
    match value {
        ValueView::Cell(cell) => write!(text, "{cell} "),
        ValueView::Str(string) if string.chars().count() > 40 => {
            write!(text, "{:?}… ", string.chars().take(40).collect::<String>())
        }
        ValueView::Str(string) => write!(text, "{string:?} "),
        ValueView::Cells(cells) => {
            let more = if cells.len() > SHOWN { ", …" } else { "" };
            let shown: Vec<String> = cells.iter().take(SHOWN).map(Cell::to_string).collect();
            write!(text, "[{}{more}] ", shown.join(", "))
        }
    }
    .expect("a String takes everything");
}
