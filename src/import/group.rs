//! Tests of one word, with the code that it needs, become one record.

use super::effect::Declared;
use super::scan::Findings;
use super::source::{Piece, Source, Test};
use super::value::Item;
use super::{Import, Imported};
use crate::forth::{self, words};
use crate::model::{Cell, CellType, Severity, Value};
use crate::spec::finding::{Finding, Span};
use crate::spec::{codes, parse_spec_line};
use serde_json::{Map, json};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Words that are tested, in the order of their first tests; a word that is defined anew begins again.
pub(super) fn specifications(source: Source<'_>) -> Import {
    let Source { text, mut findings, pieces, tests, declared, n_tests } = source;
    let index = Index::of(&pieces);
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    let mut known: HashMap<(String, Option<usize>), usize> = HashMap::new();
    for test in &tests {
        let lower = test.word.lower();
        let piece = index.definition_of(&lower, test.n_pieces);
        let group = *known.entry((lower, piece)).or_insert_with(|| {
            groups.push(Group { piece, tests: Vec::new() });
            groups.len() - 1
        });
        groups[group].tests.push(test);
    }
    let mut import = Import { n_tests, ..Import::default() };
    let mut told = HashSet::new();
    for group in groups {
        let word = group.tests[0].word.lower();
        let declared = group.piece.and_then(|piece| pieces[piece].declared.as_ref()).or(declared.get(&word));
        import.specs.extend(group.into_spec(text, &index, declared, &mut findings, &mut told));
    }
    import.diagnostics = findings.finish();
    import
}

/// The pieces of a file by what they define.
struct Index<'s> {
    pieces: &'s [Piece],
    /// Where each name is defined, in the order of the file.
    by_name: HashMap<&'s str, Vec<usize>>,
    /// Pieces that define nothing.
    changes: Vec<usize>,
}

impl<'s> Index<'s> {
    fn of(pieces: &'s [Piece]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, piece) in pieces.iter().enumerate() {
            piece.names.iter().for_each(|name| by_name.entry(name).or_default().push(at));
        }
        let changes = (0..pieces.len()).filter(|&at| pieces[at].names.is_empty()).collect();
        Self { pieces, by_name, changes }
    }

    /// The newest piece before `n` that defines a word.
    fn definition_of(&self, word: &str, n: usize) -> Option<usize> {
        let places = self.by_name.get(word)?;
        let n_before = places.partition_point(|&at| at < n);
        n_before.checked_sub(1).map(|last| places[last])
    }
}

struct Group<'s, 't> {
    piece: Option<usize>,
    tests: Vec<&'s Test<'t>>,
}

impl Group<'_, '_> {
    fn into_spec(
        mut self,
        text: &str,
        index: &Index<'_>,
        declared: Option<&Declared>,
        findings: &mut Findings<'_>,
        told: &mut HashSet<u32>,
    ) -> Option<Imported> {
        let first = self.tests[0].word;
        let (n_in, n_out) = match declared {
            Some(declared) => (declared.inputs.len(), declared.outputs.len()),
            None => self.usual_counts(),
        };
        self.tests.retain(|test| {
            let fits = test.n_in() == n_in && (test.throws.is_some() || test.n_out() == n_out);
            if !fits {
                let said = if declared.is_some() { "the stack comment says" } else { "the other tests say" };
                let message = format!(
                    "the test of `{}` has {} cells before and {} after, {said} {n_in} and {n_out}",
                    test.word.text,
                    test.n_in(),
                    test.n_out()
                );
                findings.add(Finding::error(codes::FORTH_TEST, test.word.span(), message));
            }
            fits
        });
        if self.tests.is_empty() {
            return None;
        }
        let inputs = columns(n_in, self.tests.iter().map(|test| test.inputs.as_slice()));
        let returning = self.tests.iter().filter(|test| test.throws.is_none());
        let outputs = columns(n_out, returning.map(|test| test.outputs.as_slice()));
        let inputs = params(&inputs, declared.map(|declared| &declared.inputs[..]), INPUT_NAMES);
        let outputs = params(&outputs, declared.map(|declared| &declared.outputs[..]), OUTPUT_NAMES);
        let mut spec = Map::new();
        spec.insert("word".into(), json!(first.text));
        spec.insert("stack_effect".into(), json!({"inputs": shown(&inputs), "outputs": shown(&outputs)}));
        let cases: Vec<_> = self.tests.iter().map(|test| case(test, &inputs, &outputs)).collect();
        spec.insert("test_cases".into(), cases.into());
        let needed = self.piece.map(|piece| needed_by(index, piece, self.tests[0].n_pieces));
        for &at in needed.iter().flatten() {
            let piece = &index.pieces[at];
            if let Some(damage) = piece.damage {
                let message = format!("the code of `{}` has a byte here that is not UTF-8", first.text);
                findings.add(Finding::error(codes::FORTH_TEST, damage, message));
                return None;
            }
            for (word, span) in unknown_in(piece, at, index).filter(|(_, span)| told.insert(span.start)) {
                let message = format!(
                    "`{word}` is not defined before this and no word of the standard: the code will not compile"
                );
                findings.add(Finding::warning(codes::FORTH_TEXT, span, message));
            }
        }
        let code = needed.map(|needed| code_of(text, index, needed));
        if let Some(code) = &code {
            spec.insert("implementation".into(), json!({ "code": code }));
        }
        let line = serde_json::Value::Object(spec).to_string();
        let entry = parse_spec_line(line.as_bytes(), "", 1);
        entry.diagnostics.iter().for_each(|diagnostic| findings.add_from(diagnostic, first.span()));
        let is_good = entry.diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
        is_good.then(|| Imported {
            word: first.text.to_owned(),
            line,
            place: findings.place(first.span()),
            n_tests: self.tests.len(),
            has_code: code.is_some(),
        })
    }

