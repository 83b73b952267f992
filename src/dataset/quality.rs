//! Which problems are kept, and in which split each stands.

use super::minhash;
use super::problem::{Problem, outcome_parts};
use crate::corpus::Corpus;
use crate::forth::{Engine, Image, Limits};
use crate::model;
use crate::model::random::Random;
use crate::model::spec::Value;
use crate::model::{Cell, Spec, SpecId};
use crate::validate::{self, Checks, Program, Text};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Words in a row that a statement must not share with a text that it is kept apart from.
pub const NGRAM: usize = 10;

/// Tests that a specification must have to say that code does the same.
const BEHAVIOUR_TESTS_MIN: usize = 3;

/// Rows of numbers on which behaviours are compared, by how far they reach. Small numbers first, for loops that run so often.
const ROWS: [i128; 32] = {
    let mut rows = [12; 32];
    let mut at = 16;
    while at < rows.len() {
        rows[at] = if at % 2 == 0 { 100 } else { 5_000 };
        at += 1;
    }
    rows
};

/// Fuel of a row: one that takes longer, a loop down from a negative number for instance, is not waited for.
const ROW_FUEL: u64 = 2_000;

/// Fuel of loading, and of one test of others' specifications.
const BEHAVIOUR_FUEL: u64 = 20_000;

/// Kinds of behaviour that are told apart where the fixed rows do not.
const KINDS_MAX: usize = 64;

/// What is asked of the problems.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The seed of splits and choices.
    pub seed: u64,
    /// Longest statement, in characters.
    pub prompt_chars_max: usize,
    /// Longest code, in characters.
    pub code_chars_max: usize,
    /// Most problems of each fifth of the scale of difficulty.
    pub per_difficulty_max: Option<usize>,
    /// Most problems of each strategy.
    pub per_strategy_max: Option<usize>,
    /// Fifths of the scale that are wanted, 0 to 4.
    pub bands: (u8, u8),
    /// Most problems of all.
    pub limit: Option<usize>,
}

/// A problem that was left out.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Removed {
    /// Which.
    pub problem_id: String,
    /// Its word.
    pub word: String,
    /// Why.
    pub reason: &'static str,
    /// Because of what.
    pub because_of: String,
}

/// Texts and specifications that the data must not contain.
#[derive(Default)]
pub struct Others {
    /// Where each run of words stands.
    ngrams: FxHashMap<u64, String>,
    /// Where each normalized code stands.
    codes: FxHashMap<u64, String>,
    /// Specifications, with where they stand.
    specs: Vec<(String, Spec)>,
}

impl Others {
    /// Adds a specification.
    pub fn add_spec(&mut self, place: &str, spec: Spec) {
        if let Some(text) = &spec.description {
            self.add_text(place, text);
        }
        if let Some(code) = &spec.code {
            self.codes.entry(normalized(code)).or_insert_with(|| place.to_owned());
        }
        if spec.tests.len() >= BEHAVIOUR_TESTS_MIN {
            self.specs.push((place.to_owned(), spec));
        }
    }

    /// Adds what may be code.
    pub fn add_code(&mut self, place: &str, code: &str) {
        if code.split_ascii_whitespace().nth(2).is_some() {
            self.codes.entry(normalized(code)).or_insert_with(|| place.to_owned());
        }
    }

    /// Adds a text.
    pub fn add_text(&mut self, place: &str, text: &str) {
        for ngram in ngrams(text) {
            self.ngrams.entry(ngram).or_insert_with(|| place.to_owned());
        }
    }
}

