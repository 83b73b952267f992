//! One specification, all strategies, in order of cost.

use crate::arena::Bump;
use crate::corpus::Record;
use crate::forth::Engine;
use crate::model::{NearMiss, Solution, Status, Stop, Strategy};
use crate::profile::{self, Stage};
use crate::synth::bank::shared::SharedBanks;
use crate::synth::barren::Barren;
use crate::synth::conquer::Conquer;
use crate::synth::emit::{self, Definition};
use crate::synth::enumerate::Enumerator;
use crate::synth::frozen::Frozen;
use crate::synth::round::Round;
use crate::synth::search;
use crate::synth::sequence::occam::Weight;
use crate::synth::tried::Tried;
use crate::template::{HoleContext, Library, Template};
use crate::validate::{self, Checks, LoadError, Program, Text, Verdict};
use std::sync::atomic::AtomicBool;

/// Bounds of the search for one specification. All of them are in the fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Most candidates: filled templates, enumerated stack programs and banked expressions together.
    pub candidates_max: u64,
    /// Longest enumerated body, in words.
    pub length_max: usize,
    /// Engine fuel of one test while searching; the final code is judged with the engine's full allowance.
    pub search_fuel: u64,
    /// Leave the supplied code and the named pattern aside.
    pub ignore_given: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { candidates_max: 1_000_000, length_max: 6, search_fuel: 20_000, ignore_given: false }
    }
}

/// Memory of one search beside its bank: arena, states of the enumeration, terms and predicates, what sequences are made of.
const BESIDE_BYTES: u64 = 64 << 20;

impl Settings {
    /// Most bytes that the search for one specification holds, with an engine of so many bytes of data space.
    pub fn bytes_max(&self, engine_bytes: u32) -> u64 {
        Conquer::bytes_max(self.candidates_max) + 2 * u64::from(engine_bytes) + BESIDE_BYTES
    }
}

/// Most executed near misses that are kept.
pub const NEAR_MISSES_MAX: usize = 8;

/// Most distinct verified programs that are kept beside the winner.
pub const SOLUTIONS_MAX: usize = 4;

/// What a worker lends to the search.
pub struct Tools<'w, 'a> {
    /// Runs the candidates.
    pub engine: &'w mut Engine,
    /// Reused memory of the enumeration.
    pub enumerator: &'w mut Enumerator,
    /// Reused memory of the search over expressions.
    pub conquer: &'w mut Conquer,
    /// Memory of this specification.
    pub arena: &'a Bump,
    /// Ends the search early: the outcome is `interrupted`.
    pub stop: &'w AtomicBool,
    /// Splits the tests of very large specifications over the pool.
    pub split: Option<&'w validate::Splitter>,
    /// Fuel of one test of the final code.
    pub fuel: u64,
    /// How much is done at once.
    pub round: Round,
    /// What an early round found nothing with; it makes no difference.
    pub barren: &'w mut Barren,
    /// Banks that are shared with other searches; they make no difference.
    pub banks: Option<&'w SharedBanks>,
    /// What the search tried.
    pub tried: &'w mut Vec<Tried>,
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Problem<'p, 'a> {
    /// The specification.
    pub record: Record<'a>,
    /// What a program must satisfy.
    pub checks: &'p Checks<'a>,
    /// Definitions of the words that it uses.
    pub prelude: &'a str,
    /// The names of those words.
    pub used: &'a [&'a str],
    /// The templates.
    pub library: &'a Library,
    /// Words verified earlier, to compose over.
    pub frozen: Option<&'a Frozen>,
}

/// The program that won.
pub struct Winner<'a> {
    /// The text that was judged and is written out.
    pub text: &'a str,
    /// The same as the engine takes it.
    pub program: Program<'a>,
    /// Where it comes from.
    pub strategy: Strategy,
    /// The template behind it.
    pub template: Option<&'a Template>,
    /// What the engine said.
    pub verdict: Verdict,
}

