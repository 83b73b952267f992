//! An item as a line of specification JSON.

use super::ast::{Kind, Out, Program, Shape};
use super::emit::Token;
use super::item::{self, Draft, Item};
use super::probe::{self, Answer, Row, Value};
use super::words;
use crate::forth::Engine;
use crate::model;
use crate::model::random::Random;
use std::fmt::Write;

/// Rows of edge values, which come first.
const EDGE_ROWS: usize = 4;
/// Tests of one specification.
const TESTS: usize = 9;
/// Tests of one specification, at least, where there are so many inputs.
const TESTS_MIN: usize = 6;
/// Held-out tests of one specification.
const HELDOUT: usize = 4;
/// Held-out tests of one specification, at least, where that leaves enough tests.
const HELDOUT_MIN: usize = 2;
/// Rows at the numbers that the code compares with.
const BOUNDARY_ROWS: usize = 12;
/// Rows that are looked at for tests.
const ROWS_MAX: usize = 40;

/// Adds the line of an item to a text. `number` is its rank among the distinct ones.
pub fn line(engine: &mut Engine, seed: u64, draft: &Draft, bands: &[u8], number: u64, text: &mut String) {
    let item = item::item(seed, draft, bands);
    let mut random = Random::new(&[seed, 2, draft.index, u64::from(draft.attempt)]);
    let (tests, heldout) = cases(engine, &item, &mut random);
    let program = &item.program;
    push(text, format_args!("{{\"word\":\"{}-{number}\",\"description\":", program.kind_name()));
    string(text, &statement(program, &tests, &mut random));
    text.push_str(",\"stack_effect\":{\"inputs\":[");
    for (at, (name, ty, constraint)) in inputs(program).into_iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        push(text, format_args!("{comma}{{\"name\":\"{name}\",\"type\":\"{ty}\""));
        if let Some(constraint) = constraint {
            push(text, format_args!(",\"constraint\":\"{constraint}\""));
        }
        text.push('}');
    }
    text.push_str("],\"outputs\":[");
    for (at, (name, ty)) in outputs(program).into_iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        push(text, format_args!("{comma}{{\"name\":\"{name}\",\"type\":\"{ty}\"}}"));
    }
    text.push_str("]},\"test_cases\":[");
    push_cases(text, &tests);
    text.push_str("],\"heldout_cases\":[");
    push_cases(text, &heldout);
    text.push_str("],\"implementation\":{\"code\":");
    string(text, &item.body);
    push(
        text,
        format_args!(
            "}},\"metadata\":{{\"author\":\"wordmill generate\",\"tags\":[\"generated\",\"kind:{}\",\"source:{}\",\
             \"difficulty:{}\",\"size:{}\",\"seed:{seed}\",\"index:{}\"]}}}}\n",
            program.kind_name(),
            item.source.name(),
            item.difficulty,
            item.tokens.len(),
            draft.index
        ),
    );
}

struct Case {
    row: Row,
    answer: Answer,
    is_edge: bool,
}

