//! What a program does, on rows of inputs: a wide fixed set of probes that tells behaviours apart, and rows for tests.

use super::ast::Kind;
use crate::forth::{Engine, TrapKind, Xt};
use crate::model::Cell;
use crate::model::random::Random;
use std::sync::OnceLock;

/// Fuel of one probe: more is no word that anybody wants an exercise about.
pub const FUEL: u64 = 20_000;

/// Most rows of probes for one list of kinds.
const BASE_ROWS: usize = 24;
/// Rows in which one parameter is another, for each.
const VARIED_ROWS: usize = 6;
/// Rows of small numbers that every kind of number takes.
const COMMON_ROWS: usize = 20;

/// A value that goes in or comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// One cell.
    Cell(Cell),
    /// A string.
    Text(Vec<u8>),
    /// An array.
    Cells(Vec<Cell>),
}

/// One row of inputs.
pub type Row = Vec<Value>;

/// The probes of a list of kinds.
pub struct Probes {
    /// Rows; those after the first [`BASE_ROWS`] vary one parameter of one of these.
    pub rows: Vec<Row>,
    /// For each varied row, which parameter it varies and of which row.
    pub varied: Vec<(usize, usize)>,
    /// Rows that any numbers take; none where there are strings or arrays.
    pub common: Vec<Row>,
}

/// What a word did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// What it left.
    Left(Vec<Value>),
    /// The exception that it threw.
    Threw(Cell),
}

impl Probes {
    /// The probes of these kinds: always the same.
    pub fn of(kinds: &[Kind]) -> &'static Probes {
        static ALL: OnceLock<Vec<(Vec<Kind>, Probes)>> = OnceLock::new();
        let all = ALL
            .get_or_init(|| lists().into_iter().map(|kinds| (kinds.clone(), Probes::new(&kinds))).collect());
        &all.iter().find(|(list, _)| list == kinds).expect("every list that is drawn is in the table").1
    }

    fn new(kinds: &[Kind]) -> Self {
        let mut random = Random::new(&[0x009B_0BE5, kinds.len() as u64]);
        let mut rows: Vec<Row> = (0..BASE_ROWS).map(|at| row(kinds, at, &mut random)).collect();
        let mut varied = Vec::new();
        for param in 0..kinds.len() {
            for at in 0..VARIED_ROWS {
                let base = (3 * at + param) % BASE_ROWS;
                let mut row = rows[base].clone();
                row[param] = value(kinds[param], 7 * at + 5 * param + 3, &mut random);
                varied.push((param, base));
                rows.push(row);
            }
        }
        let common = match kinds.iter().all(|kind| kind.is_number()) {
            true => (0..COMMON_ROWS).map(|at| common_row(kinds.len(), at)).collect(),
            false => Vec::new(),
        };
        Self { rows, varied, common }
    }
}

/// All lists of kinds that are drawn.
fn lists() -> Vec<Vec<Kind>> {
    let mut lists: Vec<Vec<Kind>> = (1..=4).map(|n| vec![Kind::Int; n]).collect();
    for first in [Kind::Natural, Kind::Text, Kind::Cells, Kind::Count, Kind::Positive] {
        lists.extend([vec![first], vec![first, Kind::Int]]);
    }
    lists.extend([vec![Kind::Int, Kind::Count], vec![Kind::Int, Kind::Count, Kind::Int]]);
    lists
}

/// The numbers 1 to 12, each parameter at another pace.
fn common_row(n: usize, at: usize) -> Row {
    (0..n).map(|param| Value::Cell(((at * [1, 5, 7, 11][param] + param) % 12) as Cell + 1)).collect()
}

/// Row number `at`: edge values first, all parameters alike in the first rows.
pub fn row(kinds: &[Kind], at: usize, random: &mut Random) -> Row {
    let pace = |param: usize| if at < 3 { at } else { at * (param + 1) + param };
    kinds.iter().enumerate().map(|(param, kind)| value(*kind, pace(param), random)).collect()
}

/// A value of a kind; small `at` are edge cases, the others random.
fn value(kind: Kind, at: usize, random: &mut Random) -> Value {
    const INTS: [Cell; 14] = [0, 1, -1, 2, 10, -7, 3, 100, 8, -2, 17, -50, 64, 5];
    const NATURALS: [Cell; 10] = [0, 1, 10, 9, 99, 5000, 12, 128, 1000, 255];
    const POSITIVES: [Cell; 8] = [1, 2, 12, 7, 60, 36, 3, 16];
    const COUNTS: [Cell; 8] = [0, 1, 2, 5, 12, 3, 7, 4];
    match kind {
        Kind::Int => Value::Cell(match INTS.get(at) {
            Some(edge) => *edge,
            None if random.one_in(4) => random.within(-1_000, 1_000) as Cell,
            None => random.within(-60, 60) as Cell,
        }),
        Kind::Natural => Value::Cell(NATURALS.get(at).copied().unwrap_or_else(|| random.below(5001) as Cell)),
        Kind::Positive => {
            Value::Cell(POSITIVES.get(at).copied().unwrap_or_else(|| 1 + random.below(60) as Cell))
        }
        Kind::Count => Value::Cell(COUNTS.get(at).copied().unwrap_or_else(|| random.below(13) as Cell)),
        Kind::Text => Value::Text(text(at, random)),
        Kind::Cells => Value::Cells(match at {
            0 => Vec::new(),
            1 => vec![1],
            2 => vec![-1, 0, 1],
            3 => vec![7],
            _ => (0..1 + random.below(8)).map(|_| random.within(-40, 60) as Cell).collect(),
        }),
    }
}