/// What came of it.
pub struct Found<'a> {
    /// The winner, if there is one.
    pub winner: Option<Winner<'a>>,
    /// What became of the supplied code or named pattern.
    pub given: Option<Status>,
    /// Why that failed.
    pub given_failing_test: Option<String>,
    /// The best failed program with its verdict: what there is to report when nothing won.
    pub failed: Option<(&'a str, Verdict)>,
    /// Why the search ended.
    pub stop: Stop,
    /// Rank of the winner, or how many candidates were tried.
    pub candidates: u64,
    /// Further programs that pass.
    pub solutions: Vec<Solution>,
    /// Programs that nearly pass.
    pub near_misses: Vec<NearMiss>,
    /// What the winner says against what it explains, where that is not clearly less.
    pub overfit: Option<Weight>,
    /// The round ended before the search: what that comes to is not known, and nothing else here counts.
    pub is_cut: bool,
}

impl<'a> Found<'a> {
    fn new() -> Self {
        Self {
            winner: None,
            given: None,
            given_failing_test: None,
            failed: None,
            stop: Stop::Exhausted,
            candidates: 0,
            solutions: Vec::new(),
            near_misses: Vec::new(),
            overfit: None,
            is_cut: false,
        }
    }

    fn win(mut self, winner: Winner<'a>) -> Self {
        self.winner = Some(winner);
        self.stop = Stop::Solved;
        self
    }
}

/// Finds the smallest program that passes, or says why there is none; or, before the last round, that it would take more than
/// the round lets it.
pub fn solve<'a>(tools: &mut Tools<'_, 'a>, problem: &Problem<'_, 'a>, settings: &Settings) -> Found<'a> {
    let mut found = Found::new();
    if !settings.ignore_given {
        tools.engine.set_fuel(tools.fuel);
        if let Some(code) = problem.record.code() {
            let _stage = profile::stage(Stage::Given);
            if let Some(winner) = given_code(tools, problem, code, &mut found) {
                return found.win(winner);
            }
        }
        if let Some(id) = problem.record.pattern() {
            let _stage = profile::stage(Stage::Pattern);
            if let Some(winner) = named_pattern(tools, problem, settings, id, &mut found) {
                return found.win(winner);
            }
        }
    }
    match search::smallest(tools, problem, settings, &mut found) {
        Some(winner) => found.win(winner),
        None => found,
    }
}

/// Judges the supplied code.
fn given_code<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    code: &'a str,
    found: &mut Found<'a>,
) -> Option<Winner<'a>> {
    let word = problem.checks.word();
    let (text, program) = if validate::is_source(code, word) {
        (code.trim(), Program { prelude: problem.prelude, word, text: Text::Source(code) })
    } else {
        let made = define(tools.arena, problem, code.trim());
        // Judged as the whole text: what somebody else wrote may not close where it seems to.
        (made.text, Program { prelude: problem.prelude, word, text: Text::Source(made.text) })
    };
    found.candidates += 1;
    match try_out(tools, problem, program) {
        Ok(verdict) if verdict.passed() => {
            found.given = Some(Status::Verified);
            let strategy = Strategy::Given;
            Some(Winner { text, program, strategy, template: None, verdict })
        }
        Ok(verdict) => {
            let why = describe(tools, problem, &program, &verdict);
            refute(found, Status::Refuted, why.clone());
            found.near_misses.push(near_miss(text, &verdict, why));
            found.failed = Some((text, verdict));
            None
        }
        Err(error) => {
            refute(found, Status::Invalid, describe_load_error(&error, word));
            None
        }
    }
}