/// Tests and held-out tests: edge values first, then rows whose answers differ from those before.
fn cases(engine: &mut Engine, item: &Item, random: &mut Random) -> (Vec<Case>, Vec<Case>) {
    let xt = item::load(engine, item).expect("it loaded when it was drafted");
    let outs = item::outs(&item.program);
    let mut rows: Vec<Case> = Vec::with_capacity(ROWS_MAX);
    // Edge values, then where the code may turn, then numbers at random: behind all edges.
    let edges: Vec<Row> = (0..EDGE_ROWS).map(|at| probe::row(&item.program.params, at, random)).collect();
    let boundaries = boundaries(item, random);
    let others =
        (EDGE_ROWS..ROWS_MAX).map(|at| probe::row(&item.program.params, at + 60, random)).collect::<Vec<_>>();
    for (at, row) in edges.into_iter().chain(boundaries).chain(others).enumerate() {
        if rows.iter().any(|case| case.row == row) {
            continue;
        }
        if let Some(answer) = probe::answer(engine, xt, &row, outs) {
            rows.push(Case { row, answer, is_edge: at < EDGE_ROWS });
        }
    }
    let mut tests: Vec<Case> = Vec::with_capacity(TESTS);
    let mut others = Vec::new();
    for case in rows {
        let is_new = tests.iter().all(|test| test.answer != case.answer);
        if tests.len() < TESTS && (case.is_edge || is_new) { tests.push(case) } else { others.push(case) }
    }
    while tests.len() < TESTS_MIN && !others.is_empty() {
        tests.push(others.remove(0));
    }
    // Where there are few inputs at all, some of them are kept back all the same.
    while others.len() < HELDOUT_MIN && tests.len() > TESTS_MIN {
        others.extend(tests.pop());
    }
    // Held-out tests tell more where their answers differ.
    let mut heldout: Vec<Case> = Vec::with_capacity(HELDOUT);
    while heldout.len() < HELDOUT && !others.is_empty() {
        let is_new = |case: &Case| heldout.iter().all(|held| held.answer != case.answer);
        let at = others.iter().position(is_new).unwrap_or(0);
        heldout.push(others.remove(at));
    }
    (tests, heldout)
}

/// Rows in which one number is at, or one beside, a number of the code, or the half of one: there its conditions turn.
fn boundaries(item: &Item, random: &mut Random) -> Vec<Row> {
    let mut turns: Vec<i64> = Vec::new();
    for token in &item.tokens {
        let Token::Number(number) = token else { continue };
        if !(2..=5_000).contains(&number.unsigned_abs()) {
            continue;
        }
        for turn in model::neighbours(*number) {
            if !turns.contains(&turn) {
                turns.push(turn);
            }
        }
    }
    let numbers: Vec<usize> =
        (0..item.program.params.len()).filter(|at| item.program.params[*at].is_number()).collect();
    if numbers.is_empty() {
        return Vec::new();
    }
    turns
        .into_iter()
        .take(BOUNDARY_ROWS)
        .enumerate()
        .filter_map(|(at, turn)| {
            let mut row = probe::row(&item.program.params, 60 + at, random);
            let param = numbers[at % numbers.len()];
            row[param] = Value::Cell(turn);
            item.program.params[param].admits(turn).then_some(row)
        })
        .collect()
}