/// The problems that stay, clustered and split, in their order; and those that do not, with the reason.
pub fn select(
    mut problems: Vec<Problem>,
    others: &Others,
    settings: &Settings,
) -> (Vec<Problem>, Vec<Removed>) {
    let mut removed = Vec::new();
    let mut leave = |problem: &Problem, reason: &'static str, because_of: String| {
        let (problem_id, word) = (problem.id.clone(), problem.word().to_owned());
        removed.push(Removed { problem_id, word, reason, because_of });
    };
    let mut exact: FxHashMap<u64, String> = FxHashMap::default();
    let mut tokens: FxHashMap<u64, String> = FxHashMap::default();
    let mut behaviours: FxHashMap<u128, String> = FxHashMap::default();
    let mut behaviour: Vec<Option<u128>> = problems.par_iter().map_init(engine, behaviour).collect();
    tell_apart(&problems, &mut behaviour);
    let contaminated = contaminated(&problems, others);
    let mut at = 0;
    problems.retain(|problem| {
        let (behaviour, contaminated) = (behaviour[at], &contaminated[at]);
        at += 1;
        if problem.band < settings.bands.0 || problem.band > settings.bands.1 {
            leave(problem, "difficulty", String::new());
            return false;
        }
        let statement = problem.spec.description.as_deref().unwrap_or("");
        if problem.prompt().chars().count() > settings.prompt_chars_max {
            leave(problem, "long statement", String::new());
            return false;
        }
        if problem.code.chars().count() > settings.code_chars_max {
            leave(problem, "long code", String::new());
            return false;
        }
        if let Some((reason, place)) = contaminated {
            leave(problem, reason, place.clone());
            return false;
        }
        let whole = minhash::hash(format!("{statement}\0{}", problem.code).as_bytes());
        if let Some(first) = exact.get(&whole) {
            leave(problem, "exact duplicate", first.clone());
            return false;
        }
        let counts = (problem.spec.inputs.len(), problem.spec.outputs.len());
        let token = normalized(&problem.code) ^ minhash::hash(format!("{counts:?}").as_bytes());
        if let Some(first) = tokens.get(&token) {
            leave(problem, "same code", first.clone());
            return false;
        }
        if let Some(first) = behaviour.and_then(|behaviour| behaviours.get(&behaviour)) {
            leave(problem, "same behaviour", first.clone());
            return false;
        }
        exact.insert(whole, problem.id.clone());
        tokens.insert(token, problem.id.clone());
        if let Some(behaviour) = behaviour {
            behaviours.insert(behaviour, problem.id.clone());
        }
        true
    });
    let kept = balanced(&problems, settings);
    let mut at = 0;
    problems.retain(|problem| {
        at += 1;
        let keep = kept.contains(&(at - 1));
        if !keep {
            leave(problem, "balance", String::new());
        }
        keep
    });
    split(&mut problems, settings.seed);
    (problems, removed)
}

/// The positions of the problems that stay when each bucket has its most. Which ones these are is drawn, by their ids.
fn balanced(problems: &[Problem], settings: &Settings) -> FxHashSet<usize> {
    let mut order: Vec<(u64, usize)> = (0..problems.len())
        .map(|at| {
            (Random::new(&[settings.seed, 3, minhash::hash(problems[at].id.as_bytes())]).next_u64(), at)
        })
        .collect();
    order.sort_unstable();
    let mut bands = [0; 5];
    let mut strategies: FxHashMap<&str, usize> = FxHashMap::default();
    let mut kept = FxHashSet::default();
    for (_, at) in order {
        let problem = &problems[at];
        let strategy = strategies.entry(problem.strategy).or_default();
        let band = &mut bands[problem.band as usize];
        let full = |n: usize, max: Option<usize>| max.is_some_and(|max| n >= max);
        if full(*band, settings.per_difficulty_max)
            || full(*strategy, settings.per_strategy_max)
            || full(kept.len(), settings.limit)
        {
            continue;
        }
        *band += 1;
        *strategy += 1;
        kept.insert(at);
    }
    kept
}

/// The place of each problem in an order that is drawn by their ids, where anything is limited; else nothing.
pub fn ranks(problems: &[Problem], seed: u64, n_limits: usize) -> Vec<u32> {
    if n_limits == 0 {
        return Vec::new();
    }
    let mut order: Vec<(u64, usize)> = (0..problems.len())
        .map(|at| (Random::new(&[seed, 7, minhash::hash(problems[at].id.as_bytes())]).next_u64(), at))
        .collect();
    order.sort_unstable();
    let mut ranks = vec![0; problems.len()];
    (0u32..).zip(order).for_each(|(rank, (_, at))| ranks[at] = rank);
    ranks
}

