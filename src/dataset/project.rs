//! The records of each configuration, from one problem alone.

use super::mutate::{self, Edit};
use super::problem::Problem;
use super::record::{Config, Field, Fields, Message};
use super::{spec_json, trace, trajectory};
use crate::corpus::Corpus;
use crate::effect::Scratch;
use crate::forth::{ENGINE_VERSION, Engine, Image, Limits};
use crate::judge::{Bench, Question, Reward, State};
use crate::model::random::Random;
use crate::model::spec::Value;
use crate::model::{Cell, SpecId};
use crate::spec;
use crate::validate::{self, Checks, Program, Text};

/// Fuel of one test of broken code, at least and at most; between them, [`BROKEN_FUEL_TIMES`] what the solution burns in
/// all. What burns more is left alone: there are better mistakes to learn from.
const BROKEN_FUEL: (u64, u64) = (2_000, 100_000);
const BROKEN_FUEL_TIMES: u64 = 4;

/// Near misses of the search that become records of one problem, at most.
const MISSES_MAX: usize = 2;

/// Tests of one problem that are tried for a trace, at most.
const TRACES_TRIED_MAX: usize = 4;

/// Verified solutions of one problem, at most.
const SOLUTIONS_MAX: usize = 8;

/// Where a data set comes from, as its records say.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The seed of the run.
    pub seed: i64,
    /// The licence of the records.
    pub license: String,
    /// The seed of the data set.
    pub dataset_seed: u64,
}

/// What the configurations that are wanted need to have run.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    failed: bool,
    others: bool,
    answers: bool,
    trace: bool,
}

impl Wanted {
    /// What these configurations need.
    pub fn by(configs: &[&Config]) -> Self {
        let any = |names: &[&str]| configs.iter().any(|config| names.contains(&config.name));
        Self {
            failed: any(&["preference", "preference_unpaired", "trajectories", "repair"]),
            others: any(&["problems", "preference_unpaired"]),
            answers: any(&["trajectories"]),
            trace: any(&["traces"]),
        }
    }
}

/// What a worker needs.
pub struct Tools {
    engine: Engine,
    bench: Bench,
    scratch: Scratch,
}

impl Tools {
    /// Tools with the default bounds.
    pub fn new() -> Self {
        Self {
            engine: Engine::new(Image::shared(), Limits::default()),
            bench: Bench::new(Limits::default()),
            scratch: Scratch::new(),
        }
    }
}

impl Tools {
    /// The engine, with the bounds of everybody.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.set_fuel(Limits::default().fuel);
        &mut self.engine
    }
}

/// Code that ran and failed.
pub struct Attempt {
    /// The whole program.
    pub code: String,
    /// What mends it, where it is a solution with one word changed.
    pub edit: Option<Edit>,
    /// The test that it fails, in words.
    pub failing_test: String,
    /// How many tests it passes.
    pub tests_passed: u32,
    /// The line of `wordmill judge`.
    pub verdict: String,
}

/// A problem with what several configurations say of it.
pub struct Backed<'p> {
    /// The problem.
    pub problem: &'p Problem,
    /// What is asked for.
    pub prompt: String,
    /// Near misses of the search.
    misses: Vec<Attempt>,
    /// The solution with one word changed.
    broken: Option<Attempt>,
    /// Further programs that pass every test.
    others: Vec<&'p str>,
    /// What the tools of the trajectory say.
    pub answers: Option<trajectory::Answers>,
    trace: Option<(String, String, String)>,
}

/// Runs what the configurations need. `None` where the solution does not pass any more.
pub fn back<'p>(
    tools: &mut Tools,
    problem: &'p Problem,
    provenance: &Provenance,
    wanted: Wanted,
) -> Option<Backed<'p>> {
    // Of the text that the records carry: what is said of it is what its readers find.
    let spec = spec::parse_spec_line(problem.spec_line.as_bytes(), "problem", 1).spec?;
    let corpus = Corpus::from_specs("problem", &[spec]);
    let arena = crate::arena::Bump::new();
    let checks = Checks::prepare(&arena, corpus.record(SpecId(0)), None, &[], &validate::Settings::default());
    let (state, verdict) = judged(tools, &checks, problem, &problem.code);
    if state != State::Passed {
        return None;
    }
    let seed = super::minhash::hash(problem.id.as_bytes());
    let random = |purpose| Random::new(&[provenance.dataset_seed, purpose, seed]);
    let (mut broken, mut misses) = (None, Vec::new());
    if wanted.failed {
        broken = self::broken(tools, &checks, problem, &mut random(5));
        misses = misses_of(tools, &checks, problem, broken.as_ref());
    }
    let others = if wanted.others { others(tools, &checks, problem) } else { Vec::new() };
    let answers = match wanted.answers {
        true => {
            let scratch = &mut tools.scratch;
            trajectory::play(scratch, problem, &misses, broken.as_ref(), &verdict, &mut random(6))
        }
        false => None,
    };
    let trace = if wanted.trace { traced(tools, problem) } else { None };
    Some(Backed { problem, prompt: problem.prompt(), misses, broken, others, answers, trace })
}