/// The task in words, with the effect and an example.
fn statement(program: &Program, tests: &[Case], random: &mut Random) -> String {
    let mut text = words::describe(program, random);
    let ranges: Vec<String> =
        inputs(program).into_iter().filter_map(|(_, _, constraint)| constraint).collect();
    if !ranges.is_empty() {
        write!(text, " Only {} is asked for.", ranges.join(" and ")).expect("a String takes everything");
    }
    if !matches!(program.shape, Shape::Straight(_)) || random.one_in(2) {
        let names = |names: Vec<String>| names.iter().map(|name| format!("{name} ")).collect::<String>();
        let before = names(inputs(program).into_iter().map(|(name, ..)| name).collect());
        let after = names(outputs(program).into_iter().map(|(name, _)| name).collect());
        write!(text, " Stack effect: ( {before}-- {after}).").expect("a String takes everything");
    }
    let left = tests.iter().rfind(|case| matches!(case.answer, Answer::Left(_)) && !case.is_edge);
    if let (Some(case), false) = (left, random.one_in(4)) {
        let shown = |values: &[Value]| {
            let values: Vec<String> = values.iter().map(shown).collect();
            values.join(" ")
        };
        let Answer::Left(values) = &case.answer else { unreachable!("only such were looked for") };
        let (before, after) = (shown(&case.row), shown(values));
        match random.below(3) {
            0 => write!(text, " For example, {before} gives {after}."),
            1 => write!(text, " Example: {before} -> {after}."),
            _ => write!(text, " So {before} leaves {after}."),
        }
        .expect("a String takes everything");
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::Cell(cell) => cell.to_string(),
        Value::Text(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
        Value::Cells(cells) => format!("{cells:?}"),
    }
}

/// The inputs, as the stack has them: name, type, constraint.
fn inputs(program: &Program) -> Vec<(String, &'static str, Option<String>)> {
    let names = program.names();
    let mut inputs = Vec::new();
    for (at, kind) in (0u8..).zip(&program.params) {
        let name = names.of(super::ast::Var(at)).to_owned();
        match kind {
            Kind::Text => inputs.extend([("c-addr".to_owned(), "addr", None), ("u".to_owned(), "int", None)]),
            Kind::Cells => inputs.extend([("addr".to_owned(), "addr", None), ("u".to_owned(), "int", None)]),
            number => inputs.push((name.clone(), "int", number.constraint(&name))),
        }
    }
    inputs
}

fn outputs(program: &Program) -> Vec<(String, &'static str)> {
    match (&program.shape, program.params[0]) {
        (Shape::Replace(_), Kind::Text) => vec![("c-addr".to_owned(), "addr"), ("u".to_owned(), "int")],
        (Shape::Replace(_), _) => vec![("addr".to_owned(), "addr"), ("u".to_owned(), "int")],
        (Shape::Straight(outs), _) => {
            let name = |at: usize, what: &str| match outs.len() {
                1 => what.to_owned(),
                _ => format!("{what}{}", at + 1),
            };
            let out = |(at, out): (usize, &Out)| match out {
                Out::Number(_) => (name(at, "r"), "int"),
                Out::Flag(_) => (name(at, "flag"), "bool"),
            };
            outs.iter().enumerate().map(out).collect()
        }
        _ => vec![("r".to_owned(), "int")],
    }
}

fn push_cases(text: &mut String, cases: &[Case]) {
    for (at, case) in cases.iter().enumerate() {
        text.push_str(if at > 0 { ",{\"input\":[" } else { "{\"input\":[" });
        push_values(text, &case.row);
        match &case.answer {
            Answer::Left(values) => {
                text.push_str("],\"output\":[");
                push_values(text, values);
                text.push(']');
            }
            Answer::Threw(code) => push(text, format_args!("],\"throws\":{code}")),
        }
        text.push_str(if case.is_edge { ",\"tags\":[\"edge_case\"]}" } else { "}" });
    }
}

fn push_values(text: &mut String, values: &[Value]) {
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match value {
            Value::Cell(cell) => push(text, format_args!("{cell}")),
            Value::Text(bytes) => string(text, &String::from_utf8_lossy(bytes)),
            Value::Cells(cells) => push(text, format_args!("{cells:?}")),
        }
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a String takes everything");
}

/// A JSON string. Everything here prints, so that only two characters need an escape.
fn string(text: &mut String, content: &str) {
    text.push('"');
    for c in content.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::{Image, Limits};
    use crate::spec::parse_spec_line;

    #[test]
    fn lines_are_valid_specifications_whose_code_passes() {
        let mut engine = Engine::new(Image::shared(), Limits::default());
        let bands = [0, 1, 2, 3, 4];
        let mut seen = 0;
        for index in 0..400 {
            let Some(draft) = item::draft(&mut engine, 5, index, &bands, (1, 100)) else { continue };
            let mut text = String::new();
            line(&mut engine, 5, &draft, &bands, index, &mut text);
            let entry = parse_spec_line(text.as_bytes(), "x", 1);
            assert_eq!(entry.diagnostics, [], "{text}");
            let spec = entry.spec.expect("a specification");
            assert!(spec.tests.len() >= 5 && spec.heldout.len() >= 2, "{text}");
            let inputs = |case: &crate::model::spec::TestCase| case.input.clone();
            for held in &spec.heldout {
                assert!(spec.tests.iter().all(|test| inputs(test) != inputs(held)), "{text}");
            }
            seen += 1;
        }
        assert!(seen > 200, "{seen} of 400 were worth a word");
    }
}
