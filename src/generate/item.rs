//! One item: drawn from seed and index, run on the probes, measured.

use super::ast::{Bin, Cond, Expr, Kind, Out, Program, Shape};
use super::draw;
use super::emit::{self, Token};
use super::probe::{self, Answer, Outs, Probes, Value};
use super::sources::{self, Banked};
use crate::forth::{Engine, Xt};
use crate::model::random::Random;

/// How often an item is drawn again until it is worth something and of its band.
const ATTEMPTS_MAX: u32 = 8;

/// Outputs beyond this are overflow or soon will be.
const OUTPUT_MAX: u64 = 1_000_000_000_000_000;

/// The word that is being tried out.
const TRIED: &str = "generated-word";

/// What there is to know of an item before it is known whether it is new.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// Its index.
    pub index: u64,
    /// At which attempt it came.
    pub attempt: u32,
    /// What stands for it, where the bank knows something smaller that does the same.
    pub smaller: Option<Banked>,
    /// What goes in, as a number.
    pub kinds: u32,
    /// What it does on the probes of its own kinds.
    pub behaviour: u128,
    /// What it does on small numbers, if it takes numbers only.
    pub common: Option<u128>,
    /// The hash of its skeleton.
    pub skeleton: u64,
    /// 1 to 100.
    pub difficulty: u8,
}

/// Where a program comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Drawn from the grammar.
    Grammar,
    /// A filled template.
    Template,
    /// An expression of the bank, or one that stands for something larger.
    Bank,
}

impl Source {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        ["grammar", "template", "bank"][self as usize]
    }
}

/// A program with its code.
pub struct Item {
    /// The structure.
    pub program: Program,
    /// The body.
    pub tokens: Vec<Token>,
    /// Its text.
    pub body: String,
    /// 1 to 100.
    pub difficulty: u8,
    /// Where it comes from.
    pub source: Source,
}

impl Item {
    fn new(program: Program, tokens: Vec<Token>, source: Source) -> Self {
        let body = emit::text(&tokens);
        let difficulty = difficulty(&program, tokens.len());
        Self { program, tokens, body, difficulty, source }
    }

    /// An expression of the bank.
    fn banked(banked: Banked) -> Self {
        let program = sources::program(banked);
        let tokens = emit::body(&program);
        Self::new(program, tokens, Source::Bank)
    }
}

/// The band of a difficulty, 0 to 4.
pub fn band(difficulty: u8) -> u8 {
    (difficulty.max(1) - 1) / 20
}

/// Easy items come from other sources than the grammar so many times of [`CHANCES`]: from templates, from the bank; by band.
const ELSEWHERE: [(u64, u64); 5] = [(1, 5), (1, 2), (0, 0), (0, 0), (0, 0)];
const CHANCES: u64 = 40;

/// Draws an item again.
pub fn item(seed: u64, draft: &Draft, bands: &[u8]) -> Item {
    match draft.smaller {
        Some(banked) => Item::banked(banked),
        None => drawn(seed, draft.index, draft.attempt, bands),
    }
}

fn drawn(seed: u64, index: u64, attempt: u32, bands: &[u8]) -> Item {
    let mut random = Random::new(&[seed, 1, index, u64::from(attempt)]);
    let band = bands[(index % bands.len() as u64) as usize];
    let (templates, banked) = ELSEWHERE[band as usize];
    let chance = random.below(CHANCES);
    if chance < templates
        && let Some((program, tokens)) = sources::template(&mut random)
    {
        return Item::new(program, tokens, Source::Template);
    }
    if (templates..templates + banked).contains(&chance) {
        return Item::banked(sources::banked(&mut random));
    }
    let program = draw::program(&mut random, band);
    let tokens = emit::body(&program);
    Item::new(program, tokens, Source::Grammar)
}