/// Clusters near duplicates, and gives each cluster one split: 90, 5 and 5 of a hundred.
fn split(problems: &mut [Problem], seed: u64) {
    let signatures: Vec<minhash::Signature> = problems
        .par_iter()
        .map(|problem| {
            let statement = problem.spec.description.as_deref().unwrap_or("");
            let words = statement.split_whitespace().chain(problem.code.split_whitespace().skip(2));
            minhash::signature(words)
        })
        .collect();
    let clusters = minhash::clusters(&signatures);
    let ids: Vec<u64> = problems.iter().map(|problem| minhash::hash(problem.id.as_bytes())).collect();
    for (problem, cluster) in problems.iter_mut().zip(clusters) {
        problem.cluster = cluster;
        problem.split = match Random::new(&[seed, 4, ids[cluster as usize]]).below(100) {
            0..90 => 0,
            90..95 => 1,
            _ => 2,
        };
    }
}

/// The hash of code without name, comments and case.
fn normalized(code: &str) -> u64 {
    let words: Vec<&str> = match outcome_parts(code) {
        Some(parts) => parts.prelude.split_ascii_whitespace().chain(parts.words).collect(),
        None => code.split_ascii_whitespace().collect(),
    };
    minhash::hash(words.join(" ").to_ascii_lowercase().as_bytes())
}

/// Hashes of all runs of [`NGRAM`] words, without case and punctuation.
fn ngrams(text: &str) -> Vec<u64> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(NGRAM).map(|run| minhash::hash(run.join(" ").as_bytes())).collect()
}

fn engine() -> Engine {
    Engine::new(Image::shared(), Limits { fuel: BEHAVIOUR_FUEL, ..Limits::default() })
}

/// What a word on plain numbers does on fixed rows; nothing where it mostly traps there.
fn behaviour(engine: &mut Engine, problem: &Problem) -> Option<u128> {
    let n = problem.spec.inputs.len();
    if !problem.is_plain() || n == 0 {
        return None;
    }
    let program = Program { prelude: "", word: problem.word(), text: Text::Source(&problem.code) };
    engine.set_fuel(BEHAVIOUR_FUEL);
    let xt = validate::load(engine, &program).ok()?;
    let mut random = Random::new(&[0xB17]);
    let mut bytes = vec![n as u8];
    let mut n_trapped = 0;
    engine.set_fuel(ROW_FUEL);
    for (at, reach) in ROWS.into_iter().enumerate() {
        let row: Vec<Cell> =
            (0..n).map(|_| random.within(if at % 2 == 0 { 0 } else { -reach }, reach) as Cell).collect();
        match engine.execute(xt, &row) {
            Ok(()) => engine.stack().iter().for_each(|cell| bytes.extend_from_slice(&cell.to_le_bytes())),
            Err(_) => n_trapped += 1,
        }
        bytes.push(engine.stack().len().min(255) as u8);
    }
    let hash = blake3::hash(&bytes);
    (2 * n_trapped <= ROWS.len())
        .then(|| u128::from_le_bytes(hash.as_bytes()[..16].try_into().expect("16 bytes")))
}

/// Gives those that only look alike on the fixed rows behaviours of their own.
fn tell_apart(problems: &[Problem], behaviour: &mut [Option<u128>]) {
    let mut groups: FxHashMap<u128, Vec<usize>> = FxHashMap::default();
    for (at, behaviour) in behaviour.iter().enumerate() {
        groups.entry(behaviour.unwrap_or_default()).or_default().push(at);
    }
    let groups: Vec<(u128, Vec<usize>)> =
        groups.into_iter().filter(|(behaviour, members)| *behaviour != 0 && members.len() > 1).collect();
    let told: Vec<Vec<(usize, u128)>> = groups
        .par_iter()
        .map_init(engine, |engine, (behaviour, members)| {
            let mut kinds: Vec<usize> = Vec::new();
            let kind_of = |at: usize| {
                let same = kinds
                    .iter()
                    .take(KINDS_MAX)
                    .position(|first| !differ(engine, &problems[*first], &problems[at]));
                let kind = same.unwrap_or(kinds.len());
                if same.is_none() {
                    kinds.push(at);
                }
                (at, behaviour.wrapping_add(kind as u128))
            };
            members.iter().copied().map(kind_of).collect()
        })
        .collect();
    told.into_iter().flatten().for_each(|(at, own)| behaviour[at] = Some(own));
}