fn text(at: usize, random: &mut Random) -> Vec<u8> {
    const EDGES: [&str; 8] = ["", "a", "Z9", "Hello, World!", "abc", "12345", "  ", "AbCdE"];
    const PIECES: [&str; 20] = [
        "one", "Two", "three ", "X", "42", " and ", "FORTH", "stack", "0", "e", "7-", "Loop", "the ", "QUIZ",
        "zebra", "a1", "B", "99 ", "oo", "mid",
    ];
    match EDGES.get(at) {
        Some(edge) => edge.as_bytes().to_vec(),
        None => {
            let n = 1 + random.below(4);
            (0..n).flat_map(|_| PIECES[random.below(PIECES.len() as u64) as usize].bytes()).collect()
        }
    }
}

/// Runs a word on a row. `None` where it did something that no exercise may do: ran out of something, left the wrong
/// number of values, or characters that do not print.
pub fn answer(engine: &mut Engine, xt: Xt, row: &[Value], outs: Outs) -> Option<Answer> {
    let mut cells = [0; 8];
    let mut n = 0;
    for value in row {
        match value {
            Value::Cell(cell) => {
                cells[n] = *cell;
                n += 1;
            }
            Value::Text(text) => {
                cells[n] = engine.place(text).ok()?;
                cells[n + 1] = text.len() as Cell;
                n += 2;
            }
            Value::Cells(array) => {
                cells[n] = engine.place_cells(array).ok()?;
                cells[n + 1] = array.len() as Cell;
                n += 2;
            }
        }
    }
    match engine.execute(xt, &cells[..n]) {
        Ok(()) => {}
        Err(trap) => {
            return match trap.kind {
                // What the engine throws by itself.
                TrapKind::Throw(code) if (-23..0).contains(&code) => None,
                TrapKind::Throw(code) => Some(Answer::Threw(code)),
                _ => None,
            };
        }
    }
    let stack = engine.stack();
    let left = match (outs, stack) {
        (Outs::Cells(n), stack) if stack.len() == n => stack.iter().map(|cell| Value::Cell(*cell)).collect(),
        (Outs::Text, [addr, len]) => {
            let bytes = engine.read(*addr, usize::try_from(*len).ok()?)?;
            if !bytes.iter().all(|byte| (32..127).contains(byte)) {
                return None;
            }
            vec![Value::Text(bytes.to_vec())]
        }
        (Outs::Array, [addr, len]) => {
            let bytes = engine.read(*addr, usize::try_from(*len).ok()?.checked_mul(8)?)?;
            let cell = |bytes: &[u8]| Cell::from_le_bytes(bytes.try_into().expect("eight bytes"));
            vec![Value::Cells(bytes.chunks_exact(8).map(cell).collect())]
        }
        _ => return None,
    };
    Some(Answer::Left(left))
}

/// What a word leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outs {
    /// So many cells.
    Cells(usize),
    /// A string.
    Text,
    /// An array.
    Array,
}

/// Writes an answer down for hashing.
pub fn push(answer: &Answer, bytes: &mut Vec<u8>) {
    match answer {
        Answer::Threw(code) => {
            bytes.push(1);
            bytes.extend_from_slice(&code.to_le_bytes());
        }
        Answer::Left(values) => {
            bytes.push(0);
            for value in values {
                match value {
                    Value::Cell(cell) => bytes.extend_from_slice(&cell.to_le_bytes()),
                    Value::Text(text) => {
                        bytes.push(text.len() as u8);
                        bytes.extend_from_slice(text);
                    }
                    Value::Cells(cells) => {
                        bytes.push(cells.len() as u8);
                        cells.iter().for_each(|cell| bytes.extend_from_slice(&cell.to_le_bytes()));
                    }
                }
            }
        }
    }
}

/// Whether the answers to the probes are of a behaviour that is worth a word: no output is always the same or always an
/// input, every input matters somewhere, and a guard neither always nor never throws.
pub fn is_worthwhile(probes: &Probes, answers: &[Answer], has_guard: bool) -> bool {
    let threw = answers.iter().filter(|answer| matches!(answer, Answer::Threw(_))).count();
    if threw * 2 > answers.len() || has_guard != (threw > 0) || has_guard && threw * 25 < answers.len() {
        return false;
    }
    let left = || {
        answers.iter().zip(&probes.rows).filter_map(|(answer, row)| match answer {
            Answer::Left(values) => Some((values, row)),
            Answer::Threw(_) => None,
        })
    };
    let Some((first, _)) = left().next() else { return false };
    for out in 0..first.len() {
        let n_rows = left().count();
        let mut values: Vec<&Value> = left().map(|(values, _)| &values[out]).collect();
        let is_flag = values.iter().all(|value| matches!(value, Value::Cell(0 | -1)));
        let commonest =
            values.iter().map(|value| values.iter().filter(|other| other == &value).count()).max();
        let most = if is_flag { n_rows * 9 / 10 } else { n_rows * 7 / 10 };
        if commonest > Some(most) {
            return false;
        }
        values.clear();
        for param in 0..probes.rows[0].len() {
            let same = left().filter(|(values, row)| values[out] == row[param]).count();
            if same * 10 > n_rows * 9 {
                return false;
            }
        }
        // The same thing twice.
        if (0..out).any(|other| left().all(|(values, _)| values[out] == values[other])) {
            return false;
        }
    }
    (0..probes.rows[0].len()).all(|param| {
        let varied = probes.varied.iter().zip(&answers[BASE_ROWS..]);
        varied.filter(|((at, _), _)| *at == param).any(|((_, base), answer)| answers[*base] != *answer)
    })
}