/// The best near misses of the search, each with the test that it fails here and now.
fn misses_of(
    tools: &mut Tools,
    checks: &Checks<'_>,
    problem: &Problem,
    broken: Option<&Attempt>,
) -> Vec<Attempt> {
    let other = |code: &&String| broken.is_none_or(|broken| broken.code != **code);
    let misses = problem.misses.iter().filter(other);
    misses.filter_map(|code| attempt(tools, checks, problem, code, None)).take(MISSES_MAX).collect()
}

/// Those of the other programs that pass everything, held-out tests too; each once.
fn others<'p>(tools: &mut Tools, checks: &Checks<'_>, problem: &'p Problem) -> Vec<&'p str> {
    if problem.others.is_empty() {
        return Vec::new();
    }
    let heldout = crate::model::Spec { tests: problem.heldout.clone(), ..problem.spec.clone() };
    let heldout = Corpus::from_specs("problem", &[heldout]);
    let heldout = heldout.record(SpecId(0)).tests();
    let mut kept: Vec<&str> = vec![&problem.code];
    for code in &problem.others {
        if kept.len() == SOLUTIONS_MAX || kept.contains(&code.as_str()) {
            continue;
        }
        let (passed, total) = validate::score(tools.engine(), "", problem.word(), code, Some(heldout));
        if passed == total && judged(tools, checks, problem, code).0 == State::Passed {
            kept.push(code);
        }
    }
    kept.split_off(1)
}

