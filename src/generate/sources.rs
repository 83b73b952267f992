//! Where programs come from beside the grammar: the shipped templates, filled, and a bank of small expressions. The bank
//! also says whether something smaller does what a drawn program does.

use super::ast::{Bin, Expr, Kind, Out, Program, Shape, Un, Var};
use super::emit::{self, Token};
use super::lift::lift;
use super::probe::{Answer, Probes, Value};
use crate::arena::Bump;
use crate::forth::words::lookup;
use crate::model::random::Random;
use crate::synth::bank::kernel::{Column, Unary};
use crate::synth::bank::{Bank, Entry, Filled, Vocabulary};
use crate::synth::expr::Op;
use crate::template::{HoleContext, Library, Template};
use std::sync::LazyLock;

/// Inputs of the words that the bank knows, at most.
const INPUTS_MAX: usize = 3;
/// Rows of the probes on which expressions are told apart by the bank, and the first of them.
const LANES: usize = 16;
const FIRST_LANE: usize = 4;
/// Expressions of one bank.
const ENTRIES_MAX: usize = 100_000;
/// Fillings of one template that are drawn from.
const FILLINGS_MAX: u64 = 4096;

/// A number of an expression in one of the banks: its inputs and its entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Banked {
    n_in: u8,
    entry: u32,
}

struct Sources {
    /// Templates of straight code, with how many fillings each has.
    templates: Vec<(&'static Template, u64)>,
    /// By the number of inputs, from one.
    banks: Vec<Bank<LANES>>,
}

static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    let is_straight = |template: &&Template| {
        (1..=4).contains(&template.n_in())
            && !template.is_typed()
            && lift(&template.example_body(), template.n_in()).is_some()
    };
    let with_count =
        |template: &'static Template| (template, template.count(&HoleContext::default()).min(FILLINGS_MAX));
    let templates = Library::shipped().iter().filter(is_straight).map(with_count);
    Sources {
        templates: templates.filter(|(_, count)| *count > 0).collect(),
        banks: (1..=INPUTS_MAX).map(bank).collect(),
    }
});

/// The bank of expressions over so many inputs that a description can say.
fn bank(n_in: usize) -> Bank<LANES> {
    use Unary::Plain;
    let vocabulary = Vocabulary {
        constants: vec![1, 2, 3, 5, 7, 10, 100],
        literal_size: 1,
        shift_size: 3,
        unary: [Op::Negate, Op::Abs, Op::OnePlus, Op::OneMinus, Op::TwoStar, Op::TwoSlash, Op::Invert]
            .map(Plain)
            .to_vec(),
        binary: vec![Op::Plus, Op::Minus, Op::Star, Op::Min, Op::Max, Op::And, Op::Or, Op::Xor],
    };
    let rows = &Probes::of(&vec![Kind::Int; n_in]).rows;
    let inputs: Vec<Column<LANES>> = (0..n_in)
        .map(|param| {
            Column(std::array::from_fn(|lane| match rows[FIRST_LANE + lane][param] {
                Value::Cell(cell) => cell,
                Value::Text(_) | Value::Cells(_) => unreachable!("a number's probes are numbers"),
            }))
        })
        .collect();
    let mut bank = Bank::default();
    bank.start(&inputs, vocabulary);
    while bank.grow(u64::MAX, ENTRIES_MAX) == Filled::Whole {}
    bank
}

/// A filled template, described by what it comes to, with its own words; nothing where that does not come to a structure.
pub fn template(random: &mut Random) -> Option<(Program, Vec<Token>)> {
    let templates = &SOURCES.templates;
    let (template, count) = templates[random.below(templates.len() as u64) as usize];
    let mut assignments = template.assignments(&HoleContext::default());
    assignments.seek(random.below(count));
    let (_, _, values) = assignments.next()?;
    let arena = Bump::new();
    let code = template.fill(&arena, values);
    let outs = lift(code, template.n_in())?;
    let tokens: Option<Vec<Token>> = code
        .split_ascii_whitespace()
        .map(|word| match word.parse() {
            Ok(number) => Some(Token::Number(number)),
            Err(_) => lookup(word.as_bytes()).map(|word| Token::Word(word.name())),
        })
        .collect();
    let params = vec![Kind::Int; template.n_in()];
    Some((Program { params, guard: None, shape: Shape::Straight(outs) }, tokens?))
}