    /// The counts that most tests have; of two that are as usual the first.
    fn usual_counts(&self) -> (usize, usize) {
        let returning: Vec<_> = self
            .tests
            .iter()
            .filter(|test| test.throws.is_none())
            .map(|test| (test.n_in(), test.n_out()))
            .collect();
        let how_often = |counts: &(usize, usize)| returning.iter().filter(|other| *other == counts).count();
        let most = returning.iter().map(how_often).max().unwrap_or(0);
        match returning.iter().find(|counts| how_often(counts) == most) {
            Some(counts) => *counts,
            None => (self.tests[0].n_in(), 0),
        }
    }
}

impl Test<'_> {
    fn n_in(&self) -> usize {
        self.inputs.iter().map(Item::width).sum()
    }

    fn n_out(&self) -> usize {
        self.outputs.iter().map(Item::width).sum()
    }
}

const INPUT_NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const OUTPUT_NAMES: [&str; 6] = ["r", "s", "t", "u", "v", "w"];

/// What all tests say of one stack item.
#[derive(Clone, Copy)]
struct Column {
    /// The first cell of a string.
    is_address: bool,
    /// The second cell of a string.
    is_count: bool,
    all_flags: bool,
    some_flag: bool,
    all_chars: bool,
    is_number: bool,
}

fn columns<'i>(n: usize, rows: impl Iterator<Item = &'i [Item]>) -> Vec<Column> {
    let blank = Column {
        is_address: false,
        is_count: false,
        all_flags: true,
        some_flag: false,
        all_chars: true,
        is_number: false,
    };
    let mut columns = vec![blank; n];
    for row in rows {
        let mut at = 0;
        for item in row {
            match item.value {
                Value::Cell(cell) => {
                    let column = &mut columns[at];
                    column.is_number = true;
                    column.all_flags &= matches!(cell, 0 | -1);
                    column.some_flag |= item.is_flag;
                    column.all_chars &= (0..=0x10_FFFF).contains(&cell);
                    at += 1;
                }
                _ => {
                    columns[at].is_address = true;
                    columns[at + 1].is_count = true;
                    at += 2;
                }
            }
        }
    }
    columns
}

/// Names and types: as they are declared, but for a type that some test does not have.
fn params(
    columns: &[Column],
    declared: Option<&[(String, CellType)]>,
    names: [&str; 6],
) -> Vec<(String, CellType)> {
    let name =
        |at: usize| names.get(at).map_or_else(|| format!("{}{at}", names[0]), |name| (*name).to_owned());
    let fitting = |column: &Column, ty: CellType| match ty {
        _ if column.is_address => CellType::Addr,
        CellType::Bool if !column.all_flags => CellType::Int,
        CellType::Char if !column.all_chars => CellType::Int,
        _ if column.is_count => CellType::Uint,
        ty => ty,
    };
    let told = |column: &Column| match column.all_flags && column.some_flag && column.is_number {
        true => CellType::Bool,
        false => CellType::Int,
    };
    columns
        .iter()
        .enumerate()
        .map(|(at, column)| match declared {
            Some(declared) => (declared[at].0.clone(), fitting(column, declared[at].1)),
            None => (name(at), fitting(column, told(column))),
        })
        .collect()
}