/// Whether the solutions of two problems with as many inputs do something else somewhere: on the tests of both, around the
/// numbers of their codes, and for one input on all small numbers.
fn differ(engine: &mut Engine, a: &Problem, b: &Problem) -> bool {
    let n = a.spec.inputs.len();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for problem in [a, b] {
        rows.extend(problem.spec.tests.iter().filter_map(|test| {
            let cell = |value: &Value| match value {
                Value::Cell(cell) => Some(*cell),
                _ => None,
            };
            test.input.iter().map(cell).collect::<Option<Vec<Cell>>>().filter(|row| row.len() == n)
        }));
        for number in problem.code.split_ascii_whitespace().filter_map(|word| word.parse::<Cell>().ok()) {
            for turn in model::neighbours(number) {
                rows.extend((0..n).map(|at| {
                    (0..n).map(|param| if param == at { turn } else { param as Cell + 3 }).collect()
                }));
            }
        }
    }
    if n == 1 {
        rows.extend((-300..=1_000).map(|number| vec![number]));
    }
    let mut answers = |problem: &Problem| -> Option<Vec<Option<Vec<Cell>>>> {
        let program = Program { prelude: "", word: problem.word(), text: Text::Source(&problem.code) };
        engine.set_fuel(BEHAVIOUR_FUEL);
        let xt = validate::load(engine, &program).ok()?;
        let answer = |row: &Vec<Cell>| match engine.execute(xt, row) {
            Ok(()) => Some(engine.stack().to_vec()),
            Err(_) => None,
        };
        Some(rows.iter().map(answer).collect())
    };
    match (answers(a), answers(b)) {
        // Where one of them traps, it may only have run out of fuel.
        (Some(a), Some(b)) => a.iter().zip(&b).any(|pair| matches!(pair, (Some(a), Some(b)) if a != b)),
        _ => false,
    }
}

/// For each problem, why it must not be there and where that stands.
fn contaminated(problems: &[Problem], others: &Others) -> Vec<Option<(&'static str, String)>> {
    let specs: Vec<Spec> = others.specs.iter().map(|(_, spec)| spec.clone()).collect();
    let corpus = Corpus::from_specs("decontaminate", &specs);
    let of = |engine: &mut Engine, problem: &Problem| {
        let statement = problem.spec.description.as_deref().unwrap_or("");
        if let Some(place) = ngrams(statement).iter().find_map(|ngram| others.ngrams.get(ngram)) {
            return Some(("contaminated: words", place.clone()));
        }
        if let Some(place) = others.codes.get(&normalized(&problem.code)) {
            return Some(("contaminated: code", place.clone()));
        }
        if specs.is_empty() {
            return None;
        }
        let program = Program { prelude: "", word: problem.word(), text: Text::Source(&problem.code) };
        let xt = validate::load(engine, &program).ok()?;
        let arena = crate::arena::Bump::new();
        specs.iter().enumerate().find_map(|(at, spec)| {
            let counts = |spec: &Spec| (spec.inputs.len(), spec.outputs.len());
            if counts(spec) != counts(&problem.spec) {
                return None;
            }
            let record = corpus.record(SpecId(at as u32));
            let settings = validate::Settings { samples: 0, ..validate::Settings::default() };
            let checks = Checks::prepare(&arena, record, None, &[], &settings);
            let passes = validate::first_failure(engine, xt, &checks).is_none();
            passes.then(|| ("contaminated: behaviour", others.specs[at].0.clone()))
        })
    };
    problems.par_iter().map_init(engine, of).collect()
}