/// Tries all fillings of the named pattern.
fn named_pattern<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    id: &str,
    found: &mut Found<'a>,
) -> Option<Winner<'a>> {
    let Some(template) = problem.library.get(id) else {
        let near =
            problem.library.suggest(id).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
        refute(found, Status::Invalid, format!("there is no template {id}{near}"));
        return None;
    };
    let context = hole_context(tools.arena, problem, template);
    let mut assignments = template.assignments(&context);
    let mut best: Option<(Definition<'a>, Verdict)> = None;
    while let Some((_, _, values)) = assignments.next() {
        if found.candidates >= settings.candidates_max {
            break;
        }
        found.candidates += 1;
        let made = define(tools.arena, problem, template.fill(tools.arena, values));
        let program =
            Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(made.inside) };
        match try_out(tools, problem, program) {
            Ok(verdict) if verdict.passed() => {
                found.given.get_or_insert(Status::Verified);
                let strategy = Strategy::Pattern;
                return Some(Winner {
                    text: made.text,
                    program,
                    strategy,
                    template: Some(template),
                    verdict,
                });
            }
            Ok(verdict) => {
                if best.as_ref().is_none_or(|(_, best)| verdict.tests_passed > best.tests_passed) {
                    best = Some((made, verdict));
                }
            }
            Err(_) => {}
        }
    }
    let Some((made, verdict)) = best else {
        refute(found, Status::Refuted, "no filling of the pattern compiles".to_owned());
        return None;
    };
    let program =
        Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(made.inside) };
    let why = describe(tools, problem, &program, &verdict);
    refute(found, Status::Refuted, why.clone());
    keep_near_miss(found, near_miss(made.text, &verdict, why));
    found.failed.get_or_insert((made.text, verdict));
    None
}

/// What the record offers to the holes of a template; templates without holes cost nothing here.
pub(super) fn hole_context<'a>(
    arena: &'a Bump,
    problem: &Problem<'_, 'a>,
    template: &Template,
) -> HoleContext<'a> {
    if template.holes.is_empty() {
        return HoleContext::default();
    }
    HoleContext::new_in(arena, super::constants::mentioned(arena, &problem.record), problem.used)
}

/// The colon definition of the problem's word with this body.
pub(super) fn define<'a>(arena: &'a Bump, problem: &Problem<'_, 'a>, body: &str) -> Definition<'a> {
    let record = &problem.record;
    emit::definition(
        arena,
        problem.checks.word(),
        (0..record.n_inputs()).map(|position| record.input(position).name),
        (0..record.n_outputs()).map(|position| record.output(position).name),
        body,
    )
}

/// Loads a program and judges it on everything.
pub(super) fn try_out(
    tools: &mut Tools<'_, '_>,
    problem: &Problem<'_, '_>,
    program: Program<'_>,
) -> Result<Verdict, LoadError> {
    let xt = validate::load(tools.engine, &program)?;
    let _stage = profile::stage(Stage::Validate);
    Ok(validate::judge(tools.engine, &program, xt, problem.checks, tools.split))
}

/// Why a program failed, in words; runs the failing case again.
pub(super) fn describe(
    tools: &mut Tools<'_, '_>,
    problem: &Problem<'_, '_>,
    program: &Program<'_>,
    verdict: &Verdict,
) -> String {
    match (&verdict.failure, validate::load(tools.engine, program)) {
        (Some(failure), Ok(xt)) => validate::describe(tools.engine, xt, problem.checks, failure),
        _ => "nothing to check it on".to_owned(),
    }
}

/// Why a program does not load, in words.
fn describe_load_error(error: &LoadError, word: &str) -> String {
    match error {
        LoadError::Refused(error) => format!("does not compile: {error}"),
        LoadError::Undefined => format!("does not define {word}"),
    }
}

pub(super) fn near_miss(text: &str, verdict: &Verdict, failing_test: String) -> NearMiss {
    NearMiss { code: text.to_owned(), tests_passed: verdict.tests_passed, failing_test }
}

/// Keeps the best near misses, earlier ones first among equals.
pub(super) fn keep_near_miss(found: &mut Found<'_>, miss: NearMiss) {
    let at = found.near_misses.partition_point(|other| other.tests_passed >= miss.tests_passed);
    found.near_misses.insert(at, miss);
    found.near_misses.truncate(NEAR_MISSES_MAX);
}

/// The first verdict on what was supplied stays: the code's, where code and a pattern were both given.
fn refute(found: &mut Found<'_>, status: Status, why: String) {
    if found.given.is_none() {
        found.given = Some(status);
        found.given_failing_test = Some(why);
    }
}