/// The first attempt at an index that gives something, if any does. `range` is the difficulty that is wanted.
pub fn draft(engine: &mut Engine, seed: u64, index: u64, bands: &[u8], range: (u8, u8)) -> Option<Draft> {
    let wanted = bands[(index % bands.len() as u64) as usize];
    let suits =
        |item: &Item| band(item.difficulty) == wanted && (range.0..=range.1).contains(&item.difficulty);
    (0..ATTEMPTS_MAX).find_map(|attempt| {
        let mut item = drawn(seed, index, attempt, bands);
        if !suits(&item) || is_idle(&item.program) {
            return None;
        }
        let done = behaviours(engine, &item)?;
        let mut smaller = sources::smaller(&item.program, &done.answers, item.tokens.len());
        if let Some(banked) = smaller {
            let other = Item::banked(banked);
            let same = behaviours(engine, &other)
                .is_some_and(|other| (other.behaviour, other.common) == (done.behaviour, done.common));
            if !same {
                smaller = None;
            } else if suits(&other) {
                item = other;
            } else {
                // What is this easy is no item of this difficulty.
                return None;
            }
        }
        let skeleton = emit::skeleton(&item.tokens);
        Some(Draft {
            index,
            attempt,
            smaller,
            kinds: item.program.params.iter().fold(1, |number, kind| number * 8 + *kind as u32),
            behaviour: done.behaviour,
            common: done.common,
            skeleton: u64::from_le_bytes(
                blake3::hash(skeleton.as_bytes()).as_bytes()[..8].try_into().expect("8 bytes"),
            ),
            difficulty: item.difficulty,
        })
    })
}

/// What a program leaves.
pub fn outs(program: &Program) -> Outs {
    match (&program.shape, program.params[0]) {
        (Shape::Replace(_), Kind::Text) => Outs::Text,
        (Shape::Replace(_), _) => Outs::Array,
        _ => Outs::Cells(program.n_outs()),
    }
}

/// Loads an item.
pub fn load(engine: &mut Engine, item: &Item) -> Option<Xt> {
    engine.reset();
    engine.set_fuel(probe::FUEL);
    engine.define(TRIED, &item.body).ok()
}

/// What an item does.
struct Done {
    answers: Vec<Answer>,
    /// The hash of the answers.
    behaviour: u128,
    /// The same for the numbers that every kind takes.
    common: Option<u128>,
}

/// What an item does; `None` where it is not worth a word.
fn behaviours(engine: &mut Engine, item: &Item) -> Option<Done> {
    let probes = Probes::of(&item.program.params);
    let outs = outs(&item.program);
    let xt = load(engine, item)?;
    let mut answers = Vec::with_capacity(probes.rows.len());
    let mut bytes = Vec::with_capacity(16 * probes.rows.len());
    bytes.extend(item.program.params.iter().map(|kind| *kind as u8));
    for row in &probes.rows {
        let answer = probe::answer(engine, xt, row, outs)?;
        if is_large(&answer) {
            return None;
        }
        probe::push(&answer, &mut bytes);
        answers.push(answer);
    }
    if !probe::is_worthwhile(probes, &answers, item.program.guard.is_some()) {
        return None;
    }
    let behaviour = hash(&bytes);
    if probes.common.is_empty() {
        return Some(Done { answers, behaviour, common: None });
    }
    bytes.clear();
    for row in &probes.common {
        probe::push(&probe::answer(engine, xt, row, outs)?, &mut bytes);
    }
    bytes.push(item.program.params.len() as u8);
    Some(Done { answers, behaviour, common: Some(hash(&bytes)) })
}

fn is_large(answer: &Answer) -> bool {
    let large = |cell: &i64| cell.unsigned_abs() > OUTPUT_MAX;
    match answer {
        Answer::Threw(_) => false,
        Answer::Left(values) => values.iter().any(|value| match value {
            Value::Cell(cell) => large(cell),
            Value::Cells(cells) => cells.iter().any(large),
            Value::Text(_) => false,
        }),
    }
}