fn shown(params: &[(String, CellType)]) -> serde_json::Value {
    params.iter().map(|(name, ty)| json!({"name": name, "type": ty.name()})).collect()
}

fn case(test: &Test<'_>, inputs: &[(String, CellType)], outputs: &[(String, CellType)]) -> serde_json::Value {
    let mut case = Map::new();
    if let Some(about) = test.about {
        case.insert("description".into(), json!(about));
    }
    case.insert("input".into(), values(&test.inputs, inputs));
    match test.throws {
        Some(code) => case.insert("throws".into(), json!(code)),
        None => case.insert("output".into(), values(&test.outputs, outputs)),
    };
    case.into()
}

fn values(items: &[Item], params: &[(String, CellType)]) -> serde_json::Value {
    let mut at = 0;
    let mut shown = Vec::with_capacity(items.len());
    for item in items {
        let ty = params[at].1;
        at += item.width();
        shown.push(match &item.value {
            Value::Cell(cell) => number(*cell, ty),
            Value::Str(text) => json!(text),
            Value::Cells(cells) => json!(cells),
        });
    }
    shown.into()
}

fn number(cell: Cell, ty: CellType) -> serde_json::Value {
    match ty {
        CellType::Uint => json!(cell as u64),
        CellType::Bool => json!(cell != 0),
        _ => json!(cell),
    }
}

/// The definition of a word with everything that it needs, in the order of the file: the words that it calls, and lines
/// before its first test that change one of them.
fn needed_by(index: &Index<'_>, own: usize, n_before: usize) -> BTreeSet<usize> {
    let pieces = index.pieces;
    let mut needed = BTreeSet::from([own]);
    let mut waiting = vec![own];
    while let Some(at) = waiting.pop() {
        let called = pieces[at].words.iter().filter_map(|word| index.definition_of(word, at));
        let names = &pieces[at].names;
        let later = index.changes.partition_point(|&change| change <= at);
        let changing = index.changes[later..].iter().copied().take_while(|&change| change < n_before);
        let changing =
            changing.filter(|&change| names.iter().any(|name| pieces[change].words.contains(name)));
        for piece in called.chain(changing) {
            if needed.insert(piece) {
                waiting.push(piece);
            }
        }
    }
    needed
}

/// Words of a definition that nothing defines, and where they stand.
fn unknown_in<'s>(
    piece: &'s Piece,
    at: usize,
    index: &'s Index<'s>,
) -> impl Iterator<Item = (&'s str, Span)> + 's {
    // Older notations of locals are not followed.
    let is_followed = !["{", "locals|", "(local)"].iter().any(|opening| piece.words.contains(*opening));
    let is_known = move |word: &str| {
        words::lookup(word.as_bytes()).is_some()
            || forth::number(word.as_bytes(), piece.base).is_some()
            || piece.locals.contains(word)
            || index.definition_of(word, at).is_some()
    };
    let mentions = piece.mentions.iter().map(|(word, span)| (word.as_str(), *span));
    mentions.filter(move |(word, _)| is_followed && !is_known(word))
}

/// The pieces as they stand in the file, with the bases that they are read in.
fn code_of(text: &str, index: &Index<'_>, needed: BTreeSet<usize>) -> String {
    let pieces = index.pieces;
    let mut code = String::new();
    let mut base = 10;
    for piece in needed.into_iter().map(|at| &pieces[at]) {
        if !code.is_empty() {
            code.push('\n');
        }
        if piece.base != base {
            base = piece.base;
            match base {
                10 => code.push_str("decimal\n"),
                16 => code.push_str("hex\n"),
                other => code.push_str(&format!("decimal {other} base !\n")),
            }
        }
        code.push_str(&text[piece.start..piece.end]);
    }
    if base != 10 {
        code.push_str("\ndecimal");
    }
    code
}
