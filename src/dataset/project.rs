//! The records of each configuration, from one problem alone.

use super::mutate::{self, Edit};
use super::problem::{Problem, outcome_parts};
use super::record::{Call, Config, Field, Fields, Message};
use super::{spec_json, trace};
use crate::corpus::Corpus;
use crate::effect::{self, NoWords, Scratch};
use crate::forth::{ENGINE_VERSION, Engine, Image, Limits};
use crate::judge::{Bench, Question, Reward, State};
use crate::model::random::Random;
use crate::model::spec::Value;
use crate::model::{Cell, SpecId};
use crate::spec;
use crate::validate::{self, Checks, Program, Text};

/// Fuel of one test of broken code.
const BROKEN_FUEL: u64 = 100_000;

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

/// What a worker needs.
pub struct Tools {
    engine: Engine,
    bench: Bench,
    scratch: Scratch,
}

impl Tools {
    /// Tools with the default bounds.
    pub fn new() -> Self {
        let limits = Limits { fuel: BROKEN_FUEL, ..Limits::default() };
        Self {
            engine: Engine::new(Image::shared(), limits),
            bench: Bench::new(Limits::default()),
            scratch: Scratch::new(),
        }
    }
}

/// Code that ran and failed.
struct Broken {
    code: String,
    edit: Edit,
    failing_test: String,
    tests_passed: u32,
    /// The line of `wordmill judge`.
    verdict: String,
}

/// A problem with what several configurations say of it.
pub struct Backed<'p> {
    problem: &'p Problem,
    prompt: String,
    broken: Option<Broken>,
    /// The line of `wordmill judge` on the solution.
    verdict: String,
    /// What `wordmill infer` prints of the broken code, if it has an effect.
    effect: Option<String>,
    trace: Option<(String, String, String)>,
}

/// Runs what the configurations need. `None` where the solution does not pass any more.
pub fn back<'p>(tools: &mut Tools, problem: &'p Problem, provenance: &Provenance) -> Option<Backed<'p>> {
    // Of the text that the records carry: what is said of it is what its readers find.
    let spec = spec::parse_spec_line(problem.spec_line.as_bytes(), "problem", 1).spec?;
    let corpus = Corpus::from_specs("problem", &[spec]);
    let arena = crate::arena::Bump::new();
    let checks = Checks::prepare(&arena, corpus.record(SpecId(0)), None, &[], &validate::Settings::default());
    let (state, verdict) = judged(tools, &checks, problem, &problem.code);
    if state != State::Passed {
        return None;
    }
    let broken = broken(tools, &checks, problem, provenance);
    let effect = broken.as_ref().and_then(|broken| {
        let effect = effect::infer(&broken.code, &NoWords, &mut tools.scratch).ok()?;
        let printed = format!("{} {}", problem.word(), effect.definitions().last()?.render());
        effect.warnings(&NoWords).is_empty().then_some(printed)
    });
    let trace = traced(tools, problem);
    Some(Backed { problem, prompt: problem.prompt(), broken, verdict, effect, trace })
}

/// How many held-out tests a solution passes.
pub fn heldout_passed(tools: &mut Tools, problem: &Problem) -> usize {
    let spec =
        crate::model::Spec { tests: problem.heldout.clone(), properties: Vec::new(), ..problem.spec.clone() };
    let corpus = Corpus::from_specs("problem", &[spec]);
    let heldout = corpus.record(SpecId(0)).tests();
    let (passed, _) = validate::score(&mut tools.engine, "", problem.word(), &problem.code, Some(heldout));
    passed as usize
}