fn judged(tools: &mut Tools, checks: &Checks<'_>, problem: &Problem, code: &str) -> (State, String) {
    let mut line = Vec::new();
    let has_properties = !problem.spec.properties.is_empty()
        || problem.spec.outputs.iter().any(|output| output.value.is_some());
    let asked = Question { word: problem.word(), code, id: None };
    let state = tools.bench.verdict(checks, "", has_properties, Reward::Tests, &asked, &mut line);
    (state, String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The verdict of everybody on code that fails a test; nothing where it does not.
fn attempt(
    tools: &mut Tools,
    checks: &Checks<'_>,
    problem: &Problem,
    code: &str,
    edit: Option<Edit>,
) -> Option<Attempt> {
    let (state, verdict) = judged(tools, checks, problem, code);
    if state != State::Failed {
        return None;
    }
    let told: Told<'_> = serde_json::from_str(&verdict).ok()?;
    if told.tests_passed >= told.tests_total {
        return None;
    }
    let failing_test = told.failing_test?.into_owned();
    let tests_passed = told.tests_passed;
    Some(Attempt { code: code.to_owned(), edit, failing_test, tests_passed, verdict })
}

/// What matters of a line of `wordmill judge`.
#[derive(serde::Deserialize)]
struct Told<'v> {
    tests_passed: u32,
    tests_total: u32,
    #[serde(borrow)]
    failing_test: Option<std::borrow::Cow<'v, str>>,
}

/// Code with one word changed that loads, runs, and fails a test; best if it passes some.
fn broken(tools: &mut Tools, checks: &Checks<'_>, problem: &Problem, random: &mut Random) -> Option<Attempt> {
    let parts = problem.parts()?;
    let (least, most) = BROKEN_FUEL;
    let fuel = (BROKEN_FUEL_TIMES * problem.steps).clamp(least, most);
    let mut best: Option<(u32, Edit, String)> = None;
    for _ in 0..mutate::TRIES {
        let (edit, words) = mutate::draw(&parts, random);
        if edit.right == edit.wrong {
            continue;
        }
        let code = parts.with(words.iter().map(String::as_str));
        tools.engine.set_fuel(fuel);
        let program = Program { prelude: "", word: problem.word(), text: Text::Source(&code) };
        let Ok(xt) = validate::load(&mut tools.engine, &program) else { continue };
        let verdict = validate::grade(&mut tools.engine, &program, xt, checks).verdict;
        if verdict.tests_passed == verdict.tests_total || verdict.steps >= fuel {
            continue;
        }
        let passed = verdict.tests_passed;
        if best.as_ref().is_none_or(|(most, ..)| passed > *most) {
            best = Some((passed, edit, code));
        }
        if passed > 0 {
            break;
        }
    }
    let (_, edit, code) = best?;
    // Once more with the bounds of everybody.
    attempt(tools, checks, problem, &code, Some(edit))
}

/// Input, trace and output of the first visible test that can be traced.
fn traced(tools: &mut Tools, problem: &Problem) -> Option<(String, String, String)> {
    if !problem.is_plain() {
        return None;
    }
    let parts = problem.parts()?;
    let cells = |values: &[Value]| -> Option<Vec<Cell>> {
        values.iter().map(|value| if let Value::Cell(cell) = value { Some(*cell) } else { None }).collect()
    };
    // The last ones are no edge cases: these say little.
    problem.spec.tests.iter().rev().take(TRACES_TRIED_MAX).find_map(|case| {
        let (inputs, outputs) = (cells(&case.input)?, cells(&case.output)?);
        tools.engine.set_fuel(trace::FUEL);
        let trace = trace::run(&mut tools.engine, &parts, problem.word(), &inputs, &outputs)?;
        let shown = |cells: &[Cell]| cells.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
        Some((shown(&inputs), trace, shown(&outputs)))
    })
}

/// The records of one configuration; most have one or none.
pub fn records<'b>(config: &Config, backed: &'b Backed<'_>, provenance: &'b Provenance) -> Vec<Fields<'b>> {
    let problem = backed.problem;
    let id = || Field::from(&*problem.id);
    let one = |fields: Fields<'b>| vec![fields];
    let prompt = || Field::from(&*backed.prompt);
    let spec = || Field::from(&*problem.spec_line);
    let failed = || backed.misses.iter().chain(&backed.broken);
    match config.name {
        "problems" => one(canonical(backed, provenance)),
        "sft" => one(vec![
            id(),
            Field::Chat(vec![
                Message::new("system", "You write words in standard Forth."),
                Message::new("user", &*backed.prompt),
                Message::new("assistant", fenced(&problem.code)),
            ]),
        ]),
        "prompt_completion" => one(vec![id(), prompt(), (&*problem.code).into()]),
        "alpaca" => {
            let instruction = format!(
                "Write the Forth word `{}` with the stack effect {}.",
                problem.word(),
                problem.effect()
            );
            let rest = backed.prompt.strip_prefix(&instruction).unwrap_or(&backed.prompt).trim_start();
            one(vec![id(), instruction.into(), rest.into(), (&*problem.code).into()])
        }
        "preference" => failed()
            .map(|attempt| {
                let from =
                    if attempt.edit.is_some() { "mutated solution" } else { "near miss of the search" };
                vec![
                    id(),
                    prompt(),
                    (&*problem.code).into(),
                    (&*attempt.code).into(),
                    from.into(),
                    (&*attempt.failing_test).into(),
                    Field::Int(attempt.tests_passed.into()),
                    Field::Int(problem.spec.tests.len() as i64),
                    spec(),
                ]
            })
            .collect(),
        "preference_unpaired" => {
            let labelled =
                |code: &'b str, label: bool| vec![id(), prompt(), code.into(), Field::Bool(label), spec()];
            let good = std::iter::once(&*problem.code).chain(backed.others.iter().copied());
            let good = good.map(|code| labelled(code, true));
            good.chain(failed().map(|attempt| labelled(&attempt.code, false))).collect()
        }
        "rl" => one(vec![
            id(),
            Field::Chat(vec![Message::new("user", &*backed.prompt)]),
            problem.word().into(),
            spec(),
            spec_json::cases(&problem.heldout, &problem.spec).to_string().into(),
            Field::Int(i64::from(problem.band) + 1),
        ]),
        "humaneval" => human_eval(problem).into_iter().collect(),
        "trajectories" => trajectory::record(backed).into_iter().collect(),
        "traces" => backed.trace.as_ref().map_or_else(Vec::new, |(input, trace, output)| {
            one(vec![id(), (&*problem.code).into(), (&**input).into(), (&**trace).into(), (&**output).into()])
        }),
        "repair" => backed.broken.as_ref().map_or_else(Vec::new, |broken| {
            let edit = broken.edit.as_ref().map(Edit::mending).unwrap_or_default();
            one(vec![
                id(),
                repair_prompt(backed, broken).into(),
                (&*broken.code).into(),
                (&*broken.failing_test).into(),
                edit.into(),
                (&*problem.code).into(),
                spec(),
            ])
        }),
        other => unreachable!("{other} is no configuration"),
    }
}