/// An expression of a bank, all sizes alike.
pub fn banked(random: &mut Random) -> Banked {
    let n_in = 1 + random.below(INPUTS_MAX as u64) as u8;
    let bank = &SOURCES.banks[n_in as usize - 1];
    let size = 2 + random.below(bank.size() as u64 - 1) as usize;
    let entries = bank.of_size(size);
    let entry = entries.start as u64 + random.below((entries.len() as u64).max(1));
    Banked { n_in, entry: entry.min(bank.len() as u64 - 1) as u32 }
}

/// The expression as a program.
pub fn program(banked: Banked) -> Program {
    let expr = expr(&SOURCES.banks[banked.n_in as usize - 1], banked.entry as usize);
    let params = vec![Kind::Int; banked.n_in as usize];
    Program { params, guard: None, shape: Shape::Straight(vec![Out::Number(expr)]) }
}

/// The expression that answers the lanes as this program does, if its code is shorter. Whether it does so on all probes is
/// still to be seen.
pub fn smaller(program: &Program, answers: &[Answer], n_tokens: usize) -> Option<Banked> {
    let n_in = program.params.len();
    let is_plain = program.params.iter().all(|kind| *kind == Kind::Int) && program.guard.is_none();
    if n_in > INPUTS_MAX
        || !is_plain
        || !matches!(&program.shape, Shape::Straight(outs) if matches!(outs[..], [Out::Number(_)]))
    {
        return None;
    }
    let mut column = Column([0; LANES]);
    for (lane, answer) in column.0.iter_mut().zip(&answers[FIRST_LANE..]) {
        let Answer::Left(values) = answer else { return None };
        let [Value::Cell(cell)] = values.as_slice() else { return None };
        *lane = *cell;
    }
    let entry = SOURCES.banks[n_in - 1].find(&column)? as u32;
    let found = Banked { n_in: n_in as u8, entry };
    (emit::body(&self::program(found)).len() < n_tokens).then_some(found)
}

fn expr(bank: &Bank<LANES>, entry: usize) -> Expr {
    let boxed = |entry: usize| Box::new(expr(bank, entry));
    match bank.entry(entry) {
        Entry::Constant(value) => Expr::Lit(value),
        Entry::Input(at) => Expr::Var(Var(at as u8)),
        Entry::Unary(unary, a) => {
            let un = match unary {
                Unary::Plain(Op::Negate) => Un::Negate,
                Unary::Plain(Op::Abs) => Un::Abs,
                Unary::Plain(Op::OnePlus) => Un::Inc,
                Unary::Plain(Op::OneMinus) => Un::Dec,
                Unary::Plain(Op::TwoStar) => Un::Double,
                Unary::Plain(Op::TwoSlash) => Un::Half,
                Unary::Plain(Op::Invert) => Un::Invert,
                other => unreachable!("{other:?} is not in the vocabulary"),
            };
            Expr::Un(un, boxed(a))
        }
        Entry::Binary(Op::Star, a, b) if a == b => Expr::Un(Un::Square, boxed(a)),
        Entry::Binary(op, a, b) => {
            let bin = match op {
                Op::Plus => Bin::Add,
                Op::Minus => Bin::Sub,
                Op::Star => Bin::Mul,
                Op::Min => Bin::Min,
                Op::Max => Bin::Max,
                Op::And => Bin::And,
                Op::Or => Bin::Or,
                Op::Xor => Bin::Xor,
                other => unreachable!("{other:?} is not in the vocabulary"),
            };
            Expr::Bin(bin, boxed(a), boxed(b))
        }
    }
}