fn judged(tools: &mut Tools, checks: &Checks<'_>, problem: &Problem, code: &str) -> (State, String) {
    let mut line = Vec::new();
    let has_properties = !problem.spec.properties.is_empty()
        || problem.spec.outputs.iter().any(|output| output.value.is_some());
    let asked = Question { word: problem.word(), code, id: None };
    let state = tools.bench.verdict(checks, "", has_properties, Reward::Tests, &asked, &mut line);
    (state, String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Code with one word changed that loads, runs, and fails a test; best if it passes some.
fn broken(
    tools: &mut Tools,
    checks: &Checks<'_>,
    problem: &Problem,
    provenance: &Provenance,
) -> Option<Broken> {
    let parts = outcome_parts(&problem.code)?;
    let seed = super::minhash::hash(problem.id.as_bytes());
    let mut random = Random::new(&[provenance.dataset_seed, 5, seed]);
    let mut best: Option<(u32, Edit, String, String)> = None;
    for _ in 0..mutate::TRIES {
        let (edit, words) = mutate::draw(&parts, &mut random);
        if edit.right == edit.wrong {
            continue;
        }
        let code = parts.with(words.iter().map(String::as_str));
        let program = Program { prelude: "", word: problem.word(), text: Text::Source(&code) };
        let Ok(xt) = validate::load(&mut tools.engine, &program) else { continue };
        let grade = validate::grade(&mut tools.engine, &program, xt, checks);
        let verdict = grade.verdict;
        let Some(failing_test) = grade.failing_test.filter(|_| verdict.tests_passed < verdict.tests_total)
        else {
            continue;
        };
        let passed = verdict.tests_passed;
        if best.as_ref().is_none_or(|(most, ..)| passed > *most) {
            best = Some((passed, edit, code, failing_test));
        }
        if passed > 0 {
            break;
        }
    }
    let (_, edit, code, _) = best?;
    // Once more with the bounds of everybody, which may name another reason.
    let (state, verdict) = judged(tools, checks, problem, &code);
    let told: serde_json::Value = serde_json::from_str(&verdict).ok()?;
    let failing_test = told["failing_test"].as_str()?.to_owned();
    let tests_passed = told["tests_passed"].as_u64()? as u32;
    (state == State::Failed).then_some(Broken { code, edit, failing_test, tests_passed, verdict })
}

/// Input, trace and output of the first visible test that can be traced.
fn traced(tools: &mut Tools, problem: &Problem) -> Option<(String, String, String)> {
    if !problem.is_plain() {
        return None;
    }
    let parts = outcome_parts(&problem.code)?;
    let cells = |values: &[Value]| -> Option<Vec<Cell>> {
        values.iter().map(|value| if let Value::Cell(cell) = value { Some(*cell) } else { None }).collect()
    };
    // The last ones are no edge cases: these say little.
    problem.spec.tests.iter().rev().find_map(|case| {
        let (inputs, outputs) = (cells(&case.input)?, cells(&case.output)?);
        let trace = trace::run(&mut tools.engine, &parts, problem.word(), &inputs, &outputs)?;
        let shown = |cells: &[Cell]| cells.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
        Some((shown(&inputs), trace, shown(&outputs)))
    })
}

/// The records of one configuration; most have one or none.
pub fn records(config: &Config, backed: &Backed<'_>, provenance: &Provenance) -> Vec<Fields> {
    let problem = backed.problem;
    let id = || Field::Text(problem.id.clone());
    let one = |fields: Fields| vec![fields];
    let broken = backed.broken.as_ref();
    match config.name {
        "problems" => one(canonical(problem, provenance)),
        "sft" => one(vec![
            id(),
            Field::Chat(vec![
                Message::new("system", "You write words in standard Forth."),
                Message::new("user", &*backed.prompt),
                Message::new("assistant", fenced(&problem.code)),
            ]),
        ]),
        "prompt_completion" => one(vec![id(), (&*backed.prompt).into(), (&*problem.code).into()]),
        "alpaca" => {
            let instruction = format!(
                "Write the Forth word `{}` with the stack effect {}.",
                problem.word(),
                problem.effect()
            );
            let rest = backed.prompt.strip_prefix(&instruction).unwrap_or(&backed.prompt).trim_start();
            one(vec![id(), instruction.as_str().into(), rest.into(), (&*problem.code).into()])
        }
        "preference" => broken.map_or_else(Vec::new, |broken| {
            one(vec![
                id(),
                (&*backed.prompt).into(),
                (&*problem.code).into(),
                (&*broken.code).into(),
                (&*broken.failing_test).into(),
                Field::Int(broken.tests_passed.into()),
                Field::Int(problem.spec.tests.len() as i64),
                (&*problem.spec_line).into(),
            ])
        }),
        "preference_unpaired" => {
            let labelled = |code: &str, label: bool| {
                vec![
                    id(),
                    (&*backed.prompt).into(),
                    code.into(),
                    Field::Bool(label),
                    (&*problem.spec_line).into(),
                ]
            };
            let good = std::iter::once(labelled(&problem.code, true));
            good.chain(broken.map(|broken| labelled(&broken.code, false))).collect()
        }
        "rl" => one(vec![
            id(),
            Field::Chat(vec![Message::new("user", &*backed.prompt)]),
            problem.word().into(),
            (&*problem.spec_line).into(),
            spec_json::cases(&problem.heldout).to_string().into(),
            Field::Int(i64::from(problem.band) + 1),
        ]),
        "humaneval" => human_eval(problem).into_iter().collect(),
        "trajectories" => trajectory(backed).into_iter().collect(),
        "traces" => backed.trace.as_ref().map_or_else(Vec::new, |(input, trace, output)| {
            let [input, trace, output] = [input, trace, output].map(|text| Field::Text(text.clone()));
            one(vec![id(), (&*problem.code).into(), input, trace, output])
        }),
        "repair" => broken.map_or_else(Vec::new, |broken| {
            one(vec![
                id(),
                repair_prompt(backed, broken).into(),
                (&*broken.code).into(),
                (&*broken.failing_test).into(),
                broken.edit.mending().into(),
                (&*problem.code).into(),
                (&*problem.spec_line).into(),
            ])
        }),
        other => unreachable!("{other} is no configuration"),
    }
}

fn canonical(problem: &Problem, provenance: &Provenance) -> Fields {
    let n_tests = problem.spec.tests.len() as i64;
    // All of them pass: what does not is no problem of the data set.
    let n_heldout = problem.heldout.len() as i64;
    vec![
        problem.id.as_str().into(),
        problem.word().into(),
        problem.spec.description.as_deref().unwrap_or("").into(),
        problem.effect().into(),
        (&*problem.spec_line).into(),
        spec_json::cases(&problem.heldout).to_string().into(),
        (&*problem.code).into(),
        Field::Texts(vec![problem.code.clone()]),
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
        blake3::hash(problem.code.as_bytes()).to_hex()[..32].into(),
        Field::Int(provenance.seed),
        Field::Int(ENGINE_VERSION.into()),
        concat!("wordmill ", env!("CARGO_PKG_VERSION")).into(),
        (&*provenance.license).into(),
    ]
}

fn fenced(code: &str) -> String {
    format!("```forth\n{code}\n```")
}

fn repair_prompt(backed: &Backed<'_>, broken: &Broken) -> String {
    format!(
        "{}\n\nThis attempt fails:\n{}\n\nThe first failing test: {}\n\nMend it with the smallest change.",
        backed.prompt,
        fenced(&broken.code),
        broken.failing_test
    )
}

/// The shape of HumanEval. The tests are lines of the standard tester; the held-out ones are among them, as there.
fn human_eval(problem: &Problem) -> Option<Fields> {
    if !problem.is_plain() {
        return None;
    }
    let parts = outcome_parts(&problem.code)?;
    let mut prompt = String::new();
    for line in problem.spec.description.as_deref().unwrap_or("").lines() {
        prompt += &format!("\\ {line}\n");
    }
    for case in problem.spec.tests.iter().take(2) {
        prompt += &format!("\\   {}\n", spec_json::shown(case));
    }
    prompt += &format!(": {} {}\n", problem.word(), problem.effect());
    let tests: Vec<String> = problem
        .spec
        .tests
        .iter()
        .chain(&problem.heldout)
        .map(|case| {
            let cells = |values: &[Value]| {
                let texts = values.iter().map(|value| match value {
                    Value::Cell(cell) => format!(" {cell}"),
                    Value::Str(_) | Value::Cells(_) => String::new(),
                });
                texts.collect::<String>()
            };
            format!("T{{{} {} ->{} }}T", cells(&case.input), problem.word(), cells(&case.output))
        })
        .collect();
    Some(vec![
        format!("wordmill/{}", problem.id).into(),
        prompt.into(),
        problem.word().into(),
        format!("  {} ;\n", parts.words.join(" ")).into(),
        (tests.join("\n") + "\n").into(),
    ])
}

/// The tools as a chat template takes them.
const TOOLS: &str = r#"[{"type":"function","function":{"name":"run_tests","description":"Runs the visible tests on code for a word and gives the verdict, as `wordmill judge` prints it.","parameters":{"type":"object","properties":{"word":{"type":"string"},"code":{"type":"string"}},"required":["word","code"]}}},{"type":"function","function":{"name":"infer","description":"The stack effect of Forth code, as `wordmill infer` prints it.","parameters":{"type":"object","properties":{"code":{"type":"string"}},"required":["code"]}}}]"#;

/// From broken code through the answers of the tools to verified code.
fn trajectory(backed: &Backed<'_>) -> Option<Fields> {
    let (problem, broken) = (backed.problem, backed.broken.as_ref()?);
    let mut messages = vec![
        Message::new(
            "system",
            "You write words in standard Forth. Check your code with the tools before you answer.",
        ),
        Message::new("user", &*backed.prompt),
    ];
    let mut call = |said: String, name: &'static str, arguments: serde_json::Value, answer: String| {
        let id = format!("call_{}", messages.len());
        let calls = vec![Call { id: id.clone(), name, arguments: arguments.to_string() }];
        messages.push(Message { role: "assistant", content: said, calls, answers: String::new() });
        messages.push(Message { role: "tool", content: answer, calls: Vec::new(), answers: id });
    };
    let word = problem.word();
    let code = &broken.code;
    let arguments = serde_json::json!({ "word": word, "code": code });
    call("I try a first version.".to_owned(), "run_tests", arguments, broken.verdict.clone());
    if let Some(effect) = &backed.effect {
        let said = format!("That fails: {}. I look at what the code does to the stack.", broken.failing_test);
        call(said, "infer", serde_json::json!({ "code": code }), effect.clone());
    }
    let arguments = serde_json::json!({ "word": word, "code": problem.code });
    call(format!("I {}.", broken.edit.mending()), "run_tests", arguments, backed.verdict.clone());
    messages.push(Message::new("assistant", format!("All visible tests pass:\n{}", fenced(&problem.code))));
    Some(vec![problem.id.as_str().into(), Field::Chat(messages), TOOLS.into(), (&*problem.spec_line).into()])
}