fn hash(bytes: &[u8]) -> u128 {
    u128::from_le_bytes(blake3::hash(bytes).as_bytes()[..16].try_into().expect("16 bytes"))
}

/// How hard it is, from 1 to 100: by length, control flow, inputs, outputs, and what it touches.
fn difficulty(program: &Program, n_tokens: usize) -> u8 {
    let mut score = n_tokens * 6 / 5 + 3 * (program.params.len() - 1) + 4 * (program.n_outs() - 1);
    score += 12 * usize::from(program.has_loop());
    score += 5 * usize::from(program.guard.is_some());
    score += 5 * usize::from(!program.params[0].is_number());
    score += 4 * branches(&program.shape);
    score.clamp(1, 100) as u8
}

/// Whether some part of it decides nothing: a comparison of a thing with itself, a choice of one thing or the same.
fn is_idle(program: &Program) -> bool {
    fn expr(it: &Expr) -> bool {
        match it {
            Expr::Var(_) | Expr::Lit(_) => false,
            Expr::Un(_, a) => expr(a),
            Expr::Bin(op, a, b) => a == b && !matches!(op, Bin::Add | Bin::Mul) || expr(a) || expr(b),
            Expr::If(condition, a, b) => a == b || cond(condition) || expr(a) || expr(b),
        }
    }
    fn cond(it: &Cond) -> bool {
        match it {
            Cond::Cmp(_, Expr::Lit(_), Expr::Lit(_)) => true,
            Cond::Cmp(_, a, b) => a == b || expr(a) || expr(b),
            Cond::Odd(a) | Cond::Divisible(a, _) | Cond::Within(a, _, _) => expr(a),
            Cond::And(a, b) | Cond::Or(a, b) => a == b || cond(a) || cond(b),
            Cond::Not(a) => cond(a),
        }
    }
    let in_shape = match &program.shape {
        Shape::Straight(outs) => outs.iter().any(|out| match out {
            Out::Number(number) => expr(number),
            Out::Flag(flag) => cond(flag),
        }),
        Shape::Fold { filter, map, post, .. } => {
            filter.as_ref().is_some_and(cond) || expr(map) || post.as_ref().is_some_and(expr)
        }
        Shape::Iterate(step) | Shape::Pair(_, _, step) | Shape::Replace(step) => expr(step),
        Shape::While { step, .. } => expr(step),
    };
    in_shape || program.guard.as_ref().is_some_and(|(guard, _)| cond(guard))
}

fn branches(shape: &Shape) -> usize {
    match shape {
        Shape::Straight(outs) => outs
            .iter()
            .map(|out| match out {
                Out::Number(expr) => in_expr(expr),
                Out::Flag(cond) => in_cond(cond),
            })
            .sum(),
        Shape::Fold { filter, map, post, .. } => {
            filter.as_ref().map_or(0, |cond| 1 + in_cond(cond))
                + in_expr(map)
                + post.as_ref().map_or(0, in_expr)
        }
        Shape::Iterate(step) | Shape::Pair(_, _, step) | Shape::Replace(step) => in_expr(step),
        Shape::While { step, .. } => in_expr(step),
    }
}

fn in_expr(expr: &Expr) -> usize {
    match expr {
        Expr::Var(_) | Expr::Lit(_) => 0,
        Expr::Un(_, a) => in_expr(a),
        Expr::Bin(_, a, b) => in_expr(a) + in_expr(b),
        Expr::If(cond, a, b) => 1 + in_cond(cond) + in_expr(a) + in_expr(b),
    }
}

fn in_cond(cond: &Cond) -> usize {
    match cond {
        Cond::Cmp(_, a, b) => in_expr(a) + in_expr(b),
        Cond::Odd(a) | Cond::Divisible(a, _) | Cond::Within(a, _, _) => in_expr(a),
        Cond::And(a, b) | Cond::Or(a, b) => 1 + in_cond(a) + in_cond(b),
        Cond::Not(a) => in_cond(a),
    }
}