fn canonical<'b>(backed: &'b Backed<'_>, provenance: &'b Provenance) -> Fields<'b> {
    let problem = backed.problem;
    let n_tests = problem.spec.tests.len() as i64;
    // All of them pass: what does not is no problem of the data set.
    let n_heldout = problem.heldout.len() as i64;
    let solutions = std::iter::once(&*problem.code).chain(backed.others.iter().copied());
    vec![
        (&*problem.id).into(),
        problem.word().into(),
        problem.spec.description.as_deref().unwrap_or("").into(),
        problem.effect().into(),
        (&*problem.spec_line).into(),
        spec_json::cases(&problem.heldout, &problem.spec).to_string().into(),
        (&*problem.code).into(),
        Field::Texts(solutions.collect()),
        problem.strategy.into(),
        Field::Int(i64::from(problem.band) + 1),
        Field::Int(problem.size as i64),
        Field::Int(n_tests),
        Field::Int(n_tests),
        Field::Int(n_heldout),
        Field::Int(n_heldout),
        Field::Int(problem.properties_checked.into()),
        Field::Int(problem.steps as i64),
        Field::Int(problem.cluster.into()),
        (&*problem.spec_hash).into(),
        blake3::hash(problem.code.as_bytes()).to_hex()[..32].to_owned().into(),
        Field::Int(provenance.seed),
        generated(problem).into(),
        Field::Int(ENGINE_VERSION.into()),
        concat!("wordmill ", env!("CARGO_PKG_VERSION")).into(),
        (&*provenance.license).into(),
    ]
}

/// With which seed and index `wordmill generate` draws the problem again: `seed 3, index 17`; empty for any other.
fn generated(problem: &Problem) -> String {
    let tag = |start: &str| problem.spec.metadata.tags.iter().find_map(|tag| tag.strip_prefix(start));
    match (&problem.spec.metadata.author, tag("seed:"), tag("index:")) {
        (Some(author), Some(seed), Some(index)) if &**author == "wordmill generate" => {
            format!("seed {seed}, index {index}")
        }
        _ => String::new(),
    }
}

/// Code in a block.
pub fn fenced(code: &str) -> String {
    format!("```forth\n{code}\n```")
}

fn repair_prompt(backed: &Backed<'_>, broken: &Attempt) -> String {
    format!(
        "{}\n\nThis attempt fails:\n{}\n\nThe first failing test: {}\n\nMend it with the smallest change.",
        backed.prompt,
        fenced(&broken.code),
        broken.failing_test
    )
}

/// The shape of HumanEval. The tests are lines of the standard tester; the held-out ones are among them, as there.
fn human_eval(problem: &Problem) -> Option<Fields<'_>> {
    use std::fmt::Write;
    if !problem.is_plain() {
        return None;
    }
    let parts = problem.parts()?;
    let mut prompt = parts.prelude.to_owned();
    let mut tests = String::new();
    let takes_all = "a String takes everything";
    for line in problem.spec.description.as_deref().unwrap_or("").lines() {
        writeln!(prompt, "\\ {line}").expect(takes_all);
    }
    for case in problem.spec.tests.iter().take(2) {
        writeln!(prompt, "\\   {}", spec_json::shown(case, &problem.spec)).expect(takes_all);
    }
    writeln!(prompt, ": {} {}", problem.word(), problem.effect()).expect(takes_all);
    for case in problem.spec.tests.iter().chain(&problem.heldout) {
        let cells = |values: &[Value], tests: &mut String| {
            for value in values {
                if let Value::Cell(cell) = value {
                    write!(tests, " {cell}").expect(takes_all);
                }
            }
        };
        tests.push_str("T{");
        cells(&case.input, &mut tests);
        write!(tests, " {} ->", problem.word()).expect(takes_all);
        cells(&case.output, &mut tests);
        tests.push_str(" }T\n");
    }
    Some(vec![
        format!("wordmill/{}", problem.id).into(),
        prompt.into(),
        problem.word().into(),
        format!("  {} ;\n", parts.words.join(" ")).into(),
        tests.into(),
    ])
}
